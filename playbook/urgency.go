package playbook

import (
	"context"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/scoring"
)

// urgency returns the rank of the tier that a lead has by what is known, 0 for
// the lowest: what a hot lead left to do comes before the backlog of cold ones.
// It is the tier and not the points because a store looks for due tasks from
// priority to priority. A lead that can't be scored is not urgent, and its
// stage says why.
func (p *Playbook) urgency() func(lead *leadloop.Lead, profile *leadloop.Profile, asOf time.Time) int {
	ranks := p.model.Tiers()
	slices.Reverse(ranks)
	return func(lead *leadloop.Lead, profile *leadloop.Profile, asOf time.Time) int {
		v, err := p.model.Verdict(context.Background(), scoring.Input{Profile: profile, Activities: lead.Activities, AsOf: asOf, PreviousTier: lead.State.Score.Tier})
		if err != nil || v.Disqualified != "" {
			return 0
		}
		return max(0, slices.Index(ranks, v.Tier))
	}
}
