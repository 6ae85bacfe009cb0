package learn

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// Sizes of the fine grid that values are counted on. A code is a byte.
const (
	maxNumbers = 120 // bands of a number
	maxLevels  = 240 // values of a category
	// minLevel is how often a value must occur to be kept by name: what fewer
	// leads have is counted together, so that no file names what only one
	// person said.
	minLevel = 10
)

// Codes of a column: nothing, and what is none of the levels.
const (
	codeMissing = 0
	codeOther   = 1
)

// axis is how the values of one column are counted: bands of a number, or
// levels of a category. Once rows have been counted it only becomes coarser.
type axis struct {
	Column string `json:"column"`
	Field  string `json:"field"`
	Kind   Kind   `json:"kind"`
	// Edges of a number: code 1 is below the first, code k+1 from the k-th edge
	// on. Levels of a category: code k+2 is the k-th.
	Edges  []float64 `json:"edges,omitempty"`
	Levels []string  `json:"levels,omitempty"`
	// Whole says that the field holds whole numbers; the edges then are.
	Whole bool `json:"whole,omitempty"`
	// Commas says that decimals stand behind a comma.
	Commas bool `json:"decimal_commas,omitempty"`

	index    map[string]uint8
	frequent []int64 // rows by code of a category, if it was asked
}

func (a *axis) code(cell string) uint8 {
	if missing(cell) {
		return codeMissing
	}
	if a.Kind == KindNumber {
		f, ok := toNumber(cell, a.Commas)
		if !ok {
			return codeMissing
		}
		return a.codeOf(f)
	}
	if c, ok := a.index[cell]; ok {
		return c
	}
	return codeOther
}

func (a *axis) codeOf(f float64) uint8 {
	return uint8(1 + sort.Search(len(a.Edges), func(i int) bool { return a.Edges[i] > f }))
}

// codes is how many codes there are.
func (a *axis) codes() int {
	if a.Kind == KindNumber {
		return len(a.Edges) + 2
	}
	return len(a.Levels) + 2
}

// named is the first group of the column that is a band or a value: before it
// comes what is missing, and of a category other values.
func (a *axis) named() int {
	if a.Kind == KindNumber {
		return groupMissing + 1
	}
	return groupOther + 1
}

// wholeEdges moves edges up to whole numbers, which parts whole numbers as
// before.
func (a *axis) wholeEdges() {
	a.Whole = true
	for i, e := range a.Edges {
		a.Edges[i] = math.Ceil(e)
	}
	a.Edges = slices.Compact(a.Edges)
}

func (a *axis) reindex() {
	a.index = make(map[string]uint8, len(a.Levels))
	for i, l := range a.Levels {
		a.index[l] = uint8(i + 2)
	}
}

// newAxis makes the grid of a column from what was seen of it.
func newAxis(s *survey, kind Kind) *axis {
	a := &axis{Column: s.name, Kind: kind, Commas: s.commas}
	if kind == KindNumber {
		a.Edges = bandEdges(s.sample)
		return a
	}
	type level struct {
		value string
		n     int32
	}
	var all []level
	for v, n := range s.values {
		if n >= minLevel {
			all = append(all, level{v, n})
		}
	}
	slices.SortFunc(all, func(a, b level) int { return cmp.Or(cmp.Compare(b.n, a.n), strings.Compare(a.value, b.value)) })
	for _, l := range all[:min(len(all), maxLevels)] {
		a.Levels = append(a.Levels, l.value)
	}
	slices.Sort(a.Levels)
	a.frequent = make([]int64, a.codes())
	for i, l := range a.Levels {
		a.frequent[i+2] = int64(s.values[l])
	}
	a.reindex()
	return a
}

// bandEdges cuts numbers into bands with about as many rows each, or one for
// each value if there are few. An edge is the roundest number between the two
// values that it parts.
func bandEdges(sample []float64) []float64 {
	sorted := slices.Clone(sample)
	slices.Sort(sorted)
	var (
		edges []float64
		few   = slices.Clone(sorted)
	)
	few = slices.Compact(few)
	if len(few) <= maxNumbers {
		for i := 1; i < len(few); i++ {
			edges = append(edges, roundest(few[i-1], few[i]))
		}
		return edges
	}
	for k := 1; k < maxNumbers; k++ {
		at := k * len(sorted) / maxNumbers
		v := sorted[at]
		first := sort.SearchFloat64s(sorted, v) // where v begins
		if first == 0 {
			continue
		}
		e := roundest(sorted[first-1], v)
		if len(edges) == 0 || e > edges[len(edges)-1] {
			edges = append(edges, e)
		}
	}
	return edges
}

// roundest is the number with the fewest digits in (low, high].
func roundest(low, high float64) float64 {
	for digits := 1; digits <= 17; digits++ {
		f, err := strconv.ParseFloat(strconv.FormatFloat(high, 'e', digits-1, 64), 64)
		if err == nil && f > low && f <= high {
			return f
		}
		// Rounding may have gone up; one unit of the last digit less.
		if f > high && err == nil && high != 0 {
			unit := math.Pow(10, math.Floor(math.Log10(math.Abs(high)))-float64(digits-1))
			if g, err := strconv.ParseFloat(strconv.FormatFloat(f-unit, 'e', digits-1, 64), 64); err == nil && g > low && g <= high {
				return g
			}
		}
	}
	return high
}

// fieldNames gives every column a field of its own: lead.<name>, in lower case.
// taken are names that can't be used.
func fieldNames(columns []string, said map[string]string, taken func(name string) bool) []string {
	out, used := make([]string, len(columns)), map[string]bool{}
	for i, c := range columns {
		if f := said[c]; f != "" {
			if !strings.Contains(f, ".") {
				f = "lead." + f
			}
			out[i], used[f] = f, true
		}
	}
	for i, c := range columns {
		if out[i] != "" {
			continue
		}
		base := "lead." + Slug(c)
		if taken(base) {
			base += numberMark
		}
		name := base
		for k := 2; used[name] || taken(name); k++ {
			name = base + "_" + strconv.Itoa(k)
		}
		out[i], used[name] = name, true
	}
	return out
}

// numberMark tells a number from the text that the standard field of its name
// is.
const numberMark = "_number"

// Slug makes an identifier of a column's name: "Emp. var rate" is
// emp_var_rate. Letters that rules can't spell are left out.
func Slug(column string) string {
	var b strings.Builder
	for i, w := range nameWords(column) {
		if i > 0 {
			b.WriteByte('_')
		}
		for _, c := range w {
			if c < 0x80 {
				b.WriteRune(c)
			}
		}
	}
	s := strings.Trim(b.String(), "_")
	if s == "" || s[0] >= '0' && s[0] <= '9' {
		s = "column_" + s
	}
	if len(s) > 40 {
		s = strings.TrimRight(s[:40], "_")
	}
	if s = strings.TrimRight(s, "_"); reserved[s] {
		s += "_column"
	}
	return s
}

// reserved are words that no name of a field can be in the language of rules.
var reserved = wordSet("as break const continue else false for function if import in let loop namespace null package return true var void while")
