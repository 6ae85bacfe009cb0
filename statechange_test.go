package leadloop_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
)

// anyState fills every field of State, whatever is added to it.
func anyState() *rapid.Generator[leadloop.State] {
	return rapid.Custom(func(t *rapid.T) leadloop.State {
		var s leadloop.State
		fill(t, reflect.ValueOf(&s).Elem())
		return s
	})
}

func fill(t *rapid.T, v reflect.Value) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		if n := rapid.Int64Range(0, 1<<61).Draw(t, "time"); n%3 > 0 {
			v.Set(reflect.ValueOf(time.Unix(0, n).UTC()))
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(t, field)
		}
	case reflect.String:
		v.SetString(rapid.SampledFrom([]string{"", "a", `"b\`, "ü"}).Draw(t, "text"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Slice:
		if rapid.Bool().Draw(t, "some") {
			one := reflect.New(v.Type().Elem()).Elem()
			one.SetString("company.employees")
			v.Set(reflect.Append(reflect.MakeSlice(v.Type(), 0, 1), one))
		}
	default:
		v.SetInt(rapid.Int64Range(-3, 3).Draw(t, "number"))
	}
}

func TestTheStateIsWhatItsChangesAddUpTo(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var state leadloop.State
		var events []leadloop.Event
		for i, next := range rapid.SliceOfN(anyState(), 1, 5).Draw(rt, "states") {
			e, changed, err := leadloop.StateEvent("ld", time.Time{}, state, next)
			if err != nil {
				rt.Fatal(err)
			}
			if changed != !reflect.DeepEqual(state, next) {
				rt.Fatalf("changed is %v", changed)
			}
			if changed {
				e.Seq = int64(i)
				events = append(events, e)
			}
			state = next
		}
		got, err := leadloop.Rebuild("ld", events)
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(state, got.State); diff != "" {
			rt.Fatal(diff)
		}
	})
}

func TestALeadsHistoryIsReadFromItsJournal(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 11, 2, hour, 0, 0, 0, time.UTC) }
	got, err := leadloop.Rebuild("a", []leadloop.Event{
		{Kind: leadloop.EventAssigned, Lead: "a", At: at(1), To: "ana", Reason: "entry:all", Actor: "stage:route"},
		{Kind: leadloop.EventStageChanged, Lead: "a", At: at(1), To: "inquiry"},
		{Kind: leadloop.EventStageChanged, Lead: "b", At: at(2), To: "customer"},
		{Kind: leadloop.EventStageChanged, Lead: "a", At: at(3), From: "inquiry", To: "mql", Reason: "criteria_met", Actor: "rule:mql"},
		{Kind: leadloop.EventAssigned, Lead: "a", At: at(4), From: "ana", To: "ana"},
		{Kind: leadloop.EventAssigned, Lead: "a", At: at(5), From: "ana", To: "ben", Actor: "mia"},
		{Kind: leadloop.EventStatusChanged, Lead: "a", At: at(5), To: "new"},
		{Kind: leadloop.EventMerged, Lead: "a", At: at(6), To: "b"},
		{Kind: leadloop.EventUnmerged, Lead: "b", At: at(7), To: "a"},
		{Kind: leadloop.EventQueued, Lead: "a", At: at(8), To: "inbound"},
	})
	want := leadloop.Rebuilt{
		Owners:   []leadloop.Stay{{Value: "ana", Since: at(1), Until: at(5), Reason: "entry:all", Actor: "stage:route"}, {Value: "ben", Since: at(5), Until: at(8), Actor: "mia"}},
		Stages:   []leadloop.Stay{{Value: "inquiry", Since: at(1), Until: at(3)}, {Value: "mql", Since: at(3), Reason: "criteria_met", Actor: "rule:mql"}},
		Statuses: []leadloop.Stay{{Value: "new", Since: at(5)}},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestAStateOfAnotherVersionIsNotGuessed(t *testing.T) {
	for _, attrs := range []map[string]string{{"v": "2", "stage": `"mql"`}, {"stage": `"mql"`}, {"v": strconv.Itoa(leadloop.JournalVersion), "stage": "mql"}} {
		_, err := leadloop.Rebuild("a", []leadloop.Event{{Seq: 7, Kind: leadloop.EventState, Lead: "a", Attrs: attrs}})
		if !errors.Is(err, leadloop.ErrInvalid) || !strings.Contains(err.Error(), "journal entry 7") {
			t.Errorf("%v gives %v", attrs, err)
		}
	}
}

// docs/JOURNAL.md lists every kind of entry that the program can write, and no
// other.
func TestTheDocumentOfTheJournalListsEveryKind(t *testing.T) {
	text, err := os.ReadFile("docs/JOURNAL.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if kind, ok := strings.CutPrefix(line, "| `"); ok {
			kind, _, _ = strings.Cut(kind, "`")
			listed[kind] = true
		}
	}
	kinds := map[string]bool{"credited": true} // of package routing
	file, err := parser.ParseFile(token.NewFileSet(), "event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			if id, ok := v.Type.(*ast.Ident); ok && id.Name == "EventKind" {
				if kind, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value); err == nil {
					kinds[kind] = true
				}
			}
		}
		return true
	})
	if diff := cmp.Diff(kinds, listed); diff != "" {
		t.Errorf("-event.go +docs/JOURNAL.md\n%s", diff)
	}
	if !strings.Contains(string(text), "version "+strconv.Itoa(leadloop.JournalVersion)) {
		t.Error("the document is of another version")
	}
}
