package playbook_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/lifecycle"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/faulttest"
	"github.com/leadloop/leadloop/store/memstore"
)

// crm is all that the CRM has of what conversion makes.
type crm struct {
	Account       leadloop.Account
	Contact       leadloop.Contact
	Opportunities []leadloop.Opportunity
}

func (f *office) crm(id leadloop.LeadID) (c crm) {
	f.t.Helper()
	s := f.lead(id).State
	err := f.st.View(ctx, func(tx store.Tx) (err error) {
		if s.Account != "" {
			if c.Account, err = tx.CRM().Account(ctx, s.Account); err != nil {
				return err
			}
		}
		if s.Contact != "" {
			if c.Contact, err = tx.CRM().Contact(ctx, s.Contact); err != nil {
				return err
			}
		}
		c.Opportunities, err = tx.CRM().Opportunities(ctx, "")
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

// visitor is a hot lead that came from a source; the same address is the same
// person.
func visitor(key, source, campaign string, when time.Time) leadloop.Submission {
	e := leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: when}
	return leadloop.Submission{Key: key, Source: "form", ReceivedAt: when, Claims: []leadloop.Claim{
		leadloop.Email.Claim("lea@acme.com", e), leadloop.FirstName.Claim("Lea", e), leadloop.LastName.Claim("Moss", e), leadloop.Domain.Claim("acme.com", e),
		leadloop.CompanyName.Claim("Acme Inc.", e), leadloop.Employees.Claim(600, e), leadloop.Seniority.Claim("vp", e),
		leadloop.Source.Claim(source, e), leadloop.Medium.Claim("web", e), leadloop.Campaign.Claim(campaign, e), leadloop.Consent.Claim(leadloop.ConsentGranted, e),
	}}
}

// ready is an accepted lead with an answer, which can become a deal.
func (f *office) ready() leadloop.LeadID {
	f.t.Helper()
	id := process(f.t, f.loop, visitor("k1", "webinar", "spring", at)).ID
	owner := f.lead(id).State.Owner
	f.do(id, at.Add(time.Hour), f.desk.Accept(owner))
	process(f.t, f.loop, visitor("k2", "google", "brand", at.Add(24*time.Hour)))
	f.do(id, at.Add(26*time.Hour), f.desk.Answer(owner, map[string]leadloop.Value{"bant.budget": leadloop.ValueOf("20k")}))
	return id
}

var signed = at.Add(48 * time.Hour)

func TestALeadBecomesAContactAnAccountAndAnOpportunityInOneCommit(t *testing.T) {
	f := newOffice(t, nil)
	id := f.ready()
	owner := f.lead(id).State.Owner
	before := f.lead(id).Revision
	got := f.do(id, signed, f.desk.Convert(string(owner), lifecycle.Deal{Amount: 20_000_000_000}))
	if got.Revision != before+1 || got.State.Stage != "deal" {
		t.Errorf("%d commits, %+v", got.Revision-before, got.State)
	}
	s := got.State
	want := crm{
		Account: leadloop.Account{ID: s.Account, Name: "Acme Inc.", Domains: []string{"acme.com"}, Owner: owner},
		Contact: leadloop.Contact{
			ID: s.Contact, Account: s.Account, FirstName: "Lea", LastName: "Moss", Email: "lea@acme.com", Owner: owner, Lead: id, Source: "webinar", Consent: "granted",
		},
		Opportunities: []leadloop.Opportunity{{
			ID: s.Opportunity, Account: s.Account, Contact: s.Contact, Lead: id, Owner: owner, Status: leadloop.OpportunityOpen, Amount: 20_000_000_000,
			Source: "webinar", Medium: "web", Campaign: "spring", CreatedAt: signed,
			Touches: []leadloop.Touch{{At: at, Source: "webinar", Medium: "web", Campaign: "spring"}, {At: at.Add(24 * time.Hour), Source: "google", Medium: "web", Campaign: "brand"}},
		}},
	}
	want.Account.Identifiers, want.Contact.Identifiers = dedupe.AccountIdentifiers(want.Account), dedupe.ContactIdentifiers(want.Contact)
	if diff := cmp.Diff(want, f.crm(id)); diff != "" {
		t.Error(diff)
	}
	var converted leadloop.Event
	err := f.st.View(ctx, func(tx store.Tx) error {
		for e, err := range tx.Journal().ByLead(ctx, id) {
			if err != nil {
				return err
			}
			if e.Kind == leadloop.EventConverted {
				e.Seq = 0
				converted = e
			}
		}
		return nil
	})
	event := leadloop.Event{Kind: leadloop.EventConverted, Lead: id, At: signed, Actor: string(owner), To: string(s.Opportunity), Attrs: map[string]string{
		"account": string(s.Account), "contact": string(s.Contact), "amount": "20000000000", "source": "webinar", "medium": "web", "campaign": "spring",
		"owner": string(owner), "tier": "A",
	}}
	if diff := cmp.Diff(event, converted); diff != "" || err != nil {
		t.Error(diff, err)
	}

	// Once more, and by a plain run: nothing.
	revision := f.lead(id).Revision
	f.do(id, signed.Add(time.Hour), f.desk.Convert(string(owner), lifecycle.Deal{Amount: 1}))
	f.do(id, signed.Add(time.Hour), f.desk.Move("deal", "again", string(owner)))
	f.pass(signed.Add(2 * time.Hour))
	if diff := cmp.Diff(want, f.crm(id)); diff != "" || f.lead(id).Revision != revision {
		t.Error(diff, f.lead(id).Revision-revision)
	}
}

func TestAConversionIsRefusedAsAMoveIs(t *testing.T) {
	f := newOffice(t, nil)
	id := process(t, f.loop, visitor("k1", "webinar", "spring", at)).ID
	owner := f.lead(id).State.Owner
	got := f.refused(id, at.Add(time.Minute), f.desk.Convert(string(owner), lifecycle.Deal{}))
	if !strings.Contains(got, "from mql it can go to sal, nurture, disqualified") {
		t.Error(got)
	}
	f.do(id, at.Add(time.Hour), f.desk.Accept(owner))
	got = f.refused(id, at.Add(2*time.Hour), f.desk.Convert("ben2", lifecycle.Deal{}))
	if !strings.Contains(got, "only owner may do this") || !strings.Contains(got, `criterion "bant.budget" (enter of deal: Is there a budget, and how much?) is undecided, it needs lead.bant_budget`) {
		t.Error(got)
	}
	if diff := cmp.Diff(crm{}, f.crm(id)); diff != "" {
		t.Error("written all the same:", diff)
	}
	plain := f.pb.Lifecycle() // over no store
	if got := f.refused(id, at.Add(3*time.Hour), plain.Convert(string(owner), lifecycle.Deal{})); !strings.Contains(got, "no store to convert into") {
		t.Error(got)
	}
}

func TestWhatTheCRMKnowsIsTakenAndOnlyWhatItLacksIsFilledIn(t *testing.T) {
	f := newOffice(t, nil)
	account := leadloop.Account{ID: "A7", Name: "ACME", Domains: []string{"acme.com"}}
	account.Identifiers = dedupe.AccountIdentifiers(account)
	contact := leadloop.Contact{ID: "C7", Account: "A7", FirstName: "Léa", Email: "lea@acme.com", Source: "trade fair", OptedOut: false}
	contact.Identifiers = dedupe.ContactIdentifiers(contact)
	err := f.st.Update(ctx, func(tx store.Tx) error {
		if err := tx.CRM().PutAccount(ctx, account); err != nil {
			return err
		}
		return tx.CRM().PutContact(ctx, contact)
	})
	if err != nil {
		t.Fatal(err)
	}
	id := f.ready()
	f.do(id, signed, f.desk.Convert(string(f.lead(id).State.Owner), lifecycle.Deal{}))
	got := f.crm(id)
	if diff := cmp.Diff(account, got.Account); diff != "" {
		t.Error(diff)
	}
	contact.LastName, contact.Lead, contact.Consent = "Moss", id, "granted"
	contact.Identifiers = dedupe.ContactIdentifiers(contact)
	if diff := cmp.Diff(contact, got.Contact); diff != "" {
		t.Error("the first source stays, and the name that the CRM has:", diff)
	}
	if o := got.Opportunities; len(o) != 1 || o[0].Source != "webinar" || o[0].Account != "A7" || o[0].Contact != "C7" {
		t.Errorf("%+v", o)
	}
}

func TestAnOpportunityIsWonOrLostAndTheLeadFollows(t *testing.T) {
	win := func(f *office) leadloop.LeadID {
		id := f.ready()
		f.do(id, signed, f.desk.Convert(string(f.lead(id).State.Owner), lifecycle.Deal{Amount: 5_000_000}))
		return id
	}
	later := signed.AddDate(0, 1, 0)
	t.Run("won", func(t *testing.T) {
		f := newOffice(t, nil)
		id := win(f)
		for range 2 {
			f.do(id, later, f.desk.Close(leadloop.OpportunityWon, 6_000_000, "", "ana"))
		}
		got := f.crm(id)
		if o := got.Opportunities[0]; o.Status != leadloop.OpportunityWon || o.Amount != 6_000_000 || !o.ClosedAt.Equal(later) || !got.Account.Customer || f.lead(id).State.Stage != "won" {
			t.Errorf("%+v %+v", got, f.lead(id).State)
		}
		f.want("the journal", []string{"12-04 15:00 won >" + string(got.Opportunities[0].ID) + " by ana"}, f.journal(id, leadloop.EventWon, leadloop.EventLost))
		if got := f.refused(id, later, f.desk.Close(leadloop.OpportunityLost, 0, "price", "ana")); !strings.Contains(got, "is won already") {
			t.Error(got)
		}
	})
	t.Run("lost, and converted anew after a second pass", func(t *testing.T) {
		f := newOffice(t, nil)
		id := win(f)
		f.do(id, later, f.desk.Close(leadloop.OpportunityLost, 0, "price", "ana"))
		s := f.lead(id).State
		if s.Stage != "nurture" || s.Disposition != leadloop.OutcomeNurture || s.Reason != "lost" {
			t.Errorf("%+v", s)
		}
		f.want("the journal", []string{"12-04 15:00 lost >" + string(s.Opportunity) + " price by ana"}, f.journal(id, leadloop.EventWon, leadloop.EventLost))
		if _, err := f.loop.Recycle(ctx, id, later.AddDate(0, 1, 0)); err != nil {
			t.Fatal(err)
		}
		owner := f.lead(id).State.Owner
		f.do(id, later.AddDate(0, 1, 0).Add(time.Hour), f.desk.Accept(owner))
		f.do(id, later.AddDate(0, 1, 1), f.desk.Convert(string(owner), lifecycle.Deal{}))
		o := f.crm(id).Opportunities
		if len(o) != 2 || o[1].ID != o[0].ID+"_2" || o[0].Status != leadloop.OpportunityLost || o[1].Status != leadloop.OpportunityOpen || o[1].Source != "webinar" || o[1].Contact != o[0].Contact {
			t.Errorf("%+v", o)
		}
	})
	t.Run("closed in the CRM", func(t *testing.T) {
		f := newOffice(t, nil)
		id := win(f)
		f.pass(later.Add(-time.Hour))
		o := f.crm(id).Opportunities[0]
		o.Status, o.ClosedAt = leadloop.OpportunityWon, later.Add(-time.Hour)
		if err := f.st.Update(ctx, func(tx store.Tx) error { return tx.CRM().PutOpportunity(ctx, o) }); err != nil {
			t.Fatal(err)
		}
		f.do(id, later) // any run
		f.do(id, later.Add(time.Hour))
		if got := f.lead(id).State.Stage; got != "won" {
			t.Error(got)
		}
		f.want("the journal", []string{"12-04 14:00 won >" + string(o.ID) + " by rule:conversion"}, f.journal(id, leadloop.EventWon))
	})
	t.Run("what makes no sense", func(t *testing.T) {
		f := newOffice(t, nil)
		id := f.ready()
		for _, no := range []leadloop.Stage{
			f.desk.Close(leadloop.OpportunityWon, 0, "", "ana"), f.desk.Close(leadloop.OpportunityOpen, 0, "", "ana"), f.desk.Close(leadloop.OpportunityLost, 0, "", "ana"),
			f.desk.Close(leadloop.OpportunityWon, 0, "Because", "ana"), f.desk.Close(leadloop.OpportunityWon, 0, "", ""),
		} {
			f.refused(id, signed, no)
		}
	})
}

func TestAPlainMoveIntoTheStageConvertsToo(t *testing.T) {
	f := newOffice(t, nil)
	id := f.ready()
	owner := string(f.lead(id).State.Owner)
	f.do(id, signed, f.desk.Move("deal", "need_found", owner))
	if o := f.crm(id).Opportunities; len(o) != 1 || o[0].Lead != id || f.lead(id).State.Opportunity != o[0].ID {
		t.Errorf("%+v", o)
	}
}

func TestWhicheverStoreCallOfAConversionFailsItIsWholeOrNotAtAll(t *testing.T) {
	pb, problems := playbook.Load(files(map[string]string{"enrich.yaml": "", "sla.yaml": "", "lifecycle.yaml": lifecycleYAML, "cadences.yaml": cadencesYAML}))
	if problems.Err() != nil {
		t.Fatal(problems)
	}
	faulttest.Sweep(t, func(testing.TB) store.Store { return memstore.New() }, func(ctx context.Context, st store.Store) error {
		o := playbook.Options{Tokens: tokens(t)}
		loop, err := pb.Loop(ctx, st, o)
		if err != nil {
			return err
		}
		desk, err := pb.Desk(st, o)
		if err != nil {
			return err
		}
		res, err := loop.Process(ctx, visitor("k1", "webinar", "spring", at), at)
		if err != nil {
			return err
		}
		// What was done before an attempt broke off is not done again.
		for res.Lead.State.Stage != "won" {
			owner := res.Lead.State.Owner
			next := map[string][]leadloop.Stage{
				"mql":  {desk.Accept(owner)},
				"sal":  {desk.Answer(owner, map[string]leadloop.Value{"bant.need": leadloop.ValueOf("reports")})},
				"deal": {desk.Close(leadloop.OpportunityWon, 0, "", string(owner))},
			}[res.Lead.State.Stage]
			if f := leadloop.NewField[string]("lead.bant_need"); res.Lead.State.Stage == "sal" && slices.ContainsFunc(res.Lead.Claims, func(c leadloop.Claim) bool { return c.Field == f.Name() }) {
				next = []leadloop.Stage{desk.Convert(string(owner), lifecycle.Deal{Amount: 7})}
			}
			if res, err = loop.Do(ctx, res.Lead.ID, at.Add(time.Hour), next...); err != nil {
				return err
			}
		}
		var all []leadloop.Opportunity
		err = st.View(ctx, func(tx store.Tx) (err error) {
			all, err = tx.CRM().Opportunities(ctx, "")
			return err
		})
		if err == nil && len(all) != 1 {
			t.Errorf("%d opportunities", len(all))
		}
		return err
	})
}
