package playbook_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/lifecycle"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

const optIn = "double_opt_in: {sources: [newsletter], content: mail/confirm}\n"

func (f *office) consent(id leadloop.LeadID) string {
	v, _ := leadloop.Consent.Get(leadloop.Golden(f.pb.Schema(), f.pb.Policy(), f.lead(id).Claims))
	return v
}

// signup is a cold lead who ticked the box on a form of a source.
func signup(key, source string) leadloop.Submission {
	return cold(key, said(leadloop.Source, source), said(leadloop.Consent, leadloop.ConsentGranted), said(leadloop.Country, "DE"))
}

func TestAConsentThatNeedsAConfirmationCountsOnceItIsConfirmed(t *testing.T) {
	f := newOffice(t, map[string]string{"cadences.yaml": optIn + cadencesYAML, "privacy.yaml": "consent_required_in: [DE]\n"})
	id, other := process(t, f.loop, signup("one", "newsletter")).ID, process(t, f.loop, signup("two", "webinar")).ID
	if got := f.lead(id).State; got.Disposition != leadloop.OutcomeSuppressed || got.Reason != "consent_missing" || f.consent(id) != "pending" {
		t.Errorf("%+v, consent %s", got, f.consent(id))
	}
	if got := f.lead(other).State; got.Disposition != leadloop.OutcomeNurture || f.consent(other) != "granted" {
		t.Errorf("another source: %+v", got)
	}
	f.pass(at.Add(time.Hour))
	want := lifecycle.Delivery{Lead: id, Cadence: "double_opt_in", Since: at, Step: "confirm", Number: 1, Channel: "email", Content: "mail/confirm"}
	if len(f.done) != 2 || f.done[1].Lead != other && f.done[0].Lead != other {
		t.Fatal(f.steps())
	}
	asked := f.done[0]
	if asked.Lead == other {
		asked = f.done[1]
	}
	if diff := gocmp.Diff(want, asked); diff != "" {
		t.Error(diff)
	}
	// Somebody of ours clicking is no confirmation.
	f.saw(id, "opt_in_confirmed", "ana", at.Add(2*time.Hour))
	if f.consent(id) != "pending" {
		t.Error(f.consent(id))
	}
	for n := range 2 {
		f.saw(id, "opt_in_confirmed", "", at.Add(time.Duration(3+n)*time.Hour))
	}
	if got := f.lead(id).State; got.Disposition != leadloop.OutcomeNurture || got.Cadence.Cadence != "newsletter" || f.consent(id) != "granted" {
		t.Errorf("%+v, consent %s", got, f.consent(id))
	}
	f.want("the journal", []string{
		"11-02 15:00 opt_in_asked >newsletter by rule:double_opt_in", "11-02 18:00 opt_in_confirmed > opt_in_confirmed by rule:double_opt_in",
	}, f.journal(id, leadloop.EventOptInAsked, leadloop.EventOptInConfirmed))
}

func TestAConfirmationIsInTheConsentLedgerInTheSameCommit(t *testing.T) {
	f := newOffice(t, map[string]string{"cadences.yaml": optIn + cadencesYAML, "privacy.yaml": "consent_required_in: [DE]\n"})
	id := process(t, f.loop, signup("one", "newsletter")).ID
	ledger := func() []store.Consent {
		t.Helper()
		all, err := privacy.Consents(ctx, f.st, tokens(t), privacy.Person{Lead: id})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if got := ledger(); len(got) != 0 {
		t.Error("asked is not confirmed:", got)
	}
	clicked := at.Add(3 * time.Hour)
	for n := range 2 { // the second click is no second consent
		f.saw(id, "opt_in_confirmed", "", clicked.Add(time.Duration(n)*time.Hour))
	}
	got := ledger()
	token, err := tokens(t).Email("one@one.com")
	if err != nil {
		t.Fatal(err)
	}
	want := []store.Consent{{
		Token: token, Purpose: "any", State: "granted", Basis: "consent", Region: "DE", Wording: "mail/confirm", Source: "double_opt_in", At: clicked,
	}}
	if len(got) == 1 {
		if got[0].Proof == "" {
			t.Error("without a proof")
		}
		got[0].Proof = ""
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// It holds for another lead from the same mailbox, and until a later no.
	two := process(t, f.loop, cold("one", said(leadloop.Country, "DE"))).ID
	if s := f.lead(two).State; s.Disposition == leadloop.OutcomeSuppressed {
		t.Errorf("%+v", s)
	}
	no := cold("one", said(leadloop.Country, "DE"))
	no.Key, no.ReceivedAt = "no", clicked.AddDate(0, 0, 9)
	no.Claims = append(no.Claims, leadloop.Consent.Claim(leadloop.ConsentWithdrawn, leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: no.ReceivedAt}))
	three := process(t, f.loop, no).ID
	if s := f.lead(three).State; s.Disposition != leadloop.OutcomeSuppressed || s.Reason != "consent_withdrawn" {
		t.Errorf("after a no: %+v", s)
	}
}

// What the ledger says about a purpose decides about that purpose, and only
// about it.
func TestWhatTheLedgerForbidsDoesNotHappenAndWhatItAllowsDoes(t *testing.T) {
	type happened struct {
		Assigned, Bought bool
		Mails            int
	}
	for name, tc := range map[string]struct {
		rules string
		say   []privacy.Consent // of one@one.com
		want  happened
	}{
		"nothing is asked for":                          {"", nil, happened{true, true, 1}},
		"no word where all purposes need one":           {"consent_required_in: [DE]\n", nil, happened{}},
		"a yes to all":                                  {"consent_required_in: [DE]\n", []privacy.Consent{{State: "granted"}}, happened{true, true, 1}},
		"a yes on another basis than the rule takes":    {"consent_required_in: [DE]\n", []privacy.Consent{{State: "granted", Basis: privacy.BasisContract}}, happened{}},
		"asked, not confirmed":                          {"consent_required_in: [DE]\n", []privacy.Consent{{State: "pending"}}, happened{}},
		"a yes that was taken back":                     {"consent_required_in: [DE]\n", []privacy.Consent{{State: "granted"}, {State: "withdrawn"}}, happened{}},
		"a no, where no rule asks":                      {"", []privacy.Consent{{State: "denied"}}, happened{}},
		"no enrichment without a yes to it":             {"consent: [{in: [DE], for: [enrichment]}]\n", nil, happened{true, false, 1}},
		"enrichment with a yes to it":                   {"consent: [{in: [DE], for: [enrichment]}]\n", []privacy.Consent{{Purpose: "enrichment", State: "granted"}}, happened{true, true, 1}},
		"no enrichment after a no to it":                {"", []privacy.Consent{{Purpose: "enrichment", State: "denied"}}, happened{true, false, 1}},
		"no mail without a yes to mail":                 {"consent: [{in: [DE], for: [email]}]\n", nil, happened{true, true, 0}},
		"a mail with a yes to mail":                     {"consent: [{in: [DE], for: [email]}]\n", []privacy.Consent{{Purpose: "email", State: "granted"}}, happened{true, true, 1}},
		"no mail after a no to mail":                    {"", []privacy.Consent{{Purpose: "email", State: "withdrawn"}}, happened{true, true, 0}},
		"nobody works whom nobody may contact":          {"consent: [{in: [DE], for: [contact]}]\n", nil, happened{}},
		"a yes to mail is none to being worked":         {"consent: [{in: [DE], for: [contact]}]\n", []privacy.Consent{{Purpose: "email", State: "granted"}}, happened{}},
		"the rule of another region is nobody's here":   {"consent_required_in: [FR]\n", nil, happened{true, true, 1}},
		"a no of somebody else is nobody else's":        {"", []privacy.Consent{{Value: "two@two.com", State: "denied"}}, happened{true, true, 1}},
		"a no to something else forbids nothing of it":  {"", []privacy.Consent{{Purpose: "profiling", State: "denied"}}, happened{true, true, 1}},
		"what is said later does not count before then": {"", []privacy.Consent{{State: "denied", At: at.AddDate(0, 0, 3)}}, happened{true, true, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			var got happened
			st := memstore.New()
			pb, problems := playbook.Load(files(map[string]string{
				"privacy.yaml":  tc.rules,
				"cadences.yaml": "cadences: [{id: hello, steps: [{id: hi, channel: email, content: mail/hi}]}]\n",
			}))
			if err := problems.Err(); err != nil {
				t.Fatal(err)
			}
			for i, c := range tc.say {
				c.Kind, c.Value = privacy.KindEmail, cmp.Or(c.Value, "one@one.com")
				if c.At.IsZero() {
					c.At = at.Add(time.Duration(i-9) * time.Hour)
				}
				if err := privacy.RecordConsent(ctx, st, tokens(t), c); err != nil {
					t.Fatal(err)
				}
			}
			o := playbook.Options{Tokens: tokens(t), Providers: vendor(func(ctx context.Context, q enrich.Query) (enrich.Answer, error) {
				got.Bought = true
				return knows(900)(ctx, q)
			})}
			o.Engine.Handlers = map[string]engine.Handler{leadloop.TaskStep: engine.HandlerFunc(func(context.Context, leadloop.Task) error {
				got.Mails++
				return nil
			})}
			loop, err := pb.Loop(ctx, st, o)
			if err != nil {
				t.Fatal(err)
			}
			desk, err := pb.Desk(st, o)
			if err != nil {
				t.Fatal(err)
			}
			s := person("one", 0, at)
			s.Claims = slices.DeleteFunc(s.Claims, func(c leadloop.Claim) bool { return c.Field == leadloop.Employees.Name() })
			e := s.Claims[0].Evidence
			s.Claims = append(s.Claims, leadloop.Country.Claim("DE", e), leadloop.Domain.Claim("one.com", e))
			res, err := loop.Process(ctx, s, at)
			if err != nil {
				t.Fatal(err)
			}
			got.Assigned = res.Lead.State.Owner != ""
			if _, err := loop.Do(ctx, res.Lead.ID, at.Add(time.Minute), desk.Enrol("hello", "mia")); err != nil && !errors.Is(err, leadloop.ErrInvalid) {
				t.Fatal(err)
			}
			if _, err := loop.Advance(ctx, at.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s%+v", diff, res.Lead.State)
			}
		})
	}
}

func TestACadenceWaitsForTheConfirmationAndNotForEver(t *testing.T) {
	f := newOffice(t, map[string]string{"cadences.yaml": optIn + cadencesYAML})
	slow, never := process(t, f.loop, signup("one", "newsletter")).ID, process(t, f.loop, signup("two", "newsletter")).ID
	f.pass(at.AddDate(0, 0, 4))
	if len(f.done) != 2 {
		t.Error("only the two mails that ask:", f.steps())
	}
	f.saw(slow, "opt_in_confirmed", "", at.AddDate(0, 0, 4))
	f.pass(at.AddDate(0, 0, 5))
	f.want("the first step after it", []string{"11-07 15:00 cadence_step >newsletter by rule:cadence"}, f.journal(slow, leadloop.EventCadenceStep))
	f.pass(at.AddDate(0, 0, 60))
	f.want("who never confirms", []string{"12-02 15:00 cadence_ended >newsletter consent_unconfirmed by stage:cadence"}, f.journal(never, leadloop.EventCadenceEnded))
}

func TestNobodyOnTheSuppressionListIsAskedToConfirm(t *testing.T) {
	f := newOffice(t, map[string]string{"cadences.yaml": optIn + cadencesYAML})
	if err := privacy.Suppress(ctx, f.st, tokens(t), privacy.KindEmail, "one@one.com", privacy.ReasonOptedOut, at.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	id := process(t, f.loop, signup("one", "newsletter")).ID
	f.pass(at.Add(time.Hour))
	if len(f.done) != 0 {
		t.Error(f.steps())
	}
	// Nor who came onto it between the decision and the delivery.
	two := process(t, f.loop, signup("two", "newsletter")).ID
	if n := f.tasks(two, leadloop.TaskStep); len(n) != 1 || len(n[0].Tokens) == 0 {
		t.Fatalf("%+v", n)
	}
	if err := privacy.Suppress(ctx, f.st, tokens(t), privacy.KindEmail, "two@two.com", privacy.ReasonOptedOut, at); err != nil {
		t.Fatal(err)
	}
	f.pass(at.Add(2 * time.Hour))
	if len(f.done) != 0 || len(f.tasks(id, leadloop.TaskStep))+len(f.tasks(two, leadloop.TaskStep)) != 0 {
		t.Error(f.steps())
	}
}
