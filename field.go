package leadloop

import (
	"strings"
	"time"
)

// Field is a typed, named key of a lead's data. Its name is how rules and
// struct tags spell it: "lead.email", "company.employees". A host declares its
// own the same way:
//
//	var PlanInterest = leadloop.NewField[string]("lead.plan_interest")
type Field[T FieldType] struct{ name string }

// NewField declares a field. The name is checked by [NewSchema].
func NewField[T FieldType](name string) Field[T] { return Field[T]{name} }

// Name returns the field's full name.
func (f Field[T]) Name() string { return f.name }

// Def describes the field without its Go type.
func (f Field[T]) Def() FieldDef {
	var zero T
	return FieldDef{Name: f.name, Kind: kindOf(zero)}
}

// Get reads the golden value from p. The value is the zero T unless the
// presence is Present (or Empty, where it is the empty value). A profile whose
// schema does not have the field says Absent.
func (f Field[T]) Get(p *Profile) (T, Presence) {
	var out T
	v := p.Value(f.name)
	if v.presence == Present && v.kind == kindOf(out) {
		switch o := any(&out).(type) {
		case *string:
			*o = v.str
		case *int64:
			*o = v.num
		case *float64:
			*o = v.Float()
		case *bool:
			*o = v.Bool()
		case *time.Time:
			*o = v.Time()
		case *[]string:
			*o = v.Strings()
		}
	}
	return out, v.presence
}

// Set stores v as the golden value in p, for profiles that are made directly
// rather than from claims. It panics if p's schema does not have the field
// with this type: that is a mistake in the program, not in the data.
func (f Field[T]) Set(p *Profile, v T) {
	if err := p.SetValue(f.name, ValueOf(v)); err != nil {
		panic(err.Error())
	}
}

// Claim states v for this field, from the given evidence.
func (f Field[T]) Claim(v T, e Evidence) Claim {
	return Claim{Field: f.name, Value: ValueOf(v), Evidence: e}
}

// None states that somebody looked and there is no value.
func (f Field[T]) None(e Evidence) Claim {
	return Claim{Field: f.name, Value: NoValue(f.Def().Kind), Evidence: e}
}

// FieldDef is a field without its Go type.
type FieldDef struct {
	Name string
	Kind Kind
}

// Scope returns the part of the name before the dot: "lead" or "company".
func (d FieldDef) Scope() string { scope, _, _ := strings.Cut(d.Name, "."); return scope }

// AnyField is implemented by every Field[T] and by FieldDef, so that fields
// of different types can stand in one list.
type AnyField interface{ Def() FieldDef }

// Def returns d itself, so that a FieldDef read from a file can join a schema.
func (d FieldDef) Def() FieldDef { return d }

func kindOf(zero any) Kind {
	switch zero.(type) {
	case string:
		return KindString
	case int64:
		return KindInt
	case float64:
		return KindFloat
	case bool:
		return KindBool
	case time.Time:
		return KindTime
	case []string:
		return KindStrings
	}
	return KindInvalid
}

// The standard fields: person, company and context.
var (
	Email       = NewField[string]("lead.email")
	Phone       = NewField[string]("lead.phone") // E.164
	Mobile      = NewField[string]("lead.mobile")
	FirstName   = NewField[string]("lead.first_name")
	LastName    = NewField[string]("lead.last_name")
	Title       = NewField[string]("lead.title")
	Seniority   = NewField[string]("lead.seniority")  // see normalize.Title
	Department  = NewField[string]("lead.department") // see normalize.Title
	LinkedInURL = NewField[string]("lead.linkedin_url")
	Country     = NewField[string]("lead.country") // ISO 3166-1 alpha-2
	Region      = NewField[string]("lead.region")  // state or province code
	City        = NewField[string]("lead.city")
	Timezone    = NewField[string]("lead.timezone") // IANA name
	Language    = NewField[string]("lead.language") // BCP 47

	CompanyName    = NewField[string]("company.name")
	Domain         = NewField[string]("company.domain") // registrable domain
	Employees      = NewField[int64]("company.employees")
	Revenue        = NewField[int64]("company.revenue") // whole US dollars a year
	Industry       = NewField[string]("company.industry")
	CompanyCountry = NewField[string]("company.country")
	Technologies   = NewField[[]string]("company.technologies")
	Founded        = NewField[int64]("company.founded") // year
	FundingStage   = NewField[string]("company.funding_stage")
	FundingDate    = NewField[time.Time]("company.funding_date")
	HiringVelocity = NewField[float64]("company.hiring_velocity") // open roles per 100 employees

	Source          = NewField[string]("lead.source") // first source, never overwritten
	Medium          = NewField[string]("lead.medium")
	Campaign        = NewField[string]("lead.campaign")
	ProductInterest = NewField[string]("lead.product_interest")
	Partner         = NewField[string]("lead.partner")
	Consent         = NewField[string]("lead.consent") // see the Consent* constants
)

// What lead.consent can say, from the most to the least restrictive. When
// claims disagree the most restrictive wins, whatever the policy.
const (
	ConsentWithdrawn = "withdrawn" // said no after yes, or unsubscribed
	ConsentDenied    = "denied"    // said no
	ConsentPending   = "pending"   // double opt-in not confirmed yet
	ConsentGranted   = "granted"   // said yes
)

func standardFields() []AnyField {
	return []AnyField{
		Email, Phone, Mobile, FirstName, LastName, Title, Seniority, Department, LinkedInURL,
		Country, Region, City, Timezone, Language,
		CompanyName, Domain, Employees, Revenue, Industry, CompanyCountry, Technologies, Founded,
		FundingStage, FundingDate, HiringVelocity,
		Source, Medium, Campaign, ProductInterest, Partner, Consent,
	}
}
