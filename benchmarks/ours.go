package benchmarks

import (
	"context"
	"fmt"
	"sync"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
	"github.com/leadloop/leadloop/scoring"
)

// compileRules compiles a set of rules, and asks it for the whole of every result if
// needs is set.
func compileRules(needs bool) func(*Model) (Scorer, error) {
	environment := sync.OnceValues(func() (*rules.Env, error) {
		schema, err := hostSchema()
		if err != nil {
			return nil, err
		}
		return rules.NewEnv(schema, rules.Options{})
	})
	return func(m *Model) (Scorer, error) {
		env, err := environment()
		if err != nil {
			return nil, err
		}
		var list []rules.Rule
		for i, text := range m.conditions(leadloopText) {
			list = append(list, rules.Rule{ID: fmt.Sprintf("rule-%d", i), Type: leadloop.KindBool, Expression: leadloop.Expression{Text: text}})
		}
		set, err := env.Compile(list...)
		if err != nil {
			return nil, err
		}
		s := &ruleSet{set: set, rules: len(m.Rules), points: halvesOf(m), tally: newTally(m).afterwards()}
		if needs {
			return ScorerFunc(s.needs), nil
		}
		return s, nil
	}
}

type ruleSet struct {
	set     *rules.Set
	rules   int
	points  halves
	tally   tally
	results *rules.Results // made with the first lead, as what others pool is
}

func (s *ruleSet) Score(l *Lead, out *Outcome) error {
	if s.results == nil {
		s.results = new(rules.Results)
	}
	s.set.Eval(context.Background(), rules.Facts{Profile: l.Profile, Now: Now}, s.results)
	copy(out.Matched[:], s.results.TrueMask()) // the other words are never anything but zero
	if w := s.rules >> 6; w < len(out.Matched) {
		// The modifiers follow the rules.
		out.Matched[w] &= 1<<(s.rules&63) - 1
	}
	out.Points = s.points.of(&out.Matched)
	for i := s.rules; i < s.results.Len(); i++ {
		s.tally.add(out, i-s.rules, s.results.True(i))
	}
	s.tally.end(out)
	return nil
}

// needs also reads the result of every rule, with what the undecided ones need.
func (s *ruleSet) needs(l *Lead, out *Outcome) error {
	if err := s.Score(l, out); err != nil {
		return err
	}
	out.Undecided = Bits{}
	for i := range s.results.Len() {
		switch r := s.results.At(i); r.State {
		case rules.Decided:
		case rules.Undecided:
			if len(r.Needs) == 0 {
				return fmt.Errorf("rule %d is undecided and needs nothing", i)
			}
			if i < s.rules {
				out.Undecided.Set(i)
			}
		default:
			return fmt.Errorf("rule %d: %w", i, r.Err)
		}
	}
	return nil
}

// halves are the points of every subset of each four rules: a sixteenth of the
// memory of sums, for twice the look-ups.
type halves [][16]int32

func halvesOf(m *Model) halves {
	t := make(halves, (len(m.Rules)+3)/4)
	for group := range t {
		rules := m.Rules[group*4 : min(group*4+4, len(m.Rules))]
		for subset := range t[group] {
			for k, r := range rules {
				if subset>>k&1 == 1 {
					t[group][subset] += int32(r.Points)
				}
			}
		}
	}
	return t
}

// of are the points of a set of rules.
func (t halves) of(matched *Bits) leadloop.Points {
	var sum int32
	for i := range t {
		sum += t[i][matched[i>>4]>>(i&15*4)&15]
	}
	return leadloop.Points(sum) * leadloop.Point
}

// Undecided completes the outcome of the last lead.
func (s *ruleSet) Undecided(out *Outcome) error {
	for i := range s.results.Len() {
		switch s.results.State(i) {
		case rules.Decided:
		case rules.Undecided:
			if i < s.rules {
				out.Undecided.Set(i)
			}
		default:
			return fmt.Errorf("rule %d: %w", i, s.results.At(i).Err)
		}
	}
	return nil
}

// depth is how much of a score is asked for.
type depth int

const (
	verdict depth = iota
	score
	explanation
)

func compileScoring(d depth) func(*Model) (Scorer, error) {
	return func(m *Model) (Scorer, error) {
		schema, err := hostSchema()
		if err != nil {
			return nil, err
		}
		model, err := scoring.New(m.Definition(), schema, scoring.Options{})
		if err != nil {
			return nil, err
		}
		return &scorer{model: model, depth: d}, nil
	}
}

type scorer struct {
	model *scoring.Model
	depth depth
	last  scoring.Input
}

func (s *scorer) Score(l *Lead, out *Outcome) error {
	s.last = scoring.Input{Profile: l.Profile, AsOf: Now}
	*out = Outcome{}
	switch s.depth {
	case verdict:
		v, err := s.model.Verdict(context.Background(), s.last)
		out.Points, out.Tier = v.Points, v.Tier
		return err
	case score:
		v, err := s.model.Score(context.Background(), s.last)
		out.Points, out.Tier = v.Points, v.Tier
		return err
	}
	e, err := s.model.Explain(context.Background(), s.last)
	out.Points, out.Tier = e.Points, e.Tier
	return err
}

// Undecided completes the outcome of the last lead, with what matched as well:
// only an explanation says it.
func (s *scorer) Undecided(out *Outcome) error {
	e, err := s.model.Explain(context.Background(), s.last)
	if err != nil {
		return err
	}
	for i := range e.Contributions {
		switch c := &e.Contributions[i]; c.State {
		case scoring.Matched:
			out.Matched.Set(i)
		case scoring.Undecided:
			out.Undecided.Set(i)
		case scoring.Failed:
			return fmt.Errorf("rule %s: %s", c.Rule, c.Error)
		}
	}
	return nil
}
