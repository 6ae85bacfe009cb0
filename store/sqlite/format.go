package sqlite

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
)

// timeLayout is how times are kept; see the first migration.
const timeLayout = "2006-01-02T15:04:05.000000000Z"

// stored writes a time that is to be kept.
func stored(t time.Time) (string, error) {
	t = t.UTC()
	if y := t.Year(); y < 1 || y > 9999 {
		return "", fmt.Errorf("%w: a time is not in the years 1 to 9999", leadloop.ErrInvalid)
	}
	return t.Format(timeLayout), nil
}

// bound writes a time to compare with; one beyond the years that are kept is
// before or after all of them.
func bound(t time.Time) string {
	t = t.UTC()
	switch y := t.Year(); {
	case y < 1:
		return ""
	case y > 9999:
		return "~"
	}
	return t.Format(timeLayout)
}

func (r *row) time() time.Time { return r.parse(r.text()) }

// parse reads a time from the column read last.
func (r *row) parse(text string) time.Time {
	t, err := time.Parse(timeLayout, text)
	if err != nil {
		r.check(fmt.Errorf("sqlite: %w: column %d is not a time: the file was changed by something else", leadloop.ErrUnavailable, r.next-1))
	}
	return t
}

// damaged says that a document can't be read. The text of encoding/json may
// quote it and is left out.
func damaged(what string, err error) error {
	if errors.Is(err, leadloop.ErrInvalid) {
		return fmt.Errorf("sqlite: %w: the document of %s can't be read: %w", leadloop.ErrUnavailable, what, err)
	}
	return fmt.Errorf("sqlite: %w: the document of %s is not what was written", leadloop.ErrUnavailable, what)
}

// list writes strings as a JSON array, none as "".
func list(l []string) (string, error) {
	if len(l) == 0 {
		return "", nil
	}
	b, err := json.Marshal(l)
	return string(b), err
}

// decode reads a column that is JSON or "".
func decode[T any](r *row, what string) (v T) {
	text := r.text()
	if text != "" {
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			r.check(damaged(what, err))
		}
	}
	return v
}

func document(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

// step is a decision's step as it is kept. A trace stands as it is where JSON
// keeps it byte for byte, otherwise as text.
type step struct {
	Stage     string               `json:"stage"`
	Outcome   leadloop.OutcomeKind `json:"outcome,omitempty"`
	Reason    string               `json:"reason,omitempty"`
	Trace     json.RawMessage      `json:"trace,omitempty"`
	TraceText string               `json:"trace_text,omitempty"`
}

func encodeSteps(steps []leadloop.Step) (string, error) {
	if len(steps) == 0 {
		return "", nil
	}
	kept := make([]step, len(steps))
	var compact bytes.Buffer
	for i, s := range steps {
		kept[i] = step{Stage: s.Stage, Outcome: s.Outcome, Reason: s.Reason}
		if len(s.Trace) == 0 {
			continue
		}
		compact.Reset()
		// null would come back as no trace.
		if err := json.Compact(&compact, s.Trace); err == nil && bytes.Equal(compact.Bytes(), s.Trace) && string(s.Trace) != "null" {
			kept[i].Trace = s.Trace
		} else {
			kept[i].TraceText = string(s.Trace)
		}
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false) // it would change traces
	if err := e.Encode(kept); err != nil {
		return "", err
	}
	return string(bytes.TrimSuffix(out.Bytes(), []byte("\n"))), nil
}

func decodeSteps(r *row, what string) []leadloop.Step {
	kept := decode[[]step](r, what)
	var steps []leadloop.Step
	for _, s := range kept {
		if s.TraceText != "" {
			s.Trace = json.RawMessage(s.TraceText)
		}
		steps = append(steps, leadloop.Step{Stage: s.Stage, Outcome: s.Outcome, Reason: s.Reason, Trace: s.Trace})
	}
	return steps
}

// encodeLead writes the document of l under a new revision, with all times in
// UTC. It doesn't modify l.
func encodeLead(l *leadloop.Lead, revision int64) (string, error) {
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
		&s.FirstTouchAt, &s.LastTouchAt, &s.DecidedAt,
	} {
		*t = t.UTC()
	}
	b, err := c.MarshalJSON()
	return string(b), err
}

func isUTC(t time.Time) bool { return t.Location() == time.UTC }

func decodeLead(r *row) *leadloop.Lead {
	l := new(leadloop.Lead)
	if err := l.UnmarshalJSON([]byte(r.text())); err != nil {
		r.check(damaged("a lead", err))
	}
	return l
}
