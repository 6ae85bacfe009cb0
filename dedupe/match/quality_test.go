package match

import (
	"cmp"
	"compress/gzip"
	"context"
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// dataSet is a set of rows with known answers.
type dataSet struct {
	name   string
	fields []Field
	rows   []Record
	entity []string // by row
	mode   Mode
}

func dataFolder(t testing.TB) string {
	dir := os.Getenv("LEADLOOP_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the data sets are not there (set LEADLOOP_DATA to their folder): %v", err)
	}
	return dir
}

func readCSV(t testing.TB, comma rune, names ...string) [][]string {
	f, err := os.Open(filepath.Join(append([]string{dataFolder(t)}, names...)...))
	if err != nil {
		t.Skipf("the data set is not there: %v", err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(names[len(names)-1], ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	c := csv.NewReader(r)
	c.Comma, c.LazyQuotes, c.FieldsPerRecord, c.TrimLeadingSpace = comma, true, -1, true
	all, err := c.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// addRows adds the rows of a file, without the columns named in drop.
func (d *dataSet) addRows(source string, all [][]string, id string, entity func(row []string) string, drop ...string) {
	var keep []int
	var header []string
	for i, name := range all[0] {
		if !slices.Contains(drop, name) && name != id {
			keep = append(keep, i)
			header = append(header, name)
		}
	}
	for _, row := range all[1:] {
		r := Record{ID: source + row[slices.Index(all[0], id)], Source: source}
		for _, i := range keep {
			r.Values = append(r.Values, row[i])
		}
		d.rows = append(d.rows, r)
		d.entity = append(d.entity, entity(row))
	}
	if d.fields == nil {
		var values [][]string
		for _, r := range d.rows {
			values = append(values, r.Values)
		}
		d.fields = Guess(header, values)
	}
}

func febrlEntity(row []string) string { return strings.Split(row[0], "-")[1] }

func febrl4(t testing.TB, hard bool) *dataSet {
	d := &dataSet{name: "FEBRL 4", mode: OneToOne}
	var drop []string
	if hard {
		d.name = "FEBRL 4 hard"
		drop = []string{"soc_sec_id", "date_of_birth"}
	}
	for i, name := range []string{"dataset4a.csv", "dataset4b.csv"} {
		all := readCSV(t, ',', "febrl", name)
		if hard {
			kept := [][]string{all[0]}
			for _, row := range all[1:] {
				if hash64(uint64(i), febrlEntity(row))%4 != 0 {
					kept = append(kept, row)
				}
			}
			all = kept
		}
		d.addRows(string(rune('a'+i)), all, "rec_id", febrlEntity, drop...)
	}
	return d
}

func febrlN(t testing.TB, n string) *dataSet {
	d := &dataSet{name: "FEBRL " + n}
	d.addRows("", readCSV(t, ',', "febrl", "dataset"+n+".csv"), "rec_id", febrlEntity)
	return d
}

func fake1000(t testing.TB) *dataSet {
	d := &dataSet{name: "fake_1000"}
	d.addRows("", readCSV(t, ',', "fake_1000", "fake_1000.csv"), "unique_id", func(r []string) string { return r[6] }, "cluster")
	return d
}

func historical(t testing.TB) *dataSet {
	d := &dataSet{name: "historical"}
	d.addRows("", readCSV(t, ',', "historical", "historical_even.csv.gz"), "unique_id", func(r []string) string { return r[1] }, "cluster")
	return d
}

func restaurants(t testing.TB, phone bool) *dataSet {
	all := readCSV(t, '|', "restaurants", "restaurantProfiles.csv")
	same := map[string]string{}
	for _, p := range readCSV(t, '|', "restaurants", "duplicates.csv") {
		same[p[1]] = p[0]
	}
	d := &dataSet{name: "restaurants"}
	var drop []string
	if !phone {
		d.name, drop = "restaurants without phone", []string{"phone"}
	}
	d.addRows("", all, "id", func(r []string) string {
		if e := same[r[0]]; e != "" {
			return e
		}
		return r[0]
	}, drop...)
	return d
}

func dblpACM(t testing.TB) *dataSet {
	d := &dataSet{name: "DBLP-ACM", mode: OneToOne}
	partner := map[string]string{}
	for _, p := range readCSV(t, '%', "dblp_acm", "gt.csv")[1:] {
		partner[p[1]] = p[0]
	}
	d.addRows("dblp", readCSV(t, '%', "dblp_acm", "dblp.csv"), "id", func(r []string) string { return "d" + r[0] })
	d.addRows("acm", readCSV(t, '%', "dblp_acm", "acm.csv"), "id", func(r []string) string {
		if e := partner[r[0]]; e != "" {
			return "d" + e
		}
		return "a" + r[0]
	})
	return d
}

func (d *dataSet) table(t testing.TB) *Table {
	table, err := NewTable(d.fields)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range d.rows {
		if err := table.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	return table
}

// truePairs counts the pairs of rows that are one.
func (d *dataSet) truePairs() float64 {
	count := map[string]map[string]int{}
	for i, e := range d.entity {
		if count[e] == nil {
			count[e] = map[string]int{}
		}
		count[e][d.rows[i].Source]++
	}
	pairs := 0.0
	for _, by := range count {
		all, within := 0, 0
		for _, c := range by {
			all += c
			within += c * (c - 1) / 2
		}
		p := all * (all - 1) / 2
		if d.mode != Dedupe {
			p -= within
		}
		pairs += float64(p)
	}
	return pairs
}

func f1(right, found, all float64) (p, r, f float64) {
	if found > 0 {
		p = right / found
	}
	r = right / all
	if p+r > 0 {
		f = 2 * p * r / (p + r)
	}
	return p, r, f
}

// weighed is a pair of nodes with the number of row pairs it stands for, and of those that are true.
type weighed struct {
	weight      float32
	pairs, true float64
}

func (d *dataSet) curve(n *nodes, edges []edge) []weighed {
	entities := func(x uint32) map[string]float64 {
		c := map[string]float64{}
		for _, r := range n.rowsOf(x) {
			c[d.entity[r]]++
		}
		return c
	}
	var out []weighed
	for _, e := range edges {
		a, b := entities(e.x), entities(e.y)
		w := weighed{weight: e.weight, pairs: float64(n.size(e.x) * n.size(e.y))}
		for k, v := range a {
			w.true += v * b[k]
		}
		out = append(out, w)
	}
	if d.mode == Dedupe {
		for x := range n.len() {
			if s := float64(n.size(uint32(x))); s > 1 {
				w := weighed{weight: 50, pairs: s * (s - 1) / 2}
				for _, v := range entities(uint32(x)) {
					w.true += v * (v - 1) / 2
				}
				out = append(out, w)
			}
		}
	}
	slices.SortFunc(out, func(a, b weighed) int { return cmp.Compare(b.weight, a.weight) })
	return out
}

func TestGuessScratch(t *testing.T) {
	for _, d := range []*dataSet{febrl4(t, false), fake1000(t), historical(t), restaurants(t, true), dblpACM(t)} {
		t.Log(d.name, d.fields)
	}
}

func TestScratch(t *testing.T) {
	only := os.Getenv("ONLY")
	for _, d := range []*dataSet{febrl4(t, false), febrl4(t, true), febrlN(t, "3"), fake1000(t), historical(t), restaurants(t, true), restaurants(t, false), dblpACM(t)} {
		if only != "" && !strings.Contains(d.name, only) {
			continue
		}
		ctx := context.Background()
		table := d.table(t)
		m, err := Learn(ctx, table, Options{Mode: d.mode})
		if err != nil {
			t.Fatal(err)
		}
		n, _ := table.nodes(d.mode == Dedupe, nil)
		b, err := chooseKeys(ctx, n, d.mode)
		if err != nil {
			t.Fatal(err)
		}
		edges, err := m.score(ctx, n, b)
		if err != nil {
			t.Fatal(err)
		}
		all := d.truePairs()
		var found, right, best, at float64
		var atZero string
		curve := d.curve(n, edges)
		for _, w := range curve {
			if w.weight < 0 && atZero == "" {
				p, r, f := f1(right, found, all)
				atZero = "P " + ff(p) + " R " + ff(r) + " F " + ff(f)
			}
			found += w.pairs
			right += w.true
			if _, _, f := f1(right, found, all); f > best {
				best, at = f, float64(w.weight)
			}
		}
		t.Logf("%-26s pairs %.0f est %.0f  at 0: %s   best %s at %.1f  blocking recall %.4f edges %d keys %d", d.name, all, m.report.Matches, atZero, ff(best), at, right/all, len(edges), len(b.keys))
		res, err := m.Cluster(ctx, table, Options{Mode: d.mode})
		if err != nil {
			t.Fatal(err)
		}
		number := map[string]int32{}
		cluster := make([]int32, len(res.Rows))
		for i, r := range res.Rows {
			if _, ok := number[r.Cluster]; !ok {
				number[r.Cluster] = int32(len(number))
			}
			cluster[i] = number[r.Cluster]
		}
		cp, cr, cf, b3, largest := d.measure(cluster)
		t.Logf("      clustered P %.4f R %.4f F %.4f  B3 %.4f largest %d %d", cp, cr, cf, b3, largest, res.Largest)
		if os.Getenv("ERRORS") != "" {
			shown := 0
			for i := range d.rows {
				for j := i + 1; j < len(d.rows) && shown < 40; j++ {
					if d.mode != Dedupe && d.rows[i].Source == d.rows[j].Source {
						continue
					}
					if (d.entity[i] == d.entity[j]) != (cluster[i] == cluster[j]) {
						shown++
						p, _ := m.Compare(d.rows[i], d.rows[j])
						t.Logf("truth %v\n%q\n%q\n%s", d.entity[i] == d.entity[j], d.rows[i].Values, d.rows[j].Values, p)
					}
				}
			}
		}
		if os.Getenv("GRID") != "" {
			for _, lo := range []float64{-3, -4, -5} {
				for _, hi := range []float64{8, 12, 20} {
					for _, j := range []float64{-2.5, -2, -1.5, -1} {
						clipLow, clipHigh, joinMean = lo, hi, j
						d.clusters(t, n, edges)
					}
				}
			}
		} else {
			d.clusters(t, n, edges)
		}
		if os.Getenv("SHOW") != "" {
			for k, c := range m.spec.comparisons {
				t.Logf("  %s", c.name)
				for l := 1; l < len(c.levels); l++ {
					t.Logf("     %-24s m %.5f u %.7f w %6.2f ref %.1f", c.levels[l], m.params.m[k][l], m.params.u[k][0][l], m.params.w[k][0][l], m.params.ref[k][l])
				}
				if p := m.params.parent[k]; p >= 0 {
					t.Logf("     depends on %s", m.spec.comparisons[p].name)
					for a := 1; a < len(m.spec.comparisons[p].levels); a++ {
						t.Logf("        %-20s %.2f", m.spec.comparisons[p].levels[a], m.params.w[k][a][1:])
					}
				}
			}
			t.Log("prior", m.params.prior, m.report.Keys)
		}
	}
}

func ff(x float64) string { return strconv.FormatFloat(x, 'f', 4, 64) }

func (d *dataSet) clusters(t testing.TB, n *nodes, edges []edge) {
}

// measure returns the pairwise precision, recall and F1 of clusters, their B3 F1, and the size of the largest.
func (d *dataSet) measure(cluster []int32) (p, r, f, b3 float64, largest int) {
	type cell struct {
		c int32
		e string
	}
	both, byC, byE := map[cell]int{}, map[int32]int{}, map[string]int{}
	for i, c := range cluster {
		both[cell{c, d.entity[i]}]++
		byC[c]++
		byE[d.entity[i]]++
	}
	var tp, fp, tn int
	var bp, br float64
	for k, v := range both {
		tp += v * (v - 1) / 2
		bp += float64(v) * float64(v) / float64(byC[k.c])
		br += float64(v) * float64(v) / float64(byE[k.e])
	}
	for _, v := range byC {
		fp += v * (v - 1) / 2
		largest = max(largest, v)
	}
	for _, v := range byE {
		tn += v * (v - 1) / 2
	}
	p, r, f = f1(float64(tp), float64(fp), float64(tn))
	bp, br = bp/float64(len(cluster)), br/float64(len(cluster))
	return p, r, f, 2 * bp * br / (bp + br), largest
}
