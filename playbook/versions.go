package playbook

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/yamldoc"
	"github.com/leadloop/leadloop/scoring"
	"github.com/leadloop/leadloop/store"
)

// VersionState is where a version of a playbook stands.
type VersionState string

// The states of a version. One at most is active, one at most the shadow.
const (
	VersionDraft   VersionState = "draft"   // known, and decides nothing
	VersionShadow  VersionState = "shadow"  // scores beside the active one, see scoring.Live
	VersionActive  VersionState = "active"  // decides
	VersionRetired VersionState = "retired" // decided once, and can be rolled back to
)

// Version is one version of a playbook in a store.
type Version struct {
	Digest string       `json:"digest"`
	Name   string       `json:"name"` // such as "inbound-b2b@12"
	State  VersionState `json:"state"`
	// Guards names the guards.yaml that it was drafted with, "" for none.
	Guards string `json:"guards,omitempty"`
	// By and Why are who brought it into the state and the reason, At when.
	By  string    `json:"by"`
	Why string    `json:"why"`
	At  time.Time `json:"at"`
}

// Registry keeps the versions of one playbook in a store: who put which one into
// force, when and why. It is part of the journal, under the playbook's name, and
// changes nothing by itself: a host asks [Registry.Active] on start, and gives
// scoring.Live what it says while it runs. It is safe for concurrent use.
type Registry struct {
	st   store.Store
	lead leadloop.LeadID
}

// NewRegistry returns the registry of the playbook of a name: that of its model,
// without the version.
func NewRegistry(st store.Store, name string) (*Registry, error) {
	if st == nil || name == "" {
		return nil, fmt.Errorf("registry: %w: a store and the playbook's name are required", leadloop.ErrInvalid)
	}
	return &Registry{st: st, lead: leadloop.LeadID("playbook:" + name)}, nil
}

// Move is who changes the state of a version, why and when.
type Move struct {
	By  string    // an id, no address
	Why string    // a sentence, without personal data
	At  time.Time // required
}

// By is an id, so that nobody's address gets into the journal.
var actors = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$`)

func (m Move) check() error {
	var problems []error
	if !actors.MatchString(m.By) {
		problems = append(problems, fmt.Errorf("%w: say by whom, as an id of letters, digits and . _ : -", leadloop.ErrInvalid))
	}
	if why := strings.TrimSpace(m.Why); why == "" || len(why) > 300 {
		problems = append(problems, fmt.Errorf("%w: say why, in up to 300 characters", leadloop.ErrInvalid))
	}
	if m.At.IsZero() {
		problems = append(problems, fmt.Errorf("%w: a move needs its time", leadloop.ErrInvalid))
	}
	return errors.Join(problems...)
}

// Versions returns all versions, the latest moved last.
func (r *Registry) Versions(ctx context.Context) (all []Version, err error) {
	err = r.st.View(ctx, func(tx store.Tx) error {
		all, err = r.read(ctx, tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	return all, nil
}

func (r *Registry) read(ctx context.Context, tx store.Tx) ([]Version, error) {
	var all []Version
	for e, err := range tx.Journal().ByLead(ctx, r.lead) {
		if err != nil {
			return nil, err
		}
		if e.Kind != leadloop.EventPlaybook {
			continue
		}
		v := Version{Digest: e.From, Name: e.Attrs["name"], Guards: e.Attrs["guards"], State: VersionState(e.To), By: e.Actor, Why: e.Reason, At: e.At}
		all = append(slices.DeleteFunc(all, func(x Version) bool { return x.Digest == v.Digest }), v)
	}
	return all, nil
}

// Active returns the version that decides; leadloop.ErrNotFound if there is
// none.
func (r *Registry) Active(ctx context.Context) (Version, error) {
	all, err := r.Versions(ctx)
	if err != nil {
		return Version{}, err
	}
	if v, ok := in(all, VersionActive); ok {
		return v, nil
	}
	return Version{}, fmt.Errorf("registry: no version is active: %w", leadloop.ErrNotFound)
}

// in returns the version that came into a state last.
func in(all []Version, s VersionState) (Version, bool) {
	for _, v := range slices.Backward(all) {
		if v.State == s {
			return v, true
		}
	}
	return Version{}, false
}

// Draft stores a playbook and makes it known. One that is known stays where it
// is, with the guards that it has now; those of the active one are changed only
// by whom they let activate. ErrInvalid if it is a playbook of another name.
func (r *Registry) Draft(ctx context.Context, p *Playbook, m Move) error {
	if want := leadloop.LeadID("playbook:" + p.model.Name()); want != r.lead {
		return fmt.Errorf("registry: %w: this is %s, and the registry is of %s", leadloop.ErrInvalid, p.model.Name(), strings.TrimPrefix(string(r.lead), "playbook:"))
	}
	return r.move(ctx, p.digest, m, func(ctx context.Context, tx store.Tx, all []Version) ([]Version, error) {
		v, known := of(all, p.digest)
		if known && v.State == VersionActive {
			// Its guards say who may put another one in its place.
			if err := mayReplace(ctx, tx, v, m.By); err != nil {
				return nil, err
			}
		}
		guards := ""
		if p.guarding != nil {
			guards = digest(map[string][]byte{guardsFile: p.guarding})
			if err := tx.Playbooks().Put(ctx, guards, map[string][]byte{guardsFile: p.guarding}); err != nil {
				return nil, err
			}
		}
		switch {
		case known && v.Guards == guards:
			return nil, nil
		case !known:
			v = Version{Digest: p.digest, Name: p.Name(), State: VersionDraft}
		}
		v.Guards = guards
		return []Version{v}, tx.Playbooks().Put(ctx, p.digest, p.contents)
	})
}

func of(all []Version, digest string) (Version, bool) {
	i := slices.IndexFunc(all, func(v Version) bool { return v.Digest == digest })
	if i < 0 {
		return Version{}, false
	}
	return all[i], true
}

// Load returns a version's playbook as [Stored] does, with its guards.
func (r *Registry) Load(ctx context.Context, v Version) (*Playbook, error) {
	p, err := Stored(ctx, r.st, v.Digest)
	if err != nil || v.Guards == "" {
		return p, err
	}
	err = r.st.View(ctx, func(tx store.Tx) error {
		files, err := tx.Playbooks().Get(ctx, v.Guards)
		if err != nil {
			return err
		}
		p.guarding = files[guardsFile]
		p.guards, err = ParseGuards(guardsFile, p.guarding, p.model.Tiers())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry: guards of %s: %w", v.Name, err)
	}
	return p, nil
}

// Shadow makes a known version the shadow; the one before is a draft again.
// ErrInvalid for the active one.
func (r *Registry) Shadow(ctx context.Context, digest string, m Move) error {
	return r.move(ctx, digest, m, func(_ context.Context, _ store.Tx, all []Version) ([]Version, error) {
		v, _ := of(all, digest)
		if v.State == VersionActive {
			return nil, fmt.Errorf("%w: %s is active, so it can't be its own shadow", leadloop.ErrInvalid, v.Name)
		}
		var out []Version
		if before, ok := in(all, VersionShadow); ok && before.Digest != digest {
			before.State = VersionDraft
			out = append(out, before)
		}
		v.State = VersionShadow
		return append(out, v), nil
	})
}

// Activate puts a known version into force; the one before is retired. What the
// version's guards allow is held: who may activate, which those of the version in
// force have to allow as well, and the comparison with the
// version in force (see [Compare]), which is required once guards bound what
// may move and there is one in force. ErrInvalid says which guard is broken.
func (r *Registry) Activate(ctx context.Context, p *Playbook, c *Comparison, m Move) error {
	return r.move(ctx, p.digest, m, func(ctx context.Context, tx store.Tx, all []Version) ([]Version, error) {
		g := p.guards
		if len(g.Activate) > 0 && !slices.Contains(g.Activate, m.By) {
			return nil, fmt.Errorf("%w: %s may not activate it; guards.yaml names %s", leadloop.ErrInvalid, m.By, strings.Join(g.Activate, ", "))
		}
		v, _ := of(all, p.digest)
		before, replaces := in(all, VersionActive)
		if replaces && before.Digest == p.digest {
			return nil, nil
		}
		if replaces {
			if err := mayReplace(ctx, tx, before, m.By); err != nil {
				return nil, err
			}
		}
		if replaces && g.bounds() {
			if c == nil || !strings.HasSuffix(c.Old, before.Digest[:12]) || !strings.HasSuffix(c.New, p.digest[:12]) {
				return nil, fmt.Errorf("%w: guards.yaml bounds what may move: compare it with %s, which is active, first", leadloop.ErrInvalid, before.Name)
			}
			var broken []string
			for _, b := range c.Broken {
				broken = append(broken, fmt.Sprintf("guard %s: %s", b.Guard, b.Text))
			}
			if len(broken) > 0 {
				return nil, fmt.Errorf("%w: %s", leadloop.ErrInvalid, strings.Join(broken, "; "))
			}
		}
		var out []Version
		if replaces {
			before.State = VersionRetired
			out = append(out, before)
		}
		v.State = VersionActive
		return append(out, v), nil
	})
}

// mayReplace fails unless the guards of the version in force let somebody activate
// another one: else whoever may draft could name themselves.
func mayReplace(ctx context.Context, tx store.Tx, active Version, by string) error {
	if active.Guards == "" {
		return nil
	}
	files, err := tx.Playbooks().Get(ctx, active.Guards)
	if err != nil {
		return err
	}
	var doc guardsDocument
	if err := yamldoc.Decode(guardsFile, files[guardsFile], &doc).Err(); err != nil {
		return err
	}
	if len(doc.Activate) > 0 && !slices.Contains(doc.Activate, by) {
		return fmt.Errorf("%w: %s may not; guards.yaml of %s, which is active, names %s", leadloop.ErrInvalid, by, active.Name, strings.Join(doc.Activate, ", "))
	}
	return nil
}

// bounds reports whether a change is held against leads at all.
func (g Guards) bounds() bool {
	return g.MaxTierChanges != nil || g.MaxRouteChanges != nil || g.MaxQueued != nil || len(g.MaxShare)+len(g.MinShare) > 0 || g.KeepGap
}

// Rollback puts the version that was active before into force again, whatever
// became of it since, without asking any guards, whoever it is: it was in force,
// and something is wrong now. Rolled back twice, all is as it was. It returns that
// version; ErrNotFound if none was active before.
func (r *Registry) Rollback(ctx context.Context, m Move) (back Version, err error) {
	err = r.move(ctx, "", m, func(ctx context.Context, tx store.Tx, all []Version) ([]Version, error) {
		now, ok := in(all, VersionActive)
		digest := ""
		for e, err := range tx.Journal().ByLead(ctx, r.lead) {
			if err != nil {
				return nil, err
			}
			if e.Kind == leadloop.EventPlaybook && e.To == string(VersionActive) && e.From != now.Digest {
				digest = e.From
			}
		}
		before, was := of(all, digest)
		if !ok || !was {
			return nil, fmt.Errorf("no version was active before: %w", leadloop.ErrNotFound)
		}
		now.State, before.State = VersionRetired, VersionActive
		back = before
		return []Version{now, before}, nil
	})
	return back, err
}

// move writes what f says becomes of versions; digest must be known unless f
// makes it known.
func (r *Registry) move(ctx context.Context, digest string, m Move, f func(context.Context, store.Tx, []Version) ([]Version, error)) error {
	if err := m.check(); err != nil {
		return fmt.Errorf("registry: %w", err)
	}
	update := func(tx store.Tx) error {
		all, err := r.read(ctx, tx)
		if err != nil {
			return err
		}
		moved, err := f(ctx, tx, all)
		if err != nil {
			return err
		}
		for _, v := range moved {
			if v.Digest == "" {
				return fmt.Errorf("version %.12s is not known: draft it first: %w", digest, leadloop.ErrNotFound)
			}
			e := leadloop.Event{
				Kind: leadloop.EventPlaybook, Lead: r.lead, At: m.At, Actor: m.By, Reason: strings.TrimSpace(m.Why),
				From: v.Digest, To: string(v.State), Attrs: map[string]string{"name": v.Name},
			}
			if v.Guards != "" {
				e.Attrs["guards"] = v.Guards
			}
			if err := tx.Journal().Append(ctx, e); err != nil {
				return err
			}
		}
		return nil
	}
	if err := store.Retry(ctx, 20, func() error { return r.st.Update(ctx, update) }); err != nil {
		return fmt.Errorf("registry: %w", err)
	}
	return nil
}

// Shadowed is what the shadow said beside the active model.
type Shadowed struct {
	// Active and Shadow are the models, name@version:digest.
	Active string `json:"active"`
	Shadow string `json:"shadow"`
	// Leads were scored by both in their latest decision that has a shadow;
	// Differ is how many of them have another tier.
	Leads  int        `json:"leads"`
	Differ int        `json:"differ"`
	Matrix []TierMove `json:"matrix"`
	// Failed is how often the shadow could not score.
	Failed int `json:"failed"`
}

// CompareShadow reads the decisions of all leads and says how the shadow's tiers
// would have differed: of each lead the latest decision with both. Of several
// shadows the one seen last counts, by the moment of the decision.
func CompareShadow(ctx context.Context, st store.Store) (*Shadowed, error) {
	type both struct {
		active, shadow string // models
		from, to       string // tiers
		failed         bool
	}
	var found []both
	var last time.Time
	out := &Shadowed{Matrix: []TierMove{}}
	for after := leadloop.LeadID(""); ; {
		done := true
		err := st.View(ctx, func(tx store.Tx) error {
			page, err := tx.Leads().List(ctx, after, 500)
			if err != nil {
				return err
			}
			for _, l := range page {
				after, done = l.ID, false
				all, err := tx.Decisions().ByLead(ctx, l.ID)
				if err != nil {
					return err
				}
				for _, d := range slices.Backward(all) {
					t, ok, err := traceOf(d)
					if err != nil {
						return err
					}
					if !ok {
						continue
					}
					b := both{active: id(&t.Explanation), from: cmp.Or(t.Tier, scoring.NoTier), failed: t.Shadow == nil}
					if t.Shadow != nil {
						b.shadow, b.to = id(t.Shadow), cmp.Or(t.Shadow.Tier, scoring.NoTier)
						if !d.AsOf.Before(last) {
							last, out.Active, out.Shadow = d.AsOf, b.active, b.shadow
						}
					}
					found = append(found, b)
					break
				}
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("compare the shadow: %w", err)
		}
		if done {
			break
		}
	}
	counts := map[[2]string]int{}
	for _, b := range found {
		switch {
		case b.failed:
			out.Failed++
		case b.shadow == out.Shadow:
			out.Leads++
			counts[[2]string{b.from, b.to}]++
			if b.from != b.to {
				out.Differ++
			}
		}
	}
	for pair, n := range counts {
		out.Matrix = append(out.Matrix, TierMove{pair[0], pair[1], n})
	}
	slices.SortFunc(out.Matrix, func(a, b TierMove) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	return out, nil
}

func id(e *scoring.Explanation) string {
	return fmt.Sprintf("%s@%d:%.12s", e.Model, e.Version, e.Digest)
}

// traceOf returns the scoring trace of a decision that had a shadow.
func traceOf(d leadloop.Decision) (t scoring.Trace, ok bool, err error) {
	i := slices.IndexFunc(d.Steps, func(s leadloop.Step) bool { return s.Stage == scoring.StageName })
	if i < 0 {
		return t, false, nil
	}
	if err := json.Unmarshal(d.Steps[i].Trace, &t); err != nil {
		return t, false, fmt.Errorf("lead %s, revision %d: %w", d.Lead, d.Revision, err)
	}
	return t, t.Shadow != nil || t.ShadowError != "", nil
}
