package scoring

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// BatchLead is one lead of a batch. What it points to is read until the block
// it is in was scored, so each lead needs a profile and activities of its own.
type BatchLead struct {
	// ID is for the host, who finds it beside the score; it may be empty.
	ID leadloop.LeadID
	// Profile must have the model's schema.
	Profile *leadloop.Profile
	// Activities in any order; nil means those of the profile.
	Activities []leadloop.Activity
	// PreviousTier is as in [Input].
	PreviousTier string
}

// BatchOptions are the optional parts of [Model.ScoreAll] and [NewBatch].
type BatchOptions struct {
	// Workers is how many blocks are scored at a time; 0 means one for each
	// CPU that Go may use.
	Workers int
	// Range asks for [BatchScores.Low] and High. A lead with open rules then
	// costs as much as [Model.Score].
	Range bool
	// Progress is called after each block, by one goroutine at a time.
	Progress func(BatchProgress)
	// Total is how many leads there are, for the progress; 0 if nobody knows.
	Total int
	// Now reads the time, for BatchProgress.Left; nil if nobody asks.
	Now func() time.Time
	// Fields and Activities are further inputs that a [Batch] keeps, for models
	// to come; what the first model reads is always kept.
	Fields, Activities []string
}

// BatchProgress is how far a batch is.
type BatchProgress struct {
	// Done and Total count leads; Total is 0 if nobody knows.
	Done, Total int
	// Left is about how long the rest will take; 0 if that can't be told.
	Left time.Duration
}

// ScoreAll scores many leads at one moment, on all CPUs, as [Model.Verdict]
// would score each of them, at a small part of the cost. Leads come from
// an iterator and scores go out in the same order, a block of up to
// [rules.BlockLeads] at a time, so that memory does not grow with their number.
//
//	for scores, err := range model.ScoreAll(ctx, leads, asOf, scoring.BatchOptions{}) {
//
// An error of the iterator, or a lead that can't be scored (which
// [leadloop.ErrInvalid] tells), ends the sequence after what was complete
// before it; so does ctx. The moment must be within 146 years of 1970. The
// goroutines that score end before the sequence does.
func (m *Model) ScoreAll(ctx context.Context, leads iter.Seq2[BatchLead, error], asOf time.Time, o BatchOptions) iter.Seq2[*BatchScores, error] {
	return func(yield func(*BatchScores, error) bool) {
		p, err := newBatchModel(m, nil, asOf, o)
		if err != nil {
			yield(nil, err)
			return
		}
		for b, err := range p.run(ctx, leads, o, false) {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(b.scores, nil) {
				return
			}
		}
	}
}

// Batch keeps the inputs of many leads in columns, and what each rule came to,
// so that they can be scored again by a changed model at the cost of what
// changed. A thousand leads take some 200 kB, depending on what rules read. It
// belongs to one goroutine.
type Batch struct {
	model  *batchModel
	layout *rules.Layout
	asOf   time.Time
	o      BatchOptions
	blocks []*batchBlock
	leads  int
}

// NewBatch reads all leads and scores them as [Model.ScoreAll] does.
func NewBatch(ctx context.Context, m *Model, leads iter.Seq2[BatchLead, error], asOf time.Time, o BatchOptions) (*Batch, error) {
	p, err := newBatchModel(m, nil, asOf, o)
	if err != nil {
		return nil, err
	}
	b := &Batch{model: p, layout: p.layout, asOf: p.asOf, o: o}
	for block, err := range p.run(ctx, leads, o, true) {
		if err != nil {
			return nil, err
		}
		b.blocks = append(b.blocks, block)
		b.leads += block.columns.Len()
	}
	return b, nil
}

// Len returns the number of leads.
func (b *Batch) Len() int { return b.leads }

// Model returns the model that scored last.
func (b *Batch) Model() *Model { return b.model.m }

// Bytes returns about how much memory the columns take: the inputs of the
// leads, without results and ids.
func (b *Batch) Bytes() int {
	n := 0
	for _, block := range b.blocks {
		n += block.columns.Bytes()
	}
	return n
}

// Scores returns the scores of all leads, block by block, in the order in
// which the leads came. They are valid until the next Rescore.
func (b *Batch) Scores() iter.Seq[*BatchScores] {
	return func(yield func(*BatchScores) bool) {
		for _, block := range b.blocks {
			if !yield(block.scores) {
				return
			}
		}
	}
}

// BatchSingles names the rules and modifiers that no column answers, in the
// model's order: a batch evaluates them lead by lead, with the same result.
func (m *Model) BatchSingles() []string {
	var out []string
	add := func(id string, positions ...int) {
		if slices.ContainsFunc(positions, func(i int) bool { return i >= 0 && !m.set.Columnar(i) }) {
			out = append(out, id)
		}
	}
	for i := range m.rules {
		add(m.rules[i].id, m.rules[i].when, m.rules[i].points)
	}
	for i := range m.changes {
		add(m.changes[i].id, m.changes[i].when)
	}
	return out
}

// BatchScores are the scores of the leads of one block.
type BatchScores struct {
	// First is the number of the first lead, counted from 0.
	First int
	// IDs are those that were given, nil if there were none.
	IDs []leadloop.LeadID
	// Points has the points of each lead, 0 for a lead without a score.
	Points []leadloop.Points
	// Low and High are as in [leadloop.Score], if BatchOptions.Range asked.
	Low, High []leadloop.Points

	model   *batchModel
	known   rules.LeadBits
	held    rules.LeadBits
	ranks   []uint16
	rejects []uint16 // position of the rule plus one; nil: nobody
	rules   []ruleLeads
}

// RuleLeads are the leads of a block by what a rule came to. Leads in none of
// the sets did not match. A nil set is empty. They are not to be modified.
type RuleLeads struct {
	Matched, Undecided, NoValue, Failed *rules.LeadBits
}

// Len returns the number of leads.
func (s *BatchScores) Len() int { return len(s.Points) }

// Tier returns the tier of the i-th lead; "" for none.
func (s *BatchScores) Tier(i int) string { return s.model.m.tiers.name(int(s.ranks[i])) }

// Verdict returns all that [Model.Verdict] says of the i-th lead.
func (s *BatchScores) Verdict(i int) Verdict {
	v := Verdict{Known: s.known.Has(i), Points: s.Points[i], Tier: s.Tier(i), Held: s.held.Has(i)}
	if s.rejects != nil && s.rejects[i] > 0 {
		r := &s.model.m.rules[s.rejects[i]-1]
		v.Disqualified, v.DisqualifiedBy = r.disqualify, r.id
	}
	return v
}

// Rules returns the ids of the model's rules, in its order.
func (s *BatchScores) Rules() []string {
	out := make([]string, len(s.rules))
	for i := range out {
		out[i] = s.model.m.rules[i].id
	}
	return out
}

// Rule returns what the k-th rule of the model came to.
func (s *BatchScores) Rule(k int) RuleLeads { return RuleLeads(s.rules[k]) }

// State returns what the k-th rule of the model came to for the i-th lead.
func (s *BatchScores) State(i, k int) State {
	r := &s.rules[k]
	switch {
	case r.Matched.Has(i):
		return Matched
	case r.Undecided.Has(i):
		return Undecided
	case r.NoValue.Has(i):
		return NoValue
	case r.Failed.Has(i):
		return Failed
	}
	return NotMatched
}

// errBatch says which lead of a batch can't be scored.
func errBatch(lead int, err error) error {
	return fmt.Errorf("scoring: lead %d of the batch: %w", lead, err)
}
