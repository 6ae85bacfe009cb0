package privacy

import (
	"context"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/normalize"
	"github.com/leadloop/leadloop/store"
)

// kindLead and kindHold mark leads, by id, rather than identifiers.
const (
	kindLead = "lead"
	kindHold = "hold"
)

// Listed returns the tokens by which a lead that is about to be stored may be
// found to be of somebody who was erased. They are those of its id and of the
// mailboxes that it was ever said to have, and of its numbers only if it has no
// mailbox: a number can be an office's, and a colleague's lead must not vanish
// for it. With [Tokens.Forget] it makes the tokens an engine.Forgetter.
func (t *Tokens) Listed(l *leadloop.Lead) []string {
	tokens := t.lookup(nil, kindLead, string(l.ID))
	id := len(tokens)
	for _, c := range l.Claims {
		if c.Field == leadloop.Email.Name() {
			if a, err := normalize.Email(c.Value.Text()); err == nil && !a.IsRole() {
				tokens = t.lookup(tokens, KindEmail, a.Base)
			}
		}
	}
	if len(tokens) > id {
		return tokens
	}
	hints := hintsOf(l)
	for _, c := range l.Claims {
		if c.Field == leadloop.Phone.Name() || c.Field == leadloop.Mobile.Name() {
			for _, n := range numbers(c.Value.Text(), hints) {
				tokens = t.lookup(tokens, KindPhone, n)
			}
		}
	}
	return tokens
}

// Forget drops a lead with [ReasonErased] if one of its tokens is among the hits
// for that reason. What was bought for it meanwhile is deleted in the same
// transaction, and answers that are still on their way will find its id on the
// list.
func (t *Tokens) Forget(ctx context.Context, tx store.Tx, l *leadloop.Lead, hits []store.Suppression, asOf time.Time) (reason string, err error) {
	tokens := t.Listed(l)
	if !slices.ContainsFunc(hits, func(s store.Suppression) bool { return s.Reason == ReasonErased && slices.Contains(tokens, s.Token) }) {
		return "", nil
	}
	if _, err := put(ctx, tx, store.Suppression{Token: t.token(kindLead, string(l.ID)), Reason: ReasonErased, At: asOf.UTC()}); err != nil {
		return "", err
	}
	return ReasonErased, tx.Cache().Purge(ctx, l.ID, asOf)
}

// ForgottenLead reports, as enrich.Options.Forgotten asks it, whether the lead
// of this id was erased, or not stored because its person was.
func (t *Tokens) ForgottenLead(ctx context.Context, tx store.Tx, id leadloop.LeadID) (bool, error) {
	hits, err := tx.Suppressions().Match(ctx, t.lookup(nil, kindLead, string(id)))
	return len(hits) > 0, err
}

// ForgottenContact reports whether a contact that is about to be stored, from a
// CRM that still has it, is somebody who was erased.
func (t *Tokens) ForgottenContact(ctx context.Context, tx store.Tx, c leadloop.Contact) (bool, error) {
	tokens := collector{tokens: t}
	tokens.mail(c.Email)
	tokens.number(c.Phone)
	hits, err := tx.Suppressions().Match(ctx, tokens.found)
	return slices.ContainsFunc(hits, func(s store.Suppression) bool { return s.Reason == ReasonErased }), err
}
