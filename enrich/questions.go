package enrich

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/leadloop/leadloop"
)

// NextQuestions returns which of the askable fields a form should ask next, at
// most that many: those that the lead lacks, the ones that could change most
// first. Without an outlook, and behind those that could change something,
// they come in the order given. What a person or a provider has told is not
// asked again; what was looked up and not found is.
func (w *Waterfall) NextQuestions(ctx context.Context, s leadloop.Subject, askable []string, most int) ([]string, error) {
	var missing []string
	for _, f := range askable {
		if _, ok := w.schema.Lookup(f); !ok {
			return nil, fmt.Errorf("enrich: %w: the schema has no field %q", leadloop.ErrInvalid, f)
		}
		if s.Profile.Value(f).Presence() != leadloop.Present && !slices.Contains(missing, f) {
			missing = append(missing, f)
		}
	}
	weight := map[string]float64{}
	if w.o.Outlook != nil && len(missing) > 0 {
		p, err := w.o.Outlook.Open(ctx, s, slices.Sorted(slices.Values(missing)))
		if err != nil {
			return nil, fmt.Errorf("enrich: the outlook of lead %s: %w", s.Lead.ID, err)
		}
		for _, in := range p.Open {
			weight[in.Field] = in.Weight
		}
	}
	slices.SortStableFunc(missing, func(a, b string) int { return cmp.Compare(weight[b], weight[a]) })
	return missing[:min(len(missing), max(most, 0))], nil
}
