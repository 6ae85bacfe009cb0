package rules

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"slices"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/leadloop/leadloop"
)

// slot is one distinct input of a set.
type slot struct {
	kind   slotKind
	at     int32         // field or variable position
	typ    string        // activity type
	window time.Duration // 0: no window
}

// label is what people know the i-th slot as.
func (s *Set) label(i int) string {
	switch slot := &s.slots[i]; slot.kind {
	case slotField, slotHas:
		return s.env.schema.At(int(slot.at)).Name
	case slotVar:
		return s.env.vars[slot.at].Name
	case slotNow:
		return identNow
	case slotActivities:
		return identActivities
	default:
		return slot.kind.function() + "(" + slot.typ + ")"
	}
}

type slotKind uint8

const (
	slotField slotKind = iota
	slotHas
	slotVar
	slotNow
	slotActivities
	slotCount
	slotSeen
	slotLast
	slotSince
)

func (k slotKind) function() string {
	switch k {
	case slotCount:
		return fnCount
	case slotSeen:
		return fnSeen
	case slotLast:
		return fnLast
	}
	return fnSince
}

var factory = ast.NewExprFactory()

// lower replaces every input by a variable of its own, folds constants that
// have a form of their own here, and reports what types alone can't refuse.
func (c *compiler) lower(e ast.Expr, locals []string, nesting int) {
	switch e.Kind() {
	case ast.LiteralKind:
		c.lowerLiteral(e)
	case ast.IdentKind:
		c.lowerIdent(e, locals)
	case ast.SelectKind:
		c.lowerSelect(e, locals, nesting)
	case ast.CallKind:
		c.lowerCall(e, locals, nesting)
	case ast.ListKind:
		for _, x := range e.AsList().Elements() {
			c.lower(x, locals, nesting)
		}
	case ast.MapKind:
		c.checkKeys(e)
		for _, x := range e.AsMap().Entries() {
			c.lower(x.AsMapEntry().Key(), locals, nesting)
			c.lower(x.AsMapEntry().Value(), locals, nesting)
		}
	case ast.ComprehensionKind:
		c.lowerComprehension(e, locals, nesting)
	default:
		c.problem(e.ID(), "", "objects can't be made in a rule")
	}
}

func (c *compiler) lowerLiteral(e ast.Expr) {
	switch e.AsLiteral().(type) {
	case types.Null:
		c.problem(e.ID(), "has(lead.x) tells whether there is a value", "there is no null")
	case types.Bytes:
		c.problem(e.ID(), "", "bytes are not a type of a lead")
	case types.Uint:
		c.problem(e.ID(), "leave out the u", "unsigned integers are not a type of a lead")
	}
}

func (c *compiler) lowerIdent(e ast.Expr, locals []string) {
	name := e.AsIdent()
	if slices.Contains(locals, name) {
		return
	}
	switch name {
	case identNow:
		c.use(e, identNow, slot{kind: slotNow})
		return
	case identActivities:
		c.use(e, identActivities, slot{kind: slotActivities})
		return
	case identLead, identCompany:
		c.problem(e.ID(), "name a field, such as "+c.anyField(name), "%s is not a value by itself", name)
		return
	}
	if i, ok := c.set.env.varAt[name]; ok {
		c.use(e, name, slot{kind: slotVar, at: int32(i)})
		return
	}
	c.problem(e.ID(), "", "%s is not a value", name)
}

func (c *compiler) anyField(scope string) string {
	for _, d := range c.set.env.schema.Fields() {
		if d.Scope() == scope {
			return d.Name
		}
	}
	return scope + ".name"
}

func (c *compiler) lowerSelect(e ast.Expr, locals []string, nesting int) {
	sel := e.AsSelect()
	if op := sel.Operand(); op.Kind() == ast.IdentKind && !slices.Contains(locals, op.AsIdent()) &&
		(op.AsIdent() == identLead || op.AsIdent() == identCompany) {
		name := op.AsIdent() + "." + sel.FieldName()
		i, ok := c.set.env.schema.Index(name)
		if !ok {
			c.problemAt(c.start(e), "", "unknown field %s", name)
			return
		}
		if sel.IsTestOnly() {
			c.use(e, "has "+name, slot{kind: slotHas, at: int32(i)})
		} else {
			c.use(e, name, slot{kind: slotField, at: int32(i)})
		}
		return
	}
	c.lower(sel.Operand(), locals, nesting)
}

// use makes e the variable of a slot.
func (c *compiler) use(e ast.Expr, name string, s slot) {
	i, ok := c.set.slotAt[name]
	if !ok {
		i = len(c.set.slots)
		c.set.slotAt[name], c.set.slots = i, append(c.set.slots, s)
	}
	c.reads = append(c.reads, int32(i))
	e.SetKindCase(factory.NewIdent(e.ID(), name))
	c.ast.SetReference(e.ID(), ast.NewIdentReference(name, nil))
}

// constant makes e a literal.
func (c *compiler) constant(e ast.Expr, v ref.Val) {
	e.SetKindCase(factory.NewLiteral(e.ID(), v))
	delete(c.ast.ReferenceMap(), e.ID())
}

func (c *compiler) lowerComprehension(e ast.Expr, locals []string, nesting int) {
	comp := e.AsComprehension()
	if nesting == c.set.env.limits.Nesting {
		c.problem(e.ID(), "", "comprehensions are nested deeper than %d", c.set.env.limits.Nesting)
		return
	}
	inner := append(slices.Clip(locals), comp.AccuVar())
	vars := []string{comp.IterVar()}
	if comp.HasIterVar2() {
		vars = append(vars, comp.IterVar2())
	}
	for _, v := range vars {
		_, taken := c.set.env.varAt[v]
		if taken || v == identLead || v == identCompany || v == identActivities || v == identNow {
			c.problem(e.ID(), "use another name, such as x", "the loop variable %q hides an input", v)
			return
		}
		inner = append(inner, v)
	}
	c.lower(comp.IterRange(), locals, nesting)
	c.lower(comp.AccuInit(), locals, nesting)
	for _, x := range []ast.Expr{comp.LoopCondition(), comp.LoopStep(), comp.Result()} {
		c.lower(x, inner, nesting+1)
	}
}

func (c *compiler) lowerCall(e ast.Expr, locals []string, nesting int) {
	call := e.AsCall()
	switch call.FunctionName() {
	case fnCount, fnSeen, fnLast, fnSince:
		c.lowerActivity(e)
		return
	case overloads.TypeConvertDuration:
		if arg := call.Args()[0]; c.ast.GetType(arg.ID()).IsExactType(types.StringType) {
			c.foldDuration(e, arg)
			return
		}
	case overloads.TypeConvertTimestamp:
		if text, ok := stringLiteral(call.Args()[0]); ok {
			t, err := leadloop.ParseTime(text)
			if err != nil {
				c.problem(call.Args()[0].ID(), "", "%q is not a time such as 2026-11-02T09:30:00Z or 2026-11-02", text)
				return
			}
			c.constant(e, types.Timestamp{Time: t})
			return
		}
	case fnDays:
		if n, ok := call.Args()[0].AsLiteral().(types.Int); ok {
			v := days(n)
			if types.IsError(v) {
				c.problem(call.Args()[0].ID(), "", "%d days are too long for a duration", int64(n))
				return
			}
			c.constant(e, v)
			return
		}
	case overloads.Matches:
		c.checkPattern(call.Args()[len(call.Args())-1])
	}
	if clocks[call.FunctionName()] != nil && len(call.Args()) == 1 {
		c.checkZone(call.Args()[0])
	}
	if call.IsMemberFunction() {
		c.lower(call.Target(), locals, nesting)
	}
	for _, x := range call.Args() {
		c.lower(x, locals, nesting)
	}
}

func stringLiteral(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return string(s), ok
}

func (c *compiler) foldDuration(e, arg ast.Expr) {
	text, ok := stringLiteral(arg)
	if !ok {
		c.problem(arg.ID(), `write it out, as in duration("48h"), or use days(n)`, "duration() takes a constant")
		return
	}
	d, err := leadloop.ParseDuration(text)
	if err != nil {
		c.problem(arg.ID(), "", "%q is not a duration such as 15m, 48h, 7d or 2w", text)
		return
	}
	c.constant(e, types.Duration{Duration: d})
}

func (c *compiler) lowerActivity(e ast.Expr) {
	call := e.AsCall()
	fn := call.FunctionName()
	typ, ok := stringLiteral(call.Args()[0])
	switch {
	case !ok:
		c.problem(call.Args()[0].ID(), `write it out, as in `+fn+`("pricing_view")`, "the activity type of %s() must be a constant", fn)
		return
	case typ == "":
		c.problem(call.Args()[0].ID(), "", "the activity type of %s() is empty", fn)
		return
	}
	s := slot{typ: typ}
	if len(call.Args()) == 2 {
		arg := call.Args()[1]
		text, ok := stringLiteral(arg)
		if !ok {
			c.problem(arg.ID(), `write it out, as in "7d"`, "the window of %s() must be a constant", fn)
			return
		}
		d, err := leadloop.ParseDuration(text)
		if err != nil || d <= 0 {
			c.problem(arg.ID(), "", "%q is not a window such as 15m, 48h, 7d or 2w", text)
			return
		}
		s.window = d
	}
	switch fn {
	case fnCount:
		s.kind = slotCount
	case fnSeen:
		s.kind = slotSeen
	case fnLast:
		s.kind = slotLast
	case fnSince:
		s.kind = slotSince
	}
	c.use(e, fn+" "+typ+" "+s.window.String(), s)
}

// checkPattern accepts constant patterns of bounded size: neither cost limits
// nor interrupts stop a regular expression.
func (c *compiler) checkPattern(arg ast.Expr) {
	pattern, ok := stringLiteral(arg)
	if !ok {
		c.problem(arg.ID(), "", "the pattern of matches() must be a constant")
		return
	}
	size, err := patternSize(pattern)
	switch {
	case err != nil:
		c.problem(arg.ID(), "patterns are RE2: no look-around, no back-references", "not a valid pattern: %s", patternError(err))
	case size > c.set.env.limits.RegexProgram:
		c.problem(arg.ID(), "use fewer or smaller {n,m} repeats", "the pattern is too large: %d steps, at most %d", size, c.set.env.limits.RegexProgram)
	}
}

// patternSize returns the size of the compiled pattern, or its estimate if
// that is so large that compiling would itself be the attack.
func patternSize(pattern string) (int, error) {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0, err
	}
	if est := treeSize(tree); est > 1<<14 {
		return est, nil
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return 0, err
	}
	return len(prog.Inst), nil
}

func treeSize(re *syntax.Regexp) int {
	n := 1 + len(re.Rune)
	for _, sub := range re.Sub {
		n += treeSize(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Min, re.Max, 1)
	}
	return min(n, 1<<30)
}

func patternError(err error) string {
	var e *syntax.Error
	if errors.As(err, &e) {
		return e.Code.String()
	}
	return "can't be compiled"
}

// checkKeys refuses a table with a key twice, of which cel-go silently takes
// the last.
func (c *compiler) checkKeys(e ast.Expr) {
	seen := map[ref.Val]bool{}
	for _, x := range e.AsMap().Entries() {
		key := x.AsMapEntry().Key()
		if key.Kind() != ast.LiteralKind {
			continue
		}
		switch v := key.AsLiteral().(type) {
		case types.String, types.Int, types.Bool:
			if seen[v] {
				c.problem(key.ID(), "", "the table has the key %s twice", types.Format(v))
			}
			seen[v] = true
		}
	}
}

// checkZone refuses a misspelt time zone when it is written out.
func (c *compiler) checkZone(arg ast.Expr) {
	zone, ok := stringLiteral(arg)
	if !ok || offset.MatchString(zone) {
		return
	}
	if _, err := time.LoadLocation(zone); err != nil || zone == "" || zone == "Local" {
		c.problem(arg.ID(), "", "%q is not a time zone such as Europe/Berlin or +01:00", zone)
	}
}

var offset = regexp.MustCompile(`^[+-]?([01][0-9]|2[0-3]):[0-5][0-9]$`)

func isOperator(e ast.Expr, ops ...string) bool {
	return e.Kind() == ast.CallKind && slices.Contains(ops, e.AsCall().FunctionName())
}

var comparisons = []string{
	operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals, operators.Equals, operators.NotEquals,
}
