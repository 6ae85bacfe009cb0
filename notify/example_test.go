package notify_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/leadloop/leadloop/notify"
)

// A message in a channel; here the webhook is a server of the example's own.
func ExampleSlack() {
	channel := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		fmt.Println(string(b), err)
		_, _ = io.WriteString(w, "ok")
	}))
	defer channel.Close()
	slack, err := notify.Slack(channel.URL, notify.HTTPOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = slack.Send(context.Background(), notify.Message{Key: "k1", To: "rep:ana", Title: "Yours: Acme <Inc>", Text: "Tier A."})
	fmt.Println(err)
	// Output:
	// {"text":"*Yours: Acme \u0026lt;Inc\u0026gt;*\nTier A."} <nil>
	// <nil>
}

// A signed event for another program, which checks it by the headers.
func ExampleWebhook() {
	program := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for _, h := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
			fmt.Println(h, r.Header.Get(h))
		}
	}))
	defer program.Close()
	hook, err := notify.Webhook(program.URL, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", notify.HTTPOptions{
		Now: func() time.Time { return time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = hook.Send(context.Background(), notify.Message{Key: "notify:assigned:ld_1", To: "rep:ana", Title: "Yours"})
	fmt.Println(err)
	// Output:
	// webhook-id notify:assigned:ld_1
	// webhook-timestamp 1793610000
	// webhook-signature v1,OAwtamxSHkHUjvmil5bg2ITpjsCT3I8bW26EKTqgpx8=
	// <nil>
}
