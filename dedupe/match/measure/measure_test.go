package measure_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop/dedupe/match/measure"
)

func TestCountPairsOfWorkedExamples(t *testing.T) {
	for _, tc := range []struct {
		name             string
		truth, predicted []int
		want             measure.Pairs
		p, r, f1         float64
	}{
		{"three and two records, one put with the wrong ones", []int{1, 1, 1, 2, 2}, []int{7, 7, 8, 8, 8}, measure.Pairs{True: 4, Predicted: 4, Both: 2}, .5, .5, .5},
		{"all in one cluster", []int{1, 1, 2, 3}, []int{0, 0, 0, 0}, measure.Pairs{True: 1, Predicted: 6, Both: 1}, 1. / 6, 1, 2. / 7},
		{"nothing found", []int{1, 1, 2, 2}, []int{1, 2, 3, 4}, measure.Pairs{True: 2}, 1, 0, 0},
		{"nothing to find and nothing found", []int{1, 2}, []int{5, 6}, measure.Pairs{}, 1, 1, 1},
		{"no records", nil, nil, measure.Pairs{}, 1, 1, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := measure.CountPairs(tc.truth, tc.predicted)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			want := []float64{tc.p, tc.r, tc.f1}
			if diff := cmp.Diff(want, []float64{got.Precision(), got.Recall(), got.F1()}, cmpopts.EquateApprox(0, 1e-12)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCountPairsEqualsEnumeration(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 30).Draw(t, "records")
		labels := rapid.SliceOfN(rapid.IntRange(0, 6), n, n)
		truth, predicted := labels.Draw(t, "truth"), labels.Draw(t, "predicted")
		var want measure.Pairs
		for i := range n {
			for j := range i {
				if truth[i] == truth[j] {
					want.True++
				}
				if predicted[i] == predicted[j] {
					want.Predicted++
				}
				if truth[i] == truth[j] && predicted[i] == predicted[j] {
					want.Both++
				}
			}
		}
		if diff := cmp.Diff(want, measure.CountPairs(truth, predicted)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestBCubedOfWorkedExamples(t *testing.T) {
	for _, tc := range []struct {
		name             string
		truth, predicted []string
		p, r, f1         float64
	}{
		// Of the cluster {a a b}: two records with 2/3 and one with 1/3; of {b}: 1. Recall: a 1, 1; b 1/2, 1/2.
		{"one record in the wrong cluster", []string{"a", "a", "b", "b"}, []string{"x", "x", "x", "y"}, 2. / 3, .75, 12. / 17},
		{"everything right", []string{"a", "b"}, []string{"y", "x"}, 1, 1, 1},
		{"everything apart", []string{"a", "a"}, []string{"x", "y"}, 1, .5, 2. / 3},
		{"no records", nil, nil, 1, 1, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, r, f1 := measure.BCubed(tc.truth, tc.predicted)
			if diff := cmp.Diff([]float64{tc.p, tc.r, tc.f1}, []float64{p, r, f1}, cmpopts.EquateApprox(0, 1e-12)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCurveCountsTiesTogetherAndWhatNoBlockHeld(t *testing.T) {
	pairs := []measure.Scored{{Score: .2}, {Score: .9, Same: true}, {Score: .5}, {Score: .5, Same: true}}
	curve := measure.Curve(pairs, 1)
	want := []measure.Point{
		{Threshold: .9, Pairs: measure.Pairs{True: 3, Predicted: 1, Both: 1}},
		{Threshold: .5, Pairs: measure.Pairs{True: 3, Predicted: 3, Both: 2}},
		{Threshold: .2, Pairs: measure.Pairs{True: 3, Predicted: 4, Both: 2}},
	}
	if diff := cmp.Diff(want, curve); diff != "" {
		t.Error(diff)
	}
	for threshold, predicted := range map[float64]int64{1: 0, .9: 1, .8: 1, .5: 3, .3: 3, 0: 4} {
		if got := measure.At(curve, threshold).Predicted; got != predicted {
			t.Errorf("at %v: %d pairs, want %d", threshold, got, predicted)
		}
	}
	// F1 is 1/2, 2/3 and 4/7.
	regret, best := measure.Regret(curve, .8)
	if math.Abs(regret-1./6) > 1e-12 || best.Threshold != .5 {
		t.Errorf("regret %v, best at %v; want 1/6 at .5", regret, best.Threshold)
	}
	if regret, _ := measure.Regret(curve, .5); regret != 0 {
		t.Errorf("the best threshold has regret %v", regret)
	}
	if regret, _ := measure.Regret(nil, .5); regret != 0 {
		t.Errorf("no curve has regret %v", regret)
	}
}

func TestCalibrationOfAWorkedExample(t *testing.T) {
	// [0, .5): said .2 and .4, mean .3, none is: .3 over 2 of 4. [.5, 1]: said .8 and 1, mean .9, half are: .4 over 2 of 4.
	pairs := []measure.Scored{{Score: .2}, {Score: .4}, {Score: .8, Same: true}, {Score: 1}}
	ece, bins := measure.Calibration(pairs, 2)
	want := []measure.Bin{{Low: 0, High: .5, Pairs: 2, Said: .3}, {Low: .5, High: 1, Pairs: 2, Said: .9, Same: .5}}
	if diff := cmp.Diff(want, bins, cmpopts.EquateApprox(0, 1e-12)); diff != "" {
		t.Error(diff)
	}
	if math.Abs(ece-.35) > 1e-12 {
		t.Errorf("error %v, want .35", ece)
	}
	sure := []measure.Scored{{Score: 1, Same: true}, {Score: 0}}
	if ece, _ := measure.Calibration(sure, 10); ece != 0 {
		t.Errorf("a matcher that is right and sure has an error of %v", ece)
	}
	if ece, bins := measure.Calibration(nil, 10); ece != 0 || bins != nil {
		t.Errorf("no pairs have an error of %v", ece)
	}
}

func TestTopOneTellsTheKindsOfErrorApart(t *testing.T) {
	got := measure.TopOne([]string{"a", "a", "a", "", "", "b"}, []string{"a", "b", "", "", "a", "b"})
	if diff := cmp.Diff(measure.Top{Right: 3, Wrong: 1, Missed: 1, Invented: 1}, got); diff != "" {
		t.Error(diff)
	}
	if got.Accuracy() != .5 {
		t.Errorf("accuracy %v, want .5", got.Accuracy())
	}
}

func ExampleCountPairs() {
	truth := []string{"jane", "jane", "jane", "joe"}
	clusters := []int{1, 1, 2, 3}
	p := measure.CountPairs(truth, clusters)
	fmt.Printf("precision %.2f, recall %.2f, F1 %.2f\n", p.Precision(), p.Recall(), p.F1())
	// Output: precision 1.00, recall 0.33, F1 0.50
}
