package rules

import (
	"regexp"
	"strings"
)

// What people write who know another language, and how rules say it.

// syntaxHint looks at the text around a syntax error, at a line (from 1) and a
// column (from 0, in code points).
func syntaxHint(text string, line, column int) string {
	before, rest := cutAt(text, line, column)
	for _, p := range phrases {
		if p.before.MatchString(before) && p.rest.MatchString(rest) {
			return p.hint
		}
	}
	return ""
}

// cutAt cuts the text at a position.
func cutAt(text string, line, column int) (before, rest string) {
	at := 0
	for ; line > 1; line-- {
		next := strings.IndexByte(text[at:], '\n')
		if next < 0 {
			break
		}
		at += next + 1
	}
	for i := range text[at:] {
		if column == 0 {
			return text[:at+i], text[at+i:]
		}
		column--
	}
	return text, ""
}

type phrase struct {
	before, rest *regexp.Regexp
	hint         string
}

func when(before, rest, hint string) phrase {
	return phrase{regexp.MustCompile(`(?is)` + before + `$`), regexp.MustCompile(`(?is)^` + rest), hint}
}

const (
	hintPresence = "has(lead.x) tells whether there is a value"
	hintTernary  = "to choose, write condition ? 1 : 2"
	hintDuration = `write days(7) or duration("48h")`
	hintList     = `a list stands in brackets, as in x in ["a", "b"]`
	hintName     = "write the name alone, as in lead.email"
)

// phrases are looked at in order, the first that fits counts.
var phrases = []phrase{
	when(``, `and\b`, "use && for and"),
	when(``, `or\b`, "use || for or"),
	when(``, `&`, "use && for and"),
	when(``, `\|`, "use || for or"),
	when(`\bnot\s*`, ``, `use ! for not, as in !(x in ["a", "b"])`),
	when(``, `not\b`, `use ! for not, as in !(x in ["a", "b"])`),
	when(``, `is\s+(not\s+)?(null|none|empty|set)\b`, hintPresence),
	when(``, `is\b`, "use == to compare"),
	when(``, `between\b`, "write x >= 50 && x < 500"),
	when(``, `(like\b|=?~)`, `write text.contains("a") or text.matches("^a")`),
	when(``, `(starts|begins)\b`, `write text.startsWith("a")`),
	when(``, `ends\b`, `write text.endsWith("a")`),
	when(``, `(contains|includes)\b`, `write text.contains("a")`),
	when(``, `=>`, "use >= for at least"),
	when(``, `=<`, "use <= for at most"),
	when(``, `<>`, "use != for unequal"),
	when(`<`, `>`, "use != for unequal"),
	when(``, `=`, "use == to compare"),
	when(``, `[“”‘’„«»]`, `use straight quotes, as in "a"`),
	when(`\bin\s*\([^)]*`, `,`, hintList),
	when(`\d`, `[,_']\d`, "write a number without separators, as in 1000"),
	when(`\d`, `(d|h|m|w|s|ms)\b`, hintDuration),
	when(`\d`, `(k|m|mm|bn|%|€)`, "write a number out, as in 10000"),
	when(``, `;`, "an expression has no ; at its end"),
	when(``, `(#|--)`, "a comment begins with //"),
	when(``, `(if|then|else)\b`, hintTernary),
	when(`\?\?`, ``, `write has(lead.x) ? lead.x : "none"`),
	when(`\?`, `\?`, `write has(lead.x) ? lead.x : "none"`),
	when(`\w\?\.\w.*`, ``, "a field that has no value needs no ?., see has(lead.x)"),
	when(`\w`, `\.\?`, "a field that has no value needs no .?, see has(lead.x)"),
	when(`\?[^:]*`, ``, hintTernary),
	when(`(\{\{|\$\{)[^}]*`, ``, hintName),
	when(``, `[$@]`, hintName),
	when(`"\s*`, `"`, `a quote inside a text is written \"`),
	when(`""`, `\w`, `a quote inside a text is written \"`),
	when(`'\w+'`, `\w`, `a quote inside a text is written \'`),
	when(``, `"[^"]*\\`, `write \\ for a backslash`),
	when(``, `'[^']*\\`, `write \\ for a backslash`),
	when(``, `["']`, "the text has no end quote"),
	when(`\+`, `\+`, "there is no ++"),
	when(`\bhas\(\s*`, ``, "has() takes a field, as in has(lead.email)"),
}

// usages say how to write what is applied to the wrong number of things, or
// not to a list.
var usages = map[string]string{
	"has":        "has() takes a field, as in has(lead.email)",
	"all":        "write list.all(x, x > 1)",
	"exists":     "write list.exists(x, x > 1); " + hintPresence,
	"exists_one": "write list.exists_one(x, x > 1)",
	"existsOne":  "write list.exists_one(x, x > 1)",
	"filter":     "write list.filter(x, x > 1)",
	"map":        "write list.map(x, x + 1)",
}

// elsewhere are functions of other languages.
var elsewhere = map[string]string{
	"len": "write list.size() or text.size()", "length": "write list.size() or text.size()", "cardinality": "write list.size()",
	"lower": "write text.lowerAscii()", "tolower": "write text.lowerAscii()", "tolowercase": "write text.lowerAscii()", "lowercase": "write text.lowerAscii()",
	"upper": "write text.upperAscii()", "toupper": "write text.upperAscii()", "touppercase": "write text.upperAscii()", "uppercase": "write text.upperAscii()",
	"strip": "write text.trim()", "startswith": `write text.startsWith("a")`, "hasprefix": `write text.startsWith("a")`,
	"endswith": `write text.endsWith("a")`, "hassuffix": `write text.endsWith("a")`,
	"includes": `write text.contains("a"), or "a" in list`, "indexof": `write text.contains("a")`,
	"regex": `write text.matches("^a")`, "test": `write text.matches("^a")`, "regexp_match": `write text.matches("^a")`,
	"any": usages["exists"], "some": usages["exists"], "every": usages["all"], "select": usages["filter"], "where": usages["filter"],
	"none": "write !list.exists(x, x > 1)", "isempty": `write x == "" or list.size() == 0; ` + hintPresence,
	"isnull": hintPresence, "isset": hintPresence, "isnotnull": hintPresence, "defined": hintPresence, "coalesce": `write has(lead.x) ? lead.x : "none"`,
	"today": "write now", "now": "now is a value: write it without parentheses", "date": `write timestamp("2026-11-02")`, "datetime": `write timestamp("2026-11-02")`,
	"hours": `write duration("48h")`, "minutes": `write duration("15m")`, "weeks": "write days(14)", "ago": "write now - days(7)",
	"datediff": "write now - company.funding_date > days(30)",
	"round":    "write int(x + 0.5)", "floor": "int() cuts towards zero", "ceil": "int() cuts towards zero",
	"abs": "write max(x, -x)", "sum": "add the numbers up by hand", "bind": "write the expression out where it is used",
	"concat": "write a + b", "join": "write a + b", "if": hintTernary, "iif": hintTernary, "number": "write int() or double()", "float": "write double()", "str": "write string()",
}

// nothing are names that other languages have for no value.
var nothing = map[string]bool{"none": true, "nil": true, "null": true, "undefined": true, "na": true}

// methods are what a type without fields has instead.
var methods = []struct{ typ, hint string }{
	{"list", "a list has methods such as list.size()"},
	{"string", `a text has methods such as text.size() and text.contains("a")`},
	{"timestamp", "a time has methods such as now.getHours()"},
	{"duration", "a duration has methods such as d.getHours()"},
}

func methodsOf(typ string) string {
	for _, m := range methods {
		if strings.HasPrefix(typ, m.typ) {
			return m.hint
		}
	}
	return ""
}
