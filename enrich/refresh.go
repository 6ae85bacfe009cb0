package enrich

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
)

// refreshPayload is the payload of a TaskRefresh.
type refreshPayload struct {
	Enrich int `json:"enrich,omitempty"` // which try the task is, from 1
	// Fields are asked for whatever is known about them; a "*" means all that
	// was bought. At is since when that holds.
	Fields []string  `json:"fields,omitempty"`
	At     time.Time `json:"at,omitzero"`
}

// RefreshTask returns the task that has a lead's fields looked up anew at the
// moment at, whatever is known about them; without fields all that was bought.
// Fields named here are asked for even if they can't change what happens, and
// even if a person gave the value: the answer then becomes a claim beside
// that person's, and the report tells where they disagree. Pinned fields are
// left alone.
func RefreshTask(lead leadloop.LeadID, at time.Time, fields ...string) leadloop.Task {
	fields = sortedSet(fields)
	if len(fields) == 0 {
		fields = []string{"*"}
	}
	// Names and a time can always be written.
	payload, _ := json.Marshal(refreshPayload{Fields: fields, At: at.UTC()})
	return leadloop.Task{
		Key:  fmt.Sprintf("enrich:refresh:%s:manual:%d", lead, at.UTC().UnixNano()),
		Kind: leadloop.TaskRefresh, Lead: lead, DueAt: at, Payload: payload, State: leadloop.TaskPending,
	}
}

// payloadOf reads the payload of a refresh task; that of somebody else's is
// empty.
func payloadOf(t *leadloop.Task) (p refreshPayload) {
	if t == nil || t.Kind != leadloop.TaskRefresh || len(t.Payload) == 0 || json.Unmarshal(t.Payload, &p) != nil {
		return refreshPayload{}
	}
	p.Enrich = max(p.Enrich, 0)
	return p
}

// triggers are what makes bought values stale before their time.
type triggers struct {
	asked []string             // fields that a refresh task names
	all   time.Time            // a refresh of everything
	of    map[string]time.Time // field → since when what was bought is stale
}

func triggersOf(refresh map[string][]string, s leadloop.Subject) triggers {
	var t triggers
	if p := payloadOf(s.Task); len(p.Fields) > 0 {
		if slices.Contains(p.Fields, "*") {
			t.all = p.At
		} else {
			t.asked = p.Fields
			for _, f := range p.Fields {
				t.stale(f, p.At)
			}
		}
	}
	for i := range s.Lead.Activities {
		a := &s.Lead.Activities[i]
		if a.At.After(s.AsOf) {
			continue
		}
		for _, f := range refresh[a.Type] {
			t.stale(f, a.At)
		}
	}
	return t
}

func (t *triggers) stale(field string, at time.Time) {
	if t.of == nil {
		t.of = map[string]time.Time{}
	}
	if at.After(t.of[field]) {
		t.of[field] = at
	}
}

// asks reports whether a refresh task names the field.
func (t triggers) asks(field string) bool { return slices.Contains(t.asked, field) }

// since is the moment before which what was bought about a field is stale.
func (t triggers) since(field string) time.Time {
	if at := t.of[field]; at.After(t.all) {
		return at
	}
	return t.all
}
