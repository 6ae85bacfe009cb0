package routing

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
)

func gapsOf(t *testing.T, territories ...Territory) (out []string) {
	t.Helper()
	def := Definition{
		Final: "q", Queues: []Queue{{ID: "q"}}, Reps: []Rep{{ID: "a"}, {ID: "b"}}, Territories: territories,
		Chain: []Entry{{ID: "map", Country: []string{"DE", "US"}, Target: Target{OwnerOf: OfTerritory}}, {ID: "rest", Target: Target{Rep: "a"}}},
	}
	schema, err := leadloop.NewSchema(leadloop.NewField[string](PostcodeField))
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(def, SLADefinition{}, schema, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range r.Gaps() {
		if strings.Contains(g.What, "postcode") {
			out = append(out, g.String())
		}
	}
	return out
}

func TestPostcodesBetweenTheTerritoriesOfACountryAreGaps(t *testing.T) {
	in := func(id, country string, codes ...string) Territory {
		return Territory{ID: id, Country: []string{country}, Postcode: codes, Rep: "a"}
	}
	hole := `entry map finds no territory for postcodes 02000 to 02999: lead.country "DE", lead.postcode "02000"`
	for _, c := range []struct {
		name        string
		territories []Territory
		want        []string
	}{
		{"ranges with a hole", []Territory{in("a", "DE", "03000-03999"), in("b", "DE", "01000-01999", "04000-04100")}, []string{hole}},
		{"one code", []Territory{in("a", "DE", "01000-01999"), in("b", "DE", "02001")}, []string{`entry map finds no territory for postcode 02000: lead.country "DE", lead.postcode "02000"`}},
		{"ranges that touch or overlap", []Territory{in("a", "DE", "01000-01999"), in("b", "DE", "01500-02999"), in("c", "DE", "03000-03999")}, nil},
		{"a beginning fills it", []Territory{in("a", "DE", "01000-01999"), in("b", "DE", "03000-03999"), in("c", "DE", "02*")}, nil},
		{"the rest of the country is somebody's", []Territory{in("a", "DE", "01000-01999"), in("b", "DE", "03000-03999"), {ID: "c", Country: []string{"DE"}, Priority: -1, Rep: "b"}}, nil},
		{"another country's territory does not fill it", []Territory{in("a", "DE", "01000-01999"), in("b", "DE", "03000-03999"), in("c", "US", "02000-02999")}, []string{hole}},
		{"a territory that names nobody does not fill it", []Territory{in("a", "DE", "01000-01999"), in("b", "DE", "03000-03999"), {ID: "c", Country: []string{"DE"}, Postcode: []string{"02*"}}}, []string{hole}},
		{"codes of another length are no neighbours", []Territory{in("a", "DE", "01000-01999"), in("b", "DE", "3000-3999")}, nil},
		{"a country that the entry is not for", []Territory{in("a", "FR", "01000-01999"), in("b", "FR", "03000-03999")}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, gapsOf(t, c.territories...)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestManyPostcodeGapsOfACountryAreToldInPart(t *testing.T) {
	var list []Territory
	for i := range 20 {
		list = append(list, Territory{ID: "t" + itoa(i), Country: []string{"DE"}, Postcode: []string{fmt.Sprintf("%05d-%05d", 1000*i, 1000*i+500)}, Rep: "a"})
	}
	got := gapsOf(t, list...)
	if len(got) != maxPostcodeGaps || !strings.Contains(got[maxPostcodeGaps-1], "nor for 14 more ranges between the territories of this country") {
		t.Errorf("%q", got)
	}
}

func TestManyWrongLinesOfAnAccountsFileAreToldInPart(t *testing.T) {
	var file strings.Builder
	file.WriteString("domain\nacme.com\n")
	for range 300 {
		file.WriteString("acme.com\n")
	}
	_, err := New(Definition{Final: "q", Queues: []Queue{{ID: "q"}}, Reps: []Rep{{ID: "a"}}, Chain: []Entry{{ID: "e", AccountsFile: "a.csv", Target: Target{Rep: "a"}}}},
		SLADefinition{}, leadloop.StandardSchema(), Options{Files: fstest.MapFS{"a.csv": {Data: []byte(file.String())}}})
	if err == nil || strings.Count(err.Error(), "stands there twice") != maxBadLines || !strings.Contains(err.Error(), "a.csv:1:1: entry e: 250 more lines are wrong like these") {
		t.Error(err)
	}
}
