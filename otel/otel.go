// Package otel tells OpenTelemetry what a loop does: a span for every task,
// decision, stage and commit, and metrics of leads, latency, providers, money,
// SLAs and queues.
//
// Counts are of what was committed. Names, ids and codes go out, personal data
// does not: a lead's id is on spans, never on metrics. Nothing is promised about
// what an exporter then does. An [Observer] is the loop's; [Queues] are gauges
// over the store, of which one process of many is enough.
//
// Start with [NewObserver].
package otel

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/store"
)

const scope = "github.com/leadloop/leadloop/otel"

// Options are where spans and metrics go. The zero value means the global
// providers.
type Options struct {
	Tracer trace.TracerProvider
	Meter  metric.MeterProvider
	// Now reads the time that durations are measured by; nil means time.Now.
	Now func() time.Time
}

func (o Options) tracer() trace.Tracer {
	if o.Tracer == nil {
		o.Tracer = otel.GetTracerProvider()
	}
	return o.Tracer.Tracer(scope)
}

func (o Options) meter() metric.Meter {
	if o.Meter == nil {
		o.Meter = otel.GetMeterProvider()
	}
	return o.Meter.Meter(scope)
}

func (o Options) clock() func() time.Time {
	if o.Now == nil {
		o.Now = time.Now
	}
	return o.Now
}

// Observer is an engine.Observer: give it to engine.Options. It is safe for
// concurrent use. Make one with [NewObserver].
//
// Its metrics, with their attributes:
//
//	leadloop.decisions           decisions committed: outcome, trigger
//	leadloop.decision.failures   decisions that failed, conflicts included: trigger
//	leadloop.decision.duration   s, conflicts one by one: trigger
//	leadloop.stage.duration      s: stage, failed
//	leadloop.commit.duration     s: failed
//	leadloop.task.duration       s: kind, failed
//	leadloop.tasks.dead          tasks given up: kind
//	leadloop.events              journal entries: kind
//	leadloop.provider.calls      provider, result (matched, no_match, failed)
//	leadloop.provider.cost       in the playbook's currency: provider
//	leadloop.sla.breaches        clocks that ran out unheard: policy, tier
type Observer struct {
	tracer trace.Tracer
	now    func() time.Time

	decisions, failures, dead, events, calls, breaches metric.Int64Counter
	cost                                               metric.Float64Counter
	decision, stage, commit, task                      metric.Float64Histogram
}

var _ engine.Observer = (*Observer)(nil)

// NewObserver returns an observer; the error is the meter's.
func NewObserver(o Options) (*Observer, error) {
	m := o.meter()
	b := &Observer{tracer: o.tracer(), now: o.clock()}
	var problems []error
	count := func(to *metric.Int64Counter, name, description string) {
		var err error
		*to, err = m.Int64Counter(name, metric.WithDescription(description))
		problems = append(problems, err)
	}
	seconds := func(to *metric.Float64Histogram, name, description string) {
		var err error
		*to, err = m.Float64Histogram(name, metric.WithDescription(description), metric.WithUnit("s"),
			metric.WithExplicitBucketBoundaries(.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60))
		problems = append(problems, err)
	}
	count(&b.decisions, "leadloop.decisions", "Decisions that were committed.")
	count(&b.failures, "leadloop.decision.failures", "Decisions that failed and are made again.")
	count(&b.dead, "leadloop.tasks.dead", "Tasks that were given up.")
	count(&b.events, "leadloop.events", "Entries of the journal.")
	count(&b.calls, "leadloop.provider.calls", "Calls of enrichment providers.")
	count(&b.breaches, "leadloop.sla.breaches", "SLA clocks that ran out.")
	seconds(&b.decision, "leadloop.decision.duration", "How long a decision takes, its commit included.")
	seconds(&b.stage, "leadloop.stage.duration", "How long a stage takes to decide.")
	seconds(&b.commit, "leadloop.commit.duration", "How long a commit takes.")
	seconds(&b.task, "leadloop.task.duration", "How long a task takes.")
	var err error
	b.cost, err = m.Float64Counter("leadloop.provider.cost", metric.WithDescription("Money spent on enrichment providers."))
	if err := errors.Join(append(problems, err)...); err != nil {
		return nil, fmt.Errorf("otel: %w", err)
	}
	return b, nil
}

// Start begins a span.
func (b *Observer) Start(ctx context.Context, s engine.Span) (context.Context, func(engine.End)) {
	name := "leadloop." + string(s.Kind)
	if s.Name != "" {
		name += " " + s.Name
	}
	ctx, span := b.tracer.Start(ctx, name, trace.WithAttributes(attribute.String("leadloop.lead", string(s.Lead))))
	began := b.now()
	return ctx, func(e engine.End) {
		b.measure(ctx, s, e, b.now().Sub(began).Seconds())
		if e.Outcome.Kind != "" {
			span.SetAttributes(attribute.String("leadloop.outcome", string(e.Outcome.Kind)), attribute.String("leadloop.reason", e.Outcome.Reason))
		}
		switch {
		case e.Err == nil:
		case errors.Is(e.Err, leadloop.ErrConflict):
			// Somebody was quicker, and it is done again.
			span.AddEvent("conflict")
		default:
			span.SetStatus(codes.Error, e.Err.Error())
		}
		span.End()
	}
}

func (b *Observer) measure(ctx context.Context, s engine.Span, e engine.End, took float64) {
	failed := attribute.Bool("failed", e.Err != nil)
	switch s.Kind {
	case engine.SpanDecision:
		trigger := attribute.String("trigger", s.Name)
		b.decision.Record(ctx, took, metric.WithAttributes(trigger))
		if e.Err != nil {
			b.failures.Add(ctx, 1, metric.WithAttributes(trigger))
		} else {
			b.decisions.Add(ctx, 1, metric.WithAttributes(trigger, attribute.String("outcome", string(e.Outcome.Kind))))
		}
	case engine.SpanStage:
		b.stage.Record(ctx, took, metric.WithAttributes(attribute.String("stage", s.Name), failed))
	case engine.SpanCommit:
		b.commit.Record(ctx, took, metric.WithAttributes(failed))
		for _, ev := range e.Events {
			b.event(ctx, ev)
		}
	case engine.SpanTask:
		kind := attribute.String("kind", s.Name)
		b.task.Record(ctx, took, metric.WithAttributes(kind, failed))
		if e.Dead {
			b.dead.Add(ctx, 1, metric.WithAttributes(kind))
		}
	}
}

func (b *Observer) event(ctx context.Context, ev leadloop.Event) {
	b.events.Add(ctx, 1, metric.WithAttributes(attribute.String("kind", string(ev.Kind))))
	switch ev.Kind {
	case leadloop.EventEnriched:
		provider := attribute.String("provider", ev.Attrs["provider"])
		b.calls.Add(ctx, 1, metric.WithAttributes(provider, attribute.String("result", ev.Reason)))
		if micros, err := strconv.ParseInt(ev.Attrs["cost"], 10, 64); err == nil && micros > 0 {
			b.cost.Add(ctx, float64(micros)/1e6, metric.WithAttributes(provider))
		}
	case leadloop.EventProviderFailed:
		b.calls.Add(ctx, 1, metric.WithAttributes(attribute.String("provider", ev.Attrs["provider"]), attribute.String("result", "failed")))
	case leadloop.EventSLAMissed:
		b.breaches.Add(ctx, 1, metric.WithAttributes(attribute.String("policy", ev.Attrs["policy"]), attribute.String("tier", ev.Attrs["tier"])))
	}
}

// Queues registers gauges that read the store whenever metrics are collected:
// leadloop.tasks (kind, state), and leadloop.tasks.overdue (kind), the seconds
// since when the oldest pending task is due, 0 if none is. Counting looks at
// every task, so collect no more often than every few seconds. Stop ends it.
func Queues(st store.Store, o Options) (stop func() error, err error) {
	m, now := o.meter(), o.clock()
	depth, err := m.Int64ObservableGauge("leadloop.tasks", metric.WithDescription("Tasks by kind and state."))
	if err != nil {
		return nil, fmt.Errorf("otel: %w", err)
	}
	age, err := m.Float64ObservableGauge("leadloop.tasks.overdue", metric.WithDescription("Since when the oldest pending task is due."), metric.WithUnit("s"))
	if err != nil {
		return nil, fmt.Errorf("otel: %w", err)
	}
	r, err := m.RegisterCallback(func(ctx context.Context, ob metric.Observer) error {
		var counts []store.TaskCount
		err := st.View(ctx, func(tx store.Tx) (err error) {
			counts, err = tx.Tasks().Count(ctx)
			return err
		})
		if err != nil {
			return fmt.Errorf("otel: count the tasks: %w", err)
		}
		for _, c := range counts {
			kind := attribute.String("kind", c.Kind)
			ob.ObserveInt64(depth, int64(c.N), metric.WithAttributes(kind, attribute.String("state", string(c.State))))
			if c.State == leadloop.TaskPending {
				ob.ObserveFloat64(age, max(0, now().Sub(c.Due).Seconds()), metric.WithAttributes(kind))
			}
		}
		return nil
	}, depth, age)
	if err != nil {
		return nil, fmt.Errorf("otel: %w", err)
	}
	return r.Unregister, nil
}
