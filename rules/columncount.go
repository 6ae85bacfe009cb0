package rules

// ranked adds the rows of how many activities there are in several windows. The
// latest come first: that the k-th lies in a window says that there are k.
func (x *ColumnExec) ranked(b *Block, p *part) {
	rows, e, starts := x.rows[:b.n], &b.events[p.at], p.starts
	if p.rows[0] != 0 {
		for i := range rows {
			rows[i] ^= p.rows[0]
		}
	}
	width := len(starts) + 1
	last := len(p.ranks)/width - 1
	before, rank := -1, 0
	leads := e.lead[:len(e.at)]
	for k, at := range e.at {
		lead := int(leads[k])
		rank = rank&-int(one(lead == before)) + 1
		before = lead
		windows := 0
		for _, start := range starts {
			windows += int(one(at > start))
		}
		rows[lead] ^= p.ranks[min(rank, last)*width+windows]
	}
}

// counted adds the rows of how many activities there are in a window.
func (x *ColumnExec) counted(b *Block, p *part) {
	rows, e := x.rows[:b.n], &b.events[p.at]
	start := int64(never)
	if p.window > 0 {
		start = x.set.ago(int64(p.window))
	}
	if len(p.ints) == 1 && p.ints[0] == 1 && p.rows[0] == 0 {
		row := p.rows[1]
		for k, at := range e.at {
			rows[e.lead[k]] |= row & -one(at > start)
		}
		return
	}
	counts := x.counts[:b.n]
	clear(counts)
	leads := e.lead[:len(e.at)]
	for k, at := range e.at {
		// More than fit are as many as fit, unless rules ask for so many.
		c := &counts[leads[k]]
		*c += uint16(one(at > start && *c != 1<<16-1))
	}
	if n := len(p.ints); n > 0 && p.ints[n-1] >= 1<<16-1 {
		x.countedLong(b, p, start)
		return
	}
	bounds, of := x.w16[:0], p.rows
	for _, k := range p.ints {
		if k <= 0 {
			of = of[1:]
			continue
		}
		bounds = append(bounds, uint16(k))
	}
	x.w16 = bounds
	pass(rows, counts, bounds, of)
}

func (x *ColumnExec) countedLong(b *Block, p *part, start int64) {
	counts := make([]int64, b.n)
	for k, at := range b.events[p.at].at {
		if at > start {
			counts[b.events[p.at].lead[k]]++
		}
	}
	pass(x.rows[:b.n], counts, p.ints, p.rows)
}

// since adds the rows of how long ago the latest activity was, and returns the
// leads that have none.
func (x *ColumnExec) since(b *Block, p *part) (none *LeadBits) {
	e, lasts := &b.events[p.at], x.lasts[:b.n]
	for i := range lasts {
		lasts[i] = never
	}
	none = new(first(b.n))
	for k := len(e.at) - 1; k >= 0; k-- {
		lead := e.lead[k]
		lasts[lead] = e.at[k]
		none[lead/64] &^= 1 << (lead % 64)
	}
	pass(x.rows[:b.n], lasts, p.ints, p.rows)
	return some(none)
}
