package match

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"

	"github.com/leadloop/leadloop"
)

// indexMagic begins a snapshot, with the version of its format. Another version is refused, as what is derived from values could differ.
const indexMagic = "leadloop match index 1\n"

// What a snapshot may hold at most, so that a damaged one does not ask for all memory there is.
const (
	maxSnapshotText  = 1 << 20
	maxSnapshotCount = 1 << 31
)

// WriteTo writes a snapshot for [ReadIndex]: the records by what the model derived from them, and the decisions. It holds personal data. Indexes
// that hold the same write the same bytes. Changes wait only while the records are copied, not for w.
func (x *Index) WriteTo(w io.Writer) (int64, error) {
	c := x.copy()
	digest := sha256.New()
	out := &snapshotWriter{Writer: bufio.NewWriterSize(io.MultiWriter(w, digest), 1<<16)}
	c.write(out, x.model)
	if err := out.Flush(); err != nil {
		return out.n, fmt.Errorf("match: write index: %w", err)
	}
	n, err := w.Write(digest.Sum(nil))
	if err != nil {
		return out.n, fmt.Errorf("match: write index: %w", err)
	}
	return out.n + int64(n), nil
}

// indexCopy is the content of an index at one moment, in the order of ids.
type indexCopy struct {
	ids     []string
	sources []uint16
	cells   []uint32
	values  [][]string // by column
	names   []string
	said    []Decision
}

func (x *Index) copy() indexCopy {
	x.mu.RLock()
	defer x.mu.RUnlock()
	c := indexCopy{names: slices.Clone(x.names)}
	rows := make([]uint32, 0, len(x.byID))
	for _, row := range x.byID {
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b uint32) int { return strings.Compare(x.ids[a], x.ids[b]) })
	for _, row := range rows {
		node := x.nodeOf[row]
		c.ids, c.sources, c.cells = append(c.ids, x.ids[row]), append(c.sources, x.sources[node]), append(c.cells, x.row(node)...)
	}
	for _, column := range x.columns {
		c.values = append(c.values, column.values[:len(column.values):len(column.values)])
	}
	for a, told := range x.decided {
		for b, same := range told {
			if a < b {
				c.said = append(c.said, Decision{a, b, same})
			}
		}
	}
	slices.SortFunc(c.said, func(d, e Decision) int {
		return strings.Compare(d.A+"\x00"+d.B, e.A+"\x00"+e.B)
	})
	return c
}

type snapshotWriter struct {
	*bufio.Writer
	n       int64
	scratch []byte
}

func (w *snapshotWriter) number(n uint64) {
	w.scratch = binary.AppendUvarint(w.scratch[:0], n)
	_, _ = w.Write(w.scratch) // errors stay until Flush
	w.n += int64(len(w.scratch))
}

func (w *snapshotWriter) text(s string) {
	w.number(uint64(len(s)))
	_, _ = w.WriteString(s)
	w.n += int64(len(s))
}

func (c *indexCopy) write(w *snapshotWriter, m *Model) {
	_, _ = w.WriteString(indexMagic)
	w.n += int64(len(indexMagic))
	w.text(m.Digest())
	names := newNumbering(len(c.names))
	for i, s := range c.sources {
		c.sources[i] = uint16(names.of(uint32(s)))
	}
	w.number(uint64(len(names.used)))
	for _, s := range names.used {
		w.text(c.names[s])
	}
	width := len(c.values)
	for col, values := range c.values {
		n := newNumbering(len(values))
		n.of(0) // the missing one
		for i := col; i < len(c.cells); i += width {
			c.cells[i] = n.of(c.cells[i])
		}
		w.number(uint64(len(n.used)))
		for _, id := range n.used {
			w.text(values[id])
		}
	}
	w.number(uint64(len(c.ids)))
	for i, id := range c.ids {
		w.text(id)
		w.number(uint64(c.sources[i]))
		for _, cell := range c.cells[i*width : (i+1)*width] {
			w.number(uint64(cell))
		}
	}
	w.number(uint64(len(c.said)))
	for _, d := range c.said {
		w.text(d.A)
		w.text(d.B)
		same := uint64(0)
		if d.Same {
			same = 1
		}
		w.number(same)
	}
}

// numbering numbers what is used in the order of its first use.
type numbering struct {
	numbers []uint32 // plus one; 0 for none yet
	used    []uint32
}

func newNumbering(n int) *numbering { return &numbering{numbers: make([]uint32, n)} }

func (n *numbering) of(id uint32) uint32 {
	if n.numbers[id] == 0 {
		n.used = append(n.used, id)
		n.numbers[id] = uint32(len(n.used))
	}
	return n.numbers[id] - 1
}

// ReadIndex reads what [Index.WriteTo] wrote. The decisions of o are added to those of the snapshot, which they replace where they are about the
// same pair. The error wraps leadloop.ErrInvalid if the snapshot is of another format or another model, was changed, or is cut off; then it is
// best to fill a new index from the records.
func ReadIndex(r io.Reader, m *Model, o Options) (*Index, error) {
	said := o.Decisions
	o.Decisions = nil
	x, err := NewIndex(m, o)
	if err != nil {
		return nil, err
	}
	in := &snapshotReader{r: bufio.NewReaderSize(r, 1<<16), digest: sha256.New()}
	if err := in.index(x); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("match: %w: index: %w", leadloop.ErrInvalid, err)
	}
	for _, d := range said {
		if err := x.Decide(d); err != nil {
			return nil, err
		}
	}
	return x, nil
}

type snapshotReader struct {
	r       *bufio.Reader
	digest  hash.Hash
	pending []byte
	err     error
}

// ReadByte lets the digest see what binary.ReadUvarint reads.
func (s *snapshotReader) ReadByte() (byte, error) {
	b, err := s.r.ReadByte()
	if err == nil {
		s.see(b)
	}
	return b, err
}

func (s *snapshotReader) see(b ...byte) {
	s.pending = append(s.pending, b...)
	if len(s.pending) >= 1<<14 {
		s.digest.Write(s.pending)
		s.pending = s.pending[:0]
	}
}

// number reads one up to most.
func (s *snapshotReader) number(most uint64) int {
	if s.err != nil {
		return 0
	}
	n, err := binary.ReadUvarint(s)
	if err == nil && n > most {
		err = fmt.Errorf("a number is above %d", most)
	}
	s.err = err
	if err != nil {
		return 0
	}
	return int(n)
}

func (s *snapshotReader) text() string { return string(s.bytes(s.number(maxSnapshotText))) }

func (s *snapshotReader) bytes(n int) []byte {
	if s.err != nil {
		return nil
	}
	b := make([]byte, n)
	if _, s.err = io.ReadFull(s.r, b); s.err != nil {
		return nil
	}
	s.see(b...)
	return b
}

func (s *snapshotReader) index(x *Index) error {
	if b := s.bytes(len(indexMagic)); s.err == nil && string(b) != indexMagic {
		return errors.New("this is no snapshot of an index, or one of another version")
	}
	if digest := s.text(); s.err == nil && digest != x.model.Digest() {
		return errors.New("it was made with another model")
	}
	for i := range s.number(1 << 16) {
		if at, err := x.source(s.text()); s.err == nil && (err != nil || int(at) != i) {
			return errors.New("a source is there twice")
		}
	}
	ids := make([][]uint32, len(x.columns))
	for i, c := range x.columns {
		for n := s.number(maxSnapshotCount); n > 0 && s.err == nil; n-- {
			ids[i] = append(ids[i], c.keep(s.text(), &x.model.freqs[i]))
		}
	}
	cells := make([]uint32, len(x.columns))
	for n := s.number(maxSnapshotCount); n > 0 && s.err == nil; n-- {
		id, source := s.text(), s.number(uint64(max(len(x.names), 1)-1))
		for i := range cells {
			if v := s.number(uint64(max(len(ids[i]), 1) - 1)); s.err == nil && len(ids[i]) > 0 {
				cells[i] = ids[i][v]
			}
		}
		if s.err == nil {
			x.put(id, uint16(source), cells)
		}
	}
	for n := s.number(maxSnapshotCount); n > 0 && s.err == nil; n-- {
		d := Decision{A: s.text(), B: s.text(), Same: s.number(1) == 1}
		if s.err == nil {
			s.err = x.Decide(d)
		}
	}
	if s.err != nil {
		return s.err
	}
	s.digest.Write(s.pending)
	sum := make([]byte, sha256.Size)
	if _, err := io.ReadFull(s.r, sum); err != nil {
		return err
	}
	if !bytes.Equal(sum, s.digest.Sum(nil)) {
		return errors.New("its content does not fit its digest")
	}
	return nil
}
