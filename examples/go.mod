module github.com/leadloop/leadloop/examples

go 1.26.0

require (
	github.com/google/go-cmp v0.7.0
	github.com/leadloop/leadloop v0.0.0
)
