package privacy_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

func Example() {
	ctx, at := context.Background(), time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	st := memstore.New()
	// A real key is random, and kept away from the store.
	tokens, err := privacy.NewTokens("2026", []byte("an example key of 32 bytes or more"))
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := privacy.Suppress(ctx, st, tokens, privacy.KindEmail, "lea@prospect.com", privacy.ReasonOptedOut, at); err != nil {
		fmt.Println(err)
		return
	}
	stage, err := privacy.NewStage(st, tokens, privacy.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}

	lead := &leadloop.Lead{ID: "ld_1"}
	profile := leadloop.StandardSchema().NewProfile()
	leadloop.Email.Set(profile, "Lea+webinar@prospect.com")
	outcome, _, err := stage.Decide(ctx, leadloop.Subject{Lead: lead, Profile: profile, AsOf: at, Trigger: leadloop.TriggerSubmission})
	fmt.Println(outcome.Kind, outcome.Reason, outcome.Stop, err)
	// Output: suppressed opted_out true <nil>
}

func ExampleImport() {
	ctx, at := context.Background(), time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	tokens, err := privacy.NewTokens("2026", []byte("an example key of 32 bytes or more"))
	if err != nil {
		fmt.Println(err)
		return
	}
	list := `kind,value,reason
email,ana@acme.com,opted_out
domain,rival.com,competitor
phone,12,bounced
`
	got, err := privacy.Import(ctx, memstore.New(), tokens, strings.NewReader(list), at)
	fmt.Println(got.Added, "added,", err)
	for _, r := range got.Rejects {
		fmt.Printf("line %d: %s\n", r.Line, r.Reason)
	}
	// Output:
	// 2 added, <nil>
	// line 4: invalid: the phone is not well formed
}

func ExampleEraser() {
	ctx, at := context.Background(), time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	st := memstore.New()
	tokens, err := privacy.NewTokens("2026", []byte("an example key of 32 bytes or more"))
	if err != nil {
		fmt.Println(err)
		return
	}
	lead := &leadloop.Lead{ID: "ld_1", ReceivedAt: at, Claims: []leadloop.Claim{leadloop.Email.Claim("lea@prospect.com", leadloop.Evidence{ObservedAt: at})}}
	if err := st.Update(ctx, func(tx store.Tx) error { _, err := tx.Leads().Put(ctx, lead); return err }); err != nil {
		fmt.Println(err)
		return
	}
	eraser, err := privacy.NewEraser(st, tokens, map[string]privacy.System{
		"crm": privacy.SystemFunc(func(_ context.Context, s privacy.Subject) error { return nil }),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	receipt, err := eraser.Erase(ctx, privacy.Request{ID: "dsr-17", Person: privacy.Person{Lead: "ld_1"}, At: at})
	fmt.Print(receipt)
	fmt.Println(err)
	// Output:
	// Erasure dsr-17 of 2026-11-02: pending.
	//   leads        done, 1 deleted
	//   decisions    done
	//   tasks        done
	//   keys         done
	//   cache        done
	//   consents     done
	//   contacts     done
	//   crm          pending
	// <nil>
}

func ExampleTerms() {
	ctx, at := context.Background(), time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	st := memstore.New()
	tokens, err := privacy.NewTokens("2026", []byte("an example key of 32 bytes or more"))
	if err != nil {
		fmt.Println(err)
		return
	}
	terms, err := privacy.NewTerms(tokens, privacy.ConsentRule{In: []string{"DE"}, For: []string{privacy.PurposeEnrichment}})
	if err != nil {
		fmt.Println(err)
		return
	}
	lead := &leadloop.Lead{ID: "ld_1", Claims: []leadloop.Claim{leadloop.Email.Claim("lea@prospect.de", leadloop.Evidence{ObservedAt: at})}}
	profile := leadloop.StandardSchema().NewProfile()
	leadloop.Country.Set(profile, "DE")
	ask := func() {
		err := st.View(ctx, func(tx store.Tx) error {
			reason, err := terms.Refuse(ctx, tx, lead, profile, privacy.PurposeEnrichment, at)
			fmt.Printf("refused: %q\n", reason)
			return err
		})
		if err != nil {
			fmt.Println(err)
		}
	}
	ask()
	err = privacy.RecordConsent(ctx, st, tokens, privacy.Consent{
		Kind: privacy.KindEmail, Value: "lea@prospect.de", Purpose: privacy.PurposeEnrichment, State: leadloop.ConsentGranted,
		Wording: "trial-form-3", Proof: "form:812", Source: "web", At: at,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ask()
	// Output:
	// refused: "consent_missing"
	// refused: ""
}
