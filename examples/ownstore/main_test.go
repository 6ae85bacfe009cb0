package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/storetest"
)

func Example() {
	main()
	// Output:
	// 1: tier A, assigned to ben, entry:account-owner, account "A7"
	// 2: tier B, assigned to ana, entry:everybody-else, account ""
	// 3: tier B, assigned to ana, entry:everybody-else, account "", the same person as before
}

func TestTheStoreKeepsEveryPromise(t *testing.T) {
	storetest.Run(t, storetest.Config{New: func(testing.TB) store.Store { return NewStore() }})
}

// The kit knows no store that is made of two; this is what makes it one. Each
// Update claims the next key on our side and writes its number to an account
// on the host's; whoever reads the number must find that key, and not the next.
func TestNobodySeesOneSideWithoutTheOther(t *testing.T) {
	ctx, s := context.Background(), NewStore()
	const writes = 2000
	number := func(i int) string { return fmt.Sprintf("%06d", i) }
	next := func(tx store.Tx) (string, error) {
		a, err := tx.CRM().Account(ctx, "A1")
		if errors.Is(err, leadloop.ErrNotFound) {
			return number(0), nil
		}
		return a.Name, err
	}
	write := func(tx store.Tx) error {
		at, err := next(tx)
		if err != nil {
			return err
		}
		if _, claimed, err := tx.Keys().Claim(ctx, at, "ld"); err != nil || !claimed {
			return fmt.Errorf("key %s is claimed already (%w)", at, errors.Join(err, leadloop.ErrConflict))
		}
		i, err := strconv.Atoi(at)
		if err != nil {
			return err
		}
		return tx.CRM().PutAccount(ctx, leadloop.Account{ID: "A1", Name: number(i + 1)})
	}
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for range writes / 2 {
				if err := s.Update(ctx, write); err != nil {
					t.Error(err)
					return
				}
			}
		})
		wg.Go(func() {
			for at := ""; at != number(writes) && !t.Failed(); {
				err := s.View(ctx, func(tx store.Tx) (err error) {
					if at, err = next(tx); err != nil {
						return err
					}
					if _, err := tx.Keys().Lookup(ctx, at); !errors.Is(err, leadloop.ErrNotFound) {
						return fmt.Errorf("the account says %s is next, and its key is there already", at)
					}
					if i, err := strconv.Atoi(at); err != nil || i == 0 {
						return err
					} else if _, err := tx.Keys().Lookup(ctx, number(i-1)); err != nil {
						return fmt.Errorf("the account says %s is next, and the key before it is missing: %w", at, err)
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
