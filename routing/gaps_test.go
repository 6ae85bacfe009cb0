package routing

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
)

func TestGapsHaveAnExample(t *testing.T) {
	def, err := Parse("routing.yaml", []byte(`
reps: [{id: ana}, {id: ben}]
queues: [{id: q}]
territories:
  - {id: west, country: [US], region: [CA, OR, WA], rep: ana}
  - {id: east, country: [US], region: [NY], rep: ben}
  - {id: small, country: [DE], employees: {max: 99}, rep: ana}
  - {id: large, country: [DE], employees: {min: 101}, rep: ben}
chain:
  - {id: d, tier: [D], target: {nurture: n}}
  - {id: partner, when: 'lead.source == "partner"', target: {rep: ana}}
  - {id: us, country: [US], target: {owner_of: territory}}
  - {id: fr, country: [FR], target: {rep: ben}}
final: q
`))
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(def, SLADefinition{}, leadloop.StandardSchema(), Options{Tiers: []string{"A", "D"}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range r.Gaps() {
		got = append(got, g.String())
	}
	want := []string{
		`routing.yaml:2:1: no entry is for this lead, which waits in q: nothing known about it`,
		`routing.yaml:12:5: entry us finds no territory for this lead: lead.country "US"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	def.Chain[2].Country = nil
	if r, err = New(def, SLADefinition{}, leadloop.StandardSchema(), Options{}); err != nil {
		t.Fatal(err)
	}
	var territories []string
	for _, g := range r.Gaps() {
		if strings.Contains(g.What, "territory") {
			territories = append(territories, example(g.Example))
		}
	}
	want = []string{"nothing known about it", `company.employees "100", lead.country "DE"`, `lead.country "US"`}
	if diff := cmp.Diff(want, territories); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What a search says is covered, no lead is outside of; and the lead that it
// finds is.
func TestTheSearchForAGapIsRight(t *testing.T) {
	schema := schemaWithPostcode(t)
	rapid.Check(t, func(t *rapid.T) {
		c := &compiler{r: &Router{schema: schema}, schema: schema}
		var boxes []*condition
		for i := range rapid.IntRange(1, 6).Draw(t, "boxes") {
			d := drawCondition(t, c, i)
			d.Postcode = nil
			k := c.condition(d.ID, &d, nil)
			boxes = append(boxes, &k)
		}
		g := &region{r: c.r}
		found, ok := g.without(boxes, new(int))
		if ok {
			t.Fatalf("without a budget it found %v", found)
		}
		budget := searched
		found, ok = g.without(boxes, &budget)
		if ok {
			lead, p := exampleLead(t, schema, found.example())
			q := Request{Lead: lead, Profile: p}
			d := decisionOf(c.r, q)
			for i, k := range boxes {
				if d.check(context.Background(), k).Verdict == VerdictMatched {
					t.Fatalf("%v is in box %d", found.example(), i)
				}
			}
			return
		}
		for range 20 {
			lead, p := drawLead(t, schema)
			q := Request{Lead: lead, Profile: p}
			d := decisionOf(c.r, q)
			in := false
			for _, k := range boxes {
				in = in || d.check(context.Background(), k).Verdict != VerdictNotMatched
			}
			if !in {
				t.Fatalf("the boxes cover all, and none takes the lead")
			}
		}
	})
}

func exampleLead(t *rapid.T, s *leadloop.Schema, values map[string]string) (*leadloop.Lead, *leadloop.Profile) {
	p := s.NewProfile()
	for i := range s.Len() {
		def := s.At(i)
		v := leadloop.NoValue(def.Kind)
		if text, ok := values[def.Name]; ok {
			var err error
			if v, err = leadloop.ParseValue(def.Kind, text); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.SetValue(def.Name, v); err != nil {
			t.Fatal(err)
		}
	}
	return leadOfTier("example", values["tier"]), p
}

func TestManyOverlapsAreToldInPart(t *testing.T) {
	def := Definition{Final: "q", Queues: []Queue{{ID: "q"}}, Reps: []Rep{{ID: "a"}, {ID: "b"}}}
	for i := range 3000 {
		def.Territories = append(def.Territories, Territory{ID: "t" + itoa(i), Country: []string{"US"}, Employees: &Range{Min: new(int64(i))}, Rep: []leadloop.RepID{"a", "b"}[i%2]})
	}
	r, err := New(def, SLADefinition{}, leadloop.StandardSchema(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	overlaps := 0
	for _, w := range r.Warnings() {
		if strings.Contains(w.Message, "overlap") {
			overlaps++
		}
	}
	if overlaps != maxOverlaps+1 {
		t.Errorf("%d warnings, want %d and one that there are more", overlaps, maxOverlaps)
	}
}
