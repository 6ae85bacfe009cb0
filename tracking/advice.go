package tracking

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/measure"
	"github.com/leadloop/leadloop/store"
)

// Advisor knows the playbook in force: what its rules gave to leads, and what a
// change to it would do. Package playbook has one.
type Advisor interface {
	// Judged reads what a decision said of its lead; false if it scored nothing,
	// or by another model than the one in force, whose points mean other things.
	Judged(d leadloop.Decision) (Judged, bool)
	// Thresholds are the tiers with their lower edges, the best first; none if
	// tiers are not cut by points.
	Thresholds() []Threshold
	// Sharpen says what stands in the playbook where a proposal is about, what
	// should stand there, and what that would do to the leads, which are those
	// that the proposal was found from. False if the change would come to
	// nothing; then the proposal is not made.
	Sharpen(ctx context.Context, tx store.Tx, p *Proposal, leads []Judged) (bool, error)
}

// Judged is what a decision said of a lead.
type Judged struct {
	Lead   leadloop.LeadID
	AsOf   time.Time
	Tier   string
	Points leadloop.Points
	// Rules are those that gave points, with how many.
	Rules map[string]leadloop.Points
}

// Threshold is where a tier begins.
type Threshold struct {
	Tier string
	From leadloop.Points
}

// judgedLead is a lead that had an owner, with the score by which it got there
// and what became of it.
type judgedLead struct {
	Judged
	source  string
	endings [len(endings)]ending
}

// ending is how a lead ended in one respect.
type ending uint8

const (
	unknown ending = iota
	bad
	good
)

// endings are the respects in which leads end, the one that matters most first.
// What an owner does with a lead at once says the least, and is asked only where
// the others are too few.
var endings = [...]struct{ sentence, rate string }{
	{"were won", "won"},
	{"became SQL", "SQL"},
	{"were taken by reps", "taken"},
}

const (
	byWon = iota
	bySQL
	byTaken
)

const (
	// settled is the age at which a lead that is not qualified counts as one that
	// will not be. Younger ones count neither way: those of them that are
	// qualified are the fast ones only.
	settled = 30 * 24 * time.Hour
	// mostJudged bounds how many decision records a review reads.
	mostJudged = 20_000
	// fewEndings is how many leads have to end either way.
	fewEndings = 10
)

// judgedLeads are the leads of the last weeks that ever had an owner, the latest
// first, each with the latest score up to its first assignment.
func (r *reviewer) judgedLeads(ctx context.Context, tx store.Tx) ([]judgedLead, error) {
	type candidate struct {
		judgedLead
		ids               []leadloop.LeadID
		arrival, assigned int64
	}
	t := r.lastFold
	var all []candidate
	t.each(func(parts []*lead, f *facts) {
		if f.assigned == never {
			return
		}
		c := candidate{arrival: f.arrival, assigned: f.assigned}
		for _, l := range parts {
			c.ids = append(c.ids, l.id)
		}
		slices.Sort(c.ids)
		c.source = t.texts.all[f.source]
		c.endings[byWon] = f.ending()
		say := func(e *ending, known, yes bool) {
			switch {
			case known && yes:
				*e = good
			case known:
				*e = bad
			}
		}
		say(&c.endings[bySQL], f.arrival <= t.asOf-int64(settled), f.qualified != never)
		say(&c.endings[byTaken], f.arrival <= t.asOf-int64(t.o.LeakAfter), f.worked())
		all = append(all, c)
	})
	slices.SortFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.arrival, a.arrival), slices.Compare(a.ids, b.ids))
	})
	var out []judgedLead
	for i := range all[:min(mostJudged, len(all))] {
		c := &all[i]
		ok := false
		for _, id := range c.ids {
			records, err := tx.Decisions().ByLead(ctx, id)
			if err != nil {
				return nil, fmt.Errorf("decisions of lead %s: %w", id, err)
			}
			for _, d := range slices.Backward(records) {
				if at := instant(d.AsOf); at > c.assigned || ok && !d.AsOf.After(c.AsOf) {
					continue
				}
				if j, judged := r.o.Advisor.Judged(d); judged {
					c.Judged, ok = j, true
					break
				}
			}
		}
		if ok {
			out = append(out, c.judgedLead)
		}
	}
	return out, nil
}

// each calls do with every whole lead that arrived, in the order of ids.
func (t *Tracker) each(do func(parts []*lead, f *facts)) {
	for _, id := range slices.Sorted(maps.Keys(t.leads)) {
		l := t.leads[id]
		if t.whole(l) != l {
			continue
		}
		parts := []*lead{l}
		for _, x := range l.cluster.leads {
			if x != l && t.whole(x) == l {
				parts = append(parts, x)
			}
		}
		if t.gather(parts); t.f.known && t.f.arrival >= t.from {
			do(parts, &t.f)
		}
	}
}

// byScore compares leads that a rule gave points, and leads of a source, with
// others of the same score, and leads near the edge of a tier with the rest of
// it.
func (r *reviewer) byScore(leads []judgedLead) (out []Proposal) {
	asked := false
	for e := range endings {
		ended := slices.DeleteFunc(slices.Clone(leads), func(l judgedLead) bool { return l.endings[e] == unknown })
		yes := 0
		for i := range ended {
			if ended[i].endings[e] == good {
				yes++
			}
		}
		if yes < fewEndings || len(ended)-yes < fewEndings || e == byTaken && asked {
			continue
		}
		asked = true
		out = slices.Concat(out, r.ruleWeights(ended, e), r.sourcesByScore(ended, e), r.thresholdMoves(ended, e))
	}
	return out
}

// shifted compares the leads that have something with what their scores
// promise. Of what nearly all have, it is those that have more than the middle
// one.
func shifted(leads []judgedLead, e int, has func(l *judgedLead) float64) (p Proposal, than, expected float64, ok bool) {
	cases := make([]measure.Case, len(leads))
	much := make([]float64, len(leads))
	for i := range leads {
		cases[i] = measure.Case{Score: leads[i].Points.Float(), Has: has(&leads[i]), Good: leads[i].endings[e] == good}
		much[i] = math.Abs(cases[i].Has)
	}
	slices.Sort(much)
	if len(much) >= proposalLeads && much[proposalLeads-1] > 0 {
		than = much[len(much)/2]
	}
	for i := range cases {
		side := &p.There
		if math.Abs(cases[i].Has) > than {
			side = &p.Here
		}
		if side.Of++; cases[i].Good {
			side.Hits++
		}
	}
	if p.Here.Of < proposalLeads || p.There.Of < proposalLeads {
		return p, 0, 0, false
	}
	s, ok := measure.ShiftOf(cases, than)
	if !ok {
		return p, 0, 0, false
	}
	p.Diff = (float64(s.Good) - s.Expected) / float64(s.With)
	// Where the score itself tells nothing, nobody can say how many points
	// something is worth.
	if s.Slope.Low > 0 {
		p.Z, p.Extra, p.Low, p.High = s.Z, s.Extra.Value, s.Extra.Low, s.Extra.High
	}
	return p, than, s.Expected, true
}

// seen is the evidence of what has another worth than the score says.
func (p *Proposal) seen(what string, e int, expected float64) string {
	return fmt.Sprintf("of %d leads %s, %d %s (%s), where their scores promise %.1f; of the %d others %s did",
		p.Here.Of, what, p.Here.Hits, endings[e].sentence, pct(p.Here), expected, p.There.Of, pct(p.There))
}

func (r *reviewer) ruleWeights(leads []judgedLead, e int) (out []Proposal) {
	ids := map[string]bool{}
	for i := range leads {
		for id := range leads[i].Rules {
			ids[id] = true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		p, than, expected, ok := shifted(leads, e, func(l *judgedLead) float64 { return l.Rules[id].Float() })
		if !ok {
			continue
		}
		what := "that rule " + id + " gave points"
		if than > 0 {
			what = fmt.Sprintf("that rule %s gave more than %.1f points", id, than)
		}
		p.Kind, p.About, p.File, p.Path = ProposeRule, id, "scoring.yaml", "rules."+id+".points"
		p.Change = fmt.Sprintf("change the points of rule %s", id)
		p.Evidence = p.seen(what, e, expected) +
			fmt.Sprintf("; each point that it gives is worth %+.2f points of score more than it brings (95 %%: %+.2f to %+.2f)", p.Extra, p.Low, p.High)
		out = append(out, p)
	}
	return out
}

func (r *reviewer) sourcesByScore(leads []judgedLead, e int) (out []Proposal) {
	sources := map[string]bool{}
	for i := range leads {
		sources[leads[i].source] = true
	}
	delete(sources, "")
	for _, source := range slices.Sorted(maps.Keys(sources)) {
		p, _, expected, ok := shifted(leads, e, func(l *judgedLead) float64 {
			if l.source == source {
				return 1
			}
			return 0
		})
		if !ok {
			continue
		}
		p.Kind, p.About, p.File, p.Path = ProposeSource, source, "scoring.yaml", "modifiers"
		p.Change = fmt.Sprintf("a modifier for leads of source %q", source)
		p.Evidence = p.seen(fmt.Sprintf("of source %q", source), e, expected) +
			fmt.Sprintf("; they are worth %+.1f points more than they have (95 %%: %+.1f to %+.1f)", p.Extra, p.Low, p.High)
		out = append(out, p)
	}
	return out
}

// thresholdMoves looks whether the leads next to the edge of a tier are more
// like those beyond it than like the rest of their own tier. Tried are the
// quarter and the half of the tier that are next to the edge.
func (r *reviewer) thresholdMoves(leads []judgedLead, e int) (out []Proposal) {
	edges := r.o.Advisor.Thresholds()
	of := func(tier string, keep func(leadloop.Points) bool) (rate Rate, points []leadloop.Points) {
		for i := range leads {
			if l := &leads[i]; l.Tier == tier && keep(l.Points) {
				points = append(points, l.Points)
				if rate.Of++; l.endings[e] == good {
					rate.Hits++
				}
			}
		}
		slices.Sort(points)
		return rate, points
	}
	share := func(x Rate) float64 { return float64(x.Hits) / float64(max(1, x.Of)) }
	for i := 1; i < len(edges); i++ {
		upper, lower := edges[i-1], edges[i]
		above := func(p leadloop.Points) bool { return p >= upper.From }
		below := func(p leadloop.Points) bool { return p < upper.From }
		up, highs := of(upper.Tier, above)
		down, lows := of(lower.Tier, below)
		try := func(points []leadloop.Points, part float64, tier string, inside func(p, cut leadloop.Points) bool, lowers bool) {
			if len(points) == 0 {
				return
			}
			cut, _ := leadloop.PointsOf(math.Ceil(points[int(part*float64(len(points)))].Float()))
			if cut == upper.From {
				return
			}
			in := func(p leadloop.Points) bool { return (lowers && below(p) || !lowers && above(p)) && inside(p, cut) }
			here, _ := of(tier, in)
			there, _ := of(tier, func(p leadloop.Points) bool { return (lowers && below(p) || !lowers && above(p)) && !inside(p, cut) })
			diff, z, here, there := mantelHaenszel([]stratum{{here, there}})
			p := Proposal{Kind: ProposeThreshold, About: upper.Tier, File: "scoring.yaml", Path: "tiers." + upper.Tier, Before: upper.From.String(), After: cut.String(), Here: here, There: there, Diff: diff}
			beyond, word := up, "lower"
			if !lowers {
				beyond, word = down, "raise"
			}
			// Where endings only rise with the score, no edge is better than another,
			// and what lies next to one is never so near to the tier beyond.
			way := map[bool]float64{true: 1, false: -1}[lowers]
			if way*z > 0 && way*(share(beyond)-share(here)) <= way*diff/4 {
				p.Z = z
			}
			p.Change = fmt.Sprintf("%s the threshold of tier %s from %s to %s points", word, upper.Tier, p.Before, p.After)
			span := fmt.Sprintf("%s to %s points", p.After, p.Before)
			other := lower.Tier
			if lowers {
				other = upper.Tier
			} else {
				span = fmt.Sprintf("%s to %s points", p.Before, p.After)
			}
			low, high := here.Interval()
			p.Evidence = fmt.Sprintf("of %d leads of tier %s with %s %s were %s (95 %%: %.0f to %.0f %%), as of tier %s (%s of %d), and %s of the %d others of theirs",
				here.Of, tier, span, pct(here), endings[e].rate, 100*low, 100*high, other, pct(beyond), beyond.Of, pct(there), there.Of)
			out = append(out, p)
		}
		for _, part := range []float64{.75, .5} {
			try(lows, part, lower.Tier, func(p, cut leadloop.Points) bool { return p >= cut }, true)
		}
		for _, part := range []float64{.25, .5} {
			try(highs, part, upper.Tier, func(p, cut leadloop.Points) bool { return p < cut }, false)
		}
	}
	return out
}
