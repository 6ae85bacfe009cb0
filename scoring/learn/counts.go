package learn

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// Counts are what learning needs of a table, and all it keeps: how many leads
// were won and lost, by what their columns say on a grid of bands and values.
// What fewer than ten rows say of a category is not named in it. A model is
// learnt from counts alone, so that rows can be added and forgotten without the
// others. It belongs to one goroutine.
type Counts struct {
	head   countsHead
	axes   []*axis
	cells  *cells
	proofs map[string]proof // by column that leaks; only where the table was read
}

// countsHead is everything but the cells.
type countsHead struct {
	Format   int       `json:"format"`
	Outcome  string    `json:"outcome"`
	Endings  *outcomes `json:"endings"`
	ID       string    `json:"id,omitempty"`
	Time     string    `json:"time,omitempty"`
	TimeForm dateForm  `json:"time_form,omitempty"`
	InOrder  bool      `json:"in_order,omitempty"`
	// Blocks are the moments (Unix seconds) or rows at which a new block of
	// time begins.
	Blocks []int64 `json:"blocks,omitempty"`
	Axes   []*axis `json:"axes"`
	Table  Table   `json:"table"`
	First  int64   `json:"first,omitempty"` // Unix seconds
	Last   int64   `json:"last,omitempty"`
	Added  int     `json:"added,omitempty"`
	// Halved is how often the grid was made coarser.
	Halved int `json:"halved,omitempty"`
	Forgot int `json:"forgotten,omitempty"`
}

// Table says what a table was found to be.
type Table struct {
	Rows int `json:"rows"`
	Won  int `json:"won"`
	Lost int `json:"lost"`
	// Open rows say nothing about how it ended, and are not learnt from.
	Open int `json:"open"`
	// Undated rows have no readable time where one is asked for; they are not
	// learnt from.
	Undated int      `json:"undated,omitempty"`
	Columns []Column `json:"columns"`
	// Notes are what is wrong with the table and what was done about it.
	Notes []string `json:"notes,omitempty"`
}

// Column is what a column was found to be, and whether it is a signal.
type Column struct {
	Column string `json:"column"`
	Field  string `json:"field,omitempty"`
	Kind   Kind   `json:"kind"`
	Used   bool   `json:"used"`
	// Scored tells that the scorecard has it: it tells something that other
	// columns do not.
	Scored  bool `json:"scored"`
	Missing int  `json:"missing"`
	Values  int  `json:"values"`
	// Why it is left out, or was kept although something speaks against it.
	Why string `json:"why,omitempty"`
	// Leaks tells that it seems to know the outcome.
	Leaks bool `json:"leaks,omitempty"`
	// AUC is how well it tells won from lost alone; 0 if it was not tried.
	AUC float64 `json:"auc,omitempty"`
	// Notes are what was wrong with its values and what was done about it.
	Notes []string `json:"notes,omitempty"`
}

const (
	timeBlocks = 50
	idParts    = 5 // of which the first is held out
	// mostIDs is among how many ids repeated ones are looked for.
	mostIDs = 4_000_000
)

// Count looks at a table twice: first what its columns are, then how often the
// leads that look alike were won and lost. Columns that know the outcome are
// found and left out. The error is an [*InputError], a [*RefusedError], or what
// the source or ctx failed with.
func Count(ctx context.Context, src Source, o Options) (*Counts, error) {
	columns := src.Columns()
	if err := o.check(columns); err != nil {
		return nil, err
	}
	all, rows, err := look(ctx, src, o.Time, func(n int) { o.progress("looking at columns", n, 0) })
	if err != nil {
		return nil, err
	}
	if rows == 0 {
		return nil, &InputError{"the table has no rows"}
	}
	b := &counter{o: o, rows: rows, surveys: all, columns: columns}
	if err := b.plan(); err != nil {
		return nil, err
	}
	if err := b.count(ctx, src); err != nil {
		return nil, err
	}
	return b.finish()
}

// counter makes counts.
type counter struct {
	o       Options
	rows    int
	columns []string
	surveys []*survey

	c    *Counts
	from []int // by axis: the column
	said []*witness
	row  reader
}

// plan decides what each column is.
func (b *counter) plan() error {
	o := b.o
	find := func(name string) int { return slices.Index(b.columns, name) }
	endings, err := readOutcomes(b.surveys[find(o.Outcome)], o)
	if err != nil {
		return err
	}
	c := &Counts{head: countsHead{Format: 1, Outcome: o.Outcome, Endings: endings, ID: o.ID, Time: o.Time, InOrder: o.InOrder, TimeForm: -1}}
	b.c = c
	c.head.Table.Rows = b.rows
	if len(endings.Open) > 0 {
		c.head.Table.Notes = append(c.head.Table.Notes, fmt.Sprintf("%s is taken for still open where it says %s", o.Outcome, quoted(endings.Open)))
	}
	if endings.assumed != "" {
		c.head.Table.Notes = append(c.head.Table.Notes, fmt.Sprintf("%s is taken for lost where it says %s", o.Outcome, endings.assumed))
	}
	if o.Time != "" {
		s := b.surveys[find(o.Time)]
		form, n := s.date()
		if n == 0 {
			return &InputError{fmt.Sprintf("time: no row of column %q can be read as a date%s; expected such as 2026-11-02 or 2026-11-02T09:30:00Z", o.Time, sampleOf(s))}
		}
		c.head.TimeForm = form
	}
	standard := o.schema()
	fields := fieldNames(b.columns, o.Fields, func(name string) bool {
		f, ok := standard.Lookup(name)
		return ok && b.kindOf(name) != f.Kind
	})
	for i, s := range b.surveys {
		kind := s.kind()
		distinct, _ := s.distinct()
		if f, ok := standard.Lookup(fields[i]); ok && o.Fields[s.name] != "" && f.Kind == leadloop.KindString && kind == KindNumber {
			// Postcodes and the like: texts that look like numbers.
			if kind = KindCategory; float64(distinct+s.overflow) > .9*float64(s.filled()) {
				kind = KindID
			}
		}
		col := Column{Column: s.name, Kind: kind, Missing: s.missing, Values: distinct}
		insisted := slices.Contains(o.Include, s.name)
		switch {
		case s.name == o.Outcome:
			col.Why = "it is the outcome"
		case s.name == o.ID:
			col.Why, col.Kind = "it is the id", KindID
		case s.name == o.Time:
			col.Why = "it is the time"
		case s.name == o.Closed:
			col.Why = "it is when it ended"
		case slices.Contains(o.Exclude, s.name):
			col.Why = "it is excluded"
		case insisted && kind != KindEmpty && kind != KindConstant:
			col.Used = true
			if kind != KindNumber {
				kind = KindCategory
			}
			if f, ok := standard.Lookup(fields[i]); float64(s.numbers) >= .95*float64(s.filled()) && (!ok || f.Kind != leadloop.KindString) {
				kind = KindNumber
			}
			col.Kind = kind
		default:
			col.Used = kind == KindNumber || kind == KindCategory
			col.Why = s.why(kind)
		}
		if said, ok := standard.Lookup(fields[i]); col.Used && ok && o.Fields[s.name] != "" {
			if want := said.Kind; (want == leadloop.KindInt || want == leadloop.KindFloat) != (kind == KindNumber) || want == leadloop.KindTime || want == leadloop.KindBool || want == leadloop.KindStrings {
				return &InputError{fmt.Sprintf("field: column %q is a %s, and the field %s is a %s", s.name, kind, fields[i], want)}
			}
		}
		col.Notes = s.notes(kind, col.Used)
		if col.Used {
			a := newAxis(s, kind)
			a.Field, col.Field = fields[i], fields[i]
			if f, ok := standard.Lookup(a.Field); ok && f.Kind == leadloop.KindInt {
				if s.whole < s.numbers {
					return &InputError{fmt.Sprintf("field: column %q has fractions, and the field %s holds whole numbers", s.name, a.Field)}
				}
				a.wholeEdges()
			}
			if a.Kind == KindCategory && len(a.Levels) == 0 && s.missing == 0 {
				col.Used, col.Why = false, fmt.Sprintf("none of its %d values has %d rows", distinct, minLevel)
			} else {
				c.axes, b.from = append(c.axes, a), append(b.from, i)
			}
		}
		b.said = append(b.said, newWitness(s, col))
		c.head.Table.Columns = append(c.head.Table.Columns, col)
	}
	if len(c.axes) == 0 {
		return &InputError{"no column is left to learn from: " + leftOut(c.head.Table.Columns)}
	}
	b.blocks(find)
	b.surveys = nil // the values of columns are not needed any more
	c.cells = newCells(len(c.axes))
	return nil
}

// kindOf is the kind that the field of this name would have.
func (b *counter) kindOf(field string) leadloop.Kind {
	for i, c := range b.columns {
		if "lead."+Slug(c) == field {
			if b.surveys[i].kind() == KindNumber {
				return leadloop.KindFloat
			}
			return leadloop.KindString
		}
	}
	return leadloop.KindString
}

func leftOut(columns []Column) string {
	var parts []string
	for _, c := range columns {
		parts = append(parts, c.Column+" ("+c.Why+")")
	}
	return strings.Join(parts, ", ")
}

func sampleOf(s *survey) string {
	if s.unread == 0 {
		return ""
	}
	return fmt.Sprintf(" (the first in row %d)", s.unread)
}

// why says why a column of this kind is no signal.
func (s *survey) why(k Kind) string {
	switch k {
	case KindEmpty:
		return "it is empty"
	case KindConstant:
		return "it says the same in every row"
	case KindID:
		return "it tells rows apart and nothing else"
	case KindText:
		return "it is free text"
	case KindDate:
		return "it is a date"
	}
	return ""
}

// notes are what is doubtful about the values of a column.
func (s *survey) notes(kind Kind, used bool) (out []string) {
	if kind == KindNumber && s.numbers < s.filled() {
		out = append(out, fmt.Sprintf("%d values are no numbers%s; they count as missing", s.filled()-s.numbers, sampleOf(s)))
	}
	if s.commas && (kind == KindNumber || kind == KindCategory) {
		out = append(out, "its numbers are read with a decimal comma")
	}
	if kind == KindDate {
		if _, n := s.date(); n < s.filled() {
			out = append(out, fmt.Sprintf("%d values can't be read as dates", s.filled()-n))
		}
	}
	if kind == KindCategory && used && s.numbers > s.filled()/10 && s.numbers < s.filled() {
		out = append(out, fmt.Sprintf("%d of %d values are numbers, the others text%s; all are taken as text", s.numbers, s.filled(), sampleOf(s)))
	}
	if distinct, more := s.distinct(); kind == KindCategory && used && (more || distinct > 50) {
		kept, rows := 0, 0
		for _, n := range s.values {
			if n >= minLevel {
				kept++
			} else {
				rows += int(n)
			}
		}
		least := ""
		if more {
			least = "more than "
		}
		out = append(out, fmt.Sprintf("%s%d different values: %d of them, which have at least %d rows, are looked at, the others together", least, distinct, min(kept, maxLevels), minLevel))
	}
	return out
}

// blocks cuts time into blocks with about as many rows each.
func (b *counter) blocks(find func(string) int) {
	h := &b.c.head
	switch {
	case h.InOrder:
		for k := 1; k < timeBlocks; k++ {
			h.Blocks = append(h.Blocks, int64(k*b.rows/timeBlocks))
		}
	case h.Time != "":
		var times []int64
		for _, cell := range b.surveys[find(h.Time)].kept {
			if t, ok := parseDate(cell, h.TimeForm); ok {
				times = append(times, t.Unix())
			}
		}
		slices.Sort(times)
		for k := 1; k < timeBlocks; k++ {
			h.Blocks = append(h.Blocks, times[k*len(times)/timeBlocks])
		}
	}
	h.Blocks = slices.Compact(h.Blocks)
}

// reader finds what a row counts as.
type reader struct {
	c             *Counts
	from          []int // by axis
	outcome, time int
	id            int
	key           []byte
	first, last   int64
}

func (c *Counts) reader(columns []string, from []int) reader {
	find := func(name string) int { return slices.Index(columns, name) }
	return reader{c: c, from: from, outcome: find(c.head.Outcome), time: find(c.head.Time), id: find(c.head.ID), key: make([]byte, len(from)+2)}
}

var errUndated = errors.New("no time that can be read")

// read fills the key of a row. Its number counts from 0.
func (r *reader) read(row []string, number int) (ending, error) {
	for k, col := range r.from {
		r.key[k] = r.c.axes[k].code(strings.TrimSpace(row[col]))
	}
	e := r.c.head.Endings.read(strings.TrimSpace(row[r.outcome]))
	h := &r.c.head
	name := strconv.Itoa(number)
	if h.ID != "" {
		name = strings.TrimSpace(row[r.id])
	}
	switch {
	case h.InOrder:
		partKey(r.key, blockOf(h.Blocks, int64(number))*folds+int(nameHash(name)%folds))
	case h.Time != "":
		t, ok := parseDate(strings.TrimSpace(row[r.time]), h.TimeForm)
		if !ok {
			return e, errUndated
		}
		at := t.Unix()
		if r.first == 0 || at < r.first {
			r.first = at
		}
		r.last = max(r.last, at)
		partKey(r.key, blockOf(h.Blocks, at)*folds+int(nameHash(name)%folds))
	default:
		partKey(r.key, int(nameHash(name)%idParts))
	}
	return e, nil
}

func blockOf(edges []int64, at int64) int {
	return sort.Search(len(edges), func(i int) bool { return edges[i] > at })
}

// nameHash spreads rows evenly, by what they are called.
func nameHash(id string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // never fails
	return h.Sum32()
}

// count is the second look at the table.
func (b *counter) count(ctx context.Context, src Source) error {
	b.row = b.c.reader(b.columns, b.from)
	t := &b.c.head.Table
	ids := map[uint64]struct{}{}
	repeated, number := 0, 0
	closed := slices.Index(b.columns, b.o.Closed)
	for row, err := range src.Rows(ctx) {
		if err != nil {
			return err
		}
		if number >= b.rows {
			return fmt.Errorf("learn: the table has more rows than when it was looked at first")
		}
		if b.row.id >= 0 && len(ids) < mostIDs {
			h := fnv.New64a()
			_, _ = h.Write([]byte(strings.TrimSpace(row[b.row.id])))
			if _, twice := ids[h.Sum64()]; twice {
				repeated++
			}
			ids[h.Sum64()] = struct{}{}
		}
		e, err := b.row.read(row, number)
		number++
		if number%progressEvery == 0 {
			b.o.progress("counting", number, b.rows)
		}
		if err != nil {
			t.Undated++
			continue
		}
		var closedAt time.Time
		if closed >= 0 && b.said[closed].kind == KindDate {
			closedAt, _ = parseDate(strings.TrimSpace(row[closed]), b.said[closed].form)
		}
		for i, w := range b.said {
			w.hear(strings.TrimSpace(row[i]), e, closedAt)
		}
		switch e {
		case won:
			t.Won++
			b.c.cells.add(b.row.key, 1, 0)
		case lost:
			t.Lost++
			b.c.cells.add(b.row.key, 0, 1)
		default:
			t.Open++
		}
		if b.c.cells.len() > mostCells {
			b.c.coarsen()
		}
	}
	if n := b.c.head.Halved; n > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("more than %s leads differ: the grid of bands and values was halved %d times, so that memory is bounded", grouping(int64(mostCells)), n))
	}
	if repeated > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("%d rows have an id that an earlier row has; they are kept, and all rows of an id are either learnt from or held out", repeated))
	}
	if t.Undated > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("%d rows have no time that can be read; they are left out", t.Undated))
	}
	if t.Open > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("%d rows do not say how it ended; they are left out", t.Open))
	}
	b.c.head.First, b.c.head.Last = b.row.first, b.row.last
	return nil
}

// finish audits the columns and drops those that know the outcome.
func (b *counter) finish() (*Counts, error) {
	c := b.c
	if err := c.enough(b.o); err != nil {
		return nil, err
	}
	b.audit()
	var keep []int
	for k, a := range c.axes {
		for i := range c.head.Table.Columns {
			if col := &c.head.Table.Columns[i]; col.Column == a.Column && col.Used {
				keep = append(keep, k)
			}
		}
	}
	if len(keep) == 0 {
		return nil, &InputError{"no column is left to learn from: " + leftOut(c.head.Table.Columns)}
	}
	var axes []*axis
	for _, k := range keep {
		axes = append(axes, c.axes[k])
	}
	c.axes, c.cells = axes, c.cells.sorted(keep)
	return c, nil
}

// enough refuses what is too little to learn from.
func (c *Counts) enough(o Options) error {
	t := &c.head.Table
	closed := t.Won + t.Lost
	switch {
	case closed < o.minClosed():
		return &RefusedError{Text: fmt.Sprintf("%d leads have ended (%d won, %d lost); at least %d are needed to learn something that will hold", closed, t.Won, t.Lost, o.minClosed())}
	case t.Won == 0 || t.Lost == 0:
		return &RefusedError{Text: fmt.Sprintf("all %d leads that have ended were %s; there must be won and lost ones to tell apart", closed, map[bool]string{true: "won", false: "lost"}[t.Lost == 0])}
	}
	if c.head.Time != "" {
		first, last := time.Unix(c.head.First, 0).UTC(), time.Unix(c.head.Last, 0).UTC()
		if got := months(first, last); got < float64(o.minMonths()) {
			return &RefusedError{Text: fmt.Sprintf("the leads came within %.1f months (%s to %s); at least %d are needed, or what is learnt may be the season", got,
				first.Format(time.DateOnly), last.Format(time.DateOnly), o.minMonths())}
		}
	}
	return nil
}

func quoted(list []string) string {
	var out []string
	for _, v := range list {
		out = append(out, strconv.Quote(v))
	}
	return strings.Join(out, ", ")
}

// Table says what the table was found to be when it was first counted, with
// the numbers of what was added and forgotten since.
func (c *Counts) Table() Table {
	t := c.head.Table
	t.Columns, t.Notes = slices.Clone(t.Columns), slices.Clone(t.Notes)
	return t
}

// Until is the time of the last lead, zero if no time is known.
func (c *Counts) Until() time.Time {
	if c.head.Time == "" || c.head.Last == 0 {
		return time.Time{}
	}
	return time.Unix(c.head.Last, 0).UTC()
}
