package rules

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
)

func (k *coder) unary(fn string, a any, t *types.Type) any {
	switch fn {
	case operators.Negate:
		switch {
		case is[int64](a):
			zero := constant[int64]{}
			return lift2(as[int64](zero), as[int64](a), intOps[operators.Subtract])
		case is[float64](a):
			return lift(as[float64](a), func(v float64) float64 { return -v })
		}
		return nil
	case overloads.Size:
		switch {
		case is[string](a):
			return lift(as[string](a), func(s string) int64 { return int64(utf8.RuneCountInString(s)) })
		case is[list](a):
			return lift(as[list](a), func(l list) int64 { return int64(l.len()) })
		case is[[]int64](a):
			return lift(as[[]int64](a), func(l []int64) int64 { return int64(len(l)) })
		case is[[]float64](a):
			return lift(as[[]float64](a), func(l []float64) int64 { return int64(len(l)) })
		case is[attrs](a):
			return lift(as[attrs](a), func(m attrs) int64 { return int64(len(m)) })
		}
		return nil
	case overloads.TypeConvertInt, overloads.TypeConvertDouble, overloads.TypeConvertString, overloads.TypeConvertBool,
		overloads.TypeConvertTimestamp, overloads.TypeConvertDuration:
		return k.convert(a, t)
	case fnDays:
		return k.days(a)
	}
	switch {
	case is[string](a) && checks[fn] != nil:
		return lift(as[string](a), checks[fn])
	case is[string](a) && edits[fn] != nil:
		return lift(as[string](a), edits[fn])
	case is[time.Time](a) && clocks[fn] != nil:
		f := clocks[fn]
		return lift(as[time.Time](a), func(t time.Time) int64 { return f(t.UTC()) })
	case is[time.Duration](a) && spans[fn] != nil:
		return lift(as[time.Duration](a), spans[fn])
	}
	return nil
}

var clocks = map[string]func(time.Time) int64{
	overloads.TimeGetFullYear:     func(t time.Time) int64 { return int64(t.Year()) },
	overloads.TimeGetMonth:        func(t time.Time) int64 { return int64(t.Month()) - 1 },
	overloads.TimeGetDayOfYear:    func(t time.Time) int64 { return int64(t.YearDay()) - 1 },
	overloads.TimeGetDayOfMonth:   func(t time.Time) int64 { return int64(t.Day()) - 1 },
	overloads.TimeGetDate:         func(t time.Time) int64 { return int64(t.Day()) },
	overloads.TimeGetDayOfWeek:    func(t time.Time) int64 { return int64(t.Weekday()) },
	overloads.TimeGetHours:        func(t time.Time) int64 { return int64(t.Hour()) },
	overloads.TimeGetMinutes:      func(t time.Time) int64 { return int64(t.Minute()) },
	overloads.TimeGetSeconds:      func(t time.Time) int64 { return int64(t.Second()) },
	overloads.TimeGetMilliseconds: func(t time.Time) int64 { return int64(t.Nanosecond() / 1e6) },
}

var spans = map[string]func(time.Duration) int64{
	overloads.TimeGetHours:        func(d time.Duration) int64 { return int64(d.Hours()) },
	overloads.TimeGetMinutes:      func(d time.Duration) int64 { return int64(d.Minutes()) },
	overloads.TimeGetSeconds:      func(d time.Duration) int64 { return int64(d.Seconds()) },
	overloads.TimeGetMilliseconds: func(d time.Duration) int64 { return d.Milliseconds() },
}

// zoned is an accessor of a timestamp in a time zone. A zone that is written
// out is looked up once.
func (k *coder) zoned(fn string, t code[time.Time], zone any) any {
	if c, ok := zone.(constant[string]); ok && c.value != "" && c.value != localZone {
		loc, err := parseZone(c.value)
		if err != nil {
			return k.no("the time zone")
		}
		f := clocks[fn]
		return lift(t, func(t time.Time) int64 { return f(t.In(loc)) })
	}
	z := as[string](zone)
	if z == nil {
		return nil
	}
	f := clocks[fn]
	return code[int64](func(x *exec) (int64, note) {
		t, n := t(x)
		zone, m := z(x)
		if n|m != 0 {
			return 0, x.both(n, m)
		}
		loc, err := parseZone(zone)
		if err != nil {
			return 0, x.fail(describe(x.ctx, err))
		}
		return f(t.In(loc)), 0
	})
}

// localZone is the machine's own zone to package time. An answer that depends
// on the machine is none.
const localZone = "Local"

var errLocalZone = errors.New("unknown time zone")

// parseZone reads a zone as cel-go does, but for the machine's: a name, or
// hours and minutes.
func parseZone(s string) (*time.Location, error) {
	if s == localZone {
		return nil, errLocalZone
	}
	h, m, ok := strings.Cut(s, ":")
	if !ok {
		return time.LoadLocation(s)
	}
	hours, err := strconv.Atoi(h)
	if err != nil {
		return nil, err
	}
	minutes, err := strconv.Atoi(m)
	if err != nil {
		return nil, err
	}
	if hours < -23 || hours > 23 || minutes < 0 || minutes > 59 {
		return nil, errors.New("timezone offset out of range")
	}
	if s[0] == '-' {
		minutes = -minutes
	}
	return time.FixedZone("", (hours*60+minutes)*60), nil
}

func (k *coder) days(a any) any {
	n := as[int64](a)
	if n == nil {
		return nil
	}
	return code[time.Duration](func(x *exec) (time.Duration, note) {
		v, n := n(x)
		if n != 0 {
			return 0, n
		}
		d, ok := multiplyInts(v, int64(day))
		return time.Duration(d), unless(ok, noteRange)
	})
}

func (k *coder) matches(a, b any) any {
	s := as[string](a)
	pattern, ok := b.(constant[string])
	if s == nil || !ok {
		return nil
	}
	re, err := regexp.Compile(pattern.value)
	if err != nil {
		return k.no("the pattern")
	}
	return lift(s, re.MatchString)
}
