package memstore_test

import (
	"testing"

	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
	"github.com/leadloop/leadloop/store/storetest"
)

var config = storetest.Config{New: func(testing.TB) store.Store { return memstore.New() }}

func TestConformance(t *testing.T) { storetest.Run(t, config) }

func BenchmarkStore(b *testing.B) { storetest.Bench(b, config) }
