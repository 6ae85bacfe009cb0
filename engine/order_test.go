package engine_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

// counting notes in the lead, and in the journal, which decision about it this
// is, and which one it has seen before.
var counting = leadloop.StageFunc("count", func(_ context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
	state := s.Lead.State
	state.Cost++
	state.Disposition, state.Reason = leadloop.OutcomeNurture, "counted"
	return leadloop.Outcome{Kind: leadloop.OutcomeNurture, Reason: "counted"}, leadloop.Effects{State: &state, Events: []leadloop.Event{{
		Kind: leadloop.EventNurtured, From: strconv.Itoa(int(s.Lead.State.Cost)), To: strconv.Itoa(int(state.Cost)),
	}}}, nil
})

// TestDecisionsAboutOneLeadComeOneAfterTheOther: on several machines at once,
// by calls and by tasks.
func TestDecisionsAboutOneLeadComeOneAfterTheOther(t *testing.T) {
	const machines, each = 4, 8
	st := memstore.New()
	loops := make([]*engine.Loop, machines)
	for i := range loops {
		loops[i] = newLoop(t, st, engine.Options{Workers: 2, MaxConflicts: 1000}, dedupe(st), counting)
	}
	first, err := loops[0].Process(ctx, submission("first", "a@example.com"), at)
	if err != nil {
		t.Fatal(err)
	}
	id := first.Lead.ID
	var calls sync.WaitGroup
	for i, l := range loops {
		calls.Go(func() {
			for n := range each {
				var err error
				key := fmt.Sprint(i, "-", n)
				switch n % 4 {
				case 0:
					_, err = l.Observe(ctx, id, at, leadloop.Activity{ID: key, Type: "page_view", At: at})
				case 1:
					_, err = l.Process(ctx, submission(key, "a@example.com"), at)
				case 2:
					_, err = l.Recycle(ctx, id, at)
				case 3:
					_, err = l.Submit(ctx, submission(key, "a@example.com"))
				}
				if err != nil {
					t.Error(err)
				}
			}
			for {
				if n, err := l.Work(ctx, at.Add(time.Hour), 3); err != nil || n == 0 {
					if err != nil {
						t.Error(err)
					}
					return
				}
			}
		})
	}
	calls.Wait()
	const want = 1 + machines*each
	lead := stored(t, st, id)
	if int(lead.State.Cost) != want || lead.Revision != want {
		t.Errorf("%d decisions and revision %d, want %d of each", lead.State.Cost, lead.Revision, want)
	}
	decided := 0
	if err := st.View(ctx, func(tx store.Tx) error {
		for e, err := range tx.Journal().ByLead(ctx, id) {
			if err != nil {
				return err
			}
			if e.Kind != leadloop.EventNurtured {
				continue
			}
			if e.From != strconv.Itoa(decided) {
				t.Errorf("the journal has decision %s after %d, and it was made after %s", e.To, decided, e.From)
			}
			decided++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if decided != want {
		t.Errorf("%d decisions in the journal, want %d", decided, want)
	}
}
