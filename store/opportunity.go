package store

import (
	"context"
	"slices"

	"github.com/leadloop/leadloop"
)

// OpenOpportunities are the deals that make a lead nobody's new one: the open
// opportunities of the lead's account and the one that the lead was matched
// to, which comes first, the others in id order. Those that came from the lead
// itself are no reason to keep it from its owner: they are left out, and own
// tells that there is one. A lead without either costs no query.
func OpenOpportunities(ctx context.Context, crm CRM, lead *leadloop.Lead) (open []leadloop.Opportunity, own bool, err error) {
	s := &lead.State
	var all []leadloop.Opportunity
	if s.Account != "" {
		if all, err = crm.Opportunities(ctx, s.Account); err != nil {
			return nil, false, err
		}
	}
	matched := func(o leadloop.Opportunity) bool { return o.ID == s.Opportunity }
	if s.Opportunity != "" && !slices.ContainsFunc(all, matched) {
		of, err := crm.OpportunitiesOf(ctx, append([]leadloop.LeadID{lead.ID}, lead.Records...)...)
		if err != nil {
			return nil, false, err
		}
		for _, o := range of {
			if !slices.ContainsFunc(all, func(x leadloop.Opportunity) bool { return x.ID == o.ID }) {
				all = append(all, o)
			}
		}
	}
	if s.Opportunity != "" && !slices.ContainsFunc(all, matched) {
		// It is another account's, which the CRM can only be asked for as a whole.
		every, err := crm.Opportunities(ctx, "")
		if err != nil {
			return nil, false, err
		}
		if i := slices.IndexFunc(every, matched); i >= 0 {
			all = append(all, every[i])
		}
	}
	for _, o := range all {
		switch {
		case o.Status != leadloop.OpportunityOpen:
		case o.Lead != "" && (o.Lead == lead.ID || slices.Contains(lead.Records, o.Lead)):
			own = true
		case matched(o):
			open = slices.Insert(open, 0, o)
		default:
			open = append(open, o)
		}
	}
	return open, own, nil
}
