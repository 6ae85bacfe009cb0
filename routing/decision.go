package routing

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// decision is one lead being routed.
type decision struct {
	r     *Router
	rd    Reader
	q     *Request
	vars  []leadloop.Value
	crm   []leadloop.Rep
	trace Trace
	moves []leadloop.LedgerMove
}

func (r *Router) newDecision(ctx context.Context, rd Reader, q *Request) (*decision, error) {
	if q.Profile == nil || q.Lead == nil || q.Profile.Schema() != r.schema {
		return nil, fmt.Errorf("routing: %w: a request has a lead and a profile of the router's schema", leadloop.ErrInvalid)
	}
	crm, err := rd.Reps(ctx)
	if err != nil {
		return nil, fmt.Errorf("routing: read reps: %w", err)
	}
	return &decision{r: r, rd: rd, q: q, vars: q.vars(), crm: crm}, nil
}

// crmRep returns what the CRM knows about a rep.
func (d *decision) crmRep(id leadloop.RepID) (*leadloop.Rep, bool) {
	i, ok := slices.BinarySearchFunc(d.crm, id, func(r leadloop.Rep, id leadloop.RepID) int { return strings.Compare(string(r.ID), string(id)) })
	if !ok {
		return nil, false
	}
	return &d.crm[i], true
}

// rep returns a rep of the definition or, for owners that only the CRM knows,
// of the CRM.
func (d *decision) rep(id leadloop.RepID) (*rep, bool) {
	if r := d.r.rep(id); r != nil {
		return r, true
	}
	c, ok := d.crmRep(id)
	if !ok {
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
	c, ok := d.crmRep(id)
	return ok && !c.Inactive || !ok && d.r.rep(id) != nil
}

// away returns until when a rep is absent at t.
func (d *decision) away(r *rep, t time.Time) (until time.Time, away bool) {
	for _, a := range r.Away {
		if !t.Before(a.From) && t.Before(a.Until) {
			return a.Until, true
		}
	}
	if c, ok := d.crmRep(r.ID); ok {
		for _, a := range c.Away {
			if !t.Before(a.From) && t.Before(a.Until) {
				return a.Until, true
			}
		}
	}
	return time.Time{}, false
}

// absent says why a rep can't get any lead now; absence alone is told apart,
// because a pool may let members catch up on it.
func (d *decision) absent(r *rep) (why string, isAway bool) {
	if slices.Contains(d.q.Exclude, r.ID) {
		return "is excluded", false
	}
	if !d.active(r.ID) {
		return "is inactive", false
	}
	if until, away := d.away(r, d.q.AsOf); away {
		return "is away until " + until.In(r.zone).Format("2006-01-02 15:04"), true
	}
	return "", false
}

// full says why a rep is at capacity.
func (d *decision) full(ctx context.Context, r *rep) (why string, err error) {
	if r.MaxOpen == 0 && r.MaxDay == 0 && r.MaxWeek == 0 {
		return "", nil
	}
	w, err := d.workload(ctx, r.ID)
	if err != nil {
		return "", err
	}
	for _, c := range []struct {
		n, limit int
		what     string
	}{{w.Open, r.MaxOpen, "open"}, {w.Day, r.MaxDay, "in 24 hours"}, {w.Week, r.MaxWeek, "in 7 days"}} {
		if c.limit > 0 && c.n >= c.limit {
			return fmt.Sprintf("is at capacity: %d/%d %s", c.n, c.limit, c.what), nil
		}
	}
	return "", nil
}

// workload leaves out the lead that is being routed: whoever has it already
// does not get one more.
func (d *decision) workload(ctx context.Context, id leadloop.RepID) (store.Workload, error) {
	w, err := d.rd.Workload(ctx, id, d.q.AsOf)
	if err != nil {
		return w, fmt.Errorf("routing: workload of %s: %w", id, err)
	}
	if s := d.q.Lead.State; d.q.Lead.Revision > 0 && s.Owner == id {
		if s.Disposition == leadloop.OutcomeAssigned {
			w.Open = max(0, w.Open-1)
		}
		age := d.q.AsOf.Sub(s.OwnerSince)
		if age >= 0 && age < 24*time.Hour {
			w.Day = max(0, w.Day-1)
		}
		if age >= 0 && age < 7*24*time.Hour {
			w.Week = max(0, w.Week-1)
		}
	}
	return w, nil
}

// place gives the lead to the entry's target, if there is somebody.
func (d *decision) place(ctx context.Context, e *entry, t *EntryTrace) (Assignment, bool, error) {
	switch g := &e.Target; {
	case g.Queue != "":
		return Assignment{Kind: leadloop.OutcomeQueued, Queue: g.Queue}, true, nil
	case g.Nurture != "":
		return Assignment{Kind: leadloop.OutcomeNurture, Track: g.Nurture}, true, nil
	case g.Alert != "":
		owner := d.ownerOf(g.Alert)
		if owner == "" || !d.active(owner) {
			t.Because = "no owner of the " + g.Alert
			return Assignment{}, false, nil
		}
		return Assignment{Kind: leadloop.OutcomeAlerted, Owner: owner}, true, nil
	case g.Pool != "":
		return d.fromPool(ctx, e, t)
	case g.Rep != "":
		return d.one(ctx, e, t, g.Rep, false)
	default:
		return d.one(ctx, e, t, d.ownerOf(g.OwnerOf), true)
	}
}

func (d *decision) ownerOf(what string) leadloop.RepID {
	switch {
	case what == OfAccount && d.q.Account != nil:
		return d.q.Account.Owner
	case what == OfContact && d.q.Contact != nil:
		return d.q.Contact.Owner
	case what == OfOpportunity && d.q.Opportunity != nil:
		return d.q.Opportunity.Owner
	case what == OfPrevious:
		return d.q.Lead.State.Owner
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
	if id == "" {
		t.Because = "no owner of the " + e.Target.OwnerOf
		return Assignment{}, false, nil
	}
	r, ok := d.rep(id)
	if !ok {
		t.skip(id, "is not a known rep")
		return Assignment{}, false, nil
	}
	why, _ := d.absent(r)
	if why == "" && d.keeps(e, id) {
		t.Winner = id
		return Assignment{Kind: leadloop.OutcomeAssigned, Owner: id, Pool: d.q.Lead.State.Pool, Kept: true}, true, nil
	}
	if why == "" {
		var err error
		if why, err = d.full(ctx, r); err != nil {
			return Assignment{}, false, err
		}
	}
	if why != "" {
		t.skip(id, why)
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
	at, ok := d.r.repIndex(a.Owner)
	if !ok {
		return a, true, nil
	}
	for i := range d.r.pools {
		p := &d.r.pools[i]
		if _, member := slices.BinarySearch(p.members, at); !p.CountOwnership || !member {
			continue
		}
		l, err := d.ledger(ctx, p)
		if err != nil {
			return a, false, err
		}
		var scratch EntryTrace
		members, err := d.entitled(ctx, p, &Target{}, l, &scratch)
		if err != nil {
			return a, false, err
		}
		a.Pool = p.ID
		d.book(l, a.Owner, Give(members, a.Owner).Deltas)
		break
	}
	return a, true, nil
}

// fromPool chooses a member of a pool.
func (d *decision) fromPool(ctx context.Context, e *entry, t *EntryTrace) (Assignment, bool, error) {
	p := d.r.pool(e.Target.Pool)
	t.Pool = p.ID
	if owner := d.q.Lead.State.Owner; d.keeps(e, owner) {
		at, ok := d.r.repIndex(owner)
		if _, member := slices.BinarySearch(p.members, at); ok && member {
			if why, _ := d.absent(&d.r.reps[at]); why == "" {
				t.Winner = owner
				return Assignment{Kind: leadloop.OutcomeAssigned, Owner: owner, Pool: d.q.Lead.State.Pool, Kept: true}, true, nil
			}
		}
	}
	l, err := d.ledger(ctx, p)
	if err != nil {
		return Assignment{}, false, err
	}
	members, err := d.entitled(ctx, p, &e.Target, l, t)
	if err != nil {
		return Assignment{}, false, err
	}
	var winner leadloop.RepID
	var deltas []leadloop.LedgerDelta
	switch p.Strategy {
	case StrategyFair:
		pick, ok := Next(members)
		if !ok {
			return Assignment{}, false, nil
		}
		winner, deltas = pick.Winner, pick.Deltas
		for i, owed := range pick.Owed {
			if !members[i].Absent {
				t.Members = append(t.Members, MemberTrace{Member: members[i].Member, Owed: owed})
			}
		}
	default:
		if winner, err = d.byLoad(ctx, p, members, t); err != nil || winner == "" {
			return Assignment{}, false, err
		}
	}
	t.Winner = winner
	t.order()
	d.book(l, winner, deltas)
	return Assignment{Kind: leadloop.OutcomeAssigned, Owner: winner, Pool: p.ID}, true, nil
}

// byLoad chooses for the strategies that keep no ledger.
func (d *decision) byLoad(ctx context.Context, p *pool, members []Entitlement, t *EntryTrace) (leadloop.RepID, error) {
	best, bestOpen := -1, 0
	for i := range members {
		open := 0
		if p.Strategy == StrategyLeastLoaded {
			w, err := d.workload(ctx, members[i].Member)
			if err != nil {
				return "", err
			}
			open = w.Open
		}
		t.Members = append(t.Members, MemberTrace{Member: members[i].Member, Open: open})
		if best >= 0 {
			a, b := int64(open)*members[best].weight(), int64(bestOpen)*members[i].weight()
			if a > b || a == b && !precedes(&members[i], &members[best]) {
				continue
			}
		}
		best, bestOpen = i, open
	}
	if best < 0 {
		return "", nil
	}
	return members[best].Member, nil
}

// entitled returns the members who can get the lead and, where the pool says
// so, those who catch up on it later. The others are told in the trace.
func (d *decision) entitled(ctx context.Context, p *pool, g *Target, l *ledger, t *EntryTrace) ([]Entitlement, error) {
	out := make([]Entitlement, 0, len(p.members))
	for _, at := range p.members {
		r := &d.r.reps[at]
		why, away := d.absent(r)
		if why == "" || away {
			if lacks := d.lacks(r, g); lacks != "" {
				why, away = lacks, false
			}
		}
		if why == "" {
			var err error
			if why, err = d.full(ctx, r); err != nil {
				return nil, err
			}
		}
		if why != "" {
			t.skip(r.ID, why)
			if !away || !p.CatchUp {
				continue
			}
		}
		e := Entitlement{Member: r.ID, Weight: r.weight, Priority: r.Priority, Absent: why != ""}
		e.Owed, e.LastAt = l.balance(r.ID)
		out = append(out, e)
	}
	return out, nil
}

// lacks says what a lead needs that the member has not.
func (d *decision) lacks(r *rep, g *Target) string {
	for _, s := range g.Skills {
		if !slices.Contains(r.Skills, s) {
			return "lacks the skill " + s
		}
	}
	if lang, p := leadloop.Language.Get(d.q.Profile); g.Speaks && p == leadloop.Present {
		speaks := func(l string) bool { return strings.EqualFold(primary(l), primary(lang)) }
		if !slices.ContainsFunc(r.Languages, speaks) {
			return "does not speak the lead's language"
		}
	}
	return ""
}

// primary returns the language of a BCP 47 tag without script and region.
func primary(tag string) string {
	if i := strings.IndexAny(tag, "-_"); i >= 0 {
		return tag[:i]
	}
	return tag
}

// finish completes the assignment: returned debits, the clock, the trace.
func (d *decision) finish(ctx context.Context, a Assignment) (Assignment, error) {
	if !a.Kept {
		if err := d.returnDebit(ctx); err != nil {
			return Assignment{}, err
		}
		a.Ledger = d.moves
	}
	if a.Kind == leadloop.OutcomeAssigned {
		a.SLA = d.clock(ctx, a.Owner)
	}
	a.Trace = d.trace
	return a, nil
}

// clock starts the SLA of the first policy that matches.
func (d *decision) clock(ctx context.Context, owner leadloop.RepID) leadloop.SLA {
	zone := d.r.zone
	if r, ok := d.rep(owner); ok {
		zone = r.zone
	}
	for i := range d.r.policies {
		p := &d.r.policies[i]
		t := d.check(ctx, &p.cond)
		t.Entry = p.ID
		if t.Verdict != VerdictMatched {
			d.trace.Policies = append(d.trace.Policies, t)
			continue
		}
		t.Verdict = VerdictWon
		d.trace.Policies = append(d.trace.Policies, t)
		return leadloop.SLA{Policy: p.ID, Target: p.Target, StartedAt: d.q.AsOf, DueAt: p.ladder.clock.at(zone).Add(d.q.AsOf, p.Target)}
	}
	return leadloop.SLA{}
}
