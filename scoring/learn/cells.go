package learn

import (
	"bytes"
	"hash/maphash"
	"slices"
)

// cells counts leads that look the same: they have the same codes in all
// columns and belong to the same part. Memory grows with what is different,
// not with the rows.
type cells struct {
	width int      // codes of a cell; the part follows in two bytes
	keys  []byte   // width+2 bytes a cell
	won   []uint32 // by cell
	lost  []uint32
	table []uint32 // open addressing: number of the cell plus one
	seed  maphash.Seed
}

func newCells(width int) *cells {
	return &cells{width: width, table: make([]uint32, 1024), seed: maphash.MakeSeed()}
}

func (c *cells) len() int { return len(c.won) }

func (c *cells) stride() int { return c.width + 2 }

// codes of the i-th cell.
func (c *cells) codes(i int) []byte { return c.keys[i*c.stride() : i*c.stride()+c.width] }

func (c *cells) part(i int) int {
	at := i*c.stride() + c.width
	return int(c.keys[at])<<8 | int(c.keys[at+1])
}

// find returns the number of the cell, and where it is or would be in the
// table. The seed decides where, and nothing else.
func (c *cells) find(key []byte) (cell int, slot uint64) {
	mask := uint64(len(c.table) - 1)
	for slot = maphash.Bytes(c.seed, key) & mask; ; slot = (slot + 1) & mask {
		at := c.table[slot]
		if at == 0 {
			return -1, slot
		}
		i := int(at - 1)
		if bytes.Equal(c.keys[i*c.stride():(i+1)*c.stride()], key) {
			return i, slot
		}
	}
}

// add counts leads; key is the codes followed by the part.
func (c *cells) add(key []byte, won, lost uint32) {
	i, slot := c.find(key)
	if i < 0 {
		i = c.len()
		c.keys = append(c.keys, key...)
		c.won, c.lost = append(c.won, 0), append(c.lost, 0)
		c.table[slot] = uint32(i + 1)
		if 2*c.len() > len(c.table) {
			c.grow()
		}
	}
	c.won[i], c.lost[i] = c.won[i]+won, c.lost[i]+lost
}

func (c *cells) grow() {
	c.table = make([]uint32, 2*len(c.table))
	for i := range c.len() {
		_, slot := c.find(c.keys[i*c.stride() : (i+1)*c.stride()])
		c.table[slot] = uint32(i + 1)
	}
}

// sorted returns the cells in the order of their keys, empty ones left out, of
// the columns in keep. The result depends on what was counted alone, not on the
// order in which it came.
func (c *cells) sorted(keep []int) *cells {
	out := newCells(len(keep))
	key := make([]byte, len(keep)+2)
	for i := range c.len() {
		if c.won[i]+c.lost[i] == 0 {
			continue
		}
		codes := c.codes(i)
		for k, col := range keep {
			key[k] = codes[col]
		}
		copy(key[len(keep):], c.keys[i*c.stride()+c.width:(i+1)*c.stride()])
		out.add(key, c.won[i], c.lost[i])
	}
	return out.order()
}

// order sorts the cells; the table is not kept.
func (c *cells) order() *cells {
	at := make([]uint32, c.len())
	for i := range at {
		at[i] = uint32(i)
	}
	s := c.stride()
	slices.SortFunc(at, func(a, b uint32) int {
		return bytes.Compare(c.keys[int(a)*s:int(a+1)*s], c.keys[int(b)*s:int(b+1)*s])
	})
	out := &cells{width: c.width, seed: c.seed, keys: make([]byte, 0, len(c.keys)), won: make([]uint32, c.len()), lost: make([]uint32, c.len())}
	for k, i := range at {
		out.keys = append(out.keys, c.keys[int(i)*s:int(i+1)*s]...)
		out.won[k], out.lost[k] = c.won[i], c.lost[i]
	}
	return out
}

// partKey writes a part at the end of a key.
func partKey(key []byte, part int) {
	key[len(key)-2], key[len(key)-1] = byte(part>>8), byte(part)
}

// tally is the leads of one code of one column.
type tally struct{ won, lost int64 }

func (t tally) n() int64      { return t.won + t.lost }
func (t tally) rate() float64 { return float64(t.won) / float64(max(1, t.n())) }

func (t tally) plus(o tally) tally { return tally{t.won + o.won, t.lost + o.lost} }

// margin counts a column by code, over the cells of the parts that keep says.
func (c *cells) margin(col, codes int, keep func(part int) bool) []tally {
	out := make([]tally, codes)
	for i := range c.len() {
		if keep(c.part(i)) {
			code := c.codes(i)[col]
			out[code].won += int64(c.won[i])
			out[code].lost += int64(c.lost[i])
		}
	}
	return out
}
