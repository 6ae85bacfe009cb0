package playbook

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/scoring"
	"github.com/leadloop/leadloop/store"
)

// Reads are the fields that any rule of the playbook reads, sorted: all that
// is ever bought.
func (p *Playbook) Reads() []string {
	all := slices.Concat(p.deciding(), p.lifecycle.Fields())
	slices.Sort(all)
	return slices.Compact(all)
}

// deciding are the fields that could change what happens to a lead: those of
// scoring, routing and, where consent is required, its country.
func (p *Playbook) deciding() []string {
	all := slices.Concat(p.model.Inputs(), p.router.Fields())
	if len(p.privacy.ConsentRequiredIn) > 0 {
		all = append(all, leadloop.Country.Name(), leadloop.CompanyCountry.Name(), leadloop.Consent.Name())
	}
	return all
}

// Outlook tells which missing fields could still change the tier, the route,
// the response time or the suppression of a lead under this playbook, for a
// waterfall that a program makes itself. It reads reps, loads and rotations
// from the store, and what a lead was matched to. It is exact except where a
// field can't be enumerated, where there are too many combinations, and where
// an entry of the chain waits for a field that a condition elsewhere already
// settles: there it names a field too many, never one too few.
func (p *Playbook) Outlook(st store.Store) (enrich.Outlook, error) {
	if st == nil {
		return nil, fmt.Errorf("playbook: %w: an outlook reads a store", leadloop.ErrInvalid)
	}
	return p.newOutlook(st)
}

func (p *Playbook) waterfall(st store.Store, o Options) (*enrich.Waterfall, error) {
	sources, problems := p.enriching.Sources(p.schema, enrich.Host{
		Files: p.fsys, HTTP: enrich.HTTPOptions{Client: o.Client, Secret: o.Secret}, Providers: o.Providers,
	})
	if err := problems.Err(); err != nil {
		return nil, err
	}
	options := p.enriching.Options()
	options.Fields, options.Mode, options.Policy = p.Reads(), o.Enrich, p.policy
	if options.MinFit != nil {
		options.PreScore = p.preScore
	}
	outlook, err := p.Outlook(st)
	if err != nil {
		return nil, err
	}
	options.Outlook = outlook
	// What only the criteria of stages read changes nothing today, and is
	// wanted when somebody moves the lead.
	deciding := p.deciding()
	for _, f := range p.lifecycle.Fields() {
		policy := options.Policies[f]
		if policy.Buy == enrich.BuyNeeded && !slices.Contains(deciding, f) {
			policy.Buy = enrich.BuyAlways
			if options.Policies == nil {
				options.Policies = map[string]enrich.FieldPolicy{}
			}
			options.Policies[f] = policy
		}
	}
	options.Refuse = func(ctx context.Context, s leadloop.Subject) (reason string, err error) {
		err = st.View(ctx, func(tx store.Tx) error {
			hits, err := tx.Suppressions().Match(ctx, o.Tokens.Of(s.Profile))
			if err == nil && len(hits) > 0 {
				reason = "suppressed"
			}
			return err
		})
		return reason, err
	}
	return enrich.New(sources, st, p.schema, options)
}

// fitGroup is the group that the minimum fit of enrich.yaml is about.
const fitGroup = "fit"

// preScore is what a lead scores before anything is bought: the points of the
// group "fit" if the model has one, else the whole score. Rules that are
// undecided count nothing; a lead that is disqualified as it stands is below
// every minimum.
func (p *Playbook) preScore(ctx context.Context, profile *leadloop.Profile, activities []leadloop.Activity, asOf time.Time) (leadloop.Points, bool) {
	e, err := p.model.Explain(ctx, scoring.Input{Profile: profile, Activities: activities, AsOf: asOf})
	if err != nil {
		return 0, false // ctx has ended, and with it the waterfall that asks
	}
	if e.Disqualified != "" {
		return -leadloop.MaxPoints, true
	}
	for _, g := range e.Groups {
		if g.Group == fitGroup {
			return g.Points, true
		}
	}
	return e.Points, e.Known
}
