package match

import (
	"testing"

	"github.com/leadloop/leadloop/normalize"
)

func TestKinDecideWhetherGivenNamesAreCompared(t *testing.T) {
	names := []string{"bill", "william", "will", "bob", "rob", "robert", "al", "alan", "albert", "jean paul", "jeanpaul", "jean-paul", "7", "8", "josé", "", "zoë", "liz", "elizabeth", "beth", "kate", "katherine", "catherine"}
	names = append(names, normalize.Nicknames("elizabeth")...)
	c := newColumn(columnSpec{kind: KindGivenName})
	found := 0
	for _, a := range names {
		for _, b := range names {
			x, y := c.intern(a), c.intern(b)
			if want := normalize.SameGivenName(a, b); c.sameGiven(x, y) != want {
				t.Errorf("%q and %q: %v, want %v", a, b, !want, want)
			} else if want && a != b {
				found++
			}
		}
	}
	if found < 20 {
		t.Errorf("%d pairs only", found)
	}
}
