// Package normalize brings what people and forms send into one canonical form: e-mail, phone, names, domains, companies, titles, countries, sources.
//
// Guarantee: every function is pure, safe for concurrent use, does no I/O, never panics, and is idempotent: its canonical form normalises to
// itself, so stored values can be normalised again. The same input gives the same output for one [Version]. No error text holds the input.
//
// Non-guarantee: a well-formed e-mail need not exist and a valid phone number need not be in service; names, titles and companies are read by
// rules and tables, mostly for English and the large European languages.
//
// Start with [Email], [Phone], [Domain], [Company] and [FullName]; [Fold] is the comparison form under all the keys, and [IsPlaceholder] says
// which values must never link two records.
package normalize

// Version names the canonical forms of e-mail addresses, phone numbers and domains.
//
// It is raised whenever any input may get another canonical form than before. Whoever stores a token derived from a canonical form (a keyed
// hash for suppression, an idempotency key) must store Version with it, or a corrected rule would silently un-suppress people.
const Version = 1
