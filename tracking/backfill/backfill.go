// Package backfill makes journal entries of what happened elsewhere: exports of
// a CRM, of a marketing tool, of a spreadsheet.
//
// An [Importer] reads rows more than once: to learn how the file writes dates
// ([Importer.Scan]) and when each lead was first worked ([Importer.Learn]), and
// to make entries of them ([Importer.Row]). A row is an event (lead, event, at) or a snapshot of a
// lead or deal (lead, created, closed, stage, amount). What does not make sense
// is said and either kept and counted apart or rejected, never dropped
// silently; no column goes into the journal that was not asked for. It does not
// guess what nobody recorded.
//
// Start with [New]; [Write] stores what comes out, once.
package backfill

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/suggest"
)

// What a column can hold, besides the moment of an event ("at:first_touch",
// "at:stage:sql", see [Events]) and an attribute that figures can be grouped by
// ("attr:region").
const (
	RoleLead        = "lead"        // the id of the lead, or of the deal if there is no lead
	RoleEvent       = "event"       // what happened, see [Events]
	RoleAt          = "at"          // when
	RoleCreated     = "created"     // when the lead arrived, or the deal was opened
	RoleClosed      = "closed"      // when the deal was won or lost
	RoleStage       = "stage"       // of the lifecycle, or of the deal: "Closed Won" is an outcome
	RoleStatus      = "status"      // what the owner does with it
	RoleOutcome     = "outcome"     // won, lost or open
	RoleOwner       = "owner"       // id or name of the owner
	RoleActor       = "actor"       // who did it
	RoleSource      = "source"      // where it came from
	RoleMedium      = "medium"      //
	RoleCampaign    = "campaign"    //
	RoleChannel     = "channel"     //
	RoleTier        = "tier"        //
	RoleAmount      = "amount"      // what the deal is worth, in currency units
	RoleReason      = "reason"      // a code; prose becomes one
	RoleOpportunity = "opportunity" // the id of the deal, where it is not that of the lead
	RoleIgnore      = "-"           // left out on purpose
)

// Roles returns what a column can hold by name.
func Roles() []string {
	return []string{
		RoleLead, RoleEvent, RoleAt, RoleCreated, RoleClosed, RoleStage, RoleStatus, RoleOutcome, RoleOwner, RoleActor, RoleSource,
		RoleMedium, RoleCampaign, RoleChannel, RoleTier, RoleAmount, RoleReason, RoleOpportunity, RoleIgnore,
	}
}

// Options are what is known about a file.
type Options struct {
	// Columns say what columns hold, by name; the others are guessed from
	// their names.
	Columns map[string]string
	// Values say what a value means, by column: {"deal_stage": {"Gewonnen":
	// "won"}}.
	Values map[string]map[string]string
	// Source names the file. With a lead's id in the file it makes the id of
	// the lead, and with a row's content it makes the row arrive once.
	Source string
	// Own is how many columns, from the first, are the file's own and tell one
	// row from another; the others were joined to it. 0 means all.
	Own int
	// LeadID makes the id of a lead from the one in the file; nil takes the
	// file's.
	LeadID func(id string) leadloop.LeadID
	// Owners are the known owners' ids by what the file may call them; nil
	// means that nobody knows, and all are taken.
	Owners map[string]leadloop.RepID
	// AsOf is the moment of the import. What lies after it is said. What has no
	// date is journaled as of the latest date of the file up to it.
	AsOf time.Time
	// DayFirst says how dates like 03/04/2026 are meant; nil means that the
	// file shows it.
	DayFirst *bool
	// Zone is where times without one were written; nil means UTC.
	Zone *time.Location
	// FirstEvent takes the first event of a lead as its arrival where the file
	// does not tell of one.
	FirstEvent bool
	// Touches are the activities that are a meaningful touch when a rep does
	// them; nil means those of tracking.Options.
	Touches []string
}

// Column says what one column holds.
type Column struct {
	Name    string `json:"name"`
	Holds   string `json:"holds"` // "" if nobody knows
	Guessed bool   `json:"guessed,omitempty"`
}

// Importer turns rows into entries. It belongs to one goroutine. Make one with
// [New].
type Importer struct {
	o       Options
	columns []Column
	place   map[string]int // of roles
	attrs   []attr
	moments []moment
	events  bool // rows are events, not snapshots
	deals   bool // snapshots are deals
	layouts map[int]*dates
	leads   map[string]*life
	latest  time.Time // up to Options.AsOf
}

type attr struct {
	name string
	at   int
}

// moment is a column that holds when something happened.
type moment struct {
	event Event
	at    int
}

// life is what the first reading learns about a lead.
type life struct {
	first, touch time.Time
	arrives      bool
}

var names = regexp.MustCompile(`^[a-z][a-z0-9_.-]{0,63}$`)

// New returns an importer for a file with these columns. The error lists
// everything that is wrong with Options.Columns and Options.Values, and what is
// missing; it wraps leadloop.ErrInvalid.
func New(header []string, o Options) (*Importer, error) {
	im := &Importer{o: o, place: map[string]int{}, layouts: map[int]*dates{}, leads: map[string]*life{}}
	if im.o.Touches == nil {
		im.o.Touches = []string{"call", "email_sent", "linkedin_message", "meeting"}
	}
	if im.o.Zone == nil {
		im.o.Zone = time.UTC
	}
	if im.o.LeadID == nil {
		im.o.LeadID = func(id string) leadloop.LeadID { return leadloop.LeadID(id) }
	}
	var problems []error
	wrong := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("%w: "+format, append([]any{leadloop.ErrInvalid}, args...)...))
	}
	for name := range o.Columns {
		if !slices.Contains(header, name) {
			wrong("there is no column %q%s; found: %s", name, hint(name, header), strings.Join(header, ", "))
		}
	}
	for name := range o.Values {
		if !slices.Contains(header, name) {
			wrong("values of column %q: there is no such column%s", name, hint(name, header))
		}
	}
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	im.columns = guess(header, o.Columns)
	for i, c := range im.columns {
		kind, name, _ := strings.Cut(c.Holds, ":")
		switch {
		case c.Holds == "" || c.Holds == RoleIgnore:
		case kind == "attr":
			if !names.MatchString(name) {
				wrong("column %q: %q is no name of an attribute: lower-case letters, digits and _", c.Name, name)
			}
			im.attrs = append(im.attrs, attr{name, i})
		case kind == "at" && name != "":
			e, err := ParseEvent(name)
			if err != nil {
				wrong("column %q: %s", c.Name, strings.TrimPrefix(err.Error(), "invalid: "))
			}
			im.moments = append(im.moments, moment{e, i})
			im.layouts[i] = &dates{zone: im.o.Zone}
		case !slices.Contains(Roles(), c.Holds):
			wrong("column %q: nothing is called %q%s; there are %s, at:EVENT and attr:NAME", c.Name, c.Holds, hint(c.Holds, Roles()), strings.Join(Roles(), ", "))
		default:
			if other, twice := im.place[c.Holds]; twice {
				wrong("columns %q and %q both hold %s", im.columns[other].Name, c.Name, c.Holds)
			}
			im.place[c.Holds] = i
			if c.Holds == RoleAt || c.Holds == RoleCreated || c.Holds == RoleClosed {
				im.layouts[i] = &dates{zone: im.o.Zone}
			}
		}
	}
	im.events = im.has(RoleAt)
	im.deals = !im.events && (im.has(RoleClosed) || im.has(RoleAmount) || im.has(RoleOutcome) || im.has(RoleOpportunity))
	switch {
	case len(problems) > 0:
	case !im.has(RoleLead):
		wrong("no column holds the lead's id; say which with a map such as %s=lead; found: %s", header[0], strings.Join(header, ", "))
	case im.events && im.has(RoleCreated):
		wrong("column %q says when a lead arrived and %q when an event happened: a row is the one or the other; leave one out with %s=-",
			im.columns[im.place[RoleCreated]].Name, im.columns[im.place[RoleAt]].Name, im.columns[im.place[RoleCreated]].Name)
	case im.events && !im.has(RoleEvent) && !im.has(RoleStage) && !im.has(RoleStatus):
		wrong("no column holds what happened (event, stage or status)")
	case !im.events && !im.has(RoleCreated):
		wrong("no column holds when something happened (at) or when the lead arrived (created)")
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("backfill: %w", err)
	}
	return im, nil
}

func hint(got string, known []string) string {
	if h := suggest.DidYouMean(got, known); h != "" {
		return ", " + h
	}
	return ""
}

// Latest is the latest date of the file up to Options.AsOf, that moment itself
// if there is none. It is known after [Importer.Learn].
func (im *Importer) Latest() time.Time {
	if im.latest.IsZero() {
		return im.o.AsOf
	}
	return im.latest
}

// Shape says what a row is: "events", "deals" or "leads".
func (im *Importer) Shape() string {
	switch {
	case im.events:
		return "events"
	case im.deals:
		return "deals"
	}
	return "leads"
}

// Columns returns what every column holds.
func (im *Importer) Columns() []Column { return slices.Clone(im.columns) }

func (im *Importer) has(role string) bool { _, ok := im.place[role]; return ok }

// cell is what a row says in a role, after Options.Values.
func (im *Importer) cell(cells []string, role string) string {
	i, ok := im.place[role]
	if !ok || i >= len(cells) {
		return ""
	}
	return im.value(cells, i)
}

func (im *Importer) value(cells []string, i int) string {
	v := strings.TrimSpace(cells[i])
	if to, ok := im.o.Values[im.columns[i].Name][v]; ok {
		return to
	}
	return v
}

// Scan looks at a row of the first reading.
func (im *Importer) Scan(cells []string) {
	for i, d := range im.layouts {
		if i < len(cells) {
			d.see(strings.TrimSpace(cells[i]))
		}
	}
}

// Ready ends the first reading. It fails if the file writes days in a way that
// can be read as two dates, and nobody says how.
func (im *Importer) Ready() error {
	var problems []error
	// Columns of one file are written by one program: what one shows holds for
	// all.
	day, month := 0, 0
	for _, d := range im.layouts {
		day, month = day+d.dayFirst, month+d.monthFirst
	}
	for i, c := range im.columns {
		d := im.layouts[i]
		if d == nil {
			continue
		}
		switch {
		case im.o.DayFirst != nil:
			d.first = *im.o.DayFirst
		case d.dayFirst+d.monthFirst > 0:
			d.first = d.dayFirst >= d.monthFirst
		case day+month > 0:
			d.first = day >= month
		case d.either > 0:
			problems = append(problems, fmt.Errorf("%w: column %q: dates such as %q can be read in two ways; say whether the day or the month comes first", leadloop.ErrInvalid, c.Name, d.example))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("backfill: %w", err)
	}
	return nil
}

// Learn looks at a row once more, now that dates can be read: when each lead
// first did anything, and was first worked, and what the latest date is.
func (im *Importer) Learn(cells []string) {
	for i, d := range im.layouts {
		if at, ok := d.parse(im.value(cells, i)); ok && at.After(im.latest) && !at.After(im.o.AsOf) {
			im.latest = at
		}
	}
	id := im.cell(cells, RoleLead)
	if !im.events || id == "" {
		return
	}
	e, err := im.event(cells)
	at, ok := im.time(cells, RoleAt)
	if err != nil || !ok {
		return
	}
	l := im.leads[id]
	if l == nil {
		l = &life{}
		im.leads[strings.Clone(id)] = l
	}
	if l.first.IsZero() || at.Before(l.first) {
		l.first = at
	}
	l.arrives = l.arrives || e.Kind == leadloop.EventCaptured
	if (e.Kind == leadloop.EventFirstTouch || im.touch(cells, e)) && (l.touch.IsZero() || at.Before(l.touch)) {
		l.touch = at
	}
}

// touch reports whether a rep worked the lead.
func (im *Importer) touch(cells []string, e Event) bool {
	return e.Kind == leadloop.EventActivity && im.cell(cells, RoleActor) != "" && slices.Contains(im.o.Touches, e.To)
}
