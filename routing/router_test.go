package routing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

func TestRoute(t *testing.T) {
	r := mustRouter(t, routingFile, slaFile)
	acme := &leadloop.Account{ID: "acme", Owner: "ben"}
	type out struct {
		Kind   leadloop.OutcomeKind
		Reason string
		Who    string // owner, queue or track
		Pool   string
		SLA    string
		Why    string
	}
	full := map[leadloop.RepID]store.Workload{"ben": {Open: 2}}
	for _, c := range []struct {
		name string
		req  Request
		rd   Snapshot
		tier string
		is   map[string]string
		want out
	}{
		{
			"a partner's lead goes to the partner team before anything else", Request{Account: acme}, Snapshot{}, "A",
			map[string]string{"lead.source": "partner", "lead.country": "US"},
			out{"assigned", "entry:partner", "pia", "partners", "hot 2026-11-02 14:15", "partner: Pia was owed 1.00 leads\n"},
		},
		{
			"an account's lead goes to its owner, and the pool that counts ownership is debited", Request{Account: acme}, Snapshot{}, "A",
			map[string]string{"lead.source": "web", "lead.country": "US"},
			out{"assigned", "entry:owner", "ben", "west", "hot 2026-11-02 10:15", "owner: Ben\n"},
		},
		{
			"an owner at capacity is skipped, never silently assigned", Request{Account: acme}, Snapshot{Workloads: full}, "B",
			map[string]string{"lead.source": "web", "lead.country": "US", "company.employees": "10"},
			out{"assigned", "entry:us", "ana", "west", "rest 2026-11-03 10:00",
				"owner: nobody could get the lead; Ben is at capacity: 2/2 open\nus: Ana was owed 0.67 leads, Cem 0.33; Ben is at capacity: 2/2 open\n"},
		},
		{
			"an owner who left gets nothing", Request{Account: acme}, Snapshot{CRM: []leadloop.Rep{{ID: "ben", Inactive: true}}}, "B",
			map[string]string{"lead.source": "web", "lead.country": "US", "company.employees": "10"},
			out{"assigned", "entry:us", "ana", "west", "rest 2026-11-03 10:00",
				"owner: nobody could get the lead; Ben is inactive\nus: Ana was owed 0.67 leads, Cem 0.33; Ben is inactive\n"},
		},
		{
			"an owner that only the CRM knows gets the account's lead, in the CRM's zone",
			Request{Account: &leadloop.Account{Owner: "zoe"}}, Snapshot{CRM: []leadloop.Rep{{ID: "zoe", Timezone: "America/New_York"}}}, "A",
			map[string]string{"lead.source": "web"},
			out{"assigned", "entry:owner", "zoe", "", "hot 2026-11-02 14:15", "owner: zoe\n"},
		},
		{
			"a lead of the lowest tier is nurtured", Request{}, Snapshot{}, "D",
			map[string]string{"lead.source": "web", "lead.country": "US"},
			out{"nurture", "entry:low", "newsletter", "", "", "low: it is for this lead\n"},
		},
		{
			"a skill leaves only those who have it", Request{}, Snapshot{}, "A",
			map[string]string{"lead.source": "web", "lead.country": "US", "company.employees": "500"},
			out{"assigned", "entry:big", "ana", "west", "hot 2026-11-02 10:15",
				"big: Ana was owed 1.00 leads; Ben lacks the skill enterprise; Cem lacks the skill enterprise\n"},
		},
		{
			"what could have won but for a missing field is told", Request{}, Snapshot{}, "A",
			map[string]string{"lead.source": "web", "lead.country": "US"},
			out{"assigned", "entry:us", "ana", "west", "hot 2026-11-02 10:15",
				"big: could have won: needs company.employees\nus: Ana was owed 0.40 leads, Ben 0.40, Cem 0.20\n"},
		},
		{
			"a field that is known not to exist is not missing", Request{}, Snapshot{}, "A",
			map[string]string{"lead.source": "web", "lead.country": "US", "company.employees": "none"},
			out{"assigned", "entry:us", "ana", "west", "hot 2026-11-02 10:15", "us: Ana was owed 0.40 leads, Ben 0.40, Cem 0.20\n"},
		},
		{
			"only those who speak the lead's language", Request{}, Snapshot{}, "A",
			map[string]string{"lead.source": "web", "lead.country": "CH", "lead.language": "de"},
			out{"assigned", "entry:german", "ana", "west", "hot 2026-11-02 10:15",
				"german: Ana was owed 1.00 leads; Ben does not speak the lead's language; Cem does not speak the lead's language\n"},
		},
		{
			"what nobody's entry places goes to the final queue", Request{}, Snapshot{}, "A",
			map[string]string{"lead.source": "web", "lead.country": "FR", "lead.language": "fr"},
			out{"queued", "no_entry", "inbox", "", "", "no entry placed the lead: it waits in inbox\n"},
		},
		{
			"nothing known about a lead is undecided, not a no", Request{}, Snapshot{}, "",
			nil,
			out{"queued", "undecided", "inbox", "", "", "partner: could have won: needs lead.source\nlow: could have won: needs tier\n" +
				"big: could have won: needs company.employees, lead.country\nus: could have won: needs lead.country\n" +
				"german: could have won: needs lead.language\nno entry placed the lead: it waits in inbox\n"},
		},
		{
			"everybody excluded leaves the final queue", Request{Exclude: []leadloop.RepID{"ana", "ben", "cem"}}, Snapshot{}, "A",
			map[string]string{"lead.source": "web", "lead.country": "US", "company.employees": "10"},
			out{"queued", "nobody_eligible", "inbox", "", "",
				"us: nobody could get the lead; Ana is excluded; Ben is excluded; Cem is excluded\ngerman: could have won: needs lead.language\nno entry placed the lead: it waits in inbox\n"},
		},
		{
			"whoever is away gets nothing, says the playbook or the CRM",
			Request{AsOf: time.Date(2026, 12, 22, 10, 0, 0, 0, time.UTC)},
			Snapshot{CRM: []leadloop.Rep{{ID: "ana", Away: []leadloop.Absence{{From: monday, Until: monday.AddDate(0, 3, 0)}}}}}, "A",
			map[string]string{"lead.source": "web", "lead.country": "US", "company.employees": "10"},
			out{"assigned", "entry:us", "ben", "west", "hot 2026-12-22 10:15",
				"us: Ben was owed 1.00 leads; Ana is away until 2027-02-02 10:00; Cem is away until 2027-01-04 00:00\n"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.req.Lead, c.req.Profile = leadOfTier("l1", c.tier), profileOf(t, r, c.is)
			if c.req.AsOf.IsZero() {
				c.req.AsOf = monday
			}
			a, err := r.Route(context.Background(), &c.rd, c.req)
			if err != nil {
				t.Fatal(err)
			}
			got := out{a.Kind, a.Reason, string(a.Owner) + a.Queue + a.Track, a.Pool, "", r.Explain(a.Trace)}
			if !a.SLA.IsZero() {
				got.SLA = a.SLA.Policy + " " + a.SLA.DueAt.UTC().Format("2006-01-02 15:04")
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, m := range a.Ledger {
				if s := sum(m.Deltas); s != 0 {
					t.Errorf("pool %s moves by %d", m.Pool, s)
				}
			}
		})
	}
}

func TestOwnershipIsDebitedInThePoolThatCountsIt(t *testing.T) {
	r := mustRouter(t, routingFile, slaFile)
	a, err := r.Route(context.Background(), &Snapshot{}, Request{
		Lead: leadOfTier("l1", "A"), Profile: profileOf(t, r, map[string]string{"lead.source": "web"}),
		Account: &leadloop.Account{Owner: "ben"}, AsOf: monday,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []leadloop.LedgerMove{{Pool: "west", Lead: "l1", To: "ben", At: monday, Members: []leadloop.RepID{"ana", "ben", "cem"}, Deltas: []leadloop.Owed{400_000, -600_000, 200_000}}}
	if diff := cmp.Diff(want, a.Ledger); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAReturnedLeadGivesTheDebitBack(t *testing.T) {
	r := mustRouter(t, routingFile, slaFile)
	profile := profileOf(t, r, map[string]string{"lead.source": "web", "lead.country": "US", "company.employees": "none"})
	var rd Snapshot
	first, err := r.Route(context.Background(), &rd, Request{Lead: leadOfTier("l1", "A"), Profile: profile, AsOf: monday})
	if err != nil {
		t.Fatal(err)
	}
	rd.Apply(first.Ledger...)
	lead := leadOfTier("l1", "D")
	lead.Revision, lead.State.Owner, lead.State.Pool, lead.State.OwnerSince = 1, first.Owner, first.Pool, monday
	second, err := r.Route(context.Background(), &rd, Request{Lead: lead, Profile: profile, AsOf: monday.Add(time.Hour), Return: true})
	if err != nil {
		t.Fatal(err)
	}
	if second.Kind != leadloop.OutcomeNurture || len(second.Ledger) != 1 || second.Ledger[0].To != "" {
		t.Fatalf("a returned lead: %+v", second)
	}
	rd.Apply(second.Ledger...)
	for _, b := range rd.Rotations["west"].Balances {
		if b.Owed != 0 {
			t.Errorf("%s is owed %d after the only lead came back", b.Member, b.Owed)
		}
	}
	// Within one pool the return and the next assignment are one move.
	lead.State.Score.Tier = "A"
	rd = Snapshot{}
	rd.Apply(first.Ledger...)
	again, err := r.Route(context.Background(), &rd, Request{Lead: lead, Profile: profile, AsOf: monday.Add(time.Hour), Return: true, Exclude: []leadloop.RepID{"ana"}})
	if err != nil {
		t.Fatal(err)
	}
	// Ana's return: +600, Ben −400, Cem −200 thousandths; then ⅔ and ⅓ of a
	// lead to Ben and Cem, who are there, and a lead from Ben.
	want := []leadloop.LedgerMove{{Pool: "west", Revision: 1, Lead: "l1", To: "ben", At: monday.Add(time.Hour), Members: []leadloop.RepID{"ana", "ben", "cem"}, Deltas: []leadloop.Owed{600_000, -400_000 + 666_667 - 1_000_000, -200_000 + 333_333}}}
	if diff := cmp.Diff(want, again.Ledger); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPoolsWithoutALedger(t *testing.T) {
	r := mustRouter(t, `
teams: [{id: t, members: [a, b, c]}]
reps: [{id: a}, {id: b, priority: 5}, {id: c, weight: 300}]
pools: [{id: first, team: t, strategy: priority}, {id: load, team: t, strategy: least_loaded}]
queues: [{id: q}]
chain:
  - {id: p, source: [p], target: {pool: first}}
  - {id: l, target: {pool: load}}
final: q
`, "unworked: {escalate: [{after: 1h, notify: 'queue:q'}]}")
	loads := map[leadloop.RepID]store.Workload{"a": {Open: 1}, "b": {Open: 1}, "c": {Open: 2}}
	for source, want := range map[string]leadloop.RepID{"p": "b", "l": "c"} {
		rd := Snapshot{Workloads: loads}
		a, err := r.Route(context.Background(), &rd, Request{Lead: leadOfTier("l", ""), Profile: profileOf(t, r, map[string]string{"lead.source": source}), AsOf: monday})
		if err != nil {
			t.Fatal(err)
		}
		if a.Owner != want || len(a.Ledger) != 1 || len(a.Ledger[0].Deltas) != 0 || a.Ledger[0].To != want {
			t.Errorf("source %s: owner %s, ledger %v; want %s and no deltas", source, a.Owner, a.Ledger, want)
		}
	}
}

func TestTheLeadBeingRoutedIsNotItsOwnersLoad(t *testing.T) {
	r := mustRouter(t, routingFile, slaFile)
	lead := leadOfTier("l1", "A")
	lead.Revision, lead.State.Owner, lead.State.Disposition, lead.State.OwnerSince = 3, "ben", leadloop.OutcomeAssigned, monday
	a, err := r.Route(context.Background(), &Snapshot{Workloads: map[leadloop.RepID]store.Workload{"ben": {Open: 2}}}, Request{
		Lead: lead, Profile: profileOf(t, r, map[string]string{"lead.source": "web"}), Account: &leadloop.Account{Owner: "ben"}, AsOf: monday,
	})
	if err != nil || a.Owner != "ben" {
		t.Errorf("owner %s, %v; want ben, whose second open lead this is", a.Owner, err)
	}
}

func TestARuleThatErrsIsSkippedAndNamed(t *testing.T) {
	r := mustRouter(t, `
teams: [{id: t, members: [a]}]
reps: [{id: a}]
queues: [{id: q}]
chain:
  - {id: broken, when: '1 / (company.employees - 5) > 0', target: {rep: a}}
final: q
`, "unworked: {escalate: [{after: 1h, notify: 'queue:q'}]}")
	a, err := r.Route(context.Background(), &Snapshot{}, Request{Lead: leadOfTier("l", ""), Profile: profileOf(t, r, map[string]string{"company.employees": "5"}), AsOf: monday})
	if err != nil {
		t.Fatal(err)
	}
	if a.Queue != "q" || a.Trace.Entries[0].Verdict != VerdictFailed || a.Trace.Entries[0].Because == "" {
		t.Errorf("got %+v", a)
	}
}

func TestRouteRefusesAProfileOfAnotherSchema(t *testing.T) {
	r := mustRouter(t, routingFile, slaFile)
	_, err := r.Route(context.Background(), &Snapshot{}, Request{Lead: leadOfTier("l", ""), Profile: leadloop.StandardSchema().NewProfile(), AsOf: monday})
	if !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("error = %v", err)
	}
}

func TestFieldsAreWhatRoutingReads(t *testing.T) {
	r := mustRouter(t, routingFile, slaFile)
	want := []string{"company.employees", "lead.country", "lead.language", "lead.source"}
	if diff := cmp.Diff(want, r.Fields()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatALeadDidIsReadWhereAnExpressionAsksForIt(t *testing.T) {
	const around = `
reps: [{id: a}]
pools: [{id: p, members: [a]%s}]
queues: [{id: q}]
chain: [{id: last-to-count-activities, %s target: {pool: p}}]
final: q
`
	const sla = `policies: [{id: s, target: 1h, escalate: [{notify: "queue:q"}]%s}]`
	for _, c := range []struct {
		name             string
		pool, entry, sla string
		want             bool
	}{
		{name: "nowhere, whatever entries are called"},
		{name: "a field", entry: `when: 'lead.source == "last"',`},
		{name: "a condition of the chain", entry: `when: 'count("meeting") > 0',`, want: true},
		{name: "the list of activities", entry: `when: 'activities.exists(a, a.type == "meeting")',`, want: true},
		{name: "the score of a best fit", pool: `, strategy: best_fit, score: 'double(count("meeting"))'`, want: true},
		{name: "a response time", sla: `, when: 'seen("meeting")'`, want: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := mustRouter(t, fmt.Sprintf(around, c.pool, c.entry), fmt.Sprintf(sla, c.sla)).ReadsActivities(); got != c.want {
				t.Errorf("%t, want %t", got, c.want)
			}
		})
	}
}

func TestABigPoolIsTracedInPart(t *testing.T) {
	def := Definition{Final: "q", Queues: []Queue{{ID: "q"}}, Teams: []Team{{ID: "t"}}, Pools: []Pool{{ID: "p", Team: "t"}}, Chain: []Entry{{ID: "all", Target: Target{Pool: "p"}}}}
	for i := range 60 {
		id := leadloop.RepID(string(rune('A'+i/26)) + string(rune('a'+i%26)))
		rep := Rep{ID: id}
		if i%2 == 0 {
			rep.Away = []Absence{{From: monday, Until: monday.Add(time.Hour)}}
		}
		def.Reps, def.Teams[0].Members = append(def.Reps, rep), append(def.Teams[0].Members, id)
	}
	r, err := New(def, SLADefinition{}, leadloop.StandardSchema(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	a, err := r.Route(context.Background(), &Snapshot{}, Request{Lead: leadOfTier("l", ""), Profile: r.schema.NewProfile(), AsOf: monday})
	if err != nil {
		t.Fatal(err)
	}
	e := a.Trace.Entries[0]
	if len(e.Members) != MaxTraced || len(e.Skipped) != MaxTraced || e.More != 20 || e.Members[0].Member != a.Owner {
		t.Errorf("%d members, %d skipped, %d more, first %s; owner %s", len(e.Members), len(e.Skipped), e.More, e.Members[0].Member, a.Owner)
	}
}

func BenchmarkRoute(b *testing.B) {
	r := mustRouter(b, bigChain(20), slaFile)
	profile := profileOf(b, r, map[string]string{"lead.source": "web", "lead.country": "C19", "company.employees": "50"})
	lead := leadOfTier("l", "A")
	var rd Snapshot
	b.ReportAllocs()
	for b.Loop() {
		a, err := r.Route(context.Background(), &rd, Request{Lead: lead, Profile: profile, AsOf: monday})
		if err != nil || a.Entry != "e19" {
			b.Fatal(a.Entry, err)
		}
	}
}

// bigChain is a chain of n entries, of which each third has a CEL condition.
func bigChain(n int) string {
	var s strings.Builder
	s.WriteString(`
teams: [{id: west, manager: vera, members: [ana, ben, cem]}]
reps: [{id: vera}, {id: ana}, {id: ben}, {id: cem}]
pools: [{id: west, team: west}]
queues: [{id: inbox}]
final: inbox
chain:
`)
	for i := range n {
		if i%3 == 0 {
			s.WriteString("  - {id: e" + itoa(i) + `, when: 'lead.country == "C` + itoa(i) + "\" && company.employees > 10', target: {pool: west}}\n")
			continue
		}
		s.WriteString("  - {id: e" + itoa(i) + ", country: [C" + itoa(i) + "], employees: {min: 10}, target: {pool: west}}\n")
	}
	return s.String()
}

func TestTheTraceTellsWhatCouldStillChangeTheRoute(t *testing.T) {
	r := mustRouter(t, routingFile, slaFile)
	a, err := r.Route(context.Background(), &Snapshot{}, Request{
		Lead: leadOfTier("l", ""), Profile: profileOf(t, r, map[string]string{"lead.source": "web", "lead.country": "US"}), AsOf: monday,
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"company.employees", "tier"}, a.Trace.Needs()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	b, err := json.Marshal(a.Trace)
	if err != nil {
		t.Fatal(err)
	}
	var back Trace
	if err := json.Unmarshal(b, &back); err != nil || r.Explain(back) != r.Explain(a.Trace) {
		t.Errorf("a stored trace explains itself otherwise: %v\n%s", err, r.Explain(back))
	}
}

func TestEveryLeadEndsSomewhereAndNobodyAbsentGetsOne(t *testing.T) {
	r := mustRouter(t, routingFile, slaFile)
	rapid.Check(t, func(t *rapid.T) {
		pick := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
		p := r.schema.NewProfile()
		set := func(f leadloop.Field[string], of ...string) {
			if v := pick(f.Name(), of...); v != "" {
				f.Set(p, v)
			}
		}
		set(leadloop.Source, "", "web", "partner")
		set(leadloop.Country, "", "US", "CH")
		set(leadloop.Language, "", "de", "de-CH", "en")
		if rapid.Bool().Draw(t, "employees known") {
			leadloop.Employees.Set(p, rapid.Int64Range(1, 1000).Draw(t, "employees"))
		}
		lead := leadOfTier("l", pick("tier", "", "A", "B", "D"))
		q := Request{Lead: lead, Profile: p, AsOf: monday}
		if owner := pick("account owner", "", "ana", "ben", "zoe"); owner != "" {
			q.Account = &leadloop.Account{Owner: leadloop.RepID(owner)}
		}
		rd := Snapshot{Workloads: map[leadloop.RepID]store.Workload{"ben": {Open: rapid.IntRange(0, 3).Draw(t, "open")}}}
		can := map[leadloop.RepID]bool{}
		for _, id := range []leadloop.RepID{"ana", "ben", "cem", "pia"} {
			c := leadloop.Rep{ID: id, Inactive: rapid.IntRange(0, 3).Draw(t, "inactive") == 0}
			if rapid.IntRange(0, 3).Draw(t, "away") == 0 {
				c.Away = []leadloop.Absence{{From: monday, Until: monday.Add(1)}}
			}
			can[id] = !c.Inactive && c.Away == nil && (id != "ben" || rd.Workloads["ben"].Open < 2)
			if rapid.IntRange(0, 5).Draw(t, "excluded") == 0 {
				q.Exclude, can[id] = append(q.Exclude, id), false
			}
			rd.CRM = append(rd.CRM, c)
		}
		a, err := r.Route(context.Background(), &rd, q)
		if err != nil {
			t.Fatal(err)
		}
		switch a.Kind {
		case leadloop.OutcomeAssigned:
			if !can[a.Owner] {
				t.Fatalf("%s got it", a.Owner)
			}
		case leadloop.OutcomeQueued:
			if a.Queue != "inbox" {
				t.Fatalf("queue %q", a.Queue)
			}
		case leadloop.OutcomeNurture:
			if a.Track != "newsletter" {
				t.Fatalf("track %q", a.Track)
			}
		default:
			t.Fatalf("it is %q", a.Kind)
		}
		again, err := r.Route(context.Background(), &rd, q)
		if err != nil || cmp.Diff(a, again) != "" {
			t.Fatalf("another answer: %v %s", err, cmp.Diff(a, again))
		}
	})
}

func BenchmarkPool(b *testing.B) {
	for _, n := range []int{3, 30, 1000} {
		for _, same := range []bool{true, false} {
			b.Run(fmt.Sprintf("%d members, equal weights %v", n, same), func(b *testing.B) {
				def := Definition{Final: "q", Queues: []Queue{{ID: "q"}}, Teams: []Team{{ID: "t"}}, Pools: []Pool{{ID: "p", Team: "t"}}, Chain: []Entry{{ID: "all", Target: Target{Pool: "p"}}}}
				for i := range n {
					w := 100
					if !same {
						w = 1 + i*37%150
					}
					id := leadloop.RepID(fmt.Sprintf("rep%04d", i))
					def.Reps, def.Teams[0].Members = append(def.Reps, Rep{ID: id, Weight: &w}), append(def.Teams[0].Members, id)
				}
				r, err := New(def, SLADefinition{}, leadloop.StandardSchema(), Options{})
				if err != nil {
					b.Fatal(err)
				}
				lead, profile := leadOfTier("l", ""), r.schema.NewProfile()
				var rd Snapshot
				for range 2 * n {
					a, err := r.Route(context.Background(), &rd, Request{Lead: lead, Profile: profile, AsOf: monday})
					if err != nil {
						b.Fatal(err)
					}
					rd.Apply(a.Ledger...)
				}
				b.ReportAllocs()
				for b.Loop() {
					a, err := r.Route(context.Background(), &rd, Request{Lead: lead, Profile: profile, AsOf: monday})
					if err != nil || a.Owner == "" {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
