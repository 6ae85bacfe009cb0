package playbook_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

// small is a loop of two reps, one of whom comes on Wednesday, with room for
// one lead each.
func small(t *testing.T, o playbook.Options) (*playbook.Playbook, *engine.Loop, store.Store) {
	t.Helper()
	pb, problems := playbook.Load(files(map[string]string{
		"enrich.yaml": "",
		"sla.yaml":    "",
		"routing.yaml": `reps: [{id: ana, max_open: 1, max_tasks: 10}, {id: ben, max_open: 1, away: [{from: 2026-11-01, until: 2026-11-04}]}]
pools: [{id: sales, members: [ana, ben]}]
queues: [{id: triage}]
chain: [{id: all, target: {pool: sales}}]
final: triage
`,
	}))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	st := memstore.New()
	o.Tokens = tokens(t)
	loop, err := pb.Loop(ctx, st, o)
	if err != nil {
		t.Fatal(err)
	}
	return pb, loop, st
}

// person is somebody of a company of its own.
func person(key string, employees int64, received time.Time) leadloop.Submission {
	e := leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: received}
	return leadloop.Submission{Key: key, Source: "form", ReceivedAt: received, Claims: []leadloop.Claim{
		leadloop.Email.Claim(key+"@"+key+".com", e), leadloop.Seniority.Claim("vp", e), leadloop.Employees.Claim(employees, e),
	}}
}

func process(t *testing.T, loop *engine.Loop, s leadloop.Submission) *leadloop.Lead {
	t.Helper()
	res, err := loop.Process(ctx, s, s.ReceivedAt)
	if err != nil {
		t.Fatal(err)
	}
	return res.Lead
}

func lead(t *testing.T, st store.Store, id leadloop.LeadID) (l *leadloop.Lead) {
	t.Helper()
	err := st.View(ctx, func(tx store.Tx) (err error) {
		l, err = tx.Leads().Get(ctx, id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// owed are the balances of the pool, whose sum has to be 0.
func owed(t *testing.T, st store.Store) map[leadloop.RepID]leadloop.Owed {
	t.Helper()
	out, sum := map[leadloop.RepID]leadloop.Owed{}, leadloop.Owed(0)
	err := st.View(ctx, func(tx store.Tx) error {
		r, err := tx.Rotations().Get(ctx, "sales")
		for _, b := range r.Balances {
			out[b.Member], sum = b.Owed, sum+b.Owed
		}
		return err
	})
	if err != nil || sum != 0 {
		t.Errorf("sum %d, %v", sum, err)
	}
	return out
}

func TestQueuesDrainByThemselvesByTierThenAge(t *testing.T) {
	pb, loop, st := small(t, playbook.Options{})
	first := process(t, loop, person("one", 600, at))
	warm := process(t, loop, person("two", 10, at.Add(time.Second)))
	hot := process(t, loop, person("three", 600, at.Add(2*time.Second)))
	hotter := process(t, loop, person("four", 600, at.Add(3*time.Second)))
	if first.State.Owner != "ana" || warm.State.Queue != "triage" || hot.State.Queue != "triage" {
		t.Fatalf("%+v\n%+v\n%+v", first.State, warm.State, hot.State)
	}
	owners := func(until time.Time) (out []leadloop.RepID) {
		t.Helper()
		if _, err := loop.Advance(ctx, until); err != nil {
			t.Fatal(err)
		}
		for _, l := range []*leadloop.Lead{first, warm, hot, hotter} {
			out = append(out, lead(t, st, l.ID).State.Owner)
		}
		return out
	}
	check := func(what string, got []leadloop.RepID, want ...leadloop.RepID) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	check("nobody has room", owners(at.Add(time.Hour)), "ana", "", "", "")
	if _, err := loop.Do(ctx, first.ID, at.Add(time.Hour), pb.Lifecycle().Move("disqualified", "spam", "ana")); err != nil {
		t.Fatal(err)
	}
	check("within seconds the best that waits longest has the place", owners(at.Add(time.Hour+20*time.Second)), "ana", "", "ana", "")
	check("on Wednesday ben is back", owners(time.Date(2026, 11, 4, 0, 1, 0, 0, time.UTC)), "ana", "", "ana", "ben")
	check("and there is no more room", owners(at.AddDate(0, 0, 9)), "ana", "", "ana", "ben")
	owed(t, st)
}

func TestARejectedAndAMergedLeadGiveTheirDebitBackOnce(t *testing.T) {
	pb, loop, st := small(t, playbook.Options{})
	wednesday := time.Date(2026, 11, 4, 9, 0, 0, 0, time.UTC)
	a, b := process(t, loop, person("one", 600, wednesday)), process(t, loop, person("two", 600, wednesday))
	if a.State.Owner == "" || b.State.Owner == "" || a.State.Owner == b.State.Owner {
		t.Fatalf("%+v %+v", a.State, b.State)
	}
	waits := process(t, loop, person("three", 600, wednesday))
	// The second had one to go to: nobody was ahead by it.
	if diff := cmp.Diff(map[leadloop.RepID]leadloop.Owed{a.State.Owner: -leadloop.OneLead / 2, b.State.Owner: leadloop.OneLead / 2}, owed(t, st)); diff != "" {
		t.Error(diff)
	}
	nothing := map[leadloop.RepID]leadloop.Owed{"ana": 0, "ben": 0}
	for range 2 {
		if _, err := loop.Merge(ctx, b.ID, a.ID, wednesday.Add(time.Minute), "mia", "same"); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(nothing, owed(t, st)); diff != "" {
		t.Error("after the merge:", diff)
	}
	if _, err := loop.Advance(ctx, wednesday.Add(2*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got := lead(t, st, waits.ID).State.Owner; got != a.State.Owner {
		t.Errorf("the place of the merged lead went to %q", got)
	}
	if _, _, err := loop.Unmerge(ctx, a.ID, wednesday.Add(3*time.Minute), "mia", "mistake"); err != nil {
		t.Fatal(err)
	}
	if _, err := loop.Merge(ctx, b.ID, a.ID, wednesday.Add(4*time.Minute), "mia", "same after all"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := loop.Do(ctx, b.ID, wednesday.Add(time.Hour), pb.Lifecycle().Move("disqualified", "duplicate", "mia")); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(nothing, owed(t, st)); diff != "" {
		t.Error("after the rejection:", diff)
	}
	credits := 0
	err := st.View(ctx, func(tx store.Tx) error {
		for e, err := range tx.Journal().Since(ctx, 0) {
			if err != nil {
				return err
			}
			if e.Kind == routing.EventCredited {
				credits++
			}
		}
		return nil
	})
	if err != nil || credits != 2 {
		t.Errorf("%d credits, %v", credits, err)
	}
}

func TestWhatTheProgramCountsCapsARep(t *testing.T) {
	broken := errors.New("the sequencer is down")
	for name, c := range map[string]struct {
		busy routing.Busy
		err  error
		want leadloop.RepID
	}{
		"below the cap": {busy: routing.Busy{Tasks: 9}, want: "ana"},
		"at the cap":    {busy: routing.Busy{Tasks: 10}, want: ""},
		"not known":     {err: broken},
	} {
		t.Run(name, func(t *testing.T) {
			_, loop, _ := small(t, playbook.Options{Busy: func(context.Context, leadloop.RepID, time.Time) (routing.Busy, error) { return c.busy, c.err }})
			res, err := loop.Process(ctx, person("one", 600, at), at)
			if !errors.Is(err, c.err) || err == nil && res.Lead.State.Owner != c.want {
				t.Errorf("%+v, %v", res.Lead, err)
			}
		})
	}
}

func TestAProblemOfTheWholeFileHidesNoneOfItsFirstLine(t *testing.T) {
	_, problems := playbook.Load(files(map[string]string{"routing.yaml": strings.Replace(strings.Replace(routingYAML, "final", "finale", 1), "members: [ana, ben]", "members: [ana, bem]", 1)}))
	var got []string
	for _, p := range problems {
		if p.At.File == "routing.yaml" {
			got = append(got, p.String())
		}
	}
	want := []string{
		`routing.yaml:1:1: file: missing key "final"`,
		`routing.yaml:1:9: team sales: there is no rep "bem" (did you mean "ben"?)`,
		`routing.yaml:8:1: file: unknown key "finale" (did you mean "final"?)`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
