package postgres

import (
	"testing"

	"github.com/leadloop/leadloop/routing/routingtest"
)

func TestManyRouteThroughOnePool(t *testing.T) { routingtest.Concurrent(t, openAt(t, newSchema(t))) }

func TestQueuesAreDrainedByManyAtOnce(t *testing.T) { routingtest.Drains(t, openAt(t, newSchema(t))) }
