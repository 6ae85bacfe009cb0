package tracking

import (
	"math"
	"math/bits"
	"slices"
	"strconv"
	"time"

	"github.com/leadloop/leadloop"
)

// cell is what the leads and deals of one group add up to. Whatever is added
// can be taken out again, and leaves nothing.
type cell struct {
	leads              int
	places             [archived + 1]int
	queued, unplaced   int
	assigned, accepted int // leads that ever had an owner, and those of them that were accepted or touched
	over               int
	sqlOf, sql         int
	due, leaked        int
	worked, contacted  int
	clocks, met        int
	touched            multiset // waits
	waiting            int
	deals              dealSums
	untimed            int
	won, lost          multiset // how long they took
	closing            lasting  // until they were closed either way
	wonAt, lostAt      multiset // the points of leads whose deals ended, in thousandths
	skew               multiset // how far from its fair share each owner was, in hundredths of a lead
	stages             map[uint32]*stageCell
}

// stageCell is the leads that were in a stage.
type stageCell struct {
	entered int
	next    map[uint32]int
	stay    lasting
}

// dealSums are deals and their amounts.
type dealSums struct {
	open, won, lost                int
	openAmount, wonAmount, lostSum sum
}

func (s *dealSums) add(d *deal, sign int) {
	switch d.status {
	case leadloop.OpportunityWon:
		s.won += sign
		s.wonAmount.add(d.amount, sign)
	case leadloop.OpportunityLost:
		s.lost += sign
		s.lostSum.add(d.amount, sign)
	default:
		s.open += sign
		s.openAmount.add(d.amount, sign)
	}
}

// sum is money in 128 bits, so that nothing that is added and taken out again
// can be lost on the way.
type sum struct{ hi, lo uint64 }

func (s *sum) add(m leadloop.Micros, sign int) {
	hi := uint64(int64(m) >> 63)
	lo := uint64(m)
	if sign < 0 {
		var borrow uint64
		s.lo, borrow = bits.Sub64(s.lo, lo, 0)
		s.hi, _ = bits.Sub64(s.hi, hi, borrow)
		return
	}
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, lo, 0)
	s.hi, _ = bits.Add64(s.hi, hi, carry)
}

// micros is the sum, or the end of what an amount can say.
func (s sum) micros() leadloop.Micros {
	if int64(s.hi) == int64(s.lo)>>63 {
		return leadloop.Micros(s.lo)
	}
	if int64(s.hi) < 0 {
		return -1 << 63
	}
	return 1<<63 - 1
}

func (s sum) plus(t sum) sum {
	lo, carry := bits.Add64(s.lo, t.lo, 0)
	hi, _ := bits.Add64(s.hi, t.hi, carry)
	return sum{hi, lo}
}

// order sorts what came since the last time.
func (c *cell) order() {
	for _, s := range []*multiset{&c.touched, &c.won, &c.lost, &c.closing.ended, &c.closing.since, &c.wonAt, &c.lostAt, &c.skew} {
		s.order()
	}
	for _, s := range c.stages {
		s.stay.ended.order()
		s.stay.since.order()
	}
}

// empty reports whether nothing is in the cell.
func (c *cell) empty() bool {
	return c.leads == 0 && c.deals.open == 0 && c.deals.won == 0 && c.deals.lost == 0
}

// lead adds a lead, or takes it out.
func (c *cell) lead(t *Tracker, f *facts, sign int) {
	worked := f.worked()
	yes := func(n *int, b bool) {
		if b {
			*n += sign
		}
	}
	c.leads += sign
	c.places[f.place] += sign
	yes(&c.queued, f.queued)
	yes(&c.unplaced, f.unplaced)
	if f.assigned != never {
		c.assigned += sign
		yes(&c.accepted, worked)
		yes(&c.over, f.over)
	}
	if f.accepted != never || f.qualified != never {
		c.sqlOf += sign
		yes(&c.sql, f.qualified != never)
	}
	if worked {
		c.worked += sign
		yes(&c.contacted, f.contacted)
	}
	if (worked || f.place == assigned || f.place == queued || f.place == archived && f.assigned != never) && f.arrival <= t.asOf-int64(t.o.LeakAfter) {
		c.due += sign
		yes(&c.leaked, !worked)
	}
	c.clocks += sign * (f.met + f.missed)
	c.met += sign * f.met
	switch {
	case f.touched != never:
		// Clocks of two machines may disagree: no wait is negative.
		c.touched.move(max(0, f.touched-f.arrival), sign)
	case f.place == assigned:
		c.waiting += sign
	}
	if points, ok := thousandths(t.texts.all[f.points]); ok {
		switch f.ending() {
		case good:
			c.wonAt.move(points, sign)
		case bad:
			c.lostAt.move(points, sign)
		}
	}
	if owed, err := strconv.ParseFloat(t.texts.all[f.owed], 64); err == nil && math.Abs(owed) < 1e9 {
		c.skew.move(int64(math.Round(100*math.Abs(1-owed))), sign)
	}
	for i := range f.visits {
		v := &f.visits[i]
		s := c.stages[v.stage]
		if s == nil {
			s = &stageCell{next: map[uint32]int{}}
			if c.stages == nil {
				c.stages = map[uint32]*stageCell{}
			}
			c.stages[v.stage] = s
		}
		s.entered += sign
		s.stay.move(v.since, v.until, sign)
		if v.until != never {
			if s.next[v.next] += sign; s.next[v.next] == 0 {
				delete(s.next, v.next)
			}
		}
		if s.entered == 0 {
			delete(c.stages, v.stage)
		}
	}
}

// thousandths are points as the journal writes them.
func thousandths(text string) (int64, bool) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, false
	}
	p, ok := leadloop.PointsOf(v)
	return int64(p), ok
}

// deal adds a deal, or takes it out.
func (c *cell) deal(d *deal, sign int) {
	c.deals.add(d, sign)
	switch {
	case d.status == leadloop.OpportunityOpen:
		c.closing.move(d.created, never, sign)
	case d.closed == never || d.closed < d.created:
		c.untimed += sign
	default:
		took := d.closed - d.created
		c.closing.ended.move(took, sign)
		if d.status == leadloop.OpportunityWon {
			c.won.move(took, sign)
		} else {
			c.lost.move(took, sign)
		}
	}
}

// grouping is one way to look at leads.
type grouping struct {
	by    []string
	dims  []dim
	cells map[string]*cell
}

// dim is a dimension by number; attributes follow the others.
type dim int

const attrDim dim = 100

func (t *Tracker) grouping(by []string) grouping {
	g := grouping{by: slices.Clone(by), cells: map[string]*cell{}}
	for _, name := range by {
		if i := slices.Index(dimensions, name); i >= 0 {
			g.dims = append(g.dims, dim(i))
		} else {
			i, ok := t.index[name]
			if !ok {
				i = len(t.fields)
				t.index[name], t.fields = i, append(t.fields, name)
			}
			g.dims = append(g.dims, attrDim+dim(i))
		}
		t.wantPool = t.wantPool || name == DimPool
		t.wantEntry = t.wantEntry || name == DimEntry
		t.wantStage = t.wantStage || name == DimStage
	}
	return g
}

func (t *Tracker) find(by []string) *grouping {
	for i := range t.groups {
		if slices.Equal(t.groups[i].by, by) {
			return &t.groups[i]
		}
	}
	return nil
}

// at returns the cell of a lead, or of a deal of it, and leaves its key in
// t.key.
func (g *grouping) at(t *Tracker, f *facts, d *deal, stage uint32) *cell {
	t.key = t.key[:0]
	for i, dim := range g.dims {
		if i > 0 {
			t.key = append(t.key, 0)
		}
		t.key = append(t.key, t.value(dim, f, d, stage)...)
	}
	c := g.cells[string(t.key)]
	if c == nil {
		c = &cell{}
		g.cells[string(t.key)] = c
	}
	return c
}

func (g *grouping) drop(key []byte, c *cell, sign int) {
	if sign < 0 && c.empty() {
		delete(g.cells, string(key))
	}
}

// value is that of a dimension; what a lead does not have is empty.
func (t *Tracker) value(d dim, f *facts, deal *deal, stage uint32) string {
	if d >= attrDim {
		return t.texts.all[f.attrs[d-attrDim]]
	}
	owner, closed := f.owner, int64(never)
	if deal != nil {
		closed = deal.closed
		if deal.owner != 0 {
			owner = deal.owner
		}
	}
	switch dimensions[d] {
	case DimSource:
		return t.texts.all[f.source]
	case DimTier:
		return t.texts.all[f.tier]
	case DimOwner:
		return t.texts.all[owner]
	case DimTeam:
		return t.texts.all[t.teams[owner]]
	case DimPool:
		return t.texts.all[f.pool]
	case DimEntry:
		return t.texts.all[f.entry]
	case DimFailure:
		return t.texts.all[f.failure]
	case DimStage:
		return t.texts.all[stage]
	case DimWeek:
		return t.periods.of(f.arrival).week
	case DimMonth:
		return t.periods.of(f.arrival).month
	case DimQuarter:
		return t.periods.of(f.arrival).quarter
	case DimDueWeek:
		return t.periods.of(f.arrival + int64(t.o.LeakAfter)).week
	case DimClosedWeek:
		return t.periods.of(closed).week
	case DimClosedMonth:
		return t.periods.of(closed).month
	default: // DimClosedQuarter
		return t.periods.of(closed).quarter
	}
}

// period names the parts of the calendar that a day is in.
type period struct{ week, month, quarter string }

// periods are those of days seen so far.
type periods map[int64]period

func (p *periods) of(at int64) period {
	if at == never {
		return period{}
	}
	const day = int64(24 * time.Hour)
	n := at / day
	if at < 0 && at%day != 0 {
		n--
	}
	out, ok := (*p)[n]
	if !ok {
		if *p == nil {
			*p = periods{}
		}
		out = periodOf(time.Unix(0, at))
		(*p)[n] = out
	}
	return out
}

func periodOf(at time.Time) period {
	at = at.UTC()
	year, week := at.ISOWeek()
	y := strconv.Itoa(at.Year())
	two := func(n int) string {
		if n < 10 {
			return "0" + strconv.Itoa(n)
		}
		return strconv.Itoa(n)
	}
	return period{
		week:    strconv.Itoa(year) + "-W" + two(week),
		month:   y + "-" + two(int(at.Month())),
		quarter: y + "-Q" + strconv.Itoa((int(at.Month())+2)/3),
	}
}

// Week is the name of the ISO week that a moment is in, in UTC: "2026-W45".
func Week(at time.Time) string { return periodOf(at).week }
