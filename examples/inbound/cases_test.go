package inbound_test

import (
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/scoring/scoringtest"
)

// The cases of the playbook hold, reach every edge of the model, and
// notice every change of a number.
func TestTheCasesHoldAndLeaveNothingOut(t *testing.T) {
	pb, problems := playbook.Load(os.DirFS("playbook"))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	scoringtest.Run(t, pb.Model(), pb.Cases(), scoringtest.Options{MinCoverage: 1, MaxSurvivors: new(0)})

	r, err := pb.Test(t.Context(), playbook.TestOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Failed > 0 || r.Covered != r.Rules || len(r.NeverWon)+len(r.NeverAsked) > 0 {
		t.Error(r)
	}
	for _, kind := range []string{playbook.CaseScore, playbook.CaseRoute, playbook.CaseEnrich, playbook.CaseLifecycle} {
		if r.Count(kind) < 10 {
			t.Errorf("%d cases about %s", r.Count(kind), kind)
		}
	}
	for _, name := range append(r.Missed, r.Survivors...) {
		t.Errorf("the cases leave out %s", name)
	}
}

// Whoever changes a weight in scoring.yaml by a fifth hears of it: written into
// the file and loaded anew, one weight at a time.
func TestAWeightThatIsChangedByAFifthBreaksACase(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("loads the playbook 68 times")
	}
	folder := os.DirFS("playbook")
	text, err := os.ReadFile("playbook/scoring.yaml")
	if err != nil {
		t.Fatal(err)
	}
	weights := 0
	for _, at := range weightsOf(string(text)) {
		for _, factor := range []float64{0.8, 1.2} {
			old := string(text[at[0]:at[1]])
			v, err := strconv.ParseFloat(old, 64)
			if err != nil {
				t.Fatal(err)
			}
			if v == 0 {
				continue
			}
			weights++
			changed := strconv.FormatFloat(v*factor, 'f', 3, 64)
			line := 1 + strings.Count(string(text[:at[0]]), "\n")
			files := fstest.MapFS{"scoring.yaml": {Data: []byte(string(text[:at[0]]) + changed + string(text[at[1]:]))}}
			pb, problems := playbook.Load(over{files, folder})
			if err := problems.Err(); err != nil {
				t.Fatalf("scoring.yaml:%d: %s → %s: %v", line, old, changed, err)
			}
			r, err := pb.Test(t.Context(), playbook.TestOptions{NoMutants: true})
			if err != nil {
				t.Fatal(err)
			}
			if r.Failed == 0 {
				t.Errorf("scoring.yaml:%d: no case notices that %s became %s", line, old, changed)
			}
		}
	}
	if weights != 68 {
		t.Errorf("%d weights were tried, both ways", weights)
	}
}

var (
	// What gives points: a rule's, in the flow of a line or below it, a
	// modifier's, and the shares of the groups in the score.
	givesPoints = regexp.MustCompile(`(?m)\b(?:points|add|multiply|score): *(?:>-\n(?: {6}.*\n)+|"[^"]*"|[^,}\n]*)`)
	// A weight in it: a number that is no part of a comparison.
	weight = regexp.MustCompile(`(?:[?:*] ?|^[a-z]+: *)(-?[0-9]+(?:\.[0-9]+)?)\b`)
)

// weightsOf finds the numbers that are weights.
func weightsOf(text string) (out [][2]int) {
	for _, g := range givesPoints.FindAllStringIndex(text, -1) {
		for _, w := range weight.FindAllStringSubmatchIndex(text[g[0]:g[1]], -1) {
			out = append(out, [2]int{g[0] + w[2], g[0] + w[3]})
		}
	}
	return out
}

// over is a folder in which some files are others.
type over struct {
	files  fstest.MapFS
	folder fs.FS
}

func (o over) Open(name string) (fs.File, error) {
	if _, ok := o.files[name]; ok {
		return o.files.Open(name)
	}
	return o.folder.Open(name)
}
