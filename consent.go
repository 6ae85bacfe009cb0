package leadloop

import "time"

// ConsentEntry is one entry of the consent ledger: what a person said about one purpose, on
// which legal ground, and how that can be proved. Its texts are codes and
// references, no personal data.
type ConsentEntry struct {
	Token   string // see privacy.Tokens
	Purpose string // a code, such as "email" or "enrichment"
	// State is what holds from At on: one of the consent values.
	State string
	// Basis is the lawful basis, a code such as "consent" or "contract".
	Basis string
	// Region is where the person was, an ISO 3166-1 alpha-2 code, "" if unknown.
	Region string
	// Wording names the text that the person saw, Proof where the evidence is
	// kept: a form's version, a message id, a file of the host's.
	Wording, Proof string
	// Source is the form, list or rep that recorded it.
	Source string
	At     time.Time
}
