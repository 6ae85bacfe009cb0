package playbook

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/scoring"
)

// finish sums up when all leads are scored and routed.
func (c *comparing) finish(ctx context.Context) error {
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
	if err := c.places(); err != nil {
		return err
	}
	out.SimulatedBefore, out.SimulatedAfter = a.simulation, b.simulation
	reads := [2][]string{a.pb.Reads(), b.pb.Reads()}
	less := func(list, other []string) (out []string) {
		for _, f := range list {
			if !slices.Contains(other, f) {
				out = append(out, f)
			}
		}
		return out
	}
	out.ReadsMore, out.ReadsLess = less(reads[1], reads[0]), less(reads[0], reads[1])
	if c.o.EnrichSample > 0 {
		var err error
		if out.Enrichment, err = c.enrichment(ctx); err != nil {
			return err
		}
	}
	out.Before, out.After = a.sorted.result(tiers), b.sorted.result(tiers)
	if broken := b.pb.guards.check(out); len(broken) > 0 {
		out.Broken = broken
	}
	return nil
}

// places says where every lead went, by both sides.
func (c *comparing) places() error {
	type counts struct {
		places                  map[landing]int
		entries, owners, clocks map[string]int
	}
	var n [2]counts
	for i := range n {
		n[i] = counts{map[landing]int{}, map[string]int{}, map[string]int{}, map[string]int{}}
	}
	flows := map[[2]landing]int{}
	var at [2]int
	for i := range c.fates {
		f := &c.fates[i]
		var where [2]landing
		var owners [2]leadloop.RepID
		var due [2]time.Time
		for j, s := range c.sides {
			switch f.out[j] {
			case "":
			default:
				where[j] = offRoute(f.out[j])
				n[j].places[where[j]]++
				continue
			}
			if at[j] == len(s.placements) || s.placements[at[j]].Lead != f.lead {
				return fmt.Errorf("compare: %w: there are two leads %s", leadloop.ErrInvalid, f.lead)
			}
			p := &s.placements[at[j]]
			at[j]++
			where[j] = landed(p)
			n[j].places[where[j]]++
			if p.Kind != leadloop.OutcomeAlerted {
				n[j].entries[cmp.Or(p.Entry, finalQueue)]++
			}
			if owners[j] = p.Owner; p.Owner != "" {
				n[j].owners[string(p.Owner)]++
			}
			if due[j] = p.DueAt; p.Policy != "" {
				n[j].clocks[p.Policy]++
			}
		}
		if owners[0] != owners[1] {
			c.out.OwnerChanged++
		}
		if !due[0].Equal(due[1]) {
			c.out.DueChanged++
		}
		if where[0] != where[1] {
			c.out.RouteChanged++
			flows[where]++
		}
		if where[0] != where[1] || f.tier[0] != f.tier[1] {
			c.keep(MovedLead{
				Lead: f.lead, Before: f.points[0], After: f.points[1], TierBefore: c.tiers[f.tier[0]], TierAfter: c.tiers[f.tier[1]],
				From: where[0].String(), To: where[1].String(), Because: f.because,
			})
		}
	}
	out, a, b := c.out, &n[0], &n[1]
	all := maps.Clone(a.places)
	maps.Copy(all, b.places)
	for p := range all {
		out.Places = append(out.Places, PlaceShift{p.kind, p.name, a.places[p], b.places[p]})
	}
	slices.SortFunc(out.Places, func(x, y PlaceShift) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Place, y.Place))
	})
	for w, leads := range flows {
		out.Flows = append(out.Flows, routing.Flow{From: w[0].String(), To: w[1].String(), Leads: leads})
	}
	slices.SortFunc(out.Flows, func(x, y routing.Flow) int {
		return cmp.Or(cmp.Compare(y.Leads, x.Leads), cmp.Compare(x.From, y.From), cmp.Compare(x.To, y.To))
	})
	chains := append(slices.Clone(c.sides[1].pb.router.Chain()), c.sides[0].pb.router.Chain()...)
	out.Entries = shifts(a.entries, b.entries, append(chains, finalQueue))
	out.Owners, out.Clocks = shifts(a.owners, b.owners, nil), shifts(a.clocks, b.clocks, nil)
	return nil
}

// finalQueue is what stands for the entry of a lead that none was for.
const finalQueue = "(final queue)"

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
