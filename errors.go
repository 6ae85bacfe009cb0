package leadloop

import "errors"

// Callers branch on these few sentinels with [errors.Is]. Error texts carry
// ids and field names, never personal data.
var (
	// ErrNotFound reports that no record has the given id.
	ErrNotFound = errors.New("not found")
	// ErrConflict reports that a record changed since it was read; read it
	// again and decide anew.
	ErrConflict = errors.New("conflict: changed since it was read")
	// ErrSuppressed reports that a person or company must not be contacted,
	// sold to or sent to a provider now.
	ErrSuppressed = errors.New("suppressed")
	// ErrInvalid reports input that can never be accepted as it is.
	ErrInvalid = errors.New("invalid")
	// ErrUnavailable reports that something needed is down or closed; trying
	// later may help.
	ErrUnavailable = errors.New("unavailable")
)
