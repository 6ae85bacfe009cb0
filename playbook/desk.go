package playbook

import (
	"context"
	"fmt"
	"slices"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/internal/suggest"
	"github.com/leadloop/leadloop/lifecycle"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/store"
)

// answers are the fields that questions of the lifecycle declare, but for those
// that the playbook declares itself.
func (l *loader) answers(own []leadloop.FieldDef) []leadloop.AnyField {
	var out []leadloop.AnyField
	for _, f := range l.lifecycle.Fields() {
		if !slices.ContainsFunc(own, func(o leadloop.FieldDef) bool { return o.Name == f.Name }) {
			out = append(out, f)
		}
	}
	return out
}

// compileLifecycle compiles cadences and stages, in that order: clocks enrol in
// cadences.
func (l *loader) compileLifecycle(tiers []string) {
	pb := l.pb
	o := lifecycle.Options{Tiers: tiers}
	if pb.router != nil {
		o.Calendars = append([]string{}, pb.router.Hours().Names()...)
	}
	if l.readable[cadencesFile] {
		var err error
		o.Cadences, err = lifecycle.NewCadences(l.cadences, pb.schema, o)
		l.found(cadencesFile, err)
		if err != nil && o.Cadences == nil {
			// What clocks say about cadences can't be judged.
			for i := range l.lifecycle.Clocks {
				l.lifecycle.Clocks[i].Do.Reengage = ""
			}
		}
	}
	var err error
	pb.lifecycle, err = lifecycle.New(l.lifecycle, pb.schema, o)
	l.found(lifecycleFile, err)
	pb.cadences = o.Cadences
	l.tracks(o.Cadences)
	if pb.lifecycle != nil {
		l.problems = append(l.problems, pb.lifecycle.Warnings()...)
	}
}

// tracks warns of nurture tracks whose cadence is probably misspelt. A track
// without a cadence is fine: another program may work it.
func (l *loader) tracks(cadences *lifecycle.Cadences) {
	for i := range l.routing.Chain {
		e := &l.routing.Chain[i]
		track := e.Target.Nurture
		if hint := suggest.DidYouMean(track, cadences.IDs()); track != "" && hint != "" && !slices.Contains(cadences.IDs(), track) {
			l.problems = append(l.problems, leadloop.Problem{
				At: e.At, Warning: true, Hint: hint, Message: fmt.Sprintf("entry %s: no cadence works the track %q", e.ID, track),
			})
		}
	}
}

// Desk is the lifecycle over a store: what people do with leads. Its commands
// are stages for engine.Loop.Do:
//
//	desk, err := pb.Desk(st, o)
//	…
//	loop.Do(ctx, lead, now, desk.Accept("ana"))
//	loop.Do(ctx, lead, now, desk.Reject("ana", "not_my_territory"))
//	loop.Do(ctx, lead, now, desk.Convert("ana", lifecycle.Deal{Amount: 12_000_000_000}))
//
// The options are those of the loop.
func (p *Playbook) Desk(st store.Store, o Options) (*lifecycle.Lifecycle, error) {
	if st == nil || o.Tokens == nil {
		return nil, fmt.Errorf("playbook: %w: a store and suppression tokens are required", leadloop.ErrInvalid)
	}
	suppress, err := p.suppress(st, o)
	if err != nil {
		return nil, fmt.Errorf("playbook: %w", err)
	}
	terms, err := privacy.NewTerms(o.Tokens, p.privacy.Rules()...)
	if err != nil {
		return nil, fmt.Errorf("playbook: %w", err)
	}
	router := p.counting(o)
	h := lifecycle.Host{
		Store: st, Hours: router.Hours(), Returned: routing.NewReturned(router, st), OpenTasks: o.OpenTasks,
		Permission: permission{suppress, terms, st},
		Manager: func(ctx context.Context, owner leadloop.RepID, queue string) (m leadloop.RepID, err error) {
			err = st.View(ctx, func(tx store.Tx) error {
				m, err = router.Manager(ctx, tx, owner, queue)
				return err
			})
			return m, err
		},
		Identify: func(a *leadloop.Account, c *leadloop.Contact) {
			a.Identifiers, c.Identifiers = dedupe.AccountIdentifiers(*a), dedupe.ContactIdentifiers(*c)
		},
		Tokens: o.Tokens.Of, Confirmed: o.Tokens.Confirmed,
		Track: func(s *leadloop.State) string { return router.Track(s.Entry) },
	}
	if h.OpenTasks == nil {
		h.OpenTasks = openTasks(st)
	}
	return p.lifecycle.With(h), nil
}

// openTasks counts the tasks of a lead that wait for a person.
func openTasks(st store.Store) func(context.Context, *leadloop.Lead) (int, error) {
	return func(ctx context.Context, lead *leadloop.Lead) (n int, err error) {
		err = st.View(ctx, func(tx store.Tx) error {
			tasks, err := tx.Tasks().ByLead(ctx, lead.ID)
			n = 0
			for i := range tasks {
				t := &tasks[i]
				if t.State == leadloop.TaskPending && (t.Kind == leadloop.TaskCRM || t.Kind == leadloop.TaskReview || t.Kind == leadloop.TaskStep) {
					n++
				}
			}
			return err
		})
		return n, err
	}
}

// permission asks whether somebody may be reached.
type permission struct {
	suppress leadloop.Stage
	terms    *privacy.Terms
	store    store.Store
}

// MayContact implements lifecycle.Permission: first what stops every contact,
// then the consents for the channel and for the purpose.
func (p permission) MayContact(ctx context.Context, s leadloop.Subject, channel, purpose string) (string, error) {
	out, _, err := p.suppress.Decide(ctx, s)
	if err != nil || out.Kind != "" {
		return out.Reason, err
	}
	reason := ""
	err = p.store.View(ctx, func(tx store.Tx) error {
		for _, what := range []string{channel, purpose} {
			if what == "" || what == lifecycle.ChannelTask || reason != "" {
				continue
			}
			if reason, err = p.terms.Refuse(ctx, tx, s.Lead, s.Profile, what, s.AsOf); err != nil {
				return err
			}
		}
		return nil
	})
	return reason, err
}
