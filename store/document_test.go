package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

func ExampleFormatTime() {
	text, err := store.FormatTime(time.Date(2026, 11, 2, 10, 30, 0, 5, time.FixedZone("CET", 3600)))
	fmt.Println(text, err)
	_, err = store.FormatTime(time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC))
	fmt.Println(err)
	// Output:
	// 2026-11-02T09:30:00.000000005Z <nil>
	// invalid: a time is not in the years 1 to 9999
}

func TestTimesAsTextSortAsTheTimesDo(t *testing.T) {
	times := []time.Time{
		{},
		time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC),
		time.Date(1969, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
		time.Date(2026, 3, 29, 3, 0, 0, 0, time.FixedZone("CEST", 7200)),
		time.Date(2026, 3, 29, 1, 0, 0, 1, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
	}
	last := store.FormatBound(time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC))
	for _, at := range append(times, time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)) {
		text := store.FormatBound(at)
		if text <= last {
			t.Errorf("%s is not after %s", text, last)
		}
		last = text
	}
	for _, at := range times {
		text, err := store.FormatTime(at)
		if err != nil || text != store.FormatBound(at) {
			t.Errorf("FormatTime(%s) = %q, %v", at, text, err)
		}
		if back, err := store.ParseTime(text); err != nil || !back.Equal(at) {
			t.Errorf("ParseTime(%q) = %s, %v", text, back, err)
		}
	}
	if _, err := store.FormatTime(time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("a time before the year 1: %v", err)
	}
}

func TestStepsKeepTheirTracesByteForByte(t *testing.T) {
	var steps []leadloop.Step
	for _, trace := range []string{``, `{"a":"x < y & z"}`, `{ "a" : 1 }`, `null`, `"\u003c"`, `not JSON`} {
		steps = append(steps, leadloop.Step{Stage: "score", Outcome: leadloop.OutcomeAssigned, Reason: "r", Trace: []byte(trace)})
	}
	b, err := store.EncodeSteps(steps)
	if err != nil {
		t.Fatal(err)
	}
	back, err := store.DecodeSteps(b)
	if err != nil {
		t.Fatal(err)
	}
	asText := cmp.Transformer("text", func(s leadloop.Step) [4]string {
		return [4]string{s.Stage, string(s.Outcome), s.Reason, string(s.Trace)}
	})
	if diff := cmp.Diff(steps, back, asText); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if none, err := store.EncodeSteps(nil); len(none) != 0 || err != nil {
		t.Errorf("no steps: %q, %v", none, err)
	}
}
