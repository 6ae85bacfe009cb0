package holidays

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop/routing/calendar"
)

func days(t testing.TB, region string, year int) []string {
	t.Helper()
	list, ok := Of(region, year)
	if !ok {
		t.Fatalf("%s is not known", region)
	}
	var out []string
	for _, d := range list {
		out = append(out, fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day))
	}
	return out
}

func TestWellKnownYears(t *testing.T) {
	for _, c := range []struct {
		region string
		year   int
		want   []string
	}{
		{"DE", 2026, []string{"2026-01-01", "2026-04-03", "2026-04-06", "2026-05-01", "2026-05-14", "2026-05-25", "2026-10-03", "2026-12-25", "2026-12-26"}},
		// The fourth of July is a Saturday: it is kept on the Friday too.
		{"US", 2026, []string{"2026-01-01", "2026-01-19", "2026-02-16", "2026-05-25", "2026-06-19", "2026-07-03", "2026-07-04", "2026-09-07", "2026-10-12", "2026-11-11", "2026-11-26", "2026-12-25"}},
		{"NL", 2024, nil},
	} {
		got := days(t, c.region, c.year)
		if c.want == nil {
			if len(got) == 0 {
				t.Errorf("%s %d has none", c.region, c.year)
			}
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s %d (-want +got):\n%s", c.region, c.year, diff)
		}
	}
	if _, ok := Of("XX", 2026); ok {
		t.Error("XX is known")
	}
}

func TestEveryRegionHasHolidaysInEveryYear(t *testing.T) {
	for _, region := range Regions() {
		for _, year := range []int{2000, 2024, 2026, 2060} {
			if n := len(days(t, region, year)); n < 4 {
				t.Errorf("%s %d has %d", region, year, n)
			}
		}
	}
}

// The published days are read from ../shared/data, which is not part of the
// repository.
func TestAgainstPublishedDays(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", "holidays", "public_holidays_2024_2026.json"))
	if err != nil {
		t.Skipf("the published holidays are not here: %v", err)
	}
	var published map[string][]struct{ Date, Name, Type string }
	if err := json.Unmarshal(data, &published); err != nil {
		t.Fatal(err)
	}
	// What the two are known to tell apart on weekdays: days of which one says
	// that they are a holiday of the whole country and the other that they are
	// of a part of it, or of banks.
	known := map[string][]string{
		"BR": {"-02-12", "-02-16", "-03-03", "-11-20"}, // carnival Monday and, since 2024, Black Awareness Day
		"CA": {"+04-01", "+04-06", "+04-21", "+05-18", "+05-19", "+05-20", "+08-03", "+08-04", "+08-05", "+09-30", "+10-12", "+10-13", "+10-14", "+11-11", "+12-26", "+12-28"},
		"CH": {"+01-02", "+01-06", "+03-19", "+05-01", "+05-30", "+06-04", "+06-19", "+08-15", "+12-08"}, // kept in some cantons
		"DE": {"-12-24", "-12-31"},                                                                       // of banks
		"GB": {"+08-25", "+08-26", "+08-31"},                                                             // not in Scotland
		"JP": {"-01-02", "-01-03", "-12-31"},                                                             // of banks
		"NL": {"+03-29", "+04-03", "+04-18", "+05-05", "-12-31"},
	}
	for _, region := range []string{"BR", "CA", "CH", "DE", "ES", "FR", "GB", "JP", "NL", "US"} {
		in := map[string]int{}
		for _, h := range published[region] {
			if d, err := time.Parse(time.DateOnly, h.Date[:10]); err == nil && weekday(d) {
				in[h.Date[:10]] |= 1
			}
		}
		for year := 2024; year <= 2026; year++ {
			for _, s := range days(t, region, year) {
				if d, err := time.Parse(time.DateOnly, s); err == nil && weekday(d) && d.Year() == year {
					in[s] |= 2
				}
			}
		}
		var got []string
		for _, s := range slices.Sorted(maps.Keys(in)) {
			if in[s] != 3 {
				got = append(got, []string{"", "-", "+"}[in[s]]+s[5:])
			}
		}
		slices.Sort(got)
		got = slices.Compact(got)
		if diff := cmp.Diff(known[region], got); diff != "" {
			t.Errorf("%s, - is published, + is ours (-known +found):\n%s\n%q", region, diff, got)
		}
	}
}

func weekday(d time.Time) bool { return d.Weekday() != time.Saturday && d.Weekday() != time.Sunday }

func ExampleOf() {
	days, ok := Of("DE-BY", 2026)
	fmt.Println(len(days), ok, days[1] == calendar.Date{Year: 2026, Month: time.January, Day: 6})
	// Output: 12 true true
}
