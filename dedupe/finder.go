package dedupe

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// Finder finds leads that may be the same person by a learnt model, also those that have no identifier in common.
//
// Find returns the leads that may be l, each with its probability; l itself, leads that were merged away and leads that the store no longer has
// may be among them. It must not modify l. It may remember l, so that later leads find it: the stage calls it once per decision, also for
// decisions that are not committed. It is called concurrently. Two leads that arrive at one moment, have no identifier in common, and are each
// remembered too late for the other, are not found; those with an identifier in common are guarded by it.
type Finder interface {
	Find(ctx context.Context, l *leadloop.Lead) ([]Candidate, error)
}

// FinderFunc makes a function a Finder.
type FinderFunc func(ctx context.Context, l *leadloop.Lead) ([]Candidate, error)

// Find calls f.
func (f FinderFunc) Find(ctx context.Context, l *leadloop.Lead) ([]Candidate, error) {
	return f(ctx, l)
}

// Candidate is a lead that may be the one that was looked for.
type Candidate struct {
	Lead        leadloop.LeadID
	Probability float64 // in [0, 1]
	// Explanation is kept in the decision record and in the task of who reviews the pair. It must hold no personal data: fields and weights, no
	// values.
	Explanation json.RawMessage
}

// The default thresholds for probabilities: from Auto on two leads are one, from Review up to it a human is asked.
const (
	DefaultAuto   = 0.995
	DefaultReview = 0.10
)

// RuleModel is the rule of matches by a [Finder]; their confidence is its probability.
const RuleModel = "model"

// level is what follows from a match: merge, ask, or nothing.
type level int

const (
	levelNone level = iota
	levelPossible
	levelMatch
)

// judge says what follows from the ladder and the model. What the ladder is sure of stands: that the two are one, and that they are colleagues or
// have two LinkedIn pages. Between these the model decides, if it was asked about the pair.
func (o Options) judge(ladder Match, c *Candidate) (Match, level) {
	switch {
	case ladder.Confidence >= o.Match:
		return ladder, levelMatch
	case c == nil && ladder.Confidence >= o.Possible:
		return ladder, levelPossible
	case c == nil, ladder.Rule == RuleColleague, ladder.Rule == RuleDifferentLinkedIn:
		return ladder, levelNone
	}
	m := Match{Lead: ladder.Lead, Rule: RuleModel, Confidence: c.Probability}
	switch {
	case c.Probability >= o.Auto:
		m.Reason = "the learnt model is sure"
		return m, levelMatch
	case c.Probability >= o.Review:
		m.Reason = "the learnt model is not sure"
		return m, levelPossible
	}
	m.Reason = "the learnt model says no"
	return m, levelNone
}

// ask fills in the finder's candidates.
func (d *decision) ask(ctx context.Context) (err error) {
	if d.candidates, err = d.o.Finder.Find(ctx, d.s.Lead); err != nil {
		return err
	}
	for _, c := range d.candidates {
		if !(c.Probability >= 0 && c.Probability <= 1) {
			return fmt.Errorf("candidate %s: %w: its probability is not in [0, 1]", c.Lead, leadloop.ErrInvalid)
		}
		if c.Explanation != nil && !json.Valid(c.Explanation) {
			return fmt.Errorf("candidate %s: %w: its explanation is not JSON", c.Lead, leadloop.ErrInvalid)
		}
	}
	return nil
}

// found are the candidates of the finder, resolved to the leads that they are part of, the likelier one of each; in id order.
func (d *decision) found(ctx context.Context, tx store.Tx) ([]foundLead, error) {
	var out []foundLead
	for _, c := range d.candidates {
		l, err := store.Resolve(ctx, tx.Leads(), c.Lead)
		switch {
		case errors.Is(err, leadloop.ErrNotFound): // deleted since it was remembered
		case err != nil:
			return nil, err
		case l.ID != d.s.Lead.ID:
			out = append(out, foundLead{l, c})
		}
	}
	slices.SortFunc(out, func(a, b foundLead) int {
		return cmp.Or(strings.Compare(string(a.lead.ID), string(b.lead.ID)), cmp.Compare(b.Probability, a.Probability),
			strings.Compare(string(a.Lead), string(b.Lead)))
	})
	return slices.CompactFunc(out, func(a, b foundLead) bool { return a.lead.ID == b.lead.ID }), nil
}

type foundLead struct {
	lead *leadloop.Lead
	Candidate
}
