package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

var activityColumns = []string{"lead", "id", "type", "at", "actor", "page", "campaign", "outcome", "amount"}

// owner stands for whoever owns the lead at that moment: who that is, the run
// decides.
const owner = "owner"

// activity is one behaviour of a lead, or what a rep did about it.
type activity struct {
	lead                            *lead
	kind                            string
	at                              time.Time
	actor                           string
	page, campaign, outcome, amount string
}

// behaviour makes the activities of one lead after the other.
type behaviour struct {
	w *world
	d dice
	l *lead
}

func (w *world) behave() {
	b := behaviour{w: w, d: newDice(5)}
	for _, l := range w.leads {
		b.l = l
		b.before()
		if !l.closed && !l.again {
			b.worked()
		}
		b.after()
	}
	w.acts = slices.DeleteFunc(w.acts, func(a *activity) bool { return a.at.Before(begin) || a.at.After(end) })
	slices.SortStableFunc(w.acts, func(a, b *activity) int { return a.at.Compare(b.at) })
	w.closeDeals(newDice(6))
}

func (b *behaviour) add(kind string, at time.Time) *activity {
	a := &activity{lead: b.l, kind: kind, at: at.Truncate(time.Second)}
	b.w.acts = append(b.w.acts, a)
	return a
}

// ago is a moment before the lead arrived, the nearer the likelier.
func (b *behaviour) ago(span time.Duration) time.Time {
	f := b.d.Float64()
	return b.l.at.Add(-time.Duration(f*f*float64(span)) - time.Duration(b.d.between(20, 900))*time.Second)
}

var (
	pages     = []string{"/", "/product", "/product/forecasting", "/product/pipelines", "/customers", "/blog/data-quality", "/blog/forecast-accuracy", "/docs", "/about", "/security"}
	downloads = []string{"forecasting-guide", "buyers-checklist", "roi-worksheet"}
)

// before is what the lead did until it sent the form.
func (b *behaviour) before() {
	d, l := b.d, b.l
	span := 14 * 24 * time.Hour
	if l.again {
		span = 36 * time.Hour
	}
	for range d.IntN([]int{4, 5, 7}[l.heat]) {
		b.add("page_view", b.ago(span)).page = pick(d, pages)
	}
	views := 0
	switch {
	case l.heat == 2:
		views = d.between(0, 4)
	case l.heat == 1 && d.chance(0.3):
		views = 1
	}
	for range views {
		b.add("pricing_view", b.ago(8*24*time.Hour)).page = "/pricing"
	}
	if l.heat > 0 && d.chance(0.25) {
		b.add("content_download", b.ago(span)).campaign = pick(d, downloads)
	}
	switch l.source {
	case "webinar":
		b.add("webinar_signup", l.at).campaign = "forecasting-live-2026-09"
	case "newsletter":
		for range d.between(1, 3) {
			b.add("email_open", b.ago(30*24*time.Hour)).campaign = "autumn-digest"
		}
	}
	if l.demo {
		b.add("demo_request", l.at).page = "/demo"
	}
}

// after is what the lead does on its own later on, and what happens to it.
func (b *behaviour) after() {
	d, l := b.d, b.l
	someday := func(days int) time.Time {
		return l.at.Add(time.Hour + time.Duration(d.Float64()*float64(days)*24*float64(time.Hour)))
	}
	if d.chance(0.26) {
		for range d.between(1, 3) {
			b.add("page_view", someday(20)).page = pick(d, pages)
		}
	}
	if l.heat > 0 && d.chance(0.16) {
		b.add("pricing_view", someday(25)).page = "/pricing"
	}
	if d.chance(0.2) {
		b.add("email_open", someday(30)).campaign = "autumn-digest"
	}
	if l.heat == 0 && d.chance(0.03) {
		b.add("demo_request", someday(40)).page = "/demo" // a slow one wakes up
	}
	if d.chance(0.02) {
		b.add("job_change", someday(40))
	}
	if d.chance(0.012) {
		b.add("funding", someday(40)).amount = strconv.Itoa(d.between(2, 90) * 500_000)
	}
}

// worked is what the owner does, if anything. Good leads are answered sooner
// and oftener; some of all kinds are forgotten.
func (b *behaviour) worked() {
	d, l := b.d, b.l
	// What a rep sees of a lead's heat is first of all a request for a demo.
	chance, median := []float64{0.48, 0.8, 0.88}[l.heat], []float64{420, 80, 30}[l.heat] // minutes of office time
	if l.demo {
		chance, median = 0.94, 7
	}
	if !d.chance(chance) {
		return
	}
	at := b.office(l.at, time.Duration(median*math.Exp(d.NormFloat64()*0.9)*float64(time.Minute)))
	for touch := range d.between(1, 2+l.heat/2) {
		if touch > 0 {
			at = b.office(at, time.Duration(d.between(300, 1500))*time.Minute)
		}
		if l.phone != "" && d.chance(0.55) {
			call := b.add("call", at)
			call.actor, call.outcome = owner, choose(d, []weighted[string]{{"voicemail", 5}, {"no_answer", 3}, {"connected", 4}})
		} else {
			b.add("email_sent", at).actor = owner
		}
		if d.chance([]float64{0.1, 0.24, 0.42}[l.heat]) {
			b.answered(at)
			return
		}
	}
}

// answered is what follows a reply: often a meeting, and then a deal.
func (b *behaviour) answered(touch time.Time) {
	d, l := b.d, b.l
	reply := touch.Add(time.Duration(d.between(12, 1600)) * time.Minute)
	b.add("reply", reply)
	if !d.chance([]float64{0.3, 0.5, 0.72}[l.heat]) {
		return
	}
	b.add("email_sent", b.office(reply, time.Duration(d.between(5, 180))*time.Minute)).actor = owner
	meeting := b.office(reply, time.Duration(d.between(500, 2400))*time.Minute)
	m := b.add("meeting", meeting)
	m.actor, m.outcome = owner, choose(d, []weighted[string]{{"held", 9}, {"no_show", 1}})
	if m.outcome == "held" && d.chance([]float64{0.2, 0.45, 0.6}[l.heat]) {
		created := b.office(meeting, time.Duration(d.between(30, 1400))*time.Minute)
		b.w.deals = append(b.w.deals, &deal{lead: l, status: "open", created: created, source: canonicalSource(l.source),
			amount: dealSize(d, l.p.company)})
	}
}

// office adds working time: on weekdays, from when the first office of the
// lead's region opens until its last one closes.
func (b *behaviour) office(t time.Time, work time.Duration) time.Time {
	clock, length := -4*time.Hour, 10*time.Hour
	if b.l.p.place.inEMEA() {
		clock, length = 2*time.Hour, 9*time.Hour
	}
	t = t.Add(clock) // as the wall shows it
	for {
		opens := time.Date(t.Year(), t.Month(), t.Day(), 9, 0, 0, 0, time.UTC)
		closes := opens.Add(length)
		weekend := t.Weekday() == time.Saturday || t.Weekday() == time.Sunday
		switch {
		case weekend || !t.Before(closes):
			t = opens.AddDate(0, 0, 1)
			continue
		case t.Before(opens):
			t = opens
		}
		if left := closes.Sub(t); work > left {
			work -= left
			t = closes
			continue
		}
		return t.Add(work).Add(-clock)
	}
}

func (w *world) activityRows() [][]string {
	out := make([][]string, len(w.acts))
	for i, a := range w.acts {
		out[i] = []string{a.lead.id, fmt.Sprintf("a%05d", i+1), a.kind, stamp(a.at), a.actor, a.page, a.campaign, a.outcome, a.amount}
	}
	return out
}

// canonicalSource is the lead's source as the CRM shows it.
func canonicalSource(s string) string {
	return cmp.Or(map[string]string{"Google": "google", "adwords": "google-ads", "LinkedIn": "linkedin", "lnkd.in": "linkedin", "(direct)": "direct"}[s], s)
}
