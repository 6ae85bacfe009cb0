package enrich

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/suggest"
	"github.com/leadloop/leadloop/internal/yamldoc"
	"github.com/leadloop/leadloop/normalize"
)

// Definition is an enrich.yaml that was read. It is immutable.
type Definition struct {
	doc      document
	terms    []Source // what the file says about each provider's terms
	options  Options
	currency string
}

type document struct {
	At          leadloop.Position
	Currency    leadloop.Expression              `yaml:"currency"`
	Deadline    time.Duration                    `yaml:"deadline"`
	MinFit      leadloop.Expression              `yaml:"min_fit"`
	TTL         time.Duration                    `yaml:"ttl"`
	NegativeTTL time.Duration                    `yaml:"negative_ttl"`
	Budget      budgetDocument                   `yaml:"budget"`
	Order       leadloop.Expression              `yaml:"order"`
	Purpose     leadloop.Expression              `yaml:"purpose"`
	Refresh     map[string][]leadloop.Expression `yaml:"refresh"`
	Groups      []groupDocument                  `yaml:"groups"`
	Fields      map[string]policyDocument        `yaml:"fields"`
	Providers   []providerDocument               `yaml:"providers,required"`
}

type budgetDocument struct {
	Day   leadloop.Expression `yaml:"day"`
	Month leadloop.Expression `yaml:"month"`
	Lead  leadloop.Expression `yaml:"lead"`
}

type sourceBudgetDocument struct {
	Day   leadloop.Expression `yaml:"day"`
	Month leadloop.Expression `yaml:"month"`
}

type groupDocument struct {
	At        leadloop.Position
	Fields    []leadloop.Expression `yaml:"fields,required"`
	Providers []leadloop.Expression `yaml:"providers"`
	Order     leadloop.Expression   `yaml:"order"`
}

type policyDocument struct {
	At            leadloop.Position
	Buy           leadloop.Expression `yaml:"buy"`
	TTL           time.Duration       `yaml:"ttl"`
	MinConfidence float64             `yaml:"min_confidence"`
	Min           *float64            `yaml:"min"`
	Max           *float64            `yaml:"max"`
}

type providerDocument struct {
	At   leadloop.Position
	Name leadloop.Expression `yaml:"name,required"`
	Type leadloop.Expression `yaml:"type,required"`

	Price       leadloop.Expression   `yaml:"price"`
	Charge      leadloop.Expression   `yaml:"charge"`
	MatchRate   float64               `yaml:"match_rate"`
	Bundle      bool                  `yaml:"bundle"`
	Budget      sourceBudgetDocument  `yaml:"budget"`
	Countries   []leadloop.Expression `yaml:"countries"`
	ConsentIn   []leadloop.Expression `yaml:"consent_in"`
	Purposes    []leadloop.Expression `yaml:"purposes"`
	HedgeAfter  time.Duration         `yaml:"hedge_after"`
	Timeout     time.Duration         `yaml:"timeout"`
	Retries     *int                  `yaml:"retries"`
	Rate        int                   `yaml:"rate"`
	Concurrency int                   `yaml:"concurrency"`

	Fields   []leadloop.Expression          `yaml:"fields"`
	Needs    []leadloop.Expression          `yaml:"needs"`
	Path     leadloop.Expression            `yaml:"path"`
	Key      leadloop.Expression            `yaml:"key"`
	Method   leadloop.Expression            `yaml:"method"`
	URL      leadloop.Expression            `yaml:"url"`
	Headers  map[string]leadloop.Expression `yaml:"headers"`
	Body     leadloop.Expression            `yaml:"body"`
	Response responseDocument               `yaml:"response"`
	Status   map[string]leadloop.Expression `yaml:"status"`
	Batch    batchDocument                  `yaml:"batch"`
	Facts    map[string]leadloop.Expression `yaml:"facts"`
}

type responseDocument struct {
	At            leadloop.Position
	Match         leadloop.Expression            `yaml:"match"`
	Fields        map[string]leadloop.Expression `yaml:"fields"`
	Confidence    leadloop.Expression            `yaml:"confidence"`
	ConfidenceMax float64                        `yaml:"confidence_max"`
	VerifiedAt    leadloop.Expression            `yaml:"verified_at"`
	Values        map[string]valueDocument       `yaml:"values"`
}

type valueDocument struct {
	Path leadloop.Expression `yaml:"path,required"`
	Type leadloop.Expression `yaml:"type,required"`
}

type batchDocument struct {
	At      leadloop.Position
	Size    int                 `yaml:"size,required"`
	URL     leadloop.Expression `yaml:"url,required"`
	Query   leadloop.Expression `yaml:"query,required"`
	Body    leadloop.Expression `yaml:"body"`
	Answers leadloop.Expression `yaml:"answers"`
	Key     leadloop.Expression `yaml:"key"`
}

// The types of provider that a file can name.
const (
	typeFile = "file"
	typeHTTP = "http"
	typeHost = "host"
	typeSite = "website"
)

// Parse reads an enrich.yaml and reports all that is wrong with it by itself;
// [Definition.Sources] reports what is wrong against a schema and a host. The
// definition is never nil, and incomplete if there are problems.
func Parse(file string, data []byte) (*Definition, leadloop.Problems) {
	d := &Definition{}
	problems := yamldoc.Decode(file, data, &d.doc)
	p := parser{&problems}
	doc := &d.doc
	d.currency = "USD"
	if !doc.Currency.IsZero() {
		d.currency = doc.Currency.Text
		if len(d.currency) != 3 || strings.Trim(d.currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			p.add(doc.Currency, "currency: expected a code of three capital letters, such as USD")
		}
	}
	d.options = Options{
		Deadline: doc.Deadline, TTL: doc.TTL, NegativeTTL: doc.NegativeTTL,
		Budget: Budget{
			Day:   p.money("budget.day", doc.Budget.Day),
			Month: p.money("budget.month", doc.Budget.Month),
			Lead:  p.money("budget.lead", doc.Budget.Lead),
		},
		Order: Order(p.choice("order", doc.Order, orderNames[:])), Purpose: doc.Purpose.Text,
	}
	for _, g := range doc.Groups {
		d.options.Groups = append(d.options.Groups, Group{
			Fields: textsOf(g.Fields), Sources: textsOf(g.Providers), Order: Order(p.choice("groups.order", g.Order, orderNames[:])),
		})
	}
	if doc.Refresh != nil {
		d.options.Refresh = map[string][]string{}
		for activity, fields := range doc.Refresh {
			d.options.Refresh[activity] = textsOf(fields)
		}
	}
	for _, d := range []struct {
		name string
		of   time.Duration
	}{{"deadline", doc.Deadline}, {"negative_ttl", doc.NegativeTTL}, {"ttl", doc.TTL}} {
		if d.of < 0 {
			problems.Add(doc.At, "%s: is negative", d.name)
		}
	}
	if !doc.MinFit.IsZero() {
		f, err := strconv.ParseFloat(doc.MinFit.Text, 64)
		fit, ok := leadloop.PointsOf(f)
		if err != nil || !ok {
			p.add(doc.MinFit, "min_fit: expected points, such as 20")
		}
		d.options.MinFit = &fit
	}
	for _, name := range sortedKeys(doc.Fields) {
		f := doc.Fields[name]
		switch {
		case !(f.MinConfidence >= 0 && f.MinConfidence <= 1):
			problems.Add(f.At, "fields.%s.min_confidence: expected a number from 0 to 1", name)
		case f.TTL < 0:
			problems.Add(f.At, "fields.%s.ttl: is negative", name)
		case f.Min != nil && f.Max != nil && *f.Min > *f.Max:
			problems.Add(f.At, "fields.%s: min is above max", name)
		}
		if d.options.Policies == nil {
			d.options.Policies = map[string]FieldPolicy{}
		}
		d.options.Policies[name] = FieldPolicy{Buy: Buy(p.choice("fields."+name+".buy", f.Buy, buyNames[:])), TTL: f.TTL, MinConfidence: f.MinConfidence, Min: f.Min, Max: f.Max}
	}
	p.groups(doc)
	for i := range doc.Providers {
		d.terms = append(d.terms, p.terms(doc.Providers[:i], doc.Providers[i]))
	}
	problems.Sort()
	return d, problems
}

// Options returns what the file says; the caller adds Fields, and PreScore if
// MinFit is set.
func (d *Definition) Options() Options {
	o := d.options
	o.Policies = maps.Clone(o.Policies)
	return o
}

// Currency returns the currency of all prices and budgets; USD if the file
// does not say.
func (d *Definition) Currency() string { return d.currency }

type parser struct{ problems *leadloop.Problems }

func (p parser) add(at leadloop.Expression, format string, args ...any) {
	p.problems.Add(at.At, format, args...)
}

// money reads an amount in units of the currency, such as 0.05, exactly.
func (p parser) money(what string, e leadloop.Expression) leadloop.Micros {
	if e.IsZero() {
		return 0
	}
	text := strings.TrimSpace(e.Text)
	if strings.HasPrefix(text, "-") {
		p.add(e, "%s: is negative", what)
		return 0
	}
	whole, frac, _ := strings.Cut(text, ".")
	n, err := strconv.ParseUint(whole+(frac + "000000")[:max(6, len(frac))], 10, 63)
	if err != nil || len(frac) > 6 || whole == "" {
		p.add(e, "%s: expected an amount such as 0.05, with up to six decimals", what)
		return 0
	}
	return leadloop.Micros(n)
}

// choice reads one of some names; the first is what is meant without one.
func (p parser) choice(what string, e leadloop.Expression, names []string) int {
	if e.IsZero() {
		return 0
	}
	i := slices.Index(names, e.Text)
	if i < 0 {
		hint := suggest.DidYouMean(e.Text, names)
		if hint == "" {
			hint = "known here: " + strings.Join(names, ", ")
		}
		p.problems.AddHint(e.At, hint, "%s: there is no %q", what, e.Text)
	}
	return max(i, 0)
}

// groups reports providers that do not exist and fields that stand in two.
func (p parser) groups(doc *document) {
	var names []string
	for _, d := range doc.Providers {
		names = append(names, d.Name.Text)
	}
	seen := map[string]bool{}
	for _, g := range doc.Groups {
		for i, e := range g.Providers {
			switch {
			case !slices.Contains(names, e.Text):
				p.problems.AddHint(e.At, suggest.DidYouMean(e.Text, names), "groups.providers: there is no provider %q", e.Text)
			case slices.ContainsFunc(g.Providers[:i], func(b leadloop.Expression) bool { return b.Text == e.Text }):
				p.add(e, "groups.providers: provider %q stands there twice", e.Text)
			}
		}
		for _, e := range g.Fields {
			if seen[e.Text] {
				p.add(e, "groups.fields: field %s stands in a group already", e.Text)
			}
			seen[e.Text] = true
		}
	}
}

func textsOf(list []leadloop.Expression) []string {
	var out []string
	for _, e := range list {
		out = append(out, e.Text)
	}
	return out
}

func (p parser) countries(key string, list []leadloop.Expression) []string {
	var out []string
	for _, c := range list {
		iso, ok := normalize.Country(c.Text)
		if !ok {
			p.add(c, "%s: %q is not a country", key, c.Text)
		}
		out = append(out, iso)
	}
	return out
}

func (p parser) terms(before []providerDocument, doc providerDocument) Source {
	s := Source{
		Name: doc.Name.Text, Price: p.money("price", doc.Price), Timeout: doc.Timeout,
		RatePerSecond: doc.Rate, Concurrency: doc.Concurrency,
	}
	switch {
	case doc.Name.At == leadloop.Position{}: // the decoder has said that it is missing
	case s.Name == "" || s.Name != normalize.Text(s.Name):
		p.add(doc.Name, "name: a provider has a name, without outer spaces")
	case slices.ContainsFunc(before, func(b providerDocument) bool { return b.Name.Text == s.Name }):
		p.add(doc.Name, "name: a provider %q stands above already", s.Name)
	}
	if !doc.Charge.IsZero() {
		i := slices.Index(chargeNames[:], doc.Charge.Text)
		if i < 0 {
			p.problems.AddHint(doc.Charge.At, "call: every answer costs; match: only found ones; valid: only accepted ones", "charge: expected call, match or valid, found %q", doc.Charge.Text)
		}
		s.Charge = Charge(max(i, 0))
	}
	s.Countries, s.ConsentIn = p.countries("countries", doc.Countries), p.countries("consent_in", doc.ConsentIn)
	s.Purposes, s.Bundle, s.MatchRate, s.HedgeAfter = textsOf(doc.Purposes), doc.Bundle, doc.MatchRate, doc.HedgeAfter
	s.Budget = Budget{Day: p.money("budget.day", doc.Budget.Day), Month: p.money("budget.month", doc.Budget.Month)}
	if !(s.MatchRate >= 0 && s.MatchRate <= 1) {
		p.problems.Add(doc.At, "match_rate: expected a number from 0 to 1")
	}
	if s.HedgeAfter < 0 || s.HedgeAfter > 0 && s.Price > 0 {
		p.problems.Add(doc.At, "hedge_after: only a provider without a price is asked a second time beside the first")
	}
	if doc.Retries != nil {
		switch s.Retries = *doc.Retries; {
		case s.Retries == 0:
			s.Retries = NoRetries
		case s.Retries < 0:
			p.problems.Add(doc.At, "retries: is negative")
		}
	}
	if s.Timeout < 0 || s.Retries < NoRetries || s.Retries > 10 || s.RatePerSecond < 0 || s.Concurrency < 0 || s.Concurrency > 1000 {
		p.problems.Add(doc.At, "timeout, retries (0 to 10), rate or concurrency (up to 1000) is out of range")
	}
	p.shape(doc)
	return s
}

// shape reports keys that a provider of this type needs or has no use for.
func (p parser) shape(doc providerDocument) {
	if doc.Type.At == (leadloop.Position{}) {
		return // the decoder has said that it is missing
	}
	keys := []struct {
		name  string
		given bool
		at    leadloop.Position
		need  []string // types that need it
		may   []string // types that may have it
	}{
		{"path", !doc.Path.IsZero(), doc.Path.At, []string{typeFile}, nil},
		{"key", !doc.Key.IsZero(), doc.Key.At, []string{typeFile}, nil},
		{"fields", len(doc.Fields) > 0, doc.At, []string{typeHost}, []string{typeFile}},
		{"needs", len(doc.Needs) > 0, doc.At, []string{typeHost}, nil},
		{"url", !doc.URL.IsZero(), doc.URL.At, []string{typeHTTP}, nil},
		{"response", len(doc.Response.Fields) > 0, doc.Response.At, []string{typeHTTP}, nil},
		{"method", !doc.Method.IsZero(), doc.Method.At, nil, []string{typeHTTP}},
		{"headers", len(doc.Headers) > 0, doc.At, nil, []string{typeHTTP}},
		{"body", !doc.Body.IsZero(), doc.Body.At, nil, []string{typeHTTP}},
		{"status", len(doc.Status) > 0, doc.At, nil, []string{typeHTTP}},
		{"batch", doc.Batch.At != (leadloop.Position{}), doc.Batch.At, nil, []string{typeHTTP}},
		{"facts", len(doc.Facts) > 0, doc.At, []string{typeSite}, nil},
	}
	types := []string{typeFile, typeHTTP, typeHost, typeSite}
	if !slices.Contains(types, doc.Type.Text) {
		hint := suggest.DidYouMean(doc.Type.Text, types)
		if hint == "" {
			hint = "known here: file, http, website, host (given by the program)"
		}
		p.problems.AddHint(doc.Type.At, hint, "type: there is no provider of type %q", doc.Type.Text)
		return
	}
	for _, k := range keys {
		switch {
		case slices.Contains(k.need, doc.Type.Text) && !k.given:
			p.problems.Add(doc.At, "a provider of type %s needs the key %q", doc.Type.Text, k.name)
		case k.given && !slices.Contains(k.need, doc.Type.Text) && !slices.Contains(k.may, doc.Type.Text):
			p.problems.Add(k.at, "%s: a provider of type %s has no use for it", k.name, doc.Type.Text)
		}
	}
}
