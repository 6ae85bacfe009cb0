package attribution_test

import (
	"context"
	"fmt"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/tracking/attribution"
)

// From the journal of a lead to what its channels were worth.
func ExampleJourneys() {
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	events := []leadloop.Event{
		{Kind: leadloop.EventCaptured, Lead: "ld_1", At: at, Attrs: map[string]string{"source": "search"}},
		{Kind: leadloop.EventActivity, Lead: "ld_1", At: at.AddDate(0, 0, 3), Attrs: map[string]string{"source": "webinar"}},
		{Kind: leadloop.EventWon, Lead: "ld_1", At: at.AddDate(0, 1, 0), To: "op_1", Attrs: map[string]string{"amount": "12000000000"}},
	}
	l, err := attribution.NewLedger(attribution.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, j := range attribution.Journeys(events, []string{"source"}, leadloop.EventWon, at.AddDate(1, 0, 0)) {
		if err := l.Add(j); err != nil {
			fmt.Println(err)
			return
		}
	}
	r, err := l.Result(context.Background(), attribution.Linear)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range r.Credits {
		fmt.Println(c.Channel, c.Value)
	}
	// Output:
	// search 6000000000
	// webinar 6000000000
}
