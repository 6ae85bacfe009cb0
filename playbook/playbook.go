// Package playbook builds a loop from a folder of YAML files: the one place
// where the verbs meet.
//
// [Load] reads, type-checks and cross-checks everything and reports every
// problem in one go, with file:line:column and what was probably meant. A
// [Playbook] is immutable, has a digest, and builds loops over any store in
// the standard order: dedupe, suppress, enrich, score, route, then lifecycle
// and tracking. What it does not promise is that the rules are wise.
//
// Start with [Open], or with [Load] to look before you run.
package playbook

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/internal/suggest"
	"github.com/leadloop/leadloop/lifecycle"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/routing/holidays"
	"github.com/leadloop/leadloop/scoring"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/tracking"
)

// The files of a playbook. Scoring and routing are required; what the others
// mean when they are not there is said in docs/PLAYBOOK.md.
const (
	scoringFile      = "scoring.yaml"
	routingFile      = "routing.yaml"
	slaFile          = "sla.yaml"
	enrichFile       = "enrich.yaml"
	survivorshipFile = "survivorship.yaml"
	lifecycleFile    = "lifecycle.yaml"
	cadencesFile     = "cadences.yaml"
	privacyFile      = "privacy.yaml"
)

var files = []string{scoringFile, routingFile, slaFile, enrichFile, survivorshipFile, lifecycleFile, cadencesFile, privacyFile}

// Playbook is all rules of one team, compiled. It is immutable and safe for
// concurrent use.
type Playbook struct {
	contents map[string][]byte
	digest   string
	fsys     fs.FS
	schema   *leadloop.Schema
	model    *scoring.Model
	cases    []scoring.Case
	routes   []routing.Case
	// Cases that only the whole playbook can run: see [Playbook.Test].
	enrichCases    []enrichCase
	lifecycleCases []lifecycleCase
	router         *routing.Router
	enriching      *enrich.Definition // nil without enrich.yaml
	policy         *dedupe.Policy
	lifecycle      *lifecycle.Lifecycle
	cadences       *lifecycle.Cadences // nil without cadences.yaml
	privacy        privacy.Definition
	guards         Guards
	guarding       []byte // guards.yaml
	rules          int
	modifiers      []scoring.Modifier
	scoring        scoring.Definition
	routing        routing.Definition
	sla            routing.SLADefinition
	sources        []enrich.Source // their terms; as given, without secrets
}

// Load reads the folder. The problems are all that was found, in order of file
// and position, warnings included; the playbook is nil if any of them is more
// than a warning.
func Load(fsys fs.FS) (*Playbook, leadloop.Problems) {
	return load(fsys, false)
}

// load reads the folder; stored, if it is one that decided once, whose
// providers are asked nothing any more.
func load(fsys fs.FS, stored bool) (*Playbook, leadloop.Problems) {
	l := &loader{stored: stored, readable: map[string]bool{}, pb: &Playbook{fsys: fsys, contents: map[string][]byte{}}}
	l.read()
	l.parse()
	// Without the scoring file nobody knows the host's fields, and every rule
	// that reads one would be called wrong.
	if l.readable[scoringFile] {
		l.compile()
	}
	if l.pb.model != nil || l.pb.router != nil {
		l.loadCases()
		l.loadGuards()
	}
	if l.problems.Err() == nil {
		l.crossCheck()
	}
	l.problems.Sort()
	if l.problems.Err() != nil {
		return nil, l.problems
	}
	return l.pb, l.problems
}

type loader struct {
	pb       *Playbook
	problems leadloop.Problems
	stored   bool
	readable map[string]bool // files that are YAML at all

	scoring   scoring.Definition
	routing   routing.Definition
	sla       routing.SLADefinition
	survivor  dedupe.PolicyDefinition
	lifecycle lifecycle.Definition
	cadences  lifecycle.CadenceDefinition
	sources   []enrich.Source
}

func (l *loader) read() {
	entries, err := fs.ReadDir(l.pb.fsys, ".")
	if err != nil {
		l.problems.Add(leadloop.Position{}, "the folder can't be read: %v", err)
		return
	}
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() || !(strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")) {
			continue
		}
		if name != guardsFile && !slices.Contains(files, name) {
			p := leadloop.Problem{At: leadloop.Position{File: name}, Message: "is no file of a playbook and is not read", Warning: true, Hint: suggest.DidYouMean(name, append([]string{guardsFile}, files...))}
			l.problems = append(l.problems, p)
			continue
		}
		data, err := fs.ReadFile(l.pb.fsys, name)
		if err != nil {
			l.problems.Add(leadloop.Position{File: name}, "can't be read: %v", err)
			continue
		}
		if name == guardsFile {
			l.pb.guarding = data
			continue
		}
		l.pb.contents[name] = data
	}
	for _, name := range []string{scoringFile, routingFile} {
		if l.pb.contents[name] == nil {
			l.problems.Add(leadloop.Position{File: name}, "is missing; a playbook needs it")
		}
	}
}

// digest names the contents: SHA-256 over the files by name.
func digest(contents map[string][]byte) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(contents)) {
		fmt.Fprintf(h, "%s %d\n", name, len(contents[name]))
		h.Write(contents[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// parse reads every file that is there.
func (l *loader) parse() {
	each := func(name string, parse func(data []byte) error) {
		data, ok := l.pb.contents[name]
		if !ok {
			return
		}
		var doc yaml.Node
		l.readable[name] = yaml.Unmarshal(data, &doc) == nil && len(doc.Content) > 0
		l.problems.Join(parse(data))
	}
	each(scoringFile, func(data []byte) (err error) { l.scoring, err = scoring.Parse(scoringFile, data); return err })
	each(routingFile, func(data []byte) (err error) { l.routing, err = routing.Parse(routingFile, data); return err })
	each(slaFile, func(data []byte) (err error) { l.sla, err = routing.ParseSLA(slaFile, data); return err })
	each(survivorshipFile, func(data []byte) (err error) {
		l.survivor, err = dedupe.ParsePolicy(survivorshipFile, data)
		return err
	})
	l.lifecycle = lifecycle.Default()
	each(lifecycleFile, func(data []byte) (err error) { l.lifecycle, err = lifecycle.Parse(lifecycleFile, data); return err })
	each(cadencesFile, func(data []byte) (err error) {
		l.cadences, err = lifecycle.ParseCadences(cadencesFile, data)
		return err
	})
	each(enrichFile, func(data []byte) error {
		var problems leadloop.Problems
		l.pb.enriching, problems = enrich.Parse(enrichFile, data)
		l.problems = append(l.problems, problems...)
		return nil
	})
	each(privacyFile, func(data []byte) (err error) { l.pb.privacy, err = privacy.Parse(privacyFile, data); return err })
	// Who has a named account is a rule as any other; a file that can't be read
	// is named by routing.
	for _, name := range l.routing.Files() {
		if data, err := fs.ReadFile(l.pb.fsys, name); err == nil {
			l.pb.contents[name] = data
		}
	}
	l.pb.digest = digest(l.pb.contents)
}

// found adds what compiling found, except in lines in which something was
// found before: that would be its consequence.
func (l *loader) found(name string, err error) {
	if err == nil {
		return
	}
	if required := name == scoringFile || name == routingFile; !l.readable[name] && (required || l.pb.contents[name] != nil) {
		return // it has been said that the file is missing or no YAML
	}
	var more leadloop.Problems
	more.Join(err)
	before := slices.Clone(l.problems)
	for _, p := range more {
		same := func(q leadloop.Problem) bool {
			if q.At.Column == 1 && q.At.Line == 1 && p.At.Column != 1 {
				return false // about the file as a whole
			}
			return p.At.Line > 0 && q.At.File == p.At.File && q.At.Line == p.At.Line && !q.Warning
		}
		if !slices.ContainsFunc(before, same) {
			l.problems = append(l.problems, p)
		}
	}
}

func (l *loader) compile() {
	pb := l.pb
	own, problems := l.scoring.Fields()
	l.found(scoringFile, problems.Err())
	fields := make([]leadloop.AnyField, len(own))
	for i, f := range own {
		fields[i] = f
	}
	fields = append(fields, l.answers(own)...)
	var err error
	if pb.schema, err = leadloop.NewSchema(fields...); err != nil {
		// scoring has said what is wrong with its fields, with positions.
		if len(problems) == 0 {
			l.problems.Add(leadloop.Position{File: scoringFile}, "%v", err)
		}
		return
	}
	pb.model, err = scoring.New(l.scoring, pb.schema, scoring.Options{})
	l.found(scoringFile, err)
	var tiers []string
	if pb.model != nil {
		tiers = pb.model.Tiers()
		l.problems = append(l.problems, pb.model.Warnings()...)
	}
	pb.router, err = routing.New(l.routing, l.sla, pb.schema, routing.Options{Tiers: tiers, Files: pb.fsys, Holidays: holidays.Of})
	l.found(routingFile, err)
	if pb.router != nil {
		l.problems = append(l.problems, pb.router.Warnings()...)
	}
	pb.policy, err = dedupe.NewPolicy(l.survivor, pb.schema)
	l.found(survivorshipFile, err)
	l.compileLifecycle(tiers)
	if pb.enriching != nil && !l.stored {
		var problems leadloop.Problems
		l.sources, problems = pb.enriching.Sources(pb.schema, enrich.Host{Files: pb.fsys, Check: true})
		l.found(enrichFile, problems.Err())
		_, warnings := problems.Split()
		l.problems = append(l.problems, warnings...)
	}
	pb.rules, pb.modifiers = len(l.scoring.Rules), l.scoring.Modifiers
	pb.scoring, pb.routing, pb.sla, pb.sources = l.scoring, l.routing, l.sla, l.sources
}

// Name is the model's name and version, such as "inbound-b2b@12".
func (p *Playbook) Name() string { return fmt.Sprintf("%s@%d", p.model.Name(), p.model.Version()) }

// Digest names the exact files: SHA-256, in hex.
func (p *Playbook) Digest() string { return p.digest }

// Schema is the standard fields and the playbook's own.
func (p *Playbook) Schema() *leadloop.Schema { return p.schema }

// Model is the scoring model.
func (p *Playbook) Model() *scoring.Model { return p.model }

// Router decides who gets a lead.
func (p *Playbook) Router() *routing.Router { return p.router }

// Policy decides what a lead looks like.
func (p *Playbook) Policy() *dedupe.Policy { return p.policy }

// Privacy is what privacy.yaml says.
func (p *Playbook) Privacy() privacy.Definition { return p.privacy }

// Guards are what guards.yaml allows a change to do.
func (p *Playbook) Guards() Guards { return p.guards }

// Lifecycle has the stages and statuses. It knows no store: what people do with
// leads is for that of [Playbook.Desk].
func (p *Playbook) Lifecycle() *lifecycle.Lifecycle { return p.lifecycle }

// Currency of the enrichment prices, such as "USD".
func (p *Playbook) Currency() string {
	if p.enriching == nil {
		return "USD"
	}
	return p.enriching.Currency()
}

// Summary says in a line what the playbook has.
func (p *Playbook) Summary() string {
	s := fmt.Sprintf("%d scoring rules, tiers %s", p.rules, cmp.Or(strings.Join(p.model.Tiers(), " "), "none"))
	return s + ", digest " + p.digest[:12]
}

// Expired warns of modifiers that have expired by asOf and do nothing any more.
func (p *Playbook) Expired(asOf time.Time) leadloop.Problems {
	var out leadloop.Problems
	for _, m := range p.modifiers {
		if !m.Expires.After(asOf) {
			out.Warn(m.At, "modifier %s expired on %s; %s, who owns it, should renew it or take it out", m.ID, m.Expires.Format(time.DateOnly), m.Owner)
		}
	}
	return out
}

// Options are what a program adds to a playbook; the zero value of each has a
// meaning.
type Options struct {
	// Tokens make suppression tokens. Required, with the same key on every
	// start: with another one nobody on the list would be recognised.
	Tokens *privacy.Tokens
	// Eraser delivers the tasks that make other systems forget somebody; nil
	// leaves them pending. It must have the same tokens.
	Eraser *privacy.Eraser
	// Client fetches for providers of type http; nil means a default one.
	Client *http.Client
	// Secret looks up what enrich.yaml names as secrets, such as os.LookupEnv;
	// nil knows none.
	Secret func(name string) (string, bool)
	// Providers are those that enrich.yaml calls type: host, by name.
	Providers map[string]enrich.Provider
	// Live has the scoring model in force, so that it can be swapped, tried
	// beside another one, and rolled back while the loop runs; nil scores by
	// the playbook's own model for good. Models of other playbooks must have
	// this one's fields; where to route stays with this one, and what to buy
	// follows the model in force (see [Playbook.Waterfall]).
	Live *scoring.Live
	// Enrich says how much is bought; the zero value buys what could still
	// change what happens to a lead.
	Enrich enrich.Mode
	// Busy counts the open tasks and active sequences of a rep, for the caps
	// max_tasks and max_sequences of routing.yaml: see routing.Options. Nil
	// counts nothing, so that these cap nothing.
	Busy func(ctx context.Context, id leadloop.RepID, asOf time.Time) (routing.Busy, error)
	// OpenTasks counts what is still to do for a lead, for criteria that read
	// open_tasks; nil counts the tasks and steps in the store that nobody has
	// taken up yet.
	OpenTasks func(ctx context.Context, lead *leadloop.Lead) (int, error)
	// Engine has the loop's own settings: handlers of outside tasks, retries,
	// logger. Its Merger and Playbook are set here, Urgency follows the tier
	// unless it is set, and lifecycle, tracking and the settling of routing's
	// books follow its Records. The handler of routing.TaskDrain is set too, and Forgotten
	// is the tokens' unless it is set.
	Engine engine.Options
}

// Open loads the folder and builds its loop over the store. The error is a
// [leadloop.Problems] if the playbook is wrong.
func Open(ctx context.Context, fsys fs.FS, st store.Store, o Options) (*engine.Loop, error) {
	p, problems := Load(fsys)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return p.Loop(ctx, st, o)
}

// Loop builds the standard loop over the store and stores the playbook's files
// there, so that decisions can be replayed.
func (p *Playbook) Loop(ctx context.Context, st store.Store, o Options) (*engine.Loop, error) {
	if st == nil || o.Tokens == nil {
		return nil, fmt.Errorf("playbook: %w: a store and suppression tokens are required", leadloop.ErrInvalid)
	}
	desk, err := p.Desk(st, o)
	if err != nil {
		return nil, err
	}
	stages, err := p.stages(st, o, desk)
	if err != nil {
		return nil, fmt.Errorf("playbook: %w", err)
	}
	e, router := o.Engine, p.counting(o)
	e.Merger, e.Playbook = dedupe.Merger{Policy: p.policy}, p.digest
	if e.Urgency == nil {
		e.Urgency = p.urgency()
	}
	e.Records = append(slices.Clone(e.Records), lifecycle.NewStage(desk), lifecycle.NewConversion(desk), tracking.NewStage(tracking.Options{Touches: desk.Touches()}),
		lifecycle.NewClocks(desk), lifecycle.NewCadence(desk), routing.NewSettle(router, st))
	e.Leaving = append(slices.Clone(e.Leaving), routing.NewRelease(router, st))
	e.Handlers = maps.Clone(e.Handlers)
	if e.Handlers == nil {
		e.Handlers = map[string]engine.Handler{}
	}
	e.Handlers[routing.TaskDrain] = engine.HandlerFunc(func(ctx context.Context, t leadloop.Task) error {
		_, err := router.DrainStore(ctx, st, p.policy, t.DueAt)
		return err
	})
	if o.Eraser != nil {
		e.Handlers[privacy.TaskErase] = o.Eraser
	}
	if e.Forgotten == nil {
		e.Forgotten = o.Tokens
	}
	loop, err := engine.New(st, p.schema, p.policy, stages, e)
	if err != nil {
		return nil, fmt.Errorf("playbook: %w", err)
	}
	if err := p.Save(ctx, st); err != nil {
		return nil, err
	}
	if e.Logger != nil {
		e.Logger.LogAttrs(ctx, slog.LevelInfo, "playbook", slog.String("name", p.Name()), slog.String("digest", p.digest))
	}
	return loop, nil
}

// counting is the router with what the program counts.
func (p *Playbook) counting(o Options) *routing.Router {
	if o.Busy == nil {
		return p.router
	}
	return p.router.WithBusy(o.Busy)
}

// suppress is the step that stops whom nobody may contact.
func (p *Playbook) suppress(st store.Store, o Options) (leadloop.Stage, error) {
	return privacy.NewStage(st, o.Tokens, privacy.Options{Consent: p.privacy.Rules()})
}

func (p *Playbook) stages(st store.Store, o Options, desk *lifecycle.Lifecycle) ([]leadloop.Stage, error) {
	suppress, err := p.suppress(st, o)
	if err != nil {
		return nil, err
	}
	matching := dedupe.Options{Policy: p.policy}
	stages := []leadloop.Stage{dedupe.NewStage(st, matching), dedupe.NewMatchStage(st, matching), lifecycle.NewOptIn(desk), suppress, lifecycle.NewHold()}
	if p.enriching != nil {
		waterfall, err := p.waterfall(st, o, listed(st, o))
		if err != nil {
			return nil, err
		}
		stages = append(stages, enrich.NewStage(waterfall))
	}
	score, err := p.scoreStage(o)
	if err != nil {
		return nil, err
	}
	return append(stages, score, routing.NewStage(p.counting(o), st)), nil
}
