package enrich_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
)

// computed is a provider whose answers are computed with.
func computed(t *testing.T, answer string) *enrich.HTTP {
	t.Helper()
	h, _ := api(t, enrich.HTTPSpec{
		Match:      `= status == "ok" && domain == company.domain`,
		Confidence: "= score >= 50.0 ? score : 0.0", ConfidenceMax: 100,
		VerifiedAt: "= checked",
		Fields: map[string]string{
			"company.employees": "= (low + high) / 2",
			"company.industry":  `= sector.lowerAscii() == "fin" ? "Financials" : sector`,
			"company.revenue":   "data.revenue",
		},
		Values: map[string]enrich.HTTPValue{
			"status": {"meta.status", leadloop.KindString}, "domain": {"data.domain", leadloop.KindString},
			"low": {"data.range[0]", leadloop.KindInt}, "high": {"data.range[1]", leadloop.KindInt},
			"sector": {"data.sector", leadloop.KindString}, "score": {"meta.score", leadloop.KindFloat}, "checked": {"meta.checked", leadloop.KindTime},
		},
	}, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) })
	return h
}

func TestAnswersAreComputedWith(t *testing.T) {
	at := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	facts := func(n int64, industry string, confidence float64, checked time.Time) []enrich.Fact {
		var out []enrich.Fact
		if n > 0 {
			out = append(out, enrich.Fact{Field: "company.employees", Value: leadloop.ValueOf(n), Confidence: confidence, VerifiedAt: checked})
		}
		if industry != "" {
			out = append(out, enrich.Fact{Field: "company.industry", Value: leadloop.ValueOf(industry), Confidence: confidence, VerifiedAt: checked})
		}
		return append(out, enrich.Fact{Field: "company.revenue", Value: leadloop.ValueOf[int64](7), Confidence: confidence, VerifiedAt: checked})
	}
	odd := facts(0, "Steel", 0, time.Time{})
	for _, tc := range []struct {
		name, answer string
		want         enrich.Answer
		err          string
	}{
		{
			"values are put together, and one field still comes by its path",
			`{"meta": {"status": "ok", "score": 80, "checked": "2026-05-01"}, "data": {"domain": "acme.example", "range": [100, 200], "sector": "FIN", "revenue": 7}}`,
			enrich.Answer{Matched: true, Facts: facts(150, "Financials", 0.8, at)}, "",
		},
		{
			"what lacks a part is not found, and the rest stays",
			`{"meta": {"status": "ok"}, "data": {"domain": "acme.example", "range": [100], "sector": "Steel", "revenue": 7}}`,
			enrich.Answer{Matched: true, Facts: facts(0, "Steel", 0, time.Time{}), NotFound: []string{"company.employees"}}, "",
		},
		{
			"a part of another kind makes the field one of another kind",
			`{"meta": {"status": "ok"}, "data": {"domain": "acme.example", "range": ["many", 200], "sector": "Steel", "revenue": 7}}`,
			enrich.Answer{Matched: true, Facts: append([]enrich.Fact{{Field: "company.employees", Value: leadloop.ValueOf(false)}}, odd...)}, "",
		},
		{"another status is no match", `{"meta": {"status": "pending"}, "data": {"domain": "acme.example"}}`, enrich.Answer{}, ""},
		{"no status is none either", `{"data": {"domain": "acme.example"}}`, enrich.Answer{}, ""},
		{"another company is none", `{"meta": {"status": "ok"}, "data": {"domain": "other.example"}}`, enrich.Answer{}, ""},
		{
			"a match that can't be told is a bad answer", `{"meta": {"status": {}}, "data": {"domain": "acme.example"}}`, enrich.Answer{},
			"bad_answer: whether it is a match can't be told: a value is of another kind, or the expression failed",
		},
		{
			"a confidence out of bounds is a bad answer", `{"meta": {"status": "ok", "score": 180}, "data": {"domain": "acme.example"}}`, enrich.Answer{},
			"bad_answer: the confidence is not a number from 0 to the maximum",
		},
		{
			"an overflow is named by its field, without values",
			`{"meta": {"status": "ok"}, "data": {"domain": "acme.example", "range": [9223372036854775807, 9223372036854775807], "sector": "Steel", "revenue": 7}}`,
			enrich.Answer{}, "bad_answer: the expression of company.employees: ",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := computed(t, tc.answer).Lookup(t.Context(), byDomain)
			if tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.HasPrefix(err.Error(), tc.err)) || err != nil && strings.Contains(err.Error(), "922337") {
				t.Errorf("error %v, want %q", err, tc.err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

// loaded reads an enrich.yaml with one provider of type http and returns what
// is wrong with it.
func loaded(t *testing.T, provider string) []string {
	t.Helper()
	text := "providers:\n  - name: v\n    type: http\n    url: https://api.example.com/{company.domain}\n" + provider
	d, problems := enrich.Parse("enrich.yaml", []byte(text))
	_, more := d.Sources(leadloop.StandardSchema(), enrich.Host{Files: fstest.MapFS{}, Check: true})
	var out []string
	for _, p := range append(problems, more...) {
		out = append(out, p.String())
	}
	return out
}

func TestWhatIsWrongWithAMappingIsSaidWhereItStands(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"a field that does not exist", "    response: {fields: {company.employes: size}}\n", `enrich.yaml:5:43: response.fields.company.employes: the schema has no field "company.employes" (did you mean "company.employees"?)`},
		{
			"an expression that does not compile", "    response: {fields: {company.employees: '= low +'}, values: {low: {path: l, type: int}}}\n",
			`enrich.yaml:5:52: response.fields.company.employees: syntax error: unexpected end of expression`,
		},
		{
			"a name that is none of the values", "    response:\n      fields: {company.employees: '= lwo + 1'}\n      values: {low: {path: l, type: int}}\n",
			`enrich.yaml:6:38: response.fields.company.employees: unknown name lwo (did you mean "low"?)`,
		},
		{
			"the wrong kind", "    response:\n      fields: {company.employees: '= low'}\n      values: {low: {path: l, type: string}}\n",
			`enrich.yaml:6:38: response.fields.company.employees: `,
		},
		{
			"a field that is not asked by", "    response:\n      fields: {company.employees: '= company.revenue / 1000 + low'}\n      values: {low: {path: l, type: int}}\n",
			"enrich.yaml:6:36: response.fields.company.employees: the expression reads company.revenue, which the answer's values are not and nobody is asked by (declare it under values, with its path)",
		},
		{
			"the clock", "    response:\n      fields: {company.founded: '= now.getFullYear() - age'}\n      values: {age: {path: a, type: int}}\n",
			"enrich.yaml:6:34: response.fields.company.founded: an expression about an answer reads its values, neither the clock nor activities",
		},
		{
			"a value that nothing uses", "    response:\n      fields: {company.employees: size}\n      values: {low: {path: l, type: int}}\n",
			"enrich.yaml:6:7: response.values: no expression uses them",
		},
		{
			"a kind that does not exist", "    response:\n      fields: {company.employees: '= low'}\n      values: {low: {path: l, type: integer}}\n",
			`enrich.yaml:7:37: response.values.low.type: expected string, int, double, bool, timestamp or list(string), found "integer"`,
		},
		{
			"a status that means nothing", "    response: {fields: {company.employees: size}}\n    status: {422: nomatch}\n",
			`enrich.yaml:6:19: status: 422: "nomatch": expected a status and one of answer, no_match, rejected, rate_limited, unauthorized, unavailable (did you mean "no_match"?)`,
		},
		{
			"a batch that asks by something else", "    response: {fields: {company.employees: size}}\n    batch: {size: 10, url: https://api.example.com/bulk, query: '{\"mail\": \"{lead.email}\"}'}\n",
			"enrich.yaml:6:66: batch.query: it asks by lead.email, and a single call by company.domain",
		},
		{
			"a batch whose queries stand nowhere", "    response: {fields: {company.employees: size}}\n    batch: {size: 10, url: https://api.example.com/bulk, query: '\"{company.domain}\"', body: '{\"all\": []}'}\n",
			`enrich.yaml:6:94: batch.body: expected JSON with {queries} in it once, such as {"items": [{queries}]}`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := loaded(t, tc.text)
			if len(got) != 1 || !strings.HasPrefix(got[0], tc.want) {
				t.Errorf("got %q\nwant %q", got, tc.want)
			}
		})
	}
	if got := loaded(t, "    response:\n      fields: {company.employees: '= low'}\n      values: {low: {path: l, type: int}}\n    status: {422: no_match}\n"); len(got) > 0 {
		t.Errorf("problems with a file that is right: %q", got)
	}
}

func TestAStatusMeansWhatTheFileSays(t *testing.T) {
	for _, tc := range []struct {
		means  string
		status int
		err    string
	}{
		{"no_match", 422, ""}, {"unavailable", 402, "unavailable: status 402"}, {"rate_limited", 403, "rate_limited: status 403"},
		{"rejected", 404, "rejected: status 404"}, {"answer", 203, ""},
	} {
		h, _ := api(t, enrich.HTTPSpec{Status: map[int]string{tc.status: tc.means}}, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tc.status)
			_, _ = io.WriteString(w, `{"data": {"size": 5}}`)
		})
		a, err := h.Lookup(t.Context(), byDomain)
		if err != nil {
			if err.Error() != tc.err {
				t.Errorf("%d as %s: %v", tc.status, tc.means, err)
			}
		} else if tc.err != "" || a.Matched != (tc.means == "answer") {
			t.Errorf("%d as %s: %+v", tc.status, tc.means, a)
		}
	}
}

// bulk is an API that takes many domains and answers about those it knows.
func bulk(t *testing.T, batch enrich.HTTPBatch, reply func(domains []string) string) enrich.BatchProvider {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Items []struct{ Domain string } }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Method != http.MethodPost || r.URL.Path != "/bulk" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		domains := make([]string, len(in.Items))
		for i, d := range in.Items {
			domains[i] = d.Domain
		}
		text := reply(domains)
		if text == "" {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(srv.Close)
	batch.Size, batch.URL, batch.Query, batch.Body = 3, srv.URL+"/bulk", `{"domain": "{company.domain}"}`, `{"items": [{queries}]}`
	h, err := enrich.NewHTTP(leadloop.StandardSchema(), enrich.HTTPSpec{
		URL: srv.URL + "/{company.domain}", Match: "size", Fields: map[string]string{"company.employees": "size"}, Batch: &batch,
	}, enrich.HTTPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return h.Source("bulk").Provider.(enrich.BatchProvider)
}

func TestAJSONAPITakesManyQueriesInOneCall(t *testing.T) {
	var qs []enrich.Query
	for _, d := range []string{"a.example", `quo"te.example`, "c.example"} {
		qs = append(qs, enrich.Query{Lead: leadloop.LeadID(d), Known: []enrich.Known{{Field: "company.domain", Value: d}}, Want: []string{"company.employees"}})
	}
	size := func(n int64) enrich.Reply {
		return enrich.Reply{Answer: enrich.Answer{Matched: true, Facts: []enrich.Fact{{Field: "company.employees", Value: leadloop.ValueOf(n)}}}}
	}
	for _, tc := range []struct {
		name  string
		batch enrich.HTTPBatch
		reply string
		want  []enrich.Reply
		err   string
	}{
		{"in the order of the queries, null for nobody", enrich.HTTPBatch{Answers: "results"}, `{"results": [{"size": 1}, null, {"size": 3}]}`, []enrich.Reply{size(1), {}, size(3)}, ""},
		{"in any order, told apart by a key", enrich.HTTPBatch{Key: "about.domain"}, `[{"about": {"domain": "C.example"}, "size": 3}, {"about": {"domain": "a.example"}, "size": 1}, {"size": 9}]`, []enrich.Reply{size(1), {}, size(3)}, ""},
		{"too few answers without a key", enrich.HTTPBatch{}, `[{"size": 1}]`, nil, "bad_answer: not as many answers as queries"},
		{"no list", enrich.HTTPBatch{Answers: "results"}, `{"results": {}}`, nil, "bad_answer: there is no list of answers"},
		{"HTML", enrich.HTTPBatch{}, `<html>`, nil, "bad_answer: expected JSON, found HTML or XML"},
		{"a failure, after which nobody knows whether it was sold", enrich.HTTPBatch{}, "", nil, "unavailable: status 500"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := bulk(t, tc.batch, func(domains []string) string {
				if diff := cmp.Diff([]string{"a.example", `quo"te.example`, "c.example"}, domains); diff != "" {
					t.Errorf("asked about (-want +got):\n%s", diff)
				}
				return tc.reply
			})
			if p.BatchSize() != 3 {
				t.Errorf("batches of %d", p.BatchSize())
			}
			got, err := p.LookupAll(t.Context(), qs)
			text := ""
			if err != nil {
				text = err.Error()
			}
			if diff := cmp.Diff(tc.want, got); diff != "" || text != tc.err {
				t.Errorf("error %q, answers (-want +got):\n%s", text, diff)
			}
		})
	}
}
