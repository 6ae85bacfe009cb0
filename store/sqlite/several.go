package sqlite

import (
	"context"
	"strings"
)

// several is a statement over up to largest rows or keys at once, prepared in few
// sizes: each execution has a price that is a good part of a row's.
type several struct {
	width int // arguments of a row
	sizes [5]string
}

const largest = 16

// manyOf repeats a part of a statement, which has width placeholders.
func manyOf(width int, before, part, between, after string) several {
	s := several{width: width}
	for i := range s.sizes {
		n := largest >> i
		s.sizes[i] = before + strings.Repeat(part+between, n-1) + part + after
	}
	return s
}

// insertMany inserts rows of a table.
func insertMany(width int, into, after string) several {
	return manyOf(width, "INSERT INTO "+into+" VALUES ", "(?"+strings.Repeat(", ?", width-1)+")", ", ", after)
}

// execMany runs s over all rows, whose arguments stand one after the other.
func (t *tx) execMany(ctx context.Context, s *several, args []any) error {
	for i, n := 0, largest; len(args) > 0; i, n = i+1, n/2 {
		for len(args) >= n*s.width {
			if err := t.exec(ctx, s.sizes[i], args[:n*s.width]...); err != nil {
				return err
			}
			args = args[n*s.width:]
		}
	}
	return nil
}

// queryMany asks s for all keys, some of which it may ask for twice.
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
