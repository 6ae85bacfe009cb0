package capture

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/suggest"
)

// What a column can hold besides a field of the schema.
const (
	ColumnID         = "id"          // the payload's own id: the idempotency key
	ColumnReceivedAt = "received_at" // when it arrived
	ColumnFullName   = "full_name"   // first and last name in one
	ColumnIgnore     = "-"           // left out on purpose
)

// Column says what one column or key of a source holds.
type Column struct {
	Name string `json:"name"` // as the source writes it
	// Holds is a field name, one of the Column constants, or "" for a column
	// that nobody recognised.
	Holds string `json:"holds"`
	// Guessed is true when Holds was not said but guessed from the name.
	Guessed bool `json:"guessed,omitempty"`
}

// synonyms are column names as CRMs, forms and marketing tools write them, in
// the form that key leaves of them.
var synonyms = map[string]string{
	"id": ColumnID, "leadid": ColumnID, "recordid": ColumnID, "externalid": ColumnID, "submissionid": ColumnID, "key": ColumnID, "uuid": ColumnID,
	"receivedat": ColumnReceivedAt, "createdat": ColumnReceivedAt, "created": ColumnReceivedAt, "createdate": ColumnReceivedAt,
	"createddate": ColumnReceivedAt, "submittedat": ColumnReceivedAt, "timestamp": ColumnReceivedAt, "datecreated": ColumnReceivedAt, "date": ColumnReceivedAt,
	"name": ColumnFullName, "fullname": ColumnFullName, "contactname": ColumnFullName, "leadname": ColumnFullName,

	"email": "lead.email", "emailaddress": "lead.email", "mail": "lead.email", "workemail": "lead.email", "businessemail": "lead.email", "eaddress": "lead.email",
	"phone": "lead.phone", "phonenumber": "lead.phone", "telephone": "lead.phone", "tel": "lead.phone", "workphone": "lead.phone", "businessphone": "lead.phone", "directphone": "lead.phone",
	"mobile": "lead.mobile", "mobilephone": "lead.mobile", "cell": "lead.mobile", "cellphone": "lead.mobile",
	"firstname": "lead.first_name", "givenname": "lead.first_name", "fname": "lead.first_name", "first": "lead.first_name", "forename": "lead.first_name",
	"lastname": "lead.last_name", "surname": "lead.last_name", "familyname": "lead.last_name", "lname": "lead.last_name", "last": "lead.last_name",
	"title": "lead.title", "jobtitle": "lead.title", "position": "lead.title", "role": "lead.title",
	"seniority": "lead.seniority", "department": "lead.department",
	"linkedin": "lead.linkedin_url", "linkedinurl": "lead.linkedin_url", "linkedinprofile": "lead.linkedin_url",
	"country": "lead.country", "countrycode": "lead.country", "region": "lead.region", "state": "lead.region", "province": "lead.region", "stateprovince": "lead.region",
	"city": "lead.city", "town": "lead.city", "timezone": "lead.timezone", "tz": "lead.timezone", "language": "lead.language", "locale": "lead.language", "lang": "lead.language",
	"company": "company.name", "companyname": "company.name", "organization": "company.name", "organisation": "company.name", "account": "company.name", "accountname": "company.name", "employer": "company.name",
	"domain": "company.domain", "companydomain": "company.domain", "website": "company.domain", "companywebsite": "company.domain", "url": "company.domain", "web": "company.domain",
	"employees": "company.employees", "employeecount": "company.employees", "numberofemployees": "company.employees", "noofemployees": "company.employees", "companysize": "company.employees", "headcount": "company.employees",
	"revenue": "company.revenue", "annualrevenue": "company.revenue", "industry": "company.industry", "sector": "company.industry",
	"companycountry": "company.country", "technologies": "company.technologies", "techstack": "company.technologies", "founded": "company.founded", "yearfounded": "company.founded",
	"fundingstage": "company.funding_stage", "fundingdate": "company.funding_date", "hiringvelocity": "company.hiring_velocity",
	"source": "lead.source", "leadsource": "lead.source", "utmsource": "lead.source", "medium": "lead.medium", "utmmedium": "lead.medium",
	"campaign": "lead.campaign", "utmcampaign": "lead.campaign", "productinterest": "lead.product_interest", "product": "lead.product_interest", "interest": "lead.product_interest",
	"partner": "lead.partner", "partnername": "lead.partner", "consent": "lead.consent", "optin": "lead.consent", "marketingconsent": "lead.consent",
}

// key strips what differs between spellings of one name.
func key(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// Columns decides what each column holds: what said says, else what its name
// suggests. Unrecognised columns hold "". All problems are returned together:
// an unknown field or column in said, and two columns that hold the same.
func Columns(header []string, schema *leadloop.Schema, said map[string]string) ([]Column, error) {
	problems := fields(schema, said)
	for _, from := range slices.Sorted(maps.Keys(said)) {
		if !slices.Contains(header, from) {
			problems.AddHint(leadloop.Position{}, suggest.DidYouMean(from, header), "there is no column %q", from)
		}
	}
	out := make([]Column, len(header))
	taken := map[string]string{}
	for i, name := range header {
		c := Column{Name: name}
		if to, ok := said[name]; ok {
			c.Holds = to
			if other := taken[to]; other != "" && to != ColumnIgnore {
				problems.Add(leadloop.Position{}, "columns %q and %q both hold %s", other, name, to)
			}
			taken[to] = name
		}
		out[i] = c
	}
	for i, name := range header {
		if out[i].Holds != "" {
			continue
		}
		if to := guess(name, schema); to != "" && taken[to] == "" {
			out[i].Holds, out[i].Guessed, taken[to] = to, true, name
		}
	}
	return out, problems.Err()
}

// fields finds what said calls a field and is none.
func fields(schema *leadloop.Schema, said map[string]string) (problems leadloop.Problems) {
	known := []string{ColumnID, ColumnReceivedAt, ColumnFullName, ColumnIgnore}
	for _, d := range schema.Fields() {
		known = append(known, d.Name)
	}
	for _, from := range slices.Sorted(maps.Keys(said)) {
		if to := said[from]; !slices.Contains(known, to) {
			problems.AddHint(leadloop.Position{}, suggest.DidYouMean(to, known), "column %q can't hold %q: no such field", from, to)
		}
	}
	return problems
}

func guess(name string, schema *leadloop.Schema) string {
	trimmed := strings.ToLower(strings.TrimSpace(name))
	for _, candidate := range []string{trimmed, "lead." + trimmed, "company." + trimmed} {
		if _, ok := schema.Index(candidate); ok {
			return candidate
		}
	}
	to := synonyms[key(name)]
	if to == "" {
		for _, d := range schema.Fields() {
			if _, short, _ := strings.Cut(d.Name, "."); key(short) == key(name) {
				return d.Name
			}
		}
	}
	return to
}
