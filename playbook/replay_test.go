package playbook_test

import (
	"context"
	"errors"
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
	if got := replay(changed); got.Same || !strings.HasPrefix(got.Difference, "rule big gave 40 (matched) and gives 0 (not_matched)") {
		t.Errorf("what was entered later with an earlier date: %+v", got.Difference)
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
