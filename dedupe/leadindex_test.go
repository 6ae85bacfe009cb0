package dedupe_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/dedupe/match"
	"github.com/leadloop/leadloop/dedupe/match/matchtest"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

// learntLeads is a model learnt from generated leads, which many tests share.
var learntLeads = sync.OnceValues(func() (*match.Model, error) {
	table, err := match.NewTable(dedupe.MatchFields())
	if err != nil {
		return nil, err
	}
	for _, r := range matchtest.New(2000, 1).Records() {
		if err := table.Add(dedupe.MatchRecord(r.Lead(), leadloop.StandardSchema(), nil, dedupe.MatchFields())); err != nil {
			return nil, err
		}
	}
	return match.Learn(context.Background(), table, match.Options{})
})

func newLeadIndex(t *testing.T, st store.Store) *dedupe.LeadIndex {
	t.Helper()
	model, err := learntLeads()
	if err != nil {
		t.Fatal(err)
	}
	index, err := match.NewIndex(model, match.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return dedupe.NewLeadIndex(st, leadloop.StandardSchema(), nil, index)
}

func named(id leadloop.LeadID, first, last, company, title, linkedin string) *leadloop.Lead {
	l := &leadloop.Lead{ID: id, ReceivedAt: monday}
	l.Claims = []leadloop.Claim{
		leadloop.FirstName.Claim(first, form), leadloop.LastName.Claim(last, form), leadloop.CompanyName.Claim(company, form), leadloop.Title.Claim(title, form),
		leadloop.City.Claim("Reykjavik", form), leadloop.Mobile.Claim(linkedin, form),
	}
	return l
}

func TestAnIndexOfLeadsSaysWhatTheStoreSays(t *testing.T) {
	known := decided(named("l1", "Ingibjorg", "Thorvaldsdottir", "Skyrgerd", "Head of Dairy", "+354 611 1234"), "ana")
	other := decided(named("l2", "Max", "Mustermann", "Beispiel", "Koch", "+354 611 9999"), "ana")
	arrives := named("l9", "Ingibjorg", "Thorvaldsdottr", "Skyrgerd ehf", "Head of Dairy", "")
	st := open(t, known, other)
	x := newLeadIndex(t, st)
	find := func() (ids []leadloop.LeadID) {
		t.Helper()
		found, err := x.Find(t.Context(), arrives)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range found {
			ids = append(ids, c.Lead)
			var pair match.Pair
			if err := json.Unmarshal(c.Explanation, &pair); err != nil || pair.Probability != c.Probability || len(pair.Lines) == 0 {
				t.Errorf("explanation %s: %v", c.Explanation, err)
			}
		}
		return ids
	}
	expect := func(what string, want ...leadloop.LeadID) {
		t.Helper()
		if got := find(); !slices.Equal(got, want) {
			t.Errorf("%s: found %v, want %v", what, got, want)
		}
	}
	expect("what it was not told of is not found")
	if err := x.Fill(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect("what the store had is found", "l1")
	if err := x.Put(named("gone", "Ingibjorg", "Thorvaldsdottir", "Skyrgerd", "Head of Dairy", "")); err != nil {
		t.Fatal(err)
	}
	expect("what the store does not have is passed over", "l1")
	mine, theirs, err := dedupe.Part(known, other)
	if err != nil {
		t.Fatal(err)
	}
	mine.Different = append(mine.Different, "l9")
	for _, l := range []*leadloop.Lead{mine, theirs} {
		if err := x.Put(l); err != nil {
			t.Fatal(err)
		}
	}
	expect("what a human told apart is not found")
	tombstone := known.Clone()
	tombstone.MergedInto = "l2"
	if err := x.Put(tombstone); err != nil {
		t.Fatal(err)
	}
	expect("what was merged away is not found")
}

// A snapshot may be older than the store: leads were erased, changed and taken in since.
func TestFillingASnapshotMakesItWhatTheStoreHas(t *testing.T) {
	before := []*leadloop.Lead{
		decided(named("l1", "Ingibjorg", "Thorvaldsdottir", "Skyrgerd", "Head of Dairy", "+354 611 1234"), "ana"),
		decided(named("erased", "Max", "Mustermann", "Beispiel", "Koch", "+354 611 9999"), "ana"),
	}
	model, err := learntLeads()
	if err != nil {
		t.Fatal(err)
	}
	old, err := match.NewIndex(model, match.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fill := func(index *match.Index, leads ...*leadloop.Lead) {
		t.Helper()
		if err := dedupe.NewLeadIndex(open(t, leads...), leadloop.StandardSchema(), nil, index).Fill(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	fill(old, before...)
	var saved bytes.Buffer
	if _, err := old.WriteTo(&saved); err != nil {
		t.Fatal(err)
	}
	read, err := match.ReadIndex(&saved, model, match.Options{})
	if err != nil {
		t.Fatal(err)
	}
	now := []*leadloop.Lead{
		decided(named("l1", "Inga", "Thorvaldsdottir", "Skyrgerd", "Head of Dairy", "+354 611 1234"), "ana"),
		decided(named("new", "Ana", "Berg", "Initech", "CFO", "+354 611 7777"), "ana"),
	}
	fill(read, now...)
	fresh, err := match.NewIndex(model, match.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fill(fresh, now...)
	if diff := cmp.Diff([]string{"l1", "new"}, read.IDs()); diff != "" {
		t.Error(diff)
	}
	var got, want bytes.Buffer
	_, err1 := read.WriteTo(&got)
	_, err2 := fresh.WriteTo(&want)
	if err1 != nil || err2 != nil || !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Errorf("what was brought up to date is not what is made anew: %v, %v", err1, err2)
	}
}

func TestTheStageAsksTheIndexAndTheIndexFollowsTheLoop(t *testing.T) {
	st := open(t, decided(named("l1", "Ingibjorg", "Thorvaldsdottir", "Skyrgerd", "Head of Dairy", "+354 611 1234"), "ana"))
	x := newLeadIndex(t, st)
	if err := x.Fill(t.Context()); err != nil {
		t.Fatal(err)
	}
	arrives := named("l9", "Ingibjorg", "Thorvaldsdottr", "Skyrgerd ehf", "Head of Dairy", "")
	stage := dedupe.NewStage(st, dedupe.Options{Finder: x})
	got := decide(t, stage, subject(arrives, leadloop.TriggerSubmission))
	if got.MergeInto != "l1" && !slices.Equal(got.PossibleDuplicates, []leadloop.LeadID{"l1"}) {
		t.Fatalf("neither merged nor asked: %s", got.Trace)
	}
	if without := decide(t, dedupe.NewStage(st, dedupe.Options{}), subject(arrives, leadloop.TriggerSubmission)); without.MergeInto != "" {
		t.Fatalf("the ladder alone merges: %s", without.Trace)
	}
	outcome, effects, err := x.Stage().Decide(t.Context(), subject(arrives, leadloop.TriggerSubmission))
	if diff := cmp.Diff(leadloop.Effects{}, effects); err != nil || diff != "" || outcome != (leadloop.Outcome{}) {
		t.Errorf("the stage changes something: %v %v\n%s", err, outcome, diff)
	}
	write(t, st, func(tx store.Tx) error { _, err := tx.Leads().Put(t.Context(), arrives); return err })
	found, err := x.Find(t.Context(), named("l10", "Ingibjorg", "Thorvaldsdottr", "Skyrgerd ehf", "Head of Dairy", ""))
	if err != nil || !slices.ContainsFunc(found, func(c dedupe.Candidate) bool { return c.Lead == "l9" }) {
		t.Errorf("found %v, %v", found, err)
	}
}

// A model is learnt from the leads that are there; an index finds with it who arrives again under another address and a nickname.
func ExampleNewLeadIndex() {
	ctx, st, schema := context.Background(), memstore.New(), leadloop.StandardSchema()
	table, err := match.NewTable(dedupe.MatchFields())
	if err != nil {
		log.Fatal(err)
	}
	err = st.Update(ctx, func(tx store.Tx) error {
		for _, r := range matchtest.New(2000, 1).Records() { // leads of a made-up market
			if _, err := tx.Leads().Put(ctx, r.Lead()); err != nil {
				return err
			}
			if err := table.Add(dedupe.MatchRecord(r.Lead(), schema, nil, dedupe.MatchFields())); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	model, err := match.Learn(ctx, table, match.Options{})
	if err != nil {
		log.Fatal(err)
	}
	index, err := match.NewIndex(model, match.Options{})
	if err != nil {
		log.Fatal(err)
	}
	leads := dedupe.NewLeadIndex(st, schema, nil, index)
	if err := leads.Fill(ctx); err != nil {
		log.Fatal(err)
	}
	again := matchtest.New(2000, 1).Record(7).Lead()
	again.ID = "ld_again"
	found, err := leads.Find(ctx, again)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(found[0].Lead, found[0].Probability > dedupe.DefaultAuto)
	// In a loop: dedupe.NewStage(st, dedupe.Options{Finder: leads}), and leads.Stage() among engine.Options.Records.
	// Output: lead-00000007 true
}
