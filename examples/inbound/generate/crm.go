package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	accountColumns     = []string{"id", "name", "domains", "owner", "customer", "parent", "country"}
	contactColumns     = []string{"id", "account", "first_name", "last_name", "email", "phone", "owner", "opted_out"}
	opportunityColumns = []string{"id", "account", "contact", "lead", "owner", "status", "amount", "source", "created_at", "closed_at"}
	repColumns         = []string{"id", "name", "email", "manager", "active"}
	suppressionColumns = []string{"kind", "value", "reason"}
)

// contact is a person whom the CRM knows.
type contact struct {
	p        *person
	optedOut bool
}

// deal is an opportunity: of an account from before, or of a lead.
type deal struct {
	company         *company // nil for a lead's
	lead            *lead    // nil for one from before
	status, source  string
	amount          int
	created, closed time.Time
}

func (w *world) addContact(p *person, optedOut bool) {
	if !slices.ContainsFunc(w.contacts, func(c *contact) bool { return c.p == p }) {
		w.contacts = append(w.contacts, &contact{p, optedOut})
	}
}

func dealSize(d dice, c *company) int {
	n := 4000 * math.Pow(float64(max(10, c.employees)), 0.33) * (0.6 + d.Float64())
	return int(n) / 500 * 500
}

// closeDeals adds what the CRM knew before, and lets some of the open deals
// close within the sample.
func (w *world) closeDeals(d dice) {
	for _, deal := range w.deals {
		deal.close(d, 0.45, 0.5)
	}
	w.deals = slices.DeleteFunc(w.deals, func(o *deal) bool { return o.created.After(end) })
	sources := []string{"event", "partner", "outbound", "google", "referral"}
	for _, c := range w.companies {
		o := &deal{company: c, source: pick(d, sources), amount: dealSize(d, c)}
		days := func(lo, hi int) time.Duration {
			return time.Duration(d.between(lo, hi))*24*time.Hour + time.Duration(d.between(9*60, 17*60))*time.Minute
		}
		switch c.role {
		case customer:
			o.created = begin.Add(-days(200, 900))
			o.status, o.closed = "won", o.created.Add(days(20, 110))
		case lostBefore:
			o.created = begin.Add(-days(160, 330))
			o.status, o.closed = "lost", o.created.Add(days(20, 90))
		case inDeal:
			o.created, o.status = begin.Add(-days(3, 75)), "open"
			o.close(d, 0.25, 0.5)
		default:
			continue
		}
		w.deals = append(w.deals, o)
	}
	slices.SortStableFunc(w.deals, func(a, b *deal) int { return a.created.Compare(b.created) })
	w.strangers(d)
}

// close ends a deal with the given probability, if that is still within the
// sample.
func (o *deal) close(d dice, probability, wins float64) {
	at := o.created.Add(time.Duration(d.between(8*24, 50*24))*time.Hour + time.Duration(d.between(0, 400))*time.Minute)
	if at.Before(begin) {
		at = begin.Add(at.Sub(o.created))
	}
	if !d.chance(probability) || at.After(end) {
		return
	}
	o.status, o.closed = "lost", at
	if d.chance(wins) {
		o.status = "won"
	}
}

// strangers are contacts who never fill in a form in these weeks.
func (w *world) strangers(d dice) {
	k := w.people
	for _, c := range w.companies {
		n := 0
		switch c.role {
		case customer:
			n = 2
		case inDeal, lostBefore:
			n = 1
		case prospect:
			n = d.IntN(2)
		}
		for range n {
			w.addContact(k.at(c), d.chance(0.03))
		}
	}
}

// accounts returns the companies in the CRM, by their id.
func (w *world) accounts() (list []*company, id map[*company]string) {
	id = map[*company]string{}
	for _, c := range w.companies {
		if c.role != neutral {
			list = append(list, c)
			id[c] = fmt.Sprintf("A%03d", len(list))
		}
	}
	return list, id
}

func (w *world) accountRows() [][]string {
	list, id := w.accounts()
	var out [][]string
	for i, c := range list {
		domains := c.domain
		if i%9 == 4 {
			domains += ";" + strings.TrimSuffix(c.domain, ".example") + "-group.example"
		}
		parent := ""
		if i%23 == 11 {
			parent = id[list[i-1]]
		}
		out = append(out, []string{id[c], c.name, domains, c.owner, strconv.FormatBool(c.role == customer), parent, c.place.country})
	}
	return out
}

func (w *world) contactRows() [][]string {
	_, id := w.accounts()
	var out [][]string
	for i, c := range w.contacts {
		p := c.p
		out = append(out, []string{contactID(i), id[p.company], p.first, p.last, p.email, international(p), p.company.owner, strconv.FormatBool(c.optedOut)})
	}
	return out
}

func contactID(i int) string { return fmt.Sprintf("C%03d", i+1) }

// international is a person's number as the CRM keeps it, "" if there is none.
func international(p *person) string {
	n := numbers[p.place.country]
	s, _, _ := strings.Cut(p.phone, " ext")
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
	switch {
	case digits == "":
		return ""
	case n.code == "1":
		return "+1" + digits[len(digits)-10:]
	case strings.HasPrefix(s, "+"):
		return "+" + digits
	case strings.HasPrefix(digits, "00"):
		return "+" + digits[2:]
	case n.code == "39":
		return "+39" + digits
	}
	return "+" + n.code + strings.TrimPrefix(digits, "0")
}

func (w *world) opportunityRows() [][]string {
	_, id := w.accounts()
	var out [][]string
	for i, o := range w.deals {
		var account, contact, lead, rep string
		if o.lead != nil {
			account, lead = id[o.lead.p.company], o.lead.id
		} else {
			account, rep = id[o.company], o.company.owner
			if at := slices.IndexFunc(w.contacts, worksAt(o.company)); at >= 0 {
				contact = contactID(at)
			}
		}
		closed := ""
		if !o.closed.IsZero() {
			closed = stamp(o.closed)
		}
		out = append(out, []string{fmt.Sprintf("O%03d", i+1), account, contact, lead, rep, o.status, strconv.Itoa(o.amount), o.source, stamp(o.created), closed})
	}
	return out
}

func worksAt(c *company) func(*contact) bool {
	return func(k *contact) bool { return k.p.company == c }
}

// repRows is the sales team as the CRM has it; who gets which leads stands in
// the playbook.
func repRows() [][]string {
	return [][]string{
		{"carol", "Carol Whitfield", "carol@vendor.example", "", "true"},
		{"dana", "Dana Brooks", "dana@vendor.example", "carol", "true"},
		{"maya", "Maya Lindgren", "maya@vendor.example", "dana", "true"},
		{"tom", "Tom Okafor", "tom@vendor.example", "dana", "true"},
		{"priya", "Priya Raman", "priya@vendor.example", "dana", "true"},
		{"luis", "Luis Herrera", "luis@vendor.example", "dana", "true"},
		{"grace", "Grace Kim", "grace@vendor.example", "dana", "true"},
		{"marcus", "Marcus Bell", "marcus@vendor.example", "carol", "true"},
		{"ana", "Ana Duarte", "ana@vendor.example", "marcus", "true"},
		{"ben", "Ben Walker", "ben@vendor.example", "marcus", "true"},
		{"cem", "Cem Aydın", "cem@vendor.example", "marcus", "true"},
		{"ingrid", "Ingrid Sørlie", "ingrid@vendor.example", "carol", "true"},
		{"lena", "Lena Vogt", "lena@vendor.example", "ingrid", "true"},
		{"pierre", "Pierre Lacombe", "pierre@vendor.example", "ingrid", "true"},
		{"oisin", "Oisín Brady", "oisin@vendor.example", "ingrid", "true"},
		{"chiara", "Chiara Monti", "chiara@vendor.example", "ingrid", "true"},
		{"rory", "Rory Penhale", "rory@vendor.example", "dana", "false"},
	}
}

func (w *world) suppressionRows() [][]string {
	var out [][]string
	for _, e := range w.optedOut {
		out = append(out, []string{"email", e, "opted_out"})
	}
	for _, c := range w.rivals {
		out = append(out, []string{"domain", c.domain, "competitor"})
	}
	// Addresses that bounced, and a number somebody asked us to forget, of
	// people who come in late in the sample.
	bounced, manual := 0, 0
	for _, l := range slices.Backward(w.leads) {
		switch {
		case l.closed || l.again:
		case bounced < 4 && l.email == l.p.email && l.heat == 0:
			out = append(out, []string{"email", l.email, "bounced"})
			bounced++
		case manual < 1 && bounced == 4 && l.phone != "" && l.phone == l.p.phone && !strings.Contains(l.phone, "ext"):
			out = append(out, []string{"phone", international(l.p), "manual"})
			manual++
		}
	}
	return out
}
