package playbook_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/scoring"
	"github.com/leadloop/leadloop/store/memstore"
)

// world is a small playbook with every value that its rules tell apart.
type world struct {
	pb     *playbook.Playbook
	fields []string
	values map[string][]leadloop.Value
	texts  string
	known  map[string]string // what was decided, by what the lead looks like
	// consent tells that Frenchmen have to have said yes, placed that the lead is
	// ana's, as a B, and something happened to it.
	consent, placed bool
}

// candidates are fields with conditions about them, and values on both sides
// of every condition.
var candidates = []struct {
	field  string
	conds  []string
	values []leadloop.Value
}{
	{"company.employees", []string{"company.employees >= 100", "company.employees < 20", "company.employees >= 100 && company.employees < 1000"},
		[]leadloop.Value{leadloop.ValueOf(int64(5)), leadloop.ValueOf(int64(50)), leadloop.ValueOf(int64(100)), leadloop.ValueOf(int64(500)), leadloop.ValueOf(int64(5000))}},
	{"company.industry", []string{`company.industry == "Steel"`, `company.industry in ["Steel", "Banking"]`},
		[]leadloop.Value{leadloop.ValueOf("Steel"), leadloop.ValueOf("Banking"), leadloop.ValueOf("Toys")}},
	{"company.revenue", []string{"company.revenue >= 1000000", "company.revenue > 0 && company.employees > 100"},
		[]leadloop.Value{leadloop.ValueOf(int64(1)), leadloop.ValueOf(int64(5_000_000))}},
	{"company.country", []string{`company.country == "US"`, `company.country == "US" || company.industry == "Steel"`},
		[]leadloop.Value{leadloop.ValueOf("US"), leadloop.ValueOf("FR")}},
}

func drawWorld(t *rapid.T) *world {
	w := &world{values: map[string][]leadloop.Value{}, known: map[string]string{}}
	conds := []string{}
	for _, c := range candidates {
		conds = append(conds, c.conds...)
		w.fields = append(w.fields, c.field)
		def, _ := leadloop.StandardSchema().Lookup(c.field)
		w.values[c.field] = append([]leadloop.Value{{}, leadloop.NoValue(def.Kind)}, c.values...)
	}
	slices.Sort(w.fields)
	cond := rapid.SampledFrom(conds)
	var b strings.Builder
	b.WriteString("model: m\nversion: 1\nrules:\n")
	for i := range rapid.IntRange(1, 5).Draw(t, "rules") {
		fmt.Fprintf(&b, "  - {id: r%d, group: fit, when: '%s', points: %d}\n", i, cond.Draw(t, "condition"), rapid.SampledFrom([]int{-20, 5, 10, 20, 40}).Draw(t, "points"))
	}
	b.WriteString("  - {id: known, group: fit, when: 'lead.title == \"Boss\"', points: 30}\n")
	if rapid.Bool().Draw(t, "disqualifies") {
		fmt.Fprintf(&b, "  - {id: no, when: '%s', disqualify: no_fit}\n", cond.Draw(t, "disqualification"))
	}
	b.WriteString("groups: {fit: {max: 60}}\n")
	if rapid.Bool().Draw(t, "modified") {
		fmt.Fprintf(&b, "modifiers:\n  - {id: half, when: '%s', multiply: 0.5, owner: me, expires: 2030-01-01}\n", cond.Draw(t, "modifier"))
	}
	fmt.Fprintf(&b, "tiers: {A: 50, B: 20, C: 0, hysteresis: %d}\n", rapid.SampledFrom([]int{0, 5}).Draw(t, "hysteresis"))

	var r strings.Builder
	r.WriteString("teams: [{id: t, manager: ana, members: [ana, ben]}]\nreps: [{id: ana, name: Ana}, {id: ben, name: Ben}]\npools: [{id: p, team: t}]\nqueues: [{id: q0}, {id: q1}, {id: last}]\nchain:\n")
	for i := range rapid.IntRange(0, 2).Draw(t, "entries") {
		// Every entry has a place of its own, so that who waits for it matters.
		asks := rapid.SampledFrom([]string{"tier: [A]", "tier: [B]", "tier: [A, B, C]", "employees: {min: 100}", "industry: [Steel, Toys]"}).Draw(t, "asks")
		fmt.Fprintf(&r, "  - {id: e%d, when: '%s', %s, target: {queue: q%d}}\n", i, cond.Draw(t, "entry"), asks, i)
	}
	r.WriteString("  - {id: rest, tier: [A, B], target: {pool: p}}\nfinal: last\n")
	escalate := `escalate: [{notify: owner}, {after: 1h, notify: "queue:last"}]`
	sla := "policies:\n"
	if rapid.Bool().Draw(t, "response times differ") {
		sla += fmt.Sprintf("  - {id: special, when: '%s', target: 5m, %s}\n", cond.Draw(t, "policy"), escalate)
	}
	sla += "  - {id: quick, tier: A, target: 15m, " + escalate + "}\n"
	privacy := ""
	if rapid.IntRange(0, 3).Draw(t, "consent is required") == 0 {
		privacy, w.consent = "consent_required_in: [FR]\n", true
	}
	var problems leadloop.Problems
	fsys := fstest.MapFS{
		"scoring.yaml": {Data: []byte(b.String())}, "routing.yaml": {Data: []byte(r.String())}, "sla.yaml": {Data: []byte(sla)},
		"enrich.yaml": {Data: []byte("providers:\n  - {name: oracle, type: host, needs: [company.domain], fields: [" + strings.Join(w.fields, ", ") + "], price: 1}\n")},
	}
	if w.consent {
		fsys["privacy.yaml"] = &fstest.MapFile{Data: []byte(privacy)}
	}
	w.pb, problems = playbook.Load(fsys)
	if err := problems.Err(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, b.String(), r.String())
	}
	w.texts = b.String() + r.String() + sla + privacy
	return w
}

// decides is what the rules make of a lead that looks like p: the oracle of the
// test, which knows nothing of outlooks.
func (w *world) decides(t *rapid.T, l *leadloop.Lead, p *leadloop.Profile) string {
	key := fmt.Sprint(told(p, w.fields))
	if d, ok := w.known[key]; ok {
		return d
	}
	d := w.decide(t, l, p)
	w.known[key] = d
	return d
}

func (w *world) decide(t *rapid.T, l *leadloop.Lead, p *leadloop.Profile) string {
	if country, _ := leadloop.CompanyCountry.Get(p); w.consent && country == "FR" {
		return "suppressed"
	}
	e, err := w.pb.Model().Explain(ctx, scoring.Input{Profile: p, AsOf: at, PreviousTier: l.State.Score.Tier})
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case e.Disqualified != "":
		return "disqualified"
	case w.placed && e.Tier == l.State.Score.Tier:
		return "stays a " + e.Tier
	}
	lead := *l
	lead.State.Score = e.Score()
	a, err := w.pb.Router().Route(ctx, &routing.Snapshot{}, routing.Request{Lead: &lead, Profile: p, AsOf: at, Keep: w.placed, Return: w.placed})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(e.Tier, a.Kind, a.Owner, a.Queue, a.SLA.Policy)
}

// completions calls f for every completion of the fields.
func (w *world) completions(t *rapid.T, p *leadloop.Profile, fields []string, f func()) {
	if len(fields) == 0 {
		f()
		return
	}
	was := p.Value(fields[0])
	for _, v := range w.values[fields[0]] {
		if err := p.SetValue(fields[0], v); err != nil {
			t.Fatal(err)
		}
		w.completions(t, p, fields[1:], f)
	}
	if err := p.SetValue(fields[0], was); err != nil {
		t.Fatal(err)
	}
}

// matters reports whether two completions that differ in the field alone are
// decided apart.
func (w *world) matters(t *rapid.T, l *leadloop.Lead, p *leadloop.Profile, missing []string, field string) bool {
	others := slices.DeleteFunc(slices.Clone(missing), func(f string) bool { return f == field })
	found := false
	w.completions(t, p, others, func() {
		seen := map[string]bool{}
		w.completions(t, p, []string{field}, func() { seen[w.decides(t, l, p)] = true })
		found = found || len(seen) > 1
	})
	return found
}

// TestTheOutlookIsRightForEveryCompletion compares it with all that could be,
// decided one by one, before and after every field that is told.
func TestTheOutlookIsRightForEveryCompletion(t *testing.T) {
	st := memstore.New()
	defer st.Close()
	tokens := tokens(t)
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		outlook, err := w.pb.Outlook(st, playbook.Options{Tokens: tokens})
		if err != nil {
			t.Fatal(err)
		}
		p := w.pb.Schema().NewProfile()
		leadloop.Domain.Set(p, "acme.example")
		if rapid.Bool().Draw(t, "boss") {
			leadloop.Title.Set(p, "Boss")
		} else {
			leadloop.Title.Set(p, "Clerk")
		}
		lead := &leadloop.Lead{ID: "l"}
		trigger := leadloop.TriggerSubmission
		if w.placed = rapid.Bool().Draw(t, "placed"); w.placed {
			trigger = leadloop.TriggerActivity
			lead.State = leadloop.State{Owner: "ana", Disposition: leadloop.OutcomeAssigned, Score: leadloop.Score{Known: true, Tier: "B"}}
		}
		missing := slices.Clone(w.fields)
		// Of some fields somebody said something so long ago that it is asked for
		// again: they don't become unknown any more.
		for _, f := range missing {
			if v := rapid.SampledFrom(w.values[f]).Draw(t, "of "+f); rapid.Bool().Draw(t, f+" is asked for again") && v.Presence() != leadloop.Absent {
				if err := p.SetValue(f, v); err != nil {
					t.Fatal(err)
				}
				w.values[f] = w.values[f][1:]
			}
		}
		for {
			open, err := outlook.Open(ctx, leadloop.Subject{Lead: lead, Profile: p, AsOf: at, Trigger: trigger, Previous: lead.State}, missing)
			if err != nil {
				t.Fatal(err)
			}
			now := w.decides(t, lead, p)
			var got []string
			for _, in := range open.Open {
				got = append(got, in.Field)
				if in.Weight <= 0 || in.Weight > 1 || in.Changes == "" {
					t.Errorf("influence %+v", in)
				}
			}
			if len(got) == 0 {
				w.completions(t, p, missing, func() {
					if then := w.decides(t, lead, p); then != now {
						t.Fatalf("stopped at %q, and with %v it is %q\n%s", now, told(p, missing), then, w.texts)
					}
				})
				return
			}
			for _, f := range got {
				if !w.matters(t, lead, p, missing, f) {
					t.Errorf("%s could not matter, known: %v, missing: %v\n%s", f, told(p, w.fields), missing, w.texts)
				}
			}
			f := rapid.SampledFrom(got).Draw(t, "told")
			if err := p.SetValue(f, rapid.SampledFrom(w.values[f]).Filter(isTold).Draw(t, "value")); err != nil {
				t.Fatal(err)
			}
			missing = slices.DeleteFunc(missing, func(g string) bool { return g == f })
		}
	})
}

func isTold(v leadloop.Value) bool { return v.Presence() != leadloop.Absent }

func told(p *leadloop.Profile, fields []string) (out []string) {
	for _, f := range fields {
		out = append(out, fmt.Sprintf("%s=%s", f, p.Value(f)))
	}
	return out
}
