package normalize

import (
	_ "embed"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

//go:embed data/email_free.txt
var freeDomains table

//go:embed data/email_disposable.txt
var disposableDomains table

// EmailAddress is an e-mail address in canonical form. The zero value is no address.
type EmailAddress struct {
	Address string // Local@Domain, lower case, the domain in ASCII; what to store, compare and send to
	Local   string // before the @, sub-address included
	Domain  string // after the @; a host, not reduced to its registrable domain (see [Domain])
	Base    string // Address without its +sub-address: one mailbox has one Base
}

// Email returns the canonical form of an e-mail address.
//
// White space, "mailto:", a pair of <> or quotes around the address and a separator behind it are taken off. The local part is lower-cased too:
// providers that tell cases apart are unknown in practice. The domain is mapped by IDNA and must end in a public suffix, so "jane@localhost",
// IP addresses and mistyped top-level domains are refused; ".example" and ".test" count as public, so that samples need nobody's address.
// Refused as well: display names, several addresses, quoted local parts, and values that stand for "no address" (noemail@x.com, test@test.com).
// Dots in the local part stay, as only some providers ignore them.
//
// The error is an [*Error] of kind "email".
func Email(s string) (EmailAddress, error) {
	s = unwrapEmail(Text(s))
	if s == "" {
		return EmailAddress{}, refuse("email", ReasonEmpty)
	}
	if isCleanASCII(s) {
		s = strings.ToLower(s) // all of it at once
	}
	at := strings.LastIndexByte(s, '@')
	if at < 0 && IsNull(s) {
		return EmailAddress{}, refuse("email", ReasonPlaceholder)
	}
	if at <= 0 || at == len(s)-1 {
		return EmailAddress{}, refuse("email", ReasonSyntax)
	}
	local, host := s[:at], s[at+1:]
	if reason := localProblem(local); reason != "" {
		return EmailAddress{}, refuse("email", reason)
	}
	if !isCleanASCII(local) {
		local = settle(local, func(s string) string { return norm.NFC.String(strings.ToLower(s)) })
	} else {
		local = strings.ToLower(local)
	}
	domain, reason := publicHost(host)
	if reason != "" {
		return EmailAddress{}, refuse("email", reason)
	}
	if len(local) > 64 || len(local)+1+len(domain) > 254 {
		return EmailAddress{}, refuse("email", ReasonTooLong)
	}
	base := local
	if i := strings.IndexByte(local, '+'); i > 0 {
		base = strings.TrimRight(local[:i], ".")
	}
	if isFakeMailbox(base, domain) {
		return EmailAddress{}, refuse("email", ReasonPlaceholder)
	}
	e := EmailAddress{Address: s} // as it is, if it was canonical
	if local != s[:at] || domain != host {
		e.Address = local + "@" + domain
	}
	e.Base = e.Address
	e.Local, e.Domain = e.Address[:len(local)], e.Address[len(local)+1:]
	if base != local {
		e.Base = base + "@" + domain
	}
	return e, nil
}

// String returns Address.
func (e EmailAddress) String() string { return e.Address }

// IsFree reports whether the domain belongs to a free mail provider, which says nothing about the sender's company.
func (e EmailAddress) IsFree() bool { return e.Domain != "" && isFreeHost(e.Domain) }

// IsDisposable reports whether the domain, or one it is a sub-domain of, hands out throw-away addresses.
func (e EmailAddress) IsDisposable() bool { return e.Domain != "" && isDisposableHost(e.Domain) }

// IsRole reports whether the mailbox is a function's rather than a person's (info@, sales@, buchhaltung@).
func (e EmailAddress) IsRole() bool { return isRoleLocal(e.Local) }

// IsCorporate reports whether the domain is an organisation's own: neither free nor disposable.
func (e EmailAddress) IsCorporate() bool { return e.Domain != "" && !e.IsFree() && !e.IsDisposable() }

// IsFreeEmail reports whether address is an e-mail address at a free mail provider. It is false for what is no address.
func IsFreeEmail(address string) bool {
	e, err := Email(address)
	return err == nil && e.IsFree()
}

// IsDisposableEmail reports whether address is an e-mail address at a provider of throw-away addresses. It is false for what is no address.
func IsDisposableEmail(address string) bool {
	e, err := Email(address)
	return err == nil && e.IsDisposable()
}

// IsRoleEmail reports whether address is an e-mail address of a function (info@, sales@). It is false for what is no address.
func IsRoleEmail(address string) bool {
	e, err := Email(address)
	return err == nil && e.IsRole()
}

func isFreeHost(host string) bool {
	if isDisposableHost(host) {
		return false
	}
	if freeDomains.has(host) {
		return true
	}
	if strings.Count(host, ".") < 2 {
		return false // there is nothing below the registrable domain
	}
	d, reason := registrable(host)
	return reason == "" && d != host && freeDomains.has(d)
}

func isDisposableHost(host string) bool {
	if disposableDomains.has(host) {
		return true
	}
	for i := strings.IndexByte(host, '.'); i >= 0; i = strings.IndexByte(host, '.') {
		host = host[i+1:]
		if strings.IndexByte(host, '.') < 0 {
			return false
		}
		if disposableDomains.has(host) {
			return true
		}
	}
	return false
}

// unwrapEmail takes off what pasting leaves around an address, until nothing is left to take off.
func unwrapEmail(s string) string {
	return settle(s, func(s string) string {
		s = strings.TrimRight(strings.TrimSpace(s), ",; ")
		if len(s) > 7 && strings.EqualFold(s[:7], "mailto:") {
			s = s[7:]
		}
		if len(s) > 2 {
			switch first, last := s[0], s[len(s)-1]; {
			case first == '<' && last == '>', first == '"' && last == '"', first == '\'' && last == '\'':
				s = s[1 : len(s)-1]
			}
		}
		return strings.TrimSpace(s)
	})
}

func localProblem(local string) Reason {
	if strings.ContainsAny(local, "<>\"") {
		return ReasonDisplayName
	}
	if strings.ContainsRune(local, '@') {
		if strings.ContainsAny(local, ",; /|") {
			return ReasonSeveral
		}
		return ReasonSyntax
	}
	if len(local) > 64*utf8.UTFMax {
		return ReasonTooLong
	}
	if local[0] == '.' || local[len(local)-1] == '.' || strings.Contains(local, "..") {
		return ReasonSyntax
	}
	for _, r := range local {
		if !isLocalRune(r) {
			return ReasonSyntax
		}
	}
	return ""
}

func isLocalRune(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.IndexByte("!#$%&'*+-/=?^_`{|}~.", byte(r)) >= 0
	}
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r)
}
