package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/capture"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/normalize"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

// planFile reads the leads of a file twice: once to know when they arrived, and
// once for each lead by itself, so that only the activities and the CRM are held.
type planFile struct {
	cmd    *runCmd
	schema *leadloop.Schema
	in     *input
	capt   *capture.Capture
	total  int
	unread []string // columns that make no difference

	outcomes   map[string]leadloop.OpportunityStatus
	ended      map[leadloop.LeadID]leadloop.OpportunityStatus
	activities map[leadloop.LeadID][]leadloop.Activity
	touched    map[leadloop.LeadID][]time.Time
	touches    []string // activities of owners that are a touch

	mu      sync.Mutex
	repeats int
	ofLeads atomic.Int64 // outcomes
}

// plain are fields that nothing is derived from and nobody is looked up by. Where
// no rule reads them either they need not be understood.
var plain = []string{
	leadloop.FirstName.Name(), leadloop.LastName.Name(), leadloop.City.Name(), leadloop.Medium.Name(), leadloop.Campaign.Name(),
	leadloop.ProductInterest.Name(), leadloop.Partner.Name(), leadloop.Region.Name(),
}

func (c *planCmd) openFile(ctx context.Context, pbs [2]*playbook.Playbook, outcomes map[string]leadloop.OpportunityStatus, o *playbook.CompareOptions, s streams) (*planFile, error) {
	if c.Require == "" {
		c.Require = "-" // nothing is taken in here, so nothing need be complete
	}
	cmd, err := c.command(c.New, c.Leads)
	if err != nil {
		return nil, err
	}
	schema := pbs[1].Schema()
	f := &planFile{
		cmd: cmd, schema: schema, in: cmd.newInput(), outcomes: outcomes, ended: map[leadloop.LeadID]leadloop.OpportunityStatus{},
		activities: map[leadloop.LeadID][]leadloop.Activity{}, touched: map[leadloop.LeadID][]time.Time{},
		touches: pbs[1].Lifecycle().Touches(),
	}
	read := append(pbs[0].Reads(), pbs[1].Reads()...)
	if slices.Contains(read, leadloop.Timezone.Name()) {
		read = append(read, leadloop.Region.Name()) // it follows from the region
	}
	f.unread = slices.DeleteFunc(slices.Clone(plain), func(name string) bool { return slices.Contains(read, name) })
	if len(f.unread) > 0 && !slices.Contains(read, leadloop.FirstName.Name()) && !slices.Contains(read, leadloop.LastName.Name()) {
		f.unread = append(f.unread, capture.ColumnFullName)
	}
	times, err := f.times(ctx)
	if err != nil {
		return nil, err
	}
	var dated []time.Time
	for _, t := range times {
		if !t.IsZero() {
			dated = append(dated, t)
		}
	}
	if err := cmd.moment(f.in, dated); err != nil {
		return nil, err
	}
	if f.capt, err = cmd.capture(schema, f.in); err != nil {
		return nil, err
	}
	if err := f.sides(ctx, o, s); err != nil {
		return nil, err
	}
	o.AsOf, f.total = f.in.asOf, len(times)
	if len(dated) == 0 && !o.Idle {
		o.Idle = true
		s.say("the leads have no time of arrival, so they are routed as if everybody were idle")
	}
	// A row without a time arrives last.
	last := time.Time{}
	for _, t := range times {
		if t.IsZero() {
			t = o.AsOf
		}
		if t.After(o.AsOf) {
			continue
		}
		o.Unordered = o.Unordered || t.Before(last)
		last = t
	}
	return f, nil
}

// times are when the rows arrived, zero for those that do not say.
func (f *planFile) times(ctx context.Context) ([]time.Time, error) {
	var times []time.Time
	file, rd, err := f.cmd.open(f.schema)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // opened for reading
	for {
		p, err := rd.Next()
		var rej *capture.Reject
		switch {
		case errors.Is(err, io.EOF):
			f.in.columns, f.in.windows = rd.Columns(), rd.Converted()
			return times, f.cmd.unmapped(f.in, len(times))
		case errors.As(err, &rej):
			times = append(times, time.Time{})
		case err != nil:
			return nil, fmt.Errorf("%s: %w", f.cmd.Leads, err)
		default:
			t, _ := arrived(&p)
			times = append(times, t)
		}
		if len(times)%1000 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// sides reads the activities and the CRM.
func (f *planFile) sides(ctx context.Context, o *playbook.CompareOptions, s streams) error {
	if err := f.cmd.sideFiles(f.in); err != nil {
		return err
	}
	s.converted(filepath.Base(f.cmd.Leads), f.in.windows)
	for _, p := range f.in.sideProblems {
		s.say("%v", p)
	}
	if f.in.crm != nil {
		o.Reps = slices.SortedFunc(slices.Values(f.in.crm.reps), func(a, b leadloop.Rep) int {
			if a.ID < b.ID {
				return -1
			}
			return 1
		})
		for _, op := range f.in.crm.opportunities {
			if op.Lead != "" {
				f.ended[op.Lead] = op.Status
			}
		}
		if err := f.crm(ctx, o, s); err != nil {
			return err
		}
	}
	for _, a := range f.in.activities {
		switch {
		case a.At.After(f.in.asOf):
			continue
		case a.Actor != ownerActor:
			f.activities[a.lead] = append(f.activities[a.lead], a.Activity)
		}
		if a.Actor != "" && slices.Contains(f.touches, a.Type) {
			f.touched[a.lead] = append(f.touched[a.lead], a.At)
		}
	}
	return nil
}

// crm has leads matched and held back by what the CRM says, which is kept in
// memory under a key that nobody needs again.
func (f *planFile) crm(ctx context.Context, o *playbook.CompareOptions, s streams) (err error) {
	if o.Tokens, err = privacy.NewTokens("plan", make([]byte, keyBytes)); err != nil {
		return err
	}
	o.CRM = memstore.New()
	err = o.CRM.Update(ctx, func(tx store.Tx) error {
		if err := f.in.crm.put(ctx, tx, o.Tokens, map[leadloop.OpportunityID]leadloop.Opportunity{}); err != nil {
			return err
		}
		for _, op := range f.in.crm.opportunities {
			if op, there := stateAt(op, f.in.asOf); there {
				if err := tx.CRM().PutOpportunity(ctx, op); err != nil {
					return fmt.Errorf("opportunity %s: %w", op.ID, err)
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the CRM: %w", err)
	}
	return f.in.crm.suppress(ctx, o.CRM, o.Tokens, f.in, s)
}

// rows reads the file; of rows with one id, or that are the same, the first
// counts.
func (f *planFile) rows(yield func(capture.Payload, error) bool) {
	file, rd, err := f.cmd.open(f.schema)
	if err != nil {
		yield(capture.Payload{}, err)
		return
	}
	defer file.Close() //nolint:errcheck // opened for reading
	seen := map[uint64]struct{}{}
	for {
		p, err := rd.Next()
		var rej *capture.Reject
		switch {
		case errors.Is(err, io.EOF):
			return
		case errors.As(err, &rej):
			f.reject("", rej)
			continue
		case err != nil:
			yield(capture.Payload{}, fmt.Errorf("%s: %w", f.cmd.Leads, err))
			return
		}
		h := fnv.New64a()
		if id := normalize.Text(p.Values[capture.ColumnID]); id != "" {
			h.Write([]byte(id))
		} else {
			h.Write([]byte("\x00" + p.Raw))
		}
		if _, again := seen[h.Sum64()]; again {
			f.repeats++
			continue
		}
		seen[h.Sum64()] = struct{}{}
		if !yield(p, nil) {
			return
		}
	}
}

// lead makes a lead of a row. It is called by several goroutines at a time.
func (f *planFile) lead(p capture.Payload) (playbook.CompareLead, error) {
	id := normalize.Text(p.Values[capture.ColumnID])
	for _, name := range f.unread {
		delete(p.Values, name)
	}
	sub, _, err := f.capt.Submission(p, f.in.asOf)
	var rej *capture.Reject
	if errors.As(err, &rej) {
		f.reject(id, rej)
		return playbook.CompareLead{}, nil
	}
	if err != nil || sub.ReceivedAt.After(f.in.asOf) {
		return playbook.CompareLead{}, err
	}
	record := engine.RecordID(sub.Key)
	if id == "" {
		id = fmt.Sprintf("line %d", p.Line)
	}
	l := playbook.CompareLead{Outcome: f.ended[record], Touched: f.touched[record], Lead: &leadloop.Lead{
		ID: leadloop.LeadID(id), Records: []leadloop.LeadID{record}, ReceivedAt: sub.ReceivedAt, Claims: sub.Claims,
		Activities: leadloop.UniteActivities(sub.Activities, f.activities[record]),
	}}
	if said, ok := f.outcomes[id]; ok {
		l.Outcome = said
		f.ofLeads.Add(1)
	}
	return l, nil
}

func (f *planFile) reject(id string, r *capture.Reject) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.in.refuse(id, r)
}

// sayRejects says what was left out.
func (f *planFile) sayRejects(s streams) {
	list := f.in.rejects
	slices.SortStableFunc(list, func(a, b refused) int { return a.Line - b.Line })
	for i, r := range list {
		if i == shownRejects {
			s.say("%s: and %d more", filepath.Base(f.cmd.Leads), len(list)-i)
			break
		}
		s.say("%s:%d: left out: %s", filepath.Base(f.cmd.Leads), r.Line, r)
	}
	if f.repeats > 0 {
		s.say("%s: %s left out, because an earlier one has the id or says the same", filepath.Base(f.cmd.Leads), plural(f.repeats, "row"))
	}
}
