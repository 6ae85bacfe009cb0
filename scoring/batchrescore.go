package scoring

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leadloop/leadloop"
)

// BatchChanges says what scoring a batch again changed.
type BatchChanges struct {
	// Leads is how many leads have other points or another tier now.
	Leads int
	// Tiers counts leads by the tier they left and the one they came to.
	Tiers map[TierChange]int
}

// TierChange is a change from one tier to another; "" is no tier.
type TierChange struct{ From, To string }

func (c *BatchChanges) add(d BatchChanges) {
	c.Leads += d.Leads
	for k, n := range d.Tiers {
		c.tier(k, n)
	}
}

func (c *BatchChanges) tier(k TierChange, n int) {
	if c.Tiers == nil {
		c.Tiers = map[TierChange]int{}
	}
	c.Tiers[k] += n
}

// Rescore scores all leads by a changed model, at another moment, or both, and
// says what that changed. Expressions that were there before are not evaluated
// again, unless they depend on the moment and that is another one; leads that no
// changed rule touches are not scored again. The result is that of
// [Batch.Score], as are the failures.
func (b *Batch) Rescore(ctx context.Context, m *Model, asOf time.Time) (BatchChanges, error) {
	to, err := b.bind(m, asOf)
	if err != nil {
		return BatchChanges{}, err
	}
	// Blocks may have been left at different models by a context that ended.
	ways := map[*batchModel]*transition{}
	for _, block := range b.blocks {
		if ways[block.model] == nil {
			if ways[block.model], err = newTransition(block.model, to); err != nil {
				return BatchChanges{}, err
			}
		}
	}
	b.model, b.asOf = to, to.asOf
	var changes BatchChanges
	var adding sync.Mutex
	err = b.each(ctx, func() func(*batchBlock) error {
		movers := map[*batchModel]*mover{}
		return func(block *batchBlock) error {
			w := movers[block.model]
			if w == nil {
				w = newMover(ways[block.model])
				movers[block.model] = w
			}
			got, err := w.move(ctx, block)
			if err != nil || got.Leads == 0 {
				return err
			}
			adding.Lock()
			changes.add(got)
			adding.Unlock()
			return nil
		}
	})
	return changes, err
}

// Score scores all leads anew, by a model and at a moment: [Batch.Rescore]
// without a look at what was there. It fails if the batch does not have what the
// model reads (see BatchOptions.Fields), and then nothing changes. If ctx ends
// it, some leads have their new scores and others their old ones.
func (b *Batch) Score(ctx context.Context, m *Model, asOf time.Time) error {
	p, err := b.bind(m, asOf)
	if err != nil {
		return err
	}
	set, err := p.columns()
	if err != nil {
		return err
	}
	b.model, b.asOf = p, p.asOf
	return b.each(ctx, func() func(*batchBlock) error {
		w := &batchWorker{p: p, exec: set.NewExec()}
		return func(block *batchBlock) error {
			block.model = p
			w.exec.Eval(ctx, block.columns, &block.states)
			return w.combine.all(ctx, block)
		}
	})
}

func (b *Batch) bind(m *Model, asOf time.Time) (*batchModel, error) {
	if !sameSchema(m.schema, b.model.m.schema) {
		return nil, fmt.Errorf("scoring: %s: %w: it has another schema than the batch", m.ID(), leadloop.ErrInvalid)
	}
	return newBatchModel(m, b.layout, asOf, b.o)
}

// each goes through all blocks, on all CPUs. What start returns is called by one
// goroutine.
func (b *Batch) each(ctx context.Context, start func() func(*batchBlock) error) error {
	workers := b.o.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	workers = max(1, min(workers, len(b.blocks)))
	var next, done atomic.Int64
	errs := make([]error, workers)
	var group sync.WaitGroup
	var reporting sync.Mutex
	watch := newBatchWatch(b.o)
	work := func(n int) {
		do := start()
		for errs[n] == nil {
			i := int(next.Add(1)) - 1
			if i >= len(b.blocks) || ctx.Err() != nil {
				return
			}
			if errs[n] = do(b.blocks[i]); errs[n] == nil && b.o.Progress != nil {
				reporting.Lock()
				watch.at(int(done.Add(int64(b.blocks[i].columns.Len()))))
				reporting.Unlock()
			}
		}
	}
	for n := range workers - 1 {
		group.Go(func() { work(n + 1) })
	}
	work(0)
	group.Wait()
	if ctx.Err() != nil {
		return fmt.Errorf("scoring: %w", context.Cause(ctx))
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
