package routing

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// decision is one lead being routed. Its memory is used again for the next one:
// what an assignment takes along is never part of it.
type decision struct {
	asked
	r    *Router
	vars [varCount]leadloop.Value
	// gone are those of crm who are inactive or have absences, once sought.
	gone []*leadloop.Rep
	// byEntry and byTerritory are what the indexes found.
	byEntry, byTerritory findings
	// turn is of the pool that is asked, and without who of it gets no credit.
	turn    turn
	without []leadloop.RepID
}

// asked is what a decision was asked and has found out.
type asked struct {
	rd     Reader
	q      Request
	crm    []leadloop.Rep
	sought bool        // who is gone
	member *membership // of territories, once it is asked for
	trace  Trace
	moves  []leadloop.LedgerMove
	// evals counts the conditions in CEL that were evaluated one by one;
	// results are all of them, once that is cheaper.
	evals   int
	results *rules.Results
	// balances are those of the pool that is asked, and uncredited the members
	// of the one booked last who got no credit.
	balances   ledger
	uncredited []leadloop.RepID
	// vacant tells that the target asked last named nobody for this lead.
	vacant   bool
	leadZone *zoneOffset // once it is asked for
	// sla is the policy of the lead, nil if none sets its clock; sought before
	// slaKnown.
	sla      *policy
	slaKnown bool
	// brief is of a simulation, which reads no more of a trace than who was named.
	brief *simReader
}

func (r *Router) newDecision(ctx context.Context, rd Reader, q *Request) (*decision, error) {
	if q.Profile == nil || q.Lead == nil || q.Profile.Schema() != r.schema {
		return nil, fmt.Errorf("routing: %w: a request has a lead and a profile of the router's schema", leadloop.ErrInvalid)
	}
	crm, err := rd.Reps(ctx)
	if err != nil {
		return nil, fmt.Errorf("routing: read reps: %w", err)
	}
	d, _ := r.decisions.Get().(*decision)
	if d == nil {
		d = &decision{}
	}
	d.r, d.rd, d.q, d.crm = r, rd, *q, crm
	d.q.vars(&d.vars)
	if d.brief, _ = rd.(*simReader); d.brief != nil {
		d.trace.Entries = d.brief.entries[:0]
	}
	return d, nil
}

// done gives the decision's memory to the next one.
func (d *decision) done() {
	if d.results != nil {
		d.r.results.Put(d.results)
	}
	d.turn.forget()
	clear(d.gone)
	d.asked, d.gone = asked{}, d.gone[:0]
	d.r.decisions.Put(d)
}

// crmRep returns what the CRM knows about a rep, nil if nothing.
func (d *decision) crmRep(id leadloop.RepID) *leadloop.Rep {
	return inCRM(d.crm, id)
}

// inCRM returns what the CRM knows about a rep, nil if nothing.
func inCRM(crm []leadloop.Rep, id leadloop.RepID) *leadloop.Rep {
	i := sort.Search(len(crm), func(i int) bool { return crm[i].ID >= id })
	if i == len(crm) || crm[i].ID != id {
		return nil
	}
	return &crm[i]
}

// absentees are the reps of whom the CRM says that they left, or when they are
// away, by id.
func (d *decision) absentees() []*leadloop.Rep {
	if !d.sought {
		d.sought = true
		for i := range d.crm {
			if r := &d.crm[i]; r.Inactive || len(r.Away) > 0 {
				d.gone = append(d.gone, r)
			}
		}
	}
	return d.gone
}

// rep returns a rep of the definition or, for owners that only the CRM knows,
// of the CRM.
func (d *decision) rep(id leadloop.RepID) (*rep, bool) {
	if r := d.r.rep(id); r != nil {
		return r, true
	}
	c := d.crmRep(id)
	if c == nil {
		return nil, false
	}
	r := &rep{zone: d.r.zone, weight: defaultWeight, team: c.Team, manager: c.Manager, Rep: Rep{
		ID: c.ID, Name: c.Name, Timezone: c.Timezone, Skills: c.Skills, Languages: c.Languages,
		MaxOpen: c.MaxOpen, MaxDay: c.MaxDay, MaxWeek: c.MaxWeek,
	}}
	// A zone that this machine does not know is the router's zone.
	if z, err := time.LoadLocation(c.Timezone); err == nil && c.Timezone != "" && c.Timezone != "Local" {
		r.zone = z
	}
	return r, true
}

// active reports whether the rep exists and has not left.
func (d *decision) active(id leadloop.RepID) bool {
	c := d.crmRep(id)
	return c != nil && !c.Inactive || c == nil && d.r.rep(id) != nil
}

// place gives the lead to a target, if there is somebody.
func (d *decision) place(ctx context.Context, e *entry, g *Target, t *EntryTrace) (Assignment, bool, error) {
	switch {
	case g.Queue != "":
		return Assignment{Kind: leadloop.OutcomeQueued, Queue: g.Queue}, true, nil
	case g.Nurture != "":
		return Assignment{Kind: leadloop.OutcomeNurture, Track: g.Nurture}, true, nil
	case g.Alert != "":
		owner := d.ownerOf(e, g.Alert)
		if owner == "" || !d.active(owner) {
			d.vacant = owner == ""
			t.Because = "no owner of the " + g.Alert
			return Assignment{}, false, nil
		}
		return Assignment{Kind: leadloop.OutcomeAlerted, Owner: owner}, true, nil
	case g.Pool != "":
		return d.fromPool(ctx, e, g, t)
	case g.Rep != "":
		return d.one(ctx, e, t, g.Rep, false)
	case g.OwnerOf == OfTerritory:
		return d.toTerritory(ctx, e, g, t)
	default:
		return d.toOwner(ctx, e, g, t)
	}
}

// toOwner gives the lead to the first of the owners who can take it.
func (d *decision) toOwner(ctx context.Context, e *entry, g *Target, t *EntryTrace) (Assignment, bool, error) {
	var named []string
	for _, of := range e.owners {
		if id := d.ownerOf(e, of); g.Agree && id != "" && d.active(id) && !slices.Contains(named, "rep:"+string(id)) {
			named = append(named, "rep:"+string(id))
		}
	}
	if len(named) > 1 {
		return d.dispute(e, t, named), true, nil
	}
	d.vacant = true
	for _, of := range e.owners {
		id := d.ownerOf(e, of)
		if id == "" {
			continue
		}
		d.vacant = false
		if a, ok, err := d.one(ctx, e, t, id, true); ok || err != nil {
			return a, ok, err
		}
	}
	if len(t.Skipped) == 0 {
		t.Because = "no owner of the " + strings.Join(e.owners, ", ")
	}
	return Assignment{}, false, nil
}

// toTerritory gives the lead to whom its territory names.
func (d *decision) toTerritory(ctx context.Context, e *entry, g *Target, t *EntryTrace) (Assignment, bool, error) {
	targets, needs := d.ofTerritory(ctx)
	t.Needs = needs
	switch len(targets) {
	case 0:
		d.vacant, t.Because = true, "it is in no territory"
		return Assignment{}, false, nil
	case 1:
		t.Territory = targets[0].ID
		to := targets[0].target()
		to.Skills, to.Speaks, to.Sells, to.Seniority, to.ZoneWithin = g.Skills, g.Speaks, g.Sells, g.Seniority, g.ZoneWithin
		return d.place(ctx, e, &to, t)
	}
	names := make([]string, len(targets))
	for i, x := range targets {
		names[i] = x.names()
	}
	return d.dispute(e, t, names), true, nil
}

// dispute leaves the lead to a manager.
func (d *decision) dispute(e *entry, t *EntryTrace, named []string) Assignment {
	t.Because = "disputed by " + strings.Join(named, ", ")
	return Assignment{Kind: leadloop.OutcomeQueued, Queue: d.r.disputes, Reason: "dispute:" + e.ID, Disputed: named}
}

// defaultWithin is how long the owner of a domain stays the one for new leads.
const defaultWithin = 180 * 24 * time.Hour

func (d *decision) ownerOf(e *entry, what string) leadloop.RepID {
	switch {
	case what == OfAccount && d.q.Account != nil:
		return d.q.Account.Owner
	case what == OfContact && d.q.Contact != nil:
		return d.q.Contact.Owner
	case what == OfOpportunity && d.q.Opportunity != nil:
		return d.q.Opportunity.Owner
	case what == OfPrevious:
		return d.q.Lead.State.Owner
	case what == OfNamedAccount && e.accounts != nil:
		domain, _ := leadloop.Domain.Get(d.q.Profile)
		return e.accounts.owners[domain]
	case what == OfDomain && d.q.Domain != nil:
		within := e.Target.Within
		if within == 0 {
			within = defaultWithin
		}
		if d.q.AsOf.Sub(d.q.Domain.At) <= within {
			return d.q.Domain.Owner
		}
	}
	return ""
}

// keeps reports whether the lead stays where this entry put it before.
func (d *decision) keeps(e *entry, owner leadloop.RepID) bool {
	s := &d.q.Lead.State
	return d.q.Keep && s.Owner == owner && s.Entry == e.ID && owner != ""
}

// one gives the lead to a rep who is named or an owner.
func (d *decision) one(ctx context.Context, e *entry, t *EntryTrace, id leadloop.RepID, owns bool) (Assignment, bool, error) {
	r, ok := d.rep(id)
	if !ok {
		d.skip(t, id, why{text: "is not a known rep"}, d.r.zone)
		return Assignment{}, false, nil
	}
	w, _ := d.absent(r, d.crmRep(id), nil)
	if w.ok() && d.keeps(e, id) {
		t.Winner = id
		return Assignment{Kind: leadloop.OutcomeAssigned, Owner: id, Pool: d.q.Lead.State.Pool, Kept: true}, true, nil
	}
	if w.ok() {
		var err error
		if w, err = d.full(ctx, r); err != nil {
			return Assignment{}, false, err
		}
	}
	if !w.ok() {
		d.skip(t, id, w, r.zone)
		return Assignment{}, false, nil
	}
	t.Winner = id
	a := Assignment{Kind: leadloop.OutcomeAssigned, Owner: id}
	if !owns {
		return a, true, nil
	}
	return d.countOwnership(ctx, a)
}

// countOwnership debits the first pool that counts what its members own.
func (d *decision) countOwnership(ctx context.Context, a Assignment) (Assignment, bool, error) {
	at, ok := d.r.repAt[a.Owner]
	if !ok {
		return a, true, nil
	}
	for i := range d.r.pools {
		p := &d.r.pools[i]
		if !p.CountOwnership {
			continue
		}
		if _, member := slices.BinarySearch(p.members, at); !member {
			continue
		}
		l, err := d.ledger(ctx, p)
		if err != nil {
			return a, false, err
		}
		c := choice{p: p, g: &Target{}, l: l, t: &EntryTrace{}}
		if err := d.eligible(ctx, &c); err != nil {
			return a, false, err
		}
		a.Pool = p.ID
		d.uncredited = append([]leadloop.RepID(nil), d.without...)
		d.book(l, a.Owner, c.give(a.Owner))
		break
	}
	return a, true, nil
}

// finish completes the assignment: returned debits, the clock, the trace.
func (d *decision) finish(ctx context.Context, a Assignment) (Assignment, error) {
	if !a.Kept {
		if err := d.returnDebit(ctx); err != nil {
			return Assignment{}, err
		}
		a.Ledger, a.Uncredited = d.moves, d.uncredited
	}
	if a.Kind == leadloop.OutcomeAssigned {
		a.SLA = d.clock(ctx, a.Owner)
	}
	if a.Trace = d.trace; d.brief != nil {
		d.brief.entries = d.trace.Entries
	}
	return a, nil
}

// policy finds the first policy that matches, once.
func (d *decision) policy(ctx context.Context) *policy {
	if d.slaKnown {
		return d.sla
	}
	d.slaKnown = true
	for i := range d.r.policies {
		p := &d.r.policies[i]
		t := d.check(ctx, &p.cond)
		t.Entry = p.ID
		if t.Verdict == VerdictMatched {
			t.Verdict = VerdictWon
			d.sla = p
		}
		if d.brief == nil {
			d.trace.Policies = append(d.trace.Policies, t)
		}
		if d.sla != nil {
			break
		}
	}
	return d.sla
}

// clock starts the SLA of the first policy that matches.
func (d *decision) clock(ctx context.Context, owner leadloop.RepID) leadloop.SLA {
	p := d.policy(ctx)
	if p == nil {
		return leadloop.SLA{}
	}
	zone := d.r.zone
	if r, ok := d.rep(owner); ok {
		zone = r.zone
	}
	return leadloop.SLA{Policy: p.ID, Target: p.Target, StartedAt: d.q.AsOf, DueAt: p.ladder.clock.at(zone).Add(d.q.AsOf, p.Target)}
}
