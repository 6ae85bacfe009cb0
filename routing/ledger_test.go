package routing

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
)

// A book is a pool's ledger for tests that give many leads.
type book struct {
	members []Entitlement
	got     []int
	at      time.Time
}

func newBook(weights ...int) *book {
	b := &book{got: make([]int, len(weights)), at: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
	for i, w := range weights {
		b.members = append(b.members, Entitlement{Member: leadloop.RepID(fmt.Sprintf("m%02d", i)), Weight: w})
	}
	return b
}

func (b *book) index(id leadloop.RepID) int {
	for i := range b.members {
		if b.members[i].Member == id {
			return i
		}
	}
	return -1
}

// give gives one lead to one of those who are there.
func (b *book) give(there func(i int) bool) (Pick, bool) {
	var eligible []Entitlement
	for i := range b.members {
		if there == nil || there(i) {
			eligible = append(eligible, b.members[i])
		}
	}
	p, ok := Next(eligible)
	if ok {
		b.book(p)
	}
	return p, ok
}

func (b *book) book(p Pick) {
	for i, id := range p.Members {
		b.members[b.index(id)].Owed += p.Deltas[i]
	}
	b.at = b.at.Add(time.Minute)
	w := b.index(p.Winner)
	b.got[w]++
	b.members[w].LastAt = b.at
}

func sum(deltas []leadloop.Owed) (total leadloop.Owed) {
	for _, d := range deltas {
		total += d
	}
	return total
}

func TestNextVectors(t *testing.T) {
	const lead = leadloop.OneLead
	early, late := time.Unix(100, 0), time.Unix(200, 0)
	for _, c := range []struct {
		name    string
		members []Entitlement
		want    Pick
	}{
		{
			"of weights 100, 100 and 50 that received 4, 3 and 1 the third is next",
			[]Entitlement{
				{Member: "a", Weight: 100, Owed: 8*lead*2/5 - 4*lead},
				{Member: "b", Weight: 100, Owed: 8*lead*2/5 - 3*lead},
				{Member: "c", Weight: 50, Owed: 8*lead/5 - 1*lead},
			},
			Pick{
				Winner:  "c",
				Owed:    []leadloop.Owed{-400_000, 600_000, 800_000},
				Members: []leadloop.RepID{"a", "b", "c"}, Deltas: []leadloop.Owed{400_000, 400_000, -800_000},
			},
		},
		{
			"the only member gets every lead and owes nothing",
			[]Entitlement{{Member: "a", Weight: 7, Owed: -3 * lead}},
			Pick{Winner: "a", Owed: []leadloop.Owed{-2 * lead}, Members: []leadloop.RepID{"a"}, Deltas: []leadloop.Owed{0}},
		},
		{
			"what a third leaves over goes to the winner, so that equals stay equal",
			[]Entitlement{{Member: "c", Weight: 1}, {Member: "a", Weight: 1}, {Member: "b", Weight: 1}},
			Pick{
				Winner:  "a",
				Owed:    []leadloop.Owed{333_334, 333_333, 333_333},
				Members: []leadloop.RepID{"a", "b", "c"}, Deltas: []leadloop.Owed{-666_666, 333_333, 333_333},
			},
		},
		{
			"priority breaks a tie before anything else",
			[]Entitlement{{Member: "a", Weight: 1, LastAt: early}, {Member: "b", Weight: 1, Priority: 1, LastAt: late}},
			Pick{Winner: "b", Owed: []leadloop.Owed{500_000, 500_000}, Members: []leadloop.RepID{"a", "b"}, Deltas: []leadloop.Owed{500_000, -500_000}},
		},
		{
			"then who was assigned least recently",
			[]Entitlement{{Member: "a", Weight: 1, LastAt: late}, {Member: "b", Weight: 1, LastAt: early}},
			Pick{Winner: "b", Owed: []leadloop.Owed{500_000, 500_000}, Members: []leadloop.RepID{"a", "b"}, Deltas: []leadloop.Owed{500_000, -500_000}},
		},
		{
			"an absent member that catches up is credited and does not win",
			[]Entitlement{{Member: "a", Weight: 1, Owed: 5 * lead, Absent: true}, {Member: "b", Weight: 1}, {Member: "c", Weight: 2, Owed: -5 * lead}},
			Pick{
				Winner:  "b",
				Owed:    []leadloop.Owed{5*lead + 250_000, 250_000, -5*lead + 500_000},
				Members: []leadloop.RepID{"a", "b", "c"}, Deltas: []leadloop.Owed{250_000, -750_000, 500_000},
			},
		},
		{
			// Both are owed at least 1/(2·3−2); the smaller balance of the
			// heavier member is overdue sooner.
			"the earlier deadline goes before the larger balance",
			[]Entitlement{{Member: "a", Weight: 10, Owed: 500_000}, {Member: "b", Weight: 80, Owed: -400_000}, {Member: "c", Weight: 10, Owed: -100_000}},
			Pick{
				Winner:  "b",
				Owed:    []leadloop.Owed{600_000, 400_000, 0},
				Members: []leadloop.RepID{"a", "b", "c"}, Deltas: []leadloop.Owed{100_000, -200_000, 100_000},
			},
		},
		{
			"whoever is overdue goes before the earlier deadline",
			[]Entitlement{{Member: "a", Weight: 10, Owed: 700_000}, {Member: "b", Weight: 80, Owed: -400_000}, {Member: "c", Weight: 10, Owed: -300_000}},
			Pick{
				Winner:  "a",
				Owed:    []leadloop.Owed{800_000, 400_000, -200_000},
				Members: []leadloop.RepID{"a", "b", "c"}, Deltas: []leadloop.Owed{-900_000, 800_000, 100_000},
			},
		},
		{
			"when nobody is owed enough the one owed most is next",
			[]Entitlement{{Member: "a", Weight: 1, Owed: -3 * lead}, {Member: "b", Weight: 1, Owed: -2 * lead}},
			Pick{
				Winner:  "b",
				Owed:    []leadloop.Owed{-2_500_000, -1_500_000},
				Members: []leadloop.RepID{"a", "b"}, Deltas: []leadloop.Owed{500_000, -500_000},
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := Next(c.members)
			if !ok {
				t.Fatal("nobody can get it")
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNobodyCanGetALeadFromNobody(t *testing.T) {
	for _, members := range [][]Entitlement{nil, {{Member: "a", Weight: 1, Absent: true}}} {
		if p, ok := Next(members); ok {
			t.Errorf("%v got it", p.Winner)
		}
	}
}

func TestAJoinerStartsAtNothingOwed(t *testing.T) {
	b := newBook(100, 100, 100)
	for range 12 {
		b.give(nil)
	}
	b.members = append(b.members, Entitlement{Member: "m03", Weight: 100})
	b.got = append(b.got, 0)
	for _, m := range b.members {
		if m.Owed != 0 {
			t.Errorf("%s is owed %d millionths after 12 leads over 3", m.Member, m.Owed)
		}
	}
	if diff := cmp.Diff([]int{4, 4, 4, 0}, b.got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for range 4 {
		b.give(nil)
	}
	if diff := cmp.Diff([]int{5, 5, 5, 1}, b.got); diff != "" {
		t.Errorf("after four more (-want +got):\n%s", diff)
	}
}

// deviation gives leads to a random team and returns how far anybody's balance
// ever was from 0 after a lead, and from the exact share with all there.
func deviation(t testing.TB, r *rand.Rand, leads int, absent float64) (balance, share float64) {
	weights := make([]int, 2+r.IntN(11))
	total := 0
	for i := range weights {
		weights[i] = 1 + r.IntN(150)
		total += weights[i]
	}
	b := newBook(weights...)
	for n := 1; n <= leads; n++ {
		p, ok := b.give(func(int) bool { return absent == 0 || r.Float64() >= absent })
		if !ok {
			continue
		}
		if s := sum(p.Deltas); s != 0 {
			t.Fatalf("weights %v: the deltas of lead %d sum to %d", weights, n, s)
		}
		for i, m := range b.members {
			exact := float64(n) * float64(weights[i]) / float64(total)
			balance = max(balance, abs(float64(m.Owed))/float64(leadloop.OneLead))
			share = max(share, abs(float64(b.got[i])-exact))
		}
	}
	return balance, share
}

func abs(f float64) float64 { return max(f, -f) }

func TestNobodyIsEverAWholeLeadAwayFromItsShare(t *testing.T) {
	const seed = 1
	r := rand.New(rand.NewPCG(seed, 0))
	worst := 0.0
	for range 200 {
		balance, share := deviation(t, r, 2000, 0)
		worst = max(worst, balance, share)
	}
	t.Logf("seed %d: worst %.3f of a lead", seed, worst)
	if worst >= 1 {
		t.Errorf("seed %d: somebody was %.3f leads away", seed, worst)
	}
	if worst < 0.5 {
		t.Errorf("seed %d: worst %.3f is better than the best bound there is: the test does not test", seed, worst)
	}
}

func TestWithRandomAbsencesNobodyIsFarFromWhatIsOwed(t *testing.T) {
	const seed = 2
	r := rand.New(rand.NewPCG(seed, 0))
	worst := 0.0
	for range 150 {
		balance, _ := deviation(t, r, 2000, 0.05+0.5*r.Float64())
		worst = max(worst, balance)
	}
	t.Logf("seed %d: worst %.3f of a lead", seed, worst)
	if worst > 1.4 {
		t.Errorf("seed %d: somebody was owed %.3f leads", seed, worst)
	}
}

func TestEqualMembersTakeTurnsByPriorityForGood(t *testing.T) {
	b := newBook(100, 100, 100, 100, 100, 100, 100)
	for i := range b.members {
		b.members[i].Priority = i
	}
	for n := range 7000 {
		p, _ := b.give(nil)
		if want := b.members[6-n%7].Member; p.Winner != want {
			t.Fatalf("lead %d goes to %s, want %s", n, p.Winner, want)
		}
	}
}

func drawMembers(t *rapid.T) []Entitlement {
	n := rapid.IntRange(1, 12).Draw(t, "members")
	out := make([]Entitlement, n)
	for i := range out {
		out[i] = Entitlement{
			Member:   leadloop.RepID(fmt.Sprintf("m%02d", i)),
			Weight:   rapid.IntRange(1, 150).Draw(t, "weight"),
			Priority: rapid.IntRange(0, 2).Draw(t, "priority"),
			Owed:     leadloop.Owed(rapid.Int64Range(-3_000_000, 3_000_000).Draw(t, "owed")),
			LastAt:   time.Unix(rapid.Int64Range(0, 5).Draw(t, "last"), 0),
			Absent:   rapid.IntRange(0, 3).Draw(t, "absent") == 0,
		}
	}
	return out
}

func TestNextSumsToZeroWhateverTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := drawMembers(t)
		p, ok := Next(members)
		q, okQ := Next(rapid.Permutation(members).Draw(t, "permutation"))
		if ok != okQ || cmp.Diff(p, q) != "" {
			t.Fatalf("the order of members matters: %s", cmp.Diff(p, q))
		}
		if !ok {
			return
		}
		if s := sum(p.Deltas); s != 0 {
			t.Fatalf("the deltas sum to %d", s)
		}
		for i, m := range members {
			share := float64(p.Owed[i] - m.Owed)
			total := 0
			for _, x := range members {
				total += x.Weight
			}
			if exact := 1e6 * float64(m.Weight) / float64(total); abs(share-exact) >= 1 {
				t.Fatalf("%s is credited %v millionths, its share is %v", m.Member, share, exact)
			}
			if m.Member == p.Winner && m.Absent {
				t.Fatalf("%s is absent and won", m.Member)
			}
		}
	})
}

func TestReturnUndoesWhatGiveBooked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := drawMembers(t)
		owner := rapid.SampledFrom([]leadloop.RepID{"m00", "m01", "zz", "a"}).Draw(t, "owner")
		gave, back := give(members, owner), turnOf(members).give(owner).reversed()
		if diff := cmp.Diff(gave.Members, back.members); diff != "" {
			t.Fatalf("others give back than got: %s", diff)
		}
		if s := sum(gave.Deltas); s != 0 {
			t.Fatalf("what is given sums to %d", s)
		}
		for i, d := range back.deltas {
			if d != -gave.Deltas[i] {
				t.Fatalf("%v is given back of %v", d, gave.Deltas[i])
			}
		}
	})
}

// give books a lead that winner gets for another reason than the ledger.
func give(members []Entitlement, winner leadloop.RepID) Pick {
	c := turnOf(members).give(winner)
	return Pick{Winner: winner, Members: c.members, Deltas: c.deltas}
}

func TestLeadsAreWrittenToTheHundredth(t *testing.T) {
	for in, want := range map[leadloop.Owed]string{620_000: "0.62", -4_999: "0.00", -5_000: "-0.01", 0: "0.00", 1_995_000: "2.00", -1_350_000: "-1.35"} {
		if got := leads(in); got != want {
			t.Errorf("leads(%d) = %s, want %s", in, got, want)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	for _, n := range []int{12, 1000} {
		b.Run(fmt.Sprintf("%d members", n), func(b *testing.B) {
			r := rand.New(rand.NewPCG(3, 0))
			weights := make([]int, n)
			for i := range weights {
				weights[i] = 1 + r.IntN(150)
			}
			pool := newBook(weights...)
			for i := range pool.members {
				pool.members[i].Member = leadloop.RepID(fmt.Sprintf("m%04d", i))
			}
			b.ReportAllocs()
			for b.Loop() {
				if p, ok := Next(pool.members); !ok || len(p.Deltas) != n {
					b.Fatal("nobody")
				}
			}
		})
	}
}
