package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/tools/txtar"
)

func TestWhatARunWritesAboutPeopleIsForItsUserAlone(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/script/run.txtar")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for _, f := range archive.Files {
		if err := os.MkdirAll(filepath.Dir(f.Name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.Name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// Left by a release that let everybody read it.
	if err := os.WriteFile("leads.rejects.csv", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"run", "--playbook", "playbook", "--leads", "leads.csv"}, streams{&out, &errs}); code != exitRejects {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	if code := run(t.Context(), []string{"dedupe", "--in", "leads.csv", "--out", "clusters.csv", "--report", "report.html"}, streams{&out, &errs}); code != 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	for _, name := range []string{"leadloop.db", "leadloop.db.key", "leads.rejects.csv", "clusters.csv", "report.html"} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != private {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
}
