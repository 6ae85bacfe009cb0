package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// assignRoles decides which companies are in the CRM, and as what.
func (w *world) assignRoles(d dice) {
	for i, at := range d.Perm(len(w.companies)) {
		c := w.companies[at]
		switch {
		case i < 38:
			c.role = customer
		case i < 62:
			c.role = inDeal
		case i < 84:
			c.role = lostBefore
		case i < 180:
			c.role = prospect
		default:
			continue
		}
		if c.role != prospect || d.chance(0.6) {
			c.owner = ownerFor(d, c)
		}
	}
}

func ownerFor(d dice, c *company) string {
	switch {
	case d.chance(0.04):
		return "rory" // who has left; nobody has tidied up yet
	case c.place.inEMEA():
		return pick(d, []string{"lena", "pierre", "oisin", "chiara"})
	case c.employees >= 1000:
		return pick(d, []string{"ana", "ben", "cem"})
	}
	return pick(d, []string{"maya", "tom", "priya", "luis", "grace"})
}

// tell makes all submissions.
func (w *world) tell() {
	w.regulars(622)
	w.private(70)
	w.functions(22)
	w.partnered(64)
	w.rivalled(11)
	w.students(17)
	w.known()
	w.returning()
	w.colleagues(8)
	w.namesakes(8)
	w.optOuts(12)
	w.repeats()
	w.settle()
}

// anyCompany picks a company: small ones as often as large ones, and some far
// more often than others.
func (w *world) anyCompany(roles ...companyRole) *company {
	d := w.d
	want := choose(d, []weighted[string]{{"small", 38}, {"medium", 25}, {"large", 37}})
	var list []*company
	for _, c := range w.companies {
		size := "large"
		if c.employees < 200 {
			size = "small"
		} else if c.employees < 2000 {
			size = "medium"
		}
		if size == want && slices.Contains(roles, c.role) {
			list = append(list, c)
		}
	}
	if len(list) == 0 {
		return w.anyCompany(roles...)
	}
	f := d.Float64()
	return list[(int(math.Pow(f, 1.6)*float64(len(list)))*31+7)%len(list)]
}

func (w *world) regulars(n int) {
	for range n {
		p := w.people.at(w.anyCompany(neutral, prospect))
		l := w.ask(p, w.arrival(p.place.clock))
		// A way to reach the person is needed; the e-mail is left out only by
		// those who give a number.
		if l.phone != "" && !slices.Contains(junk, l.phone) && w.d.chance(0.03) {
			l.email = ""
			l.country = w.d.certainCountry(p.place.country)
		}
	}
}

// certainCountry is a country name that is there, so that a national number
// can be read.
func (d dice) certainCountry(iso string) string { return pick(d, countryNames[iso]) }

var (
	freeProviders       = strings.Fields("gmail.com gmail.com gmail.com outlook.com yahoo.com hotmail.com icloud.com gmx.de web.de orange.fr")
	disposableProviders = strings.Fields("mailinator.com guerrillamail.com yopmail.com trashmail.com 10minutemail.com")
)

// private makes people who write from a free or throw-away address.
func (w *world) private(n int) {
	for i := range n {
		p := w.people.at(w.anyCompany(neutral, prospect))
		providers := freeProviders
		if i%6 == 0 {
			providers = disposableProviders
		}
		p.email = w.people.freeMailbox(p, providers)
		l := w.ask(p, w.arrival(p.place.clock))
		if i%6 == 0 {
			l.heat, l.demo, l.phone = 0, false, ""
			l.first, l.last = pick(w.d, []string{"John", "Test", "A", "asdf"}), pick(w.d, []string{"Doe", "User", "B", "qwer"})
		}
	}
}

// functions makes submissions from shared mailboxes.
func (w *world) functions(n int) {
	for range n {
		p := w.people.at(w.anyCompany(neutral, prospect))
		l := w.ask(p, w.arrival(p.place.clock))
		l.email = pick(w.d, []string{"info", "sales", "office", "it", "procurement", "contact"}) + "@" + p.company.domain
		if w.d.chance(0.5) {
			l.first, l.last, l.title = "", "", ""
		}
	}
}

var partners = []string{"alpine-data", "bluegrass-consulting", "nordlicht-systems", "casa-digital"}

func (w *world) partnered(n int) {
	for i := range n {
		p := w.people.at(w.anyCompany(neutral, prospect))
		l := w.ask(p, w.arrival(p.place.clock))
		l.source, l.medium, l.campaign, l.partner = "partner", "referral", "", partners[i%len(partners)]
		l.heat, l.demo, l.consent = max(1, l.heat), false, "yes"
		l.message = "Introduced by " + l.partner + "."
	}
}

// rivalled makes competitors who want to see the product.
func (w *world) rivalled(n int) {
	for i := range n {
		p := w.people.at(w.rivals[i%len(w.rivals)])
		l := w.ask(p, w.arrival(p.place.clock))
		l.closed = true
		if i%4 == 3 { // through the private address, with the firm's page
			l.email, l.website = w.people.freeMailbox(p, freeProviders), p.company.domain
		}
	}
}

func (w *world) students(n int) {
	schools := []string{"Rivershore University", "Northgate College", "Hochschule Sonnenberg", "Université du Val-Clair"}
	for i := range n {
		c := &company{name: schools[i%len(schools)], short: schools[i%len(schools)], domain: slug(schools[i%len(schools)]) + ".example", employees: 900}
		c.place = [...]place{places["US"][1], places["US"][10], places["DE"][0], places["FR"][1]}[i%len(schools)]
		p := w.people.at(c)
		l := w.ask(p, w.arrival(p.place.clock))
		l.title = pick(w.d, []string{"Student", "PhD student", "Intern", "Werkstudentin", "Étudiant", "MBA Student", "Data Science Intern"})
		l.employees, l.website, l.heat, l.demo, l.closed = "", "", 0, false, true
		l.message = "For my thesis, is there a free licence?"
	}
}

// known makes submissions from companies that buy from us or are about to.
func (w *world) known() {
	for i := range 36 {
		p := w.people.at(w.anyCompany(customer))
		l := w.ask(p, w.arrival(p.place.clock))
		l.closed = true
		if i%2 == 0 {
			w.addContact(p, false)
		}
	}
	for i := range 26 {
		p := w.people.at(w.anyCompany(inDeal))
		l := w.ask(p, w.arrival(p.place.clock))
		l.closed = true
		if i%3 == 0 {
			w.addContact(p, false)
		}
	}
}

// returning makes people whose deal was lost months ago.
func (w *world) returning() {
	for range 22 {
		p := w.people.at(w.anyCompany(lostBefore))
		w.addContact(p, false)
		l := w.ask(p, w.arrival(p.place.clock))
		l.heat = 1 + w.d.IntN(2)
		l.message = pick(w.d, []string{"We talked in spring; the budget is there now.", "Back again: our first choice did not work out.", ""})
	}
}

// colleagues makes people who share the switchboard's number with somebody.
func (w *world) colleagues(n int) {
	for _, l := range w.sample(n, func(l *lead) bool {
		return l.phone != "" && l.phone == l.p.phone && !l.closed && l.email == l.p.email && !strings.Contains(l.phone, "ext")
	}) {
		p := w.people.at(l.p.company)
		p.place, p.phone = l.p.place, l.p.phone
		m := w.ask(p, later(w.d, l.at, 20*24*time.Hour))
		m.country = l.country
	}
}

// namesakes makes other people of the same name, five at other companies and
// the rest at the same one.
func (w *world) namesakes(n int) {
	for i, l := range w.sample(n, func(l *lead) bool { return l.email == l.p.email && l.first != "" && !l.closed }) {
		c := l.p.company
		if i < 5 {
			c = w.anyCompany(neutral)
		}
		p := w.people.at(c)
		p.first, p.last, p.place = l.p.first, l.p.last, c.place
		p.email = w.people.mailbox(p)
		w.ask(p, later(w.d, l.at, 30*24*time.Hour))
	}
}

// optOuts makes people who have said that they don't want to be contacted.
func (w *world) optOuts(n int) {
	for _, l := range w.sample(n, func(l *lead) bool { return l.email == l.p.email && !l.closed }) {
		w.optedOut = append(w.optedOut, l.email)
		l.closed = true
	}
	slices.Sort(w.optedOut)
}

// repetition is a way in which somebody submits again.
type repetition int

const (
	respelled      repetition = iota // weeks later, typed differently
	subAddressed                     // with a +sub-address
	slipped                          // with a slip in the company
	otherChannel                     // through another channel
	byPhone                          // without the address, by phone alone
	privateMailbox                   // from the private address
	nicknamed                        // by the nickname, from another mailbox of the firm
	sentTwice                        // the same form, seconds later
)

// repeats makes people submit again.
func (w *world) repeats() {
	for _, r := range []weighted[repetition]{{respelled, 22}, {subAddressed, 10}, {slipped, 12}, {otherChannel, 20}, {byPhone, 7}, {privateMailbox, 8},
		{nicknamed, 7}, {sentTwice, 8}} {
		kind, n := r.of, r.weight
		for i, l := range w.sample(n, func(l *lead) bool { return w.canRepeat(l, kind) }) {
			at := later(w.d, l.at, 45*24*time.Hour)
			if kind == sentTwice {
				at = l.at.Add(time.Duration(w.d.between(2, 50)) * time.Second)
			}
			m := w.ask(l.p, at)
			m.again, m.closed, m.heat = true, l.closed, l.heat
			m.email, m.first, m.last, m.company, m.country, m.phone = l.email, l.first, l.last, l.company, l.country, l.phone
			m.title = l.title
			w.respell(m, l, kind, i)
		}
	}
}

// canRepeat says which submissions can be repeated in which way.
func (w *world) canRepeat(l *lead, kind repetition) bool {
	plain := !l.again && l.email == l.p.email && l.first != "" && l.at.Before(end.AddDate(0, 0, -10)) && strings.HasSuffix(l.email, ".example")
	switch kind {
	case byPhone, privateMailbox:
		return plain && !l.closed && l.phone != "" && l.phone == l.p.phone && !strings.Contains(l.phone, "ext") && l.country != ""
	case nicknamed:
		_, ok := nicknames[l.first]
		return plain && !l.closed && ok && l.phone != "" && l.phone == l.p.phone && !strings.Contains(l.phone, "ext")
	}
	return plain
}

var nicknames = map[string]string{"James": "Jim", "Robert": "Bob", "William": "Bill", "Elizabeth": "Liz", "Michael": "Mike", "Richard": "Rick", "Joseph": "Joe", "Thomas": "Tom",
	"Jennifer": "Jen", "Patricia": "Pat", "Daniel": "Dan", "Matthew": "Matt", "Anthony": "Tony", "Steven": "Steve", "Andrew": "Andy", "Kenneth": "Ken", "Susan": "Sue",
	"Jessica": "Jess", "Joshua": "Josh", "Margaret": "Peggy", "David": "Dave", "Kimberly": "Kim", "Charlie": "Charles"}

// respell makes m the i-th repetition of l of a kind.
func (w *world) respell(m, l *lead, kind repetition, i int) {
	d := w.d
	local, host, _ := strings.Cut(l.email, "@")
	switch kind {
	case respelled:
		m.email = pick(d, []string{strings.ToUpper(l.email), " " + l.email, strings.ToUpper(local[:1]) + local[1:] + "@" + host})
		m.first, m.last = strings.ToLower(l.first), strings.ToUpper(l.last)
		m.company = strings.ToUpper(l.p.company.short)
	case subAddressed:
		m.email = local + pick(d, []string{"+webinar", "+demo", "+newsletter"}) + "@" + host
	case slipped:
		name := []rune(l.p.company.short)
		at := 1 + d.IntN(len(name)-1)
		m.company = string(slices.Delete(name, at, at+1))
	case otherChannel:
		m.source, m.medium, m.campaign = "event", "event", "data-days-2026"
		if l.source == "event" {
			m.source, m.medium, m.campaign = "webinar", "webinar", "forecasting-live-2026-09"
		}
	case byPhone:
		m.email = ""
	case privateMailbox:
		m.email = w.people.freeMailbox(l.p, freeProviders)
	case nicknamed:
		m.first = nicknames[l.first]
		m.email = letters(m.first) + "." + letters(l.last) + "@" + host
		if i%2 == 0 {
			m.phone = ""
		}
	case sentTwice:
		m.message, m.source, m.medium, m.campaign, m.product, m.consent = l.message, l.source, l.medium, l.campaign, l.product, l.consent
		m.website, m.state, m.city, m.employees = l.website, l.state, l.city, l.employees
		m.demo = l.demo
	}
	if kind == slipped && i%3 == 0 {
		m.last = strings.TrimSuffix(m.last, "n")
	}
}

// sample draws n submissions that fit, in a fixed order.
func (w *world) sample(n int, fits func(*lead) bool) []*lead {
	var out []*lead
	have := slices.Clone(w.leads)
	for _, i := range w.d.Perm(len(have)) {
		if len(out) == n {
			break
		}
		if fits(have[i]) {
			out = append(out, have[i])
		}
	}
	if len(out) < n {
		panic(fmt.Sprintf("generate: only %d of %d submissions fit", len(out), n))
	}
	return out
}

// later is a moment after t, at most span later and within the sample.
func later(d dice, t time.Time, span time.Duration) time.Time {
	most := min(span, end.Sub(t)-time.Hour)
	return t.Add(min(most, 30*time.Minute) + time.Duration(d.Float64()*float64(max(0, most-30*time.Minute)))).Truncate(time.Second)
}
