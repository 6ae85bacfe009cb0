package leadloop_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
)

var day = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func anyClaim() *rapid.Generator[leadloop.Claim] {
	return rapid.Custom(func(t *rapid.T) leadloop.Claim {
		return leadloop.Claim{
			Field: rapid.SampledFrom([]string{"lead.email", "company.employees"}).Draw(t, "field"),
			Value: anyValue().Draw(t, "value"),
			Evidence: leadloop.Evidence{
				Origin:     leadloop.Origin(rapid.IntRange(0, 4).Draw(t, "origin")),
				Source:     rapid.SampledFrom([]string{"form", "vendor"}).Draw(t, "source"),
				ObservedAt: day.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "at")) * time.Hour),
			},
		}
	})
}

func TestUnitingClaimsIsASetUnion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := rapid.SliceOf(anyClaim()).Draw(t, "a"), rapid.SliceOf(anyClaim()).Draw(t, "b"), rapid.SliceOf(anyClaim()).Draw(t, "c")
		ab, ba := leadloop.UniteClaims(a, b), leadloop.UniteClaims(b, a)
		if diff := cmp.Diff(ab, ba); diff != "" {
			t.Fatal("not commutative:", diff)
		}
		if diff := cmp.Diff(leadloop.UniteClaims(ab, c), leadloop.UniteClaims(a, leadloop.UniteClaims(b, c))); diff != "" {
			t.Fatal("not associative:", diff)
		}
		if diff := cmp.Diff(ab, leadloop.UniteClaims(ab, ab)); diff != "" {
			t.Fatal("not idempotent:", diff)
		}
		for _, x := range ab {
			if !slices.ContainsFunc(slices.Concat(a, b), func(y leadloop.Claim) bool { return x.Compare(y) == 0 }) {
				t.Fatal("invented a claim")
			}
		}
	})
}

func TestUnitingActivitiesKeepsEachIDOnceInOrderOfTime(t *testing.T) {
	a := []leadloop.Activity{{ID: "2", Type: "reply", At: day.Add(time.Hour)}, {ID: "1", Type: "pricing_view", At: day}}
	b := []leadloop.Activity{{ID: "1", Type: "pricing_view", At: day}, {ID: "3", Type: "demo_request", At: day.Add(-time.Hour)}}
	var ids []string
	for _, x := range leadloop.UniteActivities(a, b) {
		ids = append(ids, x.ID)
	}
	if diff := cmp.Diff([]string{"3", "1", "2"}, ids); diff != "" {
		t.Error(diff)
	}
}

func fullLead() *leadloop.Lead {
	return &leadloop.Lead{
		ID: "ld_1", Revision: 3, ReceivedAt: day,
		Claims: []leadloop.Claim{
			leadloop.Email.Claim("ana@acme.com", leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", Record: "ld_1", ObservedAt: day}),
			leadloop.Employees.None(leadloop.Evidence{Origin: leadloop.OriginProvider, Source: "vendor", Record: "ld_1", ObservedAt: day, Confidence: 0.8}),
			leadloop.Title.Claim("", leadloop.Evidence{Origin: leadloop.OriginRep, Source: "ben", Record: "ld_0", ObservedAt: day, VerifiedAt: day, Pin: leadloop.Pinned}),
		},
		Activities: []leadloop.Activity{{ID: "a1", Type: "demo_request", At: day, Record: "ld_1", Attributes: map[string]string{"page": "/demo"}}},
		State: leadloop.State{
			Stage: "mql", Status: "new", Disposition: leadloop.OutcomeAssigned, Reason: "entry:west", Owner: "ben", OwnerSince: day, Pool: "west",
			Score: leadloop.Score{Known: true, Points: 71_500, Low: 60_000, High: 90_000, Tier: "A", Needs: []string{"company.revenue"}, ValidUntil: day.Add(time.Hour), Model: "inbound@12:abc"},
			SLA:   leadloop.SLA{Policy: "tier-a", Target: 15 * time.Minute, StartedAt: day, DueAt: day.Add(15 * time.Minute)},
			Cost:  1_250_000,
		},
		Identifiers: []leadloop.Identifier{{Kind: "email", Value: "ana@acme.com"}},
		Records:     []leadloop.LeadID{"ld_0"},
		Different:   []leadloop.LeadID{"ld_9"},
	}
}

func TestALeadSurvivesItsJSONFormWithStableBytes(t *testing.T) {
	want := fullLead()
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got := new(leadloop.Lead)
	if err := json.Unmarshal(b, got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	again, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if string(again) != string(b) {
		t.Errorf("bytes changed:\n%s\n%s", b, again)
	}
	if !strings.HasPrefix(string(b), `{"version":1,"id":"ld_1"`) {
		t.Errorf("the version does not come first: %.60s", b)
	}
}

func TestALeadOfANewerReleaseIsRefused(t *testing.T) {
	if err := json.Unmarshal([]byte(`{"version":2,"id":"ld_1"}`), new(leadloop.Lead)); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

func TestACloneSharesNothing(t *testing.T) {
	l := fullLead()
	c := l.Clone()
	c.Claims[0].Source = "changed"
	c.Activities[0].Attributes["page"] = "changed"
	c.Identifiers[0].Value = "changed"
	c.Records[0] = "changed"
	c.Different[0] = "changed"
	c.State.Score.Needs[0] = "changed"
	if diff := cmp.Diff(fullLead(), l); diff != "" {
		t.Error(diff)
	}
}

// latest is the simplest policy there is: the newest claim wins.
var latest = leadloop.SurvivorshipFunc(func(c leadloop.Contest) (int, leadloop.Value) {
	best := int(c.Candidates[0])
	for _, i := range c.Candidates {
		if c.Claims[i].Compare(c.Claims[best]) > 0 {
			best = int(i)
		}
	}
	return best, c.Claims[best].Value
})

func TestAGoldenProfileKnowsWhereEachValueComesFrom(t *testing.T) {
	own := leadloop.NewField[string]("lead.plan_interest")
	schema, err := leadloop.NewSchema(own)
	if err != nil {
		t.Fatal(err)
	}
	old := leadloop.Employees.Claim(50, leadloop.Evidence{Source: "form", ObservedAt: day})
	recent := leadloop.Employees.Claim(800, leadloop.Evidence{Source: "vendor", ObservedAt: day.Add(time.Hour)})
	p := leadloop.Golden(schema, latest, []leadloop.Claim{
		recent, old, own.Claim("team", leadloop.Evidence{ObservedAt: day}),
		{Field: "lead.shoe_size", Value: leadloop.ValueOf(int64(44))},
		{Field: "lead.email", Value: leadloop.ValueOf(int64(7))},
	})
	if v, got := leadloop.Employees.Get(p); v != 800 || got != leadloop.Present {
		t.Errorf("employees = %v %v", v, got)
	}
	if c, ok := p.Provenance("company.employees"); !ok || c.Source != "vendor" {
		t.Errorf("provenance %v %v", c, ok)
	}
	if v, got := own.Get(p); v != "team" || got != leadloop.Present {
		t.Errorf("own field = %q %v", v, got)
	}
	if _, got := leadloop.Email.Get(p); got != leadloop.Absent {
		t.Errorf("a claim of the wrong kind was taken: %v", got)
	}
	leadloop.Employees.Set(p, 9)
	if _, ok := p.Provenance("company.employees"); ok {
		t.Error("a value set directly claims a source")
	}
}

func TestASchemaRefusesBadFieldsAllAtOnce(t *testing.T) {
	_, err := leadloop.NewSchema(
		leadloop.NewField[string]("plan"), leadloop.NewField[string]("lead.Plan"), leadloop.NewField[string]("lead."),
		leadloop.NewField[int64]("lead.email"), leadloop.FieldDef{Name: "lead.x"}, leadloop.NewField[bool]("lead.trial"))
	if !errors.Is(err, leadloop.ErrInvalid) {
		t.Fatal(err)
	}
	if got := strings.Count(err.Error(), "\n") + 1; got != 5 {
		t.Errorf("%d problems, want 5:\n%v", got, err)
	}
}

func TestProblemsAreOrderedAndWarningsAreNoError(t *testing.T) {
	var ps leadloop.Problems
	ps.Add(leadloop.Position{File: "b.yaml", Line: 2, Column: 1}, "late")
	ps.AddHint(leadloop.Position{File: "a.yaml", Line: 3, Column: 9}, `did you mean "fit"?`, "unknown group %q", "fti")
	ps.Warn(leadloop.Position{File: "a.yaml", Line: 1, Column: 1}, "never fires")
	ps.Sort()
	want := "a.yaml:1:1: warning: never fires\na.yaml:3:9: unknown group \"fti\" (did you mean \"fit\"?)\nb.yaml:2:1: late"
	if diff := cmp.Diff(want, ps.Error()); diff != "" {
		t.Error(diff)
	}
	errs, warnings := ps.Split()
	if len(errs) != 2 || len(warnings) != 1 || warnings.Err() != nil || !errors.Is(ps.Err(), leadloop.ErrInvalid) {
		t.Errorf("split into %v and %v", errs, warnings)
	}
}
