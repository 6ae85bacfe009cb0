// Package measure says how good a matcher's answer is where the truth is known.
//
// It counts pairs from the sizes of clusters, never by enumerating them, so
// that a cluster of a million costs no more than its members. It does not know
// how an answer was found.
//
// Start with [CountPairs] and [BCubed]; for probabilities, with [Calibration].
package measure

import (
	"cmp"
	"math"
	"slices"
)

// Pairs counts pairs of records: that are duplicates, that were said to be, and both.
type Pairs struct{ True, Predicted, Both int64 }

// Precision is the share of the pairs said to be duplicates that are; 1 if none was said.
func (p Pairs) Precision() float64 { return share(p.Both, p.Predicted) }

// Recall is the share of the duplicates that were found; 1 if there are none.
func (p Pairs) Recall() float64 { return share(p.Both, p.True) }

// F1 is the harmonic mean of precision and recall, 2·Both / (True + Predicted); 1 if there are no duplicates and none was said.
func (p Pairs) F1() float64 { return share(2*p.Both, p.True+p.Predicted) }

func share(part, whole int64) float64 {
	if whole == 0 {
		return 1
	}
	return float64(part) / float64(whole)
}

// CountPairs compares two clusterings of the same records, given as one label per record: records with equal labels are one cluster. It counts
// pairs within clusters, Σ n(n−1)/2 over the sizes n, so that a cluster of a million costs no more than its members. Labels must be of equal
// number; it panics otherwise.
func CountPairs[T, P comparable](truth []T, predicted []P) Pairs {
	cells := contingency(truth, predicted)
	var out Pairs
	for _, n := range cells.truth {
		out.True += pairsOf(n)
	}
	for _, n := range cells.predicted {
		out.Predicted += pairsOf(n)
	}
	for _, n := range cells.both {
		out.Both += pairsOf(n)
	}
	return out
}

func pairsOf(n int64) int64 { return n * (n - 1) / 2 }

type cell[T, P comparable] struct {
	truth     T
	predicted P
}

// table holds how many records each cluster and each intersection has.
type table[T, P comparable] struct {
	truth     map[T]int64
	predicted map[P]int64
	both      map[cell[T, P]]int64
}

func contingency[T, P comparable](truth []T, predicted []P) table[T, P] {
	if len(truth) != len(predicted) {
		panic("matchtest: as many labels as records are needed")
	}
	out := table[T, P]{map[T]int64{}, map[P]int64{}, map[cell[T, P]]int64{}}
	for i := range truth {
		out.truth[truth[i]]++
		out.predicted[predicted[i]]++
		out.both[cell[T, P]{truth[i], predicted[i]}]++
	}
	return out
}

// BCubed returns B³ precision, recall and F1 of a clustering (Bagga and Baldwin 1998): the mean over records of the share of the record's cluster
// that is its entity, and of its entity that is in its cluster. Labels as for [CountPairs]. Without records all are 1.
func BCubed[T, P comparable](truth []T, predicted []P) (precision, recall, f1 float64) {
	if len(truth) == 0 && len(predicted) == 0 {
		return 1, 1, 1
	}
	cells := contingency(truth, predicted)
	// Summed in the order of the records: maps have none, and sums of floats depend on it.
	for i := range truth {
		both := float64(cells.both[cell[T, P]{truth[i], predicted[i]}])
		precision += both / float64(cells.predicted[predicted[i]])
		recall += both / float64(cells.truth[truth[i]])
	}
	precision, recall = precision/float64(len(truth)), recall/float64(len(truth))
	return precision, recall, 2 * precision * recall / (precision + recall)
}

// Scored is a pair of records that a matcher scored.
type Scored struct {
	Score float64 // a probability in [0, 1] for [Calibration]; anything that orders for [Curve]
	Same  bool    // the truth
}

// Point is what a threshold gives.
type Point struct {
	Threshold float64 // pairs with this score or more are said to be duplicates
	Pairs     Pairs
}

// Curve returns one point per distinct score, from the highest: what all pairs with that score or more give. Unseen is how many duplicates are
// not among the pairs, because no block held both. It does not modify pairs.
func Curve(pairs []Scored, unseen int64) []Point {
	sorted := slices.Clone(pairs)
	slices.SortFunc(sorted, func(a, b Scored) int { return cmp.Compare(b.Score, a.Score) })
	total := unseen
	for _, p := range sorted {
		if p.Same {
			total++
		}
	}
	var out []Point
	at := Pairs{True: total}
	for i, p := range sorted {
		at.Predicted++
		if p.Same {
			at.Both++
		}
		if i+1 == len(sorted) || sorted[i+1].Score != p.Score {
			out = append(out, Point{p.Score, at})
		}
	}
	return out
}

// At returns the counts of a curve (in falling order of thresholds) at a threshold that need not be among its points.
func At(curve []Point, threshold float64) Pairs {
	i, _ := slices.BinarySearchFunc(curve, threshold, func(p Point, t float64) int { return cmp.Compare(t, p.Threshold) })
	switch {
	case i < len(curve) && curve[i].Threshold == threshold:
		return curve[i].Pairs
	case i > 0:
		return curve[i-1].Pairs
	case len(curve) > 0:
		return Pairs{True: curve[0].Pairs.True}
	}
	return Pairs{}
}

// Regret returns how much F1 the threshold gives away against the best point of the curve, and that point, the one with the highest threshold among
// equals. A curve over clusterings works as well as one over pairs. It is 0 where no point is better, also for an empty curve.
func Regret(curve []Point, threshold float64) (regret float64, best Point) {
	here := At(curve, threshold).F1()
	for i, p := range curve {
		if i == 0 || p.Pairs.F1() > best.Pairs.F1() {
			best = p
		}
	}
	if len(curve) == 0 {
		return 0, Point{}
	}
	return max(0, best.Pairs.F1()-here), best
}

// Bin is what a matcher said of the pairs with scores in [Low, High), and what is true; the last bin holds the score 1 too.
type Bin struct {
	Low, High float64
	Pairs     int64
	Said      float64 // mean score
	Same      float64 // share that are duplicates
}

// Calibration returns the expected calibration error: the mean over pairs of |said − same| of their bin, for bins of equal width over [0, 1].
// Ten bins are usual. Empty bins are left out of the list. It panics if a score is not in [0, 1] or bins is not positive.
func Calibration(pairs []Scored, bins int) (ece float64, reliability []Bin) {
	if bins <= 0 {
		panic("matchtest: bins must be positive")
	}
	all := make([]Bin, bins)
	for _, p := range pairs {
		if !(p.Score >= 0 && p.Score <= 1) {
			panic("matchtest: a score is no probability")
		}
		b := &all[min(int(p.Score*float64(bins)), bins-1)]
		b.Pairs++
		b.Said += p.Score
		if p.Same {
			b.Same++
		}
	}
	for i, b := range all {
		if b.Pairs == 0 {
			continue
		}
		b.Low, b.High = float64(i)/float64(bins), float64(i+1)/float64(bins)
		b.Said, b.Same = b.Said/float64(b.Pairs), b.Same/float64(b.Pairs)
		ece += math.Abs(b.Said-b.Same) * float64(b.Pairs) / float64(len(pairs))
		reliability = append(reliability, b)
	}
	return ece, reliability
}

// Top counts single answers, one per question: the zero value of the answer's type stands for "none".
type Top struct {
	Right    int // the answer, or rightly none
	Wrong    int // another answer than the true one
	Missed   int // none, though there is one
	Invented int // an answer, though there is none
}

// TopOne compares the best answer to each question with the true one, such as the account of each lead. It panics if there are not as many.
func TopOne[A comparable](truth, got []A) Top {
	if len(truth) != len(got) {
		panic("matchtest: as many answers as questions are needed")
	}
	var none A
	var t Top
	for i := range truth {
		switch {
		case truth[i] == got[i]:
			t.Right++
		case got[i] == none:
			t.Missed++
		case truth[i] == none:
			t.Invented++
		default:
			t.Wrong++
		}
	}
	return t
}

// Accuracy is the share of right answers; 1 without questions.
func (t Top) Accuracy() float64 {
	return share(int64(t.Right), int64(t.Right+t.Wrong+t.Missed+t.Invented))
}
