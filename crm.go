package leadloop

import "time"

// Ids of what the CRM owns.
type (
	AccountID     string
	ContactID     string
	OpportunityID string
	RepID         string
	TeamID        string
)

// Account is a company we know.
type Account struct {
	ID      AccountID `json:"id"`
	Name    string    `json:"name"`
	Domains []string  `json:"domains,omitempty"` // registrable domains
	Owner   RepID     `json:"owner,omitempty"`
	// Customer tells that it buys from us today.
	Customer bool `json:"customer,omitempty"`
	// Parent is the account it belongs to.
	Parent  AccountID `json:"parent,omitempty"`
	Country string    `json:"country,omitempty"`
	// Identifiers are what leads are matched by.
	Identifiers []Identifier `json:"identifiers,omitempty"`
}

// Contact is a known person at an account.
type Contact struct {
	ID        ContactID `json:"id"`
	Account   AccountID `json:"account,omitempty"`
	FirstName string    `json:"first_name,omitempty"`
	LastName  string    `json:"last_name,omitempty"`
	Email     string    `json:"email,omitempty"`
	Phone     string    `json:"phone,omitempty"`
	Owner     RepID     `json:"owner,omitempty"`
	OptedOut  bool      `json:"opted_out,omitempty"`
	// Lead is the lead that became this contact, Source where that one came from
	// first, and Consent what it had consented to then.
	Lead        LeadID       `json:"lead,omitempty"`
	Source      string       `json:"source,omitempty"`
	Consent     string       `json:"consent,omitempty"`
	Identifiers []Identifier `json:"identifiers,omitempty"`
}

// OpportunityStatus says whether a deal is open.
type OpportunityStatus string

// The statuses of an opportunity.
const (
	OpportunityOpen OpportunityStatus = "open"
	OpportunityWon  OpportunityStatus = "won"
	OpportunityLost OpportunityStatus = "lost"
)

// Opportunity is a qualified revenue event.
type Opportunity struct {
	ID      OpportunityID     `json:"id"`
	Account AccountID         `json:"account,omitempty"`
	Contact ContactID         `json:"contact,omitempty"`
	Lead    LeadID            `json:"lead,omitempty"` // the lead it came from
	Owner   RepID             `json:"owner,omitempty"`
	Status  OpportunityStatus `json:"status"`
	Amount  Micros            `json:"amount,omitempty"`
	// Source, Medium and Campaign are those of the lead's first touch, carried
	// from the lead and never overwritten.
	Source   string `json:"source,omitempty"`
	Medium   string `json:"medium,omitempty"`
	Campaign string `json:"campaign,omitempty"`
	// Touches are how the lead came to us up to the conversion, oldest first.
	Touches []Touch `json:"touches,omitempty"`
	// Reason is why it was lost, as a code.
	Reason    string    `json:"reason,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	ClosedAt  time.Time `json:"closed_at,omitzero"`
}

// Touch is one time that a lead came to us.
type Touch struct {
	At       time.Time `json:"at"`
	Source   string    `json:"source,omitempty"`
	Medium   string    `json:"medium,omitempty"`
	Campaign string    `json:"campaign,omitempty"`
}

// Rep is a person who can own leads.
type Rep struct {
	ID      RepID  `json:"id"`
	Name    string `json:"name"`
	Email   string `json:"email,omitempty"`
	Manager RepID  `json:"manager,omitempty"`
	Team    TeamID `json:"team,omitempty"`
	// Inactive reps (left, on leave for good) never get a lead.
	Inactive  bool     `json:"inactive,omitempty"`
	Timezone  string   `json:"timezone,omitempty"` // IANA name
	Languages []string `json:"languages,omitempty"`
	Skills    []string `json:"skills,omitempty"`
	// Weight is the rep's share in a pool relative to the others; 0 means 100.
	Weight int `json:"weight,omitempty"`
	// MaxOpen caps open leads, MaxDay and MaxWeek leads assigned in the last
	// 24 hours and 7 days; 0 means no cap.
	MaxOpen int `json:"max_open,omitempty"`
	MaxDay  int `json:"max_day,omitempty"`
	MaxWeek int `json:"max_week,omitempty"`
	// Away are absences, each from From (inclusive) to Until (exclusive).
	Away []Absence `json:"away,omitempty"`
}

// Absence is a time in which a rep gets no leads.
type Absence struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

// AwayAt reports whether the rep is absent at t.
func (r Rep) AwayAt(t time.Time) bool {
	for _, a := range r.Away {
		if !t.Before(a.From) && t.Before(a.Until) {
			return true
		}
	}
	return false
}

// Team is a group of reps with a manager who hears escalations.
type Team struct {
	ID      TeamID  `json:"id"`
	Name    string  `json:"name,omitempty"`
	Manager RepID   `json:"manager,omitempty"`
	Members []RepID `json:"members,omitempty"`
}
