package enrich

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/normalize"
)

// Bounds on what is taken from one answer.
const (
	maxFacts     = 1000
	maxText      = 8 << 10
	maxListItems = 1000
	maxListText  = 64 << 10
)

// Refusal is a value that was not accepted.
type Refusal struct {
	// Field is a field of the schema; empty if the provider named none.
	Field string `json:"field,omitempty"`
	// Reason is a code: unknown_field, undeclared_field, duplicate_field,
	// wrong_type, too_large, bad_confidence, low_confidence, invalid or
	// placeholder.
	Reason string `json:"reason"`
}

// fence takes from an answer what the source was asked for and nothing else.
// It returns one entry per wanted field, and a failure if the answer as a
// whole can't be trusted.
func (w *Waterfall) fence(src *guard, q Query, a Answer, asOf time.Time) (map[string]entry, []Refusal, *LookupError) {
	if len(a.Facts) > maxFacts || len(a.NotFound) > maxFacts {
		return nil, nil, &LookupError{Reason: ReasonBadAnswer, Detail: "more than 1000 facts"}
	}
	matched := a.Matched || len(a.Facts) > 0
	said := make(map[string]entry, len(q.Want))
	for _, f := range q.Want {
		e := entry{At: asOf, Matched: matched}
		if !matched || slices.Contains(a.NotFound, f) {
			e.Said = saidNone
		}
		said[f] = e
	}
	var refused []Refusal
	for _, f := range a.Facts {
		def, ok := w.schema.Lookup(f.Field)
		if !ok {
			// Its name is not repeated: it can be anything.
			refused = append(refused, Refusal{Reason: "unknown_field"})
			continue
		}
		reason := factProblem(def, f)
		switch {
		case reason != "":
		case slices.Contains(src.Needs, f.Field):
			if v, reason := canonical(def, f.Value, "", asOf); reason == "" && !strings.EqualFold(v.String(), q.Value(f.Field)) {
				return nil, nil, &LookupError{Reason: ReasonBadAnswer, Detail: "the answer is about somebody else: its " + f.Field + " is not the one asked by"}
			}
			continue
		case !slices.Contains(src.Fields, f.Field):
			reason = "undeclared_field"
		case !q.Wants(f.Field), f.Value.Presence() == leadloop.Absent, f.Value.Presence() == leadloop.Empty:
			continue
		case said[f.Field].Said == saidValue:
			reason = "duplicate_field"
		}
		if reason != "" {
			refused = append(refused, Refusal{Field: f.Field, Reason: reason})
			continue
		}
		e := said[f.Field]
		if e.Said = saidValue; f.Value.Presence() == leadloop.KnownAbsent {
			e.Said = saidNone
		} else {
			e.Value, e.Confidence = f.Value, f.Confidence
			if !f.VerifiedAt.After(asOf) {
				e.VerifiedAt = f.VerifiedAt.UTC()
			}
		}
		said[f.Field] = e
	}
	return said, refused, nil
}

func factProblem(def leadloop.FieldDef, f Fact) string {
	v := f.Value
	if v.Presence() != leadloop.Absent && v.Kind() != def.Kind {
		return "wrong_type"
	}
	// What JSON can't hold could not be kept either.
	if y := v.Time().Year(); y < 1 || y > 9999 || math.IsNaN(v.Float()) || math.IsInf(v.Float(), 0) {
		return "invalid"
	}
	if len(v.Text()) > maxText || v.Len() > maxListItems {
		return "too_large"
	}
	sum := 0
	for i := range v.Len() {
		sum += len(v.At(i))
	}
	if sum > maxListText {
		return "too_large"
	}
	if !(f.Confidence >= 0 && f.Confidence <= 1) {
		return "bad_confidence"
	}
	return ""
}

// accept brings a value into canonical form, or says why it is not accepted.
func (w *Waterfall) accept(def leadloop.FieldDef, e entry, country string, asOf time.Time) (leadloop.Value, string) {
	v, reason := canonical(def, e.Value, country, asOf)
	if reason != "" {
		return leadloop.Value{}, reason
	}
	p := w.o.Policies[def.Name]
	if e.Confidence < p.MinConfidence {
		return leadloop.Value{}, "low_confidence"
	}
	if n, ok := number(v); ok && (p.Min != nil && n < *p.Min || p.Max != nil && n > *p.Max) {
		return leadloop.Value{}, "invalid"
	}
	if p.Valid != nil && !p.Valid(v) {
		return leadloop.Value{}, "invalid"
	}
	return v, ""
}

func number(v leadloop.Value) (float64, bool) {
	switch v.Kind() {
	case leadloop.KindInt:
		return float64(v.Int()), true
	case leadloop.KindFloat:
		return v.Float(), true
	}
	return 0, false
}

// canonical validates what every playbook means by the standard fields. The
// country helps to read phone numbers.
func canonical(def leadloop.FieldDef, v leadloop.Value, country string, asOf time.Time) (leadloop.Value, string) {
	if v.Presence() != leadloop.Present {
		return leadloop.Value{}, "invalid"
	}
	invalid := false
	switch v.Kind() {
	case leadloop.KindString:
		s := normalize.Text(v.Text())
		var err error
		switch def.Name {
		case leadloop.Email.Name():
			var e normalize.EmailAddress
			e, err = normalize.Email(s)
			s = e.Address
		case leadloop.Phone.Name(), leadloop.Mobile.Name():
			var p normalize.PhoneNumber
			p, err = normalize.Phone(s, country)
			s = p.E164
		case leadloop.Domain.Name():
			s, err = normalize.Domain(s)
		case leadloop.LinkedInURL.Name():
			s, err = normalize.LinkedInURL(s)
		case leadloop.Country.Name(), leadloop.CompanyCountry.Name():
			var ok bool
			s, ok = normalize.Country(s)
			invalid = !ok
		case leadloop.FirstName.Name(), leadloop.LastName.Name():
			invalid = s == "" // people are called Null and None
		default:
			if normalize.IsNull(s) {
				return leadloop.Value{}, "placeholder"
			}
		}
		v, invalid = leadloop.ValueOf(s), invalid || err != nil
	case leadloop.KindInt:
		switch def.Name {
		case leadloop.Employees.Name(), leadloop.Revenue.Name():
			invalid = v.Int() <= 0
		case leadloop.Founded.Name():
			invalid = v.Int() < 1000 || v.Int() > int64(asOf.UTC().Year())
		}
	case leadloop.KindFloat:
		invalid = def.Name == leadloop.HiringVelocity.Name() && v.Float() < 0
	case leadloop.KindTime:
		invalid = def.Name == leadloop.FundingDate.Name() && v.Time().After(asOf)
	case leadloop.KindStrings:
		list := make([]string, 0, v.Len())
		for i := range v.Len() {
			if s := normalize.Text(v.At(i)); s != "" && !normalize.IsNull(s) && !slices.Contains(list, s) {
				list = append(list, s)
			}
		}
		if len(list) == 0 {
			return leadloop.Value{}, "placeholder"
		}
		v = leadloop.ValueOf(list)
	}
	if invalid {
		return leadloop.Value{}, "invalid"
	}
	return v, ""
}
