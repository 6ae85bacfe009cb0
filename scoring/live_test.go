package scoring

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
)

// version compiles a model in which company size gives 10 points per version.
func version(t testing.TB, n int) *Model {
	t.Helper()
	return compile(t, fmt.Sprintf(`model: live
version: %d
rules:
  - {id: big, when: "company.employees >= 500", points: %d}
tiers: {A: 20, B: 0}
`, n, 10*n))
}

func newLive(t testing.TB, active *Model, o LiveOptions) *Live {
	t.Helper()
	l, err := NewLive(active, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func names(models ...*Model) []string {
	out := []string{}
	for _, m := range models {
		if m == nil {
			out = append(out, "none")
			continue
		}
		out = append(out, fmt.Sprint("v", m.Version()))
	}
	return out
}

// What is found out once for all leads is there before the first of them.
func TestAModelIsReadyBeforeItIsInForce(t *testing.T) {
	for _, tt := range []struct {
		name  string
		force func(m *Model) error
	}{
		{"the first", func(m *Model) error { _, err := NewLive(m, LiveOptions{}); return err }},
		{"the next", func(m *Model) error { return newLive(t, version(t, 1), LiveOptions{}).Activate(m) }},
		{"a shadow", func(m *Model) error { return newLive(t, version(t, 1), LiveOptions{}).SetShadow(m) }},
	} {
		m := version(t, 2)
		if err := tt.force(m); err != nil {
			t.Fatal(err)
		}
		if m.tables.made == nil || m.tables.made[0].Load() == nil {
			t.Errorf("%s: the first lead has to wait", tt.name)
		}
	}
}

func TestModelsComeIntoForceAndRetire(t *testing.T) {
	v1, v2, v3, v4 := version(t, 1), version(t, 2), version(t, 3), version(t, 4)
	l := newLive(t, v1, LiveOptions{Keep: 2})
	for _, step := range []struct {
		name                    string
		do                      func() error
		active, shadow, retired string
	}{
		{"at first there is only the active one", func() error { return nil }, "v1", "none", ""},
		{"a shadow stands beside it", func() error { return l.SetShadow(v2) }, "v1", "v2", ""},
		{"a shadow that is activated is none any more", func() error { return l.Activate(v2) }, "v2", "none", "v1"},
		{"the active model again changes nothing", func() error { return l.Activate(version(t, 2)) }, "v2", "none", "v1"},
		{"another shadow", func() error { return l.SetShadow(v3) }, "v2", "v3", "v1"},
		{"a rollback leaves the shadow", func() error { _, err := l.Rollback(); return err }, "v1", "v3", "v2"},
		{"a second rollback undoes the first", func() error { _, err := l.Rollback(); return err }, "v2", "v3", "v1"},
		{"no shadow", func() error { return l.SetShadow(nil) }, "v2", "none", "v1"},
		{"the next one", func() error { return l.Activate(v3) }, "v3", "none", "v2 v1"},
		{"the oldest is dropped for a new one", func() error { return l.Activate(v4) }, "v4", "none", "v3 v2"},
		{"a retired one comes back", func() error { return l.Activate(v2) }, "v2", "none", "v4 v3"},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		got := append(names(l.Active(), l.Shadow()), strings.Join(names(l.Retired()...), " "))
		if diff := cmp.Diff([]string{step.active, step.shadow, step.retired}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
	for m, want := range map[*Model]bool{v1: false, v2: true, v3: true, v4: true} {
		if got, ok := l.Lookup(m.Digest()); ok != want || ok && got.Digest() != m.Digest() {
			t.Errorf("version %d: found %t, want %t", m.Version(), ok, want)
		}
	}
}

func TestAModelThatCannotBeLiveIsRefused(t *testing.T) {
	v1 := version(t, 1)
	other := compile(t, "model: live\nversion: 2\nfields: {plan: string}\nrules: [{id: r, when: 'lead.plan == \"pro\"', points: 1}]\n")
	l := newLive(t, v1, LiveOptions{})
	for name, err := range map[string]error{
		"activate nothing":             l.Activate(nil),
		"activate another schema":      l.Activate(other),
		"a shadow with another schema": l.SetShadow(other),
		"no model at all":              second(NewLive(nil, LiveOptions{})),
		"a negative number to be kept": second(NewLive(v1, LiveOptions{Keep: -1})),
	} {
		if !errors.Is(err, leadloop.ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if l.Active() != v1 || l.Shadow() != nil || len(l.Retired()) > 0 {
		t.Error("what was refused changed something")
	}
	if _, err := l.Rollback(); !errors.Is(err, leadloop.ErrNotFound) {
		t.Errorf("rolled back to nothing: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestAShadowIsRecordedAndNeverActedOn(t *testing.T) {
	l := newLive(t, version(t, 1), LiveOptions{})
	s := NewLiveStage(l)
	subject := func() *lead {
		return &lead{&leadloop.Lead{ID: "l1"}, profile(t, l.Active(), func(p *leadloop.Profile) { leadloop.Employees.Set(p, 700) })}
	}
	_, alone := subject().run(t, s, asOf, nil)
	if err := l.SetShadow(version(t, 2)); err != nil {
		t.Fatal(err)
	}
	_, beside := subject().run(t, s, asOf, nil)
	var record Trace
	if err := json.Unmarshal(beside.Trace, &record); err != nil {
		t.Fatal(err)
	}
	if record.Tier != "B" || record.Shadow == nil || record.Shadow.Tier != "A" || record.Shadow.Version != 2 {
		t.Errorf("the trace says %s", beside.Trace)
	}
	var plain Explanation
	if err := json.Unmarshal(beside.Trace, &plain); err != nil || plain.Tier != "B" {
		t.Errorf("the trace does not read as an explanation: %v, %q", err, plain.Tier)
	}
	alone.Trace, beside.Trace = nil, nil
	if diff := cmp.Diff(alone, beside); diff != "" {
		t.Errorf("the shadow had an effect (-without +with):\n%s", diff)
	}
	if err := l.Activate(l.Shadow()); err != nil {
		t.Fatal(err)
	}
	_, swapped := subject().run(t, s, asOf, nil)
	if swapped.State.Score.Tier != "A" {
		t.Errorf("the stage went on with the old model: tier %s", swapped.State.Score.Tier)
	}
}

func TestAShadowThatCannotScoreSaysWhyAndChangesNothing(t *testing.T) {
	l := newLive(t, version(t, 1), LiveOptions{})
	p := profile(t, l.Active(), func(p *leadloop.Profile) { leadloop.Employees.Set(p, 700) })
	subject := leadloop.Subject{Lead: &leadloop.Lead{ID: "l1"}, Profile: p, AsOf: asOf}
	_, alone, err := NewLiveStage(l).Decide(t.Context(), subject)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.SetShadow(version(t, 2)); err != nil {
		t.Fatal(err)
	}
	// The context ends somewhere: at first before the active model has scored,
	// then before the shadow has, then not at all.
	var errs []string
	for n := range 100 {
		left := n
		_, effects, err := NewLiveStage(l).Decide(cancelling{t.Context(), &left}, subject)
		if err != nil {
			continue
		}
		var record Trace
		if err := json.Unmarshal(effects.Trace, &record); err != nil {
			t.Fatal(err)
		}
		if (record.Shadow == nil) != (record.ShadowError != "") {
			t.Fatalf("after %d: shadow %v, error %q", n, record.Shadow, record.ShadowError)
		}
		effects.Trace = alone.Trace
		if diff := cmp.Diff(alone, effects); diff != "" {
			t.Fatalf("the shadow had an effect (-without +with):\n%s", diff)
		}
		if len(errs) == 0 || errs[len(errs)-1] != record.ShadowError {
			errs = append(errs, record.ShadowError)
		}
	}
	if diff := cmp.Diff([]string{"scoring: context canceled", ""}, errs); diff != "" {
		t.Errorf("errors of the shadow (-want +got):\n%s", diff)
	}
}

// Every lead is scored by one model from beginning to end, whoever swaps.
func TestSwapUnderLoad(t *testing.T) {
	models := []*Model{version(t, 1), version(t, 2), version(t, 3), version(t, 4)}
	l := newLive(t, models[0], LiveOptions{Keep: 8})
	s := NewLiveStage(l)
	p := profile(t, models[0], func(p *leadloop.Profile) { leadloop.Employees.Set(p, 700) })
	var (
		wg   sync.WaitGroup
		stop atomic.Bool
	)
	for range 4 {
		wg.Go(func() {
			for !stop.Load() {
				_, effects, err := s.Decide(t.Context(), leadloop.Subject{Lead: &leadloop.Lead{ID: "l"}, Profile: p, AsOf: asOf})
				if err != nil {
					t.Error(err)
					return
				}
				var record Trace
				if err := json.Unmarshal(effects.Trace, &record); err != nil {
					t.Error(err)
					return
				}
				for _, e := range []*Explanation{&record.Explanation, record.Shadow} {
					if e != nil && e.Points != leadloop.Points(e.Version)*10*leadloop.Point {
						t.Errorf("version %d gave %s points", e.Version, e.Points)
						return
					}
				}
				if m, ok := l.Lookup(record.Digest); !ok || m.Version() != record.Version {
					t.Errorf("version %d can't be replayed", record.Version)
					return
				}
			}
		})
	}
	var swaps sync.WaitGroup
	for i := range 2 {
		swaps.Go(func() {
			for n := range 100 {
				var err error
				switch n % 4 {
				case 0, 1:
					err = l.Activate(models[(n+i)%4])
				case 2:
					err = l.SetShadow(models[(n/4+i)%4])
				default:
					_, err = l.Rollback()
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	swaps.Wait()
	stop.Store(true)
	wg.Wait()
}
