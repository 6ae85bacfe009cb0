package playbook

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/lifecycle"
	"github.com/leadloop/leadloop/privacy"
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
	if len(p.privacy.Rules()) > 0 {
		all = append(all, leadloop.Country.Name(), leadloop.CompanyCountry.Name(), leadloop.Consent.Name())
	}
	return all
}

// always are the fields that enrich.yaml buys whether a rule reads them or not:
// somebody wants to see them.
func (p *Playbook) always() []string {
	var out []string
	if p.enriching != nil {
		for f, policy := range p.enriching.Options().Policies {
			if policy.Buy == enrich.BuyAlways {
				out = append(out, f)
			}
		}
	}
	slices.Sort(out)
	return out
}

// Demand is one field with who reads it and who offers it.
type Demand struct {
	Field string `json:"field"`
	// Readers are scoring rules, modifiers, entries of the chain, response
	// times, and parts of the playbook: "rule big", "entry emea", "lifecycle".
	// None means that nothing depends on the field, and it is never bought.
	Readers []string `json:"readers,omitempty"`
	// Providers are in the order of enrich.yaml. None means that forms and
	// people alone can tell it.
	Providers []string `json:"providers,omitempty"`
}

// Demand lists the fields that are read or offered, in order of name, with
// every rule that reads them.
func (p *Playbook) Demand() ([]Demand, error) {
	by := map[string]*Demand{}
	at := func(field string) *Demand {
		if by[field] == nil {
			by[field] = &Demand{Field: field}
		}
		return by[field]
	}
	reads := func(field, reader string) {
		if d := at(field); !slices.Contains(d.Readers, reader) {
			d.Readers = append(d.Readers, reader)
		}
	}
	o, err := p.newOutlook(nil, nil, nil)
	if err != nil {
		return nil, err
	}
	for i, x := range p.expressions() {
		for _, f := range o.all.Inputs(i).Fields {
			reads(f, x.reader)
		}
	}
	asks, _ := p.routingExpressions(o.set.Len())
	for i, x := range asks {
		for _, f := range o.all.Inputs(o.set.Len() + i).Fields {
			reads(f, x.reader)
		}
	}
	for _, f := range p.router.Fields() {
		// What an entry asks in a way of its own, such as by a territory.
		if d := at(f); !slices.ContainsFunc(d.Readers, func(r string) bool {
			return strings.HasPrefix(r, "entry ") || strings.HasPrefix(r, "territory ") || strings.HasPrefix(r, "response time ")
		}) {
			d.Readers = append(d.Readers, "routing")
		}
	}
	for _, f := range p.lifecycle.Fields() {
		reads(f, "lifecycle")
	}
	if len(p.privacy.Rules()) > 0 {
		for _, f := range []string{leadloop.Country.Name(), leadloop.CompanyCountry.Name(), leadloop.Consent.Name()} {
			reads(f, "consent")
		}
	}
	for _, f := range p.always() {
		reads(f, "people")
	}
	for _, s := range p.sources {
		for _, f := range s.Fields {
			at(f).Providers = append(at(f).Providers, s.Name)
		}
	}
	out := make([]Demand, 0, len(by))
	for _, f := range slices.Sorted(maps.Keys(by)) {
		out = append(out, *by[f])
	}
	return out, nil
}

// Outlook tells which missing fields could still change the tier, the route,
// the response time or the suppression of a lead under this playbook, for a
// waterfall that a program makes itself. It reads reps, loads and rotations
// from the store, and what a lead was matched to. It is exact except where a
// field can't be enumerated or there are too many combinations: there it names
// a field too many, never one too few.
//
// Of the options it takes Live, see [Playbook.Waterfall], and Tokens, which are
// required.
func (p *Playbook) Outlook(st store.Store, o Options) (enrich.Outlook, error) {
	if st == nil || o.Tokens == nil {
		return nil, fmt.Errorf("playbook: %w: a store and suppression tokens are required", leadloop.ErrInvalid)
	}
	terms, err := privacy.NewTerms(o.Tokens, p.privacy.Rules()...)
	if err != nil {
		return nil, err
	}
	return p.newOutlook(st, o.Live, terms)
}

// Waterfall builds the playbook's waterfall alone, for estimates, questions and
// batches; nil if there is no enrich.yaml.
//
// With o.Live the model in force says what a field could change. For another
// model than the playbook's own that is an outer bound: a field can be bought
// that changes nothing, never the other way round. What can be bought is what
// rules read that exist when the waterfall is made, those of the models in
// o.Live included; a model that is activated later and reads a field that none
// of them does, needs a new loop to have it bought.
//
// A lead that a loop would stop before it is enriched is sent to nobody: one
// that is suppressed, whose open opportunity or account somebody has already, or
// that a person disqualified.
func (p *Playbook) Waterfall(st store.Store, o Options) (*enrich.Waterfall, error) {
	if st == nil || o.Tokens == nil {
		return nil, fmt.Errorf("playbook: %w: a store and suppression tokens are required", leadloop.ErrInvalid)
	}
	if p.enriching == nil {
		return nil, nil
	}
	refuse, err := p.stopped(st, o)
	if err != nil {
		return nil, err
	}
	return p.waterfall(st, o, refuse)
}

// stopped tells whom a loop would stop before it is enriched, and why.
func (p *Playbook) stopped(st store.Store, o Options) (func(ctx context.Context, s leadloop.Subject) (reason string, err error), error) {
	suppress, err := p.suppress(st, o)
	if err != nil {
		return nil, err
	}
	before := []leadloop.Stage{suppress, lifecycle.NewHold()}
	return func(ctx context.Context, s leadloop.Subject) (string, error) {
		for _, stage := range before {
			out, _, err := stage.Decide(ctx, s)
			if err != nil {
				return "", err
			}
			if out.Stop || out.Kind != "" {
				return cmp.Or(out.Reason, string(out.Kind)), nil
			}
		}
		return "", nil
	}, nil
}

// listed tells who was suppressed since the step before looked.
func listed(st store.Store, o Options) func(ctx context.Context, s leadloop.Subject) (string, error) {
	return func(ctx context.Context, s leadloop.Subject) (reason string, err error) {
		err = st.View(ctx, func(tx store.Tx) error {
			hits, err := tx.Suppressions().Match(ctx, o.Tokens.Of(s.Profile))
			if err == nil && len(hits) > 0 {
				reason = "suppressed"
			}
			return err
		})
		return reason, err
	}
}

// waterfall is the waterfall with what keeps a lead from every provider.
func (p *Playbook) waterfall(st store.Store, o Options, refuse func(ctx context.Context, s leadloop.Subject) (string, error)) (*enrich.Waterfall, error) {
	sources, problems := p.enriching.Sources(p.schema, enrich.Host{
		Files: p.fsys, HTTP: enrich.HTTPOptions{Client: o.Client, Secret: o.Secret}, Providers: o.Providers,
	})
	if err := problems.Err(); err != nil {
		return nil, err
	}
	outlook, err := p.Outlook(st, o)
	if err != nil {
		return nil, err
	}
	return p.waterfallOf(sources, outlook, st, o, refuse)
}

// waterfallOf is the waterfall over sources that stand for those of enrich.yaml.
func (p *Playbook) waterfallOf(sources []enrich.Source, outlook enrich.Outlook, st store.Store, o Options, refuse func(ctx context.Context, s leadloop.Subject) (string, error)) (*enrich.Waterfall, error) {
	options := p.enriching.Options()
	options.Fields, options.Mode, options.Policy = append(p.Reads(), p.always()...), o.Enrich, p.policy
	if o.Live != nil {
		if err := p.fits(o.Live); err != nil {
			return nil, err
		}
		for _, m := range append(o.Live.Retired(), o.Live.Active(), o.Live.Shadow()) {
			if m != nil {
				options.Fields = append(options.Fields, m.Inputs()...)
			}
		}
	}
	if options.MinFit != nil {
		options.PreScore = func(ctx context.Context, profile *leadloop.Profile, activities []leadloop.Activity, asOf time.Time) (leadloop.Points, bool) {
			model := p.model
			if o.Live != nil {
				model = o.Live.Active()
			}
			return preScore(ctx, model, profile, activities, asOf)
		}
	}
	terms, err := privacy.NewTerms(o.Tokens, p.privacy.Rules()...)
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
	options.Forgotten = o.Tokens.ForgottenLead
	options.Refuse = func(ctx context.Context, s leadloop.Subject) (string, error) {
		reason, err := refuse(ctx, s)
		if reason != "" || err != nil {
			return reason, err
		}
		err = st.View(ctx, func(tx store.Tx) (err error) {
			reason, err = terms.Refuse(ctx, tx, s.Lead, s.Profile, privacy.PurposeEnrichment, s.AsOf)
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
func preScore(ctx context.Context, model *scoring.Model, profile *leadloop.Profile, activities []leadloop.Activity, asOf time.Time) (leadloop.Points, bool) {
	e, err := model.Explain(ctx, scoring.Input{Profile: profile, Activities: activities, AsOf: asOf})
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
