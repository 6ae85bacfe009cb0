package storetest

import (
	"context"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

func getAccount(id leadloop.AccountID) func(context.Context, store.Tx) (leadloop.Account, error) {
	return func(ctx context.Context, tx store.Tx) (leadloop.Account, error) { return tx.CRM().Account(ctx, id) }
}

func getContact(id leadloop.ContactID) func(context.Context, store.Tx) (leadloop.Contact, error) {
	return func(ctx context.Context, tx store.Tx) (leadloop.Contact, error) { return tx.CRM().Contact(ctx, id) }
}

func matchAccounts(idents ...leadloop.Identifier) func(context.Context, store.Tx) ([]leadloop.Account, error) {
	return func(ctx context.Context, tx store.Tx) ([]leadloop.Account, error) {
		return tx.CRM().MatchAccounts(ctx, idents)
	}
}

func matchContacts(idents ...leadloop.Identifier) func(context.Context, store.Tx) ([]leadloop.Contact, error) {
	return func(ctx context.Context, tx store.Tx) ([]leadloop.Contact, error) {
		return tx.CRM().MatchContacts(ctx, idents)
	}
}

func opportunities(account leadloop.AccountID) func(context.Context, store.Tx) ([]leadloop.Opportunity, error) {
	return func(ctx context.Context, tx store.Tx) ([]leadloop.Opportunity, error) {
		return tx.CRM().Opportunities(ctx, account)
	}
}

func opportunitiesOf(leads ...leadloop.LeadID) func(context.Context, store.Tx) ([]leadloop.Opportunity, error) {
	return func(ctx context.Context, tx store.Tx) ([]leadloop.Opportunity, error) {
		return tx.CRM().OpportunitiesOf(ctx, leads...)
	}
}

func reps(ctx context.Context, tx store.Tx) ([]leadloop.Rep, error) { return tx.CRM().Reps(ctx) }

func (k *kit) putAccounts(all ...leadloop.Account) {
	k.Helper()
	k.update(func(ctx context.Context, tx store.Tx) error {
		for _, a := range all {
			if err := tx.CRM().PutAccount(ctx, a); err != nil {
				return err
			}
		}
		return nil
	})
}

func (k *kit) putContacts(all ...leadloop.Contact) {
	k.Helper()
	k.update(func(ctx context.Context, tx store.Tx) error {
		for _, c := range all {
			if err := tx.CRM().PutContact(ctx, c); err != nil {
				return err
			}
		}
		return nil
	})
}

func accountID(a leadloop.Account) leadloop.AccountID             { return a.ID }
func contactID(c leadloop.Contact) leadloop.ContactID             { return c.ID }
func opportunityID(o leadloop.Opportunity) leadloop.OpportunityID { return o.ID }

var crmSentences = []sentence{
	{"Account and Contact return ErrNotFound for an id that was never put", "", func(k *kit) {
		missing(k, "Account", getAccount("nobody"))
		missing(k, "Contact", getContact("nobody"))
	}},
	{"PutAccount inserts, then replaces by id", "", func(k *kit) {
		k.putAccounts(fullAccount("a"))
		same(k, "the account", fullAccount("a"), read(k, getAccount("a")))
		k.putAccounts(leadloop.Account{ID: "a"})
		same(k, "the account replaced", leadloop.Account{ID: "a"}, read(k, getAccount("a")))
	}},
	{"PutContact inserts, then replaces by id", "", func(k *kit) {
		k.putContacts(fullContact("c"))
		same(k, "the contact", fullContact("c"), read(k, getContact("c")))
		k.putContacts(leadloop.Contact{ID: "c"})
		same(k, "the contact replaced", leadloop.Contact{ID: "c"}, read(k, getContact("c")))
	}},
	{"MatchAccounts finds accounts by any identifier, each once, in id order", "", func(k *kit) {
		k.putAccounts(
			leadloop.Account{ID: "c", Identifiers: []leadloop.Identifier{email("x"), phone("1")}},
			leadloop.Account{ID: "B", Identifiers: []leadloop.Identifier{phone("1"), phone("2")}},
			leadloop.Account{ID: "a", Identifiers: []leadloop.Identifier{email("X")}},
		)
		same(k, "accounts", []leadloop.AccountID{"B", "c"}, ids(read(k, matchAccounts(phone("1"), phone("2"), email("x"), phone("1"))), accountID))
		same(k, "accounts of another case", []leadloop.AccountID{"a"}, ids(read(k, matchAccounts(email("X"))), accountID))
		same(k, "accounts of no identifier", nil, read(k, matchAccounts()))
	}},
	{"MatchContacts finds contacts by any identifier, each once, in id order", "", func(k *kit) {
		k.putContacts(
			leadloop.Contact{ID: "c", Identifiers: []leadloop.Identifier{email("x"), phone("1")}},
			leadloop.Contact{ID: "B", Identifiers: []leadloop.Identifier{phone("1"), phone("2")}},
			leadloop.Contact{ID: "a", Identifiers: []leadloop.Identifier{email("X")}},
		)
		same(k, "contacts", []leadloop.ContactID{"B", "c"}, ids(read(k, matchContacts(phone("1"), phone("2"), email("x"), phone("1"))), contactID))
		same(k, "contacts of another case", []leadloop.ContactID{"a"}, ids(read(k, matchContacts(email("X"))), contactID))
		same(k, "contacts of no identifier", nil, read(k, matchContacts()))
	}},
	{"matching follows replaced identifiers", "", func(k *kit) {
		k.putAccounts(fullAccount("a"), leadloop.Account{ID: "a", Identifiers: []leadloop.Identifier{phone("9")}})
		k.putContacts(fullContact("c"), leadloop.Contact{ID: "c", Identifiers: []leadloop.Identifier{phone("9")}})
		same(k, "accounts of the old identifiers", nil, read(k, matchAccounts(fullAccount("a").Identifiers...)))
		same(k, "contacts of the old identifiers", nil, read(k, matchContacts(fullContact("c").Identifiers...)))
		same(k, "accounts of the new one", []leadloop.AccountID{"a"}, ids(read(k, matchAccounts(phone("9"))), accountID))
		same(k, "contacts of the new one", []leadloop.ContactID{"c"}, ids(read(k, matchContacts(phone("9"))), contactID))
	}},
	{"leads, accounts and contacts are matched apart", "", func(k *kit) {
		k.put(plainLead("a", phone("1")), 1)
		k.putAccounts(leadloop.Account{ID: "a", Identifiers: []leadloop.Identifier{phone("2")}})
		k.putContacts(leadloop.Contact{ID: "a", Identifiers: []leadloop.Identifier{phone("3")}})
		same(k, "leads", nil, read(k, match(phone("2"), phone("3"))))
		same(k, "accounts", nil, read(k, matchAccounts(phone("1"), phone("3"))))
		same(k, "contacts", nil, read(k, matchContacts(phone("1"), phone("2"))))
	}},
	{"Opportunities returns an account's in id order, or those of all accounts", "", func(k *kit) {
		put := func(o leadloop.Opportunity) {
			k.update(func(ctx context.Context, tx store.Tx) error { return tx.CRM().PutOpportunity(ctx, o) })
		}
		for _, o := range []leadloop.Opportunity{{ID: "c", Account: "x"}, {ID: "B", Account: "x"}, {ID: "a", Account: "y"}, {ID: "d"}} {
			put(o)
		}
		same(k, "of x", []leadloop.OpportunityID{"B", "c"}, ids(read(k, opportunities("x")), opportunityID))
		same(k, "of all", []leadloop.OpportunityID{"B", "a", "c", "d"}, ids(read(k, opportunities("")), opportunityID))
		same(k, "of nobody", nil, read(k, opportunities("z")))
		moved := fullOpportunity("B")
		moved.Account = "y"
		put(moved)
		same(k, "of x after one moved", []leadloop.OpportunityID{"c"}, ids(read(k, opportunities("x")), opportunityID))
		same(k, "of y after one moved", []leadloop.Opportunity{moved, {ID: "a", Account: "y"}}, read(k, opportunities("y")))
	}},
	{"OpportunitiesOf returns those of the leads, of any account, each once, in id order", "", func(k *kit) {
		put := func(o leadloop.Opportunity) {
			k.update(func(ctx context.Context, tx store.Tx) error { return tx.CRM().PutOpportunity(ctx, o) })
		}
		for _, o := range []leadloop.Opportunity{{ID: "c", Account: "x", Lead: "l1"}, {ID: "B", Lead: "l1"}, {ID: "a", Account: "y", Lead: "l2"}, {ID: "d", Account: "x"}} {
			put(o)
		}
		same(k, "of one lead", []leadloop.OpportunityID{"B", "c"}, ids(read(k, opportunitiesOf("l1")), opportunityID))
		same(k, "of two, one of them twice", []leadloop.OpportunityID{"B", "a", "c"}, ids(read(k, opportunitiesOf("l2", "l1", "l2")), opportunityID))
		same(k, "of nobody", nil, read(k, opportunitiesOf("L1", "l", "")))
		same(k, "of no lead", nil, read(k, opportunitiesOf()))
		moved := fullOpportunity("B")
		moved.Lead = "l2"
		put(moved)
		same(k, "of the one after an opportunity moved", []leadloop.OpportunityID{"c"}, ids(read(k, opportunitiesOf("l1")), opportunityID))
		same(k, "of the other", []leadloop.Opportunity{moved, {ID: "a", Account: "y", Lead: "l2"}}, read(k, opportunitiesOf("l2")))
	}},
	{"Reps returns all reps in id order, replaced by id", "", func(k *kit) {
		for _, r := range []leadloop.Rep{{ID: "b"}, fullRep("a"), {ID: "C"}, fullRep("b")} {
			k.update(func(ctx context.Context, tx store.Tx) error { return tx.CRM().PutRep(ctx, r) })
		}
		same(k, "reps", []leadloop.Rep{{ID: "C"}, fullRep("a"), fullRep("b")}, read(k, reps))
	}},
	{"what the CRM returns belongs to the caller, and it keeps nothing it is given", "", func(k *kit) {
		a, c, r := fullAccount("a"), fullContact("c"), fullRep("r")
		k.update(func(ctx context.Context, tx store.Tx) error {
			if err := tx.CRM().PutAccount(ctx, a); err != nil {
				return err
			}
			if err := tx.CRM().PutContact(ctx, c); err != nil {
				return err
			}
			return tx.CRM().PutRep(ctx, r)
		})
		same(k, "the account given", fullAccount("a"), a)
		same(k, "the contact given", fullContact("c"), c)
		same(k, "the rep given", fullRep("r"), r)
		for range 2 { // scribble over what was given, then over what was returned
			a.Domains[0], a.Identifiers[0].Value = "scribble", "scribble"
			c.Identifiers[0].Value = "scribble"
			r.Languages[0], r.Skills[0], r.Away[0].From = "scribble", "scribble", time.Time{}
			a = read(k, getAccount("a"))
			same(k, "the account", fullAccount("a"), a)
			c = read(k, getContact("c"))
			same(k, "the contact", fullContact("c"), c)
			all := read(k, reps)
			same(k, "the reps", []leadloop.Rep{fullRep("r")}, all)
			r = all[0]
		}
	}},
}
