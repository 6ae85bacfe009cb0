package playbook_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/scoring"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

// edition is the playbook with another version, in which a VP gives as many
// points.
func edition(t testing.TB, version, points int) *playbook.Playbook {
	t.Helper()
	text := strings.NewReplacer("version: 3", fmt.Sprint("version: ", version), "points: 30}", fmt.Sprintf("points: %d}", points)).Replace(scoringYAML)
	pb, problems := playbook.Load(files(map[string]string{"scoring.yaml": text, "enrich.yaml": ""}))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return pb
}

// running is a loop whose scoring model can be swapped.
type running struct {
	live  *scoring.Live
	loop  *engine.Loop
	store *memstore.Store
}

func run(t testing.TB, pb *playbook.Playbook) running {
	t.Helper()
	live, err := scoring.NewLive(pb.Model(), scoring.LiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	st := memstore.New()
	loop, err := pb.Loop(ctx, st, playbook.Options{Tokens: tokens(t), Live: live})
	if err != nil {
		t.Fatal(err)
	}
	return running{live, loop, st}
}

// submit takes a lead in and returns its score and what the record says of it.
func (r running) submit(key string) (leadloop.Score, scoring.Trace, error) {
	res, err := r.loop.Process(ctx, vp(key), at)
	if err != nil {
		return leadloop.Score{}, scoring.Trace{}, err
	}
	var trace scoring.Trace
	err = r.store.View(ctx, func(tx store.Tx) error {
		d, err := tx.Decisions().Latest(ctx, res.Lead.ID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(d.Steps, func(s leadloop.Step) bool { return s.Stage == scoring.StageName })
		return json.Unmarshal(d.Steps[i].Trace, &trace)
	})
	return res.Lead.State.Score, trace, err
}

func TestAModelIsTriedActivatedAndRolledBackWhileTheLoopRuns(t *testing.T) {
	first, second := edition(t, 3, 30), edition(t, 4, 80)
	r := run(t, first)
	type said struct{ Version, Shadow int }
	var got []said
	for i, change := range []func() error{
		func() error { return nil },
		func() error { return r.live.SetShadow(second.Model()) },
		func() error { return errors.Join(second.Save(ctx, r.store), r.live.Activate(second.Model())) },
		func() error { _, err := r.live.Rollback(); return err },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		score, trace, err := r.submit(fmt.Sprint("lead", i))
		if err != nil {
			t.Fatal(err)
		}
		want := map[int]leadloop.Points{3: 30, 4: 80}
		s := said{Version: trace.Version}
		if score.Points != want[trace.Version]*leadloop.Point || !strings.HasSuffix(score.Model, trace.Digest) {
			t.Errorf("version %d gave %s points by %s", trace.Version, score.Points, score.Model)
		}
		if trace.Shadow != nil {
			s.Shadow = trace.Shadow.Version
			if trace.Shadow.Points != want[s.Shadow]*leadloop.Point {
				t.Errorf("the shadow gave %s points", trace.Shadow.Points)
			}
		}
		got = append(got, s)
	}
	if diff := cmp.Diff([]said{{3, 0}, {3, 4}, {4, 0}, {3, 0}}, got); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	for _, pb := range []*playbook.Playbook{first, second} {
		err := r.store.View(ctx, func(tx store.Tx) error {
			files, err := tx.Playbooks().Get(ctx, pb.Digest())
			if err == nil && len(files) == 0 {
				err = errors.New("no files")
			}
			return err
		})
		if err != nil {
			t.Errorf("playbook %s can't be replayed: %v", pb.Name(), err)
		}
	}
}

// Whoever swaps, each lead is decided about by one model from beginning to end.
func TestALoopUnderLoadTakesSwaps(t *testing.T) {
	editions := []*playbook.Playbook{edition(t, 3, 30), edition(t, 4, 40), edition(t, 5, 50)}
	r := run(t, editions[0])
	var workers, swaps sync.WaitGroup
	for w := range 4 {
		workers.Go(func() {
			for n := range 25 {
				score, trace, err := r.submit(fmt.Sprintf("lead-%d-%d", w, n))
				if err != nil {
					t.Error(err)
					return
				}
				want := leadloop.Points(trace.Version) * 10 * leadloop.Point
				if trace.Points != want || score.Points != want {
					t.Errorf("version %d gave %s points, the lead has %s", trace.Version, trace.Points, score.Points)
				}
			}
		})
	}
	swaps.Go(func() {
		for n := range 60 {
			err := errors.Join(r.live.Activate(editions[n%3].Model()), r.live.SetShadow(editions[(n+1)%3].Model()))
			if err != nil {
				t.Error(err)
			}
		}
	})
	workers.Wait()
	swaps.Wait()
}

func TestALiveModelOfOtherFieldsIsRefused(t *testing.T) {
	other, problems := playbook.Load(files(map[string]string{
		"scoring.yaml": strings.Replace(scoringYAML, "fields: {plan: string}", "fields: {plan: string, seats: int}", 1), "enrich.yaml": "",
	}))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	live, err := scoring.NewLive(other.Model(), scoring.LiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = edition(t, 3, 30).Loop(ctx, memstore.New(), playbook.Options{Tokens: tokens(t), Live: live})
	if want := "playbook: live model " + other.Model().ID() + ": invalid: it has other fields than the playbook"; !errors.Is(err, leadloop.ErrInvalid) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// A host changes the scoring while leads come in: the next version is scored
// beside the one in force, then put in force, and taken back.
func ExampleOptions_live() {
	fail := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	now, problems := playbook.Load(files(map[string]string{"enrich.yaml": ""}))
	fail(problems.Err())
	then, problems := playbook.Load(files(map[string]string{
		"enrich.yaml": "", "scoring.yaml": strings.Replace(scoringYAML, "version: 3", "version: 4", 1),
	}))
	fail(problems.Err())

	st := memstore.New()
	live, err := scoring.NewLive(now.Model(), scoring.LiveOptions{})
	fail(err)
	tokens, err := privacy.NewTokens("k1", bytes.Repeat([]byte{1}, privacy.MinKey))
	fail(err)
	_, err = now.Loop(ctx, st, playbook.Options{Tokens: tokens, Live: live})
	fail(err)
	fail(live.SetShadow(then.Model()))
	fmt.Println("in force:", live.Active().Version(), "beside it:", live.Shadow().Version())

	fail(then.Save(ctx, st)) // so that its decisions can be replayed
	fail(live.Activate(then.Model()))
	fmt.Println("in force:", live.Active().Version())
	_, err = live.Rollback()
	fail(err)
	fmt.Println("in force:", live.Active().Version())
	// Output:
	// in force: 3 beside it: 4
	// in force: 4
	// in force: 3
}
