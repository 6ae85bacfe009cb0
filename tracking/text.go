package tracking

import (
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/leadloop/leadloop"
)

const tooFew = "too few to say"

// Text writes the report as aligned tables that can be read aloud: behind each
// share where it lies with 95 % confidence. Amounts are in whole units of the
// playbook's currency. An error is w's.
func (r Report) Text(w io.Writer) error {
	var b strings.Builder
	l := r.Leads
	fmt.Fprintf(&b, "Leads as of %s: %d\n", r.AsOf.UTC().Format("2006-01-02 15:04 MST"), l.Captured)
	fmt.Fprintf(&b, "  %d assigned, %d queued, %d nurtured, %d alerted, %d suppressed, %d disqualified, %d archived, %d undecided\n",
		l.Assigned, l.Queued, l.Nurtured, l.Alerted, l.Suppressed, l.Disqualified, l.Archived, l.Undecided)
	if l.NoArrival > 0 {
		fmt.Fprintf(&b, "  %d more never arrived according to the journal, and are left out below\n", l.NoArrival)
	}
	fmt.Fprintf(&b, "  %d waited in a queue, %d of them because no rule could place them\n", r.Routing.Queued, r.Routing.Failed)

	section(&b, "Speed to lead, from arrival to first touch", "tier\ttouched\tmedian\t90th percentile\tstill waiting")
	rows(&b, r.SpeedToLead, func(s Speed) []string {
		median, p90 := tooFew, tooFew
		if s.Count >= Enough {
			median, p90 = span(s.Median), span(s.P90)
		}
		return []string{s.Group, strconv.Itoa(s.Count), median, p90, strconv.Itoa(s.Waiting)}
	})
	breakdown(&b, "SAL rate, accepted of those that got an owner", r.SALRate)
	breakdown(&b, "Leakage, never worked of those that should have been", r.Leakage)
	breakdown(&b, "Contact rate, in contact of those that were worked", r.ContactRate)

	section(&b, "Pipeline per lead", "group\tleads\topportunities\tamount\twon\tper lead")
	p := r.PipelinePerLead
	amounts(&b, "", p.All)
	amounts(&b, "source ", p.Source...)
	amounts(&b, "tier ", p.Tier...)
	if p.Unlinked.Opportunities > 0 {
		fmt.Fprintf(&b, "no lead\t\t%d\t%s\t%s\n", p.Unlinked.Opportunities, money(p.Unlinked.Total), money(p.Unlinked.Won))
	}
	section(&b, "SLA, clocks met of those that ended", "tier\trate\tmet\tof")
	rows(&b, r.SLA, func(x Rate) []string { return []string{x.Group, percent(x), strconv.Itoa(x.Hits), strconv.Itoa(x.Of)} })

	// A table ends where a line without tabs stands, so all can go through one
	// writer.
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if _, err := io.WriteString(tw, b.String()); err != nil {
		return err
	}
	return tw.Flush()
}

func section(b *strings.Builder, title, header string) { fmt.Fprintf(b, "\n%s\n%s\n", title, header) }

func rows[T any](b *strings.Builder, list []T, cells func(T) []string) {
	for _, x := range list {
		row := cells(x)
		row[0] = Clean(row[0])
		b.WriteString(strings.Join(row, "\t") + "\n")
	}
}

func breakdown(b *strings.Builder, title string, d Breakdown) {
	section(b, title, "group\trate\tleads\tof")
	for _, part := range []struct {
		by   string
		list []Rate
	}{{"", []Rate{d.All}}, {"source ", d.Source}, {"tier ", d.Tier}} {
		rows(b, part.list, func(r Rate) []string {
			return []string{part.by + r.Group, percent(r), strconv.Itoa(r.Hits), strconv.Itoa(r.Of)}
		})
	}
}

func amounts(b *strings.Builder, by string, list ...Amount) {
	rows(b, list, func(a Amount) []string {
		per := tooFew
		if v, ok := a.PerLead(); ok {
			per = money(v)
		}
		return []string{by + a.Group, strconv.Itoa(a.Leads), strconv.Itoa(a.Opportunities), money(a.Total), money(a.Won), per}
	})
}

// Clean keeps a name from a journal inside its line: control characters become
// question marks.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, s)
}

func percent(r Rate) string {
	v, ok := r.Share()
	if !ok {
		return tooFew
	}
	low, high := r.Interval()
	return fmt.Sprintf("%.1f %% (%.0f–%.0f)", 100*v, 100*low, 100*high)
}

// span writes a duration with its two largest units.
func span(d time.Duration) string {
	units := []struct {
		name   string
		length time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"min", time.Minute}, {"s", time.Second}}
	for i, u := range units {
		if d < u.length {
			continue
		}
		s := fmt.Sprintf("%d %s", d/u.length, u.name)
		if i+1 < len(units) {
			if rest := d % u.length / units[i+1].length; rest > 0 {
				s += fmt.Sprintf(" %d %s", rest, units[i+1].name)
			}
		}
		return s
	}
	return "0 s"
}

// money writes whole units with separators, halves away from zero.
func money(m leadloop.Micros) string {
	const unit = 1_000_000
	n := new(big.Int).Abs(big.NewInt(int64(m)))
	n.Add(n, big.NewInt(unit/2)).Quo(n, big.NewInt(unit))
	s := n.String()
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if m < 0 && s != "0" {
		s = "-" + s
	}
	return s
}
