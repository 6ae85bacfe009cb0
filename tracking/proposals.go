package tracking

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/leadloop/leadloop/store"
)

// Proposal is one change to the playbook that the last weeks speak for. It is
// an observation, no experiment: what goes together need not be what causes it.
type Proposal struct {
	// Kind is one of the kinds below, and About what it is about: a rule, a
	// source, a tier, a reason, an owner. Pool is the pool of an owner.
	Kind  string
	About string
	Pool  string
	// File is the file of the playbook, Change what to change there. Path names
	// the place, Before what stands there and After what should, where the
	// playbook is known (see [Advisor]).
	File                string
	Change              string
	Path, Before, After string
	// Evidence is what was counted: Here of what it is about, There of what it
	// is compared with.
	Evidence    string
	Here, There Rate
	// Diff is how much the share here is above the one there, part by part as
	// they are alike, and Z how far that is from chance, in standard deviations.
	// For rules, and for sources if there is an Advisor, it is how much the share
	// is above the one that the scores of these leads promise.
	Diff float64
	Z    float64
	// Extra is, of those, how many points of score more the leads are worth than
	// they have: for each point of the rule, or for being of the source; Low to
	// High with 95 % confidence.
	Extra, Low, High float64
	// Effect is what to expect of the change.
	Effect string
}

// The kinds of proposals.
const (
	ProposeRule      = "rule_weight"
	ProposeSource    = "source_weight"
	ProposeThreshold = "tier_threshold"
	ProposeEntry     = "routing_entry"
	ProposeOwner     = "owner_weight"
)

// MarshalJSON rounds what is estimated.
func (p Proposal) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Kind     string  `json:"kind"`
		About    string  `json:"about"`
		Pool     string  `json:"pool,omitempty"`
		File     string  `json:"file"`
		Path     string  `json:"path,omitempty"`
		Before   string  `json:"before,omitempty"`
		After    string  `json:"after,omitempty"`
		Change   string  `json:"change"`
		Evidence string  `json:"evidence"`
		Here     Rate    `json:"here"`
		There    Rate    `json:"there"`
		Diff     float64 `json:"diff"`
		Z        float64 `json:"z"`
		Extra    float64 `json:"extra_points,omitempty"`
		Low      float64 `json:"extra_low,omitempty"`
		High     float64 `json:"extra_high,omitempty"`
		Effect   string  `json:"effect"`
	}{p.Kind, p.About, p.Pool, p.File, p.Path, p.Before, p.After, p.Change, p.Evidence, p.Here, p.There, round(p.Diff), round(p.Z), round(p.Extra), round(p.Low), round(p.High), p.Effect})
}

// What a proposal has to show: so many leads on both sides, and so large a
// difference.
const (
	proposalLeads = 30
	proposalDiff  = 0.05
	mostProposals = 2
)

// propose finds the one or two that are best supported, of different kinds, and
// how many were looked at. The more are looked at, the more one of them has to
// show (Bonferroni), so that a list without any is proposed a change once in a
// hundred weeks.
func (r *reviewer) propose(ctx context.Context, tx store.Tx, out *Review) error {
	r.lastFold.settle()
	all := slices.Concat(r.routingEntries(), r.ownerWeights())
	var judged []Judged
	if r.o.Advisor == nil {
		all = slices.Concat(all, r.sourceWeights(), r.tierThresholds())
	} else {
		leads, err := r.judgedLeads(ctx, tx)
		if err != nil {
			return err
		}
		all = append(all, r.byScore(leads)...)
		for i := range leads {
			judged = append(judged, leads[i].Judged)
		}
	}
	all = slices.DeleteFunc(all, func(p Proposal) bool { return p.Here.Of < proposalLeads || p.There.Of < proposalLeads })
	out.Compared = len(all)
	all = slices.DeleteFunc(all, func(p Proposal) bool {
		return math.Abs(p.Diff) < proposalDiff || math.Erfc(math.Abs(p.Z)/math.Sqrt2)*float64(out.Compared) >= 0.01
	})
	slices.SortFunc(all, func(a, b Proposal) int {
		return cmp.Or(cmp.Compare(math.Abs(b.Z), math.Abs(a.Z)), strings.Compare(a.Kind+a.About+a.Pool, b.Kind+b.About+b.Pool))
	})
	for _, p := range all {
		if len(out.Proposals) == mostProposals || slices.ContainsFunc(out.Proposals, func(q Proposal) bool { return q.Kind == p.Kind }) {
			continue
		}
		if r.o.Advisor != nil {
			ok, err := r.o.Advisor.Sharpen(ctx, tx, &p, judged)
			if err != nil {
				return fmt.Errorf("proposal about %s: %w", p.About, err)
			}
			if !ok {
				continue
			}
		}
		out.Proposals = append(out.Proposals, p)
	}
	return nil
}

// weekly is a number of leads of the last weeks for each of them.
func (r *reviewer) weekly(n int) string {
	per := float64(n) / float64(r.o.Weeks)
	if per < 10 {
		return fmt.Sprintf("%.1f", per)
	}
	return fmt.Sprintf("%.0f", per)
}

func pct(r Rate) string { return fmt.Sprintf("%.0f %%", 100*float64(r.Hits)/float64(max(1, r.Of))) }

// strata are the sides of a comparison: what is in a group against what is not,
// part by part.
func (r *reviewer) strata(by []string, side func(values []string) (here bool, part string, counts bool), of func(c *cell) (hits, total int)) []stratum {
	g := r.lastFold.find(by)
	parts := map[string]*stratum{}
	for key, c := range g.cells {
		here, part, counts := side(strings.Split(key, "\x00"))
		if !counts {
			continue
		}
		s := parts[part]
		if s == nil {
			s = &stratum{}
			parts[part] = s
		}
		hits, total := of(c)
		if here {
			s.a.Hits, s.a.Of = s.a.Hits+hits, s.a.Of+total
		} else {
			s.b.Hits, s.b.Of = s.b.Hits+hits, s.b.Of+total
		}
	}
	out := make([]stratum, 0, len(parts))
	for _, k := range slices.Sorted(maps.Keys(parts)) {
		out = append(out, *parts[k])
	}
	return out
}

func sal(c *cell) (int, int) { return c.accepted, c.assigned }

// sourceWeights compares each source with the others, tier by tier: the score
// says that leads of one tier are alike, and if those of a source are accepted
// less often, it is wrong about that source.
func (r *reviewer) sourceWeights() (out []Proposal) {
	by := []string{DimSource, DimTier}
	sources := map[string]bool{}
	for key := range r.lastFold.find(by).cells {
		source, _, _ := strings.Cut(key, "\x00")
		sources[source] = true
	}
	delete(sources, "")
	for _, source := range slices.Sorted(maps.Keys(sources)) {
		diff, z, here, there := mantelHaenszel(r.strata(by, func(v []string) (bool, string, bool) { return v[0] == source, v[1], true }, sal))
		p := Proposal{Kind: ProposeSource, About: source, File: "scoring.yaml", Here: here, There: there, Diff: diff, Z: z}
		word, less := "fewer points", "less"
		if z > 0 {
			word, less = "more points", "more"
		}
		p.Change = fmt.Sprintf("give leads of source %q %s: a modifier with when: 'lead.source == %q'", source, word, source)
		p.Evidence = fmt.Sprintf("within the same tiers, reps take them %s often than others: %s of %d against %s of %d", less, pct(here), here.Of, pct(there), there.Of)
		p.Effect = fmt.Sprintf("about %s leads a week are judged anew; if they move by a tier, those that reps see first come closer to what they take", r.weekly(here.Of))
		out = append(out, p)
	}
	return out
}

// tierThresholds looks for a tier whose leads are taken more often than those
// of the tier above.
func (r *reviewer) tierThresholds() (out []Proposal) {
	g := r.lastFold.find([]string{DimTier})
	tiers := slices.DeleteFunc(slices.Sorted(maps.Keys(g.cells)), func(s string) bool { return s == "" })
	for i := 1; i < len(tiers); i++ {
		upper, lower := tiers[i-1], tiers[i]
		here, there := Rate{Group: lower}, Rate{Group: upper}
		here.Hits, here.Of = sal(g.cells[lower])
		there.Hits, there.Of = sal(g.cells[upper])
		diff, z, here, there := mantelHaenszel([]stratum{{here, there}})
		p := Proposal{Kind: ProposeThreshold, About: lower, File: "scoring.yaml", Here: here, There: there, Diff: diff, Z: max(0, z)}
		p.Change = fmt.Sprintf("lower the threshold of tier %s, or take points from what fills it: tier %s is worth more", upper, lower)
		p.Evidence = fmt.Sprintf("reps take %s of %d leads of tier %s, and %s of %d of tier %s", pct(here), here.Of, lower, pct(there), there.Of, upper)
		p.Effect = fmt.Sprintf("up to %s leads a week get the response time of tier %s", r.weekly(here.Of), upper)
		out = append(out, p)
	}
	return out
}

// routingEntries compares leads that no entry could place with those that one
// did.
func (r *reviewer) routingEntries() (out []Proposal) {
	by := []string{DimFailure}
	leads := r.lastFold.cell(nil).leads
	for _, reason := range slices.Sorted(maps.Keys(r.lastFold.find(by).cells)) {
		if reason == "" {
			continue
		}
		worked := func(c *cell) (int, int) { return c.due - c.leaked, c.due }
		diff, z, here, there := mantelHaenszel(r.strata(by, func(v []string) (bool, string, bool) {
			return v[0] == reason, "", v[0] == reason || v[0] == ""
		}, worked))
		n := r.lastFold.cell(by, reason).leads
		p := Proposal{Kind: ProposeEntry, About: reason, File: "routing.yaml", Here: here, There: there, Diff: diff, Z: min(0, z)}
		p.Change = fmt.Sprintf("give the chain an entry, or a pool a member, for leads that it can't place (%s)", reason)
		p.Evidence = fmt.Sprintf("%d of %d leads waited in a queue for that; of those that should have been worked %s were, against %s of the others", n, leads, pct(here), pct(there))
		p.Effect = fmt.Sprintf("about %s leads a week have an owner at once; worked as often as the others, that is %s more worked",
			r.weekly(n), r.weekly(max(0, here.Of*there.Hits/max(1, there.Of)-here.Hits)))
		out = append(out, p)
	}
	return out
}

// ownerWeights compares how often an owner answers in time, of the leads of a
// pool, with the others of that pool.
func (r *reviewer) ownerWeights() (out []Proposal) {
	by := []string{DimPool, DimOwner}
	for _, key := range slices.Sorted(maps.Keys(r.lastFold.find(by).cells)) {
		pool, owner, _ := strings.Cut(key, "\x00")
		if pool == "" || owner == "" {
			continue
		}
		diff, z, here, there := mantelHaenszel(r.strata(by, func(v []string) (bool, string, bool) {
			return v[1] == owner, "", v[0] == pool && v[1] != ""
		}, func(c *cell) (int, int) { return c.met, c.clocks }))
		p := Proposal{Kind: ProposeOwner, About: owner, Pool: pool, File: "routing.yaml", Here: here, There: there, Diff: diff, Z: min(0, z)}
		p.Change = fmt.Sprintf("lower the weight or the daily cap of %s in pool %s", owner, pool)
		p.Evidence = fmt.Sprintf("of the leads of pool %s, %s of %d response times were met, against %s of %d by its others", pool, pct(here), here.Of, pct(there), there.Of)
		p.Effect = fmt.Sprintf("of each ten leads that others get instead, about %.1f more are answered in time",
			10*(float64(there.Hits)/float64(max(1, there.Of))-float64(here.Hits)/float64(max(1, here.Of))))
		out = append(out, p)
	}
	return out
}
