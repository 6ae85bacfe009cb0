package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

type enrichCmd struct {
	Playbook string            `required:"" placeholder:"DIR" help:"Folder with scoring.yaml, routing.yaml, enrich.yaml and so on."`
	Leads    string            `required:"" placeholder:"FILE" help:"Leads as CSV or, if the name ends in .jsonl or .ndjson, JSON Lines."`
	Map      map[string]string `placeholder:"FROM=TO" help:"What a column holds, where the guess is wrong: --map firm=company.name."`
	CRM      string            `name:"crm" placeholder:"DIR" help:"Folder with accounts.csv, suppressions.csv and so on. Default: crm beside the leads."`
	Store    storeName         `default:"sqlite:leadloop.db" placeholder:"sqlite:PATH|postgres://…" help:"Where paid answers, the ledger and leads are kept."`
	Enrich   string            `enum:"needed,everything,off" default:"needed" help:"How much is bought: needed (what can still change what happens to a lead), everything (that rules read) or off."`
	Budget   float64           `placeholder:"N" help:"What enriching these leads may cost in all, runs that were broken off included, in the currency of enrich.yaml. Default: the budgets of enrich.yaml alone."`
	DryRun   bool              `help:"Ask nobody and buy nothing: print what it would cost."`
	Out      string            `placeholder:"FILE" help:"Where the values are written that were found, as CSV: line, id, one column for each field."`
	AsOf     string            `placeholder:"TIME" help:"The moment of the run, which dates what is bought. Default: now."`
	Source   string            `placeholder:"NAME" help:"What the leads came through, as in leadloop run. Default: the leads file's name."`
	Country  string            `placeholder:"CC" help:"Country of phone numbers in rows that have none."`
	Rejects  string            `placeholder:"FILE" help:"Where rejected rows are kept as they were. Default: the leads file's name with .rejects before the ending, in the current folder."`
	TokenKey string            `placeholder:"FILE" help:"Key of the suppression tokens. Default: beside the database, made on first use."`
	JSON     bool              `help:"Print the result as one JSON object."`
	Verbose  bool              `short:"v" help:"Name the values of rows that were left out."`
}

// backlog is the leads to enrich.
type backlog struct {
	cmd      *enrichCmd
	pb       *playbook.Playbook
	in       *input
	store    store.Store
	subjects []leadloop.Subject
	rows     []taken // of the subjects
}

// enriched is what came of a run.
type enriched struct {
	Playbook string    `json:"playbook"`
	Mode     string    `json:"mode"`
	AsOf     time.Time `json:"as_of"`
	Currency string    `json:"currency"`
	// Leads are those of the file, NotReached those that a budget had no room
	// for any more, Unfinished those that lack something because a provider
	// failed.
	Leads      int `json:"leads"`
	NotReached int `json:"not_reached"`
	Unfinished int `json:"unfinished"`
	// Stopped is the budget that had no room: budget, budget_day, budget_month.
	Stopped string `json:"stopped,omitempty"`
	// Amounts are in millionths of the currency, as everywhere in the ledger.
	// PaidNow is what this run added to it; Summary.Cost is what the leads cost
	// with the runs that were broken off before.
	PaidNow leadloop.Micros `json:"paid_now"`
	Summary enrich.Summary  `json:"summary"`
	// Failed and Skipped count calls by provider and reason.
	Failed      map[string]map[string]int `json:"failed"`
	Skipped     map[string]map[string]int `json:"skipped"`
	Refused     map[string]int            `json:"refused"` // leads that nobody was asked about, by reason
	Rejected    int                       `json:"rejected"`
	RejectsFile string                    `json:"rejects_file,omitempty"`
}

func (c *enrichCmd) Run(ctx context.Context, s streams) (err error) {
	if err := usable(c.Playbook, c.Leads); err != nil {
		return &exitError{exitUsage, err}
	}
	if err := keepInputs([]flagFile{{"--leads", c.Leads}}, flagFile{"--out", c.Out}, flagFile{"--rejects", c.Rejects}); err != nil {
		return &exitError{exitUsage, err}
	}
	budget, err := amount("--budget", c.Budget)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	pb, problems := loadPlaybook(c.Playbook)
	for _, p := range problems {
		s.say("%v", p)
	}
	if errs, _ := problems.Split(); len(errs) > 0 {
		return &exitError{exitUsage, fmt.Errorf("the playbook has %s; nothing was run", plural(len(errs), "problem"))}
	}
	terms, err := c.terms(pb)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	base := c.base()
	in, err := base.read(pb.Schema(), s)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	st, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	b := &backlog{cmd: c, pb: pb, in: in, store: st}
	mode, _ := enrich.ParseMode(c.Enrich) // one of those that the flag allows
	waterfall, err := b.prepare(ctx, base, s)
	if err != nil {
		return err
	}
	w, err := waterfall(mode)
	if err != nil {
		return err
	}
	if c.DryRun {
		return b.estimate(ctx, w, mode, waterfall, s)
	}
	out, reports, err := b.run(ctx, w, budget, terms, s)
	if err != nil {
		return err
	}
	if c.Out != "" {
		if err := writeFile(c.Out, private, func(w io.Writer) error { return b.values(w, reports) }); err != nil {
			return err
		}
	}
	if c.JSON {
		err = json.NewEncoder(s.out).Encode(out)
	} else {
		_, err = io.WriteString(s.out, out.text())
	}
	return cmp.Or(err, out.verdict(c))
}

// base reads the leads as leadloop run does, so that both mean the same lead.
func (c *enrichCmd) base() *runCmd {
	asOf := c.AsOf
	if asOf == "" {
		// What is bought today is of today, however old the leads are.
		asOf = time.Now().UTC().Format(time.RFC3339Nano)
	}
	return &runCmd{
		Playbook: c.Playbook, Leads: c.Leads, Map: c.Map, CRM: c.CRM, Store: c.Store, AsOf: asOf, Source: c.Source,
		Origin: "person", Require: "-", Country: c.Country, Rejects: c.Rejects, TokenKey: c.TokenKey, Verbose: c.Verbose,
	}
}

// amount turns units of a currency into millionths.
func amount(flag string, units float64) (leadloop.Micros, error) {
	if !(units >= 0 && units <= 1e12) {
		return 0, fmt.Errorf("%s: expected an amount such as 250 or 0.05", flag)
	}
	return leadloop.Micros(math.Round(units * 1e6)), nil
}

// terms are what the providers' terms mean for a backlog.
type terms struct {
	// workers are as many leads at a time as every provider has room for, worst
	// is the most that one lead can cost. lot is how many leads go together, so
	// that providers that take batches get them; 1 if none does.
	workers, lot int
	worst        leadloop.Micros
}

// A lot is as large as the largest batch that a provider takes, within these.
const (
	leastLot = 50
	mostLot  = 500
)

func (c *enrichCmd) terms(pb *playbook.Playbook) (terms, error) {
	data, err := os.ReadFile(filepath.Join(c.Playbook, "enrich.yaml"))
	if err != nil {
		return terms{}, fmt.Errorf("%s has no enrich.yaml that can be read: there is nobody to ask", c.Playbook)
	}
	def, _ := enrich.Parse("enrich.yaml", data) // problems have been printed
	sources, _ := def.Sources(pb.Schema(), enrich.Host{Files: os.DirFS(c.Playbook), Check: true})
	if len(sources) == 0 {
		return terms{}, fmt.Errorf("the enrich.yaml of %s has no providers: there is nobody to ask", c.Playbook)
	}
	t := terms{workers: 8, lot: 1}
	for _, s := range sources {
		t.worst += s.Price
		if b, ok := s.Provider.(enrich.BatchProvider); ok {
			t.lot = max(t.lot, min(max(b.BatchSize(), leastLot), mostLot))
		}
		if s.Concurrency > 0 {
			t.workers = min(t.workers, s.Concurrency)
		}
		if s.RatePerSecond > 0 {
			// All get their turn within the provider's timeout.
			t.workers = min(t.workers, max(1, int(float64(s.RatePerSecond)*cmp.Or(s.Timeout, 5*time.Second).Seconds()/2)))
		}
	}
	if limit := def.Options().Budget.Lead; limit > 0 {
		t.worst = min(t.worst, limit)
	}
	if t.lot > 1 {
		t.workers = 1 // of a lot; it keeps to the terms of each provider itself
	}
	return t, nil
}

// fresh tells of a database file that is not there yet.
func (c *enrichCmd) fresh() bool {
	path := c.Store.file()
	return path != "" && !exists(path)
}

// open opens the store. A dry run makes none.
func (c *enrichCmd) open(ctx context.Context) (store.Store, error) {
	if c.DryRun && c.fresh() {
		return memstore.New(), nil
	}
	return c.Store.open(ctx)
}

// prepare stores what the CRM says and looks up who the rows are. It returns
// what makes waterfalls over the store.
func (b *backlog) prepare(ctx context.Context, base *runCmd, s streams) (func(enrich.Mode) (*enrich.Waterfall, error), error) {
	if b.cmd.DryRun && b.cmd.fresh() {
		base.Store = "memory"
	}
	tokens, err := tokensOf(ctx, b.store, base.Store, base.TokenKey)
	if err != nil {
		return nil, err
	}
	if b.in.crm != nil && (!b.cmd.DryRun || base.Store == "memory") {
		err := b.store.Update(ctx, func(tx store.Tx) error {
			return b.in.crm.put(ctx, tx, tokens, map[leadloop.OpportunityID]leadloop.Opportunity{})
		})
		if err != nil {
			return nil, fmt.Errorf("store the CRM: %w", err)
		}
		if err := b.in.crm.suppress(ctx, b.store, tokens, b.in, s); err != nil {
			return nil, err
		}
	}
	waterfall := func(mode enrich.Mode) (*enrich.Waterfall, error) {
		w, err := b.pb.Waterfall(b.store, playbook.Options{Tokens: tokens, Secret: os.LookupEnv, Enrich: mode})
		if err != nil {
			return nil, &exitError{exitUsage, err}
		}
		return w, nil
	}
	return waterfall, b.gather(ctx)
}

// gather makes a subject of each lead: as it is in the store, where it is
// there, else as the file has it.
func (b *backlog) gather(ctx context.Context) error {
	activities := map[leadloop.LeadID][]leadloop.Activity{}
	for _, a := range b.in.activities {
		if !a.At.After(b.in.asOf) && a.Actor != ownerActor {
			activities[a.lead] = append(activities[a.lead], a.Activity)
		}
	}
	seen := map[leadloop.LeadID]bool{}
	return b.store.View(ctx, func(tx store.Tx) error {
		clear(seen)
		b.subjects, b.rows = nil, nil
		for _, row := range b.in.rows {
			id := engine.RecordID(row.submission.Key)
			lead, err := store.Resolve(ctx, tx.Leads(), id)
			trigger := leadloop.TriggerTask // it stays where it is unless its tier changes
			if errors.Is(err, leadloop.ErrNotFound) {
				trigger = leadloop.TriggerSubmission
				lead = &leadloop.Lead{
					ID: id, ReceivedAt: row.submission.ReceivedAt, Claims: leadloop.UniteClaims(row.submission.Claims, nil),
					Activities: append(slices.Clone(row.submission.Activities), activities[id]...),
				}
			} else if err != nil {
				return err
			}
			if seen[lead.ID] {
				continue
			}
			seen[lead.ID] = true
			p := leadloop.Golden(b.pb.Schema(), b.pb.Policy(), lead.Claims)
			p.SetActivities(lead.Activities)
			b.rows = append(b.rows, row)
			b.subjects = append(b.subjects, leadloop.Subject{Lead: lead, Profile: p, AsOf: b.in.asOf, Trigger: trigger, Previous: lead.State})
		}
		return nil
	})
}

// run enriches lead by lead, or lot by lot. A lead is begun only if the budget
// has room for the most that it and those under way can cost.
func (b *backlog) run(ctx context.Context, w *enrich.Waterfall, budget leadloop.Micros, terms terms, s streams) (*enriched, []enrich.Report, error) {
	out := &enriched{
		Playbook: b.pb.Name(), Mode: b.cmd.Enrich, AsOf: b.in.asOf, Currency: b.pb.Currency(), Leads: len(b.subjects),
		Failed: map[string]map[string]int{}, Skipped: map[string]map[string]int{}, Refused: map[string]int{},
		Rejected: len(b.in.rejects), RejectsFile: b.in.rejectsFile,
	}
	before, err := b.ledger(ctx)
	if err != nil {
		return nil, nil, err
	}
	type reply struct {
		at, n   int
		reports []enrich.Report
		err     error
	}
	reports := make([]enrich.Report, len(b.subjects))
	reached := make([]bool, len(b.subjects))
	replies := make(chan reply, terms.workers)
	step, done := progress(s.err, len(b.subjects), "enriching", "leads")
	defer done()
	var spent leadloop.Micros
	next, busy, underway := 0, 0, 0 // underway counts leads
	var failed error
	for {
		may := failed == nil && out.Stopped == "" && next < len(b.subjects) && busy < cap(replies)
		n := min(terms.lot, len(b.subjects)-next)
		if budget > 0 && terms.worst > 0 {
			n = min(n, int((budget-spent)/terms.worst)-underway)
		}
		if may && n < 1 && busy == 0 {
			out.Stopped = "budget"
			break
		} else if may && n >= 1 {
			at := next
			next, busy, underway = next+n, busy+1, underway+n
			go func() {
				r, err := together(ctx, w, b.subjects[at:at+n])
				replies <- reply{at, n, r, err}
			}()
			continue
		}
		if busy == 0 {
			break
		}
		r := <-replies
		busy, underway = busy-1, underway-r.n
		if r.err != nil {
			if failed == nil {
				failed = r.err
			}
			continue
		}
		for i, report := range r.reports {
			step()
			reports[r.at+i], reached[r.at+i] = report, true
			spent += report.Cost
			for _, c := range report.Calls {
				if c.Outcome == enrich.Skipped && (c.Reason == "budget_day" || c.Reason == "budget_month") {
					out.Stopped = c.Reason
				}
			}
		}
	}
	done()
	if failed != nil {
		return nil, nil, failed
	}
	for i, r := range reports {
		if !reached[i] {
			out.NotReached++
			continue
		}
		out.add(r)
	}
	after, err := b.ledger(ctx)
	out.PaidNow = after - before
	return out, reports, err
}

// together enriches a lot. A lead by itself keeps to the deadline of enrich.yaml.
func together(ctx context.Context, w *enrich.Waterfall, lot []leadloop.Subject) ([]enrich.Report, error) {
	if len(lot) > 1 {
		return w.EnrichAll(ctx, lot)
	}
	r, err := w.Enrich(ctx, lot[0])
	return []enrich.Report{r}, err
}

func (b *backlog) ledger(ctx context.Context) (sum leadloop.Micros, err error) {
	err = b.store.View(ctx, func(tx store.Tx) error {
		sum, err = tx.Costs().Total(ctx, "", time.Time{}, b.in.asOf.AddDate(100, 0, 0))
		return err
	})
	return sum, err
}

func (e *enriched) add(r enrich.Report) {
	e.Summary.Add(r)
	if r.Unfinished() {
		e.Unfinished++
	}
	switch r.Stopped {
	case "", enrich.StoppedDecided:
	default:
		e.Refused[r.Stopped]++
	}
	count := func(by map[string]map[string]int, c enrich.Call) {
		if by[c.Source] == nil {
			by[c.Source] = map[string]int{}
		}
		by[c.Source][c.Reason]++
	}
	for _, c := range r.Calls {
		switch c.Outcome {
		case enrich.Failed:
			count(e.Failed, c)
		case enrich.Skipped:
			count(e.Skipped, c)
		}
	}
}

// verdict is the exit code and what to do about it.
func (e *enriched) verdict(c *enrichCmd) error {
	switch e.Stopped {
	case "":
	case "budget":
		return &exitError{exitBudget, fmt.Errorf("stopped at --budget %s: %s cost %s, and the next one could cost more than is left; %s not looked at. Run it again with more: what was paid is kept",
			strconv.FormatFloat(c.Budget, 'f', -1, 64), plural(e.Leads-e.NotReached, "lead"), money(e.Summary.Cost, e.Currency), plural(e.NotReached, "lead"))}
	default:
		period := strings.TrimPrefix(e.Stopped, "budget_")
		return &exitError{exitBudget, fmt.Errorf("stopped: the budget per %s in enrich.yaml has no room for another call; %s not looked at. Run it again in the next %s, or with a larger budget: what was paid is kept",
			period, plural(e.NotReached, "lead"), period)}
	}
	var left []string
	if e.Rejected > 0 {
		left = append(left, fmt.Sprintf("%s of %s rejected and kept in %s", plural(e.Rejected, "row"), filepath.Base(c.Leads), e.RejectsFile))
	}
	if e.Unfinished > 0 {
		left = append(left, fmt.Sprintf("%s lacking something because a provider failed: run it again, what was paid is kept", plural(e.Unfinished, "lead")))
	}
	if len(left) > 0 {
		return &exitError{exitRejects, errors.New(strings.Join(left, "; "))}
	}
	return nil
}

// values writes what was found, one row per lead that something was found for.
func (b *backlog) values(w io.Writer, reports []enrich.Report) error {
	found := make([]map[string]string, len(reports))
	fields := map[string]bool{}
	for i, r := range reports {
		for _, c := range r.Claims {
			if c.Value.Presence() != leadloop.Present {
				continue
			}
			if found[i] == nil {
				found[i] = map[string]string{}
			}
			// The first of several sources is the one whose turn came first.
			if _, ok := found[i][c.Field]; !ok {
				found[i][c.Field], fields[c.Field] = c.Value.String(), true
			}
		}
	}
	header := slices.Sorted(maps.Keys(fields))
	out := csv.NewWriter(w)
	rows := [][]string{append([]string{"line", "id"}, header...)}
	for i, values := range found {
		if values == nil {
			continue
		}
		row := []string{strconv.Itoa(b.rows[i].line), b.rows[i].id}
		for _, f := range header {
			row = append(row, values[f])
		}
		rows = append(rows, row)
	}
	return out.WriteAll(rows)
}

func (b *backlog) all() iter.Seq2[leadloop.Subject, error] {
	return func(yield func(leadloop.Subject, error) bool) {
		for _, s := range b.subjects {
			if !yield(s, nil) {
				return
			}
		}
	}
}
