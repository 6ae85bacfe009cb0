package lifecycle

import (
	"slices"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// Options are a lifecycle's settings; the zero value of each has a meaning.
type Options struct {
	// Limits bound criteria; zero means rules.DefaultLimits.
	Limits rules.Limits
	// Tiers are the tiers that a lead can have, so that a criterion about
	// another one is found; nil knows none.
	Tiers []string
	// Calendars are the names that clocks may use; nil allows any.
	Calendars []string
	// Cadences are those that clocks may enrol leads in; nil means that there
	// are none.
	Cadences *Cadences
}

// Lifecycle is a checked definition. It is immutable and safe for concurrent
// use. Make one with [New].
type Lifecycle struct {
	initial       string
	accepted      string
	initialStatus string
	stages        []stage
	statuses      []Status
	frameworks    []framework
	acceptance    Acceptance
	conversion    *Conversion
	signals       Signals
	clocks        []clock
	cadences      *Cadences
	rules         *rules.Set
	reads         map[string]bool // variables
	warnings      leadloop.Problems
	host          Host
}

type stage struct {
	Stage
	enter, exit []int // rules
	ways        []way // as Stage.To
	needs       []int // frameworks
}

type way struct {
	Transition
	to   string
	auto bool
	rule int // -1 for none
}

// New checks a definition against a schema, which has the fields of the
// qualification ([Definition.Fields]). The error is a [leadloop.Problems] with
// everything that is wrong: names that don't exist, with what was probably
// meant; duplicates; stages and statuses that no lead can reach; stages without
// a way out; ways whose criteria exclude each other; automatic ways that
// nothing holds back; and what is wrong with the criteria. What works and is
// probably not meant is in [Lifecycle.Warnings], and beside the errors if
// there are any.
//
// What is made is complete for moves and statuses. For conversion, business
// hours, managers and cadences it has to know what stands around it: see
// [Lifecycle.With].
func New(def Definition, schema *leadloop.Schema, o Options) (*Lifecycle, error) {
	if schema == nil {
		return nil, leadloop.Problems{{Message: "lifecycle: no schema"}}
	}
	c := checker{def: def, o: o}
	c.check()
	l := &Lifecycle{
		initial: def.Initial, accepted: def.Accepted, initialStatus: def.InitialStatus,
		statuses: cloneStatuses(def.Statuses), signals: def.Signals.withDefaults(), cadences: o.Cadences,
	}
	l.frameworks = c.qualification(schema)
	for _, s := range def.Stages {
		l.stages = append(l.stages, c.compile(s, l.frameworks))
	}
	if def.Acceptance != nil {
		l.acceptance = *def.Acceptance
		l.acceptance.Reject = slices.Clone(l.acceptance.Reject)
		c.acceptance()
	}
	if def.Conversion != nil {
		conversion := *def.Conversion
		l.conversion = &conversion
		c.conversion()
	}
	l.clocks = c.clocks()
	env, err := rules.NewEnv(schema, rules.Options{Vars: Vars(), Limits: o.Limits})
	if err == nil {
		l.rules, err = env.Compile(c.rules...)
	}
	c.Join(err)
	if l.rules != nil && c.Err() == nil {
		l.reads = map[string]bool{}
		sets := []*rules.Set{l.rules}
		if o.Cadences != nil {
			sets = append(sets, o.Cadences.rules)
		}
		for _, set := range sets {
			for i := range set.Len() {
				for _, v := range set.Inputs(i).Vars {
					l.reads[v] = true
				}
			}
		}
		c.ways(l)
	}
	c.Sort()
	if c.Err() != nil {
		return nil, c.Problems // with the warnings
	}
	l.warnings = c.Problems
	return l.With(Host{}), nil
}

func cloneStatuses(in []Status) []Status {
	out := slices.Clone(in)
	for i := range out {
		out[i].To, out[i].Activities, out[i].Reasons = slices.Clone(out[i].To), slices.Clone(out[i].Activities), slices.Clone(out[i].Reasons)
	}
	return out
}

// Warnings are what New found that works and is probably not what was meant.
func (l *Lifecycle) Warnings() leadloop.Problems { return slices.Clone(l.warnings) }

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

// Action tells the owner of a lead in a status what to do with it, "" if the
// definition does not say.
func (l *Lifecycle) Action(status string) string {
	if s := l.status(status); s != nil {
		return s.Action
	}
	return ""
}

// Fields are the fields that criteria, clocks and cadences read, sorted.
func (l *Lifecycle) Fields() []string {
	var out []string
	if l.cadences != nil {
		out = l.cadences.Fields()
	}
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

// follower is the stage that follows a decision, nil for none.
func (l *Lifecycle) follower(decision string) *stage {
	if i := slices.IndexFunc(l.stages, func(s stage) bool { return s.Follows == decision }); i >= 0 {
		return &l.stages[i]
	}
	return nil
}
