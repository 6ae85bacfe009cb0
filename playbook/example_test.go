package playbook_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"testing/fstest"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/capture"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store/memstore"
)

// A host usually passes os.DirFS("playbook").
func ExampleOpen() {
	folder := fstest.MapFS{
		"scoring.yaml": {Data: []byte(scoringYAML)},
		"routing.yaml": {Data: []byte(routingYAML)},
		"sla.yaml":     {Data: []byte(slaYAML)},
	}
	tokens, err := privacy.NewTokens("k1", bytes.Repeat([]byte{1}, privacy.MinKey))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, now := context.Background(), time.Date(2026, 11, 2, 15, 0, 0, 0, time.UTC)
	loop, err := playbook.Open(ctx, folder, memstore.New(), playbook.Options{Tokens: tokens})
	if err != nil {
		fmt.Println(err)
		return
	}
	form, err := capture.New(leadloop.StandardSchema(), capture.Source{Name: "demo-form", LeadSource: "website"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, id := range []string{"17", "17"} {
		s, _, err := form.Submission(capture.Payload{Values: map[string]string{
			"id": id, "lead.email": "kim@acme.com", "lead.title": "VP Sales", "company.employees": "900",
		}}, now)
		if err != nil {
			fmt.Println(err)
			return
		}
		res, err := loop.Process(ctx, s, now)
		if err != nil {
			fmt.Println(err)
			return
		}
		state := res.Lead.State
		fmt.Println(state.Owner, "tier", state.Score.Tier, "answer due", state.SLA.DueAt.Format(time.Kitchen), "known:", res.Known)
	}
	// Output:
	// ana tier A answer due 3:15PM known: false
	// ana tier A answer due 3:15PM known: true
}

func ExampleLoad() {
	_, problems := playbook.Load(fstest.MapFS{
		"scoring.yaml": {Data: []byte("model: m\nversion: 1\nchanged: {by: me, at: 2026-11-02, why: first}\nrules:\n  - {id: big, when: company.employes > 5, points: 10}\n")},
	})
	for _, p := range problems {
		fmt.Println(p)
	}
	// Output:
	// routing.yaml: is missing; a playbook needs it
	// scoring.yaml:5:21: rule "big": unknown field company.employes (did you mean "company.employees"?)
}

// Every case of the folder runs, and the report says what they leave out.
func ExamplePlaybook_Test() {
	pb, problems := playbook.Load(os.DirFS("../examples/inbound/playbook"))
	if err := problems.Err(); err != nil {
		fmt.Println(err)
		return
	}
	r, err := pb.Test(context.Background(), playbook.TestOptions{NoMutants: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d cases, %d failed; they cover %d of %d rules and modifiers, %d of %d entries, %d of %d providers\n",
		len(r.Cases), r.Failed, r.Covered, r.Rules, r.Entries-len(r.NeverWon), r.Entries, r.Providers-len(r.NeverAsked), r.Providers)
	// Output:
	// 115 cases, 0 failed; they cover 29 of 29 rules and modifiers, 11 of 11 entries, 2 of 2 providers
}
