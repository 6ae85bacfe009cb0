package matchtest

import (
	"strings"
	"unicode"
)

// Noise is a set of reasons why a record is hard to match.
type Noise uint32

// The reasons.
const (
	Typo           Noise = 1 << iota // keyboard, scanner or ear, in the name or the company
	Nickname                         // instead of the given name
	Initial                          // instead of the given name
	Transposed                       // first and last name
	OneField                         // the whole name in the first-name field
	PartialName                      // first or last name missing
	Renamed                          // another surname than in other records
	PlainLetters                     // diacritics dropped or spelt out
	OddCase                          // all capitals or none
	PrivateMail                      // an own address at a free provider
	RoleMailbox                      // info@ and the like
	NoMail                           // no address, or a placeholder for it
	MistypedMail                     // a typo in the address
	OtherDomain                      // an old, second or the parent's domain
	SharedPhone                      // a switchboard's number
	MistypedPhone                    // a typo in the number
	Placeholder                      // null, n/a, 0000
	Acronym                          // instead of the company's name
	CompanyVariant                   // other legal form, abbreviation or article
	NoCompany                        // no company name
	Moved                            // the company's former address
	JobChange                        // a person who left the company that other records name
)

var noiseNames = strings.Fields(`typo nickname initial transposed one_field partial_name renamed plain_letters odd_case private_mail role_mailbox no_mail
	mistyped_mail other_domain shared_phone mistyped_phone placeholder acronym company_variant no_company moved job_change`)

// String lists the reasons, joined by "+"; "none" if there are none.
func (n Noise) String() string {
	var all []string
	for i, name := range noiseNames {
		if n&(1<<i) != 0 {
			all = append(all, name)
		}
	}
	if all == nil {
		return "none"
	}
	return strings.Join(all, "+")
}

var keyRows = []string{"qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890"}

// misheard and misread are what ears and scanners make of letters.
var (
	misheard = [][2]string{
		{"ph", "f"}, {"f", "ph"}, {"ck", "k"}, {"c", "k"}, {"k", "c"}, {"ie", "y"}, {"y", "i"}, {"ei", "ai"}, {"th", "t"}, {"sch", "sh"}, {"z", "s"},
		{"v", "w"}, {"ll", "l"}, {"ss", "s"}, {"nn", "n"}, {"tt", "t"}, {"d", "t"}, {"oo", "u"}, {"ea", "ee"}, {"x", "ks"},
	}
	misread = [][2]string{{"rn", "m"}, {"m", "rn"}, {"l", "1"}, {"o", "0"}, {"cl", "d"}, {"e", "c"}, {"i", "l"}, {"vv", "w"}, {"h", "b"}, {"s", "5"}}
)

// typo makes one mistake in a text of at least three letters.
func typo(r *random, s string) string {
	runes := []rune(s)
	if len(runes) < 3 {
		return s
	}
	switch r.below(10) {
	case 0, 1, 2:
		return slip(r, runes)
	case 3, 4:
		i := 1 + r.below(len(runes)-2)
		runes[i], runes[i+1] = runes[i+1], runes[i]
		return string(runes)
	case 5:
		i := 1 + r.below(len(runes)-1)
		return string(runes[:i]) + string(runes[i+1:])
	case 6:
		i := r.below(len(runes))
		return string(runes[:i+1]) + string(unicode.ToLower(runes[i])) + string(runes[i+1:])
	case 7, 8:
		return mistake(r, s, misheard)
	}
	return mistake(r, s, misread)
}

// slip hits the key beside the one meant.
func slip(r *random, runes []rune) string {
	i := r.below(len(runes))
	for _, row := range keyRows {
		at := strings.IndexRune(row, unicode.ToLower(runes[i]))
		if at < 0 {
			continue
		}
		if at == 0 || at < len(row)-1 && r.in(500) {
			at++
		} else {
			at--
		}
		hit := rune(row[at])
		if unicode.IsUpper(runes[i]) {
			hit = unicode.ToUpper(hit)
		}
		runes[i] = hit
		break
	}
	return string(runes)
}

// mistake replaces one of the pairs that s holds behind its first letter; if it holds none, it loses a letter.
func mistake(r *random, s string, pairs [][2]string) string {
	at := r.below(len(pairs))
	first := len(string([]rune(s)[:1]))
	for i := range pairs {
		p := pairs[(at+i)%len(pairs)]
		if n := strings.Index(s[first:], p[0]); n >= 0 {
			return s[:first+n] + p[1] + s[first+n+len(p[0]):]
		}
	}
	runes := []rune(s)
	i := 1 + r.below(len(runes)-1)
	return string(runes[:i]) + string(runes[i+1:])
}

// mistype changes one digit of a number or swaps two.
func mistype(r *random, s string) string {
	b := []byte(s)
	i := len(b)/2 + r.below(len(b)/2)
	if b[i] < '0' || b[i] > '9' {
		return s
	}
	if i > 0 && r.in(500) && b[i-1] >= '0' && b[i-1] <= '9' && b[i-1] != b[i] {
		b[i-1], b[i] = b[i], b[i-1]
		return string(b)
	}
	b[i] = '0' + (b[i]-'0'+1+byte(r.below(9)))%10
	return string(b)
}
