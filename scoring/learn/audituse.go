package learn

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop/internal/measure"
)

// firing asks which rules never or always hold.
func (a *auditor) firing() {
	a.out.Rules = a.rules
	const check = "do all rules tell leads apart"
	if len(a.rules) == 0 {
		return
	}
	if a.rows < 100 {
		a.add(Finding{Check: check, Level: LevelUnknown, Proposal: tooFew, Says: fmt.Sprintf("there are %d leads; 100 are needed", a.rows)})
		return
	}
	share := func(n int) *Interval { return new(measure.Rate(int64(n), int64(a.rows))) }
	var never, always, blind []string
	most, rarest := 0, a.rows
	for _, r := range a.rules {
		known := a.rows - r.Undecided
		rarest = min(rarest, r.Matched)
		switch {
		case r.Failed > 0:
			a.add(Finding{Check: "can the rule be computed", Subject: r.Rule, Level: LevelAlarm, Value: share(r.Failed), Threshold: new(0.0), Says: fmt.Sprintf("not for %d leads", r.Failed), Proposal: "mend it"})
		case r.Undecided > a.rows*9/10:
			blind, most = append(blind, r.Rule), max(most, r.Undecided)
		case r.Matched == 0:
			never = append(never, r.Rule)
		case r.Matched == known:
			always = append(always, r.Rule)
		}
	}
	for _, x := range []struct {
		rules        []string
		value        *Interval
		threshold    float64
		says, advice string
	}{
		{never, share(0), 0, fmt.Sprintf("never held, so hold for fewer than %.2f %% of leads", 100*measure.Rate(0, int64(a.rows)).High), "take them out, or look why; a scorecard's lines for what is missing or new may stay"},
		{always, share(a.rows), 1, "always held where they could be answered", "they change nothing but the level; take them out, or look why"},
		{blind, share(most), .9, "what they read is missing for nine leads of ten", "get the value, or take the rules out"},
	} {
		if len(x.rules) > 0 {
			a.add(Finding{Check: check, Subject: andList(x.rules), Level: LevelWatch, Value: x.value, Threshold: &x.threshold, Says: x.says, Proposal: x.advice})
		}
	}
	if len(never)+len(always)+len(blind) == 0 {
		a.add(Finding{Check: check, Level: LevelFine, Value: share(rarest), Threshold: new(0.0), Says: fmt.Sprintf("each of %d rules holds for some leads and not for others", len(a.rules))})
	}
}

// soon is before the end of a modifier its owner is to hear of it.
const soon = 30 * 24 * time.Hour

// modifiers asks whether they decide too much, and are in force.
func (a *auditor) modifiers() {
	d := a.o.Definition
	for _, m := range d.Modifiers {
		left := m.Expires.Sub(a.o.AsOf)
		days := left.Hours() / 24
		f := Finding{Check: "is the modifier in force", Subject: m.ID, Value: &Interval{Value: days, Low: days, High: days}, Threshold: new(0.0)}
		switch {
		case left <= 0:
			f.Level, f.Says, f.Proposal = LevelAlarm, "it ended on "+m.Expires.UTC().Format(time.DateOnly), "ask "+m.Owner+": prolong it or take it out"
		case left < soon:
			f.Level, f.Says, f.Proposal = LevelWatch, "it ends on "+m.Expires.UTC().Format(time.DateOnly), "ask "+m.Owner+" whether it is to go on"
			f.Threshold = new(soon.Hours() / 24)
		default:
			continue
		}
		a.add(f)
	}
	if len(d.Modifiers) == 0 || a.o.Model == nil || a.o.Score != "" || a.rows == 0 {
		return
	}
	share := measure.Rate(int64(a.decide), int64(a.rows))
	f := Finding{Check: "do modifiers decide too much", Level: LevelFine, Value: &share, Threshold: new(modifierShare),
		Says: fmt.Sprintf("without modifiers %d of %d leads would be in another tier", a.decide, a.rows)}
	if share.Low > modifierShare {
		f.Level, f.Proposal = LevelAlarm, "make rules of what they are for, so that it is explained and learnt from"
	}
	a.add(f)
}

const mostMisjudged = 10

// feedback names the leads that were misjudged most, and sets what reps said
// beside the scores.
func (a *auditor) feedback() {
	if !a.has {
		return
	}
	var high, low []judgedLead
	for _, j := range a.judged {
		switch e := ending(a.meta[j.row] & 3); {
		case math.IsNaN(j.score):
		case e == lost:
			high = append(high, j)
		case e == won:
			low = append(low, j)
		}
	}
	slices.SortStableFunc(high, func(x, y judgedLead) int { return cmp.Compare(y.score, x.score) })
	slices.SortStableFunc(low, func(x, y judgedLead) int { return cmp.Compare(x.score, y.score) })
	for _, list := range []struct {
		leads []judgedLead
		ended string
	}{{high, "lost"}, {low, "won"}} {
		for _, j := range list.leads[:min(mostMisjudged, len(list.leads))] {
			m := Misjudged{Row: j.row + 1, ID: j.id, Score: j.score, Tier: j.tier, Ended: list.ended}
			if a.words != nil {
				m.Feedback = a.words[j.row]
			}
			a.out.Misjudged = append(a.out.Misjudged, m)
		}
	}
	a.misjudged(low, high)
	if a.words == nil {
		return
	}
	var groups []measure.Group
	for _, j := range a.judged {
		if math.IsNaN(j.score) {
			continue
		}
		switch goodBad(a.words[j.row]) {
		case won:
			groups = append(groups, measure.Group{Score: j.score, Won: 1})
		case lost:
			groups = append(groups, measure.Group{Score: j.score, Lost: 1})
		}
	}
	good, bad := measure.Totals(groups)
	f := Finding{Check: "do reps agree with the scores", Level: LevelFine}
	if good < fewest || bad < fewest {
		f.Level, f.Proposal, f.Says = LevelUnknown, "let reps say of more leads whether they are good", fmt.Sprintf("reps called %d scored leads good and %d bad; %d of each are needed", good, bad, fewest)
		a.add(f)
		return
	}
	auc, _ := measure.AUC(groups)
	f.Value, f.Threshold = &auc, new(poor)
	f.Says = fmt.Sprintf("a lead that a rep calls good is above one called bad in %.1f %% of pairs (%.1f to %.1f)", 100*auc.Value, 100*auc.Low, 100*auc.High)
	switch {
	case auc.High < poor:
		f.Level, f.Proposal = LevelAlarm, "ask reps about the leads below: what did they see that the score does not"
	case auc.Low <= .5:
		f.Level, f.Proposal = LevelUnknown, "let reps say of more leads whether they are good"
	}
	a.add(f)
}

// misjudged says how many won leads score below the mean lost one, and what
// reps said of those that were misjudged most. Won and lost leads begin with
// the most misjudged.
func (a *auditor) misjudged(gained, missed []judgedLead) {
	const check = "are many leads misjudged"
	if len(gained) < fewest || len(missed) < fewest {
		a.add(Finding{Check: check, Level: LevelUnknown, Proposal: tooFew, Says: fmt.Sprintf("%d won and %d lost leads have a score; %d of each are needed", len(gained), len(missed), fewest)})
		return
	}
	mean := 0.0
	for _, j := range missed {
		mean += j.score / float64(len(missed))
	}
	below := 0
	for _, j := range gained {
		if j.score < mean {
			below++
		}
	}
	share := measure.Rate(int64(below), int64(len(gained)))
	f := Finding{Check: check, Level: LevelFine, Value: &share, Threshold: new(misjudged),
		Says: fmt.Sprintf("%d of %d won leads score below the average lost one (%.1f)", below, len(gained), mean)}
	if a.words != nil {
		good, bad := 0, 0
		for _, j := range gained[:min(mostMisjudged, len(gained))] {
			if goodBad(a.words[j.row]) == won {
				good++
			}
		}
		for _, j := range missed[:min(mostMisjudged, len(missed))] {
			if goodBad(a.words[j.row]) == lost {
				bad++
			}
		}
		f.Says += fmt.Sprintf("; of the most misjudged, reps had called %d won leads good and %d lost ones bad", good, bad)
	}
	if share.Low > misjudged {
		f.Level, f.Proposal = LevelWatch, "go through the leads below with whoever worked them: what did the score not see"
	}
	a.add(f)
}

// goodBad reads what a rep said of a lead.
func goodBad(word string) ending {
	switch fold(word) {
	case "good", "great", "hot", "accepted", "accept", "yes", "up", "+", "1", "right", "quality", "qualified":
		return won
	case "bad", "poor", "cold", "rejected", "reject", "no", "down", "junk", "0", "-1", "wrong", "unqualified", "spam":
		return lost
	}
	return open
}

// andList names rules; of many only some.
func andList(names []string) string {
	const most = 8
	if len(names) > most+1 {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d others", len(names)-most)
	}
	return strings.Join(names, ", ")
}
