package playbook_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

func TestWhatIsHeldOrBoughtAndReadByNoRuleIsReported(t *testing.T) {
	ctx, st := context.Background(), memstore.New()
	pb, problems := playbook.Load(files(nil))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	said := leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: at}
	bought := leadloop.Evidence{Origin: leadloop.OriginProvider, Source: "vendor", ObservedAt: at}
	err := st.Update(ctx, func(tx store.Tx) error {
		for _, l := range []*leadloop.Lead{
			{ID: "a", ReceivedAt: at, Claims: []leadloop.Claim{
				leadloop.Email.Claim("lea@acme.example", said), leadloop.City.Claim("Paris", said), leadloop.City.Claim("Paris", bought), leadloop.Founded.Claim(1999, bought),
			}},
			{ID: "b", ReceivedAt: at, Claims: []leadloop.Claim{leadloop.City.Claim("Rome", said), leadloop.Founded.None(bought)}},
		} {
			if _, err := tx.Leads().Put(ctx, l); err != nil {
				return err
			}
		}
		return tx.Costs().Add(ctx, store.Cost{Provider: "vendor", Lead: "a", At: at, Amount: 500_000, Fields: []string{"lead.city", "company.founded"}, Matched: true})
	})
	if err != nil {
		t.Fatal(err)
	}
	held, err := pb.Minimise(ctx, st)
	if err != nil {
		t.Fatal(err)
	}
	var needless []playbook.Holding
	for _, h := range held {
		if h.Needless() {
			needless = append(needless, h)
		}
	}
	want := []playbook.Holding{
		{Field: "company.founded", Leads: 1, Bought: 1, Spent: 250_000, Readers: []string{}, Uses: []string{}},
		{Field: "lead.city", Person: true, Leads: 2, Bought: 1, Spent: 250_000, Readers: []string{}, Uses: []string{}},
	}
	if diff := cmp.Diff(want, needless); diff != "" || len(held) != 3 {
		t.Errorf("%d fields; %s", len(held), diff)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := pb.Minimise(ctx, st); !errors.Is(err, leadloop.ErrUnavailable) {
		t.Errorf("a closed store gives %v", err)
	}
}
