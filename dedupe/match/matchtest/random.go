package matchtest

// random is a splitmix64 stream. It is made anew for every account, person and record, so that each is the same whichever came before.
type random uint64

// source starts a stream from numbers that tell it apart.
func source(keys ...uint64) random {
	r := random(0x9e3779b97f4a7c15)
	for _, k := range keys {
		r = random(r.next() ^ k*0xff51afd7ed558ccd)
	}
	return r
}

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number in [0, n).
func (r *random) below(n int) int {
	return int((r.next() >> 32) * uint64(n) >> 32)
}

// in holds with the probability of permille in a thousand.
func (r *random) in(permille int) bool { return r.below(1000) < permille }

// of draws one of a list.
func of[T any](r *random, list []T) T { return list[r.below(len(list))] }

// often draws one of a list, the first ones more often.
func often[T any](r *random, list []T) T {
	return list[min(r.below(len(list)), r.below(len(list)))]
}

// permutation is a bijection of [0, n): four rounds of a Feistel network over the next power of four, walked until the result is in range.
type permutation struct {
	n    uint64
	half uint
	keys [4]uint64
}

func newPermutation(n int, seed uint64) permutation {
	p := permutation{n: uint64(n), half: 1}
	for uint64(1)<<(2*p.half) < p.n {
		p.half++
	}
	r := source(seed, 0x5bd1e995)
	for i := range p.keys {
		p.keys[i] = r.next()
	}
	return p
}

func (p permutation) at(i int) int {
	mask := uint64(1)<<p.half - 1
	x := uint64(i)
	for {
		left, right := x>>p.half, x&mask
		for _, k := range p.keys {
			f := random(right ^ k)
			left, right = right, left^f.next()&mask
		}
		if x = left<<p.half | right; x < p.n {
			return int(x)
		}
	}
}
