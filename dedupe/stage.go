package dedupe

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// Options are the settings of the stages; the zero value of each has a meaning.
type Options struct {
	// Match is the confidence from which two leads are one; 0 means DefaultMatch.
	Match float64
	// Possible is the confidence from which a human is asked; 0 means DefaultPossible. It is never above Match.
	Possible float64
	// SharedBy is how many other leads may have a phone number, a mailbox behind sub-addresses, or a name at one company (by domain or by company
	// name) until it tells nobody apart any more; 0 means 5. E-mail addresses and LinkedIn pages are personal however often they occur.
	SharedBy int
	// Policy is the loop's survivorship; nil means DefaultPolicy.
	Policy leadloop.SurvivorshipPolicy
	// Finder finds leads by a learnt model besides the ladder; nil means none.
	Finder Finder
	// Auto and Review are the thresholds for its probabilities; 0 means DefaultAuto and DefaultReview. Review is never above Auto.
	Auto, Review float64
}

func (o Options) withDefaults() Options {
	o.Match = cmp.Or(o.Match, DefaultMatch)
	o.Possible = min(cmp.Or(o.Possible, DefaultPossible), o.Match)
	o.SharedBy = cmp.Or(o.SharedBy, 5)
	o.Auto = cmp.Or(o.Auto, DefaultAuto)
	o.Review = min(cmp.Or(o.Review, DefaultReview), o.Auto)
	if o.Policy == nil {
		o.Policy = defaultPolicy()
	}
	return o
}

// NewStage returns the stage "dedupe".
//
// For a submission or a recycled lead it looks up the lead's identifiers in one View and decides by the ladder. The lead is merged into the
// strongest match, among equals into the one received first; the others, and all possible matches, become PossibleDuplicates with a review task
// whose key is the pair. Two things are never merged without a human: a lead that has an owner, and a match that will itself be merged into this
// one when its turn comes. A lead that stays its own is matched to contact, account and open opportunity too. For other triggers the stage only
// brings identifiers up to date, and matches an account if there is none yet and the identifiers changed.
//
// With a Finder the stage compares what a learnt model finds too. The ladder stands where it is sure; in between the model decides, by its own
// two thresholds. What a human said, same or different, stands above both.
//
// The guard makes two concurrent submissions of one person decide one after the other. Store errors are returned: without the store nobody
// knows who the lead is.
func NewStage(st store.Store, o Options) leadloop.Stage {
	o = o.withDefaults()
	return leadloop.StageFunc("dedupe", func(ctx context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		d := decision{o: o, s: s, person: PersonOfLead(s.Lead, o.Policy)}
		return d.run(ctx, st, true)
	})
}

// NewMatchStage returns the stage "match", which belongs behind "dedupe" in a loop: when a submission was merged, the run goes on with the
// existing lead, and what both say together may lead to a contact, account or open opportunity that neither led to alone. Leads that nothing
// was ever merged into are left to "dedupe", which has looked them up already.
func NewMatchStage(st store.Store, o Options) leadloop.Stage {
	o = o.withDefaults()
	return leadloop.StageFunc("match", func(ctx context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		if len(s.Lead.Records) == 0 || !isArrival(s.Trigger) {
			return leadloop.Outcome{}, leadloop.Effects{}, nil
		}
		d := decision{o: o, s: s, person: PersonOfLead(s.Lead, o.Policy)}
		return d.run(ctx, st, false)
	})
}

// isArrival holds for the triggers on which a lead is looked up anew.
func isArrival(t leadloop.Trigger) bool {
	return t == leadloop.TriggerSubmission || t == leadloop.TriggerRecycle
}

// decision is one run of a stage.
type decision struct {
	o       Options
	s       leadloop.Subject
	person  Person
	effects leadloop.Effects
	trace   trace
	// others are the leads that matched or may match, best first.
	others []other
	crm    crmMatch
	// candidates are what the finder found.
	candidates []Candidate
}

type other struct {
	match       Match
	level       level
	explanation json.RawMessage // of the model, nil if it was not asked
	lead        *leadloop.Lead
}

// trace explains the stage in the decision record: kinds, ids, rules and reasons, no values.
type trace struct {
	LookedUp []string `json:"looked_up,omitempty"` // identifier kinds
	// Shared are kinds of identifiers that too many leads have.
	Shared   []string        `json:"shared,omitempty"`
	Leads    []tracedVerdict `json:"leads,omitempty"`
	Contacts []Match         `json:"contacts,omitempty"`
	Accounts []Match         `json:"accounts,omitempty"`
	// Ambiguous are accounts between which nothing decided.
	Ambiguous   []leadloop.AccountID `json:"ambiguous,omitempty"`
	Opportunity *Match               `json:"opportunity,omitempty"`
}

type tracedVerdict struct {
	Match
	Verdict     verdict         `json:"verdict"`
	Explanation json.RawMessage `json:"explanation,omitempty"`
}

type verdict string

const (
	verdictMerge   verdict = "merge"    // the lead becomes part of this one
	verdictReview  verdict = "review"   // a human is asked
	verdictFollows verdict = "follows"  // it becomes part of the lead when it is decided about
	verdictNoMatch verdict = "no_match" // someone else
	// verdictDifferent: someone else, because a human took the two apart.
	verdictDifferent verdict = "different"
)

func (d *decision) run(ctx context.Context, st store.Store, leads bool) (leadloop.Outcome, leadloop.Effects, error) {
	ids := d.person.identifiers()
	changed := leads && !slices.Equal(ids, d.s.Lead.Identifiers)
	if changed {
		d.effects.Identifiers = append([]leadloop.Identifier{}, ids...)
	}
	full := isArrival(d.s.Trigger)
	if !full && (!changed || d.s.Lead.State.Account != "") {
		return leadloop.Outcome{}, d.effects, nil
	}
	if full && leads && d.o.Finder != nil {
		if err := d.ask(ctx); err != nil {
			return leadloop.Outcome{}, leadloop.Effects{}, fmt.Errorf("find lead %s: %w", d.s.Lead.ID, err)
		}
	}
	err := st.View(ctx, func(tx store.Tx) error {
		usable, err := d.usable(ctx, tx, slices.DeleteFunc(slices.Clone(ids), func(i leadloop.Identifier) bool { return !isPersonal(i) }))
		if err != nil {
			return err
		}
		if full && leads {
			if err := d.findLeads(ctx, tx, usable); err != nil {
				return err
			}
			d.decideLeads()
		}
		if d.effects.MergeInto != "" {
			return nil // who it is in the CRM is asked about the lead it becomes part of
		}
		d.crm, err = matchCRM(ctx, tx, d.o, d.person, usable, d.s.Lead.State)
		return err
	})
	if err != nil {
		return leadloop.Outcome{}, leadloop.Effects{}, fmt.Errorf("look up lead %s: %w", d.s.Lead.ID, err)
	}
	d.decideCRM()
	b, err := json.Marshal(d.trace)
	if err != nil {
		return leadloop.Outcome{}, leadloop.Effects{}, fmt.Errorf("trace of lead %s: %w", d.s.Lead.ID, err)
	}
	d.effects.Trace = b
	return leadloop.Outcome{}, d.effects, nil
}

// usable leaves out, of the identifiers and of the person, what too many leads share.
func (d *decision) usable(ctx context.Context, tx store.Tx, ids []leadloop.Identifier) ([]leadloop.Identifier, error) {
	var usable, shared []leadloop.Identifier
	for _, id := range ids {
		if id.Kind == IdentifierEmail || id.Kind == IdentifierLinkedIn {
			usable = append(usable, id)
			continue
		}
		found, err := tx.Leads().Match(ctx, []leadloop.Identifier{id})
		if err != nil {
			return nil, err
		}
		if len(slices.DeleteFunc(found, func(l leadloop.LeadID) bool { return l == d.s.Lead.ID })) > d.o.SharedBy {
			shared = append(shared, id)
		} else {
			usable = append(usable, id)
		}
	}
	d.person = d.person.without(shared)
	left := d.person.identifiers()
	usable = slices.DeleteFunc(usable, func(i leadloop.Identifier) bool { return !slices.Contains(left, i) })
	variants, err := d.variants(ctx, tx)
	if err != nil {
		return nil, err
	}
	usable = uniteIdentifiers(usable, variants)
	d.trace.LookedUp, d.trace.Shared = kindsOf(usable), kindsOf(shared)
	return usable, nil
}

// variants are the keys of nicknames and initials, unless they find too many.
func (d *decision) variants(ctx context.Context, tx store.Tx) ([]leadloop.Identifier, error) {
	ids := d.person.variants()
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := tx.Leads().Match(ctx, ids)
	if err != nil || len(slices.DeleteFunc(found, func(l leadloop.LeadID) bool { return l == d.s.Lead.ID })) > d.o.SharedBy {
		return nil, err
	}
	return ids, nil
}

func kindsOf(ids []leadloop.Identifier) []string {
	var out []string
	for _, id := range ids {
		out = append(out, id.Kind)
	}
	return slices.Compact(out)
}

// findLeads looks up the identifiers and compares what they and the finder find.
func (d *decision) findLeads(ctx context.Context, tx store.Tx, ids []leadloop.Identifier) error {
	byModel, err := d.found(ctx, tx)
	if err != nil {
		return err
	}
	if len(ids) > 0 {
		found, err := tx.Leads().Match(ctx, ids)
		if err != nil {
			return err
		}
		d.effects.Guard = leadloop.Guard{Identifiers: ids, Leads: found}
		for _, id := range found {
			if id == d.s.Lead.ID || slices.Contains(d.s.Lead.Records, id) || slices.ContainsFunc(byModel, func(f foundLead) bool { return f.lead.ID == id }) {
				continue
			}
			l, err := tx.Leads().Get(ctx, id)
			if err != nil {
				return err
			}
			d.compare(l, nil)
		}
	}
	for i := range byModel {
		d.compare(byModel[i].lead, &byModel[i].Candidate)
	}
	slices.SortFunc(d.others, func(a, b other) int {
		return cmp.Or(cmp.Compare(b.level, a.level), cmp.Compare(b.match.Confidence, a.match.Confidence), precedence(a.lead, b.lead))
	})
	return nil
}

func (d *decision) compare(l *leadloop.Lead, c *Candidate) {
	m := Compare(d.person, PersonOfLead(l, d.o.Policy))
	m.Lead = l.ID
	o := other{lead: l}
	o.match, o.level = d.o.judge(m, c)
	if c != nil {
		o.explanation = c.Explanation
	}
	d.others = append(d.others, o)
}

// precedence is negative if b is to become part of a: a lead that was decided about stays before one that was not, then the earlier one. It is a
// total order, so that two leads can never merge into each other.
func precedence(a, b *leadloop.Lead) int {
	undecided := func(l *leadloop.Lead) int {
		if l.State.DecidedAt.IsZero() {
			return 1
		}
		return 0
	}
	return cmp.Or(undecided(a)-undecided(b), a.ReceivedAt.Compare(b.ReceivedAt), strings.Compare(string(a.ID), string(b.ID)))
}

func (d *decision) decideLeads() {
	base := d.s.Lead
	var review []other
	for _, o := range d.others {
		v := verdictReview
		switch {
		case AreDifferent(d.s.Lead, o.lead):
			v = verdictDifferent
		case o.level == levelNone:
			v = verdictNoMatch
		case o.level == levelPossible:
		case o.lead.State.DecidedAt.IsZero() && precedence(o.lead, d.s.Lead) > 0:
			v = verdictFollows
		case d.effects.MergeInto == "" && d.s.Lead.State.Owner == "" && precedence(o.lead, d.s.Lead) < 0:
			v = verdictMerge
			base, d.effects.MergeInto = o.lead, o.lead.ID
			if slices.Contains(d.s.Lead.PossibleDuplicates, o.lead.ID) || slices.Contains(o.lead.PossibleDuplicates, d.s.Lead.ID) {
				d.effects.CancelTasks = append(d.effects.CancelTasks, leadloop.DuplicateTask(d.s.Lead.ID, o.lead.ID))
			}
			d.effects.Events = append(d.effects.Events, leadloop.Event{
				Kind: leadloop.EventMerged, Lead: d.s.Lead.ID, To: string(o.lead.ID), Reason: o.match.Rule,
			})
		}
		if v == verdictReview {
			review = append(review, o)
		}
		d.trace.Leads = append(d.trace.Leads, tracedVerdict{o.match, v, o.explanation})
	}
	for _, o := range review {
		d.askAbout(base, o)
	}
}

// askAbout links base with a possible duplicate, once.
func (d *decision) askAbout(base *leadloop.Lead, o other) {
	if slices.Contains(base.PossibleDuplicates, o.lead.ID) || slices.Contains(o.lead.PossibleDuplicates, base.ID) {
		return
	}
	payload := d.payload(o)
	d.effects.PossibleDuplicates = append(d.effects.PossibleDuplicates, o.lead.ID)
	d.effects.Events = append(d.effects.Events, leadloop.Event{
		Kind: leadloop.EventPossibleMatch, Lead: base.ID, To: string(o.lead.ID), Reason: o.match.Rule,
		Attrs: map[string]string{"confidence": strconv.FormatFloat(o.match.Confidence, 'f', 2, 64)},
	})
	d.effects.Tasks = append(d.effects.Tasks, leadloop.Task{
		Key: leadloop.DuplicateTask(base.ID, o.lead.ID), Kind: leadloop.TaskReview, Lead: base.ID, DueAt: d.s.AsOf, Outside: true, Payload: payload,
	})
}

// payload is what a reviewer sees: the match, with the model's explanation if it has one.
func (d *decision) payload(o other) json.RawMessage {
	b, err := json.Marshal(struct {
		Match
		Explanation json.RawMessage `json:"explanation,omitempty"`
	}{o.match, o.explanation})
	if err != nil {
		panic("unreachable: a match and checked JSON marshal: " + err.Error())
	}
	return b
}

// askForAccount has a human choose between accounts; the same accounts are asked about once.
func (d *decision) askForAccount() {
	payload, err := json.Marshal(struct {
		Accounts []leadloop.AccountID `json:"accounts"`
	}{d.crm.ambiguous})
	if err != nil {
		panic("unreachable: ids marshal: " + err.Error())
	}
	var key strings.Builder
	key.WriteString("review:account:" + string(d.s.Lead.ID))
	for _, id := range d.crm.ambiguous {
		key.WriteString(":" + string(id))
	}
	d.effects.Tasks = append(d.effects.Tasks, leadloop.Task{
		Key: key.String(), Kind: leadloop.TaskReview, Lead: d.s.Lead.ID, DueAt: d.s.AsOf, Outside: true, Payload: payload,
	})
}

func (d *decision) decideCRM() {
	d.trace.Contacts, d.trace.Accounts, d.trace.Opportunity = d.crm.contacts, d.crm.accounts, d.crm.opportunity
	d.trace.Ambiguous = d.crm.ambiguous
	state := d.s.Lead.State
	if d.crm.ambiguous != nil && state.Account == "" {
		d.askForAccount()
	}
	if d.crm.contact != nil {
		state.Contact = d.crm.contact.Contact
	}
	if d.crm.account != nil {
		state.Account = d.crm.account.Account
	}
	if d.crm.opportunity != nil {
		state.Opportunity = d.crm.opportunity.Opportunity
	}
	before := d.s.Lead.State
	if state.Contact == before.Contact && state.Account == before.Account && state.Opportunity == before.Opportunity {
		return
	}
	d.effects.State = &state
	if state.Account != before.Account {
		d.effects.Events = append(d.effects.Events, leadloop.Event{
			Kind: leadloop.EventMatchedAccount, Lead: d.s.Lead.ID, To: string(state.Account), Reason: d.crm.account.Rule,
		})
	}
}
