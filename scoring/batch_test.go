package scoring

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// each yields leads, and an error after them unless it is nil.
func each(leads []BatchLead, err error) iter.Seq2[BatchLead, error] {
	return func(yield func(BatchLead, error) bool) {
		for _, l := range leads {
			if !yield(l, nil) {
				return
			}
		}
		if err != nil {
			yield(BatchLead{}, err)
		}
	}
}

// batchLead draws a lead as the property tests do, sometimes with what columns
// can't hold.
func batchLead(t *rapid.T, m *Model) BatchLead {
	in := anyInput(t, m)
	switch rapid.IntRange(0, 30).Draw(t, "odd") {
	case 30:
		leadloop.Email.Set(in.Profile, "a\xff@example.com")
	case 29:
		in.Activities = append(in.Activities, leadloop.Activity{ID: "old", Type: "demo", At: asOf.AddDate(-500, 0, 0)})
	}
	return BatchLead{Profile: in.Profile, Activities: in.Activities, PreviousTier: in.PreviousTier}
}

var tContext = context.Background()

type comparer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// sameAsSingly compares the scores of a block with those of its leads.
func sameAsSingly(t comparer, m *Model, leads []BatchLead, asOf time.Time, s *BatchScores) {
	t.Helper()
	for i := range s.Len() {
		l := leads[s.First+i]
		in := Input{Profile: l.Profile, Activities: l.Activities, AsOf: asOf, PreviousTier: l.PreviousTier}
		want, err := m.Verdict(tContext, in)
		if err != nil {
			t.Fatalf("%v", err)
		}
		if diff := cmp.Diff(want, s.Verdict(i)); diff != "" {
			t.Fatalf("lead %d (-alone +in a batch):\n%s", s.First+i, diff)
		}
		if s.Points[i] != want.Points || s.Tier(i) != want.Tier {
			t.Fatalf("lead %d: %s %q, want %s %q", s.First+i, s.Points[i], s.Tier(i), want.Points, want.Tier)
		}
		e, err := m.Explain(tContext, in)
		if err != nil {
			t.Fatalf("%v", err)
		}
		for k := range e.Contributions {
			if got := s.State(i, k); got != e.Contributions[k].State {
				t.Fatalf("lead %d: rule %s is %s, want %s", s.First+i, e.Contributions[k].Rule, got, e.Contributions[k].State)
			}
		}
		if s.Low != nil && (s.Low[i] != e.Low || s.High[i] != e.High) {
			t.Fatalf("lead %d: %s to %s, want %s to %s:\n%s", s.First+i, s.Low[i], s.High[i], e.Low, e.High, e)
		}
	}
}

func TestABatchScoresEveryLeadAsIfItWereAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyModel(t)
		leads := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) BatchLead { return batchLead(t, m) }), 1, 30).Draw(t, "leads")
		o := BatchOptions{Range: rapid.Bool().Draw(t, "range"), Workers: rapid.IntRange(0, 3).Draw(t, "workers")}
		n := 0
		for s, err := range m.ScoreAll(tContext, each(leads, nil), asOf, o) {
			if err != nil {
				t.Fatal(err)
			}
			if s.First != n || o.Range != (s.Low != nil) {
				t.Fatalf("the block begins at %d, want %d", s.First, n)
			}
			n += s.Len()
			sameAsSingly(t, m, leads, asOf, s)
		}
		if n != len(leads) {
			t.Fatalf("%d of %d leads came back", n, len(leads))
		}
	})
}

func TestBatchesOfManyBlocksKeepTheOrder(t *testing.T) {
	m := compile(t, fortyRules("half_life: 14d"))
	leads := make([]BatchLead, 3*rules.BlockLeads+7)
	for i := range leads {
		p := m.Schema().NewProfile()
		leadloop.Employees.Set(p, int64(i*7%3000))
		if i%3 > 0 {
			leadloop.Country.Set(p, []string{"US", "CA", "C5", "DE"}[i%4])
		}
		leadloop.Revenue.Set(p, int64(i)*5000)
		leads[i] = BatchLead{ID: leadloop.LeadID(fmt.Sprint(i)), Profile: p}
		for k := range i % 12 {
			leads[i].Activities = append(leads[i].Activities, leadloop.Activity{Type: fmt.Sprintf("type%d", (i+k)%8), At: asOf.AddDate(0, 0, -k)})
		}
	}
	var done []int
	for _, workers := range []int{1, 4} {
		n := 0
		done = done[:0]
		o := BatchOptions{Workers: workers, Total: len(leads), Progress: func(p BatchProgress) { done = append(done, p.Done, p.Total) }}
		for s, err := range m.ScoreAll(t.Context(), each(leads, nil), asOf, o) {
			if err != nil {
				t.Fatal(err)
			}
			for i := range s.Len() {
				if want := fmt.Sprint(n + i); string(s.IDs[i]) != want {
					t.Fatalf("lead %s comes where %s should", s.IDs[i], want)
				}
			}
			sameAsSingly(t, m, leads, asOf, s)
			n += s.Len()
		}
		if diff := cmp.Diff([]int{1024, len(leads), 2048, len(leads), 3072, len(leads), 3079, len(leads)}, done); diff != "" {
			t.Errorf("progress (-want +got):\n%s", diff)
		}
	}
}

func TestABatchEndsWithWhatIsWrong(t *testing.T) {
	m := compile(t, "model: m\nversion: 1\nrules:\n  - {id: big, when: 'company.employees > 5', points: 3}\n")
	good := BatchLead{Profile: m.Schema().NewProfile()}
	broken := errors.New("the file ends in the middle of a line")
	other, err := leadloop.NewSchema(leadloop.NewField[string]("lead.shoe"))
	if err != nil {
		t.Fatal(err)
	}
	many := slices.Repeat([]BatchLead{good}, rules.BlockLeads+1)
	for _, c := range []struct {
		name  string
		leads iter.Seq2[BatchLead, error]
		want  error
		n     int
	}{
		{"an error of the source", each(many, broken), broken, rules.BlockLeads},
		{"a lead without a profile", each(append(slices.Clone(many), BatchLead{}), nil), leadloop.ErrInvalid, rules.BlockLeads},
		{"a lead of another schema", each([]BatchLead{{Profile: other.NewProfile()}}, nil), leadloop.ErrInvalid, 0},
		{"nothing wrong", each(many, nil), nil, rules.BlockLeads + 1},
		{"no leads", each(nil, nil), nil, 0},
	} {
		n := 0
		var got error
		for s, err := range m.ScoreAll(t.Context(), c.leads, asOf, BatchOptions{Workers: 2}) {
			if got = err; err == nil {
				n += s.Len()
			}
		}
		if !errors.Is(got, c.want) || n != c.n {
			t.Errorf("%s: %v after %d leads, want %v after %d", c.name, got, n, c.want, c.n)
		}
	}
	for _, at := range []struct {
		name string
		year int
	}{{"none", 1}, {"long ago", 1700}} {
		for _, err := range m.ScoreAll(t.Context(), each(many, nil), asOf.AddDate(at.year-asOf.Year(), 1-int(asOf.Month()), 1-asOf.Day()), BatchOptions{}) {
			if !errors.Is(err, leadloop.ErrInvalid) {
				t.Errorf("a moment of %s: %v", at.name, err)
			}
		}
	}
}

func TestABatchStopsWhenNobodyWantsMore(t *testing.T) {
	m := compile(t, "model: m\nversion: 1\nrules:\n  - {id: big, when: 'company.employees > 5', points: 3}\n")
	read := 0
	endless := func(yield func(BatchLead, error) bool) {
		for p := m.Schema().NewProfile(); yield(BatchLead{Profile: p}, nil); read++ {
		}
	}
	for _, err := range m.ScoreAll(t.Context(), endless, asOf, BatchOptions{Workers: 2}) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	if read > 10*rules.BlockLeads {
		t.Errorf("%d leads were read for one block", read)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	late := errors.New("it is late")
	n := 0
	var last error
	for _, err := range m.ScoreAll(ctx, endless, asOf, BatchOptions{Workers: 2}) {
		if last = err; err == nil {
			n++
		}
		if n == 2 {
			cancel(late)
		}
	}
	if !errors.Is(last, late) || n != 2 {
		t.Errorf("%v after %d blocks", last, n)
	}
}

func TestTheProgressSaysHowLongTheRestTakes(t *testing.T) {
	m := compile(t, "model: m\nversion: 1\nrules:\n  - {id: big, when: 'company.employees > 5', points: 3}\n")
	leads := slices.Repeat([]BatchLead{{Profile: m.Schema().NewProfile()}}, 4*rules.BlockLeads)
	clock := asOf
	var got []BatchProgress
	o := BatchOptions{
		Total: len(leads), Now: func() time.Time { clock = clock.Add(time.Second); return clock },
		Progress: func(p BatchProgress) { got = append(got, p) },
	}
	b, err := NewBatch(t.Context(), m, each(leads, nil), asOf, o)
	if err != nil {
		t.Fatal(err)
	}
	want := []BatchProgress{{1024, 4096, 3 * time.Second}, {2048, 4096, 2 * time.Second}, {3072, 4096, time.Second}, {4096, 4096, 0}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("loading (-want +got):\n%s", diff)
	}
	got = nil
	if err := b.Score(t.Context(), m, asOf); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scoring again (-want +got):\n%s", diff)
	}
}

func TestABatchNamesTheRulesThatNoColumnAnswers(t *testing.T) {
	m := compile(t, `
model: m
version: 1
rules:
  - {id: big, when: 'company.employees > 5', points: 3}
  - {id: share, when: 'company.employees * 2 > company.revenue', points: 3}
  - {id: weight, points: 'double(company.employees)'}
  - {id: demo, each: demo, points: 5, decay: {half_life: 14d}}
  - {id: silent, when: '!activities.exists(a, now - a.at < days(30))', points: -5}
modifiers:
  - {id: page, when: 'activities.exists(a, "page" in a.attributes)', add: 2, owner: ana, expires: 2027-01-01}
`)
	if diff := cmp.Diff([]string{"share", "weight", "page"}, m.BatchSingles()); diff != "" {
		t.Error(diff)
	}
	leads := []BatchLead{{Profile: m.Schema().NewProfile(), Activities: []leadloop.Activity{{Type: "x", At: asOf, Attributes: map[string]string{"page": "/"}}}}, {Profile: m.Schema().NewProfile()}}
	leadloop.Employees.Set(leads[0].Profile, 9)
	b, err := NewBatch(t.Context(), m, each(leads, nil), asOf, BatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for s := range b.Scores() {
		sameAsSingly(t, m, leads, asOf, s)
		if diff := cmp.Diff([]string{"big", "share", "weight", "demo", "silent"}, s.Rules()); diff != "" {
			t.Error(diff)
		}
		if r := s.Rule(0); !r.Matched.Has(0) || r.Matched.Len() != 1 || !r.Undecided.Has(1) || r.Failed != nil {
			t.Errorf("rule big: %+v", r)
		}
	}
	if b.Len() != 2 || b.Bytes() == 0 || b.Model() != m {
		t.Errorf("%d leads, %d bytes", b.Len(), b.Bytes())
	}
}
