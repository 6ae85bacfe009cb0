package routing

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// Options are a router's settings; the zero value of each has a meaning.
type Options struct {
	// Tiers are the tiers that a lead can have, which the files may name. Nil
	// leaves tiers unchecked.
	Tiers []string
}

// Router decides who gets a lead. It is immutable and safe for concurrent use.
type Router struct {
	schema   *leadloop.Schema
	zone     *time.Location // of queues, and of owners without one
	reps     []rep          // by id
	teams    []Team
	pools    []pool
	queues   []Queue
	entries  []entry
	final    string
	policies []policy
	waiting  ladder
	unworked ladder
	rules    *rules.Set
	warnings leadloop.Problems
}

type rep struct {
	Rep
	weight  int
	zone    *time.Location
	team    leadloop.TeamID
	manager leadloop.RepID
}

type pool struct {
	Pool
	members []int // positions in Router.reps, ascending
}

type entry struct {
	Entry
	cond condition
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
// that end with nobody, and what is wrong with the conditions.
func New(def Definition, sla SLADefinition, schema *leadloop.Schema, o Options) (*Router, error) {
	if schema == nil {
		return nil, leadloop.Problems{{Message: "routing: no schema"}}
	}
	c := &compiler{r: &Router{schema: schema, zone: time.UTC}, schema: schema, o: o}
	if sla.Zone != "" {
		if z, ok := c.loadZone(sla.At, "zone", sla.Zone); ok {
			c.r.zone = z
		}
	}
	c.reps(&def)
	pools := c.pools(&def)
	queues := c.queues(&def)
	c.chain(&def, pools, queues)
	c.calendars(&sla)
	c.policies(&sla, queues)
	c.unmanaged()
	env, err := rules.NewEnv(schema, rules.Options{Vars: Vars()})
	if err == nil {
		c.r.rules, err = env.Compile(c.rules...)
	}
	c.Join(err)
	c.Sort()
	c.r.warnings = slices.DeleteFunc(slices.Clone(c.Problems), func(p leadloop.Problem) bool { return !p.Warning })
	if err := c.Err(); err != nil {
		return nil, err
	}
	return c.r, nil
}

// Warnings are what New found that works and is probably not what was meant.
func (r *Router) Warnings() leadloop.Problems { return slices.Clone(r.warnings) }

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
	for i := range r.entries {
		add(&r.entries[i].cond)
		if r.entries[i].Target.Speaks {
			out = append(out, leadloop.Language.Name())
		}
	}
	for i := range r.policies {
		add(&r.policies[i].cond)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (r *Router) repIndex(id leadloop.RepID) (int, bool) {
	return slices.BinarySearchFunc(r.reps, id, func(x rep, id leadloop.RepID) int { return strings.Compare(string(x.ID), string(id)) })
}

// rep returns a rep of the definition, nil if there is none.
func (r *Router) rep(id leadloop.RepID) *rep {
	if i, ok := r.repIndex(id); ok {
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
	if i := slices.IndexFunc(r.pools, func(p pool) bool { return p.ID == id }); i >= 0 {
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
	AsOf        time.Time
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
}

// Assignment is where a lead goes.
type Assignment struct {
	// Kind is assigned, queued, nurture or alerted.
	Kind leadloop.OutcomeKind
	// Reason is "entry:<id>", or for the final queue why no entry placed the
	// lead: "nobody_eligible", "undecided" or "no_entry".
	Reason string
	// Entry is the chain entry that won, empty for the final queue.
	Entry string
	Owner leadloop.RepID // for alerted: who is told
	Queue string
	Track string
	// Pool is the pool that the owner was taken from, or that counts its
	// ownership.
	Pool string
	// Kept is true if the lead stays with its owner and nothing was booked.
	Kept bool
	// Ledger books the assignment and what was returned, each pool once.
	Ledger []leadloop.LedgerMove
	// SLA is the clock of an assigned lead, zero if no policy matches.
	SLA   leadloop.SLA
	Trace Trace
}

// Route decides where the lead goes. It reads rd and writes nothing. An error
// is rd's or ctx's, or tells that the profile has another schema.
func (r *Router) Route(ctx context.Context, rd Reader, q Request) (Assignment, error) {
	d, err := r.newDecision(ctx, rd, &q)
	if err != nil {
		return Assignment{}, err
	}
	var undecided, nobody bool
	for i := range r.entries {
		e := &r.entries[i]
		t := d.check(ctx, &e.cond)
		t.Entry = e.ID
		if t.Verdict == VerdictMatched {
			a, ok, err := d.place(ctx, e, &t)
			if err != nil {
				return Assignment{}, err
			}
			if ok {
				t.Verdict = VerdictWon
				d.trace.Entries = append(d.trace.Entries, t)
				a.Reason, a.Entry = "entry:"+e.ID, e.ID
				return d.finish(ctx, a)
			}
			t.Verdict = VerdictNobody
		}
		if err := ctx.Err(); err != nil {
			return Assignment{}, err
		}
		undecided = undecided || t.Verdict == VerdictUndecided
		nobody = nobody || t.Verdict == VerdictNobody
		d.trace.Entries = append(d.trace.Entries, t)
	}
	reason := "no_entry"
	switch {
	case nobody:
		reason = "nobody_eligible"
	case undecided:
		reason = "undecided"
	}
	return d.finish(ctx, Assignment{Kind: leadloop.OutcomeQueued, Queue: r.final, Reason: reason})
}
