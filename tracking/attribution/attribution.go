// Package attribution says which channels conversions and money came from.
//
// A [Ledger] folds journeys one by one and then answers for every [Model]:
// first, last and last non-direct touch, linear, U, W, time decay, Markov
// removal of any order, Shapley. Credits are fixed-point and always add up to
// the total, for conversions and for money; the order of journeys and of
// touches does not matter, and two ledgers add. It measures what happened
// together, not what caused what.
//
// Start with [NewLedger].
package attribution

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// None is the channel of conversions without a touch in the look-back window.
const None = "(none)"

// Touch is one contact of a lead with a channel.
type Touch struct {
	At time.Time
	// Channel is what credit goes to: a source, a medium, a campaign, or any
	// of them joined. It must not be empty.
	Channel string
	// Milestone marks the touches that W rewards; zero is none.
	Milestone Milestone
}

// Milestone is what a touch brought about.
type Milestone uint8

// The milestones between the first touch and the conversion.
const (
	NoMilestone Milestone = iota
	LeadCreated
	OpportunityCreated
)

// Journey is the touches of one lead, or of many alike, and what came of them.
type Journey struct {
	Touches []Touch // in any order
	// ConvertedAt is when it converted; touches after it don't count. The zero
	// time means after all touches.
	ConvertedAt time.Time
	// Conversions is how many leads with these touches converted, Lost how many
	// did not: Markov needs both. Value is what the conversions were worth
	// together; without conversions it must be 0.
	Conversions int64
	Lost        int64
	Value       leadloop.Micros
}

// Options are the optional settings of a ledger.
type Options struct {
	// LookBack leaves out touches longer before the conversion than this; 0
	// means none.
	LookBack time.Duration
	// HalfLife is by how much before the conversion a touch counts half in
	// [TimeDecay]; 0 means 7 days.
	HalfLife time.Duration
	// Direct are the channels that [LastNonDirect] passes over; nil means
	// "direct" and "(direct)".
	Direct []string
	// Order is how many touches back the Markov chain remembers; 0 means 1.
	Order int
}

// Model is a way to divide credit.
type Model string

// The models. The weights of U and W are those in common use; where a journey
// has fewer distinct places than a model rewards, the weights of the places it
// has are scaled to sum to 1.
const (
	First         Model = "first"
	Last          Model = "last"
	LastNonDirect Model = "last_non_direct" // last, if all touches are direct
	Linear        Model = "linear"
	U             Model = "u"          // 40 % first, 40 % last, 20 % shared by those between
	W             Model = "w"          // 30 % first, 30 % lead created, 30 % opportunity created, 10 % shared by the others
	TimeDecay     Model = "time_decay" // halves every Options.HalfLife before the conversion
	// Markov divides by removal effect: how much less likely a conversion is
	// if everyone who would come to the channel were lost instead (Anderl,
	// Becker, von Wangenheim, Schumann 2016).
	Markov Model = "markov"
	// Shapley divides by the Shapley value of the game in which a coalition of
	// channels wins the conversions whose channels are all in it; a journey's
	// credit is then shared equally by its distinct channels (Zhao, Mahboobi,
	// Bagheri 2018, "simplified").
	Shapley Model = "shapley"
)

// Models returns all models in the order in which reports show them.
func Models() []Model {
	return []Model{First, Last, LastNonDirect, Linear, U, W, TimeDecay, Markov, Shapley}
}

// positional are the models whose credit a journey gives by itself.
var positional = []Model{First, Last, LastNonDirect, Linear, U, W, TimeDecay, Shapley}

// Conversions is a number of conversions in millionths, so that shares add up.
type Conversions int64

// Whole is one conversion.
const Whole Conversions = 1_000_000

// Float returns c in conversions.
func (c Conversions) Float() float64 { return float64(c) / float64(Whole) }

// Credit is what one channel gets.
type Credit struct {
	Channel     string          `json:"channel"`
	Conversions Conversions     `json:"conversions_millionths"`
	Value       leadloop.Micros `json:"value"`
}

// Result is the credits under one model, highest first, then by channel. They
// add up to Total exactly.
type Result struct {
	Model   Model    `json:"model"`
	Credits []Credit `json:"credits"`
	Total   Credit   `json:"total"` // its Channel is empty
}

// Ledger folds journeys. It is not safe for concurrent use; make one for each
// goroutine and [Ledger.Merge] them.
type Ledger struct {
	o      Options
	direct map[string]bool
	total  Credit
	lost   int64
	credit map[Model]map[string]Credit
	chain  chain
}

// NewLedger returns an empty ledger.
func NewLedger(o Options) (*Ledger, error) {
	var problems []error
	if o.LookBack < 0 || o.HalfLife < 0 {
		problems = append(problems, fmt.Errorf("%w: Options.LookBack and Options.HalfLife can't be negative", leadloop.ErrInvalid))
	}
	if o.Order < 0 || o.Order > maxOrder {
		problems = append(problems, fmt.Errorf("%w: Options.Order %d: want 1 to %d", leadloop.ErrInvalid, o.Order, maxOrder))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("attribution: %w", err)
	}
	if o.HalfLife == 0 {
		o.HalfLife = 7 * 24 * time.Hour
	}
	if o.Direct == nil {
		o.Direct = []string{"direct", "(direct)"}
	}
	if o.Order == 0 {
		o.Order = 1
	}
	l := &Ledger{o: o, direct: map[string]bool{}, credit: map[Model]map[string]Credit{}, chain: newChain(o.Order)}
	for _, d := range o.Direct {
		l.direct[d] = true
	}
	for _, m := range positional {
		l.credit[m] = map[string]Credit{}
	}
	return l, nil
}

// Add folds a journey. It fails with leadloop.ErrInvalid, and folds nothing, if
// a count is negative, if there is value without conversions, or if a channel
// is empty, is [None] or holds a NUL. It keeps nothing of j.
func (l *Ledger) Add(j Journey) error {
	switch {
	case j.Conversions < 0 || j.Lost < 0:
		return fmt.Errorf("attribution: %w: a journey can't have a negative count", leadloop.ErrInvalid)
	case j.Conversions > math.MaxInt64/int64(Whole)/2 || l.total.Conversions > math.MaxInt64/2:
		return fmt.Errorf("attribution: %w: more conversions than can be counted", leadloop.ErrInvalid)
	case j.Conversions == 0 && j.Value != 0:
		return fmt.Errorf("attribution: %w: a journey without conversions has no value", leadloop.ErrInvalid)
	case slices.ContainsFunc(j.Touches, func(t Touch) bool {
		return t.Channel == "" || t.Channel == None || strings.Contains(t.Channel, separator)
	}):
		return fmt.Errorf("attribution: %w: a touch needs a channel, without NUL, and %s is not one", leadloop.ErrInvalid, None)
	}
	touches := l.counted(j)
	l.chain.add(touches, j.Conversions, j.Lost)
	l.lost += j.Lost
	if j.Conversions == 0 {
		return nil
	}
	whole := Credit{Conversions: Conversions(j.Conversions) * Whole, Value: j.Value}
	l.total.Conversions += whole.Conversions
	l.total.Value += whole.Value
	if len(touches) == 0 {
		for _, m := range positional {
			l.give(m, None, whole)
		}
		return nil
	}
	last := touches[len(touches)-1].At
	if !j.ConvertedAt.IsZero() {
		last = j.ConvertedAt
	}
	for _, m := range positional {
		l.divide(m, touches, l.weights(m, touches, last), whole)
	}
	return nil
}

// counted returns the touches up to the conversion and within the look-back
// window, in order of time; those of one moment by channel and milestone.
func (l *Ledger) counted(j Journey) []Touch {
	touches := slices.Clone(j.Touches)
	slices.SortFunc(touches, func(a, b Touch) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Channel, b.Channel), cmp.Compare(a.Milestone, b.Milestone))
	})
	end := j.ConvertedAt
	if end.IsZero() && len(touches) > 0 {
		end = touches[len(touches)-1].At
	}
	return slices.DeleteFunc(touches, func(t Touch) bool {
		return t.At.After(end) || l.o.LookBack > 0 && end.Sub(t.At) > l.o.LookBack
	})
}

// weights returns a weight for each touch; they need not sum to 1.
func (l *Ledger) weights(m Model, touches []Touch, end time.Time) []float64 {
	n := len(touches)
	w := make([]float64, n)
	switch m {
	case First:
		w[0] = 1
	case Last:
		w[n-1] = 1
	case LastNonDirect:
		at := n - 1
		for i := n - 1; i >= 0; i-- {
			if !l.direct[touches[i].Channel] {
				at = i
				break
			}
		}
		w[at] = 1
	case Linear:
		for i := range w {
			w[i] = 1
		}
	case U:
		w[0] += 0.4
		w[n-1] += 0.4
		for i := 1; i < n-1; i++ {
			w[i] = 0.2 / float64(n-2)
		}
	case W:
		weighW(touches, w)
	case TimeDecay:
		for i, t := range touches {
			w[i] = math.Exp2(-float64(end.Sub(t.At)) / float64(l.o.HalfLife))
		}
		if w[n-1] == 0 { // all of them too long ago to tell apart
			w[n-1] = 1
		}
	case Shapley:
		seen := map[string]bool{}
		for i, t := range touches {
			if !seen[t.Channel] {
				seen[t.Channel], w[i] = true, 1
			}
		}
	}
	return w
}

// weighW rewards the first touch and the latest touch of each milestone; the
// others share a tenth.
func weighW(touches []Touch, w []float64) {
	key := map[int]bool{0: true}
	w[0] += 0.3
	for _, m := range []Milestone{LeadCreated, OpportunityCreated} {
		for i, t := range slices.Backward(touches) {
			if t.Milestone == m {
				w[i] += 0.3
				key[i] = true
				break
			}
		}
	}
	for i := range w {
		if !key[i] {
			w[i] = 0.1 / float64(len(w)-len(key))
		}
	}
}

// divide gives each touch its share. Shares are differences of rounded running
// sums, so that nothing is lost.
func (l *Ledger) divide(m Model, touches []Touch, w []float64, whole Credit) {
	sum := 0.0
	for _, x := range w {
		sum += x
	}
	run, given := 0.0, Credit{}
	for i, t := range touches {
		run += w[i]
		upTo := share(whole, run, sum)
		l.give(m, t.Channel, Credit{Conversions: upTo.Conversions - given.Conversions, Value: upTo.Value - given.Value})
		given = upTo
	}
}

// share returns part/sum of whole, and whole itself at the end.
func share(whole Credit, part, sum float64) Credit {
	if part >= sum {
		return whole
	}
	f := part / sum
	return Credit{
		Conversions: Conversions(math.Round(f * float64(whole.Conversions))),
		Value:       leadloop.Micros(math.Round(f * float64(whole.Value))),
	}
}

func (l *Ledger) give(m Model, channel string, c Credit) {
	if c.Conversions == 0 && c.Value == 0 {
		return
	}
	now := l.credit[m][channel]
	l.credit[m][channel] = Credit{Conversions: now.Conversions + c.Conversions, Value: now.Value + c.Value}
}

// Merge adds what another ledger folded; both must have the same options.
func (l *Ledger) Merge(other *Ledger) error {
	if l.o.LookBack != other.o.LookBack || l.o.HalfLife != other.o.HalfLife || l.o.Order != other.o.Order || !slices.Equal(l.o.Direct, other.o.Direct) {
		return fmt.Errorf("attribution: %w: ledgers with different options do not add", leadloop.ErrInvalid)
	}
	l.total.Conversions += other.total.Conversions
	l.total.Value += other.total.Value
	l.lost += other.lost
	for m, credits := range other.credit {
		for channel, c := range credits {
			l.give(m, channel, c)
		}
	}
	l.chain.merge(other.chain)
	return nil
}

// Result returns the credits under a model; leadloop.ErrInvalid if there is no
// such model. All but Markov take no time; that takes a solution of the whole
// chain for each channel, on as many processors as there are, and stops with
// ctx's error when ctx is done: ten thousand channels are minutes.
func (l *Ledger) Result(ctx context.Context, m Model) (Result, error) {
	r := Result{Model: m, Total: l.total}
	switch {
	case m == Markov:
		var err error
		if r.Credits, err = l.markov(ctx); err != nil {
			return Result{}, fmt.Errorf("attribution: %w", err)
		}
	case l.credit[m] != nil:
		for channel, c := range l.credit[m] {
			c.Channel = channel
			r.Credits = append(r.Credits, c)
		}
	default:
		return Result{}, fmt.Errorf("attribution: %w: no model is called %q; there are %q", leadloop.ErrInvalid, m, Models())
	}
	slices.SortFunc(r.Credits, func(a, b Credit) int {
		return cmp.Or(cmp.Compare(b.Conversions, a.Conversions), cmp.Compare(b.Value, a.Value), strings.Compare(a.Channel, b.Channel))
	})
	return r, nil
}

// markov divides the total by removal effect. Conversions without a touch stay
// with none.
func (l *Ledger) markov(ctx context.Context) ([]Credit, error) {
	untouched := l.credit[Last][None]
	whole := Credit{Conversions: l.total.Conversions - untouched.Conversions, Value: l.total.Value - untouched.Value}
	var credits []Credit
	if untouched != (Credit{}) {
		untouched.Channel = None
		credits = append(credits, untouched)
	}
	effects, err := l.chain.removalEffects(ctx)
	if err != nil {
		return nil, err
	}
	sum := 0.0
	for _, e := range effects {
		sum += e.effect
	}
	run, given := 0.0, Credit{}
	for _, e := range effects {
		run += e.effect
		upTo := share(whole, run, sum)
		c := Credit{Channel: e.channel, Conversions: upTo.Conversions - given.Conversions, Value: upTo.Value - given.Value}
		given = upTo
		if c.Conversions != 0 || c.Value != 0 {
			credits = append(credits, c)
		}
	}
	return credits, nil
}
