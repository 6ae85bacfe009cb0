package importtable

import (
	"path"
	"slices"
	"strings"
)

const module = "github.com/leadloop/leadloop"

// A row says what one package, and the packages below it without a row of their
// own, may import. The standard library is open to all, internal packages without a
// row of their own to all of the root module, and the packages of one row to each
// other.
type row struct {
	pkg  string   // path below the root of the repository, "" for the root package
	may  []string // rows
	libs []string // third-party packages, by the start of their path

	// What tests may import on top; all tests have the kits, the reference store
	// and the test libraries.
	testMay  []string
	testLibs []string
}

const (
	cel          = "cel.dev/cel-go"
	expr         = "github.com/expr-lang/expr"
	kong         = "github.com/alecthomas/kong"
	pretty       = "github.com/jedib0t/go-pretty/v6"
	progressbar  = "github.com/schollz/progressbar/v3"
	testscript   = "github.com/rogpeppe/go-internal"
	xterm        = "golang.org/x/term"
	failsafe     = "github.com/failsafe-go/failsafe-go"
	phonenumbers = "github.com/nyaruka/phonenumbers"
	gomail       = "github.com/wneessen/go-mail"
	goose        = "github.com/pressly/goose/v3"
	pgx          = "github.com/jackc/pgx/v5"
	puddle       = "github.com/jackc/puddle/v2"
	rickarcal    = "github.com/rickar/cal/v2"
	otel         = "go.opentelemetry.io/otel"
	riverqueue   = "github.com/riverqueue/river"
	sqlite       = "modernc.org/sqlite"
	xnet         = "golang.org/x/net"
	xsync        = "golang.org/x/sync"
	xtext        = "golang.org/x/text"
	yaml         = "go.yaml.in/yaml/v3"
)

var (
	testLibs = []string{"github.com/google/go-cmp", "pgregory.net/rapid"}

	// The verbs never import each other. Where one has to ask another it declares a
	// small interface, and playbook hands in the answer.
	verbs = []string{"capture", "dedupe", "enrich", "scoring", "routing", "lifecycle", "tracking", "privacy", "notify"}

	belowVerbs = []string{"", "normalize", "rules", "store"}
	// The verbs that have a file of the playbook decode it themselves.
	withFile = append(slices.Clone(belowVerbs), "internal/yamldoc")
	public   = slices.Concat(belowVerbs, verbs, []string{"dedupe/match", "dedupe/match/measure", "tracking/attribution", "tracking/backfill", "routing/holidays", "engine", "playbook", "dashboard", "store/memstore"})
)

var table = []row{
	{pkg: "", testMay: public},
	{pkg: "normalize", libs: []string{phonenumbers, xnet, xtext}},
	{pkg: "normalize/internal/gen", may: []string{"normalize"}, libs: []string{yaml, xnet, xtext}}, // a program that makes its tables
	{pkg: "rules", may: []string{"", "normalize"}, libs: []string{cel}},
	{pkg: "store", may: []string{""}},

	{pkg: "capture", may: belowVerbs, libs: []string{xtext}},
	{pkg: "dedupe", may: append(slices.Clone(withFile), "dedupe/match"), libs: []string{yaml}, testMay: []string{"dedupe/match/measure"}},
	{pkg: "dedupe/match", may: []string{"", "normalize"}, libs: []string{xnet, xsync, xtext}, testMay: []string{"dedupe/match/measure"}}, // matches any table, not only leads
	{pkg: "enrich", may: withFile, libs: []string{yaml, failsafe, xnet, xsync}},
	{pkg: "scoring", may: withFile, libs: []string{yaml}},
	{pkg: "routing", may: withFile, libs: []string{yaml}, testMay: []string{"routing/holidays"}},
	{pkg: "routing/holidays", may: []string{"", "routing"}, libs: []string{rickarcal}}, // linked by who asks for it
	{pkg: "lifecycle", may: withFile, libs: []string{yaml}},
	{pkg: "tracking", may: belowVerbs},
	{pkg: "tracking/attribution", may: []string{""}},
	{pkg: "tracking/backfill", may: []string{"", "store"}},
	{pkg: "privacy", may: withFile, libs: []string{yaml}},
	{pkg: "notify", may: belowVerbs},

	{pkg: "engine", may: []string{"", "store"}},
	{pkg: "playbook", may: slices.Concat(withFile, verbs, []string{"engine", "routing/holidays", "store/memstore"}), libs: []string{yaml}}, // what is only tried is tried in memory
	{pkg: "dashboard", may: []string{"", "store", "tracking", "scoring", "routing"}},

	// The reference store and the kits, which hosts link into their tests.
	{pkg: "store/memstore", may: []string{"", "store"}},
	{pkg: "store/storetest", may: []string{"", "store"}, libs: testLibs},
	{pkg: "store/faulttest", may: []string{"", "store"}, libs: testLibs},
	{pkg: "dedupe/match/measure"},
	{pkg: "dedupe/match/matchtest", may: []string{"", "normalize", "dedupe/match", "dedupe/match/measure"}, libs: testLibs},
	{pkg: "enrich/enrichtest", may: []string{"", "store", "enrich", "store/memstore"}, libs: testLibs},
	{pkg: "scoring/scoringtest", may: []string{"", "store", "scoring"}, libs: testLibs},
	{pkg: "routing/routingtest", may: []string{"", "store", "routing"}, libs: testLibs},

	{pkg: "internal", may: []string{""}},
	{pkg: "internal/yamldoc", may: []string{""}, libs: []string{yaml}},

	// Modules of their own see what any other module would see: no internal package.
	{pkg: "store/sqlite", may: []string{"", "store"}, libs: []string{sqlite}},
	{pkg: "store/postgres", may: []string{"", "store"}, libs: []string{goose, pgx, puddle}},
	{pkg: "store/postgres/postgrestest", may: []string{""}},
	{pkg: "notify/smtp", may: []string{"", "notify"}, libs: []string{gomail}},
	{pkg: "engine/river", may: []string{"", "store", "engine", "store/postgres"}, libs: []string{pgx, riverqueue}, testMay: []string{"playbook", "privacy"}},
	{pkg: "otel", may: []string{"", "store", "engine"}, libs: []string{otel}, testMay: []string{"enrich", "playbook", "privacy"}},
	{pkg: "cmd/leadloop", may: append(slices.Clone(public), "store/sqlite", "store/postgres"), libs: []string{kong, pretty, progressbar, xterm}, testLibs: []string{testscript, "golang.org/x/tools"}},
	{pkg: "examples", may: append(public, "store/sqlite")},
	{pkg: "examples/machines", may: append(public, "store/postgres", "store/postgres/postgrestest"), libs: []string{pgx}}, // its own module: light users don't pull pgx
	// The peers that the library is measured against.
	{pkg: "benchmarks", may: []string{"", "rules", "scoring", "dedupe/match", "dedupe/match/measure"}, libs: []string{cel, expr}},
	{pkg: "benchmarks/throughput", may: append(public, "store/sqlite", "store/postgres", "store/postgres/postgrestest"), libs: []string{pgx, sqlite}},
	{pkg: "benchmarks/faults", testMay: append(public, "store/sqlite", "store/postgres", "engine/river"), testLibs: []string{pgx}},
}

// nestedModules are the folders with a go.mod of their own, and whether go.work
// holds them.
var nestedModules = map[string]bool{
	"benchmarks":        true,
	"cmd/leadloop":      true,
	"engine/river":      true,
	"examples":          true,
	"examples/machines": true,
	"notify/smtp":       true,
	"otel":              true,
	"store/postgres":    true,
	"store/sqlite":      true,
	"tools":             false, // pins what the checks run, nothing imports it
}

// rowOf finds the row of a package. A package below the root package is not covered
// by the root's row, and a kit not by its subject's: both have to say for
// themselves what they may import.
func rowOf(pkg string) (row, bool) {
	for at := pkg; ; at = path.Dir(at) {
		if at == "." {
			return row{}, false
		}
		if i := slices.IndexFunc(table, func(r row) bool { return r.pkg == at }); i >= 0 {
			return table[i], true
		}
		if at == "" || isKit(at) {
			return row{}, false
		}
	}
}

// isKit tells test kits by their name, as a reader does.
func isKit(pkg string) bool { return strings.HasSuffix(pkg, "test") }

// kits are what every test may import.
func kits() []string {
	out := []string{"store/memstore"}
	for _, r := range table {
		if isKit(r.pkg) {
			out = append(out, r.pkg)
		}
	}
	return out
}

// shared reports whether the row is of the root module, which shares what is in
// internal.
func (r row) shared() bool {
	_, nested := nestedModules[r.pkg]
	return !nested
}

// allows reports whether a file of row r may import the path; test tells whether it
// is a test file.
func (r row) allows(imp string, test bool) bool {
	if imp == "unsafe" || imp == "C" {
		return false
	}
	if first, _, _ := strings.Cut(imp, "/"); !strings.Contains(first, ".") {
		return true
	}
	pkg, ours := strings.CutPrefix(imp, module)
	if !ours || pkg != "" && pkg[0] != '/' {
		libs := r.libs
		if test {
			libs = slices.Concat(libs, r.testLibs, testLibs)
		}
		return slices.ContainsFunc(libs, func(lib string) bool {
			return imp == lib || strings.HasPrefix(imp, lib+"/")
		})
	}
	target, ok := rowOf(strings.TrimPrefix(pkg, "/"))
	if !ok {
		return false
	}
	may := r.may
	if test {
		may = slices.Concat(may, r.testMay, kits())
	}
	return target.pkg == r.pkg ||
		target.pkg == "internal" && r.shared() ||
		slices.Contains(may, target.pkg)
}
