package learn

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/scoring"
)

func TestABanksSignalsDriftWhereTheyDo(t *testing.T) {
	if testing.Short() || raceDetector {
		t.Skip("40,000 rows")
	}
	rows := data(t, "bank-marketing/bank-additional-full.csv.gz", ';')
	a, err := RunAudit(context.Background(), rows, AuditOptions{Options: Options{Outcome: "y", InOrder: true}})
	if err != nil {
		t.Fatal(err)
	}
	levels := map[string]Level{}
	for _, s := range a.Signals {
		levels[s.Signal] = s.Level
		t.Logf("%s: PSI %.3f, expected %.4f, p %.2g: %s", s.Signal, s.PSI, s.Expected, s.P, s.Level)
	}
	for _, f := range a.Findings {
		t.Logf("%s %s %s: %s", f.Level, f.Check, f.Subject, f.Says)
	}
	for _, want := range []struct {
		signal string
		level  Level
	}{{"poutcome", LevelAlarm}, {"month", LevelAlarm}, {"contact", LevelAlarm}, {"previous", LevelAlarm}, {"loan", LevelFine}, {"day_of_week", LevelFine}} {
		if levels[want.signal] != want.level {
			t.Errorf("%s: %s, expected %s", want.signal, levels[want.signal], want.level)
		}
	}
}

func TestNothingPredictsInTheMavenSetAndTheAuditSaysSo(t *testing.T) {
	rows := data(t, "maven-crm/sales_pipeline.csv", ',')
	a, err := RunAudit(context.Background(), rows, AuditOptions{Options: Options{Outcome: "deal_stage", ID: "opportunity_id", Time: "engage_date"}})
	if err != nil {
		t.Fatal(err)
	}
	f := finding(t, a, "do the signals predict", "")
	if f.Level != LevelAlarm || !strings.HasPrefix(f.Says, "nothing here predicts how leads end") {
		t.Errorf("%+v", f)
	}
	finding(t, a, "does a column know the outcome", "close_value")
}

func finding(t *testing.T, a *Audit, check, subject string) Finding {
	t.Helper()
	for _, f := range a.Findings {
		if f.Check == check && f.Subject == subject {
			return f
		}
	}
	t.Fatalf("nothing is said about %q %q:\n%+v", check, subject, a.Findings)
	return Finding{}
}

// scored are options that audit a table by a model.
func scored(t *testing.T, file string, rows Rows, o AuditOptions) AuditOptions {
	t.Helper()
	d, err := scoring.Parse("scoring.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	schema, err := d.Schema()
	if err != nil {
		t.Fatal(err)
	}
	m, err := scoring.New(d, schema, scoring.Options{})
	if err != nil {
		t.Fatal(err)
	}
	o.Definition, o.Model, o.AsOf = d, m, time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	o.Leads = func(context.Context) iter.Seq2[scoring.BatchLead, error] {
		return func(yield func(scoring.BatchLead, error) bool) {
			for i, p := range profiles(t, m, d, rows, nil) {
				if !yield(scoring.BatchLead{ID: leadloop.LeadID(rows.Cells[i][0]), Profile: p}, nil) {
					return
				}
			}
		}
	}
	return o
}

const auditedModel = `
model: audited
version: 1
fields: {employees: double, source: string, visits: double}
rules:
  - {id: large, when: "lead.employees >= 400.0", points: 30}
  - {id: partner, when: 'lead.source == "partner"', points: 30}
  - {id: keen, when: "lead.visits >= 6.0", points: 20}
  - {id: never, when: "lead.visits > 500.0", points: 5}
  - {id: always, when: "true", points: 1}
modifiers:
  - {id: autumn, when: "lead.visits >= 3.0", add: 25, owner: marketing, expires: 2026-11-20}
  - {id: old, add: 10, owner: sales-ops, expires: 2026-01-01}
tiers: {A: 60, B: 30, C: 0}
probability: {even: 60, double: 15}
`

func TestAnAuditOfAGoodModelFindsWhatIsDoubtfulAndNothingElse(t *testing.T) {
	rows := sales(21, 4000)
	a, err := RunAudit(context.Background(), rows, scored(t, auditedModel, rows, AuditOptions{Options: Options{Outcome: "won", ID: "id", Time: "arrived"}}))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		check, subject string
		level          Level
	}{
		{"do won leads score above lost ones", "", LevelFine},
		{"is the gap between won and lost narrowing", "", LevelFine},
		{"are better tiers won more often", "", LevelFine},
		{"are points inflating", "", LevelFine},
		{"do all rules tell leads apart", "never", LevelWatch},
		{"do all rules tell leads apart", "always", LevelWatch},
		{"is the modifier in force", "autumn", LevelWatch},
		{"is the modifier in force", "old", LevelAlarm},
		{"do modifiers decide too much", "", LevelAlarm},
	} {
		if f := finding(t, a, want.check, want.subject); f.Level != want.level {
			t.Errorf("%s %s: %s (%s), expected %s", want.check, want.subject, f.Level, f.Says, want.level)
		}
	}
	for _, s := range a.Signals {
		if s.Level != LevelFine {
			t.Errorf("%s did not drift: %+v", s.Signal, s)
		}
	}
	for i, f := range a.Findings {
		if f.Says == "" || (f.Level == LevelAlarm || f.Level == LevelWatch) && f.Proposal == "" {
			t.Errorf("a finding says nothing: %+v", f)
		}
		if i > 0 && f.Level == LevelAlarm && a.Findings[i-1].Level != LevelAlarm {
			t.Error("alarms do not come first")
		}
	}
	if n := len(a.Misjudged); n != 20 || a.Misjudged[0].Ended != "lost" || a.Misjudged[0].ID == "" || a.Misjudged[19].Ended != "won" {
		t.Errorf("%+v", a.Misjudged)
	}
}

func TestAnAuditAlarmsAboutWhatWentWrong(t *testing.T) {
	base := sales(22, 4000)
	m := maker(3)
	for _, c := range []struct {
		name           string
		change         func(i int, row []string)
		check, subject string
		o              AuditOptions
		header         string
	}{
		{"outcomes that no longer follow the score", func(i int, row []string) {
			if i > 3200 {
				row[7] = []string{"yes", "no"}[m.n(2)]
			}
		}, "is the gap between won and lost narrowing", "", AuditOptions{}, ""},
		{"a source that went", func(i int, row []string) {
			if i > 3200 && row[3] == "web" {
				row[3] = "fair"
			}
		}, "has it drifted", "source", AuditOptions{}, ""},
		{"points that rise without more deals", func(i int, row []string) {
			if i > 3200 {
				row[4], row[3] = "9", "partner"
			}
		}, "are points inflating", "", AuditOptions{}, ""},
		{"leads that are won half as often as said", func(i int, row []string) {
			if i > 2000 && row[7] == "yes" && i%3 > 0 {
				row[7] = "no"
			}
		}, "are the probabilities true", "", AuditOptions{}, ""},
		{"reps who disagree", func(_ int, row []string) { row[5] = []string{"good", "bad"}[m.n(2)] }, "do reps agree with the scores", "", AuditOptions{Feedback: "coin"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows := Rows{Header: base.Header}
			for i, row := range base.Cells {
				row = append([]string{}, row...)
				c.change(i, row)
				rows.Cells = append(rows.Cells, row)
			}
			o := c.o
			o.Options = Options{Outcome: "won", ID: "id", Time: "arrived"}
			a, err := RunAudit(context.Background(), rows, scored(t, auditedModel, rows, o))
			if err != nil {
				t.Fatal(err)
			}
			if f := finding(t, a, c.check, c.subject); f.Level != LevelAlarm {
				t.Errorf("%+v", f)
			}
		})
	}
}

func TestTiersOutOfOrderAlarmAndScoresOfTheTableAreTaken(t *testing.T) {
	rows := Rows{Header: []string{"id", "score", "tier", "kind", "won"}}
	m := maker(31)
	for i := range 2000 {
		tier := m.n(3)
		won := "no"
		if m.n(100) < []int{20, 40, 10}[tier] {
			won = "yes"
		}
		rows.Cells = append(rows.Cells, []string{fmt.Sprint(i), fmt.Sprint(90 - 30*tier + m.n(10)), "ABC"[tier : tier+1], []string{"x", "y"}[m.n(2)], won})
	}
	a, err := RunAudit(context.Background(), rows, AuditOptions{Options: Options{Outcome: "won", ID: "id"}, Score: "score", Tier: "tier"})
	if err != nil {
		t.Fatal(err)
	}
	f := finding(t, a, "are better tiers won more often", "A and B")
	if f.Level != LevelAlarm || !strings.Contains(f.Proposal, "tier B does better than A") {
		t.Errorf("%+v", f)
	}
	if f := finding(t, a, "has it drifted", ""); f.Level != LevelUnknown {
		t.Errorf("%+v", f)
	}
}

func TestOfAFewRowsNobodyKnowsWhetherTheyDrifted(t *testing.T) {
	for rows, want := range map[int]Level{25: LevelUnknown, 300: LevelFine} {
		table := Rows{Header: []string{"size", "won"}}
		for i := range rows {
			table.Cells = append(table.Cells, []string{fmt.Sprint(i * 37 % 101), []string{"yes", "no", "no"}[i%3]})
		}
		a, err := RunAudit(t.Context(), table, AuditOptions{Options: Options{Outcome: "won", InOrder: true}})
		if err != nil {
			t.Fatal(err)
		}
		if f := finding(t, a, "has it drifted", ""); f.Level != want {
			t.Errorf("of %d rows: %+v", rows, f)
		}
	}
}

func TestSmallSamplesDoNotAlarm(t *testing.T) {
	alarms := 0
	for seed := range uint64(40) {
		rows := sales(100+seed, 150)
		a, err := RunAudit(context.Background(), rows, scored(t, strings.Replace(auditedModel, "  - {id: old, add: 10, owner: sales-ops, expires: 2026-01-01}\n", "", 1), rows,
			AuditOptions{Options: Options{Outcome: "won", ID: "id", InOrder: true}}))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Findings {
			if f.Level == LevelAlarm && f.Check != "do modifiers decide too much" && f.Check != "do the signals predict" && f.Check != "would other weights be better" {
				alarms++
				t.Logf("seed %d: %s %s: %s", seed, f.Check, f.Subject, f.Says)
			}
		}
	}
	if alarms > 2 {
		t.Errorf("%d alarms in 40 tables in which nothing changes", alarms)
	}
}
