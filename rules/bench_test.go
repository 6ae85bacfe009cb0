package rules_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// fortyRules look like the rules of a scoring model.
func fortyRules() []rules.Rule {
	var out []rules.Rule
	add := func(format string, args ...any) {
		out = append(out, rules.Rule{
			ID: fmt.Sprintf("r%d", len(out)), Type: boolean, Expression: leadloop.Expression{Text: fmt.Sprintf(format, args...)},
		})
	}
	for _, n := range []int{10, 50, 100, 250, 500, 1000, 5000, 10000} {
		add(`company.employees >= %d`, n)
	}
	for _, s := range []string{"vp", "c_level", "director", "manager"} {
		add(`lead.seniority == %q || lead.title.lowerAscii().contains(%q)`, s, s)
	}
	for _, c := range []string{"US", "DE", "FR", "GB"} {
		add(`lead.country in [%q, "CA"] && has(lead.email)`, c)
	}
	for _, typ := range []string{"pricing_view", "demo", "webinar", "reply", "meeting", "download"} {
		add(`count(%q, "7d") >= 2`, typ)
		add(`since(%q) < days(30)`, typ)
		add(`seen(%q)`, typ)
	}
	add(`isFreeEmail(lead.email)`)
	add(`lead.title.matches("(?i)student|intern")`)
	add(`"go" in company.technologies`)
	add(`company.technologies.exists(t, t.startsWith("post"))`)
	add(`company.hiring_velocity > 1.5 && company.employees < 1000`)
	add(`now - company.funding_date < days(180)`)
	return out
}

func BenchmarkFortyRules(b *testing.B) {
	e := newEnv(b, rules.Options{})
	set, err := e.Compile(fortyRules()...)
	if err != nil {
		b.Fatal(err)
	}
	f := facts(b, e)
	for i := range 40 {
		f.Activities = append(f.Activities, leadloop.Activity{
			Type: []string{"pricing_view", "demo", "webinar", "page_view"}[i%4], At: noon.AddDate(0, 0, -i),
		})
	}
	var r rules.Results
	b.ReportAllocs()
	for b.Loop() {
		set.Eval(context.Background(), f, &r)
	}
}

func BenchmarkCompileFortyRules(b *testing.B) {
	e := newEnv(b, rules.Options{})
	all := fortyRules()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Compile(all...); err != nil {
			b.Fatal(err)
		}
	}
}

func TestASetIsSafeForConcurrentUse(t *testing.T) {
	e := newEnv(t, rules.Options{})
	all := append(fortyRules(),
		rules.Rule{ID: "overflow", Type: boolean, Expression: leadloop.Expression{Text: `timestamp("9999-12-31") + days(company.employees) > now`}},
		rules.Rule{ID: "none", Type: boolean, Expression: leadloop.Expression{Text: `since("never") < days(1) && lead.country == "US"`}},
		rules.Rule{ID: "long", Type: integer, Expression: leadloop.Expression{Text: `company.employees / 0`}})
	set, err := e.Compile(all...)
	if err != nil {
		t.Fatal(err)
	}
	if set.Len() != 43 {
		t.Fatalf("%d rules", set.Len())
	}
	collect := func() []rules.Result {
		var r rules.Results
		set.Eval(context.Background(), facts(t, e), &r)
		out := make([]rules.Result, r.Len())
		for i := range out {
			out[i] = r.At(i)
		}
		return out
	}
	want := collect()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if diff := cmp.Diff(want, collect(), sameResult); diff != "" {
					t.Error(diff)
				}
				set.NextChange(facts(t, e))
			}
		})
	}
	for range 2 {
		wg.Go(func() {
			if _, err := e.Compile(all...); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
