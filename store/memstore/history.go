package memstore

import (
	"context"
	"iter"
	"math"

	"github.com/leadloop/leadloop"
)

type journal struct{ *tx }

func (r journal) Append(ctx context.Context, events ...leadloop.Event) error {
	if err := r.writing(ctx); err != nil {
		return err
	}
	for _, e := range events {
		r.state.seq++
		e = copyEvent(e)
		e.Seq = r.state.seq
		r.state.events.put(key{n: e.Seq}, &e)
		r.state.eventsByLead.put(key{a: string(e.Lead), n: e.Seq}, &e)
	}
	return nil
}

func (r journal) ByLead(ctx context.Context, id leadloop.LeadID) iter.Seq2[leadloop.Event, error] {
	return r.yield(ctx, func(s *state) iter.Seq2[key, *leadloop.Event] {
		return s.eventsByLead.from(key{a: string(id)})
	}, string(id))
}

func (r journal) Since(ctx context.Context, seq int64) iter.Seq2[leadloop.Event, error] {
	return r.yield(ctx, func(s *state) iter.Seq2[key, *leadloop.Event] {
		if seq == math.MaxInt64 {
			return func(func(key, *leadloop.Event) bool) {}
		}
		return s.events.from(key{n: seq + 1})
	}, "")
}

// yield yields the events of a range while their key starts with a.
func (r journal) yield(ctx context.Context, events func(*state) iter.Seq2[key, *leadloop.Event], a string) iter.Seq2[leadloop.Event, error] {
	return func(yield func(leadloop.Event, error) bool) {
		if err := r.reading(ctx); err != nil {
			yield(leadloop.Event{}, err)
			return
		}
		for k, e := range events(r.state) {
			if k.a != a {
				return
			}
			if err := r.reading(ctx); err != nil {
				yield(leadloop.Event{}, err)
				return
			}
			if !yield(copyEvent(*e), nil) {
				return
			}
		}
	}
}

type decisions struct{ *tx }

func (r decisions) Put(ctx context.Context, d leadloop.Decision) error {
	if err := r.writing(ctx); err != nil {
		return err
	}
	d = copyDecision(d)
	r.state.decisions.put(key{a: string(d.Lead), n: d.Revision}, &d)
	return nil
}

func (r decisions) Latest(ctx context.Context, id leadloop.LeadID) (leadloop.Decision, error) {
	if err := r.reading(ctx); err != nil {
		return leadloop.Decision{}, err
	}
	var latest *leadloop.Decision
	for _, d := range r.of(id) {
		latest = d
	}
	if latest == nil {
		return leadloop.Decision{}, notFound("decision about lead", string(id))
	}
	return copyDecision(*latest), nil
}

// of yields what is kept about a lead, oldest revision first.
func (r decisions) of(id leadloop.LeadID) iter.Seq2[key, *leadloop.Decision] {
	return func(yield func(key, *leadloop.Decision) bool) {
		for k, d := range r.state.decisions.from(key{a: string(id), n: math.MinInt64}) {
			if k.a != string(id) || !yield(k, d) {
				return
			}
		}
	}
}

func (r decisions) ByLead(ctx context.Context, id leadloop.LeadID) ([]leadloop.Decision, error) {
	if err := r.reading(ctx); err != nil {
		return nil, err
	}
	var all []leadloop.Decision
	for _, d := range r.of(id) {
		all = append(all, copyDecision(*d))
	}
	return all, nil
}

func (r decisions) DeleteLead(ctx context.Context, id leadloop.LeadID) error {
	if err := r.writing(ctx); err != nil {
		return err
	}
	for k := range r.of(id) {
		r.state.decisions.drop(k)
	}
	return nil
}

type keys struct{ *tx }

func (r keys) Claim(ctx context.Context, key string, id leadloop.LeadID) (leadloop.LeadID, bool, error) {
	if err := r.writing(ctx); err != nil {
		return "", false, err
	}
	if bound, ok := r.state.keys.get(key); ok {
		return bound, false, nil
	}
	r.state.keys.put(key, id)
	r.state.keysByLead.put(leadKey(id, key), key)
	return id, true, nil
}

func leadKey(id leadloop.LeadID, of string) key { return key{a: string(id), b: of} }

func (r keys) DeleteLead(ctx context.Context, id leadloop.LeadID) error {
	if err := r.writing(ctx); err != nil {
		return err
	}
	for k, bound := range r.state.keysByLead.from(leadKey(id, "")) {
		if k.a != string(id) {
			break
		}
		r.state.keysByLead.drop(k)
		r.state.keys.drop(bound)
	}
	return nil
}

func (r keys) Lookup(ctx context.Context, key string) (leadloop.LeadID, error) {
	if err := r.reading(ctx); err != nil {
		return "", err
	}
	bound, ok := r.state.keys.get(key)
	if !ok {
		// The key itself stays out of the text: hosts may derive it from a person.
		return "", notFound("idempotency", "key")
	}
	return bound, nil
}

type playbooks struct{ *tx }

func (r playbooks) Put(ctx context.Context, digest string, files map[string][]byte) error {
	if err := r.writing(ctx); err != nil {
		return err
	}
	if _, ok := r.state.playbooks.get(digest); !ok {
		r.state.playbooks.put(digest, copyFiles(files))
	}
	return nil
}

func (r playbooks) Get(ctx context.Context, digest string) (map[string][]byte, error) {
	if err := r.reading(ctx); err != nil {
		return nil, err
	}
	files, ok := r.state.playbooks.get(digest)
	if !ok {
		return nil, notFound("playbook", digest)
	}
	return copyFiles(files), nil
}
