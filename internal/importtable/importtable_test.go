package importtable

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

// A file is one Go file of the repository with what it imports.
type file struct {
	path    string // below the root of the repository, with slashes
	imports []imported
}

type imported struct {
	path string
	line int
}

func (f file) pkg() string {
	if dir := path.Dir(f.path); dir != "." {
		return dir
	}
	return ""
}

func (f file) test() bool { return strings.HasSuffix(f.path, "_test.go") }

// walk calls fn for every file below the root that the go command would look at.
func walk(t *testing.T, fn func(name string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() {
			if name != root && (base[0] == '.' || base[0] == '_' || base == "testdata" || base == "vendor") {
				return filepath.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		fn(filepath.ToSlash(rel))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func goFiles(t *testing.T) []file {
	t.Helper()
	var files []file
	walk(t, func(name string) {
		if !strings.HasSuffix(name, ".go") {
			return
		}
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, filepath.Join(root, name), nil, parser.ImportsOnly)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		f := file{path: name}
		for _, spec := range parsed.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			f.imports = append(f.imports, imported{imp, fset.Position(spec.Pos()).Line})
		}
		files = append(files, f)
	})
	return files
}

func TestEveryImportIsInTheTable(t *testing.T) {
	unknown := map[string]bool{}
	seen := 0
	for _, f := range goFiles(t) {
		r, ok := rowOf(f.pkg())
		if !ok {
			unknown[f.pkg()] = true
			continue
		}
		seen++
		for _, imp := range f.imports {
			if !r.allows(imp.path, f.test()) {
				t.Errorf("%s:%d: imports %s, which the row %q does not allow", f.path, imp.line, imp.path, r.pkg)
			}
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(unknown)) {
		t.Errorf("package %s has no row: decide what it may import, add the row to internal/importtable/table_test.go, "+
			"then run go test ./internal/importtable -update", pkg)
	}
	if seen == 0 {
		t.Error("found no Go file: the test looks at the wrong folder")
	}
}

func TestTheTableItself(t *testing.T) {
	known := map[string]bool{}
	for _, r := range table {
		if known[r.pkg] {
			t.Errorf("row %q is there twice", r.pkg)
		}
		known[r.pkg] = true
	}
	for _, r := range table {
		for _, may := range slices.Concat(r.may, r.testMay) {
			if !known[may] {
				t.Errorf("row %q names %q, which has no row", r.pkg, may)
			}
			if isKit(may) && !strings.HasPrefix(r.pkg, "benchmarks/") && !strings.HasPrefix(r.pkg, "examples/") {
				t.Errorf("row %q names the kit %q: kits are for tests, and for programs that nobody links", r.pkg, may)
			}
		}
	}
	for dir, inWork := range nestedModules {
		if inWork && !known[dir] {
			t.Errorf("the module %s has no row", dir)
		}
	}
}

// TestWhatTheTableAllows writes the rules out once more, as examples, so that a slip
// in the reading of the table shows.
func TestWhatTheTableAllows(t *testing.T) {
	const own = module + "/"
	tests := []struct {
		name string
		pkg  string
		imp  string
		test bool
		want bool
	}{
		{"anybody imports the standard library", "scoring", "net/http", false, true},
		{"nobody imports unsafe", "rules", "unsafe", false, false},
		{"nobody imports unsafe in a test either", "rules", "unsafe", true, false},
		{"nobody uses cgo", "store/sqlite", "C", false, false},
		{"the nouns know no verb", "", own + "scoring", false, false},
		{"the nouns' examples may show the verbs", "", own + "scoring", true, true},
		{"normalize does not know the nouns", "normalize", module, false, false},
		{"rules ask normalize about e-mail domains", "rules", own + "normalize", false, true},
		{"rules speak CEL", "rules", "cel.dev/cel-go/common/types", false, true},
		{"scoring speaks no CEL", "scoring", "cel.dev/cel-go/cel", false, false},
		{"scoring speaks no CEL in tests either", "scoring", "cel.dev/cel-go/cel", true, false},
		{"the old home of CEL is closed to rules too", "rules", "github.com/google/cel-go/cel", false, false},
		{"rules read no YAML", "rules", "go.yaml.in/yaml/v3", false, false},
		{"scoring reads its own YAML", "scoring", "go.yaml.in/yaml/v3", false, true},
		{"the old home of YAML is closed", "scoring", "gopkg.in/yaml.v3", false, false},
		{"a path that only starts alike is another package", "scoring", "go.yaml.in/yaml/v33", false, false},
		{"a module that only starts alike is not ours", "scoring", module + "x/store", false, false},
		{"a verb asks no other verb", "routing", own + "scoring", false, false},
		{"a verb asks no other verb in tests either", "routing", own + "scoring", true, false},
		{"a package below a verb counts to it", "routing/sla", own + "routing", false, true},
		{"a verb uses the packages below it", "routing", own + "routing/sla", false, true},
		{"a package below a verb asks no other verb", "routing/sla", own + "enrich", false, false},
		{"a verb needs the store's roles, not a store", "routing", own + "store/memstore", false, false},
		{"a test may use the reference store", "routing", own + "store/memstore", true, true},
		{"a test may use a kit", "routing", own + "store/storetest", true, true},
		{"a test may compare with go-cmp", "routing", "github.com/google/go-cmp/cmp", true, true},
		{"only a test may compare with go-cmp", "routing", "github.com/google/go-cmp/cmp", false, false},
		{"a program links no kit", "cmd/leadloop", own + "store/storetest", false, false},
		{"the engine knows no verb", "engine", own + "scoring", false, false},
		{"the playbook knows all verbs", "playbook", own + "scoring", false, true},
		{"the playbook tries in memory what it only tries", "playbook", own + "store/memstore", false, true},
		{"the playbook knows no store that lasts", "playbook", own + "store/sqlite", false, false},
		{"a kit knows its subject", "enrich/enrichtest", own + "enrich", false, true},
		{"a kit does not know its subject's neighbours", "enrich/enrichtest", own + "scoring", false, false},
		{"a verb does not know its kit", "enrich", own + "enrich/enrichtest", false, false},
		{"resilience is for enrich", "notify", "github.com/failsafe-go/failsafe-go/retrypolicy", false, false},
		{"the SQLite driver stays in its module", "store/sqlite", "modernc.org/sqlite", false, true},
		{"the SQLite driver is not for the command", "cmd/leadloop", "modernc.org/sqlite", false, false},
		{"the root module shares internal packages", "capture", own + "internal/x", false, true},
		{"other modules do not see internal packages", "examples", own + "internal/x", false, false},
		{"YAML does not reach rules through an internal package", "rules", own + "internal/yamldoc", false, false},
		{"a verb with a file of its own decodes it", "scoring", own + "internal/yamldoc", false, true},
		{"an internal package is no tunnel to a verb", "internal/x", own + "scoring", false, false},
		{"a package nobody decided on is closed", "capture", own + "helpers", false, false},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			r, ok := rowOf(tc.pkg)
			if !ok {
				t.Fatalf("%q has no row", tc.pkg)
			}
			if got := r.allows(tc.imp, tc.test); got != tc.want {
				t.Errorf("row %q allows %s (in a test: %t) = %t, want %t", r.pkg, tc.imp, tc.test, got, tc.want)
			}
		})
	}
	for _, pkg := range []string{"helpers", "pkg/deep/down", "tracking/trackingtest"} {
		if r, ok := rowOf(pkg); ok {
			t.Errorf("the new package %s is taken for covered by the row %q", pkg, r.pkg)
		}
	}
}

func TestModulesAreKnownAndReleasable(t *testing.T) {
	work, err := os.ReadFile(filepath.Join(root, "go.work"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	walk(t, func(name string) {
		if path.Base(name) != "go.mod" {
			return
		}
		dir := path.Dir(name)
		found[dir] = true
		inWork, known := nestedModules[dir]
		if dir == "." {
			inWork, known = true, true
		}
		if !known {
			t.Errorf("the module %s is not in the table: say whether go.work holds it", dir)
			return
		}
		use := "./" + dir
		if dir == "." {
			use = "."
		}
		if got := slices.Contains(strings.Fields(string(work)), use); got != inWork {
			t.Errorf("go.work holds %s: %t, want %t", use, got, inWork)
		}
		mod, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		// A replace is ignored in a module that somebody requires: it would build
		// here and break there.
		for n, line := range bytes.Split(mod, []byte("\n")) {
			if words := strings.Fields(string(line)); len(words) > 0 && words[0] == "replace" {
				t.Errorf("%s:%d: a released go.mod holds no replace", name, n+1)
			}
		}
		want := fmt.Sprintf("module %s", path.Join(module, dir))
		if first, _, _ := bytes.Cut(mod, []byte("\n")); string(first) != want {
			t.Errorf("%s:1: found %q, want %q", name, first, want)
		}
	})
	for dir := range nestedModules {
		if !found[dir] {
			t.Errorf("the table names the module %s, which is not there", dir)
		}
	}
}
