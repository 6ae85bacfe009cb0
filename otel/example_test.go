package otel_test

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/otel"
	"github.com/leadloop/leadloop/store/memstore"
)

// first is a policy that takes the first claim.
var first = leadloop.SurvivorshipFunc(func(c leadloop.Contest) (int, leadloop.Value) {
	return int(c.Candidates[0]), c.Claims[c.Candidates[0]].Value
})

func Example() {
	ctx, now := context.Background(), time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	reader := metric.NewManualReader() // in a program, an exporter
	observer, err := otel.NewObserver(otel.Options{Meter: metric.NewMeterProvider(metric.WithReader(reader))})
	if err != nil {
		fmt.Println(err)
		return
	}
	assign := leadloop.StageFunc("route", func(_ context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		state := s.Lead.State
		state.Owner, state.Disposition = "ana", leadloop.OutcomeAssigned
		return leadloop.Outcome{Kind: leadloop.OutcomeAssigned}, leadloop.Effects{State: &state}, nil
	})
	loop, err := engine.New(memstore.New(), leadloop.StandardSchema(), first, []leadloop.Stage{assign}, engine.Options{Observer: observer})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := loop.Process(ctx, leadloop.Submission{Key: "k", ReceivedAt: now}, now); err != nil {
		fmt.Println(err)
		return
	}
	var got metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &got); err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range got.ScopeMetrics[0].Metrics {
		if sum, ok := m.Data.(metricdata.Sum[int64]); ok && m.Name == "leadloop.decisions" {
			outcome, _ := sum.DataPoints[0].Attributes.Value("outcome")
			fmt.Println(m.Name, outcome.AsString(), sum.DataPoints[0].Value)
		}
	}
	// Output: leadloop.decisions assigned 1
}
