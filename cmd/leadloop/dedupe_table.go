package main

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"hash/maphash"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/leadloop/leadloop/capture"
	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/dedupe/match"
)

// dedupeTable are the files as one table. Its rows are not kept: they are read again where they are needed, to guess what the columns mean, to match
// them, and to show some of them.
type dedupeTable struct {
	files  []string // as they were named
	paths  []string // what is read: a file, or a copy of what can be read only once
	copies []string // of paths, to be removed
	before []os.FileInfo
	header []string
	others []string            // columns of files after the first that have other names
	link   bool                // files may lack columns, or call them otherwise
	also   map[string][]string // other names of the columns
	with   map[string][]string // columns whose values are put behind theirs
	// The columns that are compared, all as long as it is not known which; and those without which nothing goes.
	compared, needed map[string]bool
	show             func(match.Progress)
	s                streams
	counted          bool // everything below is known

	count   int
	starts  []int    // first row of each file
	lines   []uint32 // by row, in its file
	ids     []string // by row, without the file; nil unless they are needed
	rejects []string
	digest  hash.Hash // of what was read
}

func openTable(files []string, s streams, show func(match.Progress)) (t *dedupeTable, err error) {
	t = &dedupeTable{needed: map[string]bool{}, files: files, show: show, s: s}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.close())
		}
	}()
	for _, name := range files {
		path := name
		info, err := os.Stat(name)
		if err != nil {
			return t, err
		}
		if !info.Mode().IsRegular() {
			if path, err = t.copy(name); err != nil {
				return t, err
			}
			if info, err = os.Stat(path); err != nil {
				return t, err
			}
		}
		t.paths, t.before = append(t.paths, path), append(t.before, info)
	}
	return t, t.readHeader()
}

// copy copies what can be read only once, such as a pipe.
func (t *dedupeTable) copy(name string) (string, error) {
	from, err := os.Open(name)
	if err != nil {
		return "", err
	}
	to, err := os.CreateTemp("", "leadloop-*"+gzSuffix(name))
	if err != nil {
		return "", errors.Join(err, from.Close())
	}
	t.copies = append(t.copies, to.Name())
	_, err = io.Copy(to, from)
	return to.Name(), errors.Join(err, from.Close(), to.Close())
}

func gzSuffix(name string) string {
	if strings.HasSuffix(name, ".gz") {
		return ".gz"
	}
	return ""
}

func (t *dedupeTable) close() error {
	var errs []error
	for _, name := range t.copies {
		errs = append(errs, os.Remove(name))
	}
	t.copies = nil
	return errors.Join(errs...)
}

func (t *dedupeTable) column(name string) int { return slices.Index(t.header, name) }

// fileOf is the number of the file that a row is from.
func (t *dedupeTable) fileOf(row int) int {
	at, found := slices.BinarySearch(t.starts, row)
	if !found {
		at--
	}
	for at+1 < len(t.starts) && t.starts[at+1] == t.starts[at] { // a file without rows
		at++
	}
	return at
}

// where names a row for people.
func (t *dedupeTable) where(row int) string {
	return fmt.Sprintf("%s:%d", t.files[t.fileOf(row)], t.lines[row])
}

// readHeader reads the names of the columns, which are those of the first file. Others have the same, in any order, or those in t.also and t.with.
func (t *dedupeTable) readHeader() error {
	for number := range t.files {
		err := t.open(number, nil, func(in *capture.Table) error {
			if number == 0 {
				t.header = in.Header()
			} else {
				t.others = append(t.others, without(in.Header(), t.header)...)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// open opens a file as a table; read shows how much was read of it.
func (t *dedupeTable) open(number int, read io.Writer, use func(in *capture.Table) error) (err error) {
	f, err := os.Open(t.paths[number])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var r io.Reader = f
	if read != nil {
		r = io.TeeReader(r, read)
	}
	r = bufio.NewReaderSize(r, 1<<20)
	name := t.files[number]
	if strings.HasSuffix(name, ".gz") {
		if r, err = gzip.NewReader(r); err != nil {
			return fmt.Errorf("%s: not a gzip file: %w", name, err)
		}
	}
	in, err := capture.NewTable(r)
	if err != nil {
		return unusable(name, err)
	}
	return use(in)
}

// reading follows how far a pass over the files has come.
type reading struct {
	t     *dedupeTable
	step  string
	done  int
	total int
	shown int
}

func (r *reading) Write(p []byte) (int, error) {
	r.done += len(p)
	if r.t.digest != nil {
		_, _ = r.t.digest.Write(p) // never fails
	}
	if r.t.show != nil && r.done-r.shown >= 1<<22 {
		r.shown = r.done
		r.t.show(match.Progress{Step: r.step, Done: r.done >> 20, Total: max(r.total>>20, 1)})
	}
	return len(p), nil
}

// each calls use for every row of all files, in order, with its number and its cells in the order of the header. Only the first call says which rows
// cannot be read.
func (t *dedupeTable) each(ctx context.Context, step string, use func(row int, cells []string) error) error {
	progress := &reading{t: t, step: step}
	for _, info := range t.before {
		progress.total += int(info.Size())
	}
	row := 0
	for number := range t.files {
		if !t.counted {
			t.starts = append(t.starts, row)
		}
		err := t.open(number, progress, func(in *capture.Table) error { return t.eachOf(ctx, number, in, &row, use) })
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return &exitError{exitUsage, err}
		}
		after, err := os.Stat(t.paths[number])
		if err != nil {
			return err
		}
		if before := t.before[number]; before.Size() != after.Size() || !before.ModTime().Equal(after.ModTime()) {
			return fmt.Errorf("%s was changed while it was read; run it again when nobody writes to it", t.files[number])
		}
	}
	if t.counted && row != t.count {
		return fmt.Errorf("%s: %d rows where there were %d before", strings.Join(t.files, ", "), row, t.count)
	}
	t.count, t.counted = row, true
	if row < 2 {
		why := ""
		if len(t.rejects) > 0 {
			why = "; the first line is taken for the names of the columns: if they stand further down, delete what is above"
		}
		return &exitError{exitUsage, fmt.Errorf("%s: %s that can be read; two are needed to be one%s", strings.Join(t.files, ", "), plural(row, "row"), why)}
	}
	return nil
}

// shownRejects is how many rows that cannot be read are named.
const shownRejects = 20

func (t *dedupeTable) eachOf(ctx context.Context, number int, in *capture.Table, row *int, use func(row int, cells []string) error) error {
	name, header := t.files[number], in.Header()
	places, err := t.places(number, header)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	for {
		if *row%1000 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		r, err := in.Next()
		var reject *capture.Reject
		switch {
		case errors.Is(err, io.EOF):
			if !t.counted {
				t.s.converted(name, in.Converted())
			}
			return nil
		case errors.As(err, &reject):
			if !t.counted {
				t.rejects = append(t.rejects, fmt.Sprintf("%s: %s", name, strings.TrimPrefix(reject.Error(), "capture: ")))
				if n := len(t.rejects); n <= shownRejects {
					t.s.say("%s", t.rejects[n-1])
				} else if n == shownRejects+1 {
					t.s.say("… and more; the summary counts them.")
				}
			}
			continue
		case err != nil:
			return fmt.Errorf("%s: %w", name, err)
		}
		cells := r.Cells
		if number > 0 || len(t.with) > 0 {
			cells = make([]string, len(places))
			for i, p := range places {
				cells[i] = p.cell(r.Cells)
			}
		}
		if !t.counted {
			t.lines = append(t.lines, uint32(r.Line))
		}
		if err := use(*row, cells); err != nil {
			return err
		}
		*row++
	}
}

// sampleRows is how many rows at least what the columns mean is guessed from, if there are so many: evenly taken, as a file is often sorted.
const sampleRows = 5_000

// sample returns rows to guess from, and which of the columns that do not look worth comparing have another value in every row of a file.
func (t *dedupeTable) sample(ctx context.Context) (rows [][]string, unique map[string]bool, err error) {
	ids := make([][]idHash, len(t.header))
	left := func(kept func(column int) bool) {
		for k := range ids {
			if ids[k] != nil && !kept(k) {
				ids[k] = nil
			}
		}
	}
	seed, step := maphash.MakeSeed(), 1
	err = t.each(ctx, "read", func(row int, cells []string) error {
		if row%step == 0 {
			if rows = append(rows, cells); len(rows) == 2*sampleRows {
				step *= 2
				kept := rows[:0]
				for i := 0; i < len(rows); i += 2 {
					kept = append(kept, rows[i])
				}
				clear(rows[len(kept):])
				rows = kept
			}
		}
		for k := range ids {
			switch {
			case row > 0 && ids[k] == nil: // not an id, as was seen before
			case strings.IndexByte(cells[k], ':') >= 0: // a time of day
				ids[k] = nil
			default:
				ids[k] = append(ids[k], idHash{maphash.String(seed, t.idOf(row, cells[k])), row})
			}
		}
		if row == alignRows { // to spare the memory for the others
			ignored := kindsByName(t.header, rows)
			left(func(k int) bool {
				return ignored[t.header[k]] == match.KindIgnore && len(twice(slices.Clone(ids[k]))) == 0
			})
		}
		return nil
	})
	left(func(k int) bool { return len(twice(ids[k])) == 0 })
	unique = map[string]bool{}
	for k, h := range t.header {
		unique[h] = ids[k] != nil
	}
	return rows, unique, err
}

// idHash is the hash of a row's id.
type idHash struct {
	hash uint64
	row  int
}

// twice returns the pairs of rows that seem to have one id, each with the first that has it, in the order of the second.
func twice(list []idHash) (pairs [][2]int) {
	slices.SortFunc(list, func(a, b idHash) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.row, b.row)) })
	first := 0
	for i := 1; i < len(list); i++ {
		if list[i].hash != list[first].hash {
			first = i
			continue
		}
		pairs = append(pairs, [2]int{list[first].row, list[i].row})
	}
	slices.SortFunc(pairs, func(a, b [2]int) int { return cmp.Compare(a[1], b[1]) })
	return pairs
}

// idOf is the name of a row by its id column: files may number their rows alike.
func (t *dedupeTable) idOf(row int, cell string) string {
	id := strings.TrimSpace(cell)
	if len(t.files) > 1 {
		id = fmt.Sprintf("%d:%s", t.fileOf(row)+1, id)
	}
	return id
}

// numbered is the name of a row without an id column: of one width, so that they sort by number.
func numbered(row int) string { return fmt.Sprintf("%09d", row+1) }

// rowsAtATime are put into the table together.
const rowsAtATime = 4096

// fill makes the table that is matched. One goroutine reads while others normalise what was read.
func (c *dedupeCmd) fill(ctx context.Context, t *dedupeTable, file dedupe.MatchFile, labels *truthLabels, said *decisions) (*match.Table, error) {
	rows, err := match.NewTable(file.Fields())
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	batches := make(chan []match.Record, 1)
	read := make(chan error, 1)
	var ids []idHash
	t.digest = sha256.New()
	go func() {
		defer close(batches)
		read <- c.records(ctx, t, file, labels, said, &ids, batches)
	}()
	var failed error
	for batch := range batches {
		if failed == nil {
			if failed = rows.AddAll(ctx, batch); failed != nil {
				cancel()
			}
			if c.thrifty != nil && rows.Len() > largeRows {
				c.thrifty()
				c.thrifty = nil
			}
		}
	}
	if err := <-read; failed == nil {
		failed = err
	}
	if failed != nil {
		return nil, failed
	}
	return rows, t.checkIDs(context.WithoutCancel(ctx), file, twice(ids))
}

// records reads all rows as records.
func (c *dedupeCmd) records(ctx context.Context, t *dedupeTable, file dedupe.MatchFile, labels *truthLabels, said *decisions, ids *[]idHash, batches chan<- []match.Record) error {
	var place []int
	for _, x := range file.Columns {
		place = append(place, t.column(x.Column))
	}
	id, seed := t.column(file.ID), maphash.MakeSeed()
	var batch []match.Record
	send := func() error {
		select {
		case batches <- batch:
			batch = make([]match.Record, 0, rowsAtATime)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := t.each(ctx, "normalise", func(row int, cells []string) error {
		r := match.Record{ID: numbered(row), Values: make([]string, len(place))}
		name := ""
		if file.ID != "" {
			name = cells[id]
			r.ID = t.idOf(row, name)
			*ids = append(*ids, idHash{maphash.String(seed, r.ID), row})
			if c.TruthIn != "" {
				t.ids = append(t.ids, strings.TrimSpace(name))
			}
		}
		said.found(row, name, r.ID)
		for k, at := range place {
			r.Values[k] = cells[at]
		}
		if c.Link {
			r.Source = fmt.Sprintf("%04d", t.fileOf(row)) // sources are ordered by name
		}
		if labels != nil {
			if err := labels.add(cells, func() string { return t.where(row) }); err != nil {
				return &exitError{exitUsage, err}
			}
		}
		if batch = append(batch, r); len(batch) < rowsAtATime {
			return nil
		}
		return send()
	})
	if err != nil {
		return err
	}
	return send()
}

// checkIDs returns an error for the first row whose id another one has.
func (t *dedupeTable) checkIDs(ctx context.Context, file dedupe.MatchFile, pairs [][2]int) error {
	if len(pairs) == 0 {
		return nil
	}
	first, second := pairs[0][0], pairs[0][1]
	rows, err := t.pick(ctx, []int{second})
	if err != nil {
		return err
	}
	id := strings.TrimSpace(rows[second][t.column(file.ID)])
	return &exitError{exitUsage, fmt.Errorf("%s: the id %q is that of line %d too; take another column, or leave id out and rows are numbered",
		t.where(second), id, t.lines[first])}
}

// pick reads some rows again.
func (t *dedupeTable) pick(ctx context.Context, numbers []int) (map[int][]string, error) {
	wanted := map[int]bool{}
	for _, n := range numbers {
		wanted[n] = true
	}
	rows := make(map[int][]string, len(wanted))
	t.digest = nil
	return rows, t.each(ctx, "show", func(row int, cells []string) error {
		if wanted[row] {
			rows[row] = cells
		}
		return nil
	})
}
