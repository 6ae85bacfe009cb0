package leadloop

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/leadloop/leadloop/internal/jsonbytes"
)

// leadVersion is the version of a lead's JSON form. A change that old readers
// can't skip gets a new number, and old numbers stay readable.
const leadVersion = 1

type leadJSON struct {
	Version            int          `json:"version"`
	ID                 LeadID       `json:"id"`
	Revision           int64        `json:"revision,omitempty"`
	ReceivedAt         time.Time    `json:"received_at,omitzero"`
	Claims             []Claim      `json:"claims,omitempty"`
	Activities         []Activity   `json:"activities,omitempty"`
	State              State        `json:"state,omitzero"`
	Identifiers        []Identifier `json:"identifiers,omitempty"`
	MergedInto         LeadID       `json:"merged_into,omitempty"`
	Records            []LeadID     `json:"records,omitempty"`
	PossibleDuplicates []LeadID     `json:"possible_duplicates,omitempty"`
	Different          []LeadID     `json:"different,omitempty"`
}

// MarshalJSON writes the stable, versioned form of a lead: the same lead gives
// the same bytes in any later release. It holds personal data.
func (l *Lead) MarshalJSON() ([]byte, error) {
	// Written by hand, member by member as the encoder of package json writes
	// leadJSON: a lead is written at each of its decisions, and claims are most of
	// it.
	var w jsonbytes.Writer
	w.Grow(512 + 256*len(l.Claims) + 128*(len(l.Activities)+len(l.Identifiers)))
	w.Begin('{')
	w.Int("version", leadVersion)
	w.Text("id", string(l.ID))
	if l.Revision != 0 {
		w.Int("revision", l.Revision)
	}
	if !l.ReceivedAt.IsZero() {
		w.Time("received_at", l.ReceivedAt)
	}
	if len(l.Claims) > 0 {
		w.Name("claims")
		w.Begin('[')
		for i := range l.Claims {
			l.Claims[i].write(&w)
		}
		w.End(']')
	}
	if len(l.Activities) > 0 {
		b, err := json.Marshal(l.Activities)
		w.JSON("activities", b, err)
	}
	if !reflect.ValueOf(&l.State).Elem().IsZero() {
		b, err := json.Marshal(&l.State)
		w.JSON("state", b, err)
	}
	if len(l.Identifiers) > 0 {
		w.Name("identifiers")
		w.Begin('[')
		for _, i := range l.Identifiers {
			w.Begin('{')
			w.Text("kind", i.Kind)
			w.Text("value", i.Value)
			w.End('}')
		}
		w.End(']')
	}
	w.Some("merged_into", string(l.MergedInto))
	for _, ids := range []struct {
		name string
		list []LeadID
	}{{"records", l.Records}, {"possible_duplicates", l.PossibleDuplicates}, {"different", l.Different}} {
		if len(ids.list) > 0 {
			b, err := json.Marshal(ids.list)
			w.JSON(ids.name, b, err)
		}
	}
	w.End('}')
	return w.Bytes()
}

func (c *Claim) write(w *jsonbytes.Writer) {
	w.Begin('{')
	w.Text("field", c.Field)
	b, err := c.Value.MarshalJSON()
	w.JSON("value", b, err)
	w.Int("origin", int64(c.Origin))
	w.Text("source", c.Source)
	w.Some("record", string(c.Record))
	w.Time("observed_at", c.ObservedAt)
	if !c.VerifiedAt.IsZero() {
		w.Time("verified_at", c.VerifiedAt)
	}
	if c.Confidence != 0 {
		b, err := json.Marshal(c.Confidence)
		w.JSON("confidence", b, err)
	}
	if c.Pin != 0 {
		w.Int("pin", int64(c.Pin))
	}
	w.End('}')
}

// UnmarshalJSON reads what MarshalJSON wrote, in this or an earlier release.
// A newer version is refused with ErrInvalid.
func (l *Lead) UnmarshalJSON(b []byte) error {
	var j leadJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return fmt.Errorf("lead: %w", err)
	}
	if j.Version != leadVersion {
		return fmt.Errorf("lead: %w: version %d, this release reads up to %d", ErrInvalid, j.Version, leadVersion)
	}
	*l = Lead{
		ID: j.ID, Revision: j.Revision, ReceivedAt: j.ReceivedAt, Claims: j.Claims,
		Activities: j.Activities, State: j.State, Identifiers: j.Identifiers,
		MergedInto: j.MergedInto, Records: j.Records, PossibleDuplicates: j.PossibleDuplicates, Different: j.Different,
	}
	return nil
}
