package yamldoc_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/yamldoc"
)

type rung struct {
	After  time.Duration     `yaml:"after"`
	Notify string            `yaml:"notify,required"`
	At     leadloop.Position `yaml:"-"`
}

type document struct {
	Name    string                   `yaml:"name,required"`
	When    leadloop.Expression      `yaml:"when"`
	Count   int                      `yaml:"count"`
	Share   float64                  `yaml:"share"`
	On      bool                     `yaml:"on"`
	Limit   *int                     `yaml:"limit"`
	Expires time.Time                `yaml:"expires"`
	Ladder  []rung                   `yaml:"ladder"`
	Waits   map[string]time.Duration `yaml:"waits"`
}

func TestADocumentIsDecodedWithPositions(t *testing.T) {
	var got document
	problems := yamldoc.Decode("f.yaml", []byte(`name: x
when: 'lead.email != ""'
count: 3
share: .5
on: true
limit: 0
expires: 2027-01-31
ladder:
  - {after: 1d, notify: owner}
waits: {a: 15m}
`), &got)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	zero := 0
	want := document{
		Name: "x", When: leadloop.Expression{Text: `lead.email != ""`, At: leadloop.Position{File: "f.yaml", Line: 2, Column: 8}},
		Count: 3, Share: .5, On: true, Limit: &zero, Expires: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC),
		Ladder: []rung{{After: 24 * time.Hour, Notify: "owner", At: leadloop.Position{File: "f.yaml", Line: 9, Column: 5}}},
		Waits:  map[string]time.Duration{"a": 15 * time.Minute},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEveryProblemIsFoundAtOnceWithItsPosition(t *testing.T) {
	for name, tc := range map[string]struct {
		in   string
		want []string
	}{
		"several at once": {"nmae: x\ncount: many\non: maybe\nexpires: soon\nladder: [{after: 5}, {notify: a, notify: b}]\nwaits: [1]\n", []string{
			`f.yaml:1:1: file: unknown key "nmae" (did you mean "name"?)`,
			`f.yaml:1:1: file: missing key "name"`,
			"f.yaml:2:8: count: expected a whole number, found text",
			"f.yaml:3:5: on: expected true or false, found text",
			"f.yaml:4:10: expires: expected a date or time such as 2027-01-31, found text",
			"f.yaml:5:10: ladder[0]: missing key \"notify\"",
			"f.yaml:5:18: ladder[0].after: expected a duration such as 15m, 48h or 7d, found a number",
			`f.yaml:5:34: ladder[1]: key "notify" stands here twice`,
			"f.yaml:6:8: waits: expected a mapping, found a list",
		}},
		"an unknown key with no near name lists what is known": {"name: x\nladder: [{notify: a, zzzzzzzz: 1}]\n", []string{`f.yaml:2:22: ladder[0]: unknown key "zzzzzzzz" (known here: after, notify)`}},
		"a list where a mapping belongs":                       {"- a\n", []string{"f.yaml:1:1: file: expected a mapping, found a list"}},
		"an expression is a scalar":                            {"name: x\nwhen: [a]\n", []string{"f.yaml:2:7: when: expected an expression, found a list"}},
		"infinity and not a number":                            {"name: x\nshare: .nan\n", []string{"f.yaml:2:8: share: expected a finite number"}},
		"minus infinity":                                       {"name: x\nshare: -.inf\n", []string{"f.yaml:2:8: share: expected a finite number"}},
		"broken YAML":                                          {"name: x\n  count: [\n", []string{"f.yaml:2:1: not valid YAML: mapping values are not allowed in this context"}},
		"an empty file":                                        {"", []string{"f.yaml:1:1: file is empty"}},
		"two documents":                                        {"name: x\n---\nname: y\n", []string{"f.yaml:2:1: a second document starts here; a file holds one"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out document
			var got []string
			for _, p := range yamldoc.Decode("f.yaml", []byte(tc.in), &out) {
				got = append(got, p.String())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"name: x", "a: &a [*a]", "name: *x", "ladder: &l [{after: 1d, notify: n}]\nwaits: {}", "? [a]\n: b", "name: !!binary x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var out document
		for _, p := range yamldoc.Decode("f.yaml", []byte(s), &out) {
			if p.At.File != "f.yaml" || p.At.Line < 1 || strings.TrimSpace(p.Message) == "" {
				t.Errorf("a problem without a place or a text: %+v", p)
			}
		}
	})
}
