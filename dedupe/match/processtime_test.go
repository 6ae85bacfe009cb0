//go:build unix

package match

import (
	"syscall"
	"testing"
	"time"
)

// processTime is the processor time that this process took.
func processTime(t testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// mostMemory is the most memory that this process had, in bytes where the system counts in KiB, as Linux does.
func mostMemory(t testing.TB) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return int64(u.Maxrss) * 1024 //nolint:unconvert // it is an int32 on some systems
}
