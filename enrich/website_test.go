package enrich_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
)

const homePage = `<!doctype html><html lang="de"><head>
<title> Acme &amp; Co.
 GmbH </title>
<meta name="description" content="Stahl aus Duisburg &ndash; seit 1902">
<meta property="og:description" content="not this one">
<meta name="generator" content="WordPress 6.8">
<script src="https://js.hs-scripts.com/1.js"></script><link rel=stylesheet href=/wp-content/x.css>
</head><body><svg><title>a picture</title></svg>
<a href="https://www.linkedin.com/shareArticle?url=x">share</a>
<a href="https://www.linkedin.com/company/acme/">us</a> <a href='https://twitter.com/acme?ref=x'>x</a>
<a href="javascript:alert(1)">no</a><a href="https://linkedin.com.evil.example/company/acme">no</a>
<script>"<title>no</title>"</script>`

var facts = map[string]string{
	"company.industry": enrich.FactDescription, "company.name": enrich.FactTitle, "company.technologies": enrich.FactTechnologies,
	"lead.linkedin_url": enrich.FactLinkedIn, "lead.language": enrich.FactLanguage,
}

// internet is a resolver and a dialer: names have addresses, and all public
// ones lead to one server.
type internet struct {
	mu     sync.Mutex
	names  map[string][]string
	dialed []string
	server *httptest.Server
}

func newInternet(t *testing.T, handler http.HandlerFunc) *internet {
	t.Helper()
	n := &internet{names: map[string][]string{"acme.example": {"93.184.216.34"}}, server: httptest.NewServer(handler)}
	t.Cleanup(n.server.Close)
	return n
}

func (n *internet) options() enrich.WebsiteOptions {
	return enrich.WebsiteOptions{
		Resolve: func(_ context.Context, host string) ([]netip.Addr, error) {
			n.mu.Lock()
			defer n.mu.Unlock()
			var out []netip.Addr
			for _, a := range n.names[host] {
				out = append(out, netip.MustParseAddr(a))
			}
			if len(out) == 0 {
				return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
			}
			return out, nil
		},
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			n.mu.Lock()
			n.dialed = append(n.dialed, address)
			n.mu.Unlock()
			if strings.HasSuffix(address, ":443") {
				return nil, errors.New("connection refused")
			}
			return (&net.Dialer{}).DialContext(ctx, network, n.server.Listener.Addr().String())
		},
	}
}

func visit(t *testing.T, n *internet, domain string) (enrich.Answer, error) {
	t.Helper()
	w, err := enrich.NewWebsite(leadloop.StandardSchema(), facts, n.options())
	if err != nil {
		t.Fatal(err)
	}
	return w.Lookup(t.Context(), enrich.Query{Known: []enrich.Known{{Field: "company.domain", Value: domain}}, Want: w.Source("site").Fields})
}

func TestWhatAHomePageTells(t *testing.T) {
	n := newInternet(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Server", "nginx/1.27")
		fmt.Fprint(w, homePage)
	})
	a, err := visit(t, n, "acme.example")
	if err != nil {
		t.Fatal(err)
	}
	want := enrich.Answer{Matched: true, Facts: []enrich.Fact{
		{Field: "company.industry", Value: leadloop.ValueOf("Stahl aus Duisburg – seit 1902")},
		{Field: "company.name", Value: leadloop.ValueOf("Acme & Co. GmbH")},
		{Field: "company.technologies", Value: leadloop.ValueOf([]string{"hubspot", "nginx", "wordpress"})},
		{Field: "lead.language", Value: leadloop.ValueOf("de")},
		{Field: "lead.linkedin_url", Value: leadloop.ValueOf("https://linkedin.com/company/acme")},
	}}
	if diff := cmp.Diff(want, a, compare); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"93.184.216.34:443", "93.184.216.34:80"}, n.dialed); diff != "" {
		t.Errorf("dialed (-want +got):\n%s", diff)
	}
}

func TestOnlyPublicAddressesAreCalled(t *testing.T) {
	for _, addr := range []string{
		"127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.5.5", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "0.1.2.3", "192.0.2.1", "198.18.0.1",
		"224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
		"::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:db8::1", "2001::1", "fec0::1",
	} {
		for _, all := range [][]string{{addr}, {"93.184.216.34", addr}} {
			n := newInternet(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, homePage) })
			n.names["evil.example"] = all
			_, err := visit(t, n, "evil.example")
			var e *enrich.LookupError
			if !errors.As(err, &e) || e.Reason != enrich.ReasonRejected || len(n.dialed) > 0 {
				t.Errorf("%v: dialed %v, %v", all, n.dialed, err)
			}
		}
	}
}

func TestADomainIsTheNameOfASite(t *testing.T) {
	for _, domain := range []string{
		"", "localhost", "printer.local", "metadata.google.internal", "169.254.169.254", "[::1]", "2130706433", "0x7f.1", "127.1", "acme.example:22", "acme.example/x",
		"user@acme.example", "acme.example#", "acme..example", "-a.example", "a b.example", "acme.example\r\nHost: x",
	} {
		n := newInternet(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, homePage) })
		n.names[domain] = []string{"93.184.216.34"}
		if a, err := visit(t, n, domain); err == nil && a.Matched || len(n.dialed) > 0 {
			t.Errorf("%q was visited: %v, %v", domain, n.dialed, err)
		}
	}
}

func TestRedirectsAreLookedAtAgain(t *testing.T) {
	for _, tc := range []struct {
		name, to string
		matched  bool
	}{
		{"to another public site", "http://www.acme.example/de/", true},
		{"to a name of ours", "http://intern.example/", false},
		{"to an address of ours", "http://127.0.0.1/", false},
		{"to where clouds keep credentials", "http://169.254.169.254/latest/meta-data/", false},
		{"to an address in disguise", "http://[::ffff:169.254.169.254]/", false},
		{"to another port", "http://acme.example:8080/", false},
		{"to a file", "file:///etc/passwd", false},
		{"with a password", "http://me:secret@www.acme.example/", false},
		{"in a circle", "http://acme.example/", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := newInternet(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Host == "acme.example" {
					http.Redirect(w, r, tc.to, http.StatusFound)
					return
				}
				fmt.Fprint(w, homePage)
			})
			n.names["www.acme.example"], n.names["intern.example"] = []string{"93.184.216.35"}, []string{"10.0.0.7"}
			a, err := visit(t, n, "acme.example")
			if a.Matched != tc.matched || (err == nil) != tc.matched {
				t.Errorf("matched %v, %v", a.Matched, err)
			}
			for _, d := range n.dialed {
				if !strings.HasPrefix(d, "93.184.216.3") {
					t.Errorf("dialed %s", d)
				}
			}
		})
	}
}

func TestRebindingIsTooLate(t *testing.T) {
	n := newInternet(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, homePage) })
	o := n.options()
	resolve, asked := o.Resolve, 0
	o.Resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
		if asked++; asked > 1 { // the second answer, for http, is another one
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		}
		return resolve(ctx, host)
	}
	w, err := enrich.NewWebsite(leadloop.StandardSchema(), facts, o)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Lookup(t.Context(), enrich.Query{Known: []enrich.Known{{Field: "company.domain", Value: "acme.example"}}, Want: []string{"company.name"}})
	if diff := cmp.Diff([]string{"93.184.216.34:443"}, n.dialed); diff != "" || err == nil {
		t.Errorf("%v, dialed (-want +got):\n%s", err, diff)
	}
}

func TestPagesThatSayNothing(t *testing.T) {
	for _, tc := range []struct {
		name   string
		serve  http.HandlerFunc
		reason string
	}{
		{"not found", http.NotFound, ""},
		{"no HTML", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{}`)
		}, ""},
		{"down", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, enrich.ReasonUnavailable},
		{"too many visits", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) }, enrich.ReasonRateLimited},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, err := visit(t, newInternet(t, tc.serve), "acme.example")
			var e *enrich.LookupError
			if errors.As(err, &e); a.Matched || (tc.reason == "") != (err == nil) || e != nil && e.Reason != tc.reason {
				t.Errorf("matched %v, %v", a.Matched, err)
			}
		})
	}
	t.Run("endless ones are read in part", func(t *testing.T) {
		n := newInternet(t, func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "<html><title>Acme</title>")
			for range 5 << 10 {
				if _, err := fmt.Fprint(w, strings.Repeat("x", 1<<10)); err != nil {
					return
				}
			}
			fmt.Fprint(w, `<html lang="de">`)
		})
		a, err := visit(t, n, "acme.example")
		if err != nil || len(a.Facts) != 1 || a.Facts[0].Value.Text() != "Acme" {
			t.Errorf("%+v, %v", a, err)
		}
	})
	t.Run("a domain that does not exist is nobody", func(t *testing.T) {
		if a, err := visit(t, newInternet(t, http.NotFound), "nobody.example"); err != nil || a.Matched {
			t.Errorf("%+v, %v", a, err)
		}
	})
}

func TestNewWebsiteReportsAllProblemsTogether(t *testing.T) {
	_, err := enrich.NewWebsite(leadloop.StandardSchema(), map[string]string{"company.nam": "title", "company.name": "titel", "company.employees": "title"}, enrich.WebsiteOptions{})
	want := `enrich: invalid: field company.employees: the fact title is a string, the field a int
enrich: invalid: field company.nam: the schema has no field "company.nam" (did you mean "company.name"?)
enrich: invalid: field company.name: a website has no fact "titel" (did you mean "title"?)`
	if err == nil || !errors.Is(err, leadloop.ErrInvalid) || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func FuzzWebsite(f *testing.F) {
	f.Add(homePage)
	f.Add("<title>")
	f.Add(`<a href="https://github.com/%zz">`)
	f.Fuzz(func(t *testing.T, page string) {
		n := newInternet(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, page)
		})
		if _, err := visit(t, n, "acme.example"); err != nil {
			t.Errorf("%v", err)
		}
	})
}
