package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/capture"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/tracking/backfill"
)

type historyCmd struct {
	Import historyImportCmd `cmd:"" help:"Load past events, or snapshots of leads and deals, into the journal, so that reports work on the first day."`
}

type historyImportCmd struct {
	In     string            `required:"" placeholder:"FILE" help:"CSV or, if the name ends in .jsonl or .ndjson, JSON Lines. A row is an event (lead, event, at) or a snapshot (lead, created, closed, stage, amount)."`
	Map    map[string]string `placeholder:"COLUMN=ROLE" help:"What a column holds, where the guess is wrong: lead, event, at, created, closed, stage, status, outcome, owner, actor, source, medium, campaign, channel, tier, amount, reason, opportunity, at:EVENT for the moment of one, attr:NAME to group figures by it, - to leave it out."`
	Value  map[string]string `placeholder:"COLUMN:VALUE=MEANING" help:"What a value means: --value deal_stage:Gewonnen=won."`
	Join   []string          `placeholder:"FILE" sep:"none" help:"A table with more about a row's account, owner or product, joined on the first column that both have. Repeatable."`
	Store  storeName         `default:"sqlite:leadloop.db" placeholder:"memory|sqlite:PATH|postgres://…" help:"Whose journal it goes into."`
	Source string            `placeholder:"NAME" help:"What the file is called. With a lead's id it makes the lead's, as in \"leadloop run\". Default: the file's name."`
	AsOf   string            `placeholder:"TIME" help:"The moment of the import; what lies after it is said. Default: now."`
	Dates  string            `enum:"dmy,mdy,guess" default:"guess" help:"Whether the day or the month comes first in dates such as 03/04/2026."`
	Zone   string            `default:"UTC" placeholder:"ZONE" help:"Where times without a zone were written, such as Europe/Berlin."`

	FirstEvent bool   `help:"Take the first event of a lead as its arrival where the file does not tell of one."`
	Rejects    string `placeholder:"FILE" help:"Where rejected rows are kept as they were. Default: the file's name with .rejects before the ending, in the current folder."`
	DryRun     bool   `help:"Say what would come of it and write nothing."`
	JSON       bool   `help:"Print one object."`
}

// imported is what came of an import.
type imported struct {
	File     string            `json:"file"`
	Shape    string            `json:"shape"` // of a row: events, deals or leads
	Columns  []backfill.Column `json:"columns"`
	Joined   []joined          `json:"joined"`
	AsOf     time.Time         `json:"as_of"`
	Latest   time.Time         `json:"latest"`
	Rows     int               `json:"rows"`
	Imported int               `json:"imported"`
	// Known rows were taken before, or are there twice.
	Known     int            `json:"known_before"`
	Events    int            `json:"events"`
	Leads     int            `json:"leads"`
	NoArrival int            `json:"leads_without_arrival"`
	Notes     map[string]int `json:"kept_with"`
	// Currencies are those beside amounts, with in how many rows.
	Currencies  map[string]int `json:"currencies"`
	Owners      map[string]int `json:"unknown_owners"`
	Rejected    []refused      `json:"rejected"`
	RejectsFile string         `json:"rejects_file,omitempty"`
	DryRun      bool           `json:"dry_run,omitempty"`
}

type joined struct {
	File    string         `json:"file"`
	On      string         `json:"on"`
	Mended  map[string]int `json:"mended"`
	Missing map[string]int `json:"missing"`
	Empty   int            `json:"empty"`
	lookup  *backfill.Lookup
}

// fileRow is a row of whatever file.
type fileRow struct {
	line  int
	raw   string
	cells []string
}

// rowFile reads a CSV or JSONL file as often as wanted.
type rowFile struct {
	path    string
	header  []string
	raw     string // the header as written
	jsonl   bool
	windows int // rows that were read as Windows-1252
}

func openRows(path string) (*rowFile, error) {
	f := &rowFile{path: path, jsonl: isJSONL(path)}
	if f.jsonl {
		seen := map[string]bool{}
		return f, f.objects(func(o map[string]string, _ int, _ string) error {
			for _, k := range slices.Sorted(maps.Keys(o)) {
				if !seen[k] {
					seen[k] = true
					f.header = append(f.header, k)
				}
			}
			return nil
		}, func(int, string, string) error { return nil })
	}
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close() //nolint:errcheck // opened for reading
	table, err := capture.NewTable(in)
	if err != nil {
		return nil, unusable(path, err)
	}
	f.header, f.raw = table.Header(), table.RawHeader()
	return f, nil
}

func isJSONL(path string) bool {
	ext := strings.ToLower(filepath.Ext(path))
	return ext == ".jsonl" || ext == ".ndjson"
}

// each calls do with every row, and bad with every one that can't be read.
func (f *rowFile) each(ctx context.Context, do func(r fileRow) error, bad func(line int, raw, reason string) error) error {
	n := 0
	alive := func() error {
		if n++; n%1024 == 0 {
			return ctx.Err()
		}
		return nil
	}
	if f.jsonl {
		return f.objects(func(o map[string]string, line int, raw string) error {
			cells := make([]string, len(f.header))
			for i, k := range f.header {
				cells[i] = o[k]
			}
			return errors.Join(alive(), do(fileRow{line, raw, cells}))
		}, bad)
	}
	in, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // opened for reading
	table, err := capture.NewTable(in)
	if err != nil {
		return unusable(f.path, err)
	}
	for {
		r, err := table.Next()
		var rej *capture.Reject
		switch {
		case errors.Is(err, io.EOF):
			f.windows = table.Converted()
			return nil
		case errors.As(err, &rej):
			var reasons []string
			for _, reason := range rej.Reasons {
				reasons = append(reasons, reason.String())
			}
			err = bad(rej.Line, rej.Raw, strings.Join(reasons, "; "))
		case err != nil:
			return fmt.Errorf("%s: %w", f.path, err)
		default:
			err = errors.Join(alive(), do(fileRow{r.Line, r.Raw, r.Cells}))
		}
		if err != nil {
			return err
		}
	}
}

// objects reads JSON Lines; nested objects become keys with points.
func (f *rowFile) objects(do func(o map[string]string, line int, raw string) error, bad func(line int, raw, reason string) error) error {
	in, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // opened for reading
	sc := bufio.NewScanner(in)
	sc.Buffer(nil, 4<<20)
	for line := 1; sc.Scan(); line++ {
		raw := sc.Text()
		if strings.TrimSpace(raw) == "" {
			continue
		}
		dec := json.NewDecoder(strings.NewReader(raw))
		dec.UseNumber()
		var o map[string]any
		if err := dec.Decode(&o); err != nil || dec.More() {
			err := bad(line, raw, "is not one JSON object")
			if err != nil {
				return err
			}
			continue
		}
		flat := map[string]string{}
		flatten(flat, "", o)
		if err := do(flat, line, raw); err != nil {
			return err
		}
	}
	if err := sc.Err(); err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	return nil
}

func flatten(into map[string]string, prefix string, o map[string]any) {
	for k, v := range o {
		switch v := v.(type) {
		case nil:
			into[prefix+k] = ""
		case map[string]any:
			flatten(into, prefix+k+".", v)
		case string:
			into[prefix+k] = v
		default:
			into[prefix+k] = fmt.Sprint(v)
		}
	}
}

// importBatch is how many rows go into one transaction.
const importBatch = 500

func (c *historyImportCmd) Run(ctx context.Context, s streams) (err error) {
	f, err := openRows(c.In)
	if err != nil {
		return &exitError{exitUsage, fmt.Errorf("--in: %w", err)}
	}
	st, err := c.Store.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	res := &imported{File: c.In, Joined: []joined{}, Notes: map[string]int{}, Currencies: map[string]int{}, Owners: map[string]int{}, Rejected: []refused{}, DryRun: c.DryRun}
	im, err := c.importer(ctx, st, f, res)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	ignore := func(int, string, string) error { return nil }
	for _, look := range []func(cells []string){im.Scan, im.Learn} {
		res.Rows = 0
		err := f.each(ctx, func(r fileRow) error {
			res.Rows++
			look(res.join(r.cells))
			return nil
		}, ignore)
		if err != nil {
			return err
		}
		if err := im.Ready(); err != nil {
			return &exitError{exitUsage, fmt.Errorf("%s (--dates dmy or mdy)", strings.ReplaceAll(strings.TrimPrefix(err.Error(), "backfill: "), "invalid: ", ""))}
		}
	}
	s.converted(c.In, f.windows)
	for i := range res.Joined { // what was counted while looking
		clear(res.Joined[i].Mended)
		clear(res.Joined[i].Missing)
		res.Joined[i].lookup.Empty = 0
	}
	res.Columns, res.Shape, res.Latest = im.Columns(), im.Shape(), im.Latest()
	if err := c.load(ctx, st, f, im, res, s); err != nil {
		return err
	}
	if err := c.writeRejects(f, res); err != nil {
		return err
	}
	if c.JSON {
		if err := json.NewEncoder(s.out).Encode(res); err != nil {
			return err
		}
	} else if _, err := io.WriteString(s.out, c.text(res)); err != nil {
		return err
	}
	return c.rest(res, s)
}

// importer says what the columns hold and joins the other tables.
func (c *historyImportCmd) importer(ctx context.Context, st store.Store, f *rowFile, res *imported) (*backfill.Importer, error) {
	o := backfill.Options{Columns: c.Map, Source: c.Source, FirstEvent: c.FirstEvent, Values: map[string]map[string]string{}}
	o.Source = cmp.Or(c.Source, strings.TrimSuffix(strings.TrimSuffix(filepath.Base(c.In), filepath.Ext(c.In)), rejectsMark))
	o.LeadID = func(id string) leadloop.LeadID { return engine.RecordID(capture.Key(o.Source, id)) }
	for k, to := range c.Value {
		column, v, ok := strings.Cut(k, ":")
		if !ok {
			return nil, fmt.Errorf("--value %s: expected COLUMN:VALUE=MEANING, such as deal_stage:Gewonnen=won", k)
		}
		if o.Values[column] == nil {
			o.Values[column] = map[string]string{}
		}
		o.Values[column][v] = to
	}
	var err error
	o.AsOf = time.Now().UTC()
	if c.AsOf != "" {
		if o.AsOf, err = leadloop.ParseTime(c.AsOf); err != nil {
			return nil, fmt.Errorf("--as-of: %w", err)
		}
	}
	res.AsOf = o.AsOf
	if o.Zone, err = time.LoadLocation(c.Zone); err != nil {
		return nil, fmt.Errorf("--zone: there is no zone %q; expected one such as Europe/Berlin", c.Zone)
	}
	if c.Dates != "guess" {
		first := c.Dates == "dmy"
		o.DayFirst = &first
	}
	o.Own = len(f.header)
	header := f.header
	for _, path := range c.Join {
		table, err := openRows(path)
		if err != nil {
			return nil, fmt.Errorf("--join: %w", err)
		}
		var rows [][]string
		err = table.each(ctx, func(r fileRow) error { rows = append(rows, r.cells); return nil },
			func(line int, _, reason string) error { return fmt.Errorf("--join %s:%d: %s", path, line, reason) })
		if err != nil {
			return nil, err
		}
		l, err := backfill.NewLookup(header, table.header, rows)
		if err != nil {
			return nil, fmt.Errorf("--join %s: %s", path, strings.TrimPrefix(err.Error(), "backfill: invalid: "))
		}
		header = l.Header(header)
		res.Joined = append(res.Joined, joined{File: filepath.Base(path), On: l.On, Mended: l.Mended, Missing: l.Missing, lookup: l})
	}
	if o.Owners, err = knownOwners(ctx, st); err != nil {
		return nil, err
	}
	im, err := backfill.New(header, o)
	if err != nil {
		return nil, fmt.Errorf("--map: %s", strings.ReplaceAll(strings.TrimPrefix(err.Error(), "backfill: "), "invalid: ", ""))
	}
	// A table about owners says who they are.
	for _, col := range im.Columns() {
		for _, j := range res.Joined {
			if col.Holds != backfill.RoleOwner || col.Name != j.On {
				continue
			}
			if o.Owners == nil {
				o.Owners = map[string]leadloop.RepID{}
			}
			for _, k := range j.lookup.Keys() {
				o.Owners[k] = cmp.Or(o.Owners[k], leadloop.RepID(k))
			}
			return backfill.New(header, o)
		}
	}
	return im, nil
}

// knownOwners are the reps of the store by id and by name; nil if it has none.
func knownOwners(ctx context.Context, st store.Store) (map[string]leadloop.RepID, error) {
	var owners map[string]leadloop.RepID
	err := st.View(ctx, func(tx store.Tx) error {
		reps, err := tx.CRM().Reps(ctx)
		for _, r := range reps {
			if owners == nil {
				owners = map[string]leadloop.RepID{}
			}
			owners[string(r.ID)] = r.ID
		}
		for _, r := range reps {
			if _, taken := owners[r.Name]; !taken && r.Name != "" {
				owners[r.Name] = r.ID
			}
		}
		return err
	})
	return owners, err
}

func (res *imported) join(cells []string) []string {
	for i := range res.Joined {
		cells = res.Joined[i].lookup.Row(cells)
	}
	return cells
}

// load makes entries of the rows and stores them.
func (c *historyImportCmd) load(ctx context.Context, st store.Store, f *rowFile, im *backfill.Importer, res *imported, s streams) error {
	step, done := progress(s.err, res.Rows, "importing", "rows")
	defer done()
	leads := map[leadloop.LeadID]bool{} // and whether it arrives
	var batch []backfill.Entry
	keys := map[string]bool{} // of a dry run
	flush := func() error {
		if c.DryRun {
			for _, e := range batch {
				if !keys[e.Key] {
					keys[e.Key] = true
					res.Imported++
				}
			}
		} else {
			n, err := backfill.Write(ctx, st, batch)
			if err != nil {
				return fmt.Errorf("%w; what was committed stays, and running the same command again goes on from there", err)
			}
			res.Imported += n
		}
		batch = batch[:0]
		return ctx.Err()
	}
	owner := -1
	for i, col := range im.Columns() {
		if col.Holds == backfill.RoleOwner {
			owner = i
		}
	}
	res.Rows = 0
	bad := func(line int, raw, reason string) error { //nolint:unparam // what rowFile.each calls
		res.Rows++
		res.Rejected = append(res.Rejected, refused{Line: line, Reasons: []string{reason}, raw: raw})
		return nil
	}
	err := f.each(ctx, func(r fileRow) error {
		defer step()
		cells := res.join(r.cells)
		e, err := im.Row(cells)
		if err != nil {
			return bad(r.line, r.raw, err.Error())
		}
		res.Rows++
		if e.Currency != "" {
			res.Currencies[e.Currency]++
		}
		for _, n := range e.Notes {
			res.Notes[string(n)]++
			if n == backfill.UnknownOwner {
				res.Owners[cells[owner]]++
			}
		}
		for _, ev := range e.Events {
			leads[e.Lead] = leads[e.Lead] || ev.Kind == leadloop.EventCaptured
		}
		res.Events += len(e.Events)
		if batch = append(batch, e); len(batch) >= importBatch {
			return flush()
		}
		return nil
	}, bad)
	if err == nil {
		err = flush()
	}
	res.Known = res.Rows - len(res.Rejected) - res.Imported
	for i := range res.Joined {
		res.Joined[i].Empty = res.Joined[i].lookup.Empty
	}
	res.Leads = len(leads)
	for _, arrives := range leads {
		if !arrives {
			res.NoArrival++
		}
	}
	return err
}
