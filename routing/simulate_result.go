package routing

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// Simulation is what routing would have come to.
type Simulation struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
	// Leads reached routing. Each is in exactly one place at the end: it is
	// Assigned, Waiting in a queue, in a track (Nurture), or somebody was told
	// about it (Alerted); or it became part of another one (Merged), or is
	// Held back by now.
	Leads    int `json:"leads"`
	Assigned int `json:"assigned"`
	Waiting  int `json:"waiting"`
	Nurture  int `json:"nurture"`
	Alerted  int `json:"alerted"`
	Merged   int `json:"merged"`
	// Held were held back after that, as by an opt-out.
	Held int `json:"held"`
	// Wait is from when somebody was first wanted for a lead until its owner
	// was first there, over all that are assigned.
	Wait    Quantiles        `json:"wait"`
	SLA     Attainment       `json:"sla"`
	Tiers   []TierCount      `json:"tiers"`
	Reps    []SimulatedRep   `json:"reps"` // in id order, as the others
	Queues  []SimulatedQueue `json:"queues"`
	Pools   []SimulatedPool  `json:"pools"`
	Entries []SimulatedEntry `json:"entries"` // in the order of the chain
	// NeverHit are the entries that placed no lead, in the order of the chain.
	NeverHit []string `json:"never_hit"`
	// Reasons count why leads wait at the end: "nobody_eligible", "entry:<id>".
	Reasons []ReasonCount `json:"reasons"`
	// Placements are where each lead is at the end, in order of arrival.
	Placements []Placement `json:"-"`
	// Stays are who had each lead when, in order of time; nil unless
	// [SimulateOptions].Stays asks for it.
	Stays map[leadloop.LeadID][]Stay `json:"-"`
}

// Stay is how long a lead was somebody's: from From up to Until, or the end if
// that is zero.
type Stay struct {
	Owner       leadloop.RepID
	From, Until time.Time
}

// TierCount counts leads of a tier, best first; "" are those without.
type TierCount struct {
	Tier  string `json:"tier"`
	Leads int    `json:"leads"`
}

// ReasonCount counts leads by reason.
type ReasonCount struct {
	Reason string `json:"reason"`
	Leads  int    `json:"leads"`
}

// SimulatedRep is what came to a rep.
type SimulatedRep struct {
	Rep   leadloop.RepID `json:"rep"`
	Leads int            `json:"leads"` // that the rep has at the end
	// Got counts what was assigned, what was taken away again included.
	Got   int         `json:"got"`
	Tiers []TierCount `json:"tiers"` // of Leads
	Wait  Quantiles   `json:"wait"`  // of Leads
	SLA   Attainment  `json:"sla"`   // of Got
	// Open are open leads at the end, MostOpen the most at any time.
	Open     int `json:"open"`
	MostOpen int `json:"most_open"`
}

// SimulatedQueue is what waited in a queue.
type SimulatedQueue struct {
	Queue string `json:"queue"`
	// Queued counts arrivals, Waiting what is there at the end and Most the
	// most at any time.
	Queued  int         `json:"queued"`
	Waiting int         `json:"waiting"`
	Most    int         `json:"most"`
	Tiers   []TierCount `json:"tiers"` // of Queued
	Wait    Quantiles   `json:"wait"`  // in it, of those who still do until the end
}

// SimulatedPool is how fair a pool was.
type SimulatedPool struct {
	Pool     string            `json:"pool"`
	Leads    int64             `json:"leads"` // from it, or counted in it
	Strategy string            `json:"strategy"`
	Members  []SimulatedMember `json:"members"`
	// Deviation is the most that any member was away from its exact share of
	// the leads that it could have had, in leads, at any time. 0 for pools
	// that keep no ledger.
	Deviation float64 `json:"deviation"`
}

// SimulatedMember is one member of a pool.
type SimulatedMember struct {
	Member leadloop.RepID `json:"member"`
	Leads  int64          `json:"leads"`
	// Owed is what the member is owed at the end, in leads, Deviation the most
	// that it was away from 0 at any time.
	Owed      float64 `json:"owed"`
	Deviation float64 `json:"deviation"`
}

// SimulatedEntry is how often an entry of the chain placed a lead, and how
// often it was for one and didn't: Nobody of those it named could get it, or it
// named nobody (Ownerless), such as the owner of an account that has none.
type SimulatedEntry struct {
	Entry     string `json:"entry"`
	Hits      int    `json:"hits"`
	Nobody    int    `json:"nobody"`
	Ownerless int    `json:"ownerless"`
	Undecided int    `json:"undecided"`
	Failed    int    `json:"failed"`
}

// Attainment counts response targets: Due is Met plus Missed, Running those
// that are neither yet.
type Attainment struct {
	Due     int `json:"due"`
	Met     int `json:"met"`
	Missed  int `json:"missed"`
	Running int `json:"running"`
}

// Rate is the part that was met, 0 to 1; 0 if nothing was due.
func (a Attainment) Rate() float64 {
	if a.Due == 0 {
		return 0
	}
	return float64(a.Met) / float64(a.Due)
}

// Quantiles are the nearest ranks of N times. In JSON they are in seconds.
type Quantiles struct {
	N             int
	P50, P95, Max time.Duration
}

// MarshalJSON writes seconds.
func (q Quantiles) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		N   int     `json:"n"`
		P50 float64 `json:"p50_seconds"`
		P95 float64 `json:"p95_seconds"`
		Max float64 `json:"max_seconds"`
	}{q.N, q.P50.Seconds(), q.P95.Seconds(), q.Max.Seconds()})
}

// quantiles sorts times.
func quantiles(times []time.Duration) Quantiles {
	n := len(times)
	if n == 0 {
		return Quantiles{}
	}
	slices.Sort(times)
	return Quantiles{N: n, P50: times[(n+1)/2-1], P95: times[(95*n+99)/100-1], Max: times[n-1]}
}

// Placement is where a lead is.
type Placement struct {
	Lead leadloop.LeadID
	Tier string
	// Kind is assigned, queued, nurture or alerted; empty for a lead that
	// became part of another one.
	Kind  leadloop.OutcomeKind
	Entry string
	Owner leadloop.RepID
	Queue string
	Track string
	// Pool is the one that the owner was taken from, Policy that of the response
	// time, which is due at DueAt; empty for none.
	Pool   string
	Policy string
	DueAt  time.Time
}

// Place says it in one word: "rep:<id>", "queue:<id>", "track:<id>",
// "alerted", "merged" or "held_back".
func (p Placement) Place() string {
	switch {
	case isHeld(p.Kind):
		return heldBack
	case p.Owner != "":
		return "rep:" + string(p.Owner)
	case p.Queue != "":
		return "queue:" + p.Queue
	case p.Track != "":
		return "track:" + p.Track
	case p.Kind == "":
		return "merged"
	}
	return string(p.Kind)
}

// tally counts while a simulation runs.
type tally struct {
	r       *Router
	tiers   []string
	entries map[string]*SimulatedEntry
	reps    map[leadloop.RepID]*SimulatedRep
	queues  map[string]*queueTally
}

type queueTally struct {
	SimulatedQueue
	tiers map[string]int
	now   int
	times []time.Duration
}

func newTally(r *Router) tally {
	t := tally{
		r: r, tiers: append(slices.Clone(r.tiers), ""), entries: map[string]*SimulatedEntry{}, reps: map[leadloop.RepID]*SimulatedRep{},
		queues: map[string]*queueTally{},
	}
	for i := range r.entries {
		t.entries[r.entries[i].ID] = &SimulatedEntry{Entry: r.entries[i].ID}
	}
	return t
}

func (t *tally) trace(trace *Trace) {
	for i := range trace.Entries {
		x := &trace.Entries[i]
		e := t.entries[x.Entry]
		switch x.Verdict {
		case VerdictWon:
			e.Hits++
		case VerdictNobody:
			if x.named() {
				e.Nobody++
			} else {
				e.Ownerless++
			}
		case VerdictUndecided:
			e.Undecided++
		case VerdictFailed:
			e.Failed++
		}
	}
}

func (t *tally) rep(id leadloop.RepID) *SimulatedRep {
	r := t.reps[id]
	if r == nil {
		r = &SimulatedRep{Rep: id}
		t.reps[id] = r
	}
	return r
}

func (t *tally) got(l *simLead, open int) {
	r := t.rep(l.owner)
	r.Got++
	r.MostOpen = max(r.MostOpen, open)
}

// response counts whether the owner answered in time, when the lead goes to
// somebody else or the simulation ends.
func (t *tally) response(l *simLead, now time.Time, end bool) {
	if l.sla.IsZero() {
		return
	}
	a := &t.rep(l.owner).SLA
	switch {
	case !l.touch.IsZero() && !l.touch.After(l.sla.DueAt):
		a.Met++
	case !l.touch.IsZero() || !l.sla.DueAt.After(now):
		a.Missed++
	case end:
		a.Running++
		return
	default:
		return // taken away before it was due
	}
	a.Due++
}

func (t *tally) queue(id string) *queueTally {
	q := t.queues[id]
	if q == nil {
		q = &queueTally{SimulatedQueue: SimulatedQueue{Queue: id}, tiers: map[string]int{}}
		t.queues[id] = q
	}
	return q
}

func (t *tally) queued(l *simLead) {
	q := t.queue(l.queue)
	q.Queued++
	q.tiers[l.tier]++
	q.now++
	q.Most = max(q.Most, q.now)
}

func (t *tally) waited(l *simLead, now time.Time) {
	q := t.queue(l.queue)
	q.now--
	q.times = append(q.times, now.Sub(l.since))
}

func (t *tally) byTier(counts map[string]int) []TierCount {
	out := []TierCount{}
	for _, tier := range t.tiers {
		if n := counts[tier]; n > 0 {
			out = append(out, TierCount{tier, n})
			delete(counts, tier)
		}
	}
	// A tier that the router was not told of.
	at := len(out)
	for tier, n := range counts {
		if n > 0 {
			out = append(out, TierCount{tier, n})
		}
	}
	slices.SortFunc(out[at:], func(a, b TierCount) int { return strings.Compare(a.Tier, b.Tier) })
	return out
}

// result sums up.
func (s *sim) result(until time.Time) *Simulation {
	t := &s.counts
	out := &Simulation{From: s.from, Until: until, Stays: s.stays, Leads: len(s.order), Placements: make([]Placement, len(s.order)),
		Reps: []SimulatedRep{}, Queues: []SimulatedQueue{}, Pools: []SimulatedPool{}, Entries: []SimulatedEntry{}, NeverHit: []string{}, Reasons: []ReasonCount{},
	}
	tiers, reasons := map[string]int{}, map[string]int{}
	type held struct {
		tiers map[string]int
		waits []time.Duration
	}
	reps := map[leadloop.RepID]*held{}
	for _, r := range s.r.reps {
		t.rep(r.ID)
	}
	var waits []time.Duration
	for i, l := range s.order {
		out.Placements[i] = Placement{Lead: l.id, Tier: l.tier, Kind: l.kind, Entry: l.entry, Owner: l.owner, Queue: l.queue, Pool: l.pool, Policy: l.sla.Policy, DueAt: l.sla.DueAt}
		if l.merged {
			out.Merged++
			continue
		}
		tiers[l.tier]++
		switch {
		case isHeld(l.kind):
			out.Held++
			if l.owner != "" {
				t.response(l, until, false)
			}
		case l.owner != "":
			out.Assigned++
			t.response(l, until, true)
			h := reps[l.owner]
			if h == nil {
				h = &held{tiers: map[string]int{}}
				reps[l.owner] = h
			}
			wait := max(0, l.there.Sub(l.asked))
			h.tiers[l.tier]++
			h.waits, waits = append(h.waits, wait), append(waits, wait)
		case l.queue != "":
			out.Waiting++
			reasons[l.reason]++
			t.queue(l.queue).Waiting++
			t.queue(l.queue).times = append(t.queue(l.queue).times, until.Sub(l.since))
		case l.kind == leadloop.OutcomeNurture:
			out.Nurture++
			out.Placements[i].Track = l.track
		default:
			out.Alerted++
		}
	}
	out.Wait, out.Tiers = quantiles(waits), t.byTier(tiers)
	for id, r := range t.reps {
		r.Tiers = []TierCount{}
		if h := reps[id]; h != nil {
			r.Leads, r.Wait = len(h.waits), quantiles(h.waits)
			r.Tiers = t.byTier(h.tiers)
		}
		r.Open = s.rd.of(id).open
		out.SLA.Due, out.SLA.Met, out.SLA.Missed, out.SLA.Running = out.SLA.Due+r.SLA.Due, out.SLA.Met+r.SLA.Met, out.SLA.Missed+r.SLA.Missed, out.SLA.Running+r.SLA.Running
		out.Reps = append(out.Reps, *r)
	}
	slices.SortFunc(out.Reps, func(a, b SimulatedRep) int { return strings.Compare(string(a.Rep), string(b.Rep)) })
	for _, q := range t.queues {
		q.Tiers, q.Wait = t.byTier(q.tiers), quantiles(q.times)
		out.Queues = append(out.Queues, q.SimulatedQueue)
	}
	slices.SortFunc(out.Queues, func(a, b SimulatedQueue) int { return strings.Compare(a.Queue, b.Queue) })
	for reason, n := range reasons {
		out.Reasons = append(out.Reasons, ReasonCount{reason, n})
	}
	slices.SortFunc(out.Reasons, func(a, b ReasonCount) int {
		return cmp.Or(cmp.Compare(b.Leads, a.Leads), strings.Compare(a.Reason, b.Reason))
	})
	s.pools(out)
	for i := range s.r.entries {
		e := t.entries[s.r.entries[i].ID]
		if out.Entries = append(out.Entries, *e); e.Hits == 0 {
			out.NeverHit = append(out.NeverHit, e.Entry)
		}
	}
	return out
}

func (s *sim) pools(out *Simulation) {
	inLeads := func(o leadloop.Owed) float64 { return float64(o) / float64(leadloop.OneLead) }
	for i := range s.r.pools {
		p := &s.r.pools[i]
		x := SimulatedPool{Pool: p.ID, Strategy: cmp.Or(p.Strategy, StrategyFair)}
		r := s.rd.rotations[p.ID]
		for _, at := range p.members {
			m := SimulatedMember{Member: s.r.reps[at].ID}
			if r != nil {
				if j, ok := slices.BinarySearchFunc(r.Balances, m.Member, compareMember); ok {
					b := &r.Balances[j]
					m.Leads, m.Owed, m.Deviation = b.Count, inLeads(b.Owed), inLeads(r.peaks[j])
				}
			}
			x.Leads += m.Leads
			x.Deviation = max(x.Deviation, m.Deviation)
			x.Members = append(x.Members, m)
		}
		out.Pools = append(out.Pools, x)
	}
	slices.SortFunc(out.Pools, func(a, b SimulatedPool) int { return strings.Compare(a.Pool, b.Pool) })
}
