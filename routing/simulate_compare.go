package routing

import (
	"cmp"
	"slices"
	"strings"

	"github.com/leadloop/leadloop"
)

// Difference is what another playbook would change.
type Difference struct {
	// Leads reached routing in either simulation; Moved are in another place.
	Leads int `json:"leads"`
	Moved int `json:"moved"`
	// Places are those with any leads, "rep:<id>", "queue:<id>" and so on, in
	// order; Flows are the moves between them, the largest first.
	Places []PlaceChange `json:"places"`
	Flows  []Flow        `json:"flows"`
	// Queues are how many leads came into each, in order.
	Queues []QueueChange `json:"queues"`
	// Moves are the leads that moved, in id order.
	Moves []LeadMove `json:"moves"`
}

// PlaceChange counts leads at the end.
type PlaceChange struct {
	Place  string `json:"place"`
	Before int    `json:"before"`
	After  int    `json:"after"`
}

// QueueChange counts leads that came into a queue at any time.
type QueueChange struct {
	Queue  string `json:"queue"`
	Before int    `json:"before"`
	After  int    `json:"after"`
}

// Flow counts leads that moved from one place to another. A lead that did not
// reach routing was or is in "held_back".
type Flow struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Leads int    `json:"leads"`
}

// LeadMove is a lead that moved, with the entries that placed it.
type LeadMove struct {
	Lead      leadloop.LeadID `json:"lead"`
	From      string          `json:"from"`
	To        string          `json:"to"`
	FromEntry string          `json:"from_entry,omitempty"`
	ToEntry   string          `json:"to_entry,omitempty"`
	FromTier  string          `json:"from_tier,omitempty"`
	ToTier    string          `json:"to_tier,omitempty"`
}

// heldBack is where a lead is that did not reach routing: it was suppressed or
// disqualified.
const heldBack = "held_back"

// CompareSimulations says who gets what by the one playbook and by the other.
func CompareSimulations(before, after *Simulation) *Difference {
	type both struct{ a, b *Placement }
	leads := map[leadloop.LeadID]both{}
	for i := range before.Placements {
		p := &before.Placements[i]
		leads[p.Lead] = both{a: p}
	}
	for i := range after.Placements {
		p := &after.Placements[i]
		leads[p.Lead] = both{leads[p.Lead].a, p}
	}
	d := &Difference{Leads: len(leads), Places: []PlaceChange{}, Flows: []Flow{}, Queues: []QueueChange{}, Moves: []LeadMove{}}
	places, flows := map[string]*PlaceChange{}, map[[2]string]int{}
	at := func(p *Placement) (string, *PlaceChange) {
		place := heldBack
		if p != nil {
			place = p.Place()
		}
		if places[place] == nil {
			places[place] = &PlaceChange{Place: place}
		}
		return place, places[place]
	}
	for id, x := range leads {
		from, f := at(x.a)
		to, t := at(x.b)
		f.Before++
		t.After++
		if from == to {
			continue
		}
		flows[[2]string{from, to}]++
		m := LeadMove{Lead: id, From: from, To: to}
		if x.a != nil {
			m.FromEntry, m.FromTier = x.a.Entry, x.a.Tier
		}
		if x.b != nil {
			m.ToEntry, m.ToTier = x.b.Entry, x.b.Tier
		}
		d.Moves = append(d.Moves, m)
	}
	d.Moved = len(d.Moves)
	slices.SortFunc(d.Moves, func(a, b LeadMove) int { return strings.Compare(string(a.Lead), string(b.Lead)) })
	for _, p := range places {
		d.Places = append(d.Places, *p)
	}
	slices.SortFunc(d.Places, func(a, b PlaceChange) int { return strings.Compare(a.Place, b.Place) })
	for f, n := range flows {
		d.Flows = append(d.Flows, Flow{f[0], f[1], n})
	}
	slices.SortFunc(d.Flows, func(a, b Flow) int {
		return cmp.Or(cmp.Compare(b.Leads, a.Leads), strings.Compare(a.From, b.From), strings.Compare(a.To, b.To))
	})
	queues := map[string]*QueueChange{}
	queue := func(id string) *QueueChange {
		if queues[id] == nil {
			queues[id] = &QueueChange{Queue: id}
		}
		return queues[id]
	}
	for _, q := range before.Queues {
		queue(q.Queue).Before = q.Queued
	}
	for _, q := range after.Queues {
		queue(q.Queue).After = q.Queued
	}
	for _, q := range queues {
		d.Queues = append(d.Queues, *q)
	}
	slices.SortFunc(d.Queues, func(a, b QueueChange) int { return strings.Compare(a.Queue, b.Queue) })
	return d
}
