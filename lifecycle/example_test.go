package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/lifecycle"
)

func Example() {
	l, err := lifecycle.New(lifecycle.Default(), leadloop.StandardSchema(), lifecycle.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	lead := &leadloop.Lead{ID: "ld_1", State: leadloop.State{
		Owner: "ana", Disposition: leadloop.OutcomeAssigned,
		Score: leadloop.Score{Known: true, Points: 72 * leadloop.Point, Tier: "A"},
	}}
	s := leadloop.Subject{Lead: lead, Profile: leadloop.StandardSchema().NewProfile(), AsOf: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
	for _, step := range []leadloop.Stage{lifecycle.NewStage(l), l.Accept("ana")} {
		_, effects, err := step.Decide(context.Background(), s)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, e := range effects.Events {
			fmt.Printf("%s: %q to %q, %s by %s\n", e.Kind, e.From, e.To, e.Reason, e.Actor)
		}
		lead.State = *effects.State
	}
	// Output:
	// stage_changed: "" to "inquiry", arrived by rule:initial
	// status_changed: "" to "new", arrived by rule:initial
	// stage_changed: "inquiry" to "mql", criteria_met by rule:inquiry-mql
	// stage_changed: "mql" to "sal", accepted by ana
}

func ExampleLifecycle_Move() {
	l, err := lifecycle.New(lifecycle.Default(), leadloop.StandardSchema(), lifecycle.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	lead := &leadloop.Lead{ID: "ld_1", State: leadloop.State{Stage: "sal", Owner: "ana"}}
	profile := leadloop.StandardSchema().NewProfile()
	_, _, err = l.Move("sql", "call_held", "ana").Decide(context.Background(), leadloop.Subject{Lead: lead, Profile: profile, AsOf: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)})
	var refused *lifecycle.RefusedError
	if errors.As(err, &refused) {
		for _, u := range refused.Unmet {
			fmt.Println(u)
		}
	}
	// Output:
	// criterion "score" (enter of sql) is undecided, it needs score
	// criterion "decision-maker" (enter of sql) is undecided, it needs lead.seniority
	// criterion "meeting-booked" (enter of sql) is not met
}
