package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// makeTable is the command "table ROWS FILE" of scripts: leads whose end
// depends on where they came from, how large they are, and how often they
// looked; paid_on is filled only for won ones.
func makeTable() {
	rows, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	var b bytes.Buffer
	b.WriteString("id,source,employees,visits,paid_on,won\n")
	rng := uint64(1)
	next := func(n int) int {
		rng = rng*6364136223846793005 + 1442695040888963407
		return int(rng >> 33 % uint64(n))
	}
	for i := range rows {
		source, employees, visits := []string{"web", "fair", "partner"}[next(3)], 1+next(900), next(10)
		chance := 5 + employees/30 + 3*visits
		if source == "partner" {
			chance += 25
		}
		won, paid := "no", ""
		if next(100) < chance {
			won, paid = "yes", "2026-10-0"+strconv.Itoa(1+next(9))
		}
		fmt.Fprintf(&b, "L%05d,%s,%d,%d,%s,%s\n", i, source, employees, visits, paid, won)
	}
	if err := os.WriteFile(os.Args[2], b.Bytes(), 0o644); err != nil {
		panic(err)
	}
}

// firstRows is the command "first ROWS FROM TO".
func firstRows() {
	data, err := os.ReadFile(os.Args[2])
	if err != nil {
		panic(err)
	}
	rows, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	lines := bytes.SplitAfterN(data, []byte("\n"), rows+2)
	if err := os.WriteFile(os.Args[3], bytes.Join(lines[:rows+1], nil), 0o644); err != nil {
		panic(err)
	}
}

// tear is the command "tear FROM TO": a row is added that can't be read.
func tear() {
	data, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	if err := os.WriteFile(os.Args[2], append(data, "L,torn\n"...), 0o644); err != nil {
		panic(err)
	}
}
