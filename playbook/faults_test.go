package playbook_test

import (
	"context"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/faulttest"
	"github.com/leadloop/leadloop/store/memstore"
)

// aMorning is a small history through all steps: new leads, the same form
// twice, the same person through another form, a student, what leads did, a
// second pass, and the timers that came due meanwhile.
func aMorning(ctx context.Context, t testing.TB, p *playbook.Playbook, s store.Store) error {
	loop, err := p.Loop(ctx, s, playbook.Options{Tokens: tokens(t), Providers: vendor(knows(900))})
	if err != nil {
		return err
	}
	student := vp("carl")
	student.Claims = append(student.Claims, leadloop.Title.Claim("Student", leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: at.Add(time.Second)}))
	again := vp("anna")
	again.Key, again.ReceivedAt = "anna's second form", at.Add(20*time.Minute)
	for _, sub := range []leadloop.Submission{vp("anna"), vp("bert"), vp("anna"), student, again} {
		if _, err := loop.Process(ctx, sub, sub.ReceivedAt); err != nil {
			return err
		}
	}
	later := vp("dora")
	later.ReceivedAt = at.Add(25 * time.Minute)
	if _, err := loop.Submit(ctx, later); err != nil {
		return err
	}
	if _, err := loop.Advance(ctx, at.Add(40*time.Minute)); err != nil {
		return err
	}
	known, err := loop.Process(ctx, vp("bert"), at)
	if err != nil {
		return err
	}
	if _, err := loop.Observe(ctx, known.Lead.ID, at.Add(50*time.Minute), leadloop.Activity{
		ID: "call-1", Type: "call", At: at.Add(50 * time.Minute), Actor: known.Lead.State.Owner,
	}); err != nil {
		return err
	}
	_, err = loop.Advance(ctx, at.Add(3*time.Hour))
	return err
}

func TestWhicheverStoreCallFailsTheNextAttemptEndsAsIfNoneHad(t *testing.T) {
	p, problems := playbook.Load(files(nil))
	if problems != nil {
		t.Fatal(problems)
	}
	runs := faulttest.Sweep(t, func(testing.TB) store.Store { return memstore.New() }, func(ctx context.Context, s store.Store) error {
		return aMorning(ctx, t, p, s)
	})
	t.Logf("%d runs with a fault survived", runs)
	if runs < 300 {
		t.Errorf("only %d runs with a fault: the history does not reach the store's calls", runs)
	}
}
