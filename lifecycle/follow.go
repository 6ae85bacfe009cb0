package lifecycle

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
)

// Follow returns a one-off step that takes a lead after its opportunity in the
// CRM, which somebody made or closed there: for a host that hears of a deal. It
// needs [Host].Store.
//
// The latest opportunity that came from the lead counts. A lead that was not
// converted to it is: it moves to [Conversion].Stage, whose criteria are not
// asked, because the deal is a fact; one that nobody has becomes that of the
// deal's owner. If the deal has ended the lead goes on, as
// with [Lifecycle.Close]. Events carry the times of the deal; what the CRM holds
// stays as it is, but for an account that becomes a customer. A lead that has
// followed already, or is a customer, stays as it is; the step fails with
// leadloop.ErrInvalid for a lead without an opportunity of its own.
func (l *Lifecycle) Follow(actor string) leadloop.Stage {
	return l.onDeal("follow", actor, nil, func(ctx context.Context, c *conversion, e *leadloop.Effects, own []leadloop.Opportunity) error {
		own = slices.DeleteFunc(own, func(o leadloop.Opportunity) bool { return o.CreatedAt.After(c.s.AsOf) })
		if len(own) == 0 {
			return c.noDeal()
		}
		return c.follow(ctx, e, own[len(own)-1])
	})
}

func (c *conversion) follow(ctx context.Context, e *leadloop.Effects, o leadloop.Opportunity) error {
	v, state := c.l.conversion, c.state
	if state.Stage == v.Won {
		return nil
	}
	if state.Opportunity != o.ID || state.Stage != v.Stage && state.Stage != v.Lost {
		from := state.Stage
		state.Opportunity = o.ID
		state.Account, state.Contact = cmp.Or(o.Account, state.Account), cmp.Or(o.Contact, state.Contact)
		c.work(e, o)
		event := c.converted(o)
		event.At = o.CreatedAt
		e.Events = append(e.Events, event)
		if from != v.Stage {
			e.Events = append(e.Events, c.l.toStage(c.s, state, c.l.stage(v.Stage), from, ReasonOpportunity, c.actor)...)
		}
		e.State = state
	}
	if o.Status == leadloop.OpportunityOpen || o.ClosedAt.After(c.s.AsOf) || state.Stage != v.Stage {
		return nil
	}
	c.closed(e, o)
	return c.customer(ctx, e, o)
}

// work gives a lead that nobody has to the owner of its deal, who works it.
func (c *conversion) work(e *leadloop.Effects, o leadloop.Opportunity) {
	s := c.state
	if s.Owner != "" || o.Owner == "" || s.Disposition == leadloop.OutcomeSuppressed {
		return
	}
	s.Owner, s.OwnerSince, s.Queue, s.QueueSince = o.Owner, c.s.AsOf, "", time.Time{}
	s.Entry, s.Pool = "", ""
	s.Disposition, s.Reason = leadloop.OutcomeAssigned, ReasonOpportunity
	event := leadloop.Event{Kind: leadloop.EventAssigned, Lead: c.s.Lead.ID, At: c.s.AsOf, To: string(o.Owner), Reason: ReasonOpportunity, Actor: c.actor}
	if tier := s.Score.Tier; tier != "" {
		event.Attrs = map[string]string{"tier": tier}
	}
	e.Events = append(e.Events, event)
}
