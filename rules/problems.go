package rules

import (
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

// syntax reports the first syntax error; what follows it is guesswork of the
// parser.
func (c *compiler) syntax(issues *cel.Issues) {
	first := issues.Errors()[0]
	msg := strings.TrimPrefix(first.Message, "Syntax error: ")
	hint := ""
	if m := unexpectedInput.FindStringSubmatch(msg); m != nil {
		msg = "unexpected " + quoteToken(m[1])
		switch strings.ToLower(strings.Trim(m[1], "'")) {
		case "and":
			hint = "use && for and"
		case "or":
			hint = "use || for or"
		}
	} else if m := missingToken.FindStringSubmatch(msg); m != nil {
		msg = "missing " + quoteToken(m[1]) + " before " + quoteToken(m[2])
	} else if m := badToken.FindStringSubmatch(msg); m != nil {
		msg = "unexpected " + quoteToken(m[1])
		if strings.HasPrefix(m[1], "'=") {
			hint = "use == to compare"
		}
	}
	if strings.Contains(msg, "recursion") {
		c.problem(0, "split it into several rules", "the expression is nested deeper than %d levels", c.set.env.limits.Depth)
		return
	}
	at := shift(c.rule.Expression.At, first.Location.Line(), first.Location.Column())
	c.problemAt(at, hint, "syntax error: %s", msg)
}

func quoteToken(t string) string {
	t = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(t, "'"), "'"))
	if t == "<EOF>" {
		return "end of expression"
	}
	return strconv.Quote(t)
}

// typeErrors reports what the checker found, in the words of a playbook.
func (c *compiler) typeErrors(issues *cel.Issues) {
	nodes, parents := map[int64]ast.Expr{}, map[int64]ast.Expr{}
	ast.PreOrderVisit(c.ast.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		nodes[e.ID()] = e
		if e.Kind() == ast.SelectKind {
			parents[e.AsSelect().Operand().ID()] = e
		}
	}))
	for _, issue := range issues.Errors() {
		at := shift(c.rule.Expression.At, issue.Location.Line(), issue.Location.Column())
		node := nodes[issue.ExprID]
		if node != nil {
			at = c.start(node)
		}
		msg, hint := c.explain(issue.Message, node, parents)
		c.problemAt(at, hint, "%s", msg)
	}
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
		return fmt.Sprintf("a %s has no fields", tidyType(m[1])), ""
	}
	if m := mismatch.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("expected %s, found %s", tidyType(m[1]), tidyType(m[2])), ""
	}
	return tidyType(message), ""
}

func (c *compiler) explainUndeclared(name string, node ast.Expr, parents map[int64]ast.Expr) (msg, hint string) {
	n := c.set.env.names
	if node != nil && node.Kind() == ast.CallKind {
		if slices.Contains(leftOut, name) {
			return fmt.Sprintf("there is no %s() here", name), "values have one type each"
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
	candidates := slices.Concat(n.idents, []string{"true", "false"})
	if strings.Contains(name, ".") {
		candidates = n.fields
	} else if slices.Contains(n.functions, name) {
		return fmt.Sprintf("%s is a function", name), fmt.Sprintf("write %s(...)", name)
	}
	return fmt.Sprintf("unknown name %s", name), suggest.DidYouMean(name, candidates)
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
			return "unknown field " + full, suggest.DidYouMean(full, c.set.env.names.fields)
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

// explainOverload says which operand has the wrong type, if the others leave
// no doubt, and what would do.
func (c *compiler) explainOverload(function, applied string) (msg, hint string) {
	target, args := splitSignature(applied)
	found := args
	if target != "" {
		found = append([]string{target}, args...)
	}
	shown := displayName(function)
	var signatures [][]string
	if decl, ok := c.set.env.cel.Functions()[function]; ok {
		for _, o := range decl.OverloadDecls() {
			if o.IsMemberFunction() == (target != "") {
				sig := make([]string, len(o.ArgTypes()))
				for i, t := range o.ArgTypes() {
					sig[i] = typeName(t)
				}
				signatures = append(signatures, sig)
			}
		}
	}
	switch {
	case len(found) == 2 && slices.Contains(found, "int") && slices.Contains(found, "double"):
		return shown + " can't mix int and double", "write the int as double(...), or a constant as 50.0"
	case slices.Contains(found, "null"):
		return "there is no null", "has(lead.x) tells whether there is a value"
	case slices.Contains(found, "lead") || slices.Contains(found, "company"):
		return "a lead or company is not a value by itself", "name a field, such as " + c.anyField(identLead)
	case function == operators.In && len(found) == 2:
		return "in: expected a list on the right, found " + found[1], `write x in ["a", "b"], or text.contains("a")`
	case function == operators.Conditional && len(found) == 3 && found[0] != "bool":
		return "? : expected bool, found " + found[0], ""
	case function == operators.Conditional && len(found) == 3:
		return fmt.Sprintf("? : both answers need one type, found %s and %s", found[1], found[2]), ""
	case (function == operators.Equals || function == operators.NotEquals) && len(found) == 2:
		return fmt.Sprintf("%s: expected %s, found %s", shown, found[0], found[1]), conversion(found[:1], found[1])
	}
	if at, want := oneWrong(signatures, found); at >= 0 {
		return fmt.Sprintf("%s: expected %s, found %s", shown, strings.Join(want, " or "), found[at]), conversion(want, found[at])
	}
	return fmt.Sprintf("%s can't be applied to (%s)", shown, strings.Join(found, ", ")), usage(shown, signatures)
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
	case want[0] == "double" && found == "int":
		return "write double(...)"
	case want[0] == "string" && (found == "int" || found == "double" || found == "bool"):
		return "put text in quotes, or write string(...)"
	case (want[0] == "int" || want[0] == "double") && found == "string":
		return "leave out the quotes"
	case want[0] == "duration":
		return `write days(7) or duration("48h")`
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
