package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// HTTPOptions are the optional settings of senders over HTTP.
type HTTPOptions struct {
	// Client sends; nil means one with a timeout of 10 s.
	Client *http.Client
	// Now stamps signatures; nil means time.Now.
	Now func() time.Time
}

func (o HTTPOptions) filled() HTTPOptions {
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 10 * time.Second}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func checkURL(what, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		// The address may hold a secret and stays out of the text.
		return fmt.Errorf("notify: %s: %w: its address is not an http or https URL", what, leadloop.ErrInvalid)
	}
	return nil
}

// post sends a body and accepts any 2xx. The address and what the server says
// stay out of errors: both may hold secrets.
func post(ctx context.Context, c *http.Client, what, to string, header http.Header, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: %w: its address can't be used", what, leadloop.ErrInvalid)
	}
	r.Header = header
	r.Header.Set("Content-Type", "application/json")
	answer, err := c.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", what, ctx.Err())
		}
		var timeout interface{ Timeout() bool }
		if errors.As(err, &timeout) && timeout.Timeout() {
			return fmt.Errorf("%s: %w: no answer in time", what, leadloop.ErrUnavailable)
		}
		return fmt.Errorf("%s: %w: can't be reached", what, leadloop.ErrUnavailable)
	}
	// What is left unread would close the connection; a megabyte is not read.
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10))
	_ = answer.Body.Close()
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("%s: %w: answered %d %s", what, leadloop.ErrUnavailable, answer.StatusCode, http.StatusText(answer.StatusCode))
	}
	return nil
}

// Slack returns a sender to an incoming webhook of Slack, or of a program that
// takes the same messages. The URL is a secret.
func Slack(webhook string, o HTTPOptions) (Sender, error) {
	if err := checkURL("slack", webhook); err != nil {
		return nil, err
	}
	o = o.filled()
	return SenderFunc(func(ctx context.Context, m Message) error {
		text := "*" + escapeSlack(m.Title) + "*"
		if m.Text != "" {
			text += "\n" + escapeSlack(m.Text)
		}
		if m.Link != "" {
			text += "\n<" + strings.NewReplacer("<", "%3C", ">", "%3E", "|", "%7C").Replace(m.Link) + "|Open>"
		}
		body, err := json.Marshal(map[string]any{"text": text})
		if err != nil {
			return fmt.Errorf("slack: %w", err)
		}
		return post(ctx, o.Client, "slack", webhook, http.Header{}, body)
	}), nil
}

// escapeSlack keeps a lead's name from becoming a mention or a link.
func escapeSlack(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// Event is the body of a [Webhook]: ids and codes, as the task holds them.
type Event struct {
	Type string          `json:"type"`      // "leadloop.<kind of task>"
	At   time.Time       `json:"timestamp"` // when it became due
	Data json.RawMessage `json:"data"`      // the task's payload
}

// Webhook returns a sender that posts an [Event], signed as the Standard
// Webhooks specification (1.0, symmetric) has it: the headers webhook-id, which
// is the task's key, webhook-timestamp and webhook-signature. The secret is
// 24 to 64 bytes in base64, with or without the prefix whsec_.
func Webhook(to, secret string, o HTTPOptions) (Sender, error) {
	if err := checkURL("webhook", to); err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) < 24 || len(key) > 64 {
		return nil, fmt.Errorf("notify: webhook: %w: the secret is not 24 to 64 bytes in base64", leadloop.ErrInvalid)
	}
	o = o.filled()
	return SenderFunc(func(ctx context.Context, m Message) error {
		body, err := json.Marshal(Event{Type: "leadloop." + m.Task.Kind, At: m.Task.DueAt.UTC(), Data: m.Task.Payload})
		if err != nil {
			return fmt.Errorf("webhook: %w", err)
		}
		stamp := strconv.FormatInt(o.Now().Unix(), 10)
		return post(ctx, o.Client, "webhook", to, http.Header{
			"Webhook-Id": {m.Key}, "Webhook-Timestamp": {stamp}, "Webhook-Signature": {"v1," + sign(key, m.Key, stamp, body)},
		}, body)
	}), nil
}

func sign(key []byte, id, stamp string, body []byte) string {
	h := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(h, "%s.%s.%s", id, stamp, body) // never fails
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}
