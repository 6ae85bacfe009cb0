package match

import (
	"fmt"

	"github.com/leadloop/leadloop"
)

// decided is what was decided about the rows of a table, by their numbers.
type decided struct {
	same, different [][2]uint32
	apart           map[uint32]bool // rows that must not be put together with equal ones
}

// decided looks up the rows that decisions name. A pair that is said to be both is an error that wraps leadloop.ErrConflict.
func (t *Table) decided(decisions []Decision) (decided, error) {
	d := decided{apart: map[uint32]bool{}}
	if len(decisions) == 0 {
		return d, nil
	}
	wanted := map[string]int64{}
	for _, x := range decisions {
		wanted[x.A], wanted[x.B] = -1, -1
	}
	for i, id := range t.ids {
		if _, ok := wanted[id]; ok {
			wanted[id] = int64(i)
		}
	}
	seen := map[[2]string]bool{}
	for _, x := range decisions {
		if x.A == x.B {
			if !x.Same {
				return d, fmt.Errorf("match: %w: row %q is said to be different from itself", leadloop.ErrConflict, x.A)
			}
			continue
		}
		pair := [2]string{min(x.A, x.B), max(x.A, x.B)}
		if same, ok := seen[pair]; ok {
			if same != x.Same {
				return d, fmt.Errorf("match: %w: rows %q and %q are said to be the same and to be different", leadloop.ErrConflict, x.A, x.B)
			}
			continue
		}
		seen[pair] = x.Same
		a, b := wanted[pair[0]], wanted[pair[1]]
		if a < 0 || b < 0 {
			continue
		}
		if x.Same {
			d.same = append(d.same, [2]uint32{uint32(a), uint32(b)})
			continue
		}
		d.different = append(d.different, [2]uint32{uint32(a), uint32(b)})
		d.apart[uint32(a)], d.apart[uint32(b)] = true, true
	}
	return d, nil
}
