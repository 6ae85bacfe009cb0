package lifecycle

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/suggest"
)

// Framework is a set of questions, such as BANT, that a stage can need
// ([Stage].Needs). Each answer is a field of the lead.
type Framework struct {
	ID string `yaml:"id"`
	// Use takes the questions of a ready-made framework, bant or meddic, before
	// those given here; without an ID the framework has its name.
	Use       string     `yaml:"use"`
	Questions []Question `yaml:"questions"`
	// AtLeast is how many questions must be answered well; 0 means all.
	AtLeast int               `yaml:"at_least"`
	At      leadloop.Position `yaml:"-"`
}

// Question is one thing to find out about a lead.
type Question struct {
	ID string `yaml:"id,required"`
	// Ask is the question as a rep would put it.
	Ask string `yaml:"ask,required"`
	// Field has the answer; empty means "lead.<framework>_<id>". A field that is
	// neither standard nor the host's is declared by the question.
	Field string `yaml:"field"`
	// Kind is the answer's: string if empty, int, double, bool, timestamp or
	// list(string).
	Kind string `yaml:"kind"`
	// When is what a good answer is; empty means that any answer will do.
	When leadloop.Expression `yaml:"when"`
	At   leadloop.Position   `yaml:"-"`
}

// BANT returns the questions about budget, authority, need and timing. All are
// text in lead.bant_budget and so on. The value is the caller's.
func BANT() Framework {
	return Framework{ID: "bant", Questions: []Question{
		{ID: "budget", Ask: "Is there a budget, and how much?"},
		{ID: "authority", Ask: "Who decides, and are we talking to them?"},
		{ID: "need", Ask: "Which problem do they want to solve?"},
		{ID: "timing", Ask: "When do they want to have it solved?"},
	}}
}

// MEDDIC returns the questions about metrics, the economic buyer, decision
// criteria and process, the pain and the champion. All are text in
// lead.meddic_metrics and so on. The value is the caller's.
func MEDDIC() Framework {
	return Framework{ID: "meddic", Questions: []Question{
		{ID: "metrics", Ask: "What is it worth to them, in numbers?"},
		{ID: "economic_buyer", Ask: "Who can spend the money?"},
		{ID: "decision_criteria", Ask: "What do they compare offers by?"},
		{ID: "decision_process", Ask: "Who signs what, in which order, by when?"},
		{ID: "pain", Ask: "What happens if they do nothing?"},
		{ID: "champion", Ask: "Who inside wants us to win?"},
	}}
}

var readyMade = map[string]func() Framework{"bant": BANT, "meddic": MEDDIC}

// framework is a compiled set of questions.
type framework struct {
	Framework
	good []int // the rules of the questions
}

// Frameworks returns the qualification of the definition with the questions of
// ready-made frameworks, and fields and kinds filled in.
func (d Definition) frameworks() ([]Framework, leadloop.Problems) {
	var problems leadloop.Problems
	out := make([]Framework, 0, len(d.Qualification))
	for _, f := range d.Qualification {
		own := f.Questions
		f.Questions = nil
		if f.Use != "" {
			ready, ok := readyMade[f.Use]
			if !ok {
				names := slices.Sorted(maps.Keys(readyMade))
				hint := suggest.DidYouMean(f.Use, names)
				if hint == "" {
					hint = "known: " + join(names)
				}
				problems.AddHint(f.At, hint, "qualification: there is no ready-made framework %q", f.Use)
				continue
			}
			r := ready()
			if f.ID == "" {
				f.ID = r.ID
			}
			for _, q := range r.Questions {
				// A question of one's own takes the place of the ready-made one.
				if !slices.ContainsFunc(own, func(o Question) bool { return o.ID == q.ID }) {
					q.At = f.At
					f.Questions = append(f.Questions, q)
				}
			}
		}
		f.Questions = append(f.Questions, own...)
		for i := range f.Questions {
			q := &f.Questions[i]
			if q.Field == "" {
				q.Field = "lead." + strings.ReplaceAll(f.ID+"_"+q.ID, "-", "_")
			}
		}
		out = append(out, f)
	}
	return out, problems
}

// Fields are the fields that the questions of the qualification declare. A
// schema for [New] needs those that it does not have; a playbook adds them by
// itself. What can't be understood is left to New, which says what it is.
func (d Definition) Fields() []leadloop.FieldDef {
	var out []leadloop.FieldDef
	standard := leadloop.StandardSchema()
	list, _ := d.frameworks()
	for _, f := range list {
		for _, q := range f.Questions {
			kind, ok := questionKind(q)
			if _, known := standard.Lookup(q.Field); known || !ok || slices.ContainsFunc(out, func(o leadloop.FieldDef) bool { return o.Name == q.Field }) {
				continue
			}
			def := leadloop.FieldDef{Name: q.Field, Kind: kind}
			if _, err := leadloop.NewSchema(def); err == nil {
				out = append(out, def)
			}
		}
	}
	return out
}

func questionKind(q Question) (leadloop.Kind, bool) {
	if q.Kind == "" {
		return leadloop.KindString, true
	}
	return leadloop.ParseKind(q.Kind)
}

var questionKinds = []string{"string", "int", "double", "bool", "timestamp", "list(string)"}

// qualification checks and compiles the questions.
func (c *checker) qualification(schema *leadloop.Schema) []framework {
	list, problems := c.def.frameworks()
	c.Problems = append(c.Problems, problems...)
	names(c, "framework", list, func(f Framework) (string, leadloop.Position) { return f.ID, f.At })
	out := make([]framework, 0, len(list))
	for _, f := range list {
		where := "framework " + f.ID
		names(c, "question", f.Questions, func(q Question) (string, leadloop.Position) { return q.ID, q.At })
		if len(f.Questions) == 0 {
			c.AddHint(f.At, "write questions, or use: bant", "%s: it asks nothing", where)
		}
		if f.AtLeast < 0 || f.AtLeast > len(f.Questions) {
			c.Add(f.At, "%s: at_least: expected 0 (all) to %d, found %d", where, len(f.Questions), f.AtLeast)
		}
		k := framework{Framework: f}
		for _, q := range f.Questions {
			expr, ok := c.question(where, q, schema)
			if !ok {
				continue
			}
			k.good = append(k.good, c.rule(where+": question "+q.ID, expr))
		}
		out = append(out, k)
	}
	return out
}

// question returns the condition of a good answer.
func (c *checker) question(where string, q Question, schema *leadloop.Schema) (leadloop.Expression, bool) {
	where += ": question " + q.ID
	kind, ok := questionKind(q)
	if !ok {
		hint := suggest.DidYouMean(q.Kind, questionKinds)
		if hint == "" {
			hint = "kinds: " + join(questionKinds)
		}
		c.AddHint(q.At, hint, "%s: unknown kind %q", where, q.Kind)
		return leadloop.Expression{}, false
	}
	switch def, known := schema.Lookup(q.Field); {
	case !known:
		if _, err := leadloop.NewSchema(leadloop.FieldDef{Name: q.Field, Kind: kind}); err != nil {
			c.Add(q.At, "%s: field: %v", where, err)
		} else {
			c.AddHint(q.At, "add Definition.Fields to the schema", "%s: the schema has no field %q", where, q.Field)
		}
		return leadloop.Expression{}, false
	case q.Kind != "" && def.Kind != kind:
		c.Add(q.At, "%s: the field %s is of kind %s, not %s", where, q.Field, def.Kind, kind)
		return leadloop.Expression{}, false
	default:
		kind = def.Kind
	}
	switch {
	case !q.When.IsZero():
		return q.When, true
	case kind == leadloop.KindString:
		return leadloop.Expression{Text: q.Field + ` != ""`, At: q.At}, true
	case kind == leadloop.KindStrings:
		return leadloop.Expression{Text: "size(" + q.Field + ") > 0", At: q.At}, true
	}
	return leadloop.Expression{Text: "has(" + q.Field + ")", At: q.At}, true
}

// unqualified returns the questions of a framework that want an answer, none if
// enough are answered.
func (l *Lifecycle) unqualified(ctx context.Context, v *view, f *framework, of string) []Unmet {
	var out []Unmet
	for i, rule := range f.good {
		if u, ok := l.ask(ctx, v, of, f.ID+"."+f.Questions[i].ID, rule); !ok {
			u.Ask = f.Questions[i].Ask
			out = append(out, u)
		}
	}
	if f.some() && len(f.good)-len(out) >= f.AtLeast {
		return nil
	}
	return out
}

// some reports whether not all questions have to be answered.
func (f *framework) some() bool { return f.AtLeast > 0 && f.AtLeast < len(f.good) }

// Answered is a question and how far it is answered.
type Answered struct {
	Framework string
	Question  Question
	// Good tells that there is an answer, and that it is one that qualifies.
	Good bool
	// Value is the answer; absent if nobody asked.
	Value leadloop.Value
}

// Qualification returns all questions with the answers that a lead has, in the
// order of the definition: what a rep has on the screen in the first call. The
// error is ctx's.
func (l *Lifecycle) Qualification(ctx context.Context, s leadloop.Subject) ([]Answered, error) {
	v, err := l.look(ctx, s, &s.Lead.State)
	if err != nil {
		return nil, err
	}
	var out []Answered
	for i := range l.frameworks {
		f := &l.frameworks[i]
		for j, rule := range f.good {
			q := f.Questions[j]
			_, good := l.ask(ctx, v, "", q.ID, rule)
			out = append(out, Answered{Framework: f.ID, Question: q, Good: good, Value: s.Profile.Value(q.Field)})
		}
	}
	return out, ctx.Err()
}

// Answer returns a one-off step by which a rep writes down answers to questions
// of the qualification, by "<framework>.<question>". They are claims of the
// rep, so that no vendor and no form overwrites them. The step fails with
// leadloop.ErrInvalid for a question that there is not, and for a value of
// another kind than the answer's.
func (l *Lifecycle) Answer(actor leadloop.RepID, answers map[string]leadloop.Value) leadloop.Stage {
	return leadloop.StageFunc("answer", func(_ context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		var e leadloop.Effects
		if actor == "" {
			return leadloop.Outcome{}, e, fmt.Errorf("%w: an answer needs the rep who wrote it down", leadloop.ErrInvalid)
		}
		fields := map[string]string{}
		for i := range l.frameworks {
			for _, q := range l.frameworks[i].Questions {
				fields[l.frameworks[i].ID+"."+q.ID] = q.Field
			}
		}
		known := slices.Sorted(maps.Keys(fields))
		for _, name := range slices.Sorted(maps.Keys(answers)) {
			field, ok := fields[name]
			if !ok {
				err := fmt.Errorf("%w: there is no question %q", leadloop.ErrInvalid, name)
				if hint := suggest.DidYouMean(name, known); hint != "" {
					err = fmt.Errorf("%w, %s", err, hint)
				}
				return leadloop.Outcome{}, leadloop.Effects{}, err
			}
			v := answers[name]
			if def, _ := s.Profile.Schema().Lookup(field); v.Kind() != def.Kind || v.Presence() == leadloop.Absent {
				return leadloop.Outcome{}, leadloop.Effects{}, fmt.Errorf("%w: the answer to %s is of kind %s", leadloop.ErrInvalid, name, def.Kind)
			}
			e.Claims = append(e.Claims, leadloop.Claim{Field: field, Value: v, Evidence: leadloop.Evidence{
				Origin: leadloop.OriginRep, Source: string(actor), ObservedAt: s.AsOf, VerifiedAt: s.AsOf,
			}})
		}
		return leadloop.Outcome{}, e, nil
	})
}
