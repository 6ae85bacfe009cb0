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
		{"hours change on the quarter hour at the earliest", `now.getHours("Europe/Berlin") >= 9`, noon.Add(15 * time.Minute), false},
		{"minutes change on the minute", `now.getMinutes() > 9`, noon.Add(time.Minute), false},
		{"the moment in other ways", `string(now) > "2026"`, noon.Add(15 * time.Minute), false},
		{"since in other ways", `since("pricing_view").getHours() > 9`, noon.Add(15 * time.Minute), false},
		{"now inside a loop", `activities.exists(a, now - a.at > days(30))`, noon.Add(15 * time.Minute), false},
		{"the raw list with something to come", `activities.size() > 1`, noon.Add(15 * time.Minute), false},
		{"the last activity is to come", `last("reply") == now`, noon.Add(15 * time.Minute), false},
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

// TestNothingChangesBeforeNextChange evaluates rules that time changes, over
// leads on and around every boundary, at moments on and around every boundary.
func TestNothingChangesBeforeNextChange(t *testing.T) {
	e := newEnv(t, rules.Options{Vars: []rules.Var{{Name: "due", Kind: moment}}})
	sets := map[string]*rules.Set{}
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.IntRange(-5, 5)
		nudge := rapid.SampledFrom([]time.Duration{-1, 0, 1})
		near := func(label string) time.Time {
			return noon.Add(time.Duration(steps.Draw(rt, label)) * 24 * time.Hour).Add(nudge.Draw(rt, label+" nudge"))
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
		f := rules.Facts{Profile: e.Schema().NewProfile(), Now: near("now")}
		switch rapid.IntRange(0, 4).Draw(rt, "funding date") {
		case 4: // where differences overflow
			leadloop.FundingDate.Set(f.Profile, near("funding date").Add(-1<<63+1))
		case 0:
			if err := f.Profile.SetValue("company.funding_date", leadloop.NoValue(moment)); err != nil {
				rt.Fatal(err)
			}
		case 1, 2:
			leadloop.FundingDate.Set(f.Profile, near("funding date"))
		}
		if rapid.Bool().Draw(rt, "has due") {
			f.Vars = []leadloop.Value{leadloop.ValueOf(near("due"))}
		}
		for range rapid.IntRange(0, 4).Draw(rt, "activities") {
			f.Activities = append(f.Activities, leadloop.Activity{Type: rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "type"), At: near("at")})
		}
		next, exact := set.NextChange(f)
		if !exact {
			return
		}
		if !next.IsZero() && !next.After(f.Now) {
			rt.Fatalf("%s: next change %v is not after %v", text, next, f.Now)
		}
		before := set.EvalOne(context.Background(), f, 0)
		moments := []time.Time{noon.AddDate(400, 0, 0)}
		if !next.IsZero() {
			moments = []time.Time{next.Add(-1)}
		}
		for d := -12; d <= 12; d++ {
			for _, n := range []time.Duration{-2, -1, 0, 1, 2} {
				moments = append(moments, noon.Add(time.Duration(d)*24*time.Hour).Add(n))
			}
		}
		for _, m := range moments {
			if !m.After(f.Now) || !next.IsZero() && !m.Before(next) {
				continue
			}
			later := f
			later.Now = m
			after := set.EvalOne(context.Background(), later, 0)
			if before.State != after.State || !before.Value.Equal(after.Value) || !slices.Equal(before.Needs, after.Needs) {
				rt.Fatalf("%s: %+v at %v, but %+v at %v, before %v", text, before, f.Now, after, m, next)
			}
		}
	})
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
		switch rapid.IntRange(0, 8).Draw(rt, "atom") {
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
