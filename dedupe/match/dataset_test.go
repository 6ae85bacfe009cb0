package match

import (
	"compress/gzip"
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/leadloop/leadloop/dedupe/match/matchtest"
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

// leads is a world of generated B2B leads.
func leads(name string, n int, seed uint64) *dataSet {
	d := &dataSet{name: name}
	columns := matchtest.Columns()
	header := columns[1 : len(columns)-2] // without id and truth
	var values [][]string
	for _, r := range matchtest.New(n, seed).Records() {
		row := r.Row(nil)
		d.rows = append(d.rows, Record{ID: row[0], Values: row[1 : len(row)-2]})
		d.entity = append(d.entity, row[len(row)-2])
		values = append(values, row[1:len(row)-2])
	}
	d.fields = Guess(header, values)
	return d
}
