package rules

import (
	"context"
	"math/bits"

	"github.com/leadloop/leadloop"
)

// singly is a rule that is evaluated lead by lead.
type singly struct {
	rule   int
	fields []int // columns that it reads
	// pure: its answer depends on few fields alone, so that it is remembered.
	pure bool
	acts bool // it reads activities
}

// keyWords is how many fields a remembered answer can depend on.
const keyWords = 4

func (c *ColumnSet) singly(i int) singly {
	in := c.set.Inputs(i)
	s := singly{rule: i, acts: len(in.Activities) > 0 || in.AllActivities}
	s.pure = !s.acts && len(in.Fields) <= keyWords
	for _, name := range in.Fields {
		at, _ := c.layout.schema.Index(name)
		k := c.layout.at[at]
		s.fields = append(s.fields, k)
		s.pure = s.pure && c.layout.fields[k].kind != leadloop.KindStrings
	}
	return s
}

// singleExec is what evaluating such a rule needs.
type singleExec struct {
	profile *leadloop.Profile
	words   [keyWords][]uint64
	memory  []remembered
}

// remembered is a result by what the rule reads.
type remembered struct {
	key   [keyWords]uint64
	gaps  uint64 // why there is no value, two bits for each field
	state State
	used  bool
	yes   bool
	value float64
}

const memorySize = 1 << 10

func (c *ColumnSet) newSingle(i int) singleExec {
	x := singleExec{profile: c.layout.schema.NewProfile()}
	if s := &c.single[i]; s.pure {
		x.memory = make([]remembered, memorySize)
		for k := range s.fields {
			x.words[k] = make([]uint64, BlockLeads)
		}
	}
	return x
}

// alone evaluates a rule lead by lead.
func (x *ColumnExec) alone(ctx context.Context, b *Block, r *columnRule, n int, out *ColumnResults) {
	c := x.set
	s, e := &c.single[r.single], &x.single[r.single]
	number := c.set.rules[s.rule].kind != leadloop.KindBool
	if number {
		out.Values[n] = make([]float64, b.n)
	}
	var sets [4]LeadBits // by State: true, undecided, no value, failed
	pure := s.pure
	for k, f := range s.fields {
		if col := &b.columns[f]; pure && col.ends != nil {
			pure = false
		} else if pure {
			col.expand(e.words[k][:b.n], c.layout.fields[f].kind)
		}
	}
	for w, in := range b.regular {
		for ; in != 0; in &= in - 1 {
			i := w*64 + bits.TrailingZeros64(in)
			var got remembered
			if pure {
				got = x.recall(ctx, b, s, e, i)
			} else {
				got = x.ask(ctx, b, s, e, i)
			}
			if got.state != Decided || got.yes {
				sets[got.state][w] |= in & -in
			}
			if number {
				out.Values[n][i] = got.value
			}
		}
	}
	out.True[n], out.Undecided[n] = some(&sets[Decided]), some(&sets[Undecided])
	out.NoValue[n], out.Failed[n] = some(&sets[NoValue]), some(&sets[Failed])
}

// recall evaluates the rule unless it did so lately for the same values.
func (x *ColumnExec) recall(ctx context.Context, b *Block, s *singly, e *singleExec, i int) remembered {
	var key [keyWords]uint64
	var gaps uint64
	hash := uint64(0)
	for k, f := range s.fields {
		c := &b.columns[f]
		key[k&3] = e.words[k&3][i]
		switch {
		case c.absent.Has(i):
			gaps |= 1 << (2 * k)
		case c.none.Has(i):
			gaps |= 2 << (2 * k)
		case c.blank.Has(i):
			gaps |= 3 << (2 * k)
		}
		hash = (hash ^ key[k&3]) * 0x9E3779B97F4A7C15
		hash ^= hash >> 29
	}
	slot := &e.memory[(hash^gaps)%memorySize]
	if !slot.used || slot.key != key || slot.gaps != gaps {
		*slot = x.ask(ctx, b, s, e, i)
		slot.key, slot.gaps, slot.used = key, gaps, ctx.Err() == nil
	}
	return *slot
}

// ask evaluates the rule for a lead.
func (x *ColumnExec) ask(ctx context.Context, b *Block, s *singly, e *singleExec, i int) remembered {
	for _, f := range s.fields {
		b.fill(e.profile, f, i, x.Nothing)
	}
	facts := Facts{Profile: e.profile, Now: x.set.now}
	if s.acts {
		facts.Activities = b.activities(i)
	}
	got := x.set.set.EvalOne(ctx, facts, s.rule)
	out := remembered{state: got.State}
	if got.State == Decided {
		switch got.Value.Kind() {
		case leadloop.KindBool:
			out.yes = got.Value.Bool()
		default:
			out.yes, out.value = true, got.Value.Float()
		}
	}
	return out
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
