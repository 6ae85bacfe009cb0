package match

// otherMailbox reports whether two mailboxes that are alike were made to tell two people apart.
func otherMailbox(a, b string) bool { return otherNumbers(a, b) || namesakesApart(a, b) }

// namesakesApart reports whether two mailboxes are alike because they are made of names that have something in common, and tell two people apart by the rest:
// "jwilson" and "bwilson", "jeroen.visser" and "jeroen.verman". A wrong letter is seldom the first or the last one, an initial always is.
func namesakesApart(a, b string) bool {
	if len(a) > 3 && len(b) > 3 {
		switch n := len(a); {
		case otherLetters(a[0], b[0]) && !(a[0] == b[1] && a[1] == b[0]) && a[1:] != b && a != b[1:] && edits(a[1:], b[1:], 1) <= 1:
			return true
		case n == len(b) && a[:n-1] == b[:n-1]:
			return otherLetters(a[n-1], b[n-1])
		}
	}
	same, other := 0, 0
	for {
		x, restA := firstWord(a)
		y, restB := firstWord(b)
		switch {
		case x == "" && y == "":
			return same > 0 && other > 0
		case x == "" || y == "":
			return false
		case mayBeOneWord(x, y):
			same++
		default:
			other++
		}
		a, b = restA, restB
	}
}

func otherLetters(x, y byte) bool { return x != y && isLetter(x) && isLetter(y) }

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || c >= 0x80 }

// firstWord returns the first run of letters of a form, and what comes after it.
func firstWord(s string) (word, rest string) {
	from := 0
	for from < len(s) && !isLetter(s[from]) {
		from++
	}
	to := from
	for to < len(s) && isLetter(s[to]) {
		to++
	}
	return s[from:to], s[to:]
}

// mayBeOneWord reports whether two words are one abbreviated or misspelt.
func mayBeOneWord(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return b[:len(a)] == a || len(a) > 2 && edits(a, b, 2) <= 2
}
