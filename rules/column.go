package rules

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"sync"

	"github.com/leadloop/leadloop"
)

// BlockLeads is how many leads a [Block] holds at most.
const BlockLeads = 1024

// LeadBits is a set of leads of a block: bit i%64 of word i/64 is the i-th.
type LeadBits [BlockLeads / 64]uint64

// Has reports whether the i-th lead is in the set; a nil set is empty.
func (b *LeadBits) Has(i int) bool { return b != nil && b[i/64]>>(i%64)&1 != 0 }

// Add adds the i-th lead.
func (b *LeadBits) Add(i int) { b[i/64] |= 1 << (i % 64) }

// Len returns how many leads are in the set; a nil set is empty.
func (b *LeadBits) Len() int {
	if b == nil {
		return 0
	}
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// first is the set of the first n leads.
func first(n int) (out LeadBits) {
	for i := range n / 64 {
		out[i] = ^uint64(0)
	}
	if n%64 > 0 {
		out[n/64] = 1<<(n%64) - 1
	}
	return out
}

// Layout says which inputs of leads are kept in columns, and has the texts that
// columns share. Blocks of one layout can be read by every set of rules whose
// inputs it has. It is safe for concurrent use.
type Layout struct {
	schema *leadloop.Schema
	limits Limits
	fields []layoutField
	at     []int // by position in the schema: position in fields, or -1
	types  []string
	typeAt map[string]int
	keys   []leadloop.TextKey // of types
	// newest: the time of the latest activity of all is kept. whole: all
	// activities are kept as they were given, since a rule goes through the list.
	newest, whole bool
}

type layoutField struct {
	at   int // in the schema
	kind leadloop.Kind
	dict *dictionary // of a text or list
	// where rows have it
	word, other int
}

// NewLayout returns a layout with what the set reads, and what else is asked
// for: fields, and activity types; AllActivities stands for the moment of the
// latest activity of any type, which conditions such as
// activities.exists(a, now - a.at < days(30)) read. It fails for a field that
// the schema does not have, and for sets with variables.
func NewLayout(s *Set, more Inputs) (*Layout, error) {
	if len(s.env.vars) > 0 {
		return nil, fmt.Errorf("rules: %w: columns have no variables", leadloop.ErrInvalid)
	}
	l := &Layout{schema: s.env.schema, limits: s.env.limits, typeAt: map[string]int{}, newest: more.AllActivities}
	fields, types := slices.Clone(more.Fields), slices.Clone(more.Activities)
	for i := range s.rules {
		in := s.Inputs(i)
		fields, types = append(fields, in.Fields...), append(types, in.Activities...)
		l.newest = l.newest || in.AllActivities
		l.whole = l.whole || in.AllActivities && s.columnCond(i) == nil
	}
	l.at = make([]int, l.schema.Len())
	for i := range l.at {
		l.at[i] = -1
	}
	slices.Sort(fields)
	for _, name := range slices.Compact(fields) {
		at, ok := l.schema.Index(name)
		if !ok {
			return nil, fmt.Errorf("rules: field %s: %w: not in the schema", name, leadloop.ErrInvalid)
		}
		f := layoutField{at: at, kind: l.schema.At(at).Kind}
		f.word, f.other = l.schema.Place(at)
		if f.kind == leadloop.KindString || f.kind == leadloop.KindStrings {
			f.dict = newDictionary()
		}
		l.at[at] = len(l.fields)
		l.fields = append(l.fields, f)
	}
	slices.Sort(types)
	l.types = slices.Compact(types)
	for i, t := range l.types {
		l.typeAt[t] = i
		l.keys = append(l.keys, leadloop.KeyOf(t))
	}
	return l, nil
}

// Covers reports whether the layout has all that rules with these inputs read;
// if not, missing names the first thing it lacks.
func (l *Layout) Covers(in Inputs) (missing string, ok bool) {
	for _, f := range in.Fields {
		if at, known := l.schema.Index(f); !known || l.at[at] < 0 {
			return f, false
		}
	}
	for _, t := range in.Activities {
		if _, known := l.typeAt[t]; !known {
			return "activities of type " + t, false
		}
	}
	if in.AllActivities && !l.newest {
		return "activities of any type", false
	}
	return "", true
}

// dictionaryTexts is how many distinct texts a column may have before its
// blocks hold the texts themselves, and newTexts how many a block may add.
const (
	dictionaryTexts = 8192
	newTexts        = BlockLeads / 8
)

// dictionary numbers the distinct texts of a column.
type dictionary struct {
	mu    sync.RWMutex
	codes map[string]uint16
	texts []string // only ever appended to
}

func newDictionary() *dictionary { return &dictionary{codes: map[string]uint16{}} }

// all returns the texts so far, by their code.
func (d *dictionary) all() []string {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.texts
}

// code returns the code of a text, a new one unless it may not be added.
func (d *dictionary) code(s string, add bool) (code uint16, added, ok bool) {
	d.mu.RLock()
	code, ok = d.codes[s]
	d.mu.RUnlock()
	if ok || !add {
		return code, false, ok
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if code, ok = d.codes[s]; ok {
		return code, false, true
	}
	if len(d.texts) >= dictionaryTexts {
		return 0, false, false
	}
	code, s = uint16(len(d.texts)), strings.Clone(s)
	d.codes[s] = code
	d.texts = append(d.texts, s)
	return code, true, true
}
