package playbook_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/routing"
)

var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

const compareScoring = `# comments make no difference
model: m
version: 1
rules:
  - {id: big, when: "company.employees >= 500", points: 40}
  - {id: vp, when: 'lead.seniority == "vp"', points: 30}
  - {id: student, when: 'lead.title == "Student"', disqualify: student}
tiers: {A: 70, B: 40, C: 0}
`

const compareRouting = `
reps: [{id: ana}, {id: ben}, {id: cem}]
teams: [{id: sales, members: [ana, ben]}, {id: large, members: [cem]}]
pools: [{id: all, team: sales}, {id: top, team: large}]
queues: [{id: inbox}]
chain:
  - {id: hot, when: 'tier == "A"', target: {pool: top}}
  - {id: warm, when: 'tier == "B"', target: {pool: all}}
final: inbox
`

func compared(t testing.TB, change map[string]string) *playbook.Playbook {
	t.Helper()
	all := map[string]string{"scoring.yaml": compareScoring, "routing.yaml": compareRouting}
	maps.Copy(all, change)
	fsys := fstest.MapFS{}
	for name, text := range all {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	pb, problems := playbook.Load(fsys)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return pb
}

// population are leads of every kind, some of them won and lost.
func population(n int) iter.Seq2[playbook.CompareLead, error] {
	return func(yield func(playbook.CompareLead, error) bool) {
		for i := range n {
			l := &leadloop.Lead{ID: leadloop.LeadID(fmt.Sprintf("l%03d", i)), ReceivedAt: noon.Add(time.Duration(i) * time.Minute)}
			e := leadloop.Evidence{Origin: leadloop.OriginPerson, ObservedAt: noon}
			l.Claims = append(l.Claims, leadloop.Employees.Claim(int64(100*(i%10)), e))
			if i%2 == 0 {
				l.Claims = append(l.Claims, leadloop.Seniority.Claim("vp", e))
			}
			if i%10 == 9 {
				l.Claims = append(l.Claims, leadloop.Title.Claim("Student", e))
			}
			c := playbook.CompareLead{Lead: l}
			switch {
			case i%10 >= 6 && i%4 == 0:
				c.Outcome = leadloop.OpportunityWon
			case i%3 == 0:
				c.Outcome = leadloop.OpportunityLost
			}
			if !yield(c, nil) {
				return
			}
		}
	}
}

func TestTheSamePlaybookMovesNothing(t *testing.T) {
	c, err := playbook.Compare(context.Background(), compared(t, nil), compared(t, nil), population(100), playbook.CompareOptions{AsOf: noon})
	if err != nil {
		t.Fatal(err)
	}
	if c.Moves() || c.PointsChanged > 0 || len(c.Changes) > 0 || len(c.Moved) > 0 || c.Leads != 100 || c.Failed > 0 {
		t.Errorf("%+v", c)
	}
	if diff := cmp.Diff(c.Before, c.After); diff != "" || c.Before == nil {
		t.Errorf("won and lost are sorted differently:\n%s", diff)
	}
}

func TestAChangedWeightSaysWhoMovesBecauseOfWhatAndWhoGetsThem(t *testing.T) {
	before, after := compared(t, nil), compared(t, map[string]string{
		"scoring.yaml": strings.Replace(compareScoring, "points: 30", "points: 40.0", 1),
		"guards.yaml":  "max_tier_changes: 0.25\nmax_route_changes: 0.1\nmax_share: {B: 0.5}\nmin_share: {A: 0.5}\nmax_queued: 1\nkeep_won_lost_gap: true\nactivate: [revops]\n",
	})
	var progress []int
	c, err := playbook.Compare(context.Background(), before, after, population(1000), playbook.CompareOptions{AsOf: noon, Examples: 2, Progress: func(n int) { progress = append(progress, n) }})
	if err != nil {
		t.Fatal(err)
	}
	// Of ten leads those with 0, 2 and 4 hundred employees are vp and small: C to
	// B; those with 6 and 8 hundred are A already; 9 is a student.
	want := &playbook.Comparison{
		AsOf: noon, Leads: 1000, PointsChanged: 500, TierChanged: 300, RouteChanged: 300, OwnerChanged: 400,
		Changes: []playbook.Change{{File: "scoring.yaml", Path: "rules.vp.points", Before: "30", After: "40"}},
		Tiers:   []playbook.TierShift{{Tier: "A", Before: 200, After: 200}, {Tier: "B", Before: 200, After: 500}, {Tier: "C", Before: 500, After: 200}, {Tier: "-", Before: 100, After: 100}},
		Matrix: []playbook.TierMove{
			{From: "A", To: "A", Leads: 200}, {From: "B", To: "B", Leads: 200}, {From: "C", To: "B", Leads: 300}, {From: "C", To: "C", Leads: 200}, {From: "-", To: "-", Leads: 100},
		},
		Movers: []playbook.Mover{{What: "rule vp", Leads: 300}},
		Moved: []playbook.MovedLead{
			{Lead: "l000", Before: 30 * leadloop.Point, After: 40 * leadloop.Point, TierBefore: "C", TierAfter: "B", From: "queued:inbox", To: "assigned:all", Because: "rule vp"},
			{Lead: "l002", Before: 30 * leadloop.Point, After: 40 * leadloop.Point, TierBefore: "C", TierAfter: "B", From: "queued:inbox", To: "assigned:all", Because: "rule vp"},
		},
		Places: []playbook.PlaceShift{
			{Kind: "assigned", Place: "all", Before: 200, After: 500}, {Kind: "assigned", Place: "top", Before: 200, After: 200},
			{Kind: "disqualified", Place: "student", Before: 100, After: 100}, {Kind: "queued", Place: "inbox", Before: 500, After: 200},
		},
		Entries: []playbook.Shift{{Name: "hot", Before: 200, After: 200}, {Name: "warm", Before: 200, After: 500}, {Name: "(final queue)", Before: 500, After: 200}},
		Flows:   []routing.Flow{{From: "queued:inbox", To: "assigned:all", Leads: 300}},
		Owners:  []playbook.Shift{{Name: "ana", Before: 100, After: 250}, {Name: "ben", Before: 100, After: 250}, {Name: "cem", Before: 200, After: 200}},
		Broken: []playbook.Broken{
			{Guard: "max_tier_changes", Text: "the tier changes for 30.0 % of the leads, allowed are 25.0 %"},
			{Guard: "max_route_changes", Text: "somebody else gets 30.0 % of the leads, allowed are 10.0 %"},
			{Guard: "min_share.A", Text: "tier A would have 20.0 % of the leads, wanted are at least 50.0 %"},
		},
	}
	before1, after1 := c.Before, c.After
	gap := c.Broken[len(c.Broken)-1]
	if sim := c.SimulatedAfter; sim == nil || sim.Assigned != 700 || sim.Waiting != 200 {
		t.Errorf("simulated: %+v", sim)
	}
	c.Old, c.New, c.Before, c.After, c.SimulatedBefore, c.SimulatedAfter = "", "", nil, nil, nil, nil
	if after1.Gap < before1.Gap && gap.Guard == "keep_won_lost_gap" {
		c.Broken = c.Broken[:len(c.Broken)-1]
	} else if (after1.Gap < before1.Gap) != (gap.Guard == "keep_won_lost_gap") {
		t.Errorf("the gap goes from %v to %v, and the guards say %+v", before1.Gap, after1.Gap, gap)
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{1000}, progress); diff != "" {
		t.Error(diff)
	}
}

func TestWonAndLostAreSortedAsCountingPairsSays(t *testing.T) {
	pb := compared(t, nil)
	c, err := playbook.Compare(context.Background(), pb, pb, population(300), playbook.CompareOptions{AsOf: noon})
	if err != nil {
		t.Fatal(err)
	}
	var won, lost []float64
	for l, err := range population(300) {
		if err != nil {
			t.Fatal(err)
		}
		points := 0.0
		if n, _ := leadloop.Employees.Get(leadloop.Golden(pb.Schema(), pb.Policy(), l.Lead.Claims)); n >= 500 {
			points += 40
		}
		if s, _ := leadloop.Seniority.Get(leadloop.Golden(pb.Schema(), pb.Policy(), l.Lead.Claims)); s == "vp" {
			points += 30
		}
		switch l.Outcome {
		case leadloop.OpportunityWon:
			won = append(won, points)
		case leadloop.OpportunityLost:
			lost = append(lost, points)
		}
	}
	pairs := 0.0
	mean := func(x []float64) (m float64) {
		for _, v := range x {
			m += v / float64(len(x))
		}
		return m
	}
	for _, w := range won {
		for _, l := range lost {
			switch {
			case w > l:
				pairs++
			case w == l:
				pairs += 0.5
			}
		}
	}
	s := c.After
	if s.Won != len(won) || s.Lost != len(lost) || math.Abs(s.AUC-pairs/float64(len(won)*len(lost))) > 1e-12 || math.Abs(s.Gap-(mean(won)-mean(lost))) > 1e-9 {
		t.Errorf("%+v, want AUC %v, gap %v", s, pairs/float64(len(won)*len(lost)), mean(won)-mean(lost))
	}
	if !(s.GapLow < s.Gap && s.Gap < s.GapHigh && s.AUCLow < s.AUC && s.AUC < s.AUCHigh) {
		t.Errorf("intervals do not hold what they are of: %+v", s)
	}
	closed := 0
	for _, x := range s.Tiers {
		closed += x.Closed
		if !(x.Low <= x.Rate && x.Rate <= x.High) || math.Abs(x.Rate-float64(x.Won)/float64(x.Closed)) > 1e-12 {
			t.Errorf("%+v", x)
		}
	}
	banded := 0
	for i, x := range s.Bands {
		banded += x.Closed
		if !(x.Low <= x.Rate && x.Rate <= x.High) || i > 0 && x.From <= s.Bands[i-1].To || x.To < x.From {
			t.Errorf("%+v", x)
		}
	}
	if banded != closed || len(s.Bands) < 2 {
		t.Errorf("bands: %+v", s.Bands)
	}
	if closed != len(won)+len(lost) {
		t.Errorf("%d leads in tiers, want %d", closed, len(won)+len(lost))
	}
}

func TestADiffIsOfMeaningNotOfText(t *testing.T) {
	for name, tc := range map[string]struct {
		file, before, after string
		want                []string
	}{
		"comments, quotes and the spelling of numbers": {"scoring.yaml", `points: 30}`, `"points": 30.0} # more`, nil},
		"a weight":                     {"scoring.yaml", `points: 30}`, `points: 31}`, []string{"scoring.yaml: rules.vp.points: 30 → 31"}},
		"a rule that is new":           {"scoring.yaml", "tiers:", "  - {id: new, when: 'true', points: 1}\ntiers:", []string{"scoring.yaml: rules.new added: points 1, when true"}},
		"a rule that is gone":          {"scoring.yaml", "  - {id: vp, when: 'lead.seniority == \"vp\"', points: 30}\n", "", []string{`scoring.yaml: rules.vp removed, was points 30, when lead.seniority == "vp"`}},
		"a tier":                       {"scoring.yaml", "B: 40", "B: 45", []string{"scoring.yaml: tiers.B: 40 → 45"}},
		"entries in another order":     {"routing.yaml", "warm, when: 'tier == \"B\"', target: {pool: all}}", "warm, when: 'tier == \"B\"', target: {pool: all}}\n  - {id: zero, when: 'tier == \"C\"', target: {pool: all}}", []string{`routing.yaml: chain.zero added: target.pool all, when tier == "C"`}},
		"members of a team as a whole": {"routing.yaml", "members: [ana, ben]", "members: [ben]", []string{"routing.yaml: teams.sales.members: [ana, ben] → [ben]"}},
	} {
		t.Run(name, func(t *testing.T) {
			texts := map[string]string{"scoring.yaml": compareScoring, "routing.yaml": compareRouting}
			changed := strings.Replace(texts[tc.file], tc.before, tc.after, 1)
			if changed == texts[tc.file] {
				t.Fatal("nothing was changed")
			}
			var got []string
			for _, c := range playbook.Diff(compared(t, nil), compared(t, map[string]string{tc.file: changed})) {
				got = append(got, c.String())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	swapped := strings.Replace(compareRouting, "  - {id: hot, when: 'tier == \"A\"', target: {pool: top}}\n", "", 1)
	swapped = strings.Replace(swapped, "final:", "  - {id: hot, when: 'tier == \"A\"', target: {pool: top}}\nfinal:", 1)
	got := playbook.Diff(compared(t, nil), compared(t, map[string]string{"routing.yaml": swapped}))
	if len(got) != 1 || got[0].String() != "routing.yaml: chain.(order): hot, warm → warm, hot" {
		t.Errorf("a changed order of entries: %v", got)
	}
}

func TestGuardsThatAreNoneAreNamedWithTheirPlace(t *testing.T) {
	_, err := playbook.ParseGuards("guards.yaml", []byte("max_tier_changes: 5%\nmax_share: {AA: 0.1, B: 2}\nmax_share_of: 1\n"), []string{"A", "B"})
	var problems leadloop.Problems
	if !errors.As(err, &problems) {
		t.Fatal(err)
	}
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	want := []string{
		`guards.yaml:1:19: max_tier_changes: expected a share between 0 and 1, such as 0.05, found "5%"`,
		`guards.yaml:2:17: max_share: there is no tier "AA" (did you mean "A"?)`,
		`guards.yaml:2:25: max_share.B: expected a share between 0 and 1, such as 0.05, found "2"`,
		`guards.yaml:3:1: file: unknown key "max_share_of" (did you mean "max_share"?)`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A pull request's check: what the change moves, and whether it may.
func ExampleCompare() {
	inForce := fstest.MapFS{"scoring.yaml": {Data: []byte(compareScoring)}, "routing.yaml": {Data: []byte(compareRouting)}}
	changed := maps.Clone(inForce)
	changed["scoring.yaml"] = &fstest.MapFile{Data: []byte(strings.Replace(compareScoring, "points: 30", "points: 40", 1))}
	changed["guards.yaml"] = &fstest.MapFile{Data: []byte("max_tier_changes: 0.05")}
	before, problems := playbook.Load(inForce)
	after, more := playbook.Load(changed)
	if err := slices.Concat(problems, more).Err(); err != nil {
		fmt.Println(err)
		return
	}
	c, err := playbook.Compare(context.Background(), before, after, population(100), playbook.CompareOptions{AsOf: noon})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, change := range c.Changes {
		fmt.Println(change)
	}
	for _, m := range c.Movers {
		fmt.Printf("%s moves %d of %d leads\n", m.What, m.Leads, c.Leads)
	}
	for _, g := range c.Broken {
		fmt.Println(g.Guard+":", g.Text)
	}
	// Output:
	// scoring.yaml: rules.vp.points: 30 → 40
	// rule vp moves 30 of 100 leads
	// max_tier_changes: the tier changes for 30.0 % of the leads, allowed are 5.0 %
}

func BenchmarkCompare(b *testing.B) {
	before, after := compared(b, nil), compared(b, map[string]string{"scoring.yaml": strings.Replace(compareScoring, "points: 30", "points: 40", 1)})
	const n = 10_000
	for b.Loop() {
		if _, err := playbook.Compare(b.Context(), before, after, population(n), playbook.CompareOptions{AsOf: noon.Add(n * time.Minute)}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/lead")
}
