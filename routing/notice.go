package routing

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// What a notice is about.
const (
	AboutAssigned  = "assigned"  // To owns the lead now
	AboutQueued    = "queued"    // the lead waits in To
	AboutAlerted   = "alerted"   // To is told and owns nothing
	AboutEscalated = "escalated" // the lead was not answered, or not picked up
	AboutDueSoon   = "due_soon"  // the response is due soon
	AboutFollowUp  = "follow_up" // the next touch is overdue
	AboutDispute   = "dispute"   // several could own the lead: To decides
)

// Notice is the payload of the outside tasks of routing: ids and codes, no
// personal data.
type Notice struct {
	About string          `json:"about"`
	Lead  leadloop.LeadID `json:"lead"`
	// To is who hears: "rep:<id>", "team:<id>" or "queue:<id>".
	To          string                 `json:"to"`
	Owner       leadloop.RepID         `json:"owner,omitempty"`
	Queue       string                 `json:"queue,omitempty"`
	Entry       string                 `json:"entry,omitempty"`
	Opportunity leadloop.OpportunityID `json:"opportunity,omitempty"`
	Tier        string                 `json:"tier,omitempty"`
	Policy      string                 `json:"policy,omitempty"`
	DueAt       time.Time              `json:"due_at,omitzero"`
	// Disputed are those who could own the lead, as in "rep:ana", "pool:us".
	Disputed []string `json:"disputed,omitempty"`
	// Ladder ("sla", "queue", "unworked" or "dispute") and Step say which rung of an
	// escalation this is, from 1.
	Ladder string `json:"ladder,omitempty"`
	Step   int    `json:"step,omitempty"`
}

// tell adds an outside task. What makes the key unique is given: the same
// decision gives the same key.
func (n *run) tell(kind string, notice Notice, key ...string) {
	if n.brief {
		return
	}
	notice.Lead, notice.Owner, notice.Queue, notice.Tier = n.s.Lead.ID, n.state.Owner, n.state.Queue, n.state.Score.Tier
	n.effects.Tasks = append(n.effects.Tasks, leadloop.Task{
		Key:  kind + ":" + notice.About + ":" + string(n.s.Lead.ID) + ":" + strings.Join(key, ":"),
		Kind: kind, Lead: n.s.Lead.ID, DueAt: n.s.AsOf, Outside: true, Payload: mustJSON(notice), State: leadloop.TaskPending,
	})
}

func stamp(t time.Time) string { return t.UTC().Format("20060102T150405.999999999Z") }

// mustJSON encodes the structs of this package, which always can be.
func mustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("routing: %T: %v", v, err))
	}
	return b
}
