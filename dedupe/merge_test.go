package dedupe_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe"
)

// drawLead makes a lead as the engine keeps it: claims and activities carry its id, identifiers are those of its claims.
func drawLead(t *rapid.T, id leadloop.LeadID) *leadloop.Lead {
	label := string(id)
	l := &leadloop.Lead{
		ID: id, Revision: rapid.Int64Range(0, 3).Draw(t, label+" revision"), ReceivedAt: day(rapid.IntRange(0, 3).Draw(t, label+" received")),
		Claims: drawClaims(t, id, label+" claims"),
		State:  leadloop.State{Owner: leadloop.RepID(rapid.SampledFrom([]string{"", "ana", "ben"}).Draw(t, label+" owner"))},
	}
	for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(0, 9), 0, 3, rapid.ID).Draw(t, label+" activities") {
		l.Activities = append(l.Activities, leadloop.Activity{ID: fmt.Sprintf("%s-%d", id, n), Type: "page_view", At: day(n), Record: id})
	}
	l.Activities = leadloop.UniteActivities(nil, l.Activities)
	l.Identifiers = dedupe.LeadIdentifiers(l, nil)
	return l
}

// later adds what is said and done after a merge about one of the lead's records.
func drawLater(t *rapid.T, l *leadloop.Lead, record leadloop.LeadID, label string) *leadloop.Lead {
	c := l.Clone()
	c.Claims = leadloop.UniteClaims(c.Claims, drawClaims(t, record, label+" claims"))
	c.Activities = leadloop.UniteActivities(c.Activities, []leadloop.Activity{{ID: label, Type: "reply", At: day(9), Record: record}})
	c.Identifiers = dedupe.LeadIdentifiers(c, nil)
	return c
}

func mustMerge(t *rapid.T, into, from *leadloop.Lead) (merged, tombstone *leadloop.Lead) {
	merged, tombstone, err := dedupe.Merge(into, from)
	if err != nil {
		t.Fatal(err)
	}
	return merged, tombstone
}

func mustUnmerge(t *rapid.T, merged, tombstone *leadloop.Lead) (into, from *leadloop.Lead) {
	into, from, err := dedupe.Unmerge(merged, tombstone)
	if err != nil {
		t.Fatal(err)
	}
	return into, from
}

var leadDiff = cmp.Options{cmpopts.EquateEmpty(), cmp.Comparer(func(a, b leadloop.Value) bool { return a.Equal(b) })}

// content is a merged lead without the order in which it was put together.
func content(l *leadloop.Lead) *leadloop.Lead {
	c := l.Clone()
	slices.Sort(c.Records)
	return c
}

func TestMergeIsCommutativeInContent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawLead(t, "a"), drawLead(t, "b")
		into, from := dedupe.Survivor(a, b)
		into2, from2 := dedupe.Survivor(b, a)
		if into != into2 || from != from2 {
			t.Fatal("the survivor depends on the order of the arguments")
		}
		ab, _ := mustMerge(t, a, b)
		ba, _ := mustMerge(t, b, a)
		ba.ID, ba.State, ba.Revision, ba.Records = ab.ID, ab.State, ab.Revision, ab.Records // these are the survivor's
		if diff := cmp.Diff(ab, ba, leadDiff); diff != "" {
			t.Fatalf("a·b and b·a differ:\n%s", diff)
		}
	})
}

func TestMergeIsAssociative(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := drawLead(t, "a"), drawLead(t, "b"), drawLead(t, "c")
		ab, _ := mustMerge(t, a, b)
		left, _ := mustMerge(t, ab, c)
		bc, _ := mustMerge(t, b, c)
		right, _ := mustMerge(t, a, bc)
		if diff := cmp.Diff(content(left), content(right), leadDiff); diff != "" {
			t.Fatalf("(a·b)·c and a·(b·c) differ:\n%s", diff)
		}
	})
}

func TestMergeIsIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawLead(t, "a"), drawLead(t, "b")
		merged, tombstone := mustMerge(t, a, b)
		again, tombstoneAgain := mustMerge(t, merged, tombstone)
		if diff := cmp.Diff([]*leadloop.Lead{merged, tombstone}, []*leadloop.Lead{again, tombstoneAgain}, leadDiff); diff != "" {
			t.Fatalf("merging a tombstone again changed something:\n%s", diff)
		}
	})
}

func TestMergeUnitesAndInventsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawLead(t, "a"), drawLead(t, "b")
		beforeA, beforeB := a.Clone(), b.Clone()
		merged, tombstone := mustMerge(t, a, b)
		if diff := cmp.Diff([]*leadloop.Lead{beforeA, beforeB}, []*leadloop.Lead{a, b}, leadDiff); diff != "" {
			t.Fatalf("Merge modified its arguments:\n%s", diff)
		}
		union := leadloop.UniteClaims(a.Claims, b.Claims)
		claims := slices.DeleteFunc(slices.Clone(merged.Claims), func(c leadloop.Claim) bool { return c.Field == "merge.received_at" })
		if diff := cmp.Diff(union, claims, leadDiff); diff != "" {
			t.Fatalf("claims are not the union:\n%s", diff)
		}
		if diff := cmp.Diff(leadloop.UniteActivities(a.Activities, b.Activities), merged.Activities, leadDiff); diff != "" {
			t.Fatalf("activities are not the union:\n%s", diff)
		}
		if diff := cmp.Diff(dedupe.LeadIdentifiers(merged, nil), merged.Identifiers, leadDiff); diff != "" {
			t.Fatalf("identifiers are not those of the claims:\n%s", diff)
		}
		beforeB.MergedInto = "a"
		if diff := cmp.Diff(beforeB, tombstone, leadDiff); diff != "" {
			t.Fatalf("the tombstone is not what it was:\n%s", diff)
		}
		if merged.ReceivedAt.After(a.ReceivedAt) || merged.ReceivedAt.After(b.ReceivedAt) {
			t.Fatal("the merged lead was received later than one of its records")
		}
	})
}

func TestUnmergeUndoesMergeWithWhatWasClaimedSince(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawLead(t, "a"), drawLead(t, "b")
		merged, tombstone := mustMerge(t, a, b)
		into, from := mustUnmerge(t, merged, tombstone)
		if diff := cmp.Diff([]*leadloop.Lead{a, b}, []*leadloop.Lead{into, from}, leadDiff); diff != "" {
			t.Fatalf("merge and un-merge changed something:\n%s", diff)
		}
		merged = drawLater(t, drawLater(t, merged, "a", "later-a"), "b", "later-b")
		into, from = mustUnmerge(t, merged, tombstone)
		wantA, wantB := a.Clone(), b.Clone()
		for _, c := range merged.Claims {
			if c.Field != "merge.received_at" {
				if c.Record == "a" {
					wantA.Claims = leadloop.UniteClaims(wantA.Claims, []leadloop.Claim{c})
				} else {
					wantB.Claims = leadloop.UniteClaims(wantB.Claims, []leadloop.Claim{c})
				}
			}
		}
		wantA.Activities = append(wantA.Activities, leadloop.Activity{ID: "later-a", Type: "reply", At: day(9), Record: "a"})
		wantB.Activities = append(wantB.Activities, leadloop.Activity{ID: "later-b", Type: "reply", At: day(9), Record: "b"})
		wantA.Activities, wantB.Activities = leadloop.UniteActivities(nil, wantA.Activities), leadloop.UniteActivities(nil, wantB.Activities)
		wantA.Identifiers, wantB.Identifiers = dedupe.LeadIdentifiers(wantA, nil), dedupe.LeadIdentifiers(wantB, nil)
		if diff := cmp.Diff([]*leadloop.Lead{wantA, wantB}, []*leadloop.Lead{into, from}, leadDiff); diff != "" {
			t.Fatalf("what was claimed since went elsewhere:\n%s", diff)
		}
	})
}

func TestUnmergeWorksInAnyOrderAndWithRecordsOfRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c, d := drawLead(t, "a"), drawLead(t, "b"), drawLead(t, "c"), drawLead(t, "d")
		cd, tombD := mustMerge(t, c, d)
		ab, tombB := mustMerge(t, a, b)
		all, tombC := mustMerge(t, ab, cd)
		rest, gotB := mustUnmerge(t, all, tombB)
		gotA, gotCD := mustUnmerge(t, rest, tombC)
		gotC, gotD := mustUnmerge(t, gotCD, tombD)
		if diff := cmp.Diff([]*leadloop.Lead{a, b, c, d}, []*leadloop.Lead{gotA, gotB, gotC, gotD}, leadDiff); diff != "" {
			t.Fatalf("un-merging in another order changed something:\n%s", diff)
		}
		if _, _, err := dedupe.Unmerge(all, tombD); !errors.Is(err, leadloop.ErrInvalid) {
			t.Fatalf("a lead that came along with another was taken out directly: %v", err)
		}
	})
}

func TestConsentOfAMergedLeadIsTheMostRestrictive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawLead(t, "a"), drawLead(t, "b")
		merged, _ := mustMerge(t, a, b)
		consent := func(l *leadloop.Lead) int {
			v, _ := leadloop.Consent.Get(leadloop.Golden(leadloop.StandardSchema(), dedupe.DefaultPolicy(), l.Claims))
			i := slices.Index([]string{"withdrawn", "denied", "pending", "granted", ""}, v)
			return i
		}
		// A pending that the same source later granted elsewhere is confirmed: only a refusal must survive.
		if want := min(consent(a), consent(b)); want <= 1 && consent(merged) != want {
			t.Fatalf("consent is %d, want %d", consent(merged), want)
		}
	})
}

func TestAnActivityOfBothLeadsStandsOnce(t *testing.T) {
	click := func(record leadloop.LeadID) leadloop.Activity {
		return leadloop.Activity{ID: "click-1", Type: "click", At: day(1), Record: record}
	}
	a := &leadloop.Lead{ID: "b-survivor", ReceivedAt: day(0), Activities: []leadloop.Activity{click("b-survivor")}}
	b := &leadloop.Lead{ID: "a-other", ReceivedAt: day(1), Activities: []leadloop.Activity{click("a-other")}}
	merged, tombstone, err := dedupe.Merge(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]leadloop.Activity{click("b-survivor")}, merged.Activities); diff != "" {
		t.Error(diff)
	}
	into, from, err := dedupe.Unmerge(merged, tombstone)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]*leadloop.Lead{a, b}, []*leadloop.Lead{into, from}, leadDiff); diff != "" {
		t.Error(diff)
	}
}

func TestMergeRefuses(t *testing.T) {
	lead := func(id leadloop.LeadID) *leadloop.Lead { return &leadloop.Lead{ID: id, ReceivedAt: day(0)} }
	gone := lead("gone")
	gone.MergedInto = "elsewhere"
	holder := lead("holder")
	holder.Records = []leadloop.LeadID{"b"}
	stranger := lead("stranger")
	stranger.Claims = []leadloop.Claim{leadloop.City.Claim("Rome", with(by(person, "demo", 1), func(e *leadloop.Evidence) { e.Record = "unknown" }))}
	for _, tc := range []struct {
		name       string
		into, from *leadloop.Lead
	}{
		{"a lead into itself", lead("a"), lead("a")},
		{"a lead that is part of another", lead("a"), gone},
		{"into a lead that is part of another", gone, lead("a")},
		{"two leads that hold one record", holder, lead("b")},
		{"claims of a record that is not part of the lead", lead("a"), stranger},
		{"nothing", lead("a"), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, _, err := dedupe.Merge(tc.into, tc.from); !errors.Is(err, leadloop.ErrInvalid) {
				t.Errorf("got %v, want ErrInvalid", err)
			}
		})
	}
	t.Run("un-merge of what is not merged", func(t *testing.T) {
		if _, _, err := dedupe.Unmerge(lead("a"), gone); !errors.Is(err, leadloop.ErrInvalid) {
			t.Errorf("got %v, want ErrInvalid", err)
		}
	})
}

func TestPreviewShowsEachFieldWithItsSource(t *testing.T) {
	a := &leadloop.Lead{ID: "a", ReceivedAt: day(0), Claims: []leadloop.Claim{
		leadloop.City.Claim("Rome", with(by(rep, "ana", 1), func(e *leadloop.Evidence) { e.Record = "a" })),
	}}
	b := &leadloop.Lead{ID: "b", ReceivedAt: day(1), Claims: []leadloop.Claim{
		leadloop.City.Claim("Oslo", with(by(provider, "x", 2), func(e *leadloop.Evidence) { e.Record = "b" })),
		leadloop.Title.Claim("CTO", with(by(person, "demo", 2), func(e *leadloop.Evidence) { e.Record = "b" })),
	}}
	got, err := dedupe.Preview(leadloop.StandardSchema(), dedupe.DefaultPolicy(), a, b)
	if err != nil {
		t.Fatal(err)
	}
	want := []dedupe.PreviewField{
		{Field: "lead.title", Golden: leadloop.ValueOf("CTO"), From: b.Claims[1], Other: leadloop.ValueOf("CTO"), OtherFrom: b.Claims[1]},
		{Field: "lead.city", Golden: leadloop.ValueOf("Rome"), From: a.Claims[0], Into: leadloop.ValueOf("Rome"), IntoFrom: a.Claims[0],
			Other: leadloop.ValueOf("Oslo"), OtherFrom: b.Claims[0]},
	}
	if diff := cmp.Diff(want, got, leadDiff); diff != "" {
		t.Errorf("Preview (-want +got):\n%s", diff)
	}
	if !got[0].Changed() || got[1].Changed() {
		t.Error("the title changes, the city does not")
	}
	if _, err := dedupe.Preview(leadloop.StandardSchema(), dedupe.DefaultPolicy(), a, a); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("got %v, want ErrInvalid", err)
	}
}
