package routing

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/suggest"
	"github.com/leadloop/leadloop/normalize"
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
	clocks map[string]clock
	// tellsManagers is whether any ladder tells the manager of an owner.
	tellsManagers bool
}

// known reports an unknown name, with the one that was probably meant.
func (c *compiler) known(at leadloop.Position, where, what, name string, names []string) bool {
	if slices.Contains(names, name) {
		return true
	}
	hint := suggest.DidYouMean(name, names)
	if hint == "" && len(names) > 0 && len(names) <= 12 {
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
		}{{"max_open", d.MaxOpen}, {"max_day", d.MaxDay}, {"max_week", d.MaxWeek}} {
			if m.n < 0 {
				c.Add(d.At, "%s: %s is negative", where, m.name)
			}
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
	c.teams(def, ids)
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
	c.r.teams = slices.Clone(def.Teams)
	for i := range c.r.reps {
		if r := &c.r.reps[i]; r.team == "" && !manages[r.ID] && r.ID != "" {
			c.Warn(r.At, "rep %s is in no team", r.ID)
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
		c.known(d.At, where, "strategy", d.Strategy, []string{StrategyFair, StrategyPriority, StrategyLeastLoaded})
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
		p := pool{Pool: d}
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
			if at, ok := c.r.repIndex(m); ok {
				p.members = append(p.members, at)
			}
		}
		slices.Sort(p.members)
		if len(members) == 0 && (d.Team == "" || slices.Contains(teamIDs, string(d.Team))) {
			c.Add(d.At, "%s: has no members", where)
		}
		c.r.pools = append(c.r.pools, p)
	}
	return ids
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
	return ids
}

func (c *compiler) chain(def *Definition, pools, queues []string) {
	unique(c, "entry", def.Chain, func(e *Entry) (string, leadloop.Position) { return e.ID, e.At })
	var over *Entry
	for i := range def.Chain {
		d := &def.Chain[i]
		where := "entry " + d.ID
		e := entry{Entry: *d, cond: c.condition(where, d)}
		c.target(where, d, pools, queues)
		if over != nil {
			c.AddHint(d.At, "entry "+over.ID+" takes every lead before it; move that one down", "%s can never be reached", where)
		} else if t := d.Target; e.cond.always() && (t.Queue != "" || t.Nurture != "") {
			over = d
		}
		c.r.entries = append(c.r.entries, e)
	}
	switch {
	case def.Final == "":
		c.Add(def.At, "final: the chain can end without an owner; name the queue that takes what is left")
	default:
		c.known(def.At, "final", "queue", def.Final, queues)
	}
	c.r.final = def.Final
}

// condition compiles everything that an entry asks of a lead.
func (c *compiler) condition(where string, d *Entry) condition {
	cond := condition{rule: c.rule(where, d.When)}
	for _, l := range []struct {
		key    string
		field  string
		values []string
	}{
		{"source", leadloop.Source.Name(), d.Source},
		{"partner", leadloop.Partner.Name(), d.Partner},
		{"country", leadloop.Country.Name(), d.Country},
		{"region", leadloop.Region.Name(), d.Region},
		{"industry", leadloop.Industry.Name(), d.Industry},
		{"product", leadloop.ProductInterest.Name(), d.Product},
		{"language", leadloop.Language.Name(), d.Language},
		{"tier", "tier", d.Tier},
	} {
		if l.values == nil {
			continue
		}
		if len(l.values) == 0 {
			c.Add(d.At, "%s: %s is an empty list, which no lead is in", where, l.key)
		}
		if l.key == "tier" {
			c.tiers(d.At, where, l.values...)
		}
		c.canonical(d.At, where, l.key, l.values)
		cond.matchers = append(cond.matchers, c.matcher(l.field, l.values, nil))
	}
	if e := d.Employees; e != nil {
		if e.Min == nil && e.Max == nil {
			c.Add(d.At, "%s: employees has neither min nor max", where)
		} else if e.Min != nil && e.Max != nil && *e.Min > *e.Max {
			c.Add(d.At, "%s: employees from %d to %d is no company", where, *e.Min, *e.Max)
		}
		cond.matchers = append(cond.matchers, c.matcher(leadloop.Employees.Name(), nil, e))
	}
	return cond
}

// canonical warns of values that no captured lead has, because capture writes
// them otherwise.
func (c *compiler) canonical(at leadloop.Position, where, key string, values []string) {
	for _, v := range values {
		var form string
		switch key {
		case "country":
			form, _ = normalize.Country(v)
		case "source":
			form = normalize.Source(v)
		default:
			return
		}
		if form == v {
			continue
		}
		p := leadloop.Problem{At: at, Warning: true, Message: fmt.Sprintf("%s: no captured lead has the %s %q", where, key, v)}
		if form != "" {
			p.Hint = fmt.Sprintf("it is written %q", form)
		}
		c.Problems = append(c.Problems, p)
	}
}

func (c *compiler) matcher(field string, values []string, r *Range) matcher {
	m := matcher{name: field, field: -1, between: r}
	if i, ok := c.schema.Index(field); ok {
		m.field = i
	}
	if r == nil {
		m.oneOf = make(map[string]bool, len(values))
		for _, v := range values {
			m.oneOf[v] = true
		}
	}
	return m
}

func (c *compiler) tiers(at leadloop.Position, where string, tiers ...string) {
	if c.o.Tiers == nil {
		return
	}
	for _, t := range tiers {
		c.known(at, where, "tier", t, c.o.Tiers)
	}
}

// rule adds a condition to compile and returns its number, -1 for none.
func (c *compiler) rule(where string, when leadloop.Expression) int {
	if when.IsZero() {
		return -1
	}
	c.rules = append(c.rules, rules.Rule{ID: where, Expression: when, Type: leadloop.KindBool})
	return len(c.rules) - 1
}

func (c *compiler) target(where string, d *Entry, pools, queues []string) {
	t, n := d.Target, 0
	at := t.At
	if at.Line == 0 {
		at = d.At
	}
	for _, s := range []string{t.OwnerOf, string(t.Rep), t.Pool, t.Queue, t.Nurture, t.Alert} {
		if s != "" {
			n++
		}
	}
	if n != 1 {
		c.Add(at, "%s: a target is exactly one of owner_of, rep, pool, queue, nurture and alert; found %d", where, n)
	}
	owners := []string{OfAccount, OfContact, OfOpportunity, OfPrevious}
	if t.OwnerOf != "" {
		c.known(at, where, "owner_of", t.OwnerOf, owners)
	}
	if t.Alert != "" {
		c.known(at, where, "alert", t.Alert, owners)
	}
	if t.Rep != "" {
		c.known(at, where, "rep", string(t.Rep), c.r.repNames())
	}
	if t.Queue != "" {
		c.known(at, where, "queue", t.Queue, queues)
	}
	if t.Pool == "" {
		if len(t.Skills) > 0 || t.Speaks {
			c.Add(at, "%s: skills and speaks choose among the members of a pool; there is no pool", where)
		}
		return
	}
	if !c.known(at, where, "pool", t.Pool, pools) {
		return
	}
	p := c.r.pool(t.Pool)
	if len(p.members) == 0 {
		return
	}
	if !slices.ContainsFunc(p.members, func(i int) bool { return hasAll(c.r.reps[i].Skills, t.Skills) }) {
		c.Add(at, "%s: nobody in pool %s has the skills %s", where, t.Pool, strings.Join(t.Skills, ", "))
	}
}

func hasAll(have, want []string) bool {
	return !slices.ContainsFunc(want, func(s string) bool { return !slices.Contains(have, s) })
}
