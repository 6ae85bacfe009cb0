package playbook

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/scoring"
	"github.com/leadloop/leadloop/store"
)

// Stored loads the playbook that was saved under a digest, such as that of a
// decision, to explain and decide again; the tables of its providers are not
// part of it, so it builds no loop that buys. leadloop.ErrNotFound if there is none; the error is a
// [leadloop.Problems] if this release finds fault with it.
func Stored(ctx context.Context, st store.Store, digest string) (*Playbook, error) {
	var files map[string][]byte
	err := st.View(ctx, func(tx store.Tx) (err error) {
		files, err = tx.Playbooks().Get(ctx, digest)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("playbook %.12s: %w", digest, err)
	}
	fsys, err := folder(files)
	if err != nil {
		return nil, fmt.Errorf("playbook %.12s: %w", digest, err)
	}
	pb, problems := load(fsys, true)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return pb, nil
}

// folder is a file system of the files: an archive in memory is one.
func folder(files map[string][]byte) (fs.FS, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, err := w.Create(name)
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(files[name]); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
}

// Replayed is a score that was decided, decided once more.
type Replayed struct {
	// Same says that the explanation came out byte for byte as it is recorded.
	Same bool `json:"same"`
	// Recorded and Again are both explanations, as JSON.
	Recorded json.RawMessage `json:"-"`
	Again    json.RawMessage `json:"-"`
	// Difference names the first place where they part, "" if they don't.
	Difference string `json:"difference,omitempty"`
	// Later are fields and activity types of which something was entered after
	// the decision with an earlier date, so that it was left out; sorted.
	Later []string `json:"later,omitempty"`
}

// Replay scores a lead again as a decision did, by this playbook and from what
// was known then: claims observed and activities that happened by then. Where
// that comes out differently, because something was entered or taken away since
// with an earlier date, it scores what the decision recorded that its rules read:
// Replayed.Later then names where the lead says something else now. What can't
// be made out so is a difference. leadloop.ErrNotFound if the decision scored nothing, and
// ErrInvalid if it was made by another playbook: see [Stored].
func (p *Playbook) Replay(ctx context.Context, lead *leadloop.Lead, d leadloop.Decision) (Replayed, error) {
	i := slices.IndexFunc(d.Steps, func(s leadloop.Step) bool { return s.Stage == scoring.StageName })
	if i < 0 {
		return Replayed{}, fmt.Errorf("replay lead %s: the decision of revision %d scored nothing: %w", lead.ID, d.Revision, leadloop.ErrNotFound)
	}
	if d.Playbook != "" && d.Playbook != p.digest {
		return Replayed{}, fmt.Errorf("replay lead %s: %w: it was decided by playbook %.12s, this is %.12s", lead.ID, leadloop.ErrInvalid, d.Playbook, p.digest)
	}
	var was scoring.Trace
	if err := json.Unmarshal(d.Steps[i].Trace, &was); err != nil {
		return Replayed{}, fmt.Errorf("replay lead %s: %w", lead.ID, err)
	}
	r := Replayed{Recorded: d.Steps[i].Trace}
	in := p.known(lead, d.AsOf, was.PreviousTier)
	again, err := p.again(ctx, &r, in, &was)
	if err == nil && !r.Same {
		from, later := p.recorded(lead, in, &was.Explanation)
		record := r
		if _, err = p.again(ctx, &record, from, &was); err == nil && record.Same {
			record.Later = later
			return record, nil
		}
	}
	if err != nil {
		return Replayed{}, fmt.Errorf("replay lead %s: %w", lead.ID, err)
	}
	if !r.Same {
		r.Difference = parting(was.Explanation, again)
	}
	return r, nil
}

// again scores once more and compares.
func (p *Playbook) again(ctx context.Context, r *Replayed, in scoring.Input, was *scoring.Trace) (scoring.Explanation, error) {
	e, err := p.model.Explain(ctx, in)
	if err != nil {
		return e, err
	}
	// What a shadow said beside it is not decided again.
	if r.Again, err = json.Marshal(scoring.Trace{Explanation: e, Shadow: was.Shadow, ShadowError: was.ShadowError}); err != nil {
		return e, err
	}
	r.Same = bytes.Equal(r.Recorded, r.Again)
	return e, nil
}

// recorded is the input with what a decision says that its rules read in place
// of what the lead says, and where the two differ. Of activities more than were
// counted it leaves out those that no rule gave points for, the latest first.
func (p *Playbook) recorded(lead *leadloop.Lead, in scoring.Input, e *scoring.Explanation) (out scoring.Input, later []string) {
	fields, counts, named := map[string]scoring.FieldUsed{}, map[string]int{}, map[string]bool{}
	read := func(used []scoring.FieldUsed, activities []scoring.ActivityUsed) {
		for _, u := range used {
			fields[u.Field] = u
		}
		for _, a := range activities {
			counts[a.Type] = a.Count
		}
	}
	for i := range e.Contributions {
		c := &e.Contributions[i]
		read(c.Fields, c.Activities)
		for _, o := range c.Occurrences {
			named[o.ID] = true
		}
		if c.Each != "" {
			counts[c.Each] = len(c.Occurrences) + c.Faded
		}
	}
	for i := range e.Modifiers {
		read(e.Modifiers[i].Fields, e.Modifiers[i].Activities)
	}
	var claims []leadloop.Claim
	for _, c := range lead.Claims {
		if _, ok := fields[c.Field]; !ok && !c.ObservedAt.After(in.AsOf) {
			claims = append(claims, c)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		u := fields[name]
		c, told := in.Profile.Provenance(name)
		if now := in.Profile.Value(name); !now.Equal(u.Value) || told && (c.Source != u.Source || !c.EffectiveAt().Equal(u.At)) {
			later = append(later, name)
		}
		if u.Value.Presence() != leadloop.Absent {
			claim := leadloop.Claim{Field: name, Value: u.Value, Evidence: leadloop.Evidence{Source: u.Source, ObservedAt: u.At}}
			for o := range leadloop.Origin(16) {
				if o.String() == u.Origin {
					claim.Origin = o
				}
			}
			claims = append(claims, claim)
		}
	}
	activities := slices.Clone(in.Activities)
	slices.SortStableFunc(activities, func(a, b leadloop.Activity) int { return b.At.Compare(a.At) })
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		have := 0
		for _, a := range activities {
			if a.Type == kind {
				have++
			}
		}
		if have > counts[kind] {
			later = append(later, kind)
		}
		activities = slices.DeleteFunc(activities, func(a leadloop.Activity) bool {
			surplus := have > counts[kind] && a.Type == kind && !named[a.ID]
			if surplus {
				have--
			}
			return surplus
		})
	}
	profile := leadloop.Golden(p.schema, p.policy, claims)
	profile.SetActivities(activities)
	slices.Sort(later)
	return scoring.Input{Profile: profile, Activities: activities, AsOf: in.AsOf, PreviousTier: in.PreviousTier}, later
}

// known is the input of a score as of a moment.
func (p *Playbook) known(lead *leadloop.Lead, asOf time.Time, previous string) scoring.Input {
	claims := slices.DeleteFunc(slices.Clone(lead.Claims), func(c leadloop.Claim) bool { return c.ObservedAt.After(asOf) })
	activities := slices.DeleteFunc(slices.Clone(lead.Activities), func(a leadloop.Activity) bool { return a.At.After(asOf) })
	profile := leadloop.Golden(p.schema, p.policy, claims)
	profile.SetActivities(activities)
	return scoring.Input{Profile: profile, Activities: activities, AsOf: asOf, PreviousTier: previous}
}

func parting(was, is scoring.Explanation) string {
	if was.Digest != is.Digest {
		return "the model is another one"
	}
	for i := range min(len(was.Contributions), len(is.Contributions)) {
		a, b := was.Contributions[i], is.Contributions[i]
		if a.Points != b.Points || a.State != b.State {
			return fmt.Sprintf("rule %s gave %s (%s) and gives %s (%s): what it reads was entered or changed since", a.Rule, a.Points, a.State, b.Points, b.State)
		}
	}
	if was.Points != is.Points || was.Tier != is.Tier {
		return fmt.Sprintf("%s points, tier %s became %s points, tier %s", was.Points, was.Tier, is.Points, is.Tier)
	}
	return "the points are the same; the reasons, the range or until when it is valid are not"
}
