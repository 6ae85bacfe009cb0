package match

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

var (
	someGiven  = strings.Fields("Anna Ben Clara David Eva Felix Greta Hugo Ida Jonas Karla Leo Mia Noah Olga Paul Rosa")
	someFamily = strings.Fields("Adler Bauer Conrad Dietz Engel Fischer Graf Huber Imhof Jung Keller Lang Maurer Neumann Otto Pohl Ritter Sauer")
	someTitles = strings.Fields("Manager Director Engineer Analyst")
	someCities = strings.Fields("Berlin Hamburg Bremen Dresden Essen Erfurt Halle Kassel")
)

// madeColumn is a header, and what stands below it in the row of a number.
type madeColumn struct {
	header string
	value  func(r *rand.Rand, i int) string
}

// madeColumns are columns as people make them up to try a program: values of short lists in turn or at random, addresses made of the names, numbered ones.
var madeColumns = map[string]madeColumn{
	"given":           {"first_name", func(_ *rand.Rand, i int) string { return someGiven[i%17] }},
	"family":          {"last_name", func(_ *rand.Rand, i int) string { return someFamily[i%18] }},
	"name":            {"name", func(_ *rand.Rand, i int) string { return someGiven[i%17] + " " + someFamily[i%18] }},
	"numbered mail":   {"email", func(_ *rand.Rand, i int) string { return mailOf(i) + fmt.Sprint(i) + "@example.com" }},
	"mail at work":    {"email", func(_ *rand.Rand, i int) string { return fmt.Sprintf("%s%d@corp%d.com", mailOf(i), i, i%25) }},
	"mail of its own": {"email", func(_ *rand.Rand, i int) string { return fmt.Sprintf("%s@corp%d.com", mailOf(i), i) }},
	"short mail": {"email", func(_ *rand.Rand, i int) string {
		return strings.ToLower(someGiven[i%17][:1] + someFamily[i%18] + fmt.Sprintf("@firm%d.de", i/10))
	}},
	"user":           {"email", func(_ *rand.Rand, i int) string { return fmt.Sprintf("user%d@example.com", i) }},
	"numbered phone": {"phone", func(_ *rand.Rand, i int) string { return fmt.Sprintf("555-01%04d", i) }},
	"employer":       {"company", func(_ *rand.Rand, i int) string { return fmt.Sprintf("Corp %d Inc", i%25) }},
	"own company":    {"company", func(_ *rand.Rand, i int) string { return fmt.Sprintf("Corp %d Inc", i) }},
	"firm of ten":    {"company", func(_ *rand.Rand, i int) string { return fmt.Sprintf("Firm %d GmbH", i/10) }},
	"city":           {"city", func(_ *rand.Rand, i int) string { return someCities[i%8] }},
	"title":          {"title", func(_ *rand.Rand, i int) string { return someTitles[i%4] }},
	"id":             {"customer_no", func(_ *rand.Rand, i int) string { return fmt.Sprintf("C-%06d", i) }},
	"birth": {"date_of_birth", func(r *rand.Rand, _ int) string {
		return fmt.Sprintf("%04d-%02d-%02d", 1950+r.IntN(50), 1+r.IntN(12), 1+r.IntN(28))
	}},
	"address": {"address", func(r *rand.Rand, _ int) string {
		return fmt.Sprintf("%sstraße %d", someFamily[r.IntN(18)], 1+r.IntN(120))
	}},
	"product": {"product", func(r *rand.Rand, _ int) string {
		return fmt.Sprintf("%s %c%c %d", someGiven[r.IntN(17)], 'a'+r.IntN(26), 'a'+r.IntN(26), r.IntN(1000))
	}},
	"price": {"price", func(r *rand.Rand, _ int) string { return fmt.Sprintf("%d.%02d", r.IntN(200), r.IntN(100)) }},
}

func mailOf(i int) string { return strings.ToLower(someGiven[i%17] + "." + someFamily[i%18]) }

// madeTable has n rows that are each somebody else, with columns parted by commas, and carelessly written copies of a share of them.
func madeTable(columns string, n int, seed uint64, copied float64) *dataSet {
	r := rand.New(rand.NewPCG(seed, 0x7ab1e))
	names := strings.Split(columns, ", ")
	var header []string
	for _, name := range names {
		header = append(header, madeColumns[name].header)
	}
	rows := make([][]string, n)
	for i := range rows {
		for _, name := range names {
			rows[i] = append(rows[i], madeColumns[name].value(r, i))
		}
	}
	d := &dataSet{name: columns}
	c := newCorruptor(seed, 0.1, 0.15)
	c.copies(d, header, rows, c.sometimes(copied), -1)
	return d
}

// Tables of few names, with addresses made of them, were joined by name: 3,000 rows of which no two are one made 288 clusters. A wrong digit of a number can be
// the number of another row: then it is that one.
func TestRowsOfManyNamesakesAreNotJoinedByTheirNames(t *testing.T) {
	if testing.Short() || RaceDetector {
		t.Skip("takes a quarter of a minute, and minutes under the race detector")
	}
	for _, c := range []struct {
		columns string
		least   float64 // precision with copies
	}{
		{"given, family", 1}, {"user", 0.9}, {"id", 0.9}, {"birth", 1}, {"own company, city", 0.8},
		{"given, family, numbered mail", 0.8},
		{"given, family, mail at work, employer", 0.9},
		{"given, family, mail of its own", 0.75},
		{"given, family, mail of its own, numbered phone", 0.9},
		{"given, family, short mail, firm of ten", 0.9},
		{"name, mail at work, employer", 0.9},
		{"id, name, numbered mail, numbered phone", 0.9},
		{"given, family, address, city", 0.75},
		{"product, price", 0.9},
	} {
		t.Run(c.columns, func(t *testing.T) {
			for _, copied := range []float64{0, 0.02} {
				d := madeTable(c.columns, 1500, 1, copied)
				if copied == 0 && !slices.ContainsFunc(d.fields, func(f Field) bool { return f.Kind != KindIgnore }) {
					continue // numbers that no two rows share are not compared
				}
				table := d.table(t)
				m, err := Learn(t.Context(), table, Options{})
				if err != nil {
					t.Fatal(err)
				}
				res, err := m.Cluster(t.Context(), table, Options{})
				if err != nil {
					t.Fatal(err)
				}
				p, r, _, _, largest := d.measure(res)
				t.Logf("%.0f %% copied: P %.3f R %.3f, largest %d, %d of %d rows by themselves", 100*copied, p, r, largest, res.Clusters, len(d.rows))
				switch joined := len(d.rows) - res.Clusters; {
				case copied == 0 && joined > 2:
					t.Errorf("no two rows are one, but %d were joined", joined)
				case copied > 0 && joined > 10 && p < c.least:
					t.Errorf("with %.0f %% copied the precision is %.3f, want %.2f at least", 100*copied, p, c.least)
				}
			}
		})
	}
}
