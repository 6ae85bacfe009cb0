package notify_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/notify"
)

// received is what a server got.
type received struct {
	Header http.Header
	Body   string
}

// server answers with the codes in turn, the last one for ever.
func server(t *testing.T, codes ...int) (*httptest.Server, *[]received) {
	t.Helper()
	got := new([]received)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		*got = append(*got, received{r.Header, string(b)})
		w.WriteHeader(codes[min(len(*got), len(codes))-1])
	}))
	t.Cleanup(s.Close)
	return s, got
}

func task(about string, more string) leadloop.Task {
	return leadloop.Task{
		Key: "notify:" + about + ":ld_1", Kind: leadloop.TaskNotify, Lead: "ld_1", DueAt: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC), Outside: true,
		Payload: json.RawMessage(`{"about":"` + about + `","lead":"ld_1","to":"rep:ana","tier":"A"` + more + `}`),
	}
}

func TestMessagesAreReadAloud(t *testing.T) {
	var got []string
	h, err := notify.New(map[string][]notify.Sender{notify.Everybody: {notify.SenderFunc(func(_ context.Context, m notify.Message) error {
		got = append(got, strings.TrimSpace(m.Title+" | "+m.Text+" "+m.Link))
		return nil
	})}}, notify.Options{
		Describe: func(context.Context, leadloop.LeadID) (string, error) { return "Mia Berg, VP Sales at Acme", nil },
		Link:     func(id leadloop.LeadID) string { return "https://crm.example/leads/" + string(id) },
		Zone:     time.FixedZone("CET", 3600),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []leadloop.Task{
		task("assigned", `,"owner":"ana","due_at":"2026-11-02T09:15:00Z"`),
		task("queued", `,"queue":"triage"`),
		task("escalated", `,"owner":"ben","ladder":"sla","step":1`),
		task("escalated", `,"queue":"triage","ladder":"queue","step":1`),
		task("due_soon", `,"owner":"ana","due_at":"2026-11-02T09:15:00Z"`),
		task("alerted", `,"reason":"open_opportunity","opportunity":"op_7"`),
		task("dispute", `,"disputed":["rep:ana","pool:us"]`),
		task("something_new", ``),
	} {
		if err := h.Deliver(t.Context(), x); err != nil {
			t.Fatal(err)
		}
	}
	link := " https://crm.example/leads/ld_1"
	if diff := cmp.Diff([]string{
		"Yours: Mia Berg, VP Sales at Acme | Tier A. First touch due Mon 2 Nov 10:15 CET." + link,
		"Waiting in triage: Mia Berg, VP Sales at Acme | Tier A." + link,
		"Not answered in time: Mia Berg, VP Sales at Acme | Tier A. Owner: ben." + link,
		"Nobody took Mia Berg, VP Sales at Acme from triage | Tier A." + link,
		"Due soon: Mia Berg, VP Sales at Acme | Tier A. First touch due Mon 2 Nov 10:15 CET." + link,
		"Back again: Mia Berg, VP Sales at Acme | Tier A. Reason: open opportunity. Opportunity op_7." + link,
		"Who owns Mia Berg, VP Sales at Acme? rep:ana or pool:us | Tier A." + link,
		"something new: Mia Berg, VP Sales at Acme | Tier A." + link,
	}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestARecipientHearsThroughItsOwnSendersAndOthersThroughEverybodys(t *testing.T) {
	var heard []string
	say := func(name string, err error) notify.Sender {
		return notify.SenderFunc(func(context.Context, notify.Message) error { heard = append(heard, name); return err })
	}
	down := errors.New("down")
	h, err := notify.New(map[string][]notify.Sender{"rep:ana": {say("pager", down), say("mail", nil)}, notify.Everybody: {say("channel", nil)}}, notify.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Deliver(t.Context(), task("assigned", "")); !errors.Is(err, down) {
		t.Errorf("a sender that fails: %v", err)
	}
	other := task("assigned", "")
	other.Payload = json.RawMessage(`{"about":"assigned","to":"rep:ben"}`)
	if err := h.Deliver(t.Context(), other); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"pager", "mail", "channel"}, heard); diff != "" {
		t.Error(diff)
	}
	only, err := notify.New(map[string][]notify.Sender{"rep:ana": {say("mail", nil)}}, notify.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := only.Deliver(t.Context(), other); !errors.Is(err, leadloop.ErrInvalid) || !strings.Contains(err.Error(), "rep:ben") {
		t.Errorf("nobody sends to ben: %v", err)
	}
	other.Payload = json.RawMessage(`{"about": "mia@acme.com`)
	if err := only.Deliver(t.Context(), other); !errors.Is(err, leadloop.ErrInvalid) || strings.Contains(err.Error(), "mia") {
		t.Errorf("a payload that is no notice: %v", err)
	}
}

func TestSlackGetsTheMessageWithoutMentionsThatALeadWrote(t *testing.T) {
	s, got := server(t, http.StatusOK)
	slack, err := notify.Slack(s.URL+"/services/secret", notify.HTTPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := slack.Send(t.Context(), notify.Message{Title: "Yours: <!channel> & Co", Text: "Tier A.", Link: "https://crm.example/1|x>"}); err != nil {
		t.Fatal(err)
	}
	want := `{"text":"*Yours: \u0026lt;!channel\u0026gt; \u0026amp; Co*\nTier A.\n\u003chttps://crm.example/1%7Cx%3E|Open\u003e"}`
	if (*got)[0].Body != want {
		t.Errorf("want %s\ngot  %s", want, (*got)[0].Body)
	}
}

func TestAWebhookIsSignedAsStandardWebhooksHasItAndKeepsItsID(t *testing.T) {
	s, got := server(t, http.StatusServiceUnavailable, http.StatusNoContent)
	secret := "whsec_" + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	hook, err := notify.Webhook(s.URL, secret, notify.HTTPOptions{Now: func() time.Time { return time.Unix(1_700_000_000, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	h, err := notify.New(map[string][]notify.Sender{notify.Everybody: {hook}}, notify.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Deliver(t.Context(), task("assigned", "")); !errors.Is(err, leadloop.ErrUnavailable) || !strings.Contains(err.Error(), "503 Service Unavailable") {
		t.Errorf("a server that is down: %v", err)
	}
	if err := h.Deliver(t.Context(), task("assigned", "")); err != nil {
		t.Error(err)
	}
	for _, r := range *got {
		// Worked out with: printf '%s.%s.%s' id stamp body | openssl dgst -sha256 -hmac <key> -binary | base64
		if diff := cmp.Diff([]string{"notify:assigned:ld_1", "1700000000", "v1,p87RV9xSMJt8kAbbGcjw30LPcK2bHERcVb6kmxHPcAU="},
			[]string{r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), r.Header.Get("webhook-signature")}); diff != "" {
			t.Error(diff)
		}
		if want := `{"type":"leadloop.notify","timestamp":"2026-11-02T09:00:00Z","data":{"about":"assigned","lead":"ld_1","to":"rep:ana","tier":"A"}}`; r.Body != want {
			t.Errorf("want %s\ngot  %s", want, r.Body)
		}
	}
	if len(*got) != 2 {
		t.Errorf("%d requests", len(*got))
	}
}

// TestTheSpecificationsOwnVector is the example of the Standard Webhooks
// specification and its reference libraries.
func TestTheSpecificationsOwnVector(t *testing.T) {
	if got, want := notify.Sign(t, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", `{"test": 2432232314}`),
		"g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("want %s, got %s", want, got)
	}
}

func TestSendersRefuseWhatCannotWorkWithoutRepeatingSecrets(t *testing.T) {
	key := base64.StdEncoding.EncodeToString(make([]byte, 32))
	nobody := notify.SenderFunc(func(context.Context, notify.Message) error { return nil })
	for name, do := range map[string]func() error{
		"a Slack address that is none": func() error { _, err := notify.Slack("T0/B0/secret", notify.HTTPOptions{}); return err },
		"a webhook over another scheme": func() error {
			_, err := notify.Webhook("ftp://secret@host", key, notify.HTTPOptions{})
			return err
		},
		"a secret that is too short": func() error {
			_, err := notify.Webhook("https://host", "whsec_c2VjcmV0", notify.HTTPOptions{})
			return err
		},
		"no senders at all": func() error { _, err := notify.New(nil, notify.Options{}); return err },
		"a recipient of no kind": func() error {
			_, err := notify.New(map[string][]notify.Sender{"ana": {nobody}}, notify.Options{})
			return err
		},
		"a recipient without one": func() error {
			_, err := notify.New(map[string][]notify.Sender{"rep:ana": nil}, notify.Options{})
			return err
		},
	} {
		if err := do(); !errors.Is(err, leadloop.ErrInvalid) || strings.Contains(err.Error(), "secret@") || strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("%s: %v", name, err)
		}
	}
	s, _ := server(t, http.StatusOK)
	s.Close()
	slack, err := notify.Slack(s.URL+"/services/secret", notify.HTTPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := slack.Send(t.Context(), notify.Message{}); !errors.Is(err, leadloop.ErrUnavailable) || strings.Contains(err.Error(), "secret") {
		t.Errorf("a server that is not there: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := slack.Send(gone, notify.Message{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled call: %v", err)
	}
}

func ExampleNew() {
	// A sender of the host's own: any function will do.
	page := notify.SenderFunc(func(_ context.Context, m notify.Message) error {
		fmt.Println(m.To, "hears:", m.Title, "-", m.Text)
		return nil
	})
	h, err := notify.New(map[string][]notify.Sender{"rep:ana": {page}}, notify.Options{
		Describe: func(_ context.Context, id leadloop.LeadID) (string, error) { return "Acme (" + string(id) + ")", nil },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// A loop calls it: engine.Options{Handlers: map[string]engine.Handler{leadloop.TaskNotify: h}}.
	err = h.Deliver(context.Background(), leadloop.Task{
		Key: "notify:assigned:ld_1", Kind: leadloop.TaskNotify, Lead: "ld_1",
		Payload: []byte(`{"about": "assigned", "to": "rep:ana", "tier": "A", "due_at": "2026-11-02T09:15:00Z"}`),
	})
	fmt.Println(err)
	// Output:
	// rep:ana hears: Yours: Acme (ld_1) - Tier A. First touch due Mon 2 Nov 09:15 UTC.
	// <nil>
}
