package leadloop_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
)

var everyKind = []leadloop.AnyField{
	leadloop.NewField[string]("lead.a_text"), leadloop.NewField[int64]("lead.an_int"), leadloop.NewField[float64]("lead.a_double"),
	leadloop.NewField[bool]("lead.a_bool"), leadloop.NewField[time.Time]("lead.a_time"), leadloop.NewField[[]string]("lead.a_list"),
}

func valueOfKind(t *rapid.T, k leadloop.Kind) leadloop.Value {
	switch rapid.IntRange(0, 5).Draw(t, "presence") {
	case 0:
		return leadloop.Value{}
	case 1:
		return leadloop.NoValue(k)
	case 2:
		return leadloop.EmptyValue(k)
	}
	text := rapid.OneOf(rapid.StringN(0, 20, -1), rapid.Just("\xff\xfe"), rapid.Just(strings.Repeat("x", 300)))
	switch k {
	case leadloop.KindString:
		return leadloop.ValueOf(text.Draw(t, "text"))
	case leadloop.KindInt:
		return leadloop.ValueOf(rapid.Int64().Draw(t, "int"))
	case leadloop.KindFloat:
		return leadloop.ValueOf(rapid.OneOf(rapid.Float64(), rapid.Just(math.NaN()), rapid.Just(math.Inf(-1))).Draw(t, "double"))
	case leadloop.KindBool:
		return leadloop.ValueOf(rapid.Bool().Draw(t, "bool"))
	case leadloop.KindTime:
		sec := rapid.OneOf(rapid.Int64Range(-62135596800, 253402300799), rapid.Int64Range(1<<62/1_000_000_000-2, 1<<62/1_000_000_000+2),
			rapid.Int64Range(-1<<62/1_000_000_000-2, -1<<62/1_000_000_000+2), rapid.Int64Range(-2, 2)).Draw(t, "seconds")
		return leadloop.ValueOf(time.Unix(sec, rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")))
	}
	return leadloop.ValueOf(rapid.SliceOfN(text, 0, 3).Draw(t, "list"))
}

func TestAProfileGivesBackWhatItWasGiven(t *testing.T) {
	schema, err := leadloop.NewSchema(everyKind...)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		p := schema.NewProfile()
		want := map[string]leadloop.Value{}
		for range rapid.IntRange(1, 12).Draw(t, "values") {
			f := rapid.SampledFrom(everyKind).Draw(t, "field").Def()
			v := valueOfKind(t, f.Kind)
			if err := p.SetValue(f.Name, v); err != nil {
				t.Fatal(err)
			}
			want[f.Name] = v
		}
		q := p.Clone()
		for _, f := range everyKind {
			name := f.Def().Name
			for _, p := range []*leadloop.Profile{p, q} {
				if got := p.Value(name); !got.Equal(want[name]) {
					t.Fatalf("%s: got %#v, want %#v", name, got, want[name])
				}
			}
			if err := q.SetValue(name, leadloop.NoValue(f.Def().Kind)); err != nil {
				t.Fatal(err)
			}
			if got := p.Value(name); !got.Equal(want[name]) {
				t.Fatalf("%s: a change of the copy changed it to %#v", name, got)
			}
		}
	})
}

func TestTheKeyOfATextIsItsLengthAndItsEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "text"))
		want := leadloop.TextKey{Len: len(s)}
		for i := range min(len(s), 8) {
			want.Lo |= uint64(s[i]) << (8 * i)
			want.Hi |= uint64(s[len(s)-1-i]) << (56 - 8*i)
		}
		if got := leadloop.KeyOf(s); got != want {
			t.Fatalf("%q: got %x, want %x", s, got, want)
		}
	})
}

func TestNoTextIsLeftOfAValueThatWasTakenBack(t *testing.T) {
	p := leadloop.StandardSchema().NewProfile()
	leadloop.FirstName.Set(p, "Adelheid")
	if err := p.SetValue("lead.first_name", leadloop.Value{}); err != nil {
		t.Fatal(err)
	}
	row := p.Row()
	for _, w := range row.Words {
		if w != 0 {
			t.Errorf("a word is %x", w)
		}
	}
	for _, s := range row.Texts {
		if s != "" {
			t.Errorf("a text is %q", s)
		}
	}
}
