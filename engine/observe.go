package engine

import (
	"context"

	"github.com/leadloop/leadloop"
)

// Observer hears what a loop does, for traces and metrics; module otel has one.
//
// Start is called when a part of the work begins, with the context of the part
// around it; the context it returns goes on to whatever the part calls, and the
// function it returns is called once when the part has ended. Both must be
// fast, and are called concurrently.
type Observer interface {
	Start(ctx context.Context, s Span) (context.Context, func(End))
}

// Span is a part of a loop's work. It holds ids and codes, no personal data.
type Span struct {
	Kind SpanKind
	// Name is the trigger of a decision, the name of a stage, the kind of a task,
	// and "" for a commit.
	Name string
	Lead leadloop.LeadID
}

// SpanKind says which part of the work a [Span] is.
type SpanKind string

// The kinds of spans, from the outermost to the innermost. A task is a timer
// that decides, or an outside task that is delivered.
const (
	SpanTask     SpanKind = "task"
	SpanDecision SpanKind = "decision" // one attempt: a conflict is followed by another one
	SpanStage    SpanKind = "stage"
	SpanCommit   SpanKind = "commit"
)

// End is how a part of the work ended. Its error holds no personal data.
type End struct {
	Err error
	// Outcome is what a stage said, or where a decision left the lead.
	Outcome leadloop.Outcome
	// Events are what a commit wrote to the journal; they must not be changed.
	Events []leadloop.Event
	// Dead says that a task was given up.
	Dead bool
}

// observe begins a span; the function it returns ends it.
func (l *Loop) observe(ctx context.Context, s Span) (context.Context, func(End)) {
	if l.o.Observer == nil {
		return ctx, func(End) {}
	}
	return l.o.Observer.Start(ctx, s)
}
