// Package suggest finds what was probably meant.
package suggest

import (
	"fmt"
	"slices"
	"strings"
)

// Closest returns the candidate nearest to got by edit distance (adjacent
// transpositions count once), if it is near enough to be a likely slip: one
// edit for every three characters, letter case aside. Ties go to the
// alphabetically first.
func Closest(got string, candidates []string) (string, bool) {
	best, bestDist := "", (len(got)+1)/3+1
	sorted := slices.Sorted(slices.Values(candidates))
	low := strings.ToLower(got)
	for _, c := range sorted {
		if d := distance(low, strings.ToLower(c)); d < bestDist {
			best, bestDist = c, d
		}
	}
	return best, best != ""
}

// DidYouMean returns a hint such as `did you mean "company.employees"?`, or "".
func DidYouMean(got string, candidates []string) string {
	if c, ok := Closest(got, candidates); ok {
		return fmt.Sprintf("did you mean %q?", c)
	}
	return ""
}

// distance is the optimal string alignment distance over bytes.
func distance(a, b string) int {
	prev2, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}
