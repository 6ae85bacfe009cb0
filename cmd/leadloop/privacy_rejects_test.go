package main

import (
	"os"
	"strings"
	"testing"
)

func TestAnErasureTakesThePersonsRowsOutOfRejectedOnes(t *testing.T) {
	unpack(t, "testdata/script/run.txtar")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	write("leads.csv", canaryLeads)
	write("activities.csv", canaryActivities)
	if code, _, errs := command("run", "--playbook", "playbook", "--leads", "leads.csv"); code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	const others = "b1,2026-11-02,ben@acme.com,,+49 151 11122233\n" + "b2,2026-11-02,other.canary.one@flightcage.com,,+49 30 7889999\n"
	write("leads.rejects.csv", "id,created_at,email,company,phone\n"+
		"x1,yesterday,Canary.One+news@FlightCage.com,,\n"+others+
		"x2,,<canary.one@flightcage.com>,\"over\ntwo lines\",\n"+
		"x3,,,,(0151) 777-88899\n"+
		"x4,,\"canary.one@flightcage.com,unfinished\n")
	write("web.rejects.jsonl", `{"email": "canary.one@flightcage.com"}`+"\n"+`{"email": "ben@acme.com"}`+"\n"+`{"email": "canary.one@flightcage.com", broken`+"\n")

	erase := []string{"privacy", "erase", "--id", "dsr-1", "--email", "canary.one@flightcage.com", "--phone", "+49 151 77788899"}
	code, _, errs := command(append(erase, "--rejects", "leads.rejects.csv")...)
	if code != 0 || !strings.Contains(errs, "leads.rejects.csv: 4 rows taken out") || !strings.Contains(errs, "web.rejects.jsonl still has 2 rows of the person: add --rejects web.rejects.jsonl") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if left, err := os.ReadFile("leads.rejects.csv"); err != nil || string(left) != "id,created_at,email,company,phone\n"+others {
		t.Errorf("left is %q, %v", left, err)
	}
	if info, err := os.Stat("leads.rejects.csv"); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
	code, _, errs = command(append(erase, "--rejects", "leads.rejects.csv", "--rejects", "web.rejects.jsonl")...)
	if code != 0 || !strings.Contains(errs, "leads.rejects.csv: 0 rows taken out") || !strings.Contains(errs, "web.rejects.jsonl: 2 rows taken out") || strings.Contains(errs, "still has") {
		t.Errorf("a second time: exit %d: %s", code, errs)
	}
	for name, args := range map[string][]string{
		"give the person's --email or --phone": {"privacy", "erase", "--id", "dsr-2", "--lead", "ld_1", "--rejects", "leads.rejects.csv"},
		"no.csv":                               append(erase, "--rejects", "no.csv"),
	} {
		if code, _, errs := command(args...); code == 0 || !strings.Contains(errs, name) {
			t.Errorf("want it to say %q, got exit %d: %s", name, code, errs)
		}
	}
}
