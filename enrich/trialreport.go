package enrich

import (
	"cmp"
	"maps"
	"slices"

	"github.com/leadloop/leadloop"
)

// Trial is what came of trying providers on a sample. It holds no values of
// the records but those of the fields in TrialOptions.By. All shares come with
// what they rest on; costs are in millionths of the currency.
type Trial struct {
	// Records were tried; LeftOut were not, to keep to TrialOptions.Spend.
	Records int `json:"records"`
	LeftOut int `json:"left_out,omitempty"`
	// Cost is what the trial cost.
	Cost      leadloop.Micros `json:"cost"`
	Fields    []TrialField    `json:"fields"`
	Providers []ProviderTrial `json:"providers"`
	Overlaps  []Overlap       `json:"overlaps,omitempty"`
	Segments  []TrialSegment  `json:"segments,omitempty"`
	// Listed is the order as given. Best are the best orders of one source, of
	// two, and so on, that the budget allows; Order is the best of them all,
	// without steps if the budget allows none.
	Listed TrialOrder   `json:"listed"`
	Best   []TrialOrder `json:"best,omitempty"`
	Order  TrialOrder   `json:"order"`
	// Exhaustive tells that every order of every choice was tried, as it is up
	// to six sources; else Order was found step by step, by the most right
	// values and by the most for their price. Bound is how many right values no
	// order can have more than within the budget.
	Exhaustive bool            `json:"exhaustive"`
	Bound      int             `json:"bound"`
	Budget     leadloop.Micros `json:"budget_per_record,omitempty"`
}

// TrialField is one field that was tried; Known counts records whose value is
// known.
type TrialField struct {
	Field string `json:"field"`
	Known int    `json:"known"`
}

// ProviderTrial is one source's part.
type ProviderTrial struct {
	Provider string `json:"provider"`
	// Match is how many of the records it answered about it knew. Failed and
	// NotSent count the other records by reason code.
	Match   Rate           `json:"match"`
	Failed  map[string]int `json:"failed,omitempty"`
	NotSent map[string]int `json:"not_sent,omitempty"`
	// Calls counts the lookups: one for all records of one company or person.
	Calls int             `json:"calls"`
	Cost  leadloop.Micros `json:"cost"`
	// Accuracy is of all values that could be compared; PerRight what a right
	// one cost.
	Accuracy Rate             `json:"accuracy"`
	PerRight *leadloop.Micros `json:"cost_per_right,omitempty"`
	// Alone counts right values that no other source has right.
	Alone  int                  `json:"alone"`
	Fields []ProviderFieldTrial `json:"fields"`
}

// ProviderFieldTrial is how a source does on one field.
type ProviderFieldTrial struct {
	Field string `json:"field"`
	// Found is for how many of the records it answered about it gave an
	// accepted value, Refused how many it gave that were not accepted.
	Found   Rate `json:"found"`
	Refused int  `json:"refused,omitempty"`
	// Accuracy is of the values found whose truth is known.
	Accuracy Rate `json:"accuracy"`
	Ages     Ages `json:"ages"`
	// PerRight is what a right value costs if the source is bought for this
	// field alone: the cost of its calls about companies and people whose value
	// is known, by right values.
	PerRight *leadloop.Micros `json:"cost_per_right,omitempty"`
	Alone    int              `json:"alone"`
}

// Overlap compares two sources on a field that both offer, over the records
// that both answered about.
type Overlap struct {
	Field string `json:"field"`
	A     string `json:"a"`
	B     string `json:"b"`
	// Both, OnlyA, OnlyB and Neither count who found a value; Agree is how many
	// of Both say the same.
	Both    int  `json:"both"`
	OnlyA   int  `json:"only_a"`
	OnlyB   int  `json:"only_b"`
	Neither int  `json:"neither"`
	Agree   Rate `json:"agree"`
}

// TrialSegment is the records that have one value of a field.
type TrialSegment struct {
	By string `json:"by"`
	// Value is "" for records without one. Numbers are in classes of size.
	Value     string            `json:"value"`
	Records   int               `json:"records"`
	Providers []SegmentProvider `json:"providers"`
}

// SegmentProvider is how a source does in a segment.
type SegmentProvider struct {
	Provider string           `json:"provider"`
	Match    Rate             `json:"match"`
	Accuracy Rate             `json:"accuracy"`
	Cost     leadloop.Micros  `json:"cost"`
	PerRight *leadloop.Micros `json:"cost_per_right,omitempty"`
}

func (t *trial) report() *Trial {
	out := &Trial{Records: len(t.sample), LeftOut: t.left, Budget: t.o.Budget}
	for f, def := range t.fields {
		known := 0
		for n := range t.sample {
			if t.truth[n][f].Presence() == leadloop.Present {
				known++
			}
		}
		out.Fields = append(out.Fields, TrialField{def.Name, known})
	}
	for i := range t.w.sources {
		p := t.provider(i)
		out.Cost += p.Cost
		out.Providers = append(out.Providers, p)
	}
	out.Overlaps = t.overlaps()
	for _, by := range t.o.By {
		out.Segments = append(out.Segments, t.segments(by)...)
	}
	s := t.simulate()
	out.Listed = s.order(s.listed())
	out.Exhaustive = s.search()
	var best candidate
	for _, c := range s.best {
		if c.order == nil {
			continue
		}
		out.Best = append(out.Best, s.order(c))
		if best.order == nil || c.better(best) {
			best = c
		}
	}
	out.Order, out.Bound = s.order(best), s.bound()
	return out
}

// everything asks for all fields that a source offers.
func (t *trial) everything(i int) func(f int) bool {
	return func(f int) bool { return t.offers[i][f] }
}

// answer is the call that answered about a record, or nil.
func (t *trial) answer(i, n int) *trialCall {
	if k := t.asked[i].of[n]; k >= 0 && t.asked[i].calls[k].answered() {
		return &t.asked[i].calls[k]
	}
	return nil
}

// alone reports whether a right value is right nowhere else.
func (t *trial) alone(i, at int) bool {
	for j := range t.found {
		if j != i && t.found[j][at].right {
			return false
		}
	}
	return t.found[i][at].right
}

func (t *trial) provider(i int) ProviderTrial {
	q, width := &t.asked[i], len(t.fields)
	p := ProviderTrial{Provider: t.w.sources[i].Name, Failed: map[string]int{}, NotSent: map[string]int{}, Fields: []ProviderFieldTrial{}}
	answered, matched := 0, 0
	for n := range t.sample {
		switch reason := t.reason[i][n]; {
		case reason != "":
			p.NotSent[reason]++
			continue
		case q.of[n] < 0:
			continue
		}
		switch c := &q.calls[q.of[n]]; {
		case !c.asked:
			p.NotSent["interrupted"]++
		case c.failure != nil:
			p.Failed[c.failure.Reason]++
		default:
			answered++
			if c.matched() {
				matched++
			}
		}
	}
	costs := make([]leadloop.Micros, len(q.calls))
	for k := range q.calls {
		if q.calls[k].asked {
			p.Calls++
		}
		costs[k] = t.charge(i, &q.calls[k], t.everything(i), q.calls[k].first)
		p.Cost += costs[k]
	}
	p.Match = RateOf(matched, answered)
	right, checked := 0, 0
	for f, def := range t.fields {
		if !t.offers[i][f] {
			continue
		}
		given, compared, correct, alone := 0, 0, 0, 0
		var days []float64
		about := map[int]bool{}
		for n := range t.sample {
			at := n*width + f
			got := t.found[i][at]
			if k := q.of[n]; k >= 0 && t.truth[n][f].Presence() == leadloop.Present {
				about[k] = true
			}
			if got.given {
				given++
			}
			if got.checked {
				compared++
			}
			if got.right {
				correct++
			}
			if got.dated {
				days = append(days, got.age)
			}
			if t.alone(i, at) {
				alone++
			}
		}
		var cost leadloop.Micros
		for k := range about {
			cost += costs[k]
		}
		p.Fields = append(p.Fields, ProviderFieldTrial{
			Field: def.Name, Found: RateOf(given, answered), Refused: q.refused[f], Accuracy: RateOf(correct, compared),
			Ages: agesOf(days), PerRight: per(cost, correct), Alone: alone,
		})
		right, checked, p.Alone = right+correct, checked+compared, p.Alone+alone
	}
	p.Accuracy, p.PerRight = RateOf(right, checked), per(p.Cost, right)
	return p
}

func (t *trial) overlaps() (out []Overlap) {
	for f, def := range t.fields {
		for a := range t.w.sources {
			for b := a + 1; b < len(t.w.sources); b++ {
				if !t.offers[a][f] || !t.offers[b][f] {
					continue
				}
				o := Overlap{Field: def.Name, A: t.w.sources[a].Name, B: t.w.sources[b].Name}
				agree := 0
				for n := range t.sample {
					if t.answer(a, n) == nil || t.answer(b, n) == nil {
						continue
					}
					at := n*len(t.fields) + f
					switch x, y := t.found[a][at], t.found[b][at]; {
					case x.given && y.given:
						o.Both++
						if t.same(def.Name, x.value, y.value) {
							agree++
						}
					case x.given:
						o.OnlyA++
					case y.given:
						o.OnlyB++
					default:
						o.Neither++
					}
				}
				o.Agree = RateOf(agree, o.Both)
				out = append(out, o)
			}
		}
	}
	return out
}

// segments are those of one field, the largest first.
func (t *trial) segments(by string) []TrialSegment {
	members := map[string][]int{}
	for n, rec := range t.sample {
		name := segment(by, rec.Profile.Value(by))
		members[name] = append(members[name], n)
	}
	var out []TrialSegment
	for _, name := range slices.Sorted(maps.Keys(members)) {
		s := TrialSegment{By: by, Value: name, Records: len(members[name])}
		for i, src := range t.w.sources {
			q := &t.asked[i]
			p := SegmentProvider{Provider: src.Name}
			answered, matched, checked, right := 0, 0, 0, 0
			paid := map[int]bool{}
			for _, n := range members[name] {
				c := t.answer(i, n)
				if c == nil {
					continue
				}
				answered++
				if c.matched() {
					matched++
				}
				if k := q.of[n]; !paid[k] {
					paid[k] = true
					p.Cost += t.charge(i, c, t.everything(i), n)
				}
				for f := range t.fields {
					got := t.found[i][n*len(t.fields)+f]
					if got.checked {
						checked++
					}
					if got.right {
						right++
					}
				}
			}
			p.Match, p.Accuracy, p.PerRight = RateOf(matched, answered), RateOf(right, checked), per(p.Cost, right)
			s.Providers = append(s.Providers, p)
		}
		out = append(out, s)
	}
	slices.SortStableFunc(out, func(a, b TrialSegment) int { return cmp.Compare(b.Records, a.Records) })
	return out
}
