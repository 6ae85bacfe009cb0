package lifecycle

import (
	"context"
	"fmt"
	"slices"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// Vars are the variables that criteria read besides the schema's fields, in
// the order of the environment.
//
//	score        the lead's points; undecided before it is scored
//	tier         its tier; undecided before it is scored
//	stage        the stage it is in
//	status       what its owner does with it, "" for none
//	owner        the rep who owns it, "" for nobody
//	disposition  where the loop left it: assigned, queued, nurture, …
func Vars() []rules.Var {
	return []rules.Var{
		{Name: "score", Kind: leadloop.KindFloat},
		{Name: "tier", Kind: leadloop.KindString},
		{Name: "stage", Kind: leadloop.KindString},
		{Name: "status", Kind: leadloop.KindString},
		{Name: "owner", Kind: leadloop.KindString},
		{Name: "disposition", Kind: leadloop.KindString},
	}
}

func vars(s *leadloop.State) []leadloop.Value {
	score, tier := leadloop.Value{}, leadloop.Value{}
	if !s.Score.IsZero() {
		score, tier = leadloop.NoValue(leadloop.KindFloat), leadloop.NoValue(leadloop.KindString)
		if s.Score.Known {
			score = leadloop.ValueOf(s.Score.Points.Float())
		}
		if s.Score.Tier != "" {
			tier = leadloop.ValueOf(s.Score.Tier)
		}
	}
	return []leadloop.Value{
		score, tier, leadloop.ValueOf(s.Stage), leadloop.ValueOf(s.Status),
		leadloop.ValueOf(string(s.Owner)), leadloop.ValueOf(string(s.Disposition)),
	}
}

// Options are a lifecycle's settings; the zero value of each has a meaning.
type Options struct {
	// Limits bound criteria; zero means rules.DefaultLimits.
	Limits rules.Limits
}

// Lifecycle is a checked definition. It is immutable and safe for concurrent
// use. Make one with [New].
type Lifecycle struct {
	initial       string
	accepted      string
	initialStatus string
	stages        []stage
	statuses      []Status
	rules         *rules.Set
}

type stage struct {
	Stage
	enter, exit []int // rules
	ways        []way // as Stage.To
}

type way struct {
	to   string
	auto bool
	rule int // -1 for none
}

// New checks a definition against a schema. The error is a
// [leadloop.Problems] with everything that is wrong: names that don't exist,
// with what was probably meant; duplicates; stages and statuses that no lead
// can reach; stages without a way out; automatic ways that nothing holds back;
// and what is wrong with the criteria.
func New(def Definition, schema *leadloop.Schema, o Options) (*Lifecycle, error) {
	if schema == nil {
		return nil, leadloop.Problems{{Message: "lifecycle: no schema"}}
	}
	c := checker{def: def}
	c.check()
	l := &Lifecycle{
		initial: def.Initial, accepted: def.Accepted, initialStatus: def.InitialStatus,
		statuses: cloneStatuses(def.Statuses),
	}
	for _, s := range def.Stages {
		l.stages = append(l.stages, c.compile(s))
	}
	env, err := rules.NewEnv(schema, rules.Options{Vars: Vars(), Limits: o.Limits})
	if err == nil {
		l.rules, err = env.Compile(c.rules...)
	}
	c.Join(err)
	c.Sort()
	if err := c.Err(); err != nil {
		return nil, err
	}
	return l, nil
}

func cloneStatuses(in []Status) []Status {
	out := slices.Clone(in)
	for i := range out {
		out[i].To, out[i].Activities, out[i].Reasons = slices.Clone(out[i].To), slices.Clone(out[i].Activities), slices.Clone(out[i].Reasons)
	}
	return out
}

// Stages returns the ids of the stages in the order of the definition.
func (l *Lifecycle) Stages() []string {
	out := make([]string, len(l.stages))
	for i := range l.stages {
		out[i] = l.stages[i].ID
	}
	return out
}

// Statuses returns the ids of the statuses in the order of the definition.
func (l *Lifecycle) Statuses() []string {
	out := make([]string, len(l.statuses))
	for i := range l.statuses {
		out[i] = l.statuses[i].ID
	}
	return out
}

// Fields are the fields that criteria read, sorted.
func (l *Lifecycle) Fields() []string {
	var out []string
	for i := range l.rules.Len() {
		out = append(out, l.rules.Inputs(i).Fields...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// stage returns a stage, nil for one that the definition does not have.
func (l *Lifecycle) stage(id string) *stage {
	if i := slices.IndexFunc(l.stages, func(s stage) bool { return s.ID == id }); i >= 0 {
		return &l.stages[i]
	}
	return nil
}

func (l *Lifecycle) status(id string) *Status {
	if i := slices.IndexFunc(l.statuses, func(s Status) bool { return s.ID == id }); i >= 0 {
		return &l.statuses[i]
	}
	return nil
}

// Unmet is a criterion that does not hold.
type Unmet struct {
	// Of says whose it is: "exit of mql", "enter of sql", or "way to sql".
	Of string
	// Criterion is its id, "when" for a way's own condition.
	Criterion string
	// Needs are the missing fields and variables if it is undecided.
	Needs []string
	// Err is what went wrong if it could not be evaluated.
	Err error
}

// String says in words what is unmet.
func (u Unmet) String() string {
	s := fmt.Sprintf("criterion %q (%s)", u.Criterion, u.Of)
	switch {
	case u.Err != nil:
		return s + " could not be evaluated: " + u.Err.Error()
	case len(u.Needs) > 0:
		return s + " is undecided, it needs " + join(u.Needs)
	}
	return s + " is not met"
}

// unmet returns what stands against going from one stage to another. The error
// is ctx's.
func (l *Lifecycle) unmet(ctx context.Context, s leadloop.Subject, state *leadloop.State, from *stage, w way) ([]Unmet, error) {
	facts := rules.Facts{Profile: s.Profile, Activities: s.Lead.Activities, Vars: vars(state), Now: s.AsOf}
	var out []Unmet
	ask := func(of, id string, rule int) {
		switch res := l.rules.EvalOne(ctx, facts, rule); {
		case res.True():
		case res.State == rules.Failed:
			out = append(out, Unmet{Of: of, Criterion: id, Err: res.Err})
		case res.State == rules.Undecided:
			out = append(out, Unmet{Of: of, Criterion: id, Needs: slices.Clone(res.Needs)})
		default:
			out = append(out, Unmet{Of: of, Criterion: id})
		}
	}
	for i, rule := range from.exit {
		ask("exit of "+from.ID, from.Exit[i].ID, rule)
	}
	if w.rule >= 0 {
		ask("way to "+w.to, "when", w.rule)
	}
	to := l.stage(w.to)
	for i, rule := range to.enter {
		ask("enter of "+to.ID, to.Enter[i].ID, rule)
	}
	return out, ctx.Err()
}
