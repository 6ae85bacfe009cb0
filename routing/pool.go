package routing

import (
	"context"
	"hash/fnv"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// MemberVars are the variables that a best-fit pool's score reads about a
// member, on top of [Vars].
//
//	member            the rep's id
//	member_skills     as the definition has them, as member_languages and
//	                  member_products
//	member_seniority  the rep's seniority, "" if none is said
//	member_priority   and member_weight, the latter at this moment
//	member_open       open leads
func MemberVars() []rules.Var {
	return []rules.Var{
		{Name: "member", Kind: leadloop.KindString},
		{Name: "member_skills", Kind: leadloop.KindStrings},
		{Name: "member_languages", Kind: leadloop.KindStrings},
		{Name: "member_products", Kind: leadloop.KindStrings},
		{Name: "member_seniority", Kind: leadloop.KindString},
		{Name: "member_priority", Kind: leadloop.KindInt},
		{Name: "member_weight", Kind: leadloop.KindInt},
		{Name: "member_open", Kind: leadloop.KindInt},
	}
}

// choice is the members of a pool that can get a lead.
type choice struct {
	p *pool
	g *Target
	l *ledger
	t *EntryTrace

	*turn
	able int // how many are credited and not absent
	// wake is when the first of those who come back will be there; waker is
	// who that is.
	wake  time.Time
	waker *rep
}

// eligible finds the members who can get the lead and, where the pool says so,
// those who catch up on it later. The others are told in the trace.
func (d *decision) eligible(ctx context.Context, c *choice) error {
	c.turn = &d.turn
	c.begin(c.p, c.l)
	d.without = d.without[:0]
	who, at, class, owed, absent := c.who, c.at, c.class, c.owed, c.absent
	n, next, able := 0, 0, 0
	// Members, reps of the CRM and balances are all in id order.
	crm, balances := d.absentees(), c.l.Balances
	undemanding := len(c.g.Skills) == 0 && !c.g.Speaks && !c.g.Sells && len(c.g.Seniority) == 0 && c.g.ZoneWithin == 0
	plain, returned := undemanding && len(d.q.Exclude) == 0, len(c.l.returned.members) > 0
	if plain && c.p.plain && !returned && len(crm) == 0 && c.whole(c.p) {
		c.able = c.len()
		return nil
	}
	for i := range c.p.seats {
		seat := &c.p.seats[i]
		var known *leadloop.Rep
		for len(crm) > 0 && crm[0].ID <= seat.id {
			if crm[0].ID == seat.id {
				known = crm[0]
			}
			crm = crm[1:]
		}
		of, gone := seat.class, false
		if plain && seat.plain && known == nil {
			able++
		} else {
			credited, err := d.look(ctx, c, seat.rep, known)
			if err != nil {
				return err
			}
			weight := seat.rep.weightAt(d.q.AsOf)
			if credited == uncredited || weight != seat.rep.weight {
				c.leave(of)
			}
			if credited == uncredited {
				continue
			}
			if weight != seat.rep.weight {
				of = c.another(weight)
			}
			if gone = credited == catchesUp; !gone {
				able++
			}
		}
		// Mostly the next balance is the next member's.
		booked := next < len(balances) && balances[next].Member == seat.id
		if !booked {
			for next < len(balances) && balances[next].Member < seat.id {
				next++
			}
			booked = next < len(balances) && balances[next].Member == seat.id
		}
		who[n], class[n], absent[n] = int32(i), of, gone
		if booked {
			at[n], owed[n] = int32(next), balances[next].Owed
			next++
		} else {
			at[n], owed[n] = -1, 0
		}
		if returned {
			owed[n] += c.l.back(seat.id)
		}
		n++
	}
	c.able = able
	c.only(n)
	return nil
}

// credited is what a member has of a lead.
type credited int

const (
	uncredited credited = iota
	catchesUp           // credited for it, and not there
	mayGet
)

// look finds out whether a member can get the lead.
func (d *decision) look(ctx context.Context, c *choice, r *rep, known *leadloop.Rep) (credited, error) {
	w, comesBack := d.absent(r, known, c.p)
	isAway := comesBack && w.text == "is away"
	if w.ok() || comesBack {
		if lacks := d.lacks(r, c.g); !lacks.ok() {
			w, comesBack, isAway = lacks, false, false
		}
	}
	if w.ok() || comesBack && c.p.Wait > 0 {
		f, err := d.full(ctx, r)
		if err != nil {
			return uncredited, err
		}
		if !f.ok() {
			comesBack = false
			if w.ok() {
				w = f
			}
		}
	}
	if comesBack && c.p.Wait > 0 {
		if t := d.back(r, known, c.p); c.waker == nil || t.Before(c.wake) {
			c.wake, c.waker = t, r
		}
	}
	if w.ok() {
		return mayGet, nil
	}
	d.skip(c.t, r.ID, w, r.zone)
	if isAway && c.p.CatchUp {
		return catchesUp, nil
	}
	if c.p.Strategy == StrategyFair {
		d.without = append(d.without, r.ID)
	}
	return uncredited, nil
}

// fromPool chooses a member of a pool.
func (d *decision) fromPool(ctx context.Context, e *entry, g *Target, t *EntryTrace) (Assignment, bool, error) {
	p := d.r.pool(g.Pool)
	t.Pool = p.ID
	// Whoever got the debit back can't keep the lead for nothing.
	if owner := d.q.Lead.State.Owner; d.keeps(e, owner) && d.q.Lead.State.Pool == p.ID {
		at, ok := d.r.repAt[owner]
		if _, member := slices.BinarySearch(p.members, at); ok && member {
			r := &d.r.reps[at]
			if w, _ := d.absent(r, d.crmRep(r.ID), &pool{Pool: Pool{Buffer: p.Buffer}}); w.ok() {
				t.Winner = owner
				return Assignment{Kind: leadloop.OutcomeAssigned, Owner: owner, Pool: d.q.Lead.State.Pool, Kept: true}, true, nil
			}
		}
	}
	enough, err := d.poolFull(ctx, p)
	if err != nil {
		return Assignment{}, false, err
	}
	if !enough.ok() {
		t.Because = "the pool " + enough.in(d.r.zone)
		return Assignment{}, false, nil
	}
	l, err := d.ledger(ctx, p)
	if err != nil {
		return Assignment{}, false, err
	}
	c := choice{p: p, g: g, l: l, t: t}
	if err := d.eligible(ctx, &c); err != nil {
		return Assignment{}, false, err
	}
	if c.able == 0 {
		a, waits := d.wait(ctx, &c)
		return a, waits, nil
	}
	if p.Strategy == StrategyClaim {
		for i := range c.len() {
			t.could(MemberTrace{Member: c.member(i)})
		}
		return Assignment{Kind: leadloop.OutcomeQueued, Queue: p.Queue, Reason: "claim:" + p.ID}, true, nil
	}
	var moved changes
	if p.Strategy == StrategyFair {
		winner := c.next()
		t.Winner, moved = c.member(winner), c.settle(winner)
		if d.brief == nil {
			t.fair(c.turn, winner, c.able)
		}
	} else if err := d.byRank(ctx, &c); err != nil {
		return Assignment{}, false, err
	}
	d.uncredited = append([]leadloop.RepID(nil), d.without...)
	d.book(l, t.Winner, moved)
	return Assignment{Kind: leadloop.OutcomeAssigned, Owner: t.Winner, Pool: p.ID}, true, nil
}

// ranked is what a member is compared by.
type ranked struct {
	open  int
	fit   float64
	known bool // the fit is
}

// byRank chooses for the strategies that keep no ledger.
func (d *decision) byRank(ctx context.Context, c *choice) error {
	if c.p.Strategy == StrategyWeighted {
		c.t.Winner = draw(c, d.q.Lead.ID)
		for i := range c.len() {
			c.t.could(MemberTrace{Member: c.member(i)})
		}
		return nil
	}
	ranks, best := make([]ranked, c.len()), 0
	for i := range c.len() {
		if c.p.Strategy != StrategyPriority {
			w, err := d.workload(ctx, c.member(i))
			if err != nil {
				return err
			}
			ranks[i].open = w.Open
		}
		if c.p.Strategy == StrategyBestFit {
			d.fit(ctx, c, i, &ranks[i])
		}
		if i > 0 && outranks(c, ranks, i, best) {
			best = i
		}
	}
	c.t.Winner = c.member(best)
	for i := range c.len() {
		m := MemberTrace{Member: c.member(i), Fit: ranks[i].fit}
		if c.p.Strategy == StrategyLeastLoaded {
			m.Open = ranks[i].open
		}
		c.t.could(m)
	}
	return nil
}

// outranks reports whether member i comes before member j.
func outranks(c *choice, ranks []ranked, i, j int) bool {
	a, b := &ranks[i], &ranks[j]
	switch c.p.Strategy {
	case StrategyLeastLoaded:
		if x, y := int64(a.open)*c.weight(j), int64(b.open)*c.weight(i); x != y {
			return x < y
		}
	case StrategyBestFit:
		if a.known != b.known {
			return a.known
		}
		if a.fit != b.fit {
			return a.fit > b.fit
		}
	}
	return c.precedes(i, j)
}

// fit scores a member. One whose score is not known comes after those whose is.
func (d *decision) fit(ctx context.Context, c *choice, i int, out *ranked) {
	r := c.p.seats[c.who[i]].rep
	vars := append(d.vars[:varCount:varCount],
		leadloop.ValueOf(string(r.ID)), leadloop.ValueOf(r.Skills), leadloop.ValueOf(r.Languages), leadloop.ValueOf(r.Products),
		leadloop.ValueOf(r.Seniority), leadloop.ValueOf(int64(r.Priority)), leadloop.ValueOf(c.weight(i)), leadloop.ValueOf(int64(out.open)))
	facts := rules.Facts{Profile: d.q.Profile, Activities: d.q.Lead.Activities, Vars: vars, Now: d.q.AsOf}
	switch res := d.r.scores.EvalOne(ctx, facts, c.p.score); res.State {
	case rules.Decided:
		out.fit, out.known = res.Value.Float(), true
	case rules.Undecided:
		c.t.Needs = append(c.t.Needs, res.Needs...)
		slices.Sort(c.t.Needs)
		c.t.Needs = slices.Compact(c.t.Needs)
	case rules.Failed:
		c.t.Because = "the score failed for " + string(r.ID) + ": " + res.Err.Error()
	}
}

// draw chooses by weight from the ids of the lead and the pool.
func draw(c *choice, lead leadloop.LeadID) leadloop.RepID {
	h := fnv.New64a()
	h.Write([]byte(c.p.ID))
	h.Write([]byte{0})
	h.Write([]byte(lead))
	x := h.Sum64()
	// The finalizer of splitmix64: of ids that differ little all bits differ.
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	x ^= x >> 31
	at := int64(x % uint64(c.total))
	for i := range c.len() {
		if at -= c.weight(i); at < 0 {
			return c.member(i)
		}
	}
	return c.member(c.len() - 1)
}

// wait lets the lead wait for the first member who will be there, if the pool
// waits that long and the response is not due before.
func (d *decision) wait(ctx context.Context, c *choice) (Assignment, bool) {
	p := c.p
	if p.Wait == 0 || c.waker == nil {
		return Assignment{}, false
	}
	a := Assignment{Kind: leadloop.OutcomeQueued, Queue: p.Queue, Reason: "wait:" + p.ID, WakeAt: c.wake}
	if a.Queue == "" {
		a.Queue = d.r.final
	}
	since := d.q.AsOf
	// A lead that waits there already has begun to wait before.
	if s := &d.q.Lead.State; s.Disposition == leadloop.OutcomeQueued && s.Queue == a.Queue && s.Reason == a.Reason && !s.QueueSince.IsZero() {
		since = s.QueueSince
	}
	if c.wake.After(since.Add(p.Wait)) {
		return Assignment{}, false
	}
	if sla := d.policy(ctx); sla != nil && c.wake.After(sla.ladder.clock.at(c.waker.zone).Add(since, sla.Target)) {
		return Assignment{}, false
	}
	if d.brief == nil {
		c.t.Because = "it waits for " + string(c.waker.ID)
	}
	return a, true
}

// back is what a member gets for the return of the lead.
func (l *ledger) back(id leadloop.RepID) leadloop.Owed {
	i, ok := slices.BinarySearch(l.returned.members, id)
	if !ok {
		return 0
	}
	return l.returned.deltas[i]
}
