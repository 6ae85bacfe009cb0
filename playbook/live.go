package playbook

import (
	"context"
	"fmt"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/scoring"
	"github.com/leadloop/leadloop/store"
)

// Save stores the playbook's files, so that decisions by it can be replayed.
// [Playbook.Loop] does so itself; a host calls it before it activates a model
// of this playbook in a loop of another one (see [Options].Live).
func (p *Playbook) Save(ctx context.Context, st store.Store) error {
	err := st.Update(ctx, func(tx store.Tx) error { return tx.Playbooks().Put(ctx, p.digest, p.contents) })
	if err != nil {
		return fmt.Errorf("playbook: store it: %w", err)
	}
	return nil
}

// scoreStage is the step that scores, by the playbook's own model or by the one
// in force in o.Live.
func (p *Playbook) scoreStage(o Options) (leadloop.Stage, error) {
	if o.Live == nil {
		return scoring.NewStage(p.model), nil
	}
	if err := p.fits(o.Live); err != nil {
		return nil, err
	}
	return scoring.NewLiveStage(o.Live), nil
}

// fits fails if the models of a Live are not about the playbook's fields.
func (p *Playbook) fits(live *scoring.Live) error {
	have := live.Active().Schema()
	same := have.Len() == p.schema.Len()
	for i := 0; same && i < have.Len(); i++ {
		same = have.At(i) == p.schema.At(i)
	}
	if !same {
		return fmt.Errorf("live model %s: %w: it has other fields than the playbook", live.Active().ID(), leadloop.ErrInvalid)
	}
	return nil
}
