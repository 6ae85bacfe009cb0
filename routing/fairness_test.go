package routing

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/leadloop/leadloop"
)

// worst gives a pool a number of leads, all members being there for each, and
// returns how far anybody was from what is owed and from its exact share.
func worst(weights []int, leads int) float64 {
	b := newBook(weights...)
	total := 0
	for _, w := range weights {
		total += w
	}
	most := 0.0
	for n := 1; n <= leads; n++ {
		b.give(nil)
		for i := range b.members {
			exact := float64(n) * float64(weights[i]) / float64(total)
			most = max(most, abs(float64(b.members[i].Owed))/float64(leadloop.OneLead), abs(float64(b.got[i])-exact))
		}
	}
	return most
}

// Every weighting of up to six members with weights up to six (in any order,
// since members are alike but for their weights): two rounds of each.
func TestNobodyIsAWholeLeadAwayWithAnyWeightingOfAFew(t *testing.T) {
	most, weightings := 0.0, 0
	var each func(weights []int, least int)
	each = func(weights []int, least int) {
		if len(weights) > 1 {
			total := 0
			for _, w := range weights {
				total += w
			}
			d := worst(weights, 2*total)
			weightings++
			if most = max(most, d); d >= 1 {
				t.Fatalf("weights %v: somebody was %.3f leads away", weights, d)
			}
		}
		if len(weights) == 6 {
			return
		}
		for w := least; w <= 6; w++ {
			each(append(weights, w), w)
		}
	}
	each(make([]int, 0, 6), 1)
	t.Logf("%d weightings: at most %.3f of a lead", weightings, most)
	if most < 0.5 {
		t.Error("that is better than the best bound there is: the test does not test")
	}
}

func TestNobodyIsAWholeLeadAwayWithRandomWeightsOfMany(t *testing.T) {
	const seed, weightings = 5, 2000
	r := rand.New(rand.NewPCG(seed, 0))
	most := 0.0
	for range weightings {
		weights := make([]int, 2+r.IntN(49))
		for i := range weights {
			weights[i] = 1 + r.IntN(150)
		}
		d := worst(weights, 120)
		if most = max(most, d); d >= 1 {
			t.Fatalf("seed %d, weights %v: somebody was %.3f leads away", seed, weights, d)
		}
	}
	t.Logf("seed %d, %d weightings: at most %.3f of a lead", seed, weightings, most)
}

// A rule gives a lead to one of those who can get it.
type rule interface {
	choose(members []Entitlement, able []bool, n int) int
	gave(winner int, able []bool)
}

// ours is the entitlement ledger.
type ours struct{}

func (ours) choose(members []Entitlement, able []bool, _ int) int {
	var who []Entitlement
	for i := range members {
		if able[i] {
			who = append(who, members[i])
		}
	}
	p, _ := Next(who)
	return slices.IndexFunc(members, func(e Entitlement) bool { return e.Member == p.Winner })
}
func (ours) gave(int, []bool) {}

// shortfall is Cal.com's rule: of all leads and calibrations each is to have
// its share, whether it is there or not; who lacks most of it is next. Who is
// away is calibrated by what each of the others got on average meanwhile.
type shortfall struct {
	weights []int
	got     []float64
	away    []float64
	all     float64
}

func (s *shortfall) choose(_ []Entitlement, able []bool, _ int) int {
	best, most, total, calibrations := -1, 0.0, 0, 0.0
	for i, w := range s.weights {
		total += w
		calibrations += s.away[i]
	}
	for i, w := range s.weights {
		if !able[i] {
			continue
		}
		lacks := (s.all+calibrations)*float64(w)/float64(total) - s.got[i] - s.away[i]
		if best < 0 || lacks > most || lacks == most && w > s.weights[best] {
			best, most = i, lacks
		}
	}
	return best
}

func (s *shortfall) gave(winner int, able []bool) {
	s.got[winner]++
	s.all++
	for i := range able {
		if !able[i] {
			s.away[i] += 1 / float64(len(able)-1)
		}
	}
}

// roundRobin goes on from who got the last one.
type roundRobin struct{ last int }

func (r *roundRobin) choose(_ []Entitlement, able []bool, _ int) int {
	for k := 1; k <= len(able); k++ {
		if i := (r.last + k) % len(able); able[i] {
			return i
		}
	}
	return -1
}
func (r *roundRobin) gave(winner int, _ []bool) { r.last = winner }

// leastLoaded takes who has the fewest open leads for the weight. A lead is
// open until as many more have come as there are members three times, half as
// long or half as long again.
type leastLoaded struct {
	weights []int
	open    []int
	closes  map[int][]int
	n       int
	r       *rand.Rand
}

func (l *leastLoaded) choose(_ []Entitlement, able []bool, n int) int {
	for _, i := range l.closes[n] {
		l.open[i]--
	}
	delete(l.closes, n)
	l.n = n
	best := -1
	for i := range able {
		if able[i] && (best < 0 || l.open[i]*l.weights[best] < l.open[best]*l.weights[i]) {
			best = i
		}
	}
	return best
}

func (l *leastLoaded) gave(winner int, _ []bool) {
	l.open[winner]++
	m := 3 * len(l.weights)
	at := l.n + m/2 + l.r.IntN(m+1)
	l.closes[at] = append(l.closes[at], winner)
}

// scenario says who can get a lead.
type scenario struct {
	name string
	able func(r *rand.Rand, members int) func(n int, able []bool)
}

var scenarios = []scenario{
	{"everybody there", func(*rand.Rand, int) func(int, []bool) {
		return func(_ int, able []bool) { set(able, true) }
	}},
	{"absent for each lead by chance", func(r *rand.Rand, _ int) func(int, []bool) {
		p := 0.05 + 0.5*r.Float64()
		return func(_ int, able []bool) {
			for i := range able {
				able[i] = r.Float64() >= p
			}
		}
	}},
	{"holidays of 20 to 200 leads", func(r *rand.Rand, members int) func(int, []bool) {
		back := make([]int, members)
		return func(n int, able []bool) {
			for i := range able {
				if n >= back[i] && r.Float64() < 0.002 {
					back[i] = n + 20 + r.IntN(181)
				}
				able[i] = n >= back[i]
			}
		}
	}},
	{"four skills, of which each has some", func(r *rand.Rand, members int) func(int, []bool) {
		has := make([]uint8, members)
		for i := range has {
			has[i] = uint8(1 + r.IntN(15))
		}
		return func(_ int, able []bool) {
			needs := uint8(1) << r.IntN(4)
			for i := range able {
				able[i] = has[i]&needs != 0
			}
		}
	}},
	{"full for 1 to 30 leads at a time", func(r *rand.Rand, members int) func(int, []bool) {
		free := make([]int, members)
		return func(n int, able []bool) {
			for i := range able {
				if n >= free[i] && r.Float64() < 0.03 {
					free[i] = n + 1 + r.IntN(30)
				}
				able[i] = n >= free[i]
			}
		}
	}},
}

func set(b []bool, to bool) {
	for i := range b {
		b[i] = to
	}
}

// The same leads and absences are given by each rule. What a member is owed is
// counted in the same way for all: its share of each lead that it could get,
// less the leads it got. The table is in docs/ROUTING.md.
func TestWhatIsOwedStaysBoundedAndLessThanWithOtherRules(t *testing.T) {
	const seed, pools, leads = 7, 40, 1000
	rules := []string{"entitlement ledger", "shortfall (Cal.com)", "least loaded", "round robin"}
	var table strings.Builder
	for _, s := range scenarios {
		owed := map[string][]float64{}
		for p := range pools {
			for _, name := range rules {
				r := rand.New(rand.NewPCG(seed, uint64(p)))
				weights := make([]int, 2+r.IntN(11))
				for i := range weights {
					weights[i] = 1 + r.IntN(150)
				}
				able := s.able(r, len(weights))
				var by rule
				switch name {
				case "entitlement ledger":
					by = ours{}
				case "shortfall (Cal.com)":
					by = &shortfall{weights: weights, got: make([]float64, len(weights)), away: make([]float64, len(weights))}
				case "least loaded":
					by = &leastLoaded{weights: weights, open: make([]int, len(weights)), closes: map[int][]int{}, r: rand.New(rand.NewPCG(seed, 99))}
				default:
					by = &roundRobin{last: -1}
				}
				owed[name] = append(owed[name], simulate(t, weights, able, by, leads)...)
			}
		}
		fmt.Fprintf(&table, "%s\n", s.name)
		worst := map[string]float64{}
		for _, name := range rules {
			slices.Sort(owed[name])
			at := func(q float64) float64 { return owed[name][int(q*float64(len(owed[name])-1))] }
			worst[name] = at(1)
			fmt.Fprintf(&table, "  %-22s p50 %6.2f   p95 %6.2f   p99 %6.2f   most %6.2f\n", name, at(0.5), at(0.95), at(0.99), at(1))
		}
		bound := 2.0
		if s.name == "everybody there" {
			bound = 1
		}
		if w := worst["entitlement ledger"]; w >= bound {
			t.Errorf("%s: somebody was owed %.2f leads", s.name, w)
		}
		for _, name := range rules[1:] {
			if worst[name] < worst["entitlement ledger"] {
				t.Errorf("%s: %s is fairer: %.2f against %.2f", s.name, name, worst[name], worst["entitlement ledger"])
			}
		}
	}
	t.Logf("seed %d, %d pools of 2 to 12 members with weights 1 to 150, %d leads each: what a member is owed, in leads\n%s", seed, pools, leads, table.String())
}

// simulate gives leads by a rule and returns what each member was owed after
// every tenth of them.
func simulate(t *testing.T, weights []int, able func(n int, able []bool), by rule, leads int) []float64 {
	b := newBook(weights...)
	can := make([]bool, len(weights))
	var out []float64
	for n := 1; n <= leads; n++ {
		able(n, can)
		winner := by.choose(b.members, can, n)
		if winner < 0 || !slices.Contains(can, true) {
			continue
		}
		var members []Entitlement
		for i := range b.members {
			if can[i] {
				members = append(members, b.members[i])
			}
		}
		b.book(give(members, b.members[winner].Member))
		by.gave(winner, can)
		var total leadloop.Owed
		for i := range b.members {
			total += b.members[i].Owed
			if n%10 == 0 {
				out = append(out, abs(float64(b.members[i].Owed))/float64(leadloop.OneLead))
			}
		}
		if total != 0 {
			t.Fatalf("the ledger sums to %d", total)
		}
	}
	return out
}
