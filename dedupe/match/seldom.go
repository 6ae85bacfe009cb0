package match

const (
	seldom       = 16 // rows from which a count is believed as it is
	seldomValues = 5  // of each count, that are believed to be there beside those that are: few rows tell little about it
)

// setSeldom sets how many rows a value counts for that so many rows have, from none to below seldom.
//
// That two rows agree is known already. What counts is how likely another one would have their value, and where two of two thousand rows have a birthday in
// common that is not two in two thousand: it is one in eighteen thousand, and most who share one are one person. How likely it is the other values tell. Of a
// value that c rows have it is c times the number of values with c rows by that of values with c-1. It at most doubles from one count to the next, as
// three rows with a value are mostly one person's too.
//
// Source: I. J. Good, The population frequencies of species and the estimation of population parameters, Biometrika 40, 1953.
func (f *frequencies) setSeldom() {
	values := [seldom]float64{1: float64(f.Rows)}
	for _, n := range f.Counts {
		if n < seldom {
			values[n]++
		}
		values[1] -= float64(n)
	}
	f.Seldom = make([]float64, seldom)
	for c := 2; c < seldom; c++ {
		rows := float64(c) * min((values[c]+seldomValues)/(values[c-1]+seldomValues), 1)
		if c > 2 {
			rows = min(max(rows, f.Seldom[c-1]), 2*f.Seldom[c-1])
		}
		f.Seldom[c] = rows
	}
	f.Seldom[0], f.Seldom[1] = f.Seldom[2], f.Seldom[2]
}
