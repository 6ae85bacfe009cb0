package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// progress says on a terminal how far a long run is.
type progress struct {
	w       io.Writer // nil: nobody watches
	start   time.Time
	last    time.Time
	task    string
	written bool
}

func newProgress(w io.Writer) *progress {
	now := time.Now()
	p := &progress{start: now, last: now}
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			p.w = w
		}
	}
	return p
}

// at says that a share of the work, from 0 to 1, is done.
func (p *progress) at(share float64) {
	now := time.Now()
	spent := now.Sub(p.start)
	if p.w == nil || spent < 2*time.Second || now.Sub(p.last) < 200*time.Millisecond || share <= 0 {
		return
	}
	p.last, p.written = now, true
	left := time.Duration(float64(spent) * (1 - share) / share).Round(time.Second)
	p.show("\r\x1b[K%3.0f %%, about %v left: %s", 100*share, left, p.task)
}

func (p *progress) done() {
	if p.written {
		p.show("\r\x1b[K")
	}
}

// show leaves it at that when the terminal is gone: the run is about something else.
func (p *progress) show(format string, args ...any) { _, _ = fmt.Fprintf(p.w, format, args...) }
