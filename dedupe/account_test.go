package dedupe_test

import (
	"fmt"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe"
)

func TestChooseAccountByPrecedence(t *testing.T) {
	acme := leadloop.Account{ID: "acme", Name: "Acme Inc", Domains: []string{"acme.com", "acme.net"}, Country: "US"}
	german := leadloop.Account{ID: "acme-de", Name: "Acme Deutschland GmbH", Domains: []string{"de.acme.com"}, Country: "DE", Parent: "acme"}
	labs := leadloop.Account{ID: "acme-labs", Name: "Acme Labs", Domains: []string{"acme.com"}, Country: "US", Parent: "acme"}
	brand := leadloop.Account{ID: "zen", Name: "Zen", Domains: []string{"zen.io"}, Parent: "acme"}
	other := leadloop.Account{ID: "other", Name: "Umbrella", Domains: []string{"umbrella.com"}}
	north := leadloop.Account{ID: "delta-us", Name: "Delta", Country: "US"}
	south := leadloop.Account{ID: "delta-au", Name: "Delta Pty", Country: "AU"}
	family := []leadloop.Account{acme, german, labs, brand}
	for _, tc := range []struct {
		name      string
		lead      who
		accounts  []leadloop.Account
		current   leadloop.AccountID
		want      leadloop.AccountID
		ambiguous []leadloop.AccountID
	}{
		{"a second domain", who{email: "x@acme.net"}, family, "", "acme", nil},
		{"a sub-domain of one of them", who{email: "x@de.acme.com"}, family, "", "acme-de", nil},
		{"a sub-domain of a sub-domain", who{email: "x@mail.de.acme.com"}, family, "", "acme-de", nil},
		{"a sub-domain of nobody", who{email: "x@fr.acme.com"}, family, "", "acme", nil},
		{"the parent of those at one domain", who{email: "x@acme.com"}, family, "", "acme", nil},
		{"the subsidiary that is named, from the parent's domain", who{email: "x@acme.com", company: "Acme Labs"}, family, "", "acme-labs", nil},
		{"the subsidiary that is named, with a sub-domain of its own", who{email: "x@acme.com", company: "ACME Deutschland"}, family, "", "acme-de", nil},
		{"the brand that is named, from the parent's domain", who{email: "x@acme.com", company: "Zen"}, family, "", "zen", nil},
		{"the brand's domain although the parent is named", who{email: "x@zen.io", company: "Acme"}, family, "", "zen", nil},
		{"what it is linked to stays", who{email: "x@acme.com"}, family, "acme-labs", "acme-labs", nil},
		{"what it is linked to and no longer matches goes", who{email: "x@acme.com"}, family, "other", "acme", nil},
		{"domain and name of two companies", who{email: "x@acme.com", company: "Umbrella"}, []leadloop.Account{acme, other}, "", "", []leadloop.AccountID{"acme", "other"}},
		{"the name in the lead's country", who{company: "Delta", country: "AU"}, []leadloop.Account{north, south}, "", "delta-au", nil},
		{"one name in two countries", who{company: "Delta"}, []leadloop.Account{north, south}, "", "", []leadloop.AccountID{"delta-au", "delta-us"}},
		{"two subsidiaries without their parent", who{email: "x@acme.com"},
			[]leadloop.Account{labs, {ID: "acme-ai", Name: "Acme AI", Domains: []string{"acme.com"}, Country: "US", Parent: "acme"}}, "", "", []leadloop.AccountID{"acme-ai", "acme-labs"}},
		{"the same name before a misspelt one", who{company: "Globex", country: "US"},
			[]leadloop.Account{{ID: "1", Name: "Globexx", Country: "US"}, {ID: "2", Name: "Globex", Country: "US"}}, "", "2", nil},
		{"nothing in common", who{email: "x@gmail.com", company: "Initech"}, family, "", "", nil},
		{"no accounts", who{email: "x@acme.com"}, nil, "", "", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for range 3 { // whatever the order
				got := dedupe.ChooseAccount(tc.lead.person(), tc.accounts, tc.current, 0)
				if got.Account != tc.want {
					t.Errorf("chose %q, want %q: %+v", got.Account, tc.want, got.Matches)
				}
				if diff := cmp.Diff(tc.ambiguous, got.Ambiguous); diff != "" {
					t.Errorf("ambiguous (-want +got):\n%s", diff)
				}
				if m, ok := got.Chosen(); ok != (tc.want != "") || ok && (m.Account != tc.want || m.Reason == "") {
					t.Errorf("Chosen is %+v, %v", m, ok)
				}
				if n := len(tc.accounts); n > 1 {
					tc.accounts = append(slices.Clone(tc.accounts[1:]), tc.accounts[0])
				}
			}
		})
	}
}

func TestChooseAccountDoesNotDependOnTheOrder(t *testing.T) {
	account := rapid.Custom(func(t *rapid.T) leadloop.Account {
		return leadloop.Account{
			Name:    rapid.SampledFrom([]string{"Acme", "Acme Labs", "Acmee", "Globex", ""}).Draw(t, "name"),
			Domains: rapid.SliceOfN(rapid.SampledFrom([]string{"acme.com", "de.acme.com", "acme.de", "globex.com"}), 0, 2).Draw(t, "domains"),
			Country: rapid.SampledFrom([]string{"", "US", "DE"}).Draw(t, "country"),
			Parent:  leadloop.AccountID(rapid.SampledFrom([]string{"", "a0", "a1"}).Draw(t, "parent")),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		accounts := rapid.SliceOfN(account, 0, 5).Draw(t, "accounts")
		for i := range accounts {
			accounts[i].ID = leadloop.AccountID(fmt.Sprintf("a%d", i))
		}
		lead := who{
			email:   rapid.SampledFrom([]string{"", "x@acme.com", "x@de.acme.com", "x@globex.com", "x@gmail.com"}).Draw(t, "email"),
			company: rapid.SampledFrom([]string{"", "Acme", "Acme Labs", "Globex"}).Draw(t, "company"), country: rapid.SampledFrom([]string{"", "US", "DE"}).Draw(t, "of"),
		}.person()
		want := dedupe.ChooseAccount(lead, accounts, "", 0)
		got := dedupe.ChooseAccount(lead, rapid.Permutation(accounts).Draw(t, "order"), "", 0)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		if want.Account != "" && want.Ambiguous != nil {
			t.Fatal("an account was chosen and asked about")
		}
	})
}

func FuzzAccounts(f *testing.F) {
	for _, s := range [][3]string{
		{"Acme, Inc.", "acme.com", "Acme Labs"}, {"Яндекс Маркет ООО", "яндекс.рф", "Yandex"}, {"株式会社日立製作所", "hitachi.co.jp", "日立"},
		{"", "", ""}, {"& and of", "https://de.acme.com/acme.com", "the"}, {"Ünï & Cö", "xn--bcher-kva.de", "u n i c o"},
	} {
		f.Add(s[0], s[1], s[2])
	}
	f.Fuzz(func(t *testing.T, name, domain, other string) {
		account := leadloop.Account{ID: "a", Name: name, Domains: []string{domain}}
		ids := dedupe.AccountIdentifiers(account)
		for i, id := range ids {
			if utf8.ValidString(name+domain) && !utf8.ValidString(id.Value) || id.Value == "" {
				t.Errorf("identifier %q of kind %s", id.Value, id.Kind)
			}
			if i > 0 && ids[i-1].Compare(id) >= 0 {
				t.Error("identifiers are not sorted, each once")
			}
		}
		m := dedupe.CompareAccount(who{company: other, domain: domain}.person(), account)
		if m.Confidence < 0 || m.Confidence > 1 || m.Reason == "" {
			t.Errorf("got %+v", m)
		}
		same := dedupe.CompareAccount(who{company: name}.person(), account)
		back := dedupe.CompareAccount(who{company: other}.person(), leadloop.Account{ID: "a", Name: name})
		forth := dedupe.CompareAccount(who{company: name}.person(), leadloop.Account{ID: "a", Name: other})
		if back != forth {
			t.Errorf("names compare as %+v and %+v", back, forth)
		}
		if slices.ContainsFunc(ids, func(i leadloop.Identifier) bool { return i.Kind == dedupe.IdentifierCompany }) && same.Rule != dedupe.RuleCompany {
			t.Errorf("a company is not its own account: %+v", same)
		}
	})
}

func ExampleChooseAccount() {
	accounts := []leadloop.Account{
		{ID: "acme", Name: "Acme, Inc.", Domains: []string{"acme.com"}, Country: "US"},
		{ID: "acme-de", Name: "Acme Deutschland GmbH", Domains: []string{"de.acme.com"}, Country: "DE", Parent: "acme"},
	}
	p := leadloop.StandardSchema().NewProfile()
	leadloop.Email.Set(p, "jana@acme.com")
	leadloop.CompanyName.Set(p, "Acme Deutschland")
	choice := dedupe.ChooseAccount(dedupe.PersonOf(p), accounts, "", 0)
	m, _ := choice.Chosen()
	fmt.Println(choice.Account, "-", m.Reason)
	// Output: acme-de - same company name, and the domain of its parent
}
