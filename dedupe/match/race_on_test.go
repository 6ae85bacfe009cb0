//go:build race

package match

// RaceDetector leaves out figures that are the same, ten times slower.
const RaceDetector = true
