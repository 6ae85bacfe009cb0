package playbook

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/scoring"
)

// crossCheck compares what is bought with what is read.
func (l *loader) crossCheck() {
	if l.pb.enriching == nil {
		return
	}
	read := l.pb.Reads()
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
	for _, f := range read {
		// Forms ask people about themselves; what they rarely know is what
		// providers are for.
		if strings.HasPrefix(f, "company.") && !offered[f] && f != leadloop.CompanyName.Name() && f != leadloop.Domain.Name() {
			l.problems.Warn(at, "rules read %s, which no provider offers; it is known only if a form or the CRM says it", f)
		}
	}
}

// fitGroup is the group that the minimum fit of enrich.yaml is about.
const fitGroup = "fit"

// preScore is what a lead scores before anything is bought: the points of the
// group "fit" if the model has one, else the whole score. Rules that are
// undecided count nothing; a lead that is disqualified as it stands is below
// every minimum.
func (p *Playbook) preScore(ctx context.Context, profile *leadloop.Profile, activities []leadloop.Activity, asOf time.Time) (leadloop.Points, bool) {
	e, err := p.model.Explain(ctx, scoring.Input{Profile: profile, Activities: activities, AsOf: asOf})
	if err != nil {
		return 0, false // ctx has ended, and with it the waterfall that asks
	}
	if e.Disqualified != "" {
		return -leadloop.MaxPoints, true
	}
	for _, g := range e.Groups {
		if g.Group == fitGroup {
			return g.Points, true
		}
	}
	return e.Points, e.Known
}
