package scoring

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Expressions are evaluated by package rules. What this file adds are bounds:
// where can the value of an expression be, if its variables are somewhere
// between two numbers? That is what ranges of undecided leads, attainable
// points and unreachable tiers are computed from.
//
// Bounds are sound because rounding is monotone: for every operation the value
// at a point inside the spans lies between the values at their ends, each
// rounded once as the evaluation itself rounds.

// span is a closed interval of numbers; of truth values with 0 false, 1 true.
type span struct{ lo, hi float64 }

var (
	anything = span{math.Inf(-1), math.Inf(1)}
	either   = span{0, 1}
	yes      = span{1, 1}
	no       = span{0, 0}
)

func hull(a, b span) span { return span{min(a.lo, b.lo), max(a.hi, b.hi)} }

func (s span) finite() bool {
	return !math.IsNaN(s.lo) && !math.IsNaN(s.hi) && !math.IsInf(s.lo, 0) && !math.IsInf(s.hi, 0)
}

// term is a node of a parsed expression.
type term struct {
	op   string // number, variable, unknown, neg, call names, operators ("%" has no bounds)
	val  float64
	name string
	args []*term
	// double marks what is certainly not an int: ints divide otherwise.
	double bool
}

// bounds returns where t can be, given the spans of its variables.
func (t *term) bounds(vars func(name string) span) span {
	var a, b span
	if len(t.args) > 0 {
		a = t.args[0].bounds(vars)
	}
	if len(t.args) > 1 {
		b = t.args[1].bounds(vars)
	}
	switch t.op {
	case "number":
		return span{t.val, t.val}
	case "variable":
		return vars(t.name)
	case "neg":
		return span{-a.hi, -a.lo}
	case "+":
		return span{a.lo + b.lo, a.hi + b.hi}.known()
	case "-":
		return span{a.lo - b.hi, a.hi - b.lo}.known()
	case "*":
		return corners(a, b, func(x, y float64) float64 { return x * y })
	case "/":
		if b.lo <= 0 && b.hi >= 0 {
			return anything
		}
		s := corners(a, b, func(x, y float64) float64 { return x / y })
		if !t.double {
			s = span{math.Floor(s.lo), math.Ceil(s.hi)}
		}
		return s
	case "min":
		return span{min(a.lo, b.lo), min(a.hi, b.hi)}
	case "max":
		return span{max(a.lo, b.lo), max(a.hi, b.hi)}
	case "double":
		return a
	case "size", "count":
		return span{0, math.Inf(1)}
	case "<":
		return truth(a.hi < b.lo, a.lo >= b.hi)
	case "<=":
		return truth(a.hi <= b.lo, a.lo > b.hi)
	case ">":
		return truth(a.lo > b.hi, a.hi <= b.lo)
	case ">=":
		return truth(a.lo >= b.hi, a.hi < b.lo)
	case "==":
		return truth(a.lo == a.hi && a == b, a.hi < b.lo || b.hi < a.lo)
	case "!=":
		return truth(a.hi < b.lo || b.hi < a.lo, a.lo == a.hi && a == b)
	case "&&":
		return span{min(a.lo, b.lo), min(a.hi, b.hi)}.truth()
	case "||":
		return span{max(a.lo, b.lo), max(a.hi, b.hi)}.truth()
	case "!":
		a = a.truth()
		return span{1 - a.hi, 1 - a.lo}
	case "?:":
		c := t.args[2].bounds(vars)
		switch a {
		case yes:
			return b
		case no:
			return c
		}
		return hull(b, c)
	}
	return anything
}

func truth(always, never bool) span {
	switch {
	case always:
		return yes
	case never:
		return no
	}
	return either
}

// truth keeps the truth value of something unknown within false and true.
func (s span) truth() span { return span{min(max(s.lo, 0), 1), min(max(s.hi, 0), 1)} }

// known replaces the NaN of ∞-∞ by what it means.
func (s span) known() span {
	if math.IsNaN(s.lo) {
		s.lo = math.Inf(-1)
	}
	if math.IsNaN(s.hi) {
		s.hi = math.Inf(1)
	}
	return s
}

func corners(a, b span, f func(x, y float64) float64) span {
	s := span{math.Inf(1), math.Inf(-1)}
	for _, x := range []float64{a.lo, a.hi} {
		for _, y := range []float64{b.lo, b.hi} {
			v := f(x, y)
			if math.IsNaN(v) { // 0·∞ or ∞/∞
				return anything
			}
			s.lo, s.hi = min(s.lo, v), max(s.hi, v)
		}
	}
	return s
}

// dividesByZero tells expressions that do so whatever they read.
func (t *term) dividesByZero() bool {
	found := false
	t.each(func(t *term) {
		found = found || (t.op == "/" || t.op == "%") && t.args[1].bounds(func(string) span { return anything }) == no
	})
	return found
}

// each calls f for every node.
func (t *term) each(f func(*term)) {
	f(t)
	for _, a := range t.args {
		a.each(f)
	}
}

// parseTerm reads a CEL expression that package rules has accepted. What has no
// bounds that this file knows of (strings, lists, methods, macros) becomes a
// term of op "unknown"; false means that even the shape was not understood.
//
// double tells which variables are certainly not ints.
func parseTerm(text string, double func(name string) bool) (*term, bool) {
	p := parser{tokens: tokenize(text), double: double}
	t := p.ternary()
	return t, t != nil && p.peek() == "" && !p.failed
}

type parser struct {
	tokens []string
	double func(name string) bool
	pos    int
	depth  int
	failed bool
}

func (p *parser) peek() string {
	if p.pos < len(p.tokens) {
		return p.tokens[p.pos]
	}
	return ""
}

func (p *parser) take(tok string) bool {
	if p.peek() == tok {
		p.pos++
		return true
	}
	return false
}

func (p *parser) expect(tok string) {
	if !p.take(tok) {
		p.failed = true
	}
}

func unknown(args ...*term) *term { return &term{op: "unknown", args: args} }

func (p *parser) ternary() *term {
	if p.depth++; p.depth > 100 {
		p.failed = true
	}
	defer func() { p.depth-- }()
	cond := p.binary(0)
	if p.failed || !p.take("?") {
		return cond
	}
	a := p.binary(0)
	p.expect(":")
	if p.failed {
		return cond
	}
	b := p.ternary()
	return &term{op: "?:", args: []*term{cond, a, b}, double: a.double && b.double}
}

// levels are CEL's binary operators from the loosest to the tightest.
var levels = [][]string{
	{"||"}, {"&&"}, {"<", "<=", ">=", ">", "==", "!=", "in"}, {"+", "-"}, {"*", "/", "%"},
}

func (p *parser) binary(level int) *term {
	if level == len(levels) {
		return p.unary()
	}
	left := p.binary(level + 1)
	for !p.failed {
		op := p.peek()
		if !slices.Contains(levels[level], op) {
			break
		}
		p.pos++
		right := p.binary(level + 1)
		switch op {
		case "in":
			left = unknown(left, right)
		default:
			left = &term{op: op, args: []*term{left, right}, double: left.double || right.double}
		}
	}
	return left
}

func (p *parser) unary() *term {
	if p.depth++; p.depth > 100 {
		p.failed = true
	}
	defer func() { p.depth-- }()
	if p.failed {
		return unknown()
	}
	switch {
	case p.take("-"):
		a := p.unary()
		return &term{op: "neg", args: []*term{a}, double: a.double}
	case p.take("!"):
		return &term{op: "!", args: []*term{p.unary()}}
	}
	return p.member()
}

func (p *parser) member() *term {
	t := p.primary()
	for !p.failed {
		switch {
		case p.take("."):
			name := p.peek()
			if !identStart(name) {
				p.failed = true
				return t
			}
			p.pos++
			if p.take("(") {
				t = unknown(append([]*term{t}, p.list(")")...)...)
			} else if t.op == "variable" {
				t = p.variable(t.name + "." + name)
			} else {
				t = unknown(t)
			}
		case p.take("["):
			t = unknown(append([]*term{t}, p.list("]")...)...)
		default:
			return t
		}
	}
	return t
}

func (p *parser) variable(name string) *term {
	return &term{op: "variable", name: name, double: p.double(name)}
}

func (p *parser) list(end string) []*term {
	var out []*term
	for !p.take(end) {
		if p.peek() == "" || p.failed {
			p.failed = true
			return out
		}
		out = append(out, p.ternary())
		if !p.take(",") && p.peek() != end {
			p.failed = true
		}
	}
	return out
}

func (p *parser) primary() *term {
	tok := p.peek()
	p.pos++
	switch {
	case tok == "(":
		t := p.ternary()
		p.expect(")")
		return t
	case tok == "[":
		return unknown(p.list("]")...)
	case tok == "true":
		return &term{op: "number", val: 1}
	case tok == "false":
		return &term{op: "number", val: 0}
	case tok == `"`:
		return unknown()
	case tok != "" && (tok[0] >= '0' && tok[0] <= '9' || tok[0] == '.' && len(tok) > 1):
		if n, err := strconv.ParseInt(tok, 0, 64); err == nil && !strings.HasPrefix(tok, "0") || tok == "0" {
			return &term{op: "number", val: float64(n)}
		}
		f, err := strconv.ParseFloat(tok, 64)
		if err != nil {
			return unknown()
		}
		return &term{op: "number", val: f, double: strings.ContainsAny(tok, ".eE")}
	case identStart(tok):
		if !p.take("(") {
			return p.variable(tok)
		}
		args := p.list(")")
		switch {
		case (tok == "min" || tok == "max") && len(args) == 2:
			return &term{op: tok, args: args, double: args[0].double || args[1].double}
		case tok == "double" && len(args) == 1:
			return &term{op: tok, args: args, double: true}
		case tok == "size" || tok == "count":
			return &term{op: tok, args: args}
		}
		return unknown(args...)
	}
	p.failed = true
	return unknown()
}

func identStart(tok string) bool {
	return tok != "" && tok != "in" && (tok[0] == '_' || tok[0]|0x20 >= 'a' && tok[0]|0x20 <= 'z')
}

// tokenize cuts a CEL expression into tokens. A string becomes `"`; what is not
// understood becomes a token that no rule of the parser takes.
func tokenize(s string) []string {
	var out []string
	for _, t := range tokens(s) {
		if t.literal {
			out = append(out, `"`)
		} else {
			out = append(out, s[t.start:t.end])
		}
	}
	return out
}

// token is a stretch of an expression; literal marks a string.
type token struct {
	start, end int
	literal    bool
}

func tokens(s string) []token {
	var out []token
	word := func(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' }
	for i := 0; i < len(s); {
		c := s[i]
		j := i + 1
		literal := false
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i = j
			continue
		case c == '/' && strings.HasPrefix(s[i:], "//"):
			for j < len(s) && s[j] != '\n' {
				j++
			}
			i = j
			continue
		case c == '"' || c == '\'':
			j, literal = endOfString(s, i, false), true
		case c >= '0' && c <= '9' || c == '.' && j < len(s) && s[j] >= '0' && s[j] <= '9':
			for j < len(s) && (word(s[j]) || s[j] == '.' || (s[j] == '+' || s[j] == '-') && s[j-1]|0x20 == 'e' && !strings.HasPrefix(s[i:], "0x")) {
				j++
			}
		case word(c):
			for j < len(s) && word(s[j]) {
				j++
			}
			if prefix := strings.ToLower(s[i:j]); j < len(s) && (s[j] == '"' || s[j] == '\'') && (prefix == "r" || prefix == "b" || prefix == "rb" || prefix == "br") {
				j, literal = endOfString(s, j, strings.Contains(prefix, "r")), true
			}
		default:
			if j < len(s) {
				switch two := s[i : j+1]; two {
				case "&&", "||", "<=", ">=", "==", "!=":
					j++
				}
			}
		}
		out = append(out, token{i, j, literal})
		i = j
	}
	return out
}

// endOfString returns where the string literal that begins at i ends.
func endOfString(s string, i int, raw bool) int {
	quote := s[i : i+1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(s[i:], triple) {
		quote = triple
	}
	for j := i + len(quote); j < len(s); j++ {
		switch {
		case !raw && s[j] == '\\':
			j++
		case strings.HasPrefix(s[j:], quote):
			return j + len(quote)
		}
	}
	return len(s)
}
