package playbook

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
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

// Weights of fields that no single value of makes a difference for the score.
const (
	weightRoute    = 0.5  // an entry or a policy waits for it
	weightTogether = 0.05 // it makes a difference only together with others
)

// outlook answers the enrichment planner from the rules of a playbook.
//
// Tier and disqualification: the values of a field fall into cells within
// which no scoring rule changes its answer, so a value of each stands for all.
// If the exact range of the score leaves only one tier, none matters. Otherwise
// each field is tried alone, and those that change nothing alone are tried
// together with all others. Route and response time: for every tier that is
// possible the chain is asked with the fields unknown; an entry or policy that
// could have won before the one that did is what the fields it waits for could
// change. Where a field can't be enumerated it counts as one that matters.
type outlook struct {
	p       *Playbook
	store   store.Store
	regions map[string]bool // whose people need consent
	set     *rules.Set      // all expressions of the model
	rejects []bool          // by rule of the set: it disqualifies
	cells   map[string]cell // of fields whose cells don't move with time
	model   map[string]bool // fields that the model reads
	routes  map[string]bool // fields that routing reads
	byScore bool            // routing reads the score's points
	targets map[string]*routing.Target
	fits    map[string]bool // pools that choose by a score of their own
	names   map[leadloop.RepID]string
}

type cell struct {
	values []leadloop.Value
	exact  bool
}

var readsPoints = regexp.MustCompile(`\bscore\b`)

func (p *Playbook) newOutlook(st store.Store) (*outlook, error) {
	o := &outlook{
		p: p, store: st, regions: map[string]bool{}, cells: map[string]cell{}, model: setOf(p.model.Inputs()), routes: setOf(p.router.Fields()),
		targets: map[string]*routing.Target{}, fits: map[string]bool{}, names: map[leadloop.RepID]string{},
	}
	for _, c := range p.privacy.ConsentRequiredIn {
		o.regions[c.Text] = true
	}
	for _, name := range []string{routingFile, slaFile} {
		o.byScore = o.byScore || readsPoints.Match(p.contents[name])
	}
	for i := range p.routing.Chain {
		e := &p.routing.Chain[i]
		t := e.Target
		t.At = leadloop.Position{}
		o.targets[e.ID] = &t
	}
	for _, pool := range p.routing.Pools {
		switch pool.Strategy {
		case "", routing.StrategyFair, routing.StrategyPriority, routing.StrategyLeastLoaded:
		default:
			o.fits[pool.ID] = true
		}
	}
	for _, r := range p.routing.Reps {
		o.names[r.ID] = cmp.Or(r.Name, string(r.ID))
	}
	env, err := rules.NewEnv(p.schema, rules.Options{})
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
	for f := range o.model {
		if def, ok := p.schema.Lookup(f); ok && def.Kind != leadloop.KindTime {
			values, exact := o.set.Cells(f, time.Time{})
			o.cells[f] = cell{values, exact}
		}
	}
	return o, nil
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

// at returns the cells of a field at a moment.
func (o *outlook) at(field string, asOf time.Time) cell {
	if c, ok := o.cells[field]; ok {
		return c
	}
	values, exact := o.set.Cells(field, asOf)
	return cell{values, exact}
}

// Open implements enrich.Outlook.
func (o *outlook) Open(ctx context.Context, s leadloop.Subject, changeable []string) (enrich.Prospect, error) {
	l := &look{o: o, s: s, fields: changeable, open: map[string]*enrich.Influence{}, routed: map[routeKey]route{}}
	var out enrich.Prospect
	err := o.store.View(ctx, func(tx store.Tx) (err error) {
		l.open, l.routed = map[string]*enrich.Influence{}, map[routeKey]route{}
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
	open   map[string]*enrich.Influence
	routed map[routeKey]route
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
	tiers, err := l.score(ctx)
	if err != nil {
		return enrich.Prospect{}, err
	}
	decision, err := l.route(ctx, tiers)
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
			l.matters(f, weightRoute, "whether we may contact them")
		}
	}
}

// score opens the fields that could change the tier or disqualify the lead,
// and returns the tiers that it could be in; none if it is disqualified in any
// case.
func (l *look) score(ctx context.Context) ([]string, error) {
	var results rules.Results
	l.o.set.Eval(ctx, rules.Facts{Profile: l.bare, Activities: l.s.Lead.Activities, Now: l.s.AsOf}, &results)
	waiting, rejectable := map[string]bool{}, false
	for i := range l.o.set.Len() {
		if results.At(i).State != rules.Undecided {
			continue
		}
		for _, f := range l.o.set.Inputs(i).Fields {
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
	e, err := l.o.p.model.Explain(ctx, l.input(l.bare))
	if err != nil {
		return nil, err
	}
	if e.Disqualified != "" && l.now.Disqualified != "" {
		return nil, nil // whatever else there is, it is out
	}
	tiers := slices.Clone(e.PossibleTiers)
	if len(l.o.p.model.Tiers()) == 0 {
		tiers = []string{""}
	}
	if !slices.Contains(tiers, l.now.Tier) {
		tiers = append(tiers, l.now.Tier)
	}
	if len(tiers) == 1 && !rejectable && (!l.o.byScore || e.Low == e.High) {
		return tiers, nil
	}
	return tiers, l.try(ctx, waiting)
}

// ending is what the score makes of a lead, as far as it makes a difference.
type ending struct {
	rejected bool
	tier     string
	route    string // if routing reads the points
}

func (l *look) end(ctx context.Context, p *leadloop.Profile) (ending, error) {
	v, err := l.o.p.model.Verdict(ctx, l.input(p))
	if err != nil {
		return ending{}, err
	}
	return l.ending(ctx, v)
}

func (l *look) ending(ctx context.Context, s scoring.Verdict) (ending, error) {
	if s.Disqualified != "" {
		return ending{rejected: true}, nil
	}
	out := ending{tier: s.Tier}
	if l.o.byScore {
		r, err := l.ask(ctx, s)
		if err != nil {
			return out, err
		}
		out.route = r.ends
	}
	return out, nil
}

// try opens the fields among the waiting ones that make a difference.
func (l *look) try(ctx context.Context, waiting map[string]bool) error {
	now, err := l.ending(ctx, l.now)
	if err != nil {
		return err
	}
	var fields []string
	values := map[string][]leadloop.Value{}
	size, alone := 1, []string(nil)
	for _, f := range l.fields {
		if !waiting[f] {
			continue
		}
		c := l.o.at(f, l.s.AsOf)
		all := append([]leadloop.Value{{}}, c.values...)
		fields, values[f] = append(fields, f), all
		if size *= len(all); size > maxCompletions || !c.exact {
			size = maxCompletions + 1
		}
		// Alone, with everything else as it is.
		differ, what := 0, ""
		p := l.s.Profile.Clone()
		for _, v := range all {
			if err := p.SetValue(f, v); err != nil {
				return err
			}
			e, err := l.end(ctx, p)
			if err != nil {
				return err
			}
			if e != now {
				differ++
				what = cmp.Or(what, difference(e, now))
			}
		}
		if differ > 0 {
			l.matters(f, float64(differ)/float64(len(all)), what)
		} else {
			alone = append(alone, f)
		}
	}
	if len(alone) == 0 || len(fields) == 1 && size <= maxCompletions {
		return nil
	}
	if size > maxCompletions {
		for _, f := range alone {
			l.matters(f, weightTogether, "tier")
		}
		return nil
	}
	return l.together(ctx, fields, values, alone)
}

func difference(a, b ending) string {
	switch {
	case a.rejected != b.rejected:
		return "disqualification"
	case a.tier != b.tier:
		return "tier"
	}
	return "route"
}

// together looks for two completions of the fields that differ in nothing but
// a doubtful one and end apart. Such completions lie where a tier ends, so that
// most are found by a walk towards one; what is not found so is looked for in
// all completions.
func (l *look) together(ctx context.Context, fields []string, values map[string][]leadloop.Value, doubtful []string) error {
	var left []string
	for _, f := range doubtful {
		what, err := l.walk(ctx, fields, values, f)
		if err != nil {
			return err
		}
		if what != "" {
			l.matters(f, weightTogether, what)
		} else {
			left = append(left, f)
		}
	}
	if len(left) == 0 {
		return nil
	}
	return l.all(ctx, fields, values, left)
}

// walk gives the other fields, one after the other, the values with which the
// score comes as near as can be to where it would end apart, and tries the
// field after each; it returns what the field changes, or "".
func (l *look) walk(ctx context.Context, fields []string, values map[string][]leadloop.Value, field string) (string, error) {
	p := l.s.Profile.Clone()
	differ := func() (string, error) {
		var first ending
		for i, v := range values[field] {
			if err := p.SetValue(field, v); err != nil {
				return "", err
			}
			e, err := l.end(ctx, p)
			if err != nil {
				return "", err
			}
			if i == 0 {
				first = e
			} else if e != first {
				return difference(e, first), nil
			}
		}
		return "", nil
	}
	for _, g := range fields {
		if g == field {
			continue
		}
		for _, v := range values[g] {
			if err := p.SetValue(g, v); err != nil {
				return "", err
			}
			if what, err := differ(); what != "" || err != nil {
				return what, err
			}
		}
		// The last value that rules know, such as the largest size, stays.
	}
	return "", ctx.Err()
}

// all scores every completion of the fields.
func (l *look) all(ctx context.Context, fields []string, values map[string][]leadloop.Value, doubtful []string) error {
	var ends []ending
	p := l.s.Profile.Clone()
	var fill func(i int) error
	fill = func(i int) error {
		if i == len(fields) {
			e, err := l.end(ctx, p)
			ends = append(ends, e)
			return err
		}
		for _, v := range values[fields[i]] {
			if err := cmp.Or(p.SetValue(fields[i], v), ctx.Err()); err != nil {
				return err
			}
			if err := fill(i + 1); err != nil {
				return err
			}
		}
		return nil
	}
	if err := fill(0); err != nil {
		return err
	}
	// Completions are numbered like a clock whose last field turns fastest.
	stride := 1
	for i := len(fields) - 1; i >= 0; i-- {
		n := len(values[fields[i]])
		if slices.Contains(doubtful, fields[i]) {
			for at, e := range ends {
				first := at - at/stride%n*stride // the same with the field's first value
				if e != ends[first] {
					l.matters(fields[i], weightTogether, difference(e, ends[first]))
					break
				}
			}
		}
		stride *= n
	}
	return nil
}
