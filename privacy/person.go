package privacy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/normalize"
	"github.com/leadloop/leadloop/store"
)

// Person says whom a request is about: a lead, a mailbox, a phone number in
// international form. What is given must all be the same person's.
type Person struct {
	Lead  leadloop.LeadID
	Email string
	Phone string
}

// The kinds of identifiers, of those that leads are found by, that a mailbox
// and a number have (package dedupe writes them).
const (
	identifierMailbox = "email_base"
	identifierAddress = "email"
	identifierPhone   = "phone"
)

// dossier is all that the store holds about one person, by id.
type dossier struct {
	leads    []*leadloop.Lead // with those merged into them
	contacts []leadloop.Contact
	emails   []string // canonical mailboxes that are a person's, sorted
	phones   []string // E.164, sorted
}

func (d *dossier) ids() []leadloop.LeadID {
	ids := make([]leadloop.LeadID, len(d.leads))
	for i, l := range d.leads {
		ids[i] = l.ID
	}
	return ids
}

// of are the tokens of canonical mailboxes and numbers, by every key.
func (t *Tokens) of(mailboxes, phones []string) []string {
	var tokens []string
	for _, m := range mailboxes {
		tokens = t.lookup(tokens, KindEmail, m)
	}
	for _, n := range phones {
		tokens = t.lookup(tokens, KindPhone, n)
	}
	return tokens
}

// find gathers what belongs to the person. Other leads are taken along when
// they have a mailbox of theirs, which is nobody else's; a phone number may be
// a whole office's, so it finds a lead only when it was asked for and only one
// has it.
func find(ctx context.Context, tx store.Tx, p Person) (*dossier, error) {
	if p == (Person{}) {
		return nil, fmt.Errorf("%w: a lead, an e-mail address or a phone number is needed", leadloop.ErrInvalid)
	}
	d := &dossier{}
	if p.Email != "" {
		a, err := normalize.Email(p.Email)
		if err != nil {
			return nil, invalid(err)
		}
		if a.IsRole() {
			return nil, fmt.Errorf("%w: the address is a shared mailbox, which is no person's: name the lead", leadloop.ErrInvalid)
		}
		d.addMailbox(a)
	}
	if p.Phone != "" {
		n, err := normalize.Phone(p.Phone, "")
		if err != nil {
			return nil, invalid(err)
		}
		found, err := tx.Leads().Match(ctx, []leadloop.Identifier{{Kind: identifierPhone, Value: n.E164}})
		if err != nil {
			return nil, err
		}
		if len(found) > 1 && p.Lead == "" && p.Email == "" {
			return nil, fmt.Errorf("%w: %d leads have the number, so it may be an office's: name the lead", leadloop.ErrInvalid, len(found))
		}
		d.phones = []string{n.E164}
		if len(found) == 1 && p.Lead == "" && p.Email == "" {
			p.Lead = found[0]
		}
	}
	if p.Lead != "" {
		root, err := store.Resolve(ctx, tx.Leads(), p.Lead)
		if err != nil {
			return nil, err
		}
		if err := d.addLead(ctx, tx, root); err != nil {
			return nil, err
		}
	}
	for asked := 0; asked < len(d.emails); {
		ids := make([]leadloop.Identifier, 0, len(d.emails))
		for _, e := range d.emails {
			ids = append(ids, leadloop.Identifier{Kind: identifierMailbox, Value: e}, leadloop.Identifier{Kind: identifierAddress, Value: e})
		}
		asked = len(d.emails)
		found, err := tx.Leads().Match(ctx, ids)
		if err != nil {
			return nil, err
		}
		for _, id := range found {
			if slices.Contains(d.ids(), id) {
				continue
			}
			l, err := tx.Leads().Get(ctx, id)
			if err != nil {
				return nil, err
			}
			if err := d.addLead(ctx, tx, l); err != nil {
				return nil, err
			}
		}
		contacts, err := tx.CRM().MatchContacts(ctx, ids)
		if err != nil {
			return nil, err
		}
		for _, c := range contacts {
			d.addContact(c)
		}
	}
	return d, nil
}

// addLead adds a lead that is not merged away, the records it is made of, the
// contact it is linked to, and the mailboxes and numbers it ever had.
func (d *dossier) addLead(ctx context.Context, tx store.Tx, l *leadloop.Lead) error {
	d.leads = append(d.leads, l)
	for _, id := range l.Records {
		r, err := tx.Leads().Get(ctx, id)
		if errors.Is(err, leadloop.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		d.leads = append(d.leads, r)
	}
	hints := hintsOf(l)
	for _, c := range l.Claims {
		switch c.Field {
		case leadloop.Email.Name():
			if a, err := normalize.Email(c.Value.Text()); err == nil && !a.IsRole() {
				d.addMailbox(a)
			}
		case leadloop.Phone.Name(), leadloop.Mobile.Name():
			for _, n := range numbers(c.Value.Text(), hints) {
				d.phones = insert(d.phones, n)
			}
		}
	}
	if l.State.Contact == "" {
		return nil
	}
	c, err := tx.CRM().Contact(ctx, l.State.Contact)
	if errors.Is(err, leadloop.ErrNotFound) {
		return nil
	}
	if err == nil {
		d.addContact(c)
	}
	return err
}

func (d *dossier) addContact(c leadloop.Contact) {
	if slices.ContainsFunc(d.contacts, func(have leadloop.Contact) bool { return have.ID == c.ID }) {
		return
	}
	d.contacts = append(d.contacts, c)
	if a, err := normalize.Email(c.Email); err == nil && !a.IsRole() {
		d.addMailbox(a)
	}
}

func (d *dossier) addMailbox(a normalize.EmailAddress) { d.emails = insert(d.emails, a.Base) }

func insert(sorted []string, s string) []string {
	i, found := slices.BinarySearch(sorted, s)
	if found {
		return sorted
	}
	return slices.Insert(sorted, i, s)
}

// hintsOf are the countries that a lead's numbers may be of: every one that
// was claimed, and none for those in international form.
func hintsOf(l *leadloop.Lead) []string {
	hints := []string{""}
	for _, c := range l.Claims {
		if c.Field == leadloop.Country.Name() || c.Field == leadloop.CompanyCountry.Name() {
			if text := strings.TrimSpace(c.Value.Text()); text != "" && !slices.Contains(hints, text) {
				hints = append(hints, text)
			}
		}
	}
	return hints
}

// numbers are what a number can be read as, in E.164.
func numbers(text string, hints []string) []string {
	var all []string
	for _, h := range hints {
		n, err := normalize.Phone(text, h)
		if err != nil {
			continue
		}
		if all = insert(all, n.E164); n.E164 == text {
			break // it says its country itself
		}
	}
	return all
}
