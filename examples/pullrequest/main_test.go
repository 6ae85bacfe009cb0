package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const sample = "../inbound/"

// changed is a copy of the sample playbook in which a text is another one, with
// guards.
func changed(t *testing.T, from, to string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(sample+"playbook")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "scoring.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), from) {
		t.Fatalf("scoring.yaml does not say %s", from)
	}
	for name, data := range map[string]string{path: strings.Replace(string(text), from, to, 1), filepath.Join(dir, "guards.yaml"): "max_tier_changes: 0.02\n"} {
		if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func leads(t *testing.T) io.Reader {
	t.Helper()
	file, err := os.Open(sample + "leads.csv")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	})
	return file
}

func TestAChangeThatMovesNobodyGoesIn(t *testing.T) {
	var out bytes.Buffer
	if err := check(t.Context(), &out, sample+"playbook", changed(t, "# How much", "# How very much"), leads(t)); err != nil {
		t.Error(err)
	}
	if !strings.Contains(out.String(), "0 failed") || !strings.Contains(out.String(), "leads 0 come to another tier, 0 to another place and 0 are due at another time") {
		t.Error(out.String())
	}
}

func TestAChangeThatBreaksACaseOrAGuardDoesNot(t *testing.T) {
	var out bytes.Buffer
	err := check(t.Context(), &out, sample+"playbook", changed(t, "    points: 8\n    description: a country in which we sell", "    points: 30\n    description: a country in which we sell"), leads(t))
	if err == nil || !strings.Contains(err.Error(), "guard max_tier_changes: the tier changes for") || !strings.Contains(err.Error(), "cases do not hold") {
		t.Errorf("error %v", err)
	}
	if !strings.Contains(out.String(), "- rule home-market moves") {
		t.Error(out.String())
	}
}

func TestAChangeThatIsNoPlaybookSaysWhereItIsWrong(t *testing.T) {
	err := check(t.Context(), &bytes.Buffer{}, sample+"playbook", changed(t, "company.revenue >= 100000000", "company.revenu >= 100000000"), leads(t))
	if err == nil || !strings.Contains(err.Error(), `did you mean "company.revenue"?`) {
		t.Errorf("error %v", err)
	}
}
