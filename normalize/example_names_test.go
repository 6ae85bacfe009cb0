package normalize_test

import (
	"fmt"

	"github.com/leadloop/leadloop/normalize"
)

func ExamplePersonName() {
	for _, n := range [][2]string{{"JANE", "O'BRIEN-SMITH"}, {"Dr. Hans", "Meier Jr."}, {"Kim Lee", ""}, {"AJ", "Smith"}} {
		name := normalize.PersonName(n[0], n[1])
		fmt.Printf("%q %q\n", name.First, name.Last)
	}
	// Output:
	// "Jane" "O'Brien-Smith"
	// "Hans" "Meier"
	// "Kim" "Lee"
	// "AJ" "Smith"
}

func ExampleNicknames() {
	fmt.Println(normalize.Nicknames("William"))
	fmt.Println(normalize.Nicknames("peggy"))
	// Output:
	// [bela bell bill billy wil will willie willy wilma]
	// [margaret margaretta marguerite peg]
}

func ExampleEmailAddress() {
	for _, s := range []string{"jane@acme.com", "jane@gmail.com", "sales@acme.com", "x@mailinator.com"} {
		e, err := normalize.Email(s)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(e, "corporate:", e.IsCorporate(), "free:", e.IsFree(), "role:", e.IsRole(), "disposable:", e.IsDisposable())
	}
	// Output:
	// jane@acme.com corporate: true free: false role: false disposable: false
	// jane@gmail.com corporate: false free: true role: false disposable: false
	// sales@acme.com corporate: true free: false role: true disposable: false
	// x@mailinator.com corporate: false free: false role: false disposable: true
}

func ExampleMedium() {
	for _, s := range []string{"PPC", "paid search", "google / cpc", "(none)", "E-Mail"} {
		fmt.Println(normalize.Medium(s))
	}
	// Output:
	// cpc
	// cpc
	// cpc
	// direct
	// email
}

func ExampleIsNull() {
	for _, s := range []string{"N/A", "-", "#N/A", "Nullsoft"} {
		fmt.Println(s, normalize.IsNull(s))
	}
	// Output:
	// N/A true
	// - true
	// #N/A true
	// Nullsoft false
}

// To compare, never to show.
func ExampleFold() {
	fmt.Println(normalize.Fold("Łódź Straße ＡＣＭＥ"))
	// Output:
	// lodz strasse acme
}

func ExampleFormalNames() {
	fmt.Println(normalize.FormalNames("Betty"))
	fmt.Println(normalize.FormalNames("Elizabeth"))
	// Output:
	// [beth elizabeth]
	// [beth eliza]
}
