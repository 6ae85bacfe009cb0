//go:build unix

package scoring

import (
	"syscall"
	"time"
)

// spent is the processor time of this process, which does not count what
// others do with the machine.
func spent() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
