package enrich_test

import (
	"strconv"
	"testing"

	"github.com/leadloop/leadloop"
)

func BenchmarkEnrich(b *testing.B) {
	w := waterfall(b, newStore(b), demand("company.employees", "company.industry"), source("first", answering(employees(70))), source("second", answering(industry("Steel"))))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		id := "l" + strconv.Itoa(i)
		enrichOnce(b, w, subjectOf(leadloop.LeadID(id), leadloop.Domain.Claim(id+".example", person())))
	}
}
