package lifecycle

import (
	"regexp"
	"slices"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/suggest"
	"github.com/leadloop/leadloop/rules"
)

// Ids go into journals and rules, and reasons must not become prose in which
// somebody is named.
var codes = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,63}$`)

// checker finds every problem of a definition.
type checker struct {
	leadloop.Problems
	def   Definition
	o     Options
	rules []rules.Rule
}

// rule numbers a condition.
func (c *checker) rule(id string, e leadloop.Expression) int {
	c.rules = append(c.rules, rules.Rule{ID: id, Expression: e, Type: leadloop.KindBool})
	return len(c.rules) - 1
}

func (c *checker) known(at leadloop.Position, where, what, name string, names []string) {
	if slices.Contains(names, name) {
		return
	}
	hint := suggest.DidYouMean(name, names)
	if hint == "" && len(names) > 0 {
		hint = "known: " + join(names)
	}
	c.AddHint(at, hint, "%s: there is no %s %q", where, what, name)
}

// unique reports names that are no code or stand twice.
func (c *checker) unique(at leadloop.Position, where string, names []string) {
	for i, name := range names {
		switch {
		case !codes.MatchString(name):
			c.Add(at, "%s: reason %q is not made of lower-case letters, digits, - and _", where, name)
		case slices.Contains(names[:i], name):
			c.Add(at, "%s: reason %q stands here twice", where, name)
		}
	}
}

// names returns ids, and reports those that are no id or stand twice where the
// second one is.
func names[T any](c *checker, what string, list []T, id func(T) (string, leadloop.Position)) []string {
	var out []string
	for _, x := range list {
		name, at := id(x)
		switch {
		case !codes.MatchString(name):
			c.Add(at, "%s %q: an id is made of lower-case letters, digits, - and _", what, name)
		case slices.Contains(out, name):
			c.Add(at, "two %s are called %q", plural(what), name)
		}
		out = append(out, name)
	}
	return out
}

func plural(what string) string {
	switch {
	case strings.HasSuffix(what, "s"):
		return what + "es"
	case what == "criterion":
		return "criteria"
	}
	return what + "s"
}

func (c *checker) check() {
	d := &c.def
	stages := names(c, "stage", d.Stages, func(s Stage) (string, leadloop.Position) { return s.ID, s.At })
	if len(stages) == 0 {
		c.Add(d.At, "there is no stage")
		return
	}
	c.known(d.At, "initial", "stage", d.Initial, stages)
	if d.Accepted != "" {
		c.known(d.At, "accepted", "stage", d.Accepted, stages)
	}
	followed := map[string]string{}
	for _, s := range d.Stages {
		c.stage(s, stages, followed)
	}
	c.reachable(stages)
	c.statuses()
}

var (
	followable = []string{FollowsDisqualified, FollowsNurture, FollowsRecycle, FollowsArchived}
	roles      = []string{ByRule, ByOwner, ByManager}
)

func (c *checker) stage(s Stage, stages []string, followed map[string]string) {
	where := "stage " + s.ID
	c.unique(s.At, where, s.Reasons)
	if s.ID == c.def.Accepted && len(s.Reasons) > 0 && !slices.Contains(s.Reasons, ReasonAccepted) {
		c.Add(s.At, "%s: leads are accepted into it, so its reasons must have %q", where, ReasonAccepted)
	}
	names(c, "criterion", slices.Concat(s.Enter, s.Exit), func(k Criterion) (string, leadloop.Position) { return k.ID, k.At })
	if s.Follows != "" {
		c.known(s.At, where+": follows", "decision", s.Follows, followable)
		if other, twice := followed[s.Follows]; twice {
			c.Add(s.At, "%s: follows %q, as stage %q does already", where, s.Follows, other)
		}
		followed[s.Follows] = s.ID
	}
	switch {
	case s.Final && len(s.To) > 0:
		c.Add(s.At, "%s: it is final and yet has a way out", where)
	case !s.Final && len(s.To) == 0:
		c.AddHint(s.At, "mark it final if leads end here", "%s: there is no way out of it", where)
	}
	for i, f := range s.Needs {
		frameworks, _ := c.def.frameworks()
		var ids []string
		for _, x := range frameworks {
			ids = append(ids, x.ID)
		}
		c.known(s.At, where+": needs", "framework", f, ids)
		if slices.Contains(s.Needs[:i], f) {
			c.Add(s.At, "%s: needs: %s stands there twice", where, f)
		}
	}
	var seen []string
	for _, t := range s.To {
		c.way(where, t)
		c.known(t.At, where+": to", "stage", t.Stage, stages)
		switch {
		case t.Stage == s.ID:
			c.Add(t.At, "%s: a way to itself", where)
		case slices.Contains(seen, t.Stage):
			c.Add(t.At, "%s: two ways to %q", where, t.Stage)
		}
		seen = append(seen, t.Stage)
		if t.Auto && t.When.IsZero() && len(s.Exit) == 0 && c.entersFreely(t.Stage) {
			c.AddHint(t.At, "give it a when, or the stage an enter criterion", "%s: nothing holds leads back from the automatic way to %q", where, t.Stage)
		}
	}
}

// way checks who may take a way, and why.
func (c *checker) way(where string, t Transition) {
	where += ": way to " + t.Stage
	for i, role := range t.By {
		c.known(t.At, where+": by", "role", role, roles)
		if slices.Contains(t.By[:i], role) {
			c.Add(t.At, "%s: by: %s stands there twice", where, role)
		}
	}
	c.unique(t.At, where, t.Reasons)
	switch rule := slices.Contains(t.By, ByRule); {
	case t.Auto && len(t.By) > 0 && !rule:
		c.AddHint(t.At, "add rule to by, or take auto out", "%s: it is automatic, and the loop may not take it", where)
	case !t.Auto && rule && len(t.By) == 1:
		c.AddHint(t.At, "make it auto", "%s: only the loop may take it, and it is not automatic", where)
	}
	if t.Stage == c.def.Accepted && len(t.Reasons) > 0 && !slices.Contains(t.Reasons, ReasonAccepted) {
		c.Add(t.At, "%s: leads are accepted by it, so its reasons must have %q", where, ReasonAccepted)
	}
}

func (c *checker) entersFreely(stage string) bool {
	i := slices.IndexFunc(c.def.Stages, func(s Stage) bool { return s.ID == stage })
	return i >= 0 && len(c.def.Stages[i].Enter)+len(c.def.Stages[i].Needs) == 0
}

// reachable reports stages that no lead can ever be in.
func (c *checker) reachable(stages []string) {
	if !slices.Contains(stages, c.def.Initial) {
		return
	}
	start := []string{c.def.Initial}
	for _, s := range c.def.Stages {
		if s.Follows != "" {
			start = append(start, s.ID)
		}
	}
	reached := closure(start, func(id string) (next []string) {
		for _, s := range c.def.Stages {
			for _, t := range s.To {
				if s.ID == id {
					next = append(next, t.Stage)
				}
			}
		}
		return next
	})
	for _, s := range c.def.Stages {
		if !reached[s.ID] {
			c.Add(s.At, "stage %s: no way leads to it from %q", s.ID, c.def.Initial)
		}
	}
}

// closure returns all that can be reached, the start included.
func closure(start []string, next func(string) []string) map[string]bool {
	reached := map[string]bool{}
	for len(start) > 0 {
		id := start[0]
		start = start[1:]
		if !reached[id] {
			reached[id] = true
			start = append(start, next(id)...)
		}
	}
	return reached
}

func (c *checker) statuses() {
	d := &c.def
	ids := names(c, "status", d.Statuses, func(s Status) (string, leadloop.Position) { return s.ID, s.At })
	if len(ids) == 0 {
		if d.InitialStatus != "" {
			c.known(d.At, "initial_status", "status", d.InitialStatus, ids)
		}
		return
	}
	if d.InitialStatus == "" {
		c.Add(d.At, "there are statuses but no initial_status")
	} else {
		c.known(d.At, "initial_status", "status", d.InitialStatus, ids)
	}
	shown := map[string]string{}
	to := map[string][]string{}
	for _, s := range d.Statuses {
		where := "status " + s.ID
		to[s.ID] = s.To
		c.unique(s.At, where, s.Reasons)
		for i, next := range s.To {
			c.known(s.At, where+": to", "status", next, ids)
			if next == s.ID {
				c.Add(s.At, "%s: a way to itself", where)
			} else if slices.Contains(s.To[:i], next) {
				c.Add(s.At, "%s: two ways to %q", where, next)
			}
		}
		for _, activity := range s.Activities {
			if other, twice := shown[activity]; twice {
				c.Add(s.At, "%s: activity %q shows the status %q already", where, activity, other)
			}
			shown[activity] = s.ID
		}
	}
	if !slices.Contains(ids, d.InitialStatus) {
		return
	}
	reached := closure([]string{d.InitialStatus}, func(id string) []string { return to[id] })
	for _, s := range d.Statuses {
		if !reached[s.ID] {
			c.Add(s.At, "status %s: no way leads to it from %q", s.ID, d.InitialStatus)
		}
	}
}

// compile numbers the rules of a stage.
func (c *checker) compile(s Stage, frameworks []framework) stage {
	out := stage{Stage: s}
	out.Reasons, out.Needs = slices.Clone(s.Reasons), slices.Clone(s.Needs)
	all := func(kind string, list []Criterion) (numbers []int) {
		for _, k := range list {
			numbers = append(numbers, c.rule("stage "+s.ID+": "+kind+" criterion "+k.ID, k.When))
		}
		return numbers
	}
	out.enter, out.exit = all("enter", s.Enter), all("exit", s.Exit)
	out.Enter, out.Exit, out.To = slices.Clone(s.Enter), slices.Clone(s.Exit), nil
	for _, id := range s.Needs {
		if i := slices.IndexFunc(frameworks, func(f framework) bool { return f.ID == id }); i >= 0 {
			out.needs = append(out.needs, i)
		}
	}
	for _, t := range s.To {
		w := way{Transition: t, to: t.Stage, auto: t.Auto, rule: -1}
		w.By, w.Reasons = slices.Clone(t.By), slices.Clone(t.Reasons)
		if !t.When.IsZero() {
			w.rule = c.rule("stage "+s.ID+": way to "+t.Stage, t.When)
		}
		out.ways = append(out.ways, w)
	}
	return out
}
