package dedupe_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

func finds(candidates ...dedupe.Candidate) dedupe.Finder {
	return dedupe.FinderFunc(func(context.Context, *leadloop.Lead) ([]dedupe.Candidate, error) { return candidates, nil })
}

func TestTheModelDecidesWhereTheLadderIsNotSure(t *testing.T) {
	arrives := who{email: "jane.doe@acme.com", first: "Jane", last: "Doe"}
	for _, tc := range []struct {
		name        string
		stored      who
		different   bool
		probability float64
		o           dedupe.Options
		verdict     string
		rule        string
	}{
		{"a sure model merges what has no identifier in common", who{first: "Jan", last: "Do"}, false, 0.995, dedupe.Options{}, "merge", dedupe.RuleModel},
		{"an unsure model asks", who{first: "Jan", last: "Do"}, false, 0.5, dedupe.Options{}, "review", dedupe.RuleModel},
		{"a model that says no leaves two leads", who{first: "Jan", last: "Do"}, false, 0.05, dedupe.Options{}, "no_match", dedupe.RuleModel},
		{"the thresholds are the options'", who{first: "Jan", last: "Do"}, false, 0.5, dedupe.Options{Auto: 0.4}, "merge", dedupe.RuleModel},
		{"review is never above auto", who{first: "Jan", last: "Do"}, false, 0.5, dedupe.Options{Auto: 0.6, Review: 0.9}, "no_match", dedupe.RuleModel},
		{"the same address merges whatever the model says", who{email: "jane.doe@acme.com"}, false, 0.01, dedupe.Options{}, "merge", dedupe.RuleEmail},
		{"colleagues stay two whatever the model says", who{email: "max.roe@acme.com", first: "Max", last: "Roe"}, false, 1, dedupe.Options{}, "no_match", dedupe.RuleColleague},
		{"the model answers what the ladder would ask about", who{email: "jdoe@acme.com", first: "Jane", last: "Doe"}, false, 0.01, dedupe.Options{}, "no_match", dedupe.RuleModel},
		{"and merges it if it is sure", who{email: "jdoe@acme.com", first: "Jane", last: "Doe"}, false, 0.999, dedupe.Options{}, "merge", dedupe.RuleModel},
		{"what a human took apart stays apart", who{first: "Jan", last: "Do"}, true, 1, dedupe.Options{}, "different", dedupe.RuleModel},
	} {
		t.Run(tc.name, func(t *testing.T) {
			stored := decided(tc.stored.lead("l1", 0), "ana")
			if tc.different {
				stored.Different = []leadloop.LeadID{"l9"}
			}
			tc.o.Finder = finds(dedupe.Candidate{Lead: "l1", Probability: tc.probability, Explanation: json.RawMessage(`{"name":3.5}`)})
			got := decide(t, dedupe.NewStage(open(t, stored), tc.o), subject(arrives.lead("l9", 5), leadloop.TriggerSubmission))
			var trace struct {
				Leads []struct {
					Lead        leadloop.LeadID
					Rule        string
					Verdict     string
					Explanation json.RawMessage
				}
			}
			if err := json.Unmarshal(got.Trace, &trace); err != nil {
				t.Fatal(err)
			}
			if len(trace.Leads) != 1 || trace.Leads[0].Verdict != tc.verdict || trace.Leads[0].Rule != tc.rule || string(trace.Leads[0].Explanation) != `{"name":3.5}` {
				t.Errorf("trace %s, want %s by %s with the explanation", got.Trace, tc.verdict, tc.rule)
			}
			if merged := got.MergeInto == "l1"; merged != (tc.verdict == "merge") {
				t.Errorf("merged is %v", merged)
			}
			if asked := len(got.Tasks) == 1 && len(got.PossibleDuplicates) == 1; asked != (tc.verdict == "review") {
				t.Errorf("asked is %v: %+v", asked, got.Tasks)
			} else if asked && string(got.Tasks[0].Payload) !=
				`{"lead":"l1","rule":"model","confidence":0.5,"reason":"the learnt model is not sure","explanation":{"name":3.5}}` {
				t.Errorf("payload %s", got.Tasks[0].Payload)
			}
		})
	}
}

func TestWhatTheModelFindsIsResolvedToTheLeadItIsPartOf(t *testing.T) {
	st := open(t)
	write(t, st, func(tx store.Tx) error {
		into, from := decided(who{first: "Jan", last: "Do"}.lead("l1", 0), "ana"), decided(who{first: "Jan", last: "Do"}.lead("l2", 1), "")
		merged, tombstone, err := dedupe.Merge(into, from)
		if err != nil {
			return err
		}
		for _, l := range []*leadloop.Lead{merged, tombstone} {
			if _, err := tx.Leads().Put(t.Context(), l); err != nil {
				return err
			}
		}
		return nil
	})
	o := dedupe.Options{Finder: finds(
		dedupe.Candidate{Lead: "l1", Probability: 0.3}, dedupe.Candidate{Lead: "l2", Probability: 0.999}, dedupe.Candidate{Lead: "gone", Probability: 1},
		dedupe.Candidate{Lead: "l9", Probability: 1},
	)}
	got := decide(t, dedupe.NewStage(st, o), subject(jane.lead("l9", 5), leadloop.TriggerSubmission))
	if got.MergeInto != "l1" || len(got.PossibleDuplicates) > 0 {
		t.Errorf("got %+v %s", got, got.Trace)
	}
	if again := decide(t, dedupe.NewStage(st, o), subject(jane.lead("l9", 5), leadloop.TriggerActivity)); again.MergeInto != "" {
		t.Error("an activity asked the model")
	}
}

func TestAModelThatFailsOrLiesIsAnError(t *testing.T) {
	down := dedupe.FinderFunc(func(context.Context, *leadloop.Lead) ([]dedupe.Candidate, error) {
		return nil, fmt.Errorf("index: %w", leadloop.ErrUnavailable)
	})
	for _, tc := range []struct {
		name   string
		finder dedupe.Finder
		want   error
	}{
		{"it is down", down, leadloop.ErrUnavailable},
		{"a probability above 1", finds(dedupe.Candidate{Lead: "l1", Probability: 2}), leadloop.ErrInvalid},
		{"an explanation that is no JSON", finds(dedupe.Candidate{Lead: "l1", Probability: 1, Explanation: json.RawMessage(`{`)}), leadloop.ErrInvalid},
	} {
		t.Run(tc.name, func(t *testing.T) {
			stage := dedupe.NewStage(memstore.New(), dedupe.Options{Finder: tc.finder})
			_, effects, err := stage.Decide(t.Context(), subject(jane.lead("l9", 5), leadloop.TriggerSubmission))
			if !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			if diff := cmp.Diff(leadloop.Effects{}, effects); diff != "" {
				t.Errorf("effects:\n%s", diff)
			}
		})
	}
}
