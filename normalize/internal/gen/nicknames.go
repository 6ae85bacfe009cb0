package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/leadloop/leadloop/normalize"
)

// nicknames writes one row per given name: its nicknames, a bar, the given names it is a nickname of.
func nicknames(src, out string) (err error) {
	f, err := os.Open(filepath.Join(src, "nicknames", "names.csv"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return err
	}
	short, formal := map[string][]string{}, map[string][]string{}
	for i, row := range rows[1:] {
		if len(row) != 3 || row[1] != "has_nickname" {
			return fmt.Errorf("names.csv:%d: want name,has_nickname,name", i+2)
		}
		a, b := normalize.Fold(row[0]), normalize.Fold(row[2])
		if a == "" || b == "" || a == b || strings.ContainsAny(a+b, ",|") {
			continue
		}
		short[a] = append(short[a], b)
		formal[b] = append(formal[b], a)
	}
	table := map[string]string{}
	for _, side := range []map[string][]string{short, formal} {
		for name := range side {
			table[name] = joinSorted(short[name]) + "|" + joinSorted(formal[name])
		}
	}
	return writeTable(out, "nicknames.txt", table)
}

func joinSorted(names []string) string {
	names = slices.Clone(names)
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ",")
}
