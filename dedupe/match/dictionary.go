package match

// dictionary finds the numbers of a column's values. It keeps numbers only, the values are the column's.
type dictionary struct {
	slots []uint32 // a value's number plus one, 0 for none; a power of two of them
	used  int
}

// find returns the number of a value with a hash, or false.
func (d *dictionary) find(values []string, hashes []uint64, value string, hash uint64) (uint32, bool) {
	if len(d.slots) == 0 {
		return 0, false
	}
	mask := uint64(len(d.slots) - 1)
	for at := hash & mask; d.slots[at] != 0; at = (at + 1) & mask {
		if id := d.slots[at] - 1; hashes[id] == hash && values[id] == value {
			return id, true
		}
	}
	return 0, false
}

// add adds a value that is not there.
func (d *dictionary) add(hashes []uint64, id uint32, hash uint64) {
	if d.used*4 >= len(d.slots)*3 {
		old := d.slots
		d.slots = make([]uint32, max(2*len(old), 16))
		for _, n := range old {
			if n != 0 {
				d.put(n-1, hashes[n-1])
			}
		}
	}
	d.put(id, hash)
	d.used++
}

func (d *dictionary) put(id uint32, hash uint64) {
	mask := uint64(len(d.slots) - 1)
	at := hash & mask
	for d.slots[at] != 0 {
		at = (at + 1) & mask
	}
	d.slots[at] = id + 1
}
