package backfill

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// Entry is what one row comes to.
type Entry struct {
	// Key is the row's own: the same row of the same source has the same,
	// whatever its columns are said to hold.
	Key    string
	Lead   leadloop.LeadID
	Events []leadloop.Event
	// Currency is what stands beside the row's amount, such as "€" or "USD"; ""
	// if nothing does. Amounts are added up as they are.
	Currency string
	// Notes are what is wrong with a row that was kept.
	Notes []Note
}

// Note is what is wrong with a row that was kept.
type Note string

// The notes, each with how the row counts.
const (
	// NoStart: nobody says when the lead arrived or the deal was opened. It is in
	// the journal as of the import, counted among leads without an arrival and
	// deals without a lead, and in no other figure.
	NoStart Note = "no_start"
	// NoEnd: the deal is closed and nobody says when. It counts as won or lost,
	// and in no cycle time and no period.
	NoEnd Note = "no_end"
	// EndBeforeStart: it counts as NoEnd does.
	EndBeforeStart Note = "end_before_start"
	// UnreadableDate: a date that is not the row's only one can't be read; the
	// event is left out, and the deal's end counts as NoEnd.
	UnreadableDate Note = "unreadable_date"
	// Future: it is dated after the import and waits until its time has come.
	Future Note = "future"
	// UnknownOwner: the owner is none of those that are known. It is kept as it
	// is written and counts as an owner of its own.
	UnknownOwner Note = "unknown_owner"
	// UnreadableAmount: the deal counts, its amount as 0. NegativeAmount counts
	// as it is.
	UnreadableAmount Note = "unreadable_amount"
	NegativeAmount   Note = "negative_amount"
	// EndWithoutOutcome: the deal has an end and nobody says whether it was won.
	// It counts as open.
	EndWithoutOutcome Note = "end_without_outcome"
)

// Notes returns all notes, in the order of reports.
func Notes() []Note {
	return []Note{NoStart, NoEnd, EndBeforeStart, EndWithoutOutcome, UnreadableDate, Future, UnknownOwner, UnreadableAmount, NegativeAmount}
}

// Text is the note for people.
func (n Note) Text() string {
	switch n {
	case NoStart:
		return "no date of arrival: counted apart, in no figure by source, owner or time"
	case NoEnd:
		return "closed, and no date says when: counted as won or lost, in no cycle time and no period"
	case EndBeforeStart:
		return "closed before it was opened: counted as won or lost, in no cycle time and no period"
	case EndWithoutOutcome:
		return "an end, and nothing says whether it was won: counted as open"
	case UnreadableDate:
		return "a date that can't be read: that event is left out"
	case Future:
		return "dated after the import: waits until its time has come"
	case UnknownOwner:
		return "an owner that nobody knows: kept as written"
	case UnreadableAmount:
		return "an amount that can't be read: counted as 0"
	case NegativeAmount:
		return "an amount below 0: counted as it is"
	}
	return string(n)
}

// Rejected says why a row became no entry.
type Rejected struct {
	// Column is the one at fault, as the file calls it.
	Column string
	Reason string
}

func (r *Rejected) Error() string { return r.Column + ": " + r.Reason }

// Is makes a rejected row match leadloop.ErrInvalid.
func (r *Rejected) Is(target error) bool { return target == leadloop.ErrInvalid }

// actor is who writes what was imported.
const actor = "rule:import"

// maxText bounds what a cell may put into the journal.
const maxText = 200

// Row makes entries of a row of the second reading. It fails with a *Rejected if
// the row says of no lead, or of no moment, what happened.
func (im *Importer) Row(cells []string) (Entry, error) {
	h := sha256.New()
	for i, c := range cells {
		if im.o.Own == 0 || i < im.o.Own {
			h.Write([]byte(im.columns[i].Name + "\x00" + c + "\x00"))
		}
	}
	e := Entry{Key: "history:" + im.o.Source + ":" + hex.EncodeToString(h.Sum(nil)[:16])}
	id := im.cell(cells, RoleLead)
	if id == "" {
		return Entry{}, im.reject(RoleLead, "is empty")
	}
	if clip(id) != id {
		return Entry{}, im.reject(RoleLead, "is too long for an id, or is no text")
	}
	e.Lead = im.o.LeadID(id)
	r := &rowEntry{im: im, cells: cells, Entry: e, id: id}
	r.owner, r.attrs = r.whose(), r.common()
	var err error
	if im.events {
		err = r.event()
	} else {
		err = r.snapshot()
	}
	if err != nil {
		return Entry{}, err
	}
	for _, ev := range r.Events {
		if ev.At.After(im.o.AsOf) {
			r.note(Future)
		}
	}
	return r.Entry, nil
}

func (im *Importer) reject(role, reason string) error {
	return &Rejected{Column: im.columns[im.place[role]].Name, Reason: reason}
}

// time reads a date; a cell that is empty or can't be read is none.
func (im *Importer) time(cells []string, role string) (time.Time, bool) {
	i, ok := im.place[role]
	if !ok {
		return time.Time{}, false
	}
	return im.layouts[i].parse(im.value(cells, i))
}

// event reads what happened in a row of events.
func (im *Importer) event(cells []string) (Event, error) {
	name, stage, status := im.cell(cells, RoleEvent), im.cell(cells, RoleStage), im.cell(cells, RoleStatus)
	var e Event
	switch {
	case name != "":
		var err error
		if e, err = ParseEvent(name); err != nil {
			return e, im.reject(RoleEvent, strings.TrimPrefix(err.Error(), "invalid: "))
		}
	case stage != "":
		e = Event{Kind: leadloop.EventStageChanged}
		if kind, ok := stageOutcome(stage); ok {
			e.Kind = kind
		}
	case status != "":
		e = Event{Kind: leadloop.EventStatusChanged}
	default:
		return e, &Rejected{Column: im.columns[im.place[RoleAt]].Name, Reason: "the row does not say what happened"}
	}
	if e.To == "" {
		switch e.Kind {
		case leadloop.EventStageChanged:
			e.To = code(stage)
		case leadloop.EventStatusChanged:
			e.To = code(status)
		case leadloop.EventTierChanged:
			e.To = clip(im.cell(cells, RoleTier))
		default:
			return e, nil
		}
		if e.To == "" {
			return e, &Rejected{Column: im.columns[im.place[RoleAt]].Name, Reason: "the row does not say what " + string(e.Kind) + " to"}
		}
	}
	return e, nil
}

// rowEntry is an entry under way.
type rowEntry struct {
	Entry
	im    *Importer
	cells []string
	id    string
	owner string
	attrs map[string]string // of the arrival
}

func (r *rowEntry) note(n Note) {
	if slices.Contains(r.Notes, n) {
		return
	}
	r.Notes = append(r.Notes, n)
}

func (r *rowEntry) whose() string {
	id, isKnown := r.im.owner(clip(r.im.cell(r.cells, RoleOwner)))
	if !isKnown {
		r.note(UnknownOwner)
	}
	return string(id)
}

// common are the attributes that a row says of its lead.
func (r *rowEntry) common() map[string]string {
	attrs := map[string]string{}
	for _, role := range []string{RoleSource, RoleMedium, RoleCampaign, RoleChannel} {
		if v := clip(r.im.cell(r.cells, role)); v != "" {
			attrs[role] = withhold(v)
		}
	}
	for _, a := range r.im.attrs {
		if v := clip(r.im.value(r.cells, a.at)); v != "" {
			attrs[a.name] = withhold(v)
		}
	}
	return attrs
}

// withhold keeps addresses out of the journal, as the engine does: links in
// mailings often name whom they were sent to.
func withhold(v string) string {
	if strings.Contains(v, "@") || strings.Contains(v, "%40") {
		return "withheld"
	}
	return v
}

// clip keeps what a journal can hold.
func clip(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	return s
}

func (r *rowEntry) add(e leadloop.Event) {
	e.Lead = r.Lead
	if e.Actor == "" {
		e.Actor = actor
	}
	if len(e.Attrs) == 0 {
		e.Attrs = nil
	}
	r.Events = append(r.Events, e)
}

// event makes what a row of events says.
func (r *rowEntry) event() error {
	im := r.im
	e, err := im.event(r.cells)
	if err != nil {
		return err
	}
	at, ok := im.time(r.cells, RoleAt)
	if !ok {
		if im.cell(r.cells, RoleAt) == "" {
			return im.reject(RoleAt, "is empty")
		}
		return im.reject(RoleAt, "is no date that can be read, such as 2026-11-02T09:30:00Z")
	}
	l := im.leads[r.id]
	if l == nil {
		l = &life{arrives: true}
	}
	if im.o.FirstEvent && !l.arrives && at.Equal(l.first) && e.Kind != leadloop.EventCaptured {
		r.happened(Event{Kind: leadloop.EventCaptured}, at)
		l.arrives = true
	}
	if im.touch(r.cells, e) && at.Equal(l.touch) {
		r.happened(e, at)
		r.happened(Event{Kind: leadloop.EventFirstTouch, To: e.To}, at)
		l.touch = time.Time{}
		return nil
	}
	r.happened(e, at)
	return nil
}

// happened makes one event of what the row says.
func (r *rowEntry) happened(e Event, at time.Time) {
	im := r.im
	out := leadloop.Event{Kind: e.Kind, At: at, To: e.To, Reason: code(im.cell(r.cells, RoleReason)), Attrs: map[string]string{}}
	if by := clip(im.cell(r.cells, RoleActor)); by != "" {
		id, _ := im.owner(by)
		out.Actor = string(id)
	}
	tier := clip(im.cell(r.cells, RoleTier))
	switch e.Kind {
	case leadloop.EventCaptured:
		out.Attrs, out.Reason = r.attrs, ""
	case leadloop.EventAssigned:
		out.To = r.owner
		if tier != "" {
			out.Attrs["tier"] = tier
		}
	case leadloop.EventFirstTouch:
		if out.Actor == "" {
			out.Actor = r.owner
		}
	case leadloop.EventActivity:
		for _, k := range []string{RoleSource, RoleMedium, RoleCampaign, RoleChannel} {
			if v := r.attrs[k]; v != "" {
				out.Attrs[k] = v
			}
		}
	case leadloop.EventConverted, leadloop.EventWon, leadloop.EventLost:
		out.To = r.deal()
		out.Attrs = r.dealAttrs()
	}
	r.add(out)
	if e.Kind == leadloop.EventCaptured && im.events && tier != "" {
		r.add(leadloop.Event{Kind: leadloop.EventTierChanged, At: at, To: tier})
	}
}

// deal is the id of the row's deal.
func (r *rowEntry) deal() string {
	if id := clip(r.im.cell(r.cells, RoleOpportunity)); id != "" {
		return id
	}
	return r.id
}

func (r *rowEntry) dealAttrs() map[string]string {
	attrs := map[string]string{}
	if v := r.im.cell(r.cells, RoleAmount); v != "" {
		n, currency, ok := amount(v)
		if ok {
			r.Currency = currency
		}
		switch {
		case !ok:
			r.note(UnreadableAmount)
		case n < 0:
			r.note(NegativeAmount)
			fallthrough
		default:
			attrs["amount"] = strconv.FormatInt(int64(n), 10)
		}
	}
	if r.owner != "" {
		attrs["owner"] = r.owner
	}
	return attrs
}
