package dedupe

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe/match"
	"github.com/leadloop/leadloop/internal/suggest"
	"github.com/leadloop/leadloop/internal/yamldoc"
)

// MatchFile says how the rows of a table are matched: match.yaml as a value. It
// is for tables of any content; leads in a loop are matched by [NewStage].
type MatchFile struct {
	// ID is the column that identifies a row; "" means its number.
	ID string `yaml:"id"`
	// Columns are those that are compared; all others are left alone.
	Columns []MatchColumn `yaml:"columns,required"`
	// Mode is dedupe, one_to_one, many_to_one or across; "" means dedupe within
	// one file and one_to_one between files that are linked.
	Mode       string          `yaml:"mode"`
	Thresholds MatchThresholds `yaml:"thresholds"`
	// MaxCluster is how many rows a cluster may have; 0 means the default of
	// package match.
	MaxCluster int `yaml:"max_cluster"`
	// Decisions is a table with the columns a, b and same (yes or no): what
	// somebody said of two rows, by their ids, or without ID by their numbers; or
	// with row_a, row_b and same, always by numbers, as the command writes pairs.
	// It wins over every score. Where linked files have an id in common, a is a
	// row of the first and b one of the second.
	Decisions string            `yaml:"decisions"`
	At        leadloop.Position `yaml:"-"`
}

// MatchColumn is a column to compare.
type MatchColumn struct {
	Column string `yaml:"column,required"`
	// Also are names that the column has in other files than the first.
	Also []string `yaml:"also"`
	// With are columns whose values are put behind this one's, with a blank between, where a file has them: the family name behind the given one, as
	// another file has both in one column.
	With []string `yaml:"with"`
	Kind string   `yaml:"kind,required"` // one of match.Kinds
	// Unique forbids that rows with different values here are one.
	Unique bool              `yaml:"unique"`
	At     leadloop.Position `yaml:"-"`
}

// MatchThresholds are probabilities; see match.Thresholds, also for what 0
// means.
type MatchThresholds struct {
	Auto   float64 `yaml:"auto"`
	Match  float64 `yaml:"match"`
	Review float64 `yaml:"review"`
}

var matchModes = map[string]match.Mode{
	"dedupe": match.Dedupe, "one_to_one": match.OneToOne, "many_to_one": match.ManyToOne, "across": match.Across,
}

// ParseMatchFile reads match.yaml. The error lists every problem with its
// position ([leadloop.Problems]).
func ParseMatchFile(file string, data []byte) (MatchFile, error) {
	var f MatchFile
	problems := yamldoc.Decode(file, data, &f)
	if len(problems) == 0 && len(f.Columns) == 0 {
		problems.Add(f.At, "no columns to compare")
	}
	seen := map[string]bool{}
	var kinds []string
	for _, k := range match.Kinds() {
		kinds = append(kinds, string(k))
	}
	for _, c := range f.Columns {
		if c.Column != "" && seen[c.Column] {
			problems.Add(c.At, "the column %q is listed twice", c.Column)
		}
		seen[c.Column] = true
		if c.Kind != "" && !slices.Contains(match.Kinds(), match.Kind(c.Kind)) {
			problems.AddHint(c.At, hint(c.Kind, kinds), "unknown kind %q", c.Kind)
		}
	}
	if _, ok := matchModes[f.Mode]; !ok && f.Mode != "" {
		problems.AddHint(f.At, hint(f.Mode, slices.Sorted(maps.Keys(matchModes))), "unknown mode %q", f.Mode)
	}
	t := f.Thresholds
	for _, x := range []struct {
		name  string
		value float64
	}{{"auto", t.Auto}, {"match", t.Match}, {"review", t.Review}} {
		if !(x.value >= 0 && x.value <= 1) {
			problems.Add(f.At, "thresholds: %s is %v, not a probability from 0 to 1", x.name, x.value)
		}
	}
	if f.MaxCluster < 0 {
		problems.Add(f.At, "max_cluster can't be negative")
	}
	problems.Sort()
	return f, problems.Err()
}

// hint names what was probably meant, or else all there is.
func hint(got string, all []string) string {
	if meant := suggest.DidYouMean(got, all); meant != "" {
		return meant
	}
	return "one of " + strings.Join(all, ", ")
}

// GuessMatchFile returns a match file for a table from its header and first
// rows. It is a start for a human to correct.
func GuessMatchFile(header []string, rows [][]string) MatchFile {
	var f MatchFile
	for _, g := range match.Guess(header, rows) {
		f.Columns = append(f.Columns, MatchColumn{Column: g.Name, Kind: string(g.Kind), Unique: g.Unique})
	}
	return f
}

// Fields returns the columns as fields of package match.
func (f MatchFile) Fields() []match.Field {
	var fields []match.Field
	for _, c := range f.Columns {
		fields = append(fields, match.Field{Name: c.Column, Kind: match.Kind(c.Kind), Unique: c.Unique})
	}
	return fields
}

// Options returns the settings as options of package match, for one file or
// for several that are linked.
func (f MatchFile) Options(linked bool) match.Options {
	mode := f.Mode
	if mode == "" && linked {
		mode = "one_to_one"
	}
	return match.Options{Mode: matchModes[mode], Thresholds: match.Thresholds(f.Thresholds), MaxCluster: f.MaxCluster}
}

// list is a list of a column in YAML, "" if it is empty.
func list(key string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = strconv.Quote(n)
	}
	return ", " + key + ": [" + strings.Join(quoted, ", ") + "]"
}

// YAML writes the file as [ParseMatchFile] reads it.
func (f MatchFile) YAML() string {
	var b strings.Builder
	if f.ID != "" {
		fmt.Fprintf(&b, "id: %s\n", strconv.Quote(f.ID))
	}
	b.WriteString("columns:\n")
	for _, c := range f.Columns {
		unique := ""
		if c.Unique {
			unique = ", unique: true"
		}
		fmt.Fprintf(&b, "  - {column: %s%s%s, kind: %s%s}\n", strconv.Quote(c.Column), list("with", c.With), list("also", c.Also), c.Kind, unique)
	}
	if f.Mode != "" {
		fmt.Fprintf(&b, "mode: %s\n", f.Mode)
	}
	if t := f.Thresholds; t != (MatchThresholds{}) {
		fmt.Fprintf(&b, "thresholds: {auto: %v, match: %v, review: %v}\n", t.Auto, t.Match, t.Review)
	}
	if f.MaxCluster > 0 {
		fmt.Fprintf(&b, "max_cluster: %d\n", f.MaxCluster)
	}
	if f.Decisions != "" {
		fmt.Fprintf(&b, "decisions: %s\n", strconv.Quote(f.Decisions))
	}
	return b.String()
}
