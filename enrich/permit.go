package enrich

import (
	"slices"
	"strings"

	"github.com/leadloop/leadloop"
)

// permit finds the sources that the lead, as it is known now, may be sent to.
func (r *run) permit() {
	for i, src := range r.w.sources {
		r.refused[i] = r.refusal(src)
	}
}

// identify collects what the source is asked by, and whether the lead has all
// of it.
func (r *run) identify(src *guard) ([]Known, bool) {
	known := make([]Known, 0, len(src.Needs))
	for _, f := range src.Needs {
		v := r.identifier(f)
		if v == "" {
			return nil, false
		}
		known = append(known, Known{Field: f, Value: v})
	}
	return known, true
}

func (r *run) identified(src *guard) bool {
	for _, f := range src.Needs {
		if p := r.s.Profile.Value(f); p.Presence() != leadloop.Present && r.known[f] == "" {
			return false
		}
	}
	return true
}

func (r *run) identifier(field string) string {
	if p := r.s.Profile.Value(field); p.Presence() == leadloop.Present {
		return p.String()
	}
	return r.known[field]
}

func (r *run) country() string {
	if c, p := leadloop.Country.Get(r.s.Profile); p == leadloop.Present {
		return c
	}
	c, _ := leadloop.CompanyCountry.Get(r.s.Profile)
	return c
}

// refusal says why the lead must not be sent to the source; "" if it may.
func (r *run) refusal(src *guard) string {
	country := strings.ToUpper(r.country())
	consent, _ := leadloop.Consent.Get(r.s.Profile)
	switch {
	case len(src.Purposes) > 0 && !slices.Contains(src.Purposes, r.w.o.Purpose):
		return "purpose_not_allowed"
	case len(src.Countries) > 0 && !slices.Contains(src.Countries, country):
		return "country_not_allowed"
	case len(src.ConsentIn) > 0 && (consent == leadloop.ConsentDenied || consent == leadloop.ConsentWithdrawn):
		return "consent_refused"
	case len(src.ConsentIn) > 0 && (country == "" || slices.Contains(src.ConsentIn, country)) && consent != leadloop.ConsentGranted:
		return "consent_missing"
	}
	return ""
}
