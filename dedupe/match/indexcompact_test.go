package match

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestACompactedIndexHoldsNothingOfWhatIsGoneAndFindsTheSame(t *testing.T) {
	x := newIndex(t, modelOfWorld(t), Options{})
	records := someRecords(120)
	gone := Record{ID: "gone", Values: []string{"Xanthippe", "Quetzal", "x.quetzal@vanished.example", "+1 415 555 9999", "Vanished Widgets", "vanished.example", "Seer", "Atlantis"}}
	for _, r := range append(records, gone) {
		if err := x.Upsert(r); err != nil {
			t.Fatal(err)
		}
	}
	x.Delete("gone")
	x.Delete(records[3].ID)
	found := func() (all [][]Candidate) {
		for _, r := range records {
			c, err := x.Lookup(t.Context(), r, 5)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, c)
		}
		return all
	}
	want, before := found(), snapshot(t, x)
	x.Compact()
	for _, c := range x.columns {
		for _, v := range c.values {
			if strings.Contains(v, "vanished") || strings.Contains(v, "quetzal") {
				t.Errorf("column %s still holds %q", c.name, v)
			}
		}
		for word := range c.byWord {
			if word == "vanished" {
				t.Errorf("column %s still holds the word", c.name)
			}
		}
	}
	for _, s := range x.searches.idle {
		if s.deriver.plain != nil {
			t.Error("a search holds the values of a record that it made")
		}
	}
	for _, memo := range x.memo {
		for i := range memo {
			if m := memo[i].Load(); m != nil {
				t.Fatalf("%q is remembered", m.raw)
			}
		}
	}
	if !bytes.Equal(before, snapshot(t, x)) {
		t.Error("another snapshot")
	}
	if diff := cmp.Diff(want, found()); diff != "" {
		t.Errorf("it finds something else:\n%s", diff)
	}
	x.checkTidy(t)
}
