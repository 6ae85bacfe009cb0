package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop/benchmarks"
)

// quick is a run that measures nothing worth reading.
var quick = []string{"-models", "10,40", "-rounds", "2", "-leads", "20", "-slice", "100us"}

func TestARunReportsEveryEngineAndVersion(t *testing.T) {
	var out, log bytes.Buffer
	if err := run(append([]string{"-json"}, quick...), &out, &log); err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if log.Len() > 0 {
		t.Errorf("progress where no terminal is: %q", log.String())
	}
	got := map[string]int{}
	for _, s := range r.Speed {
		for _, row := range s.Rows {
			got[row.Engine]++
			if row.MinNS <= 0 || row.MedianNS < row.MinNS || row.Ours == nil || (row.HandTuned == nil) != s.Sparse {
				t.Errorf("%d rules: %+v", s.Rules, row)
			}
		}
	}
	want := map[string]int{
		"hand-tuned": 2, "hand-plain": 1, "leadloop-rules": 4, "leadloop-needs": 4, "leadloop-verdict": 4, "leadloop-score": 4, "leadloop-explain": 4,
		"cel-maps": 4, "cel-guarded": 4, "cel-best": 2, "expr": 2, "expr-functions": 2,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows by engine (-want +got):\n%s", diff)
	}
	if len(r.Compile) != 2 || len(r.Compile[0].Rows) != 10 {
		t.Errorf("compilations: %+v", r.Compile)
	}
	if len(r.Modules) != 2 || len(r.Engines) != len(want) {
		t.Errorf("modules %v, engines %v", r.Modules, r.Engines)
	}
}

func TestTheTablesAreMarkdown(t *testing.T) {
	var out, log bytes.Buffer
	if err := run(quick, &out, &log); err != nil {
		t.Fatal(err)
	}
	columns := 0
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, "|") {
			columns = 0
			continue
		}
		n := strings.Count(line, "|")
		if columns == 0 {
			columns = n
		}
		if n != columns {
			t.Errorf("a row has %d columns, its table %d: %s", n-1, columns-1, line)
		}
	}
	for _, want := range []string{"\n10 rules\n", "\n40 rules, a quarter of the fields absent\n", "\nCompiling"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
}

func TestEnginesCanBeChosen(t *testing.T) {
	for _, names := range []string{"hand-tuned", "leadloop-rules,expr", "cel-maps,cel-best"} {
		var out, log bytes.Buffer
		if err := run(append([]string{"-engines", names}, quick...), &out, &log); err != nil {
			t.Fatal(err)
		}
		for _, e := range benchmarks.Engines() {
			want := slices.Contains(strings.Split(names, ","), e.Name)
			if got := strings.Contains(out.String(), "| "+e.Name+" "); got != want {
				t.Errorf("-engines %s: %s is there: %t", names, e.Name, got)
			}
		}
	}
}

func TestWrongFlagsAreRefused(t *testing.T) {
	for _, args := range [][]string{{"-models", "11"}, {"-models", "forty"}, {"-rounds", "0"}, {"-leads", "0"}, {"-slice", "0s"}, {"-engines", "perl"}, {"more"}, {"-what"}} {
		var out, log bytes.Buffer
		if err := run(args, &out, &log); err == nil {
			t.Errorf("%v is accepted", args)
		}
	}
}

func TestQuantilesInterpolate(t *testing.T) {
	list := []float64{4, 1, 3, 2}
	got := []float64{quantile(list, 0), quantile(list, 0.25), median(list), quantile(list, 1), median([]float64{7})}
	if diff := cmp.Diff([]float64{1, 1.75, 2.5, 4, 7}, got); diff != "" {
		t.Error(diff)
	}
}

func TestNumbersAreShort(t *testing.T) {
	var got []string
	for _, f := range []float64{0.014, 9.5, 91.44, 123.4, 1234567.8, 999} {
		got = append(got, short(f))
	}
	if diff := cmp.Diff([]string{"0.01", "9.50", "91.4", "123", "1 234 568", "999"}, got); diff != "" {
		t.Error(diff)
	}
}
