package tracking

import (
	"encoding/json"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/measure"
)

// ScoreGap is how far apart the scores of won and lost leads are, as they were
// when each lead first got an owner. A lead is won if one of its deals was, and
// lost if one was and none is open.
type ScoreGap struct {
	Won, Lost int
	// WonMedian and LostMedian are the middle scores, by nearest rank; 0 if there
	// are fewer than [Enough].
	WonMedian, LostMedian leadloop.Points
	// Above is the chance that a won lead had more points than a lost one, ties
	// counting half, and Low to High where it lies with 95 % confidence (DeLong
	// and others 1988); one half is what chance does.
	Above, Low, High float64
}

// Known reports whether there are enough on both sides to say.
func (g ScoreGap) Known() bool { return g.Won >= Enough && g.Lost >= Enough }

// MarshalJSON writes null for what is too few to say.
func (g ScoreGap) MarshalJSON() ([]byte, error) {
	var won, lost *leadloop.Points
	var above *float64
	if g.Won >= Enough {
		won = &g.WonMedian
	}
	if g.Lost >= Enough {
		lost = &g.LostMedian
	}
	if g.Known() {
		v := round(g.Above)
		above = &v
	}
	return json.Marshal(struct {
		Won        int              `json:"won"`
		Lost       int              `json:"lost"`
		WonMedian  *leadloop.Points `json:"won_median"`
		LostMedian *leadloop.Points `json:"lost_median"`
		Above      *float64         `json:"won_above_lost"`
		Low        float64          `json:"low"`
		High       float64          `json:"high"`
	}{g.Won, g.Lost, won, lost, above, round(g.Low), round(g.High)})
}

func (c *cell) scoreGap() ScoreGap {
	g := ScoreGap{Won: c.wonAt.n, Lost: c.lostAt.n}
	if g.Won >= Enough {
		g.WonMedian = leadloop.Points(c.wonAt.rank(50))
	}
	if g.Lost >= Enough {
		g.LostMedian = leadloop.Points(c.lostAt.rank(50))
	}
	var groups []measure.Group
	c.wonAt.order()
	c.lostAt.order()
	won, lost := walk{s: &c.wonAt}, walk{s: &c.lostAt}
	for {
		v, ok := won.peek()
		if w, ok2 := lost.peek(); ok2 && (!ok || w < v) {
			v, ok = w, true
		}
		if !ok {
			break
		}
		groups = append(groups, measure.Group{Score: float64(v), Won: int64(won.take(v)), Lost: int64(lost.take(v))})
	}
	auc, _ := measure.AUC(groups)
	g.Above, g.Low, g.High = auc.Value, auc.Low, auc.High
	return g
}

// Skew is how far from their fair shares those were who got leads of fair
// pools: what each had been given with the lead, less what it was to have by
// then, in leads either way. It is about the latest owner of each lead. While
// everybody is there nobody is ever a whole lead away.
type Skew struct {
	Count int
	// Median, P90 and Most are in hundredths of a lead, by nearest rank; 0 if
	// Count is less than [Enough].
	Median, P90, Most int
}

// MarshalJSON writes leads, and null for what is too few to say.
func (s Skew) MarshalJSON() ([]byte, error) {
	of := func(hundredths int) *float64 {
		if s.Count < Enough {
			return nil
		}
		v := float64(hundredths) / 100
		return &v
	}
	return json.Marshal(struct {
		Count  int      `json:"count"`
		Median *float64 `json:"median_leads"`
		P90    *float64 `json:"p90_leads"`
		Most   *float64 `json:"most_leads"`
	}{s.Count, of(s.Median), of(s.P90), of(s.Most)})
}

func (c *cell) fairness() Skew {
	s := Skew{Count: c.skew.n}
	if s.Count >= Enough {
		s.Median, s.P90, s.Most = int(c.skew.rank(50)), int(c.skew.rank(90)), int(c.skew.rank(100))
	}
	return s
}
