//go:build race

package scoring

const raced = true
