package match

import "slices"

const (
	// fewRows is how many rows it takes to learn how common things are: a pair that is one among fewer makes common what it has in common. An address or
	// id of one's own is taken to be as rare as it usually is then.
	fewRows = 30
	// fewMatches is how many pairs of few rows are thought to be one at least.
	fewMatches = 0.5
)

func (l *learner) few() bool { return l.n.all < fewRows }

// own reports whether a column holds addresses or ids of one's own.
func (s *spec) own(column int) bool {
	return slices.ContainsFunc(s.comparisons, func(c comparison) bool { return c.own && c.column == column })
}

// kind is that of the values that a comparison compares.
func (s *spec) kind(k int) Kind { return s.columns[s.comparisons[k].column].kind }
