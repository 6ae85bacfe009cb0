package leadloop_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEveryTestThatAGuaranteeNamesIsThere(t *testing.T) {
	named := regexp.MustCompile("`([a-z/]+)\\.(Test[A-Za-z]+)`").FindAllStringSubmatch(read(t, "docs/GUARANTEES.md"), -1)
	if len(named) < 5 {
		t.Fatalf("only %d tests are named", len(named))
	}
	for _, m := range named {
		files, err := filepath.Glob(m[1] + "/*_test.go")
		if err != nil {
			t.Fatal(err)
		}
		var all strings.Builder
		for _, f := range files {
			all.WriteString(read(t, f))
		}
		if !strings.Contains(all.String(), "func "+m[2]+"(") {
			t.Errorf("%s has no %s", m[1], m[2])
		}
	}
}

func TestTheReadmesProgramIsTheExampleThatRuns(t *testing.T) {
	_, rest, ok := strings.Cut(read(t, "README.md"), "```go\n")
	program, _, _ := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("no program")
	}
	example := read(t, "example_loop_test.go")
	for line := range strings.Lines(program) {
		if line = strings.TrimSpace(line); !strings.Contains(example, line) {
			t.Errorf("not in the example: %s", line)
		}
	}
}

func TestEveryLinkBetweenDocumentsLeadsSomewhere(t *testing.T) {
	docs, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("docs/decisions/*.md")
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`\]\(([^)#: ]+)(#[^)]*)?\)`)
	for _, doc := range append(append(docs, more...), "README.md", "CONTRIBUTING.md", "examples/README.md") {
		for _, m := range link.FindAllStringSubmatch(read(t, doc), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(doc), m[1])); err != nil {
				t.Errorf("%s: %s leads nowhere", doc, m[1])
			}
		}
	}
}
