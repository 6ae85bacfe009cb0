package lifecycle_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/lifecycle"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

var nine = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// apply is what a loop does with effects: the state, and the CRM's records.
func apply(s *leadloop.Subject, st store.Store, step leadloop.Stage) error {
	_, e, err := step.Decide(context.Background(), *s)
	if err != nil {
		return err
	}
	s.Previous = s.Lead.State
	if e.State != nil {
		s.Lead.State = *e.State
	}
	for _, ev := range e.Events {
		fmt.Println(ev.Kind, ev.From, "→", ev.To, ev.Reason, "by", ev.Actor)
	}
	for _, t := range e.Tasks {
		fmt.Println("task", t.Kind, "at", t.DueAt.Format("Mon 15:04"))
	}
	if st == nil {
		return nil
	}
	return st.Update(context.Background(), func(tx store.Tx) error {
		for _, a := range e.Accounts {
			if err := tx.CRM().PutAccount(context.Background(), a); err != nil {
				return err
			}
		}
		for _, c := range e.Contacts {
			if err := tx.CRM().PutContact(context.Background(), c); err != nil {
				return err
			}
		}
		for _, o := range e.Opportunities {
			fmt.Println(o.Status, "opportunity from", o.Source)
			if err := tx.CRM().PutOpportunity(context.Background(), o); err != nil {
				return err
			}
		}
		return nil
	})
}

// What an owner does not want goes where the reason says.
func ExampleLifecycle_Reject() {
	l, err := lifecycle.New(lifecycle.Default(), leadloop.StandardSchema(), lifecycle.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	lead := &leadloop.Lead{ID: "ld_1", State: leadloop.State{Stage: "mql", Owner: "ana", Disposition: leadloop.OutcomeAssigned}}
	s := leadloop.Subject{Lead: lead, Profile: leadloop.StandardSchema().NewProfile(), AsOf: nine}
	for _, reason := range []string{"boring", "not_ready"} {
		if err := apply(&s, nil, l.Reject("ana", reason)); err != nil {
			fmt.Println(strings.Replace(err.Error(), "; ", ";\n", 1))
		}
	}
	// Output:
	// lead ld_1: stage mql to rejected refused: the reason must be one of not_my_territory, no_time, conflict_of_interest, not_ready, not_a_fit, invalid_contact, duplicate, wrong_data
	// rejected ana →  not_ready by ana
	// stage_changed mql → nurture not_ready by ana
	// nurtured  →  not_ready by ana
}

// A lead becomes a contact, an account and an opportunity, and keeps its source.
func ExampleLifecycle_Convert() {
	def, err := lifecycle.Parse("lifecycle.yaml", []byte(`initial: sql
stages:
  - {id: sql, to: [{stage: opportunity}]}
  - {id: opportunity, needs: [bant], to: [{stage: customer}, {stage: lost}]}
  - {id: customer, final: true}
  - {id: lost, final: true}
qualification: [{use: bant, at_least: 1}]
conversion: {stage: opportunity, won: customer, lost: lost}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	var answers []leadloop.AnyField
	for _, f := range def.Fields() {
		answers = append(answers, f)
	}
	schema, err := leadloop.NewSchema(answers...)
	if err != nil {
		fmt.Println(err)
		return
	}
	l, err := lifecycle.New(def, schema, lifecycle.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	st := memstore.New()
	desk := l.With(lifecycle.Host{Store: st})

	form := leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", Record: "ld_1", ObservedAt: nine}
	lead := &leadloop.Lead{ID: "ld_1", State: leadloop.State{Stage: "sql", Owner: "ana"}, Claims: []leadloop.Claim{leadloop.Source.Claim("webinar", form)}}
	s := leadloop.Subject{Lead: lead, Profile: schema.NewProfile(), AsOf: nine}
	if err := apply(&s, st, desk.Convert("ana", lifecycle.Deal{})); err != nil {
		fmt.Println(strings.Count(err.Error(), "undecided"), "questions are open")
	}
	if err := s.Profile.SetValue("lead.bant_need", leadloop.ValueOf("reports take a week")); err != nil {
		fmt.Println(err)
		return
	}
	for _, step := range []leadloop.Stage{
		desk.Convert("ana", lifecycle.Deal{Amount: 20_000_000_000}),
		desk.Close(leadloop.OpportunityWon, 0, "", "ana"),
	} {
		if err := apply(&s, st, step); err != nil {
			fmt.Println(err)
			return
		}
	}
	// Output:
	// 4 questions are open
	// stage_changed sql → opportunity criteria_met by ana
	// converted  → op_1  by ana
	// open opportunity from webinar
	// won  → op_1  by ana
	// stage_changed opportunity → customer won by ana
	// won opportunity from webinar
}

// A clock is a task for the moment in which it runs out.
func ExampleNewClocks() {
	def, err := lifecycle.Parse("lifecycle.yaml", []byte(`initial: open
stages:
  - {id: open, to: [{stage: done}]}
  - {id: done, final: true}
clocks: [{id: unmoved, since: stage, after: 3d, do: {flag: true}}]
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	l, err := lifecycle.New(def, leadloop.StandardSchema(), lifecycle.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	s := leadloop.Subject{Lead: &leadloop.Lead{ID: "ld_1"}, Profile: leadloop.StandardSchema().NewProfile(), AsOf: nine, Trigger: leadloop.TriggerSubmission}
	if err := apply(&s, nil, lifecycle.NewStage(l)); err != nil {
		fmt.Println(err)
		return
	}
	s.Previous = leadloop.State{} // both steps are of one run
	_, e, err := lifecycle.NewClocks(l).Decide(context.Background(), s)
	if err != nil {
		fmt.Println(err)
		return
	}
	task := e.Tasks[0]
	fmt.Println("task", task.Kind, "at", task.DueAt.Format("Mon 15:04"))

	s.AsOf, s.Trigger, s.Task, s.Previous = task.DueAt, leadloop.TriggerTask, &task, s.Lead.State
	if err := apply(&s, nil, lifecycle.NewClocks(l)); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("flag:", s.Lead.State.Flag)
	// Output:
	// stage_changed  → open arrived by rule:initial
	// task clock at Thu 09:00
	// flagged  → unmoved stale by rule:unmoved
	// flag: unmoved
}

// A step is due outside of the quiet hours of the person.
func ExampleNewCadence() {
	calls, err := lifecycle.ParseCadences("cadences.yaml", []byte(`quiet: {daily: ["20:00-08:00"], sat-sun: ["00:00-24:00"]}
cadences: [{id: win-back, steps: [{id: hello, channel: email, content: mail/hello}]}]
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	schema := leadloop.StandardSchema()
	cadences, err := lifecycle.NewCadences(calls, schema, lifecycle.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	l, err := lifecycle.New(lifecycle.Default(), schema, lifecycle.Options{Cadences: cadences})
	if err != nil {
		fmt.Println(err)
		return
	}
	l = l.With(lifecycle.Host{Permission: lifecycle.PermissionFunc(func(context.Context, leadloop.Subject, string, string) (string, error) { return "", nil })})
	s := leadloop.Subject{Lead: &leadloop.Lead{ID: "ld_1", State: leadloop.State{Stage: "mql", Owner: "ana"}}, Profile: schema.NewProfile(), AsOf: nine}
	leadloop.Timezone.Set(s.Profile, "America/Los_Angeles") // where it is one in the night
	_, e, err := l.Enrol("win-back", "ana").Decide(context.Background(), s)
	if err != nil {
		fmt.Println(err)
		return
	}
	due := e.Tasks[0]
	fmt.Println(due.Kind, "due", due.DueAt.Format("Mon 15:04 MST"))

	s.Lead.State, s.AsOf, s.Task, s.Trigger = *e.State, due.DueAt, &due, leadloop.TriggerTask
	_, e, err = lifecycle.NewCadence(l).Decide(context.Background(), s)
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := lifecycle.ReadDelivery(e.Tasks[0])
	fmt.Println(d.Channel, d.Content, "for", d.Owner, err)
	fmt.Println("then observe:", d.Sent(due.DueAt).Type, "by", d.Sent(due.DueAt).Actor)
	// Output:
	// cadence due Mon 16:00 UTC
	// email mail/hello for ana <nil>
	// then observe: email_sent by cadence:win-back
}
