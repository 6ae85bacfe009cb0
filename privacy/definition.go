package privacy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/suggest"
	"github.com/leadloop/leadloop/internal/yamldoc"
	"github.com/leadloop/leadloop/normalize"
)

// Definition is privacy.yaml.
type Definition struct {
	// ConsentRequiredIn are countries in which everything needs a consent that
	// was granted: short for a rule of Consent without purposes and bases.
	ConsentRequiredIn []leadloop.Expression `yaml:"consent_required_in"`
	Consent           []ConsentTerm         `yaml:"consent"`
	Retention         []RetentionTerm       `yaml:"retention"`
}

// ConsentTerm is a [ConsentRule] as a file says it.
type ConsentTerm struct {
	In    []leadloop.Expression `yaml:"in,required"`
	For   []leadloop.Expression `yaml:"for"`
	Basis []leadloop.Expression `yaml:"basis"`
}

// RetentionTerm is a [RetentionRule] as a file says it.
type RetentionTerm struct {
	At     leadloop.Position     `yaml:"-"`
	ID     string                `yaml:"id,required"`
	When   []leadloop.Expression `yaml:"when"`
	Stages []leadloop.Expression `yaml:"stages"`
	After  time.Duration         `yaml:"after,required"`
}

// Parse reads privacy.yaml. The error is a leadloop.Problems with everything
// that is wrong, each with its position; file names it in them.
func Parse(file string, data []byte) (Definition, error) {
	var d Definition
	problems := yamldoc.Decode(file, data, &d)
	for _, c := range d.ConsentRequiredIn {
		checkCountry(&problems, "consent_required_in", c)
	}
	for _, t := range d.Consent {
		for _, c := range t.In {
			checkCountry(&problems, "in", c)
		}
		for _, p := range t.For {
			if !codes.MatchString(p.Text) {
				problems.Add(p.At, "for: expected a purpose, such as %s, %s or a channel: a code of lower-case letters, digits, - and _", PurposeContact, PurposeEnrichment)
			}
		}
		for _, b := range t.Basis {
			if !slices.Contains(bases, b.Text) {
				problems.AddHint(b.At, suggest.DidYouMean(b.Text, bases), "basis: expected a lawful basis, one of %s", strings.Join(bases, ", "))
			}
		}
	}
	ids := map[string]bool{}
	for _, t := range d.Retention {
		switch {
		case !codes.MatchString(t.ID):
			problems.Add(t.At, "id: expected a code of lower-case letters, digits, - and _")
		case ids[t.ID]:
			problems.Add(t.At, "id: two rules are called %s", t.ID)
		}
		ids[t.ID] = true
		if t.After <= 0 {
			problems.Add(t.At, "after: expected how long leads are kept, such as 365d")
		}
		for _, w := range t.When {
			if !slices.Contains(dispositions, w.Text) {
				problems.AddHint(w.At, suggest.DidYouMean(w.Text, dispositions), "when: expected where a decision left the lead, one of %s", strings.Join(dispositions, ", "))
			}
		}
	}
	problems.Sort()
	return d, problems.Err()
}

var dispositions = []string{
	string(leadloop.OutcomeAlerted), string(leadloop.OutcomeAssigned), string(leadloop.OutcomeDisqualified),
	string(leadloop.OutcomeNurture), string(leadloop.OutcomeQueued), string(leadloop.OutcomeSuppressed),
}

func checkCountry(problems *leadloop.Problems, key string, c leadloop.Expression) {
	iso2, ok := normalize.Country(c.Text)
	if ok && iso2 == c.Text {
		return
	}
	meant := ""
	if ok {
		meant = fmt.Sprintf("did you mean %q?", iso2)
	}
	problems.AddHint(c.At, meant, "%s: expected a country code such as DE, found %q", key, c.Text)
}

// Rules are the definition's rules of consent, for [NewTerms] and [NewStage].
func (d Definition) Rules() []ConsentRule {
	var rules []ConsentRule
	if len(d.ConsentRequiredIn) > 0 {
		rules = append(rules, ConsentRule{In: texts(d.ConsentRequiredIn)})
	}
	for _, t := range d.Consent {
		rules = append(rules, ConsentRule{In: texts(t.In), For: texts(t.For), Basis: texts(t.Basis)})
	}
	return rules
}

// Retain are the definition's rules of retention, for [Eraser.Retain].
func (d Definition) Retain() []RetentionRule {
	var rules []RetentionRule
	for _, t := range d.Retention {
		r := RetentionRule{ID: t.ID, Stages: texts(t.Stages), After: t.After}
		for _, w := range t.When {
			r.Dispositions = append(r.Dispositions, leadloop.OutcomeKind(w.Text))
		}
		rules = append(rules, r)
	}
	return rules
}

func texts(list []leadloop.Expression) []string {
	var out []string
	for _, e := range list {
		out = append(out, e.Text)
	}
	return out
}
