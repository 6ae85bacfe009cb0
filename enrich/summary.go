package enrich

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/leadloop/leadloop"
)

// Summary adds up reports: what was spent, what was found for it, and what was
// saved by not asking. The zero Summary is empty. It does not lock.
type Summary struct {
	// Leads counts reports in which something was missing, Decided those that
	// stopped because nothing missing could change what happens.
	Leads   int `json:"leads"`
	Decided int `json:"decided"`
	// Cost is what was spent, Saved what asking for all the same would have
	// cost: see [Report.Saved].
	Cost  leadloop.Micros `json:"cost"`
	Saved leadloop.Micros `json:"saved"`
	// Providers and Fields are in order of name.
	Providers []ProviderSummary `json:"providers,omitempty"`
	Fields    []FieldSummary    `json:"fields,omitempty"`
}

// ProviderSummary is one provider's part. The match rate is Matched by Asked.
type ProviderSummary struct {
	Provider string `json:"provider"`
	// Asked counts calls that were answered, also from the cache, Matched those
	// of them in which the provider knew the person or company.
	Asked   int `json:"asked"`
	Matched int `json:"matched"`
	Failed  int `json:"failed,omitempty"`
	Skipped int `json:"skipped,omitempty"`
	// Cached counts answers that were all there already.
	Cached int             `json:"cached,omitempty"`
	Cost   leadloop.Micros `json:"cost"`
	// Spared counts calls that were not made because they would change nothing,
	// Saved is what they would have cost.
	Spared int             `json:"spared,omitempty"`
	Saved  leadloop.Micros `json:"saved,omitempty"`
}

// FieldSummary is one field's part.
type FieldSummary struct {
	Field string `json:"field"`
	// Asked counts calls that asked for it, Got those that gave an accepted
	// value. NotNeeded counts leads for which it was left out.
	Asked     int `json:"asked"`
	Got       int `json:"got"`
	NotNeeded int `json:"not_needed,omitempty"`
	// Cost is its share of the calls that gave it, in equal parts; of calls
	// that gave nothing, of those that asked for it.
	Cost leadloop.Micros `json:"cost"`
	// Saved is its share, in equal parts, of calls that were not made.
	Saved leadloop.Micros `json:"saved,omitempty"`
}

// Add adds one report.
func (s *Summary) Add(r Report) {
	if len(r.Missing)+len(r.Calls) == 0 && r.Stopped == "" {
		return
	}
	s.Leads++
	if r.Stopped == StoppedDecided {
		s.Decided++
	}
	s.Cost += r.Cost
	s.Saved += r.Saved
	for _, f := range r.NotNeeded {
		s.field(f).NotNeeded++
	}
	for _, c := range r.Spared {
		p := s.provider(c.Source)
		p.Spared++
		p.Saved += c.Cost
		for i, f := range c.Fields {
			s.field(f).Saved += part(c.Cost, i, len(c.Fields))
		}
	}
	for _, c := range r.Calls {
		p := s.provider(c.Source)
		p.Cost += c.Cost
		switch c.Outcome {
		case Failed:
			p.Failed++
		case Skipped:
			p.Skipped++
			continue
		case Matched:
			p.Matched++
			fallthrough
		case NoMatch:
			p.Asked++
			if len(c.Cached) == len(c.Asked) {
				p.Cached++
			}
		}
		share := c.Got
		if len(share) == 0 {
			share = c.Asked
		}
		for i, f := range share {
			s.field(f).Cost += part(c.Cost, i, len(share))
		}
		for _, f := range c.Asked {
			s.field(f).Asked++
		}
		for _, f := range c.Got {
			s.field(f).Got++
		}
	}
}

// part is the i-th of n equal parts of an amount; the first ones bear what does
// not divide.
func part(sum leadloop.Micros, i, n int) leadloop.Micros {
	p := sum / leadloop.Micros(n)
	if leadloop.Micros(i) < sum%leadloop.Micros(n) {
		p++
	}
	return p
}

// AddTrace adds a report as the stage writes it into a decision record. The
// error tells that it is none.
func (s *Summary) AddTrace(trace json.RawMessage) error {
	var r Report
	if err := json.Unmarshal(trace, &r); err != nil {
		return fmt.Errorf("enrich: %w: not the trace of an enrichment", leadloop.ErrInvalid)
	}
	s.Add(r)
	return nil
}

func (s *Summary) provider(name string) *ProviderSummary {
	i, ok := slices.BinarySearchFunc(s.Providers, name, func(p ProviderSummary, name string) int { return cmp.Compare(p.Provider, name) })
	if !ok {
		s.Providers = slices.Insert(s.Providers, i, ProviderSummary{Provider: name})
	}
	return &s.Providers[i]
}

func (s *Summary) field(name string) *FieldSummary {
	i, ok := slices.BinarySearchFunc(s.Fields, name, func(f FieldSummary, name string) int { return cmp.Compare(f.Field, name) })
	if !ok {
		s.Fields = slices.Insert(s.Fields, i, FieldSummary{Field: name})
	}
	return &s.Fields[i]
}
