package playbook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/scoring"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/tracking"
)

// Advisor makes a weekly review propose which rule, threshold or weight of this
// playbook to change, for tracking.ReviewOptions. It reads the decisions that
// its model made, and tries each change on the leads that speak for it before
// it says what to expect.
func (p *Playbook) Advisor() tracking.Advisor { return advisor{p} }

// Latest loads the playbook of the latest decision before a moment: the one
// whose rules a review can speak about. leadloop.ErrNotFound if there is no
// decision with a playbook that is stored; otherwise it fails as [Stored] does.
func Latest(ctx context.Context, st store.Store, before time.Time) (*Playbook, error) {
	digest := ""
	err := st.View(ctx, func(tx store.Tx) error {
		var last leadloop.Event
		for e, err := range tx.Journal().Since(ctx, 0) {
			if err != nil {
				return err
			}
			if e.Kind == leadloop.EventScored && e.At.Before(before) && !e.At.Before(last.At) {
				last = e
			}
		}
		if last.Lead == "" {
			return nil
		}
		records, err := tx.Decisions().ByLead(ctx, last.Lead)
		for i := range records {
			if d := &records[i]; d.Playbook != "" && d.AsOf.Before(before) {
				digest = d.Playbook
			}
		}
		return err
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("playbook: latest: %w", err)
	case digest == "":
		return nil, fmt.Errorf("playbook: latest: no decision: %w", leadloop.ErrNotFound)
	}
	return Stored(ctx, st, digest)
}

type advisor struct{ p *Playbook }

// judgement is what an advisor needs of a scoring trace.
type judgement struct {
	Digest        string          `json:"digest"`
	Known         bool            `json:"known"`
	Points        leadloop.Points `json:"points"`
	Tier          string          `json:"tier"`
	Contributions []struct {
		Rule   string          `json:"rule"`
		Points leadloop.Points `json:"points"`
	} `json:"contributions"`
}

// Judged implements tracking.Advisor.
func (a advisor) Judged(d leadloop.Decision) (tracking.Judged, bool) {
	for _, step := range d.Steps {
		if step.Stage != scoring.StageName {
			continue
		}
		var j judgement
		if json.Unmarshal(step.Trace, &j) != nil || j.Digest != a.p.model.Digest() || !j.Known {
			return tracking.Judged{}, false
		}
		out := tracking.Judged{Lead: d.Lead, AsOf: d.AsOf, Tier: j.Tier, Points: j.Points, Rules: map[string]leadloop.Points{}}
		for _, c := range j.Contributions {
			if c.Points != 0 {
				out.Rules[c.Rule] = c.Points
			}
		}
		return out, true
	}
	return tracking.Judged{}, false
}

// Thresholds implements tracking.Advisor.
func (a advisor) Thresholds() (out []tracking.Threshold) {
	for _, t := range a.p.scoring.Tiers {
		from, _ := leadloop.PointsOf(t.From) // checked by scoring.New
		out = append(out, tracking.Threshold{Tier: t.Name, From: from})
	}
	return out
}

// Sharpen implements tracking.Advisor.
func (a advisor) Sharpen(ctx context.Context, tx store.Tx, p *tracking.Proposal, leads []tracking.Judged) (bool, error) {
	switch p.Kind {
	case tracking.ProposeRule:
		return a.rule(ctx, tx, p, leads)
	case tracking.ProposeSource:
		return a.source(ctx, tx, p, leads)
	case tracking.ProposeThreshold:
		return a.threshold(ctx, tx, p, leads)
	case tracking.ProposeOwner:
		return a.owner(p), nil
	}
	return true, nil
}

// nearest is the end of the interval that is the smallest change which the data
// support: the largest estimate of many is an exaggerated one. 0 if the
// interval does not say more or less.
func nearest(p *tracking.Proposal) float64 {
	switch {
	case p.Low > 0:
		return p.Low
	case p.High < 0:
		return p.High
	}
	return 0
}

// rule proposes other points for a rule. If each of its points is worth x points
// of score more than it brings, and brings g, then its weight should be 1 + x/g
// of what it is.
func (a advisor) rule(ctx context.Context, tx store.Tx, p *tracking.Proposal, leads []tracking.Judged) (bool, error) {
	i := slices.IndexFunc(a.p.scoring.Rules, func(r scoring.Rule) bool { return r.ID == p.About })
	if i < 0 {
		return false, nil
	}
	rule := a.p.scoring.Rules[i]
	with := func(points string) scoring.Definition {
		d := a.p.scoring
		d.Rules = slices.Clone(d.Rules)
		d.Rules[i].Points.Text = points
		return d
	}
	without, err := a.rescore(ctx, tx, with("0.0"), leads)
	if err != nil {
		return false, err
	}
	brought, gave := 0.0, 0.0
	for _, m := range without {
		if c := m.judged.Rules[rule.ID]; c != 0 && m.known {
			brought, gave = brought+(m.before.Points-m.after.Points).Float(), gave+c.Float()
		}
	}
	if gave == 0 || brought/gave < 0.01 {
		return false, nil // limits hide it: other points would change nothing
	}
	factor := max(0, min(2, 1+nearest(p)/(brought/gave)))
	p.Before = strings.TrimSpace(rule.Points.Text)
	if weight, err := strconv.ParseFloat(p.Before, 64); err == nil {
		p.After = weightText(weight * factor)
	} else {
		p.After = fmt.Sprintf("(%s) * %.2f", p.Before, factor)
	}
	if p.After == p.Before || p.After == weightOf(p.Before) {
		return false, nil
	}
	p.Change = fmt.Sprintf("rule %s: %s → %s points", rule.ID, p.Before, p.After)
	return a.expect(ctx, tx, p, with(p.After), leads)
}

// weightText is a weight as people write it: whole from 10 on, else with one
// place.
func weightText(w float64) string {
	if math.Abs(w) >= 10 {
		return strconv.FormatFloat(math.Round(w), 'f', -1, 64)
	}
	return strconv.FormatFloat(math.Round(w*10)/10+0, 'f', -1, 64) // + 0: not -0
}

func weightOf(text string) string {
	w, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text
	}
	return weightText(w)
}

var notID = regexp.MustCompile(`[^a-z0-9]+`)

func (a advisor) source(ctx context.Context, tx store.Tx, p *tracking.Proposal, leads []tracking.Judged) (bool, error) {
	p.After = weightText(nearest(p))
	add, _ := strconv.ParseFloat(p.After, 64) // its own spelling
	if add == 0 {
		return false, nil
	}
	d := a.p.scoring
	id := "source-" + strings.Trim(notID.ReplaceAllString(strings.ToLower(p.About), "-"), "-")
	for slices.ContainsFunc(d.Modifiers, func(m scoring.Modifier) bool { return m.ID == id }) {
		id += "-2"
	}
	when := fmt.Sprintf("lead.source == %q", p.About)
	m := scoring.Modifier{ID: id, When: leadloop.Expression{Text: when}, Add: &add, Owner: "review", Expires: leads[0].AsOf.AddDate(1, 0, 0)}
	d.Modifiers = append(slices.Clone(d.Modifiers), m)
	p.Path, p.Before = "modifiers."+id, ""
	p.Change = fmt.Sprintf("a modifier %s for leads of source %q: when: '%s', add: %s (it needs an owner and a day on which it expires)", id, p.About, when, p.After)
	return a.expect(ctx, tx, p, d, leads)
}

func (a advisor) threshold(ctx context.Context, tx store.Tx, p *tracking.Proposal, leads []tracking.Judged) (bool, error) {
	d := a.p.scoring
	i := slices.IndexFunc(d.Tiers, func(t scoring.Tier) bool { return t.Name == p.About })
	from, err := strconv.ParseFloat(p.After, 64)
	if i < 0 || err != nil {
		return false, nil
	}
	d.Tiers = slices.Clone(d.Tiers)
	d.Tiers[i].From = from
	return a.expect(ctx, tx, p, d, leads)
}

// owner proposes another weight for somebody who answers in time less often
// than the others of the pool.
func (a advisor) owner(p *tracking.Proposal) bool {
	d := &a.p.routing
	pool := slices.IndexFunc(d.Pools, func(x routing.Pool) bool { return x.ID == p.Pool })
	rep := slices.IndexFunc(d.Reps, func(r routing.Rep) bool { return string(r.ID) == p.About })
	if pool < 0 || rep < 0 {
		return false
	}
	weight := func(id leadloop.RepID) int {
		for i := range d.Reps {
			if r := &d.Reps[i]; r.ID == id && r.Weight != nil {
				return *r.Weight
			}
		}
		return 100
	}
	members := d.Pools[pool].Members
	for _, t := range d.Teams {
		if t.ID == d.Pools[pool].Team && len(members) == 0 {
			members = t.Members
		}
	}
	total := 0
	for _, id := range members {
		total += weight(id)
	}
	was := weight(d.Reps[rep].ID)
	// As often in time as the others would be a share of 1; what can be said
	// surely is the end of the interval that is next to it.
	_, high := p.Here.Interval()
	is := int(math.Round(float64(was) * high * float64(p.There.Of) / float64(max(1, p.There.Hits))))
	if is = max(1, is); is >= was || total <= was {
		return false
	}
	p.Path, p.Before, p.After = "reps."+p.About+".weight", strconv.Itoa(was), strconv.Itoa(is)
	p.Change = fmt.Sprintf("weight of %s: %d → %d (pool %s)", p.About, was, is, p.Pool)
	before, after := 100*float64(was)/float64(total), 100*float64(is)/float64(total-was+is)
	p.Effect = fmt.Sprintf("with everybody there %s gets %.0f %% of the leads of pool %s, not %.0f %%; %s", p.About, after, p.Pool, before, p.Effect)
	return true
}

// move is a lead under both models.
type move struct {
	judged        *tracking.Judged
	known         bool // the store still has it
	before, after scoring.Verdict
}

// rescore scores the leads as of their decisions by the model in force and by
// another one.
func (a advisor) rescore(ctx context.Context, tx store.Tx, d scoring.Definition, leads []tracking.Judged) ([]move, error) {
	other, err := scoring.New(d, a.p.schema, scoring.Options{})
	if err != nil {
		return nil, fmt.Errorf("the changed model: %w", err)
	}
	out := make([]move, len(leads))
	for i := range leads {
		out[i].judged = &leads[i]
		lead, err := tx.Leads().Get(ctx, leads[i].Lead)
		if errors.Is(err, leadloop.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		in := a.p.known(lead, leads[i].AsOf, "")
		if out[i].before, err = a.p.model.Verdict(ctx, in); err == nil {
			out[i].after, err = other.Verdict(ctx, in)
		}
		if err != nil {
			return nil, err
		}
		out[i].known = true
	}
	return out, nil
}

// expect says how many of the leads would be in another tier.
func (a advisor) expect(ctx context.Context, tx store.Tx, p *tracking.Proposal, d scoring.Definition, leads []tracking.Judged) (bool, error) {
	moves, err := a.rescore(ctx, tx, d, leads)
	if err != nil {
		return false, err
	}
	ways, moved := map[string]int{}, 0
	first, last := leads[0].AsOf, leads[0].AsOf
	for i := range moves {
		m := &moves[i]
		if at := m.judged.AsOf; at.Before(first) {
			first = at
		} else if at.After(last) {
			last = at
		}
		if m.known && m.before.Tier != m.after.Tier {
			moved++
			ways[m.before.Tier+" → "+m.after.Tier]++
		}
	}
	if moved == 0 {
		return false, nil
	}
	names := slices.SortedFunc(maps.Keys(ways), func(x, y string) int {
		if ways[x] != ways[y] {
			return ways[y] - ways[x]
		}
		return strings.Compare(x, y)
	})
	for i, n := range names {
		names[i] = fmt.Sprintf("%d %s", ways[n], n)
	}
	weeks := max(1, last.Sub(first).Hours()/24/7)
	p.Effect = fmt.Sprintf("of the %d leads that were scored, %d (about %.1f a week) would be in another tier: %s", len(leads), moved, float64(moved)/weeks, strings.Join(names, ", "))
	return true, nil
}
