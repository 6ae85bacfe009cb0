package match

import (
	"fmt"
	"testing"
)

// Half of the rows are of a country where everybody has one of four names, half of one where the same four are rare.
func TestANameIsAsRareAsInItsCountry(t *testing.T) {
	table, err := NewTable([]Field{{Name: "first", Kind: KindGivenName}, {Name: "last", Kind: KindFamilyName}, {Name: "country", Kind: KindCategory}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 12_000 {
		r := Record{ID: fmt.Sprint(i), Values: []string{fmt.Sprintf("n%c%c", 'a'+i/2%26, 'a'+i/52%26), fmt.Sprint("f", i), "Italy"}}
		if i%2 == 0 {
			r.Values[0], r.Values[2] = fmt.Sprintf("n%c%c", 'a'+i/2%4, 'a'), "SE"
		}
		if err := table.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	m, err := Learn(t.Context(), table, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := m.freqs[0].Within; got.Column != 3 || got.Bits < leastWithin {
		t.Fatalf("given names depend on column %d by %.1f bits, want on column 3, the country", got.Column, got.Bits)
	}
	rarity := func(country string) float64 {
		r := Record{Values: []string{"naa", "", country}}
		p, err := m.Compare(r, r)
		if err != nil {
			t.Fatal(err)
		}
		return p.Lines[0].Frequency
	}
	italy, sweden, nowhere := rarity("Italia"), rarity("Sweden"), rarity("")
	if !(sweden < nowhere && nowhere < italy) {
		t.Errorf("a name weighs %+.2f where it is common, %+.2f where it is rare and %+.2f where the country is unknown", sweden, italy, nowhere)
	}
	data, err := m.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseModel(data)
	if err != nil {
		t.Fatal(err)
	}
	if again.Digest() != m.Digest() {
		t.Error("the model is another one after it was written")
	}
}
