package enrich

import (
	"cmp"
	"slices"

	"github.com/leadloop/leadloop"
)

// maxExhaustive is up to how many sources every order of every choice of them
// is tried: 1,957 for six.
const maxExhaustive = 6

// TrialOrder is what a waterfall that asks in this order would have come to on
// the sample: each source only for what those before it left open, the first
// accepted value wins whether it is right or not, and nobody is asked about the
// same company or person for the same fields twice.
type TrialOrder struct {
	Steps []TrialStep `json:"steps"`
	// Open counts the fields of all records, Known those of them whose truth
	// is known.
	Open  int `json:"open"`
	Known int `json:"known"`
	// Found counts fields that got a value, Right and Wrong those of them whose
	// truth is known.
	Found int             `json:"found"`
	Right int             `json:"right"`
	Wrong int             `json:"wrong"`
	Cost  leadloop.Micros `json:"cost"`
	// PerRecord and PerRight are what a record and a right value cost.
	PerRecord leadloop.Micros  `json:"cost_per_record"`
	PerRight  *leadloop.Micros `json:"cost_per_right,omitempty"`
}

// TrialStep is one source's part: what it adds to those before it.
type TrialStep struct {
	Provider string           `json:"provider"`
	Calls    int              `json:"calls"`
	Found    int              `json:"found"`
	Right    int              `json:"right"`
	Wrong    int              `json:"wrong"`
	Cost     leadloop.Micros  `json:"cost"`
	PerRight *leadloop.Micros `json:"cost_per_right,omitempty"`
}

// simulation replays orders over the answers of a trial.
type simulation struct {
	*trial
	known int
	best  []candidate // by number of sources
}

// candidate is an order with what it comes to.
type candidate struct {
	order               []int
	steps               []TrialStep
	found, right, wrong int
	cost                leadloop.Micros
}

func (t *trial) simulate() *simulation {
	s := &simulation{trial: t, best: make([]candidate, len(t.w.sources)+1)}
	for _, known := range t.truth {
		for _, v := range known {
			if v.Presence() == leadloop.Present {
				s.known++
			}
		}
	}
	return s
}

// step asks one more source for what is open and closes what it answers.
func (s *simulation) step(i int, open []bool) TrialStep {
	q, width := &s.asked[i], len(s.fields)
	st := TrialStep{Provider: s.w.sources[i].Name}
	paid := make([]bool, len(q.calls)*width)
	for n := range s.sample {
		k := q.of[n]
		if k < 0 || !q.calls[k].asked {
			continue
		}
		asks := func(f int) bool { return s.offers[i][f] && open[n*width+f] }
		want, fresh := false, false
		for f := range width {
			if asks(f) {
				want = true
				fresh = fresh || !paid[k*width+f]
			}
		}
		if !want {
			continue
		}
		if fresh {
			st.Calls++
			st.Cost += s.charge(i, &q.calls[k], asks, n)
		}
		for f := range width {
			if !asks(f) {
				continue
			}
			paid[k*width+f] = true
			got := s.found[i][n*width+f]
			if !got.given {
				continue
			}
			open[n*width+f] = false
			st.Found++
			switch {
			case got.right:
				st.Right++
			case got.checked:
				st.Wrong++
			}
		}
	}
	st.PerRight = per(st.Cost, st.Right)
	return st
}

func (s *simulation) openAll() []bool {
	open := make([]bool, len(s.sample)*len(s.fields))
	for i := range open {
		open[i] = true
	}
	return open
}

func (c candidate) with(i int, st TrialStep) candidate {
	return candidate{
		order: append(slices.Clone(c.order), i), steps: append(slices.Clone(c.steps), st),
		found: c.found + st.Found, right: c.right + st.Right, wrong: c.wrong + st.Wrong, cost: c.cost + st.Cost,
	}
}

// better orders candidates: more that is right, then cheaper, more found, fewer
// sources, and as listed.
func (c candidate) better(d candidate) bool {
	return cmp.Or(
		cmp.Compare(c.right, d.right), cmp.Compare(d.cost, c.cost), cmp.Compare(c.found, d.found),
		cmp.Compare(len(d.order), len(c.order)), slices.Compare(d.order, c.order),
	) > 0
}

// budget is what all records together may cost; negative for no bound.
func (s *simulation) budget() leadloop.Micros {
	if s.o.Budget == 0 {
		return -1
	}
	return s.o.Budget * leadloop.Micros(len(s.sample))
}

func (s *simulation) keep(c candidate) {
	n := len(c.order)
	if limit := s.budget(); limit >= 0 && c.cost > limit {
		return
	}
	if s.best[n].order == nil || c.better(s.best[n]) {
		s.best[n] = c
	}
}

// search finds the best order of each number of sources within the budget, and
// reports whether it has tried all.
func (s *simulation) search() (exhaustive bool) {
	if len(s.w.sources) <= maxExhaustive {
		s.all(candidate{}, s.openAll())
		return true
	}
	// By the most that is right, and by the most for its price: the better one.
	s.greedy(func(a, b TrialStep) bool { return a.Right > b.Right || a.Right == b.Right && a.Cost < b.Cost })
	s.greedy(func(a, b TrialStep) bool {
		// a.Right ÷ a.Cost > b.Right ÷ b.Cost, without dividing by zero.
		x, y := float64(a.Right)*float64(b.Cost), float64(b.Right)*float64(a.Cost)
		return x > y || x == y && a.Right > b.Right
	})
	return false
}

func (s *simulation) all(c candidate, open []bool) {
	limit := s.budget()
	for i := range s.w.sources {
		if slices.Contains(c.order, i) {
			continue
		}
		left := slices.Clone(open)
		next := c.with(i, s.step(i, left))
		if limit >= 0 && next.cost > limit {
			continue // another source only adds to it
		}
		s.keep(next)
		s.all(next, left)
	}
}

func (s *simulation) greedy(better func(a, b TrialStep) bool) {
	c, open, limit := candidate{}, s.openAll(), s.budget()
	for len(c.order) < len(s.w.sources) {
		at, most := -1, TrialStep{}
		for i := range s.w.sources {
			if slices.Contains(c.order, i) {
				continue
			}
			st := s.step(i, slices.Clone(open))
			if limit >= 0 && c.cost+st.Cost > limit {
				continue
			}
			if at < 0 || better(st, most) {
				at, most = i, st
			}
		}
		if at < 0 {
			return
		}
		c = c.with(at, s.step(at, open))
		s.keep(c)
	}
}

// bound is how many values no order can be right about more, whatever order
// and choice: those that some source is right about, as far as the money goes
// if each was bought in the cheapest call that has it, and that call's price
// shared by all it is right about.
func (s *simulation) bound() int {
	width := len(s.fields)
	right := make([][]int, len(s.w.sources)) // source, call: right values, of all its records
	for i, q := range s.asked {
		right[i] = make([]int, len(q.calls))
		for n, k := range q.of {
			for f := range width {
				if k >= 0 && s.found[i][n*width+f].right {
					right[i][k]++
				}
			}
		}
	}
	var shares []float64
	for n := range s.sample {
		for f := range width {
			least := -1.0
			for i, q := range s.asked {
				if !s.found[i][n*width+f].right {
					continue
				}
				k := q.of[n]
				each := float64(s.charge(i, &q.calls[k], func(int) bool { return true }, n)) / float64(right[i][k])
				if least < 0 || each < least {
					least = each
				}
			}
			if least >= 0 {
				shares = append(shares, least)
			}
		}
	}
	limit := s.budget()
	if limit < 0 {
		return len(shares)
	}
	slices.Sort(shares)
	sum, n := 0.0, 0
	for _, c := range shares {
		if sum += c; sum > float64(limit)*(1+1e-12) {
			break
		}
		n++
	}
	return n
}

// order is a candidate as it is reported.
func (s *simulation) order(c candidate) TrialOrder {
	o := TrialOrder{
		Steps: c.steps, Open: len(s.sample) * len(s.fields), Known: s.known,
		Found: c.found, Right: c.right, Wrong: c.wrong, Cost: c.cost, PerRight: per(c.cost, c.right),
	}
	if o.Steps == nil {
		o.Steps = []TrialStep{}
	}
	if each := per(c.cost, len(s.sample)); each != nil {
		o.PerRecord = *each
	}
	return o
}

// listed is the order in which the sources were given.
func (s *simulation) listed() candidate {
	c, open := candidate{}, s.openAll()
	for i := range s.w.sources {
		c = c.with(i, s.step(i, open))
	}
	return c
}
