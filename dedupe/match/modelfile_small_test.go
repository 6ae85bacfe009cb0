package match

import (
	"fmt"
	"testing"
)

// TestAModelOfFewRowsIsReadBack is about models that keep every way to block
// that was tried, because there were too few true pairs to choose by.
func TestAModelOfFewRowsIsReadBack(t *testing.T) {
	table, err := NewTable(Leads())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 8 {
		values := make([]string, len(Leads()))
		for k := range values {
			values[k] = fmt.Sprintf("value %d %d", k, i/2)
		}
		if err := table.Add(Record{ID: fmt.Sprint(i), Values: values}); err != nil {
			t.Fatal(err)
		}
	}
	m, err := Learn(t.Context(), table, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.keys) <= maxKeys {
		t.Fatalf("the model has %d keys, no more than one of many rows", len(m.keys))
	}
	data, err := m.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseModel(data)
	if err != nil {
		t.Fatal(err)
	}
	if back.Digest() != m.Digest() {
		t.Errorf("digest %s became %s", m.Digest(), back.Digest())
	}
}
