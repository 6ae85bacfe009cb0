package tracking

import (
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
	Accepted string
	// LeakAfter is the age at which a lead that nobody worked has leaked: 72
	// hours.
	LeakAfter time.Duration
}

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
	if o.LeakAfter == 0 {
		o.LeakAfter = 72 * time.Hour
	}
	return o
}

// contact reports whether an activity is two-way contact.
func (o *Options) contact(e leadloop.Event) bool {
	return slices.Contains(o.Conversations, e.To) || e.Actor == "" && slices.Contains(o.Replies, e.To)
}
