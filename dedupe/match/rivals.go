package match

import "math"

// rivals know of each row the odds of all its candidates, where it has one partner at most in another source. Of several that are each likely by
// themselves one is right at most: the odds of a pair are those against no partner at all and against all other candidates of its two rows.
type rivals struct {
	nodes *nodes
	free  bool      // rows of the first source may have many partners
	odds  []float64 // sums, by node and source of the candidates
}

// mostSources is how many sources are told apart; for more a row may have several partners as far as probabilities go.
const mostSources = 16

// newRivals returns nil if rows may have any number of partners.
func newRivals(n *nodes, mode Mode) *rivals {
	if mode != OneToOne && mode != ManyToOne || n.nSource > mostSources {
		return nil
	}
	return &rivals{n, mode == ManyToOne, make([]float64, n.len()*n.nSource)}
}

// place returns where the odds of x towards the source of y are, and whether x has one partner there at most.
func (r *rivals) place(x, y uint32) (int, bool) {
	return int(x)*r.nodes.nSource + int(r.nodes.sources[y]), !r.free || r.nodes.sources[x] != 0
}

func oddsOf(weight float64) float64 { return math.Exp2(min(weight, 50)) }

// add adds a candidate.
func (r *rivals) add(x, y uint32, odds float64) {
	for _, p := range [][2]uint32{{x, y}, {y, x}} {
		if at, single := r.place(p[0], p[1]); single {
			r.odds[at] += odds
		}
	}
}

// probability of a candidate, once all are added.
func (r *rivals) probability(x, y uint32, odds float64) float64 {
	others := 0.0
	for _, p := range [][2]uint32{{x, y}, {y, x}} {
		if at, single := r.place(p[0], p[1]); single {
			others += max(r.odds[at]-odds, 0)
		}
	}
	return odds / (1 + odds + others)
}

// leastAlone is the share of rows that are held to have no partner at least, whatever was learnt.
const leastAlone = 0.25

// engage raises the prior for rows that have one partner at most: of two rows that could be one, each is either without any partner, or belongs to
// the other. The more rows have a partner the less likely is the former: M pairs among N₁ and N₂ rows leave (N₁−M)(N₂−M) pairs of rows without,
// not N₁N₂.
func (l *learner) engage() {
	if l.n.nSource != 2 || l.o.Mode != OneToOne && l.o.Mode != ManyToOne {
		return
	}
	var rows [2]float64
	for i, s := range l.n.sources {
		rows[s] += float64(l.n.size(uint32(i)))
	}
	for source, n := range rows {
		if l.o.Mode == ManyToOne && source == 0 {
			continue
		}
		l.params.prior -= math.Log2(max(1-l.matches/max(n, 1), leastAlone))
	}
}
