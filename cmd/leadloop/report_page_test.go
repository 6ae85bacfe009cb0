package main

import (
	"strings"
	"testing"
	"time"

	"github.com/leadloop/leadloop/tracking"
)

func TestThePageOfAReviewNamesTheSameChangesAndAsManyComparisonsAsTheMessage(t *testing.T) {
	some := tracking.Change{Figure: "sal_rate", Group: tracking.All, Before: tracking.Rate{Hits: 2, Of: 90}, After: tracking.Rate{Hits: 80, Of: 90}}
	waits := func(beyond bool) tracking.SpeedChange {
		return tracking.SpeedChange{Group: tracking.All, Before: tracking.Speed{Count: 9, Median: time.Minute}, After: tracking.Speed{Count: 9, Median: 90 * time.Minute}, Beyond: beyond}
	}
	changed := some
	changed.Beyond = true
	for name, tc := range map[string]struct {
		share tracking.Change
		speed tracking.SpeedChange
		want  []string
	}{
		"nothing changed":      {some, waits(false), []string{"Nothing: 2 figures were compared"}},
		"a share changed":      {changed, waits(false), []string{"<li>SAL rate: 2.2 %", "2 were compared"}},
		"waits changed":        {some, waits(true), []string{"<li>Speed to lead all: median 60 s → 90 min", "2 were compared"}},
		"both of them changed": {changed, waits(true), []string{"<li>SAL rate: 2.2 %", "<li>Speed to lead all: median", "2 were compared"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := &tracking.Review{SALRate: []tracking.Change{tc.share}, SpeedToLead: []tracking.SpeedChange{tc.speed}}
			page, err := reviewPage(r)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range tc.want {
				if n := strings.Count(string(page), want); n != 1 {
					t.Errorf("%q stands there %d times:\n%s", want, n, page)
				}
			}
			var message strings.Builder
			if err := r.Text(&message); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(message.String(), "figures compared: 2)") {
				t.Errorf("the message counts otherwise:\n%s", message.String())
			}
		})
	}
}

// Rules of the same weight win by their order.
func TestWhatPaperNeedsComesLastInTheStyle(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(pageStyle), "\n")
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, "@media print") {
		t.Errorf("the style ends with %s", last)
	}
}
