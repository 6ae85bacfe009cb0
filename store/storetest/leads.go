package storetest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// put puts l as it is and checks the revision that comes back.
func (k *kit) put(l *leadloop.Lead, want int64) {
	k.Helper()
	k.update(func(ctx context.Context, tx store.Tx) error {
		got, err := tx.Leads().Put(ctx, l)
		if err == nil && got != want {
			k.Errorf("Put returned revision %d, want %d", got, want)
		}
		return err
	})
}

// change reads a lead, changes it and puts it back.
func (k *kit) change(id leadloop.LeadID, f func(l *leadloop.Lead)) {
	k.Helper()
	k.update(func(ctx context.Context, tx store.Tx) error {
		l, err := tx.Leads().Get(ctx, id)
		if err != nil {
			return err
		}
		f(l)
		_, err = tx.Leads().Put(ctx, l)
		return err
	})
}

func list(after leadloop.LeadID, limit int) func(context.Context, store.Tx) ([]*leadloop.Lead, error) {
	return func(ctx context.Context, tx store.Tx) ([]*leadloop.Lead, error) {
		return tx.Leads().List(ctx, after, limit)
	}
}

func leadID(l *leadloop.Lead) leadloop.LeadID { return l.ID }

func workload(owner leadloop.RepID, asOf time.Time) func(context.Context, store.Tx) (store.Workload, error) {
	return func(ctx context.Context, tx store.Tx) (store.Workload, error) {
		return tx.Leads().Workload(ctx, owner, asOf)
	}
}

// scribble overwrites everything that l points at.
func scribble(l *leadloop.Lead) {
	for i := range l.Claims {
		l.Claims[i].Field = "scribble"
	}
	for i := range l.Activities {
		l.Activities[i].ID = "scribble"
		for k := range l.Activities[i].Attributes {
			l.Activities[i].Attributes[k] = "scribble"
		}
	}
	for i := range l.Identifiers {
		l.Identifiers[i].Value = "scribble"
	}
	for _, ids := range [][]leadloop.LeadID{l.Records, l.PossibleDuplicates, l.Different} {
		for i := range ids {
			ids[i] = "scribble"
		}
	}
	for i := range l.State.Score.Needs {
		l.State.Score.Needs[i] = "scribble"
	}
	l.State.Owner = "scribble"
	l.MergedInto = "scribble"
}

var leadSentences = []sentence{
	{"Get of a lead that was never put is ErrNotFound", "", func(k *kit) {
		missing(k, "Get", getLead("nobody"))
	}},
	{"Put returns l.Revision+1 and Get has it", Revisions, func(k *kit) {
		l := fullLead("a")
		for want := int64(1); want <= 3; want++ {
			l.Revision = want - 1
			k.put(l, want)
			got := read(k, getLead("a"))
			if got.Revision != want {
				k.Errorf("Get has revision %d, want %d", got.Revision, want)
			}
		}
	}},
	{"Put twice in one transaction counts twice", Revisions, func(k *kit) {
		k.update(func(ctx context.Context, tx store.Tx) error {
			l := plainLead("a")
			for want := int64(1); want <= 2; want++ {
				rev, err := tx.Leads().Put(ctx, l)
				if err != nil {
					return err
				}
				if rev != want {
					k.Errorf("Put returned revision %d, want %d", rev, want)
				}
				l.Revision = rev
			}
			return nil
		})
	}},
	{"Put replaces all of a lead", "", func(k *kit) {
		k.put(fullLead("a"), 1)
		bare := &leadloop.Lead{ID: "a", Revision: 1}
		k.put(bare, 2)
		bare.Revision = 2
		same(k, "the lead", bare, read(k, getLead("a")))
	}},
	{"Put with revision 0 of a lead that exists is ErrConflict", Revisions, func(k *kit) {
		k.put(fullLead("a"), 1)
		k.refused(leadloop.ErrConflict, func(ctx context.Context, tx store.Tx) error { return putLeads(ctx, tx, "a") })
	}},
	{"Put with a stale or a future revision is ErrConflict and changes nothing", Revisions, func(k *kit) {
		l := fullLead("a")
		k.put(l, 1)
		l.Revision = 1
		k.put(l, 2)
		for _, revision := range []int64{0, 1, 3, -1} {
			k.refused(leadloop.ErrConflict, func(ctx context.Context, tx store.Tx) error {
				other := plainLead("a", email("other@example.com"))
				other.Revision = revision
				_, err := tx.Leads().Put(ctx, other)
				return err
			})
		}
		l.Revision = 2
		same(k, "the lead", l, read(k, getLead("a")))
		same(k, "leads with the refused identifier", nil, read(k, match(email("other@example.com"))))
	}},
	{"Put with a revision of a lead that doesn't exist is ErrConflict", Revisions, func(k *kit) {
		l := plainLead("a")
		l.Revision = 1
		k.refused(leadloop.ErrConflict, func(ctx context.Context, tx store.Tx) error {
			_, err := tx.Leads().Put(ctx, l)
			return err
		})
	}},
	{"Put doesn't modify the lead it is given", "", func(k *kit) {
		l := fullLead("a")
		k.put(l, 1)
		same(k, "the lead given", fullLead("a"), l)
	}},
	{"Put doesn't keep the lead it is given", "", func(k *kit) {
		l := fullLead("a")
		k.put(l, 1)
		scribble(l)
		want := fullLead("a")
		want.Revision = 1
		same(k, "the lead stored", want, read(k, getLead("a")))
	}},
	{"what Get and List return belongs to the caller", "", func(k *kit) {
		k.put(fullLead("a"), 1)
		want := fullLead("a")
		want.Revision = 1
		k.update(func(ctx context.Context, tx store.Tx) error {
			l, err := tx.Leads().Get(ctx, "a")
			if err != nil {
				return err
			}
			scribble(l)
			page, err := tx.Leads().List(ctx, "", 1)
			if err != nil {
				return err
			}
			same(k, "the lead listed", []*leadloop.Lead{want}, page)
			scribble(page[0])
			return nil
		})
		same(k, "the lead stored", want, read(k, getLead("a")))
	}},
	{"Match finds leads by any of the identifiers, each once, in id order", "", func(k *kit) {
		k.put(plainLead("c", email("x@example.com"), phone("+1")), 1)
		k.put(plainLead("a", phone("+1"), phone("+2"), phone("+2")), 1)
		k.put(plainLead("b", email("y@example.com")), 1)
		k.put(plainLead("d", email("z@example.com")), 1)
		same(k, "leads", []leadloop.LeadID{"a", "c"}, read(k, match(phone("+1"))))
		same(k, "leads", []leadloop.LeadID{"a", "b", "c"}, read(k, match(phone("+2"), email("y@example.com"), email("x@example.com"), phone("+1"), phone("+1"))))
	}},
	{"Match with no identifiers, or unknown ones, finds nothing", "", func(k *kit) {
		k.put(plainLead("a", email("x@example.com"), leadloop.Identifier{}), 1)
		same(k, "leads of no identifiers", nil, read(k, match()))
		same(k, "leads of an unknown one", nil, read(k, match(email("nobody@example.com"))))
	}},
	{"Match tells kinds, cases and prefixes apart", "", func(k *kit) {
		k.put(plainLead("a", email("x@example.com")), 1)
		for _, other := range []leadloop.Identifier{
			{Kind: "domain", Value: "x@example.com"}, email("X@example.com"), {Kind: "Email", Value: "x@example.com"},
			email("x@example.co"), email("x@example.com "), email("%"), {Kind: "emailx", Value: "@example.com"},
		} {
			same(k, fmt.Sprintf("leads of kind %q and another value", other.Kind), nil, read(k, match(other)))
		}
	}},
	{"Match follows changed identifiers", "", func(k *kit) {
		k.put(plainLead("a", email("old@example.com"), phone("+1")), 1)
		k.change("a", func(l *leadloop.Lead) { l.Identifiers = []leadloop.Identifier{phone("+1"), email("new@example.com")} })
		same(k, "leads of the old one", nil, read(k, match(email("old@example.com"))))
		same(k, "leads of the new one", []leadloop.LeadID{"a"}, read(k, match(email("new@example.com"))))
		same(k, "leads of the kept one", []leadloop.LeadID{"a"}, read(k, match(phone("+1"))))
	}},
	{"Match leaves out leads merged away, and finds them again when they are restored", "", func(k *kit) {
		k.put(plainLead("a", phone("+1")), 1)
		k.put(plainLead("b", phone("+1")), 1)
		k.change("a", func(l *leadloop.Lead) { l.MergedInto = "b" })
		same(k, "leads", []leadloop.LeadID{"b"}, read(k, match(phone("+1"))))
		k.change("a", func(l *leadloop.Lead) { l.MergedInto = "" })
		same(k, "leads", []leadloop.LeadID{"a", "b"}, read(k, match(phone("+1"))))
	}},
	{"Match takes thousands of identifiers", "", func(k *kit) {
		k.put(plainLead("a", phone("+4242")), 1)
		k.put(plainLead("b", phone("+0")), 1)
		var many []leadloop.Identifier
		for i := range 5000 {
			many = append(many, phone(fmt.Sprintf("+%d", i)))
		}
		same(k, "leads", []leadloop.LeadID{"a", "b"}, read(k, match(many...)))
	}},
	{"Get returns a lead that is merged away, and Resolve the one it became part of", "", func(k *kit) {
		k.put(&leadloop.Lead{ID: "a", MergedInto: "b"}, 1)
		k.put(&leadloop.Lead{ID: "b", MergedInto: "c"}, 1)
		k.put(&leadloop.Lead{ID: "c"}, 1)
		same(k, "the lead stored", &leadloop.Lead{ID: "a", MergedInto: "b", Revision: 1}, read(k, getLead("a")))
		same(k, "the lead resolved", &leadloop.Lead{ID: "c", Revision: 1}, read(k, func(ctx context.Context, tx store.Tx) (*leadloop.Lead, error) {
			return store.Resolve(ctx, tx.Leads(), "a")
		}))
	}},
	{"List pages through all leads in byte order of their ids, merged ones included", "", func(k *kit) {
		want := []leadloop.LeadID{" ", "B", "a", "a\t", "a b", "aa", "b", "z", "é", "日", "𝔘"}
		slices.Sort(want)
		for _, i := range []int{3, 0, 10, 7, 1, 9, 5, 2, 8, 4, 6} {
			k.put(&leadloop.Lead{ID: want[i], MergedInto: []leadloop.LeadID{"", "a"}[i%2]}, 1)
		}
		var got []leadloop.LeadID
		after := leadloop.LeadID("")
		for {
			page := ids(read(k, list(after, 3)), leadID)
			got = append(got, page...)
			if len(page) < 3 {
				break
			}
			after = page[2]
		}
		same(k, "ids", want, got)
	}},
	{"List starts after an id that needs not exist and returns fewer only at the end", "", func(k *kit) {
		k.update(func(ctx context.Context, tx store.Tx) error { return putLeads(ctx, tx, "a", "c", "e") })
		same(k, "ids after b", []leadloop.LeadID{"c"}, ids(read(k, list("b", 1)), leadID))
		same(k, "ids after a", []leadloop.LeadID{"c", "e"}, ids(read(k, list("a", 9)), leadID))
		same(k, "ids after e", nil, ids(read(k, list("e", 9)), leadID))
		same(k, "a page of 0", nil, ids(read(k, list("", 0)), leadID))
		same(k, "a page of -1", nil, ids(read(k, list("", -1)), leadID))
	}},
	{"Delete removes a lead from every answer", "", func(k *kit) {
		k.put(fullLead("a"), 1)
		k.update(func(ctx context.Context, tx store.Tx) error { return tx.Leads().Delete(ctx, "a") })
		missing(k, "Get", getLead("a"))
		same(k, "leads matched", nil, read(k, match(email("ana@example.com"))))
		same(k, "leads listed", nil, read(k, list("", 9)))
		same(k, "the owner's workload", store.Workload{}, read(k, workload("rep-1", at(time.Hour))))
	}},
	{"Delete of a lead that doesn't exist is ErrNotFound", "", func(k *kit) {
		k.refused(leadloop.ErrNotFound, func(ctx context.Context, tx store.Tx) error { return tx.Leads().Delete(ctx, "a") })
	}},
	{"a lead deleted may be put again as new", "", func(k *kit) {
		k.put(plainLead("a", phone("+1")), 1)
		k.update(func(ctx context.Context, tx store.Tx) error { return tx.Leads().Delete(ctx, "a") })
		k.put(plainLead("a", phone("+2")), 1)
		same(k, "leads of the old identifier", nil, read(k, match(phone("+1"))))
		same(k, "leads of the new identifier", []leadloop.LeadID{"a"}, read(k, match(phone("+2"))))
	}},
	{"Workload.Open counts a rep's assigned leads that are not merged away", "", func(k *kit) {
		long := at(-1000 * time.Hour)
		k.put(owned("a", "rep-1", long, leadloop.OutcomeAssigned), 1)
		k.put(owned("b", "rep-1", long, leadloop.OutcomeAssigned), 1)
		k.put(owned("c", "rep-1", long, leadloop.OutcomeNurture), 1)
		k.put(owned("d", "rep-2", long, leadloop.OutcomeAssigned), 1)
		k.put(owned("e", "", long, leadloop.OutcomeAssigned), 1)
		merged := owned("f", "rep-1", long, leadloop.OutcomeAssigned)
		merged.MergedInto = "a"
		k.put(merged, 1)
		same(k, "rep-1", store.Workload{Open: 2}, read(k, workload("rep-1", noon)))
		same(k, "rep-2", store.Workload{Open: 1}, read(k, workload("rep-2", noon)))
		same(k, "a rep without leads", store.Workload{}, read(k, workload("rep-3", noon)))
		k.change("a", func(l *leadloop.Lead) { l.State.Owner = "rep-2" })
		k.change("b", func(l *leadloop.Lead) { l.State.Disposition = leadloop.OutcomeQueued })
		same(k, "rep-1 after the change", store.Workload{}, read(k, workload("rep-1", noon)))
		same(k, "rep-2 after the change", store.Workload{Open: 2}, read(k, workload("rep-2", noon)))
	}},
	{"Workload.Day and Week count leads owned since less than 24 hours and 7 days, up to and including asOf", "", func(k *kit) {
		const day = 24 * time.Hour
		for i, since := range []time.Duration{0, time.Second, -time.Second, time.Second - day, -day, time.Second - 7*day, -7 * day} {
			k.put(owned(leadloop.LeadID(fmt.Sprint(i)), "rep-1", at(since), leadloop.OutcomeNurture), 1)
		}
		merged := owned("m", "rep-1", noon, leadloop.OutcomeNurture)
		merged.MergedInto = "0"
		k.put(merged, 1)
		same(k, "at noon", store.Workload{Day: 3, Week: 5}, read(k, workload("rep-1", noon)))
		same(k, "a second later", store.Workload{Day: 3, Week: 5}, read(k, workload("rep-1", at(time.Second))))
		same(k, "a day later", store.Workload{Day: 1, Week: 5}, read(k, workload("rep-1", at(day))))
	}},
}

func owned(id leadloop.LeadID, owner leadloop.RepID, since time.Time, d leadloop.OutcomeKind) *leadloop.Lead {
	return &leadloop.Lead{ID: id, State: leadloop.State{Owner: owner, OwnerSince: since, Disposition: d}}
}
