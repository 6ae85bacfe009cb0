package engine_test

import (
	"context"
	"fmt"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/store/memstore"
)

// A stage of one's own, in a loop of one's own: it gives every lead to Ana and
// sets a timer; a handler delivers what goes outside.
func Example() {
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	toAna := leadloop.StageFunc("route", func(_ context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		assigned := leadloop.Outcome{Kind: leadloop.OutcomeAssigned, Reason: "everything"}
		if s.Trigger == leadloop.TriggerTask {
			fmt.Println("timer", s.Task.Key, "at", s.AsOf.Format(time.TimeOnly))
			return assigned, leadloop.Effects{}, nil
		}
		state := s.Lead.State
		state.Owner, state.OwnerSince, state.Disposition = "ana", s.AsOf, assigned.Kind
		return assigned, leadloop.Effects{
			State: &state,
			Tasks: []leadloop.Task{
				{Key: "tell-ana", Kind: leadloop.TaskNotify, Outside: true},
				{Key: "worked-yet", Kind: leadloop.TaskEscalate, DueAt: s.AsOf.Add(15 * time.Minute)},
			},
		}, nil
	})
	loop, err := engine.New(memstore.New(), leadloop.StandardSchema(), policy, []leadloop.Stage{toAna}, engine.Options{
		Handlers: map[string]engine.Handler{leadloop.TaskNotify: engine.HandlerFunc(func(_ context.Context, t leadloop.Task) error {
			fmt.Println("deliver", t.Key)
			return nil
		})},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	res, err := loop.Process(ctx, leadloop.Submission{Key: "form:17", Source: "form", ReceivedAt: at}, at)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(res.Outcome.Kind, "to", res.Lead.State.Owner)
	if _, err := loop.Advance(ctx, at.Add(time.Hour)); err != nil {
		fmt.Println(err)
	}
	// Output:
	// assigned to ana
	// deliver tell-ana
	// timer worked-yet at 09:15:00
}
