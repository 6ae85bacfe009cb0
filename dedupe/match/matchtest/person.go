package matchtest

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/leadloop/leadloop/normalize"
)

// person is somebody in a job, as they were when one of their records was written.
type person struct {
	first, last string
	formerLast  string // before a marriage; "" if it did not change
	company     int
	changed     bool // not in the first job any more
	changes     bool // some record is from another job
	country     *country
	number      int // unique
	title       int
	mailSuffix  int
	private     string // the own address, "" if none
	mobile      bool   // has one to give
	direct      bool   // has an own line
	page        bool   // has a page
	birthYear   int
}

// person returns who person i is when their record number copy is written.
func (w *World) person(i, copy int) person {
	p := w.core(i)
	r := source(w.seed, 3, uint64(i))
	p.number = w.mixed.at(i)
	p.mailSuffix = int(w.suffix[i])
	p.title = r.below(len(titles))
	p.mobile, p.direct, p.page = r.in(550), r.in(350), r.in(450)
	p.birthYear = 60 + r.below(42)
	if r.in(15) {
		p.formerLast = family(&r, p.country.people)
	}
	size := w.size(i)
	switch {
	case size > 1 && r.in(50):
		p.changes = true
		if !p.page && !p.mobile {
			p.page = true
		}
		if p.changed = copy >= (size+1)/2; p.changed {
			p.company = w.hires(&r)
			p.mailSuffix = 100 + p.number%900
		}
	case r.in(200):
		p.private = w.privateMail(&p, &r)
	}
	return p
}

// core is what a person's address at work is made of.
func (w *World) core(i int) person {
	r := source(w.seed, 2, uint64(i))
	p := person{company: w.hires(&r)}
	p.country = w.accounts[p.company].country
	people := p.country.people
	if r.in(120) {
		people = drawCountry(&r).people
	}
	if r.in(500) {
		p.first = often(&r, people.male)
	} else {
		p.first = often(&r, people.female)
	}
	p.last = family(&r, people)
	return p
}

// size is how many records person i has.
func (w *World) size(i int) int {
	return min(int(clusterSizes[i%blockPeople]), w.records-i/blockPeople*blockRecords-firstSlots[i%blockPeople])
}

// makeSuffixes numbers colleagues whose addresses would be the same.
func (w *World) makeSuffixes() {
	w.suffix = make([]uint8, w.People())
	seen := make(map[uint64]uint8, len(w.suffix))
	for i := range w.suffix {
		p := w.core(i)
		h := uint64(14695981039346656037)
		for _, s := range []string{w.accounts[p.company].mail, w.localPart(&p, false)} {
			for _, c := range []byte(s) {
				h = (h ^ uint64(c)) * 1099511628211
			}
			h = (h ^ '@') * 1099511628211
		}
		w.suffix[i] = seen[h]
		if seen[h] < 255 {
			seen[h]++
		}
	}
}

// localPart is the part before the @ by the custom of the company.
func (w *World) localPart(p *person, former bool) string {
	last := p.last
	if former {
		last = p.formerLast
	}
	first, last := mailName(p.first), mailName(last)
	var local string
	switch w.accounts[p.company].pattern {
	case 0, 1, 2, 3, 4:
		local = first + "." + last
	case 5, 6:
		local = first[:1] + last
	case 7:
		local = first[:1] + "." + last
	case 8:
		local = first + last
	case 9:
		local = last + "." + first
	case 10:
		local = first + "_" + last
	default:
		local = first + last[:1]
	}
	switch {
	case former:
		local += strconv.Itoa(1000 + p.number%9000) // nobody else's, without looking
	case p.mailSuffix > 0:
		local += strconv.Itoa(p.mailSuffix + 1)
	}
	return local
}

func (w *World) workMail(p *person, former bool, host string) string {
	return w.localPart(p, former) + "@" + host
}

var freeMail = words(`gmail.com gmail.com gmail.com outlook.com hotmail.com yahoo.com icloud.com gmx.de web.de orange.fr libero.it hotmail.co.uk`)

func (w *World) privateMail(p *person, r *random) string {
	sep := of(r, []string{".", "", "_"})
	local := mailName(p.first) + sep + mailName(p.last)
	if r.in(300) {
		local = mailName(p.last) + sep + mailName(p.first[:1])
	}
	return local + strconv.Itoa(p.birthYear%100) + strconv.Itoa(p.number%1000) + "@" + of(r, freeMail)
}

// mailName is a name as addresses write it: ASCII letters only.
func mailName(s string) string {
	s = strings.ToLower(asciiName(s, true))
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		if s[i] >= 'a' && s[i] <= 'z' {
			out = append(out, s[i])
		}
	}
	if len(out) == 0 {
		return "x"
	}
	return string(out)
}

var umlauts = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "Ä", "Ae", "Ö", "Oe", "Ü", "Ue", "ø", "oe", "Ø", "Oe", "å", "aa", "Å", "Aa")

// asciiName takes the diacritics off a name; spelled says whether umlauts become two letters.
func asciiName(s string, spelled bool) string {
	if isASCII(s) {
		return s
	}
	if spelled {
		s = umlauts.Replace(s)
	}
	parts := strings.Fields(s)
	for i, part := range parts {
		folded := normalize.Fold(part)
		if r, size := utf8.DecodeRuneInString(folded); size > 0 && r < utf8.RuneSelf && unicode.IsUpper(firstRune(part)) {
			folded = string(unicode.ToUpper(r)) + folded[size:]
		}
		parts[i] = folded
	}
	return strings.Join(parts, " ")
}

func firstRune(s string) rune { r, _ := utf8.DecodeRuneInString(s); return r }

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// The numbers of switchboards, own lines and mobiles of one country never meet as long as there are fewer people than numbers.
func (c *country) landline(city, n int) string {
	return c.areas[city%len(c.areas)] + subscriber(c.lead, c.digits, n)
}

func (c *country) cell(n int) string {
	return c.mobile[n%len(c.mobile)] + subscriber("23456789", c.mobiles, n/len(c.mobile))
}

// subscriber writes n as a number of so many digits, the first one of lead; neighbours in n do not look alike.
func subscriber(lead string, digits, n int) string {
	size := 1
	for range digits - 1 {
		size *= 10
	}
	n = int((uint64(n)*7368787 + 4211) % uint64(size*len(lead)))
	s := strconv.Itoa(n % size)
	return lead[n/size:n/size+1] + strings.Repeat("0", digits-1-len(s)) + s
}
