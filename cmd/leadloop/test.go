package main

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/scoring"
)

type testCmd struct {
	Dir       string `arg:"" help:"Folder of the playbook; its cases stand in cases/*.yaml."`
	JSON      bool   `help:"Print the results as JSON."`
	JUnit     string `name:"junit" placeholder:"FILE" help:"Also write the results as JUnit XML, for a build server."`
	NoMutants bool   `help:"Leave out the changed weights that no case notices: finding them runs every case for each change."`
	Strict    bool   `help:"Fail as well when something is not covered, or when no case notices a change."`
	Watch     bool   `help:"Run again whenever a file of the playbook changes, until interrupted."`
}

// caseOutcome is what came of one case of any kind.
type caseOutcome struct {
	Kind string `json:"kind"` // score, route
	Name string `json:"name"`
	At   string `json:"at"`
	OK   bool   `json:"ok"`
	// Text says what was expected and what came, with the reasons.
	Text string `json:"text,omitempty"`
}

// testReport is the whole run.
type testReport struct {
	Playbook string        `json:"playbook"`
	Digest   string        `json:"digest"`
	Cases    []caseOutcome `json:"cases"`
	Failed   int           `json:"failed"`
	// Coverage is the share of the model's edges that the cases reach.
	Coverage float64  `json:"coverage"`
	Missed   []string `json:"missed,omitempty"`
	// NeverWon are the entries of the chain that no case wins by.
	Entries  int      `json:"entries"`
	NeverWon []string `json:"never_won,omitempty"`
	// Mutants are changes of the model that were tried, Survivors those that no
	// case noticed; -1 if they were left out.
	Mutants   int      `json:"mutants"`
	Survivors []string `json:"survivors,omitempty"`
}

func (r *testReport) short() bool {
	return len(r.Missed)+len(r.NeverWon)+len(r.Survivors) > 0
}

func (c *testCmd) Run(ctx context.Context, s streams) error {
	if !c.Watch {
		return c.once(ctx, s)
	}
	seen := ""
	for {
		now, err := fingerprintOf(c.Dir)
		if err != nil {
			return &exitError{exitUsage, err}
		}
		if now != seen {
			seen = now
			err := c.once(ctx, s)
			var exit *exitError
			if err != nil && (!errors.As(err, &exit) || exit.code == exitInterrupted) {
				return err
			}
			if exit != nil && exit.err != nil {
				s.say("leadloop: %v", exit.err)
			}
			s.say("waiting for a file of %s to change; Ctrl-C ends", c.Dir)
		}
		pause := time.NewTimer(300 * time.Millisecond)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return nil
		}
	}
}

// fingerprintOf changes whenever a file below dir does.
func fingerprintOf(dir string) (string, error) {
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // an editor replaces it just now
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s %d %d\n", path, info.Size(), info.ModTime().UnixNano())
		return nil
	})
	return b.String(), err
}

func (c *testCmd) once(ctx context.Context, s streams) error {
	pb, problems := loadPlaybook(c.Dir)
	for _, p := range problems {
		s.say("%v", p)
	}
	if pb == nil {
		errs, _ := problems.Split()
		return &exitError{exitUsage, fmt.Errorf("the playbook has %s; nothing was tested", plural(len(errs), "problem"))}
	}
	if len(pb.Cases())+len(pb.Routes()) == 0 {
		return &exitError{exitUsage, fmt.Errorf("there is no case in %s: see docs/SCORING.md for how to write one", filepath.Join(c.Dir, "cases"))}
	}
	r, err := c.test(ctx, pb)
	if err != nil {
		return err
	}
	if c.JUnit != "" {
		if err := writeJUnit(c.JUnit, r); err != nil {
			return err
		}
	}
	if c.JSON {
		err = writeJSON(s.out, r)
	} else {
		_, err = io.WriteString(s.out, r.text())
	}
	switch {
	case err != nil:
		return err
	case r.Failed > 0:
		return &exitError{exitFailed, fmt.Errorf("%s of %s failed", thousands(int64(r.Failed)), plural(len(r.Cases), "case"))}
	case c.Strict && r.short():
		return &exitError{exitFailed, errors.New("the cases leave something out, which --strict does not allow")}
	}
	return nil
}

func (c *testCmd) test(ctx context.Context, pb *playbook.Playbook) (*testReport, error) {
	r := &testReport{Playbook: pb.Name(), Digest: pb.Digest(), Mutants: -1, Cases: []caseOutcome{}}
	cases := pb.Cases()
	scored, err := scoring.RunCases(ctx, pb.Model(), cases)
	if err != nil {
		return nil, err
	}
	for _, res := range scored.Results {
		r.add("score", res.Case.Name, c.at(res.Case.At), res.String())
	}
	r.Coverage = scored.Coverage.Share()
	for _, e := range scored.Coverage.Missed() {
		r.Missed = append(r.Missed, e.Name())
	}
	routed, err := routing.RunCases(ctx, pb.Router(), pb.Routes(), routing.CaseOptions{Score: pb.Score})
	if err != nil {
		return nil, err
	}
	for i := range routed.Results {
		res := &routed.Results[i]
		r.add("route", res.Case.Name, c.at(res.Case.At), res.String())
	}
	r.Entries = len(routed.Entries)
	if len(pb.Routes()) > 0 {
		r.NeverWon = routed.Unhit()
	}
	if !c.NoMutants && len(cases) > 0 {
		m, err := scoring.Mutate(ctx, pb.Model(), cases)
		if err != nil {
			return nil, err
		}
		r.Mutants = len(m.Mutations)
		for _, x := range m.Survivors() {
			r.Survivors = append(r.Survivors, x.Name())
		}
	}
	return r, nil
}

// at is where a case stands, from where the command was called.
func (c *testCmd) at(p leadloop.Position) string {
	p.File = filepath.Join(c.Dir, p.File)
	return p.String()
}

func (r *testReport) add(kind, name, at, text string) {
	r.Cases = append(r.Cases, caseOutcome{Kind: kind, Name: name, At: at, OK: text == "", Text: text})
	if text != "" {
		r.Failed++
	}
}

func (r *testReport) text() string {
	var b strings.Builder
	for _, c := range r.Cases {
		if !c.OK {
			fmt.Fprintf(&b, "FAIL %s\n\n", strings.TrimRight(c.Text, "\n"))
		}
	}
	counts := map[string]int{}
	for _, c := range r.Cases {
		counts[c.Kind]++
	}
	fmt.Fprintf(&b, "%s, digest %s: %s (%d of scores, %d of routes), %d failed.\n", r.Playbook, r.Digest[:12], plural(len(r.Cases), "case"), counts["score"], counts["route"], r.Failed)
	if counts["score"] > 0 {
		fmt.Fprintf(&b, "Cases reach %.1f %% of the model's edges", 100*r.Coverage)
		list(&b, "not reached", r.Missed)
	}
	if counts["route"] > 0 {
		fmt.Fprintf(&b, "Cases win by %d of %d entries of the chain", r.Entries-len(r.NeverWon), r.Entries)
		list(&b, "never", r.NeverWon)
	}
	if r.Mutants >= 0 {
		fmt.Fprintf(&b, "Of %s to the model the cases notice %s", plural(r.Mutants, "single change"), thousands(int64(r.Mutants-len(r.Survivors))))
		list(&b, "unnoticed", r.Survivors)
	}
	return b.String()
}

func list(b *strings.Builder, what string, names []string) {
	if len(names) == 0 {
		b.WriteString(".\n")
		return
	}
	fmt.Fprintf(b, "; %s:\n", what)
	for _, n := range names {
		fmt.Fprintf(b, "  - %s\n", n)
	}
}

// The part of JUnit's format that build servers read.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		File    string        `xml:"file,attr"`
		Failure *junitFailure `xml:"failure,omitempty"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

func writeJUnit(path string, r *testReport) error {
	var suites junitSuites
	for _, c := range r.Cases {
		i := slices.IndexFunc(suites.Suites, func(s junitSuite) bool { return s.Name == c.Kind })
		if i < 0 {
			i, suites.Suites = len(suites.Suites), append(suites.Suites, junitSuite{Name: c.Kind})
		}
		s := &suites.Suites[i]
		s.Tests++
		j := junitCase{Name: c.Name, Class: cmp.Or(r.Playbook, "playbook") + "." + c.Kind, File: c.At}
		if !c.OK {
			s.Failures++
			j.Failure = &junitFailure{Message: c.Name + " does not hold", Text: c.Text}
		}
		s.Cases = append(s.Cases, j)
	}
	data, err := xml.MarshalIndent(suites, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append([]byte(xml.Header), append(data, '\n')...), 0o644)
}
