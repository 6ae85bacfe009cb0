package playbook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/yamldoc"
	"github.com/leadloop/leadloop/lifecycle"
)

type lifecycleEntry struct {
	At          leadloop.Position     `yaml:"-"`
	Name        string                `yaml:"name,required"`
	AsOf        leadloop.Expression   `yaml:"as_of"`
	Lead        map[string]yaml.Node  `yaml:"lead"`
	None        []leadloop.Expression `yaml:"none"`
	Activities  []yamldoc.Activity    `yaml:"activities"`
	Tier        leadloop.Expression   `yaml:"tier"`
	Points      leadloop.Expression   `yaml:"points"`
	Stage       leadloop.Expression   `yaml:"stage"`
	Status      leadloop.Expression   `yaml:"status"`
	Owner       leadloop.Expression   `yaml:"owner"`
	Disposition leadloop.Expression   `yaml:"disposition"`
	Move        leadloop.Expression   `yaml:"move"`
	SetStatus   leadloop.Expression   `yaml:"set_status"`
	Accept      bool                  `yaml:"accept"`
	Recycle     bool                  `yaml:"recycle"`
	By          leadloop.Expression   `yaml:"by"`
	Reason      leadloop.Expression   `yaml:"reason"`
	Want        lifecycleWant         `yaml:"want,required"`
}

type lifecycleWant struct {
	At          leadloop.Position     `yaml:"-"`
	Stage       leadloop.Expression   `yaml:"stage"`
	Status      leadloop.Expression   `yaml:"status"`
	Disposition leadloop.Expression   `yaml:"disposition"`
	Refused     []leadloop.Expression `yaml:"refused"`
	Needs       []leadloop.Expression `yaml:"needs"`
}

// lifecycleCase is a lead in a stage, what somebody does with it or else what
// the loop does by itself, and where that must lead.
type lifecycleCase struct {
	at         leadloop.Position
	name       string
	asOf       time.Time
	lead       *leadloop.Lead
	to, status string // what somebody wants; "" for nothing
	accept     bool
	trigger    leadloop.Trigger
	by, reason string
	want       struct {
		stage, status, disposition string
		refused, needs             []string // nil is not looked at
	}
}

// What stands against a move besides criteria, which have their own ids.
const (
	refusedWay    = "no_way"
	refusedBy     = "not_allowed"
	refusedReason = "wrong_reason"
)

// dispositions are where a loop can have left a lead.
var dispositions = []string{
	string(leadloop.OutcomeAssigned), string(leadloop.OutcomeQueued), string(leadloop.OutcomeNurture), string(leadloop.OutcomeAlerted),
	string(leadloop.OutcomeDisqualified), string(leadloop.OutcomeSuppressed), string(leadloop.OutcomeArchived),
}

func (k *caseReader) lifecycle(e *lifecycleEntry) lifecycleCase {
	c := lifecycleCase{at: e.At, name: e.Name, to: e.Move.Text, status: e.SetStatus.Text, accept: e.Accept, by: e.By.Text, reason: e.Reason.Text, trigger: leadloop.TriggerActivity}
	c.asOf, _ = leadloop.ParseTime(e.AsOf.Text) // it was tried before
	c.lead = k.lead(c.asOf, e.Lead, e.None, e.Activities)
	if k.pb.lifecycle == nil {
		return c // it has been said why
	}
	stages, statuses := k.pb.lifecycle.Stages(), k.pb.lifecycle.Statuses()
	k.one(e.Stage, "stage", "stage", stages)
	k.one(e.Status, "status", "status", statuses)
	k.one(e.Tier, "tier", "tier", append(slices.Clone(k.pb.model.Tiers()), none))
	k.one(e.Move, "move", "stage", stages)
	k.one(e.SetStatus, "set_status", "status", statuses)
	k.one(e.Disposition, "disposition", "disposition", dispositions)
	s := &c.lead.State
	since := c.asOf.Add(-24 * time.Hour)
	s.Stage, s.Status, s.Owner, s.Disposition = e.Stage.Text, e.Status.Text, leadloop.RepID(e.Owner.Text), leadloop.OutcomeKind(e.Disposition.Text)
	if s.Stage != "" {
		s.StageSince, s.StatusSince = since, since
	}
	if s.Owner != "" {
		s.OwnerSince = since
		if s.Disposition == "" {
			s.Disposition = leadloop.OutcomeAssigned
		}
	}
	if !e.Tier.IsZero() {
		s.Score = leadloop.Score{Known: true, Tier: strings.TrimSuffix(e.Tier.Text, none), Model: "case"}
	}
	if !e.Points.IsZero() {
		f, ok := yamldoc.Number(e.Points.Text)
		v, fits := leadloop.PointsOf(f)
		if !ok || !fits {
			k.add(e.Points.At, "", "points: expected a number of points")
		}
		s.Score.Known, s.Score.Model = true, "case"
		s.Score.Points, s.Score.Low, s.Score.High = v, v, v
	}
	if e.Recycle {
		c.trigger = leadloop.TriggerRecycle
	}
	k.doing(e)
	k.lifecycleWant(&c, &e.Want, stages, statuses)
	return c
}

// doing checks what somebody does.
func (k *caseReader) doing(e *lifecycleEntry) {
	var does []string
	for _, x := range []struct {
		key string
		set bool
	}{{"move", !e.Move.IsZero()}, {"set_status", !e.SetStatus.IsZero()}, {"accept", e.Accept}, {"recycle", e.Recycle}} {
		if x.set {
			does = append(does, x.key)
		}
	}
	switch byPerson := !e.Move.IsZero() || !e.SetStatus.IsZero() || e.Accept; {
	case len(does) > 1:
		k.add(e.At, "", "one thing is done at a time, found %s", strings.Join(does, " and "))
	case byPerson && e.By.IsZero():
		k.add(e.At, "", "by: missing: who does it")
	case !byPerson && !(e.By.IsZero() && e.Reason.IsZero()):
		k.add(e.At, "", "by and reason go with move, set_status or accept")
	case (!e.Move.IsZero() || !e.SetStatus.IsZero()) && e.Reason.IsZero():
		k.add(e.At, "", "reason: missing: the code that is given")
	case e.Accept && !e.Reason.IsZero():
		k.add(e.Reason.At, "", "reason: nobody gives one to accept a lead")
	}
}

func (k *caseReader) lifecycleWant(c *lifecycleCase, w *lifecycleWant, stages, statuses []string) {
	k.one(w.Stage, "want.stage", "stage", stages)
	k.one(w.Status, "want.status", "status", append(slices.Clone(statuses), none))
	k.one(w.Disposition, "want.disposition", "disposition", append(slices.Clone(dispositions), none))
	c.want.stage, c.want.status, c.want.disposition = w.Stage.Text, w.Status.Text, w.Disposition.Text
	for _, x := range []struct {
		list []leadloop.Expression
		out  *[]string
	}{{w.Refused, &c.want.refused}, {w.Needs, &c.want.needs}} {
		if x.list == nil {
			continue
		}
		*x.out = []string{}
		for _, e := range x.list {
			*x.out = append(*x.out, e.Text)
		}
		slices.Sort(*x.out)
	}
	if c.want.refused != nil && c.to == "" && c.status == "" && !c.accept {
		k.add(w.At, "", "want.refused: goes with move, set_status or accept")
	}
	if !k.broken && c.want.stage == "" && c.want.status == "" && c.want.disposition == "" && c.want.refused == nil && c.want.needs == nil {
		k.add(w.At, "", "want: says nothing that could fail")
	}
}

// run does what the case says, or has the loop look at the lead.
func (c *lifecycleCase) run(ctx context.Context, p *Playbook, desk *lifecycle.Lifecycle) (string, error) {
	lead := c.lead.Clone()
	profile := leadloop.Golden(p.schema, p.policy, lead.Claims)
	profile.SetActivities(lead.Activities)
	s := leadloop.Subject{Lead: lead, Profile: profile, AsOf: c.asOf, Trigger: c.trigger, Previous: lead.State}
	if lead.State.Stage == "" {
		s.Trigger, s.Previous = leadloop.TriggerSubmission, leadloop.State{}
	}
	var stage leadloop.Stage
	switch {
	case c.to != "":
		stage = desk.Move(c.to, c.reason, c.by)
	case c.status != "":
		stage = desk.SetStatus(c.status, c.reason, c.by)
	case c.accept:
		stage = desk.Accept(leadloop.RepID(c.by))
	default:
		stage = lifecycle.NewStage(desk)
	}
	_, effects, err := stage.Decide(ctx, s)
	var no *lifecycle.RefusedError
	if err != nil && !errors.As(err, &no) {
		return "", err
	}
	after := lead.State
	if effects.State != nil {
		after = *effects.State
	}
	var how []string
	for _, e := range effects.Events {
		how = append(how, fmt.Sprintf("%s from %s to %s (%s), by %s", e.Kind, orNone(e.From), orNone(e.To), e.Reason, e.Actor))
	}
	if no != nil {
		how = append(how, no.Error())
	} else if len(how) == 0 {
		how = append(how, "it stays as it is")
	}
	refused, needs := against(no)
	if no == nil && c.to == "" && c.status == "" && !c.accept {
		// What keeps the loop from moving the lead on.
		lead.State = after
		ways, err := desk.Ways(ctx, s, "")
		if err != nil {
			return "", err
		}
		for _, w := range ways {
			for _, u := range w.Unmet {
				if w.Auto {
					how, needs = append(how, fmt.Sprintf("not on to %s: %s", w.To, u)), append(needs, u.Needs...)
				}
			}
		}
		slices.Sort(needs)
		needs = slices.Compact(needs)
	}
	var m misses
	m.list("refused", c.want.refused, refused)
	m.list("needs", c.want.needs, needs)
	m.differ("stage", c.want.stage, after.Stage)
	m.differ("status", c.want.status, orNone(after.Status))
	m.differ("disposition", c.want.disposition, orNone(string(after.Disposition)))
	return m.text(c.at, c.name, "The lifecycle", how), nil
}

// against are the codes of what stands against a move, and what it needs.
func against(no *lifecycle.RefusedError) (refused, needs []string) {
	if no == nil {
		return nil, nil
	}
	if no.Allowed != nil {
		refused = append(refused, refusedWay)
	}
	if no.NotOwner || len(no.By) > 0 {
		refused = append(refused, refusedBy)
	}
	if len(no.Reasons) > 0 {
		refused = append(refused, refusedReason)
	}
	for _, u := range no.Unmet {
		refused, needs = append(refused, u.Criterion), append(needs, u.Needs...)
	}
	slices.Sort(refused)
	slices.Sort(needs)
	return slices.Compact(refused), slices.Compact(needs)
}
