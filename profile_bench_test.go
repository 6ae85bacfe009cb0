package leadloop_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
)

// BenchmarkProfile is what it takes to make what rules read.
func BenchmarkProfile(b *testing.B) {
	schema := leadloop.StandardSchema()
	texts := []leadloop.Field[string]{
		leadloop.Email, leadloop.Phone, leadloop.FirstName, leadloop.LastName, leadloop.Title, leadloop.Seniority, leadloop.Department,
		leadloop.Country, leadloop.City, leadloop.CompanyName, leadloop.Domain, leadloop.Industry, leadloop.Source, leadloop.Campaign,
	}
	now := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	var done []leadloop.Activity
	for i := range 12 {
		done = append(done, leadloop.Activity{ID: fmt.Sprint(i), Type: []string{"page_view", "email_open", "pricing_view", "reply"}[i%4], At: now.AddDate(0, 0, -i)})
	}
	b.Run("fourteen texts, four numbers, a list", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p := schema.NewProfile()
			for _, f := range texts {
				f.Set(p, "jane@acme.example")
			}
			leadloop.Employees.Set(p, 600)
			leadloop.Revenue.Set(p, 10_000_000)
			leadloop.HiringVelocity.Set(p, 2.5)
			leadloop.FundingDate.Set(p, now)
			leadloop.Technologies.Set(p, []string{"go", "postgres", "kubernetes"})
		}
	})
	b.Run("twelve activities", func(b *testing.B) {
		p := schema.NewProfile()
		b.ReportAllocs()
		for b.Loop() {
			p.SetActivities(done)
		}
	})
}
