package routing

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// reference is the rule of [Next] written down member by member, without the
// columns and classes that make a large pool quick.
func reference(members []Entitlement) (p Pick, ok bool) {
	members = slices.Clone(members)
	slices.SortFunc(members, func(a, b Entitlement) int { return strings.Compare(string(a.Member), string(b.Member)) })
	total, m := int64(0), int64(0)
	for i := range members {
		members[i].Weight = min(max(members[i].Weight, 1), MaxWeight)
		total += int64(members[i].Weight)
		if !members[i].Absent {
			m++
		}
	}
	if m == 0 {
		return Pick{}, false
	}
	const one = int64(leadloop.OneLead)
	claim := func(e *Entitlement) int64 { return int64(e.Owed)*total + one*int64(e.Weight) }
	precedes := func(a, b *Entitlement) bool {
		switch {
		case a.Priority != b.Priority:
			return a.Priority > b.Priority
		case !a.LastAt.Equal(b.LastAt):
			return a.LastAt.Before(b.LastAt)
		}
		return a.Member < b.Member
	}
	most, first := -1, -1
	for i := range members {
		e := &members[i]
		if e.Absent {
			continue
		}
		if most < 0 || claim(e) > claim(&members[most]) || claim(e) == claim(&members[most]) && precedes(e, &members[most]) {
			most = i
		}
	}
	winner := most
	if scale := 2*m - 2; m > 1 && claim(&members[most]) <= one*total*(scale-1)/scale {
		slack := func(e *Entitlement) uint64 { return uint64(one*total*(scale-1) - claim(e)*scale) }
		for i := range members {
			e := &members[i]
			if e.Absent || claim(e)*scale < one*total {
				continue
			}
			if first >= 0 {
				f := &members[first]
				d := compareProducts(slack(e), uint64(f.Weight), slack(f), uint64(e.Weight))
				if d > 0 || d == 0 && !precedes(e, f) {
					continue
				}
			}
			first = i
		}
		if first >= 0 {
			winner = first
		}
	}
	return settled(members, winner, total), true
}

// settled credits all and debits the winner, a position or -1.
func settled(members []Entitlement, winner int, total int64) Pick {
	p := Pick{}
	left := leadloop.OneLead
	order := make([]int, len(members))
	rest := make([]int64, len(members))
	for i, e := range members {
		credit := int64(leadloop.OneLead) * int64(e.Weight)
		whole := leadloop.Owed(credit / total)
		rest[i], order[i] = credit%total, i
		p.Members, p.Deltas, p.Owed = append(p.Members, e.Member), append(p.Deltas, whole), append(p.Owed, e.Owed+whole)
		left -= whole
	}
	after := func(i int) leadloop.Owed {
		if i == winner {
			return members[i].Owed - leadloop.OneLead
		}
		return members[i].Owed
	}
	slices.SortFunc(order, func(a, b int) int {
		if d := rest[b] - rest[a]; d != 0 {
			return int(min(max(d, -1), 1))
		}
		if d := after(a) - after(b); d != 0 {
			return int(min(max(d, -1), 1))
		}
		return a - b
	})
	for _, i := range order[:left] {
		p.Deltas[i]++
		p.Owed[i]++
	}
	if winner >= 0 {
		p.Winner = members[winner].Member
		p.Deltas[winner] -= leadloop.OneLead
	}
	return p
}

func TestNextIsTheRuleMemberByMember(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 0))
	for n := range 3000 {
		members := make([]Entitlement, 1+r.IntN(1+min(n, 400)))
		weights, owed := 1+r.IntN(200), 1+r.IntN(2_000_000)
		if n%7 == 0 {
			weights = MaxWeight
		}
		for i := range members {
			members[i] = Entitlement{
				Member: leadloop.RepID(fmt.Sprintf("m%04d", i)), Weight: 1 + r.IntN(weights), Priority: r.IntN(2),
				Owed: leadloop.Owed(r.IntN(owed) - owed/2), LastAt: time.Unix(r.Int64N(4), 0), Absent: n%3 == 0 && r.IntN(3) == 0,
			}
		}
		got, ok := Next(members)
		want, wantOK := reference(members)
		if ok != wantOK || cmp.Diff(want, got) != "" {
			t.Fatalf("%d members (-want +got):\n%s", len(members), cmp.Diff(want, got))
		}
	}
}

// TestAPoolsLedgerMovesByTheRule compares what a router books with the rule
// over the members that can get the lead, whoever is away, full, ramping up,
// gone or new to the ledger.
func TestAPoolsLedgerMovesByTheRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "members")
		def := Definition{Final: "q", Queues: []Queue{{ID: "q"}}, Teams: []Team{{ID: "t"}}, Pools: []Pool{{ID: "p", Team: "t", CatchUp: rapid.Bool().Draw(t, "catch up")}}, Chain: []Entry{{ID: "all", Target: Target{Pool: "p"}}}}
		rd := &Snapshot{Workloads: map[leadloop.RepID]store.Workload{}}
		rotation := store.Rotation{Pool: "p", Revision: 3}
		var want []Entitlement
		for i := range n {
			id := leadloop.RepID(fmt.Sprintf("m%02d", i))
			x := Rep{ID: id, Priority: rapid.IntRange(0, 1).Draw(t, "priority")}
			weight := rapid.SampledFrom([]int{1, 50, 100, 100, 100, 137}).Draw(t, "weight")
			x.Weight = &weight
			e := Entitlement{Member: id, Weight: weight, Priority: x.Priority}
			away := Absence{From: monday.Add(-time.Hour), Until: monday.Add(time.Hour)}
			can := true
			switch rapid.IntRange(0, 9).Draw(t, "is") {
			case 0:
				x.Away, e.Absent, can = []Absence{away}, true, false
			case 1:
				rd.CRM, can = append(rd.CRM, leadloop.Rep{ID: id, Inactive: true}), false
			case 2:
				x.MaxOpen, rd.Workloads[id], can = 3, store.Workload{Open: 3}, false
			case 3:
				x.MaxOpen, rd.Workloads[id] = 3, store.Workload{Open: 2}
			case 4:
				x.Ramp = &Ramp{From: monday, Until: monday.Add(1000 * time.Hour)} // half of the weight
				e.Weight = max(1, weight/2)
			case 5:
				rd.CRM = append(rd.CRM, leadloop.Rep{ID: id})
			}
			def.Reps, def.Teams[0].Members = append(def.Reps, x), append(def.Teams[0].Members, id)
			if rapid.IntRange(0, 4).Draw(t, "new") > 0 {
				b := store.Balance{Member: id, Owed: leadloop.Owed(rapid.Int64Range(-2_000_000, 2_000_000).Draw(t, "owed")), LastAt: monday.Add(-time.Duration(rapid.IntRange(1, 3).Draw(t, "last")) * time.Hour)}
				rotation.Balances = append(rotation.Balances, b, store.Balance{Member: id + "-left", Owed: 7})
				e.Owed, e.LastAt = b.Owed, b.LastAt
			}
			if can || e.Absent && def.Pools[0].CatchUp {
				want = append(want, e)
			}
		}
		rd.Rotations = map[string]store.Rotation{"p": rotation}
		r, err := New(def, SLADefinition{}, leadloop.StandardSchema(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time with memory that was used
			a, err := r.Route(context.Background(), rd, Request{Lead: leadOfTier("l", ""), Profile: r.schema.NewProfile(), AsOf: monday})
			if err != nil {
				t.Fatal(err)
			}
			pick, ok := reference(want)
			if !ok {
				if a.Owner != "" || a.Ledger != nil {
					t.Fatalf("nobody could get it, and %s does", a.Owner)
				}
				continue
			}
			move := leadloop.LedgerMove{Pool: "p", Revision: 3, Lead: "l", To: pick.Winner, At: monday, Members: []leadloop.RepID{}, Deltas: []leadloop.Owed{}}
			for i, d := range pick.Deltas {
				if d != 0 {
					move.Members, move.Deltas = append(move.Members, pick.Members[i]), append(move.Deltas, d)
				}
			}
			if diff := cmp.Diff([]leadloop.LedgerMove{move}, a.Ledger); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
			if w := a.Trace.Entries[0].Members[0]; w.Member != pick.Winner || w.Owed != pick.Owed[slices.Index(pick.Members, pick.Winner)] {
				t.Fatalf("the trace says %v of %s", w, pick.Winner)
			}
		}
	})
}
