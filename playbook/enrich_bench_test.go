package playbook_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/store/memstore"
)

// sixMissing are fields that three providers offer, two each.
var sixMissing = []string{"company.country", "company.employees", "company.founded", "company.funding_stage", "company.industry", "company.revenue"}

// fortyRules is a playbook of 40 rules, 24 of which read a missing field.
func fortyRules(tb testing.TB) *playbook.Playbook {
	tb.Helper()
	var b strings.Builder
	b.WriteString("model: forty\nversion: 1\nrules:\n")
	for i := range 40 {
		when := []string{
			fmt.Sprintf(`lead.title.contains("word%d")`, i), fmt.Sprintf(`lead.seniority in ["vp", "s%d"]`, i),
			fmt.Sprintf(`count("type%d", "7d") >= 2`, i%8), fmt.Sprintf(`lead.country == "C%d"`, i),
			fmt.Sprintf("company.employees >= %d", i*20), fmt.Sprintf(`company.industry in ["Steel", "I%d"]`, i%12), fmt.Sprintf("company.revenue >= %d000000", i),
			fmt.Sprintf(`company.country == "D%d"`, i%9), fmt.Sprintf("company.founded > %d", 1980+i), fmt.Sprintf(`company.funding_stage == "series_%d"`, i%3),
		}[i%10]
		fmt.Fprintf(&b, "  - {id: r%d, group: fit, when: '%s', points: %d}\n", i, when, 1+i%3)
	}
	b.WriteString("  - {id: sure, group: fit, when: 'lead.partner == \"gold\"', points: 90}\ngroups: {fit: {max: 100}}\ntiers: {A: 60, B: 20, C: 0}\n")
	var e strings.Builder
	e.WriteString("providers:\n")
	for i := range 3 {
		fmt.Fprintf(&e, "  - {name: p%d, type: host, needs: [company.domain], fields: [%s, %s], price: 0.0%d, charge: match}\n", i, sixMissing[2*i], sixMissing[2*i+1], 1+i)
	}
	pb, problems := playbook.Load(fstest.MapFS{
		"scoring.yaml": {Data: []byte(b.String())}, "routing.yaml": {Data: []byte(routingYAML)}, "sla.yaml": {Data: []byte(slaYAML)}, "enrich.yaml": {Data: []byte(e.String())},
	})
	if err := problems.Err(); err != nil {
		tb.Fatal(err)
	}
	return pb
}

func arriving(pb *playbook.Playbook, id string, gold bool) leadloop.Subject {
	p := pb.Schema().NewProfile()
	leadloop.Domain.Set(p, id+".example")
	leadloop.Title.Set(p, "Head of Operations")
	leadloop.Seniority.Set(p, "director")
	leadloop.Country.Set(p, "US")
	if gold {
		leadloop.Partner.Set(p, "gold")
	} else {
		leadloop.Partner.Set(p, "none")
	}
	return leadloop.Subject{Lead: &leadloop.Lead{ID: leadloop.LeadID(id)}, Profile: p, AsOf: at, Trigger: leadloop.TriggerSubmission}
}

// BenchmarkOutlook is what a lead costs before anybody is asked: 40 rules, 6
// missing fields, or such as were asked for so long ago that they are again.
func BenchmarkOutlook(b *testing.B) {
	pb := fortyRules(b)
	o, err := pb.Outlook(memstore.New(), playbook.Options{Tokens: tokens(b)})
	if err != nil {
		b.Fatal(err)
	}
	had := map[string]map[leadloop.Kind]leadloop.Value{
		"looked for in vain": {leadloop.KindString: leadloop.NoValue(leadloop.KindString), leadloop.KindInt: leadloop.NoValue(leadloop.KindInt)},
		"expired":            {leadloop.KindString: leadloop.ValueOf("Steel"), leadloop.KindInt: leadloop.ValueOf(int64(1990))},
	}
	for name, gold := range map[string]bool{"decided": true, "open": false, "looked for in vain": false, "expired": false} {
		b.Run(name, func(b *testing.B) {
			s := arriving(pb, "acme", gold)
			if values, ok := had[name]; ok {
				for _, f := range sixMissing {
					def, _ := pb.Schema().Lookup(f)
					if err := s.Profile.SetValue(f, values[def.Kind]); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				p, err := o.Open(b.Context(), s, sixMissing)
				if err != nil || (len(p.Open) == 0) != gold {
					b.Fatal(p, err)
				}
			}
		})
	}
}

// BenchmarkPlanner enriches leads with instant providers on all cores: every
// lead of a company of its own, so that nothing is in the cache.
func BenchmarkPlanner(b *testing.B) {
	pb, schema := fortyRules(b), leadloop.StandardSchema()
	answer := enrich.ProviderFunc(func(_ context.Context, q enrich.Query) (enrich.Answer, error) {
		a := enrich.Answer{Matched: true}
		for _, f := range q.Want {
			v := leadloop.ValueOf("Steel")
			if def, _ := schema.Lookup(f); def.Kind == leadloop.KindInt {
				v = leadloop.ValueOf(int64(1990))
			} else if f == "company.country" {
				v = leadloop.ValueOf("US")
			}
			a.Facts = append(a.Facts, enrich.Fact{Field: f, Value: v})
		}
		return a, nil
	})
	for name, gold := range map[string]bool{"decided": true, "open": false} {
		b.Run(name, func(b *testing.B) {
			st := memstore.New()
			w, err := pb.Waterfall(st, playbook.Options{Tokens: tokens(b), Providers: map[string]enrich.Provider{"p0": answer, "p1": answer, "p2": answer}})
			if err != nil {
				b.Fatal(err)
			}
			var n atomic.Int64
			b.ReportAllocs()
			b.RunParallel(func(loop *testing.PB) {
				for loop.Next() {
					r, err := w.Enrich(b.Context(), arriving(pb, "c"+strconv.FormatInt(n.Add(1), 10), gold))
					if err != nil || gold != (r.Stopped == enrich.StoppedDecided && len(r.Calls) == 0) {
						b.Error(r, err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "leads/s")
		})
	}
}
