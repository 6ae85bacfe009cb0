// Package inbound_test holds the sample playbook to what each package takes.
package inbound_test

import (
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/lifecycle"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/scoring"
	"github.com/leadloop/leadloop/store/memstore"
)

func file(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("playbook", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func model(t *testing.T) *scoring.Model {
	t.Helper()
	def, err := scoring.Parse("scoring.yaml", file(t, "scoring.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	schema, err := def.Schema()
	if err != nil {
		t.Fatal(err)
	}
	m, err := scoring.New(def, schema, scoring.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func clean(t *testing.T, what string, problems leadloop.Problems) {
	t.Helper()
	for _, p := range problems {
		t.Errorf("%s: %s", what, p)
	}
}

func TestEachFileIsTakenByItsPackageWithoutAWarning(t *testing.T) {
	m := model(t)
	clean(t, "scoring", m.Warnings())
	if n := len(m.Tiers()); n != 4 {
		t.Errorf("%d tiers", n)
	}

	routes, err := routing.Parse("routing.yaml", file(t, "routing.yaml"))
	if err != nil {
		t.Error(err)
	}
	sla, err := routing.ParseSLA("sla.yaml", file(t, "sla.yaml"))
	if err != nil {
		t.Error(err)
	}
	router, err := routing.New(routes, sla, m.Schema(), routing.Options{Tiers: m.Tiers()})
	if err != nil {
		t.Fatal(err)
	}
	clean(t, "routing", router.Warnings())

	def, problems := enrich.Parse("enrich.yaml", file(t, "enrich.yaml"))
	clean(t, "enrich", problems)
	sources, problems := def.Sources(m.Schema(), enrich.Host{Files: os.DirFS("playbook")})
	clean(t, "enrich", problems) // also the rows of the provider files
	o := def.Options()
	o.Fields = slices.Concat(m.Inputs(), router.Fields())
	o.PreScore = func(context.Context, *leadloop.Profile, []leadloop.Activity, time.Time) (leadloop.Points, bool) {
		return 0, false
	}
	if _, err := enrich.New(sources, memstore.New(), m.Schema(), o); err != nil {
		t.Error(err)
	}

	policy, err := dedupe.ParsePolicy("survivorship.yaml", file(t, "survivorship.yaml"))
	if err != nil {
		t.Error(err)
	}
	if _, err := dedupe.NewPolicy(policy, m.Schema()); err != nil {
		t.Error(err)
	}

	stages, err := lifecycle.Parse("lifecycle.yaml", file(t, "lifecycle.yaml"))
	if err != nil {
		t.Error(err)
	}
	own := make([]leadloop.AnyField, 0, 4)
	for _, f := range stages.Fields() {
		own = append(own, f)
	}
	schema, err := leadloop.NewSchema(own...)
	if err != nil {
		t.Fatal(err)
	}
	calls, err := lifecycle.ParseCadences("cadences.yaml", file(t, "cadences.yaml"))
	if err != nil {
		t.Error(err)
	}
	cadences, err := lifecycle.NewCadences(calls, schema, lifecycle.Options{})
	if err != nil {
		t.Error(err)
	}
	l, err := lifecycle.New(stages, schema, lifecycle.Options{Tiers: m.Tiers(), Cadences: cadences})
	if err != nil {
		t.Fatal(err)
	}
	clean(t, "lifecycle", l.Warnings())
}

func TestTheWholePlaybookChecksWithoutAWarning(t *testing.T) {
	pb, problems := playbook.Load(os.DirFS("playbook"))
	clean(t, "playbook", problems)
	if pb == nil {
		t.Fatal("it did not load")
	}
}

func TestThePlaybookRoutesToThePeopleOfTheCRM(t *testing.T) {
	def, err := routing.Parse("routing.yaml", file(t, "routing.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][2]string{}
	inTeams := 0
	for _, team := range def.Teams {
		inTeams += len(team.Members)
	}
	for _, r := range def.Reps {
		manager := r.Manager
		for _, team := range def.Teams {
			if slices.Contains(team.Members, r.ID) {
				manager = team.Manager
			}
		}
		want[string(r.ID)] = [2]string{r.Name, string(manager)}
	}
	f, err := os.Open(filepath.Join("crm", "reps.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][2]string{}
	for _, r := range rows[1:] {
		if r[4] == "true" { // who left is not routed to
			got[r[0]] = [2]string{r[1], r[3]}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("name and manager in routing.yaml (-) and crm/reps.csv (+): %s", diff)
	}
	if inTeams != 12 || len(def.Teams) != 3 {
		t.Errorf("%d reps in %d teams", inTeams, len(def.Teams))
	}
}
