package match_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop/dedupe/match"
)

func TestOneMailboxIsOnePersonAmongFewRows(t *testing.T) {
	fields := []match.Field{{Name: "name", Kind: match.KindPersonName}, {Name: "email", Kind: match.KindEmail}, {Name: "company", Kind: match.KindCompany}}
	strangers := []string{
		"Bob Miller", "Carla Gomez", "Dieter Braun", "Eva Lind", "Frank Ott", "Gina Rossi", "Hans Meier", "Ines Costa", "Jan Novak", "Karin Holm", "Luca Conti",
		"Maria Silva", "Nils Dahl", "Olga Petrova", "Paul Dubois", "Quinn Baker", "Rita Moser", "Sven Lund", "Tina Weiss", "Uwe Kraft", "Vera Kuhn", "Will Carter",
		"Xenia Popa", "Yann Moreau", "Zoe Grant", "Adam Ford", "Berta Vogel", "Cem Yildiz", "Dora Toth", "Emil Bauer", "Fiona Walsh", "Gero Lang",
	}
	for _, tc := range []struct {
		name string
		rows []string
		want [][]int // clusters of the rows given
	}{
		{"a misspelt name", []string{"Anna Schmidt,anna.schmidt@acme.com,Acme", "Ana Schmidt,anna.schmidt@acme.com,"}, [][]int{{0, 1}}},
		{"a letter written as two", []string{"Jörg Müller,mueller@acme.de,", "Joerg Mueller,mueller@acme.de,"}, [][]int{{0, 1}}},
		{"an initial", []string{"Anna Schmidt,anna.schmidt@acme.com,", "A. Schmidt,anna.schmidt@acme.com,Acme Inc"}, [][]int{{0, 1}}},
		{"colleagues", []string{"Anna Schmidt,anna.schmidt@acme.com,Acme", "Anna Berg,anna.berg@acme.com,Acme", "Kim Lee,kim.lee@acme.com,Acme"}, [][]int{{0}, {1}, {2}}},
		{"an office's mailbox", []string{"Anna Schmidt,info@acme.com,Acme", "Kim Lee,info@acme.com,Acme"}, [][]int{{0}, {1}}},
		{"namesakes", []string{"Anna Schmidt,anna.schmidt@acme.com,Acme", "Anna Schmidt,anna@rival.com,Rival"}, [][]int{{0}, {1}}},
	} {
		for _, others := range []int{0, 1, 3, 7, 20, 32} {
			t.Run(fmt.Sprintf("%s beside %d others", tc.name, others), func(t *testing.T) {
				var rows []match.Record
				for i, text := range tc.rows {
					rows = append(rows, match.Record{ID: fmt.Sprint(i), Values: strings.Split(text, ",")})
				}
				for i, name := range strangers[:others] {
					rows = append(rows, match.Record{ID: name, Values: []string{name, strings.ToLower(strings.Fields(name)[0]) + fmt.Sprintf("@firm%d.com", i), fmt.Sprintf("Firm%d", i)}})
				}
				res := cluster(t, table(t, fields, rows...), match.Options{})
				var got [][]int
				at := map[string]int{}
				for i := range tc.rows {
					c := res.Rows[i].Cluster
					if _, there := at[c]; !there {
						at[c], got = len(got), append(got, nil)
					}
					got[at[c]] = append(got[at[c]], i)
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Error(diff)
				}
				if res.Clusters != len(tc.want)+others {
					t.Errorf("%d clusters, want %d", res.Clusters, len(tc.want)+others)
				}
			})
		}
	}
}
