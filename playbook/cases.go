package playbook

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/scoring"
)

// casesFolder has the tests of the playbook.
const casesFolder = "cases"

// Cases are the tests of the scoring model in cases/*.yaml, checked against it
// and not yet run: scoring.RunCases and scoringtest.Run do that. They are no
// part of the digest, since they decide nothing.
func (p *Playbook) Cases() []scoring.Case { return slices.Clone(p.cases) }

// Routes are the tests of the chain in cases/*.yaml, checked against it and not
// yet run: routing.RunCases and routingtest.Run do that, with [Playbook.Score]
// for those that say no tier.
func (p *Playbook) Routes() []routing.Case { return slices.Clone(p.routes) }

// Score scores golden values by the playbook's own model, for cases of the
// chain: see routing.CaseOptions. It fails as scoring.Model.Score does.
func (p *Playbook) Score(ctx context.Context, profile *leadloop.Profile, activities []leadloop.Activity, asOf time.Time) (leadloop.Score, error) {
	return p.model.Score(ctx, scoring.Input{Profile: profile, Activities: activities, AsOf: asOf})
}

// loadCases reads the cases and checks everything that they name.
func (l *loader) loadCases() {
	entries, err := fs.ReadDir(l.pb.fsys, casesFolder)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			l.problems.Add(leadloop.Position{File: casesFolder}, "can't be read: %v", err)
		}
		return
	}
	cases, routes, enriches, moves := names{}, names{}, names{}, names{}
	for _, e := range entries {
		name := path.Join(casesFolder, e.Name())
		if e.IsDir() || !strings.HasSuffix(name, ".yaml") && !strings.HasSuffix(name, ".yml") {
			l.problems.Warn(leadloop.Position{File: name}, "is no file of cases and is not read; expected *.yaml")
			continue
		}
		data, err := fs.ReadFile(l.pb.fsys, name)
		if err != nil {
			l.problems.Add(leadloop.Position{File: name}, "can't be read: %v", err)
			continue
		}
		var found leadloop.Problems
		if l.pb.model != nil {
			more, err := scoring.ParseCases(name, data, l.pb.model)
			found.Join(err)
			for _, c := range more {
				cases.take(&found, name, c.Name, c.At)
			}
			l.pb.cases = append(l.pb.cases, more...)
		}
		if l.pb.router != nil {
			more, err := routing.ParseCases(name, data, l.pb.router)
			found.Join(err)
			for _, c := range more {
				routes.take(&found, name, c.Name, c.At)
			}
			l.pb.routes = append(l.pb.routes, more...)
		}
		if l.pb.model != nil && l.pb.router != nil && l.pb.lifecycle != nil && l.pb.policy != nil {
			before, after := len(l.pb.enrichCases), len(l.pb.lifecycleCases)
			found = append(found, l.pb.readCases(name, data)...)
			for _, c := range l.pb.enrichCases[before:] {
				enriches.take(&found, name, c.name, c.at)
			}
			for _, c := range l.pb.lifecycleCases[after:] {
				moves.take(&found, name, c.name, c.at)
			}
		}
		// What is wrong with the file as such, all of them find.
		for i, p := range found {
			if !slices.Contains(found[:i], p) {
				l.problems = append(l.problems, p)
			}
		}
	}
}

// names are where cases of a kind stand, by their names.
type names map[string]leadloop.Position

// take reports a name that a case of an earlier file has.
func (n names) take(problems *leadloop.Problems, file, name string, at leadloop.Position) {
	if first, ok := n[name]; ok && first.File != file {
		problems.Add(at, "case %q: the name is taken by a case at %s", name, first)
	}
	n[name] = at
}
