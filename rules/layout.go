package rules

import "slices"

// layOut makes the tables of all questions, word by word.
func (b *planner) layOut() {
	p := b.plan
	p.leaves = make([]leaf, len(b.leaves))
	for i, l := range b.leaves {
		p.leaves[i] = leaf{question: int32(l.question), bit: uint8(l.bits[0] % 64), without: l.without}
	}
	byWord := make([][]int, p.words)
	p.asked = make([]asked, len(b.tables))
	words := make([][]int32, len(b.tables))
	for q, t := range b.tables {
		p.asked[q] = t.asked
		for _, l := range t.leaves {
			for _, bit := range l.bits {
				if list := byWord[bit/64]; len(list) == 0 || list[len(list)-1] != q {
					byWord[bit/64] = append(list, q)
				}
			}
		}
	}
	p.byWord = make([]int32, p.words+1)
	for w, questions := range byWord {
		for _, q := range questions {
			b.table(q, w)
			words[q] = append(words[q], int32(w))
		}
		p.byWord[w+1] = int32(len(p.entries))
	}
	for q := range b.tables {
		b.holes(q, words[q])
	}
	p.rows, p.entries, p.gates, p.nodes = exact(p.rows), exact(p.entries), exact(p.gates), exact(p.nodes)
	p.holes, p.holeWords = exact(p.holes), exact(p.holeWords)
	p.ints, p.floats, p.bools, p.times, p.ages = exact(p.ints), exact(p.floats), exact(p.bools), exact(p.times), exact(p.ages)
	p.texts, p.lists, p.vars = exact(p.texts), exact(p.lists), exact(p.vars)
	p.counts, p.sinces, p.codes, p.tests = exact(p.counts), exact(p.sinces), exact(p.codes), exact(p.tests)
}

// table makes the rows of a question for one word.
func (b *planner) table(q, word int) {
	p := b.plan
	base := len(p.rows)
	leaves := b.tables[q].leaves
	rows := make([]uint64, firstRow+len(leaves[0].holds))
	for _, l := range leaves {
		mask := l.mask(word)
		for i, holds := range l.holds {
			if holds {
				rows[firstRow+i] |= mask
			}
		}
		if l.bits[0]/64 == word {
			p.leaves[l.number].base = uint32(base)
		}
	}
	p.rows = append(p.rows, rows...)
	p.entries = append(p.entries, entry{uint32(q), uint32(base)})
}

// mask has the bits that the leaf writes in a word.
func (l *planLeaf) mask(word int) (mask uint64) {
	for _, bit := range l.bits {
		if bit/64 == word {
			mask |= 1 << (bit % 64)
		}
	}
	return mask
}

// holes makes the holes of a question.
func (b *planner) holes(q int, words []int32) {
	p, a := b.plan, &b.plan.asked[q]
	a.from, a.to, a.holes = int32(len(p.holeWords)), int32(len(p.holeWords)+len(words)), int32(len(p.holes))
	p.holeWords = append(p.holeWords, words...)
	var holes [gaps][]uint64
	for g := range holes {
		holes[g] = make([]uint64, 2*len(words))
		for _, l := range b.tables[q].leaves {
			for i, w := range words {
				switch l.without[g] {
				case isMissing, isError:
					holes[g][i] |= l.mask(int(w))
				case isTrue:
					holes[g][len(words)+i] |= l.mask(int(w))
					a.varying = true
				}
			}
		}
		a.varying = a.varying || !slices.Equal(holes[g], holes[0])
	}
	if !a.varying {
		p.holes = append(p.holes, holes[0][:len(words)]...)
		return
	}
	for _, h := range holes {
		p.holes = append(p.holes, h...)
	}
}
