package store_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// deals is a CRM that knows opportunities only.
type deals struct {
	store.CRM
	all []leadloop.Opportunity // in id order
}

func (d deals) Opportunities(_ context.Context, account leadloop.AccountID) ([]leadloop.Opportunity, error) {
	var out []leadloop.Opportunity
	for _, o := range d.all {
		if account == "" || o.Account == account {
			out = append(out, o)
		}
	}
	return out, nil
}

func (d deals) OpportunitiesOf(_ context.Context, leads ...leadloop.LeadID) ([]leadloop.Opportunity, error) {
	return slices.DeleteFunc(slices.Clone(d.all), func(o leadloop.Opportunity) bool { return o.Lead == "" || !slices.Contains(leads, o.Lead) }), nil
}

func TestOpenOpportunitiesAreThoseThatMakeALeadNobodysNewOne(t *testing.T) {
	const open = leadloop.OpportunityOpen
	crm := deals{all: []leadloop.Opportunity{
		{ID: "o1", Account: "acme", Status: open},
		{ID: "o2", Account: "acme", Status: leadloop.OpportunityWon},
		{ID: "o3", Account: "acme", Status: open},
		{ID: "o4", Account: "acme", Status: open, Lead: "l1"},
		{ID: "o5", Account: "acme", Status: open, Lead: "l0"},
		{ID: "o6", Account: "hooli", Status: open},
		{ID: "o7", Account: "hooli", Status: leadloop.OpportunityLost},
	}}
	for name, c := range map[string]struct {
		state   leadloop.State
		records []leadloop.LeadID
		want    []leadloop.OpportunityID
		own     bool
	}{
		"a lead that was matched to nothing has none":                {},
		"those of the account, in id order":                          {state: leadloop.State{Account: "acme"}, want: []leadloop.OpportunityID{"o1", "o3", "o5"}, own: true},
		"the one it was matched to comes first":                      {state: leadloop.State{Account: "acme", Opportunity: "o3"}, want: []leadloop.OpportunityID{"o3", "o1", "o5"}, own: true},
		"one that was won does not come first":                       {state: leadloop.State{Account: "acme", Opportunity: "o2"}, want: []leadloop.OpportunityID{"o1", "o3", "o5"}, own: true},
		"what came from a lead that was merged into it is its own":   {state: leadloop.State{Account: "acme"}, records: []leadloop.LeadID{"l0"}, want: []leadloop.OpportunityID{"o1", "o3"}, own: true},
		"the one it was matched to may be another account's":         {state: leadloop.State{Account: "acme", Opportunity: "o6"}, want: []leadloop.OpportunityID{"o6", "o1", "o3", "o5"}, own: true},
		"or that of a lead whose account nobody knows":               {state: leadloop.State{Opportunity: "o6"}, want: []leadloop.OpportunityID{"o6"}, own: true},
		"its own is found without its account":                       {state: leadloop.State{Opportunity: "o4"}, own: true},
		"one that was lost or that the CRM no longer has is no deal": {state: leadloop.State{Opportunity: "o7"}, own: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, own, err := store.OpenOpportunities(t.Context(), crm, &leadloop.Lead{ID: "l1", Records: c.records, State: c.state})
			var ids []leadloop.OpportunityID
			for _, o := range got {
				ids = append(ids, o.ID)
			}
			if err != nil || own != c.own || cmp.Diff(c.want, ids) != "" {
				t.Errorf("%v own %v, %v", ids, own, err)
			}
		})
	}
}
