package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
)

// money writes millionths as an amount, with as many digits as prices have.
func money(m leadloop.Micros, currency string) string {
	digits := 2
	if m != 0 && m < 1_000_000 {
		digits = 4
	}
	return fmt.Sprintf("%.*f %s", digits, float64(m)/1e6, currency)
}

// share writes a rate as a percentage, with its interval; or that it is too
// little to say.
func share(r enrich.Rate) string {
	switch {
	case r.Of == 0:
		return "-"
	case r.TooFew:
		return fmt.Sprintf("%d of %d, too few to say", r.Hits, r.Of)
	}
	return fmt.Sprintf("%.0f %% (%.0f to %.0f)", 100*r.Share, 100*r.Low, 100*r.High)
}

func reasons(by map[string]int) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(by)) {
		parts = append(parts, fmt.Sprintf("%s %s", thousands(int64(by[k])), k))
	}
	return strings.Join(parts, ", ")
}

// text is the result for people.
func (e *enriched) text() string {
	var w strings.Builder
	m := e.Summary
	fmt.Fprintf(&w, "Playbook %s, mode %s, as of %s\n", e.Playbook, e.Mode, e.AsOf.UTC().Format("2006-01-02 15:04 MST"))
	fmt.Fprintf(&w, "%s: %s lacked something, of which %s decided whatever else is learnt.\n", plural(e.Leads, "lead"), thousands(int64(m.Leads)), thousands(int64(m.Decided)))
	if len(e.Refused) > 0 {
		fmt.Fprintf(&w, "Nobody was asked about: %s.\n", reasons(e.Refused))
	}
	fmt.Fprintf(&w, "Spent %s (%s of it now), saved %s by not asking", money(m.Cost, e.Currency), money(e.PaidNow, e.Currency), money(m.Saved, e.Currency))
	if share := ofAll(m.Cost, m.Saved, e.Currency); share != "" {
		fmt.Fprintf(&w, ": %s", share)
	}
	w.WriteString(".\n")
	if len(m.Providers) > 0 {
		t := newTable(&w, "By provider")
		t.AppendHeader(table.Row{"provider", "asked", "of it cached", "matched", "match rate", "failed", "not sent", "cost", "not asked", "saved"})
		for _, p := range m.Providers {
			t.AppendRow(table.Row{
				p.Provider, p.Asked, blankZero(p.Cached), p.Matched, share(enrich.RateOf(p.Matched, p.Asked)),
				reasons(e.Failed[p.Provider]), reasons(e.Skipped[p.Provider]), money(p.Cost, e.Currency), blankZero(p.Spared), money(p.Saved, e.Currency),
			})
		}
		t.Render()
	}
	if len(m.Fields) > 0 {
		t := newTable(&w, "By field")
		t.AppendHeader(table.Row{"field", "asked", "got", "leads that did not need it", "cost", "saved"})
		for _, f := range m.Fields {
			t.AppendRow(table.Row{f.Field, blankZero(f.Asked), blankZero(f.Got), blankZero(f.NotNeeded), money(f.Cost, e.Currency), money(f.Saved, e.Currency)})
		}
		t.Render()
	}
	return w.String()
}

// forecast is what a dry run says. Amounts are in millionths.
type forecast struct {
	Playbook   string           `json:"playbook"`
	Mode       string           `json:"mode"`
	Currency   string           `json:"currency"`
	Estimate   enrich.Estimate  `json:"estimate"`
	Everything *enrich.Estimate `json:"everything,omitempty"` // for comparison
}

// estimate prints what a run would cost.
func (b *backlog) estimate(ctx context.Context, w *enrich.Waterfall, mode enrich.Mode, waterfall func(enrich.Mode) (*enrich.Waterfall, error), s streams) error {
	out := forecast{Playbook: b.pb.Name(), Mode: mode.String(), Currency: b.pb.Currency()}
	var err error
	if out.Estimate, err = w.Estimate(ctx, b.all()); err != nil {
		return err
	}
	if mode == enrich.Needed {
		all, err := waterfall(enrich.Everything)
		if err != nil {
			return err
		}
		e, err := all.Estimate(ctx, b.all())
		if err != nil {
			return err
		}
		out.Everything = &e
	}
	if b.cmd.JSON {
		return json.NewEncoder(s.out).Encode(out)
	}
	var text strings.Builder
	e := out.Estimate
	fmt.Fprintf(&text, "Nobody was asked. Of %s somebody would be asked about %s.\n", plural(e.Leads, "lead"), thousands(int64(e.Asking)))
	fmt.Fprintf(&text, "It would cost about %s, at least %s and at most %s, by the match rates of enrich.yaml (50 %% where it gives none).\n",
		money(e.Expected, out.Currency), money(e.Low, out.Currency), money(e.High, out.Currency))
	if out.Everything != nil {
		fmt.Fprintf(&text, "Buying everything that rules read would cost about %s. What is learnt on the way saves more than can be told now.\n",
			money(out.Everything.Expected, out.Currency))
	}
	t := newTable(&text, "By provider")
	t.AppendHeader(table.Row{"provider", "calls, at most", "expected cost"})
	for _, p := range e.Providers {
		t.AppendRow(table.Row{p.Provider, p.Calls, money(p.Expected, out.Currency)})
	}
	t.Render()
	_, err = io.WriteString(s.out, text.String())
	return err
}
