package otel_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/otel"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store/memstore"
)

var at = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

const scoringYAML = `
model: m
version: 1
rules: [{id: big, when: "company.employees >= 500", points: 40}]
tiers: {A: 40, C: 0}
`

const routingYAML = `
reps: [{id: ana}]
teams: [{id: sales, members: [ana]}]
pools: [{id: all, team: sales}]
queues: [{id: inbox}]
chain: [{id: every, when: "true", target: {pool: all}}]
final: inbox
`

const enrichYAML = `
currency: EUR
providers:
  - {name: vendor, type: host, needs: [company.domain], fields: [company.employees], price: 0.25}
`

// sum adds up the points of a counter by the values of its attributes.
func sums(t *testing.T, rm metricdata.ResourceMetrics) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	name := func(metric string, set attribute.Set) string {
		for _, kv := range set.ToSlice() { // sorted by key
			metric += " " + kv.Value.String()
		}
		return metric
	}
	for _, s := range rm.ScopeMetrics {
		for _, m := range s.Metrics {
			switch d := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range d.DataPoints {
					out[name(m.Name, p.Attributes)] = float64(p.Value)
				}
			case metricdata.Sum[float64]:
				for _, p := range d.DataPoints {
					out[name(m.Name, p.Attributes)] = p.Value
				}
			case metricdata.Gauge[int64]:
				for _, p := range d.DataPoints {
					out[name(m.Name, p.Attributes)] = float64(p.Value)
				}
			case metricdata.Gauge[float64]:
				for _, p := range d.DataPoints {
					out[name(m.Name, p.Attributes)] = p.Value
				}
			case metricdata.Histogram[float64]:
				for _, p := range d.DataPoints {
					out[name(m.Name, p.Attributes)] = float64(p.Count)
				}
			default:
				t.Errorf("%s is a %T", m.Name, d)
			}
		}
	}
	return out
}

func TestSpansAndMetricsTellWhatALoopDidWithoutPersonalData(t *testing.T) {
	ctx := context.Background()
	spans, reader := tracetest.NewInMemoryExporter(), metric.NewManualReader()
	o := otel.Options{
		Tracer: trace.NewTracerProvider(trace.WithSyncer(spans)),
		Meter:  metric.NewMeterProvider(metric.WithReader(reader)),
		Now:    func() time.Time { return at.Add(time.Hour) },
	}
	observer, err := otel.NewObserver(o)
	if err != nil {
		t.Fatal(err)
	}
	st := memstore.New()
	tokens, err := privacy.NewTokens("k1", make([]byte, privacy.MinKey))
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{"scoring.yaml": {Data: []byte(scoringYAML)}, "routing.yaml": {Data: []byte(routingYAML)}, "enrich.yaml": {Data: []byte(enrichYAML)}}
	fail := engine.HandlerFunc(func(context.Context, leadloop.Task) error { return errors.New("the channel answered 503") })
	loop, err := playbook.Open(ctx, files, st, playbook.Options{
		Tokens: tokens, Providers: vendor(),
		Engine: engine.Options{Observer: observer, MaxAttempts: 1, Handlers: map[string]engine.Handler{leadloop.TaskNotify: fail}},
	})
	if err != nil {
		t.Fatal(err)
	}
	stop, err := otel.Queues(st, o)
	if err != nil {
		t.Fatal(err)
	}
	e := leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: at}
	res, err := loop.Process(ctx, leadloop.Submission{Key: "k", Source: "form", ReceivedAt: at, Claims: []leadloop.Claim{
		leadloop.Email.Claim("canary@acme.com", e), leadloop.Domain.Claim("acme.com", e),
	}}, at)
	if err != nil || res.Lead.State.Owner != "ana" {
		t.Fatalf("%+v, %v", res.Lead, err)
	}
	if _, err := loop.Work(ctx, at.Add(time.Minute), 10); err != nil {
		t.Fatal(err)
	}
	var rm metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &rm); err != nil {
		t.Fatal(err)
	}
	got := sums(t, rm)
	for name, want := range map[string]float64{
		"leadloop.decisions assigned submission": 1, "leadloop.provider.calls vendor matched": 1, "leadloop.provider.cost vendor": 0.25,
		"leadloop.tasks.dead notify": 1, "leadloop.events captured": 1, "leadloop.events assigned": 1, "leadloop.events enriched": 1,
		"leadloop.decision.duration submission": 1, "leadloop.stage.duration false enrich": 1, "leadloop.stage.duration false route": 1,
		"leadloop.commit.duration false": 1, "leadloop.task.duration true notify": 1, "leadloop.tasks notify dead": 1,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if t.Failed() {
		t.Logf("%v", got)
	}
	var names []string
	for _, s := range spans.GetSpans() {
		names = append(names, s.Name)
		if text := fmt.Sprintf("%+v", s); strings.Contains(text, "canary") || strings.Contains(text, "acme") {
			t.Errorf("span %s tells who it is about", s.Name)
		}
	}
	for _, want := range []string{"leadloop.decision submission", "leadloop.stage suppress", "leadloop.stage score", "leadloop.commit", "leadloop.task notify"} {
		if !slices.Contains(names, want) {
			t.Errorf("no span %s among %v", want, names)
		}
	}
	parents := map[string]string{}
	ids := map[string]string{}
	for _, s := range spans.GetSpans() {
		ids[s.SpanContext.SpanID().String()] = s.Name
	}
	for _, s := range spans.GetSpans() {
		parents[s.Name] = ids[s.Parent.SpanID().String()]
	}
	if diff := cmp.Diff("leadloop.decision submission", parents["leadloop.stage route"]); diff != "" {
		t.Errorf("a stage lies within its decision:\n%s", diff)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestEveryKindOfEndIsCounted(t *testing.T) {
	reader := metric.NewManualReader()
	clock := at
	observer, err := otel.NewObserver(otel.Options{
		Tracer: trace.NewTracerProvider(), Meter: metric.NewMeterProvider(metric.WithReader(reader)), Now: func() time.Time { return clock },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for _, x := range []struct {
		span engine.Span
		end  engine.End
	}{
		{engine.Span{Kind: engine.SpanDecision, Name: "task", Lead: "l"}, engine.End{Err: leadloop.ErrConflict}},
		{engine.Span{Kind: engine.SpanDecision, Name: "task", Lead: "l"}, engine.End{Outcome: leadloop.Outcome{Kind: leadloop.OutcomeQueued}}},
		{engine.Span{Kind: engine.SpanStage, Name: "score", Lead: "l"}, engine.End{Err: errors.New("no")}},
		{engine.Span{Kind: engine.SpanCommit, Lead: "l"}, engine.End{Events: []leadloop.Event{
			{Kind: leadloop.EventSLAMissed, Attrs: map[string]string{"policy": "a", "tier": "A"}},
			{Kind: leadloop.EventProviderFailed, Attrs: map[string]string{"provider": "v"}},
			{Kind: leadloop.EventEnriched, Reason: "matched", Attrs: map[string]string{"provider": "v", "cost": "1500000"}},
		}}},
		{engine.Span{Kind: engine.SpanTask, Name: "notify", Lead: "l"}, engine.End{Err: errors.New("503"), Dead: true}},
	} {
		_, end := observer.Start(ctx, x.span)
		clock = clock.Add(time.Second)
		end(x.end)
	}
	var rm metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &rm); err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{
		"leadloop.decisions queued task": 1, "leadloop.decision.failures task": 1, "leadloop.decision.duration task": 2,
		"leadloop.stage.duration true score": 1, "leadloop.commit.duration false": 1,
		"leadloop.events sla_missed": 1, "leadloop.events provider_failed": 1, "leadloop.events enriched": 1,
		"leadloop.sla.breaches a A": 1, "leadloop.provider.calls v failed": 1, "leadloop.provider.calls v matched": 1, "leadloop.provider.cost v": 1.5,
		"leadloop.task.duration true notify": 1, "leadloop.tasks.dead notify": 1,
	}
	if diff := cmp.Diff(want, sums(t, rm)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
