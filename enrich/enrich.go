// Package enrich asks providers for the facts that could still change what
// happens to a lead, and stops when none could.
//
// A [Waterfall] asks its sources only for fields that are demanded, missing or
// expired, that an [Outlook] does not rule out, and that it may be asked for.
// Every answer becomes claims, is cached and booked before it is used; budgets
// hold across processes on one store. A provider that is down, slow or lying is
// a fact in the [Report], never a failed lead. Not promised: that a provider
// which ignores its context stops working; it is left behind, and its late
// answer kept for the next decision.
//
// Start with [Provider] to write one, with [New] to use them, and with [Parse]
// for the enrich.yaml of a playbook.
package enrich

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// Provider looks up facts about one person or company.
type Provider interface {
	// Lookup answers q. It finds what it can of q.Want; a lookup that finds
	// nobody returns the zero Answer and no error.
	//
	// It is called concurrently, and may be called again with the same query:
	// after an error that matches leadloop.ErrUnavailable, and once a cached
	// answer has expired. Any other error ends the lookup; a [LookupError] also
	// says when to come back. It must return promptly once ctx is done. The
	// provider may keep the query and leaves it as it is; the answer belongs to
	// the caller, and the provider must not keep it. Panics are caught and count
	// as errors.
	Lookup(ctx context.Context, q Query) (Answer, error)
}

// ProviderFunc makes a function a Provider.
type ProviderFunc func(ctx context.Context, q Query) (Answer, error)

// Lookup calls f.
func (f ProviderFunc) Lookup(ctx context.Context, q Query) (Answer, error) { return f(ctx, q) }

// Query is what a provider is asked.
type Query struct {
	// Lead is an opaque id for the provider's own records; nothing can be
	// looked up by it.
	Lead leadloop.LeadID
	// Known are the values the provider may look up by: exactly the fields of
	// Source.Needs, sorted by field, none of them empty.
	Known []Known
	// Want are the fields asked for, sorted. It is never empty.
	Want []string
}

// Known is one identifying value, in canonical form. It is personal data.
type Known struct{ Field, Value string }

// Value returns the known value of a field, "" if the query does not have it.
func (q Query) Value(field string) string {
	for _, k := range q.Known {
		if k.Field == field {
			return k.Value
		}
	}
	return ""
}

// Wants reports whether q asks for the field.
func (q Query) Wants(field string) bool { return slices.Contains(q.Want, field) }

func (q Query) clone() Query {
	q.Known, q.Want = slices.Clone(q.Known), slices.Clone(q.Want)
	return q
}

// Answer is what a provider found.
type Answer struct {
	// Matched tells that the provider knows the person or company; an answer
	// with facts is always a match. No match counts as "looked up and not
	// found" for every field of the query.
	Matched bool
	// Facts are the values found, at most one per field. Fields that the
	// source does not declare are refused; fields not asked for are dropped.
	Facts []Fact
	// NotFound are fields that were looked up and are not there. A field that
	// is neither here nor in Facts stays open: the provider said nothing.
	NotFound []string
	// Cost is what this call cost, if the provider says so; nil means what
	// Source.Price and Source.Charge say.
	Cost *leadloop.Micros
}

// Fact is one value found.
type Fact struct {
	Field string
	Value leadloop.Value // of the field's kind
	// Confidence is in [0, 1]; 0 means the provider does not say.
	Confidence float64
	// VerifiedAt is when the provider last checked the value; zero means it
	// does not say.
	VerifiedAt time.Time
}

// The reason codes of failed lookups, in reports and journal events. A
// provider may use its own, of lower-case letters, digits and "_".
const (
	ReasonTimeout      = "timeout"      // no answer within Source.Timeout
	ReasonUnavailable  = "unavailable"  // unreachable, or says it is down
	ReasonRateLimited  = "rate_limited" // the provider wants fewer calls
	ReasonUnauthorized = "unauthorized" // the credentials are not accepted
	ReasonRejected     = "rejected"     // the provider does not accept the request
	ReasonBadAnswer    = "bad_answer"   // the answer cannot be read or trusted
	ReasonPanic        = "panic"        // the provider's code panicked
	ReasonCircuitOpen  = "circuit_open" // it failed so often that it gets a rest
	ReasonBusy         = "busy"         // our own limits left no free slot in time
	ReasonDeadline     = "deadline"     // the time for the whole waterfall was over
	ReasonFailed       = "failed"       // any other error
)

// LookupError is a failed lookup with advice. Providers return it where a
// plain error says too little; everything that reaches a report is one.
type LookupError struct {
	Reason string // a reason code
	// Detail is for people. It must not hold personal data: no URL, no value.
	Detail string
	// Temporary tells that asking again is safe (nothing was sold) and may
	// help; it makes the error match leadloop.ErrUnavailable.
	Temporary bool
	// RetryAfter is how long the provider asks to be left alone; 0 if it does
	// not say.
	RetryAfter time.Duration
}

// Error returns the reason and the detail.
func (e *LookupError) Error() string {
	if e.Detail == "" {
		return e.Reason
	}
	return e.Reason + ": " + e.Detail
}

// Is makes temporary errors match leadloop.ErrUnavailable.
func (e *LookupError) Is(target error) bool {
	return e.Temporary && target == leadloop.ErrUnavailable
}

// reasonCode keeps what a provider made up out of the journal unless it is a
// code: it could be anything, personal data too.
func reasonCode(s string) string {
	plain := strings.TrimFunc(s, func(r rune) bool { return r == '_' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9' })
	if s == "" || len(s) > 40 || plain != "" {
		return ReasonFailed
	}
	return s
}
