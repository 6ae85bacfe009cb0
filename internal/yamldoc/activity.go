package yamldoc

import (
	"fmt"
	"time"

	"github.com/leadloop/leadloop"
)

const (
	// MaxTimes bounds the activities that one [Activity] stands for.
	MaxTimes = 1000
	// MaxActivities bounds those of one case.
	MaxActivities = 10_000
)

// Activity is one activity of a case, or several of a kind, as it is spelled.
type Activity struct {
	Position   leadloop.Position `yaml:"-"`
	ID         string            `yaml:"id"`
	Type       string            `yaml:"type,required"`
	At         time.Time         `yaml:"at"`
	Ago        *time.Duration    `yaml:"ago"`
	Times      *int              `yaml:"times"`
	Actor      string            `yaml:"actor"`
	Attributes map[string]string `yaml:"attributes"`
}

// Activities are those that a line of a file stands for, and what is wrong with
// it.
func (e *Activity) Activities(asOf time.Time) (out []leadloop.Activity, problems []string) {
	a := leadloop.Activity{ID: e.ID, Type: e.Type, At: e.At, Actor: leadloop.RepID(e.Actor), Attributes: e.Attributes}
	switch {
	case e.Ago != nil && !e.At.IsZero() || e.Ago == nil && e.At.IsZero():
		problems = append(problems, "expected either at, a time, or ago, how long before as_of")
	case e.Ago != nil:
		a.At = asOf.Add(-*e.Ago)
	}
	n := 1
	if e.Times != nil {
		n = *e.Times
	}
	if n < 1 || n > MaxTimes || n > 1 && e.ID != "" {
		problems = append(problems, fmt.Sprintf("times: expected 1 to %d, and no id for more than one", MaxTimes))
		n = 1
	}
	out = make([]leadloop.Activity, n)
	for i := range out {
		out[i] = a
	}
	return out, problems
}
