package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/capture"
	"github.com/leadloop/leadloop/dedupe"
)

// row is one row of a side file. Files of activities are long, so the names of
// the columns are there once.
type row struct {
	file   string
	line   int
	header []string
	cells  []string
}

// get is the cell of a column, "" if there is no such column.
func (r row) get(name string) string {
	if i := slices.Index(r.header, name); i >= 0 {
		return r.cells[i]
	}
	return ""
}

// problem is a row that could not be used.
type problem struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Reason string `json:"reason"`
}

func (p problem) String() string { return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Reason) }

func (r row) bad(format string, args ...any) problem {
	return problem{r.file, r.line, fmt.Sprintf(format, args...)}
}

func (r row) list(name string) []string {
	parts := strings.FieldsFunc(r.get(name), func(c rune) bool { return c == ';' || c == '|' })
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return slices.DeleteFunc(parts, func(s string) bool { return s == "" })
}

func (r row) yes(name string, otherwise bool) (bool, *problem) {
	switch strings.ToLower(r.get(name)) {
	case "":
		return otherwise, nil
	case "true", "yes", "1", "y":
		return true, nil
	case "false", "no", "0", "n":
		return false, nil
	}
	p := r.bad("column %s: expected true or false", name)
	return false, &p
}

// readTable reads a CSV file with a header. Columns in need must be there; rows
// that can't be read are problems, and reading goes on.
func readTable(path string, need ...string) (rows []row, bad []problem, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close() //nolint:errcheck // opened for reading
	table, err := capture.NewTable(f)
	if err != nil {
		return nil, nil, unusable(path, err)
	}
	header := table.Header()
	for i := range header {
		header[i] = strings.ToLower(header[i])
	}
	for _, n := range need {
		if !slices.Contains(header, n) {
			return nil, nil, fmt.Errorf("%s: there is no column %q; found: %s", path, n, strings.Join(header, ", "))
		}
	}
	name := filepath.Base(path)
	for {
		r, err := table.Next()
		var rej *capture.Reject
		switch {
		case errors.Is(err, io.EOF):
			return rows, bad, nil
		case errors.As(err, &rej):
			for _, reason := range rej.Reasons {
				bad = append(bad, problem{name, rej.Line, reason.String()})
			}
		case err != nil:
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		default:
			for i := range r.Cells {
				r.Cells[i] = strings.TrimSpace(r.Cells[i])
			}
			rows = append(rows, row{name, r.Line, header, r.Cells})
		}
	}
}

// unique leaves out rows without an id, and those whose id is that of an
// earlier row; if that one says something else it is a problem.
func unique(rows []row) (kept []row, bad []problem) {
	seen := make(map[string]row, len(rows))
	for _, r := range rows {
		id := r.get("id")
		first, twice := seen[id]
		switch {
		case id == "":
			bad = append(bad, r.bad("column id is empty"))
		case !twice:
			seen[id] = r
			kept = append(kept, r)
		case !slices.Equal(first.cells, r.cells):
			bad = append(bad, r.bad("column id: is that of line %d, which says something else", first.line))
		}
	}
	return kept, bad
}

// crm is what a --crm folder holds.
type crm struct {
	accounts      []leadloop.Account
	contacts      []leadloop.Contact
	opportunities []leadloop.Opportunity
	reps          []leadloop.Rep
	suppressions  string // path, "" if there is none
	found         []string
	problems      []problem
}

// loadCRM reads the files of the folder that are there; leadID turns the id
// of a row of the leads file into a lead's.
func loadCRM(dir string, leadID func(string) leadloop.LeadID) (*crm, error) {
	c := &crm{}
	if i, err := os.Stat(dir); err != nil {
		return nil, err
	} else if !i.IsDir() {
		return nil, fmt.Errorf("%s is a file; expected the folder that it is in", dir)
	}
	var rows []row
	var err error
	read := func(name string, need ...string) bool {
		if err != nil {
			return false
		}
		var bad []problem
		rows, bad, err = readTable(filepath.Join(dir, name), need...)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
			return false
		}
		c.problems = append(c.problems, bad...)
		if err == nil {
			c.found = append(c.found, name)
			rows, bad = unique(rows)
			c.problems = append(c.problems, bad...)
		}
		return err == nil
	}
	if read("accounts.csv", "id", "name") {
		c.readAccounts(rows)
	}
	if read("contacts.csv", "id") {
		c.readContacts(rows)
	}
	if read("opportunities.csv", "id", "status", "created_at") {
		c.readOpportunities(rows, leadID)
	}
	if read("reps.csv", "id") {
		for _, r := range rows {
			active, bad := r.yes("active", true)
			if c.note(bad) {
				continue
			}
			c.reps = append(c.reps, leadloop.Rep{ID: leadloop.RepID(r.get("id")), Name: r.get("name"), Email: r.get("email"), Manager: leadloop.RepID(r.get("manager")), Inactive: !active})
		}
	}
	if err != nil {
		return nil, err
	}
	if path := filepath.Join(dir, "suppressions.csv"); exists(path) {
		c.suppressions = path
		c.found = append(c.found, "suppressions.csv")
	}
	if len(c.found) == 0 {
		return nil, fmt.Errorf("%s: none of accounts.csv, contacts.csv, opportunities.csv, reps.csv, suppressions.csv is there", dir)
	}
	return c, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (c *crm) note(p *problem) bool {
	if p != nil {
		c.problems = append(c.problems, *p)
	}
	return p != nil
}

func (c *crm) readAccounts(rows []row) {
	for _, r := range rows {
		customer, bad := r.yes("customer", false)
		if c.note(bad) {
			continue
		}
		a := leadloop.Account{
			ID: leadloop.AccountID(r.get("id")), Name: r.get("name"), Domains: r.list("domains"), Owner: leadloop.RepID(r.get("owner")),
			Customer: customer, Parent: leadloop.AccountID(r.get("parent")), Country: r.get("country"),
		}
		a.Identifiers = dedupe.AccountIdentifiers(a)
		c.accounts = append(c.accounts, a)
	}
}

func (c *crm) readContacts(rows []row) {
	for _, r := range rows {
		out, bad := r.yes("opted_out", false)
		if c.note(bad) {
			continue
		}
		p := leadloop.Contact{
			ID: leadloop.ContactID(r.get("id")), Account: leadloop.AccountID(r.get("account")), FirstName: r.get("first_name"), LastName: r.get("last_name"),
			Email: r.get("email"), Phone: r.get("phone"), Owner: leadloop.RepID(r.get("owner")), OptedOut: out,
		}
		p.Identifiers = dedupe.ContactIdentifiers(p)
		c.contacts = append(c.contacts, p)
	}
}

func (c *crm) readOpportunities(rows []row, leadID func(string) leadloop.LeadID) {
	for _, r := range rows {
		o := leadloop.Opportunity{
			ID: leadloop.OpportunityID(r.get("id")), Account: leadloop.AccountID(r.get("account")), Contact: leadloop.ContactID(r.get("contact")),
			Owner: leadloop.RepID(r.get("owner")), Status: leadloop.OpportunityStatus(strings.ToLower(r.get("status"))), Source: r.get("source"),
		}
		if id := r.get("lead"); id != "" {
			o.Lead = leadID(id)
		}
		var err error
		if o.CreatedAt, err = leadloop.ParseTime(r.get("created_at")); err != nil {
			c.problems = append(c.problems, r.bad("column created_at: expected a date or time such as 2026-11-02"))
			continue
		}
		if s := r.get("closed_at"); s != "" {
			if o.ClosedAt, err = leadloop.ParseTime(s); err != nil {
				c.problems = append(c.problems, r.bad("column closed_at: expected a date or time such as 2026-11-02"))
				continue
			}
		}
		if s := r.get("amount"); s != "" {
			f, err := strconv.ParseFloat(s, 64)
			if err != nil || f < 0 || f > 1e12 {
				c.problems = append(c.problems, r.bad("column amount: expected an amount of money such as 12500.00"))
				continue
			}
			o.Amount = leadloop.Micros(math.Round(f * 1e6))
		}
		switch {
		case o.Status != leadloop.OpportunityOpen && o.Status != leadloop.OpportunityWon && o.Status != leadloop.OpportunityLost:
			c.problems = append(c.problems, r.bad("column status: expected open, won or lost"))
		case !o.ClosedAt.IsZero() && o.ClosedAt.Before(o.CreatedAt):
			c.problems = append(c.problems, r.bad("closed_at lies before created_at"))
		case o.Status != leadloop.OpportunityOpen && o.ClosedAt.IsZero():
			c.problems = append(c.problems, r.bad("a %s opportunity needs closed_at", o.Status))
		default:
			c.opportunities = append(c.opportunities, o)
		}
	}
}

// stateAt is how the opportunity looked at t; false before it existed.
func stateAt(o leadloop.Opportunity, t time.Time) (leadloop.Opportunity, bool) {
	if o.CreatedAt.After(t) {
		return o, false
	}
	if !o.ClosedAt.IsZero() && o.ClosedAt.After(t) {
		o.Status, o.ClosedAt = leadloop.OpportunityOpen, time.Time{}
	}
	return o, true
}
