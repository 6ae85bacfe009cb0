package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

func ExampleEncodeBalances() {
	r := store.Rotation{Pool: "west"}
	r.Apply(leadloop.LedgerMove{
		Pool: "west", To: "ana", At: time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC),
		Members: []leadloop.RepID{"ana", "ben"}, Deltas: []leadloop.Owed{-leadloop.OneLead / 2, leadloop.OneLead / 2},
	})
	text, err := store.EncodeBalances(r.Balances)
	fmt.Println(string(text), err)
	// Output: [["ana",-500000,1,"2026-11-02T10:00:00.000000000Z"],["ben",500000,0,""]] <nil>
}

func TestBalancesComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []store.Balance
		for _, id := range rapid.SliceOfNDistinct(rapid.String(), 0, 8, rapid.ID[string]).Draw(t, "members") {
			b := store.Balance{Member: leadloop.RepID(id), Owed: leadloop.Owed(rapid.Int64().Draw(t, "owed")), Count: rapid.Int64().Draw(t, "count")}
			if rapid.Bool().Draw(t, "got one") {
				b.LastAt = time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC()
			}
			want = append(want, b)
		}
		text, err := store.EncodeBalances(want)
		if err != nil || !json.Valid(text) {
			t.Fatalf("%s: %v", text, err)
		}
		got, err := store.DecodeBalances(string(text))
		if err != nil || cmp.Diff(want, got) != "" {
			t.Fatalf("%v %s", err, cmp.Diff(want, got))
		}
	})
}

// FuzzDecodeBalances holds what is read against package json.
func FuzzDecodeBalances(f *testing.F) {
	for _, s := range []string{
		"", "[]", " [ ] ", `[["a",1,2,"2026-11-02T10:00:00.000000000Z"]]`, "[[\"a\", -1, 2, \"\"], \n [\"\\u00e9\\\"\", 0, 0, \"2026-02-29T10:00:00.000000000Z\"]]",
		"[", "[[", `[["a"]]`, `[["a",1,2,""],]`, `[["a",1,2,""]]]`, `[["a",1-2,2,""]]`, `[["a\`, `[["a",01,2,""]]`, `[["a",1,2,null]]`, `[["a",1,2,"2026-13-01T00:00:00.000000000Z"]]`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := store.DecodeBalances(text)
		if err != nil {
			if !errors.Is(err, leadloop.ErrInvalid) {
				t.Fatal(err)
			}
			// What EncodeBalances writes is read.
			if list, ok := asJSON(text); ok {
				if again, err := store.EncodeBalances(list); err == nil && string(again) == text {
					t.Fatalf("%q is what is written, and was refused", text)
				}
			}
			return
		}
		if want, ok := asJSON(text); ok && cmp.Diff(want, got) != "" {
			t.Fatalf("%q (-want +got):\n%s", text, cmp.Diff(want, got))
		}
	})
}

// asJSON reads balances with package json.
func asJSON(text string) (list []store.Balance, ok bool) {
	var rows [][4]any
	if json.Unmarshal([]byte(text), &rows) != nil {
		return nil, false
	}
	for _, row := range rows {
		var b store.Balance
		id, isText := row[0].(string)
		owed, isOwed := row[1].(float64)
		count, isCount := row[2].(float64)
		at, isTime := row[3].(string)
		if !isText || !isOwed || !isCount || !isTime || max(owed, -owed, count, -count) > 1<<53 {
			return nil, false
		}
		b.Member, b.Owed, b.Count = leadloop.RepID(id), leadloop.Owed(owed), int64(count)
		if at != "" {
			t, err := time.Parse("2006-01-02T15:04:05.000000000Z", at)
			if err != nil {
				return nil, false
			}
			b.LastAt = t
		}
		list = append(list, b)
	}
	return list, true
}

func TestATimeIsReadAsPackageTimeReadsIt(t *testing.T) {
	for _, text := range []string{
		"2026-11-02T10:00:00.000000005Z", "0001-01-01T00:00:00.000000000Z", "9999-12-31T23:59:59.999999999Z", "2028-02-29T00:00:00.000000000Z", "2026-02-29T00:00:00.000000000Z",
		"2026-13-01T00:00:00.000000000Z", "2026-00-01T00:00:00.000000000Z", "2026-01-00T00:00:00.000000000Z", "2026-01-01T24:00:00.000000000Z", "2026-01-01T00:60:00.000000000Z",
		"2026-01-01T00:00:60.000000000Z", "2026-01-01 00:00:00.000000000Z", "2026-01-01T00:00:00.00000000Z", "2026-01-01T00:00:00,000000000Z", "2026-0x-01T00:00:00.000000000Z", "-026-01-01T00:00:00.000000000Z", "",
	} {
		want, wantErr := time.Parse("2006-01-02T15:04:05.000000000Z", text)
		got, err := store.ParseTime(text)
		if got != want || (err == nil) != (wantErr == nil) {
			t.Errorf("%q: %v %v, want %v %v", text, got, err, want, wantErr)
		}
	}
}
