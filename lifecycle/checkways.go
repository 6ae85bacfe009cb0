package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// demand is one condition of a way, with the stage that the lead is in then.
type demand struct {
	name  string
	rule  int
	stage string
}

// demands are all conditions of a way.
func (l *Lifecycle) demands(from *stage, w *way) []demand {
	var out []demand
	add := func(name string, rule int) { out = append(out, demand{name, rule, from.ID}) }
	for i, rule := range from.exit {
		add(fmt.Sprintf("%q (exit of %s)", from.Exit[i].ID, from.ID), rule)
	}
	if w.rule >= 0 {
		add("its when", w.rule)
	}
	to := l.stage(w.to)
	for i, rule := range to.enter {
		add(fmt.Sprintf("%q (enter of %s)", to.Enter[i].ID, to.ID), rule)
	}
	for _, f := range to.needs {
		k := &l.frameworks[f]
		if k.some() {
			continue // whichever of them
		}
		for i, rule := range k.good {
			add(fmt.Sprintf("%q (needed by %s)", k.ID+"."+k.Questions[i].ID, to.ID), rule)
		}
	}
	return out
}

// ways reports ways that no lead can take, and circles in which no time passes.
func (c *checker) ways(l *Lifecycle) {
	t := trial{l: l, c: c, domains: map[string]domain{}}
	for i := range l.stages {
		from := &l.stages[i]
		for j := range from.ways {
			w := &from.ways[j]
			t.excluded(from, w)
		}
	}
	t.circles()
	for i := range l.clocks {
		if k := &l.clocks[i]; k.rule >= 0 && !t.possible([]demand{{"its when", k.rule, ""}}) {
			c.Add(k.When.At, "clock %s: its when never holds", k.ID)
		}
	}
}

// trial finds out by trying whether conditions can hold together. What fields
// and variables can be falls into cells ([rules.Set.Cells]), so that trying one
// value of each tries them all; conditions on activities and on the moment
// count as ones that could hold.
type trial struct {
	l       *Lifecycle
	c       *checker
	domains map[string]domain
}

type domain struct {
	values []leadloop.Value
	exact  bool
}

// The moment does not matter: conditions that read it are not tried.
var anyMoment = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// of returns the values of an input. Stages, statuses, tiers and dispositions
// are those that there are.
func (t *trial) of(name string) domain {
	if d, ok := t.domains[name]; ok {
		return d
	}
	texts := func(list ...string) domain {
		var d domain
		for _, s := range list {
			d.values = append(d.values, leadloop.ValueOf(s))
		}
		d.exact = true
		return d
	}
	var d domain
	switch {
	case name == "status" && len(t.l.statuses) > 0:
		d = texts(append(t.l.Statuses(), "")...)
	case name == "tier" && t.c.o.Tiers != nil:
		d = texts(t.c.o.Tiers...)
		d.values = append(d.values, leadloop.NoValue(leadloop.KindString))
	case name == "disposition":
		d = texts("", string(leadloop.OutcomeAssigned), string(leadloop.OutcomeQueued), string(leadloop.OutcomeAlerted), string(leadloop.OutcomeNurture),
			string(leadloop.OutcomeSuppressed), string(leadloop.OutcomeDisqualified), string(leadloop.OutcomeArchived))
	case name == "cadence":
		d = texts(append(t.c.o.Cadences.IDs(), "")...)
	case name == "stage":
		d = texts(t.l.Stages()...)
	default:
		d.values, d.exact = t.l.rules.Cells(name, anyMoment)
		if name == "unanswered" || name == "open_tasks" {
			d.values = slices.DeleteFunc(d.values, func(v leadloop.Value) bool { return v.Presence() != leadloop.Present || v.Int() < 0 })
		}
		if name == "owner" {
			d.values = slices.DeleteFunc(d.values, func(v leadloop.Value) bool { return v.Presence() == leadloop.KnownAbsent })
		}
	}
	t.domains[name] = d
	return d
}

// inputs are the fields and variables of a condition; ok is false if its answer
// depends on more than those, or on more of them than can be tried.
func (t *trial) inputs(d demand) (names []string, ok bool) {
	in := t.l.rules.Inputs(d.rule)
	if len(in.Activities) > 0 || in.AllActivities || in.Now {
		return nil, false
	}
	names = slices.Concat(in.Fields, in.Vars)
	if d.stage != "" {
		names = slices.DeleteFunc(names, func(n string) bool { return n == "stage" })
	}
	return names, !slices.ContainsFunc(names, func(n string) bool { return !t.of(n).exact })
}

// group is conditions that share inputs, and can only be tried together.
type group struct {
	demands []demand
	inputs  []string
}

// groups leaves out conditions that can't be tried; all tells that none was.
func (t *trial) groups(demands []demand) (out []group, all bool) {
	all = true
	for _, d := range demands {
		names, ok := t.inputs(d)
		if !ok {
			all = false
			continue
		}
		g := group{[]demand{d}, names}
		out = slices.DeleteFunc(out, func(o group) bool {
			if !slices.ContainsFunc(o.inputs, func(n string) bool { return slices.Contains(g.inputs, n) }) {
				return false
			}
			g.demands, g.inputs = append(o.demands, g.demands...), append(slices.Clone(o.inputs), g.inputs...)
			return true
		})
		slices.Sort(g.inputs)
		g.inputs = slices.Compact(g.inputs)
		out = append(out, g)
	}
	return out, all
}

// maxTrials bounds how many combinations are tried; more count as possible.
const maxTrials = 20_000

// possible reports whether all conditions can hold at once, as far as can be
// told.
func (t *trial) possible(demands []demand) bool {
	groups, _ := t.groups(demands)
	return !slices.ContainsFunc(groups, func(g group) bool { return !t.group(g) })
}

func (t *trial) group(g group) bool {
	total := 1
	for _, n := range g.inputs {
		if total *= len(t.of(n).values); total > maxTrials {
			return true
		}
	}
	p := t.l.rules.Env().Schema().NewProfile()
	vars := make([]leadloop.Value, len(Vars()))
	for k := range total {
		for _, n := range g.inputs {
			values := t.of(n).values
			v := values[k%len(values)]
			k /= len(values)
			if i := slices.IndexFunc(Vars(), func(x rules.Var) bool { return x.Name == n }); i >= 0 {
				vars[i] = v
			} else if p.SetValue(n, v) != nil {
				return true
			}
		}
		holds := true
		for _, d := range g.demands {
			if d.stage != "" {
				vars[varStage] = leadloop.ValueOf(d.stage)
			}
			facts := rules.Facts{Profile: p, Vars: vars, Now: anyMoment}
			if holds = t.l.rules.EvalOne(context.Background(), facts, d.rule).True(); !holds {
				break
			}
		}
		if holds {
			return true
		}
	}
	return false
}

// excluded reports a way whose conditions never hold together.
func (t *trial) excluded(from *stage, w *way) {
	demands := t.l.demands(from, w)
	if t.possible(demands) {
		return
	}
	where := fmt.Sprintf("stage %s: the way to %s", from.ID, w.to)
	for _, d := range demands {
		if !t.possible([]demand{d}) {
			t.c.Add(t.at(d, w), "%s can never be taken: %s never holds", where, d.name)
			return
		}
	}
	for i, d := range demands {
		for _, e := range demands[:i] {
			if !t.possible([]demand{e, d}) {
				t.c.Add(t.at(d, w), "%s can never be taken: %s and %s exclude each other", where, e.name, d.name)
				return
			}
		}
	}
	var all []string
	for _, d := range demands {
		all = append(all, d.name)
	}
	t.c.Add(w.At, "%s can never be taken: %s exclude each other", where, strings.Join(all, ", "))
}

// at is where a condition stands, else its way.
func (t *trial) at(d demand, w *way) leadloop.Position {
	if at := t.l.rules.Rule(d.rule).Expression.At; at != (leadloop.Position{}) {
		return at
	}
	return w.At
}

// maxCircles bounds how many circles are looked at.
const maxCircles = 200

// circles warns of automatic ways that a lead could take round and round in one
// moment. The loop ends such a chain before it closes, but what stage that is
// in depends on where the lead came from.
func (t *trial) circles() {
	looked := 0
	var walk func(path []int)
	walk = func(path []int) {
		from := &t.l.stages[path[len(path)-1]]
		for i := range from.ways {
			w := &from.ways[i]
			next := slices.IndexFunc(t.l.stages, func(s stage) bool { return s.ID == w.to })
			if !w.auto || looked >= maxCircles {
				continue
			}
			switch {
			case next == path[0]:
				looked++
				t.circle(path)
			case next > path[0] && !slices.Contains(path, next): // each circle from its first stage
				walk(append(slices.Clip(path), next))
			}
		}
	}
	for i := range t.l.stages {
		walk([]int{i})
	}
}

func (t *trial) circle(path []int) {
	var demands []demand
	var names []string
	for i, s := range path {
		from, to := &t.l.stages[s], t.l.stages[path[(i+1)%len(path)]].ID
		names = append(names, from.ID)
		k := slices.IndexFunc(from.ways, func(w way) bool { return w.to == to })
		demands = append(demands, t.l.demands(from, &from.ways[k])...)
	}
	if !t.possible(demands) {
		return
	}
	_, all := t.groups(demands)
	could := "can"
	if !all {
		could = "might"
	}
	first := &t.l.stages[path[0]]
	t.c.Problems = append(t.c.Problems, leadloop.Problem{
		At: first.At, Warning: true, Hint: "give one of them a when that the others exclude, or let a clock take it",
		Message: fmt.Sprintf("stage %s: leads %s go from %s to %s without any time passing", first.ID, could, strings.Join(names, " to "), first.ID),
	})
}
