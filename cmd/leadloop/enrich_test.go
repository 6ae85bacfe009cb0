package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/txtar"
)

// enrichChild has the arguments of a process that enriches, by line.
const enrichChild = "LEADLOOP_TEST_ENRICH"

// TestEnrichChild is what the test below kills.
func TestEnrichChild(t *testing.T) {
	args := os.Getenv(enrichChild)
	if args == "" {
		t.Skip("run by the test of a killed process")
	}
	if code := run(context.Background(), strings.Split(args, "\n"), streams{os.Stdout, os.Stderr}); code != 0 {
		t.Fatalf("exit %d", code)
	}
}

// vendor answers GET /domain, for a price, and remembers who was asked about.
type vendor struct {
	mu    sync.Mutex
	asked map[string]int
	at    int    // after so many questions,
	do    func() // do this once
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	v.asked[r.URL.Path]++
	total := 0
	for _, n := range v.asked {
		total += n
	}
	do := v.do
	if total != v.at || do == nil {
		do = func() {}
	} else {
		v.do = nil
	}
	v.mu.Unlock()
	do()
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"size": %d}`, 100+10*len(r.URL.Path))
}

func (v *vendor) calls() (total, most int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, n := range v.asked {
		total, most = total+n, max(most, n)
	}
	return total, most
}

// playbookWith is the playbook of the scripts with another provider.
func playbookWith(t *testing.T, url, terms string) (dir string) {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/script/enrich.txtar")
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	write := func(name string, data []byte) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range archive.Files {
		write(f.Name, f.Data)
	}
	write("playbook/enrich.yaml", fmt.Appendf(nil, `
currency: EUR
providers:
  - name: vendor
    type: http
    url: "%s/{company.domain}"
    response: {fields: {company.employees: size}}
    price: 0.10
    retries: 0
    %s
`, url, terms))
	var leads strings.Builder
	leads.WriteString("id,email,company,company.domain,source\n")
	for i := range backlogSize {
		fmt.Fprintf(&leads, "%d,a%d@firm%d.example,Firm %d,firm%d.example,web\n", i, i, i, i, i)
	}
	write("backlog.csv", []byte(leads.String()))
	return dir
}

const (
	backlogSize = 120
	killedAfter = 50
)

func TestAKilledBacklogGoesOnWhereItWasAndPaysNothingTwice(t *testing.T) {
	reached, killed, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	v := &vendor{asked: map[string]int{}, at: killedAfter, do: func() { close(reached); <-killed }}
	srv := httptest.NewServer(v)
	defer srv.Close()
	dir := playbookWith(t, srv.URL, "concurrency: 1")
	args := func(db string) []string {
		return []string{
			"enrich", "--playbook", filepath.Join(dir, "playbook"), "--leads", filepath.Join(dir, "backlog.csv"), "--as-of", "2026-11-02",
			"--store", "sqlite:" + filepath.Join(dir, db), "--json", "--rejects", filepath.Join(dir, "rejects.csv"),
		}
	}
	child := exec.Command(os.Args[0], "-test.run=^TestEnrichChild$")
	child.Env = append(os.Environ(), enrichChild+"="+strings.Join(args("killed.db"), "\n"))
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { ended <- child.Wait() }()
	select {
	case <-reached:
	case err := <-ended:
		t.Fatalf("the child ended by itself: %v", err)
	}
	err := child.Process.Kill()
	close(killed)
	var exit *exec.ExitError
	if wait := <-ended; err != nil || !errors.As(wait, &exit) || exit.Exited() {
		t.Fatalf("the child was not killed: %v, %v", err, wait)
	}
	before, _ := v.calls()
	got := result(t, 0, args("killed.db"))
	total, most := v.calls()
	// The answer under way when the process died is asked for again; no other.
	if before != killedAfter || total > backlogSize+1 || most > 2 {
		t.Errorf("%d questions before, %d in all, up to %d about one company; %d companies", before, total, most, backlogSize)
	}
	paid := int64(backlogSize-(killedAfter-1)) * 100_000
	if got["paid_now"] != float64(paid) {
		t.Errorf("paid %v, want %d", got["paid_now"], paid)
	}
	want := result(t, 0, args("whole.db"))
	for _, r := range []map[string]any{got, want} {
		delete(r, "paid_now")
	}
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("a killed and resumed run ends differently from a whole one:\n%s\nwant\n%s", g, w)
	}
	if most := want["summary"].(map[string]any)["cost"]; most != float64(backlogSize*100_000) {
		t.Errorf("the whole run cost %v", most)
	}
}

// result runs the command and reads the object that it prints.
func result(t *testing.T, code int, args []string) map[string]any {
	t.Helper()
	var out, errs bytes.Buffer
	if got := run(t.Context(), args, streams{&out, &errs}); got != code {
		t.Fatalf("exit %d, want %d: %s", got, code, errs.String())
	}
	r := map[string]any{}
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("%v in %s", err, out.String())
	}
	return r
}

func TestABudgetEndsABacklogWithACodeOfItsOwn(t *testing.T) {
	v := &vendor{asked: map[string]int{}}
	srv := httptest.NewServer(v)
	defer srv.Close()
	dir := playbookWith(t, srv.URL, "concurrency: 4")
	args := []string{"enrich", "--playbook", filepath.Join(dir, "playbook"), "--leads", filepath.Join(dir, "backlog.csv"), "--as-of", "2026-11-02", "--json", "--store", "sqlite:" + filepath.Join(dir, "b.db")}
	for _, c := range []struct {
		budget string
		code   int
		leads  float64 // not reached
		asked  int
	}{{"0.95", exitBudget, backlogSize - 9, 9}, {"3", exitBudget, backlogSize - 30, 30}, {"12", 0, 0, backlogSize}} {
		r := result(t, c.code, append(args, "--budget", c.budget))
		if total, _ := v.calls(); r["not_reached"] != c.leads || total != c.asked {
			t.Errorf("budget %s: %v leads not reached and %d asked about, want %v and %d", c.budget, r["not_reached"], total, c.leads, c.asked)
		}
	}
}

func TestAProviderThatIsNoProviderIsNamedAndTheLeadsGoOn(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		reason string
	}{
		"a page instead of data": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<!doctype html><p>Sign in</p>"))
		}, "bad_answer"},
		"wrong credentials":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, "unauthorized"},
		"too many questions": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }, "rate_limited"},
		"too many questions, for an hour": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusTooManyRequests)
		}, "rate_limited"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(c.answer)
			defer srv.Close()
			dir := playbookWith(t, srv.URL, "")
			r := result(t, exitRejects, []string{
				"enrich", "--playbook", filepath.Join(dir, "playbook"), "--leads", filepath.Join(dir, "leads.csv"), "--as-of", "2026-11-02",
				"--json", "--store", "sqlite:" + filepath.Join(dir, "b.db"),
			})
			failed := r["failed"].(map[string]any)["vendor"].(map[string]any)
			if failed[c.reason] != 4.0 || r["unfinished"] != 4.0 || r["paid_now"] != 0.0 {
				t.Errorf("failed %v, unfinished %v, paid %v", failed, r["unfinished"], r["paid_now"])
			}
			known := filepath.Join(dir, "known.csv")
			if err := os.WriteFile(known, []byte("company.domain,company.employees\nacme.example,900\nglobex.example,40\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			r = result(t, 0, []string{"trial", "--providers", filepath.Join(dir, "playbook", "enrich.yaml"), "--known", known, "--as-of", "2026-11-02", "--json"})
			p := r["trial"].(map[string]any)["providers"].([]any)[0].(map[string]any)
			if got := maps.Collect(maps.All(p["failed"].(map[string]any))); got[c.reason] != 2.0 || p["cost"] != 0.0 {
				t.Errorf("trial: failed %v, cost %v", got, p["cost"])
			}
		})
	}
}
