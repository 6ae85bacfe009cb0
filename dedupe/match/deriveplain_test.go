package match

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/leadloop/leadloop/dedupe/match/matchtest"
)

// What has a short way comes to the value that the long way gives.
func TestPlainValuesAreThoseOfAllValues(t *testing.T) {
	check := func(t interface{ Errorf(string, ...any) }, kind Kind, raw string) {
		got, ok := plainly[kind]([]byte("x"), raw)
		if !ok {
			return
		}
		var want [3]string
		longWay(kind)(raw, want[:])
		if string(got) != "x"+want[0] {
			t.Errorf("%s %q is %q the short way, %q the long way", kind, raw, got[1:], want[0])
		}
	}
	for _, r := range matchtest.New(3000, 5).Records() {
		for _, raw := range []string{r.FirstName, r.LastName, r.Phone, r.Company, r.Title, r.City, r.Country, r.Mobile, r.LinkedIn} {
			for kind := range plainly {
				check(t, kind, raw)
			}
		}
	}
	words := []string{"Acme", "the", "The", "&", "Co.", "Inc", "n/a", "NA", "null", "test", "US", "united states", "xxx", "123456", "000", "+49", "(0)30", "90 18 20", "ext. 7", "linkedin.com/in/", "https://www.",
		"jane-doe", "/", "o'brien", "o`brien", "  ", "@", "info", "7", "-", "."}
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		for range rapid.IntRange(0, 5).Draw(t, "words") {
			b.WriteString(rapid.OneOf(rapid.SampledFrom(words), rapid.StringMatching(`[ -~]{0,9}`), rapid.StringMatching(`.{0,4}`)).Draw(t, "word"))
			b.WriteString(rapid.SampledFrom([]string{" ", "", "", ", "}).Draw(t, "sign"))
		}
		for kind := range plainly {
			check(t, kind, b.String())
		}
	})
}

// longWay is the derivation of a kind for any value; of phones there is one way only.
func longWay(kind Kind) func(string, []string) {
	if kind == KindGivenName || kind == KindFamilyName {
		return deriveName
	}
	return simpleKinds[kind].derive
}

func TestALookupAllocatesItsAnswerAndOnePieceForItsValues(t *testing.T) {
	x := newIndex(t, modelOfWorld(t), Options{})
	var records []Record
	for _, r := range matchtest.New(2000, 9).Records() {
		records = append(records, recordOfWorld(r))
	}
	for _, r := range records[:1500] {
		if err := x.Upsert(r); err != nil {
			t.Fatal(err)
		}
	}
	look := func() {
		for _, r := range records[1500:] {
			if _, err := x.Lookup(t.Context(), r, 5); err != nil {
				t.Fatal(err)
			}
		}
	}
	look() // what is not ASCII is remembered from now on
	if n := testing.AllocsPerRun(3, look) / 500; n > 2 {
		t.Errorf("%.2f allocations a look-up", n)
	}
}

// Addresses in capitals are derived in lower case, in memory that all values of a record share.
func TestAnAddressInCapitalsIsTheSameInSmallLetters(t *testing.T) {
	check := func(t interface{ Errorf(string, ...any) }, raw string) {
		small, ok := appendLower([]byte("x"), raw)
		if !ok {
			return
		}
		var got, want [3]string
		deriveEmail(string(small[1:]), got[:])
		deriveEmail(raw, want[:])
		if got != want {
			t.Errorf("%q is %q in small letters, %q as it is", raw, got, want)
		}
	}
	for _, r := range matchtest.New(1000, 6).Records() {
		check(t, strings.ToUpper(r.Email))
		check(t, r.Email)
	}
	parts := []string{"Ana", "J.Weiss", "INFO", "N/A", "null", "a+B", "@", "@ACME.com", "@Acme.CO.UK", "@GMail.com", " ", "<", ">", "MAILTO:", "(at)", "\"", ".", "test"}
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		for range rapid.IntRange(0, 5).Draw(t, "parts") {
			b.WriteString(rapid.OneOf(rapid.SampledFrom(parts), rapid.StringMatching(`[ -~]{0,6}`)).Draw(t, "part"))
		}
		check(t, b.String())
	})
}

func TestAValueIsRememberedBesideAnotherOfItsPlace(t *testing.T) {
	memo := make(remembered, 2)
	values := []*memoized{{raw: "Ödön"}, {raw: "Zoë"}, {raw: "Åsa"}}
	memo.put(values[0])
	memo.put(values[1])
	for _, v := range values[:2] {
		if got := memo.get(v.raw); got != v {
			t.Errorf("%q is %v", v.raw, got)
		}
	}
	memo.put(values[2])
	if got := memo.get(values[2].raw); got != values[2] {
		t.Errorf("what came last is %v", got)
	}
	if got := memo.get("Jürgen"); got != nil {
		t.Errorf("what never came is %v", got)
	}
}
