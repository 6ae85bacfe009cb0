package dedupe

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// nameLikeness is how well two company names agree, from the worst.
type nameLikeness int

const (
	companyDiffers nameLikeness = iota
	companyPart                 // one begins with the other (Chevron, ChevronTexaco) or is its initials (ELT, Express Logistics Transport)
	companyClose                // misspelt, abbreviated, or the same but for words such as "group"
	companyEqual                // equal keys, see normalize.Company
)

// fillers tell no two companies apart.
var fillers = map[string]bool{
	"group": true, "grp": true, "gruppe": true, "groupe": true, "grupo": true, "gruppo": true, "holding": true, "holdings": true, "hldgs": true, "company": true,
	"the": true, "and": true, "of": true, "de": true, "for": true, "und": true, "et": true, "y": true, "e": true, "di": true, "corp": true, "co": true,
}

// shortForms are abbreviations that are no beginning of the word.
var shortForms = map[string]string{
	"intl": "international", "natl": "national", "mfg": "manufacturing", "mgmt": "management", "bros": "brothers", "svcs": "services", "svc": "service",
	"dept": "department", "bldg": "building", "mktg": "marketing", "hlth": "health", "amer": "american", "bk": "bank", "ctr": "center", "centre": "center",
	"tech": "technologies", "technology": "technologies",
}

// spelledUmlauts joins the two ways to write a German name without its dots.
var spelledUmlauts = strings.NewReplacer("ae", "a", "oe", "o", "ue", "u")

// tellingWords are the words of a company key that tell it apart, in one spelling; all of them if none does.
func tellingWords(key string) []string {
	all := strings.Fields(spelledUmlauts.Replace(key))
	for i, w := range all {
		if long, ok := shortForms[w]; ok {
			all[i] = long
		}
	}
	if telling := slices.DeleteFunc(slices.Clone(all), func(w string) bool { return fillers[w] }); len(telling) > 0 {
		return telling
	}
	return all
}

// compareCompanies compares two company keys. It is symmetric.
func compareCompanies(a, b string) nameLikeness {
	if a == "" || b == "" {
		return companyDiffers
	}
	if a == b {
		return companyEqual
	}
	x, y := tellingWords(a), tellingWords(b)
	switch {
	case closeWords(x, y), closeJoined(strings.Join(x, ""), strings.Join(y, "")):
		return companyClose
	case beginsWith(x, y), beginsWith(y, x), isInitialsOf(a, b), isInitialsOf(b, a):
		return companyPart
	}
	return companyDiffers
}

// closeWords holds if each word of one is the other's, misspelt or abbreviated, and at least half of them are the same.
func closeWords(x, y []string) bool {
	if len(x) != len(y) {
		return false
	}
	same := 0
	for i := range x {
		switch {
		case x[i] == y[i]:
			same++
		case !abbreviates(x[i], y[i]) && !abbreviates(y[i], x[i]) && !misspelt(x[i], y[i]):
			return false
		}
	}
	return 2*same >= len(x) || len(x) == 1 && misspelt(x[0], y[0])
}

// abbreviates holds for a beginning of three letters or more ("fin" of "financial").
func abbreviates(short, long string) bool {
	return len(short) >= 3 && len(long) > len(short)+1 && strings.HasPrefix(long, short)
}

// closeJoined finds a name that is split otherwise ("Home Sense", "HomeSense").
func closeJoined(a, b string) bool { return a == b || misspelt(a, b) }

// misspelt holds for one edit in words of five letters or more, and for two from ten on. Digits are no misspelling: Studio 54 is not Studio 55.
func misspelt(a, b string) bool {
	n := min(utf8.RuneCountInString(a), utf8.RuneCountInString(b))
	if n < 5 || strings.ContainsAny(a, "0123456789") && strings.ContainsAny(b, "0123456789") {
		return false
	}
	most := 1
	if n >= 10 {
		most = 2
	}
	return edits(a, b, most) <= most
}

// edits counts insertions, deletions, substitutions and swaps of neighbours (optimal string alignment) as long as they are at most most; more
// than that is most+1.
func edits(a, b string, most int) int {
	x, y := []rune(a), []rune(b)
	if d := len(x) - len(y); d > most || -d > most {
		return most + 1
	}
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		best := row[0]
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			best = min(best, row[j])
		}
		if best > most {
			return most + 1
		}
		before, last, row = last, row, before
	}
	return min(last[len(y)], most+1)
}

// beginsWith holds if the words of short, five letters at least, begin long: whole words, or one word that goes on.
func beginsWith(long, short []string) bool {
	s := strings.Join(short, "")
	if len(s) < 5 {
		return false
	}
	if len(long) > len(short) {
		return slices.Equal(long[:len(short)], short)
	}
	return len(short) == 1 && len(long) == 1 && len(long[0]) > len(s)+2 && strings.HasPrefix(long[0], s)
}

// isInitialsOf holds if short is one word of three to six letters, each the first of a word of long (all words, or those that tell).
func isInitialsOf(short, long string) bool {
	return isShortWord(short) && (short == initials(strings.Fields(long)) || short == initials(tellingWords(long)))
}

func isShortWord(key string) bool {
	return len(key) >= 3 && len(key) <= 6 && !strings.Contains(key, " ")
}

func initials(words []string) string {
	b := make([]byte, 0, len(words))
	for _, w := range words {
		b = append(b, w[0])
	}
	return string(b)
}

// companyBlocks are keys of which two names that are close or part of each other have one in common, but for those with mistakes in two places.
func companyBlocks(key string) []string {
	words := tellingWords(key)
	if len(words) == 0 {
		return nil
	}
	joined := strings.Join(words, "")
	blocks := []string{"b:" + start(joined, 5)}
	if len(words) > 1 {
		blocks = append(blocks, "w:"+start(words[0], 1)+start(words[1], 3))
	} else if runes := []rune(joined); len(runes) > 6 {
		blocks = append(blocks, "e:"+string(runes[0])+string(runes[len(runes)-4:]))
	}
	if isShortWord(key) {
		blocks = append(blocks, "i:"+key)
	}
	for _, list := range [][]string{strings.Fields(key), words} {
		if s := initials(list); isShortWord(s) {
			blocks = append(blocks, "i:"+s)
		}
	}
	slices.Sort(blocks)
	return slices.Compact(blocks)
}

// start returns the first n letters of s.
func start(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
