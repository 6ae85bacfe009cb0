package sqlite

import (
	"testing"

	"github.com/leadloop/leadloop/routing/routingtest"
)

func TestManyRouteThroughOnePool(t *testing.T) {
	routingtest.Concurrent(t, openAt(t, newPath(t), Options{}))
}

func TestQueuesAreDrainedByManyAtOnce(t *testing.T) {
	routingtest.Drains(t, openAt(t, newPath(t), Options{}))
}
