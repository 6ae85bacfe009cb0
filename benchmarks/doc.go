// Package benchmarks scores the same leads by the same rules with several
// engines: hand-written Go, cel-go, expr-lang/expr, and ours.
//
// Every engine gets each lead in the form that suits it, made beforehand, and
// must return the same outcome for it; a test holds them to that. Figures from
// here compare engines within one run on one machine; between machines only
// their ratios mean anything.
//
// Start with NewModel, NewLeads and Engines. The program in ratios measures them
// in turns and prints the table of docs/PERFORMANCE.md.
package benchmarks
