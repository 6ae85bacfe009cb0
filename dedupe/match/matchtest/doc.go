// Package matchtest makes B2B leads with known duplicates and accounts.
//
// Guarantee: the same number of records and seed give the same bytes on every machine, record by record in any order; a million leads stream
// in seconds without being held in memory.
//
// Most pairs that look alike are colleagues, not duplicates: of one company, mail host, site, city and switchboard, with other names. A learner
// without labels that takes them for its matches fails here.
//
// Non-guarantee: people, addresses, phone numbers and domains are made up (names of companies are not) and must never be written to or called.
// Names and error rates are plausible, not a census. A release may change the records of a seed.
//
// Start with [New]; what a matcher made of them, package measure says. For tests and benchmarks only.
package matchtest
