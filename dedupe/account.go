package dedupe

import (
	"cmp"
	"slices"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/normalize"
)

// accountEvidence is what speaks for an account being a person's company.
type accountEvidence struct {
	account leadloop.Account
	// host is how closely the domains agree, see the constants; a sub-domain of the account that the person is at counts one more per label.
	host    int
	label   bool // a name within the domain in common: acme.de, acme.com
	foreign bool // both have corporate domains, none in common
	name    nameLikeness
	country int  // 1 the same, -1 another, 0 not known of both
	named   bool // the person says a company
}

const (
	hostOther = iota
	// hostSibling: one registrable domain, but the account has only a sub-domain of it that the person is not at.
	hostSibling
	hostDomain
)

func newAccountEvidence(p Person, account leadloop.Account) accountEvidence {
	t := accountTraits(account)
	a := Person{[]traits{t}}
	e := accountEvidence{account: account, named: len(p.companies()) > 0}
	for _, h := range p.hosts() {
		for _, d := range t.hosts {
			e.host = max(e.host, compareHosts(h, d))
		}
	}
	e.label = share(labels(p.domains()), labels(a.domains()))
	e.foreign = disagree(p.domains(), a.domains())
	for _, key := range p.companies() {
		e.name = max(e.name, compareCompanies(key, t.company))
	}
	switch {
	case share(p.countries(), a.countries()):
		e.country = 1
	case disagree(p.countries(), a.countries()):
		e.country = -1
	}
	return e
}

// compareHosts says how closely a person's host agrees with an account's.
func compareHosts(host, account string) int {
	domain, err := normalize.Domain(account)
	if err != nil {
		return hostOther
	}
	switch d, err := normalize.Domain(host); {
	case err != nil || d != domain:
		return hostOther
	case host == account || strings.HasSuffix(host, "."+account):
		return hostDomain + strings.Count(strings.TrimSuffix(account, domain), ".")
	}
	return hostSibling
}

// labels returns the first labels of domains: "acme" of "acme.co.uk".
func labels(domains []string) []string {
	out := make([]string, len(domains))
	for i, d := range domains {
		out[i], _, _ = strings.Cut(d, ".")
	}
	return out
}

// match judges an account on its own.
func (e accountEvidence) match() Match {
	m := Match{Account: e.account.ID, Rule: RuleCompany}
	set := func(confidence float64, reason string) Match {
		m.Confidence, m.Reason = confidence, reason
		return m
	}
	switch {
	case e.host >= hostDomain:
		m.Rule = RuleDomain
		return set(1, "corporate domain of the account")
	case e.host == hostSibling:
		m.Rule = RuleDomain
		return set(0.96, "corporate domain of the account, but not its sub-domain")
	case e.name == companyEqual:
		switch {
		case e.label:
			return set(0.97, "same company name, and the same name within the domain")
		case e.foreign && e.country > 0:
			return set(0.95, "same company name and country, though another corporate domain")
		case e.foreign:
			return set(0.80, "same company name, but different corporate domains")
		case e.country > 0:
			return set(0.97, "same company name and country")
		case e.country < 0:
			return set(0.80, "same company name, but different countries")
		}
		return set(0.95, "same company name; nothing speaks against it")
	case e.name == companyClose || e.name == companyPart:
		m.Rule = RuleCompanyLike
		switch {
		case e.label:
			return set(0.95, "similar company name, and the same name within the domain")
		case e.foreign:
			return set(0.60, "similar company name, but different corporate domains")
		case e.name == companyClose && e.country > 0:
			return set(0.95, "similar company name and the same country")
		case e.country < 0:
			return set(0.60, "similar company name, but different countries")
		case e.name == companyClose:
			return set(0.85, "similar company name; nothing supports it")
		case e.country > 0:
			return set(0.85, "part or initials of the company name, and the same country")
		}
		return set(0.70, "part or initials of the company name; nothing supports it")
	}
	m.Rule = RuleNone
	return set(0, "neither domain nor company name in common")
}

// compare orders evidence by what makes one account of several the likelier one, best first. Equal is equal: ids decide nothing.
func (e accountEvidence) compare(f accountEvidence) int {
	return cmp.Or(
		cmp.Compare(min(f.match().Confidence, 0.96), min(e.match().Confidence, 0.96)),
		cmp.Compare(f.host, e.host),
		cmp.Compare(f.name, e.name),
		cmp.Compare(f.country, e.country),
		trueFirst(e.label, f.label),
	)
}

// CompareAccount compares a lead's company with an account.
//
// A corporate domain in common is a match, whichever of the account's domains it is. So is the same company name, unless domain or country speak
// against it: then the country, or the name within the domain (acme.de, acme.com), must confirm it. A close name (misspelt, abbreviated, without
// "group") needs one of these too, a part of the name or its initials the domain. Everything else is possible at most.
func CompareAccount(p Person, account leadloop.Account) Match {
	return newAccountEvidence(p, account).match()
}

// AccountChoice is which of several accounts a person belongs to.
type AccountChoice struct {
	// Account is the account chosen; "" if none matches or Ambiguous says that several do.
	Account leadloop.AccountID
	// Matches are all accounts compared, best first.
	Matches []Match
	// Ambiguous are the accounts between which nothing decides, in id order; nil if one was chosen or none matches.
	Ambiguous []leadloop.AccountID
}

// Chosen returns the match of the account chosen.
func (c AccountChoice) Chosen() (Match, bool) {
	i := slices.IndexFunc(c.Matches, func(m Match) bool { return c.Account != "" && m.Account == c.Account })
	if i < 0 {
		return Match{}, false
	}
	return c.Matches[i], true
}

// ChooseAccount chooses the account of a person among candidates, those that [CompareAccount] gives confidence threshold (0 means DefaultMatch)
// or more. Current is the account that the person is linked to, "" if none: it stays as long as it matches. Then, in this order:
//
//  1. The domain, the most specific first: of acme.com and de.acme.com, an address at de.acme.com means the second. A subsidiary is preferred
//     to its parent if the person says the subsidiary's name, also from the parent's domain.
//  2. Of several at one domain, or without a domain: the same company name, then a close one, then the country, then the name in the domain.
//  3. Of several that are still equal, the one that is the parent of all others.
//
// Nothing is chosen between accounts that are still equal, nor if the domain says one company and the name another that does not belong to it.
func ChooseAccount(p Person, candidates []leadloop.Account, current leadloop.AccountID, threshold float64) AccountChoice {
	threshold = cmp.Or(threshold, DefaultMatch)
	all := make([]accountEvidence, len(candidates))
	for i, a := range candidates {
		all[i] = newAccountEvidence(p, a)
	}
	slices.SortFunc(all, func(a, b accountEvidence) int {
		return cmp.Or(a.compare(b), strings.Compare(string(a.account.ID), string(b.account.ID)))
	})
	var c AccountChoice
	var matching []accountEvidence
	for _, e := range all {
		m := e.match()
		c.Matches = append(c.Matches, m)
		if m.Confidence >= threshold {
			matching = append(matching, e)
			if e.account.ID == current {
				c.Account = current
			}
		}
	}
	if c.Account != "" || len(matching) == 0 {
		return c
	}
	equals := slices.DeleteFunc(slices.Clone(matching), func(e accountEvidence) bool { return e.compare(matching[0]) != 0 })
	if sub, other := said(all, equals); sub != "" {
		c.Account = sub
		i := slices.IndexFunc(c.Matches, func(m Match) bool { return m.Account == sub })
		c.Matches[i] = Match{Account: sub, Rule: RuleCompany, Confidence: 0.97, Reason: "same company name, and the domain of its parent"}
	} else if other != "" {
		c.Ambiguous = append(ids(equals), other)
	} else {
		c.Account, c.Ambiguous = choose(equals)
	}
	slices.Sort(c.Ambiguous)
	return c
}

// choose decides between accounts for which the same speaks.
func choose(equals []accountEvidence) (leadloop.AccountID, []leadloop.AccountID) {
	for _, e := range equals {
		if !slices.ContainsFunc(equals, func(f accountEvidence) bool { return f.account.ID != e.account.ID && f.account.Parent != e.account.ID }) {
			return e.account.ID, nil
		}
	}
	return "", ids(equals)
}

// said looks for an account whose name the person says while the domain is that of tops: a subsidiary of one of them, or, if the names of the
// tops are others altogether, somebody else.
func said(all, tops []accountEvidence) (sub, other leadloop.AccountID) {
	if tops[0].host == hostOther || !tops[0].named || tops[0].name == companyEqual {
		return "", ""
	}
	for _, e := range all {
		switch {
		case e.name != companyEqual:
		case slices.ContainsFunc(tops, func(t accountEvidence) bool { return e.account.Parent == t.account.ID }):
			return e.account.ID, ""
		case e.country < 0 || tops[0].name > companyDiffers:
		case !slices.ContainsFunc(tops, func(t accountEvidence) bool { return related(e.account, t.account) }):
			other = cmp.Or(other, e.account.ID)
		}
	}
	return "", other
}

// related holds for parent and subsidiary, and for subsidiaries of one parent.
func related(a, b leadloop.Account) bool {
	return a.ID == b.ID || a.ID == b.Parent || b.ID == a.Parent || a.Parent != "" && a.Parent == b.Parent
}

func ids(all []accountEvidence) []leadloop.AccountID {
	out := make([]leadloop.AccountID, len(all))
	for i, e := range all {
		out[i] = e.account.ID
	}
	return out
}
