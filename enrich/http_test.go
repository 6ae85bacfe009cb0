package enrich_test

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
)

func secrets(name string) (string, bool) {
	v, ok := map[string]string{"ACME_KEY": " s3cret\n", "BROKEN": "a\nb"}[name]
	return v, ok
}

// api is a provider of the server's answers about a domain.
func api(t *testing.T, spec enrich.HTTPSpec, handler http.HandlerFunc) (*enrich.HTTP, *atomic.Int32) {
	t.Helper()
	var calls atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		handler(w, r)
	}))
	t.Cleanup(srv.Close)
	if spec.URL == "" {
		spec.URL = "/v1/{company.domain}"
	}
	spec.URL = srv.URL + spec.URL
	if spec.Fields == nil {
		spec.Fields = map[string]string{"company.employees": "data.size", "company.industry": "data.industry"}
	}
	h, err := enrich.NewHTTP(leadloop.StandardSchema(), spec, enrich.HTTPOptions{Client: srv.Client(), Secret: secrets})
	if err != nil {
		t.Fatal(err)
	}
	return h, &calls
}

var byDomain = enrich.Query{
	Lead: "lead-1", Known: []enrich.Known{{Field: "company.domain", Value: "acme.example"}},
	Want: []string{"company.employees", "company.industry"},
}

func TestHTTPAnswers(t *testing.T) {
	both := []string{"company.employees", "company.industry"}
	fact := func(f, v any, c float64) enrich.Fact {
		out := enrich.Fact{Field: f.(string), Confidence: c}
		switch v := v.(type) {
		case int:
			out.Value = leadloop.ValueOf(int64(v))
		case string:
			out.Value = leadloop.ValueOf(v)
		case bool:
			out.Value = leadloop.ValueOf(v)
		}
		return out
	}
	full := enrich.HTTPSpec{Match: "data", Confidence: "data.likelihood", ConfidenceMax: 10, VerifiedAt: "data.seen"}
	for _, tc := range []struct {
		name   string
		spec   enrich.HTTPSpec
		status int
		body   string
		want   enrich.Answer
		reason string
	}{
		{"values are read by their paths", enrich.HTTPSpec{}, 200, `{"data": {"size": 120, "industry": "Steel"}}`,
			enrich.Answer{Matched: true, Facts: []enrich.Fact{fact("company.employees", 120, 0), fact("company.industry", "Steel", 0)}}, ""},
		{"confidence and verification are read and scaled", full, 200, `{"data": {"size": 120, "likelihood": 6, "seen": "2026-10-01"}}`,
			enrich.Answer{Matched: true, NotFound: both[1:], Facts: []enrich.Fact{{Field: "company.employees", Value: leadloop.ValueOf[int64](120), Confidence: 0.6, VerifiedAt: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)}}}, ""},
		{"numbers may be text, text may be a number, whole floats are whole", enrich.HTTPSpec{}, 200, `{"data": {"size": "1,200", "industry": 42}}`,
			enrich.Answer{Matched: true, Facts: []enrich.Fact{fact("company.employees", 1200, 0), fact("company.industry", "42", 0)}}, ""},
		{"a whole float is an int", enrich.HTTPSpec{}, 200, `{"data": {"size": 1.2e3}}`,
			enrich.Answer{Matched: true, NotFound: both[1:], Facts: []enrich.Fact{fact("company.employees", 1200, 0)}}, ""},
		{"null, missing and empty are not found", enrich.HTTPSpec{}, 200, `{"data": {"size": null, "industry": ""}}`, enrich.Answer{Matched: true, NotFound: both}, ""},
		{"an empty match path is no match", full, 200, `{"data": {}, "error": "none"}`, enrich.Answer{}, ""},
		{"a null match path is no match", full, 200, `{"data": null}`, enrich.Answer{}, ""},
		{"404 is no match", full, 404, `<html>`, enrich.Answer{}, ""},
		{"204 is no match", full, 204, ``, enrich.Answer{}, ""},
		{"values of the wrong type are given away as such", enrich.HTTPSpec{}, 200, `{"data": {"size": "51-200", "industry": ["a"]}}`,
			enrich.Answer{Matched: true, Facts: []enrich.Fact{fact("company.employees", false, 0), fact("company.industry", false, 0)}}, ""},
		{"HTML is named", full, 200, "\n<!doctype html><p>Please log in</p>", enrich.Answer{}, "bad_answer: expected JSON, found HTML or XML"},
		{"truncated JSON is named", full, 200, `{"data": {"size": 12`, enrich.Answer{}, "bad_answer: not JSON, or cut off"},
		{"an empty body is named", full, 200, ``, enrich.Answer{}, "bad_answer: not JSON, or cut off"},
		{"duplicate keys are named", full, 200, `{"data": {"size": 1, "size": 2}}`, enrich.Answer{}, "bad_answer: a key of the JSON stands in its object twice"},
		{"five megabytes are named", full, 200, `{"data": "` + strings.Repeat("x", 5<<20) + `"}`, enrich.Answer{}, "bad_answer: the answer is larger than 1 MiB"},
		{"a confidence above the maximum is named", full, 200, `{"data": {"size": 1, "likelihood": 11}}`, enrich.Answer{}, "bad_answer: the confidence is not a number from 0 to the maximum"},
		{"401 is named", full, 401, `{}`, enrich.Answer{}, "unauthorized: status 401"},
		{"403 is named", full, 403, `{}`, enrich.Answer{}, "unauthorized: status 403"},
		{"400 is named", full, 400, `{}`, enrich.Answer{}, "rejected: status 400"},
		{"402 is named", full, 402, `{}`, enrich.Answer{}, "rejected: status 402"},
		{"202 is not ready", full, 202, `{}`, enrich.Answer{}, "unavailable: status 202"},
		{"500 is named", full, 500, `{}`, enrich.Answer{}, "unavailable: status 500"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h, _ := api(t, tc.spec, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tc.status)
				if _, err := io.WriteString(w, tc.body); err != nil && tc.status != 204 && len(tc.body) < 1<<20 {
					t.Error(err)
				}
			})
			got, err := h.Lookup(t.Context(), byDomain)
			reason := ""
			if err != nil {
				reason = err.Error()
			}
			if reason != tc.reason {
				t.Errorf("error %q, want %q", reason, tc.reason)
			}
			if diff := cmp.Diff(tc.want, got, compare); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHTTPRequests(t *testing.T) {
	type request struct{ Method, URI, Body, Auth, Accept, Type string }
	for _, tc := range []struct {
		name string
		spec enrich.HTTPSpec
		want request
	}{
		{"a GET with the domain in the path and the secret in a header",
			enrich.HTTPSpec{Headers: map[string]string{"authorization": "Bearer ${ACME_KEY}"}},
			request{Method: "GET", URI: "/v1/acme.example", Auth: "Bearer s3cret", Accept: "application/json"}},
		{"a POST with the domain in the body, escaped",
			enrich.HTTPSpec{URL: "/v1/search", Body: `{"q": {"website": "http://{company.domain}/"}}`, Headers: map[string]string{"Accept": "text/json"}},
			request{Method: "POST", URI: "/v1/search", Body: `{"q": {"website": "http://ac\"me.example/"}}`, Accept: "text/json", Type: "application/json"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got request
			h, _ := api(t, tc.spec, func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				got = request{r.Method, r.RequestURI, string(body), r.Header.Get("Authorization"), r.Header.Get("Accept"), r.Header.Get("Content-Type")}
				w.WriteHeader(404)
			})
			q := byDomain
			if tc.spec.Body != "" {
				q.Known = []enrich.Known{{Field: "company.domain", Value: `ac"me.example`}}
			}
			if _, err := h.Lookup(t.Context(), q); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHTTPRedirects(t *testing.T) {
	var stolen atomic.Int32
	foreign := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stolen.Add(1) }))
	defer foreign.Close()
	for _, tc := range []struct{ name, to, reason string }{
		{"to another host are refused", foreign.URL, "bad_answer: redirected to another host, which is not followed"},
		{"on the same host are followed", "/v2/ok", ""},
		{"in a circle are given up", "/v1/again", "unavailable: the connection failed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h, _ := api(t, enrich.HTTPSpec{}, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/v2/ok" {
					w.WriteHeader(404)
					return
				}
				http.Redirect(w, r, tc.to, http.StatusFound)
			})
			_, err := h.Lookup(t.Context(), byDomain)
			if tc.reason == "" && err != nil || tc.reason != "" && (err == nil || err.Error() != tc.reason) {
				t.Errorf("got %v, want %q", err, tc.reason)
			}
		})
	}
	if stolen.Load() > 0 {
		t.Error("the other host was asked")
	}
}

func TestHTTPRetryAdvice(t *testing.T) {
	for _, tc := range []struct {
		name   string
		method string
		status int
		header http.Header
		want   *enrich.LookupError
	}{
		{"429 with seconds", "GET", 429, http.Header{"Retry-After": {"7"}}, &enrich.LookupError{Reason: "rate_limited", Temporary: true, RetryAfter: 7 * time.Second}},
		{"429 without advice", "GET", 429, nil, &enrich.LookupError{Reason: "rate_limited", Temporary: true}},
		{"429 with a date against the server's clock", "GET", 429, http.Header{"Date": {"Mon, 02 Nov 2026 09:30:00 GMT"}, "Retry-After": {"Mon, 02 Nov 2026 09:30:40 GMT"}}, &enrich.LookupError{Reason: "rate_limited", Temporary: true, RetryAfter: 40 * time.Second}},
		{"429 with a date in the past", "GET", 429, http.Header{"Date": {"Mon, 02 Nov 2026 09:30:00 GMT"}, "Retry-After": {"Mon, 02 Nov 2026 09:00:00 GMT"}}, &enrich.LookupError{Reason: "rate_limited", Temporary: true}},
		{"429 for a year is capped at a day", "GET", 429, http.Header{"Retry-After": {"31536000"}}, &enrich.LookupError{Reason: "rate_limited", Temporary: true, RetryAfter: 24 * time.Hour}},
		{"429 with nonsense", "GET", 429, http.Header{"Retry-After": {"soon"}}, &enrich.LookupError{Reason: "rate_limited", Temporary: true}},
		{"503 of a GET may be tried again", "GET", 503, nil, &enrich.LookupError{Reason: "unavailable", Temporary: true}},
		{"503 of a POST may not: it could be sold twice", "POST", 503, nil, &enrich.LookupError{Reason: "unavailable"}},
		{"429 of a POST may be tried again: nothing was sold", "POST", 429, nil, &enrich.LookupError{Reason: "rate_limited", Temporary: true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h, _ := api(t, enrich.HTTPSpec{Method: tc.method}, func(w http.ResponseWriter, _ *http.Request) {
				maps.Copy(w.Header(), tc.header)
				w.WriteHeader(tc.status)
			})
			_, err := h.Lookup(t.Context(), byDomain)
			var got *enrich.LookupError
			if !errors.As(err, &got) {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(tc.want, got, cmpopts.IgnoreFields(enrich.LookupError{}, "Detail")); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if errors.Is(err, leadloop.ErrUnavailable) != tc.want.Temporary {
				t.Errorf("%v matches ErrUnavailable: %v", err, !tc.want.Temporary)
			}
		})
	}
}

func TestHTTPErrorsHoldNoPersonalData(t *testing.T) {
	h, _ := api(t, enrich.HTTPSpec{URL: "/v1/{lead.email}", Headers: map[string]string{"X-Key": "${ACME_KEY}"}}, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	_, err := h.Lookup(t.Context(), enrich.Query{Known: []enrich.Known{{Field: "lead.email", Value: "jane.canary@acme.example"}}, Want: []string{"company.employees"}})
	if err == nil || err.Error() != "unavailable: the connection failed" || !errors.Is(err, leadloop.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestHTTPThroughTheWaterfall(t *testing.T) {
	t.Run("500, then an answer, costs one price", func(t *testing.T) {
		n := 0
		h, calls := api(t, enrich.HTTPSpec{Fields: map[string]string{"company.employees": "size", "company.domain": "website"}}, func(w http.ResponseWriter, _ *http.Request) {
			if n++; n == 1 {
				w.WriteHeader(500)
				return
			}
			if _, err := io.WriteString(w, `{"size": 120, "website": "https://acme.example"}`); err != nil {
				t.Error(err)
			}
		})
		src := h.Source("api")
		src.Price = euro
		r := enrichOnce(t, waterfall(t, newStore(t), demand("company.employees"), src), subject())
		want := enrich.Report{
			Cost: euro, Claims: []leadloop.Claim{bought(leadloop.Employees, 120, "api")},
			Calls: []enrich.Call{{Source: "api", Outcome: enrich.Matched, Asked: []string{"company.employees"}, Got: []string{"company.employees"}, Cost: euro}},
		}
		if diff := cmp.Diff(want, r, compare); diff != "" || calls.Load() != 2 {
			t.Errorf("%d calls, report (-want +got):\n%s", calls.Load(), diff)
		}
	})
	t.Run("an answer about another company is refused by the field that is asked by", func(t *testing.T) {
		h, _ := api(t, enrich.HTTPSpec{Fields: map[string]string{"company.employees": "size", "company.domain": "website"}}, func(w http.ResponseWriter, _ *http.Request) {
			if _, err := io.WriteString(w, `{"size": 120, "website": "https://other.example"}`); err != nil {
				t.Error(err)
			}
		})
		r := enrichOnce(t, waterfall(t, newStore(t), demand("company.employees"), h.Source("api")), subject())
		if c := r.Calls[0]; c.Reason != enrich.ReasonBadAnswer || len(r.Claims) > 0 {
			t.Errorf("call %+v, claims %+v", c, r.Claims)
		}
	})
	t.Run("a value of the wrong type is named, the others are used", func(t *testing.T) {
		h, _ := api(t, enrich.HTTPSpec{}, func(w http.ResponseWriter, _ *http.Request) {
			if _, err := io.WriteString(w, `{"data": {"size": {"min": 1}, "industry": "Steel"}}`); err != nil {
				t.Error(err)
			}
		})
		r := enrichOnce(t, waterfall(t, newStore(t), demand("company.employees", "company.industry"), h.Source("api")), subject())
		if diff := cmp.Diff([]enrich.Refusal{{"company.employees", "wrong_type"}}, r.Calls[0].Refused); diff != "" || len(r.Claims) != 1 {
			t.Errorf("%d claims, refused (-want +got):\n%s", len(r.Claims), diff)
		}
	})
}

func TestNewHTTPReportsAllProblemsTogether(t *testing.T) {
	_, err := enrich.NewHTTP(leadloop.StandardSchema(), enrich.HTTPSpec{
		Method: "PUT", URL: "https://{company.domain}/x", Body: `{"a": {lead.emial}}`,
		Headers: map[string]string{"X-Key": "${NOT_SET}", "X-Broken": "${BROKEN}", "Bad Name": "x"},
		Match:   "a..b", Fields: map[string]string{"company.employes": "size", "company.revenue": ""}, ConfidenceMax: -1, Confidence: "$.c", VerifiedAt: "[",
	}, enrich.HTTPOptions{Secret: secrets})
	if !errors.Is(err, leadloop.ErrInvalid) {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{
		"expected GET or POST", "scheme and host must be written out", "body: not valid JSON", `{lead.emial} is no field (did you mean "lead.email"?)`,
		"the secret ${NOT_SET} is not set", "headers.X-Broken: not a valid header", "headers.Bad Name: not a valid header",
		`response.match: "a..b" is not a path`, `the schema has no field "company.employes" (did you mean "company.employees"?)`,
		"response.fields.company.revenue: expected a path", "response.confidence_max", "response.confidence:", "response.verified_at:",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %q in:\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "a\nb") {
		t.Error("the error holds a secret")
	}
}
