// Package routing gives every lead an owner, a queue, a track or a person who
// is told, with a response clock and a reason that can be read aloud.
//
// A [Router] walks a chain of entries in order; who of a pool is next follows
// from an entitlement ledger, so that the shares are exact over any time. The
// same lead, store and moment give the same assignment, and no chain that
// compiles can end without a named person or queue. What it does not promise:
// that caps hold to the lead when several processes assign one rep through
// entries that name no pool.
//
// Start with [Parse], [ParseSLA] and [New]; [NewStage] puts a router in a loop.
package routing
