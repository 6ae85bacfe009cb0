package rules

import (
	"context"
	"strings"

	"github.com/leadloop/leadloop"
)

// ColumnResults are the results of the rules of a [ColumnSet] for a block, in
// the order in which the rules were given. Leads in none of a rule's sets got
// false, or for a rule that is no condition, leads in True got a value.
type ColumnResults struct {
	True, Undecided, NoValue, Failed []*LeadBits // nil: no lead
	// Values are those of rules that give numbers.
	Values [][]float64
}

// ColumnExec evaluates a [ColumnSet]; reusing it spares allocations. It belongs
// to one goroutine.
type ColumnExec struct {
	// Nothing takes all fields that nobody looked for as known absent.
	Nothing bool

	set    *ColumnSet
	rows   [BlockLeads]uint64
	leaves []LeadBits
	// planes are the sets of a leaf whose input is missing for some leads.
	gaps     []gapped
	small    []table // by part: rows of bytes
	long     []table // by part: rows of codes
	dicts    [][]string
	counts   [BlockLeads]uint16
	lasts    [BlockLeads]int64
	stack    []planes3
	families []familyExec
	w16      []uint16
	w32      []uint32
}

// table is the rows of what a column can hold.
type table struct {
	base int64
	rows []uint64
	done int // of the texts so far
	made bool
}

// NewExec returns an executor.
func (c *ColumnSet) NewExec() *ColumnExec {
	parts := 0
	for _, w := range c.words {
		parts += len(w)
	}
	x := &ColumnExec{
		set: c, leaves: make([]LeadBits, len(c.leaves)), gaps: make([]gapped, len(c.leaves)),
		small: make([]table, parts), long: make([]table, parts), dicts: make([][]string, len(c.layout.fields)),
		stack: make([]planes3, 8), families: make([]familyExec, len(c.families)),
	}
	for i := range x.families {
		x.families[i] = c.newFamily(i)
	}
	return x
}

// Eval evaluates all rules over a block of the set's layout. Leads that are not
// regular are in no set. The slices of out are used again, but the sets in them
// are made anew, so that those can be kept; one that no lead is in is nil. Once ctx is done, what is left is
// Failed.
func (x *ColumnExec) Eval(ctx context.Context, b *Block, out *ColumnResults) {
	c := x.set
	n := len(c.rules)
	out.True, out.Undecided, out.NoValue, out.Failed = blank(out.True, n), blank(out.Undecided, n), blank(out.NoValue, n), blank(out.Failed, n)
	out.Values = blank(out.Values, n)
	if b.n == 0 || b.regular == (LeadBits{}) {
		return
	}
	for i := range x.dicts {
		if d := c.layout.fields[i].dict; d != nil {
			x.dicts[i] = d.all()
		}
	}
	for _, parts := range c.words {
		x.word(b, parts)
	}
	for i := range c.families {
		x.household(ctx, b, i, out)
	}
	sets := make([]LeadBits, n)
	for i := range c.rules {
		r := &c.rules[i]
		if r.root == nil {
			continue
		}
		t := &sets[i]
		if !x.gapless(r.root) {
			x.kleene(r.root, 0)
			p := &x.stack[0]
			var u, e LeadBits
			for w, in := range b.regular {
				t[w] = p.t[w] & in
				u[w] = p.u[w] & in
				e[w] = in &^ (p.t[w] | p.f[w] | p.u[w])
			}
			out.Undecided[i], out.NoValue[i] = some(&u), some(&e)
		} else {
			x.plain(r.root, t)
			for w, in := range b.regular {
				t[w] &= in
			}
		}
		if *t != (LeadBits{}) {
			out.True[i] = t
		}
	}
}

func blank[T any](s []T, n int) []T {
	s = grow(s, n)
	clear(s)
	return s
}

func some(b *LeadBits) *LeadBits {
	if *b == (LeadBits{}) {
		return nil
	}
	return b
}

// word finds the leaves of a word.
func (x *ColumnExec) word(b *Block, parts []part) {
	rows := x.rows[:b.n]
	clear(x.rows[:])
	leaves := 0
	for i := range parts {
		p := &parts[i]
		leaves += len(p.leaves)
		var gaps gapped
		switch p.origin.kind {
		case ofCount:
			if p.starts != nil {
				x.ranked(b, p)
			} else {
				x.counted(b, p)
			}
		case ofSince:
			gaps.none = x.since(b, p)
		case ofNewest:
			pass(rows, b.newest, p.ints, p.rows)
		default:
			col := &b.columns[p.at]
			gaps = gapped{col.absent, col.none, col.blank}
			if x.Nothing && gaps.absent != nil {
				gaps.none, gaps.absent = union(gaps.absent, gaps.none), nil
			}
			x.field(b, p, col)
		}
		for _, l := range p.leaves {
			x.gaps[l] = gaps
		}
	}
	x.gather(parts, leaves)
	for i := range parts {
		for _, l := range parts[i].leaves {
			if g := x.gaps[l]; g.some() {
				x.mend(&x.set.leaves[l], g, &x.leaves[l])
			}
		}
	}
}

// gather turns rows into the bits of leaves.
func (x *ColumnExec) gather(parts []part, leaves int) {
	if leaves <= 3 {
		for i := range parts {
			for _, l := range parts[i].leaves {
				shift, out := x.set.leaves[l].bit&63, &x.leaves[l]
				for w := range out {
					var bits uint64
					for k, row := range x.rows[w*64 : w*64+64] {
						bits |= row >> shift & 1 << (k & 63)
					}
					out[w] = bits
				}
			}
		}
		return
	}
	for w := range BlockLeads / 64 {
		a := (*[64]uint64)(x.rows[w*64 : w*64+64])
		transpose(a)
		for i := range parts {
			for _, l := range parts[i].leaves {
				x.leaves[l][w] = a[x.set.leaves[l].bit&63]
			}
		}
	}
}

// field adds the rows of a field.
func (x *ColumnExec) field(b *Block, p *part, col *column) {
	rows := x.rows[:b.n]
	switch p.kind {
	case leadloop.KindInt, leadloop.KindTime:
		x.numbers(rows, p, col)
	case leadloop.KindFloat:
		passFloats(rows, col.floats, p.floats, p.rows)
	case leadloop.KindBool:
		no, yes := p.rows[0], p.rows[0]^p.rows[1]
		for i := range rows {
			rows[i] |= no ^ yes&-(col.flags[i/64]>>(i%64)&1)
		}
	case leadloop.KindString:
		x.texts(rows, p, col)
	case leadloop.KindStrings:
		x.lists(rows, p, col)
	}
}

func (x *ColumnExec) numbers(rows []uint64, p *part, col *column) {
	switch {
	case col.w8 != nil:
		t := &x.small[p.number]
		if !t.made || t.base != col.base {
			t.base, t.made, t.rows = col.base, true, make([]uint64, 256)
			row := 0
			for v := range t.rows {
				for row < len(p.ints) && col.base+int64(v) >= p.ints[row] {
					row++
				}
				t.rows[v] = p.rows[row]
			}
		}
		of := (*[256]uint64)(t.rows)
		for i, v := range col.w8[:len(rows)] {
			rows[i] |= of[v]
		}
	case col.w16 != nil:
		bounds, of := x.w16[:0], p.rows
		for _, k := range p.ints {
			switch above := k - col.base; {
			case k <= col.base:
				of = of[1:]
			case uint64(above) < 1<<16:
				bounds = append(bounds, uint16(above))
			}
		}
		x.w16 = bounds
		pass(rows, col.w16, bounds, of)
	case col.w32 != nil:
		bounds, of := x.w32[:0], p.rows
		for _, k := range p.ints {
			switch above := k - col.base; {
			case k <= col.base:
				of = of[1:]
			case uint64(above) < 1<<32:
				bounds = append(bounds, uint32(above))
			}
		}
		x.w32 = bounds
		pass(rows, col.w32, bounds, of)
	default:
		pass(rows, col.w64, p.ints, p.rows)
	}
}

// codes is a table with the rows of all texts so far.
func (x *ColumnExec) codes(p *part) []uint64 {
	t, texts := &x.long[p.number], x.dicts[p.at]
	for ; t.done < len(texts); t.done++ {
		if t.done >= len(t.rows) {
			t.rows = append(t.rows, make([]uint64, max(256, len(t.rows)))...)
		}
		if s := texts[t.done]; p.kind == leadloop.KindStrings {
			t.rows[t.done] = x.set.itemRow(p, s)
		} else {
			t.rows[t.done] = x.set.textRow(p, s)
		}
	}
	if t.rows == nil {
		t.rows = make([]uint64, 256)
	}
	return t.rows
}

func (x *ColumnExec) texts(rows []uint64, p *part, col *column) {
	switch {
	case col.ends != nil:
		x.rawTexts(rows, p, col)
	case col.w8 != nil:
		of := (*[256]uint64)(x.codes(p))
		for i, v := range col.w8[:len(rows)] {
			rows[i] |= of[v]
		}
	default:
		of := x.codes(p)
		for i, v := range col.w16[:len(rows)] {
			rows[i] |= of[v]
		}
	}
}

// rawTexts looks at each text.
func (x *ColumnExec) rawTexts(rows []uint64, p *part, col *column) {
	for _, n := range p.leaves {
		l := &x.set.leaves[n]
		bit := uint64(1) << l.bit
		from := uint32(0)
		if a := l.cond.atom; l.cond.op == condAtom && a.view == viewSelf && (a.op == opSuffix || a.op == opPrefix || a.op == opEqual) {
			for i, to := range col.ends[:len(rows)] {
				s := col.text[from:to]
				from = to
				var hit bool
				switch a.op {
				case opSuffix:
					hit = strings.HasSuffix(s, a.text)
				case opPrefix:
					hit = strings.HasPrefix(s, a.text)
				default:
					hit = s == a.text
				}
				rows[i] |= bit & -one(hit)
			}
			continue
		}
		for i, to := range col.ends[:len(rows)] {
			if l.cond.ofText(col.text[from:to]) {
				rows[i] |= bit
			}
			from = to
		}
	}
}

// lists adds what items change.
func (x *ColumnExec) lists(rows []uint64, p *part, col *column) {
	base := p.rows[0]
	var of []uint64
	if col.ends == nil {
		of = x.codes(p)
	}
	from := uint32(0)
	for i, to := range col.lists[:len(rows)] {
		var found uint64
		switch {
		case col.ends != nil:
			for k := from; k < to; k++ {
				found |= x.set.itemRow(p, col.textAt(int(k)))
			}
		case col.w8 != nil:
			table := (*[256]uint64)(of)
			for _, v := range col.w8[from:to] {
				found |= table[v]
			}
		default:
			for _, v := range col.w16[from:to] {
				found |= of[v]
			}
		}
		rows[i] |= base ^ found
		from = to
	}
}
