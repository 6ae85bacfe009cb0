package learn

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Write writes the counts: a line of JSON that says what was counted, then one
// line for each combination of codes, with its part of the table and how many
// leads were won and lost. The same counts give the same bytes.
func (c *Counts) Write(w io.Writer) error {
	c.head.Axes = c.axes
	head, err := json.Marshal(c.head)
	if err != nil {
		return fmt.Errorf("learn: counts: %w", err)
	}
	out := bufio.NewWriter(w)
	_, _ = out.Write(append(head, '\n')) // Flush tells
	var line []byte
	for i := range c.cells.len() {
		line = hex.AppendEncode(line[:0], c.cells.codes(i))
		for _, n := range []uint32{uint32(c.cells.part(i)), c.cells.won[i], c.cells.lost[i]} {
			line = strconv.AppendUint(append(line, ' '), uint64(n), 10)
		}
		_, _ = out.Write(append(line, '\n'))
	}
	return out.Flush()
}

// ReadCounts reads what [Counts.Write] wrote. The error says in which line it
// is not that.
func ReadCounts(r io.Reader) (*Counts, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	first, err := in.ReadBytes('\n')
	if err != nil && len(first) == 0 {
		return nil, &InputError{"the counts are empty"}
	}
	c := &Counts{}
	if err := json.Unmarshal(first, &c.head); err != nil || c.head.Format == 0 {
		return nil, &InputError{"line 1 does not say what was counted; is this a file of counts?"}
	}
	if c.head.Format != 1 {
		return nil, &InputError{fmt.Sprintf("counts of format %d; this program reads format 1", c.head.Format)}
	}
	if err := c.sound(); err != nil {
		return nil, err
	}
	c.axes, c.head.Axes = c.head.Axes, nil
	c.cells = newCells(len(c.axes))
	parts := len(c.split().test)
	key := make([]byte, c.cells.stride())
	for number := 2; ; number++ {
		text, err := in.ReadString('\n')
		if text == "" && errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		bad := func(what string) error {
			return &InputError{fmt.Sprintf("line %d of the counts: %s", number, what)}
		}
		words := strings.Fields(text)
		if len(words) != 4 || len(words[0]) != 2*len(c.axes) {
			return nil, bad("expected codes, part, won and lost")
		}
		if _, err := hex.Decode(key, []byte(words[0])); err != nil {
			return nil, bad("the codes are no hexadecimal number")
		}
		for k, a := range c.axes {
			if int(key[k]) >= a.codes() {
				return nil, bad(fmt.Sprintf("column %q has no code %d", a.Column, key[k]))
			}
		}
		var n [3]uint64
		for i := range n {
			if n[i], err = strconv.ParseUint(words[i+1], 10, 32); err != nil {
				return nil, bad("expected whole numbers")
			}
		}
		if n[0] >= uint64(parts) {
			return nil, bad(fmt.Sprintf("there is no part %d", n[0]))
		}
		partKey(key, int(n[0]))
		if i, _ := c.cells.find(key); i >= 0 {
			return nil, bad("these codes stand here twice")
		}
		c.cells.add(key, uint32(n[1]), uint32(n[2]))
	}
	c.cells = c.cells.sorted(c.every())
	return c, nil
}

// every are all columns.
func (c *Counts) every() []int {
	out := make([]int, len(c.axes))
	for i := range out {
		out[i] = i
	}
	return out
}

// sound checks the head of a file.
func (c *Counts) sound() error {
	h := &c.head
	bad := func(format string, args ...any) error {
		return &InputError{"line 1 of the counts: " + fmt.Sprintf(format, args...)}
	}
	switch {
	case h.Endings == nil || h.Outcome == "":
		return bad("it does not say what the outcome is")
	case len(h.Axes) == 0:
		return bad("it has no columns")
	case h.TimeForm < -1 || int(h.TimeForm) >= len(dateForms):
		return bad("an unknown form of dates")
	case !slices.IsSorted(h.Blocks) || len(h.Blocks)*folds > math.MaxUint16-folds:
		return bad("its blocks of time are out of order")
	case h.Endings.Rest > won:
		return bad("an unknown ending")
	}
	h.Endings.reindex()
	for _, a := range h.Axes {
		switch {
		case a == nil || a.Column == "" || a.Field == "":
			return bad("a column has no name")
		case a.Kind != KindNumber && a.Kind != KindCategory:
			return bad("column %q is a %q; expected number or category", a.Column, a.Kind)
		case !slices.IsSorted(a.Edges) || a.codes() > 256:
			return bad("the bands of column %q are out of order, or too many", a.Column)
		}
		a.reindex()
	}
	return nil
}

// Add counts more rows, on the grid and with the columns of the first ones:
// what new values of a category there are counts as other. Rows of a later
// time are held out for as long as they are the last fifth. Nothing is changed
// if it fails.
func (c *Counts) Add(ctx context.Context, src Source) error {
	// If a row can't be read nothing is changed.
	next := c.clone()
	if err := next.extend(ctx, src); err != nil {
		return err
	}
	t := c.Table()
	err := next.each(ctx, src, func(key []byte, e ending, dated bool) error {
		t.Rows++
		switch {
		case !dated:
			t.Undated++
		case e == won:
			t.Won++
			next.cells.add(key, 1, 0)
		case e == lost:
			t.Lost++
			next.cells.add(key, 0, 1)
		default:
			t.Open++
		}
		if next.cells.len() > mostCells {
			next.coarsen()
		}
		return nil
	})
	if err != nil {
		return err
	}
	next.head.Added += t.Rows - c.head.Table.Rows
	next.head.Table, next.cells = t, next.cells.sorted(c.every())
	*c = *next
	return nil
}

// clone is a copy that can be added to.
func (c *Counts) clone() *Counts {
	out := &Counts{head: c.head, cells: c.cells.open()}
	out.head.Blocks = slices.Clone(c.head.Blocks)
	for _, a := range c.axes {
		b := *a
		b.frequent = nil
		out.axes = append(out.axes, &b)
	}
	return out
}

// Forget takes rows out again: the counts are then what they would be if these
// rows had never been counted, on the same grid, and so is what is learnt. They
// must be as they were when they were counted, and the counts must have been
// made with an id. Nothing is changed if one of them was not counted.
func (c *Counts) Forget(ctx context.Context, src Source) error {
	if c.head.ID == "" || c.head.InOrder {
		return &InputError{"rows can only be forgotten if they were counted with an id; count the table again, with one"}
	}
	cells := c.cells.open()
	t := c.Table()
	number := 0
	err := c.each(ctx, src, func(key []byte, e ending, dated bool) error {
		number++
		t.Rows--
		if !dated {
			t.Undated--
			return nil
		}
		if e == open {
			t.Open--
			return nil
		}
		i, _ := cells.find(key)
		if i < 0 || e == won && cells.won[i] == 0 || e == lost && cells.lost[i] == 0 {
			return &InputError{fmt.Sprintf("row %d to be forgotten was not counted as it is; nothing was changed", number)}
		}
		if e == won {
			t.Won--
			cells.won[i]--
		} else {
			t.Lost--
			cells.lost[i]--
		}
		return nil
	})
	if err != nil {
		return err
	}
	if t.Rows < 0 || t.Open < 0 || t.Undated < 0 {
		return &InputError{"there are more rows to be forgotten than were counted; nothing was changed"}
	}
	c.head.Forgot += c.head.Table.Rows - t.Rows
	c.head.Table, c.cells = t, cells.sorted(c.every())
	return nil
}

// each reads rows as they were read first.
func (c *Counts) each(ctx context.Context, src Source, do func(key []byte, e ending, dated bool) error) error {
	columns := src.Columns()
	from, err := c.places(columns)
	if err != nil {
		return err
	}
	r := c.reader(columns, from)
	number := c.head.Table.Rows
	for row, err := range src.Rows(ctx) {
		if err != nil {
			return err
		}
		e, err := r.read(row, number)
		number++
		if err := do(r.key, e, err == nil); err != nil {
			return err
		}
	}
	if r.first != 0 {
		c.head.First, c.head.Last = min(c.head.First, r.first), max(c.head.Last, r.last)
	}
	return nil
}

// places finds the columns that were counted.
func (c *Counts) places(columns []string) ([]int, error) {
	var missing []string
	need := func(name string) int {
		i := slices.Index(columns, name)
		if i < 0 && name != "" {
			missing = append(missing, strconv.Quote(name)+meant(name, columns))
		}
		return i
	}
	need(c.head.Outcome)
	need(c.head.ID)
	need(c.head.Time)
	var from []int
	for _, a := range c.axes {
		from = append(from, need(a.Column))
	}
	if len(missing) > 0 {
		return nil, &InputError{"the table does not have columns that were counted: " + strings.Join(missing, ", ")}
	}
	return from, nil
}

// extend adds blocks of time for rows that are later than all before, so that
// they can be held out for a while and learnt from afterwards.
func (c *Counts) extend(ctx context.Context, src Source) error {
	h := &c.head
	size := max(1, h.Table.Rows/timeBlocks)
	columns := src.Columns()
	if !c.byTime() {
		return nil
	}
	if _, err := c.places(columns); err != nil {
		return err
	}
	at, number := slices.Index(columns, h.Time), h.Table.Rows
	var later []int64
	for row, err := range src.Rows(ctx) {
		if err != nil {
			return err
		}
		if h.InOrder {
			later = append(later, int64(number))
			number++
		} else if t, ok := parseDate(strings.TrimSpace(row[at]), h.TimeForm); ok && t.Unix() > h.Last {
			later = append(later, t.Unix())
		}
	}
	slices.Sort(later)
	for i := 0; i < len(later) && len(h.Blocks)*folds < math.MaxUint16-2*folds; i += size {
		if n := len(h.Blocks); n == 0 || later[i] > h.Blocks[n-1] {
			h.Blocks = append(h.Blocks, later[i])
		}
	}
	return nil
}

// open is a copy that can be added to.
func (c *cells) open() *cells {
	out := newCells(c.width)
	for i := range c.len() {
		out.add(c.keys[i*c.stride():(i+1)*c.stride()], c.won[i], c.lost[i])
	}
	return out
}
