// Package match finds the records that mean the same person or company: a Fellegi–Sunter model learnt without labels, blocking that bounds the
// work, and clusters instead of chains.
//
// Guarantee: the same rows give the same model, scores and clusters, byte for byte, in whatever order they were added; scores are symmetric; a
// human's decision always wins; every score is the sum of the lines that [Model.Compare] returns; work stays bounded whatever the data.
//
// Non-guarantee: a pair that shares no blocking key is not compared, and [Report] estimates how many true pairs that costs. A probability is
// calibrated by the data it was learnt on, not by yours of next year. Merging is not done here: see package dedupe.
//
// Start with [Guess] or a preset, fill a [Table], then [Learn] and [Model.Cluster].
package match
