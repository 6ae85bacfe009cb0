package enrich

import (
	"context"
	"maps"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// lookup returns what the source says about the asked fields, from the cache
// where it can. A call that was skipped or failed says so in call, and what the
// cache had is returned all the same. It changes nothing of the run, so that
// several can be under way.
func (r *run) lookup(ctx, timed context.Context, src *guard, known []Known, call *Call) (map[string]entry, error) {
	if src.NoCache {
		return r.fly(ctx, timed, src, "", Query{Lead: r.s.Lead.ID, Known: known, Want: call.Asked}, call)
	}
	who := identity(src, known)
	for {
		said, err := r.w.cached(ctx, who, call.Asked, r.s.AsOf)
		if err != nil {
			return nil, err
		}
		call.Cached, call.Cost = nil, 0
		var want []string
		for _, f := range call.Asked {
			e, ok := said[f]
			switch {
			case !ok, e.At.Before(r.t.since(f)):
				delete(said, f)
				want = append(want, f)
			case e.lead == r.s.Lead.ID && e.At.After(r.s.Lead.State.DecidedAt):
				// Bought by a run of this very decision that did not get as far
				// as its commit: its cost is not in the lead's state yet.
				call.Cost += e.Cost
			default:
				call.Cached = append(call.Cached, f)
			}
		}
		if len(want) == 0 {
			return said, nil
		}
		if under := r.w.flights.board(who); under != nil {
			r.lot.idle(timed)
			select {
			case <-under.done:
				r.lot.busy(1)
			case <-timed.Done():
				r.lot.busy(1)
				if ctx.Err() != nil {
					return nil, ctx.Err()
				}
				call.Outcome, call.Reason = Failed, ReasonDeadline
				return said, nil
			}
			if under.failure != nil && under.failure.Reason != ReasonDeadline {
				fail(call, under.failure, under.cause)
				return said, nil
			}
			continue
		}
		fresh, err := r.fly(ctx, timed, src, who, Query{Lead: r.s.Lead.ID, Known: known, Want: want}, call)
		if err != nil {
			return nil, err
		}
		maps.Copy(said, fresh)
		return said, nil
	}
}

// fly makes one call: money set aside, provider asked, answer fenced, kept and
// paid for. who is "" if the answer is not to be shared.
func (r *run) fly(ctx, timed context.Context, src *guard, who string, q Query, call *Call) (said map[string]entry, err error) {
	var failure *LookupError
	var cause error
	if who != "" {
		// Trouble of the store or the caller is no failure: others who wait
		// then try for themselves.
		defer func() { r.w.flights.land(who, failure, cause) }()
	}
	if timed.Err() != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		call.Outcome, call.Reason = Skipped, ReasonDeadline
		return nil, nil
	}
	r.lot.writes()
	held, refused, err := r.w.setAside(ctx, src, r.s.Lead.ID, r.s.Lead.State.Cost+r.report.Cost+call.Cost, r.s.AsOf)
	r.lot.wrote()
	if err != nil {
		return nil, err
	}
	if refused != "" {
		call.Outcome, call.Reason = Skipped, refused
		return nil, nil
	}
	defer func() {
		r.lot.writes()
		defer r.lot.wrote()
		held.drop()
	}()

	country := r.country()
	lookup := src.lookup
	if r.lot != nil {
		lookup = func(ctx context.Context, q Query, m *money, late func(Answer)) (Answer, *LookupError, error) {
			return r.lot.lookup(ctx, src, q, m, late)
		}
	}
	answer, failure, cause := lookup(timed, q, held, func(late Answer) {
		// Nobody waits for it any more, but it is paid for: the next decision
		// about the lead finds it in the cache. Where it can't be kept nobody is
		// left to be told.
		if said, _, failure := r.w.fence(src, q, late, r.s.AsOf); failure == nil {
			_ = r.book(ctx, src, who, q, late, said, country, held, new(Call))
		}
	})
	if failure != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		fail(call, failure, cause)
		return nil, nil
	}
	said, call.Refused, failure = r.w.fence(src, q, answer, r.s.AsOf)
	if failure != nil {
		fail(call, failure, nil)
		return nil, nil
	}
	return said, r.book(ctx, src, who, q, answer, said, country, held, call)
}

// book keeps an answer and what it cost.
func (r *run) book(ctx context.Context, src *guard, who string, q Query, a Answer, said map[string]entry, country string, money *money, call *Call) error {
	cost := store.Cost{Provider: src.Name, Lead: r.s.Lead.ID, At: r.s.AsOf, Amount: r.charge(src, a, said, country)}
	for _, f := range q.Want {
		cost.Matched = cost.Matched || said[f].Matched
		if said[f].Said == saidValue {
			cost.Fields = append(cost.Fields, f)
		}
	}
	first := said[q.Want[0]]
	first.Cost = cost.Amount
	said[q.Want[0]] = first
	call.Cost += cost.Amount
	if src.NoCache && cost.Amount == 0 {
		return nil
	}
	r.lot.writes()
	defer r.lot.wrote()
	return r.w.keep(ctx, src, who, said, cost, money)
}

func fail(call *Call, failure *LookupError, cause error) {
	call.Outcome, call.Reason, call.Detail, call.RetryAfter, call.Err = Failed, failure.Reason, failure.Detail, failure.RetryAfter, cause
	if cause == nil {
		call.Err = failure
	}
}

// charge is what an answer cost. A negative cost is not believed.
func (r *run) charge(src *guard, a Answer, said map[string]entry, country string) leadloop.Micros {
	if a.Cost != nil && *a.Cost >= 0 {
		return *a.Cost
	}
	charged := src.Charge == ChargeCall
	for f, e := range said {
		switch src.Charge {
		case ChargeMatch:
			charged = charged || e.Matched
		case ChargeValid:
			if e.Said == saidValue {
				def, _ := r.w.schema.Lookup(f)
				_, reason := r.w.accept(def, e, country, r.s.AsOf)
				charged = charged || reason == ""
			}
		}
	}
	if !charged {
		return 0
	}
	return src.Price
}
