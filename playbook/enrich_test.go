package playbook_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

func TestDemandNamesWhoReadsAndWhoOffersAField(t *testing.T) {
	pb, problems := playbook.Load(files(map[string]string{
		"scoring.yaml": scoringYAML + "modifiers:\n  - {id: far, when: 'lead.country != \"US\"', multiply: 0.5, owner: me, expires: 2030-01-01}\n",
		"routing.yaml": strings.Replace(routingYAML, "chain:\n", "chain:\n  - {id: giants, employees: {min: 5000}, target: {rep: ana}}\n", 1),
		"enrich.yaml":  strings.Replace(enrichYAML, "[company.employees]", "[company.employees, company.founded, lead.phone]", 1) + "fields: {lead.phone: {buy: always}}\n",
		"privacy.yaml": "consent_required_in: [DE]\n",
	}))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	got, err := pb.Demand()
	if err != nil {
		t.Fatal(err)
	}
	want := []playbook.Demand{
		{Field: "company.country", Readers: []string{"consent"}},
		{Field: "company.employees", Readers: []string{"rule big", "entry giants"}, Providers: []string{"vendor"}},
		{Field: "company.founded", Providers: []string{"vendor"}},
		{Field: "lead.consent", Readers: []string{"consent"}},
		{Field: "lead.country", Readers: []string{"modifier far", "consent"}},
		{Field: "lead.phone", Readers: []string{"people"}, Providers: []string{"vendor"}},
		{Field: "lead.plan", Readers: []string{"rule plan"}},
		{Field: "lead.seniority", Readers: []string{"rule vp", "lifecycle"}},
		{Field: "lead.title", Readers: []string{"rule student"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("demand (-want +got):\n%s", diff)
	}
	var warned []string
	for _, p := range problems {
		warned = append(warned, p.Message)
	}
	if diff := cmp.Diff([]string{"provider vendor offers company.founded, which no rule reads; it is never bought"}, warned); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

// buys counts what a vendor was asked.
func buys(n int64, calls *int) map[string]enrich.Provider {
	return vendor(func(ctx context.Context, q enrich.Query) (enrich.Answer, error) {
		*calls++
		return knows(n)(ctx, q)
	})
}

func TestNobodyPaysForALookupThatCannotChangeTheDecision(t *testing.T) {
	for _, tc := range []struct {
		name      string
		mode      enrich.Mode
		seniority string
		calls     int
		because   string
	}{
		{"with 30 points a head count could make it an A", enrich.Needed, "vp", 1, ""},
		{"with none it could make it a B", enrich.Needed, "clerk", 1, ""},
		{"unless nobody buys at all", enrich.Off, "vp", 0, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			calls := 0
			loop, err := playbook.Open(ctx, files(nil), memstore.New(), playbook.Options{Tokens: tokens(t), Providers: buys(1000, &calls), Enrich: tc.mode})
			if err != nil {
				t.Fatal(err)
			}
			sub := vp("k")
			for i := range sub.Claims {
				if sub.Claims[i].Field == leadloop.Seniority.Name() {
					sub.Claims[i].Value = leadloop.ValueOf(tc.seniority)
				}
			}
			if _, err := loop.Process(ctx, sub, at); err != nil {
				t.Fatal(err)
			}
			if calls != tc.calls {
				t.Errorf("%d calls", calls)
			}
		})
	}
	t.Run("a student is out whatever the head count", func(t *testing.T) {
		calls := 0
		st := memstore.New()
		pb, _ := playbook.Load(files(nil))
		loop, err := pb.Loop(ctx, st, playbook.Options{Tokens: tokens(t), Providers: buys(1000, &calls)})
		if err != nil {
			t.Fatal(err)
		}
		sub := vp("k")
		sub.Claims = append(sub.Claims, leadloop.Title.Claim("Student", leadloop.Evidence{Origin: leadloop.OriginRep, Source: "ana", ObservedAt: at}))
		if _, err := loop.Process(ctx, sub, at); err != nil || calls > 0 {
			t.Errorf("%d calls, %v", calls, err)
		}
	})
	t.Run("and the decision says why in words", func(t *testing.T) {
		// 60 points alone are a B; seniority is known to give none, and the plan
		// gives at most 10.
		calls := 0
		st := memstore.New()
		pb, problems := playbook.Load(files(map[string]string{"enrich.yaml": strings.Replace(enrichYAML, "[company.employees]", "[lead.plan]", 1)}))
		if err := problems.Err(); err != nil {
			t.Fatal(err)
		}
		loop, err := pb.Loop(ctx, st, playbook.Options{Tokens: tokens(t), Providers: buys(0, &calls)})
		if err != nil {
			t.Fatal(err)
		}
		sub := vp("k")
		sub.Claims = append(sub.Claims, leadloop.Employees.Claim(1000, leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: at}))
		res, err := loop.Process(ctx, sub, at)
		if err != nil {
			t.Fatal(err)
		}
		var decisions []leadloop.Decision
		if err := st.View(ctx, func(tx store.Tx) (err error) { decisions, err = tx.Decisions().ByLead(ctx, res.Lead.ID); return err }); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := pb.Explain(&b, res.Lead, decisions...); err != nil {
			t.Fatal(err)
		}
		want := "It stopped before any of 1 provider was asked: tier A and owner Ana whatever lead.plan is."
		if !strings.Contains(b.String(), want) || calls > 0 {
			t.Errorf("%d calls; %q is not in\n%s", calls, want, b.String())
		}
	})
}

func TestARefreshNeverClobbersWhatARepTyped(t *testing.T) {
	calls := 0
	st := memstore.New()
	pb, _ := playbook.Load(files(nil))
	loop, err := pb.Loop(ctx, st, playbook.Options{Tokens: tokens(t), Providers: buys(10, &calls)})
	if err != nil {
		t.Fatal(err)
	}
	sub := vp("k")
	sub.Claims = append(sub.Claims, leadloop.Employees.Claim(1000, leadloop.Evidence{Origin: leadloop.OriginRep, Source: "ana", ObservedAt: at}))
	res, err := loop.Process(ctx, sub, at)
	if err != nil || calls > 0 {
		t.Fatalf("%d calls, %v", calls, err)
	}
	later := at.Add(24 * time.Hour)
	if err := st.Update(ctx, func(tx store.Tx) error {
		return tx.Tasks().Add(ctx, enrich.RefreshTask(res.Lead.ID, later, leadloop.Employees.Name()))
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := loop.Advance(ctx, later); err != nil {
		t.Fatal(err)
	}
	var lead *leadloop.Lead
	var decisions []leadloop.Decision
	if err := st.View(ctx, func(tx store.Tx) (err error) {
		if lead, err = tx.Leads().Get(ctx, res.Lead.ID); err != nil {
			return err
		}
		decisions, err = tx.Decisions().ByLead(ctx, res.Lead.ID)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	n, _ := leadloop.Employees.Get(leadloop.Golden(pb.Schema(), pb.Policy(), lead.Claims))
	if n != 1000 || calls != 1 || lead.State.Score.Tier != "A" {
		t.Errorf("%d employees after %d calls, tier %s", n, calls, lead.State.Score.Tier)
	}
	var b bytes.Buffer
	if err := pb.Explain(&b, lead, decisions...); err != nil {
		t.Fatal(err)
	}
	if want := "vendor says another company.employees than the rep, whose value stands."; !strings.Contains(b.String(), want) {
		t.Errorf("%q is not in\n%s", want, b.String())
	}
}

// TestWhoIsSuppressedMeanwhileIsNotSent has a person opt out after the
// suppression step and before the first lookup.
func TestWhoIsSuppressedMeanwhileIsNotSent(t *testing.T) {
	calls := 0
	st := memstore.New()
	pb, _ := playbook.Load(files(nil))
	w, err := pb.Waterfall(st, playbook.Options{Tokens: tokens(t), Providers: buys(10, &calls)})
	if err != nil {
		t.Fatal(err)
	}
	if err := privacy.Suppress(ctx, st, tokens(t), "email", "ann@acme.com", "erased", at); err != nil {
		t.Fatal(err)
	}
	p := pb.Schema().NewProfile()
	leadloop.Email.Set(p, "ann@acme.com")
	leadloop.Domain.Set(p, "acme.com")
	r, err := w.Enrich(ctx, leadloop.Subject{Lead: &leadloop.Lead{ID: "l"}, Profile: p, AsOf: at, Trigger: leadloop.TriggerSubmission})
	if err != nil || r.Stopped != "erased" || calls > 0 {
		t.Errorf("%d calls, %+v, %v", calls, r, err)
	}
}

// TestNobodyIsSentWhomALoopWouldStop asks a waterfall made alone, as for a
// backlog, about leads that never get as far as the enrichment of a loop.
func TestNobodyIsSentWhomALoopWouldStop(t *testing.T) {
	pb, problems := playbook.Load(files(map[string]string{"privacy.yaml": "consent_required_in: [DE]\n"}))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	german := func(p *leadloop.Profile) { leadloop.Country.Set(p, "DE") }
	for _, tc := range []struct {
		name    string
		state   leadloop.State
		trigger leadloop.Trigger
		set     func(*leadloop.Profile)
		reason  string
		calls   int
	}{
		{"a person's no stands", leadloop.State{Disposition: leadloop.OutcomeDisqualified, Reason: "no_budget"}, leadloop.TriggerTask, nil, "no_budget", 0},
		{"until they come back", leadloop.State{Disposition: leadloop.OutcomeDisqualified, Reason: "no_budget"}, leadloop.TriggerRecycle, nil, "", 1},
		{"a German who was not asked", leadloop.State{}, leadloop.TriggerSubmission, german, "consent_missing", 0},
		{"a German who said yes", leadloop.State{}, leadloop.TriggerSubmission, func(p *leadloop.Profile) { german(p); leadloop.Consent.Set(p, leadloop.ConsentGranted) }, "", 1},
		{"anybody who said no", leadloop.State{}, leadloop.TriggerSubmission, func(p *leadloop.Profile) { leadloop.Consent.Set(p, leadloop.ConsentDenied) }, "consent_denied", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			calls := 0
			w, err := pb.Waterfall(memstore.New(), playbook.Options{Tokens: tokens(t), Providers: buys(1000, &calls)})
			if err != nil {
				t.Fatal(err)
			}
			p := pb.Schema().NewProfile()
			leadloop.Domain.Set(p, "acme.com")
			leadloop.Seniority.Set(p, "vp")
			if tc.set != nil {
				tc.set(p)
			}
			s := leadloop.Subject{Lead: &leadloop.Lead{ID: "l", State: tc.state}, Profile: p, AsOf: at, Trigger: tc.trigger, Previous: tc.state}
			e, err := w.Estimate(ctx, func(yield func(leadloop.Subject, error) bool) { yield(s, nil) })
			if err != nil || e.Asking != tc.calls {
				t.Errorf("estimate %+v, %v", e, err)
			}
			r, err := w.Enrich(ctx, s)
			if err != nil || r.Stopped != tc.reason || calls != tc.calls {
				t.Errorf("%d calls, %+v, %v", calls, r, err)
			}
		})
	}
}
