package playbook

import (
	"context"
	"errors"
	"iter"
	"math"
	"slices"
	"sync"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

// EnrichShift is what looking the leads up would cost under both playbooks, as
// the planner expects it by prices and match rates (see enrich.Estimate), with
// nothing known that was bought before.
type EnrichShift struct {
	// OneIn is 1 if all leads were asked about. Else it was one company in so
	// many, and what came of it is counted so often.
	OneIn     int             `json:"one_in"`
	Before    EnrichCost      `json:"before"`
	After     EnrichCost      `json:"after"`
	Providers []ProviderShift `json:"providers"`
}

// EnrichCost is what one playbook would buy.
type EnrichCost struct {
	Currency string `json:"currency"`
	// Leads are those for which somebody would be asked, Calls how often
	// providers are expected to be, and Cost for how much.
	Leads int             `json:"leads"`
	Calls float64         `json:"calls"`
	Cost  leadloop.Micros `json:"cost"`
	// Margin is the half-width of the interval of 95 % of Cost that is due to
	// the drawing; 0 if all leads were asked about.
	Margin leadloop.Micros `json:"margin,omitempty"`
	// Low is if no provider knows anything that is charged for, High if each
	// charges for every call.
	Low  leadloop.Micros `json:"low"`
	High leadloop.Micros `json:"high"`
}

// Moves reports whether anything else would be bought, or for another price.
func (e *EnrichShift) Moves() bool {
	return e != nil && (e.Before != e.After || slices.ContainsFunc(e.Providers, func(p ProviderShift) bool { return p.CallsBefore != p.CallsAfter || p.CostBefore != p.CostAfter }))
}

// ProviderShift is one provider's part.
type ProviderShift struct {
	Provider    string          `json:"provider"`
	CallsBefore float64         `json:"calls_before"`
	CallsAfter  float64         `json:"calls_after"`
	CostBefore  leadloop.Micros `json:"cost_before"`
	CostAfter   leadloop.Micros `json:"cost_after"`
}

// sample are the leads of companies whose hash ends in zeros: of as many zeros
// as it takes for about as many leads as wanted. Which leads those are depends
// on nothing but the leads.
type sample struct {
	mask  uint64
	leads []drawn
}

type drawn struct {
	hash uint64
	lead CompareLead
}

func (s *sample) add(l *scoredLead, most int) {
	if most <= 0 || l.hash&s.mask != 0 {
		return
	}
	s.leads = append(s.leads, drawn{l.hash, l.lead})
	for len(s.leads) > most && s.mask<<1 != ^uint64(1) {
		s.mask = s.mask<<1 | 1
		s.leads = slices.DeleteFunc(s.leads, func(d drawn) bool { return d.hash&s.mask != 0 })
	}
}

// groups is into how many parts a sample is divided to see how much chance there
// is in it.
const groups = 10

// student is the factor of an interval of 95 % by so many parts.
const student = 2.262

// enrichment estimates both sides at a time.
func (c *comparing) enrichment(ctx context.Context) (*EnrichShift, error) {
	out := &EnrichShift{OneIn: int(c.sample.mask + 1)} //nolint:gosec // far fewer than leads there are
	// In an order that does not depend on what came when.
	slices.SortStableFunc(c.sample.leads, func(a, b drawn) int {
		if a.lead.Lead.ID < b.lead.Lead.ID {
			return -1
		}
		return 1
	})
	var both [2][]enrich.Estimate
	var errs [2]error
	var wait sync.WaitGroup
	for i, s := range c.sides {
		wait.Go(func() { both[i], errs[i] = c.estimates(ctx, s.pb, out.OneIn) })
	}
	wait.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	for i, cost := range []*EnrichCost{&out.Before, &out.After} {
		cost.Currency = c.sides[i].pb.Currency()
		cost.add(both[i], out.OneIn)
		for _, e := range both[i] {
			for _, p := range e.Providers {
				j := slices.IndexFunc(out.Providers, func(x ProviderShift) bool { return x.Provider == p.Provider })
				if j < 0 {
					j = len(out.Providers)
					out.Providers = append(out.Providers, ProviderShift{Provider: p.Provider})
				}
				x, n := &out.Providers[j], leadloop.Micros(out.OneIn)
				if i == 0 {
					x.CallsBefore, x.CostBefore = x.CallsBefore+p.ExpectedCalls*float64(n), x.CostBefore+p.Expected*n
				} else {
					x.CallsAfter, x.CostAfter = x.CallsAfter+p.ExpectedCalls*float64(n), x.CostAfter+p.Expected*n
				}
			}
		}
	}
	return out, nil
}

func (cost *EnrichCost) add(parts []enrich.Estimate, oneIn int) {
	n := leadloop.Micros(oneIn)
	for _, e := range parts {
		cost.Leads += e.Asking * oneIn
		cost.Cost, cost.Low, cost.High = cost.Cost+e.Expected*n, cost.Low+e.Low*n, cost.High+e.High*n
		for _, p := range e.Providers {
			cost.Calls += p.ExpectedCalls * float64(oneIn)
		}
	}
	if oneIn == 1 || len(parts) < 2 {
		return
	}
	// The parts are drawn alike, so how they differ tells how far their sum is off.
	mean, sum := float64(cost.Cost)/float64(oneIn)/float64(len(parts)), 0.0
	for _, e := range parts {
		sum += (float64(e.Expected) - mean) * (float64(e.Expected) - mean)
	}
	deviation := math.Sqrt(sum/float64(len(parts)-1)*float64(len(parts))) * float64(oneIn) * math.Sqrt(1-1/float64(oneIn))
	cost.Margin = leadloop.Micros(math.Round(student * deviation))
}

// estimates asks the planner about the drawn leads, by parts if they are not
// all.
func (c *comparing) estimates(ctx context.Context, pb *Playbook, oneIn int) ([]enrich.Estimate, error) {
	if pb.enriching == nil {
		return nil, nil
	}
	st, o := c.o.CRM, Options{Tokens: c.o.Tokens}
	if st == nil {
		tokens, err := privacy.NewTokens("trial", make([]byte, 32)) // of a store that is thrown away
		if err != nil {
			return nil, err
		}
		st, o.Tokens = memstore.New(), tokens
		if err := c.fill(ctx, st); err != nil {
			return nil, err
		}
	}
	refuse, err := pb.stopped(st, o)
	if err != nil {
		return nil, err
	}
	outlook, err := pb.Outlook(st, o)
	if err != nil {
		return nil, err
	}
	w, err := pb.waterfallOf(pb.tried(func(string) (enrich.Answer, error) { return enrich.Answer{}, leadloop.ErrUnavailable }), outlook, st, o, refuse)
	if err != nil {
		return nil, err
	}
	parts := groups
	if oneIn == 1 {
		parts = 1
	}
	out := make([]enrich.Estimate, parts)
	for i := range out {
		if out[i], err = w.Estimate(ctx, c.drawn(pb, i, parts)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// drawn are the leads of one part, as they were before anything was bought.
func (c *comparing) drawn(pb *Playbook, part, parts int) iter.Seq2[leadloop.Subject, error] {
	return func(yield func(leadloop.Subject, error) bool) {
		for i := range c.sample.leads {
			d := &c.sample.leads[i]
			if int(d.hash>>40)%parts != part || d.lead.Lead.State.Disposition == leadloop.OutcomeSuppressed {
				continue
			}
			lead := *d.lead.Lead
			lead.Claims = slices.DeleteFunc(slices.Clone(lead.Claims), func(c leadloop.Claim) bool { return c.Origin == leadloop.OriginProvider })
			lead.State = leadloop.State{Score: leadloop.Score{Tier: lead.State.Score.Tier}}
			if a := d.lead.Account; a != nil {
				lead.State.Account = a.ID
			}
			if x := d.lead.Contact; x != nil {
				lead.State.Contact = x.ID
			}
			profile := leadloop.Golden(pb.schema, pb.policy, lead.Claims)
			profile.SetActivities(lead.Activities)
			if !yield(leadloop.Subject{Lead: &lead, Profile: profile, AsOf: c.o.AsOf, Trigger: leadloop.TriggerSubmission}, nil) {
				return
			}
		}
	}
}

// fill puts what leads were matched to, and reps, into a store.
func (c *comparing) fill(ctx context.Context, st store.Store) error {
	return st.Update(ctx, func(tx store.Tx) error {
		crm := tx.CRM()
		for _, r := range c.o.Reps {
			if err := crm.PutRep(ctx, r); err != nil {
				return err
			}
		}
		for i := range c.sample.leads {
			l := &c.sample.leads[i].lead
			var errs []error
			if l.Account != nil {
				errs = append(errs, crm.PutAccount(ctx, *l.Account))
			}
			if l.Contact != nil {
				errs = append(errs, crm.PutContact(ctx, *l.Contact))
			}
			if l.Opportunity != nil {
				errs = append(errs, crm.PutOpportunity(ctx, *l.Opportunity))
			}
			if err := errors.Join(errs...); err != nil {
				return err
			}
		}
		return nil
	})
}
