package enrich

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// HTTPSpec describes a JSON API. URL and Body hold places for fields, such as
// {company.domain}; those fields become the source's Needs.
type HTTPSpec struct {
	Method string // GET or POST; "" means GET, or POST with a Body
	// URL may have places in its path and query only. Values are escaped.
	URL string
	// Headers may hold ${NAME}, which is replaced by the secret of that name.
	Headers map[string]string
	// Body is JSON text with places inside its strings. Values are escaped.
	Body string
	// Match is the path that must exist and not be null, false, or empty for
	// the answer to be a match; "" makes every JSON answer one. Answers with
	// status 204 or 404 are no match.
	Match string
	// Fields maps fields to the paths of their values, as in "data.size",
	// "people[0].title" or `data."odd key"`. A path that is missing or null
	// means "not found"; so does an empty text or list.
	Fields map[string]string
	// Confidence is the path of a number, which is divided by ConfidenceMax
	// (0 means 1). VerifiedAt is the path of a time.
	Confidence    string
	ConfidenceMax float64
	VerifiedAt    string
}

// HTTPOptions are what a program gives to an [HTTP] provider.
type HTTPOptions struct {
	// Client makes the requests; nil means one with default transport. Its
	// redirect policy is replaced: redirects to another host are refused.
	Client *http.Client
	// Secret returns the secret of a name; nil means there are none.
	Secret func(name string) (value string, ok bool)
}

// maxBody is the most that is read of an answer.
const maxBody = 1 << 20

// maxRetryAfter bounds what a server can ask for.
const maxRetryAfter = 24 * time.Hour

// HTTP is a provider that asks a JSON API. It is safe for concurrent use.
//
// Status 401 and 403 are reported as unauthorized, 429 as rate limited (with
// its Retry-After), other 4xx as rejected; none but 429 is tried again. 5xx and
// broken connections are tried again for GET only: a POST may have been sold.
// Answers over 1 MiB, that are not JSON, or in which a key stands twice, are
// bad answers. No error text holds a URL or a value.
type HTTP struct {
	client     *http.Client
	method     string
	url        urlTemplate
	body       template
	headers    http.Header
	match      jsonPath
	confidence jsonPath
	scale      float64
	verified   jsonPath
	fields     []httpField
	digest     string
}

type httpField struct {
	def leadloop.FieldDef
	at  jsonPath
}

var secretName = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// specProblem is something wrong with one part of a spec.
type specProblem struct{ part, message, hint string }

// NewHTTP checks the spec against the schema and returns its provider. All
// problems are returned together; they match leadloop.ErrInvalid.
func NewHTTP(schema *leadloop.Schema, spec HTTPSpec, o HTTPOptions) (*HTTP, error) {
	h, problems := newHTTP(schema, spec, o)
	var ps leadloop.Problems
	for _, p := range problems {
		ps.AddHint(leadloop.Position{}, p.hint, "enrich: %s: %s", p.part, p.message)
	}
	if err := ps.Err(); err != nil {
		return nil, err
	}
	return h, nil
}

func newHTTP(schema *leadloop.Schema, spec HTTPSpec, o HTTPOptions) (*HTTP, []specProblem) {
	var problems []specProblem
	bad := func(part, hint, format string, args ...any) {
		problems = append(problems, specProblem{part, fmt.Sprintf(format, args...), hint})
	}
	h := &HTTP{method: spec.Method, scale: spec.ConfidenceMax, headers: http.Header{}}
	if h.method == "" {
		if h.method = http.MethodGet; spec.Body != "" {
			h.method = http.MethodPost
		}
	}
	if h.method != http.MethodGet && h.method != http.MethodPost {
		bad("method", "", "expected GET or POST, found %q", h.method)
	}
	if h.method == http.MethodGet && spec.Body != "" {
		bad("body", "", "a GET has no body")
	}
	var err error
	if h.url, err = parseURLTemplate(spec.URL); err != nil {
		bad("url", "", "%s", err)
	}
	h.body = parseTemplate(spec.Body)
	if spec.Body != "" && !json.Valid([]byte(h.body.fill(func(string) string { return "x" }))) {
		bad("body", "", "not valid JSON")
	}
	for _, part := range []struct {
		name string
		t    template
	}{{"url", h.url.whole}, {"body", h.body}} {
		for _, f := range part.t.fields() {
			if _, ok := schema.Lookup(f); !ok {
				bad(part.name, fieldHint(schema, f), "{%s} is no field", f)
			}
		}
	}
	if len(h.needs()) == 0 {
		bad("url", "", "there is no place for what is asked about, such as {company.domain}, in url or body")
	}
	for _, name := range sortedKeys(spec.Headers) {
		value := secretName.ReplaceAllStringFunc(spec.Headers[name], func(ref string) string {
			secret, ok := "", false
			if o.Secret != nil {
				secret, ok = o.Secret(ref[2 : len(ref)-1])
			}
			if secret = strings.TrimSpace(secret); !ok || secret == "" {
				bad("headers."+name, "", "the secret %s is not set", ref)
			}
			return secret
		})
		if !validHeader(name, value) {
			bad("headers."+name, "", "not a valid header")
			continue
		}
		h.headers.Set(name, value)
	}
	parse := func(part, s string) jsonPath {
		if s == "" {
			return nil
		}
		p, err := parsePath(s)
		if err != nil {
			bad(part, "", "%q is not a path: %s", s, err)
		}
		return p
	}
	h.match = parse("response.match", spec.Match)
	h.confidence = parse("response.confidence", spec.Confidence)
	h.verified = parse("response.verified_at", spec.VerifiedAt)
	if h.scale == 0 {
		h.scale = 1
	}
	if !(h.scale > 0) {
		bad("response.confidence_max", "", "expected a number above 0")
	}
	if !slices.ContainsFunc(sortedKeys(spec.Fields), func(f string) bool { return !slices.Contains(h.needs(), f) }) {
		bad("response.fields", "", "no field is taken from the answer")
	}
	for _, name := range sortedKeys(spec.Fields) {
		def, ok := schema.Lookup(name)
		if !ok {
			bad("response.fields."+name, fieldHint(schema, name), "the schema has no field %q", name)
			continue
		}
		if spec.Fields[name] == "" {
			bad("response.fields."+name, "", "expected a path such as data.size")
		}
		h.fields = append(h.fields, httpField{def, parse("response.fields."+name, spec.Fields[name])})
	}
	h.client, h.digest = refuseForeignRedirects(o.Client), specDigest(spec)
	return h, problems
}

func validHeader(name, value string) bool {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) {
		return false
	}
	return !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

// specDigest changes when answers could be read differently. Headers are left
// out: a new key gives the same answers.
func specDigest(spec HTTPSpec) string {
	spec.Headers = nil
	data, err := json.Marshal(spec)
	if err != nil {
		panic("enrich: a spec is plain data: " + err.Error())
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

var errForeignRedirect = errors.New("redirected to another host")

func refuseForeignRedirects(c *http.Client) *http.Client {
	own := http.Client{}
	if c != nil {
		own = *c
	}
	own.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		first := via[0].URL
		if req.URL.Host != first.Host || req.URL.Scheme != first.Scheme {
			return errForeignRedirect
		}
		if len(via) >= 5 {
			return errors.New("redirected too often")
		}
		return nil
	}
	return &own
}

func (h *HTTP) needs() []string {
	return sortedSet(append(h.url.whole.fields(), h.body.fields()...))
}

// Source returns a source for the API, to be given a price, a charge and
// limits as wanted. A mapped field that the URL or body asks by is no field of
// the source: it is compared, and an answer about somebody else is refused.
func (h *HTTP) Source(name string) Source {
	s := Source{Name: name, Provider: h, Needs: h.needs(), Version: h.digest}
	for _, f := range h.fields {
		if !slices.Contains(s.Needs, f.def.Name) {
			s.Fields = append(s.Fields, f.def.Name)
		}
	}
	return s
}

// Lookup makes one request.
func (h *HTTP) Lookup(ctx context.Context, q Query) (Answer, error) {
	target, ok := h.url.fill(q.Value)
	if !ok {
		return Answer{}, nil // a value such as ".." names nobody
	}
	var body io.Reader
	if len(h.body) > 0 {
		body = strings.NewReader(h.body.fill(func(f string) string { return jsonInner(q.Value(f)) }))
	}
	req, err := http.NewRequestWithContext(ctx, h.method, target, body)
	if err != nil {
		return Answer{}, &LookupError{Reason: ReasonRejected, Detail: "the values make no valid URL"}
	}
	req.Header = h.headers.Clone()
	if req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", "application/json")
	}
	if body != nil && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := h.client.Do(req)
	if err != nil {
		return Answer{}, h.connection(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }() // it was read or is given up
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		return Answer{}, h.connection(ctx, err)
	case resp.StatusCode == http.StatusNoContent, resp.StatusCode == http.StatusNotFound:
		return Answer{}, nil
	case resp.StatusCode < 200 || resp.StatusCode > 299 || resp.StatusCode == http.StatusAccepted:
		return Answer{}, h.status(resp)
	case len(data) > maxBody:
		return Answer{}, &LookupError{Reason: ReasonBadAnswer, Detail: "the answer is larger than 1 MiB"}
	}
	return h.read(data)
}

// jsonInner is v as it stands between the quotes of a JSON string.
func jsonInner(v string) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("enrich: a string is valid JSON: " + err.Error())
	}
	return string(b[1 : len(b)-1])
}

// connection describes a request that got no full answer. The client's own
// error is not kept: it quotes the URL, which holds what was asked by.
func (h *HTTP) connection(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errForeignRedirect):
		return &LookupError{Reason: ReasonBadAnswer, Detail: "redirected to another host, which is not followed"}
	}
	return &LookupError{Reason: ReasonUnavailable, Detail: "the connection failed", Temporary: h.method == http.MethodGet}
}

func (h *HTTP) status(resp *http.Response) error {
	e := &LookupError{Reason: ReasonRejected, Detail: "status " + strconv.Itoa(resp.StatusCode)}
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		e.Reason = ReasonUnauthorized
	case code == http.StatusTooManyRequests:
		e.Reason, e.Temporary = ReasonRateLimited, true
	case code >= 500, code == http.StatusAccepted, code == http.StatusRequestTimeout:
		e.Reason, e.Temporary = ReasonUnavailable, h.method == http.MethodGet
	}
	e.RetryAfter = retryAfter(resp.Header)
	return e
}

// retryAfter reads seconds, or a date against the server's own clock.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	var d time.Duration
	if n, err := strconv.ParseUint(v, 10, 32); err == nil {
		d = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(v); err == nil {
		if now, err := http.ParseTime(h.Get("Date")); err == nil {
			d = at.Sub(now)
		}
	}
	return min(max(d, 0), maxRetryAfter)
}

func (h *HTTP) read(data []byte) (Answer, error) {
	if start := bytes.TrimSpace(data); len(start) > 0 && start[0] == '<' {
		return Answer{}, &LookupError{Reason: ReasonBadAnswer, Detail: "expected JSON, found HTML or XML"}
	}
	doc, err := decodeJSON(data)
	if err != nil {
		return Answer{}, &LookupError{Reason: ReasonBadAnswer, Detail: err.Error()}
	}
	if h.match != nil {
		if v, ok := h.match.find(doc); !ok || isNothing(v) {
			return Answer{}, nil
		}
	}
	a := Answer{Matched: true}
	confidence, err := h.number(doc)
	if err != nil {
		return Answer{}, err
	}
	var verified time.Time
	if h.verified != nil {
		if v, ok := h.verified.find(doc); ok {
			if t, err := coerce(leadloop.KindTime, v); err == nil {
				verified = t.Time()
			}
		}
	}
	for _, f := range h.fields {
		v, ok := f.at.find(doc)
		if !ok || v == nil {
			a.NotFound = append(a.NotFound, f.def.Name)
			continue
		}
		value, err := coerce(f.def.Kind, v)
		switch {
		case err != nil:
			// Whoever fences the answer names the field, as with any provider
			// that gives a value of another kind.
			value = mistyped(f.def.Kind)
		case value.Presence() == leadloop.Empty:
			a.NotFound = append(a.NotFound, f.def.Name)
			continue
		}
		a.Facts = append(a.Facts, Fact{Field: f.def.Name, Value: value, Confidence: confidence, VerifiedAt: verified})
	}
	return a, nil
}

func (h *HTTP) number(doc any) (float64, error) {
	if h.confidence == nil {
		return 0, nil
	}
	v, ok := h.confidence.find(doc)
	if !ok || v == nil {
		return 0, nil
	}
	f, err := coerce(leadloop.KindFloat, v)
	c := f.Float() / h.scale
	if err != nil || !(c >= 0 && c <= 1) {
		return 0, &LookupError{Reason: ReasonBadAnswer, Detail: "the confidence is not a number from 0 to the maximum"}
	}
	return c, nil
}

func isNothing(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// mistyped is a value of another kind than k.
func mistyped(k leadloop.Kind) leadloop.Value {
	if k == leadloop.KindBool {
		return leadloop.ValueOf("?")
	}
	return leadloop.ValueOf(false)
}

var errKind = errors.New("of another kind")

// coerce reads a JSON value as a field's kind: text as a file's cell, numbers
// for numeric and text fields, whole floats for int fields, lists of text.
func coerce(k leadloop.Kind, v any) (leadloop.Value, error) {
	switch v := v.(type) {
	case string:
		return leadloop.ParseValue(k, v)
	case bool:
		if k == leadloop.KindBool {
			return leadloop.ValueOf(v), nil
		}
	case json.Number:
		switch k {
		case leadloop.KindString, leadloop.KindFloat:
			return leadloop.ParseValue(k, v.String())
		case leadloop.KindInt:
			if n, err := v.Int64(); err == nil {
				return leadloop.ValueOf(n), nil
			}
			f, err := v.Float64()
			if n := int64(f); err == nil && f > -1<<53 && f < 1<<53 && float64(n) == f {
				return leadloop.ValueOf(n), nil
			}
		}
	case []any:
		if k != leadloop.KindStrings {
			return leadloop.Value{}, errKind
		}
		list := make([]string, 0, len(v))
		for _, x := range v {
			s, ok := x.(string)
			if !ok {
				return leadloop.Value{}, errKind
			}
			list = append(list, s)
		}
		return leadloop.ValueOf(list), nil
	}
	return leadloop.Value{}, errKind
}
