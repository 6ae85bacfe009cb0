package playbook

import (
	"bytes"
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing"
)

// comparing is one comparison under way.
type comparing struct {
	o     CompareOptions
	sides [2]*side
	// sameLook says that a lead looks the same to both playbooks.
	sameLook bool
	match    leadloop.Stage // in the CRM; nil if nobody asked
	out      *Comparison

	fates   []fate
	tiers   []string // of fates
	matrix  map[[2]string]int
	movers  map[string]int
	touches touches
	last    time.Time
	// held are moments of leads that come in any order.
	held   []heldMoment
	sample sample
}

// fate is what is kept of each lead.
type fate struct {
	lead   leadloop.LeadID
	points [2]leadloop.Points
	tier   [2]uint8 // position in comparing.tiers
	// out says why routing is not asked; "" if it is.
	out     [2]string
	because string
}

// The reasons for which routing is not asked about a lead that nobody may
// contact, and about one whose account's owner hears of it.
const (
	suppressed = "is suppressed" // with a space, which no reason of a playbook has
	told       = "owner told"
)

// side is one of the two playbooks and what it does.
type side struct {
	pb     *Playbook
	tiers  map[string]int
	sorted separating
	// reads are the fields that routing reads, in the schema's names.
	reads           []string
	readsActivities bool
	slims           sync.Map // of *leadloop.Profile, by what it says
	slimmed         atomic.Int64

	suppress leadloop.Stage // nil if nobody asked
	feed     chan []routing.Moment
	next     []routing.Moment
	// What came of it: the places of leads in the order in which they arrived,
	// and the whole simulation unless everybody was idle.
	placements []routing.Placement
	simulation *routing.Simulation
}

func newComparing(before, after *Playbook, o CompareOptions) *comparing {
	o.Examples = cmp.Or(o.Examples, 20)
	o.EnrichSample = cmp.Or(o.EnrichSample, 5_000)
	if before.enriching == nil && after.enriching == nil {
		o.EnrichSample = -1
	}
	c := &comparing{
		o: o, matrix: map[[2]string]int{}, movers: map[string]int{},
		out: &Comparison{
			Old: before.Name() + " " + before.digest[:12], New: after.Name() + " " + after.digest[:12], AsOf: o.AsOf.UTC(), Changes: Diff(before, after),
			Broken: []Broken{},
		},
	}
	for i, pb := range []*Playbook{before, after} {
		s := &side{pb: pb, tiers: map[string]int{}, reads: pb.router.Fields(), readsActivities: pb.router.ReadsActivities(), feed: make(chan []routing.Moment, 4)}
		c.sides[i] = s
	}
	c.sameLook = !c.sides[0].readsActivities && !c.sides[1].readsActivities &&
		bytes.Equal(before.contents[survivorshipFile], after.contents[survivorshipFile]) && slices.Equal(before.schema.Fields(), after.schema.Fields())
	return c
}

// heldMoment is what both sides are told at once.
type heldMoment struct {
	fate  fate
	sides [2]*routing.Moment
	touch *routing.Moment
}

func (h *heldMoment) at() time.Time {
	for _, m := range []*routing.Moment{h.sides[0], h.sides[1], h.touch} {
		if m != nil {
			return m.At
		}
	}
	return time.Time{}
}

// touches are moments at which leads will be worked, the next one first.
type touches []routing.Moment

func (h touches) Len() int { return len(h) }
func (h touches) Less(i, j int) bool {
	if c := h[i].At.Compare(h[j].At); c != 0 {
		return c < 0
	}
	return h[i].Lead < h[j].Lead
}
func (h touches) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *touches) Push(x any)   { *h = append(*h, x.(routing.Moment)) }
func (h *touches) Pop() any {
	old := *h
	m := old[len(old)-1]
	*h = old[:len(old)-1]
	return m
}

// collect counts what each lead scores, and tells both sides what routing is
// asked.
func (c *comparing) collect(ctx context.Context, leads iter.Seq2[scoredLead, error]) error {
	for l, err := range leads {
		if err != nil {
			return err
		}
		if l.lead.Lead == nil {
			continue
		}
		c.out.Leads++
		if c.o.Progress != nil && c.out.Leads%1000 == 0 {
			c.o.Progress(c.out.Leads)
		}
		if l.err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			c.fail(&l)
			continue
		}
		c.sample.add(&l, c.o.EnrichSample)
		if err := c.arrive(ctx, &l); err != nil {
			return err
		}
	}
	slices.SortStableFunc(c.held, func(a, b heldMoment) int { return a.at().Compare(b.at()) })
	for i := range c.held {
		if err := c.tell(ctx, &c.held[i]); err != nil {
			return err
		}
	}
	c.held = nil
	if err := c.touchUntil(ctx, c.o.AsOf); err != nil {
		return err
	}
	for _, s := range c.sides {
		if err := s.flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

// arrive counts a lead and passes it on when its turn has come.
func (c *comparing) arrive(ctx context.Context, l *scoredLead) error {
	h := heldMoment{fate: fate{lead: l.lead.Lead.ID, because: l.because}}
	for i, s := range c.sides {
		v := &l.sides[i]
		s.tiers[v.tier]++
		s.sorted.add(v.tier, v.verdict, l.lead.Outcome)
		h.fate.points[i], h.fate.tier[i] = v.verdict.Points, c.tier(v.tier)
		h.fate.out[i] = cmp.Or(v.held, v.verdict.Disqualified)
		m := &routing.Moment{At: l.at, Lead: l.lead.Lead.ID}
		if v.profile != nil {
			m.Profile = v.profile
			m.Score = leadloop.Score{Known: v.verdict.Known, Points: v.verdict.Points, Low: v.verdict.Points, High: v.verdict.Points, Tier: v.verdict.Tier}
			m.Account, m.Contact, m.Opportunity = l.lead.Account, l.lead.Contact, l.lead.Opportunity
			if s.readsActivities {
				m.Activities = l.lead.Lead.Activities
			}
			for _, id := range l.lead.Lead.Identifiers {
				if id.Kind == "domain" {
					m.Domain = id.Value
				}
			}
		}
		h.sides[i] = m
	}
	c.matrix[[2]string{l.sides[0].tier, l.sides[1].tier}]++
	if l.sides[0].verdict.Points != l.sides[1].verdict.Points {
		c.out.PointsChanged++
	}
	if l.because != "" {
		c.out.TierChanged++
		c.movers[l.because]++
	}
	for _, t := range l.lead.Touched {
		if !t.Before(l.at) && !t.After(c.o.AsOf) {
			m := routing.Moment{Kind: routing.MomentTouched, At: t, Lead: l.lead.Lead.ID}
			if c.o.Unordered {
				c.held = append(c.held, heldMoment{touch: &m})
			} else {
				heap.Push(&c.touches, m)
			}
		}
	}
	switch {
	case c.o.Idle:
	case c.o.Unordered:
		c.held = append(c.held, h)
		return nil
	case l.at.Before(c.last):
		return fmt.Errorf("compare: %w: lead %s arrived before the one that came before it: sort them, or say that they are unordered", leadloop.ErrInvalid, l.lead.Lead.ID)
	}
	c.last = l.at
	if err := c.touchUntil(ctx, l.at); err != nil {
		return err
	}
	return c.tell(ctx, &h)
}

// tier is the position of a tier's name.
func (c *comparing) tier(name string) uint8 {
	i := slices.Index(c.tiers, name)
	if i < 0 {
		i = len(c.tiers)
		c.tiers = append(c.tiers, name)
	}
	return uint8(i) //nolint:gosec // tiers are few
}

// touchUntil tells of the leads that were worked by then.
func (c *comparing) touchUntil(ctx context.Context, until time.Time) error {
	for len(c.touches) > 0 && !c.touches[0].At.After(until) {
		m := heap.Pop(&c.touches).(routing.Moment)
		if err := c.tell(ctx, &heldMoment{touch: &m}); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparing) tell(ctx context.Context, h *heldMoment) error {
	if h.touch == nil {
		c.fates = append(c.fates, h.fate)
	}
	for i, s := range c.sides {
		m := h.touch
		if m == nil {
			m = h.sides[i]
			if m.Profile == nil {
				continue
			}
		}
		if s.next = append(s.next, *m); len(s.next) == lot {
			if err := s.flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *side) flush(ctx context.Context) error {
	select {
	case s.feed <- s.next:
		s.next = make([]routing.Moment, 0, lot)
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// place routes what it is fed.
func (s *side) place(ctx context.Context, o *CompareOptions) error {
	if o.Idle {
		return s.idle(ctx, o)
	}
	ro := o.Routing
	ro.CRM, ro.Until, ro.Stays = o.Reps, o.AsOf, false
	sim, err := s.pb.router.Simulate(ctx, func(yield func(routing.Moment, error) bool) {
		for {
			select {
			case list, ok := <-s.feed:
				if !ok {
					return
				}
				for i := range list {
					if !yield(list[i], nil) {
						return
					}
				}
			case <-ctx.Done():
				yield(routing.Moment{}, context.Cause(ctx))
				return
			}
		}
	}, ro)
	if err != nil {
		return err
	}
	s.placements, sim.Placements = sim.Placements, nil
	s.simulation = sim
	return nil
}

// idle routes each as if everybody were there and idle; only ledgers move.
func (s *side) idle(ctx context.Context, o *CompareOptions) error {
	desk := &routing.Snapshot{CRM: o.Reps}
	for {
		select {
		case list, ok := <-s.feed:
			if !ok {
				return nil
			}
			for i := range list {
				if list[i].Kind != routing.MomentDecided {
					continue
				}
				p, moves, err := s.pb.destination(ctx, desk, &list[i])
				if err != nil {
					return fmt.Errorf("lead %s: %w", list[i].Lead, err)
				}
				desk.Apply(moves...)
				s.placements = append(s.placements, p)
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// destination is where the chain puts a lead.
func (p *Playbook) destination(ctx context.Context, desk *routing.Snapshot, m *routing.Moment) (routing.Placement, []leadloop.LedgerMove, error) {
	out := routing.Placement{Lead: m.Lead, Tier: m.Score.Tier}
	a, err := p.router.Route(ctx, desk, routing.Request{
		Lead: &leadloop.Lead{ID: m.Lead, ReceivedAt: m.At, Activities: m.Activities, State: leadloop.State{Score: m.Score}}, Profile: m.Profile,
		Account: m.Account, Contact: m.Contact, Opportunity: m.Opportunity, AsOf: m.At,
	})
	if err != nil {
		return out, nil, err
	}
	out.Kind, out.Entry, out.Owner, out.Queue, out.Track, out.Pool = a.Kind, a.Entry, a.Owner, a.Queue, a.Track, a.Pool
	out.Policy, out.DueAt = a.SLA.Policy, a.SLA.DueAt
	return out, a.Ledger, nil
}

// landing is a place as plans call it: the pool rather than who of it has the
// turn.
type landing struct {
	kind leadloop.OutcomeKind
	name string
}

func (p landing) String() string { return strings.TrimSuffix(string(p.kind)+":"+p.name, ":") }

// offRoute is the landing of a lead that routing is not asked about.
func offRoute(why string) landing {
	switch why {
	case suppressed:
		return landing{leadloop.OutcomeSuppressed, ""}
	case told:
		return landing{leadloop.OutcomeAlerted, ""}
	}
	return landing{leadloop.OutcomeDisqualified, why}
}

// landed is the landing of a placement.
func landed(p *routing.Placement) landing {
	switch p.Kind {
	case leadloop.OutcomeQueued:
		return landing{p.Kind, p.Queue}
	case leadloop.OutcomeNurture:
		return landing{p.Kind, p.Track}
	}
	return landing{p.Kind, cmp.Or(p.Pool, string(p.Owner))}
}
