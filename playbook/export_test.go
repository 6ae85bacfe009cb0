package playbook_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store/memstore"
)

func TestWhatAVendorSaidIsInAnExportAlsoIfItWasNotTakenOverAndGoesWithThePerson(t *testing.T) {
	st := memstore.New()
	loop, err := playbook.Open(ctx, files(nil), st, playbook.Options{Tokens: tokens(t), Providers: vendor(knows(-5))})
	if err != nil {
		t.Fatal(err)
	}
	res, err := loop.Process(ctx, vp("lea"), at)
	if err != nil {
		t.Fatal(err)
	}
	lea := privacy.Person{Email: "lea@acme.com"}
	answers := func() (all []map[string]any) {
		t.Helper()
		x, err := privacy.ExportPerson(ctx, st, tokens(t), lea, at)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range x.Answers {
			var said map[string]any
			if err := json.Unmarshal(a.Data, &said); err != nil {
				t.Fatalf("%s: %v", a.Data, err)
			}
			if a.Lead != res.Lead.ID || !a.ExpiresAt.After(at) {
				t.Errorf("an answer of lead %s until %v", a.Lead, a.ExpiresAt)
			}
			all = append(all, said)
		}
		return all
	}
	want := []map[string]any{{
		"provider": "vendor", "field": leadloop.Employees.Name(), "said": "value", "value": map[string]any{"int": -5.0},
		"at": at.Format("2006-01-02T15:04:05Z"), "matched": true, "cost": 100_000.0,
	}}
	if diff := cmp.Diff(want, answers()); diff != "" {
		t.Error(diff)
	}
	eraser, err := privacy.NewEraser(st, tokens(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := eraser.Erase(ctx, privacy.Request{ID: "dsr-1", Person: lea, At: at}); err != nil {
		t.Fatal(err)
	}
	if left := answers(); left != nil {
		t.Errorf("after the erasure there is %v", left)
	}
}
