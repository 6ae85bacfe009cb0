package playbook_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

// The task stayed in the queue, and was delivered after it had been answered.
func TestAReviewThatWasAnsweredAsksNoMore(t *testing.T) {
	ctx := context.Background()
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	queue := leadloop.StageFunc("route", func(_ context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		state := s.Lead.State
		state.Queue = "inbound"
		return leadloop.Outcome{Kind: leadloop.OutcomeQueued}, leadloop.Effects{State: &state}, nil
	})
	for _, same := range []bool{true, false} {
		st := memstore.New()
		loop, err := engine.New(st, leadloop.StandardSchema(), dedupe.DefaultPolicy(), []leadloop.Stage{dedupe.NewStage(st, dedupe.Options{}), queue},
			engine.Options{Merger: dedupe.Merger{}})
		if err != nil {
			t.Fatal(err)
		}
		submit := func(key, email string) engine.Result {
			t.Helper()
			from := leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: at}
			res, err := loop.Process(ctx, leadloop.Submission{Key: key, Source: "form", ReceivedAt: at, Claims: []leadloop.Claim{
				leadloop.Email.Claim(email, from), leadloop.FirstName.Claim("Jane", from), leadloop.LastName.Claim("Doe", from),
			}}, at)
			if err != nil {
				t.Fatal(err)
			}
			return res
		}
		a, b := submit("a", "jane@acme.com").Lead, submit("b", "jdoe@acme.com").Lead
		task := func() (task leadloop.Task) {
			t.Helper()
			err := st.View(ctx, func(tx store.Tx) (err error) {
				task, err = tx.Tasks().Get(ctx, leadloop.DuplicateTask(a.ID, b.ID))
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return task
		}
		if task().State != leadloop.TaskPending {
			t.Fatalf("nobody is asked: %+v", task())
		}
		if same {
			if _, err := loop.Merge(ctx, a.ID, b.ID, at, "ana", "called_her"); err != nil {
				t.Fatal(err)
			}
			if _, _, err := loop.Part(ctx, a.ID, b.ID, at, "ana", "no"); !errors.Is(err, leadloop.ErrInvalid) {
				t.Errorf("two that are one are parted: %v", err)
			}
		} else {
			one, other, err := loop.Part(ctx, a.ID, b.ID, at, "ana", "sisters")
			if err != nil {
				t.Fatal(err)
			}
			if !dedupe.AreDifferent(one, other) || len(one.PossibleDuplicates)+len(other.PossibleDuplicates) > 0 {
				t.Errorf("a no leaves %+v and %+v", one, other)
			}
			if res, err := loop.Recycle(ctx, b.ID, at.Add(time.Hour)); err != nil || res.Lead.ID != b.ID || len(res.Lead.PossibleDuplicates) > 0 {
				t.Errorf("asked again: %+v, %v", res.Lead, err)
			}
		}
		if got := task().State; got != leadloop.TaskCancelled {
			t.Errorf("answered with same %t, the task is %s", same, got)
		}
	}
}

// Two people are merged by mistake; both come again, and the mistake is undone. What came since under the address of the one who was taken out stayed with
// the other, who was then found by that address.
func TestWhatSomebodySentWhileMergedByMistakeIsTheirsAgain(t *testing.T) {
	ctx := context.Background()
	st := memstore.New()
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	queue := leadloop.StageFunc("route", func(_ context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		state := s.Lead.State
		state.Queue = "inbound"
		return leadloop.Outcome{Kind: leadloop.OutcomeQueued}, leadloop.Effects{State: &state}, nil
	})
	loop, err := engine.New(st, leadloop.StandardSchema(), dedupe.DefaultPolicy(), []leadloop.Stage{dedupe.NewStage(st, dedupe.Options{}), queue},
		engine.Options{Merger: dedupe.Merger{}})
	if err != nil {
		t.Fatal(err)
	}
	submit := func(key, email, mobile string) engine.Result {
		t.Helper()
		at = at.Add(time.Hour)
		from := leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: at}
		claims := []leadloop.Claim{
			leadloop.Email.Claim(email, from), leadloop.FirstName.Claim("Jane", from), leadloop.LastName.Claim("Doe", from), leadloop.Mobile.Claim(mobile, from),
		}
		res, err := loop.Process(ctx, leadloop.Submission{Key: key, Source: "form", ReceivedAt: at, Claims: claims}, at)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	get := func(id leadloop.LeadID) (l *leadloop.Lead) {
		t.Helper()
		if err := st.View(ctx, func(tx store.Tx) (err error) { l, err = tx.Leads().Get(ctx, id); return err }); err != nil {
			t.Fatal(err)
		}
		return l
	}
	a, b := submit("a", "jane@acme.com", "+14155552671").Lead.ID, submit("b", "jdoe@acme.com", "+14155552672").Lead.ID
	if a == b {
		t.Fatal("they are one already")
	}
	if _, err := loop.Merge(ctx, a, b, at, "ana", "same_name"); err != nil {
		t.Fatal(err)
	}
	again := submit("b again", "jdoe@acme.com", "+14155552673")        // found by the address of b
	more := submit("b once more", "jane.doe@acme.com", "+14155552673") // found by the number that came with the last
	own := submit("a again", "jane@acme.com", "+14155552674")          // found by the address of a
	for _, r := range []engine.Result{again, more, own} {
		if r.Lead.ID != a {
			t.Fatalf("%s became part of %s", r.Record, r.Lead.ID)
		}
	}
	into, restored, err := loop.Unmerge(ctx, b, at, "ben", "different_people")
	if err != nil {
		t.Fatal(err)
	}
	type side struct{ Records, Possible, Different []leadloop.LeadID }
	if diff := cmp.Diff([]side{{[]leadloop.LeadID{own.Record}, nil, []leadloop.LeadID{b}}, {[]leadloop.LeadID{again.Record, more.Record}, []leadloop.LeadID{}, []leadloop.LeadID{a}}},
		[]side{{into.Records, into.PossibleDuplicates, into.Different}, {restored.Records, restored.PossibleDuplicates, restored.Different}}); diff != "" {
		t.Errorf("records of both (-want +got):\n%s", diff)
	}
	for _, id := range []leadloop.LeadID{again.Record, more.Record} {
		if got := get(id).MergedInto; got != b {
			t.Errorf("%s leads to %q, want %q", id, got, b)
		}
	}
	if diff := cmp.Diff(get(a).Claims, into.Claims); diff != "" {
		t.Errorf("claims as returned and as stored (-stored +returned):\n%s", diff)
	}
	if got := submit("b at last", "jdoe@acme.com", "").Lead.ID; got != b {
		t.Errorf("who was taken out comes again and becomes part of %s, want %s", got, b)
	}
	var events []leadloop.Event
	err = st.View(ctx, func(tx store.Tx) error {
		for e, err := range tx.Journal().Since(ctx, 0) {
			if err != nil {
				return err
			}
			events = append(events, e)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	rebuilt, err := leadloop.Rebuild(again.Record, events)
	if err != nil || rebuilt.MergedInto != b {
		t.Errorf("the journal says that it is part of %q: %v", rebuilt.MergedInto, err)
	}
}
