package memstore

import (
	"context"
	"slices"

	"github.com/leadloop/leadloop"
)

type crm struct{ *tx }

func (r crm) Account(ctx context.Context, id leadloop.AccountID) (leadloop.Account, error) {
	if err := r.reading(ctx); err != nil {
		return leadloop.Account{}, err
	}
	a, ok := r.state.accounts.get(id)
	if !ok {
		return leadloop.Account{}, notFound("account", string(id))
	}
	return copyAccount(*a), nil
}

func (r crm) PutAccount(ctx context.Context, a leadloop.Account) error {
	if err := r.writing(ctx); err != nil {
		return err
	}
	if old, ok := r.state.accounts.get(a.ID); ok {
		for _, i := range old.Identifiers {
			r.state.accountIdents.drop(identKey(i, string(a.ID)))
		}
	}
	a = copyAccount(a)
	r.state.accounts.put(a.ID, &a)
	for _, i := range a.Identifiers {
		r.state.accountIdents.put(identKey(i, string(a.ID)), a.ID)
	}
	return nil
}

func (r crm) MatchAccounts(ctx context.Context, ids []leadloop.Identifier) ([]leadloop.Account, error) {
	if err := r.reading(ctx); err != nil {
		return nil, err
	}
	var found []leadloop.Account
	for _, id := range identified(r.state.accountIdents, ids) {
		a, _ := r.state.accounts.get(id)
		found = append(found, copyAccount(*a))
	}
	return found, nil
}

func (r crm) Contact(ctx context.Context, id leadloop.ContactID) (leadloop.Contact, error) {
	if err := r.reading(ctx); err != nil {
		return leadloop.Contact{}, err
	}
	c, ok := r.state.contacts.get(id)
	if !ok {
		return leadloop.Contact{}, notFound("contact", string(id))
	}
	return copyContact(*c), nil
}

func (r crm) PutContact(ctx context.Context, c leadloop.Contact) error {
	if err := r.writing(ctx); err != nil {
		return err
	}
	if old, ok := r.state.contacts.get(c.ID); ok {
		for _, i := range old.Identifiers {
			r.state.contactIdents.drop(identKey(i, string(c.ID)))
		}
	}
	c = copyContact(c)
	r.state.contacts.put(c.ID, &c)
	for _, i := range c.Identifiers {
		r.state.contactIdents.put(identKey(i, string(c.ID)), c.ID)
	}
	return nil
}

func (r crm) MatchContacts(ctx context.Context, ids []leadloop.Identifier) ([]leadloop.Contact, error) {
	if err := r.reading(ctx); err != nil {
		return nil, err
	}
	var found []leadloop.Contact
	for _, id := range identified(r.state.contactIdents, ids) {
		c, _ := r.state.contacts.get(id)
		found = append(found, copyContact(*c))
	}
	return found, nil
}

func (r crm) PutOpportunity(ctx context.Context, o leadloop.Opportunity) error {
	if err := r.writing(ctx); err != nil {
		return err
	}
	if old, ok := r.state.opps.get(o.ID); ok {
		r.state.oppsByAccount.drop(key{a: string(old.Account), b: string(o.ID)})
		r.state.oppsByLead.drop(key{a: string(old.Lead), b: string(o.ID)})
	}
	o = copyOpportunity(o)
	r.state.opps.put(o.ID, &o)
	r.state.oppsByAccount.put(key{a: string(o.Account), b: string(o.ID)}, o.ID)
	if o.Lead != "" {
		r.state.oppsByLead.put(key{a: string(o.Lead), b: string(o.ID)}, o.ID)
	}
	return nil
}

func (r crm) OpportunitiesOf(ctx context.Context, leads ...leadloop.LeadID) ([]leadloop.Opportunity, error) {
	if err := r.reading(ctx); err != nil {
		return nil, err
	}
	var ids []leadloop.OpportunityID
	for _, lead := range leads {
		for k, id := range r.state.oppsByLead.from(key{a: string(lead)}) {
			if k.a != string(lead) {
				break
			}
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	var found []leadloop.Opportunity
	for _, id := range slices.Compact(ids) {
		o, _ := r.state.opps.get(id)
		found = append(found, copyOpportunity(*o))
	}
	return found, nil
}

func (r crm) Opportunities(ctx context.Context, account leadloop.AccountID) ([]leadloop.Opportunity, error) {
	if err := r.reading(ctx); err != nil {
		return nil, err
	}
	var found []leadloop.Opportunity
	if account == "" {
		for _, o := range r.state.opps.all() {
			found = append(found, copyOpportunity(*o))
		}
		return found, nil
	}
	for k, id := range r.state.oppsByAccount.from(key{a: string(account)}) {
		if k.a != string(account) {
			break
		}
		o, _ := r.state.opps.get(id)
		found = append(found, copyOpportunity(*o))
	}
	return found, nil
}

func (r crm) PutRep(ctx context.Context, p leadloop.Rep) error {
	if err := r.writing(ctx); err != nil {
		return err
	}
	p = copyRep(p)
	r.state.reps.put(p.ID, &p)
	return nil
}

func (r crm) Reps(ctx context.Context) ([]leadloop.Rep, error) {
	if err := r.reading(ctx); err != nil {
		return nil, err
	}
	var all []leadloop.Rep
	for _, p := range r.state.reps.all() {
		all = append(all, copyRep(*p))
	}
	return all, nil
}
