package routing

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing/calendar"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Each testdata/<name> holds routing.yaml, sla.yaml and what is wrong with
// them, problems.txt.
func TestProblemsAreAllNamedWithTheirPosition(t *testing.T) {
	dirs, err := filepath.Glob("testdata/problems/*")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			var problems leadloop.Problems
			def, err := Parse("routing.yaml", read(t, dir, "routing.yaml"))
			problems.Join(err)
			sla, err := ParseSLA("sla.yaml", read(t, dir, "sla.yaml"))
			problems.Join(err)
			r, err := New(def, sla, leadloop.StandardSchema(), Options{
				Tiers: []string{"A", "B", "C", "D"}, Files: os.DirFS(dir),
				Holidays: func(country string, year int) ([]calendar.Date, bool) {
					return []calendar.Date{{Year: year, Month: time.May, Day: 1}}, country == "DE"
				},
			})
			problems.Join(err)
			if (err == nil) != (r != nil) || err != nil && !errors.Is(err, leadloop.ErrInvalid) {
				t.Errorf("New = %v, %v", r, err)
			}
			if r != nil {
				problems = append(problems, r.Warnings()...)
			}
			got := strings.TrimSpace(problems.Error()) + "\n"
			golden := filepath.Join(dir, "problems.txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want := string(read(t, dir, "problems.txt"))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil && *update && name == "problems.txt" {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWarningsAreNamedBesideErrors(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"as told": {
			"reps:\n  - {id: ana}\n  - {id: zed}\nteams: [{id: t, members: [ana]}]\nfinal: inbox\nqueues: [{id: desk}]",
			"routing.yaml:1:1: final: there is no queue \"inbox\" (known: desk)\nrouting.yaml:3:5: warning: rep zed is in no team",
		},
		"but not what a slip has led to": {
			"reps:\n  - {id: ana}\n  - {id: zed}\n  - {id: bob, weight: 0}\nteams: [{id: t, members: [ana, zedd]}]\nfinal: desk\nqueues: [{id: desk}]",
			"routing.yaml:4:5: rep bob: weight 0 is not between 1 and 10000 (who gets nothing is left out of the pool)\n" +
				"routing.yaml:5:9: team t: there is no rep \"zedd\" (did you mean \"zed\"?)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			def, err := Parse("routing.yaml", []byte(c.file))
			if err != nil {
				t.Fatal(err)
			}
			_, err = New(def, SLADefinition{}, leadloop.StandardSchema(), Options{})
			if err == nil {
				t.Fatal("nothing is wrong")
			}
			if diff := cmp.Diff(c.want, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNewFromGoNamesProblemsWithoutAFile(t *testing.T) {
	_, err := New(Definition{}, SLADefinition{}, leadloop.StandardSchema(), Options{})
	if diff := cmp.Diff("final: the chain can end without an owner; name the queue that takes what is left", err.Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := New(Definition{}, SLADefinition{}, nil, Options{}); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("without a schema: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(routingFile, slaFile)
	f.Add("final: q\nqueues: [{id: q}]", "policies: [{id: a, target: 1m, escalate: [{notify: rep:a}]}]")
	f.Add("chain: [{id: x, target: {pool: y, queue: z}}]", "unworked: {escalate: []}")
	f.Fuzz(func(t *testing.T, routing, sla string) {
		def, err := Parse("routing.yaml", []byte(routing))
		clocks, slaErr := ParseSLA("sla.yaml", []byte(sla))
		for _, err := range []error{err, slaErr} {
			if err != nil && !errors.Is(err, leadloop.ErrInvalid) {
				t.Fatal(err)
			}
		}
		if _, err := New(def, clocks, leadloop.StandardSchema(), Options{}); err != nil && !errors.Is(err, leadloop.ErrInvalid) {
			t.Fatal(err)
		}
	})
}
