package rules

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
)

// cond is a condition made of atoms.
type cond struct {
	op   condOp
	kids []*cond
	atom *atom
	code code[bool] // of a condition that is no atom
	// computed is a number that the condition compares, near something about the
	// activities.
	computed *computed
	near     *recency // what columns do instead of code
}

type condOp uint8

const (
	condAtom condOp = iota
	condAnd
	condOr
	condNot
	condTrue
	condFalse
	condCode
)

// of tells whether the condition is met by a value of its one input.
func (c *cond) of(d *datum) truth {
	return c.eval(func(a *atom) truth { return a.of(d) })
}

// eval is strong Kleene logic in which the missing outweighs errors.
func (c *cond) eval(atoms func(*atom) truth) truth {
	switch c.op {
	case condAtom:
		return atoms(c.atom)
	case condTrue:
		return isTrue
	case condFalse:
		return isFalse
	case condNot:
		return c.kids[0].eval(atoms).not()
	}
	settles, out := isFalse, isTrue
	if c.op == condOr {
		settles, out = isTrue, isFalse
	}
	for _, k := range c.kids {
		switch t := k.eval(atoms); {
		case t == settles:
			return t
		case t == isMissing, t == isError && out != isMissing:
			out = t
		}
	}
	return out
}

func (t truth) not() truth {
	switch t {
	case isFalse:
		return isTrue
	case isTrue:
		return isFalse
	}
	return t
}

// condition takes a lowered condition apart into atoms, and into code for what
// is none. It is nil if it can't be compiled.
func (c *compiler) condition(e ast.Expr) *cond {
	if v, ok := boolLiteral(e); ok {
		return constantCond(v)
	}
	if isOperator(e, operators.LogicalNot, operators.LogicalAnd, operators.LogicalOr) {
		out := &cond{op: condOps[e.AsCall().FunctionName()]}
		for _, x := range e.AsCall().Args() {
			k := c.condition(x)
			if k == nil {
				return nil
			}
			out.kids = append(out.kids, k)
		}
		return out
	}
	if a := c.atom(e, ""); a != nil {
		return &cond{atom: a}
	}
	if a := c.allAtom(e); a != nil {
		return &cond{op: condNot, kids: []*cond{{atom: a}}}
	}
	k := coder{c: c}
	f := as[bool](k.code(e))
	c.finish(&k)
	if f == nil {
		return nil
	}
	return &cond{op: condCode, code: f, near: c.recency(e), computed: c.computed(e)}
}

// computed is a number that is computed and then compared with a constant.
type computed struct {
	key  string // the same for the same computation
	code any    // code[int64] or code[float64]
	atom *atom  // the comparison
}

// computed recognises a comparison of a number with a constant.
func (c *compiler) computed(e ast.Expr) *computed {
	if !isOperator(e, comparisons...) {
		return nil
	}
	op, left, right := atomOps[e.AsCall().FunctionName()], e.AsCall().Args()[0], e.AsCall().Args()[1]
	if left.Kind() == ast.LiteralKind {
		op, left, right = atomOps[flipped(e.AsCall().FunctionName(), true)], right, left
	}
	a := &atom{op: op, dom: domainOf(c.ast.GetType(left.ID()))}
	if a.dom != inInt && a.dom != inFloat || right.Kind() != ast.LiteralKind || !a.constant(right.AsLiteral()) {
		return nil
	}
	var key strings.Builder
	if !writeKey(&key, left) {
		return nil
	}
	k := coder{c: c}
	code := k.code(left)
	if !is[int64](code) && !is[float64](code) {
		return nil
	}
	return &computed{key.String(), code, a}
}

// writeKey writes an expression without loops so that different ones differ.
func writeKey(b *strings.Builder, e ast.Expr) bool {
	switch e.Kind() {
	case ast.LiteralKind:
		fmt.Fprintf(b, "%T %#v", e.AsLiteral(), e.AsLiteral().Value())
	case ast.IdentKind:
		fmt.Fprintf(b, "%q", e.AsIdent())
	case ast.CallKind, ast.ListKind, ast.MapKind:
		fmt.Fprintf(b, "%d", e.Kind())
		if e.Kind() == ast.CallKind {
			b.WriteString(e.AsCall().FunctionName())
		}
		b.WriteByte('(')
		for _, x := range children(e) {
			if !writeKey(b, x) {
				return false
			}
			b.WriteByte(',')
		}
		b.WriteByte(')')
	default:
		return false
	}
	return true
}

// finish keeps what a coder says about the rule.
func (c *compiler) finish(k *coder) {
	c.set.locals, c.set.places = max(c.set.locals, k.depth), max(c.set.places, k.places)
	if c.why == "" {
		c.why = k.why
	}
}

// simplify moves negations down to what is no logic, joins nested operations
// of one kind, and drops constants. Strong Kleene logic allows all of that.
func (c *cond) simplify(negated bool) *cond {
	switch c.op {
	case condTrue, condFalse:
		return constantCond((c.op == condTrue) != negated)
	case condNot:
		return c.kids[0].simplify(!negated)
	case condAtom, condCode:
		if negated {
			return &cond{op: condNot, kids: []*cond{c}}
		}
		return c
	}
	out := &cond{op: c.op}
	if negated {
		out.op = condAnd + condOr - c.op
	}
	settles, neutral := condFalse, condTrue
	if out.op == condOr {
		settles, neutral = condTrue, condFalse
	}
	for _, k := range c.kids {
		switch k = k.simplify(negated); k.op {
		case settles:
			return k
		case neutral:
		case out.op:
			out.kids = append(out.kids, k.kids...)
		default:
			out.kids = append(out.kids, k)
		}
	}
	switch len(out.kids) {
	case 0:
		return &cond{op: neutral}
	case 1:
		return out.kids[0]
	}
	return out
}

// key is the same for conditions that are the same, but for code.
func (c *cond) key(b *strings.Builder) {
	if c.op == condAtom {
		a := *c.atom
		item := a.item
		a.pattern, a.check, a.item = nil, nil, nil
		fmt.Fprintf(b, "%#v", a)
		if item != nil {
			item.key(b)
		}
		return
	}
	if c.op == condCode {
		fmt.Fprintf(b, "code %p", c)
	}
	fmt.Fprintf(b, "%d(", c.op)
	for _, k := range c.kids {
		k.key(b)
		b.WriteByte(',')
	}
	b.WriteByte(')')
}

// source is what a group of atoms is read from.
type source struct {
	in   input
	view view
}

func (a *atom) source() source { return source{a.in, a.view} }

// source is what a condition on one source reads.
func (c *cond) source() source {
	if c.op == condAtom {
		return c.atom.source()
	}
	return c.kids[0].source()
}

// table reports whether a table over one source answers the condition, and
// which source that is.
func (c *cond) table() (source, bool) {
	switch c.op {
	case condAtom:
		return c.atom.source(), c.atom.stepwise()
	case condAnd, condOr, condNot:
		of, ok := c.kids[0].table()
		for _, k := range c.kids[1:] {
			next, also := k.table()
			ok = ok && also && next == of
		}
		return of, ok
	}
	return source{}, false
}

// gather joins operands that one table can answer, at the place of the first.
func (c *cond) gather() *cond {
	if c.op != condAnd && c.op != condOr {
		return c
	}
	out := &cond{op: c.op}
	at := map[source]int{}
	for _, k := range c.kids {
		k = k.gather()
		of, ok := k.table()
		i, before := at[of]
		switch {
		case !ok:
			out.kids = append(out.kids, k)
		case !before:
			at[of] = len(out.kids)
			out.kids = append(out.kids, k)
		case out.kids[i].op == c.op:
			out.kids[i].kids = append(out.kids[i].kids, k)
		default:
			out.kids[i] = &cond{op: c.op, kids: []*cond{out.kids[i], k}}
		}
	}
	if len(out.kids) == 1 {
		return out.kids[0]
	}
	return out
}
