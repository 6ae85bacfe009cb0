package engine

import (
	"context"
	"sync"
	"time"

	"github.com/leadloop/leadloop/store"
)

// clock tells the time that all machines agree on: the store's where it has
// one, asked once a minute, otherwise the host's.
type clock struct {
	host  func() time.Time
	store store.Clock // nil if the store has none

	mu    sync.Mutex
	asked time.Time // by the host's clock
	ahead time.Duration
}

// askAgain is how long an answer of the store's clock is good.
const askAgain = time.Minute

func (c *clock) now(ctx context.Context) time.Time {
	if c.store == nil {
		return c.host()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	host := c.host()
	if since := host.Sub(c.asked); c.asked.IsZero() || since >= askAgain || since < 0 {
		// An error is that of a store which can't be reached: whoever needs it
		// will find out. The difference is that of before, or none.
		if at, err := c.store.Now(ctx); err == nil {
			host = c.host()
			c.asked, c.ahead = host, at.Sub(host)
		}
	}
	return host.Add(c.ahead)
}
