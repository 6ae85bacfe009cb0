package match

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// form draws a form and another one that is often near.
func formsOf(t *rapid.T) (a, b string) {
	any := rapid.StringMatching(`[abcde.]{0,70}|[a-z ]{0,12}|[0-9]{5,14}|[ab]{1,5}`)
	a = any.Draw(t, "a")
	switch rapid.IntRange(0, 2).Draw(t, "how") {
	case 0:
		return a, any.Draw(t, "b")
	case 1:
		return a, a[min(len(a), 1):] + a[:min(len(a), 1)]
	}
	for range rapid.IntRange(0, 3).Draw(t, "edits") {
		at := rapid.IntRange(0, len(a)).Draw(t, "at")
		switch rapid.IntRange(0, 2).Draw(t, "edit") {
		case 0:
			b = a[:at] + "x" + a[at:]
		case 1:
			b = a[:at] + a[min(at+1, len(a)):]
		case 2:
			next := min(at+1, len(a))
			b = a[:at] + a[next:min(next+1, len(a))] + a[at:next] + a[min(next+1, len(a)):]
		}
		a, b = b, a
	}
	return b, a
}

func TestOutlinesRuleOutOnlyWhatIsNotSo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := formsOf(t)
		o, p := outlineOf(a), outlineOf(b)
		for limit := 1; limit <= 2; limit++ {
			if edits(a, b, limit) <= limit && !o.edited(&p, limit) {
				t.Errorf("%q and %q are %d edits apart", a, b, edits(a, b, limit))
			}
		}
		if (edits(a, b, 1) <= 1 || strings.HasSuffix(a, b) && len(b) >= 4 || strings.HasSuffix(b, a) && len(a) >= 4) && !o.typo(&p) {
			t.Errorf("%q and %q are as good as the same", a, b)
		}
		for _, least := range []float64{0.71, 0.8, 0.88, 0.93, 0.95, 1} {
			if jaroWinkler(a, b) >= least && !o.alike(&p, similarityFrom(least)) {
				t.Errorf("the similarity of %q and %q is %v", a, b, jaroWinkler(a, b))
			}
		}
	})
}

func TestWordMarksRuleOutOnlyWordsThatAreNotAlike(t *testing.T) {
	c := newColumn(columnSpec{words: true})
	rapid.Check(t, func(t *rapid.T) {
		a, b := formsOf(t)
		x, y := c.intern(strings.Join(strings.Fields(a), " ")), c.intern(strings.Join(strings.Fields(b), " "))
		c.weigh(&frequencies{})
		similarity, contained := wordOverlapOf(c, x, y)
		if (similarity > 0 || contained > 0) && c.unlikeWords(x, y) {
			t.Errorf("%q and %q are alike by %v", c.values[x], c.values[y], similarity)
		}
	})
}
