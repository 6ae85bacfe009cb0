package normalize

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Names in ASCII have a way of their own to their key, which must be the key that the way of all names comes to.
func TestTheKeyOfAPlainNameIsThatOfAnyName(t *testing.T) {
	words := []string{"Acme", "acme", "THE", "the", "&", "+", "and", "Co.", "KG", "GmbH", "Inc.", "Ltd", "S. A.", "S.A.", "A/S", "PT", "pt", "AB", "ab", "OOO", "de CV", "R&D", "O'Brien's", "(UK)", "a.b.c.",
		".", "...", "-", "7", "24/7", "n/a", "Limited", "L.L.C.", "x.y", "Sons,", `"Best"`, "'", "Aktiebolag", "Co.,", "[x]", ";", "sp.z.o.o.", "\t", "  "}
	letters := rapid.StringMatching(`[ -~]{0,14}`)
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		for range rapid.IntRange(0, 7).Draw(t, "words") {
			if rapid.IntRange(0, 4).Draw(t, "any") == 0 {
				b.WriteString(letters.Draw(t, "letters"))
			} else {
				b.WriteString(rapid.SampledFrom(words).Draw(t, "word"))
			}
			b.WriteString(rapid.SampledFrom([]string{" ", " ", " ", "", ", ", "-"}).Draw(t, "sign"))
		}
		name, _ := companyName(Text(b.String()))
		want := settle(name, companyKeyOnce)
		if got := Company(b.String()).Key; got != want {
			t.Errorf("the key of %q is %q, not %q", b.String(), got, want)
		}
		if IsPlaceholder(b.String()) || IsPlaceholder(want) {
			want = ""
		}
		if got := string(AppendCompanyKey([]byte("x"), b.String())); got != "x"+want {
			t.Errorf("the key of %q is %q, not %q", b.String(), got[1:], want)
		}
	})
}

// What is short and ASCII is judged without a copy, as what is not is.
func TestWhatIsPlainIsJudgedLikeAnythingElse(t *testing.T) {
	any := rapid.StringMatching(`[ -~]{0,20}|(null|N/A|none|test|xxx|info|sales|123|000|1-1|\+49 000| |@|\.|-){0,4}`)
	rapid.Check(t, func(t *rapid.T) {
		s := any.Draw(t, "value")
		long := s + strings.Repeat(" ", plainBytes) // is read the other way, and means the same
		if got, want := IsNull(s), IsNull(long); got != want {
			t.Errorf("IsNull(%q) is %v, not %v", s, got, want)
		}
		if strings.Contains(s, "@") {
			return
		}
		key := letterKey(s)
		want := IsNull(s) || fillerWords[key] || isRepeated(key, 3) || isPhoneShaped(Text(s)) && isPlaceholderNumber(digitsOf(s))
		if got := IsPlaceholder(s); got != want {
			t.Errorf("IsPlaceholder(%q) is %v, not %v", s, got, want)
		}
	})
}
