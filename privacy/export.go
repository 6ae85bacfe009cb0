package privacy

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// exportVersion is the version of the export's JSON form.
const exportVersion = 1

// Export is everything that the store holds about a person, for somebody who
// asks for access to it (GDPR, article 15) or wants to take it along (article
// 20). What a vendor's answer cost stands in the history. Its JSON form is
// versioned. It holds personal data.
type Export struct {
	Version int       `json:"version"`
	At      time.Time `json:"at"`
	// Leads have every claim with where it came from; those merged into others
	// stand for themselves.
	Leads     []*leadloop.Lead    `json:"leads"`
	Contacts  []leadloop.Contact  `json:"contacts,omitempty"`
	Decisions []leadloop.Decision `json:"decisions,omitempty"`
	History   []leadloop.Event    `json:"history,omitempty"`
	Tasks     []leadloop.Task     `json:"tasks,omitempty"`
	// Answers are those of vendors that are kept so as not to be bought again,
	// whether the leads took them over or not.
	Answers []Answer `json:"answers,omitempty"`
	// Consents and Suppressions are what the person allowed and what holds them
	// back, by token.
	Consents     []store.Consent     `json:"consents,omitempty"`
	Suppressions []store.Suppression `json:"suppressions,omitempty"`
}

// Answer is an entry of the cache. What somebody else's lead was asked about, such
// as their company, stands there.
type Answer struct {
	Lead leadloop.LeadID `json:"lead"` // the lead it was bought for
	// Data is what is kept, as package enrich keeps it: which provider said what
	// about which field, and when; a number alone is what was spent on the lead, in
	// millionths. What is no JSON, because another program keeps it there, is a
	// string in base64.
	Data      json.RawMessage `json:"data"`
	ExpiresAt time.Time       `json:"expires_at"`
}

// ExportPerson gathers everything about a person. ErrNotFound if Person.Lead is
// not there; of somebody of whom nothing is stored the export has no leads.
// ErrInvalid as with [Eraser.Erase].
func ExportPerson(ctx context.Context, st store.Store, t *Tokens, p Person, asOf time.Time) (*Export, error) {
	var x *Export
	err := st.View(ctx, func(tx store.Tx) error {
		d, err := find(ctx, tx, p)
		if err != nil {
			return err
		}
		x = &Export{Version: exportVersion, At: asOf.UTC(), Leads: d.leads, Contacts: d.contacts}
		for _, id := range d.ids() {
			decisions, err := tx.Decisions().ByLead(ctx, id)
			if err != nil {
				return err
			}
			tasks, err := tx.Tasks().ByLead(ctx, id)
			if err != nil {
				return err
			}
			kept, err := tx.Cache().ByLead(ctx, id)
			if err != nil {
				return err
			}
			for _, e := range kept {
				if !json.Valid(e.Data) {
					if e.Data, err = json.Marshal(e.Data); err != nil {
						return err
					}
				}
				x.Answers = append(x.Answers, Answer{e.Lead, e.Data, e.ExpiresAt})
			}
			x.Decisions, x.Tasks = append(x.Decisions, decisions...), append(x.Tasks, tasks...)
			for ev, err := range tx.Journal().ByLead(ctx, id) {
				if err != nil {
					return err
				}
				x.History = append(x.History, ev)
			}
		}
		tokens := t.of(d.emails, d.phones)
		if x.Consents, err = tx.Consents().Of(ctx, tokens); err != nil {
			return err
		}
		x.Suppressions, err = tx.Suppressions().Match(ctx, tokens)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("privacy: export: %w", err)
	}
	return x, nil
}
