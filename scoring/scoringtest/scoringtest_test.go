package scoringtest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/scoring"
)

var update = flag.Bool("update", false, "write the golden files anew")

func model(t testing.TB, file string) *scoring.Model {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	d, err := scoring.Parse(file, data)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := d.Schema()
	if err != nil {
		t.Fatal(err)
	}
	m, err := scoring.New(d, schema, scoring.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The way a host uses the kit, on the model of the guide.
func TestInbound(t *testing.T) {
	m := model(t, "scoring.yaml")
	Run(t, m, Load(t, m, "testdata/cases/*.yaml"), Options{
		Golden: "testdata/explanations", Update: *update, MinCoverage: 1, MaxSurvivors: new(0),
	})
}

// recorder is a test that keeps what it is told.
type recorder struct {
	name string
	out  *strings.Builder
	bad  *int
}

func (recorder) Helper() {}

func (r recorder) Errorf(format string, args ...any) {
	*r.bad++
	r.write("FAIL", format, args...)
}

func (r recorder) Logf(format string, args ...any) { r.write("ok", format, args...) }

func (r recorder) write(verdict, format string, args ...any) {
	fmt.Fprintf(r.out, "%s %s\n%s\n", verdict, r.name, strings.TrimRight(fmt.Sprintf(format, args...), "\n"))
}

func (r recorder) sub(name string, f func(reporter)) {
	r.name += "/" + name
	f(r)
}

func record(t *testing.T, m *scoring.Model, cases []scoring.Case, o Options) (string, int) {
	t.Helper()
	r := recorder{"Test", &strings.Builder{}, new(int)}
	run(t.Context(), r, m, cases, o)
	return r.out.String(), *r.bad
}

var asOf = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func TestAFailureCanBeReadWithoutTheModel(t *testing.T) {
	m := model(t, "small.yaml")
	got, bad := record(t, m, []scoring.Case{
		{
			Name: "a large company is an A", AsOf: asOf, Lead: map[string]any{"company.employees": 499},
			Want: scoring.Want{Tier: "A", Points: new(20 * leadloop.Point), Reasons: []scoring.Reason{{Rule: "big"}}},
		},
		{Name: "a small one is a B", AsOf: asOf, Lead: map[string]any{"company.employees": 3}, Want: scoring.Want{Tier: "B"}},
	}, Options{MinCoverage: 0.9, MaxSurvivors: new(3), Except: map[string]string{
		"tier A: given":            "tested elsewhere",
		"rule big: points 20 → 22": "a tenth makes no difference",
		"rule bigger: matched":     "it is gone",
	}})
	want, err := os.ReadFile("testdata/failure.golden")
	if *update {
		err = os.WriteFile("testdata/failure.golden", []byte(got), 0o644)
		want = []byte(got)
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if bad != 4 {
		t.Errorf("%d failures", bad)
	}
}

func TestGoldenFiles(t *testing.T) {
	m, dir := model(t, "small.yaml"), t.TempDir()
	one := scoring.Case{Name: "One, two & three: größer", AsOf: asOf, Lead: map[string]any{"company.employees": 700}, Want: scoring.Want{Tier: "A"}}
	o := Options{Golden: filepath.Join(dir, "explanations")}
	fails := func(cases []scoring.Case, o Options, want string) {
		t.Helper()
		got, bad := record(t, m, cases, o)
		if (bad > 0) != (want != "") || !strings.Contains(got, want) {
			t.Errorf("%d failures, want %q in:\n%s", bad, want, got)
		}
	}
	fails([]scoring.Case{one}, o, "run with -update to write it")
	o.Update = true
	fails([]scoring.Case{one}, o, "")
	o.Update = false
	fails([]scoring.Case{one}, o, "")
	other := one
	other.Lead = map[string]any{"company.employees": 701}
	fails([]scoring.Case{other}, o, "the explanation is another one (-want +got)")
	same := one
	same.Name = "one two three gr er"
	fails([]scoring.Case{one, same}, o, "would be kept in one file, one-two-three-gr-er.txt")
	same.Name = "gone"
	fails([]scoring.Case{same}, o, "no case has this explanation")
	b, err := os.ReadFile(filepath.Join(o.Golden, "one-two-three-gr-er.txt"))
	if err != nil || !strings.HasPrefix(string(b), "Tier A, 20 points.") {
		t.Errorf("golden file: %v, %s", err, b)
	}
}

func TestWhatCannotBeRunFails(t *testing.T) {
	m := model(t, "small.yaml")
	for name, o := range map[string]Options{
		"a share above 1":            {MinCoverage: 1.1},
		"a negative number":          {MaxSurvivors: new(-1)},
		"updating without a folder":  {Update: true},
		"an exception for no reason": {Except: map[string]string{"tier A: given": " "}},
	} {
		if got, bad := record(t, m, nil, o); bad != 1 || !strings.Contains(got, "invalid") {
			t.Errorf("%s: %d failures:\n%s", name, bad, got)
		}
	}
	if got, bad := record(t, m, []scoring.Case{{Name: "x"}}, Options{}); bad != 1 || !strings.Contains(got, `case "x": as_of: missing`) {
		t.Errorf("a broken case: %d failures:\n%s", bad, got)
	}
	if _, err := load(m, []string{"testdata/none/*.yaml"}); err == nil || !strings.Contains(err.Error(), "testdata/none/*.yaml: no such file") {
		t.Errorf("no file: %v", err)
	}
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(bad, []byte("as_of: 2026-01-01\ncases: [{name: a, want: {tier: X}}]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := load(m, []string{bad}); err == nil || !strings.Contains(err.Error(), `bad.yaml:2:32: case "a": want.tier: unknown tier "X"`) {
		t.Errorf("a broken file: %v", err)
	}
}

func TestTheCasesOfTheGuideHold(t *testing.T) {
	guide, err := os.ReadFile("../../docs/SCORING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(guide), "```yaml\n# cases/inbound.yaml\n")
	file, _, _ := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("the guide shows no cases")
	}
	m := model(t, "scoring.yaml")
	cases, err := scoring.ParseCases("docs/SCORING.md", []byte(file), m)
	if err != nil {
		t.Fatal(err)
	}
	Run(t, m, cases, Options{})
}
