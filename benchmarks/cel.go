package benchmarks

import (
	"fmt"
	"reflect"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"
	"cel.dev/cel-go/interpreter"
)

// celPrograms runs one program for each condition.
type celPrograms struct {
	programs []cel.Program
	tally    tally
}

func (p *celPrograms) eval(activation any, out *Outcome) error {
	p.tally.begin(out)
	for i, program := range p.programs {
		v, _, err := program.Eval(activation)
		if err != nil {
			// The only error that these rules can come to: a key is missing.
			p.tally.undecided(out, i)
			continue
		}
		p.tally.add(out, i, v == types.True)
	}
	p.tally.end(out)
	return nil
}

// compileCELMaps is how one starts with cel-go, given no options.
func compileCELMaps(options ...cel.ProgramOption) func(*Model) (Scorer, error) {
	environment := sync.OnceValues(func() (*cel.Env, error) {
		object := cel.MapType(cel.StringType, cel.DynType)
		return cel.NewEnv(
			cel.Variable("lead", object), cel.Variable("company", object),
			cel.Variable("activities", cel.ListType(object)), cel.Variable("now", cel.TimestampType),
		)
	})
	return func(m *Model) (Scorer, error) {
		env, err := environment()
		if err != nil {
			return nil, err
		}
		p := &celPrograms{tally: newTally(m)}
		for _, text := range m.conditions(celText) {
			ast, issues := env.Compile(text)
			if issues.Err() != nil {
				return nil, fmt.Errorf("%s: %w", text, issues.Err())
			}
			program, err := env.Program(ast, options...)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", text, err)
			}
			p.programs = append(p.programs, program)
		}
		return ScorerFunc(func(l *Lead, out *Outcome) error { return p.eval(l.Maps, out) }), nil
	}
}

// History is what window functions look at.
type History struct {
	Events []Event
	Now    time.Time
}

// Count counts the events of a type within the window, or with an empty type all.
func (h *History) Count(event string, window time.Duration) int {
	n, from := 0, h.Now.Add(-window)
	for i := range h.Events {
		e := &h.Events[i]
		if (event == "" || e.Type == event) && e.At.After(from) {
			n++
		}
	}
	return n
}

// compileCELBest takes every measure that made cel-go faster in trials.
func compileCELBest() func(*Model) (Scorer, error) {
	environment := sync.OnceValues(func() (*cel.Env, error) {
		history := cel.ObjectType("benchmarks.History")
		return cel.NewEnv(
			ext.NativeTypes(ext.ParseStructTags(true), reflect.TypeFor[Person](), reflect.TypeFor[Company](), reflect.TypeFor[History]()),
			cel.Variable("lead", cel.ObjectType("benchmarks.Person")), cel.Variable("company", cel.ObjectType("benchmarks.Company")),
			cel.Variable("history", history), cel.Variable("now", cel.TimestampType),
			cel.Function("count", cel.MemberOverload("history_count", []*cel.Type{history, cel.StringType, cel.DurationType}, cel.IntType,
				cel.FunctionBinding(func(a ...ref.Val) ref.Val {
					h, ok := a[0].Value().(*History)
					if !ok {
						return types.MaybeNoSuchOverloadErr(a[0])
					}
					event, ok := a[1].(types.String)
					if !ok {
						return types.MaybeNoSuchOverloadErr(a[1])
					}
					window, ok := a[2].(types.Duration)
					if !ok {
						return types.MaybeNoSuchOverloadErr(a[2])
					}
					return types.Int(h.Count(string(event), window.Duration))
				}))),
		)
	})
	return func(m *Model) (Scorer, error) {
		env, err := environment()
		if err != nil {
			return nil, err
		}
		p := &celPrograms{tally: newTally(m)}
		for _, text := range m.conditions(celFunctions) {
			program, err := foldedProgram(env, text)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", text, err)
			}
			p.programs = append(p.programs, program)
		}
		adapter := env.CELTypeAdapter()
		history := &History{Now: Now}
		activation := &structs{history: adapter.NativeToValue(history), now: types.Timestamp{Time: Now}}
		return ScorerFunc(func(l *Lead, out *Outcome) error {
			history.Events = l.Events
			activation.lead, activation.company = adapter.NativeToValue(&l.Person), adapter.NativeToValue(&l.Company)
			frame, err := interpreter.NewExecutionFrame(activation)
			if err != nil {
				return err
			}
			err = p.eval(frame, out)
			frame.Close()
			return err
		}), nil
	}
}

func foldedProgram(env *cel.Env, text string) (cel.Program, error) {
	ast, issues := env.Compile(text)
	if issues.Err() != nil {
		return nil, issues.Err()
	}
	folding, err := cel.NewConstantFoldingOptimizer()
	if err != nil {
		return nil, err
	}
	optimizer, err := cel.NewStaticOptimizer(folding)
	if err != nil {
		return nil, err
	}
	if ast, issues = optimizer.Optimize(env, ast); issues.Err() != nil {
		return nil, issues.Err()
	}
	return env.Program(ast, cel.EvalOptions(cel.OptOptimize))
}

// structs resolves the variables without a map.
type structs struct{ lead, company, history, now ref.Val }

func (*structs) Parent() cel.Activation { return nil }

func (s *structs) ResolveName(name string) (any, bool) {
	switch name {
	case "lead":
		return s.lead, true
	case "company":
		return s.company, true
	case "history":
		return s.history, true
	case "now":
		return s.now, true
	}
	return nil, false
}
