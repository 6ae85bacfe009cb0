package match

import (
	"context"
	"math"
	"testing"
)

func f1(right, found, all float64) (p, r, f float64) {
	if found > 0 {
		p = right / found
	}
	r = right / all
	if p+r > 0 {
		f = 2 * p * r / (p + r)
	}
	return p, r, f
}

// measure returns the pairwise precision, recall and F1 of clusters, their B3 F1, and the size of the largest.
func (d *dataSet) measure(res *Result) (p, r, f, b3 float64, largest int) {
	type cell struct {
		c, e string
	}
	both, byC, byE := map[cell]int{}, map[string]int{}, map[string]int{}
	for i, row := range res.Rows {
		c := row.Cluster
		both[cell{c, d.entity[i]}]++
		byC[c]++
		byE[d.entity[i]]++
	}
	var tp, fp, tn int
	var bp, br float64
	for k, v := range both {
		tp += v * (v - 1) / 2
		bp += float64(v) * float64(v) / float64(byC[k.c])
		br += float64(v) * float64(v) / float64(byE[k.e])
	}
	for _, v := range byC {
		fp += v * (v - 1) / 2
		largest = max(largest, v)
	}
	for _, v := range byE {
		tn += v * (v - 1) / 2
	}
	p, r, f = f1(float64(tp), float64(fp), float64(tn))
	bp, br = bp/float64(len(res.Rows)), br/float64(len(res.Rows))
	return p, r, f, 2 * bp * br / (bp + br), largest
}

// TestQualityAtTheDefaultThresholdWithoutLabels runs what the command runs: kinds guessed, learnt without labels, clustered at the default
// threshold. The floors are what was reached, with a small margin. docs/MATCHING.md holds the table that it logs.
func TestQualityAtTheDefaultThresholdWithoutLabels(t *testing.T) {
	if testing.Short() || RaceDetector {
		t.Skip("takes a minute, and ten under the race detector")
	}
	for _, c := range []struct {
		set               *dataSet
		f1, precision, b3 float64
		largest           int
		auto, calibration float64 // 0 where none is asked for
	}{
		{set: febrl4(t, false), f1: 0.9998},
		{set: febrl4(t, true), f1: 0.9980},
		{set: febrlN(t, "2"), f1: 0.9985},
		{set: febrlN(t, "3"), f1: 0.9990},
		{set: fake1000(t), f1: 0.965, precision: 0.99, calibration: 0.025},
		{set: historical(t), f1: 0.930, precision: 0.985, b3: 0.935, largest: 40, calibration: 0.035},
		{set: restaurants(t, true), f1: 0.970},
		{set: restaurants(t, false), f1: 0.920},
		{set: dblpACM(t), f1: 0.9905, auto: 0.998, calibration: 0.02},
		{set: leads("generated leads", 5_000, 1), f1: 0.975, precision: 0.98, auto: 0.999, calibration: 0.02},
		{set: febrlN(t, "1"), f1: 0.99}, // this played no part in development
		{set: leads("other generated leads", 5_000, 2), f1: 0.98, auto: 0.999, calibration: 0.02},
		{set: leads("more generated leads", 20_000, 3), f1: 0.97, precision: 0.98, auto: 0.999, calibration: 0.02},
	} {
		t.Run(c.set.name, func(t *testing.T) {
			q := c.set.quality(t)
			t.Logf("P %.4f R %.4f F1 %.4f B3 %.4f largest %d; best threshold %+.0f bits: F1 %.4f; auto: P %.4f of %.2f of true pairs; calibration %.3f; recall of blocking about %.4f",
				q.p, q.r, q.f1, q.b3, q.largest, q.bestAt, q.best, q.autoPrecision, q.autoShare, q.calibration, q.blocking)
			for _, w := range q.warnings {
				t.Log("warning:", w)
			}
			for _, x := range []struct {
				name         string
				got, atLeast float64
			}{{"F1", q.f1, c.f1}, {"precision", q.p, c.precision}, {"B3", q.b3, c.b3}} {
				if x.got < x.atLeast {
					t.Errorf("%s is %.4f, below %.4f", x.name, x.got, x.atLeast)
				}
			}
			if c.largest > 0 && q.largest > c.largest {
				t.Errorf("the largest cluster has %d rows, more than %d", q.largest, c.largest)
			}
			if q.autoPrecision < c.auto {
				t.Errorf("auto-merge has a precision of %.4f, below %.4f", q.autoPrecision, c.auto)
			}
			if c.calibration > 0 && q.calibration > c.calibration {
				t.Errorf("the calibration error is %.3f, above %.3f", q.calibration, c.calibration)
			}
			if q.best-q.f1 > 0.015 {
				t.Errorf("the best threshold, %+.0f bits, gives F1 %.4f: the default one is %.4f worse", q.bestAt, q.best, q.best-q.f1)
			}
		})
	}
}

type quality struct {
	p, r, f1, b3             float64
	largest                  int
	best, bestAt             float64 // F1 at the best threshold
	autoPrecision, autoShare float64
	calibration              float64 // expected calibration error of the scored pairs, ten bins by probability
	blocking                 float64
	warnings                 []string
}

func (d *dataSet) quality(t *testing.T) quality {
	ctx := context.Background()
	table := d.table(t)
	m, err := Learn(ctx, table, Options{Mode: d.mode})
	if err != nil {
		t.Fatal(err)
	}
	c, err := m.compareAll(ctx, table, Options{Mode: d.mode})
	if err != nil {
		t.Fatal(err)
	}
	at := func(w float64) *Result {
		c.o.Thresholds.Match = probability(w)
		if err := c.link(ctx); err != nil {
			t.Fatal(err)
		}
		return c.result()
	}
	res := at(0)
	q := quality{blocking: m.report.Recall, warnings: m.report.Warnings}
	q.p, q.r, q.f1, q.b3, q.largest = d.measure(res)
	q.best, q.bestAt = q.f1, 0
	for _, w := range []float64{-6, -3, -1.5, 1.5, 3, 6} {
		if _, _, f, _, _ := d.measure(at(w)); f > q.best {
			q.best, q.bestAt = f, w
		}
	}
	auto, right, sums, trues, counts := 0, 0, [10]float64{}, [10]float64{}, [10]float64{}
	for _, p := range res.Pairs {
		same := d.entity[p.A] == d.entity[p.B]
		bin := min(int(p.Probability*10), 9)
		sums[bin] += p.Probability
		counts[bin]++
		if same {
			trues[bin]++
		}
		if p.Verdict == VerdictAuto {
			auto++
			if same {
				right++
			}
		}
	}
	total := 0.0
	for bin := range sums {
		q.calibration += math.Abs(sums[bin] - trues[bin])
		total += counts[bin]
	}
	q.calibration /= max(total, 1)
	q.autoPrecision = float64(right) / float64(max(auto, 1))
	q.autoShare = float64(right) / d.truePairs()
	return q
}
