package match

import "testing"

func TestAddressesAreComparedByWhatTheySayBeyondTheName(t *testing.T) {
	table, err := NewTable([]Field{{Name: "email", Kind: KindEmail}, {Name: "first", Kind: KindGivenName}, {Name: "last", Kind: KindFamilyName}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		a, b  [3]string // address, given and family name
		level string
	}{
		{"one letter is wrong", [3]string{"anna.adler@acme.com", "Anna", "Adler"}, [3]string{"anna.adlr@acme.com", "Anna", "Adler"}, "close"},
		{"numbers tell users apart", [3]string{"user7@acme.com"}, [3]string{"user12@acme.com"}, "another of one host"},
		{"the second of a name has a number", [3]string{"john.smith@acme.com", "John", "Smith"}, [3]string{"john.smith2@acme.com", "John", "Smith"}, "another of one host"},
		{"numbered hosts are others", [3]string{"sunflower@corp1.com"}, [3]string{"sunflower@corp2.com"}, "same mailbox elsewhere"},
		{"two of one name at two companies", [3]string{"anna.adler@acme.com", "Anna", "Adler"}, [3]string{"anna.adler@globex.com", "Anna", "Adler"}, "the name elsewhere"},
		{"initial and family name", [3]string{"aadler@acme.com", "Anna", "Adler"}, [3]string{"aadler@globex.com", "Anna", "Adler"}, "the name elsewhere"},
		{"a name that is misspelt in one row", [3]string{"anna.adler@acme.com", "Anna", "Adlr"}, [3]string{"anna.adler@globex.com", "Anna", "Adler"}, "the name elsewhere"},
		{"a number that both have says more", [3]string{"anna.adler84@acme.com", "Anna", "Adler"}, [3]string{"anna.adler84@globex.com", "Anna", "Adler"}, "same mailbox elsewhere"},
		{"a mailbox that is no name", [3]string{"sunflower@acme.com", "Anna", "Adler"}, [3]string{"sunflower@globex.com", "Anna", "Adler"}, "same mailbox elsewhere"},
		{"without names", [3]string{"anna.adler@acme.com"}, [3]string{"anna.adler@globex.com"}, "same mailbox elsewhere"},
		{"another initial", [3]string{"bwilson@acme.com"}, [3]string{"jwilson@acme.com"}, "another of one host"},
		{"another initial, and a letter", [3]string{"a.schmidt@acme.com"}, [3]string{"m.schmitt@acme.com"}, "another of one host"},
		{"another initial at the end", [3]string{"francescog@acme.com"}, [3]string{"francescor@acme.com"}, "another of one host"},
		{"one name in common, the other not", [3]string{"jeroen.visser@acme.com"}, [3]string{"jeroen.verman@acme.com"}, "another of one host"},
		{"one name in common at two companies", [3]string{"jeroen.visser@acme.com"}, [3]string{"jeroen.verman@globex.com"}, "different"},
		{"a name of which the row has one part", [3]string{"wagner.ursula@acme.com", "Ursula", ""}, [3]string{"wagner.ursula@globex.com", "Ursula", ""}, "the name elsewhere"},
		{"another initial, the second letter of the other", [3]string{"mmaier@acme.com"}, [3]string{"smeier@acme.com"}, "another of one host"},
		{"a letter too many in front", [3]string{"sanna@acme.com"}, [3]string{"anna@acme.com"}, "close"},
		{"a name without its dots", [3]string{"hoeztepe@acme.com", "Hanife", "Öztepe"}, [3]string{"hoeztepe@globex.com", "H.", "Öztepe"}, "the name elsewhere"},
		{"a numbered host that is misspelt is no other's", [3]string{"bdietz@firm149..de", "Ben", "Dietz"}, [3]string{"bdietz@firm119.de", "Ben", "Dietz"}, "the name elsewhere"},
		{"each made of its own names", [3]string{"franco.bruno@acme.com", "Franco", "Bruno"}, [3]string{"francesco.bruno@acme.com", "Francesco", "Bruno"}, "another of one host"},
		{"each made of its own names, with an initial", [3]string{"lisa@acme.com", "Lisa", "Blandwick"}, [3]string{"lisar@acme.com", "Lisa", "Redman"}, "another of one host"},
		{"one made of names that are misspelt", [3]string{"anna.adler@acme.com", "Anna", "Adlr"}, [3]string{"anna.adlerr@acme.com", "Anna", "Adler"}, "close"},
		{"the first letters are exchanged", [3]string{"anna@acme.com"}, [3]string{"naan@acme.com"}, "close"},
		{"an office's mailbox and somebody's", [3]string{"info@acme.com"}, [3]string{"anna@acme.com"}, "same host"},
		{"two of one provider for everybody", [3]string{"anna@gmail.com"}, [3]string{"bruno@gmail.com"}, "different"},
		{"one address at such a provider", [3]string{"anna.84@gmail.com"}, [3]string{"anna.84@gmail.com"}, "same"},
		{"a wrong letter at such a provider", [3]string{"sunflower@gmail.com"}, [3]string{"sunflowr@gmail.com"}, "close"},
		{"initial or whole name at one host", [3]string{"a.adler@acme.com", "Anna", "Adler"}, [3]string{"an.adler@acme.com", "Anna", "Adler"}, "close"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := emailLevels[firstLevel(t, table, c.a, c.b)]; got != c.level {
				t.Errorf("%q and %q: %s, want %s", c.a[0], c.b[0], got, c.level)
			}
		})
	}
}

func TestPagesAreComparedByWhatTheySayBeyondTheName(t *testing.T) {
	table, err := NewTable([]Field{{Name: "page", Kind: KindID}, {Name: "first", Kind: KindGivenName}, {Name: "last", Kind: KindFamilyName}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		a, b  [3]string // page, given and family name
		level string
	}{
		{"one page written in two ways", [3]string{"https://www.linkedin.com/in/jan-smits-1mga/", "Jan", "Smits"}, [3]string{"linkedin.com/in/jan-smits-1mga", "Jan", "Smits"}, "same"},
		{"two of one name", [3]string{"linkedin.com/in/jan-smits-1mga", "Jan", "Smits"}, [3]string{"linkedin.com/in/jan-smits-1m3j", "Jan", "Smits"}, "different"},
		{"two of one name that both are called by a nickname", [3]string{"linkedin.com/in/patricia-miller-2a4x", "Trish", "Miller"}, [3]string{"linkedin.com/in/patricia-miller-2av9", "Trish", "Miller"}, "different"},
		{"of one the name is misspelt", [3]string{"linkedin.com/in/jan-smits-1mga", "Jan", "Smits"}, [3]string{"linkedin.com/in/jan-smits-1m3j", "Jam", "Smist"}, "different"},
		{"much is beyond the name", [3]string{"linkedin.com/in/jan-smits-4b7a12b3", "Jan", "Smits"}, [3]string{"linkedin.com/in/jan-smits-4b7a12b4", "Jan", "Smits"}, "one character"},
		{"a number that is no page", [3]string{"C-004211", "Jan", "Smits"}, [3]string{"C-004217", "Jan", "Smits"}, "one character"},
		{"short pages", [3]string{"linkedin.com/in/jos", "Jo", "Smits"}, [3]string{"linkedin.com/in/job", "Jo", "Smits"}, "different"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := idLevels[firstLevel(t, table, c.a, c.b)]; got != c.level {
				t.Errorf("%q and %q: %s, want %s", c.a[0], c.b[0], got, c.level)
			}
		})
	}
}

// firstLevel compares two rows of three fields, both ways round, and returns the level of the first comparison.
func firstLevel(t *testing.T, table *Table, x, y [3]string) uint8 {
	t.Helper()
	var v, w vector
	a, b := make([]uint32, len(table.cols)), make([]uint32, len(table.cols))
	table.encode(x[:], a)
	table.encode(y[:], b)
	for _, col := range table.cols {
		col.weigh(&frequencies{Rows: 1})
	}
	table.spec.compareAll(table.cols, a, b, &v)
	table.spec.compareAll(table.cols, b, a, &w)
	if v != w {
		t.Error("the other way round it is not the same")
	}
	return v.level[0]
}

func TestNumberedFormsDifferInDigitsAlone(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{{"corp 1", "corp 12", true}, {"user", "user2", true}, {"a1b2", "a3b4", true}, {"a1b", "a1c", false}, {"12", "13", true}, {"ab", "b", false}, {"1a", "a1", true}, {"", "x", false}} {
		if renumbered(c.a, c.b) != c.want || renumbered(c.b, c.a) != c.want {
			t.Errorf("%q and %q: want %v", c.a, c.b, c.want)
		}
	}
}
