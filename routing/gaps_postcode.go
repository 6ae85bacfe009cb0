package routing

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/leadloop/leadloop"
)

// maxPostcodeGaps bounds how many gaps of a country are told one by one.
const maxPostcodeGaps = 5

// codes are postcodes of one number of digits, from one to another, inclusive.
type codes struct{ digits, from, until int }

// postcodeGaps are the postcodes between those of the territories of a country
// that none of them has: a map with a hole. What lies before the first and
// behind the last is left out, since nobody knows which codes there are.
func (r *Router) postcodeGaps(e *entry) []Gap {
	at, _ := r.schema.Index(leadloop.Country.Name())
	byCountry := map[string][]codes{}
	for i := range r.territories {
		t := &r.territories[i]
		ranges, countries, plain := t.codes(at)
		if !plain || !t.places() || len(ranges) == 0 {
			continue
		}
		for _, country := range countries {
			byCountry[country] = append(byCountry[country], ranges...)
		}
	}
	var out []Gap
	for _, country := range slices.Sorted(maps.Keys(byCountry)) {
		g := &region{r: r, text: map[int]textSet{at: {in: []string{country}}}}
		if !g.meet(&e.cond) {
			continue
		}
		found, more := 0, 0
		for _, hole := range holes(byCountry[country]) {
			values := g.example()
			values[leadloop.Country.Name()] = country
			values[PostcodeField] = fmt.Sprintf("%0*d", hole.digits, hole.from)
			if r.inSomeTerritory(values) {
				continue
			}
			if found++; found > maxPostcodeGaps {
				more++
				continue
			}
			what := "postcode " + values[PostcodeField]
			if hole.from != hole.until {
				what = fmt.Sprintf("postcodes %s to %0*d", values[PostcodeField], hole.digits, hole.until)
			}
			out = append(out, Gap{What: "entry " + e.ID + " finds no territory for " + what, Example: values, At: e.At})
		}
		if more > 0 {
			out[len(out)-1].What += ", nor for " + itoa(more) + " more ranges between the territories of this country"
		}
	}
	return out
}

// codes returns the ranges of a territory, and the countries it is in; false if
// it asks for something besides.
func (t *territory) codes(country int) (ranges []codes, countries []string, plain bool) {
	for i := range t.cond.matchers {
		switch m := &t.cond.matchers[i]; {
		case m.kind == matchPostcode:
			for _, s := range m.spans {
				from, err := strconv.Atoi(s.from)
				until, err2 := strconv.Atoi(strings.TrimRight(s.until, "\x00\U0010ffff"))
				if digits := max(s.digits, len(s.from)); err == nil && err2 == nil && isDigits(s.from) {
					// A beginning such as 80* has all that begin so; of these
					// nobody knows how long they are.
					if s.digits > 0 || s.until == s.from+"\x00" {
						ranges = append(ranges, codes{digits, from, until})
					}
				}
			}
		case m.kind == matchText && m.field == country:
			countries = m.oneOf
		default:
			return nil, nil, false
		}
	}
	return ranges, countries, true
}

// holes are the codes between ranges of the same number of digits.
func holes(list []codes) []codes {
	slices.SortFunc(list, func(a, b codes) int {
		return cmp.Or(cmp.Compare(a.digits, b.digits), cmp.Compare(a.from, b.from), cmp.Compare(a.until, b.until))
	})
	var out []codes
	for i, last := 1, list[0].until; i < len(list); i++ {
		next := list[i]
		if next.digits != list[i-1].digits {
			last = next.until
			continue
		}
		if next.from > last+1 {
			out = append(out, codes{next.digits, last + 1, next.from - 1})
		}
		last = max(last, next.until)
	}
	return out
}

// inSomeTerritory reports whether a territory that names somebody has, or could
// have, a lead of which nothing else is known.
func (r *Router) inSomeTerritory(values map[string]string) bool {
	p := r.schema.NewProfile()
	for name, s := range values {
		if name != "tier" && p.SetValue(name, leadloop.ValueOf(s)) != nil {
			return true // a number is asked for, which is another matter
		}
	}
	d := &decision{r: r, asked: asked{q: Request{Lead: &leadloop.Lead{}, Profile: p}}}
	d.q.vars(&d.vars)
	in := d.territories(context.Background())
	return slices.ContainsFunc(in.in, func(i int32) bool { return r.territories[i].places() }) ||
		slices.ContainsFunc(in.could, func(u undecided) bool {
			return r.territories[u.territory].places() && !slices.Contains(u.needs, leadloop.Domain.Name())
		})
}
