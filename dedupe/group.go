package dedupe

import (
	"cmp"

	"github.com/leadloop/leadloop"
)

// sameBundle holds for claims that came from one source in one observation.
func sameBundle(a, b leadloop.Claim) bool {
	return sameParty(a, b) && a.Record == b.Record && a.ObservedAt.Equal(b.ObservedAt)
}

// follow chooses the value of a field that follows its group's anchor.
func (p *Policy) follow(g *group, own rule, c leadloop.Contest, live []int32) (int, leadloop.Value) {
	anchorRule, ok := p.fields[g.anchor.Name]
	if !ok {
		anchorRule = p.fallback
	}
	anchors := fieldClaims(c.Claims, g.anchor)
	var anchor leadloop.Value
	lead := -1
	if len(anchors) > 0 {
		lead, anchor = p.Survivor(leadloop.Contest{Field: g.anchor.Name, Claims: c.Claims, Candidates: anchors})
	}
	head := p.head(g, anchorRule, c.Claims, anchors, lead, anchor)
	if w, ok := correction(own, c.Claims, live, anchors, head); ok {
		return w, c.Claims[w].Value
	}
	if head >= 0 {
		var inBundle []int32
		for _, i := range live {
			if sameBundle(c.Claims[i], c.Claims[head]) {
				inBundle = append(inBundle, i)
			}
		}
		if w, v := own.survivor(c.Claims, inBundle); w >= 0 {
			return w, v
		}
	}
	return nothing(c.Claims, live)
}

// head returns a claim of the bundle that the whole group follows, -1 if there is none: the anchor's winner if its source said more than the
// anchor, else the best claim that agrees on the anchor among those whose source did; without an anchor, the best of any source.
func (p *Policy) head(g *group, r rule, claims []leadloop.Claim, anchors []int32, lead int, anchor leadloop.Value) int {
	var heads []int32
	if lead >= 0 {
		if p.saysMore(g, claims, claims[lead]) {
			return lead
		}
		for _, i := range r.live(claims, anchors) {
			if claims[i].Value.Equal(anchor) && p.saysMore(g, claims, claims[i]) {
				heads = append(heads, i)
			}
		}
	} else {
		for _, d := range g.followers {
			for _, i := range r.live(claims, fieldClaims(claims, d)) {
				if claims[i].Value.Presence() == leadloop.Present && isCandidate(claims[i]) {
					heads = append(heads, i)
				}
			}
		}
	}
	if r.hierarchy {
		heads = strongest(claims, heads)
	}
	w, _ := r.best(claims, heads)
	return w
}

// saysMore reports whether the bundle of c has a value for a follower.
func (p *Policy) saysMore(g *group, claims []leadloop.Claim, c leadloop.Claim) bool {
	for _, d := range g.followers {
		r, ok := p.fields[d.Name]
		if !ok {
			r = p.fallback
		}
		for i := range claims {
			f := &claims[i]
			if f.Field == d.Name && f.Value.Kind() == d.Kind && f.Value.Presence() == leadloop.Present && isCandidate(*f) &&
				!r.ignore[f.Source] && sameBundle(*f, c) {
				return true
			}
		}
	}
	return false
}

// correction returns what a rep typed into this one field without stating the anchor, unless the whole address is a rep's and newer.
func correction(r rule, claims []leadloop.Claim, live, anchors []int32, head int) (int, bool) {
	best := -1
next:
	for _, i := range live {
		c := claims[i]
		if c.Origin != leadloop.OriginRep || !isCandidate(c) || c.Value.Presence() == leadloop.KnownAbsent {
			continue
		}
		for _, j := range anchors {
			if sameBundle(c, claims[j]) {
				continue next
			}
		}
		if head >= 0 && !sameBundle(c, claims[head]) && (claims[head].Origin == leadloop.OriginRep || !r.hierarchy) &&
			!c.EffectiveAt().After(claims[head].EffectiveAt()) {
			continue
		}
		if best < 0 || cmp.Or(c.EffectiveAt().Compare(claims[best].EffectiveAt()), later(c, claims[best])) > 0 {
			best = int(i)
		}
	}
	return best, best >= 0
}

func fieldClaims(claims []leadloop.Claim, d leadloop.FieldDef) []int32 {
	var out []int32
	for i := range claims {
		if claims[i].Field == d.Name && claims[i].Value.Kind() == d.Kind {
			out = append(out, int32(i))
		}
	}
	return out
}
