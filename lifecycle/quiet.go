package lifecycle

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/normalize"
)

const minutesPerDay = 24 * 60

// quiet is, for each weekday, the minutes after local midnight in which nobody
// is reached.
type quiet [7][]span

type span struct{ from, until int }

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

func newQuiet(def map[string][]string) (q quiet, err error) {
	var problems []error
	for _, days := range slices.Sorted(maps.Keys(def)) {
		on, err := parseDays(days)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		for _, text := range def[days] {
			s, err := parseSpan(text)
			if err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", days, err))
				continue
			}
			for _, d := range on {
				if s.until > s.from {
					q[d] = append(q[d], s)
					continue
				}
				// Across midnight.
				q[d] = append(q[d], span{s.from, minutesPerDay})
				if s.until > 0 {
					q[(d+1)%7] = append(q[(d+1)%7], span{0, s.until})
				}
			}
		}
	}
	if len(problems) == 0 && q.always() {
		problems = append(problems, errors.New("no hour is left in which anybody could be reached"))
	}
	return q, errors.Join(problems...)
}

// always reports whether there is no other minute in the week.
func (q quiet) always() bool {
	for _, spans := range q {
		for m := range minutesPerDay {
			if !slices.ContainsFunc(spans, func(s span) bool { return s.from <= m && m < s.until }) {
				return false
			}
		}
	}
	return true
}

// parseDays reads "mon", "mon-fri" (which may run past Saturday), "sat, sun" or
// "daily".
func parseDays(text string) ([]int, error) {
	var out []int
	for part := range strings.SplitSeq(strings.ToLower(text), ",") {
		first, last, ranged := strings.Cut(strings.TrimSpace(part), "-")
		if first == "daily" && !ranged {
			first, last, ranged = "sun", "sat", true
		}
		if !ranged {
			last = first
		}
		a, b := slices.Index(weekdays, strings.TrimSpace(first)), slices.Index(weekdays, strings.TrimSpace(last))
		if a < 0 || b < 0 {
			return nil, fmt.Errorf("%q: expected days such as mon, mon-fri or daily", text)
		}
		for d := a; ; d = (d + 1) % 7 {
			out = append(out, d)
			if d == b {
				break
			}
		}
	}
	return out, nil
}

func parseSpan(text string) (span, error) {
	from, until, ok := strings.Cut(text, "-")
	a, errA := parseMinute(strings.TrimSpace(from))
	b, errB := parseMinute(strings.TrimSpace(until))
	if !ok || errA != nil || errB != nil || a == minutesPerDay || a == b {
		return span{}, fmt.Errorf("%q: expected a span such as 20:00-08:00", text)
	}
	return span{a, b}, nil
}

func parseMinute(text string) (int, error) {
	if text == "24:00" {
		return minutesPerDay, nil
	}
	t, err := time.Parse("15:04", text)
	return t.Hour()*60 + t.Minute(), err
}

// after returns t if it is not quiet in the zone, and else when it no longer
// is.
func (q quiet) after(t time.Time, zone *time.Location) time.Time {
	for range 16 { // a week of spans that touch, and days of which a part is skipped
		local := t.In(zone)
		m := local.Hour()*60 + local.Minute()
		until := -1
		for _, s := range q[local.Weekday()] {
			if s.from <= m && m < s.until {
				until = max(until, s.until)
			}
		}
		if until < 0 {
			return t
		}
		next := time.Date(local.Year(), local.Month(), local.Day(), until/60, until%60, 0, 0, zone)
		if !next.After(t) {
			next = t.Add(time.Hour) // the hour that the clock goes through twice
		}
		t = next
	}
	return t
}

// zoneOf is where the lead is: its own time zone, else that of its country and
// region, else the one for people whose zone is not known.
func (c *Cadences) zoneOf(p *leadloop.Profile) *time.Location {
	if name, _ := leadloop.Timezone.Get(p); name != "" {
		if z, err := loadZone(name); err == nil {
			return z
		}
	}
	country, _ := leadloop.Country.Get(p)
	region, _ := leadloop.Region.Get(p)
	if country == "" {
		country, _ = leadloop.CompanyCountry.Get(p)
	}
	if name, ok := normalize.Timezone(country, region); ok {
		if z, err := loadZone(name); err == nil {
			return z
		}
	}
	return c.zone
}

// zones are those that were loaded, which costs a file each.
var zones sync.Map // of *time.Location by name

func loadZone(name string) (*time.Location, error) {
	if name == "Local" {
		return nil, errors.New("the machine's own zone is none")
	}
	if z, ok := zones.Load(name); ok {
		return z.(*time.Location), nil
	}
	z, err := time.LoadLocation(name)
	if err == nil {
		zones.Store(name, z)
	}
	return z, err
}
