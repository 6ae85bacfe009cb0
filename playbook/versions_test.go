package playbook_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/scoring"
	"github.com/leadloop/leadloop/store/memstore"
)

func version(t testing.TB, points int, guards string) *playbook.Playbook {
	t.Helper()
	change := map[string]string{"scoring.yaml": strings.Replace(compareScoring, "points: 30", fmt.Sprintf("points: %d", points), 1)}
	if guards != "" {
		change["guards.yaml"] = guards
	}
	return compared(t, change)
}

func by(who string, minutes int) playbook.Move {
	return playbook.Move{By: who, Why: "because", At: noon.Add(time.Duration(minutes) * time.Minute)}
}

func TestVersionsGoFromDraftToShadowToActiveAndBack(t *testing.T) {
	ctx, st := context.Background(), memstore.New()
	r, err := playbook.NewRegistry(st, "m")
	if err != nil {
		t.Fatal(err)
	}
	one, two, three := version(t, 30, ""), version(t, 31, ""), version(t, 32, "")
	names := map[string]string{one.Digest(): "one", two.Digest(): "two", three.Digest(): "three"}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	states := func(want ...string) {
		t.Helper()
		all, err := r.Versions(ctx)
		must(err)
		var got []string
		for _, v := range all {
			got = append(got, names[v.Digest]+" "+string(v.State)+" "+v.By)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("versions (-want +got):\n%s", diff)
		}
	}
	if _, err := r.Active(ctx); !errors.Is(err, leadloop.ErrNotFound) {
		t.Errorf("before any: %v", err)
	}
	if err := r.Activate(ctx, one, nil, by("ana", 0)); !errors.Is(err, leadloop.ErrNotFound) {
		t.Errorf("a version that nobody drafted: %v", err)
	}
	for i, p := range []*playbook.Playbook{one, two, three, one} { // once more changes nothing
		must(r.Draft(ctx, p, by("ana", i)))
	}
	states("one draft ana", "two draft ana", "three draft ana")
	must(r.Activate(ctx, one, nil, by("ben", 10)))
	must(r.Shadow(ctx, two.Digest(), by("ben", 11)))
	must(r.Shadow(ctx, three.Digest(), by("cem", 12)))
	states("one active ben", "two draft cem", "three shadow cem")
	if err := r.Shadow(ctx, one.Digest(), by("ben", 13)); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("the active one as its own shadow: %v", err)
	}
	must(r.Activate(ctx, three, nil, by("cem", 14)))
	states("two draft cem", "one retired cem", "three active cem")
	back, err := r.Rollback(ctx, by("ana", 15))
	must(err)
	if back.Digest != one.Digest() {
		t.Errorf("rolled back to %s", names[back.Digest])
	}
	states("two draft cem", "three retired ana", "one active ana")
	// As the shadow of the version that replaced it, it can still be gone back to.
	must(r.Activate(ctx, three, nil, by("ana", 16)))
	must(r.Shadow(ctx, one.Digest(), by("ana", 17)))
	back, err = r.Rollback(ctx, by("ana", 18))
	must(err)
	if back.Digest != one.Digest() {
		t.Errorf("rolled back to %s", names[back.Digest])
	}
	states("two draft cem", "three retired ana", "one active ana")
	if now, err := r.Active(ctx); err != nil || now.Digest != one.Digest() || now.Why != "because" || now.Name != "m@1" {
		t.Errorf("%+v, %v", now, err)
	}
	if _, err := playbook.Stored(ctx, st, three.Digest()); err != nil {
		t.Errorf("the files of a version: %v", err)
	}
	for name, m := range map[string]playbook.Move{"nobody": {Why: "w", At: noon}, "an address": {By: "ana@acme.com", Why: "w", At: noon}, "no reason": {By: "ana", At: noon}, "no time": {By: "ana", Why: "w"}} {
		if err := r.Shadow(ctx, two.Digest(), m); !errors.Is(err, leadloop.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	other, err := playbook.NewRegistry(st, "other")
	must(err)
	if err := other.Draft(ctx, one, by("ana", 0)); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("a playbook of another name: %v", err)
	}
}

func TestActivationHoldsTheGuards(t *testing.T) {
	ctx, st := context.Background(), memstore.New()
	r, err := playbook.NewRegistry(st, "m")
	if err != nil {
		t.Fatal(err)
	}
	old := version(t, 30, "")
	calm, wild := version(t, 31, "max_tier_changes: 0.05\nactivate: [revops]\n"), version(t, 40, "max_tier_changes: 0.05\nactivate: [revops]\n")
	for _, p := range []*playbook.Playbook{old, calm, wild} {
		if err := r.Draft(ctx, p, by("ana", 0)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Activate(ctx, old, nil, by("ana", 1)); err != nil {
		t.Fatal(err)
	}
	compare := func(p *playbook.Playbook) *playbook.Comparison {
		c, err := playbook.Compare(ctx, old, p, population(100), playbook.CompareOptions{AsOf: noon})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for name, tc := range map[string]struct {
		p    *playbook.Playbook
		c    *playbook.Comparison
		by   string
		says string
	}{
		"somebody who may not":         {calm, compare(calm), "ana", "ana may not activate it; guards.yaml names revops"},
		"without a comparison":         {calm, nil, "revops", "compare it with m@1"},
		"with that of another version": {calm, compare(wild), "revops", "compare it with m@1"},
		"with a guard that is broken":  {wild, compare(wild), "revops", "max_tier_changes"},
	} {
		if err := r.Activate(ctx, tc.p, tc.c, by(tc.by, 2)); !errors.Is(err, leadloop.ErrInvalid) || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := r.Activate(ctx, calm, compare(calm), by("revops", 3)); err != nil {
		t.Error(err)
	}
	if now, err := r.Active(ctx); err != nil || now.Digest != calm.Digest() {
		t.Errorf("%+v, %v", now, err)
	}
	// Whoever may draft can't let themselves in, neither by guards of a version of
	// their own nor by others for the one in force.
	mine := version(t, 32, "activate: [eve]\n")
	if err := r.Draft(ctx, mine, by("eve", 4)); err != nil {
		t.Fatal(err)
	}
	if err := r.Activate(ctx, mine, nil, by("eve", 5)); !errors.Is(err, leadloop.ErrInvalid) || !strings.Contains(err.Error(), "eve may not; guards.yaml of m@1, which is active, names revops") {
		t.Errorf("somebody who names themselves: %v", err)
	}
	if err := r.Draft(ctx, version(t, 31, "activate: [eve]\n"), by("eve", 6)); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("other guards for the active version: %v", err)
	}
	if _, err := r.Rollback(ctx, by("eve", 7)); err != nil {
		t.Errorf("anybody may roll back: %v", err)
	}
}

func TestGuardsAddedToAPlaybookThatIsStoredAlreadyAreHeld(t *testing.T) {
	ctx, st := context.Background(), memstore.New()
	r, err := playbook.NewRegistry(st, "m")
	if err != nil {
		t.Fatal(err)
	}
	bare := version(t, 30, "")
	if err := bare.Save(ctx, st); err != nil { // by a loop that used it
		t.Fatal(err)
	}
	for _, guards := range []string{"", "activate: [revops]\n", "activate: [cro]\n"} {
		p := version(t, 30, guards)
		if p.Digest() != bare.Digest() {
			t.Fatal("guards are part of the digest")
		}
		if err := r.Draft(ctx, p, by("ana", 0)); err != nil {
			t.Fatal(err)
		}
	}
	all, err := r.Versions(ctx)
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	p, err := r.Load(ctx, all[0])
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"cro"}, p.Guards().Activate); diff != "" {
		t.Error(diff)
	}
	if err := r.Activate(ctx, p, nil, by("revops", 1)); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("revops may not any more: %v", err)
	}
	if err := r.Activate(ctx, p, nil, by("cro", 2)); err != nil {
		t.Error(err)
	}
}

func TestOfManyWhoActivateAtOnceOneVersionIsActive(t *testing.T) {
	ctx, st := context.Background(), memstore.New()
	r, err := playbook.NewRegistry(st, "m")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		p := version(t, 30+i, "")
		wg.Go(func() {
			if err := r.Draft(ctx, p, by("ana", i)); err != nil {
				t.Error(err)
			}
			if err := r.Activate(ctx, p, nil, by("ana", i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	all, err := r.Versions(ctx)
	active := 0
	for _, v := range all {
		if v.State == playbook.VersionActive {
			active++
		}
	}
	if err != nil || len(all) != 8 || active != 1 {
		t.Errorf("%d of %d are active, %v", active, len(all), err)
	}
}

func TestTheShadowIsComparedWithTheActiveModelOverTheLeadsThatBothScored(t *testing.T) {
	ctx, st := context.Background(), memstore.New()
	one, two := version(t, 30, ""), version(t, 40, "")
	live, err := scoring.NewLive(one.Model(), scoring.LiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	loop, err := one.Loop(ctx, st, playbook.Options{Tokens: tokens(t), Live: live})
	if err != nil {
		t.Fatal(err)
	}
	process := func(from, to int) {
		t.Helper()
		i := 0
		for l, err := range population(to) {
			if err != nil {
				t.Fatal(err)
			}
			if i++; i <= from {
				continue
			}
			claims := append(l.Lead.Claims, leadloop.Email.Claim(fmt.Sprintf("p%d@firm%d.com", i, i), leadloop.Evidence{Origin: leadloop.OriginPerson, ObservedAt: noon}))
			if _, err := loop.Process(ctx, leadloop.Submission{Key: string(l.Lead.ID), ReceivedAt: noon, Claims: claims}, noon); err != nil {
				t.Fatal(err)
			}
		}
	}
	process(0, 10) // before there is a shadow
	if err := live.SetShadow(two.Model()); err != nil {
		t.Fatal(err)
	}
	process(10, 30)
	got, err := playbook.CompareShadow(ctx, st)
	if err != nil {
		t.Fatal(err)
	}
	want := &playbook.Shadowed{
		Active: got.Active, Shadow: got.Shadow, Leads: 20, Differ: 6,
		Matrix: []playbook.TierMove{{From: "-", To: "-", Leads: 2}, {From: "A", To: "A", Leads: 4}, {From: "B", To: "B", Leads: 4}, {From: "C", To: "B", Leads: 6}, {From: "C", To: "C", Leads: 4}},
	}
	if diff := cmp.Diff(want, got); diff != "" || got.Active == got.Shadow || !strings.HasPrefix(got.Shadow, "m@1:") {
		t.Errorf("%s and %s (-want +got):\n%s", got.Active, got.Shadow, diff)
	}
}
