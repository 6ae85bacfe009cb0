package leadloop_test

import (
	"encoding/json"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
)

func anyValue() *rapid.Generator[leadloop.Value] {
	return rapid.Custom(func(t *rapid.T) leadloop.Value {
		kind := leadloop.Kind(rapid.IntRange(int(leadloop.KindString), int(leadloop.KindStrings)).Draw(t, "kind"))
		switch rapid.IntRange(0, 5).Draw(t, "presence") {
		case 0:
			return leadloop.NoValue(kind)
		case 1:
			return leadloop.EmptyValue(kind)
		}
		switch kind {
		case leadloop.KindString:
			return leadloop.ValueOf(rapid.String().Draw(t, "string"))
		case leadloop.KindInt:
			return leadloop.ValueOf(rapid.Int64().Draw(t, "int"))
		case leadloop.KindFloat:
			return leadloop.ValueOf(rapid.Float64().Draw(t, "float"))
		case leadloop.KindBool:
			return leadloop.ValueOf(rapid.Bool().Draw(t, "bool"))
		case leadloop.KindTime:
			return leadloop.ValueOf(time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(t, "sec"), rapid.Int64Range(0, 999999999).Draw(t, "nsec")))
		default:
			return leadloop.ValueOf(rapid.SliceOf(rapid.String()).Draw(t, "list"))
		}
	})
}

func TestAValueSurvivesItsJSONForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := anyValue().Draw(t, "value")
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var back leadloop.Value
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if !back.Equal(v) || back.Compare(v) != 0 {
			t.Fatalf("%s came back as %#v, was %#v", b, back, v)
		}
	})
}

func TestCompareIsATotalOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := anyValue().Draw(t, "a"), anyValue().Draw(t, "b"), anyValue().Draw(t, "c")
		if (a.Compare(b) < 0) != (b.Compare(a) > 0) {
			t.Fatal("not antisymmetric")
		}
		if a.Compare(b) <= 0 && b.Compare(c) <= 0 && a.Compare(c) > 0 {
			t.Fatal("not transitive")
		}
		if (a.Compare(b) == 0) != a.Equal(b) {
			t.Fatal("Compare and Equal disagree")
		}
	})
}

func TestPresenceTellsAbsentKnownAbsentAndEmptyApart(t *testing.T) {
	for name, tc := range map[string]struct {
		v    leadloop.Value
		want leadloop.Presence
		text string
	}{
		"the zero value is absent":           {leadloop.Value{}, leadloop.Absent, "(absent)"},
		"no value is known absent":           {leadloop.NoValue(leadloop.KindInt), leadloop.KnownAbsent, "(known absent)"},
		"an empty string is empty":           {leadloop.ValueOf(""), leadloop.Empty, "(empty)"},
		"an empty list is empty":             {leadloop.ValueOf([]string{}), leadloop.Empty, "(empty)"},
		"zero is a value":                    {leadloop.ValueOf(int64(0)), leadloop.Present, "0"},
		"false is a value":                   {leadloop.ValueOf(false), leadloop.Present, "false"},
		"a list shows its elements":          {leadloop.ValueOf([]string{"aws", "go"}), leadloop.Present, "aws, go"},
		"a time shows in UTC to the instant": {leadloop.ValueOf(time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("x", 3600))), leadloop.Present, "2026-01-02T02:04:05.000000006Z"},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.v.Presence() != tc.want || tc.v.String() != tc.text {
				t.Errorf("got %v %q, want %v %q", tc.v.Presence(), tc.v.String(), tc.want, tc.text)
			}
		})
	}
}

func TestParseValue(t *testing.T) {
	for name, tc := range map[string]struct {
		kind leadloop.Kind
		in   string
		want leadloop.Value
		bad  bool
	}{
		"an int may have thousands separators": {leadloop.KindInt, " 1,200 ", leadloop.ValueOf(int64(1200)), false},
		"an int is not a word":                 {leadloop.KindInt, "many", leadloop.Value{}, true},
		"a blank is empty, not zero":           {leadloop.KindInt, "  ", leadloop.EmptyValue(leadloop.KindInt), false},
		"a double is not NaN":                  {leadloop.KindFloat, "NaN", leadloop.Value{}, true},
		"yes is true":                          {leadloop.KindBool, "Yes", leadloop.ValueOf(true), false},
		"a date is a timestamp":                {leadloop.KindTime, "2026-11-02", leadloop.ValueOf(time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)), false},
		"the 30th of February is no date":      {leadloop.KindTime, "2026-02-30", leadloop.Value{}, true},
		"a list is split at semicolons":        {leadloop.KindStrings, "go; aws;;", leadloop.ValueOf([]string{"go", "aws"}), false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := leadloop.ParseValue(tc.kind, tc.in)
			if tc.bad != errors.Is(err, leadloop.ErrInvalid) {
				t.Fatalf("error %v", err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPoints(t *testing.T) {
	for text, f := range map[string]float64{"0": 0, "12": 12, "-7.5": -7.5, "0.001": 0.001, "-0.125": -0.125, "1000000000": 1e9} {
		p, ok := leadloop.PointsOf(f)
		if !ok || p.String() != text || p.Float() != f {
			t.Errorf("PointsOf(%v) = %v %v, want %s", f, p, ok, text)
		}
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var back leadloop.Points
		if err := json.Unmarshal(b, &back); err != nil || back != p {
			t.Errorf("%s came back as %v, %v", b, back, err)
		}
	}
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e9 + 1, -1e300} {
		if p, ok := leadloop.PointsOf(f); ok {
			t.Errorf("PointsOf(%v) = %v, want refusal", f, p)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"7d": 7 * 24 * time.Hour, "2w": 14 * 24 * time.Hour, "1w1d1h": 193 * time.Hour, "15m": 15 * time.Minute, "-1d": -24 * time.Hour, "0s": 0, "0.5d": 12 * time.Hour,
	} {
		if got, err := leadloop.ParseDuration(in); err != nil || got != want {
			t.Errorf("%q = %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "-", "d", "7", "7 d", "1d-1h", "-d", "9999999999w", "NaNd", "1d1w", "--1d"} {
		if got, err := leadloop.ParseDuration(in); !errors.Is(err, leadloop.ErrInvalid) {
			t.Errorf("%q = %v, %v, want ErrInvalid", in, got, err)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"7d", "-1w2d3h", "1e3d", "0x1p-2d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := leadloop.ParseDuration(s)
		if err != nil && d != 0 {
			t.Errorf("%q: %v with an error", s, d)
		}
	})
}
