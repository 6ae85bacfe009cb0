package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/leadloop/leadloop/routing"
)

// text writes the tables.
func (s *simulation) text(w *strings.Builder) {
	s.simulated.text(w)
	if s.Against == nil {
		return
	}
	fmt.Fprintf(w, "\n\nAGAINST %s\n", s.Against.Folder)
	s.Against.text(w)
	d := s.Change
	fmt.Fprintf(w, "\n\nIf %s were used instead: %s of %s moved.\n", s.Against.Folder, plural(d.Moved, "lead"), thousands(int64(d.Leads)))
	t := newTable(w, "Who gets what")
	t.AppendHeader(table.Row{"", "before", "after", "change"})
	for _, p := range d.Places {
		t.AppendRow(table.Row{p.Place, p.Before, p.After, signed(p.After - p.Before)})
	}
	t.Render()
	if len(d.Queues) > 0 {
		t = newTable(w, "What came into queues")
		t.AppendHeader(table.Row{"", "before", "after", "change"})
		for _, q := range d.Queues {
			t.AppendRow(table.Row{q.Queue, q.Before, q.After, signed(q.After - q.Before)})
		}
		t.Render()
	}
	if len(d.Flows) > 0 {
		t = newTable(w, "Moves")
		t.AppendHeader(table.Row{"from", "to", "leads"})
		for i, f := range d.Flows {
			if i == 20 {
				t.AppendRow(table.Row{"", fmt.Sprintf("%d more", len(d.Flows)-i), ""})
				break
			}
			t.AppendRow(table.Row{f.From, f.To, f.Leads})
		}
		t.Render()
		fmt.Fprintln(w, "--json has every lead that moved.")
	}
}

func signed(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%+d", n)
}

func (s *simulated) text(w *strings.Builder) {
	r := s.Result
	fmt.Fprintf(w, "Playbook %s, %s to %s\n", s.Playbook, r.From.UTC().Format("2006-01-02"), r.Until.UTC().Format("2006-01-02 15:04 MST"))
	fmt.Fprintf(w, "%s: %s assigned, %s waiting, %s in a track, %s told to an owner, %s became part of another",
		plural(r.Leads, "lead"), thousands(int64(r.Assigned)), thousands(int64(r.Waiting)), thousands(int64(r.Nurture)), thousands(int64(r.Alerted)), thousands(int64(r.Merged)))
	if r.Held > 0 {
		fmt.Fprintf(w, ", %s held back since", thousands(int64(r.Held)))
	}
	if s.HeldBack > 0 {
		fmt.Fprintf(w, "; %s more held back before routing", thousands(int64(s.HeldBack)))
	}
	fmt.Fprintf(w, ".\nWait for an owner who is there: p50 %s, p95 %s. Answered in time: %s.\n", short(r.Wait.P50), short(r.Wait.P95), attained(r.SLA))
	t := newTable(w, "Reps")
	t.AppendHeader(table.Row{"", "leads", "got", "by tier", "wait p50", "p95", "in time", "open", "most"})
	var none []string
	for _, x := range r.Reps {
		if x.Got > 0 {
			t.AppendRow(table.Row{x.Rep, x.Leads, x.Got, tiersOf(x.Tiers), short(x.Wait.P50), short(x.Wait.P95), attained(x.SLA), x.Open, x.MostOpen})
		} else {
			none = append(none, string(x.Rep))
		}
	}
	t.Render()
	if len(none) > 0 {
		fmt.Fprintf(w, "Got no lead: %s.\n", strings.Join(none, ", "))
	}
	if len(r.Queues) > 0 {
		t = newTable(w, "Queues")
		t.AppendHeader(table.Row{"", "came", "by tier", "wait p50", "p95", "most", "waiting"})
		for _, q := range r.Queues {
			t.AppendRow(table.Row{q.Queue, q.Queued, tiersOf(q.Tiers), short(q.Wait.P50), short(q.Wait.P95), q.Most, q.Waiting})
		}
		t.Render()
	}
	t = newTable(w, "Pools, in leads")
	t.AppendHeader(table.Row{"", "leads", "member", "got", "owed", "most away from its share"})
	for _, p := range r.Pools {
		for i, m := range p.Members {
			name, leads := "", any("")
			if i == 0 {
				name, leads = p.Pool, p.Leads
			}
			owed, away := "-", "-"
			if p.Strategy == routing.StrategyFair || p.Deviation > 0 {
				owed, away = fmt.Sprintf("%.2f", m.Owed), fmt.Sprintf("%.2f", m.Deviation)
			}
			t.AppendRow(table.Row{name, leads, m.Member, m.Leads, owed, away})
		}
	}
	t.Render()
	t = newTable(w, "Entries of the chain")
	t.AppendHeader(table.Row{"", "placed", "nobody free", "no owner", "undecided", "failed"})
	for _, e := range r.Entries {
		t.AppendRow(table.Row{e.Entry, e.Hits, e.Nobody, e.Ownerless, e.Undecided, e.Failed})
	}
	t.Render()
	if len(r.NeverHit) > 0 {
		fmt.Fprintf(w, "Never hit: %s.\n", strings.Join(r.NeverHit, ", "))
	}
	if len(r.Reasons) > 0 {
		var parts []string
		for _, x := range r.Reasons {
			parts = append(parts, fmt.Sprintf("%s %s", thousands(int64(x.Leads)), words(x.Reason)))
		}
		fmt.Fprintf(w, "Why leads wait at the end: %s.\n", strings.Join(parts, ", "))
	}
}

func tiersOf(list []routing.TierCount) string {
	parts := make([]string, len(list))
	for i, t := range list {
		tier := t.Tier
		if tier == "" {
			tier = "none"
		}
		parts[i] = fmt.Sprintf("%s %d", tier, t.Leads)
	}
	return strings.Join(parts, ", ")
}

func attained(a routing.Attainment) string {
	if a.Due == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f%% of %d", 100*a.Rate(), a.Due)
}

// short writes a time as people say it.
func short(d time.Duration) string {
	switch {
	case d == 0:
		return "0"
	case d < time.Minute:
		return d.Round(time.Second).String()
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Round(time.Minute)/time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf("%.1fh", d.Hours())
	}
	return fmt.Sprintf("%.1fd", d.Hours()/24)
}
