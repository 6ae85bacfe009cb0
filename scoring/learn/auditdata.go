package learn

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop/internal/suggest"
)

// aDay is how far a date may lie ahead: whoever wrote it may have been in another
// time zone, and a day has no hour.
const aDay = 24 * time.Hour

// lateDates are the dates of a column that lie in the future.
type lateDates struct {
	name   string
	at     int
	form   dateForm
	dates  int64
	late   int64
	latest time.Time
	rows   []int // the first ones, from 1
}

// owned is what somebody owns.
type owned struct{ leads, open int64 }

// mostNamed bounds how many rows, and owners, a finding names.
const mostNamed = 8

// expectDates finds the columns whose dates should not lie in the future.
func (a *auditor) expectDates() {
	if a.o.AsOf.IsZero() {
		return
	}
	for _, name := range []string{a.o.Time, a.o.Closed} {
		if at := a.find(name); at >= 0 {
			if form, n := a.surveys[at].date(); n > 0 {
				a.late = append(a.late, lateDates{name: name, at: at, form: form})
			}
		}
	}
}

// inspect looks at the dates and the owner of a row.
func (a *auditor) inspect(row []string, number int, e ending) {
	for i := range a.late {
		c := &a.late[i]
		t, ok := parseDate(strings.TrimSpace(row[c.at]), c.form)
		if !ok {
			continue
		}
		c.dates++
		if !t.After(a.o.AsOf.Add(aDay)) {
			continue
		}
		if c.late++; len(c.rows) < mostNamed {
			c.rows = append(c.rows, number+1)
		}
		if t.After(c.latest) {
			c.latest = t
		}
	}
	if a.o.Owner == "" {
		return
	}
	name := strings.TrimSpace(row[a.find(a.o.Owner)])
	if name == "" {
		return // nobody's
	}
	o := a.owned[name]
	if o == nil {
		if a.owned == nil {
			a.owned = map[string]*owned{}
		}
		o = &owned{}
		a.owned[strings.Clone(name)] = o
	}
	if o.leads++; e == open {
		o.open++
	}
}

// future asks whether dates lie in the future.
func (a *auditor) future() {
	const check = "are all dates past"
	for _, c := range a.late {
		f := Finding{Check: check, Subject: c.name, Level: LevelFine, Value: counted(c.late, c.dates), Threshold: new(0.0),
			Says: fmt.Sprintf("none of %d lies after %s", c.dates, day(a.o.AsOf))}
		if c.late > 0 {
			f.Level, f.Proposal = LevelWatch, "mend them, or say when the audit is"
			f.Says = fmt.Sprintf("after %s: %d of %d, the latest %s (%s)", day(a.o.AsOf), c.late, c.dates, day(c.latest), rowList(c.rows, c.late))
		}
		a.add(f)
	}
}

// counted is a share that is no estimate.
func counted(n, of int64) *Interval {
	share := float64(n) / float64(max(of, 1))
	return &Interval{Value: share, Low: share, High: share}
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// rowList names the first of n rows.
func rowList(first []int, n int64) string {
	if n == 1 {
		return fmt.Sprintf("row %d", first[0])
	}
	names := make([]string, len(first))
	for i, r := range first {
		names[i] = fmt.Sprint(r)
	}
	list := "rows " + strings.Join(names, ", ")
	if more := n - int64(len(first)); more > 0 {
		list += fmt.Sprintf(" and %d others", more)
	}
	return list
}

// owners asks whether all who own leads are there.
func (a *auditor) owners() {
	if a.o.Owner == "" {
		return
	}
	known := map[string]bool{}
	var names []string
	for _, r := range a.o.Reps {
		for _, n := range []string{string(r.ID), r.Name, r.Email} {
			if n != "" {
				known[fold(n)], names = true, append(names, n)
			}
		}
	}
	var strangers []string
	var leads, open, all int64
	for _, name := range slices.Sorted(maps.Keys(a.owned)) {
		o := a.owned[name]
		all += o.leads
		if !known[fold(name)] {
			strangers, leads, open = append(strangers, name), leads+o.leads, open+o.open
		}
	}
	f := Finding{Check: "is every owner a rep", Subject: a.o.Owner, Level: LevelFine, Value: counted(leads, all), Threshold: new(0.0),
		Says: fmt.Sprintf("all %d owners of %d leads are", len(a.owned), all)}
	if all == 0 {
		f.Level, f.Value, f.Threshold, f.Says = LevelUnknown, nil, nil, "no lead has an owner"
	}
	if leads > 0 {
		slices.SortStableFunc(strangers, func(x, y string) int { return cmp.Compare(a.owned[y].leads, a.owned[x].leads) })
		for i, name := range strangers[:min(mostNamed+1, len(strangers))] { // as many as are named
			strangers[i] = fmt.Sprintf("%s (%d)", name, a.owned[name].leads)
			if hint := suggest.DidYouMean(name, names); hint != "" {
				strangers[i] = fmt.Sprintf("%s (%d, %s)", name, a.owned[name].leads, hint)
			}
		}
		f.Level, f.Proposal = LevelWatch, "enter who is missing with the other reps"
		f.Says = fmt.Sprintf("of %[2]d owned leads %[1]d belong to somebody who is none: %[3]s", leads, all, andList(strangers))
		if open > 0 {
			// Of what has ended nobody waits for an answer.
			f.Level, f.Proposal = LevelAlarm, "give the open ones to somebody, or "+f.Proposal
			f.Says += fmt.Sprintf("; open among these leads: %d", open)
		}
	}
	a.add(f)
}
