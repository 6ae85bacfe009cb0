package learn

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop/internal/measure"
)

// witness collects what a column gives away about the outcome.
type witness struct {
	column string
	kind   Kind
	form   dateForm
	// By ending (open, lost, won): rows that say something, and that do not.
	filled, empty [3]int64
	words         map[string]*tally // of free text
	later         [2]int64          // dates: not after the end, after it
}

const maxWords = 20_000

func newWitness(s *survey, c Column) *witness {
	w := &witness{column: s.name, kind: s.kind(), form: -1}
	if w.kind == KindDate {
		w.form, _ = s.date()
	}
	if w.kind == KindText || w.kind == KindID && !c.Used && s.words > 0 {
		w.words = map[string]*tally{}
	}
	return w
}

func (w *witness) hear(cell string, e ending, closed time.Time) {
	if missing(cell) {
		w.empty[e]++
		return
	}
	w.filled[e]++
	if w.words != nil && e != open {
		w.listen(cell, e)
	}
	if w.kind == KindDate && !closed.IsZero() {
		if t, ok := parseDate(cell, w.form); ok {
			if t.After(closed) {
				w.later[1]++
			} else {
				w.later[0]++
			}
		}
	}
}

func (w *witness) listen(cell string, e ending) {
	seen := 0
	var done [50]string
	for word := range strings.FieldsFuncSeq(strings.ToLower(cell), func(c rune) bool { return !letter(c) }) {
		if seen == len(done) {
			return
		}
		if slices.Contains(done[:seen], word) {
			continue
		}
		done[seen] = word
		seen++
		t := w.words[word]
		if t == nil {
			if len(w.words) == maxWords {
				continue
			}
			t = &tally{}
			w.words[strings.Clone(word)] = t
		}
		if e == won {
			t.won++
		} else {
			t.lost++
		}
	}
}

// Bounds of what is still believed.
const (
	tooGood   = .95 // AUC of one column alone
	purely    = .98 // share of one ending
	nearlyNo  = .04 // of those who end otherwise elsewhere, as many end so here
	leastPure = 30  // rows
	unlikely  = 1e-9
	// AUCs alone from which a name is taken as a hint, by how much it says.
	hintWeak, hintDeal = .8, .65
)

// audit finds columns that know the outcome.
func (b *counter) audit() {
	t := &b.c.head.Table
	b.c.proofs = map[string]proof{}
	all := tally{int64(t.Won), int64(t.Lost)}
	for i := range t.Columns {
		col, w := &t.Columns[i], b.said[i]
		if col.Column == b.o.Outcome || col.Column == b.o.ID || col.Column == b.o.Closed || slices.Contains(b.o.Exclude, col.Column) {
			continue
		}
		var (
			l lone
			p proof
		)
		if k := slices.IndexFunc(b.c.axes, func(a *axis) bool { return a.Column == col.Column }); k >= 0 {
			l = alone(b.c, k)
			var groups []measure.Group
			for _, g := range l.bands {
				groups = append(groups, measure.Group{Score: g.rate(), Won: g.won, Lost: g.lost})
			}
			auc, _ := measure.AUC(groups)
			col.AUC = auc.Value
			if auc.Low > tooGood {
				col.Why = fmt.Sprintf("it knows the outcome: alone it puts a won lead before a lost one in %.1f %% of pairs", 100*auc.Value)
				col.Leaks = true
			}
			p = proof{col.Why, auc, tooGood} // other proofs take its place
		}
		if !col.Leaks {
			if by := w.leaks(all, l); by.why != "" && col.Column != b.o.Time {
				col.Why, col.Leaks, p = by.why, true, by
			}
		}
		if hint, least := nameHint(col.Column); hint != "" && !col.Leaks && l.tells() {
			if col.AUC >= least {
				p.bound = max(.5, least)
				col.Why = fmt.Sprintf("it predicts (AUC alone %.2f), and by its name (%s) it is known only afterwards", col.AUC, hint)
				col.Leaks = true
			} else {
				col.Notes = append(col.Notes, fmt.Sprintf("by its name (%s) it may be known only afterwards; exclude it if so", hint))
			}
		}
		if col.Leaks {
			b.c.proofs[col.Column] = p
		}
		if !col.Leaks || !col.Used {
			continue
		}
		if slices.Contains(b.o.Include, col.Column) {
			col.Why += "; it is kept because it is insisted on"
			continue
		}
		col.Used = false
	}
}

// lone is a column looked at by itself, over all rows: its codes, and the bands
// that differ in how often they were won.
type lone struct {
	kind   Kind
	codes  []tally
	groups []uint8 // by code
	bands  []tally // by group
}

func alone(c *Counts, k int) lone {
	a := c.axes[k]
	l := lone{kind: a.Kind, codes: c.cells.margin(k, a.codes(), func(int) bool { return true })}
	groups, n := binColumn(a, l.codes)
	l.groups, l.bands = groups, make([]tally, n)
	for code, t := range l.codes {
		l.bands[groups[code]] = l.bands[groups[code]].plus(t)
	}
	return l
}

// tells reports whether there is more than one band.
func (l *lone) tells() bool {
	n := 0
	for _, t := range l.bands {
		if t.n() > 0 {
			n++
		}
	}
	return n > 1
}

// sharp reports whether a band of a number ends at once: right beside it leads
// end otherwise at least half as often as in all other bands. What only
// predicts well fades out; what is filled in afterwards does not.
func (l *lone) sharp(band int, won bool) bool {
	if l.kind != KindNumber || band == groupMissing {
		return true
	}
	few := func(t tally) float64 {
		if won {
			return float64(t.lost)
		}
		return float64(t.won)
	}
	var rest tally
	for g, t := range l.bands {
		if g != band && g != groupMissing {
			rest = rest.plus(t)
		}
	}
	rate := few(rest) / float64(max(1, rest.n()))
	first := slices.Index(l.groups[1:], uint8(band)) + 1
	last := first
	for last+1 < len(l.groups) && l.groups[last+1] == uint8(band) {
		last++
	}
	for _, side := range []struct{ from, step int }{{first - 1, -1}, {last + 1, 1}} {
		var beside tally
		for at := side.from; at >= 1 && at < len(l.codes) && float64(beside.n())*rate < 10; at += side.step {
			beside = beside.plus(l.codes[at])
		}
		if beside.n() > 0 && few(beside) < rate*float64(beside.n())/2 {
			return false
		}
	}
	return true
}

// proof is how a column gives the outcome away: the share that tells it, and
// above what it is not believed.
type proof struct {
	why   string
	share Interval
	bound float64
}

func proven(of, n int64, bound float64, format string, args ...any) proof {
	return proof{fmt.Sprintf(format, args...), measure.Rate(of, n), bound}
}

// leaks says how the column gives the outcome away, or nothing.
func (w *witness) leaks(all tally, l lone) proof {
	closed := func(by [3]int64) tally { return tally{by[won], by[lost]} }
	f, e := closed(w.filled), closed(w.empty)
	// Filled when it has ended, empty as long as it has not.
	if n := w.filled[open] + w.empty[open]; n >= leastPure && f.n()+e.n() >= leastPure &&
		float64(w.filled[open]) < .1*float64(n) && float64(f.n()) > .9*float64(f.n()+e.n()) {
		return proven(f.n(), f.n()+e.n(), .9, "it is filled only after the end: in %d of %d rows that have ended, and in %d of %d that are open", f.n(), f.n()+e.n(), w.filled[open], n)
	}
	for _, state := range []struct {
		what string
		t    tally
	}{{"filled", f}, {"empty", e}} {
		if name, of, whole, ok := pure(state.t, all, .5); ok {
			return proven(of, state.t.n(), purely, "whether it is %s tells the outcome: %d of %d such rows were %s, which is %.0f %% of all %s", state.what, of, state.t.n(), name, 100*whole, name)
		}
	}
	for g, t := range l.bands {
		share := .1
		if t.rate() < .5 {
			share = .5
		}
		if name, of, whole, ok := pure(t, all, share); ok && t.n() < all.n() && l.sharp(g, name == "won") {
			return proven(of, t.n(), purely, "some of its values tell the outcome: %d of %d such rows were %s, which is %.0f %% of all %s", of, t.n(), name, 100*whole, name)
		}
	}
	if n := w.later[0] + w.later[1]; n >= leastPure && float64(w.later[1]) > .5*float64(n) {
		return proven(w.later[1], n, .5, "%d of %d of its dates lie after the end", w.later[1], n)
	}
	type said struct {
		word string
		t    tally
	}
	var words []said
	for word, t := range w.words {
		if len(word) > 2 {
			if _, _, _, ok := pure(*t, all, .05); ok {
				words = append(words, said{word, *t})
			}
		}
	}
	if len(words) > 0 {
		slices.SortFunc(words, func(a, b said) int { return cmp.Or(cmp.Compare(b.t.n(), a.t.n()), strings.Compare(a.word, b.word)) })
		best := words[0]
		return proven(max(best.t.won, best.t.lost), best.t.n(), purely, "its text tells the outcome: of %d rows with the word %q %d were won", best.t.n(), best.word, best.t.won)
	}
	return proof{}
}

// pure tells that nearly all rows of t ended alike, although elsewhere they do
// not, that this could hardly be by chance, and that they are a good part of all
// that ended so.
func pure(t, all tally, share float64) (name string, of int64, whole float64, ok bool) {
	name, of = "won", t.won
	total, base := all.won, all.rate()
	if t.lost > t.won {
		name, of, total, base = "lost", t.lost, all.lost, 1-all.rate()
	}
	few := float64(t.n() - of)
	if t.n() < leastPure || float64(of) < purely*float64(t.n()) || few > nearlyNo*(1-base)*float64(t.n()) || float64(of) < share*float64(total) {
		return "", 0, 0, false
	}
	// All but a few of n by chance: about base to the power of n, times the
	// ways to choose the few.
	lg := func(x float64) float64 { v, _ := math.Lgamma(x + 1); return v }
	chance := float64(of)*math.Log(base) + few*math.Log1p(-min(base, 1-1e-12)) + lg(float64(t.n())) - lg(few) - lg(float64(of))
	return name, of, float64(of) / float64(total), chance < math.Log(unlikely)
}

// Words in names of columns that are known only when it has ended: some say so
// by themselves, some beside another one, some only of a column that predicts
// very much; and those that speak of an earlier end.
var (
	endWords   = wordSet("leak leakage won lost closed close closing converted conversion convert churn churned outcome")
	dealWords  = wordSet("deal opportunity opp")
	dealSays   = wordSet("created amount value stage status date size count at")
	maybeWords = wordSet("result signed invoice paid label target status stage contract proposal quote duration talk post")
	earlier    = wordSet("previous prev prior past earlier last before old first initial expected estimated funding")
)

// nameHint returns the word in a name that says that the column is known only
// afterwards, and how well it has to predict to be believed.
func nameHint(name string) (hint string, auc float64) {
	words := nameWords(name)
	if slices.ContainsFunc(words, func(w string) bool { return earlier[w] }) {
		return "", 0
	}
	if i := slices.IndexFunc(words, func(w string) bool { return endWords[w] }); i >= 0 {
		return words[i], 0
	}
	for i, w := range words {
		if dealWords[w] && i+1 < len(words) && dealSays[words[i+1]] {
			return w, hintDeal
		}
	}
	for _, w := range words {
		if maybeWords[w] {
			return w, hintWeak
		}
	}
	return "", 0
}
