package benchmarks

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/scoring"
)

// Model is a scoring model that every engine can be given.
type Model struct {
	Rules     []Rule
	Modifiers []Modifier
	// Tiers from the best to the worst; the last takes the rest.
	Tiers []Tier
}

// Rule gives points if its condition holds.
type Rule struct {
	ID     string
	Points int64
	when   condition
}

// Modifier multiplies the points if its condition holds.
type Modifier struct {
	ID     string
	Factor float64
	when   condition
}

// Tier is a label from a number of points on.
type Tier struct {
	Name string
	From int64
}

// forty is the model of performance figures: 11 rules on a string (equality or a
// set), 9 on numbers, 3 string functions, 2 on a list, 2 on bools, 3 on an age, 9
// on windows of events, and a conjunction over four fields.
var forty = []Rule{
	{"employees-500", 15, compare{"company.employees", ">=", int64(500)}},
	{"employees-50", 8, allOf{compare{"company.employees", ">=", int64(50)}, compare{"company.employees", "<", int64(500)}}},
	{"employees-few", -5, compare{"company.employees", "<", int64(10)}},
	{"revenue", 10, compare{"company.revenue", ">=", int64(10_000_000)}},
	{"industry", 12, oneOf{"company.industry", []string{"software", "fintech", "healthtech", "ecommerce"}}},
	{"industry-not", -6, oneOf{"company.industry", []string{"education", "nonprofit", "government"}}},
	{"country", 6, oneOf{"lead.country", []string{"US", "CA", "GB", "DE", "FR", "NL", "SE", "AU"}}},
	{"country-not", -10, oneOf{"lead.country", []string{"RU", "KP", "IR", "SY", "CU"}}},
	{"executive", 15, oneOf{"lead.seniority", []string{"vp", "c_level"}}},
	{"director", 10, is{"lead.seniority", "director"}},
	{"department", 7, oneOf{"lead.department", []string{"engineering", "it", "data"}}},
	{"title", 5, someOf{matches{"lead.title", "contains", "Head of"}, matches{"lead.title", "startsWith", "Chief"}}},
	{"free-mail", -8, oneOf{"lead.email_domain", []string{"gmail.com", "yahoo.com", "hotmail.com", "outlook.com", "proton.me"}}},
	{"student-mail", -6, matches{"lead.email", "endsWith", ".edu"}},
	{"cloud", 4, someOf{holds{"company.technologies", "kubernetes"}, holds{"company.technologies", "aws"}}},
	{"salesforce", 5, holdsPrefix{"company.technologies", "salesforce"}},
	{"referral", 10, is{"lead.source", "referral"}},
	{"met", 6, oneOf{"lead.source", []string{"webinar", "event", "partner"}}},
	{"brand", 2, matches{"lead.campaign", "startsWith", "brand_"}},
	{"reachable", 3, allOf{flag{"lead.has_phone"}, flag{"lead.opted_in"}}},
	{"unsubscribed", -30, flag{"lead.unsubscribed"}},
	{"form", 4, compare{"lead.form_fields", ">=", int64(5)}},
	{"reads-mail", 5, allOf{compare{"lead.emails_opened", ">=", int64(3)}, compare{"lead.emails_clicked", ">=", int64(1)}}},
	{"click-rate", 4, share{"lead.emails_clicked", "lead.emails_opened", 0.3}},
	{"stays", 3, compare{"lead.session_minutes", ">", 15.0}},
	{"active", 6, age{"lead.active_at", "<", 168}},
	{"dormant", -12, age{"lead.active_at", ">", 2160}},
	{"new", 3, age{"lead.created_at", "<", 24}},
	{"pricing-2", 12, happened{"pricing_view", 168, ">=", 2}},
	{"pricing-4", 6, happened{"pricing_view", 168, ">=", 4}},
	{"demo", 25, happened{"demo_request", 720, ">=", 1}},
	{"pages", 5, happened{"page_view", 168, ">=", 5}},
	{"clicked", 4, happened{"email_click", 336, ">=", 1}},
	{"download", 6, happened{"content_download", 720, ">=", 1}},
	{"webinar", 8, happened{"webinar_attended", 0, ">=", 1}},
	{"trial", 18, happened{"trial_started", 336, ">=", 1}},
	{"silent", -10, silent{720}},
	{"funded", 6, oneOf{"company.funding_stage", []string{"series_b", "series_c", "series_d"}}},
	{"young", 4, allOf{compare{"company.founded", ">=", int64(2015)}, compare{"company.growth_rate", ">", 0.2}}},
	{"ideal", 10, allOf{
		someOf{is{"company.industry", "software"}, is{"company.industry", "fintech"}},
		compare{"company.employees", ">=", int64(100)},
		oneOf{"lead.seniority", []string{"director", "vp", "c_level"}}, oneOf{"lead.country", []string{"US", "GB", "DE"}},
	}},
}

// ten has about the same mix: three strings, two numbers, a string function, a
// list, an age and two windows.
var ten = []string{"industry", "executive", "referral", "employees-500", "reads-mail", "title", "cloud", "dormant", "pricing-2", "demo"}

// NewModel returns the model with that many rules, always the same one: the model
// of 40, ten of its rules, or those 40 and others drawn from the same mix.
func NewModel(rules int) (*Model, error) {
	m := &Model{
		Modifiers: []Modifier{
			{"customer", 0.25, flag{"lead.is_customer"}},
			{"asleep", 0.5, age{"lead.active_at", ">", 2160}},
			{"growing", 1.1, compare{"company.growth_rate", ">", 0.5}},
		},
	}
	scale := int64(1)
	switch {
	case rules == len(ten):
		for _, r := range forty {
			for _, id := range ten {
				if r.ID == id {
					m.Rules = append(m.Rules, r)
				}
			}
		}
	case rules >= len(forty) && rules%len(forty) == 0 && rules <= maxRules:
		scale = int64(rules / len(forty))
		m.Rules = append(m.Rules, forty...)
		m.draw(rules)
	default:
		return nil, fmt.Errorf("no model of %d rules: there is one of %d, and one for every multiple of %d up to %d", rules, len(ten), len(forty), maxRules)
	}
	for i, from := range []int64{45, 30, 10} {
		m.Tiers = append(m.Tiers, Tier{string("ABC"[i]), from * scale})
	}
	m.Tiers = append(m.Tiers, Tier{"D", 0})
	return m, nil
}

// draw adds rules until there are n, no two of them with the same condition.
func (m *Model) draw(n int) {
	r := rand.New(rand.NewPCG(11, uint64(n)))
	seen := map[string]bool{}
	for _, rule := range m.Rules {
		seen[rule.when.text(celText)] = true
	}
	for len(m.Rules) < n {
		like := forty[len(m.Rules)%len(forty)].when
		c := drawn(r, like)
		for seen[c.text(celText)] {
			c = drawn(r, like)
		}
		seen[c.text(celText)] = true
		points := int64(r.IntN(25) - 9)
		if points == 0 {
			points = 1
		}
		m.Rules = append(m.Rules, Rule{fmt.Sprintf("rule-%d", len(m.Rules)), points, c})
	}
}

// Definition is the model as package scoring takes it.
func (m *Model) Definition() scoring.Definition {
	d := scoring.Definition{Model: "benchmark", Version: 1}
	for _, f := range hostFields() {
		d.HostFields = append(d.HostFields, scoring.HostField{Name: f.Def().Name, Kind: f.Def().Kind.String()})
	}
	for _, r := range m.Rules {
		d.Rules = append(d.Rules, scoring.Rule{
			ID: r.ID, When: leadloop.Expression{Text: r.when.text(leadloopText)}, Points: leadloop.Expression{Text: fmt.Sprint(r.Points)},
		})
	}
	for _, mod := range m.Modifiers {
		d.Modifiers = append(d.Modifiers, scoring.Modifier{
			ID: mod.ID, When: leadloop.Expression{Text: mod.when.text(leadloopText)}, Multiply: &mod.Factor,
			Owner: "benchmarks", Expires: Now.Add(10000 * time.Hour),
		})
	}
	for _, t := range m.Tiers {
		d.Tiers = append(d.Tiers, scoring.Tier{Name: t.Name, From: float64(t.From)})
	}
	return d
}

// conditions are those of the rules, then those of the modifiers.
func (m *Model) conditions(d dialect) []string {
	var out []string
	for _, r := range m.Rules {
		out = append(out, r.when.text(d))
	}
	for _, mod := range m.Modifiers {
		out = append(out, mod.when.text(d))
	}
	return out
}
