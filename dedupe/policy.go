package dedupe

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/suggest"
	"github.com/leadloop/leadloop/internal/yamldoc"
)

// Kind is a way to choose among the claims for one field. Ties of any kind go to the most recently verified claim.
type Kind string

// The survivorship kinds.
const (
	// MostRecentlyVerified takes the claim that was verified, or else observed, last. A fresh observation counts as a verification.
	MostRecentlyVerified Kind = "most_recently_verified"
	// MostRecent takes the claim that was observed last, whenever it was verified.
	MostRecent Kind = "most_recent"
	// SourcePriority takes the claim whose source stands first in a list; sources that are not in the list come last.
	SourcePriority Kind = "source_priority"
	// HighestConfidence takes the claim with the highest confidence; a source that does not say comes last.
	HighestConfidence Kind = "highest_confidence"
	// MostFrequent takes the value that most records say; each source has one vote per record, its latest.
	MostFrequent Kind = "most_frequent"
	// Longest takes the text with the most characters, or the list with the most elements.
	Longest Kind = "longest"
	// Oldest takes the claim that was observed first.
	Oldest Kind = "oldest"
	// Union takes all elements that any claim has, sorted, each once; each source counts with its latest claim per record.
	Union Kind = "union"
)

var kinds = []Kind{MostRecentlyVerified, MostRecent, SourcePriority, HighestConfidence, MostFrequent, Longest, Oldest, Union}

// PolicyDefinition is what survivorship.yaml says. The zero definition is the default policy.
type PolicyDefinition struct {
	At leadloop.Position `yaml:"-"`
	// Default is the kind for fields without a rule; "" means most_recently_verified. It can't be longest or union, which need text or lists.
	Default Kind `yaml:"default"`
	// Sources is the order for source_priority where a field has none of its own, best first.
	Sources []string `yaml:"sources"`
	// Ignore names sources that are never believed, not even when nobody else says anything.
	Ignore []string `yaml:"ignore"`
	// Hierarchy puts the origin first: rep, person, import, provider, derived; the kind then chooses within the strongest. Nil means true.
	Hierarchy *bool `yaml:"hierarchy"`
	// Fields are rules by field name. lead.source and lead.consent can't have one: the first source stays, the most restrictive consent wins.
	// Without a rule of its own company.technologies is united.
	Fields map[string]FieldRule `yaml:"fields"`
	// Groups are fields that are taken whole. Nil means the default groups, address and attribution; an empty list means none.
	Groups []Group `yaml:"groups"`
}

// FieldRule is how the claims for one field compete.
type FieldRule struct {
	At leadloop.Position `yaml:"-"`
	// Kind is the survivorship kind; "" means the definition's default.
	Kind Kind `yaml:"kind"`
	// Sources is the order for source_priority; empty means the definition's.
	Sources []string `yaml:"sources"`
	// Ignore names sources that are never believed for this field, besides the definition's.
	Ignore []string `yaml:"ignore"`
	// Hierarchy overrides the definition's.
	Hierarchy *bool `yaml:"hierarchy"`
}

// Group is fields that follow one source: the claim that wins the anchor decides, and the other fields take what the same source said at the
// same time. Only if it said nothing else do they follow, together, the best other source that agrees on the anchor. A pin wins over the group,
// and so does a rep's correction of one field.
type Group struct {
	At   leadloop.Position `yaml:"-"`
	Name string            `yaml:"name,required"`
	// Anchor is one of Fields; "" means the first.
	Anchor string   `yaml:"anchor"`
	Fields []string `yaml:"fields,required"`
}

// DefaultGroups are the groups of a definition that names none.
func DefaultGroups() []Group {
	return []Group{
		{Name: "address", Anchor: leadloop.Country.Name(), Fields: []string{leadloop.Country.Name(), leadloop.Region.Name(), leadloop.City.Name()}},
		{Name: "attribution", Anchor: leadloop.Source.Name(), Fields: []string{leadloop.Source.Name(), leadloop.Medium.Name(), leadloop.Campaign.Name()}},
	}
}

// ParsePolicy reads survivorship.yaml. The error is a leadloop.Problems with all that is wrong; field names and kinds are checked by [NewPolicy].
func ParsePolicy(file string, data []byte) (PolicyDefinition, error) {
	var def PolicyDefinition
	problems := yamldoc.Decode(file, data, &def)
	return def, problems.Err()
}

// Policy decides which claim a golden value comes from. It is immutable and safe for concurrent use.
//
// For every field: ignored sources are left out; what a human ignores (see leadloop.Ignored) is left out as long as anybody says anything else;
// a human's pin wins until it is unpinned; a value that its own source has since reported as not existing is withdrawn; then the strongest
// origin; there, what was cleared is cleared unless somebody of that origin said a value since; then the kind. A blank answer never clobbers: an
// empty value counts as cleared only if a rep gave it, or a person or an import through the source that gave a value before. If no value is left
// the field is cleared, known absent, empty or absent, whichever of these comes first.
type Policy struct {
	fallback rule
	fields   map[string]rule
	groups   map[string]*group // by follower
}

type rule struct {
	kind      Kind
	rank      map[string]int
	ignore    map[string]bool
	hierarchy bool
}

type group struct {
	anchor    leadloop.FieldDef
	followers []leadloop.FieldDef
}

// DefaultPolicy returns the policy of the zero definition.
func DefaultPolicy() *Policy {
	p, err := NewPolicy(PolicyDefinition{}, leadloop.StandardSchema())
	if err != nil {
		panic("dedupe: default policy: " + err.Error())
	}
	return p
}

// NewPolicy checks a definition against the schema of the leads and compiles it. The error is a leadloop.Problems with all that is wrong.
func NewPolicy(def PolicyDefinition, schema *leadloop.Schema) (*Policy, error) {
	c := compiler{def: def, schema: schema, p: &Policy{fields: map[string]rule{}, groups: map[string]*group{}}}
	switch def.Default {
	case "":
		c.def.Default = MostRecentlyVerified
	case Longest, Union:
		c.problems.Add(def.At, "default: %s needs text or lists; give it to single fields", def.Default)
	default:
		c.kind(def.At, "default", def.Default)
	}
	c.p.fallback = c.rule("default", FieldRule{At: def.At, Kind: c.def.Default})
	for _, name := range slices.Sorted(maps.Keys(def.Fields)) {
		c.field(name, def.Fields[name])
	}
	if _, ok := def.Fields[leadloop.Technologies.Name()]; !ok {
		c.p.fields[leadloop.Technologies.Name()] = c.rule(leadloop.Technologies.Name(), FieldRule{Kind: Union})
	}
	off := false
	c.p.fields[leadloop.Source.Name()] = c.rule(leadloop.Source.Name(), FieldRule{Kind: Oldest, Hierarchy: &off})
	if def.Groups == nil {
		c.defaultGroups()
	}
	for _, g := range def.Groups {
		c.group(g)
	}
	for i, anchor := range c.anchors {
		if c.p.groups[anchor] != nil {
			c.problems.Add(c.groupsAt[i], "groups: anchor %s follows another group; groups don't chain", anchor)
		}
	}
	c.problems.Sort()
	if err := c.problems.Err(); err != nil {
		return nil, err
	}
	return c.p, nil
}

type compiler struct {
	def      PolicyDefinition
	schema   *leadloop.Schema
	p        *Policy
	problems leadloop.Problems
	anchors  []string // of the groups so far, with their positions
	groupsAt []leadloop.Position
}

func (c *compiler) kind(at leadloop.Position, where string, k Kind) {
	if slices.Contains(kinds, k) {
		return
	}
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	hint := suggest.DidYouMean(string(k), names)
	if hint == "" {
		hint = "known kinds: " + strings.Join(names, ", ")
	}
	c.problems.AddHint(at, hint, "%s: unknown kind %q", where, string(k))
}

func (c *compiler) lookup(at leadloop.Position, where, name string) (leadloop.FieldDef, bool) {
	d, ok := c.schema.Lookup(name)
	if !ok {
		names := make([]string, c.schema.Len())
		for i := range names {
			names[i] = c.schema.At(i).Name
		}
		c.problems.AddHint(at, suggest.DidYouMean(name, names), "%s: no field %q", where, name)
	}
	return d, ok
}

func (c *compiler) rule(where string, f FieldRule) rule {
	r := rule{kind: cmp.Or(f.Kind, c.def.Default), hierarchy: true}
	for _, h := range []*bool{c.def.Hierarchy, f.Hierarchy} {
		if h != nil {
			r.hierarchy = *h
		}
	}
	for _, s := range slices.Concat(c.def.Ignore, f.Ignore) {
		if r.ignore == nil {
			r.ignore = map[string]bool{}
		}
		r.ignore[s] = true
	}
	if r.kind != SourcePriority {
		if len(f.Sources) > 0 {
			c.problems.Add(f.At, "%s: sources need kind %s, found %s", where, SourcePriority, r.kind)
		}
		return r
	}
	sources := f.Sources
	if len(sources) == 0 {
		sources = c.def.Sources
	}
	if len(sources) == 0 && f.Kind == SourcePriority {
		c.problems.Add(f.At, "%s: kind %s needs sources, best first", where, SourcePriority)
	}
	r.rank = map[string]int{}
	for i, s := range sources {
		if _, twice := r.rank[s]; twice {
			c.problems.Add(f.At, "%s: source %q stands in sources twice", where, s)
		}
		if r.ignore[s] {
			c.problems.Add(f.At, "%s: source %q stands in sources and in ignore", where, s)
		}
		r.rank[s] = i
	}
	return r
}

func (c *compiler) field(name string, f FieldRule) {
	where := "fields." + name
	d, ok := c.lookup(f.At, "fields", name)
	if f.Kind != "" {
		c.kind(f.At, where, f.Kind)
	}
	switch {
	case !ok:
	case name == leadloop.Consent.Name():
		c.problems.Add(f.At, "%s: takes no rule: the most restrictive consent always wins", where)
	case name == leadloop.Source.Name():
		c.problems.Add(f.At, "%s: takes no rule: the first source is never overwritten", where)
	case f.Kind == Union && d.Kind != leadloop.KindStrings:
		c.problems.Add(f.At, "%s: union needs a list, its type is %s", where, d.Kind)
	case f.Kind == Longest && d.Kind != leadloop.KindStrings && d.Kind != leadloop.KindString:
		c.problems.Add(f.At, "%s: longest needs text or a list, its type is %s", where, d.Kind)
	}
	c.p.fields[name] = c.rule(where, f)
}

// defaultGroups gives way to what the definition says about a group's fields: a field with a rule of its own leaves the default group.
func (c *compiler) defaultGroups() {
	for _, g := range DefaultGroups() {
		g.Fields = slices.DeleteFunc(g.Fields, func(name string) bool {
			_, own := c.def.Fields[name]
			return own && name != g.Anchor
		})
		if len(g.Fields) > 1 {
			c.group(g)
		}
	}
}

func (c *compiler) group(def Group) {
	where := "groups." + def.Name
	anchor := def.Anchor
	if anchor == "" && len(def.Fields) > 0 {
		anchor = def.Fields[0]
	}
	if len(def.Fields) < 2 {
		c.problems.Add(def.At, "%s: a group has at least two fields", where)
	}
	if !slices.Contains(def.Fields, anchor) {
		c.problems.AddHint(def.At, suggest.DidYouMean(anchor, def.Fields), "%s: anchor %q is not one of its fields", where, anchor)
	}
	g := &group{}
	seen := map[string]bool{}
	for _, name := range def.Fields {
		d, ok := c.lookup(def.At, where, name)
		own, hasRule := c.def.Fields[name]
		_, taken := c.p.groups[name]
		switch {
		case !ok:
		case seen[name]:
			c.problems.Add(def.At, "%s: %s stands in fields twice", where, name)
		case name == leadloop.Consent.Name():
			c.problems.Add(def.At, "%s: %s can't be in a group: the most restrictive consent always wins", where, name)
		case name == anchor && c.p.fields[name].kind == Union:
			c.problems.Add(def.At, "%s: a union has no single winner that a group could follow", where)
		case name == anchor:
			g.anchor = d
		case name == leadloop.Source.Name():
			c.problems.Add(def.At, "%s: %s can only be the anchor: the first source is never overwritten", where, name)
		case taken:
			c.problems.Add(def.At, "%s: %s is in another group already", where, name)
		case hasRule:
			c.problems.Add(own.At, "fields.%s: is in group %s, where the anchor %s decides", name, def.Name, anchor)
		default:
			g.followers = append(g.followers, d)
			c.p.groups[name] = g
		}
		seen[name] = true
	}
	c.anchors = append(c.anchors, g.anchor.Name)
	c.groupsAt = append(c.groupsAt, def.At)
}
