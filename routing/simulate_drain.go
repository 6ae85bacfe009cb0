package routing

import (
	"cmp"
	"container/heap"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// simList are the leads that are tried again when somebody has room or comes
// back. A lead for whom nobody could be found can be placed only when one of
// those whom the chain named can take one more: the others are not asked, which
// comes to the same as what [Router.DrainStore] does.
type simList struct {
	// ranks are the leads by tier, then arrival. What left is taken out when it
	// is met.
	ranks [][]simWaiter
	n     int // who wait
	// limited are who can be full, true for those with a cap on open leads;
	// freed are those of them who have room again.
	limited map[leadloop.RepID]bool
	freed   map[leadloop.RepID]bool
	// draining and back tell that a drain comes for those freed, and for those
	// who come back.
	draining, back bool
	// hours are when drains come for those whose caps end with time; hourly
	// tells that somebody has one. Every lead that begins to wait for one of
	// them begins hours of its own, as in the loop.
	hours  map[int64]bool
	hourly bool
}

type simWaiter struct {
	lead  *simLead
	since time.Time
	tier  string
}

// waits reports whether the lead still does.
func (w *simWaiter) waits() bool {
	return len(w.lead.named) > 0 && w.lead.tier == w.tier && w.lead.since.Equal(w.since)
}

// named is a pool, or else a rep.
type named struct {
	pool int // in Router.pools, -1 for none
	rep  leadloop.RepID
}

func newSimList(r *Router) simList {
	l := simList{ranks: make([][]simWaiter, len(r.tiers)+1), limited: map[leadloop.RepID]bool{}, freed: map[leadloop.RepID]bool{}, hours: map[int64]bool{}}
	for i := range r.reps {
		x := &r.reps[i]
		if x.MaxOpen|x.MaxDay|x.MaxWeek|x.MaxMonth|x.MaxTasks|x.MaxSequences != 0 {
			l.limited[x.ID] = x.MaxOpen != 0
		}
		l.hourly = l.hourly || x.MaxDay|x.MaxWeek|x.MaxMonth|x.MaxTasks|x.MaxSequences != 0
	}
	for i := range r.pools {
		if p := &r.pools[i]; p.MaxOpen|p.MaxDay|p.MaxWeek|p.MaxMonth != 0 {
			for _, id := range p.ids {
				l.limited[id] = l.limited[id] || p.MaxOpen != 0
			}
		}
	}
	return l
}

// waits puts a lead on the list, as [run.waits] does.
func (s *sim) waits(ctx context.Context, l *simLead, t *Trace) error {
	before := len(l.named)
	if s.names(l, t); before == 0 && len(l.named) > 0 {
		s.list.n++
	}
	if len(l.named) == 0 {
		return nil
	}
	w := simWaiter{l, l.since, l.tier}
	rank := s.rank(l)
	list := s.list.ranks[rank]
	at, _ := slices.BinarySearchFunc(list, w, func(a, b simWaiter) int {
		return cmp.Or(a.lead.received.Compare(b.lead.received), strings.Compare(string(a.lead.id), string(b.lead.id)))
	})
	if at == len(list) || list[at] != w {
		s.list.ranks[rank] = slices.Insert(list, at, w)
	}
	if !s.list.back {
		s.comesBack()
	}
	if !s.list.hourly {
		return nil
	}
	full, err := s.forNow(ctx, l)
	if full {
		s.nextHour(drainAt(s.now).DueAt)
	}
	return err
}

// forNow reports whether somebody named is full, and will not be some time.
func (s *sim) forNow(ctx context.Context, l *simLead) (bool, error) {
	d := decision{r: s.r, rd: &s.rd, q: &Request{Lead: &leadloop.Lead{}, AsOf: s.now}, crm: s.rd.crm}
	for _, n := range l.named {
		ids := []leadloop.RepID{n.rep}
		if n.pool >= 0 {
			ids = s.r.pools[n.pool].ids
		}
		for _, id := range ids {
			r := s.r.rep(id)
			if r == nil || r.MaxDay|r.MaxWeek|r.MaxMonth|r.MaxTasks|r.MaxSequences == 0 {
				continue
			}
			if w, err := d.full(ctx, r); err != nil || w.ends() {
				return err == nil, err
			}
		}
	}
	return false, nil
}

// maxHours is how many drains an hour there are at most for caps that end with
// time. A loop has up to 360 where leads are many, each of them through all that
// wait; of a team that has many more leads than it can take, that would be most
// of a simulation's time.
const maxHours = 12

// nextHour sets the drain an hour after t for caps that end with time.
func (s *sim) nextHour(t time.Time) {
	at := drainAt(t.Add(drainAgain)).DueAt
	if !s.list.hours[at.Unix()] && len(s.list.hours) < maxHours {
		s.list.hours[at.Unix()] = true
		heap.Push(&s.timers, simTimer{at: at, kind: timerHour})
	}
}

// workplace is where and when a rep works: what many have in common.
type workplace struct {
	hours string
	zone  *time.Location
}

// names remembers whom the chain names for a lead, if it names somebody.
func (s *sim) names(l *simLead, t *Trace) {
	var list []named
	for i := range t.Entries {
		e := &t.Entries[i]
		if at, ok := s.r.poolAt[e.Pool]; ok {
			list = append(list, named{pool: at})
			continue
		}
		for _, m := range e.Skipped {
			list = append(list, named{-1, m.Member})
		}
	}
	if len(list) > 0 {
		l.named = list
	}
}

// waitsNoMore takes a lead off the list.
func (s *sim) waitsNoMore(l *simLead) {
	if len(l.named) > 0 {
		l.named = nil
		s.list.n--
	}
}

func (s *sim) rank(l *simLead) int {
	if i := slices.Index(s.r.tiers, l.tier); i >= 0 {
		return i
	}
	return len(s.r.tiers)
}

// free tells that somebody has one lead less, or only one open lead less.
func (s *sim) free(id leadloop.RepID, onlyOpen bool) {
	open, limited := s.list.limited[id]
	if s.list.n == 0 || (!limited || onlyOpen && !open) && s.r.rep(id) != nil {
		return
	}
	s.list.freed[id] = true
	if !s.list.draining {
		s.list.draining = true
		heap.Push(&s.timers, simTimer{at: drainAt(s.now).DueAt, kind: timerDrain})
	}
}

// comesBack sets the drain for when the next rep can come back, from an absence
// or at the begin of hours.
func (s *sim) comesBack() {
	var next time.Time
	at := func(t time.Time) {
		if t.After(s.now) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	seen := map[workplace]bool{}
	for i := range s.r.reps {
		x := &s.r.reps[i]
		for _, a := range x.Away {
			at(a.Until)
		}
		if w := (workplace{x.Hours, x.zone}); x.hasHours && !seen[w] {
			seen[w] = true
			if t, ok := x.hours.at(x.zone).NextOpening(s.now); ok {
				at(t)
			}
		}
	}
	for i := range s.o.CRM {
		for _, a := range s.o.CRM[i].Away {
			at(a.Until)
		}
	}
	if s.list.back = !next.IsZero(); s.list.back {
		heap.Push(&s.timers, simTimer{at: drainAt(next).DueAt, kind: timerBack})
	}
}

// drain tries leads that wait: those for whom somebody was named who has room
// now, of those who have one lead less (timerDrain) or of everybody.
func (s *sim) drain(ctx context.Context, kind simTimerKind) error {
	freed := s.list.freed
	switch kind {
	case timerBack:
		s.list.back = false
	case timerHour:
		delete(s.list.hours, s.now.Unix())
	default:
		s.list.draining, s.list.freed = false, map[leadloop.RepID]bool{}
	}
	if s.list.n == 0 {
		return nil
	}
	d, err := s.r.newDecision(ctx, &s.rd, &Request{Lead: &leadloop.Lead{}, Profile: s.r.schema.NewProfile(), AsOf: s.now})
	if err != nil {
		return err
	}
	// can are who have room: true for those who are in their working hours, too.
	can, open, hour := map[leadloop.RepID]bool{}, map[workplace]bool{}, false
	for i := range s.r.reps {
		x := &s.r.reps[i]
		if kind == timerDrain && !freed[x.ID] {
			continue
		}
		w, _ := d.absent(x, d.crmRep(x.ID), nil)
		if w.ok() {
			if w, err = d.full(ctx, x); err != nil {
				return err
			}
			hour = hour || w.ends()
		}
		if !w.ok() {
			continue
		}
		at := workplace{x.Hours, x.zone}
		there, ok := open[at]
		if !ok {
			there = !x.hasHours || x.hours.at(x.zone).Open(s.now)
			open[at] = there
		}
		can[x.ID] = there
	}
	for id := range freed {
		if s.r.rep(id) == nil && kind == timerDrain {
			can[id] = true // only the CRM knows it
		}
	}
	pools := make([]bool, len(s.r.pools))
	look := func() {
		for i := range pools {
			p := &s.r.pools[i]
			pools[i] = slices.ContainsFunc(p.ids, func(id leadloop.RepID) bool {
				there, ok := can[id]
				return ok && (there || !p.Present)
			})
		}
	}
	look()
	canOne := func(n named) bool {
		if n.pool >= 0 {
			return pools[n.pool]
		}
		_, ok := can[n.rep]
		return ok
	}
	for rank := range s.list.ranks {
		list := s.list.ranks[rank]
		kept, i := 0, 0
		for ; i < len(list) && len(can) > 0; i++ {
			w, l := list[i], list[i].lead
			if !w.waits() {
				continue // it left
			}
			if !slices.ContainsFunc(l.named, canOne) {
				list[kept] = w
				kept++
				continue
			}
			if err := s.decide(ctx, l, triggerDrain, nil, l.tier); err != nil {
				return err
			}
			if l.owner == "" {
				list[kept] = w
				kept++
				continue
			}
			x, ok := d.rep(l.owner)
			if !ok {
				continue
			}
			full, err := d.full(ctx, x)
			if err != nil {
				return err
			}
			hour = hour || full.ends()
			if !full.ok() {
				delete(can, l.owner)
				look()
			}
		}
		// Mostly the first in front are taken, and nothing has to be moved.
		if kept == 0 {
			clear(list[:i])
			s.list.ranks[rank] = list[i:]
		} else {
			s.list.ranks[rank] = slices.Delete(list, kept, i)
		}
	}
	if s.list.n > 0 && !s.list.back {
		s.comesBack()
	}
	if s.list.n > 0 && hour {
		s.nextHour(s.now)
	}
	return nil
}
