package scoring

import (
	"encoding/json"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/jsonbytes"
)

// encode is json.Marshal(t), byte for byte. Every decision writes a trace, which
// is most of its record, and reflection takes twice as long as scoring.
func (t *Trace) encode() ([]byte, error) {
	w := traceWriter{}
	w.Grow(1000 + 400*(len(t.Contributions)+len(t.Modifiers)))
	w.Begin('{')
	w.explanation(&t.Explanation)
	if t.Shadow != nil {
		w.Name("shadow")
		w.Begin('{')
		w.explanation(t.Shadow)
		w.End('}')
	}
	w.Some("shadow_error", t.ShadowError)
	w.End('}')
	return w.Bytes()
}

type traceWriter struct{ jsonbytes.Writer }

func (w *traceWriter) explanation(e *Explanation) {
	w.Text("model", e.Model)
	w.Int("version", int64(e.Version))
	w.Text("digest", e.Digest)
	w.Time("as_of", e.AsOf)
	w.Bool("known", e.Known)
	w.points("points", e.Points)
	w.points("low", e.Low)
	w.points("high", e.High)
	w.Bool("range_exact", e.RangeExact)
	w.Text("tier", e.Tier)
	w.Some("previous_tier", e.PreviousTier)
	if e.Held {
		w.Bool("held", true)
	}
	w.Texts("possible_tiers", e.PossibleTiers)
	w.Some("disqualified", e.Disqualified)
	w.Some("disqualified_by", e.DisqualifiedBy)
	objects(w, "contributions", e.Contributions, w.contribution)
	objects(w, "groups", e.Groups, w.group)
	w.Text("formula", e.Formula)
	w.points("base", e.Base)
	objects(w, "modifiers", e.Modifiers, w.adjustment)
	w.Texts("needs", e.Needs)
	w.someTime("valid_until", e.ValidUntil)
}

func (w *traceWriter) contribution(c *Contribution) {
	w.Text("rule", c.Rule)
	w.Some("group", c.Group)
	w.Some("description", c.Description)
	w.Some("when", c.When)
	w.Some("each", c.Each)
	w.Some("weight", c.Weight)
	w.Text("state", string(c.State))
	w.points("points", c.Points)
	w.points("low", c.Low)
	w.points("high", c.High)
	w.Some("disqualifies", c.Disqualifies)
	someObjects(w, "fields", c.Fields, w.field)
	someObjects(w, "activities", c.Activities, w.activity)
	someObjects(w, "occurrences", c.Occurrences, w.occurrence)
	if c.Faded != 0 {
		w.Int("faded", int64(c.Faded))
	}
	w.failure(c.Needs, c.Error)
}

// failure is what rules and modifiers say last.
func (w *traceWriter) failure(needs []string, err string) {
	if len(needs) > 0 {
		w.Texts("needs", needs)
	}
	w.Some("error", err)
}

func (w *traceWriter) field(f *FieldUsed) {
	w.Text("field", f.Field)
	value, err := f.Value.MarshalJSON()
	w.JSON("value", value, err)
	w.Some("origin", f.Origin)
	w.Some("source", f.Source)
	w.someTime("at", f.At)
	w.someAge(f.Age)
}

func (w *traceWriter) activity(a *ActivityUsed) {
	w.Text("type", a.Type)
	w.Int("count", int64(a.Count))
	w.someTime("last", a.Last)
	w.someAge(a.Age)
}

func (w *traceWriter) occurrence(o *Occurrence) {
	w.Some("id", o.ID)
	w.Time("at", o.At)
	w.age(o.Age)
	w.points("points", o.Points)
	if o.Dropped {
		w.Bool("dropped", true)
	}
}

func (w *traceWriter) group(g *GroupSum) {
	w.Text("group", g.Group)
	w.points("sum", g.Sum)
	w.points("points", g.Points)
	w.points("low", g.Low)
	w.points("high", g.High)
	w.somePoints("min", g.Min)
	w.somePoints("max", g.Max)
	w.Some("limited", g.Limited)
}

func (w *traceWriter) adjustment(a *Adjustment) {
	w.Text("modifier", a.Modifier)
	w.Some("description", a.Description)
	w.Some("when", a.When)
	w.Text("state", string(a.State))
	w.points("before", a.Before)
	w.points("after", a.After)
	w.somePoints("add", a.Add)
	if a.Multiply != nil {
		value, err := json.Marshal(*a.Multiply)
		w.JSON("multiply", value, err)
	}
	w.Text("owner", a.Owner)
	w.Time("expires", a.Expires)
	someObjects(w, "fields", a.Fields, w.field)
	someObjects(w, "activities", a.Activities, w.activity)
	w.failure(a.Needs, a.Error)
}

func (w *traceWriter) points(name string, p leadloop.Points) {
	w.Number(name, p.String())
}

func (w *traceWriter) somePoints(name string, p *leadloop.Points) {
	if p != nil {
		w.points(name, *p)
	}
}

func (w *traceWriter) someTime(name string, t time.Time) {
	if !t.IsZero() {
		w.Time(name, t)
	}
}

func (w *traceWriter) age(a Age) { w.Int("age_seconds", int64(time.Duration(a)/time.Second)) }

func (w *traceWriter) someAge(a Age) {
	if a != 0 {
		w.age(a)
	}
}

// objects writes a member that is an array of objects, which each writes the
// members of.
func objects[T any](w *traceWriter, name string, all []T, each func(*T)) {
	w.Name(name)
	if all == nil {
		w.Null()
		return
	}
	w.Begin('[')
	for i := range all {
		w.Begin('{')
		each(&all[i])
		w.End('}')
	}
	w.End(']')
}

// someObjects is objects, and nothing if there is none.
func someObjects[T any](w *traceWriter, name string, all []T, each func(*T)) {
	if len(all) > 0 {
		objects(w, name, all, each)
	}
}
