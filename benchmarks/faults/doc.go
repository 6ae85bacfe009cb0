// Package faults breaks the whole loop in every way it knows and counts what is
// lost. It has tests only:
//
//	make faults                     all of it, some minutes, with a table at the end
//	go test ./benchmarks/faults     a short version, which CI runs
package faults
