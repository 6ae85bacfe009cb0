package benchmarks

import (
	"fmt"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
)

// exprEnv is what expr's programs read.
type exprEnv struct {
	Lead       *Person                   `expr:"lead"`
	Company    *Company                  `expr:"company"`
	Activities []Event                   `expr:"activities"`
	History    *History                  `expr:"history"`
	Now        time.Time                 `expr:"now"`
	Hours      func(n int) time.Duration `expr:"hours"`
}

func hours(n int) time.Duration { return time.Duration(n) * time.Hour }

func compileExpr(d dialect) func(*Model) (Scorer, error) {
	return func(m *Model) (Scorer, error) {
		env := &exprEnv{History: &History{Now: Now}, Now: Now, Hours: hours}
		t := newTally(m)
		var programs []*vm.Program
		for _, text := range m.conditions(d) {
			// Durations are computed while compiling.
			p, err := expr.Compile(text, expr.Env(env), expr.AsBool(), expr.ConstExpr("hours"))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", text, err)
			}
			programs = append(programs, p)
		}
		var machine vm.VM
		return ScorerFunc(func(l *Lead, out *Outcome) error {
			env.Lead, env.Company, env.Activities, env.History.Events = &l.Person, &l.Company, l.Events, l.Events
			t.begin(out)
			for i, p := range programs {
				v, err := machine.Run(p, env)
				if err != nil {
					return fmt.Errorf("condition %d: %w", i, err)
				}
				t.add(out, i, v == true)
			}
			t.end(out)
			return nil
		}), nil
	}
}
