package playbook

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// Holding is what a store holds of one field, and what for.
type Holding struct {
	Field string `json:"field"`
	// Person says that the field is about a person, not about a company or
	// where the lead came from.
	Person bool `json:"person"`
	// Leads is how many leads have a value of it, merged ones included; Bought
	// how many have one from a provider, at the price Spent: of calls that
	// answered several fields an equal part.
	Leads  int             `json:"leads"`
	Bought int             `json:"bought"`
	Spent  leadloop.Micros `json:"spent"` // in millionths of the playbook's currency
	// Readers are the rules that read it, as in [Demand]; Uses what else it is
	// for: "matching" people and companies, "contact" with them, "attribution",
	// "derived" fields that a rule reads.
	Readers []string `json:"readers"`
	Uses    []string `json:"uses"`
}

// Needless reports whether the field is held or bought, and nothing that the
// playbook knows of needs it.
func (h Holding) Needless() bool {
	return len(h.Readers)+len(h.Uses) == 0 && (h.Leads > 0 || h.Spent > 0)
}

// uses are what fields are for besides rules.
var uses = map[string][]string{
	"matching":    {leadloop.Email.Name(), leadloop.Phone.Name(), leadloop.Mobile.Name(), leadloop.FirstName.Name(), leadloop.LastName.Name(), leadloop.LinkedInURL.Name(), leadloop.CompanyName.Name(), leadloop.Domain.Name()},
	"contact":     {leadloop.Email.Name(), leadloop.Phone.Name(), leadloop.Mobile.Name(), leadloop.FirstName.Name(), leadloop.LastName.Name(), leadloop.Language.Name(), leadloop.Timezone.Name()},
	"attribution": {leadloop.Source.Name(), leadloop.Medium.Name(), leadloop.Campaign.Name()},
	"consent":     {leadloop.Consent.Name()},
}

// derived are fields that others are computed from.
var derived = map[string][]string{
	leadloop.Title.Name(): {leadloop.Seniority.Name(), leadloop.Department.Name()},
}

// minimiseBatch is how many leads are read in one View.
const minimiseBatch = 1000

// Minimise lists the fields that the leads of a store have, or that were bought
// for them, in order of name, with what reads or needs them: the report of data
// minimisation. A field that is [Holding.Needless] can go from forms, lists and
// enrich.yaml. It reads all leads, in parts; an error is the store's.
func (p *Playbook) Minimise(ctx context.Context, st store.Store) ([]Holding, error) {
	demand, err := p.Demand()
	if err != nil {
		return nil, err
	}
	by := map[string]*Holding{}
	at := func(field string) *Holding {
		h := by[field]
		if h == nil {
			h = &Holding{Field: field, Person: personal(field), Readers: []string{}, Uses: []string{}}
			by[field] = h
		}
		return h
	}
	after := leadloop.LeadID("")
	for {
		n := 0
		err := st.View(ctx, func(tx store.Tx) error {
			leads, err := tx.Leads().List(ctx, after, minimiseBatch)
			n = len(leads)
			for _, l := range leads {
				after = l.ID
				held, bought := map[string]bool{}, map[string]bool{}
				for _, c := range l.Claims {
					// What merging keeps for itself is no field of a lead.
					if c.Value.Presence() != leadloop.Present || strings.HasPrefix(c.Field, "merge.") {
						continue
					}
					held[c.Field] = true
					if c.Origin == leadloop.OriginProvider {
						bought[c.Field] = true
					}
				}
				for f := range held {
					at(f).Leads++
				}
				for f := range bought {
					at(f).Bought++
				}
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("minimise: %w", err)
		}
		if n < minimiseBatch {
			break
		}
	}
	err = st.View(ctx, func(tx store.Tx) error {
		for c, err := range tx.Costs().Since(ctx, time.Time{}) {
			if err != nil {
				return err
			}
			for _, f := range c.Fields {
				at(f).Spent += c.Amount / leadloop.Micros(len(c.Fields))
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("minimise: costs: %w", err)
	}
	for _, d := range demand {
		if by[d.Field] != nil && d.Readers != nil {
			by[d.Field].Readers = d.Readers
		}
	}
	return p.held(by), nil
}

// held adds what fields are for besides rules.
func (p *Playbook) held(by map[string]*Holding) []Holding {
	reads := p.Reads()
	out := make([]Holding, 0, len(by))
	for _, h := range by {
		for use, fields := range uses {
			if slices.Contains(fields, h.Field) {
				h.Uses = append(h.Uses, use)
			}
		}
		if slices.ContainsFunc(derived[h.Field], func(f string) bool { return slices.Contains(reads, f) }) {
			h.Uses = append(h.Uses, "derived")
		}
		slices.Sort(h.Uses)
		out = append(out, *h)
	}
	slices.SortFunc(out, func(a, b Holding) int { return strings.Compare(a.Field, b.Field) })
	return out
}

// personal reports whether a field is about a person: what does not say where
// the lead came from, and is not about its company.
func personal(field string) bool {
	if !strings.HasPrefix(field, "lead.") {
		return false
	}
	switch field {
	case leadloop.Source.Name(), leadloop.Medium.Name(), leadloop.Campaign.Name(), leadloop.Partner.Name(), leadloop.ProductInterest.Name():
		return false
	}
	return true
}
