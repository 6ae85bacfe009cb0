package tracking_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
	"github.com/leadloop/leadloop/tracking"
)

func reviewOf(t testing.TB, j journal, monday time.Time, o tracking.ReviewOptions, more ...func(tx store.Tx) error) *tracking.Review {
	t.Helper()
	st := memstore.New()
	err := st.Update(ctx, func(tx store.Tx) error {
		for _, do := range more {
			if err := do(tx); err != nil {
				return err
			}
		}
		return tx.Journal().Append(ctx, j...)
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := tracking.NewReview(ctx, st, monday, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// worked is a lead that came at a moment; after says how long it waited for
// its first touch, below 0 that nobody touched it.
func (j *journal) came(id, source, tier, owner string, at time.Time, after time.Duration) {
	lead := leadloop.LeadID(id)
	j.captured(lead, source, at)
	j.add(leadloop.EventAssigned, lead, at, to(owner), attr("tier", tier, "pool", "all", "entry", "everyone"))
	j.add(leadloop.EventSLAStarted, lead, at)
	switch {
	case after < 0:
		j.add(leadloop.EventSLAMissed, lead, at.Add(time.Hour))
	case after > time.Hour:
		j.add(leadloop.EventSLAMissed, lead, at.Add(time.Hour))
		j.touched(lead, at.Add(after))
	default:
		j.touched(lead, at.Add(after))
		j.add(leadloop.EventSLAMet, lead, at.Add(after))
	}
}

var reviewed = tracking.Monday(day)

// twoWeeks is 40 leads in each of two weeks: worked within minutes in the first
// and mostly late or never in the second.
func twoWeeks() journal {
	var j journal
	for w, monday := range []time.Time{reviewed.AddDate(0, 0, -7), reviewed} {
		for i := range 40 {
			wait := time.Duration(5+i) * time.Minute
			if w == 1 {
				if wait = time.Duration(2+i) * time.Hour; i%2 == 0 {
					wait = -1
				}
			}
			j.came(fmt.Sprintf("w%d-%02d", w, i), []string{"web", "partner"}[i/20], "A", "ana", monday.Add(time.Duration(i)*time.Hour), wait)
		}
	}
	j.captured("q", "web", reviewed.Add(time.Hour))
	j.add(leadloop.EventQueued, "q", reviewed.Add(time.Hour), to("inbound"), reason("nobody_eligible"))
	j.add(leadloop.EventWon, "w0-01", reviewed.Add(50*time.Hour), to("o1"), attr("amount", "12000000000"))
	return j
}

func TestAReviewReadsAsItsGoldenFile(t *testing.T) {
	j := twoWeeks()
	// What comes after the week is no part of it.
	j.came("later", "web", "A", "ana", reviewed.AddDate(0, 0, 8), time.Minute)
	j.touched("w1-00", reviewed.AddDate(0, 0, 7))
	r := reviewOf(t, j, reviewed.AddDate(0, 0, 3), tracking.ReviewOptions{Tables: [][]string{{"owner"}}}, func(tx store.Tx) error {
		err := tx.Rotations().Move(ctx, leadloop.LedgerMove{Pool: "all", Lead: "x", To: "ana", At: reviewed, Members: []leadloop.RepID{"ana", "ben"}, Deltas: []leadloop.Owed{-600_000, 600_000}})
		if err != nil {
			return err
		}
		if err := tx.Tasks().Add(ctx, leadloop.Task{Key: "k", Kind: leadloop.TaskNotify, DueAt: reviewed}); err != nil {
			return err
		}
		tasks, err := tx.Tasks().Lease(ctx, reviewed, time.Minute, 1)
		if err != nil {
			return err
		}
		return tx.Tasks().Finish(ctx, tasks[0], leadloop.TaskDead)
	})
	var text bytes.Buffer
	if err := r.Text(&text); err != nil {
		t.Fatal(err)
	}
	js, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]byte{"review.txt": text.Bytes(), "review.json": append(js, '\n')} {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (go test -update writes it anew): %s", name, diff)
		}
	}
}

func TestAReviewSaysWhatChangedBeyondNoise(t *testing.T) {
	r := reviewOf(t, twoWeeks(), reviewed, tracking.ReviewOptions{})
	beyond, compared := r.Changes()
	var names []string
	for _, c := range beyond {
		names = append(names, c.Name())
	}
	want := []string{"Worked", "Leakage", "SLA met", "SAL rate", "SAL rate, source web", "SAL rate, source partner", "SAL rate, tier A"}
	if diff := cmp.Diff(want, names); diff != "" || compared < len(want) {
		t.Errorf("%s, of %d", diff, compared)
	}
	if !r.SpeedToLead[0].Beyond {
		t.Errorf("waits went from minutes to hours, which is not said: %+v", r.SpeedToLead[0])
	}
	if r.CreatedBeyond {
		t.Error("40 leads and 41 are said to differ")
	}
}

// Weeks that differ by chance alone are said to differ about once in a hundred
// comparisons, and get no proposals.
func TestWeeksThatDifferByChanceAreSaidToBeAlike(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	said, compared, proposed := 0, 0, 0
	for range 40 {
		var j journal
		for i := range 400 {
			wait := time.Duration(-1)
			if r.IntN(10) < 6 {
				wait = time.Duration(r.IntN(7200)) * time.Second
			}
			at := reviewed.AddDate(0, 0, -7).Add(time.Duration(r.IntN(14*24)) * time.Hour)
			j.came(fmt.Sprint(i), fmt.Sprint("source-", r.IntN(5)), string(rune('A'+r.IntN(3))), []string{"ana", "ben", "cem"}[r.IntN(3)], at, wait)
		}
		review := reviewOf(t, j, reviewed, tracking.ReviewOptions{})
		beyond, n := review.Changes()
		said, compared, proposed = said+len(beyond), compared+n, proposed+len(review.Proposals)
	}
	if 100*said > 3*compared || compared < 400 || proposed > 1 {
		t.Errorf("%d of %d figures are said to differ, %d proposals", said, compared, proposed)
	}
}

func TestProposalsAreWhatTheWeeksSpeakForMost(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	leads := func(taken func(source, tier, owner string) (share int)) journal {
		var j journal
		for i := range 1200 {
			source, tier, owner := []string{"web", "list", "partner"}[i%3], []string{"A", "B"}[r.IntN(2)], []string{"ana", "ben", "cem"}[r.IntN(3)]
			wait := time.Duration(-1)
			if r.IntN(100) < taken(source, tier, owner) {
				wait = time.Minute
			}
			j.came(fmt.Sprint(i), source, tier, owner, reviewed.AddDate(0, 0, -r.IntN(70)), wait)
		}
		return j
	}
	for name, tc := range map[string]struct {
		j    journal
		kind string
		text string
	}{
		"leads of a source that reps do not take": {
			leads(func(source, _, _ string) int {
				if source == "list" {
					return 20
				}
				return 60
			}), "source_weight",
			`scoring.yaml: give leads of source "list" fewer points: a modifier with when: 'lead.source == "list"'`,
		},
		"a tier that reps prefer to the one above": {
			leads(func(_, tier, _ string) int {
				if tier == "B" {
					return 70
				}
				return 40
			}), "tier_threshold", "scoring.yaml: lower the threshold of tier A, or take points from what fills it: tier B is worth more",
		},
		"an owner who answers late": {
			leads(func(_, _, owner string) int {
				if owner == "cem" {
					return 30
				}
				return 60
			}), "owner_weight", "routing.yaml: lower the weight or the daily cap of cem in pool all",
		},
		"leads that no entry of the chain can place": {
			func() journal {
				j := leads(func(string, string, string) int { return 60 })
				for i := range 80 {
					id := leadloop.LeadID(fmt.Sprint("q", i))
					j.captured(id, "web", reviewed.AddDate(0, 0, -i%50))
					j.add(leadloop.EventQueued, id, reviewed.AddDate(0, 0, -i%50), to("final"), reason("nobody_eligible"))
				}
				return j
			}(), "routing_entry", "routing.yaml: give the chain an entry, or a pool a member, for leads that it can't place (nobody_eligible)",
		},
	} {
		review := reviewOf(t, tc.j, reviewed, tracking.ReviewOptions{})
		var b bytes.Buffer
		if err := review.Text(&b); err != nil {
			t.Fatal(err)
		}
		if len(review.Proposals) != 1 || review.Proposals[0].Kind != tc.kind || !strings.Contains(b.String(), tc.text) || review.Compared < 7 {
			t.Errorf("%s:\n%s", name, &b)
		}
	}
	both := leads(func(source, tier, _ string) int {
		return map[string]int{"webA": 30, "webB": 70, "listA": 10, "listB": 30, "partnerA": 30, "partnerB": 80}[source+tier]
	})
	review := reviewOf(t, both, reviewed, tracking.ReviewOptions{})
	var kinds []string
	for _, p := range review.Proposals {
		kinds = append(kinds, p.Kind)
	}
	slices.Sort(kinds)
	if diff := cmp.Diff([]string{"source_weight", "tier_threshold"}, kinds); diff != "" {
		t.Error(diff)
	}
}

func TestWeeksAreFoundByTheirNames(t *testing.T) {
	for week, want := range map[string]string{"2026-W45": "2026-11-02", "2026-W01": "2025-12-29", "2026-W53": "2026-12-28", "2027-W01": "2027-01-04"} {
		if at, err := tracking.WeekOf(week); err != nil || at.Format(time.DateOnly) != want {
			t.Errorf("%s begins on %v, %v", week, at, err)
		}
	}
	for _, week := range []string{"", "2025-W53", "2026-W00", "2026-W5", "2026-45", "2026-W45 ", "45"} {
		if _, err := tracking.WeekOf(week); !errors.Is(err, leadloop.ErrInvalid) {
			t.Errorf("%q gives %v", week, err)
		}
	}
}

func TestAReviewOfNothingIsWholeAndErrorsAreReported(t *testing.T) {
	st := memstore.New()
	r, err := tracking.NewReview(ctx, st, reviewed, tracking.ReviewOptions{})
	if err != nil {
		t.Fatal(err)
	}
	js, err := json.Marshal(r)
	if err != nil || len(r.Trend) != 13 {
		t.Errorf("%v, %d weeks", err, len(r.Trend))
	}
	for _, list := range []string{"failures", "pools", "dead_tasks", "proposals", "trend"} {
		if bytes.Contains(js, []byte(`"`+list+`":null`)) {
			t.Errorf("%s is null, not empty", list)
		}
	}
	if err := r.Text(full{}); !errors.Is(err, errFull) {
		t.Errorf("error %v", err)
	}
	if _, err := tracking.NewReview(ctx, st, reviewed, tracking.ReviewOptions{Weeks: -1}); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("weeks below 0 give %v", err)
	}
	if _, err := tracking.NewReview(ctx, st, reviewed, tracking.ReviewOptions{Tables: [][]string{{"Nope!"}}}); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("a dimension that is no name gives %v", err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := tracking.NewReview(ctx, st, reviewed, tracking.ReviewOptions{}); !errors.Is(err, leadloop.ErrUnavailable) {
		t.Errorf("a closed store gives %v", err)
	}
}

func ExampleNewReview() {
	ctx, st := context.Background(), memstore.New()
	monday := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	err := st.Update(ctx, func(tx store.Tx) error {
		for i := range 6 {
			lead, at := leadloop.LeadID(fmt.Sprint("ld_", i)), monday.Add(time.Duration(i)*time.Hour)
			err := tx.Journal().Append(ctx,
				leadloop.Event{Kind: leadloop.EventCaptured, Lead: lead, At: at, Attrs: map[string]string{"source": "web"}},
				leadloop.Event{Kind: leadloop.EventAssigned, Lead: lead, At: at, To: "ana", Attrs: map[string]string{"tier": "A"}},
				leadloop.Event{Kind: leadloop.EventFirstTouch, Lead: lead, At: at.Add(9 * time.Minute), Actor: "ana"},
			)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := tracking.NewReview(ctx, st, monday, tracking.ReviewOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Week, r.Created, r.SpeedToLead[0].After.Median)
	fmt.Println(r.SALRate[0].Name(), r.SALRate[0].After.Hits, "of", r.SALRate[0].After.Of)
	// Output:
	// 2026-W45 6 9m0s
	// SAL rate 6 of 6
}
