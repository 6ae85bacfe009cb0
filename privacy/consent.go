package privacy

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/suggest"
	"github.com/leadloop/leadloop/normalize"
	"github.com/leadloop/leadloop/store"
)

// The purposes that the loop itself asks about. A host may use codes of its
// own, and channels of cadences are asked about by their own names.
const (
	PurposeContact    = "contact"    // be worked by a rep
	PurposeEnrichment = "enrichment" // be looked up at a vendor
	// PurposeAny is the purpose of an entry that speaks about all of them, such
	// as "leave me alone".
	PurposeAny = "any"
)

// The lawful bases of GDPR, article 6, that fit a lead.
const (
	BasisConsent            = "consent"
	BasisContract           = "contract"
	BasisLegitimateInterest = "legitimate_interest"
	BasisLegalObligation    = "legal_obligation"
)

var (
	bases         = []string{BasisConsent, BasisContract, BasisLegalObligation, BasisLegitimateInterest}
	consentStates = []string{leadloop.ConsentGranted, leadloop.ConsentDenied, leadloop.ConsentWithdrawn, leadloop.ConsentPending}
	// References are printable and have no @, so that nobody's address gets in.
	references   = regexp.MustCompile(`^[\pL\pN ._:/#+-]{0,200}$`)
	notReference = regexp.MustCompile(`[^\pL\pN ._:/#+-]`)
)

// Consent is something that a person said about one purpose.
type Consent struct {
	// Kind and Value are whose it is: KindEmail, or KindPhone in international
	// form.
	Kind, Value string
	// Purpose is a code; "" means PurposeAny.
	Purpose string
	// State is leadloop.ConsentGranted, ConsentDenied, ConsentWithdrawn or
	// ConsentPending (asked, not confirmed yet: double opt-in).
	State string
	// Basis is one of the lawful bases; "" means BasisConsent.
	Basis string
	// Region is where the person was, a country; "" if unknown.
	Region string
	// Wording names the text that the person saw, Proof where the evidence is:
	// references of the host's, no personal data. Source recorded it.
	Wording, Proof, Source string
	At                     time.Time
}

// RecordConsent appends to the ledger. Nothing is replaced: what holds for a
// purpose is the latest entry about it or about PurposeAny, so somebody who
// withdrew can consent again. ErrInvalid names every field that is wrong,
// without its value.
func RecordConsent(ctx context.Context, st store.Store, t *Tokens, all ...Consent) error {
	entries := make([]store.Consent, len(all))
	var problems []error
	for i, c := range all {
		var err error
		if entries[i], err = t.entry(c); err != nil {
			problems = append(problems, fmt.Errorf("consent %d: %w", i+1, err))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("privacy: %w", err)
	}
	err := retry(ctx, func() error {
		return st.Update(ctx, func(tx store.Tx) error {
			for _, e := range entries {
				if err := tx.Consents().Add(ctx, e); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("privacy: consent: %w", err)
	}
	return nil
}

func (t *Tokens) entry(c Consent) (store.Consent, error) {
	e := store.Consent{
		Purpose: c.Purpose, State: c.State, Basis: c.Basis, Wording: c.Wording, Proof: c.Proof, Source: c.Source, At: c.At.UTC(),
	}
	if e.Purpose == "" {
		e.Purpose = PurposeAny
	}
	if e.Basis == "" {
		e.Basis = BasisConsent
	}
	var problems []error
	bad := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("%w: "+format, append([]any{leadloop.ErrInvalid}, args...)...))
	}
	var err error
	switch c.Kind {
	case KindEmail:
		e.Token, err = t.Email(c.Value)
	case KindPhone:
		e.Token, err = t.Phone(c.Value, "")
	default:
		bad("expected the kind email or phone%s", hint(c.Kind, []string{KindEmail, KindPhone}))
	}
	if err != nil {
		problems = append(problems, err)
	}
	if !codes.MatchString(e.Purpose) {
		bad("a purpose is a code of lower-case letters, digits, - and _")
	}
	if !slices.Contains(consentStates, e.State) {
		bad("expected a state, one of %s%s", strings.Join(consentStates, ", "), hint(e.State, consentStates))
	}
	if !slices.Contains(bases, e.Basis) {
		bad("expected a lawful basis, one of %s%s", strings.Join(bases, ", "), hint(e.Basis, bases))
	}
	if c.Region != "" {
		iso2, ok := normalize.Country(c.Region)
		if !ok {
			bad("the region is no country")
		}
		e.Region = iso2
	}
	for name, text := range map[string]string{"wording": e.Wording, "proof": e.Proof, "source": e.Source} {
		if !references.MatchString(text) {
			bad("the %s is a reference of up to 200 letters, digits, spaces and . _ : / # + -", name)
		}
	}
	if c.At.IsZero() {
		bad("an entry needs its time")
	}
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return e, errors.Join(problems...)
}

// Confirmed makes an entry about all purposes of what a lead said from its
// mailbox: the mailbox is whose it is, the lead's country the region. What a
// reference may not hold is replaced in wording, proof and source. False if the
// lead has no mailbox that can be read, or the entry no state or time.
func (t *Tokens) Confirmed(p *leadloop.Profile, e store.Consent) (store.Consent, bool) {
	mailbox, _ := leadloop.Email.Get(p)
	region, _ := normalize.Country(countryHint(p))
	out, err := t.entry(Consent{
		Kind: KindEmail, Value: mailbox, State: e.State, Region: region, Wording: reference(e.Wording), Proof: reference(e.Proof), Source: reference(e.Source), At: e.At,
	})
	return out, err == nil
}

// reference is a text with what a reference may not hold replaced.
func reference(text string) string {
	out := notReference.ReplaceAllString(text, "_")
	if r := []rune(out); len(r) > 200 {
		out = string(r[:200])
	}
	return out
}

func hint(found string, known []string) string {
	if h := suggest.DidYouMean(found, known); h != "" {
		return ", " + h
	}
	return ""
}

// Consents returns the ledger's entries about a person, oldest first.
func Consents(ctx context.Context, st store.Store, t *Tokens, p Person) (all []store.Consent, err error) {
	err = st.View(ctx, func(tx store.Tx) error {
		d, err := find(ctx, tx, p)
		if err != nil {
			return err
		}
		all, err = tx.Consents().Of(ctx, t.of(d.emails, d.phones))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("privacy: consents: %w", err)
	}
	return all, nil
}

// ConsentRule says what needs a yes, and where.
type ConsentRule struct {
	// In are countries, as ISO 3166-1 codes or names; of the person, else of
	// the company. An unknown country is in none.
	In []string
	// For are purposes; none means all.
	For []string
	// Basis are the lawful bases that will do; none means BasisConsent.
	Basis []string
}

// Terms decide what may be done with a person: the ledger, then the lead's own
// consent field, then the rules of the region. Immutable, safe for concurrent
// use. Make one with [NewTerms].
type Terms struct {
	tokens *Tokens
	rules  []ConsentRule // In as ISO codes
}

// NewTerms returns the terms of these rules; all problems together.
func NewTerms(t *Tokens, rules ...ConsentRule) (*Terms, error) {
	var problems []error
	if t == nil {
		problems = append(problems, fmt.Errorf("%w: tokens are required", leadloop.ErrInvalid))
	}
	terms := &Terms{tokens: t}
	for i, r := range rules {
		var in []string
		for _, name := range r.In {
			iso2, ok := normalize.Country(name)
			if !ok {
				problems = append(problems, fmt.Errorf("%w: rule %d: %q is no country", leadloop.ErrInvalid, i+1, name))
			}
			in = append(in, iso2)
		}
		for _, p := range r.For {
			if !codes.MatchString(p) {
				problems = append(problems, fmt.Errorf("%w: rule %d: %q is no purpose: a code of lower-case letters, digits, - and _", leadloop.ErrInvalid, i+1, p))
			}
		}
		for _, b := range r.Basis {
			if !slices.Contains(bases, b) {
				problems = append(problems, fmt.Errorf("%w: rule %d: %q is no lawful basis, expected one of %s%s", leadloop.ErrInvalid, i+1, b, strings.Join(bases, ", "), hint(b, bases)))
			}
		}
		basis := slices.Clone(r.Basis)
		if len(basis) == 0 {
			basis = []string{BasisConsent}
		}
		terms.rules = append(terms.rules, ConsentRule{In: in, For: slices.Clone(r.For), Basis: basis})
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("privacy: terms: %w", err)
	}
	return terms, nil
}

// Refuse returns why something with this purpose may not happen to a lead as of
// asOf: [ReasonConsentWithdrawn], [ReasonConsentDenied] or
// [ReasonConsentMissing]; "" means that it may.
//
// The latest entry of the ledger about the purpose, or about [PurposeAny],
// counts; entries after asOf do not. Without one the lead's consent field
// counts, as a consent to everything. A no that the lead said itself since the
// entry counts before its yes, and a no is a no everywhere. Where a rule
// covers the country and the purpose, a yes on one of its bases is needed.
func (c *Terms) Refuse(ctx context.Context, tx store.Tx, l *leadloop.Lead, p *leadloop.Profile, purpose string, asOf time.Time) (reason string, err error) {
	return c.refuse(ctx, tx, c.tokens.people(l, p), l, p, purpose, asOf)
}

// refuse is Refuse for the tokens of the lead's people.
func (c *Terms) refuse(ctx context.Context, tx store.Tx, people []string, l *leadloop.Lead, p *leadloop.Profile, purpose string, asOf time.Time) (reason string, err error) {
	entries, err := tx.Consents().Of(ctx, people)
	if err != nil {
		return "", err
	}
	state, basis := "", BasisConsent
	var said time.Time
	for _, e := range entries { // by time: the latest stays
		if !e.At.After(asOf) && (e.Purpose == purpose || e.Purpose == PurposeAny) {
			state, basis, said = e.State, e.Basis, e.At
		}
	}
	if state == leadloop.ConsentGranted || state == leadloop.ConsentPending {
		if no := lastNo(l, said, asOf); no != "" {
			state = no
		}
	}
	if state == "" {
		state, _ = leadloop.Consent.Get(p)
	}
	switch state {
	case leadloop.ConsentWithdrawn:
		return ReasonConsentWithdrawn, nil
	case leadloop.ConsentDenied:
		return ReasonConsentDenied, nil
	}
	country, ok := normalize.Country(countryHint(p))
	if !ok {
		return "", nil
	}
	for _, r := range c.rules {
		covers := slices.Contains(r.In, country) && (len(r.For) == 0 || slices.Contains(r.For, purpose))
		if covers && (state != leadloop.ConsentGranted || !slices.Contains(r.Basis, basis)) {
			return ReasonConsentMissing, nil
		}
	}
	return "", nil
}

// lastNo is the latest no that the lead said itself after a moment, "" if it
// said none.
func lastNo(l *leadloop.Lead, after, asOf time.Time) (no string) {
	for _, c := range l.Claims {
		state := c.Value.Text()
		if c.Field == leadloop.Consent.Name() && c.ObservedAt.After(after) && !c.ObservedAt.After(asOf) &&
			(state == leadloop.ConsentDenied || state == leadloop.ConsentWithdrawn) {
			no, after = state, c.ObservedAt
		}
	}
	return no
}
