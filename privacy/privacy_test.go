package privacy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

var (
	ctx = context.Background()
	at  = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	key = bytes.Repeat([]byte("k"), privacy.MinKey)
)

func tokens(t testing.TB) *privacy.Tokens {
	t.Helper()
	tk, err := privacy.NewTokens("k1", key)
	if err != nil {
		t.Fatal(err)
	}
	return tk
}

func token(t testing.TB, s string, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestATokenIsTheSameForEveryWayOfWritingTheSameIdentifier(t *testing.T) {
	tk := tokens(t)
	email := func(s string) string { v, err := tk.Email(s); return token(t, v, err) }
	phone := func(s, c string) string { v, err := tk.Phone(s, c); return token(t, v, err) }
	domain := func(s string) string { v, err := tk.Domain(s); return token(t, v, err) }
	for name, same := range map[string][2]string{
		"case of an address":              {email("Ana.Diaz@Acme.com"), email("ana.diaz@acme.com")},
		"a sub-address is the mailbox":    {email("ana+news@acme.com"), email("ana@acme.com")},
		"national and international form": {phone("030 123456", "DE"), phone("+49 30 123456", "")},
		"a page of a domain":              {domain("https://www.acme.com/pricing"), domain("acme.com")},
		"an address at a domain":          {domain("ana@mail.acme.com"), domain("acme.com")},
	} {
		if same[0] != same[1] {
			t.Errorf("%s: %s and %s", name, same[0], same[1])
		}
	}
	if email("ana@acme.com") == email("ben@acme.com") {
		t.Error("two people have one token")
	}
}

func TestATokenTellsItsKeyAndVersionAndNothingElse(t *testing.T) {
	tk := tokens(t)
	v, err := tk.Email("ana@acme.com")
	got := token(t, v, err)
	if !strings.HasPrefix(got, "k1.1.") || len(got) != len("k1.1.")+43 {
		t.Errorf("token %s", got)
	}
	other, err := privacy.NewTokens("k1", bytes.Repeat([]byte("x"), privacy.MinKey))
	if err != nil {
		t.Fatal(err)
	}
	v, err = other.Email("ana@acme.com")
	if token(t, v, err) == got {
		t.Error("another key gives the same token")
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if s := fmt.Sprintf(format, tk); strings.Contains(s, "kkkk") || strings.Contains(s, "107") {
			t.Errorf("%s shows the key: %s", format, s)
		}
	}
}

func TestNewTokensReportsAllProblemsTogether(t *testing.T) {
	_, err := privacy.NewTokens("a key", []byte("short"))
	if !errors.Is(err, leadloop.ErrInvalid) {
		t.Fatal(err)
	}
	for _, want := range []string{"key id", "5 bytes"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}

func TestAProfileHasOneTokenPerMailboxNumberAndDomain(t *testing.T) {
	tk := tokens(t)
	p := leadloop.StandardSchema().NewProfile()
	leadloop.Email.Set(p, "ana+trial@acme.com")
	leadloop.Phone.Set(p, "030 123456")
	leadloop.Mobile.Set(p, "not a number")
	leadloop.Country.Set(p, "DE")
	leadloop.Domain.Set(p, "acme.de")
	var want []string
	for _, f := range []func() (string, error){
		func() (string, error) { return tk.Email("ana@acme.com") },
		func() (string, error) { return tk.Phone("+4930123456", "") },
		func() (string, error) { return tk.Domain("acme.com") },
		func() (string, error) { return tk.Domain("acme.de") },
	} {
		v, err := f()
		want = append(want, token(t, v, err))
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, tk.Of(p)); diff != "" {
		t.Error(diff)
	}
}

func TestSuppressRefusesWhatItCannotHonourWithoutSayingWhatItWas(t *testing.T) {
	st, tk := memstore.New(), tokens(t)
	for name, tc := range map[string]struct{ kind, value, reason, want string }{
		"an unknown kind says what was meant": {"emial", "ana@acme.com", "manual", `did you mean "email"?`},
		"a value that is no address":          {"email", "ana at acme", "manual", "email"},
		"a free mail provider's domain":       {"domain", "gmail.com", "competitor", "everybody"},
		"a reason that is prose":              {"email", "ana@acme.com", "Ana asked us", "code"},
	} {
		t.Run(name, func(t *testing.T) {
			err := privacy.Suppress(ctx, st, tk, tc.kind, tc.value, tc.reason, at)
			if !errors.Is(err, leadloop.ErrInvalid) || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("error %v", err)
			}
			for _, private := range []string{"ana", "Ana", "acme", "gmail"} {
				if strings.Contains(err.Error(), private) {
					t.Errorf("%q holds %q", err, private)
				}
			}
		})
	}
}

func TestAWeakerReasonDoesNotReplaceAStrongerOne(t *testing.T) {
	st, tk := memstore.New(), tokens(t)
	for i, reason := range []string{privacy.ReasonManual, privacy.ReasonOptedOut, privacy.ReasonManual, "agency"} {
		if err := privacy.Suppress(ctx, st, tk, privacy.KindEmail, "ana@acme.com", reason, at.Add(time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	v, err := tk.Email("ana@acme.com")
	want := []store.Suppression{{Token: token(t, v, err), Reason: privacy.ReasonOptedOut, At: at.Add(time.Hour)}}
	if diff := cmp.Diff(want, matches(t, st, want[0].Token)); diff != "" {
		t.Error(diff)
	}
}

func matches(t testing.TB, st store.Store, tokens ...string) (got []store.Suppression) {
	t.Helper()
	err := st.View(ctx, func(tx store.Tx) (err error) {
		got, err = tx.Suppressions().Match(ctx, tokens)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestImportTakesWhatItCanAndReportsTheRestByLine(t *testing.T) {
	st, tk := memstore.New(), tokens(t)
	file := "\ufeffValue;Kind;Reason;Note\r\n" +
		"ana@acme.com;email;opted_out;\r\n" +
		"ANA+x@acme.com;Email;manual;the same mailbox\r\n" +
		"rival.com;domain;competitor;\r\n" +
		"gmail.com;domain;competitor;\r\n" +
		"+49 30 123456;phone;;\r\n" +
		"short row\r\n" +
		"\"quo\"te;email;manual;\r\n" +
		"ben@acme.com;email;He said so;\r\n"
	got, err := privacy.Import(ctx, st, tk, strings.NewReader(file), at)
	if err != nil {
		t.Fatal(err)
	}
	lines := make([]int, len(got.Rejects))
	for i, r := range got.Rejects {
		lines[i] = r.Line
		if strings.Contains(r.Reason, "gmail") || strings.Contains(r.Reason, "ben") {
			t.Errorf("a reject holds the row: %s", r.Reason)
		}
	}
	if diff := cmp.Diff([]int{5, 7, 8, 9}, lines); diff != "" {
		t.Errorf("rejected lines: %s", diff)
	}
	got.Rejects = nil
	if diff := cmp.Diff(privacy.Imported{Rows: 8, Added: 3, Known: 1}, got); diff != "" {
		t.Error(diff)
	}
	again, err := privacy.Import(ctx, st, tk, strings.NewReader(file), at)
	if err != nil || again.Added != 0 || again.Known != 4 {
		t.Errorf("a second import: %+v, %v", again, err)
	}
}

func TestImportCommitsLongListsInBatches(t *testing.T) {
	st, tk := memstore.New(), tokens(t)
	var file strings.Builder
	file.WriteString("kind,value\n")
	for i := range 2345 {
		fmt.Fprintf(&file, "email,p%d@acme.com\n", i)
	}
	got, err := privacy.Import(ctx, st, tk, strings.NewReader(file.String()), at)
	if diff := cmp.Diff(privacy.Imported{Rows: 2345, Added: 2345}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	v, err := tk.Email("p2344@acme.com")
	if len(matches(t, st, token(t, v, err))) != 1 {
		t.Error("the last row is not on the list")
	}
}

func TestImportRefusesAListWithoutAHeader(t *testing.T) {
	for name, file := range map[string]string{
		"an empty file":       "",
		"a row at the top":    "email,ana@acme.com,manual\n",
		"a column is missing": "kind,address\nemail,ana@acme.com\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := privacy.Import(ctx, memstore.New(), tokens(t), strings.NewReader(file), at)
			if !errors.Is(err, leadloop.ErrInvalid) || strings.Contains(err.Error(), "ana") {
				t.Errorf("error %v", err)
			}
		})
	}
}

func FuzzImport(f *testing.F) {
	f.Add("kind,value,reason\nemail,ana@acme.com,opted_out\n")
	f.Add("kind;value\n\"x;y\ndomain;acme.com\n")
	f.Add("\ufeffkind,value,reason\r\nphone,+4930123456,\r\n\xff,,\n")
	f.Fuzz(func(t *testing.T, file string) {
		st := memstore.New()
		got, err := privacy.Import(ctx, st, tokens(t), strings.NewReader(file), at)
		if err == nil && got.Rows != got.Added+got.Known+len(got.Rejects) {
			t.Errorf("rows are lost: %+v", got)
		}
	})
}

// world is a store with a CRM for the stage.
func world(t testing.TB, put func(tx store.Tx) error) *memstore.Store {
	t.Helper()
	st := memstore.New()
	if err := st.Update(ctx, put); err != nil {
		t.Fatal(err)
	}
	return st
}

func crm(tx store.Tx) error {
	return errors.Join(
		tx.CRM().PutRep(ctx, leadloop.Rep{ID: "ana"}),
		tx.CRM().PutRep(ctx, leadloop.Rep{ID: "gone", Inactive: true}),
		tx.CRM().PutContact(ctx, leadloop.Contact{ID: "c-out", OptedOut: true}),
		tx.CRM().PutAccount(ctx, leadloop.Account{ID: "a-customer", Customer: true, Owner: "ana"}),
		tx.CRM().PutAccount(ctx, leadloop.Account{ID: "a-orphan", Customer: true, Owner: "gone"}),
		tx.CRM().PutAccount(ctx, leadloop.Account{ID: "a-deal", Owner: "ana"}),
		tx.CRM().PutOpportunity(ctx, leadloop.Opportunity{ID: "o-lost", Account: "a-deal", Status: leadloop.OpportunityLost, Owner: "gone"}),
		tx.CRM().PutOpportunity(ctx, leadloop.Opportunity{ID: "o-open", Account: "a-deal", Status: leadloop.OpportunityOpen, Owner: "gone"}),
		tx.CRM().PutOpportunity(ctx, leadloop.Opportunity{ID: "o-else", Account: "a-other", Status: leadloop.OpportunityOpen, Owner: "ben"}),
		tx.CRM().PutOpportunity(ctx, leadloop.Opportunity{ID: "o-own", Account: "a-own", Status: leadloop.OpportunityOpen, Owner: "ben", Lead: "ld_older"}),
		tx.CRM().PutOpportunity(ctx, leadloop.Opportunity{ID: "o-nobody", Account: "a-nobody", Status: leadloop.OpportunityOpen, Owner: "gone"}),
	)
}

func subject(state leadloop.State, set func(p *leadloop.Profile)) leadloop.Subject {
	p := leadloop.StandardSchema().NewProfile()
	leadloop.Email.Set(p, "lea@prospect.com")
	leadloop.Country.Set(p, "DE")
	if set != nil {
		set(p)
	}
	return leadloop.Subject{
		Lead: &leadloop.Lead{ID: "ld_1", Revision: 7, State: state, Records: []leadloop.LeadID{"ld_older"}}, Profile: p,
		AsOf: at, Trigger: leadloop.TriggerSubmission, Previous: state,
	}
}

func stage(t testing.TB, st store.Store, o privacy.Options) leadloop.Stage {
	t.Helper()
	s, err := privacy.NewStage(st, tokens(t), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheStageStopsLeadsInTheOrderOfItsReasons(t *testing.T) {
	suppressed := func(reason string) leadloop.Outcome {
		return leadloop.Outcome{Kind: leadloop.OutcomeSuppressed, Reason: reason, Stop: true}
	}
	alerted := func(reason string) leadloop.Outcome {
		return leadloop.Outcome{Kind: leadloop.OutcomeAlerted, Reason: reason, Stop: true}
	}
	list := func(kind, value, reason string) func(*testing.T, store.Store) {
		return func(t *testing.T, st store.Store) {
			if err := privacy.Suppress(ctx, st, tokens(t), kind, value, reason, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	consent := func(v string) func(*leadloop.Profile) {
		return func(p *leadloop.Profile) { leadloop.Consent.Set(p, v) }
	}
	german := privacy.Options{Consent: []privacy.ConsentRule{{In: []string{"Germany"}}}}
	for name, tc := range map[string]struct {
		list  func(*testing.T, store.Store)
		state leadloop.State
		set   func(*leadloop.Profile)
		o     privacy.Options
		as    leadloop.Trigger
		want  leadloop.Outcome
	}{
		"nothing against it":                                {want: leadloop.Outcome{}},
		"its address is on the list":                        {list: list("email", "LEA+x@prospect.com", "opted_out"), want: suppressed("opted_out")},
		"the domain of its address is a competitor's":       {list: list("domain", "prospect.com", "competitor"), want: suppressed("competitor")},
		"the list comes before the CRM's contact":           {list: list("email", "lea@prospect.com", "bounced"), state: leadloop.State{Contact: "c-out"}, want: suppressed("bounced")},
		"its contact opted out":                             {state: leadloop.State{Contact: "c-out"}, want: suppressed("contact_opted_out")},
		"its contact is no longer in the CRM":               {state: leadloop.State{Contact: "c-gone"}, want: leadloop.Outcome{}},
		"the contact comes before consent":                  {state: leadloop.State{Contact: "c-out"}, set: consent("denied"), want: suppressed("contact_opted_out")},
		"consent withdrawn":                                 {set: consent("withdrawn"), want: suppressed("consent_withdrawn")},
		"consent denied holds without a region":             {set: consent("denied"), want: suppressed("consent_denied")},
		"consent missing where it is needed":                {o: german, want: suppressed("consent_missing")},
		"consent pending is no consent":                     {o: german, set: consent("pending"), want: suppressed("consent_missing")},
		"consent granted where it is needed":                {o: german, set: consent("granted"), want: leadloop.Outcome{}},
		"consent missing where it is not needed":            {o: privacy.Options{Consent: []privacy.ConsentRule{{In: []string{"FR"}}}}, want: leadloop.Outcome{}},
		"consent comes before the open opportunity":         {o: german, state: leadloop.State{Account: "a-deal"}, want: suppressed("consent_missing")},
		"an open opportunity of its account":                {state: leadloop.State{Account: "a-deal"}, want: alerted("open_opportunity")},
		"an open opportunity of another account":            {state: leadloop.State{Account: "a-deal-not", Opportunity: "o-else"}, want: alerted("open_opportunity")},
		"an open opportunity that came from it":             {state: leadloop.State{Account: "a-own"}, want: leadloop.Outcome{}},
		"an open opportunity nobody could be told":          {state: leadloop.State{Account: "a-nobody"}, want: leadloop.Outcome{}},
		"an existing customer with an owner":                {state: leadloop.State{Account: "a-customer"}, want: alerted("existing_customer")},
		"an existing customer whose owner left":             {state: leadloop.State{Account: "a-orphan"}, want: suppressed("existing_customer")},
		"a lead that is being worked is not taken away":     {state: leadloop.State{Account: "a-deal", Owner: "ben"}, want: leadloop.Outcome{}},
		"a recycled lead is asked about everything again":   {state: leadloop.State{Account: "a-deal", Owner: "ben"}, as: leadloop.TriggerRecycle, want: alerted("open_opportunity")},
		"an opt-out holds even while the lead is worked on": {list: list("email", "lea@prospect.com", "opted_out"), state: leadloop.State{Owner: "ben"}, want: suppressed("opted_out")},
	} {
		t.Run(name, func(t *testing.T) {
			st := world(t, crm)
			if tc.list != nil {
				tc.list(t, st)
			}
			s := subject(tc.state, tc.set)
			if tc.as != "" {
				s.Trigger = tc.as
			}
			got, e, err := stage(t, st, tc.o).Decide(ctx, s)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if guarded := len(e.Guard.Tokens) > 0; guarded == (got.Kind == leadloop.OutcomeSuppressed) {
				t.Errorf("guard %v for %q", e.Guard, got.Kind)
			}
		})
	}
}

func TestTheOwnerOfAnOpenOpportunityIsToldOncePerSubmission(t *testing.T) {
	st := world(t, crm)
	g := stage(t, st, privacy.Options{})
	s := subject(leadloop.State{Account: "a-deal", Queue: "inbound"}, nil)
	_, e, err := g.Decide(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(privacy.Notice{About: "alerted", Lead: "ld_1", To: "rep:ana", Reason: "open_opportunity", Account: "a-deal", Opportunity: "o-open"})
	if err != nil {
		t.Fatal(err)
	}
	want := leadloop.Effects{
		State:  &leadloop.State{Account: "a-deal", Opportunity: "o-open", Disposition: leadloop.OutcomeAlerted, Reason: "open_opportunity"},
		Events: []leadloop.Event{{Kind: leadloop.EventAlerted, Lead: "ld_1", At: at, To: "ana", Reason: "open_opportunity"}},
		Tasks: []leadloop.Task{{
			Key: "notify:alerted:ld_1:open_opportunity:7", Kind: leadloop.TaskNotify, Lead: "ld_1", DueAt: at, Outside: true,
			Payload: payload, State: leadloop.TaskPending,
		}},
		Guard: leadloop.Guard{Tokens: tokens(t).Of(s.Profile)},
		Trace: json.RawMessage(`{"checked":2,"reason":"open_opportunity","told":"ana","account":"a-deal","opportunity":"o-open"}`),
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Error(diff)
	}

	for trigger, tasks := range map[leadloop.Trigger]int{leadloop.TriggerActivity: 0, leadloop.TriggerTask: 0, leadloop.TriggerSubmission: 1} {
		again := s
		again.Lead = s.Lead.Clone()
		again.Lead.State, again.Lead.Revision, again.Trigger = *e.State, 8, trigger
		out, more, err := g.Decide(ctx, again)
		if err != nil || out.Kind != leadloop.OutcomeAlerted || len(more.Tasks) != tasks || len(more.Events) != tasks {
			t.Errorf("%s: %d tasks, %d events, %+v, %v", trigger, len(more.Tasks), len(more.Events), out, err)
		}
	}
}

func TestASuppressedLeadIsJournaledOnceAndGoesOnOnceItMay(t *testing.T) {
	st, tk := memstore.New(), tokens(t)
	g := stage(t, st, privacy.Options{})
	if err := privacy.Suppress(ctx, st, tk, privacy.KindEmail, "lea@prospect.com", privacy.ReasonBounced, at); err != nil {
		t.Fatal(err)
	}
	s := subject(leadloop.State{Queue: "inbound", Disposition: leadloop.OutcomeQueued}, nil)
	_, e, err := g.Decide(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	want := leadloop.Effects{
		State:  &leadloop.State{Disposition: leadloop.OutcomeSuppressed, Reason: privacy.ReasonBounced},
		Events: []leadloop.Event{{Kind: leadloop.EventSuppressed, Lead: "ld_1", At: at, Reason: privacy.ReasonBounced}},
		Trace:  json.RawMessage(`{"checked":2,"reason":"bounced"}`),
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Error(diff)
	}
	s.Lead.State = *e.State
	if _, e, err = g.Decide(ctx, s); err != nil || e.State != nil || e.Events != nil {
		t.Errorf("again: %+v, %v", e, err)
	}

	if err := st.Update(ctx, func(tx store.Tx) error {
		v, err := tk.Email("lea@prospect.com")
		return errors.Join(err, tx.Suppressions().Remove(ctx, v))
	}); err != nil {
		t.Fatal(err)
	}
	out, e, err := g.Decide(ctx, s)
	if err != nil || out != (leadloop.Outcome{}) {
		t.Fatalf("lifted: %+v, %v", out, err)
	}
	if diff := cmp.Diff(&leadloop.State{}, e.State); diff != "" {
		t.Error(diff)
	}
	s.Lead.State.Owner = "ana"
	if _, e, err = g.Decide(ctx, s); err != nil || e.State != nil || e.Events != nil {
		t.Errorf("a lead that nobody worked is left to routing, got %+v, %v", e, err)
	}
	s.Lead.State.Pool, s.Lead.State.FirstTouchAt = "west", at
	if _, e, err = g.Decide(ctx, s); err != nil {
		t.Fatal(err)
	}
	want = leadloop.Effects{
		State: &leadloop.State{Owner: "ana", Pool: "west", FirstTouchAt: at, Disposition: leadloop.OutcomeAssigned, Reason: privacy.ReasonLifted},
		Events: []leadloop.Event{{
			Kind: leadloop.EventAssigned, Lead: "ld_1", At: at, Reason: privacy.ReasonLifted, From: "ana", To: "ana",
			Attrs: map[string]string{"pool": "west"},
		}},
		Guard: leadloop.Guard{Tokens: tk.Of(s.Profile)},
		Trace: json.RawMessage(`{"checked":2}`),
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Error(diff)
	}
}

func TestWhatRoutingTellsAboutAnOpenOpportunityIsNotUndone(t *testing.T) {
	g := stage(t, world(t, crm), privacy.Options{})
	for _, account := range []leadloop.AccountID{"a-nobody", "a-own"} {
		s := subject(leadloop.State{Account: account, Disposition: leadloop.OutcomeAlerted, Reason: privacy.ReasonOpenOpportunity}, nil)
		if out, e, err := g.Decide(ctx, s); err != nil || out != (leadloop.Outcome{}) || e.State != nil {
			t.Errorf("%s: %+v, %+v, %v", account, out, e.State, err)
		}
	}
	s := subject(leadloop.State{Account: "a-closed", Disposition: leadloop.OutcomeAlerted, Reason: privacy.ReasonOpenOpportunity}, nil)
	if _, e, err := g.Decide(ctx, s); err != nil || e.State == nil || e.State.Disposition != "" {
		t.Errorf("once it is closed the lead is free: %+v, %v", e.State, err)
	}
}

func TestAnOptOutUnderAnEarlierAddressStillHolds(t *testing.T) {
	st, tk := memstore.New(), tokens(t)
	if err := privacy.Suppress(ctx, st, tk, privacy.KindEmail, "lea@old.com", privacy.ReasonOptedOut, at); err != nil {
		t.Fatal(err)
	}
	s := subject(leadloop.State{}, nil)
	s.Lead.Claims = []leadloop.Claim{leadloop.Email.Claim("lea@old.com", leadloop.Evidence{ObservedAt: at.AddDate(-1, 0, 0)})}
	out, _, err := stage(t, st, privacy.Options{}).Decide(ctx, s)
	if err != nil || out.Kind != leadloop.OutcomeSuppressed {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestAStoreThatCannotBeAskedFailsTheStep(t *testing.T) {
	st := memstore.New()
	g := stage(t, st, privacy.Options{})
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	out, e, err := g.Decide(ctx, subject(leadloop.State{}, nil))
	if !errors.Is(err, leadloop.ErrUnavailable) || out != (leadloop.Outcome{}) || e.Guard.Tokens != nil {
		t.Errorf("%+v, %+v, %v", out, e, err)
	}
}

func TestNewStageReportsAllProblemsTogether(t *testing.T) {
	_, err := privacy.NewStage(nil, nil, privacy.Options{Consent: []privacy.ConsentRule{{In: []string{"EU-ish", "DE"}}}})
	if !errors.Is(err, leadloop.ErrInvalid) || !strings.Contains(err.Error(), "store and tokens") || !strings.Contains(err.Error(), "EU-ish") {
		t.Errorf("error %v", err)
	}
}
