//go:build unix

package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leadloop/leadloop/dedupe/match/matchtest"
)

// dedupeFile holds the table of a process that is measured.
const dedupeFile = "LEADLOOP_TEST_DEDUPE_FILE"

// TestDedupeMeasured is what the benchmark runs in a process of its own.
func TestDedupeMeasured(t *testing.T) {
	name := os.Getenv(dedupeFile)
	if name == "" {
		t.Skip("run by the benchmark")
	}
	code := run(t.Context(), []string{"dedupe", "--in", name, "--out", name + ".clusters", "--pairs", name + ".pairs", "--report", name + ".html"}, streams{os.Stdout, os.Stderr})
	if code != 0 {
		t.Fatalf("exit %d", code)
	}
}

// BenchmarkDedupe runs the command on a file of generated leads: columns guessed, learnt without labels, clusters, pairs and report written. The file
// is made before. What is reported is that of the process: the clock's seconds, those of its processors, and the most memory that it had.
func BenchmarkDedupe(b *testing.B) {
	for _, rows := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			if rows > 100_000 && testing.Short() {
				b.Skip("-short")
			}
			name := filepath.Join(b.TempDir(), "leads.csv")
			if err := writeLeads(name, rows); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				var out bytes.Buffer
				child := exec.CommandContext(b.Context(), os.Args[0], "-test.run", "^TestDedupeMeasured$")
				child.Env = append(child.Environ(), dedupeFile+"="+name)
				child.Stdout, child.Stderr = &out, &out
				began := time.Now()
				if err := child.Run(); err != nil {
					b.Fatalf("%v: %s", err, out.String())
				}
				took := time.Since(began)
				state := child.ProcessState
				b.ReportMetric(took.Seconds(), "s")
				b.ReportMetric((state.UserTime() + state.SystemTime()).Seconds(), "cpu-s")
				if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
					b.ReportMetric(float64(usage.Maxrss)/1024, "MB-at-most") // where the system counts in KiB, as Linux does
				}
			}
		})
	}
}

func writeLeads(name string, rows int) error {
	world := matchtest.New(rows, 1)
	return writeFile(name, private, func(w io.Writer) error {
		out := csv.NewWriter(w)
		if err := out.Write(strings.Split("first_name,last_name,email,phone,company,website,title,city,country,mobile,linkedin_url", ",")); err != nil {
			return err
		}
		for i := range rows {
			r := world.Record(i)
			if err := out.Write([]string{r.FirstName, r.LastName, r.Email, r.Phone, r.Company, r.Website, r.Title, r.City, r.Country, r.Mobile, r.LinkedIn}); err != nil {
				return err
			}
		}
		out.Flush()
		return out.Error()
	})
}
