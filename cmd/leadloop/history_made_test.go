package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// A pipeline as a small German company keeps it: other names of columns, four
// ways to write dates and six to write money in one file, ends before
// beginnings, rows that are there twice, rows that say nothing.
func TestAnImportedTableOfAStrangersShapeReportsWhatIsCountedByHand(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	date := func(i int, at time.Time) string {
		return []string{at.Format("02.01.2006"), at.Format(time.DateOnly), fmt.Sprint(at.Unix()), at.Format("Jan 2, 2006")}[i%4]
	}
	money := func(i, hundreds int) string {
		whole := fmt.Sprint(hundreds * 100)
		if hundreds < 10 {
			return whole
		}
		head, tail := whole[:len(whole)-3], whole[len(whole)-3:]
		return []string{whole, head + "," + tail + ".00", head + "." + tail + ",00 €", "EUR " + whole, head + " " + tail, fmt.Sprintf("€ %.1fk", float64(hundreds)/10)}[i%6]
	}
	header := []string{"Vorgangsnr", "Angelegt am", "Abgeschlossen", "Phase", "Wert", "Betreuer", "Herkunft", "Region"}
	rows := [][]string{header}
	want := map[string]map[string]dealFigures{"owner": {}, "source": {}, "region": {}}
	cycles := map[string][]int{}
	rejected, unstarted, twice := 0, 0, 0
	for i := range 600 {
		opened := from.AddDate(0, 0, r.IntN(240))
		closed, phase, hundreds := opened.AddDate(0, 0, 1+r.IntN(90)), []string{"Gewonnen", "Verloren", "Offen"}[r.IntN(3)], 1+r.IntN(900)
		row := []string{
			fmt.Sprintf("V-%04d", i), date(i, opened), date(i+1, closed), phase, money(i, hundreds),
			[]string{"Ana Ruiz", "Ben Okoro", "Xaver Unbekannt"}[r.IntN(3)], []string{"Messe", "Web", ""}[r.IntN(3)], []string{"Nord", "Süd"}[r.IntN(2)],
		}
		counts, timed := true, true
		switch {
		case i%100 == 17:
			row[1], counts, rejected = "demnächst", false, rejected+1
		case i%120 == 19:
			row[0], counts, rejected = "", false, rejected+1
		case i%90 == 13:
			row[1], counts, unstarted = "", false, unstarted+1
		case i%50 == 7:
			row[2], timed = date(i, opened.AddDate(0, 0, -3)), false
		case i%60 == 11:
			row[4], hundreds = "auf Anfrage", 0
		}
		if phase == "Offen" {
			row[2] = ""
		}
		rows = append(rows, row)
		if i%45 == 5 {
			rows, twice = append(rows, slices.Clone(row)), twice+1
		}
		if !counts {
			continue
		}
		for by, group := range map[string]string{"owner": row[5], "source": row[6], "region": row[7]} {
			if group == "" {
				group = "(none)"
			}
			f := want[by][group]
			switch phase {
			case "Gewonnen":
				f.Won, f.Revenue = f.Won+1, f.Revenue+int64(hundreds)*100
				if timed {
					cycles[by+group] = append(cycles[by+group], int(closed.Sub(opened)/(24*time.Hour)))
				}
			case "Verloren":
				f.Lost++
			default:
				f.Open++
			}
			want[by][group] = f
		}
	}
	for by, groups := range want {
		for group, f := range groups {
			days := cycles[by+group]
			slices.Sort(days)
			f.CycleDays = days[(len(days)+1)/2-1]
			groups[group] = f
		}
	}

	dir := t.TempDir()
	var table, lines bytes.Buffer
	w := csv.NewWriter(&table)
	w.Comma = ';'
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		m := map[string]string{}
		for i, name := range header {
			m[name] = row[i]
		}
		if err := json.NewEncoder(&lines).Encode(m); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range map[string][]byte{"crm.csv": table.Bytes(), "crm.jsonl": lines.Bytes()} {
		path, db := filepath.Join(dir, name), "sqlite:"+filepath.Join(dir, name+".db")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		command := func(exit int, into any, args ...string) {
			t.Helper()
			var out, errs bytes.Buffer
			if code := run(context.Background(), append(args, "--store", db, "--json"), streams{&out, &errs}); code != exit {
				t.Fatalf("%v: exit %d\n%s", args, code, &errs)
			}
			if err := json.Unmarshal(out.Bytes(), into); err != nil {
				t.Fatal(err)
			}
		}
		args := []string{"history", "import", "--in", path, "--as-of", "2026-12-01", "--rejects", filepath.Join(dir, name+".rejects")}
		for _, m := range []string{"Vorgangsnr=lead", "Angelegt am=created", "Abgeschlossen=closed", "Phase=outcome", "Wert=amount", "Betreuer=owner", "Herkunft=source", "Region=attr:region"} {
			args = append(args, "--map", m)
		}
		for _, v := range []string{"Gewonnen=won", "Verloren=lost", "Offen=open"} {
			args = append(args, "--value", "Phase:"+v)
		}
		var in imported
		command(exitRejects, &in, args...)
		if in.Rows != len(rows)-1 || len(in.Rejected) != rejected || in.Known != twice || in.NoArrival != unstarted || len(in.Currencies) != 1 || in.Notes["end_before_start"] == 0 || in.Notes["unreadable_amount"] == 0 {
			t.Errorf("%s: %+v; %d rows, %d rejected, %d twice, %d without a beginning", name, in, len(rows)-1, rejected, twice, unstarted)
		}
		if kept, err := os.ReadFile(filepath.Join(dir, name+".rejects")); err != nil || strings.Count(string(kept), "\n") < rejected {
			t.Errorf("%s: rejects %v: %s", name, err, kept)
		}
		got := map[string]map[string]dealFigures{"owner": {}, "source": {}, "region": {}}
		var report struct {
			Tables []struct {
				By     []string `json:"by"`
				Groups []struct {
					Group map[string]string `json:"group"`
					Deals struct {
						Open, Won, Lost int
						WonAmount       int64 `json:"won_amount"`
					} `json:"deals"`
					Cycle struct {
						Median float64 `json:"median_seconds"`
					} `json:"cycle"`
				} `json:"groups"`
			} `json:"tables"`
		}
		command(0, &report, "report", "--week", "2026-W48", "--group-by", "owner", "--group-by", "source", "--group-by", "region")
		for _, table := range report.Tables {
			by := table.By[0]
			for _, g := range table.Groups {
				got[by][g.Group[by]] = dealFigures{g.Deals.Open, g.Deals.Won, g.Deals.Lost, g.Deals.WonAmount / 1e6, int(g.Cycle.Median) / 86400}
			}
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -by hand +report\n%s", name, diff)
		}
	}
}
