package privacy_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/privacy"
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
