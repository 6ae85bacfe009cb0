package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/store"
)

// workerVariable makes the program a worker: its standard input says which store,
// and for as long as that stays open it works; each lead that gets an owner, a
// queue or a track is a line of its output.
const workerVariable = "LEADLOOP_THROUGHPUT_WORKER"

type order struct {
	Kind, DSN, Name string
	Workers         int
}

// decided is a lead and when it was committed.
type decided struct {
	Lead leadloop.LeadID
	At   time.Time
}

func worker(in io.Reader, out io.Writer) error {
	read := bufio.NewReader(in)
	line, err := read.ReadBytes('\n')
	if err != nil {
		return err
	}
	var o order
	if err := json.Unmarshal(line, &o); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	st, err := openStore(ctx, o.Kind, o.DSN, o.Name)
	if err != nil {
		return err
	}
	write := json.NewEncoder(out)
	loop, err := newLoop(ctx, &timing{Store: st, decided: func(d decided) { _ = write.Encode(d) }}, engine.Options{Workers: o.Workers, Poll: 20 * time.Millisecond})
	if err != nil {
		return errors.Join(err, st.Close())
	}
	if _, err := fmt.Fprintln(out, "{}"); err != nil { // ready
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, read) // until the parent closes it
		stop()
	}()
	return errors.Join(loop.Run(ctx), st.Close())
}

// timing notes when decisions are committed.
type timing struct {
	store.Store
	mu      sync.Mutex
	decided func(decided)
}

func (s *timing) Update(ctx context.Context, f func(tx store.Tx) error) error {
	var put []leadloop.LeadID
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		put = nil
		return f(timingTx{tx, &put})
	})
	if err == nil && len(put) > 0 {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, id := range put {
			s.decided(decided{id, time.Now()})
		}
	}
	return err
}

type timingTx struct {
	store.Tx
	put *[]leadloop.LeadID
}

func (t timingTx) Leads() store.Leads { return timingLeads{t.Tx.Leads(), t.put} }

type timingLeads struct {
	store.Leads
	put *[]leadloop.LeadID
}

func (l timingLeads) Put(ctx context.Context, lead *leadloop.Lead) (int64, error) {
	if lead.State.Disposition != "" {
		*l.put = append(*l.put, lead.ID)
	}
	return l.Leads.Put(ctx, lead)
}

// crew are worker processes over one store.
type crew struct {
	all     []*exec.Cmd
	inputs  []io.Closer
	readers sync.WaitGroup
	decided chan decided
}

func (p place) hire(ctx context.Context, name string, processes, workers int) (*crew, error) {
	c := &crew{decided: make(chan decided, 1<<16)}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	for range processes {
		cmd := exec.CommandContext(ctx, self)
		cmd.Env, cmd.Stderr = append(os.Environ(), workerVariable+"=1"), os.Stderr
		in, err1 := cmd.StdinPipe()
		out, err2 := cmd.StdoutPipe()
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		c.all, c.inputs = append(c.all, cmd), append(c.inputs, in)
		if err := json.NewEncoder(in).Encode(order{p.kind, p.dsn, name, workers}); err != nil {
			return nil, err
		}
		lines := json.NewDecoder(out)
		var ready decided
		if err := lines.Decode(&ready); err != nil {
			return nil, fmt.Errorf("a worker does not start: %w", err)
		}
		c.readers.Go(func() {
			for {
				var d decided
				if lines.Decode(&d) != nil {
					return
				}
				c.decided <- d
			}
		})
	}
	return c, nil
}

// wait returns when each of the leads was decided about first.
func (c *crew) wait(ctx context.Context, leads []leadloop.LeadID) (map[leadloop.LeadID]time.Time, error) {
	open := map[leadloop.LeadID]bool{}
	for _, id := range leads {
		open[id] = true
	}
	at := map[leadloop.LeadID]time.Time{}
	silent := time.NewTimer(time.Minute)
	for len(open) > 0 {
		silent.Reset(time.Minute)
		select {
		case d := <-c.decided:
			if open[d.Lead] {
				delete(open, d.Lead)
				at[d.Lead] = d.At
			}
		case <-silent.C:
			return nil, fmt.Errorf("%d leads are not decided about, and nothing moves", len(open))
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return at, nil
}

func (c *crew) dismiss() error {
	var errs []error
	for _, in := range c.inputs {
		errs = append(errs, in.Close())
	}
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-c.decided:
			case <-done:
				return
			}
		}
	}()
	c.readers.Wait()
	close(done)
	for _, cmd := range c.all {
		errs = append(errs, cmd.Wait())
	}
	return errors.Join(errs...)
}

// workers measures how fast a backlog is worked, and how long a lead waits that
// is submitted at half that speed.
func workers(ctx context.Context, s settings, p place) (figures []figure, err error) {
	next := 0
	for _, crewOf := range [][2]int{{1, 1}, {1, 2}, {1, 4}, {2, 1}, {2, 2}} {
		f, err := team(ctx, s, p, crewOf[0], crewOf[1], &next)
		if err != nil {
			return nil, err
		}
		figures = append(figures, f)
	}
	return figures, nil
}

func team(ctx context.Context, s settings, p place, processes, each int, next *int) (f figure, err error) {
	name := p.fresh()
	st, err := p.open(ctx, name)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, st.Close(), p.drop(ctx, name)) }()
	loop, err := newLoop(ctx, st, engine.Options{})
	if err != nil {
		return f, err
	}
	submit := func(n int) ([]leadloop.LeadID, error) {
		var subs []leadloop.Submission
		var ids []leadloop.LeadID
		for range n {
			s := past(submission(*next))
			*next++
			subs, ids = append(subs, s), append(ids, engine.RecordID(s.Key))
		}
		_, err := loop.SubmitAll(ctx, subs)
		return ids, err
	}
	waiting, err := submit(s.leads)
	if err != nil {
		return f, err
	}
	from := time.Now()
	c, err := p.hire(ctx, name, processes, each)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, c.dismiss()) }()
	done, err := c.wait(ctx, waiting)
	if err != nil {
		return f, err
	}
	first, last := from.Add(time.Hour), from
	for _, at := range done {
		first, last = earlier(first, at), later(last, at)
	}
	speed := float64(s.leads-1) / last.Sub(first).Seconds()
	// At half that speed.
	var ids []leadloop.LeadID
	sent := map[leadloop.LeadID]time.Time{}
	tick := time.NewTicker(time.Duration(2 / speed * float64(time.Second)))
	defer tick.Stop()
	for range max(s.leads/4, 1) {
		<-tick.C
		one := past(submission(*next))
		*next++
		at := time.Now()
		if _, err := loop.Submit(ctx, one); err != nil {
			return f, err
		}
		id := engine.RecordID(one.Key)
		ids, sent[id] = append(ids, id), at
	}
	if done, err = c.wait(ctx, ids); err != nil {
		return f, err
	}
	var waits []float64
	for id, at := range done {
		waits = append(waits, 1000*at.Sub(sent[id]).Seconds())
	}
	slices.Sort(waits)
	return figure{Name: fmt.Sprintf("%d × %d", processes, each), Values: map[string]float64{
		"leads/s": speed, "p50 ms": waits[len(waits)/2], "p99 ms": waits[len(waits)*99/100],
	}}, nil
}

// past moves a submission to the hour before now, so that it is due at once.
func past(s leadloop.Submission) leadloop.Submission {
	s.ReceivedAt = time.Now().Add(-time.Minute)
	return s
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// hot measures how long a hot lead waits behind a backlog of cold ones that two
// workers are at.
func hot(ctx context.Context, s settings, p place) (figures []figure, err error) {
	name := p.fresh()
	st, err := p.open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, st.Close(), p.drop(ctx, name)) }()
	loop, err := newLoop(ctx, st, engine.Options{})
	if err != nil {
		return nil, err
	}
	var subs []leadloop.Submission
	for i := range s.backlog {
		subs = append(subs, past(cold(submission(i))))
		if len(subs) == 1000 || i == s.backlog-1 {
			if _, err := loop.SubmitAll(ctx, subs); err != nil {
				return nil, err
			}
			subs = nil
		}
	}
	c, err := p.hire(ctx, name, 1, 2)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.dismiss()) }()
	var waits []float64
	for i := range 9 {
		<-time.After(300 * time.Millisecond)
		one := warm(submission(s.backlog + i))
		from := time.Now()
		one.ReceivedAt = from
		if _, err := loop.Submit(ctx, one); err != nil {
			return nil, err
		}
		done, err := c.wait(ctx, []leadloop.LeadID{engine.RecordID(one.Key)})
		if err != nil {
			return nil, err
		}
		for _, at := range done {
			waits = append(waits, 1000*at.Sub(from).Seconds())
		}
	}
	slices.Sort(waits)
	return []figure{{Name: fmt.Sprintf("behind %d", s.backlog), Values: map[string]float64{"median ms": waits[len(waits)/2], "worst ms": waits[len(waits)-1]}}}, nil
}

// cold is a lead that nobody calls, warm one that everybody does.
func cold(s leadloop.Submission) leadloop.Submission {
	s.Activities = nil
	return with(s, "junior", 5)
}

func warm(s leadloop.Submission) leadloop.Submission {
	s.Activities = []leadloop.Activity{{ID: s.Key + ":demo", Type: "demo_request", At: s.ReceivedAt}}
	return with(s, "c_level", 1500)
}

func with(s leadloop.Submission, seniority string, employees int64) leadloop.Submission {
	e := leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: s.ReceivedAt}
	for i, c := range s.Claims {
		switch c.Field {
		case leadloop.Seniority.Name():
			s.Claims[i] = leadloop.Seniority.Claim(seniority, e)
		case leadloop.Employees.Name():
			s.Claims[i] = leadloop.Employees.Claim(employees, e)
		}
	}
	return s
}
