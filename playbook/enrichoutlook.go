package playbook

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/rules"
	"github.com/leadloop/leadloop/scoring"
	"github.com/leadloop/leadloop/store"
)

// maxCompletions is how many completions of the missing fields are scored one
// by one to find out whether a field matters only together with others. Where
// there are more, such a field counts as one that matters.
const maxCompletions = 2048

// Weights of fields that make no difference alone.
const (
	weightConsent  = 0.5
	weightTogether = 0.05 // it does together with others, or that can't be told
)

// outlook answers the enrichment planner from the rules of a playbook.
//
// First comes what is cheap and errs on the safe side: the exact range of the
// score says which tiers are possible, and for each of them the chain is asked
// with the fields unknown, which says what an entry or a policy waits for. If
// that leaves no field, none matters. Otherwise the fields it leaves are tried.
// Their values fall into cells within which no rule changes its answer, so a
// value of each stands for all: alone first, then together with the others.
// Where a field can't be enumerated, or there are too many completions, it
// counts as one that matters.
type outlook struct {
	p       *Playbook
	store   store.Store
	regions map[string]bool   // whose people need consent
	set     *rules.Set        // all expressions of the model
	rejects []bool            // by rule of the set: it disqualifies
	all     *rules.Set        // those of routing as well
	whole   bool              // all says everything that routing asks of a field
	cells   map[string]cell   // of fields whose cells don't move with time
	model   map[string]bool   // fields that the model reads
	routes  map[string]bool   // fields that routing reads
	byScore bool              // routing reads the score's points
	edges   []leadloop.Points // of tiers by score, with and without hysteresis; none for a grid
	speaks  map[string]bool   // entries that ask for the lead's language
	fits    map[string]bool   // pools that choose by a score of their own
	names   map[leadloop.RepID]string
	title   string     // of the playbook
	inputs  [][]string // by rule of the set
	results sync.Pool  // of *rules.Results
}

type cell struct {
	values []leadloop.Value
	exact  bool
}

var readsPoints = regexp.MustCompile(`\bscore\b`)

func (p *Playbook) newOutlook(st store.Store) (*outlook, error) {
	o := &outlook{
		p: p, store: st, regions: map[string]bool{}, cells: map[string]cell{}, model: setOf(p.model.Inputs()), routes: setOf(p.router.Fields()),
		speaks: map[string]bool{}, fits: map[string]bool{}, names: map[leadloop.RepID]string{},
	}
	for _, c := range p.privacy.ConsentRequiredIn {
		o.regions[c.Text] = true
	}
	hysteresis, _ := leadloop.PointsOf(p.scoring.Hysteresis)
	for _, t := range p.scoring.Tiers {
		edge, _ := leadloop.PointsOf(t.From)
		o.edges = append(o.edges, edge, edge-hysteresis)
	}
	for _, name := range []string{routingFile, slaFile} {
		o.byScore = o.byScore || readsPoints.Match(p.contents[name])
	}
	for i := range p.routing.Chain {
		e := &p.routing.Chain[i]
		o.speaks[e.ID] = e.Target.Speaks
	}
	for _, pool := range p.routing.Pools {
		o.fits[pool.ID] = !plainPool(pool.Strategy)
	}
	for _, r := range p.routing.Reps {
		o.names[r.ID] = cmp.Or(r.Name, string(r.ID))
	}
	env, err := rules.NewEnv(p.schema, rules.Options{Vars: routing.Vars()})
	if err != nil {
		return nil, err
	}
	var list []rules.Rule
	for _, x := range p.expressions() {
		list, o.rejects = append(list, x.rule), append(o.rejects, x.rejects)
	}
	if o.set, err = env.Compile(list...); err != nil {
		return nil, err
	}
	for i := range list {
		o.inputs = append(o.inputs, o.set.Inputs(i).Fields)
	}
	o.title = p.Name()
	var asks []expression
	asks, o.whole = p.routingExpressions(len(list))
	for _, x := range asks {
		list = append(list, x.rule)
	}
	if o.all, err = env.Compile(list...); err != nil {
		return nil, err
	}
	for _, f := range p.deciding() {
		if def, ok := p.schema.Lookup(f); ok && def.Kind != leadloop.KindTime {
			values, exact := o.all.Cells(f, time.Time{})
			o.cells[f] = cell{values, exact && (o.whole || !o.routes[f])}
		}
	}
	return o, nil
}

// sameTier reports whether no tier begins, with or without the hysteresis,
// between two scores.
func (o *outlook) sameTier(low, high leadloop.Points) bool {
	return !slices.ContainsFunc(o.edges, func(e leadloop.Points) bool { return low < e && e <= high })
}

func setOf(names []string) map[string]bool {
	out := make(map[string]bool, len(names))
	for _, n := range names {
		out[n] = true
	}
	return out
}

// expression is one CEL expression of the model.
type expression struct {
	rule    rules.Rule
	reader  string // as a person would call whose it is
	rejects bool
}

// expressions are those of rules, modifiers and weights, without numbers.
func (p *Playbook) expressions() []expression {
	var out []expression
	add := func(reader string, e leadloop.Expression, kind leadloop.Kind, rejects bool) {
		if _, err := strconv.ParseFloat(strings.TrimSpace(e.Text), 64); e.IsZero() || err == nil {
			return
		}
		out = append(out, expression{rules.Rule{ID: strconv.Itoa(len(out)), Expression: e, Type: kind}, reader, rejects})
	}
	for _, r := range p.scoring.Rules {
		add("rule "+r.ID, r.When, leadloop.KindBool, r.Disqualify != "")
		add("rule "+r.ID, r.Points, leadloop.KindFloat, false)
	}
	for _, m := range p.scoring.Modifiers {
		add("modifier "+m.ID, m.When, leadloop.KindBool, false)
	}
	return out
}

// routingExpressions are the conditions of entries and policies as CEL. It is
// false if there is one that this does not know how to write.
func (p *Playbook) routingExpressions(first int) (out []expression, whole bool) {
	reader := ""
	add := func(text string) {
		r := rules.Rule{ID: strconv.Itoa(first + len(out)), Expression: leadloop.Expression{Text: text}, Type: leadloop.KindBool}
		out = append(out, expression{rule: r, reader: reader})
	}
	whole = true
	for _, e := range p.routing.Chain {
		reader = "entry " + e.ID
		for _, l := range []struct {
			field  string
			values []string
		}{
			{leadloop.Source.Name(), e.Source}, {leadloop.Partner.Name(), e.Partner}, {leadloop.Country.Name(), e.Country}, {leadloop.Region.Name(), e.Region},
			{leadloop.Industry.Name(), e.Industry}, {leadloop.ProductInterest.Name(), e.Product}, {leadloop.Language.Name(), e.Language},
		} {
			for _, v := range l.values {
				add(l.field + " == " + strconv.Quote(v))
			}
		}
		if r := e.Employees; r != nil && r.Min != nil {
			add(fmt.Sprintf("%s >= %d", leadloop.Employees.Name(), *r.Min))
		}
		if r := e.Employees; r != nil && r.Max != nil {
			add(fmt.Sprintf("%s <= %d", leadloop.Employees.Name(), *r.Max))
		}
		if !e.When.IsZero() {
			add(e.When.Text)
		}
		known := routing.Entry{
			ID: e.ID, When: e.When, Source: e.Source, Partner: e.Partner, Country: e.Country, Region: e.Region, Industry: e.Industry,
			Product: e.Product, Language: e.Language, Tier: e.Tier, Employees: e.Employees, Target: e.Target, At: e.At,
		}
		// Whom a pool chooses can depend on more than its entry asks.
		whole = whole && reflect.DeepEqual(e, known) && !e.Target.Speaks
	}
	for _, d := range p.sla.Policies {
		if reader = "response time " + d.ID; !d.When.IsZero() {
			add(d.When.Text)
		}
	}
	for _, d := range p.routing.Pools {
		whole = whole && plainPool(d.Strategy)
	}
	return out, whole
}

// plainPool tells pools whose choice does not depend on the lead.
func plainPool(strategy string) bool {
	switch strategy {
	case "", routing.StrategyFair, routing.StrategyPriority, routing.StrategyLeastLoaded:
		return true
	}
	return false
}

// at returns the cells of a field at a moment.
func (o *outlook) at(field string, asOf time.Time) cell {
	if c, ok := o.cells[field]; ok {
		return c
	}
	values, exact := o.all.Cells(field, asOf)
	return cell{values, exact && (o.whole || !o.routes[field])}
}

// Open implements enrich.Outlook.
func (o *outlook) Open(ctx context.Context, s leadloop.Subject, changeable []string) (enrich.Prospect, error) {
	l := &look{o: o, s: s, fields: changeable, open: map[string]*enrich.Influence{}}
	var out enrich.Prospect
	err := o.store.View(ctx, func(tx store.Tx) (err error) {
		l.open = map[string]*enrich.Influence{}
		out, err = l.look(ctx, tx)
		return err
	})
	return out, err
}

// look is one question about one lead.
type look struct {
	o      *outlook
	s      leadloop.Subject
	fields []string
	bare   *leadloop.Profile // with the fields unknown
	now    scoring.Verdict   // on the lead as it is
	reads  routing.Reader
	q      routing.Request
	still  bool // it is not routed if its tier stays
	// tierOnly tells that of the score only the tier could change anything.
	tierOnly bool
	open     map[string]*enrich.Influence
}

// doubt is why a field might matter.
type doubt struct {
	tier, route bool
	what        string
}

func (l *look) look(ctx context.Context, tx store.Tx) (enrich.Prospect, error) {
	l.bare = l.s.Profile
	for _, f := range l.fields {
		if l.bare.Value(f).Presence() == leadloop.Absent {
			continue
		}
		if l.bare == l.s.Profile {
			l.bare = l.s.Profile.Clone()
		}
		if err := l.bare.SetValue(f, leadloop.Value{}); err != nil {
			return enrich.Prospect{}, err
		}
	}
	if err := l.begin(ctx, tx); err != nil {
		return enrich.Prospect{}, err
	}
	var err error
	if l.now, err = l.o.p.model.Verdict(ctx, l.input(l.s.Profile)); err != nil {
		return enrich.Prospect{}, err
	}
	l.consent()
	doubtful := map[string]*doubt{}
	tiers, err := l.score(ctx, doubtful)
	if err != nil {
		return enrich.Prospect{}, err
	}
	if err := l.routes(ctx, tiers, doubtful); err != nil {
		return enrich.Prospect{}, err
	}
	if err := l.try(ctx, doubtful); err != nil {
		return enrich.Prospect{}, err
	}
	decision, err := l.words(ctx)
	if err != nil {
		return enrich.Prospect{}, err
	}
	p := enrich.Prospect{Decision: decision}
	for _, f := range l.fields {
		if in := l.open[f]; in != nil {
			p.Open = append(p.Open, *in)
		}
	}
	return p, nil
}

func (l *look) input(p *leadloop.Profile) scoring.Input {
	return scoring.Input{Profile: p, Activities: l.s.Lead.Activities, AsOf: l.s.AsOf, PreviousTier: l.s.Previous.Score.Tier}
}

// matters opens a field, and says what it could change.
func (l *look) matters(field string, weight float64, what string) {
	in := l.open[field]
	if in == nil {
		in = &enrich.Influence{Field: field}
		l.open[field] = in
	}
	in.Weight = max(in.Weight, weight)
	switch {
	case in.Changes == "":
		in.Changes = what
	case !strings.Contains(in.Changes, what):
		in.Changes += " and " + what
	}
}

// consent opens the countries where a person from there would need a consent
// that is not given.
func (l *look) consent() {
	consent, _ := leadloop.Consent.Get(l.s.Profile)
	if len(l.o.regions) == 0 || consent == leadloop.ConsentGranted {
		return
	}
	_, person := leadloop.Country.Get(l.bare)
	for _, f := range l.fields {
		if f == leadloop.Country.Name() || f == leadloop.CompanyCountry.Name() && person != leadloop.Present {
			l.matters(f, weightConsent, "whether we may contact them")
		}
	}
}

// score adds the fields that could change the tier or disqualify the lead, and
// returns the tiers that it could be in; none if it is disqualified in any
// case.
func (l *look) score(ctx context.Context, doubtful map[string]*doubt) ([]string, error) {
	results, _ := l.o.results.Get().(*rules.Results)
	if results == nil {
		results = &rules.Results{}
	}
	defer l.o.results.Put(results)
	l.o.set.Eval(ctx, rules.Facts{Profile: l.bare, Activities: l.s.Lead.Activities, Now: l.s.AsOf}, results)
	waiting, rejectable := map[string]bool{}, false
	for i := range l.o.set.Len() {
		if results.At(i).State != rules.Undecided {
			continue
		}
		for _, f := range l.o.inputs[i] {
			if slices.Contains(l.fields, f) {
				waiting[f] = true
				rejectable = rejectable || l.o.rejects[i]
			}
		}
	}
	if len(waiting) == 0 {
		if l.now.Disqualified != "" {
			return nil, nil
		}
		return []string{l.now.Tier}, nil
	}
	if l.now.Disqualified != "" {
		v, err := l.now, error(nil)
		if l.bare != l.s.Profile {
			v, err = l.o.p.model.Verdict(ctx, l.input(l.bare))
		}
		if err != nil || v.Disqualified != "" {
			return nil, err // whatever else there is, it is out
		}
	}
	l.tierOnly = !rejectable && !l.o.byScore && l.now.Known && l.now.Disqualified == ""
	if l.tierOnly && len(l.o.edges) > 0 {
		r, err := l.o.p.model.Score(ctx, l.input(l.bare))
		if err != nil {
			return nil, err
		}
		if l.o.sameTier(r.Low, r.High) {
			return []string{l.now.Tier}, nil
		}
	}
	// Whether one of them is out of reach is found out where it matters.
	tiers := l.o.p.model.Tiers()
	if !slices.Contains(tiers, l.now.Tier) {
		tiers = append(tiers, l.now.Tier)
	}
	for f := range waiting {
		doubtful[f] = &doubt{tier: true, what: "tier"}
	}
	return tiers, nil
}

// tierDecided asks the exact range whether only one tier is possible. It costs
// more than trying single values, and is asked when those change nothing.
func (l *look) tierDecided(ctx context.Context) (bool, error) {
	if !l.tierOnly {
		return false, nil
	}
	e, err := l.o.p.model.Explain(ctx, l.input(l.bare))
	return err == nil && len(e.PossibleTiers) == 1 && e.PossibleTiers[0] == l.now.Tier, err
}
