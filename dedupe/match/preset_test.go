package match

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// somebody makes a value of each field of the presets, the same for one number.
func somebody(field string, i int) string {
	r := rand.New(rand.NewPCG(uint64(i), 0x50e))
	given, family := someGiven[r.IntN(len(someGiven))], someFamily[r.IntN(len(someFamily))]+strings.ToLower(someFamily[r.IntN(len(someFamily))])
	company := fmt.Sprintf("%s & %s %s", someFamily[r.IntN(len(someFamily))]+strings.ToLower(someGiven[r.IntN(len(someGiven))]), someFamily[r.IntN(len(someFamily))]+strings.ToLower(someCities[r.IntN(len(someCities))]),
		[]string{"Logistik", "Bau", "Software", "Handel"}[r.IntN(4)])
	host := strings.ToLower(strings.ReplaceAll(strings.ReplaceAll(company, " & ", "-"), " ", "-")) + ".de"
	switch field {
	case "first_name", "given_name":
		return given
	case "last_name", "family_name":
		return family
	case "email":
		return strings.ToLower(given+"."+family) + "@" + host
	case "company":
		return company + []string{" GmbH", " AG", ""}[r.IntN(3)]
	case "domain":
		return host
	case "phone":
		return fmt.Sprintf("+49 30 %07d", 1_000_000+r.IntN(9_000_000))
	case "title":
		return someTitles[r.IntN(len(someTitles))]
	case "city":
		return someCities[r.IntN(len(someCities))]
	case "postcode":
		return fmt.Sprintf("%05d", 10_000+r.IntN(5_000))
	case "address":
		return fmt.Sprintf("%sstraße %d", someFamily[r.IntN(len(someFamily))], 1+r.IntN(150))
	case "date_of_birth":
		return fmt.Sprintf("%d-%02d-%02d", 1950+r.IntN(50), 1+r.IntN(12), 1+r.IntN(28))
	case "description":
		return fmt.Sprintf("%s makes %s of %s for %s", company, []string{"doors", "pumps", "maps", "boats"}[r.IntN(4)], []string{"steel", "oak", "glass"}[r.IntN(3)], family)
	}
	return "DE"
}

func TestEachPresetFindsWhoIsThereTwice(t *testing.T) {
	for _, c := range []struct {
		name   string
		fields []Field
	}{
		{"leads", Leads()}, {"people", People()}, {"companies", Companies()}, {"generic", Generic("company", "description", "address")},
		{"one of a host's own", append(Companies()[:3], Field{Name: "description", Kind: KindText}, Field{Name: "postcode", Kind: KindPostcode})},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := &dataSet{fields: c.fields}
			wrong := newCorruptor(4, 0.1, 0.15)
			for i := range 800 {
				for copy := range 1 + (i%4)/3 {
					r := Record{ID: fmt.Sprintf("%d-%d", i, copy)}
					for _, f := range c.fields {
						v := somebody(f.Name, i)
						if copy > 0 {
							v = wrong.cell(v)
						}
						r.Values = append(r.Values, v)
					}
					d.rows, d.entity = append(d.rows, r), append(d.entity, fmt.Sprint(i))
				}
			}
			table := d.table(t)
			m, err := Learn(t.Context(), table, Options{})
			if err != nil {
				t.Fatal(err)
			}
			res, err := m.Cluster(t.Context(), table, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if p, r, _, _, _ := d.measure(res); p < 0.97 || r < 0.9 {
				t.Errorf("precision %.3f and recall %.3f", p, r)
			}
		})
	}
}
