package scoring

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
)

func members(s *sumset) []leadloop.Points {
	var out []leadloop.Points
	s.each(func(v leadloop.Points) { out = append(out, v) })
	return out
}

func sorted(set map[leadloop.Points]bool) []leadloop.Points { return slices.Sorted(maps.Keys(set)) }

func TestSumsetsAreSetsOfSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := leadloop.Points(rapid.IntRange(1, 500).Draw(t, "unit"))
		draw := func(name string) (sumset, map[leadloop.Points]bool) {
			var points []leadloop.Points
			set := map[leadloop.Points]bool{}
			base := leadloop.Points(rapid.IntRange(-1000, 1000).Draw(t, name))
			for range rapid.IntRange(1, 6).Draw(t, name) {
				p := (base + leadloop.Points(rapid.IntRange(-80, 80).Draw(t, name))) * unit
				points, set[p] = append(points, p), true
			}
			out, ok := sumsOf(points, unit)
			if !ok {
				t.Fatal("too wide")
			}
			return out, set
		}
		a, inA := draw("a")
		b, inB := draw("b")
		either, plus := maps.Clone(inA), map[leadloop.Points]bool{}
		for p := range inB {
			either[p] = true
			for q := range inA {
				plus[p+q] = true
			}
		}
		check := func(what string, want map[leadloop.Points]bool, got sumset, ok bool) {
			t.Helper()
			if !ok {
				t.Fatalf("%s is too wide", what)
			}
			list := members(&got)
			if diff := cmp.Diff(sorted(want), list); diff != "" {
				t.Fatalf("%s (-want +got):\n%s", what, diff)
			}
			if got.lo != list[0] || got.hi != list[len(list)-1] {
				t.Fatalf("%s lies between %s and %s", what, got.lo, got.hi)
			}
			if got.single() {
				return
			}
			v := got.lo + leadloop.Points(rapid.Int64Range(0, int64(got.hi-got.lo)).Draw(t, "v"))
			at, found := slices.BinarySearch(list, v)
			below := at - 1
			if found {
				below = at
			}
			if got.above(v) != list[at] || got.below(v) != list[below] {
				t.Fatalf("%s: around %s are %s and %s, want %s and %s", what, v, got.below(v), got.above(v), list[below], list[at])
			}
		}
		check("a", inA, a, true)
		work := maxWork
		sum, ok := a.plus(&b, &work)
		check("the sums", plus, sum, ok)
		one, ok := a.either(&b)
		check("the union", either, one, ok)
		check("a afterwards", inA, a, true)
		check("b afterwards", inB, b, true)
	})
}

func TestASumsetThatIsTooWideIsRefused(t *testing.T) {
	wide := []leadloop.Points{0, maxSums}
	if _, ok := sumsOf(wide, 1); ok {
		t.Error("taken")
	}
	if s, ok := sumsOf(wide, maxSums); !ok || len(members(&s)) != 2 {
		t.Error("two members with a unit of their own are refused")
	}
}
