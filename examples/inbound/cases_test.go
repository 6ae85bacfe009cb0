package inbound_test

import (
	"os"
	"testing"

	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/scoring/scoringtest"
)

// The cases of the playbook hold, reach every edge of the model that can be
// reached, and notice every change of a number.
func TestTheCasesHoldAndLeaveNothingOut(t *testing.T) {
	pb, problems := playbook.Load(os.DirFS("playbook"))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	scoringtest.Run(t, pb.Model(), pb.Cases(), scoringtest.Options{
		MinCoverage: 1, MaxSurvivors: new(0),
		Except: map[string]string{
			"group fit: limited to its max":    "all rules of fit together give a hundred points exactly",
			"group fit: max 100 → 110":         "all rules of fit together give a hundred points exactly",
			"group intent: limited to its min": "no rule of intent takes points away yet",
			"group intent: min 0 → -1":         "no rule of intent takes points away yet",
		},
	})
}
