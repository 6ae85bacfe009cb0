package faults

import (
	"strings"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

// TestATimerThatCrossesAChangeOfTheClocksIsDueByTheClockOnTheWall: a lead of
// Saturday evening is due on Monday at 10 in New York, whatever happened to the
// clocks on Sunday.
func TestATimerThatCrossesAChangeOfTheClocksIsDueByTheClockOnTheWall(t *testing.T) {
	const calendar = `zone: America/New_York
calendars: {office: {zone: America/New_York, hours: {mon-fri: ["09:00-17:00"]}}}
policies:
  - {id: a, tier: A, target: 1h, calendar: office, escalate: [{after: 0m, notify: "queue:triage"}]}
`
	for name, tc := range map[string]struct{ at, due string }{
		"no change":        {"2026-10-24T22:00:00Z", "2026-10-26T14:00:00Z"},
		"an hour longer":   {"2026-10-31T22:00:00Z", "2026-11-02T15:00:00Z"},
		"an hour shorter":  {"2027-03-13T23:00:00Z", "2027-03-15T14:00:00Z"},
		"and no change on": {"2027-03-20T22:00:00Z", "2027-03-22T14:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			at, err1 := time.Parse(time.RFC3339, tc.at)
			due, err2 := time.Parse(time.RFC3339, tc.due)
			if err1 != nil || err2 != nil {
				t.Fatal(err1, err2)
			}
			st := memstore.New()
			loop, err := newLoop(t.Context(), st, playbook.Options{}, map[string]string{"sla.yaml": calendar})
			if err != nil {
				t.Fatal(err)
			}
			s := submissionOf("form-1", "person-1", at)
			for i, c := range s.Claims {
				e := c.Evidence
				switch c.Field {
				case leadloop.Seniority.Name():
					s.Claims[i] = leadloop.Seniority.Claim("vp", e)
				case leadloop.Employees.Name():
					s.Claims[i] = leadloop.Employees.Claim(900, e)
				}
			}
			res, err := loop.Process(t.Context(), s, at)
			if err != nil {
				t.Fatal(err)
			}
			if got := res.Lead.State.SLA.DueAt; !got.Equal(due) {
				t.Errorf("due %s, want %s", got, due)
			}
			escalated := func() (n int) {
				if err := st.View(t.Context(), func(tx store.Tx) error {
					for e, err := range tx.Journal().ByLead(t.Context(), res.Lead.ID) {
						if err != nil {
							return err
						}
						if e.Kind == leadloop.EventEscalated && strings.Contains(e.To, "triage") {
							n++
						}
					}
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				return n
			}
			for _, step := range []struct {
				until time.Time
				want  int
			}{{due.Add(-time.Second), 0}, {due, 1}, {due.Add(2 * time.Hour), 1}} {
				if _, err := loop.Advance(t.Context(), step.until); err != nil {
					t.Fatal(err)
				}
				if n := escalated(); n != step.want {
					t.Errorf("at %s: escalated %d times, want %d", step.until, n, step.want)
				}
			}
		})
	}
}
