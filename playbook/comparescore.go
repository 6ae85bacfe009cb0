package playbook

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"iter"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/scoring"
)

// lot is how many leads a goroutine takes at a time.
const lot = 128

// inOrder calls f for what comes in, by as many goroutines as there are
// processors, and hands on what it returns in the order in which it came. None is
// left behind when the caller stops.
func inOrder[T, R any](ctx context.Context, in iter.Seq2[T, error], f func(T) (R, error)) iter.Seq2[R, error] {
	type answer struct {
		r   R
		err error
	}
	type batch struct {
		in   []T
		out  []answer
		done chan struct{}
	}
	return func(yield func(R, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var wait sync.WaitGroup
		defer wait.Wait()
		defer cancel()
		workers := runtime.GOMAXPROCS(0)
		todo, order := make(chan *batch), make(chan *batch, 2*workers)
		var failed error
		wait.Go(func() {
			defer close(order)
			defer close(todo)
			b := &batch{done: make(chan struct{})}
			send := func() bool {
				for _, to := range []chan *batch{order, todo} {
					select {
					case to <- b:
					case <-ctx.Done():
						return false
					}
				}
				b = &batch{done: make(chan struct{})}
				return true
			}
			for x, err := range in {
				if err != nil {
					failed = err
					break
				}
				if b.in = append(b.in, x); len(b.in) == lot && !send() {
					return
				}
			}
			send()
		})
		for range workers {
			wait.Go(func() {
				for b := range todo {
					b.out = make([]answer, len(b.in))
					for i, x := range b.in {
						b.out[i].r, b.out[i].err = f(x)
					}
					b.in = nil
					close(b.done)
				}
			})
		}
		for b := range order {
			select {
			case <-b.done:
			case <-ctx.Done():
			}
			if ctx.Err() != nil {
				break
			}
			for i := range b.out {
				if !yield(b.out[i].r, b.out[i].err) {
					return
				}
			}
		}
		var none R
		if err := cmp.Or(ctx.Err(), failed); err != nil {
			yield(none, err)
		}
	}
}

// scoredLead is a lead as both playbooks score it.
type scoredLead struct {
	lead CompareLead
	at   time.Time
	hash uint64 // of its company, or of itself
	// because names what moved its tier.
	because string
	sides   [2]scoredSide
	err     error
}

// scoredSide is what one playbook says of a lead.
type scoredSide struct {
	verdict scoring.Verdict
	tier    string
	// held says why routing isn't asked: the lead is suppressed, or its account's
	// owner is told. It isn't about a disqualified one either.
	held string
	// profile is what routing reads; nil if it isn't asked.
	profile *leadloop.Profile
}

// score is called by several goroutines at a time.
func (c *comparing) score(ctx context.Context, l CompareLead) scoredLead {
	out := scoredLead{lead: l, at: l.Lead.ReceivedAt}
	if out.at.IsZero() || out.at.After(c.o.AsOf) {
		out.at = c.o.AsOf
	}
	var inputs [2]scoring.Input
	var whole *leadloop.Profile
	for i, s := range c.sides {
		if i == 0 || !c.sameLook {
			whole = leadloop.Golden(s.pb.schema, s.pb.policy, l.Lead.Claims)
			whole.SetActivities(l.Lead.Activities)
		}
		held, err := c.screen(ctx, &out, i, whole)
		if err != nil {
			out.err = err
			return out
		}
		inputs[i] = scoring.Input{Profile: whole, AsOf: c.o.AsOf, PreviousTier: l.Lead.State.Score.Tier}
		v, err := s.pb.model.Verdict(ctx, inputs[i])
		if err != nil {
			out.err = err
			return out
		}
		out.sides[i] = scoredSide{verdict: v, tier: cmp.Or(v.Tier, scoring.NoTier), held: held}
		if v.Disqualified == "" && held == "" {
			out.sides[i].profile = s.slim(whole)
		}
	}
	if c.o.EnrichSample > 0 {
		out.hash = company(whole, l.Lead.ID)
	}
	if out.sides[0].tier != out.sides[1].tier {
		out.because, out.err = c.because(ctx, inputs, [2]scoring.Verdict{out.sides[0].verdict, out.sides[1].verdict})
	}
	return out
}

// company is a number that all leads of a company have.
func company(p *leadloop.Profile, id leadloop.LeadID) uint64 {
	h := fnv.New64a()
	if domain := p.Value(leadloop.Domain.Name()); domain.Presence() == leadloop.Present {
		h.Write([]byte(domain.String()))
	} else {
		h.Write([]byte(id))
	}
	// The low bits of FNV follow the last bytes too closely to draw by.
	x := h.Sum64()
	x ^= x >> 32
	x *= 0x9e3779b97f4a7c15
	return x ^ x>>29
}

// maxSlim bounds how many different profiles are kept to be used again.
const maxSlim = 100_000

// slim is what routing reads of a profile, so that a lead that waits does not
// hold all that is known about it. Leads that look the same to routing share it.
func (s *side) slim(whole *leadloop.Profile) *leadloop.Profile {
	if s.readsActivities {
		return whole
	}
	key := make([]byte, 0, 128)
	for _, f := range s.reads {
		v := whole.Value(f)
		key = append(key, byte(v.Presence()))
		if v.Presence() == leadloop.Present {
			key = append(append(key, v.String()...), 0)
		}
	}
	if p, ok := s.slims.Load(string(key)); ok {
		return p.(*leadloop.Profile)
	}
	p := s.pb.schema.NewProfile()
	for _, f := range s.reads {
		if v := whole.Value(f); v.Presence() != leadloop.Absent {
			// A value of the same field always fits.
			_ = p.SetValue(f, v)
		}
	}
	if s.slimmed.Add(1) <= maxSlim {
		s.slims.Store(string(key), p)
	}
	return p
}

// because finds the part of the model whose points changed most for a lead.
func (c *comparing) because(ctx context.Context, inputs [2]scoring.Input, verdicts [2]scoring.Verdict) (string, error) {
	if a, b := verdicts[0].Disqualified, verdicts[1].Disqualified; a != b {
		return "disqualification " + cmp.Or(b, a), nil
	}
	points := map[string]leadloop.Points{}
	for i := range inputs {
		e, err := c.sides[i].pb.model.Explain(ctx, inputs[i])
		if err != nil {
			return "", err
		}
		sign := leadloop.Points(2*i - 1)
		for _, r := range e.Contributions {
			points["rule "+r.Rule] += sign * r.Points
		}
		for _, m := range e.Modifiers {
			points["modifier "+m.Modifier] += sign * (m.After - m.Before)
		}
	}
	best := ""
	size := func(name string) leadloop.Points { return max(points[name], -points[name]) }
	for _, name := range slices.Sorted(maps.Keys(points)) {
		if size(name) > 0 && (best == "" || size(name) > size(best)) {
			best = name
		}
	}
	return cmp.Or(best, "tiers, groups or formula"), nil
}

// fail notes a lead that could not be compared.
func (c *comparing) fail(l *scoredLead) {
	c.out.Failed++
	if c.out.FirstError == "" {
		c.out.FirstError = fmt.Sprintf("lead %s: %v", l.lead.Lead.ID, l.err)
	}
}
