package playbook_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/notify"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/store"
)

// A channel that is down twice hears of an assignment in the end, and once; one
// that stays down leaves a dead letter. Neither the log nor what is stored says
// who it is about.
func TestWhoIsAssignedHearsOfItThroughServersThatFail(t *testing.T) {
	const name = "Mia Berg"
	var log bytes.Buffer
	slack, hook := &channel{down: 2}, &channel{down: 1000}
	send := func(c *channel, make func(url string) (notify.Sender, error)) notify.Sender {
		t.Helper()
		server := httptest.NewServer(c)
		t.Cleanup(server.Close)
		s, err := make(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	h, err := notify.New(map[string][]notify.Sender{
		"rep:ana": {send(slack, func(url string) (notify.Sender, error) { return notify.Slack(url+"/secret", notify.HTTPOptions{}) })},
		notify.Everybody: {send(hook, func(url string) (notify.Sender, error) {
			return notify.Webhook(url, base64.StdEncoding.EncodeToString(make([]byte, 32)), notify.HTTPOptions{})
		})},
	}, notify.Options{Describe: func(context.Context, leadloop.LeadID) (string, error) { return name, nil }})
	if err != nil {
		t.Fatal(err)
	}
	_, loop, st := small(t, playbook.Options{Engine: engine.Options{
		Logger: slog.New(slog.NewTextHandler(&log, nil)), MaxAttempts: 4, BackOff: time.Minute,
		Handlers: map[string]engine.Handler{leadloop.TaskNotify: h},
	}})
	first, second := process(t, loop, person("mia", 600, at)), process(t, loop, person("kim", 600, at.Add(time.Second)))
	if _, err := loop.Advance(ctx, at.Add(25*time.Minute)); err != nil {
		t.Fatal(err)
	}
	states := map[string]leadloop.Task{}
	err = st.View(ctx, func(tx store.Tx) error {
		for _, id := range []leadloop.LeadID{first.ID, second.ID} {
			tasks, err := tx.Tasks().ByLead(ctx, id)
			if err != nil {
				return err
			}
			for _, task := range tasks {
				if task.Kind == leadloop.TaskNotify {
					states[strings.Split(task.Key, ":")[1]] = task
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if a := states["assigned"]; a.State != leadloop.TaskDone || a.Attempts != 3 || len(slack.heard) != 3 || !strings.Contains(slack.heard[2], "Yours: "+name) {
		t.Errorf("Slack: %s after %d attempts, %d messages", a.State, a.Attempts, len(slack.heard))
	}
	q := states["queued"]
	if q.State != leadloop.TaskDead || q.Attempts != 4 || len(hook.heard) != 4 || !strings.Contains(q.LastError, "503") {
		t.Errorf("webhook: %s after %d attempts: %s", q.State, q.Attempts, q.LastError)
	}
	if ids := strings.Join(hook.ids, " "); strings.Count(ids, q.Key) != 4 {
		t.Errorf("every attempt has the task's key: %s", ids)
	}
	for what, text := range map[string]string{"the log": log.String(), "an error that is stored": q.LastError + states["assigned"].LastError} {
		for _, private := range []string{name, "mia", "kim", "secret", "127.0.0.1"} {
			if strings.Contains(text, private) {
				t.Errorf("%s says %q: %s", what, private, text)
			}
		}
	}
	if !strings.Contains(log.String(), "task is dead") {
		t.Errorf("the log: %s", log.String())
	}
}

// channel is a server that is down for some requests.
type channel struct {
	down       int
	heard, ids []string
}

func (c *channel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		body = []byte(err.Error())
	}
	c.heard, c.ids = append(c.heard, string(body)), append(c.ids, r.Header.Get("Webhook-Id"))
	if len(c.heard) <= c.down {
		http.Error(w, "not now: "+string(body), http.StatusServiceUnavailable)
	}
}
