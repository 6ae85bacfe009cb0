package leadloop

import (
	"fmt"
	"math"
	"slices"
)

// Profile is what a lead looks like: one golden value per field of a schema,
// dense, so that rules read by position. A profile belongs to one goroutine
// while it is written; it may be read by many.
type Profile struct {
	schema *Schema
	row    Row
	past   History
	from   []int32 // index+1 of the winning claim, when made from claims
	claims []Claim
}

// NewProfile returns a profile in which every field is absent.
func (s *Schema) NewProfile() *Profile {
	return &Profile{schema: s, past: History{Latest: math.MinInt64}, row: Row{
		Marks: make([]Mark, len(s.defs)), Words: make([]uint64, s.words), Texts: make([]string, s.texts),
		Lists: make([][]string, s.lists), Items: make([][]TextKey, s.lists),
	}}
}

// Schema returns the schema the profile was made with.
func (p *Profile) Schema() *Schema { return p.schema }

// Row returns the profile as it lies in memory.
func (p *Profile) Row() *Row { return &p.row }

// SetActivities tells what the lead did, for evaluations that are given this list
// or none. The profile keeps a reference to the list, whose activities must not
// change. Do it once, next to the golden values: sorting activities by type and
// time costs about as much as evaluating forty rules over them.
func (p *Profile) SetActivities(list []Activity) {
	p.past = History{} // a copy of the profile may share what it had
	p.past.Fill(list)
	p.past.types = nil
}

// History returns the activities of the profile. It must not be modified.
func (p *Profile) History() *History { return &p.past }

// At returns the value of the i-th field of the schema.
func (p *Profile) At(i int) Value { return p.row.at(p.schema.defs[i].Kind, i, p.schema.places[i]) }

// Value returns the golden value of a field by name; a name that the schema
// does not have is absent.
func (p *Profile) Value(name string) Value {
	if i, ok := p.schema.index[name]; ok {
		return p.At(i)
	}
	return Value{}
}

// SetValue stores a golden value. It fails if the schema does not have the
// field or has it with another kind.
func (p *Profile) SetValue(name string, v Value) error {
	i, ok := p.schema.index[name]
	if !ok {
		return fmt.Errorf("field %s: %w: not in the schema", name, ErrInvalid)
	}
	if v.presence != Absent && v.kind != p.schema.defs[i].Kind {
		return fmt.Errorf("field %s: %w: is a %s, not a %s", name, ErrInvalid, p.schema.defs[i].Kind, v.kind)
	}
	p.row.set(v, p.schema.defs[i].Kind, i, p.schema.places[i])
	if p.from != nil {
		p.from[i] = 0
	}
	return nil
}

// Provenance returns the claim that gave the field its golden value. It is
// false for a field that is absent or was set directly.
func (p *Profile) Provenance(name string) (Claim, bool) {
	i, ok := p.schema.index[name]
	if !ok || p.from == nil || p.from[i] == 0 {
		return Claim{}, false
	}
	return p.claims[p.from[i]-1], true
}

// Clone returns an independent copy.
func (p *Profile) Clone() *Profile {
	q := *p
	q.row = Row{Marks: slices.Clone(p.row.Marks), Words: slices.Clone(p.row.Words), Texts: slices.Clone(p.row.Texts),
		Lists: slices.Clone(p.row.Lists), Items: slices.Clone(p.row.Items)}
	q.from = slices.Clone(p.from)
	return &q
}

// Golden computes a profile from claims: for every field of the schema it asks
// the policy which claim wins. Claims for fields the schema does not have, or
// with another kind, are left out (they stay stored). The claims are not
// modified; the profile keeps a reference to them for [Profile.Provenance].
func Golden(s *Schema, policy SurvivorshipPolicy, claims []Claim) *Profile {
	p := s.NewProfile()
	p.claims = claims
	p.from = make([]int32, len(s.defs))
	byField := make([][]int32, len(s.defs))
	for i := range claims {
		if j, ok := s.index[claims[i].Field]; ok && claims[i].Value.kind == s.defs[j].Kind {
			byField[j] = append(byField[j], int32(i))
		}
	}
	pick := Contest{Claims: claims}
	for j, idx := range byField {
		if len(idx) == 0 {
			continue
		}
		pick.Field, pick.Candidates = s.defs[j].Name, idx
		w, v := policy.Survivor(pick)
		if w < 0 || v.kind != s.defs[j].Kind {
			continue
		}
		p.row.set(v, v.kind, j, s.places[j])
		p.from[j] = int32(w) + 1
	}
	return p
}

// Contest is the claims that compete for one field.
type Contest struct {
	Field string
	// Claims are all claims of the lead, in no meaningful order, so that a
	// policy can take a group of fields whole.
	Claims []Claim
	// Candidates are the positions in Claims of this field's claims, at least
	// one.
	Candidates []int32
}

// SurvivorshipPolicy decides which claim a field's golden value comes from.
//
// Survivor returns the position in c.Claims of the winner and the golden
// value, which is the winner's value except for lists that are united. A
// position of -1 leaves the field absent, and so does a value of another kind
// than the field's. The answer must depend on the set of
// claims alone, not on their order, and must not invent a value. It is called
// concurrently and must not keep or modify c.
type SurvivorshipPolicy interface {
	Survivor(c Contest) (winner int, golden Value)
}

// SurvivorshipFunc makes a function a SurvivorshipPolicy.
type SurvivorshipFunc func(c Contest) (int, Value)

// Survivor calls f.
func (f SurvivorshipFunc) Survivor(c Contest) (int, Value) { return f(c) }
