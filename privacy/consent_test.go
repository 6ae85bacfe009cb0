package privacy_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

func TestTheLedgerThenTheFieldThenTheRegionDecideWhatMayHappen(t *testing.T) {
	entry := func(state string, days int, change func(*privacy.Consent)) privacy.Consent {
		c := privacy.Consent{Kind: "email", Value: "Lea@prospect.de", Purpose: "email", State: state, Source: "form", At: at.AddDate(0, 0, days)}
		if change != nil {
			change(&c)
		}
		return c
	}
	basis := func(b string) func(*privacy.Consent) { return func(c *privacy.Consent) { c.Basis = b } }
	about := func(p string) func(*privacy.Consent) { return func(c *privacy.Consent) { c.Purpose = p } }
	german := privacy.ConsentRule{In: []string{"Germany", "AT"}, For: []string{"email", "enrichment"}}
	for name, tc := range map[string]struct {
		ledger  []privacy.Consent
		field   string
		country string
		rules   []privacy.ConsentRule
		purpose string
		want    string
	}{
		"nothing said, no rule":                                  {purpose: "email"},
		"nothing said where a yes is needed":                     {rules: []privacy.ConsentRule{german}, purpose: "email", want: "consent_missing"},
		"nothing said for another purpose":                       {rules: []privacy.ConsentRule{german}, purpose: "contact"},
		"nothing said in another country":                        {rules: []privacy.ConsentRule{german}, purpose: "email", country: "US"},
		"a rule without purposes is about all":                   {rules: []privacy.ConsentRule{{In: []string{"DE"}}}, purpose: "call", want: "consent_missing"},
		"a yes":                                                  {ledger: []privacy.Consent{entry("granted", -1, nil)}, rules: []privacy.ConsentRule{german}, purpose: "email"},
		"a yes that lies in the future":                          {ledger: []privacy.Consent{entry("granted", 1, nil)}, rules: []privacy.ConsentRule{german}, purpose: "email", want: "consent_missing"},
		"a yes to something else":                                {ledger: []privacy.Consent{entry("granted", -1, about("call"))}, rules: []privacy.ConsentRule{german}, purpose: "email", want: "consent_missing"},
		"a yes to anything":                                      {ledger: []privacy.Consent{entry("granted", -1, about(""))}, rules: []privacy.ConsentRule{german}, purpose: "email"},
		"a yes not confirmed yet":                                {ledger: []privacy.Consent{entry("pending", -1, nil)}, rules: []privacy.ConsentRule{german}, purpose: "email", want: "consent_missing"},
		"another basis than the rule takes":                      {ledger: []privacy.Consent{entry("granted", -1, basis("legitimate_interest"))}, rules: []privacy.ConsentRule{german}, purpose: "email", want: "consent_missing"},
		"a basis that the rule takes":                            {ledger: []privacy.Consent{entry("granted", -1, basis("legitimate_interest"))}, rules: []privacy.ConsentRule{{In: []string{"DE"}, Basis: []string{"consent", "legitimate_interest"}}}, purpose: "email"},
		"a no holds without a rule":                              {ledger: []privacy.Consent{entry("denied", -1, nil)}, purpose: "email", want: "consent_denied"},
		"a no to emails is none to calls":                        {ledger: []privacy.Consent{entry("denied", -1, nil)}, purpose: "call"},
		"leave me alone is about everything":                     {ledger: []privacy.Consent{entry("granted", -2, nil), entry("withdrawn", -1, about("any"))}, purpose: "email", want: "consent_withdrawn"},
		"who withdrew can consent again":                         {ledger: []privacy.Consent{entry("withdrawn", -2, nil), entry("granted", -1, nil)}, rules: []privacy.ConsentRule{german}, purpose: "email"},
		"the order in which it was recorded does not matter":     {ledger: []privacy.Consent{entry("granted", -1, nil), entry("withdrawn", -2, nil)}, rules: []privacy.ConsentRule{german}, purpose: "email"},
		"the ledger comes before the field, also after a no":     {ledger: []privacy.Consent{entry("granted", -1, about("any"))}, field: "withdrawn", purpose: "contact"},
		"without an entry the field counts":                      {field: "withdrawn", purpose: "contact", want: "consent_withdrawn"},
		"a yes in the field is a consent to everything":          {field: "granted", rules: []privacy.ConsentRule{german}, purpose: "enrichment"},
		"a no by number counts for the person":                   {ledger: []privacy.Consent{entry("denied", -1, func(c *privacy.Consent) { c.Kind, c.Value = "phone", "+49 151 12345678" })}, purpose: "email", want: "consent_denied"},
		"a no under an earlier address counts under the new one": {ledger: []privacy.Consent{entry("denied", -1, func(c *privacy.Consent) { c.Value = "lea.old@prospect.de" })}, purpose: "email", want: "consent_denied"},
		"what somebody else said does not":                       {ledger: []privacy.Consent{entry("denied", -1, func(c *privacy.Consent) { c.Value = "ben@prospect.de" })}, purpose: "email"},
	} {
		t.Run(name, func(t *testing.T) {
			st := memstore.New()
			if err := privacy.RecordConsent(ctx, st, tokens(t), tc.ledger...); err != nil {
				t.Fatal(err)
			}
			terms, err := privacy.NewTerms(tokens(t), tc.rules...)
			if err != nil {
				t.Fatal(err)
			}
			lead := &leadloop.Lead{ID: "ld_1", Claims: []leadloop.Claim{
				claim("lead.email", "lea@prospect.de", "ld_1"), claim("lead.email", "lea.old@prospect.de", "ld_1"), claim("lead.mobile", "0151 12345678", "ld_1"),
			}}
			p := leadloop.StandardSchema().NewProfile()
			leadloop.Country.Set(p, "DE")
			if tc.country != "" {
				leadloop.Country.Set(p, tc.country)
			}
			if tc.field != "" {
				leadloop.Consent.Set(p, tc.field)
			}
			var got string
			if err := st.View(ctx, func(tx store.Tx) (err error) {
				got, err = terms.Refuse(ctx, tx, lead, p, tc.purpose, at)
				return err
			}); err != nil || got != tc.want {
				t.Errorf("%q, %v, want %q", got, err, tc.want)
			}
		})
	}
}

func TestTheLedgerIsRetrievedWithItsProofAndRefusesWhatIsNoEntry(t *testing.T) {
	st := memstore.New()
	c := privacy.Consent{
		Kind: "email", Value: "lea@prospect.de", Purpose: "email", State: "granted", Region: "Germany",
		Wording: "newsletter-4", Proof: "form:812#2", Source: "web", At: at,
	}
	if err := privacy.RecordConsent(ctx, st, tokens(t), c); err != nil {
		t.Fatal(err)
	}
	got, err := privacy.Consents(ctx, st, tokens(t), privacy.Person{Email: "LEA@prospect.de"})
	tk, tokenErr := tokens(t).Email("lea@prospect.de")
	want := []store.Consent{{
		Token: tk, Purpose: "email", State: "granted", Basis: "consent", Region: "DE",
		Wording: "newsletter-4", Proof: "form:812#2", Source: "web", At: at,
	}}
	if diff := cmp.Diff(want, got); err != nil || tokenErr != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	bad := privacy.Consent{Kind: "mail", Value: "lea@prospect.de", Purpose: "E-Mail", State: "grant", Basis: "consnet", Region: "Atlantis", Proof: "mail to lea@prospect.de"}
	err = privacy.RecordConsent(ctx, st, tokens(t), c, bad)
	if !errors.Is(err, leadloop.ErrInvalid) || strings.Contains(err.Error(), "lea@") {
		t.Errorf("error %v", err)
	}
	for _, says := range []string{"consent 2", "email or phone", "a purpose is a code", `"granted"`, `"consent"`, "no country", "the proof", "its time"} {
		if !strings.Contains(err.Error(), says) {
			t.Errorf("the error does not say %q:\n%v", says, err)
		}
	}
	if again, err := privacy.Consents(ctx, st, tokens(t), privacy.Person{Email: "lea@prospect.de"}); err != nil || len(again) != 1 {
		t.Errorf("an entry beside a bad one was kept: %v, %v", again, err)
	}
}

func TestPrivacyFilesSayEverythingThatIsWrongAtOnce(t *testing.T) {
	d, err := privacy.Parse("privacy.yaml", []byte(`consent_required_in: [FR]
consent:
  - {in: [DE, AT], for: [enrichment, email], basis: [consent, contract]}
retention:
  - {id: said-no, when: [disqualified, suppressed], after: 365d}
  - {id: rest, stages: [recycled], after: 730d}
`))
	if err != nil {
		t.Fatal(err)
	}
	rules := []privacy.ConsentRule{{In: []string{"FR"}}, {In: []string{"DE", "AT"}, For: []string{"enrichment", "email"}, Basis: []string{"consent", "contract"}}}
	if diff := cmp.Diff(rules, d.Rules()); diff != "" {
		t.Error(diff)
	}
	day := 24 * time.Hour
	retain := []privacy.RetentionRule{
		{ID: "said-no", Dispositions: []leadloop.OutcomeKind{"disqualified", "suppressed"}, After: 365 * day},
		{ID: "rest", Stages: []string{"recycled"}, After: 730 * day},
	}
	if diff := cmp.Diff(retain, d.Retain()); diff != "" {
		t.Error(diff)
	}
	_, err = privacy.Parse("privacy.yaml", []byte(`consent:
  - {in: [Germany], for: [E-Mail], basis: [consnet]}
retention:
  - {id: A, when: [disqualifed], after: 0d}
`))
	var problems leadloop.Problems
	if !errors.As(err, &problems) {
		t.Fatalf("error %v", err)
	}
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	want := []string{
		`privacy.yaml:2:11: in: expected a country code such as DE, found "Germany" (did you mean "DE"?)`,
		`privacy.yaml:2:27: for: expected a purpose, such as contact, enrichment or a channel: a code of lower-case letters, digits, - and _`,
		`privacy.yaml:2:44: basis: expected a lawful basis, one of consent, contract, legal_obligation, legitimate_interest (did you mean "consent"?)`,
		`privacy.yaml:4:5: id: expected a code of lower-case letters, digits, - and _`,
		`privacy.yaml:4:5: after: expected how long leads are kept, such as 365d`,
		`privacy.yaml:4:20: when: expected where a decision left the lead, one of alerted, assigned, disqualified, nurture, queued, suppressed (did you mean "disqualified"?)`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRetentionDeletesWhatIsDueAndSparesTheRest(t *testing.T) {
	st := memstore.New()
	put := func(id leadloop.LeadID, days int, change func(*leadloop.Lead)) {
		l := &leadloop.Lead{ID: id, ReceivedAt: at.AddDate(0, 0, -days), Claims: []leadloop.Claim{claim("lead.email", string(id)+"@acme.com", id)}}
		l.State.Disposition, l.State.Stage = leadloop.OutcomeDisqualified, "disqualified"
		if change != nil {
			change(l)
		}
		if err := st.Update(ctx, func(tx store.Tx) error { _, err := tx.Leads().Put(ctx, l); return err }); err != nil {
			t.Fatal(err)
		}
	}
	put("old", 400, func(l *leadloop.Lead) { l.Records = []leadloop.LeadID{"merged"} })
	put("merged", 400, func(l *leadloop.Lead) { l.MergedInto = "old" })
	put("young", 300, nil)
	put("exactly", 365, nil)
	put("active", 400, func(l *leadloop.Lead) {
		l.Activities = []leadloop.Activity{{ID: "a", Type: "visit", At: at.AddDate(0, 0, -10)}}
	})
	put("held", 400, nil)
	put("assigned", 400, func(l *leadloop.Lead) { l.State.Disposition = leadloop.OutcomeAssigned })
	put("spared", 900, func(l *leadloop.Lead) { l.State.Disposition, l.State.Stage = leadloop.OutcomeAssigned, "customer" })
	put("recycled", 800, func(l *leadloop.Lead) { l.State.Disposition, l.State.Stage = leadloop.OutcomeNurture, "recycled" })
	if err := privacy.Hold(ctx, st, tokens(t), "held", at); err != nil {
		t.Fatal(err)
	}
	rules := []privacy.RetentionRule{
		{ID: "said-no", Dispositions: []leadloop.OutcomeKind{leadloop.OutcomeDisqualified}, After: 365 * 24 * time.Hour},
		{ID: "old", Stages: []string{"recycled"}, After: 730 * 24 * time.Hour},
	}
	e := eraser(t, st, map[string]privacy.System{"crm": privacy.SystemFunc(func(context.Context, privacy.Subject) error { return nil })})
	left := func() (ids []leadloop.LeadID) {
		t.Helper()
		if err := st.View(ctx, func(tx store.Tx) error {
			all, err := tx.Leads().List(ctx, "", 100)
			for _, l := range all {
				ids = append(ids, l.ID)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return ids
	}
	all := left()
	want := privacy.Retained{Seen: 9, Deleted: map[string]int{"said-no": 2, "old": 1}, Held: 1}
	for _, dry := range []bool{true, false} {
		if dry {
			if diff := cmp.Diff(all, left()); diff != "" {
				t.Errorf("a dry run deleted something:\n%s", diff)
			}
		}
		got, err := e.Retain(ctx, rules, at, privacy.RetainOptions{DryRun: dry})
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("dry %v: %v\n%s", dry, err, diff)
		}
	}
	if diff := cmp.Diff([]leadloop.LeadID{"active", "assigned", "held", "spared", "young"}, left()); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	if err := st.View(ctx, func(tx store.Tx) error {
		tasks, err := tx.Tasks().ByLead(ctx, "")
		if len(tasks) != 3 || tasks[0].Kind != privacy.TaskErase {
			t.Errorf("the CRM is told by %d tasks, want one for each lead that went: %v", len(tasks), tasks)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if got := listed(t, st, "old@acme.com", ""); got != "" {
		t.Errorf("who was only kept too long is on the list as %q", got)
	}
	again, err := e.Retain(ctx, rules, at, privacy.RetainOptions{})
	if diff := cmp.Diff(privacy.Retained{Seen: 5, Deleted: map[string]int{}, Held: 1}, again); err != nil || diff != "" {
		t.Errorf("a second pass: %v\n%s", err, diff)
	}
	_, err = e.Retain(ctx, []privacy.RetentionRule{{ID: "A"}, {ID: "b"}}, at, privacy.RetainOptions{})
	if !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("rules that are none: %v", err)
	}
}

func TestAnExportHasEverythingAboutThePersonAndNobodyElse(t *testing.T) {
	st := memstore.New()
	person(t, st)
	x, err := privacy.ExportPerson(ctx, st, tokens(t), privacy.Person{Email: "canary@acme.com"}, at)
	if err != nil {
		t.Fatal(err)
	}
	var ids []leadloop.LeadID
	for _, l := range x.Leads {
		ids = append(ids, l.ID)
	}
	if diff := cmp.Diff([]leadloop.LeadID{"ld_1", "ld_2", "ld_3"}, ids); diff != "" {
		t.Error(diff)
	}
	counts := []int{len(x.Contacts), len(x.Decisions), len(x.Tasks), len(x.History), len(x.Consents), len(x.Suppressions)}
	if diff := cmp.Diff([]int{1, 3, 3, 3, 1, 0}, counts); diff != "" {
		t.Errorf("contacts, decisions, tasks, history, consents, suppressions:\n%s", diff)
	}
	noJSON := json.RawMessage(`"` + base64.StdEncoding.EncodeToString([]byte(canary)) + `"`)
	answers := []privacy.Answer{{Lead: "ld_1", Data: noJSON, ExpiresAt: at.Add(time.Hour)}, {Lead: "ld_2", Data: noJSON, ExpiresAt: at.Add(time.Hour)}, {Lead: "ld_3", Data: noJSON, ExpiresAt: at.Add(time.Hour)}}
	if diff := cmp.Diff(answers, x.Answers); diff != "" {
		t.Error(diff)
	}
	if _, err := json.Marshal(x); err != nil {
		t.Error(err)
	}
	if _, err := privacy.ExportPerson(ctx, st, tokens(t), privacy.Person{Lead: "ld_404"}, at); !errors.Is(err, leadloop.ErrNotFound) {
		t.Errorf("of no lead: %v", err)
	}
}
