package privacy

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// State is how far an erasure is, or one of its targets.
type State string

// The states of an erasure and of its targets.
const (
	StateDone        State = "done"
	StatePending     State = "pending"     // a system has not answered yet
	StateFailed      State = "failed"      // a system failed too often
	StateUnsupported State = "unsupported" // a system said that it can't
	StateHeld        State = "held"        // a legal hold is in the way
)

// Receipt is the proof of an erasure. It holds no personal data.
type Receipt struct {
	ID   string          `json:"id"`   // the request's
	Plan leadloop.LeadID `json:"plan"` // under which the journal has it
	At   time.Time       `json:"at"`
	// State is held, failed if any target is, else pending if any is, else
	// done; that a system can't forget stands with the target.
	State   State    `json:"state"`
	Targets []Target `json:"targets"`
}

// Target is a role of the store, or a system.
type Target struct {
	Name  string `json:"name"`
	State State  `json:"state"`
	// Count is how many records of a role were deleted; keys and cached answers
	// are not counted.
	Count int `json:"count,omitempty"`
	// Attempts and LastError are of systems.
	Attempts  int    `json:"attempts,omitempty"`
	LastError string `json:"last_error,omitempty"`
}

// Receipt says how far the erasure of a request is; ErrNotFound if there was
// none of the id.
func (e *Eraser) Receipt(ctx context.Context, request string) (Receipt, error) {
	r := Receipt{ID: request, Plan: planOf(request), State: StateDone}
	err := e.st.View(ctx, func(tx store.Tx) error {
		r.Targets, r.At = nil, time.Time{}
		for ev, err := range tx.Journal().ByLead(ctx, r.Plan) {
			if err != nil {
				return err
			}
			if r.At.IsZero() {
				r.At = ev.At
			}
			if err := r.note(ev); err != nil {
				return err
			}
		}
		for i := range r.Targets {
			t := &r.Targets[i]
			if t.State != StatePending {
				continue
			}
			tasks, err := tx.Tasks().ByLead(ctx, taskOf(r.Plan, t.Name))
			if err != nil {
				return err
			}
			for _, task := range tasks {
				t.Attempts, t.LastError = task.Attempts, task.LastError
				if task.State == leadloop.TaskDead {
					t.State = StateFailed
				}
			}
		}
		return nil
	})
	if err == nil && len(r.Targets) == 0 {
		err = fmt.Errorf("erasure %s: %w", r.Plan, leadloop.ErrNotFound)
	}
	if err != nil {
		return Receipt{}, fmt.Errorf("privacy: receipt: %w", err)
	}
	for _, t := range r.Targets {
		switch {
		case t.State == StateHeld || t.State == StateFailed:
			r.State = t.State
		case t.State == StatePending && r.State == StateDone:
			r.State = StatePending
		}
	}
	return r, nil
}

// note takes over what the journal says of a target; later entries replace
// earlier ones.
func (r *Receipt) note(ev leadloop.Event) error {
	t := Target{Name: ev.From, State: State(ev.To)}
	for key, to := range map[string]*int{"count": &t.Count, "attempts": &t.Attempts} {
		if text, ok := ev.Attrs[key]; ok {
			n, err := strconv.Atoi(text)
			if err != nil {
				return fmt.Errorf("event %d: %w: %s is no number", ev.Seq, leadloop.ErrInvalid, key)
			}
			*to = n
		}
	}
	for i := range r.Targets {
		if r.Targets[i].Name == t.Name {
			r.Targets[i] = t
			return nil
		}
	}
	r.Targets = append(r.Targets, t)
	return nil
}

// String is the receipt as a person reads it.
func (r Receipt) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Erasure %s of %s: %s.\n", r.ID, r.At.Format(time.DateOnly), r.State)
	for _, t := range r.Targets {
		fmt.Fprintf(&b, "  %-12s %s", t.Name, t.State)
		switch {
		case t.Attempts > 0 && t.State != StateDone:
			fmt.Fprintf(&b, " after %d attempts", t.Attempts)
		case t.Count > 0:
			fmt.Fprintf(&b, ", %d deleted", t.Count)
		}
		if t.LastError != "" {
			fmt.Fprintf(&b, ": %s", t.LastError)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
