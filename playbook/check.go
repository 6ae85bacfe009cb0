package playbook

import (
	"slices"
	"strings"

	"github.com/leadloop/leadloop"
)

// crossCheck compares what is bought with what is read.
func (l *loader) crossCheck() {
	if l.pb.enriching == nil {
		return
	}
	read := append(l.pb.Reads(), l.pb.always()...)
	at := leadloop.Position{File: enrichFile}
	offered := map[string]bool{}
	for _, s := range l.sources {
		for _, f := range s.Fields {
			offered[f] = true
			if !slices.Contains(read, f) {
				l.problems.Warn(at, "provider %s offers %s, which no rule reads; it is never bought", s.Name, f)
			}
		}
	}
	for _, f := range slices.Compact(slices.Sorted(slices.Values(slices.Concat(l.pb.model.Inputs(), l.pb.router.Fields(), l.pb.lifecycle.Fields())))) {
		// Forms ask people about themselves; what they rarely know is what
		// providers are for.
		if strings.HasPrefix(f, "company.") && !offered[f] && f != leadloop.CompanyName.Name() && f != leadloop.Domain.Name() {
			l.problems.Warn(at, "rules read %s, which no provider offers; it is known only if a form or the CRM says it", f)
		}
	}
}
