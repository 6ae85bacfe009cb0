// Package dedupe finds out who a lead already is: it matches leads to leads, contacts, accounts and open opportunities, merges and un-merges
// them, and decides by a [Policy] which claim is believed.
//
// Guarantee: every answer depends on the set of claims alone, never on their order; nothing is invented (a golden value is always some claim's);
// shared and placeholder values never link; un-merge gives each lead back what was claimed with it, also since. Every link names its rule.
//
// Non-guarantee: for people the ladder compares exact normalised values, nicknames and initials; it does not find misspelt names, and its
// confidences are ranks of rules, not probabilities. A [Finder] adds a learnt model, such as that of package match.
//
// Start with [NewStage]; by hand, with [PersonOf] and [Compare], [ChooseAccount], [Merge], [Preview] and [NewPolicy].
package dedupe
