package routing

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/suggest"
	"github.com/leadloop/leadloop/internal/yamldoc"
)

// Case is a unit test of a chain: a lead at a moment, and where it must go.
// Cases are written in Go or read by [ParseCases], and run by [RunCases] or
// routingtest.Run.
type Case struct {
	// At is where the case stands, for problems only.
	At leadloop.Position
	// Name says in a sentence what is tested; unique among the cases of a run.
	Name string
	// AsOf is when the lead arrives; required.
	AsOf time.Time

	// Tier is the lead's, or [NoTier]. Empty leaves the score to
	// [CaseOptions].Score; without one the lead has no score.
	Tier string
	// Points go with Tier, for conditions that read them; nil means 0.
	Points *leadloop.Points

	// Lead holds the golden values by field name, as rules spell it; a name
	// without a dot means "lead.<name>". A value is a string, int, int64,
	// float64, bool, time.Time, []string or [leadloop.Value]. A field that is
	// not here is absent: nobody looked.
	Lead map[string]any
	// None are the fields that somebody looked up and that do not exist.
	None       []string
	Activities []leadloop.Activity

	// Account, Contact and Opportunity are what the lead was matched to; the
	// opportunity is open.
	Account     *leadloop.Account
	Contact     *leadloop.Contact
	Opportunity *leadloop.Opportunity
	// Domain is who last got another lead of the company.
	Domain *Earlier
	// Previous had the lead before, by no pool; Recycled tells that it comes
	// back.
	Previous leadloop.RepID
	Recycled bool
	// Exclude are reps who must not get it, such as who missed it before.
	Exclude []leadloop.RepID

	// Reader has absences, workloads and ledgers; nil means that everybody is
	// there and idle, and nobody is owed anything.
	Reader Reader
	// Busy is what reps have to do besides, nil for what the router counts.
	Busy map[leadloop.RepID]Busy

	Want Want

	// at are positions of single parts, for cases read from a file.
	at map[string]leadloop.Position
}

// Want is where a lead must go. What is left at its zero value is not looked
// at; at least one part must be given.
type Want struct {
	// Entry must win; [NoEntry] if none may.
	Entry string
	// Owner must get the lead, and Pool must be the one it is taken from.
	Owner leadloop.RepID
	Pool  string
	// Queue is where the lead must wait, Track the one that must work it, Alert
	// the rep who must be told about it instead of getting it.
	Queue string
	Track string
	Alert leadloop.RepID
	// Reason is that of the [Assignment], such as "wait:world".
	Reason string
	// SLA is the policy that sets the clock, or [NoSLA]; DueAt is when the first
	// touch is due, WakeAt when the lead that waits is tried again.
	SLA           string
	DueAt, WakeAt time.Time
	// Verdicts are what entries must come to, by id: a [Verdict], or
	// [VerdictNotAsked] for one behind the winner.
	Verdicts map[string]Verdict
	// Skipped could not get the lead, whatever the reason.
	Skipped []leadloop.RepID
	// Needs are all missing fields and variables that could still change where
	// the lead goes; empty but not nil for none.
	Needs []string
}

// What a [Want] says for none.
const (
	NoEntry = "-"
	NoSLA   = "-"
	NoTier  = "-" // of a [Case]: scored, and in no tier
)

// VerdictNotAsked is that of an entry behind the one that won, in cases only.
const VerdictNotAsked Verdict = "not_asked"

func (w *Want) isZero() bool {
	return w.Entry == "" && w.Owner == "" && w.Pool == "" && w.Queue == "" && w.Track == "" && w.Alert == "" && w.Reason == "" && w.SLA == "" &&
		w.DueAt.IsZero() && w.WakeAt.IsZero() && len(w.Verdicts) == 0 && len(w.Skipped) == 0 && w.Needs == nil
}

// CaseOptions are the optional parts of [RunCases].
type CaseOptions struct {
	// Score scores a case that says no tier, as playbook.Playbook.Score does by
	// the playbook's own model. Nil leaves it without a score.
	Score func(ctx context.Context, p *leadloop.Profile, activities []leadloop.Activity, asOf time.Time) (leadloop.Score, error)
}

// CaseReport is what came of a run of cases.
type CaseReport struct {
	// Results, one for each case in its order.
	Results []CaseResult `json:"results"`
	// Entries are those of the chain, in order, with how many cases each won.
	Entries []EntryCount `json:"entries"`
	// Final counts the cases that no entry won.
	Final int `json:"final"`
}

// EntryCount is how often an entry won.
type EntryCount struct {
	Entry string `json:"entry"`
	Won   int    `json:"won"`
}

// CaseResult is what came of one case.
type CaseResult struct {
	Case       Case       `json:"-"`
	Assignment Assignment `json:"-"`
	// Misses are the parts of Want that were not met; none if the case holds.
	Misses []Miss `json:"misses,omitempty"`
	// Explanation says in a few lines why the lead goes where it goes.
	Explanation string `json:"explanation"`
}

// Miss is one part of a [Want] that was not met.
type Miss struct {
	What string `json:"what"`
	Want string `json:"want"`
	Got  string `json:"got"`
}

// Failed returns how many cases do not hold.
func (r *CaseReport) Failed() int {
	n := 0
	for i := range r.Results {
		if len(r.Results[i].Misses) > 0 {
			n++
		}
	}
	return n
}

// Unhit are the entries that no case won by, in the order of the chain.
func (r *CaseReport) Unhit() []string {
	var out []string
	for _, e := range r.Entries {
		if e.Won == 0 {
			out = append(out, e.Entry)
		}
	}
	return out
}

// String says what was expected and what came, with the trace; empty if the
// case holds.
func (res *CaseResult) String() string {
	if len(res.Misses) == 0 {
		return ""
	}
	var b strings.Builder
	if at := res.Case.At.String(); at != "" {
		b.WriteString(at + ": ")
	}
	b.WriteString(res.Case.Name + "\n")
	for _, m := range res.Misses {
		fmt.Fprintf(&b, "  %s: want %s, got %s\n", m.What, m.Want, m.Got)
	}
	b.WriteString("  The chain:\n")
	for line := range strings.Lines(res.Explanation) {
		b.WriteString("    " + line)
	}
	return b.String()
}

// RunCases routes every case and compares. A case that does not hold is part of
// the report; the error is a [leadloop.Problems] with everything that is wrong
// with the cases themselves, or a reader's, or ctx's.
//
// A case is decided as [NewStage] decides about a lead that arrives: one with
// an open opportunity is its owner's, and the chain is not asked.
func RunCases(ctx context.Context, r *Router, cases []Case, o CaseOptions) (CaseReport, error) {
	requests, err := requests(r, cases, false)
	if err != nil {
		return CaseReport{}, err
	}
	out := CaseReport{Results: make([]CaseResult, len(cases))}
	won := map[string]int{}
	for i := range cases {
		res := &out.Results[i]
		res.Case = cases[i]
		if err := res.run(ctx, r, &requests[i], o); err != nil {
			return CaseReport{}, fmt.Errorf("routing: case %q: %w", cases[i].Name, err)
		}
		won[res.Assignment.Entry]++
	}
	for _, id := range r.Chain() {
		out.Entries = append(out.Entries, EntryCount{id, won[id]})
	}
	out.Final = won[""]
	return out, nil
}

func (res *CaseResult) run(ctx context.Context, r *Router, q *Request, o CaseOptions) (err error) {
	c, a := &res.Case, &res.Assignment
	if c.Tier == "" && o.Score != nil {
		if q.Lead.State.Score, err = o.Score(ctx, q.Profile, q.Lead.Activities, q.AsOf); err != nil {
			return err
		}
	}
	rd := c.Reader
	if rd == nil {
		rd = &Snapshot{}
	}
	if c.Busy != nil {
		r = r.WithBusy(func(_ context.Context, id leadloop.RepID, _ time.Time) (Busy, error) { return c.Busy[id], nil })
	}
	if q.Opportunity != nil && (q.Recycled || c.Previous == "") {
		d, err := r.newDecision(ctx, rd, q)
		if err != nil {
			return err
		}
		*a = Assignment{Kind: leadloop.OutcomeAlerted, Reason: reasonOpportunity, Trace: Trace{Note: "it has an open opportunity: " + d.opportunityOwner() + " is told"}}
		if id, ok := strings.CutPrefix(d.opportunityOwner(), "rep:"); ok {
			a.Owner = leadloop.RepID(id)
		} else {
			a.Queue = r.final
		}
	} else if *a, err = r.Route(ctx, rd, *q); err != nil {
		return err
	}
	res.Explanation = r.Explain(a.Trace)
	res.Misses = c.Want.misses(r, a)
	return nil
}

// misses compares.
func (w *Want) misses(r *Router, a *Assignment) []Miss {
	var out []Miss
	differ := func(what, want, got string) {
		if want != "" && want != got {
			out = append(out, Miss{what, want, cmp.Or(got, "none")})
		}
	}
	moment := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	owner, alert := a.Owner, leadloop.RepID("")
	if a.Kind == leadloop.OutcomeAlerted {
		owner, alert = "", a.Owner
	}
	differ("entry", w.Entry, cmp.Or(a.Entry, NoEntry))
	differ("owner", string(w.Owner), string(owner))
	differ("pool", w.Pool, a.Pool)
	differ("queue", w.Queue, a.Queue)
	differ("track", w.Track, a.Track)
	differ("alert", string(w.Alert), string(alert))
	differ("reason", w.Reason, a.Reason)
	differ("sla", w.SLA, cmp.Or(a.SLA.Policy, NoSLA))
	differ("due", moment(w.DueAt), moment(a.SLA.DueAt))
	differ("wake", moment(w.WakeAt), moment(a.WakeAt))
	for _, id := range slices.Sorted(maps.Keys(w.Verdicts)) {
		differ("verdict of "+id, string(w.Verdicts[id]), string(r.verdict(a, id)))
	}
	for _, id := range w.Skipped {
		is := func(m MemberTrace) bool { return m.Member == id }
		if !slices.ContainsFunc(a.Trace.Entries, func(t EntryTrace) bool { return slices.ContainsFunc(t.Skipped, is) }) {
			out = append(out, Miss{"skipped", string(id), "somebody who could have had it, or was not asked about"})
		}
	}
	if w.Needs != nil {
		want := slices.Compact(slices.Sorted(slices.Values(w.Needs)))
		for i := range want {
			if _, ok := r.schema.Lookup(want[i]); !ok && !slices.Contains(varNames(), want[i]) {
				want[i] = fieldName(want[i])
			}
		}
		if got := a.Trace.Needs(); !slices.Equal(want, got) {
			out = append(out, Miss{"needs", orNothing(want), orNothing(got)})
		}
	}
	return out
}

func orNothing(names []string) string { return cmp.Or(strings.Join(names, ", "), "nothing") }

// verdict is what an entry of the chain came to.
func (r *Router) verdict(a *Assignment, id string) Verdict {
	for i := range a.Trace.Entries {
		if e := &a.Trace.Entries[i]; e.Entry == id {
			return e.Verdict
		}
	}
	chain := r.Chain()
	if a.Kind == leadloop.OutcomeAlerted && a.Entry == "" || a.Entry != "" && slices.Index(chain, id) > slices.Index(chain, a.Entry) {
		return VerdictNotAsked
	}
	return VerdictNotMatched
}

func varNames() []string {
	var out []string
	for _, v := range Vars() {
		out = append(out, v.Name)
	}
	return out
}

// fieldName spells a field in full.
func fieldName(name string) string {
	if strings.Contains(name, ".") {
		return name
	}
	return "lead." + name
}

// requests checks cases against a router and makes them ready. What is missing
// is left out of broken ones: it may have been there and could not be read.
func requests(r *Router, cases []Case, broken bool) ([]Request, error) {
	if r == nil {
		return nil, fmt.Errorf("routing: %w: no router", leadloop.ErrInvalid)
	}
	var problems leadloop.Problems
	seen := map[string]bool{}
	out := make([]Request, len(cases))
	for i := range cases {
		k := caseCheck{r: r, c: &cases[i], broken: broken, problems: &problems}
		if seen[k.c.Name] && k.c.Name != "" {
			k.add("name", "", "the name is taken by an earlier case")
		}
		seen[k.c.Name] = true
		out[i] = k.request()
		k.want()
	}
	problems.Sort()
	return out, problems.Err()
}

// caseCheck finds what is wrong with one case.
type caseCheck struct {
	r        *Router
	c        *Case
	broken   bool
	problems *leadloop.Problems
}

func (k *caseCheck) add(key, hint, format string, args ...any) {
	at, ok := k.c.at[key]
	if !ok {
		at = k.c.At
	}
	k.problems.AddHint(at, hint, "case %q: %s", k.c.Name, fmt.Sprintf(format, args...))
}

// one of the names has to be meant.
func (k *caseCheck) one(key, what, name string, names []string) {
	if !slices.Contains(names, name) {
		k.add(key, cmp.Or(suggest.DidYouMean(name, names), strings.Join(names[:min(len(names), 12)], ", ")), "%s: there is no %s %q", key, what, name)
	}
}

func (k *caseCheck) request() Request {
	c := k.c
	if strings.TrimSpace(c.Name) == "" && !k.broken {
		k.add("name", "", "name: expected a sentence that says what is tested")
	}
	if c.AsOf.IsZero() {
		k.add("as_of", "", "as_of: missing: when the lead arrives")
	}
	lead := &leadloop.Lead{ID: "case", ReceivedAt: c.AsOf, Activities: slices.Clone(c.Activities)}
	for i := range lead.Activities {
		if lead.Activities[i].ID == "" {
			lead.Activities[i].ID = fmt.Sprintf("activity-%d", i+1)
		}
		if lead.Activities[i].Type == "" && !k.broken {
			k.add(fmt.Sprintf("activities[%d]", i), "", "activities[%d]: missing type", i)
		}
	}
	switch {
	case c.Tier != "":
		if k.r.tiers != nil && c.Tier != NoTier {
			k.one("tier", "tier", c.Tier, k.r.tiers)
		}
		lead.State.Score = leadloop.Score{Known: true, Tier: c.Tier, Model: "case"}
		if c.Tier == NoTier {
			lead.State.Score.Tier = ""
		}
		if p := c.Points; p != nil {
			lead.State.Score.Points, lead.State.Score.Low, lead.State.Score.High = *p, *p, *p
		}
	case c.Points != nil:
		k.add("points", "", "points: go with a tier")
	}
	if c.Previous != "" {
		lead.State.Owner, lead.State.OwnerSince, lead.State.Disposition = c.Previous, c.AsOf.Add(-day), leadloop.OutcomeAssigned
	}
	p := k.r.schema.NewProfile()
	for _, name := range slices.Sorted(maps.Keys(c.Lead)) {
		if def, ok := k.field("lead."+name, name); ok {
			if problem := yamldoc.Set(p, def, c.Lead[name]); problem != "" {
				k.add("lead."+name, "", "%s", problem)
			}
		}
	}
	for i, name := range c.None {
		key := fmt.Sprintf("none[%d]", i)
		def, ok := k.field(key, name)
		switch {
		case !ok:
		case p.Value(def.Name).Presence() != leadloop.Absent:
			k.add(key, "", "none: %s has a value or stands here twice", def.Name)
		default:
			if problem := yamldoc.Set(p, def, leadloop.NoValue(def.Kind)); problem != "" {
				k.add(key, "", "%s", problem)
			}
		}
	}
	p.SetActivities(lead.Activities)
	return Request{
		Lead: lead, Profile: p, AsOf: c.AsOf, Account: c.Account, Contact: c.Contact, Opportunity: c.Opportunity, Domain: c.Domain,
		Recycled: c.Recycled, Exclude: c.Exclude,
	}
}

func (k *caseCheck) field(key, name string) (leadloop.FieldDef, bool) {
	def, ok := k.r.schema.Lookup(fieldName(name))
	if !ok {
		var known []string
		for _, f := range k.r.schema.Fields() {
			known = append(known, f.Name)
		}
		k.add(key, suggest.DidYouMean(fieldName(name), known), "unknown field %q", name)
	}
	return def, ok
}

func (k *caseCheck) want() {
	w, r := &k.c.Want, k.r
	if w.isZero() && !k.broken {
		k.add("want", "", "want: says nothing that could fail")
	}
	chain := r.Chain()
	if w.Entry != "" && w.Entry != NoEntry {
		k.one("want.entry", "entry", w.Entry, chain)
	}
	if w.Pool != "" {
		k.one("want.pool", "pool", w.Pool, slices.Sorted(maps.Keys(r.poolAt)))
	}
	if w.Queue != "" {
		names := make([]string, len(r.queues))
		for i := range r.queues {
			names[i] = r.queues[i].ID
		}
		k.one("want.queue", "queue", w.Queue, names)
	}
	if w.SLA != "" && w.SLA != NoSLA {
		names := make([]string, len(r.policies))
		for i := range r.policies {
			names[i] = r.policies[i].ID
		}
		k.one("want.sla", "policy", w.SLA, names)
	}
	verdicts := []string{string(VerdictWon), string(VerdictNotMatched), string(VerdictUndecided), string(VerdictNobody), string(VerdictFailed), string(VerdictNotAsked)}
	for _, id := range slices.Sorted(maps.Keys(w.Verdicts)) {
		k.one("want.verdicts", "entry", id, chain)
		k.one("want.verdicts", "verdict", string(w.Verdicts[id]), verdicts)
	}
	for i, name := range w.Needs {
		if !slices.Contains(varNames(), name) {
			k.field(fmt.Sprintf("want.needs[%d]", i), name)
		}
	}
	if n := len(slices.DeleteFunc([]string{string(w.Owner), w.Queue, w.Track, string(w.Alert)}, func(s string) bool { return s == "" })); n > 1 {
		k.add("want", "", "want: a lead goes to one of owner, queue, track and alert; found %d of them", n)
	}
}
