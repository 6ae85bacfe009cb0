package privacy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// Reason codes of the stage besides those of suppressions.
const (
	ReasonContactOptedOut  = "contact_opted_out" // the CRM's contact
	ReasonConsentWithdrawn = "consent_withdrawn"
	ReasonConsentDenied    = "consent_denied"
	ReasonConsentMissing   = "consent_missing" // the region needs a yes, and there is none
	ReasonOpenOpportunity  = "open_opportunity"
	ReasonExistingCustomer = "existing_customer"
	// ReasonLifted is why a lead is its owner's again.
	ReasonLifted = "suppression_lifted"
)

// Options are the stage's settings; the zero value of each has a meaning.
type Options struct {
	// Consent says where which purpose needs a consent; this step asks about
	// [PurposeContact]. None by default.
	Consent []ConsentRule
}

// NewStage returns the step "suppress", which runs on every trigger. In this
// order it looks for:
//
//   - an entry of the suppression list for any address, number or domain of
//     the lead; of several the strongest reason counts
//   - its contact in the CRM having opted out
//   - consent withdrawn or denied, or not granted where a rule needs it (see
//     [Terms.Refuse])
//   - an open opportunity of its account: the owner is told
//   - an account that is a customer: its owner is told
//
// Suppressed means OutcomeSuppressed, an event, and the end of the run: no
// provider is asked and nobody is assigned. Told means OutcomeAlerted, an
// event, a TaskNotify for each submission, and the end of the run as well.
// Where a customer's account has no active owner the lead is suppressed.
//
// The last two are about leads that nobody works: a lead that has an owner goes
// on unless it is recycled, and an opportunity that came from the lead itself
// does not count. An open opportunity without an active owner is left to
// routing. A lead that was stopped here before and no longer is goes back to
// the owner who worked it (ReasonLifted), and otherwise is placed anew by
// routing.
//
// If the store can't be asked the step fails, and the lead is decided later.
// The tokens that were checked become the run's guard.
func NewStage(st store.Store, t *Tokens, o Options) (leadloop.Stage, error) {
	var problems []error
	if st == nil || t == nil {
		problems = append(problems, fmt.Errorf("%w: store and tokens are required", leadloop.ErrInvalid))
	}
	terms, err := NewTerms(t, o.Consent...)
	if err != nil {
		problems = append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("privacy: %w", err)
	}
	c := &check{st: st, tokens: t, terms: terms}
	return leadloop.StageFunc("suppress", c.decide), nil
}

type check struct {
	st     store.Store
	tokens *Tokens
	terms  *Terms
}

// finding is why a lead does not go on. Without tell it is suppressed.
type finding struct {
	reason      string
	tell        leadloop.RepID
	account     leadloop.AccountID
	opportunity leadloop.OpportunityID
	// left tells of an open opportunity that is left to routing.
	left bool
}

// trace explains the step in the decision record.
type trace struct {
	// Checked counts the addresses, numbers and domains that were looked up.
	Checked     int                    `json:"checked"`
	Reason      string                 `json:"reason,omitempty"`
	Told        leadloop.RepID         `json:"told,omitempty"`
	Account     leadloop.AccountID     `json:"account,omitempty"`
	Opportunity leadloop.OpportunityID `json:"opportunity,omitempty"`
}

func (c *check) decide(ctx context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
	r := c.tokens.ofLead(s.Lead, s.Profile)
	var f finding
	err := c.st.View(ctx, func(tx store.Tx) (err error) {
		f, err = c.find(ctx, tx, s, r)
		return err
	})
	if err != nil {
		return leadloop.Outcome{}, leadloop.Effects{}, fmt.Errorf("privacy: %w", err)
	}
	b, err := json.Marshal(trace{len(r.all) / (1 + len(c.tokens.older)), f.reason, f.tell, f.account, f.opportunity})
	if err != nil {
		return leadloop.Outcome{}, leadloop.Effects{}, fmt.Errorf("privacy: trace: %w", err)
	}
	e := leadloop.Effects{Trace: b}
	state := s.Lead.State
	state.Score.Needs = slices.Clone(state.Score.Needs)
	switch {
	case f.reason == "":
		e.Guard.Tokens = r.all
		if !f.left || state.Disposition == leadloop.OutcomeSuppressed {
			release(s, state, &e)
		}
		return leadloop.Outcome{}, e, nil
	case f.tell == "":
		return suppressed(s, f, state, e)
	default:
		e.Guard.Tokens = r.all
		return alerted(s, f, state, e)
	}
}

// release gives up the disposition that this step gave the lead.
func release(s leadloop.Subject, state leadloop.State, e *leadloop.Effects) {
	suppressed := state.Disposition == leadloop.OutcomeSuppressed
	switch {
	case !suppressed && !told(state):
	case state.Owner == "":
		state.Disposition, state.Reason = "", ""
		e.State = &state
	case suppressed && !state.Worked():
		// Its clocks ran out unheard: routing places it anew and starts others.
	default:
		state.Disposition, state.Reason = leadloop.OutcomeAssigned, ReasonLifted
		e.State = &state
		e.Events = []leadloop.Event{lifted(s, state)}
	}
}

// told reports whether this step had an owner told about the lead.
func told(s leadloop.State) bool {
	return s.Disposition == leadloop.OutcomeAlerted && (s.Reason == ReasonOpenOpportunity || s.Reason == ReasonExistingCustomer)
}

func suppressed(s leadloop.Subject, f finding, state leadloop.State, e leadloop.Effects) (leadloop.Outcome, leadloop.Effects, error) {
	if state.Disposition != leadloop.OutcomeSuppressed || state.Reason != f.reason {
		state.Disposition, state.Reason, state.Queue = leadloop.OutcomeSuppressed, f.reason, ""
		e.State = &state
		e.Events = []leadloop.Event{{Kind: leadloop.EventSuppressed, Lead: s.Lead.ID, At: s.AsOf, Reason: f.reason}}
	}
	return leadloop.Outcome{Kind: leadloop.OutcomeSuppressed, Reason: f.reason, Stop: true}, e, nil
}

// lifted tells the journal that the lead is its owner's again: nobody after
// this step would.
func lifted(s leadloop.Subject, state leadloop.State) leadloop.Event {
	e := leadloop.Event{
		Kind: leadloop.EventAssigned, Lead: s.Lead.ID, At: s.AsOf, Reason: ReasonLifted,
		From: string(state.Owner), To: string(state.Owner), Attrs: map[string]string{},
	}
	for k, v := range map[string]string{"entry": state.Entry, "pool": state.Pool, "tier": state.Score.Tier} {
		if v != "" {
			e.Attrs[k] = v
		}
	}
	return e
}

// Notice is the payload of the TaskNotify that tells an owner: ids and codes,
// no personal data. Its keys are those of other notices, so that one handler
// can read them all.
type Notice struct {
	About string          `json:"about"` // "alerted"
	Lead  leadloop.LeadID `json:"lead"`
	To    string          `json:"to"` // "rep:<id>"
	// Reason is ReasonOpenOpportunity or ReasonExistingCustomer.
	Reason      string                 `json:"reason"`
	Account     leadloop.AccountID     `json:"account,omitempty"`
	Opportunity leadloop.OpportunityID `json:"opportunity,omitempty"`
}

func alerted(s leadloop.Subject, f finding, state leadloop.State, e leadloop.Effects) (leadloop.Outcome, leadloop.Effects, error) {
	out := leadloop.Outcome{Kind: leadloop.OutcomeAlerted, Reason: f.reason, Stop: true}
	known := state.Disposition == leadloop.OutcomeAlerted && state.Reason == f.reason &&
		(f.opportunity == "" || state.Opportunity == f.opportunity)
	// Each further submission is worth telling; a timer or a page view is not.
	if known && s.Trigger != leadloop.TriggerSubmission {
		return out, e, nil
	}
	payload, err := json.Marshal(Notice{"alerted", s.Lead.ID, "rep:" + string(f.tell), f.reason, f.account, f.opportunity})
	if err != nil {
		return leadloop.Outcome{}, leadloop.Effects{}, fmt.Errorf("privacy: notice: %w", err)
	}
	state.Disposition, state.Reason, state.Queue = leadloop.OutcomeAlerted, f.reason, ""
	if f.opportunity != "" {
		state.Opportunity = f.opportunity
	}
	e.State = &state
	e.Events = []leadloop.Event{{Kind: leadloop.EventAlerted, Lead: s.Lead.ID, At: s.AsOf, To: string(f.tell), Reason: f.reason}}
	e.Tasks = []leadloop.Task{{
		// The revision tells the submissions of one lead apart and stays the
		// same when a conflict has the step decide anew.
		Key:  fmt.Sprintf("notify:alerted:%s:%s:%d", s.Lead.ID, f.reason, s.Lead.Revision),
		Kind: leadloop.TaskNotify, Lead: s.Lead.ID, DueAt: s.AsOf, Outside: true,
		Payload: payload, State: leadloop.TaskPending,
	}}
	return out, e, nil
}

// find looks for the first reason why the lead does not go on.
func (c *check) find(ctx context.Context, tx store.Tx, s leadloop.Subject, r reach) (finding, error) {
	hits, err := tx.Suppressions().Match(ctx, r.all)
	if err != nil {
		return finding{}, fmt.Errorf("suppression list: %w", err)
	}
	if len(hits) > 0 {
		return finding{reason: strongest(hits)}, nil
	}
	contact, err := lookup(ctx, s.Lead.State.Contact, tx.CRM().Contact)
	if err != nil {
		return finding{}, fmt.Errorf("contact %s: %w", s.Lead.State.Contact, err)
	}
	if contact.OptedOut {
		return finding{reason: ReasonContactOptedOut}, nil
	}
	reason, err := c.terms.refuse(ctx, tx, r.people, s.Lead, s.Profile, PurposeContact, s.AsOf)
	if err != nil {
		return finding{}, fmt.Errorf("consents: %w", err)
	}
	if reason != "" {
		return finding{reason: reason}, nil
	}
	if s.Lead.State.Owner != "" && s.Trigger != leadloop.TriggerRecycle && !told(s.Lead.State) {
		return finding{}, nil
	}
	account, err := lookup(ctx, s.Lead.State.Account, tx.CRM().Account)
	if err != nil {
		return finding{}, fmt.Errorf("account %s: %w", s.Lead.State.Account, err)
	}
	return business(ctx, tx, s.Lead, account)
}

func strongest(hits []store.Suppression) string {
	best := hits[0].Reason
	for _, h := range hits[1:] {
		if rank(h.Reason) < rank(best) {
			best = h.Reason
		}
	}
	return best
}

// lookup returns the zero record for no id and for one that the CRM does not
// have any more.
func lookup[ID ~string, T any](ctx context.Context, id ID, get func(context.Context, ID) (T, error)) (T, error) {
	var none T
	if id == "" {
		return none, nil
	}
	v, err := get(ctx, id)
	if errors.Is(err, leadloop.ErrNotFound) {
		return none, nil
	}
	return v, err
}

// business looks for an open opportunity and for a customer.
func business(ctx context.Context, tx store.Tx, l *leadloop.Lead, account leadloop.Account) (finding, error) {
	open, own, err := store.OpenOpportunities(ctx, tx.CRM(), l)
	if err != nil {
		return finding{}, fmt.Errorf("opportunities of account %s: %w", l.State.Account, err)
	}
	if len(open) == 0 && !own && !account.Customer {
		return finding{}, nil
	}
	reps, err := tx.CRM().Reps(ctx)
	if err != nil {
		return finding{}, fmt.Errorf("reps: %w", err)
	}
	active := func(id leadloop.RepID) bool {
		return id != "" && !slices.ContainsFunc(reps, func(r leadloop.Rep) bool { return r.ID == id && r.Inactive })
	}
	for _, o := range open {
		for _, owner := range []leadloop.RepID{o.Owner, account.Owner} {
			if active(owner) {
				return finding{reason: ReasonOpenOpportunity, tell: owner, account: account.ID, opportunity: o.ID}, nil
			}
		}
	}
	switch {
	case len(open) > 0 || !account.Customer:
		return finding{left: true}, nil
	case active(account.Owner):
		return finding{reason: ReasonExistingCustomer, tell: account.Owner, account: account.ID}, nil
	default:
		return finding{reason: ReasonExistingCustomer, account: account.ID}, nil
	}
}
