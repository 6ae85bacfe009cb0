package dedupe_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

// lead makes a lead of one form submission on day n.
func (w who) lead(id leadloop.LeadID, n int) *leadloop.Lead {
	e := leadloop.Evidence{Origin: person, Source: "demo-form", Record: id, ObservedAt: day(n)}
	l := &leadloop.Lead{ID: id, ReceivedAt: day(n)}
	p := w.profile()
	for i := range p.Schema().Len() {
		if v := p.At(i); v.Presence() != leadloop.Absent {
			l.Claims = append(l.Claims, leadloop.Claim{Field: p.Schema().At(i).Name, Value: v, Evidence: e})
		}
	}
	l.Claims = leadloop.UniteClaims(nil, l.Claims)
	return l
}

// decided makes a lead that the loop has decided about and stored.
func decided(l *leadloop.Lead, owner leadloop.RepID) *leadloop.Lead {
	l.State.DecidedAt, l.State.Owner = l.ReceivedAt, owner
	l.Identifiers = dedupe.LeadIdentifiers(l, nil)
	return l
}

func open(t testing.TB, leads ...*leadloop.Lead) store.Store {
	t.Helper()
	st := memstore.New()
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	write(t, st, func(tx store.Tx) error {
		for _, l := range leads {
			if _, err := tx.Leads().Put(t.Context(), l); err != nil {
				return err
			}
		}
		return nil
	})
	return st
}

func write(t testing.TB, st store.Store, f func(tx store.Tx) error) {
	t.Helper()
	if err := st.Update(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func subject(l *leadloop.Lead, trigger leadloop.Trigger) leadloop.Subject {
	return leadloop.Subject{
		Lead: l, Profile: leadloop.Golden(leadloop.StandardSchema(), dedupe.DefaultPolicy(), l.Claims), AsOf: day(10), Trigger: trigger, Previous: l.State,
	}
}

func decide(t *testing.T, stage leadloop.Stage, s leadloop.Subject) leadloop.Effects {
	t.Helper()
	before := s.Lead.Clone()
	outcome, effects, err := stage.Decide(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if outcome != (leadloop.Outcome{}) {
		t.Errorf("outcome %+v: matching alone decides nothing about the lead as a whole", outcome)
	}
	if diff := cmp.Diff(before, s.Lead, leadDiff); diff != "" {
		t.Errorf("Decide modified its subject:\n%s", diff)
	}
	_, again, err := stage.Decide(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(effects, again, leadDiff); diff != "" {
		t.Errorf("deciding again differs:\n%s", diff)
	}
	return effects
}

// effects are what a test looks at: everything but identifiers, guard and trace.
func essential(e leadloop.Effects) leadloop.Effects {
	e.Identifiers, e.Guard, e.Trace = nil, leadloop.Guard{}, nil
	return e
}

var jane = who{email: "jane.doe@acme.com", first: "Jane", last: "Doe", company: "Acme Inc.", country: "US"}

func TestStageLooksUpLeads(t *testing.T) {
	possible := func(base, other leadloop.LeadID, rule, confidence string) leadloop.Event {
		return leadloop.Event{Kind: leadloop.EventPossibleMatch, Lead: base, To: string(other), Reason: rule, Attrs: map[string]string{"confidence": confidence}}
	}
	review := func(base, other leadloop.LeadID) leadloop.Task {
		return leadloop.Task{Key: fmt.Sprintf("review:duplicate:%s:%s", min(base, other), max(base, other)), Kind: leadloop.TaskReview, Lead: base, DueAt: day(10), Outside: true}
	}
	merged := func(from, into leadloop.LeadID, rule string) leadloop.Event {
		return leadloop.Event{Kind: leadloop.EventMerged, Lead: from, To: string(into), Reason: rule}
	}
	withoutMail := jane
	withoutMail.email, withoutMail.domain = "", "acme.com"
	otherMail := jane
	otherMail.email = "jdoe@acme.com"
	colleague := who{email: "max.roe@acme.com", first: "Max", last: "Roe", company: "Acme Inc.", country: "US"}
	linked := decided(jane.lead("l1", 0), "ana")
	linked.PossibleDuplicates = []leadloop.LeadID{"l9"}
	asked := otherMail.lead("l9", 5)
	asked.PossibleDuplicates = []leadloop.LeadID{"l1"}
	merger := decided(colleague.lead("l1", 0), "ana")
	merger.Claims = leadloop.UniteClaims(merger.Claims, jane.lead("l0", 0).Claims)
	merger.Records = []leadloop.LeadID{"l0"}
	merger.Identifiers = dedupe.LeadIdentifiers(merger, nil)
	for _, tc := range []struct {
		name    string
		stored  []*leadloop.Lead
		subject *leadloop.Lead
		options dedupe.Options
		want    leadloop.Effects
	}{
		{"a new person stays a new lead", []*leadloop.Lead{decided(colleague.lead("l1", 0), "ana")}, jane.lead("l9", 5), dedupe.Options{}, leadloop.Effects{}},
		{"a known e-mail is merged into the lead that has it", []*leadloop.Lead{decided(jane.lead("l1", 0), "ana")}, jane.lead("l9", 5), dedupe.Options{},
			leadloop.Effects{MergeInto: "l1", Events: []leadloop.Event{merged("l9", "l1", "email")}}},
		{"what a merged record said is known too", []*leadloop.Lead{merger}, jane.lead("l9", 5), dedupe.Options{},
			leadloop.Effects{MergeInto: "l1", Events: []leadloop.Event{merged("l9", "l1", "email")}}},
		{"of several matches the oldest is merged into and the others are linked to it",
			[]*leadloop.Lead{decided(jane.lead("l1", 3), "ana"), decided(jane.lead("l2", 1), ""), decided(jane.lead("l3", 2), "")}, jane.lead("l9", 5), dedupe.Options{},
			leadloop.Effects{MergeInto: "l2", PossibleDuplicates: []leadloop.LeadID{"l3", "l1"},
				Events: []leadloop.Event{merged("l9", "l2", "email"), possible("l2", "l3", "email", "1.00"), possible("l2", "l1", "email", "1.00")},
				Tasks:  []leadloop.Task{review("l2", "l3"), review("l2", "l1")}}},
		{"a stronger rule goes before an older lead", []*leadloop.Lead{decided(withoutMail.lead("l1", 0), ""), decided(jane.lead("l2", 1), "")}, jane.lead("l9", 5), dedupe.Options{},
			leadloop.Effects{MergeInto: "l2", PossibleDuplicates: []leadloop.LeadID{"l1"},
				Events: []leadloop.Event{merged("l9", "l2", "email"), possible("l2", "l1", "domain_person", "0.95")}, Tasks: []leadloop.Task{review("l2", "l1")}}},
		{"between the thresholds a human is asked", []*leadloop.Lead{decided(jane.lead("l1", 0), "ana")}, otherMail.lead("l9", 5), dedupe.Options{},
			leadloop.Effects{PossibleDuplicates: []leadloop.LeadID{"l1"}, Events: []leadloop.Event{possible("l9", "l1", "domain_person", "0.90")}, Tasks: []leadloop.Task{review("l9", "l1")}}},
		{"a pair is asked about once", []*leadloop.Lead{linked}, otherMail.lead("l9", 5), dedupe.Options{}, leadloop.Effects{}},
		{"a pair is asked about once from either side", []*leadloop.Lead{decided(jane.lead("l1", 0), "ana")}, asked, dedupe.Options{}, leadloop.Effects{}},
		{"a higher threshold turns a match into a question", []*leadloop.Lead{decided(jane.lead("l1", 0), "ana")}, withoutMail.lead("l9", 5), dedupe.Options{Match: 1},
			leadloop.Effects{PossibleDuplicates: []leadloop.LeadID{"l1"}, Events: []leadloop.Event{possible("l9", "l1", "domain_person", "0.95")}, Tasks: []leadloop.Task{review("l9", "l1")}}},
		{"a higher lower threshold ends the questions", []*leadloop.Lead{decided(jane.lead("l1", 0), "ana")}, otherMail.lead("l9", 5), dedupe.Options{Possible: 0.92}, leadloop.Effects{}},
		{"a lead with an owner is never merged away by itself", []*leadloop.Lead{decided(jane.lead("l1", 0), "ana")}, decided(jane.lead("l9", 5), "ben"), dedupe.Options{},
			leadloop.Effects{PossibleDuplicates: []leadloop.LeadID{"l1"}, Events: []leadloop.Event{possible("l9", "l1", "email", "1.00")}, Tasks: []leadloop.Task{review("l9", "l1")}}},
		{"a submission that waits for its decision will follow by itself", []*leadloop.Lead{withIdentifiers(jane.lead("l9", 5))}, jane.lead("l1", 0), dedupe.Options{}, leadloop.Effects{}},
		{"an undecided submission becomes part of the decided one even if it was received first", []*leadloop.Lead{decided(jane.lead("l1", 5), "ana")}, jane.lead("l9", 0), dedupe.Options{},
			leadloop.Effects{MergeInto: "l1", Events: []leadloop.Event{merged("l9", "l1", "email")}}},
		{"info@ makes no match", []*leadloop.Lead{decided(who{email: "info@acme.com"}.lead("l1", 0), "ana")}, who{email: "info@acme.com"}.lead("l9", 5), dedupe.Options{}, leadloop.Effects{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := decide(t, dedupe.NewStage(open(t, tc.stored...), tc.options), subject(tc.subject, leadloop.TriggerSubmission))
			if diff := cmp.Diff(tc.want, essential(got), cmpopts.EquateEmpty(), cmpopts.IgnoreFields(leadloop.Task{}, "Payload")); diff != "" {
				t.Errorf("effects (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(dedupe.LeadIdentifiers(tc.subject, nil), append(got.Identifiers, tc.subject.Identifiers...)); diff != "" {
				t.Errorf("identifiers (-want +got):\n%s", diff)
			}
		})
	}
}

func withIdentifiers(l *leadloop.Lead) *leadloop.Lead {
	l.Identifiers = dedupe.LeadIdentifiers(l, nil)
	return l
}

func TestAStoredLeadMatchesNeitherItselfNorItsRecords(t *testing.T) {
	l := decided(jane.lead("l1", 0), "")
	record := decided(jane.lead("l0", 0), "")
	merged, tombstone, err := dedupe.Merge(l, record)
	if err != nil {
		t.Fatal(err)
	}
	st := open(t, merged, tombstone)
	merged.Revision = 1
	got := decide(t, dedupe.NewStage(st, dedupe.Options{}), subject(merged, leadloop.TriggerRecycle))
	if diff := cmp.Diff(leadloop.Effects{}, essential(got)); diff != "" {
		t.Error(diff)
	}
	if got.Identifiers != nil {
		t.Error("identifiers are set although they did not change")
	}
	if diff := cmp.Diff([]leadloop.LeadID{"l1"}, got.Guard.Leads); diff != "" {
		t.Errorf("the guard is what the store answers (-want +got):\n%s", diff)
	}
}

func TestTheTraceExplainsTheLadderWithoutPersonalData(t *testing.T) {
	st := open(t, decided(jane.lead("l1", 0), "ana"), decided(who{email: "jane.doe@acme.com", linkedIn: "linkedin.com/in/jane"}.lead("l2", 1), "ana"))
	s := who{email: "jane.doe@acme.com", first: "Jane", last: "Doe", linkedIn: "linkedin.com/in/other"}.lead("l9", 5)
	got := decide(t, dedupe.NewStage(st, dedupe.Options{}), subject(s, leadloop.TriggerSubmission))
	want := `{"looked_up":["domain_person","email","email_base","linkedin"],` +
		`"leads":[{"lead":"l1","rule":"email","confidence":1,"reason":"same e-mail address","verdict":"merge"},` +
		`{"lead":"l2","rule":"email","confidence":0.9,"reason":"same e-mail address, but different LinkedIn pages","verdict":"review"}]}`
	if diff := cmp.Diff(want, string(got.Trace)); diff != "" {
		t.Errorf("trace (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(`{"lead":"l2","rule":"email","confidence":0.9,"reason":"same e-mail address, but different LinkedIn pages"}`, string(got.Tasks[0].Payload)); diff != "" {
		t.Errorf("payload (-want +got):\n%s", diff)
	}
}

func TestANumberThatManyLeadsHaveTellsNobodyApart(t *testing.T) {
	var stored []*leadloop.Lead
	for i := range 6 {
		w := who{email: fmt.Sprintf("p%d@company-%d.com", i, i), phone: "+14157652671", first: fmt.Sprintf("First%d", i), last: "Doe"}
		stored = append(stored, decided(w.lead(leadloop.LeadID(fmt.Sprintf("l%d", i)), i), ""))
	}
	s := who{phone: "+14157652671", first: "First0", last: "Doe"}.lead("l9", 9)
	got := decide(t, dedupe.NewStage(open(t, stored...), dedupe.Options{}), subject(s, leadloop.TriggerSubmission))
	if got.MergeInto != "" || len(got.PossibleDuplicates) > 0 || string(got.Trace) != `{"shared":["phone"]}` {
		t.Errorf("a switchboard linked: %+v %s", got, got.Trace)
	}
	got = decide(t, dedupe.NewStage(open(t, stored...), dedupe.Options{SharedBy: 6}), subject(s, leadloop.TriggerSubmission))
	if got.MergeInto != "l0" {
		t.Errorf("with a higher limit the number links: %+v", got)
	}
	withIdentifiers(s)
	got = decide(t, dedupe.NewStage(open(t, append(stored, s)...), dedupe.Options{SharedBy: 6}), subject(s, leadloop.TriggerSubmission))
	if got.MergeInto != "l0" {
		t.Errorf("the lead itself counts for the limit: %+v", got)
	}
}

func TestANameThatManyAtOneCompanyHaveTellsNobodyApart(t *testing.T) {
	// Six Jane Does at one domain, of whom only the last says the company's name: by that key alone she would be found.
	var stored []*leadloop.Lead
	for i := range 6 {
		w := who{phone: fmt.Sprintf("+1415765267%d", i), first: "Jane", last: "Doe", domain: "acme.com"}
		if i == 5 {
			w.company = "Acme Inc"
		}
		stored = append(stored, decided(w.lead(leadloop.LeadID(fmt.Sprintf("l%d", i)), i), ""))
	}
	s := who{first: "Jane", last: "Doe", domain: "acme.com", company: "Acme"}.lead("l9", 9)
	got := decide(t, dedupe.NewStage(open(t, stored...), dedupe.Options{}), subject(s, leadloop.TriggerSubmission))
	if got.MergeInto != "" || len(got.PossibleDuplicates) > 0 || string(got.Trace) != `{"shared":["domain_person"]}` {
		t.Errorf("a common name linked: %+v %s", got, got.Trace)
	}
	got = decide(t, dedupe.NewStage(open(t, stored...), dedupe.Options{SharedBy: 6}), subject(s, leadloop.TriggerSubmission))
	if got.MergeInto != "l0" {
		t.Errorf("with a higher limit the name links: %+v", got)
	}
	// What is not a name links all the same.
	s = who{first: "Jane", last: "Doe", domain: "acme.com", company: "Acme", phone: "+14157652673"}.lead("l9", 9)
	if got := decide(t, dedupe.NewStage(open(t, stored...), dedupe.Options{}), subject(s, leadloop.TriggerSubmission)); got.MergeInto != "l3" {
		t.Errorf("the number does not link: %+v %s", got, got.Trace)
	}
}

func TestNicknamesAndInitialsAreFound(t *testing.T) {
	for _, tc := range []struct {
		name           string
		stored, arrive who
		found          bool
	}{
		{"a nickname", who{first: "William", last: "Doe", domain: "acme.com"}, who{first: "Bill", last: "Doe", email: "bill@acme.com"}, true},
		{"the name of a nickname", who{first: "Bill", last: "Doe", company: "Acme", country: "US"}, who{first: "William", last: "Doe", company: "ACME Inc"}, true},
		{"an initial that was there first", who{first: "J.", last: "Doe", domain: "acme.com"}, who{first: "Jane", last: "Doe", domain: "acme.com"}, true},
		{"a middle initial", who{first: "Jane", last: "Doe", domain: "acme.com"}, who{first: "Jane Q.", last: "Doe", domain: "acme.com"}, true},
		{"another name", who{first: "Max", last: "Doe", domain: "acme.com"}, who{first: "Bill", last: "Doe", domain: "acme.com"}, false},
		{"a nickname at another company", who{first: "William", last: "Doe", domain: "globex.com"}, who{first: "Bill", last: "Doe", domain: "acme.com"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			stage := dedupe.NewStage(open(t, decided(tc.stored.lead("l1", 0), "ana")), dedupe.Options{})
			got := decide(t, stage, subject(tc.arrive.lead("l9", 5), leadloop.TriggerSubmission))
			if found := len(got.PossibleDuplicates) == 1 || got.MergeInto == "l1"; found != tc.found {
				t.Errorf("found is %v, want %v: %s", found, tc.found, got.Trace)
			}
			if tc.found != slices.Contains(got.Guard.Leads, "l1") {
				t.Errorf("the guard holds %v", got.Guard.Leads)
			}
		})
	}
}

func TestStageMatchesTheCRM(t *testing.T) {
	account := func(a leadloop.Account) leadloop.Account { a.Identifiers = dedupe.AccountIdentifiers(a); return a }
	contact := func(c leadloop.Contact) leadloop.Contact { c.Identifiers = dedupe.ContactIdentifiers(c); return c }
	st := open(t)
	write(t, st, func(tx store.Tx) error {
		var err error
		for _, a := range []leadloop.Account{
			{ID: "acme", Name: "Acme Inc.", Domains: []string{"acme.com", "acme-labs.io"}, Country: "US"},
			{ID: "acme-de", Name: "Acme GmbH", Domains: []string{"acme.com"}, Country: "DE", Parent: "acme"},
			{ID: "globex", Name: "Globex", Country: "US"},
			{ID: "hooli-1", Name: "Hooli Holding", Domains: []string{"hooli.com"}},
			{ID: "hooli-2", Name: "Hooli", Domains: []string{"hooli.com"}},
			{ID: "initech-1", Name: "Initech Labs", Domains: []string{"initech.com"}, Parent: "initech-2"},
			{ID: "initech-2", Name: "Initech Group", Domains: []string{"initech.com"}},
		} {
			err = errors.Join(err, tx.CRM().PutAccount(t.Context(), account(a)))
		}
		for _, c := range []leadloop.Contact{
			{ID: "c1", Account: "globex", FirstName: "Jane", LastName: "Doe", Email: "jane@private.example"},
			{ID: "c2", Account: "gone", FirstName: "Max", LastName: "Roe", Email: "max@elsewhere.example"},
		} {
			err = errors.Join(err, tx.CRM().PutContact(t.Context(), contact(c)))
		}
		for _, o := range []leadloop.Opportunity{
			{ID: "o1", Account: "acme", Status: leadloop.OpportunityOpen, CreatedAt: day(1)},
			{ID: "o2", Account: "acme", Status: leadloop.OpportunityOpen, CreatedAt: day(2)},
			{ID: "o3", Account: "acme", Status: leadloop.OpportunityWon, CreatedAt: day(3)},
			{ID: "o4", Account: "globex", Status: leadloop.OpportunityOpen, CreatedAt: day(9)},
			{ID: "o5", Account: "globex", Status: leadloop.OpportunityOpen, CreatedAt: day(1), Contact: "c1"},
		} {
			err = errors.Join(err, tx.CRM().PutOpportunity(t.Context(), o))
		}
		return err
	})
	stage := dedupe.NewStage(st, dedupe.Options{})
	matched := func(account leadloop.AccountID, rule string) []leadloop.Event {
		return []leadloop.Event{{Kind: leadloop.EventMatchedAccount, Lead: "l9", To: string(account), Reason: rule}}
	}
	for _, tc := range []struct {
		name  string
		who   who
		state leadloop.State
		want  leadloop.State
		event []leadloop.Event
	}{
		{"by corporate domain, the parent before its subsidiary, with the latest open opportunity", who{email: "new@acme.com"}, leadloop.State{},
			leadloop.State{Account: "acme", Opportunity: "o2"}, matched("acme", "domain")},
		{"by a second domain of the account", who{email: "new@acme-labs.io"}, leadloop.State{}, leadloop.State{Account: "acme", Opportunity: "o2"}, matched("acme", "domain")},
		{"the subsidiary in the lead's country", who{email: "new@acme.com", country: "DE"}, leadloop.State{}, leadloop.State{Account: "acme-de"}, matched("acme-de", "domain")},
		{"of two accounts at one domain the one with the company's name", who{email: "new@hooli.com", company: "Hooli Inc"}, leadloop.State{}, leadloop.State{Account: "hooli-2"}, matched("hooli-2", "domain")},
		{"of two accounts at one domain the parent", who{email: "new@initech.com"}, leadloop.State{}, leadloop.State{Account: "initech-2"}, matched("initech-2", "domain")},
		{"by company name and country", who{email: "x@gmail.com", company: "GLOBEX Ltd", country: "US"}, leadloop.State{}, leadloop.State{Account: "globex", Opportunity: "o4"}, matched("globex", "company")},
		{"by company name alone", who{email: "x@gmail.com", company: "Globex"}, leadloop.State{}, leadloop.State{Account: "globex", Opportunity: "o4"}, matched("globex", "company")},
		{"not by company name in another country", who{email: "x@gmail.com", company: "Globex", country: "DE"}, leadloop.State{}, leadloop.State{}, nil},
		{"by a misspelt company name and the country", who{email: "x@gmail.com", company: "Globexx Inc", country: "US"}, leadloop.State{},
			leadloop.State{Account: "globex", Opportunity: "o4"}, matched("globex", "company_like")},
		{"not by a misspelt company name alone", who{email: "x@gmail.com", company: "Globexx Inc"}, leadloop.State{}, leadloop.State{}, nil},
		{"by contact, with the contact's own opportunity", who{email: "jane@private.example"}, leadloop.State{},
			leadloop.State{Contact: "c1", Account: "globex", Opportunity: "o5"}, matched("globex", "email")},
		{"a contact of an account that is gone", who{email: "max@elsewhere.example"}, leadloop.State{}, leadloop.State{Contact: "c2"}, nil},
		{"an account that still matches stays", who{email: "new@acme.com"}, leadloop.State{Account: "acme-de"}, leadloop.State{Account: "acme-de"}, nil},
		{"an account that a person set stays when nothing matches", who{email: "x@gmail.com"}, leadloop.State{Account: "globex"}, leadloop.State{Account: "globex", Opportunity: "o4"}, nil},
		{"an open opportunity stays, a closed one is replaced", who{email: "new@acme.com"}, leadloop.State{Account: "acme", Opportunity: "o1"}, leadloop.State{Account: "acme", Opportunity: "o1"}, nil},
		{"a closed opportunity is replaced by an open one", who{email: "new@acme.com"}, leadloop.State{Account: "acme", Opportunity: "o3"}, leadloop.State{Account: "acme", Opportunity: "o2"}, nil},
		{"a new employer is a new account", who{email: "new@acme.com"}, leadloop.State{Account: "globex", Owner: "ana"}, leadloop.State{Account: "acme", Opportunity: "o2", Owner: "ana"}, matched("acme", "domain")},
		{"nobody is known", who{email: "x@unknown.example"}, leadloop.State{}, leadloop.State{}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := tc.who.lead("l9", 5)
			l.State = tc.state
			got := decide(t, stage, subject(l, leadloop.TriggerSubmission))
			state := l.State
			if got.State != nil {
				state = *got.State
			}
			if diff := cmp.Diff(tc.want, state); diff != "" {
				t.Errorf("state (-want +got):\n%s\n%s", diff, got.Trace)
			}
			if diff := cmp.Diff(tc.event, got.Events); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if got.State != nil && cmp.Equal(*got.State, tc.state) {
				t.Error("the state is written although nothing changed")
			}
		})
	}
}

func TestAmbiguousAccountsAreAskedAbout(t *testing.T) {
	st := open(t)
	write(t, st, func(tx store.Tx) error {
		var err error
		for _, a := range []leadloop.Account{{ID: "hooli-2", Name: "Hooli X", Domains: []string{"hooli.com"}}, {ID: "hooli-1", Name: "Hooli Y", Domains: []string{"hooli.com"}}} {
			a.Identifiers = dedupe.AccountIdentifiers(a)
			err = errors.Join(err, tx.CRM().PutAccount(t.Context(), a))
		}
		return err
	})
	stage := dedupe.NewStage(st, dedupe.Options{})
	got := decide(t, stage, subject(who{email: "new@hooli.com"}.lead("l9", 5), leadloop.TriggerSubmission))
	if got.State != nil || len(got.Events) > 0 {
		t.Errorf("an account was chosen silently: %+v, %v", got.State, got.Events)
	}
	want := []leadloop.Task{{
		Key: "review:account:l9:hooli-1:hooli-2", Kind: leadloop.TaskReview, Lead: "l9", DueAt: day(10), Outside: true,
		Payload: []byte(`{"accounts":["hooli-1","hooli-2"]}`),
	}}
	if diff := cmp.Diff(want, got.Tasks); diff != "" {
		t.Errorf("tasks (-want +got):\n%s", diff)
	}
	linked := who{email: "new@hooli.com"}.lead("l9", 5)
	linked.State.Account = "hooli-2"
	if got := decide(t, stage, subject(linked, leadloop.TriggerSubmission)); got.State != nil || got.Tasks != nil {
		t.Errorf("a link that still matches was asked about: %+v", got)
	}
}

func TestOtherTriggersOnlyRefresh(t *testing.T) {
	st := open(t, decided(jane.lead("l1", 0), "ana"))
	write(t, st, func(tx store.Tx) error {
		a := leadloop.Account{ID: "acme", Domains: []string{"acme.com"}}
		a.Identifiers = dedupe.AccountIdentifiers(a)
		return tx.CRM().PutAccount(t.Context(), a)
	})
	stage := dedupe.NewStage(st, dedupe.Options{})
	t.Run("nothing changed, nothing is looked up", func(t *testing.T) {
		closed := memstore.New()
		if err := closed.Close(); err != nil {
			t.Fatal(err)
		}
		got := decide(t, dedupe.NewStage(closed, dedupe.Options{}), subject(withIdentifiers(jane.lead("l9", 5)), leadloop.TriggerActivity))
		if diff := cmp.Diff(leadloop.Effects{}, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("a changed e-mail brings identifiers and account up to date and merges nothing", func(t *testing.T) {
		got := decide(t, stage, subject(jane.lead("l9", 5), leadloop.TriggerTask))
		if got.MergeInto != "" || len(got.PossibleDuplicates) > 0 || got.State == nil || got.State.Account != "acme" || got.Identifiers == nil {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("a lead that lost all identifiers is no longer found", func(t *testing.T) {
		l := who{email: "info@acme.com"}.lead("l9", 5)
		l.Claims = nil
		l.Identifiers = []leadloop.Identifier{{Kind: "email", Value: "x@acme.com"}}
		got := decide(t, stage, subject(l, leadloop.TriggerActivity))
		if got.Identifiers == nil || len(got.Identifiers) != 0 {
			t.Errorf("identifiers are %v, want none and not nil", got.Identifiers)
		}
	})
	t.Run("a store that is down is an error", func(t *testing.T) {
		closed := memstore.New()
		if err := closed.Close(); err != nil {
			t.Fatal(err)
		}
		if _, _, err := dedupe.NewStage(closed, dedupe.Options{}).Decide(t.Context(), subject(jane.lead("l9", 5), leadloop.TriggerSubmission)); !errors.Is(err, leadloop.ErrUnavailable) {
			t.Errorf("got %v, want ErrUnavailable", err)
		}
	})
}

func TestTheMatchStageLooksAtTheLeadThatWasMergedInto(t *testing.T) {
	st := open(t)
	write(t, st, func(tx store.Tx) error {
		a := leadloop.Account{ID: "acme", Domains: []string{"acme.com"}}
		a.Identifiers = dedupe.AccountIdentifiers(a)
		return tx.CRM().PutAccount(t.Context(), a)
	})
	stage := dedupe.NewMatchStage(st, dedupe.Options{})
	l := withIdentifiers(jane.lead("l1", 0))
	if got := decide(t, stage, subject(l, leadloop.TriggerSubmission)); got.State != nil || got.Trace != nil {
		t.Errorf("a lead that nothing was merged into is left to dedupe, got %+v", got)
	}
	l.Records, l.Revision = []leadloop.LeadID{"l0"}, 3
	got := decide(t, stage, subject(l, leadloop.TriggerSubmission))
	if got.State == nil || got.State.Account != "acme" || got.MergeInto != "" || got.Guard.Identifiers != nil {
		t.Errorf("got %+v", got)
	}
	if got := decide(t, stage, subject(l, leadloop.TriggerActivity)); got.State != nil {
		t.Errorf("an activity is no arrival, got %+v", got)
	}
}

// commit is the part of a loop that matters here: it applies a decision in one transaction if its guard still holds.
func commit(ctx context.Context, st store.Store, l *leadloop.Lead, e leadloop.Effects) error {
	return st.Update(ctx, func(tx store.Tx) error {
		now, err := tx.Leads().Match(ctx, e.Guard.Identifiers)
		if err != nil {
			return err
		}
		if !slices.Equal(now, e.Guard.Leads) {
			return leadloop.ErrConflict
		}
		l = l.Clone()
		l.Identifiers = e.Identifiers
		if e.MergeInto != "" {
			into, err := tx.Leads().Get(ctx, e.MergeInto)
			if err != nil {
				return err
			}
			merged, tombstone, err := dedupe.Merger{}.Merge(into, l)
			if err != nil {
				return err
			}
			if _, err := tx.Leads().Put(ctx, tombstone); err != nil {
				return err
			}
			l = merged
		}
		l.State.DecidedAt = day(10)
		_, err = tx.Leads().Put(ctx, l)
		return err
	})
}

func TestConcurrentSubmissionsOfOnePersonBecomeOneLead(t *testing.T) {
	st := open(t)
	stage := dedupe.NewStage(st, dedupe.Options{})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			l := jane.lead(leadloop.LeadID(fmt.Sprintf("l%d", i)), i)
			for {
				_, e, err := stage.Decide(context.Background(), subject(l, leadloop.TriggerSubmission))
				if err == nil {
					err = commit(context.Background(), st, l, e)
				}
				if err == nil {
					return
				}
				if !errors.Is(err, leadloop.ErrConflict) {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	err := st.View(t.Context(), func(tx store.Tx) error {
		all, err := tx.Leads().List(t.Context(), "", 100)
		if err != nil {
			return err
		}
		found, err := tx.Leads().Match(t.Context(), dedupe.LeadIdentifiers(jane.lead("x", 0), nil))
		if err != nil {
			return err
		}
		if len(all) != 8 || len(found) != 1 {
			return fmt.Errorf("%d records, %d leads: want 8 and 1", len(all), len(found))
		}
		l, err := tx.Leads().Get(t.Context(), found[0])
		if err != nil {
			return err
		}
		if len(l.Records) != 7 || !l.ReceivedAt.Equal(day(0)) {
			return fmt.Errorf("records %v, received %v", l.Records, l.ReceivedAt)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
