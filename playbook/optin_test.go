package playbook_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/lifecycle"
	"github.com/leadloop/leadloop/privacy"
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
	if diff := cmp.Diff(want, asked); diff != "" {
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
