package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/capture"
	"github.com/leadloop/leadloop/normalize"
	"github.com/leadloop/leadloop/privacy"
)

// sought is what a person is found by in rows that are no leads.
type sought struct{ mailbox, digits string }

var (
	addresses = regexp.MustCompile(`[^\s,;:"'<>()\[\]]+@[^\s,;:"'<>()\[\]]+`)
	phones    = regexp.MustCompile(`[+(]?[0-9][0-9 ()./-]{5,}[0-9]`)
)

// seek is for a person whose address or number is given; nothing is found of
// one who is named by a lead's id.
func seek(p privacy.Person) (w sought, err error) {
	if p.Email != "" {
		a, err := normalize.Email(p.Email)
		if err != nil {
			return w, fmt.Errorf("--email: %w", err)
		}
		w.mailbox = a.Base
	}
	if p.Phone != "" {
		n, err := normalize.Phone(p.Phone, "")
		if err != nil {
			return w, fmt.Errorf("--phone: %w", err)
		}
		w.digits = strings.TrimPrefix(n.E164, "+")
	}
	return w, nil
}

// in reports whether a row has the mailbox or the number, as it may be written.
func (w sought) in(row string) bool {
	for _, found := range addresses.FindAllString(row, -1) {
		if a, err := normalize.Email(strings.TrimRight(found, ".")); err == nil && w.mailbox != "" && a.Base == w.mailbox {
			return true
		}
	}
	for _, found := range phones.FindAllString(row, -1) {
		digits := strings.TrimLeft(onlyDigits(found), "0") // a trunk prefix, or 00
		if w.digits != "" && len(digits) >= 7 && strings.HasSuffix(w.digits, digits) {
			return true
		}
	}
	return false
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// split reads a file of rejected rows and returns what is left of it without the
// person's rows, and how many those are.
func (w sought) split(path string) (left string, rows int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close() //nolint:errcheck // opened for reading
	format := capture.CSV
	if ext := strings.ToLower(filepath.Ext(path)); ext == ".jsonl" || ext == ".ndjson" {
		format = capture.JSONL
	}
	rd, err := capture.NewReader(f, format, leadloop.StandardSchema(), nil)
	if err != nil {
		return "", 0, unusable(path, err)
	}
	var b strings.Builder
	if header := rd.Header(); header != "" {
		b.WriteString(header + "\n")
	}
	for {
		p, err := rd.Next()
		raw := p.Raw
		var reject *capture.Reject
		switch {
		case errors.Is(err, io.EOF):
			return b.String(), rows, nil
		case errors.As(err, &reject):
			raw = reject.Raw
		case err != nil:
			return "", 0, fmt.Errorf("%s: %w", path, err)
		}
		if w.in(raw) {
			rows++
			continue
		}
		b.WriteString(raw + "\n")
	}
}

// forget takes the person's rows out of a file. It is replaced whole.
func (w sought) forget(path string) (rows int, err error) {
	left, rows, err := w.split(path)
	if err != nil || rows == 0 {
		return 0, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".leadloop-*")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already where all went well
	_, err = f.WriteString(left)
	if err := errors.Join(err, f.Chmod(info.Mode().Perm()), f.Close()); err != nil {
		return 0, err
	}
	return rows, os.Rename(f.Name(), path)
}

// rejected forgets the person in the files named, and tells of others in the
// current folder that still have rows of theirs.
func (w sought) rejected(files []string, s streams) error {
	for _, path := range files {
		rows, err := w.forget(path)
		if err != nil {
			return fmt.Errorf("the person is erased from the store, but not from %s: %w; mend that and run the same command again", path, err)
		}
		s.say("%s: %s taken out", path, plural(rows, "row"))
	}
	others, err := filepath.Glob("*" + rejectsMark + ".*")
	if err != nil {
		return err
	}
	for _, path := range others {
		// A file that can't be read as rejected rows is none.
		if _, rows, err := w.split(path); err == nil && rows > 0 {
			s.say("%s still has %s of the person: add --rejects %s", path, plural(rows, "row"), path)
		}
	}
	return nil
}
