package match

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKeysAreChosenByWhatTheyFindForWhatTheyCost(t *testing.T) {
	table, err := NewTable([]Field{{Name: "email", Kind: KindEmail}, {Name: "phone", Kind: KindPhone}, {Name: "company", Kind: KindCompany}})
	if err != nil {
		t.Fatal(err)
	}
	var records []Record
	add := func(values ...string) {
		records = append(records, Record{ID: fmt.Sprint(len(records)), Values: values})
	}
	for i := range 40 { // who has an address in common, and a telephone, too; nobody else has the company
		for range 2 {
			add(fmt.Sprintf("someone%d@acme.com", i), fmt.Sprintf("+49 30 555 %04d", 7*i), fmt.Sprint("Works ", len(records)))
		}
	}
	for i := range 2 { // who has a company in common
		for range 2 {
			add("", "", fmt.Sprintf("Bergmann %d", i))
		}
	}
	if err := table.AddAll(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	nodes, err := table.nodes(false, nil)
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]uint32{}
	for x := range nodes.len() {
		at[table.ids[nodes.rowsOf(uint32(x))[0]]] = uint32(x)
	}
	var pairs []nodePair
	for i := 0; i < len(records); i += 2 {
		pairs = append(pairs, nodePair{at[records[i].ID], at[records[i+1].ID]})
	}
	keys := table.spec.keys()
	costs := func(of map[string]float64) (all []keyCost) {
		for i, k := range keys {
			if pairs, ok := of[k.name]; ok {
				all = append(all, keyCost{number: i, cap: 2000, pairs: pairs})
			}
		}
		return all
	}
	for _, c := range []struct {
		name  string
		costs map[string]float64
		want  []string
		found int
	}{
		{"of two that find the same the cheaper one is enough", map[string]float64{"email": 100, "phone end": 90}, []string{"phone end"}, 40},
		{"what finds the rest is taken", map[string]float64{"email": 100, "company begin": 1e9}, []string{"email", "company begin"}, 42},
		{"what finds too little for what it costs is left out", map[string]float64{"email": 1e6, "phone end": 1e9, "company begin": 100}, []string{"email", "company begin"}, 42},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &blocking{nodes: nodes, all: costs(c.costs)}
			found := b.choose(pairs)
			var names []string
			for _, k := range b.keys {
				names = append(names, k.name)
			}
			if diff := cmp.Diff(c.want, names); diff != "" || found != c.found {
				t.Errorf("%d pairs found, want %d\n%s", found, c.found, diff)
			}
		})
	}
}

func TestAValueThatTooManyRowsHaveFindsNothing(t *testing.T) {
	table, err := NewTable([]Field{{Name: "phone", Kind: KindPhone}, {Name: "name", Kind: KindText}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2100 {
		if err := table.Add(Record{ID: fmt.Sprint(i), Values: []string{"+49 30 5551234", fmt.Sprint("row", i)}}); err != nil {
			t.Fatal(err)
		}
	}
	nodes, err := table.nodes(false, nil)
	if err != nil {
		t.Fatal(err)
	}
	keys := table.spec.keys()
	cost := costOf(nodes, keys, 0, 1, 1e12)
	if keys[0].name != "phone end" || cost.common != 2100 {
		t.Fatalf("%s: %+v", keys[0].name, cost)
	}
	if found := cost.finds(keys, nodes, []nodePair{{0, 1}}); found != nil {
		t.Errorf("%v", found)
	}
}

// What learning finds its pairs by is bounded; what is chosen afterwards is not bounded by that.
func TestKeysAreChosenAlsoAmongThoseThatLearningDidNotTry(t *testing.T) {
	table := leads("leads", 300, 41).table(t)
	nodes, err := table.nodes(true, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := chooseKeys(t.Context(), nodes, Dedupe)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.keys) != triedKeys || len(b.all) <= triedKeys {
		t.Fatalf("%d keys tried of %d; the table has too few columns for this test", len(b.keys), len(b.all))
	}
	tried := map[int]bool{}
	for _, n := range b.number {
		tried[n] = true
	}
	for i := range b.all { // the cheapest is one that was not tried
		b.all[i].pairs = 1e6
		if !tried[b.all[i].number] {
			b.all[i].pairs = 0
		}
	}
	var pairs []nodePair
	for x := range uint32(nodes.len() - 1) {
		pairs = append(pairs, nodePair{x, x}) // which every key finds that the row has
	}
	b.choose(pairs)
	for _, n := range b.number {
		if !tried[n] {
			return
		}
	}
	t.Errorf("%v were chosen, all of them tried", b.number)
}
