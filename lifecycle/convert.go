package lifecycle

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

func (c *checker) conversion() {
	v := c.def.Conversion
	stages := ids(c.def.Stages, func(s Stage) string { return s.ID })
	c.known(v.At, "conversion: stage", "stage", v.Stage, stages)
	for _, x := range []struct{ name, to string }{{"won", v.Won}, {"lost", v.Lost}} {
		c.known(v.At, "conversion: "+x.name, "stage", x.to, stages)
		i := slices.Index(stages, v.Stage)
		if i >= 0 && slices.Contains(stages, x.to) && !slices.ContainsFunc(c.def.Stages[i].To, func(t Transition) bool { return t.Stage == x.to }) {
			c.Add(v.At, "conversion: %s: no way leads from %s to %s", x.name, v.Stage, x.to)
		}
	}
}

// Deal is what a person adds when a lead is converted.
type Deal struct {
	// Amount is what it is expected to bring, in millionths of the currency.
	Amount leadloop.Micros
	// Reason is a code, as for a move; ReasonCriteria if empty.
	Reason string
}

// Convert returns a one-off step that makes an opportunity of a lead, because a
// person said so: it moves the lead to [Conversion].Stage, with that stage's
// criteria, and fails as [Lifecycle.Move] does. It needs [Host].Store.
//
// The lead becomes a contact at an account, with an opportunity, in the commit
// of the move. An account and a contact that the lead was matched to, or that
// have its identifiers, are taken and what they lack is filled in; else new ones
// are made. The opportunity has the source, medium and campaign of the lead's
// first touch, which are never overwritten, all touches, and the lead's owner;
// the contact has the lead's consent. Activities and journal stay the lead's,
// whose id both keep.
//
// A lead with an opportunity of its own that is not lost is not converted again:
// nothing is written. After a lost one another conversion makes another
// opportunity.
func (l *Lifecycle) Convert(actor string, d Deal) leadloop.Stage {
	return leadloop.StageFunc("convert", func(ctx context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		var e leadloop.Effects
		if l.conversion == nil || l.host.Store == nil {
			return leadloop.Outcome{}, e, fmt.Errorf("%w: there is no conversion in the lifecycle, or no store to convert into", leadloop.ErrInvalid)
		}
		d.Reason = cmp.Or(d.Reason, ReasonCriteria)
		if err := command("stage", l.conversion.Stage, l.Stages(), d.Reason, actor); err != nil {
			return leadloop.Outcome{}, e, err
		}
		e, err := l.move(ctx, s, l.conversion.Stage, d.Reason, actor)
		if err != nil {
			return leadloop.Outcome{}, leadloop.Effects{}, err
		}
		state := copyState(s.Lead.State)
		if e.State != nil {
			state = *e.State
		}
		err = l.host.Store.View(ctx, func(tx store.Tx) error {
			c := conversion{l: l, s: s, crm: tx.CRM(), state: &state, actor: actor, amount: d.Amount}
			return c.convert(ctx, &e)
		})
		if err != nil {
			return leadloop.Outcome{}, leadloop.Effects{}, fmt.Errorf("lifecycle: convert: %w", err)
		}
		return leadloop.Outcome{}, e, nil
	})
}

// NewConversion returns the record-keeping step "conversion", which belongs into
// the loop's Records behind the lifecycle. A lead that came into the stage of
// the conversion by itself, or by a plain move, is converted as [Lifecycle.Convert]
// does it. A lead whose opportunity was won or lost in the CRM meanwhile follows
// it, as with [Lifecycle.Close]: at its next run, or when a host that hears of
// it calls Close. It does nothing without [Host].Store.
func NewConversion(l *Lifecycle) leadloop.Stage {
	return leadloop.StageFunc("conversion", func(ctx context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		var e leadloop.Effects
		if l.conversion == nil || l.host.Store == nil || s.Lead.State.Stage != l.conversion.Stage {
			return leadloop.Outcome{}, e, nil
		}
		state := copyState(s.Lead.State)
		err := l.host.Store.View(ctx, func(tx store.Tx) error {
			c := conversion{l: l, s: s, crm: tx.CRM(), state: &state, actor: "rule:conversion"}
			own, err := c.own(ctx)
			switch {
			case err != nil:
				return err
			case state.Opportunity == opportunityID(s.Lead.ID, len(own)):
				return nil // made in this run, which is not committed yet
			case len(own) == 0 || s.Previous.Stage != state.Stage && own[len(own)-1].Status == leadloop.OpportunityLost:
				return c.convert(ctx, &e)
			case own[len(own)-1].Status != leadloop.OpportunityOpen && !own[len(own)-1].ClosedAt.After(s.AsOf):
				c.closed(&e, own[len(own)-1])
			}
			return nil
		})
		if err != nil {
			return leadloop.Outcome{}, leadloop.Effects{}, fmt.Errorf("lifecycle: convert: %w", err)
		}
		return leadloop.Outcome{}, e, nil
	})
}

// conversion is one lead becoming an opportunity.
type conversion struct {
	l      *Lifecycle
	s      leadloop.Subject
	crm    store.CRM
	state  *leadloop.State
	actor  string
	amount leadloop.Micros
}

// own returns the opportunities that came from the lead, oldest first.
func (c *conversion) own(ctx context.Context) ([]leadloop.Opportunity, error) {
	own, err := c.crm.OpportunitiesOf(ctx, append([]leadloop.LeadID{c.s.Lead.ID}, c.s.Lead.Records...)...)
	if err != nil {
		return nil, fmt.Errorf("opportunities: %w", err)
	}
	slices.SortStableFunc(own, func(a, b leadloop.Opportunity) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return own, nil
}

func (c *conversion) convert(ctx context.Context, e *leadloop.Effects) error {
	own, err := c.own(ctx)
	if err != nil {
		return err
	}
	if len(own) > 0 && own[len(own)-1].Status != leadloop.OpportunityLost {
		return nil
	}
	account, fresh, err := c.account(ctx)
	if err != nil {
		return err
	}
	contact, changed, err := c.contact(ctx, account.ID)
	if err != nil {
		return err
	}
	if c.l.host.Identify != nil {
		c.l.host.Identify(&account, &contact)
	} else {
		c.identify(&account, &contact)
	}
	o := leadloop.Opportunity{
		ID: opportunityID(c.s.Lead.ID, len(own)), Account: account.ID, Contact: contact.ID, Lead: c.s.Lead.ID, Owner: c.state.Owner,
		Status: leadloop.OpportunityOpen, Amount: c.amount, Touches: c.touches(), CreatedAt: c.s.AsOf,
	}
	if len(o.Touches) > 0 {
		first := o.Touches[0]
		o.Source, o.Medium, o.Campaign = first.Source, first.Medium, first.Campaign
	}
	if contact.Source == "" {
		contact.Source, changed = o.Source, changed || o.Source != ""
	}
	if fresh {
		e.Accounts = []leadloop.Account{account}
	}
	if changed {
		e.Contacts = []leadloop.Contact{contact}
	}
	e.Opportunities = []leadloop.Opportunity{o}
	c.state.Account, c.state.Contact, c.state.Opportunity = account.ID, contact.ID, o.ID
	e.State = c.state
	e.Events = append(e.Events, c.converted(o))
	return nil
}

// converted says where the opportunity came from: what it says itself, or else
// the lead's first touch.
func (c *conversion) converted(o leadloop.Opportunity) leadloop.Event {
	event := c.event(leadloop.EventConverted, o)
	event.Reason = "" // the opportunity's is why it was lost
	var first leadloop.Touch
	if touches := c.touches(); len(touches) > 0 && o.Source == "" {
		first = touches[0]
	}
	for k, v := range map[string]string{
		"source": cmp.Or(o.Source, first.Source), "medium": cmp.Or(o.Medium, first.Medium), "campaign": cmp.Or(o.Campaign, first.Campaign), "tier": c.state.Score.Tier,
	} {
		if v != "" {
			event.Attrs[k] = v
		}
	}
	return event
}

// opportunityID is the id of the n-th opportunity of a lead, from 0: the same
// however often the conversion is decided.
func opportunityID(lead leadloop.LeadID, n int) leadloop.OpportunityID {
	id := "op_" + strings.TrimPrefix(string(lead), "ld_")
	if n > 0 {
		id += "_" + strconv.Itoa(n+1)
	}
	return leadloop.OpportunityID(id)
}

func (c *conversion) event(kind leadloop.EventKind, o leadloop.Opportunity) leadloop.Event {
	attrs := map[string]string{"account": string(o.Account), "contact": string(o.Contact)}
	if o.Owner != "" {
		attrs["owner"] = string(o.Owner)
	}
	if o.Amount != 0 {
		attrs["amount"] = strconv.FormatInt(int64(o.Amount), 10)
	}
	return leadloop.Event{Kind: kind, Lead: c.s.Lead.ID, At: c.s.AsOf, To: string(o.ID), Reason: o.Reason, Actor: c.actor, Attrs: attrs}
}

func (c *conversion) text(f leadloop.Field[string]) string {
	v, _ := f.Get(c.s.Profile)
	return v
}

// account is the one that the lead was matched to or has the identifiers of;
// fresh tells that it was made now.
func (c *conversion) account(ctx context.Context) (a leadloop.Account, fresh bool, err error) {
	if id := c.state.Account; id != "" {
		a, err = c.crm.Account(ctx, id)
		if err == nil || !errors.Is(err, leadloop.ErrNotFound) {
			return a, false, err
		}
	}
	var domains []string
	if d := c.text(leadloop.Domain); d != "" {
		domains = []string{d}
	}
	a = leadloop.Account{Name: c.text(leadloop.CompanyName), Domains: domains, Owner: c.state.Owner, Country: c.text(leadloop.CompanyCountry)}
	probe := a
	if c.l.host.Identify != nil {
		c.l.host.Identify(&probe, &leadloop.Contact{})
	} else {
		c.identify(&probe, &leadloop.Contact{})
	}
	if len(probe.Identifiers) > 0 {
		known, err := c.crm.MatchAccounts(ctx, probe.Identifiers)
		if err != nil {
			return a, false, fmt.Errorf("accounts: %w", err)
		}
		// Of several nobody knows which: that is asked about when leads are
		// matched, and here a new one is not worse than a wrong one.
		if len(known) == 1 {
			return known[0], false, nil
		}
	}
	// The same company converted twice at one moment is one account.
	name := string(c.s.Lead.ID)
	if len(domains) > 0 {
		name = domains[0]
	}
	a.ID = leadloop.AccountID("ac_" + digest(name))
	if len(domains) > 0 {
		switch had, err := c.crm.Account(ctx, a.ID); {
		case err == nil:
			return had, false, nil
		case !errors.Is(err, leadloop.ErrNotFound):
			return a, false, err
		}
	}
	return a, true, nil
}

// contact is the one that the lead was matched to, with what it lacks, or a new
// one; changed tells that it has to be written.
func (c *conversion) contact(ctx context.Context, account leadloop.AccountID) (p leadloop.Contact, changed bool, err error) {
	p = leadloop.Contact{ID: leadloop.ContactID("ct_" + strings.TrimPrefix(string(c.s.Lead.ID), "ld_")), Owner: c.state.Owner, Lead: c.s.Lead.ID}
	changed = true
	id := cmp.Or(c.state.Contact, p.ID)
	switch had, err := c.crm.Contact(ctx, id); {
	case err == nil:
		p, changed = had, false
	case !errors.Is(err, leadloop.ErrNotFound):
		return p, false, fmt.Errorf("contact %s: %w", id, err)
	}
	fill := func(to *string, v string) {
		if *to == "" && v != "" {
			*to, changed = v, true
		}
	}
	fill(&p.FirstName, c.text(leadloop.FirstName))
	fill(&p.LastName, c.text(leadloop.LastName))
	fill(&p.Email, c.text(leadloop.Email))
	fill(&p.Phone, cmp.Or(c.text(leadloop.Phone), c.text(leadloop.Mobile)))
	fill((*string)(&p.Account), string(account))
	fill((*string)(&p.Lead), string(c.s.Lead.ID))
	// Of several consents the most restrictive counts.
	consent := c.text(leadloop.Consent)
	if out := consent == leadloop.ConsentDenied || consent == leadloop.ConsentWithdrawn; out && !p.OptedOut {
		p.OptedOut, changed = true, true
	}
	if consent != "" && p.Consent != consent && (p.Consent == "" || p.OptedOut) {
		p.Consent, changed = consent, true
	}
	return p, changed, nil
}

// identify gives new records the identifiers of the lead.
func (c *conversion) identify(a *leadloop.Account, p *leadloop.Contact) {
	if len(a.Identifiers)+len(p.Identifiers) > 0 {
		return
	}
	for _, id := range c.s.Lead.Identifiers {
		switch id.Kind {
		case "domain":
			a.Identifiers = append(a.Identifiers, id)
		case "email", "phone":
			p.Identifiers = append(p.Identifiers, id)
		}
	}
}

// touches are how the lead came to us: one for each of its submissions that
// says where it came from.
func (c *conversion) touches() []leadloop.Touch {
	byRecord := map[leadloop.LeadID]*leadloop.Touch{}
	var order []leadloop.LeadID
	for _, claim := range c.s.Lead.Claims {
		var to func(t *leadloop.Touch) *string
		switch claim.Field {
		case leadloop.Source.Name():
			to = func(t *leadloop.Touch) *string { return &t.Source }
		case leadloop.Medium.Name():
			to = func(t *leadloop.Touch) *string { return &t.Medium }
		case leadloop.Campaign.Name():
			to = func(t *leadloop.Touch) *string { return &t.Campaign }
		default:
			continue
		}
		t := byRecord[claim.Record]
		if t == nil {
			t = &leadloop.Touch{At: claim.ObservedAt.UTC()}
			byRecord[claim.Record], order = t, append(order, claim.Record)
		}
		if claim.ObservedAt.Before(t.At) {
			t.At = claim.ObservedAt.UTC()
		}
		if v := claim.Value.Text(); v != "" && *to(t) == "" {
			*to(t) = v
		}
	}
	out := make([]leadloop.Touch, 0, len(order))
	for _, id := range order {
		if t := *byRecord[id]; !t.At.After(c.s.AsOf) && (t.Source != "" || t.Medium != "" || t.Campaign != "") {
			out = append(out, t)
		}
	}
	slices.SortStableFunc(out, func(a, b leadloop.Touch) int { return a.At.Compare(b.At) })
	return out
}

// Close returns a one-off step that records how the lead's opportunity ended:
// won, or lost with a reason code, and for what amount; 0 leaves the amount. The
// lead goes to the stage of the conversion for it, whose criteria are not asked:
// it is a fact. Closing it again the same way changes nothing; the step fails
// with leadloop.ErrInvalid for a lead without an opportunity of its own, one
// that ended the other way, and a reason that is no code.
func (l *Lifecycle) Close(status leadloop.OpportunityStatus, amount leadloop.Micros, reason, actor string) leadloop.Stage {
	var wrong error
	switch {
	case status != leadloop.OpportunityWon && status != leadloop.OpportunityLost:
		wrong = fmt.Errorf("%w: an opportunity ends won or lost", leadloop.ErrInvalid)
	case !codes.MatchString(reason) && (reason != "" || status == leadloop.OpportunityLost):
		wrong = fmt.Errorf("%w: a reason is a code of lower-case letters, digits, - and _", leadloop.ErrInvalid)
	}
	return l.onDeal("close", actor, wrong, func(ctx context.Context, c *conversion, e *leadloop.Effects, own []leadloop.Opportunity) error {
		if len(own) == 0 {
			return c.noDeal()
		}
		o := own[len(own)-1]
		switch o.Status {
		case leadloop.OpportunityOpen:
			o.Status, o.ClosedAt, o.Reason = status, c.s.AsOf, reason
			if amount != 0 {
				o.Amount = amount
			}
			e.Opportunities = []leadloop.Opportunity{o}
			if err := c.customer(ctx, e, o); err != nil {
				return err
			}
		case status:
			if c.state.Stage != l.conversion.Stage {
				return nil
			}
		default:
			return fmt.Errorf("%w: opportunity %s is %s already", leadloop.ErrInvalid, o.ID, o.Status)
		}
		c.closed(e, o)
		return nil
	})
}

// onDeal is a one-off step that somebody asks for about the opportunities that
// came from a lead, the latest last; wrong is what is wrong with how it is asked.
func (l *Lifecycle) onDeal(name, actor string, wrong error, do func(ctx context.Context, c *conversion, e *leadloop.Effects, own []leadloop.Opportunity) error) leadloop.Stage {
	return leadloop.StageFunc(name, func(ctx context.Context, s leadloop.Subject) (out leadloop.Outcome, e leadloop.Effects, err error) {
		switch {
		case l.conversion == nil || l.host.Store == nil:
			return out, e, fmt.Errorf("%w: there is no conversion in the lifecycle, or no store with opportunities", leadloop.ErrInvalid)
		case wrong != nil:
			return out, e, wrong
		case actor == "":
			return out, e, fmt.Errorf("%w: a change needs an actor", leadloop.ErrInvalid)
		}
		state := copyState(s.Lead.State)
		err = l.host.Store.View(ctx, func(tx store.Tx) error {
			c := conversion{l: l, s: s, crm: tx.CRM(), state: &state, actor: actor}
			own, err := c.own(ctx)
			if err != nil {
				return err
			}
			return do(ctx, &c, &e, own)
		})
		if err != nil {
			return out, leadloop.Effects{}, fmt.Errorf("lifecycle: %s: %w", name, err)
		}
		return out, e, nil
	})
}

func (c *conversion) noDeal() error {
	return fmt.Errorf("%w: no opportunity came from lead %s", leadloop.ErrInvalid, c.s.Lead.ID)
}

// customer notes that the account buys from us.
func (c *conversion) customer(ctx context.Context, e *leadloop.Effects, o leadloop.Opportunity) error {
	if o.Status != leadloop.OpportunityWon || o.Account == "" {
		return nil
	}
	a, err := c.crm.Account(ctx, o.Account)
	switch {
	case errors.Is(err, leadloop.ErrNotFound) || err == nil && a.Customer:
		return nil
	case err != nil:
		return fmt.Errorf("account %s: %w", o.Account, err)
	}
	a.Customer = true
	e.Accounts = []leadloop.Account{a}
	return nil
}

// digest names something by what it is called, without saying it.
func digest(name string) string {
	sum := sha256.Sum256([]byte("leadloop/account/1\x00" + name))
	return hex.EncodeToString(sum[:10])
}

// closed takes the lead after its opportunity.
func (c *conversion) closed(e *leadloop.Effects, o leadloop.Opportunity) {
	kind, to, reason := leadloop.EventWon, c.l.conversion.Won, ReasonWon
	if o.Status == leadloop.OpportunityLost {
		kind, to, reason = leadloop.EventLost, c.l.conversion.Lost, ReasonLost
	}
	event := c.event(kind, o)
	if !o.ClosedAt.IsZero() && o.ClosedAt.Before(c.s.AsOf) {
		event.At = o.ClosedAt
	}
	e.Events = append(e.Events, event)
	if to != "" && c.state.Stage == c.l.conversion.Stage {
		e.Events = append(e.Events, c.l.toStage(c.s, c.state, c.l.stage(to), c.state.Stage, reason, c.actor)...)
		e.State = c.state
	}
}
