package benchmarks

import (
	"context"
	"iter"
	"math/rand/v2"
	"slices"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/scoring"
)

// Population is many leads that are drawn again each time they are asked for,
// always the same ones, since not all forms of a million leads fit into memory.
type Population struct {
	N      int
	Sparse bool
	schema *leadloop.Schema
}

// NewPopulation returns the first n leads of [NewLeads].
func NewPopulation(n int, sparse bool) (*Population, error) {
	schema, err := hostSchema()
	if err != nil {
		return nil, err
	}
	return &Population{n, sparse, schema}, nil
}

// Rows returns the host's structs of all leads, and nothing else: a slice of
// structs that a host would go through.
func (p *Population) Rows() []Lead {
	r := rand.New(rand.NewPCG(42, 7))
	out := make([]Lead, p.N)
	for i := range out {
		out[i] = *newLead(r, i)
	}
	return out
}

// fields are those of [Lead.scopes], without reflection.
var fields = []struct {
	name string
	of   func(*Lead) leadloop.Value
}{
	{"lead.title", func(l *Lead) leadloop.Value { return leadloop.ValueOf(l.Person.Title) }},
	{"lead.seniority", func(l *Lead) leadloop.Value { return leadloop.ValueOf(l.Person.Seniority) }},
	{"lead.department", func(l *Lead) leadloop.Value { return leadloop.ValueOf(l.Person.Department) }},
	{"lead.email", func(l *Lead) leadloop.Value { return leadloop.ValueOf(l.Person.Email) }},
	{"lead.email_domain", func(l *Lead) leadloop.Value { return leadloop.ValueOf(l.Person.EmailDomain) }},
	{"lead.country", func(l *Lead) leadloop.Value { return leadloop.ValueOf(l.Person.Country) }},
	{"lead.source", func(l *Lead) leadloop.Value { return leadloop.ValueOf(l.Person.Source) }},
	{"lead.campaign", func(l *Lead) leadloop.Value { return leadloop.ValueOf(l.Person.Campaign) }},
	{"lead.has_phone", func(l *Lead) leadloop.Value { return leadloop.ValueOf(l.Person.HasPhone) }},
	{"lead.opted_in", func(l *Lead) leadloop.Value { return leadloop.ValueOf(l.Person.OptedIn) }},
	{"lead.unsubscribed", func(l *Lead) leadloop.Value { return leadloop.ValueOf(l.Person.Unsubscribed) }},
	{"lead.is_customer", func(l *Lead) leadloop.Value { return leadloop.ValueOf(l.Person.IsCustomer) }},
	{"lead.form_fields", func(l *Lead) leadloop.Value { return leadloop.ValueOf(l.Person.FormFields) }},
	{"lead.emails_opened", func(l *Lead) leadloop.Value { return leadloop.ValueOf(l.Person.EmailsOpened) }},
	{"lead.emails_clicked", func(l *Lead) leadloop.Value { return leadloop.ValueOf(l.Person.EmailsClicked) }},
	{"lead.session_minutes", func(l *Lead) leadloop.Value { return leadloop.ValueOf(l.Person.Minutes) }},
	{"lead.created_at", func(l *Lead) leadloop.Value { return leadloop.ValueOf(l.Person.CreatedAt) }},
	{"lead.active_at", func(l *Lead) leadloop.Value { return leadloop.ValueOf(l.Person.ActiveAt) }},
	{"company.industry", func(l *Lead) leadloop.Value { return leadloop.ValueOf(l.Company.Industry) }},
	{"company.employees", func(l *Lead) leadloop.Value { return leadloop.ValueOf(l.Company.Employees) }},
	{"company.revenue", func(l *Lead) leadloop.Value { return leadloop.ValueOf(l.Company.Revenue) }},
	{"company.founded", func(l *Lead) leadloop.Value { return leadloop.ValueOf(l.Company.Founded) }},
	{"company.growth_rate", func(l *Lead) leadloop.Value { return leadloop.ValueOf(l.Company.Growth) }},
	{"company.funding_stage", func(l *Lead) leadloop.Value { return leadloop.ValueOf(l.Company.FundingStage) }},
	{"company.technologies", func(l *Lead) leadloop.Value { return leadloop.ValueOf(l.Company.Technologies) }},
}

// Profiles yields the leads as the library takes them. To draw one costs many
// times what it costs to score it.
func (p *Population) Profiles() iter.Seq2[scoring.BatchLead, error] {
	return func(yield func(scoring.BatchLead, error) bool) {
		r, gaps := rand.New(rand.NewPCG(42, 7)), rand.New(rand.NewPCG(7, 42))
		for i := range p.N {
			l := newLead(r, i)
			out := scoring.BatchLead{Profile: p.schema.NewProfile()}
			for _, f := range fields {
				if p.Sparse && gaps.IntN(4) == 0 {
					continue
				}
				if err := out.Profile.SetValue(f.name, f.of(l)); err != nil {
					yield(out, err)
					return
				}
			}
			out.Activities = make([]leadloop.Activity, len(l.Events))
			for k, e := range l.Events {
				out.Activities[k] = leadloop.Activity{Type: e.Type, At: e.At}
			}
			if !yield(out, nil) {
				return
			}
		}
	}
}

// NewScoring compiles the model as package scoring takes it.
func (m *Model) NewScoring() (*scoring.Model, error) {
	schema, err := hostSchema()
	if err != nil {
		return nil, err
	}
	return scoring.New(m.Definition(), schema, scoring.Options{})
}

// Edited is the scoring model with another bound in the rule on 500 employees, as
// after an edit to a file. No lead has 500 to 600 employees, every ninth has some
// 700.
func (m *Model) Edited(employees int64) (*scoring.Model, error) {
	e := *m
	e.Rules = slices.Clone(m.Rules)
	for i, r := range e.Rules {
		if c, ok := r.when.(compare); ok && r.ID == "employees-500" {
			c.value = employees
			e.Rules[i].when = c
		}
	}
	return e.NewScoring()
}

// NewBatch puts all leads into columns.
func (p *Population) NewBatch(ctx context.Context, m *scoring.Model) (*scoring.Batch, error) {
	return scoring.NewBatch(ctx, m, p.Profiles(), Now, scoring.BatchOptions{Total: p.N})
}

// Outcomes yields what the scores of a batch say, in the form of an engine's.
func Outcomes(b *scoring.Batch) iter.Seq2[int, Outcome] {
	return func(yield func(int, Outcome) bool) {
		for s := range b.Scores() {
			out := make([]Outcome, s.Len())
			for k := range s.Rules() {
				r := s.Rule(k)
				for i := range out {
					if r.Matched.Has(i) {
						out[i].Matched.Set(k)
					}
					if r.Undecided.Has(i) {
						out[i].Undecided.Set(k)
					}
				}
			}
			for i := range out {
				out[i].Points, out[i].Tier = s.Points[i], s.Tier(i)
				if !yield(s.First+i, out[i]) {
					return
				}
			}
		}
	}
}
