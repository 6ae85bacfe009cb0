package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leadloop/leadloop/store/postgres/postgrestest"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

// TestNothingIsLostWhenAWorkerIsKilled runs the program as a reader does, but
// with the tests' database.
func TestNothingIsLostWhenAWorkerIsKilled(t *testing.T) {
	dsn := postgrestest.DSN(t)
	program := filepath.Join(t.TempDir(), "machines")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), program, "-dsn", dsn).CombinedOutput()
	// Mo looks after the one that is a customer already.
	if err != nil || !strings.Contains(string(out), "all decided: map[") || !strings.Contains(string(out), "assigned mo:1]") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestADatabaseThatIsNotThereIsSaidWithWhatToDo(t *testing.T) {
	var out strings.Builder
	err := run(t.Context(), []string{"-dsn", "host=/nowhere user=x"}, &out)
	if err == nil || !strings.Contains(err.Error(), "check the address") {
		t.Errorf("%v", err)
	}
}
