package match

import (
	"fmt"
	"testing"
)

func TestNumbersThatNoTwoRowsShareAreNotCompared(t *testing.T) {
	var rows [][]string
	for i := range 60 {
		rows = append(rows, []string{fmt.Sprint(7000 + i), fmt.Sprint(1900 + i%20), "p" + fmt.Sprint(i/2)})
	}
	got := Guess([]string{"Kundennr", "Jahr", "truth"}, rows)
	if got[0].Kind != KindIgnore || got[1].Kind == KindIgnore || got[2].Kind != KindIgnore {
		t.Errorf("guessed to be %v", got)
	}
}

func TestNamesWithTheFamilyNameFirstAreThoseOfPeople(t *testing.T) {
	rows := [][]string{{"Adler, Anna"}, {"Müller, Zoë"}, {"van der Berg, Jan"}, {"Pohl, Ida"}, {"Graf, Hugo"}}
	if got := Guess([]string{"name"}, rows)[0].Kind; got != KindPersonName {
		t.Errorf("guessed to be %s", got)
	}
	rows = [][]string{{"Acme, Inc."}, {"Globex, Ltd."}, {"Initech, LLC"}, {"Hooli, Inc."}, {"Umbrella, Inc."}}
	if got := Guess([]string{"name"}, rows)[0].Kind; got != KindCompany {
		t.Errorf("companies are guessed to be %s", got)
	}
}
