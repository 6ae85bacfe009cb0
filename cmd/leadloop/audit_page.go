package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"

	"github.com/leadloop/leadloop/scoring/learn"
)

//go:embed audit.html
var auditPage string

var auditTemplate = judgedPage("audit", auditPage)

// writeAuditPage writes an audit as one page that needs nothing else.
func writeAuditPage(w io.Writer, in string, a *learn.Audit) error {
	return auditTemplate.Execute(w, map[string]any{"In": in, "A": a})
}

// driftBars shows how far signals moved, up to twice what alarms.
func driftBars(signals []learn.SignalDrift) template.HTML {
	const most = 0.5
	var list []bar
	for _, d := range signals {
		list = append(list, bar{
			name: d.Signal, label: fmt.Sprintf("%.3f, %s", d.PSI, d.Level), value: min(1, d.PSI/most), mark: 0.25 / most, marked: true,
			faint: d.Level == learn.LevelFine || d.Level == learn.LevelUnknown,
		})
	}
	return bars("How far signals moved", list)
}
