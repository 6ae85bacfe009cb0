package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/playbook"
)

type checkCmd struct {
	Dir  string `arg:"" help:"The playbook's folder."`
	JSON bool   `xor:"out" help:"Print problems as JSON, one object per line."`

	Fields  bool        `xor:"view" help:"List which rules read each field and which providers offer it; with --json one object per line."`
	Diagram diagramFlag `xor:"out,view" placeholder:"FILE" help:"Draw the stages of leads: as Mermaid, or into a file that ends in .svg, .mmd or .md (--diagram=stages.svg)."`
}

func (c *checkCmd) Run(s streams) error {
	pb, problems := loadPlaybook(c.Dir)
	if pb != nil {
		problems = append(problems, inFolder(c.Dir, pb.Expired(time.Now()))...)
		problems.Sort()
	}
	errs, warnings := problems.Split()
	var b strings.Builder
	for _, p := range problems {
		if !c.JSON {
			fmt.Fprintln(&b, p)
		} else if err := json.NewEncoder(&b).Encode(p); err != nil {
			return err
		}
	}
	if c.Diagram != "" && pb != nil {
		text, err := c.Diagram.draw(pb.Lifecycle())
		if err != nil {
			return err
		}
		// The drawing is what is asked for; what was found goes beside it.
		s.say("%s", strings.TrimSuffix(b.String(), "\n")+prefixed(pb.Name()+" is sound: "+pb.Summary(), b.Len() > 0))
		b.Reset()
		b.WriteString(text)
	} else if pb != nil {
		if err := c.sound(&b, pb, s); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(s.out, b.String()); err != nil {
		return err
	}
	if len(errs) > 0 {
		return &exitError{exitUsage, fmt.Errorf("%s, %s; nothing was run", plural(len(errs), "problem"), plural(len(warnings), "warning"))}
	}
	return nil
}

// sound says that a playbook is, and what of its rules nobody tells.
func (c *checkCmd) sound(b *strings.Builder, pb *playbook.Playbook, s streams) error {
	demand, err := pb.Demand()
	if err != nil {
		return err
	}
	switch {
	case c.Fields && c.JSON:
		// The problems are no part of the list.
		if b.Len() > 0 {
			s.say("%s", strings.TrimSuffix(b.String(), "\n"))
			b.Reset()
		}
		return c.fields(b, demand)
	case c.JSON:
		return c.gaps(b, pb.Router().Gaps())
	}
	fmt.Fprintf(b, "%s is sound: %s\n", pb.Name(), pb.Summary())
	if c.Fields {
		return c.fields(b, demand)
	}
	b.WriteString(unprovided(demand))
	return c.gaps(b, pb.Router().Gaps())
}

// prefixed sets a line below others, if there are any.
func prefixed(line string, below bool) string {
	if below {
		return "\n" + line
	}
	return line
}

// loadPlaybook reads a folder and gives problems their path as the user would
// open it.
func loadPlaybook(dir string) (*playbook.Playbook, leadloop.Problems) {
	pb, problems := playbook.Load(os.DirFS(dir))
	return pb, inFolder(dir, problems)
}

func inFolder(dir string, problems leadloop.Problems) leadloop.Problems {
	for i := range problems {
		if problems[i].At.File != "" {
			problems[i].At.File = filepath.Join(dir, problems[i].At.File)
		} else {
			problems[i].At.File = dir
		}
	}
	return problems
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(int64(n)) + " " + noun + "s"
}

// thousands writes 12345 as 12,345.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
