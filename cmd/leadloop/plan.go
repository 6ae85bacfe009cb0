package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/store"
)

type planCmd struct {
	Old   string `required:"" placeholder:"DIR" help:"The playbook in force."`
	New   string `required:"" placeholder:"DIR" help:"The changed playbook, whose guards.yaml counts."`
	Leads string `xor:"leads" placeholder:"FILE" help:"Leads to try both on, as CSV or JSON Lines, with activities.csv and crm beside them."`
	Store string `xor:"leads" placeholder:"sqlite:PATH|postgres://…" help:"Take the leads of a store instead, with what was bought and what they were matched to."`
	historyFlags

	Outcomes string `placeholder:"FILE" help:"How leads ended: CSV with id and outcome (won or lost). Default: the opportunities of the store, or of the CRM's folder, that name their lead."`
	Examples int    `default:"20" placeholder:"N" help:"How many leads that move are named."`
	JSON     bool   `help:"Print one JSON object instead of the summary."`
	HTML     string `name:"html" placeholder:"FILE" help:"Also write a page with charts."`
	Markdown string `placeholder:"FILE" help:"Also write it for a pull request."`
}

// Exit codes of plan, as the like of it have them.
const (
	exitMoves = 2
	exitGuard = 3
)

func (c *planCmd) Run(ctx context.Context, s streams) error {
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
	o := playbook.CompareOptions{Examples: c.Examples}
	leads, total, closing, err := c.leads(ctx, pbs[1], outcomes, &o, s)
	if err != nil {
		var exit *exitError
		if errors.As(err, &exit) && exit.err != nil {
			err = exit.err
		}
		return wrong(err)
	}
	step, done := progress(s.err, total, "comparing", "leads")
	o.Progress = func(int) {
		for range 1000 {
			step()
		}
	}
	out, err := playbook.Compare(ctx, pbs[0], pbs[1], leads, o)
	done()
	if err = errors.Join(err, closing()); err != nil {
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

func (c *planCmd) write(out *playbook.Comparison, s streams) error {
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
	if c.JSON {
		return writeJSON(s.out, out)
	}
	_, err := io.WriteString(s.out, planText(out))
	return err
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

// leads are those of the file or the store. What closing closes is read from
// until then.
func (c *planCmd) leads(ctx context.Context, pb *playbook.Playbook, outcomes map[string]leadloop.OpportunityStatus, o *playbook.CompareOptions, s streams) (leads iter.Seq2[playbook.CompareLead, error], total int, closing func() error, err error) {
	if c.Store != "" {
		return c.stored(ctx, outcomes, o)
	}
	if c.Require == "" {
		c.Require = "-" // nothing is taken in here, so nothing need be complete
	}
	_, in, err := c.read(c.New, c.Leads, pb.Schema(), s)
	if err != nil {
		return nil, 0, nil, err
	}
	o.AsOf = in.asOf
	ended := map[leadloop.LeadID]leadloop.OpportunityStatus{}
	if in.crm != nil {
		o.Reps = in.crm.reps
		for _, op := range in.crm.opportunities {
			if op.Lead != "" {
				ended[op.Lead] = op.Status
			}
		}
	}
	activities := map[leadloop.LeadID][]leadloop.Activity{}
	for _, a := range in.activities {
		if !a.At.After(in.asOf) && a.Actor != ownerActor {
			activities[a.lead] = append(activities[a.lead], a.Activity)
		}
	}
	rows := slices.DeleteFunc(slices.Clone(in.rows), func(r taken) bool { return r.repeats || r.submission.ReceivedAt.After(in.asOf) })
	slices.SortStableFunc(rows, func(a, b taken) int { return a.submission.ReceivedAt.Compare(b.submission.ReceivedAt) })
	return func(yield func(playbook.CompareLead, error) bool) {
		for _, r := range rows {
			id := engine.RecordID(r.submission.Key)
			l := playbook.CompareLead{Outcome: ended[id], Lead: &leadloop.Lead{
				ID: leadloop.LeadID(r.id), ReceivedAt: r.submission.ReceivedAt, Claims: leadloop.UniteClaims(r.submission.Claims, nil),
				Activities: leadloop.UniteActivities(r.submission.Activities, activities[id]),
			}}
			if l.Lead.ID == "" {
				l.Lead.ID = id
			}
			if said, ok := outcomes[string(l.Lead.ID)]; ok {
				l.Outcome = said
			}
			if !yield(l, nil) {
				return
			}
		}
	}, len(rows), func() error { return nil }, nil
}

func (c *planCmd) stored(ctx context.Context, outcomes map[string]leadloop.OpportunityStatus, o *playbook.CompareOptions) (iter.Seq2[playbook.CompareLead, error], int, func() error, error) {
	st, err := (&stored{Store: c.Store}).there(ctx)
	if err != nil {
		return nil, 0, nil, err
	}
	o.AsOf = time.Now()
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
				page, after, err = comparable(ctx, tx, after, deals)
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
	}, 0, st.Close, nil
}

// comparable reads a page of leads with what they were matched to; after is
// empty at the end.
func comparable(ctx context.Context, tx store.Tx, after leadloop.LeadID, deals map[leadloop.AccountID]leadloop.Opportunity) ([]playbook.CompareLead, leadloop.LeadID, error) {
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
