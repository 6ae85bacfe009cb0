package lifecycle

import (
	"cmp"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/yamldoc"
	"github.com/leadloop/leadloop/rules"
)

// CadenceDefinition is the sequences of messages and calls: cadences.yaml as a
// value. Ids are lower-case letters, digits, "_" and "-". The At fields are for
// error messages and may stay zero.
type CadenceDefinition struct {
	// Zone is where people are whose time zone is not known; empty means UTC.
	Zone string `yaml:"zone"`
	// Quiet are the hours in which nobody is written to or called, in the zone
	// of the person: "daily" or "sat-sun" to spans such as "20:00-08:00".
	Quiet map[string][]string `yaml:"quiet"`
	// DoubleOptIn says who has to confirm a consent; nil means nobody.
	DoubleOptIn *DoubleOptIn `yaml:"double_opt_in"`
	// Signals are the activity types of each signal that can stop a cadence; the
	// usual ones for those that are not given.
	Signals  CadenceSignals    `yaml:"signals"`
	Cadences []Cadence         `yaml:"cadences"`
	At       leadloop.Position `yaml:"-"`
}

// CadenceSignals are activity types by what they mean.
type CadenceSignals struct {
	// Reply: reply, email_reply, call_connected.
	Reply []string `yaml:"reply"`
	// Meeting: meeting_booked, meeting.
	Meeting []string `yaml:"meeting"`
	// Engagement: demo_request, contact_request, form_submission, email_click,
	// trial_signup, webinar_signup.
	Engagement []string `yaml:"engagement"`
	// OptOut: unsubscribe, opt_out. It always stops.
	OptOut []string `yaml:"opt_out"`
}

// The signals that can stop a cadence, which are the reasons of its end too.
const (
	SignalReply      = "reply"
	SignalMeeting    = "meeting"
	SignalEngagement = "engagement"
	SignalOptOut     = "opt_out"
)

// Reasons of the end of a cadence besides the signals and the reasons of a
// suppression.
const (
	ReasonFinished = "finished" // all steps were done
	ReasonLeft     = "left"     // its while does not hold any more
	ReasonReplaced = "replaced" // by another cadence
	ReasonRemoved  = "removed"  // the playbook does not have it any more
)

// Cadence is one sequence.
type Cadence struct {
	ID string `yaml:"id,required"`
	// Purpose is what people are contacted for, such as marketing or sales.
	Purpose string `yaml:"purpose"`
	// Enrol takes in leads for which it holds and that are in no cadence,
	// whenever their stage, status, disposition, owner or tier changes. Empty
	// takes in nobody by itself; a nurture track of the same id does so too.
	Enrol leadloop.Expression `yaml:"enrol"`
	// While must hold for the next step; if not, the cadence ends.
	While leadloop.Expression `yaml:"while"`
	// StopOn are the signals that end it: reply, meeting and engagement if there
	// are none here. opt_out always does.
	StopOn []string `yaml:"stop_on"`
	// Calendar counts the waits in business time, and steps fall into it; empty
	// is around the clock.
	Calendar string `yaml:"calendar"`
	Steps    []Step `yaml:"steps,required"`
	// Wait is how long an answer is waited for after the last step.
	Wait time.Duration `yaml:"wait"`
	// Then is what happens to leads that went through all of it.
	Then *Action           `yaml:"then"`
	At   leadloop.Position `yaml:"-"`
}

// Channels of a step.
const (
	ChannelEmail  = "email"
	ChannelCall   = "call"
	ChannelSocial = "social"
	ChannelVideo  = "video"
	ChannelTask   = "task" // something that a rep does without reaching the person
)

var channels = []string{ChannelEmail, ChannelCall, ChannelSocial, ChannelVideo, ChannelTask}

// Step is one message, call or task.
type Step struct {
	ID      string `yaml:"id,required"`
	Channel string `yaml:"channel,required"`
	// After is the wait since the step before, or since the enrolment.
	After time.Duration `yaml:"after"`
	// Content names what is sent or said: a template or script of the host's.
	Content string `yaml:"content"`
	// Split takes one of several contents, by the lead's id: the same lead always
	// gets the same one.
	Split []Variant `yaml:"split"`
	// When leaves the step out if it does not hold.
	When leadloop.Expression `yaml:"when"`
	At   leadloop.Position   `yaml:"-"`
}

// Variant is one of several contents of a step.
type Variant struct {
	ID      string `yaml:"id,required"`
	Content string `yaml:"content,required"`
	// Weight is its share relative to the others; 0 means 1.
	Weight int               `yaml:"weight"`
	At     leadloop.Position `yaml:"-"`
}

// ParseCadences reads cadences.yaml, as [Parse] reads lifecycle.yaml.
func ParseCadences(file string, data []byte) (CadenceDefinition, error) {
	var d CadenceDefinition
	problems := yamldoc.Decode(file, data, &d)
	return d, problems.Err()
}

// Cadences are checked definitions. They are immutable and safe for concurrent
// use. Make them with [NewCadences] and give them to [New].
type Cadences struct {
	list  []cadence
	rules *rules.Set
	quiet quiet
	zone  *time.Location
	optIn *DoubleOptIn
}

type cadence struct {
	Cadence
	enrol, while int // rules, -1 for none
	steps        []int
	stops        map[string][]string // activity types by signal
}

// IDs returns the ids of the cadences in the order of the definition; of nil
// there are none.
func (c *Cadences) IDs() []string {
	if c == nil {
		return nil
	}
	return ids(c.list, func(x cadence) string { return x.ID })
}

// Fields are the fields that conditions of the cadences read, sorted.
func (c *Cadences) Fields() []string {
	var out []string
	for i := range c.rules.Len() {
		out = append(out, c.rules.Inputs(i).Fields...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (c *Cadences) get(id string) *cadence {
	if c == nil {
		return nil
	}
	if i := slices.IndexFunc(c.list, func(x cadence) bool { return x.ID == id }); i >= 0 {
		return &c.list[i]
	}
	return nil
}

// NewCadences checks a definition against a schema. The error is a
// [leadloop.Problems] with everything that is wrong. Of the options it reads
// Limits and Calendars.
func NewCadences(def CadenceDefinition, schema *leadloop.Schema, o Options) (*Cadences, error) {
	if schema == nil {
		return nil, leadloop.Problems{{Message: "lifecycle: no schema"}}
	}
	c := checker{o: o}
	out := &Cadences{zone: time.UTC}
	if def.Zone != "" {
		zone, err := loadZone(def.Zone)
		if err != nil {
			c.AddHint(def.At, "a name such as Europe/Berlin", "zone: there is no time zone %q", def.Zone)
		} else {
			out.zone = zone
		}
	}
	var err error
	if out.quiet, err = newQuiet(def.Quiet); err != nil {
		c.Add(def.At, "quiet: %v", err)
	}
	if len(def.Cadences) == 0 && def.DoubleOptIn == nil {
		c.Add(def.At, "there is no cadence")
	}
	out.optIn = c.optIn(def.DoubleOptIn)
	names(&c, "cadence", def.Cadences, func(x Cadence) (string, leadloop.Position) { return x.ID, x.At })
	for _, x := range def.Cadences {
		out.list = append(out.list, c.cadence(x, def.Signals))
	}
	env, err := rules.NewEnv(schema, rules.Options{Vars: Vars(), Limits: o.Limits})
	if err == nil {
		out.rules, err = env.Compile(c.rules...)
	}
	c.Join(err)
	c.Sort()
	if err := c.Err(); err != nil {
		return nil, err
	}
	return out, nil
}

func (c *checker) cadence(x Cadence, signals CadenceSignals) cadence {
	where := "cadence " + x.ID
	out := cadence{Cadence: x, enrol: -1, while: -1, stops: map[string][]string{}}
	c.calendar(x.At, where, x.Calendar)
	if x.Purpose != "" && !codes.MatchString(x.Purpose) {
		c.Add(x.At, "%s: purpose %q is not made of lower-case letters, digits, - and _", where, x.Purpose)
	}
	if !x.Enrol.IsZero() {
		out.enrol = c.rule(where+": enrol", x.Enrol)
	}
	if !x.While.IsZero() {
		out.while = c.rule(where+": while", x.While)
	}
	all := signals.withDefaults()
	stops := x.StopOn
	if len(stops) == 0 {
		stops = []string{SignalReply, SignalMeeting, SignalEngagement}
	}
	for i, s := range stops {
		c.known(x.At, where+": stop_on", "signal", s, slices.Sorted(maps.Keys(all)))
		if slices.Contains(stops[:i], s) {
			c.Add(x.At, "%s: stop_on: %s stands there twice", where, s)
		}
		out.stops[s] = all[s]
	}
	out.stops[SignalOptOut] = all[SignalOptOut]
	if len(x.Steps) == 0 {
		c.Add(x.At, "%s: it has no steps", where)
	}
	if x.Wait < 0 {
		c.Add(x.At, "%s: wait is negative", where)
	}
	names(c, "step", x.Steps, func(s Step) (string, leadloop.Position) { return s.ID, s.At })
	out.Steps = slices.Clone(x.Steps)
	for i := range out.Steps {
		s := &out.Steps[i]
		at := where + ": step " + s.ID
		c.known(s.At, at, "channel", s.Channel, channels)
		if s.After < 0 {
			c.Add(s.At, "%s: after is negative", at)
		}
		s.Split = slices.Clone(s.Split)
		names(c, "variant", s.Split, func(v Variant) (string, leadloop.Position) { return v.ID, v.At })
		for j := range s.Split {
			if v := &s.Split[j]; v.Weight < 0 {
				c.Add(v.At, "%s: variant %s: weight is negative", at, v.ID)
			} else {
				v.Weight = cmp.Or(v.Weight, 1)
			}
		}
		switch {
		case len(s.Split) == 1:
			c.Add(s.At, "%s: split: one variant is none", at)
		case len(s.Split) > 0 && s.Content != "":
			c.Add(s.At, "%s: it has a content and a split", at)
		case len(s.Split) == 0 && s.Content == "":
			c.Add(s.At, "%s: it has no content", at)
		}
		rule := -1
		if !s.When.IsZero() {
			rule = c.rule(at+": when", s.When)
		}
		out.steps = append(out.steps, rule)
	}
	return out
}

func (s CadenceSignals) withDefaults() map[string][]string {
	or := func(given []string, standard ...string) []string {
		if given == nil {
			return standard
		}
		return slices.Clone(given)
	}
	return map[string][]string{
		SignalReply:      or(s.Reply, "reply", "email_reply", "call_connected"),
		SignalMeeting:    or(s.Meeting, "meeting_booked", "meeting"),
		SignalEngagement: or(s.Engagement, "demo_request", "contact_request", "form_submission", "email_click", "trial_signup", "webinar_signup"),
		SignalOptOut:     or(s.OptOut, "unsubscribe", "opt_out"),
	}
}

// variant is the content that a lead gets.
func (s *Step) variant(lead leadloop.LeadID, cadence string) Variant {
	if len(s.Split) == 0 {
		return Variant{Content: s.Content}
	}
	total := 0
	for _, v := range s.Split {
		total += v.Weight
	}
	h := fnv.New64a()
	// The first answer of a hash is only as mixed as its last byte is.
	h.Write([]byte(string(lead) + "\x00" + cadence + "\x00" + s.ID + "\x00leadloop/split/1"))
	n := int(mix(h.Sum64()) % uint64(total))
	for _, v := range s.Split {
		if n -= v.Weight; n < 0 {
			return v
		}
	}
	return s.Split[0]
}

// mix spreads a hash over all bits (the finaliser of MurmurHash3).
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
