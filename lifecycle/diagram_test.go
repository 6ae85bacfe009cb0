package lifecycle_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop/lifecycle"
)

var update = flag.Bool("update", false, "write the drawings anew")

// The guide shows the drawing of the default definition.
const drawing = "../docs/lifecycle.svg"

func TestTheDrawingOfTheDefaultDefinitionIsThatOfTheGuide(t *testing.T) {
	got := compile(t, lifecycle.Default()).SVG()
	if *update {
		if err := os.WriteFile(drawing, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(drawing)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("run with -update if it is meant:\n%s", diff)
	}
}

func TestDrawingsNameEveryStageAndWayAndAreWellFormed(t *testing.T) {
	l := compile(t, parse(t, `initial: a
stages:
  - {id: a, to: [{stage: b-c, auto: true, when: "score > 1.0 && lead.country == '<US>'"}, {stage: out, by: [owner, manager]}]}
  - {id: b-c, enter: [{id: x, when: "true"}, {id: y, when: "true"}], exit: [{id: z, when: "true"}], to: [{stage: a}, {stage: end}]}
  - {id: end, final: true}
  - {id: out, follows: disqualified, to: [{stage: a, auto: true, when: 'disposition == "assigned"'}]}
clocks: [{id: k, since: stage, after: 36h, when: "score < 5.0", do: {disqualify: old}}]
`))
	want := `stateDiagram-v2
    direction LR
    state "a" as s0
    state "b-c<br/>enter: x, y<br/>exit: z" as s1
    state "end" as s2
    state "out" as s3
    [*] --> s0
    s0 --> s1 : auto
    s0 --> s3 : owner, manager
    s1 --> s0
    s1 --> s2
    s2 --> [*]
    s3 --> s0 : auto
`
	if diff := cmp.Diff(want, l.Mermaid()); diff != "" {
		t.Error(diff)
	}
	svg := l.SVG()
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range []string{
		">b-c<", "enter: x, y", "exit: z", "a → b-c: auto", "a → out: owner, manager", "b-c → a", "out → a: auto", "k: 1d12h in a stage, when score &lt; 5.0 → disqualify as old",
	} {
		if !strings.Contains(string(svg), text) {
			t.Errorf("the picture lacks %q", text)
		}
	}
}
