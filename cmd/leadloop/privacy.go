package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store"
)

type privacyCmd struct {
	Erase    eraseCmd    `cmd:"" help:"Forget a person: everything the store holds, with a receipt. They stay suppressed."`
	Export   exportCmd   `cmd:"" help:"Write everything the store holds about a person as JSON."`
	Hold     holdCmd     `cmd:"" help:"Keep a lead from erasure and retention, for a court or an auditor."`
	Release  releaseCmd  `cmd:"" help:"End the hold of a lead."`
	Retain   retainCmd   `cmd:"" help:"Delete the leads whose time is up by the playbook's privacy.yaml."`
	Minimise minimiseCmd `cmd:"" help:"List what the store holds or bought that no rule reads."`
	Consent  consentCmd  `cmd:"" help:"List what a person consented to, or add to the ledger from a CSV file."`
}

// stored is the store that a command works on, with its tokens.
type stored struct {
	Store    storeName `default:"sqlite:leadloop.db" placeholder:"sqlite:PATH|postgres://…" help:"Where leads are kept."`
	TokenKey string    `placeholder:"FILE" help:"Key of the suppression tokens. Default: beside the database."`
}

func (c *stored) open(ctx context.Context) (store.Store, *privacy.Tokens, error) {
	st, err := c.Store.there(ctx)
	if err != nil {
		return nil, nil, err
	}
	tokens, err := tokensOf(ctx, st, c.Store, c.TokenKey)
	if err != nil {
		return nil, nil, errors.Join(err, st.Close())
	}
	return st, tokens, nil
}

// with calls f with the store and closes it.
func (c *stored) with(ctx context.Context, f func(store.Store, *privacy.Tokens) error) (err error) {
	st, tokens, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	return f(st, tokens)
}

// whom is the person that a command is about.
type whom struct {
	Lead  string `placeholder:"ID" help:"The lead, or one merged into it."`
	Email string `placeholder:"ADDRESS" help:"The person's address."`
	Phone string `placeholder:"NUMBER" help:"The person's number, in international form."`
}

func (w whom) person() privacy.Person {
	return privacy.Person{Lead: leadloop.LeadID(w.Lead), Email: w.Email, Phone: w.Phone}
}

type eraseCmd struct {
	stored
	whom
	ID      string   `required:"" placeholder:"ID" help:"The request's id, such as a ticket's number, without personal data. The same id is the same erasure."`
	Actor   string   `placeholder:"ID" help:"Who carries it out."`
	Rejects []string `placeholder:"FILE" help:"Take the person's rows out of this file of rejected rows too; it may be given several times."`
	NoScrub bool     `help:"Leave what was deleted in the database file until it is overwritten; otherwise the file is rewritten, which takes as long as copying it."`
	JSON    bool     `help:"Print the receipt as JSON."`
}

func (c *eraseCmd) Run(ctx context.Context, s streams) error {
	who, err := seek(c.person())
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if len(c.Rejects) > 0 && who == (sought{}) {
		return &exitError{exitUsage, errors.New("--rejects: rejected rows have no lead's id: give the person's --email or --phone too")}
	}
	return c.with(ctx, func(st store.Store, tokens *privacy.Tokens) error {
		e, err := privacy.NewEraser(st, tokens, nil)
		if err != nil {
			return err
		}
		receipt, err := e.Erase(ctx, privacy.Request{ID: c.ID, Person: c.person(), At: time.Now(), Actor: c.Actor})
		if err != nil {
			return usage(err)
		}
		// Asked for of the store, not of its kind: another one may do it too.
		if scrubber, ok := st.(interface {
			Scrub(ctx context.Context) error
		}); ok && !c.NoScrub && receipt.State == privacy.StateDone {
			if err := scrubber.Scrub(ctx); err != nil {
				return fmt.Errorf("the person is erased, but what was deleted can still be read out of the database file: %w; run the same command again", err)
			}
		}
		if receipt.State != privacy.StateHeld {
			if err := who.rejected(c.Rejects, s); err != nil {
				return err
			}
		}
		if c.JSON {
			return writeJSON(s.out, receipt)
		}
		_, err = io.WriteString(s.out, receipt.String())
		return err
	})
}

// usage gives the exit code of a wrong command line to what can never work.
func usage(err error) error {
	if errors.Is(err, leadloop.ErrInvalid) || errors.Is(err, leadloop.ErrNotFound) {
		return &exitError{exitUsage, err}
	}
	return err
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

type exportCmd struct {
	stored
	whom
	Out string `placeholder:"FILE" help:"Where to write it, readable by you alone. Default: standard output."`
}

func (c *exportCmd) Run(ctx context.Context, s streams) error {
	return c.with(ctx, func(st store.Store, tokens *privacy.Tokens) (err error) {
		x, err := privacy.ExportPerson(ctx, st, tokens, c.person(), time.Now())
		if err != nil {
			return usage(err)
		}
		if c.Out == "" {
			return writeJSON(s.out, x)
		}
		f, err := createPrivate(c.Out)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		return writeJSON(f, x)
	})
}

type holdCmd struct {
	stored
	Lead string `arg:"" help:"The lead's id."`
}

func (c *holdCmd) Run(ctx context.Context, s streams) error {
	return c.with(ctx, func(st store.Store, tokens *privacy.Tokens) error {
		if err := privacy.Hold(ctx, st, tokens, leadloop.LeadID(c.Lead), time.Now()); err != nil {
			return usage(err)
		}
		s.say("lead %s is held: neither erasure nor retention deletes it", c.Lead)
		return nil
	})
}

type releaseCmd struct {
	stored
	Lead string `arg:"" help:"The lead's id."`
}

func (c *releaseCmd) Run(ctx context.Context, s streams) error {
	return c.with(ctx, func(st store.Store, tokens *privacy.Tokens) error {
		if err := privacy.Release(ctx, st, tokens, leadloop.LeadID(c.Lead)); err != nil {
			return err
		}
		s.say("lead %s is not held any more", c.Lead)
		return nil
	})
}

type retainCmd struct {
	stored
	Playbook string `required:"" placeholder:"DIR" help:"Folder whose privacy.yaml has the rules."`
	AsOf     string `placeholder:"TIME" help:"The moment to count from. Default: now."`
	DryRun   bool   `help:"Count, and delete nothing."`
	JSON     bool   `help:"Print the counts as JSON."`
}

func (c *retainCmd) Run(ctx context.Context, s streams) error {
	pb, problems := loadPlaybook(c.Playbook)
	if pb == nil {
		for _, p := range problems {
			s.say("%v", p)
		}
		return &exitError{exitUsage, errors.New("the playbook is wrong; nothing was deleted")}
	}
	rules := pb.Privacy().Retain()
	if len(rules) == 0 {
		return &exitError{exitUsage, errors.New("privacy.yaml has no rules of retention, so nothing is ever due")}
	}
	asOf := time.Now()
	if c.AsOf != "" {
		var err error
		if asOf, err = leadloop.ParseTime(c.AsOf); err != nil {
			return &exitError{exitUsage, fmt.Errorf("--as-of: %w", err)}
		}
	}
	return c.with(ctx, func(st store.Store, tokens *privacy.Tokens) error {
		e, err := privacy.NewEraser(st, tokens, nil)
		if err != nil {
			return err
		}
		started := time.Now()
		done, err := e.Retain(ctx, rules, asOf, privacy.RetainOptions{DryRun: c.DryRun, Progress: func(r privacy.Retained) {
			if time.Since(started) > 2*time.Second {
				s.say("%d leads looked at", r.Seen)
			}
		}})
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(s.out, done)
		}
		verb := "deleted"
		if c.DryRun {
			verb = "would be deleted"
		}
		var b strings.Builder
		fmt.Fprintf(&b, "%s looked at.\n", plural(done.Seen, "lead"))
		for _, r := range rules {
			fmt.Fprintf(&b, "  %-20s %d %s\n", r.ID, done.Deleted[r.ID], verb)
		}
		if done.Held > 0 {
			fmt.Fprintf(&b, "  %-20s %d kept although their time is up\n", "legal hold", done.Held)
		}
		_, err = io.WriteString(s.out, b.String())
		return err
	})
}

type consentCmd struct {
	stored
	whom
	Import string `placeholder:"FILE" help:"CSV with kind,value,state and any of purpose,basis,region,wording,proof,source,at."`
	JSON   bool   `help:"Print entries as JSON."`
}

func (c *consentCmd) Run(ctx context.Context, s streams) error {
	if (c.Import == "") == (c.whom == whom{}) {
		return &exitError{exitUsage, errors.New("name a person (--lead, --email or --phone) to list what they said, or --import a file")}
	}
	return c.with(ctx, func(st store.Store, tokens *privacy.Tokens) error {
		if c.Import != "" {
			return c.load(ctx, st, tokens, s)
		}
		all, err := privacy.Consents(ctx, st, tokens, c.person())
		if err != nil {
			return usage(err)
		}
		if c.JSON {
			if all == nil {
				all = []store.Consent{}
			}
			return writeJSON(s.out, all)
		}
		var b strings.Builder
		if len(all) == 0 {
			b.WriteString("The ledger has no entry about them.\n")
		}
		t := newTable(&b, "")
		t.AppendHeader(table.Row{"at", "purpose", "state", "basis", "region", "wording", "proof", "source"})
		for _, e := range all {
			t.AppendRow(table.Row{e.At.Format(time.DateTime), e.Purpose, e.State, e.Basis, e.Region, e.Wording, e.Proof, e.Source})
		}
		if len(all) > 0 {
			t.Render()
		}
		_, err = io.WriteString(s.out, b.String())
		return err
	})
}

var consentColumns = []string{"kind", "value", "purpose", "state", "basis", "region", "wording", "proof", "source", "at"}

// load adds the rows of a file; those that are no entry are named by line and
// left out.
func (c *consentCmd) load(ctx context.Context, st store.Store, tokens *privacy.Tokens, s streams) (err error) {
	f, err := os.Open(c.Import)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	defer f.Close() //nolint:errcheck // it is only read
	r := csv.NewReader(f)
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if err != nil {
		return &exitError{exitUsage, fmt.Errorf("%s has no header: %w", c.Import, err)}
	}
	at := map[string]int{}
	for i, h := range header {
		name := strings.ToLower(strings.TrimSpace(strings.TrimPrefix(h, "\ufeff")))
		if !slices.Contains(consentColumns, name) {
			s.say("%s: the column %d is none of %s and is not read", c.Import, i+1, strings.Join(consentColumns, ", "))
			continue
		}
		at[name] = i
	}
	for _, need := range []string{"kind", "value", "state"} {
		if _, ok := at[need]; !ok {
			return &exitError{exitUsage, fmt.Errorf("%s has no column %s", c.Import, need)}
		}
	}
	added, bad := 0, 0
	for {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var wrong *csv.ParseError
		if err != nil && !errors.As(err, &wrong) {
			return err
		}
		line, _ := r.FieldPos(0)
		if err == nil {
			err = c.add(ctx, st, tokens, func(name string) string {
				if i, ok := at[name]; ok && i < len(rec) {
					return strings.TrimSpace(rec[i])
				}
				return ""
			})
		}
		switch {
		case err == nil:
			added++
		case errors.Is(err, leadloop.ErrInvalid) || wrong != nil:
			bad++
			s.say("%s:%d: left out: %v", c.Import, line, err)
		default:
			return err
		}
	}
	s.say("%s added to the ledger", plural(added, "consent"))
	if bad > 0 {
		return &exitError{exitRejects, fmt.Errorf("%s left out; the reasons stand above", plural(bad, "row"))}
	}
	return nil
}

func (c *consentCmd) add(ctx context.Context, st store.Store, tokens *privacy.Tokens, get func(string) string) error {
	when := time.Now()
	if text := get("at"); text != "" {
		var err error
		if when, err = leadloop.ParseTime(text); err != nil {
			return fmt.Errorf("at: %w", err)
		}
	}
	return privacy.RecordConsent(ctx, st, tokens, privacy.Consent{
		Kind: strings.ToLower(get("kind")), Value: get("value"), Purpose: get("purpose"), State: strings.ToLower(get("state")), Basis: get("basis"),
		Region: get("region"), Wording: get("wording"), Proof: get("proof"), Source: get("source"), At: when,
	})
}
