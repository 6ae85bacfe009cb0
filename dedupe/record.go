package dedupe

import (
	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe/match"
)

// MatchFields are the fields of the standard schema that tell people apart, for a learnt model over leads: those of the preset match.Leads, and
// the mobile number and the LinkedIn page.
func MatchFields() []match.Field {
	return append(match.Leads(), match.Field{Name: "mobile", Kind: match.KindPhone}, match.Field{Name: "linkedin_url", Kind: match.KindID})
}

// otherNames are the fields of the preset that are called otherwise in the standard schema.
var otherNames = map[string]string{"company": leadloop.CompanyName.Name(), "linkedin": leadloop.LinkedInURL.Name(), "website": leadloop.Domain.Name()}

// MatchRecord returns the row of a lead for a learnt model with these fields: its golden values under policy (nil means DefaultPolicy). A field's
// name is that of the schema ("lead.email"), or the part of it behind the dot, of lead fields first; "company", "website" and "linkedin" are
// understood too. What the lead does not say, and fields that the schema does not have, are "".
//
// A lead that others were merged into is one row: what only a losing claim says is not in it.
func MatchRecord(l *leadloop.Lead, schema *leadloop.Schema, policy leadloop.SurvivorshipPolicy, fields []match.Field) match.Record {
	if policy == nil {
		policy = defaultPolicy()
	}
	profile := leadloop.Golden(schema, policy, l.Claims)
	r := match.Record{ID: string(l.ID), Values: make([]string, len(fields))}
	for i, f := range fields {
		if name, ok := schemaName(schema, f.Name); ok {
			if v := profile.Value(name); v.Presence() == leadloop.Present {
				r.Values[i] = v.String()
			}
		}
	}
	return r
}

func schemaName(schema *leadloop.Schema, name string) (string, bool) {
	for _, full := range []string{name, "lead." + name, "company." + name, otherNames[name]} {
		if _, ok := schema.Lookup(full); ok {
			return full, true
		}
	}
	return "", false
}
