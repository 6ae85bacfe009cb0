package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/capture"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/normalize"
)

// taken is a row of the leads file that became a submission.
type taken struct {
	id         string // as the file has it; "" if it has none
	line       int
	submission leadloop.Submission
	repeats    bool // an earlier row said exactly this
}

// refused is a row that did not become a submission.
type refused struct {
	ID      string   `json:"id,omitempty"`
	Line    int      `json:"line"`
	Reasons []string `json:"reasons"`
	raw     string
}

func (r refused) String() string { return strings.Join(r.Reasons, "; ") }

// input is everything that was read.
type input struct {
	rows         []taken
	columns      []capture.Column
	rejects      []refused
	rejectsFile  string
	unreadable   map[string]int // values left out, by column
	windows      int            // rows that were read as Windows-1252
	repeats      int
	activities   []activity
	crm          *crm
	sideProblems []problem
	strangers    int // activities of leads that were not taken
	pickedUp     []string
	asOf         time.Time
	asOfWhy      string
	source       string
}

// leadID turns an id of the leads file into a lead's id.
func (in *input) leadID(id string) leadloop.LeadID {
	return engine.RecordID(capture.Key(in.source, id))
}

// column is what the file calls a field.
func (in *input) column(field string) string {
	for _, c := range in.columns {
		if field != "" && c.Holds == field {
			return c.Name
		}
	}
	return field
}

func (in *input) refuse(id string, r *capture.Reject) {
	out := refused{ID: id, Line: r.Line, raw: r.Raw}
	for _, reason := range r.Reasons {
		reason.Field = in.column(reason.Field)
		out.Reasons = append(out.Reasons, reason.String())
	}
	in.rejects = append(in.rejects, out)
}

func (c *runCmd) read(schema *leadloop.Schema, s streams) (*input, error) {
	in := c.newInput()
	payloads, header, err := c.readPayloads(schema, in)
	if err != nil {
		return nil, err
	}
	var times []time.Time
	for i := range payloads {
		if t, ok := arrived(&payloads[i]); ok {
			times = append(times, t)
		}
	}
	if err := c.moment(in, times); err != nil {
		return nil, err
	}
	if err := c.submissions(schema, in, payloads, s); err != nil {
		return nil, err
	}
	slices.SortStableFunc(in.rejects, func(a, b refused) int { return a.Line - b.Line })
	if err := c.sideFiles(in); err != nil {
		return nil, err
	}
	if err := c.writeRejects(in, header); err != nil {
		return nil, err
	}
	s.converted(filepath.Base(c.Leads), in.windows)
	for _, r := range in.rejects {
		s.say("%s:%d: rejected: %s", filepath.Base(c.Leads), r.Line, r)
	}
	for _, p := range in.sideProblems {
		s.say("%v", p)
	}
	return in, nil
}

// newInput is what nothing was read of yet.
func (c *runCmd) newInput() *input {
	in := &input{source: c.Source, unreadable: map[string]int{}}
	if in.source == "" {
		// Mended rows are still those of the file that they were rejected from.
		in.source = strings.TrimSuffix(filepath.Base(c.Leads), filepath.Ext(c.Leads))
		for strings.HasSuffix(in.source, rejectsMark) {
			in.source = strings.TrimSuffix(in.source, rejectsMark)
		}
	}
	return in
}

// arrived is when a row says that its lead arrived.
func arrived(p *capture.Payload) (time.Time, bool) {
	t, err := leadloop.ParseTime(strings.TrimSpace(p.Values[capture.ColumnReceivedAt]))
	return t, err == nil
}

// rejectsMark stands before the ending of a file of rejected rows.
const rejectsMark = ".rejects"

func (c *runCmd) readPayloads(schema *leadloop.Schema, in *input) (payloads []capture.Payload, header string, err error) {
	f, rd, err := c.open(schema)
	if err != nil {
		return nil, "", err
	}
	defer f.Close() //nolint:errcheck // opened for reading
	in.columns = rd.Columns()
	for {
		p, err := rd.Next()
		var rej *capture.Reject
		switch {
		case errors.Is(err, io.EOF):
			in.columns, in.windows = rd.Columns(), rd.Converted()
			return payloads, rd.Header(), c.unmapped(in, len(payloads)+len(in.rejects))
		case errors.As(err, &rej):
			in.refuse("", rej)
		case err != nil:
			return nil, "", fmt.Errorf("%s: %w", c.Leads, err)
		default:
			payloads = append(payloads, p)
		}
	}
}

// open opens the leads.
func (c *runCmd) open(schema *leadloop.Schema) (*os.File, *capture.Reader, error) {
	f, err := os.Open(c.Leads)
	if err != nil {
		return nil, nil, err
	}
	format := capture.CSV
	if ext := strings.ToLower(filepath.Ext(c.Leads)); ext == ".jsonl" || ext == ".ndjson" {
		format = capture.JSONL
	}
	rd, err := capture.NewReader(f, format, schema, c.Map)
	if err != nil {
		return nil, nil, errors.Join(unusable(c.Leads, err), f.Close())
	}
	return f, rd, nil
}

// unusable says what is wrong with a file as a whole, without the words
// that only matter to a program.
func unusable(path string, err error) error {
	text := strings.ReplaceAll(strings.TrimPrefix(err.Error(), "capture: "), "invalid: ", "")
	if strings.Contains(text, "is it JSON Lines?") {
		text += " Leads as JSON Lines have a name that ends in .jsonl"
	}
	return fmt.Errorf("%s: %s", path, text)
}

// unmapped finds keys in --map that no object of a JSON Lines file has.
func (c *runCmd) unmapped(in *input, rows int) error {
	var names, missing []string
	for _, col := range in.columns {
		names = append(names, col.Name)
	}
	for _, from := range slices.Sorted(maps.Keys(c.Map)) {
		if rows > 0 && !slices.Contains(names, from) {
			missing = append(missing, fmt.Sprintf("--map: there is no key %q in %s; found: %s", from, c.Leads, strings.Join(names, ", ")))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return errors.New(strings.Join(missing, "\n"))
}

// moment settles the moment of the run: what was said, else the latest time in
// the files, else now. Times in the future are typing errors and don't count,
// unless most are: then it is this machine's clock that is wrong.
func (c *runCmd) moment(in *input, times []time.Time) (err error) {
	if c.AsOf != "" {
		if in.asOf, err = leadloop.ParseTime(c.AsOf); err != nil {
			return fmt.Errorf("--as-of: %w", err)
		}
		in.asOfWhy = "as said"
		return nil
	}
	now := time.Now().UTC()
	if len(times) == 0 {
		in.asOf, in.asOfWhy = now, "now; the leads have no time of arrival"
		return nil
	}
	if path := c.beside(c.Activities, "activities.csv"); path != "" {
		rows, _, err := readTable(path, "at")
		if err != nil {
			return err
		}
		for _, r := range rows {
			if t, err := leadloop.ParseTime(strings.TrimSpace(r.get("at"))); err == nil {
				times = append(times, t)
			}
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	limit := now.Add(24 * time.Hour)
	in.asOf, in.asOfWhy = times[len(times)-1], "the latest time in the files; --as-of changes it"
	if times[len(times)/2].After(limit) {
		in.asOfWhy = "the latest time in the files, although this machine's clock says " + now.Format("2006-01-02") + "; --as-of changes it"
		return nil
	}
	for i := len(times) - 1; in.asOf.After(limit); i-- {
		in.asOf = times[i]
	}
	return nil
}

// beside is the path said, else the path of name beside the leads file if it
// is there.
func (c *runCmd) beside(said, name string) string {
	if said != "" {
		return said
	}
	if path := filepath.Join(filepath.Dir(c.Leads), name); exists(path) {
		return path
	}
	return ""
}

// capture is what makes submissions of rows.
func (c *runCmd) capture(schema *leadloop.Schema, in *input) (*capture.Capture, error) {
	source := capture.Source{Name: in.source, Country: c.Country}
	if c.AsOf != "" {
		source.MaxAhead = math.MaxInt64 // later than the moment said is later, not wrong
	}
	if c.Origin == "import" {
		source.Origin = leadloop.OriginImport
	}
	if c.Require == "-" {
		source.Required = [][]string{}
	} else if c.Require != "" {
		for group := range strings.SplitSeq(c.Require, ",") {
			source.Required = append(source.Required, strings.Split(strings.TrimSpace(group), "|"))
		}
	}
	capt, err := capture.New(schema, source)
	if err != nil {
		return nil, fmt.Errorf("--country or --require: %s", strings.TrimPrefix(err.Error(), "capture: "))
	}
	return capt, nil
}

func (c *runCmd) submissions(schema *leadloop.Schema, in *input, payloads []capture.Payload, s streams) error {
	capt, err := c.capture(schema, in)
	if err != nil {
		return err
	}
	lines := map[string]taken{} // by idempotency key
	for i, p := range payloads {
		payloads[i] = capture.Payload{} // what it holds is in the submission from here on
		id := normalize.Text(p.Values[capture.ColumnID])
		if id == "" && p.Values[capture.ColumnReceivedAt] == "" {
			// Nothing but its content tells this row from others; the moment of
			// the run must not, or a second run would take it again.
			p.Key = contentKey(in.source, p.Values)
		}
		sub, warnings, err := capt.Submission(p, in.asOf)
		var rej *capture.Reject
		if errors.As(err, &rej) {
			in.refuse(id, rej)
			continue
		}
		if err != nil {
			return err
		}
		for _, w := range warnings {
			in.unreadable[in.column(w.Field)]++
			if c.Verbose {
				s.say("%s:%d: left out: %s: %s", filepath.Base(c.Leads), p.Line, in.column(w.Field), w.Message)
			}
		}
		row := taken{id: id, line: p.Line, submission: sub}
		if first, twice := lines[sub.Key]; !twice {
			lines[sub.Key] = row
		} else if row.repeats = len(unlike(first.submission.Claims, sub.Claims)) == 0 && first.submission.ReceivedAt.Equal(sub.ReceivedAt); row.repeats {
			in.repeats++
		} else {
			message := fmt.Sprintf("is that of line %d, which says something else; give it one of its own", first.line)
			in.refuse(id, &capture.Reject{Line: p.Line, Raw: p.Raw, Reasons: []capture.Reason{{Field: capture.ColumnID, Message: message}}})
			continue
		}
		in.rows = append(in.rows, row)
	}
	return nil
}

// contentKey is the idempotency key of a row without an id and a time.
func contentKey(source string, values map[string]string) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		h.Write(fmt.Appendf(nil, "%q=%q\n", name, normalize.Text(values[name])))
	}
	return source + "#" + hex.EncodeToString(h.Sum(nil)[:16])
}

// unlike are the fields in which what b says is not what a says; what is
// derived is left out.
func unlike(a, b []leadloop.Claim) (fields []string) {
	said := map[string]leadloop.Value{}
	for _, c := range a {
		if c.Origin != leadloop.OriginDerived {
			said[c.Field] = c.Value
		}
	}
	for _, c := range b {
		if v, ok := said[c.Field]; c.Origin != leadloop.OriginDerived && (!ok || !v.Equal(c.Value)) {
			fields = append(fields, c.Field)
		}
		delete(said, c.Field)
	}
	return append(fields, slices.Sorted(maps.Keys(said))...)
}

func (c *runCmd) sideFiles(in *input) error {
	if path := c.beside(c.Activities, "activities.csv"); path != "" {
		list, bad, err := loadActivities(path, in.leadID)
		if err != nil {
			return fmt.Errorf("--activities: %w", err)
		}
		in.activities, in.sideProblems = list, append(in.sideProblems, bad...)
		in.pickedUp = append(in.pickedUp, path)
	}
	if dir := c.beside(c.CRM, "crm"); dir != "" {
		var err error
		if in.crm, err = loadCRM(dir, in.leadID); err != nil {
			return fmt.Errorf("--crm: %w", err)
		}
		in.sideProblems = append(in.sideProblems, in.crm.problems...)
		for _, f := range in.crm.found {
			in.pickedUp = append(in.pickedUp, filepath.Join(dir, f))
		}
	}
	return nil
}

// writeRejects keeps the rejected rows as they were, under the file's own
// header, so that they can be mended and run.
func (c *runCmd) writeRejects(in *input, header string) (err error) {
	if len(in.rejects) == 0 {
		return nil
	}
	in.rejectsFile = c.Rejects
	if in.rejectsFile == "" {
		ext := filepath.Ext(c.Leads)
		in.rejectsFile = strings.TrimSuffix(filepath.Base(c.Leads), ext) + rejectsMark + ext
	}
	if same, err := filepath.Abs(in.rejectsFile); err == nil {
		if leads, err := filepath.Abs(c.Leads); err == nil && leads == same {
			return fmt.Errorf("--rejects names the leads file itself")
		}
	}
	f, err := createPrivate(in.rejectsFile)
	if err != nil {
		return fmt.Errorf("keep the rejected rows (--rejects names another place): %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriter(f)
	if header != "" {
		header += "\n"
	}
	_, err = w.WriteString(header)
	for _, r := range in.rejects {
		if err == nil {
			_, err = w.WriteString(r.raw + "\n")
		}
	}
	return errors.Join(err, w.Flush())
}
