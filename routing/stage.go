package routing

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// NewStage puts a router in a loop, as the stage "route".
//
// It routes leads that nobody has, leads that re-enter, and leads whose tier
// changed before anybody worked them; every other lead stays where it is, and
// a lead that is being worked is never taken, nor is one that an open
// opportunity came from. A lead with an open opportunity of somebody else
// is nobody's new lead: the opportunity's owner is told. Timers that come due
// climb the escalation ladder, and find out by themselves that a lead was
// worked or reassigned meanwhile.
func NewStage(r *Router, st store.Store) leadloop.Stage {
	return &stage{router: r, store: st, name: "route", do: func(ctx context.Context, n *run) error { return n.decide(ctx) }}
}

type stage struct {
	router *Router
	store  store.Store
	name   string
	do     func(ctx context.Context, n *run) error
}

func (g *stage) Name() string { return g.name }

func (g *stage) Decide(ctx context.Context, s leadloop.Subject) (o leadloop.Outcome, e leadloop.Effects, err error) {
	err = g.store.View(ctx, func(tx store.Tx) error {
		run := &run{r: g.router, rd: FromStore(tx), tx: tx, s: s, state: s.Lead.State}
		if err := run.match(ctx, tx.CRM()); err != nil {
			return err
		}
		if err := g.do(ctx, run); err != nil {
			return err
		}
		trace, err := json.Marshal(run.trace)
		o, e = run.outcome, run.effects
		if run.changed {
			e.State = &run.state
		}
		e.Trace = trace
		return err
	})
	if err != nil {
		return leadloop.Outcome{}, leadloop.Effects{}, err
	}
	return o, e, nil
}

// run is one decision of the stage.
type run struct {
	r       *Router
	rd      Reader
	tx      store.Tx
	s       leadloop.Subject
	q       Request
	state   leadloop.State
	changed bool
	outcome leadloop.Outcome
	effects leadloop.Effects
	trace   Trace
	// declined is the owner who gives the lead up.
	declined leadloop.RepID
	// own tells that an open opportunity came from the lead.
	own bool
	// brief is of a simulation, in which nobody is told anything.
	brief bool
}

// match reads what the lead was matched to. What the CRM no longer has counts
// as not matched.
func (n *run) match(ctx context.Context, crm store.CRM) error {
	s := &n.s.Lead.State
	n.q = Request{Lead: n.s.Lead, Profile: n.s.Profile, AsOf: n.s.AsOf, Recycled: n.s.Trigger == leadloop.TriggerRecycle}
	switch {
	case !n.q.Recycled:
		n.q.Exclude = slices.Clone(s.Declined)
	case len(s.Declined) > 0:
		n.changed, n.state.Declined = true, nil
	}
	if s.Account != "" {
		a, err := crm.Account(ctx, s.Account)
		switch {
		case err == nil:
			n.q.Account = &a
		case !errors.Is(err, leadloop.ErrNotFound):
			return err
		}
	}
	if s.Contact != "" {
		c, err := crm.Contact(ctx, s.Contact)
		switch {
		case err == nil:
			n.q.Contact = &c
		case !errors.Is(err, leadloop.ErrNotFound):
			return err
		}
	}
	open, own, err := store.OpenOpportunities(ctx, crm, n.s.Lead)
	if err != nil {
		return err
	}
	n.own = own
	if len(open) > 0 {
		n.q.Opportunity = &open[0]
	}
	if n.r.sticky {
		return n.domain(ctx)
	}
	return nil
}

// domain finds who last got another lead of the same company domain: the lead
// has it among its identifiers, unless it is a free mail provider's.
func (n *run) domain(ctx context.Context) error {
	var domains []leadloop.Identifier
	for _, id := range n.s.Lead.Identifiers {
		if id.Kind == "domain" {
			domains = append(domains, id)
		}
	}
	if len(domains) == 0 {
		return nil
	}
	ids, err := n.tx.Leads().Match(ctx, domains)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if id == n.s.Lead.ID {
			continue
		}
		l, err := n.tx.Leads().Get(ctx, id)
		if err != nil {
			return err
		}
		if o := l.State.Owner; o != "" && (n.q.Domain == nil || l.State.OwnerSince.After(n.q.Domain.At)) {
			n.q.Domain = &Earlier{Owner: o, At: l.State.OwnerSince}
		}
	}
	return nil
}

// returns makes the present owner's debit come back, from those who were
// credited then.
func (n *run) returns(ctx context.Context) error {
	n.q.Return = true
	s := &n.s.Lead.State
	if s.Pool == "" {
		return nil
	}
	for e, err := range n.tx.Journal().ByLead(ctx, n.s.Lead.ID) {
		if err != nil {
			return err
		}
		if e.Kind != leadloop.EventAssigned || e.To != string(s.Owner) || !e.At.Equal(s.OwnerSince) {
			continue
		}
		n.q.Uncredited = nil
		if list := e.Attrs["uncredited"]; list != "" {
			for id := range strings.SplitSeq(list, ",") {
				n.q.Uncredited = append(n.q.Uncredited, leadloop.RepID(id))
			}
		}
	}
	return nil
}

func (n *run) decide(ctx context.Context) error {
	d, err := n.r.newDecision(ctx, n.rd, &n.q)
	if err != nil {
		return err
	}
	defer d.done()
	s, trigger := &n.state, n.s.Trigger
	arrives := trigger == leadloop.TriggerSubmission || trigger == leadloop.TriggerRecycle
	// A lead that was held back before and is not any more has no place yet.
	held := s.Disposition == leadloop.OutcomeSuppressed || s.Disposition == leadloop.OutcomeDisqualified || s.Disposition == leadloop.OutcomeArchived
	placed := !held && (s.Owner != "" || s.Queue != "" || s.Disposition == leadloop.OutcomeNurture || s.Disposition == leadloop.OutcomeAlerted)
	switch gone := s.Owner != "" && !d.active(s.Owner); {
	case n.q.Opportunity != nil:
		if arrives || !placed {
			n.alertOpportunity(d)
			return nil
		}
	case trigger == leadloop.TriggerRecycle, gone:
		if err := n.returns(ctx); err != nil {
			return err
		}
		return n.route(ctx)
	case held && s.Owner != "" && s.Worked():
		n.outcome = leadloop.Outcome{Kind: leadloop.OutcomeAssigned, Reason: "worked"}
		n.trace.Note = "it is not held back any more, and its owner is working it"
		n.changed, s.Disposition, s.Reason = true, n.outcome.Kind, n.outcome.Reason
		n.backWithItsOwner()
		return nil
	case held && s.Owner != "":
		n.q.Keep = true
		owner := s.Owner
		if err := n.returns(ctx); err != nil {
			return err
		}
		if err := n.route(ctx); err != nil {
			return err
		}
		if s.Owner == owner && n.outcome.Kind == leadloop.OutcomeAssigned {
			n.backWithItsOwner()
		}
		return nil
	case !placed, arrives && s.Owner == "" && !n.own:
		return n.route(ctx)
	case n.s.Previous.Score.Tier != s.Score.Tier && !s.Worked() && !n.own:
		n.q.Keep = true
		if err := n.returns(ctx); err != nil {
			return err
		}
		return n.route(ctx)
	}
	if err := n.paused(ctx); err != nil {
		return err
	}
	n.outcome = leadloop.Outcome{Kind: s.Disposition, Reason: s.Reason}
	if n.s.Task != nil && n.s.Task.Kind == leadloop.TaskEscalate {
		return n.escalate(ctx, d)
	}
	n.trace.Note = "it stays where it is"
	return nil
}

// backWithItsOwner journals that a lead that was held back is its owner's
// again: without it the journal's last word would be that it is held.
func (n *run) backWithItsOwner() {
	s := n.state
	n.effects.Events = append(n.effects.Events, leadloop.Event{
		Kind: leadloop.EventAssigned, From: string(s.Owner), To: string(s.Owner), Reason: n.outcome.Reason,
		Attrs: map[string]string{"entry": s.Entry, "pool": s.Pool, "tier": s.Score.Tier},
	})
}

func (n *run) route(ctx context.Context) error {
	a, err := n.r.Route(ctx, n.rd, n.q)
	if err != nil {
		return err
	}
	n.apply(a, nil)
	return nil
}

// apply writes an assignment; missed are the reps who had the lead before and
// missed its target.
func (n *run) apply(a Assignment, missed []leadloop.RepID) {
	n.trace = a.Trace
	n.outcome = leadloop.Outcome{Kind: a.Kind, Reason: a.Reason}
	s, from := &n.state, n.state
	same := from.Disposition == a.Kind && from.Owner == "" && from.Queue == a.Queue && from.Entry == a.Entry
	switch {
	case a.Kept:
		n.keep(a)
		return
	case a.Kind != leadloop.OutcomeAssigned && a.Kind != leadloop.OutcomeAlerted && same:
		n.trace.Note = "it stays where it is"
		n.outcome.Reason = from.Reason
		n.wake(a)
		if n.s.Previous.Score.Tier != s.Score.Tier {
			n.waits(a)
		}
		return
	}
	n.changed = true
	returned := ""
	if n.q.Return && slices.ContainsFunc(a.Ledger, func(m leadloop.LedgerMove) bool { return m.Pool == from.Pool }) {
		returned = from.Pool
	}
	if from.Disposition == leadloop.OutcomeQueued {
		n.waitsNoMore(&from)
	}
	n.effects.Ledger = a.Ledger
	s.Disposition, s.Reason, s.Entry = a.Kind, a.Reason, a.Entry
	s.Owner, s.OwnerSince, s.Queue, s.QueueSince, s.Pool = "", time.Time{}, a.Queue, time.Time{}, ""
	s.SLA, s.FirstTouchAt = leadloop.SLA{}, time.Time{}
	switch a.Kind {
	case leadloop.OutcomeAssigned:
		s.Owner, s.OwnerSince, s.Pool, s.SLA = a.Owner, n.s.AsOf, a.Pool, a.SLA
		n.event(leadloop.EventAssigned, string(from.Owner), string(a.Owner), n.attrs("entry", a.Entry, "pool", a.Pool, "tier", s.Score.Tier, "points", points(s.Score), "owed", n.owed(&a),
			"source", n.text(leadloop.Source), "medium", n.text(leadloop.Medium), "uncredited", join(a.Uncredited), "returned", returned, "declined", string(n.declined)))
		notice := Notice{About: AboutAssigned, To: "rep:" + string(a.Owner), Entry: a.Entry, Policy: a.SLA.Policy, DueAt: a.SLA.DueAt}
		n.tell(leadloop.TaskNotify, notice, string(a.Owner), stamp(n.s.AsOf))
		n.tell(leadloop.TaskCRM, notice, string(a.Owner), stamp(n.s.AsOf))
		n.startSLA(missed)
		n.timer(timer{Ladder: ladderUnworked, Owner: a.Owner, Since: n.s.AsOf, Missed: missed}, n.r.unworked.due(0, n.s.AsOf, n.s.AsOf, n.zone(a.Owner)))
		n.startFollowUp()
	case leadloop.OutcomeQueued:
		s.QueueSince = n.s.AsOf
		n.event(leadloop.EventQueued, string(from.Owner), a.Queue, n.attrs("entry", a.Entry, "tier", s.Score.Tier, "returned", returned, "declined", string(n.declined)))
		n.queued(a)
		n.waits(a)
	case leadloop.OutcomeNurture:
		n.event(leadloop.EventNurtured, string(from.Owner), a.Track, n.attrs("entry", a.Entry, "tier", s.Score.Tier, "returned", returned, "declined", string(n.declined)))
	case leadloop.OutcomeAlerted:
		n.alert("rep:"+string(a.Owner), a.Entry)
	}
}

// keep leaves the lead with its owner; another tier can mean another clock.
func (n *run) keep(a Assignment) {
	n.trace.Note = "it stays with its owner"
	if n.state.Disposition != leadloop.OutcomeAssigned {
		n.changed, n.state.Disposition, n.state.Reason = true, leadloop.OutcomeAssigned, a.Reason
	}
	n.outcome.Reason = n.state.Reason
	if a.SLA.Policy == n.state.SLA.Policy {
		return
	}
	before := n.r.policyOf(n.state.SLA.Policy)
	n.changed = true
	n.state.SLA = a.SLA
	n.startSLA(nil)
	if before == nil || before.FollowUp == 0 {
		n.startFollowUp()
	}
}

func (n *run) startSLA(missed []leadloop.RepID) {
	c := &n.state.SLA
	if c.IsZero() {
		return
	}
	n.event(leadloop.EventSLAStarted, "", "", n.attrs("policy", c.Policy, "target", c.Target.String(), "tier", n.state.Score.Tier))
	n.timer(timer{Ladder: ladderSLA, Owner: n.state.Owner, Since: c.StartedAt, Due: true, Missed: missed}, c.DueAt)
	if p := n.r.policyOf(c.Policy); p != nil && p.Warn > 0 {
		n.timer(timer{Ladder: ladderWarn, Owner: n.state.Owner, Since: c.StartedAt}, p.ladder.clock.at(n.zone(n.state.Owner)).Add(c.StartedAt, p.Target-p.Warn))
	}
}

// opportunityOwner is the owner of the open opportunity, or of its account, or
// else the final queue.
func (d *decision) opportunityOwner() string {
	if owner := d.q.Opportunity.Owner; owner != "" && d.active(owner) {
		return "rep:" + string(owner)
	}
	if a := d.q.Account; a != nil && a.Owner != "" && d.active(a.Owner) {
		return "rep:" + string(a.Owner)
	}
	return "queue:" + d.r.final
}

// reasonOpportunity is that of a lead with an open opportunity.
const reasonOpportunity = "open_opportunity"

// alertOpportunity tells whoever has the open opportunity.
func (n *run) alertOpportunity(d *decision) {
	to := d.opportunityOwner()
	n.outcome = leadloop.Outcome{Kind: leadloop.OutcomeAlerted, Reason: reasonOpportunity}
	if n.state.Opportunity != n.q.Opportunity.ID {
		n.changed, n.state.Opportunity = true, n.q.Opportunity.ID
	}
	n.trace.Note = "it has an open opportunity: " + to + " is told"
	// Whoever has the lead keeps it.
	if s := &n.state; s.Owner == "" {
		n.changed = true
		s.Disposition, s.Reason, s.Queue, s.Entry = leadloop.OutcomeAlerted, reasonOpportunity, "", ""
	}
	n.alert(to, "")
}

func (n *run) alert(to, entry string) {
	_, whom, _ := strings.Cut(to, ":")
	// With an owner the lead stays assigned, and the journal says so.
	n.event(leadloop.EventAlerted, "", whom, n.attrs("entry", entry, "opportunity", string(n.state.Opportunity), "owner", string(n.state.Owner)))
	n.tell(leadloop.TaskNotify, Notice{About: AboutAlerted, To: to, Entry: entry, Opportunity: n.state.Opportunity}, to, stamp(n.s.AsOf))
}

// event journals what happened; where the lead went has the outcome's reason.
func (n *run) event(kind leadloop.EventKind, from, to string, attrs map[string]string) {
	reason := ""
	switch kind {
	case leadloop.EventAssigned, leadloop.EventQueued, leadloop.EventNurtured, leadloop.EventAlerted:
		reason = n.outcome.Reason
	}
	n.effects.Events = append(n.effects.Events, leadloop.Event{
		Kind: kind, Lead: n.s.Lead.ID, At: n.s.AsOf, Actor: "stage:route", Reason: reason, From: from, To: to, Attrs: attrs,
	})
}

// attrs makes a map of the pairs that have a value.
func (*run) attrs(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			m[pairs[i]] = pairs[i+1]
		}
	}
	return m
}

func (n *run) text(f leadloop.Field[string]) string {
	v, _ := f.Get(n.s.Profile)
	return v
}

func (n *run) zone(owner leadloop.RepID) *time.Location {
	if r := n.r.rep(owner); r != nil {
		return r.zone
	}
	return n.r.zone
}
