package enrichtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
)

func (k *kit) batches() {
	p, ok := k.src.Provider.(enrich.BatchProvider)
	if !ok {
		k.Skip("it is no enrich.BatchProvider")
	}
	size := p.BatchSize()
	if size < 1 || size != p.BatchSize() {
		k.Fatalf("a batch has %d queries: it needs at least 1, and always as many", size)
	}
	// As many as it takes, up to enough of them to be mixed up.
	all := make([]enrich.Query, min(size, 20))
	for i := range all {
		switch known := k.about(k.cfg.Known); i % 3 {
		case 0:
			all[i] = known
		case 1:
			all[i] = k.about(k.cfg.Unknown)
		default:
			all[i] = k.about(k.cfg.Known, known.Want[0])
		}
	}
	for _, n := range []int{1, len(all)} {
		k.batch(p, all[:n])
	}
	k.prompt(func(ctx context.Context) { _, _ = p.LookupAll(ctx, all) })
	gone, cancel := context.WithCancel(k.Context())
	cancel()
	if _, err := p.LookupAll(gone, all); err != nil {
		k.keepsQuiet(err)
	}
}

// batch compares the replies to a batch with the answers to its queries.
func (k *kit) batch(p enrich.BatchProvider, qs []enrich.Query) {
	k.Helper()
	before := fmt.Sprint(qs)
	replies, err := p.LookupAll(k.Context(), qs)
	if err != nil {
		k.keepsQuiet(err)
		k.Fatalf("a batch of %d failed: %v", len(qs), err)
	}
	if fmt.Sprint(qs) != before {
		k.Error("it changed the queries of a batch")
	}
	if len(replies) != len(qs) {
		k.Fatalf("%d replies to %d queries", len(replies), len(qs))
	}
	for i, r := range replies {
		if r.Err != nil {
			k.keepsQuiet(r.Err)
			k.Errorf("query %d of a batch of %d failed: %v", i, len(qs), r.Err)
			continue
		}
		if diff := cmp.Diff(k.lookup(qs[i]), r.Answer, cmpopts.EquateEmpty(), values); diff != "" {
			k.Errorf("query %d of a batch of %d is answered otherwise than alone (-alone +batch):\n%s", i, len(qs), diff)
		}
		if c := r.Answer.Cost; c != nil && (*c < 0 || *c > k.src.Price) {
			k.Errorf("query %d of a batch of %d costs %d, with a price of %d", i, len(qs), *c, k.src.Price)
		}
	}
}

// prompt reports a call that goes on after the end of its context.
func (k *kit) prompt(call func(ctx context.Context)) {
	gone, cancel := context.WithCancel(k.Context())
	cancel()
	late, cancelLate := context.WithDeadline(k.Context(), time.Unix(0, 0))
	defer cancelLate()
	for _, c := range []struct {
		name string
		ctx  context.Context
	}{{"cancelled", gone}, {"past its deadline", late}} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			call(c.ctx)
		}()
		over := time.NewTimer(prompt)
		select {
		case <-done:
		case <-over.C:
			k.Errorf("it did not return within %s of a context that is %s", prompt, c.name)
		}
		over.Stop()
	}
}

// keepsQuiet reports an error that tells who was asked about. Of other errors
// than a LookupError only the kind is told.
func (k *kit) keepsQuiet(err error) {
	var e *enrich.LookupError
	if !errors.As(err, &e) {
		return
	}
	for _, n := range slices.Concat(k.cfg.Known, k.cfg.Unknown) {
		if strings.Contains(strings.ToLower(e.Error()), strings.ToLower(n.Value)) {
			k.Errorf("the error names the %s it was asked about", n.Field)
		}
	}
}

// Batch makes a BatchProvider of a provider: size queries in one call, answered
// one after the other. It is a fake for tests of your own waterfall.
func Batch(p enrich.Provider, size int) enrich.BatchProvider { return batch{p, size} }

type batch struct {
	enrich.Provider
	size int
}

func (b batch) BatchSize() int { return b.size }

func (b batch) LookupAll(ctx context.Context, qs []enrich.Query) ([]enrich.Reply, error) {
	if len(qs) > b.size {
		return nil, fmt.Errorf("enrichtest: %w: %d queries in a batch of %d", leadloop.ErrInvalid, len(qs), b.size)
	}
	out := make([]enrich.Reply, len(qs))
	for i, q := range qs {
		out[i].Answer, out[i].Err = b.Lookup(ctx, q)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return out, nil
}
