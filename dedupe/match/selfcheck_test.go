package match

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

func learnt(t *testing.T, fields []Field, rows [][]string, o Options) *Model {
	t.Helper()
	table, err := NewTable(fields)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range rows {
		if err := table.Add(Record{ID: fmt.Sprintf("%05d", i), Values: v}); err != nil {
			t.Fatal(err)
		}
	}
	m, err := Learn(t.Context(), table, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func warns(m *Model, part string) bool {
	return slices.ContainsFunc(m.Report().Warnings, func(w string) bool { return strings.Contains(w, part) })
}

// 600 people, every fourth twice, who were given a batch of thirty when they were written down: never the same one twice.
func TestAColumnInWhichTruePairsAgreeLessThanOthersGetsUsualWeights(t *testing.T) {
	var rows [][]string
	for _, r := range leads("", 600, 5).rows[:600] {
		rows = append(rows, append(slices.Clone(r.Values[:6]), fmt.Sprintf("batch %d", len(rows)%30)))
	}
	for i := range 150 {
		again := slices.Clone(rows[4*i])
		again[4], again[6] = "", fmt.Sprintf("batch %d", (4*i+11)%30)
		rows = append(rows, again)
	}
	fields := []Field{{Name: "first", Kind: KindGivenName}, {Name: "last", Kind: KindFamilyName}, {Name: "title", Kind: KindTitle}, {Name: "email", Kind: KindEmail},
		{Name: "phone", Kind: KindPhone}, {Name: "mobile", Kind: KindPhone}, {Name: "batch", Kind: KindCategory}}
	m := learnt(t, fields, rows, Options{})
	if !warns(m, "batch: true pairs seem to agree less often than others") {
		t.Fatalf("it does not say so: %q", m.Report().Warnings)
	}
	r := Record{Values: []string{"", "", "", "", "", "", "batch 3"}}
	p, err := m.Compare(r, r)
	if err != nil {
		t.Fatal(err)
	}
	if w := p.Lines[len(p.Lines)-1].Weight; w <= 0 {
		t.Errorf("agreement weighs %+.2f", w)
	}
}

func TestTooLittleToGoByIsSaid(t *testing.T) {
	var names, dates, all [][]string
	for i := range 400 {
		names = append(names, []string{fmt.Sprint("Name", i%390, "son"), "x"})
		dates = append(dates, []string{fmt.Sprintf("19%02d-%02d-%02d", i%97, 1+i%12, 1+i%28)})
		all = append(all, []string{"yes", fmt.Sprint("a", i%2), fmt.Sprint("b", i/200), fmt.Sprint("c", i%2)})
	}
	for _, c := range []struct {
		name   string
		fields []Field
		rows   [][]string
		want   string
	}{
		{"two fields", []Field{{Name: "company", Kind: KindCompany}, {Name: "city", Kind: KindCity}}, names, "fewer than three comparisons"},
		{"birthdays alone", []Field{{Name: "born", Kind: KindDate}}, dates, "nothing is joined"},
		{"no row is there twice", Leads(), [][]string{{"Ana", "Berg"}, {"Ben", "Katz"}, {"Eva", "Holm"}}, "fewer than twenty true pairs"},
		{"more fields than are compared", manyFields(20), all, "is not compared: there are more than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if m := learnt(t, c.fields, c.rows, Options{}); !warns(m, c.want) {
				t.Errorf("%q does not say %q", m.Report().Warnings, c.want)
			}
		})
	}
}

func manyFields(n int) []Field {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprint("f", i))
	}
	return Generic(names...)
}

// What somebody said about a few pairs changes what is learnt about all others: here, that one person has two telephones.
func TestDecisionsRefineWhatIsLearnt(t *testing.T) {
	if RaceDetector {
		t.Skip("learns as other tests do, ten times slower")
	}
	d := leads("", 1500, 8)
	phone := slices.IndexFunc(d.fields, func(f Field) bool { return f.Kind == KindPhone })
	table := d.table(t)
	first := map[string]int{}
	var o Options
	for i, e := range d.entity {
		j, ok := first[e]
		if !ok {
			first[e] = i
			continue
		}
		if a, b := d.rows[i].Values[phone], d.rows[j].Values[phone]; a != "" && b != "" && a != b && len(o.Decisions) < 60 {
			o.Decisions = append(o.Decisions, Decision{A: d.rows[i].ID, B: d.rows[j].ID, Same: true})
		}
	}
	differ := func(o Options) float64 {
		m, err := Learn(t.Context(), table, o)
		if err != nil {
			t.Fatal(err)
		}
		a, b := Record{Values: make([]string, phone+1)}, Record{Values: make([]string, phone+1)}
		a.Values[phone], b.Values[phone] = "+49 30 7654321", "+1 415 555 2671"
		p, err := m.Compare(a, b)
		if err != nil {
			t.Fatal(err)
		}
		return p.Weight - p.Prior
	}
	if before, after := differ(Options{}), differ(o); after < before+0.3 {
		t.Errorf("that telephones differ weighs %+.2f without and %+.2f with %d decisions", before, after, len(o.Decisions))
	}
}

// The estimate is compared with the truth: how many of the true pairs that would be taken for one share a key of those that were chosen.
func TestTheEstimatedRecallOfBlockingIsNearTheTruth(t *testing.T) {
	if RaceDetector {
		t.Skip("learns as other tests do, ten times slower")
	}
	for _, d := range []*dataSet{
		leads("leads", 2000, 31), leadColumns(2000, 32, []string{"first_name", "last_name", "company", "city"}, []string{"first_name", "last_name", "company", "city"}, 0.1, nil),
		madeTable("name, address, city, birth", 1500, 3, 0.3),
	} {
		table := d.table(t)
		m, err := Learn(t.Context(), table, Options{})
		if err != nil {
			t.Fatal(err)
		}
		c, err := m.compareAll(t.Context(), table, Options{})
		if err != nil {
			t.Fatal(err)
		}
		truth := c.recall(d.entity)
		t.Logf("%s: recall is %.4f, estimated %.4f", d.name, truth, m.Report().Recall)
		if math.Abs(truth-m.Report().Recall) > 0.03 {
			t.Errorf("%s: recall is %.4f, estimated %.4f", d.name, truth, m.Report().Recall)
		}
	}
}

// recall is the share of the true pairs of rows that share a blocking key or are equal, of those with a weight above 0.
func (c *clusterer) recall(entity []string) float64 {
	nodes := map[string][]uint32{}
	for x := range c.n.len() {
		for _, row := range c.n.rowsOf(uint32(x)) {
			nodes[entity[row]] = append(nodes[entity[row]], uint32(x))
		}
	}
	pairs := c.m.weigher(c.n.cols)
	found, all := 0.0, 0.0
	for _, list := range nodes {
		for i, x := range list {
			for _, y := range list[i+1:] {
				if pairs.weight(c.n.row(x), c.n.row(y)) < 0 {
					continue
				}
				all++
				if x == y || c.blocking.shared(x, y) != 0 {
					found++
				}
			}
		}
	}
	return found / all
}
