package postgres_test

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/postgres"
)

// A host commits a customer of its own together with the lead. It needs a
// database, so that it is compiled here and not run.
func ExampleStore_In() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, "postgres://crm@localhost/crm")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	s, err := postgres.New(ctx, pool, postgres.Options{Schema: "leadloop"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()

	err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.Serializable}, func(hosts pgx.Tx) error {
		if _, err := hosts.Exec(ctx, "INSERT INTO customers (id) VALUES ($1)", 17); err != nil {
			return err
		}
		return s.In(hosts).Update(ctx, func(tx store.Tx) error {
			_, err := tx.Leads().Put(ctx, &leadloop.Lead{ID: "lead-17"})
			return err
		})
	})
	if err != nil {
		fmt.Println(err)
	}
}
