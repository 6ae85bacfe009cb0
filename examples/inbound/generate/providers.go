package main

import (
	"strconv"
	"strings"
	"time"
)

var (
	firmoColumns = []string{"company.domain", "company.employees", "company.revenue", "company.industry", "company.country", "confidence", "verified_at"}
	techColumns  = []string{"company.domain", "company.employees", "company.technologies", "company.funding_stage", "company.hiring_velocity", "company.founded",
		"confidence", "verified_at"}
)

// unknown is how a provider says that it looked and there is nothing.
const unknown = "-"

// firmoRows is what a vendor of company data knows: most companies, sizes a
// little off.
func (w *world) firmoRows() [][]string {
	d := newDice(7)
	var out [][]string
	for _, c := range w.companies {
		if !d.chance(0.7) {
			continue
		}
		revenue, industry := strconv.Itoa(c.revenue), c.sector
		if c.employees < 500 && d.chance(0.45) {
			revenue = unknown
		}
		if d.chance(0.05) {
			industry = ""
		}
		out = append(out, []string{c.domain, d.estimate(c.employees, 0.1), revenue, industry, c.place.country, d.confidence(0.7), d.checked()})
	}
	return out
}

// techRows is what a vendor of technology data knows: fewer companies, and
// head counts from job pages that don't always agree with the other vendor's.
func (w *world) techRows() [][]string {
	d := newDice(8)
	var out [][]string
	for _, c := range w.companies {
		if !d.chance(0.45) {
			continue
		}
		employees, funding := d.estimate(c.employees, 0.45), c.funding
		switch {
		case d.chance(0.06):
			employees = unknown
		case d.chance(0.04):
			employees = ""
		}
		if funding == "" {
			funding = unknown
		}
		out = append(out, []string{c.domain, employees, strings.Join(c.tech, ";"), funding, strconv.FormatFloat(c.hiring, 'f', 1, 64), strconv.Itoa(c.founded),
			d.confidence(0.5), d.checked()})
	}
	return out
}

// estimate is a number that may be off by the given share.
func (d dice) estimate(n int, off float64) string {
	return strconv.Itoa(sized(float64(n) * (1 + (d.Float64()*2-1)*off)))
}

func (d dice) confidence(from float64) string {
	return strconv.FormatFloat(from+d.Float64()*(0.98-from), 'f', 2, 64)
}

// checked is the day on which the vendor last verified a row.
func (d dice) checked() string { return begin.AddDate(0, 0, -d.between(1, 420)).Format(time.DateOnly) }
