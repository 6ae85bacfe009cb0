package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

// historyFlags are the files that a history is read from.
type historyFlags struct {
	Map        map[string]string `placeholder:"FROM=TO" help:"What a column holds, where the guess is wrong, as in run."`
	Activities string            `placeholder:"FILE" help:"Activities as CSV. Default: activities.csv beside the leads."`
	CRM        string            `name:"crm" placeholder:"DIR" help:"Folder with accounts.csv, contacts.csv, opportunities.csv, reps.csv, suppressions.csv. Default: crm beside the leads."`
	AsOf       string            `placeholder:"TIME" help:"When it ends, such as 2026-11-16T09:00:00Z. Default: the latest time in the files, or now if they have none."`
	Require    string            `placeholder:"LIST" help:"Fields a row must have, as in run."`
	Country    string            `placeholder:"CC" help:"Country of phone numbers in rows that have none."`
}

// read reads the files as run does, and keeps no file of rejects.
func (f *historyFlags) read(dir, leads string, schema *leadloop.Schema, s streams) (*runCmd, *input, error) {
	c, err := f.command(dir, leads)
	if err != nil {
		return nil, nil, err
	}
	in, err := c.read(schema, s)
	if err != nil {
		return nil, nil, &exitError{exitUsage, err}
	}
	return c, in, nil
}

// command reads the files as run does.
func (f *historyFlags) command(dir, leads string) (*runCmd, error) {
	c := &runCmd{
		Playbook: dir, Leads: leads, Map: f.Map, Activities: f.Activities, CRM: f.CRM, AsOf: f.AsOf, Require: f.Require, Country: f.Country,
		Store: "memory", Origin: "person", Rejects: os.DevNull,
	}
	for _, x := range []struct{ flag, path string }{{"activities", f.Activities}, {"crm", f.CRM}} {
		if x.path == "" {
			continue
		}
		if _, err := os.Stat(x.path); err != nil {
			return nil, &exitError{exitUsage, fmt.Errorf("--%s: %w", x.flag, err)}
		}
	}
	return c, nil
}

// loadSound loads a playbook and prints its problems; one that is wrong is an
// error.
func loadSound(dir string, s streams) (*playbook.Playbook, error) {
	pb, problems := loadPlaybook(dir)
	errs, warnings := problems.Split()
	for _, p := range problems {
		s.say("%v", p)
	}
	if len(errs) > 0 {
		return nil, &exitError{exitUsage, fmt.Errorf("the playbook has %s and %s; nothing was run", plural(len(errs), "problem"), plural(len(warnings), "warning"))}
	}
	return pb, nil
}

// history is what routing would have been asked.
type history struct {
	moments  []routing.Moment
	reps     []leadloop.Rep
	heldBack int // leads that never got to routing
	failed   []string
	later    int // after the end
	deeds    int // activities of whoever owned the lead
}

// resolve is the lead that a record is part of; a record that is not there yet
// is one of its own.
func resolve(ctx context.Context, st store.Store, id leadloop.LeadID) (leadloop.LeadID, error) {
	err := st.View(ctx, func(tx store.Tx) error {
		lead, err := store.Resolve(ctx, tx.Leads(), id)
		if err == nil {
			id = lead.ID
		}
		return err
	})
	if errors.Is(err, leadloop.ErrNotFound) {
		err = nil
	}
	return id, err
}

func (h *history) seq() iter.Seq2[routing.Moment, error] {
	return func(yield func(routing.Moment, error) bool) {
		for _, m := range h.moments {
			if !yield(m, nil) {
				return
			}
		}
	}
}

// someRep stands for whoever owns the lead by the time.
const someRep = "whoever"

// rounds is how often a history is run at most until it is that of its own
// simulation: each round settles what depends on nothing later.
const rounds = 5

// simulate replays the files through a playbook's routing. Who has a lead when
// matters to what comes before routing: a lead that nobody has is not worked,
// whatever the activities say, and one that is worked is not held back. That is
// what the simulation finds out. So it is run again with what it found, until it
// finds the same.
func simulate(ctx context.Context, pb *playbook.Playbook, c *runCmd, in *input, o routing.SimulateOptions, s streams) (*history, *routing.Simulation, error) {
	o.Stays = true
	var stays map[leadloop.LeadID][]routing.Stay
	terminal := s.err
	for round := 1; ; round++ {
		h, err := recordHistory(ctx, pb, c, in, stays, s, terminal)
		if err != nil {
			return nil, nil, err
		}
		o.CRM, o.Until = h.reps, in.asOf
		sim, err := pb.Router().Simulate(ctx, h.seq(), o)
		if err != nil {
			return nil, nil, err
		}
		if h.deeds == 0 || round == rounds || maps.EqualFunc(stays, sim.Stays, slices.Equal[[]routing.Stay]) {
			return h, sim, nil
		}
		stays = sim.Stays
		s.out, s.err = io.Discard, io.Discard // what there is to say about the files has been said
	}
}

// recordHistory runs everything before routing over the files, in memory.
// With stays, the leads have these owners; without, nobody has any, and whatever
// reps did counts. How far it is goes to terminal, if it is one.
func recordHistory(ctx context.Context, pb *playbook.Playbook, c *runCmd, in *input, stays map[leadloop.LeadID][]routing.Stay, s streams, terminal io.Writer) (*history, error) {
	key := make([]byte, keyBytes)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	tokens, err := privacy.NewTokens("memory", key)
	if err != nil {
		return nil, err
	}
	h, st := &history{}, memstore.New()
	at := func(id leadloop.LeadID, t time.Time) (routing.Stay, bool) {
		i := slices.IndexFunc(stays[id], func(x routing.Stay) bool { return !x.From.After(t) && (x.Until.IsZero() || x.Until.After(t)) })
		if i < 0 {
			return routing.Stay{}, false
		}
		return stays[id][i], true
	}
	owners := at
	if stays == nil {
		owners = nil
	}
	loop, err := pb.Recording(ctx, st, playbook.Options{Tokens: tokens, Secret: os.LookupEnv}, owners, func(m routing.Moment) { h.moments = append(h.moments, m) })
	if err != nil {
		return nil, err
	}
	touches := pb.Lifecycle().Touches()
	// What reps did is what the simulation asks about: whoever owns the lead
	// then did it.
	own := *in
	own.activities = nil
	r := &replay{loop: loop, store: st, asOf: in.asOf}
	inFile := map[leadloop.LeadID]bool{}
	for _, row := range in.rows {
		inFile[engine.RecordID(row.submission.Key)] = true
	}
	for _, a := range in.activities {
		if a.Actor == "" || !inFile[a.lead] {
			own.activities = append(own.activities, a)
			continue
		}
		ofOwner := a.Actor == ownerActor
		a.Actor = someRep
		r.moments = append(r.moments, moment{a.At, 2, a.ID, func(ctx context.Context) error {
			if ofOwner {
				h.deeds++
			}
			if stays != nil {
				id, err := resolve(ctx, st, a.lead)
				if err != nil {
					return err
				}
				stay, had := at(id, a.At)
				if !had && ofOwner {
					return nil
				}
				if had {
					a.Actor = stay.Owner
				}
			}
			res, err := loop.Observe(ctx, a.lead, a.At, a.Activity)
			if errors.Is(err, leadloop.ErrNotFound) {
				return nil // before the lead arrived, which is when nobody had it
			}
			if err == nil && slices.Contains(touches, a.Type) {
				h.moments = append(h.moments, routing.Moment{Kind: routing.MomentTouched, At: a.At, Lead: res.Lead.ID})
			}
			return err
		}})
	}
	if err := c.prepare(ctx, r, &own, tokens, s); err != nil {
		return nil, err
	}
	in.strangers = own.strangers
	step, done := progress(terminal, len(r.moments), "replaying", "steps")
	err = r.run(ctx, step)
	if done(); err != nil {
		return nil, err
	}
	h.failed, h.later = r.failed, r.counts.LaterThanAsOf
	// The loop works a batch of timers at a time.
	slices.SortStableFunc(h.moments, func(a, b routing.Moment) int { return a.At.Compare(b.At) })
	return h, h.finish(ctx, st, in)
}

// finish reads the CRM's reps and counts who never got to routing.
func (h *history) finish(ctx context.Context, st store.Store, in *input) error {
	asked := map[leadloop.LeadID]bool{}
	for i := range h.moments {
		if h.moments[i].Kind != routing.MomentDecided {
			continue
		}
		asked[h.moments[i].Lead] = true
	}
	return st.View(ctx, func(tx store.Tx) (err error) {
		if h.reps, err = tx.CRM().Reps(ctx); err != nil {
			return err
		}
		seen := map[leadloop.LeadID]bool{}
		for _, row := range in.rows {
			lead, err := store.Resolve(ctx, tx.Leads(), engine.RecordID(row.submission.Key))
			if errors.Is(err, leadloop.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			if !asked[lead.ID] && !seen[lead.ID] {
				seen[lead.ID] = true
				h.heldBack++
			}
		}
		return nil
	})
}

type simulateCmd struct {
	Playbook string `required:"" placeholder:"DIR" help:"Folder with scoring.yaml, routing.yaml and so on."`
	Leads    string `required:"" placeholder:"FILE" help:"Leads as CSV or, if the name ends in .jsonl or .ndjson, JSON Lines."`
	Against  string `placeholder:"DIR" help:"Another playbook: what would change if it were used instead."`
	historyFlags

	Response time.Duration `placeholder:"TIME" help:"How long an owner takes to touch a lead, in working time, such as 20m. Default: when the activities show a touch, by whoever owns the lead then."`
	Open     time.Duration `placeholder:"TIME" help:"How long a lead counts as open for its owner, such as 336h. Default: until the end."`
	Seed     uint64        `placeholder:"N" help:"Draw each --response and --open from an exponential distribution with that mean. Default: they are constants."`

	JSON bool   `name:"json" help:"Print one JSON object instead of tables."`
	HTML string `name:"html" placeholder:"FILE" help:"Also write a page with charts."`
}

// simulated is what is printed.
type simulated struct {
	Folder   string              `json:"folder"`
	Playbook string              `json:"playbook"`
	Digest   string              `json:"digest"`
	HeldBack int                 `json:"held_back"` // suppressed or disqualified: routing was never asked
	Result   *routing.Simulation `json:"simulation"`
}

type simulation struct {
	simulated
	Against *simulated          `json:"against,omitempty"`
	Change  *routing.Difference `json:"change,omitempty"`
}

func (c *simulateCmd) Run(ctx context.Context, s streams) error {
	if err := usable(c.Playbook, c.Leads); err != nil {
		return &exitError{exitUsage, err}
	}
	for _, f := range []struct {
		name string
		d    time.Duration
	}{{"response", c.Response}, {"open", c.Open}} {
		if f.d < 0 {
			return &exitError{exitUsage, fmt.Errorf("--%s: expected a time of 0 or more, found %s", f.name, f.d)}
		}
	}
	if c.Seed != 0 && c.Response == 0 && c.Open == 0 {
		return &exitError{exitUsage, errors.New("--seed: there is nothing to draw; say --response or --open")}
	}
	first, rejected, err := c.one(ctx, c.Playbook, s)
	if err != nil {
		return err
	}
	out := simulation{simulated: *first}
	if c.Against != "" {
		if err := usable(c.Against, c.Leads); err != nil {
			return &exitError{exitUsage, errors.New(strings.Replace(err.Error(), "--playbook", "--against", 1))}
		}
		// What is wrong with the files has been said.
		quiet := streams{io.Discard, io.Discard}
		if _, problems := loadPlaybook(c.Against); problems.Err() != nil {
			quiet = s
		}
		if out.Against, _, err = c.one(ctx, c.Against, quiet); err != nil {
			return err
		}
		out.Change = routing.CompareSimulations(out.Result, out.Against.Result)
	}
	var b strings.Builder
	if c.JSON {
		enc := json.NewEncoder(&b)
		enc.SetIndent("", "  ")
		err = enc.Encode(out)
	} else {
		out.text(&b)
	}
	if err != nil {
		return err
	}
	if c.HTML != "" {
		page, err := out.page()
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.HTML, page, 0o644); err != nil { //nolint:gosec // a report for people to read
			return fmt.Errorf("--html: %w", err)
		}
	}
	if _, err := io.WriteString(s.out, b.String()); err != nil {
		return err
	}
	if rejected != "" {
		return &exitError{exitRejects, errors.New(rejected)}
	}
	return nil
}

// one simulates one playbook; rejected says what was left out.
func (c *simulateCmd) one(ctx context.Context, dir string, s streams) (out *simulated, rejected string, err error) {
	pb, err := loadSound(dir, s)
	if err != nil {
		return nil, "", err
	}
	rc, in, err := c.read(dir, c.Leads, pb.Schema(), s)
	if err != nil {
		return nil, "", err
	}
	h, sim, err := simulate(ctx, pb, rc, in, routing.SimulateOptions{Response: c.Response, Open: c.Open, Seed: c.Seed}, s)
	if err != nil {
		return nil, "", err
	}
	for _, f := range h.failed {
		s.say("%s", f)
	}
	if n := len(in.rejects) + len(in.sideProblems) + in.strangers + len(h.failed); n > 0 {
		rejected = plural(n, "row") + " left out of the simulation"
	}
	return &simulated{dir, pb.Name(), pb.Digest(), h.heldBack, sim}, rejected, nil
}
