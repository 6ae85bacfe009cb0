package enrich

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/leadloop/leadloop"
)

// BatchProvider is a provider that also takes many queries in one call. It is
// used for backlogs, see [Waterfall.EnrichAll]; a lead by itself is looked up
// with Lookup.
type BatchProvider interface {
	Provider
	// LookupAll answers each of the queries as Lookup would, in their order, and
	// under the same terms. It gets at least one and at most BatchSize of them.
	//
	// An error is about the call: nobody was looked up and nothing was sold. If
	// it matches leadloop.ErrUnavailable the call may be made again. A query that
	// failed alone has its error in its Reply, and is not tried again.
	LookupAll(ctx context.Context, qs []Query) ([]Reply, error)
	// BatchSize is the most queries that one call takes, at least 1; always the
	// same.
	BatchSize() int
}

// Reply is what one query of a batch came to.
type Reply struct {
	Answer Answer
	Err    error
}

// EnrichAll is [Waterfall.Enrich] for many leads at once: the same reports, in
// the order of the leads, but that queries to a [BatchProvider] go together in
// one call. A call is made when the batch is full, or when no lead can go on
// without an answer. Every query has its own money set aside, its own entry in
// the cache and its own line in the ledger, as if it had been asked alone;
// [Source].Concurrency, RatePerSecond, Timeout and Retries are about calls, and
// its Price about a query. [Options].Deadline does not hold: nobody waits for
// one lead.
//
// Each lead takes a goroutine and, where there is a budget, a place in what is
// set aside: give it some hundreds at a time. A lead must not be among them
// twice. An error of one lead ends the others, and no report is returned; what
// was bought until then is kept.
func (w *Waterfall) EnrichAll(ctx context.Context, leads []leadloop.Subject) ([]Report, error) {
	seen := make(map[leadloop.LeadID]bool, len(leads))
	for _, s := range leads {
		if seen[s.Lead.ID] {
			return nil, fmt.Errorf("enrich: %w: lead %s is there twice", leadloop.ErrInvalid, s.Lead.ID)
		}
		seen[s.Lead.ID] = true
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	l := newLot(w.sources, len(leads))
	reports := make([]Report, len(leads))
	var wait sync.WaitGroup
	for i := range leads {
		wait.Go(func() {
			defer l.idle(ctx)
			var err error
			if reports[i], err = w.enrich(ctx, leads[i], l); err != nil {
				cancel(err) // the first one counts
			}
		})
	}
	wait.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return reports, nil
}

// lot is leads that are enriched together. A nil lot is a lead by itself.
type lot struct {
	// gates let no more queries to a source that takes no batches than it has
	// room for, so that none gives up waiting for a slot.
	gates map[*guard]chan struct{}
	store sync.Mutex // its leads don't get in each other's way in the store

	mu sync.Mutex
	// active counts those who can go on without an answer to a query that
	// waits. It may be too low for a moment, which makes a batch smaller.
	active  int
	waiting map[*guard][]*asking
	order   []*guard
}

// asking is a query that waits for its batch.
type asking struct {
	q       Query
	money   *money
	late    func(Answer)
	answer  Answer
	failure *LookupError
	cause   error
	done    chan struct{}
}

func newLot(sources []*guard, leads int) *lot {
	l := &lot{gates: map[*guard]chan struct{}{}, active: leads, waiting: map[*guard][]*asking{}, order: sources}
	for _, src := range sources {
		room := src.Concurrency
		if src.RatePerSecond > 0 {
			// All get their turn within the time that a call waits for one.
			room = min(room, max(1, int(src.Timeout*time.Duration(src.RatePerSecond)/time.Second/2)))
		}
		l.gates[src] = make(chan struct{}, room)
	}
	return l
}

func (l *lot) writes() {
	if l != nil {
		l.store.Lock()
	}
}

func (l *lot) wrote() {
	if l != nil {
		l.store.Unlock()
	}
}

// busy says that n more can go on.
func (l *lot) busy(n int) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.active += n
}

// idle says that one has ended or waits for what another one does. If nobody
// can go on, what waits is sent.
func (l *lot) idle(ctx context.Context) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest(ctx)
}

func (l *lot) rest(ctx context.Context) {
	if l.active--; l.active > 0 {
		return
	}
	for _, src := range l.order {
		if len(l.waiting[src]) > 0 {
			l.send(ctx, src)
		}
	}
}

// lookup asks about one lead of the lot.
func (l *lot) lookup(ctx context.Context, src *guard, q Query, m *money, late func(Answer)) (Answer, *LookupError, error) {
	batches, ok := src.Provider.(BatchProvider)
	if !ok {
		select {
		case l.gates[src] <- struct{}{}:
			defer func() { <-l.gates[src] }()
			return src.lookup(ctx, q, m, late)
		case <-ctx.Done():
			return Answer{}, src.explain(ctx, ctx.Err()), ctx.Err()
		}
	}
	a := &asking{q: q.clone(), money: m, late: late, done: make(chan struct{})}
	l.mu.Lock()
	l.waiting[src] = append(l.waiting[src], a)
	if len(l.waiting[src]) >= max(batches.BatchSize(), 1) {
		l.send(ctx, src)
	}
	l.rest(ctx)
	l.mu.Unlock()
	<-a.done // it comes soon after the end of ctx, too
	return a.answer, a.failure, a.cause
}

// send makes one call of all that waits for a source.
func (l *lot) send(ctx context.Context, src *guard) {
	batch := l.waiting[src]
	l.waiting[src] = nil
	go func() {
		// Whoever asked waits for this to end.
		select {
		case l.gates[src] <- struct{}{}:
			src.lookupAll(ctx, batch)
			<-l.gates[src]
		case <-ctx.Done():
			for _, a := range batch {
				a.failure, a.cause = src.explain(ctx, ctx.Err()), ctx.Err()
			}
		}
		l.busy(len(batch))
		for _, a := range batch {
			close(a.done)
		}
	}()
}

// lookupAll makes one call for several queries, and writes into each what it
// came to.
func (g *guard) lookupAll(ctx context.Context, batch []*asking) {
	each := func(f func(*money)) func() {
		return func() {
			for _, a := range batch {
				f(a.money)
			}
		}
	}
	t, failure, cause := g.ask(ctx, ticket{
		call: func(ctx context.Context) (told, error) {
			qs := make([]Query, len(batch))
			for i, a := range batch {
				qs[i] = a.q.clone()
			}
			all, err := g.Provider.(BatchProvider).LookupAll(ctx, qs)
			if err == nil && len(all) != len(batch) {
				err = &LookupError{Reason: ReasonBadAnswer, Detail: fmt.Sprintf("%d replies to %d queries", len(all), len(batch))}
			}
			return told{all: all}, err
		},
		keep: each((*money).keep), drop: each((*money).drop),
		late: func(t told) {
			if len(t.all) != len(batch) {
				return
			}
			for i, a := range batch {
				if t.all[i].Err == nil {
					a.late(t.all[i].Answer)
				}
			}
		},
	})
	for i, a := range batch {
		switch {
		case failure != nil:
			a.failure, a.cause = failure, cause
		case t.all[i].Err != nil:
			a.failure, a.cause = g.explain(ctx, t.all[i].Err), t.all[i].Err
		default:
			a.answer = t.all[i].Answer
		}
	}
}
