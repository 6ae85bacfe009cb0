package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/sqlite"
)

// routingChild holds the database and the name of a process that routes.
const routingChild = "LEADLOOP_TEST_ROUTING"

const sharedPool = `
teams: [{id: t, members: [ana, ben, cem, dan, eve]}]
reps: [{id: ana}, {id: ben, weight: 37}, {id: cem, weight: 80}, {id: dan, weight: 50}, {id: eve, max_open: 9}]
pools: [{id: p, team: t}]
queues: [{id: q}]
chain: [{id: all, target: {pool: p}}]
final: q
`

const (
	routingProcesses = 4
	leadsPerProcess  = 40
)

// TestRoutingChild is what the test below runs in processes of their own. Each
// submits leads of its own, and then those that another one submits too.
func TestRoutingChild(t *testing.T) {
	path, name := filepath.Split(os.Getenv(routingChild))
	if name == "" {
		t.Skip("run by the test of several processes")
	}
	st, err := sqlite.Open(t.Context(), filepath.Clean(path), sqlite.Options{BusyTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	def, err := routing.Parse("routing.yaml", []byte(sharedPool))
	if err != nil {
		t.Fatal(err)
	}
	schema := leadloop.StandardSchema()
	router, err := routing.New(def, routing.SLADefinition{}, schema, routing.Options{})
	if err != nil {
		t.Fatal(err)
	}
	last := leadloop.SurvivorshipFunc(func(c leadloop.Contest) (int, leadloop.Value) {
		i := int(c.Candidates[len(c.Candidates)-1])
		return i, c.Claims[i].Value
	})
	loop, err := engine.New(st, schema, last, []leadloop.Stage{routing.NewStage(router, st)}, engine.Options{MaxConflicts: 1000})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, time.November, 2, 10, 0, 0, 0, time.UTC)
	for i := range leadsPerProcess {
		for _, key := range []string{fmt.Sprint(name, i), fmt.Sprint("shared", i)} {
			s := leadloop.Submission{Key: key, Source: "web", ReceivedAt: at, Claims: []leadloop.Claim{leadloop.Source.Claim("web", leadloop.Evidence{Source: "web", ObservedAt: at})}}
			_, err := loop.Process(t.Context(), s, at)
			for errors.Is(err, leadloop.ErrConflict) {
				_, err = loop.Process(t.Context(), s, at)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestSeveralProcessesShareAPoolFairlyAndAssignNoLeadTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "leads.db")
	ctx := context.Background()
	st, err := sqlite.Open(ctx, path, sqlite.Options{BusyTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	var children []*exec.Cmd
	for i := range routingProcesses {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestRoutingChild$")
		child.Env = append(child.Environ(), fmt.Sprintf("%s=%s/process%d", routingChild, path, i))
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		children = append(children, child)
	}
	for _, child := range children {
		if err := child.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	const leads = (routingProcesses + 1) * leadsPerProcess
	owners, assigned := map[leadloop.RepID]int64{}, map[leadloop.LeadID]int{}
	err = st.View(ctx, func(tx store.Tx) error {
		for e, err := range tx.Journal().Since(ctx, 0) {
			if err != nil {
				return err
			}
			if e.Kind == leadloop.EventAssigned {
				assigned[e.Lead]++
			}
		}
		list, err := tx.Leads().List(ctx, "", leads+1)
		if err != nil {
			return err
		}
		for _, l := range list {
			owners[l.State.Owner]++
			if assigned[l.ID] != 1 {
				t.Errorf("lead %s was assigned %d times", l.ID, assigned[l.ID])
			}
		}
		if len(list) != leads {
			t.Errorf("%d leads, want %d", len(list), leads)
		}
		r, err := tx.Rotations().Get(ctx, "p")
		if err != nil {
			return err
		}
		if r.Revision != leads {
			t.Errorf("the ledger moved %d times for %d leads", r.Revision, leads)
		}
		got, total := map[leadloop.RepID]int64{}, leadloop.Owed(0)
		for _, b := range r.Balances {
			got[b.Member], total = b.Count, total+b.Owed
			// Eve is full at some time: what is owed stays within two leads
			// even so.
			if b.Owed >= 2*leadloop.OneLead || b.Owed <= -2*leadloop.OneLead {
				t.Errorf("%s is owed %d", b.Member, b.Owed)
			}
		}
		if total != 0 {
			t.Errorf("the ledger sums to %d", total)
		}
		if !maps.Equal(got, owners) {
			t.Errorf("the ledger counts %v, the leads have %v", got, owners)
		}
		if got["eve"] != 9 {
			t.Errorf("eve has %d leads and room for 9", got["eve"])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
