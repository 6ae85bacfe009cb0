package playbook

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/store"
)

// CompareLead is a lead that two playbooks are tried on.
type CompareLead struct {
	// Lead has the claims and activities, the tier that is stored for it, and
	// when it was received, which is when it is routed.
	Lead *leadloop.Lead
	// Account, Contact and Opportunity are what it was matched to, nil if
	// nothing; the opportunity only if it is open.
	Account     *leadloop.Account
	Contact     *leadloop.Contact
	Opportunity *leadloop.Opportunity
	// Touched are the moments at which whoever owned it by then worked it, for
	// response times.
	Touched []time.Time
	// Outcome is how it ended: leadloop.OpportunityWon, OpportunityLost, or ""
	// for what is open or unknown.
	Outcome leadloop.OpportunityStatus
}

// CompareOptions are the optional parts of [Compare].
type CompareOptions struct {
	// AsOf is the moment of the scores; required.
	AsOf time.Time
	// Examples is how many leads that move are kept, of those that move
	// furthest; 0 means 20.
	Examples int
	// Reps are those of the CRM, for absences and weights; the playbooks' own
	// come on top.
	Reps []leadloop.Rep
	// CRM is a store with accounts, contacts, opportunities, suppressions and
	// consents. Leads that do not say what they were matched to are matched in
	// it, and those that the steps before enrichment would hold back, or tell an
	// owner about, are not routed. Nothing is written. Nil takes leads as they
	// are: nobody is held back. With it Tokens are required: those that the
	// suppressions were stored with.
	CRM    store.Store
	Tokens *privacy.Tokens
	// Routing are the assumptions of the simulation that says who would get the
	// leads: Response, Open and Seed. The others are set here.
	Routing routing.SimulateOptions
	// Idle routes every lead as if all reps were there and idle when it arrives,
	// instead of in virtual time with what they have to do by then: for leads
	// whose times of arrival mean nothing.
	Idle bool
	// Unordered says that leads do not come in the order of their arrival. What
	// routing reads of each is then held until all have come.
	Unordered bool
	// EnrichSample is of how many leads it is estimated what enriching them would
	// cost; 0 means 5,000, fewer than 0 none. Of more leads the companies of
	// about as many are drawn, always the same.
	EnrichSample int
	// Progress is called every thousand leads, by one goroutine at a time.
	Progress func(done int)
}

// Shift is how many leads something has before and after.
type Shift struct {
	Name   string `json:"name"`
	Before int    `json:"before"`
	After  int    `json:"after"`
}

// TierShift is how many leads a tier has, [scoring.NoTier] standing for none.
type TierShift struct {
	Tier   string `json:"tier"`
	Before int    `json:"before"`
	After  int    `json:"after"`
}

// TierMove counts the leads that go from one tier to another one, or stay.
type TierMove struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Leads int    `json:"leads"`
}

// PlaceShift is how many leads a pool, queue, track or nobody gets.
type PlaceShift struct {
	Kind   leadloop.OutcomeKind `json:"kind"`
	Place  string               `json:"place"`
	Before int                  `json:"before"`
	After  int                  `json:"after"`
}

// Mover is a part of the model that moved leads to another tier: the one whose
// points changed most for them.
type Mover struct {
	What  string `json:"what"`
	Leads int    `json:"leads"`
}

// MovedLead is one lead whose tier or place changes.
type MovedLead struct {
	Lead       leadloop.LeadID `json:"lead"`
	Before     leadloop.Points `json:"before"`
	After      leadloop.Points `json:"after"`
	TierBefore string          `json:"tier_before"`
	TierAfter  string          `json:"tier_after"`
	From       string          `json:"from"`
	To         string          `json:"to"`
	// Because names what moved its tier, "" if only its place changes.
	Because string `json:"because,omitempty"`
}

// Comparison is what a changed playbook would do to leads.
type Comparison struct {
	Old     string    `json:"old"` // name and digest
	New     string    `json:"new"`
	AsOf    time.Time `json:"as_of"`
	Changes []Change  `json:"changes"`

	Leads         int `json:"leads"`
	PointsChanged int `json:"points_changed"`
	TierChanged   int `json:"tier_changed"`
	RouteChanged  int `json:"route_changed"`
	// OwnerChanged leads end up with somebody else or with nobody, if only because
	// another one had the turn.
	OwnerChanged int `json:"owner_changed"`
	// DueChanged leads are to be answered by another moment, or have a response
	// time now and had none, or the other way round.
	DueChanged int `json:"due_changed"`
	// Failed leads could not be scored or routed by one of the playbooks; the
	// first error is kept.
	Failed     int    `json:"failed"`
	FirstError string `json:"first_error,omitempty"`

	Tiers  []TierShift `json:"tiers"`
	Matrix []TierMove  `json:"matrix"`
	Movers []Mover     `json:"movers"`
	Moved  []MovedLead `json:"moved"`

	// Places are where leads are in the end, Flows how many go from one to
	// another, the most first. Entries placed them there, Owners have them, and
	// Clocks are the SLA policies that run for them.
	Places  []PlaceShift   `json:"places"`
	Flows   []routing.Flow `json:"flows"`
	Entries []Shift        `json:"entries"`
	Owners  []Shift        `json:"owners"`
	Clocks  []Shift        `json:"clocks"`
	// SimulatedBefore and SimulatedAfter are what happened in virtual time: who
	// waited how long where, and which response times were met. Nil if everybody
	// was taken to be idle.
	SimulatedBefore *routing.Simulation `json:"simulation_before,omitempty"`
	SimulatedAfter  *routing.Simulation `json:"simulation_after,omitempty"`
	// ReadsMore and ReadsLess are fields that the rules of one playbook read and
	// those of the other don't: what is bought follows them.
	ReadsMore []string `json:"reads_more,omitempty"`
	ReadsLess []string `json:"reads_less,omitempty"`
	// Enrichment is what looking the leads up would cost; nil if neither playbook
	// buys anything, or nobody asked.
	Enrichment *EnrichShift `json:"enrichment,omitempty"`

	// Before and After tell how scores and tiers sort won from lost; nil without
	// outcomes.
	Before *Separation `json:"won_lost_before,omitempty"`
	After  *Separation `json:"won_lost_after,omitempty"`

	// Broken are the new playbook's guards that the change breaks.
	Broken []Broken `json:"broken_guards"`
}

// Moves reports whether anything would be otherwise: points, tier, place, owner
// or due time of any lead, how long leads wait and which are answered in time, or
// what is bought for how much.
func (c *Comparison) Moves() bool {
	return c.PointsChanged+c.TierChanged+c.RouteChanged+c.OwnerChanged+c.DueChanged > 0 || c.Enrichment.Moves() || c.waits()
}

// waits reports whether leads wait otherwise before they are where they are in
// the end.
func (c *Comparison) waits() bool {
	a, b := c.SimulatedBefore, c.SimulatedAfter
	if a == nil || b == nil {
		return false
	}
	return a.SLA != b.SLA || a.Wait != b.Wait || !slices.EqualFunc(a.Queues, b.Queues, func(p, q routing.SimulatedQueue) bool {
		return p.Queue == q.Queue && p.Queued == q.Queued && p.Most == q.Most && p.Wait == q.Wait
	})
}

// Compare tries two playbooks on the same leads: which tiers and places change,
// by which rule, what every rep and queue would get, what looking them up would
// cost, and with outcomes whether the scores sort better. The guards are those of
// the new playbook.
//
// Leads are scored as of Options.AsOf, as they are: they are neither merged nor
// enriched for it. Who is suppressed is what is stored with them, or what
// Options.CRM says.
// Routing is simulated from the first arrival to AsOf (see
// routing.Router.Simulate), so that a rep who is full by then gets none; a lead
// without a time of arrival arrives last. They come in the order of their arrival
// unless Options say otherwise, each once. What enrichment would cost is the
// planner's estimate as of AsOf, without what was bought about them before.
//
// leads is read by a goroutine of its own, one lead at a time, and Compare
// returns when it has ended. An error is that of leads, of their order, or ctx's.
func Compare(ctx context.Context, before, after *Playbook, leads iter.Seq2[CompareLead, error], o CompareOptions) (*Comparison, error) {
	return CompareFrom(ctx, before, after, leads, func(l CompareLead) (CompareLead, error) { return l, nil }, o)
}

// CompareFrom is [Compare] of rows that become leads only while they are compared:
// lead is called for each of them, by several goroutines at a time. It returns no
// Lead for a row that is to be left out.
func CompareFrom[Row any](ctx context.Context, before, after *Playbook, rows iter.Seq2[Row, error], lead func(Row) (CompareLead, error), o CompareOptions) (*Comparison, error) {
	if before == nil || after == nil || o.AsOf.IsZero() {
		return nil, fmt.Errorf("compare: %w: two playbooks and a moment are required", leadloop.ErrInvalid)
	}
	c := newComparing(before, after, o)
	if err := c.screening(); err != nil {
		return nil, fmt.Errorf("compare: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var routed sync.WaitGroup
	for _, s := range c.sides {
		routed.Go(func() {
			if err := s.place(ctx, &c.o); err != nil {
				cancel(err)
			}
		})
	}
	err := c.collect(ctx, inOrder(ctx, rows, func(r Row) (scoredLead, error) {
		l, err := lead(r)
		if err != nil || l.Lead == nil {
			return scoredLead{}, err
		}
		return c.score(ctx, l), nil
	}))
	if err != nil {
		cancel(err)
	}
	for _, s := range c.sides {
		close(s.feed)
	}
	routed.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err := c.finish(ctx); err != nil {
		return nil, err
	}
	return c.out, nil
}
