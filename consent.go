package leadloop

import "time"

// ConsentEntry is one entry of the consent ledger: what a person said about one purpose, on
// which legal ground, and how that can be proved. Its texts are codes and
// references, no personal data.
type ConsentEntry struct {
	Token   string `json:"token"`   // see privacy.Tokens
	Purpose string `json:"purpose"` // a code, such as "email" or "enrichment"
	// State is what holds from At on: one of the consent values.
	State string `json:"state"`
	// Basis is the lawful basis, a code such as "consent" or "contract".
	Basis string `json:"basis,omitempty"`
	// Region is where the person was, an ISO 3166-1 alpha-2 code, "" if unknown.
	Region string `json:"region,omitempty"`
	// Wording names the text that the person saw, Proof where the evidence is
	// kept: a form's version, a message id, a file of the host's.
	Wording string `json:"wording,omitempty"`
	Proof   string `json:"proof,omitempty"`
	// Source is the form, list or rep that recorded it.
	Source string    `json:"source,omitempty"`
	At     time.Time `json:"at"`
}
