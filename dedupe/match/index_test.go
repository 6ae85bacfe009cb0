package match

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop/dedupe/match/matchtest"
)

// fieldsOfWorld and recordOfWorld are what a generated lead looks like to a model.
func fieldsOfWorld() []Field {
	return append(Leads(), Field{Name: "mobile", Kind: KindPhone}, Field{Name: "linkedin_url", Kind: KindID})
}

func recordOfWorld(r matchtest.Record) Record {
	return Record{ID: string(r.ID), Values: []string{
		r.FirstName, r.LastName, r.Email, r.Phone, r.Company, r.Website, r.Title, r.City, r.Country, r.Mobile, r.LinkedIn,
	}}
}

// modelOfWorld returns a model learnt from generated leads, one for all tests.
func modelOfWorld(t testing.TB) *Model {
	t.Helper()
	m, err := smallModel()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var smallModel = sync.OnceValues(func() (*Model, error) { return learnWorld(1500) })

func learnWorld(records int) (*Model, error) {
	table, err := NewTable(fieldsOfWorld())
	if err != nil {
		return nil, err
	}
	for _, r := range matchtest.New(records, 1).Records() {
		if err := table.Add(recordOfWorld(r)); err != nil {
			return nil, err
		}
	}
	return Learn(context.Background(), table, Options{})
}

func newIndex(t testing.TB, m *Model, o Options) *Index {
	t.Helper()
	x, err := NewIndex(m, o)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// someRecords returns records that are alike in many ways, and some that are equal.
func someRecords(n int) []Record {
	var out []Record
	for i, r := range matchtest.New(n, 3).Records() {
		rec := recordOfWorld(r)
		out = append(out, rec)
		if i%4 == 0 {
			rec.ID += "-again"
			out = append(out, rec)
		}
		if i%8 == 0 {
			rec.ID += "-elsewhere"
			rec.Source = "crm"
			out = append(out, rec)
		}
	}
	return out
}

// TestClustersOfAnIndexAreThoseOfABatch holds it in any order of arrival, change and departure, with decisions.
func TestClustersOfAnIndexAreThoseOfABatch(t *testing.T) {
	m := modelOfWorld(t)
	few := *m // over-common values in small data
	few.caps = slices.Repeat([]int{4}, len(m.caps))
	all := someRecords(60)
	numbers := rapid.IntRange(0, len(all)-1)
	rapid.Check(t, func(t *rapid.T) {
		m := m
		if rapid.Bool().Draw(t, "few") {
			m = &few
		}
		o := Options{MaxCluster: rapid.SampledFrom([]int{0, 3}).Draw(t, "most")}
		x, err := NewIndex(m, o)
		if err != nil {
			t.Fatal(err)
		}
		there := map[string]Record{}
		said := map[[2]string]bool{}
		for range rapid.IntRange(1, 150).Draw(t, "steps") {
			r := all[numbers.Draw(t, "record")]
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0, 1:
				x.Delete(r.ID)
				delete(there, r.ID)
			case 4:
				x.Compact()
			case 2:
				r.Values = all[numbers.Draw(t, "values")].Values
				fallthrough
			default:
				if err := x.Upsert(r); err != nil {
					t.Fatal(err)
				}
				there[r.ID] = r
			case 3:
				other := all[numbers.Draw(t, "other")]
				if other.ID == r.ID {
					continue
				}
				d := Decision{A: r.ID, B: other.ID, Same: rapid.IntRange(0, 3).Draw(t, "same") == 0}
				pair := [2]string{min(r.ID, other.ID), max(r.ID, other.ID)}
				if _, ok := said[pair]; ok && rapid.Bool().Draw(t, "undecide") {
					x.Undecide(d.A, d.B)
					delete(said, pair)
					continue
				}
				if err := x.Decide(d); err != nil {
					t.Fatal(err)
				}
				said[pair] = d.Same
			}
		}
		for pair, same := range said {
			o.Decisions = append(o.Decisions, Decision{pair[0], pair[1], same})
		}
		table, _ := NewTable(m.Fields())
		for _, r := range there {
			if err := table.Add(r); err != nil {
				t.Fatal(err)
			}
		}
		if x.Len() != len(there) {
			t.Fatalf("%d records, want %d", x.Len(), len(there))
		}
		batch, err := m.Cluster(context.Background(), table, o)
		if err != nil {
			return // decisions that contradict each other
		}
		want, got := map[string]Membership{}, map[string]Membership{}
		pairs := pairsByID(batch)
		joined := map[[2]string]ScoredPair{}
		for _, r := range batch.Rows {
			want[r.ID] = r
			res, err := x.ClusterOf(context.Background(), r.ID)
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(res.Rows, func(o Membership) bool { return o.ID == r.ID })
			got[r.ID] = res.Rows[i]
			for ids, p := range pairsByID(res) {
				if diff := cmp.Diff(pairs[ids], p); diff != "" {
					t.Fatalf("%s in batch (-) and index (+):\n%s", ids, diff)
				}
				joined[ids] = p
			}
		}
		for ids, p := range pairs {
			if _, ok := joined[ids]; p.Joined && !ok {
				t.Fatalf("the index has no pair %s, which the batch joined", ids)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("batch (-) and index (+):\n%s", diff)
		}
		x.checkTidy(t)
	})
}

// pairsByID are the pairs of a result, by ids as numbers of rows differ.
func pairsByID(r *Result) map[[2]string]ScoredPair {
	pairs := map[[2]string]ScoredPair{}
	for _, p := range r.Pairs {
		ids := [2]string{r.Rows[p.A].ID, r.Rows[p.B].ID}
		p.A, p.B = 0, 0
		pairs[ids] = p
	}
	return pairs
}

// checkTidy finds out whether what is gone is gone.
func (x *Index) checkTidy(t interface{ Fatalf(string, ...any) }) {
	fresh, err := NewIndex(x.model, Options{})
	if err != nil {
		t.Fatalf("%v", err)
	}
	entries := func(x *Index) (n int) {
		for _, p := range x.postings {
			for v := range p.nodes {
				_, found := p.find(v)
				n += found
			}
		}
		return n
	}
	for id, told := range x.decided {
		for other, same := range told {
			if err := fresh.Decide(Decision{id, other, same}); err != nil {
				t.Fatalf("%v", err)
			}
		}
	}
	for id, row := range x.byID {
		node := x.nodeOf[row]
		var values []string
		for i, c := range x.columns {
			values = append(values, c.values[x.row(node)[i]])
		}
		source, err := fresh.source(x.names[x.sources[node]])
		if err != nil {
			t.Fatalf("%v", err)
		}
		cells := make([]uint32, len(values))
		for i, c := range fresh.columns {
			cells[i] = c.keep(values[i], &x.model.freqs[i])
		}
		fresh.put(id, source, cells)
	}
	got, want := fmt.Sprint(entries(x), len(x.byContent), len(x.more)), fmt.Sprint(entries(fresh), len(fresh.byContent), len(fresh.more))
	if got != want {
		t.Fatalf("after changes there are %s entries, contents and shared nodes; filed anew there are %s", got, want)
	}
}
