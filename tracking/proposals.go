package tracking

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Proposal is one change to the playbook that the last weeks speak for. It is
// an observation, no experiment: what goes together need not be what causes it.
type Proposal struct {
	// Kind is "source_weight", "tier_threshold", "routing_entry" or
	// "owner_weight", and About what it is about: a source, a tier, a reason, an
	// owner.
	Kind  string
	About string
	// File is the file of the playbook, Change what to change there.
	File   string
	Change string
	// Evidence is what was counted: Here of what it is about, There of what it
	// is compared with.
	Evidence    string
	Here, There Rate
	// Diff is how much the share here is above the one there, part by part as
	// they are alike, and Z how far that is from chance, in standard deviations.
	// Effect is what to expect of the change.
	Diff   float64
	Z      float64
	Effect string
}

// MarshalJSON rounds what is estimated.
func (p Proposal) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Kind     string  `json:"kind"`
		About    string  `json:"about"`
		File     string  `json:"file"`
		Change   string  `json:"change"`
		Evidence string  `json:"evidence"`
		Here     Rate    `json:"here"`
		There    Rate    `json:"there"`
		Diff     float64 `json:"diff"`
		Z        float64 `json:"z"`
		Effect   string  `json:"effect"`
	}{p.Kind, p.About, p.File, p.Change, p.Evidence, p.Here, p.There, round(p.Diff), round(p.Z), p.Effect})
}

// What a proposal has to show: so many leads on both sides, and so large a
// difference.
const (
	proposalLeads = 30
	proposalDiff  = 0.05
	mostProposals = 2
)

// proposals returns the one or two that are best supported, of different kinds,
// and how many were looked at. The more are looked at, the more one of them has
// to show (Bonferroni), so that a list without any is proposed a change once in
// a hundred weeks.
func (r *reviewer) proposals() (best []Proposal, compared int) {
	r.lastFold.settle()
	all := slices.Concat(r.sourceWeights(), r.tierThresholds(), r.routingEntries(), r.ownerWeights())
	for _, p := range all {
		if p.Here.Of >= proposalLeads && p.There.Of >= proposalLeads {
			compared++
		}
	}
	enough := all[:0]
	for _, p := range all {
		if p.Here.Of >= proposalLeads && p.There.Of >= proposalLeads && math.Abs(p.Diff) >= proposalDiff && math.Erfc(math.Abs(p.Z)/math.Sqrt2)*float64(compared) < 0.01 {
			enough = append(enough, p)
		}
	}
	slices.SortFunc(enough, func(a, b Proposal) int {
		return cmp.Or(cmp.Compare(math.Abs(b.Z), math.Abs(a.Z)), strings.Compare(a.Kind+a.About, b.Kind+b.About))
	})
	best = []Proposal{}
	for _, p := range enough {
		if len(best) < mostProposals && !slices.ContainsFunc(best, func(q Proposal) bool { return q.Kind == p.Kind }) {
			best = append(best, p)
		}
	}
	return best, compared
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
		p := Proposal{Kind: "source_weight", About: source, File: "scoring.yaml", Here: here, There: there, Diff: diff, Z: z}
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
		p := Proposal{Kind: "tier_threshold", About: lower, File: "scoring.yaml", Here: here, There: there, Diff: diff, Z: max(0, z)}
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
		p := Proposal{Kind: "routing_entry", About: reason, File: "routing.yaml", Here: here, There: there, Diff: diff, Z: min(0, z)}
		p.Change = fmt.Sprintf("give the chain an entry, or a pool a member, for leads that it can't place (%s)", reason)
		p.Evidence = fmt.Sprintf("%d of %d leads waited in a queue for that; of those that should have been worked %s were, against %s of the others", n, leads, pct(here), pct(there))
		p.Effect = fmt.Sprintf("about %s leads a week have an owner at once; worked as often as the others, that is %s more worked",
			r.weekly(n), r.weekly(max(0, here.Of*there.Hits/max(1, there.Of)-here.Hits)))
		out = append(out, p)
	}
	return out
}

// ownerWeights compares how often an owner answers in time with the others of
// the pools that leads come from.
func (r *reviewer) ownerWeights() (out []Proposal) {
	by := []string{DimPool, DimOwner}
	owners := map[string]bool{}
	for key := range r.lastFold.find(by).cells {
		pool, owner, _ := strings.Cut(key, "\x00")
		if pool != "" && owner != "" {
			owners[owner] = true
		}
	}
	for _, owner := range slices.Sorted(maps.Keys(owners)) {
		diff, z, here, there := mantelHaenszel(r.strata(by, func(v []string) (bool, string, bool) {
			return v[1] == owner, v[0], v[0] != "" && v[1] != ""
		}, func(c *cell) (int, int) { return c.met, c.clocks }))
		p := Proposal{Kind: "owner_weight", About: owner, File: "routing.yaml", Here: here, There: there, Diff: diff, Z: min(0, z)}
		p.Change = fmt.Sprintf("lower the weight or the daily cap of %s in its pools", owner)
		p.Evidence = fmt.Sprintf("%s of %d response times were met, against %s of %d by the others of the same pools", pct(here), here.Of, pct(there), there.Of)
		p.Effect = fmt.Sprintf("of each ten leads that others get instead, about %.1f more are answered in time",
			10*(float64(there.Hits)/float64(max(1, there.Of))-float64(here.Hits)/float64(max(1, here.Of))))
		out = append(out, p)
	}
	return out
}
