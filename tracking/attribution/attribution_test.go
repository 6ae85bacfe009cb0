package attribution_test

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/tracking/attribution"
)

var day0 = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// path makes touches a day apart; a trailing ! marks the touch that created the
// lead, !! the one that created the opportunity.
func path(channels string) []attribution.Touch {
	var touches []attribution.Touch
	for i, c := range strings.Fields(channels) {
		t := attribution.Touch{At: day0.AddDate(0, 0, i), Channel: strings.TrimRight(c, "!")}
		t.Milestone = attribution.Milestone(len(c) - len(t.Channel))
		touches = append(touches, t)
	}
	return touches
}

func ledger(t testing.TB, o attribution.Options, journeys ...attribution.Journey) *attribution.Ledger {
	t.Helper()
	l, err := attribution.NewLedger(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range journeys {
		if err := l.Add(j); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// credits writes a result as "channel conversions value", in its order.
func credits(t testing.TB, l *attribution.Ledger, m attribution.Model) string {
	t.Helper()
	r, err := l.Result(context.Background(), m)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, c := range r.Credits {
		lines = append(lines, fmt.Sprintf("%s %.6g %d", c.Channel, c.Conversions.Float(), c.Value))
	}
	return strings.Join(lines, ", ")
}

func TestEachModelDividesAJourneyAsItsWeightsSay(t *testing.T) {
	for _, c := range []struct {
		name  string
		model attribution.Model
		path  string
		want  string
	}{
		{"first", attribution.First, "ads seo mail direct", "ads 1 1000"},
		{"last", attribution.Last, "ads seo mail direct", "direct 1 1000"},
		{"last non-direct passes over direct", attribution.LastNonDirect, "ads seo mail direct", "mail 1 1000"},
		{"only direct touches keep their credit", attribution.LastNonDirect, "direct direct", "direct 1 1000"},
		{"linear", attribution.Linear, "ads seo ads mail", "ads 0.5 500, mail 0.25 250, seo 0.25 250"},
		{"U of many", attribution.U, "ads seo mail direct", "ads 0.4 400, direct 0.4 400, mail 0.1 100, seo 0.1 100"},
		{"U of two", attribution.U, "ads seo", "ads 0.5 500, seo 0.5 500"},
		{"U of one", attribution.U, "ads", "ads 1 1000"},
		{"U of one channel at both ends", attribution.U, "ads seo ads", "ads 0.8 800, seo 0.2 200"},
		{"W with both milestones", attribution.W, "ads seo! mail call!!", "ads 0.3 300, call 0.3 300, seo 0.3 300, mail 0.1 100"},
		{"W where one touch is two milestones", attribution.W, "ads! seo mail!!", "ads 0.6 600, mail 0.3 300, seo 0.1 100"},
		{"W without other touches is scaled", attribution.W, "ads seo! call!!", "ads 0.333333 333, call 0.333333 333, seo 0.333334 334"},
		{"time decay halves every seven days", attribution.TimeDecay, "a b c d e f g h", "h 0.172308 172, g 0.156064 156, f 0.14135 141, e 0.128024 128, d 0.115955 116, c 0.105023 105, b 0.0951218 95, a 0.086154 86"},
		{"simplified Shapley counts a channel once", attribution.Shapley, "ads seo ads ads", "ads 0.5 500, seo 0.5 500"},
		{"Markov of one journey", attribution.Markov, "ads seo", "ads 0.5 500, seo 0.5 500"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := ledger(t, attribution.Options{}, attribution.Journey{Touches: path(c.path), Conversions: 1, Value: 1000})
			if got := credits(t, l, c.model); !closeTo(c.want, got) {
				t.Errorf("want %s\ngot  %s", c.want, got)
			}
		})
	}
}

// closeTo allows the last digit: which of equal shares gets the remainder is
// not part of a model.
func closeTo(want, got string) bool {
	w, g := strings.Split(want, ", "), strings.Split(got, ", ")
	if len(w) != len(g) {
		return false
	}
	read := func(lines []string) map[string][2]float64 {
		out := map[string][2]float64{}
		for _, line := range lines {
			f := strings.Fields(line)
			a, _ := strconv.ParseFloat(f[1], 64)
			b, _ := strconv.ParseFloat(f[2], 64)
			out[f[0]] = [2]float64{a, b}
		}
		return out
	}
	a, b := read(w), read(g)
	for channel, x := range a {
		y, ok := b[channel]
		if !ok || math.Abs(x[0]-y[0]) > 2e-6 || math.Abs(x[1]-y[1]) > 1 {
			return false
		}
	}
	return true
}

// TestRemovalEffectsOfAWorkedExample is the example of Anderl et al. in small:
// half of the journeys start at A; from A two of three convert over B.
func TestRemovalEffectsOfAWorkedExample(t *testing.T) {
	l := ledger(t, attribution.Options{},
		attribution.Journey{Touches: path("A B"), Conversions: 2, Value: 20},
		attribution.Journey{Touches: path("A"), Lost: 1},
		attribution.Journey{Touches: path("C"), Conversions: 1, Value: 10},
		attribution.Journey{Touches: path("C"), Lost: 2})
	// Start: A 1/2, C 1/2. A: B 2/3. B converts. C converts 1/3. Conversion
	// 1/3 + 1/6 = 1/2; without A 1/6, without B 1/6, without C 1/3. Effects
	// 2/3, 2/3, 1/3 of 3 conversions: 6/5, 6/5, 3/5.
	if got, want := credits(t, l, attribution.Markov), "A 1.2 12, B 1.2 12, C 0.6 6"; got != want {
		t.Errorf("want %s\ngot  %s", want, got)
	}
}

func TestTouchesAreTakenInOrderOfTimeWithinTheWindow(t *testing.T) {
	late := attribution.Touch{At: day0.AddDate(0, 1, 0), Channel: "after"}
	old := attribution.Touch{At: day0.AddDate(-1, 0, 0), Channel: "old"}
	touches := append(path("ads seo"), late, old)
	slices.Reverse(touches)
	for _, c := range []struct {
		name string
		o    attribution.Options
		at   time.Time
		want string
	}{
		{"touches after the conversion don't count", attribution.Options{}, day0.AddDate(0, 0, 5), "old 1 7"},
		{"nor those before the look-back window", attribution.Options{LookBack: 30 * 24 * time.Hour}, day0.AddDate(0, 0, 5), "ads 1 7"},
		{"a conversion without any touch is credited to none", attribution.Options{LookBack: 24 * time.Hour}, day0.AddDate(0, 0, 5), "(none) 1 7"},
		{"without a time the conversion is after all touches", attribution.Options{LookBack: 24 * time.Hour}, time.Time{}, "after 1 7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := ledger(t, c.o, attribution.Journey{Touches: touches, ConvertedAt: c.at, Conversions: 1, Value: 7})
			if got := credits(t, l, attribution.First); got != c.want {
				t.Errorf("want %s, got %s", c.want, got)
			}
			for _, m := range attribution.Models() {
				addsUp(t, l, m)
			}
		})
	}
}

func addsUp(t testing.TB, l *attribution.Ledger, m attribution.Model) {
	t.Helper()
	r, err := l.Result(context.Background(), m)
	if err != nil {
		t.Fatal(err)
	}
	var sum attribution.Credit
	for _, c := range r.Credits {
		sum.Conversions += c.Conversions
		sum.Value += c.Value
	}
	if sum != r.Total {
		t.Errorf("%s adds up to %+v of %+v", m, sum, r.Total)
	}
}

func TestWhatIsNoJourneyIsRefusedAndNotFolded(t *testing.T) {
	l := ledger(t, attribution.Options{})
	for name, j := range map[string]attribution.Journey{
		"a negative number of conversions": {Conversions: -1},
		"a negative number of losses":      {Lost: -1},
		"value without a conversion":       {Touches: path("a"), Value: 1},
		"a touch without a channel":        {Touches: []attribution.Touch{{At: day0}}, Conversions: 1},
		"the channel of no touch":          {Touches: path("(none)"), Conversions: 1},
		"more conversions than fit":        {Conversions: math.MaxInt64 / 1000},
	} {
		if err := l.Add(j); !errors.Is(err, leadloop.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if r, err := l.Result(context.Background(), attribution.Linear); err != nil || len(r.Credits) > 0 || r.Total != (attribution.Credit{}) {
		t.Errorf("something was folded: %+v, %v", r, err)
	}
	if _, err := l.Result(context.Background(), "best"); !errors.Is(err, leadloop.ErrInvalid) || !strings.Contains(err.Error(), "time_decay") {
		t.Errorf("a model that does not exist: %v", err)
	}
	for _, o := range []attribution.Options{{LookBack: -1}, {HalfLife: -1}, {Order: -1}, {Order: 99}} {
		if _, err := attribution.NewLedger(o); !errors.Is(err, leadloop.ErrInvalid) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	other := ledger(t, attribution.Options{Order: 2})
	if err := l.Merge(other); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("ledgers of different orders add: %v", err)
	}
}

func journeyGen() *rapid.Generator[attribution.Journey] {
	return rapid.Custom(func(t *rapid.T) attribution.Journey {
		j := attribution.Journey{Conversions: rapid.Int64Range(0, 5).Draw(t, "conversions"), Lost: rapid.Int64Range(0, 5).Draw(t, "lost")}
		if j.Conversions > 0 {
			j.Value = leadloop.Micros(rapid.Int64Range(0, 1_000_000_007).Draw(t, "value"))
		}
		for range rapid.IntRange(0, 6).Draw(t, "touches") {
			j.Touches = append(j.Touches, attribution.Touch{
				At:        day0.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "hours")) * time.Hour),
				Channel:   rapid.SampledFrom([]string{"a", "b", "c", "d", "direct"}).Draw(t, "channel"),
				Milestone: attribution.Milestone(rapid.IntRange(0, 2).Draw(t, "milestone")),
			})
		}
		if rapid.Bool().Draw(t, "timed") {
			j.ConvertedAt = day0.Add(20 * time.Hour)
		}
		return j
	})
}

func TestCreditsAddUpAndNeitherTheOrderNorTheSplitOfJourneysMatters(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := attribution.Options{Order: rapid.IntRange(1, 3).Draw(rt, "order")}
		if rapid.Bool().Draw(rt, "window") {
			o.LookBack = 10 * time.Hour
		}
		journeys := rapid.SliceOfN(journeyGen(), 0, 12).Draw(rt, "journeys")
		whole := ledger(t, o, journeys...)
		seed := rapid.Uint64().Draw(rt, "seed")
		shuffled := slices.Clone(journeys)
		r := rand.New(rand.NewPCG(seed, 1))
		r.Shuffle(len(shuffled), func(i, k int) { shuffled[i], shuffled[k] = shuffled[k], shuffled[i] })
		for i := range shuffled {
			shuffled[i].Touches = slices.Clone(shuffled[i].Touches)
			r.Shuffle(len(shuffled[i].Touches), func(a, b int) {
				shuffled[i].Touches[a], shuffled[i].Touches[b] = shuffled[i].Touches[b], shuffled[i].Touches[a]
			})
		}
		cut := rapid.IntRange(0, len(shuffled)).Draw(rt, "cut")
		parts := ledger(t, o, shuffled[:cut]...)
		if err := parts.Merge(ledger(t, o, shuffled[cut:]...)); err != nil {
			rt.Fatal(err)
		}
		for _, m := range attribution.Models() {
			addsUp(t, whole, m)
			a, err1 := whole.Result(context.Background(), m)
			b, err2 := parts.Result(context.Background(), m)
			if err := errors.Join(err1, err2); err != nil {
				rt.Fatal(err)
			}
			if diff := cmp.Diff(a, b); diff != "" {
				rt.Fatalf("%s (-whole +parts):\n%s", m, diff)
			}
		}
	})
}

// exactRemoval computes removal effects in rational numbers, by elimination,
// from the journeys themselves: nothing of the ledger is used.
func exactRemoval(journeys []attribution.Journey, order int, removed string) *big.Rat {
	type move struct{ from, to string }
	count, total := map[move]int64{}, map[string]int64{}
	names := []string{""}
	for _, j := range journeys {
		n := j.Conversions + j.Lost
		if n == 0 || len(j.Touches) == 0 {
			continue
		}
		now := ""
		step := func(to string, n int64) {
			count[move{now, to}] += n
			total[now] += n
		}
		for i := range j.Touches {
			var to strings.Builder
			for k := max(0, i-order+1); k <= i; k++ {
				to.WriteString("/" + j.Touches[k].Channel)
			}
			step(to.String(), n)
			if !slices.Contains(names, to.String()) {
				names = append(names, to.String())
			}
			now = to.String()
		}
		step("won", j.Conversions)
		step("lost", j.Lost)
	}
	// p = A p + b, without the states that end in the removed channel.
	keep := slices.DeleteFunc(slices.Clone(names), func(s string) bool { return removed != "" && strings.HasSuffix(s, "/"+removed) })
	n := len(keep)
	rows := make([][]*big.Rat, n)
	for i, from := range keep {
		rows[i] = make([]*big.Rat, n+1)
		for k, to := range keep {
			rows[i][k] = new(big.Rat)
			if total[from] > 0 {
				rows[i][k].SetFrac64(-count[move{from, to}], total[from])
			}
			if i == k {
				rows[i][k].Add(rows[i][k], big.NewRat(1, 1))
			}
		}
		rows[i][n] = new(big.Rat)
		if total[from] > 0 {
			rows[i][n].SetFrac64(count[move{from, "won"}], total[from])
		}
	}
	for i := range n {
		pivot := i
		for rows[pivot][i].Sign() == 0 {
			pivot++
		}
		rows[i], rows[pivot] = rows[pivot], rows[i]
		for k := range n {
			if k == i || rows[k][i].Sign() == 0 {
				continue
			}
			f := new(big.Rat).Quo(rows[k][i], rows[i][i])
			for c := i; c <= n; c++ {
				rows[k][c].Sub(rows[k][c], new(big.Rat).Mul(f, rows[i][c]))
			}
		}
	}
	return new(big.Rat).Quo(rows[0][n], rows[0][0])
}

func TestMarkovEqualsRemovalWorkedOutInRationalNumbers(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		order := rapid.IntRange(1, 2).Draw(rt, "order")
		var journeys []attribution.Journey
		for range rapid.IntRange(1, 8).Draw(rt, "journeys") {
			channels := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 5).Draw(rt, "path")
			journeys = append(journeys, attribution.Journey{
				Touches:     path(strings.Join(channels, " ")),
				Conversions: rapid.Int64Range(0, 4).Draw(rt, "won"), Lost: rapid.Int64Range(0, 4).Draw(rt, "lost"),
			})
		}
		base := exactRemoval(journeys, order, "")
		if base.Sign() == 0 {
			return
		}
		l := ledger(t, attribution.Options{Order: order}, journeys...)
		r, err := l.Result(context.Background(), attribution.Markov)
		if err != nil {
			rt.Fatal(err)
		}
		sum := new(big.Rat)
		effects := map[string]*big.Rat{}
		for _, channel := range []string{"a", "b", "c"} {
			without := new(big.Rat).Quo(exactRemoval(journeys, order, channel), base)
			effects[channel] = without.Sub(big.NewRat(1, 1), without)
			sum.Add(sum, effects[channel])
		}
		got := map[string]float64{}
		for _, c := range r.Credits {
			got[c.Channel] = c.Conversions.Float()
		}
		for channel, e := range effects {
			want, _ := new(big.Rat).Mul(new(big.Rat).Quo(e, sum), big.NewRat(int64(r.Total.Conversions), int64(attribution.Whole))).Float64()
			if math.Abs(got[channel]-want) > 2e-6 {
				rt.Errorf("order %d, channel %s: want %.7f conversions, got %.7f", order, channel, want, got[channel])
			}
		}
	})
}

// dataPath finds the shared data sets, or skips.
func dataPath(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("LEADLOOP_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	file := filepath.Join(root, name)
	if _, err := os.Stat(file); err != nil {
		t.Skipf("the data set %s is not there: set LEADLOOP_DATA to the folder of the shared data sets", name)
	}
	return file
}

// readPaths reads a table of paths with their counts; touches are a day apart.
func readPaths(t testing.TB) []attribution.Journey {
	t.Helper()
	f, err := os.Open(dataPath(t, filepath.Join("mta-paths", "data.csv")))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var journeys []attribution.Journey
	for _, row := range rows[1:] {
		won, err1 := strconv.ParseInt(row[1], 10, 64)
		value, err2 := strconv.ParseFloat(row[2], 64)
		lost, err3 := strconv.ParseInt(row[3], 10, 64)
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatal(err)
		}
		j := attribution.Journey{Touches: path(strings.ReplaceAll(row[0], ">", " ")), Conversions: won, Lost: lost}
		if won > 0 {
			j.Value = leadloop.Micros(math.Round(value * 1e6))
		}
		journeys = append(journeys, j)
	}
	return journeys
}

func TestTenThousandRealPathsAddUpUnderEveryModel(t *testing.T) {
	journeys := readPaths(t)
	var want attribution.Credit
	for _, j := range journeys {
		want.Conversions += attribution.Conversions(j.Conversions) * attribution.Whole
		want.Value += j.Value
	}
	if len(journeys) < 9_000 || want.Conversions < 10_000*attribution.Whole {
		t.Fatalf("%d journeys with %.0f conversions were read", len(journeys), want.Conversions.Float())
	}
	for order := 1; order <= 3; order++ {
		l := ledger(t, attribution.Options{Order: order}, journeys...)
		for _, m := range attribution.Models() {
			addsUp(t, l, m)
			r, err := l.Result(context.Background(), m)
			if err != nil {
				t.Fatal(err)
			}
			if r.Total != want {
				t.Errorf("%s, order %d: total %+v, want %+v", m, order, r.Total, want)
			}
			if order == 1 {
				t.Logf("%-16s %s", m, credits(t, l, m))
			}
		}
	}
}

func BenchmarkTenThousandJourneysUnderAllModels(b *testing.B) {
	journeys := readPaths(b)
	touches := 0
	for _, j := range journeys {
		touches += len(j.Touches)
	}
	for b.Loop() {
		l := ledger(b, attribution.Options{}, journeys...)
		for _, m := range attribution.Models() {
			if _, err := l.Result(context.Background(), m); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(touches)*float64(b.N)/b.Elapsed().Seconds(), "touches/s")
}

func ExampleLedger() {
	l, err := attribution.NewLedger(attribution.Options{LookBack: 90 * 24 * time.Hour})
	if err != nil {
		fmt.Println(err)
		return
	}
	won := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	err = l.Add(attribution.Journey{
		Touches: []attribution.Touch{
			{At: won.AddDate(0, 0, -40), Channel: "search"},
			{At: won.AddDate(0, 0, -20), Channel: "webinar", Milestone: attribution.LeadCreated},
			{At: won.AddDate(0, 0, -2), Channel: "direct"},
		},
		ConvertedAt: won, Conversions: 1, Value: 12_000 * 1_000_000,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range []attribution.Model{attribution.First, attribution.LastNonDirect, attribution.U} {
		r, err := l.Result(context.Background(), m)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, c := range r.Credits {
			fmt.Printf("%s: %s %.1f conversions, %d\n", m, c.Channel, c.Conversions.Float(), c.Value/1_000_000)
		}
	}
	// Output:
	// first: search 1.0 conversions, 12000
	// last_non_direct: webinar 1.0 conversions, 12000
	// u: direct 0.4 conversions, 4800
	// u: search 0.4 conversions, 4800
	// u: webinar 0.2 conversions, 2400
}

// BenchmarkAMillionTouches credits a million touches under all models, in
// journeys of eight; Markov remembers two of them.
func BenchmarkAMillionTouches(b *testing.B) {
	if testing.Short() {
		b.Skip("it takes seconds")
	}
	r := rand.New(rand.NewPCG(1, 1))
	journeys := make([]attribution.Journey, 125_000)
	for i := range journeys {
		j := &journeys[i]
		for k := range 8 {
			j.Touches = append(j.Touches, attribution.Touch{At: day0.Add(time.Duration(k) * time.Hour), Channel: string(rune('a' + r.IntN(12)))})
		}
		if r.IntN(5) == 0 {
			j.Conversions, j.Value = 1, 1_000_000
		} else {
			j.Lost = 1
		}
	}
	for b.Loop() {
		l := ledger(b, attribution.Options{Order: 2}, journeys...)
		for _, m := range attribution.Models() {
			addsUp(b, l, m)
		}
	}
}

func TestAMarkovModelOfManyChannelsStopsWhenItIsCancelled(t *testing.T) {
	l := ledgerOfManyChannels(t, 600)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := l.Result(ctx, attribution.Markov); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	r, err := l.Result(context.Background(), attribution.Markov)
	if err != nil {
		t.Fatal(err)
	}
	again, err := l.Result(context.Background(), attribution.Markov)
	if diff := cmp.Diff(r, again); diff != "" || err != nil {
		t.Error("workers change the figures:", diff, err)
	}
	var sum attribution.Credit
	for _, c := range r.Credits {
		sum.Conversions, sum.Value = sum.Conversions+c.Conversions, sum.Value+c.Value
	}
	if sum.Conversions != r.Total.Conversions || sum.Value != r.Total.Value || len(r.Credits) < 200 {
		t.Errorf("%d credits add up to %+v of %+v", len(r.Credits), sum, r.Total)
	}
}

// ledgerOfManyChannels has twice as many journeys as channels, of three touches.
func ledgerOfManyChannels(t testing.TB, n int) *attribution.Ledger {
	t.Helper()
	var all []attribution.Journey
	for i := range 2 * n {
		j := attribution.Journey{Lost: 1}
		if i%3 == 0 {
			j = attribution.Journey{Conversions: 1, Value: leadloop.Micros(i%7) * 1_000_000}
		}
		for k := range 3 {
			j.Touches = append(j.Touches, attribution.Touch{Channel: fmt.Sprint("c", (i*(k+3)+7*k)%n), At: day0.Add(time.Duration(k) * time.Minute)})
		}
		all = append(all, j)
	}
	return ledger(t, attribution.Options{}, all...)
}
