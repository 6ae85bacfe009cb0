package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/tracking"
)

type reportCmd struct {
	Store   storeName `default:"sqlite:leadloop.db" placeholder:"sqlite:PATH" help:"Whose journal is read."`
	Week    string    `placeholder:"YYYY-Www" help:"The week to review, such as 2026-W45 (ISO, UTC). Default: the latest week of the journal that is over."`
	Weeks   int       `default:"13" help:"How many weeks up to this one are in the trend and speak for proposals."`
	GroupBy []string  `sep:"none" placeholder:"DIM[,DIM]" help:"Also the figures of all history by these, such as source or owner,closed_quarter, or an attribute of the journal. Repeatable."`
	JSON    bool      `xor:"out" help:"Print one object."`
	HTML    string    `name:"html" placeholder:"FILE" help:"Also write a page with charts that needs nothing else; - prints it."`
}

func (c *reportCmd) Run(ctx context.Context, s streams) (err error) {
	o := tracking.ReviewOptions{Weeks: c.Weeks}
	if c.Weeks < 1 {
		return &exitError{exitUsage, fmt.Errorf("--weeks: expected 1 or more, found %d", c.Weeks)}
	}
	for _, by := range c.GroupBy {
		var dims []string
		for d := range strings.SplitSeq(by, ",") {
			dims = append(dims, strings.TrimSpace(d))
		}
		o.Tables = append(o.Tables, dims)
	}
	st, err := c.Store.there(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	monday, err := c.monday(ctx, st)
	if err != nil {
		return err
	}
	o.Options.Teams, err = teams(ctx, st)
	if err != nil {
		return err
	}
	if o.Advisor, err = advisor(ctx, st, monday.AddDate(0, 0, 7), s); err != nil {
		return err
	}
	review, err := tracking.NewReview(ctx, st, monday, o)
	if errors.Is(err, leadloop.ErrInvalid) {
		return &exitError{exitUsage, fmt.Errorf("--group-by: %s", strings.ReplaceAll(strings.TrimPrefix(err.Error(), "tracking: "), "invalid: Options.GroupBy: ", ""))}
	}
	if err != nil {
		return err
	}
	for _, t := range review.Tables {
		for i, by := range t.By {
			if len(t.Groups) > 0 && !slices.ContainsFunc(t.Groups, func(g tracking.Figures) bool { return g.Values[i] != tracking.None }) {
				s.say("--group-by %s: no lead has one; attributes come into the journal with the lead, or with \"leadloop history import --map COLUMN=attr:%s\"", by, by)
			}
		}
	}
	if c.HTML != "" {
		page, err := reviewPage(review)
		if err != nil {
			return err
		}
		if c.HTML == "-" {
			_, err = s.out.Write(page)
			return err
		}
		if err := os.WriteFile(c.HTML, page, 0o644); err != nil {
			return fmt.Errorf("--html: %w", err)
		}
		s.say("the page is in %s", c.HTML)
	}
	if c.JSON {
		enc := json.NewEncoder(s.out)
		enc.SetIndent("", " ")
		return enc.Encode(review)
	}
	if err := review.Text(s.out); err != nil {
		return err
	}
	_, err = io.WriteString(s.out, groupTables(review))
	return err
}

// advisor knows the playbook by which leads were decided last; nil if none were,
// as in history that was imported.
func advisor(ctx context.Context, st store.Store, before time.Time, s streams) (tracking.Advisor, error) {
	pb, err := playbook.Latest(ctx, st, before)
	var problems leadloop.Problems
	switch {
	case errors.Is(err, leadloop.ErrNotFound):
		return nil, nil //nolint:nilnil // there is no playbook: proposals do without
	case errors.As(err, &problems):
		s.say("proposals name no rules: the playbook that decided last can't be read by this release: %v", problems[0])
		return nil, nil //nolint:nilnil // the same
	case err != nil:
		return nil, err
	}
	return pb.Advisor(), nil
}

// monday is the beginning of the week that is asked for.
func (c *reportCmd) monday(ctx context.Context, st store.Store) (time.Time, error) {
	if c.Week != "" {
		monday, err := tracking.WeekOf(c.Week)
		if err != nil {
			return monday, &exitError{exitUsage, fmt.Errorf("--week: %q is no week such as 2026-W45", c.Week)}
		}
		return monday, nil
	}
	// What lies in the future is a typing error, or a plan.
	now := time.Now()
	var latest time.Time
	err := st.View(ctx, func(tx store.Tx) error {
		for e, err := range tx.Journal().Since(ctx, 0) {
			if err != nil {
				return err
			}
			if e.At.After(latest) && !e.At.After(now) {
				latest = e.At
			}
		}
		return nil
	})
	if err != nil {
		return time.Time{}, err
	}
	if latest.IsZero() {
		return time.Time{}, &exitError{exitUsage, fmt.Errorf("--store: the journal in %s is empty: there is nothing to report", c.Store)}
	}
	monday := tracking.Monday(latest)
	if tracking.Monday(now).Equal(monday) {
		monday = monday.AddDate(0, 0, -7)
	}
	return monday, nil
}

// teams are those of the store's reps.
func teams(ctx context.Context, st store.Store) (map[leadloop.RepID]leadloop.TeamID, error) {
	out := map[leadloop.RepID]leadloop.TeamID{}
	err := st.View(ctx, func(tx store.Tx) error {
		reps, err := tx.CRM().Reps(ctx)
		for _, r := range reps {
			if r.Team != "" {
				out[r.ID] = r.Team
			}
		}
		return err
	})
	return out, err
}
