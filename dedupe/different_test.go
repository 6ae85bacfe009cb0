package dedupe_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe"
)

func TestWhatAHumanToldApartStaysApartThroughMerges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, x, y := drawLead(t, "a"), drawLead(t, "b"), drawLead(t, "x"), drawLead(t, "y")
		if rapid.Bool().Draw(t, "b has a record") {
			b, _ = mustMerge(t, b, drawLead(t, "c"))
		}
		b, x, err := dedupe.Part(b, x)
		if err != nil {
			t.Fatal(err)
		}
		if !dedupe.AreDifferent(b, x) || !dedupe.AreDifferent(x, b) || dedupe.AreDifferent(a, x) || dedupe.AreDifferent(a, b) {
			t.Fatal("Part parts b and x alone")
		}
		ab, tombB := mustMerge(t, a, b)
		yx, tombX := mustMerge(t, y, x)
		if !dedupe.AreDifferent(ab, x) || !dedupe.AreDifferent(b, yx) || !dedupe.AreDifferent(ab, yx) {
			t.Fatal("what b and x became part of is not different")
		}
		gotA, gotB := mustUnmerge(t, ab, tombB)
		gotY, gotX := mustUnmerge(t, yx, tombX)
		if diff := cmp.Diff([]*leadloop.Lead{a, b, x, y}, []*leadloop.Lead{gotA, gotB, gotX, gotY}, leadDiff); diff != "" {
			t.Fatalf("merge and un-merge changed something:\n%s", diff)
		}
		if dedupe.AreDifferent(gotA, gotY) || !dedupe.AreDifferent(gotB, gotX) {
			t.Fatal("after un-merge b and x alone are different")
		}
	})
}

func TestTheStageObeysWhatAHumanSaidAboutARecordOfALead(t *testing.T) {
	merged, _, err := dedupe.Merge(decided(jane.lead("l1", 0), "ana"), decided(jane.lead("l2", 1), ""))
	if err != nil {
		t.Fatal(err)
	}
	arrives := jane.lead("l9", 5)
	arrives.Different = []leadloop.LeadID{"l2"}
	got := decide(t, dedupe.NewStage(open(t, merged), dedupe.Options{Finder: finds(dedupe.Candidate{Lead: "l1", Probability: 1})}), subject(arrives, leadloop.TriggerSubmission))
	if got.MergeInto != "" || len(got.PossibleDuplicates) > 0 || len(got.Tasks) > 0 {
		t.Errorf("got %+v %s", essential(got), got.Trace)
	}
}

func TestPartAnswersTheQuestion(t *testing.T) {
	a := &leadloop.Lead{ID: "a", PossibleDuplicates: []leadloop.LeadID{"b", "c"}, Different: []leadloop.LeadID{"z"}}
	b := &leadloop.Lead{ID: "b", PossibleDuplicates: []leadloop.LeadID{"a"}}
	gotA, gotB, err := dedupe.Part(a, b)
	if err != nil {
		t.Fatal(err)
	}
	want := []*leadloop.Lead{
		{ID: "a", PossibleDuplicates: []leadloop.LeadID{"c"}, Different: []leadloop.LeadID{"b", "z"}},
		{ID: "b", Different: []leadloop.LeadID{"a"}},
	}
	if diff := cmp.Diff(want, []*leadloop.Lead{gotA, gotB}, leadDiff); diff != "" {
		t.Error(diff)
	}
	again, _, err := dedupe.Part(gotA, gotB)
	if diff := cmp.Diff(gotA, again, leadDiff); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if len(a.PossibleDuplicates) != 2 {
		t.Error("Part modified its argument")
	}
	for _, pair := range [][2]*leadloop.Lead{{a, a}, {a, nil}, {a, {ID: "m", MergedInto: "q"}}} {
		if _, _, err := dedupe.Part(pair[0], pair[1]); !errors.Is(err, leadloop.ErrInvalid) {
			t.Errorf("got %v, want ErrInvalid", err)
		}
	}
}
