// Package smtp sends the notifications of a loop as plain-text mail.
//
// A mail that is sent again has the same Message-ID, by which mailboxes and
// people tell that it is the same. Errors hold neither addresses nor what the
// server said. Connections are encrypted unless Options say otherwise.
//
// Start with [New].
package smtp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"slices"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/notify"
)

// Options are the settings of a sender. Host and From are required.
type Options struct {
	Host string
	// Port is where it listens; 0 means 587.
	Port int
	// Username and Password log in; without them nobody does.
	Username, Password string
	// From is the address of the sender, with or without a name.
	From string
	// Plain allows a connection that is not encrypted, for a relay on the same
	// machine.
	Plain bool
	// Timeout bounds each step with the server; 0 means 15 s.
	Timeout time.Duration
}

// New returns a sender of mails to one address.
func New(to string, o Options) (notify.Sender, error) {
	from, err1 := netmail.ParseAddress(o.From)
	address, err2 := netmail.ParseAddress(to)
	var problems []error
	if err1 != nil {
		problems = append(problems, errors.New("Options.From is not an address"))
	}
	if err2 != nil {
		problems = append(problems, errors.New("the recipient is not an address"))
	}
	if o.Host == "" {
		problems = append(problems, errors.New("Options.Host is required"))
	}
	if o.Port < 0 || o.Port > 65535 || o.Timeout < 0 {
		problems = append(problems, errors.New("Options.Port or Options.Timeout is out of range"))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("smtp: %w: %w", leadloop.ErrInvalid, err)
	}
	if o.Port == 0 {
		o.Port = 587
	}
	if o.Timeout == 0 {
		o.Timeout = 15 * time.Second
	}
	settings := []mail.Option{mail.WithPort(o.Port), mail.WithTimeout(o.Timeout), mail.WithTLSPolicy(mail.TLSMandatory)}
	if o.Plain {
		settings = append(settings, mail.WithTLSPolicy(mail.TLSOpportunistic))
	}
	if o.Username != "" {
		settings = append(settings, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(o.Username), mail.WithPassword(o.Password))
	}
	// Tried now, so that what is wrong shows before the first mail.
	if _, err := mail.NewClient(o.Host, settings...); err != nil {
		return nil, fmt.Errorf("smtp: %w: the client can't be made", leadloop.ErrInvalid)
	}
	return notify.SenderFunc(func(ctx context.Context, m notify.Message) error {
		letter := compose(from, address, m)
		// A client is one connection: each mail has its own, as senders are
		// called concurrently. It is closed here too, because go-mail leaves it
		// open when encryption or the login is refused.
		var opened net.Conn
		defer func() {
			if opened != nil {
				_ = opened.Close() // nearly always closed already
			}
		}()
		dial := func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := (&net.Dialer{Timeout: o.Timeout}).DialContext(ctx, network, address)
			opened = c
			return c, err
		}
		client, err := mail.NewClient(o.Host, append(slices.Clone(settings), mail.WithDialContextFunc(dial))...)
		if err != nil {
			return fmt.Errorf("smtp: %w: the client can't be made", leadloop.ErrInvalid)
		}
		if err := client.DialAndSendWithContext(ctx, letter); err != nil {
			return explain(ctx, err)
		}
		return nil
	}), nil
}

// compose writes the mail. A line break in a title would begin another header.
func compose(from, to *netmail.Address, m notify.Message) *mail.Msg {
	letter := mail.NewMsg()
	letter.FromMailAddress(from)
	letter.ToMailAddress(to)
	letter.Subject(strings.Join(strings.Fields(m.Title), " "))
	id := sha256.Sum256([]byte(m.Key + "\x00" + to.Address))
	_, domain, _ := strings.Cut(from.Address, "@")
	letter.SetMessageIDWithValue(hex.EncodeToString(id[:16]) + "@" + domain)
	letter.SetGenHeader("Auto-Submitted", "auto-generated")
	var body []string
	for _, part := range []string{m.Title, m.Text, m.Link} {
		if part != "" {
			body = append(body, part)
		}
	}
	letter.SetBodyString(mail.TypeTextPlain, strings.Join(body, "\n\n")+"\n")
	return letter
}

// explain leaves out what go-mail and the server say: it may hold addresses.
func explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("smtp: %w", ctx.Err())
	}
	var refused *mail.SendError
	if errors.As(err, &refused) {
		kind := "for good"
		if refused.IsTemp() {
			kind = "for now"
		}
		return fmt.Errorf("smtp: %w: the server refuses the mail %s (%d)", leadloop.ErrUnavailable, kind, refused.ErrorCode())
	}
	return fmt.Errorf("smtp: %w: the server can't be reached, offers no encryption, or refuses the login", leadloop.ErrUnavailable)
}
