//go:build !race

package scoring

const raced = false
