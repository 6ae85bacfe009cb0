package playbook

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/scoring"
)

// Explain says why a lead is where it is, from its decision records (oldest
// first), as a salesperson would read it aloud: the newest decision, and for a
// step in which that one decided nothing, such as an owner who stays, the
// older one that did. It shows values that rules read, which may be personal
// data. Records of another playbook are explained with this one's names.
func (p *Playbook) Explain(w io.Writer, lead *leadloop.Lead, decisions ...leadloop.Decision) error {
	if len(decisions) == 0 {
		_, err := io.WriteString(w, "Nothing was decided about this lead yet.\n")
		return err
	}
	last := decisions[len(decisions)-1]
	var b strings.Builder
	st := lead.State
	fmt.Fprintf(&b, "Lead %s is %s%s, because of %s.\n", lead.ID, outcomeWords(st.Disposition), holder(st), cmp.Or(reasonWords(st.Reason), "what stands below"))
	if !st.SLA.IsZero() {
		fmt.Fprintf(&b, "%s\n", clockWords(st.SLA))
	}
	b.WriteString(p.lifeWords(st))
	fmt.Fprintf(&b, "Last decided as of %s, after %s, playbook %.12s.\n", moment(last.AsOf), triggerWords(last.Trigger), cmp.Or(last.Playbook, "unknown"))
	for _, name := range []string{"dedupe", "match", "suppress", "enrich", "score", "route"} {
		for i := len(decisions) - 1; i >= 0; i-- {
			k := slices.IndexFunc(decisions[i].Steps, func(s leadloop.Step) bool { return s.Stage == name })
			if k < 0 {
				continue
			}
			text, err := p.step(decisions[i].Steps[k])
			if err != nil {
				return fmt.Errorf("playbook: explain lead %s: step %s: %w", last.Lead, name, err)
			}
			if text == "" {
				continue
			}
			when := ""
			if i < len(decisions)-1 {
				when = ", decided " + moment(decisions[i].AsOf)
			}
			fmt.Fprintf(&b, "\n%s%s\n%s", strings.ToUpper(name), when, text)
			if now := faded(st.Score, decisions[i].Steps[k]); name == "score" && now != "" {
				b.WriteString(indent(now))
			}
			break
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func holder(s leadloop.State) string {
	switch {
	case s.Disposition == leadloop.OutcomeAssigned && s.Owner != "":
		return " to " + string(s.Owner)
	case s.Disposition == leadloop.OutcomeQueued:
		return " " + s.Queue
	}
	return ""
}

func clockWords(c leadloop.SLA) string {
	s := fmt.Sprintf("Answer due %s (policy %s, %s of working time)", moment(c.DueAt), c.Policy, brief(c.Target))
	switch {
	case !c.MetAt.IsZero():
		return s + ": answered " + moment(c.MetAt) + ", in time."
	case !c.MissedAt.IsZero():
		return s + ": missed."
	}
	return s + "."
}

// brief writes 4h0m0s as 4h.
func brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// faded says what the score is by now, if it is not what the record says.
func faded(now leadloop.Score, record leadloop.Step) string {
	var e scoring.Explanation
	if err := json.Unmarshal(record.Trace, &e); err != nil || e.Points == now.Points || !now.Known {
		return ""
	}
	return fmt.Sprintf("Since then, within tier %s, time has made it %s points.", now.Tier, now.Points)
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 MST") }

// lifeWords say how far a lead has come and what its owner does next.
func (p *Playbook) lifeWords(s leadloop.State) string {
	var b strings.Builder
	if s.Stage != "" {
		fmt.Fprintf(&b, "It is in stage %s since %s", s.Stage, moment(s.StageSince))
		if s.Status != "" {
			fmt.Fprintf(&b, ", with status %s since %s", s.Status, moment(s.StatusSince))
		}
		b.WriteString(".\n")
	}
	if next := p.lifecycle.Action(s.Status); next != "" && s.Disposition == leadloop.OutcomeAssigned {
		fmt.Fprintf(&b, "Next: %s\n", next)
	}
	if s.Flag != "" {
		fmt.Fprintf(&b, "It is flagged as stale by the clock %s.\n", s.Flag)
	}
	switch c := s.Cadence; {
	case c.IsZero():
	case c.Paused():
		fmt.Fprintf(&b, "Its cadence %s is paused since %s, after %s.\n", c.Cadence, moment(c.PausedAt), plural(c.Step, "step"))
	default:
		fmt.Fprintf(&b, "It is in cadence %s; after %s the next is due %s.\n", c.Cadence, plural(c.Step, "step"), moment(c.DueAt))
	}
	return b.String()
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func outcomeWords(k leadloop.OutcomeKind) string {
	switch k {
	case leadloop.OutcomeQueued:
		return "waiting in a queue"
	case leadloop.OutcomeAlerted:
		return "not a new lead: somebody who works the company was told"
	case leadloop.OutcomeNurture:
		return "in nurture"
	case leadloop.OutcomeArchived:
		return "archived: nobody works it until it comes back"
	}
	return cmp.Or(string(k), "undecided")
}

// reasonWords turns "entry:us-west" into "entry us-west".
func reasonWords(code string) string {
	return strings.NewReplacer(":", " ", "_", " ").Replace(code)
}

func triggerWords(t leadloop.Trigger) string {
	switch t {
	case leadloop.TriggerSubmission:
		return "a submission"
	case leadloop.TriggerActivity:
		return "an activity"
	case leadloop.TriggerTask:
		return "a timer"
	case leadloop.TriggerRecycle:
		return "its return"
	}
	return string(t)
}

func (p *Playbook) step(s leadloop.Step) (string, error) {
	if len(s.Trace) == 0 {
		return indent(reasonWords(s.Reason)), nil
	}
	switch s.Stage {
	case "dedupe", "match":
		return matches(s.Trace)
	case "enrich":
		return p.purchases(s.Trace)
	case "score":
		var e scoring.Explanation
		if err := json.Unmarshal(s.Trace, &e); err != nil {
			return "", err
		}
		return indent(e.String()), nil
	case "route":
		var t routing.Trace
		if err := json.Unmarshal(s.Trace, &t); err != nil {
			return "", err
		}
		if len(t.Entries) == 0 {
			return "", nil // the lead stayed where it was
		}
		return indent(p.router.Explain(t)), nil
	case "suppress":
		var t struct {
			Reason string `json:"reason"`
			Told   string `json:"told"`
		}
		if err := json.Unmarshal(s.Trace, &t); err != nil {
			return "", err
		}
		switch {
		case t.Reason == "":
			return indent("Nothing speaks against contacting this lead."), nil
		case t.Told != "":
			return indent(reasonWords(t.Reason) + "; " + t.Told + " was told."), nil
		}
		return indent(reasonWords(t.Reason)), nil
	}
	return indent(reasonWords(s.Reason)), nil
}

func matches(trace json.RawMessage) (string, error) {
	var t struct {
		LookedUp []string       `json:"looked_up"`
		Shared   []string       `json:"shared"`
		Leads    []dedupe.Match `json:"leads"`
		Contacts []dedupe.Match `json:"contacts"`
		Accounts []dedupe.Match `json:"accounts"`
	}
	if err := json.Unmarshal(trace, &t); err != nil {
		return "", err
	}
	var b strings.Builder
	if len(t.LookedUp) > 0 {
		fmt.Fprintf(&b, "Looked up by %s.\n", strings.Join(t.LookedUp, ", "))
	}
	if len(t.Shared) > 0 {
		fmt.Fprintf(&b, "Not by %s: too many leads share it.\n", strings.Join(t.Shared, ", "))
	}
	for _, list := range [][]dedupe.Match{t.Leads, t.Contacts, t.Accounts} {
		for _, m := range list {
			fmt.Fprintf(&b, "%s: %s (rule %s, %.2f)\n", cmp.Or(string(m.Lead), string(m.Contact), string(m.Account)), m.Reason, m.Rule, m.Confidence)
		}
	}
	if b.Len() > 0 && len(t.Leads)+len(t.Contacts)+len(t.Accounts) == 0 {
		b.WriteString("Nobody and no company like it was known.\n")
	}
	return indent(b.String()), nil
}

func (p *Playbook) purchases(trace json.RawMessage) (string, error) {
	var r enrich.Report
	if err := json.Unmarshal(trace, &r); err != nil {
		return "", err
	}
	var b strings.Builder
	if r.Stopped != "" && r.Because == "" {
		fmt.Fprintf(&b, "Nobody was asked: %s.\n", reasonWords(r.Stopped))
	}
	for _, c := range r.Calls {
		fmt.Fprintf(&b, "%s: %s", c.Source, reasonWords(string(c.Outcome)))
		if c.Reason != "" {
			fmt.Fprintf(&b, " (%s)", reasonWords(c.Reason))
		}
		if len(c.Got) > 0 {
			fmt.Fprintf(&b, ", gave %s", strings.Join(c.Got, ", "))
		}
		if len(c.NotFound) > 0 {
			fmt.Fprintf(&b, ", does not have %s", strings.Join(c.NotFound, ", "))
		}
		if c.Cost > 0 {
			fmt.Fprintf(&b, ", for %.2f %s", float64(c.Cost)/1e6, p.Currency())
		}
		b.WriteString("\n")
	}
	switch {
	case r.Because != "":
		fmt.Fprintf(&b, "It %s.\n", r.Because)
	case len(r.Missing) > 0:
		fmt.Fprintf(&b, "Still missing: %s.\n", strings.Join(r.Missing, ", "))
	}
	for _, d := range r.Disagrees {
		fmt.Fprintf(&b, "%s says another %s than the %s, whose value stands.\n", d.Source, d.Field, d.Keeps)
	}
	return indent(b.String()), nil
}

// indent sets every line two spaces in and ends with a line break.
func indent(text string) string {
	text = strings.TrimRight(text, "\n")
	if text == "" {
		return ""
	}
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if l != "" {
			lines[i] = "  " + l
		}
	}
	return strings.Join(lines, "\n") + "\n"
}
