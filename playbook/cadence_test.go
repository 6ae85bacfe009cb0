package playbook_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/lifecycle"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store"
)

// cold is somebody whom routing gives to the track "newsletter".
func cold(key string, more ...leadloop.Claim) leadloop.Submission {
	e := leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: at}
	claims := []leadloop.Claim{leadloop.Email.Claim(key+"@"+key+".com", e), leadloop.Seniority.Claim("junior", e), leadloop.Employees.Claim(5, e)}
	for _, c := range more {
		c.Evidence = e
		claims = append(claims, c)
	}
	return leadloop.Submission{Key: key, Source: "form", ReceivedAt: at, Claims: claims}
}

func said[T leadloop.FieldType](f leadloop.Field[T], v T) leadloop.Claim {
	return f.Claim(v, leadloop.Evidence{})
}

func (f *office) steps() (out []string) {
	for _, d := range f.done {
		out = append(out, fmt.Sprintf("%d %s %s %s", d.Number, d.Step, d.Channel, d.Content))
	}
	return out
}

func (f *office) dues(id leadloop.LeadID) (out []string) {
	for _, t := range f.tasks(id, leadloop.TaskCadence) {
		out = append(out, t.DueAt.Format("01-02 15:04"))
	}
	return out
}

func TestATrackWithACadenceWritesUntilItIsDone(t *testing.T) {
	f := newOffice(t, nil)
	id := process(t, f.loop, cold("one", said(leadloop.Phone, "+14155550123"))).ID
	if got := f.lead(id).State.Cadence; got.Cadence != "newsletter" || !got.Since.Equal(at) {
		t.Fatalf("%+v", got)
	}
	f.pass(at.AddDate(0, 0, 40))
	variant := f.done[1].Variant
	f.want("the steps", []string{"1 hello email mail/hello", "2 story email mail/" + variant, "3 talk call script/talk", "4 last email mail/last"}, f.steps())
	f.want("the journal", []string{
		"11-02 15:00 enrolled >newsletter by rule:track",
		"11-02 15:00 cadence_step >newsletter by rule:cadence",
		"11-04 15:00 cadence_step >newsletter by rule:cadence",
		"11-06 15:00 cadence_step >newsletter by rule:cadence",
		"11-08 15:00 cadence_step >newsletter by rule:cadence",
		"11-08 15:00 cadence_ended >newsletter finished by rule:cadence",
	}, f.journal(id, leadloop.EventEnrolled, leadloop.EventCadenceStep, leadloop.EventCadenceEnded))
	if got := f.lead(id).State.Cadence; !got.IsZero() {
		t.Errorf("%+v", got)
	}
}

func TestAStepThatDoesNotApplyIsLeftOut(t *testing.T) {
	f := newOffice(t, nil)
	id := process(t, f.loop, cold("one")).ID // without a phone
	f.pass(at.AddDate(0, 0, 40))
	if len(f.done) != 3 || f.done[2].Step != "last" {
		t.Error(f.steps())
	}
	f.want("the journal says so", []string{"11-06 15:00 cadence_step >newsletter skipped by rule:cadence"}, f.journal(id, leadloop.EventCadenceStep)[2:3])
}

func TestNobodyIsReachedInTheirQuietHours(t *testing.T) {
	for name, tc := range map[string]struct {
		claims []leadloop.Claim
		want   string // of the first step, 15:00 UTC being asked for
	}{
		"in Tokyo it is midnight: at eight in the morning":                  {[]leadloop.Claim{said(leadloop.Timezone, "Asia/Tokyo")}, "11-02 23:00"},
		"in Los Angeles it is seven in the morning":                         {[]leadloop.Claim{said(leadloop.Timezone, "America/Los_Angeles")}, "11-02 16:00"},
		"in Germany it is four in the afternoon":                            {[]leadloop.Claim{said(leadloop.Country, "DE")}, "11-02 15:00"},
		"in Sydney, told by the country and region, it is two in the night": {[]leadloop.Claim{said(leadloop.Country, "AU"), said(leadloop.Region, "NSW")}, "11-02 21:00"},
		"nobody knows where":                                                {nil, "11-02 15:00"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newOffice(t, nil)
			id := process(t, f.loop, cold("one", tc.claims...)).ID
			f.want("due", []string{tc.want}, f.dues(id))
			f.pass(at.AddDate(0, 0, 1))
			f.want("done", []string{tc.want + " cadence_step >newsletter by rule:cadence"}, f.journal(id, leadloop.EventCadenceStep))
		})
	}
}

func TestAReplyAMeetingAnEngagementAndAnOptOutEndACadence(t *testing.T) {
	for kind, reason := range map[string]string{"email_reply": "reply", "meeting_booked": "meeting", "demo_request": "engagement", "unsubscribe": "opt_out", "pricing_view": ""} {
		t.Run(kind, func(t *testing.T) {
			f := newOffice(t, nil)
			id := process(t, f.loop, cold("one")).ID
			f.saw(id, kind, "", at.Add(time.Hour))
			f.pass(at.AddDate(0, 0, 40))
			ended := f.journal(id, leadloop.EventCadenceEnded)
			if reason == "" {
				if len(f.done) != 3 {
					t.Error(f.steps(), ended)
				}
				return
			}
			f.want("the end", []string{"11-02 16:00 cadence_ended >newsletter " + reason + " by stage:cadence"}, ended)
			if len(f.done) != 1 || len(f.dues(id)) != 0 {
				t.Error("after the end:", f.steps(), f.dues(id))
			}
		})
	}
}

func TestSuppressionIsCheckedAtEachStepAndAgainOnDelivery(t *testing.T) {
	f := newOffice(t, nil)
	id := process(t, f.loop, cold("one")).ID
	f.pass(at)
	suppress := func(when time.Time) {
		if err := privacy.Suppress(ctx, f.st, tokens(t), privacy.KindEmail, "one@one.com", privacy.ReasonOptedOut, when); err != nil {
			t.Fatal(err)
		}
	}
	suppress(at.Add(time.Hour))
	f.pass(at.AddDate(0, 0, 40))
	if len(f.done) != 1 {
		t.Error(f.steps())
	}
	f.want("why it ended", []string{"11-04 15:00 cadence_ended >newsletter opted_out by stage:cadence"}, f.journal(id, leadloop.EventCadenceEnded))

	// Decided, not yet delivered, and then suppressed.
	g := newOffice(t, nil)
	g.pass(at)
	id = process(t, g.loop, cold("one")).ID
	due := g.tasks(id, leadloop.TaskCadence)[0]
	o := playbook.Options{Tokens: tokens(t)}
	slow, err := g.pb.Loop(ctx, g.st, o) // has nobody who delivers
	if err != nil {
		t.Fatal(err)
	}
	if _, err := slow.Advance(ctx, due.DueAt); err != nil {
		t.Fatal(err)
	}
	steps := g.tasks(id, leadloop.TaskStep)
	if len(steps) != 1 || len(steps[0].Tokens) == 0 {
		t.Fatalf("%+v", steps)
	}
	f.st = g.st
	suppress(due.DueAt)
	g.pass(due.DueAt.Add(time.Minute))
	if len(g.done) != 0 {
		t.Error("delivered all the same:", g.steps())
	}
}

func TestAStepNeedsTheConsentForItsChannelAndItsPurpose(t *testing.T) {
	f := newOffice(t, map[string]string{"privacy.yaml": "consent: [{in: [DE], for: [marketing]}, {in: [FR], for: [call]}]\n"})
	german := process(t, f.loop, cold("one", said(leadloop.Country, "DE"))).ID
	french := process(t, f.loop, cold("two", said(leadloop.Country, "FR"), said(leadloop.Phone, "+33612345678"))).ID
	f.pass(at.AddDate(0, 0, 40))
	f.want("marketing", []string{"11-02 15:00 cadence_ended >newsletter consent_missing by stage:cadence"}, f.journal(german, leadloop.EventCadenceEnded))
	f.want("a call", []string{"11-06 15:00 cadence_ended >newsletter consent_missing by stage:cadence"}, f.journal(french, leadloop.EventCadenceEnded))
}

func TestAPausedCadenceGoesOnWhereItWas(t *testing.T) {
	f := newOffice(t, nil)
	id := process(t, f.loop, cold("one")).ID
	f.pass(at)
	day := func(n int) time.Time { return at.AddDate(0, 0, n) }
	got := f.do(id, day(1), f.desk.Pause("mia", "trade_fair")).State.Cadence
	if !got.Paused() || got.Left != 24*time.Hour || !got.DueAt.IsZero() || len(f.dues(id)) != 0 {
		t.Errorf("%+v %v", got, f.dues(id))
	}
	f.do(id, day(2), f.desk.Pause("mia", "trade_fair")) // again changes nothing
	f.pass(day(20))
	if len(f.done) != 1 {
		t.Error(f.steps())
	}
	f.do(id, day(20), f.desk.Resume("mia", "fair_over"))
	f.want("due", []string{"11-23 15:00"}, f.dues(id))
	f.pass(day(21))
	if len(f.done) != 2 || f.done[1].Step != "story" {
		t.Error(f.steps())
	}
	f.do(id, day(22), f.desk.Stop("mia", "asked_to"))
	f.do(id, day(23), f.desk.Stop("mia", "asked_to"))
	f.want("the journal", []string{
		"11-03 15:00 cadence_paused >newsletter trade_fair by mia", "11-22 15:00 cadence_resumed >newsletter fair_over by mia", "11-24 15:00 cadence_ended >newsletter asked_to by mia",
	}, f.journal(id, leadloop.EventCadencePaused, leadloop.EventCadenceResumed, leadloop.EventCadenceEnded))
	for _, no := range []leadloop.Stage{f.desk.Pause("mia", "x"), f.desk.Resume("mia", "x"), f.desk.Enrol("newslettr", "mia"), f.desk.Stop("", "x"), f.desk.Stop("mia", "Not a code")} {
		f.refused(id, day(24), no)
	}
	f.do(id, day(25), f.desk.Enrol("newsletter", "mia"))
	if got := f.lead(id).State.Cadence; got.Cadence != "newsletter" || got.Step != 0 || !got.Since.Equal(day(25)) {
		t.Errorf("%+v", got)
	}
}

func TestTheSameLeadAlwaysGetsTheSameVariantAndSharesAreThoseOfTheWeights(t *testing.T) {
	f := newOffice(t, nil)
	counts := map[string]int{}
	byLead := map[leadloop.LeadID]string{}
	const n = 400
	for i := range n {
		process(t, f.loop, cold(fmt.Sprintf("lead%d", i)))
	}
	f.pass(at.AddDate(0, 0, 3))
	for _, d := range f.done {
		if d.Step == "story" {
			counts[d.Variant]++
			byLead[d.Lead] = d.Variant
		}
	}
	// Weights are 1 and 3; four standard deviations of a fair draw are 35.
	if counts["a"]+counts["b"] != n || counts["a"] < n/4-35 || counts["a"] > n/4+35 {
		t.Error(counts)
	}
	g := newOffice(t, nil)
	for i := range 20 {
		process(t, g.loop, cold(fmt.Sprintf("lead%d", i)))
	}
	g.pass(at.AddDate(0, 0, 3))
	for _, d := range g.done {
		if d.Step == "story" && byLead[d.Lead] != d.Variant {
			t.Errorf("lead %s gets %s, then %s", d.Lead, byLead[d.Lead], d.Variant)
		}
	}
}

func TestWhatCameOfAStepIsAnActivityThatScoringReadsOnce(t *testing.T) {
	scoring := strings.Replace(scoringYAML, "  - {id: student", "  - {id: opened, group: fit, when: 'activities.exists(a, a.type == \"email_opened\" && a.attributes[\"variant\"] != \"\")', points: 90}\n  - {id: student", 1)
	f := newOffice(t, map[string]string{"scoring.yaml": scoring})
	id := process(t, f.loop, cold("one")).ID
	f.pass(at.AddDate(0, 0, 2))
	d := f.done[1]
	sent, opened := d.Sent(at.AddDate(0, 0, 2)), d.Outcome("email_opened", "", at.AddDate(0, 0, 2).Add(time.Hour))
	if sent.Type != "email_sent" || sent.Actor != "cadence:newsletter" || sent.Attributes["step"] != "story" {
		t.Errorf("%+v", sent)
	}
	for range 2 { // delivered twice
		if _, err := f.loop.Observe(ctx, id, opened.At, sent, opened); err != nil {
			t.Fatal(err)
		}
	}
	got := f.lead(id)
	if got.State.Score.Tier != "A" || len(got.Activities) != 2 || !got.State.FirstTouchAt.IsZero() {
		t.Errorf("%+v, %d activities", got.State, len(got.Activities))
	}
	// It is A now, and somebody's: the newsletter ends.
	f.want("the end", []string{"11-04 16:00 cadence_ended >newsletter left by stage:cadence"}, f.journal(id, leadloop.EventCadenceEnded))
}

func TestACadenceInBusinessTimeWaitsForOfficeHours(t *testing.T) {
	f := newOffice(t, map[string]string{
		"sla.yaml":       "zone: America/New_York\ncalendars: {office: {zone: owner, hours: {mon-fri: [\"09:00-17:00\"]}}}\n",
		"cadences.yaml":  "cadences: [{id: calls, calendar: office, enrol: 'stage == \"mql\"', stop_on: [reply], steps: [{id: one, channel: call, content: a}, {id: two, channel: task, after: 10h, content: b}]}]\n",
		"lifecycle.yaml": strings.Replace(lifecycleYAML, "do: {reengage: win-back}", "do: {flag: true}", 1),
		"routing.yaml":   strings.Replace(routingYAML, "{id: ana, name: Ana}", "{id: ana, name: Ana, timezone: Europe/Berlin}", 1),
	})
	// Monday, 15:00 UTC is 16:00 in Berlin: an hour is left of the day.
	id := process(t, f.loop, person("one", 600, at)).ID
	if f.lead(id).State.Owner != "ana" {
		t.Fatal(f.lead(id).State.Owner)
	}
	f.want("at once", []string{"11-02 15:00"}, f.dues(id))
	f.pass(at)
	f.want("an hour today, eight tomorrow, one on Wednesday", []string{"11-04 09:00"}, f.dues(id))
}

func TestADefinitionThatLosesACadenceLetsItsLeadsGo(t *testing.T) {
	f := newOffice(t, nil)
	id := process(t, f.loop, cold("one")).ID
	f.pass(at)
	pb, problems := playbook.Load(files(map[string]string{"enrich.yaml": "", "sla.yaml": ""}))
	if problems.Err() != nil {
		t.Fatal(problems)
	}
	loop, err := pb.Loop(ctx, f.st, playbook.Options{Tokens: tokens(t)})
	if err != nil {
		t.Fatal(err)
	}
	f.loop = loop
	f.pass(at.AddDate(0, 0, 5))
	f.want("the end", []string{"11-04 15:00 cadence_ended >newsletter removed by stage:cadence"}, f.journal(id, leadloop.EventCadenceEnded))
}

func TestTheStepsOfACadenceHaveKeysThatStay(t *testing.T) {
	f := newOffice(t, nil)
	id := process(t, f.loop, cold("one")).ID
	// A worker that dies between the decision and the end of the task decides again.
	var key string
	for range 2 {
		loop, err := f.pb.Loop(ctx, f.st, playbook.Options{Tokens: tokens(t), Engine: engine.Options{}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := loop.Advance(ctx, at); err != nil {
			t.Fatal(err)
		}
		steps := f.tasks(id, leadloop.TaskStep)
		if len(steps) != 1 || key != "" && steps[0].Key != key {
			t.Fatalf("%+v", steps)
		}
		key = steps[0].Key
		d, err := lifecycle.ReadDelivery(steps[0])
		want := lifecycle.Delivery{Lead: id, Cadence: "newsletter", Since: at, Step: "hello", Number: 1, Channel: "email", Purpose: "marketing", Content: "mail/hello"}
		if diff := cmp.Diff(want, d); diff != "" || err != nil {
			t.Error(diff, err)
		}
	}
	if want := "step:" + string(id) + ":newsletter:20261102T150000.000000000:hello"; key != want {
		t.Errorf("%s, want %s", key, want)
	}
	if _, err := lifecycle.ReadDelivery(leadloop.Task{Key: "x", Kind: leadloop.TaskNotify}); err == nil {
		t.Error("a notification is no step")
	}
	err := f.st.View(ctx, func(tx store.Tx) error {
		for e, err := range tx.Journal().ByLead(ctx, id) {
			if err != nil {
				return err
			}
			if e.Kind == leadloop.EventCadenceStep && (e.Attrs["step"] != "hello" || e.Attrs["number"] != "1" || e.Attrs["due"] != "2026-11-04T15:00:00Z" || e.Attrs["since"] != "2026-11-02T15:00:00Z") {
				t.Errorf("%+v", e)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheExplanationSaysHowFarALeadHasComeAndWhatComesNext(t *testing.T) {
	f := newOffice(t, map[string]string{"lifecycle.yaml": strings.Replace(lifecycleYAML, "{id: new, to", "{id: new, action: Call now., to", 1)})
	explained := func(id leadloop.LeadID) string {
		var b strings.Builder
		var all []leadloop.Decision
		err := f.st.View(ctx, func(tx store.Tx) (err error) {
			all, err = tx.Decisions().ByLead(ctx, id)
			return err
		})
		if err == nil {
			err = f.pb.Explain(&b, f.lead(id), all...)
		}
		if err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	hot, cool := process(t, f.loop, person("one", 600, at)).ID, process(t, f.loop, cold("two")).ID
	f.do(hot, at.Add(time.Hour), f.desk.Accept("ana"))
	f.pass(at.AddDate(0, 0, 3))
	got := explained(cool)
	for _, want := range []string{"It is in stage nurture since 2026-11-02 15:00:00 UTC.", "It is in cadence newsletter; after 2 steps the next is due 2026-11-06 15:00:00 UTC."} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing:\n%s", want, got)
		}
	}
	f.do(cool, at.AddDate(0, 0, 3), f.desk.Pause("mia", "fair"))
	if got := explained(cool); !strings.Contains(got, "Its cadence newsletter is paused since 2026-11-05 15:00:00 UTC, after 2 steps.") {
		t.Error(got)
	}
	got = explained(hot)
	for _, want := range []string{"It is in stage sal since 2026-11-02 16:00:00 UTC, with status new since 2026-11-02 15:00:00 UTC.", "Next: Call now."} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing:\n%s", want, got)
		}
	}
	f.pass(at.AddDate(0, 0, 40))
	if got := explained(hot); !strings.Contains(got, "It is flagged as stale by the clock unmoved.") {
		t.Error(got)
	}
}

func TestATrackWhoseCadenceIsMisspeltIsWarnedOf(t *testing.T) {
	_, problems := playbook.Load(files(map[string]string{"enrich.yaml": "", "sla.yaml": "", "lifecycle.yaml": lifecycleYAML, "cadences.yaml": strings.Replace(cadencesYAML, "id: newsletter", "id: newsleter", 1)}))
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	want := []string{`routing.yaml:6:5: warning: entry low: no cadence works the track "newsletter" (did you mean "newsleter"?)`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
