package playbook

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/suggest"
	"github.com/leadloop/leadloop/internal/yamldoc"
)

// guardsFile says what a change of the playbook must not do. It is no part of
// the digest, since it decides nothing about a lead.
const guardsFile = "guards.yaml"

// Guards are guards.yaml: what [Compare] holds a change against. Shares are of
// all leads compared, from 0 to 1; nil does not look.
type Guards struct {
	// MaxTierChanges is the share of leads that may change their tier,
	// MaxRouteChanges of those that may go to another pool, queue or track.
	MaxTierChanges, MaxRouteChanges *float64
	// MaxQueued is the share that may wait in queues afterwards.
	MaxQueued *float64
	// MaxShare and MinShare bound what a tier may have of the leads afterwards.
	MaxShare, MinShare map[string]float64
	// KeepGap wants the average score of won leads to stay as far above that of
	// lost ones as it is. It needs outcomes.
	KeepGap bool
	// Activate lists who may put a version into force; none means everybody.
	Activate []string
}

// guardsDocument is the file.
type guardsDocument struct {
	MaxTierChanges  leadloop.Expression            `yaml:"max_tier_changes"`
	MaxRouteChanges leadloop.Expression            `yaml:"max_route_changes"`
	MaxQueued       leadloop.Expression            `yaml:"max_queued"`
	MaxShare        map[string]leadloop.Expression `yaml:"max_share"`
	MinShare        map[string]leadloop.Expression `yaml:"min_share"`
	KeepGap         bool                           `yaml:"keep_won_lost_gap"`
	Activate        []string                       `yaml:"activate"`
}

// ParseGuards reads guards.yaml; tiers are those that there are. The error is a
// leadloop.Problems.
func ParseGuards(file string, data []byte, tiers []string) (Guards, error) {
	var doc guardsDocument
	problems := yamldoc.Decode(file, data, &doc)
	share := func(key string, e leadloop.Expression) *float64 {
		if e.Text == "" {
			return nil
		}
		v, err := strconv.ParseFloat(e.Text, 64)
		if err != nil || !(v >= 0 && v <= 1) {
			problems.Add(e.At, "%s: expected a share between 0 and 1, such as 0.05, found %q", key, e.Text)
			return nil
		}
		return &v
	}
	shares := func(key string, m map[string]leadloop.Expression) map[string]float64 {
		out := map[string]float64{}
		for _, tier := range slices.Sorted(maps.Keys(m)) {
			if !slices.Contains(tiers, tier) {
				problems.AddHint(m[tier].At, suggest.DidYouMean(tier, tiers), "%s: there is no tier %q", key, tier)
			}
			if v := share(key+"."+tier, m[tier]); v != nil {
				out[tier] = *v
			}
		}
		return out
	}
	g := Guards{
		MaxTierChanges: share("max_tier_changes", doc.MaxTierChanges), MaxRouteChanges: share("max_route_changes", doc.MaxRouteChanges),
		MaxQueued: share("max_queued", doc.MaxQueued), MaxShare: shares("max_share", doc.MaxShare), MinShare: shares("min_share", doc.MinShare),
		KeepGap: doc.KeepGap, Activate: doc.Activate,
	}
	problems.Sort()
	return g, problems.Err()
}

// Broken is a guard that a change breaks.
type Broken struct {
	Guard string `json:"guard"`
	// Text says what is allowed and what would be.
	Text string `json:"text"`
}

// check holds what came of a comparison against the guards.
func (g Guards) check(c *Comparison) []Broken {
	var out []Broken
	add := func(guard, format string, args ...any) {
		out = append(out, Broken{guard, fmt.Sprintf(format, args...)})
	}
	n := float64(max(c.Leads, 1))
	limit := func(guard string, most *float64, found int, what string) {
		if most != nil && float64(found)/n > *most {
			add(guard, "%s %.1f %% of the leads, allowed are %.1f %%", what, 100*float64(found)/n, 100**most)
		}
	}
	limit("max_tier_changes", g.MaxTierChanges, c.TierChanged, "the tier changes for")
	limit("max_route_changes", g.MaxRouteChanges, c.RouteChanged, "somebody else gets")
	queued := 0
	for _, t := range c.Places {
		if t.Kind == leadloop.OutcomeQueued {
			queued += t.After
		}
	}
	limit("max_queued", g.MaxQueued, queued, "in queues wait")
	for _, t := range c.Tiers {
		if most, ok := g.MaxShare[t.Tier]; ok && float64(t.After)/n > most {
			add("max_share."+t.Tier, "tier %s would have %.1f %% of the leads, allowed are %.1f %%", t.Tier, 100*float64(t.After)/n, 100*most)
		}
		if least, ok := g.MinShare[t.Tier]; ok && float64(t.After)/n < least {
			add("min_share."+t.Tier, "tier %s would have %.1f %% of the leads, wanted are at least %.1f %%", t.Tier, 100*float64(t.After)/n, 100*least)
		}
	}
	if g.KeepGap {
		switch before, after := c.Before, c.After; {
		case before == nil || after == nil:
			add("keep_won_lost_gap", "no outcomes were given, so nobody can tell whether the gap between won and lost shrinks")
		case after.Gap < before.Gap:
			add("keep_won_lost_gap", "on average won leads score %+.1f points against lost ones, it was %+.1f", after.Gap, before.Gap)
		}
	}
	return out
}

func (l *loader) loadGuards() {
	if l.pb.guarding == nil || l.pb.model == nil {
		return
	}
	var err error
	l.pb.guards, err = ParseGuards(guardsFile, l.pb.guarding, l.pb.model.Tiers())
	l.problems.Join(err)
}
