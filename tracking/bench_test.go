package tracking_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/tracking"
)

// history calls add with the events of so many leads, about twelve each, in
// order of time within a lead and with leads interleaved as they would be.
func history(leads int, add func(e leadloop.Event)) (events int) {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(prefix string, n int) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = fmt.Sprint(prefix, i)
		}
		return out
	}
	sources, tiers, reps := pick("source-", 12), []string{"A", "B", "C", "D"}, pick("rep-", 60)
	var came, got []map[string]string
	for _, s := range sources {
		came = append(came, map[string]string{"source": s, "via": "form", "medium": "web"})
	}
	for _, t := range tiers {
		got = append(got, map[string]string{"tier": t, "entry": "all", "pool": "all"})
	}
	var seq int64
	tell := func(kind leadloop.EventKind, lead leadloop.LeadID, at time.Time, e leadloop.Event) {
		seq++
		e.Seq, e.Kind, e.Lead, e.At = seq, kind, lead, at
		add(e)
	}
	const block = 1000 // leads that are under way together
	for from := 0; from < leads; from += block {
		ids := make([]leadloop.LeadID, min(block, leads-from))
		arrival := make([]time.Time, len(ids))
		for i := range ids {
			ids[i] = leadloop.LeadID(fmt.Sprintf("ld_%016x", from+i))
			arrival[i] = day.Add(time.Duration(from/block)*6*time.Hour + time.Duration(r.IntN(6*3600))*time.Second)
		}
		each := func(do func(id leadloop.LeadID, at time.Time, i int)) {
			for i, id := range ids {
				do(id, arrival[i].Add(time.Duration(r.IntN(3600))*time.Second), i)
			}
		}
		each(func(id leadloop.LeadID, _ time.Time, i int) {
			tell(leadloop.EventCaptured, id, arrival[i], leadloop.Event{Attrs: came[r.IntN(len(came))]})
			tell(leadloop.EventScored, id, arrival[i], leadloop.Event{})
			tell(leadloop.EventTierChanged, id, arrival[i], leadloop.Event{To: tiers[i%4]})
			tell(leadloop.EventStageChanged, id, arrival[i], leadloop.Event{To: "inquiry"})
		})
		each(func(id leadloop.LeadID, at time.Time, i int) {
			tell(leadloop.EventAssigned, id, at, leadloop.Event{To: reps[r.IntN(len(reps))], Attrs: got[i%4]})
			tell(leadloop.EventSLAStarted, id, at, leadloop.Event{})
			tell(leadloop.EventStatusChanged, id, at, leadloop.Event{To: "new"})
			tell(leadloop.EventStageChanged, id, at, leadloop.Event{From: "inquiry", To: "mql"})
		})
		each(func(id leadloop.LeadID, at time.Time, i int) {
			at = at.Add(2 * time.Hour)
			tell(leadloop.EventActivity, id, at, leadloop.Event{To: "call"})
			tell(leadloop.EventFirstTouch, id, at, leadloop.Event{Actor: "rep"})
			if r.IntN(2) == 0 {
				tell(leadloop.EventSLAMet, id, at, leadloop.Event{})
				tell(leadloop.EventActivity, id, at.Add(time.Hour), leadloop.Event{To: "reply"})
				tell(leadloop.EventStageChanged, id, at.Add(time.Hour), leadloop.Event{From: "mql", To: "sal"})
			}
			if r.IntN(10) == 0 {
				tell(leadloop.EventStageChanged, id, at.Add(5*time.Hour), leadloop.Event{From: "sal", To: "sql"})
				tell(leadloop.EventConverted, id, at.Add(6*time.Hour), leadloop.Event{To: "o" + string(id)})
				if r.IntN(3) == 0 {
					tell(leadloop.EventWon, id, at.Add(96*time.Hour), leadloop.Event{To: "o" + string(id), Attrs: map[string]string{"amount": "1000000"}})
				}
			}
		})
	}
	return int(seq)
}

type fataler interface{ Fatal(args ...any) }

func benchOptions() tracking.Options {
	return tracking.Options{GroupBy: [][]string{{"owner"}, {"medium"}, {"week"}, {"week", "source"}, {"week", "tier"}, {"source", "tier"}}}
}

func tracker(tb fataler, asOf time.Time, o tracking.Options) *tracking.Tracker {
	t, err := tracking.New(asOf, o)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// BenchmarkFoldFiveMillionEvents folds five million events of 440,000 leads
// into nine ways to look at them, in one goroutine.
func BenchmarkFoldFiveMillionEvents(b *testing.B) {
	leads := 440_000
	if testing.Short() {
		leads = 4_400
	}
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		t := tracker(b, day.AddDate(2, 0, 0), benchOptions())
		n := history(leads, t.Add)
		t.Report()
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(n), "events")
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(leads), "bytes/lead")
		runtime.KeepAlive(t)
	}
}

// BenchmarkHistoryAlone is what of BenchmarkFoldFiveMillionEvents is making the
// events up.
func BenchmarkHistoryAlone(b *testing.B) {
	leads := 440_000
	if testing.Short() {
		leads = 4_400
	}
	for b.Loop() {
		history(leads, func(leadloop.Event) {})
	}
}

// BenchmarkLiveFigure adds an event, moves time on, and reads the figures of a
// group, of all leads, and the five.
func BenchmarkLiveFigure(b *testing.B) {
	leads := 440_000
	if testing.Short() {
		leads = 4_400
	}
	asOf := day.AddDate(2, 0, 0)
	t := tracker(b, asOf, benchOptions())
	seq := int64(history(leads, t.Add))
	t.Report()
	for _, bc := range []struct {
		name string
		read func() error
	}{
		{"one group", func() error { _, err := t.Figures([]string{"source"}, "source-3"); return err }},
		{"all leads", func() error { _, err := t.Figures(nil); return err }},
		{"the five", func() error { t.Report(); return nil }},
	} {
		b.Run(bc.name, func(b *testing.B) {
			for b.Loop() {
				seq++
				asOf = asOf.Add(time.Millisecond)
				t.Add(leadloop.Event{Seq: seq, Kind: leadloop.EventStageChanged, To: "mql", Lead: leadloop.LeadID(fmt.Sprintf("ld_%016x", seq%int64(leads))), At: asOf})
				t.Advance(asOf)
				if err := bc.read(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
