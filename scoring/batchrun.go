package scoring

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// batchBlock is a block with all that is known of it.
type batchBlock struct {
	columns  *rules.Block
	model    *batchModel
	previous []string // stored tiers; nil: none
	// states are what the expressions came to, by position in the model's set.
	states rules.ColumnResults
	// sums are those of the groups before their limits.
	sums   [][]leadloop.Points
	scores *BatchScores
}

// job is a block on its way.
type job struct {
	first int
	leads []BatchLead
	done  chan struct{}
	block *batchBlock
	err   error
}

// run reads leads and yields their blocks in order.
func (p *batchModel) run(ctx context.Context, leads iter.Seq2[BatchLead, error], o BatchOptions, keep bool) iter.Seq2[*batchBlock, error] {
	return func(yield func(*batchBlock, error) bool) {
		set, err := p.columns()
		if err != nil {
			yield(nil, err)
			return
		}
		workers := o.Workers
		if workers <= 0 {
			workers = runtime.GOMAXPROCS(0)
		}
		ctx, cancel := context.WithCancel(ctx)
		jobs := make(chan *job, workers)
		var group sync.WaitGroup
		for range workers {
			group.Go(func() {
				w := newBatchWorker(p, set)
				for j := range jobs {
					j.block, j.err = w.block(ctx, j.first, j.leads, keep)
					close(j.done)
				}
			})
		}
		// Nobody waits for blocks that nobody wants.
		defer group.Wait()
		defer close(jobs)
		defer cancel()

		progress := newBatchWatch(o)
		var waiting []*job
		// take yields the oldest block; false if that was all.
		take := func() bool {
			j := waiting[0]
			waiting = waiting[1:]
			<-j.done
			switch {
			case ctx.Err() != nil:
				yield(nil, fmt.Errorf("scoring: %w", context.Cause(ctx)))
				return false
			case j.err != nil:
				yield(nil, j.err)
				return false
			}
			progress.at(j.first + len(j.leads))
			return yield(j.block, nil)
		}
		next := &job{done: make(chan struct{})}
		send := func() bool {
			jobs <- next
			waiting = append(waiting, next)
			next = &job{first: next.first + len(next.leads), done: make(chan struct{})}
			return len(waiting) <= workers || take()
		}
		for lead, err := range leads {
			if err != nil {
				for len(waiting) > 0 {
					if !take() {
						return
					}
				}
				yield(nil, fmt.Errorf("scoring: lead %d of the batch: %w", next.first+len(next.leads), err))
				return
			}
			if next.leads == nil {
				next.leads = make([]BatchLead, 0, rules.BlockLeads)
			}
			if next.leads = append(next.leads, lead); len(next.leads) == rules.BlockLeads && !send() {
				return
			}
		}
		if len(next.leads) > 0 && !send() {
			return
		}
		for len(waiting) > 0 {
			if !take() {
				return
			}
		}
	}
}

// batchWatch tells the host how far a batch is.
type batchWatch struct {
	o     BatchOptions
	start time.Time
}

func newBatchWatch(o BatchOptions) *batchWatch {
	w := &batchWatch{o: o}
	if o.Now != nil {
		w.start = o.Now()
	}
	return w
}

func (w *batchWatch) at(done int) {
	if w.o.Progress == nil {
		return
	}
	p := BatchProgress{Done: done, Total: w.o.Total}
	if w.o.Now != nil && w.o.Total > done {
		p.Left = time.Duration(float64(w.o.Now().Sub(w.start)) / float64(done) * float64(w.o.Total-done))
	}
	w.o.Progress(p)
}

// batchWorker fills and scores blocks. It belongs to one goroutine.
type batchWorker struct {
	p       *batchModel
	filler  *rules.Filler
	exec    *rules.ColumnExec
	facts   []rules.Facts
	schema  *leadloop.Schema // of the last profile
	combine combiner
}

func newBatchWorker(p *batchModel, set *rules.ColumnSet) *batchWorker {
	return &batchWorker{p: p, filler: p.layout.NewFiller(), exec: set.NewExec()}
}

// block scores leads. With keep, nothing of it is the host's.
func (w *batchWorker) block(ctx context.Context, first int, leads []BatchLead, keep bool) (*batchBlock, error) {
	p := w.p
	b := &batchBlock{model: p, scores: &BatchScores{First: first}}
	w.facts = w.facts[:0]
	for i := range leads {
		l := &leads[i]
		switch {
		case l.Profile == nil:
			return nil, errBatch(first+i, fmt.Errorf("%w: no profile", leadloop.ErrInvalid))
		case l.Profile.Schema() != w.schema && !sameSchema(l.Profile.Schema(), p.m.schema):
			return nil, errBatch(first+i, fmt.Errorf("%w: the profile has another schema than the model", leadloop.ErrInvalid))
		}
		w.schema = l.Profile.Schema()
		w.facts = append(w.facts, rules.Facts{Profile: l.Profile, Activities: l.Activities})
		if l.ID != "" && b.scores.IDs == nil {
			b.scores.IDs = make([]leadloop.LeadID, len(leads))
		}
		if l.PreviousTier != "" && b.previous == nil {
			b.previous = make([]string, len(leads))
		}
		if l.ID != "" {
			b.scores.IDs[i] = l.ID
		}
		if l.PreviousTier != "" {
			b.previous[i] = p.tierName(l.PreviousTier)
		}
	}
	b.columns = w.filler.Fill(w.facts, keep)
	clear(w.facts)
	w.exec.Eval(ctx, b.columns, &b.states)
	if err := w.combine.all(ctx, b); err != nil {
		return nil, err
	}
	return b, nil
}

// tierName is a stored tier in the words of the model, if it has it, so that
// not every lead keeps a text of its own.
func (p *batchModel) tierName(name string) string {
	if i := slices.Index(p.m.tiers.names, name); i >= 0 {
		return p.m.tiers.names[i]
	}
	return name
}
