package tracking

import (
	"slices"
	"sort"
)

// multiset is numbers in order, in chunks, so that one comes or goes at the
// cost of a chunk and not of all.
type multiset struct {
	chunks [][]int64 // none is empty
	n      int
	fresh  []int64 // not in a chunk yet
}

const chunkSize = 512

func (s *multiset) add(v int64) {
	s.n++
	s.fresh = append(s.fresh, v)
}

// order puts what is fresh where it belongs; many at once cost a sort of all.
func (s *multiset) order() {
	if len(s.fresh) == 0 {
		return
	}
	if len(s.fresh) < 8 || len(s.fresh) < s.n/64 {
		for _, v := range s.fresh {
			s.insert(v)
		}
		s.fresh = s.fresh[:0]
		return
	}
	all := append(make([]int64, 0, s.n), s.fresh...)
	for _, c := range s.chunks {
		all = append(all, c...)
	}
	slices.Sort(all)
	s.chunks, s.fresh = s.chunks[:0], nil
	for c := range slices.Chunk(all, chunkSize*3/4) {
		s.chunks = append(s.chunks, c)
	}
}

// chunk is where v is or belongs.
func (s *multiset) chunk(v int64) int {
	i := sort.Search(len(s.chunks), func(i int) bool { c := s.chunks[i]; return c[len(c)-1] >= v })
	return min(i, len(s.chunks)-1)
}

func (s *multiset) insert(v int64) {
	if len(s.chunks) == 0 {
		s.chunks = append(s.chunks, []int64{v})
		return
	}
	i := s.chunk(v)
	at, _ := slices.BinarySearch(s.chunks[i], v)
	s.chunks[i] = slices.Insert(s.chunks[i], at, v)
	if c := s.chunks[i]; len(c) >= chunkSize {
		s.chunks[i] = c[: chunkSize/2 : chunkSize/2]
		s.chunks = slices.Insert(s.chunks, i+1, slices.Clone(c[chunkSize/2:]))
	}
}

// remove takes out one v, which must be there.
func (s *multiset) remove(v int64) {
	s.order()
	i := s.chunk(v)
	at, _ := slices.BinarySearch(s.chunks[i], v)
	s.chunks[i] = slices.Delete(s.chunks[i], at, at+1)
	if len(s.chunks[i]) == 0 {
		s.chunks = slices.Delete(s.chunks, i, i+1)
	}
	s.n--
}

func (s *multiset) move(v int64, sign int) {
	if sign > 0 {
		s.add(v)
	} else {
		s.remove(v)
	}
}

// at returns the i-th number, from 0.
func (s *multiset) at(i int) int64 {
	s.order()
	for _, c := range s.chunks {
		if i < len(c) {
			return c[i]
		}
		i -= len(c)
	}
	panic("tracking: no such rank")
}

// rank returns the smallest number that at least pct % do not exceed.
func (s *multiset) rank(pct int) int64 { return s.at((s.n*pct+99)/100 - 1) }
