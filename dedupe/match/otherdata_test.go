package match

import (
	"fmt"
	"math/rand/v2"
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

// TestQualityOfTablesOfOtherKinds tries tables that no constant was chosen by: small ones, ones without duplicates or with hardly anything else, with
// few columns, with half of the cells missing, lists of companies. What they reach is in docs/MATCHING.md; the floors are a little below.
func TestQualityOfTablesOfOtherKinds(t *testing.T) {
	if testing.Short() || RaceDetector {
		t.Skip("takes a minute, and ten under the race detector")
	}
	all := []string{"first_name", "last_name", "email", "phone", "company", "title", "city", "country"}
	mostly := func() *dataSet {
		c := newCorruptor(5, 0.2, 0.1)
		var rows [][]string
		for _, r := range leadColumns(300, 16, all, all, 0, once()).rows {
			rows = append(rows, r.Values)
		}
		d := &dataSet{}
		c.copies(d, all, rows, func() int { return 5 + c.random.IntN(9) }, 4)
		return d
	}
	for _, c := range []struct {
		name          string
		set           *dataSet
		f1, precision float64
		merged        int // rows that may be in a cluster with another, where none should be; 0 if some should
	}{
		{"100 leads", leadColumns(100, 11, all, all, 0, nil), 0.94, 0.92, 0},
		{"300 leads", leadColumns(300, 11, all, all, 0, nil), 0.95, 0.94, 0},
		{"1,000 leads without a duplicate", leadColumns(1000, 12, all, all, 0, once()), 0, 0, 4},
		{"100 leads without a duplicate", leadColumns(100, 12, all, all, 0, once()), 0, 0, 2},
		{"leads, nine in ten of them copies", mostly(), 0.97, 0.97, 0},
		{"leads with half of the cells missing", leadColumns(5000, 14, all, all, 0.5, nil), 0.40, 0.88, 0},
		{"leads with a name and a company only", leadColumns(3000, 15, []string{"first", "last", "company"}, []string{"first_name", "last_name", "company"}, 0, nil), 0.91, 0.95, 0},
		{"leads with a name and an address only", leadColumns(3000, 15, all[:3], all[:3], 0, nil), 0.88, 0.95, 0},
		{"leads with French headers", leadColumns(3000, 13, []string{"Prénom", "Nom", "Courriel", "Téléphone", "Société", "Fonction", "Ville", "Pays"}, all, 0, nil), 0.955, 0.97, 0},
		{"companies of the S&P 500, a third copied", sp500(t, 1, 0.3), 0.945, 0.96, 0},
		{"companies of the S&P 500, nearly all copied", sp500(t, 1, 0.95), 0.92, 0.94, 0},
		{"companies of the S&P 500 as they are", sp500(t, 1, 0), 0, 0, 8}, // with two kinds of shares of Alphabet, Fox and News Corp
		{"accounts of a CRM, half copied", maven(t, 1, 0.5), 0.97, 0.97, 0},
		{"accounts of a CRM as they are", maven(t, 1, 0), 0, 0, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := c.set.quality(t)
			t.Logf("%d rows: P %.4f R %.4f F1 %.4f B3 %.4f largest %d; best threshold %+.0f bits: F1 %.4f; auto: P %.4f of %.2f of true pairs; calibration %.3f",
				len(c.set.rows), q.p, q.r, q.f1, q.b3, q.largest, q.bestAt, q.best, q.autoPrecision, q.autoShare, q.calibration)
			if c.merged > 0 {
				if q.b3 < 1-float64(c.merged)/2/float64(len(c.set.rows)) {
					t.Errorf("B3 is %.4f: more than %d of %d rows are in a cluster with another", q.b3, c.merged, len(c.set.rows))
				}
				return
			}
			if q.f1 < c.f1 || q.p < c.precision {
				t.Errorf("F1 %.4f and precision %.4f, want %.4f and %.4f at least", q.f1, q.p, c.f1, c.precision)
			}
		})
	}
}
