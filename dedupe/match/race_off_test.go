//go:build !race

package match

const RaceDetector = false
