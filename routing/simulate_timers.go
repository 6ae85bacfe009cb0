package routing

import (
	"cmp"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// simTimer is something that comes due.
type simTimer struct {
	at   time.Time
	kind simTimerKind
	prio int
	key  string
	lead *simLead
	// owner and since are whose work a touch or close ends; task is a ladder's.
	owner leadloop.RepID
	since time.Time
	task  *leadloop.Task
}

type simTimerKind uint8

const (
	timerTask simTimerKind = iota
	timerTouch
	timerClose
	timerDrain
	timerBack
	timerHour
	timerWake
)

// simTimers is a heap in the order in which a loop works tasks.
type simTimers []simTimer

// before orders them.
func (a *simTimer) before(b *simTimer) bool {
	if c := a.at.Compare(b.at); c != 0 {
		return c < 0
	}
	return cmp.Or(cmp.Compare(b.prio, a.prio), strings.Compare(a.key, b.key)) < 0
}

// push and pop are those of container/heap, which would need memory for each
// timer.
func (h *simTimers) push(t simTimer) {
	q := append(*h, t)
	at := len(q) - 1
	for at > 0 && t.before(&q[(at-1)/2]) {
		q[at] = q[(at-1)/2]
		at = (at - 1) / 2
	}
	q[at] = t
	*h = q
}

func (h *simTimers) pop() simTimer {
	q := *h
	first, last := q[0], q[len(q)-1]
	q[len(q)-1] = simTimer{}
	q = q[:len(q)-1]
	at := 0
	for next := 1; next < len(q); next = 2*at + 1 {
		if next+1 < len(q) && q[next+1].before(&q[next]) {
			next++
		}
		if !q[next].before(&last) {
			break
		}
		q[at] = q[next]
		at = next
	}
	if len(q) > 0 {
		q[at] = last
	}
	*h = q
	return first
}
