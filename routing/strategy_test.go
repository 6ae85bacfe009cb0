package routing

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

const strategiesFile = `
teams: [{id: t, manager: boss, members: [a, b, c, d]}]
reps:
  - {id: boss}
  - {id: a, skills: [cloud], languages: [en], products: [crm], seniority: senior, timezone: America/New_York, hours: day, max_month: 3}
  - {id: b, languages: [de], products: [crm, erp], seniority: junior, timezone: Europe/Berlin, hours: day, max_tasks: 2}
  - {id: c, weight: 200, priority: 3, products: [erp], timezone: Asia/Tokyo, hours: night, max_sequences: 1}
  - {id: d, weight: 1, away: [{from: 2026-11-04, until: 2026-11-06}], ramp: {from: 2026-11-02, until: 2026-11-12, start: 10}}
pools:
  - {id: fit, members: [a, b, c], strategy: best_fit, score: "(member_seniority == 'senior' ? 2.0 : 0.0) + ('crm' in member_products ? 1.0 : 0.0) - double(member_open)"}
  - {id: fit-lead, members: [a, b], strategy: best_fit, score: "lead.product_interest in member_products ? 1.0 : 0.0"}
  - {id: drawn, members: [a, b, c], strategy: weighted}
  - {id: here, members: [a, b, c], present: true, wait: 10h, queue: desk}
  - {id: nowait, members: [a, b, c], present: true}
  - {id: first, members: [a, b], strategy: claim, queue: desk}
  - {id: small, members: [a, b], max_day: 3}
  - {id: soon, members: [d], buffer: 2d}
  - {id: all, members: [a, b, c, d]}
queues: [{id: q}, {id: desk, team: t}, {id: disputes, team: t}]
chain:
  - {id: fit, source: [fit], target: {pool: fit}}
  - {id: fit-lead, source: [fit-lead], target: {pool: fit-lead}}
  - {id: drawn, source: [drawn], target: {pool: drawn}}
  - {id: here, source: [here], target: {pool: here}}
  - {id: nowait, source: [nowait], target: {pool: nowait}}
  - {id: next, source: [nowait, here], target: {rep: boss}}
  - {id: first, source: [first], target: {pool: first}}
  - {id: small, source: [small], target: {pool: small}}
  - {id: soon, source: [soon], target: {pool: soon}}
  - {id: sells, source: [sells], target: {pool: all, sells: true}}
  - {id: senior, source: [senior], target: {pool: all, seniority: [senior]}}
  - {id: zone, source: [zone], target: {pool: all, zone_within: 3h}}
  - {id: precedence, source: [precedence], target: {owners: [contact, previous, account]}}
  - {id: agree, source: [agree], target: {owners: [contact, account], agree: true}}
  - {id: sticky, source: [sticky], target: {owner_of: domain, within: 30d}}
  - {id: all, source: [all], target: {pool: all}}
disputes: disputes
final: q
`

const strategiesSLA = `
calendars:
  day: {zone: owner, hours: {mon-fri: ["09:00-12:00", "13:00-17:00"]}}
  night: {zone: owner, hours: {mon-fri: ["22:00-06:00"]}}
policies:
  - {id: all-day, tier: A, target: 4h, escalate: [{notify: "queue:q"}]}
  - {id: hours, tier: B, target: 1h, calendar: day, warn: 15m, follow_up: 2h, pause: [waiting], escalate: [{notify: owner}, {after: 1h, notify: "queue:q"}]}
`

func strategyRouter(t testing.TB, o Options) *Router {
	t.Helper()
	def, err := Parse("routing.yaml", []byte(strategiesFile))
	if err != nil {
		t.Fatal(err)
	}
	sla, err := ParseSLA("sla.yaml", []byte(strategiesSLA))
	if err != nil {
		t.Fatal(err)
	}
	o.Tiers = []string{"A", "B", "C"}
	r, err := New(def, sla, leadloop.StandardSchema(), o)
	if err != nil {
		if strings.Contains(err.Error(), "there is no time zone") {
			t.Skipf("no zone database here: %v", err)
		}
		t.Fatal(err)
	}
	return r
}

func TestStrategiesAndWhatTheyAskOfMembers(t *testing.T) {
	busy := map[leadloop.RepID]Busy{}
	r := strategyRouter(t, Options{Busy: func(_ context.Context, id leadloop.RepID, _ time.Time) (Busy, error) { return busy[id], nil }})
	acct := func(owner leadloop.RepID) *leadloop.Account { return &leadloop.Account{ID: "x", Owner: owner} }
	contact := func(owner leadloop.RepID) *leadloop.Contact { return &leadloop.Contact{ID: "x", Owner: owner} }
	berlin := time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)   // Tuesday, 10:00 in Berlin, 04:00 in New York, 18:00 in Tokyo
	evening := time.Date(2026, 11, 3, 23, 0, 0, 0, time.UTC) // midnight in Berlin, 18:00 in New York, 08:00 in Tokyo
	for _, c := range []struct {
		name   string
		source string
		tier   string
		is     map[string]string
		q      Request
		rd     Snapshot
		busy   map[leadloop.RepID]Busy
		want   string
	}{
		{name: "the best fit", source: "fit", want: "assigned a entry:fit"},
		{name: "open leads count against it where the score says so", source: "fit", rd: Snapshot{Workloads: map[leadloop.RepID]store.Workload{"a": {Open: 3}}}, want: "assigned b entry:fit"},
		{name: "equal fits go by priority", source: "fit", rd: Snapshot{Workloads: map[leadloop.RepID]store.Workload{"a": {Open: 3}, "b": {Open: 1}}}, want: "assigned c entry:fit"},
		{name: "a fit that reads the lead", source: "fit-lead", is: map[string]string{"lead.product_interest": "erp"}, want: "assigned b entry:fit-lead"},
		{name: "a fit that nobody knows yet goes by the ties", source: "fit-lead", want: "assigned a entry:fit-lead"},
		{name: "who is in working hours", source: "here", q: Request{AsOf: berlin}, want: "assigned b entry:here"},
		{name: "a lunch break is not working time", source: "nowait", q: Request{AsOf: berlin.Add(2*time.Hour + 30*time.Minute)}, want: "assigned boss entry:next"},
		{name: "nobody is there: it waits for the first who will be", source: "here", q: Request{AsOf: evening}, want: "queued desk wait:here until 2026-11-04 08:00"},
		{name: "unless its answer is due before", source: "here", tier: "A", q: Request{AsOf: evening}, want: "assigned boss entry:next"},
		{name: "a clock in business hours waits with it", source: "here", tier: "B", q: Request{AsOf: evening}, want: "queued desk wait:here until 2026-11-04 08:00"},
		{name: "a weekend is longer than the pool waits", source: "here", q: Request{AsOf: time.Date(2026, 11, 6, 23, 0, 0, 0, time.UTC)}, want: "assigned boss entry:next"},
		{name: "a night shift goes on after midnight", source: "nowait", q: Request{AsOf: time.Date(2026, 11, 3, 20, 59, 0, 0, time.UTC), Exclude: []leadloop.RepID{"a", "b"}}, want: "assigned c entry:nowait"},
		{name: "claims wait in the pool's queue", source: "first", want: "queued desk claim:first"},
		{name: "a pool has enough", source: "small", rd: Snapshot{Workloads: map[leadloop.RepID]store.Workload{"a": {Day: 1}, "b": {Day: 2}}}, want: "queued q nobody_eligible"},
		{name: "a pool has room", source: "small", rd: Snapshot{Workloads: map[leadloop.RepID]store.Workload{"a": {Day: 1}, "b": {Day: 1}}}, want: "assigned a entry:small"},
		{name: "who leaves soon gets nothing more", source: "soon", want: "queued q nobody_eligible"},
		{name: "who leaves later does", source: "soon", q: Request{AsOf: monday.Add(-40 * time.Hour)}, want: "assigned d entry:soon"},
		{name: "who sells it", source: "sells", is: map[string]string{"lead.product_interest": "erp"}, q: Request{Exclude: []leadloop.RepID{"c"}}, want: "assigned b entry:sells"},
		{name: "while the product is not known, all", source: "sells", want: "assigned c entry:sells"},
		{name: "a seniority", source: "senior", want: "assigned a entry:senior"},
		{name: "a clock near the lead's", source: "zone", is: map[string]string{"lead.timezone": "Asia/Seoul"}, want: "assigned c entry:zone"},
		{name: "the first owner of the precedence", source: "precedence", q: Request{Account: acct("a"), Contact: contact("b")}, want: "assigned b entry:precedence"},
		{name: "the next if there is none", source: "precedence", q: Request{Account: acct("a"), Contact: contact("")}, want: "assigned a entry:precedence"},
		{name: "the next if the first can't", source: "precedence", q: Request{Account: acct("a"), Contact: contact("b"), Exclude: []leadloop.RepID{"b"}}, want: "assigned a entry:precedence"},
		{name: "owners who agree", source: "agree", q: Request{Account: acct("a"), Contact: contact("a")}, want: "assigned a entry:agree"},
		{name: "owners who don't are a dispute", source: "agree", q: Request{Account: acct("a"), Contact: contact("b")}, want: "queued disputes dispute:agree"},
		{name: "one who left does not dispute", source: "agree", q: Request{Account: acct("a"), Contact: contact("b")}, rd: Snapshot{CRM: []leadloop.Rep{{ID: "b", Inactive: true}}}, want: "assigned a entry:agree"},
		{name: "who had the domain lately", source: "sticky", q: Request{Domain: &Earlier{Owner: "b", At: monday.AddDate(0, 0, -30)}}, want: "assigned b entry:sticky"},
		{name: "not who had it long ago", source: "sticky", q: Request{Domain: &Earlier{Owner: "b", At: monday.AddDate(0, 0, -31)}}, want: "queued q no_entry"},
		{name: "thirty days", source: "senior", rd: Snapshot{Workloads: map[leadloop.RepID]store.Workload{"a": {Week: 1}}}, want: "queued q nobody_eligible"},
		{name: "open tasks", source: "fit-lead", is: map[string]string{"lead.product_interest": "erp"}, busy: map[leadloop.RepID]Busy{"b": {Tasks: 2}}, want: "assigned a entry:fit-lead"},
		{name: "active sequences", source: "all", busy: map[leadloop.RepID]Busy{"c": {Sequences: 1}}, want: "assigned a entry:all"},
	} {
		t.Run(c.name, func(t *testing.T) {
			busy = c.busy
			is := map[string]string{"lead.source": c.source}
			maps.Copy(is, c.is)
			c.q.Lead, c.q.Profile = leadOfTier("l", c.tier), profileOf(t, r, is)
			if c.q.AsOf.IsZero() {
				c.q.AsOf = monday
			}
			a, err := r.Route(context.Background(), &c.rd, c.q)
			if err != nil {
				t.Fatal(err)
			}
			got := string(a.Kind) + " " + string(a.Owner) + a.Queue + " " + a.Reason
			if !a.WakeAt.IsZero() {
				got += " until " + a.WakeAt.UTC().Format("2006-01-02 15:04")
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s\n%s", diff, r.Explain(a.Trace))
			}
		})
	}
}

func TestAWaitIsNotBegunAnew(t *testing.T) {
	r := strategyRouter(t, Options{})
	evening := time.Date(2026, 11, 3, 23, 0, 0, 0, time.UTC)
	lead := leadOfTier("l", "")
	lead.State.Disposition, lead.State.Queue, lead.State.Reason, lead.State.QueueSince = leadloop.OutcomeQueued, "desk", "wait:here", evening.Add(-9*time.Hour)
	a, err := r.Route(context.Background(), &Snapshot{}, Request{Lead: lead, Profile: profileOf(t, r, map[string]string{"lead.source": "here"}), AsOf: evening})
	if err != nil || a.Owner != "boss" {
		t.Errorf("%s %s %s, %v; want the next entry, as the wait would be 18 hours", a.Kind, a.Owner, a.Reason, err)
	}
}

func TestADrawFollowsTheWeightsAndTheLead(t *testing.T) {
	r := strategyRouter(t, Options{})
	profile := profileOf(t, r, map[string]string{"lead.source": "drawn"})
	got := map[leadloop.RepID]int{}
	const leads = 8000
	for i := range leads {
		q := Request{Lead: leadOfTier(leadloop.LeadID(fmt.Sprintf("l%d", i)), ""), Profile: profile, AsOf: monday}
		a, err := r.Route(context.Background(), &Snapshot{}, q)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := r.Route(context.Background(), &Snapshot{}, q); err != nil || b.Owner != a.Owner {
			t.Fatalf("lead %d goes to %s, then to %s", i, a.Owner, b.Owner)
		}
		got[a.Owner]++
	}
	for id, want := range map[leadloop.RepID]int{"a": leads / 4, "b": leads / 4, "c": leads / 2} {
		if d := got[id] - want; d < -leads/40 || d > leads/40 {
			t.Errorf("%s got %d of %d, want about %d", id, got[id], leads, want)
		}
	}
}

func TestARampGrowsEvenly(t *testing.T) {
	r := &rep{weight: 200, Rep: Rep{Ramp: &Ramp{From: monday, Until: monday.Add(100 * time.Hour), Start: 10}}}
	for hours, want := range map[int]int{-5: 20, 0: 20, 50: 110, 99: 198, 100: 200, 1000: 200} {
		if got := r.weightAt(monday.Add(time.Duration(hours) * time.Hour)); got != want {
			t.Errorf("after %d hours it is %d, want %d", hours, got, want)
		}
	}
	if got := (&rep{weight: 100, Rep: Rep{Ramp: &Ramp{From: monday, Until: monday.AddDate(0, 1, 0)}}}).weightAt(monday); got != 50 {
		t.Errorf("it starts at %d, want half", got)
	}
}

func TestAClaimIsForMembersWhoMayHaveTheLead(t *testing.T) {
	r := strategyRouter(t, Options{})
	waiting := func() *leadloop.Lead {
		l := leadOfTier("l", "B")
		l.Revision = 1
		l.State.Disposition, l.State.Queue, l.State.Reason, l.State.Entry, l.State.QueueSince = leadloop.OutcomeQueued, "desk", "claim:first", "first", monday
		return l
	}
	for _, c := range []struct {
		name string
		by   leadloop.RepID
		rd   Snapshot
		lead func(l *leadloop.Lead)
		want string
		err  error
	}{
		{name: "a member of the pool", by: "a", want: "assigned a claimed first"},
		{name: "one of the queue's team", by: "c", want: "assigned c claimed "},
		{name: "somebody else", by: "boss", err: leadloop.ErrInvalid},
		{name: "nobody known", by: "ghost", err: leadloop.ErrInvalid},
		{name: "one who is away", by: "a", rd: Snapshot{CRM: []leadloop.Rep{{ID: "a", Away: []leadloop.Absence{{From: monday, Until: monday.AddDate(0, 0, 1)}}}}}, err: leadloop.ErrInvalid},
		{name: "a lead that somebody has", by: "a", lead: func(l *leadloop.Lead) { l.State.Disposition, l.State.Owner = leadloop.OutcomeAssigned, "b" }, err: leadloop.ErrConflict},
	} {
		t.Run(c.name, func(t *testing.T) {
			lead := waiting()
			if c.lead != nil {
				c.lead(lead)
			}
			a, err := r.Claim(context.Background(), &c.rd, Request{Lead: lead, Profile: profileOf(t, r, map[string]string{"lead.source": "first"}), AsOf: monday}, c.by)
			if !errors.Is(err, c.err) {
				t.Fatalf("error = %v, want %v", err, c.err)
			}
			if err == nil {
				if got := string(a.Kind) + " " + string(a.Owner) + " " + a.Reason + " " + a.Pool; got != c.want {
					t.Errorf("%s, want %s", got, c.want)
				}
			}
		})
	}
}

func TestUndecidedNamesWhatCouldStillChangeTheOwnerOrTheClock(t *testing.T) {
	r := mustRouter(t, routingFile, slaFile)
	for _, c := range []struct {
		name string
		tier string
		q    Request
		is   map[string]string
		want map[string][]string
	}{
		{"a partner's lead is decided", "A", Request{}, map[string]string{"lead.source": "partner"}, map[string][]string{}},
		{"an owned account's lead is decided", "A", Request{Account: &leadloop.Account{Owner: "ben"}}, map[string]string{"lead.source": "web"}, map[string][]string{}},
		{"the size could make it enterprise", "A", Request{}, map[string]string{"lead.source": "web", "lead.country": "US"}, map[string][]string{"big": {"company.employees"}}},
		{"the language is asked of members too", "A", Request{}, map[string]string{"lead.source": "web", "lead.country": "FR"}, map[string][]string{"german": {"lead.language"}}},
		{"without a tier the clock is open", "", Request{}, map[string]string{"lead.source": "partner"}, map[string][]string{"hot": {"tier"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.q.Lead, c.q.Profile, c.q.AsOf = leadOfTier("l", c.tier), profileOf(t, r, c.is), monday
			trace, err := r.Undecided(context.Background(), c.q)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string][]string{}
			for _, list := range [][]EntryTrace{trace.Entries, trace.Policies} {
				for _, e := range list {
					got[e.Entry] = e.Needs
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestMovesShowWhatAChangedFileWouldDo(t *testing.T) {
	after := mustRouter(t, strings.Replace(routingFile, "country: [US], employees: {min: 500}, target: {pool: west, skills: [enterprise]}", "country: [US], employees: {min: 500}, target: {rep: pia}", 1), slaFile)
	at := func(id leadloop.LeadID, owner leadloop.RepID, entry string, worked bool) *leadloop.Lead {
		l := leadOfTier(id, "A")
		l.Revision = 1
		l.State.Disposition, l.State.Owner, l.State.Entry, l.State.OwnerSince, l.State.Pool = leadloop.OutcomeAssigned, owner, entry, monday.Add(-time.Hour), "west"
		if worked {
			l.State.FirstTouchAt = monday
		}
		return l
	}
	held := at("held", "ana", "big", false)
	held.State.Disposition = leadloop.OutcomeDisqualified
	big := map[string]string{"lead.source": "web", "lead.country": "US", "company.employees": "900"}
	leads := func(yield func(Request, error) bool) {
		for _, x := range []struct {
			lead *leadloop.Lead
			is   map[string]string
		}{{at("moves", "ana", "big", false), big}, {at("worked", "ana", "big", true), big}, {at("stays", "ben", "us", false), american}, {held, big}} {
			if !yield(Request{Lead: x.lead, Profile: profileOf(t, after, x.is), AsOf: monday}, nil) {
				return
			}
		}
	}
	var got []Move
	for m, err := range after.Moves(context.Background(), &Snapshot{}, leads) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, m)
	}
	want := []Move{
		{Lead: "moves", From: "rep:ana", To: "rep:pia", FromEntry: "big", ToEntry: "big"},
		{Lead: "worked", From: "rep:ana", To: "rep:pia", FromEntry: "big", ToEntry: "big", Worked: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Everybody away, everybody full, one member, no member: the lead ends where
// the files say, with the reason.
func TestALeadThatNobodyCanTakeEndsWhereTheFilesSay(t *testing.T) {
	r := mustRouter(t, `
teams: [{id: t, manager: boss, members: [a, b]}]
reps: [{id: boss}, {id: a, max_open: 1}, {id: b, max_day: 1}, {id: c}]
pools: [{id: two, team: t}, {id: one, members: [c]}]
queues: [{id: q}, {id: full}]
chain:
  - {id: two, source: [two], target: {pool: two}}
  - {id: one, source: [one], target: {pool: one}}
  - {id: full, source: [two], target: {queue: full}}
final: q
`, "")
	away := func(ids ...leadloop.RepID) (out []leadloop.Rep) {
		for _, id := range ids {
			out = append(out, leadloop.Rep{ID: id, Away: []leadloop.Absence{{From: monday, Until: monday.Add(time.Hour)}}})
		}
		return out
	}
	for _, c := range []struct {
		name, source string
		rd           Snapshot
		exclude      []leadloop.RepID
		want, why    string
	}{
		{name: "everybody is away", source: "two", rd: Snapshot{CRM: away("a", "b")}, want: "queued full entry:full",
			why: "two: nobody could get the lead; a is away until 2026-11-02 11:00; b is away until 2026-11-02 11:00\nfull: it is for this lead\n"},
		{name: "everybody is full", source: "two", rd: Snapshot{Workloads: map[leadloop.RepID]store.Workload{"a": {Open: 1}, "b": {Day: 1}}}, want: "queued full entry:full",
			why: "two: nobody could get the lead; a is at capacity: 1/1 open; b is at capacity: 1/1 in 24 hours\nfull: it is for this lead\n"},
		{name: "one member", source: "one", want: "assigned c entry:one", why: "one: c was owed 1.00 leads\n"},
		{name: "the one member is excluded", source: "one", exclude: []leadloop.RepID{"c"}, want: "queued q nobody_eligible",
			why: "one: nobody could get the lead; c is excluded\nno entry placed the lead: it waits in q\n"},
		{name: "no member who has not left", source: "one", rd: Snapshot{CRM: []leadloop.Rep{{ID: "c", Inactive: true}}}, want: "queued q nobody_eligible",
			why: "one: nobody could get the lead; c is inactive\nno entry placed the lead: it waits in q\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := r.Route(context.Background(), &c.rd, Request{Lead: leadOfTier("l", "A"), Profile: profileOf(t, r, of(c.source)), AsOf: monday, Exclude: c.exclude})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{c.want, c.why}, []string{string(a.Kind) + " " + string(a.Owner) + a.Queue + " " + a.Reason, r.Explain(a.Trace)}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
