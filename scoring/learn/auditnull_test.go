package learn

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/leadloop/leadloop/scoring"
)

// periodsTable is a table with scores that are as true as can be: leads of
// score s are won with the odds that the model says, by stretch, and what the
// recent fifth differs in is done by change.
func periodsTable(seed uint64, rows, signals int, even float64, change func(m *maker, s *float64, odds *float64, cells []string)) (Rows, AuditOptions) {
	m := maker(seed)
	for range 10 {
		m.n(2)
	}
	r := Rows{Header: []string{"id", "score", "tier", "won"}}
	for k := range signals {
		r.Header = append(r.Header, fmt.Sprint("signal", k))
	}
	for i := range rows {
		s := math.Round(100 * (m.uniform() + m.uniform()) / 2)
		odds := math.Ln2 * (s - even) / 12
		cells := make([]string, len(r.Header))
		for k := range signals {
			v := fmt.Sprint("v", m.n(2+3*k)*m.n(2+2*k))
			if k%2 == 1 {
				v = fmt.Sprint(math.Round(s/2 + 30*m.uniform()))
			}
			cells[4+k] = v
		}
		if i >= rows-rows/5 && change != nil {
			change(&m, &s, &odds, cells)
		}
		cells[0], cells[1], cells[3] = fmt.Sprint("L", i), strconv.FormatFloat(s, 'f', -1, 64), "no"
		cells[2] = "C"
		if s >= 60 {
			cells[2] = "A"
		} else if s >= 45 {
			cells[2] = "B"
		}
		if m.uniform() < sigmoid(odds) {
			cells[3] = "yes"
		}
		r.Cells = append(r.Cells, cells)
	}
	o := AuditOptions{Options: Options{Outcome: "won", ID: "id", InOrder: true}, Score: "score", Tier: "tier", AsOf: time.Unix(1e9, 0)}
	o.Definition.Probability = &scoring.Probability{Even: even, Double: 12}
	return r, o
}

// What is said of the chance of false alarms: each question about one percent.
func TestWhereNothingChangesTheAuditIsSilent(t *testing.T) {
	tables := 240
	if raceDetector || testing.Short() {
		tables = 40
	}
	m := maker(99)
	alarms, by := 0, map[string]int{}
	for seed := range tables {
		rows, signals, even := 60+m.n(60)*m.n(30), 2+m.n(5), 35+float64(m.n(45))
		table, o := periodsTable(uint64(seed)*7919+1, rows, signals, even, nil)
		a, err := RunAudit(context.Background(), table, o)
		if err != nil {
			t.Fatal(seed, rows, err)
		}
		any := false
		for _, f := range a.Findings {
			if f.Level == LevelAlarm {
				by[f.Check+" "+f.Subject]++
				any = true
				t.Logf("seed %d, %d rows: %s %s: %s", seed, rows, f.Check, f.Subject, f.Says)
			}
			if f.Level != LevelFine && f.Proposal == "" || f.Level != LevelUnknown && (f.Value == nil || f.Threshold == nil) || f.Value != nil && (f.Value.Low > f.Value.Value || f.Value.High < f.Value.Value) {
				t.Errorf("seed %d: without a figure, an interval, a threshold or a proposal: %+v", seed, f)
			}
		}
		if any {
			alarms++
		}
		for _, c := range a.Table.Columns {
			if c.Leaks {
				t.Errorf("seed %d: %+v is no leak", seed, c)
			}
		}
	}
	// Seven questions of one percent at most: 5 % are expected, and 9 % are beyond
	// chance.
	if most := tables*9/100 + 1; alarms > most {
		t.Errorf("%d of %d tables in which nothing changes alarm: %v", alarms, tables, by)
	}
}

func TestChangesOfAKnownSizeAlarm(t *testing.T) {
	for _, c := range []struct {
		name, check, subject string
		rows                 int
		change               func(m *maker, s, odds *float64, cells []string)
	}{
		{"outcomes half as far apart", "is the gap between won and lost narrowing", "", 6000, func(_ *maker, _, odds *float64, _ []string) { *odds *= .3 }},
		{"probabilities that are too sure", "are the probabilities as far apart as they should be", "", 4000, func(_ *maker, _, odds *float64, _ []string) { *odds *= .3 }},
		{"half as many won as said", "are the probabilities true", "", 2000, func(_ *maker, _, odds *float64, _ []string) { *odds -= 1 }},
		{"ten points more for the same leads", "are points inflating", "", 2000, func(_ *maker, s, _ *float64, _ []string) { *s += 10 }},
		{"a PSI of the score of .5", "has it drifted", "score", 1000, func(_ *maker, s, _ *float64, _ []string) { *s += 15 }},
		{"a value that a third of the leads have now", "has it drifted", "signal0", 1000, func(m *maker, _, _ *float64, cells []string) {
			if m.n(3) == 0 {
				cells[4] = "new"
			}
		}},
	} {
		missed := 0
		for seed := range uint64(10) {
			table, o := periodsTable(seed+400, c.rows, 2, 50, c.change)
			a, err := RunAudit(context.Background(), table, o)
			if err != nil {
				t.Fatal(err)
			}
			if f := finding(t, a, c.check, c.subject); f.Level != LevelAlarm {
				missed++
				t.Logf("%s, seed %d: %+v %v", c.name, seed, f, *f.Value)
			}
		}
		if missed > 1 {
			t.Errorf("%s: %d of 10 tables do not alarm", c.name, missed)
		}
	}
}
