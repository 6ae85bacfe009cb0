package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/capture"
	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/normalize"
)

// folder is examples/inbound.
const folder = ".."

func TestTheCommittedFilesAreWhatTheProgramWrites(t *testing.T) {
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("%s differs from what the program writes; run go run ./examples/inbound/generate from the repository's root", name)
		}
	}
}

func TestTheProgramWritesTheSameTwiceAndNothingOutsideItsFolder(t *testing.T) {
	first, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	if err := write(out); err != nil {
		t.Fatal(err)
	}
	second := map[string][]byte{}
	err = filepath.WalkDir(out, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(out, path)
		if err != nil {
			return err
		}
		second[filepath.ToSlash(name)], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range first {
		if !bytes.Equal(first[name], second[name]) {
			t.Errorf("%s differs between two runs", name)
		}
	}
	if len(first) != len(second) {
		t.Errorf("%d files are generated, %d were written", len(first), len(second))
	}
	if err := write(filepath.Join(out, "nowhere")); err == nil {
		t.Error("a folder that is not there was written to")
	}
}

func TestThereIsRoomForTheSample(t *testing.T) {
	var sum int64
	err := filepath.WalkDir(folder, func(_ string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	if err != nil || sum > 1_200_000 {
		t.Errorf("the sample has %d bytes, more than 1.2 MB; %v", sum, err)
	}
}

// captured reads a leads file as the command does.
func captured(t *testing.T, name string) (rows map[string]leadloop.Submission, ids []string, rejects map[int]string, warnings map[string]int) {
	t.Helper()
	f, err := os.Open(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	schema := leadloop.StandardSchema()
	r, err := capture.NewReader(f, capture.CSV, schema, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := capture.New(schema, capture.Source{Name: "leads"})
	if err != nil {
		t.Fatal(err)
	}
	rows, rejects, warnings = map[string]leadloop.Submission{}, map[int]string{}, map[string]int{}
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			return rows, ids, rejects, warnings
		}
		var s leadloop.Submission
		var warned []capture.Reason
		if err == nil {
			s, warned, err = c.Submission(p, end.Add(time.Hour))
		}
		var rejected *capture.Reject
		switch {
		case errors.As(err, &rejected):
			reasons := make([]string, len(rejected.Reasons))
			for i, reason := range rejected.Reasons {
				reasons[i] = reason.String()
			}
			rejects[rejected.Line] = strings.Join(reasons, "; ")
		case err != nil:
			t.Fatal(err)
		default:
			id := p.Values[capture.ColumnID]
			rows[id], ids = s, append(ids, id)
			for _, w := range warned {
				warnings[w.Field]++
			}
		}
	}
}

func TestEveryLeadCanBeCapturedAndAFewFieldsCannotBeRead(t *testing.T) {
	_, ids, rejects, warnings := captured(t, "leads.csv")
	if len(ids) != 1000 || len(rejects) > 0 {
		t.Errorf("%d leads, rejects: %v", len(ids), rejects)
	}
	if !slices.IsSorted(ids) {
		t.Error("ids are not in the order of arrival")
	}
	for _, field := range []string{leadloop.Phone.Name(), leadloop.Employees.Name()} {
		if n := warnings[field]; n < 10 || n > 80 {
			t.Errorf("%s can't be read in %d rows", field, n)
		}
		delete(warnings, field)
	}
	if len(warnings) > 0 {
		t.Errorf("other fields that can't be read: %v", warnings)
	}
}

func TestTheLeadsLookLikeLife(t *testing.T) {
	rows, _, _, _ := captured(t, "leads.csv")
	policy := dedupe.DefaultPolicy()
	got := map[string]int{}
	emails, names := map[string]int{}, map[string]map[string]bool{}
	for _, s := range rows {
		p := leadloop.Golden(leadloop.StandardSchema(), policy, s.Claims)
		email, _ := leadloop.Email.Get(p)
		phone, _ := leadloop.Phone.Get(p)
		seniority, _ := leadloop.Seniority.Get(p)
		source, _ := leadloop.Source.Get(p)
		country, _ := leadloop.Country.Get(p)
		first, _ := leadloop.FirstName.Get(p)
		last, _ := leadloop.LastName.Get(p)
		for what, is := range map[string]bool{
			"free": normalize.IsFreeEmail(email), "disposable": normalize.IsDisposableEmail(email), "role": normalize.IsRoleEmail(email),
			"no e-mail": email == "", "no phone": phone == "", "student or intern": seniority == "student" || seniority == "intern",
			"partner": source == "partner", "sub-address": strings.Contains(email, "+"), "weekend": s.ReceivedAt.Weekday()%6 == 0,
			"no country": country == "", "outside the US": country != "" && country != "US", "accents": strings.ContainsAny(first+last, "áäãçéèëíïñóöøúüßåæ"),
		} {
			if is {
				got[what]++
			}
		}
		if email != "" {
			emails[email]++
			if names[first+" "+last] == nil {
				names[first+" "+last] = map[string]bool{}
			}
			names[first+" "+last][email] = true
		}
		if d := strings.TrimPrefix(email[strings.IndexByte(email, '@')+1:], "@"); email != "" && !strings.HasSuffix(d, ".example") &&
			!normalize.IsFreeEmail(email) && !normalize.IsDisposableEmail(email) {
			t.Errorf("%s could be somebody's domain", d)
		}
	}
	for _, n := range emails {
		got["same e-mail again"] += n - 1
	}
	for name, list := range names {
		if len(list) > 1 && name != " " {
			got["same name, other e-mail"]++
		}
	}
	for what, atLeast := range map[string]int{"free": 50, "disposable": 10, "role": 15, "no e-mail": 12, "no phone": 250, "student or intern": 15, "partner": 50, "sub-address": 8,
		"weekend": 40, "no country": 20, "outside the US": 300, "accents": 60, "same e-mail again": 50, "same name, other e-mail": 20} {
		if n := got[what]; n < atLeast || n > 700 {
			t.Errorf("%s: %d leads, expected at least %d", what, n, atLeast)
		}
	}
}

func TestEveryDirtyRowIsRejectedForItsReasonAndTheOthersGoOn(t *testing.T) {
	_, good, rejects, _ := captured(t, "dirty/leads.csv")
	if diff := cmp.Diff([]string{"good-plain", "good-day-only", "good-windows-1252", "good-quoted", "good-bad-phone", "good-bad-country", "good-after-the-quote", "good-last-without-line-end"}, good); diff != "" {
		t.Errorf("captured rows: %s", diff)
	}
	want := []string{
		"3: column", "4: column", "5: lead.email", "6: lead.email", "7: lead.email", "8: lead.email", "9: lead.email", "10: received_at", "11: received_at",
		"12: future", "15: UTF-8", "16: NUL", "17: company.name", "18: company.name", "19: lead.email", "20: lead.email", "21: lead.source",
		"22: quotes", "23: bytes", "29: company.name", "30: column", "31: quote",
	}
	for _, w := range want {
		line, reason, _ := strings.Cut(w, ": ")
		n := 0
		for _, c := range line {
			n = n*10 + int(c-'0')
		}
		if !strings.Contains(rejects[n], reason) {
			t.Errorf("line %d: rejected for %q, expected something about %s", n, rejects[n], reason)
		}
		delete(rejects, n)
	}
	if len(rejects) > 0 {
		t.Errorf("rejected besides: %v", rejects)
	}
}

// read returns the rows of a file as maps.
func read(t *testing.T, name string) []map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	all, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := make([]map[string]string, len(all)-1)
	for i, cells := range all[1:] {
		out[i] = map[string]string{}
		for j, c := range cells {
			out[i][all[0][j]] = c
		}
	}
	return out
}

func instant(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestActivitiesBelongToALeadAndSixInTenCameWithIt(t *testing.T) {
	rows, _, _, _ := captured(t, "leads.csv")
	ids := map[string]bool{}
	with, all := 0, 0
	for _, a := range read(t, "activities.csv") {
		at, lead := instant(t, a["at"]), rows[a["lead"]]
		all++
		switch {
		case ids[a["id"]]:
			t.Errorf("activity %s stands there twice", a["id"])
		case lead.Key == "":
			t.Errorf("activity %s is of no lead", a["id"])
		case at.Before(begin) || at.After(end):
			t.Errorf("activity %s lies outside the twelve weeks", a["id"])
		case a["actor"] == owner && at.Before(lead.ReceivedAt):
			t.Errorf("activity %s: its owner acts before there is a lead", a["id"])
		case (a["actor"] == owner) != slices.Contains([]string{"call", "email_sent", "meeting"}, a["type"]):
			t.Errorf("activity %s: a %s by %q", a["id"], a["type"], a["actor"])
		}
		ids[a["id"]] = true
		if !at.After(lead.ReceivedAt) {
			with++
		}
	}
	if share := float64(with) / float64(all); all < 4200 || all > 5000 || share < 0.55 || share > 0.65 {
		t.Errorf("%d activities, %.2f of them came with the lead", all, share)
	}
}

func TestTheCRMRefersToWhatThereIs(t *testing.T) {
	rows, _, _, _ := captured(t, "leads.csv")
	known := map[string]map[string]bool{"": {"": true}}
	for _, file := range []string{"accounts", "contacts", "reps"} {
		known[file] = map[string]bool{"": true}
		for _, r := range read(t, "crm/"+file+".csv") {
			if known[file][r["id"]] {
				t.Errorf("%s: id %q is empty or stands there twice", file, r["id"])
			}
			known[file][r["id"]] = true
		}
	}
	refers := func(file string, r map[string]string, column, to string) {
		if !known[to][r[column]] {
			t.Errorf("%s %s: there is no %s %q", file, r["id"], column, r[column])
		}
	}
	for _, r := range read(t, "crm/accounts.csv") {
		refers("account", r, "owner", "reps")
		refers("account", r, "parent", "accounts")
	}
	for _, r := range read(t, "crm/contacts.csv") {
		refers("contact", r, "account", "accounts")
		refers("contact", r, "owner", "reps")
		if _, err := normalize.Phone(r["phone"], ""); r["phone"] != "" && err != nil {
			t.Errorf("contact %s: %v", r["id"], err)
		}
	}
	for _, r := range read(t, "crm/reps.csv") {
		refers("rep", r, "manager", "reps")
	}
	fromLeads := 0
	for _, r := range read(t, "crm/opportunities.csv") {
		refers("opportunity", r, "account", "accounts")
		refers("opportunity", r, "contact", "contacts")
		refers("opportunity", r, "owner", "reps")
		if r["lead"] != "" {
			fromLeads++
			if lead, ok := rows[r["lead"]]; !ok || instant(t, r["created_at"]).Before(lead.ReceivedAt) {
				t.Errorf("opportunity %s is older than its lead, or there is none", r["id"])
			}
		}
		if got := normalize.Source(r["source"]); got != r["source"] {
			t.Errorf("opportunity %s: source %s is called %s", r["id"], r["source"], got)
		}
		if (r["status"] == "open") != (r["closed_at"] == "") || r["closed_at"] != "" && instant(t, r["closed_at"]).After(end) {
			t.Errorf("opportunity %s: %s, closed at %q", r["id"], r["status"], r["closed_at"])
		}
	}
	if fromLeads < 30 {
		t.Errorf("only %d opportunities came from leads", fromLeads)
	}
}

func TestSourcesOfDealsAreThoseOfTheirLeads(t *testing.T) {
	for _, c := range campaigns {
		for _, s := range c.of.source {
			if got, want := canonicalSource(s), normalize.Source(s); got != want {
				t.Errorf("source %q: the CRM would say %q, the lead %q", s, got, want)
			}
		}
	}
}
