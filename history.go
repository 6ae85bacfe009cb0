package leadloop

import (
	"math"
	"slices"
)

// History is activities as they lie in memory for evaluators: their times by
// type. The zero History has none. It is read-only once filled, but for being
// filled again.
type History struct {
	// Activities are what it was filled with, in their order.
	Activities []Activity
	// Types are the distinct types among them, in the order in which they first
	// occur.
	Types []TypeTimes
	// Times are those of all activities as [NearTime] has them, type by type,
	// ascending. Latest is the latest of all, math.MinInt64 if there is none.
	Times  []int64
	Latest int64
	// Far says that some time is not near 1970. Then there are no Types and
	// no Times.
	Far bool

	types []int32 // by activity, while it is filled
}

// TypeTimes is one type of activity: its key, and where its times begin and end
// in History.Times. First is the position of an activity of the type.
type TypeTimes struct {
	Key      TextKey
	From, To int32
	First    int32
}

// Fill makes h the history of these activities, which it keeps a reference to
// and which must not change. It reuses what h had before.
func (h *History) Fill(list []Activity) {
	h.Activities, h.Types, h.Times = list, slices.Grow(h.Types[:0], min(len(list), 6)), slices.Grow(h.Times[:0], len(list))
	h.types = slices.Grow(h.types[:0], len(list))
	h.Latest, h.Far = math.MinInt64, false
	for i := range list {
		k := h.typ(list, i)
		h.Types[k].To++
		h.types = append(h.types, int32(k))
	}
	var from int32
	for k := range h.Types {
		t := &h.Types[k]
		t.From, t.To, from = from, from, from+t.To
	}
	h.Times = h.Times[:len(list)]
	for i := range list {
		ns, near := NearTime(list[i].At)
		if !near {
			h.Types, h.Times, h.Far = h.Types[:0], h.Times[:0], true
			return
		}
		t := &h.Types[h.types[i]]
		h.Times[t.To] = ns
		t.To++
		h.Latest = max(h.Latest, ns)
	}
	for _, t := range h.Types {
		slices.Sort(h.Times[t.From:t.To])
	}
}

// Of reports whether h was filled with that very list.
func (h *History) Of(list []Activity) bool {
	return len(list) == len(h.Activities) && (len(list) == 0 || &list[0] == &h.Activities[0])
}

// typ returns the position among the types of the i-th activity's.
func (h *History) typ(list []Activity, i int) int {
	name := list[i].Type
	key := KeyOf(name)
	for k := range h.Types {
		if t := &h.Types[k]; t.Key == key && (key.Len <= 16 || list[t.First].Type == name) {
			return k
		}
	}
	h.Types = append(h.Types, TypeTimes{Key: key, First: int32(i)})
	return len(h.Types) - 1
}
