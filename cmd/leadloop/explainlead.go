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
	WhatIf   map[string]string `placeholder:"FIELD=VALUE" help:"Say what would change with other values: --what-if company.employees=800."`
	Tier     string            `placeholder:"TIER" help:"Say what would bring the lead into a tier."`
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
	Paths     *scoring.Paths      `json:"paths,omitempty"`
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
	st, err := c.there(ctx)
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
		profile := leadloop.Golden(asked.Schema(), asked.Policy(), x.Lead.Claims)
		profile.SetActivities(x.Lead.Activities)
		paths, err := asked.Model().Paths(ctx, scoring.Input{Profile: profile, Activities: x.Lead.Activities, AsOf: asOf, PreviousTier: x.Lead.State.Score.Tier}, c.Tier, scoring.PathOptions{})
		if err != nil {
			return usage(err)
		}
		x.Paths = &paths
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
		b.WriteString("\nWHAT IF\n")
		for _, name := range slices.Sorted(maps.Keys(c.WhatIf)) {
			fmt.Fprintf(&b, "  %s were %s\n", name, c.WhatIf[name])
		}
		a, z := x.WhatIf.Before, x.WhatIf.After
		fmt.Fprintf(&b, "  %s points, tier %s would be %s points, tier %s\n", a.Points, orNone(a.Tier), z.Points, orNone(z.Tier))
		if x.WhatIf.From != x.WhatIf.To {
			fmt.Fprintf(&b, "  %s would be %s\n", x.WhatIf.From, x.WhatIf.To)
		}
		for i := range min(len(a.Contributions), len(z.Contributions)) {
			if p, q := a.Contributions[i], z.Contributions[i]; p.Points != q.Points {
				fmt.Fprintf(&b, "    rule %s: %s → %s\n", p.Rule, p.Points, q.Points)
			}
		}
	}
	if x.Paths != nil {
		fmt.Fprintf(&b, "\nWHAT WOULD MAKE IT %s\n", c.Tier)
		for _, set := range x.Paths.Sets {
			var parts []string
			for _, f := range set {
				parts = append(parts, fmt.Sprintf("%s: %s → %s", f.Field, f.From, f.To))
			}
			b.WriteString("  " + strings.Join(parts, " and ") + "\n")
		}
		switch {
		case len(x.Paths.Sets) == 0 && x.Paths.Complete:
			b.WriteString("  nothing that is not known yet\n")
		case len(x.Paths.Sets) == 0:
			b.WriteString("  nothing that could be tried; there may be something\n")
		case len(x.Paths.Sets) == 1 && len(x.Paths.Sets[0]) == 0:
			b.WriteString("  it is already\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func orNone(tier string) string {
	if tier == "" {
		return "none"
	}
	return tier
}
