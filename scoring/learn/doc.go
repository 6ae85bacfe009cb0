// Package learn turns how leads ended into a proposed scoring model: a scorecard
// that a person can read, in the file that the rest of the library scores by.
//
// It takes any table. What each column is, is found out; columns that know the
// outcome are named and left out; numbers are cut into bands and values of
// categories joined, so that a regression over all of them tells the bands
// apart; what is expected of weights is chosen by cross-validation, and points are
// calibrated to probabilities. The result is judged on leads that were held
// out. The same table and options give the same bytes.
//
// It does not promise that what held will hold, and it refuses to learn from
// too little, or where nothing predicts anything. Start with [Learn]; keep
// [Counts] to add rows and to forget some. docs/LEARNING.md is the guide.
package learn
