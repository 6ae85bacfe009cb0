package leadloop

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Schema is the set of fields a loop knows: what profiles hold and what rules
// are type-checked against. It is immutable; to grow it under load, make a
// larger one and build a new loop from it (claims are stored by field name, so
// stored leads stay readable).
type Schema struct {
	defs   []FieldDef
	index  map[string]int
	places []place // by field

	words, texts, lists int // of a row
}

// StandardSchema returns the schema of the standard fields alone.
func StandardSchema() *Schema {
	s, err := NewSchema()
	if err != nil {
		panic("leadloop: standard schema: " + err.Error())
	}
	return s
}

// NewSchema returns the standard fields plus the host's own. Own fields are
// named "lead.<name>" or "company.<name>" with a lower-case identifier, and
// can't redefine a field with another type. All problems are returned together.
func NewSchema(own ...AnyField) (*Schema, error) {
	s := &Schema{index: map[string]int{}}
	var problems []error
	for _, f := range slices.Concat(standardFields(), own) {
		d := f.Def()
		if err := checkFieldDef(d); err != nil {
			problems = append(problems, err)
			continue
		}
		if i, ok := s.index[d.Name]; ok {
			if s.defs[i].Kind != d.Kind {
				problems = append(problems, fmt.Errorf("field %s: %w: is a %s, can't be redefined as %s", d.Name, ErrInvalid, s.defs[i].Kind, d.Kind))
			}
			continue
		}
		s.index[d.Name] = len(s.defs)
		s.defs = append(s.defs, d)
		s.places = append(s.places, s.place(d.Kind))
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return s, nil
}

func checkFieldDef(d FieldDef) error {
	scope, name, _ := strings.Cut(d.Name, ".")
	if scope != "lead" && scope != "company" {
		return fmt.Errorf("field %q: %w: a name starts with \"lead.\" or \"company.\"", d.Name, ErrInvalid)
	}
	for i, r := range name {
		if r != '_' && (r < 'a' || r > 'z') && (i == 0 || r < '0' || r > '9') {
			name = ""
			break
		}
	}
	if name == "" {
		return fmt.Errorf("field %q: %w: after the dot comes a lower-case identifier", d.Name, ErrInvalid)
	}
	if d.Kind == KindInvalid || int(d.Kind) >= len(kindNames) {
		return fmt.Errorf("field %q: %w: it has no kind", d.Name, ErrInvalid)
	}
	return nil
}

// Len returns the number of fields.
func (s *Schema) Len() int { return len(s.defs) }

// Fields returns the fields in schema order: the standard ones, then the
// host's in the order given.
func (s *Schema) Fields() []FieldDef { return slices.Clone(s.defs) }

// At returns the i-th field.
func (s *Schema) At(i int) FieldDef { return s.defs[i] }

// Index returns the position of a field in every profile of this schema.
func (s *Schema) Index(name string) (int, bool) { i, ok := s.index[name]; return i, ok }

// Lookup returns the definition of a field.
func (s *Schema) Lookup(name string) (FieldDef, bool) {
	i, ok := s.index[name]
	if !ok {
		return FieldDef{}, false
	}
	return s.defs[i], true
}
