package enrich

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/leadloop/leadloop"
)

// Outlook tells what the fields that a lead lacks could still change.
type Outlook interface {
	// Open returns those of the changeable fields that could still change what
	// happens to s, and what happens as it is. A field is left out only if no
	// value of it, and its staying unknown, makes a difference whatever the
	// other changeable fields come to; fields that are not changeable stay as
	// they are. Where that can't be told the field is in.
	//
	// It is called before every lookup with the profile as it looks by then,
	// concurrently for different leads. It modifies neither s nor changeable.
	Open(ctx context.Context, s leadloop.Subject, changeable []string) (Prospect, error)
}

// OutlookFunc makes a function an Outlook.
type OutlookFunc func(ctx context.Context, s leadloop.Subject, changeable []string) (Prospect, error)

// Open calls f.
func (f OutlookFunc) Open(ctx context.Context, s leadloop.Subject, changeable []string) (Prospect, error) {
	return f(ctx, s, changeable)
}

// Prospect is what could still become of a lead.
type Prospect struct {
	// Decision says what happens to the lead, in words that a report may hold:
	// "tier B and owner Ana". It is looked at if nothing could change it.
	Decision string
	// Open are the fields that could change it, in any order; none if it is
	// decided.
	Open []Influence
	// Refused is a reason code if what is known by now forbids to send the lead
	// to anybody, whatever else is learnt. The run ends with it.
	Refused string
}

// Influence is what one field could still change.
type Influence struct {
	Field string
	// Weight says how likely the field makes a difference, in (0, 1]: the share
	// of the values that rules tell apart with which the lead would end up
	// elsewhere, or a small weight if it only does together with others.
	Weight float64
	// Changes says in words what it could change: "tier", "route".
	Changes string
}

// expected is the expected price of one call.
func (g *guard) expected() float64 {
	if g.Charge == ChargeCall {
		return float64(g.Price)
	}
	return float64(g.Price) * g.MatchRate
}

func cmpPrice(a, b *guard) int { return cmp.Compare(a.expected(), b.expected()) }

// round is what comes next: the sources to ask at once, each for its fields.
type round struct {
	sources []int
	asked   [][]string
	because []string
}

// next plans the next step; nil if there is none. It leaves in r.open what
// could still change the decision.
func (r *run) next(ctx context.Context) (*round, error) {
	r.survey()
	changeable := r.changeable()
	if err := r.look(ctx, changeable); err != nil {
		return nil, err
	}
	if len(r.open) == 0 {
		return nil, nil
	}
	var ready []int // sources whose turn it is for an open field
	parallel := map[int]bool{}
	for _, f := range sortedKeys(r.open) {
		for _, i := range r.turn(f) {
			if !slices.Contains(ready, i) {
				ready = append(ready, i)
			}
			parallel[i] = parallel[i] || r.w.order[f] == OrderParallel
		}
	}
	if len(ready) == 0 {
		return nil, nil
	}
	slices.Sort(ready)
	best := ready[0]
	for _, i := range ready[1:] {
		if r.before(i, best) {
			best = i
		}
	}
	batch := []int{best}
	if parallel[best] {
		batch = slices.DeleteFunc(ready, func(i int) bool { return !parallel[i] })
	}
	s := &round{sources: batch}
	for _, i := range batch {
		asked := r.wants(i)
		s.asked, s.because = append(s.asked, asked), append(s.because, r.because(asked))
	}
	return s, nil
}

// look asks what is open. Without an outlook everything is.
func (r *run) look(ctx context.Context, changeable []string) error {
	r.open = map[string]Influence{}
	if r.judged() && len(changeable) > 0 {
		// What is unknown and nobody can tell stays as it is.
		p, err := r.w.o.Outlook.Open(ctx, r.s, changeable)
		if err != nil {
			return fmt.Errorf("enrich: the outlook of lead %s: %w", r.s.Lead.ID, err)
		}
		if r.decision, r.report.Stopped = p.Decision, p.Refused; p.Refused != "" {
			return nil
		}
		for _, in := range p.Open {
			if slices.Contains(changeable, in.Field) {
				r.open[in.Field] = in
			}
		}
	}
	for _, f := range changeable {
		if !r.judged() || r.forced[f] || r.w.o.Policies[f].Buy == BuyAlways {
			r.open[f] = Influence{Field: f, Weight: 1}
		}
	}
	// A field that a source is asked by is worth what the source can tell.
	for _, f := range sortedKeys(r.open) {
		for _, need := range r.lacking(f) {
			if _, ok := r.open[need]; !ok && slices.Contains(changeable, need) {
				in := r.open[f]
				in.Field = need
				r.open[need] = in
			}
		}
	}
	return nil
}

func (r *run) judged() bool { return r.w.o.Mode == Needed && r.w.o.Outlook != nil }

// survey finds the sources that can be asked now.
func (r *run) survey() {
	for i, src := range r.w.sources {
		r.usable[i] = !r.out[i] && r.refused[i] == "" && r.identified(src)
	}
}

// changeable are the missing fields that somebody could still tell.
func (r *run) changeable() []string {
	var out []string
	for _, f := range r.missing {
		if r.turn(f) != nil || len(r.lacking(f)) > 0 {
			out = append(out, f)
		}
	}
	return out
}

// turn returns the sources to be asked next about a field: one, or all of a
// parallel field; nil if nobody is left.
func (r *run) turn(field string) []int {
	var out []int
	for _, i := range r.w.lists[field] {
		if !r.usable[i] {
			continue
		}
		out = append(out, i)
		if r.w.order[field] != OrderParallel {
			break
		}
	}
	return out
}

// lacking are the missing fields that would let a source answer a field nobody
// else can answer.
func (r *run) lacking(field string) []string {
	if r.turn(field) != nil {
		return nil
	}
	var out []string
	for _, i := range r.w.lists[field] {
		src := r.w.sources[i]
		if r.out[i] || r.refused[i] != "" {
			continue
		}
		for _, need := range src.Needs {
			if slices.Contains(r.missing, need) && r.turn(need) != nil {
				out = append(out, need)
			}
		}
	}
	return out
}

// wants are the open fields that a source can answer and is on the list for,
// whether it is its turn or not: a second call would cost again. What else is
// missing comes along in a bundle.
func (r *run) wants(i int) []string {
	var out []string
	for _, f := range r.missing {
		_, open := r.open[f]
		if (open || r.w.sources[i].Bundle) && slices.Contains(r.w.lists[f], i) {
			out = append(out, f)
		}
	}
	return out
}

// before reports whether source i is asked before source j, which is listed
// before it.
func (r *run) before(i, j int) bool {
	a, b := r.w.sources[i], r.w.sources[j]
	switch {
	case r.w.o.Order == OrderCheapest:
		return cmpPrice(a, b) < 0
	case r.w.o.Order == OrderValue && r.judged():
		return r.value(i) > r.value(j)
	}
	return false
}

// value is the expected value of a call for its price: see Source.MatchRate.
func (r *run) value(i int) float64 {
	sum := 0.0
	for _, f := range r.wants(i) {
		sum += r.open[f].Weight
	}
	src := r.w.sources[i]
	price := src.expected()
	if price == 0 {
		return math.Inf(1)
	}
	return sum * src.MatchRate / price
}

// because says why a source is asked; nothing if everything is bought.
func (r *run) because(asked []string) string {
	if !r.judged() {
		return ""
	}
	by := map[string][]string{}
	for _, f := range asked {
		in, open := r.open[f]
		switch {
		case !open:
			by["comes along at no extra cost"] = append(by["comes along at no extra cost"], f)
		case in.Changes == "":
			by["is bought in any case"] = append(by["is bought in any case"], f)
		default:
			by["could change "+in.Changes] = append(by["could change "+in.Changes], f)
		}
	}
	parts := make([]string, 0, len(by))
	for _, what := range sortedKeys(by) {
		parts = append(parts, and(by[what])+" "+what)
	}
	return strings.Join(parts, "; ")
}

// conclude says why the run ended.
func (r *run) conclude() {
	if !r.judged() {
		return
	}
	r.survey()
	asked, rest := 0, r.changeable()
	for _, c := range r.report.Calls {
		if c.Outcome != Skipped {
			asked++
		}
	}
	after := fmt.Sprintf("after %d of %s", asked, count(len(r.w.sources), "provider"))
	if asked == 0 {
		after = fmt.Sprintf("before any of %s was asked", count(len(r.w.sources), "provider"))
	}
	switch {
	case r.report.Stopped != "":
		r.report.Because = "stopped " + after + ": " + r.decision
	case len(r.open) == 0 && len(rest) > 0:
		verb := " is"
		if len(rest) > 1 {
			verb = " are"
		}
		r.report.Stopped, r.report.NotNeeded = StoppedDecided, rest
		r.report.Because = "stopped " + after + ": " + cmp.Or(r.decision, "the decision is the same") + " whatever " + and(rest) + verb
		r.spare(rest)
	case len(r.missing) > 0:
		r.report.Because = "ended " + after + ": nobody is left to ask about " + and(r.missing)
	}
}

// spare notes the calls that asking for the fields all the same would have
// taken: each source left, in the order of the list, at its expected price, as
// if it then answered all that it offers.
func (r *run) spare(fields []string) {
	rest, sum := slices.Clone(fields), 0.0
	for i, src := range r.w.sources {
		of := func(f string) bool { return slices.Contains(r.w.lists[f], i) }
		if !r.usable[i] || !slices.ContainsFunc(rest, of) {
			continue
		}
		told := slices.DeleteFunc(slices.Clone(rest), func(f string) bool { return !of(f) })
		r.report.Spared = append(r.report.Spared, Spared{src.Name, told, leadloop.Micros(math.Round(src.expected()))})
		sum += src.expected()
		rest = slices.DeleteFunc(rest, of)
	}
	r.report.Saved = leadloop.Micros(math.Round(sum))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// and joins names as a sentence does.
func and(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
