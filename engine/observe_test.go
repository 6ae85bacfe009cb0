package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/store/memstore"
)

// ear writes down what it hears, indented by what is around it.
type ear struct {
	mu    sync.Mutex
	lines []string
}

type depthKey struct{}

func (e *ear) Start(ctx context.Context, s engine.Span) (context.Context, func(engine.End)) {
	depth, _ := ctx.Value(depthKey{}).(int)
	e.mu.Lock()
	at := len(e.lines)
	e.lines = append(e.lines, "")
	e.mu.Unlock()
	return context.WithValue(ctx, depthKey{}, depth+1), func(end engine.End) {
		var line strings.Builder
		line.WriteString(fmt.Sprintf("%*s%s %s: %s", 2*depth, "", s.Kind, s.Name, end.Outcome.Kind))
		for _, ev := range end.Events {
			line.WriteString(" +" + string(ev.Kind))
		}
		if end.Err != nil {
			line.WriteString(" failed")
		}
		if end.Dead {
			line.WriteString(" dead")
		}
		e.mu.Lock()
		e.lines[at] = line.String()
		e.mu.Unlock()
	}
}

func TestAnObserverHearsEveryPartOfTheWorkAndHowItEnded(t *testing.T) {
	e := &ear{}
	fail := engine.HandlerFunc(func(context.Context, leadloop.Task) error { return errors.New("503") })
	l := newLoop(t, memstore.New(), engine.Options{
		Observer: e, MaxAttempts: 1, Handlers: map[string]engine.Handler{leadloop.TaskNotify: fail},
	}, assign("ana"))
	for range 2 { // the second is known and no work
		if _, err := l.Process(ctx, submission("k1", "ana@acme.com"), at); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.Work(ctx, at.Add(2*time.Hour), 10); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"decision submission: assigned", "  stage route: assigned", "  commit : assigned +captured +assigned",
		"task notify:  failed dead",
		"task escalate: ", "  decision task: assigned", "    stage route: assigned", "    commit : assigned",
	}
	if diff := cmp.Diff(want, e.lines); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
}
