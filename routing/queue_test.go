package routing

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

const drainFile = `
reps:
  - {id: ana, skills: [cloud], max_open: 1}
  - {id: ben, max_open: 1, away: [{from: 2026-11-01, until: 2026-11-04}]}
pools:
  - {id: cloud, members: [ana]}
  - {id: all, members: [ben]}
queues: [{id: desk}]
chain:
  - {id: cloud, source: [cloud], target: {pool: cloud, skills: [cloud]}}
  - {id: all, source: [web], target: {pool: all}}
  - {id: aside, source: [aside], target: {queue: desk}}
final: desk
`

var anyClaim = leadloop.SurvivorshipFunc(func(c leadloop.Contest) (int, leadloop.Value) { return 0, c.Claims[0].Value })

// queueBench is a bench with leads that wait, l0 being the oldest.
func queueBench(t *testing.T, leads ...[2]string) (*bench, []*leadloop.Lead) {
	t.Helper()
	b := newBench(t, drainFile, "")
	out := make([]*leadloop.Lead, len(leads))
	for i, tierAndSource := range leads {
		l := leadOfTier(leadloop.LeadID(fmt.Sprintf("l%03d", i)), tierAndSource[0])
		l.ReceivedAt = monday.Add(time.Duration(i) * time.Second)
		l.Claims = []leadloop.Claim{leadloop.Source.Claim(tierAndSource[1], leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: monday})}
		s := leadloop.Subject{Lead: l, Profile: profileOf(t, b.r, of(tierAndSource[1])), AsOf: l.ReceivedAt, Trigger: leadloop.TriggerSubmission}
		if _, _, err := b.try(context.Background(), s); err != nil {
			t.Fatal(err)
		}
		out[i] = l
	}
	return b, out
}

// pending are the keys of the pending tasks, by due time.
func (b *bench) pending() []string {
	b.t.Helper()
	var out []string
	err := b.st.View(context.Background(), func(tx store.Tx) error {
		tasks, err := tx.Tasks().ByLead(context.Background(), "")
		for _, x := range tasks {
			if x.State == leadloop.TaskPending {
				out = append(out, x.Key)
			}
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

// drain drains and returns the keys of the tasks that came by it.
func (b *bench) drain(at time.Time) []string {
	b.t.Helper()
	before := b.pending()
	if _, err := b.r.DrainStore(context.Background(), b.st, anyClaim, at); err != nil {
		b.t.Fatal(err)
	}
	return slices.DeleteFunc(b.pending(), func(key string) bool { return slices.Contains(before, key) })
}

// put changes a lead in the store.
func (b *bench) put(l *leadloop.Lead, change func(s *leadloop.State)) {
	b.t.Helper()
	change(&l.State)
	b.update(func(tx store.Tx) (err error) {
		l.Revision, err = tx.Leads().Put(context.Background(), l)
		return err
	})
}

func TestADrainPlacesAsManyAsThereIsRoomForByTierThenAge(t *testing.T) {
	b, leads := queueBench(t, [2]string{"B", "cloud"}, [2]string{"A", "web"}, [2]string{"B", "cloud"}, [2]string{"B", "cloud"}, [2]string{"A", "cloud"})
	if leads[0].State.Owner != "ana" || leads[4].State.Queue != "desk" {
		t.Fatalf("%+v %+v", leads[0].State, leads[4].State)
	}
	back := "drain:20261104T000010Z" // ben comes back on the 4th
	want(t, "while ana is full and ben away", b.drain(monday.Add(time.Hour)), back)
	b.put(leads[0], func(s *leadloop.State) { s.Disposition = leadloop.OutcomeDisqualified })
	want(t, "ana has room for one, and another lead of tier A waits for ben", b.drain(monday.Add(2*time.Hour)),
		"escalate:drain:l004:desk:20261102T120000Z")
	if again := b.drain(monday.Add(2 * time.Hour)); len(again) > 0 {
		t.Errorf("once more at the same moment: %v", again)
	}
	task := b.due("escalate:drain:l004:desk:20261102T120000Z")
	if _, _, err := b.try(context.Background(), leadloop.Subject{Lead: leads[4], Profile: profileOf(t, b.r, of("cloud")), AsOf: task.DueAt, Trigger: leadloop.TriggerTask, Task: task, Previous: leads[4].State}); err != nil {
		t.Fatal(err)
	}
	if leads[4].State.Owner != "ana" {
		t.Fatalf("%+v", leads[4].State)
	}
	want(t, "when ben is back", b.drain(time.Date(2026, 11, 4, 0, 0, 10, 0, time.UTC)), "escalate:drain:l001:desk:20261104T000010Z")
}

func TestALeadThatWaitsForNobodyIsNotOnTheList(t *testing.T) {
	b, leads := queueBench(t, [2]string{"A", "aside"}, [2]string{"A", "unheard of"}, [2]string{"A", "web"}, [2]string{"B", "web"})
	waiting := func() []string {
		return slices.DeleteFunc(b.pending(), func(key string) bool { return !strings.HasPrefix(key, TaskWaiting+":") })
	}
	want(t, "of four that are queued", waiting(), "waiting:l002:desk:20261102T100002Z:A", "waiting:l003:desk:20261102T100003Z:B")
	// What took it out of the queue may know nothing of the list.
	b.put(leads[2], func(s *leadloop.State) { s.Disposition, s.Queue = leadloop.OutcomeSuppressed, "" })
	b.drain(monday.AddDate(0, 0, 7))
	want(t, "after a drain", waiting(), "waiting:l003:desk:20261102T100003Z:B")
	if _, err := b.do(NewClaim(b.r, b.st, "ben"), leads[3], monday.AddDate(0, 0, 7), of("web")); err == nil {
		t.Error("ben is of no team of the queue")
	}
}

func TestThoseWhoWaitBehindManyHaveTheirTurn(t *testing.T) {
	leads := make([][2]string, drainLimit+21)
	for i := range leads {
		leads[i] = [2]string{"A", "cloud"}
	}
	leads[0] = [2]string{"A", "cloud"} // takes ana's place
	leads[len(leads)-1] = [2]string{"D", "web"}
	b, _ := queueBench(t, leads...)
	at := time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)
	want(t, "only those in front were looked at", b.drain(at), "drain:20261105T090010Z")
	last := fmt.Sprintf("escalate:drain:l%03d:desk:20261105T090010Z", drainLimit+20)
	want(t, "ten seconds later", b.drain(at.Add(drainEvery)), last)
}

func TestASettledLeadGivesItsDebitBackOnceAndHasTheQueuesDrained(t *testing.T) {
	for name, c := range map[string]struct {
		to     leadloop.OutcomeKind
		reason string
		worked bool
		want   []string
	}{
		"rejected before anybody worked it":       {leadloop.OutcomeDisqualified, "not_a_fit", false, []string{"drain", "event credited ana"}},
		"a bounce counts though it was worked":    {leadloop.OutcomeSuppressed, "bounced", true, []string{"drain", "event credited ana"}},
		"who worked a lead that was one keeps it": {leadloop.OutcomeDisqualified, "not_a_fit", true, []string{"drain"}},
		"a lead that is nurtured was one":         {leadloop.OutcomeNurture, "not_ready", false, []string{"drain"}},
		"nothing happened":                        {leadloop.OutcomeAssigned, "entry:us", false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, routingFile, slaFile)
			lead := leadOfTier("l1", "A")
			b.run(lead, monday, leadloop.TriggerSubmission, nil, leadloop.State{}, american)
			if c.worked {
				lead.State.FirstTouchAt = monday.Add(time.Minute)
			}
			var got []string
			sum := leadloop.Owed(0)
			for range 2 {
				previous := lead.State
				lead.State.Disposition, lead.State.Reason = c.to, c.reason
				_, e, err := NewSettle(b.r, b.st).Decide(context.Background(), leadloop.Subject{Lead: lead, Profile: profileOf(t, b.r, american), AsOf: monday.Add(time.Hour), Previous: previous})
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range e.Tasks {
					got = append(got, x.Kind)
				}
				for _, x := range e.Events {
					got = append(got, fmt.Sprintf("event %s %s", x.Kind, x.To))
				}
				for _, m := range e.Ledger {
					for _, d := range m.Deltas {
						sum += d
					}
					b.update(func(tx store.Tx) error { return tx.Rotations().Move(context.Background(), m) })
				}
				if e.State != nil {
					lead.State = *e.State
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" || sum != 0 {
				t.Errorf("sum %d (-want +got):\n%s", sum, diff)
			}
			if credited := len(c.want) == 2; credited != (b.owed("west")["ana"] == 0) {
				t.Errorf("owed %v", b.owed("west"))
			}
		})
	}
}

func TestAClockThatGoesOnIsExact(t *testing.T) {
	b := strategyBench(t)
	lead := leadOfTier("l1", "B")
	at := time.Date(2026, 11, 3, 8, 30, 0, 0, time.UTC) // due after an hour
	b.run(lead, at, leadloop.TriggerSubmission, nil, leadloop.State{}, of("here"))
	b.update(func(tx store.Tx) error {
		return tx.Journal().Append(context.Background(), leadloop.Event{Kind: leadloop.EventStatusChanged, Lead: "l1", At: at.Add(58 * time.Minute), To: "waiting"})
	})
	lead.State.Status, lead.State.StatusSince = "waiting", at.Add(58*time.Minute)
	want(t, "when it was due", b.fire(lead, "sla", of("here")),
		"assigned entry:here", "task escalate:sla:l1:b:20261103T083000Z:due@20261103T093500Z at 03 09:35")
	previous := lead.State
	lead.State.Status, lead.State.StatusSince = "working", at.Add(61*time.Minute)
	_, e, err := NewSettle(b.r, b.st).Decide(context.Background(), leadloop.Subject{Lead: lead, Profile: profileOf(t, b.r, of("here")), AsOf: at.Add(61 * time.Minute), Previous: previous})
	if err != nil || e.State == nil || !e.State.SLA.DueAt.Equal(at.Add(63*time.Minute)) || len(e.Tasks) != 1 || !e.Tasks[0].DueAt.Equal(at.Add(63*time.Minute)) {
		t.Fatalf("%+v %v", e, err)
	}
	lead.State = *e.State
	b.update(func(tx store.Tx) error {
		if err := tx.Journal().Append(context.Background(), leadloop.Event{Kind: leadloop.EventStatusChanged, Lead: "l1", At: at.Add(61 * time.Minute), To: "working"}); err != nil {
			return err
		}
		return tx.Tasks().Add(context.Background(), e.Tasks...)
	})
	b.fire(lead, "sla", of("here"))
	if !lead.State.SLA.MissedAt.Equal(at.Add(63 * time.Minute)) {
		t.Errorf("%+v", lead.State.SLA)
	}
	want(t, "the timer of before", b.fire(lead, "sla", of("here")), "assigned entry:here")
}
