package routing

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing/calendar"
)

// The ladders, as timers and events call them.
const (
	ladderSLA      = "sla"
	ladderQueue    = "queue"
	ladderUnworked = "unworked"
	ladderDispute  = "dispute"

	ladderWait     = "wait" // for the first member of a pool to be there
	ladderWarn     = "warn"
	ladderFollowUp = "follow_up"
	ladderDrain    = "drain"
)

// clock is a calendar whose zone may be the owner's.
type clock struct {
	calendar.Calendar
	ofOwner bool
}

func (c clock) at(zone *time.Location) calendar.Calendar {
	if c.ofOwner {
		return c.In(zone)
	}
	return c.Calendar
}

func (c *compiler) calendars(sla *SLADefinition) {
	c.clocks = map[string]clock{"": {}}
	for _, name := range slices.Sorted(maps.Keys(sla.Calendars)) {
		d, where := sla.Calendars[name], "calendar "+name
		k := clock{ofOwner: d.Zone == "" || d.Zone == OwnerZone}
		def := calendar.Definition{Zone: c.r.zone, Hours: map[time.Weekday][]calendar.Span{}}
		good := true
		if !k.ofOwner {
			def.Zone, good = c.loadZone(d.At, where, d.Zone)
		}
		for _, days := range slices.Sorted(maps.Keys(d.Hours)) {
			weekdays, err := calendar.ParseDays(days)
			if err != nil {
				c.Add(d.At, "%s: %q: %s", where, days, plain(err))
				good = false
			}
			for _, s := range d.Hours[days] {
				span, err := calendar.ParseSpan(s)
				if err != nil {
					c.Add(d.At, "%s: %s: %q: %s", where, days, s, plain(err))
					good = false
				}
				for _, w := range weekdays {
					def.Hours[w] = append(def.Hours[w], span)
				}
			}
		}
		for _, h := range d.Holidays {
			y, m, day := h.Date()
			def.Holidays = append(def.Holidays, calendar.Date{Year: y, Month: m, Day: day})
		}
		for i, country := range d.HolidaysOf {
			good = c.publicHolidays(d.At, where, country, slices.Contains(d.HolidaysOf[:i], country), &def) && good
		}
		if good {
			cal, err := calendar.New(def)
			if err != nil {
				for line := range strings.Lines(err.Error()) {
					c.Add(d.At, "%s: %s", where, plain(errors.New(strings.TrimSpace(line))))
				}
			}
			k.Calendar = cal
		}
		c.clocks[name] = k
	}
	c.r.clocks = c.clocks
}

// The years whose public holidays a calendar knows.
const firstHolidays, lastHolidays = 2000, 2060

func (c *compiler) publicHolidays(at leadloop.Position, where, country string, twice bool, def *calendar.Definition) bool {
	switch {
	case twice:
		c.Add(at, "%s: holidays_of: %s stands there twice", where, country)
		return false
	case c.o.Holidays == nil:
		c.Add(at, "%s: holidays_of: there are no holiday calendars here", where)
		return false
	}
	for year := firstHolidays; year <= lastHolidays; year++ {
		days, ok := c.o.Holidays(country, year)
		if !ok {
			c.AddHint(at, "a country such as DE or US, or a part of one such as DE-BY, that package holidays knows", "%s: holidays_of: there is no holiday calendar %q", where, country)
			return false
		}
		def.Holidays = append(def.Holidays, days...)
	}
	return true
}

// plain leaves out what a problem says anyway.
func plain(err error) string {
	return strings.TrimPrefix(strings.TrimPrefix(err.Error(), "calendar: "), leadloop.ErrInvalid.Error()+": ")
}

func (c *compiler) clock(at leadloop.Position, where, name string) clock {
	if name != "" {
		c.known(at, where, "calendar", name, slices.DeleteFunc(slices.Sorted(maps.Keys(c.clocks)), func(s string) bool { return s == "" }))
	}
	return c.clocks[name]
}

// longest bounds targets and timers.
const longest = 366 * 24 * time.Hour

func (c *compiler) policies(sla *SLADefinition, queues []string) {
	unique(c, "policy", sla.Policies, func(p *Policy) (string, leadloop.Position) { return p.ID, p.At })
	over := ""
	for _, d := range sla.Policies {
		where := "policy " + d.ID
		p := policy{Policy: d, cond: condition{rule: c.rule(where, d.When)}}
		if d.Tier != "" {
			c.tiers(d.At, where, d.Tier)
			p.cond.matchers = append(p.cond.matchers, c.oneOf("tier", d.Tier))
		}
		if over != "" {
			c.AddHint(d.At, "policy "+over+" takes every lead before it; move that one down", "%s can never be reached", where)
		} else if p.cond.always() {
			over = d.ID
		}
		if d.Target <= 0 || d.Target > longest {
			c.Add(d.At, "%s: target %v is not between 0 and %v", where, d.Target, longest)
		}
		if d.Warn != 0 && (d.Warn < 0 || d.Warn >= d.Target) {
			c.Add(d.At, "%s: warn %v is not between 0 and the target %v", where, d.Warn, d.Target)
		}
		if d.FollowUp < 0 || d.FollowUp > longest {
			c.Add(d.At, "%s: follow_up %v is not between 0 and %v", where, d.FollowUp, longest)
		}
		p.ladder = c.ladder(where, Ladder{d.Calendar, d.Escalate, d.At}, ladderSLA, d.Target, queues)
		c.r.policies = append(c.r.policies, p)
	}
	waiting, unworked := Ladder{Escalate: []Rung{{After: 30 * time.Minute, Notify: "queue", Reassign: true}}}, Ladder{Escalate: []Rung{
		{After: 72 * time.Hour, Notify: "manager"}, {After: 24 * time.Hour, Notify: "queue:" + c.r.final},
	}}
	if sla.Unassigned != nil {
		waiting = *sla.Unassigned
	}
	c.r.waiting = c.ladder("unassigned", waiting, ladderQueue, 0, queues)
	disputed := Ladder{Escalate: []Rung{{After: 24 * time.Hour, Notify: "queue"}}}
	if sla.Disputes != nil {
		disputed = *sla.Disputes
	}
	c.r.disputed = c.ladder("disputes", disputed, ladderQueue, 0, queues)
	if sla.Unworked != nil {
		unworked = *sla.Unworked
	} else if c.r.final == "" || !slices.Contains(queues, c.r.final) {
		return // reported with the chain
	}
	c.r.unworked = c.ladder("unworked", unworked, ladderUnworked, 0, queues)
}

func (c *compiler) ladder(where string, d Ladder, kind string, begins time.Duration, queues []string) ladder {
	l := ladder{clock: c.clock(d.At, where, d.Calendar), rungs: slices.Clone(d.Escalate)}
	if len(l.rungs) == 0 {
		c.Add(d.At, "%s: escalate has no step; when it is missed nobody hears", where)
	}
	reached := begins
	for i := range l.rungs {
		g := &l.rungs[i]
		at := g.At
		if at.Line == 0 {
			at = d.At
		}
		step := where + ": step " + itoa(i+1)
		g.From = cmp.Or(g.From, FromStep)
		if g.After < 0 || g.After > longest {
			c.Add(at, "%s: after %v is not between 0 and %v", step, g.After, longest)
		}
		switch c.known(at, step, "from", g.From, []string{FromStep, FromStart}); {
		case g.From != FromStart:
			reached += g.After
		case g.After < reached:
			c.AddHint(at, "the step before comes after "+reached.String(), "%s: %v from the start is before the step before it", step, g.After)
		default:
			reached = g.After
		}
		c.rung(at, step, g, kind, i == len(l.rungs)-1, queues)
	}
	return l
}

func (c *compiler) rung(at leadloop.Position, step string, g *Rung, kind string, last bool, queues []string) {
	named := false
	whom, id, has := strings.Cut(g.Notify, ":")
	switch {
	case g.Notify == "":
		if !g.Reassign {
			c.Add(at, "%s: it neither notifies nor reassigns", step)
		}
	case whom == "rep" && has:
		named = true
		c.known(at, step, "rep", id, c.r.repNames())
	case whom == "queue" && has:
		named = true
		c.known(at, step, "queue", id, queues)
	case g.Notify == "queue" && kind == ladderQueue:
		named = true
	case g.Notify == "manager" || g.Notify == "team":
		c.tellsManagers = c.tellsManagers || g.Notify == "manager" && kind != ladderQueue
	case g.Notify == "owner" && kind != ladderQueue:
	default:
		hint := "owner, manager, team, queue:<id> or rep:<id>"
		if kind == ladderQueue {
			hint = "queue, manager, team, queue:<id> or rep:<id>"
		}
		c.AddHint(at, "known: "+hint, "%s: can't notify %q", step, g.Notify)
		return
	}
	if last && !named {
		c.AddHint(at, "end with queue:<id> or rep:<id>", "%s: the last step has to tell a named person or queue", step)
	}
}

// unmanaged warns of reps whose missed leads no manager hears of.
func (c *compiler) unmanaged() {
	if !c.tellsManagers {
		return
	}
	warned := map[int]bool{}
	for _, p := range c.r.pools {
		for _, i := range p.members {
			if r := &c.r.reps[i]; r.manager == "" && !warned[i] {
				warned[i] = true
				c.Warn(r.At, "rep %s has no manager: steps that tell the manager are skipped", r.ID)
			}
		}
	}
}
