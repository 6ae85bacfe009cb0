package normalize_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop/normalize"
)

func TestFullName(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     normalize.Name
	}{
		{"two words", "Jane Doe", normalize.Name{First: "Jane", Last: "Doe"}},
		{"last name first", "Doe, Jane Q.", normalize.Name{First: "Jane", Middle: "Q.", Last: "Doe"}},
		{"a double last name first", "García Márquez, Gabriel", normalize.Name{First: "Gabriel", Last: "García Márquez"}},
		{"a degree behind a comma", "Jane Doe, PhD", normalize.Name{First: "Jane", Last: "Doe", Suffix: "PhD"}},
		{"honorifics and suffix", "Prof. Dr. Martin King Jr", normalize.Name{First: "Martin", Last: "King", Suffix: "Jr."}},
		{"German honorifics", "Herr Dipl.-Ing. Hans Meier", normalize.Name{First: "Hans", Last: "Meier"}},
		{"an honorific and a last name", "Mr Smith", normalize.Name{Last: "Smith"}},
		{"particles belong to the last name", "Ludwig van Beethoven", normalize.Name{First: "Ludwig", Last: "van Beethoven"}},
		{"several particles", "Ana Maria de la Cruz", normalize.Name{First: "Ana", Middle: "Maria", Last: "de la Cruz"}},
		{"a particle as first name", "Van Morrison", normalize.Name{First: "Van", Last: "Morrison"}},
		{"one word", "Madonna", normalize.Name{First: "Madonna"}},
		{"all capitals", "JANE O'BRIEN-SMITH", normalize.Name{First: "Jane", Last: "O'Brien-Smith"}},
		{"all capitals with particles", "JAN VAN DER BERG", normalize.Name{First: "Jan", Last: "van der Berg"}},
		{"all lower case", "ronald mcdonald", normalize.Name{First: "Ronald", Last: "McDonald"}},
		{"a last name in capitals", "Jean DUPONT", normalize.Name{First: "Jean", Last: "Dupont"}},
		{"mixed casing stays", "bell Hooks DeVries", normalize.Name{First: "Bell", Middle: "Hooks", Last: "DeVries"}},
		{"initials stay", "AJ Smith", normalize.Name{First: "AJ", Last: "Smith"}},
		{"a given name that is a suffix elsewhere", "Junior Silva", normalize.Name{First: "Junior", Last: "Silva"}},
		{"nothing", "", normalize.Name{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, normalize.FullName(tt.in)); diff != "" {
				t.Errorf("FullName (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPersonName(t *testing.T) {
	for _, tt := range []struct {
		name, first, last string
		want              normalize.Name
	}{
		{"two fields", " jane ", "DOE", normalize.Name{First: "Jane", Last: "Doe"}},
		{"two given names stay together", "Mary Ann", "Smith", normalize.Name{First: "Mary Ann", Last: "Smith"}},
		{"honorific and suffix", "Dr. Jane", "Doe III", normalize.Name{First: "Jane", Last: "Doe", Suffix: "III"}},
		{"the whole name in the first field", "Jane van Doe", "", normalize.Name{First: "Jane", Last: "van Doe"}},
		{"the whole name in the last field", "", "Doe, Jane", normalize.Name{First: "Jane", Last: "Doe"}},
		{"the last name twice", "Jane Doe", "Doe", normalize.Name{First: "Jane", Last: "Doe"}},
		{"a last name alone", "", "van der Berg", normalize.Name{Last: "van der Berg"}},
		{"the same word in both fields", "Morgan", "Morgan", normalize.Name{First: "Morgan", Last: "Morgan"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, normalize.PersonName(tt.first, tt.last)); diff != "" {
				t.Errorf("PersonName (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNameKeyIsEqualForSpellingsOfOneName(t *testing.T) {
	for _, group := range [][]string{
		{"sean obrien", "Seán O'Brien", "Dr. O’Brien, Sean", "SEAN OBRIEN Jr."},
		{"jean luc lefevre", "Jean-Luc Lefèvre", "Lefevre, Jean Luc"},
		{"lukasz zolc", "Łukasz Żółć"},
	} {
		for _, s := range group {
			if got := normalize.NameKey(s); got != group[0] {
				t.Errorf("NameKey(%q) = %q, want %q", s, got, group[0])
			}
		}
	}
}

func TestSameGivenName(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"Bill", "William", true},
		{"william", "BILL", true},
		{"Bob", "Rob", true},
		{"José", "Jose", true},
		{"Kate", "Katherine", true},
		{"Alan", "Albert", false},
		{"Jane", "John", false},
		{"", "", false},
		{"Jane", "", false},
	} {
		if got := normalize.SameGivenName(tt.a, tt.b); got != tt.want {
			t.Errorf("SameGivenName(%q, %q) = %v", tt.a, tt.b, got)
		}
		if got := normalize.SameGivenName(tt.b, tt.a); got != tt.want {
			t.Errorf("SameGivenName(%q, %q) = %v: not symmetric", tt.b, tt.a, got)
		}
	}
	names := normalize.Nicknames("William")
	if !slices.Contains(names, "bill") || !slices.IsSorted(names) {
		t.Errorf("Nicknames(William) = %v; want bill among them, sorted", names)
	}
	if got := normalize.Nicknames("Zzyzx"); got != nil {
		t.Errorf("Nicknames of an unknown name = %v, want nil", got)
	}
}
