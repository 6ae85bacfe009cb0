package storetest

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

func since(seq int64) func(context.Context, store.Tx) ([]leadloop.Event, error) {
	return func(ctx context.Context, tx store.Tx) ([]leadloop.Event, error) {
		return collect(tx.Journal().Since(ctx, seq))
	}
}

func eventsOf(id leadloop.LeadID) func(context.Context, store.Tx) ([]leadloop.Event, error) {
	return func(ctx context.Context, tx store.Tx) ([]leadloop.Event, error) {
		return collect(tx.Journal().ByLead(ctx, id))
	}
}

func (k *kit) journal(events ...leadloop.Event) {
	k.Helper()
	k.update(func(ctx context.Context, tx store.Tx) error { return tx.Journal().Append(ctx, events...) })
}

func reason(e leadloop.Event) string { return e.Reason }

func event(lead leadloop.LeadID, reason string) leadloop.Event {
	return leadloop.Event{Kind: leadloop.EventActivity, Lead: lead, At: noon, Reason: reason}
}

var journalSentences = []sentence{
	{"events are kept whole and in the order given, whatever their time", "", func(k *kit) {
		first, second := fullEvent("a"), fullEvent("b")
		second.At = at(-1)
		k.journal(first, second)
		k.journal(event("a", "third"))
		got := read(k, since(0))
		for i := range got {
			if i > 0 && got[i].Seq <= got[i-1].Seq {
				k.Errorf("Seq %d follows %d", got[i].Seq, got[i-1].Seq)
			}
			got[i].Seq = 0
		}
		same(k, "events", []leadloop.Event{first, second, event("a", "third")}, got)
	}},
	{"Append gives each event a Seq of its own and ignores the one it has", "", func(k *kit) {
		given := []leadloop.Event{fullEvent("a"), fullEvent("a")}
		given[0].Seq, given[1].Seq = 1<<40, 1<<40
		k.journal(given...)
		k.journal(given...)
		got := read(k, since(0))
		for i, e := range got {
			if e.Seq <= 0 || e.Seq >= 1<<40 || i > 0 && e.Seq <= got[i-1].Seq {
				k.Errorf("event %d has Seq %d", i, e.Seq)
			}
		}
		if len(got) != 4 || given[0].Seq != 1<<40 {
			k.Errorf("%d events; the one given has Seq %d now", len(got), given[0].Seq)
		}
	}},
	{"Since yields all events with a greater Seq", "", func(k *kit) {
		k.journal(event("a", "1"), event("b", "2"), event("a", "3"))
		all := read(k, since(0))
		for i, e := range all {
			same(k, fmt.Sprintf("events since number %d", i), all[i+1:], read(k, since(e.Seq)))
		}
		same(k, "events since before the first", all, read(k, since(-1)))
		same(k, "events since the end of time", nil, read(k, since(1<<63-1)))
	}},
	{"ByLead yields a lead's events in Seq order", "", func(k *kit) {
		k.journal(event("a", "1"), event("b", "2"), event("a", "3"), event("A", "4"))
		k.journal(event("a", "5"), event("ab", "6"))
		same(k, "events of a", []string{"1", "3", "5"}, ids(read(k, eventsOf("a")), reason))
		same(k, "events of nobody", nil, read(k, eventsOf("nobody")))
	}},
	{"an iteration over thousands of events is complete", "", func(k *kit) {
		const n = 3000
		var events []leadloop.Event
		for i := range n {
			events = append(events, event([]leadloop.LeadID{"a", "b", "a"}[i%3], fmt.Sprint(i)))
		}
		k.journal(events...)
		same(k, "all events", ids(events, reason), ids(read(k, since(0)), reason))
		if got := len(read(k, eventsOf("a"))); got != n*2/3 {
			k.Errorf("%d events of a, want %d", got, n*2/3)
		}
	}},
	{"an iteration may stop early, and the transaction goes on", "", func(k *kit) {
		k.journal(event("a", "1"), event("a", "2"), event("a", "3"))
		k.update(func(ctx context.Context, tx store.Tx) error {
			for _, seq := range []func() (leadloop.Event, error){
				func() (leadloop.Event, error) {
					for e, err := range tx.Journal().Since(ctx, 0) {
						return e, err
					}
					return leadloop.Event{}, nil
				},
				func() (leadloop.Event, error) {
					for e, err := range tx.Journal().ByLead(ctx, "a") {
						return e, err
					}
					return leadloop.Event{}, nil
				},
			} {
				e, err := seq()
				if err != nil || e.Reason != "1" {
					k.Errorf("the first event is %q, error %v", e.Reason, err)
				}
			}
			return tx.Journal().Append(ctx, event("a", "4"))
		})
		same(k, "events", []string{"1", "2", "3", "4"}, ids(read(k, since(0)), reason))
	}},
	{"other calls may be made while ranging, and a range may be repeated", "", func(k *kit) {
		k.journal(event("a", "1"), event("a", "2"))
		k.update(func(ctx context.Context, tx store.Tx) error {
			seq := tx.Journal().ByLead(ctx, "a")
			for range 2 {
				n := 0
				for e, err := range seq {
					if err != nil {
						return err
					}
					if n++; n > 2 {
						break // an event written below may be yielded
					}
					if _, _, err := tx.Keys().Claim(ctx, e.Reason, "a"); err != nil {
						return err
					}
					if _, err := tx.Keys().Lookup(ctx, e.Reason); err != nil {
						return err
					}
					for _, err := range tx.Journal().Since(ctx, 0) {
						if err != nil {
							return err
						}
					}
					if err := tx.Journal().Append(ctx, event("b", "x")); err != nil {
						return err
					}
				}
				if n < 2 {
					k.Errorf("%d events of 2 were yielded", n)
				}
			}
			return nil
		})
	}},
	{"events yielded belong to the caller, and Append keeps nothing it is given", "", func(k *kit) {
		given := fullEvent("a")
		k.journal(given)
		same(k, "the event given", fullEvent("a"), given)
		given.Attrs["tier"] = "scribble"
		for range 2 {
			got := read(k, eventsOf("a"))
			got[0].Seq = 0
			same(k, "events", []leadloop.Event{fullEvent("a")}, got)
			got[0].Attrs["tier"] = "scribble"
		}
	}},
	{"Append of no events changes nothing", "", func(k *kit) {
		k.journal()
		same(k, "events", nil, read(k, since(0)))
	}},
}

func decisionsOf(id leadloop.LeadID) func(context.Context, store.Tx) ([]leadloop.Decision, error) {
	return func(ctx context.Context, tx store.Tx) ([]leadloop.Decision, error) {
		return tx.Decisions().ByLead(ctx, id)
	}
}

func latest(id leadloop.LeadID) func(context.Context, store.Tx) (leadloop.Decision, error) {
	return func(ctx context.Context, tx store.Tx) (leadloop.Decision, error) {
		return tx.Decisions().Latest(ctx, id)
	}
}

func (k *kit) decide(all ...leadloop.Decision) {
	k.Helper()
	k.update(func(ctx context.Context, tx store.Tx) error {
		for _, d := range all {
			if err := tx.Decisions().Put(ctx, d); err != nil {
				return err
			}
		}
		return nil
	})
}

var decisionSentences = []sentence{
	{"Latest is ErrNotFound and ByLead empty for a lead without records", "", func(k *kit) {
		k.decide(fullDecision("a", 1))
		missing(k, "Latest", latest("A"))
		same(k, "records", nil, read(k, decisionsOf("A")))
	}},
	{"Latest returns the highest revision and ByLead all, oldest first", "", func(k *kit) {
		k.decide(fullDecision("a", 10), fullDecision("a", 9), fullDecision("b", 11), fullDecision("a", 2))
		same(k, "the latest", fullDecision("a", 10), read(k, latest("a")))
		same(k, "all", []leadloop.Decision{fullDecision("a", 2), fullDecision("a", 9), fullDecision("a", 10)}, read(k, decisionsOf("a")))
	}},
	{"Put replaces a record of the same lead and revision", "", func(k *kit) {
		k.decide(fullDecision("a", 1), leadloop.Decision{Lead: "a", Revision: 1, AsOf: noon})
		same(k, "all", []leadloop.Decision{{Lead: "a", Revision: 1, AsOf: noon}}, read(k, decisionsOf("a")))
	}},
	{"DeleteLead removes all records of one lead; removing none is no error", "", func(k *kit) {
		k.decide(fullDecision("a", 1), fullDecision("a", 2), fullDecision("b", 1))
		for range 2 {
			k.update(func(ctx context.Context, tx store.Tx) error { return tx.Decisions().DeleteLead(ctx, "a") })
			missing(k, "Latest", latest("a"))
		}
		same(k, "records of the other lead", []leadloop.Decision{fullDecision("b", 1)}, read(k, decisionsOf("b")))
	}},
	{"records returned belong to the caller, and Put keeps nothing it is given", "", func(k *kit) {
		d := fullDecision("a", 1)
		k.decide(d)
		same(k, "the record given", fullDecision("a", 1), d)
		for range 2 {
			copy(d.Steps[0].Trace, "scribble")
			d.Steps[1].Stage = "scribble"
			d = read(k, latest("a"))
			same(k, "the record", fullDecision("a", 1), d)
		}
	}},
	{"a trace comes back byte for byte", "", func(k *kit) {
		traces := []string{`{"a":1}`, "[ 1,\n 2.0 ]", `"<&>\u003c"`, `"ünïcödé \u2028"`, `1e400`, `null`, `{"b":1,"a":2,"b":3}`}
		d := leadloop.Decision{Lead: "a", Revision: 1, AsOf: noon}
		for _, t := range traces {
			d.Steps = append(d.Steps, leadloop.Step{Stage: "s", Trace: json.RawMessage(t)})
		}
		k.decide(d)
		got := read(k, latest("a"))
		same(k, "traces", traces, ids(got.Steps, func(s leadloop.Step) string { return string(s.Trace) }))
	}},
}

func lookup(key string) func(context.Context, store.Tx) (leadloop.LeadID, error) {
	return func(ctx context.Context, tx store.Tx) (leadloop.LeadID, error) { return tx.Keys().Lookup(ctx, key) }
}

// claim claims a key in an Update of its own and checks the answer.
func (k *kit) claim(key string, id, wantBound leadloop.LeadID, wantClaimed bool) {
	k.Helper()
	k.update(func(ctx context.Context, tx store.Tx) error {
		bound, claimed, err := tx.Keys().Claim(ctx, key, id)
		if bound != wantBound || claimed != wantClaimed {
			k.Errorf("Claim for %s: bound to %q, claimed %v; want %q, %v", id, bound, claimed, wantBound, wantClaimed)
		}
		return err
	})
}

var keySentences = []sentence{
	{"the first Claim binds and reports true, later ones report false and the lead bound", "", func(k *kit) {
		k.claim("key", "a", "a", true)
		k.claim("key", "b", "a", false)
		k.claim("key", "a", "a", false)
		same(k, "the lead bound", leadloop.LeadID("a"), read(k, lookup("key")))
	}},
	{"Claim sees the claims of its own transaction", "", func(k *kit) {
		k.update(func(ctx context.Context, tx store.Tx) error {
			if _, _, err := tx.Keys().Claim(ctx, "key", "a"); err != nil {
				return err
			}
			bound, claimed, err := tx.Keys().Claim(ctx, "key", "b")
			if bound != "a" || claimed {
				k.Errorf("bound to %q, claimed %v", bound, claimed)
			}
			return err
		})
	}},
	{"a claim that was rolled back binds nothing", Transactions, func(k *kit) {
		k.refused(errHost, func(ctx context.Context, tx store.Tx) error {
			if _, _, err := tx.Keys().Claim(ctx, "key", "a"); err != nil {
				return err
			}
			return errHost
		})
		missing(k, "Lookup", lookup("key"))
		k.claim("key", "b", "b", true)
	}},
	{"DeleteLead frees the keys of one lead, which can be claimed anew; freeing none is no error", "", func(k *kit) {
		k.claim("key", "a", "a", true)
		k.claim("other", "a", "a", true)
		k.claim("third", "A", "A", true)
		for range 2 {
			k.update(func(ctx context.Context, tx store.Tx) error { return tx.Keys().DeleteLead(ctx, "a") })
		}
		missing(k, "Lookup", lookup("key"))
		missing(k, "Lookup", lookup("other"))
		same(k, "the key of the other lead", leadloop.LeadID("A"), read(k, lookup("third")))
		k.claim("key", "b", "b", true)
	}},
	{"Lookup of a key that was never claimed is ErrNotFound", "", func(k *kit) {
		k.claim("key", "a", "a", true)
		missing(k, "Lookup", lookup("Key"))
	}},
	{"keys are told apart by case, spaces and length", "", func(k *kit) {
		for i, key := range []string{"k", "K", "k ", " k", "kk", "é", "e\u0301", "k\x01"} {
			id := leadloop.LeadID(fmt.Sprint(i))
			k.claim(key, id, id, true)
		}
	}},
}
