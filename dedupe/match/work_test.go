package match

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop/dedupe/match/matchtest"
)

// memory is a Work that counts what is saved.
type memory struct {
	files map[string][]byte
	saved int
}

func (m *memory) Load(name string) (io.ReadCloser, error) {
	data, ok := m.files[name]
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func (m *memory) Save(name string, write func(w io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	m.files[name] = b.Bytes()
	m.saved++
	return nil
}

func TestWorkThatWasBrokenOffGoesOn(t *testing.T) {
	world := matchtest.New(600, 5)
	var rows []Record
	for i := range 600 {
		rows = append(rows, recordOfWorld(world.Record(i)))
	}
	tableOf := func(rows []Record) *Table {
		t.Helper()
		tab, err := NewTable(fieldsOfWorld())
		if err != nil {
			t.Fatal(err)
		}
		if err := tab.AddAll(t.Context(), rows); err != nil {
			t.Fatal(err)
		}
		return tab
	}
	m := modelOfWorld(t)
	keys := len(m.Report().Keys)
	if keys < 3 {
		t.Fatalf("%d keys", keys)
	}
	work := &memory{files: map[string][]byte{}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := m.Cluster(ctx, tableOf(rows), Options{Work: work, Progress: func(p Progress) {
		if p.Done == 2 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || work.saved != 2 {
		t.Fatalf("after two keys: error %v, %d saved", err, work.saved)
	}
	first := slices.Sorted(maps.Keys(work.files))[0]
	reversed := slices.Clone(rows)
	slices.Reverse(reversed)
	for _, c := range []struct {
		name  string
		rows  []Record
		spoil func(files map[string][]byte)
		saved int
	}{
		{"what is there is taken", rows, func(map[string][]byte) {}, keys - 2},
		{"in another order of rows too", reversed, func(map[string][]byte) {}, keys - 2},
		{"what is damaged is done again", rows, func(f map[string][]byte) { f[first][len(f[first])-40] ^= 1 }, keys - 1},
		{"what is cut off is done again", rows, func(f map[string][]byte) { f[first] = f[first][:50] }, keys - 1},
		{"what is of another table is not taken", rows[:500], func(map[string][]byte) {}, keys},
	} {
		t.Run(c.name, func(t *testing.T) {
			again := &memory{files: map[string][]byte{}}
			for name, data := range work.files {
				again.files[name] = slices.Clone(data)
			}
			c.spoil(again.files)
			got, err := m.Cluster(t.Context(), tableOf(c.rows), Options{Work: again})
			if err != nil {
				t.Fatal(err)
			}
			if again.saved != c.saved {
				t.Errorf("%d keys were compared again, want %d", again.saved, c.saved)
			}
			whole, err := m.Cluster(t.Context(), tableOf(c.rows), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(whole, got); diff != "" {
				t.Errorf("going on comes to another result:\n%s", diff)
			}
		})
	}
}
