package playbook_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/scoring"
	"github.com/leadloop/leadloop/store/memstore"
)

// TestAFieldThatChangesTheOwnerIsBought has entries that win whatever is
// missing, and missing fields that say whom they give the lead to.
func TestAFieldThatChangesTheOwnerIsBought(t *testing.T) {
	const (
		offered = "[company.employees, company.founded, company.industry, lead.country, lead.language, lead.product_interest, lead.region, lead.timezone]"
		people  = `teams: [{id: sales, members: [ana, ben]}]
reps: [{id: ana, languages: [en], products: [crm], timezone: Europe/Berlin, skills: [steel]}, {id: ben, languages: [de], products: [erp], timezone: America/New_York, skills: [toys]}]
queues: [{id: triage, team: sales}]
final: triage
`
	)
	for _, tc := range []struct {
		name    string
		routing string
		want    []string
	}{
		{
			"a territory of a higher priority that the lead could be in",
			"territories: [{id: us, country: [US], rep: ana}, {id: steel, industry: [Steel], employees: {min: 100}, priority: 1, rep: ben}]\n" +
				"chain: [{id: area, target: {owner_of: territory}}]\n",
			[]string{"company.employees", "company.industry"},
		},
		{
			"the only territory, without which nobody gets it",
			"territories: [{id: west, region: [CA], rep: ana}]\nchain: [{id: area, target: {owner_of: territory}}]\n",
			[]string{"lead.region"},
		},
		{
			"a territory that an entry asks for",
			"territories: [{id: west, region: [CA]}]\nchain: [{id: area, territory: [west], target: {rep: ben}}, {id: rest, target: {rep: ana}}]\n",
			[]string{"lead.region"},
		},
		{
			"the score of a best-fit pool",
			"pools: [{id: p, team: sales, strategy: best_fit, score: '\"steel\" in member_skills && company.industry == \"Steel\" ? 2.0 : 1.0'}]\n" +
				"chain: [{id: all, target: {pool: p}}]\n",
			[]string{"company.industry"},
		},
		{
			"the language that a member has to speak",
			"pools: [{id: p, team: sales}]\nchain: [{id: all, target: {pool: p, speaks: true}}]\n",
			[]string{"lead.language"},
		},
		{
			"the product that a member has to sell",
			"pools: [{id: p, team: sales}]\nchain: [{id: all, target: {pool: p, sells: true}}]\n",
			[]string{"lead.product_interest"},
		},
		{
			"the zone that a member has to be near",
			"pools: [{id: p, team: sales}]\nchain: [{id: all, target: {pool: p, zone_within: 2h}}]\n",
			[]string{"lead.timezone"},
		},
		{"nothing, where one rep has all", "chain: [{id: all, target: {rep: ana}}]\n", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			pb, problems := playbook.Load(fstest.MapFS{
				"scoring.yaml": {Data: []byte("model: m\nversion: 1\nrules:\n  - {id: gold, when: 'lead.partner == \"gold\"', group: fit, points: 10}\ngroups: {fit: {max: 10}}\ntiers: {A: 5, B: 0}\n")},
				"routing.yaml": {Data: []byte(people + tc.routing)},
				"enrich.yaml":  {Data: []byte("providers:\n  - {name: vendor, type: host, needs: [company.domain], fields: " + offered + ", price: 1}\n")},
			})
			if err := problems.Err(); err != nil {
				t.Fatal(err)
			}
			o, err := pb.Outlook(memstore.New(), playbook.Options{Tokens: tokens(t)})
			if err != nil {
				t.Fatal(err)
			}
			s := arriving(pb, "acme", true) // of the US
			missing := []string{"company.employees", "company.founded", "company.industry", "lead.language", "lead.product_interest", "lead.region", "lead.timezone"}
			p, err := o.Open(ctx, s, missing)
			if err != nil {
				t.Fatal(err)
			}
			var open []string
			for _, in := range p.Open {
				open = append(open, in.Field)
			}
			if slices.Sort(open); !slices.Equal(open, tc.want) {
				t.Errorf("open %v, want %v: %+v", open, tc.want, p)
			}
		})
	}
}

// TestTheModelInForceSaysWhatIsBought swaps the model of a waterfall.
func TestTheModelInForceSaysWhatIsBought(t *testing.T) {
	load := func(version int, when string) *playbook.Playbook {
		text := strings.NewReplacer("version: 3", fmt.Sprint("version: ", version), "company.employees >= 500", when).Replace(scoringYAML)
		pb, problems := playbook.Load(files(map[string]string{
			"scoring.yaml": text, "enrich.yaml": strings.Replace(enrichYAML, "[company.employees]", "[company.employees, company.revenue]", 1),
		}))
		if err := problems.Err(); err != nil {
			t.Fatal(err)
		}
		return pb
	}
	first, second := load(3, "company.employees >= 500"), load(4, "company.revenue >= 1000000")
	never := load(5, "lead.partner == 'gold'")
	live, err := scoring.NewLive(first.Model(), scoring.LiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := live.SetShadow(second.Model()); err != nil { // known from the start
		t.Fatal(err)
	}
	var asked []string
	w, err := first.Waterfall(memstore.New(), playbook.Options{Tokens: tokens(t), Live: live, Providers: vendor(func(_ context.Context, q enrich.Query) (enrich.Answer, error) {
		asked = append(asked, q.Want...)
		return enrich.Answer{Matched: true}, nil
	})})
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range []*playbook.Playbook{first, second, never, first} {
		if err := live.Activate(m.Model()); err != nil {
			t.Fatal(err)
		}
		asked = nil
		s := arriving(first, fmt.Sprint("acme", i), true)
		leadloop.Seniority.Set(s.Profile, "vp")
		r, err := w.Enrich(ctx, s)
		if err != nil {
			t.Fatal(err)
		}
		want := [][]string{{"company.employees"}, {"company.revenue"}, nil, {"company.employees"}}[i]
		if !slices.Equal(asked, want) {
			t.Errorf("under %s: asked for %v, want %v: %+v", m.Name(), asked, want, r)
		}
	}
}
