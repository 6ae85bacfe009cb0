package leadloop_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
)

func TestAHistoryHasTheTimesOfEveryType(t *testing.T) {
	long := strings.Repeat("x", 20)
	types := []string{"", "reply", "page_view", "page_vieu", long + "a" + long, long + "b" + long}
	var h leadloop.History // which is filled again and again
	rapid.Check(t, func(t *rapid.T) {
		var list []leadloop.Activity
		for range rapid.IntRange(0, 30).Draw(t, "activities") {
			at := time.Unix(0, rapid.Int64Range(-1<<61, 1<<61).Draw(t, "at"))
			list = append(list, leadloop.Activity{Type: rapid.SampledFrom(types).Draw(t, "type"), At: at})
		}
		h.Fill(list)
		want, latest := map[string][]int64{}, int64(math.MinInt64)
		for _, a := range list {
			ns := a.At.UnixNano()
			want[a.Type], latest = append(want[a.Type], ns), max(latest, ns)
		}
		got := map[string][]int64{}
		for _, k := range h.Types {
			name := h.Activities[k.First].Type
			if k.Key != leadloop.KeyOf(name) {
				t.Fatalf("the key of %q is %x", name, k.Key)
			}
			got[name] = h.Times[k.From:k.To]
		}
		for _, times := range want {
			slices.Sort(times)
		}
		if diff := cmp.Diff(want, got); diff != "" || h.Latest != latest || h.Far {
			t.Fatalf("latest %d, want %d, far %t\n%s", h.Latest, latest, h.Far, diff)
		}
	})
}

func TestAHistoryWithAFarTimeSaysSo(t *testing.T) {
	list := []leadloop.Activity{{Type: "reply", At: time.Unix(0, 0)}, {Type: "reply", At: time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)}}
	p := leadloop.StandardSchema().NewProfile()
	p.SetActivities(list)
	if h := p.History(); !h.Far || len(h.Types) > 0 || len(h.Times) > 0 {
		t.Errorf("got %+v", h)
	}
	p.SetActivities(list[:1])
	if h := p.History(); h.Far || len(h.Times) != 1 || h.Latest != 0 {
		t.Errorf("without it got %+v", h)
	}
}
