package lifecycle

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// DoubleOptIn says whose consent counts only once they have confirmed it from
// their mailbox, so that nobody can sign up somebody else.
type DoubleOptIn struct {
	// Sources are the values of lead.source that need it.
	Sources []string `yaml:"sources,required"`
	// Content names the mail that asks for the confirmation.
	Content string `yaml:"content,required"`
	// Confirm are the activity types that confirm: opt_in_confirmed if there are
	// none here.
	Confirm []string          `yaml:"confirm"`
	At      leadloop.Position `yaml:"-"`
}

// OptInCadence names in deliveries what asks for a confirmation.
const OptInCadence = "double_opt_in"

// The claims about consent that the confirmation makes have this source, so that
// a confirmation takes back the asking and nothing that somebody else said.
const optInSource = "double_opt_in"

// waitConfirmed is how long a cadence waits for a confirmation; it looks again
// each lookConfirmed.
const (
	waitConfirmed = 30 * 24 * time.Hour
	lookConfirmed = 24 * time.Hour
)

// ReasonUnconfirmed is why a cadence ends whose consent was never confirmed.
const ReasonUnconfirmed = "consent_unconfirmed"

func (c *checker) optIn(d *DoubleOptIn) *DoubleOptIn {
	if d == nil {
		return nil
	}
	out := *d
	out.Sources, out.Confirm = slices.Clone(d.Sources), slices.Clone(d.Confirm)
	if len(out.Sources) == 0 {
		c.Add(d.At, "double_opt_in: sources: expected those that need it")
	}
	if out.Content == "" {
		c.Add(d.At, "double_opt_in: content: expected the mail that asks")
	}
	if len(out.Confirm) == 0 {
		out.Confirm = []string{"opt_in_confirmed"}
	}
	return &out
}

// NewOptIn returns the step "opt_in", which belongs before whatever asks for
// consent. A lead that came from a source which needs a double opt-in has a
// pending consent from then on, whatever its form said, until an activity
// confirms it. A no stays a no. The confirmation is an entry of the consent
// ledger in the same commit (see [Host].Confirmed), with the mail as its wording
// and the activity as its proof. What the lead is asked with is a
// [leadloop.TaskStep] of [NewCadence]: a mail under [OptInCadence], which needs
// no consent and is stopped by the suppression list.
func NewOptIn(l *Lifecycle) leadloop.Stage {
	return leadloop.StageFunc("opt_in", func(_ context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		var e leadloop.Effects
		if l.cadences == nil || l.cadences.optIn == nil {
			return leadloop.Outcome{}, e, nil
		}
		o := l.cadences.optIn
		asked, granted := optInClaims(s)
		switch {
		case asked == nil:
			source := o.needs(s)
			if source == "" {
				return leadloop.Outcome{}, e, nil
			}
			e.Claims = []leadloop.Claim{consent(leadloop.ConsentPending, s.AsOf)}
			e.Events = []leadloop.Event{{Kind: leadloop.EventOptInAsked, Lead: s.Lead.ID, At: s.AsOf, To: source, Actor: "rule:double_opt_in"}}
		case granted:
		default:
			i := slices.IndexFunc(s.Lead.Activities, func(a leadloop.Activity) bool {
				return a.Actor == "" && slices.Contains(o.Confirm, a.Type) && !a.At.Before(asked.ObservedAt) && !a.At.After(s.AsOf)
			})
			if i < 0 {
				return leadloop.Outcome{}, e, nil
			}
			at := s.Lead.Activities[i].At
			if !at.After(asked.ObservedAt) {
				at = asked.ObservedAt.Add(1) // the claim that confirms is the later one
			}
			click := &s.Lead.Activities[i]
			e.Claims = []leadloop.Claim{consent(leadloop.ConsentGranted, at)}
			e.Events = []leadloop.Event{{Kind: leadloop.EventOptInConfirmed, Lead: s.Lead.ID, At: click.At, Reason: click.Type, Actor: "rule:double_opt_in"}}
			if l.host.Confirmed != nil {
				entry, ok := l.host.Confirmed(s.Profile, leadloop.ConsentEntry{
					State: leadloop.ConsentGranted, Wording: o.Content, Proof: click.ID, Source: optInSource, At: at,
				})
				if ok {
					e.Consents = []leadloop.ConsentEntry{entry}
				}
			}
		}
		return leadloop.Outcome{}, e, nil
	})
}

// needs is the source that asks for a confirmation, "" for none.
func (o *DoubleOptIn) needs(s leadloop.Subject) string {
	for _, c := range s.Lead.Claims {
		if c.Field == leadloop.Source.Name() && slices.Contains(o.Sources, c.Value.Text()) {
			return c.Value.Text()
		}
	}
	return ""
}

func consent(state string, at time.Time) leadloop.Claim {
	return leadloop.Consent.Claim(state, leadloop.Evidence{Origin: leadloop.OriginPerson, Source: optInSource, ObservedAt: at})
}

// optInClaims are the first asking, and whether it was confirmed.
func optInClaims(s leadloop.Subject) (asked *leadloop.Claim, granted bool) {
	for i := range s.Lead.Claims {
		c := &s.Lead.Claims[i]
		if c.Field != leadloop.Consent.Name() || c.Source != optInSource {
			continue
		}
		if c.Value.Text() == leadloop.ConsentGranted {
			granted = true
		} else if asked == nil || c.ObservedAt.Before(asked.ObservedAt) {
			asked = c
		}
	}
	return asked, granted
}

// confirmation asks a lead that has to confirm since this run.
func (r *enrolment) confirmation() error {
	if r.l.cadences == nil || r.l.cadences.optIn == nil {
		return nil
	}
	asked, granted := optInClaims(r.s)
	if asked == nil || granted || !asked.ObservedAt.Equal(r.s.AsOf) {
		return nil
	}
	s := &r.state
	if mail, _ := leadloop.Email.Get(r.s.Profile); mail == "" || s.Disposition == leadloop.OutcomeSuppressed && !strings.HasPrefix(s.Reason, "consent_missing") {
		return nil
	}
	payload, err := json.Marshal(Delivery{
		Lead: r.s.Lead.ID, Cadence: OptInCadence, Since: asked.ObservedAt.UTC(), Step: "confirm", Number: 1, Channel: ChannelEmail,
		Content: r.l.cadences.optIn.Content, Owner: s.Owner,
	})
	if err != nil {
		return fmt.Errorf("lifecycle: delivery: %w", err)
	}
	task := leadloop.Task{
		Key:  strings.Join([]string{leadloop.TaskStep, string(r.s.Lead.ID), OptInCadence, stamp(asked.ObservedAt), "confirm"}, ":"),
		Kind: leadloop.TaskStep, Lead: r.s.Lead.ID, DueAt: r.s.AsOf, Outside: true, Payload: payload, State: leadloop.TaskPending,
	}
	if r.l.host.Tokens != nil {
		task.Tokens = r.l.host.Tokens(r.s.Profile)
	}
	r.effects.Tasks = append(r.effects.Tasks, task)
	return nil
}

// unconfirmed holds a step back while the lead has not confirmed its consent.
func (r *enrolment) unconfirmed(x *cadence, step *Step) bool {
	if state, _ := leadloop.Consent.Get(r.s.Profile); state != leadloop.ConsentPending || step.Channel == ChannelTask {
		return false
	}
	n := &r.state.Cadence
	if r.s.AsOf.Sub(n.Since) >= waitConfirmed {
		r.end(ReasonUnconfirmed, "stage:cadence")
		return true
	}
	r.await(x, r.s.AsOf.Add(lookConfirmed))
	r.changed = true
	return true
}
