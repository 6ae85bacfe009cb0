package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/store"
)

type planCmd struct {
	Old   string    `required:"" placeholder:"DIR" help:"The playbook in force."`
	New   string    `required:"" placeholder:"DIR" help:"The changed playbook, whose guards.yaml counts."`
	Leads string    `xor:"leads" placeholder:"FILE" help:"Leads to try both on, as CSV or JSON Lines, with activities.csv and crm beside them."`
	Store storeName `xor:"leads" placeholder:"sqlite:PATH|postgres://…" help:"Take the leads of a store instead, with what was bought and what they were matched to."`
	historyFlags

	Outcomes string        `placeholder:"FILE" help:"How leads ended: CSV with id and outcome (won or lost). Default: the opportunities of the store, or of the CRM's folder, that name their lead."`
	Idle     bool          `help:"Route as if everybody were there and idle, instead of simulating in virtual time who has how much to do."`
	Response time.Duration `placeholder:"TIME" help:"How long an owner takes to touch a lead, in working time, such as 20m. Default: when the activities show a touch."`
	Open     time.Duration `default:"336h" placeholder:"TIME" help:"How long a lead counts as open for its owner. 0 is until the end."`

	Examples int    `default:"20" placeholder:"N" help:"How many leads that move are named."`
	JSON     bool   `help:"Print one JSON object instead of the summary."`
	HTML     string `name:"html" placeholder:"FILE" help:"Also write a page with charts."`
	Markdown string `placeholder:"FILE" help:"Also write it for a pull request."`
}

// planGC is how much garbage there may be, in percent of what is in use, before it
// is collected: what each of a million leads leaves behind adds up.
const planGC = 100

// planOpen is how long a lead counts as open unless somebody says otherwise: the
// default of --open.
const planOpen = 14 * 24 * time.Hour

// Exit codes of plan, as the like of it have them.
const (
	exitMoves = 2
	exitGuard = 3
)

func (c *planCmd) Run(ctx context.Context, s streams) error {
	if os.Getenv("GOGC") == "" {
		defer debug.SetGCPercent(debug.SetGCPercent(planGC))
	}
	wrong := func(err error) error { return &exitError{exitFailed, err} } // 2 says that something moves
	if (c.Leads == "") == (c.Store == "") {
		return wrong(errors.New("name the leads with --leads FILE or --store STORE"))
	}
	var pbs [2]*playbook.Playbook
	for i, dir := range []string{c.Old, c.New} {
		pb, problems := loadPlaybook(dir)
		errs, _ := problems.Split()
		for _, p := range errs {
			s.say("%v", p)
		}
		if pb == nil {
			return wrong(fmt.Errorf("%s has %s; nothing was compared", dir, plural(len(errs), "problem")))
		}
		pbs[i] = pb
	}
	outcomes, err := readOutcomes(c.Outcomes)
	if err != nil {
		return wrong(err)
	}
	out, err := c.compare(ctx, pbs, outcomes, s)
	if errors.Is(err, context.Canceled) {
		return &exitError{exitInterrupted, errors.New("interrupted; nothing was written")}
	}
	if err != nil {
		return err
	}
	if out.Leads == 0 {
		return wrong(errors.New("there is no lead to compare on"))
	}
	if err := c.write(out, s); err != nil {
		return err
	}
	switch {
	case len(out.Broken) > 0:
		return &exitError{exitGuard, fmt.Errorf("%s of the new playbook would be broken", plural(len(out.Broken), "guard"))}
	case out.Moves():
		return &exitError{exitMoves, nil}
	}
	return nil
}

// compare compares on the leads of the file or the store.
func (c *planCmd) compare(ctx context.Context, pbs [2]*playbook.Playbook, outcomes map[string]leadloop.OpportunityStatus, s streams) (*playbook.Comparison, error) {
	wrong := func(err error) error {
		var exit *exitError
		if errors.As(err, &exit) && exit.err != nil {
			err = exit.err
		}
		return &exitError{exitFailed, err} // 2 says that something moves
	}
	o := playbook.CompareOptions{
		Examples: c.Examples, Idle: c.Idle,
		Routing: routing.SimulateOptions{Response: c.Response, Open: c.Open},
	}
	total := 0
	show := func() (done func()) {
		step, done := progress(s.err, total, "comparing", "leads")
		o.Progress = func(int) {
			for range 1000 {
				step()
			}
		}
		return done
	}
	if c.Store != "" {
		leads, n, closing, err := c.stored(ctx, pbs[1].Lifecycle().Touches(), outcomes, &o)
		if err != nil {
			return nil, wrong(err)
		}
		total = n
		done := show()
		left := maps.Clone(outcomes)
		out, err := playbook.Compare(ctx, pbs[0], pbs[1], func(yield func(playbook.CompareLead, error) bool) {
			for l, err := range leads {
				if err == nil {
					delete(left, string(l.Lead.ID))
				}
				if !yield(l, err) {
					return
				}
			}
		}, o)
		done()
		if err = errors.Join(err, closing()); err == nil {
			c.sayStrangers(len(left), len(outcomes), s)
		}
		return out, err
	}
	f, err := c.openFile(ctx, pbs, outcomes, &o, s)
	if err != nil {
		return nil, wrong(err)
	}
	total = f.total
	done := show()
	out, err := playbook.CompareFrom(ctx, pbs[0], pbs[1], f.rows, f.lead, o)
	done()
	f.sayRejects(s)
	if err != nil {
		return nil, err
	}
	c.sayStrangers(len(outcomes)-int(f.ofLeads.Load()), len(outcomes), s)
	return out, nil
}

// sayStrangers warns of outcomes of leads that are not there: perhaps the ids are
// those of another system.
func (c *planCmd) sayStrangers(strangers, all int, s streams) {
	if strangers > 0 {
		s.say("%s: %s of %s of leads that were not compared; is the id that of the leads?", c.Outcomes, thousands(int64(strangers)), plural(all, "outcome"))
	}
}

func (c *planCmd) write(out *playbook.Comparison, s streams) error {
	var err error
	if c.JSON {
		err = writeJSON(s.out, out)
	} else {
		_, err = io.WriteString(s.out, planText(out))
	}
	if err != nil {
		return err
	}
	for _, f := range []struct {
		path string
		data func() ([]byte, error)
	}{{c.HTML, func() ([]byte, error) { return planPage(out) }}, {c.Markdown, func() ([]byte, error) { return []byte(planMarkdown(out)), nil }}} {
		if f.path == "" {
			continue
		}
		data, err := f.data()
		if err == nil {
			err = os.WriteFile(f.path, data, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readOutcomes reads how leads ended, by the id of their row or lead.
func readOutcomes(path string) (map[string]leadloop.OpportunityStatus, error) {
	out := map[string]leadloop.OpportunityStatus{}
	if path == "" {
		return out, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it is only read
	r := csv.NewReader(f)
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: expected a header with id and outcome: %w", path, err)
	}
	at := map[string]int{}
	for i, h := range header {
		at[strings.ToLower(strings.TrimSpace(strings.TrimPrefix(h, "\ufeff")))] = i
	}
	id, ok := at["id"]
	if !ok {
		id, ok = at["lead"]
	}
	outcome, has := at["outcome"]
	if !ok || !has {
		return nil, fmt.Errorf("%s: expected the columns id (or lead) and outcome, found %s", path, strings.Join(header, ", "))
	}
	for {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		line, _ := r.FieldPos(0)
		if len(rec) <= max(id, outcome) {
			return nil, fmt.Errorf("%s:%d: the row has no outcome", path, line)
		}
		switch v := strings.ToLower(strings.TrimSpace(rec[outcome])); v {
		case "won", "1", "true", "yes":
			out[strings.TrimSpace(rec[id])] = leadloop.OpportunityWon
		case "lost", "0", "false", "no":
			out[strings.TrimSpace(rec[id])] = leadloop.OpportunityLost
		case "", "open":
		default:
			return nil, fmt.Errorf("%s:%d: expected the outcome won, lost or open, found %q", path, line, rec[outcome])
		}
	}
}

func (c *planCmd) stored(ctx context.Context, touches []string, outcomes map[string]leadloop.OpportunityStatus, o *playbook.CompareOptions) (iter.Seq2[playbook.CompareLead, error], int, func() error, error) {
	st, err := c.Store.there(ctx)
	if err != nil {
		return nil, 0, nil, err
	}
	o.AsOf, o.Unordered = time.Now(), true
	if c.AsOf != "" {
		if o.AsOf, err = leadloop.ParseTime(c.AsOf); err != nil {
			return nil, 0, nil, errors.Join(fmt.Errorf("--as-of: %w", err), st.Close())
		}
	}
	deals, ended := map[leadloop.AccountID]leadloop.Opportunity{}, map[leadloop.LeadID]leadloop.OpportunityStatus{}
	err = st.View(ctx, func(tx store.Tx) error {
		all, err := tx.CRM().Opportunities(ctx, "")
		if err != nil {
			return err
		}
		for _, op := range all {
			if op.Status == leadloop.OpportunityOpen {
				deals[op.Account] = op
			} else if op.Lead != "" {
				ended[op.Lead] = op.Status
			}
		}
		o.Reps, err = tx.CRM().Reps(ctx)
		return err
	})
	if err != nil {
		return nil, 0, nil, errors.Join(err, st.Close())
	}
	return func(yield func(playbook.CompareLead, error) bool) {
		for after := leadloop.LeadID(""); ; {
			var page []playbook.CompareLead
			err := st.View(ctx, func(tx store.Tx) (err error) {
				page, after, err = comparable(ctx, tx, after, deals, touches)
				return err
			})
			if err != nil {
				yield(playbook.CompareLead{}, err)
				return
			}
			if after == "" {
				return
			}
			for _, l := range page {
				l.Outcome = ended[l.Lead.ID]
				if said, ok := outcomes[string(l.Lead.ID)]; ok {
					l.Outcome = said
				}
				if !yield(l, nil) {
					return
				}
			}
		}
	}, -1, st.Close, nil // how many there are, a store does not say
}

// comparable reads a page of leads with what they were matched to; after is
// empty at the end.
func comparable(ctx context.Context, tx store.Tx, after leadloop.LeadID, deals map[leadloop.AccountID]leadloop.Opportunity, touches []string) ([]playbook.CompareLead, leadloop.LeadID, error) {
	all, err := tx.Leads().List(ctx, after, 500)
	if err != nil || len(all) == 0 {
		return nil, "", err
	}
	var page []playbook.CompareLead
	for _, lead := range all {
		if lead.MergedInto != "" {
			continue
		}
		l := playbook.CompareLead{Lead: lead}
		for _, a := range lead.Activities {
			if a.Actor != "" && slices.Contains(touches, a.Type) {
				l.Touched = append(l.Touched, a.At)
			}
		}
		if id := lead.State.Account; id != "" {
			a, err := tx.CRM().Account(ctx, id)
			if err != nil && !errors.Is(err, leadloop.ErrNotFound) {
				return nil, "", err
			}
			if err == nil {
				l.Account = &a
			}
			if deal, ok := deals[id]; ok && deal.Lead != lead.ID {
				l.Opportunity = &deal
			}
		}
		if id := lead.State.Contact; id != "" {
			contact, err := tx.CRM().Contact(ctx, id)
			if err != nil && !errors.Is(err, leadloop.ErrNotFound) {
				return nil, "", err
			}
			if err == nil {
				l.Contact = &contact
			}
		}
		page = append(page, l)
	}
	return page, all[len(all)-1].ID, nil
}
