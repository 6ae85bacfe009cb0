package routing

import (
	"context"
	"slices"
)

type territory struct {
	Territory
	cond condition
}

// target is what a territory gives its leads to; zero for one that is only a
// name for conditions.
func (t *territory) target() Target { return Target{Rep: t.Rep, Pool: t.Pool, Queue: t.Queue} }

// places reports whether the territory names somebody.
func (t *territory) places() bool { return t.Rep != "" || t.Pool != "" || t.Queue != "" }

// membership is the territories that a lead is in or could be in, in order.
type membership struct {
	in    []int32
	could []undecided
}

type undecided struct {
	territory int32
	needs     []string
}

// territories are found once per decision.
func (d *decision) territories(ctx context.Context) *membership {
	if d.member != nil {
		return d.member
	}
	d.member = &membership{}
	left := d.r.territoryIndex.left(d, &d.byTerritory)
	for i := nextBit(left, 0); i >= 0; i = nextBit(left, i+1) {
		switch t := d.check(ctx, &d.r.territories[i].cond); t.Verdict {
		case VerdictMatched:
			d.member.in = append(d.member.in, int32(i))
		case VerdictUndecided:
			d.member.could = append(d.member.could, undecided{int32(i), t.Needs})
		}
	}
	return d.member
}

// inTerritory reports whether the lead is, or could be, in one of a matcher's
// territories; what that needs goes to the trace.
func (d *decision) inTerritory(ctx context.Context, m *matcher, t *EntryTrace) bool {
	list := d.territories(ctx)
	asked := func(i int32) bool { _, ok := slices.BinarySearch(m.territories, i); return ok }
	if slices.ContainsFunc(list.in, asked) {
		return true
	}
	could := false
	for _, u := range list.could {
		if asked(u.territory) {
			could = true
			t.Needs = append(t.Needs, u.needs...)
		}
	}
	if could {
		t.Verdict = VerdictUndecided
	}
	return could
}

// ofTerritory returns the targets of the lead's territories of the highest
// priority, each once, and what the answer still needs: fields that could put
// the lead into a territory that counts as much.
func (d *decision) ofTerritory(ctx context.Context) (targets []*territory, needs []string) {
	list := d.territories(ctx)
	for _, i := range list.in {
		t := &d.r.territories[i]
		if !t.places() {
			continue
		}
		if len(targets) > 0 && t.Priority > targets[0].Priority {
			targets = targets[:0]
		}
		if len(targets) > 0 && (t.Priority < targets[0].Priority || slices.ContainsFunc(targets, func(o *territory) bool { return sameTarget(o, t) })) {
			continue
		}
		targets = append(targets, t)
	}
	for _, u := range list.could {
		t := &d.r.territories[u.territory]
		if t.places() && (len(targets) == 0 || t.Priority >= targets[0].Priority) && !(len(targets) == 1 && t.Priority == targets[0].Priority && sameTarget(t, targets[0])) {
			needs = append(needs, u.needs...)
		}
	}
	slices.Sort(needs)
	return targets, slices.Compact(needs)
}

func sameTarget(a, b *territory) bool {
	return a.Rep == b.Rep && a.Pool == b.Pool && a.Queue == b.Queue
}

// name says whom a territory names, as in "rep:ana".
func (t *territory) names() string {
	switch {
	case t.Rep != "":
		return "rep:" + string(t.Rep)
	case t.Pool != "":
		return "pool:" + t.Pool
	}
	return "queue:" + t.Queue
}

// interval is the numbers that a range has.
func (r *Range) interval(id int32) interval[int64] {
	i := interval[int64]{from: -1 << 63, open: true, id: id}
	if r.Min != nil {
		i.from = *r.Min
	}
	if r.Max != nil && *r.Max < 1<<63-1 {
		i.until, i.open = *r.Max+1, false
	}
	return i
}
