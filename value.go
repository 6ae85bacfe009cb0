package leadloop

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadloop/leadloop/internal/jsonbytes"
)

// Kind is the type of a field's value.
type Kind uint8

// The kinds a field can have. In rules they read as the CEL types string,
// int, double, bool, timestamp and list(string).
const (
	KindInvalid Kind = iota
	KindString
	KindInt
	KindFloat
	KindBool
	KindTime
	KindStrings
)

var kindNames = [...]string{"invalid", "string", "int", "double", "bool", "timestamp", "list(string)"}

// String returns the CEL name of k.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "kind(" + strconv.Itoa(int(k)) + ")"
}

// ParseKind reads a kind as playbooks write it: string, int, double, bool,
// timestamp, list(string); number, float, time and list are accepted too.
func ParseKind(s string) (Kind, bool) {
	switch s {
	case "string":
		return KindString, true
	case "int":
		return KindInt, true
	case "double", "float", "number":
		return KindFloat, true
	case "bool":
		return KindBool, true
	case "timestamp", "time":
		return KindTime, true
	case "list(string)", "list":
		return KindStrings, true
	}
	return KindInvalid, false
}

// Presence tells why a value can or cannot be read. The zero Presence is
// Absent.
type Presence uint8

const (
	// Absent: nobody looked. A rule that reads it is undecided.
	Absent Presence = iota
	// KnownAbsent: somebody looked and there is none. A rule that reads it
	// has no value to read, and no lookup will change that.
	KnownAbsent
	// Empty: somebody gave an empty value (a cleared field, a blank answer).
	Empty
	// Present: there is a value.
	Present
)

var presenceNames = [...]string{"absent", "known absent", "empty", "present"}

// String names p.
func (p Presence) String() string {
	if int(p) < len(presenceNames) {
		return presenceNames[p]
	}
	return "presence(" + strconv.Itoa(int(p)) + ")"
}

// Value is one value of a field, or the statement that there is none. Values
// are immutable; the zero Value is absent.
type Value struct {
	kind     Kind
	presence Presence
	nsec     int32
	num      int64 // int, bool (0/1), float bits, unix seconds
	str      string
	list     []string
}

// FieldType lists the Go types a field can have.
type FieldType interface {
	string | int64 | float64 | bool | time.Time | []string
}

// ValueOf wraps v. An empty string and an empty list are Empty, everything
// else is Present. Times are kept in UTC to the nanosecond. The list is copied.
func ValueOf[T FieldType](v T) Value {
	switch v := any(v).(type) {
	case string:
		if v == "" {
			return Value{kind: KindString, presence: Empty}
		}
		return Value{kind: KindString, presence: Present, str: v}
	case int64:
		return Value{kind: KindInt, presence: Present, num: v}
	case float64:
		return Value{kind: KindFloat, presence: Present, num: int64(math.Float64bits(v))}
	case bool:
		var n int64
		if v {
			n = 1
		}
		return Value{kind: KindBool, presence: Present, num: n}
	case time.Time:
		return Value{kind: KindTime, presence: Present, num: v.Unix(), nsec: int32(v.Nanosecond())}
	case []string:
		if len(v) == 0 {
			return Value{kind: KindStrings, presence: Empty}
		}
		return Value{kind: KindStrings, presence: Present, list: slices.Clone(v)}
	}
	panic("unreachable: FieldType is closed")
}

// NoValue is the statement that somebody looked and there is none.
func NoValue(k Kind) Value { return Value{kind: k, presence: KnownAbsent} }

// EmptyValue is the statement that somebody gave an empty value of kind k.
func EmptyValue(k Kind) Value { return Value{kind: k, presence: Empty} }

// Kind returns the kind of v; KindInvalid for the zero Value.
func (v Value) Kind() Kind { return v.kind }

// Presence tells whether v can be read.
func (v Value) Presence() Presence { return v.presence }

// Text returns a string value, "" for anything else.
func (v Value) Text() string { return v.str }

// Int returns an int value, 0 for anything else.
func (v Value) Int() int64 {
	if v.kind != KindInt {
		return 0
	}
	return v.num
}

// Float returns a double value, 0 for anything else.
func (v Value) Float() float64 {
	if v.kind != KindFloat {
		return 0
	}
	return math.Float64frombits(uint64(v.num))
}

// Bool returns a bool value, false for anything else.
func (v Value) Bool() bool { return v.kind == KindBool && v.num != 0 }

// Time returns a timestamp in UTC, the zero time for anything else.
func (v Value) Time() time.Time {
	if v.kind != KindTime || v.presence != Present {
		return time.Time{}
	}
	return time.Unix(v.num, int64(v.nsec)).UTC()
}

// Strings returns a copy of a list value, nil for anything else.
func (v Value) Strings() []string { return slices.Clone(v.list) }

// Len returns the number of elements of a list value and At its i-th element;
// together they read a list without copying it.
func (v Value) Len() int { return len(v.list) }

// At returns the i-th element of a list value; it panics out of range.
func (v Value) At(i int) string { return v.list[i] }

// Equal reports whether v and w say the same: same kind, presence and value.
func (v Value) Equal(w Value) bool {
	return v.kind == w.kind && v.presence == w.presence && v.nsec == w.nsec &&
		v.num == w.num && v.str == w.str && slices.Equal(v.list, w.list)
}

// Compare orders values for determinism: by kind, presence, then content.
func (v Value) Compare(w Value) int {
	for _, c := range []int{int(v.kind) - int(w.kind), int(v.presence) - int(w.presence)} {
		if c != 0 {
			return c
		}
	}
	if v.kind == KindFloat {
		if a, b := v.Float(), w.Float(); a < b {
			return -1
		} else if a > b {
			return 1
		}
	}
	switch {
	case v.num < w.num:
		return -1
	case v.num > w.num:
		return 1
	case v.nsec != w.nsec:
		return int(v.nsec) - int(w.nsec)
	case v.str != w.str:
		return strings.Compare(v.str, w.str)
	}
	return slices.Compare(v.list, w.list)
}

// String shows v to people: the value itself, or "(known absent)",
// "(empty)", "(absent)". It is personal data if the field is.
func (v Value) String() string {
	if v.presence != Present {
		return "(" + v.presence.String() + ")"
	}
	switch v.kind {
	case KindString:
		return v.str
	case KindInt:
		return strconv.FormatInt(v.num, 10)
	case KindFloat:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	case KindBool:
		return strconv.FormatBool(v.num != 0)
	case KindTime:
		return v.Time().Format(time.RFC3339Nano)
	case KindStrings:
		return strings.Join(v.list, ", ")
	}
	return "(invalid)"
}

// ParseValue reads s, as written in a CSV cell or a form, as a value of kind
// k. An empty s is Empty. Lists are separated by ";" or "|". Timestamps are
// RFC 3339, "2006-01-02 15:04:05" or "2006-01-02", in UTC unless they say
// otherwise. The error names the kind expected, not the text found.
func ParseValue(k Kind, s string) (Value, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return EmptyValue(k), nil
	}
	bad := fmt.Errorf("%w: expected %s", ErrInvalid, kindExamples[k])
	switch k {
	case KindString:
		return ValueOf(s), nil
	case KindInt:
		n, err := strconv.ParseInt(strings.ReplaceAll(s, ",", ""), 10, 64)
		if err != nil {
			return Value{}, bad
		}
		return ValueOf(n), nil
	case KindFloat:
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return Value{}, bad
		}
		return ValueOf(f), nil
	case KindBool:
		switch strings.ToLower(s) {
		case "true", "yes", "y", "1":
			return ValueOf(true), nil
		case "false", "no", "n", "0":
			return ValueOf(false), nil
		}
		return Value{}, bad
	case KindTime:
		t, err := ParseTime(s)
		if err != nil {
			return Value{}, bad
		}
		return ValueOf(t), nil
	case KindStrings:
		parts := strings.FieldsFunc(s, func(r rune) bool { return r == ';' || r == '|' })
		list := parts[:0]
		for _, p := range parts {
			if p = strings.TrimSpace(p); p != "" {
				list = append(list, p)
			}
		}
		return ValueOf(list), nil
	}
	return Value{}, fmt.Errorf("%w: no such kind", ErrInvalid)
}

// kindExamples say in words what can be read.
var kindExamples = map[Kind]string{
	KindInt: "a whole number, such as 800", KindFloat: "a number, such as 2.5", KindBool: "yes or no",
	KindTime: "a time, such as 2026-11-02T09:30:00Z or 2026-11-02",
}

// ParseTime reads the three timestamp forms of [ParseValue], within the years
// 1 to 9999 that rules can compute with.
func ParseTime(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			if y := t.UTC().Year(); y < 1 || y > 9999 {
				break
			}
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%w: expected a time such as 2026-11-02T09:30:00Z or 2026-11-02", ErrInvalid)
}

type valueJSON struct {
	String  *string   `json:"string,omitempty"`
	Int     *int64    `json:"int,omitempty"`
	Double  *float64  `json:"double,omitempty"`
	Bool    *bool     `json:"bool,omitempty"`
	Time    *string   `json:"timestamp,omitempty"`
	Strings *[]string `json:"list,omitempty"`
	None    string    `json:"none,omitempty"`  // the kind of a known absent value
	Empty   string    `json:"empty,omitempty"` // the kind of an empty value
}

// MarshalJSON writes v as an object with one key that names its kind, so that
// absent (null), known absent and empty stay apart.
func (v Value) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, len(v.str)+24)
	switch {
	case v.presence == Absent:
		return append(b, "null"...), nil
	case v.presence == KnownAbsent:
		b = append(append(append(b, `{"none":"`...), v.kind.String()...), '"')
	case v.presence == Empty:
		b = append(append(append(b, `{"empty":"`...), v.kind.String()...), '"')
	case v.kind == KindString:
		b = jsonbytes.AppendString(append(b, `{"string":`...), v.str)
	case v.kind == KindInt:
		b = strconv.AppendInt(append(b, `{"int":`...), v.num, 10)
	case v.kind == KindFloat:
		f, err := json.Marshal(v.Float())
		if err != nil {
			return nil, err
		}
		b = append(append(b, `{"double":`...), f...)
	case v.kind == KindBool:
		b = strconv.AppendBool(append(b, `{"bool":`...), v.Bool())
	case v.kind == KindTime:
		b = jsonbytes.AppendString(append(b, `{"timestamp":`...), v.Time().Format(time.RFC3339Nano))
	case v.kind == KindStrings:
		b = jsonbytes.AppendStrings(append(b, `{"list":`...), v.list)
	default:
		b = append(b, '{')
	}
	return append(b, '}'), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (v *Value) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*v = Value{}
		return nil
	}
	var j valueJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return fmt.Errorf("value: %w: not a value object", ErrInvalid)
	}
	switch {
	case j.String != nil:
		*v = ValueOf(*j.String)
	case j.Int != nil:
		*v = ValueOf(*j.Int)
	case j.Double != nil:
		*v = ValueOf(*j.Double)
	case j.Bool != nil:
		*v = ValueOf(*j.Bool)
	case j.Time != nil:
		t, err := ParseTime(*j.Time)
		if err != nil {
			return fmt.Errorf("value: %w", err)
		}
		*v = ValueOf(t)
	case j.Strings != nil:
		*v = ValueOf(*j.Strings)
	case j.None != "" || j.Empty != "":
		k, ok := ParseKind(j.None + j.Empty)
		if !ok {
			return fmt.Errorf("value: %w: no such kind", ErrInvalid)
		}
		if j.None != "" {
			*v = NoValue(k)
		} else {
			*v = EmptyValue(k)
		}
	default:
		return fmt.Errorf("value: %w: empty value object", ErrInvalid)
	}
	return nil
}
