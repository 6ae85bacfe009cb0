package tracking

import (
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// Tracker folds events into figures as of a moment that [Tracker.Advance] moves
// on. Adding an event again, or in another order, changes nothing, as long as
// events carry the Seq that the journal gave them; what is dated later waits
// until its time has come. It keeps a few marks for each lead, not its events,
// and reading a figure costs no scan. It belongs to one goroutine; trackers of
// parts of a journal add with [Tracker.Merge]. Make one with [New].
type Tracker struct {
	o       Options
	asOf    int64
	from    int64
	seq     int64 // of the latest event
	texts   texts
	teams   map[uint32]uint32
	fields  []string
	index   map[string]int // of fields
	leads   map[leadloop.LeadID]*lead
	deals   map[leadloop.OpportunityID]*deal
	groups  []grouping
	wakes   wakes
	stale   []*cluster // what has no part in the figures at the moment
	noTrace int        // leads that the journal tells of, but not that they arrived
	nobody  dealSums   // deals of leads that did not arrive
	periods periods

	wantPool, wantEntry, wantStage bool

	f     facts // scratch
	marks []mark
	key   []byte
}

// lead is one record.
type lead struct {
	id      leadloop.LeadID
	marks   []mark
	deals   []*deal
	compact int32 // how many marks there were after the last time
	cluster *cluster
	own     cluster
	self    [1]*lead
}

// cluster is records that are, or ever were, one lead: only together do they
// say what counts.
type cluster struct {
	leads []*lead
	wake  int64 // the earliest that is planned
	stale bool
}

// New returns a tracker as of a moment that has seen nothing. What is wrong
// with the options is reported together, as leadloop.ErrInvalid.
func New(asOf time.Time, o Options) (*Tracker, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	t := &Tracker{
		o: o, asOf: instant(asOf), from: never,
		texts: newTexts(), teams: map[uint32]uint32{}, index: map[string]int{},
		leads: map[leadloop.LeadID]*lead{}, deals: map[leadloop.OpportunityID]*deal{},
	}
	if !o.From.IsZero() {
		t.from = instant(o.From)
	}
	for _, rep := range slices.Sorted(maps.Keys(o.Teams)) {
		t.teams[t.texts.id(string(rep))] = t.texts.id(string(o.Teams[rep]))
	}
	t.groups = append(t.groups, t.grouping(nil), t.grouping([]string{DimSource}), t.grouping([]string{DimTier}))
	for _, by := range o.GroupBy {
		if t.find(by) == nil {
			t.groups = append(t.groups, t.grouping(by))
		}
	}
	return t, nil
}

// AsOf is the moment of the figures.
func (t *Tracker) AsOf() time.Time { return time.Unix(0, t.asOf).UTC() }

// Seq is that of the latest event that was added: where [Tracker.Read] goes on.
func (t *Tracker) Seq() int64 { return t.seq }

func (t *Tracker) lead(id leadloop.LeadID) *lead {
	l := t.leads[id]
	if l == nil {
		l = &lead{id: leadloop.LeadID(strings.Clone(string(id)))}
		l.self[0] = l
		l.cluster, l.own = &l.own, cluster{leads: l.self[:], wake: never}
		t.leads[l.id] = l
	}
	return l
}

// touch takes what l has a part in out of the figures, before it changes.
func (t *Tracker) touch(l *lead) {
	c := l.cluster
	if c.stale {
		return
	}
	t.count(c, -1)
	c.stale = true
	t.stale = append(t.stale, c)
}

// join makes two records ones that only count together.
func (t *Tracker) join(a, b *lead) {
	t.touch(a)
	t.touch(b)
	into, from := a.cluster, b.cluster
	if into == from {
		return
	}
	if len(into.leads) < len(from.leads) {
		into, from = from, into
	}
	into.leads = slices.Concat(into.leads, from.leads)
	for _, l := range from.leads {
		l.cluster = into
	}
	from.leads = nil // it is still in the list of what is stale, and is nobody's
}

// put adds a mark.
func (t *Tracker) put(l *lead, m mark) {
	l.marks = append(l.marks, m)
	if n := int32(len(l.marks)); n >= 16 && n >= 2*l.compact {
		l.marks = t.texts.compact(l.marks, t.asOf)
		l.compact = int32(len(l.marks))
	}
}

// Add folds one event. Kinds that no figure needs are ignored.
func (t *Tracker) Add(e leadloop.Event) { t.add(&e) }

func (t *Tracker) add(e *leadloop.Event) {
	t.seq = max(t.seq, e.Seq)
	id := e.Lead
	switch e.Kind {
	case leadloop.EventUnmerged:
		id = leadloop.LeadID(e.To)
	case leadloop.EventActivity:
		if !t.o.contact(e) {
			return
		}
	case leadloop.EventAlerted:
		if e.Attrs["owner"] != "" {
			return // the lead stays with its owner; somebody else was told as well
		}
	case leadloop.EventCaptured, leadloop.EventAssigned, leadloop.EventQueued, leadloop.EventNurtured, leadloop.EventSuppressed,
		leadloop.EventDisqualified, leadloop.EventArchived, leadloop.EventTierChanged, leadloop.EventFirstTouch, leadloop.EventStageChanged,
		leadloop.EventSLAStarted, leadloop.EventSLAMet, leadloop.EventSLAMissed, leadloop.EventMerged,
		leadloop.EventConverted, leadloop.EventWon, leadloop.EventLost:
	default:
		return
	}
	if id == "" {
		return
	}
	l := t.lead(id)
	t.touch(l)
	at := instant(e.At)
	say := func(kind markKind, text string) {
		t.put(l, mark{at: at, seq: e.Seq, kind: kind, text: t.texts.id(text)})
	}
	switch e.Kind {
	case leadloop.EventCaptured:
		say(captured, e.Attrs["source"])
	case leadloop.EventAssigned:
		say(assigned, e.Attrs["tier"])
		say(owned, e.To)
		if points := e.Attrs["points"]; points != "" {
			say(pointed, points)
		}
		if owed := e.Attrs["owed"]; owed != "" {
			say(owing, owed)
		}
		if t.wantPool {
			say(pooled, e.Attrs["pool"])
		}
		if t.wantEntry {
			say(entered, e.Attrs["entry"])
		}
		if e.From != "" && e.From != e.To && person(e.Actor) {
			say(overridden, "")
		}
	case leadloop.EventQueued:
		say(queued, "")
		if !strings.HasPrefix(e.Reason, "entry:") {
			say(unplaced, cmp.Or(e.Reason, "not_said"))
		}
	case leadloop.EventAlerted:
		say(alerted, "")
	case leadloop.EventNurtured:
		say(nurtured, "")
	case leadloop.EventSuppressed:
		say(suppressed, "")
	case leadloop.EventDisqualified:
		say(disqualified, "")
	case leadloop.EventArchived:
		say(archived, "")
	case leadloop.EventTierChanged:
		say(tierChanged, e.To)
	case leadloop.EventFirstTouch:
		say(touched, "")
	case leadloop.EventStageChanged:
		say(staged, e.To)
		if e.To == t.o.Accepted {
			say(accepted, "")
		}
		if e.To == t.o.Qualified {
			say(qualified, "")
		}
	case leadloop.EventActivity:
		say(contacted, "")
	case leadloop.EventSLAStarted:
		say(slaStarted, "")
	case leadloop.EventSLAMet:
		say(slaMet, "")
	case leadloop.EventSLAMissed:
		say(slaMissed, "")
	case leadloop.EventMerged:
		say(merged, e.To)
		t.join(l, t.lead(leadloop.LeadID(e.To)))
	case leadloop.EventUnmerged:
		say(unmerged, "")
	case leadloop.EventConverted:
		say(qualified, "")
		if e.To != "" {
			say(dealOpened, dealText(e))
		}
	case leadloop.EventWon:
		say(dealWon, dealText(e))
	case leadloop.EventLost:
		say(dealLost, dealText(e))
	}
	if len(e.Attrs) > 0 && e.Kind != leadloop.EventAssigned {
		for i, name := range t.fields {
			if v := e.Attrs[name]; v != "" {
				say(attr0+markKind(i), v)
			}
		}
	}
}

// person reports whether an actor is a human.
func person(actor string) bool {
	return actor != "" && !strings.HasPrefix(actor, "rule:") && !strings.HasPrefix(actor, "stage:")
}

// AddOpportunity takes an opportunity as the CRM has it, which goes before what
// events say of it; one with an id that is there replaces it.
func (t *Tracker) AddOpportunity(o leadloop.Opportunity) {
	d := deal{
		id: o.ID, status: o.Status, amount: o.Amount, owner: t.texts.id(string(o.Owner)),
		created: instant(o.CreatedAt), closed: never, from: t.lead(o.Lead),
	}
	if !o.ClosedAt.IsZero() {
		d.closed = instant(o.ClosedAt)
	}
	if old := t.deals[o.ID]; old != nil {
		if *old == d {
			return
		}
		t.touch(old.from)
		old.from.deals = slices.DeleteFunc(old.from.deals, func(x *deal) bool { return x == old })
	}
	t.touch(d.from)
	t.deals[o.ID] = &d
	d.from.deals = append(d.from.deals, &d)
}

// Merge adds what another tracker was told. The figures are then as of the
// later of both moments. Of an opportunity that both have, other's counts. It
// fails with leadloop.ErrInvalid if they were made with different options; the
// other tracker stays as it is.
func (t *Tracker) Merge(other *Tracker) error {
	if !t.o.equal(&other.o) {
		return fmt.Errorf("tracking: %w: trackers with different options do not add", leadloop.ErrInvalid)
	}
	t.advance(other.asOf)
	t.seq = max(t.seq, other.seq)
	text := make([]uint32, len(other.texts.all))
	for i, s := range other.texts.all {
		text[i] = t.texts.id(s)
	}
	for id, theirs := range other.leads {
		l := t.lead(id)
		t.touch(l)
		for _, m := range theirs.marks {
			m.text = text[m.text]
			t.put(l, m)
		}
		for _, with := range theirs.cluster.leads {
			if with != theirs {
				t.join(l, t.lead(with.id))
			}
		}
	}
	for _, d := range other.deals {
		o := leadloop.Opportunity{
			ID: d.id, Lead: d.from.id, Status: d.status, Amount: d.amount, Owner: leadloop.RepID(other.texts.all[d.owner]),
			CreatedAt: time.Unix(0, d.created),
		}
		if d.closed != never {
			o.ClosedAt = time.Unix(0, d.closed)
		}
		t.AddOpportunity(o)
	}
	return nil
}

func (o *Options) equal(p *Options) bool {
	return slices.Equal(o.Touches, p.Touches) && slices.Equal(o.Replies, p.Replies) && slices.Equal(o.Conversations, p.Conversations) &&
		o.Accepted == p.Accepted && o.Qualified == p.Qualified && o.LeakAfter == p.LeakAfter && o.From.Equal(p.From) &&
		slices.EqualFunc(o.GroupBy, p.GroupBy, slices.Equal) && maps.Equal(o.Teams, p.Teams)
}

// Advance moves the figures on to asOf. A moment earlier than the one they are
// as of changes nothing.
func (t *Tracker) Advance(asOf time.Time) { t.advance(instant(asOf)) }

func (t *Tracker) advance(asOf int64) {
	if asOf <= t.asOf {
		return
	}
	t.settle()
	for len(t.wakes) > 0 && t.wakes[0].at <= asOf {
		l := heap.Pop(&t.wakes).(wake).lead
		l.cluster.wake = never
		t.touch(l)
	}
	t.asOf = asOf
}

// settle puts what changed back into the figures.
func (t *Tracker) settle() {
	for _, c := range t.stale {
		if !c.stale {
			continue
		}
		c.stale = false
		for _, l := range c.leads {
			if len(l.marks) > int(l.compact) {
				l.marks = t.texts.compact(l.marks, t.asOf)
				if cap(l.marks) >= 2*len(l.marks) {
					l.marks = slices.Clone(l.marks)
				}
				l.compact = int32(len(l.marks))
			}
		}
		t.count(c, +1)
	}
	if len(t.stale) > manyStale {
		// Reading a figure must not pay for a long history.
		for _, g := range t.groups {
			for _, c := range g.cells {
				c.order()
			}
		}
		t.stale = nil
	}
	t.stale = t.stale[:0]
}

const manyStale = 1000

// whole returns the record that l is part of. Two that are each part of the
// other, which no journal of a loop says, are the one with the smaller id.
func (t *Tracker) whole(l *lead) *lead {
	seen := []*lead{l}
	for {
		next := t.mergedInto(l)
		if next == nil {
			return l
		}
		if i := slices.Index(seen, next); i >= 0 {
			return slices.MinFunc(seen[i:], func(a, b *lead) int { return strings.Compare(string(a.id), string(b.id)) })
		}
		seen, l = append(seen, next), next
	}
}

func (t *Tracker) mergedInto(l *lead) *lead {
	var last *mark
	for i := range l.marks {
		m := &l.marks[i]
		if (m.kind == merged || m.kind == unmerged) && m.at <= t.asOf && (last == nil || t.texts.compare(m, last) > 0) {
			last = m
		}
	}
	if last == nil || last.kind == unmerged {
		return nil
	}
	return t.leads[leadloop.LeadID(t.texts.all[last.text])]
}

// count adds a cluster to the figures, or takes it out.
func (t *Tracker) count(c *cluster, sign int) {
	switch len(c.leads) {
	case 0:
		return
	case 1:
		t.countWhole(c.leads, sign)
	default:
		parts := map[*lead][]*lead{}
		var order []*lead
		for _, l := range c.leads {
			w := t.whole(l)
			if parts[w] == nil {
				order = append(order, w)
			}
			parts[w] = append(parts[w], l)
		}
		for _, w := range order {
			t.countWhole(parts[w], sign)
		}
	}
	if sign > 0 {
		t.wakeLater(c)
	}
}

// gather reads what is known of one whole lead into t.f, and returns its marks.
func (t *Tracker) gather(parts []*lead) []mark {
	f := &t.f
	f.reset(len(t.fields))
	marks := parts[0].marks
	f.clocks(marks, t.asOf)
	if len(parts) > 1 {
		t.marks = append(t.marks[:0], marks...)
		for _, l := range parts[1:] {
			f.clocks(l.marks, t.asOf)
			t.marks = append(t.marks, l.marks...)
		}
		t.texts.sort(t.marks)
		marks = slices.Compact(t.marks)
	}
	f.read(&t.texts, marks, t.asOf)
	for _, l := range parts {
		for _, d := range l.deals {
			f.know(d, t.asOf)
		}
	}
	return marks
}

// countWhole adds what is one lead, or takes it out.
func (t *Tracker) countWhole(parts []*lead, sign int) {
	f, marks := &t.f, t.gather(parts)
	switch {
	case !f.known:
		if f.place != captured || f.worked() {
			t.noTrace += sign
		}
		for i := range f.deals {
			t.nobody.add(&f.deals[i], sign)
		}
		return
	case f.arrival < t.from:
		return
	}
	stage := uint32(0)
	if t.wantStage {
		stage = f.stage(marks, t.asOf)
	}
	for i := range t.groups {
		g := &t.groups[i]
		c := g.at(t, f, nil, stage)
		c.lead(t, f, sign)
		g.drop(t.key, c, sign)
		for k := range f.deals {
			c := g.at(t, f, &f.deals[k], stage)
			c.deal(&f.deals[k], sign)
			g.drop(t.key, c, sign)
		}
	}
}

// wakeLater sees to it that the cluster is counted anew when time alone changes
// what it counts for.
func (t *Tracker) wakeLater(c *cluster) {
	next := int64(1<<63 - 1)
	soon := func(at int64) {
		if at > t.asOf {
			next = min(next, at)
		}
	}
	for _, l := range c.leads {
		for i := range l.marks {
			m := &l.marks[i]
			soon(m.at)
			if m.kind == captured && m.at <= t.asOf {
				soon(m.at + int64(t.o.LeakAfter))
			}
		}
		for _, d := range l.deals {
			soon(d.created)
			if d.closed != never {
				soon(d.closed)
			}
		}
	}
	if next != 1<<63-1 && next != c.wake {
		c.wake = next
		heap.Push(&t.wakes, wake{next, c.leads[0]})
	}
}

// wake is when a lead has to be looked at again.
type wake struct {
	at   int64
	lead *lead
}

type wakes []wake

func (w wakes) Len() int           { return len(w) }
func (w wakes) Less(i, j int) bool { return w[i].at < w[j].at }
func (w wakes) Swap(i, j int)      { w[i], w[j] = w[j], w[i] }
func (w *wakes) Push(x any)        { *w = append(*w, x.(wake)) }
func (w *wakes) Pop() any {
	old := *w
	x := old[len(old)-1]
	*w = old[:len(old)-1]
	return x
}

// Read folds what the journal holds since the last Read, and all opportunities
// as they are now, in one View. An error is the store's.
func (t *Tracker) Read(ctx context.Context, st store.Store) error {
	err := st.View(ctx, func(tx store.Tx) error {
		for e, err := range tx.Journal().Since(ctx, t.seq) {
			if err != nil {
				return fmt.Errorf("journal: %w", err)
			}
			t.add(&e)
		}
		deals, err := tx.CRM().Opportunities(ctx, "")
		if err != nil {
			return fmt.Errorf("opportunities: %w", err)
		}
		for _, o := range deals {
			t.AddOpportunity(o)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("tracking: %w", err)
	}
	return nil
}

// Collect reads the whole journal and all opportunities, and reports as of a
// moment.
func Collect(ctx context.Context, st store.Store, asOf time.Time, o Options) (Report, error) {
	t, err := New(asOf, o)
	if err != nil {
		return Report{}, err
	}
	if err := t.Read(ctx, st); err != nil {
		return Report{}, err
	}
	return t.Report(), nil
}
