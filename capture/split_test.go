package capture

import (
	"encoding/csv"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Rows in one line take a shorter way, which must not be another one.
func TestRowsInOneLineSplitAsTheStandardLibraryDoes(t *testing.T) {
	rows := []string{"a,b,c", ",", "a", " a , b ", "a;b,c", "a,,", "\t", "é,ü,☃", "a,\x00", `"a,b",c`, `"a""b"`, `""`, `"",`, `a"b`, `"a"b`, `"a`, `"""`, `"a;b";`}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50_000 {
		b := make([]byte, rng.IntN(12))
		for i := range b {
			b[i] = "\"\"\",,;ab "[rng.IntN(9)]
		}
		rows = append(rows, string(b))
	}
	short := 0
	for _, raw := range rows {
		for _, comma := range []rune{',', ';', '\t'} {
			got, ok := splitLine(raw, comma)
			if !ok {
				continue
			}
			short++
			r := csv.NewReader(strings.NewReader(raw))
			r.Comma, r.FieldsPerRecord = comma, -1
			want, err := r.Read()
			if err != nil {
				t.Fatalf("%q by %q: %v", raw, comma, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%q by %q:\n%s", raw, comma, diff)
			}
		}
	}
	if short < len(rows)/2 {
		t.Errorf("only %d of %d rows take the shorter way", short, 3*len(rows))
	}
}
