package lifecycle_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/lifecycle"
)

// What a rep's screen shows: where the lead can go, and what stands against it.
func ExampleLifecycle_Ways() {
	l, err := lifecycle.New(lifecycle.Default(), leadloop.StandardSchema(), lifecycle.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	lead := &leadloop.Lead{ID: "ld_1", State: leadloop.State{Stage: "sal", Owner: "ana"}}
	ways, err := l.Ways(context.Background(), leadloop.Subject{
		Lead: lead, Profile: leadloop.StandardSchema().NewProfile(), AsOf: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC),
	}, "ana")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, w := range ways {
		fmt.Println(w.To, "open:", w.Open())
		for _, u := range w.Unmet {
			fmt.Println(" ", u)
		}
	}
	// Output:
	// sql open: false
	//   criterion "score" (enter of sql) is undecided, it needs score
	//   criterion "decision-maker" (enter of sql) is undecided, it needs lead.seniority
	//   criterion "meeting-booked" (enter of sql) is not met
	// nurture open: true
	// disqualified open: true
	// archived open: true
}

// BANT as four questions, each a field of the lead.
func ExampleBANT() {
	for _, q := range lifecycle.BANT().Questions {
		fmt.Println(q.ID, q.Ask)
	}
	// Output:
	// budget Is there a budget, and how much?
	// authority Who decides, and are we talking to them?
	// need Which problem do they want to solve?
	// timing When do they want to have it solved?
}

// The stages as a picture for a wiki.
func ExampleLifecycle_Mermaid() {
	def, err := lifecycle.Parse("lifecycle.yaml", []byte(`initial: open
stages:
  - {id: open, to: [{stage: won}, {stage: lost, reasons: [price, timing]}]}
  - {id: won, final: true}
  - {id: lost, final: true}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	l, err := lifecycle.New(def, leadloop.StandardSchema(), lifecycle.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(strings.TrimSpace(l.Mermaid()))
	// Output:
	// stateDiagram-v2
	//     direction LR
	//     state "open" as s0
	//     state "won" as s1
	//     state "lost" as s2
	//     [*] --> s0
	//     s0 --> s1
	//     s0 --> s2
	//     s1 --> [*]
	//     s2 --> [*]
}
