package playbook_test

import (
	"testing"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

func TestASubmittedLeadOfAHighTierIsDecidedBeforeTheBacklog(t *testing.T) {
	st := memstore.New()
	loop, err := playbook.Open(ctx, files(map[string]string{"enrich.yaml": ""}), st, playbook.Options{Tokens: tokens(t)})
	if err != nil {
		t.Fatal(err)
	}
	e := leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: at}
	cold := leadloop.Submission{Key: "cold", Source: "form", ReceivedAt: at, Claims: []leadloop.Claim{
		leadloop.Email.Claim("cold@initech.com", e), leadloop.Seniority.Claim("entry", e),
	}}
	if _, err := loop.Submit(ctx, cold); err != nil {
		t.Fatal(err)
	}
	hot, err := loop.Submit(ctx, vp("hot"))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := loop.Work(ctx, at, 1); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if err := st.View(ctx, func(tx store.Tx) error {
		l, err := tx.Leads().Get(ctx, hot.Record)
		if err == nil && l.State.Disposition == "" {
			t.Error("the lead of the higher tier is not the first to be decided")
		}
		tasks, err2 := tx.Tasks().ByLead(ctx, "")
		for _, x := range tasks {
			if x.Kind == leadloop.TaskProcess {
				t.Logf("%s: priority %d, %s", x.Key, x.Priority, x.State)
			}
		}
		if err == nil {
			err = err2
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
