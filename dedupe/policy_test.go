package dedupe_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe"
)

var update = flag.Bool("update", false, "rewrite golden files")

var day0 = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func day(n int) time.Time { return day0.AddDate(0, 0, n) }

// by is evidence of an origin, named source, observed on day n.
func by(o leadloop.Origin, source string, n int) leadloop.Evidence {
	return leadloop.Evidence{Origin: o, Source: source, ObservedAt: day(n)}
}

func with(e leadloop.Evidence, change func(*leadloop.Evidence)) leadloop.Evidence {
	change(&e)
	return e
}

const (
	rep      = leadloop.OriginRep
	person   = leadloop.OriginPerson
	imported = leadloop.OriginImport
	provider = leadloop.OriginProvider
	derived  = leadloop.OriginDerived
)

func TestPolicy(t *testing.T) {
	city := func(v string, e leadloop.Evidence) leadloop.Claim { return leadloop.City.Claim(v, e) }
	phone := func(v string, e leadloop.Evidence) leadloop.Claim { return leadloop.Phone.Claim(v, e) }
	tech := func(e leadloop.Evidence, v ...string) leadloop.Claim { return leadloop.Technologies.Claim(v, e) }
	consent := func(v string, e leadloop.Evidence) leadloop.Claim { return leadloop.Consent.Claim(v, e) }
	verified := func(e leadloop.Evidence, n int) leadloop.Evidence {
		return with(e, func(e *leadloop.Evidence) { e.VerifiedAt = day(n) })
	}
	sure := func(e leadloop.Evidence, c float64) leadloop.Evidence {
		return with(e, func(e *leadloop.Evidence) { e.Confidence = c })
	}
	pin := func(e leadloop.Evidence, p leadloop.Pin) leadloop.Evidence {
		return with(e, func(e *leadloop.Evidence) { e.Pin = p })
	}
	record := func(e leadloop.Evidence, id leadloop.LeadID) leadloop.Evidence {
		return with(e, func(e *leadloop.Evidence) { e.Record = id })
	}
	type claims = []leadloop.Claim
	noGroups := func(lines string) string { return "groups: []\n" + lines }
	for _, tc := range []struct {
		name   string
		policy string
		claims claims
		want   string // "field=value" of every field that is not absent, joined by spaces
	}{
		{"by default the most recently verified wins", "", claims{phone("1", verified(by(provider, "a", 1), 9)), phone("2", by(provider, "b", 5))}, "phone=1"},
		{"a fresh observation counts as a verification", "", claims{phone("1", verified(by(provider, "a", 1), 3)), phone("2", by(provider, "b", 5))}, "phone=2"},
		{"most recent looks at the observation only", "default: most_recent", claims{phone("1", verified(by(provider, "a", 1), 9)), phone("2", by(provider, "b", 5))}, "phone=2"},
		{"source priority takes the first source that has a value", "fields: {lead.phone: {kind: source_priority, sources: [c, a]}}",
			claims{phone("1", by(provider, "a", 1)), phone("2", by(provider, "b", 5)), phone("3", by(provider, "a", 3))}, "phone=3"},
		{"source priority falls back to sources that are not listed", "fields: {lead.phone: {kind: source_priority, sources: [c]}}",
			claims{phone("1", by(provider, "a", 1)), phone("2", by(provider, "b", 5))}, "phone=2"},
		{"the definition's sources serve fields without their own", "default: source_priority\nsources: [a, b]", claims{phone("1", by(provider, "a", 1)), phone("2", by(provider, "b", 5))}, "phone=1"},
		{"the highest confidence wins, no confidence comes last", "default: highest_confidence",
			claims{phone("1", sure(by(provider, "a", 1), 0.7)), phone("2", sure(by(provider, "b", 2), 0.4)), phone("3", by(provider, "c", 3))}, "phone=1"},
		{"the most frequent value wins, one vote per source and record", "default: most_frequent",
			claims{phone("1", by(provider, "a", 1)), phone("1", by(provider, "b", 1)), phone("2", by(provider, "c", 2)), phone("2", by(provider, "c", 3)), phone("2", by(provider, "c", 4))}, "phone=1"},
		{"a source that changed its mind votes once", "default: most_frequent",
			claims{phone("1", by(provider, "a", 1)), phone("1", by(provider, "b", 1)), phone("2", by(provider, "a", 2)), phone("2", by(provider, "c", 2))}, "phone=2"},
		{"a source votes once per record", "default: most_frequent",
			claims{phone("1", record(by(provider, "a", 1), "r1")), phone("1", record(by(provider, "a", 2), "r2")), phone("2", by(provider, "b", 9))}, "phone=1"},
		{"the longest text wins by characters, not bytes", noGroups("fields: {lead.city: {kind: longest}}"),
			claims{city("Łódź", by(provider, "a", 1)), city("Paris", by(provider, "b", 0)), city("Rome", by(provider, "c", 2))}, "city=Paris"},
		{"the longest list wins by elements", "fields: {company.technologies: {kind: longest}}", claims{tech(by(provider, "a", 1), "go", "aws"), tech(by(provider, "b", 2), "kubernetes")}, "technologies=go, aws"},
		{"a field with a rule of its own leaves the default group", "fields: {lead.city: {kind: oldest}}",
			claims{leadloop.Country.Claim("US", by(provider, "b", 2)), city("Rome", by(provider, "a", 1)), city("Boston", by(provider, "b", 2)), leadloop.Region.Claim("MA", by(provider, "b", 2))}, "country=US region=MA city=Rome"},
		{"the oldest wins", noGroups("fields: {lead.city: {kind: oldest}}"), claims{city("Rome", by(provider, "a", 2)), city("Oslo", by(provider, "b", 1))}, "city=Oslo"},
		{"technologies are united by default, each source with its latest", "",
			claims{tech(by(provider, "a", 1), "go", "perl"), tech(by(provider, "a", 2), "go"), tech(by(rep, "ana", 1), "aws", "go")}, "technologies=aws, go"},
		{"a rule for technologies replaces the union", "fields: {company.technologies: {kind: most_recent}}", claims{tech(by(provider, "a", 1), "go"), tech(by(provider, "b", 2), "aws")}, "technologies=aws"},

		{"a vendor never clobbers what a rep typed", "", claims{phone("1", by(rep, "ana", 1)), phone("2", verified(by(provider, "a", 5), 9))}, "phone=1"},
		{"origins rank rep, person, import, provider, derived", "", claims{phone("1", by(derived, "x", 9)), phone("2", by(provider, "x", 8)), phone("3", by(imported, "x", 7)), phone("4", by(person, "x", 6))}, "phone=4"},
		{"an import beats a vendor", "", claims{phone("2", by(provider, "x", 8)), phone("3", by(imported, "x", 7))}, "phone=3"},
		{"without the hierarchy of a field the kind alone decides", "fields: {lead.phone: {hierarchy: false}}", claims{phone("1", by(rep, "ana", 1)), phone("2", by(provider, "a", 5))}, "phone=2"},
		{"without any hierarchy the kind alone decides", "hierarchy: false", claims{phone("1", by(rep, "ana", 1)), phone("2", by(provider, "a", 5))}, "phone=2"},
		{"a field can have the hierarchy back", "hierarchy: false\nfields: {lead.phone: {hierarchy: true}}", claims{phone("1", by(rep, "ana", 1)), phone("2", by(provider, "a", 5))}, "phone=1"},

		{"a pin wins over later claims", "", claims{phone("1", pin(by(rep, "ana", 1), leadloop.Pinned)), phone("2", by(rep, "ben", 5))}, "phone=1"},
		{"a person's pin wins over a rep's claim", "", claims{phone("1", pin(by(person, "portal", 1), leadloop.Pinned)), phone("2", by(rep, "ben", 5))}, "phone=1"},
		{"the latest pin wins", "", claims{phone("1", pin(by(rep, "ana", 1), leadloop.Pinned)), phone("2", pin(by(rep, "ben", 2), leadloop.Pinned))}, "phone=2"},
		{"an unpin releases earlier pins and is no candidate itself", "",
			claims{phone("1", pin(by(rep, "ana", 1), leadloop.Pinned)), phone("2", by(rep, "ben", 5)), phone("3", pin(by(rep, "ana", 6), leadloop.Unpinned))}, "phone=2"},
		{"a pin after the release holds", "",
			claims{phone("1", pin(by(rep, "ana", 7), leadloop.Pinned)), phone("2", by(rep, "ben", 9)), phone("3", pin(by(rep, "ana", 6), leadloop.Unpinned))}, "phone=1"},
		{"a pinned blank keeps the field empty", "", claims{phone("", pin(by(rep, "ana", 1), leadloop.Pinned)), phone("2", by(rep, "ben", 5))}, "phone=(empty)"},
		{"a vendor can't pin", "", claims{phone("1", pin(by(provider, "a", 1), leadloop.Pinned)), phone("2", by(provider, "b", 5))}, "phone=2"},
		{"a lone unpin leaves the field absent", "", claims{phone("1", pin(by(rep, "ana", 1), leadloop.Unpinned))}, ""},

		{"an ignored source is never believed", "ignore: [a]", claims{phone("1", by(rep, "a", 9))}, ""},
		{"a source can be ignored for one field", "fields: {lead.phone: {ignore: [a]}}", claims{phone("1", by(provider, "a", 9)), phone("2", by(provider, "b", 1)), leadloop.Title.Claim("CTO", by(provider, "a", 9))}, "phone=2 title=CTO"},

		{"what a person ignores gives way to anybody else", "",
			claims{phone("1", by(provider, "a", 9)), phone("1", pin(by(rep, "ana", 9), leadloop.Ignored)), phone("2", by(derived, "b", 1))}, "phone=2"},
		{"what a person ignores comes last, whatever the strategy", "default: oldest\nhierarchy: false",
			claims{phone("1", by(provider, "a", 1)), phone("1", pin(by(person, "portal", 2), leadloop.Ignored)), phone("2", by(provider, "b", 5)), phone("3", by(provider, "c", 6))}, "phone=2"},
		{"what a person ignores is returned if nobody says anything else", "", claims{phone("1", by(provider, "a", 1)), phone("1", pin(by(rep, "ana", 2), leadloop.Ignored))}, "phone=1"},
		{"a source that is ignored stays ignored when it updates the value", "",
			claims{phone("1", by(provider, "a", 1)), phone("1", pin(by(rep, "ana", 2), leadloop.Ignored)), phone("3", by(provider, "a", 9)), phone("2", by(provider, "b", 1))}, "phone=2"},
		{"the same source may speak about another record", "",
			claims{phone("1", record(by(provider, "a", 1), "r1")), phone("1", pin(by(rep, "ana", 2), leadloop.Ignored)), phone("3", record(by(provider, "a", 9), "r2")), phone("2", by(provider, "b", 1))}, "phone=3"},
		{"an ignored value is ignored whoever says it", "",
			claims{phone("1", by(provider, "a", 1)), phone("1", pin(by(rep, "ana", 2), leadloop.Ignored)), phone("1", by(imported, "crm", 9)), phone("2", by(provider, "b", 1))}, "phone=2"},
		{"a rep who says it afterwards is believed", "",
			claims{phone("1", by(provider, "a", 1)), phone("1", pin(by(rep, "ana", 2), leadloop.Ignored)), phone("1", by(rep, "ben", 9)), phone("2", by(provider, "b", 10))}, "phone=1"},
		{"a pin wins over what is ignored", "",
			claims{phone("1", pin(by(rep, "ana", 1), leadloop.Pinned)), phone("1", pin(by(rep, "ben", 2), leadloop.Ignored)), phone("2", by(provider, "b", 10))}, "phone=1"},
		{"an unpin releases what was ignored", "",
			claims{phone("1", by(imported, "a", 1)), phone("1", pin(by(rep, "ana", 2), leadloop.Ignored)), phone("1", pin(by(rep, "ana", 3), leadloop.Unpinned)), phone("2", by(provider, "b", 10))}, "phone=1"},
		{"a vendor can't have others ignored", "", claims{phone("1", by(imported, "a", 1)), phone("1", pin(by(provider, "x", 2), leadloop.Ignored)), phone("2", by(provider, "b", 10))}, "phone=1"},
		{"an ignored country takes its city along", "",
			claims{leadloop.Country.Claim("US", by(imported, "a", 9)), city("Boston", by(imported, "a", 9)), leadloop.Country.Claim("US", pin(by(rep, "ana", 9), leadloop.Ignored)),
				leadloop.Country.Claim("DE", by(provider, "b", 1)), city("Munich", by(provider, "b", 1))}, "country=DE city=Munich"},
		{"a refusal can't be ignored", "", claims{consent("withdrawn", by(person, "demo", 1)), consent("withdrawn", pin(by(rep, "ana", 2), leadloop.Ignored)), consent("granted", by(person, "demo", 1))}, "consent=withdrawn"},
		{"ignoring a consent says none", "", claims{consent("granted", pin(by(rep, "ana", 2), leadloop.Ignored))}, ""},
		{"the first source can't be ignored", "",
			claims{leadloop.Source.Claim("google", by(person, "demo", 1)), leadloop.Source.Claim("google", pin(by(rep, "ana", 2), leadloop.Ignored)), leadloop.Source.Claim("direct", by(person, "web", 3))}, "source=google"},

		{"a blank answer does not clobber", "", claims{phone("1", by(person, "webinar", 1)), phone("", by(person, "demo", 5))}, "phone=1"},
		{"a vendor's blank does not clobber", "", claims{phone("1", by(provider, "a", 1)), phone("", by(provider, "a", 5))}, "phone=1"},
		{"what a rep cleared is cleared", "", claims{phone("1", by(person, "demo", 1)), phone("", by(rep, "ana", 5))}, "phone=(empty)"},
		{"a vendor does not bring back what a rep cleared", "", claims{phone("", by(rep, "ana", 5)), phone("1", by(provider, "a", 9))}, "phone=(empty)"},
		{"without the hierarchy a later value fills what was cleared", "hierarchy: false", claims{phone("", by(rep, "ana", 5)), phone("1", by(provider, "a", 9))}, "phone=1"},
		{"a rep's later value ends the clearing", "", claims{phone("", by(rep, "ana", 5)), phone("1", by(rep, "ben", 6))}, "phone=1"},
		{"a person clears through the source that gave the value", "", claims{phone("1", by(person, "portal", 1)), phone("", by(person, "portal", 5))}, "phone=(empty)"},
		{"an import clears what it gave before", "", claims{phone("1", by(imported, "crm", 1)), phone("", by(imported, "crm", 5))}, "phone=(empty)"},
		{"an import's blank that never had a value does not clobber", "", claims{phone("1", by(imported, "crm", 1)), phone("", by(imported, "list", 5))}, "phone=1"},
		{"a person can't clear what a rep typed", "", claims{phone("1", by(rep, "ana", 1)), phone("2", by(person, "portal", 1)), phone("", by(person, "portal", 5))}, "phone=1"},
		{"clearing a list ends the union of what was there", "", claims{tech(by(provider, "a", 1), "go"), tech(by(rep, "ana", 2)), tech(by(provider, "b", 3), "aws")}, "technologies=aws"},

		{"known absent loses to any value of another source", "", claims{phone("1", by(provider, "a", 1)), leadloop.Phone.None(by(provider, "b", 9))}, "phone=1"},
		{"known absent withdraws an older value of its own source", "", claims{phone("1", by(provider, "a", 1)), leadloop.Phone.None(by(provider, "a", 9))}, "phone=(known absent)"},
		{"a withdrawn value leaves the field to others", "", claims{phone("1", by(provider, "a", 4)), leadloop.Phone.None(by(provider, "a", 9)), phone("2", by(provider, "b", 1))}, "phone=2"},
		{"a value after known absent holds", "", claims{phone("1", by(provider, "a", 9)), leadloop.Phone.None(by(provider, "a", 1))}, "phone=1"},
		{"known absent says more than a blank", "", claims{leadloop.Phone.None(by(provider, "a", 1)), phone("", by(person, "demo", 9))}, "phone=(known absent)"},
		{"a blank alone is empty", "", claims{phone("", by(person, "demo", 9))}, "phone=(empty)"},

		{"the most restrictive consent wins over pins, origins and time", "default: most_recent",
			claims{consent("granted", pin(by(rep, "ana", 9), leadloop.Pinned)), consent("withdrawn", by(provider, "a", 1)), consent("denied", by(person, "demo", 5))}, "consent=withdrawn"},
		{"a double opt-in that its own source confirmed is granted", "", claims{consent("pending", by(person, "demo", 1)), consent("granted", by(person, "demo", 2))}, "consent=granted"},
		{"another source does not confirm a double opt-in", "", claims{consent("pending", by(person, "demo", 1)), consent("granted", by(imported, "list", 2))}, "consent=pending"},
		{"a blank does not undo a withdrawal", "", claims{consent("withdrawn", by(person, "demo", 1)), consent("", by(rep, "ana", 2))}, "consent=withdrawn"},
		{"what is no known consent is no permission", "", claims{consent("granted", by(person, "demo", 1)), consent("maybe", by(person, "demo", 1))}, "consent=maybe"},
		{"an ignored source can't permit", "ignore: [list]", claims{consent("granted", by(imported, "list", 1))}, ""},
		{"an ignored source can restrict", "ignore: [list]", claims{consent("denied", by(imported, "list", 1)), consent("granted", by(person, "demo", 2))}, "consent=denied"},

		{"the first source stays, even against a rep's pin", "default: most_recent",
			claims{leadloop.Source.Claim("google", by(provider, "a", 1)), leadloop.Source.Claim("direct", pin(by(rep, "ana", 5), leadloop.Pinned))}, "source=google"},
		{"the first source is not cleared", "", claims{leadloop.Source.Claim("google", by(person, "demo", 1)), leadloop.Source.Claim("", by(rep, "ana", 5))}, "source=google"},
		{"medium and campaign follow the first source", "",
			claims{leadloop.Source.Claim("google", by(person, "demo", 1)), leadloop.Medium.Claim("cpc", by(person, "demo", 1)),
				leadloop.Source.Claim("newsletter", by(person, "webinar", 5)), leadloop.Medium.Claim("email", by(person, "webinar", 5)), leadloop.Campaign.Claim("nov", by(person, "webinar", 5))},
			"source=google medium=cpc"},

		{"an address follows one source whole", "",
			claims{leadloop.Country.Claim("US", by(person, "demo", 5)), city("Boston", by(person, "demo", 5)),
				leadloop.Country.Claim("DE", by(provider, "a", 9)), leadloop.Region.Claim("BY", by(provider, "a", 9)), city("Munich", by(provider, "a", 9))}, "country=US city=Boston"},
		{"two observations of one source are not mixed", "",
			claims{leadloop.Country.Claim("US", by(provider, "a", 5)), leadloop.Region.Claim("NY", by(provider, "a", 5)), leadloop.Country.Claim("US", by(provider, "a", 1)), city("Boston", by(provider, "a", 1))},
			"country=US region=NY"},
		{"two records of one source are not mixed", "",
			claims{leadloop.Country.Claim("US", record(by(provider, "a", 5), "r2")), leadloop.Region.Claim("NY", record(by(provider, "a", 5), "r2")), city("Boston", record(by(provider, "a", 5), "r1"))},
			"country=US region=NY"},
		{"a bare country is completed by one source that agrees on it", "",
			claims{leadloop.Country.Claim("US", by(person, "demo", 5)), leadloop.Country.Claim("US", by(provider, "a", 1)), leadloop.Region.Claim("CA", by(provider, "a", 1)), city("Oakland", by(provider, "a", 1)),
				leadloop.Country.Claim("DE", by(provider, "b", 9)), leadloop.Region.Claim("BY", by(provider, "b", 9))}, "country=US region=CA city=Oakland"},
		{"without a country the rest comes from one source", "",
			claims{leadloop.Region.Claim("CA", by(provider, "a", 1)), city("Oakland", by(provider, "a", 1)), city("Munich", by(provider, "b", 9))}, "city=Munich"},
		{"a rep's correction of one field stands", "",
			claims{leadloop.Country.Claim("US", by(provider, "a", 5)), leadloop.Region.Claim("CA", by(provider, "a", 5)), city("San Jose", by(provider, "a", 5)), city("Oakland", by(rep, "ana", 3))},
			"country=US region=CA city=Oakland"},
		{"a rep's newer address replaces an older correction", "",
			claims{leadloop.Country.Claim("US", by(rep, "ben", 5)), leadloop.Region.Claim("CA", by(rep, "ben", 5)), city("San Jose", by(rep, "ben", 5)), city("Oakland", by(rep, "ana", 3))},
			"country=US region=CA city=San Jose"},
		{"a pin wins over its group", "",
			claims{leadloop.Country.Claim("US", by(rep, "ben", 5)), city("San Jose", by(rep, "ben", 5)), city("Oakland", pin(by(rep, "ana", 3), leadloop.Pinned))}, "country=US city=Oakland"},
		{"a cleared country takes its city along", "",
			claims{leadloop.Country.Claim("US", by(person, "demo", 1)), city("Boston", by(person, "demo", 1)), leadloop.Country.Claim("", by(rep, "ana", 3))}, "country=(empty)"},
		{"what came with a cleared country stands", "",
			claims{leadloop.Country.Claim("US", by(person, "demo", 1)), city("Boston", by(person, "demo", 1)), leadloop.Country.Claim("", by(rep, "ana", 3)), city("Oslo", by(rep, "ana", 3))}, "country=(empty) city=Oslo"},
		{"without groups each field is on its own", "groups: []",
			claims{leadloop.Country.Claim("US", by(person, "demo", 5)), leadloop.Country.Claim("DE", by(provider, "a", 9)), city("Munich", by(provider, "a", 9))}, "country=US city=Munich"},
		{"a group can have another anchor", "groups: [{name: hq, anchor: company.domain, fields: [company.name, company.domain]}]",
			claims{leadloop.Domain.Claim("acme.com", by(person, "demo", 1)), leadloop.CompanyName.Claim("Acme", by(person, "demo", 1)), leadloop.CompanyName.Claim("Globex", by(person, "webinar", 9))},
			"name=Acme domain=acme.com"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := mustPolicy(t, tc.policy)
			for _, claims := range permutations(tc.claims) {
				if diff := cmp.Diff(tc.want, golden(p, claims)); diff != "" {
					t.Fatalf("golden values of %v (-want +got):\n%s", claims, diff)
				}
			}
		})
	}
}

func mustPolicy(t *testing.T, text string) *dedupe.Policy {
	t.Helper()
	var def dedupe.PolicyDefinition
	if text != "" {
		var err error
		if def, err = dedupe.ParsePolicy("survivorship.yaml", []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	p, err := dedupe.NewPolicy(def, leadloop.StandardSchema())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func golden(p leadloop.SurvivorshipPolicy, claims []leadloop.Claim) string {
	profile := leadloop.Golden(leadloop.StandardSchema(), p, claims)
	var out []string
	for i := range profile.Schema().Len() {
		if v := profile.At(i); v.Presence() != leadloop.Absent {
			_, name, _ := strings.Cut(profile.Schema().At(i).Name, ".")
			out = append(out, name+"="+v.String())
		}
	}
	return strings.Join(out, " ")
}

// permutations returns all rotations of the claims, forwards and backwards.
func permutations(claims []leadloop.Claim) (out [][]leadloop.Claim) {
	for i := range claims {
		p := slices.Concat(claims[i:], claims[:i])
		q := slices.Clone(p)
		slices.Reverse(q)
		out = append(out, p, q)
	}
	return out
}

// drawClaims makes claims that collide often: few fields, values, sources and times.
func drawClaims(t *rapid.T, record leadloop.LeadID, label string) []leadloop.Claim {
	evidence := rapid.Custom(func(t *rapid.T) leadloop.Evidence {
		e := leadloop.Evidence{
			Origin: leadloop.Origin(rapid.IntRange(0, 4).Draw(t, "origin")), Source: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "source"), Record: record,
			ObservedAt: day(rapid.IntRange(0, 3).Draw(t, "observed")), Confidence: rapid.SampledFrom([]float64{0, 0.5, 1}).Draw(t, "confidence"),
			Pin: rapid.SampledFrom([]leadloop.Pin{leadloop.NotPinned, leadloop.NotPinned, leadloop.NotPinned, leadloop.Pinned, leadloop.Unpinned, leadloop.Ignored}).Draw(t, "pin"),
		}
		if rapid.Bool().Draw(t, "verified") {
			e.VerifiedAt = day(rapid.IntRange(0, 5).Draw(t, "at"))
		}
		return e
	})
	claim := rapid.Custom(func(t *rapid.T) leadloop.Claim {
		e := evidence.Draw(t, "evidence")
		texts := map[string][]string{
			"lead.email": {"jane@acme.com", "jane+x@acme.com", "jd@gmail.com", "info@acme.com"}, "lead.phone": {"+14157652671", "+4930123456", "0000000"},
			"lead.first_name": {"Jane", "J."}, "lead.last_name": {"Doe", "Roe"}, "company.name": {"Acme Inc", "Globex"}, "company.domain": {"acme.com", "gmail.com"},
			"lead.country": {"US", "DE"}, "lead.city": {"Boston", "Munich"}, "lead.region": {"MA", "BY"},
			"lead.source": {"google", "direct"}, "lead.medium": {"cpc", "none"},
			"lead.consent": {"granted", "pending", "denied", "withdrawn"}, "company.technologies": {"go", "go;aws"},
		}
		names := make([]string, 0, len(texts))
		for name := range texts {
			names = append(names, name)
		}
		slices.Sort(names)
		name := rapid.SampledFrom(names).Draw(t, "field")
		kind := leadloop.KindString
		if name == "company.technologies" {
			kind = leadloop.KindStrings
		}
		c := leadloop.Claim{Field: name, Evidence: e}
		switch rapid.IntRange(0, 7).Draw(t, "presence") {
		case 0:
			c.Value = leadloop.NoValue(kind)
		case 1:
			c.Value = leadloop.EmptyValue(kind)
		default:
			v, err := leadloop.ParseValue(kind, rapid.SampledFrom(texts[name]).Draw(t, "value"))
			if err != nil {
				t.Fatal(err)
			}
			c.Value = v
		}
		return c
	})
	return leadloop.UniteClaims(nil, rapid.SliceOfN(claim, 0, 14).Draw(t, label))
}

var somePolicies = []string{
	"", "default: most_recent", "default: source_priority\nsources: [b, a]", "default: highest_confidence\nhierarchy: false", "default: most_frequent\nhierarchy: false",
	"default: oldest", "groups: []\nhierarchy: false", "ignore: [a]", "fields: {lead.phone: {kind: longest}, lead.country: {kind: most_frequent, hierarchy: false}}",
}

func TestGoldenValuesDependOnTheSetOfClaimsAlone(t *testing.T) {
	for _, text := range somePolicies {
		p := mustPolicy(t, text)
		rapid.Check(t, func(t *rapid.T) {
			claims := drawClaims(t, "r1", "claims")
			shuffled := rapid.Permutation(claims).Draw(t, "shuffled")
			a := leadloop.Golden(leadloop.StandardSchema(), p, claims)
			b := leadloop.Golden(leadloop.StandardSchema(), p, shuffled)
			for i := range a.Schema().Len() {
				name := a.Schema().At(i).Name
				from, _ := a.Provenance(name)
				fromToo, _ := b.Provenance(name)
				if !a.At(i).Equal(b.At(i)) || from.Compare(fromToo) != 0 {
					t.Fatalf("policy %q, %s: %v from %v, shuffled %v from %v", text, name, a.At(i), from, b.At(i), fromToo)
				}
			}
		})
	}
}

func TestPoliciesNeverInventAValue(t *testing.T) {
	for _, text := range somePolicies {
		p := mustPolicy(t, text)
		rapid.Check(t, func(t *rapid.T) {
			claims := drawClaims(t, "r1", "claims")
			profile := leadloop.Golden(leadloop.StandardSchema(), p, claims)
			for i := range profile.Schema().Len() {
				name, v := profile.Schema().At(i).Name, profile.At(i)
				from, ok := profile.Provenance(name)
				switch {
				case v.Presence() == leadloop.Absent:
					continue
				case !ok || from.Field != name:
					t.Fatalf("%s has no provenance", name)
				case name != leadloop.Technologies.Name() && !from.Value.Equal(v):
					t.Fatalf("%s is %v, its claim says %v", name, v, from.Value)
				}
				for _, element := range v.Strings() {
					if !slices.ContainsFunc(claims, func(c leadloop.Claim) bool { return c.Field == name && slices.Contains(c.Value.Strings(), element) }) {
						t.Fatalf("%s: nobody claimed %q", name, element)
					}
				}
			}
		})
	}
}

func TestAPinnedValueNeverChanges(t *testing.T) {
	const pinnedOn = 4 // later than what drawClaims pins and releases
	for _, text := range somePolicies {
		p := mustPolicy(t, text)
		rapid.Check(t, func(t *rapid.T) {
			field := rapid.SampledFrom([]leadloop.Field[string]{leadloop.Phone, leadloop.City, leadloop.Country, leadloop.CompanyName}).Draw(t, "field")
			pin := field.Claim(rapid.SampledFrom([]string{"Oslo", ""}).Draw(t, "value"), with(by(rep, "ana", pinnedOn), func(e *leadloop.Evidence) { e.Pin = leadloop.Pinned }))
			claims := append(drawClaims(t, "r1", "claims"), pin)
			// Whatever is said later, by whomever, verified as often as you like.
			later := drawClaims(t, "r2", "later")
			for i := range later {
				later[i].ObservedAt = later[i].ObservedAt.AddDate(0, 0, 10)
				if later[i].Pin != leadloop.Ignored {
					later[i].Pin = leadloop.NotPinned
				}
			}
			profile := leadloop.Golden(leadloop.StandardSchema(), p, rapid.Permutation(append(claims, later...)).Draw(t, "order"))
			if got := profile.Value(field.Name()); !got.Equal(pin.Value) {
				t.Fatalf("policy %q: %s was pinned to %v and is %v", text, field.Name(), pin.Value, got)
			}
		})
	}
}

func TestAGroupComesFromOneObservationOfOneSource(t *testing.T) {
	for _, text := range []string{"", "default: most_recent\nhierarchy: false", "default: most_frequent", "ignore: [a]"} {
		p := mustPolicy(t, text)
		rapid.Check(t, func(t *rapid.T) {
			claims := slices.DeleteFunc(drawClaims(t, "r1", "claims"), func(c leadloop.Claim) bool {
				return c.Pin == leadloop.Pinned || c.Origin == rep // pins and corrections stand on their own
			})
			profile := leadloop.Golden(leadloop.StandardSchema(), p, claims)
			type bundle struct {
				origin leadloop.Origin
				source string
				at     time.Time
			}
			var seen []bundle
			for _, f := range []leadloop.Field[string]{leadloop.Region, leadloop.City} {
				if from, ok := profile.Provenance(f.Name()); ok && from.Value.Presence() == leadloop.Present {
					seen = append(seen, bundle{from.Origin, from.Source, from.ObservedAt})
				}
			}
			if len(seen) == 2 && seen[0] != seen[1] {
				t.Fatalf("policy %q: region and city come from %v", text, seen)
			}
			country, ok := profile.Provenance(leadloop.Country.Name())
			if !ok || len(seen) == 0 || country.Value.Presence() != leadloop.Present {
				return
			}
			if !slices.ContainsFunc(claims, func(c leadloop.Claim) bool {
				return c.Field == leadloop.Country.Name() && c.Value.Equal(country.Value) && (bundle{c.Origin, c.Source, c.ObservedAt}) == seen[0]
			}) {
				t.Fatalf("policy %q: %v did not say the country", text, seen[0])
			}
		})
	}
}

func TestTheMostRestrictiveConsentWinsUnderEveryPolicy(t *testing.T) {
	for _, text := range somePolicies {
		p := mustPolicy(t, text)
		rapid.Check(t, func(t *rapid.T) {
			claims := drawClaims(t, "r1", "claims")
			got, _ := leadloop.Consent.Get(leadloop.Golden(leadloop.StandardSchema(), p, claims))
			for _, no := range []string{leadloop.ConsentWithdrawn, leadloop.ConsentDenied} {
				if slices.ContainsFunc(claims, func(c leadloop.Claim) bool {
					return c.Field == leadloop.Consent.Name() && c.Value.Text() == no && c.Pin != leadloop.Unpinned && c.Pin != leadloop.Ignored
				}) {
					if got != no {
						t.Fatalf("consent is %q although somebody said %q", got, no)
					}
					break
				}
			}
		})
	}
}

func TestPolicyErrors(t *testing.T) {
	for _, file := range []string{"decode", "check"} {
		t.Run(file, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", file+".yaml"))
			if err != nil {
				t.Fatal(err)
			}
			def, err := dedupe.ParsePolicy("survivorship.yaml", data)
			got := ""
			if err != nil {
				got = "parse:\n" + err.Error() + "\n"
			}
			if p, err := dedupe.NewPolicy(def, leadloop.StandardSchema()); err != nil {
				got += "check:\n" + err.Error() + "\n"
			} else if p == nil {
				t.Error("neither policy nor error")
			}
			path := filepath.Join("testdata", file+".golden")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzParsePolicy(f *testing.F) {
	for _, s := range somePolicies {
		f.Add([]byte(s))
	}
	f.Add([]byte("groups: [{name: a, fields: [lead.city, lead.country]}, {name: b, anchor: lead.city, fields: [lead.city, lead.region]}]"))
	f.Add([]byte("fields: {lead.consent: {kind: oldest}, lead.cty: {sources: [a, a]}}"))
	schema := leadloop.StandardSchema()
	claims := []leadloop.Claim{leadloop.City.Claim("Rome", by(rep, "a", 1)), leadloop.Country.Claim("IT", by(person, "b", 1)), leadloop.City.Claim("Oslo", by(provider, "b", 2))}
	f.Fuzz(func(t *testing.T, data []byte) {
		def, err := dedupe.ParsePolicy("f.yaml", data)
		if err != nil {
			return
		}
		if p, err := dedupe.NewPolicy(def, schema); err == nil {
			leadloop.Golden(schema, p, claims)
		}
	})
}
