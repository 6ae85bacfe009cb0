package engine_test

import (
	"context"
	"fmt"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/store/memstore"
)

// A form's handler stores what came and answers at once; what is decided about
// it is a task.
func ExampleLoop_Submit() {
	ctx, at := context.Background(), time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	toAna := leadloop.StageFunc("route", func(_ context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		state := s.Lead.State
		state.Owner, state.OwnerSince, state.Disposition = "ana", s.AsOf, leadloop.OutcomeAssigned
		return leadloop.Outcome{Kind: leadloop.OutcomeAssigned, Reason: "everything"}, leadloop.Effects{State: &state}, nil
	})
	loop, err := engine.New(memstore.New(), leadloop.StandardSchema(), policy, []leadloop.Stage{toAna}, engine.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 { // the browser sends it twice
		res, err := loop.Submit(ctx, leadloop.Submission{Key: "form:17", Source: "form", ReceivedAt: at})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("pending:", res.Pending, "known:", res.Known)
	}
	worked, err := loop.Advance(ctx, at.Add(time.Second)) // go loop.Run(ctx) in a host
	fmt.Println(worked, "task worked,", err)
	// Output:
	// pending: true known: false
	// pending: false known: true
	// 1 task worked, <nil>
}
