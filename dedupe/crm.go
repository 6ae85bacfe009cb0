package dedupe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// crmMatch is what a lead matches in the CRM: all that was compared, best first, and what was chosen.
type crmMatch struct {
	contacts, accounts            []Match
	contact, account, opportunity *Match
	// ambiguous are accounts between which nothing decided.
	ambiguous []leadloop.AccountID
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

// matchAccounts takes the account of a known contact, else what ChooseAccount chooses. Names that are only close are looked up if nothing else
// matches: they find many accounts.
func (m *crmMatch) matchAccounts(ctx context.Context, tx store.Tx, o Options, p Person, viaContact leadloop.AccountID, state leadloop.State) error {
	if viaContact != "" {
		match := *m.contact
		match.Contact, match.Account, match.Reason = "", viaContact, "account of the matched contact: "+match.Reason
		m.account = &match
		m.accounts = []Match{match}
		return nil
	}
	exact, like := p.companyIdentifiers()
	for _, ids := range [][]leadloop.Identifier{exact, like} {
		if len(ids) == 0 {
			continue
		}
		accounts, err := tx.CRM().MatchAccounts(ctx, ids)
		if err != nil {
			return err
		}
		choice := ChooseAccount(p, accounts, state.Account, o.Match)
		m.accounts = slices.DeleteFunc(choice.Matches, func(a Match) bool { return a.Rule == RuleNone })
		m.ambiguous = choice.Ambiguous
		if match, ok := choice.Chosen(); ok {
			m.account = &match
		}
		if m.account != nil || m.ambiguous != nil {
			return nil
		}
	}
	return nil
}

// companyIdentifiers returns domains and company keys, and the pieces of the keys.
func (p Person) companyIdentifiers() (exact, like []leadloop.Identifier) {
	for _, t := range p.records {
		for _, id := range t.identifiers(false) {
			switch {
			case id.Kind == IdentifierCompanyLike:
				like = append(like, id)
			case !isPersonal(id):
				exact = append(exact, id)
			}
		}
	}
	return uniteIdentifiers(exact, nil), uniteIdentifiers(like, nil)
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
	if len(open) > 1 {
		m.Reason = fmt.Sprintf("latest of %d open opportunities of the matched account", len(open))
	}
	if best.ID == current {
		m.Reason = "open opportunity that the lead is linked to"
	}
	if isContact(best) {
		m.Rule, m.Reason = RuleContactOpp, "open opportunity of the matched contact"
	}
	return m
}
