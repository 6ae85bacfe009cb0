package match

import (
	"maps"
	"slices"
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

func TestOutlinesSayTheHighestLevelThatTwoValuesMayHave(t *testing.T) {
	kinds := slices.Sorted(maps.Keys(simpleKinds))
	rapid.Check(t, func(t *rapid.T) {
		a, b := formsOf(t)
		names := []string{"bill", "william", "liz", "elizabeth", "j", "jo", "john", "anna maria", "maria", "müller", "muller", "北京", "acme.com", "acme.de", "a.b"}
		if rapid.Bool().Draw(t, "names") {
			a, b = rapid.SampledFrom(names).Draw(t, "a"), rapid.SampledFrom(names).Draw(t, "b")
		}
		for _, kind := range kinds {
			k := simpleKinds[kind]
			if k.compare.level == nil {
				continue
			}
			c := newColumn(columnSpec{kind: kind, words: k.words})
			x, y := c.intern(strings.Join(strings.Fields(a), " ")), c.intern(strings.Join(strings.Fields(b), " "))
			if x == 0 || y == 0 || x == y {
				continue
			}
			c.weigh(&frequencies{})
			level, _ := k.compare.level(c, x, y)
			if most := k.compare.most(c, x, y); level > most {
				t.Errorf("%s: %q and %q are at level %d, at most %d by their outlines", kind, a, b, level, most)
			}
			if most, other := k.compare.most(c, x, y), k.compare.most(c, y, x); most != other {
				t.Errorf("%s: %q and %q: at most %d, and %d the other way round", kind, a, b, most, other)
			}
		}
	})
}

func TestAGlanceAtAddressesAndIDsSaysWhatReadingSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		boxA, boxB := formsOf(t)
		hosts := rapid.SampledFrom([]string{"acme.com", "acme.co", "acne.com", "example.org", "x.io"})
		hostA, hostB := hosts.Draw(t, "host a"), hosts.Draw(t, "host b")
		if boxA == "" || boxB == "" {
			return
		}
		var cols []*column
		add := func(kind Kind, words bool, x, y string) (uint32, uint32) {
			c := newColumn(columnSpec{kind: kind, words: words})
			cols = append(cols, c)
			a, b := c.intern(x), c.intern(y)
			c.weigh(&frequencies{})
			return a, b
		}
		var a, b [4]uint32
		a[0], b[0] = add(KindText, false, boxA, boxB)
		a[1], b[1] = add(KindDomain, false, hostA, hostB)
		a[2], b[2] = add(KindEmail, false, boxA+"@"+hostA, boxB+"@"+hostB)
		a[3], b[3] = add(KindID, false, boxA, boxB)
		for _, c := range []comparer{compareEmail(0, &nameColumns{})(0), compareIDs(3, &nameColumns{})(1)} {
			var v, read vector
			c.glance(cols, a[:], b[:], &v)
			if a[c.columns[len(c.columns)-1]] == b[c.columns[len(c.columns)-1]] {
				continue
			}
			c.read(cols, a[:], b[:], &read)
			switch k := c.first; {
			case v.level[k] == levelOpen && read.level[k] > v.most[k], v.level[k] != levelOpen && v.level[k] != read.level[k]:
				t.Errorf("%q at %s, %q at %s: level %d, %d and at most %d at a glance", boxA, hostA, boxB, hostB, read.level[k], v.level[k], v.most[k])
			}
		}
	})
}
