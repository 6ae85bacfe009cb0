package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/leadloop/leadloop/lifecycle"
)

// diagramFlag is where a drawing goes: "" for none, "-" for Mermaid on standard
// output, or a file. As a flag it needs no value.
type diagramFlag string

// IsBool lets the flag stand alone.
func (diagramFlag) IsBool() bool { return true }

// Decode reads what follows the flag's name.
func (f *diagramFlag) Decode(ctx *kong.DecodeContext) error {
	*f = "-"
	if t := ctx.Scan.Peek(); t.Type == kong.FlagValueToken {
		*f = diagramFlag(ctx.Scan.Pop().String())
	}
	if f.format() == "" {
		return fmt.Errorf("expected a file that ends in .svg, .mmd or .md, found %q", string(*f))
	}
	return nil
}

func (f diagramFlag) format() string {
	switch ext := strings.ToLower(filepath.Ext(string(f))); {
	case f == "-", ext == ".mmd":
		return "mermaid"
	case ext == ".md":
		return "markdown"
	case ext == ".svg":
		return "svg"
	}
	return ""
}

// draw writes the drawing; of standard output it returns what belongs there.
func (f diagramFlag) draw(l *lifecycle.Lifecycle) (string, error) {
	text := l.Mermaid()
	switch f.format() {
	case "svg":
		text = string(l.SVG())
	case "markdown":
		text = "```mermaid\n" + text + "```\n"
	}
	if f == "-" {
		return text, nil
	}
	return "", os.WriteFile(string(f), []byte(text), 0o644)
}
