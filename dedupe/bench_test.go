package dedupe_test

import (
	"testing"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/dedupe/match/matchtest"
	"github.com/leadloop/leadloop/store"
)

// BenchmarkStage decides about arrivals against 5,000 stored leads and their accounts.
func BenchmarkStage(b *testing.B) {
	w := matchtest.New(6000, 1)
	st := open(b)
	var arrivals []*leadloop.Lead
	write(b, st, func(tx store.Tx) error {
		for a := range w.Accounts() {
			a.Identifiers = dedupe.AccountIdentifiers(a)
			if err := tx.CRM().PutAccount(b.Context(), a); err != nil {
				return err
			}
		}
		for i, r := range w.Records() {
			if i >= 5000 {
				arrivals = append(arrivals, r.Lead())
				continue
			}
			if _, err := tx.Leads().Put(b.Context(), withIdentifiers(r.Lead())); err != nil {
				return err
			}
		}
		return nil
	})
	stage := dedupe.NewStage(st, dedupe.Options{})
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, _, err := stage.Decide(b.Context(), subject(arrivals[i%len(arrivals)], leadloop.TriggerSubmission)); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// BenchmarkGolden computes the golden record of a lead of five submissions, one of them with an ignored value.
func BenchmarkGolden(b *testing.B) {
	var claims []leadloop.Claim
	for i, r := range matchtest.New(100, 1).Records() {
		if i == 5 {
			break
		}
		claims = leadloop.UniteClaims(claims, r.Lead().Claims)
	}
	claims = append(claims, leadloop.Title.Claim("CEO", with(by(rep, "ana", 1), func(e *leadloop.Evidence) { e.Pin = leadloop.Ignored })))
	schema, policy := leadloop.StandardSchema(), dedupe.DefaultPolicy()
	b.ReportAllocs()
	for b.Loop() {
		leadloop.Golden(schema, policy, claims)
	}
}
