package routing

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

const targetsFile = `
teams: [{id: t, manager: boss, members: [a, b, c]}]
reps: [{id: boss}, {id: a}, {id: b, max_day: 5}, {id: c}]
pools: [{id: p, members: [a, b, c], catch_up: true}]
queues: [{id: main}, {id: legal}]
chain:
  - {id: opportunity, source: [opportunity], target: {alert: opportunity}}
  - {id: contact, source: [contact], target: {owner_of: contact}}
  - {id: deal, source: [deal], target: {owner_of: opportunity}}
  - {id: previous, when: recycled && lead.source == "again", target: {owner_of: previous}}
  - {id: boss, source: [vip], target: {rep: boss}}
  - {id: legal, source: [legal], target: {queue: legal}}
  - {id: pool, source: [pool, again], target: {pool: p}}
final: main
`

func TestTargets(t *testing.T) {
	r := mustRouter(t, targetsFile, "")
	owned := &leadloop.Opportunity{ID: "o", Owner: "b", Status: leadloop.OpportunityOpen}
	week := []leadloop.Absence{{From: monday, Until: monday.AddDate(0, 0, 7)}}
	for _, c := range []struct {
		name   string
		source string
		req    Request
		rd     Snapshot
		owner  leadloop.RepID // before
		want   string
	}{
		{name: "the opportunity's owner is told", source: "opportunity", req: Request{Opportunity: owned}, want: "alerted b entry:opportunity"},
		{name: "no opportunity, nobody to tell", source: "opportunity", want: "queued main no_entry"},
		{name: "an owner who left is not told", source: "opportunity", req: Request{Opportunity: owned}, rd: Snapshot{CRM: []leadloop.Rep{{ID: "b", Inactive: true}}}, want: "queued main nobody_eligible"},
		{name: "the contact's owner", source: "contact", req: Request{Contact: &leadloop.Contact{Owner: "c"}}, want: "assigned c entry:contact"},
		{name: "a contact without an owner", source: "contact", req: Request{Contact: &leadloop.Contact{}}, want: "queued main no_entry"},
		{name: "a contact whose owner nobody knows", source: "contact", req: Request{Contact: &leadloop.Contact{Owner: "ghost"}}, want: "queued main nobody_eligible"},
		{name: "the deal's owner", source: "deal", req: Request{Opportunity: owned}, want: "assigned b entry:deal"},
		{
			name: "the deal's owner had enough today", source: "deal", req: Request{Opportunity: owned},
			rd: Snapshot{Workloads: map[leadloop.RepID]store.Workload{"b": {Day: 5}}}, want: "queued main nobody_eligible",
		},
		{name: "the owner before, for a lead that comes back", source: "again", req: Request{Recycled: true}, owner: "c", want: "assigned c entry:previous"},
		{name: "a new lead is not one that comes back", source: "again", owner: "c", want: "assigned a entry:pool"},
		{name: "a person by name", source: "vip", want: "assigned boss entry:boss"},
		{name: "a queue of its own", source: "legal", want: "queued legal entry:legal"},
		{name: "nobody is there in the pool", source: "pool", rd: Snapshot{CRM: []leadloop.Rep{{ID: "a", Away: week}, {ID: "b", Away: week}, {ID: "c", Away: week}}}, want: "queued main nobody_eligible"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.req.Lead, c.req.Profile, c.req.AsOf = leadOfTier("l", ""), profileOf(t, r, map[string]string{"lead.source": c.source}), monday
			c.req.Lead.State.Owner = c.owner
			a, err := r.Route(context.Background(), &c.rd, c.req)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, string(a.Kind)+" "+string(a.Owner)+a.Queue+" "+a.Reason); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhoCatchesUpIsCreditedWhileAway(t *testing.T) {
	r := mustRouter(t, targetsFile, "")
	rd := Snapshot{CRM: []leadloop.Rep{{ID: "a", Away: []leadloop.Absence{{From: monday, Until: monday.Add(3 * time.Hour)}}}}}
	profile := profileOf(t, r, map[string]string{"lead.source": "pool"})
	var got []leadloop.RepID
	for i := range 6 {
		a, err := r.Route(context.Background(), &rd, Request{Lead: leadOfTier("l", ""), Profile: profile, AsOf: monday.Add(time.Duration(i) * time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		rd.Apply(a.Ledger...)
		got = append(got, a.Owner)
	}
	// Three leads without a: it is owed one of them, and gets two of the next
	// three.
	if diff := cmp.Diff([]leadloop.RepID{"b", "c", "b", "a", "c", "a"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// broken fails to read one of the roles.
type broken struct {
	Snapshot
	what string
}

var errDown = errors.New("down")

func (b *broken) Reps(ctx context.Context) ([]leadloop.Rep, error) {
	if b.what == "reps" {
		return nil, errDown
	}
	return b.Snapshot.Reps(ctx)
}

func (b *broken) Workload(ctx context.Context, owner leadloop.RepID, at time.Time) (store.Workload, error) {
	if b.what == "workload" {
		return store.Workload{}, errDown
	}
	return b.Snapshot.Workload(ctx, owner, at)
}

func (b *broken) Rotation(ctx context.Context, pool string) (store.Rotation, error) {
	if b.what == "rotation" {
		return store.Rotation{}, errDown
	}
	return b.Snapshot.Rotation(ctx, pool)
}

func TestAStoreThatIsDownIsAnErrorNotAQueue(t *testing.T) {
	r := mustRouter(t, targetsFile, "")
	for _, what := range []string{"reps", "workload", "rotation"} {
		_, err := r.Route(context.Background(), &broken{what: what}, Request{Lead: leadOfTier("l", ""), Profile: profileOf(t, r, map[string]string{"lead.source": "pool"}), AsOf: monday})
		if !errors.Is(err, errDown) {
			t.Errorf("%s: error = %v", what, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := r.Route(ctx, &Snapshot{}, Request{Lead: leadOfTier("l", ""), Profile: profileOf(t, r, nil), AsOf: monday}); !errors.Is(err, context.Canceled) {
		t.Errorf("done context: error = %v", err)
	}
}
