package routing

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
)

func TestAValueThatNoCapturedLeadHasIsWarnedOf(t *testing.T) {
	def, err := Parse("routing.yaml", []byte(`queues: [{id: inbox}]
chain:
  - {id: dach, country: [DE, Germany, Atlantis], target: {queue: inbox}}
  - {id: ads, source: [google-ads, AdWords], target: {queue: inbox}}
final: inbox
`))
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(def, SLADefinition{}, leadloop.StandardSchema(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range r.Warnings() {
		got = append(got, p.String())
	}
	want := []string{
		`routing.yaml:3:5: warning: entry dach: no captured lead has the country "Germany" (it is written "DE")`,
		`routing.yaml:3:5: warning: entry dach: no captured lead has the country "Atlantis"`,
		`routing.yaml:4:5: warning: entry ads: no captured lead has the source "AdWords" (it is written "google-ads")`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
