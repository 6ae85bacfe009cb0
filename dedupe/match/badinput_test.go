package match_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe/match"
)

func table(t testing.TB, fields []match.Field, rows ...match.Record) *match.Table {
	t.Helper()
	out, err := match.NewTable(fields)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := out.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func cluster(t testing.TB, tab *match.Table, o match.Options) *match.Result {
	t.Helper()
	m, err := match.Learn(context.Background(), tab, o)
	if err != nil {
		t.Fatal(err)
	}
	res, err := m.Cluster(context.Background(), tab, o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// people makes n people; each fifth has a second row with a typing error.
func people(n int) []match.Record {
	first := strings.Fields("james mary robert patricia john jennifer michael linda david elizabeth william barbara richard susan joseph jessica thomas sarah")
	last := strings.Fields("smith johnson williams brown jones garcia miller davis rodriguez martinez hernandez lopez gonzalez wilson anderson thomas taylor")
	var out []match.Record
	random := rand.New(rand.NewPCG(1, uint64(n)))
	for i := range n {
		f, l := first[random.IntN(len(first))], last[random.IntN(len(last))]
		date := fmt.Sprintf("%d-%02d-%02d", 1930+random.IntN(70), 1+random.IntN(12), 1+random.IntN(28))
		phone := fmt.Sprintf("+1 415 %03d %04d", 100+random.IntN(900), random.IntN(10000))
		out = append(out, match.Record{ID: fmt.Sprintf("a%d", i), Values: []string{f, l, date, "", phone, fmt.Sprintf("%d Main Street", i%3000), "Springfield", fmt.Sprintf("%05d", i*7%99999)}})
		if i%5 == 0 {
			out = append(out, match.Record{ID: fmt.Sprintf("b%d", i), Values: []string{f, l + "x", date, "", phone, fmt.Sprintf("%d Main St", i%3000), "Springfield", fmt.Sprintf("%05d", i*7%99999)}})
		}
	}
	return out
}

func TestTooLittleIsAnErrorThatSaysSo(t *testing.T) {
	for _, c := range []struct {
		name string
		rows []match.Record
		want error
	}{
		{"no row", nil, leadloop.ErrInvalid},
		{"one row", people(1)[:1], leadloop.ErrInvalid},
		{"two rows of one id", []match.Record{people(1)[0], people(1)[0]}, leadloop.ErrConflict},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := match.Learn(context.Background(), table(t, match.People(), c.rows...), match.Options{}); !errors.Is(err, c.want) {
				t.Errorf("error is %v, want one that is %v", err, c.want)
			}
		})
	}
}

func TestFieldsThatAreWrongAreAllNamed(t *testing.T) {
	_, err := match.NewTable([]match.Field{{Name: "a", Kind: "nickname"}, {Kind: match.KindText}, {Name: "b", Kind: match.KindText}, {Name: "b", Kind: match.KindText}})
	if !errors.Is(err, leadloop.ErrInvalid) {
		t.Fatalf("error is %v", err)
	}
	for _, want := range []string{`field "a": kind "nickname"`, "field 2 has no name", `field "b" is there twice`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not hold %q", err, want)
		}
	}
}

func TestEqualRowsAreOneClusterIfTheySayEnough(t *testing.T) {
	rows := people(400)
	for i := range 300 {
		r := people(1)[0]
		r.ID = fmt.Sprintf("same%d", i)
		rows = append(rows, r)
	}
	res := cluster(t, table(t, match.People(), rows...), match.Options{MaxCluster: 10_000})
	if res.Largest < 300 {
		t.Errorf("the largest cluster has %d rows, want the 300 equal ones at least", res.Largest)
	}
}

// Nothing in such a table tells one record written down many times from many that are described alike. What it holds does.
func TestRowsThatAreAllEqualAreOneIfTheyNameSomebody(t *testing.T) {
	for _, c := range []struct {
		name     string
		fields   []match.Field
		values   []string
		n        int
		together bool
	}{
		{"people", match.People(), people(1)[0].Values, 5000, true},
		{"leads", match.Leads(), []string{"Ana", "Berg", "ana.berg@acme.com", "+1 415 555 2671", "Acme Inc", "acme.com", "CFO", "Berlin", "DE"}, 5000, true},
		{"two leads", match.Leads(), []string{"Ana", "Berg", "ana.berg@acme.com"}, 2, true},
		{"a company and its shared mailbox", match.Leads(), []string{"", "", "info@acme.com", "", "Acme Inc"}, 50, true},
		{"an address alone", []match.Field{{Name: "email", Kind: match.KindEmail}}, []string{"ana.berg@acme.com"}, 50, true},
		{"a city", match.People(), []string{"", "", "", "", "", "", "Springfield", ""}, 5000, false},
		{"a text", match.Generic("text"), []string{"all of them say this"}, 5000, false},
		{"two texts", match.Generic("text"), []string{"all of them say this"}, 2, false},
		{"a shared mailbox", []match.Field{{Name: "email", Kind: match.KindEmail}}, []string{"info@acme.com"}, 50, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var rows []match.Record
			for i := range c.n {
				rows = append(rows, match.Record{ID: fmt.Sprint(i), Values: c.values})
			}
			tab := table(t, c.fields, rows...)
			m, err := match.Learn(t.Context(), tab, match.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if w := m.Report().Warnings; len(w) != 1 || !strings.Contains(w[0], "all rows are equal") {
				t.Errorf("warnings: %q", w)
			}
			res, err := m.Cluster(t.Context(), tab, match.Options{})
			if err != nil {
				t.Fatal(err)
			}
			want := c.n
			if c.together {
				want = 1
			}
			if res.Clusters != want || len(res.Pairs) > 0 {
				t.Errorf("%d clusters and %d pairs of %d rows", res.Clusters, len(res.Pairs), c.n)
			}
		})
	}
}

// Where a table has one column, nothing confirms what agrees in it. But an address that stands twice in a list is one.
func TestAnAddressThatStandsTwiceInAListIsOne(t *testing.T) {
	for _, n := range []int{9, 90, 9000} {
		random := rand.New(rand.NewPCG(1, uint64(n)))
		var rows []match.Record
		for range n {
			mail := []byte("a.bcdefg@hijkl.com")
			for i, c := range mail[:13] {
				if 'a' <= c && c <= 'z' {
					mail[i] = byte('a' + random.IntN(26))
				}
			}
			rows = append(rows, match.Record{ID: fmt.Sprintf("a%05d", len(rows)), Values: []string{string(mail)}})
		}
		for i := range n / 9 {
			rows = append(rows, match.Record{ID: fmt.Sprintf("b%05d", i), Values: rows[i].Values})
		}
		res := cluster(t, table(t, []match.Field{{Name: "email", Kind: match.KindEmail}}, rows...), match.Options{})
		for i := range n / 9 {
			if res.Rows[n+i].Cluster != res.Rows[i].ID {
				t.Fatalf("row %s of %d is not one with the row of the same address", res.Rows[n+i].ID, len(rows))
			}
		}
		if res.Clusters != n {
			t.Errorf("%d clusters of %d addresses, a ninth of which are there twice", res.Clusters, n)
		}
	}
}

func TestASharedPhoneMakesNoGiantCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("a hundred thousand rows")
	}
	rows := people(84_000)
	for i := range rows {
		rows[i].Values[4] = "+1 415 555 2671"
	}
	res := cluster(t, table(t, match.People(), rows...), match.Options{})
	if res.Largest > 20 {
		t.Errorf("a cluster has %d of %d rows that share one phone number", res.Largest, len(rows))
	}
	if len(res.Pairs) > 20*len(rows) {
		t.Errorf("%d pairs for %d rows", len(res.Pairs), len(rows))
	}
}

func TestAColumnWithOneValueWeighsNothing(t *testing.T) {
	fields := append(match.People(), match.Field{Name: "country", Kind: match.KindCategory})
	rows := people(500)
	for i := range rows {
		rows[i].Values = append(rows[i].Values, "US")
	}
	tab := table(t, fields, rows...)
	m, err := match.Learn(context.Background(), tab, match.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Compare(rows[0], rows[1])
	if err != nil {
		t.Fatal(err)
	}
	last := p.Lines[len(p.Lines)-1]
	if last.Field != "country" || last.Weight+last.Frequency > 0.5 || last.Weight+last.Frequency < -0.5 {
		t.Errorf("the only value of a column weighs %+.2f%+.2f", last.Weight, last.Frequency)
	}
}

func TestHugeAndBrokenCells(t *testing.T) {
	rows := people(200)
	rows[0].Values[5] = strings.Repeat("very long street ", 70_000)
	rows[1].Values[5] = strings.Repeat("x", 1<<20)
	rows[2].Values = rows[2].Values[:2]
	rows[3].Values[0] = "J\xe9r\xf4me \xff\xfe"
	rows[4].Values = nil
	rows[5].Values[2] = "99999999999999999999999"
	rows[6].Values[4] = strings.Repeat("1", 1000)
	res := cluster(t, table(t, match.People(), rows...), match.Options{})
	if len(res.Rows) != len(rows) {
		t.Errorf("%d rows came back of %d", len(res.Rows), len(rows))
	}
	if _, err := match.NewTable(match.People()); err != nil {
		t.Fatal(err)
	}
	err := table(t, match.People()).Add(match.Record{ID: "x", Values: make([]string, 20)})
	if !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("twenty values for eight fields: error is %v", err)
	}
}

func TestRowsThatSayTooLittleStayByThemselves(t *testing.T) {
	rows := people(300)
	for i := range 50 {
		rows = append(rows, match.Record{ID: fmt.Sprintf("city%d", i), Values: []string{"", "", "", "", "", "", "Springfield", ""}})
	}
	res := cluster(t, table(t, match.People(), rows...), match.Options{})
	for _, r := range res.Rows[len(rows)-50:] {
		if r.Cluster != r.ID || !r.Unlinkable {
			t.Fatalf("row %s, of which only the city is known, is in cluster %s (unlinkable %v)", r.ID, r.Cluster, r.Unlinkable)
		}
	}
}
