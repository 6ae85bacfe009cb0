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
	"github.com/leadloop/leadloop/internal/suggest"
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
	// the answer to be a match, or an expression that must be true; "" makes
	// every JSON answer one. Answers with status 204 or 404 are no match, unless
	// Status says otherwise.
	Match string
	// Fields maps fields to the paths of their values, as in "data.size",
	// "people[0].title" or `data."odd key"`. A path that is missing or null
	// means "not found"; so does an empty text or list. What begins with "=" is
	// a CEL expression over Values and the fields asked by, as in
	// "= (low + high) / 2"; without a value it is "not found" too.
	Fields map[string]string
	// Confidence is the path of a number, or an expression, which is divided by
	// ConfidenceMax (0 means 1). VerifiedAt is the path of a time, or an
	// expression.
	Confidence    string
	ConfidenceMax float64
	VerifiedAt    string
	// Values are what expressions use, by name. One that is missing or null has
	// no value there, and neither has what is computed from it; of another kind
	// it makes the fields that use it "wrong type".
	Values map[string]HTTPValue `json:",omitempty"`
	// Status says what a status means where an API means something of its own:
	// answer, no_match, or the reason rejected, rate_limited, unauthorized or
	// unavailable.
	Status map[int]string `json:",omitempty"`
	// Batch is how the API takes many queries in one call; nil if it does not.
	Batch *HTTPBatch `json:",omitempty"`
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
	client   *http.Client
	method   string
	url      urlTemplate
	body     template
	headers  http.Header
	statuses map[int]string
	mapping  mapping
	batch    *httpBatch
	digest   string
}

var secretName = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// specProblem is something wrong with one part of a spec.
type specProblem struct {
	part, message, hint string
	at                  leadloop.Position // if it is known better than by the part
}

// NewHTTP checks the spec against the schema and returns its provider. All
// problems are returned together; they match leadloop.ErrInvalid.
func NewHTTP(schema *leadloop.Schema, spec HTTPSpec, o HTTPOptions) (*HTTP, error) {
	h, problems := newHTTP(schema, spec, o, func(string) leadloop.Position { return leadloop.Position{} })
	var ps leadloop.Problems
	for _, p := range problems {
		ps.AddHint(leadloop.Position{}, p.hint, "enrich: %s: %s", p.part, p.message)
	}
	if err := ps.Err(); err != nil {
		return nil, err
	}
	return h, nil
}

func newHTTP(schema *leadloop.Schema, spec HTTPSpec, o HTTPOptions, at func(part string) leadloop.Position) (*HTTP, []specProblem) {
	var problems []specProblem
	bad := func(part, hint, format string, args ...any) {
		problems = append(problems, specProblem{part: part, message: fmt.Sprintf(format, args...), hint: hint})
	}
	h := &HTTP{method: spec.Method, headers: http.Header{}, statuses: spec.Status, mapping: mapping{schema: schema}}
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
	b := mapper{m: &h.mapping, needs: h.needs(), at: at, bad: bad, problem: func(p specProblem) { problems = append(problems, p) }}
	b.build(spec)
	if !slices.ContainsFunc(sortedKeys(spec.Fields), func(f string) bool { return !slices.Contains(h.needs(), f) }) {
		bad("response.fields", "", "no field is taken from the answer")
	}
	for code, means := range spec.Status {
		if code < 100 || code > 599 || !slices.Contains(statusMeanings, means) {
			bad("status", suggest.DidYouMean(means, statusMeanings), "%d: %q: expected a status and one of %s", code, means, strings.Join(statusMeanings, ", "))
		}
	}
	if spec.Batch != nil {
		h.batch = newBatch(h, schema, *spec.Batch, bad)
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

// specDigest changes when answers could be read differently. Headers and the
// way to ask for many are left out: they give the same answers.
func specDigest(spec HTTPSpec) string {
	spec.Headers, spec.Batch = nil, nil
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
	if h.batch != nil {
		s.Provider = h.batch
	}
	for _, f := range h.mapping.fields {
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
	body := h.body.fill(func(f string) string { return jsonInner(q.Value(f)) })
	got, err := h.send(ctx, h.method, target, body, maxBody)
	if err != nil {
		return Answer{}, err
	}
	switch h.meaning(got.code) {
	case meansNoMatch:
		return Answer{}, nil
	case meansAnswer:
		doc, err := parseAnswer(got.data)
		if err != nil {
			return Answer{}, err
		}
		return h.mapping.read(ctx, doc, q)
	}
	return Answer{}, h.status(got, h.method)
}

// received is what came back.
type received struct {
	code   int
	header http.Header
	data   []byte
}

// send makes one request and reads what comes back.
func (h *HTTP) send(ctx context.Context, method, target, body string, most int64) (received, error) {
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, target, content)
	if err != nil {
		return received{}, &LookupError{Reason: ReasonRejected, Detail: "the values make no valid URL"}
	}
	req.Header = h.headers.Clone()
	if req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", "application/json")
	}
	if body != "" && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := h.client.Do(req)
	if err != nil {
		return received{}, h.connection(ctx, method, err)
	}
	defer func() { _ = resp.Body.Close() }() // it was read or is given up
	data, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	switch {
	case err != nil:
		return received{}, h.connection(ctx, method, err)
	case int64(len(data)) > most && resp.StatusCode < 300:
		return received{}, &LookupError{Reason: ReasonBadAnswer, Detail: fmt.Sprintf("the answer is larger than %d MiB", most>>20)}
	}
	return received{resp.StatusCode, resp.Header, data}, nil
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
func (h *HTTP) connection(ctx context.Context, method string, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errForeignRedirect):
		return &LookupError{Reason: ReasonBadAnswer, Detail: "redirected to another host, which is not followed"}
	}
	return &LookupError{Reason: ReasonUnavailable, Detail: "the connection failed", Temporary: method == http.MethodGet}
}

// What a status can mean besides the reasons of failures.
const (
	meansAnswer  = "answer"
	meansNoMatch = "no_match"
)

var statusMeanings = []string{meansAnswer, meansNoMatch, ReasonRejected, ReasonRateLimited, ReasonUnauthorized, ReasonUnavailable}

// meaning is what a status means.
func (h *HTTP) meaning(code int) string {
	if means, ok := h.statuses[code]; ok {
		return means
	}
	switch {
	case code == http.StatusNoContent, code == http.StatusNotFound:
		return meansNoMatch
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return ReasonUnauthorized
	case code == http.StatusTooManyRequests:
		return ReasonRateLimited
	case code >= 500, code == http.StatusAccepted, code == http.StatusRequestTimeout:
		return ReasonUnavailable
	case code >= 200 && code <= 299:
		return meansAnswer
	}
	return ReasonRejected
}

// status describes an answer that is none.
func (h *HTTP) status(got received, method string) error {
	e := &LookupError{Reason: h.meaning(got.code), Detail: "status " + strconv.Itoa(got.code)}
	switch e.Reason {
	case ReasonRateLimited:
		e.Temporary = true
	case ReasonUnavailable:
		e.Temporary = method == http.MethodGet
	case meansAnswer, meansNoMatch:
		e.Reason = ReasonRejected // of a call for many
	}
	e.RetryAfter = retryAfter(got.header)
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

// parseAnswer reads the text of an answer.
func parseAnswer(data []byte) (any, error) {
	if start := bytes.TrimSpace(data); len(start) > 0 && start[0] == '<' {
		return nil, &LookupError{Reason: ReasonBadAnswer, Detail: "expected JSON, found HTML or XML"}
	}
	doc, err := decodeJSON(data)
	if err != nil {
		return nil, &LookupError{Reason: ReasonBadAnswer, Detail: err.Error()}
	}
	return doc, nil
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
