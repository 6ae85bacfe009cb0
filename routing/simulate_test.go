package routing

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
)

// sliceMoments yields moments that are in a slice.
func sliceMoments(list []Moment) iter.Seq2[Moment, error] {
	return func(yield func(Moment, error) bool) {
		for _, m := range list {
			if !yield(m, nil) {
				return
			}
		}
	}
}

func simulated(t testing.TB, r *Router, o SimulateOptions, list ...Moment) *Simulation {
	t.Helper()
	s, err := r.Simulate(t.Context(), sliceMoments(list), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func arrives(r *Router, at time.Time, id leadloop.LeadID, tier string) Moment {
	return Moment{At: at, Lead: id, Profile: r.schema.NewProfile(), Score: leadloop.Score{Known: true, Tier: tier, Model: "m@1"}}
}

const smallRouting = `
reps:
  - {id: ana, hours: office}
  - {id: ben, hours: office, weight: 50}
pools: [{id: team, members: [ana, ben], present: true, wait: 24h}]
queues: [{id: desk}]
chain:
  - {id: low, tier: [D], target: {nurture: news}}
  - {id: never, tier: [C], target: {queue: desk}}
  - {id: all, target: {pool: team}}
final: desk
`

const smallSLA = `
calendars: {office: {zone: owner, hours: {mon-fri: ["09:00-17:00"]}}}
policies: [{id: hot, tier: A, target: 1h, calendar: office, escalate: [{notify: "queue:desk"}]}]
`

// Weights 100 and 50 are shares of 2/3 and 1/3 of each lead.
//
//	10:00 l1: ana is owed 2/3, ben 1/3. Ana has it: -1/3 and +1/3.
//	10:10 l2: ana 1/3, ben 2/3. Ben: +1/3 and -1/3.
//	10:20 l3: ana 1, ben 0. Ana: 0 and 0.
//	10:30 l4 is of tier D: the track.
//	18:00 l5: they are off until 09:00; then ana (2/3), who waited 15 h.
func TestASmallHistoryComesOutAsComputedByHand(t *testing.T) {
	r := mustRouter(t, smallRouting, smallSLA)
	at := func(h, m int) time.Time { return time.Date(2026, 11, 2, h, m, 0, 0, time.UTC) }
	got := simulated(t, r, SimulateOptions{Until: at(24+12, 0)},
		arrives(r, at(10, 0), "l1", "A"), arrives(r, at(10, 10), "l2", "A"), arrives(r, at(10, 20), "l3", "B"), arrives(r, at(10, 30), "l4", "D"),
		Moment{Kind: MomentTouched, At: at(11, 0), Lead: "l1"}, // at the last moment: met
		Moment{Kind: MomentTouched, At: at(11, 11), Lead: "l2"},
		Moment{Kind: MomentClosed, At: at(12, 0), Lead: "l1"},
		arrives(r, at(18, 0), "l5", "A"))
	tier := func(s string, n int) TierCount { return TierCount{s, n} }
	want := &Simulation{
		From: at(10, 0), Until: at(36, 0), Leads: 5, Assigned: 4, Nurture: 1,
		Wait:  Quantiles{N: 4, P50: 0, P95: 15 * time.Hour, Max: 15 * time.Hour},
		SLA:   Attainment{Due: 3, Met: 1, Missed: 2}, // l5 was due at 10:00
		Tiers: []TierCount{tier("A", 3), tier("B", 1), tier("D", 1)},
		Reps: []SimulatedRep{
			{
				Rep: "ana", Leads: 3, Got: 3, Tiers: []TierCount{tier("A", 2), tier("B", 1)}, Open: 2, MostOpen: 2,
				Wait: Quantiles{N: 3, P50: 0, P95: 15 * time.Hour, Max: 15 * time.Hour}, SLA: Attainment{Due: 2, Met: 1, Missed: 1},
			},
			{Rep: "ben", Leads: 1, Got: 1, Tiers: []TierCount{tier("A", 1)}, Open: 1, MostOpen: 1, Wait: Quantiles{N: 1}, SLA: Attainment{Due: 1, Missed: 1}},
		},
		Queues: []SimulatedQueue{{Queue: "desk", Queued: 1, Most: 1, Tiers: []TierCount{tier("A", 1)}, Wait: Quantiles{1, 15 * time.Hour, 15 * time.Hour, 15 * time.Hour}}},
		Pools: []SimulatedPool{{Pool: "team", Leads: 4, Strategy: "fair", Deviation: 0.333334, Members: []SimulatedMember{
			{Member: "ana", Leads: 3, Owed: -0.333333, Deviation: 0.333334}, {Member: "ben", Leads: 1, Owed: 0.333333, Deviation: 0.333334},
		}}},
		Entries:  []SimulatedEntry{{Entry: "low", Hits: 1}, {Entry: "never"}, {Entry: "all", Hits: 5}}, // l5 waited, then was assigned
		NeverHit: []string{"never"}, Reasons: []ReasonCount{},
		Placements: []Placement{
			{"l1", "A", "assigned", "all", "ana", "", "", "team", "hot", at(11, 0)}, {"l2", "A", "assigned", "all", "ben", "", "", "team", "hot", at(11, 10)}, {"l3", "B", "assigned", "all", "ana", "", "", "team", "", time.Time{}},
			{"l4", "D", "nurture", "low", "", "", "news", "", "", time.Time{}}, {"l5", "A", "assigned", "all", "ana", "", "", "team", "hot", at(24+10, 0)},
		},
	}
	// Remainders of a millionth go where the ledger says.
	near := cmp.Comparer(func(a, b float64) bool { return a-b < 3e-6 && b-a < 3e-6 })
	if diff := cmp.Diff(want, got, near); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// With an assumed response of half an hour of work both of two leads of 16:45
// are touched at 09:15 the next day, 30 minutes of work after they came.
func TestAnAssumedResponseIsWorkingTime(t *testing.T) {
	r := mustRouter(t, smallRouting, smallSLA)
	at := time.Date(2026, 11, 2, 16, 45, 0, 0, time.UTC)
	s := simulated(t, r, SimulateOptions{Response: 30 * time.Minute, Open: 2 * time.Hour, Until: at.Add(day)}, arrives(r, at, "l1", "A"), arrives(r, at, "l2", "A"))
	if diff := cmp.Diff(Attainment{Due: 2, Met: 2}, s.SLA); diff != "" {
		t.Error(diff)
	}
	for _, rep := range s.Reps {
		if rep.Open != 0 || rep.MostOpen != 1 {
			t.Errorf("%+v", rep)
		}
	}
}

// A lead that nobody answers goes to somebody else after an hour, once for each
// who is left; then it stays.
func TestEscalationTakesALeadAway(t *testing.T) {
	r := mustRouter(t, smallRouting, `
calendars: {office: {zone: owner, hours: {mon-fri: ["09:00-17:00"]}}}
policies: [{id: hot, tier: A, target: 1h, calendar: office, escalate: [{reassign: true, notify: "queue:desk"}, {after: 1h, notify: "queue:desk"}]}]
`)
	s := simulated(t, r, SimulateOptions{Until: monday.Add(6 * time.Hour)}, arrives(r, monday, "l1", "A"))
	got := []string{}
	for _, rep := range s.Reps {
		got = append(got, fmt.Sprint(rep.Rep, " got ", rep.Got, " has ", rep.Leads, " missed ", rep.SLA.Missed, " open ", rep.Open))
	}
	if diff := cmp.Diff([]string{"ana got 1 has 0 missed 1 open 0", "ben got 1 has 1 missed 1 open 1"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestQueuesDrainWhenCapacityFreesUp(t *testing.T) {
	r := mustRouter(t, "reps: [{id: ana, max_open: 1}]\npools: [{id: team, members: [ana]}]\nqueues: [{id: desk}]\nchain: [{id: all, target: {pool: team}}]\nfinal: desk\n",
		"unassigned: {escalate: [{after: 30m, notify: \"queue:desk\"}]}\n")
	list := []Moment{
		arrives(r, monday, "l1", "A"), arrives(r, monday.Add(time.Minute), "l2", "B"), arrives(r, monday.Add(2*time.Minute), "l3", "A"),
		{Kind: MomentClosed, At: monday.Add(time.Hour), Lead: "l1"},
	}
	got := simulated(t, r, SimulateOptions{Until: monday.Add(3 * time.Hour)}, list...)
	var places []string
	for _, p := range got.Placements {
		places = append(places, p.Place())
	}
	// The better tier goes first, although it came later.
	if diff := cmp.Diff([]string{"rep:ana", "queue:desk", "rep:ana"}, places); diff != "" {
		t.Error(diff)
	}
	wait := time.Hour - 2*time.Minute + drainEvery
	if q := got.Queues[0].Wait; q.N != 2 || q.P50 != wait && q.Max != wait {
		t.Errorf("l3 waited from 10:02 to 11:00:10: %+v", q)
	}
	if e := got.Entries[0]; e.Nobody != 2 {
		t.Errorf("what is tried in vain is not counted again: %+v", e)
	}
}

// Nobody closes a lead here: places come by hours, holidays and days.
func TestQueuesDrainWhenSomebodyComesBack(t *testing.T) {
	r := mustRouter(t, `
reps:
  - {id: ana, hours: early}
  - {id: ben, hours: split, away: [{from: 2026-11-02, until: 2026-11-03}]}
  - {id: cem, max_day: 1}
pools: [{id: a, members: [ana], present: true}, {id: b, members: [ben], present: true}, {id: c, members: [cem]}]
queues: [{id: desk}]
chain: [{id: a, tier: [A], target: {pool: a}}, {id: b, tier: [B], target: {pool: b}}, {id: c, tier: [C], target: {pool: c}}, {id: d, tier: [D], target: {owner_of: account}}]
final: desk
`, `
calendars: {early: {zone: UTC, hours: {daily: ["06:00-08:00"]}}, split: {zone: UTC, hours: {daily: ["09:00-12:00", "13:00-17:00"]}}}
unassigned: {escalate: [{notify: "queue:desk"}]}
`)
	got := simulated(t, r, SimulateOptions{Until: monday.AddDate(0, 0, 3)},
		arrives(r, monday, "a", "A"),                          // at 10:00: ana is there at 06:00
		arrives(r, monday, "b", "B"),                          // ben is back at midnight, and there at 09:00
		arrives(r, monday, "c1", "C"),                         // cem has it
		arrives(r, monday.Add(5*time.Minute), "c2", "C"),      // and had enough, for a day
		arrives(r, monday.Add(26*time.Hour+1), "b2", "B"),     // Tuesday noon: ben is out for lunch
		arrives(r, monday.Add(27*time.Hour), "nobody's", "D")) // an account without an owner
	var places []string
	for _, p := range got.Placements {
		places = append(places, p.Place())
	}
	if diff := cmp.Diff([]string{"rep:ana", "rep:ben", "rep:cem", "rep:cem", "rep:ben", "queue:desk"}, places); diff != "" {
		t.Error(diff)
	}
	waited := map[leadloop.RepID]time.Duration{"ana": 20*time.Hour + drainEvery, "ben": 23*time.Hour + drainEvery, "cem": day + drainAgain}
	for _, x := range got.Reps {
		// In the best case nothing; cem's day is looked at every hour.
		if w := x.Wait.Max; w > waited[x.Rep] || x.Rep != "cem" && w != waited[x.Rep] {
			t.Errorf("%s waited %s, want %s", x.Rep, w, waited[x.Rep])
		}
	}
	if e := got.Entries[3]; e.Ownerless != 1 || e.Nobody != 0 {
		t.Errorf("an account without an owner: %+v", e)
	}
}

func TestTwoPlaybooksAreCompared(t *testing.T) {
	before := mustRouter(t, smallRouting, smallSLA)
	after := mustRouter(t, `
reps: [{id: ana}, {id: ben}, {id: cem}]
pools: [{id: team, members: [cem]}]
queues: [{id: desk}, {id: new}]
chain: [{id: c, tier: [D], target: {queue: new}}, {id: all, target: {pool: team}}]
final: desk
`, "")
	list := func(r *Router) []Moment {
		return []Moment{arrives(r, monday, "l1", "A"), arrives(r, monday, "l2", "A"), arrives(r, monday, "l3", "D")}
	}
	o := SimulateOptions{Until: monday}
	got := CompareSimulations(simulated(t, before, o, list(before)...), simulated(t, after, o, list(after)[:]...))
	want := &Difference{
		Leads: 3, Moved: 3,
		Places: []PlaceChange{{"queue:new", 0, 1}, {"rep:ana", 1, 0}, {"rep:ben", 1, 0}, {"rep:cem", 0, 2}, {"track:news", 1, 0}},
		Flows:  []Flow{{"rep:ana", "rep:cem", 1}, {"rep:ben", "rep:cem", 1}, {"track:news", "queue:new", 1}},
		Queues: []QueueChange{{"new", 0, 1}},
		Moves: []LeadMove{
			{"l1", "rep:ana", "rep:cem", "all", "all", "A", "A"}, {"l2", "rep:ben", "rep:cem", "all", "all", "A", "A"}, {"l3", "track:news", "queue:new", "low", "c", "D", "D"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMomentsOutOfOrderAreRefused(t *testing.T) {
	r := mustRouter(t, smallRouting, smallSLA)
	_, err := r.Simulate(t.Context(), sliceMoments([]Moment{arrives(r, monday, "l1", "A"), arrives(r, monday.Add(-1), "l2", "A")}), SimulateOptions{})
	if !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("%v", err)
	}
	boom := errors.New("boom")
	_, err = r.Simulate(t.Context(), func(yield func(Moment, error) bool) { yield(Moment{}, boom) }, SimulateOptions{})
	if !errors.Is(err, boom) {
		t.Errorf("%v", err)
	}
}

// Whatever happens, every lead is in one place, what the reps and queues have
// adds up, balances are 0 in sum, the same input gives the same bytes, and the
// short way decides as the stage's code does.
func TestWhatArrivesEndsSomewhere(t *testing.T) {
	routers := []*Router{
		mustRouter(t, smallRouting, smallSLA),
		mustRouter(t, routingFile, slaFile),
		mustRouter(t, `
reps: [{id: ana, hours: office, max_open: 3}, {id: ben, max_day: 2, timezone: Asia/Tokyo, hours: office}, {id: cem, weight: 30, away: [{from: 2026-11-03, until: 2026-11-05}]}]
pools: [{id: team, members: [ana, ben, cem], present: true, wait: 30h, queue: night, count_ownership: true}, {id: all, strategy: least_loaded, members: [ana, ben, cem]}]
queues: [{id: desk}, {id: night}]
chain: [{id: sticky, target: {owner_of: domain}}, {id: hot, tier: [A, B], target: {pool: team}}, {id: c, tier: [C], target: {pool: all}}, {id: low, tier: [D], target: {nurture: news}}]
final: desk
`, `
calendars: {office: {zone: owner, hours: {mon-fri: ["09:00-17:00"]}}}
policies: [{id: hot, tier: A, target: 1h, calendar: office, escalate: [{reassign: true, notify: "queue:desk"}, {after: 1h, reassign: true, notify: "queue:desk"}, {after: 1h, notify: "queue:desk"}]}]
unworked: {escalate: [{after: 20h, reassign: true, notify: "queue:desk"}, {after: 24h, notify: "queue:desk"}]}
`),
	}
	rapid.Check(t, func(rt *rapid.T) {
		r := rapid.SampledFrom(routers).Draw(rt, "router")
		at := monday
		var list []Moment
		for range rapid.IntRange(1, 40).Draw(rt, "moments") {
			at = at.Add(time.Duration(rapid.IntRange(0, 600).Draw(rt, "minutes")) * time.Minute)
			m := arrives(r, at, leadloop.LeadID(rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}).Draw(rt, "lead")), rapid.SampledFrom([]string{"A", "B", "C", "D", ""}).Draw(rt, "tier"))
			m.Kind = rapid.SampledFrom([]MomentKind{MomentDecided, MomentDecided, MomentDecided, MomentTouched, MomentClosed, MomentHeld}).Draw(rt, "kind")
			m.Held = leadloop.OutcomeSuppressed
			m.Trigger = rapid.SampledFrom([]leadloop.Trigger{"", leadloop.TriggerActivity, leadloop.TriggerRecycle}).Draw(rt, "trigger")
			m.Domain = rapid.SampledFrom([]string{"", "x.example", "y.example"}).Draw(rt, "domain")
			if rapid.IntRange(0, 9).Draw(rt, "merge") == 0 {
				m.Merged = []leadloop.LeadID{"k", "j"}
			}
			if m.Lead == "j" {
				m.Merged = nil
			}
			leadloop.Country.Set(m.Profile, "US")
			list = append(list, m)
		}
		o := SimulateOptions{
			Response: time.Duration(rapid.IntRange(0, 3).Draw(rt, "response")) * time.Hour, Open: time.Duration(rapid.IntRange(0, 3).Draw(rt, "open")) * 5 * time.Hour,
			Seed: rapid.Uint64Range(0, 3).Draw(rt, "seed"), Until: at.Add(100 * time.Hour),
		}
		bytes := func(whole bool) (*Simulation, string) {
			s := newSim(r, o)
			s.whole = whole
			out, err := s.through(rt.Context(), sliceMoments(list))
			if err != nil {
				rt.Fatal(err)
			}
			text, err := json.Marshal(struct {
				*Simulation
				P []Placement
			}{out, out.Placements})
			if err != nil {
				rt.Fatal(err)
			}
			return out, string(text)
		}
		got, first := bytes(false)
		if _, again := bytes(false); first != again {
			rt.Fatalf("not the same:\n%s", cmp.Diff(first, again))
		}
		if _, whole := bytes(true); first != whole {
			rt.Fatalf("the stage decides otherwise (-short +stage):\n%s", cmp.Diff(first, whole))
		}
		if n := got.Assigned + got.Waiting + got.Nurture + got.Alerted + got.Merged + got.Held; n != got.Leads {
			rt.Fatalf("%d of %d leads are somewhere", n, got.Leads)
		}
		held, waiting, reasons := 0, 0, 0
		for _, x := range got.Reps {
			held += x.Leads
			tiers := 0
			for _, c := range x.Tiers {
				tiers += c.Leads
			}
			if tiers != x.Leads || x.Got < x.Leads || x.Open < 0 || x.Open > x.Leads {
				rt.Fatalf("%+v", x)
			}
		}
		for _, q := range got.Queues {
			waiting += q.Waiting
			if q.Wait.N != q.Queued || q.Most > q.Queued || q.Waiting > q.Most {
				rt.Fatalf("%+v", q)
			}
		}
		for _, x := range got.Reasons {
			reasons += x.Leads
		}
		if held != got.Assigned || waiting != got.Waiting || reasons != waiting || got.Wait.N != held {
			rt.Fatalf("held %d, waiting %d, reasons %d of %+v", held, waiting, reasons, got)
		}
		if got.SLA.Met+got.SLA.Missed != got.SLA.Due {
			rt.Fatalf("%+v", got.SLA)
		}
		for _, p := range got.Pools {
			sum := 0.0
			for _, m := range p.Members {
				sum += m.Owed
			}
			if sum > 1e-9 || sum < -1e-9 {
				rt.Fatalf("%s owes %v in sum", p.Pool, sum)
			}
		}
		if diff := CompareSimulations(got, got); diff.Moved != 0 || diff.Leads != got.Leads || !slices.Equal(diff.Flows, []Flow{}) {
			rt.Fatalf("%+v", diff)
		}
	})
}
