package backfill

import (
	"slices"
	"time"

	"github.com/leadloop/leadloop"
)

// snapshot makes the events that a row about a whole lead or deal tells of.
func (r *rowEntry) snapshot() error {
	im := r.im
	created, started := im.time(r.cells, RoleCreated)
	if !started && im.cell(r.cells, RoleCreated) != "" {
		return im.reject(RoleCreated, "is no date that can be read, such as 2026-11-02")
	}
	from := created
	if !started {
		r.note(NoStart)
		from = im.Latest()
	}
	stage := im.cell(r.cells, RoleStage)
	ended, isEnd := stageOutcome(stage)
	if v := im.cell(r.cells, RoleOutcome); v != "" {
		kind, ok := outcome(v)
		if !ok {
			return im.reject(RoleOutcome, "expected won, lost or open")
		}
		ended = kind
	}
	if started {
		r.happened(Event{Kind: leadloop.EventCaptured}, created)
	}
	if r.owner != "" && !slices.ContainsFunc(im.moments, func(m moment) bool { return m.event.Kind == leadloop.EventAssigned }) {
		r.happened(Event{Kind: leadloop.EventAssigned}, from)
	} else if tier := clip(im.cell(r.cells, RoleTier)); tier != "" {
		r.happened(Event{Kind: leadloop.EventTierChanged, To: tier}, from)
	}
	for _, m := range im.moments {
		v := im.value(r.cells, m.at)
		at, ok := im.layouts[m.at].parse(v)
		switch {
		case v == "":
		case !ok:
			r.note(UnreadableDate)
		default:
			r.happened(m.event, at)
		}
	}
	if stage != "" && !isEnd {
		r.happened(Event{Kind: leadloop.EventStageChanged, To: code(stage)}, r.since(from))
	}
	if status := code(im.cell(r.cells, RoleStatus)); status != "" {
		r.happened(Event{Kind: leadloop.EventStatusChanged, To: status}, r.since(from))
	}
	if im.deals {
		r.closing(from, started, ended)
	}
	return nil
}

// since is from when on the row's stage holds at the latest: a snapshot does
// not say, so it is the latest of its moments.
func (r *rowEntry) since(from time.Time) time.Time {
	for _, e := range r.Events {
		if e.At.After(from) && !e.At.After(r.im.o.AsOf) {
			from = e.At
		}
	}
	return from
}

// closing makes the deal's beginning and end. Where its dates make no sense the
// end is said to be of no certain time.
func (r *rowEntry) closing(from time.Time, started bool, ended leadloop.EventKind) {
	im := r.im
	r.happened(Event{Kind: leadloop.EventConverted}, from)
	closed, known := im.time(r.cells, RoleClosed)
	if !known && im.cell(r.cells, RoleClosed) != "" {
		r.note(UnreadableDate)
	}
	if ended == "" {
		if known {
			r.note(EndWithoutOutcome)
		}
		return
	}
	untimed := ""
	switch {
	case !known:
		r.note(NoEnd)
		closed, untimed = from, string(NoEnd)
	case started && closed.Before(from):
		r.note(EndBeforeStart)
		closed, untimed = from, string(EndBeforeStart)
	case !started:
		closed, untimed = from, string(NoStart)
	}
	r.happened(Event{Kind: ended}, closed)
	if untimed != "" {
		end := &r.Events[len(r.Events)-1]
		if end.Attrs == nil {
			end.Attrs = map[string]string{}
		}
		end.Attrs["untimed"] = untimed
	}
}
