package tracking_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/tracking"
)

var (
	ctx = context.Background()
	day = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
)

// clock is a time of the day the tests play on.
func clock(hour, minute int) time.Time {
	return day.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
}

func decide(t testing.TB, s leadloop.Subject, o tracking.Options) leadloop.Effects {
	t.Helper()
	out, e, err := tracking.NewStage(o).Decide(ctx, s)
	if err != nil || out != (leadloop.Outcome{}) {
		t.Fatalf("a record stage has no outcome: %+v, %v", out, err)
	}
	return e
}

func did(id, kind string, rep leadloop.RepID, at time.Time) leadloop.Activity {
	return leadloop.Activity{ID: id, Type: kind, Actor: rep, At: at}
}

func TestTheFirstTouchStopsTheClock(t *testing.T) {
	owned := leadloop.State{
		Owner: "ana", OwnerSince: clock(9, 0),
		SLA: leadloop.SLA{Policy: "a", Target: 15 * time.Minute, StartedAt: clock(9, 0), DueAt: clock(9, 15)},
	}
	with := func(change func(*leadloop.State)) *leadloop.State {
		s := owned
		change(&s)
		return &s
	}
	firstTouch := func(kind string, at time.Time) leadloop.Event {
		return leadloop.Event{Kind: leadloop.EventFirstTouch, Lead: "ld_1", At: at, Actor: "ana", To: kind}
	}
	sla := func(kind leadloop.EventKind, at time.Time) leadloop.Event {
		return leadloop.Event{Kind: kind, Lead: "ld_1", At: at, Attrs: map[string]string{"policy": "a"}}
	}
	for name, tc := range map[string]struct {
		before *leadloop.State
		did    []leadloop.Activity
		o      tracking.Options
		want   leadloop.Effects
	}{
		"nothing happened": {},
		"a touch in time meets the target": {
			did: []leadloop.Activity{did("2", "call", "ana", clock(9, 12)), did("1", "email_sent", "ana", clock(9, 10))},
			want: leadloop.Effects{
				State: with(func(s *leadloop.State) {
					s.FirstTouchAt, s.LastTouchAt, s.SLA.MetAt = clock(9, 10), clock(9, 12), clock(9, 10)
				}),
				Events: []leadloop.Event{firstTouch("email_sent", clock(9, 10)), sla(leadloop.EventSLAMet, clock(9, 10))},
			},
		},
		"a touch at the last moment is in time": {
			did: []leadloop.Activity{did("1", "call", "ana", clock(9, 15))},
			want: leadloop.Effects{
				State: with(func(s *leadloop.State) {
					s.FirstTouchAt, s.LastTouchAt, s.SLA.MetAt = clock(9, 15), clock(9, 15), clock(9, 15)
				}),
				Events: []leadloop.Event{firstTouch("call", clock(9, 15)), sla(leadloop.EventSLAMet, clock(9, 15))},
			},
		},
		"a late touch missed it when it was due": {
			did: []leadloop.Activity{did("1", "call", "ana", clock(10, 0))},
			want: leadloop.Effects{
				State: with(func(s *leadloop.State) {
					s.FirstTouchAt, s.LastTouchAt, s.SLA.MissedAt = clock(10, 0), clock(10, 0), clock(9, 15)
				}),
				Events: []leadloop.Event{firstTouch("call", clock(10, 0)), sla(leadloop.EventSLAMissed, clock(9, 15))},
			},
		},
		"a miss that the timer noticed is not told twice": {
			before: with(func(s *leadloop.State) { s.SLA.MissedAt = clock(9, 15) }),
			did:    []leadloop.Activity{did("1", "call", "ana", clock(10, 0))},
			want: leadloop.Effects{
				State: with(func(s *leadloop.State) {
					s.FirstTouchAt, s.LastTouchAt, s.SLA.MissedAt = clock(10, 0), clock(10, 0), clock(9, 15)
				}),
				Events: []leadloop.Event{firstTouch("call", clock(10, 0))},
			},
		},
		"a touch recorded late corrects the history": {
			before: with(func(s *leadloop.State) {
				s.FirstTouchAt, s.LastTouchAt, s.SLA.MissedAt = clock(10, 0), clock(10, 0), clock(9, 15)
			}),
			did: []leadloop.Activity{did("1", "call", "ana", clock(10, 0)), did("0", "call", "ana", clock(9, 5))},
			want: leadloop.Effects{
				State: with(func(s *leadloop.State) {
					s.FirstTouchAt, s.LastTouchAt, s.SLA.MissedAt, s.SLA.MetAt = clock(9, 5), clock(10, 0), clock(9, 15), clock(9, 5)
				}),
				Events: []leadloop.Event{firstTouch("call", clock(9, 5)), sla(leadloop.EventSLAMet, clock(9, 5))},
			},
		},
		"somebody else's touch is a touch, not the first by the owner": {
			did:  []leadloop.Activity{did("1", "call", "ben", clock(9, 5))},
			want: leadloop.Effects{State: with(func(s *leadloop.State) { s.LastTouchAt = clock(9, 5) })},
		},
		"what the lead does is no touch":               {did: []leadloop.Activity{did("1", "meeting", "", clock(9, 5))}},
		"an activity that means nothing is no touch":   {did: []leadloop.Activity{did("1", "note", "ana", clock(9, 5))}},
		"an activity of tomorrow waits until tomorrow": {did: []leadloop.Activity{did("1", "call", "ana", clock(30, 0))}},
		"a touch before it was theirs does not count": {
			did:  []leadloop.Activity{did("1", "call", "ana", clock(8, 59))},
			want: leadloop.Effects{State: with(func(s *leadloop.State) { s.LastTouchAt = clock(8, 59) })},
		},
		"the first touch of a previous owner is not the new one's": {
			before: with(func(s *leadloop.State) { s.FirstTouchAt, s.LastTouchAt = clock(8, 0), clock(8, 0) }),
			want:   leadloop.Effects{State: with(func(s *leadloop.State) { s.LastTouchAt = clock(8, 0) })},
		},
		"what counts can be said": {
			o:   tracking.Options{Touches: []string{"sms"}},
			did: []leadloop.Activity{did("1", "call", "ana", clock(9, 1)), did("2", "sms", "ana", clock(9, 2))},
			want: leadloop.Effects{
				State: with(func(s *leadloop.State) {
					s.FirstTouchAt, s.LastTouchAt, s.SLA.MetAt = clock(9, 2), clock(9, 2), clock(9, 2)
				}),
				Events: []leadloop.Event{firstTouch("sms", clock(9, 2)), sla(leadloop.EventSLAMet, clock(9, 2))},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			state := owned
			if tc.before != nil {
				state = *tc.before
			}
			s := leadloop.Subject{Lead: &leadloop.Lead{ID: "ld_1", State: state, Activities: tc.did}, AsOf: clock(12, 0)}
			got := decide(t, s, tc.o)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if got.State != nil {
				s.Lead.State = *got.State
			}
			if diff := cmp.Diff(leadloop.Effects{}, decide(t, s, tc.o)); diff != "" {
				t.Errorf("a second run writes: %s", diff)
			}
		})
	}
}
