package routing_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/routing/holidays"
)

// guide returns the files that docs/ROUTING.md shows.
func guide(t *testing.T) fstest.MapFS {
	t.Helper()
	text, err := os.ReadFile("../docs/ROUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for _, m := range regexp.MustCompile("(?s)```(?:yaml|csv) ([a-z.]+)\n(.*?)```").FindAllSubmatch(text, -1) {
		files[string(m[1])] = &fstest.MapFile{Data: m[2]}
	}
	return files
}

func TestTheGuidesFilesAreAPlaybooks(t *testing.T) {
	files := guide(t)
	def, err := routing.Parse("routing.yaml", files["routing.yaml"].Data)
	if err != nil {
		t.Fatal(err)
	}
	sla, err := routing.ParseSLA("sla.yaml", files["sla.yaml"].Data)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := leadloop.NewSchema(leadloop.NewField[string](routing.PostcodeField))
	if err != nil {
		t.Fatal(err)
	}
	r, err := routing.New(def, sla, schema, routing.Options{Tiers: []string{"A", "B", "C", "D"}, Files: files, Holidays: holidays.Of})
	if err != nil {
		t.Fatal(err)
	}
	if w := r.Warnings(); len(w) > 0 {
		t.Errorf("warnings: %v", w)
	}
	cases, err := routing.ParseCases("cases.yaml", files["cases.yaml"].Data, r)
	if err != nil {
		t.Fatal(err)
	}
	report, err := routing.RunCases(t.Context(), r, cases, routing.CaseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range report.Results {
		if s := report.Results[i].String(); s != "" {
			t.Error(s)
		}
	}
	// At 23:30 UTC nobody works: Tokyo begins in half an hour.
	profile := schema.NewProfile()
	leadloop.Source.Set(profile, "web")
	leadloop.Domain.Set(profile, "example.org")
	leadloop.Country.Set(profile, "BR")
	leadloop.Industry.Set(profile, "software")
	leadloop.Employees.Set(profile, 20)
	leadloop.Language.Set(profile, "pt")
	lead := &leadloop.Lead{ID: "l1", State: leadloop.State{Score: leadloop.Score{Known: true, Tier: "A", Model: "m"}}}
	got := map[string]string{}
	for name, at := range map[string]time.Time{
		"morning": time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC), "evening": time.Date(2026, 11, 3, 23, 30, 0, 0, time.UTC),
	} {
		a, err := r.Route(context.Background(), &routing.Snapshot{}, routing.Request{Lead: lead, Profile: profile, AsOf: at})
		if err != nil {
			t.Fatal(err)
		}
		got[name] = fmt.Sprint(a.Reason, " ", a.Owner, a.Queue)
	}
	want := map[string]string{"morning": "entry:world ben", "evening": "wait:world desk"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
