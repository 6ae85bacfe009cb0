package playbook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
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
	l.q = routing.Request{Profile: l.bare, AsOf: l.s.AsOf, Recycled: l.s.Trigger == leadloop.TriggerRecycle, Keep: s.Owner != "", Return: s.Owner != ""}
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
	held := s.Disposition == leadloop.OutcomeSuppressed || s.Disposition == leadloop.OutcomeDisqualified
	placed := s.Owner != "" || s.Queue != "" || s.Disposition == leadloop.OutcomeNurture || s.Disposition == leadloop.OutcomeAlerted
	arrives := l.s.Trigger == leadloop.TriggerSubmission && s.Owner == "" || l.s.Trigger == leadloop.TriggerRecycle
	escalates := l.s.Task != nil && l.s.Task.Kind == leadloop.TaskEscalate
	l.still = placed && !held && !gone && !arrives && !escalates
	return nil
}

// route opens the fields that could change who gets the lead and how fast, for
// any of the tiers, and returns what happens as it is.
func (l *look) route(ctx context.Context, tiers []string) (string, error) {
	if l.now.Disqualified != "" {
		if err := l.routes(ctx, tiers); err != nil {
			return "", err
		}
		return "disqualified (" + l.now.Disqualified + ")", nil
	}
	words := "no tier"
	if l.now.Tier != "" {
		words = "tier " + l.now.Tier
	}
	if err := l.routes(ctx, tiers); err != nil {
		return "", err
	}
	if l.still && l.now.Tier == l.s.Previous.Score.Tier {
		return words + ", and it stays where it is", nil
	}
	r, err := l.ask(ctx, l.now)
	return words + " and " + r.words, err
}

func (l *look) routes(ctx context.Context, tiers []string) error {
	if !slices.ContainsFunc(l.fields, func(f string) bool { return l.o.routes[f] }) {
		return nil
	}
	for _, tier := range tiers {
		if l.still && tier == l.s.Previous.Score.Tier {
			continue
		}
		score := l.now
		score.Tier, score.Disqualified, score.Known = tier, "", l.now.Known || tier != l.now.Tier
		r, err := l.ask(ctx, score)
		if err != nil {
			return err
		}
		for _, f := range r.needs {
			if slices.Contains(l.fields, f) {
				l.matters(f, weightRoute, "route")
			}
		}
		for _, f := range r.clock {
			if slices.Contains(l.fields, f) {
				l.matters(f, weightRoute, "response time")
			}
		}
	}
	return nil
}

// routeKey is what routing reads of a score.
type routeKey struct {
	tier   string
	known  bool
	points leadloop.Points
}

// route is where a lead with the fields unknown would go.
type route struct {
	words        string
	ends         string   // what tells routes apart
	needs, clock []string // fields that could change it, and its response time
}

func (l *look) ask(ctx context.Context, score scoring.Verdict) (route, error) {
	key := routeKey{tier: score.Tier, known: score.Known}
	if l.o.byScore {
		key.points = score.Points
	}
	if r, ok := l.routed[key]; ok {
		return r, nil
	}
	q, lead := l.q, *l.s.Lead
	lead.State.Score = leadloop.Score{Known: score.Known, Points: score.Points, Tier: score.Tier, Model: l.o.p.Name()}
	q.Lead = &lead
	a, err := l.o.p.router.Route(ctx, l.reads, q)
	if err != nil {
		return route{}, err
	}
	r := route{words: l.o.words(a), ends: fmt.Sprint(a.Kind, a.Owner, a.Queue, a.Track, a.SLA.Policy)}
	r.needs = l.waits(a)
	for _, t := range a.Trace.Policies {
		if t.Verdict == routing.VerdictUndecided {
			r.clock = append(r.clock, t.Needs...)
		}
	}
	l.routed[key] = r
	return r, nil
}

// waits are the fields that could change where the lead goes.
func (l *look) waits(a routing.Assignment) []string {
	var out []string
	won, final := l.o.targets[a.Entry], &routing.Target{Queue: l.o.p.routing.Final}
	for _, t := range a.Trace.Entries {
		target := l.o.targets[t.Entry]
		// An entry that would have sent it to the same place changes nothing.
		if t.Verdict == routing.VerdictUndecided && (target == nil || !reflect.DeepEqual(target, cmp.Or(won, final))) {
			out = append(out, t.Needs...)
		}
	}
	if won != nil && won.Pool != "" {
		switch {
		case l.o.fits[won.Pool]:
			for _, f := range l.fields {
				if l.o.routes[f] {
					out = append(out, f)
				}
			}
		case won.Speaks:
			out = append(out, leadloop.Language.Name())
		}
	}
	return out
}

func (o *outlook) words(a routing.Assignment) string {
	switch a.Kind {
	case leadloop.OutcomeAssigned:
		return "owner " + cmp.Or(o.names[a.Owner], string(a.Owner))
	case leadloop.OutcomeNurture:
		return "nurture track " + a.Track
	case leadloop.OutcomeAlerted:
		return "an alert to " + cmp.Or(o.names[a.Owner], string(a.Owner))
	}
	return "queue " + a.Queue
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
