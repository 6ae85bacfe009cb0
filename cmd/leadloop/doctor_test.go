package main

import (
	"context"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
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
			"unsaid":   {Disposition: leadloop.OutcomeNurture},
			"waiting":  {},
			"stranded": {},
		} {
			if _, err := tx.Leads().Put(ctx, &leadloop.Lead{ID: id, ReceivedAt: noon, State: s}); err != nil {
				return err
			}
		}
		if _, err := tx.Leads().Put(ctx, &leadloop.Lead{ID: "merged", MergedInto: "fine"}); err != nil {
			return err
		}
		for _, r := range []leadloop.Rep{{ID: "ana"}, {ID: "ben", Inactive: true}} {
			if err := tx.CRM().PutRep(ctx, r); err != nil {
				return err
			}
		}
		if err := tx.Tasks().Add(ctx,
			leadloop.Task{Key: "dead", Kind: "notify", DueAt: noon.Add(-time.Hour), Outside: true},
			leadloop.Task{Key: "process:waiting", Kind: leadloop.TaskProcess, Lead: "waiting", DueAt: noon.Add(-time.Minute)},
		); err != nil {
			return err
		}
		leased, err := tx.Tasks().Lease(ctx, noon, 0, 1, "notify")
		if err != nil {
			return err
		}
		leased[0].LastError = "the channel answered 503"
		if err := tx.Tasks().Finish(ctx, leased[0], leadloop.TaskDead); err != nil {
			return err
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
		"dead letters of kind notify, the latest error: the channel answered 503": {"dead"},
		"outside tasks of kind crm_task are due and not delivered":                {"undelivered"},
		"timers of kind escalate are due and not decided":                         {"late"},
		"leads are assigned to nobody":                                            {"nobodys"},
		"leads are queued nowhere":                                                {"nowhere"},
		"leads have neither an owner nor a reason why not":                        {"unsaid"},
		"leads are stored, not decided, and no task will":                         {"stranded"},
		"leads are owned by somebody who is not active any more":                  {"left"},
	}
	if diff := cmp.Diff(want, got); diff != "" || d.Leads != 7 || d.MergedAway != 1 {
		t.Errorf("%d leads, %d merged away; findings (-want +got):\n%s", d.Leads, d.MergedAway, diff)
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
	for i := len(data) / 2; i < len(data); i++ {
		data[i] ^= 0x5a
	}
	if err := os.WriteFile("leads.db", data, 0o644); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := command("doctor", "--store", "sqlite:leads.db"); code == 0 {
		t.Errorf("a damaged file is called healthy: %s%s", out, errs)
	}
}
