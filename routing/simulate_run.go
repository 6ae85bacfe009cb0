package routing

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// sim is one simulation under way.
type sim struct {
	r    *Router
	o    SimulateOptions
	rd   simReader
	from time.Time
	now  time.Time

	leads  map[leadloop.LeadID]*simLead
	order  []*simLead
	byName map[string][]*simLead // by company domain
	timers simTimers
	list   simList // who is tried again
	wakes  map[*simLead]simWake
	stays  map[leadloop.LeadID][]Stay // nil if nobody asked

	counts tally
	// run and lead are of the decision under way.
	run  run
	lead leadloop.Lead
	ask  *decision // about no lead
	// whole has the stage's code decide everything, to compare with it.
	whole bool
	// reassigns says which ladders can move a lead; timers of the others tell
	// people and are not set.
	reassigns map[string]bool // "sla:<policy>", "queue", "unworked", "dispute"
}

// simLead is where a lead is. There are as many as there are leads, so what only
// some of them have is kept apart: live is what deciding about it again takes,
// which a lead that nothing can happen to any more lets go of.
type simLead struct {
	id       leadloop.LeadID
	received time.Time
	live     *liveLead
	*holding

	tier   string
	kind   leadloop.OutcomeKind
	reason string
	entry  string
	queue  string
	track  string
	since  time.Time // it has the owner, or waits in the queue
	asked  time.Time // somebody was first wanted for it
	// group are those who wait for the same; nil for a lead that is not tried
	// again. It is the turn-th that it joined.
	group  *simGroup
	turn   int32
	timers int32
	closed bool
	merged bool
}

// liveLead is what the last moment said about a lead.
type liveLead struct {
	profile     *leadloop.Profile
	score       leadloop.Score
	activities  []leadloop.Activity
	account     *leadloop.Account
	contact     *leadloop.Contact
	opportunity *leadloop.Opportunity
	domain      string
}

// holding is what goes with an owner; that of a lead without one is nobody, and
// not to be changed.
type holding struct {
	owner leadloop.RepID
	pool  string
	there time.Time // its owner is first there
	touch time.Time // the owner's first
	sla   leadloop.SLA
	// uncredited are those who were not credited for it.
	uncredited string
}

var nobody holding

func (l *simLead) holds(h holding) {
	if l.holding = &nobody; h.owner != "" {
		l.holding = &h
	}
}

func newSimLead(id leadloop.LeadID, received time.Time) *simLead {
	return &simLead{id: id, received: received, holding: &nobody}
}

// simWake is when a lead looks for somebody again, in the stay since then.
type simWake struct{ at, since time.Time }

func newSim(r *Router, o SimulateOptions) *sim {
	s := &sim{
		list: newSimList(r),
		r:    r, o: o, leads: map[leadloop.LeadID]*simLead{}, byName: map[string][]*simLead{}, wakes: map[*simLead]simWake{}, reassigns: map[string]bool{},
		rd: simReader{crm: o.CRM, load: map[leadloop.RepID]*simLoad{}, rotations: map[string]*simRotation{}}, counts: newTally(r),
	}
	if o.Stays {
		s.stays = map[leadloop.LeadID][]Stay{}
	}
	moves := func(l *ladder) bool { return slices.ContainsFunc(l.rungs, func(g Rung) bool { return g.Reassign }) }
	s.reassigns[ladderQueue], s.reassigns[ladderUnworked], s.reassigns[ladderDispute] = moves(&r.waiting), moves(&r.unworked), moves(&r.disputed)
	for i := range r.policies {
		s.reassigns[ladderSLA+":"+r.policies[i].ID] = moves(&r.policies[i].ladder)
	}
	return s
}

// moment takes what happened.
func (s *sim) moment(ctx context.Context, m *Moment) error {
	l := s.leads[m.Lead]
	switch m.Kind {
	case MomentTouched:
		if l != nil && s.o.Response == 0 {
			s.touched(l)
		}
		return nil
	case MomentClosed:
		if l != nil && s.o.Open == 0 {
			s.close(l)
		}
		return nil
	case MomentHeld:
		if l != nil && !l.merged {
			s.hold(l, m.Held)
		}
		return nil
	}
	for _, id := range m.Merged {
		if other := s.leads[id]; other != nil && other != l && !other.merged {
			s.leave(other)
			*other = *newSimLead(other.id, other.received)
			other.merged = true
		}
	}
	if l == nil {
		l = newSimLead(m.Lead, m.At)
		s.leads[m.Lead] = l
		s.order = append(s.order, l)
		if m.Domain != "" && s.r.sticky {
			s.byName[m.Domain] = append(s.byName[m.Domain], l)
		}
	}
	if m.Trigger == "" {
		m.Trigger = leadloop.TriggerSubmission
	}
	l.merged = false // it was taken apart again
	if m.Released && l.kind == leadloop.OutcomeAlerted && l.owner == "" {
		l.kind, l.reason = "", ""
	}
	before := l.tier
	l.tier = m.Score.Tier
	l.live = &liveLead{
		profile: m.Profile, score: m.Score, activities: m.Activities, account: m.Account, contact: m.Contact, opportunity: m.Opportunity, domain: m.Domain,
	}
	return s.decide(ctx, l, m.Trigger, nil, before)
}

// decide asks the stage's own code.
func (s *sim) decide(ctx context.Context, l *simLead, trigger leadloop.Trigger, task *leadloop.Task, tierBefore string) error {
	m, n := l.live, &s.run
	state := leadloop.State{
		Disposition: l.kind, Reason: l.reason, Owner: l.owner, Queue: l.queue, Pool: l.pool, Entry: l.entry, Score: m.score, SLA: l.sla, FirstTouchAt: l.touch,
	}
	if l.owner != "" {
		state.OwnerSince = l.since
	} else if l.queue != "" {
		state.QueueSince = l.since
	}
	// What a decision reads is used again for the next: it is most of the work
	// to make it.
	s.lead = leadloop.Lead{ID: l.id, ReceivedAt: l.received, Activities: m.activities, State: state}
	if l.kind != "" {
		s.lead.Revision = 1
	}
	*n = run{r: s.r, brief: true, rd: &s.rd, tx: simTx{journal: simJournal{l}}, state: state}
	n.s = leadloop.Subject{Lead: &s.lead, Profile: m.profile, AsOf: s.now, Trigger: trigger, Task: task, Previous: state}
	n.s.Previous.Score.Tier = tierBefore
	n.q = Request{
		Lead: &s.lead, Profile: m.profile, AsOf: s.now, Recycled: trigger == leadloop.TriggerRecycle,
		Account: m.account, Contact: m.contact, Opportunity: m.opportunity, Domain: s.earlier(l, m.domain),
	}
	if !s.whole && (l.kind == "" && m.opportunity == nil || trigger == triggerWake) {
		return s.short(ctx, l, n)
	}
	if trigger == triggerDrain {
		if !s.whole {
			return s.short(ctx, l, n)
		}
		t := drainTimer(l.id, l.queue, l.since, s.now, 0)
		n.s.Trigger, n.s.Task = leadloop.TriggerTask, &t
	}
	if trigger == triggerWake {
		n.s.Trigger = leadloop.TriggerTask
		n.s.Task = &leadloop.Task{Kind: leadloop.TaskEscalate, Lead: l.id, Payload: mustJSON(timer{Ladder: ladderWait, Queue: l.queue, Since: l.since})}
	}
	if err := n.decide(ctx); err != nil {
		return fmt.Errorf("routing: simulate: lead %s: %w", l.id, err)
	}
	// Who is tried in vain stays without a word.
	if trigger != triggerDrain || n.changed {
		s.counts.trace(&n.trace)
	}
	for _, m := range n.effects.Ledger {
		s.rd.apply(m)
	}
	return s.apply(ctx, l, n)
}

// triggerWake is that of a lead that waits for somebody to be there.
const triggerWake leadloop.Trigger = "wake"

// triggerDrain is that of a lead that is tried again, as [run.drained] does.
const triggerDrain leadloop.Trigger = "drain"

// short does what the stage's code does with a lead that arrives or waited for
// somebody to be there, without what it writes for people and for the store:
// most decisions are of this kind.
func (s *sim) short(ctx context.Context, l *simLead, n *run) error {
	a, err := s.r.Route(ctx, &s.rd, n.q)
	if err != nil {
		return fmt.Errorf("routing: simulate: lead %s: %w", l.id, err)
	}
	if n.s.Trigger == triggerDrain && a.Kind != leadloop.OutcomeAssigned {
		s.names(l, &a.Trace)
		return nil
	}
	if s.timed(&a) {
		n.apply(a, nil)
		s.counts.trace(&n.trace)
		for _, m := range n.effects.Ledger {
			s.rd.apply(m)
		}
		return s.apply(ctx, l, n)
	}
	s.counts.trace(&a.Trace)
	if a.Kind != leadloop.OutcomeAssigned && l.kind == a.Kind && l.queue == a.Queue && l.entry == a.Entry {
		s.wake(l, a.WakeAt)
		if l.group != nil {
			s.names(l, &a.Trace)
		}
		return nil
	}
	for _, m := range a.Ledger {
		s.rd.apply(m)
	}
	s.leave(l)
	if l.kind == "" {
		l.asked = s.now
	}
	l.kind, l.reason, l.entry, l.queue, l.track = a.Kind, a.Reason, a.Entry, a.Queue, a.Track
	if a.Kind == leadloop.OutcomeAssigned {
		l.holds(holding{owner: a.Owner, pool: a.Pool, sla: a.SLA, uncredited: join(a.Uncredited)})
	} else {
		l.holds(nobody)
	}
	s.arrive(l)
	s.wake(l, a.WakeAt)
	if a.couldHave() {
		err = s.waits(ctx, l, &a.Trace)
	}
	l.letGo()
	return err
}

// letGo forgets what deciding about the lead again would take, if nothing but a
// moment that brings its own can have it decided again.
func (l *simLead) letGo() {
	if l.timers == 0 && (l.kind == leadloop.OutcomeAssigned || l.kind == leadloop.OutcomeNurture) {
		l.live = nil
	}
}

// timed reports whether timers could move the lead from where it goes.
func (s *sim) timed(a *Assignment) bool {
	switch {
	case a.Kind == leadloop.OutcomeAssigned:
		return s.reassigns[ladderUnworked] || !a.SLA.IsZero() && s.reassigns[ladderSLA+":"+a.SLA.Policy]
	case a.Kind != leadloop.OutcomeQueued || !a.WakeAt.IsZero():
		return false
	case len(a.Disputed) > 0:
		return s.reassigns[ladderDispute]
	}
	return s.reassigns[ladderQueue]
}

// wake sets the timer of a lead that waits for somebody to be there, once for
// each moment as a store does.
func (s *sim) wake(l *simLead, at time.Time) {
	if w := s.wakes[l]; at.IsZero() || at.Equal(w.at) && w.since.Equal(l.since) {
		return
	}
	s.wakes[l] = simWake{at, l.since}
	l.timers++
	s.timers.push(simTimer{at: at, prio: urgency(l), kind: timerWake, lead: l, since: l.since, key: s.wakeKey(l)})
}

// wakeKey orders leads that wait for the same moment as the keys of their tasks
// do.
func (s *sim) wakeKey(l *simLead) string {
	return leadloop.TaskEscalate + ":" + ladderWait + ":" + string(l.id)
}

// earlier finds who last got another lead of the same company.
func (s *sim) earlier(l *simLead, domain string) *Earlier {
	var out *Earlier
	for _, other := range s.byName[domain] {
		if other != l && !other.merged && other.owner != "" && (out == nil || other.since.After(out.At)) {
			out = &Earlier{Owner: other.owner, At: other.since}
		}
	}
	return out
}

// apply takes over what the decision changed.
func (s *sim) apply(ctx context.Context, l *simLead, n *run) error {
	if n.changed {
		st := &n.state
		moved := l.owner != st.Owner || st.Owner != "" && !l.since.Equal(st.OwnerSince) || st.Owner == "" && (l.queue != st.Queue || l.queue != "" && !l.since.Equal(st.QueueSince))
		if moved {
			s.leave(l)
			l.closed = false
		}
		if isHeld(l.kind) && !moved && st.Owner != "" && st.Disposition == leadloop.OutcomeAssigned && !l.closed {
			s.rd.of(l.owner).open++
		}
		placed := l.kind == leadloop.OutcomeAssigned || l.kind == leadloop.OutcomeQueued
		l.kind, l.reason, l.entry, l.queue = st.Disposition, st.Reason, st.Entry, st.Queue
		l.holds(holding{owner: st.Owner, pool: st.Pool, sla: st.SLA, touch: st.FirstTouchAt, there: l.there, uncredited: l.uncredited})
		if (l.kind == leadloop.OutcomeAssigned || l.kind == leadloop.OutcomeQueued) && !placed {
			l.asked = s.now
		}
		for i := range n.effects.Events {
			switch e := &n.effects.Events[i]; e.Kind {
			case leadloop.EventNurtured:
				l.track = e.To
			case leadloop.EventAssigned:
				if l.owner != "" {
					l.uncredited = e.Attrs["uncredited"]
				}
			}
		}
		if moved {
			s.arrive(l)
		} else if l.owner != "" && l.sla.StartedAt.Equal(s.now) {
			l.there = s.r.there(l, s.o.CRM, l.since)
		}
	}
	if l.group != nil {
		s.names(l, &n.trace)
	}
	for i := range n.effects.Tasks {
		if t := &n.effects.Tasks[i]; t.Kind == TaskWaiting {
			if err := s.waits(ctx, l, &n.trace); err != nil {
				return err
			}
		} else {
			s.task(l, t)
		}
	}
	l.letGo()
	return nil
}

// leave takes a lead out of where it is.
func (s *sim) leave(l *simLead) {
	delete(s.wakes, l)
	switch {
	case l.owner != "":
		if stays := s.stays[l.id]; len(stays) > 0 {
			stays[len(stays)-1].Until = s.now
		}
		s.counts.response(l, s.now, false)
		load := s.rd.of(l.owner)
		if load.drop(l.since); l.kind == leadloop.OutcomeAssigned && !l.closed {
			load.open--
		}
		s.free(l.owner, false)
	case l.queue != "":
		s.counts.waited(l, s.now)
		s.waitsNoMore(l)
	}
}

// arrive puts a lead where it was decided to go.
func (s *sim) arrive(l *simLead) {
	l.since = s.now
	switch {
	case l.kind == leadloop.OutcomeAssigned && l.owner != "":
		if s.stays != nil {
			s.stays[l.id] = append(s.stays[l.id], Stay{Owner: l.owner, From: s.now})
		}
		load := s.rd.of(l.owner)
		load.times = append(load.times, s.now)
		load.open++
		s.counts.got(l, load.open)
		if l.live != nil && l.live.domain != "" {
			for _, other := range s.byName[l.live.domain] {
				s.alsoNames(other, l.owner)
			}
		}
		l.there = s.r.there(l, s.o.CRM, s.now)
		s.work(l)
	case l.queue != "":
		s.counts.queued(l)
	}
}

// hashOf is FNV-1a, as package hash/fnv has it.
func hashOf(id leadloop.LeadID) uint64 {
	h := uint64(0xcbf29ce484222325)
	for _, b := range []byte(id) {
		h = (h ^ uint64(b)) * 0x100000001b3
	}
	return h
}

// work sets when the owner touches and closes the lead, if that is assumed.
func (s *sim) work(l *simLead) {
	response, open := s.o.Response, s.o.Open
	if s.o.Seed != 0 {
		var source rand.PCG
		source.Seed(s.o.Seed, hashOf(l.id))
		rng := rand.New(&source)
		draw := func(mean time.Duration) time.Duration {
			// Twenty times the mean is one in half a billion.
			return time.Duration(float64(mean) * min(rng.ExpFloat64(), 20))
		}
		response, open = draw(response), draw(open)
	}
	if s.o.Response > 0 {
		s.timers.push(simTimer{at: s.r.worksAt(l).Add(l.there, response), kind: timerTouch, lead: l, owner: l.owner, since: l.since, key: string(l.id)})
	}
	if s.o.Open > 0 {
		s.timers.push(simTimer{at: s.now.Add(open), kind: timerClose, lead: l, owner: l.owner, since: l.since, key: string(l.id)})
	}
}

// task sets the timers that can move a lead.
func (s *sim) task(l *simLead, t *leadloop.Task) {
	if t.Kind != leadloop.TaskEscalate {
		return
	}
	ladder, _, _ := strings.Cut(strings.TrimPrefix(t.Key, leadloop.TaskEscalate+":"), ":")
	which := ladder
	if ladder == ladderSLA {
		which += ":" + l.sla.Policy
	}
	switch {
	case ladder == ladderWait:
		s.wake(l, t.DueAt)
		return
	case !s.reassigns[which]:
		return
	}
	l.timers++
	s.timers.push(simTimer{at: t.DueAt, prio: urgency(l), key: t.Key, lead: l, task: t})
}

// urgency is the priority that a loop gives the tasks of a lead.
func urgency(l *simLead) int {
	if l.live == nil || l.live.score.Disqualified != "" {
		return 0
	}
	return max(0, int(l.live.score.Points/leadloop.Point))
}

// advance works what comes due up to a moment.
func (s *sim) advance(ctx context.Context, until time.Time) error {
	for len(s.timers) > 0 && !s.timers[0].at.After(until) {
		if err := ctx.Err(); err != nil {
			return err
		}
		t := s.timers.pop()
		s.now = t.at
		switch t.kind {
		case timerTouch, timerClose:
			if t.lead.merged || t.lead.owner != t.owner || !t.lead.since.Equal(t.since) {
				continue
			}
			if t.kind == timerTouch {
				s.touched(t.lead)
			} else {
				s.close(t.lead)
			}
		case timerDrain, timerBack, timerHour:
			if err := s.drain(ctx, t.kind); err != nil {
				return err
			}
		case timerWake:
			l := t.lead
			l.timers--
			if l.merged || l.kind != leadloop.OutcomeQueued || !l.since.Equal(t.since) || !strings.HasPrefix(l.reason, reasonWait) {
				continue
			}
			if err := s.decide(ctx, l, triggerWake, nil, l.tier); err != nil {
				return err
			}
		case timerTask:
			l := t.lead
			l.timers--
			if l.live == nil || l.merged || l.closed || isHeld(l.kind) || l.touch != (time.Time{}) && l.kind == leadloop.OutcomeAssigned {
				l.letGo()
				continue
			}
			if err := s.decide(ctx, l, leadloop.TriggerTask, t.task, l.tier); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *sim) touched(l *simLead) {
	if l.owner == "" || l.merged || !l.touch.IsZero() {
		return
	}
	l.touch = s.now
	if !l.sla.IsZero() {
		if l.sla.DueAt.Before(s.now) {
			l.sla.MissedAt = l.sla.DueAt
		} else {
			l.sla.MetAt = s.now
		}
	}
}

func (s *sim) close(l *simLead) {
	if l.owner == "" || l.merged || l.closed || l.kind != leadloop.OutcomeAssigned {
		return
	}
	l.closed = true
	s.rd.of(l.owner).open--
	s.free(l.owner, true)
}

// hold keeps a lead from its owner or out of its queue.
func (s *sim) hold(l *simLead, kind leadloop.OutcomeKind) {
	switch {
	case isHeld(l.kind):
	case l.owner != "" && l.kind == leadloop.OutcomeAssigned && !l.closed:
		s.rd.of(l.owner).open--
		s.free(l.owner, true)
	case l.queue != "":
		s.leave(l)
		l.queue, l.since = "", time.Time{}
	}
	l.kind, l.reason = kind, ""
}

func isHeld(kind leadloop.OutcomeKind) bool {
	return kind == leadloop.OutcomeSuppressed || kind == leadloop.OutcomeDisqualified || kind == leadloop.OutcomeArchived
}
