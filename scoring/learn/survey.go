package learn

import (
	"context"
	"math"
	"slices"
	"strings"
)

// Limits of what is held of a column while it is looked at.
const (
	maxValues = 60_000 // distinct texts that are counted
	maxSample = 100_000
	// allSamples is how many numbers are held of all columns together.
	allSamples = 4_000_000
	// Fractions are numbers, whose distinct values nobody needs.
	maxFractions = 2_000
)

// survey is what one pass over the table tells of a column.
type survey struct {
	name    string
	rows    int
	missing int
	numbers int
	whole   int // of numbers
	words   int // of texts, at most 50 a cell
	unread  int // the first row with a text, from 1; 0 for none
	low     float64
	high    float64

	commas  bool // decimals stand behind a comma, once that is decided
	decided bool
	first   []waiting // until then
	taken   int

	values   map[string]int32
	overflow int // cells whose value came after the map was full
	sample   []float64
	stride   int
	room     int   // for numbers
	dates    []int // by form, -1 first

	keep     bool // keeps cells themselves, for the times of the table
	kept     []string
	keepEach int
}

func newSurvey(name string) *survey {
	return &survey{name: name, values: map[string]int32{}, stride: 1, keepEach: 1, low: math.Inf(1), high: math.Inf(-1), dates: make([]int, len(dateForms)+1)}
}

func (s *survey) add(cell string) {
	s.rows++
	if missing(cell) {
		s.missing++
		return
	}
	if s.keep && s.rows%s.keepEach == 0 {
		if s.kept = append(s.kept, strings.Clone(cell)); len(s.kept) == maxSample {
			for i := range maxSample / 2 {
				s.kept[i] = s.kept[2*i+1]
			}
			s.kept, s.keepEach = s.kept[:maxSample/2], s.keepEach*2
		}
	}
	if s.decided {
		s.take(cell, s.rows)
		return
	}
	if s.first = append(s.first, waiting{strings.Clone(cell), s.rows}); len(s.first) == firstRows {
		s.decide()
	}
}

// waiting is a cell that came before it was known how numbers are written.
type waiting struct {
	cell string
	row  int
}

// decide says how numbers are written, and takes the cells that waited for it.
func (s *survey) decide() {
	if s.decided {
		return
	}
	cells := make([]string, len(s.first))
	for i, w := range s.first {
		cells[i] = w.cell
	}
	s.commas, s.decided = decimalCommas(cells), true
	for _, w := range s.first {
		s.take(w.cell, w.row)
	}
	s.first = nil
}

// take looks at a cell that says something.
func (s *survey) take(cell string, row int) {
	s.taken++
	f, number := toNumber(cell, s.commas)
	if n, ok := s.values[cell]; ok {
		s.values[cell] = n + 1
	} else if len(s.values) < maxValues && (!number || f == math.Trunc(f) || len(s.values) < maxFractions) {
		s.values[strings.Clone(cell)] = 1 // not a part of its row, which would be kept whole
	} else {
		s.overflow++
	}
	if number {
		s.numbers++
		if f == math.Trunc(f) {
			s.whole++
		}
		s.low, s.high = min(s.low, f), max(s.high, f)
		if s.numbers%s.stride == 0 {
			if s.sample = append(s.sample, f); len(s.sample) == s.room {
				// Every other one goes, and from now on every other one comes.
				for i := range s.room / 2 {
					s.sample[i] = s.sample[2*i+1]
				}
				s.sample, s.stride = s.sample[:s.room/2], s.stride*2
			}
		}
		// A number of eight digits may be a day.
		if len(cell) != 8 {
			return
		}
	} else {
		if s.unread == 0 {
			s.unread = row
		}
		s.words += min(50, 1+strings.Count(cell, " "))
	}
	for form := dateForm(-1); int(form) < len(dateForms); form++ {
		// A form that most cells before were not written in is not tried.
		if s.taken > 100 && s.dates[form+1] < s.taken/4 {
			continue
		}
		if _, ok := parseDate(cell, form); ok {
			s.dates[form+1]++
		}
	}
}

func (s *survey) filled() int { return s.rows - s.missing }

// distinct is how many values there are; more says that there are at least so
// many.
func (s *survey) distinct() (n int, more bool) { return len(s.values), s.overflow > 0 }

// date is the form that most dates of the column are written in.
func (s *survey) date() (form dateForm, n int) {
	for f := dateForm(-1); int(f) < len(dateForms); f++ {
		if s.dates[f+1] > n {
			form, n = f, s.dates[f+1]
		}
	}
	return form, n
}

// Kind is what the values of a column are.
type Kind string

// The kinds of columns. Signals are numbers and categories.
const (
	KindNumber   Kind = "number"
	KindCategory Kind = "category"
	KindDate     Kind = "date"
	KindText     Kind = "text"     // free text, most values different
	KindID       Kind = "id"       // tells rows apart and nothing else
	KindConstant Kind = "constant" // says the same in every row
	KindEmpty    Kind = "empty"
)

// kind types the column.
func (s *survey) kind() Kind {
	n := s.filled()
	distinct, more := s.distinct()
	if n == 0 {
		return KindEmpty
	}
	if distinct == 1 && s.missing == 0 {
		return KindConstant
	}
	if _, d := s.date(); float64(d) >= .9*float64(n) && (s.numbers < n || s.low >= 19000101) {
		return KindDate
	}
	// Values that came when there was no room may be new, or not.
	unique := float64(distinct+s.overflow) > .9*float64(n)
	if float64(s.numbers) >= .95*float64(n) {
		// Whole numbers that all differ count the rows, or are long codes.
		span := s.high - s.low + 1
		if unique && !more && distinct == n && n >= 50 && s.whole == s.numbers && (idName(s.name) || span <= 2*float64(n) || s.low >= 1e8) {
			return KindID
		}
		if unique && more && s.whole == s.numbers && (idName(s.name) || span <= 2*float64(n)) {
			return KindID
		}
		return KindNumber
	}
	wordy := float64(s.words) >= 3*float64(n-s.numbers)
	switch {
	case n >= 20 && unique && !wordy:
		return KindID
	case n >= 20 && wordy && float64(distinct+s.overflow) > .5*float64(n):
		return KindText
	}
	return KindCategory
}

// idName reports whether a column is called an id.
func idName(name string) bool {
	words := nameWords(name)
	return slices.ContainsFunc(words, func(w string) bool {
		return w == "id" || w == "uuid" || w == "guid" || w == "key" || w == "row" || w == "index" || w == "number" || w == "nr" || w == "no"
	})
}

// nameWords takes the name of a column apart: "dealStage_2" is deal, stage, 2.
func nameWords(name string) []string {
	var words []string
	var word strings.Builder
	flush := func() {
		if word.Len() > 0 {
			words = append(words, strings.ToLower(word.String()))
			word.Reset()
		}
	}
	before := ' '
	for _, c := range name {
		switch {
		case !letter(c) && (c < '0' || c > '9'):
			flush()
		case c >= 'A' && c <= 'Z' && before >= 'a' && before <= 'z':
			flush()
			word.WriteRune(c)
		default:
			word.WriteRune(c)
		}
		before = c
	}
	flush()
	return words
}

func letter(c rune) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c > 0x7f }

// look surveys the columns of a table.
func look(ctx context.Context, src Source, times string, progress func(rows int)) ([]*survey, int, error) {
	columns := src.Columns()
	all := make([]*survey, len(columns))
	for i, name := range columns {
		all[i] = newSurvey(name)
		all[i].room = max(2_000, min(maxSample, allSamples/len(columns)))
		all[i].keep = name == times && times != ""
	}
	rows := 0
	for row, err := range src.Rows(ctx) {
		if err != nil {
			return nil, 0, err
		}
		for i, cell := range row {
			all[i].add(strings.TrimSpace(cell))
		}
		if rows++; rows%progressEvery == 0 && progress != nil {
			progress(rows)
		}
	}
	for _, s := range all {
		s.decide()
	}
	return all, rows, nil
}

// progressEvery is after how many rows a caller hears of it.
const progressEvery = 10_000
