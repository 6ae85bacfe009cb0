// Package tracking notices when a lead is worked, and folds the journal into
// the figures a sales team is run by: speed-to-lead, SAL and SQL rate, leakage,
// contact rate, pipeline, win rate, time in stage, by any field.
//
// The figures follow from the set of events alone, in whatever order and
// however often they arrive; parts that were folded apart add. Every figure
// comes with its count, and what is counted from fewer than [Enough] is said to
// be too few, not guessed. What it does not promise: figures about what nobody
// recorded; a call that is in no journal was not made.
//
// Start with [NewStage] to record first touches and [Collect] to report.
// docs/METRICS.md defines each figure.
package tracking
