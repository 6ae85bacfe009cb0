package lifecycle_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/lifecycle"
)

// A way that is called impossible must be: no lead of any kind may take it.
func TestNoLeadTakesAWayThatIsCalledImpossible(t *testing.T) {
	var condition func(t *rapid.T, depth int) string
	condition = func(t *rapid.T, depth int) string {
		if depth > 0 && rapid.IntRange(0, 2).Draw(t, "nest") > 0 {
			a, b := condition(t, depth-1), condition(t, depth-1)
			return "(" + a + rapid.SampledFrom([]string{" && ", " || "}).Draw(t, "op") + b + ")"
		}
		n := rapid.IntRange(1, 4).Draw(t, "n")
		return rapid.SampledFrom([]string{
			fmt.Sprintf("score < %d.0", n), fmt.Sprintf("score >= %d.0", n), `tier == "A"`, `tier != "A"`, `lead.country in ["US", "CA"]`, `lead.country == "DE"`,
			`!(lead.country == "DE")`, fmt.Sprintf("company.employees > %d", n), fmt.Sprintf("company.employees == %d", n), "has(lead.city)", `status == "new"`,
			`status == ""`, fmt.Sprintf("unanswered >= %d", n), `owner == ""`, `stage == "a"`, `disposition == "nurture"`, `seen("demo")`, "company.employees * 2 > 5",
			`lead.title.startsWith("VP")`, `lead.title.contains("Sales")`,
		}).Draw(t, "atom")
	}
	refused := 0
	rapid.Check(t, func(t *rapid.T) {
		x, way, y := condition(t, 1), condition(t, 1), condition(t, 1)
		text := func(x, way, y string) string {
			return fmt.Sprintf("initial: a\nstages:\n  - {id: a, exit: [{id: x, when: '%s'}], to: [{stage: b, when: '%s'}]}\n  - {id: b, enter: [{id: y, when: '%s'}], final: true}\ninitial_status: new\nstatuses: [{id: new}]\n", x, way, y)
		}
		parsed, err := lifecycle.Parse("f.yaml", []byte(text(x, way, y)))
		if err != nil {
			t.Fatal(err)
		}
		_, err = lifecycle.New(parsed, leadloop.StandardSchema(), lifecycle.Options{Tiers: []string{"A", "B"}})
		if err == nil {
			return
		}
		if !strings.Contains(err.Error(), "can never be taken") {
			t.Fatal(err)
		}
		refused++
		// The same conditions one by one, which a criterion about an activity
		// keeps from being judged.
		free := func(c string) string { return "(" + c + `) && !seen("never")` }
		parsed, err = lifecycle.Parse("f.yaml", []byte(text(free(x), free(way), free(y))))
		if err != nil {
			t.Fatal(err)
		}
		l, err := lifecycle.New(parsed, leadloop.StandardSchema(), lifecycle.Options{Tiers: []string{"A", "B"}})
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			s := anyLead(t)
			if _, _, err := l.Move("b", "why", "ana").Decide(context.Background(), s); err == nil {
				t.Fatalf("exit %s, way %s, enter %s: taken by %+v", x, way, y, s.Lead.State)
			}
		}
	})
	if refused == 0 {
		t.Error("no way was called impossible: the test says nothing")
	}
}

func anyLead(t *rapid.T) leadloop.Subject {
	p := leadloop.StandardSchema().NewProfile()
	if v := rapid.SampledFrom([]string{"", "US", "CA", "DE", "FR", "-"}).Draw(t, "country"); v == "-" {
		if err := p.SetValue("lead.country", leadloop.NoValue(leadloop.KindString)); err != nil {
			t.Fatal(err)
		}
	} else if v != "" {
		leadloop.Country.Set(p, v)
	}
	if n := rapid.Int64Range(-1, 6).Draw(t, "employees"); n >= 0 {
		leadloop.Employees.Set(p, n)
	}
	if rapid.Bool().Draw(t, "city") {
		leadloop.City.Set(p, "Bonn")
	}
	leadloop.Title.Set(p, rapid.SampledFrom([]string{"", "VP", "VP Sales", "Sales", "x"}).Draw(t, "title"))
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	var did []leadloop.Activity
	for i := range rapid.IntRange(0, 5).Draw(t, "touches") {
		did = append(did, leadloop.Activity{ID: fmt.Sprint(i), Type: "call", Actor: "ana", At: now.Add(-time.Hour)})
	}
	if rapid.Bool().Draw(t, "demo") {
		did = append(did, leadloop.Activity{ID: "demo", Type: "demo", At: now.Add(-time.Hour)})
	}
	score := leadloop.Score{Known: true, Points: leadloop.Points(rapid.IntRange(0, 10).Draw(t, "score")) * leadloop.Point / 2, Tier: rapid.SampledFrom([]string{"", "A", "B"}).Draw(t, "tier"), Model: "m"}
	return leadloop.Subject{Profile: p, AsOf: now, Lead: &leadloop.Lead{ID: "ld_1", Activities: did, State: leadloop.State{
		Stage: "a", Score: score, Owner: leadloop.RepID(rapid.SampledFrom([]string{"", "ana"}).Draw(t, "owner")), Status: rapid.SampledFrom([]string{"", "new"}).Draw(t, "status"),
		Disposition: leadloop.OutcomeKind(rapid.SampledFrom([]string{"assigned", "nurture", ""}).Draw(t, "disposition")),
	}}}
}
