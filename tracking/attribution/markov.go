package attribution

import (
	"context"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// maxOrder bounds the memory of a chain: beyond it nearly every journey is a
// path of its own.
const maxOrder = 8

// separator joins the channels of a state; it sorts before all text.
const separator = "\x00"

// chain is a Markov chain over what the last few touches were. A journey goes
// from the start, which is "", over its touches to a conversion or a loss.
type chain struct {
	order int
	// states are the latest channels joined, fewer at the beginning.
	states map[string]*state
}

// state counts where journeys went from it.
type state struct {
	next      map[string]int64 // by state
	converted int64
	lost      int64
}

func newChain(order int) chain { return chain{order: order, states: map[string]*state{}} }

func (c chain) at(name string) *state {
	s := c.states[name]
	if s == nil {
		s = &state{next: map[string]int64{}}
		c.states[name] = s
	}
	return s
}

func (c chain) add(touches []Touch, converted, lost int64) {
	n := converted + lost
	if n == 0 || len(touches) == 0 {
		return
	}
	now, latest := "", make([]string, 0, c.order+1)
	for _, t := range touches {
		latest = append(latest, t.Channel)
		if len(latest) > c.order {
			latest = latest[1:]
		}
		to := strings.Join(latest, separator)
		c.at(now).next[to] += n
		now = to
	}
	end := c.at(now)
	end.converted += converted
	end.lost += lost
}

func (c chain) merge(other chain) {
	for name, s := range other.states {
		mine := c.at(name)
		mine.converted += s.converted
		mine.lost += s.lost
		for to, n := range s.next {
			mine.next[to] += n
		}
	}
}

// effect is what the removal of a channel takes away.
type effect struct {
	channel string
	effect  float64
}

// removalEffects returns, for every channel in order of name, the share of
// conversions that is lost without it. All of them are 0 if nothing converts. It
// fails with ctx's error only.
func (c chain) removalEffects(ctx context.Context) ([]effect, error) {
	m := c.matrix()
	effects := make([]effect, len(m.channels))
	for i, name := range m.channels {
		effects[i].channel = name
	}
	base, err := m.converts(ctx, -1)
	if err != nil || base == 0 {
		return effects, err
	}
	// Each worker takes the next channel; none of them sees another's numbers.
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(effects)) {
		wait.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(effects) {
					return
				}
				without, err := m.converts(ctx, i)
				if err != nil {
					return // ctx's
				}
				effects[i].effect = max(0, 1-without/base)
			}
		})
	}
	wait.Wait()
	return effects, ctx.Err()
}

// matrix is a chain by numbers; state 0 is the start.
type matrix struct {
	channels []string
	latest   []int // by state, the channel of the latest touch; -1 at the start
	from     []int // by state, where its moves begin
	to       []int
	p        []float64 // of each move
	ends     []float64 // by state, the probability to convert at once
}

func (c chain) matrix() matrix {
	names := slices.Sorted(maps.Keys(c.states)) // "" first
	number := make(map[string]int, len(names))
	channel := map[string]int{}
	var m matrix
	for i, name := range names {
		number[name] = i
		if name != "" {
			channel[name[strings.LastIndex(name, separator)+1:]] = 0
		}
	}
	m.channels = slices.Sorted(maps.Keys(channel))
	for i, name := range m.channels {
		channel[name] = i
	}
	for _, name := range names {
		s := c.states[name]
		latest := -1
		if name != "" {
			latest = channel[name[strings.LastIndex(name, separator)+1:]]
		}
		m.latest = append(m.latest, latest)
		total := s.converted + s.lost
		for _, n := range s.next {
			total += n
		}
		m.from = append(m.from, len(m.to))
		for _, to := range slices.Sorted(maps.Keys(s.next)) {
			m.to = append(m.to, number[to])
			m.p = append(m.p, float64(s.next[to])/float64(total))
		}
		m.ends = append(m.ends, float64(s.converted)/float64(total))
	}
	m.from = append(m.from, len(m.to))
	return m
}

// tolerance is how far the last sweep may move a probability. Every state leads
// to an end, so that sweeps converge geometrically.
const tolerance = 1e-15

// converts returns the probability that a journey from the start converts when
// everyone who comes to the removed channel is lost; -1 removes none. It solves
// the linear system of absorption probabilities by Gauss–Seidel sweeps, from
// the last state to the first, because journeys mostly go on to longer ones.
func (m matrix) converts(ctx context.Context, removed int) (float64, error) {
	if len(m.latest) == 0 {
		return 0, nil
	}
	p := make([]float64, len(m.latest))
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		moved := 0.0
		for s := len(p) - 1; s >= 0; s-- {
			if m.latest[s] == removed && removed >= 0 {
				continue
			}
			sum, self := m.ends[s], 0.0
			for i := m.from[s]; i < m.from[s+1]; i++ {
				if m.to[i] == s {
					self += m.p[i]
				} else {
					sum += m.p[i] * p[m.to[i]]
				}
			}
			if self < 1 {
				sum /= 1 - self
			}
			moved = max(moved, math.Abs(sum-p[s]))
			p[s] = sum
		}
		if moved <= tolerance {
			return p[0], nil
		}
	}
}
