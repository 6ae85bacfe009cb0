package playbook

import (
	"context"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/scoring"
)

// urgency is the whole points that a lead has by what is known: what a hot
// lead left to do comes before the backlog of cold ones. A lead that can't be
// scored is not urgent, and its stage says why.
func (p *Playbook) urgency(lead *leadloop.Lead, profile *leadloop.Profile, asOf time.Time) int {
	v, err := p.model.Verdict(context.Background(), scoring.Input{Profile: profile, Activities: lead.Activities, AsOf: asOf, PreviousTier: lead.State.Score.Tier})
	if err != nil || v.Disqualified != "" {
		return 0
	}
	return max(0, int(v.Points/leadloop.Point))
}
