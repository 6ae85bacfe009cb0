package routing

import (
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/yamldoc"
)

// Definition says who gets which lead: routing.yaml as a value. The At fields
// are for error messages and may stay zero.
type Definition struct {
	Teams  []Team  `yaml:"teams"`
	Reps   []Rep   `yaml:"reps"`
	Pools  []Pool  `yaml:"pools"`
	Queues []Queue `yaml:"queues"`
	// Territories are who sells where; entries refer to them.
	Territories []Territory `yaml:"territories"`
	// Chain is asked in order; the first entry that matches and has somebody
	// to give the lead to wins. Partner rules are simply its first entries.
	Chain []Entry `yaml:"chain"`
	// Final is the queue for leads that no entry placed. It is required.
	Final string `yaml:"final,required"`
	// Disputes is the queue in which a lead waits that two people could own;
	// empty means the final queue.
	Disputes string            `yaml:"disputes"`
	At       leadloop.Position `yaml:"-"`
}

// Team is a group of reps with a manager who hears escalations.
type Team struct {
	ID      leadloop.TeamID   `yaml:"id,required"`
	Name    string            `yaml:"name"`
	Manager leadloop.RepID    `yaml:"manager"`
	Members []leadloop.RepID  `yaml:"members"`
	At      leadloop.Position `yaml:"-"`
}

// Rep is a person who can get leads. What the store's CRM says about absences
// and about reps who left counts on top.
type Rep struct {
	ID      leadloop.RepID `yaml:"id,required"`
	Name    string         `yaml:"name"`
	Manager leadloop.RepID `yaml:"manager"` // empty: the team's
	// Timezone is an IANA name; empty means the SLA file's zone.
	Timezone string `yaml:"timezone"`
	// Weight is the share relative to the other members of a pool, 1 to
	// [MaxWeight]; nil means 100.
	Weight *int `yaml:"weight"`
	// Priority breaks ties, highest first, and orders priority pools.
	Priority  int      `yaml:"priority"`
	Skills    []string `yaml:"skills"`
	Languages []string `yaml:"languages"` // BCP 47
	Products  []string `yaml:"products"`  // product lines that the rep sells
	Seniority string   `yaml:"seniority"` // a word of your own, such as "senior"
	// Hours names the calendar of sla.yaml in which the rep works, in the
	// rep's zone; pools that take only those who are present ask for it. Empty
	// means always.
	Hours string `yaml:"hours"`
	// MaxOpen caps open leads, MaxDay, MaxWeek and MaxMonth those assigned in
	// the last 24 hours, 7 days and 30 days; 0 means no cap.
	MaxOpen  int `yaml:"max_open"`
	MaxDay   int `yaml:"max_day"`
	MaxWeek  int `yaml:"max_week"`
	MaxMonth int `yaml:"max_month"`
	// MaxTasks and MaxSequences cap open tasks and active sequences, which
	// [Options.Busy] counts.
	MaxTasks     int               `yaml:"max_tasks"`
	MaxSequences int               `yaml:"max_sequences"`
	Ramp         *Ramp             `yaml:"ramp"`
	Away         []Absence         `yaml:"away"`
	At           leadloop.Position `yaml:"-"`
}

// Ramp is how a new rep starts: with Start percent of the weight at From,
// which grows evenly to the whole weight at Until. Before From it is as at
// From.
type Ramp struct {
	From  time.Time `yaml:"from,required"`
	Until time.Time `yaml:"until,required"`
	Start int       `yaml:"start"` // percent, 1 to 100; 0 means 50
}

// Absence is a time in which a rep gets no leads, From inclusive and Until
// exclusive.
type Absence struct {
	From  time.Time         `yaml:"from,required"`
	Until time.Time         `yaml:"until,required"`
	At    leadloop.Position `yaml:"-"`
}

// The strategies of a pool.
const (
	// StrategyFair gives every member its exact share over time; see [Next].
	StrategyFair = "fair"
	// StrategyPriority gives each lead to the eligible member of the highest
	// priority; ties to the least recently assigned, then by id.
	StrategyPriority = "priority"
	// StrategyLeastLoaded gives it to the one with the fewest open leads
	// relative to weight; ties go to the higher priority, then the least
	// recently assigned, then the lower id.
	StrategyLeastLoaded = "least_loaded"
	// StrategyWeighted draws by weight from the lead's id: no state that
	// several processes could get in each other's way for, and shares that
	// hold only on average.
	StrategyWeighted = "weighted"
	// StrategyBestFit gives it to the one with the highest [Pool.Score]; ties
	// as in StrategyLeastLoaded.
	StrategyBestFit = "best_fit"
	// StrategyClaim lets it wait in the pool's queue for the first member who
	// claims it: see [Router.Claim].
	StrategyClaim = "claim"
)

// Pool is a group of reps that share leads. Either a team or members.
type Pool struct {
	ID       string           `yaml:"id,required"`
	Team     leadloop.TeamID  `yaml:"team"`
	Members  []leadloop.RepID `yaml:"members"`
	Strategy string           `yaml:"strategy"` // empty: fair
	// CountOwnership debits a member also for leads that it gets because it
	// owns the account, contact or opportunity. Of several such pools the
	// first that has the member counts.
	CountOwnership bool `yaml:"count_ownership"`
	// CatchUp credits members while they are away, so that they catch up on
	// return; otherwise absence is neutral.
	CatchUp bool `yaml:"catch_up"`
	// Score is what a best-fit pool compares its members by, a number in CEL
	// over the schema's fields, [Vars] and [MemberVars].
	Score leadloop.Expression `yaml:"score"`
	// Present takes only members who are in their working hours.
	Present bool `yaml:"present"`
	// Wait is how long a lead waits for the first member who will be there, at
	// most, if that is before its response is due. 0 does not wait: the chain
	// goes on.
	Wait time.Duration `yaml:"wait"`
	// Queue is where a lead waits for a member; empty means the final queue.
	Queue string `yaml:"queue"`
	// Buffer is how long before an absence a member gets no more leads.
	Buffer time.Duration `yaml:"buffer"`
	// MaxOpen, MaxDay, MaxWeek and MaxMonth cap what the members have
	// together, from whatever entry; 0 means no cap.
	MaxOpen  int               `yaml:"max_open"`
	MaxDay   int               `yaml:"max_day"`
	MaxWeek  int               `yaml:"max_week"`
	MaxMonth int               `yaml:"max_month"`
	At       leadloop.Position `yaml:"-"`
}

// Queue is where leads wait for a person.
type Queue struct {
	ID   string            `yaml:"id,required"`
	Name string            `yaml:"name"`
	Team leadloop.TeamID   `yaml:"team"` // who is meant by "team" and "manager" in a ladder
	At   leadloop.Position `yaml:"-"`
}

// Files are the names of the accounts files that the definition reads, sorted,
// each once.
func (d *Definition) Files() []string {
	var out []string
	for i := range d.Territories {
		out = append(out, d.Territories[i].AccountsFile)
	}
	for i := range d.Chain {
		out = append(out, d.Chain[i].AccountsFile)
	}
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(name string) bool { return name == "" })
}

// Parse reads routing.yaml. The error lists every problem of its form with its
// position ([leadloop.Problems]); whether the names in it exist is for [New].
func Parse(file string, data []byte) (Definition, error) {
	var d Definition
	problems := yamldoc.Decode(file, data, &d)
	return d, problems.Err()
}
