package match

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// corruptor writes values as careless people do, the same for one seed.
type corruptor struct {
	random  *rand.Rand
	missing float64 // share of cells that are left out
	wrong   float64 // and that have a typing error
}

func newCorruptor(seed uint64, missing, wrong float64) *corruptor {
	return &corruptor{rand.New(rand.NewPCG(seed, 0xc0441)), missing, wrong}
}

func (c *corruptor) cell(s string) string {
	switch x := c.random.Float64(); {
	case x < c.missing:
		return ""
	case x < c.missing+c.wrong:
		return c.typo(s)
	}
	return s
}

// typo drops, doubles, changes or exchanges letters.
func (c *corruptor) typo(s string) string {
	r := []rune(s)
	if len(r) < 3 {
		return s
	}
	at := 1 + c.random.IntN(len(r)-2)
	switch c.random.IntN(4) {
	case 0:
		return string(slices.Delete(r, at, at+1))
	case 1:
		return string(slices.Insert(r, at, r[at]))
	case 2:
		r[at] = rune('a' + c.random.IntN(26))
	default:
		r[at], r[at+1] = r[at+1], r[at]
	}
	return string(r)
}

var legalEndings = []string{" Inc.", " Inc", " Corporation", " Corp.", " Company", " Co.", " plc", " Ltd.", " Group", " Holdings", ", Inc.", " AG", " GmbH", " S.A."}

// company drops or exchanges the legal form, or writes all in capitals.
func (c *corruptor) company(s string) string {
	s, _, _ = strings.Cut(s, " (")
	for _, e := range legalEndings {
		if cut, ok := strings.CutSuffix(s, e); ok && c.random.IntN(2) == 0 {
			s = cut
			break
		}
	}
	switch c.random.IntN(6) {
	case 0:
		s += legalEndings[c.random.IntN(4)]
	case 1:
		s = strings.ToUpper(s)
	}
	return c.cell(s)
}

// copies adds to rows what the corruptor makes of them: of each, as many copies as times says.
func (c *corruptor) copies(d *dataSet, header []string, rows [][]string, times func() int, company int) {
	var values [][]string
	for i, row := range rows {
		for n := range 1 + times() {
			v := slices.Clone(row)
			if n > 0 {
				for k := range v {
					if k == company {
						v[k] = c.company(v[k])
					} else {
						v[k] = c.cell(v[k])
					}
				}
			}
			values = append(values, v)
			d.entity = append(d.entity, fmt.Sprint(i))
		}
	}
	order := c.random.Perm(len(values))
	entity := slices.Clone(d.entity)
	for at, from := range order {
		d.rows = append(d.rows, Record{ID: fmt.Sprintf("%06d", at), Values: values[from]})
		d.entity[at] = entity[from]
	}
	d.fields = Guess(header, values)
}

func never() int { return 0 }

func (c *corruptor) sometimes(share float64) func() int {
	return func() int {
		if c.random.Float64() < share {
			return 1 + c.random.IntN(2)
		}
		return 0
	}
}

func sp500(t testing.TB, seed uint64, share float64) *dataSet {
	all := readCSV(t, ',', "companies", "sp500_constituents.csv")
	d := &dataSet{name: fmt.Sprintf("S&P 500, %.0f %% copied", 100*share)}
	c := newCorruptor(seed, 0.15, 0.1)
	var rows [][]string
	for _, r := range all[1:] {
		rows = append(rows, []string{r[1], r[2], r[4], r[7]}) // name, sector, place, year
	}
	c.copies(d, []string{"Security", "GICS Sector", "Headquarters Location", "Founded"}, rows, c.sometimes(share), 0)
	return d
}

func maven(t testing.TB, seed uint64, share float64) *dataSet {
	all := readCSV(t, ',', "maven-crm", "accounts.csv")
	d := &dataSet{name: fmt.Sprintf("CRM accounts, %.0f %% copied", 100*share)}
	c := newCorruptor(seed, 0.1, 0.1)
	c.copies(d, all[0], all[1:], c.sometimes(share), 0)
	return d
}

// wikidata are companies and the other names that they are known by.
func wikidata(t testing.TB, most int) *dataSet {
	f, err := os.Open(filepath.Join(dataFolder(t), "companies", "wikidata_companies.json.gz"))
	if err != nil {
		t.Skipf("the data set is not there: %v", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Entities []struct {
			ID      string   `json:"qid"`
			Name    string   `json:"canonical"`
			Aliases []string `json:"aliases"`
		} `json:"entities"`
	}
	if err := json.NewDecoder(z).Decode(&all); err != nil {
		t.Fatal(err)
	}
	d := &dataSet{name: "Wikidata companies"}
	var values [][]string
	for _, e := range all.Entities[:min(most, len(all.Entities))] {
		for _, name := range append([]string{e.Name}, e.Aliases...) {
			d.rows = append(d.rows, Record{ID: fmt.Sprintf("%06d", len(d.rows)), Values: []string{name}})
			d.entity = append(d.entity, e.ID)
			values = append(values, []string{name})
		}
	}
	d.fields = Guess([]string{"company"}, values)
	return d
}

// leadColumns are generated leads of which only some columns are known, under other headers, with a share of cells missing.
func leadColumns(n int, seed uint64, header []string, columns []string, missing float64, keep func(entity string) bool) *dataSet {
	full := leads("", n, seed)
	d := &dataSet{name: strings.Join(header, " ")}
	c := newCorruptor(seed, missing, 0)
	var values [][]string
	for i, r := range full.rows {
		if keep != nil && !keep(full.entity[i]) {
			continue
		}
		var v []string
		for _, name := range columns {
			v = append(v, c.cell(r.Values[slices.IndexFunc(full.fields, func(f Field) bool { return f.Name == name })]))
		}
		values = append(values, v)
		d.rows = append(d.rows, Record{ID: r.ID, Values: v})
		d.entity = append(d.entity, full.entity[i])
	}
	d.fields = Guess(header, values)
	return d
}

// once keeps one row of each.
func once() func(string) bool {
	seen := map[string]bool{}
	return func(e string) bool { defer func() { seen[e] = true }(); return !seen[e] }
}
