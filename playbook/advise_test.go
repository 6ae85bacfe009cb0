package playbook_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
	"github.com/leadloop/leadloop/tracking"
)

const advisedYAML = `model: advised
version: 1
fields: {plan: string}
rules:
  - {id: vp, group: fit, when: 'lead.seniority == "vp"', points: 25}
  - {id: gold, group: fit, when: 'lead.plan == "gold"', points: 30}
  - {id: size, group: bulk, points: "min(40.0, double(company.employees) / 10.0)"}
groups: {fit: {max: 100}, bulk: {max: 50}}
score: "fit + bulk * 0.5"
tiers: {A: 50, B: 25, C: 0}
`

const advisedRouting = `teams: [{id: sales, manager: mia, members: [ana, ben]}]
reps: [{id: ana}, {id: ben, weight: 50}, {id: mia}]
pools: [{id: sales, team: sales}]
queues: [{id: triage, team: sales}]
chain: [{id: all, target: {pool: sales}}]
final: triage
`

// aLead is what the makers of outcomes below decide by.
type aLead struct {
	vp, gold bool
	size     float64 // points of the rule
	score    float64
	source   string
	owner    leadloop.RepID
}

var advisedWeek = tracking.Monday(at).AddDate(0, 0, 12*7)

// advised is a loop of that playbook with leads of eight weeks, of which those
// become SQL that won says; late says who misses the clock.
func advised(t *testing.T, seed uint64, n int, won func(l aLead) float64, late func(l aLead) float64) (*playbook.Playbook, store.Store) {
	t.Helper()
	pb, problems := playbook.Load(files(map[string]string{"scoring.yaml": advisedYAML, "routing.yaml": advisedRouting, "enrich.yaml": "", "sla.yaml": ""}))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	st := memstore.New()
	loop, err := pb.Loop(ctx, st, playbook.Options{Tokens: tokens(t)})
	if err != nil {
		t.Fatal(err)
	}
	plan, _ := pb.Schema().Lookup("lead.plan")
	r := rand.New(rand.NewPCG(seed, seed))
	var more []leadloop.Event
	for i := range n {
		came := advisedWeek.AddDate(0, 0, -12*7).Add(time.Duration(i) * 56 * 24 * time.Hour / time.Duration(n))
		l := aLead{vp: r.IntN(2) == 0, gold: r.IntN(3) == 0, source: []string{"web", "list", "partner"}[r.IntN(3)]}
		employees := 10 * r.Int64N(41)
		l.size = float64(employees) / 10
		l.score = l.size / 2
		e := leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: came}
		s := leadloop.Submission{Key: fmt.Sprint("k", i), Source: "form", ReceivedAt: came, Claims: []leadloop.Claim{
			leadloop.Email.Claim(fmt.Sprintf("p%d@c%d.com", i, i), e), leadloop.Employees.Claim(employees, e), leadloop.Source.Claim(l.source, e),
		}}
		level, word := "manager", "silver"
		if l.vp {
			level, l.score = "vp", l.score+25
		}
		if l.gold {
			word, l.score = "gold", l.score+30
		}
		v, err := leadloop.ParseValue(plan.Kind, word)
		if err != nil {
			t.Fatal(err)
		}
		s.Claims = append(s.Claims, leadloop.Seniority.Claim(level, e), leadloop.Claim{Field: "lead.plan", Value: v, Evidence: e})
		res, err := loop.Process(ctx, s, came)
		if err != nil {
			t.Fatal(err)
		}
		if got := res.Lead.State.Score.Points.Float(); got != l.score {
			t.Fatalf("lead %+v has %v points", l, got)
		}
		l.owner = res.Lead.State.Owner
		if r.Float64() < won(l) {
			more = append(more, leadloop.Event{Kind: leadloop.EventStageChanged, Lead: res.Lead.ID, At: came.AddDate(0, 0, 5), From: "sal", To: "sql"})
		}
		kind := leadloop.EventSLAMet
		if late != nil && r.Float64() < late(l) {
			kind = leadloop.EventSLAMissed
		}
		more = append(more, leadloop.Event{Kind: leadloop.EventSLAStarted, Lead: res.Lead.ID, At: came}, leadloop.Event{Kind: kind, Lead: res.Lead.ID, At: came.Add(time.Hour)})
	}
	err = st.Update(ctx, func(tx store.Tx) error { return tx.Journal().Append(ctx, more...) })
	if err != nil {
		t.Fatal(err)
	}
	return pb, st
}

func odds(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// true of scores: each point of the score raises the odds as any other.
func asScored(l aLead) float64 { return odds(.07 * (l.score - 45)) }

func TestAReviewNamesTheRuleThresholdOrWeightThatTheLeadsSpeakAgainst(t *testing.T) {
	for name, tc := range map[string]struct {
		won, late func(l aLead) float64
		want      tracking.Proposal // Kind, About, File, Path, Before
		after     func(v float64) bool
		effect    string
	}{
		"a rule whose points promise too much": {
			won: func(l aLead) float64 {
				if l.gold {
					l.score -= 30
				}
				return odds(.1 * (l.score - 35))
			},
			want:  tracking.Proposal{Kind: tracking.ProposeRule, About: "gold", File: "scoring.yaml", Path: "rules.gold.points", Before: "30"},
			after: func(v float64) bool { return v >= 0 && v <= 16 }, effect: "A → B",
		},
		"a rule whose points promise too little": {
			won:   func(l aLead) float64 { return odds(.07 * (l.score + 1.2*l.size - 60)) },
			want:  tracking.Proposal{Kind: tracking.ProposeRule, About: "size", File: "scoring.yaml", Path: "rules.size.points", Before: "min(40.0, double(company.employees) / 10.0)"},
			after: func(v float64) bool { return v > 1.3 && v <= 2 }, effect: "C → B",
		},
		"a source that is worth less than its scores": {
			won: func(l aLead) float64 {
				if l.source == "list" {
					l.score -= 35
				}
				return asScored(l)
			},
			want:  tracking.Proposal{Kind: tracking.ProposeSource, About: "list", File: "scoring.yaml", Path: "modifiers.source-list"},
			after: func(v float64) bool { return v < -10 && v > -36 }, effect: "A → B",
		},
		"a threshold that is too high": {
			won: func(l aLead) float64 {
				switch {
				case l.score >= 40:
					return .7
				case l.score >= 25:
					return .25
				}
				return .05
			},
			want:  tracking.Proposal{Kind: tracking.ProposeThreshold, About: "A", File: "scoring.yaml", Path: "tiers.A", Before: "50"},
			after: func(v float64) bool { return v >= 37 && v <= 44 }, effect: "B → A",
		},
		"a threshold that is too low": {
			won: func(l aLead) float64 {
				if l.score >= 60 {
					return .7
				}
				return .1
			},
			want:  tracking.Proposal{Kind: tracking.ProposeThreshold, About: "A", File: "scoring.yaml", Path: "tiers.A", Before: "50"},
			after: func(v float64) bool { return v >= 54 && v <= 64 }, effect: "A → B",
		},
		"a weight that gives somebody more than can be answered in time": {
			won: asScored,
			late: func(l aLead) float64 {
				if l.owner == "ana" {
					return .7
				}
				return .1
			},
			want:  tracking.Proposal{Kind: tracking.ProposeOwner, About: "ana", Pool: "sales", File: "routing.yaml", Path: "reps.ana.weight", Before: "100"},
			after: func(v float64) bool { return v > 30 && v < 50 }, effect: "ana gets",
		},
	} {
		t.Run(name, func(t *testing.T) {
			pb, st := advised(t, 11, 600, tc.won, tc.late)
			review, err := tracking.NewReview(ctx, st, advisedWeek, tracking.ReviewOptions{Weeks: 20, Advisor: pb.Advisor()})
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(review.Proposals, func(p tracking.Proposal) bool { return p.Kind == tc.want.Kind })
			if i < 0 {
				t.Fatalf("of %d comparisons only %+v", review.Compared, review.Proposals)
			}
			p := review.Proposals[i]
			got := tracking.Proposal{Kind: p.Kind, About: p.About, Pool: p.Pool, File: p.File, Path: p.Path, Before: p.Before}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("proposal (-want +got):\n%s%+v", diff, review.Proposals)
			}
			text := p.After
			if i := strings.LastIndex(text, "* "); i >= 0 {
				text = text[i+2:]
			}
			if v, err := strconv.ParseFloat(text, 64); err != nil || !tc.after(v) {
				t.Errorf("after is %q\n%+v", p.After, p)
			}
			if !strings.Contains(p.Effect, tc.effect) || p.Evidence == "" || review.Compared < 10 {
				t.Errorf("%d comparisons, %+v", review.Compared, p)
			}
		})
	}
}

func TestLeadsThatEndAsTheirScoresSayGetNoProposals(t *testing.T) {
	proposed := 0
	const runs = 5
	for seed := range uint64(runs) {
		pb, st := advised(t, seed+20, 300, asScored, func(aLead) float64 { return .3 })
		review, err := tracking.NewReview(ctx, st, advisedWeek, tracking.ReviewOptions{Weeks: 20, Advisor: pb.Advisor()})
		if err != nil {
			t.Fatal(err)
		}
		proposed += len(review.Proposals)
	}
	if proposed > 1 {
		t.Errorf("%d proposals in %d weeks of chance", proposed, runs)
	}
}

func TestTheLatestPlaybookIsThatOfTheLatestDecision(t *testing.T) {
	pb, st := advised(t, 1, 10, asScored, nil)
	got, err := playbook.Latest(ctx, st, advisedWeek)
	if err != nil || got.Digest() != pb.Digest() {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := playbook.Latest(ctx, st, at.AddDate(-1, 0, 0)); !errors.Is(err, leadloop.ErrNotFound) {
		t.Errorf("before there were decisions: %v", err)
	}
	// Decisions by another model say nothing about this one's rules.
	err = st.View(ctx, func(tx store.Tx) error {
		leads, err := tx.Leads().List(ctx, "", 1)
		if err != nil {
			return err
		}
		d, err := tx.Decisions().Latest(ctx, leads[0].ID)
		if err != nil {
			return err
		}
		if j, ok := pb.Advisor().Judged(d); !ok || j.Lead != leads[0].ID || !slices.Contains([]string{"A", "B", "C"}, j.Tier) {
			t.Errorf("%+v, %v", j, ok)
		}
		if _, ok := edition(t, 3, 30).Advisor().Judged(d); ok {
			t.Error("a decision by another model is judged")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
