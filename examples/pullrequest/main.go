// Command pullrequest is what a build server runs on a change of a playbook: its
// cases must hold and its guards must not break on last quarter's leads. It
// prints what moves, and exits with 1 if the change must not go in.
//
//	go run ./examples/pullrequest OLD NEW LEADS.csv
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/capture"
	"github.com/leadloop/leadloop/playbook"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: pullrequest OLD NEW LEADS.csv")
		os.Exit(1)
	}
	leads, err := os.Open(os.Args[3])
	if err == nil {
		err = check(context.Background(), os.Stdout, os.Args[1], os.Args[2], leads)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "pullrequest:", err)
		os.Exit(1)
	}
}

// check is the whole of it, in some thirty lines.
func check(ctx context.Context, out io.Writer, before, after string, leads io.Reader) error {
	old, wrong := playbook.Load(os.DirFS(before))
	changed, problems := playbook.Load(os.DirFS(after))
	if err := errors.Join(wrong.Err(), problems.Err()); err != nil {
		return err
	}
	tested, err := changed.Test(ctx, playbook.TestOptions{})
	if err != nil {
		return err
	}
	rows, lead, err := reading(leads, changed.Schema())
	if err != nil {
		return err
	}
	c, err := playbook.CompareFrom(ctx, old, changed, rows, lead, playbook.CompareOptions{AsOf: quarter, Unordered: true})
	if err != nil {
		return err
	}
	var says strings.Builder
	fmt.Fprintf(&says, "%vof %d leads %d come to another tier, %d to another place and %d are due at another time\n", tested, c.Leads, c.TierChanged, c.RouteChanged, c.DueChanged)
	for _, m := range c.Movers {
		fmt.Fprintf(&says, "- %s moves %d\n", m.What, m.Leads)
	}
	_, err = io.WriteString(out, says.String())
	for _, b := range c.Broken {
		err = errors.Join(err, fmt.Errorf("guard %s: %s", b.Guard, b.Text))
	}
	if tested.Failed > 0 {
		err = errors.Join(err, fmt.Errorf("%d cases do not hold", tested.Failed))
	}
	return err
}

// quarter is when the leads are looked at: the end of the quarter that they are
// of, so that the same change always says the same.
var quarter = time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)

// reading are the rows of a table, and what makes a lead of each.
func reading(r io.Reader, schema *leadloop.Schema) (func(yield func(capture.Payload, error) bool), func(capture.Payload) (playbook.CompareLead, error), error) {
	reader, err := capture.NewReader(r, capture.CSV, schema, nil)
	if err != nil {
		return nil, nil, err
	}
	form, err := capture.New(schema, capture.Source{Name: "leads"})
	if err != nil {
		return nil, nil, err
	}
	rows := func(yield func(capture.Payload, error) bool) {
		for {
			p, err := reader.Next()
			switch {
			case errors.As(err, new(*capture.Reject)):
			case errors.Is(err, io.EOF) || !yield(p, err):
				return
			}
		}
	}
	return rows, func(p capture.Payload) (playbook.CompareLead, error) {
		sub, _, err := form.Submission(p, quarter)
		if errors.As(err, new(*capture.Reject)) {
			return playbook.CompareLead{}, nil // not a lead: it is left out
		}
		return playbook.CompareLead{Lead: &leadloop.Lead{ID: leadloop.LeadID(sub.Key), ReceivedAt: sub.ReceivedAt, Claims: sub.Claims}}, err
	}, nil
}
