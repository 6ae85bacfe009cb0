package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

// joiner unites leads whose ids say so, and takes them apart again.
type joiner struct{}

func (joiner) Merge(into, from *leadloop.Lead) (merged, tombstone *leadloop.Lead, err error) {
	merged, tombstone = into.Clone(), from.Clone()
	merged.Claims = append(merged.Claims, from.Claims...)
	merged.Records = append(merged.Records, from.ID)
	merged.State.Cost += from.State.Cost
	tombstone.MergedInto = into.ID
	return merged, tombstone, nil
}

func (joiner) Unmerge(merged, tombstone *leadloop.Lead) (into, restored *leadloop.Lead, err error) {
	into, restored = merged.Clone(), tombstone.Clone()
	into.State.Cost -= tombstone.State.Cost
	into.Records = nil
	restored.MergedInto = ""
	restored.State.Flag = "apart"
	return into, restored, nil
}

// Whatever stages do to a state, and however leads are united and taken apart,
// the journal says what became of it.
func TestTheStateOfEveryLeadIsRebuiltFromItsJournal(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ctx, st := context.Background(), memstore.New()
		now := at
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0)) // a stage may not end the test
		whim := leadloop.StageFunc("whim", func(_ context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
			state := s.Lead.State
			switch r.IntN(6) {
			case 0:
				state.Owner, state.OwnerSince = []leadloop.RepID{"ana", "ben"}[r.IntN(2)], s.AsOf
			case 1:
				state.Score = leadloop.Score{Known: true, Points: leadloop.Points(r.IntN(10)), Tier: "A", Needs: []string{"company.employees"}}
			case 2:
				state.SLA, state.FirstTouchAt = leadloop.SLA{Policy: "a", Target: time.Hour, StartedAt: s.AsOf}, time.Time{}
			case 3:
				state.Cost += 7
			case 4:
				state = leadloop.State{Stage: "mql", StageSince: s.AsOf}
			case 5:
				return leadloop.Outcome{Kind: leadloop.OutcomeAssigned}, leadloop.Effects{}, nil
			}
			return leadloop.Outcome{Kind: leadloop.OutcomeQueued}, leadloop.Effects{State: &state}, nil
		})
		loop, err := engine.New(st, leadloop.StandardSchema(), policy, []leadloop.Stage{whim}, engine.Options{Merger: joiner{}, Playbook: "p"})
		if err != nil {
			rt.Fatal(err)
		}
		var ids []leadloop.LeadID
		for i := range rapid.IntRange(1, 12).Draw(rt, "steps") {
			now = now.Add(time.Hour)
			pick := func() leadloop.LeadID { return rapid.SampledFrom(ids).Draw(rt, "lead") }
			what := rapid.IntRange(0, 5).Draw(rt, "step")
			switch {
			case what < 2 || len(ids) == 0:
				sub := submission(fmt.Sprint("k", i), fmt.Sprint("m", i, "@acme.example"))
				sub.ReceivedAt = now
				var res engine.Result
				if what == 0 {
					res, err = loop.Submit(ctx, sub)
				} else {
					res, err = loop.Process(ctx, sub, now)
				}
				ids = append(ids, res.Record)
			case what == 2:
				_, err = loop.Recycle(ctx, pick(), now)
			case what == 3:
				_, err = loop.Merge(ctx, pick(), pick(), now, "mia", "same")
			case what == 4:
				if _, _, e := loop.Unmerge(ctx, pick(), now, "mia", "other"); e != nil {
					continue // it was not merged
				}
			default:
				_, err = loop.Advance(ctx, now)
			}
			if err != nil {
				rt.Fatal(err)
			}
		}
		err = st.View(ctx, func(tx store.Tx) error {
			var journal []leadloop.Event
			for e, err := range tx.Journal().Since(ctx, 0) {
				if err != nil {
					return err
				}
				journal = append(journal, e)
			}
			leads, err := tx.Leads().List(ctx, "", 100)
			for _, l := range leads {
				got, err := leadloop.Rebuild(l.ID, journal)
				if err != nil {
					return err
				}
				if diff := cmp.Diff(l.State, got.State); diff != "" || got.MergedInto != l.MergedInto {
					rt.Errorf("lead %s, part of %q, by the journal of %q; -lead +journal\n%s", l.ID, l.MergedInto, got.MergedInto, diff)
				}
			}
			return err
		})
		if err != nil {
			rt.Fatal(err)
		}
	})
}
