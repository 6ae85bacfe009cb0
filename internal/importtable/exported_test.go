package importtable

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestNoForeignTypeInAnExportedSignature holds a promise to hosts: what they see of a
// package of the root module is made of the standard library and of leadloop. A
// library behind it can then be exchanged, or change its module path as CEL did,
// without an edit in any host.
func TestNoForeignTypeInAnExportedSignature(t *testing.T) {
	var pkgs []string
	for _, r := range table {
		if len(r.libs) > 0 && r.shared() && !isKit(r.pkg) && !strings.Contains(r.pkg, "internal/") {
			pkgs = append(pkgs, module+"/"+r.pkg)
		}
	}
	exports := compile(t, pkgs)
	fset := token.NewFileSet()
	imp := importer.ForCompiler(fset, "gc", func(name string) (io.ReadCloser, error) {
		return os.Open(exports[name])
	})
	for _, pkg := range slices.Sorted(maps.Keys(exports)) {
		if !slices.ContainsFunc(pkgs, func(of string) bool { return pkg == of || strings.HasPrefix(pkg, of+"/") }) {
			continue
		}
		p, err := imp.Import(pkg)
		if err != nil {
			t.Errorf("%s: %v", pkg, err)
			continue
		}
		for _, leak := range leaks(p) {
			t.Errorf("package %s: %s", pkg, leak)
		}
	}
	if _, ok := exports[module+"/rules"]; !ok {
		t.Error("found no package rules: the promise about CEL is not tested")
	}
}

// compile returns the export data files of the packages, of those below them, and of
// all they import. A row without a package yet is left out.
func compile(t *testing.T, pkgs []string) map[string]string {
	t.Helper()
	args := []string{"list", "-export", "-deps", "-json=ImportPath,Export"}
	for _, pkg := range pkgs {
		args = append(args, pkg+"/...")
	}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	exports := map[string]string{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var pkg struct{ ImportPath, Export string }
		if err := dec.Decode(&pkg); errors.Is(err, io.EOF) {
			return exports
		} else if err != nil {
			t.Fatal(err)
		}
		exports[pkg.ImportPath] = pkg.Export
	}
}

// leaks names every type of a third party that a user of the package can get hold of.
func leaks(p *types.Package) []string {
	l := leakFinder{seen: map[types.Type]bool{}}
	for _, name := range p.Scope().Names() {
		obj := p.Scope().Lookup(name)
		if !obj.Exported() {
			continue
		}
		l.visit(obj.Type(), name)
	}
	slices.Sort(l.found)
	return slices.Compact(l.found)
}

type leakFinder struct {
	seen  map[types.Type]bool
	found []string
}

func (l *leakFinder) visit(t types.Type, where string) {
	if t == nil || l.seen[t] {
		return
	}
	l.seen[t] = true
	switch t := t.(type) {
	case *types.Alias:
		l.named(t.Obj(), where)
		l.visit(types.Unalias(t), where)
	case *types.Named:
		ours := l.named(t.Obj(), where)
		for arg := range t.TypeArgs().Types() {
			l.visit(arg, where)
		}
		if !ours {
			return // what it is made of is its own affair
		}
		for tparam := range t.TypeParams().TypeParams() {
			l.visit(tparam.Constraint(), where)
		}
		for m := range t.Methods() {
			if m.Exported() && !decodesItself(m) {
				l.visit(m.Type(), where+"."+m.Name())
			}
		}
		l.visit(t.Underlying(), where)
	case *types.TypeParam:
		l.visit(t.Constraint(), where)
	case *types.Pointer:
		l.visit(t.Elem(), where)
	case *types.Slice:
		l.visit(t.Elem(), where)
	case *types.Array:
		l.visit(t.Elem(), where)
	case *types.Chan:
		l.visit(t.Elem(), where)
	case *types.Map:
		l.visit(t.Key(), where)
		l.visit(t.Elem(), where)
	case *types.Signature:
		l.visit(t.Params(), where)
		l.visit(t.Results(), where)
		for tparam := range t.TypeParams().TypeParams() {
			l.visit(tparam.Constraint(), where)
		}
	case *types.Tuple:
		for v := range t.Variables() {
			l.visit(v.Type(), where)
		}
	case *types.Struct:
		for f := range t.Fields() {
			// An embedded field lends its methods even when it cannot be named.
			if f.Exported() || f.Embedded() {
				l.visit(f.Type(), where+"."+f.Name())
			}
		}
	case *types.Interface:
		for m := range t.Methods() {
			if m.Exported() {
				l.visit(m.Type(), where+"."+m.Name())
			}
		}
		for embedded := range t.EmbeddedTypes() {
			l.visit(embedded, where)
		}
	case *types.Union:
		for term := range t.Terms() {
			l.visit(term.Type(), where)
		}
	}
}

// named records a type of a third party and reports whether the type is ours.
func (l *leakFinder) named(obj *types.TypeName, where string) bool {
	if obj.Pkg() == nil {
		return false
	}
	name := obj.Pkg().Path()
	if name == module || strings.HasPrefix(name, module+"/") {
		return true
	}
	if first, _, _ := strings.Cut(name, "/"); strings.Contains(first, ".") {
		l.found = append(l.found, fmt.Sprintf("%s shows %s.%s", where, name, obj.Name()))
	}
	return false
}

// decodesItself recognises the one foreign signature that cannot be avoided: a type
// that decodes itself from YAML has to be given the node.
func decodesItself(m *types.Func) bool { return m.Name() == "UnmarshalYAML" }

func TestLeaksAreFoundWhereverTheyHide(t *testing.T) {
	tests := []struct {
		name string
		decl string
		want int
	}{
		{"nothing shown", "type T struct{ env *cel.Env }; func (T) F() string { return `` }", 0},
		{"a result", "func F() *cel.Env { return nil }", 1},
		{"a parameter of a function in a parameter", "func F(func([]cel.Env)) {}", 1},
		{"a field", "type T struct{ Env map[string]cel.Env }", 1},
		{"an embedded field without a name outside", "type t = cel.Env; type T struct{ t }", 1},
		{"a method", "type T struct{}; func (*T) F(cel.Env) {}", 1},
		{"a method of a type that is not exported", "type t struct{}; func (t) F(cel.Env) {}; func New() t { return t{} }", 1},
		{"a variable that says no type", "var V = cel.New()", 1},
		{"an alias", "type T = cel.Env", 1},
		{"a type of its own over a foreign one", "type T []cel.Env", 1},
		{"an interface", "type T interface{ F() cel.Env }", 1},
		{"a constraint", "type T[E cel.Env | int] []E", 1},
		{"a type argument", "type G[E any] struct{}; type T struct{ F G[cel.Env] }", 1},
		{"the YAML hook", "type T struct{}; func (T) UnmarshalYAML(*cel.Env) error { return nil }", 0},
	}
	fset := token.NewFileSet()
	check := func(name, src string, imp types.Importer) *types.Package {
		t.Helper()
		file, err := parser.ParseFile(fset, name+".go", src, 0)
		if err != nil {
			t.Fatal(err)
		}
		p, err := (&types.Config{Importer: imp}).Check(name, fset, []*ast.File{file}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	foreign := check("cel.dev/cel-go/cel", "package cel; type Env struct{}; func New() *Env { return nil }", nil)
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			p := check(module+"/rules", "package rules; import `cel.dev/cel-go/cel`; var _ cel.Env; "+tc.decl, importFunc(func(string) (*types.Package, error) {
				return foreign, nil
			}))
			if got := leaks(p); min(len(got), 1) != tc.want {
				t.Errorf("found %q, want %d", got, tc.want)
			}
		})
	}
}

type importFunc func(string) (*types.Package, error)

func (f importFunc) Import(name string) (*types.Package, error) { return f(name) }
