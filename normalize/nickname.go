package normalize

import (
	_ "embed"
	"slices"
	"strings"
)

//go:embed data/nicknames.txt
var nicknameTable table

// Nicknames returns the other given names that stand for the same one, folded and sorted: the nicknames of first ("bill" for "William") and the
// names that first is a nickname of. English names; nil if none is known. The slice is the caller's.
func Nicknames(first string) []string {
	short, formal := relatedNames(Fold(first))
	all := namesIn(namesIn(nil, short), formal)
	slices.Sort(all)
	return slices.Compact(all)
}

// FormalNames returns the given names that first is a nickname of ("beth" and "elizabeth" for "Betty"), folded and sorted. Two names are
// [SameGivenName] if one is among the other and its formal names, or a formal name of both is. English names; nil if none is known. The slice is the
// caller's.
func FormalNames(first string) []string {
	_, formal := relatedNames(Fold(first))
	all := namesIn(nil, formal)
	slices.Sort(all)
	return all
}

// namesIn appends the names of a list.
func namesIn(names []string, list string) []string {
	for list != "" {
		var name string
		name, list, _ = strings.Cut(list, ",")
		names = append(names, name)
	}
	return names
}

// SameGivenName reports whether a and b may be one person's given name: equal but for accents, case and punctuation, one a nickname of the other
// ("Bill", "William"), or both nicknames of a third ("Bob", "Rob"). It is evidence, not proof, and not transitive: "Al" fits both Alan and Albert,
// who do not fit each other. It is symmetric, and false if either is empty.
func SameGivenName(a, b string) bool {
	a, b = Fold(a), Fold(b)
	if letterKey(a) == letterKey(b) {
		return letterKey(a) != ""
	}
	shortA, formalA := relatedNames(a)
	if hasName(shortA, b) || hasName(formalA, b) {
		return true
	}
	_, formalB := relatedNames(b)
	for formalA != "" {
		var name string
		if name, formalA, _ = strings.Cut(formalA, ","); hasName(formalB, name) {
			return true
		}
	}
	return false
}

// relatedNames returns the nicknames of a folded name, and the names it is a nickname of, as lists with commas.
func relatedNames(folded string) (short, formal string) {
	row, _ := nicknameTable.lookup(folded)
	short, formal, _ = strings.Cut(row, "|")
	return short, formal
}

func hasName(list, name string) bool {
	for list != "" {
		var n string
		if n, list, _ = strings.Cut(list, ","); n == name {
			return true
		}
	}
	return false
}
