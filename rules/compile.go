package rules

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"

	"github.com/leadloop/leadloop"
)

// Set is a number of compiled rules. It is immutable and safe for concurrent
// use.
type Set struct {
	env   *Env
	rules []compiled
	// slots are the distinct inputs of all rules together, so that each is
	// read at most once per evaluation. slotAt finds them by name, if a program
	// of cel-go has to.
	slots  []slot
	slotAt map[string]int
	named  bool
	reads  []int32 // slots, by rule
	times  []timeAtom
	files  []string
	// locals and places are how many loop variables and lists a rule has at
	// most.
	locals, places int
	plan           *plan
	oracle         []cel.Program // by rule, for tests

	again   sync.Once
	details *details
}

// compiled is a rule, in the least room.
type compiled struct {
	id, text           string
	kind               leadloop.Kind
	file, line, column int32  // of the text; the file is among those of the set
	reads, times       span   // of the set's
	alone              *alone // nil for a condition, which the plan has
}

// span is a part of a slice.
type span struct{ from, to int32 }

// push appends more to list and returns where it is.
func push[T any](list *[]T, more []T) span {
	from := len(*list)
	*list = append(*list, more...)
	return span{int32(from), int32(len(*list))}
}

// details are what evaluating single leads does not need. They are made when
// they are first asked for, by compiling the rules again.
type details struct {
	conds []*cond           // by rule, nil for those that run by themselves
	uses  map[int]*fieldUse // how rules look at a field, by its position, and at a variable, by variable(position)
}

func (s *Set) detail() *details {
	s.again.Do(func() {
		rules := make([]Rule, len(s.rules))
		for i := range s.rules {
			rules[i] = s.Rule(i)
		}
		twin, d, problems := s.env.compile(rules, true)
		if len(problems) > 0 || !slices.Equal(twin.slots, s.slots) {
			panic("rules: what compiled once does not compile again")
		}
		s.details = d
	})
	return s.details
}

// alone is a rule that runs by itself: by code, or else by a program of cel-go,
// and why says why.
type alone struct {
	value   code[leadloop.Value]
	program cel.Program
	why     string
}

// Inputs are what a rule reads. Lists are sorted.
type Inputs struct {
	// Fields are full names, such as "company.employees".
	Fields []string
	// Activities are the activity types that count, last, since and seen
	// name. AllActivities says that the rule reads the list "activities".
	Activities    []string
	AllActivities bool
	Vars          []string
	// Now says that the answer can change with the moment alone. It is set
	// for whatever reads the clock, a window, or the time of an activity.
	Now bool
}

// Len returns the number of rules.
func (s *Set) Len() int { return len(s.rules) }

// Rule returns the i-th rule as it was given.
func (s *Set) Rule(i int) Rule {
	r := &s.rules[i]
	at := leadloop.Position{File: s.files[r.file], Line: int(r.line), Column: int(r.column)}
	return Rule{ID: r.id, Type: r.kind, Expression: leadloop.Expression{Text: r.text, At: at}}
}

// Inputs returns what the i-th rule reads.
func (s *Set) Inputs(i int) Inputs {
	var in Inputs
	for _, k := range s.reads[s.rules[i].reads.from:s.rules[i].reads.to] {
		switch slot := &s.slots[k]; slot.kind {
		case slotField, slotHas:
			in.Fields = append(in.Fields, s.label(int(k)))
		case slotVar:
			in.Vars = append(in.Vars, s.label(int(k)))
		case slotNow:
			in.Now = true
		case slotActivities:
			in.AllActivities, in.Now = true, true
		default:
			in.Activities = append(in.Activities, slot.typ)
			in.Now = in.Now || slot.window > 0 || slot.kind == slotLast || slot.kind == slotSince
		}
	}
	for _, list := range []*[]string{&in.Fields, &in.Activities, &in.Vars} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return in
}

// Env returns the environment the rules were compiled against.
func (s *Set) Env() *Env { return s.env }

// Compile checks rules and prepares them for evaluation. An error is a
// [leadloop.Problems] with everything that is wrong with all of them: unknown
// names (with what was probably meant), types, limits, patterns, duplicate
// ids. Positions point into the expression: a column after the first line
// counts within the expression, since the indentation of a block in a file is
// not part of it.
func (e *Env) Compile(rules ...Rule) (*Set, error) {
	s, d, problems := e.compile(rules, false)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	s.plan = newPlan(s, d.conds)
	s.slots, s.reads, s.times = exact(s.slots), exact(s.reads), exact(s.times)
	if !s.named {
		s.slotAt = nil
	}
	return s, nil
}

// compile compiles rules one by one, and notes how they use fields if all is
// set.
func (e *Env) compile(rules []Rule, all bool) (*Set, *details, leadloop.Problems) {
	var problems leadloop.Problems
	if len(rules) > e.limits.Rules {
		problems.Add(leadloop.Position{}, "%d rules, at most %d are allowed", len(rules), e.limits.Rules)
		return nil, nil, problems
	}
	s := &Set{env: e, rules: make([]compiled, 0, len(rules)), slotAt: map[string]int{}}
	d := &details{}
	if all {
		d.uses = map[int]*fieldUse{}
	}
	first := map[string]leadloop.Position{}
	for _, r := range rules {
		switch at, twice := first[r.ID]; {
		case r.ID == "":
			problems.Add(r.Expression.At, "rule without an id")
		case twice && at.String() != "":
			problems.Add(r.Expression.At, "rule %q: the id is used twice, first at %s", r.ID, at)
		case twice:
			problems.Add(r.Expression.At, "rule %q: the id is used twice", r.ID)
		default:
			first[r.ID] = r.Expression.At
		}
		c := compiler{set: s, details: d, rule: r}
		if out, ok := c.compile(); ok {
			s.rules, d.conds = append(s.rules, out), append(d.conds, c.cond)
		}
		problems = append(problems, c.problems...)
	}
	return s, d, problems
}

// compiler compiles one rule into a set.
type compiler struct {
	set      *Set
	details  *details
	rule     Rule
	problems leadloop.Problems
	ast      *ast.AST
	reads    []int32
	times    []timeAtom
	why      string // the first reason why a part of it has no code
	cond     *cond  // the rule, if it is a condition that can be planned
}

func (c *compiler) compile() (compiled, bool) {
	env, limits, text := c.set.env, c.set.env.limits, c.rule.Expression.Text
	want := celType(c.rule.Type)
	switch {
	case want == nil:
		c.problem(0, "", "the rule has no result type")
		return compiled{}, false
	case strings.TrimSpace(text) == "":
		c.problem(0, "", "the expression is empty")
		return compiled{}, false
	case len(text) > limits.SourceBytes:
		c.problem(0, "", "the expression is longer than %d bytes", limits.SourceBytes)
		return compiled{}, false
	case !utf8.ValidString(text):
		c.problem(0, "", "the expression is not valid UTF-8")
		return compiled{}, false
	}
	parsed, issues := env.cel.Parse(text)
	if len(issues.Errors()) > 0 { // Err would quote the text for each
		c.syntax(issues)
		return compiled{}, false
	}
	c.ast = parsed.NativeRep()
	if ast.ExceedsDepth(c.ast, limits.Depth) {
		c.problem(0, "split it into several rules", "the expression is nested deeper than %d levels", limits.Depth)
		return compiled{}, false
	}
	checked, issues := env.cel.Check(parsed)
	if len(issues.Errors()) > 0 { // Err would quote the text for each
		c.typeErrors(issues)
		return compiled{}, false
	}
	c.ast = checked.NativeRep()
	root := c.ast.Expr()
	c.lower(root, nil, 0)
	if got := c.ast.GetType(root.ID()); len(c.problems) == 0 && !got.IsExactType(want) &&
		!(c.rule.Type == leadloop.KindFloat && got.IsExactType(cel.IntType)) {
		c.problem(0, resultHint(want, got), "expected %s, found %s", typeName(want), typeName(got))
	}
	if len(c.problems) > 0 {
		return compiled{}, false
	}
	est, err := env.cel.EstimateCost(checked, sizes{limits})
	if err != nil || est.Max > limits.Cost {
		c.problem(0, "shorten the lists it goes through, or nest fewer loops",
			"the expression can cost more than the budget of %d on a large lead", limits.Cost)
		return compiled{}, false
	}
	at := c.rule.Expression.At
	out := compiled{id: c.rule.ID, text: text, kind: c.rule.Type, file: c.set.file(at.File), line: int32(at.Line), column: int32(at.Column)}
	if c.rule.Type == leadloop.KindBool {
		c.cond = c.condition(root)
	} else {
		k := coder{c: c}
		if e := k.code(root); e != nil {
			out.alone = &alone{value: resultCode(c.rule.Type, e)}
		}
		c.finish(&k)
	}
	if c.cond == nil && out.alone == nil || env.oracle {
		program, err := c.program(c.ast)
		if err != nil {
			c.problem(0, "", "a constant in it can't be computed: %v", err)
			return compiled{}, false
		}
		if env.oracle {
			c.set.oracle = append(c.set.oracle, program)
		}
		if c.cond == nil && out.alone == nil {
			out.alone = &alone{program: program, why: c.why}
			if est.Max > limits.guardedCost() || c.merges(root) > maxMerges {
				c.problem(0, "shorten the lists it goes through, or nest fewer loops",
					"the expression can cost more than the budget of %d on a large lead, for one that is left to cel-go (%s)", limits.guardedCost(), c.why)
				return compiled{}, false
			}
		}
	}
	c.timeAtoms(root)
	if c.details.uses != nil {
		c.observe(root)
	}
	slices.Sort(c.reads)
	out.reads, out.times = push(&c.set.reads, slices.Compact(c.reads)), push(&c.set.times, c.times)
	return out, true
}

// file returns the number of a file.
func (s *Set) file(name string) int32 {
	i := slices.Index(s.files, name)
	if i < 0 {
		i = len(s.files)
		s.files = append(s.files, name)
	}
	return int32(i)
}

// exact drops the room that appending left.
func exact[T any](list []T) []T { return append(make([]T, 0, len(list)), list...) }

// program makes cel-go's program of an expression, which finds inputs by name.
func (c *compiler) program(a *ast.AST) (cel.Program, error) {
	c.set.named = true
	return c.set.env.plan(a)
}

func (e *Env) plan(a *ast.AST) (cel.Program, error) {
	return e.cel.PlanProgram(a,
		cel.CustomDecoratorV2(orderIndependent),
		cel.EvalOptions(cel.OptOptimize),
		cel.CostLimit(e.limits.Cost),
		cel.InterruptCheckFrequency(100))
}

// orderIndependent makes a binary operation err if either operand errs, even
// if the other is missing. cel-go does so for all operations but this one
// shape, where a missing left operand hides an error on the right.
func orderIndependent(i interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	call, ok := i.(interpreter.InterpretableCall)
	if !ok || len(call.Args()) != 2 {
		return i, nil
	}
	switch call.Function() {
	case operators.Equals, operators.NotEquals, operators.LogicalAnd, operators.LogicalOr, operators.Index:
		return i, nil
	}
	if _, constant := call.Args()[1].(interpreter.InterpretableConst); constant {
		return i, nil
	}
	return &binary{call}, nil
}

type binary struct{ interpreter.InterpretableCall }

func (b *binary) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	out := b.InterpretableCall.Exec(frame)
	if types.IsUnknown(out) {
		if right := b.Args()[1].Exec(frame); types.IsError(right) {
			return right
		}
	} else if clocks[b.Function()] != nil && !types.IsError(out) && b.Args()[1].Exec(frame) == ref.Val(types.String(localZone)) {
		return types.WrapErr(errLocalZone)
	}
	return out
}

func (b *binary) Eval(vars interpreter.Activation) ref.Val {
	return interpreter.EvalActivation(vars, b.Exec)
}

// position is where the node stands in the file; node 0 is the whole.
func (c *compiler) position(node int64) leadloop.Position {
	at := c.rule.Expression.At
	if c.ast == nil || node == 0 {
		return shift(at, 1, 0)
	}
	loc := c.ast.SourceInfo().GetStartLocation(node)
	return shift(at, loc.Line(), loc.Column())
}

// start is where the words of a name begin: cel-go points at the dot of a
// selection and at the parenthesis of a call.
func (c *compiler) start(node ast.Expr) leadloop.Position {
	switch node.Kind() {
	case ast.SelectKind:
		return c.start(node.AsSelect().Operand())
	case ast.CallKind:
		if call := node.AsCall(); identifier.MatchString(call.FunctionName()) {
			at := c.position(node.ID())
			at.Column = max(at.Column-len(call.FunctionName()), 1)
			return at
		}
	}
	return c.position(node.ID())
}

// shift moves a position by a line (from 1) and column (from 0) of the text
// that stands there. A text made in Go stands nowhere; its own lines count.
func shift(at leadloop.Position, line, column int) leadloop.Position {
	if line < 1 || column < 0 {
		line, column = max(line, 1), 0 // cel-go does not always know
	}
	if at.Line == 0 {
		at.Line, at.Column = 1, 1
	}
	if line == 1 {
		at.Column += column
		return at
	}
	at.Line, at.Column = at.Line+line-1, column+1
	return at
}

func (c *compiler) problem(node int64, hint, format string, args ...any) {
	c.problemAt(c.position(node), hint, format, args...)
}

func (c *compiler) problemAt(at leadloop.Position, hint, format string, args ...any) {
	msg := fmt.Sprintf(format, args...)
	if c.rule.ID != "" {
		msg = fmt.Sprintf("rule %q: %s", c.rule.ID, msg)
	}
	c.problems = append(c.problems, leadloop.Problem{At: at, Message: msg, Hint: hint})
}
