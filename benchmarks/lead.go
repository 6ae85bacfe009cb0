package benchmarks

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/leadloop/leadloop"
)

// Now is the moment of every evaluation.
var Now = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// Person and Company are what a host's own structs might be. The cel tag names a
// field in rules, below "lead." or "company.", for every engine.
type Person struct {
	Title         string    `cel:"title" expr:"title"`
	Seniority     string    `cel:"seniority" expr:"seniority"`
	Department    string    `cel:"department" expr:"department"`
	Email         string    `cel:"email" expr:"email"`
	EmailDomain   string    `cel:"email_domain" expr:"email_domain"`
	Country       string    `cel:"country" expr:"country"`
	Source        string    `cel:"source" expr:"source"`
	Campaign      string    `cel:"campaign" expr:"campaign"`
	HasPhone      bool      `cel:"has_phone" expr:"has_phone"`
	OptedIn       bool      `cel:"opted_in" expr:"opted_in"`
	Unsubscribed  bool      `cel:"unsubscribed" expr:"unsubscribed"`
	IsCustomer    bool      `cel:"is_customer" expr:"is_customer"`
	FormFields    int64     `cel:"form_fields" expr:"form_fields"`
	EmailsOpened  int64     `cel:"emails_opened" expr:"emails_opened"`
	EmailsClicked int64     `cel:"emails_clicked" expr:"emails_clicked"`
	Minutes       float64   `cel:"session_minutes" expr:"session_minutes"`
	CreatedAt     time.Time `cel:"created_at" expr:"created_at"`
	ActiveAt      time.Time `cel:"active_at" expr:"active_at"`
}

// Company is the company of a lead.
type Company struct {
	Industry     string   `cel:"industry" expr:"industry"`
	Employees    int64    `cel:"employees" expr:"employees"`
	Revenue      int64    `cel:"revenue" expr:"revenue"`
	Founded      int64    `cel:"founded" expr:"founded"`
	Growth       float64  `cel:"growth_rate" expr:"growth_rate"`
	FundingStage string   `cel:"funding_stage" expr:"funding_stage"`
	Technologies []string `cel:"technologies" expr:"technologies"`
}

// Event is one thing that happened.
type Event struct {
	Type string    `cel:"type" expr:"type"`
	At   time.Time `cel:"at" expr:"at"`
}

// Lead is one lead in all the forms that engines read, none of which is made
// during a measurement.
type Lead struct {
	Person  Person
	Company Company
	Events  []Event

	Maps       map[string]any // lead, company, activities, now
	Profile    *leadloop.Profile
	Activities []leadloop.Activity
}

// The vocabulary of leads, and of the rules that are drawn at random.
var (
	industries   = []string{"software", "fintech", "healthtech", "ecommerce", "manufacturing", "education", "nonprofit", "government", "retail", "logistics", "energy", "media"}
	countries    = []string{"US", "GB", "DE", "FR", "NL", "SE", "AU", "CA", "IN", "BR", "NG", "RU", "KP", "JP", "ES", "IT", "PL", "MX"}
	seniorities  = []string{"intern", "entry", "senior", "manager", "director", "vp", "c_level"}
	departments  = []string{"engineering", "it", "data", "marketing", "sales", "finance", "hr", "operations"}
	titles       = []string{"Software Engineer", "Head of Growth", "Chief Technology Officer", "VP Engineering", "Marketing Manager", "Student", "Head of Data", "Data Analyst", "Chief Revenue Officer", "Operations Lead", "DevOps Engineer", "Account Executive"}
	domains      = []string{"gmail.com", "yahoo.com", "acme.io", "bigcorp.com", "mit.edu", "startup.dev", "outlook.com", "globex.com", "initech.com", "umbrella.co", "hooli.com", "stanford.edu"}
	sources      = []string{"organic", "referral", "webinar", "event", "partner", "paid", "cold"}
	campaigns    = []string{"none", "brand_q4", "brand_emea", "retarget_1", "content_ai", "launch"}
	stages       = []string{"bootstrapped", "seed", "series_a", "series_b", "series_c", "series_d", "public"}
	technologies = []string{"kubernetes", "aws", "gcp", "azure", "salesforce_crm", "salesforce_mc", "hubspot", "snowflake", "segment", "react", "go", "java"}
	eventTypes   = []string{"page_view", "pricing_view", "email_open", "email_click", "content_download", "webinar_attended", "demo_request", "trial_started", "form_submit", "chat"}
)

func pick[T any](r *rand.Rand, s []T) T { return s[r.IntN(len(s))] }

// NewLeads returns n leads, always the same ones. With sparse, a quarter of all
// fields is absent from the maps and profiles; the structs can't say so and are
// as they were.
func NewLeads(n int, sparse bool) ([]*Lead, error) {
	schema, err := hostSchema()
	if err != nil {
		return nil, err
	}
	r, gaps := rand.New(rand.NewPCG(42, 7)), rand.New(rand.NewPCG(7, 42))
	out := make([]*Lead, n)
	for i := range out {
		l := newLead(r, i)
		if err := l.forms(schema, func() bool { return sparse && gaps.IntN(4) == 0 }); err != nil {
			return nil, err
		}
		out[i] = l
	}
	return out, nil
}

// newLead makes a lead with twelve events on average.
func newLead(r *rand.Rand, i int) *Lead {
	l := &Lead{}
	domain := pick(r, domains)
	l.Person = Person{
		Title: pick(r, titles), Seniority: pick(r, seniorities), Department: pick(r, departments),
		Email: fmt.Sprintf("user%d@%s", i, domain), EmailDomain: domain,
		Country: pick(r, countries), Source: pick(r, sources), Campaign: pick(r, campaigns),
		HasPhone: r.IntN(2) == 0, OptedIn: r.IntN(3) > 0, Unsubscribed: r.IntN(20) == 0, IsCustomer: r.IntN(25) == 0,
		FormFields: int64(r.IntN(9)), EmailsOpened: int64(r.IntN(8)), EmailsClicked: int64(r.IntN(4)),
		Minutes: r.Float64() * 30,
	}
	sizes := []int64{3, 8, 25, 60, 180, 450, 700, 2500, 12000}
	l.Company = Company{
		Industry: pick(r, industries), Employees: pick(r, sizes) + int64(r.IntN(5)), Revenue: int64(r.IntN(30_000_000)),
		Founded: 1980 + int64(r.IntN(46)), Growth: r.Float64(), FundingStage: pick(r, stages),
	}
	for range 1 + r.IntN(5) {
		l.Company.Technologies = append(l.Company.Technologies, pick(r, technologies))
	}
	// Some leads are busy these days, some have fallen silent.
	mean, silent := 20*day, time.Duration(0)
	switch p := r.IntN(10); {
	case p < 2:
		mean = 3 * day
	case p >= 7:
		silent = time.Duration(20+r.IntN(120)) * day
	}
	l.Person.ActiveAt = Now.Add(-500 * day)
	for range 4 + r.IntN(17) {
		at := Now.Add(-silent - time.Duration(r.ExpFloat64()*float64(mean)))
		if at.After(l.Person.ActiveAt) {
			l.Person.ActiveAt = at
		}
		l.Events = append(l.Events, Event{Type: eventTypes[r.IntN(1+r.IntN(len(eventTypes)))], At: at})
	}
	l.Person.CreatedAt = Now.Add(-time.Duration(1+r.IntN(400*24)) * time.Hour)
	if r.IntN(20) == 0 {
		l.Person.CreatedAt = Now.Add(-time.Duration(1+r.IntN(24*60)) * time.Minute)
	}
	return l
}

const day = 24 * time.Hour

// forms fills in the maps and the profile.
func (l *Lead) forms(schema *leadloop.Schema, gap func() bool) error {
	l.Profile = schema.NewProfile()
	l.Maps = map[string]any{"now": Now}
	for scope, fields := range l.scopes() {
		m := map[string]any{}
		l.Maps[scope] = m
		for i := range fields.NumField() {
			name, value := fields.Type().Field(i).Tag.Get("cel"), fields.Field(i).Interface()
			if gap() {
				continue
			}
			m[name] = value
			if err := l.Profile.SetValue(scope+"."+name, valueOf(value)); err != nil {
				return err
			}
		}
	}
	events := make([]map[string]any, len(l.Events))
	for i, e := range l.Events {
		events[i] = map[string]any{"type": e.Type, "at": e.At}
		l.Activities = append(l.Activities, leadloop.Activity{ID: fmt.Sprint(i), Type: e.Type, At: e.At})
	}
	l.Profile.SetActivities(l.Activities)
	l.Maps["activities"] = events
	return nil
}

// scopes yields the structs by their name in rules, in a fixed order.
func (l *Lead) scopes() iter.Seq2[string, reflect.Value] {
	return func(yield func(string, reflect.Value) bool) {
		_ = yield("lead", reflect.ValueOf(l.Person)) && yield("company", reflect.ValueOf(l.Company))
	}
}

func valueOf(v any) leadloop.Value {
	switch v := v.(type) {
	case string:
		return leadloop.ValueOf(v)
	case int64:
		return leadloop.ValueOf(v)
	case float64:
		return leadloop.ValueOf(v)
	case bool:
		return leadloop.ValueOf(v)
	case time.Time:
		return leadloop.ValueOf(v)
	case []string:
		return leadloop.ValueOf(v)
	}
	panic(fmt.Sprintf("no kind for a %T", v))
}

// hostSchema is made once, as a host does.
var hostSchema = sync.OnceValues(func() (*leadloop.Schema, error) { return leadloop.NewSchema(hostFields()...) })

// hostFields are the fields that the standard schema does not have.
func hostFields() []leadloop.AnyField {
	standard := leadloop.StandardSchema()
	var out []leadloop.AnyField
	for scope, fields := range (&Lead{}).scopes() {
		for i := range fields.NumField() {
			name := scope + "." + fields.Type().Field(i).Tag.Get("cel")
			if _, ok := standard.Index(name); !ok {
				out = append(out, leadloop.FieldDef{Name: name, Kind: valueOf(fields.Field(i).Interface()).Kind()})
			}
		}
	}
	return slices.Clip(out)
}
