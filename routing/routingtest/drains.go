package routingtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/store"
)

const fullPool = `
teams: [{id: t, members: [ana, ben, cem, dan]}]
reps: [{id: ana, max_open: 5}, {id: ben, max_open: 5}, {id: cem, max_open: 5, skills: [german]}, {id: dan, max_open: 5, away: [{from: 2026-01-01, until: 2026-01-08}]}]
pools: [{id: p, team: t}]
queues: [{id: desk, team: t}]
chain:
  - {id: german, language: [de], target: {pool: p, skills: [german]}}
  - {id: all, language: [en], target: {pool: p}}
final: desk
`

// No timer but those of a drain comes due.
const patient = `
unassigned: {escalate: [{after: 720h, notify: "queue:desk"}]}
unworked: {escalate: [{after: 720h, notify: "queue:desk"}]}
`

const (
	arriving = 90 // leads; three reps have room for five each
	drainers = 8
)

// Drains fills every member of a pool, lets leads of three tiers wait behind
// them, and frees some places. It checks that many who drain the queues at once
// have exactly as many leads decided about as there are places, so that no herd
// runs for one of them, that the places go by tier, then age, to who may have
// the lead, that nobody gets more than there is room for, and that the ledger
// sums to nothing. The store is fresh and has transactions and revisions.
func Drains(t *testing.T, st store.Store) {
	t.Helper()
	def, err := routing.Parse("routing.yaml", []byte(fullPool))
	if err != nil {
		t.Fatal(err)
	}
	sla, err := routing.ParseSLA("sla.yaml", []byte(patient))
	if err != nil {
		t.Fatal(err)
	}
	d := &drains{t: t, st: st, schema: leadloop.StandardSchema(), owned: map[leadloop.LeadID]bool{}}
	if d.r, err = routing.New(def, sla, d.schema, routing.Options{Tiers: []string{"A", "B", "C"}}); err != nil {
		t.Fatal(err)
	}
	d.stage = routing.NewStage(d.r, st)
	wednesday := time.Date(2026, time.January, 7, 12, 0, 0, 0, time.UTC)
	for i := range arriving {
		d.arrives(i, wednesday.Add(time.Duration(i)*time.Second))
	}
	if n := len(d.fresh()); n != 15 {
		t.Fatalf("%d leads are assigned before anybody is full, want 15", n)
	}
	d.after("everybody is full", wednesday.Add(time.Hour))
	d.closes("ana", 2)
	d.closes("cem", 1)
	d.after("three places are free", wednesday.Add(2*time.Hour), "A15 cem", "A18 ana", "A21 ana")
	d.after("they are taken", wednesday.Add(3*time.Hour))
	d.closes("ben", 5)
	d.after("five are free, and none for the next who speaks German", wednesday.Add(4*time.Hour), "A24 ben", "A27 ben", "A33 ben", "A36 ben", "A39 ben")
	d.after("Dan came back on Thursday", wednesday.Add(24*time.Hour), "A42 dan", "A48 dan", "A51 dan", "A54 dan", "A57 dan")
	d.closes("cem", 2)
	d.after("who speaks German has room", wednesday.Add(25*time.Hour), "A30 cem", "A45 cem")
}

type drains struct {
	t      *testing.T
	st     store.Store
	r      *routing.Router
	schema *leadloop.Schema
	stage  leadloop.Stage
	owned  map[leadloop.LeadID]bool // by the last look
}

// first takes the first claim.
var first = leadloop.SurvivorshipFunc(func(c leadloop.Contest) (int, leadloop.Value) {
	i := int(c.Candidates[0])
	return i, c.Claims[i].Value
})

// arrives decides about lead number i: every third has tier A, and of those
// every fifth speaks German.
func (d *drains) arrives(i int, at time.Time) {
	d.t.Helper()
	tier, language := string("ABC"[i%3]), "en"
	if i%15 == 0 {
		language = "de"
	}
	lead := &leadloop.Lead{ID: leadloop.LeadID(fmt.Sprintf("%s%02d", tier, i)), ReceivedAt: at, Claims: []leadloop.Claim{
		leadloop.Language.Claim(language, leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: at}),
	}}
	lead.State.Score = leadloop.Score{Known: true, Tier: tier, Model: "m"}
	s := leadloop.Subject{Lead: lead, Profile: leadloop.Golden(d.schema, first, lead.Claims), AsOf: at, Trigger: leadloop.TriggerSubmission}
	if err := d.commit(s); err != nil {
		d.t.Fatalf("lead %s: %v", lead.ID, err)
	}
}

// commit decides and writes; an error that is leadloop.ErrConflict means that
// somebody else was faster.
func (d *drains) commit(s leadloop.Subject) error {
	ctx := d.t.Context()
	_, e, err := d.stage.Decide(ctx, s)
	if err != nil {
		return err
	}
	return d.st.Update(ctx, func(tx store.Tx) error {
		if e.State != nil {
			lead := s.Lead.Clone()
			lead.State = *e.State
			if _, err := tx.Leads().Put(ctx, lead); err != nil {
				return err
			}
		}
		for _, m := range e.Ledger {
			if err := tx.Rotations().Move(ctx, m); err != nil {
				return err
			}
		}
		if err := tx.Tasks().Cancel(ctx, e.CancelTasks...); err != nil {
			return err
		}
		if err := tx.Tasks().Add(ctx, e.Tasks...); err != nil {
			return err
		}
		if s.Task != nil {
			if err := tx.Tasks().Finish(ctx, *s.Task, leadloop.TaskDone); err != nil {
				return err
			}
		}
		return tx.Journal().Append(ctx, e.Events...)
	})
}

// closes ends the oldest n leads that a rep has.
func (d *drains) closes(rep leadloop.RepID, n int) {
	d.t.Helper()
	ctx := d.t.Context()
	err := d.st.Update(ctx, func(tx store.Tx) error {
		list, err := tx.Leads().List(ctx, "", arriving)
		if err != nil {
			return err
		}
		slices.SortFunc(list, func(a, b *leadloop.Lead) int { return a.State.OwnerSince.Compare(b.State.OwnerSince) })
		left := n
		for _, l := range list {
			if l.State.Owner != rep || l.State.Disposition != leadloop.OutcomeAssigned || left == 0 {
				continue
			}
			left--
			l.State.Disposition = leadloop.OutcomeDisqualified
			if _, err := tx.Leads().Put(ctx, l); err != nil {
				return err
			}
		}
		if left > 0 {
			d.t.Errorf("%s has %d open leads, want %d at least", rep, n-left, n)
		}
		return nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// after drains by many at once and works what they found, every ten seconds
// until there is nothing to do, and compares who has what that waited before.
func (d *drains) after(what string, at time.Time, want ...string) {
	d.t.Helper()
	for decided, n := 0, -1; n != 0; at = at.Add(10 * time.Second) {
		d.many(func() error {
			_, err := d.r.DrainStore(d.t.Context(), d.st, first, at)
			return err
		})
		n = d.due(at)
		if decided += n; n == 0 && decided != len(want) {
			d.t.Errorf("%s: %d leads are decided about, want %d", what, decided, len(want))
		}
		d.many(func() error {
			for {
				if more, err := d.work(at); !more || err != nil {
					return err
				}
			}
		})
	}
	if diff := cmp.Diff(append([]string{}, want...), d.fresh()); diff != "" {
		d.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
	d.check(what)
}

// due counts the leads that are to be decided about.
func (d *drains) due(at time.Time) (n int) {
	d.t.Helper()
	err := d.st.View(d.t.Context(), func(tx store.Tx) error {
		tasks, err := tx.Tasks().ByLead(d.t.Context(), "")
		for i := range tasks {
			if x := &tasks[i]; x.Kind == leadloop.TaskEscalate && x.State == leadloop.TaskPending && !x.DueAt.After(at) {
				n++
			}
		}
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return n
}

func (d *drains) many(do func() error) {
	d.t.Helper()
	var wg sync.WaitGroup
	for range drainers {
		wg.Go(func() {
			if err := do(); err != nil {
				d.t.Error(err)
			}
		})
	}
	wg.Wait()
}

// work decides about one lead whose task is due, and reports whether there was
// one.
func (d *drains) work(at time.Time) (more bool, err error) {
	ctx := d.t.Context()
	var tasks []leadloop.Task
	err = d.st.Update(ctx, func(tx store.Tx) error {
		tasks, err = tx.Tasks().Lease(ctx, at, time.Hour, 1, leadloop.TaskEscalate)
		return err
	})
	if errors.Is(err, leadloop.ErrConflict) {
		return true, nil
	}
	if err != nil || len(tasks) == 0 {
		return false, err
	}
	for {
		var lead *leadloop.Lead
		err := d.st.View(ctx, func(tx store.Tx) error {
			lead, err = tx.Leads().Get(ctx, tasks[0].Lead)
			return err
		})
		if err != nil {
			return false, err
		}
		err = d.commit(leadloop.Subject{
			Lead: lead, Profile: leadloop.Golden(d.schema, first, lead.Claims), AsOf: at, Trigger: leadloop.TriggerTask, Task: &tasks[0], Previous: lead.State,
		})
		if !errors.Is(err, leadloop.ErrConflict) {
			return true, err
		}
	}
}

// fresh are the leads that somebody got since the last look, with their owners.
func (d *drains) fresh() []string {
	d.t.Helper()
	out := []string{}
	err := d.st.View(d.t.Context(), func(tx store.Tx) error {
		list, err := tx.Leads().List(d.t.Context(), "", arriving)
		for _, l := range list {
			if l.State.Owner != "" && !d.owned[l.ID] {
				d.owned[l.ID] = true
				out = append(out, string(l.ID)+" "+string(l.State.Owner))
			}
		}
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	slices.SortFunc(out, strings.Compare)
	return out
}

// check compares with what must always be so.
func (d *drains) check(what string) {
	d.t.Helper()
	ctx, assigned, open := d.t.Context(), map[leadloop.LeadID]int{}, map[leadloop.RepID]int{}
	err := d.st.View(ctx, func(tx store.Tx) error {
		for e, err := range tx.Journal().Since(ctx, 0) {
			if err != nil {
				return err
			}
			if e.Kind == leadloop.EventAssigned {
				assigned[e.Lead]++
			}
		}
		list, err := tx.Leads().List(ctx, "", arriving)
		if err != nil {
			return err
		}
		for _, l := range list {
			if l.State.Disposition == leadloop.OutcomeAssigned {
				open[l.State.Owner]++
			}
		}
		r, err := tx.Rotations().Get(ctx, "p")
		if err != nil {
			return err
		}
		sum := leadloop.Owed(0)
		for _, b := range r.Balances {
			sum += b.Owed
		}
		if sum != 0 || int(r.Revision) != len(assigned) {
			d.t.Errorf("%s: the ledger sums to %d and moved %d times for %d leads", what, sum, r.Revision, len(assigned))
		}
		return nil
	})
	if err != nil {
		d.t.Fatalf("%s: %v", what, err)
	}
	for id, n := range assigned {
		if n != 1 {
			d.t.Errorf("%s: lead %s was assigned %d times", what, id, n)
		}
	}
	for id, n := range open {
		if n > 5 {
			d.t.Errorf("%s: %s has %d open leads and room for 5", what, id, n)
		}
	}
}
