module github.com/leadloop/leadloop/cmd/leadloop

go 1.26.0

require github.com/leadloop/leadloop v0.0.0
