package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/scoring"
	"github.com/leadloop/leadloop/store"
)

type explainCmd struct {
	stored
	Lead     string            `arg:"" help:"The lead's id, or that of a record merged into it."`
	Playbook string            `placeholder:"DIR" help:"Ask this playbook what if, instead of the one that decided about the lead, which the store has."`
	Replay   bool              `help:"Decide every recorded score again and say whether it comes out byte for byte."`
	WhatIf   map[string]string `mapsep:"none" placeholder:"FIELD=VALUE" help:"Say what would change with another value: --what-if company.employees=800; none for a value that nobody knows. May be said several times."`
	Tier     string            `placeholder:"TIER" help:"Say what would bring the lead into a tier; with --what-if, the lead with those values."`
	AsOf     string            `placeholder:"TIME" help:"The moment of --what-if and --tier. Default: that of the latest decision."`
	JSON     bool              `help:"Print one JSON object."`
}

// explained is what is printed with --json.
type explained struct {
	Lead      *leadloop.Lead      `json:"lead"`
	Decisions []leadloop.Decision `json:"decisions"`
	History   []leadloop.Event    `json:"history"`
	Replays   []replayed          `json:"replays,omitempty"`
	WhatIf    *playbook.WhatIf    `json:"what_if,omitempty"`
	Ways      *playbook.Ways      `json:"ways,omitempty"`
}

type replayed struct {
	Revision int64     `json:"revision"`
	AsOf     time.Time `json:"as_of"`
	Playbook string    `json:"playbook"`
	playbook.Replayed
	// Error says why it could not be decided again.
	Error string `json:"error,omitempty"`
}

// Run exits with 3 if a replay differs.
func (c *explainCmd) Run(ctx context.Context, s streams) error {
	st, err := c.Store.there(ctx)
	if err != nil {
		return err
	}
	err = c.explain(ctx, st, s)
	return errors.Join(err, st.Close())
}

func (c *explainCmd) explain(ctx context.Context, st store.Store, s streams) error {
	x := &explained{History: []leadloop.Event{}}
	err := st.View(ctx, func(tx store.Tx) (err error) {
		if x.Lead, err = store.Resolve(ctx, tx.Leads(), leadloop.LeadID(c.Lead)); err != nil {
			return err
		}
		if x.Decisions, err = tx.Decisions().ByLead(ctx, x.Lead.ID); err != nil {
			return err
		}
		for e, err := range tx.Journal().ByLead(ctx, x.Lead.ID) {
			if err != nil {
				return err
			}
			x.History = append(x.History, e)
		}
		return nil
	})
	if errors.Is(err, leadloop.ErrNotFound) {
		return &exitError{exitUsage, fmt.Errorf("there is no lead %q in %s", c.Lead, c.Store)}
	}
	if err != nil {
		return err
	}
	if len(x.Decisions) == 0 {
		return &exitError{exitUsage, fmt.Errorf("nothing was decided about lead %s yet", x.Lead.ID)}
	}
	last := x.Decisions[len(x.Decisions)-1]
	decided, err := playbook.Stored(ctx, st, last.Playbook)
	if err != nil {
		return fmt.Errorf("the playbook that decided: %w", err)
	}
	asked := decided
	if c.Playbook != "" {
		if asked, err = loadSound(c.Playbook, s); err != nil {
			return err
		}
	}
	asOf := last.AsOf
	if c.AsOf != "" {
		if asOf, err = leadloop.ParseTime(c.AsOf); err != nil {
			return &exitError{exitUsage, fmt.Errorf("--as-of: %w", err)}
		}
	}
	if c.Replay {
		if x.Replays, err = replays(ctx, st, x); err != nil {
			return err
		}
	}
	if len(c.WhatIf) > 0 {
		if x.WhatIf, err = asked.WhatIf(ctx, x.Lead, c.WhatIf, asOf); err != nil {
			return usage(err)
		}
	}
	if c.Tier != "" {
		lead := x.Lead
		if x.WhatIf != nil {
			lead = x.WhatIf.Lead
		}
		if x.Ways, err = asked.Ways(ctx, lead, c.Tier, asOf); err != nil {
			return usage(err)
		}
	}
	if c.JSON {
		err = writeJSON(s.out, x)
	} else {
		err = c.write(s.out, x, decided)
	}
	if err == nil && slices.ContainsFunc(x.Replays, func(r replayed) bool { return !r.Same }) {
		return &exitError{exitRejects, errors.New("not every score came out as it is recorded; the differences stand above")}
	}
	return err
}

// replays decides the recorded scores again, each by its own playbook.
func replays(ctx context.Context, st store.Store, x *explained) ([]replayed, error) {
	loaded := map[string]*playbook.Playbook{}
	var out []replayed
	for _, d := range x.Decisions {
		pb, ok := loaded[d.Playbook]
		r := replayed{Revision: d.Revision, AsOf: d.AsOf, Playbook: d.Playbook}
		var err error
		if !ok {
			pb, err = playbook.Stored(ctx, st, d.Playbook)
			loaded[d.Playbook] = pb
		}
		if err == nil && pb != nil {
			r.Replayed, err = pb.Replay(ctx, x.Lead, d)
		}
		switch {
		case err != nil && ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, leadloop.ErrNotFound) && pb != nil:
			continue // the decision was not about a score
		case err != nil:
			r.Error = err.Error()
		}
		out = append(out, r)
	}
	return out, nil
}

func (c *explainCmd) write(w io.Writer, x *explained, decided *playbook.Playbook) error {
	var b strings.Builder
	if err := decided.Explain(&b, x.Lead, x.Decisions...); err != nil {
		return err
	}
	if c.Replay {
		b.WriteString("\nREPLAY\n")
		for _, r := range x.Replays {
			switch {
			case r.Error != "":
				fmt.Fprintf(&b, "  revision %d, %s: can't be decided again: %s\n", r.Revision, r.AsOf.Format(time.RFC3339), r.Error)
			case r.Same:
				fmt.Fprintf(&b, "  revision %d, %s: the same %s bytes\n", r.Revision, r.AsOf.Format(time.RFC3339), thousands(int64(len(r.Again))))
				if len(r.Later) > 0 {
					fmt.Fprintf(&b, "    from what was known then; entered or changed since, with an earlier date: %s\n", strings.Join(r.Later, ", "))
				}
			default:
				fmt.Fprintf(&b, "  revision %d, %s: differs: %s\n", r.Revision, r.AsOf.Format(time.RFC3339), r.Difference)
			}
		}
	}
	if x.WhatIf != nil {
		c.writeWhatIf(&b, x.WhatIf)
	}
	if x.Ways != nil {
		writeWays(&b, x.Ways, c.Tier)
	}
	writeHistory(&b, x.History)
	_, err := io.WriteString(w, b.String())
	return err
}

func orNone(tier string) string {
	if tier == "" {
		return "none"
	}
	return tier
}

func (c *explainCmd) writeWhatIf(b *strings.Builder, w *playbook.WhatIf) {
	b.WriteString("\nWHAT IF\n")
	for _, name := range slices.Sorted(maps.Keys(c.WhatIf)) {
		// As it was read: a country as its code.
		value := "unknown"
		for _, claim := range w.Lead.Claims {
			if claim.Field == name && claim.Source == "what-if" {
				value = claim.Value.String()
			}
		}
		fmt.Fprintf(b, "  %s were %s\n", name, value)
	}
	fmt.Fprintf(b, "  %s would be %s\n", points(&w.Before), points(&w.After))
	if w.From != w.To {
		fmt.Fprintf(b, "  %s would be %s\n", w.From, w.To)
	}
	for i := range min(len(w.Before.Contributions), len(w.After.Contributions)) {
		p, q := w.Before.Contributions[i], w.After.Contributions[i]
		switch {
		case q.State == scoring.Undecided && p.State != q.State:
			fmt.Fprintf(b, "    rule %s: %s → undecided\n", p.Rule, p.Points)
		case p.Points != q.Points:
			fmt.Fprintf(b, "    rule %s: %s → %s\n", p.Rule, p.Points, q.Points)
		}
	}
	if needs := w.After.Needs; len(needs) > 0 && !slices.Equal(needs, w.Before.Needs) {
		fmt.Fprintf(b, "  it would depend on %s\n", strings.Join(needs, ", "))
	}
}

// points are the points of a score, what they could become, and the tier.
func points(e *scoring.Explanation) string {
	switch {
	case e.Disqualified != "":
		return "disqualified (" + words(e.Disqualified) + ")"
	case !e.Known:
		return "no score"
	case e.Low != e.High:
		return fmt.Sprintf("%s points (%s to %s), tier %s", e.Points, e.Low, e.High, orNone(e.Tier))
	}
	return fmt.Sprintf("%s points, tier %s", e.Points, orNone(e.Tier))
}

// mostWays are printed; --json has all.
const mostWays = 12

func writeWays(b *strings.Builder, w *playbook.Ways, tier string) {
	fmt.Fprintf(b, "\nWHAT WOULD MAKE IT %s\n", tier)
	list := func(p scoring.Paths) {
		for i, set := range p.Sets {
			if i == mostWays {
				fmt.Fprintf(b, "  … and %d more sets, which --json has\n", len(p.Sets)-i)
				break
			}
			parts := make([]string, len(set))
			for i, c := range set {
				switch {
				case c.Activity == "":
					parts[i] = c.String()
				case c.Times == 1:
					parts[i] = "a " + c.Activity + " now"
				default:
					parts[i] = fmt.Sprintf("%d times %s now", c.Times, c.Activity)
				}
			}
			b.WriteString("  " + strings.Join(parts, " and ") + "\n")
		}
		if !p.Complete {
			b.WriteString("  There may be other ways: there are too many to try them all.\n")
		}
	}
	switch open := w.Open; {
	case len(open.Sets) == 1 && len(open.Sets[0]) == 0:
		b.WriteString("  it is already\n")
	case len(open.Sets) > 0:
		list(open)
	case w.Otherwise != nil && len(w.Otherwise.Sets) > 0:
		b.WriteString("  Neither values that nobody knows yet nor activities would. Other values of what is known would:\n")
		list(*w.Otherwise)
	case w.Otherwise != nil && w.Otherwise.Complete:
		fmt.Fprintf(b, "  nothing: no %d values or activities together, neither open nor known ones\n", scoring.MaxChanges)
	default:
		b.WriteString("  nothing that was tried; there may be something, there are too many to try them all\n")
	}
}
