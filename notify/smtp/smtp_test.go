package smtp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/notify"
	"github.com/leadloop/leadloop/notify/smtp"
)

// server is a mail server on this machine. refuse is the answer to the mail
// itself, "" takes it.
func server(t *testing.T, refuse string) (port int, mails func() []string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var got []string
	var open sync.WaitGroup
	open.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			open.Go(func() {
				defer c.Close()
				if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
					t.Error(err)
				}
				if letter := serve(c, refuse); letter != "" {
					mu.Lock()
					got = append(got, letter)
					mu.Unlock()
				}
			})
		}
	})
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		open.Wait()
	})
	return l.Addr().(*net.TCPAddr).Port, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return got
	}
}

// serve speaks as much of RFC 5321 as a client needs and returns the mail.
func serve(c io.ReadWriter, refuse string) (letter string) {
	in := bufio.NewScanner(c)
	say := func(line string) { _, _ = fmt.Fprint(c, line+"\r\n") }
	say("220 test ready")
	for in.Scan() {
		switch verb, _, _ := strings.Cut(strings.ToUpper(in.Text()), " "); verb {
		case "EHLO", "HELO":
			say("250 test")
		case "DATA":
			say("354 go on")
			var text strings.Builder
			for in.Scan() && in.Text() != "." {
				text.WriteString(in.Text() + "\n")
			}
			if refuse != "" {
				say(refuse)
				continue
			}
			letter = text.String()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return letter
		default:
			say("250 fine")
		}
	}
	return letter
}

var message = notify.Message{Key: "notify:assigned:ld_1", To: "rep:ana", Title: "Yours: Jörg Grün\r\nBcc: all@acme.com", Text: "Tier A.", Link: "https://crm.example/ld_1"}

func TestAMailSaysTheMessageAndASecondOneHasTheSameID(t *testing.T) {
	port, mails := server(t, "")
	s, err := smtp.New("Ana <ana@acme.com>", smtp.Options{Host: "127.0.0.1", Port: port, From: "Leads <leads@acme.com>", Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Send(t.Context(), message); err != nil {
			t.Fatal(err)
		}
	}
	ids := map[string]int{}
	for _, text := range mails() {
		m, err := netmail.ReadMessage(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		ids[m.Header.Get("Message-ID")]++
		subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		if err != nil || subject != "Yours: Jörg Grün Bcc: all@acme.com" || m.Header.Get("Bcc") != "" {
			t.Errorf("subject %q, Bcc %q, %v", subject, m.Header.Get("Bcc"), err)
		}
		body, err := io.ReadAll(m.Body)
		if err != nil || !strings.Contains(string(body), "Tier A.") || !strings.Contains(string(body), "https://crm.example/ld_1") {
			t.Errorf("body %q, %v", body, err)
		}
		if to := m.Header.Get("To"); to != `"Ana" <ana@acme.com>` {
			t.Errorf("to %s", to)
		}
	}
	if len(ids) != 1 || len(mails()) != 2 {
		t.Errorf("%d mails with the ids %v", len(mails()), ids)
	}
}

func TestAServerThatRefusesIsNamedWithoutAddresses(t *testing.T) {
	for name, c := range map[string]struct {
		refuse string
		change func(*smtp.Options)
		want   string
	}{
		"for now":             {"451 ana@acme.com: try later", nil, "refuses the mail for now (451)"},
		"for good":            {"550 ana@acme.com: no such user", nil, "refuses the mail for good (550)"},
		"no encryption":       {"", func(o *smtp.Options) { o.Plain = false }, "offers no encryption"},
		"a server not there":  {"", func(o *smtp.Options) { o.Port = 1 }, "can't be reached"},
		"no login is offered": {"", func(o *smtp.Options) { o.Username, o.Password = "ana@acme.com", "secret" }, "refuses the login"},
	} {
		t.Run(name, func(t *testing.T) {
			port, _ := server(t, c.refuse)
			o := smtp.Options{Host: "127.0.0.1", Port: port, From: "leads@acme.com", Plain: true}
			if c.change != nil {
				c.change(&o)
			}
			s, err := smtp.New("ana@acme.com", o)
			if err != nil {
				t.Fatal(err)
			}
			err = s.Send(t.Context(), message)
			if !errors.Is(err, leadloop.ErrUnavailable) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "ana@") {
				t.Errorf("want an error that says %q, got %v", c.want, err)
			}
		})
	}
	port, _ := server(t, "")
	s, err := smtp.New("ana@acme.com", smtp.Options{Host: "127.0.0.1", Port: port, From: "leads@acme.com", Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Send(gone, message); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled call: %v", err)
	}
}

func TestWhatIsMissingIsSaidAtOnce(t *testing.T) {
	_, err := smtp.New("ana", smtp.Options{From: "leads", Port: -1})
	if !errors.Is(err, leadloop.ErrInvalid) {
		t.Fatal(err)
	}
	for _, want := range []string{"Options.From is not an address", "the recipient is not an address", "Options.Host is required", "out of range"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("it does not say %q: %v", want, err)
		}
	}
}
