package importtable

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table into the linter's configuration")

const (
	lintConfig = ".golangci.yml"
	begin      = "        # BEGIN import table (go test ./internal/importtable -update)\n"
	end        = "        # END import table\n"
)

func TestTheLinterHoldsTheSameTable(t *testing.T) {
	name := filepath.Join(root, lintConfig)
	config, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(config), begin)
	got, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s: found no lines %q and %q around the import table", lintConfig, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	want := depguard()
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("%s differs from the table: run go test ./internal/importtable -update and commit both", lintConfig)
	}
	if err := os.WriteFile(name, []byte(before+begin+want+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// depguard renders the table as depguard rules, two per row: its files, and its
// tests. The name of the rule appears in the linter's message.
func depguard() string {
	var b strings.Builder
	b.WriteString("        no-unsafe:\n" +
		"          list-mode: lax\n" +
		"          deny: [{pkg: unsafe, desc: \"memory safety is part of what hosts are promised\"}]\n")
	for _, r := range table {
		name := r.pkg
		if name == "" {
			name = "root"
		}
		r.write(&b, name, r.may, r.libs, "*.go", "!$test")
		r.write(&b, name+"-tests", slices.Concat(r.may, r.testMay, kits()), slices.Concat(r.libs, r.testLibs, testLibs), "*_test.go", "")
	}
	return b.String()
}

func (r row) write(b *strings.Builder, name string, may, libs []string, files, except string) {
	fmt.Fprintf(b, "        %s:\n          list-mode: strict\n", name)

	var where []string
	if r.pkg == "" {
		where = append(where, "${base-path}/"+files)
	} else {
		where = append(where, "${base-path}/"+r.pkg+"/*"+files)
	}
	for _, below := range rowsBelow(r.pkg) {
		where = append(where, "!${base-path}/"+below+"/**")
	}
	if except != "" {
		where = append(where, except)
	}
	fmt.Fprintf(b, "          files: %s\n", flow(where))

	open := append(slices.Clone(may), r.pkg)
	if r.shared() {
		open = append(open, "internal")
	}
	slices.Sort(open)
	open = slices.Compact(open)

	allow := []string{"$gostd"}
	var deny []string
	for _, pkg := range open {
		switch {
		case pkg == "":
			allow = append(allow, module+"$")
		case slices.ContainsFunc(open, func(above string) bool { return above != "" && strings.HasPrefix(pkg, above+"/") }):
			// Under an open path already; depguard looks at one entry only, the last
			// in order that is not beyond the import, so a second one would hide the
			// first.
		default:
			allow = append(allow, module+"/"+pkg)
			for _, below := range rowsBelow(pkg) {
				if !slices.Contains(open, below) {
					deny = append(deny, module+"/"+below)
				}
			}
		}
	}
	for _, lib := range libs {
		if strings.HasPrefix(lib, "go.") {
			allow = append(allow, "go/") // for the same reason: "go" would be hidden from go/ast
		}
		allow = append(allow, lib)
	}
	slices.Sort(allow)
	fmt.Fprintf(b, "          allow: %s\n", flow(slices.Compact(allow)))
	if len(deny) > 0 {
		slices.Sort(deny)
		var entries []string
		for _, pkg := range slices.Compact(deny) {
			entries = append(entries, fmt.Sprintf("{pkg: %q, desc: \"not for this package, see internal/importtable\"}", pkg))
		}
		fmt.Fprintf(b, "          deny: [%s]\n", strings.Join(entries, ", "))
	}
}

// rowsBelow names the rows of packages below one that has a row.
func rowsBelow(pkg string) []string {
	var out []string
	for _, r := range table {
		if pkg != "" && strings.HasPrefix(r.pkg, pkg+"/") {
			out = append(out, r.pkg)
		}
	}
	return out
}

// flow renders a YAML list on one line.
func flow(items []string) string {
	quoted := make([]string, len(items))
	for i, item := range items {
		quoted[i] = fmt.Sprintf("%q", item)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
