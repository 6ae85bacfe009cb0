module github.com/leadloop/leadloop/store/sqlite

go 1.26.0

require github.com/leadloop/leadloop v0.0.0
