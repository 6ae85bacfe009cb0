package backfill_test

import (
	"fmt"

	"github.com/leadloop/leadloop/tracking/backfill"
)

// Names of events are read leniently, and what is not one is answered with what
// was probably meant.
func ExampleParseEvent() {
	for _, name := range []string{"created", "Stage Changed", "wonn"} {
		e, err := backfill.ParseEvent(name)
		fmt.Println(e, err)
	}
	// Output:
	// {captured } <nil>
	// {stage_changed } <nil>
	// { } invalid: no event is called "wonn", did you mean "won"?
}

// A second table, such as the accounts of a deal, joined by what both name.
func ExampleNewLookup() {
	l, err := backfill.NewLookup([]string{"deal", "account"}, []string{"account", "sector"}, [][]string{{"Acme", "retail"}, {"Rival", "software"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(l.Header([]string{"deal", "account"}))
	fmt.Println(l.Row([]string{"op_1", "Acme"}))
	// Output:
	// [deal account sector]
	// [op_1 Acme retail]
}
