package backfill_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
	"github.com/leadloop/leadloop/tracking/backfill"
)

var asOf = time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)

func day(month time.Month, d int) time.Time { return time.Date(2026, month, d, 0, 0, 0, 0, time.UTC) }

// read imports a small table, given as lines of cells, the header first.
func read(t testing.TB, o backfill.Options, lines ...string) (entries []backfill.Entry, rejects []string) {
	t.Helper()
	o.AsOf = asOf
	cells := func(line string) []string { return strings.Split(line, "|") }
	im, err := backfill.New(cells(lines[0]), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines[1:] {
		im.Scan(cells(l))
	}
	if err := im.Ready(); err != nil {
		t.Fatal(err)
	}
	for _, l := range lines[1:] {
		im.Learn(cells(l))
	}
	for _, l := range lines[1:] {
		e, err := im.Row(cells(l))
		if err != nil {
			rejects = append(rejects, err.Error())
			continue
		}
		entries = append(entries, e)
	}
	return entries, rejects
}

// told is what entries say, a line for each event.
func told(entries []backfill.Entry) (out []string) {
	for _, e := range entries {
		for _, ev := range e.Events {
			s := fmt.Sprintf("%s %s %s", ev.Lead, ev.At.Format("01-02"), ev.Kind)
			if ev.To != "" {
				s += " to " + ev.To
			}
			if ev.Actor != "rule:import" {
				s += " by " + ev.Actor
			}
			if ev.Reason != "" {
				s += " because " + ev.Reason
			}
			if len(ev.Attrs) > 0 {
				s += " " + strings.TrimPrefix(fmt.Sprint(ev.Attrs), "map")
			}
			out = append(out, s)
		}
		if len(e.Notes) > 0 {
			out = append(out, fmt.Sprint(e.Notes))
		}
	}
	return out
}

func TestRowsBecomeWhatTheySay(t *testing.T) {
	owners := map[string]leadloop.RepID{"Ana Ruiz": "ana", "ben": "ben"}
	for name, tc := range map[string]struct {
		o       backfill.Options
		lines   []string
		want    []string
		rejects []string
	}{
		"events of a CRM": {
			o: backfill.Options{Columns: map[string]string{"Region": "attr:region"}, Owners: owners},
			lines: []string{
				"Lead ID|Event|Date|Owner|Lead Source|Stage|Region|Amount|Loss Reason|User",
				"1|created|2026-11-02||web||EMEA|||",
				"1|Assigned|2026-11-02|ana ruiz||||||",
				"1|call|2026-11-04|||||||Ana Ruiz",
				"1|call|2026-11-03|||||||Ana Ruiz",
				"1|reply|2026-11-05|||||||",
				"1||2026-11-06|||SAL||||",
				"1|converted|2026-11-07|ben||||12,500.50||",
				"1||2026-11-09|ben||Closed Lost||9000|Price, too high!|",
			},
			want: []string{
				"1 11-02 captured [region:EMEA source:web]",
				"1 11-02 assigned to ana",
				"1 11-04 activity to call by ana",
				"1 11-03 activity to call by ana", "1 11-03 first_touch to call by ana",
				"1 11-05 activity to reply",
				"1 11-06 stage_changed to sal",
				"1 11-07 converted to 1 [amount:12500500000 owner:ben]",
				"1 11-09 lost to 1 because price_too_high [amount:9000000000 owner:ben]",
			},
		},
		"snapshots of deals": {
			o: backfill.Options{Owners: owners},
			lines: []string{
				"opportunity_id|owner|product|stage|created|close date|amount",
				"a|Ana Ruiz|box|Won|2026-03-02|2026-04-01|100",
				"b|nobody|box|Negotiation|2026-03-02||",
				"c|ben|box|Lost|2026-03-02|2026-03-01|0",
				"d|ben|box|Won|2026-03-02||1",
				"e|ben|box|Prospecting|||",
				"f|ben|box|Won||2026-03-05|7",
				"g|ben|box|Open talks|2026-03-02|2026-03-05|about nine",
				"h||box|Won|2026-03-02|2026-12-24|-3",
			},
			want: []string{
				"a 03-02 captured [product:box]", "a 03-02 assigned to ana", "a 03-02 converted to a [amount:100000000 owner:ana]", "a 04-01 won to a [amount:100000000 owner:ana]",
				"b 03-02 captured [product:box]", "b 03-02 assigned to nobody", "b 03-02 stage_changed to negotiation", "b 03-02 converted to b [owner:nobody]", "[unknown_owner]",
				"c 03-02 captured [product:box]", "c 03-02 assigned to ben", "c 03-02 converted to c [amount:0 owner:ben]", "c 03-02 lost to c [amount:0 owner:ben untimed:end_before_start]", "[end_before_start]",
				"d 03-02 captured [product:box]", "d 03-02 assigned to ben", "d 03-02 converted to d [amount:1000000 owner:ben]", "d 03-02 won to d [amount:1000000 owner:ben untimed:no_end]", "[no_end]",
				"e 04-01 assigned to ben", "e 04-01 stage_changed to prospecting", "e 04-01 converted to e [owner:ben]", "[no_start]",
				"f 04-01 assigned to ben", "f 04-01 converted to f [amount:7000000 owner:ben]", "f 04-01 won to f [amount:7000000 owner:ben untimed:no_start]", "[no_start]",
				"g 03-02 captured [product:box]", "g 03-02 assigned to ben", "g 03-02 stage_changed to open_talks", "g 03-02 converted to g [owner:ben]", "[unreadable_amount end_without_outcome]",
				"h 03-02 captured [product:box]", "h 03-02 converted to h [amount:-3000000]", "h 12-24 won to h [amount:-3000000]", "[negative_amount future]",
			},
		},
		"snapshots of leads with moments of their own": {
			o:     backfill.Options{Columns: map[string]string{"called": "at:first_touch", "sql since": "at:stage:sql"}},
			lines: []string{"id|created|called|sql since|status|tier|rep", "1|2026-01-02|2026-01-03|2026-02-01|In Talks|A|ana", "2|2026-01-02|soon|||B|"},
			want: []string{
				"1 01-02 captured", "1 01-02 assigned to ana [tier:A]", "1 01-03 first_touch by ana", "1 02-01 stage_changed to sql", "1 02-01 status_changed to in_talks",
				"2 01-02 captured", "2 01-02 tier_changed to B", "[unreadable_date]",
			},
		},
		"a deal of which nothing is known but that it was won": {
			lines: []string{"id|created|closed|outcome", "1|||won"},
			want:  []string{"1 11-30 converted to 1", "1 11-30 won to 1 [untimed:no_end]", "[no_start no_end]"},
		},
		"a lead without an arrival has one if that is wanted": {
			o:     backfill.Options{FirstEvent: true},
			lines: []string{"lead|event|at|source", "1|stage:sql|2026-01-05|web", "1|stage:mql|2026-01-03|web"},
			want:  []string{"1 01-05 stage_changed to sql", "1 01-03 captured [source:web]", "1 01-03 stage_changed to mql"},
		},
		"an address in a campaign or a column of its own": {
			o:     backfill.Options{Columns: map[string]string{"note": "attr:note"}},
			lines: []string{"lead|event|at|campaign|source|note", "1|captured|2026-01-05|spring-ana%40acme.com|web|for ana@acme.com"},
			want:  []string{"1 01-05 captured [campaign:withheld note:withheld source:web]"},
		},
		"words of its own": {
			o: backfill.Options{
				Columns: map[string]string{"Wann": "at", "Was": "event", "Nr": "lead"},
				Values:  map[string]map[string]string{"Was": {"Eingang": "captured", "Demo": "activity:demo request"}},
			},
			lines: []string{"Nr|Wann|Was", "1|03.02.2026|Eingang", "1|4.2.2026 16:30|Demo"},
			want:  []string{"1 02-03 captured", "1 02-04 activity to demo_request"},
		},
		"what can't be used is said": {
			lines:   []string{"lead|event|at", "|captured|2026-01-02", "1|capturd|2026-01-02", "1|captured|some day", "1|captured|", "1|stage_changed|2026-01-02", "1||2026-01-02"},
			rejects: []string{"lead: is empty", `event: no event is called "capturd", did you mean "captured"?`, "at: is no date that can be read, such as 2026-11-02T09:30:00Z", "at: is empty", "at: the row does not say what stage_changed to", "at: the row does not say what happened"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			entries, rejects := read(t, tc.o, tc.lines...)
			for i, r := range rejects {
				rejects[i], _, _ = strings.Cut(r, "; there are")
			}
			if diff := cmp.Diff(tc.want, told(entries)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tc.rejects, rejects); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDatesAreReadAsExportsWriteThem(t *testing.T) {
	nine := time.Date(2026, 3, 4, 9, 30, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2026-03-04": day(3, 4), "2026-03-04T09:30:00Z": nine, "2026-03-04 10:30:00+01:00": nine, "2026-03-04 09:30": nine, "2026/03/04": day(3, 4), "20260304": day(3, 4),
		"4 Mar 2026": day(3, 4), "March 4, 2026": day(3, 4), "Mar 4, 2026 9:30 AM": nine, "4.3.2026": day(3, 4), "04.03.26 09:30": nine,
		"2026-03-04T10:30:00.000+0100": nine, "2026-3-4 09:30": nine, "2026.03.04": day(3, 4), "4.3.2026 9:30 am": nine, "4-Mar-2026 09:30": nine, "Mar 4, 2026, 9:30 am": nine, "1772616600.25": nine.Add(0),
		"1772616600": nine, "1772616600000": nine, "2026-03-04T09:30:00.000Z": nine,
	} {
		entries, rejects := read(t, backfill.Options{}, "lead|event|at", "1|captured|"+text)
		if len(entries) != 1 || !entries[0].Events[0].At.Equal(want) {
			t.Errorf("%s: %v %v, want %v", text, told(entries), rejects, want)
		}
	}
	for _, text := range []string{"31/02/2026", "2026-13-01", "12", "m", "pm", "1772616600.x", "next week", "0000-01-01"} {
		if entries, _ := read(t, backfill.Options{}, "lead|event|at", "1|captured|"+text, "2|captured|31/01/2026"); len(entries) != 1 {
			t.Errorf("%s became %v", text, told(entries))
		}
	}
}

func TestADateThatCanBeTwoDaysIsReadAsTheFileShowsOrAskedAbout(t *testing.T) {
	for name, tc := range map[string]struct {
		other string
		want  time.Time
	}{"the day first": {"13/01/2026", day(4, 3)}, "the month first": {"01/13/2026", day(3, 4)}} {
		entries, _ := read(t, backfill.Options{}, "lead|created|closed", "1|03/04/2026|", "2||"+tc.other)
		if at := entries[0].Events[0].At; !at.Equal(tc.want) {
			t.Errorf("%s: %v", name, at)
		}
	}
	im, err := backfill.New([]string{"lead", "created"}, backfill.Options{AsOf: asOf})
	if err != nil {
		t.Fatal(err)
	}
	im.Scan([]string{"1", "03/04/2026"})
	if err := im.Ready(); !errors.Is(err, leadloop.ErrInvalid) || !strings.Contains(err.Error(), `column "created": dates such as "03/04/2026" can be read in two ways`) {
		t.Errorf("error %v", err)
	}
}

func TestAmountsAreReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]string{
		"12500": "12500000000", "12,500.00": "12500000000", "12.500,00": "12500000000", "$1 200": "1200000000", "1'200.5": "1200500000", "€ 1.500": "1500000000", "0,5": "500000",
		"1,234,567": "1234567000000", "(300)": "-300000000", "-3": "-3000000", ".5 EUR": "500000", "1.23456789": "1234567",
		"-$300": "-300000000", "$(300)": "-300000000", "EUR 12.500,50": "12500500000", "12 500 zł": "12500000000", "12.5k": "12500000000", "$1.2M": "1200000000000", "3 Mio": "3000000000000",
		"50%": "", "USD 5 EUR": "", "99999999999k": "",
		"about 9": "", "1,2,3": "", "12 or 13": "", "1e6": "", "99999999999999999999": "",
	} {
		entries, _ := read(t, backfill.Options{}, "lead|created|amount", "1|2026-01-02|"+text)
		events := entries[0].Events
		if got := events[len(events)-1].Attrs["amount"]; got != want {
			t.Errorf("%s became %q, want %q", text, got, want)
		}
	}
}

func TestAMapThatMakesNoSenseIsRefusedWhole(t *testing.T) {
	for name, tc := range map[string]struct {
		header string
		o      backfill.Options
		want   []string
	}{
		"names that are not there": {"id|created", backfill.Options{Columns: map[string]string{"creatd": "created", "id": "leed"}, Values: map[string]map[string]string{"x": {}}},
			[]string{`there is no column "creatd", did you mean "created"?`, `values of column "x": there is no such column`, `column "id": nothing is called "leed", did you mean "lead"?`}},
		"two columns of one role": {"id|created|b", backfill.Options{Columns: map[string]string{"created": "at", "b": "at"}}, []string{`columns "created" and "b" both hold at`}},
		"an event that is none":   {"id|created|b", backfill.Options{Columns: map[string]string{"b": "at:wonn", "created": "attr:Big"}}, []string{`column "b": no event is called "wonn", did you mean "won"?`, `"Big" is no name of an attribute`}},
		"no lead":                 {"x|created", backfill.Options{}, []string{"no column holds the lead's id; say which with a map such as x=lead; found: x, created"}},
		"no moment":               {"id|stage", backfill.Options{}, []string{"no column holds when something happened (at) or when the lead arrived (created)"}},
		"a row is one or the other": {"id|a|b", backfill.Options{Columns: map[string]string{"a": "at", "b": "created"}},
			[]string{`column "b" says when a lead arrived and "a" when an event happened`}},
	} {
		_, err := backfill.New(strings.Split(tc.header, "|"), tc.o)
		if !errors.Is(err, leadloop.ErrInvalid) {
			t.Errorf("%s: error %v", name, err)
			continue
		}
		for _, want := range tc.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q lacks %q", name, err, want)
			}
		}
	}
}

func TestAnImportIsWrittenOnce(t *testing.T) {
	ctx, st := context.Background(), memstore.New()
	entries, _ := read(t, backfill.Options{Source: "crm"}, "lead|event|at", "1|captured|2026-01-02", "1|captured|2026-01-02", "2|captured|2026-01-03")
	for _, want := range []int{2, 0} {
		if added, err := backfill.Write(ctx, st, entries); err != nil || added != want {
			t.Fatalf("%d added, %v; want %d", added, err, want)
		}
	}
	n := 0
	err := st.View(ctx, func(tx store.Tx) error {
		for _, err := range tx.Journal().Since(ctx, 0) {
			n++
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || n != 2 {
		t.Errorf("%d entries, %v", n, err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := backfill.Write(ctx, st, entries); !errors.Is(err, leadloop.ErrUnavailable) {
		t.Errorf("a closed store gives %v", err)
	}
}

func TestALookupMendsSpellingAndCountsWhatItLacks(t *testing.T) {
	l, err := backfill.NewLookup([]string{"id", "product", "price"}, []string{"series", "product", "price"}, [][]string{{"GTX", "GTX Pro", "1"}, {"MG", "MG-1", "2"}, {"MG", "MG 1", "3"}})
	if err != nil {
		t.Fatal(err)
	}
	var got [][]string
	for _, p := range []string{"GTX Pro", "gtxpro", "mg1", "", "other"} {
		got = append(got, l.Row([]string{"7", p, "9"}))
	}
	want := [][]string{{"7", "GTX Pro", "9", "GTX"}, {"7", "GTX Pro", "9", "GTX"}, {"7", "mg1", "9", ""}, {"7", "", "9", ""}, {"7", "other", "9", ""}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]any{map[string]int{"gtxpro": 1}, map[string]int{"mg1": 1, "other": 1}, 1, []string{"id", "product", "price", "series"}},
		[]any{l.Mended, l.Missing, l.Empty, l.Header([]string{"id", "product", "price"})}); diff != "" {
		t.Error(diff)
	}
	for _, bad := range [][][]string{{{"", "a", ""}, {"", "a", ""}}} {
		if _, err := backfill.NewLookup([]string{"product"}, []string{"series", "product", "price"}, bad); !errors.Is(err, leadloop.ErrInvalid) {
			t.Errorf("a key twice gives %v", err)
		}
	}
	if _, err := backfill.NewLookup([]string{"id"}, []string{"product"}, nil); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("tables with nothing in common give %v", err)
	}
}

// Whatever a file holds, a row is an entry or a rejection, its events are ones
// that a store takes, and reading it again gives the same.
func TestEveryRowIsAnEntryOrARejectionAndTheSameEachTime(t *testing.T) {
	words := rapid.SampledFrom([]string{"", "1", "won", "Closed Lost", "captured", "call", "2026-01-02", "02/03/2026", "ana", "12,5", "web", "\xff", "a\x00b", strings.Repeat("x", 500)})
	roles := rapid.Permutation([]string{"lead", "event", "at", "created", "closed", "stage", "status", "outcome", "owner", "actor", "source", "tier", "amount", "reason", "attr:x", "at:won", "-", "opportunity"})
	rapid.Check(t, func(rt *rapid.T) {
		list := roles.Draw(rt, "roles")[:rapid.IntRange(2, 10).Draw(rt, "columns")]
		header, o := []string{}, backfill.Options{Columns: map[string]string{}, AsOf: asOf, FirstEvent: rapid.Bool().Draw(rt, "first")}
		for i, r := range list {
			header = append(header, fmt.Sprint("c", i))
			o.Columns[header[i]] = r
		}
		im, err := backfill.New(header, o)
		if err != nil {
			if !errors.Is(err, leadloop.ErrInvalid) {
				rt.Fatal(err)
			}
			return
		}
		var rows [][]string
		for range rapid.IntRange(1, 5).Draw(rt, "rows") {
			rows = append(rows, rapid.SliceOfN(words, len(header), len(header)).Draw(rt, "row"))
		}
		for _, r := range rows {
			im.Scan(r)
		}
		if im.Ready() != nil {
			return
		}
		for _, r := range rows {
			im.Learn(r)
		}
		var entries []backfill.Entry
		for _, r := range rows {
			e, err := im.Row(r)
			var rej *backfill.Rejected
			if err != nil && !errors.As(err, &rej) {
				rt.Fatal(err)
			}
			if err == nil {
				entries = append(entries, e)
			}
		}
		if _, err := backfill.Write(context.Background(), memstore.New(), entries); err != nil {
			rt.Fatal(err)
		}
	})
}

func ExampleImporter() {
	header := []string{"lead", "event", "at", "lead_source"}
	rows := [][]string{{"17", "captured", "2026-11-02", "web"}, {"17", "reply", "2026-11-04", ""}, {"17", "replied", "tomorrow", ""}}
	im, err := backfill.New(header, backfill.Options{Source: "old-crm", AsOf: time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range rows {
		im.Scan(r)
	}
	if err := im.Ready(); err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range rows {
		im.Learn(r)
	}
	for _, r := range rows {
		e, err := im.Row(r)
		if err != nil {
			fmt.Println("rejected:", err)
			continue
		}
		for _, ev := range e.Events {
			fmt.Println(ev.At.Format("Jan 2"), ev.Lead, ev.Kind, ev.To, ev.Attrs)
		}
	}
	// Output:
	// Nov 2 17 captured  map[source:web]
	// Nov 4 17 activity reply map[]
	// rejected: at: is no date that can be read, such as 2026-11-02T09:30:00Z
}

func TestStagesOfAnyScriptStayApart(t *testing.T) {
	entries, rejects := read(t, backfill.Options{}, "lead|event|stage|at", "1|stage|受注|2026-01-02", "2|stage|失注|2026-01-02", "3|stage|Geprüft & OK|2026-01-02")
	if len(rejects) != 0 {
		t.Fatal(rejects)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Events[0].To)
	}
	if diff := cmp.Diff([]string{"受注", "失注", "geprüft_ok"}, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzRow(f *testing.F) {
	for _, seed := range []string{
		"1|captured|2026-03-04|$1,200.50|ana|web", "2|won|1772616600|(300)|Ben|", "3|stage:sql|4.3.2026 9:30 pm||x|y", "4|activity:x|13/01/26|12.5k|\x00|\xff", "5||2026-02-30|€ 1.500|,|\"",
		"|||||", "6|lost|m|-|||", "7|tier|0000-00-00|'|a|b", "8|call|2026-W45|9999999999999999999|ana|é",
	} {
		f.Add(seed, "lead|event|at|amount|owner|source")
		f.Add(seed, "lead|stage|created|amount|owner|closed")
		f.Add(seed, "id|status|opened|value|agent|end")
	}
	f.Fuzz(func(t *testing.T, row, head string) {
		header, cells := strings.Split(head, "|"), strings.Split(row, "|")
		im, err := backfill.New(header, backfill.Options{AsOf: asOf})
		if err != nil {
			if !errors.Is(err, leadloop.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		for len(cells) < len(header) {
			cells = append(cells, "")
		}
		cells = cells[:len(header)]
		im.Scan(cells)
		if err := im.Ready(); err != nil {
			return // two dates
		}
		im.Learn(cells)
		e, err := im.Row(cells)
		if err != nil {
			var rejected *backfill.Rejected
			if !errors.As(err, &rejected) {
				t.Fatal(err)
			}
			return
		}
		again, err := im.Row(cells)
		if diff := cmp.Diff(e, again); diff != "" && !slices.ContainsFunc(e.Events, func(e leadloop.Event) bool { return e.Kind == leadloop.EventFirstTouch }) || err != nil {
			t.Fatal(diff, err)
		}
		if len(e.Events) == 0 && !slices.Contains(e.Notes, backfill.NoStart) || e.Lead == "" || e.Key == "" {
			t.Fatalf("%+v", e)
		}
		for _, ev := range e.Events {
			texts := []string{ev.To, ev.From, ev.Reason, ev.Actor}
			for k, v := range ev.Attrs {
				texts = append(texts, k, v)
			}
			for _, s := range texts {
				if !utf8.ValidString(s) || strings.ContainsRune(s, 0) || len(s) > 220 {
					t.Fatalf("%q in %+v", s, ev)
				}
			}
			if y := ev.At.Year(); y < 1 || y > 9999 {
				t.Fatalf("%+v", ev)
			}
		}
	})
}
