package match

// Compact forgets the values of records that are gone, which otherwise stay in memory: call it after records were erased, or when many were changed.
// What is found does not change. Everything else waits meanwhile, about as long as it takes to read a snapshot.
func (x *Index) Compact() {
	x.mu.Lock()
	defer x.mu.Unlock()
	live := make([]bool, len(x.first))
	for node, row := range x.first {
		live[node] = row != noRow
	}
	width := len(x.columns)
	for i, old := range x.columns {
		c := x.newColumn(i)
		numbers := make([]uint32, len(old.values)) // 0 for those that are not used
		from := len(c.values)
		for node := range live {
			cell := &x.cells[node*width+i]
			switch id := *cell; {
			case !live[node]:
				*cell = 0
			case id != 0:
				if numbers[id] == 0 {
					numbers[id] = c.intern(old.values[id])
				}
				*cell = numbers[id]
			}
		}
		c.own(from)
		c.weighNew(&x.model.freqs[i])
		x.columns[i] = c
	}
	clear(x.byContent)
	for row, node := range x.nodeOf {
		if node == noRow || x.apart(x.ids[row]) {
			continue
		}
		if h := x.content(node); x.first[node] != noRow {
			x.byContent[h] = node
		}
	}
	for _, memo := range x.memo {
		for i := range memo {
			memo[i].Store(nil)
		}
	}
	for _, s := range x.searches.all {
		s.pairs.forget()
	}
	x.searches.mu.Lock()
	defer x.searches.mu.Unlock()
	for _, s := range x.searches.idle { // others wait with what they have derived
		clear(s.derived)
		s.deriver.scratch, s.deriver.plain = [3]string{}, nil
	}
}
