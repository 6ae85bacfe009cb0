package enrich

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/suggest"
)

// The facts that a home page tells.
const (
	FactTitle        = "title"
	FactDescription  = "description"
	FactLanguage     = "language"     // as the page declares it, such as "de"
	FactTechnologies = "technologies" // what the page is made with: see docs/PROVIDER.md
	FactSocial       = "social"       // addresses of profiles
	FactLinkedIn     = "linkedin"
	FactGitHub       = "github"
	FactX            = "x"
	FactFacebook     = "facebook"
	FactInstagram    = "instagram"
	FactYouTube      = "youtube"
)

var factKinds = map[string]leadloop.Kind{
	FactTitle: leadloop.KindString, FactDescription: leadloop.KindString, FactLanguage: leadloop.KindString,
	FactTechnologies: leadloop.KindStrings, FactSocial: leadloop.KindStrings, FactLinkedIn: leadloop.KindString, FactGitHub: leadloop.KindString,
	FactX: leadloop.KindString, FactFacebook: leadloop.KindString, FactInstagram: leadloop.KindString, FactYouTube: leadloop.KindString,
}

// WebsiteOptions are how a [Website] reaches the network.
type WebsiteOptions struct {
	// Resolve returns the addresses of a host; nil asks the system. What is not
	// a public address is refused whoever resolves it.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// Dial connects to an address that was found public; nil is a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Bounds on one visit.
const (
	maxPage      = 1 << 20
	maxRedirects = 5
)

// Website is a provider that reads the home page of the lead's domain. It is
// safe for concurrent use, and free.
//
// It visits https://<company.domain>/, or http where nobody answers, and
// follows up to 5 redirects. Only public addresses are called, on ports 80 and
// 443: a host is resolved once per connection, and if any of its addresses is
// loopback, private, link-local (where clouds keep credentials), or otherwise
// not public, there is no connection. No proxy is used, no cookie kept, no
// script run. Of a page at most 1 MiB is read; what is no HTML is no match.
type Website struct {
	client *http.Client
	facts  map[string]string // field → fact
}

// NewWebsite returns a provider that fills the fields from the facts named,
// such as {"company.technologies": FactTechnologies}. All problems are returned
// together; they match leadloop.ErrInvalid.
func NewWebsite(schema *leadloop.Schema, facts map[string]string, o WebsiteOptions) (*Website, error) {
	var problems []error
	if len(facts) == 0 {
		problems = append(problems, fmt.Errorf("enrich: %w: a website without facts answers nothing", leadloop.ErrInvalid))
	}
	for _, f := range sortedKeys(facts) {
		if hint, message := factIssue(schema, f, facts[f]); message != "" {
			if hint != "" {
				message += " (" + hint + ")"
			}
			problems = append(problems, fmt.Errorf("enrich: %w: field %s: %s", leadloop.ErrInvalid, f, message))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return newWebsite(facts, o), nil
}

// factIssue says what speaks against filling a field from a fact.
func factIssue(schema *leadloop.Schema, field, fact string) (hint, message string) {
	def, ok := schema.Lookup(field)
	if !ok {
		return fieldHint(schema, field), fmt.Sprintf("the schema has no field %q", field)
	}
	kind, ok := factKinds[fact]
	if !ok {
		return suggest.DidYouMean(fact, sortedKeys(factKinds)), fmt.Sprintf("a website has no fact %q", fact)
	}
	if kind != def.Kind {
		return "", fmt.Sprintf("the fact %s is a %s, the field a %s", fact, kind, def.Kind)
	}
	if field == leadloop.Domain.Name() {
		return "", "a website is asked by company.domain and can't answer it"
	}
	return "", ""
}

func newWebsite(facts map[string]string, o WebsiteOptions) *Website {
	n := &publicNet{resolve: o.Resolve, dial: o.Dial}
	if n.resolve == nil {
		n.resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	if n.dial == nil {
		n.dial = (&net.Dialer{Timeout: 5 * time.Second}).DialContext
	}
	w := &Website{facts: map[string]string{}}
	maps.Copy(w.facts, facts)
	w.client = &http.Client{
		Transport: &http.Transport{
			DialContext: n.dialContext, DisableKeepAlives: true, TLSHandshakeTimeout: 5 * time.Second,
			ResponseHeaderTimeout: 10 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects || r.URL.Scheme != "http" && r.URL.Scheme != "https" || r.URL.User != nil {
				return errNotPublic
			}
			// A page is not told who looks at it because of which lead.
			r.Header.Del("Referer")
			return nil
		},
	}
	return w
}

// Source is the website as a source without a price.
func (w *Website) Source(name string) Source {
	return Source{Name: name, Provider: w, Needs: []string{leadloop.Domain.Name()}, Fields: sortedKeys(w.facts), Version: "1"}
}

// Lookup visits the home page of the query's company.domain.
func (w *Website) Lookup(ctx context.Context, q Query) (Answer, error) {
	domain := q.Value(leadloop.Domain.Name())
	if !siteName(domain) {
		return Answer{}, &LookupError{Reason: ReasonRejected, Detail: "the domain is no name of a site"}
	}
	var res *http.Response
	var err error
	for _, scheme := range []string{"https", "http"} {
		var req *http.Request
		u := url.URL{Scheme: scheme, Host: domain, Path: "/"}
		if req, err = http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil); err != nil {
			return Answer{}, &LookupError{Reason: ReasonRejected, Detail: "the domain is no name of a site"}
		}
		req.Header.Set("User-Agent", "leadloop")
		req.Header.Set("Accept", "text/html")
		if res, err = w.client.Do(req); err == nil || errors.Is(err, errNotPublic) || ctx.Err() != nil {
			break
		}
	}
	var unknown *net.DNSError
	switch {
	case err == nil:
		defer res.Body.Close() //nolint:errcheck // only read
	case errors.Is(err, errNotPublic):
		return Answer{}, &LookupError{Reason: ReasonRejected, Detail: "the domain leads to an address that is not public"}
	case ctx.Err() != nil:
		return Answer{}, ctx.Err()
	case errors.As(err, &unknown) && unknown.IsNotFound:
		return Answer{}, nil
	default:
		return Answer{}, &LookupError{Reason: ReasonUnavailable, Detail: "the site does not answer", Temporary: true}
	}
	switch {
	case res.StatusCode == http.StatusTooManyRequests:
		return Answer{}, &LookupError{Reason: ReasonRateLimited, Detail: "status 429", Temporary: true, RetryAfter: time.Hour}
	case res.StatusCode >= 500:
		return Answer{}, &LookupError{Reason: ReasonUnavailable, Detail: fmt.Sprintf("status %d", res.StatusCode), Temporary: true}
	case res.StatusCode != http.StatusOK:
		return Answer{}, nil
	}
	if kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err == nil && kind != "text/html" && kind != "application/xhtml+xml" {
		return Answer{}, nil
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, maxPage))
	if err != nil {
		return Answer{}, &LookupError{Reason: ReasonUnavailable, Detail: "the page broke off", Temporary: true}
	}
	page := readPage(bytes.NewReader(data), res.Header)
	var a Answer
	a.Matched = true
	for _, f := range q.Want {
		fact, ok := w.facts[f]
		if !ok {
			continue
		}
		if v := page.fact(fact); v.Presence() == leadloop.Present {
			a.Facts = append(a.Facts, Fact{Field: f, Value: v})
		}
		// What the page does not say may be true all the same: the field stays
		// open for others.
	}
	return a, nil
}

// siteName tells the names of sites from whatever else a form can hold:
// addresses, ports, paths, machines of a local network.
func siteName(s string) bool {
	labels := strings.Split(s, ".")
	if len(s) > 253 || len(labels) < 2 {
		return false
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return false
	}
	last := labels[len(labels)-1]
	if slices.Contains([]string{"local", "localhost", "internal", "intranet", "lan", "home", "corp", "onion", "arpa"}, last) || strings.Trim(last, "0123456789") == "" {
		return false
	}
	return !slices.ContainsFunc(labels, func(l string) bool {
		plain := strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
		return l == "" || len(l) > 63 || !plain || l[0] == '-' || l[len(l)-1] == '-'
	})
}
