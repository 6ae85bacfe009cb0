// Package capture turns what arrives (a form, a webhook, a row of a file, a
// host's own struct) into a normalised submission with an idempotency key.
//
// Every value is normalised once, here; what can be derived from it (domain
// from e-mail, seniority from title, time zone from place) becomes a claim of
// its own that says so. A payload without its required fields is a [Reject]
// with every reason and the raw payload, so that nothing is lost. Capture does
// not look anything up and does not store; that is the loop's Process.
//
// Start with [New]; for files, with [NewReader].
package capture

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/normalize"
)

// Source says what comes through one form, list or system.
type Source struct {
	// Name names the form, list or system, such as "website-demo-form".
	Name string
	// Origin is the kind of party that speaks; the zero value means
	// OriginPerson, the lead itself. Lists and CRM rows are OriginImport.
	Origin leadloop.Origin
	// Required lists what must be there: of each group at least one field. nil
	// means [DefaultRequired]; an empty list requires nothing.
	Required [][]string
	// Country is the region hint for phone numbers of leads without a country.
	Country string
	// LeadSource is claimed as lead.source where the payload has none; ""
	// claims nothing.
	LeadSource string
	// MaxAhead is how far in the future an arrival may lie before the payload
	// is rejected as dated wrong; 0 means 24 hours.
	MaxAhead time.Duration
}

// DefaultRequired is what a lead needs to be worked: a way to reach it, its
// company (a corporate e-mail tells it), and where it came from.
func DefaultRequired() [][]string {
	return [][]string{
		{leadloop.Email.Name(), leadloop.Phone.Name(), leadloop.Mobile.Name()},
		{leadloop.CompanyName.Name(), leadloop.Domain.Name()},
		{leadloop.Source.Name()},
	}
}

// Payload is what arrived, in the source's own words.
type Payload struct {
	// Values are raw values by what they hold: field names or the Column
	// constants.
	Values map[string]string
	// Claims are typed values of a host's own struct (see leadloop.MapStruct);
	// they are normalised like Values. Their evidence is replaced.
	Claims []leadloop.Claim
	// Activities that came with it.
	Activities []leadloop.Activity
	// Key is the idempotency key; "" takes Values["id"], else a digest of the
	// content.
	Key string
	// ReceivedAt is the arrival; zero takes Values["received_at"], else now.
	ReceivedAt time.Time
	// Line and Raw say where it stood in a file and how it was written.
	Line int
	Raw  string
}

// Reason is one thing wrong with a payload. It names the field, never the
// value.
type Reason struct {
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
}

// String writes "field: message".
func (r Reason) String() string {
	if r.Field == "" {
		return r.Message
	}
	return r.Field + ": " + r.Message
}

// Reject is a payload that could not be taken, with every reason. It matches
// leadloop.ErrInvalid. Raw is personal data; the error text is not.
type Reject struct {
	Line    int
	Raw     string
	Reasons []Reason
}

// Error lists the reasons.
func (r *Reject) Error() string {
	parts := make([]string, len(r.Reasons))
	for i, reason := range r.Reasons {
		parts[i] = reason.String()
	}
	s := "capture: rejected: " + strings.Join(parts, "; ")
	if r.Line > 0 {
		s = fmt.Sprintf("capture: line %d: rejected: %s", r.Line, strings.Join(parts, "; "))
	}
	return s
}

// Is makes a Reject match leadloop.ErrInvalid.
func (r *Reject) Is(target error) bool { return target == leadloop.ErrInvalid }

func reject(p Payload, reasons ...Reason) *Reject {
	return &Reject{Line: p.Line, Raw: p.Raw, Reasons: reasons}
}

// Capture makes submissions of payloads of one source. It is immutable and
// safe for concurrent use.
type Capture struct {
	schema *leadloop.Schema
	source Source
}

// New checks the source against the schema; all problems are returned
// together.
func New(schema *leadloop.Schema, source Source) (*Capture, error) {
	var problems leadloop.Problems
	if source.Name == "" {
		problems.Add(leadloop.Position{}, "a source needs a name")
	}
	if source.Origin == leadloop.OriginDerived {
		source.Origin = leadloop.OriginPerson
	}
	if source.Required == nil {
		source.Required = DefaultRequired()
	}
	for _, group := range source.Required {
		for _, f := range group {
			if _, ok := schema.Index(f); !ok {
				problems.Add(leadloop.Position{}, "required field %q is not in the schema", f)
			}
		}
	}
	if source.Country != "" {
		if _, ok := normalize.Country(source.Country); !ok {
			problems.Add(leadloop.Position{}, "country %q is not known", source.Country)
		}
	}
	if source.MaxAhead == 0 {
		source.MaxAhead = 24 * time.Hour
	}
	if err := problems.Err(); err != nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	return &Capture{schema, source}, nil
}

// Form makes a payload of a web form: the names of its inputs are guessed like
// column names, said overrules. Of inputs with several values the non-empty
// ones are joined with ";".
func (c *Capture) Form(values url.Values, said map[string]string) (Payload, error) {
	names := slices.Sorted(maps.Keys(values))
	columns, err := Columns(names, c.schema, said)
	if err != nil {
		return Payload{}, err
	}
	p := Payload{Values: map[string]string{}, Raw: values.Encode()}
	for _, col := range columns {
		if col.Holds != "" && col.Holds != ColumnIgnore {
			p.Values[col.Holds] = strings.Join(slices.DeleteFunc(slices.Clone(values[col.Name]), func(s string) bool { return s == "" }), ";")
		}
	}
	return p, nil
}

// Submission normalises a payload as of now. Warnings name values that were
// left out because they can't be read (a phone number that is none) although
// the lead can be taken. The error is a *[Reject].
func (c *Capture) Submission(p Payload, now time.Time) (leadloop.Submission, []Reason, error) {
	d := draft{source: c.source, schema: c.schema, values: map[string]leadloop.Value{}, derived: map[string]leadloop.Value{}}
	at := p.ReceivedAt
	if raw := strings.TrimSpace(p.Values[ColumnReceivedAt]); at.IsZero() && raw != "" {
		t, err := leadloop.ParseTime(raw)
		if err != nil {
			d.bad(ColumnReceivedAt, "is not a time such as 2026-11-02T09:30:00Z or 2026-11-02")
		}
		at = t
	} else if at.IsZero() {
		at = now
	}
	if at.After(now.Add(c.source.MaxAhead)) {
		d.bad(ColumnReceivedAt, "lies in the future")
	}
	d.read(p)
	d.normalise()
	d.derive()
	d.required()
	if len(d.reasons) > 0 {
		slices.SortStableFunc(d.reasons, func(a, b Reason) int { return strings.Compare(a.Field, b.Field) })
		return leadloop.Submission{}, nil, reject(p, d.reasons...)
	}
	s := leadloop.Submission{Key: c.key(p, &d, at), Source: c.source.Name, ReceivedAt: at.UTC(), Claims: d.claims(at.UTC()), Activities: slices.Clone(p.Activities)}
	return s, d.warnings, nil
}

// Key is the idempotency key of the payload that a source calls id, for
// whatever refers to it later, such as its activities.
func Key(source, id string) string { return source + ":" + normalize.Text(id) }

// key is [Key], or "<source>#<digest of the content>" for a payload without an
// id: the same content at the same time is the same payload.
func (c *Capture) key(p Payload, d *draft, at time.Time) string {
	if p.Key != "" {
		return p.Key
	}
	if id := p.Values[ColumnID]; normalize.Text(id) != "" {
		return Key(c.source.Name, id)
	}
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(d.values)) {
		fmt.Fprintf(h, "%q=%q\n", name, d.values[name].String())
	}
	fmt.Fprintf(h, "%d", at.UnixNano())
	return c.source.Name + "#" + hex.EncodeToString(h.Sum(nil)[:16])
}

// draft is a submission in the making.
type draft struct {
	dialled  string // the region of the phone number, if it is one
	source   Source
	schema   *leadloop.Schema
	values   map[string]leadloop.Value
	derived  map[string]leadloop.Value
	reasons  []Reason
	warnings []Reason
}

func (d *draft) bad(field, message string) {
	d.reasons = append(d.reasons, Reason{field, message})
}

// drop leaves out a value that can't be read.
func (d *draft) drop(field, message string) {
	delete(d.values, field)
	d.warnings = append(d.warnings, Reason{field, message})
}

// read takes values over, typed by the schema.
func (d *draft) read(p Payload) {
	for _, c := range p.Claims {
		if i, ok := d.schema.Index(c.Field); ok && d.schema.At(i).Kind == c.Value.Kind() && c.Value.Presence() != leadloop.Absent {
			d.values[c.Field] = c.Value
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Values)) {
		raw := p.Values[name]
		switch name {
		case ColumnID, ColumnReceivedAt:
			continue
		case ColumnFullName:
			n := normalize.FullName(raw)
			d.fallback(leadloop.FirstName.Name(), n.First)
			d.fallback(leadloop.LastName.Name(), n.Last)
			continue
		}
		def, ok := d.schema.Lookup(name)
		if !ok {
			d.warnings = append(d.warnings, Reason{name, "is not in the schema"})
			continue
		}
		v, err := leadloop.ParseValue(def.Kind, normalize.Text(raw))
		if err != nil {
			d.warnings = append(d.warnings, Reason{name, strings.TrimPrefix(err.Error(), leadloop.ErrInvalid.Error()+": ")})
			continue
		}
		// A blank cell says nothing: nobody looked. Only a host's own typed
		// claim can say that a value was emptied.
		if v.Presence() == leadloop.Present {
			d.values[name] = v
		}
	}
}

func (d *draft) fallback(field, s string) {
	if _, have := d.values[field]; !have && s != "" {
		d.values[field] = leadloop.ValueOf(s)
	}
}

// text returns a string value that is there.
func (d *draft) text(f leadloop.Field[string]) (string, bool) {
	v := d.values[f.Name()]
	return v.Text(), v.Presence() == leadloop.Present
}

func (d *draft) set(f leadloop.Field[string], s string) { d.values[f.Name()] = leadloop.ValueOf(s) }

// cause is why normalize refused a value.
func cause(err error) string {
	var e *normalize.Error
	if errors.As(err, &e) {
		return string(e.Reason)
	}
	return "can't be read"
}

// required checks the groups; derived values count.
func (d *draft) required() {
	for _, group := range d.source.Required {
		ok := slices.ContainsFunc(group, func(f string) bool {
			return d.values[f].Presence() == leadloop.Present || d.derived[f].Presence() == leadloop.Present
		})
		if !ok && len(group) > 0 && !slices.ContainsFunc(d.reasons, func(r Reason) bool { return slices.Contains(group, r.Field) }) {
			d.bad(group[0], "is required"+alternatives(group[1:]))
			// What was there but could not be read is why it is missing.
			for _, w := range d.warnings {
				if slices.Contains(group, w.Field) {
					d.bad(w.Field, w.Message)
				}
			}
		}
	}
}

func alternatives(others []string) string {
	if len(others) == 0 {
		return ""
	}
	return " (or " + strings.Join(others, ", ") + ")"
}

func (d *draft) claims(at time.Time) []leadloop.Claim {
	said := leadloop.Evidence{Origin: d.source.Origin, Source: d.source.Name, ObservedAt: at}
	derived := leadloop.Evidence{Origin: leadloop.OriginDerived, Source: d.source.Name, ObservedAt: at}
	out := make([]leadloop.Claim, 0, len(d.values)+len(d.derived))
	for _, def := range d.schema.Fields() {
		if v, ok := d.values[def.Name]; ok {
			out = append(out, leadloop.Claim{Field: def.Name, Value: v, Evidence: said})
		} else if v, ok := d.derived[def.Name]; ok {
			out = append(out, leadloop.Claim{Field: def.Name, Value: v, Evidence: derived})
		}
	}
	return out
}
