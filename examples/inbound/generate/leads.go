package main

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var leadColumns = []string{"id", "created_at", "email", "first_name", "last_name", "title", "phone", "company", "website", "country", "state", "city", "employees",
	"utm_source", "utm_medium", "utm_campaign", "product_interest", "partner", "consent", "message"}

// lead is one submission of a form.
type lead struct {
	id string
	at time.Time
	p  *person

	email, first, last, title, phone, company, website           string
	country, state, city, employees                              string
	source, medium, campaign, product, partner, consent, message string

	// What the sample knows and the form does not.
	heat   int  // 0 looks around … 2 wants to buy
	again  bool // this person has submitted before
	closed bool // nobody new will work it: customer, open deal, competitor, opted out, student
	demo   bool // it came through the demo form
}

// world is the sample in the making.
type world struct {
	companies []*company
	rivals    []*company // invented competitors
	people    *cast
	d         dice // the story's
	leads     []*lead
	contacts  []*contact
	deals     []*deal
	optedOut  []string // e-mail addresses
	acts      []*activity
}

func newWorld() (*world, error) {
	companies, err := loadCompanies(newDice(1))
	if err != nil {
		return nil, err
	}
	w := &world{companies: companies, people: newCast(2), d: newDice(3)}
	for _, name := range []string{"Rivalytics", "Datastrom", "Pipewright", "Metrica Nova", "Brightquery"} {
		w.rivals = append(w.rivals, &company{name: name, short: name, domain: slug(name) + ".example", place: pick(w.d, places["US"]), employees: 300})
	}
	w.assignRoles(newDice(4))
	return w, nil
}

// ask makes a submission of a person, as the form would send it.
func (w *world) ask(p *person, at time.Time) *lead {
	d := w.d
	l := &lead{at: at, p: p, email: p.email, first: p.first, last: p.last, title: p.title, phone: p.phone, company: p.company.name}
	switch {
	case p.company.alias != "" && d.chance(0.3):
		l.company = p.company.alias
	case d.chance(0.25):
		l.company = p.company.short
	}
	if d.chance(0.35) {
		l.website = d.website(p.company.domain)
	}
	l.country = d.countryName(p.place.country)
	if d.chance(0.55) {
		l.state, l.city = p.place.state, p.place.city
	}
	switch {
	case d.chance(0.1):
		l.employees = strconv.Itoa(p.company.employees)
	case d.chance(0.02):
		l.employees = "51-200" // a range, from an old form
	}
	if d.chance(0.02) {
		l.phone = pick(d, junk)
	}
	if d.chance(0.06) {
		l.title = ""
	}
	l.heat = choose(d, []weighted[int]{{0, 46}, {1, 35}, {2, 19}})
	c := choose(d, campaigns)
	l.source, l.medium, l.campaign = pick(d, c.source), pick(d, c.medium), c.name
	l.demo = l.heat == 2 && d.chance(0.75) || l.heat == 1 && d.chance(0.2)
	if l.demo && c.name == "" {
		l.campaign = "request-demo"
	}
	if d.chance(0.7) {
		l.product = pick(d, products)
	}
	l.consent = d.consent(p.place.country)
	l.message = d.message(l)
	w.leads = append(w.leads, l)
	return l
}

func (d dice) website(domain string) string {
	return choose(d, []weighted[string]{{"https://www." + domain, 40}, {"www." + domain, 25}, {domain, 20}, {"http://" + domain + "/about?ref=form", 8}, {strings.ToUpper(domain), 7}})
}

var countryNames = map[string][]string{
	"US": {"United States", "United States", "United States", "USA", "US", "United States of America"}, "CA": {"Canada", "CA"}, "GB": {"United Kingdom", "UK", "GB"},
	"IE": {"Ireland"}, "DE": {"Germany", "Deutschland", "DE"}, "AT": {"Austria", "Österreich"}, "CH": {"Switzerland", "Schweiz"}, "FR": {"France", "FR"},
	"NL": {"Netherlands", "NL"}, "IT": {"Italy", "Italia"}, "ES": {"Spain", "España"}, "SE": {"Sweden"}, "DK": {"Denmark", "Danmark"}, "IN": {"India"},
	"BR": {"Brazil", "Brasil"}, "AU": {"Australia"}, "BM": {"Bermuda"},
}

// countryName is how the form, or an older one, writes a country.
func (d dice) countryName(iso string) string {
	if d.chance(0.07) {
		return ""
	}
	return pick(d, countryNames[iso])
}

func (d dice) consent(country string) string {
	if country == "US" {
		return choose(d, []weighted[string]{{"", 58}, {"yes", 41}, {"no", 1}})
	}
	return choose(d, []weighted[string]{{"yes", 82}, {"", 9}, {"pending", 6}, {"no", 3}})
}

// campaign is where a submission came from, in the spellings that tools send.
type campaign struct {
	source, medium []string
	name           string
}

var campaigns = []weighted[campaign]{
	{campaign{[]string{"google", "google", "Google", "adwords"}, []string{"cpc", "cpc", "ppc"}, "brand-search-q3"}, 16},
	{campaign{[]string{"google"}, []string{"organic"}, ""}, 22},
	{campaign{[]string{"linkedin", "LinkedIn", "lnkd.in"}, []string{"paid-social", "cpc-social"}, "data-leaders-emea"}, 12},
	{campaign{[]string{"linkedin"}, []string{"social"}, ""}, 6},
	{campaign{[]string{"newsletter"}, []string{"email", "e-mail"}, "autumn-digest"}, 8},
	{campaign{[]string{"webinar"}, []string{"webinar"}, "forecasting-live-2026-09"}, 9},
	{campaign{[]string{"event"}, []string{"event"}, "data-days-2026"}, 7},
	{campaign{[]string{"(direct)", "direct"}, []string{"(none)", ""}, ""}, 14},
	{campaign{[]string{"reviews.example"}, []string{"referral"}, "comparison-page"}, 8},
	{campaign{[]string{"bing"}, []string{"cpc"}, "brand-search-q3"}, 4},
}

var products = []string{"forecasting", "pipelines", "reporting", "platform"}

func (d dice) message(l *lead) string {
	if d.chance(0.62) {
		return ""
	}
	what := cmp.Or(l.product, "platform")
	return strings.ReplaceAll(pick(d, messages[l.heat]), "%", what)
}

var messages = [3][]string{
	{"Just looking around for now.", "Please send the white paper.", "Student project? No, only curious about %.", "Saw you at the conference, interesting talk.", "newsletter please"},
	{"We are comparing tools for %; do you have a price list?", "How does % connect to our warehouse?", "Evaluating for next year, no rush.",
		"Could you send a case study on %, ideally from our industry?", "Wir vergleichen gerade drei Anbieter.", "Bonjour, avez-vous une documentation en français ?"},
	{"We want to replace our current tool for % this quarter. Budget is approved.", "Please call me today about %, we decide on Friday.",
		"Need a demo for 6 people, \"%\" first.\nAny slot next week works.", "Our contract with another vendor ends in December; what would % cost for 250 users?",
		"RFP attached by mail, deadline in two weeks, please confirm.", "Bitte um Rückruf, wir möchten bis Jahresende einführen."},
}

func (w *world) leadRows() [][]string {
	out := make([][]string, len(w.leads))
	for i, l := range w.leads {
		out[i] = []string{l.id, stamp(l.at), l.email, l.first, l.last, l.title, l.phone, l.company, l.website, l.country, l.state, l.city, l.employees,
			l.source, l.medium, l.campaign, l.product, l.partner, l.consent, l.message}
	}
	return out
}

// settle orders the submissions by time and numbers them.
func (w *world) settle() {
	slices.SortStableFunc(w.leads, func(a, b *lead) int { return a.at.Compare(b.at) })
	for i, l := range w.leads {
		l.id = "L" + strconv.Itoa(10001 + i)[1:]
	}
}

// arrival is a moment at which somebody who lives by this clock fills in a
// form: mostly in office hours, sometimes at night or on a weekend.
func (w *world) arrival(clock int) time.Time {
	d := w.d
	for {
		day := d.IntN(84)
		weekend := day%7 >= 5
		if weekend && !d.chance(0.28) {
			continue
		}
		// Two busy times: the days after the webinar, and the conference week.
		if busy := day >= 24 && day <= 26 || day >= 57 && day <= 60; !busy && d.chance(0.25) {
			continue
		}
		hour := 9 + (d.NormFloat64()+1)*2.6
		if d.chance(0.17) {
			hour = d.Float64() * 24
		}
		t := begin.AddDate(0, 0, day).Add(time.Duration(hour*float64(time.Hour)) - time.Duration(clock)*time.Hour).Truncate(time.Second)
		if !t.Before(begin.Add(time.Hour)) && t.Before(end.Add(-time.Hour)) {
			return t
		}
	}
}
