package scoring

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/leadloop/leadloop"
)

// LiveOptions are the optional parts of [NewLive].
type LiveOptions struct {
	// Keep is how many retired models are kept for replay and rollback, the
	// latest ones; 0 means 16.
	Keep int
}

const defaultKeep = 16

// Live is the model in force of a running program: one active model, perhaps a
// shadow that is scored beside it, and the retired ones for replay and
// rollback. Scoring reads it without a lock, so that a model can be swapped
// under load: each lead is scored by one model from beginning to end. It is
// safe for concurrent use.
//
// A model is made ready before it comes into force, which for a large one takes
// a tenth of a second, so that the first leads don't wait. Its tiers may have
// other names than those of the model before: a stored tier that the model in
// force does not know holds no lead (see [Input.PreviousTier]), and whoever
// routes by tier has to know the new names.
//
// All models of one Live have one schema, because profiles are made for it. A
// model with further fields needs a new loop, as [leadloop.Schema] says.
type Live struct {
	now  atomic.Pointer[versions]
	keep int

	change sync.Mutex // held by whoever makes the next versions
}

// versions is never modified once it is stored.
type versions struct {
	active, shadow *Model
	retired        []*Model // the latest first, each digest once
}

// NewLive returns a Live with one active model.
func NewLive(active *Model, o LiveOptions) (*Live, error) {
	switch {
	case active == nil:
		return nil, fmt.Errorf("scoring: %w: no model", leadloop.ErrInvalid)
	case o.Keep < 0:
		return nil, fmt.Errorf("scoring: %w: Keep is negative", leadloop.ErrInvalid)
	case o.Keep == 0:
		o.Keep = defaultKeep
	}
	active.warm()
	l := &Live{keep: o.Keep}
	l.now.Store(&versions{active: active})
	return l, nil
}

// Active returns the model in force.
func (l *Live) Active() *Model { return l.now.Load().active }

// Shadow returns the model that is scored beside the active one, nil if there
// is none.
func (l *Live) Shadow() *Model { return l.now.Load().shadow }

// Retired returns the models that were active before, the latest first.
func (l *Live) Retired() []*Model { return slices.Clone(l.now.Load().retired) }

// Lookup finds an active, shadow or retired model by its digest, so that an
// old decision can be replayed. One that was dropped for newer ones has to be
// compiled again from the playbook that the store keeps.
func (l *Live) Lookup(digest string) (*Model, bool) {
	v := l.now.Load()
	for _, m := range append([]*Model{v.active, v.shadow}, v.retired...) {
		if m != nil && m.digest == digest {
			return m, true
		}
	}
	return nil, false
}

// Activate puts m in force and retires the model before it; a shadow that says
// the same as m ends. Scoring that has begun is not disturbed. It fails with
// [leadloop.ErrInvalid] for a nil model or one of another schema, and then
// nothing changes. To activate the active model changes nothing.
func (l *Live) Activate(m *Model) error {
	if m != nil {
		m.warm()
	}
	l.change.Lock()
	defer l.change.Unlock()
	v := *l.now.Load()
	if err := v.admits(m); err != nil {
		return err
	}
	l.activate(v, m)
	return nil
}

func (l *Live) activate(v versions, m *Model) {
	if m.digest == v.active.digest {
		return
	}
	before := []*Model{v.active}
	for _, r := range v.retired {
		if r.digest != m.digest {
			before = append(before, r)
		}
	}
	if v.shadow != nil && v.shadow.digest == m.digest {
		v.shadow = nil
	}
	v.active, v.retired = m, before[:min(len(before), l.keep)]
	l.now.Store(&v)
}

// SetShadow has m scored beside the active model from now on; nil ends it.
// What a shadow says is recorded and never acted on. It fails as
// [Live.Activate] does.
func (l *Live) SetShadow(m *Model) error {
	if m != nil {
		m.warm()
	}
	l.change.Lock()
	defer l.change.Unlock()
	v := *l.now.Load()
	if m != nil {
		if err := v.admits(m); err != nil {
			return err
		}
	}
	v.shadow = m
	l.now.Store(&v)
	return nil
}

// Rollback puts the model retired last in force again and returns it. The
// model it replaces is retired, so that a second rollback undoes the first. It
// fails with [leadloop.ErrNotFound] if there is none.
func (l *Live) Rollback() (*Model, error) {
	l.change.Lock()
	defer l.change.Unlock()
	v := *l.now.Load()
	if len(v.retired) == 0 {
		return nil, fmt.Errorf("scoring: roll back: %w: no retired model", leadloop.ErrNotFound)
	}
	m := v.retired[0]
	l.activate(v, m)
	return m, nil
}

func (v versions) admits(m *Model) error {
	switch {
	case m == nil:
		return fmt.Errorf("scoring: %w: no model", leadloop.ErrInvalid)
	case !sameSchema(m.schema, v.active.schema):
		return fmt.Errorf("scoring: %s: %w: it has another schema than the active model", m.ID(), leadloop.ErrInvalid)
	}
	return nil
}
