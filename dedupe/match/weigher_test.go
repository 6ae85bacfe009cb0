package match

import (
	"slices"
	"testing"

	"github.com/leadloop/leadloop/dedupe/match/matchtest"
)

// What a weigher remembers must not be what other values came to, also where look-ups lend a number to one value after the other.
func TestAWeigherSaysWhatComparingSays(t *testing.T) {
	const rows = 700
	world := matchtest.New(rows, 7)
	table, err := NewTable(fieldsOfWorld())
	if err != nil {
		t.Fatal(err)
	}
	var records []Record
	for i := range rows {
		records = append(records, recordOfWorld(world.Record(i)))
	}
	if err := table.AddAll(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	m := modelOfWorld(t)
	m.apply(table.cols)
	index, err := NewIndex(m, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records[:rows/2] {
		if err := index.Upsert(r); err != nil {
			t.Fatal(err)
		}
	}
	s := index.searches.idlest()
	pairs := m.weigher(table.cols)
	n := len(table.cols)
	row := func(i int) []uint32 { return table.cells[i*n : (i+1)*n] }
	for i := range rows {
		s.deriver.derive(records[i].Values, s.derived)
		s.encode(index.columns)
		for j := range rows / 2 {
			var v vector
			m.spec.compareAll(table.cols, row(i), row(j), &v)
			want := m.params.weight(m.spec, &v)
			if got := pairs.weight(row(i), row(j)); got != want {
				t.Fatalf("rows %d and %d weigh %v, not %v", i, j, got, want)
			}
			if got := s.weight(index, index.nodeOf[index.byID[records[j].ID]]); got != want {
				t.Fatalf("row %d looked up and %d in the index weigh %v, not %v", i, j, got, want)
			}
		}
	}
}

// What is not read of a pair must not matter: it is left out only if it weighs less than is asked for.
func TestAGlanceLeavesOutOnlyWhatWeighsLess(t *testing.T) {
	const rows = 200
	for _, set := range []*dataSet{
		leads("leads", rows, 11),
		leadColumns(rows, 12, []string{"first_name", "last_name", "company", "city"}, []string{"first_name", "last_name", "company", "city"}, 0.1, nil),
		madeTable("name, address, city, birth", rows, 13, 0.4),
	} {
		t.Run(set.name, func(t *testing.T) {
			table := set.table(t)
			m, err := Learn(t.Context(), table, Options{})
			if err != nil {
				t.Fatal(err)
			}
			m.apply(table.cols)
			n := len(table.cols)
			pairs, exact := m.weigher(table.cols), m.weigher(table.cols)
			var nodes []uint32
			for i := range rows {
				nodes = append(nodes, uint32(i))
			}
			left := 0
			for x := range nodes {
				row := table.cells[x*n : (x+1)*n]
				pairs.from(row)
				for _, least := range []float64{floorWeight, -3, 5} {
					var want, got []weighedNode
					for _, y := range nodes {
						w := exact.weight(row, table.cells[int(y)*n:int(y+1)*n])
						if w >= least {
							want = append(want, weighedNode{node: y, weight: w})
						}
						if one, ok := pairs.weightFrom(table.cells[int(y)*n:int(y+1)*n], least); ok != (w >= least) || ok && one != w {
							t.Fatalf("rows %d and %d weigh %v; with %v at least %v, %v", x, y, w, least, one, ok)
						}
					}
					for _, at := range pairs.weighAll(table.cells, nodes, least) {
						got = append(got, weighedNode{node: at.node, weight: at.weight})
					}
					if !slices.EqualFunc(got, want, func(a, b weighedNode) bool { return a.node == b.node && a.weight == b.weight }) {
						t.Fatalf("row %d: %v, want %v", x, got, want)
					}
					left += len(nodes) - len(want)
				}
			}
			if left == 0 {
				t.Error("nothing was left out")
			}
		})
	}
}

// The levels that a glance says are those that reading says, and what it leaves open is no higher than it says.
func TestAGlanceSaysWhatReadingSays(t *testing.T) {
	const rows = 500
	for _, set := range []*dataSet{leads("leads", rows, 21), madeTable("name, address, city, birth", rows, 22, 0.4)} {
		table := set.table(t)
		for _, c := range table.cols {
			c.weigh(&frequencies{})
		}
		n, s := len(table.cols), table.spec
		told := 0
		for x := range rows {
			for y := range x {
				a, b := table.cells[x*n:(x+1)*n], table.cells[y*n:(y+1)*n]
				var v, read vector
				s.glance(table.cols, a, b, &v)
				for i := range s.comparers {
					c := &s.comparers[i]
					differ := !slices.ContainsFunc(c.columns, func(col int) bool { return a[col] == 0 || b[col] == 0 || a[col] == b[col] })
					if !differ || c.by == nil && c.single.level == nil {
						continue
					}
					for k := c.first; k < c.end; k++ {
						read.level[k] = levelOpen
					}
					if c.read(table.cols, a, b, &read); c.first+1 < c.end {
						names{c.first, c.columns[0], c.columns[1]}.cross(table.cols, a, b, &read)
					}
					for k := c.first; k < c.end; k++ {
						switch name, level := s.comparisons[k].name, read.level[k]; {
						case v.level[k] == levelOpen && level > v.most[k]:
							t.Fatalf("%s: rows %d and %d: %s is at level %d, at most %d at a glance", set.name, x, y, name, level, v.most[k])
						case v.level[k] != levelOpen && level != v.level[k]:
							t.Fatalf("%s: rows %d and %d: %s is at level %d, %d at a glance", set.name, x, y, name, level, v.level[k])
						case v.level[k] != levelOpen:
							told++
						}
					}
				}
			}
		}
		if told == 0 {
			t.Error("a glance says nothing")
		}
	}
}
