package enrich

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/normalize"
)

// sameBand is how far two numbers may lie apart and still say the same, as a
// share of the larger one.
const sameBand = 0.2

// The upper bounds of size classes, as directories and rules draw them.
var (
	employeeClasses = []float64{10, 50, 200, 500, 1_000, 5_000, 10_000}
	revenueClasses  = []float64{1e6, 1e7, 5e7, 1e8, 5e8, 1e9}
)

// SameValue reports whether a provider's value of a field says what is known,
// in the way that matters for the field:
//
//   - company names by their normalised name, domains by registrable domain,
//     people's names by normalised name;
//   - countries by code;
//   - titles by seniority where both have one, else word for word;
//   - employees and revenue within 20 % of the larger or in the same size class
//     (up to 10, 50, 200, 500, 1,000, 5,000, 10,000 and more employees; up to
//     1, 10, 50, 100, 500, 1,000 million and more), other numbers within 20 %,
//     the year founded within a year;
//   - lists if at least half of what either names is named by both;
//   - times on the same day (UTC), all else word for word without regard to
//     case, accents and punctuation.
//
// Values of different kinds, or not present, are never the same.
func SameValue(field string, known, got leadloop.Value) bool {
	if known.Presence() != leadloop.Present || got.Presence() != leadloop.Present || known.Kind() != got.Kind() {
		return false
	}
	switch known.Kind() {
	case leadloop.KindInt, leadloop.KindFloat:
		a, _ := number(known)
		b, _ := number(got)
		switch field {
		case leadloop.Founded.Name():
			return math.Abs(a-b) <= 1
		case leadloop.Employees.Name():
			return near(a, b) || sizeClass(employeeClasses, a) == sizeClass(employeeClasses, b)
		case leadloop.Revenue.Name():
			return near(a, b) || sizeClass(revenueClasses, a) == sizeClass(revenueClasses, b)
		}
		return near(a, b)
	case leadloop.KindStrings:
		return sameList(known, got)
	case leadloop.KindTime:
		ay, am, ad := known.Time().UTC().Date()
		by, bm, bd := got.Time().UTC().Date()
		return ay == by && am == bm && ad == bd
	case leadloop.KindString:
		return sameText(field, known.Text(), got.Text())
	}
	return known.Equal(got)
}

func near(a, b float64) bool {
	return math.Abs(a-b) <= sameBand*max(math.Abs(a), math.Abs(b))
}

func sizeClass(bounds []float64, n float64) int {
	i, _ := slices.BinarySearch(bounds, n)
	return i
}

func sameText(field, known, got string) bool {
	if strings.EqualFold(known, got) {
		return true
	}
	switch field {
	case leadloop.CompanyName.Name():
		a, b := normalize.Company(known).Key, normalize.Company(got).Key
		return a != "" && a == b
	case leadloop.FirstName.Name(), leadloop.LastName.Name():
		a, b := normalize.NameKey(known), normalize.NameKey(got)
		return a != "" && a == b
	case leadloop.Domain.Name():
		a, errA := normalize.Domain(known)
		b, errB := normalize.Domain(got)
		return errA == nil && errB == nil && a == b
	case leadloop.Country.Name(), leadloop.CompanyCountry.Name():
		a, okA := normalize.Country(known)
		b, okB := normalize.Country(got)
		return okA && okB && a == b
	case leadloop.Title.Name():
		if a, b := normalize.Title(known).Seniority, normalize.Title(got).Seniority; a != "" && b != "" {
			return a == b
		}
	case leadloop.Email.Name(), leadloop.Phone.Name(), leadloop.Mobile.Name(), leadloop.LinkedInURL.Name():
		return false // in canonical form already: another character is another one
	}
	a, b := normalize.Fold(known), normalize.Fold(got)
	return a != "" && a == b
}

func sameList(known, got leadloop.Value) bool {
	set := map[string]int{}
	for i := range known.Len() {
		set[normalize.Fold(known.At(i))] |= 1
	}
	for i := range got.Len() {
		set[normalize.Fold(got.At(i))] |= 2
	}
	both := 0
	for _, sides := range set {
		if sides == 3 {
			both++
		}
	}
	return len(set) > 0 && 2*both >= len(set)
}

// segment names the group that a record belongs to by a value.
func segment(field string, v leadloop.Value) string {
	if v.Presence() != leadloop.Present {
		return ""
	}
	n, isNumber := number(v)
	switch {
	case field == leadloop.Revenue.Name():
		return classOf(revenueClasses, n)
	case field == leadloop.Founded.Name():
		return v.String()
	case isNumber:
		return classOf(employeeClasses, n)
	}
	return v.String()
}

func classOf(bounds []float64, n float64) string {
	i := sizeClass(bounds, n)
	switch {
	case i == 0:
		return "up to " + bound(bounds[0])
	case i == len(bounds):
		return "over " + bound(bounds[i-1])
	}
	return "over " + bound(bounds[i-1]) + " to " + bound(bounds[i])
}

// bound writes 1500 as 1500 and 1e6 as 1M.
func bound(n float64) string {
	if n >= 1e6 {
		return strconv.FormatFloat(n/1e6, 'f', -1, 64) + "M"
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}
