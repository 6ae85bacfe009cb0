package enrich

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/suggest"
)

// Host is what a program gives to the providers that a file names.
type Host struct {
	// Files is the folder that paths are relative to; the playbook's.
	Files fs.FS
	// HTTP has the client and the secrets of providers of type http.
	HTTP HTTPOptions
	// Website has how providers of type website reach the network.
	Website WebsiteOptions
	// Providers are those of type host, by name.
	Providers map[string]Provider
	// Check takes secrets and providers of type host as given, for a check
	// without the program that has them. Sources made so tell fields and terms;
	// a lookup by one that would need what is not there fails.
	Check bool
}

// maxRejectWarnings bounds how many dirty rows of one file are listed.
const maxRejectWarnings = 20

// Sources makes the file's providers, in its order, and reports all that is
// wrong with them against the schema and the host. Dirty rows of files are
// warnings. The sources are usable if [leadloop.Problems.Err] is nil.
func (d *Definition) Sources(schema *leadloop.Schema, h Host) ([]Source, leadloop.Problems) {
	b := builder{schema: schema, host: h}
	if h.Check {
		b.host.HTTP.Secret = func(string) (string, bool) { return "taken-as-given", true }
	}
	for _, name := range sortedKeys(d.doc.Fields) {
		b.field(leadloop.Expression{Text: name, At: d.doc.Fields[name].At}, "fields")
	}
	for _, g := range d.doc.Groups {
		b.fields(g.Fields, "groups.fields")
	}
	for _, activity := range sortedKeys(d.doc.Refresh) {
		b.fields(d.doc.Refresh[activity], "refresh."+activity)
	}
	var out []Source
	for i, doc := range d.doc.Providers {
		before := len(b.problems)
		var s Source
		switch doc.Type.Text {
		case typeFile:
			s = b.file(doc)
		case typeHTTP:
			s = b.http(doc)
		case typeHost:
			s = b.hosted(doc)
		case typeSite:
			s = b.site(doc)
		}
		if errs, _ := b.problems[before:].Split(); len(errs) > 0 || s.Provider == nil {
			continue
		}
		terms := d.terms[i]
		terms.Provider, terms.Fields, terms.Needs, terms.Version = s.Provider, s.Fields, s.Needs, s.Version
		terms.NoCache = s.NoCache && terms.Price == 0
		out = append(out, terms)
	}
	b.problems.Sort()
	return out, b.problems
}

type builder struct {
	schema   *leadloop.Schema
	host     Host
	problems leadloop.Problems
}

func (b *builder) field(e leadloop.Expression, key string) bool {
	if _, ok := b.schema.Lookup(e.Text); !ok {
		b.problems.AddHint(e.At, fieldHint(b.schema, e.Text), "%s: the schema has no field %q", key, e.Text)
		return false
	}
	return true
}

func (b *builder) fields(list []leadloop.Expression, key string) []string {
	var out []string
	for _, e := range list {
		if b.field(e, key) {
			out = append(out, e.Text)
		}
	}
	return out
}

func (b *builder) file(doc providerDocument) Source {
	if doc.Path.IsZero() || doc.Key.IsZero() {
		return Source{} // Parse has said so
	}
	fields := b.fields(doc.Fields, "fields")
	if !b.field(doc.Key, "key") || len(fields) < len(doc.Fields) {
		return Source{}
	}
	name := path.Clean(doc.Path.Text)
	if !fs.ValidPath(name) {
		b.problems.Add(doc.Path.At, "path: expected a file below the playbook's folder")
		return Source{}
	}
	if b.host.Files == nil {
		b.problems.Add(doc.Path.At, "path: there is no folder to read provider files from")
		return Source{}
	}
	r, err := b.host.Files.Open(name)
	if err != nil {
		hint := ""
		if entries, dirErr := fs.ReadDir(b.host.Files, path.Dir(name)); dirErr == nil {
			names := make([]string, len(entries))
			for i, e := range entries {
				names[i] = path.Join(path.Dir(name), e.Name())
			}
			hint = suggest.DidYouMean(name, names)
		}
		what := "can't be opened"
		if errors.Is(err, fs.ErrNotExist) {
			what = "does not exist"
		}
		b.problems.AddHint(doc.Path.At, hint, "path: the file %s %s", name, what)
		return Source{}
	}
	defer func() { _ = r.Close() }() // only read
	f, err := NewFile(b.schema, name, r, doc.Key.Text, fields...)
	if err != nil {
		var ps leadloop.Problems
		if !errors.As(err, &ps) {
			ps = leadloop.Problems{{At: doc.Path.At, Message: err.Error()}}
		}
		b.problems = append(b.problems, ps...)
		return Source{}
	}
	rejects := f.Rejects()
	for _, r := range rejects[:min(len(rejects), maxRejectWarnings)] {
		what := r.Reason
		if r.Field != "" {
			what = r.Field + ": " + what
		}
		b.problems.Warn(leadloop.Position{File: name, Line: r.Line, Column: 1}, "%s", what)
	}
	if more := len(rejects) - maxRejectWarnings; more > 0 {
		b.problems.Warn(doc.Path.At, "path: %d more rows or cells of %s are unusable", more, name)
	}
	return f.Source(doc.Name.Text)
}

func (b *builder) http(doc providerDocument) Source {
	if doc.URL.IsZero() || len(doc.Response.Fields) == 0 {
		return Source{} // Parse has said so
	}
	at := map[string]leadloop.Position{
		"method": doc.Method.At, "url": doc.URL.At, "body": doc.Body.At,
		"response.match": doc.Response.Match.At, "response.fields": doc.Response.At,
		"response.confidence": doc.Response.Confidence.At, "response.confidence_max": doc.Response.At, "response.values": doc.Response.At,
		"response.verified_at": doc.Response.VerifiedAt.At,
	}
	texts := func(prefix string, m map[string]leadloop.Expression) map[string]string {
		out := make(map[string]string, len(m))
		for k, e := range m {
			out[k], at[prefix+k] = e.Text, e.At
		}
		return out
	}
	values := make(map[string]HTTPValue, len(doc.Response.Values))
	for name, v := range doc.Response.Values {
		kind, ok := leadloop.ParseKind(v.Type.Text)
		if !ok {
			b.problems.Add(v.Type.At, "response.values.%s.type: expected string, int, double, bool, timestamp or list(string), found %q", name, v.Type.Text)
			return Source{}
		}
		at["response.values."+name] = v.Path.At
		values[name] = HTTPValue{v.Path.Text, kind}
	}
	statuses := make(map[int]string, len(doc.Status))
	for code, means := range doc.Status {
		n, err := strconv.Atoi(code)
		if err != nil {
			b.problems.Add(means.At, "status: %q is no HTTP status", code)
			return Source{}
		}
		statuses[n], at["status"] = means.Text, means.At
	}
	spec := HTTPSpec{
		Method: doc.Method.Text, URL: doc.URL.Text, Body: doc.Body.Text,
		Headers:    texts("headers.", doc.Headers),
		Match:      doc.Response.Match.Text,
		Fields:     texts("response.fields.", doc.Response.Fields),
		Confidence: doc.Response.Confidence.Text, ConfidenceMax: doc.Response.ConfidenceMax,
		VerifiedAt: doc.Response.VerifiedAt.Text, Values: values, Status: statuses,
	}
	if d := doc.Batch; d.At != (leadloop.Position{}) {
		at["batch.size"], at["batch.url"], at["batch.query"], at["batch.body"] = d.At, d.URL.At, d.Query.At, d.Body.At
		at["batch.answers"], at["batch.key"] = d.Answers.At, d.Key.At
		spec.Batch = &HTTPBatch{Size: d.Size, URL: d.URL.Text, Query: d.Query.Text, Body: d.Body.Text, Answers: d.Answers.Text, Key: d.Key.Text}
	}
	h, problems := newHTTP(b.schema, spec, b.host.HTTP, func(part string) leadloop.Position { return at[part] })
	for _, p := range problems {
		pos, message := at[p.part], p.part+": "+p.message
		if p.at != (leadloop.Position{}) {
			pos, message = p.at, p.message // which says what it is about
		}
		if pos == (leadloop.Position{}) {
			pos = doc.At
		}
		b.problems.AddHint(pos, p.hint, "%s", message)
	}
	if len(problems) > 0 {
		return Source{}
	}
	if u, err := url.Parse(doc.URL.Text[:strings.IndexAny(doc.URL.Text+"{", "{")]); err == nil && u.Scheme == "http" && !loopback(u.Hostname()) {
		b.problems.Warn(doc.URL.At, "url: http sends leads and secrets in the clear; is there an https address?")
	}
	return h.Source(doc.Name.Text)
}

func (b *builder) site(doc providerDocument) Source {
	facts, before := map[string]string{}, len(b.problems)
	for _, f := range sortedKeys(doc.Facts) {
		e := doc.Facts[f]
		if hint, message := factIssue(b.schema, f, e.Text); message != "" {
			b.problems.AddHint(e.At, hint, "facts.%s: %s", f, message)
		}
		facts[f] = e.Text
	}
	if len(facts) == 0 || len(b.problems) > before {
		return Source{} // it has been said
	}
	return newWebsite(facts, b.host.Website).Source(doc.Name.Text)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (b *builder) hosted(doc providerDocument) Source {
	s := Source{Fields: b.fields(doc.Fields, "fields"), Needs: b.fields(doc.Needs, "needs")}
	for _, e := range doc.Needs {
		if slices.Contains(s.Fields, e.Text) {
			b.problems.Add(e.At, "needs: field %s can't be both known and asked for", e.Text)
		}
	}
	s.Provider = b.host.Providers[doc.Name.Text]
	switch {
	case s.Provider != nil:
	case b.host.Check:
		s.Provider = ProviderFunc(func(context.Context, Query) (Answer, error) {
			return Answer{}, &LookupError{Reason: ReasonFailed, Detail: "the program's provider was only taken as given"}
		})
	default:
		hint := suggest.DidYouMean(doc.Name.Text, sortedKeys(b.host.Providers))
		if hint == "" {
			hint = fmt.Sprintf("it has %d", len(b.host.Providers))
		}
		b.problems.AddHint(doc.Name.At, hint, "name: the program gives no provider %q", doc.Name.Text)
	}
	return s
}
