package dedupe

import "github.com/leadloop/leadloop"

// PreviewField is one field of a merge that has not happened.
type PreviewField struct {
	Field string
	// Golden is the value after the merge and From the claim it would come from; From is the zero Claim if nothing says so.
	Golden leadloop.Value
	From   leadloop.Claim
	// Into and Other are the values of both leads before, IntoFrom and OtherFrom the claims they come from.
	Into, Other         leadloop.Value
	IntoFrom, OtherFrom leadloop.Claim
}

// Changed reports whether the merge would change what the surviving lead looks like.
func (f PreviewField) Changed() bool { return !f.Golden.Equal(f.Into) }

// Preview returns the golden record that Merge(into, from) would have, field by field in schema order with where each value comes from, and
// writes nothing. Fields that are absent on both sides are left out. Errors are those of Merge.
func Preview(schema *leadloop.Schema, policy leadloop.SurvivorshipPolicy, into, from *leadloop.Lead) ([]PreviewField, error) {
	merged, _, err := Merge(into, from)
	if err != nil {
		return nil, err
	}
	after := leadloop.Golden(schema, policy, merged.Claims)
	a, b := leadloop.Golden(schema, policy, into.Claims), leadloop.Golden(schema, policy, from.Claims)
	var out []PreviewField
	for i := range schema.Len() {
		f := PreviewField{Field: schema.At(i).Name, Golden: after.At(i), Into: a.At(i), Other: b.At(i)}
		if f.Golden.Presence() == leadloop.Absent && f.Into.Presence() == leadloop.Absent && f.Other.Presence() == leadloop.Absent {
			continue
		}
		f.From, _ = after.Provenance(f.Field)
		f.IntoFrom, _ = a.Provenance(f.Field)
		f.OtherFrom, _ = b.Provenance(f.Field)
		out = append(out, f)
	}
	return out, nil
}
