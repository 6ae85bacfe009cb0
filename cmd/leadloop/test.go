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
		return &exitError{exitUsage, fmt.Errorf("the playbook has %s; nothing was tested", plural(len(errs), "problem"))}
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
		x.At = filepath.Join(c.Dir, x.At)
	}
	if c.JUnit != "" {
		if err := writeJUnit(c.JUnit, r); err != nil {
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

func writeJUnit(path string, r *playbook.TestReport) error {
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
