package inbound_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/capture"
	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/enrich"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

// rows reads a CSV file as one map per row.
func rows(t *testing.T, name string) []map[string]string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, r := range all[1:] {
		m := map[string]string{}
		for i, v := range r {
			m[all[0][i]] = v
		}
		out = append(out, m)
	}
	return out
}

func when(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := leadloop.ParseTime(text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// few and medium are the scoring rules that smaller playbooks would have.
var (
	few = []string{
		"company-size", "seniority", "free-mail", "demo", "pricing-repeat", "student", "throw-away",
	}
	medium = append(slices.Clone(few), "core-industry", "revenue-100m", "home-market", "buying-department", "pricing-once", "webinar", "shared-mailbox", "replied", "met", "visits")
)

// files is the playbook with nothing but the rules to stop it: no budget,
// because who buys everything would decide with less once it is spent, and no
// minimum fit. Of the rules only some are kept; none means all. Both vendors
// sell a company's record, whatever is asked about it.
func files(t *testing.T, rules []string) fs.FS {
	t.Helper()
	out := fstest.MapFS{}
	err := fs.WalkDir(os.DirFS("playbook"), ".", func(name string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && name == "cases" {
			return fs.SkipDir // they are about all rules
		}
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join("playbook", name))
		lines := strings.Split(string(data), "\n")
		switch name {
		case "enrich.yaml":
			lines = slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, "budget:") || strings.HasPrefix(l, "min_fit:") })
			for i, l := range lines {
				if strings.HasPrefix(l, "    charge: match") {
					lines[i] = "    charge: match\n    bundle: true"
				}
			}
		case "scoring.yaml":
			lines = keep(lines, rules)
		}
		out[name] = &fstest.MapFile{Data: []byte(strings.Join(lines, "\n"))}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// keep leaves the rules of these ids in a scoring.yaml.
func keep(lines, rules []string) []string {
	if rules == nil {
		return lines
	}
	var out []string
	inRules, kept := false, true
	for _, l := range lines {
		switch {
		case strings.HasPrefix(l, "rules:"):
			inRules = true
		case inRules && strings.HasPrefix(l, "  - "):
			_, id, _ := strings.Cut(l, "id: ")
			id, _, _ = strings.Cut(id, ",")
			kept = slices.Contains(rules, id)
		case inRules && l != "" && !strings.HasPrefix(l, " "):
			inRules, kept = false, true
		}
		if kept || !inRules {
			out = append(out, l)
		}
	}
	return out
}

// happening is something that happened in the twelve weeks.
type happening struct {
	at time.Time
	id string
	do func(ctx context.Context, l *engine.Loop) error
}

// story is what happened, in order.
func story(t *testing.T, schema *leadloop.Schema, st store.Store, until time.Time) []happening {
	t.Helper()
	var out []happening
	f, err := os.Open("leads.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	reader, err := capture.NewReader(f, capture.CSV, schema, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := capture.New(schema, capture.Source{Name: "leads"})
	if err != nil {
		t.Fatal(err)
	}
	arrived := map[leadloop.LeadID]bool{}
	for {
		p, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		sub, _, err := c.Submission(p, until)
		if err != nil {
			t.Fatal(err)
		}
		arrived[engine.RecordID(sub.Key)] = true
		out = append(out, happening{sub.ReceivedAt, "1" + sub.Key, func(ctx context.Context, l *engine.Loop) error {
			_, err := l.Process(ctx, sub, sub.ReceivedAt)
			return err
		}})
	}
	for _, r := range rows(t, "activities.csv") {
		lead := engine.RecordID(capture.Key("leads", r["lead"]))
		a := leadloop.Activity{ID: r["id"], Type: r["type"], At: when(t, r["at"]), Actor: leadloop.RepID(r["actor"])}
		out = append(out, happening{a.At, "2" + a.ID, func(ctx context.Context, l *engine.Loop) error {
			if a.Actor == "owner" {
				err := st.View(ctx, func(tx store.Tx) error {
					found, err := store.Resolve(ctx, tx.Leads(), lead)
					if err == nil {
						a.Actor = found.State.Owner
					}
					return err
				})
				if err != nil || a.Actor == "" || a.Actor == "owner" {
					return err
				}
			}
			_, err := l.Observe(ctx, lead, a.At, a)
			if errors.Is(err, leadloop.ErrNotFound) {
				return nil // what somebody did before they left a name
			}
			return err
		}})
	}
	slices.SortFunc(out, func(a, b happening) int { return cmp.Or(a.at.Compare(b.at), strings.Compare(a.id, b.id)) })
	return out
}

// outcome is what became of a lead, in every decision that moved it.
type outcome struct {
	Tier, Disqualified string
	Disposition        leadloop.OutcomeKind
	Owner              leadloop.RepID
	Queue, Policy      string
}

// play runs the twelve weeks and returns what became of every lead, the moves
// of all of them in order, and what was spent.
func play(t *testing.T, rules []string, mode enrich.Mode) (map[leadloop.LeadID]outcome, []string, leadloop.Micros, enrich.Summary) {
	t.Helper()
	ctx := t.Context()
	st := memstore.New()
	defer st.Close()
	pb, problems := playbook.Load(files(t, rules))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	tokens, err := privacy.NewTokens("test", bytes.Repeat([]byte{7}, privacy.MinKey))
	if err != nil {
		t.Fatal(err)
	}
	loop, err := pb.Loop(ctx, st, playbook.Options{Tokens: tokens, Enrich: mode})
	if err != nil {
		t.Fatal(err)
	}
	until := time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)
	err = st.Update(ctx, func(tx store.Tx) error { return crm(ctx, t, tx.CRM()) })
	if err != nil {
		t.Fatal(err)
	}
	list, err := os.Open(filepath.Join("crm", "suppressions.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	if _, err := privacy.Import(ctx, st, tokens, list, until); err != nil {
		t.Fatal(err)
	}
	for _, h := range story(t, pb.Schema(), st, until) {
		if _, err := loop.Advance(ctx, h.at); err != nil {
			t.Fatal(err)
		}
		if err := h.do(ctx, loop); err != nil {
			t.Fatalf("%s: %v", h.id, err)
		}
	}
	if _, err := loop.Advance(ctx, until); err != nil {
		t.Fatal(err)
	}
	out := map[leadloop.LeadID]outcome{}
	var moves []string
	var spent leadloop.Micros
	var sum enrich.Summary
	err = st.View(ctx, func(tx store.Tx) error {
		leads, err := tx.Leads().List(ctx, "", 1<<20)
		if err != nil {
			return err
		}
		for _, l := range leads {
			s := l.State
			out[l.ID] = outcome{s.Score.Tier, s.Score.Disqualified, s.Disposition, s.Owner, s.Queue, s.SLA.Policy}
			decisions, err := tx.Decisions().ByLead(ctx, l.ID)
			if err != nil {
				return err
			}
			for _, d := range decisions {
				for _, step := range d.Steps {
					if step.Stage == "enrich" {
						if err := sum.AddTrace(step.Trace); err != nil {
							return err
						}
					}
				}
			}
		}
		journal := map[leadloop.LeadID][]leadloop.Event{}
		for e, err := range tx.Journal().Since(ctx, 0) {
			if err != nil {
				return err
			}
			journal[e.Lead] = append(journal[e.Lead], e)
			if e.Kind == leadloop.EventUnmerged {
				journal[leadloop.LeadID(e.To)] = append(journal[leadloop.LeadID(e.To)], e)
			}
			switch e.Kind {
			case leadloop.EventTierChanged, leadloop.EventAssigned, leadloop.EventQueued, leadloop.EventNurtured, leadloop.EventDisqualified, leadloop.EventSuppressed:
				moves = append(moves, fmt.Sprint(e.At.Format(time.RFC3339), " ", e.Lead, " ", e.Kind, " ", e.From, " to ", e.To))
			}
		}
		for _, l := range leads {
			rebuilt, err := leadloop.Rebuild(l.ID, journal[l.ID])
			if err != nil {
				return err
			}
			if diff := gocmp.Diff(l.State, rebuilt.State, cmpopts.EquateEmpty()); diff != "" || rebuilt.MergedInto != l.MergedInto {
				t.Errorf("lead %s can't be rebuilt from its journal: part of %q, which says %q; -lead +journal\n%s", l.ID, l.MergedInto, rebuilt.MergedInto, diff)
			}
		}
		spent, err = tx.Costs().Total(ctx, "", until.AddDate(-1, 0, 0), until.AddDate(1, 0, 0))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out, moves, spent, sum
}

func crm(ctx context.Context, t *testing.T, to store.CRM) error {
	t.Helper()
	for _, r := range rows(t, filepath.Join("crm", "accounts.csv")) {
		a := leadloop.Account{
			ID: leadloop.AccountID(r["id"]), Name: r["name"], Domains: strings.Split(r["domains"], ";"),
			Owner: leadloop.RepID(r["owner"]), Customer: r["customer"] == "true", Country: r["country"],
		}
		a.Identifiers = dedupe.AccountIdentifiers(a)
		if err := to.PutAccount(ctx, a); err != nil {
			return err
		}
	}
	for _, r := range rows(t, filepath.Join("crm", "contacts.csv")) {
		c := leadloop.Contact{
			ID: leadloop.ContactID(r["id"]), Account: leadloop.AccountID(r["account"]), FirstName: r["first_name"], LastName: r["last_name"],
			Email: r["email"], Phone: r["phone"], Owner: leadloop.RepID(r["owner"]), OptedOut: r["opted_out"] == "true",
		}
		c.Identifiers = dedupe.ContactIdentifiers(c)
		if err := to.PutContact(ctx, c); err != nil {
			return err
		}
	}
	for _, r := range rows(t, filepath.Join("crm", "reps.csv")) {
		if err := to.PutRep(ctx, leadloop.Rep{ID: leadloop.RepID(r["id"]), Name: r["name"], Manager: leadloop.RepID(r["manager"]), Inactive: r["active"] != "true"}); err != nil {
			return err
		}
	}
	return nil
}

func TestBuyingWhatIsNeededDecidesEveryLeadAsBuyingEverythingDoes(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs twelve weeks six times")
	}
	var filled leadloop.Micros // what every field that the vendors offer costs: all are read by some rule
	for _, tc := range []struct {
		name  string
		rules []string
		most  leadloop.Micros // in percent of what filling every field costs
	}{{"all rules", nil, 95}, {"a medium number of rules", medium, 55}, {"few rules", few, 45}} {
		t.Run(tc.name, func(t *testing.T) {
			if raceEnabled && tc.name != "few rules" {
				t.Skip("the smallest playbook shows the races; the figures don't need the detector")
			}
			all, allMoves, demanded, _ := play(t, tc.rules, enrich.Everything)
			needed, neededMoves, spent, sum := play(t, tc.rules, enrich.Needed)
			filled = max(filled, demanded)
			if diff := gocmp.Diff(all, needed); diff != "" {
				t.Errorf("leads, if everything is bought (-) and what is needed (+):\n%s", diff)
			}
			if diff := gocmp.Diff(allMoves, neededMoves); diff != "" {
				t.Errorf("moves, if everything is bought (-) and what is needed (+):\n%s", diff)
			}
			if !raceEnabled && spent*100 > filled*tc.most || spent == 0 {
				t.Errorf("spent %d of %d, more than %d %%", spent, filled, tc.most)
			}
			money := func(m leadloop.Micros) float64 { return float64(m) / 1e6 }
			t.Logf("%d leads: %.2f spent, which is %.0f %% of %.2f for every field that a rule reads and %.0f %% of %.2f for every field there is; %.2f was estimated as saved",
				len(needed), money(spent), 100*money(spent)/money(demanded), money(demanded), 100*money(spent)/money(filled), money(filled), money(sum.Saved))
		})
	}
}
