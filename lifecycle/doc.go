// Package lifecycle says where a lead stands and what happens to it: stages with
// criteria, statuses for what its owner does, questions, acceptance and
// rejection, conversion, clocks for what goes stale, and cadences.
//
// Every change has a reason code, an actor and a time in the journal. What the
// definition does not allow is refused with everything that stands against it
// and what is missing. Clocks and steps are tasks for their moment, nothing is
// swept, and what happened once does not happen again when it is decided anew.
// Not promised: that a stage tells the truth about a lead that people work
// outside the loop, nor that a step was received, which is for its outcome to say.
//
// Start with [Default] or [Parse], then [New]; [Lifecycle.Move] and its sisters
// are what people do, [NewStage] and the other steps go into a loop.
package lifecycle
