package rules

import (
	"context"
	"math/bits"
	"slices"

	"github.com/leadloop/leadloop"
)

// family is rules that no column answers and that read the same: they are
// evaluated lead by lead, together.
type family struct {
	members []relative
	fields  []int // columns that they read
	// pure: the answers depend on few fields alone, so that they are remembered.
	pure   bool
	acts   bool // they read activities
	number bool // the only member gives a number
}

// relative is a rule of a family.
type relative struct {
	rule int // in the set
	out  int // among the results
}

// keyWords is how many fields remembered answers can depend on.
const keyWords = 4

// adopt puts a rule into the family of those that read the same.
func (c *ColumnSet) adopt(rule, out int) {
	in := c.set.Inputs(rule)
	f := family{
		members: []relative{{rule, out}}, acts: len(in.Activities) > 0 || in.AllActivities,
		number: c.set.Rule(rule).Type != leadloop.KindBool, pure: len(in.Fields) <= keyWords,
	}
	f.pure = f.pure && !f.acts
	for _, name := range in.Fields {
		at, _ := c.layout.schema.Index(name)
		k := c.layout.at[at]
		f.fields = append(f.fields, k)
		f.pure = f.pure && c.layout.fields[k].kind != leadloop.KindStrings
	}
	for i := range c.families {
		o := &c.families[i]
		if !f.number && !o.number && len(o.members) < 64 && f.acts == o.acts && slices.Equal(f.fields, o.fields) {
			o.members = append(o.members, f.members[0])
			return
		}
	}
	c.families = append(c.families, f)
}

// familyExec is what evaluating a family needs.
type familyExec struct {
	profile *leadloop.Profile
	words   [keyWords][]uint64
	memory  []remembered
	others  [3][]LeadBits // by member: undecided, no value, failed
}

// remembered is what the members came to, by what they read: one bit for each.
type remembered struct {
	key  [keyWords]uint64
	gaps uint64 // why there is no value, two bits for each field
	used bool

	yes                        uint64
	undecided, noValue, failed uint64
	value                      float64
}

const (
	memorySize = 1 << 10
	memoryWays = 4 // places that one key can have
)

func (c *ColumnSet) newFamily(i int) familyExec {
	f := &c.families[i]
	x := familyExec{profile: c.layout.schema.NewProfile()}
	for k := range x.others {
		x.others[k] = make([]LeadBits, len(f.members))
	}
	if f.pure {
		x.memory = make([]remembered, memorySize+memoryWays)
		for k := range f.fields {
			x.words[k] = make([]uint64, BlockLeads)
		}
	}
	return x
}

// household evaluates a family lead by lead.
func (x *ColumnExec) household(ctx context.Context, b *Block, n int, out *ColumnResults) {
	f, e := &x.set.families[n], &x.families[n]
	pure := f.pure
	for k, field := range f.fields {
		if col := &b.columns[field]; pure && col.ends != nil {
			pure = false
		} else if pure {
			col.expand(e.words[k][:b.n], x.set.layout.fields[field].kind)
		}
	}
	var values []float64
	if f.number {
		values = make([]float64, b.n)
		out.Values[f.members[0].out] = values
	}
	clear(x.rows[:])
	others := false
	for w, in := range b.regular {
		for ; in != 0; in &= in - 1 {
			i := w*64 + bits.TrailingZeros64(in)
			var asked remembered
			got := &asked
			if pure {
				got = x.recall(ctx, b, f, e, i)
			} else {
				x.ask(ctx, b, f, e, i, got)
			}
			x.rows[i] = got.yes
			if f.number {
				values[i] = got.value
			}
			if got.undecided|got.noValue|got.failed != 0 {
				others = true
				for k, mask := range [3]uint64{got.undecided, got.noValue, got.failed} {
					for ; mask != 0; mask &= mask - 1 {
						e.others[k][bits.TrailingZeros64(mask)][w] |= in & -in
					}
				}
			}
		}
	}
	sets := make([]LeadBits, len(f.members))
	for w := range BlockLeads / 64 {
		a := (*[64]uint64)(x.rows[w*64 : w*64+64])
		if len(sets) < 4 {
			for k := range sets {
				for i, row := range a {
					sets[k][w] |= row >> (k & 63) & 1 << (i & 63)
				}
			}
			continue
		}
		transpose(a)
		for k := range sets {
			sets[k][w] = a[k&63]
		}
	}
	for k, m := range f.members {
		out.True[m.out] = some(&sets[k])
		if others {
			for state, to := range [3][]*LeadBits{out.Undecided, out.NoValue, out.Failed} {
				if set := e.others[state][k]; set != (LeadBits{}) {
					to[m.out] = &set
					e.others[state][k] = LeadBits{}
				}
			}
		}
	}
}

// recall evaluates the members unless that was done lately for the same values.
func (x *ColumnExec) recall(ctx context.Context, b *Block, f *family, e *familyExec, i int) *remembered {
	var key [keyWords]uint64
	var gaps uint64
	hash := uint64(0)
	for k, field := range f.fields {
		key[k&3] = e.words[k&3][i]
		hash = (hash ^ key[k&3]) * 0x9E3779B97F4A7C15
		hash ^= hash >> 32
		c := &b.columns[field]
		if c.absent == nil && c.none == nil && c.blank == nil {
			continue
		}
		switch {
		case c.absent.Has(i):
			gaps |= 1 << (2 * k)
		case c.none.Has(i):
			gaps |= 2 << (2 * k)
		case c.blank.Has(i):
			gaps |= 3 << (2 * k)
		}
	}
	from := (hash ^ gaps) % memorySize
	ways := e.memory[from : from+memoryWays]
	for k := range ways {
		if r := &ways[k]; r.used && r.key == key && r.gaps == gaps {
			return r
		}
	}
	slot := &ways[0]
	for k := range ways {
		if !ways[k].used {
			slot = &ways[k]
			break
		}
	}
	x.ask(ctx, b, f, e, i, slot)
	slot.key, slot.gaps, slot.used = key, gaps, ctx.Err() == nil
	return slot
}

// ask evaluates the members for a lead.
func (x *ColumnExec) ask(ctx context.Context, b *Block, f *family, e *familyExec, i int, out *remembered) {
	for _, field := range f.fields {
		b.fill(e.profile, field, i, x.Nothing)
	}
	facts := Facts{Profile: e.profile, Now: x.set.now}
	if f.acts {
		facts.Activities = b.activities(i)
	}
	*out = remembered{}
	for k, m := range f.members {
		bit := uint64(1) << k
		switch got := x.set.set.EvalOne(ctx, facts, m.rule); got.State {
		case Undecided:
			out.undecided |= bit
		case NoValue:
			out.noValue |= bit
		case Failed:
			out.failed |= bit
		default:
			if f.number {
				out.value = got.Value.Float()
			}
			if f.number || got.Value.Bool() {
				out.yes |= bit
			}
		}
	}
}

// expand writes what tells the values of a column apart.
func (c *column) expand(words []uint64, kind leadloop.Kind) {
	switch {
	case kind == leadloop.KindFloat:
		for i, f := range c.floats {
			words[i] = bitsOf(f)
		}
	case kind == leadloop.KindBool:
		for i := range words {
			words[i] = c.flags[i/64] >> (i % 64) & 1
		}
	case c.w8 != nil:
		for i, v := range c.w8 {
			words[i] = uint64(c.base) + uint64(v)
		}
	case c.w16 != nil:
		for i, v := range c.w16 {
			words[i] = uint64(c.base) + uint64(v)
		}
	case c.w32 != nil:
		for i, v := range c.w32 {
			words[i] = uint64(c.base) + uint64(v)
		}
	default:
		for i, v := range c.w64 {
			words[i] = uint64(v)
		}
	}
}
