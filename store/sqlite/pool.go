package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/leadloop/leadloop/store"
)

// stock are the connections of a Store. Any of them reads and writes, but one
// has in memory what was written last: the others read every page again, because
// a page that somebody else wrote voids all that a connection remembers.
type stock struct {
	open func(ctx context.Context) (*conn, error)
	mu   sync.Mutex
	idle []*conn
	last *conn // that an Update had last
	// apart is how many Views to come leave last alone.
	apart int
}

// elsewhere is how many Views leave the last connection alone after an Update
// found a View on it: where several goroutines work at once, what is remembered
// is worth more to those who write.
const elsewhere = 1000

// pick takes an idle connection, nil if there is none.
func (s *stock) pick(writes bool) *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.idle, s.last)
	switch {
	case writes && i < 0 && s.last != nil:
		s.apart = elsewhere
	case !writes && s.apart > 0:
		s.apart--
		i = slices.IndexFunc(s.idle, func(c *conn) bool { return c != s.last })
		if i < 0 {
			return nil
		}
	}
	if i < 0 {
		if i = len(s.idle) - 1; i < 0 {
			return nil
		}
	}
	c := s.idle[i]
	s.idle = slices.Delete(s.idle, i, i+1)
	return c
}

// get returns a connection that nobody else has.
func (s *stock) get(ctx context.Context, writes bool) (c *conn, err error) {
	if c = s.pick(writes); c == nil {
		if c, err = s.open(ctx); err != nil || !writes {
			return c, err
		}
	}
	if writes {
		s.mu.Lock()
		s.last = c
		s.mu.Unlock()
		if err := c.widen(ctx, true); err != nil {
			c.useless = true
			s.give(ctx, c)
			return nil, err
		}
	}
	return c, nil
}

// give takes a connection back.
func (s *stock) give(ctx context.Context, c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c != s.last && c.widen(context.WithoutCancel(ctx), false) != nil {
		c.useless = true
	}
	if !c.useless {
		s.idle = append(s.idle, c)
		return
	}
	if c == s.last {
		s.last = nil
	}
	// Its transaction failed already with the error that matters.
	_ = c.close()
}

// close closes the connections, which are all idle.
func (s *stock) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var problems []error
	for _, c := range s.idle {
		problems = append(problems, c.close())
	}
	s.idle, s.last = nil, nil
	return errors.Join(problems...)
}

// pool lets up to as many use the stock at once as it has turns.
type pool struct {
	stock  *stock
	turns  chan struct{}
	writes bool
}

func closedError() error {
	return fmt.Errorf("sqlite: %w", store.ErrClosed)
}

// take waits for a turn and returns a connection, which put takes back.
func (p *pool) take(ctx context.Context, done <-chan struct{}) (*conn, error) {
	select {
	case <-done:
		return nil, closedError()
	default:
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case p.turns <- struct{}{}:
	case <-done:
		return nil, closedError()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case <-done: // while it waited
		<-p.turns
		return nil, closedError()
	default:
	}
	c, err := p.stock.get(ctx, p.writes)
	if err != nil {
		<-p.turns
	}
	return c, err
}

func (p *pool) put(ctx context.Context, c *conn) {
	p.stock.give(ctx, c)
	<-p.turns
}

// wait returns when nobody has a turn, and keeps all of them.
func (p *pool) wait() {
	for range cap(p.turns) {
		p.turns <- struct{}{}
	}
}

// leave gives the turns back, so that those who come learn that it is over.
func (p *pool) leave() {
	for range cap(p.turns) {
		<-p.turns
	}
}
