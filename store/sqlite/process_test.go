package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// childVariable holds the path a child process works on.
const childVariable = "SQLITE_TEST_CHILD"

// TestChild is what the tests below run in a process of its own: it claims
// keys, and commits pairs of leads until it is killed.
func TestChild(t *testing.T) {
	path := os.Getenv(childVariable)
	if path == "" {
		t.Skip("run by the tests of several processes")
	}
	s := openAt(t, path, Options{BusyTimeout: time.Minute})
	fmt.Println("claimed", claimAll(t, s, "child"))
	for i := 0; ; i++ {
		if err := putPair(t.Context(), s, i); err != nil {
			t.Fatal(err)
		}
		if i == 20 {
			fmt.Println("writing")
		}
	}
}

// claimAll tries to claim 200 keys and returns how many it got.
func claimAll(t *testing.T, s *Store, as leadloop.LeadID) (won int) {
	t.Helper()
	for i := range 200 {
		claimed := false
		if err := s.Update(t.Context(), func(tx store.Tx) (err error) {
			_, claimed, err = tx.Keys().Claim(t.Context(), fmt.Sprint(i), as)
			return err
		}); err != nil {
			t.Error(err)
		}
		if claimed {
			won++
		}
	}
	return won
}

func putPair(ctx context.Context, s *Store, i int) error {
	return s.Update(ctx, func(tx store.Tx) error {
		for _, side := range []string{"l", "r"} {
			if _, err := tx.Leads().Put(ctx, &leadloop.Lead{ID: leadloop.LeadID(fmt.Sprintf("%06d%s", i, side))}); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestAnotherProcessSharesTheFileAndMayBeKilled(t *testing.T) {
	path := newPath(t)
	s := openAt(t, path, Options{BusyTimeout: time.Minute})
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestChild$")
	child.Env = append(child.Environ(), childVariable+"="+path)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	mine := claimAll(t, s, "parent")
	theirs := -1
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("the child ended: %v", errors.Join(err, child.Wait()))
		}
		if _, err := fmt.Sscanf(line, "claimed %d", &theirs); err == nil {
			continue
		}
		if strings.HasPrefix(line, "writing") {
			break
		}
	}
	if mine+theirs != 200 {
		t.Errorf("the parent claimed %d keys and the child %d of 200", mine, theirs)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, lines)
	if err := child.Wait(); err == nil {
		t.Error("the child was not killed")
	}
	ids := leadsIn(t, s)
	if len(ids) < 40 || len(ids)%2 != 0 {
		t.Errorf("%d leads are left", len(ids))
	}
	for i := 0; i+1 < len(ids); i += 2 {
		if strings.TrimSuffix(string(ids[i]), "l") != strings.TrimSuffix(string(ids[i+1]), "r") {
			t.Fatalf("half a transaction: %v", ids[i])
		}
	}
	if err := putPair(t.Context(), s, 999_999); err != nil {
		t.Errorf("after the child was killed: %v", err)
	}
	check := ""
	c, err := s.readers.take(t.Context(), s.done)
	if err != nil {
		t.Fatal(err)
	}
	defer s.readers.put(t.Context(), c)
	if err := c.once(t.Context(), "PRAGMA integrity_check", func(r *row) { check = r.text() }); err != nil || check != "ok" {
		t.Errorf("integrity check: %q, %v", check, err)
	}
}
