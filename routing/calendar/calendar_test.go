package calendar

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Skipf("no zone database here: %v", err)
	}
	return z
}

func hours(t testing.TB, days string, spans ...string) map[time.Weekday][]Span {
	t.Helper()
	ds, err := ParseDays(days)
	if err != nil {
		t.Fatal(err)
	}
	out := map[time.Weekday][]Span{}
	for _, d := range ds {
		for _, s := range spans {
			span, err := ParseSpan(s)
			if err != nil {
				t.Fatal(err)
			}
			out[d] = append(out[d], span)
		}
	}
	return out
}

func must(t testing.TB, d Definition) Calendar {
	t.Helper()
	c, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func at(t testing.TB, z *time.Location, s string) time.Time {
	t.Helper()
	v, err := time.ParseInLocation("2006-01-02 15:04", s, z)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAddAndBetween(t *testing.T) {
	ny, berlin := zone(t, "America/New_York"), zone(t, "Europe/Berlin")
	office := hours(t, "mon-fri", "09:00-17:00")
	always := hours(t, "daily", "00:00-24:00")
	for _, c := range []struct {
		name  string
		def   Definition
		start string
		d     time.Duration
		want  string
	}{
		{"half an hour is left on Friday, the rest is Monday's", Definition{Hours: office}, "2026-11-06 16:30", time.Hour, "2026-11-09 09:30"},
		{"a start on Saturday evening waits for Monday morning", Definition{Hours: office}, "2026-11-07 18:00", time.Hour, "2026-11-09 10:00"},
		{"a start on Saturday morning waits for Monday morning", Definition{Hours: office}, "2026-11-07 08:00", time.Hour, "2026-11-09 10:00"},
		{"what fits exactly ends at closing time, not the next morning", Definition{Hours: office}, "2026-11-06 16:00", time.Hour, "2026-11-06 17:00"},
		{"no time at all is no move, even when closed", Definition{Hours: office}, "2026-11-07 18:00", 0, "2026-11-07 18:00"},
		{"a holiday is skipped", Definition{Hours: office, Holidays: []Date{{2026, 11, 9}}}, "2026-11-06 16:30", time.Hour, "2026-11-10 09:30"},
		{"a lunch break does not count", Definition{Hours: hours(t, "mon-fri", "09:00-12:00", "13:00-17:00")}, "2026-11-06 11:30", time.Hour, "2026-11-06 13:30"},
		{"overlapping hours count once", Definition{Hours: hours(t, "mon-fri", "09:00-13:00", "12:00-17:00")}, "2026-11-06 11:00", 3 * time.Hour, "2026-11-06 14:00"},
		{"a night shift crosses midnight", Definition{Hours: hours(t, "mon", "22:00-06:00")}, "2026-11-09 23:00", 3 * time.Hour, "2026-11-10 02:00"},
		{"a night shift of Saturday runs into Sunday", Definition{Hours: hours(t, "sat", "22:00-06:00")}, "2026-11-08 05:30", time.Hour, "2026-11-14 22:30"},
		{"a holiday cuts the night shift at midnight", Definition{Hours: hours(t, "mon", "22:00-06:00"), Holidays: []Date{{2026, 11, 10}}}, "2026-11-09 23:00", 2 * time.Hour, "2026-11-16 23:00"},
		{"a closed period stands still", Definition{Hours: office, Closed: []Period{{time.Date(2026, 11, 6, 10, 0, 0, 0, time.UTC), time.Date(2026, 11, 6, 14, 0, 0, 0, time.UTC)}}}, "2026-11-06 09:30", time.Hour, "2026-11-06 14:30"},
		{"the leap day is a working day", Definition{Hours: office}, "2028-02-28 16:30", 2 * time.Hour, "2028-02-29 10:30"},
		{"working hours don't notice that Sunday had 25 hours", Definition{Zone: ny, Hours: office}, "2026-10-30 16:30", time.Hour, "2026-11-02 09:30"},
		{"a day around the clock in New York has 25 hours in November", Definition{Zone: ny, Hours: always}, "2026-11-01 00:00", 25 * time.Hour, "2026-11-02 00:00"},
		{"a day around the clock in Berlin has 23 hours in March", Definition{Zone: berlin, Hours: always}, "2026-03-29 00:00", 23 * time.Hour, "2026-03-30 00:00"},
		{"hours in the repeated hour begin the first time", Definition{Zone: ny, Hours: hours(t, "sun", "01:30-04:00")}, "2026-11-01 00:00", 3*time.Hour + 30*time.Minute, "2026-11-01 04:00"},
		{"hours in the missing hour are not there", Definition{Zone: berlin, Hours: hours(t, "sun", "02:00-04:00")}, "2026-03-29 00:00", time.Hour, "2026-03-29 04:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cal := must(t, c.def)
			z := c.def.Zone
			if z == nil {
				z = time.UTC
			}
			start := at(t, z, c.start)
			got := cal.Add(start, c.d)
			if diff := cmp.Diff(c.want, got.Format("2006-01-02 15:04")); diff != "" {
				t.Errorf("Add (-want +got):\n%s", diff)
			}
			if back := cal.Between(start, got); back != c.d {
				t.Errorf("Between(start, Add(start, %v)) = %v", c.d, back)
			}
		})
	}
}

func TestTheZeroCalendarIsOpenAroundTheClock(t *testing.T) {
	var c Calendar
	start := time.Date(2026, 11, 7, 18, 0, 0, 5, time.UTC)
	if got := c.Add(start, 90*time.Minute); !got.Equal(start.Add(90 * time.Minute)) {
		t.Errorf("Add = %v", got)
	}
	if !c.Open(start) || !c.NextOpen(start).Equal(start) {
		t.Error("it is not open")
	}
	p := Period{start.Add(time.Hour), start.Add(3 * time.Hour)}
	if got := c.Without(p).Add(start, 90*time.Minute); !got.Equal(start.Add(3*time.Hour + 30*time.Minute)) {
		t.Errorf("Add with a pause = %v", got)
	}
}

func TestOpen(t *testing.T) {
	c := must(t, Definition{Hours: hours(t, "mon-fri", "09:00-17:00")})
	for _, x := range []struct {
		name, at string
		open     bool
		next     string
	}{
		{"the first minute is open", "2026-11-06 09:00", true, "2026-11-06 09:00"},
		{"closing time is closed", "2026-11-06 17:00", false, "2026-11-09 09:00"},
		{"before opening", "2026-11-06 08:59", false, "2026-11-06 09:00"},
		{"the weekend", "2026-11-08 12:00", false, "2026-11-09 09:00"},
	} {
		t.Run(x.name, func(t *testing.T) {
			m := at(t, time.UTC, x.at)
			if got := c.Open(m); got != x.open {
				t.Errorf("Open = %v", got)
			}
			if diff := cmp.Diff(at(t, time.UTC, x.next), c.NextOpen(m)); diff != "" {
				t.Errorf("NextOpen (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBetweenNeverRunsBackwards(t *testing.T) {
	c := must(t, Definition{Hours: hours(t, "mon-fri", "09:00-17:00")})
	a := at(t, time.UTC, "2026-11-06 12:00")
	if got := c.Between(a, a.Add(-time.Hour)); got != 0 {
		t.Errorf("Between = %v, want 0", got)
	}
}

func TestAMomentIsNeverMoreThan290YearsAway(t *testing.T) {
	c := must(t, Definition{Hours: hours(t, "mon", "09:00-09:01")})
	start := at(t, time.UTC, "2026-11-06 12:00")
	if got := c.Add(start, 8784*time.Hour); !got.Equal(start.Add(horizon)) {
		t.Errorf("Add = %v", got)
	}
	far := c.Without(Period{start, start.AddDate(400, 0, 0)})
	if got := far.NextOpen(start); !got.Equal(start.Add(horizon)) {
		t.Errorf("NextOpen = %v", got)
	}
}

func TestNewNamesEveryProblem(t *testing.T) {
	for _, c := range []struct {
		name string
		def  Definition
		want []string
	}{
		{"a calendar that is never open", Definition{}, []string{"calendar: invalid: it is never open"}},
		{"no such hour, no such date, a period backwards", Definition{
			Hours:    map[time.Weekday][]Span{time.Monday: {{600, 600}, {-1, 5}, {540, 1020}}, 9: nil},
			Holidays: []Date{{2026, 2, 29}},
			Closed:   []Period{{time.Unix(5, 0), time.Unix(5, 0)}},
		}, []string{
			"calendar: invalid: mon: a span goes from 00:00 to at most 24:00 and is not empty",
			"calendar: invalid: mon: a span goes from 00:00 to at most 24:00 and is not empty",
			"calendar: invalid: there is no weekday 9",
			"calendar: invalid: holiday 2026-02-29 is not a date",
			"calendar: invalid: a closed period ends before it begins",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := New(c.def)
			if !errors.Is(err, leadloop.ErrInvalid) {
				t.Fatalf("error = %v", err)
			}
			if diff := cmp.Diff(c.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseDays(t *testing.T) {
	for in, want := range map[string][]time.Weekday{
		"mon":        {1},
		"Mon-Wed":    {1, 2, 3},
		"fri-mon":    {5, 6, 0, 1},
		"tue, thu":   {2, 4},
		"daily":      {0, 1, 2, 3, 4, 5, 6},
		"monday":     nil,
		"mon-":       nil,
		"":           nil,
		"daily-mon":  nil,
		"mon, mon":   {1},
		"sat,sun":    {6, 0},
		"mon-fri-so": nil,
	} {
		got, err := ParseDays(in)
		if (err != nil) != (want == nil) || cmp.Diff(want, got) != "" {
			t.Errorf("ParseDays(%q) = %v, %v; want %v", in, got, err, want)
		}
	}
}

func FuzzParseSpan(f *testing.F) {
	for _, s := range []string{"09:00-17:00", "22:00-06:00", "00:00-24:00", "24:00-01:00", "9:00-17:0", "-", "09:00", "12:00-12:00", "0:60-1:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		span, err := ParseSpan(s)
		if err != nil {
			if !errors.Is(err, leadloop.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		if _, err := New(Definition{Hours: map[time.Weekday][]Span{time.Monday: {span}}}); err != nil {
			t.Errorf("a span that parses, %v, is refused: %v", span, err)
		}
	})
}

// drawCalendar draws calendars in zones with all kinds of daylight saving.
func drawCalendar(t *rapid.T, zones []*time.Location) Calendar {
	d := Definition{Zone: rapid.SampledFrom(zones).Draw(t, "zone"), Hours: map[time.Weekday][]Span{}}
	n := rapid.IntRange(1, 9).Draw(t, "spans")
	for range n {
		day := time.Weekday(rapid.IntRange(0, 6).Draw(t, "day"))
		from := rapid.IntRange(0, 1439).Draw(t, "from")
		until := rapid.IntRange(0, 1440).Filter(func(u int) bool { return u != from }).Draw(t, "until")
		d.Hours[day] = append(d.Hours[day], Span{from, until})
	}
	base := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for range rapid.IntRange(0, 5).Draw(t, "holidays") {
		y, m, day := base.AddDate(0, 0, rapid.IntRange(0, 1500).Draw(t, "holiday")).Date()
		d.Holidays = append(d.Holidays, Date{y, m, day})
	}
	for range rapid.IntRange(0, 3).Draw(t, "pauses") {
		from := drawMoment(t, "pause")
		d.Closed = append(d.Closed, Period{from, from.Add(1 + time.Duration(rapid.Int64Range(0, int64(90*24*time.Hour)).Draw(t, "length")))})
	}
	c, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// drawMoment draws moments over years with leap days, often near a change to
// or from daylight saving.
func drawMoment(t *rapid.T, label string) time.Time {
	if rapid.Bool().Draw(t, label+" near a change") {
		change := rapid.SampledFrom([]time.Time{
			time.Date(2026, 3, 8, 7, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 6, 0, 0, 0, time.UTC),
			time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC), time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC),
			time.Date(2026, 4, 4, 15, 0, 0, 0, time.UTC), time.Date(2011, 12, 30, 10, 0, 0, 0, time.UTC),
			time.Date(2028, 2, 29, 12, 0, 0, 0, time.UTC),
		}).Draw(t, label)
		return change.Add(time.Duration(rapid.Int64Range(int64(-50*time.Hour), int64(50*time.Hour)).Draw(t, label+" offset")))
	}
	return time.Unix(rapid.Int64Range(1_290_000_000, 1_900_000_000).Draw(t, label), rapid.Int64Range(0, 999_999_999).Draw(t, label+" ns")).UTC()
}

func zones(t testing.TB) []*time.Location {
	var out []*time.Location
	for _, n := range []string{"UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu", "America/Havana", "Africa/Casablanca"} {
		out = append(out, zone(t, n))
	}
	return out
}

func TestAddIsInvertedByBetweenAdditiveAndMonotone(t *testing.T) {
	zs := zones(t)
	rapid.Check(t, func(t *rapid.T) {
		c := drawCalendar(t, zs)
		start := drawMoment(t, "start")
		length := rapid.Int64Range(0, int64(60*24*time.Hour))
		d, e := time.Duration(length.Draw(t, "d")), time.Duration(length.Draw(t, "e"))
		end := c.Add(start, d)
		if end.Equal(start.Add(horizon)) {
			t.Skip("further away than a calculation goes")
		}
		if got := c.Between(start, end); got != d {
			t.Fatalf("Between(s, Add(s, %v)) = %v", d, got)
		}
		if two, one := c.Add(end, e), c.Add(start, d+e); !two.Equal(one) && one.Before(start.Add(horizon)) {
			t.Fatalf("Add(Add(s, %v), %v) = %v, at once %v", d, e, two, one)
		}
		if further := c.Add(start, d+e); further.Before(end) {
			t.Fatalf("Add(%v) = %v is before Add(%v) = %v", d+e, further, d, end)
		}
		later := start.Add(time.Duration(length.Draw(t, "later")))
		if l := c.Add(later, d); l.Before(end) {
			t.Fatalf("a later start ends earlier: %v before %v", l, end)
		}
		mid := drawMoment(t, "mid")
		if start.Before(mid) && mid.Before(end) {
			if a, b := c.Between(start, mid), c.Between(mid, end); a+b != d {
				t.Fatalf("Between is not additive: %v + %v != %v", a, b, d)
			}
		}
	})
}

// The hours of a day are told from the wall clock, the slow and obvious way.
func TestOpenIsWhatTheWallClockSays(t *testing.T) {
	zs := zones(t)
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(zs).Draw(t, "zone")
		from := rapid.IntRange(0, 1439).Draw(t, "from")
		until := rapid.IntRange(from+1, 1440).Draw(t, "until")
		day := time.Weekday(rapid.IntRange(0, 6).Draw(t, "day"))
		c, err := New(Definition{Zone: zone, Hours: map[time.Weekday][]Span{day: {{from, until}}}})
		if err != nil {
			t.Fatal(err)
		}
		m := drawMoment(t, "moment")
		// Within a day of a change, the wall clock alone does not tell.
		if _, a := m.Add(-24 * time.Hour).In(zone).Zone(); true {
			if _, b := m.Add(24 * time.Hour).In(zone).Zone(); a != b {
				t.Skip("near a change of the zone")
			}
		}
		local := m.In(zone)
		minute := local.Hour()*60 + local.Minute()
		if got, want := c.Open(m), local.Weekday() == day && from <= minute && minute < until; got != want {
			t.Fatalf("Open(%v) = %v, want %v", local, got, want)
		}
	})
}

func TestNextOpenIsOpenAndNothingIsOpenBefore(t *testing.T) {
	zs := zones(t)
	rapid.Check(t, func(t *rapid.T) {
		c := drawCalendar(t, zs)
		start := drawMoment(t, "start")
		next := c.NextOpen(start)
		if next.Before(start) || !c.Open(next) {
			t.Fatalf("NextOpen(%v) = %v is not open", start, next)
		}
		if got := c.Between(start, next); got != 0 {
			t.Fatalf("%v of business time before the next opening", got)
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	c := must(b, Definition{Zone: zone(b, "America/New_York"), Hours: hours(b, "mon-fri", "09:00-12:00", "13:00-17:00"), Holidays: []Date{{2026, 12, 25}}})
	start := at(b, c.zone, "2026-11-06 16:30")
	for _, x := range []struct {
		name string
		d    time.Duration
	}{{"15m", 15 * time.Minute}, {"72h", 72 * time.Hour}, {"1000h", 1000 * time.Hour}} {
		b.Run(x.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.Add(start, x.d)
			}
		})
	}
}
