package routing

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
)

// Leads that wait in groups are tried as they would be from one list by arrival,
// whoever leaves, joins another group or gets full on the way.
func TestAWalkThroughGroupsIsThatThroughOneList(t *testing.T) {
	reps := []leadloop.RepID{"a", "b", "c"}
	rapid.Check(t, func(t *rapid.T) {
		s := &sim{r: &Router{}, list: simList{ranks: make([][]*simGroup, 1), index: map[string]*simGroup{}}}
		var leads []*simLead
		for i := range rapid.IntRange(0, 30).Draw(t, "leads") {
			l := &simLead{id: leadloop.LeadID(fmt.Sprintf("l%02d", i)), received: monday.Add(time.Duration(rapid.IntRange(0, 9).Draw(t, "arrives")) * time.Hour)}
			leads = append(leads, l)
			s.join(l, drawNamed(t, reps))
			if rapid.IntRange(0, 4).Draw(t, "again") == 0 {
				s.join(l, drawNamed(t, reps))
			}
		}
		can := map[leadloop.RepID]bool{}
		for _, id := range reps {
			can[id] = rapid.Bool().Draw(t, "can")
		}
		canOne := func(n named) bool { return can[n.rep] }
		// What happens when a lead is tried: it stays, leaves, or joins others.
		fate := map[leadloop.LeadID]int{}
		for _, l := range leads {
			fate[l.id] = rapid.IntRange(0, 4).Draw(t, "fate")
		}

		byArrival := slices.Clone(leads)
		slices.SortFunc(byArrival, func(a, b *simLead) int {
			return (&simWaiter{lead: a}).compare(simWaiter{lead: b})
		})
		var want []leadloop.LeadID
		after, full := map[leadloop.LeadID]bool{}, map[leadloop.RepID]bool{}
		for _, l := range byArrival {
			after[l.id] = true
			if !slices.ContainsFunc(l.group.named, func(n named) bool { return can[n.rep] && !full[n.rep] }) {
				continue
			}
			want = append(want, l.id)
			switch fate[l.id] {
			case 1:
				after[l.id] = false
			case 2:
				full[l.group.named[0].rep] = true
			}
		}

		var got []leadloop.LeadID
		s.list.walking = true
		w := s.walk(0, canOne)
		for l := w.next(); l != nil; l = w.next() {
			got = append(got, l.id)
			switch fate[l.id] {
			case 1:
				s.waitsNoMore(l)
			case 2:
				can[l.group.named[0].rep] = false
			case 3:
				s.join(l, drawNamed(t, reps))
			}
		}
		w.end()
		s.list.tidy()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("tried (-want +got):\n%s", diff)
		}
		for _, id := range reps {
			can[id] = true
		}
		var left, still []leadloop.LeadID
		for _, l := range byArrival {
			if after[l.id] {
				left = append(left, l.id)
			}
		}
		w = s.walk(0, canOne)
		for l := w.next(); l != nil; l = w.next() {
			still = append(still, l.id)
		}
		if diff := cmp.Diff(left, still); diff != "" || s.list.n != len(left) {
			t.Fatalf("%d wait afterwards (-want +got):\n%s", s.list.n, diff)
		}
	})
}

func drawNamed(t *rapid.T, reps []leadloop.RepID) []named {
	var list []named
	for _, id := range rapid.SliceOfNDistinct(rapid.SampledFrom(reps), 1, 2, rapid.ID).Draw(t, "named") {
		list = append(list, named{-1, id})
	}
	return list
}
