package enrich

import (
	"context"
	"iter"
	"math"
	"slices"

	"github.com/leadloop/leadloop"
)

// Estimate is what enriching many leads would cost. Nobody is asked for it.
type Estimate struct {
	// Leads counts all, Asking those for which somebody would be asked; the
	// others lack nothing, are below the minimum fit, are decided, or may be
	// sent to nobody.
	Leads  int `json:"leads"`
	Asking int `json:"asking"`
	// Low is if no provider knows anything that is charged for, High if each is
	// asked and charges. Expected lies between: every source is asked with the
	// probability that those before it left it something to answer, and charges
	// as its match rate says. Budgets are not looked at; what is in the cache,
	// or would be by then because another lead is of the same company, is free.
	Low      leadloop.Micros `json:"low"`
	Expected leadloop.Micros `json:"expected"`
	High     leadloop.Micros `json:"high"`
	// Providers are in order of the list.
	Providers []ProviderEstimate `json:"providers,omitempty"`
}

// ProviderEstimate is one provider's part.
type ProviderEstimate struct {
	Provider string `json:"provider"`
	// Calls is the most there can be, ExpectedCalls how many there are on
	// average.
	Calls         int             `json:"calls"`
	ExpectedCalls float64         `json:"expected_calls"`
	Expected      leadloop.Micros `json:"expected"`
}

// Estimate says what enriching the leads would cost. It reads the store and
// writes nothing; the sequence must not hold a transaction of its own meanwhile.
// An error of the sequence ends it.
func (w *Waterfall) Estimate(ctx context.Context, leads iter.Seq2[leadloop.Subject, error]) (Estimate, error) {
	out := Estimate{Providers: make([]ProviderEstimate, len(w.sources))}
	for i, src := range w.sources {
		out.Providers[i].Provider = src.Name
	}
	expected, low := make([]float64, len(w.sources)), 0.0
	seen := map[string]bool{}
	for s, err := range leads {
		if err != nil {
			return Estimate{}, err
		}
		out.Leads++
		r, err := w.outset(ctx, s)
		if err != nil {
			return Estimate{}, err
		}
		if r == nil {
			continue
		}
		// How likely each open field is still open when a source's turn comes.
		open := map[string]float64{}
		for f := range r.open {
			open[f] = 1
		}
		asking := false
		for i, src := range w.sources {
			if !r.usable[i] {
				continue
			}
			asked := r.wants(i)
			asked = slices.DeleteFunc(asked, func(f string) bool { return open[f] == 0 })
			if len(asked) == 0 {
				continue
			}
			known, _ := r.identify(src)
			who := identity(src, known)
			said, err := w.cached(ctx, who, asked, s.AsOf)
			if err != nil {
				return Estimate{}, err
			}
			asking = true
			reached := 0.0
			for _, f := range asked {
				e, ok := said[f]
				switch {
				case !ok:
					reached = max(reached, open[f])
					open[f] *= 1 - src.MatchRate
				case e.Said == saidValue:
					open[f] = 0
				}
			}
			if len(said) == len(asked) || seen[who] {
				continue
			}
			seen[who] = true
			out.Providers[i].Calls++
			out.High += src.Price
			if src.Charge == ChargeCall && reached == 1 {
				low += float64(src.Price)
			}
			out.Providers[i].ExpectedCalls += reached
			expected[i] += reached * src.expected()
		}
		if asking {
			out.Asking++
		}
	}
	sum := 0.0
	for i, e := range expected {
		out.Providers[i].Expected = leadloop.Micros(math.Round(e))
		sum += e
	}
	out.Low, out.Expected = leadloop.Micros(math.Round(low)), leadloop.Micros(math.Round(sum))
	return out, ctx.Err()
}

// outset is a run before its first step; nil if it would make none.
func (w *Waterfall) outset(ctx context.Context, s leadloop.Subject) (*run, error) {
	t := triggersOf(w.o.Refresh, s)
	missing := w.lacking(s, t)
	if len(missing) == 0 || w.o.Mode == Off || w.below(ctx, s) {
		return nil, nil
	}
	r := w.begin(s, t, missing)
	next, err := r.next(ctx)
	if next == nil || err != nil {
		return nil, err
	}
	if w.o.Refuse != nil {
		if reason, err := w.o.Refuse(ctx, s); reason != "" || err != nil {
			return nil, err
		}
	}
	return r, nil
}
