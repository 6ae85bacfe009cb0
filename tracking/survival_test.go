package tracking_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/tracking"
)

func TestTimeInStageIsThatOfKaplanAndMeierHoweverManyAndHoweverTied(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		leads := rapid.SampledFrom([]int{3, 20, 700, 2500}).Draw(rt, "leads")
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		open, span := rapid.IntRange(0, 10).Draw(rt, "tenths open"), rapid.SampledFrom([]int{3, 50, 100_000}).Draw(rt, "span")
		asOf := day.Add(time.Duration(span) * time.Second)
		live := tracker(rt, asOf, tracking.Options{})
		var ended, lasting []time.Duration
		for i := range leads {
			var j journal
			from := r.IntN(span)
			until := from + r.IntN(span-from)
			id := leadloop.LeadID(fmt.Sprint(i))
			j.captured(id, "web", day)
			j.add(leadloop.EventStageChanged, id, day.Add(time.Duration(from)*time.Second), to("mql"))
			if r.IntN(10) < open {
				lasting = append(lasting, asOf.Sub(j[1].At))
			} else {
				j.add(leadloop.EventStageChanged, id, day.Add(time.Duration(until)*time.Second), to("sal"))
				ended = append(ended, j[2].At.Sub(j[1].At))
			}
			for _, e := range j {
				live.Add(e)
			}
			if i%97 == 0 {
				live.Report()
			}
		}
		if span > 1000 && leads > 1000 {
			ended, lasting = ended[:0], lasting[:0] // the plain way is too slow: only its counts and order are asked for
		}
		all, err := live.Figures(nil)
		if err != nil {
			rt.Fatal(err)
		}
		for _, s := range all.Stages {
			if want := kaplanMeier(ended, lasting); s.Stage == "mql" && len(ended)+len(lasting) > 0 {
				if diff := gocmp.Diff(want, s.Stay); diff != "" {
					rt.Fatal(diff)
				}
			}
			if s.Stay.Median > s.Stay.P90 && s.Stay.KnownP90 || s.Stay.KnownP90 && !s.Stay.Known {
				rt.Fatalf("half are done after %v, nine tenths after %v", s.Stay.Median, s.Stay.P90)
			}
		}
	})
}
