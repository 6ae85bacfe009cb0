package capture

import (
	"encoding/csv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Rows without quotes take a shorter way, which must not be another one.
func TestRowsWithoutQuotesSplitAsTheStandardLibraryDoes(t *testing.T) {
	for _, raw := range []string{"a,b,c", ",", "a", " a , b ", "a;b,c", "a,,", "\t", "é,ü,☃", "a,\x00"} {
		for _, comma := range []rune{',', ';', '\t'} {
			r := csv.NewReader(strings.NewReader(raw))
			r.Comma, r.FieldsPerRecord = comma, -1
			want, err := r.Read()
			if err != nil {
				t.Fatal(err)
			}
			got, err := split(raw, comma)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%q by %q:\n%s", raw, comma, diff)
			}
		}
	}
}
