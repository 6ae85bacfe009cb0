package routing

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/normalize"
	"github.com/leadloop/leadloop/rules"
)

func (c *compiler) chain(def *Definition, pools, queues []string) {
	unique(c, "entry", def.Chain, func(e *Entry) (string, leadloop.Position) { return e.ID, e.At })
	territories := make([]string, len(def.Territories))
	for i := range def.Territories {
		territories[i] = def.Territories[i].ID
	}
	for i := range def.Chain {
		d := &def.Chain[i]
		where := "entry " + d.ID
		e := entry{Entry: *d, cond: c.condition(where, d, territories), reason: "entry:" + d.ID}
		e.accounts = e.cond.accounts()
		c.target(where, d, &e, pools, queues)
		c.r.entries = append(c.r.entries, e)
	}
	if def.Final == "" {
		c.Add(def.At, "final: the chain can end without an owner; name the queue that takes what is left")
	} else {
		c.known(def.At, "final", "queue", def.Final, queues)
	}
	c.r.final, c.r.disputes, c.r.at = def.Final, def.Final, def.At
	if def.Disputes != "" {
		c.known(def.At, "disputes", "queue", def.Disputes, queues)
		c.r.disputes = def.Disputes
	}
	conditions := make([]*condition, len(c.r.entries))
	for i := range c.r.entries {
		conditions[i] = &c.r.entries[i].cond
	}
	c.r.entryIndex = newIndex(conditions)
	c.unreachable()
	c.overlaps()
}

func (c *compiler) territories(def *Definition, pools, queues []string) {
	unique(c, "territory", def.Territories, func(t *Territory) (string, leadloop.Position) { return t.ID, t.At })
	conditions := make([]*condition, len(def.Territories))
	reps := c.r.repNames()
	c.r.territories = make([]territory, len(def.Territories))
	for i := range def.Territories {
		d := &def.Territories[i]
		where := "territory " + d.ID
		t := &c.r.territories[i]
		t.Territory, t.cond = *d, condition{rule: -1}
		c.lists(where, d.At, &t.cond, []list{
			{"country", leadloop.Country.Name(), d.Country}, {"region", leadloop.Region.Name(), d.Region}, {"industry", leadloop.Industry.Name(), d.Industry},
		})
		c.shared(where, d.At, &t.cond, d.Employees, d.Postcode, d.Accounts, d.AccountsFile)
		if t.cond.always() {
			c.AddHint(d.At, "say country, region, postcode, industry, employees or accounts", "%s: it says nothing about its leads", where)
		}
		n := 0
		for _, s := range []string{string(d.Rep), d.Pool, d.Queue} {
			if s != "" {
				n++
			}
		}
		if n > 1 {
			c.Add(d.At, "%s: a territory names at most one of rep, pool and queue; found %d", where, n)
		}
		if d.Rep != "" {
			c.known(d.At, where, "rep", string(d.Rep), reps)
		}
		if d.Pool != "" {
			c.known(d.At, where, "pool", d.Pool, pools)
		}
		if d.Queue != "" {
			c.known(d.At, where, "queue", d.Queue, queues)
		}
		conditions[i] = &t.cond
	}
	c.r.territoryIndex = newIndex(conditions)
}

// list is a condition that a field is one of some values.
type list struct {
	key    string
	field  string
	values []string
}

// lists compiles conditions on text.
func (c *compiler) lists(where string, at leadloop.Position, cond *condition, lists []list) {
	for _, l := range lists {
		if l.values == nil {
			continue
		}
		if len(l.values) == 0 {
			c.Add(at, "%s: %s is an empty list, which no lead is in", where, l.key)
		}
		if l.key == "tier" {
			c.tiers(at, where, l.values...)
		}
		c.canonical(at, where, l.key, l.values)
		cond.matchers = append(cond.matchers, c.oneOf(l.field, l.values...))
	}
}

// shared compiles what entries and territories have in common besides lists.
func (c *compiler) shared(where string, at leadloop.Position, cond *condition, e *Range, codes, accounts []string, file string) {
	if e != nil {
		if e.Min == nil && e.Max == nil {
			c.Add(at, "%s: employees has neither min nor max", where)
		} else if e.Min != nil && e.Max != nil && *e.Min > *e.Max {
			c.Add(at, "%s: employees from %d to %d is no company", where, *e.Min, *e.Max)
		}
		cond.matchers = append(cond.matchers, matcher{name: leadloop.Employees.Name(), kind: matchNumber, field: c.field(leadloop.Employees.Name()), between: e})
	}
	if codes != nil {
		m := matcher{name: PostcodeField, kind: matchPostcode, field: c.field(PostcodeField)}
		if def, ok := c.schema.Lookup(PostcodeField); !ok || def.Kind != leadloop.KindString {
			// Once is enough: there can be thousands of territories.
			if !c.noPostcode {
				c.AddHint(at, "declare it in scoring.yaml: fields: {postcode: string}", "%s: postcode reads the field %s, which the schema does not have as text", where, PostcodeField)
			}
			c.noPostcode, m.field = true, 0
		}
		if len(codes) == 0 {
			c.Add(at, "%s: postcode is an empty list, which no lead is in", where)
		}
		for _, s := range codes {
			if p, ok := parsePostcodes(s); ok {
				m.spans = append(m.spans, p)
			} else {
				c.AddHint(at, "such as 80331, SW1* or 80000-81929", "%s: %q is no postcode, beginning or range", where, s)
			}
		}
		cond.matchers = append(cond.matchers, m)
	}
	if a := c.accounts(at, where, accounts, file); a != nil {
		cond.matchers = append(cond.matchers, matcher{name: leadloop.Domain.Name(), kind: matchAccount, field: c.field(leadloop.Domain.Name()), accounts: a})
	}
}

// accounts returns what a condition asks of the domain, nil if nothing.
func (c *condition) accounts() *accounts {
	for i := range c.matchers {
		if c.matchers[i].kind == matchAccount {
			return c.matchers[i].accounts
		}
	}
	return nil
}

// condition compiles everything that an entry asks of a lead.
func (c *compiler) condition(where string, d *Entry, territories []string) condition {
	cond := condition{rule: c.rule(where, d.When), implied: c.implied(d.When.Text)}
	c.lists(where, d.At, &cond, []list{
		{"source", leadloop.Source.Name(), d.Source},
		{"partner", leadloop.Partner.Name(), d.Partner},
		{"country", leadloop.Country.Name(), d.Country},
		{"region", leadloop.Region.Name(), d.Region},
		{"industry", leadloop.Industry.Name(), d.Industry},
		{"product", leadloop.ProductInterest.Name(), d.Product},
		{"language", leadloop.Language.Name(), d.Language},
		{"seniority", leadloop.Seniority.Name(), d.Seniority},
		{"tier", "tier", d.Tier},
	})
	c.shared(where, d.At, &cond, d.Employees, d.Postcode, d.Accounts, d.AccountsFile)
	if d.Territory != nil {
		m := matcher{name: "territory", kind: matchTerritory, field: -1}
		if len(d.Territory) == 0 {
			c.Add(d.At, "%s: territory is an empty list, which no lead is in", where)
		}
		for _, s := range d.Territory {
			if c.known(d.At, where, "territory", s, territories) {
				m.territories = append(m.territories, int32(slices.Index(territories, s)))
			}
		}
		slices.Sort(m.territories)
		cond.matchers = append(cond.matchers, m)
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

// field returns a field's position in the schema, -1 for the tier.
func (c *compiler) field(name string) int {
	if i, ok := c.schema.Index(name); ok {
		return i
	}
	return -1
}

func (c *compiler) oneOf(field string, values ...string) matcher {
	m := matcher{name: field, field: c.field(field), oneOf: slices.Clone(values)}
	slices.Sort(m.oneOf)
	m.oneOf = slices.Compact(m.oneOf)
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

var (
	alertable = []string{OfAccount, OfContact, OfOpportunity, OfPrevious}
	ownable   = []string{OfAccount, OfContact, OfOpportunity, OfPrevious, OfTerritory, OfNamedAccount, OfDomain}
	// single are those that are one person.
	single = []string{OfAccount, OfContact, OfOpportunity, OfPrevious, OfNamedAccount, OfDomain}
)

func (c *compiler) target(where string, d *Entry, e *entry, pools, queues []string) {
	t, n := d.Target, 0
	at := t.At
	if at.Line == 0 {
		at = d.At
	}
	for _, s := range []string{t.OwnerOf, strings.Join(t.Owners, ","), string(t.Rep), t.Pool, t.Queue, t.Nurture, t.Alert} {
		if s != "" {
			n++
		}
	}
	if n != 1 {
		c.Add(at, "%s: a target is exactly one of owner_of, owners, rep, pool, queue, nurture and alert; found %d", where, n)
	}
	if t.OwnerOf != "" && c.known(at, where, "owner_of", t.OwnerOf, ownable) {
		e.owners = []string{t.OwnerOf}
	}
	for i, o := range t.Owners {
		if c.known(at, where, "owners", o, single) {
			e.owners = append(e.owners, o)
		}
		if slices.Contains(t.Owners[:i], o) {
			c.Add(at, "%s: owners: %s stands there twice", where, o)
		}
	}
	if t.Agree && len(t.Owners) < 2 {
		c.Add(at, "%s: agree compares several owners; there is none or one", where)
	}
	for _, o := range e.owners {
		switch {
		case o == OfNamedAccount && (e.accounts == nil || !e.accounts.owned):
			c.AddHint(at, "accounts_file: a CSV file with the columns domain and owner", "%s: the owner of a named account is in the entry's accounts file; it has none", where)
		case o == OfTerritory && !slices.ContainsFunc(c.r.territories, func(t territory) bool { return t.places() }):
			c.Add(at, "%s: no territory names a rep, pool or queue", where)
		case o == OfDomain:
			c.r.sticky = true
		}
	}
	if t.Within < 0 || t.Within > 10*longest {
		c.Add(at, "%s: within %v is not between 0 and %v", where, t.Within, 10*longest)
	} else if t.Within > 0 && !slices.Contains(e.owners, OfDomain) {
		c.Add(at, "%s: within is about the owner of a domain; there is none", where)
	}
	if t.Alert != "" {
		c.known(at, where, "alert", t.Alert, alertable)
	}
	if t.Rep != "" {
		c.known(at, where, "rep", string(t.Rep), c.r.repNames())
	}
	if t.Queue != "" {
		c.known(at, where, "queue", t.Queue, queues)
	}
	if t.ZoneWithin < 0 {
		c.Add(at, "%s: zone_within is negative", where)
	}
	if t.Pool == "" {
		if t.OwnerOf != OfTerritory && (len(t.Skills) > 0 || t.Speaks || t.Sells || len(t.Seniority) > 0 || t.ZoneWithin != 0) {
			c.Add(at, "%s: skills, speaks, sells, seniority and zone_within choose among the members of a pool; there is no pool", where)
		}
		return
	}
	if c.known(at, where, "pool", t.Pool, pools) {
		c.able(at, where, &t)
	}
}

// able reports a pool nobody of which has what its target asks for.
func (c *compiler) able(at leadloop.Position, where string, t *Target) {
	p := c.r.pool(t.Pool)
	if len(p.members) == 0 {
		return
	}
	anybody := func(can func(r *rep) bool) bool {
		return slices.ContainsFunc(p.members, func(i int) bool { return can(&c.r.reps[i]) })
	}
	skilled := func(r *rep) bool { return hasAll(r.Skills, t.Skills) }
	senior := func(r *rep) bool { return len(t.Seniority) == 0 || slices.Contains(t.Seniority, r.Seniority) }
	switch {
	case !anybody(skilled):
		c.Add(at, "%s: nobody in pool %s has the skills %s", where, t.Pool, strings.Join(t.Skills, ", "))
	case !anybody(senior):
		c.Add(at, "%s: nobody in pool %s has the seniority %s", where, t.Pool, strings.Join(t.Seniority, " or "))
	case !anybody(func(r *rep) bool { return skilled(r) && senior(r) }):
		c.Add(at, "%s: nobody in pool %s has the skills and the seniority", where, t.Pool)
	case t.Speaks && !anybody(func(r *rep) bool { return len(r.Languages) > 0 }):
		c.Add(at, "%s: nobody in pool %s has a language", where, t.Pool)
	case t.Sells && !anybody(func(r *rep) bool { return len(r.Products) > 0 }):
		c.Add(at, "%s: nobody in pool %s has a product", where, t.Pool)
	}
}

func hasAll(have, want []string) bool {
	return !slices.ContainsFunc(want, func(s string) bool { return !slices.Contains(have, s) })
}
