package playbook

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/scoring"
	"github.com/leadloop/leadloop/store"
)

// begin reads what routing asks of the lead besides its fields.
func (l *look) begin(ctx context.Context, tx store.Tx) error {
	s := &l.s.Lead.State
	l.reads = &remembering{Reader: routing.FromStore(tx), loads: map[leadloop.RepID]store.Workload{}, pools: map[string]store.Rotation{}}
	l.q = routing.Request{AsOf: l.s.AsOf, Recycled: l.s.Trigger == leadloop.TriggerRecycle, Keep: s.Owner != "", Return: s.Owner != ""}
	if s.Account != "" {
		a, err := tx.CRM().Account(ctx, s.Account)
		switch {
		case err == nil:
			l.q.Account = &a
		case !errors.Is(err, leadloop.ErrNotFound):
			return err
		}
	}
	if s.Contact != "" {
		c, err := tx.CRM().Contact(ctx, s.Contact)
		switch {
		case err == nil:
			l.q.Contact = &c
		case !errors.Is(err, leadloop.ErrNotFound):
			return err
		}
	}
	if s.Opportunity != "" {
		all, err := tx.CRM().Opportunities(ctx, s.Account)
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(all, func(o leadloop.Opportunity) bool {
			return o.ID == s.Opportunity && o.Status == leadloop.OpportunityOpen
		}); i >= 0 {
			l.q.Opportunity = &all[i]
		}
	}
	reps, err := l.reads.Reps(ctx)
	if err != nil {
		return err
	}
	gone := slices.ContainsFunc(reps, func(r leadloop.Rep) bool { return r.ID == s.Owner && r.Inactive })
	held := s.Disposition == leadloop.OutcomeSuppressed || s.Disposition == leadloop.OutcomeDisqualified || s.Disposition == leadloop.OutcomeArchived
	placed := s.Owner != "" || s.Queue != "" || s.Disposition == leadloop.OutcomeNurture || s.Disposition == leadloop.OutcomeAlerted
	arrives := l.s.Trigger == leadloop.TriggerSubmission && s.Owner == "" || l.s.Trigger == leadloop.TriggerRecycle
	escalates := l.s.Task != nil && l.s.Task.Kind == leadloop.TaskEscalate
	l.still = placed && !held && !gone && !arrives && !escalates
	return nil
}

// words say what happens to the lead as it is.
func (l *look) words(ctx context.Context) (string, error) {
	switch {
	case l.now.Disqualified != "":
		return "disqualified (" + l.now.Disqualified + ")", nil
	case l.still && l.now.Tier == l.s.Previous.Score.Tier:
		return tierWords(l.now.Tier) + ", and it stays where it is", nil
	}
	a, err := l.send(ctx, l.s.Profile, l.now)
	if err != nil {
		return "", err
	}
	where := "queue " + a.Queue
	switch a.Kind {
	case leadloop.OutcomeAssigned:
		where = "owner " + cmp.Or(l.o.names[a.Owner], string(a.Owner))
	case leadloop.OutcomeNurture:
		where = "nurture track " + a.Track
	case leadloop.OutcomeAlerted:
		where = "an alert to " + cmp.Or(l.o.names[a.Owner], string(a.Owner))
	}
	return tierWords(l.now.Tier) + " and " + where, nil
}

func tierWords(tier string) string {
	if tier == "" {
		return "no tier"
	}
	return "tier " + tier
}

// routes adds the fields that could change who gets the lead, and how fast,
// for any of the tiers.
func (l *look) routes(ctx context.Context, tiers []string, doubtful map[string]*doubt) error {
	if !slices.ContainsFunc(l.fields, func(f string) bool { return l.o.routes[f] }) {
		return nil
	}
	add := func(fields []string, what string) {
		for _, f := range fields {
			if !slices.Contains(l.fields, f) {
				continue
			}
			if doubtful[f] == nil {
				doubtful[f] = &doubt{what: what}
			}
		}
	}
	for _, tier := range tiers {
		if l.still && tier == l.s.Previous.Score.Tier {
			continue
		}
		v := l.now
		v.Tier, v.Known = tier, l.now.Known || tier != l.now.Tier
		a, err := l.send(ctx, l.bare, v)
		if err != nil {
			return err
		}
		for _, t := range a.Trace.Entries {
			if t.Verdict == routing.VerdictUndecided {
				add(t.Needs, "route")
				continue
			}
			// It matches, and what is missing could make it choose somebody
			// else, or somebody at all.
			add(t.Needs, "owner")
			add(l.o.asks[t.Entry], "owner")
		}
		for _, t := range a.Trace.Policies {
			if t.Verdict == routing.VerdictUndecided {
				add(t.Needs, "response time")
			}
		}
	}
	return nil
}

// send routes the lead as p, with a score.
func (l *look) send(ctx context.Context, p *leadloop.Profile, v scoring.Verdict) (routing.Assignment, error) {
	q, lead := l.q, *l.s.Lead
	lead.State.Score = leadloop.Score{Known: v.Known, Points: v.Points, Tier: v.Tier, Model: l.model.ID()}
	q.Lead, q.Profile = &lead, p
	return l.o.p.router.Route(ctx, l.reads, q)
}

// remembering reads what routing asks for once.
type remembering struct {
	routing.Reader
	loads map[leadloop.RepID]store.Workload
	pools map[string]store.Rotation
}

func (r *remembering) Workload(ctx context.Context, owner leadloop.RepID, asOf time.Time) (store.Workload, error) {
	if w, ok := r.loads[owner]; ok {
		return w, nil
	}
	w, err := r.Reader.Workload(ctx, owner, asOf)
	if err == nil {
		r.loads[owner] = w
	}
	return w, err
}

func (r *remembering) Rotation(ctx context.Context, pool string) (store.Rotation, error) {
	if p, ok := r.pools[pool]; ok {
		return p, nil
	}
	p, err := r.Reader.Rotation(ctx, pool)
	if err == nil {
		r.pools[pool] = p
	}
	return p, err
}
