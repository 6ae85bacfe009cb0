package dedupe_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/dedupe/match"
)

func TestAMatchFileSaysEverythingThatIsWrongAtOnce(t *testing.T) {
	_, err := dedupe.ParseMatchFile("match.yaml", []byte(`
columns:
  - {column: name, kind: person}
  - {column: name, kind: phone}
  - {kind: email}
mode: pairs
thresholds: {auto: 1.5, revew: 0.1}
max_cluster: -1
`))
	want := `match.yaml:2:1: unknown mode "pairs" (one of across, dedupe, many_to_one, one_to_one)
match.yaml:2:1: thresholds: auto is 1.5, not a probability from 0 to 1
match.yaml:2:1: max_cluster can't be negative
match.yaml:3:5: unknown kind "person" (one of given_name, family_name, person_name, people, company, email, domain, phone, date, us_date, number, address, city, postcode, category, title, text, id, ignore)
match.yaml:4:5: the column "name" is listed twice
match.yaml:5:5: columns[2]: missing key "column"
match.yaml:7:25: thresholds: unknown key "revew" (did you mean "review"?)`
	if err == nil {
		t.Fatal("no problem was found")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAMatchFileThatIsWrittenIsReadAsItWas(t *testing.T) {
	f := dedupe.MatchFile{
		ID: "rec id", Mode: "many_to_one", Thresholds: dedupe.MatchThresholds{Auto: .9, Match: .5, Review: .2}, MaxCluster: 40, Decisions: "said.csv",
		Columns: []dedupe.MatchColumn{{Column: `the "name"`, With: []string{"surname"}, Also: []string{"contact", `a "b"`}, Kind: "person_name"}, {Column: "tax", Kind: "id", Unique: true}},
	}
	got, err := dedupe.ParseMatchFile("match.yaml", []byte(f.YAML()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(f, got, cmpopts.IgnoreTypes(leadloop.Position{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if o := got.Options(true); o.Mode != match.ManyToOne || o.MaxCluster != 40 {
		t.Errorf("options: %+v", o)
	}
	if o := (dedupe.MatchFile{}).Options(true); o.Mode != match.OneToOne {
		t.Errorf("linked files without a mode: %+v", o)
	}
}

func ExampleGuessMatchFile() {
	f := dedupe.GuessMatchFile([]string{"row", "first name", "surname", "e-mail"}, [][]string{
		{"1", "Ana", "Berg", "ana@acme.com"}, {"2", "Ben", "Holm", "ben@acme.com"}, {"3", "Cem", "Ay", "cem@initech.com"},
	})
	fmt.Print(f.YAML())
	// Output:
	// columns:
	//   - {column: "row", kind: ignore}
	//   - {column: "first name", kind: given_name}
	//   - {column: "surname", kind: family_name}
	//   - {column: "e-mail", kind: email}
}

// What is wrong in a match.yaml is said with its place, and with what was probably meant.
func ExampleParseMatchFile() {
	_, err := dedupe.ParseMatchFile("match.yaml", []byte(`
id: Customer No
columns:
  - {column: Contact, kind: persn_name}
  - {column: E-Mail, kind: email, also: [mail]}
mode: one_to_1
`))
	fmt.Println(err)
	// Output:
	// match.yaml:2:1: unknown mode "one_to_1" (did you mean "one_to_one"?)
	// match.yaml:4:5: unknown kind "persn_name" (did you mean "person_name"?)
}

func TestTheMatchFilesOfTheGuideAreRead(t *testing.T) {
	guide, err := os.ReadFile("../docs/MATCHING.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(guide), "```yaml\n")[1:]
	if len(blocks) == 0 {
		t.Fatal("there is none")
	}
	for _, b := range blocks {
		text, _, _ := strings.Cut(b, "```")
		if _, err := dedupe.ParseMatchFile("MATCHING.md", []byte(text)); err != nil {
			t.Errorf("%v in\n%s", err, text)
		}
	}
	for _, k := range match.Kinds() {
		if !strings.Contains(string(guide), "`"+string(k)+"`") {
			t.Errorf("the guide has no kind %s", k)
		}
	}
}
