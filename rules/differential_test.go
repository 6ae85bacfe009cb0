package rules_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// wide draws well-typed expressions of all that the language has.
type wide struct {
	generator
	ints, acts []string // loop variables
}

func (g *wide) of(choices ...string) string { return choices[g.pick(len(choices))] }

func (g *wide) op() string { return g.of("==", "!=", "<", "<=", ">", ">=") }

func (g *wide) fresh() string { return fmt.Sprintf("v%d", len(g.vars)+len(g.ints)+len(g.acts)) }

// flag draws a condition.
func (g *wide) flag(d int) string {
	if d <= 0 {
		return g.atomText()
	}
	switch g.pick(26) {
	case 21:
		return fmt.Sprintf("(%s %s %s)", g.flag(d-1), g.of("==", "!=", "<", "<=", ">", ">="), g.flag(d-1))
	case 22:
		return fmt.Sprintf("(%s in [%s, %s])", g.real(d-1), g.real(d-1), g.real(0))
	case 23:
		if len(g.acts) > 0 {
			a := g.of(g.acts...)
			return g.of(`has(`+a+`.attributes.utm)`, `"page" in `+a+`.attributes`, a+`.attributes.size() > 1`, a+` == activities[0]`, g.text(d-1)+` in `+a+`.attributes`,
				`activities.exists(z, z == `+a+`)`, a+`.attributes.exists(k, k == "utm")`)
		}
		return fmt.Sprintf("activities[%s].type == %s", g.num(d-1), g.text(d-1))
	case 24:
		v := g.fresh()
		g.acts = append(g.acts, v)
		defer func() { g.acts = g.acts[:len(g.acts)-1] }()
		return fmt.Sprintf("activities.filter(%s, %s).%s", v, g.flag(d-1), g.of("size() > 1", `exists(z, z.type == "a")`, `all(z, z.at <= now)`))
	case 25:
		return fmt.Sprintf("{true: %s, false: %s}[%s]", g.flag(d-1), g.flag(0), g.flag(d-1))
	case 0, 1:
		return fmt.Sprintf("(%s && %s)", g.flag(d-1), g.flag(d-1))
	case 2, 3:
		return fmt.Sprintf("(%s || %s)", g.flag(d-1), g.flag(d-1))
	case 4:
		return fmt.Sprintf("!(%s)", g.flag(d-1))
	case 5:
		return fmt.Sprintf("(%s ? %s : %s)", g.flag(d-1), g.flag(d-1), g.flag(d-1))
	case 6:
		return fmt.Sprintf("(%s %s %s)", g.num(d-1), g.op(), g.num(d-1))
	case 7:
		return fmt.Sprintf("(%s %s %s)", g.real(d-1), g.op(), g.real(d-1))
	case 8:
		return fmt.Sprintf("(%s %s %s)", g.text(d-1), g.op(), g.text(d-1))
	case 9:
		return fmt.Sprintf("%s.%s(%s)", g.text(d-1), g.of("contains", "startsWith", "endsWith"), g.text(d-1))
	case 10:
		return fmt.Sprintf("(%s in %s)", g.text(d-1), g.texts(d-1))
	case 11:
		v, over := g.fresh(), g.texts(d-1)
		g.vars = append(g.vars, v)
		defer func() { g.vars = g.vars[:len(g.vars)-1] }()
		return fmt.Sprintf("%s.%s(%s, %s)", over, g.of("exists", "all", "exists_one"), v, g.flag(d-1))
	case 12:
		v, over := g.fresh(), g.nums(d-1)
		g.ints = append(g.ints, v)
		defer func() { g.ints = g.ints[:len(g.ints)-1] }()
		return fmt.Sprintf("%s.%s(%s, %s)", over, g.of("exists", "all", "exists_one"), v, g.flag(d-1))
	case 13:
		v := g.fresh()
		g.acts = append(g.acts, v)
		defer func() { g.acts = g.acts[:len(g.acts)-1] }()
		return fmt.Sprintf("activities.%s(%s, %s)", g.of("exists", "all", "exists_one"), v, g.flag(d-1))
	case 14:
		return fmt.Sprintf("(%s %s %s)", g.span(d-1), g.op(), g.span(d-1))
	case 15:
		return fmt.Sprintf("(%s %s %s)", g.instant(d-1), g.op(), g.instant(d-1))
	case 16:
		return fmt.Sprintf("%s.matches(%q)", g.text(d-1), g.of("^a", "(?i)vp|head", "[0-9]+$", "é", "^.$", "\\x{1F600}", "(a|b)*c?$", "\\bvp\\b", ""))
	case 17:
		return fmt.Sprintf("(%s in %s)", g.num(d-1), g.nums(d-1))
	case 18:
		return fmt.Sprintf("%s(%s)", g.of("isFreeEmail", "isRoleEmail", "isDisposableEmail", "bool"), g.text(d-1))
	case 19:
		return fmt.Sprintf("(%s %s %s)", g.texts(d-1), g.of("==", "!="), g.texts(d-1))
	case 20:
		return fmt.Sprintf("(%s in {%q: 1, %q: 2})", g.text(d-1), "a", "VP")
	}
	return g.atomText()
}

// atomText draws what plans take apart: conditions on one input.
func (g *wide) atomText() string {
	switch g.pick(16) {
	case 0:
		return g.of("true", "false", "lead.opted_in", `has(lead.email)`, `has(company.revenue)`, `has(company.technologies)`, `has(lead.city)`)
	case 1:
		return fmt.Sprintf("company.employees %s %s", g.op(), g.of("0", "5", "6", "9223372036854775807", "-9223372036854775808"))
	case 2:
		return fmt.Sprintf("%s %s company.revenue", g.of("0", "5", "1000000"), g.op())
	case 3:
		return fmt.Sprintf("company.ratio %s %s", g.op(), g.of("0.0", "-0.5", "1e300"))
	case 4:
		return fmt.Sprintf("company.hiring_velocity in [%s, 1.5]", g.of("0.0", "2.5"))
	case 5:
		return fmt.Sprintf("lead.title in [%q, \"a\", \"VP\"]", g.of("", "é", "x", "😀"))
	case 6:
		return fmt.Sprintf("%s %s %q", g.of("lead.title", "lead.city", "tier"), g.op(), g.of("", "VP", "a", "é", "😀", "\uffff"))
	case 7:
		return fmt.Sprintf("%s.%s(%q)", g.of("lead.title", "lead.title.lowerAscii()", "lead.city.upperAscii()"), g.of("contains", "startsWith", "endsWith"), g.of("", "VP", "vp", "a", "😀", "É"))
	case 8:
		return fmt.Sprintf("lead.title.lowerAscii() %s %q", g.of("==", "!="), g.of("vp", "VP", ""))
	case 9:
		return fmt.Sprintf("count(%q%s) %s %d", g.of("a", "b"), g.of("", `, "48h"`, `, "1ns"`), g.op(), g.pick(3))
	case 10:
		return fmt.Sprintf("seen(%q%s)", g.of("a", "b", "c"), g.of("", `, "48h"`))
	case 11:
		return fmt.Sprintf("since(%q) %s days(%d)", g.of("a", "b", "c"), g.op(), g.pick(3))
	case 12:
		return fmt.Sprintf("now - company.funding_date %s days(%d)", g.op(), g.pick(100))
	case 13:
		return fmt.Sprintf("company.funding_date %s timestamp(%q)", g.op(), g.of("2026-11-02T12:00:00Z", "0001-01-01", "9999-12-31"))
	case 14:
		return fmt.Sprintf("%q in company.technologies", g.of("a", "go", ""))
	}
	return fmt.Sprintf("company.technologies.%s(t, t %s)", g.of("exists", "all"), g.of(`== "a"`, `!= "go"`, `.startsWith("g") || t == "a"`, `in ["a", "b"]`, `.matches("^a")`))
}

func (g *wide) num(d int) string {
	if d <= 0 {
		return g.of(append([]string{"0", "1", "-1", "9223372036854775807", "-9223372036854775808", "company.employees", "company.founded", `count("a")`, `count("b", "48h")`}, g.ints...)...)
	}
	switch g.pick(14) {
	case 10:
		return fmt.Sprintf("{0: 7, 1: %s, -1: 2}[%s]", g.num(d-1), g.num(d-1))
	case 11:
		v := g.fresh()
		g.acts = append(g.acts, v)
		defer func() { g.acts = g.acts[:len(g.acts)-1] }()
		return fmt.Sprintf("activities.%s(%s, %s)[%s]", g.of("map"), v, g.num(d-1), g.of("0", "1", "-1"))
	case 12:
		return fmt.Sprintf("-%s", g.num(d-1))
	case 0, 1, 2:
		return fmt.Sprintf("(%s %s %s)", g.num(d-1), g.of("+", "-", "*", "/", "%"), g.num(d-1))
	case 3:
		return fmt.Sprintf("size(%s)", g.text(d-1))
	case 4:
		return fmt.Sprintf("(%s ? %s : %s)", g.flag(d-1), g.num(d-1), g.num(d-1))
	case 5:
		return fmt.Sprintf("int(%s)", g.of(g.real(d-1), g.text(d-1), g.instant(d-1), g.num(d-1)))
	case 6:
		return fmt.Sprintf("%s.size()", g.of(g.texts(d-1), g.nums(d-1), "activities", g.reals(d-1), g.text(d-1)))
	case 7:
		return fmt.Sprintf("%s.%s(%s)", g.instant(d-1), g.of("getHours", "getMonth", "getDayOfWeek", "getFullYear", "getDate", "getDayOfYear", "getDayOfMonth", "getMinutes", "getSeconds", "getMilliseconds"),
			g.of("", `"Europe/Berlin"`, `"+05:30"`, `"-03:30"`, g.text(d-1)))
	case 8:
		return fmt.Sprintf("%s.%s()", g.span(d-1), g.of("getHours", "getMinutes", "getSeconds", "getMilliseconds"))
	case 9:
		return fmt.Sprintf("{%q: 3, \"a\": %s}[%s]", g.of("VP", "A"), g.of("4", "4", g.num(d-1)), g.text(d-1))
	}
	return fmt.Sprintf("%s(%s, %s)", g.of("min", "max"), g.num(d-1), g.of("-("+g.num(d-1)+")", g.num(d-1), g.nums(d-1)+"["+g.num(d-1)+"]"))
}

func (g *wide) real(d int) string {
	if d <= 0 {
		return g.of("0.0", "1.5", "-0.5", "company.hiring_velocity", "company.ratio", "score")
	}
	switch g.pick(8) {
	case 6:
		return fmt.Sprintf("%s[%s]", g.reals(d-1), g.num(d-1))
	case 7:
		return fmt.Sprintf("{\"a\": %s, \"VP\": 2.5}[%s]", g.real(d-1), g.text(d-1))
	case 0:
		return fmt.Sprintf("double(%s)", g.of(g.num(d-1), g.text(d-1)))
	case 1:
		return fmt.Sprintf("%s(%s, -%s)", g.of("min", "max"), g.real(d-1), g.real(0))
	case 2:
		return fmt.Sprintf("(%s ? %s : %s)", g.flag(d-1), g.real(d-1), g.real(d-1))
	}
	return fmt.Sprintf("(%s %s %s)", g.real(d-1), g.of("+", "-", "*", "/"), g.real(d-1))
}

func (g *wide) reals(d int) string {
	if d <= 0 {
		return g.of("[0.0, 1.5]", "[-0.5]")
	}
	return g.of("["+g.real(d-1)+", 2.5]", "[2.5, "+g.real(d-1)+", "+g.real(0)+"]", "[1.0, 0.0].map(w, w / "+g.real(0)+")")
}

func (g *wide) text(d int) string {
	leaves := append([]string{`""`, `"a"`, `"VP"`, `"é"`, `"😀a"`, "lead.email", "lead.title", "lead.city", "lead.region", "tier"}, g.vars...)
	for _, a := range g.acts {
		leaves = append(leaves, a+".type", a+".actor", a+`.attributes["page"]`, a+`.attributes.utm`)
	}
	if d <= 0 {
		return g.of(leaves...)
	}
	switch g.pick(10) {
	case 0:
		return fmt.Sprintf("(%s + %s)", g.text(d-1), g.text(d-1))
	case 1:
		return fmt.Sprintf("(%s ? %s : %s)", g.flag(d-1), g.text(d-1), g.text(d-1))
	case 2:
		return fmt.Sprintf("%s[%s]", g.texts(d-1), g.num(d-1))
	case 3:
		return fmt.Sprintf("string(%s)", g.of(g.num(d-1), g.real(d-1), g.instant(d-1), g.span(d-1), g.flag(d-1)))
	case 5:
		return fmt.Sprintf("{\"a\": %s, \"VP\": \"x\"}[%s]", g.text(d-1), g.text(d-1))
	case 6:
		return fmt.Sprintf("activities[%s].%s", g.num(d-1), g.of("type", "actor", `attributes["page"]`))
	case 4:
		return fmt.Sprintf("%s.%s()", g.text(d-1), g.of("lowerAscii", "upperAscii", "trim"))
	}
	return g.of(leaves...)
}

func (g *wide) texts(d int) string {
	if d <= 0 || g.pick(3) == 0 {
		return g.of(`["a", "b"]`, "company.technologies", `["VP"]`, `["😀", ""]`)
	}
	switch g.pick(4) {
	case 0:
		return fmt.Sprintf("[%s, %s]", g.text(d-1), g.text(d-1))
	case 1:
		return fmt.Sprintf("(%s + %s)", g.texts(d-1), g.texts(d-1))
	case 2:
		v := g.fresh()
		g.acts = append(g.acts, v)
		defer func() { g.acts = g.acts[:len(g.acts)-1] }()
		return fmt.Sprintf("activities.map(%s, %s)", v, g.text(d-1))
	}
	v, over := g.fresh(), g.texts(d-1)
	g.vars = append(g.vars, v)
	defer func() { g.vars = g.vars[:len(g.vars)-1] }()
	switch g.pick(3) {
	case 0:
		return fmt.Sprintf("%s.map(%s, %s)", over, v, g.text(d-1))
	case 1:
		return fmt.Sprintf("%s.map(%s, %s, %s)", over, v, g.flag(d-1), g.text(d-1))
	}
	return fmt.Sprintf("%s.filter(%s, %s)", over, v, g.flag(d-1))
}

func (g *wide) nums(d int) string {
	if d <= 0 {
		return g.of("[1, 0, 5]", "[-1]", "[9223372036854775807, 2]")
	}
	switch g.pick(3) {
	case 0:
		return fmt.Sprintf("[%s, %s]", g.num(d-1), g.num(d-1))
	case 1:
		v, over := g.fresh(), g.nums(d-1)
		g.ints = append(g.ints, v)
		defer func() { g.ints = g.ints[:len(g.ints)-1] }()
		return fmt.Sprintf("%s.%s", over, g.of("map("+v+", "+g.num(d-1)+")", "filter("+v+", "+g.flag(d-1)+")"))
	}
	return g.of("[1, 0, 5]", "[7]")
}

func (g *wide) span(d int) string {
	if d <= 0 {
		return g.of("days(1)", `duration("1h")`, `since("a")`, `since("c")`, "days(106751)", "(days(106751) + duration(\"23h47m16.854775807s\"))")
	}
	switch g.pick(5) {
	case 0:
		return fmt.Sprintf("(%s - %s)", g.instant(d-1), g.instant(d-1))
	case 1:
		return fmt.Sprintf("(%s %s %s)", g.span(d-1), g.of("+", "-"), g.span(d-1))
	case 2:
		return fmt.Sprintf("days(%s)", g.num(d-1))
	case 3:
		return fmt.Sprintf("(%s ? %s : %s)", g.flag(d-1), g.span(d-1), g.span(d-1))
	}
	return g.span(0)
}

func (g *wide) instant(d int) string {
	leaves := []string{"now", "company.funding_date", `last("a")`, `last("c")`, `last("d")`, "activities[0].at", `timestamp("2026-12-01T00:00:00Z")`, `timestamp("9999-12-31T23:59:59Z")`, `timestamp("0001-01-01")`}
	for _, a := range g.acts {
		leaves = append(leaves, a+".at")
	}
	if d <= 0 {
		return g.of(leaves...)
	}
	switch g.pick(5) {
	case 0:
		return fmt.Sprintf("(%s %s %s)", g.instant(d-1), g.of("+", "-"), g.span(d-1))
	case 1:
		return fmt.Sprintf("(%s + %s)", g.span(d-1), g.instant(d-1))
	case 2:
		return fmt.Sprintf("timestamp(%s)", g.of(g.num(d-1), "string("+g.instant(0)+")", g.instant(d-1)))
	case 3:
		return fmt.Sprintf("(%s ? %s : %s)", g.flag(d-1), g.instant(d-1), g.instant(d-1))
	}
	return g.of(leaves...)
}

// anyRule draws a rule of any type.
func (g *wide) anyRule(id string) rules.Rule {
	kinds := []leadloop.Kind{boolean, boolean, boolean, boolean, boolean, integer, double, double, str, moment, list}
	r := rules.Rule{ID: id, Type: kinds[g.pick(len(kinds))]}
	d := 1 + g.pick(4)
	switch r.Type {
	case boolean:
		r.Expression.Text = g.flag(d)
	case integer:
		r.Expression.Text = g.num(d)
	case double:
		r.Expression.Text = g.of(g.real(d), g.num(d))
	case str:
		r.Expression.Text = g.text(d)
	case moment:
		r.Expression.Text = g.instant(d)
	case list:
		r.Expression.Text = g.texts(d)
	}
	return r
}

// anyFacts draws a lead at the ends of what values can be, or past them.
func (g *wide) anyFacts(t testing.TB, e *rules.Env) rules.Facts {
	t.Helper()
	var f rules.Facts
	years := []time.Time{noon, noon.Add(1), noon.AddDate(0, 0, -1), noon.AddDate(0, 0, 1), noon.AddDate(0, 0, -30),
		time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
		time.Date(1700, 1, 1, 0, 0, 0, 5, time.UTC), time.Date(2300, 1, 1, 0, 0, 0, 5, time.UTC), {}}
	when := func() time.Time {
		if g.pick(40) == 39 {
			return []time.Time{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(math.MaxInt64/2, 0)}[g.pick(3)]
		}
		return years[g.pick(len(years))]
	}
	texts := func() string {
		if g.pick(30) == 29 {
			return []string{"\xff", strings.Repeat("a", 4096), strings.Repeat("a", 4097), strings.Repeat("é", 600)}[g.pick(4)]
		}
		return g.of("", "a", "VP", "vp sales", "é", "9", "-1.5", "😀", "a😀VP", "e\u0301", "\U0010FFFF", "\ufffd", "-9223372036854775808", "1e400", "NaN", "x@gmail.com", "info@example.com", "true", "2026-11-02T00:00:00Z", "Europe/Berlin", "10:00", "-03:30", "Local", "UTC", "+25:00", "America/St_Johns", "../etc")
	}
	f.Now = noon
	if g.pick(6) == 5 {
		f.Now = when()
	}
	if g.pick(20) != 19 {
		f.Profile = e.Schema().NewProfile()
		for _, d := range e.Schema().Fields() {
			var v leadloop.Value
			switch g.pick(8) {
			case 0, 1:
				continue
			case 2:
				v = leadloop.NoValue(d.Kind)
			case 3:
				v = leadloop.EmptyValue(d.Kind)
			default:
				switch d.Kind {
				case str:
					v = leadloop.ValueOf(texts())
				case integer:
					v = leadloop.ValueOf([]int64{0, 1, -1, 5, 6, 600, math.MinInt64, math.MaxInt64, 1_000_000, math.MinInt64 + 1, math.MaxInt64 - 1, 1 << 53, 1<<53 + 1}[g.pick(13)])
				case double:
					v = leadloop.ValueOf([]float64{0, math.Copysign(0, -1), -0.5, 1.5, 2.5, 1e300, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, 9.223372036854775807e18, -9.223372036854775808e18, math.SmallestNonzeroFloat64}[g.pick(13)])
				case boolean:
					v = leadloop.ValueOf(g.pick(2) == 0)
				case moment:
					v = leadloop.ValueOf(when())
				case list:
					items := make([]string, g.pick(4))
					for i := range items {
						items[i] = texts()
					}
					v = leadloop.ValueOf(items)
				}
			}
			setValue(t, f.Profile, d.Name, v)
		}
	}
	for range g.pick(6) {
		a := leadloop.Activity{Type: g.of("a", "b", "d"), At: when(), Actor: leadloop.RepID(g.of("", "ana"))}
		switch g.pick(4) {
		case 0:
			a.Attributes = map[string]string{"page": texts(), "utm": "x"}
		case 1:
			a.Attributes = map[string]string{"page": "VP"}
		}
		if g.pick(20) == 19 {
			a.Type = "\xff"
		}
		f.Activities = append(f.Activities, a)
	}
	for i, v := range []leadloop.Value{leadloop.ValueOf(g.of("A", "", "VP")), leadloop.ValueOf(7.5)} {
		switch g.pick(8) {
		case 0:
			v = leadloop.Value{}
		case 1:
			v = leadloop.NoValue([]leadloop.Kind{str, double}[i])
		case 2:
			if g.pick(4) == 3 {
				v = leadloop.ValueOf(true)
			}
		}
		f.Vars = append(f.Vars, v)
	}
	f.Vars = f.Vars[:2-g.pick(12)/11]
	return f
}

func seeds(f *testing.F, n, length int) {
	for i := range n {
		f.Add(seed(i, length))
	}
}

func seed(i, length int) []byte {
	data := make([]byte, length)
	x := uint64(i)*0x9E3779B97F4A7C15 + 1
	for k := range data {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		data[k] = byte(x >> 24)
	}
	return data
}

// FuzzCompiledAgainstOracle: what runs without cel-go answers as cel-go does,
// alone and together with others, over any lead.
func FuzzCompiledAgainstOracle(f *testing.F) {
	seeds(f, 400/raceFactor, 1200)
	wideEnv, tight := oracleEnvs(f)
	var r rules.Results
	f.Fuzz(func(t *testing.T, data []byte) {
		e := wideEnv
		if len(data) > 0 && data[0]%8 == 7 {
			e = tight
		}
		compareWithOracle(t, e, data, &r)
	})
}

// oracleEnvs are one with the limits that everybody has, and one whose limits
// leads exceed.
func oracleEnvs(t testing.TB) (usual, tight *rules.Env) {
	usual, tight = newEnv(t, rules.Options{}), newEnv(t, rules.Options{Limits: rules.Limits{
		ListItems: 2, StringBytes: 8, ItemBytes: 6, Activities: 3,
	}})
	usual.KeepOracle()
	tight.KeepOracle()
	return usual, tight
}

func compareWithOracle(t *testing.T, e *rules.Env, data []byte, r *rules.Results) (typed, all int) {
	g := wide{generator: generator{data: data}}
	var accepted []rules.Rule
	n := 1 + g.pick(12)
	if g.pick(8) == 7 {
		n = 100 // more than fit a word
	}
	for i := range n {
		one := g.anyRule(fmt.Sprint(i))
		if _, err := e.Compile(one); err == nil {
			accepted = append(accepted, one)
		}
	}
	set, err := e.Compile(accepted...)
	if err != nil {
		t.Fatal(err)
	}
	for range 6 {
		f := g.anyFacts(t, e)
		set.Eval(context.Background(), f, r)
		for i := range set.Len() {
			want := set.Oracle(context.Background(), f, i)
			text := set.Rule(i).Expression.Text
			if r.State(i) != want.State || r.True(i) != want.True() || r.TrueMask()[i/64]>>(i%64)&1 == 1 != want.True() {
				t.Fatalf("%s: state %d, true %v, mask %b, want %+v", text, r.State(i), r.True(i), r.TrueMask(), want)
			}
			if diff := cmp.Diff(want, r.At(i), sameResult); diff != "" {
				t.Fatalf("%s, together (-cel-go +compiled):\n%s", text, diff)
			}
			if again := cmp.Diff(want, r.At(i), sameResult); again != "" {
				t.Fatalf("%s, asked again:\n%s", text, again)
			}
			if diff := cmp.Diff(want, set.EvalOne(context.Background(), f, i), sameResult); diff != "" {
				t.Fatalf("%s, alone (-cel-go +compiled):\n%s", text, diff)
			}
		}
	}
	for _, p := range set.Plan() {
		all++
		if p.Tier != rules.TierCEL {
			typed++
		}
	}
	return typed, all
}

// TestMostRulesNeedNoCELGo keeps the comparison from being one of cel-go with
// itself.
func TestMostRulesNeedNoCELGo(t *testing.T) {
	e := newEnv(t, rules.Options{})
	e.KeepOracle()
	var r rules.Results
	var typed, all int
	for i := range 60 {
		n, m := compareWithOracle(t, e, seed(100_000+i, 1200), &r)
		typed, all = typed+n, all+m
	}
	if all < 200 || typed*4 < all*3 {
		t.Errorf("%d of %d rules run without cel-go", typed, all)
	}
}
