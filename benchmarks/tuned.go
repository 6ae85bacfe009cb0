package benchmarks

import (
	"fmt"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// compileTuned gives the code for a model. That of 40 rules is written by hand; a test
// writes the others in the same manner, as somebody with much patience would.
func compileTuned(m *Model) (Scorer, error) {
	code, ok := map[int]func(*Lead, *Outcome, sums){10: tuned10, 40: tuned40, 160: tuned160, 640: tuned640}[len(m.Rules)]
	if !ok {
		return nil, fmt.Errorf("no tuned code for a model of %d rules", len(m.Rules))
	}
	points := sumsOf(m)
	return ScorerFunc(func(l *Lead, out *Outcome) error { code(l, out, points); return nil }), nil
}

// bit is the i-th bit if the condition holds.
func bit(i int, holds bool) uint64 {
	var b uint64
	if holds {
		b = 1
	}
	return b << i
}

// tuned40 is the model of 40 made fast by hand: the events are gone through once,
// strings are switched on, and points come from a table.
func tuned40(l *Lead, out *Outcome, points sums) {
	p, c := &l.Person, &l.Company
	const day = int64(24 * time.Hour)
	now := Now.UnixNano()
	var pricing, pages, demos, clicks, downloads, webinars, trials, recent int
	week, fortnight, month := now-7*day, now-14*day, now-30*day
	for i := range l.Events {
		e := &l.Events[i]
		at := e.At.UnixNano()
		if at > month {
			recent++
		}
		switch e.Type {
		case "pricing_view":
			if at > week {
				pricing++
			}
		case "page_view":
			if at > week {
				pages++
			}
		case "demo_request":
			if at > month {
				demos++
			}
		case "email_click":
			if at > fortnight {
				clicks++
			}
		case "content_download":
			if at > month {
				downloads++
			}
		case "webinar_attended":
			webinars++
		case "trial_started":
			if at > fortnight {
				trials++
			}
		}
	}
	employees := c.Employees
	m := bit(0, employees >= 500) | bit(1, employees >= 50 && employees < 500) | bit(2, employees < 10) | bit(3, c.Revenue >= 10_000_000)
	idealIndustry, idealCountry, idealSeniority := false, false, false
	switch c.Industry {
	case "software", "fintech":
		m |= 1 << 4
		idealIndustry = true
	case "healthtech", "ecommerce":
		m |= 1 << 4
	case "education", "nonprofit", "government":
		m |= 1 << 5
	}
	switch p.Country {
	case "US", "GB", "DE":
		m |= 1 << 6
		idealCountry = true
	case "CA", "FR", "NL", "SE", "AU":
		m |= 1 << 6
	case "RU", "KP", "IR", "SY", "CU":
		m |= 1 << 7
	}
	switch p.Seniority {
	case "vp", "c_level":
		m |= 1 << 8
		idealSeniority = true
	case "director":
		m |= 1 << 9
		idealSeniority = true
	}
	switch p.Department {
	case "engineering", "it", "data":
		m |= 1 << 10
	}
	m |= bit(11, strings.HasPrefix(p.Title, "Chief") || strings.Contains(p.Title, "Head of"))
	switch p.EmailDomain {
	case "gmail.com", "yahoo.com", "hotmail.com", "outlook.com", "proton.me":
		m |= 1 << 12
	}
	m |= bit(13, strings.HasSuffix(p.Email, ".edu"))
	for _, t := range c.Technologies {
		if t == "kubernetes" || t == "aws" {
			m |= 1 << 14
		} else if strings.HasPrefix(t, "salesforce") {
			m |= 1 << 15
		}
	}
	switch p.Source {
	case "referral":
		m |= 1 << 16
	case "webinar", "event", "partner":
		m |= 1 << 17
	}
	m |= bit(18, strings.HasPrefix(p.Campaign, "brand_")) | bit(19, p.HasPhone && p.OptedIn) | bit(20, p.Unsubscribed) | bit(21, p.FormFields >= 5)
	m |= bit(22, p.EmailsOpened >= 3 && p.EmailsClicked >= 1)
	m |= bit(23, p.EmailsOpened > 0 && float64(p.EmailsClicked)/float64(p.EmailsOpened) > 0.3)
	m |= bit(24, p.Minutes > 15)
	age := now - p.ActiveAt.UnixNano()
	m |= bit(25, age < 7*day) | bit(26, age > 90*day) | bit(27, now-p.CreatedAt.UnixNano() < day)
	m |= bit(28, pricing >= 2) | bit(29, pricing >= 4) | bit(30, demos >= 1) | bit(31, pages >= 5) | bit(32, clicks >= 1) |
		bit(33, downloads >= 1) | bit(34, webinars >= 1) | bit(35, trials >= 1) | bit(36, recent == 0)
	switch c.FundingStage {
	case "series_b", "series_c", "series_d":
		m |= 1 << 37
	}
	m |= bit(38, c.Founded >= 2015 && c.Growth > 0.2)
	m |= bit(39, idealIndustry && employees >= 100 && idealSeniority && idealCountry)

	// The other words are never anything but zero here.
	out.Matched[0] = m
	points.end(l, out, age, 1)
}

// sums are the points of every subset of each eight rules.
type sums [][256]int32

func sumsOf(m *Model) sums {
	t := make(sums, (len(m.Rules)+7)/8)
	for group := range t {
		rules := m.Rules[group*8 : min(group*8+8, len(m.Rules))]
		for subset := range 256 {
			for k, r := range rules {
				if subset>>k&1 == 1 {
					t[group][subset] += int32(r.Points)
				}
			}
		}
	}
	return t
}

// of are the points of a set of rules.
func (t sums) of(matched *Bits) leadloop.Points {
	var sum int32
	for i := range t {
		sum += t[i][uint8(matched[i>>3]>>(i&7*8))]
	}
	return leadloop.Points(sum) * leadloop.Point
}

// end adds up the points of what matched, applies the modifiers, and gives the tier
// in a model of scale times forty rules.
func (t sums) end(l *Lead, out *Outcome, active int64, scale int) {
	points := t.of(&out.Matched)
	if l.Person.IsCustomer {
		points = scaled(points, 0.25)
	}
	if active > 90*int64(day) {
		points = scaled(points, 0.5)
	}
	if l.Company.Growth > 0.5 {
		points = scaled(points, 1.1)
	}
	out.Points, out.Tier = points, tierOf(points, scale)
}
