package match

import "testing"

func TestDatesAreReadAsTheyAreWritten(t *testing.T) {
	for _, c := range []struct{ raw, date, usDate string }{
		{"1998-04-03", "19980403", "19980403"},
		{"1998/4/3", "19980403", "19980403"},
		{"19980403", "19980403", "19980403"},
		{"03041998", "19980403", "19980304"},
		{"12311998", "19981231", "19981231"},
		{"03/04/1998", "19980403", "19980304"},
		{"3.4.98", "19980403", "19980304"},
		{"12/31/1998", "19981231", "19981231"},
		{"31/12/1998", "19981231", "19981231"},
		{"April 3, 1998", "19980403", "19980403"},
		{"3 Apr 1998", "19980403", "19980403"},
		{"1998-04-03T10:00:00Z", "19980403", "19980403"},
		{"1998", "19980000", "19980000"},
		{"91450612", "91450612", "91450612"}, // somebody's typing error
		{"soon", "soon", "soon"},
		{"", "", ""},
	} {
		if date, us := dateDigits(c.raw, false), dateDigits(c.raw, true); date != c.date || us != c.usDate {
			t.Errorf("%q is %s and %s, want %s and %s", c.raw, date, us, c.date, c.usDate)
		}
	}
}

func TestDatesWhoseDayAndMonthAreExchangedAreClose(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		level string
	}{
		{"03/04/1998", "04/03/1998", "close"},
		{"1998-04-03", "04/03/1998", "close"},
		{"03/04/1998", "1998-04-03", "same"},
		{"03/04/1998", "25/12/1998", "same year"},
	} {
		a, b := dateDigits(c.a, false), dateDigits(c.b, false)
		level := uint8(len(dateLevels) - 1)
		if a != b {
			level = dateLevel(a, b)
		}
		if got := dateLevels[level]; got != c.level {
			t.Errorf("%s and %s are %s, want %s", c.a, c.b, got, c.level)
		}
	}
}
