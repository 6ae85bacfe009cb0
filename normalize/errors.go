package normalize

// Reason says why a value was refused. It never holds any part of the value, so that it can be logged and shown.
type Reason string

// The reasons an [Error] can carry.
const (
	ReasonEmpty        Reason = "is empty"
	ReasonTooLong      Reason = "is too long"
	ReasonSyntax       Reason = "is not well formed"
	ReasonDisplayName  Reason = "has a display name beside the address"
	ReasonSeveral      Reason = "holds several values"
	ReasonPlaceholder  Reason = "is a placeholder"
	ReasonDomain       Reason = "has a malformed domain"
	ReasonIPAddress    Reason = "is an IP address"
	ReasonLocalHost    Reason = "has no public domain"
	ReasonUnknownTLD   Reason = "ends in an unknown top-level domain"
	ReasonPublicSuffix Reason = "is a public suffix, not a domain of anyone"
	ReasonRegion       Reason = "needs a country: it has no calling code and no known region hint was given"
	ReasonNumber       Reason = "is not a valid number of its country"
	ReasonNotLinkedIn  Reason = "is not a LinkedIn person, company or school address"
)

// Error is why a value could not be normalised. Its text holds the kind of value and the reason, never the value.
type Error struct {
	Kind   string // "email", "phone", "domain" or "linkedin url"
	Reason Reason
}

// Error returns "normalize: <kind> <reason>".
func (e *Error) Error() string { return "normalize: " + e.Kind + " " + string(e.Reason) }

func refuse(kind string, reason Reason) error { return &Error{Kind: kind, Reason: reason} }
