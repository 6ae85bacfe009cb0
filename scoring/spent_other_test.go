//go:build !unix

package scoring

import "time"

var started = time.Now()

// spent is the time that passed, for want of a better measure.
func spent() time.Duration { return time.Since(started) }
