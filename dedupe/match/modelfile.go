package match

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/leadloop/leadloop"
)

// modelVersion is that of the file format. Another one is refused, as the levels could mean something else.
const modelVersion = 5

type modelFile struct {
	Version     int              `json:"version"`
	Digest      string           `json:"digest"` // of the file with this empty
	Fields      []Field          `json:"fields"`
	Prior       float64          `json:"prior"`
	Comparisons []comparisonFile `json:"comparisons"`
	Keys        []keyFile        `json:"keys"`
	Columns     []columnFile     `json:"columns"`
	Report      Report           `json:"report"`
}

type comparisonFile struct {
	Name   string      `json:"name"`
	Levels []string    `json:"levels"`
	M      []float64   `json:"m"`
	U      [][]float64 `json:"u"`               // alone, then for each parent by its levels but for the missing one
	Given  []string    `json:"given,omitempty"` // the parents
	Ref    []float64   `json:"ref"`
}

type keyFile struct {
	Name string `json:"name"`
	Cap  int    `json:"cap"`
}

// columnFile holds counts by the hash of a value, so that no value is in the file.
type columnFile struct {
	Name   string  `json:"name"`
	Rows   int     `json:"rows"`
	Counts []count `json:"counts,omitempty"`
	Words  []count `json:"words,omitempty"`
	// Seldom is how many rows a value counts for that so many rows have, from none up; empty if as many.
	Seldom []float64 `json:"seldom,omitempty"`
	// Within is the column by whose values the frequencies of names differ, WithinBits by how much, WithinCounts the counts of both together.
	Within       string  `json:"within,omitempty"`
	WithinBits   float64 `json:"within_bits,omitempty"`
	WithinCounts []count `json:"within_counts,omitempty"`
}

// count is written as ["hash", n].
type count struct {
	hash uint64
	n    uint32
}

func (c count) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, `["%016x",%d]`, c.hash, c.n), nil
}

func (c *count) UnmarshalJSON(data []byte) error {
	var parts [2]json.RawMessage
	var hash string
	if err := json.Unmarshal(data, &parts); err != nil {
		return err
	}
	if err := json.Unmarshal(parts[0], &hash); err != nil {
		return err
	}
	h, err := strconv.ParseUint(hash, 16, 64)
	if err != nil {
		return fmt.Errorf("a hash of 16 hexadecimal digits is needed: %w", err)
	}
	c.hash = h
	return json.Unmarshal(parts[1], &c.n)
}

// maxCounts is how many values of a column a model remembers: the commonest.
const maxCounts = 1 << 16

func sortedCounts(m map[uint64]uint32) []count {
	out := make([]count, 0, len(m))
	for h, n := range m {
		out = append(out, count{h, n})
	}
	slices.SortFunc(out, func(a, b count) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.hash, b.hash)) })
	return out
}

// trim keeps the commonest values, so that a model is the same before and after it was written.
func (f *frequencies) trim() {
	for _, m := range []map[uint64]uint32{f.Counts, f.Words, f.Within.Counts} {
		if len(m) <= maxCounts {
			continue
		}
		for _, c := range sortedCounts(m)[maxCounts:] {
			delete(m, c.hash)
		}
	}
}

// Fields returns the fields that records need to have.
func (m *Model) Fields() []Field { return slices.Clone(m.spec.fields) }

// Report says what the model was learnt from.
func (m *Model) Report() Report {
	r := m.report
	r.Keys, r.Warnings = slices.Clone(r.Keys), slices.Clone(r.Warnings)
	return r
}

// Digest identifies the model: equal digests mean equal scores.
func (m *Model) Digest() string { return m.digest }

// MarshalJSON writes the model. It holds no values, only hashes of the common ones with their counts; who has a value can check whether it is
// among them.
func (m *Model) MarshalJSON() ([]byte, error) {
	f := m.file()
	f.Digest = m.digest
	return json.Marshal(f)
}

// file is the model without its digest.
func (m *Model) file() *modelFile {
	f := &modelFile{Version: modelVersion, Fields: m.spec.fields, Prior: m.params.prior, Report: m.report}
	for k, c := range m.spec.comparisons {
		x := comparisonFile{Name: c.name, Levels: c.levels, M: m.params.m[k], Ref: m.params.ref[k], U: [][]float64{m.params.u[k][0]}}
		for place, p := range m.params.parents[k] {
			x.Given = append(x.Given, m.spec.comparisons[p].name)
			x.U = append(x.U, m.params.u[k][place*maxLevels+1:place*maxLevels+len(m.spec.comparisons[p].levels)]...)
		}
		f.Comparisons = append(f.Comparisons, x)
	}
	for i, k := range m.keys {
		f.Keys = append(f.Keys, keyFile{k.name, m.caps[i]})
	}
	for i, c := range m.spec.columns {
		q := &m.freqs[i]
		x := columnFile{Name: c.name, Rows: q.Rows, Counts: sortedCounts(q.Counts), Words: sortedCounts(q.Words), Seldom: q.Seldom}
		if k := q.Within.Column; k > 0 {
			x.Within, x.WithinBits, x.WithinCounts = m.spec.columns[k-1].name, q.Within.Bits, sortedCounts(q.Within.Counts)
		}
		f.Columns = append(f.Columns, x)
	}
	return f
}

func (f *modelFile) sum() string {
	g := *f
	g.Digest = ""
	data, err := json.Marshal(&g)
	if err != nil { // a number that JSON has no form for, which checks keep out
		return "invalid"
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}

// ParseModel reads what [Model.MarshalJSON] wrote. The error wraps leadloop.ErrInvalid if the file is of another version, was changed, or does not
// fit together.
func ParseModel(data []byte) (*Model, error) {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("match: %w: model: %w", leadloop.ErrInvalid, fmt.Errorf(format, args...))
	}
	var f modelFile
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&f); err != nil {
		return nil, bad("%w", err)
	}
	if f.Version != modelVersion {
		return nil, bad("version %d; this program reads version %d", f.Version, modelVersion)
	}
	if got := f.sum(); got != f.Digest {
		return nil, bad("its content does not fit its digest")
	}
	s, err := newSpec(f.Fields)
	if err != nil {
		return nil, err
	}
	m := &Model{spec: s, params: newParams(s), report: f.Report, digest: f.Digest}
	if len(f.Comparisons) != len(s.comparisons) || len(f.Columns) != len(s.columns) {
		return nil, bad("%d comparisons and %d columns; its fields need %d and %d", len(f.Comparisons), len(f.Columns), len(s.comparisons), len(s.columns))
	}
	m.params.prior = f.Prior
	for k := range f.Comparisons {
		if err := m.readComparison(k, &f.Comparisons[k]); err != nil {
			return nil, bad("comparison %q: %w", s.comparisons[k].name, err)
		}
	}
	m.params.weigh()
	m.scale = newScale(&m.params, s)
	all := s.keys()
	for _, k := range f.Keys {
		at := slices.IndexFunc(all, func(b blockKey) bool { return b.name == k.Name })
		if at < 0 || k.Cap < 2 || len(m.keys) == triedKeys {
			return nil, bad("unknown blocking key %q", k.Name)
		}
		m.keys, m.numbers, m.caps = append(m.keys, all[at]), append(m.numbers, at), append(m.caps, k.Cap)
	}
	for i, c := range f.Columns {
		if c.Name != s.columns[i].name {
			return nil, bad("column %q where %q was expected", c.Name, s.columns[i].name)
		}
		if slices.ContainsFunc(c.Seldom, func(rows float64) bool { return !(rows > 0) || math.IsInf(rows, 0) }) {
			return nil, bad("column %q: a value that seldom occurs counts for no rows", c.Name)
		}
		q := frequencies{Rows: c.Rows, Counts: map[uint64]uint32{}, Words: map[uint64]uint32{}, Seldom: c.Seldom}
		for _, x := range c.Counts {
			q.Counts[x.hash] = x.n
		}
		for _, x := range c.Words {
			q.Words[x.hash] = x.n
		}
		if c.Within != "" {
			at := slices.IndexFunc(s.columns, func(o columnSpec) bool { return o.name == c.Within })
			if at < 0 || math.IsNaN(c.WithinBits) || math.IsInf(c.WithinBits, 0) {
				return nil, bad("column %q: names depend on %q, which is no column", c.Name, c.Within)
			}
			q.Within = within{at + 1, c.WithinBits, map[uint64]uint32{}}
			for _, x := range c.WithinCounts {
				q.Within.Counts[x.hash] = x.n
			}
		}
		m.freqs = append(m.freqs, q)
	}
	return m, nil
}

func (m *Model) readComparison(k int, f *comparisonFile) error {
	c := &m.spec.comparisons[k]
	p := &m.params
	if f.Name != c.name || !slices.Equal(f.Levels, c.levels) {
		return fmt.Errorf("levels %q of %q where those of %q were expected", f.Levels, f.Name, c.name)
	}
	if len(f.Given) > maxParents || len(f.M) != len(c.levels) || len(f.Ref) != len(c.levels) || len(f.U) == 0 {
		return fmt.Errorf("not a number for each level")
	}
	copy(p.m[k], f.M)
	copy(p.ref[k], f.Ref)
	rows := [][]float64{p.u[k][0]}
	for place, name := range f.Given {
		parent := slices.IndexFunc(m.spec.comparisons, func(o comparison) bool { return o.name == name })
		if parent < 0 || parent == k {
			return fmt.Errorf("it depends on %q, which is no other comparison", name)
		}
		p.parents[k] = append(p.parents[k], parent)
		rows = append(rows, p.u[k][place*maxLevels+1:place*maxLevels+len(m.spec.comparisons[parent].levels)]...)
	}
	if len(f.U) != len(rows) {
		return fmt.Errorf("%d rows of shares where %d were expected", len(f.U), len(rows))
	}
	for _, row := range p.u[k][1:] {
		copy(row, f.U[0])
	}
	for i, row := range f.U {
		if len(row) != len(c.levels) {
			return fmt.Errorf("not a number for each level")
		}
		for l := 1; l < len(row); l++ {
			if !(row[l] > 0) || !(f.M[l] > 0) || math.IsInf(row[l], 0) || math.IsInf(f.M[l], 0) {
				return fmt.Errorf("level %q has a share that is not above 0", c.levels[l])
			}
		}
		copy(rows[i], row)
	}
	return nil
}
