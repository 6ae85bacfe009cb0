package playbook

import (
	"context"
	"fmt"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/scoring"
)

// TestOptions are the optional parts of [Playbook.Test].
type TestOptions struct {
	// NoMutants leaves out the changed weights that no case notices: finding
	// them runs every case for each change.
	NoMutants bool
}

// CaseOutcome is what came of one case of cases/*.yaml.
type CaseOutcome struct {
	Kind string `json:"kind"` // score, route, enrich or lifecycle
	Name string `json:"name"`
	At   string `json:"at"` // file:line:column
	OK   bool   `json:"ok"`
	// Text says what was expected and what came, with the reasons; "" if OK.
	Text string `json:"text,omitempty"`
	// Differs is the part of Text that says what was expected and what came.
	Differs string `json:"differs,omitempty"`
}

// TestReport is what came of a playbook's cases.
type TestReport struct {
	Playbook string        `json:"playbook"`
	Digest   string        `json:"digest"`
	Cases    []CaseOutcome `json:"cases"`
	Failed   int           `json:"failed"`
	// Rules counts the rules and modifiers of the model; Covered are those of
	// them that the cases see in all they can do: match or not, fade, end.
	Rules   int `json:"rules"`
	Covered int `json:"covered"`
	// Coverage is the share of the model's edges that the cases reach, those of
	// groups and tiers included; Missed are the others.
	Coverage float64  `json:"coverage"`
	Missed   []string `json:"missed,omitempty"`
	// Entries counts those of the chain; NeverWon are those that no case wins by.
	Entries  int      `json:"entries"`
	NeverWon []string `json:"never_won,omitempty"`
	// Providers counts those of enrich.yaml; NeverAsked are those that no case
	// asks.
	Providers  int      `json:"providers"`
	NeverAsked []string `json:"never_asked,omitempty"`
	// Mutants are changes of the model that were tried, Survivors those that no
	// case noticed; -1 if they were left out.
	Mutants   int      `json:"mutants"`
	Survivors []string `json:"survivors,omitempty"`
}

// Complete reports whether the cases leave nothing out: every edge, entry and
// provider is reached by the cases of its kind, if there are any, and every
// change of the model is noticed.
func (r *TestReport) Complete() bool {
	return len(r.Missed)+len(r.NeverWon)+len(r.NeverAsked)+len(r.Survivors) == 0
}

// Count returns how many cases of a kind there are.
func (r *TestReport) Count(kind string) int {
	n := 0
	for i := range r.Cases {
		if r.Cases[i].Kind == kind {
			n++
		}
	}
	return n
}

// withReasons is how many failed cases [TestReport.String] gives reasons for: one
// change often makes many cases fail, and what differs would drown in them.
const withReasons = 3

// String has what differs in every failed case, of the first three with the
// reasons, then what the cases leave out.
func (r *TestReport) String() string {
	var b strings.Builder
	n := 0
	for _, c := range r.Cases {
		if c.OK {
			continue
		}
		text := c.Text
		if n++; n > withReasons {
			text = c.Differs
		}
		fmt.Fprintf(&b, "FAIL %s\n\n", strings.TrimRight(text, "\n"))
	}
	if n > withReasons {
		fmt.Fprintf(&b, "The reasons are shown of the first %d; --json and --junit have them all.\n\n", withReasons)
	}
	cases := "cases"
	if len(r.Cases) == 1 {
		cases = "case"
	}
	var kinds []string
	for _, k := range []struct{ kind, of string }{{CaseScore, "scores"}, {CaseRoute, "routes"}, {CaseEnrich, "enrichment"}, {CaseLifecycle, "the lifecycle"}} {
		if n := r.Count(k.kind); n > 0 {
			kinds = append(kinds, fmt.Sprintf("%d of %s", n, k.of))
		}
	}
	fmt.Fprintf(&b, "%s, digest %.12s: %d %s (%s), %d failed.\n", r.Playbook, r.Digest, len(r.Cases), cases, strings.Join(kinds, ", "), r.Failed)
	left := func(what string, names []string) {
		if len(names) == 0 {
			b.WriteString(".\n")
			return
		}
		fmt.Fprintf(&b, "; %s:\n", what)
		for _, n := range names {
			fmt.Fprintf(&b, "  - %s\n", n)
		}
	}
	if r.Count(CaseScore) > 0 {
		fmt.Fprintf(&b, "Cases cover %d of %d rules and modifiers and reach %.1f %% of the model's edges", r.Covered, r.Rules, 100*r.Coverage)
		left("not reached", r.Missed)
	}
	if r.Count(CaseRoute) > 0 {
		fmt.Fprintf(&b, "Cases win by %d of %d entries of the chain", r.Entries-len(r.NeverWon), r.Entries)
		left("never", r.NeverWon)
	}
	if r.Count(CaseEnrich) > 0 {
		fmt.Fprintf(&b, "Cases ask %d of %d providers", r.Providers-len(r.NeverAsked), r.Providers)
		left("never", r.NeverAsked)
	}
	if r.Mutants >= 0 {
		changes := "single changes"
		if r.Mutants == 1 {
			changes = "single change"
		}
		fmt.Fprintf(&b, "Of %d %s to the model the cases notice %d", r.Mutants, changes, r.Mutants-len(r.Survivors))
		left("unnoticed", r.Survivors)
	}
	return b.String()
}

// The kinds of cases.
const (
	CaseScore     = "score"     // under cases: the scoring model
	CaseRoute     = "route"     // under routes: the chain
	CaseEnrich    = "enrich"    // under enrich: who is asked, and where the waterfall stops
	CaseLifecycle = "lifecycle" // under lifecycle: moves that are allowed or refused
)

// Test runs everything in cases/*.yaml: scores, routes, how far the waterfall
// goes with the answers that a case has its providers give, and moves through
// the lifecycle. It asks nobody and writes nothing. A case that does not hold is
// part of the report; the error is ctx's, or that of a playbook over which no
// loop could be built.
func (p *Playbook) Test(ctx context.Context, o TestOptions) (*TestReport, error) {
	r := &TestReport{Playbook: p.Name(), Digest: p.digest, Mutants: -1, Cases: []CaseOutcome{}}
	add := func(kind, name string, at leadloop.Position, text string) {
		// The reasons begin with a heading such as "The explanation:".
		differs, _, _ := strings.Cut(text, "\n  The ")
		r.Cases = append(r.Cases, CaseOutcome{Kind: kind, Name: name, At: at.String(), OK: text == "", Text: text, Differs: differs})
		if text != "" {
			r.Failed++
		}
	}
	scored, err := scoring.RunCases(ctx, p.model, p.cases)
	if err != nil {
		return nil, err
	}
	for i := range scored.Results {
		add(CaseScore, p.cases[i].Name, p.cases[i].At, scored.Results[i].String())
	}
	r.Coverage = scored.Coverage.Share()
	r.Rules, r.Covered = covered(scored.Coverage)
	for _, e := range scored.Coverage.Missed() {
		r.Missed = append(r.Missed, e.Name())
	}
	routed, err := routing.RunCases(ctx, p.router, p.routes, routing.CaseOptions{Score: p.Score})
	if err != nil {
		return nil, err
	}
	for i := range routed.Results {
		add(CaseRoute, p.routes[i].Name, p.routes[i].At, routed.Results[i].String())
	}
	r.Entries = len(routed.Entries)
	if len(p.routes) > 0 {
		r.NeverWon = routed.Unhit()
	}
	if err := p.testWhole(ctx, r, add); err != nil {
		return nil, err
	}
	if !o.NoMutants && len(p.cases) > 0 {
		m, err := scoring.Mutate(ctx, p.model, p.cases)
		if err != nil {
			return nil, err
		}
		r.Mutants = len(m.Mutations)
		for _, x := range m.Survivors() {
			r.Survivors = append(r.Survivors, x.Name())
		}
	}
	return r, nil
}

// testWhole runs the cases that take the whole playbook.
func (p *Playbook) testWhole(ctx context.Context, r *TestReport, add func(kind, name string, at leadloop.Position, text string)) error {
	r.Providers = len(p.sources)
	if len(p.enrichCases)+len(p.lifecycleCases) == 0 {
		return nil
	}
	runner, err := p.newEnrichRunner()
	if err != nil {
		return err
	}
	desk, err := p.Desk(runner.st, runner.o)
	if err != nil {
		return err
	}
	asked := map[string]bool{}
	for i := range p.enrichCases {
		c := &p.enrichCases[i]
		text, by, err := runner.run(ctx, c)
		if err != nil {
			return fmt.Errorf("playbook: case %q: %w", c.name, err)
		}
		add(CaseEnrich, c.name, c.at, text)
		for _, name := range by {
			asked[name] = true
		}
	}
	for _, name := range p.providers() {
		if !asked[name] && len(p.enrichCases) > 0 {
			r.NeverAsked = append(r.NeverAsked, name)
		}
	}
	for i := range p.lifecycleCases {
		c := &p.lifecycleCases[i]
		text, err := c.run(ctx, p, desk)
		if err != nil {
			return fmt.Errorf("playbook: case %q: %w", c.name, err)
		}
		add(CaseLifecycle, c.name, c.at, text)
	}
	return nil
}

// covered counts rules and modifiers, and those of which no edge is missed.
func covered(c scoring.Coverage) (all, whole int) {
	part := func(e scoring.Edge) bool { return e.Of == "rule" || e.Of == "modifier" }
	seen, missed := map[string]bool{}, map[string]bool{}
	for _, e := range c.Edges {
		if part(e) {
			seen[e.Of+" "+e.ID] = true
		}
	}
	for _, e := range c.Missed() {
		if part(e) {
			missed[e.Of+" "+e.ID] = true
		}
	}
	return len(seen), len(seen) - len(missed)
}
