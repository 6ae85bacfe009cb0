// Package scoring turns what is known about a lead into points, a tier and the
// reasons for both, by a versioned model written as data.
//
// The same model, profile, activities, moment and previous tier give the same
// [Explanation], byte for byte. Its contributions sum exactly to the group
// sums; a rule whose inputs are missing widens the range instead of counting as
// zero, and a rule that fails is named. The range is the tightest there is where
// the missing fields can be enumerated, and says so where they can't. No promise
// is made that a score predicts a sale.
//
// Start with [Parse] and [New], or with [Definition] to write a model in Go;
// then [Model.Explain], or [Model.Verdict] and [Model.Score] without the
// reasons. docs/SCORING.md is the guide for whoever writes the file.
package scoring
