// Package importtable holds the table that says which package may import which,
// and the tests that hold the repository to it. It exports nothing.
//
// The tests read every Go file of every module here, whatever its build tags, so
// they find an import that a linter, which looks at one platform at a time, can
// miss. They also fail for a package that has no row yet: a new package starts by
// deciding what it may know. The same table is written into the linter's
// configuration, so that an editor shows a breach while it is typed:
//
//	go test ./internal/importtable -update
package importtable
