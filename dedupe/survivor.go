package dedupe

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/leadloop/leadloop"
)

// Survivor implements leadloop.SurvivorshipPolicy.
func (p *Policy) Survivor(c leadloop.Contest) (winner int, golden leadloop.Value) {
	r, ok := p.fields[c.Field]
	if !ok {
		r = p.fallback
	}
	if c.Field == leadloop.Consent.Name() {
		return r.consent(c.Claims, c.Candidates)
	}
	if c.Field == leadloop.Source.Name() {
		// A pin, a clear or what a person ignores would rewrite where the lead came from.
		return r.best(c.Claims, slices.DeleteFunc(r.heard(c.Claims, c.Candidates), func(i int32) bool {
			return c.Claims[i].Value.Presence() != leadloop.Present || !isCandidate(c.Claims[i])
		}))
	}
	live := r.live(c.Claims, c.Candidates)
	if w, ok := pinned(c.Claims, live); ok {
		return w, c.Claims[w].Value
	}
	if g := p.groups[c.Field]; g != nil {
		return p.follow(g, r, c, live)
	}
	return r.survivor(c.Claims, live)
}

// heard leaves out ignored sources.
func (r rule) heard(claims []leadloop.Claim, candidates []int32) []int32 {
	out := make([]int32, 0, len(candidates))
	for _, i := range candidates {
		if !r.ignore[claims[i].Source] {
			out = append(out, i)
		}
	}
	return out
}

// live leaves out ignored sources, and what a human ignores as long as anybody says anything else.
func (r rule) live(claims []leadloop.Claim, candidates []int32) []int32 {
	heard := r.heard(claims, candidates)
	if !slices.ContainsFunc(heard, func(i int32) bool { return claims[i].Pin == leadloop.Ignored }) {
		return heard
	}
	released := releasedAt(claims, heard)
	var believed, ignored []int32
	said := false
	for _, i := range heard {
		switch {
		case claims[i].Pin == leadloop.Ignored:
		case isIgnored(claims, heard, i, released):
			ignored = append(ignored, i)
		default:
			believed = append(believed, i)
			said = said || isCandidate(claims[i])
		}
	}
	if !said {
		believed = append(believed, ignored...)
	}
	return believed
}

// isIgnored reports whether a human ignores claim i: its value, or one that its source said of the same record before the human did so. What
// a human pins, and what a rep says afterwards, is not ignored.
func isIgnored(claims []leadloop.Claim, heard []int32, i int32, released time.Time) bool {
	c := claims[i]
	if c.Pin != leadloop.NotPinned {
		return false
	}
	return slices.ContainsFunc(heard, func(j int32) bool {
		by := claims[j]
		switch {
		case by.Pin != leadloop.Ignored || !isHuman(by.Origin) || by.ObservedAt.Before(released):
			return false
		case c.Origin == leadloop.OriginRep && c.ObservedAt.After(by.ObservedAt):
			return false
		case c.Value.Equal(by.Value):
			return true
		}
		return slices.ContainsFunc(heard, func(k int32) bool {
			d := claims[k]
			return d.Pin == leadloop.NotPinned && sameParty(c, d) && c.Record == d.Record && d.Value.Equal(by.Value) && !d.ObservedAt.After(by.ObservedAt)
		})
	})
}

// isCandidate holds for claims that state something; the others are about what was stated.
func isCandidate(c leadloop.Claim) bool {
	return c.Pin == leadloop.NotPinned || c.Pin == leadloop.Pinned
}

// releasedAt is when a human last released the field's pins.
func releasedAt(claims []leadloop.Claim, live []int32) time.Time {
	var at time.Time
	for _, i := range live {
		if c := claims[i]; c.Pin == leadloop.Unpinned && isHuman(c.Origin) && c.ObservedAt.After(at) {
			at = c.ObservedAt
		}
	}
	return at
}

// isHuman holds for the origins whose pins and blanks are somebody's intent.
func isHuman(o leadloop.Origin) bool { return o == leadloop.OriginRep || o == leadloop.OriginPerson }

// pinned returns the latest pin that no later release lifted.
func pinned(claims []leadloop.Claim, live []int32) (int, bool) {
	released := releasedAt(claims, live)
	best := -1
	for _, i := range live {
		c := claims[i]
		if c.Pin != leadloop.Pinned || !isHuman(c.Origin) || c.ObservedAt.Before(released) {
			continue
		}
		if best < 0 || cmp.Or(c.ObservedAt.Compare(claims[best].ObservedAt), cmp.Compare(c.Origin, claims[best].Origin), c.Compare(claims[best])) > 0 {
			best = int(i)
		}
	}
	return best, best >= 0
}

// survivor chooses among live claims, pins aside.
func (r rule) survivor(claims []leadloop.Claim, live []int32) (int, leadloop.Value) {
	live = slices.DeleteFunc(slices.Clone(live), func(i int32) bool { return !isCandidate(claims[i]) })
	said := slices.DeleteFunc(slices.Clone(live), func(i int32) bool { return !says(claims, live, i) })
	byOrigin := r.hierarchy && r.kind != Union
	if byOrigin {
		said = strongest(claims, said)
	}
	cleared := -1
	for _, i := range said {
		if claims[i].Value.Presence() == leadloop.Empty && (cleared < 0 || later(claims[i], claims[cleared]) > 0) {
			cleared = int(i)
		}
	}
	values := slices.DeleteFunc(said, func(i int32) bool {
		return claims[i].Value.Presence() == leadloop.Empty || cleared >= 0 && claims[i].EffectiveAt().Before(claims[cleared].EffectiveAt())
	})
	switch {
	case len(values) > 0:
		return r.best(claims, values)
	case cleared >= 0:
		return cleared, claims[cleared].Value
	}
	return nothing(claims, live)
}

// says reports whether claim i says something that can win: a value that its source did not withdraw, or a clearing by a rep or by who gave
// a value before.
func says(claims []leadloop.Claim, live []int32, i int32) bool {
	c := claims[i]
	switch c.Value.Presence() {
	case leadloop.Present:
		return !slices.ContainsFunc(live, func(j int32) bool {
			d := claims[j]
			return d.Value.Presence() == leadloop.KnownAbsent && sameParty(c, d) && c.EffectiveAt().Before(d.EffectiveAt())
		})
	case leadloop.Empty:
		return c.Origin == leadloop.OriginRep || c.Origin >= leadloop.OriginImport && slices.ContainsFunc(live, func(j int32) bool {
			d := claims[j]
			return d.Value.Presence() == leadloop.Present && sameParty(c, d) && d.EffectiveAt().Before(c.EffectiveAt())
		})
	}
	return false
}

func sameParty(a, b leadloop.Claim) bool { return a.Origin == b.Origin && a.Source == b.Source }

func strongest(claims []leadloop.Claim, idx []int32) []int32 {
	top := leadloop.OriginDerived
	for _, i := range idx {
		top = max(top, claims[i].Origin)
	}
	return slices.DeleteFunc(idx, func(i int32) bool { return claims[i].Origin != top })
}

// nothing chooses among claims of which none gives a value: known absent says more than a blank.
func nothing(claims []leadloop.Claim, live []int32) (int, leadloop.Value) {
	best := -1
	for _, i := range live {
		c := claims[i]
		if c.Value.Presence() == leadloop.Present || !isCandidate(c) {
			continue // values that got here are withdrawn, or belong to another bundle of their group
		}
		if best >= 0 && cmp.Or(-cmp.Compare(c.Value.Presence(), claims[best].Value.Presence()), later(c, claims[best])) <= 0 {
			continue
		}
		best = int(i)
	}
	if best < 0 {
		return -1, leadloop.Value{}
	}
	return best, claims[best].Value
}

// later is positive if a is to be believed before b when all else is equal: the later one, the verified one, the one of the stronger origin,
// the surer one. It is a total order over distinct claims.
func later(a, b leadloop.Claim) int {
	return cmp.Or(
		a.EffectiveAt().Compare(b.EffectiveAt()),
		a.VerifiedAt.Compare(b.VerifiedAt),
		cmp.Compare(a.Origin, b.Origin),
		cmp.Compare(a.Confidence, b.Confidence),
		a.Compare(b),
	)
}

// best chooses among claims with values by the rule's kind.
func (r rule) best(claims []leadloop.Claim, values []int32) (int, leadloop.Value) {
	if len(values) == 0 {
		return -1, leadloop.Value{}
	}
	if r.kind == Union {
		return unite(claims, latest(claims, values))
	}
	prefer := r.prefer(claims, values)
	best := values[0]
	for _, i := range values[1:] {
		if cmp.Or(prefer(claims[i], claims[best]), later(claims[i], claims[best])) > 0 {
			best = i
		}
	}
	return int(best), claims[best].Value
}

// prefer returns the kind's own comparison: positive if a goes before b.
func (r rule) prefer(claims []leadloop.Claim, values []int32) func(a, b leadloop.Claim) int {
	switch r.kind {
	case MostRecent:
		return func(a, b leadloop.Claim) int { return a.ObservedAt.Compare(b.ObservedAt) }
	case Oldest:
		return func(a, b leadloop.Claim) int {
			return cmp.Or(b.ObservedAt.Compare(a.ObservedAt), b.Compare(a))
		}
	case HighestConfidence:
		return func(a, b leadloop.Claim) int { return cmp.Compare(a.Confidence, b.Confidence) }
	case Longest:
		return func(a, b leadloop.Claim) int { return cmp.Compare(length(a.Value), length(b.Value)) }
	case SourcePriority:
		return func(a, b leadloop.Claim) int { return cmp.Compare(r.rankOf(b.Source), r.rankOf(a.Source)) }
	case MostFrequent:
		votes := latest(claims, values)
		count := func(v leadloop.Value) (n int) {
			for _, i := range votes {
				if claims[i].Value.Equal(v) {
					n++
				}
			}
			return n
		}
		return func(a, b leadloop.Claim) int { return cmp.Compare(count(a.Value), count(b.Value)) }
	}
	return func(a, b leadloop.Claim) int { return 0 }
}

func (r rule) rankOf(source string) int {
	if i, ok := r.rank[source]; ok {
		return i
	}
	return len(r.rank)
}

func length(v leadloop.Value) int {
	if v.Kind() == leadloop.KindStrings {
		return v.Len()
	}
	return utf8.RuneCountInString(v.Text())
}

// latest keeps the latest claim of each source per record.
func latest(claims []leadloop.Claim, values []int32) []int32 {
	out := make([]int32, 0, len(values))
next:
	for _, i := range values {
		for n, j := range out {
			if sameParty(claims[i], claims[j]) && claims[i].Record == claims[j].Record {
				if later(claims[i], claims[j]) > 0 {
					out[n] = i
				}
				continue next
			}
		}
		out = append(out, i)
	}
	return out
}

func unite(claims []leadloop.Claim, values []int32) (int, leadloop.Value) {
	best := values[0]
	var all []string
	for _, i := range values {
		if later(claims[i], claims[best]) > 0 {
			best = i
		}
		for n := range claims[i].Value.Len() {
			all = append(all, claims[i].Value.At(n))
		}
	}
	slices.Sort(all)
	return int(best), leadloop.ValueOf(slices.Compact(all))
}

// restrictions orders consent from the most to the least restrictive; what is not in the list is no permission.
var restrictions = []string{leadloop.ConsentWithdrawn, leadloop.ConsentDenied, leadloop.ConsentPending, leadloop.ConsentGranted}

func restriction(v leadloop.Value) int {
	if i := slices.Index(restrictions, strings.ToLower(strings.TrimSpace(v.Text()))); i >= 0 {
		return i
	}
	return slices.Index(restrictions, leadloop.ConsentPending)
}

// consent returns the most restrictive claim, whatever the policy says about pins, origins and kinds: a source that is ignored can't permit, but
// it can restrict. One thing is no disagreement: a source that said pending and later granted has had its double opt-in confirmed.
func (r rule) consent(claims []leadloop.Claim, candidates []int32) (int, leadloop.Value) {
	granted := len(restrictions) - 1
	best := -1
	for _, i := range candidates {
		c := claims[i]
		if c.Value.Presence() != leadloop.Present || !isCandidate(c) {
			continue
		}
		rank := restriction(c.Value)
		if rank == granted && r.ignore[c.Source] {
			continue
		}
		if strings.EqualFold(c.Value.Text(), leadloop.ConsentPending) && slices.ContainsFunc(candidates, func(j int32) bool {
			d := claims[j]
			return d.Value.Presence() == leadloop.Present && isCandidate(d) && restriction(d.Value) == granted && sameParty(c, d) && d.ObservedAt.After(c.ObservedAt)
		}) {
			continue
		}
		if best < 0 || cmp.Or(cmp.Compare(restriction(claims[best].Value), rank), later(c, claims[best])) > 0 {
			best = int(i)
		}
	}
	if best < 0 {
		return nothing(claims, r.live(claims, candidates))
	}
	return best, claims[best].Value
}
