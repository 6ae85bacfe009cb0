package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/store"
)

// left estimates what it would have cost to buy also what the latest decision
// about each lead could do without. What is told about a company is bought once
// for all of its leads.
func left(ctx context.Context, tx store.Tx, pb *playbook.Playbook, leads []leadloop.LeadID) (sum leadloop.Micros, err error) {
	by := map[string]leadloop.Micros{}
	for _, id := range leads {
		d, err := tx.Decisions().Latest(ctx, id)
		if errors.Is(err, leadloop.ErrNotFound) {
			continue
		}
		if err != nil {
			return 0, err
		}
		for _, step := range d.Steps {
			var r enrich.Report
			if step.Stage != "enrich" || json.Unmarshal(step.Trace, &r) != nil || r.Saved == 0 {
				continue
			}
			lead, err := tx.Leads().Get(ctx, id)
			if err != nil {
				return 0, err
			}
			who, _ := leadloop.Domain.Get(leadloop.Golden(pb.Schema(), pb.Policy(), lead.Claims))
			if who == "" {
				who = string(id)
			}
			by[who] = max(by[who], r.Saved)
		}
	}
	for _, saved := range by {
		sum += saved
	}
	return sum, nil
}

// ofAll says how much of what buying everything would have cost was spent.
func ofAll(spent, left leadloop.Micros, currency string) string {
	if left <= 0 || spent <= 0 {
		return ""
	}
	return fmt.Sprintf("%.0f %% of the about %s for all that rules read", 100*float64(spent)/float64(spent+left), money(spent+left, currency))
}
