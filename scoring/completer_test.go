package scoring

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
)

// TestACompletionIsJudgedAsTheLeadThatHasIt compares what a completer says of
// values with the verdict on a profile that has them, for all of them, and what
// it says of fields that are free with all that they can become.
func TestACompletionIsJudgedAsTheLeadThatHasIt(t *testing.T) {
	begun, settled, added := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		m := anyModel(t)
		in := anyInput(t, m)
		axes := make([]FieldValues, 0, len(valueFields))
		for _, f := range valueFields {
			axes = append(axes, FieldValues{f, append([]leadloop.Value{{}}, values[f]...)})
		}
		c, err := m.NewCompleter(axes)
		if err != nil {
			t.Fatal(err)
		}
		// Another lead first, so that tables are those of somebody else.
		if k, err := c.Begin(t.Context(), Input{Profile: m.schema.NewProfile(), AsOf: asOf}, []int{0, 1, 2, 3, 4}); err != nil {
			t.Fatal(err)
		} else if k != nil {
			k.End()
		}
		var fields []int
		for i, f := range valueFields {
			if in.Profile.Value(f).Presence() == leadloop.Absent && rapid.Bool().Draw(t, "tried") && len(fields) < 3 {
				fields = append(fields, i)
			}
		}
		k, err := c.Begin(t.Context(), in, fields)
		if err != nil {
			t.Fatal(err)
		}
		if k == nil {
			return
		}
		defer k.End()
		begun++
		p := in.Profile.Clone()
		if in.Activities == nil {
			p.SetActivities(in.Profile.History().Activities)
		}
		trial := in
		trial.Profile = p
		chosen := make([]int, len(fields))
		var each func(i int, f func(Verdict))
		each = func(i int, f func(Verdict)) {
			if i == len(fields) {
				v, err := m.Verdict(t.Context(), trial)
				if err != nil {
					t.Fatal(err)
				}
				f(v)
				return
			}
			for n, v := range axes[fields[i]].Values {
				chosen[i] = n
				set(p, axes[fields[i]].Field, v)
				each(i+1, f)
			}
			set(p, axes[fields[i]].Field, leadloop.Value{})
		}
		possible := map[string]bool{}
		for _, tier := range k.Tiers() {
			possible[tier] = true
		}
		each(0, func(want Verdict) {
			got := k.At(chosen)
			if got.Tier != want.Tier || got.Points != want.Points && want.Disqualified == "" || (got.Disqualified == "") != (want.Disqualified == "") {
				t.Errorf("%v of %v: %+v, want %+v", chosen, fields, got, want)
			}
			if want.Disqualified == "" && !possible[want.Tier] {
				t.Errorf("%v of %v: tier %q is not in %v", chosen, fields, want.Tier, k.Tiers())
			}
		})
		// What matters of the fields that only add points.
		free, mark := make([]int, len(fields)), make([]bool, len(fields))
		adds := true
		for i := range fields {
			free[i] = Free
			adds = adds && k.Additive(i)
		}
		if adds && k.Mattering(free, mark) {
			added++
			ends := map[string]map[string]bool{}
			each(0, func(v Verdict) {
				for i := range fields {
					others := slices.Clone(chosen)
					others[i] = Free
					at := fmt.Sprint(i, others)
					if ends[at] == nil {
						ends[at] = map[string]bool{}
					}
					ends[at][v.Tier] = true
				}
			})
			want := make([]bool, len(fields))
			for i := range fields {
				for at, tiers := range ends {
					want[i] = want[i] || strings.HasPrefix(at, fmt.Sprint(i, " ")) && len(tiers) > 1
				}
			}
			if k.Now().Disqualified == "" && !slices.Equal(mark, want) {
				t.Errorf("of %v matter %v, not %v", fields, want, mark)
			}
		}
		// Some free, some not.
		some := make([]int, len(fields))
		for i, a := range fields {
			some[i] = rapid.IntRange(Free, len(axes[a].Values)-1).Draw(t, "value")
		}
		v, high, ok := k.Settled(some)
		each(0, func(want Verdict) {
			for i, n := range some {
				if n != Free && chosen[i] != n {
					return
				}
			}
			if !ok {
				return
			}
			settled++
			if (v.Disqualified == "") != (want.Disqualified == "") || v.Tier != want.Tier || want.Disqualified == "" && (want.Points < v.Points || want.Points > high) {
				t.Errorf("%v of %v is settled as %+v to %v, and with %v it is %+v", some, fields, v, high, chosen, want)
			}
		})
	})
	if begun == 0 || settled == 0 || added == 0 {
		t.Errorf("%d leads, %d completions settled, %d times all fields additive", begun, settled, added)
	}
}

func TestACompleterRefusesValuesThatAreNone(t *testing.T) {
	m := compile(t, fortyRules("half_life: 14d"))
	for name, axes := range map[string][]FieldValues{
		"no such field": {{"lead.nonsense", []leadloop.Value{{}}}},
		"no values":     {{"company.employees", nil}},
		"another kind":  {{"company.employees", []leadloop.Value{leadloop.ValueOf("many")}}},
		"twice":         {{"company.employees", []leadloop.Value{{}}}, {"company.employees", []leadloop.Value{{}}}},
	} {
		if _, err := m.NewCompleter(axes); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
