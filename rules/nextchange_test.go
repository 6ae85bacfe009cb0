package rules_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

func TestNextChange(t *testing.T) {
	e := newEnv(t, rules.Options{Vars: []rules.Var{{Name: "due", Kind: moment}}})
	hour := func(h int) time.Time { return noon.Add(time.Duration(h) * time.Hour) }
	never := time.Time{}
	for _, tt := range []struct {
		name  string
		text  string
		want  time.Time
		exact bool
	}{
		{"a constant never changes", `true`, never, true},
		{"fields do not change by themselves", `company.employees > 5`, never, true},
		{"counting all never changes", `count("pricing_view") > 1`, never, true},
		{"an activity leaves its window", `count("pricing_view", "7d") > 1`, hour(7*24 - 1), true},
		{"the one that leaves first counts", `count("pricing_view", "8d") > 1`, hour(24), true},
		{"an activity to come leaves its window later", `seen("reply", "1d")`, hour(25), true},
		{"what never happened leaves no window", `seen("demo", "1d")`, never, true},
		{"since below a bound", `since("pricing_view") < days(7)`, hour(7*24 - 1), true},
		{"since at or below a bound changes just after", `since("pricing_view") <= days(7)`, hour(7*24 - 1).Add(1), true},
		{"a bound on the left", `days(7) > since("pricing_view")`, hour(7*24 - 1), true},
		{"since with an offset", `since("pricing_view") + days(1) < days(7)`, hour(6*24 - 1), true},
		{"since past its bound never changes", `since("pricing_view") > duration("1m")`, never, true},
		{"since what never happened never changes", `since("demo") > days(7)`, never, true},
		{"since what is to come starts to grow there", `since("reply") < days(7)`, hour(1).Add(1), true},
		{"now minus a field", `now - company.funding_date > days(60)`, noon.AddDate(0, 0, 30).Add(1), true},
		{"now minus a field, mirrored", `days(60) <= now - company.funding_date`, noon.AddDate(0, 0, 30), true},
		{"a field plus a duration", `company.funding_date + days(60) < now`, noon.AddDate(0, 0, 30).Add(1), true},
		{"now and a constant", `now < timestamp("2026-11-03")`, hour(12), true},
		{"now past a constant", `now < timestamp("2026-11-01")`, never, true},
		{"now equals a constant", `now == timestamp("2026-11-03")`, hour(12), true},
		{"now and a variable", `now >= due`, hour(5), true},
		{"now and the last activity", `now - last("pricing_view") >= days(1)`, hour(23), true},
		{"now and a chosen time", `now >= (company.employees > 5 ? due : company.funding_date)`, hour(5), true},
		{"now minus days from a field", `now - days(company.employees) >= company.funding_date`, noon.AddDate(0, 0, 570), true},
		{"now and a missing field", `now > timestamp(lead.city)`, never, true},
		{"parts join, the first counts", `since("pricing_view") < days(7) || now >= due`, hour(5), true},

		{"hours change on the hour", `now.getHours("Europe/Berlin") >= 9`, hour(1), true},
		{"hours change on the hour of their zone", `now.getHours("+05:37") >= 9`, noon.Add(23 * time.Minute), true},
		{"hours in a zone that is not known never change", `now.getHours(lead.city) >= 9`, never, true},
		{"hours in a zone that is none never change", `now.getHours(lead.title) >= 9`, never, true},
		{"minutes change on the minute", `now.getMinutes() > 9`, noon.Add(time.Minute), true},
		{"seconds change on the second", `now.getSeconds() > 9`, noon.Add(time.Second), true},
		{"milliseconds change on the millisecond", `now.getMilliseconds() > 9`, noon.Add(time.Millisecond), true},
		{"the day of the week changes at midnight", `now.getDayOfWeek() == 3`, hour(12), true},
		{"the month changes when it ends", `now.getMonth("America/New_York") == 0`, time.Date(2026, 12, 1, 5, 0, 0, 0, time.UTC), true},
		{"the year changes, or the offset of the zone before", `now.getFullYear("Europe/Berlin") == 2030`, time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC), true},
		{"the day of the year in half a year", `(now + days(180)).getDayOfYear() == 3`, hour(12), true},
		{"whole seconds", `int(now) % 2 == 0`, noon.Add(time.Second), true},
		{"hours since", `since("pricing_view").getHours() > 9`, hour(1), true},
		{"minutes since", `since("pricing_view").getMinutes() >= 5`, noon.Add(time.Minute), true},
		{"minutes since what is to come", `since("reply").getMinutes() >= 5`, hour(1).Add(1), true},
		{"hours of a difference", `(now - company.funding_date).getHours() > 9`, hour(1), true},
		{"hours of a difference, the other way", `(company.funding_date - now).getHours() > 9`, hour(1), true},
		{"hours of a difference that is missing never change", `(now - due - since("demo")).getHours() > 9`, never, true},
		{"twice the time", `since("pricing_view") + (now - due) > days(1)`, hour(14).Add(1), true},
		{"twice the time, between two nanoseconds", `since("pricing_view") + (now - due) > days(1) + duration("1ns")`, hour(14).Add(1), true},
		{"twice the time, at or between two nanoseconds", `since("pricing_view") + (now - due) >= days(1) + duration("1ns")`, hour(14).Add(1), true},
		{"twice the time, equal", `since("pricing_view") + (now - due) == days(1)`, hour(14), true},
		{"now less itself never changes", `now - now == duration("0s")`, never, true},
		{"the time of activities", `activities.exists(a, now - a.at > days(30))`, hour(1).Add(1), true},
		{"the time of one activity", `now - activities[1].at < days(8)`, hour(1).Add(1), true},
		{"activities against a variable", `activities.filter(a, a.at >= due).size() > 0`, hour(1).Add(1), true},
		{"hours since activities", `activities.exists(a, (now - a.at).getHours() > 30)`, hour(1), true},
		{"the raw list itself does not move", `activities.size() > 1 && activities.exists(a, a.type == "x")`, never, true},
		{"the last activity is to come", `last("reply") == now`, hour(1).Add(1), true},
		{"the last activity against a variable", `last("reply") < due`, hour(1).Add(1), true},

		{"the moment in other ways", `string(now) > "2026"`, noon.Add(15 * time.Minute), false},
		{"activities that are to come, in other ways", `activities.exists(a, string(a.at) == "")`, noon.Add(15 * time.Minute), false},
		{"two activities", `activities[0].at < activities[1].at`, noon.Add(15 * time.Minute), false},
		{"the last activity in other ways, to come", `string(last("reply")) == ""`, noon.Add(15 * time.Minute), false},
		{"the last activity in other ways, past", `string(last("pricing_view")) == ""`, never, true},
		{"now or something else", `(seen("reply") ? now : due) > company.funding_date`, noon.Add(15 * time.Minute), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := facts(t, e)
			f.Vars = []leadloop.Value{leadloop.ValueOf(hour(5))}
			set := compile(t, e, boolean, tt.text)
			got, exact := set.NextChangeOne(f, 0)
			// A difference of two times errs after 292 years; that is no
			// change anybody waits for.
			if tt.want.IsZero() && got.Year() > 2300 {
				got = time.Time{}
			}
			if !got.Equal(tt.want) || exact != tt.exact {
				t.Errorf("%s: got %v, %v, want %v, %v", tt.text, got, exact, tt.want, tt.exact)
			}
			all, allExact := set.NextChange(f)
			if one, oneExact := set.NextChangeOne(f, 0); !all.Equal(one) || allExact != oneExact {
				t.Errorf("%s: the set of one says %v, %v", tt.text, all, allExact)
			}
		})
	}
}

func TestNextChangeKnowsSummerTime(t *testing.T) {
	e := newEnv(t, rules.Options{})
	at := func(month time.Month, day, hour, minute int) time.Time {
		return time.Date(2027, month, day, hour, minute, 0, 0, time.UTC)
	}
	for _, tt := range []struct {
		text      string
		now, want time.Time
	}{
		{`now.getDayOfWeek("Europe/Berlin") == 1`, at(3, 28, 0, 30), at(3, 28, 1, 0)},
		{`now.getDayOfWeek("Europe/Berlin") == 1`, at(3, 28, 1, 0), at(3, 28, 22, 0)},
		{`now.getHours("Australia/Lord_Howe") == 1`, at(10, 2, 15, 15), at(10, 2, 15, 30)},
	} {
		got, exact := compile(t, e, boolean, tt.text).NextChange(rules.Facts{Now: tt.now})
		if !got.Equal(tt.want) || !exact {
			t.Errorf("%s at %v: got %v, %v, want %v", tt.text, tt.now, got, exact, tt.want)
		}
	}
}

// TestNothingChangesBeforeNextChange evaluates rules that time changes, over
// leads on and around every boundary, at moments on and around every boundary.
func TestNothingChangesBeforeNextChange(t *testing.T) {
	e := newEnv(t, rules.Options{Vars: []rules.Var{{Name: "due", Kind: moment}}})
	sets := map[string]*rules.Set{}
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.IntRange(-5, 5)
		nudge := rapid.SampledFrom([]time.Duration{-1, 0, 1})
		// Clocks go back on the day before noon, in America, and forward on the
		// day before the other one, in Europe.
		base := rapid.SampledFrom([]time.Time{noon, time.Date(2027, 3, 29, 12, 0, 0, 0, time.UTC)}).Draw(rt, "base")
		near := func(label string) time.Time {
			return base.Add(time.Duration(steps.Draw(rt, label)) * 24 * time.Hour).Add(nudge.Draw(rt, label+" nudge"))
		}
		text := timedExpression(rt)
		set := sets[text]
		if set == nil {
			var err error
			if set, err = e.Compile(rule(boolean, text)); err != nil {
				rt.Fatalf("%s: %v", text, err)
			}
			sets[text] = set
		}
		at := func(label string) time.Time {
			t := near(label)
			return t.Add(rapid.SampledFrom([]time.Duration{0, 0, 0, time.Minute, -90 * time.Second, 5 * time.Hour, -6*time.Hour + time.Nanosecond, 250 * time.Microsecond}).Draw(rt, label+" offset"))
		}
		f := rules.Facts{Profile: e.Schema().NewProfile(), Now: at("now")}
		switch rapid.IntRange(0, 4).Draw(rt, "funding date") {
		case 4: // where differences overflow, and where hours are rounded
			leadloop.FundingDate.Set(f.Profile, rapid.SampledFrom([]time.Time{
				near("funding date").Add(-1<<63 + 1), noon.AddDate(-3, 0, 0), noon.AddDate(-200, 0, 0)}).Draw(rt, "long ago"))
		case 0:
			if err := f.Profile.SetValue("company.funding_date", leadloop.NoValue(moment)); err != nil {
				rt.Fatal(err)
			}
		case 1, 2:
			leadloop.FundingDate.Set(f.Profile, at("funding date"))
		}
		leadloop.City.Set(f.Profile, rapid.SampledFrom([]string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "+05:37", "UTC", "nowhere"}).Draw(rt, "zone"))
		if rapid.Bool().Draw(rt, "has due") {
			f.Vars = []leadloop.Value{leadloop.ValueOf(at("due"))}
		}
		for range rapid.IntRange(0, 4).Draw(rt, "activities") {
			f.Activities = append(f.Activities, leadloop.Activity{Type: rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "type"), At: at("at")})
		}
		next, exact := set.NextChange(f)
		if !exact {
			return
		}
		if !next.IsZero() && !next.After(f.Now) {
			rt.Fatalf("%s: next change %v is not after %v", text, next, f.Now)
		}
		before := set.EvalOne(context.Background(), f, 0)
		for _, m := range moments(f, next) {
			if !m.After(f.Now) || !next.IsZero() && !m.Before(next) {
				continue
			}
			later := f
			later.Now = m
			after := set.EvalOne(context.Background(), later, 0)
			if again, exact := set.NextChange(later); !again.Equal(next) || !exact {
				rt.Fatalf("%s: next change %v at %v, but %v, %v at %v", text, next, f.Now, again, exact, m)
			}
			if before.State != after.State || !before.Value.Equal(after.Value) || !slices.Equal(before.Needs, after.Needs) {
				rt.Fatalf("%s: %+v at %v, but %+v at %v, before %v", text, before, f.Now, after, m, next)
			}
		}
	})
}

// moments are where something could change before next: around whole days,
// hours, minutes and seconds counted from whatever the facts hold.
func moments(f rules.Facts, next time.Time) (out []time.Time) {
	bases := []time.Time{noon, f.Now}
	for _, a := range f.Activities {
		bases = append(bases, a.At)
	}
	for _, v := range f.Vars {
		bases = append(bases, v.Time())
	}
	if at, p := leadloop.FundingDate.Get(f.Profile); p == leadloop.Present {
		bases = append(bases, at, noon.Add(noon.Sub(at)%time.Hour))
	}
	if next.IsZero() {
		out = append(out, noon.AddDate(400, 0, 0))
	} else {
		bases = append(bases, next)
		out = append(out, f.Now.Add(next.Sub(f.Now)/2), f.Now.Add(next.Sub(f.Now)/3))
	}
	for _, b := range bases {
		for _, unit := range []time.Duration{time.Millisecond, time.Second, time.Minute, 30 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour} {
			for k := time.Duration(-12); k <= 12; k++ {
				for _, n := range []time.Duration{-1, 0, 1} {
					out = append(out, b.Add(k*unit+n))
				}
			}
		}
	}
	return out
}

func timedExpression(rt *rapid.T) string {
	op := rapid.SampledFrom([]string{"<", "<=", ">", ">=", "==", "!="})
	days := rapid.IntRange(-1, 4)
	typ := rapid.SampledFrom([]string{"a", "b"})
	var expr func(depth int) string
	instant := func() string {
		return rapid.SampledFrom([]string{
			"company.funding_date", "due", `timestamp("2026-11-02T12:00:00Z")`, `last("a")`, `timestamp("2026-11-03T12:00:00Z")`,
			`(seen("a") ? due : company.funding_date)`, `(due + days(1))`, `(seen("b", "2d") ? due : due + days(1))`,
		}).Draw(rt, "instant")
	}
	atom := func() string {
		pick := func(label string, from ...string) string { return rapid.SampledFrom(from).Draw(rt, label) }
		span := func() string {
			return pick("span", `since("a")`, `since("b")`, "(now - "+instant()+")", "("+instant()+" - now)", `(since("a") + (now - `+instant()+"))",
				`(since("a") - since("b"))`, `(now - last("b"))`, `(last("a") - `+instant()+")")
		}
		clock := func() string {
			return pick("clock", "getFullYear", "getMonth", "getDayOfYear", "getDayOfMonth", "getDate", "getDayOfWeek", "getHours", "getMinutes", "getSeconds", "getMilliseconds") +
				pick("zone", "()", `("Europe/Berlin")`, `("America/New_York")`, `("-03:30")`, `(lead.city)`, `(lead.region)`)
		}
		moving := func() string {
			return pick("moving", "now", `(now + days(1))`, `last("a")`, `last("b")`, `(last("a") + since("b"))`, `(now - since("a"))`, `(company.funding_date + since("b"))`)
		}
		switch rapid.IntRange(0, 14).Draw(rt, "atom") {
		case 9:
			return fmt.Sprintf(`%s.%s() %% %d %s %d`, span(), pick("unit", "getHours", "getMinutes", "getSeconds", "getMilliseconds"),
				rapid.SampledFrom([]int{2, 5, 24, 1000000}).Draw(rt, "modulus"), op.Draw(rt, "op"), rapid.IntRange(0, 5).Draw(rt, "k"))
		case 10:
			return fmt.Sprintf(`%s.%s %% %d %s %d`, moving(), clock(), rapid.IntRange(2, 30).Draw(rt, "modulus"), op.Draw(rt, "op"), rapid.IntRange(0, 12).Draw(rt, "k"))
		case 11:
			return fmt.Sprintf(`activities.%s(x, %s %s days(%d))`, pick("macro", "exists", "all", "exists_one"),
				pick("age", "now - x.at", "x.at - now", "x.at - "+instant(), "(now - x.at) + "+span()), op.Draw(rt, "op"), days.Draw(rt, "days"))
		case 12:
			return fmt.Sprintf(`activities.filter(x, x.type == %q && x.at %s %s).size() > %d`, typ.Draw(rt, "type"), op.Draw(rt, "op"), pick("against", instant(), moving(), `now - days(1)`), rapid.IntRange(0, 2).Draw(rt, "n"))
		case 13:
			return fmt.Sprintf(`activities.exists(x, x.at.%s %% 7 == %d || (now - x.at).getMinutes() %% 7 == 3)`,
				pick("clock", "getHours()", `getHours("Europe/Berlin")`, `getDayOfWeek("America/New_York")`, `getMinutes("-03:30")`, "getSeconds()"), rapid.IntRange(0, 6).Draw(rt, "k"))
		case 14:
			return fmt.Sprintf(`(%s %s %s || int(%s) %% 7 == 3)`, span(), op.Draw(rt, "op"), span(), moving())

		case 0:
			return fmt.Sprintf(`count(%q, "%dd") %s %d`, typ.Draw(rt, "type"), days.Draw(rt, "days")+2, op.Draw(rt, "op"), rapid.IntRange(0, 2).Draw(rt, "n"))
		case 1:
			return fmt.Sprintf(`seen(%q, "%dd")`, typ.Draw(rt, "type"), days.Draw(rt, "days")+2)
		case 2:
			return fmt.Sprintf(`since(%q) %s days(%d)`, typ.Draw(rt, "type"), op.Draw(rt, "op"), days.Draw(rt, "days"))
		case 3:
			return fmt.Sprintf(`days(%d) %s since(%q) - days(%d)`, days.Draw(rt, "days"), op.Draw(rt, "op"), typ.Draw(rt, "type"), days.Draw(rt, "more"))
		case 4:
			return fmt.Sprintf(`now - %s %s days(%d)`, instant(), op.Draw(rt, "op"), days.Draw(rt, "days"))
		case 5:
			return fmt.Sprintf(`%s - now %s days(%d)`, instant(), op.Draw(rt, "op"), days.Draw(rt, "days"))
		case 6:
			return fmt.Sprintf(`now - days(%d) %s %s`, days.Draw(rt, "days"), op.Draw(rt, "op"), instant())
		case 7:
			return fmt.Sprintf(`%s %s now`, instant(), op.Draw(rt, "op"))
		}
		return fmt.Sprintf(`days(1) + (now - %s) %s (%s - %s)`, instant(), op.Draw(rt, "op"), instant(), instant())
	}
	expr = func(depth int) string {
		if depth == 0 {
			return atom()
		}
		switch rapid.IntRange(0, 4).Draw(rt, "join") {
		case 0:
			return fmt.Sprintf("(%s && %s)", expr(depth-1), expr(depth-1))
		case 1:
			return fmt.Sprintf("(%s || %s)", expr(depth-1), expr(depth-1))
		case 2:
			return fmt.Sprintf("(%s ? %s : %s)", expr(depth-1), expr(depth-1), expr(depth-1))
		case 3:
			return fmt.Sprintf("!(%s)", expr(depth-1))
		}
		return atom()
	}
	return expr(rapid.IntRange(0, 2).Draw(rt, "depth"))
}
