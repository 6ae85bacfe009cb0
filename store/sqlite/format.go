package sqlite

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

func (r *row) time() time.Time { return r.parse(r.text()) }

// parse reads a time from the column read last.
func (r *row) parse(text string) time.Time {
	t, err := store.ParseTime(text)
	if err != nil {
		r.check(fmt.Errorf("sqlite: %w: column %d is not a time: the file was changed by something else", leadloop.ErrUnavailable, r.next-1))
	}
	return t
}

// damaged says that a document can't be read. The text of encoding/json may
// quote it and is left out.
func damaged(what string, err error) error {
	if errors.Is(err, leadloop.ErrInvalid) {
		return fmt.Errorf("sqlite: %w: the document of %s can't be read: %w", leadloop.ErrUnavailable, what, err)
	}
	return fmt.Errorf("sqlite: %w: the document of %s is not what was written", leadloop.ErrUnavailable, what)
}

// list writes strings as a JSON array, none as "".
func list(l []string) (string, error) {
	if len(l) == 0 {
		return "", nil
	}
	b, err := json.Marshal(l)
	return string(b), err
}

// decode reads a column that is JSON or "".
func decode[T any](r *row, what string) (v T) {
	text := r.text()
	if text != "" {
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			r.check(damaged(what, err))
		}
	}
	return v
}

func document(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

func decodeSteps(r *row, what string) []leadloop.Step {
	text, packed := r.text(), r.blob()
	steps, err := store.UnpackSteps(packed)
	if packed == nil {
		steps, err = store.DecodeSteps([]byte(text))
	}
	if err != nil {
		r.check(damaged(what, err))
	}
	return steps
}

func decodeLead(r *row) *leadloop.Lead {
	l := new(leadloop.Lead)
	if err := l.UnmarshalJSON([]byte(r.text())); err != nil {
		r.check(damaged("a lead", err))
	}
	return l
}
