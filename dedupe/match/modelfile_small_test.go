package match

import (
	"fmt"
	"testing"
)

// TestAModelOfFewRowsIsReadBack is about models that keep every way to block
// that was tried, because there were too few true pairs to choose by.
func TestAModelOfFewRowsIsReadBack(t *testing.T) {
	table, err := NewTable([]Field{
		{Name: "first", Kind: KindGivenName}, {Name: "last", Kind: KindFamilyName}, {Name: "email", Kind: KindEmail},
		{Name: "phone", Kind: KindPhone}, {Name: "company", Kind: KindCompany}, {Name: "who", Kind: KindNumber},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, values := range [][]string{
		{"Jonathan", "Smith", "jonathan.smith@acme.com", "+1 212 555 0101", "Acme Inc", "1"},
		{"Jon", "Smith", "jonathan.smith@acme.com", "212-555-0101", "ACME", "1"},
		{"Anna", "Berg", "anna.berg@initech.de", "+49 30 1234567", "Initech GmbH", "2"},
		{"Carla", "Diaz", "carla@globex.es", "+34 91 555 0199", "Globex SA", "3"},
		{"Henry", "Ford", "henry@acme.com", "+1 212 555 0155", "Acme", "4"},
		{"Li", "Wei", "li.wei@umbrella.cn", "+86 10 5555 1234", "Umbrella", "5"},
		{"Maria", "Rossi", "maria.rossi@wayne.it", "+39 06 555 7788", "Wayne SpA", "6"},
		{"Maria", "Rosi", "maria.rossi@wayne.it", "+39 06 5557788", "Wayne", "6"},
	} {
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
