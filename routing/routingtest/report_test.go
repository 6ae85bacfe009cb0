package routingtest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing"
)

// recorder keeps what a test says.
type recorder struct {
	said *[]string
	at   string
}

func (recorder) Helper() {}

func (r recorder) Errorf(format string, args ...any) {
	*r.said = append(*r.said, "error "+r.at+": "+fmt.Sprintf(format, args...))
}

func (r recorder) Logf(format string, args ...any) {
	*r.said = append(*r.said, "log "+r.at+": "+fmt.Sprintf(format, args...))
}

func (r recorder) sub(name string, f func(reporter)) { f(recorder{r.said, name}) }

func TestWhatTheKitSays(t *testing.T) {
	def, err := routing.Parse("routing.yaml", []byte("queues: [{id: q}]\nchain: [{id: a, country: [DE], target: {queue: q}}, {id: b, country: [US], target: {queue: q}}]\nfinal: q\n"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := routing.New(def, routing.SLADefinition{}, leadloop.StandardSchema(), routing.Options{})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, time.January, 7, 12, 0, 0, 0, time.UTC)
	german := routing.Case{Name: "germany", AsOf: at, Lead: map[string]any{"country": "DE"}, Want: routing.Want{Entry: "a"}}
	wrong := german
	wrong.Name, wrong.Want.Entry = "wrong", "b"
	for _, c := range []struct {
		name  string
		cases []routing.Case
		o     Options
		want  []string
	}{
		{"all is well, one entry is not won by", []routing.Case{german}, Options{}, []string{"log coverage: no case wins by b"}},
		{"which fails if all have to be", []routing.Case{german}, Options{Unhit: map[string]string{}}, []string{"error coverage: no case wins by b"}},
		{"unless there is a reason", []routing.Case{german}, Options{Unhit: map[string]string{"b": "nobody is there"}}, []string{"log coverage: no case wins by b: nobody is there"}},
		{
			"a reason is needed, and an entry that is not won by", []routing.Case{german}, Options{Unhit: map[string]string{"a": "why?", "b": " ", "c": "?"}},
			[]string{
				`error coverage: routingtest: the exception "b" gives no reason`,
				`error coverage: routingtest: the exception "a" is not needed: a case wins by it, or there is no such entry`,
				`error coverage: routingtest: the exception "c" is not needed: a case wins by it, or there is no such entry`,
			},
		},
		{
			"a case that does not hold", []routing.Case{wrong}, Options{Unhit: map[string]string{"b": "nobody is there"}},
			[]string{"error wrong: wrong\n  entry: want b, got a\n  The chain:\n    a: it is for this lead\n", "log coverage: no case wins by b: nobody is there"},
		},
		{"cases that can't be run", []routing.Case{{Name: "empty", AsOf: at}}, Options{}, []string{"error : cases:\ncase \"empty\": want: says nothing that could fail"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var said []string
			run(t.Context(), recorder{said: &said}, r, c.cases, c.o)
			if diff := cmp.Diff(c.want, said); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
