package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
	"github.com/leadloop/leadloop/store/sqlite"
)

var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

func fill(t *testing.T, path string, f func(ctx context.Context, tx store.Tx) error) {
	t.Helper()
	st, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Update(t.Context(), func(tx store.Tx) error { return f(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestTheDoctorFindsWhatIsStuckAndSaysWhatToDo(t *testing.T) {
	t.Chdir(t.TempDir())
	fill(t, "leads.db", func(ctx context.Context, tx store.Tx) error {
		for id, s := range map[leadloop.LeadID]leadloop.State{
			"fine":     {Disposition: leadloop.OutcomeAssigned, Owner: "ana", Pool: "p"},
			"left":     {Disposition: leadloop.OutcomeAssigned, Owner: "ben"},
			"nobodys":  {Disposition: leadloop.OutcomeAssigned},
			"nowhere":  {Disposition: leadloop.OutcomeQueued},
			"patient":  {Disposition: leadloop.OutcomeQueued, Queue: "inbox", QueueSince: noon.Add(-25 * time.Hour)},
			"new":      {Disposition: leadloop.OutcomeQueued, Queue: "inbox", QueueSince: noon.Add(-time.Hour)},
			"unsaid":   {Disposition: leadloop.OutcomeNurture},
			"waiting":  {},
			"stranded": {},
		} {
			if _, err := tx.Leads().Put(ctx, &leadloop.Lead{ID: id, ReceivedAt: noon, State: s}); err != nil {
				return err
			}
		}
		for _, l := range []leadloop.Lead{
			{ID: "merged", MergedInto: "fine"},
			{ID: "early", ReceivedAt: noon.Add(time.Hour), State: leadloop.State{Disposition: leadloop.OutcomeNurture, Reason: "no_fit"}},
		} {
			if _, err := tx.Leads().Put(ctx, &l); err != nil {
				return err
			}
		}
		for _, r := range []leadloop.Rep{{ID: "ana"}, {ID: "ben", Inactive: true}} {
			if err := tx.CRM().PutRep(ctx, r); err != nil {
				return err
			}
		}
		if err := tx.Tasks().Add(ctx,
			leadloop.Task{Key: "dead:fine", Lead: "fine", Kind: "notify", DueAt: noon.Add(-time.Hour), Outside: true},
			leadloop.Task{Key: "dead:left", Lead: "left", Kind: "notify", DueAt: noon.Add(-time.Hour), Outside: true},
			leadloop.Task{Key: "held", Kind: "rescore", DueAt: noon},
			leadloop.Task{Key: "failing", Kind: "refresh", DueAt: noon},
			leadloop.Task{Key: "process:waiting", Kind: leadloop.TaskProcess, Lead: "waiting", DueAt: noon.Add(-time.Minute)},
		); err != nil {
			return err
		}
		leased, err := tx.Tasks().Lease(ctx, noon, 0, 2, "notify")
		if err != nil {
			return err
		}
		for _, task := range leased {
			// Each names its own lead, and they are one finding all the same.
			task.LastError = "lead " + string(task.Lead) + ": the channel answered 503"
			if err := tx.Tasks().Finish(ctx, task, leadloop.TaskDead); err != nil {
				return err
			}
		}
		if _, err := tx.Tasks().Lease(ctx, noon, 2*time.Hour, 1, "rescore"); err != nil {
			return err
		}
		for range 2 {
			leased, err := tx.Tasks().Lease(ctx, noon, 0, 1, "refresh")
			if err != nil {
				return err
			}
			leased[0].LastError, leased[0].DueAt = "the vendor is down", noon
			if err := tx.Tasks().Finish(ctx, leased[0], leadloop.TaskPending); err != nil {
				return err
			}
		}
		return tx.Tasks().Add(ctx,
			leadloop.Task{Key: "late", Kind: leadloop.TaskEscalate, DueAt: noon.Add(-time.Hour)},
			leadloop.Task{Key: "undelivered", Kind: "crm_task", DueAt: noon.Add(-time.Hour), Outside: true},
			leadloop.Task{Key: "later", Kind: leadloop.TaskEscalate, DueAt: noon.Add(time.Hour)},
		)
	})
	code, out, errs := command("doctor", "--store", "sqlite:leads.db", "--as-of", noon.Format(time.RFC3339), "--json")
	if code != exitRejects {
		t.Fatalf("exit %d: %s", code, errs)
	}
	var d diagnosis
	if err := json.Unmarshal([]byte(out), &d); err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, f := range d.Findings {
		if f.Do == "" || f.N != len(f.Examples) {
			t.Errorf("%+v: nothing to do, or another count than its examples", f)
		}
		got[f.What] = f.Examples
	}
	want := map[string][]string{
		"dead letters of kind notify, the latest error: lead …: the channel answered 503":      {"dead:fine", "dead:left"},
		"tasks of kind rescore are held by a worker for more than an hour to come":             {"held"},
		"tasks of kind refresh fail and are tried again, the latest error: the vendor is down": {"failing"},
		"outside tasks of kind crm_task are due and not delivered":                             {"undelivered"},
		"timers of kind escalate are due and not decided":                                      {"late"},
		"leads arrived later than the moment that is judged by":                                {"early"},
		"leads have waited in queue inbox for more than a day":                                 {"patient"},
		"leads are assigned to nobody":                                                         {"nobodys"},
		"leads are queued nowhere":                                                             {"nowhere"},
		"leads have neither an owner, a queue nor a reason":                                    {"unsaid"},
		"leads are stored, not decided, and no task will":                                      {"stranded"},
		"leads are owned by somebody who is not active any more":                               {"left"},
	}
	if diff := cmp.Diff(want, got); diff != "" || d.Leads != 10 || d.MergedAway != 1 {
		t.Errorf("%d leads, %d merged away; findings (-want +got):\n%s", d.Leads, d.MergedAway, diff)
	}
}

func TestTheDoctorNeitherMakesNorChangesAStore(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("empty.db", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	fill(t, "old.db", func(context.Context, store.Tx) error { return nil })
	old, err := sql.Open("sqlite", "old.db")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.Exec("DELETE FROM schema_versions WHERE version > 1"); err != nil {
		t.Fatal(err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"none.db": "there is no database", "empty.db": "no leads were ever kept in it", "old.db": "has schema version 1, this release needs"} {
		before, missing := os.ReadFile(name)
		code, _, errs := command("doctor", "--store", "sqlite:"+name)
		if code == 0 || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d: %s", name, code, errs)
		}
		if after, still := os.ReadFile(name); string(after) != string(before) || (missing == nil) != (still == nil) {
			t.Errorf("%s was changed", name)
		}
	}
}

// elsewhere is a store whose clock is so far from this machine's.
type elsewhere struct {
	store.Store
	off time.Duration
}

func (s elsewhere) Now(context.Context) (time.Time, error) { return time.Now().Add(s.off), nil }

func TestTheDoctorComparesClocks(t *testing.T) {
	for off, want := range map[time.Duration]string{
		time.Hour:        "this machine's clock is 1h0m0s behind the database's",
		-time.Hour:       "this machine's clock is 1h0m0s ahead of the database's",
		time.Millisecond: "",
	} {
		d := &diagnosis{}
		if err := d.clock(t.Context(), elsewhere{memstore.New(), off}); err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, f := range d.Findings {
			got.WriteString(f.What)
		}
		if got.String() != want {
			t.Errorf("with a clock that is %s ahead: %q, want %q", off, got.String(), want)
		}
	}
}

func TestThePasswordOfAStoreIsNeverPrinted(t *testing.T) {
	for name, want := range map[storeName]string{
		"postgres://ana:geheim@db.example.com/leads":                 "postgres://ana:xxxxx@db.example.com/leads",
		"postgresql://db.example.com/leads?user=ana&password=geheim": "postgresql://db.example.com/leads?password=xxxxx&user=ana",
		"postgres://ana:ge%heim@db.example.com/leads":                "postgres:…",
		"mysql://ana:geheim@db.example.com/leads":                    "mysql://ana:xxxxx@db.example.com/leads",
		"sqlite:leads@home:2026.db":                                  "sqlite:leads@home:2026.db",
		"memory":                                                     "memory",
	} {
		if got := name.String(); got != want || fmt.Sprintf("%q", name) != fmt.Sprintf("%q", want) {
			t.Errorf("%s is shown as %q and %q", string(name), got, name)
		}
	}
	for _, args := range [][]string{{"doctor", "--store", "mysql://ana:geheim@x/y"}, {"privacy", "export", "--lead", "x", "--store", "postgres://ana:geheim@127.0.0.1:1/y"}} {
		if code, out, errs := command(args...); code == 0 || strings.Contains(out+errs, "geheim") {
			t.Errorf("exit %d: %s%s", code, out, errs)
		}
	}
}

func TestTheDoctorOfAHealthyOrADamagedFile(t *testing.T) {
	t.Chdir(t.TempDir())
	fill(t, "leads.db", func(ctx context.Context, tx store.Tx) error {
		for range 300 {
			if err := tx.Journal().Append(ctx, leadloop.Event{Kind: leadloop.EventCaptured, Lead: "a", At: noon}); err != nil {
				return err
			}
		}
		return nil
	})
	code, out, errs := command("doctor", "--store", "sqlite:leads.db")
	if code != 0 {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	if code, _, errs := command("doctor", "--store", "sqlite:none.db"); code != exitUsage {
		t.Errorf("of no file: exit %d: %s", code, errs)
	}
	data, err := os.ReadFile("leads.db")
	if err != nil {
		t.Fatal(err)
	}
	for i := len(data) * 7 / 8; i < len(data); i++ {
		data[i] ^= 0x5a
	}
	if err := os.WriteFile("leads.db", data, 0o644); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := command("doctor", "--store", "sqlite:leads.db"); code != exitRejects || !strings.Contains(out, "stop writing to it and restore the latest backup") {
		t.Errorf("of a damaged file: exit %d: %s%s", code, out, errs)
	}
}
