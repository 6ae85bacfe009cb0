package dedupe_test

import (
	"context"
	"fmt"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

var (
	monday = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	form   = leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "demo-form", ObservedAt: monday}
)

// The default policy believes people before vendors, and among vendors the one who checked last.
func ExampleDefaultPolicy() {
	vendor := leadloop.Evidence{Origin: leadloop.OriginProvider, Source: "vendor", ObservedAt: monday.AddDate(0, 0, 1)}
	other := leadloop.Evidence{Origin: leadloop.OriginProvider, Source: "other", ObservedAt: monday, VerifiedAt: monday.AddDate(0, 0, 2)}
	claims := []leadloop.Claim{
		leadloop.Title.Claim("VP Sales", form),
		leadloop.Title.Claim("Sales Rep", vendor),
		leadloop.Employees.Claim(180, vendor),
		leadloop.Employees.Claim(200, other),
		leadloop.Mobile.None(vendor),
	}
	p := leadloop.Golden(leadloop.StandardSchema(), dedupe.DefaultPolicy(), claims)
	for _, field := range []string{"lead.title", "company.employees", "lead.mobile", "lead.city"} {
		from, _ := p.Provenance(field)
		fmt.Println(field, p.Value(field), from.Source)
	}
	// Output:
	// lead.title VP Sales demo-form
	// company.employees 200 other
	// lead.mobile (known absent) vendor
	// lead.city (absent)
}

func ExampleNewPolicy() {
	def, err := dedupe.ParsePolicy("survivorship.yaml", []byte(`
default: most_recent
fields:
  company.employees: {kind: source_priority, sources: [registry, vendor]}
  lead.titel: {kind: longest}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = dedupe.NewPolicy(def, leadloop.StandardSchema())
	fmt.Println(err)
	// Output:
	// survivorship.yaml:5:15: fields: no field "lead.titel" (did you mean "lead.title"?)
}

func ExampleIdentifiers() {
	p := leadloop.StandardSchema().NewProfile()
	leadloop.Email.Set(p, "Jane.Doe+demo@Acme.com")
	leadloop.Phone.Set(p, "(415) 765-2671")
	leadloop.Country.Set(p, "US")
	for _, id := range dedupe.Identifiers(p) {
		fmt.Println(id.Kind, id.Value)
	}
	leadloop.Email.Set(p, "info@gmail.com")
	leadloop.Phone.Set(p, "000000")
	fmt.Println("shared values give none:", len(dedupe.Identifiers(p)))
	// Output:
	// domain acme.com
	// email jane.doe+demo@acme.com
	// email_base jane.doe@acme.com
	// phone +14157652671
	// shared values give none: 0
}

func ExampleCompare() {
	person := func(email, first, last string) dedupe.Person {
		p := leadloop.StandardSchema().NewProfile()
		leadloop.Email.Set(p, email)
		leadloop.FirstName.Set(p, first)
		leadloop.LastName.Set(p, last)
		return dedupe.PersonOf(p)
	}
	jane := person("jane.doe@acme.com", "Jane", "Doe")
	for _, other := range []dedupe.Person{
		person("JANE.DOE@acme.com", "J", "Doe"),
		person("jdoe@acme.com", "Jane", "Doe"),
		person("max@acme.com", "Max", "Roe"),
	} {
		m := dedupe.Compare(jane, other)
		fmt.Printf("%.2f %s: %s\n", m.Confidence, m.Rule, m.Reason)
	}
	// Output:
	// 1.00 email: same e-mail address
	// 0.90 domain_person: same name at one company, but different e-mail addresses
	// 0.00 colleague: different names and mailboxes at one company: colleagues
}

// A merge only unites claims, so that un-merge gives each lead back its own, also what was claimed since.
func ExampleMerge() {
	say := func(record leadloop.LeadID, title string) leadloop.Claim {
		e := form
		e.Record = record
		return leadloop.Title.Claim(title, e)
	}
	a := &leadloop.Lead{ID: "ld_a", ReceivedAt: monday, Claims: []leadloop.Claim{say("ld_a", "CTO")}}
	b := &leadloop.Lead{ID: "ld_b", ReceivedAt: monday.Add(time.Hour), Claims: []leadloop.Claim{say("ld_b", "Chief Technology Officer")}}

	into, from := dedupe.Survivor(b, a)
	merged, tombstone, err := dedupe.Merge(into, from)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(merged.ID, merged.Records, tombstone.ID, "is part of", tombstone.MergedInto)

	merged.Claims = leadloop.UniteClaims(merged.Claims, []leadloop.Claim{leadloop.City.Claim("Oslo", leadloop.Evidence{Record: "ld_b", ObservedAt: monday})})
	a, b, err = dedupe.Unmerge(merged, tombstone)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, l := range []*leadloop.Lead{a, b} {
		fmt.Print(l.ID)
		for _, c := range l.Claims {
			fmt.Print(" ", c.Field, "=", c.Value)
		}
		fmt.Println()
	}
	// Output:
	// ld_a [ld_b] ld_b is part of ld_a
	// ld_a lead.title=CTO
	// ld_b lead.city=Oslo lead.title=Chief Technology Officer
}

// The stage says what a submission is the same as; a loop commits it.
func ExampleNewStage() {
	ctx := context.Background()
	st := memstore.New()
	known := &leadloop.Lead{ID: "ld_known", ReceivedAt: monday, Claims: []leadloop.Claim{leadloop.Email.Claim("jane@acme.com", form)}}
	known.Identifiers = dedupe.LeadIdentifiers(known, nil)
	err := st.Update(ctx, func(tx store.Tx) error {
		_, err := tx.Leads().Put(ctx, known)
		return err
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	again := &leadloop.Lead{ID: "ld_again", ReceivedAt: monday.Add(time.Hour), Claims: []leadloop.Claim{leadloop.Email.Claim("Jane@acme.com", form)}}
	_, effects, err := dedupe.NewStage(st, dedupe.Options{}).Decide(ctx, leadloop.Subject{
		Lead: again, Profile: leadloop.Golden(leadloop.StandardSchema(), dedupe.DefaultPolicy(), again.Claims),
		AsOf: again.ReceivedAt, Trigger: leadloop.TriggerSubmission,
	})
	fmt.Println(effects.MergeInto, err)
	fmt.Println(string(effects.Trace))
	// Output:
	// ld_known <nil>
	// {"looked_up":["email","email_base"],"leads":[{"lead":"ld_known","rule":"email","confidence":1,"reason":"same e-mail address","verdict":"merge"}]}
}

// Preview is the dry run of a merge: the golden record field by field, with its source.
func ExamplePreview() {
	of := func(record leadloop.LeadID, source string, o leadloop.Origin) leadloop.Evidence {
		return leadloop.Evidence{Origin: o, Source: source, Record: record, ObservedAt: monday}
	}
	a := &leadloop.Lead{ID: "ld_a", ReceivedAt: monday, Claims: []leadloop.Claim{
		leadloop.Title.Claim("Head of Sales", of("ld_a", "ana", leadloop.OriginRep)), leadloop.City.Claim("Oslo", of("ld_a", "vendor", leadloop.OriginProvider)),
	}}
	b := &leadloop.Lead{ID: "ld_b", ReceivedAt: monday, Claims: []leadloop.Claim{
		leadloop.Title.Claim("Sales", of("ld_b", "list", leadloop.OriginImport)), leadloop.City.Claim("Bergen", of("ld_b", "demo-form", leadloop.OriginPerson)),
	}}
	fields, err := dedupe.Preview(leadloop.StandardSchema(), dedupe.DefaultPolicy(), a, b)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range fields {
		fmt.Printf("%s: %v from %s %s (was %v, other %v) changed %v\n", f.Field, f.Golden, f.From.Origin, f.From.Source, f.Into, f.Other, f.Changed())
	}
	// Output:
	// lead.title: Head of Sales from rep ana (was Head of Sales, other Sales) changed false
	// lead.city: Bergen from person demo-form (was Oslo, other Bergen) changed true
}

// What a rep ignores comes last, also when its source says it again or says something else.
func ExamplePolicy_Survivor_ignored() {
	vendor := leadloop.Evidence{Origin: leadloop.OriginImport, Source: "list", ObservedAt: monday}
	other := leadloop.Evidence{Origin: leadloop.OriginProvider, Source: "vendor", ObservedAt: monday}
	ignore := leadloop.Evidence{Origin: leadloop.OriginRep, Source: "ana", ObservedAt: monday.AddDate(0, 0, 1), Pin: leadloop.Ignored}
	refresh := leadloop.Evidence{Origin: leadloop.OriginImport, Source: "list", ObservedAt: monday.AddDate(0, 0, 2)}
	claims := []leadloop.Claim{
		leadloop.Title.Claim("Student", vendor), leadloop.Title.Claim("CTO", other), leadloop.Title.Claim("Student", ignore), leadloop.Title.Claim("Pupil", refresh),
	}
	fmt.Println(leadloop.Golden(leadloop.StandardSchema(), dedupe.DefaultPolicy(), claims).Value("lead.title"))
	// Output: CTO
}

// A learnt model stands behind a Finder; here one that knows a single lead.
func ExampleFinder() {
	ctx := context.Background()
	st := memstore.New()
	known := &leadloop.Lead{ID: "ld_known", ReceivedAt: monday, Claims: []leadloop.Claim{leadloop.LastName.Claim("Doe", form)}}
	err := st.Update(ctx, func(tx store.Tx) error {
		_, err := tx.Leads().Put(ctx, known)
		return err
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	model := dedupe.FinderFunc(func(context.Context, *leadloop.Lead) ([]dedupe.Candidate, error) {
		return []dedupe.Candidate{{Lead: "ld_known", Probability: 0.8, Explanation: []byte(`{"lead.last_name":2.1}`)}}, nil
	})
	arrives := &leadloop.Lead{ID: "ld_new", ReceivedAt: monday, Claims: []leadloop.Claim{leadloop.LastName.Claim("Do", form)}}
	_, effects, err := dedupe.NewStage(st, dedupe.Options{Finder: model}).Decide(ctx, leadloop.Subject{
		Lead: arrives, Profile: leadloop.Golden(leadloop.StandardSchema(), dedupe.DefaultPolicy(), arrives.Claims), AsOf: monday, Trigger: leadloop.TriggerSubmission,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(effects.PossibleDuplicates, string(effects.Tasks[0].Payload))
	// Output: [ld_known] {"lead":"ld_known","rule":"model","confidence":0.8,"reason":"the learnt model is not sure","explanation":{"lead.last_name":2.1}}
}

// A reviewer's no is kept: the two are never merged or asked about again.
func ExamplePart() {
	a := &leadloop.Lead{ID: "ld_a", ReceivedAt: monday, PossibleDuplicates: []leadloop.LeadID{"ld_b"}}
	b := &leadloop.Lead{ID: "ld_b", ReceivedAt: monday.Add(time.Hour)}
	a, b, err := dedupe.Part(a, b)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(dedupe.AreDifferent(a, b), a.PossibleDuplicates)
	// Output: true []
}

// Only the domain, or the name with something that supports it, makes a company an account.
func ExampleCompareAccount() {
	account := leadloop.Account{ID: "acc_acme", Name: "Acme Robotics Inc.", Domains: []string{"acme.com", "acme.de"}, Country: "US"}
	person := func(email, company, country string) dedupe.Person {
		p := leadloop.StandardSchema().NewProfile()
		leadloop.Email.Set(p, email)
		leadloop.CompanyName.Set(p, company)
		leadloop.Country.Set(p, country)
		return dedupe.PersonOf(p)
	}
	for _, p := range []dedupe.Person{
		person("jane@mail.acme.de", "", ""), person("jane@gmail.com", "ACME Robotics", "US"), person("jane@acme-robotics.io", "Acme Robotics", "FR"),
	} {
		m := dedupe.CompareAccount(p, account)
		fmt.Printf("%.2f %s: %s\n", m.Confidence, m.Rule, m.Reason)
	}
	// Output:
	// 1.00 domain: corporate domain of the account
	// 0.97 company: same company name and country
	// 0.80 company: same company name, but different corporate domains
}
