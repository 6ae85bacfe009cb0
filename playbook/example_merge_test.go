package playbook_test

import (
	"bytes"
	"context"
	"fmt"
	"testing/fstest"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store/memstore"
)

// A person says that two leads are one, and later that they are not.
func ExampleOpen_merge() {
	ctx, at := context.Background(), time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	tokens, err := privacy.NewTokens("k1", bytes.Repeat([]byte{1}, privacy.MinKey))
	if err != nil {
		fmt.Println(err)
		return
	}
	loop, err := playbook.Open(ctx, fstest.MapFS{
		"scoring.yaml": {Data: []byte(scoringYAML)}, "routing.yaml": {Data: []byte(routingYAML)}, "sla.yaml": {Data: []byte(slaYAML)},
	}, memstore.New(), playbook.Options{Tokens: tokens})
	if err != nil {
		fmt.Println(err)
		return
	}
	var ids []leadloop.LeadID
	for i, email := range []string{"ana@acme.com", "a.diaz@acme.com"} {
		form := leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: at}
		res, err := loop.Process(ctx, leadloop.Submission{
			Key: fmt.Sprint("form:", i), Source: "form", ReceivedAt: at,
			Claims: []leadloop.Claim{leadloop.Email.Claim(email, form)},
		}, at)
		if err != nil {
			fmt.Println(err)
			return
		}
		ids = append(ids, res.Lead.ID)
	}
	merged, err := loop.Merge(ctx, ids[0], ids[1], at.Add(time.Hour), "kim", "same_person")
	if err != nil {
		fmt.Println(err)
		return
	}
	mails := func(l *leadloop.Lead) (all []leadloop.Value) {
		for _, c := range l.Claims {
			if c.Field == leadloop.Email.Name() {
				all = append(all, c.Value)
			}
		}
		return all
	}
	fmt.Println("one lead:", mails(merged.Lead))
	into, restored, err := loop.Unmerge(ctx, ids[1], at.Add(2*time.Hour), "kim", "not_the_same")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("two leads:", mails(into), mails(restored))
	// Output:
	// one lead: [a.diaz@acme.com ana@acme.com]
	// two leads: [ana@acme.com] [a.diaz@acme.com]
}
