package rules

// transpose turns rows of 64 bits into columns: bit b of a[i] becomes bit i of
// a[b].
func transpose(a *[64]uint64) {
	for k := range 32 {
		t := (a[k]>>32 ^ a[k+32]) & 0x00000000FFFFFFFF
		a[k] ^= t << 32
		a[k+32] ^= t
	}
	for g := 0; g < 64; g += 32 {
		for k := g; k < g+16; k++ {
			t := (a[k&63]>>16 ^ a[(k+16)&63]) & 0x0000FFFF0000FFFF
			a[k&63] ^= t << 16
			a[(k+16)&63] ^= t
		}
	}
	for g := 0; g < 64; g += 16 {
		for k := g; k < g+8; k++ {
			t := (a[k&63]>>8 ^ a[(k+8)&63]) & 0x00FF00FF00FF00FF
			a[k&63] ^= t << 8
			a[(k+8)&63] ^= t
		}
	}
	for g := 0; g < 64; g += 8 {
		for k := g; k < g+4; k++ {
			t := (a[k&63]>>4 ^ a[(k+4)&63]) & 0x0F0F0F0F0F0F0F0F
			a[k&63] ^= t << 4
			a[(k+4)&63] ^= t
		}
	}
	for k := 0; k < 64; k += 4 {
		t := (a[k&63]>>2 ^ a[(k+2)&63]) & 0x3333333333333333
		a[k&63] ^= t << 2
		a[(k+2)&63] ^= t
		t = (a[(k+1)&63]>>2 ^ a[(k+3)&63]) & 0x3333333333333333
		a[(k+1)&63] ^= t << 2
		a[(k+3)&63] ^= t
	}
	for k := 0; k < 64; k += 2 {
		t := (a[k&63]>>1 ^ a[(k+1)&63]) & 0x5555555555555555
		a[k&63] ^= t << 1
		a[(k+1)&63] ^= t
	}
}

// Rows turns up to 64 sets of leads into rows, one for each lead: bit b of
// rows[i] says whether lead i is in sets[b]. A nil set is empty.
func Rows(sets []*LeadBits, rows *[BlockLeads]uint64) {
	for w := range BlockLeads / 64 {
		a := (*[64]uint64)(rows[w*64 : w*64+64])
		clear(a[:])
		for b, set := range sets[:min(len(sets), 64)] {
			if set != nil {
				a[b&63] = set[w]
			}
		}
		transpose(a)
	}
}

// one is 1 for true; it becomes a comparison without a branch.
func one(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// pass adds to each row the row of its number.
func pass[T uint16 | uint32 | int64](rows []uint64, column, bounds []T, of []uint64) {
	column = column[:len(rows)]
	switch len(bounds) {
	case 0:
		if of[0] != 0 {
			for i := range rows {
				rows[i] |= of[0]
			}
		}
	case 1:
		k, a, d := bounds[0], of[0], of[0]^of[1]
		for i, v := range column {
			rows[i] |= a ^ d&-one(v >= k)
		}
	case 2:
		k, l := bounds[0], bounds[1]
		a, d, e := of[0], of[0]^of[1], of[1]^of[2]
		for i, v := range column {
			rows[i] |= a ^ d&-one(v >= k) ^ e&-one(v >= l)
		}
	case 3:
		k, l, m := bounds[0], bounds[1], bounds[2]
		a, d, e, f := of[0], of[0]^of[1], of[1]^of[2], of[2]^of[3]
		for i, v := range column {
			rows[i] |= a ^ d&-one(v >= k) ^ e&-one(v >= l) ^ f&-one(v >= m)
		}
	default:
		for i, v := range column {
			lo, n := 0, len(bounds)
			for n > 1 {
				half := n / 2
				lo += half & -int(one(v >= bounds[lo+half-1]))
				n -= half
			}
			lo += int(one(v >= bounds[lo]))
			rows[i] |= of[lo]
		}
	}
}

func passFloats(rows []uint64, column, bounds []float64, of []uint64) {
	column = column[:len(rows)]
	switch len(bounds) {
	case 0:
		for i := range rows {
			rows[i] |= of[0]
		}
	case 1:
		k, a, d := bounds[0], of[0], of[0]^of[1]
		for i, v := range column {
			rows[i] |= a ^ d&-one(v >= k)
		}
	case 2:
		k, l := bounds[0], bounds[1]
		a, d, e := of[0], of[0]^of[1], of[1]^of[2]
		for i, v := range column {
			rows[i] |= a ^ d&-one(v >= k) ^ e&-one(v >= l)
		}
	default:
		for i, v := range column {
			lo, n := 0, len(bounds)
			for n > 1 {
				half := n / 2
				lo += half & -int(one(v >= bounds[lo+half-1]))
				n -= half
			}
			lo += int(one(v >= bounds[lo]))
			rows[i] |= of[lo]
		}
	}
}
