package dedupe_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe"
)

// who is a person as a form gives it.
type who struct{ email, phone, mobile, first, last, linkedIn, company, domain, country string }

func (w who) profile() *leadloop.Profile {
	p := leadloop.StandardSchema().NewProfile()
	for f, v := range map[leadloop.Field[string]]string{
		leadloop.Email: w.email, leadloop.Phone: w.phone, leadloop.Mobile: w.mobile, leadloop.FirstName: w.first, leadloop.LastName: w.last,
		leadloop.LinkedInURL: w.linkedIn, leadloop.CompanyName: w.company, leadloop.Domain: w.domain, leadloop.Country: w.country,
	} {
		if v != "" {
			f.Set(p, v)
		}
	}
	return p
}

func (w who) person() dedupe.Person { return dedupe.PersonOf(w.profile()) }

func TestLadder(t *testing.T) {
	type verdict struct {
		Rule       string
		Confidence float64
	}
	jane := who{email: "jane.doe@acme.com", first: "Jane", last: "Doe", company: "Acme Inc.", country: "US"}
	for _, tc := range []struct {
		name string
		a, b who
		want verdict
	}{
		{"the same e-mail in another spelling is one person", who{email: "Jane.Doe@ACME.com "}, who{email: "jane.doe@acme.com"}, verdict{dedupe.RuleEmail, 1}},
		{"the same free-mail address is one person", who{email: "jd77@gmail.com"}, who{email: "jd77@gmail.com"}, verdict{dedupe.RuleEmail, 1}},
		{"the same e-mail with other LinkedIn pages is asked about",
			who{email: "jd@acme.com", linkedIn: "linkedin.com/in/jane-doe"}, who{email: "jd@acme.com", linkedIn: "linkedin.com/in/john-doe"}, verdict{dedupe.RuleEmail, 0.9}},
		{"the same LinkedIn page is one person whatever the employer",
			who{email: "jane@acme.com", linkedIn: "https://www.linkedin.com/in/jane-doe/"}, who{email: "jane@globex.com", linkedIn: "linkedin.com/in/Jane-Doe"}, verdict{dedupe.RuleLinkedIn, 1}},
		{"the same LinkedIn page under two names and mailboxes of one company is asked about",
			who{email: "jane@acme.com", first: "Jane", last: "Doe", linkedIn: "linkedin.com/in/jane-doe"},
			who{email: "max@acme.com", first: "Max", last: "Roe", linkedIn: "linkedin.com/in/jane-doe"}, verdict{dedupe.RuleLinkedIn, 0.8}},
		{"a company's LinkedIn page tells nobody apart", who{linkedIn: "linkedin.com/company/acme"}, who{linkedIn: "linkedin.com/company/acme"}, verdict{dedupe.RuleNone, 0}},
		{"the same phone and last name is one person",
			who{phone: "+1 415 765 2671", first: "Jane", last: "Doe"}, who{mobile: "(415) 765-2671", country: "US", first: "Jane", last: "Doe"}, verdict{dedupe.RulePhone, 1}},
		{"the same phone and a nickname is one person",
			who{phone: "+14157652671", first: "William", last: "Doe"}, who{phone: "+14157652671", first: "Bill", last: "Doe"}, verdict{dedupe.RulePhone, 1}},
		{"the same phone and last name without a first name is one person",
			who{phone: "+14157652671", last: "Doe"}, who{phone: "+14157652671", first: "Bill", last: "Doe"}, verdict{dedupe.RulePhone, 1}},
		{"the same phone and another name is asked about",
			who{phone: "+14157652671", first: "Jane", last: "Doe"}, who{phone: "+14157652671", first: "Max", last: "Roe"}, verdict{dedupe.RulePhone, 0.8}},
		{"the same phone in one family is asked about",
			who{phone: "+14157652671", first: "Jane", last: "Doe"}, who{phone: "+14157652671", first: "Max", last: "Doe"}, verdict{dedupe.RulePhone, 0.8}},
		{"the same phone without a name is asked about", who{phone: "+14157652671"}, who{phone: "+14157652671", last: "Doe"}, verdict{dedupe.RulePhone, 0.8}},
		{"two initials-alike mailboxes behind one number are asked about",
			who{email: "j.doe@acme.com", phone: "+14157652671", first: "J.", last: "Doe"}, who{email: "jd@acme.com", phone: "+14157652671", first: "Jane", last: "Doe"}, verdict{dedupe.RulePhone, 0.85}},
		{"a switchboard does not link colleagues",
			who{phone: "+14157652671", first: "Jane", last: "Doe", company: "Acme Inc"}, who{phone: "+14157652671", first: "Max", last: "Roe", company: "ACME"}, verdict{dedupe.RuleColleague, 0}},
		{"a switchboard does not link nameless mailboxes of one company",
			who{email: "jane@acme.com", phone: "+14157652671"}, who{email: "max@acme.com", phone: "+14157652671"}, verdict{dedupe.RuleColleague, 0}},
		{"a placeholder phone never links",
			who{phone: "0000000000", country: "US", last: "Doe"}, who{phone: "0000000000", country: "US", last: "Doe"}, verdict{dedupe.RuleNone, 0}},
		{"a number with an extension is a switchboard's",
			who{phone: "+1 415 765 2671 ext. 12", last: "Doe"}, who{phone: "+1 415 765 2671", last: "Doe"}, verdict{dedupe.RuleNone, 0}},
		{"a number of no country is a service's", who{phone: "+800 2231 5679", last: "Doe"}, who{phone: "+800 2231 5679", last: "Doe"}, verdict{dedupe.RuleNone, 0}},
		{"first names alone tell nobody apart", who{phone: "+14157652671", first: "Jane"}, who{phone: "+14157652671", first: "Jane", last: "Doe"}, verdict{dedupe.RulePhone, 0.8}},
		{"different first names tell people apart", who{phone: "+14157652671", first: "Jane", company: "Acme"}, who{phone: "+14157652671", first: "Max", last: "Doe", company: "Acme"},
			verdict{dedupe.RuleColleague, 0}},
		{"info@ never links", who{email: "info@acme.com"}, who{email: "info@acme.com"}, verdict{dedupe.RuleNone, 0}},
		{"null never links",
			who{email: "null", phone: "null", company: "null", linkedIn: "null"}, who{email: "null", phone: "null", company: "null", linkedIn: "null"}, verdict{dedupe.RuleNone, 0}},
		{"a free-mail domain never links", who{email: "jane@gmail.com", first: "Jane", last: "Doe"}, who{email: "jd@gmail.com", first: "Jane", last: "Doe"}, verdict{dedupe.RuleNone, 0}},
		{"a free-mail domain given as the company's never links",
			who{domain: "gmail.com", first: "Jane", last: "Doe"}, who{domain: "gmail.com", first: "Jane", last: "Doe"}, verdict{dedupe.RuleNone, 0}},
		{"namesakes at two companies are two people", jane, who{email: "jane@globex.com", first: "Jane", last: "Doe", company: "Globex", country: "US"}, verdict{dedupe.RuleNone, 0}},
		{"colleagues are two people", jane, who{email: "max.roe@acme.com", first: "Max", last: "Roe", company: "Acme Inc.", country: "US"}, verdict{dedupe.RuleColleague, 0}},
		{"colleagues of one last name are two people", jane, who{email: "max.doe@acme.com", first: "Max", last: "Doe", company: "Acme Inc.", country: "US"}, verdict{dedupe.RuleColleague, 0}},
		{"colleagues known by mailbox alone are two people", who{email: "jane@acme.com"}, who{email: "max@acme.com"}, verdict{dedupe.RuleNone, 0}},
		{"different LinkedIn pages block what names suggest",
			who{first: "Jane", last: "Doe", domain: "acme.com", linkedIn: "linkedin.com/in/jane-doe"}, who{first: "Jane", last: "Doe", domain: "acme.com", linkedIn: "linkedin.com/in/jane-doe-2"},
			verdict{dedupe.RuleDifferentLinkedIn, 0}},
		{"a sub-address with the same name is one person",
			who{email: "jane+demo@acme.com", first: "Jane", last: "Doe"}, who{email: "jane@acme.com", first: "Jane", last: "Doe"}, verdict{dedupe.RuleEmailBase, 0.97}},
		{"a sub-address without a name is asked about", who{email: "jane+demo@acme.com"}, who{email: "jane@acme.com"}, verdict{dedupe.RuleEmailBase, 0.85}},
		{"a mailbox with a sub-address per person is asked about",
			who{email: "crew+jane@acme.com", first: "Jane", last: "Doe"}, who{email: "crew+max@acme.com", first: "Max", last: "Roe"}, verdict{dedupe.RuleEmailBase, 0.85}},
		{"the same name at the same corporate domain is one person when one has no address", jane, who{first: "JANE", last: "doe", domain: "https://www.acme.com/about"}, verdict{dedupe.RuleDomainPerson, 0.95}},
		{"the same name at the same corporate domain with two mailboxes is asked about",
			jane, who{email: "jdoe@acme.com", first: "Jane", last: "Doe"}, verdict{dedupe.RuleDomainPerson, 0.9}},
		{"a private and a work address of one name at one company are one person",
			jane, who{email: "jd77@gmail.com", first: "Jane", last: "Doe", domain: "acme.com"}, verdict{dedupe.RuleDomainPerson, 0.95}},
		{"two private addresses of one name at one company are asked about",
			who{email: "jane@gmail.com", first: "Jane", last: "Doe", domain: "acme.com"}, who{email: "jd77@yahoo.com", first: "Jane", last: "Doe", domain: "acme.com"}, verdict{dedupe.RuleDomainPerson, 0.9}},
		{"a transposed name at one company is asked about", jane, who{first: "Doe", last: "Jane", domain: "acme.com"}, verdict{dedupe.RuleDomainPerson, 0.85}},
		{"the same name, company and country is one person", jane, who{email: "jd77@gmail.com", first: "Jane", last: "Doe", company: "ACME, Inc", country: "US"}, verdict{dedupe.RuleCompanyPerson, 0.95}},
		{"the same name and company without a country is asked about",
			who{first: "Jane", last: "Doe", company: "Acme"}, who{first: "Jane", last: "Doe", company: "Acme"}, verdict{dedupe.RuleCompanyPerson, 0.85}},
		{"the same name and company in two countries is asked about",
			jane, who{first: "Jane", last: "Doe", company: "Acme Inc", country: "DE"}, verdict{dedupe.RuleCompanyPerson, 0.8}},
		{"the same name and company with two corporate domains is asked about",
			jane, who{email: "jane.doe@acme.de", first: "Jane", last: "Doe", company: "Acme GmbH", country: "US"}, verdict{dedupe.RuleCompanyPerson, 0.85}},
		{"nothing known links nobody", who{}, who{}, verdict{dedupe.RuleNone, 0}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, back := dedupe.Compare(tc.a.person(), tc.b.person()), dedupe.Compare(tc.b.person(), tc.a.person())
			if diff := cmp.Diff(tc.want, verdict{m.Rule, m.Confidence}); diff != "" {
				t.Errorf("Compare (-want +got):\n%s%s", diff, m.Reason)
			}
			if m != back {
				t.Errorf("Compare is not symmetric: %+v and %+v", m, back)
			}
			if m.Reason == "" {
				t.Error("no reason given")
			}
		})
	}
}

func TestAccountLadder(t *testing.T) {
	acme := leadloop.Account{ID: "acme", Name: "Acme, Inc.", Domains: []string{"acme.com", "acme-labs.io"}, Country: "US"}
	globex := leadloop.Account{ID: "globex", Name: "Globex", Country: "US"}
	bare := leadloop.Account{ID: "acme", Name: "Acme, Inc.", Country: "US"}
	for _, tc := range []struct {
		name    string
		lead    who
		account leadloop.Account
		rule    string
		want    float64
	}{
		{"the corporate domain of the address is the account's", who{email: "jane@mail.acme.com"}, acme, dedupe.RuleDomain, 1},
		{"any of the account's domains will do", who{domain: "www.acme-labs.io"}, acme, dedupe.RuleDomain, 1},
		{"a role address has a corporate domain all the same", who{email: "info@acme.com"}, acme, dedupe.RuleDomain, 1},
		{"a free-mail domain is no account's", who{email: "jane@gmail.com"}, leadloop.Account{ID: "g", Name: "Google", Domains: []string{"gmail.com"}}, dedupe.RuleNone, 0},
		{"the same name with the same name in the domain", who{company: "ACME GmbH", domain: "acme.de"}, acme, dedupe.RuleCompany, 0.97},
		{"the same name and country", who{company: "acme", country: "US"}, bare, dedupe.RuleCompany, 0.97},
		{"the same name and the country of the phone", who{company: "acme", phone: "+14157652671"}, bare, dedupe.RuleCompany, 0.97},
		{"the same name alone is enough", who{company: "acme"}, bare, dedupe.RuleCompany, 0.95},
		{"the same name in another country is possible only", who{company: "acme", country: "DE"}, bare, dedupe.RuleCompany, 0.8},
		{"the same name at a foreign domain needs the country", who{company: "acme", domain: "acmewidgets.com", country: "US"}, acme, dedupe.RuleCompany, 0.95},
		{"the same name at a foreign domain is possible only", who{company: "acme", domain: "acmewidgets.com"}, acme, dedupe.RuleCompany, 0.8},
		{"a misspelt name and the country", who{company: "Globbex", country: "US"}, globex, dedupe.RuleCompanyLike, 0.95},
		{"a misspelt name alone is possible only", who{company: "Globbex"}, globex, dedupe.RuleCompanyLike, 0.85},
		{"an abbreviated name and the country", who{company: "Globex Intl. Sol.", country: "US"},
			leadloop.Account{ID: "g", Name: "Globex International Solutions Group", Country: "US"}, dedupe.RuleCompanyLike, 0.95},
		{"a name without its umlauts and the country", who{company: "Muehlbach Anlagenbau", country: "DE"},
			leadloop.Account{ID: "m", Name: "Mühlbach Anlagenbau GmbH", Country: "DE"}, dedupe.RuleCompanyLike, 0.95},
		{"a number is no misspelling", who{company: "Studio 54", country: "US"}, leadloop.Account{ID: "s", Name: "Studio 55", Country: "US"}, dedupe.RuleNone, 0},
		{"another last word is another company", who{company: "Globex Foods", country: "US"}, leadloop.Account{ID: "g", Name: "Globex Steel", Country: "US"}, dedupe.RuleNone, 0},
		{"the beginning of a name and the name in the domain", who{company: "Chevron", domain: "chevron.com"},
			leadloop.Account{ID: "c", Name: "ChevronTexaco", Domains: []string{"chevron.net"}}, dedupe.RuleCompanyLike, 0.95},
		{"the beginning of a name and the country is possible only", who{company: "Chevron", country: "US"},
			leadloop.Account{ID: "c", Name: "Chevron Texaco", Country: "US"}, dedupe.RuleCompanyLike, 0.85},
		{"initials and the name in the domain", who{company: "ELT", domain: "elt.de"},
			leadloop.Account{ID: "e", Name: "Express Logistics Transport", Domains: []string{"elt.com"}}, dedupe.RuleCompanyLike, 0.95},
		{"initials alone are not even possible", who{company: "ELT"}, leadloop.Account{ID: "e", Name: "Express Logistics Transport"}, dedupe.RuleCompanyLike, 0.7},
		{"a placeholder is no company name", who{company: "n/a", country: "US"}, leadloop.Account{ID: "x", Name: "N/A", Country: "US"}, dedupe.RuleNone, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := dedupe.CompareAccount(tc.lead.person(), tc.account)
			if m.Rule != tc.rule || m.Confidence != tc.want || m.Reason == "" || m.Account != tc.account.ID {
				t.Errorf("got %+v, want %s %v", m, tc.rule, tc.want)
			}
		})
	}
}

func TestIdentifiers(t *testing.T) {
	type ids = []leadloop.Identifier
	for _, tc := range []struct {
		name string
		lead who
		want ids
	}{
		{"a full lead has one of each", who{email: "Jane.Doe+demo@mail.acme.com", phone: "(415) 765-2671", mobile: "+49 1512 3456789", first: "Jane", last: "Doe",
			linkedIn: "linkedin.com/in/jane-doe", company: "Acme, Inc.", domain: "acme.com", country: "US"},
			ids{{Kind: "company_person", Value: "acme|doe jane"}, {Kind: "domain", Value: "acme.com"}, {Kind: "domain_person", Value: "acme.com|doe jane"},
				{Kind: "email", Value: "jane.doe+demo@mail.acme.com"}, {Kind: "email_base", Value: "jane.doe@mail.acme.com"},
				{Kind: "linkedin", Value: "https://www.linkedin.com/in/jane-doe"}, {Kind: "phone", Value: "+14157652671"}, {Kind: "phone", Value: "+4915123456789"}}},
		{"a role address gives the company only", who{email: "info@acme.com"}, ids{{Kind: "domain", Value: "acme.com"}}},
		{"a free-mail address gives no domain", who{email: "jane.doe@gmail.com"},
			ids{{Kind: "email", Value: "jane.doe@gmail.com"}, {Kind: "email_base", Value: "jane.doe@gmail.com"}}},
		{"placeholders give none", who{email: "test@test.com", phone: "0000000000", company: "n/a", linkedIn: "none", country: "US"}, nil},
		{"half a name gives none", who{first: "Jane", company: "Acme"}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, dedupe.Identifiers(tc.lead.profile())); diff != "" {
				t.Errorf("Identifiers (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("an account has all its domains and its name", func(t *testing.T) {
		got := dedupe.AccountIdentifiers(leadloop.Account{Name: "Acme, Inc.", Domains: []string{"www.acme.com", "acme-labs.io", "gmail.com"}})
		want := ids{{Kind: "company", Value: "acme"}, {Kind: "company_like", Value: "b:acme"}, {Kind: "company_like", Value: "i:acme"}, {Kind: "domain", Value: "acme-labs.io"}, {Kind: "domain", Value: "acme.com"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		lead := dedupe.CompanyIdentifiers(who{company: "ACME", email: "jane@acme.com"}.profile())
		if diff := cmp.Diff(ids{{Kind: "company", Value: "acme"}, {Kind: "company_like", Value: "b:acme"}, {Kind: "company_like", Value: "i:acme"}, {Kind: "domain", Value: "acme.com"}}, lead); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("a contact is found like a lead", func(t *testing.T) {
		got := dedupe.ContactIdentifiers(leadloop.Contact{FirstName: "Jane", LastName: "Doe", Email: "jane@acme.com", Phone: "+14157652671"})
		if diff := cmp.Diff(dedupe.Identifiers(who{first: "Jane", last: "Doe", email: "jane@acme.com", phone: "+14157652671"}.profile()), got); diff != "" {
			t.Error(diff)
		}
	})
}
