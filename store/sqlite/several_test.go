package sqlite

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

func TestAnyNumberOfKeysIsFoundHoweverTheyAreGrouped(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 7, largest - 1, largest, largest + 1, 2*largest - 1, 3*largest + 5} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			s := openAt(t, newPath(t), Options{})
			var ids []leadloop.Identifier
			var tokens []string
			for i := range n {
				value := fmt.Sprintf("%03d", i)
				ids = append(ids, leadloop.Identifier{Kind: "email", Value: value})
				tokens = append(tokens, value)
			}
			slices.Reverse(ids)
			if err := s.Update(t.Context(), func(tx store.Tx) error {
				if _, err := tx.Leads().Put(t.Context(), &leadloop.Lead{ID: "ld_1", Identifiers: ids}); err != nil {
					return err
				}
				for _, token := range tokens {
					if err := tx.Suppressions().Add(t.Context(), store.Suppression{Token: token, Reason: "asked", At: time.Unix(0, 0)}); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if err := s.View(t.Context(), func(tx store.Tx) error {
				// All that there are and as many that there are not, with the only
				// one that is found at the end.
				hits, err := tx.Suppressions().Match(t.Context(), append([]string{"zzz", "yyy"}, tokens...))
				if err != nil {
					return err
				}
				var found []string
				for _, h := range hits {
					found = append(found, h.Token)
				}
				if !slices.Equal(found, tokens) {
					t.Errorf("tokens %v, want %v", found, tokens)
				}
				for _, id := range ids {
					asked := []leadloop.Identifier{{Kind: "phone", Value: "1"}, id}
					if leads, err := tx.Leads().Match(t.Context(), asked); err != nil || !slices.Equal(leads, []leadloop.LeadID{"ld_1"}) {
						t.Errorf("%v: %v, %v", asked, leads, err)
					}
				}
				leads, err := tx.Leads().Match(t.Context(), ids)
				if want := min(n, 1); len(leads) != want {
					t.Errorf("%d leads, want %d", len(leads), want)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
		})
	}
}
