package match

import "strings"

// renumbered reports whether two unequal forms differ in their digits alone: user7 and user12, unit 3 and unit 4.
func renumbered(a, b string) bool {
	for {
		for len(a) > 0 && isDigit(a[0]) {
			a = a[1:]
		}
		for len(b) > 0 && isDigit(b[0]) {
			b = b[1:]
		}
		if len(a) == 0 || len(b) == 0 || a[0] != b[0] {
			return len(a) == len(b) && len(a) == 0
		}
		a, b = a[1:], b[1:]
	}
}

// otherNumbers reports whether two forms both have digits, and others.
func otherNumbers(a, b string) bool {
	return nextDigit(a) != "" && nextDigit(b) != "" && !sameNumbers(a, b)
}

// sameNumbers reports whether two forms have digits, and the same.
func sameNumbers(a, b string) bool {
	x, y := nextDigit(a), nextDigit(b)
	if x == "" || y == "" {
		return false
	}
	for x != "" && y != "" && x[0] == y[0] {
		x, y = nextDigit(x[1:]), nextDigit(y[1:])
	}
	return x == "" && y == ""
}

// nextDigit is what is left of s from its first digit on.
func nextDigit(s string) string {
	for i := 0; i < len(s); i++ {
		if isDigit(s[i]) {
			return s[i:]
		}
	}
	return ""
}

// nameColumns are where the given and the family name of a row are; both 0 if it has none.
type nameColumns struct{ given, family int }

// say reports whether a mailbox is made of the names of its row and of nothing else but digits: either name, both, one of them by its initial.
func (n *nameColumns) say(cols []*column, row []uint32, mailbox string) bool {
	if n.given == n.family {
		return false
	}
	given, family := cols[n.given].form(row[n.given]), cols[n.family].form(row[n.family])
	switch {
	case given == "" && family == "":
		return false
	case given == "" || family == "":
		return startsOrEnds(mailbox, given+family)
	}
	for _, p := range [...][2]string{{given, family}, {given[:1], family}, {given, family[:1]}} {
		if spells(mailbox, p[0], p[1]) || spells(mailbox, p[1], p[0]) {
			return true
		}
	}
	return spells(mailbox, given, "") || spells(mailbox, family, "")
}

// beyond is how much an id has beyond the letters that it begins with, if one of the names of its row is among them: a page may be called by a nickname, too.
func (n *nameColumns) beyond(cols []*column, row []uint32, id string) int {
	if n.given == n.family {
		return len(id)
	}
	word, rest := firstWord(id)
	for _, col := range [...]int{n.given, n.family} {
		if name := cols[col].form(row[col]); len(name) > 2 && strings.Contains(word, name) {
			return len(rest)
		}
	}
	return len(id)
}

// spells reports whether the letters of s are those of two words.
func spells(s, first, second string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < 'a' && c < 0x80 {
			continue
		}
		for len(first) > 0 && first[0] < 'a' {
			first = first[1:]
		}
		if first == "" {
			first, second = second, ""
			for len(first) > 0 && first[0] < 'a' {
				first = first[1:]
			}
		}
		if first == "" || first[0] != c {
			if c == 'e' && i > 0 && strings.IndexByte("aou", s[i-1]) >= 0 { // a German name without its dots
				continue
			}
			return false
		}
		first = first[1:]
	}
	return first == "" && second == ""
}

// sayOthers reports whether the mailboxes of two rows are each made of the names of its row, or at least of the family name, and these are not the same: then
// they say no more than the names.
func (n *nameColumns) sayOthers(cols []*column, a, b []uint32, boxA, boxB string) bool {
	if a[n.family] != b[n.family] && n.given != n.family {
		family := cols[n.family]
		if startsOrEnds(boxA, family.form(a[n.family])) && startsOrEnds(boxB, family.form(b[n.family])) {
			return true
		}
	}
	return (a[n.given] != b[n.given] || a[n.family] != b[n.family]) && n.say(cols, a, boxA) && n.say(cols, b, boxB)
}

// startsOrEnds reports whether s has a word of three letters and more at an end.
func startsOrEnds(s, word string) bool {
	return len(word) > 2 && (strings.HasPrefix(s, word) || strings.HasSuffix(s, word))
}
