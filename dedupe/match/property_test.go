package match_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe/match"
)

func learn(t testing.TB, rows []match.Record, o match.Options) *match.Model {
	t.Helper()
	m, err := match.Learn(context.Background(), table(t, match.People(), rows...), o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestScoresAreSymmetricAndTheSumOfTheirLines(t *testing.T) {
	rows := people(300)
	m := learn(t, rows, match.Options{})
	rapid.Check(t, func(t *rapid.T) {
		value := func(i int, label string) string {
			r := rows[rapid.IntRange(0, len(rows)-1).Draw(t, label)]
			switch rapid.IntRange(0, 3).Draw(t, label+" how") {
			case 0:
				return ""
			case 1:
				return rapid.StringN(0, 20, 60).Draw(t, label+" any")
			}
			return r.Values[i]
		}
		var a, b match.Record
		for i := range match.People() {
			a.Values = append(a.Values, value(i, fmt.Sprint("a", i)))
			b.Values = append(b.Values, value(i, fmt.Sprint("b", i)))
		}
		p, err := m.Compare(a, b)
		if err != nil {
			t.Fatal(err)
		}
		q, err := m.Compare(b, a)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p, q); diff != "" {
			t.Errorf("a and b compare differently from b and a:\n%s", diff)
		}
		sum := p.Prior
		for _, l := range p.Lines {
			sum += l.Weight + l.Frequency
		}
		if math.Abs(sum-p.Weight) > 1e-9 || math.IsNaN(sum) {
			t.Errorf("the lines sum to %v, the weight is %v", sum, p.Weight)
		}
	})
}

// clusters gives for each row its cluster, and everything else that does not depend on the numbers of rows.
func clusters(t testing.TB, rows []match.Record) (string, string) {
	t.Helper()
	tab := table(t, match.People(), rows...)
	m, err := match.Learn(context.Background(), tab, match.Options{})
	if err != nil {
		t.Fatal(err)
	}
	res, err := m.Cluster(context.Background(), tab, match.Options{})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(res.Rows, func(a, b match.Membership) int { return bytes.Compare([]byte(a.ID), []byte(b.ID)) })
	for i, p := range res.Pairs {
		if rows[p.A].ID > rows[p.B].ID {
			t.Errorf("pair %d is not in the order of its ids", i)
		}
		res.Pairs[i].A, res.Pairs[i].B = 0, 0
	}
	out, err := json.Marshal(res)
	if err != nil {
		t.Fatal(err)
	}
	return m.Digest(), string(out)
}

func TestTheOrderOfRowsDoesNotMatter(t *testing.T) {
	rows := people(400)
	digest, want := clusters(t, rows)
	for seed := range uint64(3) {
		random := rand.New(rand.NewPCG(seed, 9))
		random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		d, got := clusters(t, rows)
		if d != digest {
			t.Errorf("seed %d: another order gives another model", seed)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d: another order gives other clusters:\n%s", seed, diff)
		}
	}
}

func TestAModelIsTheSameAfterItWasWritten(t *testing.T) {
	rows := people(300)
	m := learn(t, rows, match.Options{})
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	again, err := match.ParseModel(data)
	if err != nil {
		t.Fatal(err)
	}
	if again.Digest() != m.Digest() {
		t.Error("its digest differs")
	}
	p, _ := m.Compare(rows[0], rows[1])
	q, _ := again.Compare(rows[0], rows[1])
	if diff := cmp.Diff(p, q); diff != "" {
		t.Errorf("it compares differently:\n%s", diff)
	}
	for _, bad := range [][]byte{nil, []byte("{}"), bytes.Replace(data, []byte(`"version":5`), []byte(`"version":4`), 1), bytes.Replace(data, []byte(`"prior":-`), []byte(`"prior":-1`), 1)} {
		if _, err := match.ParseModel(bad); !errors.Is(err, leadloop.ErrInvalid) {
			t.Errorf("a file that is not right gives error %v", err)
		}
	}
}

func TestDecisionsWin(t *testing.T) {
	rows := people(300)
	clone := rows[0]
	clone.ID = "clone"
	rows = append(rows, clone)
	o := match.Options{Decisions: []match.Decision{
		{A: "a0", B: "b0", Same: false}, {A: "a0", B: "clone", Same: false}, {A: "a1", B: "a2", Same: true}, {A: "nobody", B: "a1", Same: true},
	}}
	res := cluster(t, table(t, match.People(), rows...), o)
	of := map[string]string{}
	for _, r := range res.Rows {
		of[r.ID] = r.Cluster
	}
	if of["a0"] == of["b0"] || of["a0"] == of["clone"] {
		t.Errorf("rows that were said to differ are in one cluster: %v %v %v", of["a0"], of["b0"], of["clone"])
	}
	if of["a1"] != of["a2"] {
		t.Error("rows that were said to be the same are in two clusters")
	}
	m := learn(t, rows, o)
	for _, bad := range [][]match.Decision{
		{{A: "a0", B: "b0", Same: true}, {A: "b0", B: "a0", Same: false}},
		{{A: "a1", B: "a2", Same: true}, {A: "a2", B: "a3", Same: true}, {A: "a1", B: "a3", Same: false}},
		{{A: "a1", B: "a1", Same: false}},
	} {
		if _, err := m.Cluster(context.Background(), table(t, match.People(), rows...), match.Options{Decisions: bad}); !errors.Is(err, leadloop.ErrConflict) {
			t.Errorf("decisions %v that contradict each other: error is %v", bad, err)
		}
	}
}

func TestAUniqueFieldThatDiffersKeepsApart(t *testing.T) {
	fields := append(match.People(), match.Field{Name: "tax_number", Kind: match.KindID, Unique: true})
	rows := people(300)
	for i := range rows {
		rows[i].Values = append(rows[i].Values, fmt.Sprintf("TX%07d", i))
	}
	tab := table(t, fields, rows...)
	res := cluster(t, tab, match.Options{})
	if res.Clusters != len(rows) {
		t.Errorf("%d clusters of %d rows, all with another tax number", res.Clusters, len(rows))
	}
}

func TestAPairIsExplainedAsTextAsJSONAndAsAPicture(t *testing.T) {
	rows := people(100)
	m := learn(t, rows, match.Options{})
	p, err := m.Compare(rows[0], rows[1])
	if err != nil {
		t.Fatal(err)
	}
	p.Lines[0].Field = `<a & "b">`
	var b bytes.Buffer
	if err := p.WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	picture := map[string]bool{}
	d := xml.NewDecoder(&b)
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if s, ok := token.(xml.CharData); ok {
			picture[string(s)] = true
		}
	}
	text := strings.Join(strings.Fields(p.String()), " ")
	want := func(inPicture, inText string) {
		t.Helper()
		if !picture[inPicture] {
			t.Errorf("the picture has no %q", inPicture)
		}
		if !strings.Contains(text, inText) {
			t.Errorf("the text has no %q:\n%s", inText, p)
		}
	}
	want("prior", fmt.Sprintf("prior %+.2f", p.Prior))
	frequencies := 0
	for _, l := range p.Lines {
		if l.Level == "missing" {
			continue
		}
		want(l.Field+": "+l.Level, l.Field+" "+l.Level)
		want(fmt.Sprintf("%+.2f", l.Weight), fmt.Sprintf("%+.2f", l.Weight))
		if l.Frequency != 0 {
			frequencies++
			want(l.Field+": how common", fmt.Sprintf("how common it is %+.2f", l.Frequency))
		}
	}
	if frequencies == 0 {
		t.Error("no line says how common a value is")
	}
	want(fmt.Sprintf("total: probability %.4f", p.Probability), fmt.Sprintf("total probability %.4f, %s %+.2f", p.Probability, p.Verdict, p.Weight))

	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var again match.Pair
	if err := json.Unmarshal(data, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, again); diff != "" {
		t.Errorf("as JSON it says something else:\n%s", diff)
	}
}

func TestRowsAddedTogetherAreTheSameAsOneByOne(t *testing.T) {
	rows := people(400)
	rows[3].Values = rows[3].Values[:2]
	rows[7].Source = "other"
	one, all := table(t, match.People(), rows...), table(t, match.People())
	for batch := range slices.Chunk(rows, 77) {
		if err := all.AddAll(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	tooMany := []match.Record{{ID: "fits"}, {ID: "does not", Values: make([]string, 9)}}
	if err := all.AddAll(t.Context(), tooMany); !errors.Is(err, leadloop.ErrInvalid) || all.Len() != len(rows) {
		t.Errorf("error %v and %d rows, want one that is %v and %d", err, all.Len(), leadloop.ErrInvalid, len(rows))
	}
	var digests, results []string
	for _, tab := range []*match.Table{one, all} {
		m, err := match.Learn(t.Context(), tab, match.Options{})
		if err != nil {
			t.Fatal(err)
		}
		res, err := m.Cluster(t.Context(), tab, match.Options{})
		if err != nil {
			t.Fatal(err)
		}
		out, err := json.Marshal(res)
		if err != nil {
			t.Fatal(err)
		}
		digests, results = append(digests, m.Digest()), append(results, string(out))
	}
	if digests[0] != digests[1] {
		t.Error("another model is learnt")
	}
	if diff := cmp.Diff(results[0], results[1]); diff != "" {
		t.Errorf("other clusters:\n%s", diff)
	}
}
