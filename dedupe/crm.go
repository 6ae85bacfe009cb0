package dedupe

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// crmMatch is what a lead matches in the CRM: all that was compared, best first, and what was chosen.
type crmMatch struct {
	contacts, accounts            []Match
	contact, account, opportunity *Match
}

// matchCRM matches a person by the identifiers given to a contact, by its company to an account, and to an open opportunity of either. State is
// the lead's: what it is linked to stays if it still matches.
func matchCRM(ctx context.Context, tx store.Tx, o Options, p Person, ids []leadloop.Identifier, state leadloop.State) (m crmMatch, err error) {
	viaContact, err := m.matchContacts(ctx, tx, o, p, ids, state)
	if err != nil {
		return m, err
	}
	if err := m.matchAccounts(ctx, tx, o, p, viaContact, state); err != nil {
		return m, err
	}
	account := state.Account
	if m.account != nil {
		account = m.account.Account
	}
	if account == "" {
		return m, nil
	}
	contact := state.Contact
	if m.contact != nil {
		contact = m.contact.Contact
	}
	opportunities, err := tx.CRM().Opportunities(ctx, account)
	if err != nil {
		return m, err
	}
	m.opportunity = matchOpportunity(opportunities, contact, state.Opportunity)
	return m, nil
}

// matchContacts returns the account of the contact that matched, "" if none or if the contact has none.
func (m *crmMatch) matchContacts(ctx context.Context, tx store.Tx, o Options, p Person, ids []leadloop.Identifier, state leadloop.State) (leadloop.AccountID, error) {
	if len(ids) == 0 {
		return "", nil
	}
	contacts, err := tx.CRM().MatchContacts(ctx, ids)
	if err != nil {
		return "", err
	}
	accountOf := map[leadloop.ContactID]leadloop.AccountID{}
	for _, c := range contacts {
		var account leadloop.Account
		if c.Account != "" {
			// A contact may name an account that the CRM no longer has.
			if account, err = tx.CRM().Account(ctx, c.Account); err != nil && !errors.Is(err, leadloop.ErrNotFound) {
				return "", err
			}
		}
		match := Compare(p, PersonOfContact(c, account))
		match.Contact = c.ID
		m.contacts = append(m.contacts, match)
		accountOf[c.ID] = account.ID
	}
	slices.SortFunc(m.contacts, func(a, b Match) int {
		return cmp.Or(cmp.Compare(b.Confidence, a.Confidence), trueFirst(a.Contact == state.Contact, b.Contact == state.Contact),
			strings.Compare(string(a.Contact), string(b.Contact)))
	})
	if len(m.contacts) == 0 || m.contacts[0].Confidence < o.Match {
		return "", nil
	}
	m.contact = &m.contacts[0]
	return accountOf[m.contact.Contact], nil
}

// trueFirst orders true before false.
func trueFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// matchAccounts prefers the account of a known contact. Among accounts that match equally it prefers the one the lead is linked to, the one with
// the company's name, the one in the company's country, and a parent over its subsidiaries.
func (m *crmMatch) matchAccounts(ctx context.Context, tx store.Tx, o Options, p Person, viaContact leadloop.AccountID, state leadloop.State) error {
	if viaContact != "" {
		match := *m.contact
		match.Contact, match.Account, match.Reason = "", viaContact, "account of the matched contact: "+match.Reason
		m.account = &match
		m.accounts = []Match{match}
		return nil
	}
	ids := p.companyIdentifiers()
	if len(ids) == 0 {
		return nil
	}
	accounts, err := tx.CRM().MatchAccounts(ctx, ids)
	if err != nil {
		return err
	}
	type candidate struct {
		match             Match
		current           bool
		name, country, up bool
	}
	var all []candidate
	for _, a := range accounts {
		t := Person{[]traits{accountTraits(a)}}
		all = append(all, candidate{
			match: CompareAccount(p, a), current: a.ID == state.Account, up: a.Parent == "",
			name: share(p.companies(), t.companies()), country: share(p.countries(), t.countries()),
		})
	}
	slices.SortFunc(all, func(a, b candidate) int {
		matches := func(c candidate) bool { return c.match.Confidence >= o.Match }
		return cmp.Or(
			trueFirst(a.current && matches(a), b.current && matches(b)),
			cmp.Compare(b.match.Confidence, a.match.Confidence),
			trueFirst(a.name, b.name), trueFirst(a.country, b.country), trueFirst(a.up, b.up),
			strings.Compare(string(a.match.Account), string(b.match.Account)),
		)
	})
	for _, c := range all {
		m.accounts = append(m.accounts, c.match)
	}
	if len(all) > 0 && all[0].match.Confidence >= o.Match {
		m.account = &m.accounts[0]
	}
	return nil
}

func (p Person) companyIdentifiers() []leadloop.Identifier {
	var all []leadloop.Identifier
	for _, t := range p.records {
		all = append(all, slices.DeleteFunc(t.identifiers(false), isPersonal)...)
	}
	return uniteIdentifiers(all, nil)
}

// matchOpportunity returns the open opportunity that the lead belongs to: the one it is linked to, else one of its contact, else the latest.
func matchOpportunity(all []leadloop.Opportunity, contact leadloop.ContactID, current leadloop.OpportunityID) *Match {
	open := slices.DeleteFunc(slices.Clone(all), func(o leadloop.Opportunity) bool { return o.Status != leadloop.OpportunityOpen })
	if len(open) == 0 {
		return nil
	}
	isContact := func(o leadloop.Opportunity) bool { return contact != "" && o.Contact == contact }
	best := slices.MinFunc(open, func(a, b leadloop.Opportunity) int {
		return cmp.Or(trueFirst(a.ID == current, b.ID == current), trueFirst(isContact(a), isContact(b)), b.CreatedAt.Compare(a.CreatedAt),
			strings.Compare(string(a.ID), string(b.ID)))
	})
	m := &Match{Opportunity: best.ID, Rule: RuleOpportunity, Confidence: 1, Reason: "open opportunity of the matched account"}
	if isContact(best) {
		m.Rule, m.Reason = RuleContactOpp, "open opportunity of the matched contact"
	}
	return m
}
