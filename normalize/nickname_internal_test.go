package normalize

import (
	"slices"
	"strings"
	"testing"
)

// What the doc comment of FormalNames says of SameGivenName, for all names of the table and those that are near them.
func TestNamesAreTheSameIfTheirFormalNamesMeet(t *testing.T) {
	var names []string
	for line := range strings.SplitSeq(strings.TrimSpace(string(nicknameTable)), "\n") {
		name, _, _ := strings.Cut(line, "\t")
		names = append(names, name)
	}
	if len(names) < 2000 {
		t.Fatalf("%d names", len(names))
	}
	meet := func(a, b string) bool {
		for _, x := range append(FormalNames(a), a) {
			if slices.Contains(append(FormalNames(b), b), x) {
				return true
			}
		}
		return false
	}
	same := 0
	for i, a := range names {
		for _, b := range append(Nicknames(a), names[(i*7+1)%len(names)], names[(i+1)%len(names)]) {
			got := SameGivenName(a, b)
			if got != meet(a, b) {
				t.Errorf("%q and %q are the same: %v, by their formal names: %v", a, b, got, !got)
			}
			if got {
				same++
			}
		}
	}
	if same < len(names) {
		t.Errorf("%d pairs are the same", same)
	}
}
