package enrich

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// HTTPBatch describes the call of a JSON API that takes many queries.
type HTTPBatch struct {
	// Size is the most queries in one call, from 2 to 10,000.
	Size int
	// URL is where they are sent, by POST. It has no places.
	URL string
	// Query is the JSON text of one query, with places inside its strings, such
	// as {"domain": "{company.domain}"}. Body is that of the call, with {queries}
	// where they stand, separated by commas; "" means "[{queries}]".
	Query, Body string
	// Answers is the path of the list of answers; "" means that the document is
	// the list. Each is read as an answer to a single query is.
	Answers string
	// Key is the path, within an answer, of the value that it was asked by, for
	// an API that answers in any order or leaves out whom it does not know. ""
	// means one answer for each query, in their order; null is no match.
	Key string
}

const (
	placeOfQueries = "{queries}"
	maxBatch       = 10_000
	maxBatchBody   = 32 << 20
)

// httpBatch is an HTTP provider that takes batches.
type httpBatch struct {
	*HTTP
	size    int
	url     string
	query   template
	body    string
	answers jsonPath // nil: the document
	key     jsonPath
	by      leadloop.FieldDef // what key is
}

// newBatch checks a batch against the provider it belongs to.
func newBatch(h *HTTP, schema *leadloop.Schema, spec HTTPBatch, bad func(part, hint, format string, args ...any)) *httpBatch {
	b := &httpBatch{HTTP: h, size: spec.Size, url: spec.URL, query: parseTemplate(spec.Query), body: spec.Body}
	if b.body == "" {
		b.body = "[" + placeOfQueries + "]"
	}
	if b.size < 2 || b.size > maxBatch {
		bad("batch.size", "", "expected 2 to %d queries", maxBatch)
	}
	if t, err := parseURLTemplate(spec.URL); err != nil {
		bad("batch.url", "", "%s", err)
	} else if len(t.whole.fields()) > 0 {
		bad("batch.url", "", "the address of a call for many has no places")
	}
	if !json.Valid([]byte(b.query.fill(func(string) string { return "x" }))) {
		bad("batch.query", "", "not valid JSON")
	}
	for _, f := range b.query.fields() {
		if _, ok := schema.Lookup(f); !ok {
			bad("batch.query", fieldHint(schema, f), "{%s} is no field", f)
		}
	}
	if strings.Count(b.body, placeOfQueries) != 1 || !json.Valid([]byte(strings.Replace(b.body, placeOfQueries, "1", 1))) {
		bad("batch.body", "", `expected JSON with %s in it once, such as {"items": [%s]}`, placeOfQueries, placeOfQueries)
	}
	path := func(part, s string) jsonPath {
		if s == "" {
			return nil
		}
		p, err := parsePath(s)
		if err != nil {
			bad(part, "", "%q is not a path: %s", s, err)
		}
		return p
	}
	b.answers, b.key = path("batch.answers", spec.Answers), path("batch.key", spec.Key)
	// Both calls ask about the same people, so that an answer of one stands for
	// that of the other.
	if needs := h.needs(); len(needs) > 0 && strings.Join(needs, " ") != strings.Join(b.query.fields(), " ") {
		bad("batch.query", "", "it asks by %s, and a single call by %s", and(b.query.fields()), and(needs))
	} else if spec.Key != "" && len(needs) > 1 {
		bad("batch.key", "", "answers are told apart by one value, and this provider is asked by %s", and(needs))
	} else if len(needs) > 0 {
		b.by, _ = schema.Lookup(needs[0])
	}
	return b
}

// BatchSize returns the most queries in one call.
func (b *httpBatch) BatchSize() int { return b.size }

// LookupAll makes one request.
func (b *httpBatch) LookupAll(ctx context.Context, qs []Query) ([]Reply, error) {
	queries := make([]string, len(qs))
	for i, q := range qs {
		queries[i] = b.query.fill(func(f string) string { return jsonInner(q.Value(f)) })
	}
	body := strings.Replace(b.body, placeOfQueries, strings.Join(queries, ","), 1)
	got, err := b.send(ctx, http.MethodPost, b.url, body, maxBatchBody)
	switch {
	case err != nil:
		return nil, err
	case got.code < 200 || got.code > 299 || got.code == http.StatusAccepted || got.code == http.StatusNoContent:
		return nil, b.status(got, http.MethodPost)
	}
	doc, err := parseAnswer(got.data)
	if err != nil {
		return nil, err
	}
	at, ok := doc, true
	if b.answers != nil {
		at, ok = b.answers.find(doc)
	}
	list, isList := at.([]any)
	switch {
	case !ok || !isList:
		return nil, &LookupError{Reason: ReasonBadAnswer, Detail: "there is no list of answers"}
	case b.key == nil && len(list) != len(qs):
		return nil, &LookupError{Reason: ReasonBadAnswer, Detail: "not as many answers as queries"}
	case b.key != nil:
		list = b.assign(list, qs)
	}
	out := make([]Reply, len(qs))
	for i, q := range qs {
		if list[i] != nil {
			out[i].Answer, out[i].Err = b.mapping.read(ctx, list[i], q)
		}
	}
	return out, nil
}

// assign finds the answer to each query; nil if there is none. Of two answers
// about one the first counts.
func (b *httpBatch) assign(list []any, qs []Query) []any {
	by := make(map[string]any, len(list))
	for _, a := range list {
		v, ok := b.key.find(a)
		if !ok {
			continue
		}
		text, err := coerce(leadloop.KindString, v)
		if err != nil {
			continue
		}
		if k := b.keyOf(text.Text()); k != "" && by[k] == nil {
			by[k] = a
		}
	}
	out := make([]any, len(qs))
	for i, q := range qs {
		out[i] = by[b.keyOf(q.Value(b.by.Name))]
	}
	return out
}

// keyOf is a key in the form in which keys are compared, "" for none.
func (b *httpBatch) keyOf(s string) string {
	v, reason := canonical(b.by, leadloop.ValueOf(s), "", time.Time{})
	if b.by.Kind != leadloop.KindString || reason != "" {
		return strings.ToLower(s)
	}
	return strings.ToLower(v.Text())
}
