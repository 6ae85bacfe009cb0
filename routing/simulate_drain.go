package routing

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// simList are the leads that are tried again when somebody has room or comes
// back. A lead for whom nobody could be found can be placed only when one of
// those whom the chain named can take one more: the others are not asked, which
// comes to the same as what [Router.DrainStore] does. Leads for whom the same
// were named wait together, so that a drain costs what it tries, and not what
// waits.
type simList struct {
	// ranks are the groups by tier, in the order that they came up; index finds
	// them.
	ranks [][]*simGroup
	index map[string]*simGroup
	n     int // who wait
	// walking tells that a drain goes through the groups: who joins one meanwhile
	// is in later until it is through.
	walking bool
	later   []simWaiter
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
	// begun counts groups that somebody began to wait in, and idle is the last
	// drain of everybody that tried nobody.
	begun int
	idle  simIdle
	// list, key, and can, open and pools of a drain are scratch.
	list  []named
	key   []byte
	can   map[leadloop.RepID]bool
	open  map[workplace]bool
	pools []bool
}

// simGroup are the leads of one tier for whom the same were named, in order of
// arrival. What left is taken out when it is met.
type simGroup struct {
	rank  int
	key   string
	named []named
	leads []simWaiter
}

type simWaiter struct {
	lead  *simLead
	group *simGroup
	turn  int32
}

// waits reports whether the lead still does, and did not join a group since.
func (w *simWaiter) waits() bool { return w.lead.group == w.group && w.lead.turn == w.turn }

func (w *simWaiter) compare(o simWaiter) int {
	return cmp.Or(w.lead.received.Compare(o.lead.received), strings.Compare(string(w.lead.id), string(o.lead.id)))
}

// named is a pool, or else a rep.
type named struct {
	pool int // in Router.pools, -1 for none
	rep  leadloop.RepID
}

func newSimList(r *Router) simList {
	l := simList{ranks: make([][]*simGroup, len(r.tiers)+1), index: map[string]*simGroup{}, can: map[leadloop.RepID]bool{}, open: map[workplace]bool{}, pools: make([]bool, len(r.pools)), limited: map[leadloop.RepID]bool{}, freed: map[leadloop.RepID]bool{}, hours: map[int64]bool{}}
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
	s.names(l, t)
	if l.group == nil {
		return nil
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
	d := s.asks()
	for _, n := range l.group.named {
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

// asks is a decision about no lead, to ask how members are now.
func (s *sim) asks() *decision {
	if s.ask == nil {
		s.ask = &decision{r: s.r, asked: asked{rd: &s.rd, q: Request{Lead: &leadloop.Lead{}}, crm: s.rd.crm, brief: &s.rd}}
	}
	s.ask.q.AsOf = s.now
	return s.ask
}

// nextHour sets the drain an hour after t for caps that end with time.
func (s *sim) nextHour(t time.Time) {
	at := drainAt(t.Add(drainAgain)).DueAt
	if !s.list.hours[at.Unix()] {
		s.list.hours[at.Unix()] = true
		s.timers.push(simTimer{at: at, kind: timerHour})
	}
}

// workplace is where and when a rep works: what many have in common.
type workplace struct {
	hours string
	zone  *time.Location
}

// names puts a lead among those for whom the chain named the same, if it named
// somebody.
func (s *sim) names(l *simLead, t *Trace) {
	list := s.list.list[:0]
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
	if s.list.list = list; len(list) > 0 {
		s.join(l, list)
	}
}

// alsoNames adds a rep to those named for a lead that waits.
func (s *sim) alsoNames(l *simLead, id leadloop.RepID) {
	n := named{-1, id}
	if l.group != nil && !slices.Contains(l.group.named, n) {
		s.join(l, append(slices.Clip(l.group.named), n))
	}
}

// join puts a lead into the group of its tier and those named, which stays the
// caller's.
func (s *sim) join(l *simLead, list []named) {
	rank := s.rank(l)
	if g := l.group; g != nil && g.rank == rank && slices.Equal(g.named, list) {
		return
	}
	key := binary.AppendVarint(s.list.key[:0], int64(rank))
	for _, n := range list {
		key = binary.AppendVarint(key, int64(n.pool))
		key = append(binary.AppendUvarint(key, uint64(len(n.rep))), n.rep...)
	}
	s.list.key = key
	g := s.list.index[string(key)]
	if g == nil {
		s.list.begun++
		g = &simGroup{rank: rank, key: string(key), named: slices.Clone(list)}
		s.list.index[g.key] = g
		s.list.ranks[rank] = append(s.list.ranks[rank], g)
	}
	if l.group == nil {
		s.list.n++
	}
	l.group = g
	l.turn++
	if w := (simWaiter{l, g, l.turn}); s.list.walking {
		s.list.later = append(s.list.later, w)
	} else {
		g.add(w)
	}
}

func (g *simGroup) add(w simWaiter) {
	at, _ := slices.BinarySearchFunc(g.leads, w, func(a, b simWaiter) int { return a.compare(b) })
	g.leads = slices.Insert(g.leads, at, w)
}

// waitsNoMore takes a lead off the list.
func (s *sim) waitsNoMore(l *simLead) {
	if l.group != nil {
		l.group = nil
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
		s.timers.push(simTimer{at: drainAt(s.now).DueAt, kind: timerDrain})
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
		s.timers.push(simTimer{at: drainAt(next).DueAt, kind: timerBack})
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
	hour := s.list.idle.hour
	if kind == timerDrain || s.whole || !s.idles() {
		tried, full, err := s.try(ctx, kind, freed)
		if err != nil {
			return err
		}
		if hour = full; kind != timerDrain && tried == 0 {
			s.list.idle = simIdle{until: s.steady(), changes: s.rd.changes, begun: s.list.begun, hour: hour}
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

// try tries who waits for somebody who has room, and tells how many those are,
// and whether somebody is full by a cap that ends with time.
func (s *sim) try(ctx context.Context, kind simTimerKind, freed map[leadloop.RepID]bool) (tried int, hour bool, err error) {
	d := s.asks()
	// can are who have room: true for those who are in their working hours, too.
	can, open := s.list.can, s.list.open
	clear(can)
	clear(open)
	for i := range s.r.reps {
		x := &s.r.reps[i]
		if kind == timerDrain && !freed[x.ID] {
			continue
		}
		w, _ := d.absent(x, d.crmRep(x.ID), nil)
		if w.ok() {
			var err error
			if w, err = d.full(ctx, x); err != nil {
				return tried, hour, err
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
	pools := s.list.pools
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
	s.list.walking = true
	for rank := 0; rank < len(s.list.ranks) && len(can) > 0; rank++ {
		w := s.walk(rank, canOne)
		for l := w.next(); l != nil && len(can) > 0; l = w.next() {
			tried++
			if err := s.decide(ctx, l, triggerDrain, nil, l.tier); err != nil {
				return tried, hour, err
			}
			if l.owner == "" {
				continue
			}
			x, ok := d.rep(l.owner)
			if !ok {
				continue
			}
			full, err := d.full(ctx, x)
			if err != nil {
				return tried, hour, err
			}
			hour = hour || full.ends()
			if !full.ok() {
				delete(can, l.owner)
				look()
			}
		}
		w.end()
	}
	s.list.tidy()
	return tried, hour, nil
}

// simIdle is a drain that tried nobody. Nor does another one before until, unless
// somebody got or lost a lead, or another group began to wait. With the caps of
// many leads there are hundreds of drains an hour, nearly all of this kind.
type simIdle struct {
	until          time.Time
	changes, begun int
	hour           bool
}

func (s *sim) idles() bool {
	x := &s.list.idle
	return s.now.Before(x.until) && x.changes == s.rd.changes && x.begun == s.list.begun
}

// steady is until when the same reps are there and have room, if nobody gets or
// loses a lead.
func (s *sim) steady() time.Time {
	until := s.now.Add(day)
	at := func(t time.Time) {
		if t.After(s.now) && t.Before(until) {
			until = t
		}
	}
	for i := range s.r.reps {
		x := &s.r.reps[i]
		if x.MaxMonth|x.MaxTasks|x.MaxSequences != 0 {
			return s.now
		}
		for _, a := range x.Away {
			at(a.From)
			at(a.Until)
		}
		if x.hasHours {
			at(s.now.Truncate(time.Minute).Add(time.Minute)) // they begin and end on the minute
		}
		if l := s.rd.load[x.ID]; l != nil && x.MaxDay|x.MaxWeek != 0 {
			for _, window := range []time.Duration{day, 7 * day} {
				if i := l.after(s.now.Add(-window)); i < len(l.times) {
					at(l.times[i].Add(window))
				}
			}
		}
	}
	for i := range s.o.CRM {
		for _, a := range s.o.CRM[i].Away {
			at(a.From)
			at(a.Until)
		}
	}
	return until
}
