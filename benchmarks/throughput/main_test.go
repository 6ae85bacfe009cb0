package main

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/leadloop/leadloop/store/postgres/postgrestest"
)

func TestMain(m *testing.M) {
	if os.Getenv(workerVariable) != "" {
		if err := worker(os.Stdin, os.Stdout); err != nil {
			panic(err)
		}
		return
	}
	os.Exit(postgrestest.Main(m))
}

// TestEverySectionMeasuresBothStores runs all of it with hardly any leads: the
// figures mean nothing, that they are there does.
func TestEverySectionMeasuresBothStores(t *testing.T) {
	t.Setenv(postgrestest.Variable, postgrestest.DSN(t))
	var out strings.Builder
	if err := run(t.Context(), []string{"-leads", "8", "-rounds", "2", "-backlog", "20", "-largest", "200"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, kind := range storeNames {
		for _, section := range sections {
			if !strings.Contains(out.String(), "| "+kind+", "+section+" |") {
				t.Errorf("no table of %s, %s:\n%s", kind, section, out.String())
			}
		}
	}
}

func TestFlagsThatMeanNothingAreRefused(t *testing.T) {
	for _, args := range [][]string{{"-only", "fast"}, {"-store", "mysql"}, {"-leads", "1"}, {"more"}} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%v is taken", args)
		}
	}
}
