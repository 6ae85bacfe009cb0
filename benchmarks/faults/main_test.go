package faults

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/fstest"
	"text/tabwriter"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/postgres"
	"github.com/leadloop/leadloop/store/postgres/postgrestest"
	"github.com/leadloop/leadloop/store/sqlite"
)

// fullVariable asks for the long version.
const fullVariable = "LEADLOOP_FAULTS"

func full() bool { return os.Getenv(fullVariable) == "full" }

// times is how often something is done in the long version and in the short one.
func times(long, short int) int {
	if full() {
		return long
	}
	return short
}

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		os.Exit(child())
	}
	code := postgrestest.Main(m)
	tally.print()
	os.Exit(code)
}

// tally is the table at the end.
var tally counts

type counts struct {
	mu    sync.Mutex
	lines []line
}

type line struct {
	what, store          string
	runs, faults, checks int
	lost                 int
	note                 string
}

func (c *counts) add(l line) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, l)
}

func (c *counts) print() {
	if len(c.lines) == 0 {
		return
	}
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\nfault\tstore\truns\tfaults\tsubmissions checked\tlost\t\n")
	for _, l := range c.lines {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%s\n", l.what, l.store, l.runs, l.faults, l.checks, l.lost, l.note)
	}
	_ = w.Flush()
	_, _ = os.Stdout.Write(b.Bytes())
}

// stores are those that last.
var stores = []string{"sqlite", "postgres"}

// where is a store that processes can share.
type where struct{ Kind, DSN, Name string }

func newWhere(t *testing.T, kind string) where {
	t.Helper()
	if kind == "sqlite" {
		return where{Kind: kind, Name: t.TempDir() + "/leads.db"}
	}
	return where{Kind: kind, DSN: postgrestest.DSN(t), Name: fmt.Sprintf("faults_%d_%d", os.Getpid(), time.Now().UnixNano())}
}

func (w where) open(ctx context.Context) (store.Store, error) {
	if w.Kind == "sqlite" {
		return sqlite.Open(ctx, w.Name, sqlite.Options{BusyTimeout: time.Minute})
	}
	return postgres.Open(ctx, w.DSN, postgres.Options{Schema: w.Name})
}

func (w where) mustOpen(t *testing.T) store.Store {
	t.Helper()
	s, err := w.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

const scoringYAML = `model: faults
version: 1
changed: {by: tests, at: 2026-11-01, why: "first"}
rules:
  - {id: big, group: fit, when: "company.employees >= 500", points: 60}
  - {id: vp, group: fit, when: 'lead.seniority in ["vp", "c_level"]', points: 30}
  - {id: demo, group: fit, each: demo_request, points: 20, decay: {half_life: 14d}, max: 2}
groups: {fit: {max: 100}}
score: "fit"
tiers: {A: 70, B: 30, C: 0}
`

const routingYAML = `teams: [{id: sales, manager: mia, members: [ana, ben, cem]}]
reps:
  - {id: ana, name: Ana}
  - {id: ben, name: Ben, weight: 50, away: [{from: 2026-11-03, until: 2026-11-04}]}
  - {id: cem, name: Cem}
  - {id: mia, name: Mia}
pools: [{id: sales, team: sales}]
queues: [{id: triage, team: sales}]
chain:
  - {id: low, tier: [C], target: {nurture: newsletter}}
  - {id: all, tier: [A, B], target: {pool: sales}}
final: triage
`

const slaYAML = `policies:
  - {id: a, tier: A, target: 15m, escalate: [{notify: owner}, {after: 15m, notify: manager}, {after: 1h, notify: "queue:triage"}]}
  - {id: b, tier: B, target: 4h, escalate: [{notify: owner}, {after: 4h, notify: "rep:mia", reassign: true}]}
unassigned: {escalate: [{after: 30m, notify: queue, reassign: true}, {after: 2h, notify: "rep:mia"}]}
`

const enrichYAML = `min_fit: 0
deadline: 2s
providers:
  - {name: vendor, type: host, fields: [company.employees], needs: [company.domain], price: 0.10, timeout: 1s, retries: 0}
`

// newLoop returns a loop over a small playbook: dedupe, scores with decay, a
// pool with weights, SLA ladders.
func newLoop(ctx context.Context, st store.Store, o playbook.Options, more map[string]string) (*engine.Loop, error) {
	files := fstest.MapFS{}
	for name, text := range map[string]string{"scoring.yaml": scoringYAML, "routing.yaml": routingYAML, "sla.yaml": slaYAML} {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	for name, text := range more {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	p, problems := playbook.Load(files)
	if p == nil {
		return nil, problems
	}
	tokens, err := privacy.NewTokens("faults", bytes.Repeat([]byte{7}, privacy.MinKey))
	if err != nil {
		return nil, err
	}
	o.Tokens = tokens
	return p.Loop(ctx, st, o)
}

// submission is the n-th form of a run: every fifth is one that was sent before,
// every seventh a second form of somebody who is known.
func submission(n int) leadloop.Submission {
	at := time.Now().Add(-time.Minute)
	key, who := n, n
	if n%5 == 4 {
		key, who = n-3, n-3
	} else if n%7 == 6 {
		who = n - 5
	}
	s := submissionOf(fmt.Sprintf("form-%d", key), fmt.Sprintf("person-%d", who), at)
	if key != n {
		s.ReceivedAt = at
	}
	return s
}

func submissionOf(key, who string, at time.Time) leadloop.Submission {
	e := leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: at}
	employees := int64(len(who)*7%13) * 100
	return leadloop.Submission{Key: key, Source: "form", ReceivedAt: at, Claims: []leadloop.Claim{
		leadloop.Email.Claim(who+"@"+who+".com", e), leadloop.Domain.Claim(who+".com", e), leadloop.LastName.Claim(who, e),
		leadloop.Seniority.Claim([]string{"vp", "manager", "c_level"}[len(key)%3], e), leadloop.Employees.Claim(employees, e),
	}}
}

// sorted is a copy in order, each once.
func sorted(all []string) []string {
	out := slices.Clone(all)
	slices.Sort(out)
	return slices.Compact(out)
}
