// Package privacy keeps people and companies out of the loop who must not be
// contacted, sold to or sent to a provider now.
//
// A suppression is kept as a keyed token, never as the identifier itself, so
// that the list is of no use to whoever steals it and outlives an erasure. It
// fails closed: while the store cannot be asked, no lead is decided. What it
// does not promise: to find somebody under an identifier that the list does
// not have, or under a key that the tokens don't know (see [Tokens.After]).
//
// An [Eraser] makes the store and other systems forget somebody, with a
// receipt; [Terms] say what consents allow; [ExportPerson], [Hold] and
// [Eraser.Retain] are what else the law may ask for.
//
// Start with [NewTokens] and [NewStage]; [Suppress] and [Import] add to the list.
package privacy
