package playbook

import (
	"cmp"
	"context"
	"math"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/rules"
	"github.com/leadloop/leadloop/scoring"
	"github.com/leadloop/leadloop/store"
)

// Weights of fields that no values were counted for.
const (
	weightConsent  = 0.5
	weightAlone    = 0.5  // it does, for how many values was not counted
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
	live    *scoring.Live // has the model in force; nil means the playbook's
	store   store.Store
	terms   *privacy.Terms      // nil: nobody can be asked about consent
	regions map[string]bool     // whose people need consent
	enough  bool                // a consent that was granted suffices in all of them
	set     *rules.Set          // all expressions of the model
	rejects []bool              // by rule of the set: it disqualifies
	all     *rules.Set          // those of routing as well
	loose   map[string]bool     // fields that routing looks at in a way that all does not say
	cells   map[string]cell     // of fields whose cells don't move with time
	model   map[string]bool     // fields that the model reads
	routes  map[string]bool     // fields that routing reads
	byScore bool                // routing reads the score's points
	edges   []leadloop.Points   // of tiers by score, with and without hysteresis; none for a grid
	asks    map[string][]string // by entry: fields that its target asks for
	names   map[leadloop.RepID]string
	inputs  [][]string // by rule of the set
	results sync.Pool  // of *rules.Results
	// What most leads are tried with: the fields whose cells don't move with
	// time, and by name where they stand there.
	completer *scoring.Completer
	axes      []scoring.FieldValues
	axis      map[string]int
}

type cell struct {
	values []leadloop.Value
	exact  bool
}

var readsPoints = regexp.MustCompile(`\bscore\b`)

func (p *Playbook) newOutlook(st store.Store, live *scoring.Live, terms *privacy.Terms) (*outlook, error) {
	o := &outlook{
		p: p, live: live, terms: terms, store: st, regions: map[string]bool{}, cells: map[string]cell{}, model: setOf(p.model.Inputs()), routes: setOf(p.router.Fields()),
		asks: map[string][]string{}, names: map[leadloop.RepID]string{}, axis: map[string]int{},
	}
	o.enough = true
	for _, r := range p.privacy.Rules() {
		for _, c := range r.In {
			o.regions[c] = true
		}
		o.enough = o.enough && (len(r.Basis) == 0 || slices.Contains(r.Basis, privacy.BasisConsent))
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
		o.asks[e.ID] = asksOf(&e.Target)
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
	var asks []expression
	asks, o.loose = p.routingExpressions(len(list))
	for _, x := range asks {
		list = append(list, x.rule)
	}
	if o.all, err = env.Compile(list...); err != nil {
		return nil, err
	}
	for _, f := range p.deciding() {
		if def, ok := p.schema.Lookup(f); ok && def.Kind != leadloop.KindTime {
			values, exact := o.all.Cells(f, time.Time{})
			o.cells[f] = cell{values, exact && !o.loose[f]}
			if _, ok := o.axis[f]; exact && !ok && len(values) < math.MaxInt16 {
				o.axis[f] = len(o.axes)
				o.axes = append(o.axes, scoring.FieldValues{Field: f, Values: append([]leadloop.Value{{}}, values...)})
			}
		}
	}
	o.completer, err = p.model.NewCompleter(o.axes)
	return o, err
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

// at returns the cells of a field at a moment.
func (o *outlook) at(field string, asOf time.Time) cell {
	if c, ok := o.cells[field]; ok {
		return c
	}
	values, exact := o.all.Cells(field, asOf)
	return cell{values, exact && !o.loose[field]}
}

// Open implements enrich.Outlook.
func (o *outlook) Open(ctx context.Context, s leadloop.Subject, changeable []string) (enrich.Prospect, error) {
	l := &look{o: o, s: s, fields: changeable, model: o.p.model, open: map[string]*enrich.Influence{}}
	if o.live != nil {
		l.model = o.live.Active()
	}
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
	model  *scoring.Model    // in force
	now    scoring.Verdict   // on the lead as it is
	// completion scores values of the fields from tables; nil if that can't be.
	// has is which of the values stands for the one that the lead has.
	completion *scoring.Completion
	has        []int
	reads      routing.Reader
	q          routing.Request
	still      bool // it is not routed if its tier stays
	// otherOpen tells that the score of a model that is not the playbook's could
	// still change what happens.
	otherOpen bool
	open      map[string]*enrich.Influence
}

// doubt is why a field might matter.
type doubt struct{ what string }

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
	if reason, err := l.forbidden(ctx, tx); reason != "" || err != nil {
		return enrich.Prospect{Decision: "nobody may contact them without a consent", Refused: reason}, err
	}
	if err := l.judge(ctx); err != nil {
		return enrich.Prospect{}, err
	}
	if l.completion != nil {
		defer l.completion.End()
	}
	l.consent()
	doubtful := map[string]*doubt{}
	score := l.score
	switch {
	case l.completion != nil:
		score = l.scoreByTables
	case l.model.Digest() != l.o.p.model.Digest():
		score = l.scoreByOther
	}
	tiers, err := score(ctx, doubtful)
	if err != nil {
		return enrich.Prospect{}, err
	}
	if err := l.routes(ctx, tiers, doubtful); err != nil {
		return enrich.Prospect{}, err
	}
	if err := l.settle(ctx, doubtful); err != nil {
		return enrich.Prospect{}, err
	}
	var p enrich.Prospect
	for _, f := range l.fields {
		if in := l.open[f]; in != nil {
			p.Open = append(p.Open, *in)
		}
	}
	if len(p.Open) == 0 {
		p.Decision, err = l.words(ctx)
	}
	return p, err
}

// judge scores the lead as it is, in a way that values of its fields can be
// tried with, if they, and those that the lead has, fall into cells that the
// tables of the playbook's model have.
func (l *look) judge(ctx context.Context) (err error) {
	tables := l.model.Digest() == l.o.p.model.Digest()
	axes := make([]int, len(l.fields))
	l.has = make([]int, len(l.fields))
	for i, f := range l.fields {
		a, ok := l.o.axis[f]
		axes[i] = a
		if !ok {
			// One that nobody reads makes no difference.
			tables, axes[i] = tables && !l.o.model[f] && !l.o.routes[f], scoring.Free
			continue
		}
		if v := l.s.Profile.Value(f); v.Presence() != leadloop.Absent {
			at, ok := l.o.all.Cell(f, v)
			tables, l.has[i] = tables && ok, at+1 // behind that nobody knows
		}
	}
	if tables {
		if l.completion, err = l.o.completer.Begin(ctx, l.input(l.bare), axes); err != nil {
			return err
		}
	}
	if l.completion != nil && l.bare == l.s.Profile {
		l.now = l.completion.Now()
		return nil
	}
	l.now, err = l.model.Verdict(ctx, l.input(l.s.Profile))
	return err
}

// scoreByTables does what score does with a completion.
func (l *look) scoreByTables(_ context.Context, doubtful map[string]*doubt) ([]string, error) {
	if l.completion.Now().Disqualified != "" {
		return nil, nil // whatever else there is, it is out
	}
	free := make([]int, len(l.fields))
	for i := range free {
		free[i] = scoring.Free
	}
	v, high, ok := l.completion.Settled(free)
	switch {
	case ok && v.Disqualified != "":
		return nil, nil
	case ok && (!l.o.byScore || v.Points == high):
		return []string{v.Tier}, nil
	}
	for i, f := range l.fields {
		if l.completion.Reads(i) {
			doubtful[f] = &doubt{what: "tier"}
		}
	}
	return l.completion.Tiers(), nil
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
	if len(l.o.regions) == 0 || l.o.enough && consent == leadloop.ConsentGranted {
		return
	}
	_, person := leadloop.Country.Get(l.bare)
	for _, f := range l.fields {
		if f == leadloop.Country.Name() || f == leadloop.CompanyCountry.Name() && person != leadloop.Present {
			l.matters(f, weightConsent, "whether we may contact them")
		}
	}
}

// forbidden is the reason if the person must not be contacted without a consent
// that is not there, whatever else is learnt.
func (l *look) forbidden(ctx context.Context, tx store.Tx) (string, error) {
	_, person := leadloop.Country.Get(l.bare)
	if l.o.terms == nil || len(l.o.regions) == 0 || slices.Contains(l.fields, leadloop.Consent.Name()) ||
		person != leadloop.Present && slices.Contains(l.fields, leadloop.Country.Name()) {
		return "", nil
	}
	return l.o.terms.Refuse(ctx, tx, l.s.Lead, l.bare, privacy.PurposeContact, l.s.AsOf)
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
			v, err = l.model.Verdict(ctx, l.input(l.bare))
		}
		if err != nil || v.Disqualified != "" {
			return nil, err // whatever else there is, it is out
		}
	}
	tiers := l.model.Tiers()
	if !rejectable && !l.o.byScore && l.now.Known && l.now.Disqualified == "" {
		// Only the tier could change anything.
		if len(l.o.edges) > 0 {
			r, err := l.model.Score(ctx, l.input(l.bare))
			if err != nil {
				return nil, err
			}
			if l.o.sameTier(r.Low, r.High) {
				return []string{l.now.Tier}, nil
			}
		}
		e, err := l.model.Explain(ctx, l.input(l.bare))
		if err != nil {
			return nil, err
		}
		if tiers = e.PossibleTiers; len(tiers) == 1 && tiers[0] == l.now.Tier {
			return tiers, nil
		}
	}
	if !slices.Contains(tiers, l.now.Tier) {
		tiers = append(tiers, l.now.Tier)
	}
	for f := range waiting {
		doubtful[f] = &doubt{what: "tier"}
	}
	return tiers, nil
}
