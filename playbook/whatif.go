package playbook

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/capture"
	"github.com/leadloop/leadloop/internal/suggest"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/scoring"
)

// WhatIf is what a lead would come to with other values.
type WhatIf struct {
	Before scoring.Explanation `json:"before"`
	After  scoring.Explanation `json:"after"`
	// From and To are where the chain would put the lead: "assigned:<pool>",
	// "queued:<queue>" and the like, everybody idle.
	From string `json:"from"`
	To   string `json:"to"`
	// Lead is the lead with the other values, which nothing stores.
	Lead *leadloop.Lead `json:"-"`
}

// WhatIf scores and routes a lead as it is and with some values changed, by
// field name as rules spell it; it writes nothing. Values are read as a form's
// are: a country becomes its code, and a title tells the seniority if nobody
// said another one; entries of a list are parted by commas. An empty one stands
// for a field of which nobody knows anything. ErrInvalid names every field that
// there is not and every value that can't be read.
func (p *Playbook) WhatIf(ctx context.Context, lead *leadloop.Lead, values map[string]string, asOf time.Time) (*WhatIf, error) {
	changed, err := p.suppose(lead, values, asOf)
	if err != nil {
		return nil, err
	}
	out := &WhatIf{Lead: changed}
	if out.Before, out.From, err = p.would(ctx, lead, asOf); err != nil {
		return nil, err
	}
	out.After, out.To, err = p.would(ctx, changed, asOf)
	return out, err
}

// would scores a lead and says where the chain would put it.
func (p *Playbook) would(ctx context.Context, lead *leadloop.Lead, asOf time.Time) (scoring.Explanation, string, error) {
	in := p.known(lead, asOf, lead.State.Score.Tier)
	e, err := p.model.Explain(ctx, in)
	switch {
	case err != nil:
		return e, "", err
	case e.Disqualified != "":
		return e, landing{leadloop.OutcomeDisqualified, e.Disqualified}.String(), nil
	}
	at := lead.ReceivedAt
	if at.IsZero() {
		at = asOf
	}
	to, _, err := p.destination(ctx, &routing.Snapshot{}, &routing.Moment{At: at, Lead: lead.ID, Profile: in.Profile, Score: e.Score(), Activities: in.Activities})
	return e, landed(&to).String(), err
}

// suppose returns the lead with other values.
func (p *Playbook) suppose(lead *leadloop.Lead, values map[string]string, asOf time.Time) (*leadloop.Lead, error) {
	var problems []error
	given := map[string]string{}
	out := lead.Clone()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		def, ok := p.schema.Lookup(name)
		if !ok {
			var names []string
			for _, f := range p.schema.Fields() {
				names = append(names, f.Name)
			}
			meant := suggest.DidYouMean(name, names)
			if meant != "" {
				meant = ", " + meant
			}
			problems = append(problems, fmt.Errorf("%w: there is no field %q%s", leadloop.ErrInvalid, name, meant))
			continue
		}
		given[name] = strings.TrimSpace(values[name])
		if def.Kind == leadloop.KindStrings {
			given[name] = strings.ReplaceAll(given[name], ",", ";")
		}
		out.Claims = slices.DeleteFunc(out.Claims, func(c leadloop.Claim) bool { return c.Field == name })
	}
	source := capture.Source{Name: "what-if", Required: [][]string{}}
	source.Country, _ = leadloop.Country.Get(leadloop.Golden(p.schema, p.policy, out.Claims)) // of phone numbers
	form, err := capture.New(p.schema, source)
	if err != nil {
		return nil, err
	}
	said, unread, err := form.Submission(capture.Payload{Values: given}, asOf)
	for rejected := (*capture.Reject)(nil); errors.As(err, &rejected); {
		// Without these it says what is wrong with the others.
		for _, r := range rejected.Reasons {
			problems = append(problems, fmt.Errorf("%w: field %s: %s", leadloop.ErrInvalid, r.Field, r.Message))
			delete(given, r.Field)
		}
		said, unread, err = form.Submission(capture.Payload{Values: given}, asOf)
	}
	if err != nil {
		return nil, err
	}
	for _, r := range unread {
		problems = append(problems, fmt.Errorf("%w: field %s: %s", leadloop.ErrInvalid, r.Field, r.Message))
	}
	for _, c := range said.Claims {
		if c.Origin != leadloop.OriginDerived {
			// A pin wins over whatever anybody else says.
			c.Origin, c.VerifiedAt, c.Pin = leadloop.OriginRep, asOf, leadloop.Pinned
		}
		out.Claims = append(out.Claims, c)
	}
	return out, errors.Join(problems...)
}

// Ways are what would bring a lead into a tier.
type Ways struct {
	// Open are the smallest sets of missing values and activities that would.
	Open scoring.Paths `json:"open"`
	// Otherwise are those of values that are known as well, asked for only where
	// nothing open would do: they say what stands in the way.
	Otherwise *scoring.Paths `json:"otherwise,omitempty"`
}

// Ways finds what would bring a lead into a tier as of a moment: values that
// nobody knows yet, activities that rules count, and if none of these does,
// other values of what is known. It fails as [scoring.Model.Paths] does.
func (p *Playbook) Ways(ctx context.Context, lead *leadloop.Lead, tier string, asOf time.Time) (*Ways, error) {
	in := p.known(lead, asOf, lead.State.Score.Tier)
	o := scoring.PathOptions{Activities: p.model.Activities()}
	open, err := p.model.Paths(ctx, in, tier, o)
	if err != nil || len(open.Sets) > 0 {
		return &Ways{Open: open}, err
	}
	o.Changeable = p.model.Inputs()
	otherwise, err := p.model.Paths(ctx, in, tier, o)
	return &Ways{Open: open, Otherwise: &otherwise}, err
}
