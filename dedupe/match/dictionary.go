package match

// dictionary finds the numbers of a column's values. It keeps numbers only, the values are the column's.
type dictionary struct {
	slots []slot // a power of two of them
	used  int
}

// slot is a value's number plus one, 0 for none, and the upper half of its hash: so those of others need not be looked at where they are.
type slot struct{ number, hash uint32 }

// find returns the number of a value with a hash, or false.
func (d *dictionary) find(values []string, value string, hash uint64) (uint32, bool) {
	if len(d.slots) == 0 {
		return 0, false
	}
	mask := uint64(len(d.slots) - 1)
	for at := hash & mask; d.slots[at].number != 0; at = (at + 1) & mask {
		if s := d.slots[at]; s.hash == uint32(hash>>32) && values[s.number-1] == value {
			return s.number - 1, true
		}
	}
	return 0, false
}

// add adds a value that is not there.
func (d *dictionary) add(hashes []uint64, id uint32, hash uint64) {
	if d.used*4 >= len(d.slots)*3 {
		old := d.slots
		d.slots = make([]slot, max(2*len(old), 16))
		for _, s := range old {
			if s.number != 0 {
				d.put(s.number-1, hashes[s.number-1])
			}
		}
	}
	d.put(id, hash)
	d.used++
}

func (d *dictionary) put(id uint32, hash uint64) {
	mask := uint64(len(d.slots) - 1)
	at := hash & mask
	for d.slots[at].number != 0 {
		at = (at + 1) & mask
	}
	d.slots[at] = slot{id + 1, uint32(hash >> 32)}
}
