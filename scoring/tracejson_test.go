package scoring

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
)

// anyTrace draws traces with anything in every field that there is, so that one
// that is added later is drawn too.
var anyTrace = rapid.MakeCustom[Trace](rapid.MakeConfig{Types: map[reflect.Type]*rapid.Generator[any]{
	reflect.TypeFor[time.Time](): rapid.Custom(func(t *rapid.T) any {
		return rapid.SampledFrom([]time.Time{{}, asOf, asOf.Add(time.Nanosecond), time.Unix(0, 0).In(time.FixedZone("", 3600))}).Draw(t, "time")
	}),
	reflect.TypeFor[leadloop.Value](): rapid.Custom(func(t *rapid.T) any {
		return rapid.SampledFrom([]leadloop.Value{
			{}, leadloop.NoValue(leadloop.KindInt), leadloop.EmptyValue(leadloop.KindString), leadloop.ValueOf("Zoë <\"&\">"), leadloop.ValueOf(int64(-5)),
			leadloop.ValueOf(1.5e300), leadloop.ValueOf(true), leadloop.ValueOf(asOf), leadloop.ValueOf([]string{"a", "b"}),
		}).Draw(t, "value")
	}),
}})

func TestATraceIsWrittenAsPackageJSONWritesIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trace := anyTrace.Draw(t, "trace")
		want, err := json.Marshal(trace)
		if err != nil {
			t.Fatal(err)
		}
		got, err := trace.encode()
		if diff := cmp.Diff(string(want), string(got)); diff != "" || err != nil {
			t.Errorf("error %v, -package json +ours\n%s", err, diff)
		}
	})
}

func TestATraceOfATimeThatJSONCanNotSayIsAnError(t *testing.T) {
	if _, err := (&Trace{Explanation: Explanation{AsOf: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}}).encode(); err == nil {
		t.Error("no error")
	}
}
