package suggest_test

import (
	"testing"

	"github.com/leadloop/leadloop/internal/suggest"
)

func TestTheNearestNameIsSuggestedIfItIsNearEnough(t *testing.T) {
	names := []string{"A", "ana", "company.employees", "lead.email", "lead.region", "fit", "intent"}
	for got, want := range map[string]string{
		"company.employes": `did you mean "company.employees"?`,
		"lead.emial":       `did you mean "lead.email"?`,
		"Lead.Email":       `did you mean "lead.email"?`,
		"fti":              `did you mean "fit"?`,
		"shoe_size":        "",
		"D":                "", // another tier is no slip
		"dan":              "", // nor is another rep
		"":                 "",
	} {
		if s := suggest.DidYouMean(got, names); s != want {
			t.Errorf("%q: got %q, want %q", got, s, want)
		}
	}
}

func TestTiesGoToTheFirstInAlphabet(t *testing.T) {
	if got, ok := suggest.Closest("bat", []string{"rat", "cat"}); !ok || got != "cat" {
		t.Errorf("got %q %v", got, ok)
	}
}
