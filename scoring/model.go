package scoring

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// Options are the optional parts of [New].
type Options struct {
	// Limits bound the expressions; zero means [rules.DefaultLimits].
	Limits rules.Limits
	// Combinations is how many combinations of values are tried for the range
	// of a lead: of the missing fields of one rule, of those that hang together
	// by rules (values that such rules don't tell apart count once), and of
	// what modifiers and disqualifications can come to; four times as many, of
	// all rules that must be tried for this lead alone; and 64 times as many, of
	// all rules that are tried once for all leads. 0 means
	// [DefaultCombinations], negative tries none. Above it the range is an outer
	// bound.
	Combinations int
}

// Model is a compiled scoring model. It is immutable and safe for concurrent
// use.
type Model struct {
	name     string
	version  int
	digest   string
	formula  string
	schema   *leadloop.Schema
	set      *rules.Set
	rules    []rule
	groups   []group
	score    *term // nil: the sum of the groups
	changes  []modifier
	tiers    tiers
	chance   *Probability
	types    []string // activity types that rules count one by one or read
	fields   []string
	fieldsAt []int  // positions of fields in the schema
	timed    []bool // by position in the set: changes with time
	warnings leadloop.Problems
	id       string
	// What decide looks at; see prepare.
	lookups    []lookup
	conditions []uint64 // of lookups, as bits
	rest       []int    // rules that add points and are not in lookups
	rejecting  []int
	asking     bool
	watched    []int // rules that can change by themselves
	value      *formula
	// What ranges need.
	cells  []*fieldCells // by position in the schema
	tables *tables
	pure   []bool // by rule, then by modifier: reads fields and nothing else
	runs   *sync.Pool
	// combinations is how many are tried at most, 0 for none.
	combinations int
	halvings     int    // see maxHalvings
	work         int    // see maxWork
	patch        *patch // for mutants only
	// readCount is how many fields rules and modifiers read, each counted.
	readCount int
}

// rule is a checked [Rule]. Positions in the set are -1 where there is none.
type rule struct {
	id, description, groupName string
	when, points               int
	whenText, pointsText       string
	constant                   leadloop.Points
	// weight is where the points of one match can be at all.
	weight     bounds
	group      int // -1 for a rule that disqualifies
	disqualify string
	each       int // position in Model.types, -1
	eachType   string
	decay      decay
	max        int // 0: all
	reads      reads
	// asks tells that it can hold for fields that do not exist, awaits that it
	// changes by itself only if there are activities.
	asks, awaits bool
}

type group struct {
	name     string
	limits   bounds
	max, min *leadloop.Points
}

type modifier struct {
	id, description string
	when            int
	whenText        string
	add             leadloop.Points
	multiply        *float64
	owner           string
	expires         time.Time
	reads           reads
	asks            bool
}

// reads are the inputs of a rule or modifier.
type reads struct {
	fields []string
	at     []int // positions of fields in the schema
	types  []int // positions in Model.types
}

// New checks and compiles a definition against a schema, which must hold the
// definition's own fields ([Definition.Fields]). The error is a
// [leadloop.Problems] with everything that is wrong; what is only doubtful is
// in [Model.Warnings], and beside the errors if there are any.
func New(d Definition, schema *leadloop.Schema, o Options) (*Model, error) {
	if schema == nil {
		return nil, fmt.Errorf("scoring: %w: no schema", leadloop.ErrInvalid)
	}
	c := compiler{d: d, schema: schema, limits: o.Limits, problems: d.check()}
	m := c.model()
	c.problems.Sort()
	if c.problems.Err() != nil {
		return nil, c.problems // with the warnings
	}
	m.warnings = c.problems
	m.digest = d.digest()
	m.id = modelID(m.name, m.version, m.digest)
	switch m.combinations = o.Combinations; {
	case o.Combinations == 0:
		m.combinations = DefaultCombinations
	case o.Combinations < 0:
		m.combinations = 0
	}
	return m, nil
}

// Name returns the model's name.
func (m *Model) Name() string { return m.name }

// Version returns the model's version.
func (m *Model) Version() int { return m.version }

// Digest returns the SHA-256, in hexadecimal, over everything the definition
// says. Formatting, comments and positions of a file don't enter it; the
// order of rules, modifiers and tiers does.
func (m *Model) Digest() string { return m.digest }

// ID returns name@version:digest, as [leadloop.Score] carries it.
func (m *Model) ID() string { return m.id }

func modelID(name string, version int, digest string) string {
	return name + "@" + strconv.Itoa(version) + ":" + digest
}

// Schema returns the schema the model was compiled against.
func (m *Model) Schema() *leadloop.Schema { return m.schema }

// Warnings returns what is doubtful about the model but works.
func (m *Model) Warnings() leadloop.Problems { return slices.Clone(m.warnings) }

// Tiers returns the tiers from the best to the worst.
func (m *Model) Tiers() []string { return slices.Clone(m.tiers.names) }

// Probability returns the chance of winning that points stand for; false if the
// model does not say.
func (m *Model) Probability(points leadloop.Points) (float64, bool) {
	if m.chance == nil {
		return 0, false
	}
	return m.chance.Of(points), true
}

// Inputs returns the names of all fields that any rule or modifier reads,
// sorted.
func (m *Model) Inputs() []string { return slices.Clone(m.fields) }

// Activities returns the activity types that rules and modifiers name, sorted.
func (m *Model) Activities() []string { return slices.Sorted(slices.Values(m.types)) }

// RuleInputs returns the fields that one rule or modifier reads, sorted; false
// if the model has none with that id.
func (m *Model) RuleInputs(id string) ([]string, bool) {
	for _, r := range m.rules {
		if r.id == id {
			return slices.Clone(r.reads.fields), true
		}
	}
	for _, c := range m.changes {
		if c.id == id {
			return slices.Clone(c.reads.fields), true
		}
	}
	return nil, false
}
