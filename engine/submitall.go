package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// SubmitAll stores many submissions in one transaction, as [Loop.Submit] stores
// one: all of them or, with an error, none. Results come in the same order;
// those whose key was taken before, or comes twice, are Known and hold no lead;
// of those who are forgotten nothing is stored, as Submit does it.
// For an import of any size call it with some hundred at a time: a crash in
// between is made good by calling it again with the same ones.
func (l *Loop) SubmitAll(ctx context.Context, all []leadloop.Submission) ([]Result, error) {
	runs := make([]*run, len(all))
	problems := make([]error, len(all))
	inParallel(len(all), func(i int) {
		lead, err := newLead(all[i])
		if err != nil {
			problems[i] = fmt.Errorf("number %d: %w", i, err)
			return
		}
		runs[i] = l.submission(ctx, all[i], lead)
		runs[i].identify()
	})
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("submit %d: %w", len(all), err)
	}
	var results []Result
	err := l.persist(ctx, func() error {
		return l.store.Update(ctx, func(tx store.Tx) (err error) {
			results, err = submitAll(ctx, tx, runs)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("submit %d: %w", len(all), err)
	}
	for _, r := range results {
		if r.Pending {
			r.Lead.Revision = 1
			l.poke()
		}
	}
	return results, nil
}

// inParallel calls f for every number below n, on all processors where that is
// worth it, and returns when all calls have. A panic of f is the caller's.
func inParallel(n int, f func(i int)) {
	const worth = 32
	var workers sync.WaitGroup
	var next atomic.Int64
	var panicked atomic.Pointer[any]
	work := func() {
		defer func() {
			if p := recover(); p != nil {
				panicked.Store(&p)
			}
		}()
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			f(i)
		}
	}
	for range min(runtime.GOMAXPROCS(0), n/worth) - 1 {
		workers.Go(work)
	}
	work()
	workers.Wait()
	if p := panicked.Load(); p != nil {
		panic(*p)
	}
}

func submitAll(ctx context.Context, tx store.Tx, runs []*run) ([]Result, error) {
	results := make([]Result, len(runs))
	var kept []int
	var keys []string
	var ids []leadloop.LeadID
	reasons, _, err := listedAmong(ctx, tx, runs)
	if err != nil {
		return nil, err
	}
	for i, r := range runs {
		if reasons[i] != "" {
			r.record = r.lead.ID
			results[i] = r.nothing(reasons[i])
			continue
		}
		kept, keys, ids = append(kept, i), append(keys, r.key), append(ids, r.lead.ID)
	}
	before, err := store.ClaimAll(ctx, tx.Keys(), keys, ids)
	if err != nil {
		return nil, err
	}
	var leads []*leadloop.Lead
	var tasks []leadloop.Task
	var events []leadloop.Event
	for n, i := range kept {
		r := runs[i]
		if before[n] != "" {
			results[i] = Result{Record: before[n], Known: true}
			continue
		}
		leads, tasks, events = append(leads, r.lead), append(tasks, r.tasks...), append(events, r.events...)
		results[i] = Result{Lead: r.lead, Record: r.lead.ID, Pending: true}
	}
	if err := store.PutNew(ctx, tx.Leads(), leads); err != nil {
		return nil, err
	}
	if err := tx.Tasks().Add(ctx, tasks...); err != nil {
		return nil, err
	}
	return results, tx.Journal().Append(ctx, events...)
}
