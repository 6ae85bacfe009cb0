package routing

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// MomentKind says what happened.
type MomentKind uint8

// What can happen to a lead.
const (
	// MomentDecided: the lead arrived, or its score or what it was matched to
	// changed, so that routing is asked.
	MomentDecided MomentKind = iota
	// MomentTouched: a rep worked the lead. Whoever owns it then did so.
	MomentTouched
	// MomentClosed: its owner is done with it, and it is no open lead any more.
	MomentClosed
	// MomentHeld: a step before routing held it back, as Moment.Held says: it
	// waits for nobody, and is no open lead of its owner, until routing is
	// asked again.
	MomentHeld
)

// Moment is something that happened to a lead. What Decided needs is what the
// steps before routing found out; the other kinds need only the first three
// fields.
type Moment struct {
	Kind MomentKind
	At   time.Time
	Lead leadloop.LeadID
	// Held is suppressed or disqualified, for MomentHeld.
	Held leadloop.OutcomeKind

	// Trigger is why routing is asked; empty means a submission.
	Trigger leadloop.Trigger
	// Profile is of the router's schema. It must not change any more.
	Profile    *leadloop.Profile
	Score      leadloop.Score
	Activities []leadloop.Activity // for conditions that read them
	// Account, Contact and Opportunity are as in [Request].
	Account     *leadloop.Account
	Contact     *leadloop.Contact
	Opportunity *leadloop.Opportunity
	// Domain is the company's, for entries that ask who has it; empty for that
	// of a free mail provider.
	Domain string
	// Merged are leads that became part of this one.
	Merged []leadloop.LeadID
	// Released tells that the reason is gone for which somebody was told about
	// the lead: it looks for an owner.
	Released bool
}

// SimulateOptions are the assumptions of a simulation; the zero value of each
// has a meaning.
type SimulateOptions struct {
	// CRM is what the CRM knows about reps, in id order.
	CRM []leadloop.Rep
	// Until is when the simulation ends; zero is the last moment. Moments after
	// it are left out.
	Until time.Time
	// Response is how long an owner takes to touch a lead, in the owner's
	// working hours, and touches in the history don't count; 0 takes the
	// touches of the history, by whoever owns the lead then.
	Response time.Duration
	// Open is how long after its assignment a lead is no open lead any more, by
	// the clock on the wall; 0 leaves it open until MomentClosed.
	Open time.Duration
	// Seed draws each Response and Open from the exponential distribution that
	// has these means, by the lead and the seed alone, so that two playbooks
	// get the same. 0 draws nothing: they are constants.
	Seed uint64
	// Stays keeps who had each lead when, in [Simulation].Stays.
	Stays bool
}

// Simulate replays history through the router in virtual time: who would have
// got which lead, and how soon somebody could have worked it. It decides with
// the code of [NewStage], timers of the SLA included, over ledgers and
// workloads in memory, and writes nothing. What waits in queues is placed when
// somebody has room or comes back, as [Router.DrainStore] does.
//
// The moments are in order of time; the profile and the score of each are as
// known then. The same moments and options give the same simulation. What it
// takes from history as it was, although it might have been otherwise: when
// leads were touched, closed and scored. It leaves out pauses of the clock,
// stages and statuses that people set, claims from a queue, and the caps on
// tasks and sequences if [Options].Busy is nil.
//
// An error is of moments, of ctx, or tells that the moments are not in order.
func (r *Router) Simulate(ctx context.Context, moments iter.Seq2[Moment, error], o SimulateOptions) (*Simulation, error) {
	return newSim(r, o).through(ctx, moments)
}

// through is the whole simulation.
func (s *sim) through(ctx context.Context, moments iter.Seq2[Moment, error]) (*Simulation, error) {
	o := &s.o
	for m, err := range moments {
		if err != nil {
			return nil, fmt.Errorf("routing: simulate: %w", err)
		}
		if m.At.Before(s.now) {
			return nil, fmt.Errorf("routing: simulate: %w: lead %s: %s comes after a moment of %s; moments are in order of time",
				leadloop.ErrInvalid, m.Lead, m.At.UTC().Format(time.RFC3339Nano), s.now.UTC().Format(time.RFC3339Nano))
		}
		if !o.Until.IsZero() && m.At.After(o.Until) {
			break
		}
		if s.from.IsZero() {
			s.from = m.At
		}
		if err := s.advance(ctx, m.At); err != nil {
			return nil, err
		}
		s.now = m.At
		if err := s.moment(ctx, &m); err != nil {
			return nil, err
		}
	}
	until := o.Until
	if until.IsZero() {
		until = s.now
	}
	if err := s.advance(ctx, until); err != nil {
		return nil, err
	}
	return s.result(until), nil
}

// NewRecorder has a loop tell what routing would have been asked, for
// [Router.Simulate], and route nothing: route is a stage in the place of
// "route", held one among the records, which tells when a step before routing
// holds a lead back. The moments are told in the order of the decisions, by one
// goroutine at a time if the loop is used by one.
//
// Steps before routing may look at who has a lead. As far as owners knows, the
// lead is theirs after each decision, as from the Stays of a simulation before;
// nil knows of nobody. A lead that nobody has and that has an open opportunity
// is as it is in the loop, too.
func NewRecorder(r *Router, st store.Store, owners func(leadloop.LeadID, time.Time) (Stay, bool), to func(Moment)) (route, held leadloop.Stage) {
	route = leadloop.StageFunc("route", func(ctx context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		n := &run{r: r, s: s}
		err := st.View(ctx, func(tx store.Tx) error {
			n.tx = tx
			return n.match(ctx, tx.CRM())
		})
		if err != nil {
			return leadloop.Outcome{}, leadloop.Effects{}, err
		}
		state := s.Lead.State
		m := Moment{
			At: s.AsOf, Lead: s.Lead.ID, Trigger: s.Trigger, Profile: s.Profile, Score: state.Score, Activities: s.Lead.Activities,
			Account: n.q.Account, Contact: n.q.Contact, Opportunity: n.q.Opportunity, Merged: s.Lead.Records,
			Released: s.Previous.Disposition == leadloop.OutcomeAlerted && state.Disposition == "",
		}
		for _, id := range s.Lead.Identifiers {
			if id.Kind == "domain" {
				m.Domain = id.Value
			}
		}
		to(m)
		stay, had := Stay{}, false
		if owners != nil {
			stay, had = owners(s.Lead.ID, s.AsOf)
		}
		switch {
		case had:
			if state.Owner != stay.Owner || !state.OwnerSince.Equal(stay.From) {
				state.FirstTouchAt = time.Time{}
			}
			state.Disposition, state.Reason, state.Owner, state.OwnerSince = leadloop.OutcomeAssigned, "recorded", stay.Owner, stay.From
			return leadloop.Outcome{Kind: leadloop.OutcomeAssigned, Reason: "recorded"}, leadloop.Effects{State: &state}, nil
		case state.Owner != "":
			state.Disposition, state.Reason, state.Owner, state.OwnerSince, state.FirstTouchAt = "", "", "", time.Time{}, time.Time{}
		}
		if n.q.Opportunity != nil && (state.Disposition == "" || state.Disposition == leadloop.OutcomeAlerted) {
			state.Disposition, state.Reason, state.Opportunity = leadloop.OutcomeAlerted, reasonOpportunity, n.q.Opportunity.ID
			return leadloop.Outcome{Kind: leadloop.OutcomeAlerted, Reason: reasonOpportunity}, leadloop.Effects{State: &state}, nil
		}
		return leadloop.Outcome{Kind: leadloop.OutcomeNurture, Reason: "recorded"}, leadloop.Effects{State: &state}, nil
	})
	held = leadloop.StageFunc("held", func(_ context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		if d := s.Lead.State.Disposition; isHeld(d) {
			to(Moment{Kind: MomentHeld, At: s.AsOf, Lead: s.Lead.ID, Held: d})
		}
		return leadloop.Outcome{}, leadloop.Effects{}, nil
	})
	return route, held
}

// Chain is the ids of the entries, in the order in which they are asked.
func (r *Router) Chain() []string {
	out := make([]string, len(r.entries))
	for i := range r.entries {
		out[i] = r.entries[i].ID
	}
	return out
}
