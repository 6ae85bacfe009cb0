package scoring

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
)

var update = flag.Bool("update", false, "write the golden files anew")

// asOf is a Monday, 09:00 UTC.
var asOf = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

func compile(t testing.TB, text string) *Model {
	t.Helper()
	d, err := Parse("scoring.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return build(t, d)
}

func build(t testing.TB, d Definition) *Model {
	t.Helper()
	schema, err := d.Schema()
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(d, schema, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func testdata(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func score(t testing.TB, m *Model, in Input) Explanation {
	t.Helper()
	if in.AsOf.IsZero() {
		in.AsOf = asOf
	}
	e, err := m.Explain(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// profile sets golden values directly.
func profile(t testing.TB, m *Model, set func(p *leadloop.Profile)) *leadloop.Profile {
	t.Helper()
	p := m.Schema().NewProfile()
	if set != nil {
		set(p)
	}
	return p
}

// happened is an activity of a type some time before asOf.
func happened(typ string, ago time.Duration) leadloop.Activity {
	return leadloop.Activity{ID: typ + "-" + ago.String(), Type: typ, At: asOf.Add(-ago)}
}

func points(f float64) leadloop.Points {
	p, ok := leadloop.PointsOf(f)
	if !ok {
		panic("points out of range")
	}
	return p
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(testdata(t, name), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}
