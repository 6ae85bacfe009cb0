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
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/tracking"
)

// leadLine is what is said about one row of the leads file.
type leadLine struct {
	ID          string               `json:"id,omitempty"` // as the file has it
	Line        int                  `json:"line"`
	Lead        leadloop.LeadID      `json:"lead"`
	Outcome     leadloop.OutcomeKind `json:"outcome"`
	Reason      string               `json:"reason,omitempty"`
	Owner       leadloop.RepID       `json:"owner,omitempty"`
	Queue       string               `json:"queue,omitempty"`
	Stage       string               `json:"stage,omitempty"`
	Tier        string               `json:"tier,omitempty"`
	Score       *leadloop.Points     `json:"score,omitempty"` // absent: no score, which is not 0
	Range       *[2]leadloop.Points  `json:"range,omitempty"`
	Needs       []string             `json:"needs,omitempty"`
	SLA         *slaLine             `json:"sla,omitempty"`
	FirstTouch  time.Time            `json:"first_touch_at,omitzero"` // by the owner that it has
	DuplicateOf string               `json:"duplicate_of,omitempty"`
	Cost        float64              `json:"cost"`

	received time.Time
}

type slaLine struct {
	Policy        string    `json:"policy"`
	TargetSeconds int64     `json:"target_seconds"`
	DueAt         time.Time `json:"due_at"`
	State         string    `json:"state"` // running, met or missed
}

// results is what a run came to.
type results struct {
	lines   []leadLine
	counts  counts
	report  tracking.Report
	outbox  map[string]int // outside tasks that wait for a worker, by kind
	dead    int
	spent   leadloop.Micros
	left    leadloop.Micros // what was not bought because it changes nothing
	asOf    time.Time
	took    time.Duration
	changed bool
}

func collect(ctx context.Context, st store.Store, pb *playbook.Playbook, in *input, r *replay) (*results, error) {
	res := &results{counts: r.counts, outbox: map[string]int{}, asOf: in.asOf, changed: r.counts.changed()}
	names := map[leadloop.LeadID]string{}
	for _, row := range in.rows {
		names[engine.RecordID(row.submission.Key)] = row.id // "" if the file has no ids
	}
	err := st.View(ctx, func(tx store.Tx) error {
		var once []leadloop.LeadID
		for _, row := range in.rows {
			record := engine.RecordID(row.submission.Key)
			lead, err := store.Resolve(ctx, tx.Leads(), record)
			if errors.Is(err, leadloop.ErrNotFound) {
				continue // later than the moment of the run, or it failed
			}
			if err != nil {
				return err
			}
			line := describe(lead)
			line.ID, line.Line, line.received = row.id, row.line, row.submission.ReceivedAt
			if lead.ID != record || row.repeats {
				line.DuplicateOf = cmp.Or(names[lead.ID], string(lead.ID))
				line.Cost = 0 // counted with the lead itself
			} else {
				once = append(once, lead.ID)
			}
			res.lines = append(res.lines, line)
		}
		counted, err := tx.Tasks().Count(ctx)
		if err != nil {
			return err
		}
		for _, c := range counted {
			if c.State == leadloop.TaskDead {
				res.dead += c.N
			}
		}
		for t, err := range tx.Tasks().ByState(ctx, leadloop.TaskPending) {
			if err != nil {
				return err
			}
			if t.Outside {
				res.outbox[t.Kind]++
			}
		}
		if res.spent, err = tx.Costs().Total(ctx, "", time.Time{}, in.asOf.Add(time.Nanosecond)); err != nil {
			return err
		}
		res.left, err = left(ctx, tx, pb, once)
		return err
	})
	if err != nil {
		return nil, err
	}
	res.report, err = tracking.Collect(ctx, st, in.asOf, tracking.Options{})
	return res, err
}

func describe(l *leadloop.Lead) leadLine {
	s := l.State
	line := leadLine{
		Lead: l.ID, Outcome: s.Disposition, Reason: s.Reason, Owner: s.Owner, Queue: s.Queue, Stage: s.Stage,
		Tier: s.Score.Tier, Needs: s.Score.Needs, Cost: float64(s.Cost) / 1e6, FirstTouch: s.FirstTouchAt,
	}
	if s.Score.Known {
		line.Score = &s.Score.Points
		line.Range = &[2]leadloop.Points{s.Score.Low, s.Score.High}
	}
	if !s.SLA.IsZero() {
		line.SLA = &slaLine{s.SLA.Policy, int64(s.SLA.Target / time.Second), s.SLA.DueAt, "running"}
		switch {
		case !s.SLA.MetAt.IsZero():
			line.SLA.State = "met"
		case !s.SLA.MissedAt.IsZero():
			line.SLA.State = "missed"
		}
	}
	return line
}

func (r *results) writeJSON(w io.Writer, pb *playbook.Playbook, in *input) error {
	enc := json.NewEncoder(w)
	rejects := in.rejects
	if rejects == nil {
		rejects = []refused{}
	}
	for _, l := range r.lines {
		if err := enc.Encode(l); err != nil {
			return err
		}
	}
	return enc.Encode(map[string]any{"summary": map[string]any{
		"playbook": pb.Name(), "digest": pb.Digest(), "as_of": r.asOf, "changed": r.changed, "counts": r.counts,
		"rejects": rejects, "rejects_file": in.rejectsFile, "unreadable_values": in.unreadable,
		"outcomes": r.tally(func(l leadLine) string { return string(l.Outcome) }), "tiers": r.tally(func(l leadLine) string { return l.Tier }),
		"spent": float64(r.spent) / 1e6, "saved": float64(r.left) / 1e6, "currency": pb.Currency(), "outbox": r.outbox, "dead_tasks": r.dead, "metrics": r.report,
	}})
}

// tally counts leads, each once: rows that were merged into another are not
// leads of their own.
func (r *results) tally(key func(leadLine) string) map[string]int {
	out := map[string]int{}
	for _, l := range r.lines {
		if l.DuplicateOf == "" && key(l) != "" {
			out[key(l)]++
		}
	}
	return out
}

func (c *runCmd) banner(w *strings.Builder, pb *playbook.Playbook, in *input) {
	fmt.Fprintf(w, "Playbook %s: %s\n", pb.Name(), pb.Summary())
	fmt.Fprintf(w, "Leads    %s: %s", c.Leads, plural(len(in.rows), "row"))
	if n := len(in.rejects); n > 0 {
		fmt.Fprintf(w, ", %s rejected", thousands(int64(n)))
	}
	if len(in.unreadable) > 0 {
		total, parts := 0, []string(nil)
		for _, col := range slices.SortedFunc(maps.Keys(in.unreadable), func(a, b string) int {
			return cmp.Or(in.unreadable[b]-in.unreadable[a], strings.Compare(a, b))
		}) {
			total += in.unreadable[col]
			parts = append(parts, fmt.Sprintf("%d of %s", in.unreadable[col], col))
		}
		fmt.Fprintf(w, ", %s left out as unreadable (%s; --verbose names them)", plural(total, "value"), strings.Join(parts, ", "))
	}
	fmt.Fprintln(w)
	var guessed, unread []string
	for _, col := range in.columns {
		_, short, dotted := strings.Cut(col.Holds, ".")
		switch {
		case col.Holds == "":
			unread = append(unread, cmp.Or(col.Name, "(no name)"))
		case col.Guessed && col.Name != col.Holds && (!dotted || short != col.Name):
			guessed = append(guessed, col.Name+" = "+col.Holds)
		}
	}
	if len(guessed) > 0 {
		fmt.Fprintf(w, "Guessed  %s (--map corrects)\n", strings.Join(guessed, ", "))
	}
	if len(unread) > 0 {
		fmt.Fprintf(w, "Not read %s (--map COLUMN=FIELD reads one)\n", strings.Join(unread, ", "))
	}
	if len(in.pickedUp) > 0 {
		fmt.Fprintf(w, "With     %s\n", strings.Join(in.pickedUp, ", "))
	}
	fmt.Fprintf(w, "Store    %s\n", c.Store)
	fmt.Fprintf(w, "As of    %s (%s)\n", in.asOf.UTC().Format("2006-01-02 15:04 MST"), in.asOfWhy)
}

func newTable(w *strings.Builder, title string) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.Style().Options.SeparateColumns = false
	t.Style().Options.DrawBorder = false
	t.Style().Format.Header = text.FormatDefault
	t.Style().Format.Footer = text.FormatDefault
	fmt.Fprintf(w, "\n%s\n", title)
	return t
}

// did says what the run did, so that all rows are accounted for.
func (r *results) did(w *strings.Builder) {
	n := r.counts
	fmt.Fprintln(w)
	switch all := n.Submissions + n.Repeated; {
	case all+n.LaterThanAsOf == 0:
		fmt.Fprintln(w, "There is no row that can be taken.")
	case !r.changed:
		fmt.Fprintf(w, "Nothing changed: all %s and what happened to them had been taken before.\n", plural(all, "row"))
	default:
		fmt.Fprintf(w, "%s in %s: %s, %s merged into leads that were there", plural(all, "row"), max(r.took, 10*time.Millisecond).Round(10*time.Millisecond), plural(n.New, "new lead"), thousands(int64(n.Merged)))
		if n.Known > 0 {
			fmt.Fprintf(w, ", %s taken before", thousands(int64(n.Known)))
		}
		if n.Repeated > 0 {
			fmt.Fprintf(w, ", %s repeating an earlier row", thousands(int64(n.Repeated)))
		}
		fmt.Fprintln(w, ".")
		var parts []string
		for _, p := range []struct {
			n         int
			one, many string
		}{
			{n.ActivitiesWith, "activity from before a lead arrived", "activities from before a lead arrived"}, {n.Activities, "activity since", "activities since"},
			{n.Opportunities, "opening or closing of a deal", "openings and closings of deals"}, {n.Timers, "timer", "timers"},
		} {
			switch {
			case p.n == 1:
				parts = append(parts, "1 "+p.one)
			case p.n > 1:
				parts = append(parts, thousands(int64(p.n))+" "+p.many)
			}
		}
		if len(parts) > 0 {
			fmt.Fprintf(w, "Replayed with them, in order of time: %s.\n", strings.Join(parts, ", "))
		}
	}
	if n.LaterThanAsOf > 0 {
		fmt.Fprintf(w, "%s of leads and activities lie after the moment of the run (--as-of) and were left for later.\n", plural(n.LaterThanAsOf, "row"))
	}
	if n.Forgotten > 0 {
		fmt.Fprintf(w, "%s not stored: who was erased stays erased.\n", plural(n.Forgotten, "row"))
	}
	if n.NoOwner > 0 {
		fmt.Fprintf(w, "%s by \"owner\" were left out: nobody owned the lead at that time.\n", plural(n.NoOwner, "activity row"))
	}
}

func (r *results) writeText(w *strings.Builder, pb *playbook.Playbook) error {
	r.did(w)
	if len(r.lines) == 0 {
		return nil
	}
	r.outcomeTable(w)
	r.ownerTable(w)
	r.hottest(w)
	fmt.Fprintln(w)
	if err := r.report.Text(w); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nEnrichment cost %.2f %s in all", float64(r.spent)/1e6, pb.Currency())
	if share := ofAll(r.spent, r.left, pb.Currency()); share != "" {
		fmt.Fprintf(w, ", %s: the rest could not change what happens", share)
	}
	w.WriteString(".\n")
	if len(r.outbox) > 0 {
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(r.outbox)) {
			parts = append(parts, thousands(int64(r.outbox[k]))+" "+k)
		}
		fmt.Fprintf(w, "In the outbox, for handlers that a host gives the loop: %s.\n", strings.Join(parts, ", "))
	}
	if r.dead > 0 {
		fmt.Fprintf(w, "%s gave up; --verbose says why.\n", plural(r.dead, "task"))
	}
	fmt.Fprintln(w, "--json prints every lead, --explain ID says why one is where it is.")
	return nil
}

func (r *results) outcomeTable(w *strings.Builder) {
	tiers := slices.Sorted(maps.Keys(r.tally(func(l leadLine) string { return l.Tier })))
	counts := r.tally(func(l leadLine) string { return string(l.Outcome) + "\x00" + cmp.Or(l.Tier, "-") })
	t := newTable(w, "Where the leads are")
	header := table.Row{"outcome", "leads"}
	for _, tier := range tiers {
		header = append(header, "tier "+tier)
	}
	header = append(header, "no tier")
	t.AppendHeader(header)
	outcomes := r.tally(func(l leadLine) string { return string(l.Outcome) })
	total := table.Row{"all", 0}
	for _, tier := range append(slices.Clone(tiers), "-") {
		n := 0
		for o := range outcomes {
			n += counts[o+"\x00"+tier]
		}
		total = append(total, blankZero(n))
		total[1] = total[1].(int) + n
	}
	for _, o := range slices.SortedFunc(maps.Keys(outcomes), func(a, b string) int { return cmp.Or(outcomes[b]-outcomes[a], strings.Compare(a, b)) }) {
		row := table.Row{outcomeName(o), outcomes[o]}
		for _, tier := range append(slices.Clone(tiers), "-") {
			row = append(row, blankZero(counts[o+"\x00"+tier]))
		}
		t.AppendRow(row)
	}
	t.AppendFooter(total)
	t.Render()
}

// outcomeName says what an outcome means where its word alone does not.
func outcomeName(o string) string {
	if o == string(leadloop.OutcomeAlerted) {
		return o + " (an owner of the company was told)"
	}
	return o
}

func blankZero(n int) any {
	if n == 0 {
		return ""
	}
	return n
}

func (r *results) ownerTable(w *strings.Builder) {
	type load struct {
		leads, met, missed, running int
	}
	owners, all := map[string]*load{}, &load{}
	for _, l := range r.lines {
		name := cmp.Or(string(l.Owner), "queue "+l.Queue)
		if l.DuplicateOf != "" || (l.Outcome != leadloop.OutcomeAssigned && l.Outcome != leadloop.OutcomeQueued) {
			continue
		}
		if owners[name] == nil {
			owners[name] = &load{}
		}
		for _, sum := range []*load{owners[name], all} {
			sum.leads++
			switch {
			case l.SLA == nil:
			case l.SLA.State == "met":
				sum.met++
			case l.SLA.State == "missed":
				sum.missed++
			default:
				sum.running++
			}
		}
	}
	if len(owners) == 0 {
		return
	}
	t := newTable(w, "Who has them, and how the clock of the first answer stands")
	t.AppendHeader(table.Row{"owner or queue", "leads", "met", "missed", "running", "no clock"})
	row := func(name string, l *load) table.Row {
		return table.Row{name, l.leads, blankZero(l.met), blankZero(l.missed), blankZero(l.running), blankZero(l.leads - l.met - l.missed - l.running)}
	}
	for _, name := range slices.Sorted(maps.Keys(owners)) {
		t.AppendRow(row(name, owners[name]))
	}
	t.AppendFooter(row("all", all))
	t.Render()
}

// hottest lists the best leads that wait for a first touch: who to call now.
func (r *results) hottest(w *strings.Builder) {
	var waiting []leadLine
	for _, l := range r.lines {
		if l.DuplicateOf == "" && l.Score != nil && l.FirstTouch.IsZero() && (l.Outcome == leadloop.OutcomeAssigned || l.Outcome == leadloop.OutcomeQueued) {
			waiting = append(waiting, l)
		}
	}
	slices.SortStableFunc(waiting, func(a, b leadLine) int {
		return cmp.Or(cmp.Compare(*b.Score, *a.Score), a.received.Compare(b.received), strings.Compare(a.ID, b.ID))
	})
	if len(waiting) == 0 {
		return
	}
	t := newTable(w, "Call these first: the highest scores without a first touch")
	t.AppendHeader(table.Row{"id", "tier", "score", "could be", "owner or queue", "answer due", "reason"})
	for _, l := range waiting[:min(8, len(waiting))] {
		due := ""
		if l.SLA != nil {
			due = l.SLA.DueAt.UTC().Format("Mon 2 Jan 15:04 MST")
			if l.SLA.State == "missed" {
				due += ", missed"
			}
		}
		could := ""
		if l.Range[0] != l.Range[1] {
			could = l.Range[0].String() + " to " + l.Range[1].String()
		}
		t.AppendRow(table.Row{cmp.Or(l.ID, string(l.Lead)), l.Tier, l.Score.String(), could, cmp.Or(string(l.Owner), "queue "+l.Queue), due, l.Reason})
	}
	t.Render()
}
