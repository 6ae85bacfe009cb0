package playbook

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/scoring"
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
	// Progress is called every thousand leads.
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
	// Failed leads could not be scored or routed by one of the playbooks; the
	// first error is kept.
	Failed     int    `json:"failed"`
	FirstError string `json:"first_error,omitempty"`

	Tiers  []TierShift `json:"tiers"`
	Matrix []TierMove  `json:"matrix"`
	Movers []Mover     `json:"movers"`
	Moved  []MovedLead `json:"moved"`

	Places  []PlaceShift `json:"places"`
	Entries []Shift      `json:"entries"`
	Owners  []Shift      `json:"owners"`
	// Clocks are the SLA policies that start.
	Clocks []Shift `json:"clocks"`
	// ReadsMore and ReadsLess are fields that the rules of one playbook read and
	// those of the other don't: what is bought follows them.
	ReadsMore []string `json:"reads_more,omitempty"`
	ReadsLess []string `json:"reads_less,omitempty"`

	// Before and After tell how scores and tiers sort won from lost; nil without
	// outcomes.
	Before *Separation `json:"won_lost_before,omitempty"`
	After  *Separation `json:"won_lost_after,omitempty"`

	// Broken are the new playbook's guards that the change breaks.
	Broken []Broken `json:"broken_guards"`
}

// Moves reports whether any lead comes to another tier or place.
func (c *Comparison) Moves() bool { return c.TierChanged+c.RouteChanged > 0 }

// Compare tries two playbooks on the same leads: which tiers and places change,
// by which rule, what every rep and queue would get, and with outcomes whether
// the scores sort better. Leads are scored as of Options.AsOf and routed as of
// their arrival in the order in which they come, everybody idle and nobody owed
// anything at first. What suppression and enrichment would do is not tried: it
// takes the leads as they are. The guards are those of the new playbook. An error
// is that of leads, or ctx's.
func Compare(ctx context.Context, before, after *Playbook, leads iter.Seq2[CompareLead, error], o CompareOptions) (*Comparison, error) {
	if before == nil || after == nil || o.AsOf.IsZero() {
		return nil, fmt.Errorf("compare: %w: two playbooks and a moment are required", leadloop.ErrInvalid)
	}
	if o.Examples == 0 {
		o.Examples = 20
	}
	c := &comparing{
		o: o, sides: [2]*side{newSide(before, o.Reps), newSide(after, o.Reps)},
		matrix: map[[2]string]int{}, movers: map[string]int{},
		out: &Comparison{
			Old: before.Name() + " " + before.digest[:12], New: after.Name() + " " + after.digest[:12], AsOf: o.AsOf.UTC(), Changes: Diff(before, after),
			Broken: []Broken{},
		},
	}
	for l, err := range leads {
		if err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := c.lead(ctx, l); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			c.out.Failed++
			if c.out.FirstError == "" {
				c.out.FirstError = err.Error()
			}
		}
		c.out.Leads++
		if o.Progress != nil && c.out.Leads%1000 == 0 {
			o.Progress(c.out.Leads)
		}
	}
	c.finish()
	return c.out, nil
}

// side is one of the two playbooks and what it did so far.
type side struct {
	pb      *Playbook
	desk    *routing.Snapshot
	tiers   map[string]int
	places  map[landing]int
	entries map[string]int
	owners  map[string]int
	clocks  map[string]int
	sorted  separating
}

type landing struct {
	kind leadloop.OutcomeKind
	name string
}

func newSide(pb *Playbook, reps []leadloop.Rep) *side {
	return &side{
		pb: pb, desk: &routing.Snapshot{CRM: reps}, tiers: map[string]int{}, places: map[landing]int{}, entries: map[string]int{},
		owners: map[string]int{}, clocks: map[string]int{},
	}
}

// fate is what one playbook says about a lead.
type fate struct {
	input   scoring.Input
	verdict scoring.Verdict
	tier    string
	place   landing
	owner   string
	entry   string
	clock   string
	moves   []leadloop.LedgerMove
}

func (s *side) decide(ctx context.Context, l CompareLead, asOf time.Time) (f fate, err error) {
	p := leadloop.Golden(s.pb.schema, s.pb.policy, l.Lead.Claims)
	p.SetActivities(l.Lead.Activities)
	f.input = scoring.Input{Profile: p, AsOf: asOf, PreviousTier: l.Lead.State.Score.Tier}
	if f.verdict, err = s.pb.model.Verdict(ctx, f.input); err != nil {
		return f, err
	}
	v := f.verdict
	f.tier = cmp.Or(v.Tier, scoring.NoTier)
	if v.Disqualified != "" {
		f.place = landing{leadloop.OutcomeDisqualified, v.Disqualified}
		return f, nil
	}
	lead := *l.Lead
	lead.State = leadloop.State{Score: leadloop.Score{Known: v.Known, Points: v.Points, Low: v.Points, High: v.Points, Tier: v.Tier}}
	at := lead.ReceivedAt
	if at.IsZero() {
		at = asOf
	}
	a, err := s.pb.router.Route(ctx, s.desk, routing.Request{
		Lead: &lead, Profile: p, Account: l.Account, Contact: l.Contact, Opportunity: l.Opportunity, AsOf: at,
	})
	if err != nil {
		return f, err
	}
	f.entry, f.clock, f.moves = cmp.Or(a.Entry, "(final queue)"), a.SLA.Policy, a.Ledger
	switch a.Kind {
	case leadloop.OutcomeQueued:
		f.place = landing{a.Kind, a.Queue}
	case leadloop.OutcomeNurture:
		f.place = landing{a.Kind, a.Track}
	default:
		f.owner = string(a.Owner)
		f.place = landing{a.Kind, cmp.Or(a.Pool, f.owner)}
	}
	return f, nil
}

func (s *side) count(f fate, outcome leadloop.OpportunityStatus) {
	s.desk.Apply(f.moves...)
	s.tiers[f.tier]++
	s.places[f.place]++
	if f.entry != "" {
		s.entries[f.entry]++
	}
	if f.owner != "" {
		s.owners[f.owner]++
	}
	if f.clock != "" {
		s.clocks[f.clock]++
	}
	s.sorted.add(f.tier, f.verdict, outcome)
}

type comparing struct {
	o      CompareOptions
	sides  [2]*side
	matrix map[[2]string]int
	movers map[string]int
	out    *Comparison
}

func (c *comparing) lead(ctx context.Context, l CompareLead) error {
	var f [2]fate
	for i, s := range c.sides {
		var err error
		if f[i], err = s.decide(ctx, l, c.o.AsOf); err != nil {
			return fmt.Errorf("lead %s: %w", l.Lead.ID, err)
		}
	}
	for i, s := range c.sides {
		s.count(f[i], l.Outcome)
	}
	a, b := f[0], f[1]
	c.matrix[[2]string{a.tier, b.tier}]++
	if a.verdict.Points != b.verdict.Points {
		c.out.PointsChanged++
	}
	tier, moved := a.tier != b.tier, a.place != b.place
	if !tier && !moved {
		return nil
	}
	m := MovedLead{
		Lead: l.Lead.ID, Before: a.verdict.Points, After: b.verdict.Points, TierBefore: a.tier, TierAfter: b.tier,
		From: a.place.String(), To: b.place.String(),
	}
	if moved {
		c.out.RouteChanged++
	}
	if tier {
		c.out.TierChanged++
		why, err := c.because(ctx, a, b)
		if err != nil {
			return fmt.Errorf("lead %s: %w", l.Lead.ID, err)
		}
		m.Because = why
		c.movers[why]++
	}
	c.keep(m)
	return nil
}

func (p landing) String() string { return string(p.kind) + ":" + p.name }

// keep keeps the leads that move furthest, tiers before places.
func (c *comparing) keep(m MovedLead) {
	further := func(a, b MovedLead) int {
		size := func(x MovedLead) leadloop.Points { return max(x.After-x.Before, x.Before-x.After) }
		tier := func(x MovedLead) int {
			if x.TierBefore != x.TierAfter {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(tier(a), tier(b)), cmp.Compare(size(b), size(a)), cmp.Compare(a.Lead, b.Lead))
	}
	i, _ := slices.BinarySearchFunc(c.out.Moved, m, further)
	if i >= c.o.Examples {
		return
	}
	c.out.Moved = slices.Insert(c.out.Moved, i, m)
	c.out.Moved = c.out.Moved[:min(len(c.out.Moved), c.o.Examples)]
}

// because finds the part of the model whose points changed most for a lead.
func (c *comparing) because(ctx context.Context, a, b fate) (string, error) {
	if a.verdict.Disqualified != b.verdict.Disqualified {
		return "disqualification " + cmp.Or(b.verdict.Disqualified, a.verdict.Disqualified), nil
	}
	points := map[string]leadloop.Points{}
	for i, f := range []fate{a, b} {
		e, err := c.sides[i].pb.model.Explain(ctx, f.input)
		if err != nil {
			return "", err
		}
		sign := leadloop.Points(2*i - 1)
		for _, r := range e.Contributions {
			points["rule "+r.Rule] += sign * r.Points
		}
		for _, m := range e.Modifiers {
			points["modifier "+m.Modifier] += sign * (m.After - m.Before)
		}
	}
	best := ""
	size := func(name string) leadloop.Points { return max(points[name], -points[name]) }
	for _, name := range slices.Sorted(maps.Keys(points)) {
		if size(name) > 0 && (best == "" || size(name) > size(best)) {
			best = name
		}
	}
	return cmp.Or(best, "tiers, groups or formula"), nil
}

func (c *comparing) finish() {
	out, a, b := c.out, c.sides[0], c.sides[1]
	tiers := append(slices.Clone(b.pb.model.Tiers()), a.pb.model.Tiers()...)
	tiers = append(tiers, scoring.NoTier)
	for _, t := range tiers {
		if !slices.ContainsFunc(out.Tiers, func(s TierShift) bool { return s.Tier == t }) {
			out.Tiers = append(out.Tiers, TierShift{t, a.tiers[t], b.tiers[t]})
		}
	}
	for _, from := range out.Tiers {
		for _, to := range out.Tiers {
			if n := c.matrix[[2]string{from.Tier, to.Tier}]; n > 0 {
				out.Matrix = append(out.Matrix, TierMove{from.Tier, to.Tier, n})
			}
		}
	}
	for what, n := range c.movers {
		out.Movers = append(out.Movers, Mover{what, n})
	}
	slices.SortFunc(out.Movers, func(x, y Mover) int { return cmp.Or(cmp.Compare(y.Leads, x.Leads), cmp.Compare(x.What, y.What)) })
	places := maps.Clone(a.places)
	maps.Copy(places, b.places)
	for p := range places {
		out.Places = append(out.Places, PlaceShift{p.kind, p.name, a.places[p], b.places[p]})
	}
	slices.SortFunc(out.Places, func(x, y PlaceShift) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Place, y.Place))
	})
	out.Entries = shifts(a.entries, b.entries, append(append(slices.Clone(b.pb.router.Chain()), a.pb.router.Chain()...), "(final queue)"))
	out.Owners, out.Clocks = shifts(a.owners, b.owners, nil), shifts(a.clocks, b.clocks, nil)
	reads := [2][]string{a.pb.Reads(), b.pb.Reads()}
	for _, f := range reads[1] {
		if !slices.Contains(reads[0], f) {
			out.ReadsMore = append(out.ReadsMore, f)
		}
	}
	for _, f := range reads[0] {
		if !slices.Contains(reads[1], f) {
			out.ReadsLess = append(out.ReadsLess, f)
		}
	}
	out.Before, out.After = a.sorted.result(tiers), b.sorted.result(tiers)
	if broken := b.pb.guards.check(out); len(broken) > 0 {
		out.Broken = broken
	}
}

// shifts are counts before and after, in the order given or by name.
func shifts(a, b map[string]int, order []string) []Shift {
	names := maps.Clone(a)
	maps.Copy(names, b)
	if order == nil {
		order = slices.Sorted(maps.Keys(names))
	}
	var out []Shift
	for _, name := range order {
		if !slices.ContainsFunc(out, func(s Shift) bool { return s.Name == name }) {
			out = append(out, Shift{name, a[name], b[name]})
		}
	}
	return out
}
