package schema_test

import (
	"bytes"
	"context"
	"flag"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/lifecycle"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/rules"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

var update = flag.Bool("update", false, "write the output that the guide shows")

const guidePath = "../../docs/PLAYBOOK.md"

// block is a fenced block: its text, what stands after the fence, and where the
// text is.
var block = regexp.MustCompile("(?m)^```([a-z]+)((?: [a-z.]+)*)\n((?:[^`\n].*\n|\n)*)```$")

// A snippet is one block of the guide.
type snippet struct {
	language string
	marks    []string // "scoring.yaml", "wrong"
	text     string
	from, to int // of the text
}

func guide(t *testing.T) (text string, snippets []snippet) {
	t.Helper()
	data, err := os.ReadFile(guidePath)
	if err != nil {
		t.Fatal(err)
	}
	text = string(data)
	for _, m := range block.FindAllStringSubmatchIndex(text, -1) {
		snippets = append(snippets, snippet{
			language: text[m[2]:m[3]], marks: strings.Fields(text[m[4]:m[5]]), text: text[m[6]:m[7]], from: m[6], to: m[7],
		})
	}
	if want := strings.Count(text, "\n```") / 2; len(snippets) != want {
		t.Fatalf("the test reads %d of the guide's %d blocks", len(snippets), want)
	}
	return text, snippets
}

// folder are the files that the guide shows as right.
func folder(t *testing.T, snippets []snippet) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	for _, s := range snippets {
		if len(s.marks) != 1 || s.language != "yaml" && s.language != "csv" {
			continue
		}
		name := s.marks[0]
		if name == "cases.yaml" {
			name = "cases/all.yaml"
		}
		if out[name] != nil {
			t.Fatalf("the guide shows %s twice", name)
		}
		out[name] = &fstest.MapFile{Data: []byte(s.text)}
	}
	return out
}

func TestThePlaybookOfTheGuideIsSound(t *testing.T) {
	_, snippets := guide(t)
	files := folder(t, snippets)
	pb, ps := playbook.Load(files)
	if len(ps) > 0 {
		t.Fatalf("problems:\n%s", ps.Error())
	}
	if r, err := pb.Test(t.Context(), playbook.TestOptions{NoMutants: true}); err != nil || r.Failed > 0 || len(r.Cases) == 0 {
		t.Errorf("its cases: %v %v", r, err)
	}
	for _, name := range slices.Sorted(maps.Keys(takers)) {
		file := files[name+".yaml"]
		if name == "cases" {
			file = files["cases/all.yaml"]
		}
		if file == nil {
			t.Errorf("the guide has no %s.yaml", name)
			continue
		}
		if !open(t, name).check(read(t, file.Data)) {
			t.Errorf("%s.yaml does not satisfy its schema", name)
		}
	}
	for _, s := range snippets {
		if s.language == "yaml" && len(s.marks) == 0 {
			t.Errorf("a block names no file, so nothing checks it:\n%s", s.text)
		}
	}
}

func TestTheGuideShowsWhatIsSaid(t *testing.T) {
	text, snippets := guide(t)
	files := folder(t, snippets)
	for i := len(snippets) - 1; i >= 0; i-- { // from the end, so that updates move nothing that is still to come
		s := snippets[i]
		if s.language != "text" || len(s.marks) == 0 {
			continue
		}
		got := ""
		switch s.marks[0] {
		case "explanation":
			got = explanation(t, files)
		case "problems":
			before := snippets[i-1]
			if len(before.marks) != 2 || before.marks[1] != "wrong" {
				t.Fatalf("the problems are of no file:\n%s", s.text)
			}
			wrong := maps.Clone(files)
			wrong[before.marks[0]] = &fstest.MapFile{Data: []byte(before.text)}
			_, ps := playbook.Load(wrong)
			got = ps.Error() + "\n"
		default:
			t.Fatalf("the test does not know what %v is", s.marks)
		}
		if *update {
			text = text[:s.from] + got + text[s.to:]
		} else if diff := cmp.Diff(digests.ReplaceAllString(s.text, "playbook …"), digests.ReplaceAllString(got, "playbook …")); diff != "" {
			t.Errorf("the guide shows (-) and the program says (+); go test -update writes it:\n%s", diff)
		}
	}
	if *update {
		if err := os.WriteFile(guidePath, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// digests change with every comment in a snippet.
var digests = regexp.MustCompile(`playbook [0-9a-f]{12}`)

// explanation is what the program says about the lead that the guide tells of.
func explanation(t *testing.T, files fstest.MapFS) string {
	t.Helper()
	ctx := context.Background()
	tokens, err := privacy.NewTokens("k1", bytes.Repeat([]byte("k"), privacy.MinKey))
	if err != nil {
		t.Fatal(err)
	}
	pb, ps := playbook.Load(files)
	if err := ps.Err(); err != nil {
		t.Fatal(err)
	}
	st := memstore.New()
	loop, err := pb.Loop(ctx, st, playbook.Options{Tokens: tokens, Secret: func(string) (string, bool) { return "secret", true }})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 16, 17, 0, 0, 0, time.UTC)
	said := leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "website", ObservedAt: at}
	res, err := loop.Process(ctx, leadloop.Submission{
		Key: "website:17", Source: "website", ReceivedAt: at,
		Claims: []leadloop.Claim{
			leadloop.Email.Claim("kim.lee@acme.com", said), leadloop.CompanyName.Claim("Acme", said), leadloop.Domain.Claim("acme.com", said),
			leadloop.Country.Claim("US", said), leadloop.Source.Claim("website", said),
		},
		Activities: []leadloop.Activity{{ID: "a1", Type: "demo_request", At: at}},
	}, at)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	err = st.View(ctx, func(tx store.Tx) error {
		decisions, err := tx.Decisions().ByLead(ctx, res.Lead.ID)
		if err != nil {
			return err
		}
		return pb.Explain(&b, res.Lead, decisions...)
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var code = regexp.MustCompile("`([^`]+)`")

func TestConditionsOfTheGuideCompile(t *testing.T) {
	text, _ := guide(t)
	_, table, _ := strings.Cut(text, "| condition | holds when |\n| --- | --- |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	env, err := rules.NewEnv(leadloop.StandardSchema(), rules.Options{Vars: routing.Vars()})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(table) {
		cell, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		for _, m := range code.FindAllStringSubmatch(cell, -1) {
			n++
			if _, err := env.Compile(rules.Rule{ID: "guide", Expression: leadloop.Expression{Text: m[1]}, Type: leadloop.KindBool}); err != nil {
				t.Errorf("%s: %v", m[1], err)
			}
		}
	}
	if n == 0 {
		t.Error("the test found no condition")
	}
}

func TestTheGuideNamesEverythingThatRulesRead(t *testing.T) {
	text, _ := guide(t)
	kinds := map[leadloop.Kind]string{
		leadloop.KindString: "text", leadloop.KindInt: "int", leadloop.KindFloat: "double", leadloop.KindTime: "timestamp", leadloop.KindStrings: "list of text",
	}
	rows := map[string]string{}
	for _, kind := range kinds {
		_, after, _ := strings.Cut(text, "\n| "+kind+" | ")
		rows[kind], _, _ = strings.Cut(after, "\n")
	}
	for _, f := range leadloop.StandardSchema().Fields() {
		scope, name, _ := strings.Cut(f.Name, ".")
		_, list, ok := strings.Cut(rows[kinds[f.Kind]], "`"+scope+".`")
		list, _, _ = strings.Cut(list, ";")
		if !ok || !regexp.MustCompile(`\b`+name+`\b`).MatchString(list) {
			t.Errorf("%s is not in the row of its kind", f.Name)
		}
	}
	for _, v := range append(routing.Vars(), lifecycle.Vars()...) {
		if !strings.Contains(text, "`"+v.Name+"`") {
			t.Errorf("the variable %s is not there", v.Name)
		}
	}
}
