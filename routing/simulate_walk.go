package routing

import (
	"container/heap"
	"slices"
)

// simWalk goes through the leads of one tier that wait for somebody who has
// room, in order of arrival: the first of each group in a heap.
type simWalk struct {
	can   func(named) bool
	heads []*simCursor
	all   []*simCursor
	last  *simCursor // whose lead was given out
}

// simCursor is how far a group is: leads[:kept] were met and stay, leads[at:]
// were not met.
type simCursor struct {
	*simGroup
	kept, at int
}

func (s *sim) walk(rank int, can func(named) bool) *simWalk {
	w := &simWalk{can: can}
	for _, g := range s.list.ranks[rank] {
		if slices.ContainsFunc(g.named, can) && len(g.leads) > 0 {
			w.all = append(w.all, &simCursor{simGroup: g})
		}
	}
	w.heads = slices.Clone(w.all)
	heap.Init(w)
	return w
}

// next is nil if nobody is left for whom somebody has room.
func (w *simWalk) next() *simLead {
	if w.last != nil {
		w.last.pass()
		w.last = nil
		w.settle()
	}
	for len(w.heads) > 0 {
		c := w.heads[0]
		switch {
		case !slices.ContainsFunc(c.named, w.can):
			heap.Pop(w)
		case !c.leads[c.at].waits():
			c.pass()
			w.settle()
		default:
			w.last = c
			return c.leads[c.at].lead
		}
	}
	return nil
}

// pass goes on behind a lead, which stays if it still waits.
func (c *simCursor) pass() {
	if w := c.leads[c.at]; w.waits() {
		c.leads[c.kept] = w
		c.kept++
	}
	c.at++
}

// settle puts the first cursor where it belongs after it moved.
func (w *simWalk) settle() {
	if c := w.heads[0]; c.at == len(c.leads) {
		heap.Pop(w)
	} else {
		heap.Fix(w, 0)
	}
}

// end takes what left out of the groups. Mostly the first in front were taken,
// and nothing has to be moved.
func (w *simWalk) end() {
	for _, c := range w.all {
		if c.kept == 0 {
			clear(c.leads[:c.at])
			c.leads = c.leads[c.at:]
		} else {
			c.leads = slices.Delete(c.leads, c.kept, c.at)
		}
	}
}

func (w *simWalk) Len() int { return len(w.heads) }
func (w *simWalk) Less(i, j int) bool {
	a, b := w.heads[i], w.heads[j]
	return a.leads[a.at].compare(b.leads[b.at]) < 0
}
func (w *simWalk) Swap(i, j int) { w.heads[i], w.heads[j] = w.heads[j], w.heads[i] }
func (w *simWalk) Push(x any)    { w.heads = append(w.heads, x.(*simCursor)) }
func (w *simWalk) Pop() any {
	last := w.heads[len(w.heads)-1]
	w.heads = w.heads[:len(w.heads)-1]
	return last
}

// tidy adds who joined a group during a drain, and takes out groups in which
// nobody waits.
func (l *simList) tidy() {
	l.walking = false
	for _, w := range l.later {
		if w.waits() {
			w.group.add(w)
		}
	}
	clear(l.later)
	l.later = l.later[:0]
	for rank := range l.ranks {
		l.ranks[rank] = slices.DeleteFunc(l.ranks[rank], func(g *simGroup) bool {
			if len(g.leads) == 0 {
				delete(l.index, g.key)
			}
			return len(g.leads) == 0
		})
	}
}
