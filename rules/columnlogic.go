package rules

// planes3 are where something is true, false, and undecided; elsewhere it has
// no value.
type planes3 struct{ t, f, u LeadBits }

// gapped says that a leaf's input is missing for some leads.
type gapped struct {
	absent, none, blank *LeadBits
}

func (g gapped) some() bool { return g.absent != nil || g.none != nil || g.blank != nil }

func union(a, b *LeadBits) *LeadBits {
	out := *a
	for w := range out {
		if b != nil {
			out[w] |= b[w]
		}
	}
	return &out
}

// mend makes a leaf right for leads without a value, as far as true goes.
func (x *ColumnExec) mend(l *columnLeaf, g gapped, bits *LeadBits) {
	for _, s := range []struct {
		set *LeadBits
		is  truth
	}{{g.absent, l.absent}, {g.none, l.none}, {g.blank, l.blank}} {
		if s.set == nil {
			continue
		}
		for w, m := range s.set {
			bits[w] &^= m
			if s.is == isTrue {
				bits[w] |= m
			}
		}
	}
}

func (x *ColumnExec) gapless(n *columnNode) bool {
	if n.op == condAtom {
		return !x.gaps[n.leaf].some()
	}
	for _, k := range n.kids {
		if !x.gapless(k) {
			return false
		}
	}
	return true
}

// plain is the logic of a node of which nothing is missing.
func (x *ColumnExec) plain(n *columnNode, out *LeadBits) {
	switch n.op {
	case condAtom:
		*out = x.leaves[n.leaf]
		return
	case condTrue:
		*out = first(BlockLeads)
		return
	case condFalse:
		*out = LeadBits{}
		return
	}
	x.plain(n.kids[0], out)
	for _, k := range n.kids[1:] {
		with := &x.leaves[max(k.leaf, 0)]
		if k.op != condAtom {
			with = new(LeadBits)
			x.plain(k, with)
		}
		if n.op == condAnd {
			for w := range out {
				out[w] &= with[w]
			}
		} else {
			for w := range out {
				out[w] |= with[w]
			}
		}
	}
}

// kleene is the logic of a node with three values and errors, into the stack.
func (x *ColumnExec) kleene(n *columnNode, depth int) {
	if len(x.stack) <= depth+1 {
		x.stack = append(x.stack, make([]planes3, depth+2)...)
	}
	switch n.op {
	case condAtom:
		x.leaf(n.leaf, &x.stack[depth])
		return
	case condTrue:
		x.stack[depth] = planes3{t: first(BlockLeads)}
		return
	case condFalse:
		x.stack[depth] = planes3{f: first(BlockLeads)}
		return
	}
	x.kleene(n.kids[0], depth)
	for _, k := range n.kids[1:] {
		x.kleene(k, depth+1)
		a, b := &x.stack[depth], &x.stack[depth+1]
		if n.op == condAnd {
			for w := range a.t {
				a.t[w] &= b.t[w]
				a.f[w] |= b.f[w]
				a.u[w] = (a.u[w] | b.u[w]) &^ a.f[w]
			}
		} else {
			for w := range a.t {
				a.t[w] |= b.t[w]
				a.f[w] &= b.f[w]
				a.u[w] = (a.u[w] | b.u[w]) &^ a.t[w]
			}
		}
	}
}

func (x *ColumnExec) leaf(n int, out *planes3) {
	l, g := &x.set.leaves[n], x.gaps[n]
	out.t, out.u = x.leaves[n], LeadBits{}
	var other LeadBits // neither true nor false
	for _, s := range []struct {
		set *LeadBits
		is  truth
	}{{g.absent, l.absent}, {g.none, l.none}, {g.blank, l.blank}} {
		if s.set == nil || s.is == isTrue || s.is == isFalse {
			continue
		}
		for w, m := range s.set {
			other[w] |= m
			if s.is == isMissing {
				out.u[w] |= m
			}
		}
	}
	for w := range out.f {
		out.f[w] = ^(out.t[w] | other[w])
	}
}
