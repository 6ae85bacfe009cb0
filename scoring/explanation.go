package scoring

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/leadloop/leadloop"
)

// State says what a rule or modifier came to for one lead.
type State string

const (
	// Matched: the condition holds, or there are activities that count.
	Matched State = "matched"
	// NotMatched: it does not apply.
	NotMatched State = "not_matched"
	// Undecided: an input that the answer depends on is missing. It counts what
	// it would if nothing that is missing existed, which is nothing but for a
	// rule that asks with has(), and widens the range.
	Undecided State = "undecided"
	// NoValue: an input is known not to exist, and no lookup will change that.
	// It counts nothing.
	NoValue State = "no_value"
	// Failed: the expression could not be computed. It counts nothing, is
	// named, and widens the range by what it could have given.
	Failed State = "failed"
	// Expired: a modifier past its date, which is not applied.
	Expired State = "expired"
)

// Explanation is a score with every reason for it. Its JSON is stable: same
// inputs, same bytes. It holds the values that rules read, which may be
// personal data; [Explanation.Score] does not.
type Explanation struct {
	Model   string    `json:"model"`
	Version int       `json:"version"`
	Digest  string    `json:"digest"`
	AsOf    time.Time `json:"as_of"`

	// Known is false when no rule matched and no input is known: that is no
	// score, which is not a score of 0.
	Known  bool            `json:"known"`
	Points leadloop.Points `json:"points"`
	// Low and High enclose every score that the lead could get at AsOf once
	// the missing inputs are known, and what failed rules could have given.
	// Points lie between them, since they are one such score: that of a lead of
	// which nothing that is missing exists.
	Low  leadloop.Points `json:"low"`
	High leadloop.Points `json:"high"`
	// RangeExact says that both ends, and every one of PossibleTiers, is what
	// some values of the missing inputs give, if no rule fails. (A tier may
	// still be out of reach if all that lead there are disqualified by a field
	// that can't be enumerated.) Without it they are an outer bound, which may
	// be wider: a missing field is read in a way that can't be enumerated, or
	// there are too many combinations (see [Options.Combinations]). An outer bound supposes that employees,
	// revenue, founding year and hiring velocity are not negative.
	RangeExact bool `json:"range_exact"`

	// Tier is empty for no tier: none is defined for these points, there is no
	// score, or the lead is disqualified.
	Tier         string `json:"tier"`
	PreviousTier string `json:"previous_tier,omitempty"`
	// Held says that only the hysteresis keeps the lead in Tier.
	Held bool `json:"held,omitempty"`
	// PossibleTiers are the tiers within the range, from the best to the
	// worst; "" stands for no tier.
	PossibleTiers []string `json:"possible_tiers"`

	// Disqualified is the reason code of the first rule that disqualifies the
	// lead, DisqualifiedBy its id.
	Disqualified   string `json:"disqualified,omitempty"`
	DisqualifiedBy string `json:"disqualified_by,omitempty"`

	// Contributions, one for each rule in the model's order, sum exactly to
	// the sums of their groups.
	Contributions []Contribution `json:"contributions"`
	Groups        []GroupSum     `json:"groups"`
	// Formula makes Base of the groups; the Modifiers follow in order.
	Formula   string          `json:"formula"`
	Base      leadloop.Points `json:"base"`
	Modifiers []Adjustment    `json:"modifiers"`

	// Needs are the missing fields that the score or the disqualification
	// depends on, sorted; none once the lead is disqualified.
	Needs []string `json:"needs"`
	// ValidUntil is the next instant at which the score can change without new
	// inputs; zero means never. For points that fade continuously it is the
	// instant at which the tier changes, given that Tier is the stored one by
	// then: the first nanosecond of the new one, but if some points rise while
	// others fall it may be earlier. It is never too late, but for rules that
	// use the moment in a way that package rules only looks at every quarter of
	// an hour, such as string(now); rules.Set.NextChange says which those are.
	ValidUntil time.Time `json:"valid_until,omitzero"`
}

// Contribution is what one rule gave.
type Contribution struct {
	Rule        string `json:"rule"`
	Group       string `json:"group,omitempty"`
	Description string `json:"description,omitempty"`
	// When, Each and Weight are the rule's texts.
	When   string          `json:"when,omitempty"`
	Each   string          `json:"each,omitempty"`
	Weight string          `json:"weight,omitempty"`
	State  State           `json:"state"`
	Points leadloop.Points `json:"points"`
	// Low and High are what the rule could still give.
	Low  leadloop.Points `json:"low"`
	High leadloop.Points `json:"high"`
	// Disqualifies is the reason code of a rule that disqualifies.
	Disqualifies string `json:"disqualifies,omitempty"`

	Fields     []FieldUsed    `json:"fields,omitempty"`
	Activities []ActivityUsed `json:"activities,omitempty"`
	// Occurrences are the activities of an each-rule that have points left,
	// the most recent first; Faded counts those that have none.
	Occurrences []Occurrence `json:"occurrences,omitempty"`
	Faded       int          `json:"faded,omitempty"`
	Needs       []string     `json:"needs,omitempty"`
	Error       string       `json:"error,omitempty"`
}

// FieldUsed is a field that a rule read.
type FieldUsed struct {
	Field string         `json:"field"`
	Value leadloop.Value `json:"value"`
	// Origin and Source are those of the claim that the value comes from;
	// empty for a value that is absent or was set directly.
	Origin string `json:"origin,omitempty"`
	Source string `json:"source,omitempty"`
	// At is when that claim was observed or last verified, and Age how long
	// that was before the score, never negative.
	At  time.Time `json:"at,omitzero"`
	Age Age       `json:"age_seconds,omitempty"`
}

// ActivityUsed is an activity type that a condition counts or dates.
type ActivityUsed struct {
	Type string `json:"type"`
	// Count is how many there are at all, Last when the latest happened.
	Count int       `json:"count"`
	Last  time.Time `json:"last,omitzero"`
	Age   Age       `json:"age_seconds,omitempty"`
}

// Occurrence is one activity of an each-rule.
type Occurrence struct {
	ID  string    `json:"id,omitempty"`
	At  time.Time `json:"at"`
	Age Age       `json:"age_seconds"`
	// Points are what is left of the weight at this age.
	Points leadloop.Points `json:"points"`
	// Dropped says that the rule's max leaves it out.
	Dropped bool `json:"dropped,omitempty"`
}

// GroupSum is the sum of a group before and after its limits.
type GroupSum struct {
	Group  string           `json:"group"`
	Sum    leadloop.Points  `json:"sum"`
	Points leadloop.Points  `json:"points"`
	Low    leadloop.Points  `json:"low"`
	High   leadloop.Points  `json:"high"`
	Min    *leadloop.Points `json:"min,omitempty"`
	Max    *leadloop.Points `json:"max,omitempty"`
	// Limited is "min" or "max" if that limit was reached.
	Limited string `json:"limited,omitempty"`
}

// Adjustment is one modifier with the score before and after it.
type Adjustment struct {
	Modifier    string           `json:"modifier"`
	Description string           `json:"description,omitempty"`
	When        string           `json:"when,omitempty"`
	State       State            `json:"state"`
	Before      leadloop.Points  `json:"before"`
	After       leadloop.Points  `json:"after"`
	Add         *leadloop.Points `json:"add,omitempty"`
	Multiply    *float64         `json:"multiply,omitempty"`
	Owner       string           `json:"owner"`
	Expires     time.Time        `json:"expires"`
	Fields      []FieldUsed      `json:"fields,omitempty"`
	Activities  []ActivityUsed   `json:"activities,omitempty"`
	Needs       []string         `json:"needs,omitempty"`
	Error       string           `json:"error,omitempty"`
}

// Age is a length of time that JSON shows in whole seconds.
type Age time.Duration

// MarshalJSON writes whole seconds.
func (a Age) MarshalJSON() ([]byte, error) {
	return strconv.AppendInt(nil, int64(time.Duration(a)/time.Second), 10), nil
}

// UnmarshalJSON reads whole seconds.
func (a *Age) UnmarshalJSON(b []byte) error {
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil || n > math.MaxInt64/int64(time.Second) || n < math.MinInt64/int64(time.Second) {
		return fmt.Errorf("age: %w: not a number of seconds", leadloop.ErrInvalid)
	}
	*a = Age(time.Duration(n) * time.Second)
	return nil
}

// Score returns the score as it is stored with the lead, without the reasons
// and without values.
func (e Explanation) Score() leadloop.Score {
	return leadloop.Score{
		Known: e.Known, Points: e.Points, Low: e.Low, High: e.High, Tier: e.Tier, Needs: slices.Clone(e.Needs),
		ValidUntil: e.ValidUntil, Disqualified: e.Disqualified, Model: modelID(e.Model, e.Version, e.Digest),
	}
}
