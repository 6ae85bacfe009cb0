package tracking_test

import (
	"context"
	"fmt"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
	"github.com/leadloop/leadloop/tracking"
)

func ExampleCollect() {
	ctx, monday := context.Background(), time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	st := memstore.New()
	err := st.Update(ctx, func(tx store.Tx) error {
		for i := range 8 {
			lead, touch := leadloop.LeadID(fmt.Sprint("ld_", i)), monday.Add(time.Duration(i+1)*time.Minute)
			err := tx.Journal().Append(ctx,
				leadloop.Event{Kind: leadloop.EventCaptured, Lead: lead, At: monday, Attrs: map[string]string{"source": "web"}},
				leadloop.Event{Kind: leadloop.EventAssigned, Lead: lead, At: monday, To: "ana", Attrs: map[string]string{"tier": "A"}},
				leadloop.Event{Kind: leadloop.EventFirstTouch, Lead: lead, At: touch, Actor: "ana"},
			)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := tracking.Collect(ctx, st, monday.AddDate(0, 0, 7), tracking.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range r.SpeedToLead {
		fmt.Println(s.Group, s.Count, s.Median, s.P90)
	}
	share, enough := r.SALRate.All.Share()
	fmt.Println(share, enough)
	// Output:
	// all 8 4m0s 8m0s
	// A 8 4m0s 8m0s
	// 1 true
}

func ExampleTracker() {
	monday := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	t, err := tracking.New(monday.AddDate(0, 0, 7), tracking.Options{GroupBy: [][]string{{tracking.DimWeek, "product"}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range 9 {
		lead, product := leadloop.LeadID(fmt.Sprint("ld_", i)), []string{"box", "bag"}[i%2]
		at := monday.Add(time.Duration(i) * time.Minute)
		t.Add(leadloop.Event{Seq: int64(10 * i), Kind: leadloop.EventCaptured, Lead: lead, At: at, Attrs: map[string]string{"product": product}})
		if i%3 > 0 {
			t.Add(leadloop.Event{Seq: int64(10*i + 1), Kind: leadloop.EventWon, Lead: lead, At: at.AddDate(0, 0, 3), To: fmt.Sprint("deal_", i), Attrs: map[string]string{"amount": "250000000"}})
		} else {
			t.Add(leadloop.Event{Seq: int64(10*i + 1), Kind: leadloop.EventLost, Lead: lead, At: at.AddDate(0, 0, 5), To: fmt.Sprint("deal_", i)})
		}
	}
	groups, err := t.Table(tracking.DimWeek, "product")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, g := range groups {
		share, enough := g.WinRate.Share()
		low, high := g.WinRate.Interval()
		fmt.Printf("%v: %d leads, won %.2f (%v, %.2f to %.2f), %d\n", g.Values, g.Leads, share, enough, low, high, g.Deals.WonAmount/1_000_000)
	}
	// Output:
	// [2026-W45 box]: 5 leads, won 0.60 (true, 0.23 to 0.88), 750
	// [2026-W45 bag]: 4 leads, won 0.00 (false, 0.30 to 0.95), 750
}

func ExampleNewStage() {
	nine := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	lead := &leadloop.Lead{
		ID: "ld_1",
		State: leadloop.State{
			Owner: "ana", OwnerSince: nine,
			SLA: leadloop.SLA{Policy: "tier-a", Target: 15 * time.Minute, StartedAt: nine, DueAt: nine.Add(15 * time.Minute)},
		},
		Activities: []leadloop.Activity{{ID: "1", Type: "call", Actor: "ana", At: nine.Add(6 * time.Minute)}},
	}
	track := tracking.NewStage(tracking.Options{})
	_, effects, err := track.Decide(context.Background(), leadloop.Subject{Lead: lead, AsOf: nine.Add(time.Hour)})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range effects.Events {
		fmt.Println(e.Kind, e.At.Format("15:04"), e.Actor)
	}
	// Output:
	// first_touch 09:06 ana
	// sla_met 09:06
}
