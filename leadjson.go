package leadloop

import (
	"encoding/json"
	"fmt"
	"time"
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
	return json.Marshal(leadJSON{
		Version: leadVersion, ID: l.ID, Revision: l.Revision, ReceivedAt: l.ReceivedAt,
		Claims: l.Claims, Activities: l.Activities, State: l.State, Identifiers: l.Identifiers,
		MergedInto: l.MergedInto, Records: l.Records, PossibleDuplicates: l.PossibleDuplicates, Different: l.Different,
	})
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
