package scoring

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
)

func inWords(sets [][]PathChange) []string {
	out := []string{}
	for _, set := range sets {
		var words []string
		for _, c := range set {
			words = append(words, c.String())
		}
		out = append(out, strings.Join(words, ", "))
	}
	return out
}

const ways = `model: ways
version: 1
rules:
  - {id: middle, when: "company.employees >= 200 && company.employees < 500", points: 10}
  - {id: large, when: "company.employees >= 500", points: 20}
  - {id: huge, when: "company.employees >= 5000", points: 5}
  - {id: vp, when: 'lead.seniority == "vp"', points: 15}
  - {id: chief, when: 'lead.seniority == "c_level"', points: 25}
  - {id: us, when: 'lead.country in ["US", "CA"]', points: 10}
  - {id: student, when: 'lead.title == "Student"', disqualify: student}
  - {id: demo, each: demo, points: 20}
tiers: {A: 45, B: 20, C: 0}
`

func TestWhatWouldMakeThisAnA(t *testing.T) {
	none := func(*leadloop.Profile) {}
	for _, tt := range []struct {
		name         string
		set          func(p *leadloop.Profile)
		demos        int
		tier         string
		o            PathOptions
		combinations int
		want         []string
		complete     bool
	}{
		{"one look-up is enough", none, 1, "A", PathOptions{}, 0, []string{
			"company.employees: (absent) → 5000", "lead.seniority: (absent) → c_level",
		}, true},
		{"two are needed", none, 0, "A", PathOptions{}, 0, []string{
			"company.employees: (absent) → 500, lead.seniority: (absent) → c_level",
		}, true},
		{"known fields stay", func(p *leadloop.Profile) { leadloop.Seniority.Set(p, "vp"); leadloop.Employees.Set(p, 100) }, 0, "A", PathOptions{}, 0, []string{}, true},
		{"unless they could change", func(p *leadloop.Profile) { leadloop.Seniority.Set(p, "vp"); leadloop.Employees.Set(p, 100) }, 0, "A",
			PathOptions{Changeable: []string{"company.employees", "seniority"}}, 0, []string{
				"company.employees: 100 → 500, lead.country: (absent) → US",
				"company.employees: 100 → 500, lead.seniority: vp → c_level",
			}, true},
		{"another tier than the best", none, 0, "B", PathOptions{}, 0, []string{
			"company.employees: (absent) → 500", "lead.seniority: (absent) → c_level",
		}, true},
		{"too few changes", none, 0, "A", PathOptions{Changes: 1}, 0, []string{}, true},
		{"already there", none, 1, "B", PathOptions{}, 0, []string{""}, true},
		{"something that happens", none, 0, "B", PathOptions{Activities: []string{"demo"}}, 0, []string{
			"demo", "company.employees: (absent) → 500", "lead.seniority: (absent) → c_level",
		}, true},
		{"the fewest times", func(p *leadloop.Profile) {
			leadloop.Seniority.Set(p, "vp")
			leadloop.Employees.Set(p, 100)
			leadloop.Country.Set(p, "US")
		}, 0, "A", PathOptions{Activities: []string{"demo"}}, 0, []string{"demo"}, true},
		{"several times", func(p *leadloop.Profile) {
			leadloop.Seniority.Set(p, "junior")
			leadloop.Employees.Set(p, 100)
			leadloop.Country.Set(p, "US")
		}, 0, "A", PathOptions{Activities: []string{"demo"}}, 0, []string{"demo × 2"}, true},
		{"something that happens and a value", func(p *leadloop.Profile) { leadloop.Seniority.Set(p, "junior"); leadloop.Country.Set(p, "BR") }, 0, "A",
			PathOptions{Activities: []string{"demo"}}, 0, []string{"demo × 3"}, true},
		{"broken off", none, 0, "A", PathOptions{}, 12, []string{}, false},
		{"a disqualified lead is out of reach", func(p *leadloop.Profile) { leadloop.Title.Set(p, "Student") }, 2, "A", PathOptions{}, 0, []string{}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := limited(t, ways, tt.combinations)
			in := Input{Profile: profile(t, m, tt.set), AsOf: asOf}
			for i := range tt.demos {
				in.Activities = append(in.Activities, happened("demo", day*1<<i))
			}
			before := in.Profile.Clone()
			got, err := m.Paths(t.Context(), in, tt.tier, tt.o)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, inWords(got.Sets)); diff != "" || got.Complete != tt.complete {
				t.Errorf("complete %t (-want +got):\n%s", got.Complete, diff)
			}
			for i := range m.Schema().Len() {
				if !before.At(i).Equal(in.Profile.At(i)) {
					t.Errorf("%s was modified", m.Schema().At(i).Name)
				}
			}
		})
	}
}

func TestPathsThatCannotBeAskedFor(t *testing.T) {
	m := compile(t, ways)
	in := Input{Profile: profile(t, m, nil), AsOf: asOf}
	for name, ask := range map[string]func() error{
		"a tier that is not there": func() error { return second(m.Paths(t.Context(), in, "D", PathOptions{})) },
		"a field that is not there": func() error {
			return second(m.Paths(t.Context(), in, "A", PathOptions{Changeable: []string{"company.employes"}}))
		},
		"an activity that is not there": func() error {
			return second(m.Paths(t.Context(), in, "A", PathOptions{Activities: []string{"demos"}}))
		},
		"too many changes":          func() error { return second(m.Paths(t.Context(), in, "A", PathOptions{Changes: 4})) },
		"no profile":                func() error { return second(m.Paths(t.Context(), Input{AsOf: asOf}, "A", PathOptions{})) },
		"deciding without a moment": func() error { return second(m.Deciding(t.Context(), Input{Profile: in.Profile})) },
	} {
		if err := ask(); !errors.Is(err, leadloop.ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	_, err := m.Paths(t.Context(), in, "A", PathOptions{Changeable: []string{"company.employes"}})
	if want := `scoring: invalid: no field "company.employes" (did you mean "company.employees"?)`; err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestWhichLookUpDecides(t *testing.T) {
	pattern := strings.Replace(ways, `lead.title == "Student"`, `lead.title.matches("Student")`, 1)
	for _, tt := range []struct {
		name, model string
		set         func(p *leadloop.Profile)
		demos       int
		want        []string
	}{
		{"each of three could, and one could disqualify", ways, nil, 0, []string{"company.employees", "lead.seniority", "lead.title"}},
		{"what is known does not", ways, func(p *leadloop.Profile) { leadloop.Employees.Set(p, 700); leadloop.Title.Set(p, "CTO") }, 0, []string{"lead.seniority"}},
		{"an A stays an A whatever is found", ways, func(p *leadloop.Profile) { leadloop.Title.Set(p, "CTO") }, 3, []string{}},
		{"a pattern counts in doubt", pattern, nil, 3, []string{"lead.title"}},
		{"a disqualified lead is decided", ways, func(p *leadloop.Profile) { leadloop.Title.Set(p, "Student") }, 0, []string{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := compile(t, tt.model)
			in := Input{Profile: profile(t, m, tt.set), AsOf: asOf}
			for i := range tt.demos {
				in.Activities = append(in.Activities, happened("demo", day*1<<i))
			}
			got, err := m.Deciding(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("deciding (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecidingEqualsBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyEnumerableModel(t)
		in := anyPartialInput(t, m, 3)
		s, err := m.begin(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		// No score counts as one.
		s.decide(t.Context(), true)
		now := s.outcome()
		got, err := m.Deciding(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{}
		for _, name := range enumerableFields {
			if in.Profile.Value(name).Presence() != leadloop.Absent || now.disqualified != "" {
				continue
			}
			decides := false
			for _, v := range everyValue[name] {
				with := in
				with.Profile = in.Profile.Clone()
				if err := with.Profile.SetValue(name, v); err != nil {
					t.Fatal(err)
				}
				e := mustScore(t, m, with)
				if !e.Known {
					continue // the model does not read the field
				}
				decides = decides || e.Tier != now.tier || e.Disqualified != now.disqualified
			}
			if decides {
				want = append(want, name)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("deciding (-brute force +got):\n%s", diff)
		}
	})
}

func TestPathsLeadThereAndNoSmallerOneDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyEnumerableModel(t)
		in := anyPartialInput(t, m, 2)
		tier := rapid.SampledFrom(m.Tiers()).Draw(t, "tier")
		var o PathOptions
		if rapid.Bool().Draw(t, "activities") {
			o.Activities = m.Activities()
		}
		got, err := m.Paths(t.Context(), in, tier, o)
		if err != nil {
			t.Fatal(err)
		}
		if !got.Complete && len(o.Activities) == 0 {
			t.Fatal("not complete")
		}
		size := MaxChanges + 1
		for i, set := range got.Sets {
			if i > 0 && len(set) != size {
				t.Fatalf("sets of %d and %d changes", size, len(set))
			}
			size = len(set)
			with := in
			with.Profile = in.Profile.Clone()
			with.Activities = slices.Clone(in.Activities)
			for _, c := range set {
				for n := range c.Times {
					with.Activities = append(with.Activities, leadloop.Activity{ID: fmt.Sprint("more-", c.Activity, n), Type: c.Activity, At: in.AsOf})
				}
				if c.Field == "" {
					continue
				}
				if err := with.Profile.SetValue(c.Field, c.To); err != nil {
					t.Fatal(err)
				}
			}
			if e := mustScore(t, m, with); e.Tier != tier {
				t.Fatalf("%v leads to %q, not to %q:\n%s", set, e.Tier, tier, e)
			}
		}
		// Whatever is smaller does not lead there: by brute force.
		missing := slices.DeleteFunc(slices.Clone(enumerableFields), func(f string) bool { return in.Profile.Value(f).Presence() != leadloop.Absent })
		subsets := [][]string{nil}
		for _, f := range missing {
			for _, s := range slices.Clone(subsets) {
				subsets = append(subsets, append(slices.Clone(s), f))
			}
		}
		full := in
		for _, some := range subsets {
			if len(some) >= size {
				continue
			}
			completions(t, in.Profile, some, func(p *leadloop.Profile) {
				full.Profile = p
				if e := mustScore(t, m, full); e.Tier == tier {
					t.Fatalf("%v lead to %s:\n%s", some, tier, e)
				}
			})
		}
	})
}
