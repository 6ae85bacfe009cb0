package rules

import (
	"slices"

	"github.com/leadloop/leadloop"
)

// Block is the inputs of up to [BlockLeads] leads, input by input. It is
// immutable and safe for concurrent use.
type Block struct {
	layout *Layout
	n      int
	// regular are the leads that are in the columns.
	regular LeadBits
	columns []column
	events  []events // by type
	newest  []int64  // far in the past: no activity
	whole   [][]leadloop.Activity
	// odd are the leads that columns can't hold, as they were given.
	odd map[int]Facts
}

// Times in columns are within 2^62 nanoseconds of 1970; never is before all of
// them.
const (
	earliest = -1 << 62
	never    = -1 << 63
)

// column is one field.
type column struct {
	// Why a lead has no value: nobody looked, there is none, or an empty one of
	// a kind that has no empty value. nil: no lead.
	absent, none, blank *LeadBits

	// Numbers, times and codes of texts are in one of these, above base.
	base int64
	w8   []uint8
	w16  []uint16
	w32  []uint32
	w64  []int64

	floats []float64
	flags  *LeadBits // bools

	// Texts of which too many differ: one after the other, and where each ends.
	text string
	ends []uint32

	// of a list: where the items of each lead end. The items are codes or texts.
	lists []uint32
}

// events are the activities of one type, by lead, and the latest first.
type events struct {
	lead []uint16
	at   []int64
}

// Len returns the number of leads.
func (b *Block) Len() int { return b.n }

// Regular returns the leads that are in the columns. The others have values
// that columns don't hold: a text that is too long or not valid UTF-8, a time
// far from ours, a number that is none. They have to be evaluated one by one;
// see [Block.Facts].
func (b *Block) Regular() LeadBits { return b.regular }

// Bytes returns about how much memory the columns take, without the texts that
// blocks share and without leads that are kept as they are.
func (b *Block) Bytes() int {
	size := 8 * len(b.newest)
	for i := range b.columns {
		c := &b.columns[i]
		size += len(c.w8) + 2*len(c.w16) + 4*len(c.w32) + 8*len(c.w64) + 8*len(c.floats) + len(c.text) + 4*len(c.ends) + 4*len(c.lists)
		for _, set := range []*LeadBits{c.absent, c.none, c.blank, c.flags} {
			if set != nil {
				size += len(set) * 8
			}
		}
	}
	for i := range b.events {
		size += 10 * len(b.events[i].at)
	}
	return size
}

// Known adds to known the leads of which some of the fields is not absent, or
// that have an activity of one of the types. The layout must have them.
func (b *Block) Known(fields, types []string, known *LeadBits) {
	for _, name := range fields {
		at, ok := b.layout.schema.Index(name)
		if !ok || b.layout.at[at] < 0 {
			continue
		}
		c := &b.columns[b.layout.at[at]]
		if c.absent == nil {
			*known = b.regular
			return
		}
		for w := range known {
			known[w] |= ^c.absent[w]
		}
	}
	for _, name := range types {
		if i, ok := b.layout.typeAt[name]; ok {
			for _, lead := range b.events[i].lead {
				known.Add(int(lead))
			}
		}
	}
	for w := range known {
		known[w] &= b.regular[w]
	}
}

// Events returns the activities of a type: for each the lead, in ascending
// order, and its time in nanoseconds since 1970, for each lead the latest
// first. They are not to be modified.
func (b *Block) Events(typ string) (leads []uint16, times []int64) {
	i, ok := b.layout.typeAt[typ]
	if !ok {
		return nil, nil
	}
	return b.events[i].lead, b.events[i].at
}

// number returns the number, code or time of a lead.
func (c *column) number(i int) int64 {
	switch {
	case c.w8 != nil:
		return c.base + int64(c.w8[i])
	case c.w16 != nil:
		return c.base + int64(c.w16[i])
	case c.w32 != nil:
		return c.base + int64(c.w32[i])
	}
	return c.w64[i]
}

// textAt returns the i-th text that a column holds itself.
func (c *column) textAt(i int) string {
	from := uint32(0)
	if i > 0 {
		from = c.ends[i-1]
	}
	return c.text[from:c.ends[i]]
}

// items is where the items of a lead begin and end.
func (c *column) items(i int) (from, to int) {
	if i > 0 {
		from = int(c.lists[i-1])
	}
	return from, int(c.lists[i])
}

// value returns what the column has of a lead.
func (b *Block) value(field, i int) leadloop.Value {
	c, f := &b.columns[field], &b.layout.fields[field]
	switch {
	case c.absent.Has(i):
		return leadloop.Value{}
	case c.none.Has(i):
		return leadloop.NoValue(f.kind)
	case c.blank.Has(i):
		return leadloop.EmptyValue(f.kind)
	}
	text := func(k int) string {
		if c.ends != nil {
			return c.textAt(k)
		}
		return f.dict.all()[c.number(k)]
	}
	switch f.kind {
	case leadloop.KindString:
		return leadloop.ValueOf(text(i))
	case leadloop.KindInt:
		return leadloop.ValueOf(c.number(i))
	case leadloop.KindFloat:
		return leadloop.ValueOf(c.floats[i])
	case leadloop.KindBool:
		return leadloop.ValueOf(c.flags.Has(i))
	case leadloop.KindTime:
		return leadloop.ValueOf(instant(c.number(i)))
	}
	from, to := c.items(i)
	list := make([]string, 0, to-from)
	for k := from; k < to; k++ {
		list = append(list, text(k))
	}
	return leadloop.ValueOf(list)
}

// Facts returns the i-th lead as rules read it, without the moment: the fields
// and the activities that the layout keeps. Values go into p, which must be of
// the layout's schema and have nothing in other fields; of a lead that is not
// in the columns, what was given is returned, and p left alone.
func (b *Block) Facts(i int, p *leadloop.Profile) Facts {
	if f, ok := b.odd[i]; ok {
		return f
	}
	for k := range b.columns {
		b.fill(p, k, i, false)
	}
	return Facts{Profile: p, Activities: b.activities(i)}
}

// fill copies a field of a lead into a profile; as known absent if it is absent
// and nothing is to be.
func (b *Block) fill(p *leadloop.Profile, field, i int, nothing bool) {
	def, v := b.layout.schema.At(b.layout.fields[field].at), b.value(field, i)
	if nothing && v.Presence() == leadloop.Absent {
		v = leadloop.NoValue(def.Kind)
	}
	if err := p.SetValue(def.Name, v); err != nil {
		panic("rules: " + err.Error()) // the layout is of this schema
	}
}

// activities are those of a lead that the layout keeps. The latest of a type
// that no rule names has a type that none can name.
func (b *Block) activities(i int) []leadloop.Activity {
	if b.whole != nil {
		return b.whole[i]
	}
	var out []leadloop.Activity
	for t := range b.events {
		e := &b.events[t]
		k, _ := slices.BinarySearch(e.lead, uint16(i))
		for ; k < len(e.lead) && int(e.lead[k]) == i; k++ {
			out = append(out, leadloop.Activity{Type: b.layout.types[t], At: instant(e.at[k])})
		}
	}
	if b.newest != nil && b.newest[i] != never {
		latest := instant(b.newest[i])
		if !slices.ContainsFunc(out, func(a leadloop.Activity) bool { return a.At.Equal(latest) }) {
			out = append(out, leadloop.Activity{At: latest})
		}
	}
	return out
}
