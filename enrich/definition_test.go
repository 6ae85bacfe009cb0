package enrich_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
)

const playbook = `# enrich.yaml
currency: EUR
deadline: 20s
min_fit: 12.5
ttl: 60d
negative_ttl: 2w
budget: {day: 50, month: 800.50, lead: 0.25}
fields:
  company.employees: {ttl: 30d, min_confidence: 0.6, min: 1, max: 5000000}
providers:
  - name: firms
    type: file
    path: data/firms.csv
    key: company.domain
    fields: [company.employees, company.industry]
    price: 0.02
    charge: match
  - name: list
    type: file
    path: ./data/firms.csv
    key: company.domain
  - name: acme-api
    type: http
    url: "https://api.example.com/v1/companies/{company.domain}"
    headers: {Authorization: "Bearer ${ACME_KEY}"}
    response:
      match: data
      confidence: data.likelihood
      confidence_max: 10
      fields: {company.employees: data.size, company.revenue: "data.figures[0].revenue"}
    price: 0.1
    charge: valid
    timeout: 3s
    retries: 0
    rate: 10
    concurrency: 4
    countries: [US, Canada]
  - name: people
    type: host
    needs: [lead.email]
    fields: [lead.title, lead.phone]
`

func files() fstest.MapFS {
	return fstest.MapFS{"data/firms.csv": {Data: []byte("company.domain,company.employees,company.industry\nacme.example,1200,Steel\nodd.example,many,Toys\n")}}
}

func host() enrich.Host {
	return enrich.Host{Files: files(), HTTP: enrich.HTTPOptions{Secret: secrets}, Providers: map[string]enrich.Provider{"people": unknowing()}}
}

func TestAPlaybookFileSaysAllThatGoCanSay(t *testing.T) {
	d, problems := enrich.Parse("enrich.yaml", []byte(playbook))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	sources, problems := d.Sources(leadloop.StandardSchema(), host())
	warning := leadloop.Problem{At: leadloop.Position{File: "data/firms.csv", Line: 3, Column: 1}, Message: "company.employees: invalid: expected a whole number, such as 800", Warning: true}
	if diff := cmp.Diff(leadloop.Problems{warning, warning}, problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	want := []enrich.Source{
		{Name: "firms", Fields: []string{"company.employees", "company.industry"}, Needs: []string{"company.domain"}, Price: 20_000, Charge: enrich.ChargeMatch},
		{Name: "list", Fields: []string{"company.employees", "company.industry"}, Needs: []string{"company.domain"}, NoCache: true},
		{
			Name: "acme-api", Fields: []string{"company.employees", "company.revenue"}, Needs: []string{"company.domain"}, Price: 100_000, Charge: enrich.ChargeValid,
			Timeout: 3 * time.Second, Retries: enrich.NoRetries, RatePerSecond: 10, Concurrency: 4, Countries: []string{"US", "CA"},
		},
		{Name: "people", Fields: []string{"lead.title", "lead.phone"}, Needs: []string{"lead.email"}},
	}
	if diff := cmp.Diff(want, sources, cmpopts.IgnoreFields(enrich.Source{}, "Provider", "Version")); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
	day, fit, lo, hi := 24*time.Hour, 12500*leadloop.Point/1000, 1.0, 5e6
	options := enrich.Options{
		Deadline: 20 * time.Second, MinFit: &fit, TTL: 60 * day, NegativeTTL: 14 * day,
		Budget:   enrich.Budget{Day: 50_000_000, Month: 800_500_000, Lead: 250_000},
		Policies: map[string]enrich.FieldPolicy{"company.employees": {TTL: 30 * day, MinConfidence: 0.6, Min: &lo, Max: &hi}},
	}
	if diff := cmp.Diff(options, d.Options(), cmpopts.IgnoreFields(enrich.Options{}, "PreScore"), cmpopts.IgnoreFields(enrich.FieldPolicy{}, "Valid")); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	if d.Currency() != "EUR" {
		t.Errorf("currency %q", d.Currency())
	}
	o := d.Options()
	o.Fields, o.MinFit = []string{"company.employees"}, nil
	r := enrichOnce(t, waterfall(t, newStore(t), o, sources[0], sources[1]), subject())
	if c := r.Calls[0]; c.Source != "firms" || len(c.Refused) != 1 || c.Refused[0].Reason != "low_confidence" {
		t.Errorf("a file without a confidence column passed a minimum confidence: %+v", c)
	}
}

func TestProblemsOfAPlaybookFile(t *testing.T) {
	const header = "providers:\n  - "
	for _, tc := range []struct {
		name, text string
		want       []string
	}{
		{"an empty file", "", []string{"enrich.yaml:1:1: file is empty"}},
		{"an unknown key", "deadlin: 3s\nproviders: []\n", []string{`enrich.yaml:1:1: file: unknown key "deadlin" (did you mean "deadline"?)`}},
		{"no providers", "currency: USD\n", []string{`enrich.yaml:1:1: file: missing key "providers"`}},
		{"wrong values at the top", "currency: euro\nmin_fit: high\ndeadline: -3s\nbudget: {day: -5, month: 1.1234567, lead: lots}\nproviders: []\n", []string{
			"enrich.yaml:1:1: deadline: is negative",
			"enrich.yaml:1:11: currency: expected a code of three capital letters, such as USD",
			"enrich.yaml:2:10: min_fit: expected points, such as 20",
			"enrich.yaml:4:15: budget.day: is negative",
			"enrich.yaml:4:26: budget.month: expected an amount such as 0.05, with up to six decimals",
			"enrich.yaml:4:43: budget.lead: expected an amount such as 0.05, with up to six decimals",
		}},
		{"field policies", "fields:\n  company.employes: {ttl: 3d}\n  company.revenue: {min_confidence: 2}\n  company.founded: {min: 3, max: 2}\nproviders: []\n", []string{
			`enrich.yaml:2:21: fields: the schema has no field "company.employes" (did you mean "company.employees"?)`,
			"enrich.yaml:3:20: fields.company.revenue.min_confidence: expected a number from 0 to 1",
			"enrich.yaml:4:20: fields.company.founded: min is above max",
		}},
		{"an unknown type", header + "{name: a, type: htp}\n", []string{`enrich.yaml:2:21: type: there is no provider of type "htp" (did you mean "http"?)`}},
		{"an empty type", header + "{name: a, type: \"\"}\n", []string{`enrich.yaml:2:22: type: there is no provider of type "" (known here: file, http, website, host (given by the program))`}},
		{"fewer than no retries", header + "{name: a, type: host, fields: [company.employees], needs: [company.domain], retries: -1}\n", []string{`enrich.yaml:2:5: retries: is negative`, `enrich.yaml:2:12: name: the program gives no provider "a" (it has 1)`}},
		{"no name and no type", header + "{price: 1}\n", []string{`enrich.yaml:2:5: providers[0]: missing key "name"`, `enrich.yaml:2:5: providers[0]: missing key "type"`}},
		{"terms that make no sense", header + "{name: people, type: host, fields: [lead.title], needs: [lead.email], price: -1, charge: mach, countries: [Atlantis], retries: 50}\n", []string{
			"enrich.yaml:2:5: timeout, retries (0 to 10), rate or concurrency (up to 1000) is out of range",
			"enrich.yaml:2:82: price: is negative",
			`enrich.yaml:2:94: charge: expected call, match or valid, found "mach" (call: every answer costs; match: only found ones; valid: only accepted ones)`,
			`enrich.yaml:2:112: countries: "Atlantis" is not a country`,
		}},
		{"two of one name", header + "{name: people, type: host, fields: [lead.title], needs: [lead.email]}\n  - {name: people, type: host, fields: [lead.title], needs: [lead.email]}\n", []string{
			`enrich.yaml:3:12: name: a provider "people" stands above already`,
		}},
		{"keys of another type", header + "{name: people, type: host, fields: [lead.title], url: x, path: y}\n", []string{
			`enrich.yaml:2:5: a provider of type host needs the key "needs"`,
			"enrich.yaml:2:59: url: a provider of type host has no use for it",
			"enrich.yaml:2:68: path: a provider of type host has no use for it",
		}},
		{"a provider that the program does not give", header + "{name: peple, type: host, fields: [lead.titel], needs: [lead.email]}\n", []string{
			`enrich.yaml:2:12: name: the program gives no provider "peple" (did you mean "people"?)`,
			`enrich.yaml:2:40: fields: the schema has no field "lead.titel" (did you mean "lead.title"?)`,
		}},
		{"a field both known and asked for", header + "{name: people, type: host, fields: [lead.title], needs: [lead.title]}\n", []string{
			"enrich.yaml:2:62: needs: field lead.title can't be both known and asked for",
		}},
		{"a file that is not there", header + "{name: a, type: file, path: data/firm.csv, key: company.domain}\n", []string{
			`enrich.yaml:2:33: path: the file data/firm.csv does not exist (did you mean "data/firms.csv"?)`,
		}},
		{"a key that is asked for", header + "{name: a, type: file, path: data/firms.csv, key: company.domain, fields: [company.domain]}\n", []string{
			"data/firms.csv:1:1: field company.domain is the key, which can't be asked for",
		}},
		{"a file outside the folder", header + "{name: a, type: file, path: ../firms.csv, key: company.domain}\n", []string{"enrich.yaml:2:33: path: expected a file below the playbook's folder"}},
		{"columns that are not there", header + "{name: a, type: file, path: data/firms.csv, key: lead.email, fields: [company.revenue]}\n", []string{
			`data/firms.csv:1:1: the file has no column "lead.email"`, `data/firms.csv:1:1: the file has no column "company.revenue"`,
		}},
		{"an API with mistakes all over", header + `{name: a, type: http, url: "https://api.example.com/{company.domian}", headers: {X-Key: "${NO_KEY}"}, response: {match: "a..b", fields: {company.size: data}}}` + "\n", []string{
			`enrich.yaml:2:33: url: {company.domian} is no field (did you mean "company.domain"?)`,
			"enrich.yaml:2:94: headers.X-Key: the secret ${NO_KEY} is not set",
			`enrich.yaml:2:126: response.match: "a..b" is not a path: expected a key`,
			`enrich.yaml:2:156: response.fields.company.size: the schema has no field "company.size" (did you mean "company.name"?)`,
		}},
		{"an API in the clear", header + `{name: a, type: http, url: "http://api.example.com/{company.domain}", response: {fields: {company.employees: data}}}` + "\n", []string{
			"enrich.yaml:2:33: warning: url: http sends leads and secrets in the clear; is there an https address?",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, problems := enrich.Parse("enrich.yaml", []byte(tc.text))
			_, more := d.Sources(leadloop.StandardSchema(), host())
			problems = append(problems, more...)
			problems.Sort()
			var got []string
			for _, p := range problems {
				got = append(got, p.String())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestACheckTakesSecretsAndProvidersAsGiven(t *testing.T) {
	d, problems := enrich.Parse("enrich.yaml", []byte(playbook))
	sources, more := d.Sources(leadloop.StandardSchema(), enrich.Host{Files: files(), Check: true})
	if err := append(problems, more...).Err(); err != nil || len(sources) != 4 {
		t.Fatalf("%d sources, %v", len(sources), err)
	}
	if _, err := sources[3].Provider.Lookup(t.Context(), enrich.Query{}); err == nil {
		t.Error("a provider that is not there answers")
	}
	_, more = d.Sources(leadloop.StandardSchema(), enrich.Host{Files: files()})
	if errs, _ := more.Split(); len(errs) != 2 {
		t.Errorf("without a check, want a missing secret and a missing provider:\n%v", more)
	}
}

func TestTheGuideForProvidersIsRight(t *testing.T) {
	guide, err := os.ReadFile("../docs/PROVIDER.md")
	if err != nil {
		t.Fatal(err)
	}
	h := host()
	h.HTTP.Secret = func(string) (string, bool) { return "s3cret", true }
	h.Providers = map[string]enrich.Provider{"directory": unknowing()}
	blocks := strings.Split(string(guide), "```yaml\n")[1:]
	if len(blocks) != 4 {
		t.Fatalf("%d YAML blocks, want 4", len(blocks))
	}
	for _, block := range blocks {
		text, _, _ := strings.Cut(block, "```")
		if strings.HasPrefix(text, "    ") { // a part of a provider
			if !strings.Contains(text, "response:") {
				text += "    response: {fields: {company.employees: size}}\n"
			}
			text = "providers:\n  - name: v\n    type: http\n    url: https://api.example.com/v1/{company.domain}\n" + text
		}
		d, problems := enrich.Parse("PROVIDER.md", []byte(text))
		sources, more := d.Sources(leadloop.StandardSchema(), h)
		if err := append(problems, more...).Err(); err != nil || len(sources) == 0 {
			t.Errorf("%d sources, %v in:\n%s", len(sources), err, text)
		}
	}
}

func TestManyDirtyRowsAreCountedNotListed(t *testing.T) {
	h := host()
	h.Files = fstest.MapFS{"f.csv": {Data: []byte("company.domain,company.employees\n" + strings.Repeat("x\n", 50))}}
	d, problems := enrich.Parse("enrich.yaml", []byte("providers:\n  - {name: a, type: file, path: f.csv, key: company.domain}\n"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	_, problems = d.Sources(leadloop.StandardSchema(), h)
	if len(problems) != 21 || !strings.Contains(problems.Error(), "30 more rows or cells of f.csv are unusable") || problems.Err() != nil {
		t.Errorf("%d problems:\n%v", len(problems), problems)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(playbook))
	f.Add([]byte("providers: [{name: a, type: http, url: \"https://x/{a.b}\", response: {fields: {a: b}}}]"))
	f.Add([]byte("budget: {day: .5}\nproviders: [{}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, problems := enrich.Parse("enrich.yaml", data)
		sources, more := d.Sources(leadloop.StandardSchema(), host())
		if problems.Err() != nil || more.Err() != nil {
			return
		}
		o := d.Options()
		if o.MinFit = nil; len(sources) > 0 {
			if _, err := enrich.New(sources, newStore(t), leadloop.StandardSchema(), o); err != nil {
				t.Errorf("a file without problems makes no waterfall: %v", err)
			}
		}
	})
}
