package rules

import (
	"maps"
	"slices"

	"github.com/leadloop/leadloop"
)

// Filler makes blocks. It belongs to one goroutine.
type Filler struct {
	layout *Layout
	stages []stage
	events []events
	codes  [BlockLeads]uint16
	seen   []seen // by field
	types  [256]knownType
	nobody leadloop.Row // in which all is absent
}

// seen is a small memory of the texts a column had lately.
type seen [256]struct {
	lo, hi uint64
	n      int
	text   string
	code   uint16
	known  bool
}

type knownType struct {
	name string
	at   int // -1: no rule asks for it
	used bool
}

// stage is a column that is being filled.
type stage struct {
	absent, none, blank LeadBits
	gaps                bool
	nums                [BlockLeads]int64
	texts               []string
	keys                []leadloop.TextKey
	lists               []uint32
	items               []string
	itemCodes           []uint16
}

// NewFiller returns a filler for blocks of the layout.
func (l *Layout) NewFiller() *Filler {
	f := &Filler{layout: l, stages: make([]stage, len(l.fields)), seen: make([]seen, len(l.fields)), events: make([]events, len(l.types))}
	for i := range l.fields {
		if l.fields[i].kind == leadloop.KindString {
			f.stages[i].texts = make([]string, BlockLeads)
			f.stages[i].keys = make([]leadloop.TextKey, BlockLeads)
		}
	}
	return f
}

// Fill makes a block of up to [BlockLeads] leads; Now and Vars are not looked
// at, and Activities that are nil are those of the profile. Profiles must be of the layout's schema, nil for one in which all is
// absent. With keep, the block has nothing in common with the leads but their
// texts, so that they can be changed or dropped; without, what columns can't
// hold is still the caller's.
func (f *Filler) Fill(leads []Facts, keep bool) *Block {
	l := f.layout
	b := &Block{layout: l, n: len(leads), regular: first(len(leads)), columns: make([]column, len(l.fields)), events: make([]events, len(l.types))}
	if l.newest {
		b.newest = make([]int64, len(leads))
	}
	if l.whole {
		b.whole = make([][]leadloop.Activity, len(leads))
	}
	for k := range f.stages {
		s := &f.stages[k]
		s.absent, s.none, s.blank, s.gaps = LeadBits{}, LeadBits{}, LeadBits{}, false
		s.items, s.lists = s.items[:0], s.lists[:0]
	}
	for i := range f.events {
		f.events[i] = events{f.events[i].lead[:0], f.events[i].at[:0]}
	}
	for i := range leads {
		list, sorted := leads[i].Activities, (*leadloop.History)(nil)
		if list == nil && leads[i].Profile != nil {
			sorted = leads[i].Profile.History()
			list = sorted.Activities
		}
		if !f.profile(leads[i].Profile, i) || !f.history(b, list, sorted, i) {
			f.exclude(b, i, leads[i], keep)
			continue
		}
		if l.whole {
			b.whole[i] = list
			if keep {
				b.whole[i] = cloneActivities(list)
			}
		}
	}
	for k := range f.stages {
		f.seal(b, k)
	}
	for t := range f.events {
		e := &f.events[t]
		e.sort()
		b.events[t] = events{slices.Clone(e.lead), slices.Clone(e.at)}
	}
	return b
}

func cloneActivities(list []leadloop.Activity) []leadloop.Activity {
	list = slices.Clone(list)
	for k := range list {
		list[k].Attributes = maps.Clone(list[k].Attributes)
	}
	return list
}

// exclude keeps a lead out of the columns.
func (f *Filler) exclude(b *Block, i int, lead Facts, keep bool) {
	b.regular[i/64] &^= 1 << (i % 64)
	if b.odd == nil {
		b.odd = map[int]Facts{}
	}
	lead = Facts{Profile: lead.Profile, Activities: lead.Activities}
	if keep {
		if lead.Profile != nil {
			lead.Profile = lead.Profile.Clone()
		}
		lead.Activities = cloneActivities(lead.Activities)
	}
	b.odd[i] = lead
	for k := range f.stages {
		s := &f.stages[k]
		s.nums[i] = 0
		if s.texts != nil {
			s.texts[i], s.keys[i] = "", leadloop.TextKey{}
		} else if f.layout.fields[k].kind == leadloop.KindStrings {
			// What there was of its items belongs to nobody.
			for len(s.lists) <= i {
				s.lists = append(s.lists, uint32(len(s.items)))
			}
		}
	}
	for t := range f.events {
		e := &f.events[t]
		n := len(e.lead)
		for n > 0 && int(e.lead[n-1]) == i {
			n--
		}
		e.lead, e.at = e.lead[:n], e.at[:n]
	}
	if b.newest != nil {
		b.newest[i] = never
	}
}

// profile stages the fields of a lead; false if columns can't hold them.
func (f *Filler) profile(p *leadloop.Profile, i int) bool {
	row := &f.nobody
	if p != nil {
		row = p.Row()
	}
	fields := f.layout.fields[:len(f.stages)]
	for k := range f.stages {
		s, at := &f.stages[k], &fields[k]
		var mark leadloop.Mark
		if at.at < len(row.Marks) {
			mark = row.Marks[at.at]
		}
		if mark.Presence() != leadloop.Present {
			s.without(at.kind, mark.Presence(), i)
			continue
		}
		if mark&leadloop.Irregular != 0 {
			return false
		}
		switch at.kind {
		case leadloop.KindString:
			text := row.Texts[at.other]
			if len(text) > f.layout.limits.StringBytes {
				return false
			}
			s.texts[i] = text
			s.keys[i] = leadloop.TextKey{Lo: row.Words[at.word], Hi: row.Words[at.word+1], Len: len(text)}
		case leadloop.KindStrings:
			list := row.Lists[at.other]
			if !f.fits(list) {
				return false
			}
			s.items = append(s.items, list...)
			s.lists = append(s.lists, uint32(len(s.items)))
		default:
			word := row.Words[at.word]
			if at.kind == leadloop.KindFloat && isNaN(word) {
				return false
			}
			s.nums[i] = int64(word)
		}
	}
	return true
}

// without stages that a lead has no value, or an empty one.
func (s *stage) without(kind leadloop.Kind, presence leadloop.Presence, i int) {
	set := &s.absent
	switch presence {
	case leadloop.KnownAbsent:
		set = &s.none
	case leadloop.Empty:
		set = &s.blank
	}
	switch kind {
	case leadloop.KindString:
		s.texts[i], s.keys[i] = "", leadloop.TextKey{}
	case leadloop.KindStrings:
		s.lists = append(s.lists, uint32(len(s.items)))
	default:
		s.nums[i] = 0
	}
	if set == &s.blank && (kind == leadloop.KindString || kind == leadloop.KindStrings) {
		return // which is a value like any other
	}
	set.Add(i)
	s.gaps = true
}

func (f *Filler) fits(list []string) bool {
	if len(list) > f.layout.limits.ListItems {
		return false
	}
	for _, s := range list {
		if len(s) > f.layout.limits.ItemBytes {
			return false
		}
	}
	return true
}

func isNaN(word uint64) bool { return word<<1 > 0x7FF<<53 }

// history stages the activities of a lead, which may be sorted already; false if
// columns can't hold them.
func (f *Filler) history(b *Block, list []leadloop.Activity, sorted *leadloop.History, i int) bool {
	if (b.newest != nil || b.whole != nil) && len(list) > f.layout.limits.Activities {
		return false
	}
	if sorted != nil && !sorted.Far {
		for n := range sorted.Types {
			t := &sorted.Types[n]
			if at := f.sorted(t, list); at >= 0 {
				e := &f.events[at]
				for k := t.To - 1; k >= t.From; k-- {
					e.lead, e.at = append(e.lead, uint16(i)), append(e.at, sorted.Times[k])
				}
			}
		}
		if b.newest != nil {
			b.newest[i] = sorted.Latest
		}
		return true
	}
	newest := int64(never)
	for k := range list {
		a := &list[k]
		at := f.typ(a.Type)
		if at < 0 && b.newest == nil && b.whole == nil {
			continue
		}
		ns, near := leadloop.NearTime(a.At)
		if !near {
			return false
		}
		newest = max(newest, ns)
		if at >= 0 {
			e := &f.events[at]
			e.lead, e.at = append(e.lead, uint16(i)), append(e.at, ns)
		}
	}
	if b.newest != nil {
		b.newest[i] = newest
	}
	return true
}

// sorted is typ for a type of a history, without a look at the activity unless
// the type is a long text.
func (f *Filler) sorted(t *leadloop.TypeTimes, list []leadloop.Activity) int {
	for at, key := range f.layout.keys {
		if key == t.Key && (key.Len <= 16 || list[t.First].Type == f.layout.types[at]) {
			return at
		}
	}
	return -1
}

// typ returns the number of an activity type, -1 for one that is not kept.
func (f *Filler) typ(name string) int {
	slot := &f.types[0]
	if n := len(name); n > 0 {
		slot = &f.types[(n*31+int(name[0])*7+int(name[n-1]))&255]
	}
	if slot.used && slot.name == name {
		return slot.at
	}
	at, ok := f.layout.typeAt[name]
	if !ok {
		at = -1
	}
	*slot = knownType{name, at, true}
	return at
}

// sort puts the latest activity of each lead first.
func (e *events) sort() {
	for from := 0; from < len(e.lead); {
		to := from + 1
		for to < len(e.lead) && e.lead[to] == e.lead[from] {
			to++
		}
		at := e.at[from:to]
		if len(at) > 16 {
			slices.Sort(at)
			slices.Reverse(at)
		} else {
			for i := 1; i < len(at); i++ {
				for k := i; k > 0 && at[k] > at[k-1]; k-- {
					at[k], at[k-1] = at[k-1], at[k]
				}
			}
		}
		from = to
	}
}

// seal turns a staged field into a column.
func (f *Filler) seal(b *Block, k int) {
	s, c := &f.stages[k], &b.columns[k]
	if s.gaps {
		for _, g := range []struct {
			from *LeadBits
			to   **LeadBits
		}{{&s.absent, &c.absent}, {&s.none, &c.none}, {&s.blank, &c.blank}} {
			if *g.from != (LeadBits{}) {
				set := *g.from
				*g.to = &set
			}
		}
	}
	switch f.layout.fields[k].kind {
	case leadloop.KindString:
		f.sealTexts(c, k, b.n)
	case leadloop.KindInt, leadloop.KindTime:
		c.pack(s.nums[:b.n])
	case leadloop.KindFloat:
		c.floats = make([]float64, b.n)
		for i, n := range s.nums[:b.n] {
			c.floats[i] = floatOf(n)
		}
	case leadloop.KindBool:
		c.flags = new(LeadBits)
		for i, n := range s.nums[:b.n] {
			c.flags[i/64] |= uint64(n) << (i % 64)
		}
	case leadloop.KindStrings:
		c.lists = slices.Clone(s.lists)
		f.sealItems(c, k)
	}
}

// pack keeps numbers in as few bytes as will do.
func (c *column) pack(nums []int64) {
	if len(nums) == 0 {
		c.w64 = []int64{}
		return
	}
	low, high := slices.Min(nums), slices.Max(nums)
	if low >= 0 && uint64(high) < 256 {
		low = 0
	}
	switch span := uint64(high) - uint64(low); {
	case span < 1<<8:
		c.base, c.w8 = low, narrow[uint8](nums, low)
	case span < 1<<16:
		c.base, c.w16 = low, narrow[uint16](nums, low)
	case span < 1<<32:
		c.base, c.w32 = low, narrow[uint32](nums, low)
	default:
		c.w64 = slices.Clone(nums)
	}
}

func narrow[T uint8 | uint16 | uint32](nums []int64, base int64) []T {
	out := make([]T, len(nums))
	for i, n := range nums {
		out[i] = T(n - base)
	}
	return out
}

// sealTexts makes codes of texts, or keeps them as they are if too many differ.
func (f *Filler) sealTexts(c *column, k, n int) {
	s, d, memory := &f.stages[k], f.layout.fields[k].dict, &f.seen[k]
	added := 0
	for i := range n {
		key := &s.keys[i]
		slot := &memory[(key.Lo*0x9E3779B97F4A7C15^key.Hi*0xBF58476D1CE4E5B9^uint64(key.Len))>>56]
		if !slot.known || slot.lo != key.Lo || slot.hi != key.Hi || slot.n != key.Len || key.Len > 16 && slot.text != s.texts[i] {
			code, fresh, ok := d.code(s.texts[i], added < newTexts)
			if !ok {
				c.raw(s.texts[:n])
				return
			}
			if fresh {
				added++
			}
			slot.lo, slot.hi, slot.n, slot.text, slot.code, slot.known = key.Lo, key.Hi, key.Len, s.texts[i], code, true
		}
		f.codes[i] = slot.code
	}
	c.code(f.codes[:n])
}

func (f *Filler) sealItems(c *column, k int) {
	s, d := &f.stages[k], f.layout.fields[k].dict
	memory := &f.seen[k]
	s.itemCodes = s.itemCodes[:0]
	added := 0
	for _, text := range s.items {
		key := leadloop.KeyOf(text)
		slot := &memory[(key.Lo*0x9E3779B97F4A7C15^key.Hi*0xBF58476D1CE4E5B9^uint64(key.Len))>>56]
		if !slot.known || slot.text != text {
			code, fresh, ok := d.code(text, added < newTexts)
			if !ok {
				c.raw(s.items)
				return
			}
			if fresh {
				added++
			}
			slot.text, slot.code, slot.known = text, code, true
		}
		s.itemCodes = append(s.itemCodes, slot.code)
	}
	c.code(s.itemCodes)
}

func (c *column) code(codes []uint16) {
	if len(codes) == 0 || slices.Max(codes) < 256 {
		c.w8 = make([]uint8, len(codes))
		for i, code := range codes {
			c.w8[i] = uint8(code)
		}
		return
	}
	c.w16 = slices.Clone(codes)
}

func (c *column) raw(texts []string) {
	size := 0
	for _, s := range texts {
		size += len(s)
	}
	b := make([]byte, 0, size)
	c.ends = make([]uint32, len(texts))
	for i, s := range texts {
		b = append(b, s...)
		c.ends[i] = uint32(len(b))
	}
	c.text = string(b)
}
