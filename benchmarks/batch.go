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

// Profiles yields the leads as the library takes them. To draw one costs many
// times what it costs to score it.
func (p *Population) Profiles() iter.Seq2[scoring.BatchLead, error] {
	return func(yield func(scoring.BatchLead, error) bool) {
		r, gaps := rand.New(rand.NewPCG(42, 7)), rand.New(rand.NewPCG(7, 42))
		for i := range p.N {
			l := newLead(r, i)
			err := l.forms(p.schema, func() bool { return p.Sparse && gaps.IntN(4) == 0 })
			if !yield(scoring.BatchLead{Profile: l.Profile, Activities: l.Activities}, err) {
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

// Edited is the scoring model with another bound in one rule, as after an edit
// to a file.
func (m *Model) Edited() (*scoring.Model, error) {
	e := *m
	e.Rules = slices.Clone(m.Rules)
	for i, r := range e.Rules {
		if c, ok := r.when.(compare); ok && r.ID == "employees-500" {
			c.value = int64(600)
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
