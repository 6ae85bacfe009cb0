package playbook_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing/fstest"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

// Two versions of a playbook: the second goes into force, and back out of it.
func ExampleRegistry() {
	ctx, st := context.Background(), memstore.New()
	versions, err := playbook.NewRegistry(st, "small")
	if err != nil {
		fmt.Println(err)
		return
	}
	monday := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	for i, text := range []string{scoringYAML, strings.Replace(scoringYAML, "version: 3", "version: 4", 1)} {
		pb, problems := playbook.Load(fstest.MapFS{
			"scoring.yaml": {Data: []byte(text)}, "routing.yaml": {Data: []byte(routingYAML)}, "sla.yaml": {Data: []byte(slaYAML)},
		})
		if err := problems.Err(); err != nil {
			fmt.Println(err)
			return
		}
		m := playbook.Move{By: "lea", Why: "first", At: monday.AddDate(0, 0, 7*i)}
		if err := versions.Draft(ctx, pb, m); err != nil {
			fmt.Println(err)
			return
		}
		if err := versions.Activate(ctx, pb, nil, m); err != nil {
			fmt.Println(err)
			return
		}
	}
	back, err := versions.Rollback(ctx, playbook.Move{By: "kim", Why: "too many calls", At: monday.AddDate(0, 0, 8)})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("back in force:", back.Name)
	all, err := versions.Versions(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, v := range all {
		fmt.Printf("%s is %s since %s: %s, by %s\n", v.Name, v.State, v.At.Format(time.DateOnly), v.Why, v.By)
	}
	// Output:
	// back in force: small@3
	// small@4 is retired since 2026-11-10: too many calls, by kim
	// small@3 is active since 2026-11-10: too many calls, by kim
}

// What a lead would come to if something else were known of it.
func ExamplePlaybook_WhatIf() {
	pb, problems := playbook.Load(fstest.MapFS{
		"scoring.yaml": {Data: []byte(scoringYAML)}, "routing.yaml": {Data: []byte(routingYAML)}, "sla.yaml": {Data: []byte(slaYAML)},
	})
	if err := problems.Err(); err != nil {
		fmt.Println(err)
		return
	}
	ctx, at := context.Background(), time.Date(2026, 11, 2, 15, 0, 0, 0, time.UTC)
	form := leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: at}
	lead := &leadloop.Lead{ID: "ld_1", ReceivedAt: at, Claims: []leadloop.Claim{leadloop.Employees.Claim(90, form)}}
	w, err := pb.WhatIf(ctx, lead, map[string]string{"company.employees": "900"}, at)
	if err != nil {
		fmt.Println(err)
		return
	}
	before, after := w.Before.Score(), w.After.Score()
	fmt.Println(before.Tier, w.From, "→", after.Tier, w.To)
	_, err = pb.WhatIf(ctx, lead, map[string]string{"company.employes": "900"}, at)
	fmt.Println(err)
	// Output:
	// C nurture:newsletter → B assigned:sales
	// invalid: there is no field "company.employes", did you mean "company.employees"?
}

// A decision is decided again from its record, and comes to the same.
func ExamplePlaybook_Replay() {
	pb, problems := playbook.Load(fstest.MapFS{
		"scoring.yaml": {Data: []byte(scoringYAML)}, "routing.yaml": {Data: []byte(routingYAML)}, "sla.yaml": {Data: []byte(slaYAML)},
	})
	if err := problems.Err(); err != nil {
		fmt.Println(err)
		return
	}
	ctx, at := context.Background(), time.Date(2026, 11, 2, 15, 0, 0, 0, time.UTC)
	st := memstore.New()
	tokens, err := privacy.NewTokens("k1", bytes.Repeat([]byte{1}, privacy.MinKey))
	if err != nil {
		fmt.Println(err)
		return
	}
	loop, err := pb.Loop(ctx, st, playbook.Options{Tokens: tokens})
	if err != nil {
		fmt.Println(err)
		return
	}
	form := leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: at}
	res, err := loop.Process(ctx, leadloop.Submission{Key: "form:17", Source: "form", ReceivedAt: at, Claims: []leadloop.Claim{
		leadloop.Email.Claim("kim@acme.com", form), leadloop.Employees.Claim(900, form),
	}}, at)
	if err != nil {
		fmt.Println(err)
		return
	}
	var recorded leadloop.Decision
	if err := st.View(ctx, func(tx store.Tx) error {
		recorded, err = tx.Decisions().Latest(ctx, res.Lead.ID)
		return err
	}); err != nil {
		fmt.Println(err)
		return
	}
	again, err := pb.Replay(ctx, res.Lead, recorded)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("the same:", again.Same)
	// Output:
	// the same: true
}
