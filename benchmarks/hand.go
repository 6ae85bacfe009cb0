package benchmarks

import (
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// plain is the model of 40 as one would write it down: a line for each rule.
func plain(l *Lead, out *Outcome) {
	p, c := &l.Person, &l.Company
	*out = Outcome{}
	add := func(i int, holds bool) {
		if holds {
			out.Matched.Set(i)
			out.Points += leadloop.Points(forty[i].Points) * leadloop.Point
		}
	}
	count := func(event string, window time.Duration) (n int) {
		for i := range l.Events {
			if l.Events[i].Type == event && Now.Sub(l.Events[i].At) < window {
				n++
			}
		}
		return n
	}
	in := func(s string, list ...string) bool { return slices.Contains(list, s) }

	add(0, c.Employees >= 500)
	add(1, c.Employees >= 50 && c.Employees < 500)
	add(2, c.Employees < 10)
	add(3, c.Revenue >= 10_000_000)
	add(4, in(c.Industry, "software", "fintech", "healthtech", "ecommerce"))
	add(5, in(c.Industry, "education", "nonprofit", "government"))
	add(6, in(p.Country, "US", "CA", "GB", "DE", "FR", "NL", "SE", "AU"))
	add(7, in(p.Country, "RU", "KP", "IR", "SY", "CU"))
	add(8, in(p.Seniority, "vp", "c_level"))
	add(9, p.Seniority == "director")
	add(10, in(p.Department, "engineering", "it", "data"))
	add(11, strings.Contains(p.Title, "Head of") || strings.HasPrefix(p.Title, "Chief"))
	add(12, in(p.EmailDomain, "gmail.com", "yahoo.com", "hotmail.com", "outlook.com", "proton.me"))
	add(13, strings.HasSuffix(p.Email, ".edu"))
	add(14, in("kubernetes", c.Technologies...) || in("aws", c.Technologies...))
	add(15, slices.ContainsFunc(c.Technologies, func(t string) bool { return strings.HasPrefix(t, "salesforce") }))
	add(16, p.Source == "referral")
	add(17, in(p.Source, "webinar", "event", "partner"))
	add(18, strings.HasPrefix(p.Campaign, "brand_"))
	add(19, p.HasPhone && p.OptedIn)
	add(20, p.Unsubscribed)
	add(21, p.FormFields >= 5)
	add(22, p.EmailsOpened >= 3 && p.EmailsClicked >= 1)
	add(23, p.EmailsOpened > 0 && float64(p.EmailsClicked)/float64(p.EmailsOpened) > 0.3)
	add(24, p.Minutes > 15)
	add(25, Now.Sub(p.ActiveAt) < 7*day)
	add(26, Now.Sub(p.ActiveAt) > 90*day)
	add(27, Now.Sub(p.CreatedAt) < day)
	add(28, count("pricing_view", 7*day) >= 2)
	add(29, count("pricing_view", 7*day) >= 4)
	add(30, count("demo_request", 30*day) >= 1)
	add(31, count("page_view", 7*day) >= 5)
	add(32, count("email_click", 14*day) >= 1)
	add(33, count("content_download", 30*day) >= 1)
	add(34, count("webinar_attended", 1<<62) >= 1)
	add(35, count("trial_started", 14*day) >= 1)
	add(36, !slices.ContainsFunc(l.Events, func(e Event) bool { return Now.Sub(e.At) < 30*day }))
	add(37, in(c.FundingStage, "series_b", "series_c", "series_d"))
	add(38, c.Founded >= 2015 && c.Growth > 0.2)
	add(39, (c.Industry == "software" || c.Industry == "fintech") && c.Employees >= 100 &&
		in(p.Seniority, "director", "vp", "c_level") && in(p.Country, "US", "GB", "DE"))

	if p.IsCustomer {
		out.Points = scaled(out.Points, 0.25)
	}
	if Now.Sub(p.ActiveAt) > 90*day {
		out.Points = scaled(out.Points, 0.5)
	}
	if c.Growth > 0.5 {
		out.Points = scaled(out.Points, 1.1)
	}
	out.Tier = tierOf(out.Points)
}

func tierOf(p leadloop.Points) string {
	switch {
	case p >= 45*leadloop.Point:
		return "A"
	case p >= 30*leadloop.Point:
		return "B"
	case p >= 10*leadloop.Point:
		return "C"
	}
	return "D"
}

// bit is the i-th bit if the condition holds.
func bit(i int, holds bool) uint64 {
	var b uint64
	if holds {
		b = 1
	}
	return b << i
}

// tuned is the same model, made fast by hand: the events are gone through once,
// strings are switched on, and points come from a table.
func tuned(l *Lead, out *Outcome) {
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

	points := leadloop.Points(sums[0][m&255]+sums[1][m>>8&255]+sums[2][m>>16&255]+sums[3][m>>24&255]+sums[4][m>>32&255]) * leadloop.Point
	if p.IsCustomer {
		points = scaled(points, 0.25)
	}
	if age > 90*day {
		points = scaled(points, 0.5)
	}
	if c.Growth > 0.5 {
		points = scaled(points, 1.1)
	}
	// The other words are never anything but zero here.
	out.Matched[0], out.Points, out.Tier = m, points, tierOf(points)
}

// sums are the points of every subset of each eight rules.
var sums = func() (t [5][256]int32) {
	for group := range t {
		for subset := range 256 {
			for k := range 8 {
				if subset>>k&1 == 1 {
					t[group][subset] += int32(forty[group*8+k].Points)
				}
			}
		}
	}
	return t
}()
