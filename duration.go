package leadloop

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseDuration reads a duration as playbooks write it: what
// [time.ParseDuration] reads, and the units d (24 hours) and w (7 days), as in
// "7d", "2w" or "1d12h".
func ParseDuration(s string) (time.Duration, error) {
	bad := fmt.Errorf("%w: expected a duration such as 15m, 48h, 7d or 2w", ErrInvalid)
	rest, neg := s, false
	if strings.HasPrefix(rest, "-") {
		rest, neg = rest[1:], true
	}
	var total time.Duration
	for _, unit := range []struct {
		suffix string
		length time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		head, tail, ok := strings.Cut(rest, unit.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(head, 64)
		f := n * float64(unit.length)
		if err != nil || n < 0 || math.IsNaN(f) || f > math.MaxInt64/4 {
			return 0, bad
		}
		total, rest = total+time.Duration(f), tail
	}
	if rest != "" {
		d, err := time.ParseDuration(rest)
		if err != nil || d < 0 || total > math.MaxInt64-d {
			return 0, bad
		}
		total += d
	} else if s == "" || s == "-" {
		return 0, bad
	}
	if neg {
		total = -total
	}
	return total, nil
}
