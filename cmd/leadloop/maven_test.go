package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// dealFigures are what a group of deals comes to.
type dealFigures struct {
	Open, Won, Lost int
	Revenue         int64 // of won ones, in units
	CycleDays       int   // median of won ones, 0 if fewer than five
}

// sheet is a table as a spreadsheet has it.
func sheet(t *testing.T, path string) []map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, r := range rows[1:] {
		m := map[string]string{}
		for i, name := range rows[0] {
			m[name] = r[i]
		}
		out = append(out, m)
	}
	return out
}

// byHand computes the figures of the pipeline in one pass over the table.
func byHand(t *testing.T, dir string) map[string]map[string]dealFigures {
	t.Helper()
	teams, sectors := map[string]map[string]string{}, map[string]string{}
	for _, r := range sheet(t, filepath.Join(dir, "sales_teams.csv")) {
		teams[r["sales_agent"]] = r
	}
	for _, r := range sheet(t, filepath.Join(dir, "accounts.csv")) {
		sectors[r["account"]] = r["sector"]
	}
	out := map[string]map[string]dealFigures{}
	cycles := map[string]map[string][]int{}
	for _, r := range sheet(t, filepath.Join(dir, "sales_pipeline.csv")) {
		if r["engage_date"] == "" {
			continue // never begun: counted apart
		}
		product := r["product"]
		if product == "GTXPro" {
			product = "GTX Pro"
		}
		from, err := time.Parse(time.DateOnly, r["engage_date"])
		if err != nil {
			t.Fatal(err)
		}
		quarter, until := "", time.Time{}
		if r["close_date"] != "" {
			if until, err = time.Parse(time.DateOnly, r["close_date"]); err != nil {
				t.Fatal(err)
			}
			quarter = until.Format("2006-Q") + map[time.Month]string{1: "1", 2: "1", 3: "1", 4: "2", 5: "2", 6: "2", 7: "3", 8: "3", 9: "3", 10: "4", 11: "4", 12: "4"}[until.Month()]
		}
		for by, group := range map[string]string{
			"owner": r["sales_agent"], "manager": teams[r["sales_agent"]]["manager"], "region": teams[r["sales_agent"]]["regional_office"],
			"product": product, "sector": sectors[r["account"]], "closed_quarter": quarter,
		} {
			group = cmp.Or(group, "(none)")
			if out[by] == nil {
				out[by], cycles[by] = map[string]dealFigures{}, map[string][]int{}
			}
			f := out[by][group]
			switch r["deal_stage"] {
			case "Won":
				f.Won++
				var units int64
				if err := json.Unmarshal([]byte(r["close_value"]), &units); err != nil {
					t.Fatal(err)
				}
				f.Revenue += units
				cycles[by][group] = append(cycles[by][group], int(until.Sub(from)/(24*time.Hour)))
			case "Lost":
				f.Lost++
			default:
				f.Open++
			}
			out[by][group] = f
		}
	}
	for by, groups := range out {
		for group, f := range groups {
			if days := cycles[by][group]; len(days) >= 5 {
				slices.Sort(days)
				f.CycleDays = days[(len(days)+1)/2-1]
				groups[group] = f
			}
		}
	}
	return out
}

func TestAnImportedPipelineReportsWhatIsCountedByHand(t *testing.T) {
	dir := filepath.Join(os.Getenv("LEADLOOP_DATA"), "maven-crm")
	if _, err := os.Stat(dir); os.Getenv("LEADLOOP_DATA") == "" || err != nil {
		t.Skip("LEADLOOP_DATA does not point at the public data sets")
	}
	db := "sqlite:" + filepath.Join(t.TempDir(), "maven.db")
	command := func(into any, args ...string) {
		t.Helper()
		var out, errs bytes.Buffer
		if code := run(context.Background(), append(args, "--store", db, "--json"), streams{&out, &errs}); code != 0 {
			t.Fatalf("%v: exit %d\n%s", args, code, &errs)
		}
		if err := json.Unmarshal(out.Bytes(), into); err != nil {
			t.Fatal(err)
		}
	}
	var in imported
	args := []string{"history", "import", "--in", filepath.Join(dir, "sales_pipeline.csv"), "--map", "sector=attr:sector", "--map", "manager=attr:manager", "--map", "regional_office=attr:region"}
	for _, other := range []string{"accounts.csv", "sales_teams.csv", "products.csv"} {
		args = append(args, "--join", filepath.Join(dir, other))
	}
	command(&in, args...)
	traps := []any{in.Rows, in.Imported, in.NoArrival, in.Notes, in.Owners, len(in.Rejected), in.Joined[0].Empty, in.Joined[2].Mended, in.Latest.Format(time.DateOnly)}
	if diff := gocmp.Diff([]any{8800, 8800, 500, map[string]int{"no_start": 500}, map[string]int{}, 0, 1425, map[string]int{"GTXPro": 1480}, "2017-12-31"}, traps); diff != "" {
		t.Error(diff)
	}

	want := byHand(t, dir)
	args = []string{"report"}
	for _, by := range []string{"owner", "manager", "region", "product", "sector", "closed_quarter"} {
		args = append(args, "--group-by", by)
	}
	var report struct {
		NoArrival int                           `json:"no_arrival"`
		Unlinked  struct{ Open, Won, Lost int } `json:"unlinked"`
		Tables    []struct {
			By     []string `json:"by"`
			Groups []struct {
				Group   map[string]string `json:"group"`
				WinRate struct {
					Hits, Of int
					Share    *float64
				} `json:"win_rate"`
				Deals struct {
					Open, Won, Lost int
					WonAmount       int64 `json:"won_amount"`
				} `json:"deals"`
				Cycle struct {
					Median *float64 `json:"median_seconds"`
				} `json:"cycle"`
			} `json:"groups"`
		} `json:"tables"`
	}
	command(&report, args...)
	got := map[string]map[string]dealFigures{}
	for _, table := range report.Tables {
		by := table.By[0]
		got[by] = map[string]dealFigures{}
		for _, g := range table.Groups {
			f := dealFigures{Open: g.Deals.Open, Won: g.Deals.Won, Lost: g.Deals.Lost, Revenue: g.Deals.WonAmount / 1e6}
			if g.Cycle.Median != nil {
				f.CycleDays = int(*g.Cycle.Median) / 86400
			}
			got[by][g.Group[by]] = f
			if s := g.WinRate; s.Hits != f.Won || s.Of != f.Won+f.Lost || s.Of >= 5 && *s.Share != float64(f.Won)/float64(f.Won+f.Lost) {
				t.Errorf("%s %s: win rate %+v of %+v", by, g.Group[by], s, f)
			}
		}
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("-by hand +report\n%s", diff)
	}
	if report.NoArrival != 500 || report.Unlinked.Open != 500 {
		t.Errorf("counted apart: %d leads, %+v", report.NoArrival, report.Unlinked)
	}
	total := dealFigures{}
	for _, f := range got["region"] {
		total.Open, total.Won, total.Lost, total.Revenue = total.Open+f.Open, total.Won+f.Won, total.Lost+f.Lost, total.Revenue+f.Revenue
	}
	if want := (dealFigures{Open: 1589, Won: 4238, Lost: 2473, Revenue: 10_005_534}); total != want {
		t.Errorf("in all %+v, want %+v", total, want)
	}
}
