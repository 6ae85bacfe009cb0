package enrich

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// Money is set aside in the store's cache, in one entry that all processes
// share, in the transaction that reads what was spent; and it is released in
// the transaction that books what the call cost. Since transactions come out
// as if one ran after the other, no two calls ever spend the same money. What
// a crash leaves behind is released after holdTime.

const (
	holdsKey = "enrich:" + formatVersion + ":set-aside"
	holdTime = time.Hour
)

// hold is money set aside for one call in flight.
type hold struct {
	ID     string          `json:"id"`
	Source string          `json:"source"`
	Lead   string          `json:"lead"` // a hash
	Amount leadloop.Micros `json:"amount"`
	At     time.Time       `json:"at"`    // the moment of the decision, which budgets are about
	Until  time.Time       `json:"until"` // by the clock
}

// money is what one call may cost. The call, and each try of it that was left
// behind, holds on to it; the last one releases it.
type money struct {
	w       *Waterfall
	hold    *hold // nil if no budget is concerned
	holders atomic.Int32
	booked  atomic.Bool
}

func (m *money) keep() { m.holders.Add(1) }

func (m *money) drop() {
	if m.holders.Add(-1) > 0 || m.hold == nil || m.booked.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), keepTime)
	defer cancel()
	// If it can't be released it is released by time.
	_ = m.w.update(ctx, func(tx store.Tx) error { return m.release(ctx, tx) })
}

// release gives back what was set aside.
func (m *money) release(ctx context.Context, tx store.Tx) error {
	if m.hold == nil {
		return nil
	}
	holds, err := m.w.holds(ctx, tx)
	if err != nil {
		return err
	}
	return m.w.putHolds(ctx, tx, slices.DeleteFunc(holds, func(h hold) bool { return h.ID == m.hold.ID }))
}

// holds are those of calls in flight, of all processes.
func (w *Waterfall) holds(ctx context.Context, tx store.Tx) ([]hold, error) {
	now := w.o.Now()
	c, ok, err := tx.Cache().Get(ctx, holdsKey, now)
	if err != nil || !ok {
		return nil, err
	}
	var out []hold
	if err := json.Unmarshal(c.Data, &out); err != nil {
		return nil, fmt.Errorf("what is set aside: %w", err)
	}
	return slices.DeleteFunc(out, func(h hold) bool { return !h.Until.After(now) }), nil
}

func (w *Waterfall) putHolds(ctx context.Context, tx store.Tx, holds []hold) error {
	data, err := json.Marshal(holds)
	if err != nil {
		return err
	}
	return tx.Cache().Put(ctx, store.CacheEntry{Key: holdsKey, Data: data, ExpiresAt: w.o.Now().Add(2 * holdTime)})
}

// leadKey is where all that was spent on a lead is counted.
func leadKey(id leadloop.LeadID) string {
	return "enrich:" + hash([]string{"leadloop/enrich", formatVersion, "spent", string(id)})
}

// spentOn returns what the lead has cost, of what was booked under its id.
func spentOn(ctx context.Context, tx store.Tx, id leadloop.LeadID, at time.Time) (leadloop.Micros, error) {
	c, ok, err := tx.Cache().Get(ctx, leadKey(id), at)
	if err != nil || !ok {
		return 0, err
	}
	var spent leadloop.Micros
	if err := json.Unmarshal(c.Data, &spent); err != nil {
		return 0, fmt.Errorf("what was spent: %w", err)
	}
	return spent, nil
}

// never is when the count of a lead's money expires: it goes with the lead.
var never = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// setAside holds the price of one call. It returns the reason if a budget has
// no room for it; spent is what the lead has cost as far as the run knows.
func (w *Waterfall) setAside(ctx context.Context, src *guard, lead leadloop.LeadID, spent leadloop.Micros, asOf time.Time) (m *money, refused string, err error) {
	m = &money{w: w}
	m.keep()
	b := w.o.Budget
	if src.Price == 0 || b == (Budget{}) && src.Budget == (Budget{}) {
		return m, "", nil
	}
	of := hash([]string{string(lead)})
	y, month, d := asOf.UTC().Date()
	day, nextDay := time.Date(y, month, d, 0, 0, 0, 0, time.UTC), time.Date(y, month, d+1, 0, 0, 0, 0, time.UTC)
	first, nextFirst := time.Date(y, month, 1, 0, 0, 0, 0, time.UTC), time.Date(y, month+1, 1, 0, 0, 0, 0, time.UTC)
	h := hold{ID: rand.Text(), Source: src.Name, Lead: of, Amount: src.Price, At: asOf.UTC(), Until: w.o.Now().Add(holdTime).UTC()}
	err = w.update(ctx, func(tx store.Tx) error {
		refused = ""
		holds, err := w.holds(ctx, tx)
		if err != nil {
			return err
		}
		held := func(of func(hold) bool) (sum leadloop.Micros) {
			for _, h := range holds {
				if of(h) {
					sum += h.Amount
				}
			}
			return sum
		}
		if b.Lead > 0 {
			booked, err := spentOn(ctx, tx, lead, asOf)
			if err != nil {
				return err
			}
			if max(spent, booked)+held(func(h hold) bool { return h.Lead == of })+src.Price > b.Lead {
				refused = "budget_lead"
				return nil
			}
		}
		for _, p := range []struct {
			limit       leadloop.Micros
			source      string
			from, until time.Time
			reason      string
		}{
			{b.Day, "", day, nextDay, "budget_day"},
			{b.Month, "", first, nextFirst, "budget_month"},
			{src.Budget.Day, src.Name, day, nextDay, "budget_source_day"},
			{src.Budget.Month, src.Name, first, nextFirst, "budget_source_month"},
		} {
			if p.limit == 0 {
				continue
			}
			total, err := tx.Costs().Total(ctx, p.source, p.from, p.until)
			if err != nil {
				return err
			}
			total += held(func(h hold) bool {
				return (p.source == "" || h.Source == p.source) && !h.At.Before(p.from) && h.At.Before(p.until)
			})
			if total+src.Price > p.limit {
				refused = p.reason
				return nil
			}
		}
		return w.putHolds(ctx, tx, append(holds, h))
	})
	if err != nil {
		return nil, "", fmt.Errorf("enrich: setting money aside: %w", err)
	}
	if refused == "" {
		m.hold = &h
	}
	return m, refused, nil
}

// update runs a transaction again when others were in its way.
func (w *Waterfall) update(ctx context.Context, f func(tx store.Tx) error) error {
	return store.Retry(ctx, keepTries, func() error { return w.store.Update(ctx, f) })
}
