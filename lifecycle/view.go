package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"strings"

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
//	unanswered   touches by reps since the lead last answered
//	open_tasks   what is still to do for it; undecided if nobody counts
//	cadence      the cadence it is in, "" for none
func Vars() []rules.Var {
	return []rules.Var{
		{Name: "score", Kind: leadloop.KindFloat},
		{Name: "tier", Kind: leadloop.KindString},
		{Name: "stage", Kind: leadloop.KindString},
		{Name: "status", Kind: leadloop.KindString},
		{Name: "owner", Kind: leadloop.KindString},
		{Name: "disposition", Kind: leadloop.KindString},
		{Name: "unanswered", Kind: leadloop.KindInt},
		{Name: "open_tasks", Kind: leadloop.KindInt},
		{Name: "cadence", Kind: leadloop.KindString},
	}
}

// The positions of Vars.
const (
	varScore = iota
	varTier
	varStage
	varStatus
	varOwner
	varDisposition
	varUnanswered
	varOpenTasks
	varCadence
)

// view is a lead as criteria see it.
type view struct {
	facts rules.Facts
}

// look prepares the evaluation of criteria on a state of the subject. What is
// costly to know is found out only if some criterion reads it.
func (l *Lifecycle) look(ctx context.Context, s leadloop.Subject, state *leadloop.State) (*view, error) {
	vars := make([]leadloop.Value, len(Vars()))
	if !state.Score.IsZero() {
		vars[varScore], vars[varTier] = leadloop.NoValue(leadloop.KindFloat), leadloop.NoValue(leadloop.KindString)
		if state.Score.Known {
			vars[varScore] = leadloop.ValueOf(state.Score.Points.Float())
		}
		if state.Score.Tier != "" {
			vars[varTier] = leadloop.ValueOf(state.Score.Tier)
		}
	}
	vars[varStage], vars[varStatus] = leadloop.ValueOf(state.Stage), leadloop.ValueOf(state.Status)
	vars[varOwner], vars[varDisposition] = leadloop.ValueOf(string(state.Owner)), leadloop.ValueOf(string(state.Disposition))
	vars[varCadence] = leadloop.ValueOf(state.Cadence.Cadence)
	if l.reads["unanswered"] {
		vars[varUnanswered] = leadloop.ValueOf(int64(l.unanswered(s)))
	}
	if l.reads["open_tasks"] && l.host.OpenTasks != nil {
		n, err := l.host.OpenTasks(ctx, s.Lead)
		if err != nil {
			return nil, fmt.Errorf("lifecycle: open tasks of lead %s: %w", s.Lead.ID, err)
		}
		vars[varOpenTasks] = leadloop.ValueOf(int64(n))
	}
	return &view{rules.Facts{Profile: s.Profile, Activities: s.Lead.Activities, Vars: vars, Now: s.AsOf}}, nil
}

// at makes the view that of another stage.
func (v *view) at(stage string) *view {
	c := *v
	c.facts.Vars = slices.Clone(v.facts.Vars)
	c.facts.Vars[varStage] = leadloop.ValueOf(stage)
	return &c
}

// unanswered counts the touches by reps since the lead's last answer.
func (l *Lifecycle) unanswered(s leadloop.Subject) int {
	last := s.Lead.Activities[:0:0]
	for _, a := range s.Lead.Activities {
		if a.At.After(s.AsOf) {
			continue
		}
		if slices.Contains(l.signals.Answers, a.Type) || a.Actor != "" && slices.Contains(l.signals.Touches, a.Type) {
			last = append(last, a)
		}
	}
	slices.SortFunc(last, leadloop.Activity.Compare)
	n := 0
	for _, a := range last {
		if slices.Contains(l.signals.Answers, a.Type) {
			n = 0
		} else {
			n++
		}
	}
	return n
}

func (s Signals) withDefaults() Signals {
	if len(s.Touches) == 0 {
		s.Touches = []string{"call", "email_sent", "linkedin_message", "meeting"}
	}
	if len(s.Answers) == 0 {
		s.Answers = []string{"reply", "email_reply", "call_connected", "meeting_booked", "meeting"}
	}
	return Signals{slices.Clone(s.Touches), slices.Clone(s.Answers)}
}

// Touches are the activity types that are a meaningful touch when a rep does
// them: what stops the response clock, and what clocks count.
func (l *Lifecycle) Touches() []string { return slices.Clone(l.signals.Touches) }

// Unmet is a criterion that does not hold.
type Unmet struct {
	// Of says whose it is: "exit of mql", "enter of sql", or "way to sql".
	Of string
	// Criterion is its id, "when" for a way's own condition, and
	// "<framework>.<question>" for a question of the qualification.
	Criterion string
	// Ask is the question, if it is one.
	Ask string
	// Needs are the missing fields and variables if it is undecided.
	Needs []string
	// Err is what went wrong if it could not be evaluated.
	Err error
}

// String says in words what is unmet.
func (u Unmet) String() string {
	of := u.Of
	if u.Ask != "" {
		of += ": " + u.Ask
	}
	s := fmt.Sprintf("criterion %q (%s)", u.Criterion, of)
	switch {
	case u.Err != nil:
		return s + " could not be evaluated: " + u.Err.Error()
	case len(u.Needs) > 0:
		return s + " is undecided, it needs " + join(u.Needs)
	}
	return s + " is not met"
}

// ask evaluates one criterion; ok tells that it holds.
func (l *Lifecycle) ask(ctx context.Context, v *view, of, id string, rule int) (u Unmet, ok bool) {
	u = Unmet{Of: of, Criterion: id}
	switch res := l.rules.EvalOne(ctx, v.facts, rule); {
	case res.True():
		return u, true
	case res.State == rules.Failed:
		u.Err = res.Err
	case res.State == rules.Undecided:
		u.Needs = slices.Clone(res.Needs)
	}
	return u, false
}

// unmet returns what stands against going from one stage to another. The error
// is ctx's.
func (l *Lifecycle) unmet(ctx context.Context, v *view, from *stage, w *way) ([]Unmet, error) {
	var out []Unmet
	ask := func(of, id string, rule int) {
		if u, ok := l.ask(ctx, v, of, id, rule); !ok {
			out = append(out, u)
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
	for _, f := range to.needs {
		out = append(out, l.unqualified(ctx, v, &l.frameworks[f], "enter of "+to.ID)...)
	}
	return out, ctx.Err()
}

func join(list []string) string { return strings.Join(list, ", ") }
