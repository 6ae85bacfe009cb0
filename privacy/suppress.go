package privacy

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/suggest"
	"github.com/leadloop/leadloop/store"
)

// Reason codes of suppressions, from the strongest to the weakest. A host may
// use codes of its own, which are weaker than these.
const (
	ReasonErased     = "erased"     // asked to be forgotten
	ReasonOptedOut   = "opted_out"  // asked not to be contacted
	ReasonBounced    = "bounced"    // mail comes back
	ReasonCompetitor = "competitor" // sells what we sell
	ReasonManual     = "manual"     // somebody of ours said so
)

var strength = []string{ReasonErased, ReasonOptedOut, ReasonBounced, ReasonCompetitor, ReasonManual}

// rank is 0 for the strongest reason.
func rank(reason string) int {
	if i := slices.Index(strength, reason); i >= 0 {
		return i
	}
	return len(strength)
}

// Codes, not prose: a free text could name the person.
var codes = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,63}$`)

var kinds = []string{KindDomain, KindEmail, KindPhone}

// Suppress puts an identifier of a kind (KindEmail, KindPhone, KindDomain) on
// the list. A phone number must be in international form. An entry that is
// there for a stronger or the same reason stays as it is, so that nobody's own
// opt-out is overwritten and later lifted with a manual entry. ErrInvalid for
// an unknown kind, a value that is none of its kind, or a malformed reason;
// the error does not hold the value.
func Suppress(ctx context.Context, st store.Store, t *Tokens, kind, value, reason string, at time.Time) error {
	all, err := suppression(t, kind, value, reason, at)
	if err != nil {
		return fmt.Errorf("privacy: suppress: %w", err)
	}
	err = retry(ctx, func() error {
		return st.Update(ctx, func(tx store.Tx) error {
			_, err := putEach(ctx, tx, all)
			return err
		})
	})
	if err != nil {
		return fmt.Errorf("privacy: suppress: %w", err)
	}
	return nil
}

// suppression is the entry of an identifier, by every key, the latest first.
func suppression(t *Tokens, kind, value, reason string, at time.Time) ([]store.Suppression, error) {
	var canonical string
	var err error
	switch kind {
	case KindEmail:
		canonical, err = mailboxOf(value)
	case KindPhone:
		canonical, err = numberOf(value, "")
	case KindDomain:
		canonical, err = domainOf(value)
	default:
		err = fmt.Errorf("%w: expected the kind email, phone or domain", leadloop.ErrInvalid)
		if hint := suggest.DidYouMean(kind, kinds); hint != "" {
			err = fmt.Errorf("%w, %s", err, hint)
		}
	}
	switch {
	case err != nil:
		return nil, err
	case !codes.MatchString(reason):
		return nil, fmt.Errorf("%w: a reason is a code of lower-case letters, digits, - and _", leadloop.ErrInvalid)
	case at.IsZero():
		return nil, fmt.Errorf("%w: a suppression needs the time since when it holds", leadloop.ErrInvalid)
	}
	return suppressions(t.lookup(nil, kind, canonical), reason, at), nil
}

func suppressions(tokens []string, reason string, at time.Time) []store.Suppression {
	all := make([]store.Suppression, len(tokens))
	for i, token := range tokens {
		all[i] = store.Suppression{Token: token, Reason: reason, At: at.UTC()}
	}
	return all
}

// putEach puts entries on the list and reports whether the first is new or
// strengthened what was there.
func putEach(ctx context.Context, tx store.Tx, all []store.Suppression) (first bool, err error) {
	for i, s := range all {
		is, err := put(ctx, tx, s)
		if err != nil {
			return false, err
		}
		if i == 0 {
			first = is
		}
	}
	return first, nil
}

// put reports whether s is new or strengthened what was there.
func put(ctx context.Context, tx store.Tx, s store.Suppression) (bool, error) {
	have, err := tx.Suppressions().Match(ctx, []string{s.Token})
	if err != nil {
		return false, err
	}
	if len(have) > 0 && rank(have[0].Reason) <= rank(s.Reason) {
		return false, nil
	}
	return true, tx.Suppressions().Add(ctx, s)
}
