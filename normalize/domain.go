package normalize

import (
	"maps"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// Domain returns the registrable domain of a URL, host name or e-mail address: lower case, ASCII, without "www." or other sub-domains, port,
// path or trailing dot. "https://shop.Bücher.co.uk:8443/a" gives "xn--bcher-kva.co.uk".
//
// The domain answers "whose is it", so both sections of the public suffix list count: "acme.github.io" stays whole, because two tenants of one
// host are two companies, and taking them for one could not be undone. A shared host itself ("github.io") is returned as it is.
//
// IP addresses, single labels such as "localhost", unknown top-level domains and bare public suffixes ("co.uk") are refused with an [*Error] of
// kind "domain". The domains ".example" and ".test" count as public.
func Domain(s string) (string, error) {
	host, reason := hostOf(s)
	if reason == "" {
		host, reason = publicHost(host)
	}
	if reason == "" {
		host, reason = registrable(host)
	}
	if reason != "" {
		return "", refuse("domain", reason)
	}
	return host, nil
}

// IsFreeDomain reports whether s (a domain, URL or e-mail address) is of a free mail provider. It is false for what has no domain.
func IsFreeDomain(s string) bool {
	host, ok := lookupHost(s)
	return ok && isFreeHost(host)
}

// IsDisposableDomain reports whether s (a domain, URL or e-mail address) is of a provider of throw-away addresses, or a sub-domain of one. It is
// false for what has no domain.
func IsDisposableDomain(s string) bool {
	host, ok := lookupHost(s)
	return ok && isDisposableHost(host)
}

func lookupHost(s string) (string, bool) {
	host, reason := hostOf(s)
	if reason == "" {
		host, reason = publicHost(host)
	}
	return strings.TrimPrefix(host, "www."), reason == ""
}

// hostOf cuts the host out of a URL, an address or a host with a port.
func hostOf(s string) (string, Reason) {
	s = Text(s)
	if s == "" {
		return "", ReasonEmpty
	}
	if i := strings.Index(s, "://"); i >= 0 {
		s = s[i+3:]
	} else if rest, ok := strings.CutPrefix(s, "//"); ok {
		s = rest
	} else if len(s) > 7 && strings.EqualFold(s[:7], "mailto:") {
		s = s[7:]
	}
	if i := strings.IndexAny(s, "/?#\\"); i >= 0 {
		s = s[:i]
	}
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		s = s[i+1:]
	}
	if strings.HasPrefix(s, "[") || strings.Count(s, ":") > 1 {
		return "", ReasonIPAddress
	}
	if host, port, ok := strings.Cut(s, ":"); ok {
		if port != "" && !isDigits(port) {
			return "", ReasonDomain
		}
		s = host
	}
	return s, ""
}

// hostProfile maps as browsers do (non-transitional: ß stays ß) and checks the result.
var hostProfile = idna.New(
	idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(true), idna.BidiRule(), idna.VerifyDNSLength(true), idna.CheckHyphens(true),
)

// maxHostBytes is beyond what can map to the 253 bytes of a host, and bounds the work.
const maxHostBytes = 1500

// publicHost returns host in canonical ASCII form if it lies under a public suffix.
func publicHost(host string) (string, Reason) {
	host = strings.TrimSuffix(host, ".")
	if host == "" || len(host) > maxHostBytes {
		return "", ReasonDomain
	}
	if !isPlainHost(host) {
		ascii, err := hostProfile.ToASCII(host)
		if err != nil {
			return "", ReasonDomain
		}
		host = strings.TrimSuffix(ascii, ".")
		if again, err := hostProfile.ToASCII(host); err != nil || again != host || !isPlainLabels(host) {
			return "", ReasonDomain
		}
	} else {
		host = strings.ToLower(host)
	}
	dot := strings.LastIndexByte(host, '.')
	if dot < 0 {
		return "", ReasonLocalHost
	}
	tld := host[dot+1:]
	if isDigits(tld) {
		return "", ReasonIPAddress // of version 4; labels have no colons
	}
	if tld == "localhost" || tld == "local" {
		return "", ReasonLocalHost
	}
	if !isKnownTLD(host, tld) {
		return "", ReasonUnknownTLD
	}
	return host, ""
}

func isKnownTLD(host, tld string) bool {
	if tld == "com" || tld == "example" || tld == "test" {
		return true
	}
	known := knownTLDs.Load()
	if known != nil && (*known)[tld] {
		return true
	}
	if suffix, icann := publicsuffix.PublicSuffix(host); !icann {
		return strings.IndexByte(suffix, '.') >= 0
	}
	if suffix, icann := publicsuffix.PublicSuffix(tld); !icann || suffix != tld {
		return true
	}
	more := map[string]bool{strings.Clone(tld): true}
	if known != nil {
		maps.Copy(more, *known)
	}
	knownTLDs.CompareAndSwap(known, &more) // if another one was faster, the next time will do
	return true
}

// knownTLDs are those met that are public suffixes themselves, so that every host under them is known. Asking the list takes memory each time.
var knownTLDs atomic.Pointer[map[string]bool]

// isPlainHost holds for ASCII hosts that need no IDNA mapping beyond lower-casing.
func isPlainHost(host string) bool {
	for i := 0; i < len(host); i++ {
		if host[i] >= utf8.RuneSelf {
			return false
		}
	}
	lower := strings.ToLower(host)
	return !strings.Contains(lower, "xn--") && isPlainLabels(lower)
}

func isPlainLabels(host string) bool {
	if len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := 0; i < len(label); i++ {
			if !isLowerAlnum(label[i]) && label[i] != '-' {
				return false
			}
		}
	}
	return true
}

// registrable returns the domain of a canonical host that somebody registered.
func registrable(host string) (string, Reason) {
	for h := host; ; {
		suffix, icann := publicsuffix.PublicSuffix(h)
		if suffix != h {
			rest := h[:len(h)-len(suffix)-1]
			return h[strings.LastIndexByte(rest, '.')+1:], ""
		}
		if icann {
			if h == host {
				return "", ReasonPublicSuffix
			}
			return host, "" // a shared host registered right under a public suffix
		}
		i := strings.IndexByte(h, '.')
		if i < 0 {
			return host, ""
		}
		h = h[i+1:]
	}
}
