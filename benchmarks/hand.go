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
	out.Tier = tierOf(out.Points, 1)
}

// tierOf gives the tier in a model of scale times forty rules.
func tierOf(p leadloop.Points, scale int) string {
	switch point := leadloop.Points(scale) * leadloop.Point; {
	case p >= 45*point:
		return "A"
	case p >= 30*point:
		return "B"
	case p >= 10*point:
		return "C"
	}
	return "D"
}
