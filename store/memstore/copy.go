package memstore

import (
	"maps"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// utc is how times are kept: in UTC, without a monotonic reading.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.Round(0).UTC()
}

// keepLead copies l as it is to be kept.
func keepLead(l *leadloop.Lead) *leadloop.Lead {
	c := l.Clone()
	c.ReceivedAt = utc(c.ReceivedAt)
	for i := range c.Claims {
		c.Claims[i].ObservedAt = utc(c.Claims[i].ObservedAt)
		c.Claims[i].VerifiedAt = utc(c.Claims[i].VerifiedAt)
	}
	for i := range c.Activities {
		c.Activities[i].At = utc(c.Activities[i].At)
	}
	s := &c.State
	for _, t := range []*time.Time{
		&s.StageSince, &s.StatusSince, &s.OwnerSince, &s.Score.ValidUntil,
		&s.SLA.StartedAt, &s.SLA.DueAt, &s.SLA.MetAt, &s.SLA.MissedAt,
		&s.FirstTouchAt, &s.LastTouchAt, &s.DecidedAt, &s.Cadence.Since, &s.Cadence.DueAt, &s.Cadence.PausedAt,
	} {
		*t = utc(*t)
	}
	return c
}

func copyAccount(a leadloop.Account) leadloop.Account {
	a.Domains = slices.Clone(a.Domains)
	a.Identifiers = slices.Clone(a.Identifiers)
	return a
}

func copyContact(c leadloop.Contact) leadloop.Contact {
	c.Identifiers = slices.Clone(c.Identifiers)
	return c
}

func copyOpportunity(o leadloop.Opportunity) leadloop.Opportunity {
	o.CreatedAt, o.ClosedAt = utc(o.CreatedAt), utc(o.ClosedAt)
	o.Touches = slices.Clone(o.Touches)
	for i := range o.Touches {
		o.Touches[i].At = utc(o.Touches[i].At)
	}
	return o
}

func copyRep(r leadloop.Rep) leadloop.Rep {
	r.Languages = slices.Clone(r.Languages)
	r.Skills = slices.Clone(r.Skills)
	r.Away = slices.Clone(r.Away)
	for i, a := range r.Away {
		r.Away[i] = leadloop.Absence{From: utc(a.From), Until: utc(a.Until)}
	}
	return r
}

func copyEvent(e leadloop.Event) leadloop.Event {
	e.At = utc(e.At)
	e.Attrs = maps.Clone(e.Attrs)
	return e
}

func copyDecision(d leadloop.Decision) leadloop.Decision {
	d.AsOf = utc(d.AsOf)
	d.Steps = slices.Clone(d.Steps)
	for i := range d.Steps {
		d.Steps[i].Trace = slices.Clone(d.Steps[i].Trace)
	}
	return d
}

func copyTask(t leadloop.Task) leadloop.Task {
	t.DueAt, t.LeasedUntil = utc(t.DueAt), utc(t.LeasedUntil)
	t.Payload = slices.Clone(t.Payload)
	t.Tokens = slices.Clone(t.Tokens)
	return t
}

func copyCacheEntry(e store.CacheEntry) store.CacheEntry {
	e.Data = slices.Clone(e.Data)
	e.ExpiresAt = utc(e.ExpiresAt)
	return e
}

func copyCost(c store.Cost) store.Cost {
	c.At = utc(c.At)
	c.Fields = slices.Clone(c.Fields)
	return c
}

func copyFiles(files map[string][]byte) map[string][]byte {
	c := make(map[string][]byte, len(files))
	for name, data := range files {
		c[name] = slices.Clone(data)
	}
	return c
}
