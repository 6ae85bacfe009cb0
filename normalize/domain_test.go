package normalize_test

import (
	"errors"
	"testing"

	"github.com/leadloop/leadloop/normalize"
)

func TestDomain(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"a domain", "acme.com", "acme.com"},
		{"a URL with everything", "HTTPS://user:pw@www.Shop.Acme.co.uk:8443/a?b=c#d", "acme.co.uk"},
		{"a host with a path", "www.acme.com/about", "acme.com"},
		{"a link without scheme", "//cdn.acme.com/x", "acme.com"},
		{"an e-mail address", "Jane@us.ibm.com", "ibm.com"},
		{"a URL with an address in its query", "https://acme.com/?mail=jane@other.com", "acme.com"},
		{"a trailing dot", "acme.com.", "acme.com"},
		{"an international name", "bücher.example", "xn--bcher-kva.example"},
		{"an international name already in ASCII", "XN--BCHER-KVA.de", "xn--bcher-kva.de"},
		{"an ideographic full stop", "例え。jp", "xn--r8jz45g.jp"},
		{"a tenant of a shared host is a domain of its own", "www.acme.github.io", "acme.github.io"},
		{"a shared host itself", "github.io", "github.io"},
		{"a shared host below another domain", "s3.amazonaws.com", "amazonaws.com"},
		{"a business domain sold below another", "acme.uk.com", "acme.uk.com"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := normalize.Domain(tt.in)
			if err != nil || got != tt.want {
				t.Errorf("Domain(%q) = %q, %v; want %q", tt.in, got, err, tt.want)
			}
		})
	}
}

func TestDomainRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     normalize.Reason
	}{
		{"nothing", "", normalize.ReasonEmpty},
		{"a scheme alone", "https://", normalize.ReasonDomain},
		{"localhost", "http://localhost:8080", normalize.ReasonLocalHost},
		{"a sub-domain of localhost", "app.localhost", normalize.ReasonLocalHost},
		{"a word", "acme", normalize.ReasonLocalHost},
		{"an IPv4 address", "http://127.0.0.1/", normalize.ReasonIPAddress},
		{"a short IPv4 address", "10.1", normalize.ReasonIPAddress},
		{"an IPv6 address", "http://[::1]:80/", normalize.ReasonIPAddress},
		{"a public suffix", "co.uk", normalize.ReasonPublicSuffix},
		{"an unknown top-level domain", "acme.con", normalize.ReasonUnknownTLD},
		{"blanks", "acme inc.com", normalize.ReasonDomain},
		{"a port that is none", "acme.com:http", normalize.ReasonDomain},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := normalize.Domain(tt.in)
			var refused *normalize.Error
			if !errors.As(err, &refused) || refused.Kind != "domain" || refused.Reason != tt.want {
				t.Errorf("Domain(%q) = %q, %v; want reason %q", tt.in, got, err, tt.want)
			}
		})
	}
}

func TestDomainKinds(t *testing.T) {
	for _, tt := range []struct {
		in               string
		free, disposable bool
	}{
		{"gmail.com", true, false},
		{"https://www.gmail.com/", true, false},
		{"jane@web.de", true, false},
		{"mailinator.com", false, true},
		{"x.y.mailinator.com", false, true},
		{"acme.com", false, false},
		{"notgmail.com", false, false},
		{"com", false, false},
		{"", false, false},
	} {
		if got := normalize.IsFreeDomain(tt.in); got != tt.free {
			t.Errorf("IsFreeDomain(%q) = %v", tt.in, got)
		}
		if got := normalize.IsDisposableDomain(tt.in); got != tt.disposable {
			t.Errorf("IsDisposableDomain(%q) = %v", tt.in, got)
		}
	}
}

func TestLinkedInURL(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"a clean profile", "https://www.linkedin.com/in/jane-doe", "https://www.linkedin.com/in/jane-doe"},
		{"country host, query and case", "http://DE.linkedin.com/in/Jane-Doe/?trk=x", "https://www.linkedin.com/in/jane-doe"},
		{"a locale behind the profile", "linkedin.com/in/jane-doe/en", "https://www.linkedin.com/in/jane-doe"},
		{"a company page's part", "www.linkedin.com/company/Acme-Inc/about/", "https://www.linkedin.com/company/acme-inc"},
		{"the path alone", "/in/jane-doe", "https://www.linkedin.com/in/jane-doe"},
		{"letters beyond ASCII", "https://linkedin.com/in/J%C3%B6rg-m", "https://www.linkedin.com/in/j%C3%B6rg-m"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := normalize.LinkedInURL(tt.in)
			if err != nil || got != tt.want {
				t.Errorf("LinkedInURL(%q) = %q, %v; want %q", tt.in, got, err, tt.want)
			}
		})
	}
	for _, in := range []string{
		"", "jane-doe", "https://linkedin.com", "https://linkedin.com/in/", "https://lnkd.in/abc", "https://evil.com/in/jane", "https://linkedin.com/pub/jane/1/2",
		"https://notlinkedin.com/in/jane", "https://linkedin.com/in/%zz", "linkedin.com/in/a%2Fb",
	} {
		if got, err := normalize.LinkedInURL(in); err == nil {
			t.Errorf("LinkedInURL(%q) = %q, want an error", in, got)
		}
	}
}
