package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/scoring"
	"github.com/leadloop/leadloop/store"
)

type versionsCmd struct {
	List     versionsListCmd  `cmd:"" default:"withargs" help:"The versions of a playbook: who put which into force, when and why."`
	Draft    draftCmd         `cmd:"" help:"Store a playbook as a version."`
	Shadow   shadowCmd        `cmd:"" help:"Let a version score beside the active one."`
	Activate activateCmd      `cmd:"" help:"Put a version into force, if its guards allow it: it is compared with the active one on the leads of the store."`
	Rollback rollbackCmd      `cmd:"" help:"Put the version that was active before into force again."`
	Compare  shadowResultsCmd `cmd:"" help:"Say how the shadow's tiers differ from the active ones in the decisions so far."`
}

// mover is who changes a version and why.
type mover struct {
	By  string `required:"" placeholder:"ID" help:"Who does it, as an id."`
	Why string `required:"" placeholder:"TEXT" help:"Why, in a sentence without personal data."`
}

func (m mover) move() playbook.Move {
	return playbook.Move{By: m.By, Why: m.Why, At: time.Now()}
}

// registry calls f with the store and the registry of a playbook.
func registry(ctx context.Context, c *stored, name string, f func(st store.Store, r *playbook.Registry) error) (err error) {
	st, err := c.Store.there(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	r, err := playbook.NewRegistry(st, name)
	if err != nil {
		return usage(err)
	}
	return usage(f(st, r))
}

// inForce returns the playbook's model with the store's shadow beside it, nil if
// there is none, and says if another version of the playbook is the active one.
func inForce(ctx context.Context, st store.Store, pb *playbook.Playbook, s streams) (*scoring.Live, error) {
	r, err := playbook.NewRegistry(st, pb.Model().Name())
	if err != nil {
		return nil, err
	}
	all, err := r.Versions(ctx)
	if err != nil {
		return nil, err
	}
	var live *scoring.Live
	for _, v := range all {
		switch {
		case v.State == playbook.VersionActive && v.Digest != pb.Digest():
			s.say("note: the active version in the store is %s, digest %s; this run decides by %s, digest %s", v.Name, v.Digest[:12], pb.Name(), pb.Digest()[:12])
		case v.State == playbook.VersionShadow && v.Digest != pb.Digest():
			shadow, err := r.Load(ctx, v)
			if err != nil {
				return nil, fmt.Errorf("the shadow: %w", err)
			}
			if live, err = scoring.NewLive(pb.Model(), scoring.LiveOptions{}); err != nil {
				return nil, err
			}
			if err := live.SetShadow(shadow.Model()); err != nil {
				s.say("note: %s, digest %s, is the shadow and can't be scored beside: %v", v.Name, v.Digest[:12], err)
				continue
			}
			s.say("%s, digest %s, is scored beside as the shadow", v.Name, v.Digest[:12])
		}
	}
	return live, nil
}

// pick finds the version whose digest begins as said.
func pick(ctx context.Context, r *playbook.Registry, digest string) (playbook.Version, error) {
	all, err := r.Versions(ctx)
	if err != nil {
		return playbook.Version{}, err
	}
	var found []playbook.Version
	for _, v := range all {
		if strings.HasPrefix(v.Digest, digest) {
			found = append(found, v)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return playbook.Version{}, fmt.Errorf("no version's digest begins with %s: leadloop versions lists them: %w", digest, leadloop.ErrNotFound)
	}
	return playbook.Version{}, fmt.Errorf("%w: %d versions' digests begin with %s: say more of it", leadloop.ErrInvalid, len(found), digest)
}

type versionsListCmd struct {
	stored
	Name string `arg:"" help:"The playbook's name: that of its model."`
	JSON bool   `help:"Print the versions as JSON."`
}

func (c *versionsListCmd) Run(ctx context.Context, s streams) error {
	return registry(ctx, &c.stored, c.Name, func(_ store.Store, r *playbook.Registry) error {
		all, err := r.Versions(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			if all == nil {
				all = []playbook.Version{}
			}
			return writeJSON(s.out, all)
		}
		if len(all) == 0 {
			s.say("there is no version of %s yet: leadloop versions draft stores one", c.Name)
			return nil
		}
		var b strings.Builder
		t := newTable(&b, "")
		t.AppendHeader(table.Row{"version", "digest", "state", "by", "at", "why"})
		for _, v := range all {
			t.AppendRow(table.Row{v.Name, v.Digest[:12], v.State, v.By, v.At.Format("2006-01-02 15:04"), v.Why})
		}
		t.Render()
		b.WriteByte('\n')
		_, err = io.WriteString(s.out, b.String())
		return err
	})
}

type draftCmd struct {
	stored
	mover
	Playbook string `arg:"" help:"The playbook's folder."`
}

func (c *draftCmd) Run(ctx context.Context, s streams) error {
	pb, err := loadSound(c.Playbook, s)
	if err != nil {
		return err
	}
	return registry(ctx, &c.stored, pb.Model().Name(), func(_ store.Store, r *playbook.Registry) error {
		if err := r.Draft(ctx, pb, c.move()); err != nil {
			return err
		}
		s.say("%s, digest %s, is a version of %s", pb.Name(), pb.Digest()[:12], pb.Model().Name())
		return nil
	})
}

// known is a version by name and digest.
type known struct {
	stored
	Name   string `arg:"" help:"The playbook's name."`
	Digest string `arg:"" help:"The version's digest, or its beginning."`
}

type shadowCmd struct {
	known
	mover
}

func (c *shadowCmd) Run(ctx context.Context, s streams) error {
	return registry(ctx, &c.stored, c.Name, func(_ store.Store, r *playbook.Registry) error {
		v, err := pick(ctx, r, c.Digest)
		if err != nil {
			return err
		}
		if err := r.Shadow(ctx, v.Digest, c.move()); err != nil {
			return err
		}
		s.say("%s, digest %s, is the shadow", v.Name, v.Digest[:12])
		return nil
	})
}

type activateCmd struct {
	known
	mover
	AsOf string `placeholder:"TIME" help:"The moment of the comparison. Default: now."`
}

// Run exits as plan does if a guard is broken.
func (c *activateCmd) Run(ctx context.Context, s streams) error {
	return registry(ctx, &c.stored, c.Name, func(st store.Store, r *playbook.Registry) error {
		v, err := pick(ctx, r, c.Digest)
		if err != nil {
			return err
		}
		pb, err := r.Load(ctx, v)
		if err != nil {
			return err
		}
		var out *playbook.Comparison
		before, err := r.Active(ctx)
		switch {
		case errors.Is(err, leadloop.ErrNotFound):
		case err != nil:
			return err
		default:
			if out, err = c.compare(ctx, st, before, pb); err != nil {
				return err
			}
		}
		if err := r.Activate(ctx, pb, out, c.move()); err != nil {
			if out != nil && len(out.Broken) > 0 {
				return &exitError{exitGuard, err}
			}
			return err
		}
		s.say("%s, digest %s, is active", v.Name, v.Digest[:12])
		return nil
	})
}

func (c *activateCmd) compare(ctx context.Context, st store.Store, before playbook.Version, pb *playbook.Playbook) (*playbook.Comparison, error) {
	old, err := playbook.Stored(ctx, st, before.Digest)
	if err != nil {
		return nil, err
	}
	plan := &planCmd{Store: c.Store}
	plan.AsOf = c.AsOf
	o := playbook.CompareOptions{EnrichSample: -1, Routing: routing.SimulateOptions{Open: planOpen}}
	leads, _, closing, err := plan.stored(ctx, pb.Lifecycle().Touches(), nil, &o)
	if err != nil {
		return nil, err
	}
	out, err := playbook.Compare(ctx, old, pb, leads, o)
	return out, errors.Join(err, closing())
}

type rollbackCmd struct {
	stored
	mover
	Name string `arg:"" help:"The playbook's name."`
}

func (c *rollbackCmd) Run(ctx context.Context, s streams) error {
	return registry(ctx, &c.stored, c.Name, func(_ store.Store, r *playbook.Registry) error {
		v, err := r.Rollback(ctx, c.move())
		if err != nil {
			return err
		}
		s.say("%s, digest %s, is active again", v.Name, v.Digest[:12])
		return nil
	})
}

type shadowResultsCmd struct {
	stored
	JSON bool `help:"Print it as JSON."`
}

func (c *shadowResultsCmd) Run(ctx context.Context, s streams) (err error) {
	st, err := c.Store.there(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	out, err := playbook.CompareShadow(ctx, st)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(s.out, out)
	}
	if out.Leads+out.Failed == 0 {
		s.say("no decision has a shadow: leadloop versions shadow names one, and leadloop run scores it beside from then on")
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s beside %s: of %s both scored, %s would have another tier; the shadow failed for %d.\n", out.Shadow, out.Active, plural(out.Leads, "lead"), percentOf(out.Differ, out.Leads), out.Failed)
	for _, m := range out.Matrix {
		if m.From != m.To {
			fmt.Fprintf(&b, "  %s → %s: %s\n", m.From, m.To, plural(m.Leads, "lead"))
		}
	}
	_, err = io.WriteString(s.out, b.String())
	return err
}
