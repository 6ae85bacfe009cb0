package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// The optional roles are asked for as a loop does it: a store without them
// passes as well.
var bulkSentences = []sentence{
	{"PutNew stores new leads as Put does", "", func(k *kit) {
		var leads []*leadloop.Lead
		for i := range 300 {
			leads = append(leads, plainLead(leadloop.LeadID(fmt.Sprintf("lead-%03d", i)), email(fmt.Sprintf("%d@example.com", i)), email("all@example.com")))
		}
		leads[7].MergedInto = "lead-008"
		k.update(func(ctx context.Context, tx store.Tx) error { return store.PutNew(ctx, tx.Leads(), leads) })
		stored := read(k, list("", 1000))
		for i, l := range leads {
			l.Revision = 1
			same(k, "lead", l, stored[i])
		}
		same(k, "found", []leadloop.LeadID{"lead-009"}, read(k, match(email("9@example.com"))))
		if n := len(read(k, match(email("all@example.com"), email("7@example.com")))); n != 299 {
			k.Errorf("%d leads are found, one of 300 is merged away", n)
		}
	}},
	{"PutNew of a lead that exists is ErrConflict, stores none and leaves the transaction usable", Revisions, func(k *kit) {
		k.update(func(ctx context.Context, tx store.Tx) error { return putLeads(ctx, tx, "b") })
		k.update(func(ctx context.Context, tx store.Tx) error {
			for _, ids := range [][]leadloop.LeadID{{"a", "b"}, {"c", "c"}} {
				var leads []*leadloop.Lead
				for _, id := range ids {
					leads = append(leads, plainLead(id))
				}
				if err := store.PutNew(ctx, tx.Leads(), leads); !isConflict(err) {
					k.Errorf("%v: want ErrConflict, got %v", ids, err)
				}
			}
			return putLeads(ctx, tx, "d")
		})
		same(k, "leads", []leadloop.LeadID{"b", "d"}, ids(read(k, list("", 10)), leadID))
	}},
	{"ClaimAll tells at each place who had the key before, the first of a pair binds", "", func(k *kit) {
		k.claim("b", "old", "old", true)
		var before []leadloop.LeadID
		k.update(func(ctx context.Context, tx store.Tx) (err error) {
			before, err = store.ClaimAll(ctx, tx.Keys(), []string{"a", "b", "c", "a"}, []leadloop.LeadID{"1", "2", "3", "4"})
			return err
		})
		same(k, "before", []leadloop.LeadID{"", "old", "", "1"}, before)
		for key, want := range map[string]leadloop.LeadID{"a": "1", "b": "old", "c": "3"} {
			same(k, "bound to "+key, want, read(k, lookup(key)))
		}
	}},
	{"of many tasks in one Add those whose key exists or comes twice change nothing", "", func(k *kit) {
		old := fullTask("task-007")
		old.Lead = "before"
		k.update(func(ctx context.Context, tx store.Tx) error { return tx.Tasks().Add(ctx, old) })
		var many []leadloop.Task
		for i := range 300 {
			many = append(many, fullTask(fmt.Sprintf("task-%03d", i)))
		}
		again := fullTask("task-008")
		again.Lead = "after"
		many = append(many, again)
		k.update(func(ctx context.Context, tx store.Tx) error { return tx.Tasks().Add(ctx, many...) })
		all := read(k, func(ctx context.Context, tx store.Tx) ([]leadloop.Task, error) { return tx.Tasks().ByLead(ctx, "") })
		want := many[:300]
		want[7] = old
		same(k, "tasks", want, all)
	}},
	{"many events of one transaction are kept whole and in their order", "", func(k *kit) {
		var many []leadloop.Event
		for i := range 300 {
			e := fullEvent("lead-1")
			e.At, e.Reason = at(time.Duration(-i)), fmt.Sprint(i)
			many = append(many, e)
		}
		k.journal(many...)
		stored := read(k, eventsOf("lead-1"))
		for i := range stored {
			stored[i].Seq = 0
		}
		same(k, "events", many, stored)
	}},
	{"ClaimAll of many keys binds all of them, and those that are taken stay bound", "", func(k *kit) {
		var keys []string
		var ids, none []leadloop.LeadID
		for i := range 300 {
			keys, ids, none = append(keys, fmt.Sprintf("key-%03d", i)), append(ids, leadloop.LeadID(fmt.Sprint(i))), append(none, "")
		}
		var first, second []leadloop.LeadID
		k.update(func(ctx context.Context, tx store.Tx) (err error) {
			first, err = store.ClaimAll(ctx, tx.Keys(), keys, ids)
			return err
		})
		same(k, "before", none, first)
		k.update(func(ctx context.Context, tx store.Tx) (err error) {
			second, err = store.ClaimAll(ctx, tx.Keys(), append([]string{"new"}, keys...), append([]leadloop.LeadID{"other"}, slices.Repeat([]leadloop.LeadID{"late"}, 300)...))
			return err
		})
		same(k, "before the second time", append([]leadloop.LeadID{""}, ids...), second)
		same(k, "bound to the new key", leadloop.LeadID("other"), read(k, lookup("new")))
	}},
	{"PutNew and ClaimAll of nothing do nothing", "", func(k *kit) {
		k.update(func(ctx context.Context, tx store.Tx) error {
			before, err := store.ClaimAll(ctx, tx.Keys(), nil, nil)
			if err != nil || len(before) > 0 {
				k.Errorf("ClaimAll: %v, %v", before, err)
			}
			return store.PutNew(ctx, tx.Leads(), nil)
		})
		same(k, "leads", 0, len(read(k, list("", 10))))
	}},
}

func isConflict(err error) bool { return errors.Is(err, leadloop.ErrConflict) }
