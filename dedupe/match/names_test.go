package match

import (
	"math"
	"testing"
)

// Two records that differ in the order of the names alone used to weigh far more than two that agree: up to 25 bits.
func TestExchangedNamesDoNotWeighMoreThanTheSameNamesAsTheyStand(t *testing.T) {
	if RaceDetector {
		t.Skip("learns as other tests do, ten times slower")
	}
	d := leads("leads", 2_000, 9)
	m, err := Learn(t.Context(), d.table(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	given, family := -1, -1
	for i, f := range d.fields {
		switch f.Kind {
		case KindGivenName:
			given = i
		case KindFamilyName:
			family = i
		}
	}
	exchanged := 0
	for _, r := range d.rows[:500] {
		if r.Values[given] == "" || r.Values[family] == "" {
			continue
		}
		with := func(first, last string) Record {
			values := make([]string, len(d.fields))
			values[given], values[family] = first, last
			return Record{Values: values}
		}
		a := with(r.Values[given], r.Values[family])
		plain, err := m.Compare(a, a)
		if err != nil {
			t.Fatal(err)
		}
		crossed, err := m.Compare(a, with(r.Values[family], r.Values[given]))
		if err != nil {
			t.Fatal(err)
		}
		if crossed.Lines[0].Level == "transposed" {
			exchanged++
		}
		if crossed.Weight > plain.Weight || math.IsNaN(crossed.Weight) {
			t.Errorf("exchanged names weigh %+.2f, the same names %+.2f", crossed.Weight, plain.Weight)
		}
	}
	if exchanged < 300 {
		t.Errorf("%d of 500 pairs were seen to be exchanged", exchanged)
	}
}

func TestNamesAreFoundWhereTheyDoNotBelong(t *testing.T) {
	s, err := newSpec([]Field{{Name: "first", Kind: KindGivenName}, {Name: "last", Kind: KindFamilyName}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name          string
		a, b          [2]string
		given, family string
	}{
		{"as they stand", [2]string{"Anna", "Weber"}, [2]string{"Anna", "Weber"}, "same", "same"},
		{"exchanged", [2]string{"Anna", "Weber"}, [2]string{"Weber", "Anna"}, "transposed", "missing"},
		{"exchanged, with a typing error", [2]string{"Anna", "Weber"}, [2]string{"Webber", "Anna"}, "transposed", "missing"},
		{"exchanged, with a nickname", [2]string{"William", "Miller"}, [2]string{"Miller", "Bill"}, "transposed", "missing"},
		{"exchanged, but the given name is another", [2]string{"Anna", "Weber"}, [2]string{"Weber", "Petra"}, "different", "different"},
		{"only one of them, elsewhere", [2]string{"Weber", ""}, [2]string{"", "Weber"}, "same", "missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := newTable(s)
			for i, v := range [][2]string{c.a, c.b} {
				if err := table.Add(Record{ID: string(rune('a' + i)), Values: v[:]}); err != nil {
					t.Fatal(err)
				}
			}
			for _, col := range table.cols {
				col.weigh(&frequencies{Rows: 2})
			}
			n := len(table.cols)
			for _, rows := range [][2][]uint32{{table.cells[:n], table.cells[n:]}, {table.cells[n:], table.cells[:n]}} {
				var v vector
				s.compareAll(table.cols, rows[0], rows[1], &v)
				if g, f := s.comparisons[0].levels[v.level[0]], s.comparisons[1].levels[v.level[1]]; g != c.given || f != c.family {
					t.Errorf("given name is %s, family name %s; want %s and %s", g, f, c.given, c.family)
				}
			}
		})
	}
}
