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
	"strconv"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/playbook"
)

type testCmd struct {
	Dir       string `arg:"" help:"Folder of the playbook; its cases stand in cases/*.yaml."`
	JSON      bool   `help:"Print the results as JSON."`
	JUnit     string `name:"junit" placeholder:"FILE" help:"Also write the results as JUnit XML, for a build server."`
	NoMutants bool   `help:"Leave out the changed weights that no case notices: finding them runs every case for each change."`
	Strict    bool   `help:"Fail as well when something is not covered, or when no case notices a change."`
	Watch     bool   `help:"Run again whenever a file of the playbook changes, until interrupted."`
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
		err := &exitError{exitUsage, fmt.Errorf("the playbook has %s; nothing was tested", plural(len(errs), "problem"))}
		if c.JUnit != "" {
			// That of an earlier run would say that all is well.
			return errors.Join(writeJUnit(c.JUnit, unloaded(c.Dir, errs)), err)
		}
		return err
	}
	r, err := pb.Test(ctx, playbook.TestOptions{NoMutants: c.NoMutants})
	if err != nil {
		return err
	}
	if len(r.Cases) == 0 {
		return &exitError{exitUsage, fmt.Errorf("there is no case in %s: see docs/SCORING.md for how to write one", filepath.Join(c.Dir, "cases"))}
	}
	for i := range r.Cases {
		// Seen from where the command was called.
		x := &r.Cases[i]
		at := filepath.Join(c.Dir, x.At)
		x.Text, x.Differs = strings.Replace(x.Text, x.At, at, 1), strings.Replace(x.Differs, x.At, at, 1)
		x.At = at
	}
	if c.JUnit != "" {
		if err := writeJUnit(c.JUnit, tested(r)); err != nil {
			return err
		}
	}
	if c.JSON {
		err = writeJSON(s.out, r)
	} else {
		_, err = io.WriteString(s.out, r.String())
	}
	switch {
	case err != nil:
		return err
	case r.Failed > 0:
		return &exitError{exitFailed, fmt.Errorf("%s of %s failed", thousands(int64(r.Failed)), plural(len(r.Cases), "case"))}
	case c.Strict && !r.Complete():
		return &exitError{exitFailed, errors.New("the cases leave something out, which --strict does not allow")}
	}
	return nil
}

// The part of JUnit's format that build servers read.
type (
	junitSuites struct {
		XMLName  xml.Name      `xml:"testsuites"`
		Name     string        `xml:"name,attr"`
		Tests    int           `xml:"tests,attr"`
		Failures int           `xml:"failures,attr"`
		Errors   int           `xml:"errors,attr"`
		Suites   []*junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		File    string        `xml:"file,attr,omitempty"`
		Line    int           `xml:"line,attr,omitempty"`
		Failure *junitProblem `xml:"failure,omitempty"`
		Error   *junitProblem `xml:"error,omitempty"`
	}
	junitProblem struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
)

// add counts a case in its suite.
func (s *junitSuites) add(suite string, c junitCase) {
	i := slices.IndexFunc(s.Suites, func(x *junitSuite) bool { return x.Name == suite })
	if i < 0 {
		i, s.Suites = len(s.Suites), append(s.Suites, &junitSuite{Name: suite})
	}
	of := s.Suites[i]
	of.Cases = append(of.Cases, c)
	of.Tests, s.Tests = of.Tests+1, s.Tests+1
	if c.Failure != nil {
		of.Failures, s.Failures = of.Failures+1, s.Failures+1
	}
	if c.Error != nil {
		of.Errors, s.Errors = of.Errors+1, s.Errors+1
	}
}

func tested(r *playbook.TestReport) *junitSuites {
	out := &junitSuites{Name: cmp.Or(r.Playbook, "playbook")}
	for _, c := range r.Cases {
		j := junitCase{Name: c.Name, Class: out.Name + "." + c.Kind}
		if parts := strings.Split(c.At, ":"); len(parts) > 2 { // file:line:column
			j.File = strings.Join(parts[:len(parts)-2], ":")
			j.Line, _ = strconv.Atoi(parts[len(parts)-2]) // 0 if it is not said
		}
		if !c.OK {
			j.Failure = &junitProblem{Message: c.Name + " does not hold", Type: c.Kind, Text: c.Text}
		}
		out.add(c.Kind, j)
	}
	return out
}

// unloaded is the report on a playbook that can't be read.
func unloaded(dir string, problems leadloop.Problems) *junitSuites {
	out := &junitSuites{Name: dir}
	for _, p := range problems {
		out.add("load", junitCase{
			Name: cmp.Or(p.At.File, dir), Class: "playbook", File: p.At.File, Line: p.At.Line, Error: &junitProblem{Message: p.Message, Type: "problem", Text: p.String()},
		})
	}
	return out
}

func writeJUnit(path string, suites *junitSuites) error {
	data, err := xml.MarshalIndent(suites, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append([]byte(xml.Header), append(data, '\n')...), 0o644)
}
