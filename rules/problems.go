package rules

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/leadloop/leadloop/internal/suggest"
)

var (
	unexpectedInput = regexp.MustCompile(`(?:mismatched input|extraneous input|no viable alternative at input) ('.*?')(?: expecting .*)?$`)
	missingToken    = regexp.MustCompile(`missing (\S+) at ('.*')$`)
	badToken        = regexp.MustCompile(`token recognition error at: ('.*')$`)
	undeclared      = regexp.MustCompile(`^undeclared reference to '([^']*)'`)
	undefined       = regexp.MustCompile(`^undefined field '([^']*)'`)
	noOverload      = regexp.MustCompile(`^found no matching overload for '([^']*)' applied to '(.*)'$`)
	noFields        = regexp.MustCompile(`^type '([^']*)' does not support field selection`)
	typeParam       = regexp.MustCompile(`\b[A-Z]\b`)
	mismatch        = regexp.MustCompile(`^expected type '([^']*)' but found '([^']*)'`)
)

// inOrder are the errors in the order of the text.
func inOrder(issues *cel.Issues) []*cel.Error {
	errs := slices.Clone(issues.Errors())
	slices.SortStableFunc(errs, func(a, b *cel.Error) int {
		return cmp.Or(cmp.Compare(a.Location.Line(), b.Location.Line()), cmp.Compare(a.Location.Column(), b.Location.Column()))
	})
	return errs
}

// syntax reports the first syntax error; what follows it is guesswork of the
// parser.
func (c *compiler) syntax(issues *cel.Issues) {
	first, text := inOrder(issues)[0], c.rule.Expression.Text
	msg := strings.TrimPrefix(first.Message, "Syntax error: ")
	if strings.Contains(msg, "recursion") {
		c.problem(0, "split it into several rules", "the expression is nested deeper than %d levels", c.set.env.limits.Depth)
		return
	}
	line, column := first.Location.Line(), first.Location.Column()
	hint := syntaxHint(text, line, column)
	_, rest := cutAt(text, line, column)
	if m := unexpectedInput.FindStringSubmatch(msg); m != nil {
		if strings.TrimSpace(rest) == "" {
			m[1] = "<EOF>"
		}
		msg = "unexpected " + quoteToken(m[1])
	} else if m := missingToken.FindStringSubmatch(msg); m != nil {
		msg = "missing " + quoteToken(m[1]) + " before " + quoteToken(m[2])
	} else if m := badToken.FindStringSubmatch(msg); m != nil {
		msg = "unexpected " + quoteToken(m[1])
	} else if word, ok := strings.CutPrefix(msg, "reserved identifier: "); ok {
		msg = strconv.Quote(word) + " is a reserved word"
	} else if strings.HasPrefix(msg, "invalid argument to has()") {
		msg = "has() takes a field of a lead or company"
		hint = "as in has(lead.email)"
	} else if strings.HasPrefix(msg, "argument must be a simple name") {
		msg = "a loop begins with a name for the items"
		hint = "as in list.exists(x, x > 1)"
	} else if strings.HasPrefix(msg, "unsupported syntax") {
		msg = "unexpected " + strings.ReplaceAll(strings.TrimPrefix(msg, "unsupported syntax "), "'", `"`)
	}
	c.problemAt(shift(c.rule.Expression.At, line, column), hint, "syntax error: %s", msg)
}

func quoteToken(t string) string {
	t = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(t, "'"), "'"))
	if t == "<EOF>" {
		return "end of expression"
	}
	return strconv.Quote(t)
}

// mostProblems is how many problems of one expression are told.
const mostProblems = 20

// typeErrors reports what the checker found, in the words of a playbook.
func (c *compiler) typeErrors(issues *cel.Issues) {
	nodes, parents := map[int64]ast.Expr{}, map[int64]ast.Expr{}
	ast.PreOrderVisit(c.ast.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		nodes[e.ID()] = e
		if e.Kind() == ast.SelectKind {
			parents[e.AsSelect().Operand().ID()] = e
		}
	}))
	made := c.strayNames(issues, nodes)
	told := 0
	for _, issue := range inOrder(issues) {
		if m := undeclared.FindStringSubmatch(issue.Message); m != nil && made[m[1]] && nodes[issue.ExprID].Kind() == ast.IdentKind {
			continue
		}
		if told++; told > mostProblems {
			continue
		}
		at := shift(c.rule.Expression.At, issue.Location.Line(), issue.Location.Column())
		node := nodes[issue.ExprID]
		if node != nil {
			at = c.start(node)
		}
		msg, hint := c.explain(issue.Message, node, parents)
		c.problemAt(at, hint, "%s", msg)
	}
	if told > mostProblems {
		c.problem(0, "", "%d more problems in the expression", told-mostProblems)
	}
}

// strayNames are names that a loop would have made if it were one, as in
// list.any(x, x > 1): what is wrong is the loop.
func (c *compiler) strayNames(issues *cel.Issues, nodes map[int64]ast.Expr) map[string]bool {
	made := map[string]bool{}
	for _, issue := range issues.Errors() {
		node := nodes[issue.ExprID]
		if node == nil || node.Kind() != ast.CallKind || !undeclared.MatchString(issue.Message) {
			continue
		}
		call := node.AsCall()
		name := call.FunctionName()
		if usages[name] == "" && elsewhere[strings.ToLower(name)] == "" {
			continue
		}
		operands := call.Args()
		if name == "bind" && call.IsMemberFunction() {
			operands = append([]ast.Expr{call.Target()}, operands...) // cel.bind(x, 1, x > 0)
		}
		if len(operands) < 2 {
			continue
		}
		for _, x := range operands[:len(operands)-1] {
			if x.Kind() == ast.IdentKind {
				made[x.AsIdent()] = true
			}
		}
	}
	return made
}

func (c *compiler) explain(message string, node ast.Expr, parents map[int64]ast.Expr) (msg, hint string) {
	if m := undeclared.FindStringSubmatch(message); m != nil {
		return c.explainUndeclared(m[1], node, parents)
	}
	if m := undefined.FindStringSubmatch(message); m != nil {
		return c.explainField(m[1], node)
	}
	if m := noOverload.FindStringSubmatch(message); m != nil {
		return c.explainOverload(m[1], m[2])
	}
	if m := noFields.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("a %s has no fields", tidyType(m[1])), methodsOf(tidyType(m[1]))
	}
	if m := mismatch.FindStringSubmatch(message); m != nil {
		want, found := tidyType(m[1]), tidyType(m[2])
		return fmt.Sprintf("expected %s, found %s", want, found), conversion([]string{want}, found)
	}
	return tidyType(message), ""
}

func (c *compiler) explainUndeclared(name string, node ast.Expr, parents map[int64]ast.Expr) (msg, hint string) {
	n := c.set.env.names
	if node != nil && node.Kind() == ast.CallKind {
		switch {
		case slices.Contains(leftOut, name):
			return fmt.Sprintf("there is no %s() here", name), "values have one type each"
		case usages[name] != "":
			return fmt.Sprintf("%s() is not written like this", name), usages[name]
		case name == identNow || slices.Contains(n.idents, name):
			return fmt.Sprintf("%s is no function", name), fmt.Sprintf("write %s without parentheses", name)
		case elsewhere[strings.ToLower(name)] != "":
			return fmt.Sprintf("unknown function %s()", name), elsewhere[strings.ToLower(name)]
		}
		return fmt.Sprintf("unknown function %s()", name), suggest.DidYouMean(name, n.functions)
	}
	for node != nil && parents[node.ID()] != nil {
		node = parents[node.ID()]
		if full := node.AsSelect().FieldName(); !strings.HasSuffix(name, "."+full) {
			name += "." + full
		}
	}
	for _, f := range n.fields {
		if strings.HasSuffix(f, "."+name) {
			return fmt.Sprintf("unknown name %s", name), fmt.Sprintf("did you mean %q?", f)
		}
	}
	switch {
	case nothing[strings.ToLower(name)]:
		return fmt.Sprintf("there is no %s", name), hintPresence
	case name == "activity" || strings.HasPrefix(name, "activity."):
		return fmt.Sprintf("unknown name %s", name), `write activities.exists(a, a.type == "demo")`
	}
	candidates := slices.Concat(n.idents, []string{"true", "false"})
	if strings.Contains(name, ".") {
		candidates = n.fields
	} else if slices.Contains(n.functions, name) {
		return fmt.Sprintf("%s is a function", name), fmt.Sprintf("write %s(...)", name)
	}
	hint = suggest.DidYouMean(name, candidates)
	if hint == "" && !strings.Contains(name, ".") {
		hint = fmt.Sprintf("fields are lead.x and company.x; text stands in quotes, as in %q", name)
	}
	return fmt.Sprintf("unknown name %s", name), hint
}

func (c *compiler) explainField(field string, node ast.Expr) (msg, hint string) {
	if node != nil && node.Kind() == ast.SelectKind {
		if op := node.AsSelect().Operand(); op.Kind() == ast.IdentKind &&
			(op.AsIdent() == identLead || op.AsIdent() == identCompany) {
			full := op.AsIdent() + "." + field
			for _, f := range c.set.env.names.fields {
				if strings.HasSuffix(f, "."+field) {
					return "unknown field " + full, fmt.Sprintf("did you mean %q?", f)
				}
			}
			hint = suggest.DidYouMean(full, c.set.env.names.fields)
			if hint == "" {
				hint = c.fieldsOf(op.AsIdent())
			}
			return "unknown field " + full, hint
		}
	}
	var candidates []string
	for name := range activityFields {
		candidates = append(candidates, name)
	}
	slices.Sort(candidates)
	hint = suggest.DidYouMean(field, candidates)
	if hint == "" {
		hint = "an activity has " + strings.Join(candidates, ", ")
	}
	return "unknown field " + field + " of an activity", hint
}

// fieldsOf names some fields of a lead or company.
func (c *compiler) fieldsOf(scope string) string {
	const most = 8
	var names []string
	for _, f := range c.set.env.names.fields {
		if name, ok := strings.CutPrefix(f, scope+"."); ok {
			names = append(names, name)
		}
	}
	switch n := len(names); {
	case n == 0:
		return fmt.Sprintf("a %s has no fields", scope)
	case n > most:
		return fmt.Sprintf("a %s has %s and %d more", scope, strings.Join(names[:most], ", "), n-most)
	}
	return fmt.Sprintf("a %s has %s", scope, strings.Join(names, ", "))
}

// explainOverload says which operand has the wrong type, if the others leave
// no doubt, and what would do.
func (c *compiler) explainOverload(function, applied string) (msg, hint string) {
	target, args := splitSignature(applied)
	found := args
	if target != "" {
		found = append([]string{target}, args...)
	}
	shown := displayName(function)
	signatures, others := c.signatures(function, target != "")
	if len(found) == 2 && (function == operators.Equals || function == operators.NotEquals) {
		signatures = [][]string{{found[0], found[0]}}
	}
	wrong, want := oneWrong(signatures, found)
	if i := slices.IndexFunc(found, func(t string) bool { return strings.HasPrefix(t, "type(") }); i >= 0 {
		return "a type is not a value", "a field of an item is written x.type"
	}
	switch {
	case slices.Contains(found, "null"):
		return "there is no null", hintPresence
	case slices.Contains(found, "bytes"):
		return "bytes are not a type of a lead", "leave out the b"
	case slices.Contains(found, "uint"):
		return "unsigned integers are not a type of a lead", "leave out the u"
	case function == operators.Index && (found[0] == "lead" || found[0] == "company"):
		return fmt.Sprintf("a %s has no items", found[0]), "write the field's name, as in " + c.anyField(found[0])
	case slices.Contains(found, "lead") || slices.Contains(found, "company"):
		return "a lead or company is not a value by itself", "name a field, such as " + c.anyField(identLead)
	case len(found) == 2 && slices.Contains(found, "int") && slices.Contains(found, "double") && function != operators.Modulo && function != operators.In:
		return shown + " can't mix int and double", "write the int as double(...), or a constant as 50.0"
	case function == operators.In && len(found) == 2 && !strings.HasPrefix(found[1], "list(") && !strings.HasPrefix(found[1], "map("):
		return "in: expected a list on the right, found " + found[1], `write x in ["a", "b"], or text.contains("a")`
	case function == operators.In && len(found) == 2:
		return fmt.Sprintf("in: %s can't be in a %s", found[0], found[1]), ""
	case function == operators.Conditional && len(found) == 3 && found[0] != "bool":
		return "? : expected bool, found " + found[0], ""
	case function == operators.Conditional && len(found) == 3:
		return fmt.Sprintf("? : both answers need one type, found %s and %s", found[1], found[2]), ""
	case function == operators.Index && strings.HasPrefix(found[0], "list("):
		return "[ ]: expected int, found " + found[1], "the first item is list[0]"
	case function == operators.Index && !strings.HasPrefix(found[0], "map("):
		return fmt.Sprintf("a %s has no items", found[0]), methodsOf(found[0])
	case function == operators.Modulo && slices.Contains(found, "double"):
		return "%: expected int, found double", "write int(...)"
	case target != "" && len(signatures) == 0:
		hint = fmt.Sprintf("write %s(...)", function)
		if strings.HasPrefix(target, "list(") && function == fnCount {
			hint = "write list.size()"
		}
		return shown + " is not called on a value", hint
	case target == "" && len(signatures) == 0 && len(others) > 0:
		return shown + " is called on a value", fmt.Sprintf("write x.%s(...)", function)
	case wrong >= 0:
		return fmt.Sprintf("%s: expected %s, found %s", shown, strings.Join(want, " or "), found[wrong]), operandHint(function, wrong, want, found)
	}
	return fmt.Sprintf("%s can't be applied to (%s)", shown, strings.Join(found, ", ")), usage(shown, signatures)
}

// signatures are the types that a function takes, as it is called here and as
// it is called otherwise (on a value, or not).
func (c *compiler) signatures(function string, member bool) (here, otherwise [][]string) {
	decl, ok := c.set.env.cel.Functions()[function]
	if !ok {
		return nil, nil
	}
	for _, o := range decl.OverloadDecls() {
		sig := make([]string, len(o.ArgTypes()))
		for i, t := range o.ArgTypes() {
			sig[i] = typeName(t)
		}
		if o.IsMemberFunction() == member {
			here = append(here, sig)
		} else {
			otherwise = append(otherwise, sig)
		}
	}
	return here, otherwise
}

// operandHint says how to write an operand of the wrong type.
func operandHint(function string, wrong int, want, found []string) string {
	text := found[wrong] == "list(string)" && len(want) == 1 && want[0] == "string"
	list := found[wrong] == "string" && len(want) == 1 && want[0] == "list(string)"
	switch {
	case (function == fnCount || function == fnSeen) && wrong == 1:
		return `write the window as text, as in "7d"`
	case text && (function == operators.Equals || function == operators.NotEquals):
		return `write x in ["a", "b"]`
	case list:
		return `write "a" in list`
	case text && wrong == 0:
		return `write "a" in list, or list.exists(x, x.contains("a"))`
	case function == operators.LogicalNot:
		return `put what is negated in parentheses, as in !(x in ["a", "b"])`
	case found[0] == "bool" && slices.Contains([]string{operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals}, function):
		return "compare twice, as in 50 < x && x < 500"
	}
	return conversion(want, found[wrong])
}

// oneWrong finds the single operand that keeps found from fitting signatures,
// and the types that would fit there.
func oneWrong(signatures [][]string, found []string) (at int, want []string) {
	at = -1
	for _, sig := range signatures {
		if len(sig) != len(found) {
			continue
		}
		wrong := -1
		for i := range sig {
			if sig[i] != found[i] {
				if wrong >= 0 {
					wrong = -2
					break
				}
				wrong = i
			}
		}
		if wrong < 0 || allowed(sig[wrong]) == "" {
			continue
		}
		// The last operand is the one people get wrong; the first is what the
		// sentence is about.
		if wrong > at {
			at, want = wrong, nil
		}
		if wrong == at {
			want = append(want, sig[wrong])
		}
	}
	// int and double compare with each other only through dyn.
	if at == 1 && len(found) == 2 && slices.Contains(want, found[0]) {
		want = found[:1]
	}
	slices.Sort(want)
	return at, slices.Compact(want)
}

// allowed leaves out types that the language has but leads do not.
func allowed(t string) string {
	if t == "uint" || t == "bytes" || strings.Contains(t, "dyn") || typeParam.MatchString(t) {
		return ""
	}
	return t
}

func conversion(want []string, found string) string {
	if len(want) != 1 {
		return ""
	}
	switch {
	case want[0] == "bool" && found == "string":
		return "write true or false without quotes, or compare the text with something"
	case want[0] == "bool" && found == "int":
		return "write true or false, or compare the number with something"
	case want[0] == "int" && found == "double":
		return "write int(...)"
	case want[0] == "timestamp" && found == "duration":
		return "compare a time with a time, such as now - days(7)"
	case want[0] == "double" && found == "int":
		return "write double(...)"
	case want[0] == "string" && (found == "int" || found == "double" || found == "bool"):
		return "put text in quotes, or write string(...)"
	case (want[0] == "int" || want[0] == "double") && found == "string":
		return "leave out the quotes"
	case want[0] == "duration":
		return hintDuration
	case want[0] == "timestamp":
		return `write timestamp("2026-11-02")`
	}
	return ""
}

func usage(shown string, signatures [][]string) string {
	var out []string
	for _, sig := range signatures {
		if slices.ContainsFunc(sig, func(t string) bool { return allowed(t) == "" }) {
			continue
		}
		out = append(out, "("+strings.Join(sig, ", ")+")")
	}
	if len(out) == 0 || len(out) > 4 {
		return ""
	}
	return shown + " takes " + strings.Join(out, " or ")
}

// splitSignature splits "(int, string)" or "string.(string)".
func splitSignature(s string) (target string, args []string) {
	open := 0
	if i := strings.Index(s, ".("); i >= 0 {
		target, open = tidyType(s[:i]), i+1
	}
	depth, start := 0, open+1
	for i := start; i < len(s)-1; i++ {
		switch s[i] {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				args = append(args, tidyType(s[start:i]))
				start = i + 1
			}
		}
	}
	if last := tidyType(s[start : len(s)-1]); last != "" {
		args = append(args, last)
	}
	return target, args
}

var operatorNames = strings.NewReplacer("_?_:_", "? :", "_[_]", "[ ]", "@in", "in", "_", "")

func displayName(function string) string {
	if identifier.MatchString(function) {
		return function + "()"
	}
	return operatorNames.Replace(function)
}

func typeName(t *types.Type) string { return tidyType(cel.FormatCELType(t)) }

func tidyType(s string) string {
	s = strings.TrimSpace(s)
	for _, r := range [][2]string{
		{"google.protobuf.Timestamp", "timestamp"}, {"google.protobuf.Duration", "duration"},
		{"leadloop.Lead", "lead"}, {"leadloop.Company", "company"}, {"leadloop.Activity", "activity"},
	} {
		s = strings.ReplaceAll(s, r[0], r[1])
	}
	return s
}

func resultHint(want, got *types.Type) string {
	switch {
	case want.IsExactType(cel.IntType) && got.IsExactType(cel.DoubleType):
		return "write int(...)"
	case want.IsExactType(cel.BoolType) && !got.IsExactType(cel.BoolType):
		return "a condition compares something, as in x > 1"
	}
	return ""
}
