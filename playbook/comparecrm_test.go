package playbook_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

const compareSLA = `
policies: [{id: soon, tier: B, target: 4h, escalate: [{notify: "queue:inbox"}]}]
`

// What a response time or a price changes moves something, although every lead
// keeps its place; what an entry is called does not.
func TestWhatMovesIsMoreThanPlaces(t *testing.T) {
	enrich := "currency: USD\nproviders: [{name: firms, type: file, path: p.csv, key: company.domain, fields: [company.employees], price: 0.05, charge: match}]\n"
	base := map[string]string{"sla.yaml": compareSLA, "enrich.yaml": enrich, "p.csv": "company.domain,company.employees\nc0.test,900\n"}
	for name, tc := range map[string]struct {
		file, old, new string
		moves          bool
		due            int
	}{
		"a shorter response time":           {"sla.yaml", "4h", "1h", true, 200},
		"another name of the response time": {"sla.yaml", "id: soon", "id: later", false, 0},
		"a dearer provider":                 {"enrich.yaml", "0.05", "0.50", true, 0},
		"an entry with another name":        {"routing.yaml", "id: warm", "id: tepid", false, 0},
		"points that change no tier":        {"scoring.yaml", "points: 40", "points: 41.0", true, 0},
		"a comment":                         {"scoring.yaml", "# comments make", "# they make", false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			text := map[string]string{"scoring.yaml": compareScoring, "routing.yaml": compareRouting, "sla.yaml": compareSLA, "enrich.yaml": enrich}[tc.file]
			changed := map[string]string{"sla.yaml": compareSLA, "enrich.yaml": enrich, "p.csv": base["p.csv"], tc.file: strings.Replace(text, tc.old, tc.new, 1)}
			leads := func(yield func(playbook.CompareLead, error) bool) {
				for l, err := range population(1000) {
					if l.Lead.Claims[0].Value.Int() == 0 { // its size is looked up
						l.Lead.Claims[0] = leadloop.Domain.Claim("c0.test", l.Lead.Claims[0].Evidence)
					}
					if !yield(l, err) {
						return
					}
				}
			}
			c := compareAt(t, compared(t, base), compared(t, changed), leads, playbook.CompareOptions{AsOf: noon.Add(1000 * time.Hour)})
			if c.Moves() != tc.moves || c.DueChanged != tc.due || c.TierChanged+c.RouteChanged+c.OwnerChanged != 0 {
				t.Errorf("moves %v, due %d: %+v", c.Moves(), c.DueChanged, c.Enrichment)
			}
		})
	}
}

// Leads are matched and held back by what a CRM says, as the loop does it, and a
// changed privacy.yaml says whom it holds back.
func TestTheCRMSaysWhoIsRouted(t *testing.T) {
	routingText := strings.Replace(compareRouting, "chain:\n", "chain:\n  - {id: account, when: has_account, target: {owner_of: account}}\n", 1)
	before := compared(t, map[string]string{"routing.yaml": routingText})
	after := compared(t, map[string]string{"routing.yaml": routingText, "privacy.yaml": "consent_required_in: [DE]\n"})
	tokens, err := privacy.NewTokens("k", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	st := memstore.New()
	for _, a := range []leadloop.Account{{ID: "a1", Name: "Owned Ltd", Domains: []string{"owned.test"}, Owner: "cem"}, {ID: "a2", Name: "Customer Ltd", Domains: []string{"customer.test"}, Owner: "ben", Customer: true}} {
		a.Identifiers = dedupe.AccountIdentifiers(a)
		if err := st.Update(t.Context(), func(tx store.Tx) error { return tx.CRM().PutAccount(t.Context(), a) }); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := privacy.Import(t.Context(), st, tokens, strings.NewReader("kind,value,reason\nemail,no@quiet.test,opted_out\n"), noon); err != nil {
		t.Fatal(err)
	}
	e := leadloop.Evidence{Origin: leadloop.OriginPerson, ObservedAt: noon}
	leads := func(yield func(playbook.CompareLead, error) bool) {
		for i, mail := range []string{"no@quiet.test", "jo@owned.test", "jo@customer.test", "jo@elsewhere.test"} {
			id := leadloop.LeadID(mail)
			l := &leadloop.Lead{ID: id, ReceivedAt: noon.Add(time.Duration(i) * time.Minute), Claims: []leadloop.Claim{
				leadloop.Email.Claim(mail, e), leadloop.Domain.Claim(mail[strings.Index(mail, "@")+1:], e), leadloop.Country.Claim("DE", e),
			}}
			if !yield(playbook.CompareLead{Lead: l}, nil) || len(l.Records) > 0 || l.State.Account != "" {
				t.Error("it changed a lead of the caller")
				return
			}
		}
	}
	c := compareAt(t, before, after, leads, playbook.CompareOptions{AsOf: noon.Add(time.Hour), CRM: st, Tokens: tokens})
	want := []playbook.PlaceShift{
		{Kind: "alerted", Before: 1}, {Kind: "assigned", Place: "cem", Before: 1}, {Kind: "queued", Place: "inbox", Before: 1}, {Kind: "suppressed", Before: 1, After: 4},
	}
	if diff := cmp.Diff(want, c.Places); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
	if _, err := playbook.Compare(context.Background(), before, after, leads, playbook.CompareOptions{AsOf: noon, CRM: st}); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("without tokens: %v", err)
	}
}

func TestAReasonOfDisqualificationMayBeCalledLikeAPlace(t *testing.T) {
	for _, code := range []string{"suppressed", "told", "student"} {
		pb := compared(t, map[string]string{"scoring.yaml": strings.Replace(compareScoring, "disqualify: student", "disqualify: "+code, 1)})
		c := compareAt(t, pb, pb, population(10), playbook.CompareOptions{AsOf: noon.Add(time.Hour)})
		want := playbook.PlaceShift{Kind: "disqualified", Place: code, Before: 1, After: 1}
		if !slices.Contains(c.Places, want) {
			t.Errorf("%s: %v is not among %v", code, want, c.Places)
		}
	}
}
