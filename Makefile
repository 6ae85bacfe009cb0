# Everything here needs Go and make only. What a step does stands in .ci/run.

.PHONY: check test race lint bench fmt cover tidy sample faults

# All that CI runs.
check:
	@.ci/run

test:
	go test work

race lint bench sample:
	@.ci/run $@

# Formats, and says in the current Go what has a shorter form.
fmt:
	go fix work
	$$(go env GOROOT)/bin/gofmt -s -w .

cover:
	@mkdir -p .bin
	go test -coverprofile=.bin/cover.out work
	go tool cover -func=.bin/cover.out | tail -n 1
	go tool cover -html=.bin/cover.out -o .bin/cover.html

# go.mod and go.sum of every module.
tidy:
	scripts/tidy

# All faults, some minutes, with what was lost at the end; CI runs a short version.
faults:
	cd benchmarks/faults && LEADLOOP_FAULTS=full go test -count=1 -timeout 90m -v .
