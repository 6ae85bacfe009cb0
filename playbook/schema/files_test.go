package schema_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"go.yaml.in/yaml/v3"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/lifecycle"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/routing/calendar"
	"github.com/leadloop/leadloop/scoring"
)

// What the examples of cases are about.
const (
	caseScoring = `model: m
version: 1
fields: {plan: string}
rules:
  - {id: big, when: "company.employees >= 500 && size(company.technologies) > 1", points: 20}
  - {id: pro, when: 'lead.plan == "pro"', points: 15}
  - {id: demo, each: demo_request, points: 40}
  - {id: rich, when: "company.revenue > 1", points: 1}
  - {id: student, when: 'lead.title == "Student"', disqualify: student}
modifiers:
  - {id: outside, when: 'lead.country == "FR"', multiply: 0.5, owner: ana, expires: 2027-01-01}
tiers: {A: 70, B: 30, C: 0}
`
	caseRouting = `teams: [{id: enterprise, manager: dan, members: [ana, ben, cem]}]
reps:
  - {id: ana, timezone: UTC, hours: office, languages: [en]}
  - {id: ben, timezone: UTC, hours: office, max_open: 60}
  - {id: cem, timezone: UTC, hours: office}
  - {id: dan}
pools: [{id: enterprise, team: enterprise}, {id: there, team: enterprise, present: true, wait: 1d, queue: desk}]
queues: [{id: desk}]
chain:
  - {id: contact, when: has_contact, target: {owner_of: contact}}
  - {id: low, tier: [C], target: {nurture: digest}}
  - {id: german, country: [DE], target: {pool: there}}
  - {id: large, employees: {min: 1000}, target: {pool: enterprise}}
  - {id: rest, country: [US], target: {queue: desk}}
final: desk
`
	caseSLA = `calendars: {office: {zone: owner, hours: {mon-fri: ["09:00-17:00"]}}}
policies: [{id: hot, tier: A, target: 15m, calendar: office, escalate: [{notify: "rep:dan"}]}]
`
	caseEnrich = `providers:
  - {name: firms, type: host, key: company.domain, fields: [company.technologies, company.industry, company.revenue], price: 0.05}
  - {name: vendor, type: host, key: lead.email, fields: [company.revenue]}
  - {name: directory, type: host, key: company.domain, fields: [company.industry]}
`
)

// wholeCases reads cases that only a whole playbook can tell about.
func wholeCases(data []byte) leadloop.Problems {
	_, found := playbook.Load(fstest.MapFS{
		"scoring.yaml": {Data: []byte(caseScoring)}, "routing.yaml": {Data: []byte(caseRouting)}, "sla.yaml": {Data: []byte(caseSLA)},
		"enrich.yaml": {Data: []byte(caseEnrich)}, "cases/cases.yaml": {Data: data},
	})
	return problems(slices.DeleteFunc(found, func(p leadloop.Problem) bool { return p.At.File != "cases/cases.yaml" }))
}

// takers say, for each file, what its package finds wrong with it: its form,
// then its meaning. What one file knows of another (reps, queues, tiers, a
// table) is that of the schemas' examples.
var takers = map[string]func(data []byte) leadloop.Problems{
	"scoring": func(data []byte) leadloop.Problems {
		d, err := scoring.Parse("scoring.yaml", data)
		if err != nil {
			return problems(err)
		}
		s, err := d.Schema()
		if err != nil {
			return problems(err)
		}
		_, err = scoring.New(d, s, scoring.Options{})
		return problems(err)
	},
	"cases": func(data []byte) leadloop.Problems {
		if bytes.Contains(data, []byte(`"enrich":`)) || bytes.Contains(data, []byte(`"lifecycle":`)) {
			return wholeCases(data)
		}
		d, err := scoring.Parse("scoring.yaml", []byte(caseScoring))
		if err != nil {
			return problems(err)
		}
		s, err := d.Schema()
		if err != nil {
			return problems(err)
		}
		m, err := scoring.New(d, s, scoring.Options{})
		if err != nil {
			return problems(err)
		}
		chain, err := routing.Parse("routing.yaml", []byte(caseRouting))
		if err != nil {
			return problems(err)
		}
		clocks, err := routing.ParseSLA("sla.yaml", []byte(caseSLA))
		if err != nil {
			return problems(err)
		}
		r, err := routing.New(chain, clocks, s, routing.Options{Tiers: []string{"A", "B", "C"}})
		if err != nil {
			return problems(err)
		}
		var ps leadloop.Problems
		_, err = scoring.ParseCases("cases.yaml", data, m)
		ps.Join(err)
		_, err = routing.ParseCases("cases.yaml", data, r)
		for _, p := range problems(err) {
			if !slices.Contains(ps, p) { // of the file as such, which both read
				ps = append(ps, p)
			}
		}
		return problems(ps)
	},
	"routing": func(data []byte) leadloop.Problems {
		d, err := routing.Parse("routing.yaml", data)
		if err != nil {
			return problems(err)
		}
		sla := routing.SLADefinition{
			Calendars: map[string]routing.Calendar{"office": {Hours: map[string][]string{"mon-fri": {"09:00-17:00"}}}},
			Unworked:  &routing.Ladder{Escalate: []routing.Rung{{Notify: "rep:vera"}}},
		}
		schema, err := leadloop.NewSchema(leadloop.NewField[string](routing.PostcodeField))
		if err != nil {
			return problems(err)
		}
		_, err = routing.New(d, sla, schema, routing.Options{Files: fstest.MapFS{"named.csv": {Data: []byte("domain,owner\n")}}})
		return problems(err)
	},
	"sla": func(data []byte) leadloop.Problems {
		d, err := routing.ParseSLA("sla.yaml", data)
		if err != nil {
			return problems(err)
		}
		people := routing.Definition{Reps: []routing.Rep{{ID: "vera"}}, Queues: []routing.Queue{{ID: "inbox"}}, Final: "inbox"}
		_, err = routing.New(people, d, leadloop.StandardSchema(), routing.Options{
			Holidays: func(country string, _ int) ([]calendar.Date, bool) { return nil, country == "DE" || country == "US" },
		})
		return problems(err)
	},
	"enrich": func(data []byte) leadloop.Problems {
		d, ps := enrich.Parse("enrich.yaml", data)
		if ps.Err() != nil {
			return problems(ps)
		}
		nobody := enrich.ProviderFunc(nil)
		_, ps = d.Sources(leadloop.StandardSchema(), enrich.Host{
			Files:     fstest.MapFS{"firms.csv": {Data: []byte("company.domain,company.employees,company.industry\n")}},
			HTTP:      enrich.HTTPOptions{Secret: func(string) (string, bool) { return "secret", true }},
			Providers: map[string]enrich.Provider{"firms": nobody, "vendor": nobody, "directory": nobody},
		})
		return problems(ps)
	},
	"guards": func(data []byte) leadloop.Problems {
		_, err := playbook.ParseGuards("guards.yaml", data, []string{"A", "B", "C"})
		return problems(err)
	},
	"survivorship": func(data []byte) leadloop.Problems {
		d, err := dedupe.ParsePolicy("survivorship.yaml", data)
		if err != nil {
			return problems(err)
		}
		_, err = dedupe.NewPolicy(d, leadloop.StandardSchema())
		return problems(err)
	},
	"lifecycle": func(data []byte) leadloop.Problems {
		d, err := lifecycle.Parse("lifecycle.yaml", data)
		if err != nil {
			return problems(err)
		}
		schema, err := withAnswers(d)
		if err != nil {
			return problems(err)
		}
		cadences, err := lifecycle.NewCadences(lifecycle.CadenceDefinition{Cadences: []lifecycle.Cadence{
			{ID: "win-back", Steps: []lifecycle.Step{{ID: "a", Channel: lifecycle.ChannelEmail, Content: "a"}}},
		}}, schema, lifecycle.Options{})
		if err != nil {
			return problems(err)
		}
		_, err = lifecycle.New(d, schema, lifecycle.Options{Calendars: []string{"office"}, Cadences: cadences})
		return problems(err)
	},
	"cadences": func(data []byte) leadloop.Problems {
		d, err := lifecycle.ParseCadences("cadences.yaml", data)
		if err != nil {
			return problems(err)
		}
		cadences, err := lifecycle.NewCadences(d, leadloop.StandardSchema(), lifecycle.Options{Calendars: []string{"office"}})
		if err != nil {
			return problems(err)
		}
		_, err = lifecycle.New(lifecycle.Default(), leadloop.StandardSchema(), lifecycle.Options{Cadences: cadences})
		return problems(err)
	},
	"privacy": func(data []byte) leadloop.Problems {
		_, ps := playbook.Load(fstest.MapFS{
			"scoring.yaml": {Data: []byte("{model: m, version: 1, rules: [{id: r, when: 'true', points: 1}]}")},
			"routing.yaml": {Data: []byte("{queues: [{id: inbox}], final: inbox}")},
			"privacy.yaml": {Data: data},
		})
		return problems(ps)
	},
}

// withAnswers is the schema with the fields that questions declare.
func withAnswers(d lifecycle.Definition) (*leadloop.Schema, error) {
	var own []leadloop.AnyField
	for _, f := range d.Fields() {
		own = append(own, f)
	}
	return leadloop.NewSchema(own...)
}

// problems are the errors among what was found, without warnings.
func problems(err error) leadloop.Problems {
	var ps leadloop.Problems
	if err != nil && !errors.As(err, &ps) {
		ps.Add(leadloop.Position{}, "%v", err)
	}
	ps, _ = ps.Split()
	return ps
}

// files are the names of all schemas, sorted.
func files() []string { return slices.Sorted(maps.Keys(takers)) }

// taken reports whether a file's package takes the document.
func taken(t *testing.T, name string, doc any) (bool, leadloop.Problems) {
	t.Helper()
	ps := takers[name](write(t, doc))
	return len(ps) == 0, ps
}

// write returns the document as a file. JSON is YAML.
func write(t *testing.T, doc any) []byte {
	t.Helper()
	data, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// read returns a YAML file as an editor's validator sees it: as JSON, dates as
// text.
func read(t *testing.T, data []byte) any {
	t.Helper()
	var n yaml.Node
	if err := yaml.Unmarshal(data, &n); err != nil {
		t.Fatal(err)
	}
	return plain(t, n.Content[0])
}

func plain(t *testing.T, n *yaml.Node) any {
	switch n.Kind {
	case yaml.AliasNode:
		return plain(t, n.Alias)
	case yaml.SequenceNode:
		out := []any{}
		for _, c := range n.Content {
			out = append(out, plain(t, c))
		}
		return out
	case yaml.MappingNode:
		out := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			out[n.Content[i].Value] = plain(t, n.Content[i+1])
		}
		return out
	}
	var out any
	switch n.ShortTag() {
	case "!!int", "!!float":
		var f float64
		if err := n.Decode(&f); err != nil {
			t.Fatal(err)
		}
		out = f
	case "!!bool", "!!null":
		if err := n.Decode(&out); err != nil {
			t.Fatal(err)
		}
	default:
		out = n.Value
	}
	return out
}

// examples are the whole documents that a schema shows.
func (d document) examples() []any { return d["examples"].([]any) }

// A place is where a value stands in a document: keys and list positions.
type place []any

func (p place) String() string {
	var b strings.Builder
	for _, s := range p {
		if i, ok := s.(int); ok {
			fmt.Fprintf(&b, "[%d]", i)
		} else {
			b.WriteString("." + s.(string))
		}
	}
	return strings.TrimPrefix(b.String(), ".")
}

// places are all places of a document, the whole included.
func places(doc any) []place {
	out := []place{{}}
	add := func(step, below any) {
		for _, p := range places(below) {
			out = append(out, append(place{step}, p...))
		}
	}
	switch doc := doc.(type) {
	case []any:
		for i, x := range doc {
			add(i, x)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(doc)) {
			add(k, doc[k])
		}
	}
	return out
}

// gone put at a place takes away what is there.
type gone struct{}

// put returns the document with another value at a place.
func put(doc any, p place, v any) any {
	if len(p) == 0 {
		return v
	}
	switch step := p[0].(type) {
	case int:
		out := slices.Clone(doc.([]any))
		out[step] = put(out[step], p[1:], v)
		if out[step] == (gone{}) {
			return slices.Delete(out, step, step+1)
		}
		return out
	default:
		key := step.(string)
		out := maps.Clone(doc.(map[string]any))
		out[key] = put(out[key], p[1:], v)
		if out[key] == (gone{}) {
			delete(out, key)
		}
		return out
	}
}

func at(doc any, p place) any {
	for _, step := range p {
		if i, ok := step.(int); ok {
			doc = doc.([]any)[i]
		} else {
			doc = doc.(map[string]any)[step.(string)]
		}
	}
	return doc
}

// A form is what a decoder takes at a place.
type form struct {
	Kind     string           // mapping, names, list, or the word of the decoder for a scalar
	Keys     map[string]*form // of a mapping
	Required []string         // of a mapping
	Of       *form            // of a list, and of names, which are mappings with keys of the user's own
}

// free are places where the decoder takes whatever stands there and the package
// looks at it later.
var free = []string{
	"cases[0].lead." + probe, "cases[0].want.reasons[0]", "routes[0].lead." + probe, "enrich[0].lead." + probe, "enrich[0].answers." + probe, "lifecycle[0].lead." + probe,
}

// Nothing in a playbook has this key, nor one that it could be a slip of.
const probe = "qqqqqqqq"

var (
	unknownKey = regexp.MustCompile(`^known here: (.+)$`)
	missingKey = regexp.MustCompile(`^missing key "([a-z_]+)"$`)
	wanted     = regexp.MustCompile(`^expected (.+), found a mapping$`)
)

// takes finds out what a package takes at a place of its file by putting there
// a mapping that nobody can mean: every answer of the decoder tells the form.
func takes(t *testing.T, taker func([]byte) leadloop.Problems, label string, depth int, around func(any) any) *form {
	t.Helper()
	if depth > 12 {
		t.Fatalf("%s: anything goes here, which no schema can describe", label)
	}
	f := &form{}
	if slices.Contains(free, label) {
		f.Kind = "anything"
		return f
	}
	for _, p := range taker(write(t, around(map[string]any{probe: 1}))) {
		message, ok := strings.CutPrefix(p.Message, orFile(label)+": ")
		if !ok {
			continue
		}
		if message == fmt.Sprintf("unknown key %q", probe) {
			m := unknownKey.FindStringSubmatch(p.Hint)
			if m == nil {
				t.Fatalf("%s: the decoder does not tell its keys: %s", label, p)
			}
			f.Kind, f.Keys = "mapping", map[string]*form{}
			for key := range strings.SplitSeq(m[1], ", ") {
				f.Keys[key] = takes(t, taker, strings.TrimPrefix(label+"."+key, "."), depth+1, func(v any) any { return around(map[string]any{key: v}) })
			}
		} else if m := missingKey.FindStringSubmatch(message); m != nil {
			f.Required = append(f.Required, m[1])
		} else if m := wanted.FindStringSubmatch(message); m != nil {
			f.Kind = m[1]
		}
	}
	slices.Sort(f.Required)
	switch f.Kind {
	case "a list":
		f.Kind, f.Of = "list", takes(t, taker, label+"[0]", depth+1, func(v any) any { return around([]any{v}) })
	case "":
		f.Kind, f.Of = "names", takes(t, taker, label+"."+probe, depth+1, func(v any) any { return around(map[string]any{probe: v}) })
	}
	return f
}

func orFile(label string) string {
	if label == "" {
		return "file"
	}
	return label
}
