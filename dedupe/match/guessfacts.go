package match

import (
	"slices"
	"strings"

	"github.com/leadloop/leadloop/normalize"
)

// columnFacts is what the values of a column look like.
type columnFacts struct {
	filled, distinct, words, letters                    int
	emails, domains, phones, dates, numbers, ids, given int
	whole                                               int // numbers without a fraction
	turned                                              int // "Adler, Anna"
	daysFirst, monthsFirst                              int // dates that can be read in one order only
	written, legal                                      int // phones with signs that group or prefix them, companies with a legal form
	codes                                               int // in one piece with a digit in it, and no date, address, amount or number of a telephone
	timed                                               int // dates with a time of day
	polite                                              int // forms of address and academic titles
	mailed, inMailbox, inHost                           int // in rows with an e-mail address, and in how many of these it is made of a word of the value
	pages                                               int // of the site of the first one
	rows                                                int
}

func (f *columnFacts) share(n int) float64 { return float64(n) / float64(max(f.filled, 1)) }

func (f *columnFacts) meanWords() float64 { return float64(f.words) / float64(max(f.filled, 1)) }

func look(col int, rows [][]string) columnFacts {
	var f columnFacts
	seen, site := map[string]bool{}, ""
	for _, row := range rows[:min(len(rows), guessRows)] {
		if col >= len(row) {
			continue
		}
		f.rows++
		v := strings.TrimSpace(cut(row[col]))
		if normalize.IsNull(v) {
			continue
		}
		f.filled++
		seen[v] = true
		words := strings.Fields(plainWords(v))
		f.words += len(words)
		digits, letters := 0, 0
		for i := 0; i < len(v); i++ {
			switch c := v[i]; {
			case isDigit(c):
				digits++
			case c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80:
				letters++
			}
		}
		f.letters += letters
		plain := f.emails + f.domains + f.phones + f.dates
		if at := strings.IndexByte(v, '@'); at > 0 && strings.IndexByte(v[at:], '.') > 0 && len(words) < 8 {
			f.emails++
		}
		if d, err := normalize.Domain(v); err == nil && strings.IndexByte(v, '@') < 0 {
			if site == "" {
				site = d
			}
			if path := hasPath(v); !path {
				f.domains++
			} else if d == site {
				f.pages++
			}
		}
		if w, ok := parseDate(v); ok {
			if y, m, d := w.read(false); y > 1000 && y < 2200 && m >= 1 && m <= 12 && d >= 1 && d <= 31 {
				f.dates++
				if hasTime(v) {
					f.timed++
				}
			}
			switch {
			case w.loose && w.day <= 12 && w.month > 12:
				f.monthsFirst++
			case w.loose && w.day > 12 && w.month <= 12:
				f.daysFirst++
			}
		}
		if letters == 0 && digits >= 7 && digits <= 15 && strings.IndexByte(v, '.') < 0 {
			f.phones++
			if len(v) > digits {
				f.written++
			}
		}
		if len(words) > 1 && len(words) < 8 && normalize.Company(v).LegalForm != "" {
			f.legal++
		}
		if _, ok := wholeNumber(v); ok {
			f.whole++
		}
		if _, ok := wholeNumber(strings.Replace(plainNumber(v), ".", "", 1)); ok {
			f.numbers++
		}
		if plain == f.emails+f.domains+f.phones+f.dates && digits > 0 && !strings.ContainsAny(v, " .,") {
			f.codes++
		}
		if len(words) > 0 && !slices.ContainsFunc(words, func(w string) bool { return !polite[w] }) {
			f.polite++
		}
		if len(words) == 1 && digits >= 3 && len(v) >= 5 {
			f.ids++
		}
		if len(words) > 0 && len(words) < 5 && normalize.Nicknames(words[0]) != nil {
			f.given++
		}
		if family, given, ok := strings.Cut(v, ", "); ok && letters+len(words) > len(v)*4/5 && strings.Count(family, " ")+strings.Count(given, " ") < 3 && strings.IndexByte(given, ',') < 0 {
			f.turned++
		}
	}
	f.distinct = len(seen)
	return f
}

// lookAtMails notes in how many rows the e-mail address is made of words of the column: of those of a person its mailbox, of those of a company its host.
func (f *columnFacts) lookAtMails(col, mails int, rows [][]string) {
	for _, row := range rows[:min(len(rows), guessRows)] {
		if max(col, mails) >= len(row) {
			continue
		}
		mailbox, host, ok := strings.Cut(strings.ToLower(cut(row[mails])), "@")
		if !ok || normalize.IsNull(row[col]) {
			continue
		}
		f.mailed++
		words := strings.Fields(plainWords(cut(row[col])))
		within := func(s string) bool {
			return slices.ContainsFunc(words, func(w string) bool { return len(w) > 2 && strings.Contains(s, w) })
		}
		if within(mailbox) {
			f.inMailbox++
		} else if within(host) {
			f.inHost++
		}
	}
}

// leastMailed is in how many rows there must be an address for it to tell anything.
const leastMailed = 5

// ofMailbox and ofHost report whether the mailboxes of the rows, or else their hosts, are made of the values of the column.
func (f *columnFacts) ofMailbox() bool {
	return f.mailed >= leastMailed && f.inMailbox*10 > f.mailed*3 && f.inMailbox > f.inHost
}

func (f *columnFacts) ofHost() bool {
	return f.mailed >= leastMailed && f.inHost*10 > f.mailed*3 && f.inHost > f.inMailbox
}

// polite are the words of forms of address and of academic titles.
var polite = func() map[string]bool {
	words := map[string]bool{}
	for w := range strings.FieldsSeq(`mr mrs ms miss mx sir dr prof professor doctor phd md mba msc bsc esq jr herr hr frau fr fraulein dipl ing mag med rer nat jur phil
		habil univ priv doz m mme mlle mm monsieur madame me sr sra srta don dona sig sigra dott dhr mevr pan pani`) {
		words[w] = true
	}
	return words
}()

// hasTime holds for dates that go on with a time of day other than midnight: what happened then, and no birthday.
func hasTime(date string) bool {
	i := strings.IndexByte(date, ':')
	if i < 9 {
		return false
	}
	time := strings.ToLower(strings.TrimSpace(date[i-2:]))
	return !(strings.HasPrefix(time, "12:00") && strings.HasSuffix(time, "am")) && strings.Trim(time, "0:.zt+-amp ") != ""
}

// hasPath holds for addresses of one page of a site, which say more than the domain.
func hasPath(url string) bool {
	_, rest, ok := strings.Cut(url, "://")
	if !ok {
		rest = url
	}
	_, path, _ := strings.Cut(rest, "/")
	return path != ""
}
