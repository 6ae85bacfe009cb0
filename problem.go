package leadloop

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Position is a place in a playbook file. The zero Position is "nowhere": the
// thing was made in Go.
type Position struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"` // from 1
	Column int    `json:"column,omitempty"`
}

// String writes file:line:column, leaving out what is unknown.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	s := strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Column)
	if p.File != "" {
		s = p.File + ":" + s
	}
	return s
}

// Expression is the text of a rule and where it stands.
type Expression struct {
	Text string
	At   Position
}

// IsZero reports whether there is no expression.
func (e Expression) IsZero() bool { return strings.TrimSpace(e.Text) == "" }

// Problem is one thing wrong with a playbook: what, where, and what was
// probably meant.
type Problem struct {
	At      Position `json:"at"`
	Message string   `json:"message"`
	Hint    string   `json:"hint,omitempty"`
	// Warning marks something that works but is probably not what was meant.
	Warning bool `json:"warning,omitempty"`
}

// String writes "file:line:column: message (hint)".
func (p Problem) String() string {
	s := p.Message
	if at := p.At.String(); at != "" {
		s = at + ": " + s
	}
	if p.Warning {
		s = strings.Replace(s, p.Message, "warning: "+p.Message, 1)
	}
	if p.Hint != "" {
		s += " (" + p.Hint + ")"
	}
	return s
}

// Problems is all that is wrong, found in one go. It matches ErrInvalid.
type Problems []Problem

// Add appends a problem.
func (p *Problems) Add(at Position, format string, args ...any) {
	*p = append(*p, Problem{At: at, Message: fmt.Sprintf(format, args...)})
}

// AddHint appends a problem with a hint, such as "did you mean ...?".
func (p *Problems) AddHint(at Position, hint, format string, args ...any) {
	*p = append(*p, Problem{At: at, Hint: hint, Message: fmt.Sprintf(format, args...)})
}

// Warn appends a warning.
func (p *Problems) Warn(at Position, format string, args ...any) {
	*p = append(*p, Problem{At: at, Warning: true, Message: fmt.Sprintf(format, args...)})
}

// Join appends what is wrong according to err: its Problems, one by one, or
// err itself.
func (p *Problems) Join(err error) {
	var ps Problems
	switch {
	case err == nil:
	case errors.As(err, &ps):
		*p = append(*p, ps...)
	default:
		*p = append(*p, Problem{Message: err.Error()})
	}
}

// Sort orders problems by file, line and column.
func (p Problems) Sort() {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.At.File, b.At.File), cmp.Compare(a.At.Line, b.At.Line), cmp.Compare(a.At.Column, b.At.Column))
	})
}

// Split tells errors from warnings.
func (p Problems) Split() (errs, warnings Problems) {
	for _, q := range p {
		if q.Warning {
			warnings = append(warnings, q)
		} else {
			errs = append(errs, q)
		}
	}
	return errs, warnings
}

// Err returns p's errors as an error, nil if there are only warnings.
func (p Problems) Err() error {
	errs, _ := p.Split()
	if len(errs) == 0 {
		return nil
	}
	return errs
}

// Error lists all problems, one per line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, q := range p {
		lines[i] = q.String()
	}
	return strings.Join(lines, "\n")
}

// Is makes Problems match ErrInvalid.
func (p Problems) Is(target error) bool { return target == ErrInvalid }
