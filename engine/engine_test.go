package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

var (
	ctx    = context.Background()
	at     = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	policy = leadloop.SurvivorshipFunc(func(c leadloop.Contest) (int, leadloop.Value) {
		best := int(c.Candidates[0])
		for _, i := range c.Candidates {
			if c.Claims[i].Compare(c.Claims[best]) > 0 {
				best = int(i)
			}
		}
		return best, c.Claims[best].Value
	})
)

// merger unites leads the simplest way.
type merger struct{}

func (merger) Merge(into, from *leadloop.Lead) (*leadloop.Lead, *leadloop.Lead, error) {
	m, t := into.Clone(), from.Clone()
	m.Claims = leadloop.UniteClaims(into.Claims, from.Claims)
	m.Activities = leadloop.UniteActivities(into.Activities, from.Activities)
	m.Records = append(m.Records, from.ID)
	t.MergedInto = into.ID
	return m, t, nil
}

func (merger) Unmerge(merged, tombstone *leadloop.Lead) (*leadloop.Lead, *leadloop.Lead, error) {
	a, b := merged.Clone(), tombstone.Clone()
	a.Claims = slices.DeleteFunc(a.Claims, func(c leadloop.Claim) bool { return c.Record == b.ID })
	a.Records = slices.DeleteFunc(a.Records, func(id leadloop.LeadID) bool { return id == b.ID })
	b.MergedInto = ""
	return a, b, nil
}

// dedupe merges leads of one e-mail.
func dedupe(st store.Store) leadloop.Stage {
	return leadloop.StageFunc("dedupe", func(ctx context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		mail, _ := leadloop.Email.Get(s.Profile)
		if s.Trigger != leadloop.TriggerSubmission || mail == "" {
			return leadloop.Outcome{}, leadloop.Effects{}, nil
		}
		e := leadloop.Effects{Identifiers: []leadloop.Identifier{{Kind: "email", Value: mail}}}
		e.Guard.Identifiers = e.Identifiers
		err := st.View(ctx, func(tx store.Tx) (err error) {
			e.Guard.Leads, err = tx.Leads().Match(ctx, e.Identifiers)
			return err
		})
		for _, id := range e.Guard.Leads {
			if id != s.Lead.ID {
				e.MergeInto = id
			}
		}
		return leadloop.Outcome{}, e, err
	})
}

// assign gives every new lead to the owner and sets a notification and a timer.
func assign(owner leadloop.RepID) leadloop.Stage {
	return leadloop.StageFunc("route", func(_ context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		if s.Lead.State.Owner != "" && s.Trigger != leadloop.TriggerRecycle {
			return leadloop.Outcome{Kind: leadloop.OutcomeAssigned, Reason: "kept"}, leadloop.Effects{}, nil
		}
		state := s.Lead.State
		state.Owner, state.OwnerSince, state.Disposition, state.Reason = owner, s.AsOf, leadloop.OutcomeAssigned, "only"
		return leadloop.Outcome{Kind: leadloop.OutcomeAssigned, Reason: "only"}, leadloop.Effects{
			State:  &state,
			Events: []leadloop.Event{{Kind: leadloop.EventAssigned, To: string(owner)}},
			Tasks: []leadloop.Task{
				{Key: "notify:" + string(s.Lead.ID), Kind: leadloop.TaskNotify, Outside: true},
				{Key: "escalate:" + string(s.Lead.ID), Kind: leadloop.TaskEscalate, DueAt: s.AsOf.Add(time.Hour)},
			},
			Guard: leadloop.Guard{Tokens: []string{"token:" + string(s.Lead.ID)}},
		}, nil
	})
}

func newLoop(t testing.TB, st store.Store, o engine.Options, stages ...leadloop.Stage) *engine.Loop {
	t.Helper()
	if stages == nil {
		stages = []leadloop.Stage{dedupe(st), assign("ana")}
	}
	o.Merger = merger{}
	l, err := engine.New(st, leadloop.StandardSchema(), policy, stages, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func submission(key, mail string) leadloop.Submission {
	return leadloop.Submission{Key: key, Source: "form", ReceivedAt: at, Claims: []leadloop.Claim{
		leadloop.Email.Claim(mail, leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: at}),
	}}
}

// history writes a store's journal as one line per event, but for those that
// say the state: TestTheStateOfEveryLeadIsRebuiltFromItsJournal is about them.
func history(t testing.TB, st store.Store) []string {
	t.Helper()
	var out []string
	err := st.View(ctx, func(tx store.Tx) error {
		for e, err := range tx.Journal().Since(ctx, 0) {
			if err != nil {
				return err
			}
			if e.Kind != leadloop.EventState {
				out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s", e.Kind, e.To)))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestOneKeyIsOneLeadOneJournalEntryHoweverOftenItArrives(t *testing.T) {
	st := memstore.New()
	l := newLoop(t, st, engine.Options{})
	var wg sync.WaitGroup
	fresh := make(chan leadloop.LeadID, 32)
	for range 32 {
		wg.Go(func() {
			res, err := l.Process(ctx, submission("k1", "ana@acme.com"), at)
			if err != nil {
				t.Error(err)
			} else if !res.Known {
				fresh <- res.Lead.ID
			}
		})
	}
	wg.Wait()
	if len(fresh) != 1 {
		t.Errorf("%d deliveries thought they were the first", len(fresh))
	}
	if diff := cmp.Diff([]string{"captured", "assigned ana"}, history(t, st)); diff != "" {
		t.Error(diff)
	}
}

func TestOnePersonThroughManyKeysAtOnceIsOneLead(t *testing.T) {
	st := memstore.New()
	l := newLoop(t, st, engine.Options{MaxConflicts: 100})
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			if _, err := l.Process(ctx, submission(fmt.Sprint("k", i), "ana@acme.com"), at); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var live, merged int
	if err := st.View(ctx, func(tx store.Tx) error {
		leads, err := tx.Leads().List(ctx, "", 100)
		for _, lead := range leads {
			if lead.MergedInto == "" {
				live++
			} else {
				merged++
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if live != 1 || merged != 31 {
		t.Errorf("%d leads and %d merged ones, want 1 and 31", live, merged)
	}
	counts := map[string]int{}
	for _, line := range history(t, st) {
		counts[line]++
	}
	if diff := cmp.Diff(map[string]int{"captured": 1, "assigned ana": 1, "submission": 31}, counts); diff != "" {
		t.Error(diff)
	}
}

func TestAMergedIDStaysResolvableAndUnmergeRestoresIt(t *testing.T) {
	st := memstore.New()
	l := newLoop(t, st, engine.Options{})
	if _, err := l.Process(ctx, submission("k1", "ana@acme.com"), at); err != nil {
		t.Fatal(err)
	}
	second, err := l.Process(ctx, submission("k2", "ana@acme.com"), at)
	if err != nil {
		t.Fatal(err)
	}
	if second.Record == second.Lead.ID || second.Lead.ID != engine.RecordID("k1") {
		t.Fatalf("not merged: %+v", second)
	}
	seen, err := l.Observe(ctx, second.Record, at, leadloop.Activity{ID: "a1", Type: "reply", At: at})
	if err != nil || seen.Lead.ID != second.Lead.ID {
		t.Fatalf("%v: the old id leads to %v", err, seen.Lead)
	}
	into, restored, err := l.Unmerge(ctx, second.Record, at, "ben", "different_people")
	if err != nil {
		t.Fatal(err)
	}
	if into.MergedInto != "" || restored.MergedInto != "" || len(into.Claims) != 1 || len(restored.Claims) != 1 {
		t.Errorf("into %+v, restored %+v", into, restored)
	}
	if _, _, err := l.Unmerge(ctx, second.Record, at, "ben", ""); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("unmerging twice: %v", err)
	}
	res, err := l.Merge(ctx, into.ID, restored.ID, at, "ben", "same_after_all")
	if err != nil || res.Lead.ID != into.ID || len(res.Lead.Claims) != 2 {
		t.Errorf("merging again: %v %+v", err, res.Lead)
	}
	if again, err := l.Merge(ctx, into.ID, restored.ID, at, "ben", ""); err != nil || !again.Known {
		t.Errorf("merging what is merged: %v %+v", err, again)
	}
	want := []leadloop.Event{
		{Kind: leadloop.EventUnmerged, Lead: into.ID, To: string(restored.ID), At: at, Actor: "ben", Reason: "different_people"},
		{Kind: leadloop.EventMerged, Lead: restored.ID, To: string(into.ID), At: at, Actor: "ben", Reason: "same_after_all"},
	}
	var got []leadloop.Event
	if err := st.View(ctx, func(tx store.Tx) error {
		for e, err := range tx.Journal().Since(ctx, 0) {
			if err != nil {
				return err
			}
			if e.Actor == "ben" {
				got = append(got, leadloop.Event{Kind: e.Kind, Lead: e.Lead, To: e.To, At: e.At, Actor: e.Actor, Reason: e.Reason})
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what the journal says of it (-want +got):\n%s", diff)
	}
}

func TestTwoLeadsThatNobodyDecidedAboutAreMergedAndDecidedAbout(t *testing.T) {
	st := memstore.New()
	l := newLoop(t, st, engine.Options{})
	a, err := l.Submit(ctx, submission("k1", "ana@acme.com"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Submit(ctx, submission("k2", "ben@acme.com"))
	if err != nil {
		t.Fatal(err)
	}
	res, err := l.Merge(ctx, a.Record, b.Record, at, "mia", "same")
	if err != nil {
		t.Fatal(err)
	}
	if res.Lead.ID != a.Record || len(res.Lead.Claims) != 2 || res.Outcome.Kind == "" || res.Lead.State.DecidedAt.IsZero() {
		t.Errorf("the lead of both was not decided about: %+v", res)
	}
	if _, err := l.Advance(ctx, at); err != nil {
		t.Errorf("what was due for the two: %v", err)
	}
}

func TestAnActivityIsTakenOnceAndARunThatChangesNothingWritesNothing(t *testing.T) {
	st := memstore.New()
	l := newLoop(t, st, engine.Options{})
	res, err := l.Process(ctx, submission("k1", "ana@acme.com"), at)
	if err != nil {
		t.Fatal(err)
	}
	view := leadloop.Activity{ID: "a1", Type: "pricing_view", At: at}
	first, err := l.Observe(ctx, res.Lead.ID, at, view, view)
	if err != nil || first.Known || len(first.Lead.Activities) != 1 {
		t.Fatalf("%v %+v", err, first)
	}
	again, err := l.Observe(ctx, res.Lead.ID, at, view)
	if err != nil || !again.Known || again.Lead.Revision != first.Lead.Revision {
		t.Errorf("%v %+v", err, again)
	}
	idle, err := l.Do(ctx, res.Lead.ID, at, leadloop.StageFunc("look", func(context.Context, leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		return leadloop.Outcome{}, leadloop.Effects{}, nil
	}))
	if err != nil || idle.Lead.Revision != first.Lead.Revision {
		t.Errorf("a look changed the lead: %v %+v", err, idle)
	}
	if _, err := l.Observe(ctx, res.Lead.ID, at, leadloop.Activity{Type: "reply", At: at}); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("an activity without id: %v", err)
	}
	if _, err := l.Observe(ctx, "ld_none", at, view); !errors.Is(err, leadloop.ErrNotFound) {
		t.Errorf("an unknown lead: %v", err)
	}
}

func TestRecyclingIsAFullSecondPass(t *testing.T) {
	st := memstore.New()
	l := newLoop(t, st, engine.Options{})
	first, err := l.Process(ctx, submission("k1", "ana@acme.com"), at)
	if err != nil {
		t.Fatal(err)
	}
	later := at.AddDate(0, 3, 0)
	again, err := l.Recycle(ctx, first.Lead.ID, later)
	if err != nil {
		t.Fatal(err)
	}
	if s := again.Lead.State; !s.OwnerSince.Equal(later) || again.Lead.Revision != first.Lead.Revision+1 {
		t.Errorf("owned since %v, revision %d", s.OwnerSince, again.Lead.Revision)
	}
	if diff := cmp.Diff([]string{"captured", "assigned ana", "assigned ana"}, history(t, st)); diff != "" {
		t.Error(diff)
	}
}

func TestAStageThatFailsOrPanicsWritesNothingAndIsNamed(t *testing.T) {
	for name, tc := range map[string]struct {
		stage leadloop.Stage
		want  string
	}{
		"an error": {leadloop.StageFunc("score", func(context.Context, leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
			return leadloop.Outcome{}, leadloop.Effects{}, leadloop.ErrUnavailable
		}), "stage score: lead " + string(engine.RecordID("k1")) + ": unavailable"},
		"a panic, whose text stays out": {leadloop.StageFunc("score", func(context.Context, leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
			panic("ana@acme.com")
		}), "stage score: lead " + string(engine.RecordID("k1")) + ": panic of type string"},
		"no decision at all": {leadloop.StageFunc("score", func(context.Context, leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
			return leadloop.Outcome{}, leadloop.Effects{}, nil
		}), "lead " + string(engine.RecordID("k1")) + ": invalid: no stage gave it an owner, a queue, a track or a reason"},
	} {
		t.Run(name, func(t *testing.T) {
			st := memstore.New()
			l := newLoop(t, st, engine.Options{}, tc.stage)
			_, err := l.Process(ctx, submission("k1", "ana@acme.com"), at)
			if err == nil || err.Error() != tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
			if got := history(t, st); len(got) > 0 {
				t.Errorf("written all the same: %v", got)
			}
		})
	}
}

func TestAStopSkipsStagesButNotRecords(t *testing.T) {
	var asked []string
	stage := func(name string, o leadloop.Outcome) leadloop.Stage {
		return leadloop.StageFunc(name, func(context.Context, leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
			asked = append(asked, name)
			return o, leadloop.Effects{}, nil
		})
	}
	l := newLoop(t, memstore.New(), engine.Options{Records: []leadloop.Stage{stage("track", leadloop.Outcome{})}},
		stage("suppress", leadloop.Outcome{Kind: leadloop.OutcomeSuppressed, Reason: "opted_out", Stop: true}), stage("route", leadloop.Outcome{}))
	res, err := l.Process(ctx, submission("k1", "ana@acme.com"), at)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"suppress", "track"}, asked); diff != "" || res.Outcome.Reason != "opted_out" {
		t.Errorf("%s %+v", diff, res.Outcome)
	}
}

func TestWhoIsSuppressedBetweenDecisionAndCommitIsDecidedAnew(t *testing.T) {
	st := memstore.New()
	runs := 0
	l := newLoop(t, st, engine.Options{MaxConflicts: 3}, leadloop.StageFunc("route", func(ctx context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		runs++
		if runs > 1 {
			return leadloop.Outcome{Kind: leadloop.OutcomeSuppressed, Reason: "opted_out"}, leadloop.Effects{}, nil
		}
		err := st.Update(ctx, func(tx store.Tx) error {
			return tx.Suppressions().Add(ctx, store.Suppression{Token: "t", Reason: "opted_out", At: at})
		})
		return leadloop.Outcome{Kind: leadloop.OutcomeAssigned}, leadloop.Effects{Guard: leadloop.Guard{Tokens: []string{"t"}}}, err
	}))
	res, err := l.Process(ctx, submission("k1", "ana@acme.com"), at)
	if err != nil || runs != 2 || res.Outcome.Kind != leadloop.OutcomeSuppressed {
		t.Errorf("%v after %d runs: %+v", err, runs, res.Outcome)
	}
}

func TestTwoReplaysOfOneStoreRunEveryTimerOnce(t *testing.T) {
	st := memstore.New()
	var mu sync.Mutex
	ran := 0
	clock := leadloop.StageFunc("clock", func(_ context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		o := leadloop.Outcome{Kind: leadloop.OutcomeQueued, Reason: "waits"}
		if s.Trigger != leadloop.TriggerTask {
			var tasks []leadloop.Task
			for i := range 40 {
				tasks = append(tasks, leadloop.Task{Key: fmt.Sprint(i), Kind: leadloop.TaskEscalate, DueAt: at.Add(time.Hour)})
			}
			return o, leadloop.Effects{Tasks: tasks}, nil
		}
		return o, leadloop.Effects{Events: []leadloop.Event{{Kind: leadloop.EventEscalated, To: s.Task.Key}}}, nil
	})
	l := newLoop(t, st, engine.Options{}, clock)
	if _, err := l.Process(ctx, submission("k1", "ana@acme.com"), at); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			n, err := l.Advance(ctx, at.Add(24*time.Hour))
			mu.Lock()
			defer mu.Unlock()
			if ran += n; err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	once := map[string]bool{}
	for _, h := range history(t, st) {
		if strings.HasPrefix(h, string(leadloop.EventEscalated)) {
			if once[h] {
				t.Errorf("%s twice", h)
			}
			once[h] = true
		}
	}
	if len(once) != 40 || ran != 40 {
		t.Errorf("%d timers in the journal, %d counted; want 40", len(once), ran)
	}
}

func TestASubmissionTakenByAnotherWhileItIsDecidedIsKnown(t *testing.T) {
	st := memstore.New()
	calls := 0
	var l *engine.Loop
	race := leadloop.StageFunc("race", func(context.Context, leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		if calls++; calls > 1 {
			return leadloop.Outcome{Kind: leadloop.OutcomeQueued, Reason: "waits"}, leadloop.Effects{}, nil
		}
		if res, err := l.Process(ctx, submission("k1", "ana@acme.com"), at); err != nil || res.Known {
			t.Errorf("%v %+v", err, res)
		}
		return leadloop.Outcome{}, leadloop.Effects{}, errors.New("it is part of that lead already")
	})
	l = newLoop(t, st, engine.Options{}, race)
	res, err := l.Process(ctx, submission("k1", "ana@acme.com"), at)
	if err != nil || !res.Known || res.Record != engine.RecordID("k1") {
		t.Errorf("%v %+v", err, res)
	}
}

func TestALoopThatCannotWorkIsRefusedWithEveryReason(t *testing.T) {
	_, err := engine.New(lossy{memstore.New()}, leadloop.StandardSchema(), policy, []leadloop.Stage{assign("a"), assign("b"), nil}, engine.Options{})
	if !errors.Is(err, leadloop.ErrInvalid) || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("want three problems, got %v", err)
	}
	if _, err := engine.New(lossy{memstore.New()}, leadloop.StandardSchema(), policy, []leadloop.Stage{assign("a")}, engine.Options{AllowLossy: true}); err != nil {
		t.Error(err)
	}
}

type lossy struct{ store.Store }

func (lossy) Capabilities() store.Capabilities { return store.Capabilities{} }

func TestADoneContextEndsTheCallWithNothingWritten(t *testing.T) {
	st := memstore.New()
	l := newLoop(t, st, engine.Options{})
	done, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := l.Process(done, submission("k1", "ana@acme.com"), at); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if got := history(t, st); len(got) > 0 {
		t.Errorf("written all the same: %v", got)
	}
}
