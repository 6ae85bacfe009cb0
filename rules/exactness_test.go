package rules_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// What the comment of Undecided promises, against brute force: the missing
// fields take the values of all their cells, in all combinations.

// readings are conditions on one field each that can be met and not met; the
// cells of the fields are exact for them.
var readings = map[string][]string{
	"company.employees":    {`company.employees >= 50`, `company.employees == 7`, `company.employees in [5, 7]`, `50 > company.employees`, `has(company.employees)`},
	"lead.title":           {`lead.title == "VP"`, `lead.title.contains("V")`, `lead.title in ["VP", "CEO"]`, `lead.title.startsWith("C")`},
	"lead.opted_in":        {`lead.opted_in`, `lead.opted_in == false`, `has(lead.opted_in)`},
	"lead.city":            {`lead.city != "x"`, `has(lead.city)`},
	"company.ratio":        {`company.ratio > 0.5`, `-0.5 <= company.ratio`},
	"company.technologies": {`"go" in company.technologies`, `company.technologies.exists(t, t == "go")`, `company.technologies.all(t, t != "go")`},
	"company.funding_date": {`now - company.funding_date < days(30)`, `company.funding_date > timestamp("2026-01-01")`},
}

var readingFields = []string{"company.employees", "company.funding_date", "company.ratio", "company.technologies", "lead.city", "lead.opted_in", "lead.title"}

// formula draws a condition over fields. With once, no field is read twice and
// nothing errs.
func formula(t *rapid.T, free *[]string, once bool, depth int) string {
	if depth == 0 || once && len(*free) == 0 {
		choice := rapid.IntRange(0, 9).Draw(t, "leaf")
		switch {
		case choice == 0:
			return rapid.SampledFrom([]string{"true", "false"}).Draw(t, "constant")
		case choice == 1 && !once:
			return rapid.SampledFrom([]string{`1 / 0 > 0`, `lead.country == "x"`}).Draw(t, "error")
		case len(*free) == 0:
			return "true"
		}
		i := rapid.IntRange(0, len(*free)-1).Draw(t, "field")
		field := (*free)[i]
		if once {
			*free = slices.Delete(slices.Clone(*free), i, i+1)
		}
		return rapid.SampledFrom(readings[field]).Draw(t, "reading")
	}
	sub := func() string { return formula(t, free, once, depth-1) }
	switch rapid.IntRange(0, 5).Draw(t, "operation") {
	case 0, 1:
		return fmt.Sprintf("(%s && %s)", sub(), sub())
	case 2, 3:
		return fmt.Sprintf("(%s || %s)", sub(), sub())
	case 4:
		return fmt.Sprintf("!(%s)", sub())
	}
	if rapid.Bool().Draw(t, "ternary") {
		return fmt.Sprintf("(((%s) ? 1 : 2) == 1)", sub())
	}
	return fmt.Sprintf("((%s) %s (%s))", sub(), rapid.SampledFrom([]string{"==", "!="}).Draw(t, "op"), sub())
}

// answer is what a result comes to; which error it is does not count.
func answer(r rules.Result) string {
	switch r.State {
	case rules.Decided:
		return r.Value.String()
	case rules.Undecided:
		return "undecided"
	}
	return "error"
}

// worlds evaluates a rule for every combination of values.
func worlds(t *rapid.T, set *rules.Set, f rules.Facts, fields []string, values map[string][]leadloop.Value, seen func(at []int, answer string)) {
	at := make([]int, len(fields))
	for {
		g := f
		g.Profile = f.Profile.Clone()
		for i, name := range fields {
			if err := g.Profile.SetValue(name, values[name][at[i]]); err != nil {
				t.Fatal(err)
			}
		}
		seen(at, answer(set.EvalOne(context.Background(), g, 0)))
		i := 0
		for ; i < len(fields); i++ {
			if at[i]++; at[i] < len(values[fields[i]]) {
				break
			}
			at[i] = 0
		}
		if i == len(fields) {
			return
		}
	}
}

func TestUndecidedIsExact(t *testing.T) {
	e := newEnv(t, rules.Options{})
	rapid.Check(t, func(t *rapid.T) {
		once := rapid.Bool().Draw(t, "every field read once, and no error")
		free := readingFields
		text := formula(t, &free, once, rapid.IntRange(0, 3).Draw(t, "depth"))
		set, err := e.Compile(rule(boolean, text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		f := rules.Facts{Profile: e.Schema().NewProfile(), Now: noon}
		if err := f.Profile.SetValue("lead.country", leadloop.NoValue(str)); err != nil {
			t.Fatal(err)
		}
		var missing []string
		values := map[string][]leadloop.Value{}
		for _, name := range set.Inputs(0).Fields {
			if name == "lead.country" {
				continue
			}
			cells, exact := set.Cells(name, noon)
			if !exact {
				t.Fatalf("%s: the cells of %s are not exact", text, name)
			}
			if len(missing) < 3 && rapid.Bool().Draw(t, name+" is missing") {
				missing = append(missing, name)
				values[name] = cells
				continue
			}
			if once {
				cells = slices.DeleteFunc(cells, func(v leadloop.Value) bool {
					return v.Presence() == leadloop.KnownAbsent || v.Presence() == leadloop.Empty && v.Kind() != str && v.Kind() != list
				})
			}
			if err := f.Profile.SetValue(name, rapid.SampledFrom(cells).Draw(t, name)); err != nil {
				t.Fatal(err)
			}
		}
		got := set.EvalOne(context.Background(), f, 0)
		answers := map[string]bool{}
		byWorld := map[string]string{}
		worlds(t, set, f, missing, values, func(at []int, a string) {
			answers[a] = true
			byWorld[fmt.Sprint(at)] = a
		})
		switch {
		case answers["undecided"]:
			t.Fatalf("%s: undecided with everything known", text)
		case got.State != rules.Undecided && (len(answers) > 1 || !answers[answer(got)]):
			t.Fatalf("%s: %s, but with all values of %v it is %v", text, answer(got), missing, answers)
		case got.State == rules.Undecided && once && len(answers) == 1:
			t.Fatalf("%s: undecided, but with all values of %v it is %v", text, missing, answers)
		case got.State != rules.Undecided || !once:
			return
		}
		// Every field that is asked for can change the answer.
		for _, need := range got.Needs {
			k := slices.Index(missing, need)
			if k < 0 {
				t.Fatalf("%s: needs %s, which is not missing", text, need)
			}
			matters := false
			worlds(t, set, f, missing, values, func(at []int, a string) {
				other := slices.Clone(at)
				for i := range values[need] {
					other[k] = i
					matters = matters || byWorld[fmt.Sprint(other)] != a
				}
			})
			if !matters {
				t.Fatalf("%s: needs %s, which makes no difference", text, need)
			}
		}
	})
}

// TestUndecidedTakesEachReadingForItself holds where the promise ends.
func TestUndecidedTakesEachReadingForItself(t *testing.T) {
	run(t, []semantic{
		{"two readings of one field", boolean, `lead.city == "x" || lead.city != "x"`, needs("lead.city")},
		{"an error beside another", boolean, `(1 / 0 > 0 || lead.city == "x") && 1 / 0 > 0`, needs("lead.city")},
		{"a condition that is always met", boolean, `lead.city.size() >= 0 && lead.country == "x"`, needs("lead.city")},
		{"branches that are alike", integer, `has(lead.city) ? 1 : 1`, needs("lead.city")},
		{"a loop reads a field for each item", boolean, `["a", "b"].all(x, x == lead.city)`, needs("lead.city")},
		{"an index that errs, into what is missing", boolean, `{"a": 1}[lead.city] > 1 / 0`, failed("division by zero")},
		{"of two errors, the one that is known", boolean, `lead.city + string(1 / 0) == ""`, failed("division by zero")},
	})
}
