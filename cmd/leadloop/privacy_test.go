package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// unpack writes the files of a script into a folder and goes there.
func unpack(t *testing.T, script string) {
	t.Helper()
	archive, err := txtar.ParseFile(script)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range archive.Files {
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
}

// command runs the command and returns its exit code, its output and its
// messages.
func command(args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	code = run(context.Background(), args, streams{&o, &e})
	return code, o.String(), e.String()
}

// canaries are personal values that stand for nothing but one person; each is
// found as it is or in lower case.
const canaryLeads = `id,created_at,email,first_name,last_name,title,phone,company,employees,utm_source,utm_campaign
c1,2026-11-02 14:00,canary.one@flightcage.com,Canaria,Canarina,Head of Canaries,+49 151 77788899,Flightcage,800,web,spring-canary.one@flightcage.com
c2,2026-11-02 15:00,canary.one+second@flightcage.com,Canaria,Canarina,Head of Canaries,+49 151 77788899,Flightcage,800,web,
b1,2026-11-02 15:30,ben@acme.com,Ben,Bishop,VP Sales,+49 151 11122233,Acme,900,web,spring
`

const canaryActivities = `lead,type,at,note
c1,pricing_view,2026-11-03 10:00,canary was here
c1,call,2026-11-03 11:00,canary answered
`

func sings(text string) bool { return strings.Contains(strings.ToLower(text), "canar") }

func TestAfterAnErasureNoCanarySingsInFilesLogsOutputOrTheNextRun(t *testing.T) {
	unpack(t, "testdata/script/run.txtar")
	for name, text := range map[string]string{"leads.csv": canaryLeads, "activities.csv": canaryActivities} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	runArgs := []string{"run", "--playbook", "playbook", "--leads", "leads.csv", "--json", "-v"}
	code, _, log := command(runArgs...)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, log)
	}
	if sings(log) {
		t.Errorf("the log of an ordinary run tells who was in it:\n%s", log)
	}
	if code, _, errs := command("privacy", "export", "--email", "canary.one@flightcage.com", "--out", "export.json"); code != 0 {
		t.Fatalf("export: exit %d: %s", code, errs)
	}
	exported, err := os.ReadFile("export.json")
	if err != nil || !sings(string(exported)) || strings.Contains(string(exported), "bishop") {
		t.Fatalf("the export is not the person's, or somebody else's too: %v", err)
	}
	if info, err := os.Stat("export.json"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others can read the export: %v", err)
	}
	if !onDisk(t) {
		t.Fatal("no canary is in the database before the erasure: the test shows nothing")
	}
	erase := []string{"privacy", "erase", "--id", "dsr-1", "--email", "CANARY.one@flightcage.com", "--json"}
	code, receipt, errs := command(erase...)
	if code != 0 || sings(receipt+errs) || !strings.Contains(receipt, `"state": "done"`) {
		t.Errorf("erase: exit %d: %s%s", code, receipt, errs)
	}
	if onDisk(t) {
		t.Error("a canary is in the database, its log or beside it after the erasure")
	}
	code, out, log := command(runArgs...)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var summary struct {
		Summary struct{ Counts counts }
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &summary); err != nil {
		t.Fatal(err)
	}
	if n := summary.Summary.Counts; n.Forgotten != 2 || n.New != 0 || n.Known != 1 {
		t.Errorf("rows of the erased %d, new %d, known %d; want 2, 0, 1", n.Forgotten, n.New, n.Known)
	}
	if code != 0 || sings(out+log) || len(lines) != 2 {
		t.Errorf("the same file again: exit %d\n%s%s", code, out, log)
	}
	if onDisk(t) {
		t.Error("the next run brought the person back")
	}
	if code, again, errs := command(erase...); code != 0 || again != receipt {
		t.Errorf("the same request again: exit %d: %s%s", code, again, errs)
	}
	code, out, _ = command("privacy", "export", "--email", "canary.one@flightcage.com")
	if code != 0 || !strings.Contains(out, `"leads": null`) && !strings.Contains(out, `"leads": []`) || !strings.Contains(out, `"erased"`) {
		t.Errorf("what is left to export: exit %d\n%s", code, out)
	}
}

// onDisk reports whether a canary is in what the command keeps.
func onDisk(t *testing.T) bool {
	t.Helper()
	names, err := filepath.Glob("leadloop.db*")
	if err != nil || len(names) == 0 {
		t.Fatalf("files %v: %v", names, err)
	}
	found := false
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		found = found || sings(string(data)) || strings.Contains(string(data), "77788899")
	}
	return found
}
