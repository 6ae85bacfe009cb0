package privacy_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/faulttest"
	"github.com/leadloop/leadloop/store/memstore"
)

// canary is part of every personal value of the person who is erased.
const canary = "canary"

func claim(field string, value string, record leadloop.LeadID) leadloop.Claim {
	return leadloop.Claim{Field: field, Value: leadloop.ValueOf(value), Evidence: leadloop.Evidence{
		Origin: leadloop.OriginPerson, Source: "form", Record: record, ObservedAt: at,
	}}
}

// person is a lead with a record merged into it, a second lead of the same
// mailbox, a contact, and a colleague who shares the office's number.
func person(t testing.TB, st store.Store) {
	t.Helper()
	lead := func(id leadloop.LeadID, email, mobile string) *leadloop.Lead {
		return &leadloop.Lead{ID: id, ReceivedAt: at, Claims: []leadloop.Claim{
			claim("lead.email", email, id), claim("lead.phone", "+49 30 123456", id), claim("lead.mobile", mobile, id), claim("lead.last_name", "Canary-"+canary, id),
		}, Identifiers: []leadloop.Identifier{{Kind: "email_base", Value: email}, {Kind: "phone", Value: "+4930123456"}, {Kind: "phone", Value: mobile}}}
	}
	into, from, second := lead("ld_1", canary+"@acme.com", "+4915112345678"), lead("ld_2", canary+".old@acme.com", "+4915112345678"), lead("ld_3", canary+"@acme.com", "+4915112345679")
	from.MergedInto, into.Records = "ld_1", []leadloop.LeadID{"ld_2"}
	into.Claims = leadloop.UniteClaims(into.Claims, from.Claims)
	into.State.Contact = "c_1"
	colleague := lead("ld_9", "ben@acme.com", "+4915199999999")
	colleague.Claims = colleague.Claims[:2]
	c := privacy.Consent{Kind: "email", Value: canary + "@acme.com", State: leadloop.ConsentGranted, Wording: "w1", Proof: "p1", Source: "form", At: at}
	if err := privacy.RecordConsent(ctx, st, tokens(t), c); err != nil {
		t.Fatal(err)
	}
	err := st.Update(ctx, func(tx store.Tx) error {
		for _, l := range []*leadloop.Lead{into, from, second, colleague} {
			if _, err := tx.Leads().Put(ctx, l); err != nil {
				return err
			}
			_, _, claimed := tx.Keys().Claim(ctx, canary+"-key-"+string(l.ID), l.ID)
			if err := errors.Join(claimed,
				tx.Decisions().Put(ctx, leadloop.Decision{Lead: l.ID, Revision: 1, AsOf: at, Steps: []leadloop.Step{{Stage: "score", Trace: json.RawMessage(`"` + canary + `"`)}}}),
				tx.Tasks().Add(ctx, leadloop.Task{Key: "t:" + string(l.ID), Kind: "notify", Lead: l.ID, DueAt: at, Payload: json.RawMessage(`"` + canary + `"`)}),
				tx.Cache().Put(ctx, store.CacheEntry{Key: "k:" + string(l.ID), Lead: l.ID, Data: []byte(canary), ExpiresAt: at.Add(time.Hour)}),
				tx.Journal().Append(ctx, leadloop.Event{Kind: leadloop.EventCaptured, Lead: l.ID, At: at})); err != nil {
				return err
			}
		}
		return tx.CRM().PutContact(ctx, leadloop.Contact{
			ID: "c_1", Account: "a_1", FirstName: canary, LastName: canary, Email: canary + "@acme.com", Phone: "+49 30 123456", Owner: "r_1",
			Identifiers: []leadloop.Identifier{{Kind: "email_base", Value: canary + "@acme.com"}},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// everything is what the store holds, by the lead or contact it is about.
func everything(t testing.TB, st store.Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	add := func(id string, what any) {
		b, err := json.Marshal(what)
		if err != nil {
			t.Fatal(err)
		}
		all[id] += string(b) + "\n"
	}
	err := st.View(ctx, func(tx store.Tx) error {
		leads, err := tx.Leads().List(ctx, "", 1000)
		if err != nil {
			return err
		}
		for _, l := range leads {
			add(string(l.ID), l)
		}
		tasks, err := tx.Tasks().ByLead(ctx, "")
		if err != nil {
			return err
		}
		for _, x := range tasks {
			add(string(x.Lead), x)
		}
		for e, err := range tx.Journal().Since(ctx, 0) {
			if err != nil {
				return err
			}
			if e.Kind != leadloop.EventErased {
				add("journal", e)
			}
		}
		for _, id := range []leadloop.LeadID{"ld_1", "ld_2", "ld_3", "ld_9"} {
			decisions, err := tx.Decisions().ByLead(ctx, id)
			if err != nil {
				return err
			}
			for _, d := range decisions {
				add(string(id), d)
			}
			entry, found, err := tx.Cache().Get(ctx, "k:"+string(id), at)
			if err != nil {
				return err
			}
			if found {
				add(string(id), entry)
			}
			bound, err := tx.Keys().Lookup(ctx, canary+"-key-"+string(id))
			if err == nil {
				add(string(bound), canary+"-key-"+string(id))
			} else if !errors.Is(err, leadloop.ErrNotFound) {
				return err
			}
		}
		c, err := tx.CRM().Contact(ctx, "c_1")
		add("c_1", c)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// others is what must be left after the erasure: the colleague, the journal,
// and of the contact what says nothing about a person.
func others(all map[string]string) map[string]string {
	left := maps.Clone(all)
	for _, id := range []string{"ld_1", "ld_2", "ld_3"} {
		delete(left, id)
	}
	left["c_1"] = `{"id":"c_1","account":"a_1","owner":"r_1","opted_out":true}` + "\n"
	return left
}

func eraser(t testing.TB, st store.Store, systems map[string]privacy.System) *privacy.Eraser {
	t.Helper()
	e, err := privacy.NewEraser(st, tokens(t), systems)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestAnErasureReachesEveryRoleAndLeavesColleaguesAlone(t *testing.T) {
	for name, who := range map[string]privacy.Person{
		"by lead":                       {Lead: "ld_1"},
		"by a record merged into it":    {Lead: "ld_2"},
		"by address":                    {Email: "Canary+news@acme.com"},
		"by a number nobody else has":   {Phone: "+49 151 12345678"},
		"by all that is known together": {Lead: "ld_3", Email: canary + "@acme.com", Phone: "+49 30 123456"},
	} {
		t.Run(name, func(t *testing.T) {
			st := memstore.New()
			person(t, st)
			colleague := others(everything(t, st))
			e := eraser(t, st, nil)
			got, err := e.Erase(ctx, privacy.Request{ID: "dsr-1", Person: who, At: at, Actor: "dpo"})
			if err != nil {
				t.Fatal(err)
			}
			want := []privacy.Target{
				{Name: "leads", State: "done", Count: 3}, {Name: "decisions", State: "done", Count: 3}, {Name: "tasks", State: "done", Count: 3},
				{Name: "keys", State: "done"}, {Name: "cache", State: "done"}, {Name: "consents", State: "done", Count: 1}, {Name: "contacts", State: "done", Count: 1},
			}
			if diff := cmp.Diff(want, got.Targets); diff != "" || got.State != privacy.StateDone {
				t.Errorf("state %s, targets (-want +got):\n%s", got.State, diff)
			}
			if diff := cmp.Diff(colleague, everything(t, st)); diff != "" {
				t.Errorf("what the store holds (-want: the colleague alone, +got):\n%s", diff)
			}
			for who, want := range map[string]string{"canary@acme.com": "erased", "canary.old@acme.com": "erased", "ben@acme.com": ""} {
				if got := listed(t, st, who, ""); got != want {
					t.Errorf("%s is on the list as %q, want %q", who, got, want)
				}
			}
			if got := listed(t, st, "", "+4930123456"); got != "" {
				t.Errorf("the office's number is on the list as %q", got)
			}
			if got := listed(t, st, "", "+4915112345678"); got != "erased" {
				t.Errorf("the person's number is on the list as %q", got)
			}
			again, err := e.Erase(ctx, privacy.Request{ID: "dsr-1", Person: who, At: at.Add(time.Hour), Actor: "somebody else"})
			if diff := cmp.Diff(got, again); err != nil || diff != "" {
				t.Errorf("the same request again: %v\n%s", err, diff)
			}
		})
	}
}

// listed is the reason for which an address or a number is on the list.
func listed(t testing.TB, st store.Store, email, phone string) (reason string) {
	t.Helper()
	tk := tokens(t)
	v, err := tk.Email(email)
	if email == "" {
		v, err = tk.Phone(phone, "")
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := st.View(ctx, func(tx store.Tx) error {
		hits, err := tx.Suppressions().Match(ctx, []string{v})
		for _, h := range hits {
			reason = h.Reason
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return reason
}

func TestAnErasureThatCouldMeanSeveralPeopleIsRefused(t *testing.T) {
	st := memstore.New()
	person(t, st)
	e := eraser(t, st, nil)
	before := everything(t, st)
	for name, tc := range map[string]struct {
		r    privacy.Request
		want error
		says string
	}{
		"an office's number":  {privacy.Request{ID: "x", At: at, Person: privacy.Person{Phone: "+49 30 123456"}}, leadloop.ErrInvalid, "3 leads have the number"},
		"a shared mailbox":    {privacy.Request{ID: "x", At: at, Person: privacy.Person{Email: "info@acme.com"}}, leadloop.ErrInvalid, "shared mailbox"},
		"nobody":              {privacy.Request{ID: "x", At: at}, leadloop.ErrInvalid, "a lead, an e-mail address or a phone number"},
		"no id":               {privacy.Request{At: at, Person: privacy.Person{Lead: "ld_1"}}, leadloop.ErrInvalid, "an id and a time"},
		"no time":             {privacy.Request{ID: "x", Person: privacy.Person{Lead: "ld_1"}}, leadloop.ErrInvalid, "an id and a time"},
		"a lead there is not": {privacy.Request{ID: "x", At: at, Person: privacy.Person{Lead: "ld_404"}}, leadloop.ErrNotFound, "ld_404"},
		"what is no address":  {privacy.Request{ID: "x", At: at, Person: privacy.Person{Email: canary}}, leadloop.ErrInvalid, "the email"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := e.Erase(ctx, tc.r)
			if !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), canary) {
				t.Errorf("error %v, want %v that says %q", err, tc.want, tc.says)
			}
		})
	}
	if diff := cmp.Diff(before, everything(t, st)); diff != "" {
		t.Errorf("something was deleted:\n%s", diff)
	}
	if _, err := e.Receipt(ctx, "x"); !errors.Is(err, leadloop.ErrNotFound) {
		t.Errorf("a receipt for what was refused: %v", err)
	}
}

func TestSystemsAreToldUntilTheyAnswerAndTheTaskHoldsNothingInClear(t *testing.T) {
	st := memstore.New()
	person(t, st)
	var told []privacy.Subject
	down := errors.New("503")
	crm := privacy.SystemFunc(func(_ context.Context, s privacy.Subject) error {
		told = append(told, s)
		return down
	})
	cannot := privacy.SystemFunc(func(context.Context, privacy.Subject) error {
		return fmt.Errorf("no API for it: %w", errors.ErrUnsupported)
	})
	e := eraser(t, st, map[string]privacy.System{"crm": crm, "vendor": cannot})
	r := privacy.Request{ID: "dsr-1", Person: privacy.Person{Lead: "ld_1"}, At: at}
	got, err := e.Erase(ctx, r)
	if err != nil || got.State != privacy.StatePending {
		t.Fatalf("%v, %v", got, err)
	}
	work := func(now time.Time, state leadloop.TaskState) {
		t.Helper()
		if err := st.Update(ctx, func(tx store.Tx) error {
			due, err := tx.Tasks().Lease(ctx, now, 0, 10, privacy.TaskErase)
			if err != nil {
				return err
			}
			for _, task := range due {
				if strings.Contains(string(task.Payload), canary) {
					t.Errorf("the payload of %s tells who it is", task.Key)
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		var tasks []leadloop.Task
		if err := st.View(ctx, func(tx store.Tx) (err error) { tasks, err = tx.Tasks().ByLead(ctx, ""); return err }); err != nil {
			t.Fatal(err)
		}
		for _, task := range tasks {
			if task.Kind != privacy.TaskErase || task.State != leadloop.TaskPending {
				continue
			}
			if err := e.Deliver(ctx, task); err != nil {
				task.LastError = err.Error()
				if err := st.Update(ctx, func(tx store.Tx) error { return tx.Tasks().Finish(ctx, task, state) }); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	targets := func() map[string]privacy.Target {
		t.Helper()
		got, err := e.Receipt(ctx, "dsr-1")
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]privacy.Target{"": {State: got.State}}
		for _, x := range got.Targets {
			if x.Name == "crm" || x.Name == "vendor" {
				out[x.Name] = x
			}
		}
		return out
	}
	work(at, leadloop.TaskDead)
	want := map[string]privacy.Target{
		"":       {State: privacy.StateFailed},
		"crm":    {Name: "crm", State: privacy.StateFailed, Attempts: 1, LastError: "privacy: erase: crm: 503"},
		"vendor": {Name: "vendor", State: privacy.StateUnsupported, Attempts: 1},
	}
	if diff := cmp.Diff(want, targets()); diff != "" {
		t.Fatalf("after the first try (-want +got):\n%s", diff)
	}
	down = nil
	if got, err := e.Erase(ctx, r); err != nil || got.State != privacy.StatePending {
		t.Fatalf("asked again: %v, %v", got, err)
	}
	work(at, leadloop.TaskDead)
	want[""], want["crm"] = privacy.Target{State: privacy.StateDone}, privacy.Target{Name: "crm", State: privacy.StateDone, Attempts: 1}
	if diff := cmp.Diff(want, targets()); diff != "" {
		t.Errorf("at the end (-want +got):\n%s", diff)
	}
	subject := privacy.Subject{
		Leads: []leadloop.LeadID{"ld_1", "ld_2", "ld_3"}, Contacts: []leadloop.ContactID{"c_1"},
		Emails: []string{"canary.old@acme.com", "canary@acme.com"}, Phones: []string{"+4915112345678", "+4915112345679", "+4930123456"},
	}
	if diff := cmp.Diff([]privacy.Subject{subject, subject}, told); diff != "" {
		t.Errorf("whom the CRM was told to forget (-want +got):\n%s", diff)
	}
	if err := st.View(ctx, func(tx store.Tx) error {
		tasks, err := tx.Tasks().ByLead(ctx, "")
		if i := slices.IndexFunc(tasks, func(x leadloop.Task) bool { return x.Kind == privacy.TaskErase }); i >= 0 {
			t.Errorf("task %s is still there", tasks[i].Key)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestALegalHoldKeepsALeadAndThePersonInPeace(t *testing.T) {
	st := memstore.New()
	person(t, st)
	e := eraser(t, st, nil)
	if err := privacy.Hold(ctx, st, tokens(t), "ld_2", at); err != nil {
		t.Fatal(err)
	}
	before := everything(t, st)
	r := privacy.Request{ID: "dsr-1", Person: privacy.Person{Email: "canary@acme.com"}, At: at}
	for range 2 {
		got, err := e.Erase(ctx, r)
		if err != nil || got.State != privacy.StateHeld {
			t.Fatalf("%v, %v", got, err)
		}
	}
	if diff := cmp.Diff(before, everything(t, st)); diff != "" {
		t.Errorf("something was deleted:\n%s", diff)
	}
	if got := listed(t, st, "canary@acme.com", ""); got != "opted_out" {
		t.Errorf("on the list as %q, want opted_out", got)
	}
	if err := privacy.Release(ctx, st, tokens(t), "ld_2"); err != nil {
		t.Fatal(err)
	}
	got, err := e.Erase(ctx, r)
	if err != nil || got.State != privacy.StateDone || got.Targets[0].Count != 3 {
		t.Errorf("after the release: %v, %v", got, err)
	}
	if got := listed(t, st, "canary@acme.com", ""); got != "erased" {
		t.Errorf("on the list as %q, want erased", got)
	}
	if err := privacy.Hold(ctx, st, tokens(t), "ld_404", at); !errors.Is(err, leadloop.ErrNotFound) {
		t.Errorf("a hold on no lead: %v", err)
	}
}

func TestWhicheverStoreCallOfAnErasureFailsTheNextAttemptEndsTheSame(t *testing.T) {
	runs := faulttest.Sweep(t, func(t testing.TB) store.Store {
		st := memstore.New()
		person(t, st)
		return st
	}, func(ctx context.Context, st store.Store) error {
		e, err := privacy.NewEraser(st, tokens(t), map[string]privacy.System{"crm": privacy.SystemFunc(func(context.Context, privacy.Subject) error { return nil })})
		if err != nil {
			return err
		}
		if _, err := e.Erase(ctx, privacy.Request{ID: "dsr-1", Person: privacy.Person{Email: "canary@acme.com"}, At: at}); err != nil {
			return err
		}
		var tasks []leadloop.Task
		if err := st.View(ctx, func(tx store.Tx) (err error) { tasks, err = tx.Tasks().ByLead(ctx, ""); return err }); err != nil {
			return err
		}
		for _, task := range tasks {
			if task.Kind == privacy.TaskErase {
				if err := e.Deliver(ctx, task); err != nil {
					return err
				}
			}
		}
		got, err := e.Receipt(ctx, "dsr-1")
		if err == nil && got.State != privacy.StateDone {
			err = fmt.Errorf("the erasure is %s", got.State)
		}
		return err
	})
	if runs < 100 {
		t.Errorf("only %d faults were tried", runs)
	}
}

func TestAColleagueWithTheNumberOfWhoWasErasedIsNotLost(t *testing.T) {
	st := memstore.New()
	person(t, st)
	if _, err := eraser(t, st, nil).Erase(ctx, privacy.Request{ID: "dsr-1", Person: privacy.Person{Lead: "ld_1"}, At: at}); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		claims []leadloop.Claim
		want   string
	}{
		"the person again":                      {[]leadloop.Claim{claim("lead.email", "Canary+x@acme.com", "n"), claim("lead.mobile", "+4915112345678", "n")}, "erased"},
		"the person under an earlier address":   {[]leadloop.Claim{claim("lead.email", "canary.old@acme.com", "n")}, "erased"},
		"only the person's number":              {[]leadloop.Claim{claim("lead.mobile", "0151 12345678", "n"), claim("lead.country", "DE", "n")}, "erased"},
		"the person's number, a shared mailbox": {[]leadloop.Claim{claim("lead.email", "info@acme.com", "n"), claim("lead.mobile", "+4915112345678", "n")}, "erased"},
		"somebody else with the number":         {[]leadloop.Claim{claim("lead.email", "zoe@acme.com", "n"), claim("lead.mobile", "+4915112345678", "n")}, ""},
		"somebody else":                         {[]leadloop.Claim{claim("lead.email", "zoe@acme.com", "n")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if err := st.Update(ctx, func(tx store.Tx) error {
				l := &leadloop.Lead{ID: leadloop.LeadID("new " + name), Claims: tc.claims}
				hits, err := tx.Suppressions().Match(ctx, tokens(t).Listed(l))
				if err != nil {
					return err
				}
				got, err := tokens(t).Forget(ctx, tx, l, hits, at)
				if got != tc.want {
					t.Errorf("%q, want %q", got, tc.want)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
		})
	}
}
