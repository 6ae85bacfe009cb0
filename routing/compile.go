package routing

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/suggest"
	"github.com/leadloop/leadloop/rules"
)

const defaultWeight = 100

// Vars are the variables that conditions read besides the schema's fields, in
// the order of the environment.
//
//	tier              the lead's tier; undecided before it is scored
//	score             its points; undecided before it is scored
//	customer          its account buys from us today
//	has_account       it was matched to an account
//	has_contact       it was matched to a contact
//	open_opportunity  it was matched to an open opportunity
//	recycled          it re-enters after it was worked before
func Vars() []rules.Var {
	return []rules.Var{
		{Name: "tier", Kind: leadloop.KindString},
		{Name: "score", Kind: leadloop.KindFloat},
		{Name: "customer", Kind: leadloop.KindBool},
		{Name: "has_account", Kind: leadloop.KindBool},
		{Name: "has_contact", Kind: leadloop.KindBool},
		{Name: "open_opportunity", Kind: leadloop.KindBool},
		{Name: "recycled", Kind: leadloop.KindBool},
	}
}

// compiler checks definitions and builds a router, collecting every problem.
type compiler struct {
	leadloop.Problems
	r      *Router
	schema *leadloop.Schema
	o      Options
	rules  []rules.Rule
	scores []rules.Rule
	clocks map[string]clock
	// tellsManagers is whether any ladder tells the manager of an owner.
	tellsManagers bool
	// meant are the names that misspelt ones are probably for.
	meant map[string]bool
	// noPostcode tells that the field for it is missing, and that this was said.
	noPostcode bool
}

// withoutConsequences are all problems but the warnings of lines in which
// something is wrong anyway.
func (c *compiler) withoutConsequences() leadloop.Problems {
	wrong := map[leadloop.Position]bool{}
	line := func(p leadloop.Problem) leadloop.Position {
		return leadloop.Position{File: p.At.File, Line: p.At.Line}
	}
	for _, p := range c.Problems {
		if !p.Warning && p.At.Line > 0 {
			wrong[line(p)] = true
		}
	}
	return slices.DeleteFunc(c.Problems, func(p leadloop.Problem) bool { return p.Warning && wrong[line(p)] })
}

// known reports an unknown name, with the one that was probably meant.
func (c *compiler) known(at leadloop.Position, where, what, name string, names []string) bool {
	if slices.Contains(names, name) {
		return true
	}
	hint := ""
	if meant, ok := suggest.Closest(name, names); ok {
		hint, c.meant[meant] = fmt.Sprintf("did you mean %q?", meant), true
	} else if len(names) > 0 && len(names) <= 12 {
		hint = "known: " + strings.Join(names, ", ")
	}
	c.AddHint(at, hint, "%s: there is no %s %q", where, what, name)
	return false
}

// unique reports ids that are empty or stand twice.
func unique[T any](c *compiler, what string, list []T, id func(*T) (string, leadloop.Position)) []string {
	first := map[string]leadloop.Position{}
	var ids []string
	for i := range list {
		name, at := id(&list[i])
		prior, twice := first[name]
		switch {
		case name == "":
			c.Add(at, "%s without an id", what)
		case strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == ':' }):
			c.Add(at, "%s %q: an id has no spaces and no colons", what, name)
		case twice && prior.String() != "":
			c.Add(at, "%s id %q is used twice, first at %s", what, name, prior)
		case twice:
			c.Add(at, "%s id %q is used twice", what, name)
		default:
			first[name] = at
			ids = append(ids, name)
		}
	}
	slices.Sort(ids)
	return ids
}

func (c *compiler) reps(def *Definition) {
	ids := unique(c, "rep", def.Reps, func(r *Rep) (string, leadloop.Position) { return string(r.ID), r.At })
	for _, d := range def.Reps {
		where := "rep " + string(d.ID)
		r := rep{Rep: d, weight: defaultWeight, zone: c.r.zone}
		if d.Weight != nil {
			r.weight = *d.Weight
			if r.weight < 1 || r.weight > MaxWeight {
				c.AddHint(d.At, "who gets nothing is left out of the pool", "%s: weight %d is not between 1 and %d", where, r.weight, MaxWeight)
			}
		}
		for _, m := range []struct {
			name string
			n    int
		}{
			{"max_open", d.MaxOpen}, {"max_day", d.MaxDay}, {"max_week", d.MaxWeek}, {"max_month", d.MaxMonth},
			{"max_tasks", d.MaxTasks}, {"max_sequences", d.MaxSequences},
		} {
			if m.n < 0 {
				c.Add(d.At, "%s: %s is negative", where, m.name)
			}
		}
		if (d.MaxTasks > 0 || d.MaxSequences > 0) && c.o.Busy == nil {
			c.Warn(d.At, "%s: nobody counts open tasks and sequences here, so that max_tasks and max_sequences cap nothing", where)
		}
		c.ramp(where, d.Ramp, d.At)
		if d.Hours != "" {
			r.hours, r.hasHours = c.clock(d.At, where+": hours", d.Hours), true
		}
		if d.Timezone != "" {
			if z, ok := c.loadZone(d.At, where, d.Timezone); ok {
				r.zone = z
			}
		}
		if d.Manager != "" {
			c.known(d.At, where+": manager", "rep", string(d.Manager), ids)
			r.manager = d.Manager
		}
		c.absences(where, d.Away)
		c.r.reps = append(c.r.reps, r)
	}
	slices.SortStableFunc(c.r.reps, func(a, b rep) int { return strings.Compare(string(a.ID), string(b.ID)) })
	c.r.repAt = make(map[leadloop.RepID]int, len(c.r.reps))
	for i := range slices.Backward(c.r.reps) {
		c.r.repAt[c.r.reps[i].ID] = i
	}
	c.teams(def, ids)
}

func (c *compiler) ramp(where string, r *Ramp, at leadloop.Position) {
	if r == nil {
		return
	}
	if !r.Until.After(r.From) {
		c.Add(at, "%s: the ramp ends before it begins", where)
	}
	if r.Start < 0 || r.Start > 100 {
		c.Add(at, "%s: a ramp that starts at %d percent; it is 1 to 100", where, r.Start)
	}
}

func (c *compiler) absences(where string, away []Absence) {
	sorted := slices.SortedStableFunc(slices.Values(away), func(a, b Absence) int { return a.From.Compare(b.From) })
	for i, a := range sorted {
		if a.From.IsZero() || a.Until.IsZero() {
			c.Add(a.At, "%s: an absence has a beginning and an end", where)
		} else if !a.Until.After(a.From) {
			c.Add(a.At, "%s: away until %s ends before it begins", where, a.Until.Format(time.DateOnly))
		} else if i > 0 && a.From.Before(sorted[i-1].Until) {
			c.Add(a.At, "%s: away from %s overlaps the absence that begins %s", where, a.From.Format(time.DateOnly), sorted[i-1].From.Format(time.DateOnly))
		}
	}
}

func (c *compiler) loadZone(at leadloop.Position, where, name string) (*time.Location, bool) {
	// LoadLocation takes "Local", which is another zone on every machine.
	if name != "Local" {
		if z, err := time.LoadLocation(name); err == nil {
			return z, true
		}
	}
	c.AddHint(at, "an IANA name such as America/New_York", "%s: there is no time zone %q", where, name)
	return nil, false
}

func (c *compiler) teams(def *Definition, reps []string) {
	unique(c, "team", def.Teams, func(t *Team) (string, leadloop.Position) { return string(t.ID), t.At })
	manages := map[leadloop.RepID]bool{}
	for _, r := range def.Reps {
		manages[r.Manager] = true
	}
	for _, t := range def.Teams {
		where := "team " + string(t.ID)
		if t.Manager != "" && c.known(t.At, where+": manager", "rep", string(t.Manager), reps) {
			manages[t.Manager] = true
		}
		for i, m := range t.Members {
			if !c.known(t.At, where, "rep", string(m), reps) {
				continue
			}
			if slices.Contains(t.Members[:i], m) {
				c.Add(t.At, "%s: member %s stands there twice", where, m)
				continue
			}
			r := c.r.rep(m)
			if r.team != "" {
				c.Add(t.At, "%s: rep %s is in team %s already", where, m, r.team)
				continue
			}
			r.team = t.ID
			if r.manager == "" && t.Manager != m {
				r.manager = t.Manager
			}
		}
	}
	c.circles()
	c.r.teams = slices.Clone(def.Teams)
	for i := range c.r.reps {
		if r := &c.r.reps[i]; r.team == "" && !manages[r.ID] && r.ID != "" && !c.meant[string(r.ID)] {
			c.Warn(r.At, "rep %s is in no team", r.ID)
		}
	}
}

// circles reports reps who are their own manager, at whatever remove: what
// they miss is told to themselves.
func (c *compiler) circles() {
	for i := range c.r.reps {
		r := &c.r.reps[i]
		path := []string{string(r.ID)}
		for m := r.manager; m != "" && len(path) <= len(c.r.reps); {
			path = append(path, string(m))
			if m == r.ID {
				c.Add(r.At, "rep %s: the managers go round in a circle: %s", r.ID, strings.Join(path, " > "))
				break
			}
			next := c.r.rep(m)
			if next == nil {
				break
			}
			m = next.manager
		}
	}
}

func (c *compiler) pools(def *Definition) []string {
	ids := unique(c, "pool", def.Pools, func(p *Pool) (string, leadloop.Position) { return p.ID, p.At })
	var reps []string
	for _, r := range def.Reps {
		reps = append(reps, string(r.ID))
	}
	teamIDs := teamNames(def.Teams)
	for _, d := range def.Pools {
		where := "pool " + d.ID
		members := d.Members
		if d.Strategy == "" {
			d.Strategy = StrategyFair
		}
		c.known(d.At, where, "strategy", d.Strategy, strategies)
		if d.Strategy != StrategyFair && (d.CountOwnership || d.CatchUp) {
			c.Add(d.At, "%s: count_ownership and catch_up are about the ledger of a fair pool; this one is %s", where, d.Strategy)
		}
		if d.Team != "" {
			if len(d.Members) > 0 {
				c.Add(d.At, "%s: has a team and members; either will do", where)
			}
			if c.known(d.At, where, "team", string(d.Team), teamIDs) {
				members = def.Teams[slices.IndexFunc(def.Teams, func(t Team) bool { return t.ID == d.Team })].Members
			}
		}
		p := pool{Pool: d, score: -1}
		c.poolSettings(where, &p)
		for i, m := range members {
			if d.Team == "" && (!c.known(d.At, where, "rep", string(m), reps)) {
				continue
			}
			if slices.Contains(members[:i], m) {
				if d.Team == "" {
					c.Add(d.At, "%s: member %s stands there twice", where, m)
				}
				continue
			}
			if at, ok := c.r.repAt[m]; ok {
				p.members = append(p.members, at)
			}
		}
		slices.Sort(p.members)
		if len(members) == 0 && (d.Team == "" || slices.Contains(teamIDs, string(d.Team))) {
			c.Add(d.At, "%s: has no members", where)
		}
		c.r.poolAt[d.ID] = len(c.r.pools)
		c.r.pools = append(c.r.pools, p)
	}
	return ids
}

var strategies = []string{StrategyFair, StrategyWeighted, StrategyPriority, StrategyLeastLoaded, StrategyBestFit, StrategyClaim}

// poolSettings checks what goes with a strategy. Whether the queue exists is
// checked with the queues.
func (c *compiler) poolSettings(where string, p *pool) {
	d := &p.Pool
	for _, m := range []struct {
		name string
		n    int
	}{{"max_open", d.MaxOpen}, {"max_day", d.MaxDay}, {"max_week", d.MaxWeek}, {"max_month", d.MaxMonth}} {
		if m.n < 0 {
			c.Add(d.At, "%s: %s is negative", where, m.name)
		}
	}
	switch fit := d.Strategy == StrategyBestFit; {
	case fit && d.Score.IsZero():
		c.Add(d.At, "%s: a best_fit pool compares its members by score; there is none", where)
	case !fit && !d.Score.IsZero():
		c.Add(d.At, "%s: score is for pools of the strategy best_fit; this one is %s", where, d.Strategy)
	case fit:
		p.score = len(c.scores)
		c.scores = append(c.scores, rules.Rule{ID: where, Expression: d.Score, Type: leadloop.KindFloat})
	}
	if d.Strategy == StrategyClaim && d.Queue == "" {
		c.Add(d.At, "%s: the leads of a claim pool wait in a queue; name it", where)
	}
	if d.Wait < 0 || d.Wait > longest {
		c.Add(d.At, "%s: wait %v is not between 0 and %v", where, d.Wait, longest)
	}
	if d.Buffer < 0 || d.Buffer > longest {
		c.Add(d.At, "%s: buffer %v is not between 0 and %v", where, d.Buffer, longest)
	}
	if d.Present && d.Strategy == StrategyClaim {
		c.Add(d.At, "%s: who claims a lead is there; present is for the other strategies", where)
	}
}

func teamNames(teams []Team) []string {
	out := make([]string, len(teams))
	for i, t := range teams {
		out[i] = string(t.ID)
	}
	return out
}

func (c *compiler) queues(def *Definition) []string {
	ids := unique(c, "queue", def.Queues, func(q *Queue) (string, leadloop.Position) { return q.ID, q.At })
	for _, q := range def.Queues {
		if q.Team != "" {
			c.known(q.At, "queue "+q.ID, "team", string(q.Team), teamNames(def.Teams))
		}
	}
	c.r.queues = slices.Clone(def.Queues)
	for i := range c.r.pools {
		if p := &c.r.pools[i]; p.Queue != "" {
			c.known(p.At, "pool "+p.ID, "queue", p.Queue, ids)
		}
	}
	return ids
}
