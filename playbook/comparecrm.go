package playbook

import (
	"bytes"
	"context"
	"fmt"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/store"
)

// screening prepares what the steps before enrichment do with leads, if there is
// a CRM to ask.
func (c *comparing) screening() error {
	st := c.o.CRM
	if st == nil {
		return nil
	}
	after := c.sides[1].pb
	c.match = dedupe.NewMatchStage(st, dedupe.Options{Policy: after.policy})
	for _, s := range c.sides {
		var err error
		if s.suppress, err = s.pb.suppress(st, Options{Tokens: c.o.Tokens}); err != nil {
			return fmt.Errorf("options: %w", err)
		}
	}
	return nil
}

// screen finds out what a lead is matched to and why it is held back, if it is.
// It is called for one side after the other.
func (c *comparing) screen(ctx context.Context, l *scoredLead, side int, whole *leadloop.Profile) (held string, err error) {
	s, lead := c.sides[side], l.lead.Lead
	switch {
	case lead.State.Disposition == leadloop.OutcomeSuppressed:
		return suppressed, nil
	case s.suppress == nil:
		return "", nil
	case side == 1 && bytes.Equal(s.pb.contents[privacyFile], c.sides[0].pb.contents[privacyFile]):
		return l.sides[0].held, nil
	}
	subject := leadloop.Subject{Lead: lead, Profile: whole, AsOf: l.at, Trigger: leadloop.TriggerSubmission}
	if side == 0 && lead.State.Account == "" && l.lead.Account == nil && l.lead.Contact == nil {
		if err := c.matched(ctx, l, subject); err != nil {
			return "", err
		}
		subject.Lead = l.lead.Lead
	}
	out, _, err := s.suppress.Decide(ctx, subject)
	switch {
	case err != nil || !out.Stop:
		return "", err
	case out.Kind == leadloop.OutcomeAlerted:
		return told, nil
	}
	return suppressed, nil
}

// matched matches a lead in the CRM.
func (c *comparing) matched(ctx context.Context, l *scoredLead, subject leadloop.Subject) error {
	lead := *subject.Lead // which is the caller's
	if len(lead.Records) == 0 {
		lead.Records = []leadloop.LeadID{lead.ID} // the step is for leads that something was merged into
	}
	subject.Lead = &lead
	_, effects, err := c.match.Decide(ctx, subject)
	if err != nil || effects.State == nil {
		return err
	}
	lead.State.Account, lead.State.Contact, lead.State.Opportunity = effects.State.Account, effects.State.Contact, effects.State.Opportunity
	l.lead.Lead = &lead
	return c.o.CRM.View(ctx, func(tx store.Tx) error {
		if id := lead.State.Account; id != "" {
			a, err := tx.CRM().Account(ctx, id)
			if err != nil {
				return fmt.Errorf("account %s: %w", id, err)
			}
			l.lead.Account = &a
		}
		if id := lead.State.Contact; id != "" {
			p, err := tx.CRM().Contact(ctx, id)
			if err != nil {
				return fmt.Errorf("contact %s: %w", id, err)
			}
			l.lead.Contact = &p
		}
		open, _, err := store.OpenOpportunities(ctx, tx.CRM(), &lead)
		if len(open) > 0 {
			l.lead.Opportunity = &open[0]
		}
		return err
	})
}
