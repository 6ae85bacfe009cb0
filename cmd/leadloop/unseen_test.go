package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/scoring"
	"github.com/leadloop/leadloop/scoring/learn"
)

// europeanTable is an export of a German office: semicolons, decimal commas,
// days first, a byte order mark, quotes, and a column that was filled when the
// deal was won.
func europeanTable(t *testing.T, dir string) (file string, cells [][]string) {
	t.Helper()
	var b strings.Builder
	b.WriteString("\ufeffNr;Eingang;Umsatz;Quelle;Bemerkung;Auftragsnummer;Gewonnen\r\n")
	begin := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	n := rand.New(rand.NewPCG(7, 1)).IntN
	for i := range 1500 {
		revenue, source := n(4000), []string{"Web", "Messe", `Partner "Gold"; Nord`}[n(3)]
		chance := 10 + revenue/70
		if source != "Web" {
			chance += 20
		}
		won, order := "Nein", ""
		if n(100) < chance {
			won = "Ja"
			if n(10) > 1 {
				order = fmt.Sprint("A", 7000+i)
			}
		}
		row := []string{
			fmt.Sprint("K", i), begin.AddDate(0, 0, i/3).Format("2.1.2006"), fmt.Sprintf("%d.%03d,%d", 1+revenue/1000, revenue%1000, n(10)), source,
			[]string{"", "ruft zurück", "Angebot\nfolgt"}[n(3)], order, won,
		}
		cells = append(cells, row)
		for k, c := range row {
			if k > 0 {
				b.WriteByte(';')
			}
			if strings.ContainsAny(c, ";\"\n") {
				c = `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
			}
			b.WriteString(c)
		}
		b.WriteString("\r\n")
	}
	file = filepath.Join(dir, "export.csv")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, cells
}

func TestATableAsAnOfficeExportsItIsLearntScoredAndAudited(t *testing.T) {
	dir := t.TempDir()
	file, cells := europeanTable(t, dir)
	model, scores, page := filepath.Join(dir, "scoring.yaml"), filepath.Join(dir, "scores.csv"), filepath.Join(dir, "audit.html")
	code, out, errs := command("learn", "--in", file, "--outcome", "Gewonnen", "--id", "Nr", "--time", "Eingang", "--out", model, "--json")
	if code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	var report learn.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		column       string
		leaks, score bool
	}{{"Umsatz", false, true}, {"Quelle", false, true}, {"Auftragsnummer", true, false}, {"Bemerkung", false, false}} {
		i := slices.IndexFunc(report.Table.Columns, func(c learn.Column) bool { return c.Column == want.column })
		if c := report.Table.Columns[i]; c.Leaks != want.leaks || c.Scored != want.score {
			t.Errorf("%+v", c)
		}
	}

	// Scored in any order of columns, with one more and one less.
	var b strings.Builder
	b.WriteString("extra;Umsatz;id;Quelle\n")
	for _, row := range cells {
		fmt.Fprintf(&b, "x;%s;%s;\"%s\"\n", row[2], row[0], strings.ReplaceAll(row[3], `"`, `""`))
	}
	fresh := filepath.Join(dir, "fresh.csv")
	if err := os.WriteFile(fresh, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := command("score", "--model", model, "--in", fresh, "--out", scores); code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	scored := readCells(t, scores)
	if got := strings.Join(scored[0], ","); got != "row,id,score,tier,probability,low,high,reasons" {
		t.Errorf("columns %s", got)
	}
	if len(scored) != len(cells)+1 {
		t.Fatalf("%d rows of %d were scored", len(scored)-1, len(cells))
	}
	_, m, err := readModel(model)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range cells {
		p := m.Schema().NewProfile()
		revenue, err := strconv.ParseFloat(strings.NewReplacer(".", "", ",", ".").Replace(row[2]), 64)
		if err != nil {
			t.Fatal(err)
		}
		for field, v := range map[string]leadloop.Value{"lead.umsatz": leadloop.ValueOf(revenue), "lead.quelle": leadloop.ValueOf(row[3])} {
			if err := p.SetValue(field, v); err != nil {
				t.Fatal(err)
			}
		}
		s, err := m.Score(context.Background(), scoring.Input{Profile: p, AsOf: time.Unix(1e9, 0)})
		if err != nil {
			t.Fatal(err)
		}
		chance, _ := m.Probability(s.Points)
		want := []string{strconv.Itoa(i + 1), row[0], s.Points.String(), s.Tier, strconv.FormatFloat(chance, 'g', 6, 64), s.Points.String(), s.Points.String()}
		if got := scored[i+1][:7]; !slices.Equal(got, want) {
			t.Fatalf("row %d: %q, Model.Score says %q", i+1, got, want)
		}
	}

	code, out, errs = command("audit", "--in", file, "--outcome", "Gewonnen", "--id", "Nr", "--time", "Eingang", "--model", model, "--report", page)
	if code != 0 || !strings.HasPrefix(out, "1,500 rows of ") || !strings.Contains(out, "\n0 alarms, ") || !strings.Contains(out, "Auftragsnummer: Does a column know the outcome?") {
		t.Errorf("exit %d: %s\n%s", code, errs, out)
	}
	if html, err := os.ReadFile(page); err != nil || !strings.Contains(string(html), "</svg>") || strings.Contains(string(html), "src=\"http") {
		t.Errorf("the page has no charts, or needs the net: %v", err)
	}
}

func readCells(t *testing.T, file string) [][]string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
