// Package notify tells reps, teams and queues what a loop decided: by Slack, by
// a signed webhook, or by whatever a host plugs in.
//
// A [Handler] delivers the loop's outside tasks at least once, each time under
// the same key. Tasks hold ids and codes only; what a message says of a person
// is read at the moment it is sent, by a function of the host, and stands in no
// log and no error. It does not decide who hears what: routing does.
//
// Start with [New]; mail is in the module notify/smtp.
package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// Message is one notification, for people.
type Message struct {
	// Key is the task's: the same message sent again has the same key.
	Key string
	// To is who hears it: "rep:<id>", "team:<id>" or "queue:<id>".
	To string
	// Title says what happened in a line, Text the rest in a few.
	Title string
	Text  string
	// Link is where to act; "" is none.
	Link string
	// Task is what it was made from, for senders that speak to programs.
	Task leadloop.Task
}

// Sender sends one message. It may be called again with the same Key after an
// error or a crash, and concurrently. Its errors must not hold personal data
// nor secrets: they are stored with the task.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// SenderFunc makes a function a Sender.
type SenderFunc func(ctx context.Context, m Message) error

// Send calls f.
func (f SenderFunc) Send(ctx context.Context, m Message) error { return f(ctx, m) }

// Everybody is the recipient whose senders are used for those who have none.
const Everybody = "*"

// Options are the optional settings of a handler. The zero value is the default.
type Options struct {
	// Describe says in a few words who a lead is, for the text of messages; nil
	// leaves its id. It is called at the moment of sending.
	Describe func(ctx context.Context, lead leadloop.LeadID) (string, error)
	// Link returns where to act on a lead; nil is nowhere.
	Link func(lead leadloop.LeadID) string
	// Zone is the time zone of times in messages; nil means UTC.
	Zone *time.Location
}

// Handler delivers notification tasks. It is safe for concurrent use. Give it
// to the loop as the handler of leadloop.TaskNotify, and of TaskReview and
// TaskCRM if their recipients should hear of them the same way.
type Handler struct {
	senders map[string][]Sender
	o       Options
}

// New makes a handler. senders are by recipient: "rep:<id>", "team:<id>",
// "queue:<id>", or [Everybody] for all others.
func New(senders map[string][]Sender, o Options) (*Handler, error) {
	var problems []error
	if len(senders) == 0 {
		problems = append(problems, errors.New("no senders"))
	}
	for _, to := range slices.Sorted(maps.Keys(senders)) {
		kind, id, ok := strings.Cut(to, ":")
		if to != Everybody && (!ok || id == "" || !slices.Contains([]string{"rep", "team", "queue"}, kind)) {
			problems = append(problems, fmt.Errorf("recipient %q: want rep:<id>, team:<id>, queue:<id> or %s", to, Everybody))
		}
		if len(senders[to]) == 0 || slices.Contains(senders[to], nil) {
			problems = append(problems, fmt.Errorf("recipient %q has no sender, or one that is nil", to))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("notify: %w: %w", leadloop.ErrInvalid, err)
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	return &Handler{senders: maps.Clone(senders), o: o}, nil
}

// notice is what all stages write into their notification tasks.
type notice struct {
	About       string    `json:"about"`
	To          string    `json:"to"`
	Owner       string    `json:"owner"`
	Queue       string    `json:"queue"`
	Reason      string    `json:"reason"`
	Opportunity string    `json:"opportunity"`
	Tier        string    `json:"tier"`
	DueAt       time.Time `json:"due_at"`
	Disputed    []string  `json:"disputed"`
	Ladder      string    `json:"ladder"`
	Step        int       `json:"step"`
}

// Deliver sends the message of a task to its recipient. If one of several
// senders fails, the others are not skipped, and the error makes the loop try
// all of them again.
func (h *Handler) Deliver(ctx context.Context, t leadloop.Task) error {
	var n notice
	if err := json.Unmarshal(t.Payload, &n); err != nil {
		// The text of encoding/json may quote the payload.
		return fmt.Errorf("notify: task %s: %w: its payload is not a notice", t.Key, leadloop.ErrInvalid)
	}
	senders := h.senders[n.To]
	if senders == nil {
		senders = h.senders[Everybody]
	}
	if senders == nil {
		return fmt.Errorf("notify: task %s: %w: nobody sends to %s", t.Key, leadloop.ErrInvalid, n.To)
	}
	m, err := h.message(ctx, t, n)
	if err != nil {
		return err
	}
	var problems []error
	for _, s := range senders {
		problems = append(problems, s.Send(ctx, m))
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("notify: task %s: %w", t.Key, err)
	}
	return nil
}

func (h *Handler) message(ctx context.Context, t leadloop.Task, n notice) (Message, error) {
	m := Message{Key: t.Key, To: n.To, Task: t}
	who := "lead " + string(t.Lead)
	if h.o.Describe != nil {
		described, err := h.o.Describe(ctx, t.Lead)
		if err != nil {
			return m, fmt.Errorf("notify: task %s: describing the lead: %w", t.Key, err)
		}
		if described != "" {
			who = described
		}
	}
	if h.o.Link != nil {
		m.Link = h.o.Link(t.Lead)
	}
	m.Title = title(n, who)
	var lines []string
	if n.Tier != "" {
		lines = append(lines, "Tier "+n.Tier+".")
	}
	if !n.DueAt.IsZero() {
		lines = append(lines, "First touch due "+n.DueAt.In(h.o.Zone).Format("Mon 2 Jan 15:04 MST")+".")
	}
	if n.Owner != "" && n.To != "rep:"+n.Owner {
		lines = append(lines, "Owner: "+n.Owner+".")
	}
	if n.Reason != "" {
		lines = append(lines, "Reason: "+strings.ReplaceAll(n.Reason, "_", " ")+".")
	}
	if n.Opportunity != "" {
		lines = append(lines, "Opportunity "+n.Opportunity+".")
	}
	m.Text = strings.Join(lines, " ")
	return m, nil
}

// title says what happened. A kind of notice that is not known is named as it
// is: a newer stage may write it.
func title(n notice, who string) string {
	switch n.About {
	case "assigned":
		return "Yours: " + who
	case "queued":
		return "Waiting in " + n.Queue + ": " + who
	case "alerted":
		return "Back again: " + who
	case "escalated":
		if n.Ladder == "queue" {
			return "Nobody took " + who + " from " + n.Queue
		}
		return "Not answered in time: " + who
	case "due_soon":
		return "Due soon: " + who
	case "follow_up":
		return "Follow up: " + who
	case "dispute":
		return "Who owns " + who + "? " + strings.Join(n.Disputed, " or ")
	}
	return strings.ReplaceAll(n.About, "_", " ") + ": " + who
}
