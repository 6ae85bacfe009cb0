package capture_test

import (
	"errors"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/capture"
)

var now = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func form(t *testing.T, s capture.Source) *capture.Capture {
	t.Helper()
	c, err := capture.New(leadloop.StandardSchema(), s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func said(s leadloop.Submission) map[string]string {
	m := map[string]string{}
	for _, c := range s.Claims {
		m[c.Field] = c.Value.String() + " " + c.Origin.String()
	}
	return m
}

func TestASubmissionIsNormalisedAndWhatFollowsIsMarkedDerived(t *testing.T) {
	c := form(t, capture.Source{Name: "demo-form"})
	s, warnings, err := c.Submission(capture.Payload{Values: map[string]string{
		"id": "17", "received_at": "2026-11-01 12:00", "full_name": "DR. ANA VAN DER BERG", "lead.email": " Ana@ACME.com ",
		"company.name": "Acme, Inc.", "lead.title": "VP Sales", "lead.phone": "(415) 555-2671", "lead.country": "usa",
		"lead.region": "California", "lead.source": "AdWords", "lead.consent": "on", "company.employees": "1,200",
	}}, now)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"lead.first_name": "Ana person", "lead.last_name": "van der Berg person", "lead.email": "ana@acme.com person",
		"company.name": "Acme, Inc. person", "company.domain": "acme.com derived", "company.employees": "1200 person",
		"lead.title": "VP Sales person", "lead.seniority": "vp derived", "lead.department": "sales derived",
		"lead.phone": "+14155552671 person", "lead.country": "US person", "lead.region": "CA person",
		"lead.timezone": "America/Los_Angeles derived", "lead.source": "google-ads person", "lead.consent": "granted person",
	}
	if diff := cmp.Diff(want, said(s)); diff != "" {
		t.Error(diff)
	}
	if s.Key != "demo-form:17" || !s.ReceivedAt.Equal(time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)) || len(warnings) > 0 {
		t.Errorf("key %q at %v, warnings %v", s.Key, s.ReceivedAt, warnings)
	}
}

func TestWhatCannotBeReadIsDroppedOrRejected(t *testing.T) {
	base := map[string]string{"lead.email": "ana@acme.com", "lead.source": "web"}
	for name, tc := range map[string]struct {
		change   map[string]string
		warnings []string
		reasons  []string
	}{
		"a complete lead passes":                           {nil, nil, nil},
		"a phone that is none is dropped":                  {map[string]string{"lead.phone": "call me"}, []string{"lead.phone: is not well formed"}, nil},
		"a number that is text is dropped":                 {map[string]string{"company.employees": "many"}, []string{"company.employees: expected a whole number, such as 800"}, nil},
		"an unknown country is dropped":                    {map[string]string{"lead.country": "Atlantis"}, []string{"lead.country: is no country that is known"}, nil},
		"unclear consent is no yes":                        {map[string]string{"lead.consent": "maybe"}, []string{"lead.consent: is neither yes nor no; taken for pending"}, nil},
		"a bad e-mail rejects":                             {map[string]string{"lead.email": "ana@"}, nil, []string{"company.name: is required (or company.domain)", "lead.email: is not well formed"}},
		"a bad date rejects":                               {map[string]string{"received_at": "31.02.2026"}, nil, []string{"received_at: is not a time such as 2026-11-02T09:30:00Z or 2026-11-02"}},
		"an arrival in the far future rejects":             {map[string]string{"received_at": "2027-01-01"}, nil, []string{"received_at: lies in the future"}},
		"free mail tells no company":                       {map[string]string{"lead.email": "ana@gmail.com"}, nil, []string{"company.name: is required (or company.domain)"}},
		"no way to reach the lead and no source reject":    {map[string]string{"lead.email": "", "lead.source": "", "company.name": "Acme"}, nil, []string{"lead.email: is required (or lead.phone, lead.mobile)", "lead.source: is required"}},
		"a null company does not count":                    {map[string]string{"lead.email": "ana@gmail.com", "company.name": "N/A"}, nil, []string{"company.name: is required (or company.domain)", "company.name: is a placeholder"}},
		"an unreadable phone is why nobody can be reached": {map[string]string{"lead.email": "", "lead.phone": "call me", "company.name": "Acme"}, nil, []string{"lead.email: is required (or lead.phone, lead.mobile)", "lead.phone: is not well formed"}},
	} {
		t.Run(name, func(t *testing.T) {
			values := map[string]string{}
			maps.Copy(values, base)
			maps.Copy(values, tc.change)
			_, warnings, err := form(t, capture.Source{Name: "f"}).Submission(capture.Payload{Values: values, Line: 4, Raw: "raw"}, now)
			var reasons []string
			var rej *capture.Reject
			if errors.As(err, &rej) {
				for _, r := range rej.Reasons {
					reasons = append(reasons, r.String())
				}
				if rej.Line != 4 || rej.Raw != "raw" || !errors.Is(err, leadloop.ErrInvalid) {
					t.Errorf("the reject lost its row: %+v", rej)
				}
			}
			var warned []string
			for _, w := range warnings {
				warned = append(warned, w.String())
			}
			if diff := cmp.Diff(tc.reasons, reasons); diff != "" {
				t.Error("reasons", diff)
			}
			if diff := cmp.Diff(tc.warnings, warned); diff != "" {
				t.Error("warnings", diff)
			}
		})
	}
}

func TestTheKeyIsTheIDOrTheContent(t *testing.T) {
	c := form(t, capture.Source{Name: "list", Required: [][]string{}})
	key := func(values map[string]string, at time.Time) string {
		s, _, err := c.Submission(capture.Payload{Values: values, ReceivedAt: at}, now)
		if err != nil {
			t.Fatal(err)
		}
		return s.Key
	}
	a := key(map[string]string{"lead.email": "ana@acme.com"}, now)
	if a != key(map[string]string{"lead.email": "ANA@acme.com "}, now) {
		t.Error("the same content, spelt otherwise, has another key")
	}
	if a == key(map[string]string{"lead.email": "ana@acme.com"}, now.Add(-time.Hour)) || a == key(map[string]string{"lead.email": "ben@acme.com"}, now) {
		t.Error("another payload has the same key")
	}
	if strings.Contains(a, "ana") {
		t.Errorf("the key holds personal data: %s", a)
	}
}

func TestAFormAndAHostStructAreCapturedAlike(t *testing.T) {
	type Signup struct {
		Mail string `leadloop:"lead.email"`
		From string `leadloop:"lead.source"`
	}
	m, err := leadloop.MapStruct[Signup](leadloop.StandardSchema())
	if err != nil {
		t.Fatal(err)
	}
	c := form(t, capture.Source{Name: "signup"})
	p, err := c.Form(url.Values{"work_email": {"Ana@Acme.com"}, "utm_source": {"", "web"}, "csrf": {"x"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	fromForm, _, err := c.Submission(p, now)
	if err != nil {
		t.Fatal(err)
	}
	fromStruct, _, err := c.Submission(capture.Payload{Claims: m.Claims(Signup{"Ana@Acme.com", "web"}, leadloop.Evidence{})}, now)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fromForm, fromStruct); diff != "" {
		t.Error(diff)
	}
}

func TestASourceThatCannotWorkIsRefused(t *testing.T) {
	_, err := capture.New(leadloop.StandardSchema(), capture.Source{Country: "Atlantis", Required: [][]string{{"lead.shoe"}}})
	if !errors.Is(err, leadloop.ErrInvalid) || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("want three problems, got %v", err)
	}
}
