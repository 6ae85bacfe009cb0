package match

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
)

func snapshot(t *testing.T, x *Index) []byte {
	t.Helper()
	var b bytes.Buffer
	n, err := x.WriteTo(&b)
	if err != nil || n != int64(b.Len()) {
		t.Fatalf("%d bytes of %d, %v", n, b.Len(), err)
	}
	return b.Bytes()
}

func TestASnapshotHoldsTheSameWhateverTheOrderOfArrival(t *testing.T) {
	m := modelOfWorld(t)
	all := someRecords(200)
	one, other := newIndex(t, m, Options{}), newIndex(t, m, Options{Decisions: []Decision{{all[3].ID, all[9].ID, true}}})
	for _, r := range all {
		if err := one.Upsert(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := one.Decide(Decision{all[9].ID, all[3].ID, true}); err != nil {
		t.Fatal(err)
	}
	gone := Record{ID: "gone", Source: "elsewhere", Values: []string{"Zaphod", "Beeblebrox"}}
	if err := other.Upsert(gone); err != nil {
		t.Fatal(err)
	}
	for _, r := range slices.Backward(all) {
		if err := other.Upsert(r); err != nil {
			t.Fatal(err)
		}
	}
	other.Delete("gone")
	a, b := snapshot(t, one), snapshot(t, other)
	if !bytes.Equal(a, b) {
		t.Error("the snapshots differ")
	}
	if bytes.Contains(b, []byte("zaphod")) {
		t.Error("what was deleted is in the snapshot")
	}
	read, err := ReadIndex(bytes.NewReader(a), m, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, snapshot(t, read)) {
		t.Error("what was read writes another snapshot")
	}
	for _, r := range all {
		want, err1 := one.Lookup(t.Context(), r, 0)
		got, err2 := read.Lookup(t.Context(), r, 0)
		if diff := cmp.Diff(want, got); diff != "" || err1 != nil || err2 != nil {
			t.Fatalf("look-up of %s: %v %v\n%s", r.ID, err1, err2, diff)
		}
	}
}

func TestASnapshotThatDoesNotFitIsRefused(t *testing.T) {
	m := modelOfWorld(t)
	otherModel := *m
	otherModel.params.prior--
	otherModel.digest = otherModel.file().sum()
	x := newIndex(t, m, Options{})
	for _, r := range someRecords(40) {
		if err := x.Upsert(r); err != nil {
			t.Fatal(err)
		}
	}
	data := snapshot(t, x)
	if _, err := ReadIndex(bytes.NewReader(data), &otherModel, Options{}); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("another model: %v", err)
	}
	for i := 0; i < len(data); i += 1009 {
		if _, err := ReadIndex(bytes.NewReader(data[:i]), m, Options{}); !errors.Is(err, leadloop.ErrInvalid) {
			t.Fatalf("cut off at %d: %v", i, err)
		}
		changed := bytes.Clone(data)
		changed[i] ^= 0x15
		if _, err := ReadIndex(bytes.NewReader(changed), m, Options{}); !errors.Is(err, leadloop.ErrInvalid) {
			t.Fatalf("changed at %d: %v", i, err)
		}
	}
}

func TestLookupFindsWhatABatchWouldJoin(t *testing.T) {
	m := modelOfWorld(t)
	x := newIndex(t, m, Options{})
	records := someRecords(400)
	table, _ := NewTable(m.Fields())
	for _, r := range records {
		if err := x.Upsert(r); err != nil {
			t.Fatal(err)
		}
		if err := table.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	batch, err := m.Cluster(t.Context(), table, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(batch.Pairs) < 50 {
		t.Fatalf("%d pairs", len(batch.Pairs))
	}
	for _, p := range batch.Pairs {
		a, b := records[p.A], records[p.B]
		found, err := x.Lookup(t.Context(), Record{ID: "new", Values: a.Values}, 100)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(found, func(c Candidate) bool { return c.ID == b.ID })
		if i < 0 {
			t.Errorf("%s does not find %s of weight %v", a.ID, b.ID, p.Weight)
			continue
		}
		// A look-up knows nothing of third rows, so its verdict is that of the weight.
		if c := found[i]; float32(c.Weight) != float32(p.Weight) || c.Verdict != (Thresholds{}).Of(probability(p.Weight)) {
			t.Errorf("found %+v, the batch says %+v", c, p)
		}
	}
}

func TestWhatAHumanSaidStandsAboveTheIndex(t *testing.T) {
	m := modelOfWorld(t)
	jane := []string{"Jane", "Doe", "jane.doe@acme-works.com", "+4930123456", "Acme Works", "acme-works.com", "CTO", "Berlin", "Germany"}
	john := []string{"John", "Roe", "john.roe@other-works.com", "+4930987654", "Other Works", "other-works.com", "CEO", "Bremen", "Germany"}
	x := newIndex(t, m, Options{Decisions: []Decision{{"a", "b", false}, {"a", "c", true}}})
	for id, values := range map[string][]string{"a": jane, "b": jane, "c": john, "d": jane} {
		if err := x.Upsert(Record{ID: id, Values: values}); err != nil {
			t.Fatal(err)
		}
	}
	found := func(id string, limit int) (out []string) {
		list, err := x.Lookup(t.Context(), Record{ID: id, Values: jane}, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			out = append(out, c.ID+" "+string(c.Verdict))
		}
		return out
	}
	if diff := cmp.Diff([]string{"c auto", "d auto"}, found("a", 0)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"c auto"}, found("a", 1)); diff != "" {
		t.Error(diff)
	}
	x.Undecide("b", "a")
	x.Undecide("c", "a")
	if diff := cmp.Diff([]string{"b auto", "d auto"}, found("a", 0)); diff != "" {
		t.Error(diff)
	}
	x.Delete("b")
	x.Delete("b")
	if diff := cmp.Diff([]string{"d auto"}, found("a", 0)); diff != "" || x.Len() != 3 {
		t.Error(diff, x.Len())
	}
}

func TestWhatAnIndexRefuses(t *testing.T) {
	m := modelOfWorld(t)
	x := newIndex(t, m, Options{})
	many := make([]string, 50)
	_, mode := NewIndex(m, Options{Mode: Across})
	_, self := NewIndex(m, Options{Decisions: []Decision{{"a", "a", true}}})
	_, long := x.Lookup(t.Context(), Record{Values: many}, 0)
	for name, err := range map[string]error{
		"another mode": mode, "a record and itself": self, "too many values to look up": long, "too many values": x.Upsert(Record{ID: "a", Values: many}),
		"no id": x.Upsert(Record{}),
	} {
		if !errors.Is(err, leadloop.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := x.ClusterOf(t.Context(), "nobody"); !errors.Is(err, leadloop.ErrNotFound) {
		t.Errorf("no such record: %v", err)
	}
	if list, err := x.Lookup(t.Context(), Record{ID: "a"}, 0); err != nil || len(list) > 0 {
		t.Errorf("an empty record finds %v, %v", list, err)
	}
}

// TestABlockOfOneValueStaysBounded has many rows share a phone, and as many be equal.
func TestABlockOfOneValueStaysBounded(t *testing.T) {
	m := modelOfWorld(t)
	x := newIndex(t, m, Options{})
	for i := range 5000 {
		r := someone(i)
		if i%2 == 0 {
			r.Values = someone(0).Values
		}
		if err := x.Upsert(r); err != nil {
			t.Fatal(err)
		}
	}
	s := x.searches.idlest()
	s.deriver.derive(someone(1).Values, s.derived)
	s.encode(x.columns)
	s.collect(x, maxCandidates)
	if len(s.nodes) > maxCandidates {
		t.Errorf("%d candidates", len(s.nodes))
	}
	if list, err := x.Lookup(t.Context(), Record{Values: someone(0).Values}, 7); err != nil || len(list) != 7 || list[0].ID != "s-00000" {
		t.Errorf("found %v, %v", list, err)
	}
	for i := range 5000 {
		x.Delete(someone(i).ID)
	}
	x.checkTidy(t)
}

func someone(i int) Record {
	letters := func(n int) string {
		return string([]byte{'a' + byte(n%26), 'e', 'k' + byte(n/26%16), 'i', 'a' + byte(n/400%26), 'o'})
	}
	return Record{ID: "s-" + string([]byte{'0' + byte(i/10000), '0' + byte(i/1000%10), '0' + byte(i/100%10), '0' + byte(i/10%10), '0' + byte(i%10)}),
		Values: []string{letters(i), letters(i * 7), letters(i) + "." + letters(i*7) + "@example-works.com", "+49301234567", "Example Works", "example-works.com"}}
}

func TestManyReadAndWriteAtOnce(t *testing.T) {
	m := modelOfWorld(t)
	x := newIndex(t, m, Options{})
	records := someRecords(100)
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range records {
				r := records[(i*7+worker*31)%len(records)]
				var err error
				switch (i + worker) % 4 {
				case 0:
					err = x.Upsert(r)
				case 1:
					x.Delete(r.ID)
				case 2:
					_, err = x.ClusterOf(context.Background(), r.ID)
					if errors.Is(err, leadloop.ErrNotFound) {
						err = nil
					}
				}
				if err == nil {
					_, err = x.Lookup(context.Background(), r, 3)
				}
				if i%50 == worker {
					x.Compact()
				}
				if err == nil && i%40 == 0 {
					var b bytes.Buffer
					_, err = x.WriteTo(&b)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, r := range records {
		if err := x.Upsert(r); err != nil {
			t.Fatal(err)
		}
	}
	x.checkTidy(t)
}
