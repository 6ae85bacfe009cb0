package playbook_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/scoring"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

func TestARecordedScoreComesOutByteForByteAndADifferenceIsNamed(t *testing.T) {
	ctx, st := context.Background(), memstore.New()
	pb := compared(t, nil)
	loop, err := pb.Loop(ctx, st, playbook.Options{Tokens: tokens(t)})
	if err != nil {
		t.Fatal(err)
	}
	e := leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: noon}
	res, err := loop.Process(ctx, leadloop.Submission{Key: "k", Source: "form", ReceivedAt: noon, Claims: []leadloop.Claim{
		leadloop.Email.Claim("ana@acme.com", e), leadloop.Employees.Claim(800, e),
	}}, noon)
	if err != nil {
		t.Fatal(err)
	}
	later := noon.Add(time.Hour)
	if res, err = loop.Observe(ctx, res.Lead.ID, later, leadloop.Activity{ID: "a", Type: "visit", At: later}); err != nil {
		t.Fatal(err)
	}
	var decisions []leadloop.Decision
	if err := st.View(ctx, func(tx store.Tx) (err error) { decisions, err = tx.Decisions().ByLead(ctx, res.Lead.ID); return err }); err != nil || len(decisions) == 0 {
		t.Fatal(decisions, err)
	}
	stored, err := playbook.Stored(ctx, st, decisions[0].Playbook)
	if err != nil || stored.Digest() != pb.Digest() {
		t.Fatal(err)
	}
	replay := func(l *leadloop.Lead) playbook.Replayed {
		t.Helper()
		got, err := stored.Replay(ctx, l, decisions[0])
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := replay(res.Lead); !got.Same || got.Difference != "" || len(got.Again) == 0 {
		t.Errorf("not the same: %s\n%s", got.Difference, cmp.Diff(string(got.Recorded), string(got.Again)))
	}
	changed := res.Lead.Clone()
	changed.Claims = append(changed.Claims, leadloop.Employees.Claim(10, leadloop.Evidence{Origin: leadloop.OriginRep, Source: "ana", ObservedAt: noon}))
	if got := replay(changed); !got.Same || !slices.Equal(got.Later, []string{"company.employees"}) {
		t.Errorf("what was entered later with an earlier date: %+v, %v", got.Difference, got.Later)
	}
	gone := res.Lead.Clone()
	gone.Claims = slices.DeleteFunc(gone.Claims, func(c leadloop.Claim) bool { return c.Field == leadloop.Employees.Name() })
	if got := replay(gone); !got.Same || !slices.Equal(got.Later, []string{"company.employees"}) {
		t.Errorf("what was taken away since: %+v, %v", got.Difference, got.Later)
	}
	after := res.Lead.Clone()
	after.Claims = append(after.Claims, leadloop.Employees.Claim(10, leadloop.Evidence{Origin: leadloop.OriginRep, Source: "ana", ObservedAt: later}))
	if got := replay(after); !got.Same {
		t.Errorf("what was learnt afterwards changes the past: %s", got.Difference)
	}
	other := compared(t, map[string]string{"scoring.yaml": strings.Replace(compareScoring, "30", "31", 1)})
	if _, err := other.Replay(ctx, res.Lead, decisions[0]); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("by another playbook: %v", err)
	}
	if _, err := stored.Replay(ctx, res.Lead, leadloop.Decision{Playbook: pb.Digest()}); !errors.Is(err, leadloop.ErrNotFound) {
		t.Errorf("of a decision that scored nothing: %v", err)
	}
	if _, err := playbook.Stored(ctx, st, "none"); !errors.Is(err, leadloop.ErrNotFound) {
		t.Errorf("a playbook that was never stored: %v", err)
	}
}

func TestWhatIfSaysWhatOtherValuesWouldDoAndChangesNothing(t *testing.T) {
	ctx, pb := context.Background(), compared(t, nil)
	e := leadloop.Evidence{Origin: leadloop.OriginRep, Source: "ana", ObservedAt: noon, Pin: leadloop.Pinned}
	lead := &leadloop.Lead{ID: "l", ReceivedAt: noon, Claims: []leadloop.Claim{leadloop.Employees.Claim(10, e), leadloop.Seniority.Claim("vp", e)}}
	before := lead.Clone()
	got, err := pb.WhatIf(ctx, lead, map[string]string{"company.employees": "800"}, noon)
	if err != nil {
		t.Fatal(err)
	}
	type short struct {
		Points         leadloop.Points
		Tier, From, To string
	}
	want := []short{{30 * leadloop.Point, "C", "queued:inbox", "assigned:top"}, {70 * leadloop.Point, "A", "queued:inbox", "assigned:top"}}
	if diff := cmp.Diff(want, []short{{got.Before.Points, got.Before.Tier, got.From, got.To}, {got.After.Points, got.After.Tier, got.From, got.To}}); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, lead); diff != "" {
		t.Errorf("the lead was changed:\n%s", diff)
	}
	_, err = pb.WhatIf(ctx, lead, map[string]string{"company.employes": "800", "company.revenue": "much"}, noon)
	if !errors.Is(err, leadloop.ErrInvalid) || !strings.Contains(err.Error(), `did you mean "company.employees"?`) || !strings.Contains(err.Error(), "field company.revenue") {
		t.Errorf("error %v", err)
	}
	if got.After.Contributions[0].State != scoring.Matched {
		t.Errorf("rule big is %s", got.After.Contributions[0].State)
	}
}

func TestActivitiesThatWereEnteredLaterDoNotChangeThePast(t *testing.T) {
	ctx := context.Background()
	pb := compared(t, map[string]string{"scoring.yaml": strings.Replace(compareScoring, "  - {id: vp,",
		"  - {id: demo, each: demo_request, points: 10, decay: {half_life: 14d}}\n  - {id: views, when: 'count(\"page_view\") >= 2', points: 5}\n  - {id: vp,", 1)})
	did := func(kind, id string, ago time.Duration) leadloop.Activity {
		return leadloop.Activity{ID: id, Type: kind, At: noon.Add(-ago)}
	}
	lead := &leadloop.Lead{ID: "l", ReceivedAt: noon, Activities: []leadloop.Activity{
		did("demo_request", "d1", time.Hour), did("page_view", "p1", 2*time.Hour), did("page_view", "p2", time.Hour),
	}}
	profile := leadloop.Golden(pb.Schema(), pb.Policy(), nil)
	e, err := pb.Model().Explain(ctx, scoring.Input{Profile: profile, Activities: lead.Activities, AsOf: noon})
	if err != nil {
		t.Fatal(err)
	}
	trace, err := json.Marshal(scoring.Trace{Explanation: e})
	if err != nil {
		t.Fatal(err)
	}
	d := leadloop.Decision{Lead: "l", AsOf: noon, Playbook: pb.Digest(), Steps: []leadloop.Step{{Stage: scoring.StageName, Trace: trace}}}
	for name, tc := range map[string]struct {
		more []leadloop.Activity
		want []string
	}{
		"nothing":          {nil, nil},
		"a later one":      {[]leadloop.Activity{did("demo_request", "d2", -time.Hour)}, nil},
		"an earlier one":   {[]leadloop.Activity{did("demo_request", "d0", 3*time.Hour)}, []string{"demo_request"}},
		"one of each kind": {[]leadloop.Activity{did("demo_request", "d0", 30*time.Minute), did("page_view", "p3", 10*time.Minute)}, []string{"demo_request", "page_view"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := lead.Clone()
			l.Activities = append(l.Activities, tc.more...)
			got, err := pb.Replay(ctx, l, d)
			if err != nil || !got.Same || !slices.Equal(got.Later, tc.want) {
				t.Errorf("same %t, later %v, difference %q, %v", got.Same, got.Later, got.Difference, err)
			}
		})
	}
	// A record that nobody could have made is no proof of anything.
	d.Steps[0].Trace = []byte(strings.Replace(string(trace), `"points":14.979,"low"`, `"points":15.979,"low"`, 1))
	if got, err := pb.Replay(ctx, lead, d); err != nil || got.Same || got.Difference == "" {
		t.Errorf("a forged record: same %t, %q, %v", got.Same, got.Difference, err)
	}
}
