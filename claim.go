package leadloop

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Origin tells what kind of party made a claim. It is the first rung of the
// overwrite hierarchy: a vendor never clobbers what a rep typed.
type Origin uint8

// Origins, from the weakest to the strongest.
const (
	OriginDerived  Origin = iota // computed from another claim (seniority from title)
	OriginProvider               // an enrichment vendor
	OriginImport                 // a list, a CRM row, a file
	OriginPerson                 // the lead: a form, a call, a reply
	OriginRep                    // somebody of ours typed it
)

var originNames = [...]string{"derived", "provider", "import", "person", "rep"}

// String names o.
func (o Origin) String() string {
	if int(o) < len(originNames) {
		return originNames[o]
	}
	return "origin"
}

// Pin is how a human overrules survivorship for one field.
type Pin uint8

const (
	// NotPinned: survivorship decides.
	NotPinned Pin = iota
	// Pinned: this value wins until a later Unpinned claim.
	Pinned
	// Unpinned releases earlier pins of the field, and what was ignored; its
	// value is not a candidate.
	Unpinned
	// Ignored says that a human does not believe the value: whoever claims it,
	// and whatever the same source says of the same record instead, comes after
	// everything else until a later Unpinned claim. It is no candidate itself.
	Ignored
)

// Evidence is where a claim comes from.
type Evidence struct {
	Origin Origin `json:"origin"`
	// Source names the party within the origin: a form, a provider, a rep id.
	Source string `json:"source"`
	// Record is the submission or lead the claim arrived with; un-merge sends
	// a claim back to its record.
	Record LeadID `json:"record,omitempty"`
	// ObservedAt is when the source learnt the value, VerifiedAt when it was
	// last checked (zero: never).
	ObservedAt time.Time `json:"observed_at"`
	VerifiedAt time.Time `json:"verified_at,omitzero"`
	// Confidence is in [0, 1]; 0 means the source does not say.
	Confidence float64 `json:"confidence,omitempty"`
	Pin        Pin     `json:"pin,omitempty"`
}

// Claim is one statement about a lead: this field has this value, says this
// source. Claims are never changed, only added.
type Claim struct {
	Field string `json:"field"`
	Value Value  `json:"value"`
	Evidence
}

// EffectiveAt is the later of observation and verification.
func (e Evidence) EffectiveAt() time.Time {
	if e.VerifiedAt.After(e.ObservedAt) {
		return e.VerifiedAt
	}
	return e.ObservedAt
}

// Compare is a total order over distinct claims, so that ties are broken the
// same way everywhere.
func (c Claim) Compare(d Claim) int {
	return cmp.Or(
		strings.Compare(c.Field, d.Field),
		c.ObservedAt.Compare(d.ObservedAt),
		c.VerifiedAt.Compare(d.VerifiedAt),
		cmp.Compare(c.Origin, d.Origin),
		strings.Compare(c.Source, d.Source),
		strings.Compare(string(c.Record), string(d.Record)),
		cmp.Compare(c.Confidence, d.Confidence),
		cmp.Compare(c.Pin, d.Pin),
		c.Value.Compare(d.Value),
	)
}

// UniteClaims returns the union of both sets in canonical order, each distinct
// claim once. It modifies neither.
func UniteClaims(a, b []Claim) []Claim {
	out := slices.Concat(a, b)
	slices.SortFunc(out, Claim.Compare)
	return slices.CompactFunc(out, func(x, y Claim) bool { return x.Compare(y) == 0 })
}
