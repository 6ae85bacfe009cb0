package sqlite

import (
	"context"
	"strings"
)

// several is a query for up to largest keys at once, prepared in few sizes: each
// execution costs as much as looking up three keys. Rows are written one by one:
// a statement of several could be undone in the middle, for which SQLite copies
// every page that it changes.
type several struct {
	width int // arguments of a key
	sizes [5]string
}

const largest = 16

// manyOf repeats the part of a query that has the width placeholders of a key.
func manyOf(width int, before, part, between, after string) several {
	s := several{width: width}
	for i := range s.sizes {
		n := largest >> i
		s.sizes[i] = before + strings.Repeat(part+between, n-1) + part + after
	}
	return s
}

// queryMany asks s for all keys, whose arguments stand one after the other. It
// may ask for the last one twice.
func (t *tx) queryMany(ctx context.Context, s *several, each func(r *row), args []any) error {
	for len(args) > 0 {
		some := args[:min(largest*s.width, len(args))]
		args = args[len(some):]
		i := len(s.sizes) - 1
		for (largest>>i)*s.width < len(some) {
			i--
		}
		last := some[len(some)-s.width:]
		some = some[:len(some):len(some)]
		for len(some) < (largest>>i)*s.width {
			some = append(some, last...)
		}
		if err := t.query(ctx, s.sizes[i], each, some...); err != nil {
			return err
		}
	}
	return nil
}
