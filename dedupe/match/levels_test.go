package match

import (
	"fmt"
	"testing"
)

// levelOf compares two values of one field, in both orders, and returns what they have in common and how common that is.
func levelOf(t *testing.T, kind Kind, a, b string, weigh func(*column)) (string, float32) {
	t.Helper()
	table, err := NewTable([]Field{{Name: "field", Kind: kind}})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range []string{a, b} {
		if err := table.Add(Record{ID: fmt.Sprint(i), Values: []string{v}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range table.cols {
		if weigh == nil {
			c.weigh(&frequencies{Rows: 2})
		} else {
			weigh(c)
		}
	}
	n := len(table.cols)
	var v, w vector
	table.spec.compareAll(table.cols, table.cells[:n], table.cells[n:], &v)
	table.spec.compareAll(table.cols, table.cells[n:], table.cells[:n], &w)
	if v != w {
		t.Errorf("%q and %q: the other way round it is not the same", a, b)
	}
	return table.spec.comparisons[0].levels[v.level[0]], v.freq[0]
}

func TestWhatTwoValuesOfAKindHaveInCommon(t *testing.T) {
	for _, c := range []struct {
		kind  Kind
		a, b  string
		level string
	}{
		{KindGivenName, "William", "Bill", "nickname or part"},
		{KindGivenName, "William", "W.", "initial"},
		{KindGivenName, "Catherine", "Catherin", "close"},
		{KindGivenName, "José", "Jose", "same"},
		{KindGivenName, "Anna", "Peter", "different"},
		{KindFamilyName, "Müller-Lüdenscheidt", "Müller", "part"},
		{KindFamilyName, "Schmidt", "Schmitt", "close"},
		{KindCompany, "Acme GmbH", "ACME, Inc.", "same"},
		{KindCompany, "Express Logistics Transport", "ELT", "acronym"},
		{KindCompany, "Northwind Traders", "Northwind Trader", "nearly all"},
		{KindCompany, "Acme", "Globex", "different"},
		{KindEmail, "Ana.Berg@acme.com", "ana.berg@acme.com", "same"},
		{KindEmail, "info@acme.com", "ana.berg@acme.com", "same host"},
		{KindDomain, "https://www.acme.com/about", "acme.com", "same"},
		{KindDomain, "acme.com", "acme.de", "same label"},
		{KindPhone, "+49 30 901820", "030/901820", "same"},
		{KindPhone, "+49 30 9018201", "+49 30 9018207", "close"},
		{KindPhone, "+49 30 9018201", "+49 30 9012345", "same exchange"},
		{KindDate, "1998-04-03", "3 April 1998", "same"},
		{KindDate, "1998-04-03", "1998-03-04", "close"},
		{KindDate, "1998-04-03", "1998", "same year, no day"},
		{KindNumber, "1998", "1999", "near"},
		{KindNumber, "14.50", "14.5", "same"},
		{KindAddress, "12 Main St", "12 Main Street", "same"},
		{KindAddress, "12 Main St", "14 Main St", "same street"},
		{KindCity, "München", "Munchen", "same"},
		{KindPostcode, "80331", "80333", "close"},
		{KindPostcode, "SW1A 1AA", "sw1a1aa", "same"},
		{KindCategory, "Germany", "DE", "same"},
		{KindCategory, "Germany", "France", "different"},
		{KindTitle, "Head of Sales", "Sales Head", "three quarters"},
		{KindText, "a red bicycle with a bell", "a red bicycle", "three fifths"},
		{KindID, "DE-12345678", "de12345678", "same"},
		{KindID, "DE12345678", "DE12345679", "one character"},
		{KindID, "DE12345678", "DE87654321", "different"},
	} {
		t.Run(fmt.Sprintf("%s %s %s", c.kind, c.a, c.b), func(t *testing.T) {
			if got, _ := levelOf(t, c.kind, c.a, c.b, nil); got != c.level {
				t.Errorf("%s, want %s", got, c.level)
			}
		})
	}
	for _, kind := range Kinds() {
		if kind == KindIgnore {
			continue
		}
		for _, nothing := range []string{"", "  ", "n/a", "NULL", "-"} {
			if got, freq := levelOf(t, kind, nothing, "12 Main St", nil); got != "missing" || freq != 0 {
				t.Errorf("%s: %q and a value are %s, want missing", kind, nothing, got)
			}
		}
	}
}

func TestARareWordOfACompanyTellsMoreThanACommonOne(t *testing.T) {
	words := func(c *column) {
		c.weigh(&frequencies{Rows: 1000, Words: map[uint64]uint32{hash64(1, "consulting"): 400, hash64(1, "partners"): 300}})
	}
	rare, _ := levelOf(t, KindCompany, "Zylotech Consulting", "Zylotech Partners", words)
	common, _ := levelOf(t, KindCompany, "Zylotech Consulting", "Acme Consulting", words)
	if rare != "most" || common != "different" {
		t.Errorf("with a rare word in common they are %s, with a common one %s", rare, common)
	}
}

func TestOfTwoValuesThatAreAlikeTheCommonerOneCounts(t *testing.T) {
	_, freq := levelOf(t, KindFamilyName, "Schmidt", "Schmiddt", func(c *column) {
		c.weigh(&frequencies{Rows: 1024, Counts: map[uint64]uint32{hash64(0, c.values[1]): 64, hash64(0, c.values[2]): 2}})
	})
	if freq != -4 {
		t.Errorf("log2 of how common it is is %v, want that of 64 in 1,024", freq)
	}
}

func TestWhatIsMissingWeighsNothing(t *testing.T) {
	m := modelOfWorld(t)
	full := someRecords(40)[9]
	for i := range m.Fields() {
		without := Record{Values: append([]string(nil), full.Values...)}
		without.Values[i] = ""
		p, err := m.Compare(full, without)
		if err != nil {
			t.Fatal(err)
		}
		missing := 0
		for _, l := range p.Lines {
			if l.Level == "missing" {
				missing++
				if l.Weight != 0 || l.Frequency != 0 {
					t.Errorf("%s is missing and weighs %+.2f and %+.2f", l.Field, l.Weight, l.Frequency)
				}
			}
		}
		if missing == 0 {
			t.Errorf("%s was left out, but no line says so", m.Fields()[i].Name)
		}
	}
}

// Whoever is of one company has its site and its switchboard: counted one by one they would make colleagues one person.
func TestWhatDependsOnAnotherFieldIsNotCountedTwice(t *testing.T) {
	m := modelOfWorld(t)
	fields := m.Fields()
	line := func(name string, values map[string]string) Line {
		r := Record{Values: make([]string, len(fields))}
		for i, f := range fields {
			r.Values[i] = values[f.Name]
		}
		p, err := m.Compare(r, r)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range p.Lines {
			if l.Field == name {
				return l
			}
		}
		t.Fatalf("no line of %s", name)
		return Line{}
	}
	for _, c := range []struct{ field, value, other, beside string }{
		{"domain", "northwind-traders.com", "company", "Northwind Traders"},
		{"phone", "+1 415 555 2671", "company", "Northwind Traders"},
	} {
		alone := line(c.field, map[string]string{c.field: c.value})
		beside := line(c.field, map[string]string{c.field: c.value, c.other: c.beside})
		if beside.Given == "" || beside.Weight+beside.Frequency > alone.Weight+alone.Frequency-3 {
			t.Errorf("%s weighs %+.2f alone and %+.2f beside the same %s", c.field, alone.Weight+alone.Frequency, beside.Weight+beside.Frequency, c.other)
		}
	}
}
