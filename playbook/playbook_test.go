package playbook_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

var (
	ctx = context.Background()
	at  = time.Date(2026, 11, 2, 15, 0, 0, 0, time.UTC)
)

const scoringYAML = `model: small
version: 3
changed: {by: revops, at: 2026-11-01, why: "first"}
fields: {plan: string}
rules:
  - {id: big, group: fit, when: "company.employees >= 500", points: 60}
  - {id: vp, group: fit, when: 'lead.seniority in ["vp", "c_level"]', points: 30}
  - {id: plan, group: fit, when: 'lead.plan == "enterprise"', points: 10}
  - {id: student, when: 'lead.title.contains("Student")', disqualify: student}
groups: {fit: {max: 100}}
score: "fit"
tiers: {A: 70, B: 30, C: 0}
`

const routingYAML = `teams: [{id: sales, manager: mia, members: [ana, ben]}, {id: managers, members: [mia]}]
reps: [{id: ana, name: Ana}, {id: ben, name: Ben}, {id: mia, name: Mia}]
pools: [{id: sales, team: sales}]
queues: [{id: triage, team: sales}]
chain:
  - {id: low, tier: [C], target: {nurture: newsletter}}
  - {id: all, tier: [A, B], target: {pool: sales}}
final: triage
`

const slaYAML = `policies:
  - {id: a, tier: A, target: 15m, escalate: [{notify: owner}, {after: 15m, notify: manager}, {after: 1h, notify: "queue:triage"}]}
`

const enrichYAML = `min_fit: 0
deadline: 2s
providers:
  - {name: vendor, type: host, fields: [company.employees], needs: [company.domain], price: 0.10, timeout: 1s, retries: 0}
`

func files(change map[string]string) fs.FS {
	out := fstest.MapFS{}
	for name, text := range map[string]string{"scoring.yaml": scoringYAML, "routing.yaml": routingYAML, "sla.yaml": slaYAML, "enrich.yaml": enrichYAML} {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	for name, text := range change {
		if text == "" {
			delete(out, name)
		} else {
			out[name] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	return out
}

func tokens(t testing.TB) *privacy.Tokens {
	t.Helper()
	k, err := privacy.NewTokens("test", bytes.Repeat([]byte{7}, privacy.MinKey))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func vendor(lookup enrich.ProviderFunc) map[string]enrich.Provider {
	return map[string]enrich.Provider{"vendor": lookup}
}

func knows(n int64) enrich.ProviderFunc {
	return func(context.Context, enrich.Query) (enrich.Answer, error) {
		return enrich.Answer{Matched: true, Facts: []enrich.Fact{{Field: leadloop.Employees.Name(), Value: leadloop.ValueOf(n)}}}, nil
	}
}

func vp(key string) leadloop.Submission {
	e := leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: at}
	return leadloop.Submission{Key: key, Source: "form", ReceivedAt: at, Claims: []leadloop.Claim{
		leadloop.Email.Claim(key+"@acme.com", e), leadloop.Domain.Claim("acme.com", e), leadloop.Seniority.Claim("vp", e), leadloop.Title.Claim("VP Sales", e),
	}}
}

func TestEveryProblemOfAllFilesIsReportedAtOnce(t *testing.T) {
	pb, problems := playbook.Load(files(map[string]string{
		"scoring.yaml":      strings.Replace(scoringYAML, "company.employees", "company.employes", 1),
		"routing.yaml":      strings.Replace(routingYAML, "team: sales}]\nqueues", "team: sale}]\nqueues", 1),
		"enrich.yaml":       strings.Replace(enrichYAML, "fields: [company.employees]", "fields: [company.employee]", 1),
		"survivorship.yaml": "default: most_recentt\n",
		"lifecycle.yaml":    "stagez: []\n",
		"privacy.yaml":      "consent_required_in: [Germany]\n",
		"rooting.yaml":      "a: b\n",
	}))
	if pb != nil {
		t.Error("a playbook with problems was given out")
	}
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	want := []string{
		`enrich.yaml:4:41: fields: the schema has no field "company.employee" (did you mean "company.employees"?)`,
		`lifecycle.yaml:1:1: file: unknown key "stagez" (did you mean "stages"?)`,
		`lifecycle.yaml:1:1: file: missing key "initial"`,
		`lifecycle.yaml:1:1: file: missing key "stages"`,
		`privacy.yaml:1:23: consent_required_in: expected a country code such as DE, found "Germany" (did you mean "DE"?)`,
		`rooting.yaml: warning: is no file of a playbook and is not read (did you mean "routing.yaml"?)`,
		`routing.yaml:3:9: pool sales: there is no team "sale" (did you mean "sales"?)`,
		`scoring.yaml:6:34: rule "big": unknown field company.employes (did you mean "company.employees"?)`,
		`survivorship.yaml:1:1: default: unknown kind "most_recentt" (did you mean "most_recent"?)`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAFileThatIsMissingOrNoYAMLIsSaidOnceWithoutItsConsequences(t *testing.T) {
	for name, tc := range map[string]struct {
		change map[string]string
		want   []string
	}{
		"no scoring":         {map[string]string{"scoring.yaml": ""}, []string{"scoring.yaml: is missing; a playbook needs it"}},
		"no routing":         {map[string]string{"routing.yaml": ""}, []string{"routing.yaml: is missing; a playbook needs it"}},
		"scoring is no YAML": {map[string]string{"scoring.yaml": "model: ["}, []string{"scoring.yaml:1:1: not valid YAML: did not find expected node content"}},
		"routing is no YAML": {map[string]string{"routing.yaml": "chain: ["}, []string{"routing.yaml:1:1: not valid YAML: did not find expected node content"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := playbook.Load(files(tc.change))
			errs, _ := problems.Split()
			var got []string
			for _, p := range errs {
				got = append(got, p.String())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatIsBoughtIsComparedWithWhatIsRead(t *testing.T) {
	_, problems := playbook.Load(files(map[string]string{"enrich.yaml": strings.Replace(enrichYAML, "[company.employees]", "[company.revenue]", 1)}))
	var got []string
	for _, p := range problems {
		if p.At.File == "enrich.yaml" {
			got = append(got, p.Message)
		}
	}
	want := []string{
		"provider vendor offers company.revenue, which no rule reads; it is never bought",
		"rules read company.employees, which no provider offers; it is known only if a form or the CRM says it",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestModifiersPastTheirDateAreNamedWithTheirOwner(t *testing.T) {
	pb, problems := playbook.Load(files(map[string]string{"scoring.yaml": scoringYAML + "modifiers:\n  - {id: autumn, add: 5, owner: marketing, expires: 2026-11-08}\n"}))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	if got := pb.Expired(time.Date(2026, 11, 7, 23, 0, 0, 0, time.UTC)); len(got) > 0 {
		t.Errorf("before the date: %v", got)
	}
	want := leadloop.Problems{{
		At: leadloop.Position{File: "scoring.yaml", Line: 14, Column: 5}, Warning: true,
		Message: "modifier autumn expired on 2026-11-08; marketing, who owns it, should renew it or take it out",
	}}
	if diff := cmp.Diff(want, pb.Expired(time.Date(2026, 11, 8, 0, 0, 0, 0, time.UTC))); diff != "" {
		t.Error(diff)
	}
}

func TestTheDigestNamesTheContentsAndTheStoreKeepsThem(t *testing.T) {
	a, _ := playbook.Load(files(nil))
	b, _ := playbook.Load(files(nil))
	c, _ := playbook.Load(files(map[string]string{"sla.yaml": slaYAML + "# a word\n"}))
	if a.Digest() != b.Digest() || a.Digest() == c.Digest() {
		t.Errorf("digests %s %s %s", a.Digest(), b.Digest(), c.Digest())
	}
	st := memstore.New()
	if _, err := a.Loop(ctx, st, playbook.Options{Tokens: tokens(t), Providers: vendor(knows(1))}); err != nil {
		t.Fatal(err)
	}
	if err := st.View(ctx, func(tx store.Tx) error {
		stored, err := tx.Playbooks().Get(ctx, a.Digest())
		if string(stored["scoring.yaml"]) != scoringYAML {
			t.Error("the scoring file is not stored as it was")
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

func TestOnlyFieldsThatRulesReadAreRead(t *testing.T) {
	pb, problems := playbook.Load(files(nil))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"company.employees", "lead.plan", "lead.seniority", "lead.title"}, pb.Reads()); diff != "" {
		t.Error(diff)
	}
}

// TestTheLeadGetsAnOwnerWhateverTheProviderDoes is about providers that are
// down, slow, lying or broken: each is a fact in the record, never a failed
// lead.
func TestTheLeadGetsAnOwnerWhateverTheProviderDoes(t *testing.T) {
	for name, tc := range map[string]struct {
		provider enrich.ProviderFunc
		takes    time.Duration
		tier     string
		needs    []string
	}{
		"one that answers": {knows(900), 0, "A", []string{"lead.plan"}},
		"one that is down": {func(context.Context, enrich.Query) (enrich.Answer, error) {
			return enrich.Answer{}, errors.New("dial tcp: refused")
		}, 0, "B", []string{"company.employees", "lead.plan"}},
		"one that hangs costs its timeout": {func(ctx context.Context, _ enrich.Query) (enrich.Answer, error) {
			<-ctx.Done()
			return enrich.Answer{}, ctx.Err()
		}, time.Second, "B", []string{"company.employees", "lead.plan"}},
		"one that lies about the type": {func(context.Context, enrich.Query) (enrich.Answer, error) {
			return enrich.Answer{Matched: true, Facts: []enrich.Fact{{Field: leadloop.Employees.Name(), Value: leadloop.ValueOf("many")}}}, nil
		}, 0, "B", []string{"company.employees", "lead.plan"}},
		"one that gives nonsense": {knows(-5), 0, "B", []string{"company.employees", "lead.plan"}},
		"one that panics":         {func(context.Context, enrich.Query) (enrich.Answer, error) { panic("vendor") }, 0, "B", []string{"company.employees", "lead.plan"}},
		"one that knows that there is none": {func(context.Context, enrich.Query) (enrich.Answer, error) {
			return enrich.Answer{}, nil
		}, 0, "B", []string{"lead.plan"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				loop, err := playbook.Open(ctx, files(nil), memstore.New(), playbook.Options{Tokens: tokens(t), Providers: vendor(tc.provider)})
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				res, err := loop.Process(ctx, vp("k1"), at)
				if err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took != tc.takes {
					t.Errorf("took %v, want %v", took, tc.takes)
				}
				s := res.Lead.State
				if s.Owner == "" || s.Disposition != leadloop.OutcomeAssigned {
					t.Errorf("no owner: %+v", s)
				}
				if s.Score.Tier != tc.tier {
					t.Errorf("tier %s, want %s", s.Score.Tier, tc.tier)
				}
				if diff := cmp.Diff(tc.needs, s.Score.Needs); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestNobodyIsAskedAboutALeadBelowTheMinimumFit(t *testing.T) {
	student := vp("k1")
	student.Claims = append(student.Claims, leadloop.Title.Claim("Student", leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: at.Add(time.Second)}))
	for name, tc := range map[string]struct {
		minFit string
		lead   leadloop.Submission
		asked  int
	}{
		"a lead that reaches it is enriched":     {"30", vp("k1"), 1},
		"one that falls short is not":            {"31", vp("k1"), 0},
		"one that is disqualified as it is, not": {"0", student, 0},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			loop, err := playbook.Open(ctx, files(map[string]string{"enrich.yaml": strings.Replace(enrichYAML, "min_fit: 0", "min_fit: "+tc.minFit, 1)}), memstore.New(),
				playbook.Options{Tokens: tokens(t), Providers: vendor(func(ctx context.Context, q enrich.Query) (enrich.Answer, error) {
					asked++
					return knows(900)(ctx, q)
				})})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := loop.Process(ctx, tc.lead, at); err != nil {
				t.Fatal(err)
			}
			if asked != tc.asked {
				t.Errorf("asked %d times, want %d", asked, tc.asked)
			}
		})
	}
}

func TestWhereConsentIsRequiredNobodyIsWorkedOrBoughtWithoutIt(t *testing.T) {
	for name, tc := range map[string]struct {
		country, consent string
		want             leadloop.OutcomeKind
	}{
		"without a yes in Germany":     {"DE", "", leadloop.OutcomeSuppressed},
		"pending in Germany":           {"DE", leadloop.ConsentPending, leadloop.OutcomeSuppressed},
		"with a yes in Germany":        {"DE", leadloop.ConsentGranted, leadloop.OutcomeAssigned},
		"without a yes in the States":  {"US", "", leadloop.OutcomeAssigned},
		"with a no, wherever it lives": {"US", leadloop.ConsentDenied, leadloop.OutcomeSuppressed},
	} {
		t.Run(name, func(t *testing.T) {
			asked := false
			loop, err := playbook.Open(ctx, files(map[string]string{"privacy.yaml": "consent_required_in: [DE]\n"}), memstore.New(),
				playbook.Options{Tokens: tokens(t), Providers: vendor(func(ctx context.Context, q enrich.Query) (enrich.Answer, error) {
					asked = true
					return knows(900)(ctx, q)
				})})
			if err != nil {
				t.Fatal(err)
			}
			s := vp("k1")
			e := s.Claims[0].Evidence
			s.Claims = append(s.Claims, leadloop.Country.Claim(tc.country, e))
			if tc.consent != "" {
				s.Claims = append(s.Claims, leadloop.Consent.Claim(tc.consent, e))
			}
			res, err := loop.Process(ctx, s, at)
			if err != nil {
				t.Fatal(err)
			}
			if res.Outcome.Kind != tc.want || asked != (tc.want == leadloop.OutcomeAssigned) {
				t.Errorf("%s, a provider was asked: %v", res.Outcome.Kind, asked)
			}
		})
	}
}

func TestLeadsThatAHumanTookApartAreDecidedAboutApartAndStaySo(t *testing.T) {
	st := memstore.New()
	loop, err := playbook.Open(ctx, files(nil), st, playbook.Options{Tokens: tokens(t), Providers: vendor(knows(900))})
	if err != nil {
		t.Fatal(err)
	}
	second := vp("k1")
	second.Key = "k2"
	first, err := loop.Process(ctx, vp("k1"), at)
	if err != nil {
		t.Fatal(err)
	}
	merged, err := loop.Process(ctx, second, at)
	if err != nil || merged.Lead.ID != first.Lead.ID {
		t.Fatalf("not merged: %v %v", merged.Lead, err)
	}
	if _, _, err := loop.Unmerge(ctx, merged.Record, at, "mia", "different_people"); err != nil {
		t.Fatal(err)
	}
	if _, err := loop.Advance(ctx, at); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		again, err := loop.Recycle(ctx, merged.Record, at.AddDate(0, 1, 0))
		if err != nil {
			t.Fatal(err)
		}
		if again.Lead.ID != merged.Record || again.Lead.State.Owner == "" || len(again.Lead.PossibleDuplicates) > 0 {
			t.Fatalf("lead %s, owner %q, asked about %v", again.Lead.ID, again.Lead.State.Owner, again.Lead.PossibleDuplicates)
		}
	}
	if back, err := loop.Merge(ctx, first.Lead.ID, merged.Record, at.AddDate(0, 2, 0), "mia", "same_after_all"); err != nil || back.Lead.ID != first.Lead.ID || len(back.Lead.Different) > 0 {
		t.Errorf("a human merges them again: %v %+v", err, back.Lead)
	}
}

func TestTheExplanationIsReadAloud(t *testing.T) {
	pb, problems := playbook.Load(files(nil))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	st := memstore.New()
	loop, err := pb.Loop(ctx, st, playbook.Options{Tokens: tokens(t), Providers: vendor(knows(900))})
	if err != nil {
		t.Fatal(err)
	}
	res, err := loop.Process(ctx, vp("k1"), at)
	if err != nil {
		t.Fatal(err)
	}
	res, err = loop.Observe(ctx, res.Lead.ID, at.Add(time.Minute), leadloop.Activity{ID: "1", Type: "call", At: at.Add(time.Minute), Actor: res.Lead.State.Owner})
	if err != nil {
		t.Fatal(err)
	}
	var decisions []leadloop.Decision
	if err := st.View(ctx, func(tx store.Tx) (err error) {
		decisions, err = tx.Decisions().ByLead(ctx, res.Lead.ID)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := pb.Explain(&b, res.Lead, decisions...); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"is assigned to ana, because of entry all.",
		"Answer due 2026-11-02 15:15:00 UTC (policy a, 15m of working time): answered 2026-11-02 15:01:00 UTC, in time.",
		"vendor: matched, gave company.employees, for 0.10 USD",
		"Tier A, 90 points (could be 90 to 100 once plan is known).",
		"company employees = 900, from vendor just now",
		"ROUTE, decided 2026-11-02 15:00:00 UTC",
		"all: Ana was owed 0.50 leads, Ben 0.50",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("does not say %q", want)
		}
	}
	if t.Failed() {
		t.Log(b.String())
	}
}

func TestALoopWithoutKeyIsRefused(t *testing.T) {
	if _, err := playbook.Open(ctx, files(nil), memstore.New(), playbook.Options{Providers: vendor(knows(1))}); !errors.Is(err, leadloop.ErrInvalid) {
		t.Error(err)
	}
	if _, err := playbook.Open(ctx, files(nil), memstore.New(), playbook.Options{Tokens: tokens(t)}); !errors.Is(err, leadloop.ErrInvalid) || !strings.Contains(err.Error(), "vendor") {
		t.Errorf("a provider that the program lacks: %v", err)
	}
}
