package learn

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/scoring"
)

// data reads a public data set, or skips.
func data(t testing.TB, name string, comma rune) Rows {
	t.Helper()
	dir := os.Getenv("LEADLOOP_DATA")
	if dir == "" {
		t.Skip("LEADLOOP_DATA does not say where the public data sets are")
	}
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	in := csv.NewReader(r)
	in.Comma = comma
	all, err := in.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return Rows{all[0], all[1:]}
}

// maker draws tables; the same seed gives the same one.
type maker uint64

func (m *maker) n(n int) int {
	*m = *m*6364136223846793005 + 1442695040888963407
	return int(uint64(*m) >> 33 % uint64(n))
}

func (m *maker) uniform() float64 { return (float64(m.n(1<<30)) + .5) / (1 << 30) }

// sales is a table in which size, source and visits tell how leads end, and the
// rest tells nothing.
func sales(seed uint64, rows int) Rows {
	m := maker(seed)
	r := Rows{Header: []string{"id", "arrived", "employees", "source", "visits", "coin", "note", "won"}}
	begin := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range rows {
		employees, visits := int(math.Exp(1+8*m.uniform())), m.n(12)
		source := []string{"web", "partner", "list", "fair"}[m.n(4)]
		e := -3 + .35*math.Log(float64(employees)) + .25*float64(visits)
		e += map[string]float64{"web": 0, "partner": 1.2, "list": -1, "fair": .3}[source]
		size := fmt.Sprint(employees)
		if m.n(10) == 0 {
			size, e = "", e-.5
		}
		won := "no"
		if m.uniform() < 1/(1+math.Exp(-e+1.5)) {
			won = "yes"
		}
		r.Cells = append(r.Cells, []string{fmt.Sprintf("L%05d", i), begin.Add(time.Duration(i) * 2 * time.Hour).Format(time.DateOnly), size, source, fmt.Sprint(visits),
			[]string{"heads", "tails"}[m.n(2)], fmt.Sprintf("called them on day %d of the week %d", m.n(7), i), won})
	}
	return r
}

// failer is a test, or a check of rapid.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func compile(t failer, r *Result) *scoring.Model {
	t.Helper()
	d, err := scoring.Parse("scoring.yaml", r.YAML())
	if err != nil {
		t.Fatalf("%v\n%s", err, r.YAML())
	}
	opts := cmp.Options{
		cmpopts.IgnoreTypes(leadloop.Position{}),
		cmpopts.EquateEmpty(),
	}
	if diff := cmp.Diff(r.Definition, d, opts); diff != "" {
		t.Fatalf("the file says something else than the definition (-definition +file):\n%s", diff)
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

// profiles are rows as the model reads them.
func profiles(t failer, m *scoring.Model, d scoring.Definition, rows Rows, said map[string]string) []*leadloop.Profile {
	t.Helper()
	fields, err := Match(rows.Header, d, said)
	if err != nil {
		t.Fatal(err)
	}
	commas, err := DecimalCommas(context.Background(), rows)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]*leadloop.Profile, len(rows.Cells))
	for i, row := range rows.Cells {
		p := m.Schema().NewProfile()
		for c, f := range fields {
			if f == "" {
				continue
			}
			def, ok := m.Schema().Lookup(f)
			if !ok {
				t.Fatalf("no field %s", f)
			}
			if v, _ := Value(row[c], def.Kind, commas[c]); v.Presence() != leadloop.Absent {
				if err := p.SetValue(f, v); err != nil {
					t.Fatal(err)
				}
			}
		}
		out[i] = p
	}
	return out
}

// knows tells whether anything that the model reads is known.
func knows(m *scoring.Model, p *leadloop.Profile) bool {
	return slices.ContainsFunc(m.Inputs(), func(f string) bool { return p.Value(f).Presence() == leadloop.Present })
}

// reproduces checks that the file gives every row the points that were learnt.
func reproduces(t failer, r *Result, rows Rows) {
	t.Helper()
	m := compile(t, r)
	in := profiles(t, m, r.Definition, rows, nil)
	from, err := r.counts.places(rows.Header)
	if err != nil {
		t.Fatal(err)
	}
	rd := r.counts.reader(rows.Header, from)
	for i, row := range rows.Cells {
		if _, err := rd.read(row, i); err != nil && !errors.Is(err, errUndated) {
			t.Fatal(err)
		}
		v, err := m.Verdict(context.Background(), scoring.Input{Profile: in[i], AsOf: time.Unix(1e9, 0)})
		if err != nil {
			t.Fatal(err)
		}
		if !knows(m, in[i]) {
			if v.Known {
				t.Fatalf("row %d says nothing and has a score", i)
			}
			continue
		}
		want := r.card.of(rd.key[:len(from)])
		if v.Points != want || !v.Known {
			t.Fatalf("row %d (%q): the file gives %v, learnt were %v", i, row, v.Points, want)
		}
		tier := ""
		for k := len(r.card.tiers) - 1; k >= 0; k-- {
			if v.Points.Float() >= r.card.tiers[k].from || k == len(r.card.tiers)-1 {
				tier = r.card.tiers[k].name
			}
		}
		p, ok := m.Probability(v.Points)
		if v.Tier != tier || !ok || math.Abs(p-r.card.probability(v.Points.Float())) > 1e-12 {
			t.Fatalf("row %d: tier %s, expected %s; probability %v, expected %v", i, v.Tier, tier, p, r.card.probability(v.Points.Float()))
		}
	}
}

func TestABanksCallsAreLearntAsWellAsAsked(t *testing.T) {
	if testing.Short() || raceDetector {
		t.Skip("40,000 rows, three times")
	}
	rows := data(t, "bank-marketing/bank-additional-full.csv.gz", ';')
	for _, c := range []struct {
		name    string
		o       Options
		auc     float64
		logLoss float64
	}{
		{"by row number", Options{Outcome: "y", Exclude: []string{"duration"}}, .800, .276},
		{"in order of time", Options{Outcome: "y", Exclude: []string{"duration"}, InOrder: true}, .75, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := Learn(context.Background(), rows, c.o)
			if err != nil {
				t.Fatal(err)
			}
			h := r.Report.Held
			t.Logf("AUC %.4f (%.4f to %.4f), log-loss %.4f, Brier %.4f", h.AUC.Value, h.AUC.Low, h.AUC.High, *h.LogLoss, *h.Brier)
			if h.AUC.Value < c.auc {
				t.Errorf("AUC %.4f, asked for %v", h.AUC.Value, c.auc)
			}
			if c.logLoss > 0 && *h.LogLoss > c.logLoss {
				t.Errorf("log-loss %.4f, asked for %v", *h.LogLoss, c.logLoss)
			}
			reproduces(t, r, Rows{rows.Header, rows.Cells[:2000]})
		})
	}
	t.Run("with the length of the call, which is known only afterwards", func(t *testing.T) {
		r, err := Learn(context.Background(), rows, Options{Outcome: "y"})
		if err != nil {
			t.Fatal(err)
		}
		for _, col := range r.Report.Table.Columns {
			if col.Leaks != (col.Column == "duration") || col.Leaks && col.Used {
				t.Errorf("%+v", col)
			}
		}
	})
}

func TestNothingPredictsWhichDealsAreWonInTheMavenSet(t *testing.T) {
	rows := data(t, "maven-crm/sales_pipeline.csv", ',')
	o := Options{Outcome: "deal_stage", ID: "opportunity_id", Time: "engage_date"}
	_, err := Learn(context.Background(), rows, o)
	var refused *RefusedError
	if !errors.As(err, &refused) || !strings.HasPrefix(refused.Text, "nothing here predicts how leads end") {
		t.Fatalf("%v", err)
	}
	for _, leak := range []string{"close_value (it knows the outcome", "close_date (it is filled only after the end"} {
		if !strings.Contains(refused.Text, leak) {
			t.Errorf("%q is not in %q", leak, refused.Text)
		}
	}
}

func TestTheFileGivesThePointsThatWereLearnt(t *testing.T) {
	rows := sales(1, 3000)
	r, err := Learn(context.Background(), rows, Options{Outcome: "won", ID: "id", Time: "arrived"})
	if err != nil {
		t.Fatal(err)
	}
	if r.Report.Held.AUC.Value < .7 {
		t.Errorf("AUC %v", r.Report.Held.AUC)
	}
	var scored []string
	for _, c := range r.Report.Table.Columns {
		if c.Scored {
			scored = append(scored, c.Column)
		}
	}
	if diff := cmp.Diff([]string{"employees", "source", "visits"}, scored); diff != "" {
		t.Errorf("other columns are scored (-want +got):\n%s", diff)
	}
	// Also rows as there was none: new values, values beyond all, nothing.
	strange := Rows{Header: rows.Header, Cells: append(rows.Cells, []string{"x", "2030-01-01", "-5", "tv", "1e9", "", "", "yes"},
		[]string{"y", "", "", "", "", "", "", ""}, []string{"z", "?", "many", `"q"`, "3.7", "\\", "it's", "no"})}
	reproduces(t, r, strange)
}

func TestAnyTableGivesAFileThatScoresAsLearnt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := maker(rapid.Uint64().Draw(t, "seed"))
		levels := rapid.SliceOfNDistinct(rapid.StringMatching(`[ -~äß☃'"\\#:]{1,12}`), 2, 8, func(s string) string { return strings.TrimSpace(s) }).Draw(t, "levels")
		heads := rapid.SliceOfNDistinct(rapid.StringMatching(`[A-Za-z][A-Za-z_. -]{0,10}`), 3, 3, Slug).Draw(t, "columns")
		rows := Rows{Header: append([]string{"outcome!"}, heads...)}
		for range 300 {
			level, x, y := m.n(len(levels)), m.n(40), m.uniform()
			won := "0"
			if m.uniform() < (.1 + .6*float64(level)/float64(len(levels)) + .2*math.Abs(float64(x)-20)/20) {
				won = "1"
			}
			cells := []string{won, levels[level], fmt.Sprint(x - 7), fmt.Sprintf("%.3f", y*y)}
			if m.n(8) == 0 {
				cells[1+m.n(3)] = ""
			}
			rows.Cells = append(rows.Cells, cells)
		}
		r, err := Learn(context.Background(), rows, Options{Outcome: "outcome!", Include: heads, MinMonths: -1})
		var refused *RefusedError
		var input *InputError
		if errors.As(err, &refused) || errors.As(err, &input) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		reproduces(t, r, rows)
	})
}

func TestTheSameTableGivesTheSameBytesInWhateverOrder(t *testing.T) {
	rows := sales(2, 1500)
	o := Options{Outcome: "won", ID: "id"}
	first, err := Learn(context.Background(), rows, o)
	if err != nil {
		t.Fatal(err)
	}
	m := maker(9)
	shuffled := Rows{Header: rows.Header, Cells: append([][]string{}, rows.Cells...)}
	for i := range shuffled.Cells {
		j := i + m.n(len(shuffled.Cells)-i)
		shuffled.Cells[i], shuffled.Cells[j] = shuffled.Cells[j], shuffled.Cells[i]
	}
	second, err := Learn(context.Background(), shuffled, o)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.YAML(), second.YAML()) {
		t.Error(cmp.Diff(string(first.YAML()), string(second.YAML())))
	}
	if diff := cmp.Diff(first.Report, second.Report); diff != "" {
		t.Error(diff)
	}
}

func TestAModelTakesNameTiersAndGroupsOfAnother(t *testing.T) {
	like, err := scoring.Parse("scoring.yaml", []byte(`
model: inbound
version: 7
rules: [{id: a, group: fit, when: "has(lead.email)", points: 1}]
groups: {fit: {max: 100}, intent: {}}
tiers: {A: 70, B: 50, C: 0, hysteresis: 3}
`))
	if err != nil {
		t.Fatal(err)
	}
	rows := sales(3, 3000)
	r, err := Learn(context.Background(), rows, Options{Outcome: "won", ID: "id", Like: &like})
	if err != nil {
		t.Fatal(err)
	}
	d := r.Definition
	if d.Model != "inbound" || d.Version != 8 || d.Hysteresis != 3 || len(d.Groups) != 2 {
		t.Errorf("%s version %d, hysteresis %v, %d groups", d.Model, d.Version, d.Hysteresis, len(d.Groups))
	}
	tiers := r.Report.Learnt.Tiers
	if tiers[0].From != 70 || tiers[1].From != 50 || math.Abs(tiers[0].Share-.1) > .03 || math.Abs(tiers[0].Share+tiers[1].Share-.3) > .05 {
		t.Errorf("%+v", tiers)
	}
	reproduces(t, r, rows)
}

func TestPairsAreTakenOnlyIfTheyPay(t *testing.T) {
	m := maker(5)
	rows := Rows{Header: []string{"a", "b", "c", "won"}}
	for range 6000 {
		a, b, c := m.n(2), m.n(2), m.n(4)
		p := .15 + .1*float64(c)/4
		if a == b {
			p += .4 // neither tells anything alone
		}
		if a == 1 {
			p += .1
		}
		if b == 1 {
			p += .05
		}
		won := "no"
		if m.uniform() < p {
			won = "yes"
		}
		rows.Cells = append(rows.Cells, []string{"ab"[a : a+1], "xy"[b : b+1], fmt.Sprint(c), won})
	}
	r, err := Learn(context.Background(), rows, Options{Outcome: "won"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a × b"}, r.Report.Pairs); diff != "" {
		t.Error(diff)
	}
	reproduces(t, r, rows)
	if r, err = Learn(context.Background(), sales(1, 3000), Options{Outcome: "won"}); err != nil || len(r.Report.Pairs) > 0 {
		t.Errorf("effects that add up were paired: %v, %v", r.Report.Pairs, err)
	}
}
