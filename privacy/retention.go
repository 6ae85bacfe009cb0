package privacy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// RetentionRule says how long leads are kept after the last thing that
// happened to them: their arrival, an activity, a touch by a rep.
type RetentionRule struct {
	// ID names the rule in reports and in the journal, a code.
	ID string
	// Dispositions and Stages say which leads it is about; none means all. The
	// first rule that is about a lead counts.
	Dispositions []leadloop.OutcomeKind
	Stages       []string
	// After is how long, in days of 24 hours or whatever the host counts in.
	After time.Duration
}

func (r RetentionRule) about(l *leadloop.Lead) bool {
	return (len(r.Dispositions) == 0 || slices.Contains(r.Dispositions, l.State.Disposition)) &&
		(len(r.Stages) == 0 || slices.Contains(r.Stages, l.State.Stage))
}

// Retained is what a pass over the leads came to.
type Retained struct {
	// Seen counts leads looked at, Deleted those that a rule deleted, by rule;
	// Held those that a legal hold kept.
	Seen    int            `json:"seen"`
	Deleted map[string]int `json:"deleted"`
	Held    int            `json:"held"`
}

// RetainOptions are the settings of a pass; the zero value of each has a
// meaning.
type RetainOptions struct {
	// DryRun counts and deletes nothing.
	DryRun bool
	// Progress is called now and then with what was done so far; nil is silent.
	Progress func(Retained)
}

// Retain deletes the leads whose time is up as of asOf, with all that
// [Eraser.Erase] deletes, and tells the systems. The person is not suppressed:
// who comes back is a new lead. Every lead is a transaction of its own, so a
// pass that was interrupted is begun anew and finds the rest. Customers' leads
// and those with an open opportunity are for rules to spare, by stage.
func (e *Eraser) Retain(ctx context.Context, rules []RetentionRule, asOf time.Time, o RetainOptions) (Retained, error) {
	done := Retained{Deleted: map[string]int{}}
	if err := checkRules(rules); err != nil {
		return done, fmt.Errorf("privacy: retention: %w", err)
	}
	for after := leadloop.LeadID(""); ; {
		var page []*leadloop.Lead
		err := e.st.View(ctx, func(tx store.Tx) (err error) {
			page, err = tx.Leads().List(ctx, after, retainPage)
			return err
		})
		if err != nil {
			return done, fmt.Errorf("privacy: retention: %w", err)
		}
		for _, l := range page {
			after = l.ID
			if err := e.retain(ctx, rules, l, asOf, o.DryRun, &done); err != nil {
				return done, fmt.Errorf("privacy: retention: lead %s: %w", l.ID, err)
			}
		}
		if o.Progress != nil {
			o.Progress(done)
		}
		if len(page) < retainPage {
			return done, nil
		}
	}
}

const retainPage = 500

func checkRules(rules []RetentionRule) error {
	var problems []error
	ids := map[string]bool{}
	for i, r := range rules {
		switch {
		case !codes.MatchString(r.ID):
			problems = append(problems, fmt.Errorf("%w: rule %d: an id is a code of lower-case letters, digits, - and _", leadloop.ErrInvalid, i+1))
		case ids[r.ID]:
			problems = append(problems, fmt.Errorf("%w: two rules are called %s", leadloop.ErrInvalid, r.ID))
		case r.After <= 0:
			problems = append(problems, fmt.Errorf("%w: rule %s: leads can't be kept for %s", leadloop.ErrInvalid, r.ID, r.After))
		}
		ids[r.ID] = true
	}
	return errors.Join(problems...)
}

// due returns the rule by which a lead is to go, or nil.
func due(rules []RetentionRule, l *leadloop.Lead, asOf time.Time) *RetentionRule {
	if l.MergedInto != "" {
		return nil // it goes with the lead that it is part of
	}
	last := l.ReceivedAt
	for _, t := range []time.Time{l.State.LastTouchAt, l.State.FirstTouchAt, l.State.StageSince, l.State.StatusSince} {
		if t.After(last) {
			last = t
		}
	}
	for _, a := range l.Activities {
		if a.At.After(last) && !a.At.After(asOf) {
			last = a.At
		}
	}
	for i := range rules {
		if rules[i].about(l) {
			if last.Add(rules[i].After).After(asOf) {
				return nil
			}
			return &rules[i]
		}
	}
	return nil
}

func (e *Eraser) retain(ctx context.Context, rules []RetentionRule, l *leadloop.Lead, asOf time.Time, dry bool, done *Retained) error {
	done.Seen++
	rule := due(rules, l, asOf)
	if rule == nil {
		return nil
	}
	held, deleted := false, false
	attempt := func(tx store.Tx) error {
		held, deleted = false, false
		// It may have changed since the page was read.
		now, err := tx.Leads().Get(ctx, l.ID)
		if errors.Is(err, leadloop.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if rule = due(rules, now, asOf); rule == nil {
			return nil
		}
		d := &dossier{}
		if err := d.addLead(ctx, tx, now); err != nil {
			return err
		}
		d.contacts = nil // a contact has a life of its own
		if held, err = e.tokens.anyHeld(ctx, tx, d.ids()); err != nil || held {
			return err
		}
		deleted = true
		if dry {
			return nil
		}
		request := Request{ID: "retention:" + string(l.ID), At: asOf, Actor: "rule:" + rule.ID}
		return e.forget(ctx, tx, planOf(request.ID), d, request)
	}
	err := retry(ctx, func() error {
		if dry {
			return e.st.View(ctx, attempt)
		}
		return e.st.Update(ctx, attempt)
	})
	switch {
	case err != nil:
		return err
	case held:
		done.Held++
	case deleted:
		done.Deleted[rule.ID]++
	}
	return nil
}
