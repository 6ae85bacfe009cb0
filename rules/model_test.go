package rules_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// A scoring model of forty rules, as CEL and as Go that somebody tuned by hand
// for a struct of their own. Both give a mask of the rules that matched.

var modelRules = []string{
	`company.employees >= 500`,
	`company.employees >= 50 && company.employees < 500`,
	`company.employees < 10`,
	`company.annual_revenue >= 10000000.0`,
	`company.industry in ["software", "fintech", "healthtech", "ecommerce"]`,
	`company.industry in ["education", "nonprofit", "government"]`,
	`lead.country in ["US", "CA", "GB", "DE", "FR", "NL", "SE", "AU"]`,
	`lead.country in ["RU", "KP", "IR", "SY", "CU"]`,
	`lead.seniority in ["vp", "c_level"]`,
	`lead.seniority == "director"`,
	`lead.department in ["engineering", "it", "data"]`,
	`lead.title.contains("Head of") || lead.title.startsWith("Chief")`,
	`lead.email_domain in ["gmail.com", "yahoo.com", "hotmail.com", "outlook.com", "proton.me"]`,
	`lead.email.endsWith(".edu")`,
	`"kubernetes" in company.technologies || "aws" in company.technologies`,
	`company.technologies.exists(t, t.startsWith("salesforce"))`,
	`lead.source == "referral"`,
	`lead.source in ["webinar", "event", "partner"]`,
	`lead.campaign.startsWith("brand_")`,
	`lead.has_phone && lead.consented`,
	`lead.unsubscribed`,
	`lead.form_fields >= 5`,
	`lead.emails_opened >= 3 && lead.emails_clicked >= 1`,
	`lead.emails_opened > 0 && double(lead.emails_clicked) / double(lead.emails_opened) > 0.3`,
	`lead.session_minutes > 15.0`,
	`now - lead.last_activity_at < days(7)`,
	`now - lead.last_activity_at > days(90)`,
	`now - lead.created_at < days(1)`,
	`count("pricing_view", "7d") >= 2`,
	`count("pricing_view", "7d") >= 4`,
	`seen("demo_request", "30d")`,
	`count("page_view", "7d") >= 5`,
	`count("email_click", "14d") >= 1`,
	`count("content_download", "30d") >= 1`,
	`seen("webinar_attended")`,
	`seen("trial_started", "14d")`,
	`!activities.exists(a, now - a.at < days(30))`,
	`has(company.funding_stage) && company.funding_stage in ["series_b", "series_c", "series_d"]`,
	`company.founded >= 2015 && company.growth_rate > 0.2`,
	`(company.industry == "software" || company.industry == "fintech") && company.employees >= 100 && lead.seniority in ["director", "vp", "c_level"] && lead.country in ["US", "GB", "DE"]`,
}

var modelFields = []leadloop.AnyField{
	leadloop.NewField[float64]("company.annual_revenue"), leadloop.NewField[float64]("company.growth_rate"),
	leadloop.NewField[string]("lead.email_domain"), leadloop.NewField[bool]("lead.has_phone"),
	leadloop.NewField[bool]("lead.consented"), leadloop.NewField[bool]("lead.unsubscribed"),
	leadloop.NewField[int64]("lead.form_fields"), leadloop.NewField[int64]("lead.emails_opened"),
	leadloop.NewField[int64]("lead.emails_clicked"), leadloop.NewField[float64]("lead.session_minutes"),
	leadloop.NewField[time.Time]("lead.created_at"), leadloop.NewField[time.Time]("lead.last_activity_at"),
}

// handLead is what a program without this package would have.
type handLead struct {
	Email, EmailDomain, Country, Source, Campaign, Title, Seniority, Department, Industry, FundingStage string
	Employees, Founded, FormFields, EmailsOpened, EmailsClicked                                         int64
	AnnualRevenue, GrowthRate, SessionMinutes                                                           float64
	HasPhone, Consented, Unsubscribed                                                                   bool
	CreatedAt, LastActivityAt                                                                           time.Time
	Technologies                                                                                        []string
	Activities                                                                                          []leadloop.Activity
}

func anyLead(r *rand.Rand, i int) *handLead {
	pick := func(s string) string { all := strings.Split(s, " "); return all[r.IntN(len(all))] }
	l := &handLead{
		EmailDomain: pick("gmail.com yahoo.com acme.io bigcorp.com mit.edu startup.dev outlook.com globex.com stanford.edu"),
		Country:     pick("US US US GB DE FR NL SE AU CA IN BR NG RU KP JP ES IT PL MX"), Source: pick("organic referral webinar event partner paid cold"),
		Campaign: pick("none brand_q4 brand_emea retarget_1 content_ai"), Seniority: pick("intern entry senior manager director vp c_level"),
		Title:      strings.ReplaceAll(pick("Software_Engineer Head_of_Growth Chief_Technology_Officer VP_Engineering Marketing_Manager Student Data_Analyst"), "_", " "),
		Department: pick("engineering it data marketing sales finance hr"), Industry: pick("software fintech healthtech ecommerce manufacturing education nonprofit government retail"),
		FundingStage: pick("seed series_a series_b series_c series_d public"),
		Employees:    []int64{3, 8, 25, 60, 180, 450, 700, 2500, 12000}[r.IntN(9)], Founded: 1980 + int64(r.IntN(46)), FormFields: int64(r.IntN(9)),
		EmailsOpened: int64(r.IntN(8)), EmailsClicked: int64(r.IntN(4)), AnnualRevenue: r.Float64() * 3e7, GrowthRate: r.Float64(), SessionMinutes: r.Float64() * 30,
		HasPhone: r.IntN(2) == 0, Consented: r.IntN(3) > 0, Unsubscribed: r.IntN(20) == 0,
		CreatedAt: noon.Add(-time.Duration(r.IntN(60*24)) * time.Hour),
	}
	l.Email = fmt.Sprintf("user%d@%s", i, l.EmailDomain)
	for range r.IntN(6) {
		l.Technologies = append(l.Technologies, pick("kubernetes aws gcp azure salesforce_crm salesforce_mc hubspot snowflake react go"))
	}
	mean := time.Duration(1+r.IntN(40)) * 24 * time.Hour
	for range 4 + r.IntN(17) {
		at := noon.Add(-time.Duration(r.ExpFloat64() * float64(mean)))
		if at.After(l.LastActivityAt) {
			l.LastActivityAt = at
		}
		l.Activities = append(l.Activities, leadloop.Activity{At: at,
			Type: pick("page_view page_view page_view pricing_view pricing_view email_open email_click content_download webinar_attended demo_request trial_started form_submit")})
	}
	return l
}

func (l *handLead) profile(t testing.TB, s *leadloop.Schema) *leadloop.Profile {
	p := s.NewProfile()
	set := func(name string, v leadloop.Value) { setValue(t, p, name, v) }
	for name, s := range map[string]string{"lead.email": l.Email, "lead.email_domain": l.EmailDomain, "lead.country": l.Country, "lead.source": l.Source,
		"lead.campaign": l.Campaign, "lead.title": l.Title, "lead.seniority": l.Seniority, "lead.department": l.Department,
		"company.industry": l.Industry, "company.funding_stage": l.FundingStage} {
		set(name, leadloop.ValueOf(s))
	}
	for name, n := range map[string]int64{"company.employees": l.Employees, "company.founded": l.Founded, "lead.form_fields": l.FormFields,
		"lead.emails_opened": l.EmailsOpened, "lead.emails_clicked": l.EmailsClicked} {
		set(name, leadloop.ValueOf(n))
	}
	for name, f := range map[string]float64{"company.annual_revenue": l.AnnualRevenue, "company.growth_rate": l.GrowthRate, "lead.session_minutes": l.SessionMinutes} {
		set(name, leadloop.ValueOf(f))
	}
	for name, b := range map[string]bool{"lead.has_phone": l.HasPhone, "lead.consented": l.Consented, "lead.unsubscribed": l.Unsubscribed} {
		set(name, leadloop.ValueOf(b))
	}
	set("lead.created_at", leadloop.ValueOf(l.CreatedAt))
	set("lead.last_activity_at", leadloop.ValueOf(l.LastActivityAt))
	set("company.technologies", leadloop.ValueOf(l.Technologies))
	return p
}

func mark(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// byHand is one pass over the activities and a switch for each text.
func (l *handLead) byHand(now time.Time) uint64 {
	nn := now.UnixNano()
	const h = int64(time.Hour)
	var pricing, demo, pages, clicks, downloads, webinars, trials, recent int
	w7, w14, w30 := nn-168*h, nn-336*h, nn-720*h
	for i := range l.Activities {
		a := &l.Activities[i]
		at := a.At.UnixNano()
		if at > w30 {
			recent++
		}
		switch a.Type {
		case "pricing_view":
			if at > w7 {
				pricing++
			}
		case "page_view":
			if at > w7 {
				pages++
			}
		case "demo_request":
			if at > w30 {
				demo++
			}
		case "email_click":
			if at > w14 {
				clicks++
			}
		case "content_download":
			if at > w30 {
				downloads++
			}
		case "webinar_attended":
			webinars++
		case "trial_started":
			if at > w14 {
				trials++
			}
		}
	}
	n := l.Employees
	m := mark(n >= 500) | mark(n >= 50 && n < 500)<<1 | mark(n < 10)<<2 | mark(l.AnnualRevenue >= 1e7)<<3
	var industry, country, senior bool
	switch l.Industry {
	case "software", "fintech":
		m |= 1 << 4
		industry = true
	case "healthtech", "ecommerce":
		m |= 1 << 4
	case "education", "nonprofit", "government":
		m |= 1 << 5
	}
	switch l.Country {
	case "US", "GB", "DE":
		m |= 1 << 6
		country = true
	case "CA", "FR", "NL", "SE", "AU":
		m |= 1 << 6
	case "RU", "KP", "IR", "SY", "CU":
		m |= 1 << 7
	}
	switch l.Seniority {
	case "vp", "c_level":
		m |= 1 << 8
		senior = true
	case "director":
		m |= 1 << 9
		senior = true
	}
	switch l.Department {
	case "engineering", "it", "data":
		m |= 1 << 10
	}
	m |= mark(strings.HasPrefix(l.Title, "Chief") || strings.Contains(l.Title, "Head of")) << 11
	switch l.EmailDomain {
	case "gmail.com", "yahoo.com", "hotmail.com", "outlook.com", "proton.me":
		m |= 1 << 12
	}
	m |= mark(strings.HasSuffix(l.Email, ".edu")) << 13
	for _, t := range l.Technologies {
		if t == "kubernetes" || t == "aws" {
			m |= 1 << 14
		} else if strings.HasPrefix(t, "salesforce") {
			m |= 1 << 15
		}
	}
	switch l.Source {
	case "referral":
		m |= 1 << 16
	case "webinar", "event", "partner":
		m |= 1 << 17
	}
	m |= mark(strings.HasPrefix(l.Campaign, "brand_"))<<18 | mark(l.HasPhone && l.Consented)<<19 | mark(l.Unsubscribed)<<20 |
		mark(l.FormFields >= 5)<<21 | mark(l.EmailsOpened >= 3 && l.EmailsClicked >= 1)<<22 |
		mark(l.EmailsOpened > 0 && float64(l.EmailsClicked)/float64(l.EmailsOpened) > 0.3)<<23 | mark(l.SessionMinutes > 15)<<24
	age := nn - l.LastActivityAt.UnixNano()
	m |= mark(age < 168*h)<<25 | mark(age > 2160*h)<<26 | mark(nn-l.CreatedAt.UnixNano() < 24*h)<<27 |
		mark(pricing >= 2)<<28 | mark(pricing >= 4)<<29 | mark(demo >= 1)<<30 | mark(pages >= 5)<<31 | mark(clicks >= 1)<<32 |
		mark(downloads >= 1)<<33 | mark(webinars >= 1)<<34 | mark(trials >= 1)<<35 | mark(recent == 0)<<36
	switch l.FundingStage {
	case "series_b", "series_c", "series_d":
		m |= 1 << 37
	}
	return m | mark(l.Founded >= 2015 && l.GrowthRate > 0.2)<<38 | mark(industry && n >= 100 && senior && country)<<39
}

var (
	bounds   = regexp.MustCompile(`(>=|<|>) (\d+)( |$)`)
	literals = regexp.MustCompile(`\[[^]]*\]`)
)

// varied is a rule with other constants.
func varied(text string, k int) string {
	if k == 0 {
		return text
	}
	text = bounds.ReplaceAllStringFunc(text, func(s string) string {
		m := bounds.FindStringSubmatch(s)
		n, _ := strconv.Atoi(m[2])
		return fmt.Sprintf("%s %d%s", m[1], n+k, m[3])
	})
	return literals.ReplaceAllStringFunc(text, func(s string) string { return strings.ReplaceAll(s, `",`, fmt.Sprint(k)+`",`) })
}

func newModel(t testing.TB, times int) (*rules.Set, []*handLead, []rules.Facts) {
	t.Helper()
	schema, err := leadloop.NewSchema(modelFields...)
	if err != nil {
		t.Fatal(err)
	}
	e, err := rules.NewEnv(schema, rules.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e.KeepOracle()
	var all []string
	for k := range times {
		for _, text := range modelRules {
			all = append(all, varied(text, k))
		}
	}
	set := ruleSet(t, e, all...)
	r := rand.New(rand.NewPCG(42, 7))
	var leads []*handLead
	var facts []rules.Facts
	for i := range 200 {
		leads = append(leads, anyLead(r, i))
		facts = append(facts, rules.Facts{Profile: leads[i].profile(t, schema), Activities: leads[i].Activities, Now: noon})
	}
	return set, leads, facts
}

func TestTheModelIsWhatSomebodyWroteByHand(t *testing.T) {
	set, leads, facts := newModel(t, 1)
	var r rules.Results
	for i, l := range leads {
		set.Eval(context.Background(), facts[i], &r)
		if got, want := r.TrueMask()[0], l.byHand(noon); got != want {
			t.Errorf("lead %d: got %b, want %b", i, got, want)
		}
	}
}

func TestEvaluationDoesNotAllocate(t *testing.T) {
	set, _, facts := newModel(t, 1)
	for i := range facts {
		if i%2 == 0 { // half of them with something missing
			setValue(t, facts[i].Profile, "lead.country", leadloop.Value{})
			setValue(t, facts[i].Profile, "company.employees", leadloop.NoValue(integer))
		}
	}
	var r rules.Results
	i := 0
	if n := testing.AllocsPerRun(400, func() {
		set.Eval(context.Background(), facts[i%len(facts)], &r)
		for k := range r.Len() {
			r.State(k)
			r.True(k)
		}
		i++
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkModel(b *testing.B) {
	set, leads, facts := newModel(b, 1)
	b.Run("by hand", func(b *testing.B) {
		b.ReportAllocs()
		var all uint64
		for i := range b.N {
			all |= leads[i%len(leads)].byHand(noon)
		}
		if b.N > len(leads) && all == 0 {
			b.Fatal("no rule matched")
		}
	})
	b.Run("compiled", func(b *testing.B) {
		b.ReportAllocs()
		var r rules.Results
		for i := range b.N {
			set.Eval(context.Background(), facts[i%len(facts)], &r)
		}
	})
	for _, times := range []int{4, 16} {
		b.Run(fmt.Sprintf("compiled, %d rules", times*len(modelRules)), func(b *testing.B) {
			set, _, facts := newModel(b, times)
			b.ReportAllocs()
			b.ResetTimer()
			var r rules.Results
			for i := range b.N {
				set.Eval(context.Background(), facts[i%len(facts)], &r)
			}
		})
	}
	b.Run("one by one", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			for k := range set.Len() {
				set.EvalOne(context.Background(), facts[i%len(facts)], k)
			}
		}
	})
	b.Run("cel-go", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			for k := range set.Len() {
				set.Oracle(context.Background(), facts[i%len(facts)], k)
			}
		}
	})
}
