package scoring

import (
	"context"
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// outcome is what a rule or modifier comes to for some values of its fields.
type outcome struct {
	state  State
	points bounds
}

// table has what a rule or modifier comes to for each combination of the cells
// of its missing fields. It is never modified.
type table struct {
	sizes []int    // cells by field
	pick  []uint16 // positions in kinds, the last field fastest
	kinds []outcome
	unit  leadloop.Points // divides all points
	exact bool            // all outcomes are points, not bounds
}

// of is the outcome for a cell of each field.
func (t *table) of(cells []int) outcome {
	at := 0
	for i, c := range cells {
		at = at*t.sizes[i] + c
	}
	return t.kinds[t.pick[at]]
}

// slice appends the outcomes for one cell of one field.
func (t *table) slice(to []byte, field, cell int) []byte {
	inner := 1
	for _, n := range t.sizes[field+1:] {
		inner *= n
	}
	for at := cell * inner; at < len(t.pick); at += t.sizes[field] * inner {
		for _, k := range t.pick[at : at+inner] {
			to = binary.LittleEndian.AppendUint16(to, k)
		}
	}
	return to
}

// hull is the table without a field: outer bounds over its cells.
func (t *table) hull(field int) *table {
	inner := 1
	for _, n := range t.sizes[field+1:] {
		inner *= n
	}
	n := t.sizes[field]
	b := tabler{}
	for from := 0; from < len(t.pick); from += n * inner {
		for i := range inner {
			o := t.kinds[t.pick[from+i]]
			for k := 1; k < n; k++ {
				p := t.kinds[t.pick[from+i+k*inner]]
				if p.state != o.state {
					o.state = Undecided
				}
				o.points = o.points.or(p.points)
			}
			b.add(o)
		}
	}
	return b.done(slices.Delete(slices.Clone(t.sizes), field, field+1))
}

// tabler makes a table.
type tabler struct{ t table }

func (b *tabler) add(o outcome) {
	k := slices.Index(b.t.kinds, o)
	if k < 0 {
		k = len(b.t.kinds)
		b.t.kinds = append(b.t.kinds, o)
	}
	b.t.pick = append(b.t.pick, uint16(k))
}

func (b *tabler) done(sizes []int) *table {
	t := b.t
	t.sizes, t.exact = sizes, true
	for _, o := range t.kinds {
		t.unit = divisor(divisor(t.unit, o.points.lo), o.points.hi)
		t.exact = t.exact && o.points.lo == o.points.hi && o.state != Undecided && o.state != Failed
	}
	return &t
}

func (s *run) undecided(i int) bool { return s.stateAt(i) == rules.Undecided }

// maxTable bounds a table, so that its positions fit.
const maxTable = 1 << 16

// tabulate tries an item for all values of its missing fields, those with few
// values first; false if some had to stay missing, so that the outcomes may be
// bounds. Without a field that can be tried there is no table.
func (s *run) tabulate(ctx context.Context, it *item, in reads) bool {
	m := s.m
	all, n := true, 1
	from := len(s.reach.fields)
	for _, f := range in.at {
		if !s.missing(f) {
			continue
		}
		if s.cells(f).exact {
			s.reach.fields = append(s.reach.fields, f)
		} else {
			all = false
		}
	}
	it.fields = s.reach.fields[from:len(s.reach.fields):len(s.reach.fields)]
	if len(it.fields) > 1 {
		slices.SortStableFunc(it.fields, func(a, b int) int { return len(s.cells(a).values) - len(s.cells(b).values) })
	}
	for i, f := range it.fields {
		size := len(s.cells(f).values)
		if n*size > m.combinations || n*size > maxTable {
			it.fields, all = it.fields[:i], false
			break
		}
		n *= size
	}
	if len(it.fields) == 0 {
		return all
	}
	// What a rule comes to that reads nothing but these fields is the same for
	// every lead.
	k := it.rule
	if it.change >= 0 {
		k = len(m.rules) + it.change
	}
	same := all && len(it.fields) == len(in.at) && m.keeps(k)
	if same {
		if it.table = m.tables.made[k].Load(); it.table != nil {
			return true
		}
	}
	if !same {
		if s.reach.tries -= n; s.reach.tries < 0 {
			it.fields = nil
			return false
		}
	}
	var b tabler
	b.t.pick = make([]uint16, 0, n)
	facts := s.facts
	facts.Profile, facts.Activities = s.scratch(), nil
	sizes := make([]int, 0, len(it.fields))
	for _, f := range it.fields {
		sizes = append(sizes, len(s.cells(f).values))
	}
	s.combine(facts.Profile, it.fields, func() {
		b.add(s.tryItem(ctx, it, facts))
	})
	if ctx.Err() != nil {
		same = false // what is left is not what it would be
	}
	it.table = b.done(sizes)
	if same {
		m.tables.made[k].Store(it.table)
	}
	return all
}

// tryItem evaluates one rule or modifier.
func (s *run) tryItem(ctx context.Context, it *item, facts rules.Facts) outcome {
	if it.change >= 0 {
		state := stateOf(s.one(ctx, facts, s.m.changes[it.change].when))
		if state == Failed {
			state = NotMatched
		}
		return outcome{state: state}
	}
	r := &s.m.rules[it.rule]
	g := s.gives(r, s.one(ctx, facts, r.when), s.one(ctx, facts, r.points))
	if g.state == Failed && s.given[it.rule].state != Failed {
		// For these values, which may never come: it counts nothing.
		return outcome{state: NotMatched}
	}
	return outcome{g.state, g.points}
}

// one evaluates one expression.
func (s *run) one(ctx context.Context, facts rules.Facts, i int) rules.Result {
	switch p := s.m.patch; {
	case i < 0:
		return s.result(i)
	case p != nil && p.at == i:
		return p.set.EvalOne(ctx, facts, 0)
	}
	return s.m.set.EvalOne(ctx, facts, i)
}

// combine calls f for every combination of values of the fields, set in p, in
// the order of the cells. Afterwards they are missing again.
func (s *run) combine(p *leadloop.Profile, fields []int, f func()) {
	if len(fields) == 0 {
		f()
		return
	}
	name := s.m.schema.At(fields[0]).Name
	for _, v := range s.cells(fields[0]).values {
		set(p, name, v)
		s.combine(p, fields[1:], f)
	}
	set(p, name, leadloop.Value{})
}

// scratch is a profile like that of the lead, with its activities, to try values
// in.
func (s *run) scratch() *leadloop.Profile {
	if s.trial == nil {
		s.trial = s.in.Profile.Clone()
		s.trial.SetActivities(s.in.Activities)
	}
	return s.trial
}

// tablesOfCombinations is how many times Options.Combinations the tables that
// a model keeps may have values, together: what is tried once for all leads
// takes some 0.1 s at most. Rules in the model's order have tables as long as
// there is room, and those that find none are tried for each lead.
const tablesOfCombinations = 64

// tables keeps what is the same for all leads, by rule and then by modifier,
// once somebody needed it. It is safe for concurrent use, and nobody waits.
type tables struct {
	once sync.Once
	kept []bool
	made []atomic.Pointer[table]
}

// keeps tells whether what a rule or modifier comes to is found out once for
// all leads. It is the same whatever was scored before.
func (m *Model) keeps(k int) bool {
	t := m.tables
	t.once.Do(func() {
		t.kept, t.made = make([]bool, len(m.pure)), make([]atomic.Pointer[table], len(m.pure))
		room := tablesOfCombinations * m.combinations
		for k, pure := range m.pure {
			if !pure {
				continue
			}
			in := m.reads(k)
			n := 1
			for _, f := range in.at {
				c := m.cells[f].get()
				if n *= len(c.values); !c.exact || n > m.combinations || n > maxTable {
					n = 0
					break
				}
			}
			if t.kept[k] = n > 0 && n <= room; t.kept[k] {
				room -= n
			}
		}
	})
	return t.kept[k]
}

// reads is what a rule or, after them, a modifier reads.
func (m *Model) reads(k int) reads {
	if k < len(m.rules) {
		return m.rules[k].reads
	}
	return m.changes[k-len(m.rules)].reads
}

// warm finds out what is the same for all leads, so that the first of them does
// not wait for it, by scoring one of which nothing is known.
func (m *Model) warm() {
	s, err := m.begin(context.Background(), Input{Profile: m.schema.NewProfile(), AsOf: time.Unix(0, 0)})
	if err != nil {
		panic(err) // a profile of the model's schema, and a moment
	}
	defer s.end()
	s.decide(context.Background(), true)
	s.survey()
	s.spread(context.Background())
}

// cell are the values of a field that are tried; exact if they are all that
// make a difference.
type cell struct {
	values []leadloop.Value
	exact  bool
}

// fieldCells are the cells of one field, found when they are needed.
type fieldCells struct {
	set   *rules.Set
	field string
	once  sync.Once
	cell  cell
}

func (c *fieldCells) get() cell {
	c.once.Do(func() { c.cell.values, c.cell.exact = c.set.Cells(c.field, time.Time{}) })
	return c.cell
}

// cells returns the values to try for a field of the model. Those of times move
// with the moment.
func (s *run) cells(field int) cell {
	m := s.m
	lazy := m.cells[field]
	if lazy == nil {
		return cell{}
	}
	var c cell
	if m.schema.At(field).Kind != leadloop.KindTime {
		c = lazy.get()
	} else if at, ok := s.moved[field]; ok {
		c = at
	} else {
		c.values, c.exact = lazy.set.Cells(lazy.field, s.asOf)
		if s.moved == nil {
			s.moved = map[int]cell{}
		}
		s.moved[field] = c
	}
	c.exact = c.exact && m.combinations > 0
	return c
}
