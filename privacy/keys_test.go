package privacy_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

func keyed(t testing.TB, id string, b byte) *privacy.Tokens {
	t.Helper()
	tk, err := privacy.NewTokens(id, bytes.Repeat([]byte{b}, privacy.MinKey))
	if err != nil {
		t.Fatal(err)
	}
	return tk
}

func after(t testing.TB, now *privacy.Tokens, older ...*privacy.Tokens) *privacy.Tokens {
	t.Helper()
	tk, err := now.After(older...)
	if err != nil {
		t.Fatal(err)
	}
	return tk
}

func TestWhatWasMadeWithAnOlderKeyStillCounts(t *testing.T) {
	old := tokens(t) // by which person records a consent
	now := after(t, keyed(t, "2027", 7), old)
	st := memstore.New()
	person(t, st)
	if err := privacy.Suppress(ctx, st, old, privacy.KindEmail, "lea@prospect.com", privacy.ReasonOptedOut, at); err != nil {
		t.Fatal(err)
	}
	if err := privacy.RecordConsent(ctx, st, old, privacy.Consent{Kind: "email", Value: "ben@acme.com", State: leadloop.ConsentGranted, At: at}); err != nil {
		t.Fatal(err)
	}
	if err := privacy.Hold(ctx, st, old, "ld_9", at); err != nil {
		t.Fatal(err)
	}

	s, err := privacy.NewStage(st, now, privacy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if o, e, err := s.Decide(ctx, subject(leadloop.State{}, nil)); err != nil || o.Reason != privacy.ReasonOptedOut || !strings.Contains(string(e.Trace), `"checked":2`) {
		t.Errorf("who opted out under the old key: %+v, %s, %v", o, e.Trace, err)
	}
	if said, err := privacy.Consents(ctx, st, now, privacy.Person{Lead: "ld_1"}); err != nil || len(said) != 1 {
		t.Errorf("consents: %v, %v", said, err)
	}
	var told []privacy.Subject
	systems := map[string]privacy.System{"crm": privacy.SystemFunc(func(_ context.Context, s privacy.Subject) error {
		told = append(told, s)
		return nil
	})}
	by := func(tk *privacy.Tokens) *privacy.Eraser {
		e, err := privacy.NewEraser(st, tk, systems)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	if r, err := by(now).Erase(ctx, privacy.Request{ID: "held", Person: privacy.Person{Lead: "ld_9"}, At: at}); err != nil || r.State != privacy.StateHeld {
		t.Errorf("a hold of the old key: %v, %v", r, err)
	}
	if err := privacy.Release(ctx, st, now, "ld_9"); err != nil {
		t.Fatal(err)
	}
	// An erasure of before, whose task is delivered after the change of keys.
	if _, err := by(old).Erase(ctx, privacy.Request{ID: "old", Person: privacy.Person{Lead: "ld_1"}, At: at}); err != nil {
		t.Fatal(err)
	}
	deliver(t, st, by(now))
	if len(told) != 1 || !slices.Contains(told[0].Emails, canary+"@acme.com") {
		t.Errorf("the CRM was told %v", told)
	}
	if r, err := by(now).Receipt(ctx, "old"); err != nil || r.State != privacy.StateDone {
		t.Errorf("%v, %v", r, err)
	}
	lead := &leadloop.Lead{ID: "ld_again", Claims: []leadloop.Claim{claim("lead.email", canary+"@acme.com", "ld_again")}}
	var reason string
	var known bool
	if err := st.Update(ctx, func(tx store.Tx) error {
		hits, err := tx.Suppressions().Match(ctx, now.Listed(lead))
		if err != nil {
			return err
		}
		if reason, err = now.Forget(ctx, tx, lead, hits, at); err != nil {
			return err
		}
		known, err = now.ForgottenLead(ctx, tx, "ld_2")
		return err
	}); err != nil || reason != privacy.ReasonErased || !known {
		t.Errorf("who was erased under the old key comes back: %q, %v, %v", reason, known, err)
	}
	// The released one can be erased now, consents of the old key included.
	if r, err := by(now).Erase(ctx, privacy.Request{ID: "held", Person: privacy.Person{Lead: "ld_9"}, At: at}); err != nil || r.State != privacy.StatePending {
		t.Errorf("after the release: %v, %v", r, err)
	}
	if said, err := privacy.Consents(ctx, st, now, privacy.Person{Email: "ben@acme.com"}); err != nil || len(said) != 0 {
		t.Errorf("consents after the erasure: %v, %v", said, err)
	}
}

// deliver works the tasks of kind TaskErase as an engine does.
func deliver(t testing.TB, st store.Store, e *privacy.Eraser) {
	t.Helper()
	var tasks []leadloop.Task
	if err := st.Update(ctx, func(tx store.Tx) (err error) {
		tasks, err = tx.Tasks().Lease(ctx, at, 0, 10, privacy.TaskErase)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, x := range tasks {
		if err := e.Deliver(ctx, x); err != nil {
			t.Error(err)
		}
	}
}

// Tasks that were made before a change of keys know people by the old one; a
// consent that was written twice would be two.
func TestWhoComesOnTheListIsThereByEveryKeyAndAConsentIsWrittenOnce(t *testing.T) {
	oldest, old, latest := keyed(t, "a", 1), keyed(t, "b", 2), keyed(t, "c", 3)
	now := after(t, latest, after(t, old, oldest))
	for how, suppress := range map[string]func(st store.Store) error{
		"Suppress": func(st store.Store) error {
			return privacy.Suppress(ctx, st, now, privacy.KindEmail, "lea@prospect.com", privacy.ReasonOptedOut, at)
		},
		"Import": func(st store.Store) error {
			done, err := privacy.Import(ctx, st, now, strings.NewReader("kind,value\nemail,lea@prospect.com\n"), at)
			if done.Added != 1 || done.Known != 0 {
				t.Errorf("imported %+v", done)
			}
			return err
		},
		"Erase": func(st store.Store) error {
			e, err := privacy.NewEraser(st, now, nil)
			if err == nil {
				_, err = e.Erase(ctx, privacy.Request{ID: "r", Person: privacy.Person{Email: "lea@prospect.com"}, At: at})
			}
			return err
		},
	} {
		st := memstore.New()
		if err := suppress(st); err != nil {
			t.Fatal(err)
		}
		for _, tk := range []*privacy.Tokens{oldest, old, latest} {
			var hits []store.Suppression
			if err := st.View(ctx, func(tx store.Tx) (err error) {
				hits, err = tx.Suppressions().Match(ctx, tk.Of(subject(leadloop.State{}, nil).Profile))
				return err
			}); err != nil || len(hits) != 1 {
				t.Errorf("%s: a task of the time of %v finds %v, %v", how, tk, hits, err)
			}
		}
	}
	st := memstore.New()
	if err := privacy.RecordConsent(ctx, st, now, privacy.Consent{Kind: "email", Value: "lea@prospect.com", State: leadloop.ConsentGranted, At: at}); err != nil {
		t.Fatal(err)
	}
	if said, err := privacy.Consents(ctx, st, now, privacy.Person{Email: "lea@prospect.com"}); err != nil || len(said) != 1 {
		t.Errorf("consents: %v, %v", said, err)
	}
}

func TestTwoKeysOfOneIDAreRefused(t *testing.T) {
	a := keyed(t, "k", 1)
	if _, err := a.After(keyed(t, "k", 2)); !errors.Is(err, leadloop.ErrInvalid) || !strings.Contains(err.Error(), "two keys have the id k") {
		t.Errorf("%v", err)
	}
	if _, err := a.After(nil); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("no tokens: %v", err)
	}
}

// A list outlives the release that wrote it: these are entries of the first one.
// A normaliser that gives other forms has to look by the earlier ones as well.
func TestAListOfTheFirstReleaseIsHonoured(t *testing.T) {
	tk := keyed(t, "k1", 'k')
	p := subject(leadloop.State{}, func(p *leadloop.Profile) {
		leadloop.Email.Set(p, "Lea.Ott+news@Mail.Prospect.com")
		leadloop.Phone.Set(p, "030 123456")
		leadloop.Domain.Set(p, "https://www.prospect-group.com/de")
	}).Profile
	for _, token := range []string{
		"k1.1.Zs4Vi_o-TLPl1seiEzcXHJq-0H0C3fHyUPeYMEPXWEs", "k1.1.bVeaZ1M0LtKR1SQsqg1wFN7XiDccuif8Zl4TF0H38GY",
		"k1.1.mIyrig7O6y_htkcd0uCpWF78pCPFF3KJETCMNNZ_ux8", "k1.1.pvR4nB3ALddfqPhdYwtdx0TGmFrDfuAG9_3cA_52eGI",
	} {
		if !slices.Contains(tk.Of(p), token) {
			t.Errorf("nobody is found any more who is on a list as %s", token)
		}
	}
}
