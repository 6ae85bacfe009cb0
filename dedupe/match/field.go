package match

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leadloop/leadloop"
)

// Kind says what the values of a field mean, and so how they are normalised, compared and blocked.
type Kind string

// The kinds. A row whose value is empty, or spells out that there is none ("n/a"), says nothing in that field: it weighs neither way.
const (
	KindGivenName  Kind = "given_name"  // nicknames, initials and typing errors count; transposed with the family name too
	KindFamilyName Kind = "family_name" // typing errors, double names
	KindPersonName Kind = "person_name" // given and family name in one; read apart
	KindPeople     Kind = "people"      // several names in one, such as authors
	KindCompany    Kind = "company"     // legal forms dropped; acronyms, rare words count more than common ones
	KindEmail      Kind = "email"       // mailbox and domain compared apart; shared mailboxes say nothing
	KindDomain     Kind = "domain"      // web site or mail domain; free mail providers say nothing
	KindPhone      Kind = "phone"       // by its last digits, so that country and trunk prefixes do not matter
	KindDate       Kind = "date"        // swapped day and month, one wrong digit, year only; 03/04/1998 is in April
	KindUSDate     Kind = "us_date"     // the same, but 03/04/1998 is in March
	KindNumber     Kind = "number"      // equal, one digit wrong, close
	KindAddress    Kind = "address"     // street types and house number apart
	KindCity       Kind = "city"
	KindPostcode   Kind = "postcode" // equal, one character wrong, same beginning
	KindCategory   Kind = "category" // few values, equal or not: country in any spelling, state, sex
	KindTitle      Kind = "title"    // job title or occupation, by its words
	KindText       Kind = "text"     // words, the rare ones counting more
	KindID         Kind = "id"       // opaque: equal or nearly so
	KindIgnore     Kind = "ignore"   // not looked at
)

var kinds = []Kind{
	KindGivenName, KindFamilyName, KindPersonName, KindPeople, KindCompany, KindEmail, KindDomain, KindPhone, KindDate, KindUSDate, KindNumber, KindAddress, KindCity,
	KindPostcode, KindCategory, KindTitle, KindText, KindID, KindIgnore,
}

// Kinds returns all kinds, in the order of their constants.
func Kinds() []Kind { return slices.Clone(kinds) }

// Field is one column of the rows.
type Field struct {
	Name string `json:"name"` // not empty, no two alike
	Kind Kind   `json:"kind"`
	// Unique forbids that two rows with different values of this field are one: a tax or customer number of one issuer.
	Unique bool `json:"unique,omitempty"`
}

// Leads returns the fields of a B2B lead. A preset is a start: its fields may be renamed, left out or joined by others.
func Leads() []Field {
	return []Field{
		{Name: "first_name", Kind: KindGivenName}, {Name: "last_name", Kind: KindFamilyName}, {Name: "email", Kind: KindEmail},
		{Name: "phone", Kind: KindPhone}, {Name: "company", Kind: KindCompany}, {Name: "domain", Kind: KindDomain},
		{Name: "title", Kind: KindTitle}, {Name: "city", Kind: KindCity}, {Name: "country", Kind: KindCategory},
	}
}

// People returns the fields of a private person.
func People() []Field {
	return []Field{
		{Name: "given_name", Kind: KindGivenName}, {Name: "family_name", Kind: KindFamilyName}, {Name: "date_of_birth", Kind: KindDate},
		{Name: "email", Kind: KindEmail}, {Name: "phone", Kind: KindPhone}, {Name: "address", Kind: KindAddress}, {Name: "city", Kind: KindCity},
		{Name: "postcode", Kind: KindPostcode},
	}
}

// Companies returns the fields of a company or an account.
func Companies() []Field {
	return []Field{
		{Name: "company", Kind: KindCompany}, {Name: "domain", Kind: KindDomain}, {Name: "phone", Kind: KindPhone}, {Name: "address", Kind: KindAddress},
		{Name: "city", Kind: KindCity}, {Name: "postcode", Kind: KindPostcode}, {Name: "country", Kind: KindCategory},
	}
}

// Generic returns a text field for each name.
func Generic(names ...string) []Field {
	fields := make([]Field, len(names))
	for i, name := range names {
		fields[i] = Field{Name: name, Kind: KindText}
	}
	return fields
}

// checkFields returns everything that is wrong with fields, as one error wrapping leadloop.ErrInvalid.
func checkFields(fields []Field) error {
	var errs []error
	seen := map[string]bool{}
	used := 0
	for i, f := range fields {
		switch {
		case f.Name == "":
			errs = append(errs, fmt.Errorf("field %d has no name", i+1))
		case seen[f.Name]:
			errs = append(errs, fmt.Errorf("field %q is there twice", f.Name))
		}
		seen[f.Name] = true
		if !slices.Contains(kinds, f.Kind) {
			errs = append(errs, fmt.Errorf("field %q: kind %q is none of %s", f.Name, f.Kind, joinKinds()))
		}
		if f.Kind != KindIgnore {
			used++
		}
	}
	if used == 0 {
		errs = append(errs, errors.New("no field to compare by"))
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("match: %w: %w", leadloop.ErrInvalid, errors.Join(errs...))
}

func joinKinds() string {
	var names []string
	for _, k := range kinds {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}
