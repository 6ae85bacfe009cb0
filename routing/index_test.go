package routing

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
)

// drawCondition makes conditions over few values, so that they meet.
func drawCondition(t *rapid.T, c *compiler, n int) (d Entry) {
	d.ID = fmt.Sprintf("e%d", n)
	some := func(label string, of ...string) []string {
		if rapid.IntRange(0, 2).Draw(t, label+"?") > 0 {
			return nil
		}
		return rapid.SliceOfNDistinct(rapid.SampledFrom(of), 1, 2, rapid.ID[string]).Draw(t, label)
	}
	d.Country = some("country", "US", "DE", "FR")
	d.Industry = some("industry", "software", "steel")
	d.Tier = some("tier", "A", "B")
	d.Accounts = some("accounts", "acme.com", "hooli.com")
	d.Postcode = some("postcode", "80331", "80*", "10000-89999", "SW1*")
	if rapid.IntRange(0, 2).Draw(t, "employees?") == 0 {
		d.Employees = &Range{}
		if rapid.Bool().Draw(t, "min?") {
			d.Employees.Min = new(rapid.Int64Range(0, 20).Draw(t, "min"))
		}
		if d.Employees.Min == nil || rapid.Bool().Draw(t, "max?") {
			least := int64(0)
			if d.Employees.Min != nil {
				least = *d.Employees.Min
			}
			d.Employees.Max = new(least + rapid.Int64Range(0, 20).Draw(t, "more"))
		}
	}
	return d
}

func schemaWithPostcode(t testing.TB) *leadloop.Schema {
	t.Helper()
	s, err := leadloop.NewSchema(leadloop.NewField[string](PostcodeField))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func drawLead(t *rapid.T, s *leadloop.Schema) (*leadloop.Lead, *leadloop.Profile) {
	p := s.NewProfile()
	for name, of := range map[string][]string{
		"lead.country": {"US", "DE", "FR", "GB"}, "company.industry": {"software", "steel", "x"}, "company.domain": {"acme.com", "hooli.com", "x.com"},
		PostcodeField: {"80331", "80 331", "sw1a 1aa", "80999-1234", "8", "9", "1000", "89999"},
	} {
		switch rapid.IntRange(0, 3).Draw(t, name) {
		case 0:
		case 1:
			if err := p.SetValue(name, leadloop.NoValue(leadloop.KindString)); err != nil {
				t.Fatal(err)
			}
		default:
			if err := p.SetValue(name, leadloop.ValueOf(rapid.SampledFrom(of).Draw(t, name+"="))); err != nil {
				t.Fatal(err)
			}
		}
	}
	switch rapid.IntRange(0, 4).Draw(t, "employees") {
	case 0:
	case 1:
		if err := p.SetValue("company.employees", leadloop.NoValue(leadloop.KindInt)); err != nil {
			t.Fatal(err)
		}
	default:
		leadloop.Employees.Set(p, rapid.Int64Range(0, 45).Draw(t, "employees="))
	}
	return leadOfTier("l", rapid.SampledFrom([]string{"", "A", "B", "C"}).Draw(t, "tier")), p
}

func TestTheIndexLeavesOutWhatIsRuledOutAndNothingElse(t *testing.T) {
	schema := schemaWithPostcode(t)
	rapid.Check(t, func(t *rapid.T) {
		c := &compiler{r: &Router{schema: schema, zone: time.UTC}, schema: schema}
		n := rapid.IntRange(1, 150).Draw(t, "entries")
		conditions := make([]*condition, n)
		for i := range conditions {
			d := drawCondition(t, c, i)
			k := c.condition(d.ID, &d, nil)
			conditions[i] = &k
		}
		if err := c.Err(); err != nil {
			t.Fatal(err)
		}
		x := newIndex(conditions)
		for range 3 {
			lead, p := drawLead(t, schema)
			q := Request{Lead: lead, Profile: p}
			d := decisionOf(c.r, q)
			left := x.left(d, &d.byEntry)
			for i, k := range conditions {
				got := left[i/64]&(1<<(i%64)) != 0
				want := d.check(context.Background(), k).Verdict
				if ruled := want == VerdictNotMatched; got == ruled && !onlyPostcode(d, k) {
					t.Fatalf("entry %d: left %v, its condition is %s", i, got, want)
				}
			}
		}
	})
}

// onlyPostcode reports whether the postcode alone rules a condition out: of
// ranges of digits the index knows the order only.
func onlyPostcode(d *decision, c *condition) bool {
	return d.check(context.Background(), c).Because == PostcodeField
}

func decisionOf(r *Router, q Request) *decision {
	d := &decision{r: r, asked: asked{q: q}}
	q.vars(&d.vars)
	return d
}

func TestPostcodes(t *testing.T) {
	for _, c := range []struct {
		of, code string
		want     bool
	}{
		{"80331", "80331", true}, {"80331", "80 331", true}, {"80331", "803310", false}, {"80331", "80332", false},
		{"SW1*", "SW1A 1AA", true}, {"sw1*", "sw1a1aa", true}, {"SW1*", "SW2 1AA", false}, {"SW1A 1AA", "sw1a-1aa", true},
		{"80000-81929", "80000", true}, {"80000-81929", "81929", true}, {"80000-81929", "81930", false}, {"80000-81929", "79999", false},
		{"94000-94199", "94107-1234", true}, {"94000-94199", "9410", false}, {"94000-94199", "9410A", false}, {"00000-99999", "", false},
	} {
		s, ok := parsePostcodes(c.of)
		if !ok {
			t.Errorf("%s is no postcode", c.of)
		} else if got := s.has(postcode(c.code)); got != c.want {
			t.Errorf("%s has %s = %v", c.of, c.code, got)
		}
	}
	for _, bad := range []string{"", "*", "S*1*", "20-10"} {
		if s, ok := parsePostcodes(bad); ok {
			t.Errorf("%q is %+v", bad, s)
		}
	}
}

// FuzzPostcodes: whatever is taken has its own beginning, and nothing panics.
func FuzzPostcodes(f *testing.F) {
	f.Add("80000-81929", "80331")
	f.Add("SW1*", "sw1a 1aa")
	f.Fuzz(func(t *testing.T, of, code string) {
		s, ok := parsePostcodes(of)
		if ok && s.digits == 0 && s.until == s.from+"\x00" && !s.has(s.from) {
			t.Errorf("%q does not have itself", of)
		}
		if once := postcode(code); postcode(once) != once {
			t.Errorf("%q is canonical in two ways", code)
		}
	})
}

const territoriesFile = `
teams: [{id: t, manager: boss, members: [ana, ben, cem]}]
reps: [{id: boss}, {id: ana}, {id: ben}, {id: cem}]
pools: [{id: pool, team: t}]
queues: [{id: q}, {id: disputes}]
territories:
  - {id: bavaria, country: [DE], postcode: [80000-87999, 90000-97999], rep: ana}
  - {id: germany, country: [DE], priority: -1, pool: pool}
  - {id: big-steel, industry: [steel], employees: {min: 1000}, rep: ben}
  - {id: named, accounts: [acme.com], accounts_file: named.csv, priority: 5, rep: cem}
  - {id: dach, country: [DE, AT, CH]}
chain:
  - {id: owners, accounts_file: named.csv, target: {owner_of: named_account}}
  - {id: territory, target: {owner_of: territory}}
  - {id: rest-of-dach, territory: [dach], target: {queue: q}}
disputes: disputes
final: q
`

var namedFile = fstest.MapFS{"named.csv": {Data: []byte("domain,owner\nhooli.com,ben\ninitech.com,\n")}}

func territoryRouter(t testing.TB) *Router {
	t.Helper()
	def, err := Parse("routing.yaml", []byte(territoriesFile))
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(def, SLADefinition{}, schemaWithPostcode(t), Options{Files: namedFile})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTerritoriesAndNamedAccounts(t *testing.T) {
	r := territoryRouter(t)
	for _, c := range []struct {
		name string
		is   map[string]string
		want string
	}{
		{"a postcode in the range", map[string]string{"lead.country": "DE", PostcodeField: "80331", "company.industry": "software", "company.domain": "x.de", "company.employees": "5"}, "assigned ana entry:territory "},
		{"elsewhere the country's pool, which counts less", map[string]string{"lead.country": "DE", PostcodeField: "10115", "company.industry": "software", "company.domain": "x.de", "company.employees": "5"}, "assigned ana entry:territory pool"},
		{"two that count as much are a dispute", map[string]string{"lead.country": "DE", PostcodeField: "80331", "company.industry": "steel", "company.employees": "2000", "company.domain": "x.de"}, "queued disputes dispute:territory "},
		{"a named account counts more than either", map[string]string{"lead.country": "DE", PostcodeField: "80331", "company.industry": "steel", "company.employees": "2000", "company.domain": "acme.com"}, "assigned cem entry:territory "},
		{"the file names the account's owner", map[string]string{"lead.country": "FR", "company.domain": "hooli.com"}, "assigned ben entry:owners "},
		{"a named account that the file gives nobody is its territory's", map[string]string{"lead.country": "FR", "company.domain": "initech.com", "company.industry": "x", "company.employees": "1", PostcodeField: "1"}, "assigned cem entry:territory "},
		{"a territory that is only a name for conditions", map[string]string{"lead.country": "AT", "company.domain": "x.at", "company.industry": "x", "company.employees": "1", PostcodeField: "1010"}, "queued q entry:rest-of-dach "},
		{"nothing is for it", map[string]string{"lead.country": "FR", "company.domain": "x.fr", "company.industry": "x", "company.employees": "1", PostcodeField: "1"}, "queued q no_entry "},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := r.Route(context.Background(), &Snapshot{}, Request{Lead: leadOfTier("l", "A"), Profile: profileOf(t, r, c.is), AsOf: monday})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, string(a.Kind)+" "+string(a.Owner)+a.Queue+" "+a.Reason+" "+a.Pool); diff != "" {
				t.Errorf("(-want +got):\n%s\n%s", diff, r.Explain(a.Trace))
			}
		})
	}
}

func TestAWinnerSaysWhatCouldMakeItAnothers(t *testing.T) {
	r := territoryRouter(t)
	a, err := r.Route(context.Background(), &Snapshot{}, Request{
		Lead: leadOfTier("l", "A"), AsOf: monday,
		Profile: profileOf(t, r, map[string]string{"lead.country": "DE", PostcodeField: "80331", "company.employees": "5", "company.domain": "none"}),
	})
	if err != nil || a.Owner != "ana" {
		t.Fatalf("%+v %v", a, err)
	}
	// With 5 employees it is no big steel company, whatever its industry.
	if diff := cmp.Diff([]string(nil), a.Trace.Needs()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	a, err = r.Route(context.Background(), &Snapshot{}, Request{
		Lead: leadOfTier("l", "A"), AsOf: monday,
		Profile: profileOf(t, r, map[string]string{"lead.country": "DE", PostcodeField: "80331", "company.domain": "none"}),
	})
	if err != nil || a.Owner != "ana" {
		t.Fatalf("%+v %v", a, err)
	}
	if diff := cmp.Diff([]string{"company.employees", "company.industry"}, a.Trace.Needs()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// bigDefinition has n territories of one rep each, by country and postcode,
// and m named accounts in a file.
func bigDefinition(t testing.TB, n, m int) *Router {
	t.Helper()
	def := Definition{Final: "q", Queues: []Queue{{ID: "q"}}}
	var team Team
	team.ID = "t"
	for i := range 100 {
		id := leadloop.RepID(fmt.Sprintf("rep%03d", i))
		def.Reps, team.Members = append(def.Reps, Rep{ID: id}), append(team.Members, id)
	}
	def.Teams = []Team{team}
	for i := range n {
		x := Territory{ID: fmt.Sprintf("t%d", i), Country: []string{fmt.Sprintf("C%d", i%50)}, Rep: def.Reps[i%100].ID}
		low := (i / 50) * 10
		x.Postcode = []string{fmt.Sprintf("%05d-%05d", low, low+9)}
		def.Territories = append(def.Territories, x)
	}
	var file strings.Builder
	file.WriteString("domain,owner\n")
	for i := range m {
		fmt.Fprintf(&file, "company%d.com,rep%03d\n", i, i%100)
	}
	if m > 0 {
		def.Chain = append(def.Chain, Entry{ID: "named", AccountsFile: "named.csv", Target: Target{OwnerOf: OfNamedAccount}})
	}
	def.Chain = append(def.Chain, Entry{ID: "territory", Target: Target{OwnerOf: OfTerritory}})
	r, err := New(def, SLADefinition{}, schemaWithPostcode(t), Options{Files: fstest.MapFS{"named.csv": {Data: []byte(file.String())}}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func BenchmarkTerritories(b *testing.B) {
	for _, size := range []struct{ territories, accounts int }{{10, 10}, {10_000, 100_000}} {
		b.Run(fmt.Sprintf("%d territories and %d accounts", size.territories, size.accounts), func(b *testing.B) {
			r := bigDefinition(b, size.territories, size.accounts)
			rnd := rand.New(rand.NewPCG(1, 0))
			profiles := make([]*leadloop.Profile, 1024)
			for i := range profiles {
				k := rnd.IntN(size.territories)
				profiles[i] = profileOf(b, r, map[string]string{
					"lead.country": fmt.Sprintf("C%d", k%50), PostcodeField: fmt.Sprintf("%05d", (k/50)*10+3), "company.domain": fmt.Sprintf("unknown%d.com", k),
				})
			}
			lead := leadOfTier("l", "A")
			var rd Snapshot
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				a, err := r.Route(context.Background(), &rd, Request{Lead: lead, Profile: profiles[i%len(profiles)], AsOf: monday})
				if err != nil || a.Entry != "territory" {
					b.Fatal(a, err)
				}
				i++
			}
		})
	}
}

func BenchmarkEntries(b *testing.B) {
	for _, n := range []int{20, 10_000} {
		for _, cel := range []bool{false, true} {
			b.Run(fmt.Sprintf("%d entries, CEL %v", n, cel), func(b *testing.B) {
				def := Definition{Final: "q", Queues: []Queue{{ID: "q"}}, Teams: []Team{{ID: "t", Members: []leadloop.RepID{"a", "b"}}}, Reps: []Rep{{ID: "a"}, {ID: "b"}}, Pools: []Pool{{ID: "p", Team: "t"}}}
				for i := range n {
					e := Entry{ID: fmt.Sprintf("e%d", i), Country: []string{fmt.Sprintf("C%d", i%50)}, Region: []string{fmt.Sprintf("R%d", i/50)}, Target: Target{Pool: "p"}}
					if cel {
						e.Country, e.Region, e.When.Text = nil, nil, fmt.Sprintf(`lead.country == "C%d" && lead.region == "R%d"`, i%50, i/50)
					}
					def.Chain = append(def.Chain, e)
				}
				r, err := New(def, SLADefinition{}, leadloop.StandardSchema(), Options{})
				if err != nil {
					b.Fatal(err)
				}
				profile := profileOf(b, r, map[string]string{"lead.country": fmt.Sprintf("C%d", (n-1)%50), "lead.region": fmt.Sprintf("R%d", (n-1)/50)})
				lead := leadOfTier("l", "A")
				var rd Snapshot
				b.ReportAllocs()
				for b.Loop() {
					a, err := r.Route(context.Background(), &rd, Request{Lead: lead, Profile: profile, AsOf: monday})
					if err != nil || a.Entry != fmt.Sprintf("e%d", n-1) {
						b.Fatal(a.Reason, err)
					}
				}
			})
		}
	}
}

func TestWhatCELImpliesIsReadRight(t *testing.T) {
	for _, c := range []struct {
		text string
		want string
	}{
		{`lead.country == "DE"`, "lead.country[DE]"},
		{`"DE" == lead.country && company.employees > 10`, "lead.country[DE]"},
		{`lead.country in ["DE", 'AT'] && (lead.region == "BY" || true) && tier == "A"`, "lead.country[AT DE] tier[A]"},
		{`lead.country == "DE" || true`, ""},
		{`lead.country == "DE" ? true : false`, ""},
		{`!(lead.country == "DE")`, ""},
		{`lead.country != "DE"`, ""},
		{`lead.country == "a && lead.region == b"`, "lead.country[a && lead.region == b]"},
		{`lead.country == "DE" // && tier == "A"`, ""},
		{`lead.country == "D\\"E"`, ""},
		{`lead.country == "DE" + "x"`, ""},
		{`lead.country == "DE" == true`, ""},
		{`company.employees == 5`, ""},
		{`lead.unknown == "x"`, ""},
		{`lead.country in []`, ""},
		{`lead.country in ["DE",]`, "lead.country[DE]"},
		{`lead.country in ["DE" "AT"]`, ""},
		{`lead.country in ["DE"] + ["AT"]`, ""},
		{``, ""},
	} {
		k := &compiler{r: &Router{}, schema: leadloop.StandardSchema()}
		var got []string
		for _, m := range k.implied(c.text) {
			got = append(got, fmt.Sprint(m.name, m.oneOf))
		}
		if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", c.text, diff)
		}
	}
}

// What the index leaves out by what CEL implies, CEL finds not to be met.
func TestWhatCELImpliesRulesOutNothingElse(t *testing.T) {
	parts := []string{
		`lead.country == "DE"`, `lead.country in ["DE", "FR"]`, `"US" == lead.country`, `tier == "A"`, `company.employees > 10`, `1 / company.employees > 0`,
		`(lead.country == "DE" || company.industry == "steel")`, `has(lead.country)`, `company.industry != "steel"`, `company.industry == "steel"`, `!(tier == "B")`, `lead.country.startsWith("D")`,
	}
	schema := schemaWithPostcode(t)
	rapid.Check(t, func(t *rapid.T) {
		def := Definition{Final: "q", Queues: []Queue{{ID: "q"}}, Reps: []Rep{{ID: "r"}}}
		for i := range rapid.IntRange(1, 12).Draw(t, "entries") {
			some := rapid.SliceOfN(rapid.SampledFrom(parts), 1, 3).Draw(t, "parts")
			def.Chain = append(def.Chain, Entry{ID: fmt.Sprintf("e%d", i), When: leadloop.Expression{Text: strings.Join(some, rapid.SampledFrom([]string{" && ", " && ", " || "}).Draw(t, "op"))}, Target: Target{Rep: "r"}})
		}
		r, err := New(def, SLADefinition{}, schema, Options{})
		if err != nil {
			t.Fatal(err)
		}
		lead, p := drawLead(t, schema)
		q := Request{Lead: lead, Profile: p, AsOf: monday}
		d := decisionOf(r, q)
		left := r.entryIndex.left(d, &d.byEntry)
		for i := range r.entries {
			v := d.check(context.Background(), &r.entries[i].cond)
			if left[i/64]&(1<<(i%64)) == 0 && v.Verdict != VerdictNotMatched {
				t.Fatalf("%s is left out and comes to %s", r.entries[i].When.Text, v.Verdict)
			}
		}
	})
}
