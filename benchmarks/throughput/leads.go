package main

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store"
)

//go:embed playbook/*.yaml
var files embed.FS

// noon is when the first lead arrives.
var noon = time.Date(2026, 11, 4, 12, 0, 0, 0, time.UTC)

// newLoop returns the loop that is measured: forty rules, two pools of six, SLA
// ladders, suppression; providers are left out, because their answers take what
// they take.
func newLoop(ctx context.Context, st store.Store, o engine.Options) (*engine.Loop, error) {
	fsys, err := fs.Sub(files, "playbook")
	if err != nil {
		return nil, err
	}
	p, problems := playbook.Load(fsys) //nolint:contextcheck // it compiles, and waits for nothing
	if p == nil {
		return nil, problems
	}
	tokens, err := privacy.NewTokens("bench", bytes.Repeat([]byte{7}, privacy.MinKey))
	if err != nil {
		return nil, err
	}
	return p.Loop(ctx, st, playbook.Options{Tokens: tokens, Engine: o})
}

var (
	industries  = []string{"software", "fintech", "healthtech", "education", "manufacturing", "retail", "logistics"}
	countries   = []string{"US", "US", "US", "CA", "GB", "DE", "FR", "NL", "IN", "BR"}
	seniorities = []string{"c_level", "vp", "director", "manager", "senior", "junior"}
	departments = []string{"engineering", "it", "finance", "operations", "sales", "marketing", "hr"}
	kinds       = []string{"demo_request", "pricing_view", "page_view", "page_view", "content_download", "email_open", "webinar_signup"}
	firstNames  = []string{"Ana", "Ben", "Cem", "Dora", "Emil", "Farah", "Greta", "Hugo", "Ines", "Jonas"}
)

// submission is the i-th lead, another person at another company each, with what
// a form, its tracking and the company's own records say: 16 claims and up to six
// activities. It is a minute after the one before.
func submission(i int) leadloop.Submission {
	r := rand.New(rand.NewPCG(7, uint64(i)))
	at := noon.Add(time.Duration(i) * time.Minute)
	e := leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: at}
	pick := func(from []string) string { return from[r.IntN(len(from))] }
	s := leadloop.Submission{Key: fmt.Sprintf("form:%08d", i), Source: "form", ReceivedAt: at}
	domain := fmt.Sprintf("company-%d.com", i)
	country := pick(countries)
	s.Claims = []leadloop.Claim{
		leadloop.Email.Claim(fmt.Sprintf("person.%d@%s", i, domain), e), leadloop.FirstName.Claim(pick(firstNames), e),
		leadloop.LastName.Claim(fmt.Sprintf("Person%d", i), e), leadloop.Title.Claim("Head of Something", e),
		leadloop.Seniority.Claim(pick(seniorities), e), leadloop.Department.Claim(pick(departments), e),
		leadloop.Country.Claim(country, e), leadloop.Phone.Claim(fmt.Sprintf("+1415%07d", i%10_000_000), e),
		leadloop.CompanyName.Claim(fmt.Sprintf("Company %d", i), e), leadloop.Domain.Claim(domain, e),
		leadloop.Employees.Claim(int64(1+r.IntN(2000)), e), leadloop.Revenue.Claim(int64(r.IntN(200_000_000)), e),
		leadloop.Industry.Claim(pick(industries), e), leadloop.Technologies.Claim([]string{"aws", "salesforce"}, e),
		leadloop.Founded.Claim(int64(1990+r.IntN(34)), e), leadloop.Source.Claim("organic", e),
	}
	for n := range r.IntN(7) {
		s.Activities = append(s.Activities, leadloop.Activity{
			ID: fmt.Sprintf("%s:%d", s.Key, n), Type: pick(kinds), At: at.Add(-time.Duration(r.IntN(200)) * time.Hour),
		})
	}
	return s
}
