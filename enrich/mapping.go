package enrich

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// HTTPValue is a value of an answer that expressions use.
type HTTPValue struct {
	Path string
	Kind leadloop.Kind
}

// mapping reads an answer: what the paths and expressions of a spec say.
type mapping struct {
	schema                      *leadloop.Schema
	match, confidence, verified reading
	scale                       float64
	fields                      []mappedField
	values                      []mappedValue // in the order of the environment's variables
	set                         *rules.Set    // nil if there are no expressions
}

// reading is a path, or the position of an expression in the set.
type reading struct {
	path jsonPath
	rule int
}

func (r reading) isZero() bool { return r.path == nil && r.rule < 0 }

type mappedField struct {
	def leadloop.FieldDef
	at  reading
}

type mappedValue struct {
	name string
	path jsonPath
	kind leadloop.Kind
}

// expressionOf returns the CEL of "= low + high" and how many bytes stand before
// it; false for a path, which never begins with "=".
func expressionOf(s string) (text string, offset int, ok bool) {
	trimmed := strings.TrimLeft(s, " \t\n")
	rest, ok := strings.CutPrefix(trimmed, "=")
	text = strings.TrimLeft(rest, " \t\n")
	return text, len(s) - len(text), ok
}

// mapper makes a mapping and notes what is wrong.
type mapper struct {
	m       *mapping
	needs   []string
	at      func(part string) leadloop.Position
	bad     func(part, hint, format string, args ...any)
	problem func(specProblem)
	rules   []rules.Rule
	parts   []string // of rules
}

func (b *mapper) path(part, s string) jsonPath {
	p, err := parsePath(s)
	if err != nil {
		b.bad(part, "", "%q is not a path: %s", s, err)
	}
	return p
}

// reading takes a path, or an expression of a kind.
func (b *mapper) reading(part, s string, kind leadloop.Kind) reading {
	text, offset, ok := expressionOf(s)
	switch {
	case s == "":
		return reading{rule: -1}
	case !ok:
		return reading{path: b.path(part, s), rule: -1}
	}
	at := b.at(part)
	if at.Line > 0 && !strings.Contains(s[:offset], "\n") {
		at.Column += offset
	}
	b.rules = append(b.rules, rules.Rule{ID: part, Expression: leadloop.Expression{Text: text, At: at}, Type: kind})
	b.parts = append(b.parts, part)
	return reading{rule: len(b.rules) - 1}
}

// build reads the parts of a spec that are about answers.
func (b *mapper) build(spec HTTPSpec) {
	m := b.m
	m.match = b.reading("response.match", spec.Match, leadloop.KindBool)
	m.confidence = b.reading("response.confidence", spec.Confidence, leadloop.KindFloat)
	m.verified = b.reading("response.verified_at", spec.VerifiedAt, leadloop.KindTime)
	m.scale = spec.ConfidenceMax
	if m.scale == 0 {
		m.scale = 1
	}
	if !(m.scale > 0) {
		b.bad("response.confidence_max", "", "expected a number above 0")
	}
	for _, name := range sortedKeys(spec.Fields) {
		part := "response.fields." + name
		def, ok := m.schema.Lookup(name)
		if !ok {
			b.bad(part, fieldHint(m.schema, name), "the schema has no field %q", name)
			continue
		}
		if spec.Fields[name] == "" {
			b.bad(part, "", "expected a path such as data.size, or an expression such as = low + high")
			continue
		}
		m.fields = append(m.fields, mappedField{def, b.reading(part, spec.Fields[name], def.Kind)})
	}
	var vars []rules.Var
	for _, name := range sortedKeys(spec.Values) {
		v, part := spec.Values[name], "response.values."+name
		m.values = append(m.values, mappedValue{name, b.path(part, v.Path), v.Kind})
		vars = append(vars, rules.Var{Name: name, Kind: v.Kind})
	}
	if len(b.rules) == 0 {
		if len(m.values) > 0 {
			b.bad("response.values", "", "no expression uses them")
		}
		return
	}
	b.compile(vars)
}

func (b *mapper) compile(vars []rules.Var) {
	env, err := rules.NewEnv(b.m.schema, rules.Options{Vars: vars})
	if err != nil {
		b.bad("response.values", "", "%s", err)
		return
	}
	set, err := env.Compile(b.rules...)
	if err != nil {
		var problems leadloop.Problems
		if !errors.As(err, &problems) {
			b.bad("response", "", "%s", err)
			return
		}
		for _, p := range problems {
			message := p.Message
			for _, part := range b.parts {
				message = strings.Replace(message, fmt.Sprintf("rule %q: ", part), part+": ", 1)
			}
			b.problem(specProblem{part: "response", message: message, hint: p.Hint, at: p.At})
		}
		return
	}
	used := map[string]bool{}
	for i, part := range b.parts {
		in := set.Inputs(i)
		for _, f := range in.Fields {
			if !slices.Contains(b.needs, f) {
				b.bad(part, "declare it under values, with its path", "the expression reads %s, which the answer's values are not and nobody is asked by", f)
			}
		}
		if in.Now || in.AllActivities || len(in.Activities) > 0 {
			b.bad(part, "", "an expression about an answer reads its values, neither the clock nor activities")
		}
		for _, v := range in.Vars {
			used[v] = true
		}
	}
	for _, v := range b.m.values {
		if !used[v.name] {
			b.bad("response.values."+v.name, "", "no expression uses it")
		}
	}
	b.m.set = set
}

// answer is one answer while it is read.
type answer struct {
	m     *mapping
	doc   any
	facts rules.Facts
	odd   []string // values of another kind than the file says
}

// read turns a document into an answer to q.
func (m *mapping) read(ctx context.Context, doc any, q Query) (Answer, error) {
	r := answer{m: m, doc: doc}
	if m.set != nil {
		r.begin(q)
	}
	if ok, err := r.matches(ctx); !ok {
		return Answer{}, err
	}
	a := Answer{Matched: true}
	confidence, err := r.number(ctx)
	if err != nil {
		return Answer{}, err
	}
	verified := r.verified(ctx)
	for _, f := range m.fields {
		value, err := r.value(ctx, f.at, f.def.Kind)
		switch {
		case errors.Is(err, errKind):
			// Whoever fences the answer names the field, as with any provider
			// that gives a value of another kind.
			value = mistyped(f.def.Kind)
		case err != nil:
			return Answer{}, &LookupError{Reason: ReasonBadAnswer, Detail: fmt.Sprintf("the expression of %s: %s", f.def.Name, err)}
		case value.Presence() < leadloop.Present:
			a.NotFound = append(a.NotFound, f.def.Name)
			continue
		}
		a.Facts = append(a.Facts, Fact{Field: f.def.Name, Value: value, Confidence: confidence, VerifiedAt: verified})
	}
	return a, nil
}

// begin makes what expressions read: the values of the answer, and what was
// asked by.
func (r *answer) begin(q Query) {
	p := r.m.schema.NewProfile()
	for _, k := range q.Known {
		if def, ok := r.m.schema.Lookup(k.Field); ok {
			if v, err := leadloop.ParseValue(def.Kind, k.Value); err == nil {
				_ = p.SetValue(k.Field, v) // of its kind
			}
		}
	}
	r.facts = rules.Facts{Profile: p, Vars: make([]leadloop.Value, len(r.m.values)), Now: time.Unix(0, 0).UTC()}
	for i, v := range r.m.values {
		r.facts.Vars[i] = leadloop.NoValue(v.kind)
		found, ok := v.path.find(r.doc)
		if !ok || found == nil {
			continue
		}
		value, err := coerce(v.kind, found)
		if err != nil {
			r.odd = append(r.odd, v.name)
			continue
		}
		r.facts.Vars[i] = value
	}
}

// value reads a value of a kind. It is not present if the answer has none; the
// error is errKind, or says why an expression failed.
func (r *answer) value(ctx context.Context, at reading, kind leadloop.Kind) (leadloop.Value, error) {
	if at.rule < 0 {
		v, ok := at.path.find(r.doc)
		if !ok || v == nil {
			return leadloop.Value{}, nil
		}
		value, err := coerce(kind, v)
		if err != nil {
			return leadloop.Value{}, errKind
		}
		return value, nil
	}
	res := r.m.set.EvalOne(ctx, r.facts, at.rule)
	switch res.State {
	case rules.Decided:
		return res.Value, nil
	case rules.Failed:
		if err := ctx.Err(); err != nil {
			return leadloop.Value{}, err
		}
		return leadloop.Value{}, res.Err
	}
	for _, name := range r.m.set.Inputs(at.rule).Vars {
		if slices.Contains(r.odd, name) {
			return leadloop.Value{}, errKind
		}
	}
	return leadloop.Value{}, nil
}

func (r *answer) matches(ctx context.Context) (bool, error) {
	m := r.m
	switch {
	case m.match.isZero():
		return true, nil
	case m.match.rule < 0:
		v, ok := m.match.path.find(r.doc)
		return ok && !isNothing(v), nil
	}
	v, err := r.value(ctx, m.match, leadloop.KindBool)
	if err != nil {
		return false, &LookupError{Reason: ReasonBadAnswer, Detail: "whether it is a match can't be told: a value is of another kind, or the expression failed"}
	}
	return v.Bool(), nil
}

func (r *answer) number(ctx context.Context) (float64, error) {
	if r.m.confidence.isZero() {
		return 0, nil
	}
	v, err := r.value(ctx, r.m.confidence, leadloop.KindFloat)
	if err == nil && v.Presence() != leadloop.Present {
		return 0, nil
	}
	c := v.Float() / r.m.scale
	if err != nil || !(c >= 0 && c <= 1) {
		return 0, &LookupError{Reason: ReasonBadAnswer, Detail: "the confidence is not a number from 0 to the maximum"}
	}
	return c, nil
}

// verified is when the answer's values were checked; zero if it does not say.
func (r *answer) verified(ctx context.Context) time.Time {
	if r.m.verified.isZero() {
		return time.Time{}
	}
	v, err := r.value(ctx, r.m.verified, leadloop.KindTime)
	if err != nil {
		return time.Time{}
	}
	return v.Time()
}
