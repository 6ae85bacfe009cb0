package rules

import (
	"math"
	"time"
)

// Arithmetic that errs exactly where CEL's does.

func addInts(x, y int64) (int64, bool) {
	return x + y, !(y > 0 && x > math.MaxInt64-y || y < 0 && x < math.MinInt64-y)
}

func subtractInts(x, y int64) (int64, bool) {
	return x - y, !(y < 0 && x > math.MaxInt64+y || y > 0 && x < math.MinInt64+y)
}

func multiplyInts(x, y int64) (int64, bool) {
	if x == 0 || y == 0 {
		return 0, true
	}
	p := x * y
	return p, p/y == x && !(x == -1 && y == math.MinInt64) && !(y == -1 && x == math.MinInt64)
}

// subtractTimes is x - y. It takes seconds first, and so overflows a little
// before nanoseconds would.
func subtractTimes(x, y time.Time) (time.Duration, bool) {
	sec := x.Unix() - y.Unix() // of years 1 to 9999: can't overflow
	n, ok := multiplyInts(sec, int64(time.Second))
	if !ok {
		return 0, false
	}
	n, ok = addInts(n, int64(x.Nanosecond())-int64(y.Nanosecond()))
	return time.Duration(n), ok
}

// addTime is t + d, within the years 1 to 9999.
func addTime(t time.Time, d time.Duration) (time.Time, bool) {
	t = t.Add(d)
	sec := t.Unix()
	return t, sec >= firstTime.Unix() && sec <= lastTime.Unix()
}
