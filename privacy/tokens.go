package privacy

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/normalize"
)

// MinKey is the length in bytes from which a key is accepted: that of the
// hash, below which guessing the key would be the easiest way in.
const MinKey = sha256.Size

var keyIDs = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

// Tokens makes suppression tokens: HMAC-SHA-256 of a canonical identifier. A
// token's text is "<key id>.<normalize.Version>.<hash>", so that a list made
// with another key or another normalisation can be told apart. It is immutable
// and safe for concurrent use.
type Tokens struct {
	secret          // the latest key
	older  []secret // keys of before, which count as well
}

// secret is one key and its name.
type secret struct {
	prefix string
	key    []byte
}

// NewTokens returns the tokens of one secret key of at least [MinKey] random
// bytes. The key must stay known for as long as the list is to be honoured (see
// [Tokens.After]), and must not be kept with it. The key id is up to 32 letters,
// digits, "-" and "_". Both problems are returned together.
func NewTokens(keyID string, key []byte) (*Tokens, error) {
	var problems []error
	if !keyIDs.MatchString(keyID) {
		problems = append(problems, fmt.Errorf("%w: a key id is 1 to 32 letters, digits, - and _", leadloop.ErrInvalid))
	}
	if len(key) < MinKey {
		problems = append(problems, fmt.Errorf("%w: the key has %d bytes, it needs at least %d", leadloop.ErrInvalid, len(key), MinKey))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("privacy: tokens: %w", err)
	}
	return &Tokens{secret: secret{prefix: keyID + "." + strconv.Itoa(normalize.Version) + ".", key: slices.Clone(key)}}, nil
}

// After returns tokens that also honour what was made with older keys: everything
// is looked up by all of them. So a key can be replaced, and the old one is kept
// for as long as what was made with it is to count: nobody can make a token anew
// from the token. Who comes on the list is put there by every key, as tasks of
// before know people by the old one; all else is written by t's key. ErrInvalid
// if two of the keys have one id.
func (t *Tokens) After(older ...*Tokens) (*Tokens, error) {
	all := append([]secret{t.secret}, t.older...)
	for _, o := range older {
		if o == nil {
			return nil, fmt.Errorf("privacy: tokens: %w: older tokens are nil", leadloop.ErrInvalid)
		}
		for _, s := range append([]secret{o.secret}, o.older...) {
			if slices.ContainsFunc(all, func(have secret) bool { return have.prefix == s.prefix }) {
				id, _, _ := strings.Cut(s.prefix, ".")
				return nil, fmt.Errorf("privacy: tokens: %w: two keys have the id %s", leadloop.ErrInvalid, id)
			}
			all = append(all, s)
		}
	}
	return &Tokens{secret: all[0], older: all[1:]}, nil
}

// String names the key without showing it.
func (t *Tokens) String() string { return "privacy.Tokens(" + t.prefix + "*)" }

// GoString is String, so that no way of printing shows the key.
func (t *Tokens) GoString() string { return t.String() }

// token is that of a canonical identifier to write.
func (k secret) token(kind, canonical string) string {
	mac := hmac.New(sha256.New, k.key)
	// The prefix is part of what is hashed: a token cannot be relabelled.
	mac.Write([]byte("leadloop/suppression\x00" + k.prefix + "\x00" + kind + "\x00" + canonical))
	return k.prefix + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// lookup appends the tokens of a canonical identifier by every key, the latest
// first.
func (t *Tokens) lookup(to []string, kind, canonical string) []string {
	to = append(to, t.token(kind, canonical))
	for _, k := range t.older {
		to = append(to, k.token(kind, canonical))
	}
	return to
}

// The kinds of identifiers that can be suppressed.
const (
	KindEmail  = "email"
	KindPhone  = "phone"
	KindDomain = "domain"
)

// Email returns the token of the mailbox behind an e-mail address: addresses
// that differ in case or in a +sub-address have the same. ErrInvalid if it is
// no address. It is that of the latest key.
func (t *Tokens) Email(address string) (string, error) {
	mailbox, err := mailboxOf(address)
	if err != nil {
		return "", err
	}
	return t.token(KindEmail, mailbox), nil
}

func mailboxOf(address string) (string, error) {
	a, err := normalize.Email(address)
	if err != nil {
		return "", invalid(err)
	}
	return a.Base, nil
}

// Phone returns the token of a phone number, as [Tokens.Email] does. A number
// that is not in international form needs a country, as normalize.Phone takes it.
// ErrInvalid if it is no number.
func (t *Tokens) Phone(number, country string) (string, error) {
	n, err := numberOf(number, country)
	if err != nil {
		return "", err
	}
	return t.token(KindPhone, n), nil
}

func numberOf(number, country string) (string, error) {
	n, err := normalize.Phone(number, country)
	if err != nil {
		return "", invalid(err)
	}
	return n.E164, nil
}

// Domain returns the token of the registrable domain of a domain, URL or
// address, as [Tokens.Email] does. ErrInvalid if it has none, or if it is a free
// mail provider's: that token would suppress everybody there.
func (t *Tokens) Domain(domain string) (string, error) {
	d, err := domainOf(domain)
	if err != nil {
		return "", err
	}
	return t.token(KindDomain, d), nil
}

func domainOf(domain string) (string, error) {
	d, err := normalize.Domain(domain)
	if err != nil {
		return "", invalid(err)
	}
	if normalize.IsFreeDomain(d) {
		return "", fmt.Errorf("%w: the domain of a free mail provider would suppress everybody there", leadloop.ErrInvalid)
	}
	return d, nil
}

// invalid makes an error of normalize match leadloop.ErrInvalid; it does not
// hold the value.
func invalid(err error) error {
	if e := (*normalize.Error)(nil); errors.As(err, &e) {
		return fmt.Errorf("%w: the %s %s", leadloop.ErrInvalid, e.Kind, e.Reason)
	}
	return fmt.Errorf("%w: %w", leadloop.ErrInvalid, err)
}

// Of returns the tokens that a profile must not be suppressed under, sorted
// and each once: its mailbox, phone numbers, the domain of its address and of
// its company, by every key. What cannot be normalised has none.
func (t *Tokens) Of(p *leadloop.Profile) []string {
	c := collector{tokens: t, country: countryHint(p)}
	c.profile(p)
	return sorted(c.found)
}

// reach are the tokens of a lead, sorted.
type reach struct {
	// all are those of its profile, and of every address and number that was ever
	// claimed about it, because somebody who opted out under the old address must
	// not be reached under the new one.
	all []string
	// people are those of mailboxes and numbers that were claimed, without those
	// of whole companies.
	people []string
}

func (t *Tokens) ofLead(l *leadloop.Lead, p *leadloop.Profile) reach {
	c := collector{tokens: t, country: countryHint(p)}
	c.claims(l)
	people := sorted(c.found)
	c.profile(p)
	return reach{all: sorted(c.found), people: people}
}

// people are those of [reach].
func (t *Tokens) people(l *leadloop.Lead, p *leadloop.Profile) []string {
	c := collector{tokens: t, country: countryHint(p)}
	c.claims(l)
	return sorted(c.found)
}

// collector gathers tokens of what could be normalised. What a profile says is
// mostly what was claimed: each text is read once, which for a number takes as
// long as all the rest.
type collector struct {
	tokens  *Tokens
	country string // of numbers that are not in international form
	found   []string
	numbers []string // that were read
	mails   []string
}

// add takes the tokens of an identifier. A value that is no address and no number
// reaches nobody and is on no list.
func (c *collector) add(kind, canonical string, err error) {
	if err == nil {
		c.found = c.tokens.lookup(c.found, kind, canonical)
	}
}

func (c *collector) number(text string) {
	if text != "" && !slices.Contains(c.numbers, text) {
		c.numbers = append(c.numbers, text)
		n, err := numberOf(text, c.country)
		c.add(KindPhone, n, err)
	}
}

func (c *collector) mail(text string) {
	if text != "" && !slices.Contains(c.mails, text) {
		c.mails = append(c.mails, text)
		mailbox, err := mailboxOf(text)
		c.add(KindEmail, mailbox, err)
	}
}

func (c *collector) claims(l *leadloop.Lead) {
	for _, claim := range l.Claims {
		switch claim.Field {
		case leadloop.Email.Name():
			c.mail(claim.Value.Text())
		case leadloop.Phone.Name(), leadloop.Mobile.Name():
			c.number(claim.Value.Text())
		}
	}
}

func (c *collector) profile(p *leadloop.Profile) {
	email, _ := leadloop.Email.Get(p)
	c.mail(email)
	domain, _ := leadloop.Domain.Get(p)
	for _, text := range []string{email, domain} {
		d, err := domainOf(text)
		c.add(KindDomain, d, err)
	}
	for _, f := range []leadloop.Field[string]{leadloop.Phone, leadloop.Mobile} {
		number, _ := f.Get(p)
		c.number(number)
	}
}

// sorted returns each token once, in order.
func sorted(tokens []string) []string {
	tokens = slices.Clone(tokens)
	slices.Sort(tokens)
	return slices.Compact(tokens)
}

// countryHint is where the person is, else where the company is, "" if neither
// is known.
func countryHint(p *leadloop.Profile) string {
	if v, presence := leadloop.Country.Get(p); presence == leadloop.Present {
		return v
	}
	v, _ := leadloop.CompanyCountry.Get(p)
	return v
}
