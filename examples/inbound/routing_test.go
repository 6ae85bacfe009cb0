package inbound_test

import (
	"os"
	"testing"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/routing/routingtest"
	"github.com/leadloop/leadloop/store"
)

// A lead for every entry of the chain goes where the chain says.
func TestTheChainGivesEveryLeadToWhomItSays(t *testing.T) {
	pb, problems := playbook.Load(os.DirFS("playbook"))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("playbook/routing.yaml")
	if err != nil {
		t.Fatal(err)
	}
	def, err := routing.Parse("routing.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	full := &routing.Snapshot{Workloads: map[leadloop.RepID]store.Workload{}}
	for _, id := range []leadloop.RepID{"maya", "tom", "priya", "luis", "grace"} {
		full.Workloads[id] = store.Workload{Day: 3}
	}
	lead := func(country, source string, more ...string) map[string]string {
		m := map[string]string{"lead.country": country, "lead.source": source, "company.employees": "40"}
		for i := 0; i < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	hits := routingtest.Run(t, pb.Router(), pb.Schema(), []routingtest.Case{
		{Name: "a partner's lead to somebody who knows partners", Tier: "B", Fields: lead("DE", "partner"), Want: "pool:partners", Entry: "partner"},
		{Name: "the people of an account to its owner", Tier: "A", Fields: lead("US", "web"), Account: &leadloop.Account{ID: "a1", Owner: "cem"}, Want: "rep:cem", Entry: "account-owner"},
		{Name: "an account whose owner has left goes on down the chain", Tier: "A", Fields: lead("US", "web"), Account: &leadloop.Account{ID: "a1", Owner: "rory"}, Want: "pool:enterprise", Entry: "hot"},
		{Name: "the lowest tier to the track", Tier: "D", Fields: lead("US", "web"), Want: "track:monthly-digest", Entry: "nurture"},
		{Name: "a market without a rep waits at a desk", Tier: "A", Fields: lead("IN", "web"), Want: "queue:far-markets", Entry: "far-markets"},
		{Name: "Germany to those who speak German", Tier: "C", Fields: lead("DE", "web"), Want: "pool:emea", Entry: "emea-german"},
		{Name: "France to Europe", Tier: "C", Fields: lead("FR", "web"), Want: "pool:emea", Entry: "emea"},
		{
			Name: "nobody said where the person is, but the company is Irish", Tier: "B", None: []string{"lead.country"}, Want: "pool:emea", Entry: "emea-company",
			Fields: map[string]string{"lead.source": "web", "company.country": "IE", "company.employees": "40"},
		},
		{Name: "a large company whatever its tier", Tier: "C", Fields: lead("US", "web", "company.employees", "5000"), Want: "pool:enterprise", Entry: "enterprise"},
		{Name: "tier A whatever its size", Tier: "A", Fields: lead("US", "web"), Want: "pool:enterprise", Entry: "hot"},
		{Name: "the rest to small business", Tier: "C", Fields: lead("US", "web"), Want: "pool:smb", Entry: "smb"},
		{Name: "everybody there is full", Tier: "C", Fields: lead("US", "web"), Reader: full, Want: "queue:smb-overflow", Entry: "smb-full"},
		{Name: "without a score people look at it", Fields: lead("US", "web"), Want: "queue:front-desk"},
	}...)
	if unhit := routingtest.Unhit(def, hits); len(unhit) > 0 {
		t.Errorf("no case is for the entries %v", unhit)
	}
}
