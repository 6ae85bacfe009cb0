package normalize

import (
	"encoding/binary"
	"fmt"
	"regexp/syntax"
	"slices"
	"sync"
	"sync/atomic"
)

// digitPatterns tells which of a few regular expressions match a string of digits. It walks an automaton that knows nothing but ten symbols and
// whose states are made when they are first come to, so that a number of ten digits costs ten steps, however many expressions there are and
// however long they are.
type digitPatterns struct {
	insts []digitInst

	mu     sync.Mutex // for making states
	states map[string]*digitState
	start  *digitState
}

// digitInst is an instruction of a pattern: it reads a digit, or goes on in two ways at most, or the pattern matches.
type digitInst struct {
	reads      uint16 // of which digits, one bit each
	next, also int32  // what comes then, -1 for nothing
	matches    uint16 // bit of the pattern
}

// digitState is all places in the patterns to which the digits read so far lead.
type digitState struct {
	next    [10]atomic.Pointer[digitState]
	matches uint16 // patterns that match what was read, one bit each
	at      []int32
}

// newDigitPatterns compiles at most 16 patterns; empty ones match no number. An error names a pattern that looks at more than the digits.
func newDigitPatterns(patterns ...string) (*digitPatterns, error) {
	a := &digitPatterns{states: map[string]*digitState{}}
	var begin []int32
	for i, pattern := range patterns {
		if pattern == "" {
			continue
		}
		tree, err := syntax.Parse(pattern, syntax.Perl)
		if err != nil {
			return nil, fmt.Errorf("normalize: pattern %q: %w", pattern, err)
		}
		prog, err := syntax.Compile(tree.Simplify())
		if err != nil {
			return nil, fmt.Errorf("normalize: pattern %q: %w", pattern, err)
		}
		base := int32(len(a.insts))
		begin = append(begin, base+int32(prog.Start))
		for j := range prog.Inst {
			in := &prog.Inst[j]
			x := digitInst{next: base + int32(in.Out), also: -1}
			switch in.Op {
			case syntax.InstAlt, syntax.InstAltMatch:
				x.also = base + int32(in.Arg)
			case syntax.InstCapture, syntax.InstNop:
			case syntax.InstMatch:
				x.next, x.matches = -1, 1<<i
			case syntax.InstFail:
				x.next = -1
			case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
				for d := range 10 {
					if in.MatchRune('0' + rune(d)) {
						x.reads |= 1 << d
					}
				}
				if x.reads == 0 {
					x.next = -1
				}
			default:
				return nil, fmt.Errorf("normalize: pattern %q looks at more than digits", pattern)
			}
			a.insts = append(a.insts, x)
		}
	}
	a.start = a.state(begin)
	return a, nil
}

// state is the state of places, and of those that they lead to without a digit.
func (a *digitPatterns) state(begin []int32) *digitState {
	var at []int32
	var matches uint16
	seen := map[int32]bool{}
	var visit func(i int32)
	visit = func(i int32) {
		if i < 0 || seen[i] {
			return
		}
		seen[i] = true
		in := &a.insts[i]
		matches |= in.matches
		if in.reads != 0 {
			at = append(at, i)
			return
		}
		visit(in.next)
		visit(in.also)
	}
	for _, i := range begin {
		visit(i)
	}
	slices.Sort(at)
	key := binary.AppendUvarint(nil, uint64(matches))
	for _, i := range at {
		key = binary.AppendUvarint(key, uint64(i))
	}
	s := a.states[string(key)]
	if s == nil {
		s = &digitState{matches: matches, at: at}
		a.states[string(key)] = s
	}
	return s
}

// step is the state after one more digit.
func (a *digitPatterns) step(s *digitState, digit byte) *digitState {
	d := digit - '0'
	if next := s.next[d].Load(); next != nil {
		return next
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	var to []int32
	for _, i := range s.at {
		if in := &a.insts[i]; in.reads&(1<<d) != 0 {
			to = append(to, in.next)
		}
	}
	next := a.state(to)
	s.next[d].Store(next)
	return next
}

// whole is which patterns match all of the digits, one bit each.
func (a *digitPatterns) whole(digits []byte) uint16 {
	s := a.start
	for _, d := range digits {
		s = a.step(s, d)
	}
	return s.matches
}

// begins is whether a pattern matches the beginning of the digits.
func (a *digitPatterns) begins(digits []byte) bool {
	s := a.start
	for _, d := range digits {
		if s.matches != 0 {
			return true
		}
		if len(s.at) == 0 {
			return false
		}
		s = a.step(s, d)
	}
	return s.matches != 0
}
