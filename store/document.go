package store

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/jsonbytes"
)

// timeLayout has one width, so that its text sorts as the times do.
const timeLayout = "2006-01-02T15:04:05.000000000Z"

// FormatTime writes a time as text that keeps its nanoseconds, for databases
// whose own times don't: UTC, of one width, sorted byte by byte as the times
// are. ErrInvalid outside the years 1 to 9999.
func FormatTime(t time.Time) (string, error) {
	t = t.UTC()
	if y := t.Year(); y < 1 || y > 9999 {
		return "", fmt.Errorf("%w: a time is not in the years 1 to 9999", leadloop.ErrInvalid)
	}
	return t.Format(timeLayout), nil
}

// FormatBound writes a time to compare with what [FormatTime] wrote; one
// beyond the years that can be kept is before or after all of them.
func FormatBound(t time.Time) string {
	t = t.UTC()
	switch y := t.Year(); {
	case y < 1:
		return ""
	case y > 9999:
		return "~"
	}
	return t.Format(timeLayout)
}

// ParseTime reads what [FormatTime] wrote.
func ParseTime(text string) (time.Time, error) {
	if t, ok := parseFixed(text); ok {
		return t, nil
	}
	return time.Parse(timeLayout, text)
}

// EncodeLead writes the document of l under a new revision, with all times in
// UTC. It doesn't modify l. Lead.UnmarshalJSON reads it.
func EncodeLead(l *leadloop.Lead, revision int64) ([]byte, error) {
	c := *l
	c.Revision = revision
	c.ReceivedAt = c.ReceivedAt.UTC()
	if slices.ContainsFunc(c.Claims, func(x leadloop.Claim) bool { return !isUTC(x.ObservedAt) || !isUTC(x.VerifiedAt) }) {
		c.Claims = slices.Clone(c.Claims)
		for i := range c.Claims {
			c.Claims[i].ObservedAt, c.Claims[i].VerifiedAt = c.Claims[i].ObservedAt.UTC(), c.Claims[i].VerifiedAt.UTC()
		}
	}
	if slices.ContainsFunc(c.Activities, func(x leadloop.Activity) bool { return !isUTC(x.At) }) {
		c.Activities = slices.Clone(c.Activities)
		for i := range c.Activities {
			c.Activities[i].At = c.Activities[i].At.UTC()
		}
	}
	s := &c.State
	for _, t := range []*time.Time{
		&s.StageSince, &s.StatusSince, &s.OwnerSince, &s.Score.ValidUntil,
		&s.SLA.StartedAt, &s.SLA.DueAt, &s.SLA.MetAt, &s.SLA.MissedAt,
		&s.FirstTouchAt, &s.LastTouchAt, &s.DecidedAt, &s.Cadence.Since, &s.Cadence.DueAt, &s.Cadence.PausedAt,
	} {
		*t = t.UTC()
	}
	return c.MarshalJSON()
}

// OpportunityInUTC returns o with all times in UTC, as stores keep it. It
// doesn't modify o.
func OpportunityInUTC(o leadloop.Opportunity) leadloop.Opportunity {
	o.CreatedAt, o.ClosedAt = o.CreatedAt.UTC(), o.ClosedAt.UTC()
	o.Touches = slices.Clone(o.Touches)
	for i := range o.Touches {
		o.Touches[i].At = o.Touches[i].At.UTC()
	}
	return o
}

func isUTC(t time.Time) bool { return t.Location() == time.UTC }

// step is a decision's step as it is kept. A trace stands as it is where JSON
// keeps it byte for byte, otherwise as text.
type step struct {
	Stage     string               `json:"stage"`
	Outcome   leadloop.OutcomeKind `json:"outcome,omitempty"`
	Reason    string               `json:"reason,omitempty"`
	Trace     json.RawMessage      `json:"trace,omitempty"`
	TraceText string               `json:"trace_text,omitempty"`
}

// EncodeSteps writes the steps of a decision as JSON from which [DecodeSteps]
// gets every trace back byte for byte, which a replay compares; no steps are
// no bytes.
func EncodeSteps(steps []leadloop.Step) ([]byte, error) {
	if len(steps) == 0 {
		return nil, nil
	}
	size := 2
	for _, s := range steps {
		size += len(s.Trace) + len(s.Stage) + len(s.Reason) + 64
	}
	// Written by hand: traces are most of it, and the encoder of package json
	// would go through each of them once more.
	out := bytes.NewBuffer(make([]byte, 0, size))
	for i, s := range steps {
		kept := step{Stage: s.Stage, Outcome: s.Outcome, Reason: s.Reason}
		// null would come back as no trace.
		asIs := jsonbytes.IsCompact(s.Trace) && string(s.Trace) != "null"
		if !asIs {
			kept.TraceText = string(s.Trace)
		}
		head, err := json.Marshal(kept)
		if err != nil {
			return nil, err
		}
		out.WriteByte("[,"[min(i, 1)])
		if !asIs {
			out.Write(head)
			continue
		}
		out.Write(head[:len(head)-1])
		out.WriteString(`,"trace":`)
		out.Write(s.Trace)
		out.WriteByte('}')
	}
	out.WriteByte(']')
	return out.Bytes(), nil
}

// DecodeSteps reads what [EncodeSteps] wrote.
func DecodeSteps(b []byte) ([]leadloop.Step, error) {
	if len(b) == 0 {
		return nil, nil
	}
	var kept []step
	if err := json.Unmarshal(b, &kept); err != nil {
		return nil, err
	}
	var steps []leadloop.Step
	for _, s := range kept {
		if s.TraceText != "" {
			s.Trace = json.RawMessage(s.TraceText)
		}
		steps = append(steps, leadloop.Step{Stage: s.Stage, Outcome: s.Outcome, Reason: s.Reason, Trace: s.Trace})
	}
	return steps, nil
}

// packed is the first byte of what [PackSteps] writes, so that another form can
// be told apart later.
const packed = 1

// deflaters are kept: each has tables of a megabyte.
var deflaters = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, flate.BestSpeed)
	if err != nil {
		panic(err) // the level is a constant
	}
	return w
}}

// PackSteps writes the steps of a decision as [EncodeSteps] does, a tenth of
// the size: records repeat themselves, and there are many. [UnpackSteps] reads
// it.
func PackSteps(steps []leadloop.Step) ([]byte, error) {
	text, err := EncodeSteps(steps)
	if err != nil || text == nil {
		return nil, err
	}
	var out bytes.Buffer
	out.WriteByte(packed)
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.Reset(&out)
	_, err = w.Write(text)
	if err := errors.Join(err, w.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// UnpackSteps reads what [PackSteps] wrote. ErrInvalid if it is something else.
func UnpackSteps(b []byte) ([]leadloop.Step, error) {
	if len(b) == 0 {
		return nil, nil
	}
	if b[0] != packed {
		return nil, fmt.Errorf("%w: steps of form %d, which this release does not know", leadloop.ErrInvalid, b[0])
	}
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(b[1:])))
	if err != nil {
		return nil, fmt.Errorf("%w: steps are damaged", leadloop.ErrInvalid)
	}
	return DecodeSteps(text)
}
