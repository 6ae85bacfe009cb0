package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// flagFile is a file that a flag names, "" if it is not given.
type flagFile struct{ flag, name string }

// keepInputs returns an error if a file that will be written is one that is read, or another one that is written, or a folder.
func keepInputs(read []flagFile, written ...flagFile) error {
	taken := map[string]string{}
	for _, f := range read {
		if f.name != "" {
			taken[realName(f.name)] = f.flag
		}
	}
	for _, f := range written {
		if f.name == "" {
			continue
		}
		if i, err := os.Stat(f.name); err == nil && i.IsDir() {
			return fmt.Errorf("%s: %s is a folder; expected a file", f.flag, f.name)
		}
		name := realName(f.name)
		if other := taken[name]; other != "" {
			return fmt.Errorf("%s: %s is the file of %s too", f.flag, f.name, other)
		}
		taken[name] = f.flag
	}
	return nil
}

// realName is the same for all names of a file that is there.
func realName(name string) string {
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real
	}
	if abs, err := filepath.Abs(name); err == nil {
		name = abs
	}
	return name
}
