package benchmarks

import (
	"math/rand/v2"
	"slices"
)

// maxRules is what an Outcome has room for.
const maxRules = 640

var (
	stringFields = []struct {
		name   string
		values []string
	}{
		{"company.industry", industries}, {"lead.country", countries}, {"lead.seniority", seniorities},
		{"lead.department", departments}, {"lead.email_domain", domains}, {"lead.source", sources},
		{"company.funding_stage", stages}, {"lead.campaign", campaigns}, {"lead.title", titles},
	}
	intFields = []struct {
		name string
		max  int64
	}{
		{"company.employees", 3000}, {"company.revenue", 30_000_000}, {"company.founded", 2026},
		{"lead.form_fields", 9}, {"lead.emails_opened", 8}, {"lead.emails_clicked", 4},
	}
	floatFields = []struct {
		name string
		max  float64
	}{{"lead.session_minutes", 30}, {"company.growth_rate", 1}}
	boolFields = []string{"lead.has_phone", "lead.opted_in", "lead.unsubscribed", "lead.is_customer"}
	timeFields = []string{"lead.active_at", "lead.created_at"}
	pieces     = map[string][]string{
		"lead.title":        {"Head", "Chief", "VP", "Engineer", "Officer", "Data", "Sales", "Growth", "Lead", "Manager", "Student", "Analyst"},
		"lead.email":        {".edu", ".com", ".io", ".dev", "mit", "user1", "user2", "corp", "gmail", "info"},
		"lead.campaign":     {"brand", "retarget", "content", "launch", "_q4", "_emea", "_ai", "none"},
		"lead.email_domain": {".edu", ".com", ".io", ".co", "mail", "corp", "init", "umb"},
	}
	pieceFields = []string{"lead.title", "lead.email", "lead.campaign", "lead.email_domain"}
	windows     = []int{24, 72, 168, 336, 720, 1440, 2160}
)

// drawn returns a condition of the sort of like, with another field and other
// constants.
func drawn(r *rand.Rand, like condition) condition {
	switch like := like.(type) {
	case is, oneOf:
		return drawnString(r)
	case compare:
		return drawnNumber(r)
	case share:
		return share{like.part, like.whole, float64(1+r.IntN(99)) / 100}
	case matches:
		return drawnMatch(r)
	case flag:
		return drawnFlags(r)
	case age:
		return age{pick(r, timeFields), pick(r, []string{"<", ">"}), 24 * (1 + r.IntN(120))}
	case happened:
		return happened{pick(r, eventTypes), pick(r, windows), ">=", 1 + r.IntN(6)}
	case silent:
		return silent{24 * (1 + r.IntN(90))}
	case holds:
		return holds{"company.technologies", pick(r, technologies)}
	case holdsPrefix:
		return holdsPrefix{"company.technologies", pick(r, technologies)[:1+r.IntN(2)]}
	case not:
		return not{drawn(r, like.of)}
	case allOf:
		if _, ok := like[0].(flag); ok {
			return drawnFlags(r)
		}
		return allOf(drawnAll(r, like))
	case someOf:
		return someOf(drawnAll(r, like))
	}
	panic("a sort of condition that is not drawn")
}

// drawnAll draws parts that all differ.
func drawnAll(r *rand.Rand, like []condition) []condition {
	var out []condition
	for _, part := range like {
		c := drawn(r, part)
		for slices.ContainsFunc(out, func(o condition) bool { return o.text(celText) == c.text(celText) }) {
			c = drawn(r, part)
		}
		out = append(out, c)
	}
	return out
}

func drawnString(r *rand.Rand) condition {
	f := pick(r, stringFields)
	n := 1 + r.IntN(min(6, len(f.values)-1))
	if n == 1 {
		return is{f.name, pick(r, f.values)}
	}
	var values []string
	for _, i := range r.Perm(len(f.values))[:n] {
		values = append(values, f.values[i])
	}
	return oneOf{f.name, values}
}

func drawnNumber(r *rand.Rand) condition {
	op := pick(r, []string{">=", "<", ">"})
	if r.IntN(3) == 0 {
		f := pick(r, floatFields)
		return compare{f.name, op, f.max * float64(1+r.IntN(99)) / 100}
	}
	f := pick(r, intFields)
	if f.name == "company.founded" {
		return compare{f.name, op, f.max - int64(r.IntN(46))}
	}
	return compare{f.name, op, 1 + r.Int64N(f.max)}
}

func drawnMatch(r *rand.Rand) condition {
	f := pick(r, pieceFields)
	return matches{f, pick(r, []string{"contains", "startsWith", "endsWith"}), pick(r, pieces[f])}
}

// drawnFlags asks for one to three of the few bools, each of them true or false.
func drawnFlags(r *rand.Rand) condition {
	var out allOf
	order := r.Perm(len(boolFields))
	for _, i := range order[:1+r.IntN(3)] {
		var c condition = flag{boolFields[i]}
		if r.IntN(2) == 0 {
			c = not{c}
		}
		out = append(out, c)
	}
	if len(out) == 1 {
		return out[0]
	}
	return out
}
