package playbook

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/internal/yamldoc"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/scoring"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

type enrichEntry struct {
	At           leadloop.Position     `yaml:"-"`
	Name         string                `yaml:"name,required"`
	AsOf         leadloop.Expression   `yaml:"as_of"`
	Lead         map[string]yaml.Node  `yaml:"lead"`
	None         []leadloop.Expression `yaml:"none"`
	Activities   []yamldoc.Activity    `yaml:"activities"`
	PreviousTier leadloop.Expression   `yaml:"previous_tier"`
	Account      *caseMatched          `yaml:"account"`
	Opportunity  *caseMatched          `yaml:"opportunity"`
	Answers      map[string]yaml.Node  `yaml:"answers"`
	Want         enrichWant            `yaml:"want,required"`
}

type enrichWant struct {
	At        leadloop.Position              `yaml:"-"`
	Asked     []leadloop.Expression          `yaml:"asked"`
	Skipped   map[string]leadloop.Expression `yaml:"skipped"`
	Stopped   leadloop.Expression            `yaml:"stopped"`
	Missing   []leadloop.Expression          `yaml:"missing"`
	NotNeeded []leadloop.Expression          `yaml:"not_needed"`
	Cost      leadloop.Expression            `yaml:"cost"`
	Tier      leadloop.Expression            `yaml:"tier"`
}

// enrichCase is a lead, what each provider would say of it, and how far the
// waterfall must go.
type enrichCase struct {
	at   leadloop.Position
	name string
	asOf time.Time
	lead *leadloop.Lead
	// account and opportunity are what it was matched to.
	account     *leadloop.Account
	opportunity *leadloop.Opportunity
	answers     map[string]caseAnswer
	want        struct {
		asked, missing, notNeeded []string // nil is not looked at
		skipped                   map[string]string
		stopped, tier             string
		cost                      *leadloop.Micros
	}
}

// caseAnswer is what a provider says.
type caseAnswer struct {
	answer enrich.Answer
	failed bool
}

// maxCost bounds the cost of a case.
const maxCost = 1_000_000

// What a provider can say in a word.
const (
	answerNoMatch = "no_match" // it knows nobody
	answerFailed  = "failed"
)

func (k *caseReader) enrichment(e *enrichEntry) enrichCase {
	c := enrichCase{at: e.At, name: e.Name, answers: map[string]caseAnswer{}}
	c.asOf, _ = leadloop.ParseTime(e.AsOf.Text) // it was tried before
	c.lead = k.lead(c.asOf, e.Lead, e.None, e.Activities)
	if k.pb.enriching == nil {
		k.add(e.At, "", "there is no %s, so nobody is asked about any lead", enrichFile)
		return c
	}
	tiers := append(slices.Clone(k.pb.model.Tiers()), none)
	k.one(e.PreviousTier, "previous_tier", "tier", tiers)
	c.lead.State.Score.Tier = strings.TrimSuffix(e.PreviousTier.Text, none)
	if m := e.Account; m != nil {
		c.account = &leadloop.Account{ID: "account", Owner: m.Owner, Customer: m.Customer}
	}
	if m := e.Opportunity; m != nil {
		c.opportunity = &leadloop.Opportunity{ID: "opportunity", Account: "account", Owner: m.Owner, Status: leadloop.OpportunityOpen}
		if c.account == nil {
			c.account = &leadloop.Account{ID: "account", Owner: m.Owner}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.Answers)) {
		n := e.Answers[name]
		c.answers[name] = k.answer(name, &n)
	}
	k.enrichWant(&c, &e.Want, tiers)
	return c
}

// answer reads what a provider says: a word, or values by field.
func (k *caseReader) answer(provider string, n *yaml.Node) (out caseAnswer) {
	at := k.at(n)
	i := slices.IndexFunc(k.pb.sources, func(s enrich.Source) bool { return s.Name == provider })
	k.one(leadloop.Expression{Text: provider, At: at}, "answers", "provider", k.pb.providers())
	if i < 0 {
		return out
	}
	if n.Kind == yaml.ScalarNode && (n.Value == answerNoMatch || n.Value == answerFailed) {
		out.failed = n.Value == answerFailed
		return out
	}
	if n.Kind != yaml.MappingNode {
		k.add(at, "", "answers.%s: expected values by field, %s or %s", provider, answerNoMatch, answerFailed)
		return out
	}
	out.answer.Matched = true
	profile := k.pb.schema.NewProfile()
	for j := 0; j+1 < len(n.Content); j += 2 {
		key, value := n.Content[j], n.Content[j+1]
		def, ok := k.field(k.at(key), key.Value)
		switch {
		case !ok:
			continue
		case !slices.Contains(k.pb.sources[i].Fields, def.Name):
			k.add(k.at(key), "it tells "+strings.Join(k.pb.sources[i].Fields, ", "), "answers.%s: the provider does not tell %s", provider, def.Name)
			continue
		case value.Kind == yaml.ScalarNode && value.ShortTag() == "!!null":
			out.answer.NotFound = append(out.answer.NotFound, def.Name)
			continue
		}
		v, bad, problem := yamldoc.FieldValue(value, def.Kind)
		if problem == "" {
			problem, bad = yamldoc.Set(profile, def, v), value
		}
		if problem != "" {
			k.add(k.at(bad), "", "answers.%s.%s: %s", provider, def.Name, problem)
			continue
		}
		out.answer.Facts = append(out.answer.Facts, enrich.Fact{Field: def.Name, Value: profile.Value(def.Name), Confidence: 1})
	}
	return out
}

func (k *caseReader) enrichWant(c *enrichCase, w *enrichWant, tiers []string) {
	providers := k.pb.providers()
	want := &c.want
	if w.Asked != nil {
		want.asked = []string{}
	}
	for _, e := range w.Asked {
		k.one(e, "want.asked", "provider", providers)
		want.asked = append(want.asked, e.Text)
	}
	if len(w.Skipped) > 0 {
		want.skipped = map[string]string{}
	}
	for _, name := range slices.Sorted(maps.Keys(w.Skipped)) {
		e := w.Skipped[name]
		k.one(leadloop.Expression{Text: name, At: e.At}, "want.skipped", "provider", providers)
		want.skipped[name] = e.Text
	}
	k.one(w.Tier, "want.tier", "tier", tiers)
	want.stopped, want.tier = w.Stopped.Text, w.Tier.Text
	want.missing, want.notNeeded = k.fields("want.missing", w.Missing), k.fields("want.not_needed", w.NotNeeded)
	if !w.Cost.IsZero() {
		f, ok := yamldoc.Number(w.Cost.Text)
		cost := leadloop.Micros(math.Round(f * 1e6))
		if !ok || f < 0 || f > maxCost {
			k.add(w.Cost.At, "", "want.cost: expected an amount of up to %d, such as 0.05", maxCost)
		}
		want.cost = &cost
	}
	if !k.broken && want.asked == nil && want.skipped == nil && want.stopped == "" && want.tier == "" && want.missing == nil && want.notNeeded == nil && want.cost == nil {
		k.add(w.At, "", "want: says nothing that could fail")
	}
}

// providers are the names of enrich.yaml, in its order.
func (p *Playbook) providers() []string {
	var out []string
	for i := range p.sources {
		out = append(out, p.sources[i].Name)
	}
	return out
}

// tried are the sources of enrich.yaml with what they say in place of the
// providers, so that nobody is asked.
func (p *Playbook) tried(said func(provider string) (enrich.Answer, error)) []enrich.Source {
	sources := slices.Clone(p.sources)
	for i := range sources {
		s := &sources[i]
		s.Provider = enrich.ProviderFunc(func(context.Context, enrich.Query) (enrich.Answer, error) { return said(s.Name) })
		s.Retries, s.RatePerSecond, s.HedgeAfter = enrich.NoRetries, 0, 0
	}
	return sources
}

// enrichRunner runs cases about enrichment one after the other. What a lead's
// outlook takes to make is made once.
type enrichRunner struct {
	p       *Playbook
	o       Options
	st      *swapped
	outlook enrich.Outlook
}

// swapped is a store in memory in whose place another one can be put.
type swapped struct{ store.Store }

func (p *Playbook) newEnrichRunner() (*enrichRunner, error) {
	tokens, err := privacy.NewTokens("trial", make([]byte, 32)) // of stores that are thrown away
	if err != nil {
		return nil, err
	}
	r := &enrichRunner{p: p, o: Options{Tokens: tokens}, st: &swapped{memstore.New()}}
	r.outlook, err = p.Outlook(r.st, r.o)
	return r, err
}

// run asks as the loop would, over a store that nothing was bought in yet.
func (r *enrichRunner) run(ctx context.Context, c *enrichCase) (text string, asked []string, err error) {
	p, o, st := r.p, r.o, r.st
	st.Store = memstore.New()
	lead := c.lead.Clone()
	if err := c.matched(ctx, st, lead); err != nil {
		return "", nil, err
	}
	refuse, err := p.stopped(st, o)
	if err != nil {
		return "", nil, err
	}
	w, err := p.waterfallOf(p.tried(func(provider string) (enrich.Answer, error) {
		a := c.answers[provider]
		if a.failed {
			return enrich.Answer{}, &enrich.LookupError{Reason: enrich.ReasonFailed, Detail: "the case says so"}
		}
		return a.answer, nil
	}), r.outlook, st, o, refuse)
	if err != nil {
		return "", nil, err
	}
	profile := leadloop.Golden(p.schema, p.policy, lead.Claims)
	profile.SetActivities(lead.Activities)
	s := leadloop.Subject{Lead: lead, Profile: profile, AsOf: c.asOf, Trigger: leadloop.TriggerSubmission}
	// The loop stops a lead before it looks for what is missing.
	report := enrich.Report{}
	if report.Stopped, err = refuse(ctx, s); err == nil && report.Stopped == "" {
		report, err = w.Enrich(ctx, s)
	}
	if err != nil {
		return "", nil, err
	}
	profile = leadloop.Golden(p.schema, p.policy, append(slices.Clone(lead.Claims), report.Claims...))
	profile.SetActivities(lead.Activities)
	v, err := p.model.Verdict(ctx, scoring.Input{Profile: profile, Activities: lead.Activities, AsOf: c.asOf, PreviousTier: lead.State.Score.Tier})
	if err != nil {
		return "", nil, err
	}
	text, asked = c.compare(p, &report, v)
	return text, asked, nil
}

// matched puts what the lead was matched to into the store.
func (c *enrichCase) matched(ctx context.Context, st store.Store, lead *leadloop.Lead) error {
	if c.account == nil {
		return nil
	}
	lead.State.Account = c.account.ID
	return st.Update(ctx, func(tx store.Tx) error {
		err := tx.CRM().PutAccount(ctx, *c.account)
		if owner := c.account.Owner; owner != "" {
			err = errors.Join(err, tx.CRM().PutRep(ctx, leadloop.Rep{ID: owner, Name: string(owner)}))
		}
		if c.opportunity != nil {
			err = errors.Join(err, tx.CRM().PutOpportunity(ctx, *c.opportunity))
		}
		return err
	})
}

func (c *enrichCase) compare(p *Playbook, r *enrich.Report, v scoring.Verdict) (text string, asked []string) {
	skipped := map[string]string{}
	var how []string
	for _, call := range r.Calls {
		var line strings.Builder
		line.WriteString(call.Source + ": " + strings.ReplaceAll(string(call.Outcome), "_", " "))
		if call.Outcome == enrich.Skipped {
			skipped[call.Source] = call.Reason
			line.WriteString(", " + call.Reason)
		} else {
			asked = append(asked, call.Source)
		}
		for _, x := range []struct {
			what   string
			fields []string
		}{{"asked for", call.Asked}, {"told", call.Got}, {"does not have", call.NotFound}} {
			if len(x.fields) > 0 {
				line.WriteString("; " + x.what + " " + strings.Join(x.fields, ", "))
			}
		}
		for _, x := range call.Refused {
			fmt.Fprintf(&line, "; %s was refused: %s", x.Field, x.Reason)
		}
		if call.Because != "" {
			line.WriteString(" (" + call.Because + ")")
		}
		how = append(how, line.String())
	}
	if r.Because != "" {
		how = append(how, r.Because)
	} else if len(how) == 0 {
		how = append(how, "nobody was asked")
	}
	tier := orNone(v.Tier)
	how = append(how, fmt.Sprintf("with that it has %s points and tier %s", v.Points, tier))
	var m misses
	w := &c.want
	m.list("asked", w.asked, asked)
	for _, name := range slices.Sorted(maps.Keys(w.skipped)) {
		got := skipped[name]
		if got == "" && slices.Contains(asked, name) {
			got = "it was asked"
		}
		m.differ("skipped "+name, w.skipped[name], got)
	}
	m.differ("stopped", w.stopped, orNone(r.Stopped))
	m.list("missing", w.missing, r.Missing)
	m.list("not needed", w.notNeeded, r.NotNeeded)
	if w.cost != nil && *w.cost != r.Cost {
		amount := func(c leadloop.Micros) string {
			return strconv.FormatFloat(float64(c)/1e6, 'f', -1, 64) + " " + p.Currency()
		}
		m.differ("cost", amount(*w.cost), amount(r.Cost))
	}
	m.differ("tier", w.tier, tier)
	return m.text(c.at, c.name, "The waterfall", how), asked
}

func orNone(s string) string {
	if s == "" {
		return none
	}
	return s
}
