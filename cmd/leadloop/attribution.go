package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/tracking/attribution"
)

type attributionCmd struct {
	Store    storeName     `default:"sqlite:leadloop.db" placeholder:"sqlite:PATH" help:"Whose journal is read."`
	By       []string      `default:"source" help:"What a channel is: attributes of touches, such as source or source,medium,campaign."`
	On       string        `enum:"won,converted" default:"won" help:"What a conversion is: a deal that was won, or a lead that became one."`
	LookBack time.Duration `placeholder:"DURATION" help:"Leave out touches longer before the conversion, such as 2160h for 90 days. Default: none."`
	Order    int           `default:"1" help:"How many touches back the Markov model remembers, 1 to 8."`
	AsOf     string        `placeholder:"TIME" help:"The moment of the report. Default: now."`
	JSON     bool          `help:"Print one object, with every model."`
}

func (c *attributionCmd) Run(ctx context.Context, s streams) (err error) {
	asOf := time.Now()
	if c.AsOf != "" {
		if asOf, err = leadloop.ParseTime(c.AsOf); err != nil {
			return &exitError{exitUsage, fmt.Errorf("--as-of: %w", err)}
		}
	}
	ledger, err := attribution.NewLedger(attribution.Options{LookBack: c.LookBack, Order: c.Order})
	if err != nil {
		return &exitError{exitUsage, fmt.Errorf("--look-back or --order: %s", strings.TrimPrefix(err.Error(), "attribution: invalid: "))}
	}
	st, err := c.Store.there(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	var events []leadloop.Event
	err = st.View(ctx, func(tx store.Tx) error {
		deals, err := tx.CRM().Opportunities(ctx, "")
		if err != nil {
			return err
		}
		known := map[string]bool{}
		for _, o := range deals {
			known[string(o.ID)] = true
			events = append(events, dealEvents(o)...)
		}
		for e, err := range tx.Journal().Since(ctx, 0) {
			if err != nil {
				return err
			}
			switch e.Kind {
			case leadloop.EventCaptured, leadloop.EventSubmission, leadloop.EventActivity, leadloop.EventConverted, leadloop.EventWon,
				leadloop.EventMerged, leadloop.EventUnmerged:
				if known[e.To] && (e.Kind == leadloop.EventConverted || e.Kind == leadloop.EventWon) {
					continue // the CRM's word counts
				}
				events = append(events, e)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	journeys := attribution.Journeys(events, c.By, leadloop.EventKind(c.On), asOf)
	for _, j := range journeys {
		if err := ledger.Add(j); err != nil {
			return err
		}
	}
	var results []attribution.Result
	for _, m := range attribution.Models() {
		r, err := ledger.Result(ctx, m)
		if err != nil {
			return err
		}
		results = append(results, r)
	}
	if c.JSON {
		return json.NewEncoder(s.out).Encode(map[string]any{"by": c.By, "on": c.On, "as_of": asOf.UTC(), "journeys": len(journeys), "models": results})
	}
	_, err = io.WriteString(s.out, c.text(len(journeys), results))
	return err
}

// dealEvents are what the CRM says of a deal, as the journal would.
func dealEvents(o leadloop.Opportunity) (out []leadloop.Event) {
	if o.Lead == "" {
		return nil
	}
	e := leadloop.Event{Kind: leadloop.EventConverted, Lead: o.Lead, At: o.CreatedAt, To: string(o.ID), Attrs: map[string]string{"amount": strconv.FormatInt(int64(o.Amount), 10)}}
	out = append(out, e)
	if o.Status == leadloop.OpportunityWon {
		e.Kind, e.At = leadloop.EventWon, o.ClosedAt
		out = append(out, e)
	}
	return out
}

// text is two tables: who gets the conversions, and who the money.
func (c *attributionCmd) text(journeys int, results []attribution.Result) string {
	var b strings.Builder
	total := results[0].Total
	fmt.Fprintf(&b, "%s, %.0f %s for %s in all. What went together, not what caused what.\n", plural(journeys, "journey"), total.Conversions.Float(), c.On, unitsText(total.Value))
	channels := map[string]float64{}
	for _, r := range results {
		for _, x := range r.Credits {
			channels[x.Channel] += x.Conversions.Float()
		}
	}
	names := slices.SortedFunc(maps.Keys(channels), func(x, y string) int { return cmp.Or(cmp.Compare(channels[y], channels[x]), strings.Compare(x, y)) })
	for _, part := range []struct {
		title string
		cell  func(x attribution.Credit) string
	}{
		{"Conversions", func(x attribution.Credit) string { return fmt.Sprintf("%.2f", x.Conversions.Float()) }},
		{"Money", func(x attribution.Credit) string { return unitsText(x.Value) }},
	} {
		t := newTable(&b, part.title+" by "+strings.Join(c.By, ", "))
		header := table.Row{"channel"}
		align := []table.ColumnConfig{}
		for i, r := range results {
			header = append(header, strings.ReplaceAll(string(r.Model), "_", " "))
			align = append(align, table.ColumnConfig{Number: i + 2, Align: text.AlignRight, AlignHeader: text.AlignRight})
		}
		t.SetColumnConfigs(align)
		t.AppendHeader(header)
		for _, name := range names {
			row := table.Row{name}
			for _, r := range results {
				x := attribution.Credit{}
				if i := slices.IndexFunc(r.Credits, func(x attribution.Credit) bool { return x.Channel == name }); i >= 0 {
					x = r.Credits[i]
				}
				row = append(row, part.cell(x))
			}
			t.AppendRow(row)
		}
		t.Render()
	}
	return b.String()
}
