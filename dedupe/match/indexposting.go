package match

import "slices"

// posting holds the nodes that have a value of a key.
type posting struct {
	nodes map[uint32]uint32 // by value: a node, or the number of a list with listed set
	lists [][]uint32
	free  []uint32
}

const listed = 1 << 31

func (p *posting) add(value, node uint32) {
	at, ok := p.nodes[value]
	switch {
	case !ok:
		p.nodes[value] = node
	case at&listed != 0:
		p.lists[at&^listed] = append(p.lists[at&^listed], node)
	default:
		list := []uint32{at, node}
		if n := len(p.free); n > 0 {
			at, p.free = p.free[n-1], p.free[:n-1]
			p.lists[at] = list
		} else {
			at = uint32(len(p.lists))
			p.lists = append(p.lists, list)
		}
		p.nodes[value] = at | listed
	}
}

func (p *posting) remove(value, node uint32) {
	at := p.nodes[value]
	if at&listed == 0 {
		delete(p.nodes, value)
		return
	}
	at &^= listed
	list := p.lists[at]
	i := slices.Index(list, node)
	list[i] = list[len(list)-1]
	list = list[:len(list)-1]
	if len(list) > 1 {
		p.lists[at] = list
		return
	}
	p.nodes[value] = list[0]
	p.lists[at] = nil
	p.free = append(p.free, at)
}

// find returns where the nodes are that have a value, and how many there are.
func (p *posting) find(value uint32) (at uint32, count int) {
	at, ok := p.nodes[value]
	switch {
	case !ok:
		return 0, 0
	case at&listed != 0:
		return at, len(p.lists[at&^listed])
	}
	return at, 1
}

// nodesAt returns the nodes that are there, as find says: what at holds, if it is one.
func (p *posting) nodesAt(at *[1]uint32) []uint32 {
	if at[0]&listed != 0 {
		return p.lists[at[0]&^listed]
	}
	return at[:]
}
