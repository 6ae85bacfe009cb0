package scoring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// everythingElse are the inputs that drawn models can read.
var everythingElse = BatchOptions{Fields: valueFields, Activities: []string{"visit", "demo"}}

func drawnRule(t *rapid.T, id string) Rule {
	r := Rule{ID: id, Group: rapid.SampledFrom([]string{"fit", "intent"}).Draw(t, "group"), Points: expression(rapid.SampledFrom(weights).Draw(t, "points"))}
	switch kind := rapid.IntRange(0, 9).Draw(t, "kind"); {
	case kind < 6:
		r.When = expression(rapid.SampledFrom(conditions).Draw(t, "when"))
		if kind < 4 {
			r.Points = expression(rapid.SampledFrom([]string{"20", "-10", "7.125"}).Draw(t, "constant"))
		}
	case kind == 6:
		r.Points, r.Group, r.Disqualify = leadloop.Expression{}, "", rapid.SampledFrom([]string{"no", "never"}).Draw(t, "reason")
		r.When = expression(rapid.SampledFrom(conditions).Draw(t, "when"))
	case kind > 7:
		r.Each, r.Decay = rapid.SampledFrom([]string{"visit", "demo"}).Draw(t, "each"), anyKindOfDecay(t)
	}
	return r
}

func drawnDefinition(t *rapid.T) Definition {
	d := Definition{
		Model: "random", Version: 1, Groups: []Group{{Name: "fit"}, {Name: "intent"}},
		Tiers: []Tier{{Name: "A", From: 40}, {Name: "B", From: 20}, {Name: "C", From: 5}, {Name: "D"}},
	}
	for i := range rapid.IntRange(6, 14).Draw(t, "rules") {
		d.Rules = append(d.Rules, drawnRule(t, fmt.Sprintf("r%d", i)))
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "modifiers") {
		d.Modifiers = append(d.Modifiers, Modifier{
			ID: fmt.Sprintf("m%d", i), Owner: "ana", Expires: asOf.Add(5 * day), When: expression(rapid.SampledFrom(conditions).Draw(t, "when")), Multiply: new(0.5),
		})
	}
	return d
}

// edited makes a change or two of the sort that people make.
func edited(t *rapid.T, d Definition) Definition {
	d.Version++
	d.Rules, d.Groups, d.Modifiers, d.Tiers = slices.Clone(d.Rules), slices.Clone(d.Groups), slices.Clone(d.Modifiers), slices.Clone(d.Tiers)
	for k := range rapid.IntRange(0, 2).Draw(t, "edits") {
		i := rapid.IntRange(0, len(d.Rules)-1).Draw(t, "which")
		switch r := &d.Rules[i]; rapid.IntRange(0, 10).Draw(t, "edit") {
		case 0, 1:
			if r.When.Text != "" {
				r.When = expression(rapid.SampledFrom(conditions).Draw(t, "when"))
			}
		case 2:
			if r.Disqualify == "" {
				r.Points = expression(rapid.SampledFrom(weights).Draw(t, "points"))
			}
		case 3:
			*r = drawnRule(t, r.ID)
		case 4:
			d.Rules = append(d.Rules, drawnRule(t, fmt.Sprintf("n%d-%d", d.Version, k)))
		case 5:
			d.Rules = slices.Delete(d.Rules, i, i+1)
		case 6:
			d.Rules[0], d.Rules[i] = d.Rules[i], d.Rules[0]
		case 7:
			d.Groups[0].Max = new(float64(rapid.IntRange(1, 50).Draw(t, "max")))
		case 8:
			d.Tiers[1].From, d.Hysteresis = float64(rapid.IntRange(6, 39).Draw(t, "from")), 2
		case 9:
			for j := range d.Modifiers {
				d.Modifiers[j].When = expression(rapid.SampledFrom(conditions).Draw(t, "when"))
			}
		case 10:
			if d.Score.Text = "fit - intent * 0.5"; len(d.Modifiers) > 0 {
				d.Modifiers[0].Multiply, d.Modifiers[0].Add = nil, new(3.0)
			}
		}
	}
	return d
}

func TestRescoringIsScoringAnew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawnDefinition(t)
		m, err := New(d, leadloop.StandardSchema(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		leads := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) BatchLead { return batchLead(t, m) }), 1, 30).Draw(t, "leads")
		o := everythingElse
		o.Range = rapid.IntRange(0, 5).Draw(t, "range") == 5
		b, err := NewBatch(tContext, m, each(leads, nil), asOf, o)
		if err != nil {
			t.Fatal(err)
		}
		at := asOf
		for range 4 {
			before := verdicts(b)
			d = edited(t, d)
			if m, err = New(d, leadloop.StandardSchema(), Options{}); err != nil {
				t.Fatal(err)
			}
			if rapid.IntRange(0, 3).Draw(t, "later") == 3 {
				at = at.Add(time.Duration(rapid.Int64Range(-int64(day), int64(20*day)).Draw(t, "by")))
			}
			changes, err := b.Rescore(tContext, m, at)
			if err != nil {
				t.Fatal(err)
			}
			for s := range b.Scores() {
				sameAsSingly(t, m, leads, at, s)
			}
			if diff := cmp.Diff(changesOf(before, verdicts(b)), changes); diff != "" {
				t.Fatalf("changes (-want +got):\n%s", diff)
			}
		}
		again, err := b.Rescore(tContext, m, at)
		if err != nil || again.Leads != 0 {
			t.Fatalf("nothing changed, yet %+v, %v", again, err)
		}
		if err := b.Score(tContext, m, asOf); err != nil {
			t.Fatal(err)
		}
		for s := range b.Scores() {
			sameAsSingly(t, m, leads, asOf, s)
		}
	})
}

func verdicts(b *Batch) (out []Verdict) {
	for s := range b.Scores() {
		for i := range s.Len() {
			out = append(out, s.Verdict(i))
		}
	}
	return out
}

func changesOf(before, after []Verdict) (c BatchChanges) {
	for i, v := range before {
		w := after[i]
		if v.Points != w.Points || v.Tier != w.Tier {
			c.Leads++
		}
		if v.Tier != w.Tier {
			c.tier(TierChange{v.Tier, w.Tier}, 1)
		}
	}
	return c
}

func TestABatchKnowsOnlyWhatItWasToldToKeep(t *testing.T) {
	base := "model: m\nversion: 1\nrules:\n  - {id: big, when: 'company.employees > 5', points: 3}\n"
	m := compile(t, base)
	leads := slices.Repeat([]BatchLead{{Profile: m.Schema().NewProfile()}}, rules.BlockLeads+5)
	b, err := NewBatch(t.Context(), m, each(leads, nil), asOf, BatchOptions{Fields: []string{"lead.country"}})
	if err != nil {
		t.Fatal(err)
	}
	for more, want := range map[string]error{
		`lead.country == "US"`:    nil,
		"company.revenue > 5":     leadloop.ErrInvalid,
		`seen("demo")`:            leadloop.ErrInvalid,
		"activities.size() == 10": leadloop.ErrInvalid,
	} {
		next := compile(t, base+"  - {id: more, when: '"+more+"', points: 3}\n")
		if _, err := b.Rescore(t.Context(), next, asOf); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", more, err, want)
		}
	}
	if _, err := NewBatch(t.Context(), m, each(leads, nil), asOf, BatchOptions{Fields: []string{"lead.shoe"}}); !errors.Is(err, leadloop.ErrInvalid) {
		t.Errorf("a field that the schema does not have: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Rescore(ctx, m, asOf); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
