package playbook

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/lifecycle"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/tracking"
)

// Recording builds the standard loop with a recorder in the place of routing:
// it merges, suppresses, enriches and scores as the loop of [Playbook.Loop]
// does, and tells what routing would have been asked, for
// routing.Router.Simulate. Nobody gets a lead by it. The store should be one of
// its own, in memory. Providers are asked only if all of them are files: a
// simulation costs nothing. For owners, which may be nil, see
// routing.NewRecorder.
func (p *Playbook) Recording(_ context.Context, st store.Store, o Options, owners func(leadloop.LeadID, time.Time) (routing.Stay, bool), to func(routing.Moment)) (*engine.Loop, error) {
	if st == nil || o.Tokens == nil || to == nil {
		return nil, fmt.Errorf("playbook: %w: a store, suppression tokens and a recorder are required", leadloop.ErrInvalid)
	}
	for i := range p.sources {
		if _, ok := p.sources[i].Provider.(*enrich.File); !ok {
			o.Enrich = enrich.Off
		}
	}
	stages, err := p.stages(st, o, p.lifecycle)
	if err != nil {
		return nil, fmt.Errorf("playbook: %w", err)
	}
	route, held := routing.NewRecorder(p.router, st, owners, to)
	stages[len(stages)-1] = route // routing is the last
	e := o.Engine
	e.Merger, e.Playbook = dedupe.Merger{Policy: p.policy}, p.digest
	if e.Urgency == nil {
		e.Urgency = p.urgency()
	}
	e.Records = append(slices.Clone(e.Records), lifecycle.NewStage(p.lifecycle), tracking.NewStage(tracking.Options{Touches: p.lifecycle.Touches()}), held)
	loop, err := engine.New(st, p.schema, p.policy, stages, e)
	if err != nil {
		return nil, fmt.Errorf("playbook: %w", err)
	}
	return loop, nil
}
