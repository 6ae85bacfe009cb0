// Package leadloop holds the nouns of a B2B lead loop: capture, dedupe,
// suppress, enrich, score, route, act, track, recycle.
//
// Everything known about a lead is a [Claim]; what the lead looks like is a
// [Profile], computed from its claims by one [SurvivorshipPolicy]. A [Stage]
// decides one step and returns an [Outcome] and [Effects] as plain data, which
// package engine commits in one transaction. Nothing here reads a clock, opens
// a connection or starts a goroutine.
//
// Verbs live in packages of their own (capture, dedupe, enrich, scoring,
// routing, …) and never import each other; package playbook wires them from
// YAML. Start with [Lead], or with playbook.Open if you have a playbook.
package leadloop
