package learn

import (
	"context"
	"fmt"
	"math"

	"github.com/leadloop/leadloop/internal/measure"
	"github.com/leadloop/leadloop/scoring"
)

// Result is a learnt model and how it was judged.
type Result struct {
	// Definition is the proposed model. It loads with [scoring.New] against
	// its own schema ([scoring.Definition.Schema]).
	Definition scoring.Definition
	// Report says what was learnt from, and how good it is on leads that were
	// held out.
	Report Report

	comments map[string]string // by rule: what stands before it in the file
	counts   *Counts
	card     *card
}

// Learn counts a table and learns from the counts. See [Count] and
// [Counts.Learn].
func Learn(ctx context.Context, src Source, o Options) (*Result, error) {
	c, err := Count(ctx, src, o)
	if err != nil {
		return nil, err
	}
	return c.Learn(ctx, o)
}

// Learn makes a scorecard from what was counted. Of the options those count
// that say how: Groups, Like, Name, Changed, MinClosed, MinMonths and Progress.
// The same counts and options give the same result, byte for byte. The error
// is a [*RefusedError] if there is too little to learn from, or nothing
// predicts how leads end.
func (c *Counts) Learn(ctx context.Context, o Options) (*Result, error) {
	if err := c.enough(o); err != nil {
		return nil, err
	}
	o.progress("learning", 0, 4)
	f := newFitter(c, o)
	if err := f.enough(); err != nil {
		return nil, err
	}
	penalty, err := f.choose(ctx)
	if err != nil {
		return nil, err
	}
	o.progress("learning", 1, 4)
	out, err := f.cross(ctx, penalty, f.shape, nil)
	if err != nil {
		return nil, err
	}
	auc, se := measure.AUC(out.groups)
	// One in a hundred tables without any signal gets past this.
	if auc.Value-2.33*se <= .5 || out.loss >= out.base {
		return nil, &RefusedError{Text: fmt.Sprintf("nothing here predicts how leads end: on leads that were not learnt from, a won one is put before a lost one in %.1f %% of pairs (95 %% interval %.1f to %.1f), and a coin does it in 50 %%; left out were %s",
			100*auc.Value, 100*auc.Low, 100*auc.High, leftOutUnused(c.head.Table.Columns)), AUC: &auc}
	}
	o.progress("learning", 2, 4)
	s, err := f.simplify(ctx, penalty)
	if err != nil {
		return nil, err
	}
	honest := out
	if s, out, err = f.interact(ctx, penalty, s); err != nil {
		return nil, err
	}
	o.progress("learning", 3, 4)
	train := f.design(&s, 0, func(p int) bool { return f.split.fold[p] >= 0 })
	weights, err := train.fit(ctx, penalty, exactly, train.start())
	if err != nil {
		return nil, err
	}
	// How much surer or less sure the models are than they may be is told by
	// leads they had not seen.
	_, slope, _ := platt(out.groups)
	if !(slope > 0) || math.IsInf(slope, 0) {
		return nil, &RefusedError{Text: "nothing here predicts how leads end: what was learnt from some leads holds the other way round for others"}
	}
	k := f.card(&s, weights, slope)
	r := &Result{counts: c, card: k}
	r.Definition, r.comments = k.definition(o)
	r.Report = k.report(r.Definition, Crossed{AUC: auc, LogLoss: honest.loss / honest.leads, LogLossBase: honest.base / honest.leads, Penalty: penalty, Bands: f.prior.name})
	o.progress("learning", 4, 4)
	return r, nil
}

func leftOutUnused(columns []Column) string {
	var list []Column
	for _, c := range columns {
		if !c.Used && c.Why != "it is the outcome" {
			list = append(list, c)
		}
	}
	if len(list) == 0 {
		return "none"
	}
	return leftOut(list)
}

// enough refuses a split that leaves a side without won or lost leads.
func (f *fitter) enough() error {
	var train, test tally
	for i := range f.c.cells.len() {
		t := tally{int64(f.c.cells.won[i]), int64(f.c.cells.lost[i])}
		if f.split.test[f.c.cells.part(i)] {
			test = test.plus(t)
		} else {
			train = train.plus(t)
		}
	}
	least := int64(10)
	for _, side := range []struct {
		what string
		t    tally
	}{{"to learn from", train}, {"held out to try it on", test}} {
		if side.t.won < least || side.t.lost < least {
			return &RefusedError{Text: fmt.Sprintf("of the leads %s %d were won and %d lost; at least %d of each are needed", side.what, side.t.won, side.t.lost, least)}
		}
	}
	return nil
}
