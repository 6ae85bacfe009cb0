package jsonbytes_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/leadloop/leadloop/internal/jsonbytes"
)

func FuzzStringsAreWrittenAsPackageJSONWritesThem(f *testing.F) {
	for _, s := range []string{"", "plain", `"quoted"`, `back\slash`, "<b>&amp;</b>", "tab\tnewline\n\x00\x7f", "Zoë 北京", "\u2028", "bad \xff utf-8"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := json.Marshal([]string{s, s})
		if err != nil {
			t.Fatal(err)
		}
		if got := jsonbytes.AppendStrings(nil, []string{s, s}); !bytes.Equal(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

func TestNoStringsAreNullAndEmptyOnesAreAnEmptyArray(t *testing.T) {
	if got := string(jsonbytes.AppendStrings(nil, nil)) + string(jsonbytes.AppendStrings(nil, []string{})); got != "null[]" {
		t.Error(got)
	}
}

func TestTimesAreWrittenAsPackageJSONWritesThemAndRefusedWhereItDoes(t *testing.T) {
	for _, at := range []time.Time{
		{}, time.Date(2026, 11, 2, 9, 30, 0, 5_000_000, time.UTC), time.Date(1, 2, 3, 4, 5, 6, 7, time.FixedZone("", -3600)), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		want, wantErr := json.Marshal(at)
		got, err := jsonbytes.AppendTime(nil, at)
		if (err != nil) != (wantErr != nil) || err == nil && !bytes.Equal(got, want) {
			t.Errorf("%s, %v, want %s, %v", got, err, want, wantErr)
		}
	}
}

func FuzzWhatIsCalledCompactIsJSONThatCompactLeavesAsItIs(f *testing.F) {
	for _, s := range []string{
		`{}`, `[]`, `null`, `true`, `false`, `0`, `-0.5e+10`, `01`, `1.`, `-`, `1e`, `"a\u00e9\n"`, `"\u12"`, `"\x"`, `{"a":[1,{"b":null}]}`, `{"a" :1}`, `[1, 2]`,
		`{"a":1,}`, `[1,]`, `{,}`, `{1:2}`, `[1`, `"`, `nul`, ``, ` 1`, `1 `, "\"\x01\"", "\"\xff\"", `[[[[]]]]`, `{"a"`, `{"a":`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var compact bytes.Buffer
		want := json.Compact(&compact, b) == nil && bytes.Equal(compact.Bytes(), b)
		if got := jsonbytes.IsCompact(b); got != want {
			t.Errorf("%q: %t, want %t", b, got, want)
		}
	})
}

func TestWhatIsNestedVeryDeepIsNotLookedInto(t *testing.T) {
	const deep = 100_000
	if jsonbytes.IsCompact([]byte(strings.Repeat("[", deep) + strings.Repeat("]", deep))) {
		t.Error("called compact")
	}
}
