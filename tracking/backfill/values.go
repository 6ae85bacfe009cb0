package backfill

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/suggest"
)

// Event is what happened: its kind, and what it is about, such as the stage of
// "stage:sql" or the type of "activity:demo_request".
type Event struct {
	Kind leadloop.EventKind
	To   string
}

// known are the names of events, by what key leaves of them.
var known = map[string]Event{
	"captured": {Kind: leadloop.EventCaptured}, "created": {Kind: leadloop.EventCaptured}, "arrived": {Kind: leadloop.EventCaptured}, "leadcreated": {Kind: leadloop.EventCaptured},
	"assigned": {Kind: leadloop.EventAssigned}, "ownerchanged": {Kind: leadloop.EventAssigned}, "reassigned": {Kind: leadloop.EventAssigned},
	"queued": {Kind: leadloop.EventQueued}, "nurtured": {Kind: leadloop.EventNurtured}, "suppressed": {Kind: leadloop.EventSuppressed},
	"disqualified": {Kind: leadloop.EventDisqualified}, "rejected": {Kind: leadloop.EventRejected},
	"tier": {Kind: leadloop.EventTierChanged}, "tierchanged": {Kind: leadloop.EventTierChanged},
	"firsttouch": {Kind: leadloop.EventFirstTouch}, "touched": {Kind: leadloop.EventFirstTouch},
	"stage": {Kind: leadloop.EventStageChanged}, "stagechanged": {Kind: leadloop.EventStageChanged}, "stagechange": {Kind: leadloop.EventStageChanged},
	"status": {Kind: leadloop.EventStatusChanged}, "statuschanged": {Kind: leadloop.EventStatusChanged}, "statuschange": {Kind: leadloop.EventStatusChanged},
	"slastarted": {Kind: leadloop.EventSLAStarted}, "slamet": {Kind: leadloop.EventSLAMet}, "slamissed": {Kind: leadloop.EventSLAMissed},
	"converted": {Kind: leadloop.EventConverted}, "opportunity": {Kind: leadloop.EventConverted}, "dealcreated": {Kind: leadloop.EventConverted}, "opportunitycreated": {Kind: leadloop.EventConverted},
	"won": {Kind: leadloop.EventWon}, "closedwon": {Kind: leadloop.EventWon}, "dealwon": {Kind: leadloop.EventWon},
	"lost": {Kind: leadloop.EventLost}, "closedlost": {Kind: leadloop.EventLost}, "deallost": {Kind: leadloop.EventLost},
	"call": {leadloop.EventActivity, "call"}, "callconnected": {leadloop.EventActivity, "call_connected"}, "email": {leadloop.EventActivity, "email_sent"},
	"emailsent": {leadloop.EventActivity, "email_sent"}, "emailreply": {leadloop.EventActivity, "email_reply"}, "reply": {leadloop.EventActivity, "reply"},
	"replied": {leadloop.EventActivity, "reply"}, "meeting": {leadloop.EventActivity, "meeting"}, "linkedinmessage": {leadloop.EventActivity, "linkedin_message"},
	"touch": {leadloop.EventActivity, "touch"}, "visit": {leadloop.EventActivity, "page_view"}, "pageview": {leadloop.EventActivity, "page_view"},
}

// Events returns the names of events. "stage:NAME", "status:NAME" and
// "activity:TYPE" are events too.
func Events() []string {
	return []string{
		"captured", "assigned", "queued", "nurtured", "suppressed", "disqualified", "rejected", "tier_changed", "first_touch", "stage_changed", "status_changed",
		"sla_started", "sla_met", "sla_missed", "converted", "won", "lost",
		"call", "call_connected", "email_sent", "email_reply", "reply", "meeting", "linkedin_message", "touch", "page_view",
	}
}

// ParseEvent reads the name of an event. The error wraps leadloop.ErrInvalid
// and says what was probably meant.
func ParseEvent(name string) (Event, error) {
	kind, of, _ := strings.Cut(name, ":")
	if e, ok := known[key(kind)]; ok && of == "" {
		return e, nil
	}
	if of = code(of); of != "" {
		switch key(kind) {
		case "stage":
			return Event{leadloop.EventStageChanged, of}, nil
		case "status":
			return Event{leadloop.EventStatusChanged, of}, nil
		case "activity":
			return Event{leadloop.EventActivity, of}, nil
		}
	}
	if h := suggest.DidYouMean(name, Events()); h != "" {
		return Event{}, fmt.Errorf("%w: no event is called %q, %s", leadloop.ErrInvalid, name, h)
	}
	return Event{}, fmt.Errorf("%w: no event is called %q; there are %s, stage:NAME, status:NAME and activity:TYPE", leadloop.ErrInvalid, name, strings.Join(Events(), ", "))
}

// outcome reads how a deal ended; open is one that did not, ok whether v says
// anything about it.
func outcome(v string) (kind leadloop.EventKind, ok bool) {
	switch key(v) {
	case "won", "closedwon", "win", "dealwon", "true", "yes", "customer", "1":
		return leadloop.EventWon, true
	case "lost", "closedlost", "loss", "deallost", "false", "no", "0":
		return leadloop.EventLost, true
	case "open", "":
		return "", true
	}
	return "", false
}

// stageOutcome reads a stage that is the end of a deal.
func stageOutcome(v string) (kind leadloop.EventKind, ok bool) {
	switch key(v) {
	case "won", "closedwon", "dealwon":
		return leadloop.EventWon, true
	case "lost", "closedlost", "deallost":
		return leadloop.EventLost, true
	}
	return "", false
}

var notCode = regexp.MustCompile(`[^\pL\pM\pN]+`)

// code makes a code of a name: "Closed Won" is closed_won. Letters of any script
// stay, so that stages of two names stay two.
func code(s string) string {
	s = strings.Trim(notCode.ReplaceAllString(strings.ToLower(strings.ToValidUTF8(s, "")), "_"), "_")
	return strings.ToValidUTF8(s[:min(len(s), 64)], "")
}

// money is an amount with its currency before or behind it, and what it is
// counted in, such as k.
var money = regexp.MustCompile(`^(-?)\s*([^0-9.,()%\s-]{0,4})\s*\(?\s*(-?[0-9][0-9.,' \x{a0}\x{202f}]*|-?[.,][0-9]+)\s*\)?\s*([^0-9.,()%\s-]{0,4})$`)

// symbols are those that stand for one currency only.
var symbols = map[string]string{"€": "EUR", "£": "GBP", "₹": "INR", "₩": "KRW", "US$": "USD"}

// counted are the words behind an amount that are no currency.
var counted = map[string]int64{"k": 1e3, "tsd": 1e3, "m": 1e6, "mn": 1e6, "mio": 1e6, "bn": 1e9, "mrd": 1e9}

// amount reads money as people write it: 12500, 12,500.00, 12.500,00, $1 200,
// (300) for what is owed. False for what can't be read, or in two ways, such as
// 12,500 or 1.500: a comma or point with three digits behind it and nothing
// else separates thousands.
//
// The currency is as written, "" if there is none.
func amount(s string) (n leadloop.Micros, currency string, ok bool) {
	m := money.FindStringSubmatch(s)
	if m == nil {
		return 0, "", false
	}
	unit := int64(1)
	currency = m[2]
	switch by, is := counted[strings.ToLower(m[4])]; {
	case is:
		unit = by
	case m[4] != "" && currency != "":
		return 0, "", false
	case m[4] != "":
		currency = m[4]
	}
	n, ok = number(m[3])
	if !ok || n > 1e18/leadloop.Micros(unit) || n < -1e18/leadloop.Micros(unit) {
		return 0, "", false
	}
	if n *= leadloop.Micros(unit); m[1] != "" || strings.Contains(s, "(") {
		n = -n
	}
	currency = strings.ToUpper(currency)
	if code := symbols[currency]; code != "" {
		currency = code
	}
	return n, currency, true
}

// number reads the digits of an amount, in millionths.
func number(digits string) (leadloop.Micros, bool) {
	negative := strings.HasPrefix(digits, "-")
	digits = strings.TrimPrefix(digits, "-")
	digits = strings.Map(func(r rune) rune {
		if strings.ContainsRune("' \u00a0\u202f", r) {
			return -1
		}
		return r
	}, digits)
	whole, fraction := digits, ""
	point, comma := strings.LastIndexByte(digits, '.'), strings.LastIndexByte(digits, ',')
	if at := max(point, comma); at >= 0 {
		mark := digits[at : at+1]
		both := point >= 0 && comma >= 0
		if both || strings.Count(digits, mark) == 1 && len(digits)-at-1 != 3 {
			whole, fraction = digits[:at], digits[at+1:]
		}
		for i, part := range strings.Split(strings.ReplaceAll(whole, ",", "."), ".") {
			if i > 0 && len(part) != 3 {
				return 0, false
			}
		}
		whole = strings.NewReplacer(".", "", ",", "").Replace(whole)
	}
	if len(fraction) > 6 {
		fraction = fraction[:6]
	}
	n, err := strconv.ParseInt("0"+whole+fraction+strings.Repeat("0", 6-len(fraction)), 10, 64)
	if err != nil || n > 1e18 {
		return 0, false
	}
	if negative {
		n = -n
	}
	return leadloop.Micros(n), true
}

// dates reads the times of one column.
type dates struct {
	zone  *time.Location
	first bool // the day comes before the month
	// What the first reading saw: days that can only be days or only months,
	// and those that can be either, with one of them.
	dayFirst, monthFirst, either int
	example                      string
}

var slashed = regexp.MustCompile(`^([0-9]{1,2})([/.-])([0-9]{1,2})[/.-]([0-9]{4}|[0-9]{2})(?:[ T,]+(.*))?$`)

func (d *dates) see(s string) {
	m := slashed.FindStringSubmatch(s)
	if m == nil {
		return
	}
	a, _ := strconv.Atoi(m[1])
	b, _ := strconv.Atoi(m[3])
	switch {
	case a > 12 && b <= 12 || m[2] == ".": // with points the day comes first everywhere
		d.dayFirst++
	case b > 12 && a <= 12:
		d.monthFirst++
	case a != b && a <= 12 && b <= 12:
		d.either++
		if d.example == "" {
			d.example = s
		}
	}
}

var layouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 -0700 MST", "2006-01-02 15:04:05 MST",
	"2006-01-02T15:04:05.999999999Z0700", "2006-01-02 15:04", "2006-01-02T15:04", "2006-1-2", "2006-1-2 15:04:05", "2006-1-2 15:04",
	"2006.1.2", "2006.1.2 15:04:05", "2006.1.2 15:04", "20060102T150405Z0700", "2006-01-02 3:04:05 PM", "2006-01-02 3:04 PM", "2006/01/02", "2006/01/02 15:04:05", "2006/01/02 15:04", "20060102",
	"2 Jan 2006", "2 January 2006", "Jan 2, 2006", "January 2, 2006", "2-Jan-2006", "2-Jan-06", "2 Jan 2006 15:04", "2 January 2006 15:04", "2-Jan-2006 15:04", "2-Jan-2006 15:04:05", "Jan 2, 2006 15:04", "Jan 2, 2006, 15:04", "Jan 2, 2006, 3:04 PM", "January 2, 2006 15:04", "Jan 2, 2006 3:04 PM", "Mon, 02 Jan 2006 15:04:05 -0700",
}

// parse reads a time as exports write them, also seconds and milliseconds since
// 1970.
func (d *dates) parse(s string) (time.Time, bool) {
	var at time.Time
	var ok bool
	if m := slashed.FindStringSubmatch(s); m != nil {
		day, month := m[1], m[3]
		if !d.first && m[2] != "." {
			day, month = month, day
		}
		year := m[4]
		if len(year) == 2 {
			year = "20" + year
		}
		at, ok = tryLayouts(fmt.Sprintf("%s-%02s-%02s %s", year, month, day, strings.ToUpper(m[5])), d.zone,
			"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02 3:04:05 PM", "2006-01-02 3:04 PM", "2006-01-02 ")
	} else if at, ok = tryLayouts(s, d.zone, layouts...); !ok {
		if l := len(s) - 2; l > 0 && (strings.EqualFold(s[l:], "am") || strings.EqualFold(s[l:], "pm")) {
			at, ok = tryLayouts(s[:l]+strings.ToUpper(s[l:]), d.zone, layouts...)
		}
		seconds, fraction, _ := strings.Cut(s, ".") // some write parts of a second
		n, err := strconv.ParseInt(seconds, 10, 64)
		if strings.Trim(fraction, "0123456789") != "" {
			n = 0
		}
		switch {
		case ok || err != nil || n <= 0:
		case n >= 1e8 && n < 1e10:
			at, ok = time.Unix(n, 0), true
		case n >= 1e11 && n < 1e13:
			at, ok = time.UnixMilli(n), true
		}
	}
	if y := at.UTC().Year(); !ok || y < 1 || y > 9999 {
		return time.Time{}, false
	}
	return at.UTC(), true
}

func tryLayouts(s string, zone *time.Location, list ...string) (time.Time, bool) {
	for _, layout := range list {
		if at, err := time.ParseInLocation(layout, s, zone); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// owner finds who is meant: an id, or a name that differs in nothing but
// spaces, case and punctuation.
func (im *Importer) owner(name string) (id leadloop.RepID, isKnown bool) {
	if name == "" || im.o.Owners == nil {
		return leadloop.RepID(name), true
	}
	if id, ok := im.o.Owners[name]; ok {
		return id, true
	}
	k := key(name)
	var found []leadloop.RepID
	for n, id := range im.o.Owners {
		if key(n) == k && !slices.Contains(found, id) {
			found = append(found, id)
		}
	}
	if len(found) == 1 {
		return found[0], true
	}
	return leadloop.RepID(name), false
}
