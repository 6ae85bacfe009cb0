package leadloop

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// marshalPlainly is what MarshalJSON wrote before it was written by hand.
func marshalPlainly(l *Lead) ([]byte, error) {
	return json.Marshal(leadJSON{
		Version: leadVersion, ID: l.ID, Revision: l.Revision, ReceivedAt: l.ReceivedAt,
		Claims: l.Claims, Activities: l.Activities, State: l.State, Identifiers: l.Identifiers,
		MergedInto: l.MergedInto, Records: l.Records, PossibleDuplicates: l.PossibleDuplicates, Different: l.Different,
	})
}

func TestALeadIsWrittenAsPackageJSONWouldWriteIt(t *testing.T) {
	text := rapid.OneOf(rapid.SampledFrom([]string{"", "form", "<a&b>", "\u2028\"\\\n", "\xff"}), rapid.String())
	moment := rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "zero") {
			return time.Time{}
		}
		zone := time.FixedZone("", rapid.IntRange(-12, 12).Draw(t, "zone")*3600)
		return time.Unix(rapid.Int64Range(-70e9, 260e9).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")).In(zone)
	})
	value := rapid.Custom(func(t *rapid.T) Value {
		switch rapid.IntRange(0, 6).Draw(t, "kind") {
		case 0:
			return ValueOf(text.Draw(t, "text"))
		case 1:
			return ValueOf(rapid.Int64().Draw(t, "int"))
		case 2:
			return ValueOf(rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), 1e21, 1e-7})).Draw(t, "float"))
		case 3:
			return ValueOf(rapid.Bool().Draw(t, "bool"))
		case 4:
			return ValueOf(moment.Draw(t, "time"))
		case 5:
			return ValueOf(rapid.SliceOf(text).Draw(t, "list"))
		}
		return Value{}
	})
	ids := rapid.SliceOfN(rapid.Map(text, func(s string) LeadID { return LeadID(s) }), 0, 3)
	rapid.Check(t, func(t *rapid.T) {
		l := &Lead{
			ID: LeadID(text.Draw(t, "id")), Revision: rapid.Int64().Draw(t, "revision"), ReceivedAt: moment.Draw(t, "received"),
			MergedInto: LeadID(text.Draw(t, "into")), Records: ids.Draw(t, "records"), PossibleDuplicates: ids.Draw(t, "possible"), Different: ids.Draw(t, "different"),
		}
		for range rapid.IntRange(0, 3).Draw(t, "claims") {
			l.Claims = append(l.Claims, Claim{Field: text.Draw(t, "field"), Value: value.Draw(t, "value"), Evidence: Evidence{
				Origin: Origin(rapid.IntRange(0, 9).Draw(t, "origin")), Source: text.Draw(t, "source"), Record: LeadID(text.Draw(t, "record")),
				ObservedAt: moment.Draw(t, "observed"), VerifiedAt: moment.Draw(t, "verified"),
				Confidence: rapid.OneOf(rapid.Just(0.0), rapid.Float64()).Draw(t, "confidence"), Pin: Pin(rapid.IntRange(0, 3).Draw(t, "pin")),
			}})
		}
		if rapid.Bool().Draw(t, "more") {
			l.Activities = []Activity{{ID: text.Draw(t, "activity"), At: moment.Draw(t, "at"), Attributes: map[string]string{"b": "1", "a": text.Draw(t, "attribute")}}}
			l.Identifiers = []Identifier{{text.Draw(t, "kind"), text.Draw(t, "identifier")}}
			l.State = State{Owner: RepID(text.Draw(t, "owner")), OwnerSince: moment.Draw(t, "since")}
		}
		want, wantErr := marshalPlainly(l)
		got, err := json.Marshal(l)
		if (err == nil) != (wantErr == nil) || err == nil && string(got) != string(want) {
			t.Fatalf("written\n%s (%v), want\n%s (%v)", got, err, want, wantErr)
		}
		if plain, err := l.MarshalJSON(); err == nil && string(plain) != string(want) {
			t.Fatalf("written by itself\n%s, want\n%s", plain, want)
		}
	})
}

func BenchmarkLeadMarshalJSON(b *testing.B) {
	l := &Lead{ID: "ld_0123456789abcdef0123", ReceivedAt: time.Unix(1e9, 0).UTC()}
	for range 16 {
		l.Claims = append(l.Claims, Claim{Field: "company.industry", Value: ValueOf("software"), Evidence: Evidence{
			Origin: OriginPerson, Source: "form", Record: l.ID, ObservedAt: l.ReceivedAt,
		}})
	}
	for name, marshal := range map[string]func(*Lead) ([]byte, error){"by hand": (*Lead).MarshalJSON, "package json": marshalPlainly} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := marshal(l); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
