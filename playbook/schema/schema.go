// Package schema has one JSON Schema (draft 2020-12) for each file of a
// playbook, with which editors complete, explain and check while somebody
// types.
//
// What a schema marks as wrong is wrong for package playbook as well. The
// reverse does not hold: names that don't exist, the types within expressions
// and the order of tiers take more than a schema, and playbook.Load has the
// last word. Exceptions, all harmless to avoid: a schema wants numbers and
// durations in their usual spelling, and something after each key.
//
// Start with docs/PLAYBOOK.md, which says how an editor finds them, or with
// [Files] to serve or write them from a program.
package schema

import (
	"embed"
	"io/fs"
)

//go:embed *.schema.json
var files embed.FS

// Files holds scoring.schema.json for scoring.yaml, and so on for every file of
// a playbook. It is safe for concurrent use.
func Files() fs.FS { return files }
