package rules_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// FuzzColumnsAgainstEval: columns answer every rule for every lead as an
// evaluation of that lead does.
func FuzzColumnsAgainstEval(f *testing.F) {
	seeds(f, 300/raceFactor, 4000)
	e := newEnv(f, rules.Options{Vars: []rules.Var{}})
	f.Fuzz(func(t *testing.T, data []byte) { compareColumns(t, e, data) })
}

func compareColumns(t *testing.T, e *rules.Env, data []byte) (columnar, regular, all int) {
	t.Helper()
	g := wide{generator: generator{data: data}}
	var accepted []rules.Rule
	var which []int
	for i := range 1 + g.pick(20) {
		one := g.anyRule(fmt.Sprint(i))
		if g.pick(2) == 0 {
			one.Type, one.Expression.Text = boolean, g.flag(g.pick(3))
		}
		if _, err := e.Compile(one); err == nil && (one.Type == boolean || one.Type == double) {
			which, accepted = append(which, len(accepted)), append(accepted, one)
		}
	}
	set, err := e.Compile(accepted...)
	if err != nil {
		t.Fatal(err)
	}
	layout, err := rules.NewLayout(set, rules.Inputs{Fields: []string{"lead.city", "company.founded"}, Activities: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	now := noon
	if g.pick(3) == 2 {
		now = []time.Time{noon.Add(1), noon.AddDate(-1, 0, 0), time.Date(1830, 1, 1, 0, 0, 0, 0, time.UTC)}[g.pick(3)]
	}
	columns, err := set.Columns(layout, now, which)
	if err != nil {
		t.Fatal(err)
	}
	exec, filler := columns.NewExec(), layout.NewFiller()
	var out rules.ColumnResults
	for _, n := range []int{20, 1, 70} {
		leads := make([]rules.Facts, n)
		for i := range leads {
			if len(g.data) == 0 {
				g.data = data // again, from another rule's point of view
			}
			leads[i] = g.anyFacts(t, e)
			leads[i].Now, leads[i].Vars = now, nil
			if g.pick(2) == 0 && leads[i].Profile != nil {
				leads[i].Profile.SetActivities(leads[i].Activities)
				leads[i].Activities = nil
			}
		}
		block := filler.Fill(leads, g.pick(2) == 0)
		exec.Eval(context.Background(), block, &out)
		in := block.Regular()
		for i := range leads {
			all++
			if !in.Has(i) {
				for k := range which {
					if out.True[k].Has(i) || out.Undecided[k].Has(i) || out.NoValue[k].Has(i) || out.Failed[k].Has(i) {
						t.Fatalf("%s: lead %d is not regular, and in a set", accepted[k].Expression.Text, i)
					}
				}
				continue
			}
			regular++
			back := block.Facts(i, e.Schema().NewProfile())
			back.Now = now
			for k := range which {
				want := set.EvalOne(context.Background(), leads[i], k)
				got := rules.Result{State: rules.Decided}
				switch {
				case out.Undecided[k].Has(i):
					got.State = rules.Undecided
				case out.NoValue[k].Has(i):
					got.State = rules.NoValue
				case out.Failed[k].Has(i):
					got.State = rules.Failed
				}
				holds := want.State == rules.Decided && (accepted[k].Type == double || want.Value.Bool())
				value := 0.0
				if out.Values[k] != nil {
					value = out.Values[k][i]
				}
				if got.State != want.State || out.True[k].Has(i) != holds ||
					math.Float64bits(value) != math.Float64bits(want.Value.Float()) {
					t.Fatalf("%s of lead %d: state %d, true %v, value %v, want %+v", accepted[k].Expression.Text, i, got.State, out.True[k].Has(i), value, want)
				}
				if again := set.EvalOne(context.Background(), back, k); again.State != want.State || !again.Value.Equal(want.Value) {
					t.Fatalf("%s of lead %d as the block gives it back: %+v, want %+v", accepted[k].Expression.Text, i, again, want)
				}
			}
		}
	}
	for _, k := range which {
		if set.Columnar(k) {
			columnar++
		}
	}
	return columnar, regular, all
}

// The comparison must not be one of single evaluations with themselves.
func TestColumnsAnswerMostConditionsOfMostLeads(t *testing.T) {
	e := newEnv(t, rules.Options{Vars: []rules.Var{}})
	columnar, regular, all := 0, 0, 0
	for i := range 30 {
		c, r, n := compareColumns(t, e, seed(500_000+i, 4000))
		columnar, regular, all = columnar+c, regular+r, all+n
	}
	if columnar < 50 || regular < all/10 {
		t.Errorf("columns answer %d rules, for %d of %d leads", columnar, regular, all)
	}
}

// Many distinct texts, long lists, large counts, and more leaves on one field
// than a word has bits.
func TestColumnsOfManyDistinctValues(t *testing.T) {
	e := newEnv(t, rules.Options{Vars: []rules.Var{}})
	texts := []string{
		`lead.email.endsWith(".edu")`, `lead.email.startsWith("user1")`, `lead.email.contains("77")`, `lead.email == "user5@a.edu"`,
		`lead.email.matches("[13]@")`, `!lead.email.upperAscii().contains("B")`, `isFreeEmail(lead.email)`, `lead.email < "user5"`,
		`count("a") >= 40`, `count("a", "1h") > 300`, `count("a") < 70000`, `count("b") == 0`, `!seen("a")`,
		`"tag77" in company.technologies`, `company.technologies.all(t, t != "tag1")`, `company.technologies.exists(t, t.endsWith("9"))`,
		`company.employees % 7 == 3`, `now - company.funding_date < days(20)`,
		`activities.exists(a, now - a.at < duration("26h"))`, `!activities.exists(x, duration("1h") >= now - x.at)`,
		`activities.exists(a, now - a.at < days(-1))`, `activities.exists(a, now - a.at <= duration("0s"))`,
	}
	for i := range 100 {
		texts = append(texts, fmt.Sprintf("company.employees >= %d", i*i*30), fmt.Sprintf("company.revenue < %d || lead.city == \"c%d\"", i*1_000_000_000, i*7))
	}
	var list []rules.Rule
	var which []int
	for i, text := range texts {
		list, which = append(list, rules.Rule{ID: fmt.Sprint(i), Type: boolean, Expression: leadloop.Expression{Text: text}}), append(which, i)
	}
	set, err := e.Compile(list...)
	if err != nil {
		t.Fatal(err)
	}
	layout, err := rules.NewLayout(set, rules.Inputs{})
	if err != nil {
		t.Fatal(err)
	}
	columns, err := set.Columns(layout, noon, which)
	if err != nil {
		t.Fatal(err)
	}
	exec, filler := columns.NewExec(), layout.NewFiller()
	var out rules.ColumnResults
	var results rules.Results
	next := 0
	for _, n := range []int{rules.BlockLeads, 100, rules.BlockLeads, 0} {
		leads := make([]rules.Facts, n)
		for i := range leads {
			p := e.Schema().NewProfile()
			leadloop.Email.Set(p, fmt.Sprintf("user%d@a.%s", next, []string{"edu", "com", "b"}[next%3]))
			leadloop.City.Set(p, fmt.Sprintf("c%d", next%400))
			leadloop.Employees.Set(p, int64(next)*37)
			if next%5 > 0 {
				leadloop.Revenue.Set(p, int64(next)*100_000_003)
			}
			leadloop.FundingDate.Set(p, noon.Add(-time.Duration(next)*time.Hour))
			leadloop.Technologies.Set(p, []string{fmt.Sprintf("tag%d", next), "tag" + fmt.Sprint(next%9)})
			leads[i] = rules.Facts{Profile: p, Now: noon}
			for k := range next % 400 {
				leads[i].Activities = append(leads[i].Activities, leadloop.Activity{Type: []string{"a", "a", "c"}[k%3], At: noon.Add(time.Duration(k-next) * time.Minute)})
			}
			next++
		}
		exec.Eval(context.Background(), filler.Fill(leads, true), &out)
		for i := range leads {
			set.Eval(context.Background(), leads[i], &results)
			for k := range which {
				if out.True[k].Has(i) != results.True(k) || out.Undecided[k].Has(i) != (results.State(k) == rules.Undecided) || out.Failed[k].Has(i) || out.NoValue[k].Has(i) {
					t.Fatalf("%s of lead %d: true %v, undecided %v, want %+v", texts[k], i, out.True[k].Has(i), out.Undecided[k].Has(i), results.At(k))
				}
			}
		}
	}
}

func TestColumnsRefuseWhatTheyDoNotHave(t *testing.T) {
	e := newEnv(t, rules.Options{Vars: []rules.Var{}})
	small, large := compile(t, e, boolean, "company.employees > 5"), compile(t, e, boolean, `lead.city == "x" && seen("demo")`)
	layout, err := rules.NewLayout(small, rules.Inputs{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		set  *rules.Set
		want string
	}{
		{large, "lead.city"}, {compile(t, e, boolean, `seen("demo")`), "activities of type demo"},
		{compile(t, e, boolean, "activities.exists(a, now - a.at < days(3))"), "activities of any type"},
		{compile(t, e, str, "lead.city"), "string"},
		{compile(t, newEnv(t, rules.Options{Vars: []rules.Var{}, Limits: rules.Limits{StringBytes: 10}}), boolean, "company.employees > 5"), "limits"},
	} {
		if _, err := c.set.Columns(layout, noon, []int{0}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want something about %s", c.set.Rule(0).Expression.Text, err, c.want)
		}
	}
	if _, err := rules.NewLayout(compile(t, newEnv(t, rules.Options{}), boolean, "true"), rules.Inputs{}); err == nil {
		t.Error("a set with variables has a layout")
	}
	if _, err := rules.NewLayout(small, rules.Inputs{Fields: []string{"lead.shoe_size"}}); err == nil {
		t.Error("a layout has a field that the schema does not have")
	}
}

func TestLeadsThatColumnsCannotHoldAreKeptAsTheyAre(t *testing.T) {
	e := newEnv(t, rules.Options{Vars: []rules.Var{}})
	set := compile(t, e, boolean, `lead.title == "a" || company.funding_date < now || company.ratio > 1.0 || "x" in company.technologies || seen("a")`)
	layout, err := rules.NewLayout(set, rules.Inputs{})
	if err != nil {
		t.Fatal(err)
	}
	far := time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC)
	leads := make([]rules.Facts, 6)
	for i := range leads {
		leads[i].Profile = e.Schema().NewProfile()
		leadloop.Title.Set(leads[i].Profile, "fine")
	}
	leadloop.Title.Set(leads[1].Profile, "\xff")
	leadloop.FundingDate.Set(leads[2].Profile, far)
	ratio.Set(leads[3].Profile, math.NaN())
	leadloop.Technologies.Set(leads[4].Profile, slices.Repeat([]string{"x"}, 1000))
	leads[5].Activities = []leadloop.Activity{{Type: "a", At: noon}, {Type: "a", At: far}}
	block := layout.NewFiller().Fill(leads, true)
	if in := block.Regular(); in.Len() != 1 || !in.Has(0) {
		t.Errorf("regular: %b", in[0])
	}
	for i := range leads {
		got := block.Facts(i, e.Schema().NewProfile())
		got.Now, leads[i].Now = noon, noon
		a, b := set.EvalOne(context.Background(), got, 0), set.EvalOne(context.Background(), leads[i], 0)
		if a.State != b.State || a.Value.Bool() != b.Value.Bool() {
			t.Errorf("lead %d: %+v, want %+v", i, a, b)
		}
	}
}
