package match

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// twins are people with a birthday, every one of which is there as often as copies say, each time misspelt otherwise, in one source after the other.
func twins(n, copies int, sources ...string) []Record {
	var out []Record
	for i := range n {
		for k := range copies {
			family := fmt.Sprintf("%s%s", someFamily[i%len(someFamily)], someCities[i%len(someCities)])
			r := Record{ID: fmt.Sprintf("%04d-%d", i, k), Values: []string{someGiven[i%len(someGiven)], family[:len(family)-k], fmt.Sprintf("%d-%02d-%02d", 1940+i%60, 1+i%12, 1+i%28), fmt.Sprintf("T%05d", i)}}
			if len(sources) > 0 {
				r.Source = sources[k%len(sources)]
			}
			out = append(out, r)
		}
	}
	return out
}

var twinFields = []Field{{Name: "first", Kind: KindGivenName}, {Name: "last", Kind: KindFamilyName}, {Name: "born", Kind: KindDate}, {Name: "tax", Kind: KindID, Unique: true}}

func clustered(t *testing.T, rows []Record, o Options) *Result {
	t.Helper()
	table, err := NewTable(twinFields)
	if err != nil {
		t.Fatal(err)
	}
	if err := table.AddAll(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	m, err := Learn(t.Context(), table, Options{})
	if err != nil {
		t.Fatal(err)
	}
	res, err := m.Cluster(t.Context(), table, o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestEachSplitSaysWhy(t *testing.T) {
	other := twins(300, 2)
	other[1].Values[3] = "T99999"
	three := twins(300, 3)
	for _, c := range []struct {
		name string
		rows []Record
		o    Options
		a, b string
		why  string
	}{
		{"a tax number differs", other, Options{}, "0000-0", "0000-1", SplitUnique},
		{"somebody said so", twins(300, 2), Options{Decisions: []Decision{{A: "0007-0", B: "0007-1"}}}, "0007-0", "0007-1", SplitHuman},
		{"three rows where two are allowed", three, Options{MaxCluster: 2}, "", "", SplitSize},
		{"two rows of one source for one of another", twins(300, 3, "crm", "form", "form"), Options{Mode: OneToOne}, "", "", SplitSource},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := clustered(t, c.rows, c.o)
			i := slices.IndexFunc(res.Splits, func(s Split) bool { return s.Reason == c.why })
			if i < 0 {
				t.Fatalf("no split for the reason that %s, but %d others", c.why, len(res.Splits))
			}
			if s := res.Splits[i]; c.a != "" && (s.A != c.a || s.B != c.b) || s.Links < 1 || s.Weight < 0 {
				t.Errorf("%+v, want one between %q and %q", s, c.a, c.b)
			}
			if c.a != "" {
				for _, s := range res.Splits[:i] {
					t.Errorf("another split: %+v", s)
				}
			}
		})
	}
}

// One mistaken pair joins no two clusters whose rows do not fit together otherwise.
func TestOneMistakenPairChainsNothing(t *testing.T) {
	const n = 8
	nodes := &nodes{sources: make([]uint16, n), stride: 0, all: n}
	for x := range n + 1 {
		nodes.first, nodes.rows = append(nodes.first, uint32(x)), append(nodes.rows, uint32(x))
	}
	var edges []edge
	for x := range uint32(n) {
		for y := x + 1; y < n; y++ {
			if x/4 == y/4 {
				edges = append(edges, edge{x, y, 9})
			}
		}
	}
	edges = append(edges, edge{3, 4, 5})
	slices.SortFunc(edges, compareEdges)
	l := linker{c: constraints{nodes: nodes, most: 100}}
	l.start([]uint32{0, 1, 2, 3, 4, 5, 6, 7})
	l.run(edges)
	if diff := cmp.Diff([]int32{0, 0, 0, 0, 4, 4, 4, 4}, l.of); diff != "" {
		t.Errorf("clusters:\n%s", diff)
	}
	want := []Split{{A: "3", B: "4", Reason: SplitAverage, Links: 1, Weight: 5}}
	if diff := cmp.Diff(want, l.splits(edges, 0, func(x uint32) string { return fmt.Sprint(x) })); diff != "" {
		t.Errorf("splits:\n%s", diff)
	}
}

func TestEachModeJoinsWhatItAllows(t *testing.T) {
	for _, c := range []struct {
		name    string
		mode    Mode
		largest int
		want    map[string]int // rows of the first person's clusters, by source
	}{
		{"within one source", Dedupe, 3, map[string]int{"crm": 1, "form": 2}},
		{"one of each source", OneToOne, 2, map[string]int{"crm": 1, "form": 1}},
		{"many of the other to one of the first", ManyToOne, 3, map[string]int{"crm": 1, "form": 2}},
		{"across sources, as many as fit", Across, 3, map[string]int{"crm": 1, "form": 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows := twins(300, 3, "crm", "form", "form")
			res := clustered(t, rows, Options{Mode: c.mode})
			got := map[string]int{}
			for i := range rows {
				if res.Rows[i].Cluster == res.Rows[0].Cluster {
					got[rows[i].Source]++
				}
			}
			if res.Largest != c.largest {
				t.Errorf("the largest cluster has %d rows, want %d", res.Largest, c.largest)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("rows of a person:\n%s", diff)
			}
		})
	}
}
