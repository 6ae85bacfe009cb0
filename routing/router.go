package routing

import (
	"context"
	"io/fs"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing/calendar"
	"github.com/leadloop/leadloop/rules"
)

// Options are a router's settings; the zero value of each has a meaning.
type Options struct {
	// Tiers are the tiers that a lead can have, best first, which the files
	// may name. Nil leaves tiers unchecked.
	Tiers []string
	// Files has the accounts files that the definition names. Nil has none.
	Files fs.FS
	// Holidays are the public holidays of a country in a year, as in
	// holidays.Of; false if it is not known. Nil knows none.
	Holidays func(country string, year int) ([]calendar.Date, bool)
	// Busy counts what a rep has to do besides leads; it is called once per
	// rep with a cap on it and decision, concurrently for different leads. Nil
	// counts nothing, so that max_tasks and max_sequences cap nothing.
	Busy func(ctx context.Context, id leadloop.RepID, asOf time.Time) (Busy, error)
}

// Busy is what a rep has to do besides leads.
type Busy struct{ Tasks, Sequences int }

// Router decides who gets a lead. It is immutable and safe for concurrent use.
type Router struct {
	schema         *leadloop.Schema
	zone           *time.Location // of queues, and of owners without one
	reps           []rep          // by id
	repAt          map[leadloop.RepID]int
	teams          []Team
	pools          []pool
	poolAt         map[string]int
	queues         []Queue
	territories    []territory
	territoryIndex *index
	entries        []entry
	entryIndex     *index
	final          string
	at             leadloop.Position // of the definition
	disputes       string
	clocks         map[string]clock // calendars by name, "" is around the clock
	policies       []policy
	waiting        ladder
	unworked       ladder
	disputed       ladder
	rules          *rules.Set
	scores         *rules.Set // of best-fit pools
	results        *sync.Pool // of *rules.Results
	decisions      *sync.Pool // of *decision
	tiers          []string
	busy           func(context.Context, leadloop.RepID, time.Time) (Busy, error)
	sticky         bool // some entry asks who had the domain
	problems       leadloop.Problems
}

type rep struct {
	Rep
	weight   int
	zone     *time.Location
	team     leadloop.TeamID
	manager  leadloop.RepID
	hours    clock
	hasHours bool
}

type pool struct {
	Pool
	members []int            // positions in Router.reps, ascending
	seats   []seat           // of members
	ids     []leadloop.RepID // of seats
	classes []class          // of seats
	plain   bool             // all seats are
	alike   bool             // all have the same priority
	all     columns          // of all members, each with a balance; without those
	weight  int64            // of all members
	score   int              // number of the rule, -1 for none
}

// seat is what is looked at first of a pool's member: a large pool is gone
// through for every lead.
type seat struct {
	id    leadloop.RepID
	rep   *rep
	prior int
	class int32 // in pool.classes
	// plain members are always there, as far as the definition goes, and have
	// no caps.
	plain bool
}

type entry struct {
	Entry
	cond     condition
	owners   []string // of the target, in order
	reason   string   // of what it places
	accounts *accounts
}

type policy struct {
	Policy
	cond   condition
	ladder ladder
}

type ladder struct {
	clock clock
	rungs []Rung
}

// New checks both definitions against each other and the schema, and returns
// their router. The error is a [leadloop.Problems] with everything that is
// wrong: names that don't exist, with what was probably meant, empty pools,
// weights, time zones and hours that can't be, overlapping absences, entries
// that can't be reached, a chain that can end without an owner, escalations
// that end with nobody, and what is wrong with the conditions. It has
// the warnings as well, except those about lines with errors.
func New(def Definition, sla SLADefinition, schema *leadloop.Schema, o Options) (*Router, error) {
	if schema == nil {
		return nil, leadloop.Problems{{Message: "routing: no schema"}}
	}
	c := &compiler{r: &Router{schema: schema, zone: time.UTC, poolAt: map[string]int{}, busy: o.Busy, tiers: slices.Clone(o.Tiers), results: &sync.Pool{}, decisions: &sync.Pool{}}, schema: schema, o: o, meant: map[string]bool{}}
	if sla.Zone != "" {
		if z, ok := c.loadZone(sla.At, "zone", sla.Zone); ok {
			c.r.zone = z
		}
	}
	c.calendars(&sla)
	c.reps(&def)
	pools := c.pools(&def)
	queues := c.queues(&def)
	c.territories(&def, pools, queues)
	c.chain(&def, pools, queues)
	c.policies(&sla, queues)
	c.unmanaged()
	c.r.seat()
	c.r.rules = c.compile(Vars(), c.rules)
	c.r.scores = c.compile(append(Vars(), MemberVars()...), c.scores)
	c.Sort()
	if c.Err() != nil {
		return nil, c.withoutConsequences()
	}
	c.r.problems = c.Problems
	return c.r, nil
}

// WithBusy returns a router that is the same but for [Options].Busy: who
// compiles a definition need not be who knows what reps have to do.
func (r *Router) WithBusy(busy func(ctx context.Context, id leadloop.RepID, asOf time.Time) (Busy, error)) *Router {
	c := *r
	c.busy = busy
	return &c
}

// seat fills the seats of the pools.
func (r *Router) seat() {
	for i := range r.pools {
		p := &r.pools[i]
		p.seats = make([]seat, len(p.members))
		p.ids = make([]leadloop.RepID, len(p.members))
		p.plain, p.alike = true, true
		p.all.resize(len(p.members))
		classOf := map[int]int32{}
		for j, at := range p.members {
			x := &r.reps[at]
			k, ok := classOf[x.weight]
			if !ok {
				k = int32(len(p.classes))
				classOf[x.weight], p.classes = k, append(p.classes, class{weight: int64(x.weight)})
			}
			p.classes[k].n++
			p.weight += int64(x.weight)
			p.ids[j] = x.ID
			p.seats[j] = seat{
				id: x.ID, rep: x, prior: x.Priority, class: k,
				plain: len(x.Away) == 0 && x.Ramp == nil && !(p.Present && x.hasHours) && x.MaxOpen|x.MaxDay|x.MaxWeek|x.MaxMonth|x.MaxTasks|x.MaxSequences == 0,
			}
			p.plain, p.alike = p.plain && p.seats[j].plain, p.alike && p.seats[j].prior == p.seats[0].prior
			p.all.who[j], p.all.at[j], p.all.class[j] = int32(j), int32(j), k
		}
	}
}

// compile compiles rules, as many as there are.
func (c *compiler) compile(vars []rules.Var, list []rules.Rule) *rules.Set {
	limits := rules.DefaultLimits()
	limits.Rules = max(limits.Rules, len(list))
	env, err := rules.NewEnv(c.schema, rules.Options{Vars: vars, Limits: limits})
	if err != nil {
		c.Join(err)
		return nil
	}
	set, err := env.Compile(list...)
	c.Join(err)
	return set
}

// Warnings are what New found that works and is probably not what was meant.
func (r *Router) Warnings() leadloop.Problems { return slices.Clone(r.problems) }

// Fields are the fields that routing and the choice of an SLA read, sorted:
// nothing else about a lead can change where it goes.
func (r *Router) Fields() []string {
	var out []string
	add := func(c *condition) {
		for _, m := range c.matchers {
			if m.field >= 0 {
				out = append(out, m.name)
			}
		}
		if c.rule >= 0 {
			out = append(out, r.rules.Inputs(c.rule).Fields...)
		}
	}
	for i := range r.territories {
		add(&r.territories[i].cond)
	}
	for i := range r.entries {
		e := &r.entries[i]
		add(&e.cond)
		if e.Target.Speaks {
			out = append(out, leadloop.Language.Name())
		}
		if e.Target.Sells {
			out = append(out, leadloop.ProductInterest.Name())
		}
		if e.Target.ZoneWithin > 0 {
			out = append(out, leadloop.Timezone.Name())
		}
		if slices.Contains(e.owners, OfNamedAccount) || slices.Contains(e.owners, OfDomain) {
			out = append(out, leadloop.Domain.Name())
		}
	}
	for i := range r.scores.Len() {
		out = append(out, r.scores.Inputs(i).Fields...)
	}
	for i := range r.policies {
		add(&r.policies[i].cond)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ReadsActivities reports whether a condition of routing or of an SLA, or the
// score of a best fit, reads what a lead did.
func (r *Router) ReadsActivities() bool {
	for _, set := range []*rules.Set{r.rules, r.scores} {
		for i := range set.Len() {
			if in := set.Inputs(i); in.AllActivities || len(in.Activities) > 0 {
				return true
			}
		}
	}
	return false
}

// rep returns a rep of the definition, nil if there is none.
func (r *Router) rep(id leadloop.RepID) *rep {
	if i, ok := r.repAt[id]; ok {
		return &r.reps[i]
	}
	return nil
}

func (r *Router) repNames() []string {
	out := make([]string, len(r.reps))
	for i := range r.reps {
		out[i] = string(r.reps[i].ID)
	}
	return out
}

func (r *Router) pool(id string) *pool {
	if i, ok := r.poolAt[id]; ok {
		return &r.pools[i]
	}
	return nil
}

func itoa(n int) string { return strconv.Itoa(n) }

// Request is a lead to route.
type Request struct {
	// Lead gives the id, the activities, the score and the previous owner.
	Lead *leadloop.Lead
	// Profile are its golden values, of the router's schema.
	Profile *leadloop.Profile
	// Account, Contact and Opportunity are what it was matched to, nil if
	// nothing; the opportunity only if it is open.
	Account     *leadloop.Account
	Contact     *leadloop.Contact
	Opportunity *leadloop.Opportunity
	// Domain is who last got another lead of the same company domain, nil if
	// nobody did.
	Domain *Earlier
	AsOf   time.Time
	// Recycled tells that the lead re-enters for a second pass.
	Recycled bool
	// Exclude are reps who must not get the lead.
	Exclude []leadloop.RepID
	// Keep keeps the present owner, if it is there, when the entry that it was
	// assigned by wins again.
	Keep bool
	// Return gives the debit of the present owner back to its pool, unless the
	// owner is kept.
	Return bool
	// Uncredited are the members of that pool who were not credited when the
	// present owner got the lead ([Assignment.Uncredited]): they give nothing
	// back. Nil works out who was there and had what it takes.
	Uncredited []leadloop.RepID
}

// Earlier is an assignment of another lead.
type Earlier struct {
	Owner leadloop.RepID
	At    time.Time
}
