// Package lifecycle says where a lead stands: stages with criteria for leaving
// and entering them, statuses for what its owner does with it, and a reason
// code, an actor and a time for every change.
//
// A move that the definition does not allow is refused with everything that
// stands against it; a criterion whose inputs are missing is undecided, which
// is not the same as false and names them. Automatic moves settle in one run:
// deciding again changes nothing. What it does not promise: that a stage tells
// the truth about a lead that people work outside the loop.
//
// Start with [Default] or [Parse], then [New]; [NewStage] and [NewHold] go into
// a loop, [Lifecycle.Move] and its sisters are what people do.
package lifecycle
