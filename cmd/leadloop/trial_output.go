package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/capture"
	"github.com/leadloop/leadloop/enrich"
)

// segmentField reads a field's name without what stands before the dot: the
// company's if a known lead has it, else the lead's.
func segmentField(schema *leadloop.Schema, name string, sample []enrich.TrialRecord) string {
	if _, ok := schema.Lookup(name); ok {
		return name
	}
	var found string
	for _, prefix := range []string{"lead.", "company."} {
		if _, ok := schema.Lookup(prefix + name); !ok {
			continue
		}
		has := slices.ContainsFunc(sample, func(r enrich.TrialRecord) bool {
			return r.Profile.Value(prefix+name).Presence() == leadloop.Present
		})
		if found == "" || has {
			found = prefix + name
		}
	}
	if found == "" {
		return name // Try says what is wrong with it
	}
	return found
}

// meant is the field that a column's name was probably meant to be, in words,
// or "".
func meant(schema *leadloop.Schema, name string) string {
	_, err := capture.Columns([]string{name}, schema, map[string]string{name: name})
	if err == nil {
		return ""
	}
	_, hint, _ := strings.Cut(err.Error(), "did you mean ")
	if hint, _, ok := strings.Cut(hint, "?"); ok {
		return fmt.Sprintf(" (did you mean %s?)", hint)
	}
	return ""
}

func perRight(m *leadloop.Micros, currency string) string {
	if m == nil {
		return "-"
	}
	return money(*m, currency)
}

// mostSegments is how many values of a field are shown to people; JSON has all.
const mostSegments = 12

// text is the trial for people.
func (r *trialResult) text() string {
	var w strings.Builder
	t := r.Trial
	fmt.Fprintf(&w, "%s on %s of %s, as of %s: the trial cost %s.\n", plural(len(t.Providers), "provider"), plural(t.Records, "lead"), r.Known,
		r.AsOf.UTC().Format("2006-01-02"), money(t.Cost, r.Currency))
	if t.LeftOut > 0 {
		fmt.Fprintf(&w, "%s left out, evenly spread, to keep to --spend.\n", plural(t.LeftOut, "lead"))
	}
	if r.Interrupted {
		fmt.Fprintln(&w, "Interrupted: this is what was answered until then.")
	}
	fmt.Fprintf(&w, "Shares come with their 95 %% interval; below %d they say too little to be trusted.\n", enrich.MinTrial)
	tab := newTable(&w, "Providers")
	tab.AppendHeader(table.Row{"provider", "knows the lead", "is right", "right alone", "cost", "per right value", "failed", "not sent"})
	for _, p := range t.Providers {
		tab.AppendRow(table.Row{
			p.Provider, share(p.Match), share(p.Accuracy), blankZero(p.Alone), money(p.Cost, r.Currency), perRight(p.PerRight, r.Currency),
			reasons(p.Failed), reasons(p.NotSent),
		})
	}
	tab.Render()
	tab = newTable(&w, "Fields")
	tab.AppendHeader(table.Row{"field", "provider", "has a value", "is right", "right alone", "refused", "median age", "per right value"})
	for _, f := range t.Fields {
		for _, p := range t.Providers {
			for _, pf := range p.Fields {
				if pf.Field != f.Field {
					continue
				}
				age := "-"
				if pf.Ages.Dated > 0 {
					age = fmt.Sprintf("%.0f days", pf.Ages.Median)
				}
				tab.AppendRow(table.Row{f.Field, p.Provider, share(pf.Found), share(pf.Accuracy), blankZero(pf.Alone), blankZero(pf.Refused), age, perRight(pf.PerRight, r.Currency)})
			}
		}
	}
	tab.Render()
	if len(t.Overlaps) > 0 {
		tab = newTable(&w, "Overlap: leads that both answered about")
		tab.AppendHeader(table.Row{"field", "providers", "both have it", "only the first", "only the second", "neither", "both say the same"})
		for _, o := range t.Overlaps {
			tab.AppendRow(table.Row{o.Field, o.A + ", " + o.B, o.Both, o.OnlyA, o.OnlyB, o.Neither, share(o.Agree)})
		}
		tab.Render()
	}
	r.segmentTables(&w)
	r.orderTables(&w)
	return w.String()
}

func (r *trialResult) segmentTables(w *strings.Builder) {
	by, shown := "", 0
	var tab table.Writer
	flush := func() {
		if tab != nil {
			tab.Render()
		}
		if shown > mostSegments {
			fmt.Fprintf(w, "%s more; --json has all.\n", plural(shown-mostSegments, "value"))
		}
	}
	for _, s := range r.Trial.Segments {
		if s.By != by {
			flush()
			by, shown = s.By, 0
			tab = newTable(w, "By "+by)
			tab.AppendHeader(table.Row{"value", "leads", "provider", "knows the lead", "is right", "per right value"})
		}
		if shown++; shown > mostSegments {
			continue
		}
		for _, p := range s.Providers {
			tab.AppendRow(table.Row{orUnknown(s.Value), s.Records, p.Provider, share(p.Match), share(p.Accuracy), perRight(p.PerRight, r.Currency)})
		}
	}
	flush()
}

func orUnknown(s string) string {
	if s == "" {
		return "(not known)"
	}
	return s
}

func (r *trialResult) orderTables(w *strings.Builder) {
	t := r.Trial
	row := func(tab table.Writer, o enrich.TrialOrder) {
		for i, st := range o.Steps {
			tab.AppendRow(table.Row{i + 1, st.Provider, st.Calls, st.Found, st.Right, blankZero(st.Wrong), money(st.Cost, r.Currency), perRight(st.PerRight, r.Currency)})
		}
		tab.AppendFooter(table.Row{"", "all", "", o.Found, o.Right, blankZero(o.Wrong), money(o.Cost, r.Currency), perRight(o.PerRight, r.Currency)})
		tab.Render()
	}
	header := table.Row{"", "provider", "calls", "adds values", "right", "wrong", "cost", "per right value"}
	title := "Best order"
	if t.Budget > 0 {
		title += " for " + money(t.Budget, r.Currency) + " per lead"
	}
	if len(t.Order.Steps) == 0 {
		fmt.Fprintf(w, "\n%s: nobody; no provider fits the budget on its own.\n", title)
	} else {
		tab := newTable(w, title)
		tab.AppendHeader(header)
		row(tab, t.Order)
		fmt.Fprintln(w, r.verdict())
	}
	tab := newTable(w, "As listed")
	tab.AppendHeader(header)
	row(tab, t.Listed)
}

// verdict says how good the best order is.
func (r *trialResult) verdict() string {
	t := r.Trial
	s := fmt.Sprintf("It costs %s per lead and is right about %s of %s known values; ", money(t.Order.PerRecord, r.Currency), thousands(int64(t.Order.Right)), thousands(int64(t.Order.Known)))
	if t.Exhaustive {
		return s + "all orders of all choices were tried."
	}
	return s + fmt.Sprintf("it was found step by step, and no order is right about more than %s.", thousands(int64(t.Bound)))
}
