package learn

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/measure"
	"github.com/leadloop/leadloop/scoring"
)

// AuditOptions say what to audit. Only Outcome is required.
type AuditOptions struct {
	// Options that are as in learning: Outcome, Positive, Negative, ID, Time,
	// InOrder, Closed, Exclude, Include, MinClosed and Progress. Without a time
	// or an order nothing can be said about change.
	Options
	// Model scores the leads, which Leads yields in the order of the rows. Both
	// or none are given.
	Definition scoring.Definition
	Model      *scoring.Model
	Leads      func(ctx context.Context) iter.Seq2[scoring.BatchLead, error]
	// AsOf is the moment of the audit. Without it dates may lie anywhere.
	AsOf time.Time
	// Score and Tier are columns with what was said of the leads at the time;
	// they take the place of what the model would say now.
	Score, Tier string
	// Feedback is a column with what reps said of the leads.
	Feedback string
	// Owner is a column with who owns the lead, by id, name or e-mail, and Reps are
	// all who may.
	Owner string
	Reps  []leadloop.Rep
}

// Level is how serious a finding is.
type Level string

// The levels, from the most serious on. Unknown is what the data are too few
// to tell.
const (
	LevelAlarm   Level = "alarm"
	LevelWatch   Level = "watch"
	LevelFine    Level = "fine"
	LevelUnknown Level = "unknown"
)

// Finding is the answer to one question about the scores.
type Finding struct {
	// Check is the question, Subject the signal, tier, rule or modifier, if it
	// is about one.
	Check   string `json:"check"`
	Subject string `json:"subject,omitempty"`
	Level   Level  `json:"level"`
	// Says is the answer, Proposal what to do about it, empty if all is well.
	Says     string `json:"says"`
	Proposal string `json:"proposal,omitempty"`
	// Value is the figure with its interval, Threshold that beyond which it is no
	// longer fine. Both are there unless the data are too few to give any; what
	// is counted and not estimated has an interval of no width.
	Value     *Interval `json:"value,omitempty"`
	Threshold *float64  `json:"threshold,omitempty"`
}

// Audit is what an audit found.
type Audit struct {
	Table Table `json:"table"`
	// Before and Recent are the periods that are compared, the first half and
	// the last fifth; nil if no order is known.
	Before *Period `json:"before,omitempty"`
	Recent *Period `json:"recent,omitempty"`
	// Quality is how well the scores of all leads told how they ended, nil
	// without scores.
	Quality *Quality `json:"quality,omitempty"`
	// Findings, the most serious first.
	Findings []Finding     `json:"findings"`
	Signals  []SignalDrift `json:"signals"`
	Rules    []RuleFiring  `json:"rules,omitempty"`
	// Misjudged are the won leads with the lowest and the lost ones with the
	// highest scores.
	Misjudged []Misjudged `json:"misjudged,omitempty"`
}

// Period is a part of the rows.
type Period struct {
	Rows  int      `json:"rows"`
	Won   int64    `json:"won"`
	Lost  int64    `json:"lost"`
	Rate  Interval `json:"rate"`
	Score *Quality `json:"score,omitempty"`
}

// SignalDrift is how far a column, or the score, moved between the periods.
type SignalDrift struct {
	Signal string `json:"signal"`
	measure.Drift
	Level Level `json:"level"`
	// Moved are the bands or values that moved most.
	Moved []Moved `json:"moved,omitempty"`
}

// Moved is the share of one band or value before and recently.
type Moved struct {
	Value  string  `json:"value"`
	Before float64 `json:"before"`
	Recent float64 `json:"recent"`
}

// RuleFiring is how often a rule of the model held.
type RuleFiring struct {
	Rule      string `json:"rule"`
	Matched   int    `json:"matched"`
	Undecided int    `json:"undecided"`
	Failed    int    `json:"failed"`
	Won       int64  `json:"won"` // of those matched
	Lost      int64  `json:"lost"`
}

// Misjudged is a lead that ended otherwise than its score said.
type Misjudged struct {
	Row      int     `json:"row"` // from 1
	ID       string  `json:"id,omitempty"`
	Score    float64 `json:"score"`
	Tier     string  `json:"tier,omitempty"`
	Ended    string  `json:"ended"`
	Feedback string  `json:"feedback,omitempty"`
}

// The periods of a row.
const (
	before = iota
	between
	recent
	periods
)

// auditor works through a table.
type auditor struct {
	o       AuditOptions
	columns []string
	surveys []*survey
	rows    int
	endings *outcomes
	out     *Audit

	axes   []*axis
	from   []int
	counts [][periods][]int64 // by axis, period and code
	whole  [periods]tally
	sizes  [periods]int
	meta   []uint8 // by row: ending, then period
	cuts   [2]int64
	form   dateForm
	dated  bool
	judged []judgedLead
	has    bool // scores are known
	rules  []RuleFiring
	decide int // leads of which modifiers decided the tier
	said   map[string]*[2]float64
	words  []string // by row, if there is feedback
	owned  map[string]*owned
	late   []lateDates
}

// judgedLead is a lead with a score.
type judgedLead struct {
	score float64
	tier  string
	row   int
	id    string
}

// RunAudit asks whether scores, or the signals that they could be made of, still
// tell how leads end: whether won leads score above lost ones and the gap holds,
// whether tiers are in order, probabilities true, signals and scores where they
// were, rules of use, and modifiers within bounds. It alarms only where the data
// support it. It also asks whether the table itself is sound: whether dates lie in
// the future, and owners are reps. The error is an [*InputError], or what the source or ctx failed
// with.
func RunAudit(ctx context.Context, src Source, o AuditOptions) (*Audit, error) {
	a := &auditor{o: o, columns: src.Columns(), out: &Audit{}, form: -1, said: map[string]*[2]float64{}}
	if err := o.check(a.columns); err != nil {
		return nil, err
	}
	for _, c := range []string{o.Score, o.Tier, o.Feedback, o.Owner} {
		if c != "" && !slices.Contains(a.columns, c) {
			return nil, &InputError{fmt.Sprintf("there is no column %q%s", c, meant(c, a.columns))}
		}
	}
	var err error
	if a.surveys, a.rows, err = look(ctx, src, o.Time, func(n int) { o.progress("looking at columns", n, 0) }); err != nil {
		return nil, err
	}
	if a.rows == 0 {
		return nil, &InputError{"the table has no rows"}
	}
	if err := a.plan(); err != nil {
		return nil, err
	}
	if err := a.read(ctx, src); err != nil {
		return nil, err
	}
	if err := a.score(ctx); err != nil {
		return nil, err
	}
	if err := a.predictive(ctx, src); err != nil {
		return nil, err
	}
	a.drift()
	a.separation()
	a.tiers()
	a.calibration()
	a.inflation()
	a.firing()
	a.modifiers()
	a.feedback()
	a.future()
	a.owners()
	slices.SortStableFunc(a.out.Findings, func(x, y Finding) int { return rank(x.Level) - rank(y.Level) })
	return a.out, nil
}

func (a *auditor) find(name string) int { return slices.Index(a.columns, name) }

// plan decides what each column is and where the periods begin.
func (a *auditor) plan() error {
	var err error
	if a.endings, err = readOutcomes(a.surveys[a.find(a.o.Outcome)], a.o.Options); err != nil {
		return err
	}
	a.out.Table = Table{Rows: a.rows}
	for i, s := range a.surveys {
		kind := s.kind()
		distinct, _ := s.distinct()
		col := Column{Column: s.name, Kind: kind, Missing: s.missing, Values: distinct, Why: s.why(kind)}
		switch {
		case slices.Contains([]string{a.o.Outcome, a.o.ID, a.o.Time, a.o.Closed, a.o.Score, a.o.Tier, a.o.Feedback, a.o.Owner}, s.name):
			col.Why = "it is no signal here"
		case slices.Contains(a.o.Exclude, s.name):
			col.Why = "it is excluded"
		default:
			col.Used = kind == KindNumber || kind == KindCategory
		}
		if col.Used {
			a.axes, a.from = append(a.axes, newAxis(s, kind)), append(a.from, i)
		}
		a.out.Table.Columns = append(a.out.Table.Columns, col)
	}
	a.counts = make([][periods][]int64, len(a.axes))
	for k, x := range a.axes {
		for p := range periods {
			a.counts[k][p] = make([]int64, x.codes())
		}
	}
	switch {
	case a.o.InOrder:
		a.cuts, a.dated = [2]int64{int64(a.rows / 2), int64(a.rows - a.rows/5)}, true
	case a.o.Time != "":
		s := a.surveys[a.find(a.o.Time)]
		form, n := s.date()
		if n == 0 {
			return &InputError{fmt.Sprintf("time: no row of column %q can be read as a date%s", a.o.Time, sampleOf(s))}
		}
		a.form = form
		var times []int64
		for _, cell := range s.kept {
			if t, ok := parseDate(cell, form); ok {
				times = append(times, t.Unix())
			}
		}
		slices.Sort(times)
		a.cuts, a.dated = [2]int64{times[len(times)/2], times[len(times)*4/5]}, true
	}
	return nil
}

// period of a row; false if its time can't be read.
func (a *auditor) period(row []string, number int) (int, bool) {
	at := int64(number)
	switch {
	case !a.dated:
		return between, true
	case a.o.Time != "":
		t, ok := parseDate(strings.TrimSpace(row[a.find(a.o.Time)]), a.form)
		if !ok {
			return between, false
		}
		at = t.Unix()
	}
	return sort.Search(2, func(i int) bool { return a.cuts[i] > at }), true
}

// read counts signals and outcomes by period.
func (a *auditor) read(ctx context.Context, src Source) error {
	number, undated := 0, 0
	outcome, score, tier, feedback, id := a.find(a.o.Outcome), a.find(a.o.Score), a.find(a.o.Tier), a.find(a.o.Feedback), a.find(a.o.ID)
	a.has = score >= 0
	a.expectDates()
	for row, err := range src.Rows(ctx) {
		if err != nil {
			return err
		}
		p, ok := a.period(row, number)
		e := a.endings.read(strings.TrimSpace(row[outcome]))
		a.inspect(row, number, e)
		if !ok {
			undated++
			e = open
		} else {
			for k, col := range a.from {
				a.counts[k][p][a.axes[k].code(strings.TrimSpace(row[col]))]++
			}
			a.sizes[p]++
		}
		switch e {
		case won:
			a.whole[p].won++
		case lost:
			a.whole[p].lost++
		}
		if score >= 0 {
			f, ok := toNumber(strings.TrimSpace(row[score]), a.surveys[score].commas)
			j := judgedLead{score: f, row: number}
			if !ok {
				j.score = math.NaN()
			}
			if tier >= 0 {
				j.tier = strings.Clone(strings.TrimSpace(row[tier]))
			}
			if id >= 0 {
				j.id = strings.Clone(strings.TrimSpace(row[id]))
			}
			a.judged = append(a.judged, j)
		}
		if feedback >= 0 {
			a.words = append(a.words, strings.Clone(strings.TrimSpace(row[feedback])))
		}
		a.meta = append(a.meta, uint8(e)|uint8(p)<<2)
		if number++; number%progressEvery == 0 {
			a.o.progress("counting", number, a.rows)
		}
	}
	t := &a.out.Table
	for p := range periods {
		t.Won, t.Lost = t.Won+int(a.whole[p].won), t.Lost+int(a.whole[p].lost)
	}
	t.Open, t.Undated = number-t.Won-t.Lost-undated, undated
	if undated > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("%d rows have no time that can be read; they are left out", undated))
	}
	if a.dated {
		for _, x := range []struct {
			p  int
			to **Period
		}{{before, &a.out.Before}, {recent, &a.out.Recent}} {
			w := a.whole[x.p]
			*x.to = &Period{Rows: a.sizes[x.p], Won: w.won, Lost: w.lost, Rate: measure.Rate(w.won, w.n())}
		}
	}
	return nil
}

// score lets the model score all leads.
func (a *auditor) score(ctx context.Context) error {
	m := a.o.Model
	if m == nil {
		return nil
	}
	keep := !a.has
	a.rules = make([]RuleFiring, len(a.o.Definition.Rules))
	for k, r := range a.o.Definition.Rules {
		a.rules[k].Rule = r.ID
	}
	var plain *scoring.Model
	if len(a.o.Definition.Modifiers) > 0 {
		d := a.o.Definition
		d.Modifiers = nil
		var err error
		if plain, err = scoring.New(d, m.Schema(), scoring.Options{}); err != nil {
			return err
		}
	}
	number := 0
	for scores, err := range m.ScoreAll(ctx, a.o.Leads(ctx), a.o.AsOf, scoring.BatchOptions{}) {
		if err != nil {
			return err
		}
		if number+scores.Len() > len(a.meta) {
			return fmt.Errorf("learn: there are more leads than rows")
		}
		for i := range scores.Len() {
			e := ending(a.meta[number+i] & 3)
			for k := range a.rules {
				r := &a.rules[k]
				switch scores.State(i, k) {
				case scoring.Matched:
					r.Matched++
					switch e {
					case won:
						r.Won++
					case lost:
						r.Lost++
					}
				case scoring.Undecided:
					r.Undecided++
				case scoring.Failed:
					r.Failed++
				}
			}
			if keep {
				v := scores.Verdict(i)
				j := judgedLead{score: math.NaN(), tier: v.Tier, row: number + i}
				if v.Known && v.Disqualified == "" {
					j.score = v.Points.Float()
				}
				if scores.IDs != nil {
					j.id = string(scores.IDs[i])
				}
				a.judged = append(a.judged, j)
			}
		}
		number += scores.Len()
		a.o.progress("scoring", number, a.rows)
	}
	a.has = true
	if plain == nil || !keep {
		return nil
	}
	number = 0
	for scores, err := range plain.ScoreAll(ctx, a.o.Leads(ctx), a.o.AsOf, scoring.BatchOptions{}) {
		if err != nil {
			return err
		}
		for i := range scores.Len() {
			if scores.Tier(i) != a.judged[number].tier {
				a.decide++
			}
			number++
		}
	}
	return nil
}

// groups are the scores of leads that ended, of the periods that keep says.
func (a *auditor) groups(keep func(period int) bool) []measure.Group {
	by := map[float64]tally{}
	for _, j := range a.judged {
		e, p := ending(a.meta[j.row]&3), int(a.meta[j.row]>>2)
		if math.IsNaN(j.score) || e == open || !keep(p) {
			continue
		}
		t := by[j.score]
		if e == won {
			t.won++
		} else {
			t.lost++
		}
		by[j.score] = t
	}
	var out []measure.Group
	for _, s := range slices.Sorted(keysOf(by)) {
		out = append(out, measure.Group{Score: s, Won: by[s].won, Lost: by[s].lost})
	}
	return out
}

// rank orders levels, the most serious first.
func rank(l Level) int {
	return slices.Index([]Level{LevelAlarm, LevelWatch, LevelUnknown, LevelFine}, l)
}

func (a *auditor) add(f Finding) { a.out.Findings = append(a.out.Findings, f) }

// probability is what the model says of points, nil if it says nothing.
func (a *auditor) probability() func(float64) float64 {
	if a.o.Definition.Probability == nil {
		return nil
	}
	p := *a.o.Definition.Probability
	return func(score float64) float64 {
		points, _ := leadloop.PointsOf(score)
		return p.Of(points)
	}
}
