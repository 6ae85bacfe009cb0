package match

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/leadloop/leadloop/dedupe/match/matchtest"
)

// world is an index of generated leads, but for some that arrive later.
type world struct {
	once     sync.Once
	index    *Index
	arriving []Record
	same     [][]string    // ids of the records of the same person, of each that arrives
	upsert   time.Duration // per record
	bytes    uint64        // per record
}

var worlds = map[int]*world{10_000: {}, 100_000: {}, 1_000_000: {}}

func worldOf(b *testing.B, records int) *world {
	w := worlds[records]
	w.once.Do(func() {
		generated := matchtest.New(records, 1)
		table, err := NewTable(fieldsOfWorld())
		if err != nil {
			b.Fatal(err)
		}
		for i := range records {
			if err := table.Add(recordOfWorld(generated.Record(i))); err != nil {
				b.Fatal(err)
			}
		}
		m, err := Learn(b.Context(), table, Options{})
		if err != nil {
			b.Fatal(err)
		}
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		w.index = newIndex(b, m, Options{})
		stay := records - min(records/20, 20_000)
		start := processTime(b)
		var made time.Duration
		batch := make([]Record, 0, 1000)
		for i := range stay {
			if batch = append(batch, recordOfWorld(generated.Record(i))); len(batch) == cap(batch) || i == stay-1 {
				begin := processTime(b)
				made += begin - start
				for _, r := range batch {
					if err := w.index.Upsert(r); err != nil {
						b.Fatal(err)
					}
				}
				start = processTime(b)
				w.upsert += start - begin
				batch = batch[:0]
			}
		}
		w.upsert /= time.Duration(stay)
		runtime.GC()
		runtime.ReadMemStats(&after)
		w.bytes = (after.HeapAlloc - before.HeapAlloc) / uint64(stay)
		ids := map[int][]string{}
		for i := range stay {
			r := generated.Record(i)
			ids[r.Entity] = append(ids[r.Entity], string(r.ID))
		}
		for i := stay; i < records; i++ {
			r := generated.Record(i)
			w.arriving, w.same = append(w.arriving, recordOfWorld(r)), append(w.same, ids[r.Entity])
		}
	})
	if w.index == nil {
		b.Fatal("the index could not be made")
	}
	return w
}

// BenchmarkIndexLookup looks up leads that are about to arrive. Each is looked up in three passes, of which the fastest counts: the others tell what
// else the machine did. With -benchtime=1x a pass over all of them is one operation.
func BenchmarkIndexLookup(b *testing.B) {
	for _, records := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("records=%d", records), func(b *testing.B) {
			w := worldOf(b, records)
			times := make([]time.Duration, len(w.arriving))
			found, candidates := 0, 0
			b.ReportAllocs()
			var before, after runtime.MemStats
			lookups, first, again := 0, 0.0, 0.0 // allocations of the first pass, and of the others
			for b.Loop() {
				for pass := range 3 {
					runtime.ReadMemStats(&before)
					for i, r := range w.arriving {
						start := time.Now()
						c, err := w.index.Lookup(b.Context(), r, 5)
						took := time.Since(start)
						if err != nil {
							b.Fatal(err)
						}
						if pass == 0 || took < times[i] {
							times[i] = took
						}
						found += min(len(c), 1)
						lookups++
					}
					runtime.ReadMemStats(&after)
					if allocs := float64(after.Mallocs - before.Mallocs); pass == 0 {
						first += allocs
					} else {
						again += allocs / 2
					}
				}
			}
			s := w.index.searches.idlest()
			likely, met := 0, 0 // pairs of one person that would be taken for one, and those of them that are compared
			for i, r := range w.arriving {
				s.deriver.derive(r.Values, s.derived)
				s.encode(w.index.columns)
				s.collect(w.index, maxCandidates)
				candidates += len(s.nodes)
				for _, id := range w.same[i] {
					if node := w.index.nodeOf[w.index.byID[id]]; s.weight(w.index, node) >= 0 {
						likely++
						if slices.Contains(s.nodes, node) {
							met++
						}
					}
				}
			}
			b.ReportMetric(float64(met)/float64(max(likely, 1)), "true-pairs-compared")
			slices.Sort(times)
			at := func(share float64) float64 {
				return float64(times[int(share*float64(len(times)))].Nanoseconds()) / 1000
			}
			b.ReportMetric(at(0.5), "p50-µs")
			b.ReportMetric(at(0.99), "p99-µs")
			b.ReportMetric(at(0.999), "p99.9-µs")
			b.ReportMetric(3*first/float64(lookups), "allocs/first-look-up")
			b.ReportMetric(3*again/float64(lookups), "allocs/look-up-again")
			b.ReportMetric(float64(candidates)/float64(len(w.arriving)), "compared/look-up")
			b.ReportMetric(float64(found)/float64(lookups), "found/look-up")
			b.ReportMetric(float64(w.upsert.Nanoseconds())/1000, "cpu-µs/upsert")
			b.ReportMetric(float64(w.bytes), "B/record")
		})
	}
}

// BenchmarkBatch learns from generated leads and clusters them: all that a batch does but for reading the file. Beside the clock's it reports the
// processor's seconds of each step, and how much memory the process had at most, which is only true of the first size that is run.
func BenchmarkBatch(b *testing.B) {
	for _, records := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("records=%d", records), func(b *testing.B) {
			if records > 100_000 && testing.Short() {
				b.Skip("-short")
			}
			generated := matchtest.New(records, 1)
			for b.Loop() {
				table, err := NewTable(fieldsOfWorld())
				if err != nil {
					b.Fatal(err)
				}
				var add, made time.Duration
				for at := 0; at < records; {
					batch := make([]Record, 0, 1000)
					start := processTime(b)
					for ; at < records && len(batch) < cap(batch); at++ {
						batch = append(batch, recordOfWorld(generated.Record(at)))
					}
					begin := processTime(b)
					made += begin - start
					for _, r := range batch {
						if err := table.Add(r); err != nil {
							b.Fatal(err)
						}
					}
					add += processTime(b) - begin
				}
				start := processTime(b)
				m, err := Learn(b.Context(), table, Options{})
				if err != nil {
					b.Fatal(err)
				}
				learnt := processTime(b)
				res, err := m.Cluster(b.Context(), table, Options{})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric((processTime(b) - learnt).Seconds(), "cpu-s/cluster")
				b.ReportMetric((learnt - start).Seconds(), "cpu-s/learn")
				b.ReportMetric(add.Seconds(), "cpu-s/add")
				b.ReportMetric(made.Seconds(), "cpu-s/generate")
				b.ReportMetric(float64(res.Clusters), "clusters")
				b.ReportMetric(float64(mostMemory(b))/(1<<20), "MB-at-most")
			}
		})
	}
}
