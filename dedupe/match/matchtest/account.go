package matchtest

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/normalize"
)

//go:embed data/companies.txt.gz
var companiesGz []byte

// companyNames are the names that are embedded.
var companyNames = sync.OnceValue(func() []string {
	z, err := gzip.NewReader(bytes.NewReader(companiesGz))
	if err != nil {
		panic("matchtest: embedded companies: " + err.Error())
	}
	text, err := io.ReadAll(z)
	if err != nil {
		panic("matchtest: embedded companies: " + err.Error())
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
})

// account is a company, known to the CRM or not.
type account struct {
	id      leadloop.AccountID
	name    string // without legal form
	legal   string
	country *country
	parent  int32 // -1 for none
	known   bool
	// namesake: another company in another country has its name.
	namesake bool
	// within: it has the domain, or a sub-domain, of its parent.
	within  bool
	domains []string // [0] is the present one
	mail    string   // host of its people's addresses
	oldMail string   // before it moved or was renamed, "" if it did not
	pattern uint8    // of the local parts
	place   place
	was     place // before it moved
	line    int   // number of the switchboard
}

// place is an address.
type place struct {
	city     int
	street   string
	postcode string
}

var (
	industries = words(`Logistics Software Foods Energy Capital Systems Analytics Health Robotics Media Labs Networks Security Partners Motors
		Chemicals Textiles Aerospace Biotech Financial Ventures Retail Solutions Consulting Pharma Packaging Insurance Steel Marine Studios`)
	syllables = words(`ve la no ra ti zen kor lu mi dax tel ori qua ber sol nex al tru fin vi cor lum ar pex ty ro van ku wis bel on sy tra da`)
	divisions = words(`Digital Financial_Services Logistics Healthcare Energy Consulting Solutions Technologies Insurance Real_Estate Mobility Labs`)
)

// makeAccounts makes n companies: names that exist, family firms, coined names with an industry, and subsidiaries of earlier ones. No two have
// the same name up to spelling but for some namesakes, which are in another country.
func (w *World) makeAccounts(n int) {
	existing := companyNames()
	order := newPermutation(len(existing), w.seed+2)
	drawn := 0
	names, hosts := make(map[string]bool, n), make(map[string]bool, n+n/4)
	w.accounts = make([]account, 0, n)
	for i := range n {
		r := source(w.seed, 1, uint64(i))
		a := account{id: leadloop.AccountID(fmt.Sprintf("acc-%07d", i)), parent: -1, known: !r.in(100), country: drawCountry(&r), pattern: uint8(r.below(12)), line: i}
		switch {
		case i > 10 && r.in(80):
			w.makeSubsidiary(&r, &a, names, hosts)
		case i > 10 && r.in(15):
			w.makeNamesake(&r, &a, hosts)
		}
		for a.name == "" {
			var name string
			switch {
			case drawn < len(existing) && r.in(500):
				name = existing[order.at(drawn)]
				drawn++
			case r.in(400):
				name = family(&r, a.country.people) + " " + of(&r, a.country.people.trades)
			default:
				name = coin(&r) + " " + of(&r, industries)
			}
			a.claimName(name, names)
		}
		if a.domains == nil {
			a.domains = []string{freeHost(&r, slug(a.name), a.country.tld, hosts)}
		}
		if a.legal == "" && !r.in(120) {
			a.legal = often(&r, a.country.forms)
		}
		a.mail = a.domains[0]
		a.place = drawPlace(&r, a.country)
		w.age(&r, &a, hosts)
		w.accounts = append(w.accounts, a)
	}
}

// claimName takes a name that no other account has.
func (a *account) claimName(name string, names map[string]bool) {
	if key := normalize.Company(name).Key; key != "" && !names[key] && !normalize.IsPlaceholder(key) {
		names[key], a.name = true, name
	}
}

// age gives some companies a second domain, an address before they moved, or a domain before they were renamed.
func (w *World) age(r *random, a *account, hosts map[string]bool) {
	if r.in(120) {
		tlds := []string{"net", "eu", "io", "group"}
		a.domains = append(a.domains, freeHost(r, slug(a.name), of(r, tlds), hosts))
	}
	if r.in(60) {
		a.was = drawPlace(r, a.country)
	}
	if r.in(30) {
		a.oldMail = freeHost(r, coin(r), a.country.tld, hosts)
		a.domains = append(a.domains, a.oldMail)
	}
}

// makeSubsidiary makes a country's arm, a division, or a brand that was bought, of an earlier company without a parent. Half of the arms and
// divisions have a sub-domain of their parent, a quarter only its domain.
func (w *World) makeSubsidiary(r *random, a *account, names, hosts map[string]bool) {
	parent := r.below(len(w.accounts))
	p := &w.accounts[parent]
	if p.parent >= 0 {
		return
	}
	var label, name string
	switch r.below(4) {
	case 0:
		a.parent = int32(parent)
		return // a brand with a name and a domain of its own
	case 1, 2:
		if a.country == p.country {
			return
		}
		name = p.name + " " + of(r, a.country.arm)
		label = strings.ToLower(a.country.iso2)
	default:
		a.country = p.country
		name = p.name + " " + of(r, divisions)
		label = slug(strings.TrimPrefix(name, p.name))
	}
	if a.claimName(name, names); a.name == "" {
		return
	}
	// Who has a subsidiary as an account has its parent too: otherwise nobody could say where the parent's people belong.
	a.parent, a.known, p.known = int32(parent), true, true
	switch r.below(4) {
	case 0, 1:
		host := label + "." + p.domains[0]
		if !hosts[host] {
			hosts[host] = true
			a.domains, a.within = []string{host}, true
		}
	case 2:
		a.domains, a.within = []string{p.domains[0]}, true
	}
}

// makeNamesake makes a company with the name of an earlier one in another country, which has nothing to do with it.
func (w *World) makeNamesake(r *random, a *account, hosts map[string]bool) {
	p := &w.accounts[r.below(len(w.accounts))]
	if p.country == a.country || p.parent >= 0 {
		return
	}
	a.name, a.known, a.namesake = p.name, true, true
	p.known, p.namesake = true, true
	a.domains = []string{freeHost(r, slug(a.name)+"-"+strings.ToLower(a.country.iso2), a.country.tld, hosts)}
}

func drawCountry(r *random) *country {
	at := r.below(100)
	for i := range countries {
		if at -= countries[i].share; at < 0 {
			return &countries[i]
		}
	}
	return &countries[0]
}

func drawPlace(r *random, c *country) place {
	p := place{city: r.below(len(c.cities))}
	p.street = strings.Replace(of(r, c.streets), "%", fmt.Sprint(1+r.below(180)), 1)
	var b strings.Builder
	for i, ch := range c.post {
		switch {
		case ch == '#' && i == 0:
			b.WriteByte('1' + byte(p.city))
		case ch == '#':
			b.WriteByte('0' + byte(r.below(10)))
		case ch == '@':
			b.WriteByte("ABCDEFGHJKLMNPRSTUVWXY"[r.below(22)])
		default:
			b.WriteRune(ch)
		}
	}
	p.postcode = b.String()
	return p
}

// coin makes a word that means nothing.
func coin(r *random) string {
	var b strings.Builder
	for range 2 + r.below(2) {
		b.WriteString(of(r, syllables))
	}
	s := b.String()
	return strings.ToUpper(s[:1]) + s[1:]
}

// family draws a surname, half of them well known.
func family(r *random, c culture) string {
	if r.in(500) {
		return often(r, c.surnames)
	}
	return of(r, c.stems) + of(r, c.ends)
}

// slug is a name as domains write it.
func slug(name string) string {
	var b strings.Builder
	parts := strings.Fields(normalize.Fold(name))
	for i, part := range parts {
		for _, ch := range part {
			if ch >= 'a' && ch <= 'z' || ch >= '0' && ch <= '9' {
				b.WriteRune(ch)
			}
		}
		if b.Len() > 18 && i > 0 {
			break
		}
	}
	return b.String()
}

// freeHost returns a domain that no other company has and that is not a mail provider's.
func freeHost(r *random, label, tld string, hosts map[string]bool) string {
	if r.in(550) {
		tld = "com"
	}
	label = normalize.Fold(label)
	label = label[:min(len(label), 40)]
	for n := 0; ; n++ {
		host := label + "." + tld
		if n > 0 {
			host = fmt.Sprintf("%s%d.%s", label, n+1, tld)
		}
		if hosts[host] {
			continue
		}
		if d, err := normalize.Domain(host); err != nil || d != host || normalize.IsFreeDomain(host) || normalize.IsDisposableDomain(host) {
			if n > 3 {
				label += "co"
			}
			continue
		}
		hosts[host] = true
		return host
	}
}

// hires draws the company of a person: the first ones are the largest.
func (w *World) hires(r *random) int {
	n := len(w.accounts)
	at := r.next() >> 32
	by := r.next() >> 32
	if r.in(300) {
		by = at
	}
	return int(at * by >> 32 * uint64(n) >> 32)
}
