package match

import (
	"strings"
	"testing"
)

func TestTheHashOfASolidBeginningIsThatOfTheText(t *testing.T) {
	for _, s := range []string{"a", "anna maria", "acme widgets of the world", "  a", "é b", strings.Repeat("ab ", 40)} {
		for _, n := range []int{4, 8, 40} {
			solid := strings.ReplaceAll(s, " ", "")
			if got, want := hashSolid(n)(2, s), hash64(2, solid[:min(len(solid), n)]); got != want {
				t.Errorf("%q up to %d: %x, want %x", s, n, got, want)
			}
		}
	}
}
