package inbound_test

import (
	"os"
	"testing"

	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/routing/routingtest"
)

// A lead for every entry of the chain goes where cases/routes.yaml says.
func TestTheChainGivesEveryLeadToWhomItSays(t *testing.T) {
	pb, problems := playbook.Load(os.DirFS("playbook"))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	routingtest.Run(t, pb.Router(), pb.Routes(), routingtest.Options{Score: pb.Score, Unhit: map[string]string{}})
}
