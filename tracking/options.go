package tracking

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
)

// Options say what counts. The zero value of each is the default named.
type Options struct {
	// Touches are the activity types that are a meaningful touch when a rep
	// does them: call, email_sent, linkedin_message, meeting.
	Touches []string
	// Replies are the activity types that are two-way contact when the lead
	// does them: email_reply, reply. Conversations are those that are so
	// whoever recorded them: call_connected, meeting.
	Replies       []string
	Conversations []string
	// Accepted is the stage that a lead enters when its owner accepts it: sal.
	// Qualified is the one of leads that are worth an opportunity: sql.
	Accepted  string
	Qualified string
	// LeakAfter is the age at which a lead that nobody worked has leaked: 72
	// hours.
	LeakAfter time.Duration
	// GroupBy are ways to look at the figures, each one or more dimensions:
	// those of [Dimensions], or the name of an attribute that events carry,
	// such as "medium" or "product". All leads, and those by source and by
	// tier, are always there. What is not declared here is not kept.
	GroupBy [][]string
	// Teams are the teams of owners, for the dimension "team".
	Teams map[leadloop.RepID]leadloop.TeamID
	// From leaves out leads that arrived before it; zero means none.
	From time.Time
}

// The dimensions that every lead has. Weeks are those of ISO 8601, quarters
// those of the calendar, all in UTC.
const (
	DimSource  = "source"
	DimTier    = "tier"
	DimOwner   = "owner"   // of a deal its own owner
	DimTeam    = "team"    // of the owner
	DimPool    = "pool"    // that the latest owner came from
	DimEntry   = "entry"   // of the routing chain that gave the latest owner
	DimFailure = "failure" // why it was queued for want of an owner
	DimStage   = "stage"   // where it is now
	DimWeek    = "week"    // of arrival, like those that follow
	DimMonth   = "month"
	DimQuarter = "quarter"
	// DimDueWeek is the week in which it came of the age of Options.LeakAfter.
	DimDueWeek = "due_week"
	// The periods in which a deal was closed. Leads have none.
	DimClosedWeek    = "closed_week"
	DimClosedMonth   = "closed_month"
	DimClosedQuarter = "closed_quarter"
)

// Dimensions returns the names of the dimensions that every lead has.
func Dimensions() []string { return slices.Clone(dimensions) }

var dimensions = []string{
	DimSource, DimTier, DimOwner, DimTeam, DimPool, DimEntry, DimFailure, DimStage,
	DimWeek, DimMonth, DimQuarter, DimDueWeek, DimClosedWeek, DimClosedMonth, DimClosedQuarter,
}

var attribute = regexp.MustCompile(`^[a-z][a-z0-9_.-]{0,63}$`)

func (o Options) withDefaults() Options {
	list := func(given []string, standard ...string) []string {
		if given == nil {
			return standard
		}
		return slices.Clone(given)
	}
	o.Touches = list(o.Touches, "call", "email_sent", "linkedin_message", "meeting")
	o.Replies = list(o.Replies, "email_reply", "reply")
	o.Conversations = list(o.Conversations, "call_connected", "meeting")
	if o.Accepted == "" {
		o.Accepted = "sal"
	}
	if o.Qualified == "" {
		o.Qualified = "sql"
	}
	if o.LeakAfter == 0 {
		o.LeakAfter = 72 * time.Hour
	}
	o.Teams = maps.Clone(o.Teams)
	return o
}

// mostFields bounds how many attributes a tracker keeps.
const mostFields = 200

func (o Options) check() error {
	var problems []error
	if o.LeakAfter < 0 {
		problems = append(problems, fmt.Errorf("%w: Options.LeakAfter can't be negative", leadloop.ErrInvalid))
	}
	fields := map[string]bool{}
	for _, by := range o.GroupBy {
		if len(by) == 0 {
			problems = append(problems, fmt.Errorf("%w: Options.GroupBy: a way to look at leads needs a dimension", leadloop.ErrInvalid))
		}
		for i, d := range by {
			switch {
			case !attribute.MatchString(d):
				problems = append(problems, fmt.Errorf("%w: Options.GroupBy: %q is no name: lower-case letters, digits, and _ . -", leadloop.ErrInvalid, d))
			case slices.Contains(by[:i], d):
				problems = append(problems, fmt.Errorf("%w: Options.GroupBy: %q is there twice", leadloop.ErrInvalid, d))
			}
			if !slices.Contains(dimensions, d) {
				fields[d] = true
			}
		}
	}
	if len(fields) > mostFields {
		problems = append(problems, fmt.Errorf("%w: Options.GroupBy: %d attributes, of which at most %d can be kept", leadloop.ErrInvalid, len(fields), mostFields))
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("tracking: %w", err)
	}
	return nil
}

// contact reports whether an activity is two-way contact.
func (o *Options) contact(e *leadloop.Event) bool {
	return slices.Contains(o.Conversations, e.To) || e.Actor == "" && slices.Contains(o.Replies, e.To)
}
