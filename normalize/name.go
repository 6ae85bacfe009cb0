package normalize

import (
	"strings"
	"unicode"
)

// Name is a person's name taken apart. The zero value is no name.
type Name struct {
	First  string
	Middle string
	Last   string // with its particles: "van der Berg"
	Suffix string // "Jr.", "III", "PhD"
}

// String returns the parts that are there, in reading order: "Ludwig van Beethoven Jr.".
func (n Name) String() string {
	return strings.Join(strings.Fields(n.First+" "+n.Middle+" "+n.Last+" "+n.Suffix), " ")
}

// PersonName cleans a name that came in two fields. Honorifics ("Dr.", "Frau") are dropped, a suffix is moved into its own part, the whole name
// in the first field, or as "Doe, Jane" in the last, with the other empty is read as by [FullName], and a last name repeated behind the first
// is dropped. Two words in the last field alone are a last name ("Garcia Lopez"). Middle names in the first field stay there: "Mary Ann"
// cannot be told from first and middle.
//
// Casing is repaired where it carries nothing, that is in a part of the name all in capitals or all in lower case ("JANE O'BRIEN-SMITH" gives
// "Jane O'Brien-Smith"); a first name of up to three capitals beside a normal last name is taken for initials and stays
// ("AJ Smith").
func PersonName(first, last string) Name {
	n := personNameOnce(first, last)
	for range 8 {
		again := personNameOnce(n.First, n.Last)
		if again.First == n.First && again.Last == n.Last {
			break
		}
		n.First, n.Last = again.First, again.Last // the repaired last name changed what the first one's capitals say
	}
	return n
}

func personNameOnce(first, last string) Name {
	first, last = cutText(Text(first)), cutText(Text(last))
	if letterKey(last) == "" {
		return FullName(first)
	}
	if letterKey(first) == "" && strings.Contains(last, ",") {
		return FullName(last)
	}
	f := dropHonorifics(nameTokens(first))
	l, suffix := cutSuffix(dropHonorifics(nameTokens(last)))
	for len(l) > 0 && len(f) > len(l) && sameTokens(f[len(f)-len(l):], l) {
		f = f[:len(f)-len(l)]
	}
	caps := isAllCaps(first + last)
	return Name{First: repairCase(f, caps), Last: repairCase(l, true), Suffix: suffix}
}

// FullName takes apart a name written as one: "Jane Q. Doe", "Doe, Jane Q.", "Dr. Jane van der Berg Jr.". A comma before a suffix or degree is not
// taken for the "Last, First" order. A last name starts at its first particle ("de la Cruz"), else it is the last word; what stands between is
// Middle. A single word is First, or Last behind an honorific ("Mr Smith"). Casing as in [PersonName]. The String of the result reads back to
// the same String. Of text beyond 1,200 bytes only the beginning is read.
func FullName(s string) Name {
	n := fullNameOnce(Text(s))
	for range 8 {
		text := n.String()
		again := fullNameOnce(text)
		if again.String() == text {
			break
		}
		n = again // an honorific or suffix came to light when the parts were put in order
	}
	return n
}

func fullNameOnce(s string) Name {
	s = cutText(s)
	caps := isAllCaps(s)
	var suffix string
	parts := strings.Split(s, ",")
	for len(parts) > 1 { // "Jane Doe, PhD"
		tail := nameTokens(parts[len(parts)-1])
		if len(tail) > 0 && !allSuffixes(tail) {
			break
		}
		if len(tail) > 0 && suffix == "" {
			suffix = suffixForm(tail[0])
		}
		parts = parts[:len(parts)-1]
	}
	var tokens, last []string
	honoured := false
	if len(parts) > 1 {
		last = dropHonorifics(nameTokens(parts[0]))
		tokens = nameTokens(strings.Join(parts[1:], " "))
		if len(last) == 0 || len(tokens) == 0 {
			tokens, last = append(last, tokens...), nil
		}
	} else {
		tokens = nameTokens(parts[0])
	}
	if kept := dropHonorifics(tokens); len(kept) < len(tokens) {
		tokens, honoured = kept, true
	}
	if suffix == "" {
		if last != nil {
			last, suffix = cutSuffix(last)
		}
		if suffix == "" {
			tokens, suffix = cutSuffix(tokens)
		}
	}
	if last == nil {
		switch {
		case len(tokens) == 0:
			return Name{Suffix: suffix}
		case len(tokens) == 1 && honoured:
			return Name{Last: repairCase(tokens, true), Suffix: suffix}
		case len(tokens) == 1:
			return Name{First: repairCase(tokens, caps), Suffix: suffix}
		}
		at := len(tokens) - 1
		for i := 1; i < len(tokens)-1; i++ {
			if nameParticles[Fold(tokens[i])] {
				at = i
				break
			}
		}
		tokens, last = tokens[:at], tokens[at:]
	}
	return Name{First: repairCase(tokens[:1], caps), Middle: repairCase(tokens[1:], caps), Last: repairCase(last, true), Suffix: suffix}
}

// NameKey returns the form of a person's full name to compare by: honorifics and suffixes dropped, "Last, First" put in order, folded, without
// punctuation. "Dr. O'Brien, Seán" and "SEAN O’BRIEN" have the same key.
func NameKey(s string) string {
	n := FullName(Fold(cutText(Text(s))))
	n.Suffix = ""
	return settle(n.String(), func(key string) string {
		n := FullName(strings.Join(wordsOf(Fold(key)), " "))
		n.Suffix = ""
		return strings.Join(wordsOf(Fold(n.String())), " ")
	})
}

var honorifics = wordSet(`mr mrs ms miss mx mister mme mlle monsieur madame mademoiselle dr doctor prof professor herr frau hr fr fraulein dipl dipling
	ing mag sr sra srta senor senora senorita don dona sir dame lady lord dott dottssa dottor ingeniero lic rev reverend hon mgr pan pani dhr mevr mevrouw
	sig sigra signor signora med habil`)

// shortHonorifics are also given names, initials or surnames; they need the full stop to count.
var shortHonorifics = wordSet(`don mag ing fr pan hon med lic sr rev hr dame lady lord pani`)

var nameSuffixes = map[string]string{
	"jr": "Jr.", "jnr": "Jr.", "junior": "Jr.", "sr": "Sr.", "snr": "Sr.", "senior": "Sr.", "ii": "II", "iii": "III", "iv": "IV",
	"phd": "PhD", "md": "MD", "mba": "MBA", "msc": "MSc", "bsc": "BSc", "esq": "Esq.", "cpa": "CPA", "pe": "PE", "cfa": "CFA", "pmp": "PMP",
	"dds": "DDS", "rn": "RN", "jd": "JD", "llm": "LLM", "dphil": "DPhil", "cissp": "CISSP", "fca": "FCA", "aca": "ACA", "acca": "ACCA",
}

// givenSuffixes are also names or initials, and count as suffix only behind two other words.
var givenSuffixes = wordSet(`junior senior jd md pe rn iv ii`)

// nameParticles open a last name.
var nameParticles = wordSet(`van von vom der den de del della dela di da dos das du des la le lo ter ten te zu zur af av bin ibn al el abu san santa st saint`)

// lowerParticles are written small where the casing of a name is repaired; la, las and los only behind one of them.
var lowerParticles = wordSet(`van von vom der den de del della dela di da dos das du des ter ten te zu zur af av bin ibn und y e`)

var lowerArticles = wordSet(`la las los`)

func nameTokens(s string) []string {
	var tokens []string
	for field := range strings.FieldsSeq(s) {
		field = strings.Trim(field, `,;:"()[]{}<>*`)
		if letterKey(field) != "" {
			tokens = append(tokens, field)
		}
	}
	return tokens
}

// dropHonorifics drops leading honorifics as long as more than one word is left.
func dropHonorifics(tokens []string) []string {
	for len(tokens) > 1 {
		key := letterKey(tokens[0])
		if !honorifics[key] || shortHonorifics[key] && !strings.HasSuffix(tokens[0], ".") {
			break
		}
		tokens = tokens[1:]
	}
	return tokens
}

func cutSuffix(tokens []string) (rest []string, suffix string) {
	for len(tokens) > 1 && isSuffix(tokens[len(tokens)-1]) {
		if len(tokens) < 3 && givenSuffixes[letterKey(tokens[len(tokens)-1])] {
			break
		}
		suffix = suffixForm(tokens[len(tokens)-1])
		tokens = tokens[:len(tokens)-1]
	}
	return tokens, suffix
}

func isSuffix(token string) bool { return nameSuffixes[letterKey(token)] != "" }

func suffixForm(token string) string { return nameSuffixes[letterKey(token)] }

func allSuffixes(tokens []string) bool {
	for _, token := range tokens {
		if !isSuffix(token) {
			return false
		}
	}
	return true
}

func sameTokens(a, b []string) bool {
	for i := range a {
		if letterKey(a[i]) != letterKey(b[i]) {
			return false
		}
	}
	return len(a) == len(b)
}

func isAllCaps(s string) bool { return s == strings.ToUpper(s) && s != strings.ToLower(s) }

// repairCase joins words, in title case if their casing carries nothing. Short capitals are
// taken for initials unless noInitials.
func repairCase(words []string, noInitials bool) string {
	s := strings.Join(words, " ")
	upper, lower := strings.ToUpper(s), strings.ToLower(s)
	switch {
	case upper == lower, s != upper && s != lower:
		return s
	case s == upper && !noInitials && countLetters(s) <= 3:
		return s
	}
	out := make([]string, len(words))
	small := false
	for i, word := range words {
		word = strings.ToLower(word)
		small = i < len(words)-1 && (lowerParticles[word] || small && lowerArticles[word])
		if small {
			out[i] = word
		} else {
			out[i] = titleWord(word)
		}
	}
	return Text(strings.Join(out, " ")) // a capital may lack the composed form that the small letter has, and the other way round
}

func countLetters(s string) int {
	n := 0
	for _, r := range s {
		if unicode.IsLetter(r) {
			n++
		}
	}
	return n
}

// titleWord capitalises a lower-case word and what follows a hyphen, full stop or apostrophe in it: "o'brien-mcdonald" gives "O'Brien-McDonald".
func titleWord(word string) string {
	runes := []rune(word)
	start := 0
	for i, r := range runes {
		if i == start {
			runes[i] = unicode.ToTitle(r)
		}
		switch r {
		case '-', '.', '‐':
			start = i + 1
		case '\'', '’':
			if i-start <= 1 { // O'Brien, D'Angelo, but not Ja'mie's
				start = i + 1
			}
		case 'c':
			if i == start+1 && runes[start] == 'M' && i+2 < len(runes) {
				start = i + 1
			}
		}
	}
	return string(runes)
}
