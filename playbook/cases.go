package playbook

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/scoring"
)

// casesFolder has the tests of the scoring model.
const casesFolder = "cases"

// Cases are the tests of the scoring model in cases/*.yaml, checked against it
// and not yet run: scoring.RunCases and scoringtest.Run do that. They are no
// part of the digest, since they decide nothing.
func (p *Playbook) Cases() []scoring.Case { return slices.Clone(p.cases) }

// loadCases reads the cases and checks every field, tier and rule that they
// name.
func (l *loader) loadCases() {
	entries, err := fs.ReadDir(l.pb.fsys, casesFolder)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			l.problems.Add(leadloop.Position{File: casesFolder}, "can't be read: %v", err)
		}
		return
	}
	named := map[string]leadloop.Position{}
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
		cases, err := scoring.ParseCases(name, data, l.pb.model)
		l.problems.Join(err)
		for _, c := range cases {
			if first, ok := named[c.Name]; ok && first.File != name {
				l.problems.Add(c.At, "case %q: the name is taken by a case at %s", c.Name, first)
			}
			named[c.Name] = c.At
		}
		l.pb.cases = append(l.pb.cases, cases...)
	}
}
