package playbook

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/suggest"
	"github.com/leadloop/leadloop/internal/yamldoc"
)

// caseFile is a file of cases as it is spelled, as far as it is about what only
// the whole playbook can tell. The other keys are read by scoring and routing.
type caseFile struct {
	AsOf      leadloop.Expression `yaml:"as_of"`
	Cases     yaml.Node           `yaml:"cases"`
	Routes    yaml.Node           `yaml:"routes"`
	Enrich    []enrichEntry       `yaml:"enrich"`
	Lifecycle []lifecycleEntry    `yaml:"lifecycle"`
}

// caseMatched is what the lead of a case was matched to.
type caseMatched struct {
	Owner    leadloop.RepID `yaml:"owner"`
	Customer bool           `yaml:"customer"`
}

// caseReader reads the cases of one file.
type caseReader struct {
	pb       *Playbook
	file     string
	problems leadloop.Problems
	name     string // of the case under way
	seen     map[string]bool
	// broken tells that the file as such has problems: what is missing may have
	// been there.
	broken bool
}

func (k *caseReader) add(at leadloop.Position, hint, format string, args ...any) {
	k.problems.AddHint(at, hint, "case %q: %s", k.name, fmt.Sprintf(format, args...))
}

// readCases adds the cases of a file about enrichment and the lifecycle.
func (p *Playbook) readCases(file string, data []byte) leadloop.Problems {
	var f caseFile
	k := caseReader{pb: p, file: file, problems: yamldoc.Decode(file, data, &f)}
	k.broken = k.problems.Err() != nil
	if f.Enrich != nil && len(f.Enrich) == 0 {
		k.problems.Add(leadloop.Position{File: file}, "enrich: expected at least one")
	}
	if f.Lifecycle != nil && len(f.Lifecycle) == 0 {
		k.problems.Add(leadloop.Position{File: file}, "lifecycle: expected at least one")
	}
	k.seen = map[string]bool{}
	for i := range f.Enrich {
		if e := &f.Enrich[i]; k.begin(e.Name, e.At, &e.AsOf, f.AsOf) {
			p.enrichCases = append(p.enrichCases, k.enrichment(e))
		}
	}
	clear(k.seen)
	for i := range f.Lifecycle {
		if e := &f.Lifecycle[i]; k.begin(e.Name, e.At, &e.AsOf, f.AsOf) {
			p.lifecycleCases = append(p.lifecycleCases, k.lifecycle(e))
		}
	}
	k.problems.Sort()
	return k.problems
}

// begin checks what every case has; without a moment it can't be read.
func (k *caseReader) begin(name string, at leadloop.Position, own *leadloop.Expression, all leadloop.Expression) bool {
	k.name = name
	if strings.TrimSpace(name) == "" && !k.broken {
		k.add(at, "", "name: expected a sentence that says what is tested")
	}
	if k.seen[name] && name != "" {
		k.add(at, "", "the name is taken by an earlier case")
	}
	k.seen[name] = true
	if own.IsZero() {
		*own = all
	}
	if own.IsZero() {
		k.add(at, "", "as_of: missing: the moment of the case")
		return false
	}
	if _, err := leadloop.ParseTime(own.Text); err != nil {
		k.add(own.At, "", "as_of: expected a date or time such as 2027-01-31")
		return false
	}
	return true
}

// lead makes a lead of what a person said about it, and what it did.
func (k *caseReader) lead(asOf time.Time, values map[string]yaml.Node, none []leadloop.Expression, activities []yamldoc.Activity) *leadloop.Lead {
	lead := &leadloop.Lead{ID: "case", ReceivedAt: asOf}
	profile := k.pb.schema.NewProfile()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		n := values[name]
		at := k.at(&n)
		def, ok := k.field(at, name)
		if !ok {
			continue
		}
		v, bad, problem := yamldoc.FieldValue(&n, def.Kind)
		if problem == "" {
			problem = yamldoc.Set(profile, def, v)
			bad = &n
		}
		if problem != "" {
			k.add(k.at(bad), "", "%s: %s", name, problem)
		}
	}
	for _, n := range none {
		def, ok := k.field(n.At, n.Text)
		switch {
		case !ok:
		case profile.Value(def.Name).Presence() != leadloop.Absent:
			k.add(n.At, "", "none: %s has a value or stands here twice", def.Name)
		default:
			// A known absence is of the field's own kind.
			_ = profile.SetValue(def.Name, leadloop.NoValue(def.Kind))
		}
	}
	for i := range k.pb.schema.Len() {
		def := k.pb.schema.At(i)
		if v := profile.Value(def.Name); v.Presence() != leadloop.Absent {
			lead.Claims = append(lead.Claims, leadloop.Claim{Field: def.Name, Value: v, Evidence: leadloop.Evidence{
				Origin: leadloop.OriginPerson, Source: "case", Record: lead.ID, ObservedAt: asOf, VerifiedAt: asOf,
			}})
		}
	}
	for i := range activities {
		list, problems := activities[i].Activities(asOf)
		for _, problem := range problems {
			k.add(activities[i].Position, "", "activities[%d]: %s", i, problem)
		}
		if len(lead.Activities)+len(list) > yamldoc.MaxActivities {
			k.add(activities[i].Position, "", "activities: expected at most %d", yamldoc.MaxActivities)
			break
		}
		for _, a := range list {
			a.ID = cmp.Or(a.ID, fmt.Sprintf("activity-%d", len(lead.Activities)+1))
			lead.Activities = append(lead.Activities, a)
		}
	}
	return lead
}

func (k *caseReader) at(n *yaml.Node) leadloop.Position {
	return leadloop.Position{File: k.file, Line: n.Line, Column: n.Column}
}

// field finds a field by its name, which belongs to the lead without a dot.
func (k *caseReader) field(at leadloop.Position, name string) (leadloop.FieldDef, bool) {
	full := name
	if !strings.Contains(name, ".") {
		full = "lead." + name
	}
	def, ok := k.pb.schema.Lookup(full)
	if !ok {
		var known []string
		for _, f := range k.pb.schema.Fields() {
			known = append(known, f.Name)
		}
		k.add(at, cmp.Or(suggest.DidYouMean(full, known), suggest.DidYouMean("company."+name, known)), "unknown field %q", name)
	}
	return def, ok
}

// one of the names has to be meant; "" is none.
func (k *caseReader) one(e leadloop.Expression, key, what string, names []string) {
	if !e.IsZero() && !slices.Contains(names, e.Text) {
		k.add(e.At, cmp.Or(suggest.DidYouMean(e.Text, names), "known: "+strings.Join(names[:min(len(names), 12)], ", ")), "%s: there is no %s %q", key, what, e.Text)
	}
}

// fields are the full names of a list, sorted; nil stays nil.
func (k *caseReader) fields(key string, list []leadloop.Expression) []string {
	if list == nil {
		return nil
	}
	out := []string{}
	for _, e := range list {
		if def, ok := k.field(e.At, e.Text); ok {
			out = append(out, def.Name)
		}
	}
	slices.Sort(out)
	if len(slices.Compact(slices.Clone(out))) < len(out) {
		k.add(list[0].At, "", "%s: names a field twice", key)
	}
	return out
}

// none is what a case says for nothing.
const none = "-"

// missed is one part of a case that was not met.
type missed struct{ what, want, got string }

// misses collects them.
type misses []missed

// differ notes a part that is wanted and is not so.
func (m *misses) differ(what, want, got string) {
	if want != "" && want != got {
		*m = append(*m, missed{what, want, cmp.Or(got, "none")})
	}
}

// list notes a list that is wanted, nil if it is not, and is not so.
func (m *misses) list(what string, want, got []string) {
	if want != nil && !slices.Equal(want, got) {
		*m = append(*m, missed{what, cmp.Or(strings.Join(want, ", "), "nothing"), cmp.Or(strings.Join(got, ", "), "nothing")})
	}
}

// text says what was expected and what came, with how it came to that; "" if
// nothing was missed.
func (m *misses) text(at leadloop.Position, name, title string, how []string) string {
	if len(*m) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", at, name)
	for _, x := range *m {
		fmt.Fprintf(&b, "  %s: want %s, got %s\n", x.what, x.want, x.got)
	}
	fmt.Fprintf(&b, "  %s:\n", title)
	for _, line := range how {
		fmt.Fprintf(&b, "    %s\n", line)
	}
	return b.String()
}
