package dedupe_test

import (
	"slices"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe"
)

func TestAnUnmergedLeadIsFoundByWhatTheLoopsPolicyBelieves(t *testing.T) {
	policy, err := dedupe.NewPolicy(dedupe.PolicyDefinition{Ignore: []string{"bought-list"}}, leadloop.StandardSchema())
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	lead := func(id leadloop.LeadID, mail string) *leadloop.Lead {
		l := &leadloop.Lead{ID: id, ReceivedAt: at, Claims: []leadloop.Claim{
			leadloop.Email.Claim(mail, leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", Record: id, ObservedAt: at}),
		}}
		l.Identifiers = dedupe.LeadIdentifiers(l, policy)
		return l
	}
	merger := dedupe.Merger{Policy: policy}
	merged, tombstone, err := merger.Merge(lead("a", "ana@acme.com"), lead("b", "ben@acme.com"))
	if err != nil {
		t.Fatal(err)
	}
	merged.Claims = append(merged.Claims, leadloop.Phone.Claim("+14155552671", leadloop.Evidence{Origin: leadloop.OriginImport, Source: "bought-list", Record: "b", ObservedAt: at.Add(time.Hour)}))
	_, from, err := merger.Unmerge(merged, tombstone)
	if err != nil {
		t.Fatal(err)
	}
	if len(from.Claims) != 2 {
		t.Fatalf("what was claimed since did not come back: %d claims", len(from.Claims))
	}
	if want := dedupe.LeadIdentifiers(from, policy); !slices.Equal(from.Identifiers, want) {
		t.Errorf("found by %v, want %v", from.Identifiers, want)
	}
	if slices.Equal(from.Identifiers, dedupe.LeadIdentifiers(from, nil)) {
		t.Error("the default policy would say the same; this tests nothing")
	}
}
